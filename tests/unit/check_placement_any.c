/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is every plan within its limits, whatever the host? */
#include "placement_fixture.h"

static void randomize(uint64_t *seed)
{
	size_t nguests = 1 + fixture_below(seed, FIXTURE_GUESTS - 1);

	fixture_reset();
	for (unsigned int n = 2; n < 2 + fixture_below(seed, 4); n++)
		fixture_node(7 * n, 8 * n, (unsigned int)fixture_below(seed, 9), fixture_any(seed),
			     fixture_any(seed));
	for (size_t i = 0; i < nguests; i++) {
		struct guest_view *g = fixture_guest((double)fixture_below(seed, 1000) / 100);

		fx.domain[i].vcpus = 1 + (unsigned int)fixture_below(seed, 9);
		fx.domain[i].memory_kib = fixture_any(seed) >> fixture_below(seed, 40);
		fx.domain[i].busy = !fixture_below(seed, 8);
		fx.domain[i].admin_pins = !fixture_below(seed, 8);
		for (size_t n = 0; n < KT_NODES_MAX; n += 7)
			fx.sample[i].node_memory_kib[n] =
				fixture_any(seed) >> fixture_below(seed, 60);
		fx.view.guest[i].nsamples = (unsigned int)fixture_below(seed, 12);
		g->present = fixture_below(seed, 16);
		if (!fixture_below(seed, 16))
			g->demand_cpus.value = __builtin_nan("");
		if (fixture_below(seed, 2))
			fixture_pinned(i, (int)fixture_below(seed, KT_NODES_MAX));
		if (fixture_below(seed, 2))
			fx.in_force.guest[i].nodes =
				nodemask_of((unsigned int)fixture_below(seed, 2));
		fx.in_force.guest[i].pin_changed_ns = fixture_any(seed);
	}
}

static double claim_of(size_t i)
{
	const struct guest_view *g = &fx.view.guest[i];
	double vcpus = fx.domain[i].vcpus, cpus = g->demand_cpus.value;

	if (g->nsamples < 6)
		return vcpus;
	return cpus < vcpus ? cpus : vcpus;
}

static bool is_new_home(size_t i)
{
	const struct guest_in_force *f = &fx.in_force.guest[i];

	return plan_of(i)->wish == WISH_SET && !(f->pinned && f->nodes == plan_of(i)->nodes);
}

static void check_limits(int seed, int round)
{
	double claimed[KT_NODES_MAX] = { 0 };

	for (size_t i = 0; i < fx.view.nslots; i++) {
		const struct placement_plan *p = plan_of(i);
		struct cpumask outside;

		ck_assert_msg(p->why != WHY_NONE, "seed %d, round %d: no reason", seed, round);
		if (p->wish != WISH_SET) {
			ck_assert_msg(p->nodes == 0, "seed %d, round %d", seed, round);
			continue;
		}
		outside = cpumask_andnot(&p->cell[0].cpus,
					 &fx.topology.node[nodemask_first(p->nodes)].cpus);
		ck_assert_msg(cpumask_empty(&outside), "seed %d, round %d: CPUs of others", seed,
			      round);
		ck_assert_msg(cpumask_count(&p->cell[0].cpus) >= fx.domain[i].vcpus,
			      "seed %d, round %d", seed, round);
		ck_assert_msg(!fx.domain[i].busy && !fx.domain[i].admin_pins &&
				      fx.view.guest[i].present,
			      "seed %d, round %d: hands off", seed, round);
		claimed[nodemask_first(p->nodes)] += claim_of(i);
	}
	for (size_t i = 0; i < fx.view.nslots; i++)
		if (is_new_home(i))
			ck_assert_msg(
				claimed[nodemask_first(plan_of(i)->nodes)] <=
					cpumask_count(
						&fx.topology.node[nodemask_first(plan_of(i)->nodes)]
							 .cpus) +
						1e-6,
				"seed %d, round %d: a new guest on a crowded node", seed, round);
}

START_TEST(any_host_gives_a_plan_within_limits)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)_i;

	for (int i = 0; i < 1000; i++) {
		randomize(&seed);
		(void)step();
		check_limits(_i, i);
	}
}
END_TEST

/* What the plan asked for is in force: the next plan is the same. */
START_TEST(a_plan_that_was_carried_out_is_repeated)
{
	uint64_t seed = UINT64_C(0x2545f4914f6cdd1d) * (uint64_t)_i;
	static struct plan first;

	for (int i = 0; i < 1000; i++) {
		randomize(&seed);
		(void)step();
		first = fx.plan;
		for (size_t g = 0; g < fx.view.nslots; g++) {
			struct guest_in_force *f = &fx.in_force.guest[g];
			const struct placement_plan *p = plan_of(g);

			if (p->wish == WISH_HOLD)
				continue;
			if (f->pinned != (p->wish == WISH_SET) || f->nodes != p->nodes)
				f->pin_changed_ns = fx.view.now_ns;
			f->pinned = p->wish == WISH_SET;
			f->nodes = p->nodes;
		}
		(void)step();
		for (size_t g = 0; g < fx.view.nslots; g++) {
			const struct placement_plan *p = &first.guest[g].placement;

			/* Homes made free by the first plan may be filled by the second. */
			if (p->wish == WISH_SET)
				ck_assert_msg(plan_of(g)->nodes == p->nodes,
					      "seed %d, round %d, guest %zu: node %d, then %d", _i,
					      i, g, nodemask_first(p->nodes),
					      nodemask_first(plan_of(g)->nodes));
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_any");
	TCase *c = tcase_create("any_input");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_loop_test(c, any_host_gives_a_plan_within_limits, 1, 6);
	tcase_add_loop_test(c, a_plan_that_was_carried_out_is_repeated, 1, 6);
	suite_add_tcase(s, c);
	return kt_run(s);
}
