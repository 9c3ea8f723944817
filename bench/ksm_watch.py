# SPDX-License-Identifier: GPL-2.0-or-later
"""How much is merged, and what has ksmd used for it, from moment to moment?"""
import pathlib
import time
from typing import NamedTuple

from knobs import KSM_DIR, Ksm
from kvmlive import MIB, PAGE, processes

# What a kernel starts with, as far as it has them.
DEFAULTS = {
    "merge_across_nodes": 1, "max_page_sharing": 256, "use_zero_pages": 0, "smart_scan": 1,
    "stable_node_chains_prune_millisecs": 2000,
    "advisor_max_cpu": 70, "advisor_min_pages_to_scan": 500, "advisor_max_pages_to_scan": 30000,
    "advisor_target_scan_time": 200, "pages_to_scan": 100, "sleep_millisecs": 20,
}
# Passes after which a page is mature: smart_scan then looks at it in one of nine.
MATURE_PASSES = 14
EARLY_S, EARLY_PERIOD_S, PERIOD_S = 10, 0.05, 0.2
ALL_MERGED = 0.999


def has(name):
    return (KSM_DIR / name).exists()


def reset():
    """Nothing merged, no page known to ksmd, every value the kernel's own."""
    if has("advisor_mode"):
        Ksm.write("advisor_mode", "none")  # it guards and resets pages_to_scan
    Ksm.write("run", 2)
    for name, value in DEFAULTS.items():
        if has(name) and Ksm.text(name) != str(value):
            Ksm.write(name, value)
    Ksm.write("run", 0)


def find_ksmd():
    for pid in processes():
        try:
            if pathlib.Path(f"/proc/{pid}/comm").read_text() == "ksmd\n":
                return pid
        except (FileNotFoundError, ProcessLookupError):
            pass
    raise AssertionError("ksmd is not to be seen: is this a PID namespace?")


KSMD = find_ksmd()


def ksmd_s():
    """CPU time since boot; schedstat counts nanoseconds, stat only ticks."""
    return int(pathlib.Path(f"/proc/{KSMD}/schedstat").read_text().split()[0]) / 1e9


def wait_passes(count, longest_s, watch=lambda: None):
    """Passes of whoever scans now.  Bounded: some scan slowly, some not at all."""
    wanted, deadline = Ksm.number("full_scans") + count, time.monotonic() + longest_s
    while Ksm.number("full_scans") < wanted and time.monotonic() < deadline:
        watch()
        time.sleep(EARLY_PERIOD_S)


class Sample(NamedTuple):
    at_s: float
    merged: float       # of what can be merged, 0 to 1; slightly more with QEMU's own
    saved_mib: float
    ksmd_s: float
    passes: int


def between(before, after, merged):
    """CPU time and moment at which a part was merged, in a straight line."""
    span = after.merged - before.merged
    part = (merged - before.merged) / span if span > 0 else 1
    return (before.at_s + part * (after.at_s - before.at_s),
            before.ksmd_s + part * (after.ksmd_s - before.ksmd_s))


class Watch:
    """What happens to filled guests from now on."""

    def __init__(self, guests):
        self._guests = guests
        self._possible = sum(one.possible() for one in guests)
        self._began, self._ksmd_s = time.monotonic(), ksmd_s()
        self.samples = []
        self._take()

    def _take(self):
        memories = [one.memory for one in self._guests]
        merging = sum(memory.merging_pages() for memory in memories)
        saved = Ksm.number("pages_sharing") + sum(memory.zeros_gone() for memory in memories)
        self.samples.append(Sample(time.monotonic() - self._began, merging / self._possible,
                                   saved * PAGE / MIB, ksmd_s() - self._ksmd_s,
                                   Ksm.number("full_scans")))

    def now(self):
        return self.samples[-1]

    def run(self, window_s, contender, until_merged=False):
        while self.now().at_s < window_s:
            time.sleep(EARLY_PERIOD_S if self.now().at_s < EARLY_S else PERIOD_S)
            before = self.now()
            self._take()
            # Somebody wrote run=2, and every page is new to ksmd again.
            assert self.now().passes >= before.passes, "full_scans fell: void"
            contender.watch(self.now())
            if until_merged and self.now().merged >= ALL_MERGED and self.merged() >= ALL_MERGED:
                break

    def merged(self):
        """Exact, of what can be merged."""
        return sum(one.merged() for one in self._guests) / self._possible

    def reached(self, merged):
        """(seconds, ksmd CPU-s) when so much was merged for the first time, or None."""
        if self.samples[0].merged >= merged:
            return self.samples[0].at_s, self.samples[0].ksmd_s
        for before, after in zip(self.samples, self.samples[1:]):
            if after.merged >= merged:
                return between(before, after, merged)
        return None

    def area_mib_s(self):
        return sum((before.saved_mib + after.saved_mib) / 2 * (after.at_s - before.at_s)
                   for before, after in zip(self.samples, self.samples[1:]))

    def last_cpu(self, seconds):
        """Share of a CPU that ksmd used at the end."""
        end = self.now()
        start = next(sample for sample in self.samples if sample.at_s >= end.at_s - seconds)
        return (end.ksmd_s - start.ksmd_s) / (end.at_s - start.at_s)
