/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where memory cannot be reclaimed but only limited: is cold memory given back, and does no
 * guest pay for it? */
#include "sim_memory.h"

static void open_limited(int seed, bool v2, double swap_gib)
{
	open_host(seed, PLANT_SSD, swap_gib);
	l->plant.cgroup_v2 = v2;
	l->plant.has_reclaim = false;
}

/* ---- what happened in a run ------------------------------------------------------------ */

struct record {
	double pressed_s;
	double lowest_limit_share;  /* of a guest's memory */
	unsigned int nbusy_limited; /* ticks in which a busy guest had a limit */
	unsigned int nlimits;
	bool calm_seen;
	unsigned int nlimited_when_calm;
};

static void observe(struct loop *loop, void *context)
{
	struct record *r = context;
	unsigned int nlimits = count_limits();

	r->pressed_s += available_share() < squeezed_below - 0.005 ? loop->tick_s : 0;
	r->nlimits = nlimits;
	for (unsigned int i = 0; i < loop->plant.nguests; i++) {
		const struct plant_guest *g = &loop->plant.guest[i];

		if (!g->limited)
			continue;
		r->nbusy_limited += i >= NIDLE;
		if (r->lowest_limit_share <= 0 ||
		    g->soft_limit_kib / g->memory_kib < r->lowest_limit_share)
			r->lowest_limit_share = g->soft_limit_kib / g->memory_kib;
		/* the tick saw the sample before: one of grace */
		r->nlimited_when_calm += r->calm_seen && available_share() > calm_above;
	}
	r->calm_seen = available_share() > calm_above;
}

static double stall_share(unsigned int first, unsigned int last, double seconds)
{
	double worst = 0;

	for (unsigned int i = first; i < last; i++)
		worst = fmax(worst, l->plant.guest[i].stall_s / seconds);
	return worst;
}

/* ---- works ----------------------------------------------------------------------------------- */

/* Idle guests hold some 40 GiB of which a quarter is in use; the busy ones leave 7 % of
 * the host.  7 GiB must be found, and there are 25. */
START_TEST(cold_memory_is_given_back_until_the_host_has_enough)
{
	struct record r = { 0 };

	open_limited(_i, true, 32);
	start_idle_guests(0.25, 0.05);
	start_busy_guests(0.07);
	loop_run(l, 3 * HOUR_S, observe, &r);
	ck_assert_msg(available_share() >= squeezed_below - 0.005,
		      "seed %d: %.1f %% available in the end", _i, 100 * available_share());
	/* eight guests, 60 MiB each six seconds: 80 MiB/s at most */
	ck_assert_msg(r.pressed_s < HOUR_S / 4.0, "seed %d: pressed for %.0f s", _i, r.pressed_s);
	ck_assert_msg(idle_guests_kib(PLANT_COLD, true) > 5.0 * PLANT_GIB,
		      "seed %d: %.1f GiB given back", _i,
		      idle_guests_kib(PLANT_COLD, true) / PLANT_GIB);
	ck_assert_msg(r.nbusy_limited == 0, "seed %d: a busy guest had a limit", _i);
	ck_assert_uint_eq(count_orders(), 0);
	ck_assert_msg(r.lowest_limit_share >= 0.25, "seed %d: a limit of %.0f %%", _i,
		      100 * r.lowest_limit_share);
	ck_assert_msg(stall_share(0, NIDLE, 3 * HOUR_S) < 0.002, "seed %d: stalled %.2f %%", _i,
		      100 * stall_share(0, NIDLE, 3 * HOUR_S));
	ck_assert_msg(stall_share(NIDLE, NIDLE + NBUSY, 3 * HOUR_S) <= 0,
		      "seed %d: busy guests stalled", _i);
	ck_assert_msg(count_releases() <= 3 * NIDLE, "seed %d: let go %u times in 3 h", _i,
		      count_releases());
}
END_TEST

START_TEST(limits_are_lifted_when_the_host_is_calm_again)
{
	struct record r = { 0 };

	open_limited(_i, true, 32);
	start_idle_guests(0.25, 0.05);
	start_busy_guests(0.05);
	loop_run(l, HOUR_S, observe, &r);
	ck_assert_msg(r.nlimits > 10, "seed %d: never squeezed", _i);
	plant_stop(&l->plant, NIDLE);
	loop_run(l, 600, observe, &r);
	ck_assert_msg(available_share() > calm_above, "seed %d: not calm", _i);
	for (unsigned int i = 0; i < NIDLE; i++)
		ck_assert_msg(!l->plant.guest[i].limited, "seed %d: guest %u still limited", _i, i);
	ck_assert_msg(r.nlimited_when_calm == 0, "seed %d: limited on a calm host", _i);
}
END_TEST

static unsigned int first_limited(void)
{
	for (unsigned int i = 0; i < l->plant.nguests; i++)
		if (l->plant.guest[i].limited)
			return i;
	return PLANT_GUESTS;
}

/* A squeezed guest begins to use all its memory: it is let go at the first tick that can
 * see it, and left alone for the back-off. */
START_TEST(a_guest_that_wakes_up_is_let_go_within_one_tick)
{
	struct plant_guest *g;
	unsigned int i, nlimits;

	open_limited(_i, true, 32);
	start_idle_guests(0.2, 0.05);
	start_busy_guests(0.02);
	loop_run(l, HOUR_S, NULL, NULL);
	i = first_limited();
	ck_assert_msg(i < NIDLE, "seed %d: nobody is limited", _i);
	g = &l->plant.guest[i];
	g->hot_kib = g->memory_kib;
	loop_tick(l, false); /* in which it wakes up; the tick began before */
	loop_tick(l, false); /* which sees it */
	ck_assert_msg(!g->limited, "seed %d: still limited (%s)", _i,
		      why_str(l->plan.guest[i].memory.why));
	ck_assert_int_eq(l->plan.guest[i].memory.why, WHY_GUEST_SUFFERS);
	nlimits = g->nlimits;
	loop_run(l, 280, NULL, NULL);
	ck_assert_msg(g->nlimits == nlimits, "seed %d: squeezed again within the back-off", _i);
}
END_TEST

START_TEST(a_guest_that_gets_busy_is_let_go_within_ten_seconds)
{
	struct plant_guest *g;
	unsigned int i;

	open_limited(_i, true, 32);
	start_idle_guests(0.2, 0.05);
	start_busy_guests(0.02);
	loop_run(l, HOUR_S, NULL, NULL);
	i = first_limited();
	ck_assert_msg(i < NIDLE, "seed %d: nobody is limited", _i);
	g = &l->plant.guest[i];
	g->demand_cpus = 2;
	loop_run(l, 10, NULL, NULL);
	ck_assert_msg(!g->limited, "seed %d: still limited (%s)", _i,
		      why_str(l->plan.guest[i].memory.why));
}
END_TEST

/* v1: the limits are hints.  When global reclaim comes, it takes from the idle: the busy
 * ones stall less than without the loop, and never more. */
START_TEST(on_v1_the_kernel_takes_from_the_idle_first)
{
	double stall_s[2] = { 0 };

	for (int active = 0; active <= 1; active++) {
		open_limited(_i, false, 32);
		l->conf.memory.mode = active ? LOOP_ACTIVE : LOOP_OFF;
		start_idle_guests(0.25, 0.05);
		start_busy_guests(0.06);
		loop_run(l, 2 * HOUR_S, NULL, NULL);
		for (unsigned int i = NIDLE; i < NIDLE + NBUSY; i++) {
			l->plant.guest[i].target_kib += 3 * PLANT_GIB;
			l->plant.guest[i].hot_kib += 3 * PLANT_GIB;
		}
		loop_run(l, HOUR_S, NULL, NULL);
		for (unsigned int i = NIDLE; i < NIDLE + NBUSY; i++)
			stall_s[active] += l->plant.guest[i].stall_s;
		teardown();
	}
	ck_assert_msg(stall_s[0] > 1, "seed %d: nobody stalled even without the loop", _i);
	ck_assert_msg(stall_s[1] < 0.5 * stall_s[0],
		      "seed %d: stalled %.1f s, %.1f s without the loop", _i, stall_s[1],
		      stall_s[0]);
	l = loop_new();
}
END_TEST

/* ---- gives up ----------------------------------------------------------------------------------
 */

START_TEST(without_swap_nothing_is_ever_limited)
{
	open_limited(_i, _i % 2, 0);
	start_idle_guests(0.25, 0.05);
	start_busy_guests(0.05);
	loop_run(l, 2 * HOUR_S, NULL, NULL);
	ck_assert_msg(available_share() < squeezed_below, "seed %d: not pressed", _i);
	ck_assert_msg(count_limits() == 0, "seed %d: %u limits", _i, count_limits());
	ck_assert_int_eq(l->plan.guest[0].memory.why, WHY_NO_SWAP);
}
END_TEST

static void count_limited_with_full_swap(struct loop *loop, void *context)
{
	unsigned int *nlimited = context;

	/* as the tick saw it, before it acted */
	if (loop->sample.host.swap_free_kib < 64 * 1024)
		*nlimited += first_limited() < PLANT_GUESTS;
}

/* Swap fills up while guests are squeezed: what is ours is lifted. */
START_TEST(full_swap_ends_it)
{
	unsigned int nlimited = 0;

	open_limited(_i, true, 0.5);
	start_idle_guests(0.25, 0.05);
	start_busy_guests(0.03);
	loop_run(l, 2 * HOUR_S, count_limited_with_full_swap, &nlimited);
	ck_assert_msg(count_limits() > 0, "seed %d: never squeezed", _i);
	ck_assert_msg(plant_swap_free_kib(&l->plant) < 128 * 1024, "seed %d: swap not full", _i);
	ck_assert_msg(nlimited == 0, "seed %d: limited for %u ticks with swap full", _i, nlimited);
	ck_assert_msg(count_releases() <= 12, "seed %d: let go %u times in 2 h", _i,
		      count_releases());
}
END_TEST

/* All memory of the idle guests is in use: there is nothing to be had, and trying must
 * cost them next to nothing. */
START_TEST(guests_without_cold_memory_are_hardly_disturbed)
{
	struct record r = { 0 };

	open_limited(_i, true, 32);
	start_idle_guests(2, 0.05);
	start_busy_guests(0.07);
	loop_run(l, 3 * HOUR_S, observe, &r);
	ck_assert_msg(r.nlimits > 0, "seed %d: never tried", _i);
	/* back-offs of 5, 10, 20, 40 and 80 minutes */
	ck_assert_msg(r.nlimits <= 7 * NIDLE, "seed %d: %u tries in 3 h", _i, r.nlimits);
	ck_assert_msg(stall_share(0, NIDLE, 3 * HOUR_S) < 0.003, "seed %d: stalled %.2f %%", _i,
		      100 * stall_share(0, NIDLE, 3 * HOUR_S));
	ck_assert_msg(r.lowest_limit_share > 0.95, "seed %d: a limit of %.0f %%", _i,
		      100 * r.lowest_limit_share);
}
END_TEST

/* Between the marks nothing moves. */
START_TEST(between_the_marks_there_is_peace)
{
	open_limited(_i, true, 32);
	start_idle_guests(0.25, 0.05);
	start_busy_guests(0.21);
	loop_run(l, 3 * HOUR_S, NULL, NULL);
	ck_assert_msg(count_limits() == 0, "seed %d: %u limits", _i, count_limits());
	ck_assert_int_eq(l->plan.guest[0].memory.why, WHY_HOST_BETWEEN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_memory_limit");
	TCase *c = tcase_create("works"), *g = tcase_create("gives_up");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_checked_fixture(g, NULL, teardown);
	tcase_set_timeout(c, 60);
	tcase_set_timeout(g, 60);
	tcase_add_loop_test(c, cold_memory_is_given_back_until_the_host_has_enough, 1, seeds_end());
	tcase_add_loop_test(c, limits_are_lifted_when_the_host_is_calm_again, 1, seeds_end());
	tcase_add_loop_test(c, a_guest_that_wakes_up_is_let_go_within_one_tick, 1, seeds_end());
	tcase_add_loop_test(c, a_guest_that_gets_busy_is_let_go_within_ten_seconds, 1, seeds_end());
	tcase_add_loop_test(c, on_v1_the_kernel_takes_from_the_idle_first, 1, seeds_end());
	tcase_add_loop_test(g, without_swap_nothing_is_ever_limited, 1, seeds_end());
	tcase_add_loop_test(g, full_swap_ends_it, 1, seeds_end());
	tcase_add_loop_test(g, guests_without_cold_memory_are_hardly_disturbed, 1, seeds_end());
	tcase_add_loop_test(g, between_the_marks_there_is_peace, 1, seeds_end());
	suite_add_tcase(s, c);
	suite_add_tcase(s, g);
	return kt_run(s);
}
