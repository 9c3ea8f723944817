# SPDX-License-Identifier: GPL-2.0-or-later
"""Do guests that kvmtuned has pinned through libvirt reach a host with other CPUs, and a file?

Two libvirtds on one machine: the private one, and a destination that may use no CPU of
the guests' home.  As its guests have no cgroups, a pin to CPUs that it has not is refused as
on a host that lacks them.
"""
import os
import pathlib
import signal
import socket
import subprocess

from ctl import ctl
from daemon import BINARY, UNDO, ceded, guest_verdict, kvmtuned, merged, undo_text
from kvmlive import ROOT, Libvirtd, Skip, cpulist, virsh, wait_until
from test_memory import soft_limit_kib
from test_placement import ONLY_PLACEMENT, two_nodes, wait_home

PIN_URI = "urn:kvmtuned:pin:1"
LIMIT_URI = "urn:kvmtuned:limit:1"
THROUGH_LIBVIRT = {"placement": {"backend": "libvirt"}}
REFUSED = "cannot set CPU affinity"
LIFTED = "were pinned by an earlier kvmtuned"
CPUSETS = pathlib.Path("/sys/fs/cgroup/cpuset")
GROUP = "qemu-0-kt-destination"  # a name that privvirt clears away
QEMU_CONF = """user = "root"
group = "root"
security_driver = "none"
stdio_handler = "file"
cgroup_controllers = [ ]
"""
START = """set -e
mount --bind "$0/run" /run/libvirt
mount --bind "$0/etc" /etc/libvirt
mount --bind "$0/lib" /var/lib/libvirt
mount --bind "$0/log" /var/log/libvirt
echo $$ >"$1"
exec libvirtd
"""


def cpuset_of(cpus):
    """A group for processes that may use these CPUs only."""
    if not (CPUSETS / "cpuset.mems").exists():
        raise Skip("the cpuset controller is not on cgroup v1")
    group = CPUSETS / GROUP
    group.mkdir(exist_ok=True)
    (group / "cpuset.mems").write_text((CPUSETS / "cpuset.mems").read_text())
    (group / "cpuset.cpus").write_text(",".join(map(str, sorted(cpus))))
    return group


def hook_text(binary):
    text = (ROOT / "systemd/libvirt-hook").read_text()
    assert text.count("/usr/sbin/kvmtuned") == 1
    return text.replace("/usr/sbin/kvmtuned", str(binary))


class Hook:
    """systemd/libvirt-hook, as an administrator installs it."""

    def __init__(self, etc, pid):
        self.file = pathlib.Path(etc) / "hooks/qemu.d/kvmtuned"
        self.pid = pid

    def __enter__(self):
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(hook_text(BINARY))
        self.file.chmod(0o755)
        os.kill(self.pid, signal.SIGHUP)  # libvirtd looks for hooks when it starts, and then

    def __exit__(self, *_):
        self.file.unlink()


class Destination:
    def __init__(self, live, cpus):
        self.dir = pathlib.Path("/run/kt-destination")
        self.uri = f"qemu+unix:///system?socket={self.dir}/run/libvirt-sock"
        for name in ("run", "etc", "lib", "log"):
            (self.dir / name).mkdir(parents=True, exist_ok=True)
        (self.dir / "etc/qemu.conf").write_text(QEMU_CONF)
        # Without its own one it were the same host to libvirt.
        (self.dir / "etc/libvirtd.conf").write_text('host_uuid = "5fd1dd0b-8b0b-4b0e-9d6c-1f4c6c3d2a11"\n')
        with open(live.dir / "destination.log", "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", START, self.dir,
                 cpuset_of(cpus) / "tasks"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: self.virsh("uri", check=False), what="the destination answers")
        self.conf = {"daemon": {"libvirt_uri": self.uri, "run_dir": self.dir / "kvmtuned"}}

    def virsh(self, *args, **how):
        return virsh("-c", self.uri, *args, **how)

    def hook(self):
        return Hook(self.dir / "etc", self.process.pid)

    def end(self):
        for uuid in self.virsh("list", "--uuid").split():
            self.virsh("destroy", uuid)
        self.process.terminate()
        self.process.wait(30)


def migrate(guest, destination):
    """What libvirt says against it, or nothing."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = subprocess.run(["virsh", "migrate", "--live", guest.uuid, destination.uri, "--migrateuri",
                           f"tcp://127.0.0.1:{port}"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode == 0) == (not done.stderr.strip()), done
    return done.stderr.strip()


def mark_of(guest):
    return virsh("metadata", guest.uuid, "--uri", PIN_URI, "--live", check=False)


def is_pinned_to(guest, cpus, ask=virsh):
    return all(cpulist(ask(what, guest.uuid).split()[-1]) == cpus for what in ("vcpupin", "emulatorpin"))


def wait_pinned(guest, cpus):
    wait_home(guest, cpus)
    wait_until(lambda: is_pinned_to(guest, cpus), what=f"virsh shows {guest.name} on {cpus}")


def of_ours(xml):
    """What kvmtuned writes into XML, as far as it is in this one."""
    return [word for word in (PIN_URI, LIMIT_URI, "cputune", "memtune", "metadata") if word in xml]


def test_pins_of_ours_stay_behind_when_a_guest_moves(live):
    home, other = two_nodes(live)
    moving, released, admins = (live.guest(name, paused=False) for name in ("moving", "released", "admins"))
    virsh("vcpupin", admins.uuid, 0, min(other), "--live")
    destination = Destination(live, other)
    try:
        daemon = live.daemon(ONLY_PLACEMENT, THROUGH_LIBVIRT)
        daemon.wait_for(guest_verdict(admins, "placement", "pinned-by-admin"))
        for guest in (moving, released):
            wait_pinned(guest, home)
        the_mark_says_what_is_ours(moving, home, daemon)

        assert REFUSED in migrate(moving, destination)
        daemon.wait_ticks()
        assert is_pinned_to(moving, home) and not daemon.found(ceded(moving.name))
        # A soft limit travels as well, and there is nobody yet to lift it.
        virsh("memtune", moving.uuid, "--live", "--soft-limit", 50000)
        virsh("metadata", moving.uuid, LIMIT_URI, "--live", "--key", "kvmtuned-limit", "--set",
              "<limit soft_limit_kib='50000' original_kib='unlimited'/>")
        with destination.hook():
            for guest in (moving, admins):
                assert not migrate(guest, destination)
        assert not of_ours(destination.virsh("dumpxml", moving.uuid))
        assert f"<vcpupin vcpu='0' cpuset='{min(other)}'/>" in destination.virsh("dumpxml", admins.uuid)

        assert REFUSED in migrate(released, destination)
        ctl("release", released.name)
        wait_until(lambda: is_pinned_to(released, home | other), what="it is released")
        assert not migrate(released, destination)
        assert of_ours(destination.virsh("dumpxml", released.uuid)), "pins to every CPU cannot be deleted"
        the_destination_takes_all_but_the_admins_for_its_own(live, destination, (moving, released), admins)
    finally:
        destination.end()


def test_the_hook_changes_only_what_arrives_and_never_fails(live):
    marked = f"<domain><metadata><p:pins xmlns:p='{PIN_URI}'/></metadata></domain>"

    def answer(binary, xml, *arguments):
        hook = live.file("hook", hook_text(binary).encode())
        done = subprocess.run(["sh", hook, "guest", *arguments, "-"], input=xml, text=True,
                              capture_output=True, timeout=30)
        assert done.returncode == 0, done
        return done.stdout
    for operation in ("migrate", "restore"):
        assert "<domain/>" in answer(BINARY, marked, operation, "begin")
    for arguments in (("start", "begin"), ("migrate", "end"), ("prepare", "begin"), ("reconnect",)):
        assert not answer(BINARY, marked, *arguments)
    assert not answer(BINARY, marked + "<", "migrate", "begin")
    assert not answer(live.dir / "not-there", marked, "migrate", "begin")
    fails = live.file("fails", b"#!/bin/sh\necho '<domain>half of it'\nexit 1\n")
    fails.chmod(0o755)
    assert not answer(fails, marked, "migrate", "begin")


def the_mark_says_what_is_ours(guest, home, daemon):
    cpus = ",".join(map(str, sorted(home))) if len(home) == 1 else None
    mark = mark_of(guest)
    assert mark.count("<pin ") == 2 and 'of="vcpu"' in mark and 'of="emulator"' in mark, mark
    assert cpus is None or mark.count(f'cpus="{cpus}" was="none"') == 2, mark
    daemon.wait_ticks()
    assert not daemon.found(ceded(guest.name))


def the_destination_takes_all_but_the_admins_for_its_own(live, destination, ours, admins):
    daemon = live.daemon(ONLY_PLACEMENT, destination.conf)
    for guest in ours:  # its memory's node has no CPU that it may use
        daemon.wait_for(guest_verdict(guest, "placement", "no-cpus"))
    daemon.wait_for(guest_verdict(admins, "placement", "pinned-by-admin"))
    daemon.stop()


def test_with_the_default_backend_nothing_travels(live):
    home, other = two_nodes(live)
    guest = live.guest("moving", paused=False)
    destination = Destination(live, other)
    try:
        live.daemon(ONLY_PLACEMENT)
        wait_home(guest, home)
        assert not of_ours(virsh("dumpxml", guest.uuid, "--migratable"))
        assert not migrate(guest, destination)
    finally:
        destination.end()


def test_a_guest_comes_out_of_its_file_without_pins_of_ours(live):
    home, other = two_nodes(live)
    hooked, found = live.guest("hooked", persistent=True), live.guest("found", persistent=True)
    daemon = live.daemon(ONLY_PLACEMENT, THROUGH_LIBVIRT)
    for guest in (hooked, found):
        wait_pinned(guest, home)
        virsh("managedsave", guest.uuid)
    daemon.kill()
    assert PIN_URI in virsh("managedsave-dumpxml", hooked.uuid)
    virsh("start", found.uuid)
    assert is_pinned_to(found, home)
    with Hook("/etc/libvirt", Libvirtd.pid()):
        virsh("start", hooked.uuid)
    assert not of_ours(virsh("dumpxml", hooked.uuid))

    second = live.daemon(ONLY_PLACEMENT, THROUGH_LIBVIRT, {"daemon": {"mode": "observe"}})
    second.wait_for(guest_verdict(found, "placement", "pinned-by-admin"))
    assert is_pinned_to(found, home) and not second.found(LIFTED), "it only observes"
    second.stop()
    third = live.daemon(ONLY_PLACEMENT, THROUGH_LIBVIRT)
    third.wait_for(LIFTED)
    for guest in (found, hooked):
        third.wait_for(guest_verdict(guest, "placement", "home-by-[a-z-]+"))
        wait_pinned(guest, home)
    the_undo_file_may_be_lost(live, third, found, home)
    wait_home(found, home | other)


def test_a_restore_without_an_undo_file_goes_by_the_marks(live):
    home, other = two_nodes(live)
    guest, foreign = live.guest("marked", paused=False), live.guest("foreign")
    virsh("vcpupin", foreign.uuid, 0, min(home), "--live")
    daemon = live.daemon(ONLY_PLACEMENT, THROUGH_LIBVIRT)
    wait_pinned(guest, home)
    daemon.kill()
    UNDO.unlink()
    for one, limit_kib in ((guest, 50000), (foreign, 40000)):
        virsh("memtune", one.uuid, "--live", "--soft-limit", 50000)
        virsh("metadata", one.uuid, LIMIT_URI, "--live", "--key", "kvmtuned-limit", "--set",
              f"<limit soft_limit_kib='{limit_kib}' original_kib='70000'/>")
    # Who only observes gives back all the same.
    daemon.write_conf(merged(ONLY_PLACEMENT, THROUGH_LIBVIRT, {"daemon": {"mode": "observe"}}))
    done = kvmtuned("--restore", "--config", daemon.conf_file)
    assert done.returncode == 0 and LIFTED in done.stdout, done.stdout
    assert "soft limit restored: 70000 KiB" in done.stdout, done.stdout
    assert is_pinned_to(guest, home | other) and guest.all_on(home | other)
    assert soft_limit_kib(guest) == 70000 and LIMIT_URI not in virsh("dumpxml", guest.uuid)
    assert soft_limit_kib(foreign) == 50000, "its mark is of another limit"
    assert cpulist(virsh("vcpupin", foreign.uuid).split()[-1]) == {min(home)}
    again = kvmtuned("--restore", "--config", daemon.conf_file)
    assert again.returncode == 0 and LIFTED not in again.stdout, again.stdout


def test_threads_that_were_born_of_a_pin_of_ours_go_with_it_where_no_cgroup_holds_them(live):
    home, other = two_nodes(live)
    destination = Destination(live, home | other)  # its guests have no cgroups
    try:
        guest, image = live.new_guest("kept"), live.dir / "image"
        destination.virsh("create", guest.xml_file(), "--paused")
        daemon = live.daemon(ONLY_PLACEMENT, THROUGH_LIBVIRT, destination.conf)
        wait_until(lambda: is_pinned_to(guest, home, destination.virsh), what="it is pinned")
        destination.virsh("save", guest.uuid, image)
        daemon.kill()
        (destination.dir / "kvmtuned/undo").unlink()
        destination.virsh("restore", image)
        assert guest.all_on(home) and len(guest.threads()) > 2
        done = kvmtuned("--restore", "--config", daemon.conf_file)
        assert done.returncode == 0 and LIFTED in done.stdout, done.stdout
        assert guest.all_on(home | other), guest.affinity()
    finally:
        destination.end()


def the_undo_file_may_be_lost(live, daemon, guest, home):
    daemon.kill()
    assert guest.uuid in undo_text()
    UNDO.unlink()
    last = live.daemon(ONLY_PLACEMENT, THROUGH_LIBVIRT)
    last.wait_for(f"{guest.name}: .*{LIFTED}")
    wait_pinned(guest, home)
    last.stop()
