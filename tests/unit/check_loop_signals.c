/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Storms of signals: few ticks, no lost word, and the last one ends us. */
#include <pthread.h>
#include <string.h>

#include "loop_fixture.h"

enum { STORM = 10000 };

static atomic_int nticks;
static atomic_bool hups_in_tick;
static int storm[4];
static size_t nkinds;

void arbiter_step(struct arbiter *state, const struct policy_conf *conf,
		  const struct host_view *view, const struct in_force *in_force, struct plan *ret)
{
	uint64_t reloads = k->reloads;

	(void)state, (void)conf, (void)in_force;
	*ret = (struct plan){ .now_ns = view->now_ns, .look_again_ns = 3600 * KT_NS_PER_S };
	nticks++;
	if (hups_in_tick) {
		ck_assert_int_eq(raise(SIGHUP), 0);
		ck_assert_uint_eq(k->reloads, reloads); /* not in the middle of a tick */
		if (nticks == 5)
			ck_assert_int_eq(raise(SIGTERM), 0);
	}
}

static void *send_all(void *context)
{
	(void)context;
	while (nticks == 0)
		(void)poll(NULL, 0, 1);
	for (int i = 0; i < STORM; i++)
		ck_assert_int_eq(kill(getpid(), storm[(size_t)i % nkinds]), 0);
	ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
	return NULL;
}

/* Signals are the main thread's, as in the daemon. */
static void run_storm(void)
{
	sigset_t all, before;
	pthread_t thread;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_all, NULL), 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ck_assert_int_eq(loop_run(k), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static void begin(void)
{
	loop_begin();
	k->conf_path = "/nonexistent/kvmtuned.conf"; /* defaults */
	nticks = 0;
}

START_TEST(ten_thousand_wishes_for_a_tick_are_a_few_ticks)
{
	storm[0] = SIGUSR1;
	nkinds = 1;
	run_storm();
	ck_assert_int_ge(nticks, 1);
	ck_assert_int_le(nticks, STORM / 20);
	ck_assert_uint_eq(k->reloads, 0);
}
END_TEST

START_TEST(all_kinds_at_once)
{
	storm[0] = storm[2] = SIGUSR1;
	storm[1] = SIGHUP;
	nkinds = 3;
	run_storm();
	ck_assert_int_le(nticks, STORM / 20);
	ck_assert_uint_ge(k->reloads, 1);
	ck_assert_int_eq(k->conf_error, 0);
}
END_TEST

START_TEST(a_reload_waits_for_the_end_of_the_tick)
{
	hups_in_tick = true;
	ck_assert_int_eq(loop_run(k), 0);
	ck_assert_int_eq(nticks, 5);
	ck_assert_uint_ge(k->reloads, 4); /* each made the next tick */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loop_signals");
	TCase *c = tcase_create("loop_signals");

	tcase_add_checked_fixture(c, begin, loop_end);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, ten_thousand_wishes_for_a_tick_are_a_few_ticks);
	tcase_add_test(c, all_kinds_at_once);
	tcase_add_test(c, a_reload_waits_for_the_end_of_the_tick);
	suite_add_tcase(s, c);
	return kt_run(s);
}
