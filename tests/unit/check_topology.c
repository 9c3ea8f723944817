/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the CPUs and nodes of synthetic, recorded and odd machines what they are? */
#include "sense_root.h"

#include <dirent.h>

static struct topology t;

/* Filled with this before a call, a topology that was touched shows. */
enum { UNTOUCHED = 0x5a };

static void setup(void)
{
	root_setup();
	memset(&t, UNTOUCHED, sizeof t);
}

static void teardown(void)
{
	unsetenv("HWLOC_SYNTHETIC");
	root_teardown();
}

static bool untouched(void)
{
	const char *byte = (const char *)&t;

	for (size_t i = 0; i < sizeof t; i++)
		if (byte[i] != UNTOUCHED)
			return false;
	return true;
}

/* A machine as hwloc describes it; isolated CPUs and distances still come from our root. */
static int read_synthetic(const char *machine)
{
	setenv("HWLOC_SYNTHETIC", machine, 1);
	return sense_topology(&fs, &t);
}

static const char *cpus(const struct cpumask *m)
{
	static char text[KT_CPULIST_MAX];

	return cpumask_str(m, text, sizeof text);
}

/* ---- synthetic machines -------------------------------------------------------------------- */

static const struct {
	const char *machine;
	int result;
	unsigned int nnodes, ncores, last; /* last: the id of the last node */
	const char *online, *first_cpus, *last_cpus;
} machines[] = {
	{ "node:1 core:4 pu:1", 0, 1, 4, 0, "0-3", "0-3", "0-3" },
	{ "node:2 core:2 pu:1", 0, 2, 4, 1, "0-3", "0-1", "2-3" },
	{ "node:2 core:2 pu:2", 0, 2, 4, 1, "0-7", "0-3", "4-7" },
	/* sub-NUMA clusters: two nodes in each socket */
	{ "pack:2 node:2 core:2 pu:1", 0, 4, 8, 3, "0-7", "0-1", "6-7" },
	/* siblings far apart, as BIOSes number them */
	{ "node:2 core:2 pu:2(indexes=0,4,1,5,2,6,3,7)", 0, 2, 4, 1, "0-7", "0-1,4-5", "2-3,6-7" },
	{ "node:2(indexes=0,8) core:1 pu:1", 0, 2, 2, 8, "0-1", "0", "1" },
	{ "node:2(indexes=0,63) core:1 pu:1", 0, 2, 2, 63, "0-1", "0", "1" },
	{ "node:2(indexes=0,64) core:1 pu:1", -ENOTSUP, 0, 0, 0, NULL, NULL, NULL },
	{ "node:65 core:1 pu:1", -ENOTSUP, 0, 0, 0, NULL, NULL, NULL },
	{ "node:64 core:1 pu:1", 0, 64, 64, 63, "0-63", "0", "63" },
	{ "node:1 core:1024 pu:1", 0, 1, 1024, 0, "0-1023", "0-1023", "0-1023" },
	{ "node:1 core:1025 pu:1", -ENOTSUP, 0, 0, 0, NULL, NULL, NULL },
};

START_TEST(a_synthetic_machine_is_what_it_says)
{
	ck_assert_msg(read_synthetic(machines[_i].machine) == machines[_i].result, "%s",
		      machines[_i].machine);
	if (machines[_i].result < 0) {
		ck_assert(untouched());
		return;
	}
	ck_assert_uint_eq(t.nnodes, machines[_i].nnodes);
	ck_assert_uint_eq(t.ncpu_nodes, machines[_i].nnodes);
	ck_assert_uint_eq(t.ncores, machines[_i].ncores);
	ck_assert_str_eq(cpus(&t.online), machines[_i].online);
	ck_assert_str_eq(cpus(&t.usable), machines[_i].online);
	ck_assert_str_eq(cpus(&t.node[0].cpus), machines[_i].first_cpus);
	ck_assert_str_eq(cpus(&t.node[machines[_i].last].cpus), machines[_i].last_cpus);
	ck_assert(machines[_i].last == KT_NODES_MAX - 1 || !t.node[machines[_i].last + 1].present);
}
END_TEST

/* ---- which CPUs may be used --------------------------------------------------------------- */

#define TWO_NODES "node:2 core:2 pu:1"

static const struct {
	const char *isolated, *nohz_full; /* NULL: no such file */
	const char *usable, *node0;
	unsigned int ncpu_nodes;
} lists[] = {
	{ NULL, NULL, "0-3", "0-1", 2 },          { "\n", "\n", "0-3", "0-1", 2 },
	{ "\n", "(null)\n", "0-3", "0-1", 2 },    { "1\n", "\n", "0,2-3", "0", 2 },
	{ "\n", "1,3\n", "0,2", "0", 2 },         { "1\n", "2\n", "0,3", "0", 2 },
	{ "0-1\n", "\n", "2-3", "", 1 },          { "0-3\n", "\n", "", "", 0 },
	{ "3,900\n", "\n", "0-2", "0-1", 2 },     { "1024\n", "\n", "0-3", "0-1", 2 },
	{ "garbage\n", "\xff", "0-3", "0-1", 2 },
};

START_TEST(isolated_cpus_are_on_line_and_not_usable)
{
	if (lists[_i].isolated)
		put("sys/devices/system/cpu/isolated", lists[_i].isolated);
	if (lists[_i].nohz_full)
		put("sys/devices/system/cpu/nohz_full", lists[_i].nohz_full);
	ck_assert_int_eq(read_synthetic(TWO_NODES), 0);
	ck_assert_str_eq(cpus(&t.online), "0-3");
	ck_assert_str_eq(cpus(&t.usable), lists[_i].usable);
	ck_assert_str_eq(cpus(&t.node[0].cpus), lists[_i].node0);
	ck_assert_str_eq(cpus(&t.node[0].all_cpus), "0-1");
	ck_assert_uint_eq(t.ncpu_nodes, lists[_i].ncpu_nodes);
	ck_assert_uint_eq(t.nnodes, 2);
}
END_TEST

/* ---- lists that are none --------------------------------------------------------------------- */

#define CPU_ONLINE  "sys/devices/system/cpu/online"
#define NODE_ONLINE "sys/devices/system/node/online"

static const struct {
	const char *path, *text; /* NULL: no such file */
	int result;
} odd_lists[] = {
	{ NODE_ONLINE, "5-3\n", -EINVAL },
	{ NODE_ONLINE, "-1\n", -EINVAL },
	{ NODE_ONLINE, "", -EINVAL },
	{ NODE_ONLINE, "\n", -EINVAL },
	{ NODE_ONLINE, "\xff\xfegarbage", -EINVAL },
	{ NODE_ONLINE, "0-4000000\n", -ERANGE },
	{ NODE_ONLINE, "18446744073709551615\n", -ERANGE },
	{ NODE_ONLINE, "0,7\n", 0 }, /* one of them has no folder */
	{ NODE_ONLINE, NULL, 0 },
	{ CPU_ONLINE, "3-0\n", -EINVAL },
	{ CPU_ONLINE, "", -EINVAL },
	{ CPU_ONLINE, "garbage\n", -EINVAL },
	{ CPU_ONLINE, "0-99999999\n", -ERANGE },
	{ CPU_ONLINE, NULL, 0 },
};

/* Without this hwloc would not look further. */
static void put_cpu(void)
{
	put("sys/devices/system/cpu/cpu0/topology/core_cpus", "1\n");
	put(NODE0 "/cpumap", "1\n");
}

START_TEST(an_odd_list_is_an_error_and_not_the_end_of_us)
{
	put_cpu();
	if (odd_lists[_i].text)
		put(odd_lists[_i].path, odd_lists[_i].text);
	else
		drop(odd_lists[_i].path);
	ck_assert_int_eq(sense_topology(&fs, &t), odd_lists[_i].result);
	ck_assert(odd_lists[_i].result == 0 ? t.nnodes == 1 : untouched());
}
END_TEST

START_TEST(a_list_that_cannot_be_read_is_an_error)
{
	drop(NODE_ONLINE);
	put(NODE_ONLINE "/is-a-folder", "");
	ck_assert_int_eq(sense_topology(&fs, &t), -EISDIR);
	ck_assert(untouched());
}
END_TEST

/* ---- how far apart --------------------------------------------------------------------------- */

static const struct {
	const char *text; /* of node 0; NULL: no such file */
	unsigned int to0, to8;
} distances[] = {
	{ "10 32\n", 10, 32 },  { "10 255\n", 10, 255 },
	{ "10 256\n", 10, 20 }, { "10\n", 10, 20 },
	{ "10 -5\n", 10, 20 },  { "11 12 13 14\n", 11, 12 },
	{ "\n", 10, 20 },       { "\xff\xff", 10, 20 },
	{ NULL, 10, 20 },       { "10 99999999999999999999\n", 10, 20 },
};

START_TEST(distances_go_to_the_present_nodes_in_their_order)
{
	if (distances[_i].text)
		put(NODE0 "/distance", distances[_i].text);
	put("sys/devices/system/node/node8/distance", "41 10\n");
	ck_assert_int_eq(read_synthetic("node:2(indexes=0,8) core:1 pu:1"), 0);
	ck_assert_uint_eq(t.node[0].distance[0], distances[_i].to0);
	ck_assert_uint_eq(t.node[0].distance[8], distances[_i].to8);
	ck_assert_uint_eq(t.node[8].distance[0], 41);
	ck_assert_uint_eq(t.node[8].distance[8], 10);
	ck_assert_uint_eq(t.node[0].distance[1], 0); /* not there */
}
END_TEST

/* ---- recorded machines ------------------------------------------------------------------------
 */

/* Their exact numbers are in expect.txt; this is what must be true of any. */
static void check_whole(const char *name)
{
	struct cpumask seen = { 0 };
	unsigned int nnodes = 0;

	for (unsigned int id = 0; id < KT_NODES_MAX; id++) {
		const struct node_topology *n = &t.node[id];
		struct cpumask twice = cpumask_and(&seen, &n->cpus);

		ck_assert_msg(cpumask_empty(&twice), "%s: CPU %s in two nodes", name, cpus(&twice));
		ck_assert(n->present || cpumask_empty(&n->cpus));
		ck_assert(!n->present || n->distance[id] == 10);
		seen = cpumask_or(&seen, &n->cpus);
		nnodes += n->present;
		for (unsigned int to = 0; to < KT_NODES_MAX; to++)
			ck_assert_uint_eq(n->distance[to], t.node[to].distance[id]);
	}
	ck_assert_msg(cpumask_equal(&seen, &t.usable), "%s", name);
	ck_assert_uint_eq(nnodes, t.nnodes);
	ck_assert_uint_ge(t.nnodes, t.ncpu_nodes);
	ck_assert_uint_gt(t.ncpu_nodes, 0);
}

/* "<cpus>-<nodes>-<trait>" */
START_TEST(recorded_machines_are_whole)
{
	DIR *hosts = opendir(KT_TESTS_DIR "/hosts");
	struct dirent *e;
	int n = 0;

	ck_assert_ptr_nonnull(hosts);
	while ((e = readdir(hosts))) {
		unsigned int ncpus, nnodes;
		struct hostfs host;
		char folder[512];

		if (sscanf(e->d_name, "%u-%u-", &ncpus, &nnodes) != 2)
			continue;
		snprintf(folder, sizeof folder, KT_TESTS_DIR "/hosts/%s", e->d_name);
		ck_assert_int_eq(hostfs_open(folder, &host), 0);
		ck_assert_msg(sense_topology(&host, &t) == 0, "%s", folder);
		hostfs_close(&host);
		check_whole(e->d_name);
		ck_assert_uint_eq(t.nnodes, nnodes);
		ck_assert_uint_le(cpumask_count(&t.online), ncpus);
		n++;
	}
	closedir(hosts);
	ck_assert_int_ge(n, 5);
}
END_TEST

START_TEST(a_node_without_cpus_is_memory_only)
{
	struct hostfs host;

	ck_assert_int_eq(hostfs_open(KT_TESTS_DIR "/hosts/8-3-sparse", &host), 0);
	ck_assert_int_eq(sense_topology(&host, &t), 0);
	hostfs_close(&host);
	ck_assert(t.node[9].present && cpumask_empty(&t.node[9].cpus));
	ck_assert_uint_gt(t.node[9].mem_total_kib, 0);
	ck_assert_uint_eq(t.ncpu_nodes, 2);
	ck_assert(!cpumask_test(&t.online, 5)); /* off-line */
}
END_TEST

START_TEST(this_machine_is_whole)
{
	struct hostfs live;

	ck_assert_int_eq(hostfs_open("/", &live), 0);
	ck_assert_int_eq(sense_topology(&live, &t), 0);
	hostfs_close(&live);
	ck_assert(!cpumask_empty(&t.online));
	ck_assert_uint_ge(t.nnodes, 1);
}
END_TEST

/* The next reading is of another machine: nothing of the first is left behind. */
START_TEST(readings_do_not_disturb_each_other)
{
	struct hostfs host;

	ck_assert_int_eq(hostfs_open(KT_TESTS_DIR "/hosts/8-4-v1", &host), 0);
	for (int n = 0; n < 3; n++) {
		ck_assert_int_eq(read_synthetic(TWO_NODES), 0);
		ck_assert_uint_eq(t.nnodes, 2);
		unsetenv("HWLOC_SYNTHETIC");
		ck_assert_int_eq(sense_topology(&host, &t), 0);
		ck_assert_uint_eq(t.nnodes, 4);
	}
	hostfs_close(&host);
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, KT_ARRAY_LEN(table))

int main(void)
{
	TCase *tc = tcase_create("topology");
	Suite *s = suite_create("topology");

	tcase_add_checked_fixture(tc, setup, teardown);
	LOOP(tc, a_synthetic_machine_is_what_it_says, machines);
	LOOP(tc, isolated_cpus_are_on_line_and_not_usable, lists);
	LOOP(tc, distances_go_to_the_present_nodes_in_their_order, distances);
	LOOP(tc, an_odd_list_is_an_error_and_not_the_end_of_us, odd_lists);
	tcase_add_test(tc, a_list_that_cannot_be_read_is_an_error);
	tcase_add_test(tc, recorded_machines_are_whole);
	tcase_add_test(tc, a_node_without_cpus_is_memory_only);
	tcase_add_test(tc, this_machine_is_whole);
	tcase_add_test(tc, readings_do_not_disturb_each_other);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
