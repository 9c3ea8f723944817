# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a run of bench/ksm leave nothing behind, however it ends?

privvirt's PID namespace would end every process by itself, but it also hides ksmd,
whose CPU time is half of what is measured.  So here is only privvirt's mount namespace,
and this process adopts every daemon that the run leaves an orphan: whatever still
descends from it at the end is killed.  Then cgroups and KSM are put back.
"""
import ctypes
import fcntl
import os
import pathlib
import signal
import subprocess
import sys
import time

LIVE = pathlib.Path(__file__).resolve().parent.parent / "tests" / "live"
sys.path.insert(0, str(LIVE))

from knobs import KSM_DIR, Ksm  # noqa: E402

CGROUPS = pathlib.Path("/sys/fs/cgroup")
PREFIX = "kt-"
PR_SET_CHILD_SUBREAPER = 36


def say(text):
    print(f"bench-ksm: {text}", file=sys.stderr)


def lock_ksm():
    """The lock of privvirt: KSM is one per machine."""
    fd = os.open("/sys/kernel/mm", os.O_RDONLY | os.O_CLOEXEC)
    parent = os.getppid()
    waited = False
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            if not waited:
                say("waiting for another user of KSM to end")
            waited = True
        if os.getppid() != parent:
            sys.exit(125)  # nobody waits for us any more
        time.sleep(1)


def adopt_orphans():
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        sys.exit(f"bench-ksm: prctl: {os.strerror(ctypes.get_errno())}")


def children(pid):
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        return [int(child) for task in tasks
                for child in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(pid):
    found = children(pid)
    for child in list(found):
        found += descendants(child)
    return found


def end_descendants():
    while True:
        for pid in descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            os.wait()
        except ChildProcessError:
            return


def machine_groups():
    return set(CGROUPS.glob("machine")) | set(CGROUPS.glob("*/machine"))


def guest_groups():
    """Deepest first: only empty ones can be removed."""
    found = [group for machine in machine_groups() for group in machine.rglob("*")
             if f"-{PREFIX}" in str(group) and group.is_dir()]
    return sorted(found, reverse=True)


def remove(groups):
    for group in groups:
        try:
            group.rmdir()
        except OSError:
            pass


def remove_cgroups(before):
    """A killed guest's cgroup may count it for a moment longer."""
    deadline = time.monotonic() + 5
    while guest_groups() and time.monotonic() < deadline:
        remove(guest_groups())
        time.sleep(0.1)
    for group in guest_groups():
        say(f"this cgroup stays: {group}")
    remove(machine_groups() - before)


def start_measuring(state):
    """In a session of its own: Ctrl-C reaches only the keeper, which passes it on."""
    for folder in ("log", "cache"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    here = pathlib.Path(__file__).resolve().parent
    environment = dict(os.environ, KT_PREFIX=PREFIX, KT_PRIVVIRT_STATE=str(state))
    return subprocess.Popen(["unshare", "--mount", "--propagation", "private",
                             LIVE / "privvirt", "--inside", "python3", "-B", here / "ksm.py"],
                            env=environment, start_new_session=True)


def wait_for(child):
    """Adopted orphans end meanwhile, and must not stay zombies."""
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return child.returncode


def keep(state):
    child = None

    def pass_on(_number, _frame):
        if child is not None:
            child.send_signal(signal.SIGTERM)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    child = start_measuring(state)
    return wait_for(child)


def main():
    if os.geteuid() != 0:
        sys.exit("bench-ksm: needs root")
    if not KSM_DIR.exists():
        sys.exit("bench-ksm: this kernel has no KSM")
    lock = lock_ksm()
    adopt_orphans()
    values, machines = Ksm.values(), machine_groups()
    try:
        status = keep(pathlib.Path(os.environ["KT_BUILD"]).resolve() / "privvirt")
    finally:
        end_descendants()
        remove_cgroups(machines)
        Ksm.restore(values)
        os.close(lock)
    sys.exit(status if status >= 0 else 128 - status)


main()
