/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that are born of a pinned guest run where it runs, and nothing of theirs is on file
 * until they have been seen: do they get their own CPUs back, whatever cannot be read or written
 * meanwhile?
 *
 * Each of these was found by tests/sim/soak.c, in a history of several days. */
#include "act_guest.h"
#include "faulty.h"

/* ---- the world ----------------------------------------------------------------------------- */

static pid_t hidden_tid;        /* its mask cannot be read; 0: of none */
static unsigned int seen_first; /* but so often before */

int sched_getaffinity(pid_t tid, size_t size, cpu_set_t *set)
{
	if (tid != 0 && tid == hidden_tid && seen_first-- == 0) {
		seen_first = 0;
		return faulty_refuses(EIO);
	}
	memset(set, 0, size); /* the kernel writes as many bytes as it has CPUs */
	return syscall(SYS_sched_getaffinity, tid, size, set) < 0 ? -1 : 0;
}

static void setup(void)
{
	setup_guest();
	faulty_begin(fs.root_fd);
	hidden_tid = 0;
	seen_first = 0;
}

static void end(void)
{
	faulty_ends();
	faulty_root_fd = -1;
	teardown_guest();
}

static void hide_vcpu(void)
{
	static char path[64];

	snprintf(path, sizeof path, "proc/%d/task/%d/stat", guest.pid, guest.thread[2].tid);
	fault = (struct fault){ .path = path, .how = FAULT_OPEN, .error = EMFILE };
}

static void undo_is_writable(bool yes)
{
	ck_assert_int_eq(
		yes ? rmdir(at(run_dir, "undo.tmp")) : mkdir(at(run_dir, "undo.tmp"), 0700), 0);
}

static void release(void)
{
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
}

static void assert_back(pid_t born)
{
	struct cpumask now;

	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	now = mask_of(born);
	ck_assert_msg(cpumask_equal(&now, &all), "it has been forgotten");
	ck_assert(!exists(at(run_dir, "undo")) && !act_owes(act));
}

/* ---- while the guest is given back ----------------------------------------------------------- */

/* One of its threads cannot be told of, and so the guest is not yet back. */
static pid_t is_half_back(void)
{
	pid_t born;

	pin_to_first();
	born = new_thread();
	hide_vcpu();
	release();
	ck_assert(runs_on(0, &all) && runs_on(2, &first));
	return born;
}

START_TEST(who_was_born_of_a_guest_that_is_half_back_is_on_file)
{
	pid_t born = is_half_back();

	(void)act_again();
	faulty_ends();
	bind();
	assert_back(born);
	assert_all_on(&all);
}
END_TEST

START_TEST(a_guest_that_is_half_back_is_not_wished_elsewhere)
{
	pid_t born = is_half_back();

	undo_is_writable(false);
	pin_to_second();
	undo_is_writable(true);
	pin_to_second();
	ck_assert(runs_on(0, &all));
	faulty_ends();
	pin_to_second();
	ck_assert(runs_on(0, &second) && runs_on(2, &second));
	assert_back(born);
	assert_all_on(&all);
}
END_TEST

/* In a life that does not know what the last one did, and lacked a descriptor meanwhile. */
START_TEST(a_guest_that_is_half_back_is_not_pinned_without_a_wish)
{
	static char path[64];
	pid_t born = is_half_back();

	(void)act_again();
	bind();
	release();
	snprintf(path, sizeof path, "proc/%d/stat", guest.pid);
	fault = (struct fault){ .path = path, .how = FAULT_READ, .error = EIO };
	release();
	plan->guest[SLOT].placement.wish = WISH_HOLD;
	apply();
	assert_all_on(&all);
	faulty_ends();
	assert_back(born);
}
END_TEST

/* The main thread's mask is an administrator's now, who has not pinned those born before. */
START_TEST(who_was_born_before_an_administrator_came_has_its_own)
{
	pid_t born;

	pin_to_first();
	born = new_thread();
	set_mask(guest.pid, &second);
	hide_vcpu();
	apply();
	ck_assert(in_force()->pin_ceded);
	act_forgive(act);
	if (_i == 1) {
		(void)act_again();
		bind();
		act_forgive(act);
	}
	pin_to_first();
	faulty_ends();
	pin_to_first();
	assert_back(born);
	ck_assert(runs_on(0, &second) && runs_on(1, &all) && runs_on(2, &all));
}
END_TEST

/* Somebody else's pin is found out by giving back.  By its first mask, which this life has seen
 * when the last one had pinned it, it could be the thread's own. */
START_TEST(a_guest_that_is_ceded_on_its_way_back_is_not_pinned)
{
	pid_t born = is_half_back();

	set_mask(guest.thread[2].tid, &second);
	guest.thread[2].first_allowed = second;
	faulty_ends();
	pin_to_first();
	ck_assert(in_force()->pin_ceded);
	ck_assert(runs_on(0, &all) && runs_on(1, &all) && runs_on(2, &second));
	assert_back(born);
}
END_TEST

/* ---- while it is wished elsewhere --------------------------------------------------------------
 */

/* It may have the mask of the present wish, and of two wishes the file names only the last. */
START_TEST(a_guest_with_a_thread_that_cannot_be_read_stays_where_it_is)
{
	pid_t born;

	pin_to_first();
	born = new_thread();
	see_thread(born, THREAD_VCPU, 2);
	hidden_tid = born;
	seen_first = (unsigned int)_i; /* when it is looked at, but not when it is noted */
	pin_to_second();
	wish_cpus(&all, 0);
	apply();
	ck_assert(runs_on(0, &first));
	hidden_tid = 0;
	apply();
	ck_assert(runs_on(0, &all) && runs_on(guest.nthreads - 1, &all));
	pin_to_first();
	assert_back(born);
}
END_TEST

/* Who asks for a third mask, and cannot file it, remembers both others. */
START_TEST(what_cannot_be_filed_leaves_all_as_it_was)
{
	pid_t born;

	pin_to_first();
	born = new_thread();
	pin_to_second();
	see_thread(born, THREAD_VCPU, 2);
	undo_is_writable(false);
	wish_cpus(&all, 0);
	apply();
	ck_assert(runs_on(0, &second) && runs_on(guest.nthreads - 1, &first));
	undo_is_writable(true);
	pin_to_second();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_all_on(&second);
	assert_back(born);
}
END_TEST

/* ---- of others than the main thread ------------------------------------------------------------
 */

/* The others on the first CPU. */
static void pin_vcpu_to_second(unsigned int number)
{
	struct placement_plan *p = &plan->guest[SLOT].placement;

	wish_cpus(&first, 0);
	p->cell[1] = p->cell[0];
	p->cell[1].vcpus = (struct cpumask){ 0 };
	cpumask_set(&p->cell[1].vcpus, number);
	p->cell[0].vcpus = cpumask_andnot(&p->cell[0].vcpus, &p->cell[1].vcpus);
	p->cell[1].cpus = second;
	p->ncells = 2;
	apply();
}

/* That has not been seen. */
static pid_t is_born_of_vcpu(void)
{
	pid_t born;

	pin_vcpu_to_second(1);
	ck_assert(runs_on(0, &first) && runs_on(3, &second));
	born = new_thread();
	set_mask(born, &second);
	return born;
}

START_TEST(who_was_born_of_a_vcpu_is_on_file_until_it_is_seen)
{
	pid_t born = is_born_of_vcpu();

	hidden_tid = born;
	seen_first = 0;
	release();
	ck_assert(runs_on(0, &all) && runs_on(3, &all));
	(void)act_again();
	hidden_tid = 0;
	bind();
	assert_back(born);
}
END_TEST

/* Its mother had another mask than the main thread. */
START_TEST(who_was_born_of_a_vcpu_gets_what_that_had)
{
	struct cpumask now;
	pid_t born;

	set_mask(guest.thread[3].tid, &first);
	guest.thread[3].first_allowed = first;
	born = is_born_of_vcpu();
	if (_i) {
		see_thread(born, THREAD_EMULATOR, 0);
		plan->guest[SLOT].nthreads = guest.nthreads;
		apply();
		ck_assert(runs_on(guest.nthreads - 1, &first));
	}
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	now = mask_of(born);
	ck_assert(cpumask_equal(&now, &first) && runs_on(0, &all));
	ck_assert(!exists(at(run_dir, "undo")) && !act_owes(act));
}
END_TEST

/* A vCPU that is unplugged before any plan has seen her child. */
START_TEST(whose_mother_has_gone_is_known_by_her)
{
	pid_t born = new_thread();

	see_thread(new_thread(), THREAD_VCPU, 2);
	pin_vcpu_to_second(2);
	set_mask(born, &second);
	end_last_thread();
	guest.nthreads--;
	if (_i == 1) {
		(void)act_again();
		bind();
	}
	see_thread(born, THREAD_EMULATOR, 0);
	plan->guest[SLOT].nthreads = guest.nthreads;
	apply();
	ck_assert(runs_on(guest.nthreads - 1, &first));
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_back(born);
}
END_TEST

/* ---- through libvirt ---------------------------------------------------------------------------
 */

/* Nobody would see that it is somebody else's by the time it is pinned. */
START_TEST(libvirt_is_not_asked_to_pin_what_cannot_be_read)
{
	plan->guest[SLOT].placement.backend = PLACEMENT_LIBVIRT;
	hidden_tid = guest.thread[2].tid;
	seen_first = (unsigned int)_i;
	pin_to_first();
	for (size_t i = 0; i < nrequests; i++)
		ck_assert_msg(!cpumask_empty(&request[i].seen), "request %zu", i);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("threads born of pinned guests");
	TCase *c = tcase_create("born");

	tcase_add_checked_fixture(c, setup, end);
	tcase_add_test(c, who_was_born_of_a_guest_that_is_half_back_is_on_file);
	tcase_add_test(c, a_guest_that_is_half_back_is_not_wished_elsewhere);
	tcase_add_test(c, a_guest_that_is_half_back_is_not_pinned_without_a_wish);
	tcase_add_test(c, a_guest_that_is_ceded_on_its_way_back_is_not_pinned);
	tcase_add_loop_test(c, who_was_born_before_an_administrator_came_has_its_own, 0, 2);
	tcase_add_loop_test(c, a_guest_with_a_thread_that_cannot_be_read_stays_where_it_is, 0, 2);
	tcase_add_test(c, what_cannot_be_filed_leaves_all_as_it_was);
	tcase_add_test(c, who_was_born_of_a_vcpu_is_on_file_until_it_is_seen);
	tcase_add_loop_test(c, who_was_born_of_a_vcpu_gets_what_that_had, 0, 2);
	tcase_add_loop_test(c, whose_mother_has_gone_is_known_by_her, 0, 2);
	tcase_add_loop_test(c, libvirt_is_not_asked_to_pin_what_cannot_be_read, 0, 6);
	suite_add_tcase(s, c);
	return kt_run(s);
}
