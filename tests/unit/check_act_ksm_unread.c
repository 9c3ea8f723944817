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

int main(void)
{
	Suite *s = suite_create("act_ksm_unread");
	TCase *c = tcase_create("unread");

	tcase_add_checked_fixture(c, setup_kernel, teardown_kernel);
	tcase_add_test(c, a_speed_of_somebody_else_is_left_though_the_advisor_went_for_us);
	tcase_add_loop_test(c, the_speed_that_the_kernel_sets_is_nobody_elses, 0, 3);
	suite_add_tcase(s, c);
	return kt_run(s);
}
