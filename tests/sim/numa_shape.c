/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which hosts are there to place guests on? */
#include "numa_shape.h"

#include <string.h>

#include "util.h"

struct row {
	const char *name;
	unsigned int nnodes, nodes_per_socket, cores, threads_per_core;
	unsigned int near, far; /* distance within the socket, and to another */
	unsigned int nmemory;   /* of the nodes, the last so many have no CPU */
	double gib[4];          /* of the nodes in turn */
};

/* The first is the one of placement's fact sheet; all its figures are of it. */
static const struct row rows[] = {
	{ "4x8", 4, 2, 8, 2, 12, 20, 0, { 128, 128, 128, 128 } },
	{ "2x16", 2, 1, 16, 2, 10, 21, 0, { 256, 256, 256, 256 } },
	{ "8x8", 8, 4, 8, 2, 12, 32, 0, { 128, 128, 128, 128 } },
	{ "16x4", 16, 8, 4, 2, 12, 32, 0, { 64, 64, 64, 64 } },
	{ "4x8-one-thread", 4, 2, 8, 1, 12, 20, 0, { 128, 128, 128, 128 } },
	{ "4x8-uneven-memory", 4, 2, 8, 2, 12, 20, 0, { 64, 128, 96, 224 } },
	{ "4x8-memory-node", 5, 2, 8, 2, 12, 20, 1, { 128, 128, 128, 128 } },
	{ "4x48", 4, 2, 48, 2, 12, 20, 0, { 1024, 1024, 1024, 1024 } },
	{ "16x32", 16, 8, 32, 2, 12, 32, 0, { 1024, 1024, 1024, 1024 } },
};

static unsigned int distance_of(const struct row *r, unsigned int a, unsigned int b)
{
	if (a == b)
		return 10;
	return a / r->nodes_per_socket == b / r->nodes_per_socket ? r->near : r->far;
}

static void fill(const struct row *r, struct numa_shape *ret)
{
	*ret = (struct numa_shape){ .name = r->name,
				    .nnodes = r->nnodes,
				    .threads_per_core = r->threads_per_core };
	for (unsigned int n = 0; n < r->nnodes; n++) {
		ret->cores[n] = n + r->nmemory < r->nnodes ? r->cores : 0;
		ret->gib[n] = r->gib[n % KT_ARRAY_LEN(r->gib)];
		for (unsigned int m = 0; m < r->nnodes; m++)
			ret->distance[n][m] = distance_of(r, n, m);
	}
}

bool numa_shape_find(const char *name, struct numa_shape *ret)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		fill(&rows[i], ret);
		return true;
	}
	return false;
}

const char *numa_shape_name(size_t i)
{
	return i < KT_ARRAY_LEN(rows) ? rows[i].name : NULL;
}

unsigned int numa_shape_cores(const struct numa_shape *s)
{
	unsigned int cores = 0;

	for (unsigned int n = 0; n < s->nnodes; n++)
		cores += s->cores[n];
	return cores;
}
