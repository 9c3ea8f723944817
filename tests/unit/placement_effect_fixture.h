/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of what a change has brought have in common. */
#ifndef KT_PLACEMENT_EFFECT_FIXTURE_H
#define KT_PLACEMENT_EFFECT_FIXTURE_H

#include "placement_fixture.h"

#define NODE(n) (UINT64_C(1) << (n))

/* It wants 4 CPUs; its memory, which does not move, is where it goes. */
static inline void guest_that_leaves(void)
{
	fixture_guest(4);
	fixture_pinned(0, 0);
	fixture_memory_on(0, 0, G(4));
	fx.conf.placement.memory = MEMORY_LEAVE;
}

/* Of what it wants, so much is waited for. */
static inline void fixture_waits(double wants_cpus, double share)
{
	fx.view.guest[0].run_cpus = wants_cpus * (1 - share);
	fx.view.guest[0].delay_cpus = wants_cpus * share;
}

/* The first step wishes the change, and it is made; three more see what it has brought. */
static inline void change(void)
{
	(void)step();
	ck_assert_uint_eq(plan_of(0)->nodes, NODE(1));
	carry_out(0);
}

static inline void watch(unsigned int nlooks)
{
	while (nlooks-- > 0) {
		fixture_later(10);
		(void)step();
	}
}

#endif
