/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers by chance. */
#ifndef KT_RANDOM_FIXTURE_H
#define KT_RANDOM_FIXTURE_H

#include <stdint.h>

/* xorshift64: the same numbers on every machine. */
static inline uint64_t fixture_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static inline uint64_t fixture_below(uint64_t *seed, uint64_t limit)
{
	return fixture_random(seed) % limit;
}

/* Of any size, the ends of the range included. */
static inline uint64_t fixture_any(uint64_t *seed)
{
	uint64_t kind = fixture_below(seed, 8), x = fixture_random(seed);

	return kind == 0 ? 0 : kind == 1 ? UINT64_MAX : x >> (x % 64);
}

/* 0..1 */
static inline double fixture_share(uint64_t *seed)
{
	return (double)(fixture_random(seed) >> 11) / (double)(UINT64_C(1) << 53);
}

/* Of the n-th run, n > 0. */
static inline uint64_t fixture_seed(int n)
{
	return UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)n;
}

#endif
