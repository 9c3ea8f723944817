/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is who is harmed let go at once, and does a step follow from what the last one did? */
#include "memory_fixture.h"

static void by_psi(void)
{
	fx.view.guest[0].psi_memory_pct = 1;
}

static void by_more_psi(void)
{
	fx.view.guest[0].psi_memory_pct = 1.001;
}

static void by_faults(void)
{
	fx.view.guest[0].majfault_per_s = 100;
}

static void by_more_faults(void)
{
	fx.view.guest[0].majfault_per_s = 100.1;
}

static void by_refaults(void)
{
	fx.view.guest[0].refault_per_s = 800;
}

static void by_more_refaults(void)
{
	fx.view.guest[0].refault_per_s = 801;
}

/* 41943 KiB are a hundredth of its usage. */
static void by_growth(void)
{
	fx.sample[0].cgroup_v2 = true;
	limit_in_force(0, G4 - 41943);
}

static void by_more_growth(void)
{
	fx.sample[0].cgroup_v2 = true;
	limit_in_force(0, G4 - 41944);
}

static void by_growth_on_v1(void)
{
	limit_in_force(0, G3);
}

static const struct {
	const char *name;
	void (*given)(void);
	bool harmed;
} harms[] = {
	{ "stalls at their bound", by_psi, false },
	{ "stalls just past it", by_more_psi, true },
	{ "faults at their bound", by_faults, false },
	{ "faults just past it", by_more_faults, true },
	{ "refaults at their bound", by_refaults, false },
	{ "refaults just past it", by_more_refaults, true },
	{ "grown past its limit by a hundredth", by_growth, false },
	{ "grown just further, and throttled", by_more_growth, true },
	{ "grown past a hint", by_growth_on_v1, false },
};

START_TEST(who_is_harmed_is_let_go)
{
	harms[_i].given();
	(void)step();
	ck_assert_msg((plan_of(0)->why == WHY_GUEST_SUFFERS) == harms[_i].harmed, "%s: %s",
		      harms[_i].name, why_str(plan_of(0)->why));
	ck_assert_msg((plan_of(0)->wish == WISH_RELEASE) == harms[_i].harmed, "%s: wish %d",
		      harms[_i].name, plan_of(0)->wish);
}
END_TEST

/* ---- waiting for a CPU ------------------------------------------------------------------- */

static void waits(double cpus_per_vcpu)
{
	struct guest_view *g = &fx.view.guest[0];

	g->demand_cpus.value = 4 * (0.01 + cpus_per_vcpu);
	g->steal_share.value = 4 * cpus_per_vcpu / g->demand_cpus.value;
}

static const struct {
	const char *name;
	double before, after; /* CPUs, of each vCPU */
	uint64_t seconds;     /* since the step */
	bool dry_run, harmed;
} delays[] = {
	{ "never waits", 0, 0, 5, false, false },
	{ "did not wait, and a little now", 0, 0.0499, 5, false, false },
	{ "did not wait, and does now", 0, 0.0501, 5, false, true },
	{ "waits no longer", 0.06, 0.06, 5, false, false },
	{ "waits more, but not clearly", 0.06, 0.1199, 5, false, false },
	{ "waits twice as long", 0.06, 0.1201, 5, false, true },
	{ "just before it may have another reason", 0, 0.0501, 29, false, true },
	{ "when it may have another reason", 0, 0.0501, 30, false, false },
	{ "nothing was done", 0, 0.0501, 5, true, false },
};

START_TEST(a_guest_that_waits_more_since_a_step_is_harmed)
{
	by_reclaim();
	waits(delays[_i].before);
	given.dry_run[0] = delays[_i].dry_run;
	expect("a step", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	waits(delays[_i].after);
	given.host.deficit_kib = 0; /* no other step meanwhile */
	(void)step_after_s(delays[_i].seconds);
	ck_assert_msg((plan_of(0)->why == WHY_GUEST_SUFFERS) == delays[_i].harmed, "%s: %s",
		      delays[_i].name, why_str(plan_of(0)->why));
}
END_TEST

START_TEST(a_guest_that_was_never_squeezed_may_wait)
{
	fx.view.now_ns = SECONDS(20); /* of a host that has just started */
	waits(0.3);
	(void)step();
	ck_assert_int_ne(plan_of(0)->why, WHY_GUEST_SUFFERS);
}
END_TEST

/* ---- left alone ---------------------------------------------------------------------------- */

START_TEST(who_suffered_is_left_alone_for_a_while)
{
	uint64_t then_ns = fx.view.now_ns;

	by_more_faults();
	expect("suffers", step(), WISH_RELEASE, WHY_GUEST_SUFFERS);
	fx.view.guest[0].majfault_per_s = 0;
	fx.view.now_ns = then_ns + SECONDS(300) - 1;
	expect("just within the back-off", step(), WISH_RELEASE, WHY_GUEST_SUFFERS);
	fx.view.now_ns = then_ns + SECONDS(300);
	expect("after the back-off", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	by_more_faults();
	expect("suffers again", step(), WISH_RELEASE, WHY_GUEST_SUFFERS);
	fx.view.guest[0].majfault_per_s = 0;
	fx.view.guest[0].incarnation = 99;
	expect("another guest in its slot", step_after_s(10), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
}
END_TEST

/* Squeezed, suffering and let go again and again, as soon as it is allowed. */
static uint64_t suffer_after(uint64_t wait_s)
{
	fx.view.now_ns += SECONDS(wait_s);
	by_more_psi();
	(void)step();
	fx.view.guest[0].psi_memory_pct = 0;
	return fx.state.memory.guest[0].backoff_s;
}

START_TEST(who_suffers_again_is_left_alone_for_twice_as_long)
{
	limit_in_force(0, G4);
	ck_assert_uint_eq(suffer_after(0), 300);
	ck_assert_uint_eq(suffer_after(299), 300);  /* still the same suffering */
	ck_assert_uint_eq(suffer_after(300), 600);  /* again */
	ck_assert_uint_eq(suffer_after(2400), 300); /* four back-offs later: anew */
	ck_assert_uint_eq(suffer_after(300), 600);
	ck_assert_uint_eq(suffer_after(2399), 1200);
	ck_assert_uint_eq(suffer_after(1200), 2400);
	ck_assert_uint_eq(suffer_after(2400), 4800);
	ck_assert_uint_eq(suffer_after(4800), 4800); /* 16 times */
	fx.view.now_ns += SECONDS(4800) - 1;
	expect("just within the longest back-off", step(), WISH_RELEASE, WHY_GUEST_SUFFERS);
	fx.view.now_ns++;
	expect("after the longest back-off", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
}
END_TEST

/* Steps have nothing to do with it. */
START_TEST(who_wakes_up_again_and_again_is_left_alone_no_longer_than_once)
{
	ck_assert_uint_eq(suffer_after(0), 300);
	ck_assert_uint_eq(suffer_after(300), 300);
	ck_assert_uint_eq(suffer_after(300), 300);
	(void)step_after_s(300);
	ck_assert_uint_eq(suffer_after(29), 600); /* a step, and then */
	ck_assert_uint_eq(suffer_after(599), 600);
	(void)step_after_s(600);
	ck_assert_uint_eq(suffer_after(30), 300); /* too late to be of the step */
}
END_TEST

/* ---- a mean of ten seconds --------------------------------------------------------------- */

START_TEST(a_moment_is_no_harm_and_a_second_of_it_is)
{
	fx.view.dt_s = 1;
	for (int i = 0; i < 10; i++)
		(void)step_after_s(1);
	fx.view.guest[0].psi_memory_pct = 9.9;
	expect("a tenth of a second in ten", step_after_s(1), WISH_HOLD, WHY_COOLING_DOWN);
	fx.view.guest[0].psi_memory_pct = 0;
	for (int i = 0; i < 30; i++)
		(void)step_after_s(1);
	fx.view.guest[0].psi_memory_pct = 11;
	expect("more", step_after_s(1), WISH_RELEASE, WHY_GUEST_SUFFERS);
}
END_TEST

/* ---- the next step ----------------------------------------------------------------------------
 */

/* What a step of reclaim takes that brought so much of what it asked for. */
static uint64_t take_after_s(uint64_t seconds, uint64_t got_permille)
{
	uint64_t asked = plan_of(0)->wish == WISH_SET ? G4 - plan_of(0)->target_kib : 16384;

	reclaim_ended(0, asked, asked * got_permille / 1000);
	(void)step_after_s(seconds);
	return plan_of(0)->wish == WISH_SET ? G4 - plan_of(0)->target_kib : 0;
}

static void first_step(void)
{
	by_reclaim();
	fx.view.guest[0].demand_cpus.value = 0;
	fx.conf.memory.step_max_mib = 1024;
	(void)step();
	expect_target("the first step", plan_of(0), MEMORY_RECLAIM, G4 - 16384);
}

START_TEST(steps_grow_while_they_do_no_harm)
{
	first_step();
	ck_assert_uint_eq(take_after_s(6, 1000), 2 * 16384);
	ck_assert_uint_eq(take_after_s(6, 250), 4 * 16384);
	ck_assert_uint_eq(take_after_s(6, 1000), 8 * 16384);
	ck_assert_uint_eq(take_after_s(6, 1000), 16 * 16384);
	ck_assert_uint_eq(take_after_s(6, 1000), 335544); /* 80 permille */
	by_more_faults();
	expect("harm", step_after_s(5), WISH_RELEASE, WHY_GUEST_SUFFERS);
	fx.view.guest[0].majfault_per_s = 0;
	ck_assert_uint_eq(take_after_s(300, 1000), 16384);
}
END_TEST

static const struct {
	double psi_pct;
	uint64_t next_kib; /* after a step of 32 MiB */
} stalls[] = {
	{ 0, 65536 }, { 0.1, 65536 }, { 0.1001, 16384 }, { 0.5, 16384 }, { 0.5001, 0 },
};

START_TEST(the_next_step_is_smaller_while_the_guest_is_uneasy)
{
	first_step();
	ck_assert_uint_eq(take_after_s(6, 1000), 2 * 16384);
	fx.view.guest[0].psi_memory_pct = stalls[_i].psi_pct;
	ck_assert_uint_eq(take_after_s(6, 1000), stalls[_i].next_kib);
}
END_TEST

START_TEST(a_step_is_judged_once)
{
	first_step();
	reclaim_ended(0, 16384, 16384);
	given.host.price = given.host.shortage = 0.6;
	for (int i = 0; i < 5; i++)
		expect("enough for now", step_after_s(6), WISH_HOLD, WHY_HOST_BETWEEN);
	given.host.price = given.host.shortage = 0.9;
	ck_assert_uint_eq(take_after_s(1, 1000), 2 * 16384);
}
END_TEST

START_TEST(who_was_let_go_begins_anew)
{
	first_step();
	ck_assert_uint_eq(take_after_s(6, 1000), 2 * 16384);
	given.host.shortage = 0.1;
	expect("calm", step_after_s(6), WISH_RELEASE, WHY_HOST_CALM);
	given.host.shortage = 0.9;
	expect_target("the first step", step_after_s(1), MEMORY_RECLAIM, G4 - 16384);
}
END_TEST

START_TEST(what_was_harmless_long_ago_says_nothing)
{
	first_step();
	ck_assert_uint_eq(take_after_s(6, 1000), 2 * 16384);
	ck_assert_uint_eq(take_after_s(299, 1000), 4 * 16384);
	ck_assert_uint_eq(take_after_s(300, 1000), 16384);
}
END_TEST

START_TEST(a_limit_that_does_no_harm_goes_down_faster_too)
{
	fx.view.guest[0].demand_cpus.value = 0;
	(void)step();
	limit_in_force(0, plan_of(0)->target_kib);
	reclaim_ended(0, G4, 0); /* of before, by other means */
	expect_target("doubled", step_after_s(6), MEMORY_SOFT_LIMIT, 4145152);
}
END_TEST

START_TEST(who_gives_hardly_anything_twice_has_nothing_cold)
{
	first_step();
	ck_assert_uint_eq(take_after_s(6, 249), 16384); /* once, and it has not grown */
	ck_assert_uint_eq(take_after_s(6, 1000), 2 * 16384);
	ck_assert_uint_eq(take_after_s(6, 0), 2 * 16384);
	ck_assert_uint_eq(take_after_s(6, 249), 0);
	expect("twice in a row", plan_of(0), WISH_RELEASE, WHY_NOTHING_COLD);
	expect("left alone", step_after_s(299), WISH_RELEASE, WHY_NOTHING_COLD);
	expect("tried again", step_after_s(1), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_uint_eq(G4 - plan_of(0)->target_kib, 16384);
	by_more_psi();
	expect("harm is another reason", step_after_s(1), WISH_RELEASE, WHY_GUEST_SUFFERS);
	ck_assert_uint_eq(fx.state.memory.guest[0].backoff_s, 600);
}
END_TEST

START_TEST(what_is_stopped_is_not_judged_by_what_it_brought)
{
	first_step();
	ck_assert_uint_eq(take_after_s(6, 0), 16384);
	given.host.shortage = 0.1;
	expect("calm", step_after_s(1), WISH_RELEASE, WHY_HOST_CALM);
	given.host.shortage = 0.9;
	ck_assert_uint_eq(take_after_s(5, 0), 16384);
	ck_assert_uint_eq(take_after_s(6, 0), 16384);
	ck_assert_uint_eq(take_after_s(6, 0), 0);
}
END_TEST

START_TEST(a_reclaim_that_had_to_be_interrupted_is_harm)
{
	first_step();
	fx.in_force.guest[0].reclaiming = fx.in_force.guest[0].reclaim_late = true;
	expect("not over yet", step_after_s(60), WISH_HOLD, WHY_COOLING_DOWN);
	fx.in_force.guest[0].reclaiming = false;
	expect("late", step_after_s(1), WISH_RELEASE, WHY_GUEST_SUFFERS);
	expect("told once", step_after_s(299), WISH_RELEASE, WHY_GUEST_SUFFERS);
	expect("tried again", step_after_s(1), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
}
END_TEST

/* Of an order that waited for a slow disk most shows only after its end. */
START_TEST(the_effect_is_awaited_from_the_end_of_a_reclaim)
{
	first_step();
	fx.in_force.guest[0].reclaiming = true;
	for (int i = 0; i < 60; i++)
		expect("under way", step_after_s(1), WISH_HOLD, WHY_COOLING_DOWN);
	fx.in_force.guest[0].reclaiming = false;
	reclaim_ended(0, 41943, 41943);
	for (int i = 0; i < 5; i++)
		expect("its effect is awaited", step_after_s(1), WISH_HOLD, WHY_COOLING_DOWN);
	waits(0.5);
	expect("and is looked for", step(), WISH_RELEASE, WHY_GUEST_SUFFERS);
}
END_TEST

START_TEST(what_is_only_said_is_not_judged)
{
	given.dry_run[0] = true;
	first_step();
	reclaim_ended(0, G4, 0); /* of before */
	fx.in_force.guest[0].reclaim_late = true;
	for (int i = 0; i < 5; i++) {
		expect("waits all the same", step_after_s(5), WISH_HOLD, WHY_COOLING_DOWN);
		(void)step_after_s(1);
		expect_target("the same again", plan_of(0), MEMORY_RECLAIM, G4 - 16384);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("memory_effect");
	TCase *c = tcase_create("effect");

	tcase_add_checked_fixture(c, short_of_memory, NULL);
	tcase_add_loop_test(c, who_is_harmed_is_let_go, 0, (int)KT_ARRAY_LEN(harms));
	tcase_add_loop_test(c, a_guest_that_waits_more_since_a_step_is_harmed, 0,
			    (int)KT_ARRAY_LEN(delays));
	tcase_add_test(c, a_guest_that_was_never_squeezed_may_wait);
	tcase_add_test(c, who_suffered_is_left_alone_for_a_while);
	tcase_add_test(c, who_suffers_again_is_left_alone_for_twice_as_long);
	tcase_add_test(c, who_wakes_up_again_and_again_is_left_alone_no_longer_than_once);
	tcase_add_test(c, a_moment_is_no_harm_and_a_second_of_it_is);
	tcase_add_loop_test(c, the_next_step_is_smaller_while_the_guest_is_uneasy, 0,
			    (int)KT_ARRAY_LEN(stalls));
	tcase_add_test(c, steps_grow_while_they_do_no_harm);
	tcase_add_test(c, a_step_is_judged_once);
	tcase_add_test(c, who_was_let_go_begins_anew);
	tcase_add_test(c, what_was_harmless_long_ago_says_nothing);
	tcase_add_test(c, a_limit_that_does_no_harm_goes_down_faster_too);
	tcase_add_test(c, who_gives_hardly_anything_twice_has_nothing_cold);
	tcase_add_test(c, what_is_stopped_is_not_judged_by_what_it_brought);
	tcase_add_test(c, a_reclaim_that_had_to_be_interrupted_is_harm);
	tcase_add_test(c, the_effect_is_awaited_from_the_end_of_a_reclaim);
	tcase_add_test(c, what_is_only_said_is_not_judged);
	suite_add_tcase(s, c);
	return kt_run(s);
}
