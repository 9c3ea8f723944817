/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit as a whole: look, judge, tell.  Never writes. */
#ifndef KT_AUDIT_RUN_H
#define KT_AUDIT_RUN_H

#include <json-c/json.h>

#include "audit.h"
#include "kvmtuned.h"

/* How much there is to say; of guests' rules over all guests. */
struct audit_counts {
	bool known; /* there has been an audit */
	int64_t unix_s;
	unsigned int findings[_AUDIT_SEVERITY_MAX], unknown, ok, not_applicable;
};

/* Rules that are judged; tests have their own. */
struct audit_table {
	const struct audit_rule *host, *guest;
	size_t nhost, nguest;
};

/* NULL: all of audit.h.  Half a megabyte; NULL: no memory. */
struct auditor *auditor_new(const struct audit_table *table);
void auditor_free(struct auditor *a);

/* In the daemon, at each tick: audits when [audit] interval_s has passed and guests run, or a
 * minute when one of them is new, and says what has changed. */
void audit_tick(struct kvmtuned *k, uint64_t now_ns);

/* Now, because somebody asks.  The host is looked at again when that was 10 s ago. */
void audit_now(struct kvmtuned *k, uint64_t now_ns);

/* Of the last audit; known is false when there was none. */
struct audit_counts audit_counts_of(const struct kvmtuned *k);
/* The host as the last audit saw it; NULL: there was none. */
const struct audit_host *audit_facts(const struct kvmtuned *k);

/* audit_apply.c, at each tick: what [host] apply names goes into the plan, when the host has been
 * looked at or the configuration has changed. */
void audit_apply(struct kvmtuned *k, uint64_t now_ns);

/* kvmtuned --audit: without a daemon, prints the JSON of GET /v1/audit?all=1.  The exit status:
 * 0, 4 with findings, 1 failed. */
int audit_offline(struct kvmtuned *k, FILE *out);

/* ---- for those who tell of it ------------------------------------------------------------- */

/* Verdicts of all rules but those that the configuration ignores: the host's first, then those
 * of each guest; or of one guest alone.  `in` is the verdict's, with its slot. */
typedef void audit_heard_fn(const struct audit_rule *rule, const struct audit_input *in,
			    const struct audit_verdict *verdict, void *context);
void audit_each(const struct kvmtuned *k, audit_heard_fn *heard, void *context);
void audit_each_of_guest(const struct kvmtuned *k, size_t slot, audit_heard_fn *heard,
			 void *context);

/* answer_audit.c: the object of GET /v1/audit.  slot < 0: the host and all guests; else that
 * guest.  all: not only findings and what is unknown. */
struct json_object *audit_document(const struct kvmtuned *k, int slot, bool all);

/* ---- audit_text.c ------------------------------------------------------------------------- */

enum { AUDIT_TEXT_MAX = 2 * KT_CPULIST_MAX + 1024 };

/* A row's text with its places filled in: printable ASCII, and "..." in the place of a word that
 * a shell or XML would not take as it is, where `is_command`.  Returns buf. */
char *audit_text(const char *text, const struct audit_verdict *verdict, const struct uuid *guest,
		 bool is_command, char buf[AUDIT_TEXT_MAX]);

const char *audit_result_str(enum audit_result result);       /* "ok", "not-applicable", ... */
const char *audit_severity_str(enum audit_severity severity); /* "note", "warning", ... */
const char *audit_class_str(enum audit_class class);          /* "tuned", "live", ... */

#endif
