# SPDX-License-Identifier: GPL-2.0-or-later
"""What can happen to a host with kvmtuned, in any order?

A Soak makes one thing happen after another, by chance, and after each of them asks whether
every value is its own or explained (soak_check.py).  A seed brings the same order again; the
times in between are the machine's.
"""
import os
import random
import signal
import time

from daemon import is_sanitized, kvmtuned, merged
from knobs import Ksm
from kvmlive import Libvirtd, sleeper_disk, virsh, wait_until
from soak_check import BALANCING, Truth, Undo, affinity, footprint, of_dead

GUESTS_MAX, VCPUS_MAX = 5, 2
USED_MIB, MEMORY_MIB = 24, 48
GROWTH_KIB = 2 << 10  # of a daemon that has had its first guests and lost them: up to 0.7 MiB are seen
FDS_LATE = 4          # opened for what a reload has switched on
THREADS_MAX = 4       # main, libvirt, the mover, the reclaimer
STEPS_SHOWN = 12
# By ksmtuned's law, so that KSM is at work from the first tick on.
BASE = {"daemon": {"log_level": "debug"},
        "ksm": {"policy": "ksmtuned", "free_target_percent": 100, "free_target_min_mib": 1},
        "placement": {"node_reserve_mib": 0, "cooldown_s": 0},
        "memory": {"mode": "off", "step_interval_s": 1, "step_permille": 100, "backoff_s": 5}}
MODES = ("active", "active", "active", "observe", "off")
# Speeds that kvmtuned does not come to by itself, so that it is known whose they are.
STRANGE_SPEEDS = {"pages_to_scan": range(70001, 79999, 7), "sleep_millisecs": range(7001, 7999)}


class Soak:
    def __init__(self, live, seed, cpus_of_nodes, meminfo=None, say=lambda line: None):
        self.live, self.chance, self.say = live, random.Random(seed), say
        self.seed, self.nodes, self.meminfo = seed, cpus_of_nodes, meminfo
        self.steps, self.made = [], 0
        self.truth = Truth()
        self.conf = BASE
        self.daemon = None
        self.first_in_life = None  # footprint of the daemon without guests
        self.libvirtd_stopped = False
        self.actions = {self.guest_starts: 6, self.guest_is_destroyed: 2, self.guest_is_killed: 2,
                        self.guest_is_paused_or_resumed: 2, self.guest_changes_its_load: 3,
                        self.guest_gets_a_vcpu: 2, self.guest_is_saved_and_restored: 1,
                        self.guest_dies_unseen: 1, self.daemon_dies_with_libvirtd: 1,
                        self.daemon_is_killed: 2, self.daemon_is_stopped: 2, self.restored_by_hand: 1,
                        self.daemon_reloads: 4, self.daemon_is_woken: 3, self.libvirtd_hangs: 1,
                        self.libvirtd_is_restarted: 1, self.admin_pins: 3, self.stranger_writes_ksm: 3,
                        self.stranger_writes_balancing: 1, self.all_guests_leave: 2}
        if meminfo:
            self.actions.update({self.memory_gets_short_or_not: 4, self.admin_limits: 2})

    # --- one after the other ----------------------------------------------------

    def each_once(self):
        """Guests are there from the beginning."""
        rest = [*self.actions, self.guest_starts]
        self.chance.shuffle(rest)
        return [self.guest_starts, self.guest_starts, *rest]

    def by_chance(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            yield self.chance.choices(list(self.actions), list(self.actions.values()))[0]

    def run(self, actions):
        try:
            self.daemon_starts()
            for action in actions:
                self.step(action)
            self.step(self.daemon_is_stopped)
            self.step(self.all_guests_leave)
            self.daemon.stop()
        except BaseException as error:
            last = " | ".join(f"{number}: {what}" for number, what in
                              list(enumerate(self.steps, 1))[-STEPS_SHOWN:])
            raise AssertionError(f"seed {self.seed}, after {last}: {error}") from error

    def step(self, action):
        self.steps.append(action.__name__)
        action()
        self.say(f"{len(self.steps)} {self.steps[-1]}")
        self.check()

    def note(self, detail):
        self.steps[-1] += f" ({detail})"

    def check(self):
        """Once it has seen what happened, everything is as it should be; and still after the
        next look."""
        for _ in range(2):
            self.daemon_ticks()
            self.require_none(lambda: self.truth.wrong(not self.libvirtd_stopped))
        self.require_none(lambda: of_dead(self.daemon.process.pid))
        assert self.daemon.running(), "the daemon has ended"
        assert not self.daemon.found(" error "), self.daemon.found(" error ")[0]

    @staticmethod
    def require_none(wrong, seconds=20):
        try:
            wait_until(lambda: not wrong(), seconds)
        except AssertionError:
            found = wrong()
            assert not found, "; ".join(found[:4])

    def daemon_ticks(self):
        since = self.daemon.notify.mark()
        self.daemon.tick()
        self.daemon.notify.wait_for("^WATCHDOG=1", since=since)

    # --- guests -------------------------------------------------------------------

    def some_guest(self):
        truths = [truth for truth in self.truth.guests.values() if truth.tids()]
        return self.chance.choice(truths) if truths else None

    def guest_starts(self):
        if len(self.truth.guests) == GUESTS_MAX:
            return
        self.made += 1
        disk = self.live.file(f"disk{self.made % (2 * GUESTS_MAX)}", sleeper_disk(USED_MIB))
        guest = self.live.guest(f"soak{self.made}", max_vcpus=VCPUS_MAX, memory_mib=MEMORY_MIB,
                                disk=disk, paused=self.chance.random() < 0.3)
        self.truth.add(guest)
        # It has been pinned by now, perhaps: what was its own is known all the same.
        self.truth.guests[guest.uuid].cpus = os.sched_getaffinity(0)

    def gone(self, truth):
        self.truth.remove(truth.guest)
        wait_until(lambda: not truth.guest.exists(), what=f"{truth.guest.name} is gone")

    def guest_is_destroyed(self):
        truth = self.some_guest()
        if truth:
            truth.guest.destroy()
            self.gone(truth)

    def guest_is_killed(self):
        truth = self.some_guest()
        if truth:
            os.kill(truth.process, signal.SIGKILL)
            self.gone(truth)

    def all_guests_leave(self):
        """Twice: what the first ones have brought, others need not bring again."""
        if not self.truth.guests:
            self.guest_starts()
            self.check()
        before = self.footprint_of_empty_host()
        self.first_in_life = self.first_in_life or before
        self.compare(self.first_in_life, before, FDS_LATE)
        self.guest_starts()
        self.check()
        self.compare(before, self.footprint_of_empty_host(), 0)

    def footprint_of_empty_host(self):
        for truth in list(self.truth.guests.values()):
            truth.guest.destroy()
            self.gone(truth)
        self.daemon.status(" 0 guests")
        self.daemon_ticks()
        return footprint(self.daemon.process.pid)

    def compare(self, before, now, more_fds):
        fds, _, rss_kib = before
        assert now[0] <= fds + more_fds and now[1] <= THREADS_MAX + is_sanitized() and (
            is_sanitized() or now[2] <= rss_kib + GROWTH_KIB), \
            f"fds, threads, RSS without a guest have grown: {before} -> {now}"
        self.note(f"{before} -> {now}")

    def guest_gets_a_vcpu(self):
        """A thread that is born of a pinned one, perhaps."""
        truth = self.some_guest()
        if truth:
            virsh("setvcpus", truth.guest.uuid, VCPUS_MAX, "--live", check=False)

    def guest_is_saved_and_restored(self):
        """It comes back as another process, with the pins of its XML."""
        truth = self.some_guest()
        if not truth or truth.pinned:
            return
        image = self.live.dir / "saved"
        virsh("save", truth.guest.uuid, image)
        virsh("restore", image)
        truth.process = truth.guest.pid()

    def guest_dies_unseen(self):
        """libvirtd hears of it when it goes on."""
        truth = self.some_guest()
        if truth:
            Libvirtd.send(signal.SIGSTOP)
            os.kill(truth.process, signal.SIGKILL)
            self.daemon_ticks()
            Libvirtd.ensure()
            self.gone(truth)

    def guest_is_paused_or_resumed(self):
        truth = self.some_guest()
        if truth:
            virsh(self.chance.choice(("suspend", "resume")), truth.guest.uuid, check=False)

    def guest_changes_its_load(self):
        truth = self.some_guest()
        if truth and self.chance.random() < 0.5:
            virsh("send-key", truth.guest.uuid, "KEY_SPACE", check=False)  # it wakes up
        elif truth:
            virsh("reset", truth.guest.uuid, check=False)

    # --- the daemon -----------------------------------------------------------------

    def daemon_starts(self):
        self.truth.forgive()
        self.first_in_life = None
        self.live.daemons.clear()  # of those that have ended nothing is wanted any more
        self.daemon = self.live.daemon(self.conf, within=self.meminfo.within if self.meminfo else ())
        self.daemon.status("libvirt connected")
        self.daemon.status(f" {len(self.truth.guests)} guests")

    def daemon_is_killed(self):
        self.daemon.kill()
        self.require_none(lambda: self.truth.wrong())
        self.daemon_starts()

    def daemon_dies_with_libvirtd(self):
        Libvirtd.kill()
        self.daemon.kill()
        self.require_none(lambda: self.truth.wrong(with_limits=False))
        Libvirtd.start()
        self.daemon_starts()

    def daemon_is_stopped(self):
        self.daemon.stop(self.chance.choice((signal.SIGTERM, signal.SIGINT)))
        self.require_none(self.truth.wrong_after_stop, 5)
        self.daemon_starts()

    def restored_by_hand(self):
        self.daemon.kill()
        done = kvmtuned("--restore", "--config", self.daemon.conf_file)
        assert done.returncode == 0, done.stdout
        self.require_none(self.truth.wrong_after_stop, 5)
        self.daemon_starts()

    def daemon_reloads(self):
        modes = {loop: self.chance.choice(MODES) for loop in ("ksm", "placement")}
        if self.meminfo:
            modes["memory"] = self.chance.choice(MODES)
        percent = self.chance.choice((1, 100, 100))
        self.conf = merged(BASE, {loop: {"mode": mode} for loop, mode in modes.items()},
                           {"ksm": {"free_target_percent": percent},
                            "placement": {"backend": self.chance.choice(("affinity", "affinity", "libvirt"))}})
        self.note(", ".join(f"{loop} {mode}" for loop, mode in modes.items()) +
                  f", {percent} %, {self.conf['placement']['backend']}")
        self.truth.forgive()
        self.daemon.reload(self.conf)

    def daemon_is_woken(self):
        for _ in range(self.chance.randrange(1, 5)):
            self.daemon.tick()

    # --- libvirtd -------------------------------------------------------------------

    def libvirtd_hangs(self):
        """And whatever needs no libvirt happens meanwhile."""
        Libvirtd.send(signal.SIGSTOP)
        self.libvirtd_stopped = True
        try:
            for _ in range(self.chance.randrange(1, 3)):
                happens = self.chance.choice((self.daemon_is_woken, self.stranger_writes_ksm,
                                              self.stranger_writes_balancing))
                happens()
                self.check()
        finally:
            self.libvirtd_stopped = False
            Libvirtd.ensure()
        self.daemon.status("libvirt connected", timeout=90)

    def libvirtd_is_restarted(self):
        Libvirtd.kill()
        Libvirtd.start()
        since = self.daemon.notify.mark()
        wait_until(lambda: self.daemon.notify.found("^STATUS=.*libvirt connected", since), 90,
                   "the daemon is connected again")

    # --- others who write -------------------------------------------------------------

    def admin_pins(self):
        """What is pinned to one node already, to another: that is nobody's but theirs."""
        truth = self.some_guest()
        filed = Undo().pins.get(truth.guest.uuid, {}) if truth else {}
        tids = [tid for tid in sorted(filed) if affinity(tid) == filed[tid][2] and tid not in truth.pinned]
        if not tids:
            return
        tid = self.chance.choice(tids)
        cpus = next(cpus for cpus in self.nodes if cpus != affinity(tid))
        vcpus = truth.guest.vcpu_tids()
        self.note(f"{truth.guest.name}, {'vcpupin' if tid in vcpus else 'taskset'}")
        if tid in vcpus:
            virsh("vcpupin", truth.guest.uuid, vcpus.index(tid), ",".join(map(str, sorted(cpus))), "--live")
        else:
            try:
                os.sched_setaffinity(tid, cpus)
            except OSError:  # libvirt's pin is the cpuset, which lets nobody out
                return
        truth.pinned[tid] = cpus
        truth.ceded.add(tid)

    def admin_limits(self):
        truth = self.some_guest()
        if truth:
            mib = self.chance.randrange(MEMORY_MIB, 4 * MEMORY_MIB)
            virsh("memtune", truth.guest.uuid, "--live", "--soft-limit", mib << 10)
            truth.limit_kib = mib << 10

    def stranger_writes_ksm(self):
        name = self.chance.choice([*STRANGE_SPEEDS, "run"])
        value = self.chance.choice(STRANGE_SPEEDS.get(name, (0, 1)))
        self.note(f"{name} {value}")
        filed = Undo().ksm.get(name)
        if str(value) == Ksm.text(name):
            return  # nobody can tell
        Ksm.write(name, value)
        self.truth.ksm[name] = str(value)
        if filed:
            self.truth.ceded.add(name)

    def stranger_writes_balancing(self):
        if self.truth.balancing is None or Undo().balancing:
            return
        self.truth.balancing = str(1 - int(BALANCING.read_text()))
        BALANCING.write_text(self.truth.balancing)

    def memory_gets_short_or_not(self):
        mib = self.chance.choice((100, 100, 3500))
        self.note(f"{mib} MiB")
        self.meminfo.set(MemTotal=4096, MemAvailable=mib)
