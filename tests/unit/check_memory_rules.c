/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is nobody squeezed who must not be, and is what is ours taken back then? */
#include "memory_fixture.h"

static void by_mode(void)
{
	fx.conf.memory.mode = LOOP_OFF;
}

static void by_wish(void)
{
	fx.domain[0].wish.memory = GUEST_SWITCH_OFF;
}

static void by_paused_and_wish(void)
{
	by_paused_loops();
	by_wish();
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

static void by_stalls(void)
{
	fx.view.guest[0].psi_memory_pct = 2;
}

static void by_throttle(void)
{
	fx.sample[0].cgroup_v2 = true;
	limit_in_force(0, G3);
}

static void by_no_means(void)
{
	fx.conf.memory.backend = MEMORY_BACKEND_RECLAIM;
	limit_in_force(0, G3);
}

static void by_refused_reclaim(void)
{
	fx.conf.memory.backend = MEMORY_BACKEND_RECLAIM;
	by_reclaim();
	fx.in_force.guest[0].reclaim_off = true;
}

static void by_needless_actuator(void)
{
	by_reclaim();
	by_actuator();
}

static void by_needless_limit(void)
{
	by_reclaim();
	limit_in_force(0, G4);
}

static void by_limit_after_refusal(void)
{
	by_reclaim();
	fx.in_force.guest[0].reclaim_off = true;
}

static void by_swap_max(void)
{
	fx.sample[0].swap_max_kib = GIB_KIB + 1023;
	fx.sample[0].swap_kib = GIB_KIB;
}

static void by_more_swap_max(void)
{
	by_swap_max();
	fx.sample[0].swap_kib--;
}

static void by_excess_swap(void)
{
	by_swap_max();
	fx.sample[0].swap_kib = 2 * GIB_KIB;
}

static void by_an_old_limit_of_another(void)
{
	by_throttle();
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
	{ "actuator off", by_actuator, WISH_RELEASE, WHY_ACTUATOR_OFF },
	{ "the loop is paused", by_paused_loops, WISH_RELEASE, WHY_PAUSED },
	{ "the guest is paused", by_operator_pause, WISH_RELEASE, WHY_PAUSED },
	{ "the guest is released", by_operator_release, WISH_RELEASE, WHY_RELEASED },
	{ "the guest is released, the loop paused", by_paused_loops_and_release, WISH_RELEASE,
	  WHY_RELEASED },
	{ "opted out, and paused", by_paused_and_wish, WISH_RELEASE, WHY_SWITCHED_OFF },
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
	{ "suffers", by_stalls, WISH_RELEASE, WHY_GUEST_SUFFERS },
	{ "backend = reclaim, and there is none", by_no_means, WISH_RELEASE, WHY_NO_RECLAIM },
	{ "backend = reclaim, and it was refused", by_refused_reclaim, WISH_RELEASE,
	  WHY_NO_RECLAIM },
	{ "libvirt refused a limit that is not needed", by_needless_actuator, WISH_SET,
	  WHY_IDLEST_UNDER_PRESSURE },
	{ "a limit that is not needed any more", by_needless_limit, WISH_RELEASE,
	  WHY_NEEDS_NO_LIMIT },
	{ "a limit that is needed, for reclaim was refused", by_limit_after_refusal, WISH_SET,
	  WHY_IDLEST_UNDER_PRESSURE },
	{ "may swap just not enough", by_swap_max, WISH_RELEASE, WHY_NO_SWAP },
	{ "may swap just enough", by_more_swap_max, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "has swapped more than it may", by_excess_swap, WISH_RELEASE, WHY_NO_SWAP },
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
	by_stalls();
	expect("suffers while settling", step(), WISH_RELEASE, WHY_GUEST_SUFFERS);
	fx.view.guest[0].psi_memory_pct = 0;
	fx.state.memory.guest[0].backoff_s = 0;
	by_just_active();
	expect("wakes up while settling", step(), WISH_RELEASE, WHY_GUEST_ACTIVE);
	given.host.price = given.host.shortage = 0.79;
	expect("wakes up while the host is between", step(), WISH_RELEASE, WHY_GUEST_ACTIVE);
	by_youth();
	given.host.price = given.host.shortage = 0.49;
	expect("young on a calm host", step(), WISH_RELEASE, WHY_HOST_CALM);
}
END_TEST

/* It is taken back as soon as anything speaks against it, whatever has not happened yet. */
START_TEST(a_reclaim_is_stopped_by_the_same_rules)
{
	by_reclaim();
	expect("a step", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	fx.in_force.guest[0].reclaiming = true;
	expect("under way", step_after_s(1), WISH_HOLD, WHY_COOLING_DOWN);
	by_just_active();
	expect("wakes up", step_after_s(1), WISH_RELEASE, WHY_GUEST_ACTIVE);
	with_demand(0);
	by_busy();
	expect("migrates", step_after_s(1), WISH_RELEASE, WHY_GUEST_BUSY);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("memory_rules");
	TCase *c = tcase_create("rules");

	tcase_add_checked_fixture(c, short_of_memory, NULL);
	tcase_add_loop_test(c, who_must_not_be_squeezed_is_not, 0, (int)KT_ARRAY_LEN(refusals));
	tcase_add_test(c, a_calm_host_and_a_suffering_guest_let_go_whatever_else_is);
	tcase_add_test(c, a_reclaim_is_stopped_by_the_same_rules);
	suite_add_tcase(s, c);
	return kt_run(s);
}
