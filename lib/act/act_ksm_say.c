/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said about KSM's files, and to whom do they belong? */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "act_private.h"
#include "str.h"

enum { TEXT_MAX = 256 };

static int knob_str(enum ksm_knob knob, uint64_t value, char *buf, size_t size)
{
	if (knob == KSM_ADVISOR)
		return str_format(buf, size, "%s=%s", ksm_knob_name[knob],
				  ksm_advisor_word[value != 0]);
	return str_format(buf, size, "%s=%" PRIu64, ksm_knob_name[knob], value);
}

/* "run=0 pages_to_scan=100", of those knobs that the mask names. */
static char *knobs_str(unsigned int which, const uint64_t value[_KSM_KNOB_MAX], char *buf,
		       size_t size)
{
	static const enum ksm_knob order[] = { KSM_RUN,        KSM_PAGES,   KSM_SLEEP,
					       KSM_SMART_SCAN, KSM_ADVISOR, KSM_NODES,
					       KSM_ZERO_PAGES };
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < KT_ARRAY_LEN(order); i++) {
		if (!(which & 1U << order[i]))
			continue;
		if (used)
			buf[used++] = ' ';
		if (knob_str(order[i], value[order[i]], buf + used, size - used - 1) < 0)
			break; /* all names and numbers fit */
		used += strlen(buf + used);
	}
	return buf;
}

void act_ksm_cede(struct act *a, enum ksm_knob knob, uint64_t found)
{
	struct knob *k = &a->ksm.knob[knob];
	uint64_t value[_KSM_KNOB_MAX] = { 0 };
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
			  "admin, ksmtuned, a tuned profile?); kvmtuned leaves it alone until it "
			  "is reloaded",
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
		return "the kernel's log may say more";
	}
}

void act_ksm_refused(struct act *a, enum ksm_knob knob, int error)
{
	char path[KSM_PATH_MAX], time[RETRY_TEXT_MAX];

	if (act_error_is_ours(error)) {
		act_say_ours(a, act_ksm_path(knob, path), error);
		return;
	}
	if (a->in_force.ksm.off)
		return;
	a->in_force.ksm.off = true;
	if (!act_error_is_final(error))
		act_retry_later(&a->ksm.retry, a->now_ns);
	log_emitf((struct log_event){ .level = LOG_LEVEL_ERR,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "ksm",
				      .action = "refuse",
				      .reason = why_str(WHY_ACTUATOR_OFF),
				      .error = -error },
		  "/%s: %s; KSM control is off%s (%s)", act_ksm_path(knob, path), strerror(-error),
		  act_retry_str(&a->ksm.retry, time), hint(error, knob));
}

void act_ksm_say_no_room(struct act *a)
{
	if (a->ksm.no_room_said)
		return;
	a->ksm.no_room_said = true;
	log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "ksm",
				      .action = "refuse",
				      .reason = why_str(WHY_NO_ROOM) },
		  "KSM: merge_across_nodes stays as it is: it can only change while nothing is "
		  "merged, and there may not be room for all that is merged (in memory, or below "
		  "a guest's limit); after the next boot, or after echo 2 >/sys/kernel/mm/ksm/run "
		  "at your own risk, it can be set");
}

static const char *action_of(unsigned int which, const uint64_t to[_KSM_KNOB_MAX])
{
	if (!(which & 1U << KSM_RUN))
		return "adjust";
	return to[KSM_RUN] == RUN_SCANNING ? "start" : "stop";
}

/* Speed alone, for the same reason as before: only those who debug want to know. */
static bool is_detail(const struct act *a, enum why why, unsigned int which)
{
	return why == a->ksm.why_said && !(which & ~(1U << KSM_PAGES | 1U << KSM_SLEEP));
}

void act_ksm_say(struct act *a, struct log_event event, enum why why, unsigned int which,
		 const uint64_t from[_KSM_KNOB_MAX], const uint64_t to[_KSM_KNOB_MAX])
{
	char from_text[TEXT_MAX], to_text[TEXT_MAX];

	event.level = is_detail(a, why, which) ? LOG_LEVEL_DEBUG : LOG_LEVEL_NOTICE;
	a->ksm.why_said = why;
	event.actuator = "ksm";
	event.action = event.id == LOG_RESTORED ? "restore" : action_of(which, to);
	event.reason = reason_str(why);
	event.from = knobs_str(which, from, from_text, sizeof from_text);
	event.to = knobs_str(which, to, to_text, sizeof to_text);
	log_emitf(event, "KSM %s: %s (was %s)%s%s", change_verb(&event), to_text, from_text,
		  event.reason ? ": " : "", event.reason ? why_sentence(why) : "");
}
