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

char *cpumask_str(const struct cpumask *m, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++) {
		unsigned int first = cpu;
		int n;

		if (!cpumask_test(m, cpu))
			continue;
		while (cpumask_test(m, cpu + 1))
			cpu++;
		if (first == cpu)
			n = snprintf(buf + used, size - used, "%s%u", used ? "," : "", first);
		else
			n = snprintf(buf + used, size - used, "%s%u-%u", used ? "," : "", first,
				     cpu);
		if (n < 0 || (size_t)n >= size - used) {
			if (size > 2)
				memcpy(buf + KT_MIN(used, size - 3), "..", 3);
			return buf;
		}
		used += (size_t)n;
	}
	return buf;
}
