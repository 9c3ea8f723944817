# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a running kvmtuned cost, and what would it cost only to read its files?"""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "live"))

import daemon  # noqa: E402
import kvmlive  # noqa: E402

BENCH = kvmlive.BUILD / "bench"
TURNS = 4  # of guests that do not run; SAMPLES_BETWEEN_QUIET


class Place:
    """What daemon.Daemon wants of a test."""
    dir = BENCH
    environment = {}


def threads(pid):
    return [pathlib.Path(f"/proc/{pid}/task/{tid}") for tid in os.listdir(f"/proc/{pid}/task")]


def cpu_ns(pid):
    """Of the main thread: the one that ticks."""
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0])


def rss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def ticks(d):
    return len(d.notify.found("^WATCHDOG=1"))


def do_ticks(d, wanted):
    """SIGUSR1 is a tick at once; each waits for the one before.  How many were made."""
    began = ticks(d)
    for _ in range(wanted):
        before = ticks(d)
        d.tick()
        kvmlive.wait_until(lambda: ticks(d) > before, 20, "a tick")
    return ticks(d) - began


def trace(pid, output, *options):
    """strace, attached by now."""
    tracer = subprocess.Popen(["strace", "-qq", "-o", output, *options, "-p", str(pid)])
    kvmlive.wait_until(lambda: "TracerPid:\t0" not in
                       pathlib.Path(f"/proc/{pid}/status").read_text(), 20, "strace")
    return tracer


def system_calls(pid, d, wanted):
    """Of the main thread in a tick."""
    output = BENCH / "strace.out"
    tracer = trace(pid, output, "-c", "-U", "calls,name")
    made = do_ticks(d, wanted)
    tracer.terminate()
    tracer.wait()
    total = next(line for line in output.read_text().splitlines() if line.endswith(" total"))
    return int(total.split()[0]) / made


def reads_of(pid, d):
    """What the main thread reads in each of four ticks, guests that do not run by turns: names of files, and
    threads whose masks it asks for."""
    output = BENCH / "strace.out"
    tracer = trace(pid, output, "-y", "-e", "trace=pread64,sched_getaffinity")
    made = do_ticks(d, TURNS)
    tracer.terminate()
    tracer.wait()
    reads = []
    for line in output.read_text(errors="replace").splitlines():
        read = re.match(r"pread64\(\d+<(/(?:proc|sys)/[^>]*)>|sched_getaffinity\((\d+),", line)
        if read:
            reads.append(read[1] or f"mask {read[2]}")
    return reads, made


def floor_ns(reads, made, rounds):
    """How many reads a tick makes, and CPU ns of making only these: in so many ticks, or a few more."""
    done = subprocess.run([BENCH / "reread", str(-(-rounds // made)), "100", str(made)],
                          input="\n".join(reads) + "\n", text=True, capture_output=True, check=True)
    count, ns = done.stdout.split()
    return int(count), int(ns)


def run(environment, conf=None, watchdog_s=None):
    Place.environment = environment
    d = daemon.Daemon(Place, daemon.merged({"daemon": {"interval_s": 3600}}, conf or {}),
                      watchdog_s=watchdog_s)
    d.wait_ready()
    return d
