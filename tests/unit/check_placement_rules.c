/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is nobody placed who must not be touched? */
#include "placement_fixture.h"

static void by_one_node(void)
{
	fx.topology.ncpu_nodes = 1;
}

static void by_mode(void)
{
	fx.conf.placement.mode = LOOP_OFF;
}

static void by_wish(void)
{
	fx.domain[0].wish.placement = GUEST_SWITCH_OFF;
}

static void by_observe(void)
{
	fx.domain[0].wish.placement = GUEST_SWITCH_OBSERVE;
}

static void by_xml_pins(void)
{
	fx.domain[0].admin_pins = true;
}

static void by_vcpu_pin(void)
{
	fx.thread[0][2].first_allowed = cpus_of(0, 14);
}

static void by_iothread_pin(void)
{
	fx.thread[0][5].first_allowed = cpus_of(1, 15);
}

static void by_main_thread_pin(void)
{
	fx.thread[0][0].first_allowed = cpus_of(1, 15);
}

/* Workers inherit the mask of whoever started them, which may have been ours. */
static void by_narrow_worker(void)
{
	fx.thread[0][5].role = THREAD_EMULATOR;
	fx.thread[0][5].first_allowed = cpus_of(0, 7);
}

static void by_cpuset_of_the_cgroup(void)
{
	fx.sample[0].cpuset = cpus_of(0, 13);
	for (size_t i = 0; i < 6; i++)
		fx.thread[0][i].first_allowed = cpus_of(0, 13);
}

static void by_envelope(void)
{
	fx.domain[0].has_cpuset = true;
	fx.domain[0].cpuset = cpus_of(0, 13);
	for (size_t i = 0; i < 6; i++)
		fx.thread[0][i].first_allowed = cpus_of(0, 13);
}

static void by_isolated_cpus(void)
{
	fx.topology.usable = cpus_of(0, 13);
	fx.topology.node[1].cpus = cpus_of(8, 13);
	for (size_t i = 0; i < 6; i++)
		fx.thread[0][i].first_allowed = cpus_of(0, 13);
}

static void by_no_room(void)
{
	fx.domain[0].has_cpuset = true;
	fx.domain[0].cpuset = cpus_of(100, 103);
}

static void by_reserved_cpus(void)
{
	fx.conf.placement.reserved_cpus = cpus_of(0, 15);
}

static void by_numad(void)
{
	fx.host.numad_runs = true;
}

static void by_auto(void)
{
	fx.domain[0].placement_auto = true;
}

/* libvirt pins all of its threads to what numad has advised. */
static void by_advice(void)
{
	by_auto();
	for (size_t i = 0; i < fx.sample[0].nthreads; i++)
		fx.thread[0][i].first_allowed = cpus_of(0, 7);
}

static void by_paused_and_wish(void)
{
	by_paused_loops();
	by_wish();
}

static void by_paused_loops_while_migrating(void)
{
	by_paused_loops();
	by_busy();
}

static void by_no_sample_while_migrating(void)
{
	by_no_sample();
	by_busy();
}

static void by_ceded(void)
{
	fx.in_force.guest[0].pin_ceded = true;
}

static void by_actuator(void)
{
	fx.in_force.guest[0].pin_off = true;
}

static void by_unknown_memory(void)
{
	fx.sample[0].has_node_memory = false;
}

static void by_width(void)
{
	fx.domain[0].vcpus = 9;
}

static void by_paused(void)
{
	fx.domain[0].running = false;
}

static void by_earlier_guest(void)
{
	by_ceded();
	by_actuator();
	fx.in_force.guest[0].incarnation = 77;
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns;
}

static void by_just_released(void)
{
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - SECONDS(15) + 1;
}

static void by_released_a_while_ago(void)
{
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - SECONDS(15);
}

static const struct {
	const char *name;
	void (*given)(void);
	enum wish wish;
	enum why why;
} refusals[] = {
	{ "nothing in the way", by_nothing, WISH_SET, WHY_HOME_BY_MEMORY },
	{ "one node", by_one_node, WISH_RELEASE, WHY_SINGLE_NODE_HOST },
	{ "the loop is off", by_mode, WISH_RELEASE, WHY_SWITCHED_OFF },
	{ "the guest opted out", by_wish, WISH_RELEASE, WHY_SWITCHED_OFF },
	{ "the guest is only observed: decided all the same", by_observe, WISH_SET,
	  WHY_HOME_BY_MEMORY },
	{ "the loop is paused", by_paused_loops, WISH_HOLD, WHY_PAUSED },
	{ "the guest is paused", by_operator_pause, WISH_HOLD, WHY_PAUSED },
	{ "the guest is released", by_operator_release, WISH_RELEASE, WHY_RELEASED },
	{ "the guest is released, the loop paused", by_paused_loops_and_release, WISH_RELEASE,
	  WHY_RELEASED },
	{ "opted out, and paused", by_paused_and_wish, WISH_RELEASE, WHY_SWITCHED_OFF },
	{ "its process cannot be read", by_no_sample, WISH_HOLD, WHY_NOT_SAMPLED },
	{ "migrating", by_busy, WISH_HOLD, WHY_GUEST_BUSY },
	{ "migrating, the loop paused", by_paused_loops_while_migrating, WISH_HOLD,
	  WHY_GUEST_BUSY },
	{ "migrating, not to be read", by_no_sample_while_migrating, WISH_HOLD, WHY_GUEST_BUSY },
	{ "pins in its XML", by_xml_pins, WISH_RELEASE, WHY_PINNED_BY_ADMIN },
	{ "a pinned vCPU", by_vcpu_pin, WISH_RELEASE, WHY_PINNED_BY_ADMIN },
	{ "a pinned iothread", by_iothread_pin, WISH_RELEASE, WHY_PINNED_BY_ADMIN },
	{ "a pinned main thread", by_main_thread_pin, WISH_RELEASE, WHY_PINNED_BY_ADMIN },
	{ "a narrow worker is no pin", by_narrow_worker, WISH_SET, WHY_HOME_BY_MEMORY },
	{ "threads as wide as the cgroup", by_cpuset_of_the_cgroup, WISH_SET, WHY_HOME_BY_MEMORY },
	{ "threads as wide as the envelope", by_envelope, WISH_SET, WHY_HOME_BY_MEMORY },
	{ "threads as wide as what is not isolated", by_isolated_cpus, WISH_SET,
	  WHY_HOME_BY_MEMORY },
	{ "an envelope of CPUs that are not for sharing", by_no_room, WISH_RELEASE, WHY_NO_CPUS },
	{ "all CPUs are reserved", by_reserved_cpus, WISH_RELEASE, WHY_NO_CPUS },
	{ "numad runs", by_numad, WISH_RELEASE, WHY_NUMAD_RUNNING },
	{ "placement auto", by_auto, WISH_RELEASE, WHY_PLACEMENT_AUTO },
	{ "placement auto, where libvirt has pinned it", by_advice, WISH_RELEASE,
	  WHY_PLACEMENT_AUTO },
	{ "realtime", by_realtime, WISH_RELEASE, WHY_REALTIME },
	{ "ceded", by_ceded, WISH_HOLD, WHY_CEDED },
	{ "actuator off", by_actuator, WISH_HOLD, WHY_ACTUATOR_OFF },
	{ "memory unknown", by_unknown_memory, WISH_HOLD, WHY_MEMORY_UNKNOWN },
	{ "wider than a node", by_width, WISH_RELEASE, WHY_WIDER_THAN_NODE },
	{ "paused: its threads exist", by_paused, WISH_SET, WHY_HOME_BY_MEMORY },
	{ "what is in force is of an earlier guest", by_earlier_guest, WISH_SET,
	  WHY_HOME_BY_MEMORY },
	{ "released just within the cool-down", by_just_released, WISH_HOLD, WHY_COOLING_DOWN },
	{ "released just before the cool-down", by_released_a_while_ago, WISH_SET,
	  WHY_HOME_BY_MEMORY },
};

START_TEST(who_must_not_be_touched_is_not)
{
	fixture_guest(1);
	fixture_memory_on(0, G(2), 0);
	refusals[_i].given();
	expect(refusals[_i].name, step(), refusals[_i].wish == WISH_SET ? 0 : -1, refusals[_i].wish,
	       refusals[_i].why);
}
END_TEST

START_TEST(after_a_crash_our_own_pins_are_not_the_admins)
{
	fixture_guest(1);
	fixture_memory_on(0, G(2), 0);
	for (size_t i = 0; i < fx.sample[0].nthreads; i++)
		fx.thread[0][i].first_allowed = cpus_of(0, 7);
	expect("not ours", step(), -1, WISH_RELEASE, WHY_PINNED_BY_ADMIN);
	fixture_pinned(0, 0);
	expect("ours", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fx.domain[0].admin_pins = true;
	expect("ours, and the XML now has pins", step(), -1, WISH_RELEASE, WHY_PINNED_BY_ADMIN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_rules");
	TCase *c = tcase_create("rules");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_loop_test(c, who_must_not_be_touched_is_not, 0, (int)KT_ARRAY_LEN(refusals));
	tcase_add_test(c, after_a_crash_our_own_pins_are_not_the_admins);
	suite_add_tcase(s, c);
	return kt_run(s);
}
