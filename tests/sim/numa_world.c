/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do guests lose where they run now? */
#include "numa_world.h"

#include <math.h>

/* Assumptions of the model; nobody measured them on all machines. */
static const double thread_yield = 0.25;
static const double remote_share_max = 0.6;
static const double cpu_s_per_gib_moved = 0.5;

double numa_threads(const struct numa_world *w, unsigned int node)
{
	return (double)w->shape.cores[node] * w->shape.threads_per_core;
}

double numa_guest_gib_on(const struct numa_guest *g, unsigned int node)
{
	double gib = 0;

	for (unsigned int c = 0; c < g->ncells; c++)
		gib += g->gib_on[c][node];
	return gib;
}

double numa_free_gib(const struct numa_world *w, unsigned int node)
{
	double gib = w->shape.gib[node] - NUMA_HOST_GIB;

	for (unsigned int i = 0; i < w->nguests; i++)
		gib -= numa_guest_gib_on(&w->guest[i], node);
	return gib;
}

/* ---- where it runs ----------------------------------------------------------------- */

static uint64_t nodes_of(const struct numa_world *w, uint64_t nodes)
{
	return nodes ? nodes : (UINT64_C(1) << w->shape.nnodes) - 1;
}

/* The scheduler spreads it over the CPUs that it may use. */
static void spread(const struct numa_world *w, uint64_t nodes, double share[NUMA_NODES])
{
	double cores = 0;

	nodes = nodes_of(w, nodes);
	for (unsigned int n = 0; n < w->shape.nnodes; n++)
		cores += nodes >> n & 1 ? w->shape.cores[n] : 0;
	for (unsigned int n = 0; n < w->shape.nnodes; n++)
		share[n] = (nodes >> n & 1) && cores > 0 ? w->shape.cores[n] / cores : 0;
}

static double contention_cpus(const struct numa_world *w, unsigned int node)
{
	double load = w->load_cpus[node], cores = w->shape.cores[node];

	if (w->shape.threads_per_core == 1)
		return fmax(0, load - cores);
	return (1 - thread_yield) * fmax(0, load - cores) +
	       thread_yield * fmax(0, load - numa_threads(w, node));
}

/* Distance 10 is nothing, 20 is one. */
static double farness(const struct numa_world *w, unsigned int a, unsigned int b)
{
	return w->shape.distance[a][b] / 10.0 - 1;
}

static double remote_share(const struct numa_world *w, const struct numa_guest *g,
			   unsigned int cell, unsigned int node)
{
	const double *gib_on = g->gib_on[cell];
	double gib = 0, far_gib = 0, share;

	for (unsigned int k = 0; k < w->shape.nnodes; k++) {
		gib += gib_on[k];
		far_gib += gib_on[k] * farness(w, node, k);
	}
	share = gib > 0 ? g->intensity * far_gib / gib : 0;
	if (g->device_node >= 0)
		share += g->device_weight * farness(w, node, (unsigned int)g->device_node);
	return fmin(remote_share_max, share);
}

/* ---- a second ---------------------------------------------------------------------- */

static void load_nodes(struct numa_world *w)
{
	double share[NUMA_NODES];

	for (unsigned int n = 0; n < w->shape.nnodes; n++)
		w->load_cpus[n] = 0;
	for (unsigned int i = 0; i < w->nguests; i++) {
		const struct numa_guest *g = &w->guest[i];

		for (unsigned int c = 0; c < g->ncells; c++) {
			spread(w, g->nodes[c], share);
			for (unsigned int n = 0; n < w->shape.nnodes; n++)
				w->load_cpus[n] += share[n] * g->cpus / g->ncells;
		}
	}
}

/* What a sibling takes is not seen by the scheduler: a vCPU on half a core runs.  It waits
 * only where there are more that want to run than logical CPUs. */
static void pass_cell(struct numa_world *w, struct numa_guest *g, unsigned int cell)
{
	double share[NUMA_NODES], cpus = g->cpus / g->ncells;

	spread(w, g->nodes[cell], share);
	for (unsigned int n = 0; n < w->shape.nnodes; n++) {
		double wanted = share[n] * cpus, granted;

		if (share[n] <= 0)
			continue;
		granted = wanted * fmin(1, numa_threads(w, n) / fmax(w->load_cpus[n], 1e-9));
		g->run_s += granted;
		g->delay_s += wanted - granted;
		w->bill.remote += wanted * remote_share(w, g, cell, n);
	}
}

void numa_world_pass(struct numa_world *w)
{
	load_nodes(w);
	for (unsigned int n = 0; n < w->shape.nnodes; n++) {
		w->bill.contention += contention_cpus(w, n);
		w->idle_s[n] += fmax(0, numa_threads(w, n) - w->load_cpus[n]);
	}
	for (unsigned int i = 0; i < w->nguests; i++) {
		w->bill.demand += w->guest[i].cpus;
		for (unsigned int c = 0; c < w->guest[i].ncells; c++)
			pass_cell(w, &w->guest[i], c);
	}
	w->now_s += 1;
	w->bill.seconds += 1;
}

/* ---- what a policy can do ------------------------------------------------------------ */

void numa_pin(struct numa_world *w, unsigned int guest, const uint64_t *nodes)
{
	struct numa_guest *g = &w->guest[guest];
	bool changed = false;

	for (unsigned int c = 0; c < g->ncells; c++) {
		changed |= g->nodes[c] != nodes[c];
		g->nodes[c] = nodes[c];
	}
	w->bill.repins += changed && g->was_pinned;
	w->bill.pins += changed && !g->was_pinned;
	g->was_pinned |= changed;
}

double numa_move(struct numa_world *w, unsigned int guest, unsigned int cell, unsigned int from,
		 unsigned int to, double gib)
{
	double *gib_on = w->guest[guest].gib_on[cell];

	gib = fmax(0, fmin(gib, gib_on[from]));
	gib_on[from] -= gib;
	gib_on[to] += gib;
	w->bill.moved_gib += gib;
	w->bill.migration += gib * cpu_s_per_gib_moved;
	return gib;
}

double numa_lost(const struct numa_bill *b)
{
	return b->demand > 0 ? (b->contention + b->remote + b->migration) / b->demand : 0;
}

void numa_bill_add(struct numa_bill *sum, const struct numa_bill *b)
{
	sum->demand += b->demand;
	sum->contention += b->contention;
	sum->remote += b->remote;
	sum->migration += b->migration;
	sum->moved_gib += b->moved_gib;
	sum->pins += b->pins;
	sum->repins += b->repins;
	sum->seconds += b->seconds;
}
