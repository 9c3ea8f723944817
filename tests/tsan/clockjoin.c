/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does ThreadSanitizer not know of what we call?
 *
 * That of gcc 12 knows no pthread_clockjoin_np(): a thread that was joined with it counts as
 * leaked, and what it did as not ordered before what its joiner does.  Of its relatives it
 * knows this one, whose clock is another: a jump of that clock is of no matter in a test. */
#include <errno.h>
#include <pthread.h>
#include <time.h>

enum { NS_PER_S = 1000000000 };

int tsan_clockjoin(pthread_t thread, void **ret, clockid_t clock, const struct timespec *until);

/* For tests with a pthread_clockjoin_np() of their own, too. */
int tsan_clockjoin(pthread_t thread, void **ret, clockid_t clock, const struct timespec *until)
{
	struct timespec now, real;
	long long left_ns;

	if (clock_gettime(clock, &now) < 0 || clock_gettime(CLOCK_REALTIME, &real) < 0)
		return errno;
	left_ns = (until->tv_sec - now.tv_sec) * (long long)NS_PER_S + until->tv_nsec - now.tv_nsec;
	left_ns = (left_ns > 0 ? left_ns : 0) + real.tv_nsec;
	real.tv_sec += left_ns / NS_PER_S;
	real.tv_nsec = left_ns % NS_PER_S;
	return pthread_timedjoin_np(thread, ret, &real);
}

__attribute__((weak)) int pthread_clockjoin_np(pthread_t thread, void **ret, clockid_t clock,
					       const struct timespec *until)
{
	return tsan_clockjoin(thread, ret, clock, until);
}
