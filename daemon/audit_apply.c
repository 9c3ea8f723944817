/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What that the audit finds fault with does the daemon put right, and what does it leave to
 * others? */
#include "audit_private.h"
#include "host_policy.h"
#include "str.h"

/* Said once: whoever has named the rule would wait in vain. */
static void say_left(enum why *left, unsigned int rule, const struct host_wish *w)
{
	bool news = w->why != *left && (w->why == WHY_OWNED_ELSEWHERE || w->why == WHY_IRQBALANCE ||
					w->why == WHY_NO_RESERVED_CPUS);
	char owner[4 * AUDIT_OWNER];

	*left = w->why;
	str_escape(w->owner ? w->owner : "", owner, sizeof owner);
	if (news)
		log_emitf((struct log_event){ .level = LOG_LEVEL_NOTICE,
					      .id = LOG_VERDICT,
					      .actuator = "host",
					      .action = "decide",
					      .reason = why_str(w->why) },
			  "%s is not applied: %s%s%s%s; %s", host_rule_id(rule),
			  why_sentence(w->why), *owner ? " (" : "", owner, *owner ? ")" : "",
			  why_change(w->why));
}

/* A file that somebody has changed since it was looked at would be taken for what it was. */
static const struct audit_host *fresh_facts(const struct kvmtuned *k, uint64_t now_ns)
{
	const struct auditor *a = k->auditor;
	bool is_new = a->looked_ns != a->applied_ns;

	return a->looked_ns && (is_new || now_ns - a->looked_ns < AUDIT_FRESH_S * KT_NS_PER_S)
		       ? &a->host
		       : NULL;
}

static void decide(struct kvmtuned *k, uint64_t now_ns)
{
	struct audit_input in = { .host = fresh_facts(k, now_ns),
				  .topology = &k->topology,
				  .domains = k->guests_known ? k->domains : NULL,
				  .view = k->view,
				  .conf = &k->policy_now,
				  .in_force = act_in_force(k->act) };

	host_policy_step(&in, &k->plan->host);
	for (unsigned int i = 0; i < k->plan->host.nrules; i++)
		say_left(&k->auditor->left[i], i, &k->plan->host.rule[i]);
}

void audit_apply(struct kvmtuned *k, uint64_t now_ns)
{
	struct auditor *a = k->auditor;
	bool reconfigured;

	k->plan->host.due = false;
	if (!a)
		return;
	reconfigured = a->applied_reload != k->reloads + 1;
	if (reconfigured && k->policy_now.host.apply && k->guests_known && k->domains->nused > 0)
		audit_now(k, now_ns);
	if (!reconfigured && a->looked_ns == a->applied_ns)
		return;
	decide(k, now_ns);
	a->applied_ns = a->looked_ns;
	a->applied_reload = k->reloads + 1;
}
