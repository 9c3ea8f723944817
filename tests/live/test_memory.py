# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the idlest guest squeezed under pressure, through real memtune, and let go?

Pressure and swap are of a faked /proc/meminfo; limits, cgroups and guests are real.
"""
from daemon import KSM_OFF, FakeMeminfo, guest_verdict, kvmtuned, merged
from kvmlive import SPIN_DISK, distinct_pages, virsh, wait_until

ONLY_MEMORY = merged(KSM_OFF, {"placement": {"mode": "off"}, "memory": {
    "pressure_percent": 50, "calm_percent": 60, "step_interval_s": 1, "step_permille": 100}})
PRESSED = {"MemTotal": 4096, "MemAvailable": 1024, "SwapTotal": 1024, "SwapFree": 1000}
CALM = {**PRESSED, "MemAvailable": 3500}


def soft_limit_kib(guest):
    """None: unlimited."""
    for line in virsh("memtune", guest.uuid).splitlines():
        key, value = line.split(":")
        if key.strip() == "soft_limit":
            return None if value.strip() == "unlimited" else int(value)
    raise AssertionError("no soft_limit in virsh memtune")


def wait_limited(guest, timeout):
    wait_until(lambda: soft_limit_kib(guest) is not None, timeout, f"{guest.name} has a soft limit")


def wait_unlimited(guest):
    wait_until(lambda: soft_limit_kib(guest) is None, what=f"{guest.name} has no soft limit")


def test_the_idle_guest_is_squeezed_released_and_restored_after_kill_9(live):
    content = live.file("content", distinct_pages("memory", 4096))
    idle = live.guest("idle", paused=False, loader=content)
    busy = live.guest("busy", paused=False, loader=content, disk=live.file("spin", SPIN_DISK))
    meminfo = FakeMeminfo(live)
    meminfo.set(**PRESSED)
    daemon = live.daemon(ONLY_MEMORY, within=meminfo.within)
    wait_limited(idle, 150)  # nobody is squeezed in the first minute of observation
    daemon.wait_for(guest_verdict(idle, "memory", "idlest-under-pressure"))
    assert soft_limit_kib(busy) is None, "the busy guest is squeezed"

    meminfo.set(**CALM)
    wait_unlimited(idle)
    meminfo.set(**PRESSED)
    wait_limited(idle, 60)

    daemon.kill()
    assert soft_limit_kib(idle) is not None
    done = kvmtuned("--restore", "--config", daemon.conf_file)
    assert done.returncode == 0, done.stdout
    assert soft_limit_kib(idle) is None


test_the_idle_guest_is_squeezed_released_and_restored_after_kill_9.seconds = 300


def test_limits_of_the_admin_and_hosts_without_swap_are_left_alone(live):
    limited = live.guest("limited", elements="<memtune><soft_limit unit='MiB'>60</soft_limit></memtune>")
    plain = live.guest("plain")
    meminfo = FakeMeminfo(live)
    meminfo.set(**PRESSED)
    daemon = live.daemon(ONLY_MEMORY, within=meminfo.within)
    daemon.wait_for(guest_verdict(limited, "memory", "limited-by-admin"))
    daemon.stop()
    assert soft_limit_kib(limited) == 60 * 1024

    meminfo.set(**{**PRESSED, "SwapTotal": 0, "SwapFree": 0})
    daemon = live.daemon(ONLY_MEMORY, within=meminfo.within)
    daemon.wait_for(guest_verdict(plain, "memory", "no-swap"))
    assert soft_limit_kib(plain) is None
