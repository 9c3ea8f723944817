/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How fast does a counter grow, that may be unknown, fall, or be looked at too often? */
#ifndef KT_COUNTER_H
#define KT_COUNTER_H

#include "view.h"

/* Two ticks may be milliseconds apart, when events come; a single fault would be a storm
 * then.  Below this time the rate of before holds, and the window goes on. */
static const uint64_t window_min_ns = KT_NS_PER_S;

/* False: nothing new is measured.  The rate is then 0 (unknown now, never known before,
 * fallen, no time passed), or the one of before when too little time has passed. */
static inline bool counter_rate(struct counter *c, bool known, uint64_t total, uint64_t now_ns,
				double *ret_per_s)
{
	struct counter before = *c;

	*ret_per_s = 0;
	if (!known)
		return false;
	if (before.known && total >= before.total && now_ns > before.at_ns &&
	    now_ns - before.at_ns < window_min_ns) {
		*ret_per_s = before.per_s;
		return false;
	}
	*c = (struct counter){ .known = true, .total = total, .at_ns = now_ns };
	if (!before.known || total < before.total || now_ns <= before.at_ns)
		return false;
	*ret_per_s = (double)(total - before.total) * 1e9 / (double)(now_ns - before.at_ns);
	c->per_s = *ret_per_s;
	return true;
}

#endif
