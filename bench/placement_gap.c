/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far from the optimum of a moment does the search end? */
#include <stdio.h>

#include "numa_oneshot.h"
#include "placement_tables.h"

static const unsigned int sizes[] = { 6, 8, 10 };
enum { INSTANCES = 500 };

static const char *const names[_NUMA_SEARCHES] = { [NUMA_STAY] = "stay",
						   [NUMA_BEST_FIT] = "best fit",
						   [NUMA_IMPROVE] = "moves and swaps",
						   [NUMA_TWO_STARTS] = "two starts",
						   [NUMA_THREE_STARTS] = "three starts" };

void placement_gap_table(const struct placement_bench *b)
{
	printf("\nGap to the optimum, %d moments of host 4x8 from seed %llu; %% of demand\n",
	       INSTANCES, (unsigned long long)b->first_seed);
	printf("%6s %-16s %9s %9s %9s   %s\n", "guests", "search", "mean", "worst", "optimal",
	       "optimum CPUs, search nodes, unsolved");
	for (size_t i = 0; i < KT_ARRAY_LEN(sizes); i++) {
		struct numa_gap g = numa_gap(sizes[i], b->first_seed, INSTANCES);

		for (int s = 0; s < _NUMA_SEARCHES; s++) {
			size_t nsolved = g.ninstances - g.nunsolved;

			printf("%6u %-16s %9.4f %9.3f %7.1f %%", sizes[i], names[s],
			       g.of[s].mean_pct, g.of[s].worst_pct,
			       nsolved ? 100.0 * (double)g.of[s].noptimal / (double)nsolved : 0);
			if (s == 0)
				printf("   %.3f, %.0f, %zu", g.optimum_cpus, g.search_nodes,
				       g.nunsolved);
			printf("\n");
		}
		(void)fflush(stdout);
	}
}
