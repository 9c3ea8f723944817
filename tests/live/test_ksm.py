# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the automatic KSM policy merge what can be merged, and then go quiet?"""
import pathlib
import re

from daemon import ceded, guest_verdict, ksm_verdict, merged
from knobs import Ksm
from kvmlive import PAGE, Skip, create_all, distinct_pages, wait_until

ONLY_KSM = {"placement": {"mode": "off"}, "memory": {"mode": "off"}}
ALWAYS = merged(ONLY_KSM, {"ksm": {"merge": "always", "settle_s": 1}})
SMART = pathlib.Path("/sys/kernel/mm/ksm/smart_scan")


def twins(live, count, pages):
    """Guests whose memory holds the same distinct pages."""
    content = live.file("content", distinct_pages("twin", pages))
    guests = [live.new_guest(f"twin{n}", loader=content) for n in range(count)]
    create_all(guests)
    return guests


def merging_pages(guest):
    """Of this guest: pages_sharing still counts those of guests that have died, until
    ksmd comes by."""
    stat = pathlib.Path(f"/proc/{guest.pid()}/ksm_merging_pages")
    if not stat.exists():
        raise Skip("this kernel does not count merged pages by process")
    return int(stat.read_text())


def are_merged(guests, pages):
    return all(merging_pages(guest) >= pages * 95 // 100 for guest in guests)


def test_new_guests_are_merged_and_ksmd_goes_quiet(live):
    Ksm.need()
    Ksm.write("run", 0)
    before = Ksm.values()
    guests = twins(live, 3, 4096)
    daemon = live.daemon(ALWAYS)
    daemon.wait_for(ksm_verdict("burst"))
    wait_until(lambda: are_merged(guests, 4096), 60, "the twins are merged")
    daemon.wait_for(ksm_verdict("converged"), 60)
    for guest in guests:
        daemon.wait_for(guest_verdict(guest, "ksm", "merged"), 60)
    assert Ksm.number("sleep_millisecs") >= 100, "a trickle pauses for long"
    daemon.stop()
    assert Ksm.values() == before
