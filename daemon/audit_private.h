/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What audit_run.c, audit_say.c and audit_apply.c share.  Nobody else includes it. */
#ifndef KT_AUDIT_PRIVATE_H
#define KT_AUDIT_PRIVATE_H

#include "audit_run.h"
#include "sense_audit.h"

/* The facts of the host: some hundred files are not read more often. */
enum { AUDIT_FRESH_S = 10 };

/* Whoever has just started a guest reads the journal now; but guests may come all the time. */
enum { AUDIT_NEWCOMER_S = 60 };

/* Findings, as bits by rule. */
struct audit_found {
	uint64_t host, guest[KT_GUESTS_MAX]; /* by slot */
};

struct auditor {
	struct audit_table table;
	struct audit_host host;
	uint64_t looked_ns; /* at the host; 0: never */
	uint64_t judged_ns;
	struct audit_counts counts;
	struct audit_found found;            /* by the last audit */
	uint32_t incarnation[KT_GUESTS_MAX]; /* of the guests that it is about */
	/* The last plan for [host] apply is of that look and of that reload; 0 and from 1 on. */
	uint64_t applied_ns, applied_reload;
	enum why left[HOST_RULES_MAX]; /* by that plan: why it leaves the host's rules alone */
};

/* Judges one rule; of guests' rules slot says of whom. */
void audit_ask(const struct kvmtuned *k, const struct audit_rule *rule, size_t slot,
	       struct audit_verdict *ret);

/* audit_say.c: what differs from `before`.  Guests of whom nothing was known have 0 there. */
void audit_say_changes(const struct kvmtuned *k, const struct audit_found *before);

#endif
