/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does the libvirt thread make of clocks that jump? */
#include <errno.h>
#include <libvirt/virterror.h>
#include <time.h>

#include "virt_limit_fixture.h"

typedef int clock_fn(clockid_t, struct timespec *);
typedef int error_fn(void);
typedef int pin_fn(virDomainPtr, unsigned char *, int, unsigned int);

static _Atomic int64_t monotonic_ahead_s, wall_ahead_s;
static _Atomic int64_t stuck_s; /* how long a pin keeps us waiting, before libvirt gives up */
static _Atomic int64_t updated_wall_s;

/* Takes the place of libc's. */
int clock_gettime(clockid_t id, struct timespec *ret)
{
	clock_fn *call = (clock_fn *)real("clock_gettime");
	int r = call(id, ret);

	if (id == CLOCK_MONOTONIC)
		ret->tv_sec += monotonic_ahead_s;
	else if (id == CLOCK_REALTIME)
		ret->tv_sec += wall_ahead_s;
	return r;
}

int virGetLastErrorCode(void)
{
	error_fn *call = (error_fn *)real("virGetLastErrorCode");

	return stuck_s ? VIR_ERR_OPERATION_TIMEOUT : call();
}

int virDomainPinEmulator(virDomainPtr dom, unsigned char *map, int length, unsigned int flags)
{
	pin_fn *call = (pin_fn *)real("virDomainPinEmulator");

	monotonic_ahead_s += stuck_s;
	return stuck_s ? -1 : call(dom, map, length, flags);
}

/* The test driver knows no balloon. */
int virConnectGetAllDomainStats(virConnectPtr connection, unsigned int which,
				virDomainStatsRecordPtr **list, unsigned int flags)
{
	virDomainStatsRecordPtr one = calloc(1, sizeof *one);
	int capacity = 0;

	(void)connection, (void)which, (void)flags;
	ck_assert_int_eq(virDomainRef(guest), 0);
	one->dom = guest;
	ck_assert_int_eq(virTypedParamsAddULLong(&one->params, &one->nparams, &capacity,
						 "balloon.usable", 4096),
			 0);
	ck_assert_int_eq(virTypedParamsAddULLong(&one->params, &one->nparams, &capacity,
						 "balloon.last-update",
						 (unsigned long long)updated_wall_s),
			 0);
	*list = calloc(2, sizeof **list);
	(*list)[0] = one;
	return 1;
}

static int error_of_pin(void)
{
	struct cpumask cpus = one_cpu(3);

	ck_assert_int_eq(request_pin(&uuid, THREAD_EMULATOR, 0, &cpus, NEVER), 0);
	return next_of(VIRT_REPLY).reply.error;
}

/* Ten times as long as it took, but not for days because the host slept meanwhile. */
START_TEST(a_guest_that_was_stuck_rests_for_minutes_at_most)
{
	stuck_s = 900; /* Check looks at the clock, too, and stands no more than half an hour */
	ck_assert_int_eq(error_of_pin(), -EBUSY);
	stuck_s = 0;
	ck_assert_int_eq(error_of_pin(), -EBUSY); /* it rests */
	monotonic_ahead_s += 299;
	ck_assert_int_eq(error_of_pin(), -EBUSY);
	monotonic_ahead_s += 302;
	ck_assert_int_eq(error_of_pin(), 0);
}
END_TEST

START_TEST(a_deadline_before_a_jump_has_passed)
{
	struct cpumask cpus = one_cpu(3);
	struct timespec now;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	monotonic_ahead_s += 1200;
	ck_assert_int_eq(request_pin(&uuid, THREAD_EMULATOR, 0, &cpus,
				     (uint64_t)(now.tv_sec + 20) * KT_NS_PER_S),
			 0);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, -ETIMEDOUT);
	ck_assert_int_eq(error_of_pin(), 0);
}
END_TEST

static bool has_balloon(void)
{
	bool has;

	ck_assert_int_eq(virt_request_statistics(virt, NEVER), 0);
	has = next_of(VIRT_STATISTICS).has_balloon;
	ck_assert_int_eq(error_of_pin(), 0); /* so that the next question is not the same one */
	return has;
}

/* By years, in either direction: figures whose age nobody knows are none. */
START_TEST(figures_are_as_old_as_the_wall_clock_says)
{
	static const int64_t years_s = INT64_C(20) * 365 * 86400;

	updated_wall_s = (int64_t)time(NULL);
	ck_assert(has_balloon());
	wall_ahead_s = 3600;
	ck_assert(!has_balloon());
	wall_ahead_s = -3600;
	ck_assert(!has_balloon());
	wall_ahead_s = years_s;
	ck_assert(!has_balloon());
	wall_ahead_s = -years_s;
	ck_assert(!has_balloon());
	wall_ahead_s = 0;
	updated_wall_s = -1;
	ck_assert(!has_balloon());
	updated_wall_s = (int64_t)time(NULL);
	ck_assert(has_balloon());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virt_clock");
	TCase *c = tcase_create("virt_clock");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, a_guest_that_was_stuck_rests_for_minutes_at_most);
	tcase_add_test(c, a_deadline_before_a_jump_has_passed);
	tcase_add_test(c, figures_are_as_old_as_the_wall_clock_says);
	suite_add_tcase(s, c);
	return kt_run(s);
}
