# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest is killed right before, or right after, the n-th call about it that the daemon makes
between the guest's start and some ticks after it is pinned, or while memory is taken of it and
given back: is nothing wrong told, nothing of it left, and nobody else harmed?

A few of these points are tried in `make live`, each one of them in `make faults-live`, where
KT_ROWS=openat,virDomainGetState names the calls to be tried.  Not here: where memory is moved to
another node, which this machine may not have, and memory.reclaim, which cgroup v1 has not.
"""
import itertools
import os
import pathlib
import signal
import subprocess

from daemon import KSM_OFF, MEMORY_SHORT, FakeMeminfo, kvmtuned, left, merged, undo_text
from faults import Faults
from knobs import Ksm
from kvmlive import Libvirtd, add_swap, command_line, create_all, sleeper_disk, wait_until
from test_memory import (CALM, MEMORY_MIB, ONLY_MEMORY, PRESSED, USED_MIB, wait_limited,
                         wait_unlimited)
from test_placement import ONLY_PLACEMENT, two_nodes, wait_home

ALL = "KT_ALL_ROWS" in os.environ
NAMED = set(filter(None, os.environ.get("KT_ROWS", "").split(",")))
LINES_MAX = 8  # about a guest that came and went
KERNEL = ("openat", "pread", "sched_getaffinity", "sched_setaffinity")
LIBVIRT = ("virDomainLookupByUUID", "virDomainGetState", "virDomainGetMemoryParameters",
           "virDomainGetXMLDesc", "virDomainSetMetadata", "virDomainPinEmulator",
           "virDomainPinVcpuFlags", "virDomainGetVcpuPinInfo", "virDomainGetInfo",
           "virDomainGetJobStats", "virDomainGetEmulatorPinInfo", "virDomainPinIOThread",
           "virDomainGetIOThreadInfo")
LIMIT = ("virDomainSetMemoryParameters", "virDomainGetMemoryParameters", "virDomainSetMetadata")
ALL_LOOPS = merged(ONLY_PLACEMENT, MEMORY_SHORT, {"ksm": {"mode": "active"}, "memory": {"mode": "active"}})
POINTS_MAX = 400
KILLS = ("kill-before", "kill-after")
STEPS_TICKS = 10  # after which a squeezed guest is where it stays
READ_AGAIN_TICKS = 6  # a guest that does not run is read less often
FEW = {"pread": (3, "kill-before"), "sched_setaffinity": (1, "kill-after"),
       "virDomainPinEmulator": (1, "kill-before"), "virDomainPinIOThread": (1, "kill-after"),
       "virDomainGetJobStats": (1, "kill-before")}


def points(call):
    """(number, kind): which one it is, in `make live`, is as good as any other."""
    if ALL:
        for number in range(1, POINTS_MAX):
            for kind in KILLS:
                yield number, kind
        raise AssertionError(f"there are more than {POINTS_MAX} calls of {call}: has it an end?")
    elif call in FEW:
        yield FEW[call]


def require_nothing_left(daemon, victim, mark):
    wait_until(lambda: not victim.exists(), what="libvirt forgot it")
    if daemon.found(victim.name, mark):  # it may have gone before anything was said of it
        daemon.wait_for(left(victim), since=mark)
    daemon.wait_ticks(1)
    wait_until(lambda: victim.uuid not in undo_text(), what="the undo file has no trace of it")
    wrong = daemon.found(r" (error|warning) ", mark)
    assert not wrong, wrong
    lines = daemon.found(victim.name, mark)
    assert len(lines) <= LINES_MAX, lines


class Scene:
    def __init__(self, live, backend, conf):
        self.live, self.faults = live, Faults(live)
        self.home, _ = two_nodes(live)
        self.bystander = live.guest("bystander")
        self.daemon = live.daemon(merged(conf, {"placement": {"backend": backend}}))
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
        victim = self.live.new_guest(f"victim{self.nvictims}", elements="<iothreads>1</iothreads>")
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
        require_nothing_left(self.daemon, victim, mark)
        assert self.bystander.all_on(self.home), self.bystander.affinity()
        return True

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
            if ALL:
                print(f"     {call}: {hits} guests killed", flush=True)
        last = self.live.guest("last")
        wait_home(last, self.home)
        self.daemon.stop()


def test_a_guest_killed_at_each_look_of_ours(live):
    Scene(live, "affinity", merged(ONLY_PLACEMENT, KSM_OFF)).kill_everywhere(KERNEL)


def test_a_guest_killed_at_each_question_to_libvirt(live):
    Scene(live, "libvirt", merged(ONLY_PLACEMENT, KSM_OFF)).kill_everywhere(LIBVIRT)


def a_guest_killed_at_each_look_while_all_loops_are_on(live):
    """What KSM and the audit look at is looked at too."""
    Ksm.need()
    Scene(live, "affinity", ALL_LOOPS).kill_everywhere(("openat", "pread"))


class Squeezed:
    """Guests that are limited and let go, again and again, until they are killed."""

    VICTIMS = 6  # all of them are watched in the same minute

    def __init__(self, live):
        add_swap(512)
        self.live, self.meminfo, self.faults = live, FakeMeminfo(live), Faults(live)
        self.nguests = 0
        self.victims = []
        self.bystander = self.sleeper()
        create_all([self.bystander], paused=False)
        self.daemon = live.daemon(ONLY_MEMORY, {"daemon": {"log_level": "info"}}, within=self.meminfo.within)

    def sleeper(self):
        self.nguests += 1
        disk = self.live.file(f"disk{self.nguests}", sleeper_disk(USED_MIB))
        return self.live.new_guest(f"sleeper{self.nguests}", memory_mib=MEMORY_MIB, disk=disk)

    def press(self, pressed):
        self.meminfo.set(**(PRESSED if pressed else CALM))

    def wait_done(self, pressed, guests, timeout):
        (wait_limited if pressed else wait_unlimited)(guests, timeout)

    def next_victim(self):
        if not self.victims:
            self.victims = [self.sleeper() for _ in range(self.VICTIMS)]
            create_all(self.victims, paused=False)
            for guest in self.victims:
                wait_until(lambda guest=guest: guest.resident_mib() >= USED_MIB - 1, 60,
                           f"{guest.name} has touched its memory")
            self.press(True)
            wait_limited(self.victims, 150)
        return self.victims[0]

    def kill_at(self, pressing, call, number, kind):
        """False: there are not so many calls."""
        victim = self.next_victim()
        self.press(not pressing)
        self.wait_done(not pressing, [victim, self.bystander], 60)
        mark = self.daemon.mark()
        self.faults.set(f"{call} {kind} {number} {victim.uuid}")
        self.press(pressing)
        self.wait_done(pressing, [self.bystander], 60)
        ticks = self.daemon.notify.mark()
        wait_until(lambda: self.faults.count(call) or
                   len(self.daemon.notify.found("^WATCHDOG=1", ticks)) > STEPS_TICKS, 60, "hit, or done")
        hit = self.faults.count(call)
        self.faults.clear()
        if hit:
            self.victims.remove(victim)
            require_nothing_left(self.daemon, victim, mark)
        return hit

    def kill_everywhere(self):
        for call, pressing, number, kind in itertools.product(LIMIT, (True, False), (1, 2), KILLS):
            if NAMED and call not in NAMED:
                continue
            where = f"{kind} {call} {number}, {'squeezed' if pressing else 'let go'}"
            try:
                hit = self.kill_at(pressing, call, number, kind)
            except AssertionError as error:
                raise AssertionError(f"{where}: {error}") from error
            assert hit or number > 1, f"{where}: no such call"
            print(f"     {where}: {'killed' if hit else 'not called so often'}", flush=True)
        self.press(False)
        wait_unlimited([self.bystander, *self.victims], 60)
        self.daemon.stop()
        assert "limit " not in undo_text(), undo_text()


def a_guest_killed_while_memory_is_taken(live):
    Squeezed(live).kill_everywhere()


test_a_guest_killed_at_each_look_of_ours.seconds = 2400  # a point takes as long as a guest does to start
test_a_guest_killed_at_each_question_to_libvirt.seconds = 900
if ALL:
    test_a_guest_killed_at_each_look_while_all_loops_are_on = a_guest_killed_at_each_look_while_all_loops_are_on
    test_a_guest_killed_at_each_look_while_all_loops_are_on.seconds = 2400
    test_a_guest_killed_while_memory_is_taken = a_guest_killed_while_memory_is_taken
    test_a_guest_killed_while_memory_is_taken.seconds = 1800


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
