/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does KSM come when memory gets short, leave when it is plentiful, and cost little? */
#include <math.h>

#include "kt_check.h"
#include "plant_loop.h"

enum { SEEDS = 20, HOUR_S = 3600, DAY_S = 86400 };

static struct loop *l;

static void teardown(void)
{
	loop_free(l);
	l = NULL;
}

/* A host of 64 GiB on which only the KSM loop is on. */
static void open_host(int seed)
{
	l = loop_new();
	plant_init(&l->plant, (uint64_t)seed, 1, 32, 64);
	l->plant.swap_kib = 32 * PLANT_GIB;
	l->conf.placement.mode = l->conf.memory.mode = LOOP_OFF;
	l->conf.ksm.policy = KSM_POLICY_KSMTUNED;
}

static void start_guests(unsigned int n, double gib, double duplicate_share)
{
	for (unsigned int i = 0; i < n; i++) {
		struct plant_guest *g = plant_start(&l->plant, 2, gib);

		g->demand_cpus = plant_random(&l->plant, 0, 1);
		g->kib_per_s = plant_random(&l->plant, 2, 6) * 1024;
		g->duplicate_share = duplicate_share * plant_random(&l->plant, 0.8, 1.2);
		g->rewrite_per_s = plant_random(&l->plant, 0, 1e-4);
	}
}

static double available_share(void)
{
	return plant_available_kib(&l->plant) / plant_total_kib(&l->plant);
}

/* ---- what happened in a run ------------------------------------------------------------ */

struct record {
	double short_since_s; /* available below a fifth; 0: not */
	double longest_to_full_rate_s;
	double longest_wait_s; /* short, and KSM does not run */
	double ran_s;
	unsigned int max_pages;
	unsigned int nfell; /* pages_to_scan fell while memory was short */
	double last_pages;
};

static void observe(struct loop *loop, void *context)
{
	struct record *r = context;
	struct plant *p = &loop->plant;
	bool is_short = available_share() < 0.2;

	r->ran_s += p->ksm_run ? LOOP_TICK_S : 0;
	r->max_pages = (unsigned int)fmax(r->max_pages, p->ksm_run ? p->pages_to_scan : 0);
	if (is_short && r->short_since_s <= 0)
		r->short_since_s = p->now_s;
	if (!is_short)
		r->short_since_s = 0;
	if (is_short && !p->ksm_run)
		r->longest_wait_s = fmax(r->longest_wait_s, p->now_s - r->short_since_s);
	if (is_short && (!p->ksm_run || p->pages_to_scan < 1250))
		r->longest_to_full_rate_s =
			fmax(r->longest_to_full_rate_s, p->now_s - r->short_since_s);
	/* a tick of grace: what was short now was not when the step was made */
	if (is_short && p->now_s - r->short_since_s > LOOP_TICK_S &&
	    p->pages_to_scan < r->last_pages)
		r->nfell++;
	r->last_pages = p->pages_to_scan;
}

/* ---- works --------------------------------------------------------------------------------- */

/* 11 guests of 8 GiB on 64 GiB, more than half of their memory alike. */
START_TEST(a_shortage_brings_ksm_to_full_rate_and_memory_back)
{
	struct record r = { 0 };

	open_host(_i);
	start_guests(11, 8, 0.6);
	loop_run(l, DAY_S / 4.0, observe, &r);
	ck_assert_msg(r.max_pages == 1250, "seed %d: %u pages at most", _i, r.max_pages);
	/* one interval until the first step, four more to 1250 */
	ck_assert_msg(r.longest_to_full_rate_s <= 5 * 60 + 2 * LOOP_TICK_S,
		      "seed %d: full rate only after %.0f s", _i, r.longest_to_full_rate_s);
	ck_assert_msg(r.longest_wait_s <= 60 + 2 * LOOP_TICK_S,
		      "seed %d: started only after %.0f s", _i, r.longest_wait_s);
	ck_assert_msg(r.nfell == 0, "seed %d: slowed down %u times while memory was short", _i,
		      r.nfell);
	/* it hovers at the mark */
	ck_assert_msg(available_share() > 0.195, "seed %d: %.1f %% available in the end", _i,
		      100 * available_share());
	ck_assert_msg(plant_merged_kib(&l->plant) > 0.35 * 88 * PLANT_GIB,
		      "seed %d: %.1f GiB merged", _i, plant_merged_kib(&l->plant) / PLANT_GIB);
	ck_assert_msg(l->plant.noom == 0, "seed %d: out of memory", _i);
	ck_assert_msg(l->plant.nksm_flips <= 6, "seed %d: %u starts and stops in 6 h", _i,
		      l->plant.nksm_flips);
}
END_TEST

/* Once merging has brought enough back: down by 50 pages a minute. */
START_TEST(ksm_slows_down_when_memory_is_no_longer_short)
{
	struct record r = { 0 };
	double pages;

	open_host(_i);
	start_guests(10, 8, 0.6);
	for (int t = 0; t < DAY_S && (r.max_pages < 1000 || available_share() < 0.2);
	     t += LOOP_TICK_S)
		loop_run(l, LOOP_TICK_S, observe, &r);
	pages = l->plant.pages_to_scan;
	ck_assert_msg(pages >= 900, "seed %d: %.0f pages when memory was back", _i, pages);
	loop_run(l, 25 * 60, observe, &r);
	ck_assert_msg(l->plant.pages_to_scan <= 64 + 150, "seed %d: %.0f pages after 25 minutes",
		      _i, l->plant.pages_to_scan);
	ck_assert_msg(available_share() > 0.2, "seed %d: short again", _i);
	ck_assert_msg(l->plant.ksm_run && l->plan.ksm.why == WHY_MEMORY_COMMITTED, "seed %d: %s",
		      _i, why_str(l->plan.ksm.why));
	ck_assert_msg(r.nfell == 0, "seed %d: slowed down %u times while memory was short", _i,
		      r.nfell);
}
END_TEST

START_TEST(ksm_never_runs_while_memory_is_plentiful)
{
	struct record r = { 0 };

	open_host(_i);
	start_guests(6, 7, 0.5); /* 42 and 12.8 of 64 GiB */
	loop_run(l, DAY_S / 2.0, observe, &r);
	ck_assert_msg(r.ran_s <= 0 && l->plant.nksm_writes == 0, "seed %d: ran for %.0f s", _i,
		      r.ran_s);
	ck_assert_msg(l->plant.ksmd_s <= 0, "seed %d: ksmd used %.1f s", _i, l->plant.ksmd_s);
}
END_TEST

static void breathe(struct loop *loop, void *context)
{
	for (unsigned int i = 0; i < loop->plant.nguests; i++) {
		struct plant_guest *g = &loop->plant.guest[i];

		/* balloons move each guest by a tenth around the threshold, every few minutes */
		if (plant_random(&loop->plant, 0, 1) < 0.03)
			g->target_kib = plant_random(&loop->plant, 0.9, 1.0) * g->memory_kib;
		if (plant_resident_kib(g) > g->target_kib)
			g->on_node_kib[0] = g->target_kib;
	}
	observe(loop, context);
}

/* The law has no hysteresis: at worst it flips once an interval.  On a host that
 * breathes around the threshold it should be far from that. */
START_TEST(ksm_does_not_flutter_at_the_threshold)
{
	struct record r = { 0 };

	open_host(_i);
	start_guests(9, 6, 0);
	loop_run(l, DAY_S / 2.0, breathe, &r);
	ck_assert_msg(r.ran_s > 0, "seed %d: never ran: not at the threshold", _i);
	ck_assert_msg(l->plant.nksm_flips > 0, "seed %d: never flipped: not at the threshold", _i);
	ck_assert_msg(l->plant.nksm_flips / 12.0 <= 6, "seed %d: %.1f flips an hour", _i,
		      l->plant.nksm_flips / 12.0);
	ck_assert_msg(l->plant.nksm_writes / 12.0 <= 60, "seed %d: %.1f writes an hour", _i,
		      l->plant.nksm_writes / 12.0);
}
END_TEST

/* Thirty guests within three seconds, each an event: two steps, not thirty. */
START_TEST(a_boot_storm_is_one_event)
{
	open_host(_i);
	start_guests(12, 8, 0.3);
	for (unsigned int i = 0; i < 12; i++) {
		l->plant.guest[i].kib_per_s = 1e9;
		l->plant.guest[i].target_kib = 4.5 * PLANT_GIB;
	}
	plant_advance(&l->plant, 2); /* 12 GiB of 64 are left: short */
	for (int i = 0; i < 30; i++) {
		plant_sense(&l->plant, l->domains, &l->sample);
		host_view_update(l->view, &l->plant.topology, NULL, l->domains, &l->sample, true);
		arbiter_step(&l->arbiter, &l->conf, l->view, &l->plant.in_force, &l->plan);
		plant_act(&l->plant, &l->plan);
		plant_advance(&l->plant, 0.1);
	}
	ck_assert_msg(l->plant.ksm_run && l->plant.pages_to_scan <= 300, "seed %d: %.0f pages", _i,
		      l->plant.pages_to_scan);
	loop_tick(l, false);
	loop_tick(l, false);
	ck_assert_msg(l->plant.pages_to_scan <= 600, "seed %d: %.0f pages", _i,
		      l->plant.pages_to_scan);
}
END_TEST

/* ---- gives up ----------------------------------------------------------------------------------
 */

/* ksmtuned's law never gives up while memory is short, even when nothing merges; what it
 * costs then is bounded by its highest rate: 10 ms of sleep for 1250 pages, which cost
 * 3.75 ms, and the 10000 that smart_scan skips meanwhile, which cost 1.2 ms. */
START_TEST(barren_scanning_costs_no_more_than_its_highest_rate)
{
	struct record r = { 0 };
	double share;

	open_host(_i);
	start_guests(12, 8, 0);
	for (unsigned int i = 0; i < 12; i++)
		l->plant.guest[i].target_kib = 4.8 * PLANT_GIB;
	loop_run(l, DAY_S / 4.0, observe, &r);
	share = l->plant.ksmd_s / (DAY_S / 4.0);
	ck_assert_msg(share > 0.2 && share < 0.34, "seed %d: ksmd used %.0f %% of a CPU", _i,
		      100 * share);
	ck_assert_msg(plant_merged_kib(&l->plant) <= 0, "seed %d: merged", _i);
}
END_TEST

static void make_hugepages(struct plant_guest *g)
{
	g->domain.hugepages = true;
}

static void make_private(struct plant_guest *g)
{
	g->domain.nosharepages = true;
}

static void make_opted_out(struct plant_guest *g)
{
	g->domain.wish.ksm = GUEST_SWITCH_OFF;
}

static void (*const unmergeable[])(struct plant_guest *g) = { make_hugepages, make_private,
							      make_opted_out };

START_TEST(without_mergeable_guests_ksm_is_never_touched)
{
	struct record r = { 0 };

	open_host(_i);
	start_guests(12, 8, 0.5);
	for (unsigned int i = 0; i < 12; i++)
		unmergeable[_i](&l->plant.guest[i]);
	loop_run(l, HOUR_S, observe, &r);
	ck_assert_msg(available_share() < 0.1, "way %d: not short", _i);
	ck_assert_msg(l->plant.nksm_writes == 0, "way %d: %u writes", _i, l->plant.nksm_writes);
}
END_TEST

/* The last mergeable guest goes: what was ours is given back. */
START_TEST(ksm_is_given_back_with_the_last_mergeable_guest)
{
	open_host(_i);
	start_guests(12, 8, 0.5);
	loop_run(l, HOUR_S, NULL, NULL);
	ck_assert(l->plant.ksm_run && l->plant.in_force.ksm.ours);
	for (unsigned int i = 0; i < 12; i++)
		plant_stop(&l->plant, i);
	loop_tick(l, true);
	ck_assert(!l->plant.ksm_run && !l->plant.in_force.ksm.ours);
	ck_assert_int_eq(l->plan.ksm.why, WHY_NO_MERGEABLE_GUEST);
}
END_TEST

START_TEST(the_kernels_own_advisor_is_left_alone)
{
	open_host(_i);
	start_guests(12, 8, 0.5);
	l->plant.ksm_advisor = true;
	loop_run(l, HOUR_S, NULL, NULL);
	ck_assert_msg(l->plant.nksm_writes == 0, "seed %d: %u writes", _i, l->plant.nksm_writes);
	ck_assert_int_eq(l->plan.ksm.why, WHY_KERNEL_ADVISOR);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_ksm");
	TCase *c = tcase_create("works"), *g = tcase_create("gives_up");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_checked_fixture(g, NULL, teardown);
	tcase_set_timeout(c, 60);
	tcase_set_timeout(g, 60);
	tcase_add_loop_test(c, a_shortage_brings_ksm_to_full_rate_and_memory_back, 1, SEEDS + 1);
	tcase_add_loop_test(c, ksm_slows_down_when_memory_is_no_longer_short, 1, SEEDS + 1);
	tcase_add_loop_test(c, ksm_never_runs_while_memory_is_plentiful, 1, SEEDS + 1);
	tcase_add_loop_test(c, ksm_does_not_flutter_at_the_threshold, 1, SEEDS + 1);
	tcase_add_loop_test(c, a_boot_storm_is_one_event, 1, SEEDS + 1);
	tcase_add_loop_test(g, barren_scanning_costs_no_more_than_its_highest_rate, 1, SEEDS + 1);
	tcase_add_loop_test(g, without_mergeable_guests_ksm_is_never_touched, 0,
			    (int)KT_ARRAY_LEN(unmergeable));
	tcase_add_loop_test(g, ksm_is_given_back_with_the_last_mergeable_guest, 1, SEEDS + 1);
	tcase_add_loop_test(g, the_kernels_own_advisor_is_left_alone, 1, 3);
	suite_add_tcase(s, c);
	suite_add_tcase(s, g);
	return kt_run(s);
}
