/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does every guest end where its memory is, is the host better off for it, and does
 * nothing go back and forth?  The host and the load are those of placement's fact sheet:
 * 4 nodes, guests of 1 to 8 vCPUs that are busy or idle for minutes, one replaced every
 * few minutes. */
#include <math.h>

#include "kt_check.h"
#include "plant_loop.h"

enum { SEEDS = 20, HOUR_S = 3600, NODE_CPUS = 16, NODE_GIB = 128 };

static struct loop *l;

static void teardown(void)
{
	loop_free(l);
	l = NULL;
}

/* Only the placement loop is on. */
static void open_host(int seed, unsigned int nnodes)
{
	l = loop_new();
	plant_init(&l->plant, (uint64_t)seed, nnodes, NODE_CPUS, NODE_GIB);
	l->conf.ksm.mode = l->conf.memory.mode = LOOP_OFF;
}

static unsigned int draw_vcpus(void)
{
	static const unsigned int vcpus[] = { 1, 1, 1, 1, 1, 2, 2, 2, 2, 2,
					      2, 4, 4, 4, 4, 4, 4, 8, 8, 8 };

	return vcpus[(size_t)plant_random(&l->plant, 0, KT_ARRAY_LEN(vcpus))];
}

static struct plant_guest *start_guest(void)
{
	unsigned int vcpus = draw_vcpus();
	struct plant_guest *g =
		plant_start(&l->plant, vcpus, vcpus * plant_random(&l->plant, 2, 6));

	g->kib_per_s = plant_random(&l->plant, 20, 200) * 1024;
	return g;
}

/* Its memory as months of life without a tuner leave it. */
static void settle_memory(struct plant_guest *g)
{
	double share = plant_random(&l->plant, 0.4, 1);

	for (unsigned int n = 0; n < l->plant.nnodes; n++)
		g->on_node_kib[n] = g->memory_kib * (1 - share) / l->plant.nnodes;
	g->on_node_kib[g->birth_node] += g->memory_kib * share;
}

/* ---- the load ------------------------------------------------------------------------------ */

struct day {
	double busy_until_s[PLANT_GUESTS]; /* and idle after, and so on */
	bool busy[PLANT_GUESTS];
	double next_birth_s;
	bool churn;
	/* what happened */
	double crowded_s, longest_crowded_s; /* by us, with room elsewhere */
	double crowded_since_s;
	double waited_s, ran_s, remote_s;
	unsigned int npins;
};

static void change_phases(struct day *d)
{
	struct plant *p = &l->plant;

	for (unsigned int i = 0; i < p->nguests; i++) {
		struct plant_guest *g = &p->guest[i];
		double now = g->vcpus *
			     (d->busy[i] ? plant_random(p, 0.6, 1) : plant_random(p, 0.02, 0.15));

		if (p->now_s >= d->busy_until_s[i]) {
			d->busy[i] = plant_random(p, 0, 1) < 0.5;
			d->busy_until_s[i] = p->now_s + plant_random(p, 120, 900);
		}
		g->demand_cpus = 0.3 * g->demand_cpus + 0.7 * now;
	}
}

static void account(struct day *d, const struct plant_guest *g)
{
	d->waited_s += g->delay_s;
	d->ran_s += g->run_s;
	d->remote_s += g->remote_s;
	d->npins += g->npins;
}

static void replace_one(struct day *d)
{
	struct plant *p = &l->plant;
	unsigned int victim = (unsigned int)plant_random(p, 0, p->nguests);

	if (!d->churn || p->now_s < d->next_birth_s)
		return;
	d->next_birth_s = p->now_s + plant_random(p, 150, 500);
	account(d, &p->guest[victim]);
	plant_stop(p, victim);
	(void)start_guest();
}

/* A node on which our guests want a tenth more than there is, while one of them would fit
 * elsewhere with half a CPU to spare. */
static bool is_crowded_by_us(const struct plant *p)
{
	for (unsigned int n = 0; n < p->nnodes; n++) {
		double homes_cpus = 0, smallest_cpus = HUGE_VAL;

		for (unsigned int i = 0; i < p->nguests; i++) {
			const struct plant_guest *g = &p->guest[i];

			if (!g->running || !g->pinned || !nodemask_test(g->nodes, n))
				continue;
			homes_cpus += g->demand_cpus;
			if (g->demand_cpus > 0.3)
				smallest_cpus = fmin(smallest_cpus, g->demand_cpus);
		}
		if (homes_cpus <= 1.15 * p->node[n].ncpus)
			continue;
		for (unsigned int m = 0; m < p->nnodes; m++)
			if (m != n && p->node[m].load_cpus + smallest_cpus + 0.5 < p->node[m].ncpus)
				return true;
	}
	return false;
}

static void live(struct loop *loop, void *context)
{
	struct day *d = context;

	if (is_crowded_by_us(&loop->plant)) {
		d->crowded_s += LOOP_TICK_S;
		d->crowded_since_s += LOOP_TICK_S;
		d->longest_crowded_s = fmax(d->longest_crowded_s, d->crowded_since_s);
	} else {
		d->crowded_since_s = 0;
	}
	change_phases(d);
	replace_one(d);
}

static void live_a_day(struct day *d, int seed, unsigned int nguests, bool churn,
		       enum loop_mode mode)
{
	open_host(seed, 4);
	l->conf.placement.mode = mode;
	d->churn = churn;
	for (unsigned int i = 0; i < nguests; i++)
		settle_memory(start_guest());
	loop_run(l, HOUR_S, live, d);
	for (unsigned int i = 0; i < l->plant.nguests; i++)
		account(d, &l->plant.guest[i]);
}

/* ---- works ----------------------------------------------------------------------------------- */

START_TEST(every_guest_ends_on_the_node_of_its_memory)
{
	unsigned int npins = 0;

	open_host(_i, 4);
	for (int i = 0; i < 10; i++) {
		struct plant_guest *g = start_guest();

		settle_memory(g);
		g->demand_cpus = 0.1 * g->vcpus;
	}
	loop_run(l, 300, NULL, NULL);
	for (unsigned int i = 0; i < l->plant.nguests; i++) {
		struct plant_guest *g = &l->plant.guest[i];

		ck_assert_msg(g->pinned &&
				      g->nodes == nodemask_of(plant_fullest_node(&l->plant, g)),
			      "seed %d: guest %u is on node %d, its memory on %u (%s)", _i, i,
			      (int)nodemask_first(g->nodes), plant_fullest_node(&l->plant, g),
			      why_str(l->plan.guest[i].placement.why));
		npins += g->npins;
	}
	ck_assert_msg(npins == 10, "seed %d: %u pins for 10 guests", _i, npins);
	loop_run(l, HOUR_S, NULL, NULL);
	for (unsigned int i = 0; i < l->plant.nguests; i++)
		ck_assert_msg(l->plant.guest[i].npins == 1,
			      "seed %d: guest %u moved on a quiet host", _i, i);
}
END_TEST

/* A guest that has no memory yet gets it where it is put. */
START_TEST(guests_that_just_start_are_placed_at_once_and_fill_their_node)
{
	open_host(_i, 4);
	for (int i = 0; i < 12; i++) {
		struct plant_guest *g = plant_start(&l->plant, 4, 16);

		g->demand_cpus = 0.5;
		loop_tick(l, true);
		ck_assert_msg(g->pinned, "seed %d: guest %d not placed at its first tick (%s)", _i,
			      i, why_str(l->plan.guest[i].placement.why));
	}
	loop_run(l, 900, NULL, NULL);
	for (unsigned int i = 0; i < 12; i++) {
		struct plant_guest *g = &l->plant.guest[i];

		ck_assert_msg(g->on_node_kib[nodemask_first(g->nodes)] > 0.98 * g->memory_kib,
			      "seed %d: guest %u has %.1f of 16 GiB at home", _i, i,
			      g->on_node_kib[nodemask_first(g->nodes)] / PLANT_GIB);
		ck_assert_msg(g->npins == 1, "seed %d: guest %u moved", _i, i);
	}
}
END_TEST

static void check_day(const struct day *d, int seed, unsigned int nguests)
{
	/* each guest once, some ten that are born, and moves */
	ck_assert_msg(d->npins <= nguests + 100, "seed %d, %u guests: %u pins in an hour", seed,
		      nguests, d->npins);
	/* until the means have seen it; longer when all that could go have just moved */
	ck_assert_msg(d->longest_crowded_s <= 130, "seed %d, %u guests: crowded for %.0f s", seed,
		      nguests, d->longest_crowded_s);
	ck_assert_msg(d->crowded_s <= 180, "seed %d, %u guests: crowded for %.0f s in all", seed,
		      nguests, d->crowded_s);
	ck_assert_msg(l->plant.noom == 0, "seed %d, %u guests: out of memory", seed, nguests);
}

START_TEST(a_day_of_changing_load_is_mastered_without_unrest)
{
	static const unsigned int sizes[] = { 8, 12, 16, 24 };

	for (size_t i = 0; i < KT_ARRAY_LEN(sizes); i++) {
		struct day d = { 0 };

		live_a_day(&d, _i, sizes[i], true, LOOP_ACTIVE);
		check_day(&d, _i, sizes[i]);
		teardown();
	}
	l = loop_new();
}
END_TEST

/* CPU time lost: waiting, and a quarter of what runs far from its memory. */
static double lost_share(const struct day *d)
{
	return (d->waited_s + 0.25 * d->remote_s) / (d->waited_s + d->ran_s);
}

/* The same day twice: with the loop, and without.  Without, the plant spreads guests over
 * all nodes, and no kernel balances them: the limits tell regressions, not gains. */
START_TEST(the_host_is_better_off_than_without)
{
	static const struct {
		unsigned int nguests;
		double lost_share; /* of what is lost without */
	} sizes[] = { { 8, 0.5 }, { 16, 0.5 }, { 24, 0.85 } };

	for (size_t i = 0; i < KT_ARRAY_LEN(sizes); i++) {
		struct day with = { 0 }, without = { 0 };

		live_a_day(&without, _i, sizes[i].nguests, false, LOOP_OFF);
		teardown();
		live_a_day(&with, _i, sizes[i].nguests, false, LOOP_ACTIVE);
		teardown();
		ck_assert_msg(without.npins == 0, "seed %d: pinned though off", _i);
		ck_assert_msg(lost_share(&with) < sizes[i].lost_share * lost_share(&without),
			      "seed %d, %u guests: %.2f %% lost, %.2f %% without", _i,
			      sizes[i].nguests, 100 * lost_share(&with),
			      100 * lost_share(&without));
		ck_assert_msg(with.waited_s < 0.04 * with.ran_s,
			      "seed %d, %u guests: waited %.0f of %.0f s", _i, sizes[i].nguests,
			      with.waited_s, with.ran_s);
	}
	l = loop_new();
}
END_TEST

/* ---- gives up
 * ------------------------------------------------------------------------------------ */

/* What numad got wrong in the field: two guests with their memory on node 0, pinned by
 * the admin to CPUs of node 3. */
START_TEST(pins_of_the_admin_are_never_touched)
{
	open_host(_i, 4);
	for (int i = 0; i < 4; i++) {
		struct plant_guest *g = plant_start(&l->plant, 4, 16);

		g->birth_node = 0;
		settle_memory(g);
		g->demand_cpus = 3;
		g->has_admin_mask = i < 2;
		g->admin_mask = l->plant.topology.node[3].cpus;
	}
	loop_run(l, HOUR_S, NULL, NULL);
	for (unsigned int i = 0; i < 4; i++)
		ck_assert_msg(l->plant.guest[i].npins == (i >= 2), "seed %d: guest %u: %u pins", _i,
			      i, l->plant.guest[i].npins);
	ck_assert_int_eq(l->plan.guest[0].placement.why, WHY_PINNED_BY_ADMIN);
}
END_TEST

START_TEST(guests_wider_than_a_node_are_left_to_the_kernel)
{
	struct plant_guest *wide, *small;

	open_host(_i, 2);
	wide = plant_start(&l->plant, NODE_CPUS + 1, 32);
	wide->demand_cpus = NODE_CPUS;
	small = plant_start(&l->plant, 2, 8);
	small->demand_cpus = 2;
	loop_run(l, HOUR_S, NULL, NULL);
	ck_assert_msg(wide->npins == 0, "seed %d: pinned", _i);
	ck_assert_int_eq(l->plan.guest[0].placement.why, WHY_WIDER_THAN_NODE);
	ck_assert_msg(small->pinned && small->npins == 1, "seed %d: the other guest: %u pins", _i,
		      small->npins);
}
END_TEST

START_TEST(a_host_of_one_node_is_never_touched)
{
	struct day d = { 0 };

	open_host(_i, 1);
	for (int i = 0; i < 12; i++)
		(void)start_guest();
	loop_run(l, HOUR_S, live, &d);
	for (unsigned int i = 0; i < l->plant.nguests; i++)
		ck_assert_msg(l->plant.guest[i].npins == 0, "seed %d: pinned", _i);
}
END_TEST

/* More is wanted than the whole host has: homes are kept, nobody wanders. */
START_TEST(a_host_that_is_too_small_is_left_in_peace)
{
	unsigned int npins = 0;

	open_host(_i, 4);
	for (int i = 0; i < 20; i++) {
		struct plant_guest *g = plant_start(&l->plant, 4, 16);

		g->demand_cpus = 0.1;
		settle_memory(g);
		g->birth_node = (unsigned int)i % 4;
	}
	loop_run(l, 600, NULL, NULL);
	for (unsigned int i = 0; i < 20; i++) {
		l->plant.guest[i].demand_cpus = 4; /* 80 of 64 CPUs */
		npins -= l->plant.guest[i].npins;
	}
	loop_run(l, HOUR_S, NULL, NULL);
	for (unsigned int i = 0; i < 20; i++)
		npins += l->plant.guest[i].npins;
	/* birth nodes are drawn: some nodes are more crowded than others and give up some */
	ck_assert_msg(npins <= 12, "seed %d: %u pins changed in an hour", _i, npins);
}
END_TEST

/* The host's memory is full but for crumbs: whoever fits nowhere stays unpinned. */
START_TEST(guests_for_whom_no_node_has_memory_are_not_pinned)
{
	struct plant_guest *g;

	open_host(_i, 2);
	for (unsigned int i = 0; i < 14; i++)
		plant_start(&l->plant, 2, 16)->on_node_kib[i % 2] = 16 * PLANT_GIB;
	loop_run(l, 600, NULL, NULL);
	g = plant_start(&l->plant, 2, 48);
	g->target_kib = 1 * PLANT_GIB;
	loop_run(l, 600, NULL, NULL);
	ck_assert_msg(!g->pinned && g->npins == 0, "seed %d: pinned", _i);
	ck_assert_int_eq(l->plan.guest[14].placement.why, WHY_SPREAD);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_placement");
	TCase *c = tcase_create("works"), *g = tcase_create("gives_up");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_checked_fixture(g, NULL, teardown);
	tcase_set_timeout(c, 60);
	tcase_set_timeout(g, 60);
	tcase_add_loop_test(c, every_guest_ends_on_the_node_of_its_memory, 1, SEEDS + 1);
	tcase_add_loop_test(c, guests_that_just_start_are_placed_at_once_and_fill_their_node, 1,
			    SEEDS + 1);
	tcase_add_loop_test(c, a_day_of_changing_load_is_mastered_without_unrest, 1, SEEDS + 1);
	tcase_add_loop_test(c, the_host_is_better_off_than_without, 1, SEEDS + 1);
	tcase_add_loop_test(g, pins_of_the_admin_are_never_touched, 1, SEEDS + 1);
	tcase_add_loop_test(g, guests_wider_than_a_node_are_left_to_the_kernel, 1, SEEDS + 1);
	tcase_add_loop_test(g, a_host_of_one_node_is_never_touched, 1, SEEDS + 1);
	tcase_add_loop_test(g, a_host_that_is_too_small_is_left_in_peace, 1, SEEDS + 1);
	tcase_add_loop_test(g, guests_for_whom_no_node_has_memory_are_not_pinned, 1, SEEDS + 1);
	suite_add_tcase(s, c);
	suite_add_tcase(s, g);
	return kt_run(s);
}
