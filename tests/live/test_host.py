# SPDX-License-Identifier: GPL-2.0-or-later
"""Are values of the host, which [host] apply names, set and given back?"""
import signal

from answers import checked, get
from daemon import RUN_DIR, UNDO, kvmtuned, merged, undo_text
from knobs import HOST_FILES, require_unchanged, snapshot
from kvmlive import Skip, wait_until

# Harmless: how long a thread that joins small pages rests.
FILE = next(file for file in HOST_FILES if file.name == "scan_sleep_millisecs")
RULE = "host-khugepaged-scan-sleep"
QUIET = {"ksm": {"mode": "off"}, "placement": {"mode": "off"}, "memory": {"mode": "off"}}
APPLY = merged(QUIET, {"host": {"apply": RULE}})


def at_fault(live):
    """A guest, and a value that the rule finds fault with; run.py puts back what was there."""
    if not FILE.exists() or "[never]" in (FILE.parents[1] / "enabled").read_text():
        raise Skip("no transparent huge pages here")
    FILE.write_text("500\n")
    return live.guest("one")


def wait_set():
    wait_until(lambda: FILE.read_text() == "10000\n", what=f"{FILE} is set")


def test_a_value_is_set_on_request_and_comes_back(live):
    guest = at_fault(live)
    before = snapshot([guest])
    daemon = live.daemon(APPLY)
    wait_set()
    daemon.wait_for(rf"{FILE} set \({RULE}\): 10000 \(was 500\)")
    assert f"host {RULE} 0 500 500 10000\n" in undo_text()
    daemon.stop(signal.SIGTERM)
    require_unchanged(before, snapshot([guest]))
    assert not UNDO.exists(), undo_text()


def test_a_rule_that_is_taken_out_of_the_list_gives_its_value_back(live):
    guest = at_fault(live)
    before = snapshot([guest])
    daemon = live.daemon(APPLY)
    wait_set()
    daemon.reload(QUIET)
    wait_until(lambda: FILE.read_text() == "500\n", what="the value is back")
    require_unchanged(before, snapshot([guest]))


def test_restore_after_kill_9_gives_the_value_back(live):
    guest = at_fault(live)
    before = snapshot([guest])
    daemon = live.daemon(APPLY)
    wait_set()
    daemon.kill()
    assert FILE.read_text() == "10000\n"
    done = kvmtuned("--restore", "--config", daemon.conf_file)
    assert done.returncode == 0, done.stdout
    require_unchanged(before, snapshot([guest]))
    assert not UNDO.exists(), undo_text()


def test_a_sandbox_that_refuses_is_told_of_with_the_line_that_helps(live):
    """What ProtectKernelTunables= of the unit does: the files are read-only."""
    guest = at_fault(live)
    before = snapshot([guest])
    sandbox = ["unshare", "--mount", "sh", "-c",
               'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"', FILE.parent]
    daemon = live.daemon(APPLY, within=sandbox)
    daemon.wait_for(rf"{RULE}\): Read-only file system; .*systemctl edit kvmtuned.*"
                    rf"ReadWritePaths=-{FILE}\)")
    daemon.wait_ticks()
    assert len(daemon.found("Read-only file system")) == 1, daemon.lines
    daemon.stop()
    require_unchanged(before, snapshot([guest]))


def test_who_observes_only_says_it(live):
    guest = at_fault(live)
    before = snapshot([guest])
    daemon = live.daemon(APPLY, {"daemon": {"mode": "observe"}})
    daemon.wait_for(rf"would be set \({RULE}\): 10000 \(was 500\)")
    require_unchanged(before, snapshot([guest]))
    answer = checked("plan", get(RUN_DIR / "kvmtuned.sock", "/v1/plan")[1])
    planned = [one for one in answer["actions"] if one["what"] == RULE]
    assert [(one["loop"], one["from"], one["to"], one["dry_run"]) for one in planned] == [
        ("host", "500", "10000", True)], planned
    daemon.stop()
    require_unchanged(before, snapshot([guest]))


def test_a_rule_that_cannot_be_applied_is_a_mistake(live):
    file = live.file("conf", b"[host]\napply = host-cpu-use\n")
    done = kvmtuned("--test-config", "--config", file)
    assert done.returncode == 78, done.stdout
    assert RULE in done.stdout, done.stdout
