/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are cores and shared caches of all kinds of machines found, and told by node? */
#include "sense_root.h"

static struct topology t;

static void setup(void)
{
	root_setup();
	memset(&t, 0x5a, sizeof t);
}

static void teardown(void)
{
	unsetenv("HWLOC_SYNTHETIC");
	unsetenv("HWLOC_XMLFILE");
	root_teardown();
}

static const char *cpus(const struct cpumask *m)
{
	static char text[KT_CPULIST_MAX];

	return cpumask_str(m, text, sizeof text);
}

/* What must be true of any machine: a policy adds these up. */
static void check_whole(const char *machine)
{
	struct cpumask seen = { 0 };

	ck_assert_uint_le(t.ncores, cpumask_count(&t.online));
	for (unsigned int i = 0; i < t.ncaches; i++) {
		const struct cache_topology *c = &t.cache[i];
		struct cpumask twice = cpumask_and(&seen, &c->cpus);
		struct cpumask outside = cpumask_andnot(&c->cpus, &t.node[c->node].cpus);

		ck_assert_msg(!cpumask_empty(&c->cpus), "%s: cache %u", machine, i);
		ck_assert_msg(cpumask_empty(&twice), "%s: cache %u", machine, i);
		ck_assert_msg(cpumask_empty(&outside), "%s: cache %u", machine, i);
		ck_assert_msg(c->ncores >= 1 && c->ncores <= cpumask_count(&c->cpus),
			      "%s: cache %u", machine, i);
		seen = cpumask_or(&seen, &c->cpus);
	}
	ck_assert_msg(!t.ncaches || cpumask_equal(&seen, &t.usable), "%s", machine);
}

/* ---- synthetic machines ------------------------------------------------------------------- */

static const struct {
	const char *machine, *isolated;
	unsigned int ncores, node0_ncores, ncaches;
	const char *first, *last; /* caches: CPUs */
	unsigned int last_node, last_ncores;
} machines[] = {
	{ "node:1 l3:1 core:4 pu:1", "", 4, 4, 1, "0-3", "0-3", 0, 4 },
	{ "node:2 l3:1 core:4 pu:2", "", 8, 4, 2, "0-7", "8-15", 1, 4 },
	/* siblings far apart */
	{ "node:2 l3:1 core:2 pu:2(indexes=0,4,1,5,2,6,3,7)", "", 4, 2, 2, "0-1,4-5", "2-3,6-7", 1,
	  2 },
	/* two sockets of four nodes each, with two CCX in a node */
	{ "pack:2 node:4 l3:2 core:4 pu:2", "", 64, 8, 16, "0-7", "120-127", 7, 4 },
	{ "pack:2 node:4 l3:4 core:3 pu:1", "", 96, 12, 32, "0-2", "93-95", 7, 3 },
	/* one node with many CCX */
	{ "node:1 l3:16 core:4 pu:2", "", 64, 64, 16, "0-7", "120-127", 0, 4 },
	/* sub-NUMA clustering: one L3 for two nodes is cut */
	{ "pack:2 l3:1 node:2 core:4 pu:2", "", 16, 4, 4, "0-7", "24-31", 3, 4 },
	{ "node:2(indexes=0,8) l3:2 core:2 pu:1", "", 8, 4, 4, "0-1", "6-7", 8, 2 },
	/* only usable CPUs count; a cache without any is none */
	{ "node:2 l3:2 core:2 pu:2", "0,2", 8, 4, 4, "1,3", "12-15", 1, 2 },
	{ "node:2 l3:2 core:2 pu:2", "0-1", 8, 3, 4, "2-3", "12-15", 1, 2 },
	{ "node:2 l3:2 core:2 pu:2", "0-3,12-15", 8, 2, 2, "4-7", "8-11", 1, 2 },
	{ "node:2 l3:2 core:2 pu:2", "0-15", 8, 0, 0, NULL, NULL, 0, 0 },
	/* without an L3: what a few cores share, and never what is one core's own */
	{ "node:2 l2:2 l1d:2 core:1 pu:1", "", 8, 4, 4, "0-1", "6-7", 1, 2 },
	{ "node:2 l2:4 core:1 pu:2", "", 8, 4, 0, NULL, NULL, 0, 0 },
	{ "node:1 l2:4 l1d:1 l1i:1 core:1 pu:1", "", 4, 4, 0, NULL, NULL, 0, 0 },
	{ "node:1 l3:4 core:1 pu:1", "", 4, 4, 4, "0", "3", 0, 1 },
	{ "node:1 core:4 pu:1", "", 4, 4, 0, NULL, NULL, 0, 0 },
	/* hwloc knows no core where the kernel told none */
	{ "node:2 pu:4", "", 8, 4, 0, NULL, NULL, 0, 0 },
	{ "node:64 l3:4 core:1 pu:1", "", 256, 4, 256, "0", "255", 63, 1 },
	{ "node:1 l3:257 core:1 pu:1", "", 257, 257, 0, NULL, NULL, 0, 0 },
	{ "node:1 l3:1 core:1024 pu:1", "", 1024, 1024, 1, "0-1023", "0-1023", 0, 1024 },
};

START_TEST(caches_of_a_synthetic_machine_are_its_own)
{
	const char *machine = machines[_i].machine;

	putf("sys/devices/system/cpu/isolated", "%s\n", machines[_i].isolated);
	setenv("HWLOC_SYNTHETIC", machine, 1);
	ck_assert_msg(sense_topology(&fs, &t) == 0, "%s", machine);
	ck_assert_msg(t.ncores == machines[_i].ncores, "%s: %u cores", machine, t.ncores);
	ck_assert_msg(t.node[0].ncores == machines[_i].node0_ncores, "%s: %u cores of node 0",
		      machine, t.node[0].ncores);
	ck_assert_msg(t.ncaches == machines[_i].ncaches, "%s: %u caches", machine, t.ncaches);
	check_whole(machine);
	if (!t.ncaches)
		return;
	ck_assert_str_eq(cpus(&t.cache[0].cpus), machines[_i].first);
	ck_assert_str_eq(cpus(&t.cache[t.ncaches - 1].cpus), machines[_i].last);
	ck_assert_uint_eq(t.cache[t.ncaches - 1].node, machines[_i].last_node);
	ck_assert_uint_eq(t.cache[t.ncaches - 1].ncores, machines[_i].last_ncores);
}
END_TEST

START_TEST(siblings_have_one_core_and_others_another)
{
	setenv("HWLOC_SYNTHETIC", "node:2 l3:1 core:2 pu:2(indexes=0,4,1,5,2,6,3,7)", 1);
	ck_assert_int_eq(sense_topology(&fs, &t), 0);
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		ck_assert_uint_eq(t.core_of[cpu], t.core_of[cpu + 4]);
		ck_assert_uint_eq(t.core_of[cpu], cpu);
	}
}
END_TEST

/* ---- a machine by its sysfs ---------------------------------------------------------------- */

static void put_map(unsigned int cpu, const char *file, unsigned int bits)
{
	char path[96];

	snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/%s", cpu, file);
	putf(path, "%08x\n", bits);
}

/* `l3`: who shares it; 0: not told. */
static void put_cpu(unsigned int cpu, unsigned int core, unsigned int siblings, unsigned int l3)
{
	char path[96];

	put_map(cpu, "topology/core_cpus", siblings);
	put_map(cpu, "topology/package_cpus", 0xff);
	snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/topology/core_id", cpu);
	putf(path, "%u\n", core);
	snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/topology/physical_package_id",
		 cpu);
	put(path, "0\n");
	if (!l3)
		return;
	snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/cache/index0/level", cpu);
	put(path, "3\n");
	snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/cache/index0/type", cpu);
	put(path, "Unified\n");
	put_map(cpu, "cache/index0/shared_cpu_map", l3);
}

static void put_machine(unsigned int ncpus)
{
	putf("sys/devices/system/cpu/online", "0-%u\n", ncpus - 1);
	putf("sys/devices/system/cpu/possible", "0-%u\n", ncpus - 1);
	put("sys/devices/system/node/online", "0\n");
	putf(NODE0 "/cpumap", "%08x\n", (1U << ncpus) - 1);
	put(NODE0 "/distance", "10\n");
}

START_TEST(a_cache_that_the_kernel_tells_is_found)
{
	put_machine(8);
	for (unsigned int cpu = 0; cpu < 8; cpu++)
		put_cpu(cpu, cpu % 4, 0x11U << cpu % 4, cpu % 4 < 2 ? 0x33 : 0xcc);
	ck_assert_int_eq(sense_topology(&fs, &t), 0);
	check_whole("8 CPUs");
	ck_assert_uint_eq(t.ncaches, 2);
	ck_assert_str_eq(cpus(&t.cache[0].cpus), "0-1,4-5");
	ck_assert_uint_eq(t.cache[0].ncores, 2);
	ck_assert_uint_eq(t.core_of[0], t.core_of[4]);
}
END_TEST

/* The CPUs that have none would be in no domain, and never used. */
START_TEST(caches_of_some_cpus_only_are_none)
{
	put_machine(8);
	for (unsigned int cpu = 0; cpu < 8; cpu++)
		put_cpu(cpu, cpu, 1U << cpu, cpu < 4 ? 0xf : 0);
	ck_assert_int_eq(sense_topology(&fs, &t), 0);
	ck_assert_uint_eq(t.ncaches, 0);
	ck_assert_uint_eq(t.ncores, 8);
}
END_TEST

START_TEST(nodes_without_cpus_and_cpus_off_line_have_no_cache)
{
	struct hostfs host;

	ck_assert_int_eq(hostfs_open(KT_TESTS_DIR "/hosts/8-3-sparse", &host), 0);
	ck_assert_int_eq(sense_topology(&host, &t), 0);
	hostfs_close(&host);
	check_whole("8-3-sparse");
	ck_assert_uint_eq(t.ncaches, 4);
	ck_assert_str_eq(cpus(&t.cache[1].cpus), "2"); /* 3 is isolated */
	ck_assert_uint_eq(t.cache[2].node, 8);
	ck_assert_str_eq(cpus(&t.cache[2].cpus), "4"); /* 5 is off-line */
	ck_assert_uint_eq(t.node[9].ncores, 0);
}
END_TEST

START_TEST(two_readings_of_one_machine_are_equal)
{
	static struct topology before;

	setenv("HWLOC_SYNTHETIC", "node:1 l3:257 core:1 pu:1", 1);
	ck_assert_int_eq(sense_topology(&fs, &before), 0);
	ck_assert_int_eq(sense_topology(&fs, &t), 0);
	ck_assert_mem_eq(before.cache, t.cache, sizeof t.cache);
	ck_assert_mem_eq(before.core_of, t.core_of, sizeof t.core_of);
	for (unsigned int i = 0; i < KT_CACHES_MAX; i++)
		ck_assert(cpumask_empty(&t.cache[i].cpus));
}
END_TEST

START_TEST(this_machine_is_whole)
{
	struct hostfs live;

	ck_assert_int_eq(hostfs_open("/", &live), 0);
	ck_assert_int_eq(sense_topology(&live, &t), 0);
	hostfs_close(&live);
	check_whole("this");
	ck_assert_uint_ge(t.ncores, 1);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("caches");
	Suite *s = suite_create("topology_caches");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, caches_of_a_synthetic_machine_are_its_own, 0,
			    KT_ARRAY_LEN(machines));
	tcase_add_test(tc, siblings_have_one_core_and_others_another);
	tcase_add_test(tc, a_cache_that_the_kernel_tells_is_found);
	tcase_add_test(tc, caches_of_some_cpus_only_are_none);
	tcase_add_test(tc, nodes_without_cpus_and_cpus_off_line_have_no_cache);
	tcase_add_test(tc, two_readings_of_one_machine_are_equal);
	tcase_add_test(tc, this_machine_is_whole);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
