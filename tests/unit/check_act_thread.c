/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a thread told from one that has its number now, or its name? */
#include "act_private.h"
#include "sense_root.h"

#define KTHREAD "2097152"  /* 0x200000 */
#define BOUND   "69206016" /* and 0x4000000 */

static const struct {
	const char *path, *stat;
	int result;
	bool unpinnable;
} stats[] = {
	{ "proc/100/task/105/stat", "105 (CPU 0/KVM) S 1 1 1 0 -1 64", 0, false },
	{ "proc/100/task/105/stat", "105 (CPU 0/KVM) S 1 1 1 0 -1 67108928", 0, true },
	{ "proc/100/task/105/stat", "105 (CPU 0/KVM) Z 1 1 1 0 -1 64", -ESRCH, false },
	/* before 6.4 */
	{ "proc/105/stat", "105 (vhost-100) S 2 0 0 0 -1 " KTHREAD, 0, false },
	{ "proc/105/stat", "105 (vhost-100) S 2 0 0 0 -1 " BOUND, 0, true },
	{ "proc/105/stat", "105 (vhost-100) Z 2 0 0 0 -1 " KTHREAD, -ESRCH, false },
	{ "proc/105/stat", "105 (vhost-100) S 1 0 0 0 -1 64", -ESRCH, false },
	{ "proc/105/stat", "105 (vhost-1000) S 2 0 0 0 -1 " KTHREAD, -ESRCH, false },
	{ "proc/105/stat", "105 (vhost-10) S 2 0 0 0 -1 " KTHREAD, -ESRCH, false },
	{ "proc/105/stat", "105 (kworker/0:1) S 2 0 0 0 -1 " KTHREAD, -ESRCH, false },
	{ "proc/105/stat", "105 (CPU 0/KVM) S 1 1 1 0 -1 64", -ESRCH, false },
	{ "proc/106/stat", "106 (vhost-100) S 2 0 0 0 -1 " KTHREAD, -ESRCH, false },
};

START_TEST(a_thread_is_who_it_was)
{
	bool unpinnable = false;

	putf(stats[_i].path, "%s 5 0 0 0 17 3 0 0 20 0 1 0 777 0 0\n", stats[_i].stat);
	ck_assert_msg(thread_check(&fs, 100, 105, 777, &unpinnable) == stats[_i].result, "%s",
		      stats[_i].stat);
	ck_assert_int_eq(unpinnable, stats[_i].unpinnable);
	ck_assert_int_eq(thread_check(&fs, 100, 105, 778, &unpinnable), -ESRCH);
	ck_assert_int_eq(thread_check(&fs, 101, 105, 777, &unpinnable), -ESRCH);
}
END_TEST

static const char *const nonsense[] = {
	"",
	"\n",
	"105 (CPU 0/KVM",
	"105 (CPU 0/KVM)",
	"105 (CPU 0/KVM)S 1 1 1 0 -1 64 5 0 0 0 17 3 0 0 20 0 1 0 777 0 0\n",
	"105 (CPU 0/KVM) S 1 1 1 0 -1 64 5 0 0 0 17 3 0 0 20 0 1 0\n",
	"105 (CPU 0/KVM) S 1 1 1 0 -1 64 5 0 0 0 17 3 0 0 20 0 1 0 -777 0 0\n",
	"105 (CPU 0/KVM) S 1 1 1 0 -1 x 5 0 0 0 17 3 0 0 20 0 1 0 777 0 0\n",
	"105 (CPU 0/KVM) S 1 1 1 0 -1 64 5 0 0 0 17 3 0 0 20 0 1 0 000000000000000000000777 0 0\n",
};

/* Not even that it has gone. */
START_TEST(of_nonsense_nothing_is_believed)
{
	bool unpinnable = false;

	putf("proc/100/task/105/stat", "%s", nonsense[_i]);
	putf("proc/100/stat", "%s", nonsense[_i]);
	ck_assert_int_eq(thread_check(&fs, 100, 105, 777, &unpinnable), -EINVAL);
	ck_assert_int_eq(process_check(&fs, 100, 777), -EINVAL);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("threads");
	Suite *s = suite_create("act_thread");

	tcase_add_checked_fixture(tc, root_setup, root_teardown);
	tcase_add_loop_test(tc, a_thread_is_who_it_was, 0, KT_ARRAY_LEN(stats));
	tcase_add_loop_test(tc, of_nonsense_nothing_is_believed, 0, KT_ARRAY_LEN(nonsense));
	suite_add_tcase(s, tc);
	return kt_run(s);
}
