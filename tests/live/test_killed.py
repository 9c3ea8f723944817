# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest is killed right before, or right after, the n-th call about it that the daemon makes
between the guest's start and some ticks after it is pinned: is nothing wrong told, nothing of it left, and
nobody else harmed?

A few of these points are tried in `make live`, each one of them in `make faults-live`, where
KT_ROWS=openat,virDomainGetState names the calls to be tried.
"""
import os
import pathlib
import signal
import subprocess

from daemon import KSM_OFF, kvmtuned, left, merged, undo_text
from faults import Faults
from kvmlive import Libvirtd, command_line, wait_until
from test_placement import ONLY_PLACEMENT, two_nodes, wait_home

ALL = "KT_ALL_ROWS" in os.environ
NAMED = set(filter(None, os.environ.get("KT_ROWS", "").split(",")))
LINES_MAX = 8  # about a guest that came and went
KERNEL = ("openat", "pread", "sched_getaffinity", "sched_setaffinity")
LIBVIRT = ("virDomainLookupByUUID", "virDomainGetState", "virDomainGetMemoryParameters",
           "virDomainGetXMLDesc", "virDomainSetMetadata", "virDomainPinEmulator",
           "virDomainPinVcpuFlags", "virDomainGetVcpuPinInfo")
POINTS_MAX = 200
READ_AGAIN_TICKS = 6  # a guest that does not run is read less often
FEW = {"pread": (3, "kill-before"), "sched_setaffinity": (1, "kill-after"),
       "virDomainPinEmulator": (1, "kill-before")}


def points(call):
    """(number, kind): which one it is, in `make live`, is as good as any other."""
    if ALL:
        for number in range(1, POINTS_MAX):
            yield number, "kill-before"
            yield number, "kill-after"
    elif call in FEW:
        yield FEW[call]


class Scene:
    def __init__(self, live, backend):
        self.live, self.faults = live, Faults(live)
        self.home, _ = two_nodes(live)
        self.bystander = live.guest("bystander")
        self.daemon = live.daemon(merged(ONLY_PLACEMENT, KSM_OFF, {"placement": {"backend": backend}}))
        wait_home(self.bystander, self.home)
        self.nvictims = 0

    def is_placed(self, victim):
        try:
            return victim.all_on(self.home)
        except (AssertionError, FileNotFoundError):  # it was killed just now
            return False

    def kill_at(self, call, number, kind):
        """False: there are not so many calls."""
        self.nvictims += 1
        victim = self.live.new_guest(f"victim{self.nvictims}")
        self.faults.set(f"{call} {kind} {number} {victim.uuid}")
        mark = self.daemon.mark()
        victim.create()
        wait_until(lambda: self.faults.count(call) or self.is_placed(victim), what="hit, or pinned")
        ticks = self.daemon.notify.mark()
        wait_until(lambda: self.faults.count(call) or
                   len(self.daemon.notify.found("^WATCHDOG=1", ticks)) > READ_AGAIN_TICKS,
                   what="hit, or read again")
        if not self.faults.count(call):
            self.faults.clear()
            victim.destroy()
            return False
        self.require_nothing_left(victim, mark)
        return True

    def require_nothing_left(self, victim, mark):
        daemon = self.daemon
        wait_until(lambda: not victim.exists(), what="libvirt forgot it")
        if daemon.found(victim.name, mark):  # it may have gone before anything was said of it
            daemon.wait_for(left(victim), since=mark)
        daemon.wait_ticks(1)
        wait_until(lambda: victim.uuid not in undo_text(), what="the undo file has no trace of it")
        wrong = daemon.found(r" (error|warning) ", mark)
        assert not wrong, wrong
        lines = daemon.found(victim.name, mark)
        assert len(lines) <= LINES_MAX, lines
        assert self.bystander.all_on(self.home), self.bystander.affinity()

    def kill_everywhere(self, calls):
        for call in calls if not NAMED else NAMED & set(calls):
            hits = 0
            for number, kind in points(call):
                try:
                    if not self.kill_at(call, number, kind):
                        break
                except AssertionError as error:
                    raise AssertionError(f"{kind} {call} {number}: {error}") from error
                hits += 1
            assert hits or not (ALL or call in FEW), f"no call of {call} is about a guest"
        last = self.live.guest("last")
        wait_home(last, self.home)
        self.daemon.stop()


def test_a_guest_killed_at_each_look_of_ours(live):
    Scene(live, "affinity").kill_everywhere(KERNEL)


def test_a_guest_killed_at_each_question_to_libvirt(live):
    Scene(live, "libvirt").kill_everywhere(LIBVIRT)


test_a_guest_killed_at_each_look_of_ours.seconds = 2400  # a point takes as long as a guest does to start
test_a_guest_killed_at_each_question_to_libvirt.seconds = 600


def somebody_else_with_number(pid, cpus):
    """Of this PID namespace, which is the test's own."""
    def started():
        pathlib.Path("/proc/sys/kernel/ns_last_pid").write_text(str(pid - 1))
        process = subprocess.Popen(["sleep", "infinity"], stdin=subprocess.DEVNULL)
        if process.pid == pid:
            return process
        process.kill()
        process.wait()
        return None
    process = wait_until(started, what=f"a process gets the number {pid}")
    os.sched_setaffinity(pid, cpus)
    return process


def recycle(live, end):
    """The guest dies unheard, and its number is another's, whose mask is just as ours was."""
    home, _ = two_nodes(live)
    guest = live.guest("one")
    daemon = live.daemon(merged(ONLY_PLACEMENT, KSM_OFF))
    wait_home(guest, home)
    pid = guest.pid()
    Libvirtd.kill()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not command_line(pid) and not os.path.exists(f"/proc/{pid}"), what="it is gone")
    stranger = somebody_else_with_number(pid, home)
    daemon.wait_ticks(2)
    assert os.sched_getaffinity(pid) == home
    end(daemon)
    assert os.sched_getaffinity(pid) == home, "the mask of a stranger was written"
    stranger.kill()
    stranger.wait()


def test_who_has_the_number_of_a_dead_guest_is_not_touched(live):
    recycle(live, lambda daemon: daemon.stop())


def nor_by_a_restore_after_kill_9(live):
    def end(daemon):
        daemon.kill()
        done = kvmtuned("--restore", "--config", daemon.conf_file)
        assert done.returncode == 0, done.stdout
    recycle(live, end)


if ALL:
    test_nor_by_a_restore_after_kill_9 = nor_by_a_restore_after_kill_9
