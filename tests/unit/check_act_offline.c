/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel hides off-line CPUs from every mask: is it known all the same which masks are
 * ours, in this life and in the next, and also while it cannot be told which CPUs those are? */
#include "act_guest.h"
#include "faulty.h"

static unsigned int nwrites;  /* of masks ... */
static pid_t written_last;    /* ... the last one of this thread */
static struct cpumask hidden; /* from the guest's, as CPUs that are off-line */

int sched_setaffinity(pid_t tid, size_t size, const cpu_set_t *set)
{
	nwrites++;
	written_last = tid;
	return (int)syscall(SYS_sched_setaffinity, tid, size, set);
}

int sched_getaffinity(pid_t tid, size_t size, cpu_set_t *set)
{
	struct cpumask mask = { 0 };

	if (syscall(SYS_sched_getaffinity, tid, sizeof mask, &mask) < 0)
		return -1;
	if (tid != 0)
		mask = cpumask_andnot(&mask, &hidden);
	memset(set, 0, size);
	memcpy(set, &mask, sizeof mask);
	return 0;
}

/* A file says which CPUs are on-line, and we take the others out of the masks ourselves. */
static void setup(void)
{
	static const char *const folders[] = { "sys", "sys/devices", "sys/devices/system",
					       "sys/devices/system/cpu" };

	hidden = (struct cpumask){ 0 };
	setup_guest();
	hostfs_close(&fs);
	ck_assert_int_eq(hostfs_open(root, &fs), 0);
	fs.is_live = true;
	faulty_root_fd = fs.root_fd;
	fault = (struct fault){ .path = NULL };
	faulty_hits = 0;
	ck_assert_int_eq(symlink("/proc", at(root, "proc")), 0);
	for (size_t i = 0; i < KT_ARRAY_LEN(folders); i++)
		ck_assert_int_eq(mkdir(at(root, folders[i]), 0755), 0);
}

static const char *online_file(void)
{
	return at(root, "sys/devices/system/cpu/online");
}

static void online(const struct cpumask *cpus)
{
	char list[64];

	put(online_file(), cpumask_str(cpus, list, sizeof list));
}

/* Reading a folder fails. */
static void make_unreadable(void)
{
	ck_assert_int_eq(unlink(online_file()), 0);
	ck_assert_int_eq(mkdir(online_file(), 0755), 0);
}

static void make_readable(const struct cpumask *cpus)
{
	ck_assert_int_eq(rmdir(online_file()), 0);
	online(cpus);
}

static int set_mask_of(void *cpus, pid_t tid)
{
	set_mask(tid, cpus);
	return 0;
}

/* Also those that a sanitizer has there for itself. */
static void all_threads_on(const struct cpumask *cpus)
{
	struct cpumask mask = *cpus;
	char path[64];

	snprintf(path, sizeof path, "proc/%d/task", guest.pid);
	ck_assert_int_eq(hostfs_each_number(&fs, path, set_mask_of, &mask), 0);
}

static void assert_still_ours(void)
{
	ck_assert(in_force()->pinned && !in_force()->pin_ceded);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}

/* A guest of the first CPU, pinned to both, of which the first is off-line now. */
static void pin_to_both_and_switch_off(void)
{
	all_threads_on(&first);
	for (size_t i = 0; i < guest.nthreads; i++)
		guest.thread[i].first_allowed = first;
	online(&all);
	wish_cpus(&all, 0);
	apply();
	online(&second);
	all_threads_on(&second);
}

START_TEST(nobody_is_ceded_to_while_it_cannot_be_told)
{
	pin_to_both_and_switch_off();
	make_unreadable();
	for (int i = 0; i < 3; i++)
		apply();
	assert_still_ours();
	make_readable(&second);
	apply();
	assert_still_ours();
}
END_TEST

START_TEST(what_cannot_be_told_is_given_back_later)
{
	pin_to_both_and_switch_off();
	make_unreadable();
	ck_assert_uint_gt(act_restore(act, 0), 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	make_readable(&second);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all_on(&first);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(the_next_life_may_be_told_later)
{
	pin_to_both_and_switch_off();
	make_unreadable();
	ck_assert_int_eq(act_again(), THREADS);
	make_readable(&second);
	bind();
	apply();
	assert_still_ours();
	act_restore(act, 0);
	assert_all_on(&first);
}
END_TEST

/* As an earlier life left it. */
static void put_undo(const char *original, const char *asked, const char *before)
{
	char text[4096], line[256];

	snprintf(text, sizeof text,
		 "kvmtuned-undo 2\nguest abcd0102-0300-0000-0000-000000000000 %d %" PRIu64
		 " a\npins affinity 0 %s\n",
		 guest.pid, guest.thread[0].start_ticks, asked);
	for (size_t i = 0; i < guest.nthreads; i++) {
		snprintf(line, sizeof line, "pin %d %" PRIu64 " emulator 0 %s %s %s\n",
			 guest.thread[i].tid, guest.thread[i].start_ticks, original, asked, before);
		strcat(text, line);
	}
	snprintf(line, sizeof line, "end %zu\n", guest.nthreads + 2);
	put(at(run_dir, "undo"), strcat(text, line));
	ck_assert_int_eq(act_again(), THREADS);
	bind();
}

/* Nothing is wished, for a minute. */
static void wait_a_minute(void)
{
	plan->guest[SLOT].placement.wish = WISH_HOLD;
	apply();
	plan->now_ns += 60 * KT_NS_PER_S;
	apply();
}

/* It ended between the file and the write: while the first CPU is off-line, what was there
 * looks like what was to be. */
START_TEST(a_life_that_did_not_write_may_look_as_if_it_had)
{
	char original[32], asked[32], before[32];

	online(&second);
	all_threads_on(&second);
	put_undo(cpumask_str(&first, original, sizeof original),
		 cpumask_str(&second, asked, sizeof asked),
		 cpumask_str(&all, before, sizeof before));
	online(&all);
	all_threads_on(&all); /* the kernel shows what was there all the time */
	wait_a_minute();
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_all_on(&first);
}
END_TEST

/* Before the first CPU went somebody gave them more than ever we did, which is not seen now. */
static void give_them_more_and_switch_off(void)
{
	char original[32], asked[32], before[32];

	online(&second);
	all_threads_on(&all);
	hidden = first;
	put_undo(cpumask_str(&all, original, sizeof original),
		 cpumask_str(&first, asked, sizeof asked),
		 cpumask_str(&second, before, sizeof before));
	nwrites = 0;
}

START_TEST(what_has_more_cpus_than_ours_is_not_written)
{
	give_them_more_and_switch_off();
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert_uint_eq(nwrites, 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

static void hide_whole_mask(size_t thread, enum fault_how how)
{
	static char path[32];

	snprintf(path, sizeof path, "proc/%d/status", guest.thread[thread].tid);
	fault = (struct fault){ .path = path, .how = how, .error = EIO };
}

static const enum fault_how unreadable[] = { FAULT_READ, FAULT_GARBAGE, FAULT_EMPTY };

START_TEST(what_may_have_more_cpus_than_ours_stays_on_file_until_it_can_be_told)
{
	give_them_more_and_switch_off();
	hide_whole_mask(2, unreadable[_i]);
	restore();
	ck_assert_uint_gt(faulty_hits, 0);
	ck_assert(act_owes(act) && exists(at(run_dir, "undo")));
	fault.path = NULL;
	restore();
	ck_assert_uint_eq(nwrites, 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* What is seen is all that there is. */
START_TEST(while_all_cpus_are_on_line_whole_masks_are_not_asked_for)
{
	char present[64];

	online(&all);
	put(at(root, "sys/devices/system/cpu/present"), cpumask_str(&all, present, sizeof present));
	pin_to_second();
	hide_whole_mask(2, FAULT_READ);
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert_uint_eq(faulty_hits, 0);
	assert_all_on(&all);
}
END_TEST

/* Nor of a thread that no plan has named; and who has got its own back gets it once. */
START_TEST(who_was_born_and_has_more_cpus_than_ours_is_not_written)
{
	pid_t born;

	online(&all);
	pin_to_second();
	online(&second);
	hidden = first;
	born = new_thread();
	if (_i == 0)
		set_mask(born, &all);
	nwrites = 0;
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert_uint_eq(nwrites, THREADS + (_i == 1));
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* The first CPU goes; what is left of what they had looks like what they have now. */
static void pin_and_switch_off(const struct cpumask *cpus)
{
	char present[64];

	all_threads_on(&second);
	for (size_t i = 0; i < guest.nthreads; i++)
		guest.thread[i].first_allowed = second;
	online(&all);
	put(at(root, "sys/devices/system/cpu/present"), cpumask_str(&all, present, sizeof present));
	wish_cpus(cpus, 0);
	apply();
	online(&second);
	all_threads_on(&second);
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
}

START_TEST(what_looks_like_the_original_without_a_cpu_is_given_back)
{
	pin_and_switch_off(_i ? &all : &first); /* first: the kernel has given them all */
	nwrites = 0;
	apply();
	ck_assert_uint_eq(nwrites, THREADS);
	apply();
	ck_assert_uint_eq(nwrites, THREADS);
	assert_all_on(&second); /* also when the first is back */
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* All of its CPUs went and came back while it was only said what would be done. */
START_TEST(a_mask_that_was_reset_while_nobody_looked_is_no_foreign_pin)
{
	struct placement_plan *p = &plan->guest[SLOT].placement;

	pin_and_switch_off(&first);
	p->wish = WISH_SET;
	p->dry_run = true;
	apply();
	online(&all);
	all_threads_on(&all);
	for (int i = 0; i < 2; i++) {
		plan->now_ns += 60 * KT_NS_PER_S;
		apply();
	}
	p->dry_run = false;
	if (_i)
		p->wish = WISH_RELEASE;
	apply();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_all_on(_i ? &second : &first);
}
END_TEST

START_TEST(who_gives_a_thread_all_cpus_after_a_reset_is_somebody)
{
	pin_and_switch_off(&first);
	plan->guest[SLOT].placement.wish = WISH_HOLD;
	apply();
	online(&all);
	all_threads_on(&all);
	wish_cpus(&first, 0);
	apply();
	assert_all_on(&first);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	plan->now_ns += 60 * KT_NS_PER_S;
	set_mask(guest.thread[2].tid, &all);
	apply();
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

START_TEST(what_is_the_original_is_not_written)
{
	pin_and_switch_off(&second);
	nwrites = 0;
	apply();
	ck_assert_uint_eq(nwrites, 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* The kernel leaves nobody without a CPU: 1000 and 1001 are off-line. */
START_TEST(a_mask_that_was_reset_before_this_life_is_no_foreign_pin)
{
	char original[32];

	online(&all);
	put_undo(cpumask_str(&first, original, sizeof original), "1000-1001", "-");
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert_uint_eq(act_restore(act, plan->now_ns + 60 * KT_NS_PER_S), 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_all_on(&first);
}
END_TEST

/* A worker that is born where it is wished is not written; and then its mother moves on. */
START_TEST(a_thread_born_where_it_is_wished_is_remembered)
{
	struct placement_plan *p = &plan->guest[SLOT].placement;
	struct cpumask others = { 0 };

	online(&all);
	wish_cpus(&second, 0); /* vCPUs 0 and 1 */
	cpumask_set(&others, 5);
	p->cell[0].vcpus = cpumask_andnot(&p->cell[0].vcpus, &others);
	p->cell[1] = p->cell[0];
	p->cell[1].vcpus = others;
	p->cell[1].cpus = p->helpers = first;
	p->ncells = 2;
	apply();
	see_thread(new_thread(), THREAD_VCPU, 5);
	plan->guest[SLOT].nthreads = guest.nthreads;
	apply();
	p->helpers = second;
	apply();
	p->helpers = all;
	apply();
	ck_assert(runs_on(guest.nthreads - 1, &first));
	act_restore(act, 0);
	assert_all_on(&every);
}
END_TEST

/* While a CPU is off-line what its mother had looks like what it is wished. */
START_TEST(a_thread_born_just_before_its_mother_moved_on_is_written)
{
	pid_t born;

	all_threads_on(&second);
	for (size_t i = 0; i < guest.nthreads; i++)
		guest.thread[i].first_allowed = second;
	online(&all);
	wish_cpus(&all, 0);
	apply();
	online(&first);
	all_threads_on(&first);
	born = new_thread(); /* of both CPUs, if the kernel said so */
	wish_cpus(&first, 0);
	apply();
	see_thread(born, THREAD_VCPU, 2);
	wish_cpus(&first, 1);
	apply();
	ck_assert_int_eq(written_last, born);
}
END_TEST

/* Whose their masks are cannot be told just now. */
START_TEST(threads_that_cannot_be_seen_are_given_back_later)
{
	struct cpumask now;
	pid_t tid;

	online(&all);
	pin_to_first();
	tid = new_thread();
	make_unreadable();
	ck_assert_uint_gt(act_restore(act, 0), 0);
	ck_assert(act_owes(act) && exists(at(run_dir, "undo")));
	make_readable(&all);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	now = mask_of(tid);
	ck_assert(cpumask_equal(&now, &every));
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}
END_TEST

static const char *present_file(void)
{
	return at(root, "sys/devices/system/cpu/present");
}

/* Whether they have all CPUs that there are, or those that are on-line. */
START_TEST(masks_that_cannot_be_remembered_in_whole_stay)
{
	char list[64];

	online(&all);
	ck_assert_int_eq(mkdir(present_file(), 0755), 0);
	for (int i = 0; i < 2; i++)
		pin_to_first();
	assert_all_on(&all);
	ck_assert(!in_force()->pinned && !act_owes(act) && !exists(at(run_dir, "undo")));
	ck_assert_uint_eq(nsaid, 0);
	ck_assert_int_eq(rmdir(present_file()), 0);
	put(present_file(), cpumask_str(&all, list, sizeof list));
	pin_to_first();
	assert_all_on(&first);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_offline");
	TCase *c = tcase_create("masks");

	tcase_add_checked_fixture(c, setup, teardown_guest);
	tcase_add_test(c, nobody_is_ceded_to_while_it_cannot_be_told);
	tcase_add_test(c, what_cannot_be_told_is_given_back_later);
	tcase_add_test(c, the_next_life_may_be_told_later);
	tcase_add_test(c, a_life_that_did_not_write_may_look_as_if_it_had);
	tcase_add_test(c, what_has_more_cpus_than_ours_is_not_written);
	tcase_add_loop_test(c, what_may_have_more_cpus_than_ours_stays_on_file_until_it_can_be_told,
			    0, KT_ARRAY_LEN(unreadable));
	tcase_add_test(c, while_all_cpus_are_on_line_whole_masks_are_not_asked_for);
	tcase_add_loop_test(c, who_was_born_and_has_more_cpus_than_ours_is_not_written, 0, 2);
	tcase_add_loop_test(c, what_looks_like_the_original_without_a_cpu_is_given_back, 0, 2);
	tcase_add_loop_test(c, a_mask_that_was_reset_while_nobody_looked_is_no_foreign_pin, 0, 2);
	tcase_add_test(c, who_gives_a_thread_all_cpus_after_a_reset_is_somebody);
	tcase_add_test(c, what_is_the_original_is_not_written);
	tcase_add_test(c, a_mask_that_was_reset_before_this_life_is_no_foreign_pin);
	tcase_add_test(c, a_thread_born_where_it_is_wished_is_remembered);
	tcase_add_test(c, a_thread_born_just_before_its_mother_moved_on_is_written);
	tcase_add_test(c, threads_that_cannot_be_seen_are_given_back_later);
	tcase_add_test(c, masks_that_cannot_be_remembered_in_whole_stay);
	suite_add_tcase(s, c);
	return kt_run(s);
}
