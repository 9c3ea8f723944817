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

enum { RUN_STOPPED = 0, RUN_SCANNING = 1, RUN_UNMERGED = 2, TEXT_MAX = 160 };

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

/* -ESTALE: something else than what was written is there right afterwards, *ret_found. */
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

/* ---- what is said --------------------------------------------------------------- */

/* "run=0 pages_to_scan=100", of those knobs that the mask names. */
static char *knobs_str(unsigned int which, const uint64_t value[_KSM_KNOB_MAX], char *buf,
		       size_t size)
{
	static const enum ksm_knob order[] = { KSM_RUN, KSM_PAGES, KSM_SLEEP };
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < KT_ARRAY_LEN(order); i++) {
		if (!(which & 1U << order[i]))
			continue;
		if (str_format(buf + used, size - used, "%s%s=%" PRIu64, used ? " " : "",
			       ksm_knob_name[order[i]], value[order[i]]) < 0)
			break; /* three names and three numbers fit */
		used += strlen(buf + used);
	}
	return buf;
}

void act_ksm_cede(struct act *a, enum ksm_knob knob, uint64_t found)
{
	struct knob *k = &a->ksm.knob[knob];
	uint64_t value[_KSM_KNOB_MAX];
	char from[TEXT_MAX], to[TEXT_MAX];

	value[knob] = k->asked;
	knobs_str(1U << knob, value, from, sizeof from);
	value[knob] = found;
	knobs_str(1U << knob, value, to, sizeof to);

	k->ours = k->todo = false;
	a->undo_stale = true;
	if (!a->in_force.ksm.ceded)
		log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING,
					      .id = LOG_CEDED,
					      .actuator = "ksm",
					      .action = "cede",
					      .reason = why_str(WHY_CEDED),
					      .from = from,
					      .to = to },
			  "KSM: kvmtuned wrote %s, but there is %s: somebody else runs KSM now (an "
			  "admin, "
			  "ksmtuned, a tuned profile?); kvmtuned leaves it alone until it is "
			  "reloaded",
			  from, to);
	a->in_force.ksm.ceded = true;
}

static const char *hint(int error, enum ksm_knob knob)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
	case -EROFS:
		return "check that it runs as root, and ReadWritePaths= and ProtectKernelTunables= "
		       "of the unit";
	case -EINVAL:
	case -EBUSY:
		return knob == KSM_PAGES ? "the kernel's own advisor sets it while "
					   "/sys/kernel/mm/ksm/advisor_mode is not none"
					 : "this kernel does not take the value";
	default:
		return "reload kvmtuned to have it try again";
	}
}

static void refused(struct act *a, enum ksm_knob knob, int error)
{
	a->in_force.ksm.off = true;
	log_emitf((struct log_event){ .level = LOG_LEVEL_ERR,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "ksm",
				      .action = "refuse",
				      .reason = why_str(WHY_ACTUATOR_OFF),
				      .error = -error },
		  "/sys/kernel/mm/ksm/%s: %s; KSM control is off (%s)", ksm_knob_name[knob],
		  strerror(-error), hint(error, knob));
}

static void say_change(struct log_event event, enum why why, unsigned int which,
		       const uint64_t from[_KSM_KNOB_MAX], const uint64_t to[_KSM_KNOB_MAX])
{
	const char *verb = event.id == LOG_RESTORED ? "restored"
			   : event.dry_run          ? "would be set"
						    : "set";
	char from_text[TEXT_MAX], to_text[TEXT_MAX];

	event.level = LOG_LEVEL_NOTICE;
	event.actuator = "ksm";
	event.reason = reason_str(why);
	event.from = knobs_str(which, from, from_text, sizeof from_text);
	event.to = knobs_str(which, to, to_text, sizeof to_text);
	log_emitf(event, "KSM %s: %s (was %s)%s%s", verb, to_text, from_text,
		  event.reason ? ": " : "", event.reason ? why_sentence(why) : "");
}

static const char *action_of(unsigned int which, const uint64_t to[_KSM_KNOB_MAX])
{
	if (!(which & 1U << KSM_RUN))
		return "adjust";
	return to[KSM_RUN] == RUN_SCANNING ? "start" : "stop";
}

/* ---- plan -> files --------------------------------------------------------------- */

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
		say_change((struct log_event){ .id = LOG_KSM_CHANGED,
					       .action = action_of(which, wanted),
					       .dry_run = true },
			   plan->why, which, found, wanted);
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
		refused(a, failed, r);
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
			refused(a, i, r);
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
		say_change((struct log_event){ .id = LOG_KSM_CHANGED,
					       .action = action_of(written, to) },
			   a->ksm.why, written, from, to);
	act_ksm_publish(a);
}

/* ---- files -> originals ------------------------------------------------------------ */

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
		if (r < 0)
			refused(a, i, r);
		else if (r > 0)
			written |= 1U << i;
	}
	if (written)
		say_change((struct log_event){ .id = LOG_RESTORED, .action = "restore" }, why,
			   written, from, to);
	if (written & 1U << KSM_RUN && to[KSM_RUN] != a->ksm.knob[KSM_RUN].original)
		log_emitf((struct log_event){ .level = LOG_LEVEL_NOTICE,
					      .id = LOG_RESTORED,
					      .actuator = "ksm",
					      .action = "restore" },
			  "KSM run was 2 before: pages that were merged since stay merged, as "
			  "unmerging may "
			  "need more memory than there is; echo 2 >/sys/kernel/mm/ksm/run does it");
	act_ksm_publish(a);
}
