/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest has a thread that the kernel lets nobody pin, as workers of io_uring were before
 * Linux 6.3: do the others get their place, and is nobody blamed for it? */
#include "act_guest.h"

enum { BOUND = 3, FLAGS = 0x04000000 };

/* The threads are real, and so are their masks; of the last one a file says that it is bound. */
static void put_thread(size_t i)
{
	const struct guest_thread *t = &guest.thread[i];
	char path[128], text[256];

	snprintf(path, sizeof path, "%s/proc/%d/task/%d", root, guest.pid, t->tid);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	strcat(path, "/stat");
	snprintf(text, sizeof text,
		 "%d (CPU 0/KVM) S 1 1 1 0 -1 %d 0 0 0 0 0 0 0 0 20 0 1 0 %" PRIu64 " 0 0\n",
		 t->tid, i == BOUND ? FLAGS : 64, t->start_ticks);
	put(path, text);
	if (t->tid != guest.pid)
		return;
	snprintf(path, sizeof path, "%s/proc/%d/stat", root, guest.pid);
	put(path, text);
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
	for (size_t i = 0; i < guest.nthreads; i++)
		put_thread(i);
}

START_TEST(the_others_are_pinned_and_it_is_left_alone)
{
	for (int n = 0; n < 3; n++)
		pin_to_first();
	for (size_t i = 0; i < guest.nthreads; i++)
		ck_assert_msg(runs_on(i, i == BOUND ? &all : &first), "thread %zu", i);
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
	pin_to_first();
	set_mask(guest.thread[BOUND].tid, &second);
	pin_to_first();
	pin_to_second();
	pin_to_first();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(runs_on(0, &first) && runs_on(BOUND, &second));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_bound");
	TCase *c = tcase_create("bound");

	tcase_add_checked_fixture(c, setup, teardown_guest);
	tcase_add_test(c, the_others_are_pinned_and_it_is_left_alone);
	tcase_add_test(c, where_it_runs_is_nobodys_wish);
	suite_add_tcase(s, c);
	return kt_run(s);
}
