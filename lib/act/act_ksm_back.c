/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do the files of KSM become what they were?
 *
 * In the opposite order of writing: the scanner stops before its speed changes, and the
 * kernel's advisor, which sets pages_to_scan itself, comes back last. */
#include <errno.h>

#include "act_private.h"

/* run was 2 (unmerged and stopped): it stops, but what was merged stays so.  Writing 2
 * would unmerge everything within that write, with more memory than there may be, and
 * with us as the OOM killer's first choice.  Whoever wants that can do it by hand. */
static uint64_t original_to_write(enum ksm_knob knob, uint64_t original)
{
	return knob == KSM_RUN && original == RUN_UNMERGED ? RUN_STOPPED : original;
}

/* 1: given back; 0: nothing to do; -errno.  Somebody else's value stays. */
static int give_back_knob(struct act *a, enum ksm_knob knob, uint64_t *ret_found)
{
	struct knob *k = &a->ksm.knob[knob];
	uint64_t original = original_to_write(knob, k->original), found;
	int r;

	r = act_ksm_read(a, knob, ret_found);
	if (r < 0)
		return r;
	if (*ret_found == k->original || *ret_found == original)
		return 0;
	r = act_ksm_recognise(a, knob, *ret_found);
	if (r == 0)
		act_ksm_cede(a, knob, *ret_found);
	if (r <= 0 || !k->ours)
		return KT_MIN(r, 0);
	k->before = original;
	k->doubt = true; /* until it has been read back */
	r = act_ksm_write(a, knob, original, &found);
	if (r == -ESTALE)
		act_ksm_cede(a, knob, found);
	return r == -ESTALE ? 0 : r < 0 ? r : 1;
}

static void keep_for_later(struct act *a, enum ksm_knob knob, int error)
{
	a->ksm.knob[knob].gave_up = !act_error_is_ours(error);
	act_ksm_refused(a, knob, error);
}

/* A sweep lasts for moments, and only who counts passes may have one in force. */
void act_ksm_end_sweep(struct act *a)
{
	struct knob *k = &a->ksm.knob[KSM_SMART_SCAN];
	uint64_t from[_KSM_KNOB_MAX] = { 0 }, to[_KSM_KNOB_MAX] = { 0 };
	int r;

	if (!k->ours || k->gave_up || a->look_only)
		return;
	to[KSM_SMART_SCAN] = k->original;
	r = give_back_knob(a, KSM_SMART_SCAN, &from[KSM_SMART_SCAN]);
	if (r < 0) { /* the original stays on file */
		keep_for_later(a, KSM_SMART_SCAN, r);
		return;
	}
	if (r > 0)
		act_ksm_say(a, (struct log_event){ .id = LOG_RESTORED }, WHY_NONE,
			    1U << KSM_SMART_SCAN, from, to);
	k->ours = false;
	a->undo_stale = true;
	act_ksm_publish(a);
}

static bool owes_nodes(const struct act *a)
{
	const struct knob *k = &a->ksm.knob[KSM_NODES];
	uint64_t found;

	return k->ours && !k->gave_up && k->asked != k->original &&
	       act_ksm_read(a, KSM_NODES, &found) == 0 && found == k->asked;
}

/* Whoever has KSM now keeps his scanner. */
static bool may_stop(struct act *a, uint64_t run)
{
	if (!a->ksm.knob[KSM_RUN].ours)
		return !a->in_force.ksm.ceded;
	return act_ksm_recognise(a, KSM_RUN, run) > 0;
}

/* False: it could not begin, and run is as it was. */
static bool begin_unmerging(struct act *a)
{
	struct knob *run = &a->ksm.knob[KSM_RUN];
	uint64_t found;

	if (act_ksm_read(a, KSM_RUN, &found) < 0 || !may_stop(a, found))
		return false;
	act_ksm_note(a, KSM_RUN, found, RUN_UNMERGED);
	run->todo = run->fresh = false; /* the child writes it */
	if (undo_save(a) == 0)
		act_ksm_unmerge(a);
	if (a->ksm.unmerger > 0)
		return true;
	run->asked = run->before;
	return false;
}

/* True: first the pages have to be taken apart, which has just begun.  Where there is no
 * room for it merge_across_nodes stays ours; the rest goes back. */
static bool must_wait_for_nodes(struct act *a)
{
	if (!owes_nodes(a) || !act_ksm_must_unmerge(a))
		return false;
	if (a->ksm.may_unmerge && !a->ksm.nodes_off && begin_unmerging(a))
		return true;
	if (!a->in_force.ksm.ceded)
		act_ksm_say_no_room(a);
	a->ksm.knob[KSM_NODES].gave_up = true;
	return false;
}

static void say_what_stays_merged(const struct act *a, unsigned int written,
				  const uint64_t to[_KSM_KNOB_MAX])
{
	if (!(written & 1U << KSM_RUN) || to[KSM_RUN] == a->ksm.knob[KSM_RUN].original)
		return;
	log_emitf((struct log_event){ .level = LOG_LEVEL_NOTICE,
				      .id = LOG_RESTORED,
				      .actuator = "ksm",
				      .action = "restore" },
		  "KSM run was 2 before: what was merged since stays merged, for unmerging "
		  "may need more memory than there is; echo 2 >/sys/kernel/mm/ksm/run does "
		  "it");
}

/* A scan that is to go on starts when all else is back. */
static unsigned int in_order(const struct act *a, unsigned int n)
{
	if (a->ksm.knob[KSM_RUN].original != RUN_SCANNING)
		return _KSM_KNOB_MAX - 1 - n;
	return n == _KSM_KNOB_MAX - 1 ? KSM_RUN : KSM_RUN - 1 - n;
}

void act_ksm_give_back(struct act *a, enum why why)
{
	uint64_t from[_KSM_KNOB_MAX] = { 0 }, to[_KSM_KNOB_MAX] = { 0 };
	unsigned int written = 0;

	a->ksm.run_known = false; /* whoever comes next begins with what is there */
	if (act_ksm_is_unmerging(a) || must_wait_for_nodes(a)) {
		act_ksm_publish(a);
		return;
	}
	for (unsigned int n = 0; n < _KSM_KNOB_MAX; n++) {
		unsigned int i = in_order(a, n);
		struct knob *k = &a->ksm.knob[i];
		int r;

		if (!k->ours || k->gave_up)
			continue;
		a->undo_stale = true;
		to[i] = original_to_write(i, k->original);
		r = give_back_knob(a, i, &from[i]);
		k->ours = r < 0;
		if (r < 0)
			keep_for_later(a, i, r);
		written |= (unsigned int)(r > 0) << i;
	}
	if (written)
		act_ksm_say(a, (struct log_event){ .id = LOG_RESTORED }, why, written, from, to);
	say_what_stays_merged(a, written, to);
	act_ksm_publish(a);
}
