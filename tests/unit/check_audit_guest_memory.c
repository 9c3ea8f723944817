/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the audit's rules of a guest's memory right, at their boundaries too? */
#include "audit_guest_fixture.h"

#define GIVEN(name, ...)                                                                           \
	static void name(void)                                                                     \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}

GIVEN(one_node, fixture_nodes(1); fx.topology.node[0].all_cpus = fx.topology.node[0].cpus)

GIVEN(a_tenth_away, fx.sample.node_memory_kib[0] = 90 * GIB_KIB;
      fx.sample.node_memory_kib[1] = 10 * GIB_KIB)
GIVEN(more_away, fx.sample.node_memory_kib[0] = 89 * GIB_KIB;
      fx.sample.node_memory_kib[1] = 11 * GIB_KIB)
GIVEN(nothing_yet, fx.sample.node_memory_kib[0] = 0)
GIVEN(being_moved, more_away(); fx.in_force.move.active = true)
GIVEN(another_is_moved, being_moved(); fx.in_force.move.slot = B)
GIVEN(at_our_home, more_away(); ours(A)->pinned = true; fx.in_force.guest[A].nodes = 3)
GIVEN(away_and_vfio, more_away(); guest_of(A)->vfio = true)
GIVEN(away_and_locked, more_away(); facts_of(A)->locked = true)
GIVEN(away_and_huge, more_away(); facts_of(A)->hugepages = true)
GIVEN(away_and_floating, more_away(); unpinned(A))
GIVEN(opted_out, more_away(); guest_of(A)->metadata.placement = GUEST_SWITCH_OFF)
GIVEN(no_node_memory, fx.sample.has_node_memory = false)
GIVEN(no_view, fx.in.view = NULL)
GIVEN(not_present, fx.view.guest[A].present = false)
GIVEN(sample_of_another, fx.view.guest[A].incarnation++)

/* A reserve of 1 GiB on a node of 32. */
static void strict(uint64_t gib, uint64_t nodes)
{
	fx.conf.placement.node_reserve_mib = 1024;
	facts_of(A)->has_numatune = facts_of(A)->numatune_strict = true;
	facts_of(A)->strict_nodes = nodes;
	facts_of(A)->memory_kib = gib * GIB_KIB;
}

static void strict_together(uint64_t gib, uint64_t nodes)
{
	strict(16, 1);
	facts_of(B)->strict_nodes = nodes;
	facts_of(B)->memory_kib = gib * GIB_KIB;
}

GIVEN(not_strict, facts_of(A)->has_numatune = true)
GIVEN(strict_and_fits, strict(31, 1))
GIVEN(strict_and_over, strict(32, 1))
GIVEN(strict_on_both, strict(62, 3))
GIVEN(strict_on_both_and_over, strict(63, 3))
GIVEN(memnode_and_over, strict_and_over(); facts_of(A)->numatune_strict = false;
      facts_of(A)->memnodes_strict = true)
GIVEN(strict_beside_an_unknown_one, strict(16, 1); facts_of(B)->known = false)
GIVEN(over_beside_an_unknown_one, strict_and_over(); facts_of(B)->known = false)
GIVEN(together_they_fit, strict_together(15, 1))
GIVEN(together_they_do_not, strict_together(16, 1))
GIVEN(the_other_is_elsewhere, strict_together(31, 2))
GIVEN(half_of_the_other_is_here, strict_together(31, 3))
GIVEN(by_numad, facts_of(A)->placement_auto = true)
GIVEN(strict_on_one_node, strict_and_over(); one_node())

GIVEN(no_limit_locked, facts_of(A)->locked = true)
GIVEN(limited, facts_of(A)->hard_limit_kib = 100 * GIB_KIB)
GIVEN(locked_enough, facts_of(A)->locked = true;
      facts_of(A)->hard_limit_kib = 8 * GIB_KIB + 8 * GIB_KIB / 10)
GIVEN(locked_too_low, locked_enough(); facts_of(A)->hard_limit_kib -= 1)
GIVEN(locked_and_large, facts_of(A)->locked = true; facts_of(A)->memory_kib = 400 * GIB_KIB;
      facts_of(A)->hard_limit_kib = 404 * GIB_KIB)
GIVEN(locked_large_too_low, locked_and_large(); facts_of(A)->hard_limit_kib -= 1)
GIVEN(nothing_but_absurd, facts_of(A)->memory_kib = UINT64_MAX; facts_of(A)->locked = true;
      facts_of(A)->hard_limit_kib = UINT64_MAX - 1)

GIVEN(soft_enough, facts_of(A)->soft_limit_kib = 9 * GIB_KIB)
GIVEN(soft_just_enough, facts_of(A)->soft_limit_kib = 9227468)
GIVEN(soft_low, facts_of(A)->soft_limit_kib = 8 * GIB_KIB)
GIVEN(soft_low_v1, soft_low(); fx.sample.cgroup_v2 = false)
GIVEN(soft_low_nobody_knows, soft_low(); fx.sample.has_cgroup = false)
GIVEN(soft_marked, soft_low(); guest_of(A)->has_limit_mark = true)
GIVEN(soft_ours, soft_low(); ours(A)->limited = true)
GIVEN(swap_enough, facts_of(A)->swap_hard_limit_kib = 9 * GIB_KIB; fx.sample.cgroup_v2 = false)
GIVEN(swap_low, facts_of(A)->swap_hard_limit_kib = 8 * GIB_KIB; fx.sample.cgroup_v2 = false)
GIVEN(swap_low_v2, swap_low(); fx.sample.cgroup_v2 = true)
GIVEN(swap_low_nobody_knows, swap_low(); fx.in.view = NULL)

GIVEN(realtime, guest_of(A)->realtime = true)
GIVEN(balloon, facts_of(A)->has_balloon = true)
GIVEN(balloon_of_a_fast_one, balloon(); realtime())
GIVEN(inflated, balloon(); facts_of(A)->current_kib -= 1)
GIVEN(inflated_and_fast, inflated(); realtime())
GIVEN(fast_without, realtime(); facts_of(A)->current_kib -= 1)
GIVEN(by_weight, inflated(); guest_of(A)->metadata.weight = 500)
GIVEN(by_weight_of_the_configuration, inflated(); guest_of(A)->wish.weight = 500)
GIVEN(by_too_little_weight, inflated(); guest_of(A)->metadata.weight = 499)
GIVEN(by_huge_pages, inflated(); facts_of(A)->hugepages = true)
GIVEN(by_huge_pages_unpinned, by_huge_pages(); unpinned(A))
GIVEN(by_own_cpus, inflated(); own_cpus(A, 0))

GIVEN(huge, facts_of(A)->hugepages = true)
GIVEN(huge_one_short, huge(); fx.host.small[0].total = fact(4095))
GIVEN(huge_and_odd, huge(); facts_of(A)->memory_kib += 1)
GIVEN(huge_elsewhere, huge_one_short(); fx.host.small[1].total = fact(9000))
GIVEN(huge_anywhere, huge_elsewhere(); unpinned(A))
GIVEN(huge_strict_there, huge_elsewhere(); facts_of(A)->strict_nodes = 2)
GIVEN(huge_1g, huge(); facts_of(A)->hugepages_1g = true)
GIVEN(huge_1g_one_short, huge_1g(); fx.host.large[0].total = fact(7))
GIVEN(huge_unreadable, huge(); fx.host.small[0].total = fact_unknown(13))
GIVEN(huge_of_no_size, huge(); fx.host.small[0].total = (struct fact){ 0 })

GIVEN(locked_and_limited, facts_of(A)->locked = true; facts_of(A)->hard_limit_kib = 1)

GIVEN(spared, realtime(); facts_of(A)->nosharepages = true)
GIVEN(opted_out_of_ksm, guest_of(A)->metadata.ksm = GUEST_SWITCH_OFF)
GIVEN(configured_out_of_ksm, guest_of(A)->wish.ksm = GUEST_SWITCH_OFF)
GIVEN(opted_out_and_spared, opted_out_of_ksm(); facts_of(A)->nosharepages = true)
GIVEN(realtime_and_huge, realtime(); huge())
GIVEN(ksm_off, realtime(); fx.host.ksm_run = fact(0))
GIVEN(ksm_unmerged, realtime(); fx.host.ksm_run = fact(2))
GIVEN(ksm_absent, realtime(); fx.host.ksm_run = (struct fact){ 0 })
GIVEN(ksm_unreadable, realtime(); fx.host.ksm_run = fact_unknown(13))

static void wide(unsigned int vcpus, uint64_t gib, unsigned int cells)
{
	facts_of(A)->current_vcpus = facts_of(A)->max_vcpus = vcpus;
	facts_of(A)->memory_kib = gib * GIB_KIB;
	facts_of(A)->nnuma_cells = cells;
}

GIVEN(just_fits, wide(7, 32, 0))
GIVEN(too_wide, wide(8, 32, 0))
GIVEN(too_wide_one_cell, wide(8, 32, 1))
GIVEN(too_wide_two_cells, wide(8, 32, 2))
GIVEN(too_large, wide(4, 33, 0))
GIVEN(too_large_two_cells, wide(4, 64, 2))
GIVEN(too_large_for_its_vcpu, wide(1, 64, 0))
GIVEN(larger_than_the_host, wide(64, 640, 2))
GIVEN(three_nodes, wide(15, 8, 2); fx.topology.node[2] = fx.topology.node[1];
      fx.topology.node[2].all_cpus = cpus(16, 23); fx.topology.node[2].cpus = cpus(16, 22);
      fx.topology.online = cpus(0, 23))
GIVEN(three_nodes_three_cells, three_nodes(); facts_of(A)->nnuma_cells = 3)
GIVEN(three_nodes_of_which_two_would_do, three_nodes(); wide(8, 32, 2))
GIVEN(wide_on_one_node, too_wide(); one_node())

GIVEN(fast_and_shared, realtime(); guest_of(A)->shared_memory = true)

#define OK      AUDIT_OK
#define FINDING AUDIT_FINDING
#define NA      AUDIT_NOT_APPLICABLE
#define UNKNOWN AUDIT_UNKNOWN

static const struct audit_row rows[] = {
	{ "all at home", "guest-memory-placement", NULL, OK },
	{ "a tenth away", "guest-memory-placement", a_tenth_away, OK },
	{ "more away", "guest-memory-placement", more_away, FINDING },
	{ "nothing yet", "guest-memory-placement", nothing_yet, OK },
	{ "being moved", "guest-memory-placement", being_moved, OK },
	{ "another is moved", "guest-memory-placement", another_is_moved, FINDING },
	{ "at our home", "guest-memory-placement", at_our_home, OK },
	{ "a device's", "guest-memory-placement", away_and_vfio, NA },
	{ "locked", "guest-memory-placement", away_and_locked, NA },
	{ "huge", "guest-memory-placement", away_and_huge, NA },
	{ "floating", "guest-memory-placement", away_and_floating, NA },
	{ "opted out", "guest-memory-placement", opted_out, NA },
	{ "one node", "guest-memory-placement", one_node, NA },
	{ "not told by node", "guest-memory-placement", no_node_memory, UNKNOWN },
	{ "no view", "guest-memory-placement", no_view, UNKNOWN },
	{ "not present", "guest-memory-placement", not_present, UNKNOWN },
	{ "of an earlier guest", "guest-memory-placement", sample_of_another, UNKNOWN },
	{ "none", "guest-numatune-strict", NULL, NA },
	{ "beside who knows", "guest-numatune-strict", strict_beside_an_unknown_one, UNKNOWN },
	{ "over all the same", "guest-numatune-strict", over_beside_an_unknown_one, FINDING },
	{ "not strict", "guest-numatune-strict", not_strict, OK },
	{ "fits", "guest-numatune-strict", strict_and_fits, OK },
	{ "does not fit", "guest-numatune-strict", strict_and_over, FINDING },
	{ "fits two nodes", "guest-numatune-strict", strict_on_both, OK },
	{ "does not fit two", "guest-numatune-strict", strict_on_both_and_over, FINDING },
	{ "a memnode", "guest-numatune-strict", memnode_and_over, FINDING },
	{ "two fit", "guest-numatune-strict", together_they_fit, OK },
	{ "two do not fit", "guest-numatune-strict", together_they_do_not, FINDING },
	{ "elsewhere", "guest-numatune-strict", the_other_is_elsewhere, OK },
	{ "half of it here", "guest-numatune-strict", half_of_the_other_is_here, FINDING },
	{ "by numad", "guest-numatune-strict", by_numad, UNKNOWN },
	{ "one node", "guest-numatune-strict", strict_on_one_node, NA },
	{ "none", "guest-memtune-hard-limit", NULL, OK },
	{ "none, locked", "guest-memtune-hard-limit", no_limit_locked, NA },
	{ "not locked", "guest-memtune-hard-limit", limited, FINDING },
	{ "locked", "guest-memtune-hard-limit", locked_enough, OK },
	{ "too low", "guest-memtune-hard-limit", locked_too_low, FINDING },
	{ "locked, large", "guest-memtune-hard-limit", locked_and_large, OK },
	{ "large, too low", "guest-memtune-hard-limit", locked_large_too_low, FINDING },
	{ "absurd", "guest-memtune-hard-limit", nothing_but_absurd, FINDING },
	{ "none", "guest-memtune-soft-limit", NULL, NA },
	{ "enough", "guest-memtune-soft-limit", soft_enough, OK },
	{ "just enough", "guest-memtune-soft-limit", soft_just_enough, OK },
	{ "low, v2", "guest-memtune-soft-limit", soft_low, FINDING },
	{ "low, v1", "guest-memtune-soft-limit", soft_low_v1, OK },
	{ "low, which?", "guest-memtune-soft-limit", soft_low_nobody_knows, UNKNOWN },
	{ "marked", "guest-memtune-soft-limit", soft_marked, OK },
	{ "ours", "guest-memtune-soft-limit", soft_ours, OK },
	{ "none", "guest-memtune-swap-limit", NULL, NA },
	{ "enough", "guest-memtune-swap-limit", swap_enough, OK },
	{ "low, v1", "guest-memtune-swap-limit", swap_low, FINDING },
	{ "low, v2", "guest-memtune-swap-limit", swap_low_v2, OK },
	{ "low, which?", "guest-memtune-swap-limit", swap_low_nobody_knows, UNKNOWN },
	{ "none", "guest-balloon", fast_without, NA },
	{ "not fast", "guest-balloon", inflated, NA },
	{ "full size", "guest-balloon", balloon_of_a_fast_one, OK },
	{ "inflated", "guest-balloon", inflated_and_fast, FINDING },
	{ "fast by weight", "guest-balloon", by_weight, FINDING },
	{ "by glob", "guest-balloon", by_weight_of_the_configuration, FINDING },
	{ "light", "guest-balloon", by_too_little_weight, NA },
	{ "fast by huge pages", "guest-balloon", by_huge_pages, FINDING },
	{ "not pinned", "guest-balloon", by_huge_pages_unpinned, NA },
	{ "fast by its CPUs", "guest-balloon", by_own_cpus, FINDING },
	{ "none", "guest-hugepages", NULL, NA },
	{ "enough", "guest-hugepages", huge, OK },
	{ "one short", "guest-hugepages", huge_one_short, FINDING },
	{ "a part of one more", "guest-hugepages", huge_and_odd, FINDING },
	{ "on another node", "guest-hugepages", huge_elsewhere, FINDING },
	{ "floating", "guest-hugepages", huge_anywhere, OK },
	{ "memory bound there", "guest-hugepages", huge_strict_there, OK },
	{ "1 GiB", "guest-hugepages", huge_1g, OK },
	{ "1 GiB, one short", "guest-hugepages", huge_1g_one_short, FINDING },
	{ "unreadable", "guest-hugepages", huge_unreadable, UNKNOWN },
	{ "no such size", "guest-hugepages", huge_of_no_size, UNKNOWN },
	{ "not locked", "guest-memory-locked", NULL, NA },
	{ "without a limit", "guest-memory-locked", no_limit_locked, FINDING },
	{ "with one", "guest-memory-locked", locked_and_limited, OK },
	{ "not fast, may share", "guest-nosharepages", NULL, NA },
	{ "opted out only in words", "guest-nosharepages", opted_out_of_ksm, FINDING },
	{ "by the configuration", "guest-nosharepages", configured_out_of_ksm, FINDING },
	{ "opted out in fact", "guest-nosharepages", opted_out_and_spared, OK },
	{ "fast", "guest-nosharepages", realtime, FINDING },
	{ "shared", "guest-nosharepages", fast_and_shared, NA },
	{ "spared", "guest-nosharepages", spared, OK },
	{ "huge pages", "guest-nosharepages", realtime_and_huge, NA },
	{ "KSM off", "guest-nosharepages", ksm_off, NA },
	{ "KSM taken apart", "guest-nosharepages", ksm_unmerged, NA },
	{ "no KSM", "guest-nosharepages", ksm_absent, NA },
	{ "unreadable", "guest-nosharepages", ksm_unreadable, UNKNOWN },
	{ "small", "guest-vnuma", NULL, NA },
	{ "just fits", "guest-vnuma", just_fits, NA },
	{ "too wide", "guest-vnuma", too_wide, FINDING },
	{ "one cell", "guest-vnuma", too_wide_one_cell, FINDING },
	{ "two cells", "guest-vnuma", too_wide_two_cells, OK },
	{ "too large", "guest-vnuma", too_large, FINDING },
	{ "large, two cells", "guest-vnuma", too_large_two_cells, OK },
	{ "no more cells than nodes", "guest-vnuma", larger_than_the_host, OK },
	{ "three nodes, two cells", "guest-vnuma", three_nodes, FINDING },
	{ "three cells", "guest-vnuma", three_nodes_three_cells, OK },
	{ "of three nodes it needs two", "guest-vnuma", three_nodes_of_which_two_would_do, OK },
	{ "one node", "guest-vnuma", wide_on_one_node, NA },
};

START_TEST(a_rule_says)
{
	check_guest_row(&rows[_i]);
}
END_TEST

static const struct audit_said said[] = {
	{ more_away, "guest-memory-placement", { 11, 11 * 1024, 4711 }, "1", "0" },
	{ strict_and_over, "guest-numatune-strict", { 32 * 1024, 31 * 1024 }, "0", "" },
	{ limited,
	  "guest-memtune-hard-limit",
	  { 102400, 8192, UINT64_C(9007199254740991) },
	  "not locked",
	  "" },
	{ locked_too_low, "guest-memtune-hard-limit", { 9011, 8192, 9227468 }, "locked", "" },
	{ soft_low, "guest-memtune-soft-limit", { 8192, 9011, 9227468 }, "", "" },
	{ inflated_and_fast, "guest-balloon", { 8191, 8192, 8 * GIB_KIB }, "", "" },
	{ huge_one_short, "guest-hugepages", { 4095, 4096, 1, 0 }, "2M", "0" },
	{ huge_1g_one_short, "guest-hugepages", { 7, 8, 1, 0 }, "1G", "0" },
	{ no_limit_locked, "guest-memory-locked", { 8192, 9227468 }, "none", "" },
	{ too_wide, "guest-vnuma", { 0, 2, 3, 16 * GIB_KIB }, "", "" },
	{ too_large_for_its_vcpu, "guest-vnuma", { 0, 2, 0, 32 * GIB_KIB }, "", "" },
};

START_TEST(numbers_and_words_are_those_of_the_texts)
{
	check_said(&said[_i]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit_guest_memory");
	TCase *t = tcase_create("rules");

	tcase_add_loop_test(t, a_rule_says, 0, KT_ARRAY_LEN(rows));
	tcase_add_loop_test(t, numbers_and_words_are_those_of_the_texts, 0, KT_ARRAY_LEN(said));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return kt_run(suite());
}
