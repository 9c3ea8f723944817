/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of logical CPUs by kernel number, and their text form "0-3,8". */
#ifndef KT_CPUMASK_H
#define KT_CPUMASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"
#include "util.h"

struct cpumask {
	uint64_t word[KT_CPUS_MAX / 64];
};

static inline void cpumask_set(struct cpumask *m, unsigned int cpu)
{
	if (cpu < KT_CPUS_MAX)
		m->word[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

static inline bool cpumask_test(const struct cpumask *m, unsigned int cpu)
{
	return cpu < KT_CPUS_MAX && (m->word[cpu / 64] >> (cpu % 64) & 1);
}

static inline struct cpumask cpumask_and(const struct cpumask *a, const struct cpumask *b)
{
	struct cpumask r;

	for (size_t i = 0; i < KT_ARRAY_LEN(r.word); i++)
		r.word[i] = a->word[i] & b->word[i];
	return r;
}

static inline struct cpumask cpumask_andnot(const struct cpumask *a, const struct cpumask *b)
{
	struct cpumask r;

	for (size_t i = 0; i < KT_ARRAY_LEN(r.word); i++)
		r.word[i] = a->word[i] & ~b->word[i];
	return r;
}

static inline struct cpumask cpumask_or(const struct cpumask *a, const struct cpumask *b)
{
	struct cpumask r = *a;

	for (size_t i = 0; i < KT_ARRAY_LEN(r.word); i++)
		r.word[i] |= b->word[i];
	return r;
}

static inline bool cpumask_equal(const struct cpumask *a, const struct cpumask *b)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(a->word); i++)
		if (a->word[i] != b->word[i])
			return false;
	return true;
}

static inline unsigned int cpumask_count(const struct cpumask *m)
{
	unsigned int n = 0;

	for (size_t i = 0; i < KT_ARRAY_LEN(m->word); i++)
		if (m->word[i]) /* mostly not: a call, where the CPU may lack the instruction */
			n += (unsigned int)__builtin_popcountll(m->word[i]);
	return n;
}

static inline bool cpumask_empty(const struct cpumask *m)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(m->word); i++)
		if (m->word[i])
			return false;
	return true;
}

/* "0-3,8,10-11" (the kernel's list format, blanks and a final newline allowed;
 * an empty text is an empty set).  -EINVAL: not a list; -ERANGE: a CPU beyond
 * KT_CPUS_MAX. */
int cpumask_parse(const char *text, struct cpumask *ret) KT_MUST_USE;

/* Writes the list format into buf, which KT_CPULIST_MAX bytes always suffice
 * for; a smaller buf gets a shortened text that ends in "..".  Returns buf. */
char *cpumask_str(const struct cpumask *m, char *buf, size_t size);

/* Those of the CPUs that are the n-th of their cores, counted from 0 by their lowest CPU in
 * the set; after the last core comes the first again.  `core_of`: by CPU, siblings of a core
 * have one number. */
struct cpumask cpumask_core(const struct cpumask *cpus, const uint16_t core_of[KT_CPUS_MAX],
			    unsigned int n);

#endif
