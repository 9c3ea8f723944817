/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single moments of the standard host, as packing problems. */
#ifndef KT_NUMA_ONESHOT_H
#define KT_NUMA_ONESHOT_H

#include "pack.h"

/* Guests as the workload has them, on a node each that was drawn, their memory where it fell.
 * Options: run on a node and bring the memory, or leave it, or run on two nodes and leave it. */
void numa_oneshot(struct pack *p, unsigned int nguests, uint64_t seed);

/* The same with guests that are all large and busy: every choice matters. */
void numa_oneshot_crowded(struct pack *p, unsigned int nguests, uint64_t seed);

enum numa_search {
	NUMA_STAY,
	NUMA_BEST_FIT,
	NUMA_IMPROVE,    /* pack_improve */
	NUMA_TWO_STARTS, /* the better of that, and of pack_best_fit and pack_improve */
	/* and of pack_improve from where each item's cheapest option is, whoever is there */
	NUMA_THREE_STARTS,
	_NUMA_SEARCHES,
};

/* How far the searches are from the optimum. */
struct numa_gap {
	size_t ninstances, nunsolved; /* by the exact search; they count nowhere else */
	double optimum_cpus;          /* mean J */
	double search_nodes;          /* mean */
	struct {
		double mean_pct, worst_pct; /* of demand, above the optimum */
		size_t noptimal;
		size_t nbelow; /* cheaper than the optimum: one of both is wrong */
	} of[_NUMA_SEARCHES];
};

struct numa_gap numa_gap(unsigned int nguests, uint64_t first_seed, size_t ninstances);

#endif
