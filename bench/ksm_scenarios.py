# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens to the guests while a contender runs?  Each scenario answers with
numbers by name; what was not reached is None."""
import os
import time

import ksm_content
import ksm_watch
from knobs import Ksm
from kvmlive import BUILD, MIB, Guest, create_all, destroy_all, wait_until
from ksm_content import STRIPE_PAGES, FilledGuest, Memory, Region
from ksm_watch import MATURE_PASSES

GUESTS, TOGETHER, GUEST_MIB = 4, 8, 64
# A guest that was there long before: what a controller does on a host in service, not
# on an empty one.
RESIDENT_MIB = 512
FIRST_PASSES_S, SETTLE_S = 3, 15
GAP_S, MATURE_S = 6, 8  # no longer for a contender whose passes are slow
BURST_S, BASELINE_S = 20, 6
NOISE_MAX = 0.1
STEADY_S = 30


def percent(part):
    return STRIPE_PAGES * part // 100


class Scene:
    """The guests of one run, and the end of everything in it."""

    def __init__(self, contender):
        self.contender = contender
        self._churn = None

    def __enter__(self):
        return self

    def keep_in_motion(self, guests):
        self._churn = ksm_content.start_churn(guests)

    def __exit__(self, *_):
        if self._churn is not None:
            self._churn.kill()
            self._churn.wait()
        destroy_all()


# --- together -------------------------------------------------------------------------

def alike(number):
    """More than half is in every guest: of less, khugepaged (max_ptes_shared) makes huge
    pages again, and what is then measured is how often it comes by."""
    return [Region(percent(55), "everywhere", merges=True), Region(percent(10), merges=True),
            Region(percent(25), f"own {number}"), Region(percent(10), f"moving {number}", churns=True)]


def host_in_service(contender):
    """The contender has been at work for a while.  Its first passes find an almost empty
    host, as after boot: the advisor takes ksmd's CPU time since boot for its first
    pass's, and would crawl for minutes if that pass were a real one."""
    resident = FilledGuest("resident", RESIDENT_MIB, [Region(percent(100), "resident")])
    contender.start()
    ksm_content.create([resident])
    ksm_watch.wait_passes(MATURE_PASSES, FIRST_PASSES_S)
    resident.fill()
    contender.settle(SETTLE_S)


def fill_at_once(scene, guests):
    """T=0 is when all content is there."""
    for one in guests:
        one.fill()
    scene.keep_in_motion(guests)
    scene.contender.content_is_there()
    return ksm_watch.Watch(guests)


def together(scene, window_s):
    guests = [FilledGuest(f"together-{n}", GUEST_MIB, alike(n)) for n in range(TOGETHER)]
    host_in_service(scene.contender)
    ksm_content.create(guests)
    watch = fill_at_once(scene, guests)
    alone = scene.contender.is_done_when_merged
    watch.run(window_s, scene.contender, until_merged=alone)
    half, most, used_s = watch.reached(0.5), watch.reached(0.9), watch.now().ksmd_s
    numbers = {"together": watch.merged(), "t50_s": half and half[0], "t90_s": most and most[0],
               "t90_cpu_s": most and most[1], "used_s": used_s}
    if not alone:
        numbers["area"] = watch.area_mib_s() / used_s if used_s > 0.001 else None
        numbers["steady"] = watch.last_cpu(min(STEADY_S, window_s / 2))
    return numbers


# --- staggered ------------------------------------------------------------------------

def link(number):
    """One half shared with the guest before, the other with the next: every content
    has two owners only, and the first has waited for long when the second comes."""
    return [Region(percent(40), f"link {number - 1}", merges=number > 0),
            Region(percent(40), f"link {number}", merges=number < GUESTS - 1),
            Region(percent(20), f"own {number}")]


def arrive(guests, passes, longest_s):
    """One after the other, so many passes apart."""
    for number, one in enumerate(guests):
        ksm_content.create([one])
        if number == 0:
            ksm_watch.wait_passes(MATURE_PASSES, FIRST_PASSES_S)  # as in host_in_service()
        one.fill()
        if one is not guests[-1]:
            ksm_watch.wait_passes(passes, longest_s)


def staggered(scene, window_s):
    guests = [FilledGuest(f"staggered-{n}", GUEST_MIB, link(n)) for n in range(GUESTS)]
    scene.contender.start()
    arrive(guests, MATURE_PASSES, GAP_S)
    watch = ksm_watch.Watch(guests)
    watch.run(window_s, scene.contender, until_merged=True)
    return {"staggered": watch.merged(), "staggered_s": watch.now().at_s}


# --- late equal -----------------------------------------------------------------------

def late(scene, window_s):
    """Two and two become equal after all have grown old, first seen in different passes."""
    guests = [FilledGuest(f"late-{n}", GUEST_MIB, [Region(percent(100), f"own {n}")]) for n in range(GUESTS)]
    scene.contender.start()
    arrive(guests, 2, GAP_S)
    ksm_watch.wait_passes(MATURE_PASSES, MATURE_S)
    for number, one in enumerate(guests):
        one.prepare([Region(percent(80), f"pair {number // 2}", merges=True)])
    for one in guests:
        one.fill()
    watch = ksm_watch.Watch(guests)
    watch.run(window_s, scene.contender, until_merged=True)
    return {"late": watch.merged(), "late_s": watch.now().at_s}


# --- busy guests ----------------------------------------------------------------------

# A boot sector that counts to 2^64 at COUNTER:
#   cli; xor ax,ax; mov ds,ax; 1: add dword [COUNTER],1; adc dword [COUNTER+4],0; jmp 1b
COUNTER = 0x600
COUNT_DISK = (b"\xfa\x31\xc0\x8e\xd8" b"\x66\x83\x06\x00\x06\x01" b"\x66\x83\x16\x04\x06\x00" b"\xeb\xf2"
              ).ljust(510, b"\0") + b"\x55\xaa" + bytes(MIB)


class BusyGuests:
    """Running guests whose only vCPU counts as fast as it can."""

    def __init__(self, count):
        disks = [BUILD / "bench" / "ksm" / f"count-{n}.img" for n in range(count)]
        for disk in disks:
            disk.write_bytes(COUNT_DISK)
        guests = [Guest(f"busy-{n}", memory_mib=16, disk=disk) for n, disk in enumerate(disks)]
        create_all(guests, paused=False)
        self._memories = [Memory(guest) for guest in guests]
        before = self._counts()
        wait_until(lambda: all(a > b for a, b in zip(self._counts(), before)), what="all count")

    def _counts(self):
        return [int.from_bytes(memory.read(COUNTER, 8), "little") for memory in self._memories]

    def begin(self):
        self._began_s, self._began = time.monotonic(), sum(self._counts())

    def per_s(self):
        """Of all together, since begin()."""
        return (sum(self._counts()) - self._began) / (time.monotonic() - self._began_s)

    def measure(self, seconds):
        self.begin()
        time.sleep(seconds)
        return self.per_s()


def slowdown(scene, busy_count):
    """(loss, merged meanwhile, noise): what busy guests lose to a burst of merging.  KSM
    is off before and after; how much these two differ is what the loss may be wrong by."""
    guests = [FilledGuest(f"burst-{n}", GUEST_MIB, alike(n)) for n in range(GUESTS)]
    busy = BusyGuests(busy_count)
    before = busy.measure(BASELINE_S)
    host_in_service(scene.contender)
    ksm_content.create(guests)
    watch = fill_at_once(scene, guests)
    busy.begin()
    watch.run(BURST_S, scene.contender)
    burst, merged = busy.per_s(), watch.merged()
    scene.contender.stop()
    Ksm.write("run", 0)
    after = busy.measure(BASELINE_S)
    undisturbed = (before + after) / 2
    noise = abs(before - after) / undisturbed
    assert noise <= NOISE_MAX, f"something else disturbed the busy guests by {noise:.0%}"
    return 1 - burst / undisturbed, merged, noise


def one_idle(scene, _window_s):
    loss, merged, noise = slowdown(scene, os.cpu_count() - 1)
    return {"loss_one_idle": loss, "noise_one_idle": noise, "merged_one_idle": merged}


def none_idle(scene, _window_s):
    loss, merged, noise = slowdown(scene, os.cpu_count())
    return {"loss_none_idle": loss, "noise_none_idle": noise, "merged_none_idle": merged}


SCENARIOS = {"together": together, "staggered": staggered, "late": late,
             "one-idle": one_idle, "none-idle": none_idle}


def run(name, contender, window_s):
    """Guests and KSM's memory of them are made anew: nobody inherits the age of a page."""
    ksm_watch.reset()
    try:
        with Scene(contender) as scene:
            return SCENARIOS[name](scene, window_s)
    finally:
        contender.stop()
