/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of what an earlier life left on file: what is still there, and still ours?
 *
 * For each value the file has what was there first, what was there before the last
 * write, and what that write asked for.  That life may have died between filing and
 * writing, so each of the three is a value that only we or nobody touched; any other
 * was written by somebody else meanwhile and is theirs. */
#include <errno.h>

#include "act_private.h"

static void check_ksm_knob(struct act *a, enum ksm_knob i)
{
	struct knob *k = &a->ksm.knob[i];
	char path[KSM_PATH_MAX];
	uint64_t found = 0;
	int r;

	if (!k->ours)
		return;
	k->doubt = true; /* as long as nobody can tell */
	r = act_ksm_read(a, i, &found);
	if (act_file_has_gone(a, act_ksm_path(i, path), r) || (r == 0 && found == k->original))
		k->ours = false;
	else if (r == 0 && act_ksm_recognise(a, i, found) == 0)
		act_ksm_cede(a, i, found);
}

static void check_ksm(struct act *a)
{
	for (unsigned int i = 0; i < _KSM_KNOB_MAX; i++)
		check_ksm_knob(a, i);
	act_ksm_publish(a);
}

/* The kernel narrows a mask to the cpuset.  A thread that nobody pinned had its whole
 * cpuset, so what it had tells what became of ours. */
static bool is_result_of(struct act *a, const struct cpumask *found, const struct cpumask *asked,
			 const struct cpumask *original)
{
	struct cpumask narrowed = cpumask_and(asked, original);

	return act_shows(a, found, asked) || act_shows(a, found, &narrowed);
}

/* False: somebody else has pinned it to `found`. */
static bool check_pin(struct act *a, struct pin *pin, const struct cpumask *found)
{
	pin->got = act_shows(a, found, &pin->original) ? pin->original : *found;
	if (is_result_of(a, found, &pin->asked, &pin->original)) {
		/* While a CPU is off-line both may look the same. */
		pin->done = !act_shows(a, found, &pin->before);
		return true;
	}
	pin->lost = act_pin_was_reset(a, pin, found);
	return pin->lost || act_shows(a, found, &pin->original) ||
	       is_result_of(a, found, &pin->before, &pin->original);
}

static void check_pins(struct act *a, struct act_guest *g)
{
	struct placement *p = &g->placement;
	struct cpumask theirs = { 0 };
	const struct pin *foreign = NULL;
	bool unpinnable;

	(void)act_online(a);
	for (size_t i = 0; i < p->npins; i++) {
		struct pin *pin = &p->pin[i];
		struct cpumask found;
		int r;

		r = thread_check(a->fs, g->pid, pin->tid, pin->start_ticks, &unpinnable);
		if (r == 0)
			r = thread_get_cpus(pin->tid, &found);
		if (r == 0 && a->online_unread)
			r = -EAGAIN; /* nobody can tell whose it is */
		if (r == -ESRCH) {
			pin->done = pin->gone = true;
			pin->got = pin->original;
		} else if (r < 0) {
			pin->got = pin->asked; /* or not: whoever looks next sees it */
			pin->lost_back = true;
		} else if (!check_pin(a, pin, &found)) {
			pin->back = true;
			pin->got = pin->asked; /* what is there is theirs */
			foreign = pin;
			theirs = found;
		}
	}
	/* What it leaves of ours is given back by the next plan. */
	if (foreign)
		act_placement_cede(a, g, foreign, &theirs);
}

static size_t count_values(const struct act_guest *g)
{
	size_t n = g->limit.ours;

	for (size_t i = 0; i < g->placement.npins; i++)
		n += g->placement.pin[i].ours && !g->placement.pin[i].back &&
		     !g->placement.pin[i].gone;
	return n;
}

int undo_check(struct act *a)
{
	size_t values = 0;

	check_ksm(a);
	act_balancing_check(a);
	values += a->balancing.knob.ours;
	values += act_host_check(a);
	for (size_t i = 0; i < _KSM_KNOB_MAX; i++)
		values += a->ksm.knob[i].ours;
	for (struct act_guest *g = a->guests, *next; g; g = next) {
		next = g->next;
		if (process_check(a->fs, g->pid, g->start_ticks) == -ESRCH) {
			act_remove(a, g);
			continue;
		}
		if (a->fs->is_live) /* else these threads are none of this kernel's */
			check_pins(a, g);
		values += count_values(g);
	}
	a->undo_stale = true;
	return (int)KT_MIN(values, (size_t)INT32_MAX);
}
