/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is only the right guest squeezed, only so far, and let go at once? */
#include "policy_fixture.h"

/* Of 64 GiB: 10 and 15 %. */
enum { PRESSED_KIB = 6710886, CALM_KIB = 10066329 };

static const struct memory_plan *step(void)
{
	for (size_t i = 0; i < fx.view.nslots; i++)
		fx.plan.guest[i].memory = (struct memory_plan){ 0 };
	memory_policy_step(&fx.state.memory, &fx.conf.memory, &fx.view, &fx.in_force, &fx.plan);
	return &fx.plan.guest[0].memory;
}

static const struct memory_plan *plan_of(size_t slot)
{
	return &fx.plan.guest[slot].memory;
}

static void limit_in_force(size_t slot, uint64_t kib)
{
	fx.in_force.guest[slot].limited = true;
	fx.in_force.guest[slot].soft_limit_kib = kib;
	fx.in_force.guest[slot].limit_changed_ns = SECONDS(9000);
}

static void expect(const char *name, const struct memory_plan *p, enum wish wish, enum why why)
{
	ck_assert_msg(p->why == why, "%s: %s", name, why_str(p->why));
	ck_assert_msg(p->wish == wish, "%s: wish %d", name, p->wish);
	ck_assert_msg((p->soft_limit_kib != KT_UNLIMITED_KIB) == (wish == WISH_SET), "%s: limit",
		      name);
}

/* A host just short enough, and an idle guest of 8 GiB that uses 4. */
static void setup(void)
{
	fixture_reset();
	fx.host.mem_available_kib = PRESSED_KIB - 1;
	fixture_guest(0.1);
}

/* ---- the host ------------------------------------------------------------------------- */

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

/* ---- how far ----------------------------------------------------------------------------- */

enum { G4 = 4 * 1024 * 1024, G3 = 3 * 1024 * 1024, G8_QUARTER = 2 * 1024 * 1024 };

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
	ck_assert_msg(p.soft_limit_kib == lengths[_i].limit_kib, "%s: %lu KiB", lengths[_i].name,
		      (unsigned long)p.soft_limit_kib);
}
END_TEST

/* ---- who ------------------------------------------------------------------------------------- */

static void by_nothing(void)
{
}

static void by_mode(void)
{
	fx.conf.memory.mode = LOOP_OFF;
}

static void by_wish(void)
{
	fx.domain[0].wish.memory = GUEST_SWITCH_OFF;
}

static void by_ceded(void)
{
	fx.in_force.guest[0].limit_ceded = true;
}

static void by_actuator(void)
{
	fx.in_force.guest[0].limit_off = true;
}

static void by_no_sample(void)
{
	fx.view.guest[0].present = false;
	memset(&fx.sample[0], 0, sizeof fx.sample[0]);
}

static void by_busy(void)
{
	fx.domain[0].busy = true;
}

static void by_memtune(void)
{
	fx.domain[0].admin_memtune = true;
}

static void by_hugepages(void)
{
	fx.domain[0].hugepages = true;
}

static void by_lock(void)
{
	fx.domain[0].locked = true;
}

static void by_vfio(void)
{
	fx.domain[0].vfio = true;
}

static void by_encryption(void)
{
	fx.domain[0].confidential = true;
}

static void by_realtime(void)
{
	fx.domain[0].realtime = true;
}

static void by_pause(void)
{
	fx.domain[0].running = false;
}

static void by_no_cgroup(void)
{
	fx.sample[0].has_cgroup = false;
}

static void by_settling(void)
{
	fx.plan.guest[0].settling = true;
}

static void by_youth(void)
{
	fx.view.guest[0].first_seen_ns = fx.view.now_ns - SECONDS(60) + 1;
}

static void by_a_minute(void)
{
	fx.view.guest[0].first_seen_ns = fx.view.now_ns - SECONDS(60);
}

static void by_five_samples(void)
{
	fx.view.guest[0].nsamples = 5;
}

static void by_six_samples(void)
{
	fx.view.guest[0].nsamples = 6;
}

static void with_demand(double cpus_per_vcpu)
{
	fx.view.guest[0].demand_cpus.value = 4 * cpus_per_vcpu;
}

static void by_just_idle(void)
{
	with_demand(0.0999);
}

static void by_just_not_idle(void)
{
	with_demand(0.1);
}

static void by_just_not_active(void)
{
	with_demand(0.1999);
}

static void by_just_active(void)
{
	with_demand(0.2);
}

static void by_unknown_demand(void)
{
	with_demand(__builtin_nan(""));
}

static void by_psi(void)
{
	fx.view.guest[0].psi_memory_pct = 0.1;
}

static void by_more_psi(void)
{
	fx.view.guest[0].psi_memory_pct = 0.1001;
}

static void by_faults(void)
{
	fx.view.guest[0].majfault_per_s = 10;
}

static void by_more_faults(void)
{
	fx.view.guest[0].majfault_per_s = 10.01;
}

static void by_refaults(void)
{
	fx.view.guest[0].refault_per_s = 10;
}

static void by_more_refaults(void)
{
	fx.view.guest[0].refault_per_s = 10.01;
}

/* 41943 KiB are a hundredth of its usage. */
static void by_growth(void)
{
	fx.sample[0].cgroup_v2 = true;
	limit_in_force(0, G4 - 41943);
}

static void by_more_growth(void)
{
	fx.sample[0].cgroup_v2 = true;
	limit_in_force(0, G4 - 41944);
}

static void by_growth_on_v1(void)
{
	limit_in_force(0, G3);
}

static void by_an_old_limit_of_another(void)
{
	by_more_growth();
	by_ceded();
	by_actuator();
	fx.in_force.guest[0].incarnation = 77;
}

static const struct {
	const char *name;
	void (*given)(void);
	enum wish wish;
	enum why why;
} refusals[] = {
	{ "nothing in the way", by_nothing, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "the loop is off", by_mode, WISH_RELEASE, WHY_SWITCHED_OFF },
	{ "the guest opted out", by_wish, WISH_RELEASE, WHY_SWITCHED_OFF },
	{ "ceded", by_ceded, WISH_HOLD, WHY_CEDED },
	{ "actuator off", by_actuator, WISH_HOLD, WHY_ACTUATOR_OFF },
	{ "its process cannot be read", by_no_sample, WISH_RELEASE, WHY_NOT_SAMPLED },
	{ "migrating", by_busy, WISH_RELEASE, WHY_GUEST_BUSY },
	{ "limits of the admin", by_memtune, WISH_RELEASE, WHY_LIMITED_BY_ADMIN },
	{ "hugepages", by_hugepages, WISH_RELEASE, WHY_UNRECLAIMABLE },
	{ "locked", by_lock, WISH_RELEASE, WHY_UNRECLAIMABLE },
	{ "vfio", by_vfio, WISH_RELEASE, WHY_UNRECLAIMABLE },
	{ "encrypted", by_encryption, WISH_RELEASE, WHY_UNRECLAIMABLE },
	{ "realtime", by_realtime, WISH_RELEASE, WHY_REALTIME },
	{ "paused", by_pause, WISH_RELEASE, WHY_GUEST_PAUSED },
	{ "no cgroup", by_no_cgroup, WISH_RELEASE, WHY_NO_CGROUP },
	{ "its pin has just changed", by_settling, WISH_HOLD, WHY_COOLING_DOWN },
	{ "seen for just less than a minute", by_youth, WISH_HOLD, WHY_GUEST_YOUNG },
	{ "seen for a minute", by_a_minute, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "five samples", by_five_samples, WISH_HOLD, WHY_GUEST_YOUNG },
	{ "six samples", by_six_samples, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "just idle", by_just_idle, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "just not idle", by_just_not_idle, WISH_HOLD, WHY_GUEST_ACTIVE },
	{ "just not active", by_just_not_active, WISH_HOLD, WHY_GUEST_ACTIVE },
	{ "just active", by_just_active, WISH_RELEASE, WHY_GUEST_ACTIVE },
	{ "no number", by_unknown_demand, WISH_HOLD, WHY_GUEST_ACTIVE },
	{ "stalls at their bound", by_psi, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "stalls just past it", by_more_psi, WISH_RELEASE, WHY_GUEST_SUFFERS },
	{ "faults at their bound", by_faults, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "faults just past it", by_more_faults, WISH_RELEASE, WHY_GUEST_SUFFERS },
	{ "refaults at their bound", by_refaults, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "refaults just past it", by_more_refaults, WISH_RELEASE, WHY_GUEST_SUFFERS },
	{ "grown past its limit by a hundredth", by_growth, WISH_HOLD, WHY_AT_FLOOR },
	{ "grown just further, and throttled", by_more_growth, WISH_RELEASE, WHY_GUEST_SUFFERS },
	{ "grown past a hint", by_growth_on_v1, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "all that is about an earlier guest", by_an_old_limit_of_another, WISH_SET,
	  WHY_IDLEST_UNDER_PRESSURE },
};

START_TEST(who_must_not_be_squeezed_is_not)
{
	refusals[_i].given();
	expect(refusals[_i].name, step(), refusals[_i].wish, refusals[_i].why);
}
END_TEST

/* What lets go is never held back by what holds. */
START_TEST(a_calm_host_and_a_suffering_guest_let_go_whatever_else_is)
{
	by_settling();
	by_more_psi();
	expect("suffers while settling", step(), WISH_RELEASE, WHY_GUEST_SUFFERS);
	fx.view.guest[0].psi_memory_pct = 0;
	fx.state.memory.guest[0].suffered = false;
	by_just_active();
	expect("wakes up while settling", step(), WISH_RELEASE, WHY_GUEST_ACTIVE);
	fx.host.mem_available_kib = PRESSED_KIB;
	expect("wakes up while the host is between", step(), WISH_RELEASE, WHY_GUEST_ACTIVE);
	by_youth();
	fx.host.mem_available_kib = CALM_KIB + 1;
	expect("young on a calm host", step(), WISH_RELEASE, WHY_HOST_CALM);
}
END_TEST

START_TEST(who_suffered_is_left_alone_for_a_while)
{
	uint64_t then_ns = fx.view.now_ns;

	by_more_faults();
	expect("suffers", step(), WISH_RELEASE, WHY_GUEST_SUFFERS);
	fx.view.guest[0].majfault_per_s = 0;
	fx.view.now_ns = then_ns + SECONDS(300) - 1;
	expect("just within the back-off", step(), WISH_RELEASE, WHY_GUEST_SUFFERS);
	fx.view.now_ns = then_ns + SECONDS(300);
	expect("after the back-off", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	by_more_faults();
	expect("suffers again", step(), WISH_RELEASE, WHY_GUEST_SUFFERS);
	fx.view.guest[0].majfault_per_s = 0;
	fx.view.guest[0].incarnation = 99;
	fx.view.now_ns += SECONDS(10);
	expect("another guest in its slot", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
}
END_TEST

/* ---- one at a time ------------------------------------------------------------------------------
 */

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
	ck_assert_uint_eq(plan_of(0)->soft_limit_kib, 4152384);
	limit_in_force(0, 4152384);
	fx.sample[0].usage_kib = 4152384;
	fx.view.now_ns = then_ns + SECONDS(6) - 1;
	expect("just within the interval", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_uint_eq(plan_of(0)->soft_limit_kib, 4152384);
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
	ck_assert_uint_eq(plan_of(0)->soft_limit_kib, 4152384);
	fx.in_force.guest[0].limit_pending = false;
	expect("answered", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_uint_lt(plan_of(0)->soft_limit_kib, 4152384);
}
END_TEST

/* ---- any input
 * ------------------------------------------------------------------------------------ */

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
	uint64_t usage = fx.sample[i].usage_kib, limit = plan_of(i)->soft_limit_kib;
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
	TCase *c = tcase_create("squeeze"), *p = tcase_create("any_input");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_checked_fixture(p, setup, NULL);
	tcase_add_loop_test(c, only_a_host_that_is_short_and_can_swap_is_squeezed, 0,
			    (int)KT_ARRAY_LEN(hosts));
	tcase_add_loop_test(c, a_step_is_small_and_ends_at_the_floor, 0,
			    (int)KT_ARRAY_LEN(lengths));
	tcase_add_loop_test(c, who_must_not_be_squeezed_is_not, 0, (int)KT_ARRAY_LEN(refusals));
	tcase_add_test(c, a_calm_host_and_a_suffering_guest_let_go_whatever_else_is);
	tcase_add_test(c, who_suffered_is_left_alone_for_a_while);
	tcase_add_test(c, the_idlest_goes_first_and_the_others_wait);
	tcase_add_test(c, steps_keep_their_distance_whoever_is_squeezed);
	tcase_add_test(c, no_step_is_made_while_libvirt_has_not_answered);
	tcase_add_loop_test(p, any_host_gives_at_most_one_squeeze_within_limits, 1, 6);
	suite_add_tcase(s, c);
	suite_add_tcase(s, p);
	return kt_run(s);
}
