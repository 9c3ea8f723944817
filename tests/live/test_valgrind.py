# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a full life of the daemon touch no memory that is not its own, and give all of it back?

Under valgrind's memcheck everything takes some thirty times as long, so only when asked by name:
`make valgrind`.
"""
import os
import re
import signal
import subprocess

from ctl import CTL, ctl
from daemon import (BINARY, LIBVIRT_BACK, LIBVIRT_LOST, MEMORY_SHORT, RUN_DIR, appeared, conf_text, left,
                    merged)
from knobs import Ksm, require_unchanged, snapshot
from kvmlive import Libvirtd, virsh, wait_until
from test_placement import ONLY_PLACEMENT, two_nodes, wait_home
from test_undo import nothing_left, tuned

SOCKET = RUN_DIR / "kvmtuned.sock"
POLICY_URI = "urn:kvmtuned:1"
LIFE = merged(ONLY_PLACEMENT, MEMORY_SHORT, {
    "ksm": {"mode": "active", "boost_pages": 5, "max_pages": 1000},
    "memory": {"mode": "active"}, "audit": {"interval_s": 10}})
KSM_AFTER_TEN_STEPS = 64 + 10 * 5  # from min_pages on
QUESTIONS = (("status",), ("status", "--json"), ("explain", "ksm"), ("explain", "memory"),
             ("explain", "placement"), ("plan",), ("audit",), ("advise", "2:512"), ("metrics",),
             ("version",))


def memcheck(live):
    """A command that runs the daemon, and where it writes what it finds."""
    log = live.dir / "valgrind.log"
    return log, ["valgrind", f"--log-file={log}", "--num-callers=30", "--leak-check=full",
                 "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
                 "--error-exitcode=99", "--child-silent-after-fork=yes"]


def require_clean(log):
    """0 errors, of which leaks are a kind.  Which ones is in the log."""
    text = log.read_text()
    summary = re.search(r"ERROR SUMMARY: (\d+) errors", text)
    assert summary, text[-2000:]
    assert summary[1] == "0", text[-6000:]


def guests_come_and_go(live, daemon, home):
    stays, crashes = live.guest("stays"), live.guest("crashes")
    hostile = live.guest('a "name" %s')
    for guest in (stays, crashes):
        wait_home(guest, home)
    virsh("metadata", stays.uuid, "--live", POLICY_URI, "--key", "kvmtuned", "--set",
          "<policy placement='cpu' weight='3'/>")
    virsh("setvcpus", stays.uuid, "1", "--live", check=False)
    virsh("suspend", stays.uuid, check=False)
    virsh("resume", stays.uuid)
    os.kill(crashes.pid(), signal.SIGKILL)
    daemon.wait_for(left(crashes), timeout=120)
    hostile.destroy()
    daemon.wait_for(left(hostile), timeout=120)
    return stays


def is_asked_and_told(daemon, guest):
    for question in QUESTIONS:
        ctl(*question, socket=SOCKET, expected=None)
    ctl("explain", guest.name, socket=SOCKET)
    ctl("explain", "no-such-guest", socket=SOCKET, expected=None)
    ctl("pause", "ksm", "--for=1h", socket=SOCKET)
    ctl("resume", "ksm", socket=SOCKET)
    ctl("release", guest.name, socket=SOCKET)
    ctl("resume", guest.name, socket=SOCKET)
    daemon.tick()
    daemon.wait_ticks(2)


def is_reloaded(daemon):
    daemon.reload(merged(LIFE, {"placement": {"backend": "libvirt"}, "ksm": {"policy": "auto"}}))
    daemon.wait_ticks(2)
    since = daemon.mark()
    daemon.write_conf(conf_text({"ksm": {"no_such_key": 1}}))
    daemon.send(signal.SIGHUP)
    daemon.wait_for("no_such_key", since=since, timeout=120)


def loses_libvirtd(live, daemon):
    since = daemon.mark()
    Libvirtd.kill()
    daemon.wait_for(LIBVIRT_LOST, since=since, timeout=120)
    Libvirtd.start()
    daemon.wait_for(LIBVIRT_BACK, since=since, timeout=120)
    late = live.guest("late")
    daemon.wait_for(appeared(late), since=since, timeout=120)


def test_a_full_life_has_no_error_and_no_leak(live):
    Ksm.need()
    home, _ = two_nodes(live)
    log, within = memcheck(live)
    daemon = live.daemon(LIFE, within=within, ready=False)
    daemon.wait_ready(timeout=120)
    guest = guests_come_and_go(live, daemon, home)
    wait_until(lambda: Ksm.number("pages_to_scan") >= KSM_AFTER_TEN_STEPS, 120, "KSM is boosted ten times")
    is_asked_and_told(daemon, guest)
    is_reloaded(daemon)
    loses_libvirtd(live, daemon)
    daemon.stop(timeout=200)
    require_clean(log)


def test_a_life_without_libvirt_and_one_look_have_no_error_and_no_leak(live):
    Libvirtd.kill()
    log, within = memcheck(live)
    daemon = live.daemon(LIFE, within=within, ready=False)
    daemon.wait_ready(timeout=120)
    daemon.wait_ticks(2)
    daemon.stop(signal.SIGINT, timeout=200)
    require_clean(log)
    Libvirtd.start()
    once = live.daemon(LIFE, within=within, options=("--foreground", "--once"), ready=False)
    wait_until(lambda: not once.running(), 120, "one look has ended")
    assert once.process.returncode == 0, once.process.returncode
    require_clean(log)


def run_clean(live, *command):
    log, within = memcheck(live)
    done = subprocess.run([*within, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120)
    assert done.returncode == 0, (command, done.stdout)
    require_clean(log)


def test_questions_and_a_restore_after_kill_9_have_no_error_and_no_leak(live):
    guests, daemon, before, _ = tuned(live)
    for question in (("status",), ("status", "--json"), ("explain", guests[0].name), ("plan",)):
        run_clean(live, CTL, "--socket", SOCKET, *question)
    daemon.kill()
    assert not nothing_left()
    run_clean(live, BINARY, "--restore", "--config", daemon.conf_file)
    require_unchanged(before, snapshot(guests))
    assert nothing_left()


test_questions_and_a_restore_after_kill_9_have_no_error_and_no_leak.seconds = 300
test_questions_and_a_restore_after_kill_9_have_no_error_and_no_leak.by_name = True
test_a_full_life_has_no_error_and_no_leak.seconds = 500
test_a_full_life_has_no_error_and_no_leak.by_name = True
test_a_life_without_libvirt_and_one_look_have_no_error_and_no_leak.seconds = 500
test_a_life_without_libvirt_and_one_look_have_no_error_and_no_leak.by_name = True
