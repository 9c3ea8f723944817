/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How was the host, tick by tick and minute by minute? */
#include "history.h"

#include <string.h>

#include "history_private.h"
#include "recall.h"

struct history *history_new(void)
{
	struct history *h = calloc(1, sizeof *h);

	if (h && pthread_mutex_init(&h->lock, NULL) != 0) {
		free(h);
		return NULL;
	}
	return h;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	pthread_mutex_destroy(&h->lock);
	free(h);
}

double locality_pct(const struct locality *l)
{
	return l->all_kib ? 100.0 * (double)l->local_kib / (double)l->all_kib : -1;
}

struct locality locality_of(const struct guest_view *guest, const struct guest_in_force *f)
{
	struct locality l = { 0 };

	if (!guest->present || !guest->sample->has_node_memory)
		return l;
	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		uint64_t kib = guest->sample->node_memory_kib[n];

		if (kib == 0)
			continue;
		l.all_kib = add_capped(l.all_kib, kib);
		if (f->pinned && nodemask_test(f->nodes, n))
			l.local_kib = add_capped(l.local_kib, kib);
		else if (!f->pinned)
			l.local_kib = KT_MAX(l.local_kib, kib);
	}
	return l;
}

static void note_locality(struct history *h, size_t slot, const struct guest_view *g,
			  const struct locality *l)
{
	size_t at = (h->nminutes - 1) % HISTORY_MINUTES;

	if (!g->present)
		return;
	if (h->incarnation[slot] != g->incarnation)
		memset(h->local[slot], 0, sizeof h->local[slot]);
	h->incarnation[slot] = g->incarnation;
	h->local[slot][at] = l->all_kib ? (uint8_t)(locality_pct(l) + 1.5) : 0;
}

/* Each guest is looked at once, in the minute that has begun. */
static struct history_point note_guests(struct history *h, const struct host_view *view,
					const struct plan *plan, const struct in_force *in_force,
					int64_t unix_s)
{
	struct history_point p = {
		.unix_s = unix_s,
		.available_kib = view->available_kib,
		.merged_kib = view->merged_kib,
		.reclaimed_kib = in_force->memory.reclaimed_kib,
		.ksmd_cpu_pct = (float)view->ksmd_cpu_pct,
		.price = (float)plan->memory.price,
		.psi_some_pct = (float)view->psi_memory_some_pct,
		.swap_in_per_s = (float)view->swap_in_per_s,
	};
	struct locality all = { 0 };

	for (size_t i = 0; i < view->nslots; i++) {
		const struct guest_view *g = &view->guest[i];
		const struct guest_in_force *f = recall_guest(in_force, i, g);
		struct locality l = locality_of(g, f);

		note_locality(h, i, g, &l);
		all.local_kib = add_capped(all.local_kib, l.local_kib);
		all.all_kib = add_capped(all.all_kib, l.all_kib);
		p.nguests += g->present;
		p.npinned = (uint16_t)(p.npinned + (g->present && f->pinned));
		p.nlimited = (uint16_t)(p.nlimited + (g->present && f->limited));
	}
	p.local_pct = (float)locality_pct(&all);
	return p;
}

static float mean(float before, float now, unsigned int n)
{
	return before + (now - before) / (float)n;
}

/* Levels are those of its last tick, what is measured between two ticks is a mean. */
static void add_to_minute(struct history *h, const struct history_point *now)
{
	struct history_point *m = &h->minute[(h->nminutes - 1) % HISTORY_MINUTES], was = *m;
	unsigned int n = ++h->nticks_of_minute;

	*m = *now;
	m->unix_s = now->unix_s / 60 * 60;
	m->ksmd_cpu_pct = mean(was.ksmd_cpu_pct, now->ksmd_cpu_pct, n);
	m->price = mean(was.price, now->price, n);
	m->psi_some_pct = mean(was.psi_some_pct, now->psi_some_pct, n);
	m->swap_in_per_s = mean(was.swap_in_per_s, now->swap_in_per_s, n);
}

static void begin_minute(struct history *h)
{
	size_t at = h->nminutes++ % HISTORY_MINUTES;

	h->nticks_of_minute = 0;
	h->minute[at] = (struct history_point){ 0 };
	for (size_t i = 0; i < KT_GUESTS_MAX; i++)
		if (h->incarnation[i])
			h->local[i][at] = 0;
}

void history_tick(struct history *h, const struct host_view *view, const struct plan *plan,
		  const struct in_force *in_force, int64_t unix_s)
{
	struct history_point now;

	if (h->nminutes == 0 ||
	    h->minute[(h->nminutes - 1) % HISTORY_MINUTES].unix_s != unix_s / 60 * 60)
		begin_minute(h);
	now = note_guests(h, view, plan, in_force, unix_s);
	h->tick[h->nticks++ % HISTORY_TICKS] = now;
	add_to_minute(h, &now);
}

size_t history_npoints(const struct history *h, bool recent)
{
	return recent ? KT_MIN(h->nticks, HISTORY_TICKS) : KT_MIN(h->nminutes, HISTORY_MINUTES);
}

/* Where in its ring the i-th oldest is. */
static size_t place_of(const struct history *h, bool recent, size_t i)
{
	uint64_t n = recent ? h->nticks : h->nminutes;

	return (n - history_npoints(h, recent) + i) % (recent ? HISTORY_TICKS : HISTORY_MINUTES);
}

void history_point(const struct history *h, bool recent, size_t i, struct history_point *ret)
{
	*ret = (recent ? h->tick : h->minute)[place_of(h, recent, i)];
}

unsigned int history_local_pct(const struct history *h, size_t slot, uint32_t incarnation,
			       size_t minute)
{
	unsigned int and_one = h->local[slot][place_of(h, false, minute)];

	return h->incarnation[slot] == incarnation && and_one ? and_one - 1 : 255;
}
