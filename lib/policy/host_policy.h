/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of the host that the audit finds fault with: which of them may be changed? */
#ifndef KT_HOST_POLICY_H
#define KT_HOST_POLICY_H

#include "audit.h"

/* To be asked when the host has been looked at, or the configuration has changed; in->host may
 * be NULL: nobody has looked yet, so what is ours stays unless it is not wanted any more.
 * Where an owner is named, it lies in in->host. */
void host_policy_step(const struct audit_input *in, struct host_plan *ret);

#endif
