# SPDX-License-Identifier: GPL-2.0-or-later
"""Is a real host, recorded from the daemon's start, decided on in the same way again?"""
import json
import signal
import stat
import subprocess

from daemon import ONLY_KSM, conf_text, ksm_verdict, kvmtuned, merged
from knobs import Ksm, merging_pages, twins
from kvmlive import BUILD, wait_until

ALWAYS = merged(ONLY_KSM, {"ksm": {"policy": "auto", "merge": "always", "settle_s": 1}})
PAGES = 4096


def lines_of(recording):
    return [json.loads(line) for line in recording.read_text().splitlines()]


def replay(recording, *options):
    return kvmtuned("--replay", recording, *options)


def test_a_recording_replays_without_a_difference(live):
    Ksm.need()
    Ksm.write("run", 0)
    recording = live.dir / "recording"
    guests = twins(live, 2, PAGES)
    daemon = live.daemon(ALWAYS, options=("--foreground", "--record", recording))
    wait_until(lambda: all(merging_pages(guest) >= PAGES * 95 // 100 for guest in guests), 60,
               "the guests are merged")
    live.guest('new"\ncomer')
    daemon.wait_for(ksm_verdict("converged"), 60, since=daemon.mark())
    daemon.reload(merged(ALWAYS, {"ksm": {"max_cpu_percent": 30}}))
    guests[0].destroy()
    daemon.wait_ticks()
    daemon.stop()

    assert stat.S_IMODE(recording.stat().st_mode) == 0o600
    done = replay(recording)
    assert done.returncode == 0, done.stdout
    assert " 3 guests, 0 decisions differ, in 0 ticks" in done.stdout, done.stdout
    assert f"{len(lines_of(recording)) - 1} ticks" in done.stdout, done.stdout
    assert "note:" not in done.stdout, done.stdout

    other = live.dir / "other.conf"
    other.write_text(conf_text({"ksm": {"policy": "off"}}))
    done = replay(recording, "--config", other)
    assert done.returncode == 4, done.stdout
    assert "host ksm: set burst" in done.stdout and "switched-off" in done.stdout, done.stdout
    assert replay(recording, "--config", other).stdout == done.stdout
    told = [json.loads(line)
            for line in replay(recording, "--config", other, "--json").stdout.splitlines()]
    assert all(line["schema"] == 1 for line in told)
    assert told[-1]["differences"] == len(told) - 1 > 0 and told[-1]["from_start"]


def record(recording, *options, lines):
    """Over the socket, until there are so many lines; what was said."""
    process = subprocess.Popen([BUILD / "kvmtunectl", "record", recording, *options],
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: process.poll() is not None or recording.exists()
                   and recording.read_text().count("\n") >= lines, 60, "lines are recorded")
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
    finally:
        process.kill()
    assert process.returncode == 0, said
    return said


def test_who_joins_later_gets_everything_and_no_names_if_he_wants_none(live):
    daemon = live.daemon(ONLY_KSM, {'domain "sec*"': {"memory": "off"}})
    first = live.guest('secret"1')
    live.guest("secret-2")
    daemon.wait_ticks()
    named, nameless = live.dir / "named", live.dir / "nameless"
    record(named, lines=4)
    said = record(nameless, "--anonymous", lines=4)
    assert "ticks are in" in said, said

    for recording in (named, nameless):
        assert stat.S_IMODE(recording.stat().st_mode) == 0o600
        done = subprocess.run([BUILD / "kvmtunectl", "replay", recording], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode in (0, 4), done.stderr
        assert "begins after the daemon's start" in done.stderr, done.stderr
        assert f"{len(lines_of(recording)) - 1} ticks, 2 guests" in done.stdout, done.stdout
        assert lines_of(recording)[1]["whole"]
    assert "secret-2" in named.read_text() and first.uuid in named.read_text()
    text = nameless.read_text()
    assert "sec" not in text.replace("msec", ""), "a name"
    assert first.uuid not in text and "guest-1" in text and "guest-2" in text
    assert str(live.dir) not in text and "machine" not in text


def test_a_daemon_that_is_not_there_leaves_an_old_recording_alone(live):
    recording = live.dir / "recording"
    recording.write_text("precious")
    done = subprocess.run([BUILD / "kvmtunectl", "record", recording], text=True,
                          stderr=subprocess.PIPE)
    assert done.returncode == 3 and "not running" in done.stderr, done.stderr
    assert recording.read_text() == "precious"


def test_a_recording_that_was_cut_is_refused_with_its_line(live):
    recording = live.dir / "recording"
    daemon = live.daemon(ONLY_KSM, options=("--foreground", "--record", recording))
    live.guest("short")
    daemon.wait_ticks()
    daemon.stop()
    assert replay(recording).returncode == 0
    lines = recording.read_text().splitlines()
    recording.write_text("\n".join(lines[:-1] + [lines[-1][:-5]]))
    done = replay(recording)
    assert done.returncode == 1 and f":{len(lines)}: it is not JSON" in done.stdout, done.stdout


def test_a_recording_that_cannot_be_written_stops_the_start(live):
    done = kvmtuned("--once", "--dry-run", "--record", "/nonexistent/file")
    assert done.returncode == 1 and "/nonexistent/file: No such file" in done.stdout, done.stdout
