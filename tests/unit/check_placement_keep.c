/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a guest keep its home until another one is worth the change? */
#include "placement_fixture.h"

#define NODE(n) (UINT64_C(1) << (n))

/* At home on node 0; so much of 10 GiB of its memory is on node 1, and stays where it is. */
static void guest_at_home(double cpus, uint64_t on1_kib)
{
	fixture_guest(cpus);
	fixture_pinned(0, 0);
	fixture_memory_on(0, G(10) - on1_kib, on1_kib);
	fx.conf.placement.memory = MEMORY_LEAVE;
}

static const struct {
	const char *name;
	double cpus;
	uint64_t on1_kib;
	double backoff_cpus;
	uint64_t changed_ago_ns;
	int home;
	enum why why;
} changes[] = {
	{ "all of its memory is at home", 2, 0, 0, SECONDS(100), 0, WHY_HOME_BY_MEMORY },
	{ "most of it is not", 2, G(6), 0, SECONDS(100), 0, WHY_HOME_KEPT },
	{ "a gain just below 0.2 CPUs", 2, G(7) - 1024, 0, SECONDS(100), 0, WHY_HOME_KEPT },
	{ "a gain just above 0.2 CPUs", 2, G(7) + 1024, 0, SECONDS(100), 1, WHY_HOME_BY_MEMORY },
	{ "an idle guest gains nothing", 0, G(10), 0, SECONDS(100), 0, WHY_HOME_KEPT },
	{ "a vCPU gains just not enough", 0.79, G(10), 0, SECONDS(100), 0, WHY_HOME_KEPT },
	{ "a vCPU gains just enough", 0.81, G(10), 0, SECONDS(100), 1, WHY_HOME_BY_MEMORY },
	{ "a gain just below what it backs off for", 2, G(8) - 1024, 0.1, SECONDS(100), 0,
	  WHY_HOME_KEPT },
	{ "a gain just above what it backs off for", 2, G(8) + 1024, 0.1, SECONDS(100), 1,
	  WHY_HOME_BY_MEMORY },
	{ "just within the cool-down", 2, G(10), 0, SECONDS(15) - 1, 0, WHY_COOLING_DOWN },
	{ "at the end of the cool-down", 2, G(10), 0, SECONDS(15), 1, WHY_HOME_BY_MEMORY },
	{ "nothing to gain within the cool-down", 2, G(6), 0, SECONDS(1), 0, WHY_HOME_KEPT },
};

START_TEST(a_home_is_left_for_a_clear_gain)
{
	guest_at_home(changes[_i].cpus, changes[_i].on1_kib);
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - changes[_i].changed_ago_ns;
	fx.state.placement.guest[0] =
		(struct placement_guest){ .incarnation = 1,
					  .backoff_cpus = changes[_i].backoff_cpus,
					  .backoff_ns = fx.view.now_ns };
	expect(changes[_i].name, step(), changes[_i].home, WISH_SET, changes[_i].why);
}
END_TEST

START_TEST(far_memory_weighs_more_than_near_memory)
{
	fixture_distance(0, 1, 15);
	guest_at_home(2, G(8));
	expect("half as far as unknown", step(), 0, WISH_SET, WHY_HOME_KEPT);
	fixture_distance(0, 1, 20);
	expect("twice local", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(a_guest_that_outgrows_its_node_runs_everywhere)
{
	guest_at_home(8, 0);
	fx.domain[0].vcpus = 8;
	fx.conf.placement.memory = MEMORY_MOVE;
	fx.view.node_busy_cpus[0] = fx.view.node_busy_cpus[1] = 4;
	expect("no node has room", step(), -1, WISH_RELEASE, WHY_SPREAD);
}
END_TEST

START_TEST(while_a_guest_waits_to_leave_its_memory_may_come)
{
	guest_at_home(2, G(10));
	fx.conf.placement.memory = MEMORY_MOVE;
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - SECONDS(1);
	fx.view.node_busy_cpus[0] = 8;
	fx.view.dt_s = 0.5;
	expect("has just come", step(), 0, WISH_SET, WHY_COOLING_DOWN);
	ck_assert(fx.state.placement.unit[0].brings);
}
END_TEST

START_TEST(memory_that_can_move_comes_and_its_guest_stays)
{
	guest_at_home(2, G(10));
	fx.conf.placement.memory = MEMORY_MOVE;
	expect("all of it away", step(), 0, WISH_SET, WHY_HOME_KEPT);
	ck_assert(fx.state.placement.unit[0].brings);
}
END_TEST

/* Together they have to gain it, not each. */
START_TEST(small_gains_of_many_are_a_gain)
{
	unsigned int n = 0;

	for (size_t i = 0; i < 2; i++) {
		fixture_guest(1.7);
		fixture_pinned(i, 0);
		fixture_memory_on(i, G(3) - 1, G(7) + 1); /* 0.17, less the change's 0.1 */
	}
	fx.conf.placement.memory = MEMORY_LEAVE;
	(void)step();
	for (size_t i = 0; i < 2; i++)
		n += plan_of(i)->nodes == NODE(1);
	ck_assert_uint_eq(n, 2);
	fixture_forget();
	fixture_wants(1, 0);
	(void)step();
	expect("one alone", plan_of(0), 0, WISH_SET, WHY_HOME_KEPT);
}
END_TEST

START_TEST(a_guest_in_want_of_cpus_leaves_and_its_memory_follows)
{
	guest_at_home(3, 0);
	fx.conf.placement.memory = MEMORY_MOVE;
	fx.view.node_busy_cpus[0] = 5.1;
	expect("a tenth of a CPU is missing", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fixture_forget();
	fx.view.node_busy_cpus[0] = 5.3;
	expect("three tenths are", step(), 1, WISH_SET, WHY_NODE_CROWDED);
	ck_assert(fx.state.placement.unit[0].brings);
}
END_TEST

START_TEST(a_home_that_no_longer_holds_it_is_left_at_once)
{
	const struct cpumask gone = cpus_of(7, 7);

	guest_at_home(1, 0);
	fx.conf.placement.memory = MEMORY_MOVE;
	fx.domain[0].vcpus = 8;
	expect("holds it", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns;
	fx.topology.node[0].cpus = cpus_of(0, 6); /* a CPU went off line */
	fx.topology.usable = cpumask_andnot(&fx.topology.usable, &gone);
	expect("holds it no more", step(), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.in_force.guest[0].nodes = fx.in_force.guest[0].cell_nodes[0] = 0;
	expect("a home that never was", step(), 1, WISH_SET, WHY_NODE_CROWDED);
}
END_TEST

START_TEST(a_full_home_drives_nobody_out)
{
	guest_at_home(1, 0);
	fx.conf.placement.memory = MEMORY_MOVE;
	fx.host.node[0].mem_free_kib = 0;
	expect("full", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(guests_that_need_each_others_homes_swap)
{
	for (size_t i = 0; i < 2; i++) {
		fixture_guest(3);
		fixture_pinned(i, (int)i);
		fixture_memory_on(i, i ? G(4) : 0, i ? 0 : G(4));
	}
	fx.conf.placement.memory = MEMORY_LEAVE;
	fx.view.node_busy_cpus[0] = fx.view.node_busy_cpus[1] = 5;
	(void)step();
	expect("the one", plan_of(0), 1, WISH_SET, WHY_HOME_BY_MEMORY);
	expect("the other", plan_of(1), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

/* ---- a guest that was released -------------------------------------------------------- */

START_TEST(being_everywhere_is_kept_too)
{
	fixture_guest(8);
	fx.domain[0].vcpus = 8;
	fixture_memory_on(0, G(1) + 1024, G(1));
	fx.view.node_busy_cpus[0] = fx.view.node_busy_cpus[1] = 4;
	expect("no node has room", step(), -1, WISH_RELEASE, WHY_SPREAD);
	fixture_wants(0, 1.55);
	expect("a gain just below 0.2 CPUs", step(), -1, WISH_RELEASE, WHY_SPREAD);
	fixture_wants(0, 1.75);
	expect("a gain just above 0.2 CPUs", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(a_new_guest_in_an_old_slot_is_new)
{
	fixture_guest(0.5);
	fixture_memory_on(0, G(1) + 1024, G(1));
	fx.view.node_busy_cpus[0] = 8;
	fx.view.node_busy_cpus[1] = 8;
	(void)step();
	fx.state.placement.guest[0].backoff_cpus = 7;
	fx.view.guest[0].incarnation = fx.in_force.guest[0].incarnation = 9;
	fx.view.node_busy_cpus[0] = fx.view.node_busy_cpus[1] = 0;
	(void)step();
	ck_assert_uint_eq(plan_of(0)->nodes, NODE(0));
	ck_assert_double_eq(fx.state.placement.guest[0].backoff_cpus, 0);
}
END_TEST

/* ---- back-off ----------------------------------------------------------------------------- */

/* The wish is carried out, and seen at the next step; what it backs off for then. */
static double backoff_after_change(void)
{
	carry_out(0);
	fixture_later(5);
	(void)step();
	return fx.state.placement.guest[0].backoff_cpus;
}

START_TEST(each_change_makes_the_next_one_dearer)
{
	double first, second;

	guest_at_home(4, G(10));
	(void)step();
	ck_assert_double_eq(fx.state.placement.guest[0].backoff_cpus, 0);
	first = backoff_after_change();
	ck_assert_double_gt(first, 0.01);
	ck_assert_double_lt(first, 0.2);
	fixture_memory_on(0, G(10), 0);
	fixture_later(15);
	(void)step();
	second = backoff_after_change();
	ck_assert_double_lt(second, 2.5 * first); /* some of it has been forgotten */
	ck_assert_double_gt(second, 2.4 * first);
}
END_TEST

START_TEST(what_was_not_carried_out_costs_nothing)
{
	guest_at_home(4, G(10));
	for (int i = 0; i < 5; i++) {
		fixture_later(5);
		expect("wished", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
	}
	ck_assert_double_eq(fx.state.placement.guest[0].backoff_cpus, 0);
}
END_TEST

START_TEST(a_back_off_falls_by_half_in_eight_minutes)
{
	guest_at_home(2, G(8) + 1024);
	fx.state.placement.guest[0] = (struct placement_guest){ .incarnation = 1,
								.backoff_cpus = 0.2,
								.backoff_ns = fx.view.now_ns };
	expect("at once", step(), 0, WISH_SET, WHY_HOME_KEPT);
	fixture_later(455);
	expect("just before", step(), 0, WISH_SET, WHY_HOME_KEPT);
	fixture_later(10);
	expect("just after", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_keep");
	TCase *c = tcase_create("keep");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_loop_test(c, a_home_is_left_for_a_clear_gain, 0, (int)KT_ARRAY_LEN(changes));
	tcase_add_test(c, far_memory_weighs_more_than_near_memory);
	tcase_add_test(c, a_guest_that_outgrows_its_node_runs_everywhere);
	tcase_add_test(c, while_a_guest_waits_to_leave_its_memory_may_come);
	tcase_add_test(c, memory_that_can_move_comes_and_its_guest_stays);
	tcase_add_test(c, small_gains_of_many_are_a_gain);
	tcase_add_test(c, a_guest_in_want_of_cpus_leaves_and_its_memory_follows);
	tcase_add_test(c, a_home_that_no_longer_holds_it_is_left_at_once);
	tcase_add_test(c, a_full_home_drives_nobody_out);
	tcase_add_test(c, guests_that_need_each_others_homes_swap);
	tcase_add_test(c, being_everywhere_is_kept_too);
	tcase_add_test(c, a_new_guest_in_an_old_slot_is_new);
	tcase_add_test(c, each_change_makes_the_next_one_dearer);
	tcase_add_test(c, what_was_not_carried_out_costs_nothing);
	tcase_add_test(c, a_back_off_falls_by_half_in_eight_minutes);
	suite_add_tcase(s, c);
	return kt_run(s);
}
