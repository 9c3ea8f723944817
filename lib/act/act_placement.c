/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where are the threads of a guest to run?
 *
 * The vCPUs of a cell go to its CPUs, all other threads to those of the helpers.  A thread whose
 * mask is neither ours nor what it came with was pinned by somebody else: the whole guest is ceded
 * then, and what still is as we made it is given back, for half a guest on one node and half on
 * another is the worst of placements.
 *
 * A thread inherits the mask of the one that creates it.  One that is born of a pinned
 * guest has our mask; its original is then that of the one who may have borne it. */
#include <errno.h>
#include <string.h>

#include "act_private.h"

/* ---- notes of what is to be written ------------------------------------ */

/* `got` is what it has, so that it stays ours until it has been written again. */
static void note_known(struct act *a, struct pin *pin, const struct guest_thread *t,
		       const struct cpumask *found)
{
	/* By the name that it had when it was born, perhaps. */
	pin->role = t->role;
	pin->number = t->number;
	if (act_pin_may_be_ours(a, pin, found))
		return;
	pin->got = *found;
	pin->before = pin->asked;
	pin->lost = true;
	pin->done = false;
}

/* Of a thread as it came, or born of one that we pinned. */
static int originals_of(struct act *a, const struct act_guest *g, enum finding finding,
			const struct cpumask *found, struct pin *pin)
{
	const struct pin *mother = finding == THREAD_BORN ? act_pin_of_mother(a, g, found) : NULL;
	int r = 0;

	if (mother)
		pin->original = mother->original;
	else
		r = act_with_hidden_cpus(a, found, &pin->original);
	pin->got = pin->original;
	if (finding == THREAD_BORN)
		pin->before = pin->got = *act_mask_of_ours(a, g, found, &pin->asked);
	return r;
}

/* Threads that need no change are noted too while a guest is being pinned: later, a mask
 * equal to ours would be taken for an inherited one. */
static int note_thread(struct act *a, const struct look *look, struct act_guest *g,
		       const struct guest_thread *t, size_t hint)
{
	struct seen seen = { 0 };
	enum finding finding = act_find_thread(a, look, g, t, hint, &seen);
	struct pin *pin = act_pin_find(&g->placement, t->tid, hint);
	struct pin new = { .tid = t->tid,
			   .start_ticks = t->start_ticks,
			   .role = t->role,
			   .number = t->number,
			   .ours = true,
			   .asked = seen.wanted };
	int r;

	if (finding == THREAD_KNOWN)
		note_known(a, pin, t, &seen.mask);
	if (finding == THREAD_UNREAD && (!pin || pin->start_ticks != t->start_ticks))
		return -EAGAIN;
	if (finding != THREAD_NEW && finding != THREAD_BORN)
		return 0;
	r = originals_of(a, g, finding, &seen.mask, &new);
	if (r < 0)
		return r;
	if (!pin)
		pin = act_pin_add(&g->placement);
	if (!pin)
		return -ENOMEM;
	new.done = cpumask_equal(&new.got, &new.asked);
	*pin = new;
	return 1;
}

/* Pins that there were, other CPUs than they were asked for. */
static bool wishes_elsewhere(const struct placement *p, const struct placement_plan *wish)
{
	for (size_t i = 0; i < p->npins; i++) {
		const struct pin *pin = &p->pin[i];
		struct cpumask wanted = act_wished_cpus(wish, pin->role, pin->number);

		if (pin->ours && !cpumask_equal(&pin->asked, &wanted))
			return true;
	}
	return false;
}

/* False: it is the one that is in force. */
static bool take_wish(struct placement *p, const struct look *look)
{
	struct home home = act_home_of(look->wish);
	bool changed = !look->pinned || !act_home_equal(&p->home, &home);

	p->home = home;
	p->backend = look->wish->backend;
	for (size_t i = 0; i < p->npins; i++) {
		struct pin *pin = &p->pin[i];
		struct cpumask wanted = act_wished_cpus(look->wish, pin->role, pin->number);

		if (!pin->ours || cpumask_equal(&pin->asked, &wanted))
			continue;
		pin->before = pin->asked;
		pin->asked = wanted;
		pin->done = false;
		changed = true;
	}
	return changed;
}

/* What the undo file says of a thread goes back by one wish only.  So a guest whose last one
 * is not yet done everywhere (libvirt was not there, or did not say), or of which a thread cannot
 * be read that may have been born under it, does not go elsewhere. */
static void note(struct act *a, struct act_guest *g, const struct guest_plan *plan,
		 const struct look *look)
{
	struct placement *p = &g->placement;
	bool noted = false, forgot = false;

	if (!act_pins_keep(p))
		return;
	undo_text_changes(g);
	p->todo = true;
	p->why = look->wish->why;
	if (!act_pins_are_done(p) && wishes_elsewhere(p, look->wish))
		return;
	act_pins_expect(p, plan->nthreads);
	for (size_t i = 0; i < plan->nthreads; i++) {
		int r = note_thread(a, look, g, &plan->threads[i], i);

		if (r < 0) /* what cannot be remembered is not changed */
			log_debug("a thread cannot be remembered: %s", strerror(-r));
		noted |= r > 0;
		forgot |= r < 0;
	}
	if (forgot && look->pinned && wishes_elsewhere(p, look->wish)) {
		act_placement_abandon(g); /* as of one that could not be looked at */
		return;
	}
	if (!forgot) /* by now those who were born of them are known themselves */
		act_pins_drop_dead(a, g, plan);
	a->must_save |= take_wish(p, look) || noted;
}

void act_placement_abandon(struct act_guest *g)
{
	if (!g->placement.todo)
		return;
	undo_text_changes(g);
	act_pins_put_back(&g->placement);
	g->placement.todo = false;
}

/* ---- plan -> notes ----------------------------------------------------- */

/* Without memory to remember it all is. */
static bool is_news(struct placement *p, const struct placement_plan *wish)
{
	if (!p->said)
		p->said = calloc(1, sizeof *p->said); /* WISH_HOLD, which nobody tells of */
	if (p->said && act_wish_equal(wish, p->said))
		return false;
	if (p->said)
		*p->said = *wish;
	return true;
}

static void unsay(struct placement *p)
{
	free(p->said);
	p->said = NULL;
}

void act_placement_free(struct placement *p)
{
	unsay(p);
	act_pins_forget_kept(p);
	free(p->pin);
	*p = (struct placement){ 0 };
}

/* Once per wish, however often it comes. */
static void dry_run(struct act *a, struct act_guest *g, const struct guest_plan *plan)
{
	const struct placement_plan *wish = &plan->placement;
	char to[KT_CPULIST_MAX], where[KT_HOME_MAX];
	struct cpumask cpus;
	struct home home;
	struct look look;

	if (!is_news(&g->placement, wish))
		return;
	if (wish->wish != WISH_SET || !act_wish_is_complete(wish) || g->in_force.pin_ceded)
		return;
	act_look(a, g, plan, &look);
	if (look.changes == 0 || look.foreign)
		return;
	home = act_home_of(wish);
	cpus = act_wished_in_all(wish);
	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_NOTICE,
				      .id = LOG_PIN_CHANGED,
				      .actuator = "placement",
				      .action = "pin",
				      .reason = reason_str(wish->why),
				      .to = cpumask_str(&cpus, to, sizeof to),
				      .dry_run = true },
		  "%zu threads would be pinned to %.200s, CPUs %.100s: %s", look.changes,
		  act_home_words(&home, where, sizeof where), to, why_sentence(wish->why));
}

/* One way back ends before the next way out begins: by then a thread may be another's own, and who
 * was born of it before would be taken for born since. */
static bool is_all_back(struct act *a, struct act_guest *g)
{
	if (act_pins_go_back(&g->placement))
		act_placement_give_back(a, g, g->placement.why);
	return !act_pins_go_back(&g->placement);
}

static bool can_pin(struct act *a, const struct act_guest *g, enum placement_backend backend)
{
	if (backend == PLACEMENT_AFFINITY && (a->affinity_off || !a->fs->is_live))
		return false;
	(void)act_online(a);
	return !a->online_unread && !act_pins_any_pending(&g->placement);
}

/* A pin whose original was refused is still to go back, unless it is wished again. */
void act_placement_forgive(struct placement *p)
{
	bool refused = false;

	p->off = false;
	p->settled = 0;
	for (size_t i = 0; i < p->npins; i++) {
		refused |= p->pin[i].ours && p->pin[i].gave_up;
		p->pin[i].gave_up = false;
	}
	if (refused && !p->giving_back)
		p->given_back = 0;
	p->giving_back |= refused;
}

void act_placement_try_again(const struct act *a, struct placement *p)
{
	if (act_retry_is_due(&p->retry, a->now_ns))
		act_placement_forgive(p);
}

/* What there was neither memory nor a descriptor for. */
static void go_on(struct act *a, struct act_guest *g)
{
	g->placement.todo = can_pin(a, g, g->placement.backend) && act_pins_keep(&g->placement);
}

/* A plan that asks for nothing does not ask for half a guest either: what is going back, or has
 * to, goes on doing so, and what was begun is ended; but nothing is done while the guest is
 * migrated or saved. */
static void hold(struct act *a, struct act_guest *g, enum why why)
{
	struct placement *p = &g->placement;

	if (a->look_only || why == WHY_GUEST_BUSY)
		return;
	if (p->off)
		act_placement_give_back(a, g, WHY_ACTUATOR_OFF);
	else if (g->in_force.pin_ceded)
		act_placement_give_back(a, g, WHY_CEDED);
	else if (p->giving_back)
		act_placement_give_back(a, g, p->why);
	else if (p->postponed && !act_pins_go_back(&g->placement))
		go_on(a, g);
}

/* Nothing to do, unless somebody else has pinned it: that is looked for when it is looked at. */
static bool is_in_force(const struct act *a, const struct placement *p,
			const struct placement_plan *wish)
{
	struct home home = act_home_of(wish);

	return act_pins_any_ours(p) && act_pins_are_done(p) && act_home_equal(&p->home, &home) &&
	       !wishes_elsewhere(p, wish) && a->now_ns >= a->online_settles_ns;
}

/* Nor is there where the last look has found so, and nothing has happened since. */
static bool is_settled(const struct act *a, const struct placement *p,
		       const struct placement_plan *wish)
{
	return p->settled && p->settled == wish->version && !wish->dry_run && !a->look_only &&
	       a->now_ns >= a->online_settles_ns;
}

void act_placement_prepare(struct act *a, struct act_guest *g, const struct guest_plan *plan)
{
	const struct placement_plan *wish = &plan->placement;
	struct placement *p = &g->placement;
	struct look look;
	struct home home;

	act_placement_trust(a, g, plan);
	if (plan->unseen && is_settled(a, p, wish))
		return;
	act_placement_try_again(a, p);
	p->asked_last = false;
	if (wish->wish == WISH_HOLD) {
		hold(a, g, wish->why);
		return;
	}
	if (wish->dry_run || a->look_only) {
		dry_run(a, g, plan);
		return;
	}
	unsay(p);
	if (wish->wish == WISH_RELEASE || g->in_force.pin_ceded || p->off ||
	    (act_pins_any_ours(p) && p->backend != wish->backend)) {
		act_placement_give_back(a, g, wish->why);
		return;
	}
	if (!is_all_back(a, g) || g->in_force.pin_ceded || p->off || !act_wish_is_complete(wish) ||
	    !can_pin(a, g, wish->backend))
		return;
	p->giving_back = false;
	if (plan->unseen && is_in_force(a, p, wish)) {
		p->settled = wish->version;
		return;
	}
	act_look(a, g, plan, &look);
	if (look.foreign) {
		act_placement_cede(a, g, &look.example, &look.found);
		act_placement_give_back(a, g, WHY_CEDED);
		return;
	}
	home = act_home_of(wish);
	/* A home may change where no CPU does: by a node that has none. */
	if (look.changes > 0 || (look.pinned && !act_home_equal(&p->home, &home)))
		note(a, g, plan, &look);
}
