/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does every guest stay where it may run, and what is the home of a wide one? */
#include "placement_fixture.h"

#define NODE(n) (UINT64_C(1) << (n))

static void expect_cpus(const char *name, const struct cpumask *cpus, unsigned int first,
			unsigned int last)
{
	struct cpumask expected = cpus_of(first, last);
	char buf[KT_CPULIST_MAX];

	ck_assert_msg(cpumask_equal(cpus, &expected), "%s: CPUs %s", name,
		      cpumask_str(cpus, buf, sizeof buf));
}

/* ---- envelopes ---------------------------------------------------------------------- */

/* What the administrator allows is what its threads had at first. */
static void envelope(unsigned int first, unsigned int last)
{
	fx.domain[0].has_cpuset = true;
	fx.domain[0].cpuset = cpus_of(first, last);
	for (size_t i = 0; i < fx.sample[0].nthreads; i++)
		fx.thread[0][i].first_allowed = fx.domain[0].cpuset;
}

START_TEST(the_pin_is_the_cpus_of_the_node_that_the_guest_may_use)
{
	fixture_guest(1);
	fixture_memory_on(0, 0, G(2));
	fx.conf.placement.backend = PLACEMENT_LIBVIRT;
	fx.domain[0].vcpus = 3;
	fx.sample[0].cpuset = cpus_of(0, 12);
	envelope(0, 10);
	expect("three of eight CPUs", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
	expect_cpus("vCPUs", &plan_of(0)->cell[0].cpus, 8, 10);
	expect_cpus("helpers", &plan_of(0)->helpers, 8, 10);
	ck_assert_int_eq(plan_of(0)->backend, PLACEMENT_LIBVIRT);
	ck_assert_uint_eq(plan_of(0)->ncells, 1);
	ck_assert_uint_eq(plan_of(0)->cell[0].nodes, NODE(1));
	ck_assert_uint_eq(plan_of(0)->cell[0].memory_kib, 0);
	ck_assert_ptr_null(plan_of(0)->core_of);
	fixture_forget();
	fx.domain[0].vcpus = 4;
	expect("a vCPU more than CPUs there", step(), 0, WISH_SET, WHY_NODE_CROWDED);
	expect_cpus("vCPUs", &plan_of(0)->cell[0].cpus, 0, 7);
	fixture_forget();
	envelope(0, 11);
	expect("a CPU more in its envelope", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
	expect_cpus("vCPUs", &plan_of(0)->cell[0].cpus, 8, 11);
	fixture_forget();
	fx.sample[0].cpuset = cpus_of(0, 10);
	expect("a CPU less in its cgroup", step(), 0, WISH_SET, WHY_NODE_CROWDED);
}
END_TEST

START_TEST(the_only_node_that_it_may_use_is_its_home)
{
	fixture_guest(1);
	fixture_memory_on(0, G(2), 0);
	envelope(8, 15);
	expect("its CPUs", step(), 1, WISH_SET, WHY_HOME_IN_CPUSET);
	fixture_forget();
	envelope(0, 15);
	fx.domain[0].has_memory_nodes = true;
	fx.domain[0].memory_nodes = NODE(1);
	expect("its memory", step(), 1, WISH_SET, WHY_HOME_IN_CPUSET);
	expect_cpus("vCPUs", &plan_of(0)->cell[0].cpus, 8, 15);
	fixture_forget();
	fx.domain[0].memory_nodes = NODE(0) | NODE(1);
	expect("either", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fixture_forget();
	fx.domain[0].memory_nodes = NODE(2);
	expect("none that there is", step(), -1, WISH_RELEASE, WHY_NO_CPUS);
}
END_TEST

/* ---- reserved CPUs ---------------------------------------------------------------------- */

START_TEST(helpers_have_the_reserved_cpus_and_vcpus_the_others)
{
	fixture_guest(1);
	fixture_memory_on(0, G(2), 0);
	fx.conf.placement.reserved_cpus = cpus_of(0, 1);
	expect("two of its home", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	expect_cpus("vCPUs", &plan_of(0)->cell[0].cpus, 2, 7);
	expect_cpus("helpers", &plan_of(0)->helpers, 0, 1);
	fixture_forget();
	fx.conf.placement.reserved_cpus = cpus_of(8, 9);
	expect("two of another node", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	expect_cpus("vCPUs", &plan_of(0)->cell[0].cpus, 0, 7);
	expect_cpus("helpers", &plan_of(0)->helpers, 8, 9);
	fixture_forget();
	fx.conf.placement.reserved_cpus = cpus_of(6, 9);
	expect("two of each", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	expect_cpus("vCPUs", &plan_of(0)->cell[0].cpus, 0, 5);
	expect_cpus("near ones first", &plan_of(0)->helpers, 6, 7);
	fixture_forget();
	envelope(2, 15);
	fx.conf.placement.reserved_cpus = cpus_of(0, 1);
	expect("none that it may use", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	expect_cpus("vCPUs", &plan_of(0)->cell[0].cpus, 2, 7);
	expect_cpus("helpers", &plan_of(0)->helpers, 2, 7);
}
END_TEST

START_TEST(a_reserved_node_is_no_home)
{
	fixture_guest(1);
	fixture_memory_on(0, G(2), 0);
	fx.conf.placement.reserved_cpus = cpus_of(0, 7);
	expect("the node of its memory", step(), 1, WISH_SET, WHY_HOME_IN_CPUSET);
	expect_cpus("vCPUs", &plan_of(0)->cell[0].cpus, 8, 15);
	expect_cpus("helpers", &plan_of(0)->helpers, 0, 7);
	fx.conf.placement.reserved_cpus = cpus_of(0, 15);
	expect("all nodes", step(), -1, WISH_RELEASE, WHY_NO_CPUS);
	fx.conf.placement.reserved_cpus = cpus_of(0, 14);
	expect("all but one CPU", step(), -1, WISH_RELEASE, WHY_WIDER_THAN_NODE);
}
END_TEST

/* A guest that is best off everywhere needs a pin to be kept from them. */
START_TEST(a_wide_guest_does_not_run_on_reserved_cpus_either)
{
	fixture_guest(9);
	fx.domain[0].vcpus = 10;
	fx.conf.placement.reserved_cpus = cpus_of(14, 15);
	expect_nodes("wide", step(), NODE(0) | NODE(1), WISH_SET, WHY_WIDER_THAN_NODE);
	expect_cpus("vCPUs", &plan_of(0)->cell[0].cpus, 0, 13);
	expect_cpus("helpers", &plan_of(0)->helpers, 14, 15);
	carry_out(0);
	expect_nodes("and again", step(), NODE(0) | NODE(1), WISH_SET, WHY_WIDER_THAN_NODE);
}
END_TEST

START_TEST(reserved_cpus_carry_no_guest)
{
	fixture_guest(1);
	fx.topology.node[0].ncores = 4;
	for (unsigned int cpu = 0; cpu < 16; cpu++)
		fx.topology.core_of[cpu] = (uint16_t)(cpu / 2);
	(void)step();
	ck_assert_double_eq(fx.state.placement.pack.bin[0].threads, 8);
	ck_assert_double_eq(fx.state.placement.pack.bin[0].cores, 4);
	ck_assert_double_eq(fx.state.placement.pack.bin[1].cores, 8); /* of unknown cores */
	fx.conf.placement.reserved_cpus = cpus_of(0, 2);
	(void)step();
	ck_assert_double_eq(fx.state.placement.pack.bin[0].threads, 5);
	ck_assert_double_eq(fx.state.placement.pack.bin[0].cores, 3);
}
END_TEST

/* ---- guests wider than a node --------------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned int vcpus;
	uint64_t memory_kib;
	unsigned int home; /* of its memory */
	double cpus, busy0, busy1;
	uint64_t nodes;
	enum why why;
} wide[] = {
	{ "one node is enough", 8, G(8), 2, 4, 0, 0, NODE(2), WHY_HOME_BY_MEMORY },
	{ "two near nodes", 9, G(8), 2, 4, 0, 0, NODE(2) | NODE(3), WHY_HOME_BY_MEMORY },
	{ "two near nodes elsewhere", 9, G(8), 1, 4, 0, 0, NODE(0) | NODE(1), WHY_HOME_BY_MEMORY },
	{ "two near nodes that are just wide enough", 16, G(8), 3, 8, 0, 0, NODE(2) | NODE(3),
	  WHY_HOME_BY_MEMORY },
	{ "its nodes are crowded: two other near ones", 9, G(8), 1, 9, 7, 7, NODE(2) | NODE(3),
	  WHY_NODE_CROWDED },
	{ "three nodes: no two are wide enough", 17, G(8), 3, 8, 0, 0, NODE(0) | NODE(2) | NODE(3),
	  WHY_HOME_BY_MEMORY },
	{ "three nodes for its memory", 4, G(64), 3, 2, 0, 0, NODE(0) | NODE(2) | NODE(3),
	  WHY_HOME_BY_MEMORY },
	{ "no three nodes are wide enough", 25, G(8), 3, 8, 0, 0, 0, WHY_WIDER_THAN_NODE },
	{ "no three nodes hold its memory", 4, G(96), 3, 2, 0, 0, 0, WHY_WIDER_THAN_NODE },
};

START_TEST(a_wide_guest_gets_the_nearest_nodes_that_hold_it)
{
	four_nodes();
	fixture_guest(wide[_i].cpus);
	fx.domain[0].vcpus = wide[_i].vcpus;
	fx.domain[0].memory_kib = wide[_i].memory_kib;
	fixture_memory_on(0, 0, 0);
	fx.sample[0].node_memory_kib[wide[_i].home] = G(6);
	fx.view.node_busy_cpus[0] = wide[_i].busy0;
	fx.view.node_busy_cpus[1] = wide[_i].busy1;
	expect_nodes(wide[_i].name, step(), wide[_i].nodes,
		     wide[_i].nodes ? WISH_SET : WISH_RELEASE, wide[_i].why);
}
END_TEST

START_TEST(a_guest_that_no_node_has_cpus_for_gets_two_near_ones)
{
	four_nodes();
	fixture_guest(8);
	fx.domain[0].vcpus = 8;
	fixture_memory_on(0, 0, 0);
	fx.sample[0].node_memory_kib[2] = G(6);
	for (unsigned int n = 0; n < 4; n++)
		fx.view.node_busy_cpus[n] = 4;
	expect_nodes("half of each", step(), NODE(2) | NODE(3), WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

/* ---- guests of cells ---------------------------------------------------------------------------
 */

static void two_cells(unsigned int vcpus)
{
	fixture_guest(vcpus);
	fx.domain[0].vcpus = 2 * vcpus;
	fx.domain[0].ncells = 2;
	for (unsigned int c = 0; c < 2; c++) {
		fx.domain[0].cell[c].vcpus = cpus_of(c * vcpus, c * vcpus + vcpus - 1);
		fx.domain[0].cell[c].memory_kib = G(4) + c;
	}
	fixture_wants(0, 2 * vcpus);
}

START_TEST(each_cell_has_a_home_of_its_own)
{
	const struct placement_plan *p;

	two_cells(6);
	fixture_memory_on(0, G(2), G(2));
	p = step();
	expect_nodes("two cells", p, NODE(0) | NODE(1), WISH_SET, WHY_HOME_BY_MEMORY);
	ck_assert_uint_eq(p->ncells, 2);
	ck_assert_uint_eq(p->cell[0].nodes | p->cell[1].nodes, NODE(0) | NODE(1));
	for (unsigned int c = 0; c < 2; c++) {
		ck_assert_uint_eq(nodemask_count(p->cell[c].nodes), 1);
		ck_assert(cpumask_equal(&p->cell[c].vcpus, &fx.domain[0].cell[c].vcpus));
		ck_assert(cpumask_equal(&p->cell[c].cpus,
					&fx.topology.node[nodemask_first(p->cell[c].nodes)].cpus));
		ck_assert_uint_eq(p->cell[c].memory_kib, G(4) + c);
	}
	expect_cpus("helpers", &p->helpers, 0, 15);
}
END_TEST

/* Of which cell memory is, nobody knows: of the one that is at home there. */
START_TEST(cells_keep_their_homes)
{
	const struct pack_item *item = fx.state.placement.pack.item;

	two_cells(6);
	fixture_memory_on(0, G(2), G(2));
	fixture_pinned(0, 0);
	fx.in_force.guest[0].nodes = NODE(0) | NODE(1);
	fx.in_force.guest[0].ncells = 2;
	fx.in_force.guest[0].cell_nodes[0] = NODE(1);
	fx.in_force.guest[0].cell_nodes[1] = NODE(0);
	(void)step();
	ck_assert_uint_eq(plan_of(0)->cell[0].nodes, NODE(1));
	ck_assert_uint_eq(plan_of(0)->cell[1].nodes, NODE(0));
	ck_assert(item[0].gib_on[1] > 1.99F && item[0].gib_on[0] < 0.01F);
	ck_assert(item[1].gib_on[0] > 1.99F && item[1].gib_on[1] < 0.01F);
	fixture_forget();
	fx.in_force.guest[0].cell_nodes[0] = NODE(0);
	fx.in_force.guest[0].cell_nodes[1] = NODE(1);
	(void)step();
	ck_assert_uint_eq(plan_of(0)->cell[0].nodes, NODE(0));
	ck_assert_uint_eq(plan_of(0)->cell[1].nodes, NODE(1));
}
END_TEST

/* As a recording may say; of what libvirt says they are not taken. */
START_TEST(cells_without_memory_run_everywhere)
{
	const struct pack_item *item = fx.state.placement.pack.item;

	two_cells(6);
	fx.domain[0].cell[0].memory_kib = fx.domain[0].cell[1].memory_kib = 0;
	fixture_memory_on(0, G(2), G(2));
	expect("nothing is far from them", step(), -1, WISH_RELEASE, WHY_SPREAD);
	for (size_t c = 0; c < 2; c++)
		ck_assert_double_eq(item[c].gib, 0);
}
END_TEST

START_TEST(small_cells_share_the_node_of_their_memory)
{
	two_cells(3);
	fixture_wants(0, 0.2);
	fixture_memory_on(0, 0, G(4));
	expect("both", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
	ck_assert_uint_eq(plan_of(0)->ncells, 2);
	ck_assert_uint_eq(plan_of(0)->cell[0].nodes, NODE(1));
	ck_assert_uint_eq(plan_of(0)->cell[1].nodes, NODE(1));
}
END_TEST

/* Idle as they are, and with all memory on one node: they may wake up. */
START_TEST(cells_do_not_crowd_a_node_with_more_vcpus_than_it_has_cpus)
{
	two_cells(4);
	fixture_wants(0, 0.2);
	fixture_memory_on(0, G(4), 0);
	(void)step();
	ck_assert_uint_eq(plan_of(0)->cell[0].nodes | plan_of(0)->cell[1].nodes, NODE(0));
	fixture_forget();
	fx.domain[0].cell[1].vcpus = cpus_of(4, 8);
	(void)step();
	ck_assert_uint_eq(plan_of(0)->cell[0].nodes, NODE(0));
	ck_assert_uint_eq(plan_of(0)->cell[1].nodes, NODE(1));
}
END_TEST

/* Of the others it is the nearest to that memory. */
START_TEST(a_cell_that_has_to_leave_goes_where_it_costs_least)
{
	four_nodes();
	two_cells(6);
	fx.domain[0].cell[0].vcpus = cpus_of(0, 6);
	fx.domain[0].cell[1].vcpus = cpus_of(7, 11);
	fixture_wants(0, 0.2);
	fixture_memory_on(0, 0, 0);
	fx.sample[0].node_memory_kib[3] = G(4);
	(void)step();
	ck_assert_uint_eq(plan_of(0)->cell[0].nodes, NODE(3));
	ck_assert_uint_eq(plan_of(0)->cell[1].nodes, NODE(2));
}
END_TEST

START_TEST(a_cell_that_has_to_leave_takes_the_first_of_equals)
{
	fixture_node(2, 16, 8, G(32), G(20));
	for (unsigned int n = 1; n < 3; n++)
		fixture_distance(0, n, 20);
	fixture_distance(1, 2, 20);
	two_cells(6);
	fixture_wants(0, 0.2);
	fixture_memory_on(0, G(4), 0);
	(void)step();
	ck_assert_uint_eq(plan_of(0)->cell[0].nodes, NODE(0));
	ck_assert_uint_eq(plan_of(0)->cell[1].nodes, NODE(1));
}
END_TEST

/* A domain of cells of memory alone. */
START_TEST(cells_without_vcpus_want_no_cpus)
{
	const struct pack_item *item = fx.state.placement.pack.item;

	two_cells(3);
	fx.domain[0].cell[0].vcpus = fx.domain[0].cell[1].vcpus = (struct cpumask){ 0 };
	fixture_guest(1);
	fixture_memory_on(1, 0, G(2));
	(void)step();
	for (size_t c = 0; c < 2; c++)
		ck_assert(item[c].cpus >= 0 && item[c].cpus <= 0);
	expect("the other guest", plan_of(1), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(cells_share_what_the_plugged_vcpus_want)
{
	const struct pack_item *item = fx.state.placement.pack.item;

	two_cells(6);
	fx.domain[0].vcpus = 6; /* of twelve */
	fixture_wants(0, 9);
	fixture_memory_on(0, G(4), 0);
	(void)step();
	for (size_t c = 0; c < 2; c++) {
		ck_assert_double_eq_tol(item[c].cpus, 3, 1e-9);
		ck_assert_double_eq_tol(item[c].most_cpus, 3, 1e-9);
	}
}
END_TEST

START_TEST(a_cell_wants_its_share_of_the_guest)
{
	const struct pack_item *item = fx.state.placement.pack.item;

	two_cells(3);
	fx.domain[0].cell[0].vcpus = cpus_of(0, 1);
	fx.domain[0].cell[1].vcpus = cpus_of(2, 5);
	fx.domain[0].cell[0].memory_kib = G(2);
	fx.domain[0].cell[1].memory_kib = G(6);
	fx.view.guest[0].demand = (struct demand){ 3, 3, 10, 100 };
	fixture_memory_on(0, G(4), 0);
	(void)step();
	ck_assert_double_eq_tol(item[0].cpus, 1, 1e-9);
	ck_assert_double_eq_tol(item[1].cpus, 2, 1e-9);
	ck_assert_double_eq_tol(item[0].variance, 0.2 * 10 / 9, 1e-9);
	ck_assert_double_eq_tol(item[1].variance, 0.2 * 10 * 4 / 9, 1e-9);
	/* And a quarter of what it has not touched. */
	ck_assert_double_eq_tol(item[0].gib, 1.25, 1e-6);
	ck_assert_double_eq_tol(item[1].gib, 3.75, 1e-6);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_room");
	TCase *c = tcase_create("room");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_test(c, the_pin_is_the_cpus_of_the_node_that_the_guest_may_use);
	tcase_add_test(c, the_only_node_that_it_may_use_is_its_home);
	tcase_add_test(c, helpers_have_the_reserved_cpus_and_vcpus_the_others);
	tcase_add_test(c, a_reserved_node_is_no_home);
	tcase_add_test(c, a_wide_guest_does_not_run_on_reserved_cpus_either);
	tcase_add_test(c, reserved_cpus_carry_no_guest);
	tcase_add_loop_test(c, a_wide_guest_gets_the_nearest_nodes_that_hold_it, 0,
			    (int)KT_ARRAY_LEN(wide));
	tcase_add_test(c, a_guest_that_no_node_has_cpus_for_gets_two_near_ones);
	tcase_add_test(c, each_cell_has_a_home_of_its_own);
	tcase_add_test(c, cells_keep_their_homes);
	tcase_add_test(c, cells_without_memory_run_everywhere);
	tcase_add_test(c, small_cells_share_the_node_of_their_memory);
	tcase_add_test(c, cells_do_not_crowd_a_node_with_more_vcpus_than_it_has_cpus);
	tcase_add_test(c, a_cell_that_has_to_leave_goes_where_it_costs_least);
	tcase_add_test(c, a_cell_that_has_to_leave_takes_the_first_of_equals);
	tcase_add_test(c, cells_without_vcpus_want_no_cpus);
	tcase_add_test(c, cells_share_what_the_plugged_vcpus_want);
	tcase_add_test(c, a_cell_wants_its_share_of_the_guest);
	suite_add_tcase(s, c);
	return kt_run(s);
}
