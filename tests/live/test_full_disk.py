# SPDX-License-Identifier: GPL-2.0-or-later
"""A folder below /run that gets full while the daemon lives: is nothing changed then that could not be
given back, is all that was changed given back nevertheless, and is it said?  (One that becomes
read-only is for check_undo_faults and check_pause_faults: none does while files in it are open.)"""
import contextlib
import os
import pathlib
import subprocess

from ctl import ctl
from daemon import guest_verdict, kvmtuned
from knobs import affinities, require_unchanged
from kvmlive import wait_until
from test_placement import ONLY_PLACEMENT, two_nodes, wait_home

SMALL = pathlib.Path("/run/kt-small")
BELOW = {"daemon": {"run_dir": SMALL}}
NOT_ON_FILE = "the undo file cannot be written .*No space left"
PAUSES = "pauses cannot be written .*No space left"


@contextlib.contextmanager
def small_disk():
    SMALL.mkdir(mode=0o750, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=750", "tmpfs", SMALL], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", SMALL], check=True)


def fill_up():
    """To the last byte, as somebody else's log would."""
    fd = os.open(SMALL / "log", os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(fd, b"\0" * 4096)
    os.close(fd)


def pause(daemon):
    """It counts, and that it will not outlive a restart is said."""
    ctl("pause", "ksm", "--for=1h", socket=SMALL / "kvmtuned.sock")
    daemon.wait_for(PAUSES)
    assert not (SMALL / "pauses").exists() and not (SMALL / "pauses.tmp").exists()


def late_guest_stays_unpinned(live, daemon):
    late = live.guest("late")
    before = affinities([late])
    daemon.wait_for(NOT_ON_FILE)
    daemon.wait_ticks(3)
    require_unchanged(before, affinities([late]))
    assert not (SMALL / "undo.tmp").exists()
    return late, before


def test_on_a_full_disk_nothing_new_is_changed_until_there_is_room(live):
    home, _ = two_nodes(live)
    guest = live.guest("early")
    before = affinities([guest])
    with small_disk():
        daemon = live.daemon(ONLY_PLACEMENT, BELOW,
                             options=("--foreground", "--record", SMALL / "recording"))
        wait_home(guest, home)
        fill_up()
        daemon.wait_for("the recording ends here.*No space left")
        pause(daemon)
        late, late_before = late_guest_stays_unpinned(live, daemon)
        (SMALL / "log").unlink()
        wait_home(late, home)
        daemon.wait_for(guest_verdict(late, "placement", "home-by-[a-z-]+"))
        assert len(daemon.found("the recording ends here")) == 1
        daemon.stop()
    require_unchanged({**before, **late_before}, affinities([guest, late]))


def test_on_a_full_disk_all_is_given_back(live):
    home, _ = two_nodes(live)
    guest = live.guest("early")
    before = affinities([guest])
    with small_disk():
        daemon = live.daemon(ONLY_PLACEMENT, BELOW)
        wait_home(guest, home)
        wait_until(lambda: "pin " in (SMALL / "undo").read_text(), what="its originals are on file")
        fill_up()
        daemon.stop()
        require_unchanged(before, affinities([guest]))
        assert not (SMALL / "undo.tmp").exists()
        (SMALL / "log").unlink()
        done = kvmtuned("--restore", "--config", daemon.conf_file)
        assert done.returncode == 0, done.stdout
        require_unchanged(before, affinities([guest]))
