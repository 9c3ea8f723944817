# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever a call of libvirt does instead of what it should: does the daemon live, go on with
what needs no libvirt, leave every thread where it was or where the plan has it, say so, and work
again when it is over?

A row is a call and a fault.  The calls are those that the binary imports: a new one fails here
until it is put into the group that says how it is provoked.  A few rows are run in `make live`;
all of them by `make faults-live`, where KT_ROWS=virDomainGetInfo,garbage names those to be
run, by call or by fault.
"""
import json
import os

from ctl import ctl
from daemon import MEMORY_SHORT, FakeMeminfo, ceded, merged, undo_text
from faults import WORDS, Faults, rows
from knobs import Ksm, affinities, require_unchanged
from kvmlive import Libvirtd, add_swap, sleeper_disk, virsh, wait_until
from test_memory import (CALM, MEMORY_MIB, ONLY_MEMORY, PRESSED, USED_MIB, wait_limited,
                         wait_unlimited)
from test_placement import ONLY_PLACEMENT, pins, two_nodes, wait_home

POLICY_URI = "urn:kvmtuned:1"
# Slow enough that pages_to_scan is seen growing all the time: the loop that needs no libvirt.
CONF = merged(ONLY_PLACEMENT, MEMORY_SHORT, {
    "daemon": {"log_level": "debug"}, "placement": {"backend": "libvirt"},
    "ksm": {"mode": "active", "boost_pages": 5, "max_pages": 1000000}})

# Made when a guest is read, pinned or given back.
GUEST = """virDomainFree virDomainGetEmulatorPinInfo virDomainGetID virDomainGetIOThreadInfo
    virDomainGetInfo virDomainGetJobStats virDomainGetMemoryParameters virDomainGetName
    virDomainGetState virDomainGetUUID virDomainGetVcpuPinInfo virDomainGetXMLDesc
    virDomainIOThreadInfoFree virDomainIsPersistent virDomainLookupByUUID virDomainPinEmulator
    virDomainPinIOThread virDomainPinVcpuFlags virDomainSetMetadata virTypedParamsClear
    virTypedParamsFree virTypedParamsGetInt virTypedParamsGetULLong""".split()
# ... when another call has failed: which one, and with which error.
FAILURE = {"virConnectIsAlive": "virDomainGetInfo fail", "virGetLastErrorCode": "virDomainGetInfo fail",
           "virGetLastErrorMessage": "virDomainGetInfo fail",
           "virDomainIsActive": "virDomainGetInfo fail 55"}  # VIR_ERR_OPERATION_INVALID
# ... when the link is made.
LINK = """virConnectDomainEventRegisterAny virConnectGetLibVersion virConnectListAllDomains
    virConnectOpenAuth virConnectRegisterCloseCallback virConnectSetKeepAlive
    virNodeGetCPUMap""".split()
# ... when it is given up.
END = """virConnectClose virConnectDomainEventDeregisterAny
    virConnectUnregisterCloseCallback""".split()
# ... at the start; they leave the process never, answer nothing, and so have no rows.
LOCAL = "virEventRegisterImpl virSetErrorFunc".split()
# ... under memory pressure: the figures of balloons, and limits.
STATISTICS = "virConnectGetAllDomainStats virDomainStatsRecordListFree".split()
LIMITS = ["virDomainSetMemoryParameters"]

# What fails without a word: nobody can do anything about it, or there is an answer without it.
SILENT = {"virConnectGetLibVersion", "virConnectIsAlive", "virConnectRegisterCloseCallback",
          "virConnectSetKeepAlive", "virDomainFree", "virDomainGetID", "virDomainGetJobStats",
          "virDomainGetName", "virDomainGetUUID", "virDomainIsActive", "virGetLastErrorCode",
          "virGetLastErrorMessage", "virNodeGetCPUMap", "virTypedParamsGetInt",
          "virTypedParamsGetULLong"}

SLOW_MS = 300


def rows_of(group, few):
    """All of them, those that were named, or a few."""
    named = os.environ.get("KT_ROWS", "").split(",")
    wanted = [row for row in rows() if row[0] in group]
    if any(named):
        return [row for row in wanted if set(row) & set(named)]
    return wanted if os.environ.get("KT_ALL_ROWS") else [row for row in wanted if row in few]


def line_of(call, kind):
    return f"{call} {kind} {SLOW_MS if kind == 'slow' else ''}"


def test_each_call_of_libvirt_has_rows(live):
    known = {*GUEST, *FAILURE, *LINK, *END, *LOCAL, *STATISTICS, *LIMITS}
    made = {call for call, _ in rows()}
    assert made == known, f"without rows: {made - known}; no longer made: {known - made}"


class Guests:
    """One that is pinned and given back under faults, and one that nobody touches."""

    def __init__(self, live):
        self.home, self.other = two_nodes(live)
        Ksm.need()
        Ksm.write("run", 0)
        self.toggled = live.guest("toggled", elements="<iothreads>1</iothreads>", persistent=True)
        self.bystander = live.guest("bystander")
        self.both = [self.toggled, self.bystander]
        self.before = affinities(self.both), [pins(guest) for guest in self.both], Ksm.values()
        self.pinned = True

    def wish(self, pinned):
        """By its metadata, which makes libvirt tell of it and the daemon read it."""
        what = ["--remove"] if pinned else ["--set", "<policy placement='off'/>"]
        virsh("metadata", self.toggled.uuid, "--live", "--uri", POLICY_URI, "--key", "kvmtuned", *what,
              check=False)  # there may be nothing to remove
        self.pinned = pinned

    def touch(self):
        """As if somebody had let them run for a moment: even who lost them finds them again."""
        for guest in self.both:
            virsh("resume", guest.uuid)
            virsh("suspend", guest.uuid)

    def wanted(self):
        return self.home if self.pinned else self.home | self.other

    def require_sane(self):
        """Each thread is where it was, or where the plan has it."""
        allowed = (self.home, self.home | self.other)
        for guest in self.both:
            for tid, cpus in guest.affinity().items():
                assert cpus in allowed, f"thread {tid} of {guest.name} on {cpus}"

    def wait_home(self):
        for guest in self.both:
            wait_home(guest, self.home)

    def require_given_back(self):
        require_unchanged(self.before[0], affinities(self.both))
        assert [pins(guest) for guest in self.both] == self.before[1]
        assert Ksm.values() == self.before[2]
        assert "pin " not in undo_text(), undo_text()


# Two answers that agree: no guest runs.  That is believed, and KSM rests.
NOBODY_RUNS = {("virDomainIsActive", "fail"), ("virDomainIsActive", "garbage")}


def goes_on(daemon, row):
    """What needs no libvirt: KSM, ticks, answers."""
    assert daemon.running(), f"ended with {daemon.process.returncode}"
    if row not in NOBODY_RUNS:
        pages = Ksm.number("pages_to_scan")
        wait_until(lambda: Ksm.number("pages_to_scan") > pages, 15, "KSM is boosted")
    json.loads(ctl("status", "--json", expected=None).text)


def row_about_guests(guests, daemon, faults, call, kind):
    mark = daemon.mark()
    faults.set(*filter(None, [line_of(call, kind), FAILURE.get(call)]))
    guests.wish(not guests.pinned)
    faults.wait_hit(call)
    goes_on(daemon, (call, kind))
    guests.require_sane()
    if kind in ("fail", "lie") and call not in SILENT:
        daemon.wait_for(WORDS, since=mark)
    faults.clear()
    guests.touch()
    daemon.reload(CONF)  # else libvirt would be asked again in 10 s
    wait_until(lambda: guests.toggled.all_on(guests.wanted()), 90, f"the guest is on {guests.wanted()}")
    wait_home(guests.bystander, guests.home)  # who is read first is not for us to say
    assert not daemon.found(ceded(guests.bystander.name), mark)


def run_rows(daemon, rows_, run):
    """All of them, as long as the daemon lives, so that one report has every row that fails."""
    failed = []
    for call, kind in rows_:
        try:
            run(call, kind)
        except AssertionError as error:
            said = daemon.lines[-6:] if daemon else []
            failed.append(f"{call} {kind}: {error} {said}")
        if daemon and not daemon.running():
            break
    assert not failed, f"{len(failed)} of {len(rows_)} rows: " + "; ".join(failed)


FEW_GUEST = {("virDomainPinVcpuFlags", "lie"), ("virDomainGetVcpuPinInfo", "fail"),
             ("virDomainGetMemoryParameters", "count"), ("virDomainGetXMLDesc", "garbage"),
             ("virDomainSetMetadata", "hang")}


def test_calls_about_a_guest(live):
    guests, faults = Guests(live), Faults(live)
    daemon = live.daemon(CONF)
    guests.wait_home()
    run_rows(daemon, rows_of({*GUEST, *FAILURE}, FEW_GUEST),
             lambda call, kind: row_about_guests(guests, daemon, faults, call, kind))
    daemon.stop()
    guests.require_given_back()


test_calls_about_a_guest.seconds = 1500


def link_goes_wrong(daemon, guests, faults, call, kind):
    faults.wait_hit(call)
    goes_on(daemon, (call, kind))
    guests.require_sane()
    if kind == "fail" and call not in SILENT:
        daemon.wait_for(WORDS)
    faults.clear()
    guests.touch()
    if kind in ("count", "garbage"):  # what is said of the host is believed as long as the link stands
        Libvirtd.kill()
        Libvirtd.start()
    guests.wait_home()
    daemon.stop()
    guests.require_given_back()


def row_about_the_link(live, guests, faults, call, kind):
    faults.set(line_of(call, kind))
    daemon = live.daemon(CONF)
    try:
        link_goes_wrong(daemon, guests, faults, call, kind)
    finally:
        daemon.kill()  # of a row that failed: the next one has a daemon of its own


FEW_LINK = {("virConnectOpenAuth", "hang")}


def test_calls_that_make_the_link(live):
    guests, faults = Guests(live), Faults(live)
    run_rows(None, rows_of(LINK, FEW_LINK),
             lambda call, kind: row_about_the_link(live, guests, faults, call, kind))


test_calls_that_make_the_link.seconds = 900


def row_about_the_end(live, guests, faults, call, kind):
    daemon = live.daemon(CONF)
    guests.wait_home()
    faults.set(line_of(call, kind))
    daemon.stop(timeout=45)
    assert faults.count(call), f"{call} was not called"
    guests.require_given_back()


FEW_END = {("virConnectClose", "hang")}


def test_calls_that_end_the_link(live):
    guests, faults = Guests(live), Faults(live)
    run_rows(None, rows_of(END, FEW_END),
             lambda call, kind: row_about_the_end(live, guests, faults, call, kind))


test_calls_that_end_the_link.seconds = 600


class Squeeze:
    """A guest that is limited and let go under faults."""

    def __init__(self, live):
        add_swap(256)
        self.meminfo, self.faults = FakeMeminfo(live), Faults(live)
        self.guest = live.new_guest("idle", memory_mib=MEMORY_MIB,
                                    disk=live.file("disk", sleeper_disk(USED_MIB)))
        self.guest.create(paused=False)
        wait_until(lambda: self.guest.resident_mib() >= USED_MIB - 1, 60, "it has touched its memory")
        self.daemon = live.daemon(ONLY_MEMORY, within=self.meminfo.within)
        self.press(True)

    def press(self, pressed):
        self.pressed = pressed
        self.meminfo.set(**(PRESSED if pressed else CALM))

    def wait_done(self):
        if self.pressed:
            wait_limited([self.guest], 150)
        else:
            wait_unlimited([self.guest], 60)

    def row(self, call, kind):
        mark = self.daemon.mark()
        self.faults.set(line_of(call, kind))
        self.press(call in STATISTICS or not self.pressed)
        self.faults.wait_hit(call, 150)
        self.daemon.wait_ticks(2)
        if kind in ("fail", "lie"):
            self.daemon.wait_for(WORDS, since=mark)
        self.faults.clear()
        self.daemon.reload(ONLY_MEMORY)
        self.wait_done()


def calls_under_memory_pressure(live):
    squeeze = Squeeze(live)
    squeeze.wait_done()
    run_rows(squeeze.daemon, rows_of({*STATISTICS, *LIMITS}, ()), squeeze.row)
    squeeze.daemon.stop()
    wait_unlimited([squeeze.guest])
    assert "limit " not in undo_text(), undo_text()


calls_under_memory_pressure.seconds = 1500
if os.environ.get("KT_ALL_ROWS"):  # a guest is watched for a minute before anything is taken of it
    test_calls_under_memory_pressure = calls_under_memory_pressure
