/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is one more guest sent where it costs the least, and is it said when it fits nowhere? */
#include "explain.h"
#include "placement_fixture.h"

#define NODE(n) (UINT64_C(1) << (n))

static struct advice advice;

static uint64_t advise(unsigned int vcpus, uint64_t memory_kib)
{
	static struct advise_scratch scratch;

	placement_advise(&fx.state, &fx.conf.placement, &fx.view, &fx.in_force, vcpus, memory_kib,
			 &scratch, &advice);
	return advice.nodes;
}

static const struct advised_nodes *of(uint64_t nodes)
{
	static const struct advised_nodes none = { .nodes = 0 };

	for (size_t i = 0; i < advice.n; i++)
		if (advice.considered[i].nodes == nodes)
			return &advice.considered[i];
	return &none;
}

/* At home on this node, with its memory, since long ago. */
static void busy_guest(unsigned int node, double cpus)
{
	size_t slot = fx.view.nslots;

	fixture_guest(cpus);
	fx.domain[slot].vcpus = 8;
	fx.domain[slot].memory_kib = G(2);
	fixture_memory_on(slot, 0, 0);
	fx.sample[slot].node_memory_kib[node] = G(2);
	fixture_pinned(slot, (int)node);
}

static void expect_why(uint64_t nodes, enum why why, bool fits)
{
	ck_assert_uint_eq(advice.nodes, nodes);
	ck_assert_str_eq(why_str(advice.why), why_str(why));
	if (nodes)
		ck_assert(advice.considered[0].nodes == nodes && advice.considered[0].fits == fits);
	else
		ck_assert_uint_eq(advice.n, 0);
}

static void expect_same(const struct advice *before)
{
	ck_assert_uint_eq(advice.nodes, before->nodes);
	ck_assert_uint_eq(advice.n, before->n);
	for (size_t i = 0; i < advice.n; i++) {
		ck_assert_uint_eq(advice.considered[i].nodes, before->considered[i].nodes);
		ck_assert_uint_eq(advice.considered[i].free_kib, before->considered[i].free_kib);
		ck_assert(!(advice.considered[i].lost_cpus < before->considered[i].lost_cpus) &&
			  !(advice.considered[i].lost_cpus > before->considered[i].lost_cpus));
	}
}

/* ---- where the others are ---------------------------------------------------------------- */

START_TEST(an_empty_host_has_room_on_one_node)
{
	(void)advise(4, G(8));
	expect_why(NODE(0), WHY_HOME_BY_LOAD, true);
	ck_assert_uint_eq(of(NODE(0))->free_kib, G(20) - RESERVE_KIB);
	ck_assert_uint_eq(of(NODE(0) | NODE(1))->free_kib, 2 * (G(20) - RESERVE_KIB));
	ck_assert(of(NODE(0))->lost_cpus >= 0 && of(NODE(0))->lost_cpus < 0.1);
	ck_assert(of(NODE(0))->lost_cpus < of(NODE(0) | NODE(1))->lost_cpus);
}
END_TEST

START_TEST(the_less_loaded_node_is_advised)
{
	busy_guest(0, 5);
	(void)step();
	(void)advise(4, G(8));
	expect_why(NODE(1), WHY_HOME_BY_LOAD, true);
	ck_assert(of(NODE(0))->lost_cpus > 0.5 && of(NODE(0))->fits);
	busy_guest(1, 7);
	(void)step();
	(void)advise(4, G(8));
	expect_why(NODE(0), WHY_HOME_BY_LOAD, true);
}
END_TEST

START_TEST(load_that_is_not_the_guests_counts)
{
	fx.view.node_busy_cpus[0] = 6;
	for (int i = 0; i < 20; i++) {
		(void)step();
		fixture_later(10);
	}
	ck_assert_uint_eq(advise(4, G(8)), NODE(1));
}
END_TEST

/* Else each question would count as a look at the host. */
START_TEST(asking_again_changes_nothing)
{
	struct advice first;

	busy_guest(0, 5);
	fx.view.node_busy_cpus[1] = 3;
	(void)step();
	(void)advise(4, G(8));
	first = advice;
	(void)advise(4, G(8));
	expect_same(&first);
	(void)step();
	ck_assert_int_eq(plan_of(0)->wish, WISH_SET); /* and nobody is moved for it */
	ck_assert_uint_eq(plan_of(0)->nodes, NODE(0));
}
END_TEST

/* Its load is the host's, once it shows; it does not count twice. */
START_TEST(a_guest_that_must_not_be_placed_is_load_and_nothing_else)
{
	struct advice without;

	(void)advise(4, G(8));
	without = advice;
	busy_guest(0, 5);
	fx.domain[0].admin_pins = true;
	(void)step();
	(void)advise(4, G(8));
	expect_same(&without);
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------- */

START_TEST(a_node_without_room_is_not_advised)
{
	fx.host.node[0].mem_free_kib = G(8);
	(void)advise(4, G(8));
	expect_why(NODE(1), WHY_HOME_BY_LOAD, true);
	ck_assert(!of(NODE(0))->fits);
	(void)advise(4, G(8) - RESERVE_KIB);
	expect_why(NODE(0), WHY_HOME_BY_LOAD, true);
	(void)advise(4, 0); /* not known */
	expect_why(NODE(0), WHY_HOME_BY_LOAD, true);
	fx.host.node[0].mem_free_kib = 0;
	(void)advise(4, 0);
	ck_assert(of(NODE(0))->fits && of(NODE(0))->free_kib == 0);
}
END_TEST

START_TEST(what_others_have_not_used_yet_is_taken)
{
	busy_guest(0, 0.1);
	fx.domain[0].memory_kib = G(12);
	fx.view.guest[0].nsamples = 0;
	(void)step();
	(void)advise(1, G(12));
	expect_why(NODE(1), WHY_HOME_BY_LOAD, true);
	ck_assert_uint_eq(of(NODE(0))->free_kib, G(10) - RESERVE_KIB);
}
END_TEST

START_TEST(memory_for_which_no_node_has_room_is_spread)
{
	(void)advise(4, G(25));
	expect_why(NODE(0) | NODE(1), WHY_SPREAD, true);
	(void)advise(4, G(39));
	expect_why(NODE(0) | NODE(1), WHY_NODE_CROWDED, false);
	ck_assert(of(NODE(0) | NODE(1))->lost_cpus < 10); /* what is too much is no CPU */
}
END_TEST

/* ---- size -------------------------------------------------------------------------------------
 */

START_TEST(a_wide_guest_goes_to_near_nodes)
{
	four_nodes();
	(void)advise(12, G(8));
	expect_why(NODE(0) | NODE(1), WHY_WIDER_THAN_NODE, true);
	busy_guest(1, 6);
	(void)step();
	(void)advise(12, G(8));
	expect_why(NODE(2) | NODE(3), WHY_WIDER_THAN_NODE, true);
	(void)advise(12, 0);
	expect_why(NODE(2) | NODE(3), WHY_WIDER_THAN_NODE, true);
	(void)advise(4, G(40)); /* two have room for 38 */
	expect_why(NODE(0) | NODE(2) | NODE(3), WHY_WIDER_THAN_NODE, true);
}
END_TEST

START_TEST(what_the_host_does_not_have_is_nowhere)
{
	(void)advise(17, G(8));
	expect_why(0, WHY_WIDER_THAN_NODE, false);
	(void)advise(1, G(64));
	expect_why(0, WHY_WIDER_THAN_NODE, false);
	(void)advise(UINT32_MAX, UINT64_MAX);
	expect_why(0, WHY_WIDER_THAN_NODE, false);
	ck_assert_uint_eq(advise(0, 0), NODE(0)); /* is one */
}
END_TEST

START_TEST(reserved_cpus_are_not_advised)
{
	fx.conf.placement.reserved_cpus = cpus_of(0, 5);
	(void)advise(4, G(8));
	expect_why(NODE(1), WHY_HOME_BY_LOAD, true);
	ck_assert(!of(NODE(0))->nodes); /* it has two CPUs left */
	fx.conf.placement.reserved_cpus = cpus_of(0, 15);
	(void)advise(4, G(8));
	expect_why(0, WHY_NO_CPUS, false);
}
END_TEST

START_TEST(a_host_of_one_node_is_the_answer)
{
	fx.topology.node[1] = (struct node_topology){ .present = false };
	fx.host.node[1] = (struct node_sample){ .present = false };
	fx.topology.usable = fx.topology.online = cpus_of(0, 7);
	fx.topology.nnodes = fx.topology.ncpu_nodes = 1;
	(void)advise(4, G(8));
	expect_why(NODE(0), WHY_SINGLE_NODE_HOST, true);
	(void)advise(9, G(8));
	expect_why(NODE(0), WHY_SINGLE_NODE_HOST, false);
	(void)advise(4, G(31));
	expect_why(NODE(0), WHY_SINGLE_NODE_HOST, false);
}
END_TEST

/* Fourteen nodes, of which the last but one is the least loaded. */
START_TEST(of_many_nodes_the_best_are_told)
{
	for (unsigned int n = 2; n < 14; n++)
		fixture_node(n, 8 * n, 8, G(32), G(20));
	for (unsigned int n = 0; n < 14; n++)
		fx.view.node_busy_cpus[n] = n == 12 ? 0.5 : 1 + n / 7.0;
	for (int i = 0; i < 20; i++) {
		(void)step();
		fixture_later(10);
	}
	(void)advise(4, G(8));
	expect_why(NODE(12), WHY_HOME_BY_LOAD, true);
	ck_assert_uint_eq(advice.n, ADVICE_MAX);
	for (size_t i = 1; i < advice.n; i++)
		ck_assert_uint_eq(advice.considered[i].nodes, NODE(i - 1));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("advise");
	TCase *c = tcase_create("one more guest");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_test(c, an_empty_host_has_room_on_one_node);
	tcase_add_test(c, the_less_loaded_node_is_advised);
	tcase_add_test(c, load_that_is_not_the_guests_counts);
	tcase_add_test(c, asking_again_changes_nothing);
	tcase_add_test(c, a_guest_that_must_not_be_placed_is_load_and_nothing_else);
	tcase_add_test(c, a_node_without_room_is_not_advised);
	tcase_add_test(c, what_others_have_not_used_yet_is_taken);
	tcase_add_test(c, memory_for_which_no_node_has_room_is_spread);
	tcase_add_test(c, a_wide_guest_goes_to_near_nodes);
	tcase_add_test(c, what_the_host_does_not_have_is_nowhere);
	tcase_add_test(c, reserved_cpus_are_not_advised);
	tcase_add_test(c, a_host_of_one_node_is_the_answer);
	tcase_add_test(c, of_many_nodes_the_best_are_told);
	suite_add_tcase(s, c);
	return kt_run(s);
}
