/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit as a whole: look, judge, tell.  Never writes. */
#ifndef KT_AUDIT_RUN_H
#define KT_AUDIT_RUN_H

#include <json-c/json.h>

#include "audit.h"
#include "kvmtuned.h"

/* How much there is to say; counts of guests' rules are over all guests. */
struct audit_counts {
	bool known; /* there has been an audit */
	int64_t unix_s;
	unsigned int findings[_AUDIT_SEVERITY_MAX], unknown, ok, not_applicable;
};

/* The array "results" of an audit, see ctl/schema/audit.json: one object for each rule of the
 * host, and each rule of each guest.  Also counts. */
struct json_object *audit_results(const struct audit_input *in, struct audit_counts *ret);

/* kvmtuned --audit: without a daemon, prints the JSON of GET /v1/audit.  The exit status: 0,
 * 4 with findings, 1 failed. */
int audit_offline(struct kvmtuned *k, FILE *out);

/* The same in the daemon, when somebody asks or `audit_interval` has passed; says what has
 * changed (a finding that is new, one that is gone) and nothing else. */
void audit_tick(struct kvmtuned *k, uint64_t now_ns);

#endif
