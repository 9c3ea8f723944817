# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a live test get guests, and how does it wait for things to happen?

Everything here runs inside privvirt: guests, libvirtd and PIDs are private.
Guests are addressed by UUID, because names may hold anything.
"""
import ctypes
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from xml.sax.saxutils import escape, quoteattr

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KT_BUILD", ROOT / "build"))
PREFIX = os.environ.get("KT_PREFIX", "")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20
QEMU = "/usr/bin/qemu-system-x86_64"


class Skip(Exception):
    """This machine cannot show what the test is about."""


def wait_until(condition, timeout=30, what=""):
    """The first true answer of condition(); no answer in time is a failure."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or condition.__doc__ or condition}"
                                 f" (last answer: {answer!r})")
        time.sleep(0.05)


def virsh(*args, check=True, timeout=60):
    done = subprocess.run(["virsh", *map(str, args)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=timeout)
    if check and done.returncode:
        raise AssertionError(f"virsh {' '.join(map(str, args))}: {done.stderr.strip()}")
    return done.stdout.strip()


# --- NUMA nodes ---------------------------------------------------------------------

NODES = pathlib.Path("/sys/devices/system/node")


def cpulist(text):
    """{0, 1, 2, 5} of "0-2,5"."""
    ends = (part.split("-") for part in text.strip().split(",") if part)
    return {cpu for first, *last in ends for cpu in range(int(first), int(*last or [first]) + 1)}


def nodes():
    """Numbers of those that have CPUs."""
    return sorted(int(node.name[4:]) for node in NODES.glob("node[0-9]*")
                  if (node / "cpulist").read_text().strip())


def node_cpus():
    return [cpulist((NODES / f"node{node}" / "cpulist").read_text()) for node in nodes()]


def node_mib(node):
    """All memory of a node."""
    line = next(line for line in (NODES / f"node{node}" / "meminfo").read_text().splitlines()
                if "MemTotal:" in line)
    return int(line.split()[-2]) // 1024


# --- swap ---------------------------------------------------------------------------

ZRAM_SWAP = pathlib.Path(__file__).with_name("zram-swap")


def add_swap(mib=256):
    """Real swap, in compressed memory.  In a session of its own: a test that is killed
    meanwhile leaves either none or one that remove_swap() finds."""
    done = subprocess.run([ZRAM_SWAP, "add", str(mib)], capture_output=True, text=True, timeout=30,
                          start_new_session=True)
    if done.returncode == 2:
        raise Skip(done.stdout.strip())
    assert done.returncode == 0, done.stderr


def remove_swap():
    subprocess.run([ZRAM_SWAP, "remove"], check=True, timeout=60)


# --- processes ----------------------------------------------------------------------

def processes():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


# --- content of guest memory ------------------------------------------------------

def distinct_pages(seed, count):
    """count pages, no two alike, the same ones for the same seed; none is zero."""
    return b"".join(f"{seed}:{number}.".encode().ljust(PAGE, b"#") for number in range(count))


# EB FE: "jmp $".  A guest without an operating system that keeps vCPU 0 busy.
SPIN_DISK = b"\xeb\xfe".ljust(510, b"\0") + b"\x55\xaa" + bytes(MIB)


def sleeper_disk(use_mib, awake=False):
    """A guest that uses so much of its memory, and goes to sleep: see guests/sleeper.S."""
    sector = (BUILD / "tests/sleeper.bin").read_bytes()
    return sector[:4] + struct.pack("<IB", use_mib * MIB, awake) + sector[9:] + bytes(MIB)


# --- system calls that Python has no name for ----------------------------------------

LIBC = ctypes.CDLL(None, use_errno=True)
PROCESS_MADVISE, MADV_PAGEOUT = 440, 21


class IoVec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


# --- guests -------------------------------------------------------------------------

class Guest:
    """A small guest without an operating system.

    loader: content file, put at 16 MiB of its memory.  disk: boot disk.
    elements, devices: XML fragments for <domain> and <devices>.
    persistent: libvirt keeps its XML when it ends."""

    def __init__(self, name, vcpus=1, memory_mib=64, kind="qemu", loader=None, disk=None,
                 elements="", devices="", max_vcpus=None, persistent=False):
        self.name = PREFIX + name
        self.uuid = str(uuid.uuid4())
        self.vcpus, self.max_vcpus = vcpus, max_vcpus or vcpus
        self.memory_mib, self.kind = memory_mib, kind
        self.loader, self.disk = loader, disk
        self.elements, self.devices = elements, devices
        self.persistent = persistent

    def _disk_xml(self):
        if not self.disk:
            return ""
        return ("<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
                f"<source file={quoteattr(str(self.disk))}/><target dev='hda' bus='ide'/></disk>")

    def _loader_xml(self):
        if not self.loader:
            return ""
        path = str(self.loader).replace(",", ",,")  # QEMU's own escape
        option = quoteattr(f"loader,file={path},addr=0x1000000,force-raw=on")
        return ("<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
                f"<qemu:arg value='-device'/><qemu:arg value={option}/></qemu:commandline>")

    def xml(self):
        return f"""<domain type='{self.kind}'>
<name>{escape(self.name)}</name><uuid>{self.uuid}</uuid>
<memory unit='MiB'>{self.memory_mib}</memory>
<vcpu current='{self.vcpus}'>{self.max_vcpus}</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>{self.elements}
<devices><emulator>{QEMU}</emulator><controller type='usb' model='none'/>
<memballoon model='none'/>{self._disk_xml()}{self.devices}</devices>{self._loader_xml()}
</domain>"""

    def create(self, paused=True):
        if self.persistent:
            virsh("define", self.xml_file())
            virsh("start", self.uuid, *(["--paused"] if paused else []), timeout=180)
        else:
            virsh("create", self.xml_file(), *(["--paused"] if paused else []), timeout=180)
        return self

    def xml_file(self):
        file = pathlib.Path("/run") / f"{self.uuid}.xml"
        file.write_text(self.xml())
        return file

    def destroy(self):
        virsh("destroy", self.uuid, check=False)

    def exists(self):
        return self.uuid in virsh("list", "--all", "--uuid")

    def pid(self):
        wanted = self.uuid.encode()
        for pid in processes():
            words = command_line(pid)
            if wanted in words and b"qemu" in words[0]:
                return pid
        raise AssertionError(f"no process of guest {self.name!r}")

    def ram_start(self):
        """Address of the only anonymous private mapping of QEMU that is as large as the guest."""
        for line in pathlib.Path(f"/proc/{self.pid()}/maps").read_text().splitlines():
            addresses, mode, _offset, _device, inode = line.split()[:5]
            start, end = (int(address, 16) for address in addresses.split("-"))
            if end - start == self.memory_mib * MIB and mode == "rw-p" and inode == "0":
                return start
        raise AssertionError(f"{self.name} has no RAM of {self.memory_mib} MiB")

    def resident_mib(self):
        """Of its RAM, what is neither swapped out nor untouched."""
        with open(f"/proc/{self.pid()}/pagemap", "rb") as pagemap:
            pagemap.seek(self.ram_start() // PAGE * 8)
            entries = pagemap.read(self.memory_mib * MIB // PAGE * 8)
        return sum(top >> 7 for top in entries[7::8]) * PAGE // MIB

    def swap_out(self):
        """Its RAM, as the kernel does when memory is short, with nothing else suffering.
        Needs swap, and Linux 5.10."""
        pidfd = os.pidfd_open(self.pid())
        try:
            where = IoVec(self.ram_start(), self.memory_mib * MIB)
            done = LIBC.syscall(PROCESS_MADVISE, pidfd, ctypes.byref(where), ctypes.c_size_t(1),
                                MADV_PAGEOUT, 0)
            if done < 0:
                raise OSError(ctypes.get_errno(), "process_madvise")
        finally:
            os.close(pidfd)

    def wake(self):
        """A guest of sleeper_disk()."""
        virsh("send-key", self.uuid, "KEY_SPACE")

    def threads(self):
        """{tid: name}; threads that end meanwhile are left out."""
        found = {}
        for task in pathlib.Path(f"/proc/{self.pid()}/task").iterdir():
            try:
                found[int(task.name)] = (task / "comm").read_text().strip()
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    def vcpu_tids(self):
        return [tid for tid, name in self.threads().items() if name.startswith("CPU ")]

    def affinity(self):
        """{tid: set of CPUs} of every thread."""
        masks = {}
        for tid in self.threads():
            try:
                masks[tid] = os.sched_getaffinity(tid)
            except ProcessLookupError:
                pass
        return masks

    def all_on(self, cpus):
        return set(map(frozenset, self.affinity().values())) == {frozenset(cpus)}


def create_all(guests, at_once=4, paused=True):
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda guest: guest.create(paused), guests))


def destroy_all():
    running = virsh("list", "--all", "--uuid").split()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda uuid_: virsh("destroy", uuid_, check=False), running))
    for uuid_ in virsh("list", "--all", "--uuid").split():
        virsh("undefine", uuid_, check=False)


# --- libvirtd ---------------------------------------------------------------------

class Libvirtd:
    """The private libvirtd.  Guests live on when it ends."""
    pid_file = pathlib.Path("/run/libvirt/libvirtd.pid")

    @classmethod
    def pid(cls):
        try:
            pid = int(cls.pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if b"libvirtd" in b"".join(command_line(pid)[:1]) else None

    @classmethod
    def send(cls, number):
        os.kill(cls.pid(), number)

    @classmethod
    def kill(cls):
        pid = cls.pid()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not command_line(pid), what="libvirtd is gone")

    @classmethod
    def start(cls, program="libvirtd"):
        subprocess.run([program, "-d", "-p", cls.pid_file], check=True, timeout=60,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(lambda: virsh("uri", check=False), what="libvirtd answers")

    @classmethod
    def ensure(cls):
        """Whatever a test did to it, or it did to itself: it runs and answers."""
        if cls.pid() is not None:
            cls.send(signal.SIGCONT)

        def answers():
            if cls.pid() is None:
                cls.start()
            return virsh("uri", check=False)
        wait_until(answers, what="libvirtd answers")

    @classmethod
    def replace(cls):
        """Another one, of a copy of its program, at the same socket: it knows no guest of the
        first, and counts from 1 like it.  Their guests live on."""
        run, other = pathlib.Path("/run/libvirt"), pathlib.Path(f"/run/libvirt.{os.getpid()}")
        program = pathlib.Path(f"/run/another.{os.getpid()}/libvirtd")
        program.parent.mkdir()
        shutil.copy(shutil.which("libvirtd"), program)
        cls.send(signal.SIGTERM)
        wait_until(lambda: cls.pid() is None, what="libvirtd is gone")
        run.rename(other)
        run.mkdir()
        for file in other.glob("virtlogd*"):  # the other daemon goes on
            file.rename(run / file.name)
        cls.start(program)
        assert cls.pid() and command_line(cls.pid())[0] == bytes(program)
