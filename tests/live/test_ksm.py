# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the automatic KSM policy merge what can be merged, go quiet, and undo itself?"""
import os
import pathlib
import re

from daemon import ONLY_KSM, ceded, guest_verdict, ksm_verdict, kvmtuned, merged, undo_text
from knobs import KSM_DIR, Ksm, merging_pages, twins
from kvmlive import MIB, Skip, distinct_pages, virsh, wait_until

ALWAYS = merged(ONLY_KSM, {"ksm": {"policy": "auto", "merge": "always", "settle_s": 1}})
SLOW = {"ksm": {"max_cpu_percent": 4}}  # a pass takes a second
PAGES = 4096
AT = 16 * MIB


def need(*names):
    Ksm.need()
    for name in names:
        if not (KSM_DIR / name).exists():
            raise Skip(f"this kernel's KSM has no {name}")


def wait_merged(guests, timeout=60):
    wait_until(lambda: all(merging_pages(guest) >= PAGES * 95 // 100 for guest in guests), timeout,
               f"{PAGES} pages of each guest are merged")


def status_of(guest):
    return pathlib.Path(f"/proc/{guest.pid()}/status").read_text()


def write_memory(guest, content):
    """Into the RAM of a paused guest."""
    with open(f"/proc/{guest.pid()}/mem", "wb", buffering=0) as memory:
        assert os.pwrite(memory.fileno(), content, guest.ram_start() + AT) == len(content)


def test_new_guests_are_merged_and_ksmd_goes_quiet(live):
    Ksm.need()
    Ksm.write("run", 0)
    before = Ksm.values()
    guests = twins(live, 3, PAGES)
    daemon = live.daemon(ALWAYS)
    wait_merged(guests)
    daemon.wait_for(ksm_verdict("converged"), 60)
    for guest in guests:
        daemon.wait_for(guest_verdict(guest, "ksm", "merged"), 60)
    wait_until(lambda: Ksm.number("sleep_millisecs") >= 500, what="a trickle pauses for long")
    live.guest("newcomer")
    since = daemon.mark()
    daemon.wait_for(ksm_verdict("settling"), since=since)
    # The sweep that the first burst asked for may be due just then: it looks at all of them.
    daemon.wait_for(ksm_verdict("(?:burst|sweep)"), since=since)
    daemon.wait_for(ksm_verdict("converged"), 60, since=since)
    daemon.stop()
    assert Ksm.values() == before


def test_a_guest_that_shares_no_pages_is_not_merged_with_its_twins(live):
    """What one guest can learn of another by merging, it cannot learn of this one."""
    Ksm.need()
    Ksm.write("run", 0)
    content = live.file("content", distinct_pages("twin", PAGES))
    spared = live.guest("spared", loader=content,
                        elements="<memoryBacking><nosharepages/></memoryBacking>")
    guests = twins(live, 2, PAGES)
    daemon = live.daemon(ALWAYS)
    wait_merged(guests)
    daemon.wait_for(ksm_verdict("converged"), 60)
    assert merging_pages(spared) == 0
    daemon.stop()


def test_memory_that_becomes_equal_late_is_merged_by_a_sweep(live):
    need("smart_scan")
    Ksm.write("run", 0)
    guests = [live.guest(f"late{n}") for n in range(2)]
    for n, guest in enumerate(guests):
        write_memory(guest, distinct_pages(f"own{n}", PAGES))
    daemon = live.daemon(ALWAYS, {"ksm": {"trickle_permille": 100}})
    daemon.wait_for(ksm_verdict("converged"), 60)
    # From now on smart_scan looks at each page in one pass of nine.
    scans = Ksm.number("full_scans")
    wait_until(lambda: Ksm.number("full_scans") >= scans + 16, 60, "the pages are mature")
    for guest in guests:
        write_memory(guest, distinct_pages("the same", PAGES))
    sweeps = len(daemon.found(ksm_verdict("sweep")))
    live.guest("newcomer")
    daemon.wait_for(ksm_verdict("sweep"), 60, count=sweeps + 1)
    wait_merged(guests)
    wait_until(lambda: Ksm.number("smart_scan") == 1, 60, "smart_scan is back")


def test_a_sweep_cut_short_by_kill_9_is_undone(live):
    need("smart_scan")
    Ksm.write("run", 0)
    before = Ksm.values()
    twins(live, 2, PAGES)
    daemon = live.daemon(ALWAYS)
    daemon.wait_for(ksm_verdict("converged"), 60)
    daemon.reload(merged(ALWAYS, SLOW))
    live.guest("newcomer")
    wait_until(lambda: Ksm.number("smart_scan") == 0, 60, "a sweep")
    daemon.kill()
    assert "ksm smart_scan 1 1 0" in undo_text()
    assert kvmtuned("--restore", "--config", daemon.conf_file).returncode == 0
    assert Ksm.values() == before


def test_with_plenty_of_memory_ksm_rests(live):
    Ksm.need()
    Ksm.write("run", 1)
    before = Ksm.values()
    live.guest("one")
    daemon = live.daemon(ONLY_KSM, {"ksm": {"plenty_percent": 1, "short_percent": 0}})
    daemon.wait_for(ksm_verdict("memory-plentiful"))
    wait_until(lambda: Ksm.number("run") == 0, what="KSM rests")
    daemon.reload(merged(ONLY_KSM, {"ksm": {"plenty_percent": 100, "short_percent": 99}}))
    wait_until(lambda: Ksm.number("run") == 1, what="KSM scans")
    daemon.reload(merged(ONLY_KSM, {"ksm": {"plenty_percent": 100, "merge": "never"}}))
    daemon.wait_for(ksm_verdict("merge-never"))
    wait_until(lambda: Ksm.number("run") == 0, what="KSM rests again")
    daemon.stop()
    assert Ksm.values() == before


def test_a_foreign_smart_scan_cedes_ksm(live):
    need("smart_scan")
    twins(live, 2, PAGES)
    daemon = live.daemon(ALWAYS)
    daemon.wait_for(ksm_verdict("converged"), 60)
    daemon.reload(merged(ALWAYS, SLOW))
    live.guest("newcomer")
    wait_until(lambda: Ksm.number("smart_scan") == 0, 60, "a sweep")
    Ksm.write("smart_scan", 1)
    daemon.wait_for(ceded("KSM"))
    pages = Ksm.number("pages_to_scan") + 1
    Ksm.write("pages_to_scan", pages)
    for _ in range(2):
        mark = daemon.notify.mark()
        daemon.notify.wait_for("^WATCHDOG=1", since=mark)
    assert Ksm.number("pages_to_scan") == pages


def test_the_kernels_advisor_is_taken_over_when_asked_and_given_back(live):
    need("advisor_mode")
    Ksm.write("advisor_mode", "scan-time")
    Ksm.write("run", 1)
    guests = twins(live, 2, PAGES)
    daemon = live.daemon(ALWAYS)
    daemon.wait_for(ksm_verdict("kernel-advisor"))
    assert "[scan-time]" in Ksm.text("advisor_mode")
    daemon.reload(merged(ALWAYS, {"ksm": {"advisor": "take-over"}}))
    wait_until(lambda: "[none]" in Ksm.text("advisor_mode"), what="the advisor is off")
    wait_merged(guests)
    assert not daemon.found(ceded("KSM"))
    daemon.kill()
    assert kvmtuned("--restore", "--config", daemon.conf_file).returncode == 0
    assert "[scan-time]" in Ksm.text("advisor_mode")
    assert Ksm.number("run") == 1


class Tuned:
    """A profile of tuned that one daemon finds below /etc; everything else there is the real one."""

    def __init__(self, live):
        folder = live.dir / "etc/tuned"
        (folder / "mine").mkdir(parents=True)
        (folder / "active_profile").write_text("mine\n")
        self.profile = folder / "mine/tuned.conf"
        self.within = ["unshare", "--mount", "sh", "-c",
                       'mount -t overlay overlay -o lowerdir="$0":/etc /etc && exec "$@"', folder.parent]


def test_ksm_is_tuneds_while_its_profile_sets_it(live):
    Ksm.need()
    Ksm.write("run", 0)
    before = Ksm.text("pages_to_scan")
    tuned, recording = Tuned(live), live.dir / "recording"
    tuned.profile.write_text("[sysfs]\n/sys/kernel/mm/ksm/run=2\n")
    guests = twins(live, 2, PAGES)
    daemon = live.daemon(ALWAYS, {"audit": {"interval_s": 10}}, within=tuned.within,
                         options=("--foreground", "--record", recording))
    daemon.wait_for("warning +tuned profile mine sets KSM")
    daemon.wait_for(ksm_verdict("owned-elsewhere"))
    daemon.wait_ticks()
    assert Ksm.number("run") == 0 and Ksm.text("pages_to_scan") == before
    tuned.profile.write_text("[sysctl]\nvm.swappiness=10\n")  # the next audit sees it
    wait_merged(guests)
    tuned.profile.write_text("[sysfs]\n/sys/kernel/mm/ksm/run=2\n")
    mark = daemon.mark()
    daemon.reload(ALWAYS)
    daemon.wait_for(ksm_verdict("owned-elsewhere"), since=mark)
    wait_until(lambda: Ksm.number("run") == 0 and Ksm.text("pages_to_scan") == before,
               what="what was set is given back")
    daemon.reload(merged(ALWAYS, {"ksm": {"advisor": "take-over"}}))
    wait_until(lambda: Ksm.number("run") == 1, what="KSM is taken over")
    daemon.stop()
    done = kvmtuned("--replay", recording)
    assert done.returncode == 0, done.stdout


def test_merge_across_nodes_is_switched_by_unmerging_and_back(live):
    need("merge_across_nodes")
    if Ksm.number("merge_across_nodes") != 1:
        raise Skip("somebody has switched it already")
    Ksm.write("run", 0)
    before = Ksm.values()
    guests = twins(live, 2, PAGES)
    daemon = live.daemon(ALWAYS)
    wait_merged(guests)
    daemon.reload(merged(ALWAYS, {"ksm": {"merge_across_nodes": 0}}))
    wait_until(lambda: Ksm.number("merge_across_nodes") == 0, what="merge_across_nodes is 0")
    wait_merged(guests)
    assert not daemon.found(ceded("KSM"))
    daemon.stop()
    assert Ksm.values() == before


def test_without_room_merge_across_nodes_stays_and_says_why(live):
    need("merge_across_nodes")
    guests = twins(live, 2, PAGES)
    daemon = live.daemon(ALWAYS)
    wait_merged(guests)
    # What would come back to the guest when its pages are taken apart does not fit below.
    anon_kib = int(re.search(r"RssAnon:\s+(\d+)", status_of(guests[0]))[1])
    virsh("memtune", guests[0].uuid, "--live", "--hard-limit", anon_kib + 8 * 1024)
    daemon.reload(merged(ALWAYS, {"ksm": {"merge_across_nodes": 0}}))
    daemon.wait_for(r"merge_across_nodes stays as it is")
    assert Ksm.number("merge_across_nodes") == 1
    assert Ksm.number("run") == 1, "the rest of the plan is carried out"
    wait_merged(guests)


def test_use_zero_pages_is_set_and_given_back(live):
    need("use_zero_pages")
    before = Ksm.values()
    live.guest("one")
    wanted = 1 - Ksm.number("use_zero_pages")
    daemon = live.daemon(ALWAYS, {"ksm": {"use_zero_pages": wanted}})
    wait_until(lambda: Ksm.number("use_zero_pages") == wanted, what="use_zero_pages is set")
    daemon.reload(ALWAYS)
    wait_until(lambda: Ksm.text("use_zero_pages") == before["use_zero_pages"], what="... and back")
    daemon.reload(merged(ALWAYS, {"ksm": {"use_zero_pages": wanted}}))
    wait_until(lambda: Ksm.number("use_zero_pages") == wanted, what="... and set again")
    daemon.stop()
    assert Ksm.values() == before


def test_each_guest_has_a_reason_not_to_merge(live):
    Ksm.need()
    private = live.guest("private", elements="<memoryBacking><nosharepages/></memoryBacking>")
    switched_off = live.guest("switched-off")
    shared = live.guest("shared", elements="<memoryBacking><source type='memfd'/>"
                                           "<access mode='shared'/></memoryBacking>")
    alone = live.guest("alone")
    write_memory(alone, distinct_pages("alone", PAGES))
    daemon = live.daemon(ALWAYS, {'domain "*switched-off"': {"ksm": "off"}})
    daemon.wait_for(guest_verdict(private, "ksm", "nosharepages"))
    daemon.wait_for(guest_verdict(switched_off, "ksm", "opted-out"))
    daemon.wait_for(guest_verdict(shared, "ksm", "shared-memory"))
    daemon.wait_for(guest_verdict(alone, "ksm", "(merged|nothing-alike|not-scanned)"), 60)


def test_the_kernel_is_asked_whether_it_needs_sweeps(live):
    need("smart_scan")
    twins(live, 2, PAGES)
    daemon = live.daemon(ALWAYS, {"ksm": {"trickle_permille": 100, "max_cpu_percent": 95}})
    daemon.wait_for(r"smart_scan leaves late duplicates apart|merges late duplicates by itself", 120)
