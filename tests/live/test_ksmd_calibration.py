# SPDX-License-Identifier: GPL-2.0-or-later
"""Does this kernel's ksmd do what the one of tests/sim does?

Twins are two processes with a few pages each.  Both ksmds go over them pass by pass;
`sim_ksmd --predict` tells what the simulated one did.
"""
import collections
import contextlib
import itertools
import mmap
import multiprocessing
import pathlib
import subprocess
import time

from knobs import Ksm
from kvmlive import BUILD, PAGE, Skip, distinct_pages, wait_until

PREDICT = BUILD / "tests" / "sim_ksmd"
MADV_MERGEABLE, MADV_NOHUGEPAGE = 12, 15
MATURE = 16  # passes after which smart_scan looks at a page in one pass of nine
LONG = 60
SWEEP = 3    # passes without smart_scan at the end of each prediction

# Somebody else may hold a page for a moment: no more than these can differ.
STRAY_PAGES = 0.05

Pass = collections.namedtuple("Pass", "number scanned skipped merged_a merged_b")


def own_memory(pipe, pages):
    """The life of a twin: b"offer" or a new content, answered when it is done."""
    memory = mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(MADV_NOHUGEPAGE)
    while True:
        order = pipe.recv_bytes()
        if order == b"offer":
            memory.madvise(MADV_MERGEABLE)
        else:
            memory[:] = order
        pipe.send_bytes(b"done")


class Twin:
    """Ends with the test's process."""

    def __init__(self, pages, content):
        fork = multiprocessing.get_context("fork")
        self.pipe, theirs = fork.Pipe()
        self.process = fork.Process(target=own_memory, args=(theirs, pages), daemon=True)
        self.process.start()
        self.pages = pages
        self.write(content)

    def order(self, order):
        self.pipe.send_bytes(order)
        self.pipe.recv_bytes()

    def write(self, content):
        self.order(distinct_pages(content, self.pages))

    def offer(self):
        self.order(b"offer")

    def merged(self):
        return int(pathlib.Path(f"/proc/{self.process.pid}/ksm_merging_pages").read_text())

    def close(self):
        self.process.kill()
        self.process.join()


class Passes:
    """One pass at a time: a batch ends with the pass, and a changed sleep_millisecs ends
    ksmd's sleep."""

    def __init__(self):
        Ksm.need()
        if "smart_scan" not in Ksm.values():
            raise Skip("this kernel has no smart_scan")
        if not PREDICT.exists():
            raise Skip(f"{PREDICT} is missing: make sim")
        if "advisor_mode" in Ksm.values():
            Ksm.write("advisor_mode", "none")
        self.sleeps = itertools.cycle((50_000, 50_001))
        Ksm.write("run", 0)
        Ksm.write("pages_to_scan", 1_000_000)
        Ksm.write("smart_scan", 1)
        Ksm.write("sleep_millisecs", next(self.sleeps))
        # With nothing to scan ksmd would not wait for its time but for the first to offer.
        self.keeper = Twin(1, "keeper")
        self.keeper.offer()
        Ksm.write("run", 1)
        Ksm.write("sleep_millisecs", next(self.sleeps))
        wait_until(self.ksmd_sleeps, what="ksmd sleeps")
        self.step(3)  # the dead are forgotten, the keeper is known
        if self.others() > 1:
            raise Skip("there is other memory that ksmd scans")
        self.begin = self.counters()

    @staticmethod
    def ksmd_sleeps():
        """A start ends no sleep, and a changed sleep may come in the pass of the start: one
        pass or two have ended before ksmd waits for us."""
        done = Ksm.number("full_scans")
        time.sleep(0.2)
        return Ksm.number("full_scans") == done

    @staticmethod
    def others():
        return sum(Ksm.number(f"pages_{kind}")
                   for kind in ("shared", "sharing", "unshared", "volatile"))

    def step(self, count=1):
        for _ in range(count):
            done = Ksm.number("full_scans")
            Ksm.write("sleep_millisecs", next(self.sleeps))
            wait_until(lambda: Ksm.number("full_scans") > done, what="a pass ends")
            Ksm.write("run", 1)  # waits for the batch to end
            assert Ksm.number("full_scans") == done + 1, "ksmd did not wait for us"

    @staticmethod
    def counters():
        return Ksm.number("pages_scanned"), Ksm.number("pages_skipped")

    def watch(self, first, count, twins):
        seen = []
        for number in range(first, first + count):
            self.step()
            scanned, skipped = (now - then for now, then in zip(self.counters(), self.begin))
            seen.append(Pass(number, scanned, skipped, *(twin.merged() for twin in twins)))
        return seen

    def close(self):
        self.keeper.close()

    def play(self, pages, offset, rewrite, count):
        """As twins_play() of tests/sim; then `count` passes, and a sweep."""
        alike = not rewrite
        twins = [Twin(pages, "alike" if alike else f"own {name}") for name in "ab"]
        twins[0].offer()
        self.step(offset)
        twins[1].offer()
        if rewrite:
            self.step(rewrite - offset)
            for twin in twins:
                twin.write("alike")
        first = max(offset, rewrite)
        seen = self.watch(first, count, twins)
        Ksm.write("smart_scan", 0)
        seen += self.watch(first + count, SWEEP, twins)
        for twin in twins:
            twin.close()
        return seen


def predicted(offset, rewrite, count):
    told = subprocess.run([PREDICT, "--predict", *map(str, (offset, rewrite, count))], check=True,
                          capture_output=True, text=True, timeout=60).stdout
    return [Pass(*map(int, line.split())) for line in told.splitlines()]


def compare(offset, rewrite, count):
    wanted = predicted(offset, rewrite, count)
    pages = wanted[-1].merged_a  # the sweep leaves nothing out
    with contextlib.closing(Passes()) as passes:
        seen = passes.play(pages, offset, rewrite, count)
    assert [one.number for one in seen] == [one.number for one in wanted]
    for real, model in zip(seen, wanted):
        # the keeper's page comes on top
        slack = STRAY_PAGES * 2 * pages + real.number
        assert all(abs(here - there) <= slack for here, there in zip(real, model)), \
            f"offset {offset}: the kernel {real}, the model {model}"
    return [one.number for one in seen if one.merged_b >= pages * (1 - STRAY_PAGES)]


def test_mature_twins_in_phase_merge_in_the_predicted_pass(live):
    for offset in (0, 9):
        assert len(compare(offset, offset + MATURE, LONG)) > SWEEP, "only the sweep merged them"


def test_mature_twins_out_of_phase_merge_only_in_a_sweep(live):
    for offset in (1, 4):
        assert len(compare(offset, offset + MATURE, LONG)) <= SWEEP, "they were in phase"


def test_a_new_twin_of_a_mature_one_merges_in_the_predicted_pass_or_never(live):
    assert compare(20, 0, LONG)[0] == 20 + 2
    assert len(compare(22, 0, LONG)) <= SWEEP, "they were in phase"
