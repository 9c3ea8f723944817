/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what a guest wants, and what a node has left, measured without bias? */
#include "demand.h"
#include "model_fixture.h"

static struct demand d;

static double weight_of(double dt_s, double tau_s)
{
	return 1 - exp(-dt_s / tau_s);
}

/* ---- the means ------------------------------------------------------------------------ */

START_TEST(the_first_tick_is_the_mean_and_has_no_variance)
{
	demand_add(&d, 4, 5);
	ck_assert(near(d.fast, 4) && near(d.slow, 4));
	ck_assert(near(d.variance, 0) && near(d.age_s, 5));
}
END_TEST

START_TEST(a_young_guest_has_plain_means)
{
	demand_add(&d, 4, 5);
	demand_add(&d, 0, 5);
	ck_assert(near(d.slow, 2));
	ck_assert(near(d.variance, 8)); /* half of 4 * 4 */
	demand_add(&d, 5, 5);
	ck_assert(near(d.slow, 3));
	ck_assert(near(d.variance, 8 + (9 - 8) / 3.0));
}
END_TEST

START_TEST(an_old_guest_forgets_by_the_time_that_passed)
{
	for (int n = 0; n < 1000; n++)
		demand_add(&d, 2, 5);
	ck_assert(near(d.fast, 2) && near(d.slow, 2) && near(d.variance, 0));
	demand_add(&d, 10, 5);
	ck_assert(near(d.fast, 2 + 8 * weight_of(5, 5)));
	ck_assert(near(d.slow, 2 + 8 * weight_of(5, 180)));
	ck_assert(near(d.variance, 64 * weight_of(5, 180)));
}
END_TEST

/* The same load, looked at every second or every 15: the same means. */
START_TEST(how_often_it_is_looked_at_does_not_matter)
{
	struct demand often = { 0 }, seldom = { 0 };

	for (int n = 0; n < 600; n++)
		demand_add(&often, n < 585 ? 1 : 3, 1);
	for (int n = 0; n < 40; n++)
		demand_add(&seldom, n < 39 ? 1 : 3, 15);
	ck_assert_msg(fabs(often.fast - seldom.fast) < 1e-9, "%f %f", often.fast, seldom.fast);
	ck_assert_msg(fabs(often.slow - seldom.slow) < 1e-9, "%f %f", often.slow, seldom.slow);
	ck_assert(near(often.age_s, seldom.age_s));
}
END_TEST

START_TEST(no_time_is_no_sample)
{
	demand_add(&d, 4, 0);
	demand_add(&d, 4, -1);
	ck_assert(near(d.age_s, 0) && near(d.fast, 0));
}
END_TEST

/* ---- what they are fed with --------------------------------------------------------------- */

static struct guest_view *g;

static void guest_setup(void)
{
	setup();
	g = &v->guest[0];
	update_at(SECONDS(10));
}

static void run(double vcpu_s, double delay_s, double all_s)
{
	thread[1].run_ns_total += (uint64_t)(vcpu_s * 1e9);
	thread[2].delay_ns_total += (uint64_t)(delay_s * 1e9);
	sample.guest[0].cpu_hz_total += (uint64_t)(all_s * 100);
}

START_TEST(other_threads_count_with_what_they_ran)
{
	run(5, 2.5, 7.5); /* of which half a CPU is the emulator's */
	update_at(SECONDS(15));
	ck_assert(near(g->run_cpus, 1.5) && near(g->delay_cpus, 0.5));
	ck_assert(near(g->demand.fast, 2) && near(g->demand.slow, 2));
	ck_assert(near(g->demand_cpus.value, 1.5)); /* vCPUs only */
	ck_assert(near(g->demand.age_s, 5));
}
END_TEST

START_TEST(a_guest_whose_vcpus_cannot_be_read_wants_what_its_process_runs)
{
	sample.guest[0].lacks_vcpu_times = true;
	run(0, 0, 4);
	update_at(SECONDS(15));
	ck_assert(near(g->demand_cpus.value, 0.8) && near(g->run_cpus, 0.8));
	sample.guest[0].lacks_vcpu_times = false;
}
END_TEST

START_TEST(a_process_that_seems_to_run_less_than_its_vcpus_has_no_others)
{
	run(5, 0, 4.9);
	update_at(SECONDS(15));
	ck_assert(near(g->run_cpus, 1) && near(g->demand.fast, 1));
}
END_TEST

START_TEST(looks_within_a_second_are_one)
{
	run(5, 5, 5);
	update_at(SECONDS(15));
	run(0.5, 0.5, 0.5);
	update_at(SECONDS(15) + KT_NS_PER_S / 2);
	ck_assert(near(g->demand.age_s, 5) && near(g->demand.fast, 2));
	ck_assert(near(g->run_cpus, 1) && near(g->delay_cpus, 1)); /* those of before */
	run(0.5, 0.5, 0.5);
	update_at(SECONDS(16));
	ck_assert(near(g->demand.age_s, 6) && near(g->demand.fast, 2));
}
END_TEST

/* Of counters that cannot have come so far. */
static const struct {
	const char *name;
	double vcpu_s, delay_s, all_s;
	bool of_vcpus;
} implausible[] = {
	{ "vCPUs ran", 1e9, 0, 5, true },
	{ "vCPUs waited", 5, 1e9, 5, true },
	{ "just past what two vCPUs can run", 20.1, 0, 5, true },
	{ "just past what they can have waited since they were seen", 5, 40.1, 5, true },
	{ "the process ran", 5, 0, 1e9, false },
	{ "just past what four CPUs can run", 5, 0, 40.1, false },
};

START_TEST(what_nobody_can_have_run_is_no_demand)
{
	for (unsigned int cpu = 0; cpu < 4; cpu++)
		cpumask_set(&topology.online, cpu);
	run(5, 0, 5);
	update_at(SECONDS(15));
	run(implausible[_i].vcpu_s, implausible[_i].delay_s, implausible[_i].all_s);
	update_at(SECONDS(20));
	ck_assert_msg(near(g->run_cpus, 1) && near(g->delay_cpus, 0), "%s", implausible[_i].name);
	ck_assert(near(g->demand.fast, 1) && near(g->demand.slow, 1));
	ck_assert(near(g->demand_cpus.value, 1) && near(v->vcpu_delay_cpus, 0));
	ck_assert(near(g->demand.age_s, implausible[_i].of_vcpus ? 5 : 10));
	run(5, 0, 5); /* and goes on from there */
	update_at(SECONDS(25));
	ck_assert(near(g->run_cpus, 1) && near(g->demand.fast, 1));
	ck_assert(near(g->demand.age_s, implausible[_i].of_vcpus ? 10 : 15));
}
END_TEST

START_TEST(a_late_look_counts_as_it_is)
{
	run(5, 0, 5);
	update_at(SECONDS(15));
	run(15, 15, 15); /* 3 of 2 vCPUs: the look before came early */
	update_at(SECONDS(20));
	ck_assert(near(g->run_cpus, 3) && near(g->delay_cpus, 3));
}
END_TEST

/* libvirt's facts, by which they come. */
static void set_facts(unsigned int vcpus, bool cpu_quota)
{
	struct domain facts = ds->slot[0].domain;

	facts.vcpus = vcpus;
	facts.cpu_quota = cpu_quota;
	ck_assert_int_ge(domains_put(ds, &facts), 0);
}

/* libvirt hangs: it is a guest of one to it. */
START_TEST(plugged_vcpus_count_before_libvirt_tells_of_them)
{
	struct guest_thread vcpu[4];

	for (size_t i = 0; i < KT_ARRAY_LEN(vcpu); i++)
		vcpu[i] = (struct guest_thread){ .role = THREAD_VCPU };
	set_facts(1, false);
	sample.guest[0].threads = vcpu;
	for (unsigned int tick = 3; tick <= 6; tick++) {
		for (size_t i = 0; i < KT_ARRAY_LEN(vcpu); i++)
			vcpu[i].run_ns_total += SECONDS(5);
		sample.guest[0].cpu_hz_total += 2000;
		update_at(SECONDS(5 * tick));
	}
	ck_assert_msg(near(g->run_cpus, 4) && near(g->demand.slow, 4), "%f", g->run_cpus);
	ck_assert(near(g->demand_cpus.value, 4));
}
END_TEST

/* It is told when it ends, and then it is longer than the time between two looks. */
START_TEST(a_long_wait_is_a_wait_of_all_that_time)
{
	set_facts(1, false);
	thread[2].role = THREAD_EMULATOR;
	thread[1].delay_ns_total = SECONDS(1);
	update_at(SECONDS(15));
	thread[1].delay_ns_total += SECONDS(12);
	update_at(SECONDS(20));
	ck_assert_msg(near(g->delay_cpus, 1), "%f", g->delay_cpus);
	ck_assert(near(g->demand_cpus.value, (0.2 + 1) / 2) && near(v->guest_delay_cpus, 1));
	thread[1].run_ns_total += SECONDS(5);
	update_at(SECONDS(25));
	ck_assert(near(g->delay_cpus, 0) && near(g->run_cpus, 1));
}
END_TEST

START_TEST(a_guest_with_a_quota_wants_what_it_gets)
{
	set_facts(2, true);
	run(1.25, 4, 2.5);
	update_at(SECONDS(15));
	ck_assert(near(g->run_cpus, 0.5) && near(g->delay_cpus, 0));
	ck_assert(near(g->demand.fast, 0.5) && near(g->demand_cpus.value, 0.25));
	ck_assert(near(g->steal_share.value, 0));
	ck_assert(near(v->guest_delay_cpus, 0));

	set_facts(2, false); /* what it waited until now is no demand of now */
	run(1.25, 1, 1.25);
	update_at(SECONDS(20));
	ck_assert(near(g->delay_cpus, 0.2) && near(v->guest_delay_cpus, 0.2));
	ck_assert(near(g->demand.slow, (0.5 + 0.45) / 2));
	ck_assert(g->steal_share.value > 0);
}
END_TEST

START_TEST(an_unplugged_vcpu_says_nothing_about_demand)
{
	run(5, 5, 5);
	update_at(SECONDS(15));
	thread[1].run_ns_total = 0;
	run(0, 0, 5);
	update_at(SECONDS(20));
	ck_assert(near(g->demand.age_s, 5) && near(g->demand.fast, 2));
	run(5, 5, 5);
	update_at(SECONDS(25));
	ck_assert(near(g->demand.age_s, 10) && near(g->demand.slow, 2));
}
END_TEST

START_TEST(a_process_time_that_fell_leaves_the_vcpus)
{
	run(5, 0, 10);
	update_at(SECONDS(15));
	ck_assert(near(g->run_cpus, 2));
	run(5, 0, 0);
	sample.guest[0].cpu_hz_total = 1;
	update_at(SECONDS(20));
	ck_assert(near(g->run_cpus, 1) && near(g->demand.slow, 1.5));
}
END_TEST

START_TEST(another_guest_in_the_slot_begins_anew)
{
	run(5, 5, 5);
	update_at(SECONDS(15));
	put_guest(1, 2);
	run(50, 50, 50);
	update_at(SECONDS(20));
	ck_assert(near(g->demand.age_s, 0) && near(g->demand.fast, 0) && near(g->run_cpus, 0));
}
END_TEST

START_TEST(a_guest_that_is_not_read_runs_nothing)
{
	run(5, 5, 5);
	update_at(SECONDS(15));
	sample.guest[0].present = false;
	update_at(SECONDS(20));
	ck_assert(near(g->run_cpus, 0) && near(g->delay_cpus, 0) && near(g->demand.slow, 2));
}
END_TEST

/* ---- nodes ------------------------------------------------------------------------------- */

static void node_setup(void)
{
	setup();
	memset(&topology, 0, sizeof topology);
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		cpumask_set(&topology.node[cpu < 2 ? 0 : 8].cpus, cpu);
		sample.host.idle_hz_of_cpu[cpu] = 1000000; /* since the boot */
	}
	sample.host.idle_hz_of_cpu[4] = 1000000;
	topology.node[0].present = topology.node[8].present = true;
	update_at(SECONDS(10));
}

static void idle(unsigned int cpu, uint64_t hz)
{
	sample.host.idle_hz_of_cpu[cpu] += hz;
}

START_TEST(a_node_is_busy_with_what_its_cpus_did_not_idle)
{
	ck_assert(near(v->node_busy_cpus[0], 0) && near(v->node_busy_cpus[8], 0));
	idle(0, 500);
	idle(1, 250);
	update_at(SECONDS(15));
	ck_assert(near(v->node_busy_cpus[0], 0.5));
	ck_assert(near(v->node_busy_cpus[8], 2));
	ck_assert(near(v->node_busy_cpus[1], 0)); /* not there */
}
END_TEST

START_TEST(more_idle_than_time_is_idle)
{
	for (unsigned int cpu = 0; cpu < 4; cpu++)
		idle(cpu, 503);
	update_at(SECONDS(15));
	ck_assert(near(v->node_busy_cpus[0], 0) && near(v->node_busy_cpus[8], 0));
}
END_TEST

START_TEST(other_cpus_or_a_fall_leave_what_was_known)
{
	idle(0, 250);
	idle(1, 500);
	update_at(SECONDS(15));
	cpumask_set(&topology.node[0].cpus, 4); /* brings 10,000 s of its past */
	update_at(SECONDS(20));
	ck_assert(near(v->node_busy_cpus[0], 0.5));
	idle(0, 500);
	idle(1, 500);
	update_at(SECONDS(25));
	ck_assert(near(v->node_busy_cpus[0], 1));
	sample.host.idle_hz_of_cpu[4]--;
	update_at(SECONDS(30));
	ck_assert(near(v->node_busy_cpus[0], 1));
	update_at(SECONDS(35));
	ck_assert(near(v->node_busy_cpus[0], 3));
}
END_TEST

START_TEST(a_host_that_does_not_tell_has_no_busy_node)
{
	memset(sample.host.idle_hz_of_cpu, 0, sizeof sample.host.idle_hz_of_cpu);
	memset(v, 0, sizeof *v);
	update_at(SECONDS(15));
	update_at(SECONDS(20));
	ck_assert(near(v->node_busy_cpus[0], 0));
}
END_TEST

START_TEST(cpus_that_left_are_not_busy)
{
	update_at(SECONDS(15));
	ck_assert(near(v->node_busy_cpus[8], 2));
	memset(&topology.node[8], 0, sizeof topology.node[8]);
	update_at(SECONDS(20));
	ck_assert(near(v->node_busy_cpus[8], 0));
}
END_TEST

static uint64_t random_u64(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return *seed >> (*seed >> 58);
}

START_TEST(any_numbers_give_finite_demand)
{
	uint64_t seed = (uint64_t)_i;

	for (int n = 0; n < 5000; n++) {
		sample.guest[0].present = random_u64(&seed) & 3;
		sample.guest[0].cpu_hz_total = random_u64(&seed);
		thread[1].run_ns_total = random_u64(&seed);
		thread[2].delay_ns_total = random_u64(&seed);
		sample.host.idle_hz_of_cpu[random_u64(&seed) % 4] = random_u64(&seed);
		topology.node[0].cpus.word[0] = random_u64(&seed) & 0xf;
		update_at(random_u64(&seed));
		ck_assert_msg(isfinite(v->guest[0].demand.fast) && v->guest[0].demand.fast >= 0,
			      "seed %d", _i);
		ck_assert_msg(isfinite(v->guest[0].demand.slow) && v->guest[0].demand.slow >= 0,
			      "seed %d", _i);
		ck_assert_msg(isfinite(v->guest[0].demand.variance) &&
				      v->guest[0].demand.variance >= 0,
			      "seed %d", _i);
		ck_assert_msg(v->guest[0].run_cpus >= 0 && v->guest[0].delay_cpus >= 0, "seed %d",
			      _i);
		ck_assert_msg(v->node_busy_cpus[0] >= 0 &&
				      v->node_busy_cpus[0] <= cpumask_count(&topology.node[0].cpus),
			      "seed %d", _i);
	}
}
END_TEST

static void mean_setup(void)
{
	d = (struct demand){ 0 };
}

int main(void)
{
	Suite *s = suite_create("model_demand");
	TCase *means = tcase_create("means"), *fed = tcase_create("guest"),
	      *nodes = tcase_create("nodes");

	tcase_add_checked_fixture(means, mean_setup, NULL);
	tcase_add_test(means, the_first_tick_is_the_mean_and_has_no_variance);
	tcase_add_test(means, a_young_guest_has_plain_means);
	tcase_add_test(means, an_old_guest_forgets_by_the_time_that_passed);
	tcase_add_test(means, how_often_it_is_looked_at_does_not_matter);
	tcase_add_test(means, no_time_is_no_sample);
	suite_add_tcase(s, means);
	tcase_add_checked_fixture(fed, guest_setup, teardown);
	tcase_add_test(fed, other_threads_count_with_what_they_ran);
	tcase_add_test(fed, a_guest_whose_vcpus_cannot_be_read_wants_what_its_process_runs);
	tcase_add_test(fed, a_process_that_seems_to_run_less_than_its_vcpus_has_no_others);
	tcase_add_loop_test(fed, what_nobody_can_have_run_is_no_demand, 0,
			    (int)KT_ARRAY_LEN(implausible));
	tcase_add_test(fed, a_late_look_counts_as_it_is);
	tcase_add_test(fed, plugged_vcpus_count_before_libvirt_tells_of_them);
	tcase_add_test(fed, a_long_wait_is_a_wait_of_all_that_time);
	tcase_add_test(fed, looks_within_a_second_are_one);
	tcase_add_test(fed, a_guest_with_a_quota_wants_what_it_gets);
	tcase_add_test(fed, an_unplugged_vcpu_says_nothing_about_demand);
	tcase_add_test(fed, a_process_time_that_fell_leaves_the_vcpus);
	tcase_add_test(fed, another_guest_in_the_slot_begins_anew);
	tcase_add_test(fed, a_guest_that_is_not_read_runs_nothing);
	suite_add_tcase(s, fed);
	tcase_add_checked_fixture(nodes, node_setup, teardown);
	tcase_add_test(nodes, a_node_is_busy_with_what_its_cpus_did_not_idle);
	tcase_add_test(nodes, more_idle_than_time_is_idle);
	tcase_add_test(nodes, other_cpus_or_a_fall_leave_what_was_known);
	tcase_add_test(nodes, a_host_that_does_not_tell_has_no_busy_node);
	tcase_add_test(nodes, cpus_that_left_are_not_busy);
	tcase_add_loop_test(nodes, any_numbers_give_finite_demand, 1, 4);
	suite_add_tcase(s, nodes);
	return kt_run(s);
}
