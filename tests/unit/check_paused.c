/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is nothing done to what the operator has paused, and does nothing stay that must not? */
#include "policy_fixture.h"

/* Short of memory, with an idle guest that is at home on node 0, and whose memory is not. */
static void setup(void)
{
	fixture_idle_guest_at_home();
	fixture_memory_on(0, 0, 2 * GIB_KIB);
}

static void by_placement(void)
{
	fx.conf.placement.mode = LOOP_PAUSED;
}

static const struct {
	const char *name;
	void (*given)(void);
} pauses[] = {
	{ "the loop", by_placement },
	{ "the guest", by_operator_pause },
};

START_TEST(pins_stay_and_no_memory_moves)
{
	const struct guest_plan *g = fixture_step();

	ck_assert(fx.plan.move.go); /* but for the pause */
	pauses[_i].given();
	g = fixture_step();
	ck_assert_msg(g->placement.wish == WISH_HOLD, "%s: wish %d", pauses[_i].name,
		      g->placement.wish);
	ck_assert(!fx.plan.move.go && !g->settling && !g->placement.dry_run);
	ck_assert_int_eq(g->placement.why, WHY_PAUSED);
}
END_TEST

START_TEST(a_released_guest_is_given_back_though_all_is_paused)
{
	const struct guest_plan *g;

	by_paused_loops_and_release();
	g = fixture_step();
	ck_assert_int_eq(g->placement.wish, WISH_RELEASE);
	ck_assert_int_eq(g->memory.wish, WISH_RELEASE);
	ck_assert(!g->placement.dry_run && !g->memory.dry_run);
}
END_TEST

/* Whatever it observed or did before. */
START_TEST(a_pause_is_no_dry_run)
{
	const struct guest_plan *g;

	by_paused_loops();
	g = fixture_step();
	ck_assert_int_eq(g->memory.wish, WISH_RELEASE);
	ck_assert_int_eq(fx.plan.ksm.wish, WISH_RELEASE);
	ck_assert(!g->memory.dry_run && !fx.plan.ksm.dry_run);
	ck_assert(!fx.plan.memory.squeezing);
}
END_TEST

START_TEST(the_others_are_squeezed_in_its_place)
{
	fx.conf.placement.mode = LOOP_OFF;
	fixture_guest(0.1);
	by_operator_pause();
	(void)fixture_step();
	ck_assert_int_eq(fx.plan.guest[0].memory.why, WHY_PAUSED);
	ck_assert_int_eq(fx.plan.guest[1].memory.why, WHY_IDLEST_UNDER_PRESSURE);
}
END_TEST

START_TEST(its_verdict_on_merging_does_not_change)
{
	enum why before = fixture_step()->ksm;

	by_operator_pause();
	ck_assert_int_eq(fixture_step()->ksm, before);
	by_paused_loops_and_release();
	ck_assert_int_eq(fixture_step()->ksm, before);
}
END_TEST

/* ---- what is set beside pins --------------------------------------------------------- */

START_TEST(balancing_is_off_for_pins_that_stay_and_for_nothing_else)
{
	fx.conf.placement.numa_balancing = BALANCING_OFF;
	by_placement();
	(void)fixture_step();
	ck_assert_int_eq(fx.plan.numa_balancing, KSM_SWITCH_OFF);
	fx.in_force.guest[0].incarnation = 77; /* the pins of another one */
	(void)fixture_step();
	ck_assert_int_eq(fx.plan.numa_balancing, KSM_SWITCH_KEEP);
	fx.in_force.guest[0].incarnation = fx.view.guest[0].incarnation;
	fx.in_force.guest[0].pinned = false;
	(void)fixture_step();
	ck_assert_int_eq(fx.plan.numa_balancing, KSM_SWITCH_KEEP);
}
END_TEST

/* A core each, of two CPUs; of a guest of one vCPU on node 0. */
static void cores(void)
{
	fixture_reset();
	for (unsigned int cpu = 0; cpu < 16; cpu++)
		fx.topology.core_of[cpu] = (uint16_t)(cpu / 2);
	fx.topology.node[0].ncores = fx.topology.node[1].ncores = 4;
	fx.conf.placement.pin = PIN_CORE;
	for (size_t i = 0; i < 2; i++) {
		fixture_guest(0.5);
		fixture_memory_on(i, 2 * GIB_KIB, 0);
		fixture_pinned(i, 0);
		fx.domain[i].vcpus = 1;
	}
}

START_TEST(nobody_is_given_the_core_of_a_paused_guest)
{
	struct cpumask second = cpus_of(2, 3);

	cores();
	fx.in_force.guest[0].cpus = cpus_of(0, 1);
	by_operator_pause();
	(void)fixture_step();
	ck_assert_int_eq(fx.plan.guest[0].placement.wish, WISH_HOLD);
	ck_assert(cpumask_equal(&fx.plan.guest[1].placement.cell[0].cpus, &second));
}
END_TEST

START_TEST(a_whole_node_is_nobodys_core)
{
	struct cpumask first = cpus_of(0, 1);

	cores();
	by_operator_pause();
	(void)fixture_step();
	ck_assert(cpumask_equal(&fx.plan.guest[1].placement.cell[0].cpus, &first));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("paused");
	TCase *c = tcase_create("pauses");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_loop_test(c, pins_stay_and_no_memory_moves, 0, (int)KT_ARRAY_LEN(pauses));
	tcase_add_test(c, a_released_guest_is_given_back_though_all_is_paused);
	tcase_add_test(c, a_pause_is_no_dry_run);
	tcase_add_test(c, the_others_are_squeezed_in_its_place);
	tcase_add_test(c, its_verdict_on_merging_does_not_change);
	tcase_add_test(c, balancing_is_off_for_pins_that_stay_and_for_nothing_else);
	tcase_add_test(c, nobody_is_given_the_core_of_a_paused_guest);
	tcase_add_test(c, a_whole_node_is_nobodys_core);
	suite_add_tcase(s, c);
	return kt_run(s);
}
