/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the search end where nothing gains, and does it get there? */
#include "pack_fixture.h"

/* Of the options that run in other bins; HUGE_VAL: there is none. */
static double cheapest_but(const struct pack_item *item, uint64_t bins)
{
	double least = HUGE_VAL;

	for (size_t o = item->first_option; o < item->first_option + item->noptions; o++)
		if (pack.option[o].bins != bins && pack.option[o].cost < least)
			least = pack.option[o].cost;
	return least;
}

START_TEST(an_item_knows_what_is_cheapest_here_and_elsewhere)
{
	uint64_t seed = fixture_seed(_i);

	for (int round = 0; round < 100; round++) {
		random_pack(&seed, _i % 2 ? 2 : 64, 20);
		for (size_t i = 0; i < pack.nitems; i++) {
			const struct pack_item *item = &pack.item[i];

			ck_assert_double_eq(item->cheapest, cheapest_but(item, 0));
			ck_assert_double_eq(item->cheapest_elsewhere,
					    cheapest_but(item, item->cheapest_bins));
		}
	}
}
END_TEST

static void no_move_gains(int seed, int round)
{
	for (size_t i = 0; i < pack.nitems; i++) {
		const struct pack_item *item = &pack.item[i];

		for (size_t o = item->first_option; o < item->first_option + item->noptions; o++) {
			struct pack_change change = change_to(i, o);

			ck_assert_msg(pack_increase(&pack, &change, 1) > -1.1e-6,
				      "seed %d, round %d: item %zu gains by option %zu", seed,
				      round, i, o);
		}
	}
}

static void no_swap_gains_of(int seed, int round, size_t i, size_t j)
{
	const struct pack_item *a = &pack.item[i], *b = &pack.item[j];

	for (size_t m = a->first_option; m < a->first_option + a->noptions; m++)
		for (size_t n = b->first_option; n < b->first_option + b->noptions; n++) {
			struct pack_change changes[] = { change_to(i, m), change_to(j, n) };

			if (pack.option[m].bins != pack.option[b->chosen].bins ||
			    pack.option[n].bins != pack.option[a->chosen].bins)
				continue;
			ck_assert_msg(pack_increase(&pack, changes, 2) > -1e-3,
				      "seed %d, round %d: items %zu and %zu should swap", seed,
				      round, i, j);
		}
}

static void no_swap_gains(int seed, int round)
{
	for (size_t i = 0; i < pack.nitems; i++)
		for (size_t j = i + 1; j < pack.nitems; j++)
			if (pack.option[pack.item[i].chosen].bins !=
			    pack.option[pack.item[j].chosen].bins)
				no_swap_gains_of(seed, round, i, j);
}

START_TEST(the_search_ends_where_nothing_gains_and_never_worse)
{
	uint64_t seed = fixture_seed(_i);

	for (int round = 0; round < 100; round++) {
		double cost;

		random_pack(&seed, _i % 2 ? 4 : 64, 20);
		cost = pack_cost(&pack);
		ck_assert_msg(pack_improve(&pack, UINT32_MAX), "seed %d, round %d", _i, round);
		ck_assert_msg(pack_cost(&pack) <= cost + 1e-7, "seed %d, round %d: worse", _i,
			      round);
		no_move_gains(_i, round);
		no_swap_gains(_i, round);
	}
}
END_TEST

static bool chosen_alike(const struct pack *a, const struct pack *b)
{
	for (size_t i = 0; i < a->nitems; i++)
		if (a->item[i].chosen != b->item[i].chosen)
			return false;
	return true;
}

START_TEST(the_search_finds_the_same_twice)
{
	uint64_t seed = fixture_seed(_i);

	for (int round = 0; round < 20; round++) {
		random_pack(&seed, 8, 30);
		before = pack;
		pack_best_fit(&pack);
		(void)pack_improve(&pack, 5000);
		pack_best_fit(&before);
		(void)pack_improve(&before, 5000);
		ck_assert_msg(chosen_alike(&pack, &before), "seed %d, round %d", _i, round);
		ck_assert_uint_eq(pack.nlooks, before.nlooks);
	}
}
END_TEST

START_TEST(the_search_stops_when_it_has_looked_enough)
{
	uint64_t seed = fixture_seed(_i);

	for (int round = 0; round < 50; round++) {
		uint64_t looks = fixture_below(&seed, 200);

		random_pack(&seed, 8, 40);
		before = pack;
		if (pack_improve(&pack, looks))
			no_move_gains(_i, round);
		else
			ck_assert_uint_ge(pack.nlooks, looks);
		/* A round of moves, and the swaps of one item, are not broken off. */
		ck_assert_uint_le(pack.nlooks, looks + pack.noptions + 6 * pack.noptions);
		ck_assert_double_le(pack_cost(&pack), pack_cost(&before) + 1e-7);
		ck_assert(looks || chosen_alike(&pack, &before));
	}
}
END_TEST

/* ---- what the search is for ------------------------------------------------------------------ */

static void item_on(double cpus, double gib, size_t home, size_t nbins)
{
	struct pack_item *item = pack_add_item(&pack, cpus, 0, gib);

	item->gib_on[home] = (float)gib;
	ck_assert(pack_add_option(&pack, UINT64_C(1) << home, false, 0));
	for (size_t b = 0; b < nbins; b++)
		if (b != home)
			ck_assert(pack_add_option(&pack, UINT64_C(1) << b, true, 0.1));
}

static void ends_at(const char *name, const size_t *expected, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(pack.option[pack.item[i].chosen].bins == UINT64_C(1) << expected[i],
			      "%s: item %zu is in %lx", name, i,
			      pack.option[pack.item[i].chosen].bins);
}

START_TEST(who_would_wait_goes_where_there_is_room)
{
	bins(2, 4, 100);
	item_on(3, 1, 0, 2);
	item_on(3, 1, 0, 2);
	pack_settle(&pack);
	ck_assert(pack_improve(&pack, 1000));
	ends_at("the first of equals", (const size_t[]){ 1, 0 }, 2);
}
END_TEST

/* No move helps: each bin has room for what it has, and for no more. */
START_TEST(two_items_swap_where_neither_could_move)
{
	bins(2, 6, 100);
	item_on(4, 1, 0, 2);
	item_on(4, 1, 0, 2);
	item_on(2, 1, 1, 2);
	item_on(2, 1, 1, 2);
	pack.bin[0].room_gib = pack.bin[1].room_gib = 2;
	pack_settle(&pack);
	ck_assert(pack_improve(&pack, 1000));
	ends_at("one of each", (const size_t[]){ 1, 0, 0, 1 }, 4);
}
END_TEST

static void item_that_is_cheaper_in(size_t bin, size_t here)
{
	struct pack_item *item = pack_add_item(&pack, 0, 0, 1);

	item->gib_on[here] = 1;
	ck_assert(pack_add_option(&pack, UINT64_C(1) << here, false, 1));
	ck_assert(pack_add_option(&pack, UINT64_C(1) << bin, true, 0));
}

/* Idle, so that all they gain is the cost of an option that runs elsewhere. */
START_TEST(two_items_swap_where_each_is_cheaper)
{
	bins(2, 4, 1);
	item_that_is_cheaper_in(1, 0);
	item_that_is_cheaper_in(0, 1);
	pack_settle(&pack);
	ck_assert(pack_improve(&pack, 1000));
	ends_at("each in the other's", (const size_t[]){ 1, 0 }, 2);
}
END_TEST

/* Two of 4 CPUs in bin 0 of 6, two of 2 in bin 1, which nobody can go to without another one's
 * leaving it; bin 2 is small, and dear. */
static void crowded_beside_quiet(double change_cost)
{
	bins(3, 6, 2);
	pack.bin[2].cores = pack.bin[2].threads = 1;
	for (size_t i = 0; i < 4; i++) {
		item_on(i < 2 ? 4 : 2, 1, i / 2, 0);
		ck_assert(pack_add_option(&pack, UINT64_C(2) >> (i / 2), true, change_cost));
		ck_assert(pack_add_option(&pack, 4, true, 0.85));
	}
	pack_settle(&pack);
}

/* Of 2 CPUs that wait. */
START_TEST(a_swap_may_cost_nearly_what_it_gains)
{
	crowded_beside_quiet(0.9);
	ck_assert(pack_improve(&pack, 1000));
	ends_at("one of each", (const size_t[]){ 1, 0, 0, 1 }, 4);
}
END_TEST

START_TEST(a_swap_that_costs_more_than_it_gains_is_not_looked_at)
{
	crowded_beside_quiet(1.1);
	ck_assert(pack_improve(&pack, 1000));
	ends_at("as they were", (const size_t[]){ 0, 0, 1, 1 }, 4);
	ck_assert_uint_eq(pack.nlooks, 4); /* moves of those that wait */
}
END_TEST

START_TEST(no_cpu_is_worth_memory_that_does_not_fit)
{
	bins(2, 1, 1);
	item_on(1, 1, 0, 2);
	item_on(1, 1, 0, 2);
	pack.bin[0].room_gib = 2;
	pack.bin[1].room_gib = 0.99;
	pack_settle(&pack);
	ck_assert(pack_improve(&pack, 1000));
	ends_at("no room there", (const size_t[]){ 0, 0 }, 2);
	pack.bin[1].room_gib = 1;
	pack_settle(&pack);
	ck_assert(pack_improve(&pack, 1000));
	ends_at("just room", (const size_t[]){ 1, 0 }, 2);
}
END_TEST

/* The first has to go, and there is room only where the other one's 2 GiB are, which then
 * have to go too: before that they were in nobody's way. */
START_TEST(who_is_in_the_way_of_a_move_moves_too)
{
	struct pack_item *other;

	bins(3, 8, 100);
	item_on(1, 4, 0, 2);
	other = pack_add_item(&pack, 0, 0, 2);
	other->gib_on[1] = 2;
	ck_assert(pack_add_option(&pack, UINT64_C(1) << (_i ? 2 : 1), false, 0));
	ck_assert(pack_add_option(&pack, UINT64_C(1) << 2, true, 0));
	pack.bin[0].room_gib = 0;
	pack.bin[1].room_gib = 4;
	pack_settle(&pack);
	ck_assert(pack_improve(&pack, 1000));
	ends_at(_i ? "it runs elsewhere" : "it runs there", (const size_t[]){ 1, 2 }, 2);
	ck_assert_double_eq(pack.bin[1].over_gib, 0);
}
END_TEST

/* 1 1 3 3 in this order would fill the first bin with small ones. */
START_TEST(best_fit_begins_with_the_largest)
{
	bins(2, 4, 100);
	item_on(1, 1, 0, 2);
	item_on(1, 1, 0, 2);
	item_on(3, 1, 0, 2);
	item_on(3, 1, 0, 2);
	pack_settle(&pack);
	pack_best_fit(&pack);
	ck_assert_double_eq_tol(pack.bin[0].cpus, 4, 1e-9);
	ck_assert_double_eq_tol(pack.bin[1].cpus, 4, 1e-9);
	ends_at("equals as they came", (const size_t[]){ 0, 1, 0, 1 }, 4);
	ck_assert_uint_eq(pack.order[0], 2);
	ck_assert_uint_eq(pack.order[1], 3);
	ck_assert_uint_eq(pack.order[2], 0);
	ck_assert_uint_eq(pack.order[3], 1);
}
END_TEST

START_TEST(much_memory_is_large_too)
{
	bins(2, 4, 10);
	item_on(2, 1, 0, 2);
	item_on(1, 9, 0, 2);
	pack_settle(&pack);
	pack_best_fit(&pack);
	ck_assert_uint_eq(pack.order[0], 1);
}
END_TEST

static size_t chosen_of(size_t i)
{
	return pack.item[i].chosen - pack.item[i].first_option;
}

/* Of a hundred that could leave a crowd for another one, the last could go where nobody is. */
START_TEST(a_search_that_was_too_short_goes_on_where_it_stopped)
{
	enum { N = 100, LOOKS = 10 };
	int searches = 0;

	bins(3, 4, 100);
	for (size_t i = 0; i < N; i++) {
		item_on(0.5, 0, i % 2, 0);
		ck_assert(pack_add_option(&pack, UINT64_C(2) >> i % 2, false, 0));
	}
	ck_assert(pack_add_option(&pack, 4, false, 0));
	pack_settle(&pack);
	while (chosen_of(N - 1) == 0 && searches++ < 2 * N / LOOKS)
		(void)pack_improve(&pack, LOOKS);
	ck_assert_uint_eq(chosen_of(N - 1), 2);
	ck_assert_int_eq(searches, N / LOOKS);
	for (size_t i = 0; i < N - 1; i++)
		ck_assert_uint_eq(chosen_of(i), 0);
}
END_TEST

/* Runs in bin 0, and its GiB is in bin 1, far away; its last option is to run there. */
static void item_with_memory_elsewhere(double far_cost, double bring_cost)
{
	struct pack_item *item = pack_add_item(&pack, 0.01, 0, 1);

	item->gib_on[1] = 1;
	ck_assert(pack_add_option(&pack, 1, false, far_cost));
	ck_assert(pack_add_option(&pack, 1, true, bring_cost));
	ck_assert(pack_add_option(&pack, 2, false, 0));
}

START_TEST(memory_of_many_comes_along_with_a_look_at_each)
{
	enum { N = 500 };

	bins(2, 64, 2 * N);
	for (int i = 0; i < N; i++)
		item_with_memory_elsewhere(0.1, i % 5 ? 0.05 : 0.1);
	pack_settle(&pack);
	pack_take_memory_along(&pack);
	for (size_t i = 0; i < N; i++)
		ck_assert_uint_eq(chosen_of(i), i % 5 > 0);
	ck_assert_uint_le(pack.nlooks, N);
	holds("where they run", 0, N * 0.01, 0, N - N / 5.0);
}
END_TEST

START_TEST(memory_comes_along_while_there_is_room)
{
	bins(2, 64, 100);
	for (int i = 0; i < 3; i++)
		item_with_memory_elsewhere(0.1, 0.05);
	pack.bin[0].room_gib = 2;
	pack_settle(&pack);
	pack_take_memory_along(&pack);
	ck_assert_uint_eq(chosen_of(0) + chosen_of(1) + chosen_of(2), 2);
	ck_assert_uint_eq(pack.full, 0);
}
END_TEST

/* Who is to go from where there is too much is a question of what it gains. */
START_TEST(beside_too_much_memory_nobody_brings_any)
{
	bins(2, 64, 100);
	item_with_memory_elsewhere(0.1, 0.09);
	item_with_memory_elsewhere(0.1, 0.05);
	pack.bin[1].room_gib = 1;
	pack_settle(&pack);
	ck_assert_uint_eq(pack.full, 2);
	pack_take_memory_along(&pack);
	ck_assert_uint_eq(chosen_of(0) + chosen_of(1), 0);
	ck_assert(pack_improve(&pack, 1000));
	ck_assert_uint_eq(pack.full, 0);
}
END_TEST

/* None of them gains: nothing is tried, however many there are. */
/* Items whose places cost the same do not change them from search to search. */
START_TEST(of_the_cheapest_the_first_is_chosen)
{
	bins(3, 4, 20);
	(void)pack_add_item(&pack, 1, 0, 1);
	ck_assert(pack_add_option(&pack, 1, false, 0.5));
	ck_assert(pack_add_option(&pack, 2, false, 0.25));
	ck_assert(pack_add_option(&pack, 4, false, 0.25));
	pack_settle(&pack);
	pack_choose_cheapest(&pack);
	ck_assert_uint_eq(pack.item[0].chosen, 1);
}
END_TEST

START_TEST(what_cannot_gain_is_not_looked_at)
{
	bins(16, 64, 1000);
	for (size_t i = 0; i < 320; i++)
		item_on(0.1, 1, i % 16, 16);
	pack_settle(&pack);
	ck_assert(pack_improve(&pack, 100));
	ck_assert_uint_eq(pack.nlooks, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pack_search");
	TCase *c = tcase_create("search");

	tcase_add_loop_test(c, the_search_ends_where_nothing_gains_and_never_worse, 1, 5);
	tcase_add_loop_test(c, the_search_finds_the_same_twice, 1, 3);
	tcase_add_loop_test(c, an_item_knows_what_is_cheapest_here_and_elsewhere, 1, 3);
	tcase_add_loop_test(c, the_search_stops_when_it_has_looked_enough, 1, 3);
	tcase_add_test(c, who_would_wait_goes_where_there_is_room);
	tcase_add_test(c, two_items_swap_where_each_is_cheaper);
	tcase_add_test(c, two_items_swap_where_neither_could_move);
	tcase_add_test(c, a_swap_may_cost_nearly_what_it_gains);
	tcase_add_test(c, a_swap_that_costs_more_than_it_gains_is_not_looked_at);
	tcase_add_test(c, no_cpu_is_worth_memory_that_does_not_fit);
	tcase_add_loop_test(c, who_is_in_the_way_of_a_move_moves_too, 0, 2);
	tcase_add_test(c, best_fit_begins_with_the_largest);
	tcase_add_test(c, much_memory_is_large_too);
	tcase_add_test(c, a_search_that_was_too_short_goes_on_where_it_stopped);
	tcase_add_test(c, memory_of_many_comes_along_with_a_look_at_each);
	tcase_add_test(c, memory_comes_along_while_there_is_room);
	tcase_add_test(c, beside_too_much_memory_nobody_brings_any);
	tcase_add_test(c, of_the_cheapest_the_first_is_chosen);
	tcase_add_test(c, what_cannot_gain_is_not_looked_at);
	suite_add_tcase(s, c);
	return kt_run(s);
}
