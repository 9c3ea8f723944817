/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Others that write what we write. */
#ifndef KT_RIVALS_H
#define KT_RIVALS_H

#include "hostfs.h"
#include "policy_conf.h"

/* A line for each one that is at work now and that a loop which acts would meet; for a start and
 * a reload, as all of /proc is looked through. */
void rivals_say(const struct hostfs *fs, const struct policy_conf *conf);

/* Whether tuned's active profile sets or ends KSM: for the same moments. */
bool rivals_tuned_has_ksm(const struct hostfs *fs);

#endif
