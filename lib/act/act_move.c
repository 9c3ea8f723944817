/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is the mover to do, and what has come of it?
 *
 * The plan is compared with the order that was given last.  Another one is given only after
 * the end of that one, which a stop brings within one call: at the next plan. */
#include <errno.h>
#include <string.h>

#include "act_private.h"
#include "nodemask.h"

static bool same_order(const struct mover_order *a, const struct mover_order *b)
{
	if (a->pid != b->pid || a->start_ticks != b->start_ticks || a->look_only != b->look_only ||
	    a->from != b->from || a->ncells != b->ncells)
		return false;
	for (unsigned int c = 0; c < a->ncells; c++)
		if (a->cell[c].nodes != b->cell[c].nodes ||
		    a->cell[c].memory_kib != b->cell[c].memory_kib)
			return false;
	return true;
}

static void add_cells(const struct placement_plan *p, struct mover_order *order)
{
	order->ncells = KT_MIN(p->ncells, (unsigned int)KT_CELLS_MAX);
	for (unsigned int c = 0; c < order->ncells; c++)
		order->cell[c] = (struct mover_cell){ .nodes = p->cell[c].nodes,
						      .memory_kib = p->cell[c].memory_kib };
}

/* NULL: nothing is to be moved. */
static struct act_guest *wanted(const struct act *a, const struct plan *plan,
				struct mover_order *ret)
{
	const struct move_plan *move = &plan->move;
	const struct guest_plan *guest;
	struct act_guest *g;

	if (!move->go || !move->kib_per_s || move->slot >= KT_MIN(plan->nslots, KT_GUESTS_MAX))
		return NULL;
	guest = &plan->guest[move->slot];
	g = a->slot[move->slot];
	if (!g || !guest->present || guest->placement.wish != WISH_SET ||
	    !guest->placement.ncells || guest->pid <= 0 || g->in_force.move_failed || a->move.off)
		return NULL;
	*ret = (struct mover_order){
		.pid = guest->pid,
		.start_ticks = guest->start_ticks,
		.look_only = guest->placement.dry_run || a->look_only || !a->fs->is_live,
		.kib_per_s = move->kib_per_s,
		.leave_free_kib = move->leave_free_kib,
		.from = move->from,
	};
	add_cells(&guest->placement, ret);
	return g;
}

/* ---- answers --------------------------------------------------------------------------- */

static void count(struct act *a, struct act_guest *g, const struct mover_answer *answer)
{
	struct act_move *m = &a->move;
	struct move_in_force *f = &a->in_force.move;
	uint64_t moved_kib = answer->moved_kib - m->answer.moved_kib;

	f->moved_kib += moved_kib;
	f->failed_kib += answer->failed_kib - m->answer.failed_kib;
	f->longest_call_ns = KT_MAX(f->longest_call_ns, answer->longest_call_ns);
	if (g)
		g->in_force.moved_kib += moved_kib;
	if (answer->moved_kib && answer->copying_ns)
		f->kib_per_s = (uint64_t)((double)answer->moved_kib * (double)KT_NS_PER_S /
					  (double)answer->copying_ns);
	m->answer = *answer;
}

static void take_end(struct act *a, struct act_guest *g)
{
	struct act_move *m = &a->move;

	m->open = false;
	m->off |= m->answer.state == MOVER_OFF;
	if (!g)
		return;
	g->in_force.move_failed =
		m->answer.state == MOVER_FAILED || m->answer.state == MOVER_UNCLEAR;
	if (m->answer.state == MOVER_FAILED)
		act_retry_later(&g->move_retry, a->now_ns);
	else if (m->answer.state == MOVER_DONE)
		g->move_retry = (struct retry){ 0 };
	act_move_say_end(m, g);
}

/* The process of that order is no longer the guest's: what is said of it now would be said
 * of another one. */
static struct act_guest *guest_of_order(const struct act *a)
{
	struct act_guest *g = act_find(a, &a->move.uuid);

	return g && g->pid == a->move.order.pid && g->start_ticks == a->move.order.start_ticks
		       ? g
		       : NULL;
}

static void take_answer(struct act *a, const struct mover_answer *answer)
{
	struct act_guest *g = guest_of_order(a);

	count(a, g, answer);
	if (g && answer->looked && !a->move.told &&
	    (answer->state != MOVER_WORKS || !act_move_is_old_news(&a->move, g))) {
		a->move.told = true;
		act_move_say_begin(&a->move, g);
	}
	if (answer->state != MOVER_WORKS)
		take_end(a, g);
}

/* ---- orders ---------------------------------------------------------------------------- */

static void stop(struct act_move *m, enum why why)
{
	if (!m->stopping)
		m->why_stopped = why;
	if (m->open)
		mover_stop(m->mover);
	else
		m->given = false;
	m->stopping = m->open;
}

/* WHY_NONE: the next order has its own reason. */
static enum why why_it_stops(const struct act_move *m, const struct plan *plan)
{
	const struct guest_plan *guest = &plan->guest[m->slot];

	if (m->slot < plan->nslots && guest->present && guest->placement.wish == WISH_RELEASE)
		return guest->placement.why;
	return plan->move.go ? WHY_NONE : plan->move.why;
}

/* Pages that a disk reads into are busy, and what tells of a process may not be readable. */
static void try_again(struct act *a)
{
	for (struct act_guest *g = a->guests; g; g = g->next)
		if (act_retry_is_due(&g->move_retry, a->now_ns))
			g->in_force.move_failed = false;
}

/* Of a recorded host no memory can be looked at. */
static int begin(struct act *a)
{
	struct act_move *m = &a->move;
	int r = 0;

	if (!a->fs->is_live)
		return 0;
	if (!m->mover)
		r = mover_new(a->fs, NULL, &m->mover);
	if (r == 0)
		r = mover_order(m->mover, &m->order);
	m->open = r == 0;
	return r;
}

static void give(struct act *a, struct act_guest *g, const struct mover_order *order,
		 const struct move_plan *plan)
{
	struct act_move *m = &a->move;
	int r;

	m->order = *order;
	m->uuid = g->uuid;
	m->slot = plan->slot;
	m->why = plan->why;
	m->answer = (struct mover_answer){ .state = MOVER_DONE };
	m->told = m->stopping = false;
	m->given = true;
	r = begin(a);
	if (r < 0) {
		m->given = false;
		act_say_no_thread(a, r);
	} else if (!m->open) {
		act_move_say_begin(m, g);
	}
}

/* Of what was only looked at nothing can be said that would end it: all of it is left. */
static void publish(struct act *a)
{
	const struct act_move *m = &a->move;
	struct move_in_force *f = &a->in_force.move;
	bool ended = m->given && !m->open && !m->order.look_only;

	f->active = m->open && !m->order.look_only;
	f->slot = m->slot;
	f->done = ended && m->answer.state == MOVER_DONE;
	f->full = ended && m->answer.state == MOVER_FULL;
	f->off = m->off;
}

void act_move_apply(struct act *a, const struct plan *plan)
{
	struct act_move *m = &a->move;
	struct mover_order order;
	struct mover_answer answer;
	struct act_guest *g;

	if (m->open) {
		mover_look(m->mover, &answer);
		take_answer(a, &answer);
	}
	try_again(a);
	g = wanted(a, plan, &order);
	if (m->given && (!g || m->stopping || !same_order(&order, &m->order)))
		stop(m, why_it_stops(m, plan));
	else if (g && m->open)
		mover_pace(m->mover, order.kib_per_s, order.leave_free_kib);
	/* vCPUs first, memory later: libvirt may take its time. */
	if (g && !m->given && !act_pins_any_pending(&g->placement))
		give(a, g, &order, &plan->move);
	publish(a);
}

void act_move_stop(struct act *a)
{
	stop(&a->move, WHY_STOPPING);
	publish(a);
}

void act_move_forgive(struct act *a)
{
	a->move.off = false;
	a->in_force.move.off = false;
	for (struct act_guest *g = a->guests; g; g = g->next) {
		g->in_force.move_failed = false;
		g->move_retry = (struct retry){ 0 };
		g->unreached_nodes = 0;
	}
	if (!a->move.open)
		a->move.given = false;
}

void act_move_done(struct act *a)
{
	struct mover_answer last;

	if (!a->move.mover)
		return;
	stop(&a->move, WHY_STOPPING);
	mover_free(a->move.mover, &last);
	a->move.mover = NULL;
	if (last.state == MOVER_WORKS)
		last.state = MOVER_RESTS; /* it had not begun */
	if (a->move.open)
		take_answer(a, &last);
}
