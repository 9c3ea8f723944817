/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the search for a placement find the best one, or nearly? */
#include <stdlib.h>

#include "kt_check.h"
#include "numa_exact.h"
#include "numa_oneshot.h"

enum { INSTANCES = 500, FIRST_SEED = 1 };

static const double mean_gap_pct = 0.02; /* of demand */
static const double optimal_share = 0.97;

static struct pack *p;

static void setup(void)
{
	p = malloc(sizeof *p);
	ck_assert_ptr_nonnull(p);
}

static void teardown(void)
{
	free(p);
}

static const unsigned int sizes[] = { 6, 8, 10 };

START_TEST(two_starts_come_near_to_the_optimum)
{
	struct numa_gap g = numa_gap(sizes[_i], FIRST_SEED, INSTANCES);

	ck_assert_uint_eq(g.nunsolved, 0);
	ck_assert_msg(g.of[NUMA_TWO_STARTS].mean_pct <= mean_gap_pct, "%u guests: %.4f %%",
		      sizes[_i], g.of[NUMA_TWO_STARTS].mean_pct);
}
END_TEST

START_TEST(three_starts_mostly_find_it)
{
	struct numa_gap g = numa_gap(sizes[_i], FIRST_SEED, INSTANCES);

	ck_assert_msg((double)g.of[NUMA_THREE_STARTS].noptimal >= optimal_share * INSTANCES,
		      "%u guests: %zu of %d", sizes[_i], g.of[NUMA_THREE_STARTS].noptimal,
		      INSTANCES);
}
END_TEST

/* It is the search that finds it: neither is it there at the beginning, nor is it easy. */
START_TEST(what_searches_less_is_further_away)
{
	struct numa_gap g = numa_gap(sizes[_i], FIRST_SEED, INSTANCES);

	ck_assert_double_gt(g.of[NUMA_STAY].mean_pct, 5);
	ck_assert_double_gt(g.of[NUMA_BEST_FIT].mean_pct, g.of[NUMA_IMPROVE].mean_pct);
	ck_assert_double_ge(g.of[NUMA_IMPROVE].mean_pct, g.of[NUMA_TWO_STARTS].mean_pct);
}
END_TEST

START_TEST(nothing_is_better_than_the_optimum)
{
	struct numa_gap g = numa_gap(sizes[_i], FIRST_SEED, INSTANCES);

	for (int s = 0; s < _NUMA_SEARCHES; s++)
		ck_assert_uint_eq(g.of[s].nbelow, 0);
}
END_TEST

/* ---- is the optimum one? ------------------------------------------------------------------ */

static const struct {
	unsigned int nguests, ninstances;
} exhausted[] = { { 3, 200 }, { 4, 100 }, { 5, 20 } };

START_TEST(branch_and_bound_finds_what_trying_everything_finds)
{
	for (unsigned int i = 0; i < exhausted[_i].ninstances; i++) {
		struct numa_optimum found, all;

		numa_oneshot_crowded(p, exhausted[_i].nguests, 1 + i);
		found = numa_exact(p, UINT64_MAX);
		all = numa_exhaust(p);
		ck_assert_double_eq_tol(found.cost, all.cost, 1e-9);
		ck_assert_double_eq_tol(numa_exact_cost(p, found.option), all.cost, 1e-9);
		ck_assert_uint_lt(found.nnodes, all.nnodes);
	}
}
END_TEST

START_TEST(both_say_the_same_of_what_a_choice_costs)
{
	size_t option[NUMA_EXACT_ITEMS];
	uint64_t seed = (uint64_t)_i;

	numa_oneshot(p, 10, seed);
	for (unsigned int round = 0; round < 50; round++) {
		for (size_t i = 0; i < p->nitems; i++) {
			seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			pack_choose(p, i,
				    p->item[i].first_option + (seed >> 33) % p->item[i].noptions);
			option[i] = p->item[i].chosen;
		}
		/* the penalty of a GiB too much is 1000, and where it lies is a float */
		ck_assert_double_eq_tol(pack_cost(p), numa_exact_cost(p, option), 1e-3);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_numa_gap");
	TCase *g = tcase_create("gap"), *o = tcase_create("optimum");

	tcase_add_checked_fixture(o, setup, teardown);
	tcase_set_timeout(g, 120);
	tcase_set_timeout(o, 120);
	tcase_add_loop_test(g, two_starts_come_near_to_the_optimum, 0, (int)KT_ARRAY_LEN(sizes));
	tcase_add_loop_test(g, three_starts_mostly_find_it, 0, (int)KT_ARRAY_LEN(sizes));
	tcase_add_loop_test(g, what_searches_less_is_further_away, 0, (int)KT_ARRAY_LEN(sizes));
	tcase_add_loop_test(g, nothing_is_better_than_the_optimum, 0, (int)KT_ARRAY_LEN(sizes));
	tcase_add_loop_test(o, branch_and_bound_finds_what_trying_everything_finds, 0,
			    (int)KT_ARRAY_LEN(exhausted));
	tcase_add_loop_test(o, both_say_the_same_of_what_a_choice_costs, 1, 21);
	suite_add_tcase(s, g);
	suite_add_tcase(s, o);
	return kt_run(s);
}
