/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is every plan within its limits, whatever the host? */
#include "explain.h"
#include "placement_fixture.h"

enum { ROUNDS = 150 };

static double any_double(uint64_t *seed)
{
	static const double odd[] = { __builtin_nan(""), __builtin_inf(), -__builtin_inf(), -1,
				      1e300 };

	return fixture_below(seed, 12) ? (double)fixture_below(seed, 1000) / 100
				       : odd[fixture_below(seed, KT_ARRAY_LEN(odd))];
}

static void random_nodes(uint64_t *seed)
{
	for (unsigned int n = 2; n < 2 + fixture_below(seed, 6); n++)
		fixture_node(9 * n, 8 * n, (unsigned int)fixture_below(seed, 9), fixture_any(seed),
			     fixture_any(seed));
	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		fx.host.node[n].present &= fixture_below(seed, 16) > 0;
		fx.view.node_busy_cpus[n] = fixture_below(seed, 2) ? 0 : any_double(seed);
		for (unsigned int to = 0; to < KT_NODES_MAX && !fixture_below(seed, 3); to++)
			fx.topology.node[n].distance[to] = (unsigned int)fixture_below(seed, 30);
	}
}

/* In pairs, some not known; caches of four CPUs. */
static void random_cores(uint64_t *seed)
{
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		fx.topology.core_of[cpu] = (uint16_t)(cpu / 2);
	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		fx.topology.node[n].ncores = fixture_below(seed, 3) ? 4 : 0;
	for (unsigned int c = 0; c < 4; c++)
		fx.topology.cache[c] = (struct cache_topology){ .node = c / 2,
								.ncores = 2,
								.cpus = cpus_of(4 * c, 4 * c + 3) };
	fx.topology.ncaches = (unsigned int)fixture_below(seed, 5);
}

/* Within the ranges of daemon/conf.c. */
static void random_conf(uint64_t *seed)
{
	struct placement_conf *c = &fx.conf.placement;

	c->mode = fixture_below(seed, 16) ? LOOP_ACTIVE : LOOP_PAUSED;
	c->pin = (enum placement_pin)fixture_below(seed, 3);
	c->memory = (enum placement_memory)fixture_below(seed, 2);
	c->node_reserve_mib = fixture_below(seed, 1024 * 1024 + 1) >> fixture_below(seed, 20);
	c->move_mib_per_s = 1 + (fixture_below(seed, 1024 * 1024) >> fixture_below(seed, 20));
	c->horizon_s = 1 + (fixture_below(seed, 86400) >> fixture_below(seed, 16));
	c->cooldown_s = fixture_below(seed, 86401) >> fixture_below(seed, 16);
	if (!fixture_below(seed, 3))
		c->reserved_cpus.word[0] = fixture_any(seed);
}

static void random_cells(uint64_t *seed, size_t slot)
{
	struct domain *d = &fx.domain[slot];
	unsigned int vcpu = 0;

	d->ncells = 2 + (unsigned int)fixture_below(seed, KT_CELLS_MAX - 1);
	for (unsigned int c = 0; c < d->ncells; c++) {
		unsigned int n = 1 + (unsigned int)fixture_below(seed, 3);

		d->cell[c].vcpus = cpus_of(vcpu, vcpu + n - 1);
		d->cell[c].memory_kib = fixture_any(seed) >> fixture_below(seed, 50);
		vcpu += n;
	}
	d->vcpus = fixture_below(seed, 8) ? vcpu : 0;
}

static void random_pin(uint64_t *seed, size_t slot)
{
	struct guest_in_force *f = &fx.in_force.guest[slot];

	fixture_pinned(slot, (int)fixture_below(seed, KT_NODES_MAX));
	f->nodes = fixture_below(seed, 3) ? nodemask_of((unsigned int)fixture_below(seed, 2))
					  : fixture_any(seed);
	f->ncells = (unsigned int)fixture_below(seed, KT_CELLS_MAX + 1);
	for (unsigned int c = 0; c < KT_CELLS_MAX; c++)
		f->cell_nodes[c] = fixture_below(seed, 2) ? f->nodes : fixture_any(seed);
	f->pin_changed_ns = fixture_below(seed, 2) ? SECONDS(1) : fixture_any(seed);
	f->move_failed = !fixture_below(seed, 8);
}

static void random_guest(uint64_t *seed, size_t slot)
{
	struct guest_view *g = fixture_guest(0);
	struct domain *d = &fx.domain[slot];

	d->vcpus = 1 + (unsigned int)fixture_below(seed, 9);
	fixture_threads(slot, FIXTURE_THREADS - 2);
	d->memory_kib = fixture_any(seed) >> fixture_below(seed, 40);
	d->busy = !fixture_below(seed, 8);
	d->admin_pins = !fixture_below(seed, 8);
	d->vfio = !fixture_below(seed, 8);
	if (!fixture_below(seed, 4))
		random_cells(seed, slot);
	if (!fixture_below(seed, 8)) {
		d->has_memory_nodes = true;
		d->memory_nodes = fixture_any(seed);
	}
	if (!fixture_below(seed, 8)) {
		d->has_cpuset = true;
		d->cpuset.word[0] = fixture_any(seed);
	}
	for (size_t n = 0; n < KT_NODES_MAX; n += 9)
		fx.sample[slot].node_memory_kib[n] = fixture_any(seed) >> fixture_below(seed, 60);
	fx.sample[slot].device_nodes = fixture_below(seed, 2) ? 0 : fixture_any(seed);
	d->hold =
		fixture_below(seed, 8) ? GUEST_HOLD_NONE : (enum guest_hold)fixture_below(seed, 3);
	g->nsamples = (unsigned int)fixture_below(seed, 12);
	g->present = fixture_below(seed, 16);
	g->sample = g->present ? &fx.sample[slot] : NULL;
	g->demand = (struct demand){ any_double(seed), any_double(seed), any_double(seed),
				     fixture_below(seed, 4) ? 100 : 0 };
	g->run_cpus = any_double(seed);
	g->delay_cpus = any_double(seed);
	if (fixture_below(seed, 2))
		random_pin(seed, slot);
}

static void random_host(uint64_t *seed)
{
	size_t nguests = 1 + fixture_below(seed, FIXTURE_GUESTS - 1);

	fixture_reset();
	random_nodes(seed);
	random_cores(seed);
	random_conf(seed);
	for (size_t i = 0; i < nguests; i++)
		random_guest(seed, i);
	fx.in_force.move = (struct move_in_force){ .slot = fixture_below(seed, KT_GUESTS_MAX),
						   .done = !fixture_below(seed, 2),
						   .full = !fixture_below(seed, 2) };
	fx.state.placement.is_moving = !fixture_below(seed, 2);
	fx.state.placement.moving = fixture_below(seed, nguests);
}

/* ---- what every plan keeps to ------------------------------------------------------------ */

static bool is_within(const struct cpumask *inner, const struct cpumask *outer)
{
	struct cpumask outside = cpumask_andnot(inner, outer);

	return cpumask_empty(&outside);
}

/* Where its threads may run at all. */
static struct cpumask allowed(size_t slot)
{
	const struct domain *d = &fx.domain[slot];
	struct cpumask cpus = cpumask_and(&fx.sample[slot].cpuset, &fx.topology.usable);

	return d->has_cpuset ? cpumask_and(&cpus, &d->cpuset) : cpus;
}

static struct cpumask cpus_of_nodes(uint64_t nodes)
{
	struct cpumask cpus = { { 0 } };

	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		if (nodemask_test(nodes, n))
			cpus = cpumask_or(&cpus, &fx.topology.node[n].cpus);
	return cpus;
}

static void check_nodes(const struct domain *d, uint64_t nodes)
{
	ck_assert_uint_ne(nodes, 0);
	ck_assert(!d->has_memory_nodes || !(nodes & ~d->memory_nodes));
	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		if (nodemask_test(nodes, n))
			ck_assert(fx.topology.node[n].present && fx.host.node[n].present &&
				  !cpumask_empty(&fx.topology.node[n].cpus));
}

static void check_cell(const struct domain *d, const struct placement_plan *p, unsigned int c,
		       const struct cpumask *room)
{
	struct cpumask home = cpus_of_nodes(p->cell[c].nodes);

	check_nodes(d, p->cell[c].nodes);
	ck_assert(!(p->cell[c].nodes & ~p->nodes));
	ck_assert(is_within(&p->cell[c].cpus, &home));
	ck_assert(is_within(&p->cell[c].cpus, room));
	ck_assert(!cpumask_empty(&p->cell[c].cpus));
	ck_assert(!cpumask_empty(&p->cell[c].vcpus));
	if (p->ncells == 1)
		ck_assert_uint_ge(cpumask_count(&p->cell[c].cpus), d->vcpus);
}

static void check_home(size_t slot)
{
	const struct domain *d = &fx.domain[slot];
	const struct placement_plan *p = plan_of(slot);
	struct cpumask helpers = allowed(slot);
	struct cpumask room = cpumask_andnot(&helpers, &fx.conf.placement.reserved_cpus);

	ck_assert(!d->busy && !d->admin_pins && fx.view.guest[slot].present);
	ck_assert(!d->hold && fx.conf.placement.mode == LOOP_ACTIVE);
	ck_assert_uint_eq(p->ncells, d->ncells > 1 ? d->ncells : 1);
	for (unsigned int c = 0; c < p->ncells; c++)
		check_cell(d, p, c, &room);
	ck_assert(!cpumask_empty(&p->helpers));
	ck_assert(is_within(&p->helpers, &helpers));
}

static void check_move(void)
{
	const struct move_plan *m = &fx.plan.move;
	const struct domain *d = &fx.domain[m->slot];

	ck_assert_int_ne(m->why, WHY_NONE);
	if (!m->go)
		return;
	ck_assert_uint_lt(m->slot, fx.view.nslots);
	ck_assert_int_eq(plan_of(m->slot)->wish, WISH_SET);
	ck_assert(!d->vfio && !fx.in_force.guest[m->slot].move_failed);
	ck_assert_uint_gt(m->kib_per_s, 0);
	ck_assert_int_eq(fx.conf.placement.memory, MEMORY_MOVE);
}

/* Whoever runs everywhere runs on no CPU that is kept from it. */
static void check_free(size_t slot)
{
	struct cpumask cpus = allowed(slot);

	ck_assert_uint_eq(plan_of(slot)->nodes, 0);
	cpus = cpumask_and(&cpus, &fx.conf.placement.reserved_cpus);
	ck_assert(plan_of(slot)->why != WHY_SPREAD || cpumask_empty(&cpus));
}

/* What is explained is what was decided. */
static void check_explanation(size_t slot)
{
	struct explanation e;
	enum why why;

	explain_placement(&fx.state, &fx.conf, &fx.view, &fx.in_force, slot, &e);
	why = explanation_reason(&e);
	ck_assert(e.nrules > 0 && e.nrules < EXPLAIN_RULES_MAX);
	ck_assert(e.until_ns == 0 || e.until_ns > fx.view.now_ns);
	ck_assert_msg(why == WHY_NONE || why == plan_of(slot)->why, "%s, but %s", why_str(why),
		      why_str(plan_of(slot)->why));
	ck_assert_msg(why != WHY_NONE || plan_of(slot)->wish != WISH_HOLD, "held for %s",
		      why_str(plan_of(slot)->why));
}

static void check_plan(void)
{
	for (size_t i = 0; i < fx.view.nslots; i++) {
		ck_assert_int_ne(plan_of(i)->why, WHY_NONE);
		check_explanation(i);
		if (plan_of(i)->wish == WISH_SET)
			check_home(i);
		else
			check_free(i);
	}
	check_move();
}

START_TEST(any_host_gives_a_plan_within_limits)
{
	uint64_t seed = fixture_seed(_i);

	for (int i = 0; i < ROUNDS; i++) {
		random_host(&seed);
		(void)step();
		check_plan();
		for (size_t g = 0; g < fx.view.nslots; g++)
			carry_out(g);
		fixture_later(5);
		(void)step();
		check_plan();
	}
}
END_TEST

START_TEST(the_same_host_gives_the_same_plan)
{
	uint64_t seed = fixture_seed(_i);
	static struct fixture again;

	for (int i = 0; i < ROUNDS / 4; i++) {
		random_host(&seed);
		again = fx;
		(void)step();
		again.plan = fx.plan;
		fixture_forget();
		fx.state = again.state;
		(void)step();
		for (size_t g = 0; g < fx.view.nslots; g++)
			ck_assert(!memcmp(plan_of(g), &again.plan.guest[g].placement,
					  sizeof *plan_of(g)));
		ck_assert(!memcmp(&fx.plan.move, &again.plan.move, sizeof fx.plan.move));
	}
}
END_TEST

static void check_advice(const struct advice *a)
{
	ck_assert(a->n <= ADVICE_MAX && (a->n > 0) == (a->nodes != 0));
	if (!a->nodes) {
		ck_assert(a->why == WHY_NO_CPUS || a->why == WHY_WIDER_THAN_NODE);
		return;
	}
	ck_assert_uint_eq(a->considered[0].nodes, a->nodes);
	for (size_t i = 0; i < a->n; i++) {
		struct cpumask cpus = cpus_of_nodes(a->considered[i].nodes);

		check_nodes(&(struct domain){ 0 }, a->considered[i].nodes);
		cpus = cpumask_andnot(&cpus, &fx.conf.placement.reserved_cpus);
		ck_assert(!cpumask_empty(&cpus));
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_ne(a->considered[i].nodes, a->considered[j].nodes);
	}
}

START_TEST(any_host_gives_advice_within_limits)
{
	uint64_t seed = fixture_seed(_i);
	static struct advise_scratch scratch;
	struct advice advice;

	for (int i = 0; i < ROUNDS; i++) {
		random_host(&seed);
		(void)step();
		memset(&scratch, 0xff, sizeof scratch);
		placement_advise(&fx.state, &fx.conf.placement, &fx.view, &fx.in_force,
				 (unsigned int)fixture_below(&seed, 20),
				 fixture_any(&seed) >> fixture_below(&seed, 50), &scratch, &advice);
		check_advice(&advice);
	}
}
END_TEST

/* ---- a host where nothing changes --------------------------------------------------------- */

static void calm_host(uint64_t *seed)
{
	size_t nguests = 1 + fixture_below(seed, 16);

	fixture_reset();
	if (fixture_below(seed, 2))
		four_nodes();
	random_cores(seed);
	fx.conf.placement.pin = (enum placement_pin)fixture_below(seed, 3);
	for (size_t i = 0; i < nguests; i++) {
		fixture_guest(0);
		fx.domain[i].vcpus = 1 + (unsigned int)fixture_below(seed, 8);
		fixture_threads(i, fx.domain[i].vcpus);
		fixture_wants(i, fixture_share(seed) * fx.domain[i].vcpus);
		fixture_memory_on(i, fixture_below(seed, G(2)), fixture_below(seed, G(2)));
	}
}

START_TEST(a_plan_that_was_carried_out_is_repeated)
{
	uint64_t seed = fixture_seed(_i);
	static struct plan first;

	for (int i = 0; i < ROUNDS; i++) {
		calm_host(&seed);
		(void)step();
		first = fx.plan;
		for (size_t g = 0; g < fx.view.nslots; g++)
			carry_out(g);
		for (int n = 0; n < 3; n++) {
			fixture_later(20);
			(void)step();
			for (size_t g = 0; g < fx.view.nslots; g++)
				ck_assert_msg(is_in_force(plan_of(g), &fx.in_force.guest[g]),
					      "seed %d, round %d, guest %zu: nodes %lx, then %lx "
					      "(%s)",
					      _i, i, g, first.guest[g].placement.nodes,
					      plan_of(g)->nodes, why_str(plan_of(g)->why));
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
	tcase_add_loop_test(c, any_host_gives_advice_within_limits, 1, 6);
	tcase_add_loop_test(c, the_same_host_gives_the_same_plan, 1, 4);
	tcase_add_loop_test(c, a_plan_that_was_carried_out_is_repeated, 1, 6);
	suite_add_tcase(s, c);
	return kt_run(s);
}
