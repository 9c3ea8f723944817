# SPDX-License-Identifier: GPL-2.0-or-later
"""Does kvmtuned know, place, show and give back a thousand guests?

The domains are of libvirt's test driver, their threads those of stand-ins: see crowd.py.
"""
import json
import os

import crowd
from ctl import ctl
from daemon import undo_text
from test_placement import HOURLY, ONLY_PLACEMENT, two_nodes
from kvmlive import wait_until

COUNT = 1000


def all_masks(guests):
    return {frozenset(mask) for guest in guests for mask in guest.affinity().values()}


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
