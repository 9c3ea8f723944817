/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long did it take, how often? */
#ifndef KT_HISTOGRAM_H
#define KT_HISTOGRAM_H

#include <stdint.h>

#include "util.h"

enum { HISTOGRAM_BUCKETS = 10 };

/* Upper ends, inclusive: a tick of a few guests on a small host up to one of 1,000 guests on a
 * host that swaps. */
static const double histogram_upto_s[HISTOGRAM_BUCKETS] = { 0.0005, 0.001, 0.0025, 0.005, 0.01,
							    0.025,  0.05,  0.1,    0.25,  0.5 };

struct histogram {
	uint64_t count[HISTOGRAM_BUCKETS + 1]; /* of each bucket alone; the last has the rest */
	uint64_t sum_ns;
};

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
	size_t i = 0;

	while (i < HISTOGRAM_BUCKETS && (double)ns / 1e9 > histogram_upto_s[i])
		i++;
	h->count[i]++;
	h->sum_ns += ns;
}

#endif
