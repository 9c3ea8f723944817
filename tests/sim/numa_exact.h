/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The best answer to a packing problem, to measure the search of lib/policy/pack.h by.  Costs
 * are computed here anew, from the words in pack.h: a mistake there shows as a difference. */
#ifndef KT_NUMA_EXACT_H
#define KT_NUMA_EXACT_H

#include "pack.h"

enum { NUMA_EXACT_ITEMS = 16 };

struct numa_optimum {
	double cost;
	bool complete;                   /* false: the limit was reached; the best so far */
	uint64_t nnodes;                 /* of the search tree that were looked at */
	size_t option[NUMA_EXACT_ITEMS]; /* of each item, among all */
};

/* J of what is chosen in `option`. */
double numa_exact_cost(const struct pack *p, const size_t *option);

/* Branch and bound, beginning with what is chosen in the problem: the better that is, the
 * faster.  At most NUMA_EXACT_ITEMS items. */
struct numa_optimum numa_exact(const struct pack *p, uint64_t max_nodes);

/* Every combination. */
struct numa_optimum numa_exhaust(const struct pack *p);

#endif
