/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a step finds once for many guests: is it what each of them would find alone? */
#include "placement_fixture.h"
#include "placement_private.h"

enum { ROUNDS = 40 };

/* Few kinds of them, as on a host: many are followed by one of their own kind. */
static void random_room(uint64_t *seed, size_t slot)
{
	struct domain *d = &fx.domain[slot];

	if (!fixture_below(seed, 4))
		fx.sample[slot].cpuset = cpus_of(0, 7 + (unsigned int)fixture_below(seed, 3) * 8);
	d->has_cpuset = !fixture_below(seed, 4);
	d->cpuset = cpus_of((unsigned int)fixture_below(seed, 2) * 4, 15);
	d->has_memory_nodes = !fixture_below(seed, 4);
	d->memory_nodes = 1 + fixture_below(seed, 15);
}

static void random_host(uint64_t *seed)
{
	fixture_reset();
	four_nodes();
	for (unsigned int n = 4; n < 8; n++)
		fixture_node(n, 8 * n, 8, G(32), G(20));
	if (!fixture_below(seed, 3))
		fx.conf.placement.reserved_cpus = cpus_of(0, 1);
	fx.host.node[fixture_below(seed, 4)].present = fixture_below(seed, 4) > 0;
	for (size_t i = 0; i < FIXTURE_GUESTS; i++) {
		struct guest_view *g = fixture_guest((double)fixture_below(seed, 5));

		random_room(seed, i);
		fx.domain[i].vcpus = 1 + (unsigned int)fixture_below(seed, 20);
		fx.domain[i].memory_kib = G(1 + fixture_below(seed, 200));
		if (fixture_below(seed, 2))
			fixture_pinned(i, (int)fixture_below(seed, 4));
		fx.sample[i].node_memory_kib[fixture_below(seed, 4)] = G(fixture_below(seed, 9));
		g->present = fixture_below(seed, 8) > 0;
	}
}

static bool same_room(const struct placing *a, const struct placing *b)
{
	return a->guest == b->guest && a->in_force == b->in_force && a->nodes == b->nodes &&
	       a->confined == b->confined && cpumask_equal(&a->room, &b->room) &&
	       cpumask_equal(&a->without_pin, &b->without_pin) &&
	       memcmp(a->ncpus, b->ncpus, sizeof a->ncpus) == 0;
}

START_TEST(a_guest_has_the_room_that_it_has_alone)
{
	struct placement_step s = { .conf = &fx.conf.placement,
				    .view = &fx.view,
				    .in_force = &fx.in_force };
	uint64_t seed = (uint64_t)_i + 1;

	random_host(&seed);
	for (size_t n = 0; n < 4 * FIXTURE_GUESTS; n++) {
		size_t slot = fixture_below(&seed, FIXTURE_GUESTS);
		struct placing alone = placing_of(&fx.conf.placement, &fx.view, &fx.in_force, slot);
		struct placing beside = placing_in_step(&s, slot);

		ck_assert_msg(same_room(&beside, &alone), "seed %d, guest %zu", _i + 1, slot);
	}
}
END_TEST

/* What a step has left of its guest, with or without others. */
struct choice {
	size_t noptions;
	struct pack_option option[4 * KT_NODES_MAX];
};

static void choices_of(size_t slot, struct choice *ret)
{
	const struct placement_policy *state = &fx.state.placement;

	ret->noptions = 0;
	for (size_t i = 0; i < state->nunits; i++) {
		const struct pack_item *item = &state->pack.item[i];

		if (state->unit[i].slot != slot)
			continue;
		ret->noptions = item->noptions;
		ck_assert_uint_le(item->noptions, KT_ARRAY_LEN(ret->option));
		memcpy(ret->option, &state->pack.option[item->first_option],
		       item->noptions * sizeof ret->option[0]);
	}
}

static void step_of_all(void)
{
	fixture_forget();
	(void)step();
}

static void step_of_one(size_t slot)
{
	bool was_present[FIXTURE_GUESTS];

	for (size_t i = 0; i < FIXTURE_GUESTS; i++) {
		was_present[i] = fx.view.guest[i].present;
		fx.view.guest[i].present &= i == slot;
	}
	step_of_all();
	for (size_t i = 0; i < FIXTURE_GUESTS; i++)
		fx.view.guest[i].present = was_present[i];
}

static bool same_choice(const struct choice *a, const struct choice *b)
{
	if (a->noptions != b->noptions)
		return false;
	for (size_t i = 0; i < a->noptions; i++)
		if (a->option[i].bins != b->option[i].bins ||
		    a->option[i].brings != b->option[i].brings ||
		    a->option[i].cost != b->option[i].cost)
			return false;
	return true;
}

START_TEST(a_guest_has_the_options_that_it_has_alone)
{
	static struct choice beside[FIXTURE_GUESTS], alone;
	uint64_t seed = (uint64_t)_i + 1;

	random_host(&seed);
	step_of_all();
	for (size_t i = 0; i < FIXTURE_GUESTS; i++)
		choices_of(i, &beside[i]);
	for (size_t i = 0; i < FIXTURE_GUESTS; i++) {
		step_of_one(i);
		choices_of(i, &alone);
		ck_assert_msg(same_choice(&beside[i], &alone), "seed %d, guest %zu", _i + 1, i);
	}
}
END_TEST

/* Nor that of where it is. */
START_TEST(no_option_is_there_twice)
{
	static struct choice c;
	uint64_t seed = (uint64_t)_i + 1;

	random_host(&seed);
	step_of_all();
	for (size_t i = 0; i < FIXTURE_GUESTS; i++)
		carry_out(i);
	fixture_later(10);
	(void)step();
	for (size_t i = 0; i < FIXTURE_GUESTS; i++) {
		choices_of(i, &c);
		for (size_t a = 0; a < c.noptions; a++)
			for (size_t b = a + 1; b < c.noptions; b++)
				ck_assert(c.option[a].bins != c.option[b].bins ||
					  c.option[a].brings != c.option[b].brings);
	}
}
END_TEST

static void eight_nodes(void)
{
	for (unsigned int n = 2; n < 8; n++)
		fixture_node(n, 8 * n, 8, G(32), G(20));
	for (unsigned int a = 0; a < 8; a++)
		for (unsigned int b = a + 1; b < 8; b++)
			fixture_distance(a, b, 12 + b - a);
}

/* Sets of one node are no longer kept when those of five are wanted. */
START_TEST(a_guest_of_five_nodes_may_have_them)
{
	static struct choice c;
	unsigned int noptions_of[9] = { 0 };

	fixture_reset();
	eight_nodes();
	fixture_guest(36);
	fx.domain[0].vcpus = 36;
	step_of_all();
	choices_of(0, &c);
	for (size_t i = 0; i < c.noptions; i++)
		noptions_of[nodemask_count(c.option[i].bins)]++;
	ck_assert_uint_gt(noptions_of[5], 0);
	ck_assert_uint_gt(noptions_of[6], 0);
	ck_assert_uint_eq(noptions_of[1] + noptions_of[2] + noptions_of[3] + noptions_of[4], 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_same");
	TCase *tc = tcase_create("the same");

	tcase_add_loop_test(tc, a_guest_has_the_room_that_it_has_alone, 0, ROUNDS);
	tcase_add_loop_test(tc, a_guest_has_the_options_that_it_has_alone, 0, ROUNDS / 2);
	tcase_add_loop_test(tc, no_option_is_there_twice, 0, ROUNDS);
	tcase_add_test(tc, a_guest_of_five_nodes_may_have_them);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
