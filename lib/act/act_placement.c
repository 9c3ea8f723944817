/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where are the threads of a guest to run, and whose are the masks that they have now?
 *
 * All threads of a guest go to the same CPUs.  A thread whose mask is neither ours nor
 * what it came with was pinned by somebody else: the whole guest is ceded then, and what
 * still is as we made it is given back, for half a guest on one node and half on another
 * is the worst of placements.
 *
 * A thread inherits the mask of the one that creates it.  One that is born of a pinned
 * guest has our mask; its original is then that of the main thread, which all descend
 * from. */
#include <errno.h>

#include "act_private.h"

/* ---- whose mask is it -------------------------------------------------- */

enum finding {
	THREAD_FINE,  /* as wished, or none of our business */
	THREAD_KNOWN, /* ours, and to be changed */
	THREAD_NEW,   /* as it came */
	THREAD_BORN,  /* as it was born of a thread that we pinned */
	THREAD_FOREIGN,
};

struct look {
	const struct placement_plan *wish;
	bool pinned;    /* the guest, by us, before this plan */
	size_t changes; /* threads whose mask has to be written */
	bool foreign;
	struct pin example;   /* a thread that somebody else has pinned ... */
	struct cpumask found; /* ... to these */
};

static enum finding judge_known(struct act *a, const struct look *look, const struct placement *p,
				const struct pin *pin, const struct cpumask *found)
{
	if (!act_pin_may_be_ours(a, p, pin, found))
		return THREAD_FOREIGN;
	return pin->settled == p->current && cpumask_equal(&p->cpus, &look->wish->cell[0].cpus)
		       ? THREAD_FINE
		       : THREAD_KNOWN;
}

/* Nobody pins a thread by allowing it more; a CPU that was switched on does. */
static bool covers(struct act *a, const struct cpumask *found, const struct cpumask *mask)
{
	struct cpumask both = cpumask_and(found, mask);

	return act_shows(a, &both, mask);
}

/* Sense saw each thread's first mask; whatever it has no more was taken since.  But sense
 * may have started after us, and have seen ours first (a restart, an inherited mask):
 * then what we gave back is the original. */
static bool is_original(struct act *a, const struct look *look, const struct act_guest *g,
			const struct guest_thread *t, const struct pin *pin,
			const struct cpumask *found)
{
	const struct pin *first = act_pin_main(g);

	if (look->pinned ? act_shows(a, found, &t->first_allowed)
			 : covers(a, found, &t->first_allowed))
		return true;
	return g->placement.trust_present || (pin && act_shows(a, found, &pin->original)) ||
	       (first && act_shows(a, found, &first->original));
}

static enum finding judge(struct act *a, const struct look *look, const struct act_guest *g,
			  const struct guest_thread *t, const struct pin *pin,
			  const struct cpumask *found)
{
	if (pin && pin->unpinnable)
		return THREAD_FINE;
	if (pin && pin->ours)
		return judge_known(a, look, &g->placement, pin, found);
	if (look->pinned && act_mask_is_ours(a, g, found))
		return cpumask_equal(found, &look->wish->cell[0].cpus) ? THREAD_FINE : THREAD_BORN;
	return is_original(a, look, g, t, pin, found) ? THREAD_NEW : THREAD_FOREIGN;
}

/* libvirt pins by role and number: of the emulator it moves the main thread, and the
 * others through their cgroup. */
static bool is_addressable(const struct act_guest *g, const struct guest_thread *t,
			   enum placement_backend backend)
{
	return backend == PLACEMENT_AFFINITY || t->role != THREAD_EMULATOR || t->tid == g->pid;
}

/* The threads of a recorded host are none of this kernel's: what was read of them, and
 * what libvirt answered, is all that is known. */
static int mask_now(const struct act *a, const struct guest_thread *t, const struct pin *pin,
		    struct cpumask *ret)
{
	if (a->fs->is_live)
		return thread_get_cpus(t->tid, ret);
	*ret = pin && pin->ours ? pin->got : t->first_allowed;
	return 0;
}

static struct pin *pin_of(const struct placement *p, const struct guest_thread *t, size_t hint)
{
	struct pin *pin = act_pin_find(p, t->tid, hint);

	return pin && pin->start_ticks == t->start_ticks ? pin : NULL;
}

/* A thread that cannot be asked has gone, which is normal life. */
static enum finding find(struct act *a, const struct look *look, const struct act_guest *g,
			 const struct guest_thread *t, size_t hint, struct cpumask *ret_mask)
{
	const struct pin *pin = pin_of(&g->placement, t, hint);

	if (!is_addressable(g, t, look->wish->backend) || mask_now(a, t, pin, ret_mask) < 0)
		return THREAD_FINE;
	return judge(a, look, g, t, pin, ret_mask);
}

static void look_at(struct act *a, const struct act_guest *g, const struct guest_plan *plan,
		    struct look *look)
{
	*look = (struct look){ .wish = &plan->placement,
			       .pinned = act_pins_any_ours(&g->placement) };
	for (size_t i = 0; i < plan->nthreads; i++) {
		const struct guest_thread *t = &plan->threads[i];
		struct cpumask mask = { 0 };
		enum finding finding = find(a, look, g, t, i, &mask);

		if (finding == THREAD_FOREIGN) {
			look->foreign = true;
			look->example =
				(struct pin){ .tid = t->tid, .role = t->role, .number = t->number };
			look->found = mask;
		} else if (finding == THREAD_KNOWN) {
			look->changes++;
		} else if (finding != THREAD_FINE) {
			look->changes += !cpumask_equal(&mask, &look->wish->cell[0].cpus);
		}
	}
}

void act_placement_cede(struct act *a, struct act_guest *g, const struct pin *foreign,
			const struct cpumask *found)
{
	static const char *const role[UNDO_ROLES] = {
		[THREAD_EMULATOR] = "emulator", [THREAD_VCPU] = "vCPU", [THREAD_IOTHREAD] = "I/O"
	};
	char from[KT_CPULIST_MAX], to[KT_CPULIST_MAX];

	g->in_force.pin_ceded = true;
	a->undo_stale = true;
	cpumask_str(&g->placement.cpus, from, sizeof from);
	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_WARNING,
				      .id = LOG_CEDED,
				      .actuator = "placement",
				      .action = "cede",
				      .reason = why_str(WHY_CEDED),
				      .from = from[0] ? from : NULL,
				      .to = cpumask_str(found, to, sizeof to) },
		  "somebody else pinned %s thread %u (tid %d) to CPUs %.100s (virsh, taskset, "
		  "another tuner?); kvmtuned leaves this guest's placement alone until it is "
		  "reloaded",
		  role[foreign->role], foreign->number, foreign->tid, to);
}

/* ---- notes of what is to be written ------------------------------------ */

/* Threads that need no change are noted too while a guest is being pinned: later, a mask
 * equal to ours would be taken for an inherited one. */
static int note_thread(struct act *a, const struct look *look, struct act_guest *g,
		       const struct guest_thread *t, size_t hint)
{
	const struct pin *first = act_pin_main(g);
	struct cpumask mask = { 0 }, original;
	enum finding finding = find(a, look, g, t, hint, &mask);
	struct pin *pin;

	if (finding != THREAD_NEW && finding != THREAD_BORN)
		return 0;
	original = finding == THREAD_BORN && first ? first->original : mask;
	pin = act_pin_find(&g->placement, t->tid, hint);
	if (!pin)
		pin = act_pin_add(&g->placement); /* moves the table, and `first` with it */
	if (!pin)
		return -ENOMEM;
	*pin = (struct pin){ .tid = t->tid,
			     .start_ticks = t->start_ticks,
			     .role = t->role,
			     .number = t->number,
			     .ours = true,
			     .fresh = true,
			     .original = original,
			     .got = mask };
	return 1;
}

/* What the undo file says goes back by one wish only.  So a guest whose last one is not
 * yet done everywhere (libvirt was not there, or did not say) is not wished elsewhere. */
static bool is_done(const struct placement *p)
{
	for (size_t i = 0; i < p->npins; i++)
		if (p->pin[i].ours && !p->pin[i].fresh && p->pin[i].settled != p->current)
			return false;
	return true;
}

static bool take_wish(struct placement *p, const struct look *look)
{
	bool changed = !look->pinned ||
		       (!cpumask_equal(&p->cpus, &look->wish->cell[0].cpus) && is_done(p));

	p->nodes_before = p->nodes;
	p->current_before = p->current;
	if (changed) {
		p->before = look->pinned ? p->cpus : (struct cpumask){ 0 };
		p->cpus = look->wish->cell[0].cpus;
		p->current = ++p->newest;
		p->backend = look->wish->backend;
		p->nodes = look->wish->nodes;
	}
	p->why = look->wish->why;
	for (size_t i = 0; i < p->npins; i++)
		if (p->pin[i].fresh && cpumask_equal(&p->pin[i].got, &p->cpus))
			p->pin[i].settled = p->current;
	return changed;
}

static void note(struct act *a, struct act_guest *g, const struct guest_plan *plan,
		 const struct look *look)
{
	bool noted = false;

	act_pins_drop_dead(a, g, plan);
	for (size_t i = 0; i < plan->nthreads; i++) {
		int r = note_thread(a, look, g, &plan->threads[i], i);

		if (r < 0) /* what cannot be remembered is not changed */
			log_debug("no memory for the threads of a guest");
		noted |= r > 0;
	}
	a->must_save |= take_wish(&g->placement, look) || noted;
	g->placement.todo = true;
}

void act_placement_abandon(struct act_guest *g)
{
	struct placement *p = &g->placement;

	if (!p->todo)
		return;
	if (p->current != p->current_before) {
		p->cpus = p->before;
		p->current = p->current_before;
		p->nodes = p->nodes_before;
	}
	for (size_t i = 0; i < p->npins; i++) {
		p->pin[i].ours &= !p->pin[i].fresh;
		p->pin[i].fresh = false;
	}
	p->todo = false;
}

/* ---- plan -> notes ----------------------------------------------------- */

static bool same_wish(const struct placement_plan *a, const struct placement_plan *b)
{
	return a->wish == b->wish && a->backend == b->backend &&
	       cpumask_equal(&a->cell[0].cpus, &b->cell[0].cpus);
}

/* Once per wish, however often it comes. */
static void dry_run(struct act *a, struct act_guest *g, const struct guest_plan *plan)
{
	const struct placement_plan *wish = &plan->placement;
	char to[KT_CPULIST_MAX];
	struct look look;

	if (same_wish(wish, &g->placement.said))
		return;
	g->placement.said = *wish;
	if (wish->wish != WISH_SET || g->in_force.pin_ceded)
		return;
	look_at(a, g, plan, &look);
	if (look.changes == 0 || look.foreign)
		return;
	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_NOTICE,
				      .id = LOG_PIN_CHANGED,
				      .actuator = "placement",
				      .action = "pin",
				      .reason = reason_str(wish->why),
				      .to = cpumask_str(&wish->cell[0].cpus, to, sizeof to),
				      .dry_run = true },
		  "%zu threads would be pinned to node %d, CPUs %.100s: %s", look.changes,
		  (int)nodemask_first(wish->nodes), to, why_sentence(wish->why));
}

static bool can_be_set(const struct act *a, const struct act_guest *g,
		       const struct placement_plan *wish)
{
	if (!wish->nodes || cpumask_empty(&wish->cell[0].cpus))
		return false;
	if (wish->backend == PLACEMENT_AFFINITY && (a->affinity_off || !a->fs->is_live))
		return false;
	return !act_pins_any_pending(&g->placement);
}

void act_placement_prepare(struct act *a, struct act_guest *g, const struct guest_plan *plan)
{
	const struct placement_plan *wish = &plan->placement;
	struct placement *p = &g->placement;
	struct look look;

	if (wish->wish == WISH_HOLD)
		return;
	if (wish->dry_run || a->look_only) {
		dry_run(a, g, plan);
		return;
	}
	p->said.wish = WISH_HOLD;
	if (wish->wish == WISH_RELEASE || g->in_force.pin_ceded || p->off ||
	    (act_pins_any_ours(p) && p->backend != wish->backend)) {
		act_placement_give_back(a, g, wish->why);
		return;
	}
	if (!can_be_set(a, g, wish))
		return;
	look_at(a, g, plan, &look);
	if (look.foreign) {
		act_placement_cede(a, g, &look.example, &look.found);
		act_placement_give_back(a, g, WHY_CEDED);
	} else if (look.changes > 0) {
		note(a, g, plan, &look);
	}
}
