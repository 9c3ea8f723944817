/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What will a guest want of the CPUs, and where is its memory? */
#include "placement_private.h"

/* Of demand: how much the last seconds count against the last minutes.  Without the fast
 * part numad was better (tests/sim/numa_world.h: 1.7 against 1.4 % of the CPUs lost). */
static const double fast_share = 0.85;
/* Of the variance around the slow mean: bursts of guests do not all come at once. */
static const double variance_share = 0.2;
/* A guest not yet measured: so much of its vCPUs.  It is not known to vary, or a new guest
 * would have its neighbours moved. */
static const double unknown_cpus_share = 0.3;

/* Of the memory that a guest has not touched in its first half minute. */
static const double untouched_share = 0.25;

/* Each vCPU one, and what its other threads are seen to use, if they are. */
double placement_most_cpus(const struct guest_view *g)
{
	double helpers = g->run_cpus - g->domain->vcpus;

	return g->domain->vcpus + KT_MAX(helpers, 0.0);
}

static double wanted(const struct guest_view *g)
{
	double vcpus = g->domain->vcpus;
	double cpus = fast_share * g->demand.fast + (1 - fast_share) * g->demand.slow;
	double most = placement_most_cpus(g);

	if (!(g->demand.age_s > 0))
		return unknown_cpus_share * vcpus;
	cpus = KT_MIN(cpus, most);
	return KT_MAX(cpus, 0.0);
}

double placement_cpus(const struct guest_view *g, double *ret_variance)
{
	*ret_variance = variance_share * g->demand.variance;
	return wanted(g);
}

uint64_t guest_resident_kib(const struct guest_view *g)
{
	uint64_t sum = 0;

	for (size_t n = 0; n < KT_NODES_MAX; n++)
		sum = add_capped(sum, g->sample->node_memory_kib[n]);
	return sum;
}

uint64_t guest_memory_nodes(const struct guest_view *g)
{
	uint64_t nodes = 0;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		nodes |= g->sample->node_memory_kib[n] ? nodemask_of(n) : 0;
	return nodes;
}

unsigned int guest_fullest_node(const struct guest_view *g)
{
	unsigned int best = 0;

	for (unsigned int n = 1; n < KT_NODES_MAX; n++)
		if (g->sample->node_memory_kib[n] > g->sample->node_memory_kib[best])
			best = n;
	return g->sample->node_memory_kib[best] ? best : KT_NODES_MAX;
}

/* ---- of a cell ---------------------------------------------------------------------------- */

/* Of a guest in several cells only the sum is known.  What lies on a cell's home is its own,
 * for the greater part: it was put there, or moved. */
static double cell_share(const struct placing *p, unsigned int cell, unsigned int node)
{
	unsigned int ncells = placing_ncells(p);
	double own = 0, all = 0;

	if (ncells == 1)
		return 1;
	for (unsigned int c = 0; c < ncells; c++) {
		double kib = (double)placing_cell_kib(p, c);

		if (p->in_force->pinned && !nodemask_test(placing_present(p, c), node))
			kib /= 1000;
		all += kib;
		own += c == cell ? kib : 0;
	}
	return all > 0 ? own / all : 0;
}

double placement_gib_on(const struct placing *p, unsigned int cell, unsigned int node)
{
	return cell_share(p, cell, node) * (double)p->guest->sample->node_memory_kib[node] /
	       (1024 * 1024);
}

double placement_gib(const struct placing *p, unsigned int cell)
{
	double gib = 0, missing;

	for (uint64_t nodes = guest_memory_nodes(p->guest); nodes; nodes &= nodes - 1)
		gib += placement_gib_on(p, cell, nodemask_first(nodes));
	missing = KT_MAX((double)placing_cell_kib(p, cell) / (1024 * 1024) - gib, 0.0);
	return demand_is_known(p->guest) ? gib + missing * untouched_share : gib + missing;
}
