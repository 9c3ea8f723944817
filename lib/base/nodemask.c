/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nodemask.h"

#include "cpumask.h"

char *nodemask_str(uint64_t nodes, char *buf, size_t size)
{
	struct cpumask numbers = { { nodes } };

	return cpumask_str(&numbers, buf, size);
}
