# SPDX-License-Identifier: GPL-2.0-or-later
"""Does policy = ksmtuned drive this kernel's KSM by ksmtuned's law?"""
import re

from daemon import (MEMORY_PLENTIFUL, MEMORY_SHORT, ONLY_KSM, FakeMeminfo, ceded,
                    guest_verdict, ksm_verdict)
from knobs import Ksm, merging_pages, twins
from kvmlive import Skip, wait_until


def pages_seen(wanted):
    """Every pages_to_scan up to the wanted one; polled 20 times between two steps."""
    seen = []

    def reached():
        pages = Ksm.number("pages_to_scan")
        if not seen or seen[-1] != pages:
            seen.append(pages)
        return pages == wanted
    wait_until(reached, 60, f"pages_to_scan becomes {wanted}")
    return seen


def test_short_memory_boosts_scanning_step_by_step_up_to_the_maximum(live):
    Ksm.need()
    Ksm.write("run", 0)
    Ksm.write("pages_to_scan", 100)
    live.guest("one")
    daemon = live.daemon(ONLY_KSM, MEMORY_SHORT)
    seen = pages_seen(1250)
    assert set(seen) <= {100, 300, 600, 900, 1200, 1250}, seen
    assert seen == sorted(seen), seen
    assert len(seen) >= 4, f"jumped: {seen}"
    assert Ksm.number("run") == 1
    daemon.wait_for(ksm_verdict("memory-short"))


def test_plentiful_memory_puts_ksm_to_rest_and_stop_gives_it_back(live):
    Ksm.need()
    Ksm.write("run", 1)
    Ksm.write("pages_to_scan", 123)
    before = Ksm.values()
    live.guest("one")
    daemon = live.daemon(ONLY_KSM, MEMORY_PLENTIFUL)
    wait_until(lambda: Ksm.number("run") == 0, what="KSM rests")
    daemon.wait_for(ksm_verdict("memory-plentiful"))
    daemon.stop()
    assert Ksm.values() == before


def test_a_threshold_moved_over_free_memory_starts_and_stops_scanning(live):
    Ksm.need()
    Ksm.write("run", 0)
    live.guest("one")
    daemon = live.daemon(ONLY_KSM, MEMORY_SHORT)
    pages_seen(600)
    daemon.reload({**ONLY_KSM, **MEMORY_PLENTIFUL})
    wait_until(lambda: Ksm.number("run") == 0, what="KSM rests")
    daemon.reload({**ONLY_KSM, **MEMORY_SHORT})
    wait_until(lambda: Ksm.number("run") == 1, what="KSM scans again")
    assert Ksm.number("pages_to_scan") >= 600, "the rate does not survive a rest"


def test_scanning_boosts_below_the_target_and_decays_above_it(live):
    """Target 90 % of 512 MiB = 460.8 MiB; two guests hold more than the other 51.2."""
    Ksm.need()
    Ksm.write("run", 0)
    Ksm.write("pages_to_scan", 100)
    twins(live, 2, 4096)
    meminfo = FakeMeminfo(live)
    meminfo.set(MemTotal=512, MemAvailable=460)
    daemon = live.daemon(ONLY_KSM, {"ksm": {"policy": "ksmtuned", "free_target_percent": 90,
                                            "free_target_min_mib": 0, "boost_pages": 200, "decay_pages": 100,
                                            "max_pages": 1000}}, within=meminfo.within)
    up = pages_seen(1000)
    assert set(up) <= {100, 200, 400, 600, 800, 1000}, up
    daemon.wait_for(ksm_verdict("memory-short"))

    meminfo.set(MemTotal=512, MemAvailable=461)
    down = pages_seen(64)
    assert set(down) <= {*range(100, 1001, 100), 64}, down
    assert down == sorted(down, reverse=True), down
    assert Ksm.number("run") == 1, "scanning goes on while guests could outgrow memory"

    meminfo.set(MemTotal=512, MemAvailable=460)
    pages_seen(264)


def test_equal_memory_merges_and_the_numbers_agree_with_sysfs(live):
    Ksm.need()
    Ksm.write("run", 0)
    count, pages = 3, 4096
    guests = twins(live, count, pages)
    daemon = live.daemon(ONLY_KSM, MEMORY_SHORT)
    wait_until(lambda: all(merging_pages(guest) >= pages * 95 // 100 for guest in guests), 60,
               f"{pages} pages of each guest are merged")
    assert Ksm.merged_pages() >= (count - 1) * pages * 95 // 100
    daemon.wait_for(r"ksm: \d+ MiB merged")

    def status_agrees():
        told = [int(re.search(r"(\d+) MiB merged", line)[1])
                for line in daemon.notify.found("^STATUS=.*MiB merged")]
        return told and abs(told[-1] - Ksm.merged_mib()) <= 1
    wait_until(status_agrees, what="the status line says what sysfs says")


def test_a_foreign_value_is_ceded_once_and_stays_after_the_stop(live):
    Ksm.need()
    Ksm.write("run", 0)
    live.guest("one")
    daemon = live.daemon(ONLY_KSM, MEMORY_SHORT)
    pages_seen(1250)
    Ksm.write("pages_to_scan", 777)
    daemon.wait_for(ceded("KSM"))
    for _ in range(3):  # ticks that could fight or repeat themselves
        mark = daemon.notify.mark()
        daemon.notify.wait_for("^WATCHDOG=1", since=mark)
    assert Ksm.number("pages_to_scan") == 777
    assert len(daemon.found(ceded("KSM"))) == 1, daemon.found(ceded("KSM"))
    daemon.stop()
    assert Ksm.number("pages_to_scan") == 777, "what somebody else set was undone"


def test_the_kernels_advisor_is_left_alone(live):
    Ksm.need()
    if "advisor_mode" not in Ksm.values():
        raise Skip("this kernel has no KSM advisor")
    Ksm.write("advisor_mode", "scan-time")
    before = Ksm.values()
    live.guest("one")
    daemon = live.daemon(ONLY_KSM, MEMORY_SHORT)
    daemon.wait_for(ksm_verdict("kernel-advisor"))
    daemon.stop()
    assert Ksm.values() == before


def test_without_a_mergeable_guest_ksm_is_as_it_was(live):
    Ksm.need()
    Ksm.write("run", 0)
    before = Ksm.values()
    private = live.guest("private", elements="<memoryBacking><nosharepages/></memoryBacking>")
    switched_off = live.guest("switched-off")
    daemon = live.daemon(ONLY_KSM, MEMORY_SHORT, {'domain "*switched-off"': {"ksm": "off"}})
    daemon.wait_for(guest_verdict(private, "ksm", "nosharepages"))
    daemon.wait_for(guest_verdict(switched_off, "ksm", "opted-out"))
    daemon.wait_for(ksm_verdict("no-mergeable-guest"))
    wait_until(lambda: Ksm.values() == before, what="KSM is as it was")
    live.guest("mergeable")
    wait_until(lambda: Ksm.number("run") == 1, what="KSM scans for the new guest")
