# SPDX-License-Identifier: GPL-2.0-or-later
"""Does everything go back to what it was, however kvmtuned ends?"""
import os
import random
import signal
import subprocess
import threading

from daemon import BINARY, MEMORY_SHORT, TAKEN_OVER, UNDO, kvmtuned, merged, undo_text
from knobs import Ksm, affinities, differences, require_unchanged, snapshot
from kvmlive import Libvirtd, wait_until
from test_placement import ONLY_PLACEMENT, pins, two_nodes, wait_home

BOTH = merged(MEMORY_SHORT, {"placement": {"node_reserve_mib": 0, "cooldown_s": 0}})


def nothing_left():
    values = ("ksm ", "guest ", "pin ", "limit ")
    return not [line for line in undo_text().splitlines() if line.startswith(values)]


def tuned(live, *confs):
    """Two guests, and a daemon that has set KSM and both guests' affinities."""
    Ksm.need()
    home, _ = two_nodes(live)
    Ksm.write("run", 0)
    Ksm.write("pages_to_scan", 123)
    Ksm.write("sleep_millisecs", 34)
    guests = [live.guest("one"), live.guest("two")]
    before = snapshot(guests)
    daemon = live.daemon(BOTH, *confs)
    for guest in guests:
        wait_home(guest, home)
    wait_until(lambda: Ksm.number("run") == 1, what="KSM scans")
    wait_until(lambda: Ksm.number("pages_to_scan") >= 600, what="KSM is boosted")
    return guests, daemon, before, home


def test_stop_by_either_signal_restores_every_value(live):
    for number in (signal.SIGTERM, signal.SIGINT):
        guests, daemon, before, _ = tuned(live)
        daemon.stop(number)
        daemon.notify.wait_for("^STOPPING=1")
        require_unchanged(before, snapshot(guests))
        assert nothing_left(), undo_text()
        for guest in guests:
            guest.destroy()


def test_restore_after_kill_9_restores_every_value(live):
    guests, daemon, before, _ = tuned(live)
    daemon.kill()
    assert UNDO.exists(), "nothing was remembered"
    done = kvmtuned("--restore", "--config", daemon.conf_file)
    assert done.returncode == 0, done.stdout
    require_unchanged(before, snapshot(guests))
    assert nothing_left(), undo_text()


def test_restart_after_kill_9_goes_on_and_its_stop_restores(live):
    guests, daemon, before, home = tuned(live)
    daemon.kill()
    assert all(guest.all_on(home) for guest in guests)
    second = live.daemon(BOTH)
    second.wait_for(TAKEN_OVER)
    second.status("2 pinned")
    assert all(guest.all_on(home) for guest in guests), "the restart rolled guests back"
    second.stop()
    require_unchanged(before, snapshot(guests))


class Passers:
    """Up to three guests that come and go beside whatever else happens."""

    def __init__(self, live, chance):
        self.live, self.chance = live, chance
        self.there, self.count, self.thread = [], 0, None

    def _one_comes_or_goes(self):
        if len(self.there) == 3 or (self.there and self.chance.random() < 0.4):
            self.there.pop(self.chance.randrange(len(self.there))).destroy()
        else:
            self.count += 1
            self.there.append(self.live.guest(f"passer-{self.count}"))

    def move(self):
        self.settle()
        self.thread = threading.Thread(target=self._one_comes_or_goes)
        self.thread.start()

    def settle(self):
        if self.thread:
            self.thread.join()
            self.thread = None


def live_fifty_times(live, chance):
    guests, daemon, before, _ = tuned(live)
    cpus = set(os.sched_getaffinity(0))
    passers = Passers(live, chance)
    stops = 0
    for life in range(1, 51):
        passers.move()
        for _ in range(chance.randrange(3)):
            daemon.tick()
            daemon.wait_ticks(1)
        if life < 50 and chance.random() < 0.6:
            daemon.kill()
        else:
            daemon.stop()
            stops += 1
            passers.settle()
            require_unchanged(before, snapshot(guests))
            moved = [guest.name for guest in passers.there if not guest.all_on(cpus)]
            assert not moved, f"life {life}: {moved} still pinned"
            assert nothing_left(), undo_text()
        if life < 50:
            daemon = live.daemon(BOTH)
    assert stops > 5, stops


def test_fifty_lives_while_guests_come_and_go(live):
    seed = int(os.environ.get("KT_SEED", random.randrange(1 << 30)))
    try:
        live_fifty_times(live, random.Random(seed))
    except AssertionError as failure:
        raise AssertionError(f"KT_SEED={seed}: {failure}") from failure


test_fifty_lives_while_guests_come_and_go.seconds = 400


def test_a_stop_right_after_the_restart_restores_what_was_left(live):
    guests, daemon, before, _ = tuned(live)
    daemon.kill()
    late = live.dir / "late.conf"
    os.mkfifo(late)  # the daemon waits for its configuration
    second = subprocess.Popen([BINARY, "--foreground", "--config", late], stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env=dict(os.environ, **live.environment))

    def being_read():
        try:
            return os.open(late, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody has it open
            return None
    end = wait_until(being_read, what="the daemon opens its configuration")
    second.send_signal(signal.SIGTERM)
    os.write(end, daemon.conf_file.read_bytes())
    os.close(end)
    assert second.wait(60) == 0
    require_unchanged(before, snapshot(guests))
    assert nothing_left(), undo_text()


def test_a_restart_with_pins_in_libvirt_rolls_nothing_back(live):
    home, _ = two_nodes(live)
    guest = live.guest("one")
    before = pins(guest), affinities([guest])
    visible = merged(ONLY_PLACEMENT, {"placement": {"backend": "libvirt"}})
    first = live.daemon(visible)
    wait_home(guest, home)
    first.wait_for("threads pinned to node")
    in_force = pins(guest)
    first.kill()
    second = live.daemon(visible)
    second.status("1 pinned")
    for _ in range(3):  # what it wrote itself must not look like the admin's
        second.notify.wait_for("^WATCHDOG=1", since=second.notify.mark())
    assert pins(guest) == in_force and guest.all_on(home)
    assert not second.found("pinned-by-admin|own CPUs back"), second.lines
    second.stop()
    assert (pins(guest), affinities([guest])) == before


def test_a_broken_configuration_does_not_hinder_the_restore(live):
    guests, daemon, before, _ = tuned(live)
    daemon.kill()
    daemon.write_conf("[plaecment]\n")
    done = kvmtuned("--restore", "--config", daemon.conf_file)
    assert done.returncode == 0, done.stdout
    require_unchanged(before, snapshot(guests))


def test_a_guest_that_went_meanwhile_does_not_hinder_the_restore(live):
    guests, daemon, before, _ = tuned(live)
    daemon.kill()
    guests[0].destroy()
    done = kvmtuned("--restore", "--config", daemon.conf_file)
    assert done.returncode == 0, done.stdout
    require_unchanged(before, snapshot(guests[1:]))


def test_on_stop_keep_keeps_and_restore_undoes_it_later(live):
    guests, daemon, before, home = tuned(live, {"daemon": {"on_stop": "keep"}})
    in_force = Ksm.values()["sleep_millisecs"]
    daemon.stop()
    assert all(guest.all_on(home) for guest in guests)
    assert Ksm.number("run") == 1 and Ksm.values()["sleep_millisecs"] == in_force
    done = kvmtuned("--restore", "--config", daemon.conf_file)
    assert done.returncode == 0, done.stdout
    require_unchanged(before, snapshot(guests))


def test_a_damaged_undo_file_is_set_aside_and_said(live):
    guests, daemon, _, home = tuned(live)
    daemon.kill()
    damaged = UNDO.read_bytes()[:-7] + b"\0\xff%n"
    UNDO.write_bytes(damaged)
    second = live.daemon(BOTH)
    second.wait_for("undo")
    assert UNDO.with_name("undo.bad").read_bytes() == damaged
    second.status("2 guests")
    assert all(guest.all_on(home) for guest in guests)


def test_switching_the_loops_off_by_reload_gives_back_what_is_ours(live):
    guests, daemon, before, _ = tuned(live)
    daemon.reload(merged(BOTH, {"ksm": {"mode": "off"}, "placement": {"mode": "off"}}))
    wait_until(lambda: not differences(before, snapshot(guests)), what="every value is back")


def test_pins_that_libvirt_cannot_give_back_now_are_remembered_for_later(live):
    home, _ = two_nodes(live)
    guest = live.guest("one")
    before = pins(guest), affinities([guest])
    daemon = live.daemon(ONLY_PLACEMENT, {"placement": {"backend": "libvirt"}})
    wait_home(guest, home)
    wait_until(lambda: pins(guest) != before[0], what="virsh shows the pins")
    Libvirtd.send(signal.SIGSTOP)
    daemon.stop(expected=1)
    assert not nothing_left()
    Libvirtd.ensure()  # 9.0 may fall over a client that has left while it was stopped
    done = kvmtuned("--restore", "--config", daemon.conf_file)
    assert done.returncode == 0, done.stdout
    assert (pins(guest), affinities([guest])) == before
    assert nothing_left(), undo_text()
