/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said about soft limits, and to whom do they belong? */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "act_private.h"

void act_memory_say(const struct act_guest *g, struct log_event event, uint64_t from_kib,
		    uint64_t to_kib)
{
	char from[KIB_TEXT_MAX], to[KIB_TEXT_MAX];
	enum why why = event.dry_run ? g->limit.said.why : g->limit.why;

	event.actuator = "memory";
	event.reason = reason_str(why);
	event.from = kib_str(from_kib, from);
	event.to = kib_str(to_kib, to);
	guest_log(g, event, "soft limit %s: %s (was %s)%s%s", change_verb(&event), to, from,
		  event.reason ? ": " : "", event.reason ? why_sentence(why) : "");
}

void act_memory_cede(struct act *a, struct act_guest *g, uint64_t found_kib)
{
	struct limit *l = &g->limit;
	char from[KIB_TEXT_MAX], to[KIB_TEXT_MAX];

	l->ours = l->known = false;
	a->undo_stale = true;
	g->in_force.limit_ceded = true;
	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_WARNING,
				      .id = LOG_CEDED,
				      .actuator = "memory",
				      .action = "cede",
				      .reason = why_str(WHY_CEDED),
				      .from = kib_str(l->got, from),
				      .to = kib_str(found_kib, to) },
		  "kvmtuned set a soft limit of %s, but there is %s: somebody else set it (virsh "
		  "memtune, another tuner?); kvmtuned leaves this guest's limits alone until it is "
		  "reloaded",
		  from, to);
}

static void say_lost(const struct act_guest *g)
{
	char to[KIB_TEXT_MAX];

	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_WARNING,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "memory",
				      .action = "refuse",
				      .reason = why_str(WHY_GUEST_LOST),
				      .to = kib_str(g->limit.original, to),
				      .error = ENOENT },
		  "libvirt no longer knows this guest, but its process (%d) lives: its soft limit "
		  "of %" PRIu64 " KiB stays (was %s); end the process, or write the limit into its "
		  "memory cgroup",
		  g->pid, g->in_force.soft_limit_kib, to);
}

void act_memory_lost(struct act_guest *g)
{
	if (g->in_force.limited)
		say_lost(g);
	g->limit = (struct limit){ 0 };
	act_memory_publish(g);
}

static const char *hint(int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return "check libvirt's polkit rules, and that it is qemu:///system";
	case -ENOTSUP:
		return "is a memory cgroup mounted?";
	default:
		return "the debug log has libvirt's words";
	}
}

void act_memory_refused(const struct act *a, struct act_guest *g, int error)
{
	char to[KIB_TEXT_MAX], time[RETRY_TEXT_MAX];

	if (g->in_force.limit_off)
		return;
	g->in_force.limit_off = true;
	if (!act_error_is_final(error))
		act_retry_later(&g->limit.retry, a->now_ns);
	guest_log(g,
		  (struct log_event){ .level = LOG_LEVEL_ERR,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "memory",
				      .action = "refuse",
				      .reason = why_str(WHY_ACTUATOR_OFF),
				      .to = kib_str(g->limit.asked, to),
				      .error = -error },
		  "libvirt did not set the soft limit to %s: %s (%s); limits of this guest are "
		  "off%s",
		  to, strerror(-error), hint(error), act_retry_str(&g->limit.retry, time));
}
