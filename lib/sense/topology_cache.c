/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs share a core, and which of them a last-level cache? */
#include <errno.h>

#include "topology_private.h"

static unsigned int count_cores(const struct topology *t, const struct cpumask *cpus)
{
	struct cpumask seen = { 0 }; /* numbers of cores: no more than CPUs */

	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		if (cpumask_test(cpus, cpu))
			cpumask_set(&seen, t->core_of[cpu]);
	return cpumask_count(&seen);
}

static void number_core(struct topology *t, const struct cpumask *cpus)
{
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		if (cpumask_test(cpus, cpu))
			t->core_of[cpu] = (uint16_t)t->ncores;
	t->ncores++;
}

/* Where hwloc knows of no cores, a CPU is one. */
int topology_add_cores(hwloc_topology_t hwloc, struct topology *t)
{
	bool has_cores = hwloc_get_nbobjs_by_type(hwloc, HWLOC_OBJ_CORE) > 0;
	hwloc_obj_type_t type = has_cores ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
	hwloc_obj_t obj = NULL;
	struct cpumask cpus;

	while ((obj = hwloc_get_next_obj_by_type(hwloc, type, obj))) {
		int r = topology_mask(obj->cpuset, &cpus);

		if (r < 0)
			return r;
		if (!cpumask_empty(&cpus))
			number_core(t, &cpus);
	}
	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		t->node[n].ncores = count_cores(t, &t->node[n].cpus);
	return 0;
}

/* Caches may span nodes, where one socket is several (sub-NUMA clustering): what shares a
 * node and a cache is a domain.  -ENOSPC: too many. */
static int add_cache(struct topology *t, const struct cpumask *shared)
{
	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		struct cpumask cpus = cpumask_and(shared, &t->node[n].cpus);

		if (cpumask_empty(&cpus))
			continue;
		if (t->ncaches >= KT_CACHES_MAX)
			return -ENOSPC;
		t->cache[t->ncaches++] = (struct cache_topology){ .node = n,
								  .ncores = count_cores(t, &cpus),
								  .cpus = cpus };
	}
	return 0;
}

static int add_level(hwloc_topology_t hwloc, hwloc_obj_type_t level, struct topology *t)
{
	hwloc_obj_t obj = NULL;
	int r = 0;

	t->ncaches = 0;
	while (r == 0 && (obj = hwloc_get_next_obj_by_type(hwloc, level, obj))) {
		struct cpumask cpus;

		r = topology_mask(obj->cpuset, &cpus);
		if (r == 0)
			r = add_cache(t, &cpus);
	}
	if (r == -ENOSPC)
		t->ncaches = 0;
	return r == -ENOSPC ? 0 : r;
}

/* Some firmware tells of the caches of some CPUs only: the others would be in no domain,
 * and never used. */
static bool is_complete(const struct topology *t)
{
	struct cpumask missing = { 0 };

	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		missing = cpumask_or(&missing, &t->node[n].cpus);
	for (unsigned int i = 0; i < t->ncaches; i++)
		missing = cpumask_andnot(&missing, &t->cache[i].cpus);
	return cpumask_empty(&missing);
}

static bool is_shared(const struct topology *t)
{
	for (unsigned int i = 0; i < t->ncaches; i++)
		if (t->cache[i].ncores > 1)
			return true;
	return false;
}

/* The L3, if there is one.  Else the next level that cores share: many ARM servers have an
 * L2 for a few cores, and what is behind it belongs to the whole socket and is not listed.
 * A cache that is one core's own tells nothing that the core does not. */
int topology_add_caches(hwloc_topology_t hwloc, struct topology *t)
{
	static const hwloc_obj_type_t levels[] = { HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L2CACHE,
						   HWLOC_OBJ_L1CACHE };

	for (size_t i = 0; i < KT_ARRAY_LEN(levels); i++) {
		int r;

		if (hwloc_get_nbobjs_by_type(hwloc, levels[i]) <= 0)
			continue;
		r = add_level(hwloc, levels[i], t);
		if (r < 0)
			return r;
		if (levels[i] == HWLOC_OBJ_L3CACHE || is_shared(t))
			break;
		t->ncaches = 0;
	}
	if (!is_complete(t))
		t->ncaches = 0;
	/* What was left behind is no cache, and two readings of one machine are equal. */
	for (unsigned int i = t->ncaches; i < KT_CACHES_MAX; i++)
		t->cache[i] = (struct cache_topology){ 0 };
	return 0;
}
