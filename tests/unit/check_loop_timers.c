/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A timer or descriptor that cannot be watched: does the daemon end, instead of sleeping for ever
 * with everything in force? */
#include <dlfcn.h>
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <string.h>

#include "loop_fixture.h"

static atomic_int left; /* calls until one fails; 0: none does */
static atomic_int nfailed;
static pthread_t main_thread;
static bool of_main;
static int nticks;

typedef int add_fn(struct event *, const struct timeval *);

/* evhttp asks, too: without it nobody can ask us, and the rest goes on. */
static bool is_ours(const void *caller)
{
	Dl_info info;

	return dladdr(caller, &info) == 0 || !strstr(info.dli_fname, "libevent");
}

/* Takes the place of libevent's. */
int event_add(struct event *event, const struct timeval *timeout)
{
	add_fn *call = (add_fn *)dlsym(RTLD_NEXT, "event_add");
	bool is_main = pthread_equal(pthread_self(), main_thread);

	if (is_main == of_main && left > 0 && is_ours(__builtin_return_address(0)) && --left == 0) {
		nfailed++;
		return -1;
	}
	return call(event, timeout);
}

/* Some ticks with a guest, then it is enough; and more than enough of a loop that should have
 * ended by itself, or goes on ticking without what is no timer (the trigger of pressure). */
enum { ENOUGH = 5, GOES_ON = 100 };

void arbiter_step(struct arbiter *state, const struct policy_conf *conf,
		  const struct host_view *view, const struct in_force *in_force, struct plan *ret)
{
	(void)state, (void)conf, (void)in_force;
	*ret = (struct plan){ .now_ns = view->now_ns, .look_again_ns = 1000 * 1000 };
	nticks += view->nslots > 0;
	if (nticks == (nfailed ? GOES_ON : ENOUGH))
		ck_assert_int_eq(raise(SIGTERM), 0);
}

/* The result of a life in which the nth call fails. */
static int live(int nth)
{
	int r;

	nfailed = nticks = warnings = 0;
	left = of_main ? 0 : nth; /* the other thread lives from now on */
	loop_begin();
	if (of_main)
		left = nth;
	r = loop_run(k);
	loop_end();
	return r;
}

static void every_call(bool main)
{
	int nth = 0, nended = 0, r;

	main_thread = pthread_self();
	of_main = main;
	do {
		r = live(++nth);
		nended += r == -ENOMEM && warnings > 0;
		ck_assert_msg(r == -ENOMEM || nfailed == 0 || nticks >= GOES_ON, "call %d: %d", nth,
			      r);
	} while (nfailed > 0);
	ck_assert_int_eq(r, 0);
	ck_assert_int_ge(nended, main ? 6 : 3);
}

START_TEST(the_main_thread_ends_with_an_error)
{
	every_call(true);
}
END_TEST

START_TEST(the_libvirt_thread_ends_and_the_main_thread_with_it)
{
	every_call(false);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loop_timers");
	TCase *c = tcase_create("loop_timers");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, the_main_thread_ends_with_an_error);
	tcase_add_test(c, the_libvirt_thread_ends_and_the_main_thread_with_it);
	suite_add_tcase(s, c);
	return kt_run(s);
}
