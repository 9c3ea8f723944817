# SPDX-License-Identifier: GPL-2.0-or-later
"""Does an operator see with kvmtunectl what is so, and can they tell the daemon what to do?"""
import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

from ctl import CTL, as_bash_reads, complete, ctl
from daemon import BASE_CONF, MEMORY_SHORT, RUN_DIR, Recorder, as_said, conf_text, guest_verdict
from kvmlive import BUILD, ROOT, Skip, cpulist, nodes, virsh, wait_until
from test_guests import HOSTILE_NAMES, create_if_permitted

SOCKET = RUN_DIR / "kvmtuned.sock"
NOBODY, GROUP = 65534, 64777  # a group that no test host has
CONTROL = re.compile("[^\n\x20-\x7e]")
ASKING = [["status"], ["top", "-b", "-n", "1"], ["explain", "ksm"], ["plan"], ["monitor"], ["advise", "1"],
          ["metrics"], ["version"]]
TELLING = [["pause", "ksm"], ["resume"], ["release", "x"], ["reload"], ["tick"]]


def ask(*words, **how):
    return json.loads(ctl(*words, "--json", **how).text)


def seen(guest, **how):
    return ask("status", guest.name, **how)["guests"][0]


class Following(Recorder):
    """`monitor` while it runs."""

    def __init__(self, *options):
        self.process = subprocess.Popen([CTL, "monitor", *options], stdin=subprocess.DEVNULL, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        super().__init__(self.process.stdout)

    def end(self, expected, number=None):
        if number is not None:
            self.process.send_signal(number)
        assert self.process.wait(60) == expected, self.process.stderr.read()


def test_status_shows_what_libvirt_knows(live):
    guests = [live.guest("web 1", vcpus=3), live.guest("db", paused=False)]
    daemon = live.daemon(MEMORY_SHORT)
    for guest in guests:
        daemon.wait_for(guest_verdict(guest, "memory"))
    status = ask("status", expected=None)
    assert status["schema"] == 1 and status["libvirt"]["connected"]
    shown = {guest["name"]: guest for guest in status["guests"]}
    assert set(shown) == {guest.name for guest in guests}
    for guest in guests:
        assert shown[guest.name]["vcpus"] == guest.vcpus
        assert shown[guest.name]["memory_kib"] == guest.memory_mib * 1024
        assert shown[guest.name]["uuid"] == guest.uuid
    table = ctl("status", expected=None).text
    for guest in guests:
        assert re.search(rf"(?m)^{re.escape(guest.name)} +{guest.vcpus} ", table), table
    assert "connected to qemu:///system" in table
    assert set(ctl("status", "-q", expected=None).text.splitlines()) == set(shown)
    only = ctl("status", "--no-legend", guests[1].name).text
    assert only.startswith(f"{guests[1].name} ") and len(only.splitlines()) == 1, only


def test_a_guest_is_found_by_each_of_its_names(live):
    guests = [create_if_permitted(live, name) for name in HOSTILE_NAMES.values()]
    guests = [guest for guest in guests if guest]
    daemon = live.daemon(MEMORY_SHORT)
    for guest in guests:
        daemon.wait_for(guest_verdict(guest, "memory"))
    names = ctl("status", "-q").text.splitlines()
    assert len(names) == len(guests)
    for guest in guests:
        shown = seen(guest)["name"]
        assert re.fullmatch(as_said(guest), shown) and shown in names, (guest.name, shown)
        for name in (shown, guest.uuid, virsh("domid", guest.uuid)):
            assert ask("status", name)["guests"][0]["uuid"] == guest.uuid, name
        assert ask("explain", "--guest", guest.name)["guest"]["uuid"] == guest.uuid
    for words in (["status"], ["plan"], ["top", "-b", "-n", "1"], ["monitor", "--all", "--for", "1s"]):
        text = subprocess.run([CTL, *words], capture_output=True, timeout=60, env=dict(os.environ, LC_ALL="C"),
                              stdin=subprocess.DEVNULL).stdout.decode()
        assert text and not CONTROL.search(text), (words, CONTROL.search(text))
    offered = complete(["kvmtunectl", "explain", "--guest", ""], SOCKET, live.dir)
    assert {as_bash_reads(word)[0] for word in offered} == set(names)


def test_without_a_daemon_it_says_how_to_start_one(live):
    for words in ASKING + TELLING:
        assert "systemctl start kvmtuned" in ctl(*words, expected=3).said, words
    daemon = live.daemon()
    daemon.kill()
    assert SOCKET.exists()  # what a crash leaves
    assert "systemctl start kvmtuned" in ctl("status", expected=3).said


def test_only_root_tells_and_only_the_group_asks(live):
    groups = live.file("group", f"root:x:0:\nkvmtuned:x:{GROUP}:\n".encode())
    live.daemon(within=["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/group && exec "$@"', groups])
    own = pathlib.Path("/run/kvmtunectl")  # the build folder may be closed to others
    shutil.copy(CTL, own)

    def run_as(group, *words):
        done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={group}", "--clear-groups", own, *words],
                              capture_output=True, text=True, timeout=60, cwd="/", stdin=subprocess.DEVNULL)
        return done.returncode, done.stderr
    status, said = run_as(NOBODY, "status")
    assert status == 77 and "group kvmtuned" in said, (status, said)
    assert run_as(GROUP, "status")[0] == 0, run_as(GROUP, "status")
    for words in TELLING:
        assert run_as(GROUP, *words)[0] == 77, words


def test_pause_resume_and_release_are_told_and_seen(live):
    guest = live.guest("one")
    daemon = live.daemon(MEMORY_SHORT)
    daemon.wait_for(guest_verdict(guest, "memory"))
    assert guest.name in ctl("pause", guest.name, "--for", "2h").text
    wait_until(lambda: seen(guest)["hold"] == "paused")
    assert seen(guest)["hold_until_unix_s"]
    assert re.search("paused for (2 h|1[01][0-9] min)", ctl("status", guest.name).text)
    ctl("resume", guest.name, "-q")
    wait_until(lambda: seen(guest)["hold"] is None)
    ctl("pause", "ksm")
    wait_until(lambda: ask("status")["loops"]["ksm"]["state"] == "paused")
    ctl("release", guest.name)
    wait_until(lambda: seen(guest)["hold"] == "released")
    ctl("resume")
    wait_until(lambda: seen(guest)["hold"] is None and ask("status")["loops"]["ksm"]["state"] != "paused")
    assert "no guest" in ctl("pause", "nobody", expected=1).said
    assert "nobody" in ctl("explain", "nobody", expected=1).said


def test_monitor_follows_until_the_daemon_ends(live):
    daemon = live.daemon(MEMORY_SHORT)
    followers = [Following(), Following("--json"), Following("--all")]
    followers[2].wait_for("kvmtuned")  # its start
    for follower in followers[:2]:  # they may not be listening yet
        wait_until(lambda: ctl("pause", "memory").text and ctl("resume", "memory").text and follower.lines)
    guest = live.guest("one")
    for follower in followers:
        follower.wait_for(re.escape(guest.name))
    heard = [json.loads(line) for line in followers[1].lines]
    assert all(each["schema"] == 1 and each["message"] for each in heard)
    numbers = [each["seq"] for each in heard]
    assert numbers == sorted(set(numbers)), numbers
    after = Following("--json", f"--since={numbers[-1]}")
    guest.destroy()
    assert json.loads(after.wait_for(re.escape(guest.name)))["seq"] > numbers[-1]
    after.end(0, number=2)
    daemon.stop()
    for follower in followers:
        follower.end(3)


def test_explain_and_plan_tell_rules_and_actions(live):
    guest = live.guest("one")
    daemon = live.daemon(MEMORY_SHORT)
    daemon.wait_for(guest_verdict(guest, "memory"))
    for words in ([guest.name], ["ksm"], ["placement"], ["memory"]):
        answer = ask("explain", *words)
        text = ctl("explain", *words).text
        for loop in answer.get("loops", [answer]):
            assert f"{loop['loop']}: " in text and loop["sentence"] in text
            for rule in loop["rules"]:
                assert re.search(rf"(?m)^{rule['reason']} +{'yes' if rule['passes'] else 'NO'} ", text), text
    plan = ask("plan")
    shown = ctl("plan").text
    assert all(action["what"] in shown for action in plan["actions"])


def test_advise_answers_in_the_place_of_numad(live):
    live.daemon()
    numad = live.dir / "numad"
    numad.symlink_to(CTL)
    done = subprocess.run([numad, "-w", "1:16"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and cpulist(done.stdout) <= set(nodes()), done
    assert done.stdout == ctl("advise", "1:16").text and done.stdout.strip() == ask("advise", "1:16")["nodes"]
    for words in (["-w"], ["-w", "x"], ["-i", "15"], ["-w", "1", "y"], []):
        assert subprocess.run([numad, *words], capture_output=True, timeout=60).returncode == 2, words


@contextlib.contextmanager
def as_usr_bin_numad():
    """kvmtunectl where libvirt looks for numad: laid over /usr/bin in our mount namespace, which
    the private libvirtd is in, too."""
    layer = pathlib.Path("/run/numad-layer")
    layer.mkdir()
    (layer / "numad").symlink_to(CTL)
    if subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"ro,lowerdir={layer}:/usr/bin", "/usr/bin"],
                      capture_output=True).returncode:
        raise Skip("no overlay can be mounted on /usr/bin")
    try:
        yield
    finally:
        # QEMU runs from there.
        subprocess.run(["umount", "--lazy", "/usr/bin"], check=True, timeout=30)
        shutil.rmtree(layer)


def test_libvirt_asks_it_where_a_guest_is_to_run(live):
    guest = live.new_guest("auto")
    placed = guest.xml().replace("<vcpu ", "<vcpu placement='auto' ")
    guest.xml = lambda: placed
    with as_usr_bin_numad():
        try:
            guest.create()
        except AssertionError as error:
            assert "numad" in str(error), error
        else:
            raise AssertionError("placed by nobody")
        daemon = live.daemon(MEMORY_SHORT)
        guest.create()
    advised = cpulist(re.search("<numad nodeset='([^']*)'", status_file(guest).read_text()).group(1))
    assert advised <= set(nodes()), advised
    daemon.wait_for(guest_verdict(guest, "placement"))


def status_file(guest):
    return pathlib.Path("/run/libvirt/qemu") / f"{guest.name}.xml"


def test_wrong_usage_is_exit_2(live):
    for words in (["nonsense"], ["status", "--for=2h"], ["explain"], ["explain", "a", "b"], ["pause", "--for=x"],
                  ["advise", "0"], ["advise", "4:"], ["advise", "-4"], ["top", "-o", "luck"], ["top", "-n0"],
                  ["help", "me"], ["monitor", "--since=yesterday"], [], ["--color=x", "status"],
                  ["--socket", "/" + "x" * 108, "status"], ["plan", "now"]):
        assert ctl(*words, expected=2).said or not words, words


def test_what_needs_no_daemon_is_the_daemon_s_program(live):
    file = live.file("a.conf", conf_text(BASE_CONF).encode())
    assert "interval_s = 1" in ctl("check-config", file).text
    assert ask("check-config", file)["schema"] == 1
    file.write_text("[ksm]\nnonsense = 1\n")
    assert f"{file}:2" in ctl("check-config", file, expected=78).said
    ksmtuned = live.file("ksmtuned.conf", b"KSM_NPAGES_MAX=777\n")
    assert "max_pages = 777" in ctl("import", "--ksmtuned", ksmtuned).text
    ctl("replay", live.dir / "none", expected=1)


def examples():
    text = (ROOT / "man/kvmtunectl.1").read_text()
    found = re.findall(r"(?m)^\.Dl (kvmtunectl .*)$", text[text.index(".Sh EXAMPLES"):])
    assert len(found) >= 8
    return found


def test_the_examples_of_the_manual_work(live):
    guest = live.guest("one")
    live.daemon(MEMORY_SHORT)
    live.file("kvmtuned.conf", (ROOT / "conf/kvmtuned.conf").read_bytes())
    (live.dir / "prometheus/node-exporter").mkdir(parents=True)
    here = {"/var/lib/prometheus": live.dir / "prometheus", "/etc/kvmtuned.conf": live.dir / "kvmtuned.conf",
            "web-01": guest.name}
    for example in examples():
        words = shlex.split(example)
        for there, mine in here.items():
            words = [word.replace(there, str(mine)) for word in words]
        done = subprocess.run([BUILD / words[0], *words[1:]], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 or (words[1] == "audit" and done.returncode == 4), (example, done)
    assert "kvmtuned_" in (live.dir / "prometheus/node-exporter/kvmtuned.prom").read_text()
