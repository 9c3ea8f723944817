/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which core is each vCPU to have to itself?
 *
 * Guests keep the cores that they have; the others get the lowest free ones of their home,
 * in the order of their slots.  A guest for which too few are free stays as it would be
 * without cores, on CPUs that others may have to themselves. */
#include "placement_private.h"

/* The first `n` cores of `cpus` that have a CPU in it, all their CPUs there; false: fewer. */
static bool first_cores(const struct topology *t, const struct cpumask *cpus, unsigned int n,
			struct cpumask *ret)
{
	struct cpumask seen = { { 0 } }; /* cores, by their numbers */

	*ret = (struct cpumask){ { 0 } };
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++) {
		unsigned int core = t->core_of[cpu];

		if (!cpumask_test(cpus, cpu) || core >= KT_CPUS_MAX)
			continue;
		if (!cpumask_test(&seen, core)) {
			if (n == 0)
				continue;
			n--;
			cpumask_set(&seen, core);
		}
		cpumask_set(ret, cpu);
	}
	return n == 0;
}

static bool keeps_its_cores(const struct topology *t, const struct placing *p,
			    const struct cpumask *free, struct cpumask *ret)
{
	struct cpumask taken = cpumask_andnot(&p->in_force->cpus, free), one_more;

	return p->in_force->pinned && cpumask_empty(&taken) &&
	       first_cores(t, &p->in_force->cpus, p->guest->domain->vcpus, ret) &&
	       cpumask_equal(ret, &p->in_force->cpus) &&
	       !first_cores(t, ret, p->guest->domain->vcpus + 1, &one_more);
}

/* Of a core of which a guest may use one CPU only, the other one is nobody's. */
static struct cpumask with_siblings(const struct topology *t, const struct cpumask *cores)
{
	struct cpumask seen = { { 0 } }, ret = *cores;

	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		if (cpumask_test(cores, cpu))
			cpumask_set(&seen, t->core_of[cpu]);
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		if (cpumask_test(&seen, t->core_of[cpu]))
			cpumask_set(&ret, cpu);
	return ret;
}

static void take(struct placement_step *s, const struct placing *p, struct placement_plan *plan,
		 const struct cpumask *cores, struct cpumask *free)
{
	const struct cpumask taken = with_siblings(s->view->topology, cores);

	plan->cell[0].cpus = *cores;
	plan->core_of = s->view->topology->core_of;
	*free = cpumask_andnot(free, &taken);
	placement_fill_helpers(p, plan);
}

static void choose(struct placement_step *s, size_t slot, bool keeping, struct cpumask *free)
{
	struct placing p = placing_in_step(s, slot);
	struct placement_plan *plan = &s->plan->guest[slot].placement;
	const struct topology *t = s->view->topology;
	struct cpumask room = cpumask_and(&plan->cell[0].cpus, free), cores;

	if (plan->wish != WISH_SET || plan->ncells != 1 || plan->core_of)
		return;
	if (keeping ? keeps_its_cores(t, &p, &room, &cores)
		    : first_cores(t, &room, p.guest->domain->vcpus, &cores))
		take(s, &p, plan, &cores, free);
}

/* A guest of which nothing is changed now goes on to have its cores to itself. */
static void leave_cores_held(const struct placement_step *s, size_t slot, struct cpumask *free)
{
	const struct topology *t = s->view->topology;
	struct cpumask cores, taken;
	struct placing p;

	if (!s->view->guest[slot].domain || s->plan->guest[slot].placement.wish != WISH_HOLD)
		return;
	p = placing_of(s->conf, s->view, s->in_force, slot);
	if (!keeps_its_cores(t, &p, free, &cores))
		return;
	taken = with_siblings(t, &cores);
	*free = cpumask_andnot(free, &taken);
}

void placement_choose_cores(struct placement_step *s)
{
	struct cpumask free = s->view->topology->usable;

	for (size_t i = 0; i < s->plan->nslots; i++)
		leave_cores_held(s, i, &free);
	for (size_t i = 0; i < s->plan->nslots; i++)
		choose(s, i, true, &free);
	for (size_t i = 0; i < s->plan->nslots; i++)
		choose(s, i, false, &free);
}
