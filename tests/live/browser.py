# SPDX-License-Identifier: GPL-2.0-or-later
"""A real browser without a window: Chromium, told what to do over a pipe (DevTools protocol)."""
import base64
import fcntl
import json
import os
import shutil
import subprocess

from kvmlive import Skip

SECONDS = 60


def start(folder):
    """Process, and the ends of the pipes to and from it, which are its 3 and 4."""
    theirs_in, to = os.pipe()
    come_from, theirs_out = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out)]
    options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-dev-shm-usage " \
              "--disable-background-networking --remote-debugging-pipe"
    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(["bash", "-c", f"exec chromium {options} \"$0\" 3<&{high[0]} 4>&{high[1]}",
                                    f"--user-data-dir={folder}/browser"], pass_fds=high,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
    for end in (theirs_in, theirs_out, *high):
        os.close(end)
    return process, to, come_from


class Browser:
    """One page at a time.  What it asks the network for, and what it complains of, is kept."""

    def __init__(self, folder):
        if not shutil.which("chromium"):
            raise Skip("chromium is not installed")
        self.requests, self.complaints, self.last = [], [], 0
        self.seen, self.buffer = [], b""
        self.process, self.to, self.come_from = start(folder)
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{domain}.enable")

    def read(self):
        while b"\0" not in self.buffer:
            more = os.read(self.come_from, 1 << 20)
            assert more, "the browser has ended"
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(line)

    def note(self, message):
        name, about = message["method"], message["params"]
        self.seen.append(name)
        if name == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif name in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            self.complaints.append(json.dumps(about))

    def ask(self, method, **params):
        self.last += 1
        question = {"id": self.last, "method": method, "params": params}
        if self.session:
            question["sessionId"] = self.session
        os.write(self.to, json.dumps(question).encode() + b"\0")
        while True:
            message = self.read()
            if message.get("id") == self.last:
                assert "error" not in message, (method, message)
                return message["result"]
            if "method" in message:
                self.note(message)

    def open(self, path, width=1200, height=1600, dark=False):
        self.requests, self.complaints, self.seen = [], [], []
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.ask("Page.navigate", url=f"file://{path}")
        while "Page.loadEventFired" not in self.seen:
            message = self.read()
            if "method" in message:
                self.note(message)

    def evaluate(self, expression):
        answer = self.ask("Runtime.evaluate", expression=f"JSON.stringify({expression})", returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return json.loads(answer["result"]["value"])

    def screenshot(self):
        """All of the page, as a PNG."""
        answer = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def close(self):
        self.process.kill()
        self.process.wait(SECONDS)
        os.close(self.to)
        os.close(self.come_from)
