/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How fast does a counter grow, that may be unknown, fall, or be looked at too often? */
#include "counter.h"

bool counter_rate(struct counter *c, bool known, uint64_t total, uint64_t now_ns, double *ret_per_s)
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
	if (now_ns - before.at_ns > window_max_ns)
		return false;
	*ret_per_s = (double)(total - before.total) * 1e9 / (double)(now_ns - before.at_ns);
	c->per_s = *ret_per_s;
	return true;
}
