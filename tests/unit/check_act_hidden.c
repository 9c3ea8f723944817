/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched_getaffinity(2) hides off-line CPUs, /proc shows them: is a mask that looks like one of
 * ours, and has more, left to whom it belongs?
 *
 * Found by tests/sim/soak.c: somebody had pinned a thread, and then all of its CPUs but ours went
 * off-line. */
#include "act_guest.h"

static unsigned int nwrites; /* of the mask of ... */
static pid_t theirs;
static bool is_refused;        /* to write it */
static struct cpumask present; /* one more than this machine has, which is off-line */

int sched_setaffinity(pid_t tid, size_t size, const cpu_set_t *set)
{
	nwrites += tid == theirs;
	if (is_refused && tid == theirs) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_sched_setaffinity, tid, size, set);
}

/* ---- a /proc that shows more than this machine has ------------------------------------------ */

static const char *proc_of(pid_t tid, const char *name)
{
	char below[64];

	snprintf(below, sizeof below, "proc/%d%s", tid, name);
	return at(root, below);
}

static void show_all_of(pid_t tid)
{
	char to[32];

	snprintf(to, sizeof to, "/proc/%d", tid);
	ck_assert_int_eq(symlink(to, proc_of(tid, "")), 0);
}

static void show(pid_t tid, const struct cpumask *cpus)
{
	char list[64], status[128];

	snprintf(status, sizeof status, "Name:\tqemu\nCpus_allowed_list:\t%s\n",
		 cpumask_str(cpus, list, sizeof list));
	put(proc_of(tid, "/status"), status);
}

static void show_more_of(pid_t tid)
{
	struct cpumask more = cpumask_andnot(&present, &first);

	show(tid, &more);
}

static void is_unreadable(pid_t tid)
{
	ck_assert_int_eq(mkdir(proc_of(tid, "/status"), 0755), 0);
}

static void is_readable(pid_t tid)
{
	ck_assert_int_eq(rmdir(proc_of(tid, "/status")), 0);
	show_more_of(tid);
}

static void list_cpus(const char *name, const struct cpumask *cpus)
{
	char below[64], list[64];

	snprintf(below, sizeof below, "sys/devices/system/cpu/%s", name);
	put(at(root, below), cpumask_str(cpus, list, sizeof list));
}

/* The last of its threads is theirs. */
static void setup(void)
{
	static const char *const folders[] = { "proc", "sys", "sys/devices", "sys/devices/system",
					       "sys/devices/system/cpu" };

	setup_guest();
	hostfs_close(&fs);
	ck_assert_int_eq(hostfs_open(root, &fs), 0);
	fs.is_live = true;
	for (size_t i = 0; i < KT_ARRAY_LEN(folders); i++)
		ck_assert_int_eq(mkdir(at(root, folders[i]), 0755), 0);
	for (size_t i = 0; i < THREADS - 1; i++)
		show_all_of(guest.thread[i].tid);
	theirs = guest.thread[THREADS - 1].tid;
	ck_assert_int_eq(mkdir(proc_of(theirs, ""), 0755), 0);
	present = all;
	cpumask_set(&present, KT_CPUS_MAX - 1);
	list_cpus("online", &all);
	list_cpus("present", &present);
	pin_to_second();
	assert_all_on(&second);
	nwrites = 0;
	is_refused = false;
}

static void assert_left_alone(pid_t tid)
{
	struct cpumask now = mask_of(tid);

	ck_assert_uint_eq(nwrites, 0);
	ck_assert(cpumask_equal(&now, &second));
}

static void assert_others_are_back(void)
{
	for (size_t i = 0; i < THREADS - 1; i++)
		ck_assert_msg(runs_on(i, &all), "thread %zu", i);
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}

/* ---- of a thread that we pinned ----------------------------------------------------------------
 */

static void gives_back(void)
{
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	apply();
}

static void pins_elsewhere(void)
{
	pin_to_first();
}

static void stops(void)
{
	(void)act_restore(act, plan->now_ns);
}

static void stops_in_its_next_life(void)
{
	ck_assert_int_eq(act_again(), THREADS);
	stops();
}

static void (*const ways[])(void) = { gives_back, pins_elsewhere, stops, stops_in_its_next_life };

START_TEST(what_has_more_than_ours_is_somebody_elses)
{
	show_more_of(theirs);
	ways[_i]();
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	assert_left_alone(theirs);
	assert_others_are_back();
}
END_TEST

static void hide_what_is_online(void)
{
	ck_assert_int_eq(unlink(at(root, "sys/devices/system/cpu/online")), 0);
	ck_assert_int_eq(mkdir(at(root, "sys/devices/system/cpu/online"), 0755), 0);
}

static void show_what_is_online(void)
{
	ck_assert_int_eq(rmdir(at(root, "sys/devices/system/cpu/online")), 0);
	list_cpus("online", &all);
}

/* A CPU goes off-line, and which it is cannot be read.  Whose it is shows later. */
START_TEST(also_when_nobody_knows_what_is_off_line)
{
	list_cpus("online", &present);
	apply();
	hide_what_is_online();
	show_more_of(theirs);
	ways[_i]();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_left_alone(theirs);
	show_what_is_online();
	stops();
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	assert_left_alone(theirs);
	assert_others_are_back();
}
END_TEST

/* Its next mask could not be written, and is the same but for a CPU that is off-line.  Found by
 * tests/sim/soak.c. */
START_TEST(what_it_had_before_is_ours_when_nobody_knows_what_is_off_line)
{
	struct cpumask more = cpumask_andnot(&present, &first);

	wish_cpus(&more, 1);
	apply();
	show_more_of(theirs);
	is_refused = true;
	pin_to_second();
	is_refused = false;
	hide_what_is_online();
	(void)act_again();
	stops();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(act_owes(act) && exists(at(run_dir, "undo")));
	show_what_is_online();
	stops();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_all_on(&all);
	assert_others_are_back();
}
END_TEST

/* Whose it is shows later. */
START_TEST(what_cannot_be_looked_at_is_not_written)
{
	is_unreadable(theirs);
	ways[_i]();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(act_owes(act) && exists(at(run_dir, "undo")));
	assert_left_alone(theirs);
	is_readable(theirs);
	act_forgive(act);
	stops();
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	assert_left_alone(theirs);
	assert_others_are_back();
}
END_TEST

/* Before Linux 6.2 they get all that they may have whenever a CPU comes or goes. */
START_TEST(what_has_all_that_it_had_is_ours)
{
	show(theirs, &present);
	gives_back();
	ck_assert_uint_eq(nwrites, 1);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_all_on(&all);
	assert_others_are_back();
}
END_TEST

/* ---- of one that was born of them -------------------------------------------------------------
 */

static void is_born(void)
{
	ck_assert_int_eq(rmdir(proc_of(theirs, "")), 0);
	show_all_of(theirs);
	theirs = new_thread();
	ck_assert_int_eq(mkdir(proc_of(theirs, ""), 0755), 0);
}

/* With what its mother had before a CPU went, which looks like what all are wished now. */
START_TEST(a_newborn_that_has_more_than_is_wished_is_written)
{
	struct cpumask more = cpumask_andnot(&present, &first);

	is_born();
	wish_cpus(&more, 1);
	apply();
	pin_to_second();
	show_more_of(theirs);
	see_thread(theirs, THREAD_EMULATOR, 0);
	pin_to_second();
	ck_assert_uint_eq(nwrites, 1);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(of_a_newborn_that_cannot_be_looked_at_nobody_can_tell)
{
	is_born();
	is_unreadable(theirs);
	stops();
	assert_left_alone(theirs);
	ck_assert(act_owes(act) && exists(at(run_dir, "undo")));
	is_readable(theirs);
	stops();
	assert_left_alone(theirs);
	assert_others_are_back();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_hidden");
	TCase *c = tcase_create("masks");

	tcase_add_checked_fixture(c, setup, teardown_guest);
	tcase_add_loop_test(c, what_has_more_than_ours_is_somebody_elses, 0, KT_ARRAY_LEN(ways));
	tcase_add_loop_test(c, also_when_nobody_knows_what_is_off_line, 0, KT_ARRAY_LEN(ways));
	tcase_add_test(c, what_it_had_before_is_ours_when_nobody_knows_what_is_off_line);
	tcase_add_loop_test(c, what_cannot_be_looked_at_is_not_written, 0, KT_ARRAY_LEN(ways));
	tcase_add_test(c, what_has_all_that_it_had_is_ours);
	tcase_add_test(c, a_newborn_that_has_more_than_is_wished_is_written);
	tcase_add_test(c, of_a_newborn_that_cannot_be_looked_at_nobody_can_tell);
	suite_add_tcase(s, c);
	return kt_run(s);
}
