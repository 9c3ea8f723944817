/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rate of a counter. */
#ifndef KT_COUNTER_H
#define KT_COUNTER_H

#include "view.h"

/* Two ticks may be milliseconds apart, when events come; a single fault would be a storm
 * then.  Below this time the rate of before holds, and the window goes on. */
static const uint64_t window_min_ns = KT_NS_PER_S;

/* No two ticks are so far apart (the longest interval is an hour): the host or we have slept, a
 * clock has jumped, or there was no guest.  What a mean over that says is not of now. */
static const uint64_t window_max_ns = 7200 * KT_NS_PER_S;

/* False: nothing new is measured.  The rate is then 0 (unknown now, never known before,
 * fallen, no time passed, or too much), or the one of before when too little time has passed. */
bool counter_rate(struct counter *c, bool known, uint64_t total, uint64_t now_ns,
		  double *ret_per_s);

#endif
