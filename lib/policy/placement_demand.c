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

	if (!(g->demand.age_s > 0))
		return unknown_cpus_share * vcpus;
	return cpus < placement_most_cpus(g) ? KT_MAX(cpus, 0.0) : placement_most_cpus(g);
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

unsigned int guest_fullest_node(const struct guest_view *g)
{
	unsigned int best = 0;

	for (unsigned int n = 1; n < KT_NODES_MAX; n++)
		if (g->sample->node_memory_kib[n] > g->sample->node_memory_kib[best])
			best = n;
	return g->sample->node_memory_kib[best] ? best : KT_NODES_MAX;
}
