/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's memory: first touch, reclaim and swap. */
#include "plant.h"

#include <math.h>

static const double free_min_share = 0.02;         /* kswapd's watermark */
static const double swap_in_s = 0.0001;            /* a page from an SSD */
static const double swap_out_kib_s = 400.0 * 1024; /* what an SSD can take */
static const double cold_touch_per_s = 2e-5;       /* cold memory is looked at twice a day */

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
	double used = (p->os_kib + p->cache_kib) / p->nnodes;

	for (unsigned int i = 0; i < p->nguests; i++) {
		const struct plant_guest *g = &p->guest[i];
		double resident_kib = plant_resident_kib(g);

		if (resident_kib > 0)
			used += g->on_node_kib[node] * fmax(0, 1 - saved_kib(p, g) / resident_kib);
	}
	return fmax(0, p->node[node].total_kib - used);
}

double plant_available_kib(const struct plant *p)
{
	double free_kib = p->cache_kib;

	for (unsigned int n = 0; n < p->nnodes; n++)
		free_kib += plant_node_free_kib(p, n);
	return free_kib;
}

double plant_swap_free_kib(const struct plant *p)
{
	double free_kib = p->swap_kib;

	for (unsigned int i = 0; i < p->nguests; i++)
		free_kib -= p->guest[i].swapped_hot_kib + p->guest[i].swapped_cold_kib;
	return fmax(0, free_kib);
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
static void touch_where_it_runs(struct plant *p, struct plant_guest *g, double kib)
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

/* ---- swap ------------------------------------------------------------------------------ */

static void shrink(struct plant_guest *g, double kib)
{
	double resident_kib = plant_resident_kib(g);

	if (resident_kib <= 0)
		return;
	for (unsigned int n = 0; n < PLANT_NODES; n++)
		g->on_node_kib[n] -= g->on_node_kib[n] * kib / resident_kib;
}

/* The coldest first; what is in use goes only when nothing else is left.  Returns what
 * was got. */
static double swap_out(struct plant *p, struct plant_guest *g, double kib)
{
	double hot_kib = fmax(0, g->hot_kib - g->swapped_hot_kib);
	double cold_kib = fmax(0, plant_resident_kib(g) - hot_kib);
	double got_kib = fmin(fmin(kib, cold_kib + hot_kib), plant_swap_free_kib(p));
	double got_cold_kib = fmin(got_kib, cold_kib);

	if (got_kib <= 0)
		return 0;
	shrink(g, got_kib);
	g->swapped_cold_kib += got_cold_kib;
	g->swapped_hot_kib += got_kib - got_cold_kib;
	p->swapped_out_kib += got_kib;
	return got_kib;
}

/* What is used comes back at once, page by page; each costs its guest a stall. */
static void swap_in(struct plant *p, struct plant_guest *g, double seconds)
{
	double hot_kib = g->swapped_hot_kib * (1 - exp(-seconds / 2));
	double cold_kib = g->swapped_cold_kib * (1 - exp(-seconds * cold_touch_per_s));
	double pages = (hot_kib + cold_kib) / KT_PAGE_KIB;
	double stall_s = fmin(pages * swap_in_s, seconds);

	if (g->hot_kib > plant_resident_kib(g) + g->swapped_hot_kib) {
		/* the working set has grown into what was swapped out as cold */
		double more_kib = fmin(g->swapped_cold_kib,
				       g->hot_kib - plant_resident_kib(g) - g->swapped_hot_kib);

		g->swapped_cold_kib -= more_kib;
		g->swapped_hot_kib += more_kib;
	}
	g->swapped_hot_kib -= hot_kib;
	g->swapped_cold_kib = fmax(0, g->swapped_cold_kib - cold_kib);
	touch_where_it_runs(p, g, hot_kib + cold_kib);
	g->majfaults += pages;
	g->stall_s += stall_s;
	p->stall_s += stall_s;
}

/* memory.high: reclaimed in the guest's own time, and throttled while over it. */
static void obey_limit(struct plant *p, struct plant_guest *g, double seconds)
{
	double over_kib = plant_resident_kib(g) - g->soft_limit_kib;

	if (!g->limited || !p->cgroup_v2 || over_kib <= 0)
		return;
	over_kib -= swap_out(p, g, fmin(over_kib, swap_out_kib_s * seconds));
	if (over_kib > g->soft_limit_kib * 0.01)
		g->stall_s += fmin(seconds, seconds * over_kib / g->soft_limit_kib * 10);
}

/* Global reclaim takes from those above their soft limit first, then from everybody. */
static void reclaim(struct plant *p, double seconds)
{
	double total_kib = 0, wanted_kib, got_kib = 0;

	wanted_kib = free_min_share * plant_total_kib(p) - (plant_available_kib(p) - p->cache_kib);
	if (wanted_kib <= 0)
		return;
	wanted_kib = fmin(wanted_kib, swap_out_kib_s * seconds);
	for (unsigned int i = 0; i < p->nguests; i++) {
		struct plant_guest *g = &p->guest[i];

		total_kib += plant_resident_kib(g);
		if (g->limited && plant_resident_kib(g) > g->soft_limit_kib)
			got_kib += swap_out(p, g,
					    fmin(wanted_kib - got_kib,
						 plant_resident_kib(g) - g->soft_limit_kib));
	}
	for (unsigned int i = 0; i < p->nguests && total_kib > 0; i++)
		got_kib += swap_out(p, &p->guest[i],
				    (wanted_kib - got_kib) * plant_resident_kib(&p->guest[i]) /
					    total_kib);
	p->stall_s += seconds * 0.2;
	if (plant_available_kib(p) - p->cache_kib < 0.002 * plant_total_kib(p))
		p->noom++;
}

void plant_run_memory(struct plant *p, double seconds)
{
	for (unsigned int i = 0; i < p->nguests; i++) {
		struct plant_guest *g = &p->guest[i];
		double size_kib;

		if (!g->running)
			continue;
		if (!g->paused) {
			swap_in(p, g, seconds);
			size_kib = plant_resident_kib(g) + g->swapped_hot_kib + g->swapped_cold_kib;
			touch_where_it_runs(
				p, g,
				fmin(fmax(0, g->target_kib - size_kib), g->kib_per_s * seconds));
		}
		obey_limit(p, g, seconds);
	}
	plant_run_moves(p, seconds);
	reclaim(p, seconds);
}
