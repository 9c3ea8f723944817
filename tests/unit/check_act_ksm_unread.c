/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KSM's files cannot be read back once they are written, as when there are too many open
 * files: is the speed that the kernel sets when its advisor goes told from one that somebody
 * else sets? */
#include "ksm_kernel.h"

/* Takes the place of pread(2): so many reads of KSM's files fail once pages_to_scan has been
 * written, or was to be; somebody else has written meanwhile. */
static struct {
	int failures;
	const char *somebody_writes;
} reads;

static bool pages_were_written(void)
{
	return strstr(kernel.written, "pages_to_scan ");
}

ssize_t pread(int fd, void *buf, size_t size, off_t offset)
{
	char path[256];

	if (!ksm_file_of(fd, path, sizeof path) || !reads.failures || !pages_were_written())
		return syscall(SYS_pread64, fd, buf, size, offset);
	reads.failures--;
	if (reads.somebody_writes)
		put(knob("pages_to_scan"), reads.somebody_writes);
	errno = EMFILE;
	return -1;
}

static void put_advisor(void)
{
	put(knob("advisor_mode"), "none [scan-time]\n");
	put(knob("pages_to_scan"), "800\n");
}

static void start(void)
{
	wish(true, 833, 5);
	plan->ksm.stops_advisor = true;
	apply();
}

START_TEST(a_speed_of_somebody_else_is_left_though_the_advisor_went_for_us)
{
	put_advisor();
	wish(false, 833, 5);
	plan->ksm.stops_advisor = true;
	apply();
	assert_written("advisor_mode ");
	reads.failures = 1;
	reads.somebody_writes = "2000\n";
	start();
	start();
	assert_file("pages_to_scan", "2000\n");
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

/* Nor when nobody can look whether the write was done, or give back at once. */
START_TEST(the_speed_that_the_kernel_sets_is_nobody_elses)
{
	put_advisor();
	kernel.refuse = "pages_to_scan";
	kernel.error = EPERM;
	reads.failures = _i;
	reads.somebody_writes = NULL;
	start();
	assert_file("pages_to_scan", "100\n");
	kernel.refuse = NULL;
	plan->ksm.wish = WISH_RELEASE;
	act_forgive(act);
	apply();
	apply();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_file("advisor_mode", "none [scan-time]\n");
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* Makes a file of KSM say this; NULL: nobody can read it. */
static void leave(const char *name, const char *text)
{
	(void)remove(knob(name));
	if (text)
		put(knob(name), text);
	else
		ck_assert_int_eq(mkdir(knob(name), 0755), 0);
}

struct life {
	const char *filed, *name, *left, *back;
};

#define ADVISOR_GOES   "ksm advisor_mode 1 1 0\nksm pages_to_scan 800 800 833\nend 2\n"
#define CHILD_UNMERGES "ksm run 1 1 2\nend 1\n"

/* The next life cannot read at first what an earlier one left: nobody else has written any of
 * these. */
static const struct life lives[] = {
	/* it died between the advisor's write and that of the speed, which the kernel has set */
	{ ADVISOR_GOES, "pages_to_scan", "100\n", "500\n" },
	/* its child was killed with it, had ended well, or had not begun */
	{ CHILD_UNMERGES, "run", "0\n", "1\n" },
	{ CHILD_UNMERGES, "run", "2\n", "1\n" },
	{ CHILD_UNMERGES, "run", "1\n", "1\n" },
	{ "ksm run 0 1 2\nend 1\n", "run", "1\n", "0\n" },
};

/* Numbers that neither a life of ours nor the kernel has put there. */
static const struct life strangers[] = {
	{ ADVISOR_GOES, "pages_to_scan", "150\n", NULL },
	{ "ksm pages_to_scan 150 200 833\nend 1\n", "pages_to_scan", "100\n", NULL },
	{ CHILD_UNMERGES, "run", "3\n", NULL },
	{ "ksm run 2 2 1\nend 1\n", "run", "0\n", NULL },
};

static void next_life(const struct life *l)
{
	char undo[256];

	snprintf(undo, sizeof undo, "kvmtuned-undo 2\n%s", l->filed);
	put(at(run_dir, "undo"), undo);
	leave(l->name, NULL);
	(void)act_again();
	leave(l->name, l->left);
}

START_TEST(what_an_earlier_life_left_may_be_read_later)
{
	next_life(&lives[_i]);
	wish(true, 833, 5);
	plan->ksm.stops_advisor = true;
	apply();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_file("run", "1\n");
	assert_file("pages_to_scan", "833\n");
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_file(lives[_i].name, lives[_i].back);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(and_is_given_back_when_it_can_be_read)
{
	next_life(&lives[_i]);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_file(lives[_i].name, lives[_i].back);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* It is the advisor's where there is one, which nobody can tell yet. */
START_TEST(a_speed_that_may_be_the_advisors_is_neither_ceded_nor_written)
{
	next_life(&(struct life){ "ksm pages_to_scan 800 800 833\nend 1\n", "pages_to_scan",
				  "500\n", NULL });
	leave("advisor_mode", NULL);
	wish(true, 833, 5);
	apply();
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, "advisor_mode"));
	assert_written("");
	leave("advisor_mode", "none [scan-time]\n");
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_file("pages_to_scan", "500\n");
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(what_somebody_else_left_is_theirs_however_late_it_is_read)
{
	next_life(&strangers[_i]);
	wish(true, 833, 5);
	apply();
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	assert_file(strangers[_i].name, strangers[_i].left);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_ksm_unread");
	TCase *c = tcase_create("unread");

	tcase_add_checked_fixture(c, setup_kernel, teardown_kernel);
	tcase_add_test(c, a_speed_of_somebody_else_is_left_though_the_advisor_went_for_us);
	tcase_add_loop_test(c, the_speed_that_the_kernel_sets_is_nobody_elses, 0, 3);
	tcase_add_loop_test(c, what_an_earlier_life_left_may_be_read_later, 0,
			    (int)KT_ARRAY_LEN(lives));
	tcase_add_loop_test(c, and_is_given_back_when_it_can_be_read, 0, (int)KT_ARRAY_LEN(lives));
	tcase_add_test(c, a_speed_that_may_be_the_advisors_is_neither_ceded_nor_written);
	tcase_add_loop_test(c, what_somebody_else_left_is_theirs_however_late_it_is_read, 0,
			    (int)KT_ARRAY_LEN(strangers));
	suite_add_tcase(s, c);
	return kt_run(s);
}
