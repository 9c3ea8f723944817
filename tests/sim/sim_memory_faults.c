/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the memory loop do no harm where swap is slow, full or missing, where the kernel or
 * libvirt refuse, and while guests come, go, pause and migrate? */
#include "sim_memory.h"

static struct day day[2]; /* without the loop, with it */

/* Idle guests with cold memory, and something on the host that soon wants 10 GiB. */
static void begin_day(int seed, int active, enum plant_swap swap, double swap_gib)
{
	struct day *d = &day[active];

	memset(d, 0, sizeof *d);
	open_host(seed, swap, swap_gib);
	l->conf.memory.mode = active ? LOOP_ACTIVE : LOOP_OFF;
	plant_start_services(&l->plant, 4, 0.3);
	start_idle_guests(0.2, 0.05);
	start_busy_guests(0.15);
	d->seed = seed;
	d->hog_kib_s = 10 * 1024;
	d->hog_from_s = l->plant.now_s + 1200;
	d->hog_until_s = d->hog_from_s + 10 * PLANT_GIB / d->hog_kib_s;
}

static const enum plant_swap devices[] = { PLANT_SSD, PLANT_ZRAM, PLANT_DISK };

/* ---- swap ------------------------------------------------------------------------------- */

START_TEST(without_swap_nothing_is_ever_written)
{
	begin_day(_i, 1, PLANT_SSD, 0);
	loop_run(l, HOUR_S, live_on, &day[1]);
	ck_assert_msg(available_share() < squeezed_below, "seed %d: not pressed", _i);
	ck_assert_uint_eq(count_orders() + count_limits(), 0);
	ck_assert_int_eq(plan_of(0)->memory.why, WHY_NO_SWAP);
	ck_assert(!l->plan.memory.squeezing);
}
END_TEST

/* The rest is checked in each tick: nothing below 64 MiB of it. */
START_TEST(full_swap_ends_it)
{
	unsigned int norders;

	begin_day(_i, 1, devices[_i % 2], 1.5);
	loop_run(l, HOUR_S, live_on, &day[1]);
	norders = count_orders();
	ck_assert_msg(norders > 0, "seed %d: never squeezed", _i);
	ck_assert_msg(plant_swap_free_kib(&l->plant) < 256 * 1024, "seed %d: %.0f MiB of swap free",
		      _i, plant_swap_free_kib(&l->plant) / 1024);
	loop_run(l, HOUR_S, live_on, &day[1]);
	ck_assert_msg(count_orders() - norders < 10 * NIDLE, "seed %d: %u steps with swap full", _i,
		      count_orders() - norders);
}
END_TEST

/* 5 MiB/s back, and a write of 256 MiB takes five seconds. */
START_TEST(on_a_slow_disk_less_is_taken_and_nobody_stalls)
{
	for (int active = 0; active <= 1; active++) {
		begin_day(_i, active, PLANT_DISK, 48);
		loop_run(l, 2 * HOUR_S, live_on, &day[active]);
		if (!active)
			teardown();
	}
	ck_assert_msg(count_orders() > 0, "seed %d: never squeezed", _i);
	ck_assert_msg(worst_excess(&day[1].stalls, &day[0].stalls) < 0.01,
		      "seed %d: stalled %.2f %% of a minute more", _i,
		      100 * worst_excess(&day[1].stalls, &day[0].stalls));
	ck_assert_msg(l->plant.services.swapped_out_kib < 0.1 * PLANT_GIB,
		      "seed %d: %.2f GiB of services swapped", _i,
		      l->plant.services.swapped_out_kib / PLANT_GIB);
}
END_TEST

/* Nothing that is swapped out of them stays out: trying must cost next to nothing. */
START_TEST(guests_without_cold_memory_are_hardly_disturbed)
{
	for (int active = 0; active <= 1; active++) {
		begin_day(_i, active, devices[_i % 2], 48);
		for (unsigned int i = 0; i < NIDLE; i++)
			l->plant.guest[i].hot_kib = l->plant.guest[i].memory_kib;
		day[active].hog_until_s = day[active].hog_from_s + 500;
		loop_run(l, 2 * HOUR_S, live_on, &day[active]);
		if (!active)
			teardown();
	}
	ck_assert_msg(count_orders() > 0, "seed %d: never tried", _i);
	/* back-offs of 5, 10, 20, 40 and 80 minutes */
	ck_assert_msg(count_orders() <= 7 * NIDLE, "seed %d: %u tries in 2 h", _i, count_orders());
	ck_assert_msg(worst_excess(&day[1].stalls, &day[0].stalls) < 0.01,
		      "seed %d: stalled %.2f %% of a minute more", _i,
		      100 * worst_excess(&day[1].stalls, &day[0].stalls));
}
END_TEST

/* ---- refusals --------------------------------------------------------------------------- */

START_TEST(limits_have_to_do_where_the_kernel_refuses)
{
	begin_day(_i, 1, devices[_i % 2], 48);
	l->plant.refuses_reclaim = true;
	loop_run(l, HOUR_S, live_on, &day[1]);
	ck_assert_uint_eq(count_orders(), 0);
	ck_assert_msg(count_limits() > NIDLE, "seed %d: %u limits", _i, count_limits());
	ck_assert_msg(available_share() > squeezed_below - 0.01, "seed %d: %.1f %% available", _i,
		      100 * available_share());
	ck_assert_msg(l->plant.services.swapped_out_kib < 0.1 * PLANT_GIB,
		      "seed %d: %.2f GiB of services swapped", _i,
		      l->plant.services.swapped_out_kib / PLANT_GIB);
}
END_TEST

START_TEST(nothing_is_done_where_both_refuse)
{
	begin_day(_i, 1, devices[_i % 2], 48);
	l->plant.refuses_reclaim = l->plant.refuses_limits = true;
	loop_run(l, HOUR_S, live_on, &day[1]);
	ck_assert_uint_eq(count_orders() + count_limits(), 0);
	ck_assert_int_eq(plan_of(0)->memory.why, WHY_ACTUATOR_OFF);
}
END_TEST

/* ---- guests come, go, pause and migrate ------------------------------------------------- */

enum { DISTURBED_EACH_S = 30 };

/* A guest of the idle kind has taken the place of one that was destroyed. */
static void replace_lost(struct plant *p)
{
	for (unsigned int i = 0; i < NIDLE; i++) {
		struct plant_guest *g = &p->guest[i];

		g->paused = g->domain.busy = g->unsampled = false;
		if (g->running)
			continue;
		g = plant_start(p, 4, 5);
		g->on_node_kib[0] = g->target_kib;
		g->hot_kib = 0.2 * g->memory_kib;
		g->demand_cpus = 0.1;
	}
}

/* One of the guests is paused, migrated, not to be read or destroyed, best just while it is
 * reclaimed. */
static void disturb(struct loop *loop, void *context)
{
	struct plant *p = &loop->plant;
	unsigned int turn = (unsigned int)(p->now_s / DISTURBED_EACH_S), victim = turn % NIDLE;

	live_on(loop, context);
	replace_lost(p);
	for (unsigned int i = 0; i < NIDLE; i++)
		victim = p->guest[i].order.open ? i : victim;
	p->guest[victim].paused = turn % 8 == 0;
	p->guest[victim].domain.busy = turn % 8 == 2;
	p->guest[victim].unsampled = turn % 8 == 4;
	if (turn % 8 == 6 && fmod(p->now_s, DISTURBED_EACH_S) < loop->tick_s)
		plant_stop(p, victim);
}

/* What is in force of a guest that is none of the loop's business any more. */
static void check_let_go(int seed)
{
	for (unsigned int i = 0; i < NIDLE; i++) {
		const struct plant_guest *g = &l->plant.guest[i];
		bool was = l->plan.guest[i].present && l->plan.guest[i].memory.wish == WISH_RELEASE;

		ck_assert_msg(!was || (!g->order.open && !g->limited),
			      "seed %d: guest %u still squeezed", seed, i);
	}
}

static void disturb_and_check(struct loop *loop, void *context)
{
	check_let_go(((struct day *)context)->seed);
	disturb(loop, context);
}

START_TEST(guests_come_go_pause_and_migrate_in_the_middle_of_it)
{
	for (int active = 0; active <= 1; active++) {
		begin_day(_i, active, devices[_i % 3], 48);
		l->plant.has_reclaim = _i % 4;
		loop_run(l, HOUR_S, disturb_and_check, &day[active]);
		if (!active)
			teardown();
	}
	ck_assert_msg(count_orders() + count_limits() > NIDLE, "seed %d: %u steps", _i,
		      count_orders() + count_limits());
	ck_assert_uint_eq(day[1].nbusy_squeezed, 0);
	ck_assert_uint_eq(l->plant.noom, 0);
}
END_TEST

/* ---- QEMU itself ------------------------------------------------------------------------ */

/* The first guest's process grows by a GiB in four minutes, on a host with memory to spare. */
static void start_leak(int seed, enum memory_runaway runaway)
{
	struct plant_guest *g;

	memset(&day[1], 0, sizeof day[1]);
	day[1].seed = seed;
	open_host(seed, devices[seed % 2], 32);
	l->conf.memory.runaway = runaway;
	start_idle_guests(0.3, 0.05);
	g = &l->plant.guest[0];
	g->target_kib = g->memory_kib + 4 * PLANT_GIB;
	g->kib_per_s = 4 * 1024;
}

/* 256 MiB, 8 MiB for each of four vCPUs, 1/512 of its memory; and what comes in a tick. */
static const double bound_kib = 256 * 1024 + 4 * 8 * 1024, tick_kib = 64 * 1024;

START_TEST(who_leaks_is_told_and_nothing_is_done)
{
	const struct plant_guest *g;

	start_leak(_i, RUNAWAY_WARN);
	g = &l->plant.guest[0];
	while (plant_resident_kib(g) < g->memory_kib + bound_kib) {
		ck_assert(!l->plan.guest[0].memory.runaway);
		loop_tick(l, false);
	}
	loop_run(l, 60, live_on, &day[1]);
	for (unsigned int i = 0; i < NIDLE; i++)
		ck_assert_msg(plan_of(i)->memory.runaway == (i == 0), "seed %d: guest %u", _i, i);
	ck_assert_uint_eq(count_limits() + count_orders(), 0);
}
END_TEST

START_TEST(who_leaks_grows_no_further_where_that_is_asked)
{
	double beyond_kib;

	start_leak(_i, RUNAWAY_LIMIT);
	loop_run(l, HOUR_S / 4.0, live_on, &day[1]);
	beyond_kib = plant_resident_kib(&l->plant.guest[0]) - l->plant.guest[0].memory_kib;
	ck_assert_msg(beyond_kib < bound_kib + 2 * tick_kib, "seed %d: %.0f MiB beyond its memory",
		      _i, beyond_kib / 1024);
	ck_assert_int_eq(plan_of(0)->memory.why, WHY_RUNAWAY);
	ck_assert_msg(count_limits() == 1 && count_releases() == 0, "seed %d: %u limits", _i,
		      count_limits());
}
END_TEST

/* ---- the other loops -------------------------------------------------------------------- */

/* Ticks in which a guest was being reclaimed, or given an order, while its pin changed. */
static void count_double_disturbances(struct loop *loop, void *context)
{
	static unsigned int npins[PLANT_GUESTS];
	struct day *d = context;

	for (unsigned int i = 0; i < loop->plant.nguests; i++) {
		const struct plant_guest *g = &loop->plant.guest[i];
		bool pinned = g->npins != npins[i];

		ck_assert_msg(!pinned || !g->order.open, "seed %d: guest %u pinned and reclaimed",
			      d->seed, i);
		npins[i] = g->npins;
	}
	for (size_t i = 0; i < loop->plan.nslots; i++)
		ck_assert_msg(!loop->plan.guest[i].settling || reclaim_wished_kib(i) <= 0,
			      "seed %d: slot %zu settles and is squeezed", d->seed, i);
	live_on(loop, context);
}

/* Two nodes, memory alike, guests that get busy by turns: all three loops have work. */
START_TEST(no_two_loops_are_at_one_guest_at_once)
{
	memset(&day[1], 0, sizeof day[1]);
	day[1].seed = _i;
	l = loop_new();
	plant_init(&l->plant, (uint64_t)_i, 2, 16, 32);
	l->plant.swap = devices[_i % 3];
	l->plant.swap_kib = 48 * PLANT_GIB;
	start_idle_guests(0.2, 0.05);
	for (unsigned int i = 0; i < NIDLE; i++)
		l->plant.guest[i].duplicate_share = 0.2;
	start_busy_guests(0.08);
	plan_phases(&day[1], HOUR_S);
	loop_run(l, HOUR_S, count_double_disturbances, &day[1]);
	ck_assert_msg(count_orders() > NIDLE, "seed %d: %u steps", _i, count_orders());
	ck_assert_uint_eq(l->plant.noom, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_memory_faults");
	TCase *c = tcase_create("swap"), *r = tcase_create("refusals");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_checked_fixture(r, NULL, teardown);
	tcase_set_timeout(c, 120);
	tcase_set_timeout(r, 120);
	tcase_add_loop_test(c, without_swap_nothing_is_ever_written, 1, seeds_end());
	tcase_add_loop_test(c, full_swap_ends_it, 1, seeds_end());
	tcase_add_loop_test(c, on_a_slow_disk_less_is_taken_and_nobody_stalls, 1, seeds_end());
	tcase_add_loop_test(c, guests_without_cold_memory_are_hardly_disturbed, 1, seeds_end());
	tcase_add_loop_test(r, limits_have_to_do_where_the_kernel_refuses, 1, seeds_end());
	tcase_add_loop_test(r, nothing_is_done_where_both_refuse, 1, seeds_end());
	tcase_add_loop_test(r, guests_come_go_pause_and_migrate_in_the_middle_of_it, 1,
			    seeds_end());
	tcase_add_loop_test(r, no_two_loops_are_at_one_guest_at_once, 1, seeds_end());
	tcase_add_loop_test(r, who_leaks_is_told_and_nothing_is_done, 1, seeds_end());
	tcase_add_loop_test(r, who_leaks_grows_no_further_where_that_is_asked, 1, seeds_end());
	suite_add_tcase(s, c);
	suite_add_tcase(s, r);
	return kt_run(s);
}
