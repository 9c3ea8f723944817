/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's one clock.  Nothing below this folder reads it: lib/ is told the time. */
#ifndef KT_CLOCK_H
#define KT_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "util.h"

static inline uint64_t now_monotonic_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for this clock */
	return (uint64_t)t.tv_sec * KT_NS_PER_S + (uint64_t)t.tv_nsec;
}

/* What people and other programs count in; never for decisions. */
static inline int64_t now_unix_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

#endif
