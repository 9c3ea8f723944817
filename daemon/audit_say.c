/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has the audit found that is new, and what is in order now?
 *
 * One line for each rule, however many guests it is about: a hundred guests that are made alike
 * have the same faults. */
#include "audit_private.h"

#include <string.h>

#include "str.h"

enum { LINES_MAX = 20 };

struct change {
	const struct audit_rule *rule;
	unsigned int nguests; /* 0: a rule of the host */
	size_t slot;          /* of the first guest */
	bool is_new;          /* else gone */
};

struct speech {
	const struct kvmtuned *k;
	const struct audit_found *before;
	unsigned int lines, unsaid;
};

/* "web-01: ", "web-01 and 3 more guests: "; "" for the host. */
static const char *whose(const struct speech *s, const struct change *c, char *buf, size_t size)
{
	char name[4 * KT_NAME_MAX];

	buf[0] = '\0';
	if (!c->nguests)
		return buf;
	str_escape(s->k->domains->slot[c->slot].domain.name, name, sizeof name);
	if (c->nguests == 1)
		(void)snprintf(buf, size, "%s: ", name);
	else
		(void)snprintf(buf, size, "%s and %u more: ", name, c->nguests - 1);
	return buf;
}

static struct log_event event_of(const struct speech *s, const struct change *c,
				 char name[4 * KT_NAME_MAX])
{
	struct log_event event = { .level = LOG_LEVEL_INFO,
				   .id = LOG_AUDIT_FINDING,
				   .action = c->is_new ? "finding" : "finding-gone" };
	const struct domain *d = &s->k->domains->slot[c->slot].domain;

	if (c->is_new && c->rule->severity == AUDIT_CRITICAL)
		event.level = LOG_LEVEL_WARNING;
	if (c->nguests == 1) {
		event.guest = str_escape(d->name, name, (size_t)(4 * KT_NAME_MAX));
		event.uuid = &d->uuid;
	}
	return event;
}

static void say(struct speech *s, const struct change *c)
{
	char name[4 * KT_NAME_MAX], who[4 * KT_NAME_MAX + 32], is[AUDIT_TEXT_MAX],
		should[AUDIT_TEXT_MAX];
	struct audit_verdict verdict;

	if (s->lines >= LINES_MAX) {
		s->unsaid++;
		return;
	}
	s->lines++;
	audit_ask(s->k, c->rule, c->slot, &verdict);
	audit_text(c->rule->is, &verdict, NULL, false, is);
	if (c->is_new)
		log_emitf(event_of(s, c, name), "audit: %s (%s): %s%s; should be: %s", c->rule->id,
			  audit_severity_str(c->rule->severity), whose(s, c, who, sizeof who), is,
			  audit_text(c->rule->should, &verdict, NULL, false, should));
	else
		log_emitf(event_of(s, c, name), "audit: %s: %sthe finding is gone", c->rule->id,
			  whose(s, c, who, sizeof who));
}

static void say_of_host(struct speech *s, size_t i)
{
	const struct auditor *a = s->k->auditor;
	bool was = s->before->host >> i & 1, is = a->found.host >> i & 1;

	if (was != is)
		say(s, &(struct change){ .rule = &a->table.host[i], .is_new = is });
}

static void say_of_guests(struct speech *s, size_t i, bool is_new)
{
	const struct auditor *a = s->k->auditor;
	struct change c = { .rule = &a->table.guest[i], .is_new = is_new };

	for (size_t slot = 0; slot < s->k->domains->nslots; slot++) {
		bool was = s->before->guest[slot] >> i & 1, is = a->found.guest[slot] >> i & 1;

		/* A guest that has gone takes its findings along, and nobody misses them. */
		if (was == is || is != is_new || !s->k->domains->slot[slot].used)
			continue;
		if (!c.nguests++)
			c.slot = slot;
	}
	if (c.nguests)
		say(s, &c);
}

void audit_say_changes(const struct kvmtuned *k, const struct audit_found *before)
{
	const struct audit_table *t = &k->auditor->table;
	struct speech s = { .k = k, .before = before };

	for (size_t i = 0; i < KT_MIN(t->nhost, (size_t)AUDIT_RULES_MAX); i++)
		say_of_host(&s, i);
	for (size_t i = 0; i < KT_MIN(t->nguest, (size_t)AUDIT_RULES_MAX); i++) {
		say_of_guests(&s, i, true);
		say_of_guests(&s, i, false);
	}
	if (s.unsaid)
		log_emitf((struct log_event){ .level = LOG_LEVEL_INFO,
					      .id = LOG_AUDIT_FINDING,
					      .action = "more-findings" },
			  "audit: %u more rules have new findings, or none any more; kvmtunectl "
			  "audit shows all",
			  s.unsaid);
}
