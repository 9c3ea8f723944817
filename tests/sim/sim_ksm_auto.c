/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the automatic policy merge what can be merged, soon, for little, and then stop? */
#include <math.h>

#include "kt_check.h"
#include "plant_ksmd.h"
#include "plant_loop.h"

enum { SEEDS = 20, HOUR_S = 3600, DAY_S = 86400 };

static struct loop *l;

static void teardown(void)
{
	loop_free(l);
	l = NULL;
}

/* A host of 64 GiB on which only the KSM loop is on, and memory always has a price. */
static void open_host(int seed)
{
	l = loop_new();
	plant_init(&l->plant, (uint64_t)seed, 1, 32, 64);
	l->conf.placement.mode = l->conf.memory.mode = LOOP_OFF;
	l->conf.ksm.merge = KSM_MERGE_ALWAYS;
}

/* Their memory is there at once. */
static void start_guests(unsigned int n, double gib, double duplicate_share)
{
	for (unsigned int i = 0; i < n; i++) {
		struct plant_guest *g = plant_start(&l->plant, 2, gib);

		g->demand_cpus = plant_random(&l->plant, 0, 1);
		g->kib_per_s = 1e9;
		g->duplicate_share = duplicate_share;
		g->volatile_share = 0.1;
	}
}

static double merged_share(void)
{
	return plant_merged_kib(&l->plant) / plant_mergeable_kib(&l->plant);
}

/* ---- what happened in a run -------------------------------------------------------- */

struct record {
	double began_s, began_ksmd_s;
	double t90_s, t90_ksmd_s; /* 0: not reached */
	double last_s, last_ksmd_s;
	double most_cpus; /* of ksmd, from look to look of a second or more */
	double ran_s;
};

static struct record record_from_now(void)
{
	return (struct record){ .began_s = l->plant.now_s,
				.began_ksmd_s = l->plant.ksmd_s,
				.last_s = l->plant.now_s,
				.last_ksmd_s = l->plant.ksmd_s };
}

static void observe(struct loop *loop, void *context)
{
	struct record *r = context;
	const struct plant *p = &loop->plant;

	r->ran_s += p->ksm_run ? loop->tick_s : 0;
	if (p->now_s - r->last_s >= 1) {
		r->most_cpus =
			fmax(r->most_cpus, (p->ksmd_s - r->last_ksmd_s) / (p->now_s - r->last_s));
		r->last_s = p->now_s;
		r->last_ksmd_s = p->ksmd_s;
	}
	if (r->t90_s <= 0 && plant_mergeable_kib(p) > 0 && merged_share() >= 0.9) {
		r->t90_s = p->now_s - r->began_s;
		r->t90_ksmd_s = p->ksmd_s - r->began_ksmd_s;
	}
}

static double share_of_cpu_in(double seconds)
{
	double began = l->plant.ksmd_s;

	loop_run(l, seconds, NULL, NULL);
	return (l->plant.ksmd_s - began) / seconds;
}

/* ---- soon, and for little ------------------------------------------------------------ */

/* ksmd's time for two passes at one go over the same guests, until 90 % are merged. */
static double floor_cpu_s(int seed)
{
	struct record r;

	open_host(seed);
	start_guests(10, 5, 0.6);
	plant_advance(&l->plant, 1);
	l->plant.ksm_run = true;
	l->plant.pages_to_scan = 1e6;
	l->plant.sleep_ms = 1;
	r = record_from_now();
	while (l->plant.full_scans < 2) {
		plant_advance(&l->plant, 0.5);
		observe(l, &r);
	}
	ck_assert_msg(merged_share() > 0.99, "seed %d: two passes merge all: %f", seed,
		      merged_share());
	teardown();
	return r.t90_ksmd_s;
}

START_TEST(nine_tenths_are_merged_in_two_passes_within_the_budget)
{
	double floor_s = floor_cpu_s(_i);
	struct record r;

	open_host(_i);
	start_guests(10, 5, 0.6);
	r = record_from_now();
	loop_run(l, HOUR_S / 2.0, observe, &r);
	ck_assert_msg(r.t90_s > 0, "seed %d: only %.1f %%", _i, 100 * merged_share());
	ck_assert_msg(r.t90_ksmd_s <= 1.25 * floor_s, "seed %d: %.1f s of CPU, floor %.1f s", _i,
		      r.t90_ksmd_s, floor_s);
	/* The first burst takes every page for a dear one, which in the first pass none is. */
	ck_assert_msg(r.t90_s <= 3 * r.t90_ksmd_s, "seed %d: %.0f s for %.1f s of CPU", _i, r.t90_s,
		      r.t90_ksmd_s);
	ck_assert_msg(r.most_cpus <= 0.75, "seed %d: %.0f %% of a CPU", _i, 100 * r.most_cpus);
	ck_assert_msg(merged_share() > 0.99, "seed %d: %.1f %% in the end", _i,
		      100 * merged_share());
}
END_TEST

START_TEST(what_has_converged_costs_less_than_a_hundredth_of_a_cpu)
{
	double share;

	open_host(_i);
	start_guests(10, 5, 0.6);
	loop_run(l, HOUR_S, NULL, NULL);
	share = share_of_cpu_in(DAY_S / 2.0);
	ck_assert_msg(share < 0.01, "seed %d: %.2f %% of a CPU", _i, 100 * share);
	ck_assert_msg(l->plant.nsweeps <= 14, "seed %d: %u sweeps in 13 h", _i, l->plant.nsweeps);
	ck_assert_msg(l->plant.nksm_writes / 13.0 <= 30, "seed %d: %.1f writes an hour", _i,
		      l->plant.nksm_writes / 13.0);
}
END_TEST

/* ---- all of it -------------------------------------------------------------------------- */

/* One half is shared with the guest before, the other with the one after. */
static void share_with_neighbours(unsigned int guest)
{
	plant_rewrite(&l->plant, guest, 0.9, PLANT_DUPLICATES + 8 + (int)guest / 2);
	plant_rewrite(&l->plant, guest, 0.45, PLANT_DUPLICATES + 1 + (int)(guest + 1) / 2);
}

START_TEST(guests_that_come_one_by_one_are_merged_with_those_before)
{
	open_host(_i);
	for (unsigned int i = 0; i < 6; i++) {
		start_guests(1, 4, 0);
		loop_run(l, plant_random(&l->plant, 0.5, 1.5) * HOUR_S, NULL, NULL);
		share_with_neighbours(i);
	}
	loop_run(l, 4.0 * HOUR_S, NULL, NULL);
	ck_assert_msg(merged_share() >= 0.99, "seed %d: %.1f %%", _i, 100 * merged_share());
}
END_TEST

static void make_equal_late(int seed, double *ret_share)
{
	open_host(seed);
	for (unsigned int i = 0; i < 8; i++) {
		start_guests(1, 1, 0);
		loop_run(l, plant_random(&l->plant, 60, 600), NULL, NULL);
	}
	loop_run(l, 2.0 * HOUR_S, NULL, NULL);
	for (unsigned int i = 0; i < 8; i++)
		plant_rewrite(&l->plant, i, 0.5, PLANT_DUPLICATES + 1 + (int)i / 2);
	loop_run(l, 6.0 * HOUR_S, NULL, NULL);
	*ret_share = merged_share();
}

START_TEST(content_that_becomes_equal_late_is_merged_by_a_sweep)
{
	double share;

	make_equal_late(_i, &share);
	ck_assert_msg(share >= 0.99, "seed %d: %.1f %%", _i, 100 * share);
}
END_TEST

/* A guest comes every three minutes, and the one before goes. */
static void come_and_go(struct loop *loop, void *context)
{
	double *next_s = context;

	if (loop->plant.now_s < *next_s)
		return;
	*next_s = loop->plant.now_s + 180;
	if (loop->plant.guest[8].running)
		plant_stop(&loop->plant, 8);
	start_guests(1, 1, 0.5);
	loop->plant.guest[8].volatile_share = 0;
}

START_TEST(guests_that_come_all_the_time_do_not_put_sweeps_off)
{
	double next_s = 0, share;

	open_host(_i);
	for (unsigned int i = 0; i < 8; i++) {
		start_guests(1, 1, 0);
		loop_run(l, plant_random(&l->plant, 60, 600), NULL, NULL);
	}
	loop_run(l, HOUR_S, come_and_go, &next_s);
	for (unsigned int i = 0; i < 8; i++)
		plant_rewrite(&l->plant, i, 0.5, PLANT_DUPLICATES + 1 + (int)i / 2);
	plant_rewrite(&l->plant, 7, 0.2, PLANT_DUPLICATES); /* whose twins will come */
	loop_run(l, 4.0 * HOUR_S, come_and_go, &next_s);
	loop_run(l, 120, NULL, NULL);
	ck_assert_msg(merged_share() >= 0.99, "seed %d: %.1f %%", _i, 100 * merged_share());
	share = l->plant.ksmd_s;
	loop_run(l, 4.0 * HOUR_S, come_and_go, &next_s);
	share = (l->plant.ksmd_s - share) / (4.0 * HOUR_S);
	ck_assert_msg(share < 0.1, "seed %d: %.1f %% of a CPU", _i, 100 * share);
}
END_TEST

/* The plant is as the kernel is: without sweeps most would never merge. */
START_TEST(without_sweeps_late_content_stays_apart)
{
	open_host(_i);
	l->plant.ksm_run = true;
	l->plant.pages_to_scan = 1250;
	l->plant.sleep_ms = 10;
	for (unsigned int i = 0; i < 8; i++) {
		start_guests(1, 2, 0);
		for (int s = 0; s < 60 + 20 * (int)i; s++)
			plant_advance(&l->plant, 5);
	}
	for (int s = 0; s < HOUR_S; s += 5)
		plant_advance(&l->plant, 5);
	for (unsigned int i = 0; i < 8; i++)
		plant_rewrite(&l->plant, i, 0.5, PLANT_DUPLICATES + 1 + (int)i / 2);
	for (int s = 0; s < HOUR_S; s += 5)
		plant_advance(&l->plant, 5);
	ck_assert_msg(merged_share() < 0.8, "seed %d: %.1f %%", _i, 100 * merged_share());
}
END_TEST

/* ---- gives up ------------------------------------------------------------------------------ */

START_TEST(barren_memory_is_given_up_even_when_memory_is_short)
{
	double share;

	open_host(_i);
	l->conf.ksm.merge = KSM_MERGE_AUTO;
	start_guests(10, 5.9, 0); /* 2 of 64 GiB are left, and nothing is alike */
	loop_run(l, HOUR_S, NULL, NULL);
	share = share_of_cpu_in(DAY_S / 4.0);
	ck_assert_msg(l->plan.ksm.price > 0.9, "seed %d: a price of %.2f", _i, l->plan.ksm.price);
	ck_assert_msg(share < 0.01, "seed %d: %.2f %% of a CPU", _i, 100 * share);
	ck_assert_msg(plant_merged_kib(&l->plant) <= 0, "seed %d: merged", _i);
}
END_TEST

/* One guest a minute, and never anything alike: bursts become rare. */
static void come_each_minute(struct loop *loop, void *context)
{
	double *next_s = context;
	unsigned int slot = 8 + (unsigned int)(loop->plant.now_s / 60) % 8;

	if (loop->plant.now_s < *next_s)
		return;
	*next_s = loop->plant.now_s + 60;
	if (slot < loop->plant.nguests && loop->plant.guest[slot].running)
		plant_stop(&loop->plant, slot);
	start_guests(1, 1, 0);
}

START_TEST(barren_guests_that_come_all_the_time_are_given_up_too)
{
	double next_s = 0, share;

	open_host(_i);
	start_guests(8, 4, 0);
	loop_run(l, 4.0 * HOUR_S, come_each_minute, &next_s);
	share = l->plant.ksmd_s;
	loop_run(l, 8.0 * HOUR_S, come_each_minute, &next_s);
	share = (l->plant.ksmd_s - share) / (8.0 * HOUR_S);
	ck_assert_msg(share < 0.1, "seed %d: %.1f %% of a CPU", _i, 100 * share);
}
END_TEST

static void stall_now_and_then(struct loop *loop, void *context)
{
	double *next_s = context;

	if (loop->plant.now_s < *next_s)
		return;
	*next_s = loop->plant.now_s + 300;
	loop->plant.stall_s += 3;
}

START_TEST(spikes_of_the_price_cost_little_where_nothing_merges)
{
	double next_s = 0, share;

	open_host(_i);
	l->conf.ksm.merge = KSM_MERGE_AUTO;
	start_guests(9, 5, 0); /* 45 and 2 of 64 GiB: the price is a quarter */
	loop_run(l, 4.0 * HOUR_S, stall_now_and_then, &next_s);
	share = l->plant.ksmd_s;
	loop_run(l, 8.0 * HOUR_S, stall_now_and_then, &next_s);
	share = (l->plant.ksmd_s - share) / (8.0 * HOUR_S);
	ck_assert_msg(share < 0.05, "seed %d: %.1f %% of a CPU", _i, 100 * share);
}
END_TEST

START_TEST(ksm_never_runs_while_memory_is_plentiful)
{
	struct record r;

	open_host(_i);
	l->conf.ksm.merge = KSM_MERGE_AUTO;
	start_guests(6, 5, 0.5); /* 30 and 2 of 64 GiB */
	r = record_from_now();
	loop_run(l, DAY_S / 4.0, observe, &r);
	ck_assert_msg(r.ran_s <= 0 && l->plant.nksm_writes == 0, "seed %d: ran for %.0f s", _i,
		      r.ran_s);
}
END_TEST

static void breathe(struct loop *loop, void *context)
{
	(void)context;
	for (unsigned int i = 0; i < loop->plant.nguests; i++) {
		struct plant_guest *g = &loop->plant.guest[i];

		/* balloons move each guest by a tenth around the threshold, every few minutes */
		if (plant_random(&loop->plant, 0, 1) < 0.03 * loop->tick_s / LOOP_TICK_S)
			g->target_kib = plant_random(&loop->plant, 0.9, 1.0) * g->memory_kib;
		if (plant_resident_kib(g) > g->target_kib)
			g->on_node_kib[0] = g->target_kib;
	}
}

START_TEST(ksm_does_not_flutter_where_memory_begins_to_cost)
{
	open_host(_i);
	l->conf.ksm.merge = KSM_MERGE_AUTO;
	start_guests(7, 5.7, 0); /* 38 and 2 of 64 GiB, and 40 % are 25.6 */
	loop_run(l, DAY_S / 2.0, breathe, NULL);
	ck_assert_msg(l->plant.nksm_flips > 0, "seed %d: not at the threshold", _i);
	ck_assert_msg(l->plant.nksm_flips / 12.0 <= 2, "seed %d: %.1f flips an hour", _i,
		      l->plant.nksm_flips / 12.0);
}
END_TEST

/* ---- harms nobody --------------------------------------------------------------------------- */

START_TEST(on_a_busy_host_ksmd_takes_next_to_nothing)
{
	struct record r;

	open_host(_i);
	start_guests(10, 5, 0.6);
	for (unsigned int i = 0; i < 10; i++) {
		l->plant.guest[i].vcpus = 4;
		l->plant.guest[i].demand_cpus = 3.6;
	}
	loop_run(l, 10 * LOOP_TICK_S, NULL, NULL);
	r = record_from_now();
	loop_run(l, HOUR_S, observe, &r);
	ck_assert_msg(r.most_cpus <= 0.03, "seed %d: %.1f %% of a CPU", _i, 100 * r.most_cpus);
	ck_assert_msg(l->plant.ksm_run, "seed %d: stopped", _i);
}
END_TEST

/* Two dozen guests within half a minute: bursts are made once they have settled. */
START_TEST(a_boot_storm_is_one_burst)
{
	unsigned int bursts = 0;

	open_host(_i);
	for (unsigned int i = 0; i < 24; i++) {
		start_guests(1, 1, 0.5);
		plant_sense(&l->plant, l->domains, &l->sample);
		host_view_update(l->view, &l->plant.topology, NULL, l->domains, &l->sample, true);
		arbiter_step(&l->arbiter, &l->conf, l->view, &l->plant.in_force, &l->plan);
		plant_act(&l->plant, &l->plan);
		plant_advance(&l->plant, 1);
		bursts += l->plan.ksm.why == WHY_BURST;
	}
	ck_assert_msg(bursts == 0, "seed %d: %u bursts while guests start", _i, bursts);
	loop_run(l, 60, NULL, NULL);
	ck_assert_msg(l->plan.ksm.why == WHY_BURST || merged_share() > 0.9, "seed %d: %s", _i,
		      why_str(l->plan.ksm.why));
}
END_TEST

START_TEST(ksm_is_given_back_with_the_last_mergeable_guest)
{
	open_host(_i);
	start_guests(4, 4, 0.5);
	loop_run(l, HOUR_S, NULL, NULL);
	ck_assert(l->plant.ksm_run && l->plant.in_force.ksm.ours);
	for (unsigned int i = 0; i < 4; i++)
		plant_stop(&l->plant, i);
	loop_tick(l, true);
	ck_assert(!l->plant.ksm_run && !l->plant.in_force.ksm.ours);
	ck_assert_int_eq(l->plan.ksm.why, WHY_NO_MERGEABLE_GUEST);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		nine_tenths_are_merged_in_two_passes_within_the_budget,
		what_has_converged_costs_less_than_a_hundredth_of_a_cpu,
		guests_that_come_one_by_one_are_merged_with_those_before,
		content_that_becomes_equal_late_is_merged_by_a_sweep,
		guests_that_come_all_the_time_do_not_put_sweeps_off,
		barren_guests_that_come_all_the_time_are_given_up_too,
		spikes_of_the_price_cost_little_where_nothing_merges,
		without_sweeps_late_content_stays_apart,
		barren_memory_is_given_up_even_when_memory_is_short,
		ksm_never_runs_while_memory_is_plentiful,
		ksm_does_not_flutter_where_memory_begins_to_cost,
		on_a_busy_host_ksmd_takes_next_to_nothing,
		a_boot_storm_is_one_burst,
		ksm_is_given_back_with_the_last_mergeable_guest,
	};
	Suite *s = suite_create("sim_ksm_auto");
	TCase *c = tcase_create("auto");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_set_timeout(c, 120);
	for (size_t i = 0; i < KT_ARRAY_LEN(tests); i++)
		tcase_add_loop_test(c, tests[i], 1, SEEDS + 1);
	suite_add_tcase(s, c);
	return kt_run(s);
}
