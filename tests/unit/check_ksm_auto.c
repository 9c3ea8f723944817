/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the automatic policy burst, sweep, trickle and rest when it should, and no longer? */
#include "ksm_fixture.h"

/* Six microseconds a page, most pages skipped.  Three passes over all of the 8 GiB are
 * believed to take 18.9 s of CPU: every 2,517 s at 0.75 % of one, every 377 s at a
 * twentieth, every 75 s at a quarter. */
enum { PAGES_PER_CPU_S = 166666 };

/* Guests that have settled long ago, on a host that is neither short nor at rest. */
static void setup(void)
{
	fixture_reset();
	fx.conf.ksm.settle_s = 3;
	fx.conf.ksm.max_cpu_percent = 50;
	for (int i = 0; i < 4; i++)
		fixture_guest(0)->awake_ns = SECONDS(9000);
	fx.host.ksm = (struct ksm_sample){ .present = true,
					   .has_scanned = true,
					   .has_ksmd = true,
					   .has_smart_scan = true,
					   .smart_scan = 1 };
	fx.view.idle_cpus = 8;
	fx.view.available_kib = 16 * GIB_KIB; /* a quarter: the price is 0.5 */
	fx.in_force.ksm.ours = true;
}

static void pass_time(uint64_t seconds)
{
	fx.view.now_ns += SECONDS(seconds);
}

/* A full pass ends, which took a second of ksmd's time and merged so much. */
static struct ksm_plan pass(uint64_t merged_mib)
{
	fx.view.now_ns += SECONDS(2);
	fx.host.ksm.run = 1;
	fx.host.ksm.scanned_total += PAGES_PER_CPU_S;
	fx.host.ksm.ksmd_cpu_ns_total += SECONDS(1);
	fx.view.ksm_passes++;
	fx.view.merged_kib += merged_mib * MIB_KIB;
	return step();
}

#define assert_why(plan, expected) ck_assert_str_eq(why_str((plan).why), why_str(expected))

/* The first burst, up to its end. */
static void converge(void)
{
	assert_why(step(), WHY_BURST);
	assert_why(pass(0), WHY_BURST);
	assert_why(pass(1000), WHY_BURST);
	assert_why(pass(10), WHY_BURST); /* 10 MiB a second at half the price still pay */
	assert_why(pass(7), WHY_CONVERGED);
}

/* ---- bursts ------------------------------------------------------------------- */

START_TEST(the_first_burst_lasts_for_three_passes_and_while_it_pays)
{
	struct ksm_plan plan = step();

	ck_assert(plan.wish == WISH_SET && plan.run && !plan.sweep);
	ck_assert(plan.budget_cpus > 0.49);
	assert_why(pass(0), WHY_BURST);
	assert_why(pass(0), WHY_BURST);
	plan = pass(0);
	assert_why(plan, WHY_CONVERGED);
	ck_assert(plan.run && plan.budget_cpus < 0.0021);
	ck_assert(plan.mib_per_cpu_s < 1e-9);
}
END_TEST

START_TEST(what_pays_depends_on_the_price)
{
	fx.view.available_kib = 6 * GIB_KIB; /* full price */
	(void)step();
	(void)pass(0);
	(void)pass(0);
	assert_why(pass(4), WHY_BURST);
	assert_why(pass(3), WHY_CONVERGED);
}
END_TEST

START_TEST(a_look_between_two_passes_decides_nothing)
{
	(void)step();
	for (int i = 0; i < 10; i++) {
		pass_time(60);
		assert_why(step(), WHY_BURST);
	}
}
END_TEST

START_TEST(a_pass_that_took_no_time_brings_nothing_a_second)
{
	(void)step();
	fx.host.ksm.run = 1;
	fx.view.ksm_passes++;
	ck_assert(step().mib_per_cpu_s < 1e-9);
}
END_TEST

START_TEST(guests_that_have_just_come_settle_first)
{
	struct ksm_plan plan;

	converge();
	fixture_guest(0)->awake_ns = fx.view.now_ns;
	plan = step();
	assert_why(plan, WHY_SETTLING);
	ck_assert_uint_eq(plan.look_again_ns, SECONDS(1) / 4);
	pass_time(2);
	fixture_guest(0)->awake_ns = fx.view.now_ns; /* another one: coalesced */
	assert_why(step(), WHY_SETTLING);
	pass_time(2);
	assert_why(step(), WHY_SETTLING);
	pass_time(1);
	assert_why(step(), WHY_BURST);
}
END_TEST

static void grow_to(uint64_t kib)
{
	fx.sample[0].rss_kib = kib;
}

START_TEST(nothing_begins_before_the_first_guests_have_settled)
{
	for (size_t i = 0; i < 4; i++)
		fx.view.guest[i].awake_ns = fx.view.now_ns;
	for (int i = 0; i < 3; i++) {
		assert_why(step(), WHY_SETTLING);
		pass_time(1);
	}
	assert_why(step(), WHY_BURST);
}
END_TEST

START_TEST(guests_that_still_fill_their_memory_have_not_settled)
{
	converge();
	fx.view.guest[0].awake_ns = fx.view.now_ns;
	assert_why(step(), WHY_SETTLING);
	for (uint64_t gib = 3; gib < 7; gib++) {
		pass_time(2);
		grow_to(gib * GIB_KIB);
		assert_why(step(), WHY_SETTLING);
	}
	for (int i = 0; i < 2; i++) { /* a little more does not count */
		pass_time(1);
		fx.sample[0].rss_kib += 100 * MIB_KIB;
		assert_why(step(), WHY_SETTLING);
	}
	pass_time(1);
	assert_why(step(), WHY_BURST);
}
END_TEST

/* A sixteenth and 8 MiB is still a little; a KiB more begins the wait anew. */
START_TEST(a_guest_has_settled_while_it_fills_just_a_little)
{
	const uint64_t little_kib = 2 * GIB_KIB / 16 + 8 * MIB_KIB;

	converge();
	fx.view.guest[0].awake_ns = fx.view.now_ns;
	assert_why(step(), WHY_SETTLING);
	pass_time(2);
	grow_to(2 * GIB_KIB + little_kib + (uint64_t)_i);
	assert_why(step(), WHY_SETTLING);
	pass_time(1);
	assert_why(step(), _i ? WHY_SETTLING : WHY_BURST);
}
END_TEST

START_TEST(a_boot_storm_without_end_does_not_put_it_off_for_ever)
{
	converge();
	for (int i = 0; i < 18; i++) {
		fixture_guest(0)->awake_ns = fx.view.now_ns;
		assert_why(step(), WHY_SETTLING);
		pass_time(5);
	}
	fixture_guest(0)->awake_ns = fx.view.now_ns;
	assert_why(step(), WHY_BURST);
}
END_TEST

START_TEST(a_guest_that_resumes_brings_a_burst)
{
	converge();
	fx.view.guest[2].awake_ns = fx.view.now_ns;
	assert_why(step(), WHY_SETTLING);
	pass_time(3);
	assert_why(step(), WHY_BURST);
}
END_TEST

START_TEST(arrivals_during_a_burst_have_their_own_next)
{
	(void)step();
	(void)pass(0);
	fixture_guest(0)->awake_ns = fx.view.now_ns;
	assert_why(pass(1000), WHY_BURST);
	assert_why(pass(1000), WHY_BURST);
	assert_why(pass(0), WHY_BURST); /* the first one has ended, the next begun */
	assert_why(pass(0), WHY_BURST);
	assert_why(pass(0), WHY_BURST);
	assert_why(pass(0), WHY_CONVERGED);
}
END_TEST

/* Three passes over the 10 GiB of five guests: 23.6 s of CPU, a quarter of 94 s. */
START_TEST(after_a_barren_burst_arrivals_wait_until_it_has_paid_off)
{
	fx.host.ksm.has_smart_scan = false;
	(void)step();
	(void)pass(0);
	(void)pass(0);
	assert_why(pass(0), WHY_CONVERGED);
	fixture_guest(0)->awake_ns = fx.view.now_ns;
	pass_time(90);
	assert_why(step(), WHY_SETTLING);
	pass_time(5);
	assert_why(step(), WHY_BURST);
	(void)pass(0);
	(void)pass(0);
	assert_why(pass(0), WHY_CONVERGED);
	fx.view.guest[0].awake_ns = fx.view.now_ns;
	pass_time(180); /* twice as long after the second */
	assert_why(step(), WHY_SETTLING);
	pass_time(10);
	assert_why(step(), WHY_BURST);
}
END_TEST

START_TEST(a_guest_alone_does_not_put_the_second_one_off)
{
	fx.view.nslots = 1;
	(void)step();
	(void)pass(0);
	(void)pass(0);
	assert_why(pass(0), WHY_CONVERGED);
	fx.view.nslots = 2;
	fx.view.guest[1].awake_ns = fx.view.now_ns;
	assert_why(step(), WHY_SETTLING);
	pass_time(3);
	assert_why(step(), WHY_BURST);
}
END_TEST

START_TEST(a_guest_that_went_before_it_settled_takes_its_wait_along)
{
	converge();
	fixture_guest(0)->awake_ns = fx.view.now_ns;
	assert_why(step(), WHY_SETTLING);
	fx.view.guest[4].present = false;
	assert_why(step(), WHY_CONVERGED);
	pass_time(600);
	fx.view.guest[4].present = true;
	fx.view.guest[4].awake_ns = fx.view.now_ns;
	assert_why(step(), WHY_SETTLING);
}
END_TEST

START_TEST(guests_that_grow_bring_a_burst_when_it_can_be_afforded)
{
	fx.host.ksm.has_smart_scan = false;
	converge();
	grow_to(2 * GIB_KIB + 512 * MIB_KIB); /* a sixteenth of 8 GiB */
	pass_time(1000);
	assert_why(step(), WHY_CONVERGED);
	grow_to(2 * GIB_KIB + 512 * MIB_KIB + 1);
	assert_why(step(), WHY_BURST);
	(void)pass(0);
	(void)pass(0);
	assert_why(pass(0), WHY_CONVERGED);
	grow_to(4 * GIB_KIB);
	pass_time(90); /* of 94 for 10 GiB */
	assert_why(step(), WHY_CONVERGED);
	pass_time(5);
	assert_why(step(), WHY_BURST);
}
END_TEST

START_TEST(growth_right_after_a_burst_waits_even_when_that_has_paid)
{
	fx.host.ksm.has_smart_scan = false;
	converge();
	grow_to(4 * GIB_KIB); /* 10 GiB: 94 s at a quarter of a CPU */
	pass_time(90);
	assert_why(step(), WHY_CONVERGED);
	pass_time(5);
	assert_why(step(), WHY_BURST);
}
END_TEST

START_TEST(guests_that_shrink_may_grow_again)
{
	fx.host.ksm.has_smart_scan = false;
	converge();
	pass_time(1000);
	grow_to(1 * GIB_KIB);
	assert_why(step(), WHY_CONVERGED);
	grow_to(2 * GIB_KIB);
	assert_why(step(), WHY_BURST);
}
END_TEST

START_TEST(dearer_memory_is_worth_another_burst)
{
	fx.host.ksm.has_smart_scan = false;
	converge();
	pass_time(80);
	fx.view.available_kib = 14 * GIB_KIB; /* the price is 0.65, and was 0.5 */
	assert_why(step(), WHY_CONVERGED);
	fx.view.available_kib = 13 * GIB_KIB; /* 0.73 */
	assert_why(step(), WHY_BURST);
}
END_TEST

START_TEST(a_trickle_that_pays_becomes_a_burst)
{
	fx.host.ksm.has_smart_scan = false;
	converge();
	pass_time(370);
	assert_why(pass(1000), WHY_CONVERGED); /* not so soon after a burst */
	pass_time(630);
	assert_why(pass(7), WHY_CONVERGED);
	assert_why(pass(8), WHY_BURST);
}
END_TEST

START_TEST(after_unmerging_everything_is_merged_again)
{
	converge();
	fx.in_force.ksm.unmerging = true;
	(void)step();
	fx.in_force.ksm.unmerging = false;
	assert_why(step(), WHY_BURST);
}
END_TEST

/* ---- rest --------------------------------------------------------------------- */

START_TEST(with_plenty_of_memory_ksm_rests_and_comes_back)
{
	struct ksm_plan plan;

	fx.view.available_kib = 26 * GIB_KIB;
	plan = step();
	assert_why(plan, WHY_MEMORY_PLENTIFUL);
	ck_assert(plan.wish == WISH_SET && !plan.run && plan.look_again_ns == 0);
	fx.view.available_kib = 25 * GIB_KIB;
	assert_why(step(), WHY_BURST);
	fx.view.available_kib = 28 * GIB_KIB; /* within the margin */
	assert_why(step(), WHY_BURST);
	fx.view.available_kib = 29 * GIB_KIB;
	assert_why(step(), WHY_MEMORY_PLENTIFUL);
}
END_TEST

START_TEST(never_rests)
{
	fx.view.available_kib = 0;
	fx.conf.ksm.merge = KSM_MERGE_NEVER;
	ck_assert(!step().run);
	assert_why(step(), WHY_MERGE_NEVER);
}
END_TEST

START_TEST(always_scans_with_plenty_of_memory)
{
	fx.view.available_kib = 64 * GIB_KIB;
	fx.conf.ksm.merge = KSM_MERGE_ALWAYS;
	converge();
}
END_TEST

START_TEST(before_the_guests_are_listed_only_a_price_scans)
{
	fx.view.guests_known = false;
	fx.view.available_kib = 64 * GIB_KIB;
	assert_why(step(), WHY_GUESTS_UNKNOWN);
	ck_assert_int_eq(step().wish, WISH_HOLD);
	fx.view.available_kib = 16 * GIB_KIB;
	ck_assert(step().run);
}
END_TEST

/* ---- sweeps ------------------------------------------------------------------- */

static void sweep_ends(uint64_t merged_mib)
{
	ck_assert(step().sweep);
	assert_why(pass(0), WHY_SWEEP);
	assert_why(pass(0), WHY_SWEEP);
	assert_why(pass(merged_mib), WHY_CONVERGED);
	ck_assert(!step().sweep);
}

START_TEST(a_sweep_comes_with_time_and_lasts_for_three_passes)
{
	converge();
	pass_time(2500);
	assert_why(step(), WHY_CONVERGED);
	pass_time(30);
	sweep_ends(0);
}
END_TEST

START_TEST(sweeps_that_bring_nothing_become_rare)
{
	fx.conf.ksm.sweep_min_s = 3000;
	fx.conf.ksm.sweep_max_s = 9000;
	converge();
	for (uint64_t wait_s = 3000; wait_s <= 12000; wait_s *= 2) {
		pass_time(KT_MIN(wait_s, UINT64_C(9000)) - 1);
		assert_why(step(), WHY_CONVERGED);
		pass_time(1);
		sweep_ends(1);
	}
	pass_time(9000); /* but four times 2,517 s by their cost */
	assert_why(step(), WHY_CONVERGED);
	pass_time(1080);
	sweep_ends(1000); /* 333 MiB a second */
	pass_time(2999);
	assert_why(step(), WHY_CONVERGED);
	pass_time(1);
	assert_why(step(), WHY_SWEEP);
}
END_TEST

START_TEST(a_burst_among_older_guests_asks_for_a_sweep)
{
	converge();
	fixture_guest(0)->awake_ns = fx.view.now_ns;
	assert_why(step(), WHY_SETTLING);
	pass_time(3);
	assert_why(step(), WHY_BURST);
	(void)pass(0);
	(void)pass(0);
	assert_why(pass(0), WHY_CONVERGED);
	pass_time(460);
	assert_why(step(), WHY_CONVERGED);
	pass_time(20);
	sweep_ends(0);
	pass_time(1000); /* it was asked for once */
	assert_why(step(), WHY_CONVERGED);
	pass_time(2100); /* every 3,146 s for 10 GiB: it was asked for, and not in vain */
	assert_why(step(), WHY_CONVERGED);
	pass_time(60);
	assert_why(step(), WHY_SWEEP);
}
END_TEST

/* 377 s from the end of the first burst, whatever comes between. */
START_TEST(bursts_do_not_put_a_sweep_off)
{
	converge();
	for (int i = 0; i < 4; i++) {
		fx.view.guest[2].awake_ns = fx.view.now_ns;
		assert_why(step(), WHY_SETTLING);
		pass_time(3);
		assert_why(step(), WHY_BURST);
		(void)pass(0);
		(void)pass(1000);
		assert_why(pass(0), WHY_CONVERGED);
		pass_time(80); /* 89 s each */
	}
	pass_time(30);
	assert_why(step(), WHY_SWEEP);
}
END_TEST

START_TEST(arrivals_wait_for_the_sweep_that_sees_them_too)
{
	converge();
	pass_time(3000);
	assert_why(step(), WHY_SWEEP);
	fixture_guest(0)->awake_ns = fx.view.now_ns - SECONDS(10);
	assert_why(pass(0), WHY_SWEEP);
	assert_why(pass(0), WHY_SWEEP);
	assert_why(pass(0), WHY_BURST);
}
END_TEST

static void by_no_smart_scan(void)
{
	fx.host.ksm.has_smart_scan = false;
}

static void by_smart_scan_off(void)
{
	fx.host.ksm.smart_scan = 0;
}

static void by_probe(void)
{
	fx.host.ksm.probe = KSM_PROBE_COMPLETE;
}

static void (*const needless[])(void) = { by_no_smart_scan, by_smart_scan_off, by_probe };

START_TEST(a_kernel_that_needs_no_sweeps_gets_none)
{
	needless[_i]();
	converge();
	pass_time(100000);
	assert_why(step(), WHY_CONVERGED);
}
END_TEST

START_TEST(a_sweep_ends_when_it_turns_out_to_be_needless)
{
	converge();
	pass_time(3000);
	assert_why(step(), WHY_SWEEP);
	fx.host.ksm.smart_scan = 0; /* by us */
	fx.in_force.ksm.sweeping = true;
	assert_why(pass(0), WHY_SWEEP);
	fx.host.ksm.probe = KSM_PROBE_COMPLETE;
	assert_why(step(), WHY_CONVERGED);
}
END_TEST

/* ---- looks ---------------------------------------------------------------------- */

START_TEST(while_passes_are_counted_it_looks_more_often)
{
	struct ksm_plan plan;

	(void)step();
	ck_assert_uint_eq(pass(0).look_again_ns, SECONDS(2));
	for (size_t i = 0; i < 4; i++)
		fx.sample[i].rss_kib = 128 * MIB_KIB;
	plan = pass(0); /* 0.79 s of CPU at nearly half of one, and a quarter of that */
	ck_assert(plan.look_again_ns > SECONDS(2) / 5 && plan.look_again_ns < SECONDS(1) / 2);
	fx.in_force.ksm.ours = false; /* observed only: no pass will end */
	ck_assert_uint_eq(step().look_again_ns, 0);
	fx.in_force.ksm.ours = true;
	ck_assert_uint_eq(pass(0).look_again_ns, 0); /* the burst is over */
}
END_TEST

/* ---- any numbers ------------------------------------------------------------------- */

static void randomize(uint64_t *seed)
{
	struct ksm_sample *k = &fx.host.ksm;

	fx.view.now_ns = fixture_any(seed);
	fx.host.mem_total_kib = fixture_any(seed);
	fx.view.available_kib = fixture_any(seed);
	fx.view.merged_kib = fixture_any(seed);
	fx.view.ksm_passes = fixture_any(seed);
	fx.view.idle_cpus = (double)fixture_below(seed, 100);
	fx.view.ksmd_cpu_pct = (double)fixture_below(seed, 200);
	fx.view.guest_delay_cpus = (double)fixture_below(seed, 100) / 100;
	fx.view.dt_s = (double)fixture_below(seed, 100);
	k->run = fixture_below(seed, 3);
	k->has_scanned = fixture_below(seed, 2);
	k->has_ksmd = fixture_below(seed, 2);
	k->pages_to_scan = fixture_any(seed);
	k->sleep_ms = fixture_any(seed);
	k->scanned_total = fixture_any(seed);
	k->ksmd_cpu_ns_total = fixture_any(seed);
	k->smart_scan = fixture_below(seed, 2);
	for (size_t i = 0; i < fx.view.nslots; i++) {
		fx.sample[i].rss_kib = fixture_any(seed);
		fx.view.guest[i].awake_ns = fixture_any(seed);
	}
}

START_TEST(any_numbers_give_a_plan_within_limits)
{
	uint64_t seed = (uint64_t)_i * 7919;

	for (int i = 0; i < 5000; i++) {
		struct ksm_plan plan;

		randomize(&seed);
		plan = step();
		ck_assert_int_eq(plan.wish, WISH_SET);
		ck_assert(plan.pages_to_scan >= 32 && plan.pages_to_scan <= 100000);
		ck_assert(plan.sleep_ms >= 1 && plan.sleep_ms <= 10000);
		ck_assert(plan.budget_cpus >= 0 && plan.budget_cpus <= 0.5);
		ck_assert(plan.look_again_ns <= SECONDS(10));
		ck_assert(plan.price >= 0 && plan.price <= 1);
		ck_assert(!plan.sweep || plan.run);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ksm_auto");
	TCase *c = tcase_create("auto");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, the_first_burst_lasts_for_three_passes_and_while_it_pays);
	tcase_add_test(c, what_pays_depends_on_the_price);
	tcase_add_test(c, a_look_between_two_passes_decides_nothing);
	tcase_add_test(c, a_pass_that_took_no_time_brings_nothing_a_second);
	tcase_add_test(c, guests_that_have_just_come_settle_first);
	tcase_add_test(c, nothing_begins_before_the_first_guests_have_settled);
	tcase_add_test(c, guests_that_still_fill_their_memory_have_not_settled);
	tcase_add_loop_test(c, a_guest_has_settled_while_it_fills_just_a_little, 0, 2);
	tcase_add_test(c, a_boot_storm_without_end_does_not_put_it_off_for_ever);
	tcase_add_test(c, a_guest_that_resumes_brings_a_burst);
	tcase_add_test(c, arrivals_during_a_burst_have_their_own_next);
	tcase_add_test(c, after_a_barren_burst_arrivals_wait_until_it_has_paid_off);
	tcase_add_test(c, a_guest_alone_does_not_put_the_second_one_off);
	tcase_add_test(c, a_guest_that_went_before_it_settled_takes_its_wait_along);
	tcase_add_test(c, guests_that_grow_bring_a_burst_when_it_can_be_afforded);
	tcase_add_test(c, growth_right_after_a_burst_waits_even_when_that_has_paid);
	tcase_add_test(c, guests_that_shrink_may_grow_again);
	tcase_add_test(c, dearer_memory_is_worth_another_burst);
	tcase_add_test(c, a_trickle_that_pays_becomes_a_burst);
	tcase_add_test(c, after_unmerging_everything_is_merged_again);
	tcase_add_test(c, with_plenty_of_memory_ksm_rests_and_comes_back);
	tcase_add_test(c, never_rests);
	tcase_add_test(c, always_scans_with_plenty_of_memory);
	tcase_add_test(c, before_the_guests_are_listed_only_a_price_scans);
	tcase_add_test(c, a_sweep_comes_with_time_and_lasts_for_three_passes);
	tcase_add_test(c, sweeps_that_bring_nothing_become_rare);
	tcase_add_test(c, a_burst_among_older_guests_asks_for_a_sweep);
	tcase_add_test(c, bursts_do_not_put_a_sweep_off);
	tcase_add_test(c, arrivals_wait_for_the_sweep_that_sees_them_too);
	tcase_add_loop_test(c, a_kernel_that_needs_no_sweeps_gets_none, 0,
			    (int)KT_ARRAY_LEN(needless));
	tcase_add_test(c, a_sweep_ends_when_it_turns_out_to_be_needless);
	tcase_add_test(c, while_passes_are_counted_it_looks_more_often);
	tcase_add_loop_test(c, any_numbers_give_a_plan_within_limits, 1, 6);
	suite_add_tcase(s, c);
	return kt_run(s);
}
