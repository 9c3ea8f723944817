/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is only a short host squeezed, one guest at a time, and only so far? */
#include "memory_fixture.h"

static const struct {
	const char *name;
	uint64_t available_kib, swap_total_kib, swap_free_kib;
	double psi_pct;
	enum wish wish;
	enum why why;
} hosts[] = {
	{ "just below the mark", PRESSED_KIB - 1, GIB_KIB, GIB_KIB, 0, WISH_SET,
	  WHY_IDLEST_UNDER_PRESSURE },
	{ "at the mark", PRESSED_KIB, GIB_KIB, GIB_KIB, 0, WISH_HOLD, WHY_HOST_BETWEEN },
	{ "at the mark, stalls at their bound", PRESSED_KIB, GIB_KIB, GIB_KIB, 5, WISH_HOLD,
	  WHY_HOST_BETWEEN },
	{ "at the mark, stalls just past their bound", PRESSED_KIB, GIB_KIB, GIB_KIB, 5.001,
	  WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "at the calm mark", CALM_KIB, GIB_KIB, GIB_KIB, 0, WISH_HOLD, WHY_HOST_BETWEEN },
	{ "at the calm mark, with stalls", CALM_KIB, GIB_KIB, GIB_KIB, 5.001, WISH_SET,
	  WHY_IDLEST_UNDER_PRESSURE },
	{ "just above the calm mark", CALM_KIB + 1, GIB_KIB, GIB_KIB, 5, WISH_RELEASE,
	  WHY_HOST_CALM },
	{ "just above the calm mark, stalls for another reason", CALM_KIB + 1, GIB_KIB, GIB_KIB,
	  5.001, WISH_HOLD, WHY_HOST_BETWEEN },
	{ "no swap", 0, 0, 0, 0, WISH_RELEASE, WHY_NO_SWAP },
	{ "no swap, whatever its free part says", 0, 0, GIB_KIB, 0, WISH_RELEASE, WHY_NO_SWAP },
	{ "swap just full", 0, GIB_KIB, 64 * MIB_KIB - 1, 0, WISH_RELEASE, WHY_NO_SWAP },
	{ "swap just not full", 0, GIB_KIB, 64 * MIB_KIB, 0, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
};

START_TEST(only_a_host_that_is_short_and_can_swap_is_squeezed)
{
	fx.host.mem_available_kib = hosts[_i].available_kib;
	fx.host.swap_total_kib = hosts[_i].swap_total_kib;
	fx.host.swap_free_kib = hosts[_i].swap_free_kib;
	fx.view.psi_memory_some_pct = hosts[_i].psi_pct;
	expect(hosts[_i].name, step(), hosts[_i].wish, hosts[_i].why);
}
END_TEST

/* ---- how far ------------------------------------------------------------------------- */

static const struct {
	const char *name;
	bool v2;
	uint64_t usage_kib, in_force_kib /* 0: none */, usable_kib /* 0: no balloon */, merged_kib;
	uint64_t permille, max_mib;
	uint64_t limit_kib; /* 0: at the floor */
} lengths[] = {
	/* 41943 KiB are 10 permille of 4 GiB; limits are rounded up to 64 KiB */
	{ "a step below usage", false, G4, 0, 0, 0, 10, 64, 4152384 },
	{ "the same on v2", true, G4, 0, 0, 0, 10, 64, 4152384 },
	{ "a step below the limit in force", false, G4, G3, 0, 0, 10, 64, 3103808 },
	{ "a limit above usage says nothing", false, G4, G4 + 65536, 0, 0, 10, 64, 4152384 },
	{ "v1 may go further at once", false, G4, 0, 0, 0, 50, 1024, 3984640 },
	{ "v2 may not", true, G4, 0, 0, 0, 50, 1024, 4152384 },
	{ "v2 is there already", true, G4, 4152384, 0, 0, 10, 64, 0 },
	{ "the largest step", false, 6553600, 0, 0, 0, 10, 64, 6488064 },
	{ "just past the largest step", false, 6553700, 0, 0, 0, 10, 64, 6488192 },
	{ "down to the floor", false, 2118335, 0, 0, 0, 10, 64, G8_QUARTER },
	{ "not below the floor", false, 2100000, 0, 0, 0, 10, 64, G8_QUARTER },
	{ "just above the floor", false, G8_QUARTER + 1, 0, 0, 0, 10, 64, G8_QUARTER },
	{ "at the floor", false, G8_QUARTER, 0, 0, 0, 10, 64, 0 },
	{ "below the floor", false, G8_QUARTER - 1, 0, 0, 0, 10, 64, 0 },
	{ "the working set and a tenth: 3460300 KiB", false, 3460353, 0, 5 * GIB_KIB, 0, 10, 64,
	  3460352 },
	{ "the working set and a tenth, just there", false, 3460352, 0, 5 * GIB_KIB, 0, 10, 64, 0 },
	{ "a small working set", false, G8_QUARTER + 1, 0, 7 * GIB_KIB, 0, 10, 64, G8_QUARTER },
	{ "a balloon that says more than there is", false, G8_QUARTER + 1, 0, 9 * GIB_KIB, 0, 10,
	  64, G8_QUARTER },
	{ "room for merged pages", false, G8_QUARTER + 640, 0, 0, 640, 10, 64, 0 },
	{ "room for merged pages, and a KiB", false, G8_QUARTER + 641, 0, 0, 640, 10, 64,
	  G8_QUARTER + 640 },
	{ "all merged", false, G4, 0, 0, UINT64_MAX, 10, 64, 0 },
	{ "no usage", false, 0, 0, 0, 0, 10, 64, 0 },
};

START_TEST(a_step_is_small_and_ends_at_the_floor)
{
	struct memory_plan p;

	fx.sample[0].cgroup_v2 = lengths[_i].v2;
	fx.sample[0].usage_kib = lengths[_i].usage_kib;
	fx.domain[0].has_balloon = lengths[_i].usable_kib > 0;
	fx.domain[0].balloon_usable_kib = lengths[_i].usable_kib;
	fx.view.guest[0].merged_kib = lengths[_i].merged_kib;
	fx.conf.memory.step_permille = lengths[_i].permille;
	fx.conf.memory.step_max_mib = lengths[_i].max_mib;
	if (lengths[_i].in_force_kib)
		limit_in_force(0, lengths[_i].in_force_kib);
	p = *step();
	if (lengths[_i].limit_kib == 0) {
		expect(lengths[_i].name, &p, WISH_HOLD, WHY_AT_FLOOR);
		return;
	}
	expect(lengths[_i].name, &p, WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_msg(p.target_kib == lengths[_i].limit_kib, "%s: %lu KiB", lengths[_i].name,
		      (unsigned long)p.target_kib);
}
END_TEST

/* ---- one at a time ------------------------------------------------------------------- */

START_TEST(the_idlest_goes_first_and_the_others_wait)
{
	fixture_guest(0.05);
	fixture_guest(0.05);
	fixture_guest(0.08);
	fx.domain[3].vcpus = 16; /* idler per vCPU */
	(void)step();
	expect("0.025", plan_of(0), WISH_HOLD, WHY_NOT_IDLEST);
	expect("0.0125", plan_of(1), WISH_HOLD, WHY_NOT_IDLEST);
	expect("0.0125 as well", plan_of(2), WISH_HOLD, WHY_NOT_IDLEST);
	expect("0.005", plan_of(3), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	fx.sample[3].usage_kib = G8_QUARTER;
	fx.state.memory.stepped = false;
	(void)step();
	expect("the idlest has nothing to give", plan_of(3), WISH_HOLD, WHY_AT_FLOOR);
	expect("the next one, the first of two alike", plan_of(1), WISH_SET,
	       WHY_IDLEST_UNDER_PRESSURE);
	expect("0.0125 as well", plan_of(2), WISH_HOLD, WHY_NOT_IDLEST);
}
END_TEST

START_TEST(steps_keep_their_distance_whoever_is_squeezed)
{
	uint64_t then_ns = fx.view.now_ns;

	expect("the first step", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_uint_eq(plan_of(0)->target_kib, 4152384);
	limit_in_force(0, 4152384);
	fx.sample[0].usage_kib = 4152384;
	fx.view.now_ns = then_ns + SECONDS(6) - 1;
	expect("just within the interval", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_uint_eq(plan_of(0)->target_kib, 4152384);
	fixture_guest(0.01);
	(void)step();
	expect("another is idler now", plan_of(0), WISH_HOLD, WHY_NOT_IDLEST);
	expect("and waits for its turn", plan_of(1), WISH_HOLD, WHY_COOLING_DOWN);
	fx.view.now_ns = then_ns + SECONDS(6);
	(void)step();
	expect("its turn", plan_of(1), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
}
END_TEST

START_TEST(no_step_is_made_while_libvirt_has_not_answered)
{
	fx.in_force.guest[0].limit_pending = true;
	expect("pending, no limit yet", step(), WISH_HOLD, WHY_COOLING_DOWN);
	limit_in_force(0, 4152384);
	expect("pending", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_uint_eq(plan_of(0)->target_kib, 4152384);
	fx.in_force.guest[0].limit_pending = false;
	expect("answered", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_uint_lt(plan_of(0)->target_kib, 4152384);
}
END_TEST

/* ---- any input ----------------------------------------------------------------------- */

static void randomize(uint64_t *seed)
{
	size_t nguests = 1 + fixture_below(seed, 5);
	struct memory_policy state = fx.state.memory;

	fixture_reset();
	fx.state.memory = state;
	fx.view.now_ns = fixture_any(seed);
	fx.host.mem_total_kib = fixture_any(seed);
	fx.host.mem_available_kib =
		fixture_any(seed) % 4 ? fx.host.mem_total_kib / 16 : fixture_any(seed);
	fx.host.swap_total_kib = fixture_any(seed);
	fx.host.swap_free_kib = fixture_any(seed);
	fx.conf.memory.step_permille = 1 + fixture_below(seed, 100);
	fx.conf.memory.floor_percent = 1 + fixture_below(seed, 100);
	fx.conf.memory.step_interval_s = 1 + fixture_below(seed, 100);
	for (size_t i = 0; i < nguests; i++) {
		fixture_guest(fixture_below(seed, 8) ? (double)fixture_below(seed, 100) / 200
						     : __builtin_nan(""));
		fx.domain[i].vcpus = (unsigned int)fixture_below(seed, 8);
		fx.domain[i].memory_kib = fixture_any(seed);
		fx.domain[i].has_balloon = fixture_below(seed, 2);
		fx.domain[i].balloon_usable_kib = fixture_any(seed);
		fx.sample[i].usage_kib = fixture_any(seed);
		fx.sample[i].cgroup_v2 = fixture_below(seed, 2);
		fx.view.guest[i].merged_kib = fixture_any(seed) >> fixture_below(seed, 60);
		fx.view.guest[i].psi_memory_pct = (double)fixture_below(seed, 20) / 100;
		if (fixture_below(seed, 2))
			limit_in_force(i, fixture_any(seed));
		fx.in_force.guest[i].limit_pending = fixture_below(seed, 2);
	}
}

static void check_limit(size_t i, int seed, int round)
{
	const struct guest_in_force *f = &fx.in_force.guest[i];
	uint64_t usage = fx.sample[i].usage_kib, limit = plan_of(i)->target_kib;
	uint64_t now = f->limited && f->soft_limit_kib < usage ? f->soft_limit_kib : usage;

	ck_assert_msg(fx.host.swap_total_kib > 0, "seed %d, round %d: no swap", seed, round);
	if (f->limited && limit == f->soft_limit_kib)
		return; /* wished again */
	ck_assert_msg(limit < now, "seed %d, round %d: no step down", seed, round);
	ck_assert_msg(now - limit <= 64 * MIB_KIB, "seed %d, round %d: a large step", seed, round);
	ck_assert_msg(now - limit <= usage / 1000 * 101 + 101, "seed %d, round %d: a large share",
		      seed, round);
	ck_assert_msg(limit >= fx.domain[i].memory_kib / 100 * fx.conf.memory.floor_percent,
		      "seed %d, round %d: below the floor", seed, round);
	ck_assert_msg(limit >= fx.view.guest[i].merged_kib, "seed %d, round %d: merged", seed,
		      round);
	ck_assert_msg(!fx.sample[i].cgroup_v2 || limit >= usage - usage / 100,
		      "seed %d, round %d: a throttle", seed, round);
	ck_assert_msg(!(fx.view.guest[i].psi_memory_pct > 0.1), "seed %d, round %d: suffers", seed,
		      round);
}

START_TEST(any_host_gives_at_most_one_squeeze_within_limits)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)_i;
	unsigned int nsqueezes = 0;

	for (int i = 0; i < 20000; i++) {
		unsigned int now = 0;

		randomize(&seed);
		(void)step();
		for (size_t g = 0; g < fx.view.nslots; g++) {
			ck_assert_msg(plan_of(g)->why != WHY_NONE, "seed %d, round %d", _i, i);
			if (plan_of(g)->wish != WISH_SET)
				continue;
			now++;
			check_limit(g, _i, i);
		}
		ck_assert_msg(now <= 1, "seed %d, round %d: %u at once", _i, i, now);
		nsqueezes += now;
	}
	ck_assert_msg(nsqueezes > 100, "seed %d: only %u squeezes were looked at", _i, nsqueezes);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("memory_policy");
	TCase *c = tcase_create("squeeze");

	tcase_add_checked_fixture(c, short_of_memory, NULL);
	tcase_add_loop_test(c, only_a_host_that_is_short_and_can_swap_is_squeezed, 0,
			    (int)KT_ARRAY_LEN(hosts));
	tcase_add_loop_test(c, a_step_is_small_and_ends_at_the_floor, 0,
			    (int)KT_ARRAY_LEN(lengths));
	tcase_add_test(c, the_idlest_goes_first_and_the_others_wait);
	tcase_add_test(c, steps_keep_their_distance_whoever_is_squeezed);
	tcase_add_test(c, no_step_is_made_while_libvirt_has_not_answered);
	tcase_add_loop_test(c, any_host_gives_at_most_one_squeeze_within_limits, 1, 6);
	suite_add_tcase(s, c);
	return kt_run(s);
}
