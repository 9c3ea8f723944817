/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what a packing costs what it should cost? */
#include "pack_fixture.h"

/* ---- expected loss -------------------------------------------------------------------- */

static const struct {
	const char *name;
	struct pack_bin bin;
	double cpus, variance, loss;
} losses[] = {
	{ "nothing wanted, nothing lost", { .cores = 8, .threads = 8 }, 0, 0, 0 },
	{ "half of the cores: what is shared beside cores",
	  { .cores = 8, .threads = 8 },
	  4,
	  0,
	  0.01 },
	{ "all cores, and nobody waits", { .cores = 8, .threads = 8 }, 8, 0, 0.04 },
	{ "a CPU too much is lost", { .cores = 8, .threads = 8 }, 9, 0, 1 + 0.050625 },
	{ "all cores of two threads", { .cores = 8, .threads = 16 }, 8, 0, 0.04 },
	{ "a second thread yields a quarter", { .cores = 8, .threads = 16 }, 12, 0, 3 + 0.09 },
	{ "all threads", { .cores = 8, .threads = 16 }, 16, 0, 6 + 0.16 },
	{ "a CPU more than threads is lost whole",
	  { .cores = 8, .threads = 16 },
	  17,
	  0,
	  7 + 0.180625 },
	{ "load that is not the items' counts",
	  { .cores = 8, .threads = 8, .base_cpus = 5 },
	  4,
	  0,
	  1 + 0.050625 },
	{ "at the limit half of all bursts wait",
	  { .cores = 4, .threads = 4 },
	  4,
	  4,
	  2 * 0.39894228 + 0.02 },
	{ "a variance below zero is none", { .cores = 8, .threads = 8 }, 9, -4, 1 + 0.050625 },
	{ "where there is no CPU all is lost", { .cores = 0, .threads = 0 }, 3, 0, 3 },
};

START_TEST(a_known_load_loses_a_known_part)
{
	double loss = pack_expected_loss(&losses[_i].bin, losses[_i].cpus, losses[_i].variance,
					 KT_CPUS_MAX);

	ck_assert_msg(fabs(loss - losses[_i].loss) < 1e-7, "%s: %.9f", losses[_i].name, loss);
}
END_TEST

/* Never more than the load can exceed what there is, if all that can be wanted is. */
START_TEST(what_cannot_be_wanted_is_not_lost)
{
	const struct pack_bin b = { .cores = 4, .threads = 4 };
	double any = pack_expected_loss(&b, 3, 4, KT_CPUS_MAX), shared = 0.01 * 9 / 8;

	ck_assert_msg(any > 0.3, "%g", any);
	ck_assert_msg(fabs(pack_expected_loss(&b, 3, 4, 4) - shared) < 1e-9, "4 vCPUs, 4 CPUs");
	ck_assert_msg(fabs(pack_expected_loss(&b, 3, 4, 4.1) - shared - 0.1) < 1e-9,
		      "a tenth more");
	ck_assert_msg(fabs(pack_expected_loss(&b, 3, 4, 5) - any) < 1e-9, "5 vCPUs");
}
END_TEST

/* What is lost by a load that is certain. */
static double certain_loss(double load, double cores, double threads)
{
	double yield = threads > cores ? 0.25 : 0;

	return (1 - yield) * fmax(load - cores, 0) + yield * fmax(load - threads, 0);
}

/* By Simpson's rule over 16 standard deviations. */
static double integrated_loss(double mean, double variance, double cores, double threads)
{
	enum { STEPS = 20000 };
	double sigma = sqrt(variance), h = 16 * sigma / STEPS, sum = 0;

	for (int i = 0; i <= STEPS; i++) {
		double x = mean + i * h - 8 * sigma, z = (x - mean) / sigma;
		double weight = i == 0 || i == STEPS ? 1 : i % 2 ? 4 : 2;

		sum += weight * certain_loss(x, cores, threads) * exp(-z * z / 2);
	}
	return sum * h / 3 / (sigma * sqrt(2 * M_PI));
}

START_TEST(the_expected_loss_is_the_integral_over_all_loads)
{
	static const double means[] = { 0, 2, 3.9, 4, 4.1, 7, 8, 9, 20 },
			    variances[] = { 0.01, 0.5, 1, 9, 100 };

	for (size_t m = 0; m < KT_ARRAY_LEN(means); m++)
		for (size_t v = 0; v < KT_ARRAY_LEN(variances); v++) {
			const struct pack_bin b = { .cores = 4, .threads = _i ? 8 : 4 };
			double shared = 0.01 * means[m] * means[m] / 8;
			double loss = pack_expected_loss(&b, means[m], variances[v], KT_CPUS_MAX) -
				      shared;
			double expected = integrated_loss(means[m], variances[v], 4, b.threads);

			ck_assert_msg(fabs(loss - expected) < 1e-5 * (1 + sqrt(variances[v])),
				      "%g threads, mean %g, variance %g: %.7f, not %.7f", b.threads,
				      means[m], variances[v], loss, expected);
		}
}
END_TEST

START_TEST(what_finds_no_thread_waits)
{
	struct pack_bin b = {
		.cores = 4, .threads = 8, .base_cpus = 2, .cpus = 6, .most_cpus = KT_CPUS_MAX
	};

	ck_assert_double_eq(pack_expected_wait(&b), 0);
	b.cpus = 7.5;
	ck_assert_double_eq_tol(pack_expected_wait(&b), 1.5, 1e-12);
	b.cpus = 6;
	b.variance = 4;
	ck_assert_double_eq_tol(pack_expected_wait(&b), 2 * 0.39894228, 1e-7);
	b.most_cpus = 6.5;
	ck_assert_double_eq_tol(pack_expected_wait(&b), 0.5, 1e-12);
	b.most_cpus = 6;
	ck_assert_double_eq(pack_expected_wait(&b), 0);
}
END_TEST

/* ---- content of bins --------------------------------------------------------------------- */

/* 2 GiB are on bin 0, 4 are yet to come. */
static void one_item(void)
{
	struct pack_item *item;

	bins(3, 8, 5);
	item = pack_add_item(&pack, 2, 4, 6);
	item->gib_on[0] = 2;
	ck_assert(pack_add_option(&pack, 1, false, 0.5));
	ck_assert(pack_add_option(&pack, 6, false, 0.25));
	ck_assert(pack_add_option(&pack, 2, true, 1));
	pack_settle(&pack);
}

START_TEST(load_and_memory_are_where_the_option_says)
{
	one_item();
	ck_assert_uint_eq(pack.item[0].held, 1);
	holds("all at home", 0, 2, 4, 6);
	ck_assert_double_eq_tol(pack.bin[0].over_gib, 1, 1e-9);
	pack_choose(&pack, 0, 1);
	holds("memory stays", 0, 0, 0, 2);
	holds("what is to come goes where it runs", 1, 1, 1, 2);
	holds("evenly", 2, 1, 1, 2);
	ck_assert_double_eq(pack.bin[0].over_gib, 0);
	pack_choose(&pack, 0, 2);
	holds("nothing is left", 0, 0, 0, 0);
	holds("all comes", 1, 2, 4, 6);
	holds("nothing elsewhere", 2, 0, 0, 0);
	pack_choose(&pack, 0, 0);
	holds("as before", 0, 2, 4, 6);
	holds("as before", 1, 0, 0, 0);
}
END_TEST

START_TEST(an_item_that_goes_leaves_nothing)
{
	one_item();
	pack_apply(&pack, &(struct pack_change){ .item = pack.item, .from = &pack.option[0] });
	for (size_t b = 0; b < 3; b++)
		holds("gone", b, 0, 0, 0);
	ck_assert_double_eq(pack.bin[0].lost_cpus, 0);
	ck_assert_double_eq(pack.bin[0].over_gib, 0);
	ck_assert_uint_eq(pack.item[0].chosen, 0);
}
END_TEST

START_TEST(the_cost_is_loss_and_options_and_what_finds_no_room)
{
	one_item();
	ck_assert_double_eq_tol(pack_cost(&pack), 1000 + 0.5 + pack.bin[0].lost_cpus, 1e-9);
	pack_choose(&pack, 0, 1);
	ck_assert_double_eq_tol(pack_cost(&pack),
				0.25 + pack.bin[1].lost_cpus + pack.bin[2].lost_cpus, 1e-9);
	ck_assert(pack.bin[1].lost_cpus > 0);
}
END_TEST

START_TEST(the_cheapest_option_is_known)
{
	one_item();
	ck_assert_double_eq(pack.item[0].cheapest, 0.25);
	ck_assert_uint_eq(pack.item[0].noptions, 3);
	ck_assert_double_eq(pack.option[1].share, 0.5);
}
END_TEST

START_TEST(sixty_four_bins_are_as_good_as_two)
{
	struct pack_item *item;

	bins(64, 4, 10);
	item = pack_add_item(&pack, 6.4, 64, 64);
	item->gib_on[63] = 32;
	ck_assert(pack_add_option(&pack, UINT64_C(1) << 63, false, 0));
	ck_assert(pack_add_option(&pack, UINT64_MAX, true, 0));
	pack_settle(&pack);
	holds("the last", 63, 6.4, 64, 64);
	ck_assert(pack_improve(&pack, 1000));
	holds("the first", 0, 0.1, 64.0 / 64 / 64, 1);
	holds("the last", 63, 0.1, 64.0 / 64 / 64, 1);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
	pack_begin(&pack);
	for (size_t i = 0; i < PACK_ITEMS_MAX; i++) {
		ck_assert_ptr_nonnull(pack_add_item(&pack, 1, 0, 0));
		ck_assert(pack_add_option(&pack, 1, false, 0));
	}
	ck_assert_ptr_null(pack_add_item(&pack, 1, 0, 0));
	ck_assert_uint_eq(pack.nitems, PACK_ITEMS_MAX);
	pack_begin(&pack);
	ck_assert_ptr_nonnull(pack_add_item(&pack, 1, 0, 0));
	for (size_t i = 0; i < PACK_OPTIONS_MAX; i++)
		ck_assert(pack_add_option(&pack, 1, false, 0));
	ck_assert(!pack_add_option(&pack, 1, false, 0));
	ck_assert_uint_eq(pack.item[0].noptions, PACK_OPTIONS_MAX);
	ck_assert_ptr_null(pack_add_item(&pack, 1, 0, 0));
	ck_assert_uint_eq(pack.nitems, 1);
}
END_TEST

/* ---- any instance ---------------------------------------------------------------------- */

START_TEST(the_increase_is_what_the_cost_then_grows_by)
{
	uint64_t seed = fixture_seed(_i);

	for (int round = 0; round < 300; round++) {
		size_t item[2], option[2], n;
		struct pack_change changes[2];
		double increase, cost;

		random_pack(&seed, 64, 20);
		n = pack.nitems > 1 ? 1 + fixture_below(&seed, 2) : 1;
		item[0] = fixture_below(&seed, pack.nitems);
		item[1] = (item[0] + 1) % pack.nitems;
		for (size_t i = 0; i < n; i++) {
			option[i] = random_option(&seed, &pack.item[item[i]]);
			changes[i] = change_to(item[i], option[i]);
		}
		cost = pack_cost(&pack);
		increase = pack_increase(&pack, changes, n);
		for (size_t i = 0; i < n; i++)
			pack_choose(&pack, item[i], option[i]);
		ck_assert_msg(fabs(pack_cost(&pack) - cost - increase) < 1e-7,
			      "seed %d, round %d: %zu changes grow it by %.9f, not %.9f", _i, round,
			      n, pack_cost(&pack) - cost, increase);
	}
}
END_TEST

START_TEST(many_changes_leave_bins_as_if_filled_at_once)
{
	uint64_t seed = fixture_seed(_i);

	for (int round = 0; round < 50; round++) {
		random_pack(&seed, 64, 20);
		for (int i = 0; i < 50; i++) {
			size_t item = fixture_below(&seed, pack.nitems);

			pack_choose(&pack, item, random_option(&seed, &pack.item[item]));
		}
		before = pack;
		pack_settle(&pack);
		for (size_t b = 0; b < pack.nbins; b++)
			holds("filled at once", b, before.bin[b].cpus, before.bin[b].variance,
			      before.bin[b].gib);
		ck_assert_double_eq_tol(pack_cost(&pack), pack_cost(&before), 1e-6);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pack");
	TCase *c = tcase_create("pack");

	tcase_add_test(c, what_cannot_be_wanted_is_not_lost);
	tcase_add_loop_test(c, a_known_load_loses_a_known_part, 0, (int)KT_ARRAY_LEN(losses));
	tcase_add_loop_test(c, the_expected_loss_is_the_integral_over_all_loads, 0, 2);
	tcase_add_test(c, what_finds_no_thread_waits);
	tcase_add_test(c, load_and_memory_are_where_the_option_says);
	tcase_add_test(c, an_item_that_goes_leaves_nothing);
	tcase_add_test(c, the_cost_is_loss_and_options_and_what_finds_no_room);
	tcase_add_test(c, the_cheapest_option_is_known);
	tcase_add_test(c, sixty_four_bins_are_as_good_as_two);
	tcase_add_test(c, what_does_not_fit_is_refused);
	tcase_add_loop_test(c, the_increase_is_what_the_cost_then_grows_by, 1, 5);
	tcase_add_loop_test(c, many_changes_leave_bins_as_if_filled_at_once, 1, 3);
	suite_add_tcase(s, c);
	return kt_run(s);
}
