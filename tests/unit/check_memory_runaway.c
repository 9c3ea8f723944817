/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is QEMU's own memory watched by a bound that can be explained, and limited only if asked? */
#include "memory_fixture.h"

/* Of a guest of 8 GiB with 4 vCPUs and an I/O thread: 256 MiB, a 512th, 8 MiB a thread. */
enum { BOUND = (256 + 16 + 5 * 8) * 1024, G8 = 8 * 1024 * 1024, G1 = 1024 * 1024 };

static void overhead(uint64_t kib)
{
	uses(0, G8 + kib);
}

/* A calm host: the guard does not ask for its need. */
static void setup(void)
{
	short_of_memory();
	given.host = (struct memory_host_plan){ 0 };
	fx.conf.memory.runaway = RUNAWAY_LIMIT;
	overhead(BOUND + 1);
}

static void by_thread(void)
{
	fx.thread[0][4].role = THREAD_IOTHREAD; /* that was a vCPU's */
}

static void by_vcpu(void)
{
	fx.domain[0].vcpus++;
}

static void by_conf(void)
{
	fx.conf.memory.overhead_mib++;
}

static void by_memory(void)
{
	fx.domain[0].memory_kib -= 512;
}

static void by_vfio(void)
{
	fx.domain[0].vfio = true;
}

static void by_tcg(void)
{
	fx.domain[0].emulated = true;
}

static const struct {
	const char *name;
	void (*given)(void);
	int64_t more_kib;
} bounds[] = {
	{ "as it is", by_nothing, 0 },
	{ "another I/O thread", by_thread, 8 * 1024 },
	{ "a vCPU more", by_vcpu, 8 * 1024 },
	{ "a MiB more is allowed", by_conf, 1024 },
	{ "memory that is smaller", by_memory, -1 },
	{ "passthrough", by_vfio, G1 },
	{ "TCG", by_tcg, G1 },
};

START_TEST(the_bound_is_the_sum_of_what_can_be_said)
{
	bounds[_i].given();
	(void)step();
	ck_assert_msg(plan_of(0)->overhead_bound_kib == (uint64_t)(BOUND + bounds[_i].more_kib),
		      "%s: %lu KiB", bounds[_i].name,
		      (unsigned long)plan_of(0)->overhead_bound_kib);
}
END_TEST

START_TEST(all_that_is_not_page_cache_is_overhead)
{
	fx.sample[0].anon_kib = G8 - 1000;
	fx.sample[0].shmem_kib = 2000;
	fx.sample[0].swap_kib = 3000;
	fx.sample[0].file_kib = G8;
	(void)step();
	ck_assert_uint_eq(plan_of(0)->overhead_kib, 4000);
	fx.sample[0].anon_kib = G1;
	(void)step();
	ck_assert_uint_eq(plan_of(0)->overhead_kib, 0);
	ck_assert(!plan_of(0)->runaway);
}
END_TEST

START_TEST(it_is_over_when_it_is_well_below_the_bound)
{
	overhead(BOUND);
	(void)step();
	ck_assert(!plan_of(0)->runaway);
	overhead(BOUND + 1);
	(void)step();
	ck_assert(plan_of(0)->runaway);
	overhead(BOUND * UINT64_C(9) / 10 + 1);
	(void)step();
	ck_assert(plan_of(0)->runaway);
	overhead(BOUND * UINT64_C(9) / 10);
	(void)step();
	ck_assert(!plan_of(0)->runaway);
	overhead(BOUND);
	(void)step();
	ck_assert(!plan_of(0)->runaway);
}
END_TEST

/* ---- off, warn, limit ------------------------------------------------------------------ */

START_TEST(off_is_off)
{
	(void)step();
	fx.conf.memory.runaway = RUNAWAY_OFF;
	(void)step();
	ck_assert(!plan_of(0)->runaway && plan_of(0)->overhead_bound_kib == 0);
	fx.conf.memory.runaway = RUNAWAY_WARN;
	overhead(BOUND);
	(void)step();
	ck_assert(!plan_of(0)->runaway); /* forgotten */
}
END_TEST

START_TEST(a_warning_changes_nothing)
{
	fx.conf.memory.runaway = RUNAWAY_WARN;
	expect("warn", step(), WISH_RELEASE, WHY_HOST_CALM);
	ck_assert(plan_of(0)->runaway);
	ck_assert_uint_eq(plan_of(0)->overhead_bound_kib, BOUND);
	ck_assert_uint_eq(plan_of(0)->overhead_kib, BOUND + 1);
}
END_TEST

START_TEST(a_limit_is_where_usage_is_and_stays_there)
{
	uint64_t limit_kib = (G8 + BOUND + 1 + 63) / 64 * UINT64_C(64);

	fx.sample[0].cgroup_v2 = true;
	expect("limit", step(), WISH_SET, WHY_RUNAWAY);
	expect_target("limit", plan_of(0), MEMORY_SOFT_LIMIT, limit_kib);
	ck_assert(!fx.plan.memory.squeezing);
	limit_in_force(0, limit_kib);
	overhead(BOUND + 5000);
	expect_target("it grows on", step(), MEMORY_SOFT_LIMIT, limit_kib);
	ck_assert_int_eq(plan_of(0)->why, WHY_RUNAWAY);
	ck_assert(!fx.plan.memory.squeezing);
	overhead(0);
	expect("it is over", step(), WISH_RELEASE, WHY_HOST_CALM);
}
END_TEST

START_TEST(no_limit_is_below_what_guest_and_qemu_may_use)
{
	uint64_t limit_kib = G8 + BOUND;

	fx.sample[0].usage_kib = G8; /* the rest is swapped out */
	expect_target("swapped out", step(), MEMORY_SOFT_LIMIT, limit_kib);
	limit_in_force(0, G8);
	expect_target("a limit of a squeeze", step(), MEMORY_SOFT_LIMIT, limit_kib);
}
END_TEST

START_TEST(a_squeeze_goes_before)
{
	given.host = (struct memory_host_plan){ 0.9, 0.9, G8, false, 0 };
	expect("by limit", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert(plan_of(0)->runaway);
	limit_in_force(0, G8);
	expect_target("between steps", step_after_s(1), MEMORY_SOFT_LIMIT, G8);
	ck_assert_int_eq(plan_of(0)->why, WHY_COOLING_DOWN);
}
END_TEST

/* ---- never ------------------------------------------------------------------------------- */

static void by_mode(void)
{
	fx.conf.memory.mode = LOOP_OFF;
}

static void by_wish(void)
{
	fx.domain[0].wish.memory = GUEST_SWITCH_OFF;
}

static void by_no_cgroup(void)
{
	fx.sample[0].has_cgroup = false;
}

static void by_ceded(void)
{
	fx.in_force.guest[0].limit_ceded = true;
}

static void by_actuator(void)
{
	by_reclaim();
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

static void by_device(void)
{
	by_vfio();
	overhead(BOUND + G1 + 1);
}

static void by_pause(void)
{
	fx.domain[0].running = false;
}

static void by_no_swap_on_v2(void)
{
	fx.sample[0].cgroup_v2 = true;
	fx.host.swap_total_kib = 0;
}

static void by_swap_max_on_v2(void)
{
	fx.sample[0].cgroup_v2 = true;
	fx.sample[0].swap_max_kib = fx.sample[0].swap_kib;
}

static void by_no_swap_on_v1(void)
{
	fx.host.swap_total_kib = 0;
}

static void by_stalls(void)
{
	fx.view.guest[0].psi_memory_pct = 50;
}

static void by_no_means(void)
{
	fx.conf.memory.backend = MEMORY_BACKEND_RECLAIM;
}

static const struct {
	const char *name;
	void (*given)(void);
	bool watched, limited;
} never[] = {
	{ "nothing in the way", by_nothing, true, true },
	{ "the loop is off", by_mode, false, false },
	{ "the guest opted out", by_wish, false, false },
	{ "the loop is paused", by_paused_loops, true, false },
	{ "the guest is paused by the operator", by_operator_pause, true, false },
	{ "the guest is released", by_operator_release, true, false },
	{ "its process cannot be read", by_no_sample, false, false },
	{ "no cgroup", by_no_cgroup, false, false },
	{ "ceded", by_ceded, true, false },
	{ "libvirt refused", by_actuator, true, false },
	{ "migrating", by_busy, true, false },
	{ "limits of the admin", by_memtune, true, false },
	{ "hugepages", by_hugepages, true, false },
	{ "passthrough", by_device, true, false },
	{ "realtime", by_realtime, true, false },
	{ "paused", by_pause, true, false },
	{ "would freeze", by_no_swap_on_v2, true, false },
	{ "would freeze, for it may not swap", by_swap_max_on_v2, true, false },
	{ "would not freeze", by_no_swap_on_v1, true, true },
	{ "stalls: that was asked for", by_stalls, true, true },
	{ "no limits to reclaim by: that was asked for", by_no_means, true, true },
};

START_TEST(who_must_not_be_limited_is_only_told_of)
{
	never[_i].given();
	(void)step();
	ck_assert_msg(plan_of(0)->runaway == never[_i].watched, "%s: watched", never[_i].name);
	ck_assert_msg((plan_of(0)->wish == WISH_SET) == never[_i].limited, "%s: %s", never[_i].name,
		      why_str(plan_of(0)->why));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("memory_runaway");
	TCase *c = tcase_create("guard");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_loop_test(c, the_bound_is_the_sum_of_what_can_be_said, 0,
			    (int)KT_ARRAY_LEN(bounds));
	tcase_add_test(c, all_that_is_not_page_cache_is_overhead);
	tcase_add_test(c, it_is_over_when_it_is_well_below_the_bound);
	tcase_add_test(c, off_is_off);
	tcase_add_test(c, a_warning_changes_nothing);
	tcase_add_test(c, a_limit_is_where_usage_is_and_stays_there);
	tcase_add_test(c, no_limit_is_below_what_guest_and_qemu_may_use);
	tcase_add_test(c, a_squeeze_goes_before);
	tcase_add_loop_test(c, who_must_not_be_limited_is_only_told_of, 0,
			    (int)KT_ARRAY_LEN(never));
	suite_add_tcase(s, c);
	return kt_run(s);
}
