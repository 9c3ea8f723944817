# SPDX-License-Identifier: GPL-2.0-or-later
"""Is every value that kvmtuned can change either nobody's doing, or on its undo file?

A Truth knows what each value would be without kvmtuned: what was there first, or what
somebody else has set since.
"""
import os
import pathlib
import re

from daemon import undo_text
from knobs import Ksm, chosen
from kvmlive import cpulist, virsh

BALANCING = pathlib.Path("/proc/sys/kernel/numa_balancing")
UNMERGED, STOPPED = "2", "0"


class Undo:
    """What the file says, once for all questions."""

    def __init__(self):
        self.ksm, self.balancing = {}, None  # (original, before, asked)
        self.pins, self.limits = {}, {}      # {uuid: {tid: ..}}, {uuid: ..}
        self.by_libvirt = set()              # those whose pins are
        uuid = None
        for line in undo_text().splitlines():
            kind, *words = line.split()
            if kind == "ksm":
                self.ksm[words[0]] = tuple(words[1:4])
            elif kind == "balancing":
                self.balancing = tuple(words)
            elif kind == "guest":
                uuid = words[0]
            elif kind == "pins" and words[0] == "libvirt":
                self.by_libvirt.add(uuid)
            elif kind == "pin":
                original, asked, before = words[4:7]
                self.pins.setdefault(uuid, {})[int(words[0])] = (
                    cpulist(original), cpulist("" if before == "-" else before), cpulist(asked))
            elif kind == "limit":
                self.limits[uuid] = tuple(map(int, words))


def affinity(tid):
    """None: it has gone."""
    try:
        return os.sched_getaffinity(tid)
    except ProcessLookupError:
        return None


def soft_limit_kib(guest):
    """None: unlimited."""
    found = re.search(r"soft_limit *: (\d+)", virsh("memtune", guest.uuid))
    return int(found[1]) if found else None


class GuestTruth:
    def __init__(self, guest):
        self.guest, self.process = guest, guest.pid()
        self.cpus = os.sched_getaffinity(self.process)
        self.pinned = {}    # {tid: CPUs} by an administrator
        self.ceded = set()  # those of them that nobody may touch before a reload or a restart
        self.limit_kib = soft_limit_kib(guest)

    def tids(self):
        try:
            return list(map(int, os.listdir(f"/proc/{self.process}/task")))
        except FileNotFoundError:
            return []

    def wrong_masks(self, undo):
        filed = undo.pins.get(self.guest.uuid, {})
        ours = [cpus for pin in filed.values() for cpus in pin[1:] if cpus]
        for tid in self.tids():
            found, own = affinity(tid), self.pinned.get(tid, self.cpus)
            if found is None or found == own:
                continue
            if tid in self.ceded:
                yield f"thread {tid} of {self.guest.name} is on {sorted(found)}, and was ceded on {sorted(own)}"
                continue
            # A thread that was born since has the mask of the one that made it.  libvirt moves
            # helpers by their cgroup, whatever they had, and the kernel remembers what that was.
            follows = tid not in self.pinned or self.guest.uuid in undo.by_libvirt
            explained = filed[tid][0] == own and found in filed[tid] if tid in filed else \
                follows and found in ours
            if not explained:
                yield (f"thread {tid} of {self.guest.name} is on {sorted(found)}, its own are {sorted(own)}, "
                       f"on file {filed.get(tid)}")

    def wrong_limit(self, undo):
        found, filed = soft_limit_kib(self.guest), undo.limits.get(self.guest.uuid)
        if found == self.limit_kib or (filed and found in filed):
            return
        yield f"soft limit of {self.guest.name} is {found} KiB, its own is {self.limit_kib}, on file {filed}"


class Truth:
    def __init__(self):
        self.first = Ksm.values()
        self.ksm = {name: chosen(value) for name, value in self.first.items()}
        self.ceded = set()  # of ksm: hands off until a reload or a restart
        self.balancing = BALANCING.read_text().strip() if BALANCING.exists() else None
        self.guests = {}

    def forgive(self):
        """A reload or a restart begins with what is there."""
        self.ceded.clear()
        for guest in self.guests.values():
            guest.ceded.clear()

    def add(self, guest):
        self.guests[guest.uuid] = GuestTruth(guest)

    def remove(self, guest):
        del self.guests[guest.uuid]

    def _wrong_ksm(self, undo):
        for name, own in self.ksm.items():
            found, filed = chosen(Ksm.text(name)), undo.ksm.get(name)
            if found == own or (name == "run" and {found, own} == {UNMERGED, STOPPED}):
                continue
            if name in self.ceded:
                yield f"ksm {name} is {found}, and was ceded as {own}"
            elif not filed or filed[0] != own or found not in filed[1:]:
                yield f"ksm {name} is {found}, its own is {own}, on file {filed}"

    def _wrong_balancing(self, undo):
        found = BALANCING.read_text().strip() if BALANCING.exists() else None
        filed = undo.balancing
        if found != self.balancing and not (filed and filed[0] == self.balancing and found in filed[1:]):
            yield f"numa_balancing is {found}, its own is {self.balancing}, on file {filed}"

    def wrong(self, with_limits=True, undo=None):
        """Of every value; without libvirtd nobody can tell a limit."""
        undo = undo or Undo()
        found = [*self._wrong_ksm(undo), *self._wrong_balancing(undo)]
        for guest in self.guests.values():
            found += guest.wrong_masks(undo)
            if with_limits:
                found += guest.wrong_limit(undo)
        return found

    def wrong_after_stop(self):
        """Everything is its own again, and nothing is left on file."""
        class Nothing(Undo):
            def __init__(self):
                self.ksm, self.balancing, self.pins, self.limits = {}, None, {}, {}
                self.by_libvirt = set()
        left = Undo()
        filed = [left.ksm, left.balancing, left.pins, left.limits]
        return self.wrong(undo=Nothing()) + ([f"left on file: {filed}"] if any(filed) else [])


# --- what must not grow ------------------------------------------------------------

def of_dead(pid):
    """Files of processes that have gone, still held open."""
    dead = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            path = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        owner = re.match(r"/proc/(\d+)/", path)
        if owner and not os.path.exists(f"/proc/{owner[1]}"):
            dead.append(path)
    return dead


def footprint(pid):
    """fds, threads, RSS in KiB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    number = {key: int(re.search(rf"(?m)^{key}:\s*(\d+)", status)[1]) for key in ("Threads", "VmRSS")}
    return len(os.listdir(f"/proc/{pid}/fd")), number["Threads"], number["VmRSS"]
