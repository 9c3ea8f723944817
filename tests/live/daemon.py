# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a test run kvmtuned, hear what it says, and be its systemd?"""
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import threading
import time

from kvmlive import BUILD, wait_until

BINARY = BUILD / "kvmtuned"
RUN_DIR = pathlib.Path("/run/kvmtuned")
UNDO = RUN_DIR / "undo"

# Seconds instead of minutes; each test adds what it is about.
BASE_CONF = {"daemon": {"interval_s": 1, "run_dir": RUN_DIR}, "ksm": {"interval_s": 1}}
KSM_OFF = {"ksm": {"mode": "off"}}
ONLY_KSM = {"placement": {"mode": "off"}, "memory": {"mode": "off"}}
# By ksmtuned's law, whose steps are easy to tell; MemAvailable is always below all of it.
MEMORY_SHORT = {"ksm": {"policy": "ksmtuned", "free_target_percent": 100}}
MEMORY_PLENTIFUL = {"ksm": {"policy": "ksmtuned", "free_target_percent": 1,
                            "free_target_min_mib": 1}}

# What the daemon says, in one place.  The words in parentheses are documented in
# kvmtuned(8); the sentences around them are not, so as little of them as possible.
LIBVIRT_LOST = "no connection to libvirt"
LIBVIRT_BACK = "connected to libvirt|answers again"
LIBVIRT_LATE = "libvirt has not answered"
TAKEN_OVER = "taken over"
RELOADED = "is in force"


def as_said(guest):
    """Its name as it is shown, to be looked for."""
    return re.escape("".join(chr(byte) if 0x20 <= byte < 0x7f and byte not in b'\\"' else f"\\x{byte:02x}"
                             for byte in guest.name.encode()))


def undo_text():
    """Empty until the daemon has something to remember; it writes the file after it has spoken."""
    return UNDO.read_text() if UNDO.exists() else ""


def guest_verdict(guest, loop, why="[a-z-]+"):
    return rf"{as_said(guest)}: {loop}: .*\({why}\)"


def ksm_verdict(why):
    return rf" ksm: .*\({why}\)"


def appeared(guest):
    return rf"{as_said(guest)}: (running|paused)$"


def left(guest):
    return rf"{as_said(guest)}: (stopped|crashed|migrated away)$"


def ceded(what):
    """The warning, not the verdict (ceded) that follows."""
    return rf"warning +{re.escape(what)}: .*somebody else"


SANITIZER = re.compile(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|: runtime error: ")


def is_sanitized():
    """Then its memory is the sanitizer's."""
    return bool(re.search(rb"__[at]san_init", BINARY.read_bytes()))


def merged(*confs):
    """Sections of several configurations in one; the later key wins."""
    result = {}
    for conf in confs:
        for section, keys in conf.items():
            result.setdefault(section, {}).update(keys)
    return result


def conf_text(conf):
    lines = []
    for section, keys in conf.items():
        lines += [f"[{section}]"] + [f"{key} = {value}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


class FakeMeminfo:
    """/proc/meminfo of one daemon, so that memory is short when the test says so.  A
    bind mount in a mount namespace of its own; everything else is the real host."""

    def __init__(self, live):
        self.real = pathlib.Path("/proc/meminfo").read_text()
        self.file = live.dir / "meminfo"
        self.file.write_text(self.real)
        self.within = ["unshare", "--mount", "sh", "-c",
                       'mount --bind "$0" /proc/meminfo && exec "$@"', self.file]

    def set(self, **values_mib):
        """Swap is the real one, unless given here."""
        swap = re.findall(r"(?m)^Swap\w+:.*$", pathlib.Path("/proc/meminfo").read_text())
        text = self.real
        for line in swap:
            text = re.sub(rf"(?m)^{line.split(':')[0]}:.*$", line, text)
        for key, mib in values_mib.items():
            text = re.sub(rf"(?m)^{key}:.*$", f"{key}: {mib * 1024:15} kB", text)
        self.file.write_text(text)  # the same inode: whoever has it open sees it


class Recorder:
    """Lines that arrive in a thread of their own, to be waited for.

    source: a pipe, of which nobody else reads, or whatever `read` reads: what it has now, nothing
    at its end."""

    def __init__(self, source, read=None):
        self.lines = []
        self.times = []  # of arrival, to tell what came first where two record
        self._source = source
        self._read = read or (lambda: os.read(source.fileno(), 65536))
        self._rest = b""
        self._reading = threading.Lock()
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _is_readable(self, timeout=None):
        return bool(select.select([self._source], [], [], timeout)[0])

    def _take(self):
        """False: that was the end."""
        text = self._read()
        *lines, self._rest = (self._rest + (text or b"\n")).split(b"\n")
        with self._news:
            for line in lines if text else filter(None, lines):
                self.lines.append(line.decode(errors="replace"))
                self.times.append(time.monotonic())
            self._news.notify_all()
        return bool(text)

    def _listen(self):
        going = True
        while going and self._is_readable():
            with self._reading:
                going = not self._is_readable(0) or self._take()

    def mark(self):
        """Behind all that has been said by now, however late the thread is."""
        with self._reading:
            while self._is_readable(0) and self._take():
                pass
            return len(self.lines)

    def found(self, pattern, since=0):
        self.mark()
        return self._matching(pattern, since)

    def _matching(self, pattern, since):
        return [line for line in self.lines[since:] if re.search(pattern, line)]

    def time_of(self, pattern, since=0):
        """When the first line arrived that matches."""
        return next(when for line, when in zip(self.lines[since:], self.times[since:])
                    if re.search(pattern, line))

    def wait_for(self, pattern, timeout=30, since=0, count=1):
        """The first line that matches, once there are `count` of them."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._matching(pattern, since)) >= count, timeout):
                raise AssertionError(f"not said within {timeout} s: {pattern}")
            return self._matching(pattern, since)[0]


class NotifySocket(Recorder):
    """The other end of NOTIFY_SOCKET; a message may hold several lines."""

    def __init__(self, path):
        self.path = str(path)
        pathlib.Path(path).unlink(missing_ok=True)
        end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        end.bind(self.path)
        super().__init__(end, lambda: end.recv(65536).rstrip(b"\n") + b"\n")


class Daemon(Recorder):
    """A running kvmtuned.  Its log is its stderr, line by line.

    within: a command that ends in exec of its arguments."""

    number = 0

    def __init__(self, live, conf=None, options=("--foreground",), watchdog_s=None, within=()):
        Daemon.number += 1
        self.conf_file = live.dir / f"kvmtuned-{Daemon.number}.conf"
        self.write_conf(conf or {})
        self.notify = NotifySocket(f"/run/kt-notify-{Daemon.number}")
        environment = dict(os.environ, NOTIFY_SOCKET=self.notify.path, **live.environment)
        if watchdog_s:
            environment["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
        self.process = subprocess.Popen([*within, BINARY, *options, "--config", self.conf_file],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env=environment)
        super().__init__(self.process.stderr)

    def write_conf(self, conf):
        """conf: sections and keys over BASE_CONF, or the text itself."""
        text = conf if isinstance(conf, str) else conf_text(merged(BASE_CONF, conf))
        self.conf_file.write_text(text)

    def status(self, pattern, timeout=30):
        """Waits until the line that `systemctl status` shows has the pattern."""
        def shown():
            return self.notify.found("^STATUS=")[-1:]
        try:
            wait_until(lambda: shown() and re.search(pattern, shown()[0]), timeout)
        except AssertionError:
            raise AssertionError(f"not within {timeout} s: {pattern} in {shown()}") from None

    def wait_ready(self, timeout=30):
        def ready_or_dead():
            return self.notify.found("^READY=1") or self.process.poll() is not None
        wait_until(ready_or_dead, timeout, "READY=1 from the daemon")
        assert self.running(), f"ended with {self.process.returncode} before it was ready"

    def running(self):
        return self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def reload(self, conf):
        """SIGHUP, and wait until the daemon says that it is done with it."""
        self.write_conf(conf)
        since = self.notify.mark()
        self.send(signal.SIGHUP)
        self.notify.wait_for("^RELOADING=1", since=since)
        self.notify.wait_for("^READY=1", since=since)

    def wait_ticks(self, count=3):
        """So many whole ones, the present one not counted."""
        self.notify.wait_for("^WATCHDOG=1", since=self.notify.mark(), count=count + 1)

    def ticks_between(self, begin, end):
        return sum(begin < when <= end for line, when in zip(self.notify.lines, self.notify.times)
                   if line.startswith("WATCHDOG=1"))

    def tick(self):
        self.send(signal.SIGUSR1)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._reader.join(10)

    def stop(self, number=signal.SIGTERM, timeout=60, expected=0):
        """Ask it to end, which it must do well.  1: something could not be undone."""
        self.send(number)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still runs {timeout} s after signal {number}") from None
        self._reader.join(10)
        assert status == expected, f"ended with {status}"

    def close(self):
        """End of the test: a daemon that still runs must end well."""
        if self.running():
            self.stop()
        assert not self.found(SANITIZER), self.found(SANITIZER)[0]

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kvmtuned(*options, timeout=60, **popen):
    """One run to its end: exit status and everything it said."""
    return subprocess.run([BINARY, *map(str, options)], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                          errors="replace", **popen)
