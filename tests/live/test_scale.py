# SPDX-License-Identifier: GPL-2.0-or-later
"""Does kvmtuned know, place, show and give back a thousand guests, and take nothing more for them?

The domains are of libvirt's test driver, their threads those of stand-ins: see crowd.py.
"""
import json
import os
import sys

import crowd
from ctl import ctl
from daemon import is_sanitized, undo_text
from test_placement import HOURLY, ONLY_PLACEMENT, two_nodes
from kvmlive import BUILD, Skip, wait_until

COUNT = 1000


def all_masks(guests):
    return {frozenset(mask) for guest in guests for mask in guest.affinity().values()}


def main_thread_of(counts):
    """By bench/count_alloc.c."""
    return int.from_bytes(counts.read_bytes()[:8], sys.byteorder)


def what_an_operator_sees(guests):
    names = {guest.name for guest in guests}
    told = json.loads(ctl("status", "--json").text)
    assert {guest["name"] for guest in told["guests"]} == names and told["state"] == "ok", told["problems"]
    assert told["loops"]["placement"]["pinned"] == len(guests)
    table = ctl("status", "--no-legend", "-q").text.split()
    assert sorted(table) == sorted(names)
    assert f"{len(guests)} guests by " in ctl("top", "-b", "-n", "1").text
    assert "nothing: all is as it should be" in ctl("plan").text
    page = ctl("report", "-o", "-").text
    assert "</html>" in page and all(guest.name in page for guest in guests[:3])
    asked = json.loads(ctl("explain", guests[-1].name, "--json").text)
    assert asked["guest"]["name"] == guests[-1].name


def test_a_tick_takes_nothing_from_the_heap(live):
    two_nodes(live)
    if is_sanitized():
        raise Skip("a sanitizer has an allocator of its own")
    counts = live.file("allocations", bytes(16))
    live.environment.update(LD_PRELOAD=str(BUILD / "tests/count_alloc.so"), KT_COUNT_ALLOC=str(counts))
    people = crowd.Crowd(20)
    daemon = live.daemon(crowd.CONF, ONLY_PLACEMENT, HOURLY)
    daemon.status("20 pinned")

    def of_ten_ticks():
        before = main_thread_of(counts)
        for _ in range(10):
            since = daemon.notify.mark()
            daemon.tick()
            daemon.notify.wait_for("^WATCHDOG=1", since=since)
        return main_thread_of(counts) - before
    of_ten_ticks()  # what is taken once and kept
    assert of_ten_ticks() == 0
    daemon.stop()
    assert main_thread_of(counts) > 0, "nothing was counted"
    people.close()


def test_a_thousand_guests_are_known_placed_shown_and_given_back(live):
    home, other = two_nodes(live)
    everything = frozenset(os.sched_getaffinity(0))
    people = crowd.Crowd(COUNT)
    daemon = live.daemon(crowd.CONF, ONLY_PLACEMENT, HOURLY)
    daemon.status(f"{COUNT} guests, {COUNT} pinned", timeout=60)
    assert all_masks(people.guests) <= {frozenset(home), frozenset(other)}
    what_an_operator_sees(people.guests)

    comes = people.start(COUNT)  # there is no tick but those of events
    wait_until(lambda: comes.all_on(home) or comes.all_on(other), what="the newcomer is placed")
    goes = people.guests[7]
    people.destroy(goes)
    daemon.wait_for(f"{goes.name}: stopped$")
    daemon.status(f"{COUNT} guests, {COUNT} pinned")
    assert goes.uuid not in undo_text() and comes.uuid in undo_text()

    daemon.stop()
    assert all_masks(people.guests) == {everything}
    people.close()
