/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of NUMA nodes: bit n is the node whose id is n. */
#ifndef KT_NODEMASK_H
#define KT_NODEMASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"

_Static_assert(KT_NODES_MAX <= 64, "a set of nodes is one uint64_t");

/* The empty set for an id that no node has. */
static inline uint64_t nodemask_of(unsigned int node)
{
	return node < KT_NODES_MAX ? UINT64_C(1) << node : 0;
}

static inline bool nodemask_test(uint64_t nodes, unsigned int node)
{
	return nodes & nodemask_of(node);
}

static inline unsigned int nodemask_count(uint64_t nodes)
{
	if (!(nodes & (nodes - 1))) /* mostly: a call, where the CPU may lack the instruction */
		return nodes != 0;
	return (unsigned int)__builtin_popcountll(nodes);
}

/* The lowest id; KT_NODES_MAX for the empty set. */
static inline unsigned int nodemask_first(uint64_t nodes)
{
	return nodes ? (unsigned int)__builtin_ctzll(nodes) : KT_NODES_MAX;
}

/* As "0-1,3"; KT_NODELIST_MAX bytes suffice.  Returns buf. */
enum { KT_NODELIST_MAX = 192 };
char *nodemask_str(uint64_t nodes, char *buf, size_t size);

#endif
