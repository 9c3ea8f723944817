# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a test make a daemon's calls go wrong while it runs?  See faults/faults.h."""
import os
import subprocess

from kvmlive import BUILD, ROOT, wait_until

GENERATE = ROOT / "tests/live/faults/generate.py"
WORDS = "fault on purpose"  # of libvirt's error


def rows():
    """(call, kind) for each call of libvirt that the daemon makes, and each fault it may have."""
    done = subprocess.run([GENERATE, "--list", BUILD / "kvmtuned"], check=True, text=True,
                          stdout=subprocess.PIPE, timeout=60)
    return [tuple(line.split()) for line in done.stdout.splitlines()]


class Faults:
    """Of every daemon that the test starts from now on."""

    def __init__(self, live):
        self.file = live.dir / "faults"
        self.hits = live.dir / "faults.hits"
        self.clear()
        asan = os.environ.get("ASAN_OPTIONS", "")
        live.environment.update(LD_PRELOAD=str(BUILD / "tests/faults.so"), KT_FAULTS=str(self.file),
                                ASAN_OPTIONS=f"{asan}:verify_asan_link_order=0")

    def set(self, *lines):
        """In the place of what there was, at once."""
        new = self.file.with_suffix(".new")
        new.write_text("".join(f"{line}\n" for line in lines))
        self.hits.unlink(missing_ok=True)
        new.rename(self.file)

    def clear(self):
        self.set()

    def count(self, call):
        if not self.hits.exists():
            return 0
        return sum(line.split()[0] == call for line in self.hits.read_text().splitlines())

    def wait_hit(self, call, timeout=30):
        wait_until(lambda: self.count(call), timeout, f"the daemon calls {call}")
