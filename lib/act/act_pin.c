/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are the threads of a guest pinned: by the kernel at once, or by libvirt sometime? */
#include <errno.h>
#include <string.h>

#include "act_private.h"

bool act_error_passes(int error)
{
	return error == -EAGAIN || error == -ENOTCONN || error == -ETIMEDOUT || error == -EBUSY;
}

static void say_pinned(const struct act_guest *g, size_t nthreads, const struct cpumask *was)
{
	const struct placement *p = &g->placement;
	char from[KT_CPULIST_MAX], to[KT_CPULIST_MAX];

	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_NOTICE,
				      .id = LOG_PIN_CHANGED,
				      .actuator = "placement",
				      .action = "pin",
				      .reason = reason_str(p->why),
				      .from = cpumask_str(was, from, sizeof from),
				      .to = cpumask_str(&p->cpus, to, sizeof to) },
		  "%zu threads pinned to node %d, CPUs %.100s (were on %.100s): %s", nthreads,
		  p->home_node, to, from, why_sentence(p->why));
}

static const char *hint(int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return "check that CapabilityBoundingSet= of the unit has CAP_SYS_NICE, and that "
		       "libvirt's "
		       "polkit rules let it in";
	case -EINVAL:
		return "its cpuset has none of these CPUs: who confines it?";
	case -ENOTSUP:
		return "this libvirt or this guest cannot do it; backend = affinity can";
	default:
		return "reload kvmtuned to have it try again";
	}
}

void act_placement_refused(struct act *a, struct act_guest *g, const struct pin *pin, int error)
{
	/* What the kernel does not let us do to one guest it lets us do to none. */
	bool all =
		g->placement.backend == PLACEMENT_AFFINITY && (error == -EPERM || error == -EACCES);
	char to[KT_CPULIST_MAX];

	if (g->placement.off || a->affinity_off)
		return;
	a->affinity_off |= all;
	g->placement.off = true;
	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_ERR,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "placement",
				      .action = "refuse",
				      .reason = why_str(WHY_ACTUATOR_OFF),
				      .to = cpumask_str(&g->placement.cpus, to, sizeof to),
				      .error = -error },
		  "%s thread %u (tid %d) could not be pinned to CPUs %.100s: %s (%s); placement of "
		  "%s is off",
		  undo_role_word[pin->role], pin->number, pin->tid, to, strerror(-error),
		  hint(error), all ? "all guests" : "this guest");
}

/* ---- backend affinity ------------------------------------------------------------------ */

/* What is read back is ours if it is what was asked for, less what the cpuset has not.
 * Anything else came in between: as the next look finds it unlike `got`, it is ceded. */
static int pin_thread(const struct act *a, const struct act_guest *g, struct pin *pin)
{
	const struct placement *p = &g->placement;
	struct cpumask found, outside;
	int r;

	r = thread_check(a->fs, g->pid, pin->tid, pin->start_ticks, &pin->unpinnable);
	if (r < 0 || pin->unpinnable)
		return r;
	r = thread_set_cpus(pin->tid, &p->cpus);
	if (r == 0)
		r = thread_get_cpus(pin->tid, &found);
	if (r < 0)
		return r;
	outside = cpumask_andnot(&found, &p->cpus);
	pin->got = cpumask_empty(&outside) ? found : p->cpus;
	pin->settled = p->current;
	pin->fresh = pin->gave_up = false;
	return 1;
}

static void execute_affinity(struct act *a, struct act_guest *g)
{
	struct placement *p = &g->placement;
	struct cpumask was = { 0 };
	size_t written = 0;
	int r = 0;

	for (size_t i = 0; i < p->npins && r >= 0; i++) {
		struct pin *pin = &p->pin[i];
		struct cpumask before = pin->got;

		if (!pin->ours || pin->settled == p->current)
			continue;
		r = pin_thread(a, g, pin);
		if (r > 0 && written++ == 0)
			was = before;
		if (r < 0 && r != -ESRCH)
			act_placement_refused(a, g, pin, r);
		if (r <= 0) {
			pin->ours = pin->fresh = false;
			a->undo_stale = true;
		}
		if (r == -ESRCH)
			r = 0; /* threads come and go */
	}
	if (written > 0) {
		g->in_force.pin_changed_ns = a->now_ns;
		say_pinned(g, written, &was);
	}
	/* Half a guest here and half there is worse than either. */
	if (r < 0)
		act_placement_give_back(a, g, WHY_ACTUATOR_OFF);
}

/* ---- backend libvirt ------------------------------------------------------------------- */

static void execute_libvirt(struct act *a, struct act_guest *g)
{
	struct placement *p = &g->placement;

	for (size_t i = 0; i < p->npins; i++) {
		struct pin *pin = &p->pin[i];
		int r;

		if (!pin->ours || pin->settled == p->current)
			continue;
		r = a->ops->pin(a->ops->context, &g->uuid, pin->role, pin->number, &p->cpus);
		pin->pending = r == 0;
		pin->fresh = false;
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
	p->todo = p->trust_present = p->giving_back = false;
	if (p->backend == PLACEMENT_AFFINITY)
		execute_affinity(a, g);
	else
		execute_libvirt(a, g);
	for (size_t i = 0; i < p->npins; i++)
		p->pin[i].fresh = false;
}

static struct pin *find_pending(struct placement *p, const struct vm_reply *reply)
{
	for (size_t i = 0; i < p->npins; i++)
		if (p->pin[i].pending && p->pin[i].role == reply->role &&
		    p->pin[i].number == reply->number)
			return &p->pin[i];
	return NULL;
}

static size_t count_settled(const struct placement *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->npins; i++)
		n += p->pin[i].ours && p->pin[i].settled == p->current;
	return n;
}

static void pinned(const struct act *a, struct act_guest *g, struct pin *pin,
		   const struct cpumask *found)
{
	struct placement *p = &g->placement;
	struct cpumask outside = cpumask_andnot(found, &p->cpus), was = pin->got;

	pin->got = cpumask_empty(&outside) && !cpumask_empty(found) ? *found : p->cpus;
	pin->settled = p->current;
	pin->gave_up = false;
	g->in_force.pin_changed_ns = a->now_ns;
	if (!act_pins_any_pending(p))
		say_pinned(g, count_settled(p), &was);
}

void act_placement_reply(struct act *a, struct act_guest *g, const struct vm_reply *reply)
{
	struct pin *pin = find_pending(&g->placement, reply);

	if (!pin)
		return; /* of a guest that has been restarted since */
	pin->pending = false;
	if (reply->error == 0 && pin->giving_back) {
		pin->ours = false;
		g->placement.given_back++;
	} else if (reply->error == 0) {
		pinned(a, g, pin, &reply->cpus);
	} else if (!act_error_passes(reply->error)) {
		act_placement_refused(a, g, pin, reply->error);
		pin->gave_up = pin->giving_back;
		/* Refused, so what was there before is there still. */
		pin->ours = !cpumask_equal(&pin->got, &pin->original);
	}
	a->undo_stale |= !pin->ours;
	pin->giving_back = false;
	act_placement_gave_back(a, g);
}
