# SPDX-License-Identifier: GPL-2.0-or-later
"""What is every value that kvmtuned could change, and which of them did change?"""
import pathlib

from kvmlive import MIB, PAGE, Skip, create_all, distinct_pages, virsh

KSM_DIR = pathlib.Path("/sys/kernel/mm/ksm")

# kvmtuned's to write only where [host] apply says so.
HOST_FILES = [pathlib.Path(name) for name in (
    "/proc/sys/kernel/numa_balancing",
    "/proc/sys/vm/swappiness",
    "/proc/sys/vm/zone_reclaim_mode",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/mm/transparent_hugepage/defrag",
    "/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs",
)]

# What libvirt can be asked about a running guest.  dumpxml has the live definition.
GUEST_QUERIES = ("memtune", "vcpupin", "emulatorpin", "numatune", "schedinfo", "dumpxml")


def chosen(text):
    """"[none] scan-time" means none."""
    return text.split("[")[1].split("]")[0] if "[" in text else text


def host_values():
    return {file: file.read_text().strip() for file in HOST_FILES if file.exists()}


def restore_host(values):
    for file, value in values.items():
        if file.read_text().strip() != value:
            file.write_text(chosen(value) + "\n")


class Ksm:
    """KSM of this machine's kernel."""

    @staticmethod
    def need():
        if not (KSM_DIR / "run").exists():
            raise Skip("this kernel has no KSM")

    @staticmethod
    def text(name):
        return (KSM_DIR / name).read_text().strip()

    @classmethod
    def number(cls, name):
        return int(cls.text(name))

    @classmethod
    def merged_mib(cls):
        """Zero pages are counted apart, and only since Linux 6.6."""
        zero = cls.number("ksm_zero_pages") if (KSM_DIR / "ksm_zero_pages").exists() else 0
        return (cls.merged_pages() + zero) * PAGE // MIB

    @staticmethod
    def write(name, value):
        (KSM_DIR / name).write_text(f"{value}\n")

    @classmethod
    def values(cls):
        """Everything that can be written."""
        if not KSM_DIR.exists():
            return {}
        return {file.name: cls.text(file.name) for file in sorted(KSM_DIR.iterdir())
                if file.stat().st_mode & 0o200}

    @classmethod
    def restore(cls, values):
        """The advisor first: it resets pages_to_scan."""
        for name in sorted(values, key=lambda name: name != "advisor_mode"):
            value = values[name]
            if cls.text(name) != value:
                cls.write(name, chosen(value))

    @classmethod
    def merged_pages(cls):
        return cls.number("pages_sharing")


def twins(live, count, pages):
    """Guests whose memory holds the same distinct pages."""
    content = live.file("content", distinct_pages("twin", pages))
    guests = [live.new_guest(f"twin{n}", loader=content) for n in range(count)]
    create_all(guests)
    return guests


def merging_pages(guest):
    """Of this guest: pages_sharing still counts those of guests that have died, until
    ksmd comes by."""
    stat = pathlib.Path(f"/proc/{guest.pid()}/ksm_merging_pages")
    if not stat.exists():
        raise Skip("this kernel does not count merged pages by process")
    return int(stat.read_text())


def _guest_values(guest):
    values = {}
    names = guest.threads()
    for tid, cpus in guest.affinity().items():
        values[f"{guest.name} affinity of {names.get(tid)} {tid}"] = sorted(cpus)
    for query in GUEST_QUERIES:
        values[f"{guest.name} {query}"] = virsh(query, guest.uuid)
    return values


def affinities(guests):
    """Only the masks: needs no libvirtd."""
    return {(guest.name, tid): sorted(cpus) for guest in guests for tid, cpus in guest.affinity().items()}


def snapshot(guests=()):
    values = {f"ksm {name}": value for name, value in Ksm.values().items()}
    values.update((str(file), value) for file, value in host_values().items())
    for guest in guests:
        values.update(_guest_values(guest))
    return values


def differences(before, after):
    """Threads come and go by themselves: only what is in both can differ."""
    return [f"{key}: {before[key]} -> {after[key]}" for key in before
            if key in after and before[key] != after[key]]


def require_unchanged(before, after):
    changed = differences(before, after)
    assert not changed, "changed: " + "; ".join(changed)
