/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose are the masks that the threads of a guest have now?
 *
 * That of a thread that we do not know may be its own, or that of any thread of the guest:
 * a vCPU's, a helper's, and what they had until a moment ago. */
#include <errno.h>
#include <string.h>

#include "act_private.h"

/* Nobody pins a thread by allowing it more; a CPU that was switched on does. */
static bool covers(struct act *a, const struct cpumask *found, const struct cpumask *mask)
{
	struct cpumask both = cpumask_and(found, mask);

	return act_shows(a, &both, mask);
}

/* Before 6.2 Linux gives every thread all of its cpuset whenever a CPU goes off-line or comes
 * back.  Nobody pins a thread by that, and no administrator is ceded to for it. */
bool act_pin_was_reset(struct act *a, const struct pin *pin, const struct cpumask *found)
{
	struct cpumask every;

	memset(&every, 0xff, sizeof every);
	(void)act_online(a);
	/* Since then, too, when none of its CPUs is left, and it stays so when they come back. */
	if (pin->was_orphan && covers(a, found, &every))
		return true;
	return a->now_ns < a->online_settles_ns &&
	       (covers(a, found, &pin->original) || covers(a, found, &every));
}

static bool may_be_back(struct act *a, const struct pin *pin, const struct cpumask *found)
{
	return pin->lost_back && act_shows(a, found, &pin->original);
}

static enum finding judge_known(struct act *a, const struct pin *pin, const struct seen *seen)
{
	if (!act_pin_may_be_ours(a, pin, &seen->mask))
		return act_pin_was_reset(a, pin, &seen->mask) || may_be_back(a, pin, &seen->mask)
			       ? THREAD_KNOWN
			       : THREAD_FOREIGN;
	if (pin->done && cpumask_equal(&pin->asked, &seen->wanted))
		return THREAD_FINE;
	return act_pin_hides_more(a, pin, &seen->mask) > 0 ? THREAD_FOREIGN : THREAD_KNOWN;
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
			  const struct seen *seen)
{
	if (pin && pin->unpinnable)
		return THREAD_FINE;
	if (pin && pin->ours)
		return judge_known(a, pin, seen);
	/* Also where it is as wished: once its mother has another mask nobody would know. */
	if (look->pinned && !seen->hides_more && act_mask_is_ours(a, g, &seen->mask))
		return THREAD_BORN;
	return is_original(a, look, g, t, pin, &seen->mask) ? THREAD_NEW : THREAD_FOREIGN;
}

/* libvirt pins by role and number: of the emulator it moves the main thread, and the
 * others, also those of vhost, through their cgroup. */
static bool is_addressable(const struct act_guest *g, const struct guest_thread *t,
			   enum placement_backend backend)
{
	return backend == PLACEMENT_AFFINITY || t->role == THREAD_VCPU ||
	       t->role == THREAD_IOTHREAD || t->tid == g->pid;
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

/* With which of our masks was it born?  Without the CPUs that are off-line several look alike, and
 * that of a wish before the last is on file of nobody.  So it is told where one of them is not
 * what is wished. */
static int see_whole(struct act *a, const struct look *look, const struct act_guest *g,
		     const struct guest_thread *t, const struct pin *pin, struct seen *seen)
{
	const struct cpumask *ours;
	struct cpumask whole;
	int r;

	if (!look->pinned || (pin && (pin->ours || pin->unpinnable)) || !a->fs->is_live)
		return 0;
	ours = act_may_hide_cpus(a) ? act_mask_of_ours(a, g, &seen->mask, &seen->wanted) : NULL;
	if (!ours || cpumask_equal(ours, &seen->wanted))
		return 0;
	r = act_whole_mask(a, t->tid, &whole);
	if (r < 0)
		return r;
	seen->hides_more = !act_mask_is_ours(a, g, &whole);
	if (!seen->hides_more)
		seen->mask = whole;
	return 0;
}

/* A thread that has gone is normal life. */
enum finding act_find_thread(struct act *a, const struct look *look, const struct act_guest *g,
			     const struct guest_thread *t, size_t hint, struct seen *ret_seen)
{
	const struct pin *pin = pin_of(&g->placement, t, hint);
	int r;

	if (!is_addressable(g, t, look->wish->backend))
		return THREAD_FINE;
	ret_seen->wanted = act_wished_cpus(look->wish, t->role, t->number);
	r = mask_now(a, t, pin, &ret_seen->mask);
	if (r == 0)
		r = see_whole(a, look, g, t, pin, ret_seen);
	if (r < 0)
		return r == -ESRCH ? THREAD_FINE : THREAD_UNREAD;
	return judge(a, look, g, t, pin, ret_seen);
}

static void note_foreign(struct look *look, const struct guest_thread *t, const struct pin *pin,
			 const struct cpumask *found)
{
	look->foreign = true;
	look->example = (struct pin){ .tid = t->tid, .role = t->role, .number = t->number };
	if (pin && pin->ours)
		look->example.asked = pin->asked;
	look->found = *found;
}

void act_look(struct act *a, const struct act_guest *g, const struct guest_plan *plan,
	      struct look *look)
{
	*look = (struct look){ .wish = &plan->placement,
			       .pinned = act_pins_any_ours(&g->placement) };
	for (size_t i = 0; i < plan->nthreads; i++) {
		const struct guest_thread *t = &plan->threads[i];
		struct seen seen = { 0 };
		enum finding finding = act_find_thread(a, look, g, t, i, &seen);

		if (finding == THREAD_FOREIGN)
			note_foreign(look, t, pin_of(&g->placement, t, i), &seen.mask);
		else if (finding == THREAD_KNOWN)
			look->changes++;
		else if (finding != THREAD_FINE && finding != THREAD_UNREAD)
			look->changes += !cpumask_equal(&seen.mask, &seen.wanted);
	}
}

/* ---- after a reload ---------------------------------------------------- */

/* False: it cannot be read, or there is no memory to note it. */
static bool note_own(const struct act *a, struct placement *p, const struct guest_thread *t,
		     size_t hint)
{
	struct pin *pin = act_pin_find(p, t->tid, hint);
	struct cpumask own;
	int r = act_whole_mask(a, t->tid, &own);

	if (r < 0)
		return r == -ESRCH;
	if (!pin)
		pin = act_pin_add(p);
	if (!pin)
		return false;
	*pin = (struct pin){ .tid = t->tid,
			     .start_ticks = t->start_ticks,
			     .role = t->role,
			     .number = t->number,
			     .original = own,
			     .got = own };
	return true;
}

void act_placement_trust(struct act *a, struct act_guest *g, const struct guest_plan *plan)
{
	struct placement *p = &g->placement;
	bool all = true;

	if (!p->trust_present || plan->nthreads == 0 || act_pins_any_ours(p))
		return;
	undo_text_changes(g);
	act_pins_drop_dead(a, g, plan);
	for (size_t i = 0; i < plan->nthreads; i++)
		all &= note_own(a, p, &plan->threads[i], i);
	p->trust_present = !all;
}

/* ---- whom it is left to -------------------------------------------------- */

void act_placement_cede(struct act *a, struct act_guest *g, const struct pin *foreign,
			const struct cpumask *found)
{
	static const char *const role[UNDO_ROLES] = {
		[THREAD_EMULATOR] = "emulator",
		[THREAD_VCPU] = "vCPU",
		[THREAD_IOTHREAD] = "I/O",
		[THREAD_VHOST] = "vhost",
	};
	char from[KT_CPULIST_MAX], to[KT_CPULIST_MAX];

	g->in_force.pin_ceded = true;
	g->placement.settled = 0;
	a->undo_stale = true;
	cpumask_str(&foreign->asked, from, sizeof from);
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
