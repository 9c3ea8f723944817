/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does kvmtuned place guests better than numad does, whoever the guests are, and with less
 * unrest?  Is the host that says so the one of placement's fact sheet? */
#include "kt_check.h"
#include "numa_run.h"

enum { SEEDS = 40, OTHER_SEEDS = 20, HOUR_S = 3600, FIRST_SEED = 2001 };

/* Of what numad loses, pooled over the seeds; guests are for 32 cores.  The algorithm of the
 * fact sheet, told the true demand every second, comes to 0.39, 0.43 and 0.47 on the standard
 * host. */
static const struct target {
	unsigned int nguests;
	double lost_ratio;
} targets[] = { { 8, 0.45 }, { 12, 0.55 }, { 16, 0.60 } };

/* The same with 12 guests on other hosts, and under other loads: what it comes to on these
 * seeds, and a tenth or so.  Nodes of four cores are too small for guests of eight vCPUs:
 * there numad, which spreads a process over nodes as freely, is as good. */
static const struct other {
	const char *shape;
	enum numa_kind kind;
	double lost_ratio;
} others[] = {
	{ "2x16", NUMA_STANDARD, 0.65 },
	{ "8x8", NUMA_STANDARD, 0.45 },
	{ "16x4", NUMA_STANDARD, 1.15 },
	{ "4x8-one-thread", NUMA_STANDARD, 0.75 },
	{ "4x8-uneven-memory", NUMA_STANDARD, 0.3 },
	{ "4x8-memory-node", NUMA_STANDARD, 0.65 },
	{ "4x8", NUMA_TIGHT, 0.75 },
	{ "4x8", NUMA_BURSTY, 0.9 },
	{ "4x8", NUMA_CHURN, 0.65 },
	{ "4x8", NUMA_WIDE, 0.75 },
	{ "4x8", NUMA_DEVICES, 0.45 },
};

static const double wins_share = 0.95;  /* of the seeds */
static const double repins_share = 0.5; /* of numad's */
static const double moved_share = 1;    /* of numad's GiB */

static struct numa_bill ours[SEEDS], numads[SEEDS], nobodys[SEEDS];

static struct numa_shape shape_of(const char *name)
{
	struct numa_shape s;

	ck_assert_msg(numa_shape_find(name, &s), "no shape %s", name);
	return s;
}

static void run_both(const char *shape_name, enum numa_kind kind, unsigned int nguests,
		     size_t nseeds)
{
	struct numa_shape shape = shape_of(shape_name);
	struct placement_conf conf = numa_standard_conf();
	struct numa_scenario s = { &shape, kind, nguests * numa_shape_cores(&shape) / 32, HOUR_S,
				   &conf };

	numa_run_seeds(&s, &numa_kvmtuned, FIRST_SEED, nseeds, ours);
	numa_run_seeds(&s, &numa_numad, FIRST_SEED, nseeds, numads);
}

/* ---- against numad ------------------------------------------------------------------------ */

static void check_unrest(unsigned int nguests, const struct numa_bill *a, const struct numa_bill *b)
{
	ck_assert_msg(a->repins <= repins_share * b->repins, "%u guests: %u repins, numad %u",
		      nguests, a->repins, b->repins);
	ck_assert_msg(a->moved_gib <= moved_share * b->moved_gib,
		      "%u guests: %.0f GiB moved, numad %.0f", nguests, a->moved_gib, b->moved_gib);
}

START_TEST(less_is_lost_and_with_less_unrest)
{
	const struct target *t = &targets[_i];
	struct numa_bill a, b;
	size_t wins;

	run_both("4x8", NUMA_STANDARD, t->nguests, SEEDS);
	a = numa_pool(ours, SEEDS);
	b = numa_pool(numads, SEEDS);
	wins = numa_compare(ours, numads, SEEDS).wins;
	ck_assert_msg(numa_lost(&a) <= t->lost_ratio * numa_lost(&b),
		      "%u guests: %.2f %% lost, numad %.2f %%", t->nguests, 100 * numa_lost(&a),
		      100 * numa_lost(&b));
	ck_assert_msg((double)wins >= wins_share * SEEDS, "%u guests: %zu of %d seeds won",
		      t->nguests, wins, SEEDS);
	check_unrest(t->nguests, &a, &b);
}
END_TEST

START_TEST(less_is_lost_on_other_hosts_and_under_other_loads)
{
	const struct other *o = &others[_i];
	struct numa_bill a, b;

	run_both(o->shape, o->kind, 12, OTHER_SEEDS);
	a = numa_pool(ours, OTHER_SEEDS);
	b = numa_pool(numads, OTHER_SEEDS);
	ck_assert_msg(numa_lost(&a) <= o->lost_ratio * numa_lost(&b),
		      "host %s, load %s: %.2f %% lost, numad %.2f %%", o->shape,
		      numa_kind_name(o->kind), 100 * numa_lost(&a), 100 * numa_lost(&b));
}
END_TEST

/* ---- is it the host of the fact sheet? ------------------------------------------------------ */

static double lost_pct(const struct numa_policy *p, unsigned int nguests)
{
	struct numa_shape shape = shape_of("4x8");
	struct placement_conf conf = numa_standard_conf();
	struct numa_scenario s = { &shape, NUMA_STANDARD, nguests, HOUR_S, &conf };
	struct numa_bill sum;

	numa_run_seeds(&s, p, 1001, SEEDS, nobodys);
	sum = numa_pool(nobodys, SEEDS);
	return 100 * numa_lost(&sum);
}

/* The figures of the first simulator, which drew other guests from the same distributions:
 * its and ours differ by what two sets of 40 hours do, and by a fifth for numad, of which the
 * sheet leaves open what it does with guests that are settled. */
static const struct known {
	unsigned int nguests;
	double numad_pct, static_pct, unpinned_pct;
} known[] = { { 8, 0.82, 0.87, 14.94 }, { 12, 1.80, 3.11, 14.85 }, { 16, 4.39, 6.29, 16.09 } };

static bool is_near(double a, double b)
{
	return a > b * 0.75 && a < b * 1.33;
}

START_TEST(known_policies_lose_what_they_are_known_to_lose)
{
	const struct known *k = &known[_i];
	double n = lost_pct(&numa_numad, k->nguests), s = lost_pct(&numa_static, k->nguests),
	       u = lost_pct(&numa_unpinned, k->nguests);

	ck_assert_msg(is_near(n, k->numad_pct), "%u guests, numad: %.2f %%", k->nguests, n);
	ck_assert_msg(is_near(s, k->static_pct), "%u guests, static: %.2f %%", k->nguests, s);
	ck_assert_msg(is_near(u, k->unpinned_pct), "%u guests, unpinned: %.2f %%", k->nguests, u);
}
END_TEST

/* Otherwise they would not be compared over the same guests. */
START_TEST(all_policies_meet_the_same_guests)
{
	run_both("4x8", NUMA_STANDARD, 12, SEEDS);
	for (size_t i = 0; i < SEEDS; i++)
		ck_assert_double_eq(ours[i].demand, numads[i].demand);
	ck_assert_double_ne(ours[0].demand, ours[1].demand);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_numa");
	TCase *c = tcase_create("better_than_numad"), *m = tcase_create("model");

	tcase_set_timeout(c, 120);
	tcase_set_timeout(m, 120);
	tcase_add_loop_test(c, less_is_lost_and_with_less_unrest, 0, (int)KT_ARRAY_LEN(targets));
	tcase_add_loop_test(c, less_is_lost_on_other_hosts_and_under_other_loads, 0,
			    (int)KT_ARRAY_LEN(others));
	tcase_add_loop_test(m, known_policies_lose_what_they_are_known_to_lose, 0,
			    (int)KT_ARRAY_LEN(known));
	tcase_add_test(m, all_policies_meet_the_same_guests);
	suite_add_tcase(s, c);
	suite_add_tcase(s, m);
	return kt_run(s);
}
