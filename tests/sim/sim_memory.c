/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is cold memory reclaimed before the host swaps blindly, and does no guest pay for it? */
#include "sim_memory.h"

static struct day day[2]; /* without the loop, with it */

/* Idle guests with 30 GiB of cold memory, services of 4, busy guests; and something on the
 * host that wants more and more. */
static void begin_day(int seed, int active, enum plant_swap swap, double hog_gib)
{
	struct day *d = &day[active];

	memset(d, 0, sizeof *d);
	open_host(seed, swap, 48);
	l->conf.memory.mode = active ? LOOP_ACTIVE : LOOP_OFF;
	plant_start_services(&l->plant, 4, 0.3);
	start_idle_guests(0.2, 0.05);
	start_busy_guests(0.12);
	d->seed = seed;
	d->hog_kib_s = 6 * 1024;
	d->hog_from_s = l->plant.now_s + 1200;
	d->hog_until_s = d->hog_from_s + hog_gib * PLANT_GIB / d->hog_kib_s;
}

struct outcome {
	double services_gib, stall_s;
	unsigned int noom;
};

static struct outcome outcome(void)
{
	struct outcome o = { .services_gib = l->plant.services.swapped_out_kib / PLANT_GIB,
			     .noom = l->plant.noom };

	for (unsigned int i = 0; i < l->plant.nguests; i++)
		o.stall_s += l->plant.guest[i].stall_s;
	return o;
}

static const enum plant_swap devices[] = { PLANT_SSD, PLANT_ZRAM };

START_TEST(half_of_the_cold_memory_goes_before_the_services_do)
{
	begin_day(_i, 1, devices[_i % 2], 46);
	loop_run(l, 3 * HOUR_S, live_on, &day[1]);
	ck_assert_msg(day[1].services_s > 0, "seed %d: the services had nothing to fear", _i);
	ck_assert_msg(day[1].cold_taken_share >= 0.5,
		      "seed %d: %.0f %% of the cold memory taken when the services swapped", _i,
		      100 * day[1].cold_taken_share);
	ck_assert_uint_eq(day[1].nbusy_squeezed, 0);
}
END_TEST

/* 12 GiB more than there are. */
START_TEST(the_services_are_spared_and_no_guest_stalls_for_it)
{
	struct outcome o[2];

	for (int active = 0; active <= 1; active++) {
		begin_day(_i, active, devices[_i % 2], 14);
		loop_run(l, 2 * HOUR_S, live_on, &day[active]);
		o[active] = outcome();
		if (!active)
			teardown();
	}
	ck_assert_msg(o[0].services_gib > 0.2, "seed %d: only %.2f GiB of services swapped", _i,
		      o[0].services_gib);
	ck_assert_msg(o[1].services_gib < 0.05,
		      "seed %d: %.2f GiB of services swapped, %.2f without", _i, o[1].services_gib,
		      o[0].services_gib);
	ck_assert_uint_le(o[1].noom, o[0].noom);
	ck_assert_uint_eq(day[1].nbusy_squeezed, 0);
	ck_assert_msg(worst_excess(&day[1].stalls, &day[0].stalls) < 0.01,
		      "seed %d: stalled %.2f %% of a minute more", _i,
		      100 * worst_excess(&day[1].stalls, &day[0].stalls));
	/* cold memory is looked at twice a day: what is taken earlier comes back earlier */
	ck_assert_msg(o[1].stall_s < o[0].stall_s + 0.001 * l->plant.nguests * 2 * HOUR_S,
		      "seed %d: stalled %.1f s, %.1f without", _i, o[1].stall_s, o[0].stall_s);
}
END_TEST

/* Steps that are not needed any more, or again and again. */
START_TEST(once_the_pressure_is_met_there_is_peace)
{
	unsigned int norders[NIDLE];

	begin_day(_i, 1, devices[_i % 2], 12);
	loop_run(l, HOUR_S, live_on, &day[1]);
	ck_assert_msg(l->plant.now_s > day[1].hog_until_s + 300, "the hog still grows");
	ck_assert_msg(count_orders() > NIDLE, "seed %d: %u steps", _i, count_orders());
	ck_assert_msg(available_share() > squeezed_below - 0.005, "seed %d: %.1f %% available", _i,
		      100 * available_share());
	for (unsigned int i = 0; i < NIDLE; i++)
		norders[i] = l->plant.guest[i].norders;
	loop_run(l, HOUR_S, live_on, &day[1]);
	for (unsigned int i = 0; i < NIDLE; i++)
		ck_assert_msg(l->plant.guest[i].norders - norders[i] <= 40,
			      "seed %d: %u steps of guest %u in an hour without pressure", _i,
			      l->plant.guest[i].norders - norders[i], i);
	ck_assert_uint_eq(count_limits(), 0);
}
END_TEST

/* All of them are idle or busy, with all of their memory, for five minutes to 40. */
START_TEST(phases_are_followed_without_harm)
{
	struct outcome o[2];

	for (int active = 0; active <= 1; active++) {
		begin_day(_i, active, devices[_i % 2], 8);
		plan_phases(&day[active], 2 * HOUR_S);
		loop_run(l, 2 * HOUR_S, live_on, &day[active]);
		o[active] = outcome();
		if (!active)
			teardown();
	}
	ck_assert_uint_le(o[1].noom, o[0].noom);
	ck_assert_msg(o[1].services_gib <= 0.5 * o[0].services_gib,
		      "seed %d: %.2f GiB of services swapped, %.2f without", _i, o[1].services_gib,
		      o[0].services_gib);
	ck_assert_uint_eq(day[1].nbusy_squeezed, 0);
}
END_TEST

/* ---- a guest wakes up ------------------------------------------------------------------------ */

static struct plant_guest *most_swapped(unsigned int *ret)
{
	struct plant_guest *most = &l->plant.guest[0];

	for (unsigned int i = 1; i < NIDLE; i++)
		if (plant_swapped_kib(&l->plant.guest[i]) > plant_swapped_kib(most))
			most = &l->plant.guest[i];
	*ret = (unsigned int)(most - l->plant.guest);
	return most;
}

static void run_until_squeezing(void)
{
	for (int i = 0; i < 100 && !l->plan.memory.squeezing; i++) {
		loop_tick(l, false);
		live_on(l, &day[1]);
	}
	ck_assert(l->plan.memory.squeezing);
}

/* In the middle of it, while the hog still grows. */
START_TEST(a_woken_guest_is_let_go_within_two_looks)
{
	struct plant_guest *g;
	unsigned int guest, norders;
	double swapped_kib, began_s;

	begin_day(_i, 1, devices[_i % 2], 30);
	loop_run(l, 3000, live_on, &day[1]);
	run_until_squeezing();
	g = most_swapped(&guest);
	swapped_kib = plant_swapped_kib(g);
	ck_assert_msg(swapped_kib > 0.3 * PLANT_GIB, "seed %d: %.0f MiB swapped", _i,
		      swapped_kib / 1024);
	g->hot_kib = g->memory_kib;
	g->demand_cpus = g->vcpus;
	began_s = l->plant.now_s;
	loop_tick(l, false); /* which saw nothing yet */
	loop_tick(l, false);
	ck_assert_msg(l->plant.now_s - began_s <= 2, "seed %d: looks are %.0f s apart", _i,
		      l->tick_s);
	loop_tick(l, false);
	ck_assert_msg(!g->order.open && !g->limited, "seed %d: still held (%s)", _i,
		      why_str(plan_of(guest)->memory.why));
	norders = g->norders;
	/* four vCPUs, each waiting for one page after the other: 160 MiB/s of an SSD */
	loop_run(l, 10 + 1.5 * swapped_kib / (160 * 1024), live_on, &day[1]);
	ck_assert_msg(plant_swapped_kib(g) < 0.05 * swapped_kib,
		      "seed %d: %.0f of %.0f MiB still swapped", _i, plant_swapped_kib(g) / 1024,
		      swapped_kib / 1024);
	loop_run(l, 280, live_on, &day[1]);
	ck_assert_msg(g->norders == norders, "seed %d: squeezed again", _i);
}
END_TEST

/* ---- more is wanted than there is --------------------------------------------------------------
 */

/* What is hot is more than the host, beside what the idle ones hold. */
START_TEST(thrashing_gets_no_worse)
{
	struct outcome o[2];

	for (int active = 0; active <= 1; active++) {
		begin_day(_i, active, devices[_i % 2], 0);
		for (unsigned int i = NIDLE; i < NIDLE + NBUSY; i++)
			l->plant.guest[i].hot_kib = l->plant.guest[i].target_kib = 27 * PLANT_GIB;
		l->plant.swap_kib = 96 * PLANT_GIB;
		loop_run(l, HOUR_S, live_on, &day[active]);
		o[active] = outcome();
		if (!active)
			teardown();
	}
	ck_assert_msg(o[0].stall_s > 100, "seed %d: stalled only %.0f s", _i, o[0].stall_s);
	ck_assert_uint_le(o[1].noom, o[0].noom);
	ck_assert_uint_eq(day[1].nbusy_squeezed, 0);
	ck_assert_msg(o[1].stall_s < 1.05 * o[0].stall_s, "seed %d: stalled %.0f s, %.0f without",
		      _i, o[1].stall_s, o[0].stall_s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_memory");
	TCase *c = tcase_create("reclaim");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, half_of_the_cold_memory_goes_before_the_services_do, 1, seeds_end());
	tcase_add_loop_test(c, the_services_are_spared_and_no_guest_stalls_for_it, 1, seeds_end());
	tcase_add_loop_test(c, once_the_pressure_is_met_there_is_peace, 1, seeds_end());
	tcase_add_loop_test(c, phases_are_followed_without_harm, 1, seeds_end());
	tcase_add_loop_test(c, a_woken_guest_is_let_go_within_two_looks, 1, seeds_end());
	tcase_add_loop_test(c, thrashing_gets_no_worse, 1, seeds_end());
	suite_add_tcase(s, c);
	return kt_run(s);
}
