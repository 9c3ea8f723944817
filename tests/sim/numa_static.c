/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do those lose who never look again: who pin nothing, or choose a node at the start? */
#include "numa_run.h"

static void *open_nothing(struct numa_world *w, const struct placement_conf *conf)
{
	(void)w;
	(void)conf;
	return NULL;
}

static void ignore_guest(void *state, struct numa_world *w, unsigned int guest)
{
	(void)state;
	(void)w;
	(void)guest;
}

static void ignore_second(void *state, struct numa_world *w)
{
	(void)state;
	(void)w;
}

static void close_nothing(void *state)
{
	(void)state;
}

const struct numa_policy numa_unpinned = { "unpinned", open_nothing, ignore_guest, ignore_second,
					   close_nothing };

/* ---- static ---------------------------------------------------------------------------- */

static unsigned int committed_vcpus(const struct numa_world *w, unsigned int node)
{
	unsigned int vcpus = 0;

	for (unsigned int i = 0; i < w->nguests; i++)
		if (w->guest[i].nodes[0] >> node & 1)
			vcpus += w->guest[i].vcpus;
	return vcpus;
}

/* As Xen's libxl does: fewest vCPUs, then most free memory, among the nodes that it fits on;
 * NUMA_NODES: it fits on none. */
static unsigned int choose(const struct numa_world *w, const struct numa_guest *g)
{
	unsigned int best = NUMA_NODES;

	for (unsigned int n = 0; n < w->shape.nnodes; n++) {
		unsigned int vcpus = committed_vcpus(w, n), least;

		if (w->shape.cores[n] == 0 ||
		    numa_free_gib(w, n) + numa_guest_gib_on(g, n) < g->gib)
			continue;
		least = best < NUMA_NODES ? committed_vcpus(w, best) : 0;
		if (best == NUMA_NODES || vcpus < least ||
		    (vcpus == least && numa_free_gib(w, n) > numa_free_gib(w, best)))
			best = n;
	}
	return best;
}

/* Its memory is there from the beginning, and costs nothing.  So is that of the guests before
 * the first second, which are born one after the other. */
static void place_at_birth(void *state, struct numa_world *w, unsigned int guest)
{
	struct numa_guest *g = &w->guest[guest];
	unsigned int node = choose(w, g);
	uint64_t nodes[NUMA_CELLS];

	(void)state;
	if (node == NUMA_NODES)
		return;
	for (unsigned int c = 0; c < g->ncells; c++) {
		nodes[c] = UINT64_C(1) << node;
		for (unsigned int n = 0; n < w->shape.nnodes; n++)
			g->gib_on[c][n] = n == node ? g->gib / g->ncells : 0;
	}
	numa_pin(w, guest, nodes);
}

const struct numa_policy numa_static = { "static", open_nothing, place_at_birth, ignore_second,
					 close_nothing };
