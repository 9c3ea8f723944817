# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever a call of libvirt does instead of what it should: does the daemon live, go on with
what needs no libvirt, leave every thread where it was or where the plan has it, say so, and work
again when it is over?

A row is a call and a fault.  The calls are those that the binary imports: a new one fails here
until it is put into the group that says how it is provoked.  A few rows are run in `make live`;
all of them by `make faults-live`.  KT_ROWS=virDomainGetInfo,.. names those to be run.
"""
import json
import os

from ctl import ctl
from daemon import MEMORY_SHORT, ceded, merged, undo_text
from faults import WORDS, Faults, rows
from knobs import Ksm, affinities, require_unchanged
from kvmlive import virsh, wait_until
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
# ... at the start, and leave the process never.
LOCAL = "virEventRegisterImpl virSetErrorFunc".split()
# ... under memory pressure.
PRESSED = """virConnectGetAllDomainStats virDomainSetMemoryParameters
    virDomainStatsRecordListFree""".split()

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
        return [row for row in wanted if row[0] in named]
    return wanted if os.environ.get("KT_ALL_ROWS") else [row for row in wanted if row in few]


def line_of(call, kind):
    return f"{call} {kind} {SLOW_MS if kind == 'slow' else ''}"


def test_each_call_of_libvirt_has_rows(live):
    known = {*GUEST, *FAILURE, *LINK, *END, *LOCAL, *PRESSED}
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
        """As if somebody had let it run for a moment: even who lost it finds it again."""
        virsh("resume", self.toggled.uuid)
        virsh("suspend", self.toggled.uuid)

    def wanted(self):
        return self.home if self.pinned else self.home | self.other

    def require_sane(self):
        """Each thread is where it was, or where the plan has it."""
        allowed = (self.home, self.home | self.other)
        for tid, cpus in self.toggled.affinity().items():
            assert cpus in allowed, f"thread {tid} on {cpus}"
        assert self.bystander.all_on(self.home), self.bystander.affinity()

    def require_given_back(self):
        require_unchanged(self.before[0], affinities(self.both))
        assert [pins(guest) for guest in self.both] == self.before[1]
        assert Ksm.values() == self.before[2]
        assert "pin " not in undo_text(), undo_text()


def goes_on(daemon):
    """What needs no libvirt: KSM, ticks, answers."""
    assert daemon.running(), f"ended with {daemon.process.returncode}"
    pages = Ksm.number("pages_to_scan")
    wait_until(lambda: Ksm.number("pages_to_scan") > pages, 15, "KSM is boosted")
    json.loads(ctl("status", "--json", expected=None).text)


def row_about_guests(guests, daemon, faults, call, kind):
    mark = daemon.mark()
    faults.set(*filter(None, [line_of(call, kind), FAILURE.get(call)]))
    guests.wish(not guests.pinned)
    faults.wait_hit(call)
    goes_on(daemon)
    guests.require_sane()
    if kind in ("fail", "lie") and call not in SILENT:
        daemon.wait_for(WORDS, since=mark)
    faults.clear()
    guests.touch()
    daemon.reload(CONF)  # else libvirt would be asked again in 10 s
    wait_until(lambda: guests.toggled.all_on(guests.wanted()), 90, f"the guest is on {guests.wanted()}")
    guests.require_sane()
    assert not daemon.found(ceded(guests.bystander.name), mark)


def run_rows(daemon, rows_, run):
    """All of them, as long as the daemon lives, so that one report has every row that fails."""
    failed = []
    for call, kind in rows_:
        try:
            run(call, kind)
        except AssertionError as error:
            failed.append(f"{call} {kind}: {error}")
        if not daemon.running():
            break
    assert not failed, f"{len(failed)} of {len(rows_)} rows: " + "; ".join(failed)


FEW_GUEST = {("virDomainPinVcpuFlags", "lie"), ("virDomainGetVcpuPinInfo", "fail"),
             ("virDomainGetMemoryParameters", "count"), ("virDomainGetXMLDesc", "garbage"),
             ("virDomainSetMetadata", "hang")}


def test_calls_about_a_guest(live):
    guests, faults = Guests(live), Faults(live)
    daemon = live.daemon(CONF)
    for guest in guests.both:
        wait_home(guest, guests.home)
    run_rows(daemon, rows_of({*GUEST, *FAILURE}, FEW_GUEST),
             lambda call, kind: row_about_guests(guests, daemon, faults, call, kind))
    daemon.stop()
    guests.require_given_back()


test_calls_about_a_guest.seconds = 1500
