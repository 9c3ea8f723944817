# SPDX-License-Identifier: GPL-2.0-or-later
"""The measuring half of bench/tick; runs inside privvirt."""
import pathlib
import sys
import time

from meter import BENCH, cpu_ns, do_ticks, floor_ns, kvmlive, reads_of, rss_kib, run, threads, trace

GUESTS, TICKS, ROUNDS, WARM_UP, IDLE_S = 30, 70, 3, 15, 60
COUNT = pathlib.Path("/run/kt-count-alloc")


def wakeups(pid):
    total = 0
    for thread in threads(pid):
        for line in (thread / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def process_calls(pid, d):
    """Forks, execs and new threads during ten ticks."""
    output = BENCH / "strace.out"
    tracer = trace(pid, output, "-f", "-e", "trace=fork,vfork,clone,clone3,execve")
    do_ticks(d, 10)
    tracer.terminate()
    tracer.wait()
    return len([line for line in output.read_text().splitlines() if "(" in line])


def allocations():
    """Of the main thread, and of the libvirt thread."""
    counts = COUNT.read_bytes()
    return [int.from_bytes(counts[at:at + 8], sys.byteorder) for at in (0, 8)]


def measure_busy(rows):
    guests = [kvmlive.Guest(f"bench-{n}", vcpus=2, memory_mib=32) for n in range(GUESTS)]
    kvmlive.create_all(guests, paused=False)
    COUNT.write_bytes(bytes(16))
    d = run({"LD_PRELOAD": str(BENCH / "count_alloc.so"), "KT_COUNT_ALLOC": str(COUNT)},
            watchdog_s=3600)
    pid = d.process.pid
    d.wait_for("kt-bench-.*placement", count=GUESTS)
    do_ticks(d, WARM_UP)

    reads = reads_of(pid, d)
    began = allocations()
    rounds = []
    for _ in range(ROUNDS):  # by turns: whatever else the machine does meets both
        cpu, made = cpu_ns(pid), do_ticks(d, TICKS)
        per_tick = (cpu_ns(pid) - cpu) / made
        count, floor = floor_ns(*reads, TICKS)
        rounds.append((per_tick / floor, per_tick, floor))
    heap = [now - then for now, then in zip(allocations(), began)]
    ratio, per_tick, floor = sorted(rounds)[ROUNDS // 2]
    made = ROUNDS * TICKS

    rows.append(("files and masks read per tick", f"{count}", ""))
    rows.append(("CPU of a tick", f"{per_tick / 1000:.0f} us", ""))
    rows.append(("CPU of only reading the same", f"{floor / 1000:.0f} us", ""))
    rows.append(("tick / floor, median of three", f"{ratio:.2f}", "at most 2"))
    rows.append((f"heap allocations in {made} ticks", f"{heap[0]}", "0"))
    rows.append(("  and by libvirt, to answer libvirtd's pings", f"{heap[1]}", ""))
    rows.append(("forks, execs, new threads in 10 ticks", f"{process_calls(pid, d)}", "0"))
    rows.append(("RSS", f"{rss_kib(pid) / 1024:.1f} MiB", "under 16 MiB"))
    d.stop()
    kvmlive.destroy_all()


def quiet_libvirtd():
    """libvirtd pings each client every 5 s unless it is told not to; no client can."""
    pathlib.Path("/etc/libvirt/libvirtd.conf").write_text("keepalive_interval = -1\n")
    kvmlive.Libvirtd.kill()
    kvmlive.Libvirtd.start()


def measure_idle(rows, what, goal):
    d = run({})
    d.notify.wait_for("^STATUS=.*libvirt connected")
    pid = d.process.pid
    time.sleep(5)  # not a wait for a condition: what is left of the start is to be outside
    before = wakeups(pid)
    time.sleep(IDLE_S)
    rows.append((f"wake-ups in {IDLE_S} s without a guest{what}", f"{wakeups(pid) - before}", goal))
    d.stop()


def main():
    rows = []
    measure_busy(rows)
    measure_idle(rows, ", libvirtd's pings and all", "")
    quiet_libvirtd()
    measure_idle(rows, ", keepalive_interval = -1", "0")
    width = max(len(row[0]) for row in rows)
    print(f"{GUESTS} running guests of 2 vCPUs; ticks brought about by SIGUSR1")
    for what, value, goal in rows:
        print(f"  {what:<{width}}  {value:>10}  {goal}")


main()
