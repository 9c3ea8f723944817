/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a wish reach the three files of KSM, and how do they get back?
 *
 * run, pages_to_scan and sleep_millisecs belong together: whoever writes one of them
 * runs KSM from then on, so one foreign write cedes all three.  Ceding means hands off
 * at once; what still is as we wrote it is given back with everything else at the end.
 *
 * A stop writes run only: the speed of a scanner that rests matters to nobody. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "act_private.h"
#include "str.h"

const char *const ksm_knob_name[_KSM_KNOB_MAX] = {
	[KSM_PAGES] = "pages_to_scan", [KSM_SLEEP] = "sleep_millisecs", [KSM_RUN] = "run"
};

static int knob_path(enum ksm_knob knob, char *path, size_t size)
{
	return str_format(path, size, "sys/kernel/mm/ksm/%s", ksm_knob_name[knob]);
}

int act_ksm_read(const struct act *a, enum ksm_knob knob, uint64_t *ret)
{
	char path[64];
	int r = knob_path(knob, path, sizeof path);

	return r < 0 ? r : hostfs_read_u64(a->fs, path, ret);
}

/* A write of run waits for ksmd's current batch: at 4 us a page 5 ms for ksmtuned's 1,250
 * pages, and 120 ms for the 30,000 of the kernel's advisor.  The other two never wait.
 * -ESTALE: something else than what was written is there right afterwards, *ret_found. */
static int write_knob(const struct act *a, enum ksm_knob knob, uint64_t value, uint64_t *ret_found)
{
	char path[64], text[24];
	int r;

	r = knob_path(knob, path, sizeof path);
	if (r == 0)
		r = str_format(text, sizeof text, "%" PRIu64 "\n", value);
	if (r == 0)
		r = hostfs_write(a->fs, path, text);
	if (r == 0)
		r = act_ksm_read(a, knob, ret_found);
	return r == 0 && *ret_found != value ? -ESTALE : r;
}

void act_ksm_publish(struct act *a)
{
	a->in_force.ksm.ours = false;
	for (size_t i = 0; i < _KSM_KNOB_MAX; i++)
		a->in_force.ksm.ours |= a->ksm.knob[i].ours;
}

/* ---- plan -> files ----------------------------------------------------- */

static int read_knobs(const struct act *a, uint64_t ret[_KSM_KNOB_MAX], enum ksm_knob *ret_failed)
{
	for (unsigned int i = 0; i < _KSM_KNOB_MAX; i++) {
		int r = act_ksm_read(a, i, &ret[i]);

		*ret_failed = i;
		if (r < 0)
			return r;
	}
	return 0;
}

/* Which knobs have to change.  2 is as stopped as 0, and unmerging is never ours. */
static unsigned int want(const struct ksm_plan *plan, const uint64_t found[_KSM_KNOB_MAX],
			 uint64_t ret[_KSM_KNOB_MAX])
{
	unsigned int which = 0;

	memcpy(ret, found, _KSM_KNOB_MAX * sizeof ret[0]);
	if (plan->run) {
		ret[KSM_PAGES] = plan->pages_to_scan;
		ret[KSM_SLEEP] = plan->sleep_ms;
		ret[KSM_RUN] = RUN_SCANNING;
	} else if (found[KSM_RUN] == RUN_SCANNING) {
		ret[KSM_RUN] = RUN_STOPPED;
	}
	for (unsigned int i = 0; i < _KSM_KNOB_MAX; i++)
		which |= (unsigned int)(ret[i] != found[i]) << i;
	return which;
}

static bool same_wish(const struct ksm_plan *a, const struct ksm_plan *b)
{
	return a->wish == b->wish && a->run == b->run && a->pages_to_scan == b->pages_to_scan &&
	       a->sleep_ms == b->sleep_ms;
}

/* Once per wish, however often it comes. */
static void dry_run(struct act *a, const struct ksm_plan *plan)
{
	uint64_t found[_KSM_KNOB_MAX] = { 0 }, wanted[_KSM_KNOB_MAX];
	enum ksm_knob failed;
	unsigned int which;

	if (same_wish(plan, &a->ksm.said))
		return;
	a->ksm.said = *plan;
	if (plan->wish != WISH_SET || read_knobs(a, found, &failed) < 0)
		return;
	which = want(plan, found, wanted);
	if (which)
		act_ksm_say((struct log_event){ .id = LOG_KSM_CHANGED, .dry_run = true }, plan->why,
			    which, found, wanted);
}

static bool cede_if_foreign(struct act *a, const uint64_t found[_KSM_KNOB_MAX])
{
	for (unsigned int i = 0; i < _KSM_KNOB_MAX; i++) {
		if (a->ksm.knob[i].ours && found[i] != a->ksm.knob[i].asked) {
			act_ksm_cede(a, i, found[i]);
			return true;
		}
	}
	return false;
}

static void note(struct act *a, enum ksm_knob knob, uint64_t found, uint64_t wanted)
{
	struct knob *k = &a->ksm.knob[knob];

	if (!k->ours)
		*k = (struct knob){ .ours = true, .fresh = true, .original = found };
	k->before = found;
	k->asked = wanted;
	k->todo = true;
	a->must_save = true;
}

void act_ksm_prepare(struct act *a, const struct ksm_plan *plan)
{
	uint64_t found[_KSM_KNOB_MAX], wanted[_KSM_KNOB_MAX];
	enum ksm_knob failed = KSM_RUN;
	unsigned int which;
	int r;

	if (plan->wish == WISH_HOLD || a->in_force.ksm.ceded || a->in_force.ksm.off)
		return;
	if (plan->dry_run || a->look_only) {
		dry_run(a, plan);
		return;
	}
	a->ksm.said = (struct ksm_plan){ 0 };
	if (plan->wish == WISH_RELEASE) {
		act_ksm_give_back(a, plan->why);
		return;
	}
	r = read_knobs(a, found, &failed);
	if (r < 0)
		act_ksm_refused(a, failed, r);
	if (r < 0 || cede_if_foreign(a, found))
		return;
	a->ksm.why = plan->why;
	which = want(plan, found, wanted);
	for (unsigned int i = 0; i < _KSM_KNOB_MAX; i++)
		if (which & 1U << i)
			note(a, i, found[i], wanted[i]);
}

static void forget_note(struct knob *k)
{
	if (k->fresh)
		k->ours = false;
	k->asked = k->before;
	k->todo = k->fresh = false;
}

void act_ksm_abandon(struct act *a)
{
	for (size_t i = 0; i < _KSM_KNOB_MAX; i++)
		if (a->ksm.knob[i].todo)
			forget_note(&a->ksm.knob[i]);
}

/* The first refusal ends it: a scan must not start at a speed that nobody chose. */
void act_ksm_execute(struct act *a)
{
	uint64_t from[_KSM_KNOB_MAX] = { 0 }, to[_KSM_KNOB_MAX] = { 0 };
	unsigned int written = 0;
	uint64_t found;
	int r = 0;

	for (unsigned int i = 0; i < _KSM_KNOB_MAX && r == 0; i++) {
		struct knob *k = &a->ksm.knob[i];

		if (!k->todo)
			continue;
		r = write_knob(a, i, k->asked, &found);
		if (r == -ESTALE) {
			act_ksm_cede(a, i, found);
		} else if (r < 0) {
			act_ksm_refused(a, i, r);
			a->undo_stale = true;
		} else {
			from[i] = k->before;
			to[i] = k->asked;
			written |= 1U << i;
			k->todo = k->fresh = false;
		}
	}
	act_ksm_abandon(a);
	if (written)
		act_ksm_say((struct log_event){ .id = LOG_KSM_CHANGED }, a->ksm.why, written, from,
			    to);
	act_ksm_publish(a);
}

/* ---- files -> originals ------------------------------------------------ */

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
	if (*ret_found != k->asked) {
		act_ksm_cede(a, knob, *ret_found);
		return 0;
	}
	r = write_knob(a, knob, original, &found);
	if (r == -ESTALE)
		act_ksm_cede(a, knob, found);
	return r == -ESTALE ? 0 : r < 0 ? r : 1;
}

void act_ksm_give_back(struct act *a, enum why why)
{
	uint64_t from[_KSM_KNOB_MAX] = { 0 }, to[_KSM_KNOB_MAX] = { 0 };
	unsigned int written = 0;
	bool failed = false;

	for (unsigned int i = 0; i < _KSM_KNOB_MAX; i++) {
		struct knob *k = &a->ksm.knob[i];
		int r;

		if (!k->ours || k->gave_up)
			continue;
		a->undo_stale = true;
		to[i] = original_to_write(i, k->original);
		r = give_back_knob(a, i, &from[i]);
		k->gave_up = r < 0;
		k->ours = r < 0;
		if (r < 0 && !failed)
			act_ksm_refused(a, i, r);
		failed |= r < 0;
		written |= (unsigned int)(r > 0) << i;
	}
	if (written)
		act_ksm_say((struct log_event){ .id = LOG_RESTORED }, why, written, from, to);
	if (written & 1U << KSM_RUN && to[KSM_RUN] != a->ksm.knob[KSM_RUN].original)
		log_emitf((struct log_event){ .level = LOG_LEVEL_NOTICE,
					      .id = LOG_RESTORED,
					      .actuator = "ksm",
					      .action = "restore" },
			  "KSM run was 2 before: what was merged since stays merged, for unmerging "
			  "may need more memory than there is; echo 2 >/sys/kernel/mm/ksm/run does "
			  "it");
	act_ksm_publish(a);
}
