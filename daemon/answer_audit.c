/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rules of tuning do the host and its guests break, and how is that mended? */
#include <string.h>

#include "answer_private.h"
#include "audit_run.h"
#include "conf_table.h"
#include "str.h"

struct listing {
	const struct kvmtuned *k;
	struct json_object *results;
	unsigned int findings[_AUDIT_SEVERITY_MAX], n[_AUDIT_RESULT_MAX];
	bool all;
};

static void put_guest(struct json_object *o, const struct domain *d)
{
	char uuid[KT_UUID_STR];

	json_put_name(o, "guest", d ? d->name : NULL);
	json_put_text(o, "uuid", d ? uuid_str(&d->uuid, uuid) : NULL);
}

/* Empty: null. */
static void put_filled(struct json_object *o, const char *key, const char *text,
		       const struct audit_verdict *verdict, const struct domain *d, bool is_command)
{
	char filled[AUDIT_TEXT_MAX];

	json_put_text(o, key,
		      text && *text
			      ? audit_text(text, verdict, d ? &d->uuid : NULL, is_command, filled)
			      : NULL);
}

/* Of a file's name, or of a profile's. */
static void put_printable(struct json_object *o, const char *key, const char *raw)
{
	char text[4 * AUDIT_OWNER];

	json_put_text(o, key, raw ? str_escape(raw, text, sizeof text) : NULL);
}

static void put_reason(struct json_object *o, const struct audit_verdict *verdict)
{
	char text[512];

	if (verdict->reason && verdict->error)
		(void)snprintf(text, sizeof text, "%s (%s)", verdict->reason,
			       strerror(verdict->error));
	json_put_text(o, "reason", verdict->reason && verdict->error ? text : verdict->reason);
}

static struct json_object *result_of(const struct audit_rule *rule, const struct domain *d,
				     const struct audit_verdict *verdict)
{
	bool judged = verdict->result == AUDIT_OK || verdict->result == AUDIT_FINDING;
	struct json_object *o = json_object_new_object();

	json_put_text(o, "id", rule->id);
	json_put_text(o, "severity", audit_severity_str(rule->severity));
	json_put_text(o, "class", audit_class_str(rule->class));
	json_put_text(o, "result", audit_result_str(verdict->result));
	put_guest(o, d);
	put_filled(o, "is", judged ? rule->is : NULL, verdict, d, false);
	put_filled(o, "should", judged ? rule->should : NULL, verdict, d, false);
	json_put_text(o, "why", rule->why);
	json_put_text(o, "source", rule->source);
	put_filled(o, "fix", verdict->result == AUDIT_FINDING ? rule->fix : NULL, verdict, d, true);
	put_printable(o, "owner", verdict->owner);
	put_reason(o, verdict);
	return o;
}

static void take(const struct audit_rule *rule, const struct audit_input *in,
		 const struct audit_verdict *verdict, void *context)
{
	struct listing *l = context;
	const struct domain *d = rule->is_of_guest ? &l->k->domains->slot[in->slot].domain : NULL;

	l->n[verdict->result]++;
	l->findings[rule->severity] += verdict->result == AUDIT_FINDING;
	if (l->all || verdict->result == AUDIT_FINDING || verdict->result == AUDIT_UNKNOWN)
		json_add(l->results, result_of(rule, d, verdict));
}

static struct json_object *summary_of(const struct listing *l)
{
	struct json_object *o = json_object_new_object();

	for (int severity = _AUDIT_SEVERITY_MAX - 1; severity >= 0; severity--)
		json_put_count(o, audit_severity_str((enum audit_severity)severity),
			       l->findings[severity]);
	json_put_count(o, "unknown", l->n[AUDIT_UNKNOWN]);
	json_put_count(o, "ok", l->n[AUDIT_OK]);
	json_put_count(o, "not_applicable", l->n[AUDIT_NOT_APPLICABLE]);
	return o;
}

static struct json_object *ignored_of(const struct conf *conf)
{
	struct json_object *ids = json_object_new_array();
	char text[CONF_VALUE_MAX], *rest = text;

	conf_rule_ids_text(&conf->audit_ignore, text, sizeof text);
	for (char *id; (id = strsep(&rest, " "));)
		if (*id)
			json_add(ids, json_object_new_string(id));
	return ids;
}

struct json_object *audit_document(const struct kvmtuned *k, int slot, bool all)
{
	struct listing l = { .k = k, .results = json_object_new_array(), .all = all };
	const struct audit_host *host = audit_facts(k);
	struct json_object *o = answer_new();

	if (slot < 0)
		audit_each(k, take, &l);
	else
		audit_each_of_guest(k, (size_t)slot, take, &l);
	json_put_count(o, "unix_s", (uint64_t)audit_counts_of(k).unix_s);
	json_put_bool(o, "guests_known", k->guests_known);
	put_printable(o, "tuned_profile",
		      host && host->tuned_profile[0] ? host->tuned_profile : NULL);
	json_put_object(o, "ignored", ignored_of(&k->conf));
	json_put_object(o, "summary", summary_of(&l));
	json_put_object(o, "results", l.results);
	return o;
}

void answer_audit(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	int slot = q->given & ASKS_GUEST ? answer_find_guest(k, q, ret) : -1;

	if (q->given & ASKS_GUEST && slot < 0)
		return;
	audit_now(k, now_monotonic_ns());
	ret->json = audit_document(k, slot, q->given & ASKS_ALL);
}
