/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When does the KSM loop keep its hands off, and which guests count? */
#include "ksm_fixture.h"

static void by_mode(void)
{
	fx.conf.ksm.mode = LOOP_OFF;
}

static void by_policy(void)
{
	fx.conf.ksm.policy = KSM_POLICY_OFF;
}

static void by_no_ksm(void)
{
	fx.host.ksm.present = false;
}

static void by_ceded(void)
{
	fx.in_force.ksm.ceded = true;
}

static void by_actuator(void)
{
	fx.in_force.ksm.off = true;
}

static void by_advisor(void)
{
	fx.host.ksm.advisor = KSM_ADVISOR_SCAN_TIME;
}

static void by_no_guest(void)
{
	fx.view.guest[0].present = false;
}

static void by_opt_out(void)
{
	fx.domain[0].wish.ksm = GUEST_SWITCH_OFF;
}

static void by_unlisted_guests(void)
{
	fx.view.guests_known = false;
	fx.host.mem_available_kib = TARGET;
}

static void by_unlisted_guests_and_little_memory(void)
{
	fx.view.guests_known = false;
	fx.view.nslots = 0;
	fx.host.mem_available_kib = TARGET - 1;
}

static void by_no_advisor(void)
{
	fx.host.ksm.advisor = KSM_ADVISOR_NONE;
}

static void by_advisor_to_take_over(void)
{
	by_advisor();
	fx.conf.ksm.advisor = KSM_ADVISOR_TAKE_OVER;
}

static void by_tuned(void)
{
	fx.view.tuned_has_ksm = true;
}

static void by_tuned_to_take_over(void)
{
	by_tuned();
	fx.conf.ksm.advisor = KSM_ADVISOR_TAKE_OVER;
}

static void by_tuned_and_advisor(void)
{
	by_tuned();
	by_advisor();
}

static void by_tuned_and_off(void)
{
	by_tuned();
	by_mode();
}

static const struct {
	const char *name;
	void (*given)(void);
	enum wish wish;
	enum why why;
} stand_downs[] = {
	{ "nothing in the way", by_no_advisor, WISH_SET, WHY_MEMORY_SHORT },
	{ "the loop is off", by_mode, WISH_RELEASE, WHY_SWITCHED_OFF },
	{ "the policy is off", by_policy, WISH_RELEASE, WHY_SWITCHED_OFF },
	{ "the loop is paused", by_paused_loops, WISH_RELEASE, WHY_PAUSED },
	{ "a guest is paused: it merges as before", by_operator_pause, WISH_SET, WHY_MEMORY_SHORT },
	{ "no KSM", by_no_ksm, WISH_HOLD, WHY_NO_KSM },
	{ "ceded", by_ceded, WISH_HOLD, WHY_CEDED },
	{ "actuator off", by_actuator, WISH_HOLD, WHY_ACTUATOR_OFF },
	{ "the kernel's advisor is on", by_advisor, WISH_HOLD, WHY_KERNEL_ADVISOR },
	{ "the kernel's advisor is on, and not wanted", by_advisor_to_take_over, WISH_SET,
	  WHY_MEMORY_SHORT },
	{ "tuned's profile sets it", by_tuned, WISH_RELEASE, WHY_OWNED_ELSEWHERE },
	{ "tuned's profile sets it, and is not wanted", by_tuned_to_take_over, WISH_SET,
	  WHY_MEMORY_SHORT },
	{ "tuned's, and nothing can be written", by_tuned_and_advisor, WISH_HOLD,
	  WHY_KERNEL_ADVISOR },
	{ "tuned's, and the loop is off", by_tuned_and_off, WISH_RELEASE, WHY_SWITCHED_OFF },
	{ "no guest", by_no_guest, WISH_RELEASE, WHY_NO_MERGEABLE_GUEST },
	{ "the only guest opted out", by_opt_out, WISH_RELEASE, WHY_NO_MERGEABLE_GUEST },
	{ "guests not listed yet, memory not short", by_unlisted_guests, WISH_HOLD,
	  WHY_GUESTS_UNKNOWN },
	{ "guests not listed yet, memory short", by_unlisted_guests_and_little_memory, WISH_SET,
	  WHY_MEMORY_SHORT },
};

START_TEST(what_stands_in_the_way_is_named)
{
	struct ksm_plan plan;

	set_guest_of(1);
	fx.host.mem_available_kib = 0;
	stand_downs[_i].given();
	plan = step();
	ck_assert_msg(plan.wish == stand_downs[_i].wish, "%s: wish %d", stand_downs[_i].name,
		      plan.wish);
	ck_assert_msg(plan.why == stand_downs[_i].why, "%s: %s", stand_downs[_i].name,
		      why_str(plan.why));
	ck_assert_msg(plan.wish == WISH_SET || !plan.run, "%s: runs", stand_downs[_i].name);
}
END_TEST

START_TEST(only_opting_out_takes_a_guest_out)
{
	set_guest_of(1);
	for (int wish = GUEST_SWITCH_DEFAULT; wish <= GUEST_SWITCH_ON; wish++) {
		fx.domain[0].wish.ksm = (enum guest_switch)wish;
		ck_assert_int_eq(ksm_guest_mergeable(&fx.view.guest[0]), wish != GUEST_SWITCH_OFF);
	}
	fx.domain[0].wish.ksm = GUEST_SWITCH_DEFAULT;
	fx.domain[0].running = false; /* a paused guest's pages are merged as well */
	ck_assert(ksm_guest_mergeable(&fx.view.guest[0]));
}
END_TEST

START_TEST(commitments_add_up_over_mergeable_guests_only)
{
	for (size_t i = 0; i < 3; i++) {
		fixture_guest(1);
		fx.sample[i].rss_kib = UNCOMMITTED / 2;
	}
	fx.domain[1].hugepages = true;
	fx.host.mem_available_kib = 16 * GIB_KIB;
	ck_assert_int_eq(step().why, WHY_MEMORY_PLENTIFUL); /* UNCOMMITTED is odd: one short */
	fx.sample[2].rss_kib++;
	fx.state.ksm.stepped = false;
	ck_assert_int_eq(step().why, WHY_MEMORY_COMMITTED);
}
END_TEST

START_TEST(the_advisor_is_stopped_only_by_a_plan_that_sets)
{
	set_guest_of(1);
	fx.host.mem_available_kib = 0;
	ck_assert(!step().stops_advisor);
	fx.conf.ksm.advisor = KSM_ADVISOR_TAKE_OVER;
	ck_assert(step().stops_advisor);
	fx.view.guest[0].present = false;
	ck_assert(!step().stops_advisor);
}
END_TEST

static const struct {
	const char *name;
	enum ksm_nodes configured;
	enum loop_mode placement;
	enum daemon_mode mode;
	unsigned int ncpu_nodes;
	enum ksm_switch wanted;
} nodes[] = {
	{ "keep", KSM_NODES_KEEP, LOOP_ACTIVE, DAEMON_ACTIVE, 2, KSM_SWITCH_KEEP },
	{ "apart, even on one node", KSM_NODES_APART, LOOP_OFF, DAEMON_ACTIVE, 1, KSM_SWITCH_OFF },
	{ "together", KSM_NODES_TOGETHER, LOOP_ACTIVE, DAEMON_ACTIVE, 2, KSM_SWITCH_ON },
	{ "auto, guests are placed", KSM_NODES_AUTO, LOOP_ACTIVE, DAEMON_ACTIVE, 2,
	  KSM_SWITCH_OFF },
	{ "auto, one node", KSM_NODES_AUTO, LOOP_ACTIVE, DAEMON_ACTIVE, 1, KSM_SWITCH_KEEP },
	{ "auto, placement is off", KSM_NODES_AUTO, LOOP_OFF, DAEMON_ACTIVE, 2, KSM_SWITCH_KEEP },
	{ "auto, placement observes", KSM_NODES_AUTO, LOOP_OBSERVE, DAEMON_ACTIVE, 2,
	  KSM_SWITCH_KEEP },
	{ "auto, placement is paused: apart before", KSM_NODES_AUTO, LOOP_PAUSED, DAEMON_ACTIVE, 2,
	  KSM_SWITCH_OFF },
	{ "auto, all is observed", KSM_NODES_AUTO, LOOP_ACTIVE, DAEMON_OBSERVE, 2,
	  KSM_SWITCH_KEEP },
};

START_TEST(merge_across_nodes_is_what_is_configured)
{
	set_guest_of(1);
	fx.conf.ksm.merge_across_nodes = nodes[_i].configured;
	fx.conf.placement.mode = nodes[_i].placement;
	fx.conf.mode = nodes[_i].mode;
	fx.topology.ncpu_nodes = nodes[_i].ncpu_nodes;
	ck_assert_msg(step().merge_across_nodes == nodes[_i].wanted, "%s", nodes[_i].name);
}
END_TEST

START_TEST(nothing_is_set_apart_while_placement_is_paused)
{
	set_guest_of(1);
	fx.conf.ksm.merge_across_nodes = KSM_NODES_AUTO;
	fx.conf.placement.mode = LOOP_PAUSED;
	fx.host.ksm.merge_across_nodes = 1;
	ck_assert_int_eq(step().merge_across_nodes, KSM_SWITCH_KEEP);
}
END_TEST

START_TEST(use_zero_pages_is_what_is_configured)
{
	set_guest_of(1);
	for (int wish = KSM_SWITCH_KEEP; wish <= KSM_SWITCH_ON; wish++) {
		fx.conf.ksm.use_zero_pages = (enum ksm_switch)wish;
		ck_assert_int_eq(step().use_zero_pages, wish);
	}
}
END_TEST

/* 4 GiB are merged, a tenth of 16 GiB is the reserve; the guest has 6 GiB resident, 3 of
 * them merged. */
static const struct {
	const char *name;
	uint64_t available_kib, limit_kib;
	bool room;
} rooms[] = {
	{ "plenty", 10 * GIB_KIB, KT_UNLIMITED_KIB, true },
	{ "just what is needed", 5872024, KT_UNLIMITED_KIB, false },
	{ "a little more", 5872025, KT_UNLIMITED_KIB, true },
	{ "a limit that it would reach", 10 * GIB_KIB, 9 * GIB_KIB - 1, false },
	{ "a limit with room", 10 * GIB_KIB, 9 * GIB_KIB, true },
};

START_TEST(unmerging_needs_room_in_memory_and_below_every_limit)
{
	set_guest_of(6 * GIB_KIB);
	(void)fixture_guest(1);
	fx.sample[1].limit_kib = 1; /* nothing of it is merged */
	fx.sample[0].has_ksm = fx.sample[1].has_ksm = true;
	fx.sample[0].usage_kib = GIB_KIB;
	fx.view.guest[0].merged_kib = 3 * GIB_KIB;
	fx.view.merged_kib = 4 * GIB_KIB;
	fx.host.mem_available_kib = rooms[_i].available_kib;
	fx.sample[0].limit_kib = rooms[_i].limit_kib;
	ck_assert_msg(step().may_unmerge == rooms[_i].room, "%s", rooms[_i].name);
}
END_TEST

START_TEST(a_guest_that_cannot_be_read_has_no_room)
{
	set_guest_of(1);
	(void)fixture_guest(1);
	fx.host.mem_available_kib = 16 * GIB_KIB;
	ck_assert(step().may_unmerge);
	fx.view.guest[1].present = false;
	ck_assert(!step().may_unmerge);
	fx.view.guest[1].present = true;
	fx.view.merged_kib = GIB_KIB; /* whose it is, this kernel does not tell */
	fx.sample[1].has_ksm = false;
	ck_assert(step().may_unmerge);
	fx.sample[1].limit_kib = 4 * GIB_KIB + 2 * MIB_KIB;
	ck_assert(!step().may_unmerge);
}
END_TEST

START_TEST(another_policy_begins_anew)
{
	set_guest_of(1);
	fx.state.ksm.name = KSM_POLICY_AUTO;
	fx.state.ksm.automatic.phase = KSM_SWEEPS;
	fx.state.ksm.pages = 1000;
	(void)step();
	ck_assert_int_eq(fx.state.ksm.automatic.phase, KSM_RESTS);
	ck_assert_uint_ne(fx.state.ksm.pages, 1000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ksm_rules");
	TCase *c = tcase_create("rules");

	tcase_add_checked_fixture(c, host_of_16_gib, NULL);
	tcase_add_loop_test(c, what_stands_in_the_way_is_named, 0, (int)KT_ARRAY_LEN(stand_downs));
	tcase_add_test(c, the_advisor_is_stopped_only_by_a_plan_that_sets);
	tcase_add_loop_test(c, merge_across_nodes_is_what_is_configured, 0,
			    (int)KT_ARRAY_LEN(nodes));
	tcase_add_test(c, nothing_is_set_apart_while_placement_is_paused);
	tcase_add_test(c, a_guest_that_cannot_be_read_has_no_room);
	tcase_add_test(c, another_policy_begins_anew);
	tcase_add_test(c, use_zero_pages_is_what_is_configured);
	tcase_add_loop_test(c, unmerging_needs_room_in_memory_and_below_every_limit, 0,
			    (int)KT_ARRAY_LEN(rooms));
	tcase_add_test(c, only_opting_out_takes_a_guest_out);
	tcase_add_test(c, commitments_add_up_over_mergeable_guests_only);
	suite_add_tcase(s, c);
	return kt_run(s);
}
