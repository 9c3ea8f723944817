/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest has a thread that the kernel lets nobody pin, as workers of io_uring were before
 * Linux 6.3: do the others get their place, and is nobody blamed for it? */
#include "act_guest.h"

enum { FLAGS = 0x04000000 };

static const size_t bounds[] = { 3, 0 }; /* a vCPU, or the main thread, whom all descend from */
static size_t bound;

/* The threads are real, and so are their masks; of one of them a file says that it is bound. */
static void put_thread(size_t i)
{
	const struct guest_thread *t = &guest.thread[i];
	char path[128], text[256];

	snprintf(path, sizeof path, "%s/proc/%d/task/%d", root, guest.pid, t->tid);
	ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
	strcat(path, "/stat");
	snprintf(text, sizeof text,
		 "%d (CPU 0/KVM) S 1 1 1 0 -1 %d 0 0 0 0 0 0 0 0 20 0 1 0 %" PRIu64 " 0 0\n",
		 t->tid, i == bound ? FLAGS : 64, t->start_ticks);
	put(path, text);
	if (t->tid != guest.pid)
		return;
	snprintf(path, sizeof path, "%s/proc/%d/stat", root, guest.pid);
	put(path, text);
}

static void put_threads(void)
{
	for (size_t i = 0; i < guest.nthreads; i++)
		put_thread(i);
}

static void setup(void)
{
	char folder[128];

	setup_guest();
	hostfs_close(&fs);
	ck_assert_int_eq(hostfs_open(root, &fs), 0);
	fs.is_live = true;
	ck_assert_int_eq(mkdir(at(root, "proc"), 0755), 0);
	snprintf(folder, sizeof folder, "%s/proc/%d", root, guest.pid);
	ck_assert_int_eq(mkdir(folder, 0755), 0);
	strcat(folder, "/task");
	ck_assert_int_eq(mkdir(folder, 0755), 0);
	bound = THREADS_ROOM; /* none */
	put_threads();
}

START_TEST(the_others_are_pinned_and_it_is_left_alone)
{
	bound = bounds[_i];
	put_threads();
	for (int n = 0; n < 3; n++)
		pin_to_first();
	for (size_t i = 0; i < guest.nthreads; i++)
		ck_assert_msg(runs_on(i, i == bound ? &all : &first), "thread %zu", i);
	ck_assert(in_force()->pinned && !in_force()->pin_off && !in_force()->pin_ceded);
	ck_assert_uint_eq(count_said(LOG_PIN_CHANGED), 1);
	ck_assert_uint_eq(nsaid, 1);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all_on(&all);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* Wherever the kernel has it run: nobody has pinned it. */
START_TEST(where_it_runs_is_nobodys_wish)
{
	bound = bounds[_i];
	put_threads();
	pin_to_first();
	set_mask(guest.thread[bound].tid, &second);
	pin_to_first();
	pin_to_second();
	pin_to_first();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(runs_on(1, &first) && runs_on(bound, &second));
}
END_TEST

/* Threads may have been born of it meanwhile: they are looked for until that can be told. */
START_TEST(a_process_that_cannot_be_seen_is_looked_for_again)
{
	char path[128];

	pin_to_first();
	snprintf(path, sizeof path, "%s/proc/%d/stat", root, guest.pid);
	put(path, "nonsense\n");
	ck_assert_uint_gt(act_restore(act, 0), 0);
	assert_all_on(&all);
	ck_assert(act_owes(act) && exists(at(run_dir, "undo")));
	put_threads();
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}
END_TEST

/* It has gone since its folder was read. */
START_TEST(a_thread_that_has_just_gone_holds_nobody_up)
{
	char path[128];

	pin_to_first();
	snprintf(path, sizeof path, "%s/proc/%d/task/%d", root, guest.pid, INT32_MAX);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all_on(&all);
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}
END_TEST

/* The others get theirs, and it does as soon as it can be seen. */
START_TEST(a_thread_that_cannot_be_seen_is_given_back_later)
{
	char path[128];

	pin_to_first();
	snprintf(path, sizeof path, "%s/proc/%d/task/%d/stat", root, guest.pid,
		 guest.thread[2].tid);
	put(path, "nonsense\n");
	(void)act_restore(act, 0);
	for (size_t i = 0; i < guest.nthreads; i++)
		ck_assert_msg(runs_on(i, i == 2 ? &first : &all), "thread %zu", i);
	ck_assert(act_owes(act) && exists(at(run_dir, "undo")));
	put_threads();
	act_forgive(act);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all_on(&all);
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_bound");
	TCase *c = tcase_create("bound");

	tcase_add_checked_fixture(c, setup, teardown_guest);
	tcase_add_loop_test(c, the_others_are_pinned_and_it_is_left_alone, 0, KT_ARRAY_LEN(bounds));
	tcase_add_loop_test(c, where_it_runs_is_nobodys_wish, 0, KT_ARRAY_LEN(bounds));
	tcase_add_test(c, a_process_that_cannot_be_seen_is_looked_for_again);
	tcase_add_test(c, a_thread_that_has_just_gone_holds_nobody_up);
	tcase_add_test(c, a_thread_that_cannot_be_seen_is_given_back_later);
	suite_add_tcase(s, c);
	return kt_run(s);
}
