/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a soft limit reach a guest, and how is it lifted?
 *
 * Only through libvirt, and so in three steps: a request, its answer, and the facts that
 * libvirt's events bring, sooner or later.  A fact that shows an older value of ours is
 * late, not foreign; once a fact has confirmed the last answer, facts are fresh, and one
 * that differs was somebody else's doing.
 *
 * There is never a hard limit: the kernel kills guests for it. */
#include <errno.h>

#include "act_private.h"

/* The kernel counts in pages, of up to 64 KiB, and rounds down. */
static const uint64_t page_max_kib = 64;

static bool is_result_of(uint64_t found_kib, uint64_t asked_kib)
{
	return found_kib <= asked_kib && asked_kib - found_kib < page_max_kib;
}

void act_memory_publish(struct act_guest *g)
{
	const struct limit *l = &g->limit;

	g->in_force.limited = l->ours && l->got != l->original;
	g->in_force.soft_limit_kib = g->in_force.limited ? l->got : 0;
	g->in_force.limit_pending = l->pending;
	g->in_force.pending_limit_kib = l->pending && !l->giving_back ? l->asked : 0;
}

bool act_memory_waiting(const struct act_guest *g)
{
	return g->limit.ours && !g->limit.gave_up;
}

/* ---- whose value is it ------------------------------------------------- */

static bool is_late(const struct limit *l, uint64_t fact_kib)
{
	return fact_kib == l->before || fact_kib == l->fact_at_asking;
}

/* What was asked for when the link broke is in force: it was done. */
static void find_lost(struct limit *l, uint64_t fact_kib)
{
	if (!l->lost ||
	    (l->lost_back ? fact_kib != l->original : !is_result_of(fact_kib, l->asked)))
		return;
	l->got = fact_kib;
	l->lost = l->lost_back = false;
}

/* Nobody knows whether the last request was done. */
static bool is_in_doubt(const struct limit *l)
{
	return l->lost | l->loaded; /* with || gcc 12 reads both as one word, and warns */
}

static bool is_foreign(struct limit *l, uint64_t fact_kib)
{
	if (l->lost && fact_kib == l->fact_at_asking)
		return false; /* it may be as old as that */
	find_lost(l, fact_kib);
	if (fact_kib == l->got || (is_in_doubt(l) && is_result_of(fact_kib, l->asked))) {
		l->got = fact_kib;
		l->confirmed = true;
		l->loaded = false;
		return false;
	}
	/* The life that asked ended before libvirt did it; these facts are younger. */
	if (l->loaded && (is_result_of(fact_kib, l->before) || fact_kib == l->original)) {
		l->got = fact_kib;
		l->loaded = false;
		return false;
	}
	return l->loaded || l->confirmed || !is_late(l, fact_kib);
}

/* True: it was foreign. */
static bool cede_if_foreign(struct act *a, struct act_guest *g)
{
	if (!g->limit.ours || !g->has_fact || !is_foreign(&g->limit, g->fact_kib))
		return false;
	act_memory_cede(a, g, g->fact_kib);
	return true;
}

void act_adopt_soft_limit(struct act *a, const struct uuid *uuid, uint64_t kib,
			  uint64_t original_kib)
{
	struct act_guest *g = act_find(a, uuid);

	if (!g || g->pid <= 0 || a->look_only || kib == original_kib || g->limit.ours ||
	    g->limit.known || g->in_force.limit_ceded)
		return;
	g->limit = (struct limit){ .ours = true,
				   .known = true,
				   .confirmed = true,
				   .original = original_kib,
				   .before = kib,
				   .asked = kib,
				   .got = kib,
				   .fact_at_asking = kib };
	g->has_fact = true;
	g->fact_kib = kib;
	a->undo_stale = true;
	act_publish(a, g);
}

/* ---- plan -> request --------------------------------------------------- */

/* Usage changes all the time, and with it the target of a step that is never made. */
static void dry_run(struct act_guest *g, const struct memory_plan *wish)
{
	struct memory_plan *said = &g->limit.said;

	if (wish->wish == said->wish && wish->means == said->means)
		return;
	*said = *wish;
	if (wish->wish == WISH_SET && wish->means == MEMORY_SOFT_LIMIT &&
	    wish->target_kib != g->fact_kib && !g->in_force.limit_ceded)
		act_memory_say(g,
			       (struct log_event){ .level = LOG_LEVEL_NOTICE,
						   .id = LOG_MEMTUNE_CHANGED,
						   .action = "limit",
						   .dry_run = true },
			       g->fact_kib, wish->target_kib);
}

/* After a limit was lifted, facts may still show it for a while. */
static void note(struct act *a, struct act_guest *g, uint64_t wanted_kib)
{
	struct limit *l = &g->limit;

	if (!l->ours) {
		if (!l->known || (g->fact_kib != l->got && !is_late(l, g->fact_kib)))
			l->original = g->fact_kib;
		l->ours = l->fresh = l->known = true;
		l->gave_up = l->loaded = l->lost = l->lost_back = false;
		l->got = l->original;
		l->confirmed = g->fact_kib == l->original;
	}
	l->before = l->got;
	l->asked = wanted_kib;
	l->fact_at_asking = g->fact_kib; /* late already, whether or not it comes to asking */
	a->must_save = true;
}

static void prepare_limit(struct act *a, struct act_guest *g, const struct memory_plan *wish)
{
	struct limit *l = &g->limit;
	bool third;

	if (g->in_force.limit_ceded || g->in_force.limit_off)
		return;
	/* What may be in force is on file, and there is no room for a third value. */
	third = wish->target_kib != l->asked || (l->lost_back && l->before != l->original);
	if (l->lost && third) {
		act_memory_give_back(a, g, wish->why);
		return;
	}
	if (!l->lost && is_result_of(l->ours ? l->got : g->fact_kib, wish->target_kib))
		return;
	if (!l->lost && (!l->ours || l->asked != wish->target_kib))
		note(a, g, wish->target_kib);
	l->why = wish->why;
	l->todo = true;
}

void act_memory_prepare(struct act *a, struct act_guest *g, const struct guest_plan *plan)
{
	const struct memory_plan *wish = &plan->memory;
	struct limit *l = &g->limit;

	g->has_fact = true;
	g->fact_kib = plan->soft_limit_kib;
	l->asked_last = false;
	if (act_retry_is_due(&l->retry, a->now_ns))
		g->in_force.limit_off = l->gave_up = false;
	/* A limit that nobody watches must not stand. */
	if (wish->dry_run && l->ours && !a->look_only)
		act_memory_give_back(a, g, WHY_SWITCHED_OFF);
	if (wish->wish == WISH_HOLD || l->pending)
		return;
	if (wish->dry_run || a->look_only) {
		dry_run(g, wish);
		return;
	}
	l->said.wish = WISH_HOLD;
	if (cede_if_foreign(a, g))
		return;
	if (wish->wish == WISH_SET && wish->means == MEMORY_SOFT_LIMIT)
		prepare_limit(a, g, wish);
	else
		act_memory_give_back(a, g, wish->why);
}

void act_memory_abandon(struct act_guest *g)
{
	struct limit *l = &g->limit;

	if (!l->todo)
		return;
	l->ours &= !l->fresh;
	l->asked = l->got;
	l->todo = l->fresh = false;
}

static int ask(struct act *a, struct act_guest *g, uint64_t kib)
{
	struct limit *l = &g->limit;
	bool doubt = is_in_doubt(l);
	const struct limit_order order = {
		.kib = kib,
		.original_kib = l->original,
		.expected_kib = { doubt ? l->before : l->got, doubt ? l->asked : l->got },
	};
	int r = a->ops->set_soft_limit(a->ops->context, &g->uuid, &order);

	l->pending = r == 0;
	if (r == 0)
		l->fact_at_asking = g->fact_kib;
	return r;
}

void act_memory_execute(struct act *a, struct act_guest *g)
{
	struct limit *l = &g->limit;
	int r;

	if (!l->todo)
		return;
	l->todo = l->fresh = l->giving_back = false;
	r = ask(a, g, l->asked);
	if (r < 0 && !act_error_passes(r)) {
		act_memory_refused(a, g, r);
		l->ours = l->got != l->original || l->lost;
		a->undo_stale = true;
	}
}

/* ---- and back ---------------------------------------------------------- */

void act_memory_give_back(struct act *a, struct act_guest *g, enum why why)
{
	struct limit *l = &g->limit;
	int r;

	if (!act_memory_waiting(g) || l->pending || cede_if_foreign(a, g))
		return;
	l->why = why;
	if (l->got == l->original && !l->loaded && !l->lost) {
		l->ours = false; /* never done, or undone already */
		a->undo_stale = true;
		return;
	}
	r = ask(a, g, l->original);
	l->giving_back = r == 0;
	if (r < 0 && !act_error_passes(r)) {
		act_memory_refused(a, g, r);
		l->gave_up = true;
	}
}

void act_memory_last_chance(struct act_guest *g)
{
	struct limit *l = &g->limit;

	if (l->retry.at_ns && !l->asked_last)
		l->gave_up = false;
	l->asked_last = true;
}

static void given_back(struct act *a, struct act_guest *g, uint64_t found_kib)
{
	struct limit *l = &g->limit;

	if (l->lost)
		l->got = l->asked; /* it may have been done, and late facts show it */
	if (found_kib != l->original) {
		act_memory_cede(a, g, found_kib);
		return;
	}
	act_memory_say(g,
		       (struct log_event){
			       .level = LOG_LEVEL_NOTICE, .id = LOG_RESTORED, .action = "restore" },
		       l->got, l->original);
	l->ours = l->lost = l->lost_back = false;
	l->retry = (struct retry){ 0 };
	a->undo_stale = true;
}

/* The first of a squeeze is a change, those after it are details. */
static void limited(struct act *a, struct act_guest *g, uint64_t found_kib)
{
	struct limit *l = &g->limit;
	bool first = l->got == l->original;

	if (!is_result_of(found_kib, l->asked)) {
		act_memory_cede(a, g, found_kib);
		return;
	}
	act_memory_say(g,
		       (struct log_event){ .level = first ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG,
					   .id = LOG_MEMTUNE_CHANGED,
					   .action = "limit" },
		       l->got, found_kib);
	l->got = found_kib;
	l->confirmed = l->gave_up = l->loaded = l->lost = l->lost_back = false;
	l->retry = (struct retry){ 0 };
}

static void failed(struct act *a, struct act_guest *g, int error)
{
	struct limit *l = &g->limit;

	/* -ETIMEDOUT was never sent; of the rest only a lost link leaves it open, and then
	 * libvirt's facts are older than the question. */
	if (error == -ENOTCONN) {
		l->lost = true;
		l->lost_back = l->giving_back;
	}
	if (act_error_passes(error))
		return;
	act_memory_refused(a, g, error);
	l->gave_up = l->giving_back;
	if (!l->giving_back && l->got == l->original && !l->lost) {
		l->ours = l->known = false; /* if it was done after all, its mark will say so */
		a->undo_stale = true;
	}
}

void act_memory_reply(struct act *a, struct act_guest *g, const struct vm_reply *reply)
{
	struct limit *l = &g->limit;

	if (!l->pending)
		return; /* of a guest that has been restarted since */
	l->pending = false;
	if (reply->error < 0)
		failed(a, g, reply->error);
	else if (l->giving_back)
		given_back(a, g, reply->soft_limit_kib);
	else
		limited(a, g, reply->soft_limit_kib);
	l->giving_back = false;
}
