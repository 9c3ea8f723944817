/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a plan wish of each of KSM's files, and which of them say something else? */
#include <errno.h>

#include "act_private.h"

static uint64_t switched(enum ksm_switch wish, const struct knob *k, uint64_t found)
{
	if (wish == KSM_SWITCH_KEEP)
		return k->ours ? k->original : found;
	return wish == KSM_SWITCH_ON;
}

/* 2 is as stopped as 0. */
static uint64_t wanted_run(bool run, uint64_t found)
{
	if (run)
		return RUN_SCANNING;
	return found == RUN_SCANNING ? RUN_STOPPED : found;
}

static uint64_t wanted(const struct act *a, const struct ksm_plan *plan, enum ksm_knob knob,
		       uint64_t found)
{
	const struct knob *k = &a->ksm.knob[knob];

	switch (knob) {
	case KSM_ADVISOR:
		return switched(plan->stops_advisor ? KSM_SWITCH_OFF : KSM_SWITCH_KEEP, k, found);
	case KSM_NODES:
		return switched(plan->merge_across_nodes, k, found);
	case KSM_ZERO_PAGES:
		return switched(plan->use_zero_pages, k, found);
	case KSM_SMART_SCAN:
		return switched(plan->sweep ? KSM_SWITCH_OFF : KSM_SWITCH_KEEP, k, found);
	case KSM_PAGES:
		return plan->run ? plan->pages_to_scan : found;
	case KSM_SLEEP:
		return plan->run ? plan->sleep_ms : found;
	case KSM_RUN:
		return wanted_run(plan->run, found);
	case _KSM_KNOB_MAX:
	default:
		return found;
	}
}

/* Whether this plan has anything to do with the file at all. */
static bool is_of_interest(const struct act *a, const struct ksm_plan *plan, enum ksm_knob knob)
{
	if (a->ksm.knob[knob].ours)
		return true;
	switch (knob) {
	case KSM_ADVISOR:
		return plan->stops_advisor;
	case KSM_NODES:
		return plan->merge_across_nodes != KSM_SWITCH_KEEP && !a->ksm.nodes_off;
	case KSM_ZERO_PAGES:
		return plan->use_zero_pages != KSM_SWITCH_KEEP;
	case KSM_SMART_SCAN:
		return plan->sweep;
	case KSM_PAGES:
	case KSM_SLEEP:
	case KSM_RUN:
		return true;
	case _KSM_KNOB_MAX:
	default:
		return false;
	}
}

/* An older kernel has not all of the files: what it lacks it does not need. */
int act_ksm_compare(const struct act *a, const struct ksm_plan *plan, uint64_t found[_KSM_KNOB_MAX],
		    uint64_t want[_KSM_KNOB_MAX], unsigned int *ret_which,
		    enum ksm_knob *ret_failed)
{
	unsigned int which = 0;

	for (unsigned int i = 0; i < _KSM_KNOB_MAX; i++) {
		int r;

		found[i] = want[i] = a->ksm.knob[i].asked;
		if (!is_of_interest(a, plan, i))
			continue;
		*ret_failed = i;
		r = act_ksm_read(a, i, &found[i]);
		if (r == -ENOENT && i < KSM_PAGES)
			continue;
		if (r < 0)
			return r;
		want[i] = wanted(a, plan, i, found[i]);
		which |= (unsigned int)(want[i] != found[i]) << i;
	}
	/* The kernel sets it to 100 when its advisor goes, and lets nobody else set it once
	 * that is back. */
	if (which & 1U << KSM_ADVISOR && want[KSM_ADVISOR])
		which &= ~(1U << KSM_PAGES);
	else if (which & 1U << KSM_ADVISOR && plan->run)
		which |= 1U << KSM_PAGES;
	*ret_which = which;
	return 0;
}

/* ---- a dry run ----------------------------------------------------------- */

static bool same_wish(const struct ksm_plan *a, const struct ksm_plan *b)
{
	return a->wish == b->wish && a->run == b->run && a->pages_to_scan == b->pages_to_scan &&
	       a->sleep_ms == b->sleep_ms && a->sweep == b->sweep &&
	       a->stops_advisor == b->stops_advisor && a->use_zero_pages == b->use_zero_pages &&
	       a->merge_across_nodes == b->merge_across_nodes;
}

void act_ksm_dry_run(struct act *a, const struct ksm_plan *plan)
{
	uint64_t found[_KSM_KNOB_MAX], want[_KSM_KNOB_MAX];
	enum ksm_knob failed;
	unsigned int which;

	if (same_wish(plan, &a->ksm.said))
		return;
	a->ksm.said = *plan;
	if (plan->wish == WISH_SET && act_ksm_compare(a, plan, found, want, &which, &failed) == 0 &&
	    which)
		act_ksm_say(a, (struct log_event){ .id = LOG_KSM_CHANGED, .dry_run = true },
			    plan->why, which, found, want);
}
