# SPDX-License-Identifier: GPL-2.0-or-later
"""Is kvmtuned a good service: signals, reload, modes, privileges, exit statuses?"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

from ctl import ctl
from daemon import (BASE_CONF, BINARY, MEMORY_SHORT, RELOADED, RUN_DIR, conf_text,
                    guest_verdict, is_sanitized, ksm_verdict, kvmtuned, merged)
from knobs import Ksm, require_unchanged, snapshot
from kvmlive import BUILD, Skip, wait_until
from test_placement import ONLY_PLACEMENT, two_nodes

ALL_LOOPS = merged(ONLY_PLACEMENT, MEMORY_SHORT, {"ksm": {"mode": "active"}, "memory": {"mode": "active"}})
RARELY = {"daemon": {"interval_s": 3600}, "ksm": {"interval_s": 86400}}

BROKEN = """[ksm]
max_pages = 777
bost_pages = 3
[placement]
mode = sometimes
"""


def conf_file(live, name, text):
    return live.file(name, text.encode())


def test_systemd_hears_of_readiness_status_reload_and_stop(live):
    live.guest("one")
    daemon = live.daemon(MEMORY_SHORT, watchdog_s=3)
    daemon.status("1 guests?.*libvirt connected")
    daemon.notify.wait_for("^WATCHDOG=1", count=3)
    mark = daemon.notify.mark()
    daemon.reload(MEMORY_SHORT)
    told = daemon.notify.found("^(RELOADING|READY|MONOTONIC_USEC)=", mark)
    assert [line.split("=")[0] for line in told] == ["RELOADING", "MONOTONIC_USEC", "READY"], told
    daemon.stop()
    daemon.notify.wait_for("^STOPPING=1")


def observed(live, guests, before, daemon):
    for guest in guests:
        daemon.wait_for(guest_verdict(guest, "placement", "home-by-[a-z-]+"))
    daemon.wait_for(ksm_verdict("memory-short"))
    for _ in range(4):
        daemon.tick()
        daemon.notify.wait_for("^WATCHDOG=1", since=daemon.notify.mark())
    require_unchanged(before, snapshot(guests))
    daemon.stop()
    require_unchanged(before, snapshot(guests))


def test_observe_mode_says_everything_and_writes_nothing(live):
    two_nodes(live)
    guests = [live.guest("one"), live.guest("two", paused=False)]
    for how in ({"options": ("--foreground", "--dry-run")}, {}):
        before = snapshot(guests)
        mode = {} if how else {"daemon": {"mode": "observe"}}
        observed(live, guests, before, live.daemon(ALL_LOOPS, mode, **how))


def test_each_loop_can_only_observe_by_itself(live):
    two_nodes(live)
    guests = [live.guest("one")]
    before = snapshot(guests)
    loops = {name: {"mode": "observe"} for name in ("ksm", "placement", "memory")}
    observed(live, guests, before, live.daemon(ALL_LOOPS, loops))


def test_a_broken_file_at_reload_leaves_the_old_configuration_in_force(live):
    Ksm.need()
    Ksm.write("run", 0)
    live.guest("one")
    daemon = live.daemon(merged(MEMORY_SHORT, {"ksm": {"max_pages": 333}}))
    wait_until(lambda: Ksm.number("pages_to_scan") == 333, what="the maximum is reached")
    mark = daemon.mark()
    daemon.reload(BROKEN)
    path = str(daemon.conf_file)
    daemon.wait_for(rf"{path}:3: .*bost_pages", since=mark)
    daemon.wait_for(rf"{path}:5: .*sometimes.*active", since=mark)
    for _ in range(3):
        daemon.notify.wait_for("^WATCHDOG=1", since=daemon.notify.mark())
    assert daemon.running()
    assert Ksm.number("pages_to_scan") == 333, "half of a broken file is in force"
    daemon.reload(merged(MEMORY_SHORT, {"ksm": {"max_pages": 777}}))
    daemon.wait_for(RELOADED)
    wait_until(lambda: Ksm.number("pages_to_scan") == 777, what="the good file is in force")


def test_a_broken_file_at_start_is_refused_with_all_its_mistakes(live):
    path = conf_file(live, "broken.conf", BROKEN)
    for option in ("--foreground", "--test-config"):
        done = kvmtuned(option, "--config", path)
        assert done.returncode == 78, (option, done)
        assert f"{path}:3:" in done.stdout and f"{path}:5:" in done.stdout, done.stdout
    good = conf_file(live, "good.conf", conf_text(BASE_CONF))
    assert kvmtuned("--test-config", "--config", good).returncode == 0
    assert kvmtuned("--foreground", "--config", live.dir / "missing").returncode == 78
    assert kvmtuned("--no-such-option").returncode == 2
    assert kvmtuned("--test-config", "--config", good, "--drop-in", path).returncode == 78
    assert kvmtuned("--test-config", "--drop-in", path, "--as", "50-not-read").returncode == 2
    assert kvmtuned("--test-config", "--as", "50-x.conf").returncode == 2
    assert kvmtuned("--drop-in", good).returncode == 2, "only what is checked may be tried"
    assert kvmtuned("surplus").returncode == 2


def test_a_start_without_memory_is_not_taken_for_a_broken_file(live):
    """systemd does not try again after 78, and there may be memory in a moment; nor are the
    originals of the default run_dir those to be given back."""
    if is_sanitized():
        raise Skip("a sanitizer has an allocator of its own")
    path = conf_file(live, "good.conf", conf_text(BASE_CONF))

    def start(most):
        return kvmtuned("--restore", "--config", path, env={
            **os.environ, "LD_PRELOAD": str(BUILD / "tests/count_alloc.so"), "KT_COUNT_ALLOC_MAX": str(most)})

    def gets_to_the_configuration(most):
        return "start: Cannot allocate memory" not in start(most).stdout

    assert gets_to_the_configuration(10**6)
    too_few, enough = 0, 10**6
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if gets_to_the_configuration(middle) else (middle, enough)
    refused = 0
    for most in range(enough, enough + 100):
        done = start(most)
        if "read the configuration" not in done.stdout:
            break
        assert done.returncode == 1, done
        refused += 1
    assert refused > 1 and "the host" in done.stdout, (refused, done)
    assert "default" not in done.stdout, done


def test_usr1_decides_now(live):
    two_nodes(live)
    Ksm.need()
    Ksm.write("run", 0)
    live.guest("one")
    daemon = live.daemon(MEMORY_SHORT, RARELY)
    wait_until(lambda: Ksm.number("run") == 1, what="the first step")
    pages = Ksm.number("pages_to_scan")
    fed = len(daemon.notify.found("^WATCHDOG=1"))
    daemon.tick()
    daemon.notify.wait_for("^WATCHDOG=1", count=fed + 1)

    def boosted():
        daemon.tick()  # steps that are asked for still keep a distance of seconds
        return Ksm.number("pages_to_scan") > pages
    wait_until(boosted, what="pages_to_scan grows a day before its time")
    assert not daemon.notify.found("^RELOADING"), "that is SIGHUP's"


def test_once_looks_acts_and_undoes(live):
    two_nodes(live)
    Ksm.need()
    Ksm.write("run", 0)
    guest = live.guest("one")
    before = snapshot([guest])
    path = conf_file(live, "once.conf", conf_text(merged(BASE_CONF, ALL_LOOPS)))
    environment = dict(os.environ, **live.environment)
    for options in (["--once", "--dry-run"], ["--once"]):
        done = kvmtuned(*options, "--config", path, env=environment)
        assert done.returncode == 0, done.stdout
        assert f"{guest.name}: placement: " in done.stdout, done.stdout
        require_unchanged(before, snapshot([guest]))


def test_a_second_daemon_refuses_to_start(live):
    first = live.daemon(MEMORY_SHORT)
    second = live.daemon(MEMORY_SHORT, ready=False)
    assert second.process.wait(30) == 1
    second.wait_for("another kvmtuned")
    assert first.running()


def test_without_a_terminal_lines_have_priorities(live):
    live.guest("one")
    daemon = live.daemon(MEMORY_SHORT, options=())
    daemon.wait_for("ksm: ")
    daemon.stop()
    assert daemon.lines and not [line for line in daemon.lines if not line.startswith("<")], daemon.lines


class DeafJournal:
    """journald's socket, with nobody who reads it and no room left in it."""
    path = pathlib.Path("/run/systemd/journal/socket")
    # stderr is the stream that systemd would have made for the unit.
    within = ("sh", "-c", 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$0" "$@"')

    def __init__(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.fill()

    def fill(self):
        """Each writer has a limit of its own as well: until a new one finds no room."""
        sent = True
        while sent:
            sent = False
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as writer:
                writer.setblocking(False)
                try:
                    while True:
                        writer.sendto(b"MESSAGE=of another program", str(self.path))
                        sent = True
                except BlockingIOError:
                    pass

    def read(self):
        """What has arrived, the oldest first."""
        entries = []
        self.socket.setblocking(False)
        try:
            while True:
                entries.append(self.socket.recv(65536))
        except BlockingIOError:
            return entries


def test_a_journald_that_has_stopped_stops_nothing(live):
    Ksm.need()
    Ksm.write("run", 0)
    live.guest("one")
    before = Ksm.values()
    journal = DeafJournal()
    daemon = live.daemon(MEMORY_SHORT, options=(), within=DeafJournal.within)
    wait_until(lambda: Ksm.number("run") == 1, what="KSM is scanning, whoever listens")
    daemon.wait_ticks()
    assert not [e for e in journal.read() if b"of another" not in e], "the test's socket had room"
    daemon.wait_ticks()
    told = journal.read()
    assert re.search(rb"^MESSAGE=[1-9][0-9]* messages before this one are lost", told[0]), told
    assert b"SYSLOG_IDENTIFIER=kvmtuned" in told[0], told
    journal.fill()
    daemon.stop()
    assert Ksm.values() == before
    assert not daemon.lines, "what is for the journal must not be on stderr, too"


def test_an_unprivileged_daemon_says_what_it_lacks_and_goes_on(live):
    before = Ksm.values()
    folder = RUN_DIR.with_name("kt-nobody")  # nobody cannot reach the build folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(BINARY, folder / "kvmtuned")
    os.chown(folder, 65534, 65534)
    conf = folder / "conf"
    conf.write_text(conf_text(merged(BASE_CONF, MEMORY_SHORT, {"daemon": {"run_dir": folder / "run"}})))
    log = folder / "log"
    process = subprocess.Popen([folder / "kvmtuned", "--foreground", "--config", conf], cwd="/", user=65534,
                               group=65534, extra_groups=[], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=log.open("wb"))
    words = ["missing: CAP_SYS_NICE", "missing: root"]
    if before:  # errno, file, unit option, and what is off now
        words += ["/sys/kernel/mm/ksm/[a-z_]+: Permission denied.*KSM control is off.*ReadWritePaths="]
    for word in words:
        wait_until(lambda: re.search(word, log.read_text()), what=f"{word} in {log.read_text()}")
    assert process.poll() is None, log.read_text()
    status = ctl("status", socket=folder / "run/kvmtuned.sock", expected=None).text
    for name in ("CAP_SYS_NICE", "CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH", "root"):
        assert f"problem  missing: {name};" in status, status
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0, log.read_text()
    assert Ksm.values() == before


def test_without_a_place_for_the_undo_file_nothing_is_changed(live):
    two_nodes(live)
    guest = live.guest("one")
    before = snapshot([guest])
    (RUN_DIR.parent / "kt-no-folder").write_text("")
    daemon = live.daemon(ALL_LOOPS, {"daemon": {"run_dir": "/run/kt-no-folder/run"}})
    daemon.wait_for("/run/kt-no-folder/run .*RuntimeDirectory=")
    daemon.wait_for(guest_verdict(guest, "placement", "home-by-[a-z-]+"))
    daemon.wait_for(ksm_verdict("memory-short"))
    daemon.status("observing; .*problems: 1, see kvmtunectl status")
    require_unchanged(before, snapshot([guest]))
    daemon.stop()
    require_unchanged(before, snapshot([guest]))
