/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs and nodes are there, and how far apart?
 *
 * hwloc reads them, from a synthetic or recorded machine where its own environment
 * variables name one; what it does not know is in sysfs. */
#include <errno.h>
#include <string.h>

#include "parse.h"
#include "sense.h"
#include "str.h"
#include "topology_private.h"

int topology_mask(hwloc_const_bitmap_t set, struct cpumask *ret)
{
	*ret = (struct cpumask){ 0 };
	for (int cpu = hwloc_bitmap_first(set); cpu >= 0; cpu = hwloc_bitmap_next(set, cpu)) {
		if (cpu >= KT_CPUS_MAX)
			return -ENOTSUP;
		cpumask_set(ret, (unsigned int)cpu);
	}
	return 0;
}

/* Without the file nothing is isolated.  "(null)" is what nohz_full says when empty. */
static struct cpumask read_list(const struct hostfs *fs, const char *path)
{
	struct cpumask cpus = { 0 };
	char text[KT_CPULIST_MAX];

	if (hostfs_read(fs, path, text, sizeof text) < 0 || cpumask_parse(text, &cpus) < 0)
		return (struct cpumask){ 0 };
	return cpus;
}

/* The kernel lists the on-line nodes' distances in the order of their ids. */
static void read_distances(const struct hostfs *fs, struct topology *t, unsigned int from)
{
	char path[64], text[1024] = "";
	const char *s = text;

	if (str_format(path, sizeof path, "sys/devices/system/node/node%u/distance", from) == 0 &&
	    hostfs_read(fs, path, text, sizeof text) < 0)
		text[0] = '\0';
	for (unsigned int to = 0; to < KT_NODES_MAX; to++) {
		uint64_t distance;

		if (!t->node[to].present)
			continue;
		if (!parse_number(&s, &distance) || distance > UINT8_MAX)
			distance = from == to ? 10 : 20;
		t->node[from].distance[to] = (unsigned int)distance;
	}
}

static int add_node(struct topology *t, hwloc_obj_t obj)
{
	struct node_topology *n;
	int r;

	if (obj->os_index >= KT_NODES_MAX)
		return -ENOTSUP;
	n = &t->node[obj->os_index];
	r = topology_mask(obj->cpuset, &n->all_cpus);
	if (r < 0)
		return r;
	n->present = true;
	n->cpus = cpumask_and(&n->all_cpus, &t->usable);
	n->mem_total_kib = obj->attr->numanode.local_memory / 1024;
	t->nnodes++;
	t->ncpu_nodes += !cpumask_empty(&n->cpus);
	return 0;
}

static int fill(const struct hostfs *fs, hwloc_topology_t hwloc, struct topology *t)
{
	struct cpumask isolated = read_list(fs, "sys/devices/system/cpu/isolated");
	struct cpumask tickless = read_list(fs, "sys/devices/system/cpu/nohz_full");
	hwloc_obj_t obj = NULL;
	int r;

	r = topology_mask(hwloc_topology_get_topology_cpuset(hwloc), &t->online);
	t->usable = cpumask_andnot(&t->online, &isolated);
	t->usable = cpumask_andnot(&t->usable, &tickless);
	while (r == 0 && (obj = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE, obj)))
		r = add_node(t, obj);
	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		if (t->node[n].present)
			read_distances(fs, t, n);
	if (r == 0)
		r = topology_add_cores(hwloc, t);
	return r < 0 ? r : topology_add_caches(hwloc, t);
}

/* hwloc lends the CPUs of the nearest node to one that has only memory.  That is a place
 * in its tree; here it would be a node to run guests on.  Set once and left: hwloc knows
 * no other way, and to change it again could meet a getenv of another thread. */
static void keep_memory_only_nodes(void)
{
	setenv("HWLOC_USE_NUMA_DISTANCES", "0", 0);
	setenv("HWLOC_USE_NUMA_INITIATORS", "0", 0);
}

/* hwloc 2.9 ends the whole process at a list of nodes that has none ("5-3"), and allocates
 * for minutes at one that names millions.  A kernel without NUMA has no such list. */
static int check_list(const struct hostfs *fs, const char *path)
{
	struct cpumask ids;
	char text[KT_CPULIST_MAX];
	ssize_t n = hostfs_read(fs, path, text, sizeof text);
	int r;

	if (n < 0)
		return n == -ENOENT ? 0 : (int)n;
	r = cpumask_parse(text, &ids);
	return r == 0 && cpumask_empty(&ids) ? -EINVAL : r;
}

static int check_lists(const struct hostfs *fs)
{
	int r = check_list(fs, "sys/devices/system/cpu/online");

	return r < 0 ? r : check_list(fs, "sys/devices/system/node/online");
}

/* hwloc takes another root only from the environment, and would prefer it to a machine
 * that is named there as well. */
static int load(const struct hostfs *fs, hwloc_topology_t hwloc)
{
	char root[64];
	int r;

	if (getenv("HWLOC_SYNTHETIC") || getenv("HWLOC_XMLFILE"))
		return hwloc_topology_load(hwloc) < 0 ? -EIO : 0;
	r = check_lists(fs);
	if (r == 0 && fs->is_live)
		return hwloc_topology_load(hwloc) < 0 ? -EIO : 0;
	if (r == 0)
		r = str_format(root, sizeof root, "/proc/self/fd/%d", fs->root_fd);
	if (r < 0)
		return r;
	setenv("HWLOC_FSROOT", root, 1);
	r = hwloc_topology_load(hwloc) < 0 ? -EIO : 0;
	unsetenv("HWLOC_FSROOT");
	return r;
}

int sense_topology(const struct hostfs *fs, struct topology *ret)
{
	struct topology t = { 0 };
	hwloc_topology_t hwloc;
	int r;

	if (hwloc_topology_init(&hwloc) < 0)
		return -ENOMEM;
	keep_memory_only_nodes();
	/* Where we may run ourselves says nothing about guests. */
	hwloc_topology_set_flags(hwloc, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
	/* It asks cpuid on each CPU in turn, isolated ones too: this thread would go there. */
	hwloc_topology_set_components(hwloc, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
	r = load(fs, hwloc);
	if (r == 0)
		r = fill(fs, hwloc, &t);
	hwloc_topology_destroy(hwloc);
	if (r == 0)
		*ret = t;
	return r;
}
