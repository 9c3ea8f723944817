#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Does kvmtuned do on real guests what it says?  Runs tests/live/test_*.py.

    run.py [--build DIR] [--list] [--but FILTER].. [--part K/N] [FILTER..]

A test is a function test_SENTENCE(live); its name is /FILE/SENTENCE, and a FILTER is
a part of that: "/ksm/" are those of one file, "ksm" are many.  Those of --but are left out,
and those with `by_name` unless a FILTER is given; of the rest --part takes every Nth, from the
Kth.  Each runs in a process of its own with a hard time-out, inside privvirt.  What it leaves
behind is removed before the next: guests, daemons, swap, KSM's values, the undo file.  Lines
are "ok NAME", "not ok NAME: reason" (followed by the tail of the daemon's log) and
"skip NAME: reason".  1 if any failed.
"""
import argparse
import contextlib
import importlib
import multiprocessing
import os
import pathlib
import shutil
import signal
import sys
import time
import traceback

sys.dont_write_bytecode = True

import daemon  # noqa: E402 (after the line above: no __pycache__ in the source tree)
import knobs  # noqa: E402
import kvmlive  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 90  # a test's time-out, where it has no `seconds` of its own
TAIL = 25     # lines of the daemon's log


class Live:
    """What a test gets: guests and daemons that end with it."""

    def __init__(self, folder):
        self.dir = folder
        self.environment = {}  # of every daemon, over ours
        self.daemons = []
        self.guests = []

    def file(self, name, content):
        path = self.dir / name
        path.write_bytes(content)
        return path

    def new_guest(self, name, **how):
        guest = kvmlive.Guest(name, **how)
        self.guests.append(guest)
        return guest

    def guest(self, name, paused=True, **how):
        return self.new_guest(name, **how).create(paused)

    def daemon(self, *confs, ready=True, **how):
        started = daemon.Daemon(self, daemon.merged(*confs), **how)
        self.daemons.append(started)  # first of all: its log is wanted when it fails to start
        if ready:
            started.wait_ready()
        return started

    def close(self):
        for running in self.daemons:
            running.close()

    def log_tail(self):
        lines = []
        for number, one in enumerate(self.daemons, 1):
            lines += [f"    daemon {number}: {line}" for line in one.lines[-TAIL:]]
        return lines


def attempt(test, folder, pipe):
    """In the test's own process: its verdict goes into the pipe."""
    os.setsid()
    live = Live(folder)
    lines = []
    try:
        test(live)
        live.close()
        verdict = ("ok", "")
    except kvmlive.Skip as reason:
        verdict = ("skip", str(reason))
    except BaseException as error:  # whatever it is, it is this test's
        frames = traceback.extract_tb(error.__traceback__)
        what = " ".join(str(error).split()) or frames[-1].line
        verdict = ("not ok", f"{type(error).__name__}: {what}")
        lines = [f"    {frame.name}, line {frame.lineno}: {frame.line}" for frame in frames[1:]]
        lines += live.log_tail()
    pipe.send((*verdict, lines))
    pipe.close()
    os.killpg(0, signal.SIGKILL)  # a daemon that a failed test left, and ourselves


def run_one(name, test):
    folder = kvmlive.BUILD / "live" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seconds = getattr(test, "seconds", SECONDS)
    fork = multiprocessing.get_context("fork")
    receive, send = fork.Pipe(False)
    process = fork.Process(target=attempt, args=(test, folder, send))
    process.start()
    send.close()
    try:
        if receive.poll(seconds):
            return receive.recv()
        return "not ok", f"not done within {seconds} s", []
    except EOFError:
        return "not ok", "the test's process died", []
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()


def tidy(ksm_values, host_values):
    """As if no test had been."""
    kvmlive.Libvirtd.ensure()
    kvmlive.destroy_all()
    kvmlive.remove_swap()
    knobs.Ksm.restore(ksm_values)
    knobs.restore_host(host_values)
    shutil.rmtree(daemon.RUN_DIR, ignore_errors=True)


def discover(filters, but):
    tests = {}
    for file in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(file.stem)
        for name, value in vars(module).items():
            if name.startswith("test_") and callable(value):
                full = f"{file.stem[5:]}/{name[5:]}"
                if any(part in f"/{full}" for part in but) or getattr(value, "by_name", False) and not filters:
                    continue
                if not filters or any(part in f"/{full}" for part in filters):
                    tests[full] = value
    return tests


def every_nth(part):
    """K/N: from the Kth."""
    first, step = map(int, part.split("/"))
    return slice(first - 1, None, step)


def run_all(tests):
    values = knobs.Ksm.values(), knobs.host_values()
    failed = 0
    for name, test in tests.items():
        began = time.monotonic()
        verdict, reason, lines = run_one(name, test)
        took = f" ({time.monotonic() - began:.1f} s)" if verdict == "ok" else ""
        print(f"{verdict} live/{name}" + (f": {reason}" if reason else took), flush=True)
        for line in lines:
            print(line, flush=True)
        failed += verdict == "not ok"
        try:
            tidy(*values)
        except Exception as error:  # the next test may suffer, and tell
            print(f"not ok live/tidy-after-{name}: {error}", flush=True)
            failed += 1
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=HERE.parent.parent / "build", type=pathlib.Path)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--but", action="append", default=[], metavar="FILTER")
    parser.add_argument("--part", default=slice(None), type=every_nth, metavar="K/N")
    parser.add_argument("filter", nargs="*")
    options = parser.parse_args()

    tests = dict(list(discover(options.filter, options.but).items())[options.part])
    if options.list:
        print(*tests, sep="\n")
    elif not tests:
        sys.exit("no test has such a name")
    elif os.geteuid() != 0:
        print(*(f"skip live/{name}: needs root" for name in tests), sep="\n")
    elif not os.access(options.build / "kvmtuned", os.X_OK):
        sys.exit(f"{options.build}/kvmtuned is missing: make")
    elif "KT_PREFIX" not in os.environ:
        build = options.build.resolve()
        os.environ.update(KT_BUILD=str(build), KT_PRIVVIRT_STATE=str(build / "privvirt"))
        command = [HERE / "privvirt", HERE / "run.py", *sys.argv[1:]]
        # Whoever inherits this policy has its memory on the first node, and NUMA balancing
        # leaves it alone.  From Linux 6.1 until 6.6 ksmd does not see memory that balancing
        # has marked and nobody has touched since; a paused guest never does.
        if len(kvmlive.nodes()) > 1:
            command = ["numactl", f"--preferred={kvmlive.nodes()[0]}", *command]
        os.execvp(command[0], [str(word) for word in command])
    else:
        sys.exit(run_all(tests))


if __name__ == "__main__":
    main()
