/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the end wait for what libvirt has to give back, and for guests that are ending, and no
 * longer than it may?  Time passes while the daemon pauses, and libvirt answers then. */
#include <dlfcn.h>
#include <time.h>

#include "tick_world.h"

enum { SETTLED = 12, PATIENCE_S = 5, ENDING_S = 2, PAUSE_MS = 20 };

#define IN_FORCE "1 1250 10 0 10 0-1 0-1 2-3 2-3 "
#define ORIGINAL "0 100 20 1 60 0-3 0-3 0-3 0-3 "

static unsigned int npauses, answers_at, ends_at; /* at that pause; 0: never */
static bool refuses;

/* ---- the clock: these take the place of libc's functions ------------------------------- */

int clock_gettime(clockid_t id, struct timespec *ret)
{
	typedef int clock_fn(clockid_t, struct timespec *);
	clock_fn *call = (clock_fn *)dlsym(RTLD_NEXT, "clock_gettime");

	if (id != CLOCK_MONOTONIC || now_ns == 0)
		return call(id, ret);
	*ret = (struct timespec){ .tv_sec = (time_t)(now_ns / KT_NS_PER_S),
				  .tv_nsec = (long)(now_ns % KT_NS_PER_S) };
	return 0;
}

static void guests_end(void)
{
	drop("proc/1010");
	drop("proc/1020");
	for (unsigned int n = 1; n <= GUESTS; n++) {
		struct domain d = domain_of(n);

		act_forget(k->act, &d.uuid);
	}
}

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
	(void)left;
	ck_assert(k != NULL);
	now_ns += (uint64_t)wanted->tv_sec * KT_NS_PER_S + (uint64_t)wanted->tv_nsec;
	npauses++;
	for (size_t i = 0; i < libvirt.nreplies && refuses; i++)
		libvirt.reply[i].error = -EPERM;
	if (npauses == answers_at)
		libvirt_answers();
	if (npauses == ends_at)
		guests_end();
	return 0;
}

/* ---- the world ------------------------------------------------------------------------------ */

static uint64_t began_ns;

static void begin(void)
{
	world_begins();
	ticks(SETTLED);
	ck_assert_str_eq(in_force(), IN_FORCE);
	npauses = answers_at = ends_at = 0;
	refuses = false;
	began_ns = now_ns;
}

static double took_s(void)
{
	return (double)(now_ns - began_ns) / KT_NS_PER_S;
}

/* ---- what waits ------------------------------------------------------------------------------ */

START_TEST(what_libvirt_gives_back_late_is_back)
{
	answers_at = 3;
	ck_assert(loop_restore(k, PATIENCE_S));
	ck_assert_uint_eq(npauses, 3);
	ck_assert_str_eq(in_force(), ORIGINAL);
	ck_assert(!is_on_file(NULL));
	ck_assert_uint_eq(lines.n, 0);
}
END_TEST

START_TEST(patience_ends)
{
	ck_assert(!loop_restore(k, PATIENCE_S));
	ck_assert_double_ge(took_s(), PATIENCE_S);
	ck_assert_double_lt(took_s(), PATIENCE_S + 2 * PAUSE_MS / 1e3);
	ck_assert(is_on_file(NULL));
	ck_assert_uint_eq(lines.n, 1);
	ck_assert_ptr_nonnull(strstr(lines.text[0], "4 values could not be restored in time, "
						    "because libvirt does not answer"));
}
END_TEST

/* ---- who is ending ----------------------------------------------------------------------------
 */

/* Each has refused what it was to have back, and then it is gone. */
START_TEST(guests_that_end_meanwhile_owe_nothing)
{
	refuses = true;
	answers_at = 1;
	ends_at = 9;
	ck_assert(loop_restore(k, PATIENCE_S));
	ck_assert_uint_eq(npauses, 9);
	ck_assert(!is_on_file(NULL));
}
END_TEST

START_TEST(guests_that_refuse_and_stay_are_not_waited_for_long)
{
	refuses = true;
	answers_at = 1;
	ck_assert(!loop_restore(k, PATIENCE_S));
	ck_assert_double_ge(took_s(), ENDING_S);
	ck_assert_double_lt(took_s(), ENDING_S + 3 * PAUSE_MS / 1e3);
	ck_assert(is_on_file(NULL));
	ck_assert_uint_ge(lines.n, 1);
	ck_assert_ptr_nonnull(
		strstr(lines.text[lines.n - 1],
		       "some values could not be restored, for the reasons said before"));
}
END_TEST

/* ---- which end it is ----------------------------------------------------------------------------
 */

START_TEST(what_is_to_stay_stays)
{
	k->conf.on_stop = ON_STOP_KEEP;
	ck_assert(loop_finish(k));
	ck_assert_str_eq(in_force(), IN_FORCE);
	ck_assert(is_on_file(NULL));
	ck_assert_uint_eq(npauses, 0);
}
END_TEST

START_TEST(all_else_is_given_back)
{
	answers_at = 1;
	ck_assert(loop_finish(k));
	ck_assert_str_eq(in_force(), ORIGINAL);
}
END_TEST

START_TEST(an_end_that_leaves_something_says_so)
{
	ck_assert(!loop_finish(k));
	ck_assert(is_on_file(NULL));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("how the loop ends");
	TCase *c = tcase_create("ends");

	tcase_add_checked_fixture(c, begin, world_ends);
	tcase_add_test(c, what_libvirt_gives_back_late_is_back);
	tcase_add_test(c, patience_ends);
	tcase_add_test(c, guests_that_end_meanwhile_owe_nothing);
	tcase_add_test(c, guests_that_refuse_and_stay_are_not_waited_for_long);
	tcase_add_test(c, what_is_to_stay_stays);
	tcase_add_test(c, all_else_is_given_back);
	tcase_add_test(c, an_end_that_leaves_something_says_so);
	suite_add_tcase(s, c);
	return kt_run(s);
}
