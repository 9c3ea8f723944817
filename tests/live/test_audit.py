# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the audit find what is wrong with real guests, nothing else, and change nothing?"""
import os

from answers import checked, get
from ctl import ctl
from daemon import ONLY_KSM, RUN_DIR, appeared, as_said, kvmtuned, merged
from knobs import require_unchanged, snapshot
from kvmlive import MIB, PREFIX, ROOT, Skip, virsh, wait_until

SOCKET = RUN_DIR / "kvmtuned.sock"
FAILED, USAGE, FINDINGS = 1, 2, 4
# The loops do nothing here; audits that nobody asks for come as often as they may.
CONF = merged(ONLY_KSM, {"ksm": {"mode": "off"}, "audit": {"interval_s": 10}})


def disk(path, target, bus, driver, more=""):
    return (f"<disk type='file' device='disk'><driver name='qemu' type='raw' {driver}/>"
            f"<source file='{path}'/><target dev='{target}' bus='{bus}'/>{more}</disk>")


def need_kvm():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("needs /dev/kvm: rules of guests are about KVM")


def good_guest(live, name="good"):
    image = live.file(f"{name}-vda", bytes(MIB))
    return live.guest(name, kind="kvm", vcpus=2, paused=False, persistent=True,
                      elements="<iothreads>1</iothreads>"
                               # QEMU 7.2 cannot set its MSR where the host is a guest itself.
                               "<cpu mode='host-passthrough'><feature policy='disable' name='arch-capabilities'/></cpu>",
                      devices=disk(image, "vda", "virtio", "cache='none' io='native' iothread='1'")
                      + "<interface type='user'><model type='virtio'/></interface>")


FAULTS = {"guest-cpu-mode", "guest-kvm-poll-control", "guest-clock", "guest-disk-cache", "guest-disk-io",
          "guest-disk-bus", "guest-disk-throttle", "guest-disk-iothread", "guest-scsi-queues", "guest-nic-model"}


def faulty_guest(live, name="faulty"):
    """One with ten faults."""
    images = [live.file(f"{name}-{number}", bytes(MIB)) for number in range(3)]
    throttle = "<iotune><total_iops_sec>1000</total_iops_sec></iotune>"
    return live.guest(
        name, kind="kvm", vcpus=2, paused=False, persistent=True,
        elements="<iothreads>1</iothreads><features><acpi/><kvm><poll-control state='on'/></kvm></features>"
                 "<cpu mode='custom' match='exact' check='none'><model>kvm64</model></cpu>"
                 "<clock offset='utc'><timer name='kvmclock' present='no'/></clock>",
        devices="<controller type='scsi' model='virtio-scsi'><driver queues='1'/></controller>"
                + disk(images[0], "vda", "virtio", "cache='writeback'", throttle)
                + disk(images[1], "vdb", "virtio", "cache='none' io='threads'")
                + disk(images[2], "hda", "ide", "cache='none' io='native'")
                + "<interface type='user'><model type='e1000'/></interface>")


def ids(audit, result="finding"):
    return [one["id"] for one in audit["results"] if one["result"] == result]


def ask(*words, expected=FINDINGS, schema="audit"):
    done = ctl("audit", "--json", *words, socket=SOCKET, expected=expected)
    return checked(schema, done.text.encode())


def test_of_two_guests_the_faulty_ones_ten_faults_are_found(live):
    need_kvm()
    good, faulty = good_guest(live), faulty_guest(live)
    daemon = live.daemon(CONF)
    for guest in (good, faulty):
        daemon.wait_for(appeared(guest))
    found = ask(faulty.name)
    assert sorted(ids(found)) == sorted(FAULTS), sorted(set(ids(found)) ^ FAULTS)
    assert not ids(found, "unknown"), found["results"]
    found = ask(good.uuid, "--all", expected=0)
    assert not ids(found) and not ids(found, "unknown"), found["results"]
    assert len(found["results"]) > 30
    assert {one["uuid"] for one in found["results"]} == {good.uuid}


def test_what_the_audit_tells_is_said_once_and_counted(live):
    need_kvm()
    faulty = faulty_guest(live)
    daemon = live.daemon(CONF)
    daemon.wait_for(rf"audit: guest-clock \(warning\): {as_said(faulty)}: ")
    for rule in FAULTS - {"guest-clock"}:
        daemon.wait_for(f"audit: {rule} ")
    ask()
    ask()
    assert len(daemon.found("audit: guest-clock ")) == 1
    status = checked("status", get(SOCKET, "/v1/status")[1])
    assert status["audit"]["warning"] >= 5
    assert "  audit    " in ctl("status", socket=SOCKET).text
    metrics = ctl("metrics", socket=SOCKET).text
    assert f'kvmtuned_audit_findings{{severity="warning"}} {status["audit"]["warning"]}\n' in metrics
    page = ctl("report", "-o", "-", socket=SOCKET).text
    assert "<h2>Audit</h2>" in page and "<code>guest-disk-bus</code>" in page
    daemon.reload(merged(CONF, {"audit": {"ignore": "guest-disk-bus"}}))
    assert "guest-disk-bus" not in ids(ask())
    assert not daemon.found("audit: guest-disk-bus: .*gone")
    faulty.destroy()
    wait_until(lambda: not [one for one in ask(expected=None)["results"] if one["guest"]], what="it is gone")
    assert not daemon.found("audit: guest-.* gone")


def test_without_a_daemon_and_beside_one_nothing_is_changed(live):
    need_kvm()
    faulty = faulty_guest(live)
    before, xml = snapshot([faulty]), virsh("dumpxml", faulty.uuid)
    done = ctl("audit", "--offline", "--json", faulty.name, expected=FINDINGS)
    assert set(ids(checked("audit", done.text.encode()))) == FAULTS
    assert not RUN_DIR.exists() or not list(RUN_DIR.iterdir())
    daemon = live.daemon(CONF)
    daemon.wait_for(appeared(faulty))
    text = ctl("audit", "--offline", "--long", faulty.name, expected=FINDINGS).text
    for rule in FAULTS:
        assert f"{rule}: {PREFIX}faulty" in text, text
    assert text.count("    fix ") == len(FAULTS)
    assert ctl("audit", "--offline", "nobody", expected=FAILED).said
    require_unchanged(before, snapshot([faulty]))
    assert virsh("dumpxml", faulty.uuid) == xml


def test_what_is_asked_for_is_shown(live):
    need_kvm()
    faulty = faulty_guest(live)
    daemon = live.daemon(CONF)
    daemon.wait_for(appeared(faulty))
    table = ctl("audit", faulty.name, socket=SOCKET, expected=FINDINGS).text
    assert all(rule in table for rule in FAULTS) and "--long" in table.splitlines()[-1]
    assert not [one for one in ask("--host", expected=None)["results"] if one["guest"]]
    few = ask(faulty.name, "--severity=warning", "--ignore=guest-clock,guest-disk-bus")
    assert set(ids(few)) < FAULTS and not {"guest-clock", "guest-disk-bus"} & set(ids(few))
    assert {one["severity"] for one in few["results"]} == {"warning"}
    everything = ",".join(FAULTS)
    assert "no findings" in ctl("audit", faulty.name, "--ignore", everything, socket=SOCKET).text
    ctl("audit", "--severity", "loud", socket=SOCKET, expected=USAGE)
    ctl("audit", "--host", faulty.name, socket=SOCKET, expected=USAGE)
    ctl("audit", "nobody", socket=SOCKET, expected=FAILED)


def test_a_recorded_host_is_judged_without_its_guests(live):
    done = kvmtuned("--audit", "--root", ROOT / "tests/hosts/8-2-v2")
    assert done.returncode in (0, FINDINGS), done.stdout
    audit = checked("audit", done.stdout.encode())
    assert not audit["guests_known"] and not [one for one in audit["results"] if one["guest"]]
    assert bool(ids(audit)) == (done.returncode == FINDINGS)
    done = kvmtuned("--audit", "--root", live.dir / "nowhere")
    assert done.returncode == FAILED and "nowhere" in done.stdout
