/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts that guests are placed on: nodes, cores, memory, distances. */
#ifndef KT_NUMA_SHAPE_H
#define KT_NUMA_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

enum { NUMA_NODES = 16 };

struct numa_shape {
	const char *name;
	unsigned int nnodes;
	unsigned int threads_per_core;
	unsigned int cores[NUMA_NODES];                /* 0: a node of memory only */
	double gib[NUMA_NODES];                        /* the host's own share included */
	unsigned int distance[NUMA_NODES][NUMA_NODES]; /* SLIT */
};

/* False: no such shape. */
bool numa_shape_find(const char *name, struct numa_shape *ret);

/* NULL: there are no more. */
const char *numa_shape_name(size_t i);

unsigned int numa_shape_cores(const struct numa_shape *s);

#endif
