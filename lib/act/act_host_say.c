/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said about the files of the host that audit rules are about?
 *
 * One event for all interrupts of a rule: there may be hundreds. */
#include <errno.h>
#include <string.h>

#include "act_private.h"

/* As much of a list of CPUs as a sentence bears. */
#define SHORT "%.200s"

void act_host_count(struct host_tally *tally, const struct host_value *v, const char *from,
		    const char *to)
{
	if (tally->n++ > 0)
		return;
	tally->irq = v->irq;
	strcpy(tally->from, from);
	strcpy(tally->to, to);
}

void act_host_say(struct log_event event, unsigned int rule, enum why why,
		  const struct host_tally *tally)
{
	const char *id = host_rule_id(rule), *verb = change_verb(&event);

	event.level = LOG_LEVEL_NOTICE;
	event.actuator = "host";
	event.action = event.id == LOG_RESTORED ? "restore" : "set";
	event.reason = reason_str(why);
	event.from = tally->from;
	event.to = tally->to;
	if (act_host_is_of_irqs(rule))
		log_emitf(event,
			  "CPUs of %zu interrupts %s (%s), the first of them: " SHORT
			  " for interrupt %u (was " SHORT ")",
			  tally->n, verb, id, tally->to, tally->irq, tally->from);
	else
		log_emitf(event, "/%s %s (%s): " SHORT " (was " SHORT ")", host_rule_path(rule),
			  verb, id, tally->to, tally->from);
}

void act_host_cede(struct act *a, struct host_value *v, const char *found)
{
	uint64_t bit = act_host_bit(v->rule);
	bool said = a->host.ceded & bit;
	char path[KT_PATH_MAX];

	v->ours = v->todo = v->theirs = false;
	a->host.ceded |= bit;
	a->undo_stale = true;
	if (said)
		return;
	log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING,
				      .id = LOG_CEDED,
				      .actuator = "host",
				      .action = "cede",
				      .reason = why_str(WHY_CEDED),
				      .from = v->asked,
				      .to = found },
		  "kvmtuned wrote " SHORT " into /%s (%s), but there is " SHORT
		  ": somebody else sets it; kvmtuned leaves it alone until it is reloaded",
		  v->asked, act_host_path(v, path), host_rule_id(v->rule), found);
}

/* The line that would let us write it: all that is before the number of an interrupt. */
static int writable_length(const char *path)
{
	const char *number = strstr(path, "/{0}");

	return number ? (int)(number - path) : (int)strlen(path);
}

static void say_refused(const struct act *a, const struct host_value *v, int error,
			const char *hint)
{
	const char *path = host_rule_path(v->rule);
	bool sandboxed = error == -EROFS || error == -EACCES;
	char file[KT_PATH_MAX], time[RETRY_TEXT_MAX];

	log_emitf((struct log_event){ .level = LOG_LEVEL_ERR,
				      .id = LOG_WRITE_REFUSED,
				      .actuator = "host",
				      .action = "refuse",
				      .reason = why_str(WHY_ACTUATOR_OFF),
				      .error = -error },
		  "/%s (%s): %s; kvmtuned leaves it as it is%s (%s%s%.*s)", act_host_path(v, file),
		  host_rule_id(v->rule), strerror(-error),
		  act_retry_str(&a->host.retry[v->rule], time), hint, sandboxed ? "/" : "",
		  sandboxed ? writable_length(path) : 0, path);
}

/* Some interrupts stay where they are, whoever asks: the kernel manages them, or the controller
 * cannot direct them.  Or we could not remember where they were.  The others of the rule are
 * moved all the same. */
static bool is_fixed(const struct host_value *v, int error)
{
	return act_host_is_of_irqs(v->rule) && !v->ours &&
	       (error == -EIO || error == -EINVAL || error == -EFBIG);
}

static void say_fixed(struct act *a, const struct host_value *v, int error)
{
	if (!a->host.fixed_said)
		log_info("interrupt %u stays where it is: %s; others may, too (%s)", v->irq,
			 strerror(-error), host_rule_id(v->rule));
	a->host.fixed_said = true;
}

void act_host_refused(struct act *a, struct host_value *v, int error)
{
	uint64_t bit = act_host_bit(v->rule);
	bool said = a->host.off & bit;
	char path[KT_PATH_MAX];

	if (act_error_is_ours(error)) {
		act_say_ours(a, act_host_path(v, path), error);
		a->host.again = true;
		return;
	}
	if (is_fixed(v, error)) {
		v->fixed = true;
		say_fixed(a, v, error);
		return;
	}
	a->host.off |= bit;
	if (said)
		return;
	if (!act_error_is_final(error))
		act_retry_later(&a->host.retry[v->rule], a->now_ns);
	switch (error) {
	case -EACCES:
	case -EROFS:
		say_refused(a, v, error,
			    "ProtectKernelTunables= of the unit protects it: systemctl edit "
			    "kvmtuned, there [Service] and ReadWritePaths=-");
		break;
	case -EPERM:
		say_refused(a, v, error,
			    "the kernel wants a capability for it that the unit does not give: "
			    "set it with sysctl(8), and take the rule out of apply in [host]");
		break;
	default:
		say_refused(a, v, error, "the kernel's log may say more");
	}
}
