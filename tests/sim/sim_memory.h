/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host whose idle guests hold cold memory while others want more: the same day with the
 * memory loop and without it, and what both have come to. */
#ifndef KT_SIM_MEMORY_H
#define KT_SIM_MEMORY_H

#include <math.h>
#include <string.h>

#include "kt_check.h"
#include "plant_loop.h"

enum { SEEDS = 20, HOUR_S = 3600, NIDLE = 8, NBUSY = 2 };

/* A defect shows with the first few: tests/mutate needs no more. */
static inline int seeds_end(void)
{
	const char *few = getenv("KT_SEEDS");

	return 1 + (few ? KT_CLAMP(atoi(few), 1, SEEDS) : SEEDS);
}

/* With plenty_percent, short_percent and squeeze_price as they are. */
static const double squeezed_below = 0.1861, squeezed_to = 0.1979, calm_above = 0.25;

static struct loop *l;

static inline void teardown(void)
{
	if (l)
		loop_free(l);
	l = NULL;
}

/* 64 GiB with only the memory loop on. */
static inline void open_host(int seed, enum plant_swap swap, double swap_gib)
{
	l = loop_new();
	plant_init(&l->plant, (uint64_t)seed, 1, 32, 64);
	l->plant.swap = swap;
	l->plant.swap_kib = swap_gib * PLANT_GIB;
	l->conf.ksm.mode = l->conf.placement.mode = LOOP_OFF;
}

/* Has used all of its memory once, uses a part of it now, and hardly runs. */
static inline void start_idle_guests(double hot_share, double warm_share)
{
	for (int i = 0; i < NIDLE; i++) {
		struct plant_guest *g = plant_start(&l->plant, 4, plant_random(&l->plant, 5, 6.5));
		double share = plant_random(&l->plant, 0.8, 1.2);

		g->on_node_kib[0] = g->target_kib;
		g->hot_kib = hot_share * g->memory_kib * share;
		g->warm_kib = warm_share * g->memory_kib * share;
		g->demand_cpus = plant_random(&l->plant, 0.02, 0.2);
	}
}

/* Wants to run, and fills its memory until so much of the host is left. */
static inline void start_busy_guests(double left_share)
{
	double left_kib = left_share * plant_total_kib(&l->plant);
	double kib = (plant_available_kib(&l->plant) - left_kib) / NBUSY;

	for (int i = 0; i < NBUSY; i++) {
		struct plant_guest *g = plant_start(&l->plant, 8, 16);

		g->target_kib = kib;
		g->hot_kib = kib;
		g->kib_per_s = plant_random(&l->plant, 5, 20) * 1024;
		g->demand_cpus = plant_random(&l->plant, 4, 7);
	}
}

static inline double available_share(void)
{
	return plant_available_kib(&l->plant) / plant_total_kib(&l->plant);
}

static inline double idle_guests_kib(enum plant_layer layer, bool swapped)
{
	double sum = 0;

	for (unsigned int i = 0; i < NIDLE; i++)
		sum += swapped ? l->plant.guest[i].swapped_kib[layer]
			       : l->plant.guest[i].layer_kib[layer];
	return sum;
}

static inline unsigned int count_limits(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < l->plant.nguests; i++)
		n += l->plant.guest[i].nlimits;
	return n;
}

static inline unsigned int count_releases(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < l->plant.nguests; i++)
		n += l->plant.guest[i].nreleases;
	return n;
}

static inline unsigned int count_orders(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < l->plant.nguests; i++)
		n += l->plant.guest[i].norders;
	return n;
}

static inline const struct guest_plan *plan_of(unsigned int guest)
{
	for (size_t i = 0; i < l->plan.nslots; i++)
		if (l->plan.guest[i].present && l->plan.guest[i].uuid.byte[0] == guest)
			return &l->plan.guest[i];
	ck_abort_msg("guest %u has no plan", guest);
}

/* ---- what no tick may do -------------------------------------------------------------------- */

static inline double reclaim_wished_kib(size_t slot)
{
	const struct memory_plan *m = &l->plan.guest[slot].memory;

	if (!l->plan.guest[slot].present || m->wish != WISH_SET || m->means != MEMORY_RECLAIM)
		return 0;
	return fmax(0, (double)l->sample.guest[slot].usage_kib - (double)m->target_kib);
}

/* By the sample that it saw. */
static inline void check_plan(int seed)
{
	double total_kib = plant_total_kib(&l->plant), wished_kib = 0;
	double available_kib = (double)l->sample.host.mem_available_kib;
	/* stalls make memory dear earlier, but not where it is plentiful */
	double most_share = l->view->psi_memory_some_pct > 0.1 ? calm_above : squeezed_to + 0.001;

	for (size_t i = 0; i < l->plan.nslots; i++) {
		const struct guest_plan *g = &l->plan.guest[i];
		const struct plant_guest *w = &l->plant.guest[g->uuid.byte[0]];

		if (!g->present || g->memory.wish != WISH_SET || g->memory.runaway)
			continue;
		wished_kib += reclaim_wished_kib(i);
		ck_assert_msg((double)g->memory.target_kib >= 0.25 * w->memory_kib - 1,
			      "seed %d: guest %u below its floor", seed, g->uuid.byte[0]);
		ck_assert_msg(l->sample.host.swap_free_kib >= 64 * 1024,
			      "seed %d: guest %u squeezed without swap", seed, g->uuid.byte[0]);
		ck_assert_msg(!w->domain.busy && !w->paused,
			      "seed %d: guest %u squeezed, busy or paused", seed, g->uuid.byte[0]);
	}
	ck_assert_msg(wished_kib <= fmax(0, most_share * total_kib - available_kib) + 1024,
		      "seed %d: %.0f MiB wished, %.1f %% available", seed, wished_kib / 1024,
		      100 * available_kib / total_kib);
}

/* ---- stalls of each guest, on a grid that all runs share ------------------------------------- */

enum { GRID_S = 10, WINDOW_S = 60, GRID_MAX = 4 * HOUR_S / GRID_S };

struct stalls {
	double begin_s, last_s;
	double last[PLANT_GUESTS];
	unsigned int n;
	double at[GRID_MAX][PLANT_GUESTS];
};

static inline void note_stalls(struct stalls *s)
{
	double now_s = l->plant.now_s;

	if (s->begin_s <= 0)
		s->begin_s = s->last_s = now_s - l->tick_s;
	while (s->n < GRID_MAX && s->begin_s + s->n * GRID_S <= now_s) {
		double share = (s->begin_s + s->n * GRID_S - s->last_s) / (now_s - s->last_s);

		for (unsigned int i = 0; i < l->plant.nguests; i++)
			s->at[s->n][i] =
				s->last[i] + share * (l->plant.guest[i].stall_s - s->last[i]);
		s->n++;
	}
	s->last_s = now_s;
	for (unsigned int i = 0; i < l->plant.nguests; i++)
		s->last[i] = l->plant.guest[i].stall_s;
}

static inline double stalled_in_window(const struct stalls *s, unsigned int k, unsigned int guest)
{
	return s->at[k][guest] - s->at[k - WINDOW_S / GRID_S][guest];
}

/* The worst minute of any guest, beyond what it would have been without the loop. */
static inline double worst_excess(const struct stalls *with, const struct stalls *without)
{
	double worst = 0;

	ck_assert_uint_gt(KT_MIN(with->n, without->n), WINDOW_S / GRID_S);
	for (unsigned int k = WINDOW_S / GRID_S; k < KT_MIN(with->n, without->n); k++)
		for (unsigned int i = 0; i < PLANT_GUESTS; i++)
			worst = fmax(worst, stalled_in_window(with, k, i) -
						    stalled_in_window(without, k, i));
	return worst / WINDOW_S;
}

/* ---- a day --------------------------------------------------------------------------------------
 */

enum { PHASES_MAX = 12 };

struct day {
	int seed;
	double hog_kib_s, hog_from_s, hog_until_s; /* memory that no guest has, of the host */
	double os_kib;
	unsigned int nphases[PLANT_GUESTS], phase[PLANT_GUESTS];
	double phase_s[PLANT_GUESTS][PHASES_MAX];
	bool busy[PLANT_GUESTS];
	struct stalls stalls;
	/* when the services first had something swapped out */
	double services_s, cold_taken_share;
	unsigned int nbusy_squeezed;
};

/* Each idle guest gets busy now and then, with all of its memory, and idle again. */
static inline void plan_phases(struct day *d, double seconds)
{
	for (unsigned int i = 0; i < NIDLE; i++) {
		double at_s = l->plant.now_s;

		for (unsigned int n = 0; n < PHASES_MAX; n++) {
			at_s += plant_random(&l->plant, 300, seconds / 3);
			d->phase_s[i][n] = at_s;
		}
		d->nphases[i] = PHASES_MAX;
	}
}

static inline void change_phase(struct plant_guest *g, bool busy)
{
	plant_move_working_set(g, 0.3);
	g->hot_kib = (busy ? 0.85 : 0.25) * g->memory_kib;
	g->demand_cpus = (busy ? 0.7 : 0.02) * g->vcpus;
}

static inline void note_services(struct day *d)
{
	if (d->services_s > 0 || l->plant.services.swapped_out_kib < 64 * 1024)
		return;
	d->services_s = l->plant.now_s;
	d->cold_taken_share =
		idle_guests_kib(PLANT_COLD, true) / idle_guests_kib(PLANT_COLD, false);
}

static inline void live_on(struct loop *loop, void *context)
{
	struct day *d = context;
	double now_s = loop->plant.now_s;

	if (d->os_kib <= 0)
		d->os_kib = loop->plant.os_kib;
	loop->plant.os_kib =
		d->os_kib +
		d->hog_kib_s * (KT_CLAMP(now_s, d->hog_from_s, d->hog_until_s) - d->hog_from_s);
	for (unsigned int i = 0; i < loop->plant.nguests; i++) {
		struct plant_guest *g = &loop->plant.guest[i];

		d->nbusy_squeezed += i >= NIDLE && (g->limited || g->norders);
		while (d->phase[i] < d->nphases[i] && d->phase_s[i][d->phase[i]] <= now_s) {
			d->phase[i]++;
			d->busy[i] = !d->busy[i];
			change_phase(g, d->busy[i]);
		}
	}
	note_services(d);
	note_stalls(&d->stalls);
	check_plan(d->seed);
}

#endif
