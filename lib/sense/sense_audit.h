/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files -> facts of the audit. */
#ifndef KT_SENSE_AUDIT_H
#define KT_SENSE_AUDIT_H

#include "audit_sample.h"
#include "hostfs.h"

/* Some hundred files, a few milliseconds: for when somebody asks, not for each tick.  Never
 * fails: what cannot be read is UNKNOWN.  *ret keeps what busy_share needs from call to call;
 * zeroed before the first. */
void sense_audit(const struct hostfs *fs, struct audit_host *ret);

/* Everything that the active profile sets, and nothing else of *ret; sysctl.d is not looked at. */
void sense_audit_tuned(const struct hostfs *fs, struct audit_host *ret);

#endif
