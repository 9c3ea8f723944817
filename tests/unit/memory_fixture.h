/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the memory loop have in common. */
#ifndef KT_MEMORY_FIXTURE_H
#define KT_MEMORY_FIXTURE_H

#include "policy_fixture.h"

/* What the arbiter says before the loop is asked, which changes it. */
static struct given {
	struct memory_host_plan host;
	bool dry_run[FIXTURE_GUESTS];
} given;

static inline const struct memory_plan *plan_of(size_t slot)
{
	return &fx.plan.guest[slot].memory;
}

static inline const struct memory_plan *step(void)
{
	fx.plan.memory = given.host;
	for (size_t i = 0; i < fx.view.nslots; i++)
		fx.plan.guest[i].memory = (struct memory_plan){ .dry_run = given.dry_run[i] };
	memory_policy_step(&fx.state.memory, &fx.conf.memory, &fx.view, &fx.in_force, &fx.plan);
	return plan_of(0);
}

static inline const struct memory_plan *step_after_s(uint64_t seconds)
{
	fx.view.now_ns += SECONDS(seconds);
	return step();
}

static inline void limit_in_force(size_t slot, uint64_t kib)
{
	fx.in_force.guest[slot].limited = true;
	fx.in_force.guest[slot].soft_limit_kib = kib;
}

/* As act answers a plan that has the guest's memory reclaimed. */
static inline void reclaim_ended(size_t slot, uint64_t asked_kib, uint64_t got_kib)
{
	fx.in_force.guest[slot].asked_kib = asked_kib;
	fx.in_force.guest[slot].got_kib = got_kib;
}

static inline void by_reclaim(void)
{
	fx.sample[0].cgroup_v2 = fx.sample[0].has_reclaim = true;
}

static inline void uses(size_t slot, uint64_t kib)
{
	fx.sample[slot].usage_kib = fx.sample[slot].anon_kib = kib;
}

static inline void expect(const char *name, const struct memory_plan *p, enum wish wish,
			  enum why why)
{
	ck_assert_msg(p->why == why, "%s: %s", name, why_str(p->why));
	ck_assert_msg(p->wish == wish, "%s: wish %d", name, p->wish);
	ck_assert_msg((p->target_kib != KT_UNLIMITED_KIB) == (wish == WISH_SET), "%s: target",
		      name);
}

static inline void expect_target(const char *name, const struct memory_plan *p,
				 enum memory_means means, uint64_t target_kib)
{
	ck_assert_msg(p->wish == WISH_SET, "%s: wish %d, %s", name, p->wish, why_str(p->why));
	ck_assert_msg(p->means == means, "%s: means %d", name, p->means);
	ck_assert_msg(p->target_kib == target_kib, "%s: %lu KiB", name,
		      (unsigned long)p->target_kib);
}

/* A host that lacks 8 GiB, and a guest of 8 GiB that uses 4 and hardly runs, on cgroup v1. */
static inline void short_of_memory(void)
{
	fixture_reset();
	given = (struct given){
		.host = { .price = 0.9, .shortage = 0.8, .deficit_kib = 8 * GIB_KIB }
	};
	fixture_guest(0.1);
}

enum { G4 = 4 * 1024 * 1024, G3 = 3 * 1024 * 1024, G8_QUARTER = 2 * 1024 * 1024 };

#endif
