/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading fails, as it does when there are too many open files: is what was written then, or
 * by an earlier life, still known to be ours? */
#include "act_fixture.h"

/* Takes the place of write(2) and pread(2): no file below the root can be read, from now on or
 * from the next write on; or only once, after somebody else has written, too. */
static struct {
	bool unreadable, unreadable_when_written, unreadable_once;
	bool somebody_writes_next;
} kernel;

static const char foreign[] = "7\n";

static bool is_kernels(int fd)
{
	char link[32], path[256];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	path[KT_MAX(n, 0)] = '\0';
	return root[0] && strncmp(path, root, strlen(root)) == 0 &&
	       strncmp(path, run_dir, strlen(run_dir)) != 0;
}

/* The whole of it: the new word may be shorter. */
ssize_t write(int fd, const void *bytes, size_t length)
{
	ssize_t n;

	if (!is_kernels(fd))
		return syscall(SYS_write, fd, bytes, length);
	(void)!ftruncate(fd, 0);
	n = syscall(SYS_write, fd, bytes, length);
	kernel.unreadable |= kernel.unreadable_when_written;
	kernel.unreadable_once |= kernel.somebody_writes_next;
	if (kernel.somebody_writes_next)
		(void)!(ftruncate(fd, 0) + pwrite(fd, foreign, strlen(foreign), 0));
	kernel.somebody_writes_next = false;
	return n;
}

ssize_t pread(int fd, void *buf, size_t size, off_t offset)
{
	if ((kernel.unreadable || kernel.unreadable_once) && is_kernels(fd)) {
		kernel.unreadable_once = false;
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pread64, fd, buf, size, offset);
}

/* ---- three kinds of values ------------------------------------------------------------------ */

static unsigned int rule(void)
{
	for (unsigned int i = 0; host_rule_id(i); i++)
		if (strcmp(host_rule_id(i), "host-swappiness") == 0)
			return i;
	ck_abort_msg("no such rule");
}

static void wish_ksm(void)
{
	plan->ksm = (struct ksm_plan){
		.wish = WISH_SET, .run = true, .pages_to_scan = 833, .sleep_ms = 5
	};
}

static void wish_balancing(void)
{
	plan->numa_balancing = KSM_SWITCH_OFF;
}

static void wish_host(void)
{
	struct host_wish *w = &plan->host.rule[rule()];

	plan->host.due = true;
	plan->host.nrules = rule() + 1;
	w->wish = WISH_SET;
	strcpy(w->word, "10");
}

#define KSM "sys/kernel/mm/ksm/"

/* In the order of writing, of those of KSM the first. */
static const struct value {
	const char *file, *original, *wished;
	const char *undo;  /* was to be given back, and a word of ours is there */
	const char *twice; /* set, the second time to what is wished */
	const char *ours;
	void (*wish)(void);
} values[] = {
	{ KSM "pages_to_scan", "100\n", "833\n", "ksm pages_to_scan 100 833 100",
	  "ksm pages_to_scan 100 500 833", "833\n", wish_ksm },
	{ "proc/sys/kernel/numa_balancing", "1\n", "0\n", "balancing 1 1 0", "balancing 1 1 0",
	  "0\n", wish_balancing },
	{ "proc/sys/vm/swappiness", "60\n", "10\n", "host host-swappiness 0 60 10 60",
	  "host host-swappiness 0 60 30 10", "10\n", wish_host },
};

static const char *text_of(const char *file)
{
	static char text[64];

	(void)get(at(root, file), text, sizeof text);
	return text;
}

static void put_below(const char *below, const char *text)
{
	const char *path = at(root, below);
	char folder[256];

	for (const char *s = strchr(path + strlen(root) + 1, '/'); s; s = strchr(s + 1, '/')) {
		snprintf(folder, sizeof folder, "%.*s", (int)(s - path), path);
		ck_assert(mkdir(folder, 0755) == 0 || errno == EEXIST);
	}
	put(path, text);
}

static void setup(void)
{
	memset(&kernel, 0, sizeof kernel);
	setup_at(NULL);
	for (size_t i = 0; i < KT_ARRAY_LEN(values); i++)
		put_below(values[i].file, values[i].original);
	put_below(KSM "sleep_millisecs", "20\n");
	put_below(KSM "run", "0\n");
}

static void can_be_read(void)
{
	kernel.unreadable = kernel.unreadable_when_written = false;
}

START_TEST(what_was_written_and_cannot_be_read_back_is_ours)
{
	const struct value *v = &values[_i];

	v->wish();
	kernel.unreadable_when_written = true;
	act_apply(act, plan);
	can_be_read();
	ck_assert_str_eq(text_of(v->file), v->wished);
	ck_assert(act_owes(act));
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_str_eq(text_of(v->file), v->original);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}
END_TEST

/* Until it is reloaded. */
START_TEST(what_somebody_wrote_before_it_was_read_back_is_his)
{
	const struct value *v = &values[_i];

	v->wish();
	kernel.somebody_writes_next = true;
	for (int i = 0; i < 3; i++, plan->now_ns += KT_NS_PER_S * 60) {
		act_apply(act, plan);
		ck_assert_str_eq(text_of(v->file), foreign);
	}
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert_str_eq(text_of(v->file), foreign);
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}
END_TEST

/* The next plan sets it, and its original comes back in the end. */
static void assert_is_ours(const struct value *v)
{
	act_apply(act, plan);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert_str_eq(text_of(v->file), v->wished);
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert_str_eq(text_of(v->file), v->original);
}

/* Whoever finds the original there does not take it for somebody else's word. */
START_TEST(what_was_given_back_and_not_read_back_is_set_again)
{
	const struct value *v = &values[_i];

	v->wish();
	act_apply(act, plan);
	kernel.unreadable_when_written = true;
	(void)act_restore(act, plan->now_ns);
	ck_assert(act_owes(act));
	can_be_read();
	plan->now_ns += KT_NS_PER_S * 60;
	assert_is_ours(v);
}
END_TEST

/* KSM ran before us, and runs again; its files are not looked at in between. */
START_TEST(a_scanner_that_was_started_as_it_ran_before_is_ours)
{
	put_below(KSM "run", "1\n");
	wish_ksm();
	act_apply(act, plan);
	plan->ksm.run = false;
	act_apply(act, plan);
	ck_assert_str_eq(text_of(KSM "run"), "0\n");
	plan->ksm.run = kernel.unreadable_when_written = true;
	act_apply(act, plan);
	can_be_read();
	ck_assert_str_eq(text_of(KSM "run"), "1\n");
	plan->now_ns += KT_NS_PER_S * 60;
	act_apply(act, plan);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* A kernel variable is there without its file system, too. */
static void mount_is(bool there, const char *folder)
{
	char away[256];

	snprintf(away, sizeof away, "%s", at(root, "away"));
	ck_assert_int_eq(rename(there ? away : at(root, folder), there ? at(root, folder) : away),
			 0);
}

START_TEST(what_went_with_its_file_system_is_ours_when_that_is_back)
{
	const struct value *v = &values[_i / 2];
	char folder[16];

	snprintf(folder, sizeof folder, "%.*s", (int)strcspn(v->file, "/"), v->file);
	v->wish();
	act_apply(act, plan);
	mount_is(false, folder);
	if (_i % 2)
		ck_assert_int_ge(act_again(), 1);
	else
		(void)act_restore(act, plan->now_ns);
	ck_assert(act_owes(act) && exists(at(run_dir, "undo")));
	mount_is(true, folder);
	plan->now_ns += KT_NS_PER_S * 60;
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert_str_eq(text_of(v->file), v->original);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}
END_TEST

static void is_taken_over_unread(const char *undo)
{
	char text[128];

	snprintf(text, sizeof text, "kvmtuned-undo 2\n%s\nend 1\n", undo);
	put(at(run_dir, "undo"), text);
	kernel.unreadable = true;
	ck_assert_int_eq(act_again(), 1);
	can_be_read();
}

/* It died between the file and the write: what it was to write is no proof. */
START_TEST(what_an_earlier_life_left_may_be_read_later)
{
	const struct value *v = &values[_i];

	put(at(root, v->file), v->ours);
	is_taken_over_unread(v->undo);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_str_eq(text_of(v->file), v->original);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(what_an_earlier_life_left_may_be_read_by_a_plan)
{
	const struct value *v = &values[_i];

	put(at(root, v->file), v->ours);
	is_taken_over_unread(v->undo);
	v->wish();
	act_apply(act, plan);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert_str_eq(text_of(v->file), v->wished);
	put(at(root, v->file), "7\n"); /* but then it is known */
	act_apply(act, plan);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

/* Nor is that of which nothing but giving back could be told any more. */
START_TEST(what_an_earlier_life_gave_back_last_is_nobody_elses)
{
	const struct value *v = &values[_i];

	put(at(root, v->file), v->original);
	is_taken_over_unread(v->twice);
	v->wish();
	assert_is_ours(v);
}
END_TEST

/* It had been given back, and sets the speed; of which an earlier life could not know. */
START_TEST(a_speed_that_cannot_be_read_is_the_advisors_if_that_is_on)
{
	put_below(KSM "pages_to_scan", "500\n");
	put_below(KSM "advisor_mode", "none [scan-time]\n");
	is_taken_over_unread("ksm pages_to_scan 100 100 833");
	if (_i) {
		wish_ksm();
		plan->ksm.pages_to_scan = 500;
		act_apply(act, plan);
		ck_assert_str_eq(text_of(KSM "run"), "1\n");
	}
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert_str_eq(text_of(KSM "pages_to_scan"), "500\n");
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_sweep_that_cannot_be_ended_now_stays_ours)
{
	put_below(KSM "smart_scan", "1\n");
	wish_ksm();
	plan->ksm.sweep = true;
	act_apply(act, plan);
	ck_assert_str_eq(text_of(KSM "smart_scan"), "0\n");
	kernel.unreadable = true;
	act_leave(act);
	can_be_read();
	ck_assert(act_in_force(act)->ksm.sweeping);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_str_eq(text_of(KSM "smart_scan"), "1\n");
	ck_assert(!act_in_force(act)->ksm.sweeping);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_unread");
	TCase *c = tcase_create("values");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, what_was_written_and_cannot_be_read_back_is_ours, 0,
			    KT_ARRAY_LEN(values));
	tcase_add_loop_test(c, what_somebody_wrote_before_it_was_read_back_is_his, 0,
			    KT_ARRAY_LEN(values));
	tcase_add_loop_test(c, what_was_given_back_and_not_read_back_is_set_again, 0,
			    KT_ARRAY_LEN(values));
	tcase_add_test(c, a_scanner_that_was_started_as_it_ran_before_is_ours);
	tcase_add_loop_test(c, what_went_with_its_file_system_is_ours_when_that_is_back, 0,
			    2 * KT_ARRAY_LEN(values));
	tcase_add_loop_test(c, what_an_earlier_life_left_may_be_read_later, 0,
			    KT_ARRAY_LEN(values));
	tcase_add_loop_test(c, what_an_earlier_life_left_may_be_read_by_a_plan, 0,
			    KT_ARRAY_LEN(values));
	tcase_add_loop_test(c, what_an_earlier_life_gave_back_last_is_nobody_elses, 0,
			    KT_ARRAY_LEN(values));
	tcase_add_loop_test(c, a_speed_that_cannot_be_read_is_the_advisors_if_that_is_on, 0, 2);
	tcase_add_test(c, a_sweep_that_cannot_be_ended_now_stays_ours);
	suite_add_tcase(s, c);
	return kt_run(s);
}
