/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ten thousand events of libvirt while the daemon's loop runs: how many ticks are made of them,
 * and is it known in the end which guests run? */
#include <pthread.h>

#include "flood_fixture.h"
#include "loop_fixture.h"

static atomic_int nticks;
static atomic_bool is_linked, is_over;
static bool is_known;
static uint64_t began_ns, ended_ns;

static uint64_t now_ns(void)
{
	struct timespec now;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * KT_NS_PER_S + (uint64_t)now.tv_nsec;
}

static bool is_as_listed(void)
{
	for (size_t i = 0; i < GUESTS; i++) {
		int state = state_of(flooded[i]), slot = domains_find(k->domains, &flooded_uuid[i]);
		const struct domain *d = slot < 0 ? NULL : &k->domains->slot[slot].domain;

		if ((state != VIR_DOMAIN_SHUTOFF) != (d != NULL))
			return false;
		if (d && (d->running != (state == VIR_DOMAIN_RUNNING) ||
			  d->id != (int)virDomainGetID(flooded[i])))
			return false;
	}
	return true;
}

void arbiter_step(struct arbiter *state, const struct policy_conf *conf,
		  const struct host_view *view, const struct in_force *in_force, struct plan *ret)
{
	(void)state, (void)conf, (void)in_force;
	*ret = (struct plan){ .now_ns = view->now_ns, .look_again_ns = 3600 * KT_NS_PER_S };
	nticks++;
	is_linked |= k->guests_known;
	if (is_known || !is_over || !is_as_listed())
		return;
	is_known = true;
	ended_ns = now_ns();
	ck_assert_int_eq(raise(SIGTERM), 0);
}

static void *flood(void *context)
{
	uint64_t seed = 13;

	(void)context;
	while (!is_linked)
		(void)poll(NULL, 0, 1);
	for (int i = 0; i < EVENTS; i++)
		something_happens(&seed);
	is_over = true;
	ck_assert_int_eq(kill(getpid(), SIGUSR1), 0); /* or no tick might follow */
	return NULL;
}

static void begin(void)
{
	loop_begin();
	admin = virConnectOpen("test:///default");
	ck_assert_ptr_nonnull(admin);
	make_guests(admin);
}

static void end(void)
{
	free_guests();
	ck_assert_int_eq(virConnectClose(admin), 0);
	loop_end();
}

START_TEST(they_are_a_tick_in_a_tenth_of_a_second_and_no_more)
{
	sigset_t all, before;
	pthread_t thread;

	sigfillset(&all); /* signals are the main thread's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ck_assert_int_eq(pthread_create(&thread, NULL, flood, NULL), 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	began_ns = now_ns();
	ck_assert_int_eq(loop_run(k), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert(is_known);
	/* One in 100 ms for the news; the first one, and those of the interval, come by themselves.
	 */
	ck_assert_uint_le((uint64_t)nticks, 2 + (ended_ns - began_ns) / (80 * KT_NS_PER_MS));
	ck_assert_int_le(nticks, EVENTS / 20);
	ck_assert_int_eq(warnings, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loop_flood");
	TCase *c = tcase_create("loop_flood");

	tcase_add_checked_fixture(c, begin, end);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, they_are_a_tick_in_a_tenth_of_a_second_and_no_more);
	suite_add_tcase(s, c);
	return kt_run(s);
}
