/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does every guest get the right home? */
#include "placement_fixture.h"

#define MIB(x) ((x)*MIB_KIB)

/* As in a row where nothing is said. */
#define NODE(n) (UINT64_C(1) << (n))
enum { EVERYWHERE = 0 };

static const struct home_row {
	const char *name;
	unsigned int vcpus;
	uint64_t memory_kib, on0_kib, on1_kib;
	double cpus, busy0, busy1; /* busy: by others than guests */
	uint64_t nodes;
	enum why why;
} moves[] = {
	{ "its memory decides", 4, G(8), G(2), 0, 1, 0, 0, NODE(0), WHY_HOME_BY_MEMORY },
	{ "and so on the other node", 4, G(8), 0, G(2), 1, 0, 0, NODE(1), WHY_HOME_BY_MEMORY },
	{ "a little more of it decides", 4, G(8), G(1), G(1) + MIB(16), 1, 0, 0, NODE(1),
	  WHY_HOME_BY_MEMORY },
	{ "nothing decides: the lowest id", 4, G(8), G(1), G(1), 1, 0, 0, NODE(0),
	  WHY_HOME_BY_MEMORY },
	{ "an idle guest stays near its memory", 4, G(8), 0, G(2), 0, 0, 0, NODE(1),
	  WHY_HOME_BY_MEMORY },
	{ "little load decides against no memory", 4, G(8), G(2), 0, 1, 0.5, 0, NODE(0),
	  WHY_HOME_BY_MEMORY },
	{ "to leave its memory costs more than some load", 4, G(8), G(2), 0, 3, 5.08, 0, NODE(0),
	  WHY_HOME_BY_MEMORY },
	{ "to move its memory costs less than to wait", 4, G(8), G(2), 0, 3, 5.09, 0, NODE(1),
	  WHY_NODE_CROWDED },
	{ "as many vCPUs as a node has CPUs", 8, G(8), G(2), 0, 1, 0, 0, NODE(0),
	  WHY_HOME_BY_MEMORY },
	{ "one vCPU more than any node has CPUs", 9, G(8), G(2), 0, 1, 0, 0, EVERYWHERE,
	  WHY_WIDER_THAN_NODE },
	{ "as many vCPUs as the host has CPUs", 16, G(8), G(2), 0, 1, 0, 0, EVERYWHERE,
	  WHY_WIDER_THAN_NODE },
	{ "one vCPU more than the host has CPUs", 17, G(8), G(2), 0, 1, 0, 0, EVERYWHERE,
	  WHY_WIDER_THAN_NODE },
	{ "as much memory as a node has but for its reserve", 4, G(32) - RESERVE_KIB, G(2), 0, 1, 0, 0,
	  NODE(0), WHY_HOME_BY_MEMORY },
	{ "a KiB more than any node can hold", 4, G(32) - RESERVE_KIB + 1, G(2), 0, 1, 0, 0,
	  EVERYWHERE, WHY_WIDER_THAN_NODE },
	{ "a KiB more than the host can hold", 4, G(64) - 2 * RESERVE_KIB + 1, G(2), 0, 1, 0, 0,
	  EVERYWHERE, WHY_WIDER_THAN_NODE },
	{ "no node has CPUs enough: everywhere", 8, G(8), G(1), G(1), 8, 0.985, 0.985, EVERYWHERE,
	  WHY_SPREAD },
	{ "nearly enough is better than remote memory", 8, G(8), G(1) + MIB(16), G(1), 8, 0.97, 0.97, NODE(0),
	  WHY_HOME_BY_MEMORY },
}, leaves[] = {
	{ "to wait costs less than remote memory", 4, G(8), G(2), 0, 3, 5.46, 0, NODE(0),
	  WHY_HOME_BY_MEMORY },
	{ "half of it remote costs less than to wait", 4, G(8), G(2), 0, 3, 5.47, 0, EVERYWHERE,
	  WHY_SPREAD },
	{ "it never wants more than its vCPUs", 4, G(8), G(2), 0, 1e9, 4.58, 0, NODE(0),
	  WHY_HOME_BY_MEMORY },
	{ "all of its vCPUs are wanted", 4, G(8), G(2), 0, 1e9, 4.59, 0, EVERYWHERE, WHY_SPREAD },
	{ "all of it remote costs less than to wait everywhere", 4, G(8), G(2), 0, 3, 8, 4, NODE(1),
	  WHY_NODE_CROWDED },
};

static void check_home(const struct home_row *row)
{
	fixture_guest(row->cpus);
	fx.domain[0].vcpus = row->vcpus;
	fx.domain[0].memory_kib = row->memory_kib;
	fixture_memory_on(0, row->on0_kib, row->on1_kib);
	fx.view.node_busy_cpus[0] = row->busy0;
	fx.view.node_busy_cpus[1] = row->busy1;
	expect_nodes(row->name, step(), row->nodes, row->nodes ? WISH_SET : WISH_RELEASE, row->why);
}

START_TEST(a_guest_without_a_home_gets_the_right_one)
{
	check_home(&moves[_i]);
}
END_TEST

START_TEST(where_memory_does_not_move_it_weighs_more)
{
	fx.conf.placement.memory = MEMORY_LEAVE;
	check_home(&leaves[_i]);
}
END_TEST

/* ---- a guest that has touched little yet ---------------------------------------------- */

static const struct {
	const char *name;
	uint64_t free0_kib, file0_kib;
	double busy0, busy1;
	uint64_t device_nodes;
	int home;
	enum why why;
} young[] = {
	{ "nothing decides: the lowest id", G(20), 0, 0, 0, 0, 0, WHY_HOME_BY_LOAD },
	{ "load decides", G(20), 0, 0.1, 0, 0, 1, WHY_HOME_BY_LOAD },
	{ "what it will touch just fits", G(8) + RESERVE_KIB, 0, 0, 0.1, 0, 0, WHY_HOME_BY_LOAD },
	{ "a KiB of what it will touch does not fit", G(8) + RESERVE_KIB - 1, 0, 0, 0.1, 0, 1,
	  WHY_HOME_BY_LOAD },
	{ "the page cache gives way", G(8) + RESERVE_KIB - 1, 1, 0, 0.1, 0, 0, WHY_HOME_BY_LOAD },
	{ "its device decides", G(20), 0, 0, 0, NODE(1), 1, WHY_HOME_BY_DEVICE },
	{ "one of its devices is near anyway", G(20), 0, 0.1, 0, NODE(0) | NODE(1), 1,
	  WHY_HOME_BY_DEVICE },
	{ "a device is worth a twentieth of a CPU", G(20), 0, 0, 6.9, NODE(1), 1,
	  WHY_HOME_BY_DEVICE },
	{ "a device is not worth that anybody waits", G(20), 0, 0, 7.1, NODE(1), 0,
	  WHY_HOME_BY_LOAD },
};

START_TEST(a_young_guest_goes_where_its_memory_will_fit)
{
	fixture_guest(1)->nsamples = 5;
	fixture_memory_on(0, 0, 0);
	fx.host.node[0].mem_free_kib = young[_i].free0_kib;
	fx.host.node[0].file_kib = young[_i].file0_kib;
	fx.view.node_busy_cpus[0] = young[_i].busy0;
	fx.view.node_busy_cpus[1] = young[_i].busy1;
	fx.sample[0].device_nodes = young[_i].device_nodes;
	expect(young[_i].name, step(), young[_i].home, WISH_SET, young[_i].why);
}
END_TEST

/* Of several devices the nearest counts. */
START_TEST(near_one_of_its_devices_is_near)
{
	four_nodes();
	fixture_guest(1)->nsamples = 5;
	fixture_memory_on(0, 0, 0);
	fx.sample[0].device_nodes = NODE(1) | NODE(2);
	expect("node 0 is near one, and node 1 has it", step(), 1, WISH_SET, WHY_HOME_BY_DEVICE);
}
END_TEST

START_TEST(a_quarter_of_what_an_old_guest_has_not_touched_counts)
{
	fixture_guest(1)->nsamples = 5;
	(void)step();
	ck_assert_double_eq_tol(fx.state.placement.pack.item[0].gib, 8, 1e-9);
	fx.view.guest[0].nsamples = 6;
	(void)step();
	ck_assert_double_eq_tol(fx.state.placement.pack.item[0].gib, 2 + 6.0 / 4, 1e-9);
	fx.view.guest[0].nsamples = 5;
	fixture_memory_on(0, G(5), G(4));
	(void)step();
	ck_assert_double_eq_tol(fx.state.placement.pack.item[0].gib, 9, 1e-9);
}
END_TEST

START_TEST(the_larger_reserve_counts)
{
	fixture_guest(1);
	fixture_memory_on(0, G(2), 0);
	fx.conf.placement.node_reserve_mib = 1024;
	fx.domain[0].memory_kib = G(31);
	expect("a GiB is left", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fixture_forget();
	fx.domain[0].memory_kib = G(31) + 1;
	expect("a KiB less than that", step(), -1, WISH_RELEASE, WHY_WIDER_THAN_NODE);
}
END_TEST

START_TEST(a_twentieth_of_its_memory_is_qemus_own)
{
	fixture_guest(1);
	fx.domain[0].memory_kib = G(20);
	fixture_memory_on(0, G(1), 0);
	expect("a twentieth", step(), 0, WISH_SET, WHY_HOME_BY_LOAD);
	fixture_forget();
	fixture_memory_on(0, G(1) + 1, 0);
	expect("a KiB more", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

/* ---- what it wants ---------------------------------------------------------------------- */

static const struct {
	const char *name;
	struct demand demand;
	double run_cpus; /* with its other threads */
	double cpus, variance;
} wants[] = {
	{ "the last seconds count more than the last minutes", { 2, 1, 0, 100 }, 0, 1.85, 0 },
	{ "a burst that has gone", { 0, 2, 0, 100 }, 0, 0.3, 0 },
	{ "bursts do not all come at once", { 1, 1, 4, 100 }, 0, 1, 0.8 },
	{ "not measured: three tenths of its vCPUs", { 0, 0, 0, 0 }, 0, 1.2, 0 },
	{ "no more than its vCPUs", { 9, 9, 0, 100 }, 4, 4, 0 },
	{ "just that", { 4, 4, 0, 100 }, 4, 4, 0 },
	{ "and what its other threads use", { 9, 9, 0, 100 }, 5.5, 5.5, 0 },
	{ "never below nothing", { -3, -3, 0, 100 }, 0, 0, 0 },
};

START_TEST(demand_is_of_the_last_seconds_for_the_most_part)
{
	const struct pack_item *item = fx.state.placement.pack.item;

	fixture_guest(1)->demand = wants[_i].demand;
	fx.view.guest[0].run_cpus = wants[_i].run_cpus;
	(void)step();
	ck_assert_msg(item->cpus > wants[_i].cpus - 1e-9 && item->cpus < wants[_i].cpus + 1e-9 &&
			      item->variance > wants[_i].variance - 1e-9 &&
			      item->variance < wants[_i].variance + 1e-9,
		      "%s: %g CPUs, variance %g", wants[_i].name, item->cpus, item->variance);
	ck_assert_msg(item->most_cpus == (wants[_i].run_cpus > 4 ? wants[_i].run_cpus : 4),
		      "%s: %g at most", wants[_i].name, item->most_cpus);
}
END_TEST

/* ---- many guests ----------------------------------------------------------------------- */

static uint64_t nodes_of_all(size_t n, unsigned int *ret_on0)
{
	uint64_t nodes = 0;

	*ret_on0 = 0;
	for (size_t i = 0; i < n; i++) {
		nodes |= plan_of(i)->nodes;
		*ret_on0 += plan_of(i)->nodes == NODE(0);
	}
	return nodes;
}

START_TEST(a_crowd_that_starts_at_once_is_spread)
{
	unsigned int on0;

	for (size_t i = 0; i < 8; i++) {
		fixture_guest(0)->nsamples = 1;
		fx.view.guest[i].demand.age_s = 0;
		fx.domain[i].memory_kib = G(1);
		fixture_memory_on(i, 0, 0);
	}
	(void)step();
	ck_assert_uint_eq(nodes_of_all(8, &on0), NODE(0) | NODE(1));
	ck_assert_uint_eq(on0, 4);
	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(plan_of(i)->why, WHY_HOME_BY_LOAD);
}
END_TEST

START_TEST(memory_of_a_crowd_is_not_put_where_it_does_not_fit)
{
	unsigned int on0;

	for (size_t i = 0; i < 4; i++) {
		fixture_guest(0.1)->nsamples = 1;
		fixture_memory_on(i, 0, 0);
	}
	fx.host.node[0].mem_free_kib = G(24) + RESERVE_KIB;
	fx.host.node[1].mem_free_kib = G(8) + RESERVE_KIB;
	(void)step();
	ck_assert_uint_eq(nodes_of_all(4, &on0), NODE(0) | NODE(1));
	ck_assert_uint_eq(on0, 3);
}
END_TEST

/* Load of guests that may not be placed is measured with their nodes'. */
START_TEST(load_of_others_is_what_guests_do_not_account_for)
{
	fixture_guest(1)->run_cpus = 4;
	fixture_memory_on(0, G(2), 0);
	fx.view.node_busy_cpus[0] = 6;
	fx.view.node_busy_cpus[1] = 1;
	(void)step(); /* 4 of these 7 CPUs are the guest's: where, nobody knows */
	ck_assert_double_eq_tol(fx.state.placement.pack.bin[0].base_cpus, 3, 1e-9);
	ck_assert_double_eq_tol(fx.state.placement.pack.bin[1].base_cpus, 0, 1e-9);
	fixture_forget();
	fixture_pinned(0, 0);
	(void)step();
	ck_assert_double_eq_tol(fx.state.placement.pack.bin[0].base_cpus, 2, 1e-9);
	ck_assert_double_eq_tol(fx.state.placement.pack.bin[1].base_cpus, 1, 1e-9);
	fixture_forget();
	fx.domain[0].realtime = true;
	fx.in_force.guest[0].pinned = false;
	(void)step();
	ck_assert_double_eq_tol(fx.state.placement.pack.bin[0].base_cpus, 6, 1e-9);
	ck_assert_double_eq_tol(fx.state.placement.pack.bin[1].base_cpus, 1, 1e-9);
}
END_TEST

START_TEST(what_ran_before_a_pin_is_not_held_against_its_node)
{
	fixture_guest(1)->run_cpus = 4;
	fixture_pinned(0, 0);
	fx.view.node_busy_cpus[1] = 4; /* until now it ran there */
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - SECONDS(10);
	(void)step();
	ck_assert_double_eq(fx.state.placement.base_cpus[1].age_s, 0);
	fx.in_force.guest[0].pin_changed_ns -= 1;
	(void)step();
	ck_assert_double_eq(fx.state.placement.base_cpus[1].age_s, 10);
}
END_TEST

/* ---- odd hosts and numbers ---------------------------------------------------------------- */

START_TEST(a_node_without_cpus_or_without_numbers_is_no_home)
{
	fixture_node(5, 0, 0, G(512), G(512));
	fixture_guest(1);
	fx.sample[0].node_memory_kib[5] = G(8);
	expect("memory only", step(), 0, WISH_SET, WHY_NODE_CROWDED);
	fixture_forget();
	fx.sample[0].node_memory_kib[5] = 0;
	fixture_memory_on(0, G(9), 0);
	fx.host.node[0].present = false;
	expect("not sampled", step(), 1, WISH_SET, WHY_NODE_CROWDED);
}
END_TEST

START_TEST(node_ids_may_have_gaps)
{
	fixture_node(63, 16, 8, G(32), G(20));
	fixture_guest(1);
	fixture_memory_on(0, 0, 0);
	fx.sample[0].node_memory_kib[63] = G(2);
	expect("node 63", step(), 63, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(odd_numbers_give_a_home_all_the_same)
{
	static const double odd[] = { __builtin_nan(""), __builtin_inf(), -__builtin_inf(), 1e300,
				      -1e300 };

	fixture_guest(1);
	fixture_memory_on(0, 0, G(2));
	fx.view.guest[0].demand = (struct demand){ odd[_i], odd[_i], odd[_i], 100 };
	fx.view.node_busy_cpus[0] = fx.view.guest[0].run_cpus = odd[_i];
	(void)step();
	ck_assert_int_eq(plan_of(0)->wish == WISH_SET, plan_of(0)->nodes != 0);
	ck_assert_int_ne(plan_of(0)->why, WHY_NONE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_policy");
	TCase *c = tcase_create("homes");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_loop_test(c, a_guest_without_a_home_gets_the_right_one, 0,
			    (int)KT_ARRAY_LEN(moves));
	tcase_add_loop_test(c, where_memory_does_not_move_it_weighs_more, 0,
			    (int)KT_ARRAY_LEN(leaves));
	tcase_add_loop_test(c, a_young_guest_goes_where_its_memory_will_fit, 0,
			    (int)KT_ARRAY_LEN(young));
	tcase_add_test(c, near_one_of_its_devices_is_near);
	tcase_add_test(c, a_quarter_of_what_an_old_guest_has_not_touched_counts);
	tcase_add_test(c, the_larger_reserve_counts);
	tcase_add_test(c, a_twentieth_of_its_memory_is_qemus_own);
	tcase_add_loop_test(c, demand_is_of_the_last_seconds_for_the_most_part, 0,
			    (int)KT_ARRAY_LEN(wants));
	tcase_add_test(c, a_crowd_that_starts_at_once_is_spread);
	tcase_add_test(c, memory_of_a_crowd_is_not_put_where_it_does_not_fit);
	tcase_add_test(c, load_of_others_is_what_guests_do_not_account_for);
	tcase_add_test(c, what_ran_before_a_pin_is_not_held_against_its_node);
	tcase_add_test(c, a_node_without_cpus_or_without_numbers_is_no_home);
	tcase_add_test(c, node_ids_may_have_gaps);
	tcase_add_loop_test(c, odd_numbers_give_a_home_all_the_same, 0, 5);
	suite_add_tcase(s, c);
	return kt_run(s);
}
