/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the simulated host count what its model says, and does it do what a plan says? */
#include <stdlib.h>
#include <string.h>

#include "kt_check.h"
#include "numa_kvmtuned.h"

#define KIB_PER_GIB UINT64_C(1048576)

static struct numa_world *w;
static struct numa_daemon *d;

/* So many guests of 8 vCPUs and 32 GiB, on node 0 with all that they have. */
static void open_host(const char *shape_name, unsigned int nguests, unsigned int ncells)
{
	struct placement_conf conf = numa_standard_conf();
	struct numa_shape shape;

	ck_assert(numa_shape_find(shape_name, &shape));
	w = malloc(sizeof *w);
	ck_assert_ptr_nonnull(w);
	numa_world_init(w, &shape, NUMA_STANDARD, nguests, 1);
	for (unsigned int i = 0; i < nguests; i++) {
		struct numa_guest *g = &w->guest[i];

		*g = (struct numa_guest){ .birth = i + 1,
					  .vcpus = 8,
					  .ncells = ncells,
					  .gib = 32,
					  .intensity = 0.3,
					  .device_node = -1,
					  .cpus = 6 };
		for (unsigned int c = 0; c < ncells; c++) {
			g->gib_on[c][0] = 32.0 / ncells;
			g->nodes[c] = 1;
		}
	}
	d = numa_daemon_new(w, &conf);
	for (unsigned int i = 0; i < nguests; i++)
		numa_daemon_meet(d, w, i);
}

static void teardown(void)
{
	numa_daemon_free(d);
	free(w);
}

/* ---- the bill ---------------------------------------------------------------------------- */

/* Three guests want 18 CPUs of 8 cores with 16 threads: 10 have no core, and lose three
 * quarters; 2 have nothing. */
START_TEST(the_second_thread_of_a_core_yields_a_quarter)
{
	open_host("4x8", 3, 1);
	numa_world_pass(w);
	ck_assert_double_eq_tol(w->bill.demand, 18, 1e-9);
	ck_assert_double_eq_tol(w->bill.contention, 0.75 * 10 + 0.25 * 2, 1e-9);
	ck_assert_double_eq_tol(w->bill.remote, 0, 1e-9);
}
END_TEST

START_TEST(without_second_threads_all_that_has_no_core_is_lost)
{
	open_host("4x8-one-thread", 2, 1);
	numa_world_pass(w);
	ck_assert_double_eq_tol(w->bill.contention, 12 - 8, 1e-9);
}
END_TEST

START_TEST(far_memory_costs_by_its_distance)
{
	const uint64_t near = 2, far = 8;

	open_host("4x8", 1, 1);
	numa_pin(w, 0, &near);
	numa_world_pass(w);
	ck_assert_double_eq_tol(w->bill.remote, 6 * 0.3 * 0.2, 1e-9);
	numa_pin(w, 0, &far);
	numa_world_pass(w);
	ck_assert_double_eq_tol(w->bill.remote, 6 * 0.3 * (0.2 + 1), 1e-9);
}
END_TEST

START_TEST(an_unpinned_guest_is_everywhere)
{
	const uint64_t anywhere = 0;

	open_host("4x8", 1, 1);
	numa_pin(w, 0, &anywhere);
	numa_world_pass(w);
	for (unsigned int n = 0; n < 4; n++)
		ck_assert_double_eq_tol(w->load_cpus[n], 1.5, 1e-9);
	ck_assert_double_eq_tol(w->bill.remote, 6 * 0.3 * (0 + 0.2 + 1 + 1) / 4, 1e-9);
}
END_TEST

START_TEST(a_node_of_memory_only_runs_nobody)
{
	const uint64_t anywhere = 0;

	open_host("4x8-memory-node", 1, 1);
	numa_pin(w, 0, &anywhere);
	numa_world_pass(w);
	ck_assert_double_eq_tol(w->load_cpus[0], 1.5, 1e-9);
	ck_assert_double_eq_tol(w->load_cpus[4], 0, 1e-9);
}
END_TEST

START_TEST(a_far_device_costs_by_its_distance)
{
	open_host("4x8", 1, 1);
	w->guest[0].device_node = 3;
	w->guest[0].device_weight = 0.1;
	numa_world_pass(w);
	ck_assert_double_eq_tol(w->bill.remote, 6 * 0.1, 1e-9);
}
END_TEST

START_TEST(cells_are_near_their_own_memory)
{
	const uint64_t apart[] = { 1, 8 };

	open_host("4x8", 1, 2);
	numa_move(w, 0, 1, 0, 3, 16);
	numa_pin(w, 0, apart);
	numa_world_pass(w);
	ck_assert_double_eq_tol(w->bill.remote, 0, 1e-9);
	ck_assert_double_eq_tol(w->load_cpus[0], 3, 1e-9);
	ck_assert_double_eq_tol(w->load_cpus[3], 3, 1e-9);
	ck_assert_double_eq_tol(w->bill.migration, 16 * 0.5, 1e-9);
}
END_TEST

/* ---- what the daemon sees ------------------------------------------------------------------- */

/* 18 CPUs are wanted of 16: what siblings take does not show, what does not fit does. */
START_TEST(the_view_knows_what_guests_want)
{
	open_host("4x8", 3, 1);
	for (unsigned int t = 0; t < 30; t++) {
		if (t % 5 == 0)
			numa_daemon_sense(d, w);
		numa_world_pass(w);
	}
	numa_daemon_sense(d, w);
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_double_eq_tol(d->view->guest[i].demand.fast, 6, 0.01);
	ck_assert_double_eq_tol(d->view->guest_delay_cpus, 2, 0.01);
	ck_assert_double_eq_tol(d->view->idle_cpus, 48, 0.1);
	ck_assert_uint_eq(d->view->host->node[0].mem_free_kib, (120 - 3 * 32) * KIB_PER_GIB);
	ck_assert_uint_eq(d->view->guest[1].sample->node_memory_kib[0], 32 * KIB_PER_GIB);
}
END_TEST

START_TEST(a_new_guest_in_an_old_place_is_another_one)
{
	uint32_t before;

	open_host("4x8", 2, 1);
	numa_daemon_sense(d, w);
	before = d->view->guest[d->slot[1]].incarnation;
	w->guest[1].birth = 3;
	numa_daemon_meet(d, w, 1);
	numa_daemon_sense(d, w);
	ck_assert_uint_ne(d->view->guest[d->slot[1]].incarnation, before);
	ck_assert_uint_eq(d->view->npresent, 2);
	ck_assert_uint_eq(d->view->nslots, 2);
}
END_TEST

/* ---- what becomes of a plan -------------------------------------------------------------------
 */

static struct placement_cell home_on(uint64_t nodes, unsigned int first_vcpu, unsigned int nvcpus)
{
	struct placement_cell c = { .nodes = nodes };

	for (unsigned int v = first_vcpu; v < first_vcpu + nvcpus; v++)
		cpumask_set(&c.vcpus, v);
	for (unsigned int n = 0; n < NUMA_NODES; n++)
		if (nodemask_test(nodes, n))
			c.cpus = cpumask_or(&c.cpus, &d->topology.node[n].cpus);
	return c;
}

static struct placement_plan *begin_plan(enum wish wish, uint64_t nodes)
{
	struct placement_plan *p;

	numa_daemon_sense(d, w);
	numa_daemon_begin_plan(d);
	p = &d->plan.guest[0].placement;
	*p = (struct placement_plan){
		.wish = wish, .nodes = nodes, .ncells = 1, .cell[0] = home_on(nodes, 0, 8)
	};
	return p;
}

START_TEST(a_wish_is_a_change_once)
{
	open_host("4x8", 1, 1);
	w->guest[0].nodes[0] = 0;
	for (unsigned int i = 0; i < 3; i++) {
		begin_plan(WISH_SET, 4);
		numa_daemon_act(d, w);
	}
	ck_assert_uint_eq(w->guest[0].nodes[0], 4);
	ck_assert_uint_eq(w->bill.pins, 1);
	ck_assert_uint_eq(w->bill.repins, 0);
	ck_assert(d->in_force.guest[0].pinned);
	ck_assert_uint_eq(d->in_force.guest[0].cell_nodes[0], 4);
	begin_plan(WISH_HOLD, 1);
	numa_daemon_act(d, w);
	ck_assert_uint_eq(w->guest[0].nodes[0], 4);
	begin_plan(WISH_RELEASE, 1);
	numa_daemon_act(d, w);
	ck_assert_uint_eq(w->guest[0].nodes[0], 0);
	ck_assert_uint_eq(w->bill.repins, 1);
	ck_assert(!d->in_force.guest[0].pinned);
}
END_TEST

static void order_move(uint64_t leave_free_gib)
{
	d->plan.move = (struct move_plan){ .go = true,
					   .slot = 0,
					   .from = UINT64_MAX,
					   .kib_per_s = 2 * KIB_PER_GIB,
					   .leave_free_kib = leave_free_gib * KIB_PER_GIB };
	numa_daemon_act(d, w);
}

START_TEST(memory_moves_home_at_the_speed_asked_for)
{
	open_host("4x8", 1, 1);
	begin_plan(WISH_SET, 4);
	order_move(4);
	for (unsigned int t = 0; t < 5; t++)
		numa_daemon_move(d, w);
	numa_daemon_act(d, w);
	ck_assert_double_eq_tol(w->guest[0].gib_on[0][2], 10, 1e-6);
	ck_assert(d->in_force.move.active && !d->in_force.move.done);
	for (unsigned int t = 0; t < 20; t++)
		numa_daemon_move(d, w);
	ck_assert_double_eq_tol(w->guest[0].gib_on[0][2], 32, 1e-5);
	numa_daemon_act(d, w);
	ck_assert(!d->in_force.move.active && d->in_force.move.done);
	ck_assert_double_eq_tol(w->bill.moved_gib, 32, 1e-5);
	ck_assert_double_eq_tol((double)d->in_force.guest[0].moved_kib / KIB_PER_GIB, 32, 1e-3);
}
END_TEST

START_TEST(a_move_leaves_free_what_it_is_told_to)
{
	open_host("4x8", 1, 1);
	begin_plan(WISH_SET, 4);
	order_move(100);
	for (unsigned int t = 0; t < 40; t++)
		numa_daemon_move(d, w);
	ck_assert_double_eq_tol(w->guest[0].gib_on[0][2], 20, 1e-5);
	ck_assert_double_eq_tol(numa_free_gib(w, 2), 100, 1e-5);
	numa_daemon_act(d, w);
	ck_assert(!d->in_force.move.active && !d->in_force.move.done);
}
END_TEST

/* As act's mover does: it is told to stop, and that it has is known at the next plan. */
START_TEST(another_order_waits_for_the_end_of_the_one_before)
{
	open_host("4x8", 1, 1);
	begin_plan(WISH_SET, 4);
	order_move(4);
	numa_daemon_move(d, w);
	begin_plan(WISH_SET, 8);
	order_move(4);
	numa_daemon_move(d, w);
	ck_assert(d->in_force.move.active);
	ck_assert_double_eq_tol(w->guest[0].gib_on[0][3], 0, 1e-6);
	begin_plan(WISH_SET, 8);
	order_move(4);
	numa_daemon_move(d, w);
	ck_assert(d->in_force.move.active);
	ck_assert_double_eq_tol(w->guest[0].gib_on[0][3], 2, 1e-6);
	begin_plan(WISH_SET, 8);
	numa_daemon_act(d, w);
	numa_daemon_move(d, w);
	ck_assert_double_eq_tol(w->guest[0].gib_on[0][3], 2, 1e-6);
}
END_TEST

START_TEST(memory_spreads_over_a_home_of_two_nodes)
{
	open_host("4x8", 1, 1);
	begin_plan(WISH_SET, 4 | 8);
	order_move(4);
	for (unsigned int t = 0; t < 40; t++)
		numa_daemon_move(d, w);
	ck_assert_double_eq_tol(w->guest[0].gib_on[0][2], 16, 0.5);
	ck_assert_double_eq_tol(w->guest[0].gib_on[0][3], 16, 0.5);
}
END_TEST

START_TEST(each_cells_memory_moves_to_the_home_of_the_cell)
{
	struct placement_plan *p;

	open_host("4x8", 1, 2);
	p = begin_plan(WISH_SET, 2 | 4);
	p->ncells = 2;
	p->cell[0] = home_on(2, 0, 4);
	p->cell[1] = home_on(4, 4, 4);
	order_move(4);
	ck_assert_uint_eq(w->guest[0].nodes[0], 2);
	ck_assert_uint_eq(w->guest[0].nodes[1], 4);
	for (unsigned int t = 0; t < 40; t++)
		numa_daemon_move(d, w);
	ck_assert_double_eq_tol(w->guest[0].gib_on[0][1], 16, 1e-5);
	ck_assert_double_eq_tol(w->guest[0].gib_on[1][2], 16, 1e-5);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_numa_world");
	TCase *b = tcase_create("bill"), *v = tcase_create("view"), *p = tcase_create("plan");

	tcase_add_checked_fixture(b, NULL, teardown);
	tcase_add_checked_fixture(v, NULL, teardown);
	tcase_add_checked_fixture(p, NULL, teardown);
	tcase_add_test(b, the_second_thread_of_a_core_yields_a_quarter);
	tcase_add_test(b, without_second_threads_all_that_has_no_core_is_lost);
	tcase_add_test(b, far_memory_costs_by_its_distance);
	tcase_add_test(b, an_unpinned_guest_is_everywhere);
	tcase_add_test(b, a_node_of_memory_only_runs_nobody);
	tcase_add_test(b, a_far_device_costs_by_its_distance);
	tcase_add_test(b, cells_are_near_their_own_memory);
	tcase_add_test(v, the_view_knows_what_guests_want);
	tcase_add_test(v, a_new_guest_in_an_old_place_is_another_one);
	tcase_add_test(p, a_wish_is_a_change_once);
	tcase_add_test(p, memory_moves_home_at_the_speed_asked_for);
	tcase_add_test(p, a_move_leaves_free_what_it_is_told_to);
	tcase_add_test(p, another_order_waits_for_the_end_of_the_one_before);
	tcase_add_test(p, memory_spreads_over_a_home_of_two_nodes);
	tcase_add_test(p, each_cells_memory_moves_to_the_home_of_the_cell);
	suite_add_tcase(s, b);
	suite_add_tcase(s, v);
	suite_add_tcase(s, p);
	return kt_run(s);
}
