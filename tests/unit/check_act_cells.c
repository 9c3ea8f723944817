/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is each thread of a guest that is placed cell by cell, or core by core, where it is wished,
 * and do others' pins stay others'? */
#include "act_guest.h"

enum { MAIN, WORKER, VCPU0, VCPU1 };

static struct cpumask vcpu_set(unsigned int vcpu)
{
	struct cpumask r = { 0 };

	cpumask_set(&r, vcpu);
	return r;
}

static void wish_cells_on(const struct cpumask *cell0, const struct cpumask *cell1,
			  const struct cpumask *helpers)
{
	struct placement_plan *wish = &plan->guest[SLOT].placement;

	wish_cpus(cell0, 0);
	wish->nodes = 3;
	wish->ncells = 2;
	wish->cell[0].nodes = cell0 == &first ? 1 : 2;
	wish->cell[1].nodes = 3 - wish->cell[0].nodes;
	wish->cell[0].vcpus = vcpu_set(0);
	wish->cell[1].vcpus = vcpu_set(1);
	wish->cell[1].cpus = *cell1;
	wish->helpers = *helpers;
}

static void pin_cells(void)
{
	wish_cells_on(&first, &second, &second);
	apply();
}

/* Each cell to the other's CPUs; the helpers too. */
static void swap_cells(void)
{
	wish_cells_on(&second, &first, &first);
	apply();
}

static void assert_runs(const struct cpumask *helpers, const struct cpumask *vcpu0,
			const struct cpumask *vcpu1)
{
	ck_assert_msg(runs_on(MAIN, helpers), "main");
	ck_assert_msg(runs_on(WORKER, helpers), "worker");
	ck_assert_msg(runs_on(VCPU0, vcpu0), "vCPU 0");
	ck_assert_msg(runs_on(VCPU1, vcpu1), "vCPU 1");
}

static void assert_home(uint64_t cell0, uint64_t cell1, const struct cpumask *cpus)
{
	ck_assert(in_force()->pinned);
	ck_assert_uint_eq(in_force()->nodes, cell0 | cell1);
	ck_assert_uint_eq(in_force()->ncells, cell1 ? 2 : 1);
	ck_assert_uint_eq(in_force()->cell_nodes[0], cell0);
	ck_assert_uint_eq(in_force()->cell_nodes[1], cell1);
	ck_assert(cpumask_equal(&in_force()->cpus, cpus));
}

/* ---- cells --------------------------------------------------------------- */

START_TEST(each_cell_and_the_helpers_have_their_cpus)
{
	char list[64];

	pin_cells();
	assert_runs(&second, &first, &second);
	assert_home(1, 2, &first);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_PIN_CHANGED)->message,
				     "4 threads pinned to nodes 0/1 cell by cell, CPUs "));
	ck_assert_str_eq(the_one(LOG_PIN_CHANGED)->to, cpumask_str(&all, list, sizeof list));

	make_old(at(run_dir, "undo"));
	pin_cells();
	ck_assert(is_old(at(run_dir, "undo")));
	ck_assert_uint_eq(nsaid, 1);

	act_restore(act, 0);
	assert_runs(&all, &all, &all);
	ck_assert_str_eq(the_one(LOG_RESTORED)->from, cpumask_str(&all, list, sizeof list));
	ck_assert(!in_force()->pinned);
	ck_assert_uint_eq(in_force()->ncells, 0);
	ck_assert_uint_eq(in_force()->cell_nodes[1], 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(cells_change_places)
{
	pin_cells();
	swap_cells();
	assert_runs(&first, &second, &first);
	assert_home(2, 1, &second);
	ck_assert_ptr_nonnull(strstr(said[1].message, "4 threads pinned to nodes 1/0 cell by"));
	pin_to_first(); /* and undivided */
	assert_runs(&first, &first, &first);
	assert_home(1, 0, &first);
	ck_assert_ptr_nonnull(strstr(said[2].message, "1 threads pinned to node 0, CPUs "));
	pin_cells();
	assert_runs(&second, &first, &second);
	act_restore(act, 0);
	assert_runs(&all, &all, &all);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(one_cell_moves_alone)
{
	pin_cells();
	wish_cells_on(&first, &first, &second);
	apply();
	assert_runs(&second, &first, &first);
	ck_assert_ptr_nonnull(strstr(said[1].message, "1 threads pinned"));
	act_restore(act, 0);
	assert_runs(&all, &all, &all);
}
END_TEST

START_TEST(several_nodes_of_one_cell_are_named)
{
	wish_cpus(&first, 0);
	plan->guest[SLOT].placement.nodes = plan->guest[SLOT].placement.cell[0].nodes = 7;
	apply();
	ck_assert_ptr_nonnull(strstr(said[0].message, "pinned to nodes 0-2, CPUs "));
	assert_home(7, 0, &first);
}
END_TEST

START_TEST(a_home_that_gains_a_node_without_cpus_is_remembered)
{
	pin_to_first();
	wish_cpus(&first, 0);
	plan->guest[SLOT].placement.nodes = plan->guest[SLOT].placement.cell[0].nodes = 5;
	apply();
	assert_home(5, 0, &first);
	ck_assert_uint_eq(nsaid, 1);
	make_old(at(run_dir, "undo"));
	apply();
	ck_assert(is_old(at(run_dir, "undo")));
	ck_assert_int_eq(act_again(), THREADS);
	bind();
	assert_home(5, 0, &first);
}
END_TEST

START_TEST(a_vcpu_of_no_cell_runs_with_the_helpers)
{
	guest.thread[VCPU1].number = 2;
	pin_cells();
	wish_cells_on(&first, &first, &second);
	apply();
	assert_runs(&second, &first, &second);
}
END_TEST

START_TEST(a_vhost_thread_is_a_helper)
{
	char text[4096];

	guest.thread[VCPU1].role = THREAD_VHOST;
	wish_cells_on(&first, &first, &second);
	apply();
	assert_runs(&second, &first, &second);
	get(at(run_dir, "undo"), text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, " vhost 1 "));
	ck_assert_int_eq(act_again(), THREADS);
	bind();
	set_mask(guest.thread[VCPU1].tid, &first);
	apply();
	ck_assert_ptr_nonnull(strstr(the_one(LOG_CEDED)->message, "vhost thread"));
}
END_TEST

/* Seen before QEMU has named it, and again by the daemon that comes next. */
START_TEST(a_thread_that_has_got_its_name_goes_where_that_belongs)
{
	guest.thread[VCPU0].role = THREAD_EMULATOR;
	pin_cells();
	assert_runs(&second, &second, &second);
	guest.thread[VCPU0].role = THREAD_VCPU;
	pin_cells();
	assert_runs(&second, &first, &second);
	make_old(at(run_dir, "undo"));
	pin_cells();
	ck_assert(is_old(at(run_dir, "undo")));
}
END_TEST

static void break_wish(struct placement_plan *wish, int how)
{
	switch (how) {
	case 0:
		wish->ncells = 0;
		break;
	case 1:
		wish->ncells = KT_CELLS_MAX + 1;
		break;
	case 2:
		wish->cell[1].cpus = (struct cpumask){ 0 };
		break;
	case 3:
		wish->cell[1].nodes = 0;
		break;
	default:
		wish->helpers = (struct cpumask){ 0 };
		break;
	}
}

START_TEST(a_wish_that_leaves_a_thread_without_cpus_is_no_wish)
{
	struct placement_plan *wish = &plan->guest[SLOT].placement;

	wish_cells_on(&first, &second, &second);
	break_wish(wish, _i);
	apply();
	wish->dry_run = true;
	apply();
	assert_runs(&all, &all, &all);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(a_dry_run_tells_each_wish_once)
{
	struct placement_plan *wish = &plan->guest[SLOT].placement;

	wish->dry_run = true;
	for (int i = 0; i < 2; i++)
		pin_cells();
	ck_assert_ptr_nonnull(strstr(the_one(LOG_PIN_CHANGED)->message,
				     "4 threads would be pinned to nodes 0/1 cell by cell"));
	for (int i = 0; i < 2; i++) {
		wish_cells_on(&first, &first, &second);
		apply();
	}
	ck_assert_uint_eq(nsaid, 2);
	for (int i = 0; i < 2; i++) {
		wish_cells_on(&first, &first, &first);
		apply();
	}
	ck_assert_uint_eq(nsaid, 3);
	assert_runs(&all, &all, &all);
}
END_TEST

/* ---- cores --------------------------------------------------------------- */

static uint16_t core_of[KT_CPUS_MAX];

/* Two CPUs that share one core, or do not. */
static void pin_cores(bool siblings)
{
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		core_of[cpu] = siblings ? 3 : cpumask_test(&first, cpu);
	wish_cpus(&all, 0);
	plan->guest[SLOT].placement.core_of = core_of;
	plan->guest[SLOT].placement.helpers = second;
	apply();
}

START_TEST(each_vcpu_has_one_core)
{
	see_thread(new_thread(), THREAD_VCPU, 2);
	pin_cores(false);
	assert_runs(&second, &first, &second);
	ck_assert(runs_on(4, &first)); /* there is no third core */
	assert_home(1, 0, &all);
	make_old(at(run_dir, "undo"));
	pin_cores(false);
	ck_assert(is_old(at(run_dir, "undo")));
	act_restore(act, 0);
	assert_runs(&all, &all, &all);
	ck_assert(runs_on(4, &all));
}
END_TEST

START_TEST(cores_are_counted_cell_by_cell)
{
	pin_cores(false);
	wish_cells_on(&all, &all, &all);
	apply();
	assert_runs(&all, &first, &first);
}
END_TEST

/* The topology behind the plan's pointer changes: siblings were switched on or off. */
START_TEST(vcpus_follow_the_cores)
{
	pin_cores(false);
	pin_cores(true);
	assert_runs(&second, &all, &all);
	pin_cores(false);
	assert_runs(&second, &first, &second);
	ck_assert_int_eq(act_again(), THREADS);
	bind();
	pin_cores(false);
	ck_assert_uint_eq(count_said(LOG_PIN_CHANGED), 3);
	act_restore(act, 0);
	assert_runs(&all, &all, &all);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* ---- threads come and go --------------------------------------------------- */

START_TEST(a_worker_born_of_a_vcpu_becomes_a_helper)
{
	pid_t tid;

	pin_cells();
	tid = new_thread();
	set_mask(tid, &first); /* inherited of vCPU 0 */
	see_thread(tid, THREAD_EMULATOR, 0);
	pin_cells();
	ck_assert(runs_on(4, &second));
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	act_restore(act, 0);
	ck_assert(runs_on(4, &all));
}
END_TEST

START_TEST(a_thread_born_just_before_a_move_has_no_original_of_ours)
{
	pid_t tid, unseen;

	wish_cells_on(&first, &first, &first);
	apply();
	tid = new_thread();
	unseen = new_thread();
	wish_cells_on(&second, &second, &second);
	apply();
	see_thread(tid, THREAD_EMULATOR, 0);
	ck_assert(runs_on(4, &first));
	wish_cells_on(&second, &second, &second);
	apply();
	ck_assert(runs_on(4, &second));
	act_restore(act, 0);
	ck_assert(runs_on(4, &all));
	see_thread(unseen, THREAD_EMULATOR, 0);
	ck_assert(runs_on(5, &all));
}
END_TEST

START_TEST(a_vcpu_plugged_in_goes_to_its_cell)
{
	pin_cells();
	see_thread(new_thread(), THREAD_VCPU, 2); /* with the mask of the main thread */
	wish_cells_on(&first, &second, &second);
	cpumask_set(&plan->guest[SLOT].placement.cell[0].vcpus, 2);
	apply();
	ck_assert(runs_on(4, &first));
	act_restore(act, 0);
	ck_assert(runs_on(4, &all));
}
END_TEST

/* ---- somebody else --------------------------------------------------------- */

START_TEST(another_threads_mask_is_a_foreign_pin)
{
	pin_cells();
	set_mask(guest.thread[VCPU0].tid, &second); /* ours, but not its own */
	pin_cells();
	ck_assert(in_force()->pin_ceded && !in_force()->pinned);
	assert_runs(&all, &second, &all);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

START_TEST(a_mask_of_the_last_wish_is_a_foreign_pin)
{
	pin_cells();
	swap_cells();
	set_mask(guest.thread[VCPU0].tid, &first);
	swap_cells();
	ck_assert(in_force()->pin_ceded);
	assert_runs(&all, &first, &all);
}
END_TEST

START_TEST(another_threads_mask_is_foreign_in_the_next_life_too)
{
	pin_cells();
	set_mask(guest.thread[VCPU0].tid, &second);
	ck_assert_int_eq(act_again(), THREADS - 1);
	bind();
	ck_assert(in_force()->pin_ceded);
	pin_cells();
	assert_runs(&all, &second, &all);
}
END_TEST

/* ---- lives ------------------------------------------------------------------ */

START_TEST(a_restart_knows_every_mask_and_the_cells)
{
	pin_cells();
	make_old(at(run_dir, "undo"));
	ck_assert_int_eq(act_again(), THREADS);
	bind();
	assert_home(1, 2, &first);
	pin_cells();
	assert_runs(&second, &first, &second);
	ck_assert_uint_eq(nsaid, 1);
	swap_cells();
	assert_runs(&first, &second, &first);
	act_restore(act, 0);
	assert_runs(&all, &all, &all);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(what_cannot_be_remembered_moves_no_cell)
{
	pin_cells();
	ck_assert_int_eq(mkdir(at(run_dir, "undo.tmp"), 0700), 0);
	see_thread(new_thread(), THREAD_EMULATOR, 0);
	swap_cells();
	assert_runs(&second, &first, &second);
	ck_assert(runs_on(4, &second));
	assert_home(1, 2, &first);
	ck_assert_int_eq(rmdir(at(run_dir, "undo.tmp")), 0);
	pin_cells(); /* still known for what it is */
	ck_assert_uint_eq(count_said(LOG_PIN_CHANGED), 1);
	swap_cells();
	assert_runs(&first, &second, &first);
	ck_assert(runs_on(4, &first));
	act_restore(act, 0);
	assert_runs(&all, &all, &all);
	ck_assert(runs_on(4, &all));
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* Looked at before the thread that it might be taken for a child of. */
static void see_plugged_vcpu_first(pid_t tid)
{
	see_thread(tid, THREAD_VCPU, 2);
	guest.thread[6] = guest.thread[4];
	guest.thread[4] = guest.thread[5];
	guest.thread[5] = guest.thread[6];
}

START_TEST(what_was_never_written_is_not_ours)
{
	pid_t plugged;

	pin_to_first();
	see_thread(new_thread(), THREAD_EMULATOR, 0);
	if (_i) /* born of one of ours, or not */
		set_mask(guest.thread[4].tid, &all);
	ck_assert_int_eq(mkdir(at(run_dir, "undo.tmp"), 0700), 0);
	pin_to_second();
	ck_assert_int_eq(rmdir(at(run_dir, "undo.tmp")), 0);
	plugged = new_thread();
	set_mask(plugged, &second); /* by libvirt, as its XML wants it */
	see_plugged_vcpu_first(plugged);
	pin_to_first();
	ck_assert(runs_on(4, &first));
	act_restore(act, 0);
	ck_assert(runs_on(4, &second));
	ck_assert(runs_on(5, &all));
}
END_TEST

/* What version 1 left: all threads on one mask, of one node. */
static void put_version_1(const struct cpumask *asked, const struct cpumask *before)
{
	char text[2048], to[64], from[64], original[64];
	int used;

	cpumask_str(asked, to, sizeof to);
	cpumask_str(before, from, sizeof from);
	cpumask_str(&all, original, sizeof original);
	used = snprintf(text, sizeof text,
			"kvmtuned-undo 1\nguest abcd0102-0300-0000-0000-000000000000 %d %" PRIu64
			" web-1\npins affinity 1 %s %s\n",
			guest.pid, guest.thread[0].start_ticks, to, from[0] ? from : "-");
	for (size_t i = 0; i < guest.nthreads; i++)
		used += snprintf(text + used, sizeof text - (size_t)used,
				 "pin %d %" PRIu64 " %s %u %s\n", guest.thread[i].tid,
				 guest.thread[i].start_ticks, i < VCPU0 ? "emulator" : "vcpu",
				 guest.thread[i].number, original);
	snprintf(text + used, sizeof text - (size_t)used, "end %zu\n", guest.nthreads + 2);
	put(at(run_dir, "undo"), text);
}

START_TEST(an_upgrade_loses_no_original)
{
	for (size_t i = 0; i < guest.nthreads; i++)
		set_mask(guest.thread[i].tid, &first);
	put_version_1(&first, &(struct cpumask){ 0 });
	ck_assert_int_eq(act_again(), THREADS);
	bind();
	assert_home(2, 0, &first);
	pin_cells();
	assert_runs(&second, &first, &second);
	ck_assert_int_eq(act_again(), THREADS);
	act_restore(act, 0);
	assert_runs(&all, &all, &all);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(an_upgrade_in_the_midst_of_a_move_loses_no_original)
{
	for (size_t i = 0; i < guest.nthreads; i++)
		set_mask(guest.thread[i].tid, i < VCPU0 ? &second : &first);
	put_version_1(&second, &first);
	ck_assert_int_eq(act_again(), THREADS);
	bind();
	pin_to_second();
	assert_runs(&second, &second, &second);
	act_restore(act, 0);
	assert_runs(&all, &all, &all);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* ---- kill -9 ----------------------------------------------------------------- */

START_TEST(killed_anywhere_in_pinning_all_comes_back)
{
	unsigned int n = 0;

	for (; killed_at(n, pin_cells); n++)
		all_is_back();
	all_is_back();
	ck_assert_uint_ge(n, 8 * THREADS);
}
END_TEST

START_TEST(killed_anywhere_in_moving_all_comes_back)
{
	for (unsigned int n = 0, more = 1; more; n++) {
		pin_cells();
		more = killed_at(n, swap_cells);
		all_is_back();
	}
}
END_TEST

START_TEST(killed_anywhere_in_moving_a_newborn_thread_it_comes_back)
{
	for (unsigned int n = 0, more = 1; more; n++) {
		pin_cells();
		see_thread(new_thread(), THREAD_EMULATOR, 0);
		set_mask(guest.thread[4].tid, &first); /* as if vCPU 0 were its parent */
		more = killed_at(n, pin_cells);
		all_is_back();
		ck_assert(runs_on(4, &all));
		end_last_thread();
		guest.nthreads--;
	}
}
END_TEST

/* The next life goes on, and takes what it finds half done for its own. */
START_TEST(killed_anywhere_in_moving_the_next_life_goes_on)
{
	for (unsigned int n = 0, more = 1; more; n++) {
		pin_cells();
		more = killed_at(n, swap_cells);
		ck_assert_int_eq(act_again(), THREADS);
		bind();
		pin_cells();
		pin_cells();
		assert_runs(&second, &first, &second);
		all_is_back();
	}
}
END_TEST

START_TEST(killed_anywhere_in_restoring_all_comes_back)
{
	for (unsigned int n = 0, more = 1; more; n++) {
		pin_cells();
		more = killed_at(n, restore);
		all_is_back();
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_cells");
	TCase *c = tcase_create("cells"), *k = tcase_create("kill");

	tcase_add_checked_fixture(c, setup_guest, teardown_guest);
	tcase_add_test(c, each_cell_and_the_helpers_have_their_cpus);
	tcase_add_test(c, cells_change_places);
	tcase_add_test(c, one_cell_moves_alone);
	tcase_add_test(c, several_nodes_of_one_cell_are_named);
	tcase_add_test(c, a_home_that_gains_a_node_without_cpus_is_remembered);
	tcase_add_test(c, a_vcpu_of_no_cell_runs_with_the_helpers);
	tcase_add_test(c, a_vhost_thread_is_a_helper);
	tcase_add_test(c, a_thread_that_has_got_its_name_goes_where_that_belongs);
	tcase_add_loop_test(c, a_wish_that_leaves_a_thread_without_cpus_is_no_wish, 0, 5);
	tcase_add_test(c, a_dry_run_tells_each_wish_once);
	tcase_add_test(c, each_vcpu_has_one_core);
	tcase_add_test(c, cores_are_counted_cell_by_cell);
	tcase_add_test(c, vcpus_follow_the_cores);
	tcase_add_test(c, a_worker_born_of_a_vcpu_becomes_a_helper);
	tcase_add_test(c, a_thread_born_just_before_a_move_has_no_original_of_ours);
	tcase_add_test(c, a_vcpu_plugged_in_goes_to_its_cell);
	tcase_add_test(c, another_threads_mask_is_a_foreign_pin);
	tcase_add_test(c, a_mask_of_the_last_wish_is_a_foreign_pin);
	tcase_add_test(c, another_threads_mask_is_foreign_in_the_next_life_too);
	tcase_add_test(c, a_restart_knows_every_mask_and_the_cells);
	tcase_add_test(c, what_cannot_be_remembered_moves_no_cell);
	tcase_add_loop_test(c, what_was_never_written_is_not_ours, 0, 2);
	tcase_add_test(c, an_upgrade_loses_no_original);
	tcase_add_test(c, an_upgrade_in_the_midst_of_a_move_loses_no_original);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(k, setup_guest, teardown_guest);
	tcase_set_timeout(k, 60);
	tcase_add_test(k, killed_anywhere_in_pinning_all_comes_back);
	tcase_add_test(k, killed_anywhere_in_moving_all_comes_back);
	tcase_add_test(k, killed_anywhere_in_moving_a_newborn_thread_it_comes_back);
	tcase_add_test(k, killed_anywhere_in_moving_the_next_life_goes_on);
	tcase_add_test(k, killed_anywhere_in_restoring_all_comes_back);
	suite_add_tcase(s, k);
	return kt_run(s);
}
