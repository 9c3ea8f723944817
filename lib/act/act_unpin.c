/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do the threads of a guest get their own masks back?
 *
 * Also those that no plan ever named: born of a pinned thread, they run where it ran. */
#include <errno.h>

#include "act_private.h"
#include "str.h"

/* A thread that is born while its elders are given back is found in the next round. */
enum { ROUNDS_MAX = 8, BORN_MAX = 128 };

/* `back`: only stands for those born of it. */
static size_t count_waiting(const struct placement *p, bool back)
{
	size_t n = 0;

	for (size_t i = 0; i < p->npins; i++)
		n += p->pin[i].ours && !p->pin[i].gave_up && p->pin[i].back == back;
	return n;
}

size_t act_placement_waiting(const struct act_guest *g)
{
	const struct placement *p = &g->placement;
	size_t n = count_waiting(p, false);

	return n > 0 ? n : count_waiting(p, true) > 0;
}

static bool looks_like(struct act *a, const struct pin *pin, const struct cpumask *found,
		       const struct cpumask *mask)
{
	return !cpumask_equal(mask, &pin->original) && act_shows(a, found, mask);
}

/* None of its CPUs is left: the kernel has given it all that there are. */
static bool was_given_all(struct act *a, const struct pin *pin)
{
	(void)act_online(a);
	return pin->was_orphan && (pin->done || pin->lost) && !act_has_every_cpu(a, &pin->original);
}

static bool looks_ours(struct act *a, const struct pin *pin, const struct cpumask *found)
{
	return looks_like(a, pin, found, &pin->asked) ||
	       (!pin->done && looks_like(a, pin, found, &pin->before));
}

/* What is seen of the original while CPUs are off-line may be seen of another mask; but the kernel
 * takes CPUs from a mask, and adds none: what has more than ours is not ours.  -errno: nobody can
 * tell just now. */
static int hides_ours(struct act *a, const struct pin *pin, const struct cpumask *found)
{
	bool looks = looks_ours(a, pin, found);
	struct cpumask whole = *found;
	int r = looks && a->fs->is_live ? act_whole_mask(a, pin->tid, &whole) : 0;

	if (r < 0)
		return r;
	return (looks && looks_ours(a, pin, &whole)) || was_given_all(a, pin);
}

/* As look_at(). */
static int judge(struct act *a, const struct pin *pin, const struct cpumask *found)
{
	int r;

	if (act_shows(a, found, &pin->original)) {
		r = hides_ours(a, pin, found);
		return r < 0 ? r : !r;
	}
	if (act_pin_may_be_ours(a, pin, found)) {
		r = act_pin_hides_more(a, pin, found);
		return r > 0 ? -ESTALE : r;
	}
	if (a->online_unread)
		return -EAGAIN;
	return act_pin_was_reset(a, pin, found) ? 0 : -ESTALE;
}

/* 0: it has to be given back; 1: it has its original, or has gone; -ESTALE: it has a mask
 * of somebody else, *ret_found; -EAGAIN: nobody can tell just now; -errno. */
static int look_at(struct act *a, const struct act_guest *g, const struct pin *pin,
		   struct cpumask *ret_found)
{
	struct cpumask found = pin->got;
	bool unpinnable;
	int r = 0;

	if (a->fs->is_live) {
		r = thread_check(a->fs, g->pid, pin->tid, pin->start_ticks, &unpinnable);
		if (r == 0)
			r = thread_get_cpus(pin->tid, &found);
	}
	if (r == 0)
		r = judge(a, pin, &found);
	*ret_found = found;
	return r == -ESRCH ? 1 : r;
}

/* 0: libvirt is asked, or will be; 1: done; -errno. */
static int unpin(struct act *a, struct act_guest *g, struct pin *pin)
{
	int r;

	if (g->placement.backend == PLACEMENT_LIBVIRT) {
		r = act_pin_by_libvirt(a, g, pin, &pin->original);
		pin->pending = pin->giving_back = r == 0;
		return act_error_passes(r) ? 0 : r;
	}
	r = a->fs->is_live ? thread_restore_cpus(a, pin->tid, &pin->original) : -EPERM;
	if (r == 0)
		g->placement.given_back++;
	return r == 0 || r == -ESRCH ? 1 : r;
}

static void give_back_pin(struct act *a, struct act_guest *g, struct pin *pin)
{
	struct cpumask found = { 0 };
	int r = look_at(a, g, pin, &found);

	if (r == -ESTALE && !g->in_force.pin_ceded)
		act_placement_cede(a, g, pin, &found);
	if (r == 0)
		r = unpin(a, g, pin);
	if (r == 1 || r == -ESTALE) {
		pin->back = true;
	} else if (r < 0 && r != -EAGAIN) {
		act_placement_refused(a, g, pin, r);
		pin->gave_up = !act_error_is_ours(r);
	}
}

struct born {
	struct act *a;
	const struct act_guest *g;
	size_t given_back;
	pid_t tid[BORN_MAX]; /* ... the first of these: what they have now may be another's of ours
			      */
	bool failed;         /* one of them could not be seen, or not be given back */
};

/* libvirt pins the emulator's threads through their cgroup, and so also those that we have
 * pinned, and given back, in another way before. */
static bool went_along(const struct born *born, const struct pin *pin)
{
	return born->g->placement.backend == PLACEMENT_LIBVIRT && (!pin->ours || pin->back) &&
	       pin->tid != born->g->pid &&
	       (pin->role == THREAD_EMULATOR || pin->role == THREAD_VHOST);
}

/* Of one that may be another thread by now. */
static bool may_have_ours(const struct born *born, pid_t tid, const struct pin *pin)
{
	struct cpumask found;

	return (!pin->ours || pin->back) && thread_get_cpus(tid, &found) == 0 &&
	       act_mask_is_ours(born->a, born->g, &found) && !cpumask_equal(&found, &pin->original);
}

/* pin NULL: nobody knows it. */
static int give_back_to(struct born *born, pid_t tid, const struct pin *pin)
{
	const struct cpumask *original;
	struct cpumask found, whole;
	int r = thread_get_cpus(tid, &found);

	if (r < 0)
		return r;
	if (!act_mask_is_ours(born->a, born->g, &found))
		return 0;
	/* As in hides_ours(). */
	r = act_whole_mask(born->a, tid, &whole);
	if (r < 0 || !act_mask_is_ours(born->a, born->g, &whole))
		return r;
	original = &(pin ? pin : act_pin_of_mother(born->a, born->g, &whole))->original;
	if (cpumask_equal(&found, original))
		return 0;
	r = thread_restore_cpus(born->a, tid, original);
	if (r == 0 && born->given_back < BORN_MAX)
		born->tid[born->given_back] = tid;
	born->given_back += r == 0;
	return r;
}

static bool has_its_own(const struct born *born, pid_t tid)
{
	for (size_t i = 0; i < born->given_back && i < BORN_MAX; i++)
		if (born->tid[i] == tid)
			return true;
	return false;
}

static int give_back_born(void *context, pid_t tid)
{
	struct born *born = context;
	const struct act *a = born->a;
	const struct pin *pin = act_pin_find(&born->g->placement, tid, 0);
	bool unpinnable;
	int r = -ESRCH;

	if (has_its_own(born, tid))
		return 0;
	if (pin)
		r = thread_check(a->fs, born->g->pid, tid, pin->start_ticks, &unpinnable);
	if (r == -ESRCH)
		r = give_back_to(born, tid, NULL);
	else if (r < 0)
		r = may_have_ours(born, tid, pin) ? r : 0;
	else if (went_along(born, pin))
		r = give_back_to(born, tid, pin);
	/* -EINVAL: nobody can move it (a worker of io_uring). */
	born->failed |= r < 0 && r != -ESRCH && r != -EINVAL;
	return 0;
}

/* False: somebody may still have a mask of ours. */
static bool give_back_all_born(struct act *a, struct act_guest *g)
{
	struct born born = { .a = a, .g = g };
	char path[64];
	size_t before;
	int r;

	if (!a->fs->is_live || !act_pins_go_back(&g->placement) ||
	    str_format(path, sizeof path, "proc/%d/task", g->pid) < 0)
		return true;
	r = process_check(a->fs, g->pid, g->start_ticks);
	if (r < 0)
		return r == -ESRCH;
	for (int round = 0; round < ROUNDS_MAX; round++) {
		before = born.given_back;
		born.failed = false;
		r = hostfs_each_number(a->fs, path, give_back_born, &born);
		if (r < 0 || born.given_back == before)
			break;
	}
	g->placement.given_back += born.given_back;
	return !born.failed && !a->online_unread && (r >= 0 || r == -ENOENT);
}

/* By the pins of those that bore them they are known, in the next life too; so these go last.  At
 * a stop there is no later. */
static void settle_for_born(struct act *a, struct act_guest *g, bool all_are_back)
{
	struct placement *p = &g->placement;

	a->undo_stale = true;
	if (!all_are_back && !p->off && act_pins_go_back(p))
		act_retry_later(&p->retry, a->now_ns);
	for (size_t i = 0; i < p->npins; i++) {
		struct pin *pin = &p->pin[i];

		if (!pin->back)
			continue;
		pin->ours = pin->back = !all_are_back;
		pin->gave_up = !all_are_back && p->retry.at_ns && p->why != WHY_STOPPING;
	}
}

void act_placement_gave_back(struct act *a, struct act_guest *g)
{
	struct placement *p = &g->placement;
	char from[KT_CPULIST_MAX], to[KT_CPULIST_MAX] = "";
	struct cpumask asked = act_pins_asked(p);
	const struct pin *first = act_pin_main(g);
	bool all_are_back;
	size_t confined;

	if (!p->giving_back || count_waiting(p, false) > 0)
		return;
	p->giving_back = false;
	all_are_back = give_back_all_born(a, g);
	confined = act_placement_confined(a, g, all_are_back);
	p->given_back -= KT_MIN(p->given_back, confined);
	settle_for_born(a, g, all_are_back);
	/* What was refused is wished again, perhaps, and counts on. */
	if (all_are_back && !p->off && p->why != WHY_ACTUATOR_OFF)
		p->retry = (struct retry){ 0 };
	if (p->given_back == 0)
		return;
	g->in_force.pin_changed_ns = a->now_ns;
	if (first)
		cpumask_str(&first->original, to, sizeof to);
	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_NOTICE,
				      .id = LOG_RESTORED,
				      .actuator = "placement",
				      .action = "restore",
				      .reason = reason_str(p->why),
				      .from = cpumask_str(&asked, from, sizeof from),
				      .to = first ? to : NULL },
		  "%zu threads have their own CPUs back: %.100s (were pinned to %.100s)",
		  p->given_back, to, from);
}

void act_placement_lost(struct act_guest *g)
{
	struct placement *p = &g->placement;

	undo_text_changes(g);
	p->backend = PLACEMENT_AFFINITY;
	for (size_t i = 0; i < p->npins; i++) {
		p->pin[i].lost_back |= p->pin[i].giving_back;
		p->pin[i].pending = p->pin[i].giving_back = false;
	}
}

void act_placement_last_chance(struct act_guest *g)
{
	struct placement *p = &g->placement;
	bool has_one = p->retry.at_ns && (p->backend == PLACEMENT_AFFINITY || !p->asked_last);

	p->asked_last = true;
	for (size_t i = 0; i < p->npins && has_one; i++)
		p->pin[i].gave_up = false;
}

void act_placement_give_back(struct act *a, struct act_guest *g, enum why why)
{
	struct placement *p = &g->placement;

	if (act_placement_waiting(g) == 0)
		return;
	undo_text_changes(g);
	if (!p->giving_back)
		p->given_back = 0;
	p->giving_back = true;
	p->why = why;
	a->undo_stale = true;
	for (size_t i = 0; i < p->npins; i++)
		if (p->pin[i].ours && !p->pin[i].gave_up && !p->pin[i].pending && !p->pin[i].back)
			give_back_pin(a, g, &p->pin[i]);
	act_placement_gave_back(a, g);
}
