/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Others that write what we write. */
#ifndef KT_RIVALS_H
#define KT_RIVALS_H

#include "hostfs.h"
#include "policy_conf.h"

/* Says a line for each one that is at work now and that a loop which acts would meet; for a start
 * and a reload, as all of /proc is looked through.  Whether tuned's active profile sets or ends
 * KSM; without memory to look, what was known of that. */
bool rivals_look(const struct hostfs *fs, const struct policy_conf *conf, bool tuned_had_ksm);

#endif
