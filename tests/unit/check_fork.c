/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a test that forks beside a thread get a child that lives? */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "kt_check.h"

enum { FORKS = 200 };

static atomic_bool enough;

/* Most of the time Check's lock is its own. */
static void *tell_check(void *context)
{
	(void)context;
	while (!enough)
		mark_point();
	return NULL;
}

START_TEST(the_child_waits_for_no_other_thread)
{
	pthread_t thread;
	int status;

	ck_assert_int_eq(pthread_create(&thread, NULL, tell_check, NULL), 0);
	for (int i = 0; i < FORKS; i++) {
		pid_t child = kt_fork();

		if (child == 0)
			_exit(i % 7);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == i % 7);
	}
	enough = true;
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fork");
	TCase *c = tcase_create("beside a thread");

	tcase_add_test(c, the_child_waits_for_no_other_thread);
	suite_add_tcase(s, c);
	return kt_run(s);
}
