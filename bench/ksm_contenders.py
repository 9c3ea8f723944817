# SPDX-License-Identifier: GPL-2.0-or-later
"""Who contends, and how is each one started, watched and ended?

Each is set up before there are guests, as on a host in service; the floor is not: it
is KSM run by hand, once all content is there, by somebody who knows that it is."""
import os
import pathlib
import signal
import subprocess
import time

import daemon
from knobs import Ksm
from kvmlive import BUILD, wait_until
from ksm_watch import has, wait_passes

SCRATCH = BUILD / "bench" / "ksm"

KVMTUNED_CONF = f"""\
[daemon]
run_dir = {daemon.RUN_DIR}
[ksm]
policy = auto
merge = always
[placement]
mode = off
[memory]
mode = off
"""

SCENARIOS = ("together", "staggered", "late", "one-idle", "none-idle")


class Contender:
    """name: in ONLY= and in the table.  One object runs once; stop() may come twice."""
    name = what = ""
    scenarios = SCENARIOS
    is_done_when_merged = False  # nothing to be learned from what comes then

    def missing(self):
        """Why this one cannot be had here."""
        return None

    def start(self):
        pass

    def settle(self, longest_s):
        """The host is as it was for long."""
        time.sleep(longest_s)

    def content_is_there(self):
        pass

    def watch(self, sample):
        pass

    def stop(self):
        Ksm.write("run", 0)


class Kvmtuned(Contender):
    name, what = "kvmtuned", "kvmtuned, policy=auto, merge=always"
    dir, environment = SCRATCH, {}  # what daemon.Daemon wants of a test

    def __init__(self):
        file = os.environ.get("KVMTUNED_CONF")
        self._conf = pathlib.Path(file).read_text() if file else KVMTUNED_CONF
        if file:
            self.what = f"kvmtuned with {file}"
        self._daemon = None

    def missing(self):
        file = SCRATCH / "test.conf"
        file.write_text(self._conf)
        done = daemon.kvmtuned("--test-config", "--config", file)
        return f"its configuration is refused: {done.stdout.strip()}" if done.returncode else None

    def start(self):
        self._daemon = daemon.Daemon(self, self._conf)
        self._daemon.wait_ready()
        self._daemon.notify.wait_for("^STATUS=.*libvirt connected")

    def stop(self):
        running, self._daemon = self._daemon, None
        try:
            if running is not None:
                running.stop()
        finally:
            if running is not None:
                running.kill()  # one that would not end must not meet the next contender
            super().stop()


class Ksmtuned(Contender):
    """Debian's script.  It puts its loop into the background and ends; the loop and
    its sleep stay in the process group that it was given."""
    name, what = "ksmtuned", "ksmtuned as Debian ships it"
    scenarios = ("together",)  # it does not scan while a fifth of memory is free
    settings = {}

    def __init__(self):
        self._group = None

    def missing(self):
        return None if self._original().exists() else "the package could not be downloaded"

    @staticmethod
    def _original():
        return SCRATCH / "ksmtuned" / "usr" / "sbin" / "ksmtuned"

    def script(self):
        return self._original()

    def start(self):
        environment = dict(os.environ, PIDFILE="/run/ksmtuned.pid", **self.settings)
        script = subprocess.Popen(["bash", self.script()], env=environment, start_new_session=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self._group = script.pid
        script.wait()

    def _ended(self):
        try:
            os.killpg(self._group, 0)
        except ProcessLookupError:
            return True
        return False

    def stop(self):
        if self._group is not None:
            os.killpg(self._group, signal.SIGKILL)
            wait_until(self._ended, what="ksmtuned is gone")
            self._group = None
        super().stop()


class HelpedKsmtuned(Ksmtuned):
    """Whatever keeps it from working at its best is taken out of its way: it sees the
    guests of libvirt, holds memory for short, and is at full speed before they come."""
    name, what = "ksmtuned-helped", "ksmtuned, sees libvirt's guests, always at full speed"
    scenarios = SCENARIOS
    settings = {"KSM_MONITOR_INTERVAL": "2", "KSM_THRES_COEF": "100", "KSM_NPAGES_BOOST": "1250"}
    pattern = "'^qemu-system.*-enable-kvm'", "'^/usr/bin/qemu-system.*-accel'"

    def script(self):
        text = self._original().read_text()
        assert self.pattern[0] in text, "another ksmtuned than Debian's 4.20150326"
        copy = SCRATCH / "ksmtuned-helped"
        copy.write_text(text.replace(*self.pattern))
        return copy

    def start(self):
        super().start()
        wait_until(lambda: Ksm.number("pages_to_scan") == 1250, what="ksmtuned at full speed")


class Advisor(Contender):
    name, what = "advisor", "the kernel's advisor, its defaults"
    settings = {}

    def missing(self):
        return None if has("advisor_mode") else "this kernel has none (Linux 6.8)"

    def start(self):
        for knob, value in self.settings.items():
            Ksm.write(knob, value)
        Ksm.write("advisor_mode", "scan-time")
        Ksm.write("run", 1)


class TunedAdvisor(Advisor):
    name, what = "advisor-tuned", "the same, at most 30 % of a CPU, a pass in 20 s"
    scenarios = ("together", "staggered", "late")  # it disturbs as the one above does
    settings = {"advisor_max_cpu": 30, "advisor_target_scan_time": 20}


class KernelDefaults(Contender):
    name, what = "defaults", "the kernel's defaults: 100 pages, 20 ms"
    scenarios = ("together", "staggered", "late")  # too slow to disturb anybody

    def start(self):
        Ksm.write("run", 1)


class Floor(Contender):
    """In the first pass a page shows that it has come to rest, in the second it meets
    its twin.  The third is for those that searched past a page of zeros in the second:
    such a page has just gone, and a search that meets its place ends there."""
    name, what = "floor", "by hand: three passes without a pause, then off"
    scenarios = ("together",)
    is_done_when_merged = True
    passes, burst_passes = 3, 4

    def __init__(self):
        self._first_pass = None

    def start(self):
        Ksm.write("pages_to_scan", 5000)  # short enough that run=0 soon takes effect
        Ksm.write("sleep_millisecs", 0)

    def settle(self, longest_s):
        """As many passes as a burst takes: with other ages of the resident's pages it would
        be the ages that are compared."""
        Ksm.write("run", 1)
        wait_passes(self.burst_passes, longest_s)
        Ksm.write("run", 0)

    def content_is_there(self):
        self._first_pass = Ksm.number("full_scans")
        Ksm.write("run", 1)

    def watch(self, sample):
        if sample.passes >= self._first_pass + self.passes:
            Ksm.write("run", 0)


ALL = (Floor, Kvmtuned, Ksmtuned, HelpedKsmtuned, Advisor, TunedAdvisor, KernelDefaults)
