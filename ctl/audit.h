/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings of the audit, as they are shown. */
#ifndef KT_CTL_AUDIT_H
#define KT_CTL_AUDIT_H

#include "ctl.h"

/* audit.c: whether everything below can be shown. */
bool audit_is_proper(struct json_object *audit) KT_MUST_USE;

/* -1: there is no such word. */
int audit_severity_rank(const char *severity);

/* What is left of the results: findings that are severe enough, of the host or the guest that is
 * meant, of rules that are not ignored; with --all also what is no finding.  *ret_of: how many
 * there were of whom is meant, whatever came of them. */
struct json_object *audit_filter(const struct options *o, const char *guest,
				 struct json_object *audit, size_t *ret_of);

bool audit_is_finding(struct json_object *result);
size_t audit_findings(struct json_object *results, const char *severity); /* NULL: any */

/* audit_show.c: the exit status of a failure, or 0. */
int audit_show(const struct options *o, struct json_object *audit) KT_MUST_USE;

#endif
