# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the socket say what is so of real guests, and is a plan what is done then?"""
import json
import threading
from urllib.parse import quote

from answers import Connection, checked, get
from daemon import KSM_OFF, MEMORY_PLENTIFUL, MEMORY_SHORT, ONLY_KSM, RUN_DIR, appeared, merged
from knobs import Ksm, require_unchanged, snapshot
from kvmlive import wait_until

SOCKET = RUN_DIR / "kvmtuned.sock"
HOSTILE = ['<script>alert("1")', "%n%s&a=b", "sn\u00f6w \u2603"]


def ask(schema, question, status=200):
    code, text = get(SOCKET, question)
    assert code == status, f"{question}: {code} {text[:300]}"
    return checked(schema, text)


def status():
    return ask("status", "/v1/status")


def test_all_answers_are_as_promised(live):
    guests = [live.guest(name) for name in ["web", *HOSTILE]]
    daemon = live.daemon(MEMORY_SHORT)
    for guest in guests:
        daemon.wait_for(appeared(guest))
    daemon.wait_ticks(2)
    told = status()
    assert len(told["guests"]) == len(guests)
    assert told["libvirt"]["connected"] and told["state"] == "ok", told["problems"]
    assert {guest["uuid"] for guest in told["guests"]} == {str(guest.uuid) for guest in guests}
    for question in ("status", "plan", "decisions", "history", "config"):
        ask(question, f"/v1/{question}")
    ask("history", "/v1/history?recent=1")
    ask("advise", "/v1/advise?vcpus=1&mib=1")
    for loop in ("ksm", "placement", "memory"):
        ask("explain", f"/v1/explain?loop={loop}")
    for guest in guests:
        told = ask("explain", f"/v1/explain?guest={quote(guest.name)}")
        assert told["guest"]["uuid"] == str(guest.uuid)
        ask("status", f"/v1/status?guest={guest.uuid}")
    ask("error", "/v1/status?guest=nobody", 404)


def test_who_follows_gets_each_decision_once(live):
    daemon = live.daemon(MEMORY_PLENTIFUL, ONLY_KSM)
    connection = Connection(SOCKET, timeout=30)
    connection.request("GET", "/v1/decisions?follow=1&after=0")
    response = connection.getresponse()
    seen = []

    def read():
        while line := response.readline():
            seen.append(line)

    threading.Thread(target=read, daemon=True).start()
    guest = live.guest("web")
    daemon.wait_for(appeared(guest))
    daemon.reload(MEMORY_SHORT)
    last = ask("decisions", "/v1/decisions")["last"]
    wait_until(lambda: seen and json.loads(seen[-1])["seq"] >= last, what="all is sent")
    told = [checked("decision", line) for line in seen]
    assert [one["seq"] for one in told] == list(range(1, len(told) + 1))
    assert any(one["event"] == "config-reloaded" for one in told)
    assert any(one["uuid"] == str(guest.uuid) and one["event"] == "guest" for one in told)


def of_ksm(plan):
    return {one["what"]: one for one in plan["actions"] if one["loop"] == "ksm"}


def test_a_plan_is_what_is_done_when_it_may_be(live):
    Ksm.need()
    Ksm.write("run", 0)
    Ksm.write("pages_to_scan", 50)
    guest = live.guest("web")
    observed = merged(ONLY_KSM, MEMORY_SHORT, {"ksm": {"mode": "observe", "max_pages": 333,
                                                      "boost_pages": 333}})
    daemon = live.daemon(observed)
    daemon.wait_for(appeared(guest))
    before = snapshot([guest])
    plan = wait_until(lambda: of_ksm(ask("plan", "/v1/plan")), what="something to do")
    assert plan["run"]["from"] == "0" and plan["run"]["to"] == "1" and plan["run"]["dry_run"]
    assert plan["pages_to_scan"]["from"] == "50"
    daemon.wait_ticks(2)
    plan = of_ksm(ask("plan", "/v1/plan"))
    require_unchanged(before, snapshot([guest]))
    daemon.reload(merged(observed, {"ksm": {"mode": "active"}}))
    wait_until(lambda: Ksm.number("run") == 1, what="KSM runs")
    wait_until(lambda: "run" not in of_ksm(ask("plan", "/v1/plan")), what="nothing is left to do")
    wait_until(lambda: str(Ksm.number("pages_to_scan")) == plan["pages_to_scan"]["to"],
               what="what was planned is there")
    change = status()["loops"]["ksm"]["last_change"]
    assert change and "pages_to_scan=333" in change["message"], change


def test_what_is_asked_all_the_time_is_decided_as_before(live):
    """A plan looks at the host as a tick does; what it decides on the way is its own."""
    Ksm.need()
    guest = live.guest("web")
    daemon = live.daemon(KSM_OFF)
    daemon.wait_for(appeared(guest))
    daemon.wait_ticks(2)
    first = ask("decisions", "/v1/decisions")["last"]
    ticks = status()["tick"]["count"]
    while status()["tick"]["count"] < ticks + 3:
        ask("plan", "/v1/plan")
        ask("explain", f"/v1/explain?guest={guest.uuid}")
    told = ask("decisions", f"/v1/decisions?after={first}")["decisions"]
    assert not [one for one in told if one["event"] not in ("verdict", "merged")], told
