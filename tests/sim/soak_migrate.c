/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that go to another host, and guests that come from one.
 *
 * While a job runs libvirt lets nobody change the guest.  It goes on running here, is paused
 * at the end, and then its process is gone without anybody's doing; or it all fails, and it
 * goes on as if nothing had been.  One that comes is paused until all of it is here, and may
 * bring along a limit that the kvmtuned of its old host has set and marked. */
#include "soak.h"

/* Of libvirt's facts, by the last plan. */
bool soak_is_known_busy(const struct soak *s, const struct soak_guest *g)
{
	int slot = s->daemon ? domains_find(s->daemon->domains, &g->uuid) : -1;
	const struct domain *d = slot < 0 ? NULL : &s->daemon->domains->slot[slot].domain;

	return d && d->id == g->id && d->busy;
}

void soak_check_hands_off(struct soak *s, const struct soak_guest *g, const char *what)
{
	if (soak_is_known_busy(s, g))
		soak_broken(s, "guest %d has a job, and %s", g->id, what);
}

/* ---- begin ------------------------------------------------------------------------------ */

static void set_out(struct soak *s, struct soak_guest *g, enum soak_journey journey)
{
	g->journey = journey;
	g->journey_ends_ns = s->now_ns + (5 + soak_below(s, 120)) * KT_NS_PER_S;
	g->busy = true;
	g->is_stale = true;
}

void soak_guest_leaves(struct soak *s)
{
	struct soak_guest *g = &s->guest[soak_below(s, SOAK_GUESTS)];

	if (!g->runs || g->busy || g->paused)
		return;
	soak_tell(s, "guest %d is to go to another host", g->id);
	set_out(s, g, SOAK_LEAVES);
}

/* What is in force is its own until somebody here knows better. */
static void bring_limit(struct soak *s, struct soak_guest *g)
{
	struct soak_limit *l = &g->limit;

	l->now = l->own = g->memory_kib / 2 + 4;
	l->marked = l->came_along = true;
	l->mark_kib = l->now;
	l->mark_original_kib = KT_UNLIMITED_KIB;
	soak_tell(s, "guest %d brings limit %lu", g->id, l->now);
}

void soak_guest_arrives(struct soak *s)
{
	struct soak_guest *g = &s->guest[soak_below(s, SOAK_GUESTS)];

	if (g->runs || g->gone_at_ns)
		return;
	soak_guest_starts(s, g);
	soak_tell(s, "guest %d comes from another host", g->id);
	set_out(s, g, SOAK_ARRIVES);
	g->paused = true;
	if (soak_chance(s, 400))
		bring_limit(s, g);
}

void soak_limit_is_ours(struct soak_limit *l, uint64_t original_kib)
{
	if (!l->came_along || original_kib != l->mark_original_kib)
		return;
	l->came_along = false;
	l->own = original_kib;
	l->ours = l->now != l->own;
}

/* ---- end ---------------------------------------------------------------------------------- */

static void stay(struct soak *s, struct soak_guest *g)
{
	soak_tell(s, "guest %d is here to stay", g->id);
	g->journey = SOAK_STAYS;
	g->busy = g->paused = false;
	g->is_stale = true;
}

static void end_journey(struct soak *s, struct soak_guest *g)
{
	if (g->journey == SOAK_LEAVES && soak_chance(s, 700)) {
		set_out(s, g, SOAK_IS_LEFT);
		g->paused = true;
	} else if (g->journey != SOAK_LEAVES &&
		   soak_chance(s, g->journey == SOAK_ARRIVES ? 200 : 800)) {
		soak_guest_ends(s, g);
	} else {
		stay(s, g);
	}
}

void soak_migrations_go_on(struct soak *s)
{
	for (size_t i = 0; i < SOAK_GUESTS; i++) {
		struct soak_guest *g = &s->guest[i];

		if (g->runs && g->journey && g->journey_ends_ns <= s->now_ns)
			end_journey(s, g);
	}
}

void soak_jobs_end(struct soak *s)
{
	for (size_t i = 0; i < SOAK_GUESTS; i++)
		if (s->guest[i].runs && s->guest[i].busy)
			stay(s, &s->guest[i]);
}
