/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does every guest get the right home, keep it, and is nobody touched who must not be? */
#include "policy_fixture.h"

static const struct placement_plan *step(void)
{
	for (size_t i = 0; i < fx.view.nslots; i++)
		fx.plan.guest[i] = (struct guest_plan){ 0 };
	placement_policy_step(&fx.conf.placement, &fx.view, &fx.in_force, &fx.plan);
	return &fx.plan.guest[0].placement;
}

static const struct placement_plan *plan_of(size_t slot)
{
	return &fx.plan.guest[slot].placement;
}

/* A guest at home on this node that wants so many CPUs; its memory is all there. */
static size_t resident(unsigned int node, double demand_cpus)
{
	size_t slot = fx.view.nslots;

	fixture_guest(demand_cpus);
	fx.domain[slot].vcpus = 8;
	fixture_threads(slot, 8);
	fixture_pinned(slot, (int)node);
	fixture_memory_on(slot, node == 0 ? 4 * GIB_KIB : 0, node == 1 ? 4 * GIB_KIB : 0);
	return slot;
}

static void expect(const char *name, const struct placement_plan *p, int home, enum wish wish,
		   enum why why)
{
	ck_assert_msg(p->wish == wish && p->home_node == home, "%s: wish %d, home %d (%s)", name,
		      p->wish, p->home_node, why_str(p->why));
	ck_assert_msg(p->why == why, "%s: %s", name, why_str(p->why));
	ck_assert_msg(wish == WISH_SET || cpumask_empty(&p->cpus), "%s: CPUs without a home", name);
}

/* ---- a guest without a home -------------------------------------------------------- */

#define G(x) ((x)*GIB_KIB)

static const struct home_row {
	const char *name;
	unsigned int vcpus;
	uint64_t memory_kib, on0_kib, on1_kib, free0_kib, free1_kib, file0_kib;
	double demand_cpus, busy0_cpus;
	unsigned int nsamples;
	int home;
	enum why why;
} home_rows[] = {
	{ "most of its memory decides against free memory", 4, G(8), G(2), 0, G(20), G(30), 0, 1, 0,
	  9, 0, WHY_HOME_BY_MEMORY },
	{ "and so on the other node", 4, G(8), 0, G(2), G(30), G(20), 0, 1, 0, 9, 1,
	  WHY_HOME_BY_MEMORY },
	{ "a twentieth of its memory more decides", 4, G(8), 1050, 950, G(20), G(30), 0, 1, 0, 9, 0,
	  WHY_HOME_BY_MEMORY },
	{ "just less than a twentieth more is a tie", 4, G(8), 1049, 951, G(20), G(30), 0, 1, 0, 9,
	  1, WHY_HOME_BY_FREE_MEMORY },
	{ "no memory yet: free memory decides", 4, G(8), 0, 0, G(20), G(30), 0, 1, 0, 9, 1,
	  WHY_HOME_BY_FREE_MEMORY },
	{ "a tenth of a node more free decides", 4, G(8), G(1), G(1), G(20), G(20) + 3355443, 0, 1,
	  0, 9, 1, WHY_HOME_BY_FREE_MEMORY },
	{ "just less than a tenth more free is a tie", 4, G(8), G(1), G(1), G(20), G(20) + 3355442,
	  0, 1, 0, 9, 0, WHY_HOME_BY_LOAD },
	{ "the page cache counts as free", 4, G(8), G(1), G(1), G(15), G(20), G(9), 1, 0, 9, 0,
	  WHY_HOME_BY_FREE_MEMORY },
	{ "nothing decides: the lowest id", 4, G(8), G(1), G(1), G(20), G(20), 0, 1, 0, 9, 0,
	  WHY_HOME_BY_LOAD },
	{ "load decides", 4, G(8), G(1), G(1), G(20), G(20), 0, 1, 1, 9, 1, WHY_HOME_BY_LOAD },
	{ "as many vCPUs as the node has CPUs", 8, G(8), G(2), 0, G(20), G(20), 0, 1, 0, 9, 0,
	  WHY_HOME_BY_MEMORY },
	{ "one vCPU more than any node has CPUs", 9, G(8), G(2), 0, G(20), G(20), 0, 1, 0, 9, -1,
	  WHY_WIDER_THAN_NODE },
	{ "as much memory as a node has but for its reserve", 4, G(32) - 256 * 1024, G(2), 0, G(32),
	  G(32), 0, 1, 0, 9, 0, WHY_HOME_BY_MEMORY },
	{ "a KiB more than any node can hold", 4, G(32) - 256 * 1024 + 1, G(2), 0, G(32), G(32), 0,
	  1, 0, 9, -1, WHY_WIDER_THAN_NODE },
	{ "what is missing just fits", 4, G(8), G(2), 0, G(6), 0, 0, 1, 0, 9, 0,
	  WHY_HOME_BY_MEMORY },
	{ "what is missing is a KiB too much", 4, G(8), G(2), 0, G(6) - 1, 0, 0, 1, 0, 9, -1,
	  WHY_NODE_CROWDED },
	{ "what is missing fits into the page cache", 4, G(8), G(2), 0, G(6) - 1, 0, 1, 1, 0, 9, 0,
	  WHY_HOME_BY_MEMORY },
	{ "its node is full: the other one", 4, G(8), G(2), 0, G(6) - 1, G(20), 0, 1, 0, 9, 1,
	  WHY_NODE_CROWDED },
	{ "its demand just fits", 4, G(8), G(2), 0, G(20), G(20), 0, 3, 5, 9, 0,
	  WHY_HOME_BY_MEMORY },
	{ "its demand just does not fit", 4, G(8), G(2), 0, G(20), G(20), 0, 3, 5.001, 9, 1,
	  WHY_NODE_CROWDED },
	{ "demand is never more than its vCPUs", 4, G(8), G(2), 0, G(20), G(20), 0, 1e9, 4, 9, 0,
	  WHY_HOME_BY_MEMORY },
	{ "not measured for long enough: counts in full", 4, G(8), G(2), 0, G(20), G(20), 0, 0.1,
	  4.001, 5, 1, WHY_NODE_CROWDED },
	{ "not measured for long enough, and fits in full", 4, G(8), G(2), 0, G(20), G(20), 0, 0.1,
	  4, 5, 0, WHY_HOME_BY_MEMORY },
	{ "measured for just long enough", 4, G(8), G(2), 0, G(20), G(20), 0, 0.1, 4.001, 6, 0,
	  WHY_HOME_BY_MEMORY },
};

START_TEST(a_guest_without_a_home_gets_the_right_one)
{
	const struct home_row *row = &home_rows[_i];
	struct guest_view *g = fixture_guest(row->demand_cpus);

	g->nsamples = row->nsamples;
	fx.domain[0].vcpus = row->vcpus;
	fx.domain[0].memory_kib = row->memory_kib;
	fixture_memory_on(0, row->on0_kib, row->on1_kib);
	fx.host.node[0].mem_free_kib = row->free0_kib;
	fx.host.node[0].file_kib = row->file0_kib;
	fx.host.node[1].mem_free_kib = row->free1_kib;
	if (row->busy0_cpus > 0)
		resident(0, row->busy0_cpus);
	expect(row->name, step(), row->home, row->home < 0 ? WISH_RELEASE : WISH_SET, row->why);
}
END_TEST

START_TEST(the_pin_is_the_cpus_of_the_node_that_the_guest_may_use)
{
	struct cpumask expected = cpus_of(9, 11);

	fixture_guest(1);
	fixture_memory_on(0, 0, G(2));
	fx.conf.placement.backend = PLACEMENT_LIBVIRT;
	fx.domain[0].vcpus = 3;
	fx.domain[0].has_cpuset = true;
	fx.domain[0].cpuset = cpus_of(0, 11);
	fx.sample[0].cpuset = cpus_of(9, 15);
	for (size_t i = 0; i < fx.sample[0].nthreads; i++)
		fx.thread[0][i].first_allowed = fx.domain[0].cpuset;
	ck_assert_int_eq(step()->home_node, 1);
	ck_assert(cpumask_equal(&step()->cpus, &expected));
	ck_assert_int_eq(step()->backend, PLACEMENT_LIBVIRT);
	fx.domain[0].vcpus = 4;
	ck_assert_int_eq(step()->why, WHY_WIDER_THAN_NODE);
	fx.domain[0].cpuset = cpus_of(0, 12);
	for (size_t i = 0; i < fx.sample[0].nthreads; i++)
		fx.thread[0][i].first_allowed = fx.domain[0].cpuset;
	expect("one CPU more in its envelope", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(a_node_without_cpus_or_without_numbers_is_no_home)
{
	fixture_guest(1);
	fixture_node(5, 0, 0, G(512), G(512));
	fx.sample[0].node_memory_kib[5] = G(8);
	expect("memory only", step(), 0, WISH_SET, WHY_NODE_CROWDED);
	fx.sample[0].node_memory_kib[5] = 0;
	fx.host.node[0].present = false;
	expect("not sampled", step(), 1, WISH_SET, WHY_HOME_BY_FREE_MEMORY);
}
END_TEST

START_TEST(node_ids_may_have_gaps)
{
	fixture_guest(1);
	fixture_node(63, 16, 8, G(32), G(20));
	fx.sample[0].cpuset = fx.topology.usable;
	fixture_threads(0, 4);
	fixture_memory_on(0, 0, 0);
	fx.sample[0].node_memory_kib[63] = G(2);
	expect("node 63", step(), 63, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

/* ---- who must not be touched --------------------------------------------------------- */

static void by_nothing(void)
{
}

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

static void by_no_sample(void)
{
	fx.view.guest[0].present = false;
	memset(&fx.sample[0], 0, sizeof fx.sample[0]);
}

static void by_busy(void)
{
	fx.domain[0].busy = true;
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

static void by_auto(void)
{
	fx.domain[0].placement_auto = true;
}

static void by_realtime(void)
{
	fx.domain[0].realtime = true;
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
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - SECONDS(60) + 1;
}

static void by_released_a_while_ago(void)
{
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - SECONDS(60);
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
	{ "its process cannot be read", by_no_sample, WISH_HOLD, WHY_NOT_SAMPLED },
	{ "migrating", by_busy, WISH_HOLD, WHY_GUEST_BUSY },
	{ "pins in its XML", by_xml_pins, WISH_RELEASE, WHY_PINNED_BY_ADMIN },
	{ "a pinned vCPU", by_vcpu_pin, WISH_RELEASE, WHY_PINNED_BY_ADMIN },
	{ "a pinned iothread", by_iothread_pin, WISH_RELEASE, WHY_PINNED_BY_ADMIN },
	{ "a pinned main thread", by_main_thread_pin, WISH_RELEASE, WHY_PINNED_BY_ADMIN },
	{ "a narrow worker is no pin", by_narrow_worker, WISH_SET, WHY_HOME_BY_MEMORY },
	{ "threads as wide as the cgroup", by_cpuset_of_the_cgroup, WISH_SET, WHY_HOME_BY_MEMORY },
	{ "threads as wide as the envelope", by_envelope, WISH_SET, WHY_HOME_BY_MEMORY },
	{ "threads as wide as what is not isolated", by_isolated_cpus, WISH_SET,
	  WHY_HOME_BY_MEMORY },
	{ "an envelope of CPUs that are not for sharing", by_no_room, WISH_RELEASE,
	  WHY_PINNED_BY_ADMIN },
	{ "placement auto", by_auto, WISH_RELEASE, WHY_PLACEMENT_AUTO },
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

/* ---- a guest that has a home ----------------------------------------------------------- */

static const struct {
	const char *name;
	uint64_t on0_kib, on1_kib, free1_kib, changed_ago_ns;
	double busy1_cpus;
	int home;
	enum why why;
} stays[] = {
	{ "its memory is at home", G(2), 0, G(20), SECONDS(100), 0, 0, WHY_HOME_BY_MEMORY },
	{ "two thirds of it are elsewhere", 1000, 2000, G(20), SECONDS(100), 0, 1,
	  WHY_HOME_BY_MEMORY },
	{ "just less than two thirds are", 1001, 2000, G(20), SECONDS(100), 0, 0, WHY_HOME_KEPT },
	{ "no memory at all", 0, 0, G(20), SECONDS(100), 0, 0, WHY_HOME_KEPT },
	{ "two thirds, just within the cool-down", 1000, 2000, G(20), SECONDS(60) - 1, 0, 0,
	  WHY_COOLING_DOWN },
	{ "two thirds, at the end of the cool-down", 1000, 2000, G(20), SECONDS(60), 0, 1,
	  WHY_HOME_BY_MEMORY },
	{ "the other node is full", 1000, 2000, 0, SECONDS(100), 0, 0, WHY_HOME_KEPT },
	{ "its demand just fits there", 1000, 2000, G(20), SECONDS(100), 7, 1, WHY_HOME_BY_MEMORY },
	{ "its demand just does not fit there", 1000, 2000, G(20), SECONDS(100), 7.001, 0,
	  WHY_HOME_KEPT },
};

START_TEST(a_home_is_kept_unless_the_memory_is_clearly_elsewhere)
{
	fixture_guest(1);
	fixture_pinned(0, 0);
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - stays[_i].changed_ago_ns;
	fixture_memory_on(0, stays[_i].on0_kib, stays[_i].on1_kib);
	fx.host.node[1].mem_free_kib = stays[_i].free1_kib;
	if (stays[_i].busy1_cpus > 0)
		resident(1, stays[_i].busy1_cpus);
	expect(stays[_i].name, step(), stays[_i].home, WISH_SET, stays[_i].why);
}
END_TEST

START_TEST(a_guest_just_seen_does_not_move_but_keeps_its_home)
{
	fixture_guest(1)->nsamples = 5;
	fixture_pinned(0, 0);
	fixture_memory_on(0, 0, G(2));
	expect("5 samples", step(), 0, WISH_SET, WHY_HOME_KEPT);
	fx.view.guest[0].nsamples = 6;
	expect("6 samples", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(a_home_that_no_longer_holds_it_is_left_at_once)
{
	fixture_guest(1);
	fixture_pinned(0, 0);
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns;
	fixture_memory_on(0, G(2), 0);
	fx.domain[0].vcpus = 8;
	expect("holds it", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fx.topology.node[0].cpus = cpus_of(0, 6); /* a CPU went off line */
	expect("holds it no more", step(), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.in_force.guest[0].home_node = KT_NODES_MAX;
	expect("a home that never was", step(), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.in_force.guest[0].home_node = -1;
	expect("no home", step(), 1, WISH_SET, WHY_NODE_CROWDED);
}
END_TEST

START_TEST(a_home_is_no_longer_asked_for_free_memory)
{
	fixture_guest(1);
	fixture_pinned(0, 0);
	fixture_memory_on(0, G(2), 0);
	fx.host.node[0].mem_free_kib = 0;
	expect("full", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

/* ---- crowded homes ------------------------------------------------------------------------ */

START_TEST(a_home_is_crowded_when_a_tenth_more_is_asked_than_it_has)
{
	resident(0, 4.4);
	resident(0, 4.3);
	fx.sample[1].node_memory_kib[0] = G(3);
	(void)step();
	expect("8.7 of 8", plan_of(0), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	expect("8.7 of 8", plan_of(1), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fx.view.guest[1].demand_cpus.value = 4.41;
	(void)step();
	expect("8.81 of 8", plan_of(0), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	expect("8.81 of 8: the one that leaves less", plan_of(1), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.sample[0].node_memory_kib[0] = G(3) - 1;
	(void)step();
	expect("8.81 of 8: the one that leaves less", plan_of(0), 1, WISH_SET, WHY_NODE_CROWDED);
	expect("8.81 of 8", plan_of(1), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(who_finds_no_other_home_is_released)
{
	resident(0, 4.4);
	resident(0, 4.41);
	fx.sample[1].node_memory_kib[0] = G(3);
	resident(1, 3.6);
	(void)step();
	expect("no room", plan_of(1), -1, WISH_RELEASE, WHY_NODE_CROWDED);
	fx.view.guest[2].demand_cpus.value = 3.59;
	(void)step();
	expect("just room", plan_of(1), 1, WISH_SET, WHY_NODE_CROWDED);
}
END_TEST

START_TEST(nobody_leaves_a_crowded_home_who_was_not_measured_or_just_moved)
{
	resident(0, 8);
	resident(0, 8);
	fx.view.guest[0].nsamples = fx.view.guest[1].nsamples = 5;
	(void)step();
	expect("a restart: nobody is measured", plan_of(0), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	expect("a restart: nobody is measured", plan_of(1), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fx.view.guest[0].nsamples = fx.view.guest[1].nsamples = 6;
	fx.sample[0].node_memory_kib[0] = G(3);
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - SECONDS(60) + 1;
	(void)step();
	expect("cooling down", plan_of(0), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	expect("the next one goes", plan_of(1), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.in_force.guest[1].pin_changed_ns = fx.view.now_ns;
	(void)step();
	expect("both cool down", plan_of(1), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fx.in_force.guest[0].pin_changed_ns--;
	(void)step();
	expect("cooled down", plan_of(0), 1, WISH_SET, WHY_NODE_CROWDED);
}
END_TEST

START_TEST(an_idle_guest_brings_no_relief_and_stays)
{
	resident(0, 8);
	resident(0, 8);
	resident(0, 0);
	fx.sample[2].node_memory_kib[0] = G(1);
	(void)step();
	expect("idle", plan_of(2), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

/* Letting go would cost their memory and bring nobody any CPU. */
START_TEST(on_a_host_that_is_too_small_for_its_guests_homes_are_kept)
{
	for (size_t i = 0; i < 2; i++) {
		resident(0, 6);
		resident(1, 6);
	}
	(void)step();
	for (size_t i = 0; i < 4; i++)
		expect("all alike", plan_of(i), (int)(i % 2), WISH_SET, WHY_HOME_BY_MEMORY);
	resident(0, 4); /* 16 and 12 CPUs: a mean of 14 of 8, and a tenth more is 15.4 */
	fx.sample[4].node_memory_kib[0] = G(1);
	(void)step();
	expect("clearly more than the other", plan_of(4), -1, WISH_RELEASE, WHY_NODE_CROWDED);
	fx.view.guest[4].demand_cpus.value = 2;
	(void)step();
	expect("little more than the other", plan_of(4), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

/* ---- what else loads a node ------------------------------------------------------------------ */

START_TEST(load_of_guests_that_are_not_placed_counts_where_they_may_run)
{
	fixture_guest(3.001);
	fixture_memory_on(0, G(2), 0);
	fixture_guest(4);
	fx.domain[1].vcpus = 6;
	fixture_threads(1, 6);
	fx.domain[1].admin_pins = true;
	for (size_t i = 0; i < 8; i++)
		fx.thread[1][i].first_allowed = cpus_of(0, 3);
	fixture_guest(2); /* spread over all: one CPU of each node */
	fx.domain[2].realtime = true;
	expect("5 of 8 CPUs taken", step(), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.view.guest[0].demand_cpus.value = 3;
	expect("just fits", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(load_that_must_run_here_crowds_a_home_and_other_load_does_not)
{
	resident(0, 4.81);
	fixture_guest(4);
	fx.domain[1].admin_pins = true;
	for (size_t i = 1; i < 5; i++)
		fx.thread[1][i].first_allowed = cpus_of(0, 8);
	expect("it can go to CPU 8", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	for (size_t i = 1; i < 5; i++)
		fx.thread[1][i].first_allowed = cpus_of(0, 7);
	expect("it must run here", step(), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.view.guest[0].demand_cpus.value = 4.8;
	expect("just not crowded", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(load_of_a_guest_that_is_held_counts_at_its_home)
{
	fixture_guest(3);
	fixture_memory_on(0, G(2), 0);
	resident(0, 5.1);
	fx.domain[1].busy = true;
	expect("held at home", step(), 1, WISH_SET, WHY_NODE_CROWDED);
	fx.in_force.guest[1].home_node = 1;
	expect("held elsewhere", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(young_guests_claim_all_their_memory)
{
	for (size_t i = 0; i < 4; i++) {
		fixture_guest(0.1)->nsamples = 1;
		fx.domain[i].vcpus = 1;
		fixture_memory_on(i, 0, 0);
	}
	fx.host.node[0].mem_free_kib = G(16);
	fx.host.node[1].mem_free_kib = G(8) - 1;
	(void)step();
	expect("the first", plan_of(0), 0, WISH_SET, WHY_HOME_BY_FREE_MEMORY);
	expect("the second", plan_of(1), 0, WISH_SET, WHY_HOME_BY_FREE_MEMORY);
	expect("the third", plan_of(2), -1, WISH_RELEASE, WHY_NODE_CROWDED);
	fx.view.guest[0].nsamples = 6;
	(void)step();
	expect("the first has grown up", plan_of(2), 0, WISH_SET, WHY_HOME_BY_FREE_MEMORY);
}
END_TEST

START_TEST(a_crowd_that_starts_at_once_is_spread)
{
	for (size_t i = 0; i < 8; i++) {
		fixture_guest(0)->nsamples = 1;
		fx.domain[i].vcpus = 2;
		fx.domain[i].memory_kib = G(1);
		fixture_memory_on(i, 0, 0);
	}
	(void)step();
	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(plan_of(i)->home_node, i % 2);
	fixture_guest(0)->nsamples = 1;
	fixture_memory_on(8, 0, 0);
	(void)step();
	expect("no CPU is left", plan_of(8), -1, WISH_RELEASE, WHY_NODE_CROWDED);
}
END_TEST

/* ---- any input ------------------------------------------------------------------------------- */

static void randomize(uint64_t *seed)
{
	size_t nguests = 1 + fixture_below(seed, FIXTURE_GUESTS - 1);

	fixture_reset();
	for (unsigned int n = 2; n < 2 + fixture_below(seed, 4); n++)
		fixture_node(7 * n, 8 * n, (unsigned int)fixture_below(seed, 9), fixture_any(seed),
			     fixture_any(seed));
	for (size_t i = 0; i < nguests; i++) {
		struct guest_view *g = fixture_guest((double)fixture_below(seed, 1000) / 100);

		fx.domain[i].vcpus = 1 + (unsigned int)fixture_below(seed, 9);
		fx.domain[i].memory_kib = fixture_any(seed) >> fixture_below(seed, 40);
		fx.domain[i].busy = !fixture_below(seed, 8);
		fx.domain[i].admin_pins = !fixture_below(seed, 8);
		for (size_t n = 0; n < KT_NODES_MAX; n += 7)
			fx.sample[i].node_memory_kib[n] =
				fixture_any(seed) >> fixture_below(seed, 60);
		fx.view.guest[i].nsamples = (unsigned int)fixture_below(seed, 12);
		g->present = fixture_below(seed, 16);
		if (!fixture_below(seed, 16))
			g->demand_cpus.value = __builtin_nan("");
		if (fixture_below(seed, 2))
			fixture_pinned(i, (int)fixture_below(seed, KT_NODES_MAX));
		if (fixture_below(seed, 2))
			fx.in_force.guest[i].home_node = (int)fixture_below(seed, 2);
		fx.in_force.guest[i].pin_changed_ns = fixture_any(seed);
	}
}

static double claim_of(size_t i)
{
	const struct guest_view *g = &fx.view.guest[i];
	double vcpus = fx.domain[i].vcpus, cpus = g->demand_cpus.value;

	if (g->nsamples < 6)
		return vcpus;
	return !(cpus > 0) ? 0 : cpus > vcpus ? vcpus : cpus;
}

static bool is_new_home(size_t i)
{
	const struct guest_in_force *f = &fx.in_force.guest[i];

	return plan_of(i)->wish == WISH_SET &&
	       !(f->pinned && f->home_node == plan_of(i)->home_node);
}

static void check_limits(int seed, int round)
{
	double claimed[KT_NODES_MAX] = { 0 };

	for (size_t i = 0; i < fx.view.nslots; i++) {
		const struct placement_plan *p = plan_of(i);
		struct cpumask outside;

		ck_assert_msg(p->why != WHY_NONE, "seed %d, round %d: no reason", seed, round);
		if (p->wish != WISH_SET) {
			ck_assert_msg(p->home_node == -1, "seed %d, round %d", seed, round);
			continue;
		}
		outside = cpumask_andnot(&p->cpus, &fx.topology.node[p->home_node].cpus);
		ck_assert_msg(cpumask_empty(&outside), "seed %d, round %d: CPUs of others", seed,
			      round);
		ck_assert_msg(cpumask_count(&p->cpus) >= fx.domain[i].vcpus, "seed %d, round %d",
			      seed, round);
		ck_assert_msg(!fx.domain[i].busy && !fx.domain[i].admin_pins &&
				      fx.view.guest[i].present,
			      "seed %d, round %d: hands off", seed, round);
		claimed[p->home_node] += claim_of(i);
	}
	for (size_t i = 0; i < fx.view.nslots; i++)
		if (is_new_home(i))
			ck_assert_msg(
				claimed[plan_of(i)->home_node] <=
					cpumask_count(
						&fx.topology.node[plan_of(i)->home_node].cpus) +
						1e-6,
				"seed %d, round %d: a new guest on a crowded node", seed, round);
}

START_TEST(any_host_gives_a_plan_within_limits)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)_i;

	for (int i = 0; i < 1000; i++) {
		randomize(&seed);
		(void)step();
		check_limits(_i, i);
	}
}
END_TEST

/* What the plan asked for is in force: the next plan is the same. */
START_TEST(a_plan_that_was_carried_out_is_repeated)
{
	uint64_t seed = UINT64_C(0x2545f4914f6cdd1d) * (uint64_t)_i;
	static struct plan first;

	for (int i = 0; i < 1000; i++) {
		randomize(&seed);
		(void)step();
		first = fx.plan;
		for (size_t g = 0; g < fx.view.nslots; g++) {
			struct guest_in_force *f = &fx.in_force.guest[g];
			const struct placement_plan *p = plan_of(g);

			if (p->wish == WISH_HOLD)
				continue;
			if (f->pinned != (p->wish == WISH_SET) || f->home_node != p->home_node)
				f->pin_changed_ns = fx.view.now_ns;
			f->pinned = p->wish == WISH_SET;
			f->home_node = p->home_node;
		}
		(void)step();
		for (size_t g = 0; g < fx.view.nslots; g++) {
			const struct placement_plan *p = &first.guest[g].placement;

			/* Homes made free by the first plan may be filled by the second. */
			if (p->wish == WISH_SET)
				ck_assert_msg(plan_of(g)->home_node == p->home_node,
					      "seed %d, round %d, guest %zu: node %d, then %d", _i,
					      i, g, p->home_node, plan_of(g)->home_node);
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_policy");
	TCase *c = tcase_create("homes"), *p = tcase_create("any_input");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_loop_test(c, a_guest_without_a_home_gets_the_right_one, 0,
			    (int)KT_ARRAY_LEN(home_rows));
	tcase_add_test(c, the_pin_is_the_cpus_of_the_node_that_the_guest_may_use);
	tcase_add_test(c, a_node_without_cpus_or_without_numbers_is_no_home);
	tcase_add_test(c, node_ids_may_have_gaps);
	tcase_add_loop_test(c, who_must_not_be_touched_is_not, 0, (int)KT_ARRAY_LEN(refusals));
	tcase_add_test(c, after_a_crash_our_own_pins_are_not_the_admins);
	tcase_add_loop_test(c, a_home_is_kept_unless_the_memory_is_clearly_elsewhere, 0,
			    (int)KT_ARRAY_LEN(stays));
	tcase_add_test(c, a_guest_just_seen_does_not_move_but_keeps_its_home);
	tcase_add_test(c, a_home_that_no_longer_holds_it_is_left_at_once);
	tcase_add_test(c, a_home_is_no_longer_asked_for_free_memory);
	tcase_add_test(c, a_home_is_crowded_when_a_tenth_more_is_asked_than_it_has);
	tcase_add_test(c, who_finds_no_other_home_is_released);
	tcase_add_test(c, nobody_leaves_a_crowded_home_who_was_not_measured_or_just_moved);
	tcase_add_test(c, an_idle_guest_brings_no_relief_and_stays);
	tcase_add_test(c, on_a_host_that_is_too_small_for_its_guests_homes_are_kept);
	tcase_add_test(c, load_of_guests_that_are_not_placed_counts_where_they_may_run);
	tcase_add_test(c, load_that_must_run_here_crowds_a_home_and_other_load_does_not);
	tcase_add_test(c, load_of_a_guest_that_is_held_counts_at_its_home);
	tcase_add_test(c, young_guests_claim_all_their_memory);
	tcase_add_test(c, a_crowd_that_starts_at_once_is_spread);
	tcase_add_loop_test(p, any_host_gives_a_plan_within_limits, 1, 6);
	tcase_add_loop_test(p, a_plan_that_was_carried_out_is_repeated, 1, 6);
	suite_add_tcase(s, c);
	suite_add_tcase(s, p);
	return kt_run(s);
}
