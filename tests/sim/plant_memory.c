/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where is the host's memory: first touch, and moves. */
#include "plant.h"

#include <math.h>

double plant_total_kib(const struct plant *p)
{
	double sum = 0;

	for (unsigned int n = 0; n < p->nnodes; n++)
		sum += p->node[n].total_kib;
	return sum;
}

double plant_merged_kib(const struct plant *p)
{
	return (double)p->pages_sharing * KT_PAGE_KIB;
}

/* The copies that stay are paid for by all who share them. */
static double saved_kib(const struct plant *p, const struct plant_guest *g)
{
	double merged = (double)(p->pages_shared + p->pages_sharing);

	return merged > 0 ? g->merged_kib * (double)p->pages_sharing / merged : 0;
}

/* Merged pages are freed on the node that they were on. */
double plant_node_free_kib(const struct plant *p, unsigned int node)
{
	double used = (p->os_kib + p->cache_kib + plant_swap_memory_kib(p)) / p->nnodes +
		      p->services.on_node_kib[node];

	for (unsigned int i = 0; i < p->nguests; i++) {
		const struct plant_guest *g = &p->guest[i];
		double resident_kib = plant_resident_kib(g);

		if (resident_kib > 0)
			used += g->on_node_kib[node] * fmax(0, 1 - saved_kib(p, g) / resident_kib);
	}
	return fmax(0, p->node[node].total_kib - used);
}

double plant_free_kib(const struct plant *p)
{
	double free_kib = 0;

	for (unsigned int n = 0; n < p->nnodes; n++)
		free_kib += plant_node_free_kib(p, n);
	return free_kib;
}

double plant_available_kib(const struct plant *p)
{
	return plant_free_kib(p) + p->cache_kib;
}

/* ---- where new pages go ----------------------------------------------------------- */

/* On the preferred node while it has room, then wherever there is most. */
static void touch(struct plant *p, struct plant_guest *g, unsigned int node, double kib)
{
	double here_kib = fmin(kib, plant_node_free_kib(p, node) - 0.01 * p->node[node].total_kib);
	unsigned int freest = 0;

	if (kib <= 0)
		return;
	here_kib = fmax(0, here_kib);
	g->on_node_kib[node] += here_kib;
	for (unsigned int n = 1; n < p->nnodes; n++)
		if (plant_node_free_kib(p, n) > plant_node_free_kib(p, freest))
			freest = n;
	g->on_node_kib[freest] += kib - here_kib;
}

/* Unpinned threads stay mostly where they were born. */
void plant_touch(struct plant *p, struct plant_guest *g, double kib)
{
	for (unsigned int n = 0; n < p->nnodes; n++)
		if (g->pinned && nodemask_test(g->nodes, n))
			touch(p, g, n, kib / nodemask_count(g->nodes));
	if (g->pinned)
		return;
	touch(p, g, g->birth_node, kib * 0.7);
	for (unsigned int n = 0; n < p->nnodes; n++)
		touch(p, g, n, kib * 0.3 / p->nnodes);
}

/* ---- moves ------------------------------------------------------------------------- */

static void move_from(struct plant *p, struct plant_guest *g, unsigned int from, double kib)
{
	unsigned int to = nodemask_first(g->nodes);
	double room_kib = plant_node_free_kib(p, to) - (double)p->move.leave_free_kib;
	double moved_kib = fmax(0, fmin(fmin(kib, g->on_node_kib[from]), room_kib));

	g->on_node_kib[from] -= moved_kib;
	g->on_node_kib[to] += moved_kib;
}

void plant_run_moves(struct plant *p, double seconds)
{
	struct plant_guest *g = &p->guest[p->moving];
	double left_kib = (double)p->move.kib_per_s * seconds;

	if (!p->move.go || !g->running || !g->pinned)
		return;
	for (unsigned int n = 0; n < p->nnodes && left_kib > 0; n++) {
		double before_kib = g->on_node_kib[n];

		if (nodemask_test(g->nodes, n))
			continue;
		move_from(p, g, n, left_kib);
		left_kib -= before_kib - g->on_node_kib[n];
		p->moved_kib += before_kib - g->on_node_kib[n];
	}
	p->in_force.move.done = left_kib > 0;
}
