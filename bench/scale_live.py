# SPDX-License-Identifier: GPL-2.0-or-later
"""The measuring half of bench/scale_live; runs inside privvirt."""
import resource
import statistics
import sys
import time

from meter import Place, cpu_ns, daemon, do_ticks, floor_ns, kvmlive, reads_of, rss_kib, run, system_calls

# First on the path is tests/live, by meter.
import crowd  # noqa: E402
import tuners  # noqa: E402
from test_placement import two_nodes  # noqa: E402

DOMAINS, QEMUS = (10, 100, 1000), (10, 50, 150)
QEMU_MIB, ROOM_MIB = 45, 2048  # a QEMU of 16 MiB takes as much; what is to stay free
TICKS, TRACED_TICKS, ROUNDS, WARM_UP, STARTS = 15, 5, 3, 5, 5
PLACED_S = 60  # longer is not waited for any guest
CONF = {"ksm": {"mode": "off"}, "memory": {"mode": "off"},
        "placement": {"node_reserve_mib": 0, "cooldown_s": 0}}
MOST_RATIO, MOST_RSS_MIB = 1.5, 32  # those of bench/scale, for its thousand guests
HEAD = ("guests", "tick us", "floor us", "ratio", "reads", "calls", "RSS MiB", "pinned", "event ms", "event CPU ms")
TUNERS = ("ksmtuned us", "numad us")


class Qemus:
    """Real guests, paused, made as many as are wanted; the same questions as to a Crowd."""
    conf = {}

    def __init__(self):
        self.guests, self.made = [], 0

    def grow(self, count):
        new = [self._new() for _ in range(count - len(self.guests))]
        kvmlive.create_all(new)
        self.guests += new

    def _new(self):
        self.made += 1
        return kvmlive.Guest(f"scale{self.made}", memory_mib=16)

    def start(self):
        guest = self._new().create()
        self.guests.append(guest)
        return guest

    def destroy(self, guest):
        guest.destroy()
        self.guests.remove(guest)

    def close(self):
        kvmlive.destroy_all()


class Domains(crowd.Crowd):
    conf = crowd.CONF

    def __init__(self):
        super().__init__(0)
        self.made = 0

    def grow(self, count):
        while len(self.guests) < count:
            self.start()
        kvmlive.wait_until(lambda: self.running() == count, 60, f"{count} domains")

    def start(self):
        self.made += 1
        return super().start(self.made)


def placed_after_event(d, people, cpus):
    """Milliseconds from the daemon's hearing of a new guest until each of its threads is
    where it belongs, and the CPU of the main thread for that."""
    began, cpu = d.mark(), cpu_ns(d.process.pid)
    guest = people.start()
    until = time.monotonic() + PLACED_S
    while not guest.all_on(cpus) and time.monotonic() < until:
        time.sleep(0.0002)
    placed = time.monotonic()
    d.wait_for(daemon.appeared(guest), since=began)
    spent = cpu_ns(d.process.pid) - cpu
    heard = d.time_of(daemon.appeared(guest), since=began)
    return (placed - heard) * 1000, spent / 1e6, guest


def measure_events(d, people, cpus):
    took, spent = [], []
    for _ in range(STARTS):
        ms, cpu_ms, guest = placed_after_event(d, people, cpus)
        took.append(ms)
        spent.append(cpu_ms)
        people.destroy(guest)
        d.wait_for(daemon.left(guest))
    return statistics.median(took), statistics.median(spent)


def pinned(d):
    """By the status line, once it knows them all; paused guests that were there first may
    stay where they are until they are measured."""
    return int(d.notify.found("^STATUS=")[-1].split(" pinned")[0].split()[-1])


def measure_ticks(d, pid):
    reads, rounds = reads_of(pid, d), []
    for _ in range(ROUNDS):  # by turns: whatever else the machine does meets both
        cpu, made = cpu_ns(pid), do_ticks(d, TICKS)
        per_tick = (cpu_ns(pid) - cpu) / made
        count, floor = floor_ns(*reads, TICKS)
        rounds.append((per_tick / floor, per_tick / 1000, floor / 1000, count))
    return sorted(rounds)[ROUNDS // 2]


def measure(people, count, cpus):
    people.grow(count)
    d = run(Place.environment, daemon.merged(CONF, people.conf), watchdog_s=3600)
    pid = d.process.pid
    d.status(f" {count} guests", PLACED_S)
    do_ticks(d, WARM_UP)
    until = time.monotonic() + PLACED_S
    while pinned(d) < count and time.monotonic() < until:
        do_ticks(d, 1)
    ratio, tick_us, floor_us, reads = measure_ticks(d, pid)
    calls, at_rest = system_calls(pid, d, TRACED_TICKS), pinned(d)
    event_ms, event_cpu_ms = measure_events(d, people, cpus)
    row = (count, f"{tick_us:.0f}", f"{floor_us:.0f}", f"{ratio:.2f}", reads, f"{calls:.0f}",
           f"{rss_kib(pid) / 1024:.1f}", at_rest, f"{event_ms:.1f}", f"{event_cpu_ms:.2f}")
    d.stop()
    return row


def show(*words):
    print("".join(f"{word!s:>13}" for word in words), flush=True)


def table(what, people, counts, cpus, *others):
    print(what)
    show(*HEAD, *(TUNERS if others else ()))
    row = ()
    for count in counts:
        row = measure(people, count, cpus)
        show(*row, *(cost() for cost in others))
    people.close()
    return dict(zip(HEAD, row))


def reached(what, measured, most):
    verdict = "reached" if float(measured) <= most else "missed"
    print(f"{what:<38} {measured:>6}, goal {most:5.1f}: {verdict}")
    return verdict == "reached"


def judge(row):
    goals = [reached("tick by the floor", row["ratio"], MOST_RATIO),
             reached("MiB resident", row["RSS MiB"], MOST_RSS_MIB)]
    print()
    return all(goals)


def qemu_counts():
    """As many as there is room for."""
    available = next(line for line in open("/proc/meminfo") if line.startswith("MemAvailable"))
    room = (int(available.split()[1]) // 1024 - ROOM_MIB) // QEMU_MIB
    return [count for count in QEMUS if count + 1 <= room]


def main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))  # bench/reread holds a file open for each read
    home, _ = two_nodes(Place)
    thousand = table("domains of libvirt's test driver, with threads that stand in for theirs", Domains(), DOMAINS,
                     home)
    good = judge(thousand)
    table("real QEMUs, paused", Qemus(), qemu_counts(), home, tuners.ksmtuned_us, tuners.numad_us)
    print("tick, floor: CPU of the main thread, median of three; event: from a guest's started event until its\n"
          "threads are pinned, of which the daemon waits 100 ms for more events\n"
          "ksmtuned, numad: CPU of one of its ticks, of one of its scans, beside the same guests; Debian's, made to\n"
          "see them, and two nodes where there is one.  -: its package could not be downloaded")
    return 0 if good else 1


sys.exit(main())
