/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cache of its node is a guest to share?
 *
 * The same search as for nodes, without memory: items are the guests at home on one node,
 * bins its caches.  A guest that is not better off in one stays on the whole node. */
#include "placement_private.h"

/* Of a CPU: what the threads of a guest gain when they share a cache, for themselves.
 * Assumed; small, so that nobody waits for a CPU for it. */
static const double cache_gain = 0.05;
static const double cooling_cpus = 1000; /* stays, whatever it costs */
static const uint64_t looks_max = 5000;

struct caches {
	struct placement_step *step;
	unsigned int node;
	size_t n;
	const struct cache_topology *cache[PACK_BINS_MAX];
	size_t slot[PACK_ITEMS_MAX]; /* of the items */
};

static bool find_caches(struct caches *c)
{
	const struct topology *t = c->step->view->topology;

	c->n = 0;
	for (size_t i = 0; i < t->ncaches; i++) {
		if (t->cache[i].node != c->node)
			continue;
		if (c->n == PACK_BINS_MAX)
			return false;
		c->cache[c->n++] = &t->cache[i];
	}
	return c->n > 1;
}

static struct cpumask cpus_in(const struct caches *c, size_t cache, const struct placing *p)
{
	return cpumask_and(&c->cache[cache]->cpus, &p->room);
}

/* Whole-node load lies evenly on its caches. */
static void fill_bins(struct caches *c)
{
	struct placement_step *s = c->step;
	struct pack *p = &s->state->pack;

	pack_begin(p);
	p->nbins = c->n;
	for (size_t i = 0; i < c->n; i++) {
		struct cpumask cpus = cpumask_andnot(&c->cache[i]->cpus, &s->conf->reserved_cpus);

		p->bin[i] = (struct pack_bin){
			.cores = KT_MIN(c->cache[i]->ncores, cpumask_count(&cpus)),
			.threads = cpumask_count(&cpus),
			.base_cpus = s->state->base_cpus[c->node].value / (double)c->n
		};
	}
}

static bool suits(const struct placing *p, const struct cpumask *cpus)
{
	return cpumask_count(cpus) >= p->guest->domain->vcpus;
}

/* PACK_BINS_MAX: none.  More vCPUs may have been plugged since. */
static size_t present_cache(const struct caches *c, const struct placing *p)
{
	for (size_t i = 0; i < c->n; i++) {
		struct cpumask cpus = cpus_in(c, i, p);
		struct cpumask outside = cpumask_andnot(&p->in_force->cpus, &cpus);

		if (p->in_force->pinned && cpumask_empty(&outside) && suits(p, &cpus))
			return i;
	}
	return PACK_BINS_MAX;
}

static void add_option(struct pack *p, const struct pack_item *item, uint64_t bins, double cost)
{
	for (size_t o = item->first_option; o < item->first_option + item->noptions; o++)
		if (p->option[o].bins == bins)
			return;
	(void)pack_add_option(p, bins, false, cost);
}

_Static_assert((size_t)KT_GUESTS_MAX <= PACK_ITEMS_MAX &&
		       (size_t)KT_GUESTS_MAX * (PACK_BINS_MAX + 2) <= PACK_OPTIONS_MAX,
	       "there is room for every guest, and for each of its options");

static void add_guest(struct caches *c, size_t slot)
{
	struct placement_step *s = c->step;
	struct placing p = placing_in_step(s, slot);
	uint64_t every = c->n == 64 ? UINT64_MAX : (UINT64_C(1) << c->n) - 1, present = every;
	size_t now = present_cache(c, &p);
	double variance, cpus = placement_cpus(p.guest, &variance);
	double change = placement_change_cpus(s, slot);
	struct pack_item *item = pack_add_item(&s->state->pack, cpus, variance, 0);

	if (!p.in_force->pinned || p.in_force->nodes != nodemask_of(c->node))
		change = 0; /* its masks change in any case */
	if (now < PACK_BINS_MAX)
		present = UINT64_C(1) << now;
	if (change > 0 && pin_is_cooling(p.in_force, s->view->now_ns, s->conf->cooldown_s))
		change = cooling_cpus;
	(void)pack_add_option(&s->state->pack, present, false,
			      present == every ? cache_gain * cpus : 0);
	for (size_t i = 0; i < c->n; i++) {
		struct cpumask here = cpus_in(c, i, &p);

		if (suits(&p, &here))
			add_option(&s->state->pack, item, UINT64_C(1) << i, change);
	}
	add_option(&s->state->pack, item, every, change + cache_gain * cpus);
	c->slot[s->state->pack.nitems - 1] = slot;
}

static void narrow(struct caches *c, size_t i)
{
	struct placement_step *s = c->step;
	const struct pack *pack = &s->state->pack;
	uint64_t bins = pack->option[pack->item[i].chosen].bins;
	struct placing p = placing_in_step(s, c->slot[i]);
	struct placement_plan *plan = &s->plan->guest[c->slot[i]].placement;

	if (bins & (bins - 1))
		return;
	plan->cell[0].cpus = cpus_in(c, (size_t)__builtin_ctzll(bins), &p);
	placement_fill_helpers(&p, plan);
}

static void choose_on_node(struct caches *c)
{
	struct placement_step *s = c->step;

	fill_bins(c);
	for (size_t i = 0; i < s->plan->nslots; i++) {
		const struct placement_plan *plan = &s->plan->guest[i].placement;

		if (plan->wish == WISH_SET && plan->ncells == 1 &&
		    plan->nodes == nodemask_of(c->node))
			add_guest(c, i);
	}
	pack_settle(&s->state->pack);
	(void)placement_improve(s->state, looks_max);
	for (size_t i = 0; i < s->state->pack.nitems; i++)
		narrow(c, i);
}

void placement_choose_caches(struct placement_step *s)
{
	struct caches c = { .step = s };

	for (c.node = 0; c.node < KT_NODES_MAX; c.node++)
		if (s->view->topology->node[c.node].present && find_caches(&c))
			choose_on_node(&c);
}
