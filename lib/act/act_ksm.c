/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a wish reach the files of KSM?
 *
 * They belong together: whoever writes one of them runs KSM from then on, so one foreign
 * write cedes all.  Ceding means hands off at once; what still is as we wrote it is given
 * back with everything else at the end.
 *
 * A stop writes run only: the speed of a scanner that rests matters to nobody. */
#include <errno.h>

#include "act_private.h"

void act_ksm_publish(struct act *a)
{
	const struct act_ksm *k = &a->ksm;
	struct ksm_in_force *f = &a->in_force.ksm;

	f->ours = false;
	for (size_t i = 0; i < _KSM_KNOB_MAX; i++)
		f->ours |= k->knob[i].ours;
	f->sweeping = k->knob[KSM_SMART_SCAN].ours;
	f->advisor_stopped = k->knob[KSM_ADVISOR].ours;
	f->unmerging = k->unmerger > 0;
}

/* Whether the kernel's advisor sets pages_to_scan, which became ours before it was back: without
 * our knowing, too, if its file was written and could not be read back, or if an earlier life has
 * given it back, of which the speed could not be looked at since.  1; 0; -errno. */
static int speed_is_advisors(const struct act *a)
{
	const struct knob *k = &a->ksm.knob[KSM_ADVISOR];
	uint64_t on = 0;
	int r;

	if (k->ours ? !k->doubt : !a->ksm.knob[KSM_PAGES].doubt)
		return !k->ours && k->original;
	r = act_ksm_read(a, KSM_ADVISOR, &on);
	return r == -ENOENT ? 0 : r < 0 ? r : on != 0;
}

/* Without anybody else's doing: what was there before, or what the kernel writes by itself after
 * a write of ours. */
static bool may_be_there(const struct act *a, enum ksm_knob knob, uint64_t found)
{
	const struct knob *k = &a->ksm.knob[knob];

	if (found == k->before || found == k->original)
		return true;
	if (knob == KSM_PAGES)
		return a->ksm.knob[KSM_ADVISOR].ours && found == KSM_PAGES_WITHOUT_ADVISOR;
	return knob == KSM_RUN && k->asked == RUN_UNMERGED && found == RUN_STOPPED;
}

int act_ksm_recognise(struct act *a, enum ksm_knob knob, uint64_t found)
{
	struct knob *k = &a->ksm.knob[knob];
	bool is_done = found == k->asked && found != k->before;
	int advisors = knob == KSM_PAGES && found != k->asked ? speed_is_advisors(a) : 0;

	if (advisors < 0)
		return advisors;
	if (advisors || (k->doubt && !is_done && may_be_there(a, knob, found))) {
		k->asked = found;
		k->ours = !advisors && found != k->original;
		a->undo_stale = true;
	}
	k->doubt = false;
	return found == k->asked;
}

/* At rest nothing may be ours, and yet who starts KSM then is somebody else.  -errno of reading
 * the advisor. */
static int find_foreign(struct act *a, const uint64_t found[_KSM_KNOB_MAX], unsigned int *ret_which)
{
	struct act_ksm *k = &a->ksm;

	*ret_which = 0;
	for (unsigned int i = 0; i < _KSM_KNOB_MAX; i++) {
		int r = k->knob[i].ours ? act_ksm_recognise(a, i, found[i]) : 1;

		if (r < 0)
			return r;
		*ret_which |= (unsigned int)(r == 0) << i;
	}
	if (!k->knob[KSM_RUN].ours && k->run_known && found[KSM_RUN] != k->run_left) {
		k->knob[KSM_RUN].asked = k->run_left;
		*ret_which |= 1U << KSM_RUN;
	}
	return 0;
}

/* All that are foreign: the next reload begins with what is there.  A sweep of ours ends.
 * 1: that is it; 0: nothing is; -errno. */
static int cede_if_foreign(struct act *a, const uint64_t found[_KSM_KNOB_MAX])
{
	unsigned int which;
	int r = find_foreign(a, found, &which);

	for (unsigned int i = 0; r == 0 && i < _KSM_KNOB_MAX; i++)
		if (which & 1U << i)
			act_ksm_cede(a, i, found[i]);
	if (r == 0 && which)
		act_ksm_end_sweep(a);
	return r < 0 ? r : which != 0;
}

void act_ksm_note(struct act *a, enum ksm_knob knob, uint64_t found, uint64_t wanted_value)
{
	struct knob *k = &a->ksm.knob[knob], *advisor = &a->ksm.knob[KSM_ADVISOR];

	if (knob == KSM_PAGES && !k->ours && !advisor->ours)
		advisor->original = 0;
	if (!k->ours)
		*k = (struct knob){ .ours = true, .fresh = true, .original = found };
	k->before = found;
	k->asked = wanted_value;
	k->todo = true;
	a->must_save = true;
}

/* Pages that are merged across nodes have to be taken apart before that can change. */
bool act_ksm_must_unmerge(const struct act *a)
{
	uint64_t shared = 0;

	return act_ksm_number(a, "pages_shared", &shared) == 0 && shared > 0;
}

/* False: it has to wait, or cannot be. */
static bool prepare_nodes(struct act *a, const uint64_t found[_KSM_KNOB_MAX])
{
	if (!act_ksm_must_unmerge(a))
		return true;
	if (!a->ksm.may_unmerge)
		act_ksm_say_no_room(a);
	else if (!a->ksm.nodes_off)
		act_ksm_note(a, KSM_RUN, found[KSM_RUN], RUN_UNMERGED);
	return false;
}

void act_ksm_last_chance(struct act *a)
{
	for (unsigned int i = 0; i < _KSM_KNOB_MAX && a->ksm.retry.at_ns; i++)
		a->ksm.knob[i].gave_up = false;
}

/* True: nothing may be written.  What nobody can steer for long goes back. */
static bool is_off(struct act *a)
{
	struct act_ksm *k = &a->ksm;

	if (a->in_force.ksm.off && k->retry.at_ns && a->now_ns >= k->retry.at_ns)
		act_ksm_last_chance(a);
	if (act_retry_is_due(&k->retry, a->now_ns))
		a->in_force.ksm.off = false;
	if (a->in_force.ksm.off && !a->look_only && act_retry_is_hopeless(&k->retry))
		act_ksm_give_back(a, WHY_ACTUATOR_OFF);
	return a->in_force.ksm.off;
}

void act_ksm_prepare(struct act *a, const struct ksm_plan *plan)
{
	uint64_t found[_KSM_KNOB_MAX] = { 0 }, want[_KSM_KNOB_MAX];
	enum ksm_knob failed = KSM_RUN;
	unsigned int which = 0;
	int r;

	a->ksm.may_unmerge = plan->may_unmerge;
	if (plan->may_unmerge && !a->ksm.nodes_off)
		a->ksm.knob[KSM_NODES].gave_up = false;
	if (act_ksm_is_unmerging(a) || is_off(a))
		return;
	if (plan->wish == WISH_HOLD || plan->dry_run || a->in_force.ksm.ceded)
		act_ksm_end_sweep(a); /* nobody would end it */
	if (plan->wish == WISH_HOLD || a->in_force.ksm.ceded)
		return;
	if (plan->dry_run || a->look_only) {
		act_ksm_dry_run(a, plan);
		return;
	}
	a->ksm.said = (struct ksm_plan){ 0 };
	if (plan->wish == WISH_RELEASE) {
		act_ksm_give_back(a, plan->why);
		return;
	}
	r = act_ksm_compare(a, plan, found, want, &which, &failed);
	if (r == 0 && (r = cede_if_foreign(a, found)) < 0)
		failed = KSM_ADVISOR;
	if (r < 0)
		act_ksm_refused(a, failed, r);
	if (r != 0)
		return;
	a->ksm.retry.wait_s = which ? a->ksm.retry.wait_s : 0;
	a->ksm.why = plan->why;
	if (which & 1U << KSM_NODES && !prepare_nodes(a, found))
		which = a->ksm.knob[KSM_RUN].todo ? 0 : which & ~(1U << KSM_NODES);
	for (unsigned int i = 0; i < _KSM_KNOB_MAX; i++)
		if (which & 1U << i)
			act_ksm_note(a, i, found[i], want[i]);
	a->ksm.run_known = true;
	a->ksm.run_left = found[KSM_RUN];
}

static void forget_note(struct knob *k)
{
	if (k->fresh && !k->doubt)
		k->ours = false;
	if (!k->doubt)
		k->asked = k->before;
	k->todo = k->fresh = false;
}

void act_ksm_abandon(struct act *a)
{
	for (size_t i = 0; i < _KSM_KNOB_MAX; i++)
		if (a->ksm.knob[i].todo)
			forget_note(&a->ksm.knob[i]);
}

/* What is back at its original is nobody's; speed and run are ours while we drive KSM. */
static void settle(struct act *a, enum ksm_knob knob)
{
	struct knob *k = &a->ksm.knob[knob];

	k->todo = k->fresh = false;
	if (knob >= KSM_PAGES || k->asked != k->original)
		return;
	k->ours = false;
	if (knob == KSM_ADVISOR && k->asked) /* it sets the speed itself */
		a->ksm.knob[KSM_PAGES].ours = false;
	a->undo_stale = true;
}

static bool is_unmerging(const struct act *a, enum ksm_knob knob)
{
	return knob == KSM_RUN && a->ksm.knob[knob].asked == RUN_UNMERGED;
}

/* A write that failed may have been done all the same. */
static bool was_foreign(struct act *a, enum ksm_knob knob, uint64_t *ret_found)
{
	a->ksm.knob[knob].doubt = true;
	if (act_ksm_read(a, knob, ret_found) < 0)
		return false;
	if (*ret_found == a->ksm.knob[knob].asked)
		settle(a, knob);
	return act_ksm_recognise(a, knob, *ret_found) == 0;
}

/* 0, or -errno of a write that ends it all. */
static int execute_knob(struct act *a, enum ksm_knob knob)
{
	struct knob *k = &a->ksm.knob[knob];
	uint64_t found = 0;
	int r;

	if (is_unmerging(a, knob)) {
		a->ksm.run_known = false;
		act_ksm_unmerge(a);
		settle(a, knob);
		return 0;
	}
	r = act_ksm_write(a, knob, k->asked, &found);
	if (r == -EBUSY && knob == KSM_NODES) { /* merged meanwhile: the next plan sees it */
		a->undo_stale = true;
		if (a->ksm.unmerged)
			act_ksm_give_up_nodes(a, EBUSY, "something is merged again at once");
		return 0;
	}
	if (r == 0)
		settle(a, knob);
	else if (r == -ESTALE || was_foreign(a, knob, &found))
		act_ksm_cede(a, knob, found);
	else
		act_ksm_refused(a, knob, r);
	return r;
}

/* The first refusal ends it: a scan must not start at a speed that nobody chose. */
void act_ksm_execute(struct act *a)
{
	uint64_t from[_KSM_KNOB_MAX] = { 0 }, to[_KSM_KNOB_MAX] = { 0 };
	unsigned int written = 0;

	for (unsigned int i = 0; i < _KSM_KNOB_MAX; i++)
		from[i] = a->ksm.knob[i].before;
	for (unsigned int i = 0; i < _KSM_KNOB_MAX; i++) {
		struct knob *k = &a->ksm.knob[i];
		bool by_child = is_unmerging(a, i);

		if (!k->todo)
			continue;
		if (execute_knob(a, i) < 0) {
			a->undo_stale = true;
			break;
		}
		if (k->todo || by_child)
			continue;
		to[i] = k->asked;
		written |= 1U << i;
	}
	act_ksm_abandon(a);
	if (written & 1U << KSM_RUN)
		a->ksm.run_left = to[KSM_RUN];
	if (written && !a->in_force.ksm.off)
		a->ksm.retry.wait_s = 0; /* what fails now is the first in a row */
	if (written)
		act_ksm_say(a, (struct log_event){ .id = LOG_KSM_CHANGED }, a->ksm.why, written,
			    from, to);
	act_ksm_publish(a);
}
