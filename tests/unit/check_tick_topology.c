/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUs and nodes come and go between two ticks, and their lists are odd for a while: is the
 * topology that of now, or of before, and are guests where they may be? */
#include "tick_world.h"

#define CPU_ONLINE  "sys/devices/system/cpu/online"
#define NODE_ONLINE "sys/devices/system/node/online"

static void setup(void)
{
	world_begins();
	ticks(7);
	ck_assert_str_eq(in_force(), "1 1250 10 0 10 0-1 0-1 2-3 2-3 ");
}

static void end(void)
{
	ck_assert_uint_le(act_restore(k->act, now_ns), 4);
	libvirt_answers();
	ck_assert_uint_eq(act_restore(k->act, now_ns), 0);
	ck_assert(!is_on_file(NULL));
	world_ends();
}

static const char *online(void)
{
	static char text[KT_CPULIST_MAX];

	return cpumask_str(&k->topology.online, text, sizeof text);
}

/* As the kernel does: its files go, and it is in no list. */
static void cpu_3_goes(void)
{
	drop("sys/devices/system/cpu/cpu3/topology");
	put(NODE1 "/cpumap", "4\n");
	put(CPU_ONLINE, "0-2\n");
}

static void cpu_3_comes(void)
{
	put_cpu(3);
	put(NODE1 "/cpumap", "c\n");
	put(CPU_ONLINE, "0-3\n");
}

static void node_1_goes(void)
{
	drop(NODE1);
	drop("sys/devices/system/cpu/cpu2/topology");
	drop("sys/devices/system/cpu/cpu3/topology");
	put(CPU_ONLINE, "0-1\n");
	put(NODE_ONLINE, "0\n");
}

static void node_1_comes(void)
{
	put_cpu(2);
	put_cpu(3);
	put_node(1, 2600);
	put(CPU_ONLINE, "0-3\n");
	put(NODE_ONLINE, "0-1\n");
}

static void assert_guests_on(unsigned int number, const char *cpus)
{
	char text[KT_CPULIST_MAX];

	for (unsigned int t = 0; t < THREADS; t++)
		ck_assert_str_eq(cpumask_str(&libvirt.cpus[number][t], text, sizeof text), cpus);
}

START_TEST(a_cpu_goes_and_comes_back)
{
	cpu_3_goes();
	ticks(2);
	ck_assert_str_eq(online(), "0-2");
	ck_assert_uint_eq(cpumask_count(&k->topology.node[1].cpus), 1);
	assert_guests_on(2, "2");
	assert_guests_on(1, "0-1");
	cpu_3_comes();
	ticks(14); /* its pins changed a moment ago: the cool-down comes first */
	ck_assert_str_eq(online(), "0-3");
	assert_guests_on(2, "2-3");
	ck_assert_uint_eq(lines.n, 0);
}
END_TEST

/* On the node that is left there is nothing to choose: guests may run where they might before us.
 */
START_TEST(a_node_goes_and_comes_back)
{
	static char before[512];

	strcpy(before, in_force());
	node_1_goes();
	ticks(1);
	ck_assert_str_eq(online(), "0-1");
	ck_assert_uint_eq(k->topology.nnodes, 1);
	assert_guests_on(1, "0-3");
	assert_guests_on(2, "0-3");
	ticks(19);
	assert_guests_on(1, "0-3");
	assert_guests_on(2, "0-3");
	node_1_comes();
	ticks(2);
	ck_assert_uint_eq(k->topology.nnodes, 2);
	ck_assert_uint_eq(k->topology.ncpu_nodes, 2);
	ck_assert_str_eq(in_force(), before);
	ticks(20);
	ck_assert_str_eq(in_force(), before);
	for (size_t i = 0; i < lines.n; i++)
		ck_assert_msg(lines.id[i] != LOG_CEDED, "%s", lines.text[i]);
}
END_TEST

static const struct {
	const char *path, *text; /* NULL: gone */
} odd[] = {
	{ CPU_ONLINE, "garbage\n" },   { CPU_ONLINE, "3-0\n" }, { CPU_ONLINE, "0-99999999\n" },
	{ NODE_ONLINE, "5-3\n" },      { NODE_ONLINE, "-1\n" }, { NODE_ONLINE, "0-4000000\n" },
	{ NODE_ONLINE, "\xff\xfe\n" }, { NODE_ONLINE, "\n" },
};

/* And is read again, though the list is what it was at the first trial. */
START_TEST(an_odd_list_is_said_once_and_the_topology_of_before_holds)
{
	struct topology *before = malloc(sizeof *before);

	ck_assert_ptr_nonnull(before);
	*before = k->topology;
	put(odd[_i].path, odd[_i].text);
	ticks(40);
	ck_assert_int_eq(memcmp(before, &k->topology, sizeof *before), 0);
	ck_assert_uint_eq(lines.n, 1);
	ck_assert_int_eq(lines.id[0], LOG_SENSE_FAILED);
	ck_assert_ptr_nonnull(strstr(lines.text[0], "/sys/devices/system/cpu and node"));
	assert_guests_on(1, "0-1");
	assert_guests_on(2, "2-3");
	put(NODE_ONLINE, "0-1\n");
	put(CPU_ONLINE, "0-3\n");
	ticks(14);
	cpu_3_goes();
	ticks(1);
	ck_assert_str_eq(online(), "0-2");
	ck_assert_uint_eq(lines.n, 1);
	free(before);
}
END_TEST

/* A CPU went while hwloc could not read the nodes: a minute later it can. */
START_TEST(a_failed_look_is_repeated)
{
	put(NODE_ONLINE, "5-3\n");
	cpu_3_goes();
	ticks(2);
	ck_assert_str_eq(online(), "0-3");
	drop(NODE_ONLINE); /* and a list that is the same as before at no time */
	ticks(13);
	ck_assert_str_eq(online(), "0-2");
	ck_assert_uint_eq(lines.n, 1);
}
END_TEST

START_TEST(cpus_of_a_kernel_without_numa_come_and_go_as_well)
{
	drop(NODE_ONLINE);
	hostfile_close(&k->node_online);
	ticks(1);
	cpu_3_goes();
	ticks(1);
	ck_assert_str_eq(online(), "0-2");
	cpu_3_comes();
	ticks(1);
	ck_assert_str_eq(online(), "0-3");
	ck_assert_uint_eq(lines.n, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("topology within ticks");
	TCase *c = tcase_create("hotplug");

	tcase_add_checked_fixture(c, setup, end);
	tcase_add_test(c, a_cpu_goes_and_comes_back);
	tcase_add_test(c, a_node_goes_and_comes_back);
	tcase_add_loop_test(c, an_odd_list_is_said_once_and_the_topology_of_before_holds, 0,
			    KT_ARRAY_LEN(odd));
	tcase_add_test(c, a_failed_look_is_repeated);
	tcase_add_test(c, cpus_of_a_kernel_without_numa_come_and_go_as_well);
	suite_add_tcase(s, c);
	return kt_run(s);
}
