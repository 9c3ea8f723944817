/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has to give memory back when others want it: global reclaim, soft limits and
 * memory.reclaim. */
#include <math.h>

#include "plant.h"

static const double free_min_share = 0.02;   /* kswapd's watermark */
static const double kept_share = 0.002;      /* that nobody gets */
static const double interrupted_after_s = 5; /* a write to memory.reclaim */

/* What all want of this step, and get of it. */
struct demand_of_step {
	double in_kib[PLANT_GUESTS + 1][PLANT_LAYERS], grow_kib[PLANT_GUESTS + 1];
	double all_in_kib, all_kib;
};

/* The guests, and the host's own services as the last. */
static struct plant_guest *eater(struct plant *p, unsigned int i)
{
	return i < p->nguests ? &p->guest[i] : &p->services;
}

static void ask_all(struct plant *p, struct demand_of_step *d, double seconds)
{
	for (unsigned int i = 0; i <= p->nguests; i++) {
		struct plant_guest *g = eater(p, i);
		double size_kib;

		if (!g->running)
			continue;
		plant_set_layers(g);
		if (g->paused)
			continue;
		plant_swap_wanted(p, g, seconds, d->in_kib[i]);
		size_kib = plant_resident_kib(g) + plant_swapped_kib(g);
		d->grow_kib[i] = fmin(fmax(0, g->target_kib - size_kib), g->kib_per_s * seconds);
		for (int l = 0; l < PLANT_LAYERS; l++)
			d->all_in_kib += d->in_kib[i][l];
		d->all_kib += d->grow_kib[i];
	}
	d->all_kib += d->all_in_kib;
}

static double beyond_limit_kib(const struct plant_guest *g)
{
	return g->limited ? fmax(0, plant_resident_kib(g) - g->soft_limit_kib) : 0;
}

/* From those above their soft limit first, then from everybody. */
static void reclaim(struct plant *p, double seconds, double demand_kib)
{
	double wanted_kib = free_min_share * plant_total_kib(p) + demand_kib - plant_free_kib(p);
	double total_kib = 0, got_kib = 0;

	if (wanted_kib <= 0)
		return;
	wanted_kib = fmin(wanted_kib, plant_swap_out_kib_s(p) * seconds);
	for (unsigned int i = 0; i <= p->nguests; i++) {
		struct plant_guest *g = eater(p, i);

		total_kib += plant_resident_kib(g);
		got_kib += plant_swap_out(p, g, fmin(wanted_kib - got_kib, beyond_limit_kib(g)));
	}
	wanted_kib -= got_kib;
	for (unsigned int i = 0; i <= p->nguests && total_kib > 0; i++)
		got_kib += plant_swap_out(p, eater(p, i),
					  wanted_kib * plant_resident_kib(eater(p, i)) / total_kib);
	p->stall_s += seconds * 0.2;
	p->noom += got_kib <= 0 && plant_free_kib(p) - demand_kib < kept_share * plant_total_kib(p);
}

/* Who gets no memory waits for it. */
static void serve_all(struct plant *p, const struct demand_of_step *d, double seconds)
{
	double room_kib = fmax(0, plant_free_kib(p) - kept_share * plant_total_kib(p));
	double share = d->all_kib > room_kib ? room_kib / d->all_kib : 1;
	double in_most_kib = p->swap_free_s * plant_swap_in_kib_s(p);
	double in_share = d->all_in_kib > in_most_kib ? in_most_kib / d->all_in_kib : 1;

	for (unsigned int i = 0; i <= p->nguests; i++) {
		struct plant_guest *g = eater(p, i);

		if (!g->running || g->paused)
			continue;
		plant_swap_in(p, g, d->in_kib[i], fmin(share, fmax(0, in_share)), seconds);
		plant_touch(p, g, share * d->grow_kib[i]);
		if (d->grow_kib[i] > 0)
			g->stall_s += (1 - share) * seconds;
	}
}

/* memory.high: reclaimed in the guest's own time, and throttled while over it. */
static void obey_limit(struct plant *p, struct plant_guest *g, double seconds)
{
	double over_kib = beyond_limit_kib(g);

	if (!p->cgroup_v2 || over_kib <= 0)
		return;
	over_kib -= plant_swap_out(p, g, over_kib);
	if (over_kib > g->soft_limit_kib * 0.01)
		g->stall_s += fmin(seconds, seconds * over_kib / g->soft_limit_kib * 10);
}

/* ---- memory.reclaim ------------------------------------------------------------------------ */

static struct plant_guest *next_to_reclaim(struct plant *p)
{
	struct plant_guest *first = NULL;

	for (unsigned int i = 0; i < p->nguests; i++) {
		struct plant_guest *g = &p->guest[i];

		if (g->running && g->order.open &&
		    (!first || g->order.ordered_s < first->order.ordered_s))
			first = g;
	}
	return first;
}

/* One guest after the other, by one thread, whose waiting the kernel counts as no stall. */
void plant_run_orders(struct plant *p, double seconds)
{
	double left_s = seconds;
	struct plant_guest *g;

	while (left_s > 0 && (g = next_to_reclaim(p))) {
		struct plant_order *o = &g->order;
		double more_kib =
			fmin(o->asked_kib - o->got_kib, plant_resident_kib(g) - o->target_kib);
		double got_kib, took_s;

		if (o->began_s <= 0)
			o->began_s = p->now_s - left_s;
		got_kib = plant_swap_out(p, g, fmin(more_kib, left_s * plant_swap_out_kib_s(p)));
		took_s = got_kib / plant_swap_out_kib_s(p);
		o->got_kib += got_kib;
		g->ordered_kib += got_kib;
		p->ordered_kib += got_kib;
		left_s -= took_s;
		o->late = got_kib < more_kib - 1 && p->now_s - o->began_s > interrupted_after_s;
		o->open = got_kib < more_kib - 1 && p->swap_free_s <= 1e-9 && !o->late;
		if (o->open)
			return;
	}
}

void plant_run_memory(struct plant *p, double seconds)
{
	struct demand_of_step demand = { 0 };

	plant_swap_begin(p, seconds);
	ask_all(p, &demand, seconds);
	reclaim(p, seconds, demand.all_kib);
	serve_all(p, &demand, seconds);
	for (unsigned int i = 0; i < p->nguests; i++)
		if (p->guest[i].running)
			obey_limit(p, &p->guest[i], seconds);
	plant_run_orders(p, seconds);
	plant_run_moves(p, seconds);
	plant_swap_end(p, seconds);
}
