/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the audit's rules of the host's memory right, at their boundaries too? */
#include "audit_fixture.h"

static void with_nothing(void)
{
}

/* ---- swappiness --------------------------------------------------------------------------- */

static void with_swappiness(uint64_t value)
{
	fx.host.has_swap = fact(1);
	fx.host.swappiness = fact(value);
}

static void swappiness_10(void)
{
	with_swappiness(10);
}

static void swappiness_35(void)
{
	with_swappiness(35);
}

static void swappiness_36(void)
{
	with_swappiness(36);
}

static void swappiness_owned(void)
{
	with_swappiness(60);
	fixture_owner(OWNED_SWAPPINESS, "60");
}

static void swappiness_changed_behind_its_owner(void)
{
	with_swappiness(60);
	fixture_owner(OWNED_SWAPPINESS, "10");
}

static void swappiness_without_swap(void)
{
	with_swappiness(60);
	fx.host.has_swap = fact(0);
}

static void swappiness_unreadable(void)
{
	with_swappiness(60);
	fx.host.swappiness = fact_unknown(13);
}

static void swap_unreadable(void)
{
	with_swappiness(60);
	fx.host.has_swap = fact_unknown(13);
}

/* ---- dirty pages -------------------------------------------------------------------------- */

static void with_dirty(uint64_t ratio, uint64_t background_ratio)
{
	fixture_guest();
	fx.host.dirty_ratio = fact(ratio);
	fx.host.dirty_bytes = fact(ratio ? 0 : 1 << 30);
	fx.host.dirty_background_ratio = fact(background_ratio);
	fx.host.dirty_background_bytes = fact(background_ratio ? 0 : 1 << 30);
}

static void dirty_good(void)
{
	with_dirty(40, 5);
}

static void dirty_low(void)
{
	with_dirty(39, 4);
}

static void dirty_high(void)
{
	with_dirty(41, 6);
}

static void dirty_owned(void)
{
	with_dirty(30, 10);
	fixture_owner(OWNED_DIRTY_RATIO, "30%");
	fixture_owner(OWNED_DIRTY_BACKGROUND_RATIO, "10");
}

static void dirty_bytes(void)
{
	with_dirty(0, 0);
}

static void dirty_bytes_owned(void)
{
	with_dirty(0, 0);
	fixture_owner(OWNED_DIRTY_RATIO, "1073741824");
	fixture_owner(OWNED_DIRTY_BACKGROUND_RATIO, "1073741824");
}

static void dirty_bytes_unreadable(void)
{
	with_dirty(0, 0);
	fx.host.dirty_bytes = fx.host.dirty_background_bytes = fact_unknown(5);
}

static void dirty_cache_none(void)
{
	with_dirty(20, 10);
	fx.domains.slot[0].domain.audit.all_cache_none = true;
}

static void dirty_one_of_two_cache_none(void)
{
	dirty_cache_none();
	fixture_guest();
}

static void dirty_no_guest(void)
{
	with_dirty(20, 10);
	fx.domains.nslots = 0;
}

static void dirty_guest_unknown(void)
{
	with_dirty(20, 10);
	fx.domains.slot[0].domain.audit.known = false;
}

static void dirty_unreadable(void)
{
	with_dirty(20, 10);
	fx.host.dirty_ratio = fx.host.dirty_background_ratio = fact_unknown(5);
}

/* ---- nodes -------------------------------------------------------------------------------- */

static void with_nodes(uint64_t zone_reclaim, uint64_t balancing)
{
	fx.host.zone_reclaim_mode = fact(zone_reclaim);
	fx.host.numa_balancing = fact(balancing);
}

static void reclaim_off(void)
{
	with_nodes(0, 1);
}

static void reclaim_on(void)
{
	with_nodes(1, 1);
	fixture_guest();
}

static void reclaim_on_guests_apart(void)
{
	with_nodes(1, 0);
	fixture_pinned_guest(0, 7);
	fixture_pinned_guest(8, 9);
}

static void reclaim_on_guest_over_nodes(void)
{
	reclaim_on_guests_apart();
	fixture_pinned_guest(7, 8);
}

static void reclaim_on_guest_home_is_ours(void)
{
	with_nodes(1, 0);
	fixture_guest();
	fx.in_force.guest[0] =
		(struct guest_in_force){ .incarnation = 1, .pinned = true, .nodes = 2 };
}

static void reclaim_on_guest_home_is_wide(void)
{
	reclaim_on_guest_home_is_ours();
	fx.in_force.guest[0].nodes = 3;
}

static void reclaim_on_owned(void)
{
	reclaim_on();
	fixture_owner(OWNED_ZONE_RECLAIM, "1");
}

static void reclaim_on_guest_unknown(void)
{
	with_nodes(1, 0);
	fixture_guest()->known = false;
}

static void nodes_one(void)
{
	with_nodes(1, 1);
	fixture_nodes(1);
}

static void nodes_none(void)
{
	with_nodes(1, 1);
	fixture_nodes(0);
}

static void nodes_unreadable(void)
{
	fx.host.zone_reclaim_mode = fx.host.numa_balancing = fact_unknown(13);
}

static void balancing_floating(void)
{
	with_nodes(0, 1);
	fixture_guest();
}

static void balancing_off_floating(void)
{
	with_nodes(0, 0);
	fixture_guest();
}

static void balancing_tiering_floating(void)
{
	with_nodes(0, 2);
	fixture_guest();
}

static void balancing_bound(void)
{
	with_nodes(0, 1);
	fixture_pinned_guest(0, 7);
}

static void balancing_off_bound(void)
{
	with_nodes(0, 0);
	fixture_pinned_guest(0, 7);
}

static void balancing_bound_by_us(void)
{
	with_nodes(0, 1);
	fixture_guest();
	fx.in_force.guest[0] =
		(struct guest_in_force){ .incarnation = 1, .pinned = true, .nodes = 2 };
}

static void balancing_partly_bound(void)
{
	with_nodes(0, 1);
	fixture_pinned_guest(0, 7)->npinned_vcpus = 3;
}

static void balancing_mixed(void)
{
	balancing_bound();
	fixture_guest();
}

static void balancing_off_mixed(void)
{
	balancing_off_bound();
	fixture_guest();
}

static void balancing_off_for_latency(void)
{
	balancing_off_floating();
	strcpy(fx.host.tuned_profile, "cpu-partitioning");
}

static void balancing_on_for_latency(void)
{
	balancing_bound();
	strcpy(fx.host.tuned_profile, "cpu-partitioning");
}

static void balancing_owned(void)
{
	balancing_off_floating();
	fixture_owner(OWNED_NUMA_BALANCING, "0");
}

static void balancing_guest_unknown(void)
{
	balancing_bound();
	fixture_guest()->known = false;
}

#define OK      AUDIT_OK
#define FINDING AUDIT_FINDING
#define NONE    AUDIT_NOT_APPLICABLE
#define UNKNOWN AUDIT_UNKNOWN

static const struct audit_row rows[] = {
	{ "tuned's", "host-swappiness", swappiness_10, OK },
	{ "SUSE's", "host-swappiness", swappiness_35, OK },
	{ "more than SUSE's", "host-swappiness", swappiness_36, FINDING },
	{ "owned", "host-swappiness", swappiness_owned, OK },
	{ "its owner says another", "host-swappiness", swappiness_changed_behind_its_owner,
	  FINDING },
	{ "no swap", "host-swappiness", swappiness_without_swap, NONE },
	{ "absent", "host-swappiness", with_nothing, NONE },
	{ "unreadable", "host-swappiness", swappiness_unreadable, UNKNOWN },
	{ "swap unreadable", "host-swappiness", swap_unreadable, FINDING },

	{ "good", "host-dirty-ratio", dirty_good, OK },
	{ "low", "host-dirty-ratio", dirty_low, FINDING },
	{ "high", "host-dirty-ratio", dirty_high, FINDING },
	{ "owned", "host-dirty-ratio", dirty_owned, OK },
	{ "bytes", "host-dirty-ratio", dirty_bytes, NONE },
	{ "bytes are owned", "host-dirty-ratio", dirty_bytes_owned, OK },
	{ "bytes unreadable", "host-dirty-ratio", dirty_bytes_unreadable, UNKNOWN },
	{ "cache none", "host-dirty-ratio", dirty_cache_none, NONE },
	{ "one of two cache none", "host-dirty-ratio", dirty_one_of_two_cache_none, FINDING },
	{ "no guest", "host-dirty-ratio", dirty_no_guest, NONE },
	{ "a guest unknown", "host-dirty-ratio", dirty_guest_unknown, UNKNOWN },
	{ "unreadable", "host-dirty-ratio", dirty_unreadable, UNKNOWN },

	{ "good", "host-dirty-background-ratio", dirty_good, OK },
	{ "low", "host-dirty-background-ratio", dirty_low, FINDING },
	{ "high", "host-dirty-background-ratio", dirty_high, FINDING },
	{ "owned", "host-dirty-background-ratio", dirty_owned, OK },
	{ "bytes are owned", "host-dirty-background-ratio", dirty_bytes_owned, OK },
	{ "cache none", "host-dirty-background-ratio", dirty_cache_none, NONE },
	{ "unreadable", "host-dirty-background-ratio", dirty_unreadable, UNKNOWN },

	{ "off", "host-zone-reclaim", reclaim_off, OK },
	{ "on", "host-zone-reclaim", reclaim_on, FINDING },
	{ "every guest in a node", "host-zone-reclaim", reclaim_on_guests_apart, NONE },
	{ "one over nodes", "host-zone-reclaim", reclaim_on_guest_over_nodes, FINDING },
	{ "kept by us", "host-zone-reclaim", reclaim_on_guest_home_is_ours, NONE },
	{ "kept by us on two", "host-zone-reclaim", reclaim_on_guest_home_is_wide, FINDING },
	{ "owned", "host-zone-reclaim", reclaim_on_owned, OK },
	{ "a guest unknown", "host-zone-reclaim", reclaim_on_guest_unknown, UNKNOWN },
	{ "one node", "host-zone-reclaim", nodes_one, NONE },
	{ "nodes unknown", "host-zone-reclaim", nodes_none, UNKNOWN },
	{ "unreadable", "host-zone-reclaim", nodes_unreadable, UNKNOWN },

	{ "on, floating", "host-numa-balancing", balancing_floating, OK },
	{ "off, floating", "host-numa-balancing", balancing_off_floating, FINDING },
	{ "tiering only, floating", "host-numa-balancing", balancing_tiering_floating, FINDING },
	{ "on, bound", "host-numa-balancing", balancing_bound, FINDING },
	{ "off, bound", "host-numa-balancing", balancing_off_bound, OK },
	{ "on, bound by us", "host-numa-balancing", balancing_bound_by_us, FINDING },
	{ "on, one vCPU floats", "host-numa-balancing", balancing_partly_bound, OK },
	{ "on, mixed", "host-numa-balancing", balancing_mixed, OK },
	{ "off, mixed", "host-numa-balancing", balancing_off_mixed, OK },
	{ "off for latency", "host-numa-balancing", balancing_off_for_latency, OK },
	{ "on for latency", "host-numa-balancing", balancing_on_for_latency, FINDING },
	{ "owned", "host-numa-balancing", balancing_owned, OK },
	{ "a guest unknown", "host-numa-balancing", balancing_guest_unknown, UNKNOWN },
	{ "no guest", "host-numa-balancing", reclaim_off, NONE },
	{ "one node", "host-numa-balancing", nodes_one, NONE },
	{ "unreadable", "host-numa-balancing", nodes_unreadable, UNKNOWN },
};

START_TEST(a_rule_says)
{
	check_row(&rows[_i]);
}
END_TEST

START_TEST(what_is_to_be_written_keeps_memory_tiering)
{
	fixture_reset();
	with_nodes(0, 3);
	fixture_pinned_guest(0, 7);
	fixture_judge("host-numa-balancing");
	ck_assert_uint_eq(fx.v.number[1], 2);
}
END_TEST

START_TEST(an_owner_is_named_whatever_the_value_is)
{
	fixture_reset();
	swappiness_changed_behind_its_owner();
	fixture_judge("host-swappiness");
	ck_assert_str_eq(fx.v.owner, "tuned profile mine");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit_memory");
	TCase *t = tcase_create("rules");

	tcase_add_loop_test(t, a_rule_says, 0, KT_ARRAY_LEN(rows));
	tcase_add_test(t, what_is_to_be_written_keeps_memory_tiering);
	tcase_add_test(t, an_owner_is_named_whatever_the_value_is);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return kt_run(suite());
}
