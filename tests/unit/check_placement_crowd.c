/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do guests share the nodes, and do crowded homes give guests up? */
#include "placement_fixture.h"

START_TEST(a_home_is_crowded_when_a_tenth_more_is_asked_than_it_has)
{
	resident(0, 4.4);
	resident(0, 4.3);
	fx.sample[1].node_memory_kib[0] = G(3);
	(void)step();
	expect("8.7 of 8", plan_of(0), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	expect("8.7 of 8", plan_of(1), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fx.view.guest[1].demand_cpus.value = 4.41;
	(void)step();
	expect("8.81 of 8", plan_of(0), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	expect("8.81 of 8: the one that leaves less", plan_of(1), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.sample[0].node_memory_kib[0] = G(3) - 1;
	(void)step();
	expect("8.81 of 8: the one that leaves less", plan_of(0), 1, WISH_SET, WHY_NODE_CROWDED);
	expect("8.81 of 8", plan_of(1), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(who_finds_no_other_home_is_released)
{
	resident(0, 4.4);
	resident(0, 4.41);
	fx.sample[1].node_memory_kib[0] = G(3);
	resident(1, 3.6);
	(void)step();
	expect("no room", plan_of(1), -1, WISH_RELEASE, WHY_NODE_CROWDED);
	fx.view.guest[2].demand_cpus.value = 3.59;
	(void)step();
	expect("just room", plan_of(1), 1, WISH_SET, WHY_NODE_CROWDED);
}
END_TEST

START_TEST(nobody_leaves_a_crowded_home_who_was_not_measured_or_just_moved)
{
	resident(0, 8);
	resident(0, 8);
	fx.view.guest[0].nsamples = fx.view.guest[1].nsamples = 5;
	(void)step();
	expect("a restart: nobody is measured", plan_of(0), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	expect("a restart: nobody is measured", plan_of(1), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fx.view.guest[1].nsamples = 6;
	fx.view.guest[1].demand_cpus.value = 4;
	(void)step();
	expect("what is not measured crowds nobody", plan_of(1), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fx.view.guest[1].demand_cpus.value = 8;
	fx.view.guest[0].nsamples = 6;
	fx.sample[0].node_memory_kib[0] = G(3);
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - SECONDS(60) + 1;
	(void)step();
	expect("cooling down", plan_of(0), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	expect("the next one goes", plan_of(1), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.in_force.guest[1].pin_changed_ns = fx.view.now_ns;
	(void)step();
	expect("both cool down", plan_of(1), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fx.in_force.guest[0].pin_changed_ns--;
	(void)step();
	expect("cooled down", plan_of(0), 1, WISH_SET, WHY_NODE_CROWDED);
}
END_TEST

START_TEST(an_idle_guest_brings_no_relief_and_stays)
{
	resident(0, 8);
	resident(0, 8);
	resident(0, 0);
	fx.sample[2].node_memory_kib[0] = G(1);
	fx.host.node[0].mem_free_kib = 0; /* once gone, it could not come back */
	(void)step();
	expect("idle", plan_of(2), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

/* Letting go would cost their memory and bring nobody any CPU. */
START_TEST(on_a_host_that_is_too_small_for_its_guests_homes_are_kept)
{
	for (size_t i = 0; i < 2; i++) {
		resident(0, 6);
		resident(1, 6);
	}
	(void)step();
	for (size_t i = 0; i < 4; i++)
		expect("all alike", plan_of(i), (int)(i % 2), WISH_SET, WHY_HOME_BY_MEMORY);
	resident(0, 4); /* 16 and 12 CPUs: a mean of 14 of 8, and a tenth more is 15.4 */
	fx.sample[4].node_memory_kib[0] = G(1);
	(void)step();
	expect("clearly more than the other", plan_of(4), -1, WISH_RELEASE, WHY_NODE_CROWDED);
	fx.view.guest[4].demand_cpus.value = 2;
	(void)step();
	expect("little more than the other", plan_of(4), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

/* ---- what else loads a node ---------------------------------------------------------- */

START_TEST(load_of_guests_that_are_not_placed_counts_where_they_may_run)
{
	fixture_guest(3.001);
	fixture_memory_on(0, G(2), 0);
	fixture_guest(4);
	fx.domain[1].vcpus = 6;
	fixture_threads(1, 6);
	fx.domain[1].admin_pins = true;
	for (size_t i = 0; i < 8; i++)
		fx.thread[1][i].first_allowed = cpus_of(0, 3);
	fixture_guest(2); /* spread over all: one CPU of each node */
	fx.domain[2].realtime = true;
	expect("5 of 8 CPUs taken", step(), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.view.guest[0].demand_cpus.value = 3;
	expect("just fits", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(load_that_must_run_here_crowds_a_home_and_other_load_does_not)
{
	resident(0, 4.81);
	fixture_guest(4);
	fx.domain[1].admin_pins = true;
	for (size_t i = 1; i < 5; i++)
		fx.thread[1][i].first_allowed = cpus_of(0, 8);
	expect("it can go to CPU 8", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	for (size_t i = 1; i < 5; i++)
		fx.thread[1][i].first_allowed = cpus_of(0, 7);
	expect("it must run here", step(), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.view.guest[0].demand_cpus.value = 4.8;
	expect("just not crowded", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(a_guest_that_leaves_makes_room_in_the_same_plan)
{
	fixture_guest(5);
	fx.domain[0].vcpus = 8;
	fixture_memory_on(0, G(2), 0);
	resident(0, 5);
	fixture_memory_on(1, 0, G(4));
	expect("the one", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	expect("the other", plan_of(1), 1, WISH_SET, WHY_HOME_BY_MEMORY);
	fixture_memory_on(1, 1, G(4));
	fx.in_force.guest[1].pin_changed_ns = fx.view.now_ns;
	expect("the other may not leave yet", step(), 1, WISH_SET, WHY_NODE_CROWDED);
}
END_TEST

START_TEST(load_of_a_guest_that_is_held_counts_at_its_home)
{
	fixture_guest(3);
	fixture_memory_on(0, G(2), 0);
	resident(0, 5.1);
	fx.domain[1].busy = true;
	expect("held at home", step(), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.in_force.guest[1].nodes = nodemask_of(1);
	expect("held elsewhere", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(young_guests_claim_all_their_memory)
{
	for (size_t i = 0; i < 4; i++) {
		fixture_guest(0.1)->nsamples = 1;
		fx.domain[i].vcpus = 1;
		fixture_memory_on(i, 0, 0);
	}
	fx.host.node[0].mem_free_kib = G(16);
	fx.host.node[1].mem_free_kib = G(8) - 1;
	(void)step();
	expect("the first", plan_of(0), 0, WISH_SET, WHY_HOME_BY_FREE_MEMORY);
	expect("the second", plan_of(1), 0, WISH_SET, WHY_HOME_BY_FREE_MEMORY);
	expect("the third", plan_of(2), -1, WISH_RELEASE, WHY_NOT_MEASURED);
	fx.view.guest[0].nsamples = 6;
	(void)step();
	expect("the first has grown up", plan_of(2), 0, WISH_SET, WHY_HOME_BY_FREE_MEMORY);
}
END_TEST

/* At the daemon's own start nobody is measured, but memory is where it is. */
START_TEST(a_guest_that_has_lived_is_not_taken_from_its_memory_before_it_is_measured)
{
	fixture_guest(1)->nsamples = 5;
	resident(0, 4.5);
	fixture_memory_on(0, G(4), 1);
	expect("more than half of its memory", step(), -1, WISH_RELEASE, WHY_NOT_MEASURED);
	fixture_memory_on(0, G(4), 0);
	expect("half of its memory", step(), 1, WISH_SET, WHY_NODE_CROWDED);
	fixture_memory_on(0, G(4), 1);
	fx.view.guest[0].nsamples = 6;
	expect("measured", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fx.view.guest[0].demand_cpus.value = 4;
	expect("measured, and the node is crowded", step(), 1, WISH_SET, WHY_NODE_CROWDED);
}
END_TEST

START_TEST(a_crowd_that_starts_at_once_is_spread)
{
	for (size_t i = 0; i < 8; i++) {
		fixture_guest(0)->nsamples = 1;
		fx.domain[i].vcpus = 2;
		fx.domain[i].memory_kib = G(1);
		fixture_memory_on(i, 0, 0);
	}
	(void)step();
	for (size_t i = 0; i < 8; i++)
		ck_assert_uint_eq(plan_of(i)->nodes, nodemask_of(i % 2));
	fixture_guest(0)->nsamples = 1;
	fixture_memory_on(8, 0, 0);
	(void)step();
	expect("no CPU is left", plan_of(8), -1, WISH_RELEASE, WHY_NOT_MEASURED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_crowd");
	TCase *c = tcase_create("crowd");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_test(c, a_home_is_crowded_when_a_tenth_more_is_asked_than_it_has);
	tcase_add_test(c, who_finds_no_other_home_is_released);
	tcase_add_test(c, nobody_leaves_a_crowded_home_who_was_not_measured_or_just_moved);
	tcase_add_test(c, an_idle_guest_brings_no_relief_and_stays);
	tcase_add_test(c, on_a_host_that_is_too_small_for_its_guests_homes_are_kept);
	tcase_add_test(c, load_of_guests_that_are_not_placed_counts_where_they_may_run);
	tcase_add_test(c, load_that_must_run_here_crowds_a_home_and_other_load_does_not);
	tcase_add_test(c, a_guest_that_leaves_makes_room_in_the_same_plan);
	tcase_add_test(c, load_of_a_guest_that_is_held_counts_at_its_home);
	tcase_add_test(c, young_guests_claim_all_their_memory);
	tcase_add_test(c,
		       a_guest_that_has_lived_is_not_taken_from_its_memory_before_it_is_measured);
	tcase_add_test(c, a_crowd_that_starts_at_once_is_spread);
	suite_add_tcase(s, c);
	return kt_run(s);
}
