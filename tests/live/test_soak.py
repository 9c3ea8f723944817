# SPDX-License-Identifier: GPL-2.0-or-later
"""Does every value stay explained, whatever happens in whatever order?

    make soak-live MINUTES=60 SEED=7

is the long form; here each thing happens once, in the order of a fixed seed.  See soak.py.
"""
import os
import time

import soak
from daemon import FakeMeminfo
from knobs import Ksm
from kvmlive import Skip, add_swap
from test_placement import two_nodes

LONG_S = float(os.environ.get("KT_SOAK_MINUTES", "0")) * 60
SEED = int(os.environ.get("KT_SOAK_SEED", "1"))
SLACK_S = 240  # whatever it is about when the time is over


def swap_and_meminfo(live):
    """Memory is taken from guests that are older than any of the short form."""
    try:
        add_swap()
    except Skip as reason:
        print(f"     without memory limits: {reason}", flush=True)
        return None
    return FakeMeminfo(live)


def test_every_value_stays_explained(live):
    nodes = two_nodes(live)
    Ksm.need()
    if not LONG_S:
        short = soak.Soak(live, SEED, nodes)
        short.run(short.each_once())
        return
    began = time.monotonic()

    def say(line):
        print(f"{time.monotonic() - began:9.1f} s: {line}", flush=True)
    long = soak.Soak(live, SEED, nodes, swap_and_meminfo(live), say)
    long.run(long.by_chance(LONG_S))


test_every_value_stays_explained.seconds = LONG_S + SLACK_S
