/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does every guest get the right home, and keep it? */
#include "placement_fixture.h"

static const struct home_row {
	const char *name;
	unsigned int vcpus;
	uint64_t memory_kib, on0_kib, on1_kib, free0_kib, free1_kib, file0_kib;
	double demand_cpus, busy0_cpus;
	unsigned int nsamples;
	int home;
	enum why why;
} home_rows[] = {
	{ "most of its memory decides against free memory", 4, G(8), G(2), 0, G(20), G(30), 0, 1, 0,
	  9, 0, WHY_HOME_BY_MEMORY },
	{ "and so on the other node", 4, G(8), 0, G(2), G(30), G(20), 0, 1, 0, 9, 1,
	  WHY_HOME_BY_MEMORY },
	{ "a twentieth of its memory more decides", 4, G(8), 1050, 950, G(20), G(30), 0, 1, 0, 9, 0,
	  WHY_HOME_BY_MEMORY },
	{ "just less than a twentieth more is a tie", 4, G(8), 1049, 951, G(20), G(30), 0, 1, 0, 9,
	  1, WHY_HOME_BY_FREE_MEMORY },
	{ "no memory yet: free memory decides", 4, G(8), 0, 0, G(20), G(30), 0, 1, 0, 9, 1,
	  WHY_HOME_BY_FREE_MEMORY },
	{ "a tenth of a node more free decides", 4, G(8), G(1), G(1), G(20), G(20) + 3355443, 0, 1,
	  0, 9, 1, WHY_HOME_BY_FREE_MEMORY },
	{ "just less than a tenth more free is a tie", 4, G(8), G(1), G(1), G(20), G(20) + 3355442,
	  0, 1, 0, 9, 0, WHY_HOME_BY_LOAD },
	{ "the page cache counts as free", 4, G(8), G(1), G(1), G(15), G(20), G(9), 1, 0, 9, 0,
	  WHY_HOME_BY_FREE_MEMORY },
	{ "nothing decides: the lowest id", 4, G(8), G(1), G(1), G(20), G(20), 0, 1, 0, 9, 0,
	  WHY_HOME_BY_LOAD },
	{ "load decides", 4, G(8), G(1), G(1), G(20), G(20), 0, 1, 1, 9, 1, WHY_HOME_BY_LOAD },
	{ "as many vCPUs as the node has CPUs", 8, G(8), G(2), 0, G(20), G(20), 0, 1, 0, 9, 0,
	  WHY_HOME_BY_MEMORY },
	{ "one vCPU more than any node has CPUs", 9, G(8), G(2), 0, G(20), G(20), 0, 1, 0, 9, -1,
	  WHY_WIDER_THAN_NODE },
	{ "as much memory as a node has but for its reserve", 4, G(32) - 256 * 1024, G(2), 0, G(32),
	  G(32), 0, 1, 0, 9, 0, WHY_HOME_BY_MEMORY },
	{ "a KiB more than any node can hold", 4, G(32) - 256 * 1024 + 1, G(2), 0, G(32), G(32), 0,
	  1, 0, 9, -1, WHY_WIDER_THAN_NODE },
	{ "what is missing just fits", 4, G(8), G(2), 0, G(6), 0, 0, 1, 0, 9, 0,
	  WHY_HOME_BY_MEMORY },
	{ "what is missing is a KiB too much", 4, G(8), G(2), 0, G(6) - 1, 0, 0, 1, 0, 9, -1,
	  WHY_NODE_CROWDED },
	{ "what is missing fits into the page cache", 4, G(8), G(2), 0, G(6) - 1, 0, 1, 1, 0, 9, 0,
	  WHY_HOME_BY_MEMORY },
	{ "its node is full: the other one", 4, G(8), G(2), 0, G(6) - 1, G(20), 0, 1, 0, 9, 1,
	  WHY_NODE_CROWDED },
	{ "its demand just fits", 4, G(8), G(2), 0, G(20), G(20), 0, 3, 5, 9, 0,
	  WHY_HOME_BY_MEMORY },
	{ "its demand just does not fit", 4, G(8), G(2), 0, G(20), G(20), 0, 3, 5.001, 9, 1,
	  WHY_NODE_CROWDED },
	{ "demand is never more than its vCPUs", 4, G(8), G(2), 0, G(20), G(20), 0, 1e9, 4, 9, 0,
	  WHY_HOME_BY_MEMORY },
	{ "not measured for long enough: counts in full", 4, G(8), G(2), 0, G(20), G(20), 0, 0.1,
	  4.001, 5, 1, WHY_NODE_CROWDED },
	{ "not measured for long enough, and fits in full", 4, G(8), G(2), 0, G(20), G(20), 0, 0.1,
	  4, 5, 0, WHY_HOME_BY_MEMORY },
	{ "measured for just long enough", 4, G(8), G(2), 0, G(20), G(20), 0, 0.1, 4.001, 6, 0,
	  WHY_HOME_BY_MEMORY },
};

START_TEST(a_guest_without_a_home_gets_the_right_one)
{
	const struct home_row *row = &home_rows[_i];
	struct guest_view *g = fixture_guest(row->demand_cpus);

	g->nsamples = row->nsamples;
	fx.domain[0].vcpus = row->vcpus;
	fx.domain[0].memory_kib = row->memory_kib;
	fixture_memory_on(0, row->on0_kib, row->on1_kib);
	fx.host.node[0].mem_free_kib = row->free0_kib;
	fx.host.node[0].file_kib = row->file0_kib;
	fx.host.node[1].mem_free_kib = row->free1_kib;
	if (row->busy0_cpus > 0)
		resident(0, row->busy0_cpus);
	expect(row->name, step(), row->home, row->home < 0 ? WISH_RELEASE : WISH_SET, row->why);
}
END_TEST

START_TEST(the_pin_is_the_cpus_of_the_node_that_the_guest_may_use)
{
	struct cpumask expected = cpus_of(9, 11);

	fixture_guest(1);
	fixture_memory_on(0, 0, G(2));
	fx.conf.placement.backend = PLACEMENT_LIBVIRT;
	fx.domain[0].vcpus = 3;
	fx.domain[0].has_cpuset = true;
	fx.domain[0].cpuset = cpus_of(0, 11);
	fx.sample[0].cpuset = cpus_of(9, 15);
	for (size_t i = 0; i < fx.sample[0].nthreads; i++)
		fx.thread[0][i].first_allowed = fx.domain[0].cpuset;
	ck_assert_uint_eq(step()->nodes, nodemask_of(1));
	ck_assert(cpumask_equal(&step()->cell[0].cpus, &expected));
	ck_assert_int_eq(step()->backend, PLACEMENT_LIBVIRT);
	fx.domain[0].vcpus = 4;
	ck_assert_int_eq(step()->why, WHY_WIDER_THAN_NODE);
	fx.domain[0].cpuset = cpus_of(0, 12);
	for (size_t i = 0; i < fx.sample[0].nthreads; i++)
		fx.thread[0][i].first_allowed = fx.domain[0].cpuset;
	expect("one CPU more in its envelope", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(a_node_without_cpus_or_without_numbers_is_no_home)
{
	fixture_guest(1);
	fixture_node(5, 0, 0, G(512), G(512));
	fx.sample[0].node_memory_kib[5] = G(8);
	expect("memory only", step(), 0, WISH_SET, WHY_NODE_CROWDED);
	fx.sample[0].node_memory_kib[5] = 0;
	fx.host.node[0].present = false;
	expect("not sampled", step(), 1, WISH_SET, WHY_HOME_BY_FREE_MEMORY);
}
END_TEST

/* 8 CPUs on node 0 and 5 on node 1. */
START_TEST(load_is_per_cpu)
{
	fixture_guest(1);
	resident(0, 1);
	resident(1, 1);
	fx.domain[2].vcpus = 5;
	fx.topology.node[1].cpus = cpus_of(8, 12);
	expect("1 and 1", step(), 0, WISH_SET, WHY_HOME_BY_LOAD);
	fx.domain[2].vcpus = 4;
	expect("1 and 0.8", step(), 1, WISH_SET, WHY_HOME_BY_LOAD);
	fx.domain[1].vcpus = 6;
	expect("0.75 and 0.8", step(), 0, WISH_SET, WHY_HOME_BY_LOAD);
}
END_TEST

START_TEST(node_ids_may_have_gaps)
{
	fixture_guest(1);
	fixture_node(63, 16, 8, G(32), G(20));
	fx.sample[0].cpuset = fx.topology.usable;
	fixture_threads(0, 4);
	fixture_memory_on(0, 0, 0);
	fx.sample[0].node_memory_kib[63] = G(2);
	expect("node 63", step(), 63, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

/* ---- a guest that has a home --------------------------------------------------------- */

static const struct {
	const char *name;
	uint64_t on0_kib, on1_kib, free1_kib, changed_ago_ns;
	double busy1_cpus;
	int home;
	enum why why;
} stays[] = {
	{ "its memory is at home", G(2), 0, G(20), SECONDS(100), 0, 0, WHY_HOME_BY_MEMORY },
	{ "two thirds of it are elsewhere", 1000, 2000, G(20), SECONDS(100), 0, 1,
	  WHY_HOME_BY_MEMORY },
	{ "just less than two thirds are", 1001, 2000, G(20), SECONDS(100), 0, 0, WHY_HOME_KEPT },
	{ "no memory at all", 0, 0, G(20), SECONDS(100), 0, 0, WHY_HOME_KEPT },
	{ "two thirds, just within the cool-down", 1000, 2000, G(20), SECONDS(60) - 1, 0, 0,
	  WHY_COOLING_DOWN },
	{ "two thirds, at the end of the cool-down", 1000, 2000, G(20), SECONDS(60), 0, 1,
	  WHY_HOME_BY_MEMORY },
	{ "the other node is full", 1000, 2000, 0, SECONDS(100), 0, 0, WHY_HOME_KEPT },
	{ "its demand just fits there", 1000, 2000, G(20), SECONDS(100), 7, 1, WHY_HOME_BY_MEMORY },
	{ "its demand just does not fit there", 1000, 2000, G(20), SECONDS(100), 7.001, 0,
	  WHY_HOME_KEPT },
};

START_TEST(a_home_is_kept_unless_the_memory_is_clearly_elsewhere)
{
	fixture_guest(1);
	fixture_pinned(0, 0);
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - stays[_i].changed_ago_ns;
	fixture_memory_on(0, stays[_i].on0_kib, stays[_i].on1_kib);
	fx.host.node[1].mem_free_kib = stays[_i].free1_kib;
	if (stays[_i].busy1_cpus > 0)
		resident(1, stays[_i].busy1_cpus);
	expect(stays[_i].name, step(), stays[_i].home, WISH_SET, stays[_i].why);
}
END_TEST

START_TEST(a_guest_just_seen_does_not_move_but_keeps_its_home)
{
	fixture_guest(1)->nsamples = 5;
	fixture_pinned(0, 0);
	fixture_memory_on(0, 0, G(2));
	expect("5 samples", step(), 0, WISH_SET, WHY_HOME_KEPT);
	fx.view.guest[0].nsamples = 6;
	expect("6 samples", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(a_home_that_no_longer_holds_it_is_left_at_once)
{
	fixture_guest(1);
	fixture_pinned(0, 0);
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns;
	fixture_memory_on(0, G(2), 0);
	fx.domain[0].vcpus = 8;
	expect("holds it", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fx.topology.node[0].cpus = cpus_of(0, 6); /* a CPU went off line */
	expect("holds it no more", step(), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.in_force.guest[0].nodes = 0;
	expect("a home that never was", step(), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.in_force.guest[0].nodes = 0;
	expect("no home", step(), 1, WISH_SET, WHY_NODE_CROWDED);
}
END_TEST

START_TEST(a_home_is_no_longer_asked_for_free_memory)
{
	fixture_guest(1);
	fixture_pinned(0, 0);
	fixture_memory_on(0, G(2), 0);
	fx.host.node[0].mem_free_kib = 0;
	expect("full", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_policy");
	TCase *c = tcase_create("homes");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_loop_test(c, a_guest_without_a_home_gets_the_right_one, 0,
			    (int)KT_ARRAY_LEN(home_rows));
	tcase_add_test(c, the_pin_is_the_cpus_of_the_node_that_the_guest_may_use);
	tcase_add_test(c, a_node_without_cpus_or_without_numbers_is_no_home);
	tcase_add_test(c, load_is_per_cpu);
	tcase_add_test(c, node_ids_may_have_gaps);
	tcase_add_loop_test(c, a_home_is_kept_unless_the_memory_is_clearly_elsewhere, 0,
			    (int)KT_ARRAY_LEN(stays));
	tcase_add_test(c, a_guest_just_seen_does_not_move_but_keeps_its_home);
	tcase_add_test(c, a_home_that_no_longer_holds_it_is_left_at_once);
	tcase_add_test(c, a_home_is_no_longer_asked_for_free_memory);
	suite_add_tcase(s, c);
	return kt_run(s);
}
