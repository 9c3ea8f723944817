# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of a kvmtuned that has watched a large host for a day."""
import math
import random

NOW = 1763757360  # 21 November 2025, 20:36 UTC
GIB = 1 << 20     # in KiB
HOSTILE = ["<script>alert(1)</script>", "a&b'c", "</text></svg><img src=x onerror=alert(2)>",
           "--><!--", "\\x0a\\xff", "x" * 150, "%s%n%.9f", "javascript:alert(3)"]


def node(number, guests):
    return {"id": number, "cpus": f"{16 * number}-{16 * number + 15}", "ncpus": 16, "memory_kib": 64 * GIB,
            "free_kib": (7 + 3 * number) * GIB, "guests_kib": guests, "busy_cpus": 3.2 + 2.1 * number}


def names(count, hostile):
    own = [f"{kind}-{number:02}" for number in range(1, count + 1)
           for kind in ("web", "db", "batch")][:count]
    return (HOSTILE + own)[:count] if hostile else own


def guest(name, number, count, nodes, dice):
    home, kib = number % nodes, int(dice.uniform(0.3, 1.6) * min(30 * nodes / count, 28) * GIB)
    homes = f"{home}-{home + 1}" if nodes > 1 and number % 9 == 2 and home + 1 < nodes else str(home)
    memory = {str(home): kib}
    if homes != str(home):
        memory = {str(home): kib // 2, str(home + 1): kib - kib // 2}
    elif nodes > 1 and number % 4 == 1:
        memory = {str(home): kib - kib // 4, str((home + 1) % nodes): kib // 4}
    loose = number % 11 == 7
    local = 100 * sum(memory[str(at)] for at in range(nodes) if str(at) in memory
                      and (str(at) == str(home) or homes != str(home))) / kib
    message = f"{name}: placement: home is node {homes} (home-by-memory): most of its memory is there"
    return {"name": name, "uuid": f"00000000-0000-4000-8000-{number:012}", "id": number + 1, "running": True,
            "busy": number % 3 == 0, "vcpus": 2 << number % 3, "memory_kib": kib + GIB // 2, "resident_kib": kib,
            "home": None if loose else homes, "node_memory_kib": None if number % 50 == 49 else memory,
            "local_percent": round(local, 1), "steal_percent": round(dice.expovariate(1), 1),
            "demand_cpus": 0.7, "merged_kib": int(kib * dice.uniform(0, 0.2)),
            "limit_kib": kib if number % 5 == 4 else None, "reclaimed_kib": 0,
            "hold": "paused" if number % 13 == 12 else None, "hold_until_unix_s": None, "managed": not loose,
            "ksm": {"reason": "merged", "sentence": "its pages are merged"},
            "placement": {"wish": "hold" if loose else "set", "reason": "pinned-by-admin" if loose else "home-by-memory",
                          "sentence": "the administrator has pinned it" if loose else "most of its memory is there",
                          "dry_run": False},
            "memory": {"wish": "release", "reason": "plenty-free", "sentence": "there is enough", "dry_run": False},
            "last_decision": None if loose else {"unix_s": NOW - 60 * number, "message": message}}


def loops(pinned, limited):
    base = {"state": "active", "paused_until_unix_s": None}
    return {
        "ksm": {**base, "reason": "burst", "sentence": "the last pass found much, so that the next comes at once",
                "last_change": {"unix_s": NOW - 300.5, "message": "ksm: pages_to_scan 100 -> 1250 (burst)"}, "run": 1,
                "pages_to_scan": 1250, "sleep_ms": 20, "ksmd_cpu_percent": 3.4, "merged_kib": 12 * GIB,
                "profit_kib": 11 * GIB, "advisor": "none"},
        "placement": {**base, "reason": "settled", "sentence": "every guest is where it should be",
                      "last_change": {"unix_s": NOW - 4000, "message": "web-01: pinned to node 1 (home-by-load)"},
                      "pinned": pinned, "moving": None},
        "memory": {**base, "state": "observe", "reason": "plenty-free", "sentence": "the host has memory to spare",
                   "last_change": None, "limited": limited, "reclaimed_kib": 3 * GIB, "deficit_kib": 0,
                   "squeezing": False}}


def status(guests, nodes, dice, hostile):
    all_guests = [guest(name, number, guests, nodes, dice) for number, name in enumerate(names(guests, hostile))]
    on = [sum((one["node_memory_kib"] or {}).get(str(number), 0) for one in all_guests) for number in range(nodes)]
    problems = ["libvirt has not answered for 40 s", "<b>not bold</b> & so on"] if hostile else []
    return {"schema": 1, "version": "0.1.0", "unix_s": NOW + 0.25, "started_unix_s": NOW - 90000, "mode": "active",
            "dry_run": False, "state": "degraded" if problems else "ok", "problems": problems,
            "libvirt": {"connected": not problems, "uri": "qemu:///system", "version": "libvirt 9.0.0",
                        "waiting_s": None, "links": 1},
            "tick": {"count": 123, "last_unix_s": NOW - 2, "took_s": 0.0012, "next_in_s": 3.2},
            "host": {"nodes": [node(number, on[number]) for number in range(nodes)], "memory_kib": 64 * nodes * GIB,
                     "available_kib": 18 * nodes * GIB, "swap_total_kib": 0, "swap_free_kib": 0, "price": 0.31,
                     "psi_memory_some_percent": 0.4, "psi_memory_full_percent": 0.1, "steal_percent": 0.0,
                     "idle_cpus": 31.5},
            "loops": loops(sum(1 for one in all_guests if one["home"]), sum(1 for one in all_guests if one["limit_kib"])),
            "guests": all_guests}


def day(minute):
    """0 at night, 1 in the afternoon."""
    return 0.5 - 0.5 * math.cos(2 * math.pi * (minute - 300) / 1440)


def point(minute, minutes, nodes, guests, dice):
    busy, ago = day(minute), minutes - minute
    short = max(0, busy - 0.7) / 0.3
    return {"unix_s": NOW - 60 * ago, "available_kib": int((40 - 24 * busy + dice.gauss(0, 0.4)) * nodes * GIB),
            "merged_kib": int((1 + 3 * busy) * nodes * GIB * min(1, minute / 400)),
            "reclaimed_kib": int(3 * short * GIB),
            "ksmd_cpu_percent": None if 500 < minute < 540 else max(0, 6 * busy * dice.uniform(0.6, 1.2) - 1),
            "price": min(1, max(0, 0.9 * short)), "psi_memory_some_percent": max(0, dice.gauss(short, 0.4)),
            "swap_in_per_s": 0, "local_percent": 97.0, "guests": guests, "pinned": guests, "limited": 0}


def local_history(number, minutes, points):
    level, born = 100 - 5 * (number % 4), (number * 131) % 700 if number % 3 else 0
    values = []
    for minute in points:
        dip = 55 * math.exp(-(((minute - born) / 90) ** 2)) if number % 4 == 1 else 0
        values.append(None if minute < born or minute > minutes else max(0, round(level - dip)))
    return values


def history(guests, nodes, minutes, dice, hostile):
    there = [minute for minute in range(minutes) if not 900 <= minute < 945]  # restarted then
    return {"schema": 1, "recent": False, "points": [point(minute, minutes, nodes, guests, dice) for minute in there],
            "guests": [{"name": name, "uuid": "", "local_percent": local_history(number, minutes, there)}
                       for number, name in enumerate(names(guests, hostile))]}


def decision(seq, when, guests, dice):
    loop = dice.choice(["ksm", "placement", "placement", "memory", None])
    name = dice.choice(guests) if guests and loop != "ksm" else None
    level = dice.choice(["info", "info", "notice", "notice", "warning"] if seq % 10 == 0 else ["info", "notice"])
    text = {"ksm": "ksm: pages_to_scan 100 -> 1250 (burst): the last pass found much",
            "placement": "placement: home is node 1 (home-by-load): there its vCPUs lose the fewest CPUs",
            "memory": "memory: left as it is (plenty-free): the host has memory to spare",
            None: "libvirt answers again"}[loop]
    return {"schema": 1, "seq": seq, "unix_s": when, "level": level, "event": "verdict", "guest": name, "uuid": None,
            "loop": loop, "action": "decide", "reason": "burst" if loop else None, "from": None, "to": None,
            "dry_run": seq % 17 == 0, "message": f"{name}: {text}" if name else text}


def decisions(guests, count, minutes, dice, hostile):
    times = sorted(NOW - dice.uniform(0, 60 * minutes) for _ in range(count))
    made = [decision(seq, when, names(guests, hostile), dice) for seq, when in enumerate(times, 1)]
    return {"schema": 1, "first": 1, "last": count, "decisions": made}


def answers(guests=12, nodes=4, minutes=1440, count=320, hostile=False):
    """The same ones for the same arguments."""
    dice = random.Random(6)
    return {"/v1/status": status(guests, nodes, dice, hostile),
            "/v1/history": history(guests, nodes, minutes, dice, hostile),
            "/v1/decisions": decisions(guests, count, max(minutes, 1), dice, hostile)}
