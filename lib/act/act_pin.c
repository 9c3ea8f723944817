/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are the threads of a guest pinned: by the kernel at once, or by libvirt sometime? */
#include <errno.h>
#include <string.h>

#include "act_private.h"

/* All that was written since this was last said. */
static void say_pinned(struct act_guest *g)
{
	struct placement *p = &g->placement;
	struct cpumask asked = act_pins_asked(p);
	char from[KT_CPULIST_MAX], to[KT_CPULIST_MAX], home[KT_HOME_MAX];

	if (p->written == 0)
		return;
	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_NOTICE,
				      .id = LOG_PIN_CHANGED,
				      .actuator = "placement",
				      .action = "pin",
				      .reason = reason_str(p->why),
				      .from = cpumask_str(&p->was, from, sizeof from),
				      .to = cpumask_str(&asked, to, sizeof to) },
		  "%zu threads pinned to %.200s, CPUs %.100s (were on %.100s): %s", p->written,
		  act_home_words(&p->home, home, sizeof home), to, from, why_sentence(p->why));
	p->written = 0;
}

static const char *hint(int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return "check that CapabilityBoundingSet= of the unit has CAP_SYS_NICE, that its "
		       "SystemCallFilter= lets sched_setaffinity through, and libvirt's polkit "
		       "rules";
	case -EINVAL:
		return "its cpuset has none of these CPUs: who confines it?";
	case -ENOTSUP:
		return "this libvirt or this guest cannot do it; backend = affinity can";
	default:
		return "libvirt's words are in the debug log";
	}
}

void act_placement_refused(struct act *a, struct act_guest *g, const struct pin *pin, int error)
{
	/* What the kernel does not let us do to one guest it lets us do to none. */
	bool all =
		g->placement.backend == PLACEMENT_AFFINITY && (error == -EPERM || error == -EACCES);
	struct placement *p = &g->placement;
	char to[KT_CPULIST_MAX], time[RETRY_TEXT_MAX], path[64];

	if (act_error_is_ours(error)) {
		(void)snprintf(path, sizeof path, "proc/%d/task/%d", g->pid, pin->tid); /* fits */
		act_say_ours(a, path, error);
		p->postponed = true;
		return;
	}
	if (p->off || a->affinity_off)
		return;
	a->affinity_off |= all;
	p->off = true;
	p->settled = 0;
	if (!act_error_is_final(error))
		act_retry_later(&p->retry, a->now_ns);
	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_ERR,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "placement",
				      .action = "refuse",
				      .reason = why_str(WHY_ACTUATOR_OFF),
				      .to = cpumask_str(&pin->asked, to, sizeof to),
				      .error = -error },
		  "%s thread %u (tid %d) could not be pinned to CPUs %.100s: %s (%s); placement of "
		  "%s is off%s",
		  undo_role_word[pin->role], pin->number, pin->tid, to, strerror(-error),
		  hint(error), all ? "all guests" : "this guest", act_retry_str(&p->retry, time));
}

/* What is read back is ours if it is what was asked for, less what the cpuset has not.
 * Anything else came in between: as the next look finds it unlike `got`, it is ceded. */
static void note_result(struct placement *p, struct pin *pin, const struct cpumask *found)
{
	struct cpumask outside = cpumask_andnot(found, &pin->asked);

	if (p->written++ == 0)
		p->was = pin->got;
	pin->got = cpumask_empty(&outside) && !cpumask_empty(found) ? *found : pin->asked;
	pin->done = true;
	pin->lost = pin->lost_back = pin->gave_up = pin->was_orphan = false;
}

/* ---- backend affinity -------------------------------------------------- */

/* Since it was looked at; of one that could not be, this is the first look.  Nor is a mask
 * written over of which nobody can tell. */
static bool is_somebody_elses(struct act *a, const struct pin *pin, const struct cpumask *found)
{
	if (act_shows(a, found, &pin->original))
		return false;
	if (act_pin_may_be_ours(a, pin, found))
		return act_pin_hides_more(a, pin, found) != 0;
	return !act_pin_was_reset(a, pin, found);
}

/* 1: pinned, or for the next plan to look at; 0: nobody can; -ESRCH: it has gone; -errno. */
static int pin_thread(struct act *a, struct act_guest *g, struct pin *pin)
{
	struct cpumask found;
	int r;

	r = thread_check(a->fs, g->pid, pin->tid, pin->start_ticks, &pin->unpinnable);
	if (r < 0 || pin->unpinnable)
		return r;
	r = thread_get_cpus(pin->tid, &found);
	if (r == 0 && is_somebody_elses(a, pin, &found))
		return 1;
	if (r == 0)
		r = thread_set_cpus(pin->tid, &pin->asked);
	if (r == 0)
		r = thread_get_cpus(pin->tid, &found);
	if (r < 0)
		return r;
	note_result(&g->placement, pin, &found);
	return 1;
}

/* False: the kernel refuses, and will refuse the other threads too. */
static bool pin_one(struct act *a, struct act_guest *g, struct pin *pin)
{
	int r = pin_thread(a, g, pin);

	if (r > 0)
		return true;
	a->undo_stale = true;
	if (r == -ESRCH) {
		pin->done = pin->gone = true; /* threads come and go */
		return true;
	}
	if (r == 0) {
		pin->ours = false;
		pin->asked = (struct cpumask){ 0 };
		return true;
	}
	/* It may have been done all the same: giving it back finds out. */
	act_placement_refused(a, g, pin, r);
	return act_error_is_ours(r); /* the next plan tries this thread again */
}

static void execute_affinity(struct act *a, struct act_guest *g)
{
	struct placement *p = &g->placement;
	bool refused = false;

	for (size_t i = 0; i < p->npins && !refused; i++)
		if (p->pin[i].ours && !p->pin[i].done)
			refused = !pin_one(a, g, &p->pin[i]);
	if (p->written > 0)
		g->in_force.pin_changed_ns = a->now_ns;
	say_pinned(g);
	/* Half a guest here and half there is worse than either. */
	if (refused)
		act_placement_give_back(a, g, WHY_ACTUATOR_OFF);
	else if (act_pins_are_done(p))
		p->retry = (struct retry){ 0 };
}

/* ---- backend libvirt --------------------------------------------------- */

int act_pin_by_libvirt(struct act *a, const struct act_guest *g, const struct pin *pin,
		       const struct cpumask *cpus)
{
	struct pin_order order = {
		.role = pin->role, .number = pin->number, .cpus = *cpus, .tid = pin->tid
	};
	int r = a->fs->is_live ? thread_get_cpus(pin->tid, &order.seen) : 0;

	/* Who cannot be looked at now could be somebody else's by the time it is done. */
	if (r < 0)
		return r == -ESRCH ? -EAGAIN : r;
	if (a->fs->is_live && is_somebody_elses(a, pin, &order.seen))
		return -EAGAIN;
	return a->ops->pin(a->ops->context, &g->uuid, &order);
}

static void execute_libvirt(struct act *a, struct act_guest *g)
{
	struct placement *p = &g->placement;

	for (size_t i = 0; i < p->npins; i++) {
		struct pin *pin = &p->pin[i];
		int r;

		if (!pin->ours || pin->done)
			continue;
		r = act_pin_by_libvirt(a, g, pin, &pin->asked);
		pin->pending = r == 0;
		if (r == 0)
			continue;
		if (!act_error_passes(r))
			act_placement_refused(a, g, pin, r);
		break; /* the next plan asks for the rest */
	}
}

void act_placement_execute(struct act *a, struct act_guest *g)
{
	struct placement *p = &g->placement;

	if (!p->todo)
		return;
	undo_text_changes(g);
	act_pins_forget_kept(p);
	p->todo = p->trust_present = p->giving_back = p->postponed = false;
	if (p->backend == PLACEMENT_AFFINITY)
		execute_affinity(a, g);
	else
		execute_libvirt(a, g);
}

static struct pin *find_pending(struct placement *p, const struct vm_reply *reply)
{
	for (size_t i = 0; i < p->npins; i++)
		if (p->pin[i].pending && p->pin[i].role == reply->role &&
		    p->pin[i].number == reply->number)
			return &p->pin[i];
	return NULL;
}

/* libvirt may have done it and failed later: the mask will tell. */
static void failed(struct act *a, struct act_guest *g, struct pin *pin, int error)
{
	bool unpinnable;

	pin->lost_back = pin->giving_back;
	if (act_error_passes(error))
		return;
	if (thread_check(a->fs, g->pid, pin->tid, pin->start_ticks, &unpinnable) == -ESRCH) {
		pin->done = pin->gone = true; /* threads come and go */
		pin->back = pin->giving_back;
		return;
	}
	act_placement_refused(a, g, pin, error);
	pin->gave_up = pin->giving_back && !act_error_is_ours(error);
}

void act_placement_reply(struct act *a, struct act_guest *g, const struct vm_reply *reply)
{
	struct pin *pin = find_pending(&g->placement, reply);

	if (!pin)
		return; /* of a guest that has been restarted since */
	undo_text_changes(g);
	pin->pending = false;
	if (reply->error == 0 && pin->giving_back) {
		pin->back = true;
		g->placement.given_back++;
	} else if (reply->error == 0) {
		note_result(&g->placement, pin, &reply->cpus);
		g->in_force.pin_changed_ns = a->now_ns;
	} else {
		failed(a, g, pin, reply->error);
	}
	pin->giving_back = false;
	if (!act_pins_any_pending(&g->placement)) {
		say_pinned(g);
		if (!g->placement.off && act_pins_are_done(&g->placement))
			g->placement.retry = (struct retry){ 0 };
	}
	act_placement_gave_back(a, g);
}
