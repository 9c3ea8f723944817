/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is nothing taken but within limits, whatever the host and the guests are? */
#include "explain.h"
#include "memory_fixture.h"

static struct where {
	int seed, round;
} at;

#define holds(condition, what)                                                                     \
	ck_assert_msg(condition, "seed %d, round %d: %s", at.seed, at.round, what)

static void any_guest(uint64_t *seed, size_t i)
{
	struct guest_in_force *f = &fx.in_force.guest[i];

	fixture_guest(fixture_below(seed, 8) ? (double)fixture_below(seed, 100) / 200
					     : __builtin_nan(""));
	fx.domain[i].vcpus = (unsigned int)fixture_below(seed, 8);
	fx.domain[i].memory_kib = fixture_any(seed);
	fx.domain[i].has_balloon = fixture_below(seed, 4) == 0;
	fx.domain[i].balloon_usable_kib = fixture_any(seed);
	fx.domain[i].wish.weight = (unsigned int)fixture_below(seed, 1001);
	uses(i, fixture_below(seed, 2) ? fx.domain[i].memory_kib : fixture_any(seed));
	fx.sample[i].anon_kib = fixture_below(seed, 2) ? fx.sample[i].usage_kib : fixture_any(seed);
	fx.sample[i].shmem_kib = fixture_below(seed, 2) ? 0 : fixture_any(seed);
	fx.sample[i].swap_kib = fixture_any(seed);
	fx.sample[i].cgroup_v2 = fixture_below(seed, 2);
	fx.sample[i].has_reclaim = fx.sample[i].cgroup_v2 && fixture_below(seed, 2);
	fx.view.guest[i].merged_kib = fixture_any(seed) >> fixture_below(seed, 60);
	fx.view.guest[i].psi_memory_pct = fixture_below(seed, 4) ? 0 : fixture_share(seed) / 5;
	fx.domain[i].hold = fixture_below(seed, 16) ? GUEST_HOLD_NONE : GUEST_HOLD_PAUSED;
	if (!fixture_below(seed, 16))
		fx.view.guest[i].present = false;
	if (!fx.view.guest[i].present)
		fx.view.guest[i].sample = NULL;
	given.dry_run[i] = fixture_below(seed, 4) == 0;
	if (fixture_below(seed, 4) == 0)
		limit_in_force(i, fixture_any(seed) % KT_UNLIMITED_KIB);
	f->limit_pending = fixture_below(seed, 8) == 0;
	f->reclaiming = fixture_below(seed, 8) == 0;
	f->asked_kib = fixture_any(seed);
	f->got_kib = fixture_any(seed);
	f->reclaim_late = fixture_below(seed, 8) == 0;
	fx.sample[i].swap_max_kib = fixture_below(seed, 2) ? KT_UNLIMITED_KIB : fixture_any(seed);
}

static void any_host(uint64_t *seed)
{
	size_t nguests = 1 + fixture_below(seed, 5);
	struct memory_policy state = fx.state.memory;

	fixture_reset();
	if (fixture_below(seed, 2))
		fx.state.memory = state;
	fx.view.now_ns = fixture_below(seed, 2) ? SECONDS(10000) : fixture_any(seed);
	fx.host.swap_total_kib = fixture_any(seed);
	fx.host.swap_free_kib = fixture_below(seed, 2) ? 8 * GIB_KIB : fixture_any(seed);
	given.host.shortage = fixture_below(seed, 4) ? 0.9 : fixture_share(seed);
	given.host.price = fixture_below(seed, 4) ? 1 : given.host.shortage;
	given.host.deficit_kib = fixture_any(seed);
	fx.conf.memory.backend = (enum memory_backend)fixture_below(seed, 3);
	fx.conf.memory.runaway = (enum memory_runaway)fixture_below(seed, 3);
	fx.conf.memory.step_permille = 1 + fixture_below(seed, 100);
	fx.conf.memory.step_max_mib = 1 + fixture_below(seed, 65536);
	fx.conf.memory.floor_percent = 1 + fixture_below(seed, 90);
	fx.conf.memory.min_guarantee_mib = fixture_below(seed, 4) ? 0 : fixture_any(seed);
	fx.conf.memory.step_interval_s = 1 + fixture_below(seed, 100);
	for (size_t i = 0; i < nguests; i++)
		any_guest(seed, i);
	for (size_t i = 0; i < nguests; i++)
		fx.view.guest[i].first_seen_ns = fx.view.now_ns - fx.view.now_ns / 4;
}

static uint64_t check_step(size_t i)
{
	const struct guest_in_force *f = &fx.in_force.guest[i];
	const struct memory_plan *p = plan_of(i);
	uint64_t usage = fx.sample[i].usage_kib, from = usage;
	bool by_limit = p->means == MEMORY_SOFT_LIMIT;

	if (by_limit && f->limited && f->soft_limit_kib < usage)
		from = f->soft_limit_kib;
	holds(fx.host.swap_total_kib > 0, "no swap");
	holds(fx.view.guest[i].present && !fx.domain[i].hold, "a guest that is not there");
	holds(p->target_kib < from, "no step down");
	holds(from - p->target_kib <= fx.conf.memory.step_max_mib * MIB_KIB, "a large step");
	holds((from - p->target_kib) / 8 <=
		      usage / 1000 * (fx.conf.memory.step_permille + 1) + 1024,
	      "a large share");
	holds(p->target_kib >= p->floor_kib, "below the floor");
	holds(p->floor_kib >= fx.domain[i].memory_kib / 100 * fx.conf.memory.floor_percent,
	      "a low floor");
	holds(!by_limit || p->target_kib >= fx.view.guest[i].merged_kib, "merged");
	holds(!by_limit || !fx.sample[i].cgroup_v2 || p->target_kib >= usage - usage / 100,
	      "a throttle");
	holds(by_limit || (fx.sample[i].has_reclaim && !f->limited), "not to be reclaimed");
	holds(!f->limit_pending && !f->reclaiming, "under way");
	holds(fx.state.memory.guest[i].stalled_pct.value <= 0.5, "suffers");
	return from - p->target_kib;
}

/* What is explained is what was decided. */
static void check_explanation(size_t i)
{
	struct explanation e;
	enum why why, planned = plan_of(i)->why;

	explain_memory(&fx.state, &fx.conf, &fx.view, &fx.in_force, &fx.plan, i, &e);
	why = explanation_reason(&e);
	holds(e.nrules > 0 && e.nrules < EXPLAIN_RULES_MAX, "rules");
	holds(e.until_ns == 0 || e.until_ns > fx.view.now_ns, "an end that is over");
	holds(why == planned || planned == WHY_RUNAWAY || planned == WHY_IDLEST_UNDER_PRESSURE,
	      why_str(why));
	holds(planned != WHY_IDLEST_UNDER_PRESSURE || why == WHY_NONE, why_str(why));
}

/* The number of steps. */
static unsigned int check_plan(void)
{
	uint64_t sum_kib = 0, taken_kib;
	unsigned int n = 0;

	for (size_t i = 0; i < fx.view.nslots; i++) {
		const struct memory_plan *p = plan_of(i);

		holds(p->why != WHY_NONE, "no reason");
		check_explanation(i);
		holds(p->dry_run == given.dry_run[i], "really");
		holds((p->wish == WISH_SET) == (p->target_kib != KT_UNLIMITED_KIB), "no target");
		if (p->wish != WISH_SET || p->why != WHY_IDLEST_UNDER_PRESSURE)
			continue;
		n++;
		taken_kib = check_step(i);
		sum_kib += p->dry_run ? 0 : taken_kib;
		holds(sum_kib <= given.host.deficit_kib, "more than is lacking");
		holds(sum_kib <= fx.host.swap_free_kib, "more than fits into swap");
	}
	return n;
}

START_TEST(any_host_is_squeezed_within_limits)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)_i;
	unsigned int nsteps = 0;

	at.seed = _i;
	for (at.round = 0; at.round < 4000; at.round++) {
		any_host(&seed);
		(void)step();
		nsteps += check_plan();
	}
	ck_assert_msg(nsteps > 50, "seed %d: only %u steps were looked at", _i, nsteps);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("memory_any");
	TCase *c = tcase_create("any");

	tcase_add_checked_fixture(c, short_of_memory, NULL);
	tcase_add_loop_test(c, any_host_is_squeezed_within_limits, 1, 6);
	suite_add_tcase(s, c);
	return kt_run(s);
}
