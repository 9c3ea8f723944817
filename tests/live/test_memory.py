# SPDX-License-Identifier: GPL-2.0-or-later
"""Are idle guests squeezed under pressure, let go when they need their memory, and given back
all that was theirs, however kvmtuned ends?

Guests, their memory, limits, cgroups and swap are real; only how much memory is available is
of a faked /proc/meminfo.  On cgroup v1 a soft limit takes nothing until the whole machine is
short, which is not done here: where it matters the test swaps the guest out in its stead.

A guest is watched for a minute before anything is taken of it.  So there is one long story
under one daemon; its chapters are functions, in the order in which they happen.
"""
import os
import pathlib
import re
import signal
import time

from ctl import ctl
from daemon import (KSM_OFF, TAKEN_OVER, FakeMeminfo, as_said, ceded, guest_verdict,
                    kvmtuned, left, merged, undo_text)
from kvmlive import (MIB, PAGE, SPIN_DISK, Libvirtd, Skip, add_swap, create_all, distinct_pages,
                     sleeper_disk, virsh, wait_until)

USED_MIB, MEMORY_MIB = 48, 64
GUARANTEED_MIB = {"section": 54, "metadata": 50}  # of about 62 that such a process uses
BACKOFF_S = 20
# Debug, because only what changes for a guest is news, and not each reason to leave it so.
ONLY_MEMORY = merged(KSM_OFF, {
    "daemon": {"log_level": "debug"}, "placement": {"mode": "off"},
    "memory": {"step_interval_s": 1, "step_permille": 100, "backoff_s": BACKOFF_S},
    'domain "*-section"': {"min_guarantee_mib": GUARANTEED_MIB["section"]}})
PRESSED = {"MemTotal": 4096, "MemAvailable": 100}
BETWEEN = {"MemTotal": 4096, "MemAvailable": 900}
CALM = {"MemTotal": 4096, "MemAvailable": 3500}
NO_SWAP = {"SwapTotal": 0, "SwapFree": 0}
HOSTILE_NAME = "%s%n$(reboot)'quo\"te\\ <b>&amp;"
MARK_URI = "urn:kvmtuned:limit:1"
POLICY_URI = "urn:kvmtuned:1"


def soft_limit_kib(guest):
    """None: unlimited."""
    for line in virsh("memtune", guest.uuid).splitlines():
        key, value = line.split(":")
        if key.strip() == "soft_limit":
            return None if value.strip() == "unlimited" else int(value)
    raise AssertionError("no soft_limit in virsh memtune")


def limit_of_cgroup_mib(guest):
    """By the kernel's word, without libvirt."""
    groups = pathlib.Path(f"/proc/{guest.pid()}/cgroup").read_text()
    path = re.search(r"(?m)^\d+:memory:(.*)$", groups)
    if not path:
        raise Skip("the memory controller is not on cgroup v1")
    file = pathlib.Path("/sys/fs/cgroup/memory") / path[1][1:] / "memory.soft_limit_in_bytes"
    return int(file.read_text()) // MIB


def mark_of(guest):
    """(soft_limit_kib, original_kib) of the live XML; None: no mark."""
    found = virsh("metadata", guest.uuid, "--uri", MARK_URI, "--live", check=False)
    values = dict(re.findall(r'(\w+)=["\'](\w+)["\']', found))
    return (int(values["soft_limit_kib"]), values["original_kib"]) if values else None


def wait_limited(guests, timeout=30):
    for guest in guests:
        wait_until(lambda guest=guest: soft_limit_kib(guest) is not None, timeout,
                   f"{guest.name} has a soft limit")


def wait_unlimited(guests, timeout=30):
    for guest in guests:
        wait_until(lambda guest=guest: soft_limit_kib(guest) is None, timeout,
                   f"{guest.name} has no soft limit")
        wait_until(lambda guest=guest: mark_of(guest) is None, what=f"{guest.name} has no mark")


def runaway(guest):
    return rf"warning +{as_said(guest)}: memory: "


def limits_said(daemon, guest):
    """KiB, in the order in which they were set."""
    pattern = re.compile(rf"{as_said(guest)}: soft limit set: (\d+) KiB")
    return [int(match[1]) for match in map(pattern.search, daemon.lines) if match]


class Story:
    def __init__(self, live):
        self.live = live
        self.meminfo = FakeMeminfo(live)
        self.idle, self.doomed, self.woken = map(self.sleeper, ("idle", "doomed", "woken"))
        self.section, self.metadata = map(self.sleeper, GUARANTEED_MIB)
        self.hostile = self.sleeper(HOSTILE_NAME)
        self.kept = self.sleeper("kept", persistent=True)
        self.saved = self.sleeper("saved")
        self.busy = self.sleeper("busy", awake=True)
        self.admins = self.sleeper("admins", elements="<memtune><soft_limit unit='MiB'>60</soft_limit>"
                                                      "</memtune>")
        self.sleepers = [self.idle, self.doomed, self.woken, self.section, self.metadata,
                         self.hostile, self.saved, self.kept]
        # Those to which nothing special happens before the end.
        self.limited = [self.section, self.metadata, self.hostile, self.kept]
        self.guests = self.sleepers + [self.busy, self.admins]
        create_all(self.guests, paused=False)
        for guest in self.sleepers:
            wait_until(lambda guest=guest: guest.resident_mib() >= USED_MIB - 1, 60,
                       f"{guest.name} has touched its memory")
        virsh("metadata", self.metadata.uuid, POLICY_URI, "--live", "--key", "kvmtuned", "--set",
              f"<policy min_guarantee_mib='{GUARANTEED_MIB['metadata']}'/>")

    def sleeper(self, name, awake=False, **how):
        disk = self.live.file(f"disk{len(self.live.guests)}", sleeper_disk(USED_MIB, awake))
        return self.live.new_guest(name, memory_mib=MEMORY_MIB, disk=disk, **how)

    def start(self, *confs):
        return self.live.daemon(ONLY_MEMORY, *confs, within=self.meminfo.within)


def without_swap_it_says_so_once(story, daemon):
    for guest in story.sleepers:
        daemon.wait_for(guest_verdict(guest, "memory", "no-swap"))
    daemon.wait_ticks()
    for guest in story.sleepers:
        assert len(daemon.found(guest_verdict(guest, "memory", "no-swap"))) == 1, daemon.lines
    daemon.wait_for(guest_verdict(story.admins, "memory"))


def observing_says_what_it_would_do_and_writes_nothing(story, daemon, definitions):
    story.meminfo.set(**PRESSED)
    would = r"soft limit would be set: \d+ KiB"
    daemon.wait_for(rf"{as_said(story.idle)}: {would}", 150)
    daemon.wait_ticks()
    assert {guest: virsh("dumpxml", guest.uuid) for guest in definitions} == definitions
    assert not daemon.found("soft limit set"), daemon.found("soft limit set")


def idle_guests_go_down_by_steps_to_their_floors(story, daemon):
    for guest in story.sleepers:
        daemon.wait_for(guest_verdict(guest, "memory", "at-floor"), 60)
    for guest in story.sleepers:
        said = limits_said(daemon, guest)
        assert said and said == sorted(said, reverse=True), (guest.name, said)
        assert soft_limit_kib(guest) == said[-1]
        assert limit_of_cgroup_mib(guest) == said[-1] // 1024
        assert mark_of(guest) == (said[-1], "unlimited")
    for name, mib in GUARANTEED_MIB.items():
        assert soft_limit_kib(getattr(story, name)) >= mib * 1024
    assert soft_limit_kib(story.idle) >= MEMORY_MIB * 1024 // 4
    assert len(limits_said(daemon, story.idle)) >= 3, "all at once"
    assert soft_limit_kib(story.idle) < min(GUARANTEED_MIB.values()) * 1024, "floors are alike"
    assert MARK_URI not in virsh("dumpxml", story.kept.uuid, "--inactive")


def the_busy_and_the_admins_guest_are_left_alone(story, daemon):
    daemon.wait_for(guest_verdict(story.busy, "memory", "guest-active"))
    daemon.wait_for(guest_verdict(story.admins, "memory", "limited-by-admin"))
    for guest in (story.busy, story.admins):
        assert not limits_said(daemon, guest)
    assert soft_limit_kib(story.busy) is None and soft_limit_kib(story.admins) == 60 * 1024


def a_guest_that_wakes_is_let_go_at_once(story, daemon):
    """Most of its memory is in swap, as it is when kswapd has followed the limit."""
    guest = story.woken
    guest.swap_out()
    wait_until(lambda: guest.resident_mib() < USED_MIB // 4, what="it is swapped out")
    since = daemon.mark()
    guest.wake()
    awake = time.monotonic()
    daemon.wait_for(guest_verdict(guest, "memory", "guest-suffers"), since=since)
    said = daemon.time_of(guest_verdict(guest, "memory", "guest-suffers"), since)
    # The end of the tick that was under way, and that of the next, may come before it is said.
    assert daemon.ticks_between(awake, said) <= 2, daemon.lines[since:]
    wait_unlimited([guest])
    virsh("reset", guest.uuid)  # it sleeps again
    return since, said


def and_left_alone_for_the_back_off(story, daemon, since, suffered):
    again = rf"{as_said(story.woken)}: soft limit set: "
    daemon.wait_for(again, 90, since=since)
    assert daemon.time_of(again, since) - suffered >= BACKOFF_S - 1, daemon.lines[since:]


def what_the_admin_has_set_in_between_is_his(story, daemon):
    """libvirt tells nobody; it shows when the limit is to be lifted."""
    daemon.wait_for(ceded(story.idle.name))
    assert soft_limit_kib(story.idle) == 40000 and mark_of(story.idle) is None


def a_guest_destroyed_in_between_is_forgotten(story, daemon):
    story.doomed.destroy()
    daemon.wait_for(left(story.doomed))
    wait_until(lambda: story.doomed.uuid not in undo_text(), what="its limit is forgotten")


def squeezed_again(story, daemon):
    since = daemon.mark()
    story.meminfo.set(**PRESSED)
    for guest in story.limited:
        daemon.wait_for(guest_verdict(guest, "memory", "at-floor"), 90, since=since)


def between_calm_and_pressed_limits_stay(story, daemon):
    """On a machine that is busy with something else a guest may suffer just then, and is let go."""
    for _ in range(3):
        before = {guest: soft_limit_kib(guest) for guest in story.limited}
        since = daemon.mark()
        story.meminfo.set(**BETWEEN)
        daemon.wait_for(guest_verdict(story.hostile, "memory", "host-between"), since=since)
        daemon.wait_ticks()
        after = {guest: soft_limit_kib(guest) for guest in story.limited}
        if not any(daemon.found(guest_verdict(guest, "memory", "guest-suffers"), since)
                   for guest in story.limited):
            break
        squeezed_again(story, daemon)
    assert after == before


def calm_lifts_what_a_hung_libvirtd_had_to_keep(story, daemon):
    since = daemon.mark()
    Libvirtd.send(signal.SIGSTOP)
    story.meminfo.set(**CALM)
    daemon.wait_for(guest_verdict(story.hostile, "memory", "host-calm"), since=since)
    daemon.wait_ticks(5)
    assert limit_of_cgroup_mib(story.hostile) < MEMORY_MIB
    Libvirtd.send(signal.SIGCONT)
    wait_unlimited(story.limited + [story.saved])


def save_and_restore(live, guest):
    file = live.dir / "saved"
    virsh("save", guest.uuid, file)
    virsh("restore", file)
    file.unlink()


def a_saved_guest_comes_back_with_what_is_ours(story, daemon):
    """Whether kvmtuned was quick enough to lift the limit before it was saved, or not."""
    since = daemon.mark()
    save_and_restore(story.live, story.saved)
    daemon.wait_for(guest_verdict(story.saved, "memory", "guest-young"), since=since)
    assert not daemon.found(guest_verdict(story.saved, "memory", "limited-by-admin"))


def what_the_operator_holds_is_given_back_and_left_alone(story, daemon):
    held = [story.metadata, story.hostile]
    ctl("pause", held[0].uuid)
    ctl("release", held[1].uuid)
    wait_unlimited(held)
    since = daemon.mark()
    daemon.wait_ticks(5)
    for guest in held:
        assert not daemon.found(rf"{as_said(guest)}: soft limit set: ", since), daemon.lines[since:]
        assert soft_limit_kib(guest) is None
    assert soft_limit_kib(story.kept) is not None
    ctl("resume")
    wait_limited(held, 90)


def after_kill_9_a_restart_goes_on(story, daemon):
    """... also with a guest that was saved while nobody was there, which the undo file does
    not know: only the mark in its XML does."""
    limits = {guest: soft_limit_kib(guest) for guest in story.limited}
    daemon.kill()
    save_and_restore(story.live, story.kept)
    assert MARK_URI not in virsh("dumpxml", story.kept.uuid, "--inactive")
    second = story.start()
    second.wait_for(TAKEN_OVER)
    second.wait_for(guest_verdict(story.kept, "memory", "guest-young"))
    second.wait_ticks()
    assert {guest: soft_limit_kib(guest) for guest in story.limited} == limits
    return second


def opting_out_lifts_what_an_earlier_life_has_set(story, daemon):
    virsh("metadata", story.section.uuid, POLICY_URI, "--live", "--key", "kvmtuned", "--set",
          "<policy memory='off'/>")
    daemon.wait_for(guest_verdict(story.section, "memory", "switched-off"))
    wait_unlimited([story.section])
    story.limited.remove(story.section)


def restore_gives_back_the_rest(story, daemon):
    wait_limited(story.limited)
    daemon.kill()
    done = kvmtuned("--restore", "--config", daemon.conf_file)
    assert done.returncode == 0, done.stdout
    wait_unlimited(story.limited)
    assert soft_limit_kib(story.idle) == 40000 and soft_limit_kib(story.admins) == 60 * 1024


def test_idle_guests_are_squeezed_let_go_and_given_back(live):
    add_swap(1024)
    story = Story(live)
    story.meminfo.set(**PRESSED, **NO_SWAP)
    definitions = {guest: virsh("dumpxml", guest.uuid) for guest in story.guests}
    daemon = story.start({"memory": {"mode": "observe"}})
    without_swap_it_says_so_once(story, daemon)
    observing_says_what_it_would_do_and_writes_nothing(story, daemon, definitions)

    daemon.reload(ONLY_MEMORY)
    idle_guests_go_down_by_steps_to_their_floors(story, daemon)
    the_busy_and_the_admins_guest_are_left_alone(story, daemon)
    woken = a_guest_that_wakes_is_let_go_at_once(story, daemon)
    virsh("memtune", story.idle.uuid, "--live", "--soft-limit", 40000)
    a_guest_destroyed_in_between_is_forgotten(story, daemon)
    between_calm_and_pressed_limits_stay(story, daemon)
    a_saved_guest_comes_back_with_what_is_ours(story, daemon)
    calm_lifts_what_a_hung_libvirtd_had_to_keep(story, daemon)
    what_the_admin_has_set_in_between_is_his(story, daemon)
    story.meminfo.set(**PRESSED)
    wait_limited(story.limited, 60)
    and_left_alone_for_the_back_off(story, daemon, *woken)
    what_the_operator_holds_is_given_back_and_left_alone(story, daemon)
    assert len(daemon.found(ceded(story.idle.name))) == 1, daemon.found("somebody else")
    assert not daemon.found(" error "), daemon.found(" error ")

    second = after_kill_9_a_restart_goes_on(story, daemon)
    opting_out_lifts_what_an_earlier_life_has_set(story, second)
    restore_gives_back_the_rest(story, second)


test_idle_guests_are_squeezed_let_go_and_given_back.seconds = 400


def test_a_limit_that_came_with_the_guest_is_given_back_at_the_stop(live):
    """As on a host that a squeezed guest is migrated to."""
    comes, foreign = live.guest("comes", paused=False), live.guest("foreign", paused=False)
    for guest in (comes, foreign):
        virsh("memtune", guest.uuid, "--live", "--soft-limit", 50000)
    for guest, limit_kib in ((comes, 50000), (foreign, 40000)):
        virsh("metadata", guest.uuid, MARK_URI, "--live", "--key", "kvmtuned-limit", "--set",
              f"<limit soft_limit_kib='{limit_kib}' original_kib='70000'/>")
    meminfo = FakeMeminfo(live)
    meminfo.set(**PRESSED, SwapTotal=1024, SwapFree=1024)
    daemon = live.daemon(ONLY_MEMORY, within=meminfo.within)
    daemon.wait_for(guest_verdict(comes, "memory", "guest-young"))
    daemon.wait_for(guest_verdict(foreign, "memory", "limited-by-admin"))
    wait_until(lambda: comes.uuid in undo_text(), what="its original is remembered")
    daemon.wait_ticks()
    assert soft_limit_kib(comes) == soft_limit_kib(foreign) == 50000
    daemon.stop()
    assert soft_limit_kib(comes) == 70000 and mark_of(comes) is None
    assert soft_limit_kib(foreign) == 50000


def test_a_qemu_that_outgrows_its_guest_is_reported_and_held_where_it_is(live):
    """QEMU keeps a copy of what its loader has put into the guest's memory.  A guest of type
    qemu would have to outgrow 1 GiB of translated code."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("needs /dev/kvm")
    content = live.file("content", distinct_pages("memory", 40 * MIB // PAGE))
    big = live.guest("big", kind="kvm", paused=False, loader=content, disk=live.file("spin", SPIN_DISK))
    plain = live.guest("plain", kind="kvm", memory_mib=128, paused=False)
    meminfo = FakeMeminfo(live)
    meminfo.set(**CALM)
    guard = {"memory": {"overhead_mib": 0}}
    daemon = live.daemon(ONLY_MEMORY, guard, within=meminfo.within)
    daemon.wait_for(runaway(big))
    daemon.wait_ticks(5)
    assert len(daemon.found(runaway(big))) == 1 and not daemon.found(runaway(plain))
    assert soft_limit_kib(big) is None

    daemon.reload(merged(ONLY_MEMORY, guard, {"memory": {"runaway": "limit"}}))
    wait_limited([big])
    assert soft_limit_kib(big) > (64 + 8) * 1024
    assert soft_limit_kib(plain) is None
    daemon.wait_ticks()
    daemon.stop()
    assert soft_limit_kib(big) is None and mark_of(big) is None
