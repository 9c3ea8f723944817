/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the search end where nothing gains, and does it get there? */
#include "pack_fixture.h"

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

int main(void)
{
	Suite *s = suite_create("pack_search");
	TCase *c = tcase_create("search");

	tcase_add_loop_test(c, the_search_ends_where_nothing_gains_and_never_worse, 1, 5);
	tcase_add_loop_test(c, the_search_finds_the_same_twice, 1, 3);
	tcase_add_loop_test(c, the_search_stops_when_it_has_looked_enough, 1, 3);
	tcase_add_test(c, who_would_wait_goes_where_there_is_room);
	tcase_add_test(c, two_items_swap_where_neither_could_move);
	tcase_add_test(c, no_cpu_is_worth_memory_that_does_not_fit);
	tcase_add_loop_test(c, who_is_in_the_way_of_a_move_moves_too, 0, 2);
	tcase_add_test(c, best_fit_begins_with_the_largest);
	tcase_add_test(c, much_memory_is_large_too);
	suite_add_tcase(s, c);
	return kt_run(s);
}
