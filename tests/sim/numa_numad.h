/* SPDX-License-Identifier: GPL-2.0-or-later */
/* numad's state, in its own units: MB (here 1/1024 GiB) and hundredths of a CPU. */
#ifndef KT_NUMA_NUMAD_H
#define KT_NUMA_NUMAD_H

#include "numa_run.h"

enum { NUMAD_SAMPLES = 8 };

static const double numad_mb_per_gib = 1024;
static const double numad_utilization_pct = 85;

struct candidate {
	unsigned int guest;
	double used, mb; /* of it */
	double cpu_request, mb_request;
};

struct process {
	double sample[NUMAD_SAMPLES];
	unsigned int nsamples;
	double moved_s; /* < 0: never */
	uint64_t bound; /* nodes; 0: to none */
};

struct numad_node {
	double mb_total, mb_free, cpu_total, cpu_free;
};

struct numad {
	double next_s;
	struct process process[NUMA_GUESTS];
	struct numad_node node[NUMA_NODES];
	size_t ncandidates;
	struct candidate candidate[NUMA_GUESTS];
};

uint64_t numad_pick_nodes(const struct numad *d, const struct numa_world *w,
			  const struct candidate *c);

#endif
