/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are sets of CPUs read and written as text? */
#include "cpumask.h"

#include <errno.h>
#include <string.h>

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t\n");
}

/* -EINVAL: no digit here; -ERANGE: beyond the mask. */
static int parse_cpu(const char **s, unsigned int *ret)
{
	unsigned int cpu = 0;

	if (**s < '0' || **s > '9')
		return -EINVAL;
	for (; **s >= '0' && **s <= '9'; (*s)++) {
		cpu = cpu * 10 + (unsigned int)(**s - '0');
		if (cpu >= KT_CPUS_MAX)
			return -ERANGE;
	}
	*ret = cpu;
	return 0;
}

static int parse_range(const char **s, struct cpumask *mask)
{
	unsigned int first, last;
	int r;

	r = parse_cpu(s, &first);
	if (r < 0)
		return r;
	last = first;
	if (**s == '-') {
		(*s)++;
		r = parse_cpu(s, &last);
		if (r < 0)
			return r;
	}
	if (last < first)
		return -EINVAL;
	for (; first <= last; first++)
		cpumask_set(mask, first);
	return 0;
}

int cpumask_parse(const char *text, struct cpumask *ret)
{
	struct cpumask mask = { 0 };
	const char *s = skip_blanks(text);
	int r;

	while (*s) {
		r = parse_range(&s, &mask);
		if (r < 0)
			return r;
		s = skip_blanks(s);
		if (!*s)
			break;
		if (*s != ',')
			return -EINVAL;
		s = skip_blanks(s + 1);
		if (!*s)
			return -EINVAL;
	}
	*ret = mask;
	return 0;
}

/* The first one from `cpu` on; KT_CPUS_MAX: none. */
static unsigned int next_cpu(const struct cpumask *m, unsigned int cpu)
{
	while (cpu < KT_CPUS_MAX) {
		uint64_t word = m->word[cpu / 64] >> (cpu % 64);

		if (word)
			return cpu + (unsigned int)__builtin_ctzll(word);
		cpu = (cpu / 64 + 1) * 64;
	}
	return KT_CPUS_MAX;
}

/* The first one from `cpu` on that is not in it. */
static unsigned int next_gap(const struct cpumask *m, unsigned int cpu)
{
	while (cpu < KT_CPUS_MAX) {
		uint64_t word = ~m->word[cpu / 64] >> (cpu % 64);

		if (word)
			return cpu + (unsigned int)__builtin_ctzll(word);
		cpu = (cpu / 64 + 1) * 64;
	}
	return KT_CPUS_MAX;
}

/* By runs and not CPU by CPU: the undo file has three masks for each thread. */
char *cpumask_str(const struct cpumask *m, char *buf, size_t size)
{
	size_t used = 0;
	unsigned int end;

	buf[0] = '\0';
	for (unsigned int first = next_cpu(m, 0); first < KT_CPUS_MAX; first = next_cpu(m, end)) {
		const char *comma = used ? "," : "";
		int n;

		end = next_gap(m, first);
		if (end == first + 1)
			n = snprintf(buf + used, size - used, "%s%u", comma, first);
		else
			n = snprintf(buf + used, size - used, "%s%u-%u", comma, first, end - 1);
		if (n < 0 || (size_t)n >= size - used) {
			if (size > 2)
				memcpy(buf + KT_MIN(used, size - 3), "..", 3);
			return buf;
		}
		used += (size_t)n;
	}
	return buf;
}

/* Their numbers in the order of their lowest CPUs.  Returns how many there are. */
static unsigned int list_cores(const struct cpumask *cpus, const uint16_t core_of[KT_CPUS_MAX],
			       uint16_t ret[KT_CPUS_MAX])
{
	struct cpumask seen = { 0 }; /* cores, not CPUs */
	unsigned int n = 0;

	for (unsigned int cpu = next_cpu(cpus, 0); cpu < KT_CPUS_MAX;
	     cpu = next_cpu(cpus, cpu + 1)) {
		if (!cpumask_test(&seen, core_of[cpu]))
			ret[n++] = core_of[cpu];
		cpumask_set(&seen, core_of[cpu]);
	}
	return n;
}

struct cpumask cpumask_core(const struct cpumask *cpus, const uint16_t core_of[KT_CPUS_MAX],
			    unsigned int n)
{
	struct cpumask r = { 0 };
	uint16_t core[KT_CPUS_MAX];
	unsigned int ncores = list_cores(cpus, core_of, core);

	if (ncores == 0)
		return r;
	for (unsigned int cpu = next_cpu(cpus, 0); cpu < KT_CPUS_MAX; cpu = next_cpu(cpus, cpu + 1))
		if (core_of[cpu] == core[n % ncores])
			cpumask_set(&r, cpu);
	return r;
}
