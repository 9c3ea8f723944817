/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of placement have in common. */
#ifndef KT_PLACEMENT_FIXTURE_H
#define KT_PLACEMENT_FIXTURE_H

#include "policy_fixture.h"

#define G(x) ((x)*GIB_KIB)

static inline const struct placement_plan *step(void)
{
	for (size_t i = 0; i < fx.view.nslots; i++)
		fx.plan.guest[i] = (struct guest_plan){ 0 };
	placement_policy_step(&fx.state.placement, &fx.conf.placement, &fx.view, &fx.in_force,
			      &fx.plan);
	return &fx.plan.guest[0].placement;
}

static inline const struct placement_plan *plan_of(size_t slot)
{
	return &fx.plan.guest[slot].placement;
}

/* A guest at home on this node that wants so many CPUs; its memory is all there. */
static inline size_t resident(unsigned int node, double demand_cpus)
{
	size_t slot = fx.view.nslots;

	fixture_guest(demand_cpus);
	fx.domain[slot].vcpus = 8;
	fixture_threads(slot, 8);
	fixture_pinned(slot, (int)node);
	fixture_memory_on(slot, node == 0 ? 4 * GIB_KIB : 0, node == 1 ? 4 * GIB_KIB : 0);
	return slot;
}

static inline void expect(const char *name, const struct placement_plan *p, int home,
			  enum wish wish, enum why why)
{
	uint64_t nodes = home < 0 ? 0 : nodemask_of((unsigned int)home);

	ck_assert_msg(p->wish == wish && p->nodes == nodes, "%s: wish %d, home %lx (%s)", name,
		      p->wish, p->nodes, why_str(p->why));
	ck_assert_msg(p->why == why, "%s: %s", name, why_str(p->why));
	ck_assert_msg(wish == WISH_SET || cpumask_empty(&p->cell[0].cpus),
		      "%s: CPUs without a home", name);
}

#endif
