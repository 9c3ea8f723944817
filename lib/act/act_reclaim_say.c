/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said about memory that is reclaimed? */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "act_private.h"

static uint64_t mib(uint64_t kib)
{
	return (kib + 1023) / 1024;
}

static struct log_event change(enum log_level level, enum why why)
{
	return (struct log_event){ .level = level,
				   .id = LOG_MEMTUNE_CHANGED,
				   .actuator = "memory",
				   .action = "reclaim",
				   .reason = reason_str(why) };
}

static void say(const struct act_guest *g, struct log_event event, enum why why, uint64_t got_kib,
		uint64_t from_kib, uint64_t to_kib, const char *verb)
{
	char from[KIB_TEXT_MAX], to[KIB_TEXT_MAX];

	event.from = kib_str(from_kib, from);
	event.to = kib_str(to_kib, to);
	guest_log(g, event, "%" PRIu64 " MiB of its memory %s (%s were in use, now %s)%s%s",
		  mib(got_kib), verb, from, to, event.reason ? ": " : "",
		  event.reason ? why_sentence(why) : "");
}

void act_reclaim_say_dry(const struct act_guest *g, uint64_t usage_kib)
{
	const struct memory_plan *wish = &g->reclaim.wish;
	struct log_event event = change(LOG_LEVEL_NOTICE, wish->why);
	char from[KIB_TEXT_MAX], to[KIB_TEXT_MAX];

	event.dry_run = true;
	event.from = kib_str(usage_kib, from);
	event.to = kib_str(wish->target_kib, to);
	guest_log(g, event, "of its memory %" PRIu64 " MiB would be reclaimed (%s are in use)%s%s",
		  mib(usage_kib - wish->target_kib), from, event.reason ? ": " : "",
		  event.reason ? why_sentence(wish->why) : "");
}

void act_reclaim_say_step(struct act_guest *g)
{
	struct reclaim *r = &g->reclaim;
	bool first = !r->told_kib;

	if (!r->answer.got_kib)
		return;
	say(g, change(first ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG, r->why), r->why,
	    r->answer.got_kib, r->answer.from_kib, r->answer.now_kib, "was reclaimed");
	if (first)
		r->told_kib = r->got_kib;
}

void act_reclaim_say_total(const struct act_guest *g, enum why why)
{
	const struct reclaim *r = &g->reclaim;
	char verb[64];

	if (r->got_kib <= r->told_kib)
		return;
	(void)snprintf(verb, sizeof verb, "was reclaimed in %u step%s until it was let go",
		       r->steps, r->steps == 1 ? "" : "s");
	say(g, change(LOG_LEVEL_NOTICE, why), why, r->got_kib, r->from_kib, r->now_kib, verb);
}

void act_reclaim_say_late(struct act_guest *g)
{
	if (g->reclaim.late_told)
		return;
	g->reclaim.late_told = true;
	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_WARNING,
				      .actuator = "memory",
				      .action = "interrupt",
				      .error = ETIMEDOUT },
		  "reclaiming 4 MiB of its memory took more than 10 s and was interrupted: swap "
		  "is too slow to give memory back in time (a disk at its limit? zram and zswap "
		  "are faster)");
}

void act_reclaim_say_failed(struct act_guest *g)
{
	if (g->reclaim.failure_told)
		return;
	g->reclaim.failure_told = true;
	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_WARNING,
				      .actuator = "memory",
				      .action = "reclaim",
				      .error = g->reclaim.answer.error },
		  "its memory could not be reclaimed: %s", strerror(g->reclaim.answer.error));
}

static const char *advice(int error)
{
	if (error == EROFS || error == EACCES || error == EPERM)
		return "check ReadWritePaths=-/sys/fs/cgroup/machine.slice of the unit, and that "
		       "guests are below it";
	return "it takes Linux 5.19 or later";
}

void act_reclaim_say_refused(const struct act_guest *g, int error)
{
	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_WARNING,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "memory",
				      .action = "refuse",
				      .reason = why_str(WHY_ACTUATOR_OFF),
				      .error = error },
		  "memory.reclaim of its cgroup cannot be written: %s (%s); until kvmtuned is "
		  "reloaded, memory of guests for which this fails is not reclaimed, and [memory] "
		  "backend = auto sets soft limits instead, as backend = limit always does",
		  strerror(error), advice(error));
}
