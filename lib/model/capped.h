/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arithmetic on numbers from outside: it stops at the ends instead of starting again
 * at the other one. */
#ifndef KT_CAPPED_H
#define KT_CAPPED_H

#include <stdint.h>

static inline uint64_t add_capped(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static inline uint64_t sub_capped(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static inline uint64_t mul_capped(uint64_t a, uint64_t b)
{
	return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

/* a * part / whole, rounded down, for part and whole up to 2^32; 0 for whole 0. */
static inline uint64_t share_of(uint64_t a, uint64_t part, uint64_t whole)
{
	if (whole == 0)
		return 0;
	return add_capped(mul_capped(a / whole, part), a % whole * part / whole);
}

#endif
