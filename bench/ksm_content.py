# SPDX-License-Identifier: GPL-2.0-or-later
"""What is in the guests' memory, and how much of it has been merged?

Guests are paused, so nobody but this bench writes to their memory: through
/proc/PID/mem of their QEMU, whose RAM KSM may merge (mem-merge=on is QEMU's default).
"""
import array
import os
import pathlib
import random
import subprocess
from typing import NamedTuple, Optional

from kvmlive import BUILD, MIB, PAGE, Guest, create_all

CHURN = BUILD / "bench" / "ksm" / "churn"
CHURN_PERIOD_MS = 500

# /proc/PID/pagemap and /proc/kpageflags (Documentation/admin-guide/mm/pagemap.rst)
PAGE_PRESENT, FRAME = 1 << 63, (1 << 55) - 1
FLAG_KSM, FLAG_ZERO_PAGE = 1 << 21, 1 << 24


# Regions are mixed as in a real guest: every stripe has some pages of each, so no huge
# page is of one kind.  (One that is all zeros is an oddity of its own: Linux 6.18 gives
# back one of them a pass.)
STRIPE_PAGES = 40


class Region(NamedTuple):
    """Pages with one purpose.  The same name is the same content in every guest; no
    two pages of a named region are alike, and no name means zeros."""
    pages: int                 # of each stripe
    name: Optional[str] = None
    merges: bool = False       # has a twin somewhere, so KSM can merge all of it
    churns: bool = False       # never comes to rest

    def content(self, stripes):
        """Of each stripe."""
        size = self.pages * PAGE
        if self.name is None:
            return [bytes(size)] * stripes
        source = random.Random(self.name)
        return [source.randbytes(size) for _ in range(stripes)]


def is_merged(flags):
    """Zeros count when they have become the kernel's own page of zeros, too: since
    Linux 6.12 that happens to all of a huge page that KSM splits."""
    return bool(flags & (FLAG_KSM | FLAG_ZERO_PAGE))


class Memory:
    """RAM of one guest; pages are counted from its start."""

    def __init__(self, guest):
        self.pid = guest.pid()
        self.start = guest.ram_start()
        self._anon_when_full = 0

    def write(self, content):
        fd = os.open(f"/proc/{self.pid}/mem", os.O_WRONLY)
        try:
            written = os.pwrite(fd, content, self.start)
        finally:
            os.close(fd)
        assert written == len(content), f"only {written} of {len(content)} bytes written"

    def read(self, offset, size):
        fd = os.open(f"/proc/{self.pid}/mem", os.O_RDONLY)
        try:
            return os.pread(fd, size, self.start + offset)
        finally:
            os.close(fd)

    def _anon_pages(self):
        resident, shared = pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1:3]
        return int(resident) - int(shared)

    def is_full(self):
        """All content is written: from now on memory that goes has been saved."""
        self._anon_when_full = self._anon_pages()

    def _stat(self):
        lines = pathlib.Path(f"/proc/{self.pid}/ksm_stat").read_text().splitlines()
        return dict(line.replace(":", "").split() for line in lines)

    def zeros_gone(self):
        """Pages given back for the page of zeros, by ksm_zero_pages or a split."""
        return max(0, self._anon_when_full - self._anon_pages())

    def merging_pages(self):
        """By the kernel's counters: cheap enough for many times a second.  They count
        QEMU's own memory too, 1 % or less."""
        return int(self._stat()["ksm_merging_pages"]) + self.zeros_gone()

    def merged(self, pages):
        """Looks at each page: exact, and slow."""
        with open(f"/proc/{self.pid}/pagemap", "rb", buffering=0) as pagemap, \
                open("/proc/kpageflags", "rb", buffering=0) as kpageflags:
            entries = array.array("Q", os.pread(pagemap.fileno(), (max(pages) + 1) * 8,
                                                self.start // PAGE * 8))
            frames = (entries[page] & FRAME for page in pages if entries[page] & PAGE_PRESENT)
            flags = (int.from_bytes(os.pread(kpageflags.fileno(), 8, frame * 8), "little")
                     for frame in frames)
            return sum(map(is_merged, flags))


class FilledGuest:
    """A paused guest whose memory is full of stripes."""

    def __init__(self, name, memory_mib, regions):
        self.guest = Guest(name, memory_mib=memory_mib)
        self.stripes = memory_mib * MIB // PAGE // STRIPE_PAGES
        self.memory = None
        self.prepare(regions)

    def prepare(self, regions):
        """What fill() will write: made before the clock runs."""
        assert sum(region.pages for region in regions) <= STRIPE_PAGES
        self.regions = regions
        contents = [region.content(self.stripes) for region in regions]
        padding = bytes((STRIPE_PAGES - sum(region.pages for region in regions)) * PAGE)
        self._image = b"".join(part for stripe in zip(*contents) for part in (*stripe, padding))

    def find_memory(self):
        self.memory = Memory(self.guest)

    def fill(self):
        self.memory.write(self._image)
        self._image = None
        self.memory.is_full()

    def _offsets(self):
        """(first page within its stripe, region)."""
        page = 0
        for region in self.regions:
            yield page, region
            page += region.pages

    def mergeable(self):
        """Page numbers."""
        return [stripe * STRIPE_PAGES + first + page for stripe in range(self.stripes)
                for first, region in self._offsets() if region.merges for page in range(region.pages)]

    def possible(self):
        return self.stripes * sum(region.pages for region in self.regions if region.merges)

    def merged(self):
        pages = self.mergeable()
        return self.memory.merged(pages) if pages else 0

    def churn_ranges(self):
        return [f"{self.memory.pid}:{self.memory.start + first * PAGE:x}:{region.pages}:{STRIPE_PAGES}"
                f":{self.stripes}" for first, region in self._offsets() if region.churns]


def create(filled):
    """All at once; their memory is still empty."""
    create_all([one.guest for one in filled])
    for one in filled:
        one.find_memory()


def start_churn(filled):
    ranges = [item for one in filled for item in one.churn_ranges()]
    return subprocess.Popen([CHURN, str(CHURN_PERIOD_MS), *ranges]) if ranges else None
