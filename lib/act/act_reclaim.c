/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of which guests is the reclaimer to take memory, and what has come of it?
 *
 * A wish is carried out once, however often it comes: usage may have grown since, and to
 * take that too is another decision.  Nothing stays in force, so there is nothing to undo. */
#include <errno.h>

#include "act_private.h"
#include "str.h"

/* One chunk of 4 MiB for so long is a disk that does not answer. */
static const uint64_t patience_ns = 10 * KT_NS_PER_S;

/* ---- answers --------------------------------------------------------------------------- */

/* The sandbox opens one slice, and a guest may be in another: the next may do better. */
static void refused(struct act *a, struct act_guest *g, int error)
{
	g->in_force.reclaim_off = true;
	if (!a->reclaim_refusal_said)
		act_reclaim_say_refused(g, error);
	a->reclaim_refusal_said = true;
}

static void take_end(struct act *a, struct act_guest *g)
{
	struct reclaim *r = &g->reclaim;

	r->open = false;
	if (r->answer.state == RECLAIM_REFUSED)
		refused(a, g, r->answer.error);
	if (r->answer.state == RECLAIM_FAILED)
		act_reclaim_say_failed(g);
	if (!r->dropped && r->answer.state != RECLAIM_GONE)
		act_reclaim_say_step(g);
}

static void count(struct act_guest *g, const struct reclaim_answer *answer)
{
	struct reclaim *r = &g->reclaim;
	uint64_t got_kib = answer->got_kib - r->answer.got_kib;

	g->in_force.reclaimed_kib += got_kib;
	if (!r->dropped && answer->from_kib) { /* it has begun */
		r->got_kib += got_kib;
		r->now_kib = answer->now_kib;
		if (r->steps == 1)
			r->from_kib = answer->from_kib;
	}
	r->answer = *answer;
}

static void look(struct act *a, struct act_guest *g)
{
	struct reclaim_answer answer;

	if (!g->reclaim.open || !a->reclaimer)
		return;
	reclaimer_look(a->reclaimer, g->reclaim.slot, &answer);
	count(g, &answer);
	g->in_force.reclaiming = answer.state == RECLAIM_WAITS || answer.state == RECLAIM_WORKS;
	g->in_force.got_kib = answer.got_kib;
	if (!g->in_force.reclaiming) {
		g->in_force.asked_kib = answer.asked_kib;
		take_end(a, g);
	}
}

/* Again and again, for as long as it lasts: a signal may come too early. */
static void interrupt_late(struct act *a, const struct reclaimer_totals *t)
{
	if (!t->call_since_ns || a->now_ns < t->call_since_ns + patience_ns)
		return;
	reclaimer_stop(a->reclaimer, t->slot);
	for (struct act_guest *g = a->guests; g; g = g->next) {
		if (!g->reclaim.open || g->reclaim.slot != t->slot)
			continue;
		g->in_force.reclaim_late = true;
		act_reclaim_say_late(g);
	}
}

static void take_totals(struct act *a)
{
	struct memory_in_force *f = &a->in_force.memory;
	struct reclaimer_totals t;

	if (!a->reclaimer)
		return;
	reclaimer_total(a->reclaimer, &t);
	interrupt_late(a, &t);
	f->reclaimed_kib = t.got_kib;
	f->longest_call_ns = t.longest_call_ns;
}

/* ---- orders ---------------------------------------------------------------------------- */

static void let_go(struct act *a, struct act_guest *g, enum why why)
{
	struct reclaim *r = &g->reclaim;

	if (r->open && a->reclaimer)
		reclaimer_stop(a->reclaimer, r->slot);
	look(a, g);
	act_reclaim_say_total(g, why);
	r->dropped = true;
	r->steps = 0;
	r->got_kib = r->told_kib = 0;
	r->wish.wish = WISH_RELEASE;
}

static int read_usage(const struct act *a, const char *cgroup, uint64_t *ret_kib)
{
	char path[KT_PATH_MAX];
	uint64_t bytes;
	int r = str_format(path, sizeof path, "%s/memory.current", cgroup);

	if (r == 0)
		r = hostfs_read_u64(a->fs, path, &bytes);
	if (r == 0)
		*ret_kib = bytes / 1024;
	return r;
}

static int give(struct act *a, struct act_guest *g, const struct reclaim_order *order)
{
	struct reclaim *r = &g->reclaim;
	int error = a->reclaimer ? 0 : reclaimer_new(a->fs, NULL, &a->reclaimer);

	if (error == 0)
		error = reclaimer_order(a->reclaimer, (size_t)g->slot, order);
	if (error < 0)
		return error;
	r->slot = (size_t)g->slot;
	r->why = r->wish.why;
	r->open = true;
	r->dropped = false;
	r->steps++;
	r->answer = (struct reclaim_answer){ .state = RECLAIM_WAITS };
	g->in_force.reclaiming = true;
	g->in_force.reclaim_late = false;
	g->in_force.asked_kib = order->at_most_kib;
	g->in_force.got_kib = 0;
	return 0;
}

/* Of a recorded host nothing can be taken. */
static bool only_tells(const struct act *a, const struct memory_plan *wish)
{
	return wish->dry_run || a->look_only || !a->fs->is_live;
}

/* Usage changes all the time, and with it the target of a step that is never made. */
static bool is_told(const struct memory_plan *last)
{
	return last->wish == WISH_SET && last->dry_run;
}

static void tell(struct act_guest *g, const struct memory_plan *wish, uint64_t usage_kib)
{
	if (is_told(&g->reclaim.wish))
		return;
	g->reclaim.wish = *wish;
	g->reclaim.wish.dry_run = true;
	act_reclaim_say_dry(g, usage_kib);
}

static void take(struct act *a, struct act_guest *g, const struct guest_plan *plan,
		 uint64_t usage_kib)
{
	const struct memory_plan *wish = &plan->memory, before = g->reclaim.wish;
	struct reclaim_order order = { .target_kib = wish->target_kib,
				       .at_most_kib = usage_kib - wish->target_kib };
	int r = str_format(order.cgroup, sizeof order.cgroup, "%s", plan->memory_cgroup);

	g->reclaim.wish = *wish;
	if (r == 0)
		r = give(a, g, &order);
	if (r < 0)
		g->reclaim.wish = before;
	if (r < 0 && r != -EBUSY) /* the guest which had this slot: in a moment */
		act_say_no_thread(a, r);
}

static bool is_done(const struct memory_plan *last, const struct memory_plan *wish)
{
	return last->wish == WISH_SET && !last->dry_run && last->target_kib == wish->target_kib;
}

static void reclaim(struct act *a, struct act_guest *g, const struct guest_plan *plan)
{
	const struct memory_plan *wish = &plan->memory;
	uint64_t usage_kib = 0;

	if (!plan->memory_cgroup || is_done(&g->reclaim.wish, wish) ||
	    read_usage(a, plan->memory_cgroup, &usage_kib) < 0)
		return;
	if (usage_kib <= wish->target_kib) { /* by itself */
		g->reclaim.wish = *wish;
		g->reclaim.wish.dry_run = false;
	} else if (only_tells(a, wish)) {
		tell(g, wish, usage_kib);
	} else if (!g->reclaim.open && !g->limit.ours && !g->limit.pending &&
		   !g->in_force.reclaim_off) {
		take(a, g, plan, usage_kib);
	}
}

/* NULL: it is not in this plan. */
static const struct guest_plan *plan_of(const struct act *a, const struct act_guest *g,
					const struct plan *plan)
{
	const struct guest_plan *guest;

	if (g->slot < 0 || (size_t)g->slot >= plan->nslots || a->slot[g->slot] != g)
		return NULL;
	guest = &plan->guest[g->slot];
	return guest->present && uuid_equal(&guest->uuid, &g->uuid) ? guest : NULL;
}

static void apply_guest(struct act *a, struct act_guest *g, const struct guest_plan *plan)
{
	const struct memory_plan *wish;

	if (!plan) {
		act_reclaim_forget(a, g);
		return;
	}
	wish = &plan->memory;
	look(a, g);
	if (g->reclaim.open && only_tells(a, wish)) /* it is observed only since a reload */
		let_go(a, g, wish->why);
	else if (wish->wish == WISH_SET && wish->means == MEMORY_RECLAIM)
		reclaim(a, g, plan);
	else if (wish->wish != WISH_HOLD)
		let_go(a, g, wish->why);
	else if (!is_told(&g->reclaim.wish))
		g->reclaim.wish.wish = WISH_HOLD;
}

void act_reclaim_apply(struct act *a, const struct plan *plan)
{
	take_totals(a);
	for (struct act_guest *g = a->guests; g; g = g->next)
		apply_guest(a, g, plan_of(a, g, plan));
}

void act_reclaim_refresh(struct act *a)
{
	if (!a->reclaimer)
		return;
	take_totals(a);
	for (struct act_guest *g = a->guests; g; g = g->next) {
		look(a, g);
		act_publish(a, g);
	}
}

/* ---- and their end --------------------------------------------------------------------- */

void act_reclaim_stop(struct act *a)
{
	for (struct act_guest *g = a->guests; g; g = g->next)
		let_go(a, g, WHY_STOPPING);
	take_totals(a);
}

void act_reclaim_forget(struct act *a, struct act_guest *g)
{
	if (g->reclaim.open && a->reclaimer)
		reclaimer_stop(a->reclaimer, g->reclaim.slot);
	g->reclaim = (struct reclaim){ 0 };
	g->in_force.reclaiming = false;
}

void act_reclaim_forgive(struct act *a)
{
	a->reclaim_refusal_said = false;
	for (struct act_guest *g = a->guests; g; g = g->next)
		g->in_force.reclaim_off = g->reclaim.late_told = g->reclaim.failure_told = false;
}

void act_reclaim_done(struct act *a)
{
	act_reclaim_stop(a);
	if (a->reclaimer)
		reclaimer_free(a->reclaimer);
	a->reclaimer = NULL;
}
