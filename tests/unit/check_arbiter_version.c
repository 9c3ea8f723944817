/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the number of a guest's plan tell whether it is another one? */
#include "placement_fixture.h"

enum { GUESTS = 12, STEPS = 60 };

static struct placement_plan before[GUESTS];
static uint64_t highest;

/* Bit by bit, but for the number and what may change beside it. */
static bool is_same(const struct placement_plan *a, const struct placement_plan *b)
{
	bool same = a->wish == b->wish && a->why == b->why && a->backend == b->backend &&
		    a->nodes == b->nodes && a->ncells == b->ncells && a->core_of == b->core_of &&
		    cpumask_equal(&a->helpers, &b->helpers);

	for (unsigned int c = 0; c < a->ncells && same; c++)
		same = a->cell[c].nodes == b->cell[c].nodes &&
		       a->cell[c].memory_kib == b->cell[c].memory_kib &&
		       cpumask_equal(&a->cell[c].vcpus, &b->cell[c].vcpus) &&
		       cpumask_equal(&a->cell[c].cpus, &b->cell[c].cpus);
	return same;
}

static void a_cell_each(size_t slot)
{
	struct domain *d = &fx.domain[slot];

	d->ncells = 2;
	for (unsigned int c = 0; c < 2; c++)
		d->cell[c] = (struct guest_cell){ .vcpus = cpus_of(2 * c, 2 * c + 1),
						  .memory_kib = G(4) };
}

static void something_changes(uint64_t *seed)
{
	size_t slot = fixture_below(seed, GUESTS);

	fixture_wants(slot, (double)fixture_below(seed, 5));
	switch (fixture_below(seed, 8)) {
	case 0:
		fixture_memory_on(slot, G(fixture_below(seed, 8)), G(fixture_below(seed, 8)));
		break;
	case 1:
		fx.domain[slot].busy = !fx.domain[slot].busy;
		break;
	case 2:
		fx.domain[slot].cell[1].memory_kib = G(1 + fixture_below(seed, 4));
		break;
	case 3:
		fx.conf.placement.reserved_cpus = cpus_of(0, (unsigned int)fixture_below(seed, 3));
		break;
	case 4:
		fx.view.guest[slot].incarnation++;
		break;
	case 5:
		carry_out(slot);
		break;
	default:
		break;
	}
}

/* What stands in the plan is what would be written into an empty one. */
static void step_with_and_without_a_past(int step)
{
	static struct arbiter state;
	static struct plan plan, anew;

	state = fx.state;
	plan = fx.plan;
	memset(&fx.plan, 0, sizeof fx.plan);
	(void)fixture_step();
	anew = fx.plan;
	fx.state = state;
	fx.plan = plan;
	(void)fixture_step();
	for (size_t i = 0; i < GUESTS; i++)
		ck_assert_msg(is_same(plan_of(i), &anew.guest[i].placement),
			      "step %d, guest %zu: the plan of before", step, i);
}

static void number_tells(size_t slot, int step, bool is_another)
{
	const struct placement_plan *now = plan_of(slot);
	bool same = is_same(now, &before[slot]);

	ck_assert_msg(now->version, "step %d, guest %zu has no number", step, slot);
	if (now->version == before[slot].version) {
		ck_assert_msg(same, "step %d, guest %zu: another plan of the same number", step,
			      slot);
		return;
	}
	ck_assert_msg(now->version > highest, "step %d, guest %zu: an old number", step, slot);
	ck_assert_msg(!same || fx.conf.placement.pin != PIN_NODE || is_another,
		      "step %d, guest %zu: the same plan of another number", step, slot);
}

START_TEST(another_plan_has_another_number_and_the_same_has_the_same)
{
	uint64_t seed = fixture_seed(_i + 1), next;
	uint32_t incarnation[GUESTS] = { 0 };

	fixture_reset();
	four_nodes();
	highest = 0;
	memset(before, 0, sizeof before);
	fx.conf.placement.pin = (enum placement_pin)(_i % 3);
	for (unsigned int c = 0; c < 4; c++)
		fx.topology.cache[c] = (struct cache_topology){ .node = c / 2,
								.ncores = 4,
								.cpus = cpus_of(4 * c, 4 * c + 3) };
	fx.topology.ncaches = 4;
	for (size_t i = 0; i < GUESTS; i++) {
		(void)fixture_guest(1);
		if (i % 4 == 0)
			a_cell_each(i);
	}
	for (int step = 0; step < STEPS; step++) {
		fixture_later(5);
		something_changes(&seed);
		step_with_and_without_a_past(step);
		next = highest;
		for (size_t i = 0; i < GUESTS; i++) {
			/* Of another guest all is written anew. */
			number_tells(i, step, incarnation[i] != fx.view.guest[i].incarnation);
			incarnation[i] = fx.view.guest[i].incarnation;
			next = KT_MAX(next, plan_of(i)->version);
			before[i] = *plan_of(i);
		}
		highest = next;
	}
}
END_TEST

/* Then the plan would be one of before with a number of now. */
START_TEST(helpers_follow_reserved_cpus_of_another_node)
{
	struct cpumask one = cpus_of(0, 0), two = cpus_of(0, 1), cpus;

	fixture_reset();
	fx.conf.placement.reserved_cpus = one;
	(void)fixture_guest(1);
	fixture_memory_on(0, 0, G(4));
	(void)fixture_step();
	carry_out(0);
	before[0] = *plan_of(0);
	cpus = before[0].cell[0].cpus;
	ck_assert(before[0].nodes == nodemask_of(1) && cpumask_equal(&before[0].helpers, &one));

	fx.conf.placement.reserved_cpus = two;
	fixture_later(600);
	(void)fixture_step();
	ck_assert(cpumask_equal(&plan_of(0)->cell[0].cpus, &cpus));
	ck_assert(cpumask_equal(&plan_of(0)->helpers, &two));
	ck_assert_uint_ne(plan_of(0)->version, before[0].version);
}
END_TEST

/* A cache is chosen in a plan that is as it was before. */
START_TEST(a_guest_that_fits_into_a_cache_now_has_another_plan)
{
	fixture_reset();
	fixture_node(0, 0, 16, G(32), G(20));
	fixture_node(1, 16, 16, G(32), G(20));
	fx.conf.placement.pin = PIN_CACHE;
	fx.topology.ncaches = 2;
	for (unsigned int c = 0; c < 2; c++)
		fx.topology.cache[c] = (struct cache_topology){ .node = 0,
								.ncores = 8,
								.cpus = cpus_of(8 * c, 8 * c + 7) };
	(void)fixture_guest(6);
	fixture_memory_on(0, G(4), 0);
	fx.domain[0].vcpus = 12;
	(void)fixture_step();
	carry_out(0);
	before[0] = *plan_of(0);
	ck_assert_uint_eq(cpumask_count(&before[0].cell[0].cpus), 16);

	fx.domain[0].vcpus = 8;
	fixture_later(600);
	(void)fixture_step();
	ck_assert_uint_eq(cpumask_count(&plan_of(0)->cell[0].cpus), 8);
	ck_assert_uint_ne(plan_of(0)->version, before[0].version);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("arbiter_version");
	TCase *c = tcase_create("numbers");

	tcase_add_loop_test(c, another_plan_has_another_number_and_the_same_has_the_same, 0, 12);
	tcase_add_test(c, helpers_follow_reserved_cpus_of_another_node);
	tcase_add_test(c, a_guest_that_fits_into_a_cache_now_has_another_plan);
	suite_add_tcase(s, c);
	return kt_run(s);
}
