/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a thread beside the main one begin, and what time is it there? */
#include "worker.h"

#include <signal.h>
#include <time.h>

#include "util.h"

uint64_t worker_now_ns(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * KT_NS_PER_S + (uint64_t)now.tv_nsec;
}

int worker_start(pthread_t *ret, void *(*live)(void *), void *context)
{
	sigset_t every, before;
	int error;

	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	error = pthread_create(ret, NULL, live, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}
