/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test's main() needs. */
#ifndef KT_CHECK_H
#define KT_CHECK_H

#include <check.h>
#include <unistd.h>

#include "util.h"

/* fork(2).  The child asks nothing of Check: its lock, and those of a sanitizer's allocator, which
 * it needs, stay locked in the child if another thread had them. */
static inline pid_t kt_fork(void)
{
	pid_t child = fork();

	if (child != 0)
		ck_assert_int_gt(child, 0);
	return child;
}

/* Runs the suite; 0: all passed, 1: not. */
static inline int kt_run(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}

#endif
