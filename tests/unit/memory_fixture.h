/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the memory loop have in common. */
#ifndef KT_MEMORY_FIXTURE_H
#define KT_MEMORY_FIXTURE_H

#include "policy_fixture.h"

/* Of 64 GiB: 10 and 15 %. */
enum { PRESSED_KIB = 6710886, CALM_KIB = 10066329 };

static inline const struct memory_plan *step(void)
{
	for (size_t i = 0; i < fx.view.nslots; i++)
		fx.plan.guest[i].memory = (struct memory_plan){ 0 };
	memory_policy_step(&fx.state.memory, &fx.conf.memory, &fx.view, &fx.in_force, &fx.plan);
	return &fx.plan.guest[0].memory;
}

static inline const struct memory_plan *plan_of(size_t slot)
{
	return &fx.plan.guest[slot].memory;
}

static inline void limit_in_force(size_t slot, uint64_t kib)
{
	fx.in_force.guest[slot].limited = true;
	fx.in_force.guest[slot].soft_limit_kib = kib;
	fx.in_force.guest[slot].limit_changed_ns = SECONDS(9000);
}

static inline void expect(const char *name, const struct memory_plan *p, enum wish wish,
			  enum why why)
{
	ck_assert_msg(p->why == why, "%s: %s", name, why_str(p->why));
	ck_assert_msg(p->wish == wish, "%s: wish %d", name, p->wish);
	ck_assert_msg((p->target_kib != KT_UNLIMITED_KIB) == (wish == WISH_SET), "%s: limit", name);
}

/* A host just short enough, and an idle guest of 8 GiB that uses 4. */
static inline void short_of_memory(void)
{
	fixture_reset();
	fx.host.mem_available_kib = PRESSED_KIB - 1;
	fixture_guest(0.1);
}

enum { G4 = 4 * 1024 * 1024, G3 = 3 * 1024 * 1024, G8_QUARTER = 2 * 1024 * 1024 };

#endif
