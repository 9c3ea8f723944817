/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How near to the optimum of a moment does the search come? */
#include "numa_oneshot.h"

#include <math.h>
#include <stdlib.h>

#include "numa_exact.h"
#include "numa_world.h"

/* The constants of placement's fact sheet, section 7. */
static const double horizon_s = 600, gib_per_s = 1, cpu_s_per_gib = 0.5, repin_cpus = 0.1;
static const double variance_share = 0.3, reserve_gib = 4, remote_max = 0.6;

struct moment {
	const struct numa_shape *shape;
	const struct numa_guest *guest;
	double cpus, variance;
	uint64_t home;
};

/* ---- what an option costs ---------------------------------------------------------------- */

static double remote(const struct moment *m, unsigned int node)
{
	const struct numa_guest *g = m->guest;
	double far_gib = 0;

	for (unsigned int k = 0; k < m->shape->nnodes; k++)
		far_gib += g->gib_on[0][k] * (m->shape->distance[node][k] / 10.0 - 1);
	return fmin(remote_max, g->intensity * far_gib / g->gib);
}

static double leave_cpus(const struct moment *m, uint64_t nodes)
{
	double sum = 0;

	for (unsigned int n = 0; n < m->shape->nnodes; n++)
		if (nodes >> n & 1)
			sum += remote(m, n);
	return m->cpus * sum / __builtin_popcountll(nodes);
}

static double bring_cpus(const struct moment *m, unsigned int node)
{
	double gib = m->guest->gib - m->guest->gib_on[0][node];

	return gib * (cpu_s_per_gib + m->cpus * remote(m, node) * 0.5 / gib_per_s) / horizon_s;
}

static void add_option(struct pack *p, const struct moment *m, uint64_t nodes, bool brings)
{
	double cost =
		brings ? bring_cpus(m, (unsigned int)__builtin_ctzll(nodes)) : leave_cpus(m, nodes);

	if (!pack_add_option(p, nodes, brings, cost + (nodes == m->home ? 0 : repin_cpus)))
		abort();
}

/* The present one, which leaves memory where it is, comes first. */
static void add_options(struct pack *p, const struct moment *m)
{
	unsigned int nnodes = m->shape->nnodes;

	add_option(p, m, m->home, false);
	for (unsigned int a = 0; a < nnodes; a++) {
		add_option(p, m, UINT64_C(1) << a, true);
		if (m->home != UINT64_C(1) << a)
			add_option(p, m, UINT64_C(1) << a, false);
		for (unsigned int b = a + 1; b < nnodes; b++)
			add_option(p, m, UINT64_C(1) << a | UINT64_C(1) << b, false);
	}
}

static void add_guest(struct pack *p, const struct moment *m)
{
	struct pack_item *item = pack_add_item(p, m->cpus, m->variance, m->guest->gib);

	if (!item)
		abort();
	for (unsigned int n = 0; n < m->shape->nnodes; n++)
		item->gib_on[n] = (float)m->guest->gib_on[0][n];
	add_options(p, m);
}

/* ---- moments ------------------------------------------------------------------------------- */

static struct numa_world *begin(struct pack *p, unsigned int nguests, uint64_t seed)
{
	struct numa_world *w = malloc(sizeof *w);
	struct numa_shape shape;

	if (!w || !numa_shape_find("4x8", &shape))
		abort();
	numa_world_init(w, &shape, NUMA_STANDARD, nguests, seed);
	pack_begin(p);
	p->nbins = shape.nnodes;
	for (unsigned int n = 0; n < shape.nnodes; n++)
		p->bin[n] = (struct pack_bin){
			.cores = shape.cores[n],
			.threads = numa_threads(w, n),
			.room_gib = shape.gib[n] - NUMA_HOST_GIB - reserve_gib,
		};
	return w;
}

void numa_oneshot(struct pack *p, unsigned int nguests, uint64_t seed)
{
	struct numa_world *w = begin(p, nguests, seed);

	for (unsigned int i = 0; i < nguests; i++) {
		const struct numa_guest *g = &w->guest[i];
		double share = g->busy ? numa_random(w, 0.6, 1) : numa_random(w, 0.02, 0.15);
		double sigma = g->vcpus * numa_random(w, 0, 0.3);

		add_guest(p, &(struct moment){
				     .shape = &w->shape,
				     .guest = g,
				     .cpus = g->vcpus * share,
				     .variance = variance_share * sigma * sigma,
				     .home = UINT64_C(1)
					     << (unsigned int)numa_random(w, 0, w->shape.nnodes),
			     });
	}
	pack_settle(p);
	free(w);
}

void numa_oneshot_crowded(struct pack *p, unsigned int nguests, uint64_t seed)
{
	struct numa_world *w = begin(p, nguests, seed);
	unsigned int nnodes = w->shape.nnodes;

	for (unsigned int i = 0; i < nguests; i++) {
		struct numa_guest *g = &w->guest[i];
		double share = numa_random(w, 0.2, 1);

		g->gib = numa_random(w, 10, 60);
		for (unsigned int n = 0; n < nnodes; n++)
			g->gib_on[0][n] =
				g->gib * (n == i % nnodes ? share : (1 - share) / (nnodes - 1));
		add_guest(p, &(struct moment){
				     .shape = &w->shape,
				     .guest = g,
				     .cpus = numa_random(w, 1, 8),
				     .variance = numa_random(w, 0, 6),
				     .home = UINT64_C(1) << (unsigned int)numa_random(w, 0, nnodes),
			     });
	}
	pack_settle(p);
	free(w);
}

/* ---- the gap --------------------------------------------------------------------------------- */

enum { LOOKS = 1000000, EXACT_NODES = 3000000 };

static void remember(const struct pack *p, size_t *option)
{
	for (size_t i = 0; i < p->nitems; i++)
		option[i] = p->item[i].chosen;
}

static void choose(struct pack *p, const size_t *option)
{
	for (size_t i = 0; i < p->nitems; i++)
		pack_choose(p, i, option[i]);
}

/* Keeps the better choice of what is there now, improved, and `option`. */
static double improve(struct pack *p, double cost, size_t *option)
{
	(void)pack_improve(p, LOOKS);
	if (pack_cost(p) < cost)
		remember(p, option);
	return fmin(cost, pack_cost(p));
}

/* The problem ends with the best choice that was found. */
static void search(struct pack *p, double cost[_NUMA_SEARCHES])
{
	size_t best[NUMA_EXACT_ITEMS];

	cost[NUMA_STAY] = pack_cost(p);
	cost[NUMA_IMPROVE] = improve(p, INFINITY, best);
	pack_best_fit(p);
	cost[NUMA_BEST_FIT] = pack_cost(p);
	cost[NUMA_TWO_STARTS] = improve(p, cost[NUMA_IMPROVE], best);
	pack_choose_cheapest(p);
	cost[NUMA_THREE_STARTS] = improve(p, cost[NUMA_TWO_STARTS], best);
	choose(p, best);
}

static double demand_cpus(const struct pack *p)
{
	double cpus = 0;

	for (size_t i = 0; i < p->nitems; i++)
		cpus += p->item[i].cpus;
	return cpus;
}

/* What is nearer than this to the optimum is it: both add up in other orders. */
static const double same_cpus = 1e-6;

static void count(struct numa_gap *gap, const struct pack *p, const double *cost, double optimum)
{
	for (int s = 0; s < _NUMA_SEARCHES; s++) {
		double more = cost[s] - optimum, pct = 100 * more / demand_cpus(p);

		gap->of[s].mean_pct += pct;
		gap->of[s].worst_pct = fmax(gap->of[s].worst_pct, pct);
		gap->of[s].noptimal += more < same_cpus;
		gap->of[s].nbelow += more < -same_cpus;
	}
}

struct numa_gap numa_gap(unsigned int nguests, uint64_t first_seed, size_t ninstances)
{
	struct numa_gap gap = { .ninstances = ninstances };
	struct pack *p = malloc(sizeof *p);
	double n;

	if (!p)
		abort();
	for (size_t i = 0; i < ninstances; i++) {
		double cost[_NUMA_SEARCHES];
		struct numa_optimum o;

		numa_oneshot(p, nguests, first_seed + i);
		search(p, cost);
		o = numa_exact(p, EXACT_NODES);
		gap.nunsolved += !o.complete;
		if (!o.complete)
			continue;
		gap.optimum_cpus += o.cost;
		gap.search_nodes += (double)o.nnodes;
		count(&gap, p, cost, o.cost);
	}
	free(p);
	n = fmax(1, (double)(ninstances - gap.nunsolved));
	gap.optimum_cpus /= n;
	gap.search_nodes /= n;
	for (int s = 0; s < _NUMA_SEARCHES; s++)
		gap.of[s].mean_pct /= n;
	return gap;
}
