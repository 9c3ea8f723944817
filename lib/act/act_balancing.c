/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is kernel.numa_balancing as the plan wishes it, and the administrator's again afterwards?
 *
 * A number since Linux 5.18: 0 is off, 1 moves memory to who uses it, 2 demotes what nobody
 * uses, 3 does both.  Whoever had it on gets his own number back. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "act_private.h"
#include "str.h"

static const char file[] = "proc/sys/kernel/numa_balancing";

static int read_it(const struct act *a, uint64_t *ret)
{
	return hostfs_read_u64(a->fs, file, ret);
}

/* -ESTALE: something else is there right afterwards, *ret_found. */
static int write_it(const struct act *a, uint64_t value, uint64_t *ret_found)
{
	char text[24];
	int r = str_format(text, sizeof text, "%" PRIu64 "\n", value);

	if (r == 0)
		r = hostfs_write(a->fs, file, text);
	if (r == 0)
		r = read_it(a, ret_found);
	return r == 0 && *ret_found != value ? -ESTALE : r;
}

void act_balancing_publish(struct act *a)
{
	const struct act_balancing *b = &a->balancing;

	a->in_force.balancing = (struct balancing_in_force){ .ours = b->knob.ours,
							     .ceded = b->ceded,
							     .off = b->off };
}

/* ---- what is said ---------------------------------------------------------- */

static void say(struct log_event event, enum why why, uint64_t from, uint64_t to)
{
	char from_text[24], to_text[24];

	(void)snprintf(from_text, sizeof from_text, "%" PRIu64, from); /* every number fits */
	(void)snprintf(to_text, sizeof to_text, "%" PRIu64, to);
	event.level = LOG_LEVEL_NOTICE;
	event.actuator = "numa_balancing";
	event.action = event.id == LOG_RESTORED ? "restore" : to ? "start" : "stop";
	event.reason = reason_str(why);
	event.from = from_text;
	event.to = to_text;
	log_emitf(event, "kernel.numa_balancing %s: %s (was %s)%s", change_verb(&event), to_text,
		  from_text, event.id == LOG_RESTORED ? "" : ", while guests are placed");
}

void act_balancing_cede(struct act *a, uint64_t found)
{
	struct act_balancing *b = &a->balancing;
	char from[24], to[24];

	(void)snprintf(from, sizeof from, "%" PRIu64, b->knob.asked); /* every number fits */
	(void)snprintf(to, sizeof to, "%" PRIu64, found);
	b->knob = (struct knob){ 0 };
	b->ceded = true;
	a->undo_stale = true;
	log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING,
				      .id = LOG_CEDED,
				      .actuator = "numa_balancing",
				      .action = "cede",
				      .reason = why_str(WHY_CEDED),
				      .from = from,
				      .to = to },
		  "kvmtuned wrote %s into kernel.numa_balancing, but there is %s: somebody else "
		  "sets it (an admin, a tuned profile?); kvmtuned leaves it alone until it is "
		  "reloaded",
		  from, to);
}

/* The kernel asks for CAP_SYS_ADMIN, too, which the unit does not give: it opens far more
 * than this file. */
static const char *hint(int error)
{
	switch (error) {
	case -EACCES:
	case -EROFS:
		return "it takes ReadWritePaths=-/proc/sys/kernel/numa_balancing and "
		       "CapabilityBoundingSet=CAP_SYS_ADMIN in a drop-in of the unit: systemctl "
		       "edit kvmtuned; or set it with sysctl(8)";
	case -EPERM:
		return "the kernel lets nobody write it without CAP_SYS_ADMIN: add that to "
		       "CapabilityBoundingSet= of the unit, or set it with sysctl(8)";
	default:
		return "the kernel's log may say more";
	}
}

static void refused(struct act *a, int error)
{
	struct act_balancing *b = &a->balancing;
	char time[RETRY_TEXT_MAX];

	if (act_error_is_ours(error)) {
		act_say_ours(a, file, error);
		return;
	}
	if (b->off)
		return;
	b->off = true;
	if (!act_error_is_final(error))
		act_retry_later(&b->retry, a->now_ns);
	log_emitf((struct log_event){ .level = LOG_LEVEL_ERR,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "numa_balancing",
				      .action = "refuse",
				      .reason = why_str(WHY_ACTUATOR_OFF),
				      .error = -error },
		  "/%s: %s; kvmtuned leaves it as it is%s (%s)", file, strerror(-error),
		  act_retry_str(&b->retry, time), hint(error));
}

/* Is what is there ours?  Where nobody could read it for a while it may also be what was there
 * before: then nothing was written. */
static bool recognise(struct act *a, uint64_t found)
{
	struct knob *k = &a->balancing.knob;

	if (k->doubt && found == k->before) {
		*k = (struct knob){ 0 };
		a->undo_stale = true;
	}
	k->doubt = false;
	return !k->ours || found == k->asked;
}

/* ---- the way back ---------------------------------------------------------- */

/* 1: given back; 0: nothing to do; -errno.  Somebody else's value stays. */
static int restore(struct act *a, uint64_t *ret_found)
{
	struct knob *k = &a->balancing.knob;
	uint64_t original = k->original, found = 0;
	int r = read_it(a, ret_found);

	if (r < 0 || *ret_found == original)
		return act_file_has_gone(a, file, r) ? 0 : r;
	if (!recognise(a, *ret_found)) {
		act_balancing_cede(a, *ret_found);
		return 0;
	}
	k->before = original;
	k->doubt = true; /* until it has been read back */
	r = write_it(a, original, &found);
	if (r == -ESTALE)
		act_balancing_cede(a, found);
	return r == -ESTALE ? 0 : r < 0 ? r : 1;
}

void act_balancing_give_back(struct act *a, enum why why)
{
	struct knob *k = &a->balancing.knob;
	uint64_t original = k->original, from = 0;
	int r;

	if (!k->ours || k->gave_up)
		return;
	a->undo_stale = true;
	r = restore(a, &from);
	k->gave_up = r < 0 && !act_error_is_ours(r);
	k->ours = r < 0;
	if (r > 0)
		say((struct log_event){ .id = LOG_RESTORED }, why, from, original);
	if (r < 0)
		refused(a, r);
	act_balancing_publish(a);
}

/* ---- plan -> file ---------------------------------------------------------- */

static uint64_t wanted(enum ksm_switch wish, uint64_t original)
{
	return wish == KSM_SWITCH_OFF ? 0 : KT_MAX(original, UINT64_C(1));
}

/* Once per wish, however often it comes. */
static void dry_run(struct act *a, enum ksm_switch wish)
{
	uint64_t found;

	if (wish == a->balancing.said)
		return;
	a->balancing.said = wish;
	if (read_it(a, &found) == 0 && wanted(wish, found) != found)
		say((struct log_event){ .id = LOG_BALANCING_CHANGED, .dry_run = true }, WHY_NONE,
		    found, wanted(wish, found));
}

static void note(struct act *a, uint64_t found, uint64_t value)
{
	a->balancing.knob = (struct knob){
		.ours = true, .todo = true, .original = found, .before = found, .asked = value
	};
	a->must_save = true;
}

/* Ours is either as asked for or goes back: there is no third value that it could become. */
static void compare(struct act *a, enum ksm_switch wish, uint64_t found)
{
	const struct knob *k = &a->balancing.knob;
	bool foreign = !recognise(a, found);
	uint64_t value = wanted(wish, k->ours ? k->original : found);

	if (value == found)
		a->balancing.retry.wait_s = 0;
	if (foreign)
		act_balancing_cede(a, found);
	else if (k->ours && value == k->original)
		act_balancing_give_back(a, WHY_NONE);
	else if (value != found)
		note(a, found, value);
}

void act_balancing_last_chance(struct act *a)
{
	if (a->balancing.retry.at_ns)
		a->balancing.knob.gave_up = false;
}

static void try_again(struct act *a)
{
	struct act_balancing *b = &a->balancing;

	if (!act_retry_is_due(&b->retry, a->now_ns))
		return;
	b->off = b->knob.gave_up = false;
}

void act_balancing_prepare(struct act *a, enum ksm_switch wish)
{
	struct act_balancing *b = &a->balancing;
	uint64_t found = 0;
	int r;

	try_again(a);
	if (wish == KSM_SWITCH_KEEP) {
		b->said = KSM_SWITCH_KEEP;
		act_balancing_give_back(a, WHY_NONE);
		return;
	}
	if (b->off || b->ceded)
		return;
	if (a->look_only) {
		dry_run(a, wish);
		return;
	}
	r = read_it(a, &found);
	if (r == 0)
		compare(a, wish, found);
	else if (r != -ENOENT) /* a kernel without it has nothing to switch off */
		refused(a, r);
	act_balancing_publish(a);
}

void act_balancing_abandon(struct act *a)
{
	if (a->balancing.knob.todo)
		a->balancing.knob = (struct knob){ 0 };
	act_balancing_publish(a);
}

/* It may have been done all the same. */
static void write_failed(struct act *a, int error)
{
	uint64_t found = 0;

	a->balancing.knob.doubt = a->undo_stale = true;
	if (read_it(a, &found) == 0 && !recognise(a, found))
		act_balancing_cede(a, found);
	else
		refused(a, error);
}

void act_balancing_execute(struct act *a)
{
	struct knob *k = &a->balancing.knob;
	uint64_t found = 0;
	int r;

	if (!k->todo)
		return;
	k->todo = false;
	r = write_it(a, k->asked, &found);
	if (r == 0)
		say((struct log_event){ .id = LOG_BALANCING_CHANGED }, WHY_NONE, k->before,
		    k->asked);
	else if (r == -ESTALE)
		act_balancing_cede(a, found);
	else
		write_failed(a, r);
	act_balancing_publish(a);
}

/* ---- another life ---------------------------------------------------------- */

void act_balancing_check(struct act *a)
{
	struct knob *k = &a->balancing.knob;
	uint64_t found = 0;
	int r;

	if (!k->ours)
		return;
	r = read_it(a, &found);
	k->doubt = true;
	if (act_file_has_gone(a, file, r))
		k->ours = false;
	else if (r == 0 && !recognise(a, found))
		act_balancing_cede(a, found);
	act_balancing_publish(a);
}
