# SPDX-License-Identifier: GPL-2.0-or-later
"""Does kvmtuned keep up with guests: many, short-lived, badly named, dying?"""
import os
import re
import signal

from daemon import MEMORY_SHORT, appeared, guest_verdict, left, merged
from knobs import Ksm
from kvmlive import create_all, virsh, wait_until
from test_placement import ONLY_PLACEMENT, two_nodes, wait_home

HOSTILE_NAMES = {
    "format": "%s%n%d%%",
    "shell": "$(reboot) `reboot`;&|>'",
    "quotes": "quo\"te's \\ back",
    "markup": "<domain>&amp;]]>",
    "blanks": "  two  blanks ",
    "dots": "..",
    "unicode": "r\u00fcb\u00e9\u4e16\u754c\U0001f600",
    "direction": "\u202egnp.exe\u2028next",
    "control": "\u0085\u009b31mred\u007f",
    "newline": "one\ntwo (pinned-by-admin)",
    "tab": "a\tb",
    "long": "x" * 240,
}
# C0, DEL and C1: what must never reach a terminal or split a line.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]")


def create_if_permitted(live, name):
    guest = live.new_guest(name)
    try:
        return guest.create()
    except AssertionError:  # libvirt itself refuses, for instance, newlines
        return None


def test_hostile_names_are_managed_and_escaped(live):
    home, _ = two_nodes(live)
    guests = [create_if_permitted(live, name) for name in HOSTILE_NAMES.values()]
    guests = [guest for guest in guests if guest]
    assert len(guests) >= 8, "libvirt refused nearly all of them"
    daemon = live.daemon(ONLY_PLACEMENT, {"placement": {"backend": "libvirt"}})
    for guest in guests:
        wait_home(guest, home)
    daemon.wait_for("home is node 0", count=len(guests))
    for line in daemon.lines:
        assert not CONTROL.search(line), ascii(line)
    daemon.stop()


def test_thirty_guests_at_once(live):
    guests = [live.new_guest(f"n{number}") for number in range(30)]
    daemon = live.daemon(MEMORY_SHORT)
    create_all(guests)
    for guest in guests:
        daemon.wait_for(guest_verdict(guest, "placement"))
        daemon.wait_for(guest_verdict(guest, "memory"))
        assert len(daemon.found(appeared(guest))) == 1, daemon.found(appeared(guest))
    daemon.status("30 guests")
    if Ksm.values():
        assert Ksm.number("run") == 1
    for guest in guests[10:]:
        guest.destroy()
    daemon.status("10 guests")
    for guest in guests[10:]:
        daemon.wait_for(left(guest))
        assert len(daemon.found(left(guest))) == 1, daemon.found(left(guest))


test_thirty_guests_at_once.seconds = 240


def test_guests_destroyed_in_the_middle_of_a_tick(live):
    """Stopped at some point of a tick, the daemon finds the guest gone when it goes on."""
    home, _ = two_nodes(live)
    guests = [live.new_guest(f"short{number}") for number in range(12)]
    create_all(guests)
    daemon = live.daemon(merged(ONLY_PLACEMENT, MEMORY_SHORT, {"ksm": {"mode": "active"}}))
    daemon.status("12 guests")
    for number, guest in enumerate(guests):
        daemon.tick()
        for _ in range(1000 * number):  # not the same point every time
            pass
        daemon.send(signal.SIGSTOP)
        if number % 2:
            guest.destroy()
        else:
            os.kill(guest.pid(), signal.SIGKILL)
        daemon.send(signal.SIGCONT)
    for guest in guests:
        daemon.wait_for(left(guest))
    daemon.status(" 0 guests")
    assert not daemon.found(r" error "), daemon.found(r" error ")
    wait_home(live.guest("last"), home)


def test_a_crashed_guest_is_forgotten_and_its_name_starts_afresh(live):
    home, _ = two_nodes(live)
    daemon = live.daemon(ONLY_PLACEMENT)
    guest = live.guest("again")
    wait_home(guest, home)
    os.kill(guest.pid(), signal.SIGKILL)
    daemon.wait_for(left(guest))
    wait_until(lambda: not guest.exists(), what="libvirt forgot it")
    mark = daemon.mark()
    guest.create()
    daemon.wait_for(appeared(guest), since=mark)
    wait_home(guest, home)


def test_suspended_and_resumed_guests_stay_managed(live):
    home, _ = two_nodes(live)
    guest = live.guest("sleeper", paused=False)
    daemon = live.daemon(ONLY_PLACEMENT)
    wait_home(guest, home)
    for command in ("suspend", "resume", "suspend"):
        virsh(command, guest.uuid)
        daemon.notify.wait_for("^WATCHDOG=1", since=daemon.notify.mark())
        assert guest.all_on(home)
    assert not daemon.found(left(guest))
