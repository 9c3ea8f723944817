/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each loop decided and why, told when it changes and not before. */
#ifndef KT_VERDICT_H
#define KT_VERDICT_H

#include "policy.h"

struct verdicts; /* what was said last */

struct verdicts *verdicts_new(void);
void verdicts_free(struct verdicts *v);

/* Log lines for what is new since the last call. */
void verdicts_say(struct verdicts *v, const struct policy_conf *conf, const struct host_view *view,
		  const struct plan *plan);

#endif
