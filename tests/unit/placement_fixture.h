/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of placement have in common. */
#ifndef KT_PLACEMENT_FIXTURE_H
#define KT_PLACEMENT_FIXTURE_H

#include "policy_fixture.h"

#define G(x) ((x)*GIB_KIB)

/* Of a node of 32 GiB: 2 %, which is more than node_reserve_mib. */
#define RESERVE_KIB (G(32) / 50)

static inline const struct placement_plan *step(void)
{
	for (size_t i = 0; i < fx.view.nslots; i++)
		fx.plan.guest[i] = (struct guest_plan){ 0 };
	fx.plan.nslots = fx.view.nslots;
	placement_policy_step(&fx.state.placement, &fx.conf.placement, &fx.view, &fx.in_force,
			      &fx.plan);
	return &fx.plan.guest[0].placement;
}

static inline const struct placement_plan *plan_of(size_t slot)
{
	return &fx.plan.guest[slot].placement;
}

/* Of both directions; local is 10. */
static inline void fixture_distance(unsigned int a, unsigned int b, unsigned int distance)
{
	fx.topology.node[a].distance[a] = fx.topology.node[b].distance[b] = 10;
	fx.topology.node[a].distance[b] = fx.topology.node[b].distance[a] = distance;
}

/* Alike; 0 and 1 are near each other, and so are 2 and 3.  Before any guest. */
static inline void four_nodes(void)
{
	fixture_node(2, 16, 8, G(32), G(20));
	fixture_node(3, 24, 8, G(32), G(20));
	for (unsigned int a = 0; a < 4; a++)
		for (unsigned int b = a + 1; b < 4; b++)
			fixture_distance(a, b, a / 2 == b / 2 ? 12 : 21);
}

/* Wants so many CPUs all the time. */
static inline void fixture_wants(size_t slot, double cpus)
{
	fx.view.guest[slot].demand = (struct demand){ cpus, cpus, 0, 100 };
}

/* Nothing was decided before. */
static inline void fixture_forget(void)
{
	memset(&fx.state.placement, 0, sizeof fx.state.placement);
}

static inline void fixture_later(unsigned int seconds)
{
	fx.view.now_ns += SECONDS(seconds);
	fx.view.dt_s = seconds;
}

static inline bool is_in_force(const struct placement_plan *p, const struct guest_in_force *f)
{
	if (p->wish != WISH_SET || !f->pinned)
		return p->wish == WISH_HOLD || (p->wish == WISH_RELEASE && !f->pinned);
	if (f->nodes != p->nodes || f->ncells != p->ncells ||
	    !cpumask_equal(&f->cpus, &p->cell[0].cpus))
		return false;
	for (unsigned int c = 0; c < p->ncells; c++)
		if (f->cell_nodes[c] != p->cell[c].nodes)
			return false;
	return true;
}

/* What is wished of the guest is done now. */
static inline void carry_out(size_t slot)
{
	const struct placement_plan *p = &fx.plan.guest[slot].placement;
	struct guest_in_force *f = &fx.in_force.guest[slot];

	if (is_in_force(p, f))
		return;
	f->pinned = p->wish == WISH_SET;
	f->nodes = p->nodes;
	f->ncells = p->ncells;
	f->cpus = p->cell[0].cpus;
	for (unsigned int c = 0; c < p->ncells; c++)
		f->cell_nodes[c] = p->cell[c].nodes;
	f->pin_changed_ns = fx.view.now_ns;
}

static inline void expect_nodes(const char *name, const struct placement_plan *p, uint64_t nodes,
				enum wish wish, enum why why)
{
	ck_assert_msg(p->wish == wish && p->nodes == nodes, "%s: wish %d, nodes %lx (%s)", name,
		      p->wish, p->nodes, why_str(p->why));
	ck_assert_msg(p->why == why, "%s: %s", name, why_str(p->why));
	ck_assert_msg(wish == WISH_SET || cpumask_empty(&p->cell[0].cpus),
		      "%s: CPUs without a home", name);
}

static inline void expect(const char *name, const struct placement_plan *p, int home,
			  enum wish wish, enum why why)
{
	expect_nodes(name, p, home < 0 ? 0 : nodemask_of((unsigned int)home), wish, why);
}

#endif
