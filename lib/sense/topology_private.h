/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of the topology's reader share. */
#ifndef KT_TOPOLOGY_PRIVATE_H
#define KT_TOPOLOGY_PRIVATE_H

#include <hwloc.h>

#include "sample.h"

/* -ENOTSUP: a CPU beyond KT_CPUS_MAX. */
int topology_mask(hwloc_const_bitmap_t set, struct cpumask *ret) KT_MUST_USE;

/* Numbers the cores, and counts those of each node; its nodes and CPUs are known. */
int topology_add_cores(hwloc_topology_t hwloc, struct topology *t) KT_MUST_USE;

/* After the cores. */
int topology_add_caches(hwloc_topology_t hwloc, struct topology *t) KT_MUST_USE;

#endif
