# SPDX-License-Identifier: GPL-2.0-or-later
"""What do the tools that kvmtuned replaces cost at each of their steps, as Debian ships them?

Both run beside the guests that there are, in privvirt, where no other processes are seen."""
import os
import pathlib
import signal
import subprocess

from meter import BENCH, cpu_ns, kvmlive

TICKS, SCANS, WAIT_S = 20, 5, 60
KSMTUNED, NUMAD = BENCH / "ksmtuned/usr/sbin/ksmtuned", BENCH / "numad/usr/bin/numad"
NODES = BENCH / "nodes"
NONE = "-"
# Of QEMU's command line: ksmtuned's, and one that sees libvirt's guests.
SEEN = "'^qemu-system.*-enable-kvm'", "'^/usr/bin/qemu-system.*-accel'"


def ended(pid):
    return not pathlib.Path(f"/proc/{pid}").exists()


def fields(pid):
    """Of /proc/PID/stat, those behind the name, which are the third and up."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def children(parent, name):
    count = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            count += (fields(pid)[1] == str(parent) and
                      pathlib.Path(f"/proc/{pid}/comm").read_text() == name + "\n")
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended meanwhile
    return count


# ---- ksmtuned --------------------------------------------------------------------------------

def family_us(pid):
    """CPU of the process and of its children that have ended."""
    return sum(int(word) for word in fields(pid)[11:15]) * 1_000_000 / os.sysconf("SC_CLK_TCK")


def start_ksmtuned(pid_file):
    """Sees these guests, and holds memory for plentiful: it only ever stops KSM.  The script and
    the process group of its loop."""
    copy = BENCH / "ksmtuned-helped"
    text = KSMTUNED.read_text()
    assert SEEN[0] in text, "another ksmtuned than Debian's 4.20150326"
    copy.write_text(text.replace(*SEEN))
    environment = dict(os.environ, PIDFILE=str(pid_file), KSM_MONITOR_INTERVAL="3600",
                       KSM_THRES_COEF="0", KSM_THRES_CONST="1")
    script = subprocess.Popen(["bash", copy], env=environment, start_new_session=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    script.wait()
    return script.pid


def ksmtuned_us():
    """CPU of a tick, with all that it calls."""
    if not KSMTUNED.exists():
        return NONE
    pid_file = pathlib.Path("/run/ksmtuned-bench.pid")
    group = start_ksmtuned(pid_file)
    loop = int(pid_file.read_text())
    try:
        kvmlive.wait_until(lambda: children(loop, "sleep") == 1, WAIT_S, "ksmtuned at rest")
        before = 0
        for tick in range(TICKS + 1):
            if tick == 1:  # the first one warms up
                before = family_us(loop)
            os.kill(loop, signal.SIGUSR1)  # it leaves its sleep behind, and ends a tick with a new one
            kvmlive.wait_until(lambda wanted=tick + 2: children(loop, "sleep") == wanted, WAIT_S,
                               "a tick of ksmtuned")
        return f"{(family_us(loop) - before) / TICKS:.0f}"
    finally:
        os.killpg(group, signal.SIGKILL)
        kvmlive.wait_until(lambda: ended(loop), WAIT_S, "ksmtuned is gone")


# ---- numad -----------------------------------------------------------------------------------

def make_nodes():
    """Two where there is one: of a host of one node numad looks at no process."""
    meminfo = pathlib.Path("/sys/devices/system/node/node0/meminfo").read_text()
    cpus = sorted(os.sched_getaffinity(0))
    for node, some in enumerate((cpus[:1], cpus[1:] or cpus[:1])):
        folder = NODES / f"node{node}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cpulist").write_text(",".join(map(str, some)) + "\n")
        (folder / "meminfo").write_text(meminfo.replace("Node 0", f"Node {node}"))
        (folder / "distance").write_text("10 20\n" if node == 0 else "20 10\n")


# In its own mounts, and with its own message queue.  -H 0: it leaves khugepaged alone.
ALONE = """mount --bind "$1" /sys/devices/system/node && mount -t tmpfs tmpfs /var/log &&
exec "$2" -H 0 -i 1:1"""


def rests(pid):
    """How often it went to sleep."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    return 0


def numad_us():
    """CPU of a scan, which is every 5 to 15 s by default.  No guest here is large enough for it
    to look closer: the least that it can cost."""
    if not NUMAD.exists():
        return NONE
    make_nodes()
    pid_file = pathlib.Path("/run/numad.pid")
    subprocess.run(["unshare", "--mount", "--ipc", "bash", "-c", ALONE, "bash", NODES, NUMAD], check=True)
    kvmlive.wait_until(lambda: pid_file.exists() and pid_file.read_text().strip(), WAIT_S, "numad")
    pid = int(pid_file.read_text())
    try:
        first = rests(pid) + 2  # the first scans make room for what they find
        kvmlive.wait_until(lambda: rests(pid) >= first, WAIT_S, "the first scans of numad")
        began, cpu = rests(pid), cpu_ns(pid)
        kvmlive.wait_until(lambda: rests(pid) >= began + SCANS, WAIT_S, "scans of numad")
        return f"{(cpu_ns(pid) - cpu) / (rests(pid) - began) / 1000:.0f}"
    finally:
        os.kill(pid, signal.SIGKILL)
        kvmlive.wait_until(lambda: ended(pid), WAIT_S, "numad is gone")
        pid_file.unlink()
