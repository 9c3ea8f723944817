# SPDX-License-Identifier: GPL-2.0-or-later
"""Do guests get the CPUs of their home node, and only those that may be moved?

On a machine with one node hwloc makes two of its CPUs for the daemon.  The kernel still
has one, node 0, so that is where all memory lies and where the home must be.  On a machine
with several, run.py sees to it that all memory lies on the first.
"""
import os

from daemon import KSM_OFF, ceded, guest_verdict
from knobs import affinities, require_unchanged, snapshot
from kvmlive import Skip, cpulist, node_cpus, node_mib, nodes, virsh, wait_until

ONLY_PLACEMENT = {**KSM_OFF, "memory": {"mode": "off"},
                  "placement": {"node_reserve_mib": 0, "cooldown_s": 0}}
HOURLY = {"daemon": {"interval_s": 3600}}


def two_nodes(live):
    """CPUs of the node with all memory, and the others."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2 or cpus != list(range(len(cpus))):
        raise Skip("needs two CPUs, numbered from 0")
    nodes = node_cpus()
    if len(nodes) > 1:
        return nodes[0], set(cpus) - nodes[0]
    half = len(cpus) // 2
    live.environment.update(HWLOC_SYNTHETIC=f"numa:2 pu:{half}")
    return set(range(half)), set(range(half, 2 * half))


def wait_home(guest, cpus):
    wait_until(lambda: guest.all_on(cpus), what=f"all threads of {guest.name} on {cpus}")


def test_every_thread_runs_on_the_home_node_until_the_stop(live):
    home, _ = two_nodes(live)
    guests = [live.guest("one"), live.guest("two")]
    before = affinities(guests)
    daemon = live.daemon(ONLY_PLACEMENT)
    for guest in guests:
        wait_home(guest, home)
        daemon.wait_for(guest_verdict(guest, "placement", "home-by-[a-z-]+"))
    daemon.status("2 pinned")
    daemon.stop()
    require_unchanged(before, affinities(guests))


def test_a_started_guest_is_placed_without_waiting_for_a_tick(live):
    home, _ = two_nodes(live)
    daemon = live.daemon(ONLY_PLACEMENT, HOURLY)
    daemon.status("libvirt connected")
    for paused in (True, False):
        guest = live.guest(f"paused-{paused}", paused=paused)
        wait_home(guest, home)
        guest.destroy()  # its claim on the node: a new guest counts as busy


def test_on_one_node_there_is_nothing_to_choose(live):
    if len(node_cpus()) > 1:
        raise Skip("this machine has several nodes")
    guest = live.guest("one")
    before = snapshot([guest])
    daemon = live.daemon(ONLY_PLACEMENT)
    daemon.wait_for(guest_verdict(guest, "placement", "single-node-host"))
    daemon.stop()
    require_unchanged(before, snapshot([guest]))


def pins(guest):
    return virsh("vcpupin", guest.uuid), virsh("emulatorpin", guest.uuid)


def test_the_libvirt_backend_pins_where_virsh_shows_it(live):
    home, _ = two_nodes(live)
    guest = live.guest("one")
    before = pins(guest), affinities([guest])
    daemon = live.daemon(ONLY_PLACEMENT, {"placement": {"backend": "libvirt"}})
    wait_home(guest, home)

    def virsh_shows_it():
        return all(cpulist(text.split()[-1]) == home for text in pins(guest))
    wait_until(virsh_shows_it, what=f"vcpupin and emulatorpin show {home}")
    for _ in range(3):  # our own pins must not look like the admin's
        daemon.notify.wait_for("^WATCHDOG=1", since=daemon.notify.mark())
    assert virsh_shows_it() and guest.all_on(home)
    assert not daemon.found(ceded(guest.name)), daemon.found(ceded(guest.name))
    daemon.stop()
    assert (pins(guest), affinities([guest])) == before


def test_pins_of_the_admin_are_respected(live):
    _, other = two_nodes(live)
    cpu = min(other)
    pinned = live.guest("pinned", elements=f"<cputune><vcpupin vcpu='0' cpuset='{cpu}'/></cputune>")
    free = live.guest("free")
    before = snapshot([pinned])
    daemon = live.daemon(ONLY_PLACEMENT)
    daemon.wait_for(guest_verdict(pinned, "placement", "pinned-by-admin"))
    daemon.wait_for(guest_verdict(free, "placement", "home-by-[a-z-]+"))
    wait_until(lambda: free.affinity() and not free.all_on(range(os.cpu_count())), what="the other is pinned")
    require_unchanged(before, snapshot([pinned]))


def test_a_foreign_pin_is_ceded_once_and_stays_after_the_stop(live):
    home, other = two_nodes(live)
    guest, bystander = live.guest("one"), live.guest("bystander")
    daemon = live.daemon(ONLY_PLACEMENT)
    wait_home(guest, home)
    wait_home(bystander, home)
    vcpu = guest.vcpu_tids()[0]
    os.sched_setaffinity(vcpu, other)
    daemon.wait_for(ceded(guest.name))
    for _ in range(3):
        daemon.notify.wait_for("^WATCHDOG=1", since=daemon.notify.mark())
    assert os.sched_getaffinity(vcpu) == other, "kvmtuned fights"
    assert len(daemon.found(ceded(guest.name))) == 1, daemon.found(ceded(guest.name))
    daemon.stop()
    assert os.sched_getaffinity(vcpu) == other, "what somebody else set was undone"
    wait_home(bystander, home | other)


def test_a_vcpupin_by_virsh_outlives_a_reload_and_the_stop(live):
    home, other = two_nodes(live)
    guest = live.guest("one")
    visible = {**ONLY_PLACEMENT, "placement": {**ONLY_PLACEMENT["placement"], "backend": "libvirt"}}
    daemon = live.daemon(visible)
    wait_home(guest, home)
    daemon.wait_for("threads pinned to node")
    virsh("vcpupin", guest.uuid, 0, ",".join(map(str, other)), "--live")
    daemon.wait_for(ceded(guest.name))
    (main, *_), (vcpu,) = guest.threads(), guest.vcpu_tids()
    wait_until(lambda: os.sched_getaffinity(main) == home | other, what="the rest is given back")
    mark = daemon.mark()
    daemon.reload(visible)
    daemon.wait_for(guest_verdict(guest, "placement", "pinned-by-admin"), since=0)
    daemon.wait_ticks(3)
    assert os.sched_getaffinity(vcpu) == other, "what somebody else set was written over"
    assert not daemon.found("threads pinned to node", mark), daemon.found("threads pinned", mark)
    daemon.stop()
    assert os.sched_getaffinity(vcpu) == other, "what somebody else set was undone"


def test_a_guest_wider_than_a_node_stays_where_it_is(live):
    home, other = two_nodes(live)
    wide = live.guest("wide", vcpus=len(home) + 1)
    daemon = live.daemon(ONLY_PLACEMENT)
    daemon.wait_for(guest_verdict(wide, "placement", "wider-than-node"))
    assert wide.all_on(home | other)


def test_a_domain_section_switches_placement_off(live):
    home, other = two_nodes(live)
    left_out, taken = live.guest("left-out"), live.guest("taken")
    daemon = live.daemon(ONLY_PLACEMENT, {'domain "*left-out"': {"placement": "off"}})
    daemon.wait_for(guest_verdict(left_out, "placement", "switched-off"))
    wait_home(taken, home)
    assert left_out.all_on(home | other)


def test_metadata_switches_placement_off_without_waiting_for_a_tick(live):
    home, other = two_nodes(live)
    guest = live.guest("one")
    live.daemon(ONLY_PLACEMENT, HOURLY)
    wait_home(guest, home)
    virsh("metadata", guest.uuid, "--live", "--uri", "urn:kvmtuned:1", "--key", "kvmtuned",
          "--set", "<policy placement='off'/>")
    wait_home(guest, home | other)


def test_a_vcpu_plugged_into_a_running_guest_is_noticed(live):
    home, other = two_nodes(live)
    guest = live.guest("grows", vcpus=len(home), max_vcpus=len(home) + 1,
                       elements="<features><acpi/></features>")
    daemon = live.daemon(ONLY_PLACEMENT)
    wait_home(guest, home)
    virsh("setvcpus", guest.uuid, len(home) + 1, "--live")
    daemon.wait_for(guest_verdict(guest, "placement", "wider-than-node"))
    wait_home(guest, home | other)


def test_memory_plugged_into_a_running_guest_is_noticed_without_waiting_for_a_tick(live):
    home, other = two_nodes(live)
    more_mib = node_mib(nodes()[0]) // 128 * 128  # with what it has, more than its node
    guest = live.guest("grows", memory_mib=128, elements=(
        f"<maxMemory slots='1' unit='MiB'>{more_mib + 128}</maxMemory><features><acpi/></features>"
        "<cpu><numa><cell id='0' cpus='0' memory='128' unit='MiB'/></numa></cpu>"))
    daemon = live.daemon(ONLY_PLACEMENT, HOURLY)
    wait_home(guest, home)
    virsh("attach-device", guest.uuid, live.file("dimm.xml", (
        f"<memory model='dimm'><target><size unit='MiB'>{more_mib}</size><node>0</node></target>"
        "</memory>").encode()), "--live")
    daemon.wait_for(guest_verdict(guest, "placement", "wider-than-node"))
    wait_home(guest, home | other)
