/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is nobody squeezed who must not be, and who suffers let go at once? */
#include "memory_fixture.h"

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
	fx.state.memory.guest[0].backoff_s = 0;
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

/* Squeezed, suffering and let go again and again, as soon as it is allowed. */
static uint64_t suffer_after(uint64_t wait_s)
{
	fx.view.now_ns += SECONDS(wait_s);
	fx.view.guest[0].psi_memory_pct = 1;
	(void)step();
	fx.view.guest[0].psi_memory_pct = 0;
	return fx.state.memory.guest[0].backoff_s;
}

START_TEST(who_suffers_again_is_left_alone_for_twice_as_long)
{
	ck_assert_uint_eq(suffer_after(0), 300);
	ck_assert_uint_eq(suffer_after(299), 300);  /* still the same suffering */
	ck_assert_uint_eq(suffer_after(300), 600);  /* again */
	ck_assert_uint_eq(suffer_after(2400), 300); /* four back-offs later: anew */
	ck_assert_uint_eq(suffer_after(300), 600);
	ck_assert_uint_eq(suffer_after(2399), 1200);
	ck_assert_uint_eq(suffer_after(1200), 2400);
	ck_assert_uint_eq(suffer_after(2400), 4800);
	ck_assert_uint_eq(suffer_after(4800), 4800); /* 16 times */
	fx.view.now_ns += SECONDS(4800) - 1;
	expect("just within the longest back-off", step(), WISH_RELEASE, WHY_GUEST_SUFFERS);
	fx.view.now_ns++;
	expect("after the longest back-off", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("memory_rules");
	TCase *c = tcase_create("rules");

	tcase_add_checked_fixture(c, short_of_memory, NULL);
	tcase_add_loop_test(c, who_must_not_be_squeezed_is_not, 0, (int)KT_ARRAY_LEN(refusals));
	tcase_add_test(c, a_calm_host_and_a_suffering_guest_let_go_whatever_else_is);
	tcase_add_test(c, who_suffered_is_left_alone_for_a_while);
	tcase_add_test(c, who_suffers_again_is_left_alone_for_twice_as_long);
	suite_add_tcase(s, c);
	return kt_run(s);
}
