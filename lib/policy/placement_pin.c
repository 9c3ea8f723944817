/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs does a home mean for each thread of a guest? */
#include "placement_private.h"

#include <string.h>

static struct cpumask cpus_of(const struct topology *t, uint64_t nodes)
{
	struct cpumask cpus = { { 0 } };

	for (; nodes; nodes &= nodes - 1)
		cpus = cpumask_or(&cpus, &t->node[nodemask_first(nodes)].cpus);
	return cpus;
}

/* Reserved CPUs, near ones first; without them, of the home what no vCPU has to itself. */
void placement_fill_helpers(const struct placing *p, struct placement_plan *plan)
{
	struct cpumask home = cpus_of(p->view->topology, plan->nodes);
	struct cpumask reserved = cpumask_and(&p->without_pin, &p->conf->reserved_cpus);
	struct cpumask near = cpumask_and(&reserved, &home), rest;

	plan->helpers = cpumask_empty(&near) ? reserved : near;
	if (!cpumask_empty(&plan->helpers))
		return;
	plan->helpers = rest = cpumask_and(&home, &p->room);
	for (unsigned int c = 0; c < plan->ncells; c++)
		rest = cpumask_andnot(&rest, &plan->cell[c].cpus);
	if (!cpumask_empty(&rest))
		plan->helpers = rest;
}

void placement_fill_masks(struct placement_step *s, const struct placing *p,
			  struct placement_plan *plan)
{
	for (unsigned int c = 0; c < plan->ncells; c++) {
		struct cpumask home = cpus_of(s->view->topology, plan->cell[c].nodes);

		plan->cell[c].cpus = cpumask_and(&home, &p->room);
		if (plan->ncells == 1)
			memset(&plan->cell[c].vcpus, 0xff, sizeof plan->cell[c].vcpus);
		else
			plan->cell[c].vcpus = p->guest->domain->cell[c].vcpus;
	}
	placement_fill_helpers(p, plan);
}
