# SPDX-License-Identifier: GPL-2.0-or-later
"""Does kvmtuned live through what happens to libvirtd?"""
import contextlib
import os
import pathlib
import signal
import time

from daemon import (LIBVIRT_BACK, LIBVIRT_LATE, LIBVIRT_LOST, MEMORY_SHORT, appeared, ceded,
                    guest_verdict, left, merged, undo_text)
from faults import Faults
from knobs import Ksm, affinities, require_unchanged
from kvmlive import Libvirtd, command_line, cpulist, processes, virsh, wait_until
from test_placement import ONLY_PLACEMENT, pins, two_nodes, wait_home

# Slow enough to be seen growing for more than a minute.
SLOW_BOOST = {"ksm": {"mode": "active", "boost_pages": 5, "max_pages": 100000}}
EVERYTHING = merged(ONLY_PLACEMENT, MEMORY_SHORT, SLOW_BOOST)


def test_a_restarted_libvirtd_means_no_duplicate_and_no_forgotten_guest(live):
    home, _ = two_nodes(live)
    stays, dies = live.guest("stays"), live.guest("dies")
    daemon = live.daemon(ONLY_PLACEMENT)
    for guest in (stays, dies):
        wait_home(guest, home)
    daemon.status("2 guests")

    before = daemon.mark()
    Libvirtd.kill()
    daemon.wait_for(LIBVIRT_LOST)
    os.kill(dies.pid(), signal.SIGKILL)  # nobody is there to tell
    mark = daemon.mark()
    Libvirtd.start()
    comes = live.guest("comes")
    daemon.wait_for(LIBVIRT_BACK, since=mark, timeout=60)
    wait_home(comes, home)
    daemon.wait_for(left(dies), since=mark)
    daemon.status("2 guests")
    assert stays.all_on(home)
    about_stays = f"{appeared(stays)}|{left(stays)}|{guest_verdict(stays, 'placement')}"
    assert not daemon.found(about_stays, before), daemon.found(about_stays, before)


def test_without_libvirt_ksm_goes_on_and_guests_come_later(live):
    home, _ = two_nodes(live)
    Ksm.need()
    Ksm.write("run", 0)
    Libvirtd.kill()
    daemon = live.daemon(merged(ONLY_PLACEMENT, MEMORY_SHORT, {"ksm": {"mode": "active"}}))
    daemon.wait_for(LIBVIRT_LOST)
    daemon.status("libvirt not connected")
    wait_until(lambda: Ksm.number("run") == 1, what="KSM scans without libvirt")
    Libvirtd.start()
    guest = live.guest("late")
    wait_until(lambda: guest.all_on(home), 90, "the guest is placed")


def watchdog_count(daemon):
    return len(daemon.notify.found("^WATCHDOG=1"))


def test_sixty_seconds_of_stopped_libvirtd_stop_only_what_needs_it(live):
    home, _ = two_nodes(live)
    Ksm.need()
    Ksm.write("run", 0)
    guest = live.guest("one")
    before = affinities([guest])
    daemon = live.daemon(EVERYTHING, watchdog_s=6)
    wait_home(guest, home)
    wait_until(lambda: Ksm.number("run") == 1, what="KSM scans")

    Libvirtd.send(signal.SIGSTOP)
    until = time.monotonic() + 60
    pages = Ksm.number("pages_to_scan")
    while time.monotonic() < until:  # every round must go on by itself
        fed = watchdog_count(daemon)
        wait_until(lambda: watchdog_count(daemon) > fed, 6, "the watchdog is fed")
        wait_until(lambda: Ksm.number("pages_to_scan") > pages, 15, "KSM is boosted")
        pages = Ksm.number("pages_to_scan")
        assert guest.all_on(home)
    daemon.wait_for(f"{LIBVIRT_LATE}|{LIBVIRT_LOST}")

    mark = daemon.mark()
    Libvirtd.send(signal.SIGCONT)
    daemon.wait_for(LIBVIRT_BACK, since=mark, timeout=90)
    wait_home(live.guest("after"), home)
    assert guest.all_on(home) and len(daemon.found(appeared(guest))) == 1
    daemon.stop()
    require_unchanged(before, affinities([guest]))
    assert Ksm.number("run") == 0


test_sixty_seconds_of_stopped_libvirtd_stop_only_what_needs_it.seconds = 300


def test_shutdown_does_not_wait_for_a_stopped_libvirtd(live):
    home, _ = two_nodes(live)
    Ksm.need()
    Ksm.write("run", 0)
    guest = live.guest("one")
    before = affinities([guest]), Ksm.values()
    daemon = live.daemon(EVERYTHING)
    wait_home(guest, home)
    wait_until(lambda: Ksm.number("run") == 1, what="KSM scans")
    Libvirtd.send(signal.SIGSTOP)
    daemon.stop(timeout=30)
    assert (affinities([guest]), Ksm.values()) == before


def test_libvirtd_killed_again_and_again(live):
    home, _ = two_nodes(live)
    guest = live.guest("one")
    daemon = live.daemon(ONLY_PLACEMENT)
    wait_home(guest, home)
    for _ in range(4):
        Libvirtd.kill()
        Libvirtd.start()
    newcomer = live.guest("newcomer")
    wait_until(lambda: newcomer.all_on(home), 75, "the newcomer is placed")
    assert daemon.running() and guest.all_on(home)
    assert not daemon.found(left(guest)), daemon.found(left(guest))


def test_a_libvirtd_that_stops_and_dies_in_the_middle_of_a_pin(live):
    home, _ = two_nodes(live)
    faults = Faults(live)
    daemon = live.daemon(merged(ONLY_PLACEMENT, {"placement": {"backend": "libvirt"}}))
    faults.set("virDomainPinVcpuFlags slow 1000")  # long enough to stop libvirtd before it is asked
    guest = live.guest("one")
    faults.wait_hit("virDomainPinVcpuFlags")
    Libvirtd.send(signal.SIGSTOP)
    daemon.wait_ticks(1)
    faults.clear()
    mark = daemon.mark()
    Libvirtd.kill()
    daemon.wait_for(LIBVIRT_LOST, since=mark)
    Libvirtd.start()
    daemon.wait_for(LIBVIRT_BACK, since=mark, timeout=60)
    wait_home(guest, home)
    daemon.wait_ticks(1)
    assert not daemon.found(ceded(guest.name)), daemon.found(ceded(guest.name))
    daemon.stop()
    cpus = os.sched_getaffinity(0)
    assert guest.all_on(cpus) and all(cpulist(text.split()[-1]) == cpus for text in pins(guest))


@contextlib.contextmanager
def forgotten(live, guest):
    """As when another libvirtd takes the place of the first: the guest is nobody's then."""
    state = [file for file in pathlib.Path("/run/libvirt/qemu").glob("*.xml")
             if guest.uuid in file.read_text()]
    assert len(state) == 1, state
    kept = live.file("state.xml", state[0].read_bytes())
    Libvirtd.kill()
    state[0].unlink()
    Libvirtd.start()
    yield
    Libvirtd.kill()
    state[0].write_bytes(kept.read_bytes())
    Libvirtd.start()


def test_a_libvirtd_that_has_forgotten_a_running_guest_means_it_is_given_back(live):
    home, other = two_nodes(live)
    guest = live.guest("one")
    daemon = live.daemon(ONLY_PLACEMENT)
    wait_home(guest, home)
    mark = daemon.mark()
    with forgotten(live, guest):
        daemon.wait_for(left(guest), since=mark, timeout=60)
        wait_home(guest, home | other)
    daemon.wait_for(appeared(guest), since=mark, timeout=60)
    wait_home(guest, home)


def cpusets(pid):
    """Those that libvirt has made for the threads of a guest, where it has cpusets."""
    groups = {group.read_text() for group in pathlib.Path(f"/proc/{pid}/task").glob("*/cgroup")}
    lines = [line.split(":", 2) for text in groups for line in text.splitlines()]
    files = {pathlib.Path(f"/sys/fs/cgroup/{controller}/{path}/cpuset.cpus")
             for _, controller, path in lines if controller in ("", "cpuset")}
    return {file for file in files if file.exists() and file.parent.name.startswith(("vcpu", "emu"))}


def test_of_a_guest_that_libvirt_has_forgotten_it_is_said_what_stays(live):
    home, other = two_nodes(live)
    guest = live.guest("one")
    daemon = live.daemon(merged(ONLY_PLACEMENT, {"placement": {"backend": "libvirt"}}))
    wait_home(guest, home)
    pinned = cpusets(guest.pid())
    mark = daemon.mark()
    with forgotten(live, guest):
        if pinned:
            daemon.wait_for(f"{guest.name}: .*[1-9] threads stay on CPUs", since=mark, timeout=60)
            assert not daemon.found("have their own CPUs back", mark)
            assert guest.all_on(home)
            for file in pinned:  # as kvmtuned(8) has it
                file.write_text(",".join(map(str, sorted(home | other))))
        else:
            daemon.wait_for("have their own CPUs back", since=mark, timeout=60)
        wait_until(lambda: guest.all_on(home | other), 60, "the guest has its CPUs back")
    daemon.wait_for(appeared(guest), since=mark, timeout=60)
    wait_home(guest, home)


def test_a_guest_that_libvirt_forgets_between_two_lives_is_given_back(live):
    home, other = two_nodes(live)
    guest = live.guest("one")
    conf = merged(ONLY_PLACEMENT, {"placement": {"backend": "libvirt"}})
    daemon = live.daemon(conf)
    wait_home(guest, home)
    daemon.kill()
    with forgotten(live, guest):
        daemon = live.daemon(conf)
        daemon.wait_for(f"{guest.name}: .*(threads stay on CPUs|have their own CPUs back)", timeout=60)
        wait_until(lambda: not undo_text(), 60, "nothing of it is on file")
        daemon.stop()


def on(pid, cpus):
    """Is each thread of a process, which may have the UUID of another one?"""
    return all(os.sched_getaffinity(int(task.name)) == cpus
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


def only(guest, but):
    """The process of a guest whose UUID others have, too."""
    wanted = guest.uuid.encode()
    pids = [pid for pid in processes() if wanted in command_line(pid) and pid not in but]
    assert len(pids) == 1, pids
    return pids[0]


def domain_id(guest):
    return virsh("domid", guest.uuid)


def test_another_libvirtd_at_the_same_socket_has_other_guests(live):
    """The numbers of the first are those of others with the second; one guest has even the
    UUID of one that still runs without it.  All that before anybody can see it happen."""
    home, other = two_nodes(live)
    Libvirtd.kill()
    Libvirtd.start()  # it counts from 1, too
    first, twin = live.guest("first"), live.guest("twin")
    daemon = live.daemon(ONLY_PLACEMENT)
    for guest in (first, twin):
        wait_home(guest, home)
    ids, orphans = [domain_id(first), domain_id(twin)], [first.pid(), twin.pid()]
    before = daemon.mark()
    try:
        daemon.process.send_signal(signal.SIGSTOP)
        Libvirtd.replace()
        assert virsh("list", "--uuid") == ""
        comes = live.guest("comes")
        again = live.new_guest("again")
        again.uuid = twin.uuid
        again.create()
        assert [domain_id(comes), domain_id(again)] == ids
        daemon.process.send_signal(signal.SIGCONT)
        daemon.wait_for(LIBVIRT_BACK, since=before, timeout=60)
        wait_home(comes, home)
        daemon.wait_for(left(first), since=before, timeout=60)
        wait_until(lambda: on(orphans[0], home | other), 60, "the first guest is given back")
        newer = only(again, but=orphans)
        wait_until(lambda: on(newer, home), 60, "the newer of the twins is placed")
        wait_until(lambda: on(orphans[1], home | other), 60, "the older of the twins is given back")
        daemon.status("2 guests")
        daemon.stop()
        for pid in (newer, comes.pid()):
            assert on(pid, home | other)
    finally:
        for pid in orphans:  # of nobody any more
            os.kill(pid, signal.SIGKILL)


def test_what_somebody_has_pinned_is_theirs_although_the_guest_had_a_twin_of_ours(live):
    """The twin was pinned through libvirt, and goes on without it.  No thread shows the pin of a
    vCPU that is not plugged in yet."""
    home, other = two_nodes(live)
    Libvirtd.kill()
    Libvirtd.start()
    older = live.guest("twin")
    daemon = live.daemon(merged(ONLY_PLACEMENT, {"placement": {"backend": "libvirt"}}))
    wait_home(older, home)
    orphan, number, before = older.pid(), domain_id(older), daemon.mark()
    try:
        daemon.process.send_signal(signal.SIGSTOP)
        Libvirtd.replace()
        newer = live.new_guest("pinned", max_vcpus=2)
        newer.uuid = older.uuid
        newer.create()
        assert domain_id(newer) == number
        virsh("vcpupin", newer.uuid, 1, min(other), "--live")
        daemon.process.send_signal(signal.SIGCONT)
        daemon.wait_for(guest_verdict(newer, "placement"), since=before, timeout=60)
        daemon.wait_ticks()
        assert on(only(newer, but=[orphan]), home | other)
        assert daemon.found(guest_verdict(newer, "placement", "pinned-by-admin"), before)
    finally:
        os.kill(orphan, signal.SIGKILL)  # of nobody any more
