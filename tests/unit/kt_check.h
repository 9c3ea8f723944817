/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test's main() needs. */
#ifndef KT_CHECK_H
#define KT_CHECK_H

#include <check.h>

#include "util.h"

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
