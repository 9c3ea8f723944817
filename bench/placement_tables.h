/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of bench-placement. */
#ifndef KT_PLACEMENT_TABLES_H
#define KT_PLACEMENT_TABLES_H

#include "numa_run.h"

struct placement_bench {
	uint64_t first_seed;
	size_t nseeds;
	unsigned int seconds;
	struct numa_shape shape;
	enum numa_kind kind;
	unsigned int size[8]; /* guests on 32 cores */
	size_t nsizes;
	const struct numa_policy *policy[8];
	size_t npolicies;
	struct placement_conf conf;
	bool loss, gap, time; /* which tables */
	bool each;            /* seeds too */
};

void placement_loss_tables(const struct placement_bench *b);
void placement_gap_table(const struct placement_bench *b);
void placement_time_table(const struct placement_bench *b);

#endif
