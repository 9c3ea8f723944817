/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In the place of lib/act's two threads, behind the same doors: memory that moves and memory
 * that is taken, in simulated time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mover.h"
#include "reclaimer.h"
#include "soak.h"

static unsigned int nworkers;

unsigned int soak_workers(void)
{
	return nworkers;
}

/* ---- the mover ------------------------------------------------------------------------------ */

struct mover {
	bool works;
	struct mover_order order;
	struct mover_answer answer;
};

static struct mover *the_mover;

int mover_new(const struct hostfs *fs, mover_call_fn *call, struct mover **ret)
{
	(void)fs, (void)call;
	*ret = the_mover = calloc(1, sizeof **ret);
	nworkers += the_mover != NULL;
	return *ret ? 0 : -ENOMEM;
}

void mover_free(struct mover *m, struct mover_answer *ret_last)
{
	*ret_last = m->answer;
	free(m);
	the_mover = NULL;
	nworkers--;
}

int mover_order(struct mover *m, const struct mover_order *order)
{
	if (m->works)
		return -EBUSY;
	m->works = true;
	m->order = *order;
	m->answer = (struct mover_answer){ .state = MOVER_WORKS };
	return 0;
}

void mover_pace(struct mover *m, uint64_t kib_per_s, uint64_t leave_free_kib)
{
	m->order.kib_per_s = kib_per_s;
	m->order.leave_free_kib = leave_free_kib;
}

static void end_move(struct mover *m, enum mover_state state)
{
	m->works = false;
	m->answer.state = state;
}

void mover_stop(struct mover *m)
{
	if (m->works)
		end_move(m, MOVER_RESTS);
}

void mover_look(struct mover *m, struct mover_answer *ret)
{
	*ret = m->answer;
}

/* Of a guest of one cell: all of it to the first of its nodes. */
static double move(struct mover *m, struct soak_guest *g, double kib)
{
	bool to_0 = m->order.cell[0].nodes & 1, to_1 = m->order.cell[0].nodes & 2;
	double away = to_0 && to_1 ? 0 : to_0 ? 1 - g->share_on_0 : g->share_on_0;
	double share = KT_MIN(away, kib / (double)g->memory_kib);

	m->answer.looked = true;
	m->answer.away_kib = (uint64_t)(away * (double)g->usage_kib);
	m->answer.away_nodes = m->order.from;
	if (m->order.look_only)
		return 0;
	g->share_on_0 += to_0 ? share : -share;
	m->answer.moved_kib += (uint64_t)(share * (double)g->usage_kib);
	m->answer.copying_ns += KT_NS_PER_S;
	return away - share;
}

static void mover_goes_on(struct soak *s, double seconds)
{
	struct mover *m = the_mover;
	struct soak_thread *t = m ? soak_thread_of(s, m->order.pid) : NULL;
	struct soak_guest *g;

	if (!m || !m->works)
		return;
	if (!t || t->start_ticks != m->order.start_ticks) {
		end_move(m, MOVER_GONE);
		return;
	}
	g = &s->guest[(unsigned int)t->tid % (SOAK_GUESTS * SOAK_THREADS) / SOAK_THREADS];
	if (!m->order.look_only)
		soak_check_hands_off(s, g, "its memory is moved");
	if (soak_fails(s, s->weather.mask / 4))
		end_move(m, soak_chance(s, 100) ? MOVER_OFF : MOVER_FAILED);
	else if (soak_chance(s, 5))
		end_move(m, MOVER_FULL);
	else if (move(m, g, (double)m->order.kib_per_s * seconds) < 0.001)
		end_move(m, MOVER_DONE);
}

/* ---- the reclaimer --------------------------------------------------------------------------- */

struct reclaimer {
	struct reclaimer_totals totals;
	struct reclaim_order order[KT_GUESTS_MAX];
	struct reclaim_answer answer[KT_GUESTS_MAX];
};

static struct reclaimer *the_reclaimer;

int reclaimer_new(const struct hostfs *fs, reclaim_call_fn *call, struct reclaimer **ret)
{
	(void)fs, (void)call;
	*ret = the_reclaimer = calloc(1, sizeof **ret);
	nworkers += the_reclaimer != NULL;
	return *ret ? 0 : -ENOMEM;
}

void reclaimer_free(struct reclaimer *r)
{
	free(r);
	the_reclaimer = NULL;
	nworkers--;
}

static bool is_open(const struct reclaim_answer *a)
{
	return a->state == RECLAIM_WAITS || a->state == RECLAIM_WORKS;
}

int reclaimer_order(struct reclaimer *r, size_t slot, const struct reclaim_order *order)
{
	if (is_open(&r->answer[slot]))
		return -EBUSY;
	r->order[slot] = *order;
	r->answer[slot] = (struct reclaim_answer){ .state = RECLAIM_WAITS };
	return 0;
}

void reclaimer_stop(struct reclaimer *r, size_t slot)
{
	if (is_open(&r->answer[slot]))
		r->answer[slot].state = RECLAIM_STOPPED;
}

void reclaimer_look(struct reclaimer *r, size_t slot, struct reclaim_answer *ret)
{
	*ret = r->answer[slot];
}

void reclaimer_total(struct reclaimer *r, struct reclaimer_totals *ret)
{
	*ret = r->totals;
}

static enum reclaim_state how_it_ends(struct soak *s)
{
	if (soak_fails(s, s->weather.write / 4))
		return soak_chance(s, 500) ? RECLAIM_REFUSED : RECLAIM_FAILED;
	return RECLAIM_DONE;
}

static void reclaim(struct soak *s, struct reclaimer *r, size_t slot)
{
	struct reclaim_answer *a = &r->answer[slot];
	const struct reclaim_order *o = &r->order[slot];
	struct soak_guest *g = &s->guest[atoi(o->cgroup + strlen("guest/"))];
	uint64_t lacking = g->usage_kib > o->target_kib ? g->usage_kib - o->target_kib : 0;

	if (!g->runs) {
		a->state = RECLAIM_GONE;
		return;
	}
	soak_check_hands_off(s, g, "its memory is taken");
	a->from_kib = a->from_kib ? a->from_kib : g->usage_kib;
	lacking = KT_MIN(lacking, o->at_most_kib);
	a->state = how_it_ends(s);
	if (a->state == RECLAIM_REFUSED)
		a->error = EROFS;
	if (a->state == RECLAIM_DONE)
		g->usage_kib -= lacking;
	a->asked_kib = lacking;
	a->got_kib = a->state == RECLAIM_DONE ? lacking : 0;
	a->now_kib = g->usage_kib;
	r->totals.got_kib += a->got_kib;
}

void soak_workers_go_on(struct soak *s, double seconds)
{
	struct reclaimer *r = the_reclaimer;

	mover_goes_on(s, seconds);
	for (size_t i = 0; r && i < SOAK_GUESTS; i++)
		if (is_open(&r->answer[i]) && soak_chance(s, 700))
			reclaim(s, r, i);
}
