/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is ksmd's cost measured, its budget what the host can spare, its batch short? */
#include "ksm_fixture.h"
#include "ksm_private.h"

static struct ksm_pace pace;

static void setup(void)
{
	fixture_reset();
	fx.conf.ksm.max_cpu_percent = 50;
	(void)fixture_guest(1);
	pace = (struct ksm_pace){ 0 };
	fx.host.ksm = (struct ksm_sample){ .present = true,
					   .run = 1,
					   .pages_to_scan = 1000,
					   .sleep_ms = 20,
					   .has_scanned = true,
					   .has_ksmd = true };
	fx.view.idle_cpus = 8;
	ksm_pace_look(&pace, &fx.view, false);
}

/* ksmd scans so many pages, for so long, within so many seconds. */
static void works(uint64_t pages, double us_per_page, uint64_t seconds)
{
	fx.view.now_ns += SECONDS(seconds);
	fx.view.dt_s = (double)seconds;
	fx.host.ksm.scanned_total += pages;
	fx.host.ksm.ksmd_cpu_ns_total += (uint64_t)((double)pages * us_per_page * 1000);
	ksm_pace_look(&pace, &fx.view, false);
}

#define assert_within(x, low, high)                                                                \
	do {                                                                                       \
		double x_ = (x);                                                                   \
		ck_assert_msg(x_ >= (low) && x_ <= (high), #x " is %f", x_);                       \
	} while (0)

/* ---- cost --------------------------------------------------------------------- */

START_TEST(a_rising_cost_is_believed_at_once_and_a_falling_one_slowly)
{
	assert_within(pace.ns_per_page, 6000, 6000);
	works(10000, 8, 1);
	assert_within(pace.ns_per_page, 7999, 8001);
	works(10000, 1, 1);
	assert_within(pace.ns_per_page, 5899, 5901);
	for (int i = 0; i < 20; i++)
		works(10000, 1, 1);
	assert_within(pace.ns_per_page, 1000, 1010);
	assert_within(pace.cpu_s, 0.289, 0.291);
}
END_TEST

static void scan_of(double us_per_page)
{
	ksm_pace_begin_scan(&pace);
	works(10000, us_per_page, 1);
	works(10000, 0.3, 1);
	ksm_pace_end_scan(&pace);
}

START_TEST(a_burst_is_prepared_for_the_dearest_pages_of_those_before)
{
	ksm_pace_look(&pace, &fx.view, true);
	assert_within(pace.assumed_ns, 6000, 6000);
	scan_of(8);
	for (int i = 0; i < 50; i++)
		works(10000, 0.3, 1);
	assert_within(pace.assumed_ns, 300, 310);
	ksm_pace_look(&pace, &fx.view, true);
	assert_within(pace.assumed_ns, 7999, 8001);
	scan_of(2);
	ksm_pace_look(&pace, &fx.view, true);
	assert_within(pace.assumed_ns, 4999, 5001);
	scan_of(2);
	ksm_pace_look(&pace, &fx.view, true);
	assert_within(pace.assumed_ns, 3499, 3501);
	ksm_pace_begin_scan(&pace); /* one without a measurement changes nothing */
	ksm_pace_end_scan(&pace);
	assert_within(pace.dear_ns, 3499, 3501);
}
END_TEST

START_TEST(a_few_pages_say_nothing_until_there_are_enough)
{
	works(600, 9, 1);
	assert_within(pace.ns_per_page, 6000, 6000);
	works(600, 9, 1);
	assert_within(pace.ns_per_page, 8999, 9001);
	assert_within(pace.cpu_s, 0.0107, 0.0109);
}
END_TEST

/* Linux 6.1: 20 ms of sleep and 13.3 ms of work in turns, 30 batches a second. */
START_TEST(without_pages_scanned_the_share_of_a_cpu_tells)
{
	fx.host.ksm.has_scanned = false;
	fx.view.now_ns += SECONDS(10);
	fx.host.ksm.ksmd_cpu_ns_total += SECONDS(4);
	ksm_pace_look(&pace, &fx.view, false);
	assert_within(pace.ns_per_page, 13300, 13400);
	assert_within(pace.cpu_s, 3.999, 4.001);
}
END_TEST

START_TEST(without_a_view_of_ksmd_the_pages_tell)
{
	fx.host.ksm.has_ksmd = false;
	works(100000, 1, 10);
	assert_within(pace.ns_per_page, 6000, 6000);
	assert_within(pace.cpu_s, 0.599, 0.601);
	fx.host.ksm.has_scanned = false;
	works(0, 1, 10); /* 5 ms in 25 */
	assert_within(pace.cpu_s, 2.59, 2.61);
	fx.host.ksm.run = 0;
	works(0, 1, 10);
	assert_within(pace.cpu_s, 2.59, 2.61);
}
END_TEST

START_TEST(what_rests_tells_nothing_about_cost)
{
	fx.host.ksm.has_scanned = false;
	fx.host.ksm.run = 0;
	for (int i = 0; i < 50; i++)
		works(0, 1, 10);
	assert_within(pace.ns_per_page, 6000, 6000);
	fx.host.ksm.run = 1;
	fx.view.now_ns += SECONDS(10);
	fx.host.ksm.ksmd_cpu_ns_total += SECONDS(4);
	ksm_pace_look(&pace, &fx.view, false);
	assert_within(pace.ns_per_page, 13300, 13400);
}
END_TEST

START_TEST(nonsense_is_kept_within_reason)
{
	works(1000, 1e6, 1);
	assert_within(pace.ns_per_page, 100000, 100000);
	for (int i = 0; i < 50; i++)
		works(1000000, 0, 1);
	assert_within(pace.ns_per_page, 50, 51);
}
END_TEST

/* ---- harm --------------------------------------------------------------------- */

static void waits(double cpus, bool fast)
{
	fx.view.now_ns += SECONDS(1);
	fx.view.guest_delay_cpus = cpus;
	ksm_pace_look(&pace, &fx.view, fast);
}

START_TEST(waiting_guests_halve_the_budget_each_second)
{
	pace.delay_cpus.value = 0.10;
	waits(0.129, true); /* a tenth as much again, and two hundredths */
	assert_within(pace.throttle, 1, 1);
	waits(0.131, true);
	assert_within(pace.throttle, 0.5, 0.5);
	waits(0.131, true);
	assert_within(pace.throttle, 0.25, 0.25);
	waits(0.05, true);
	assert_within(pace.throttle, 0.3124, 0.3126);
	for (int i = 0; i < 6; i++)
		waits(0.05, true);
	assert_within(pace.throttle, 1, 1);
}
END_TEST

/* 64 vCPUs that always wait a little: what ksmd takes from them has to show nevertheless. */
START_TEST(on_a_large_busy_host_what_ksmd_takes_still_shows)
{
	pace.delay_cpus.value = 2;
	fx.view.ksmd_cpu_pct = 50;
	waits(2.21, true);
	assert_within(pace.throttle, 1, 1);
	waits(2.5, true);
	assert_within(pace.throttle, 0.5, 0.5);
	pace.throttle = 1;
	pace.delay_cpus.value = 0;
	waits(0.144, true); /* less than a quarter of what ksmd uses: they wait for others */
	assert_within(pace.throttle, 1, 1);
	waits(0.146, true);
	assert_within(pace.throttle, 0.5, 0.5);
}
END_TEST

START_TEST(looks_within_a_second_halve_once)
{
	waits(0, false);
	fx.view.now_ns += KT_NS_PER_S / 4;
	fx.view.guest_delay_cpus = 0.5;
	ksm_pace_look(&pace, &fx.view, true);
	assert_within(pace.throttle, 1, 1);
	waits(0.5, true);
	assert_within(pace.throttle, 0.5, 0.5);
}
END_TEST

START_TEST(guests_that_wait_without_ksmd_are_not_ksmds_doing)
{
	waits(0, false);
	for (int i = 0; i < 5; i++)
		waits(0.3, true);
	assert_within(pace.throttle, 1.0 / 32, 1.0 / 16);
	for (int i = 0; i < 180; i++)
		waits(0.3, true);
	assert_within(pace.throttle, 1, 1);
}
END_TEST

START_TEST(a_burst_does_not_become_its_own_baseline)
{
	waits(0, false);
	waits(0.01, true);
	assert_within(pace.delay_cpus.value, 0, 1e-9);
	waits(0.01, false);
	assert_within(pace.delay_cpus.value, 1e-6, 0.01);
}
END_TEST

START_TEST(a_host_that_is_stolen_from_slows_down)
{
	fx.view.steal_share = 0.05;
	waits(0, true);
	assert_within(pace.throttle, 1, 1);
	fx.view.steal_share = 0.051;
	waits(0, true);
	assert_within(pace.throttle, 0.5, 0.5);
}
END_TEST

/* ---- budget ------------------------------------------------------------------- */

static const struct {
	const char *name;
	double idle_cpus, ksmd_pct, throttle, price;
	bool fast;
	double budget;
} budgets[] = {
	{ "plenty of idle CPUs: the maximum", 8, 0, 1, 0.5, true, 0.5 },
	{ "one idle CPU: half of it", 1, 0, 1, 0.5, true, 0.5 },
	{ "half an idle CPU: half of that", 0.5, 0, 1, 0.5, true, 0.25 },
	{ "what ksmd uses could be idle", 0.3, 20, 1, 0.5, true, 0.25 },
	{ "nothing idle: what memory is worth", 0, 0, 1, 0.5, true, 0.0145 },
	{ "nothing idle, and every page counts", 0, 0, 1, 1, true, 0.052 },
	{ "guests wait", 0.5, 0, 0.5, 0.5, true, 0.125 },
	{ "guests wait on a host with idle CPUs", 8, 0, 0.25, 0.5, true, 0.125 },
	{ "guests wait for long", 8, 0, 1.0 / 32, 1, true, 0.052 },
	{ "trickle", 8, 0, 1, 1, false, 0.002 },
	{ "trickle on a busy host", 0, 0, 1, 1, false, 0.002 },
};

START_TEST(the_budget_is_a_share_of_what_is_idle)
{
	double budget;

	fx.view.idle_cpus = budgets[_i].idle_cpus;
	fx.view.ksmd_cpu_pct = budgets[_i].ksmd_pct;
	pace.throttle = budgets[_i].throttle;
	budget =
		ksm_pace_budget(&pace, &fx.conf.ksm, &fx.view, budgets[_i].price, budgets[_i].fast);
	/* 8 idle CPUs are throttled from the maximum, not from half of them */
	ck_assert_msg(budget > budgets[_i].budget - 1e-6 && budget < budgets[_i].budget + 1e-6,
		      "%s: %f", budgets[_i].name, budget);
}
END_TEST

START_TEST(no_budget_is_above_the_maximum)
{
	fx.conf.ksm.max_cpu_percent = 1;
	fx.conf.ksm.trickle_permille = 100;
	assert_within(ksm_pace_budget(&pace, &fx.conf.ksm, &fx.view, 1, true), 0.01, 0.01);
	assert_within(ksm_pace_budget(&pace, &fx.conf.ksm, &fx.view, 1, false), 0.01, 0.01);
}
END_TEST

/* ---- the two numbers ------------------------------------------------------------- */

static double share(void)
{
	double ns = (double)pace.pages_to_scan * pace.assumed_ns;

	return ns / (ns + (double)pace.sleep_ms * 1e6);
}

static void costs(double us, double dear_us)
{
	pace.assumed_ns = us * 1000;
	pace.dear_ns = dear_us * 1000;
}

static const double costs_us[] = { 0.05, 0.5, 2, 4, 20, 100 };
static const double shares[] = { 0.002, 0.01, 0.05, 0.25, 0.5, 0.9 };

START_TEST(batches_are_short_and_the_budget_is_kept)
{
	double budget = shares[_i % 6], us = costs_us[_i / 6];

	costs(us, us);
	ksm_pace_choose(&pace, budget, true);
	assert_within((double)pace.pages_to_scan * us / 1000, 0.9, 5.1);
	ck_assert_uint_ge(pace.sleep_ms, 1);
	ck_assert_msg(share() <= budget, "%f of %f", share(), budget);
	if (us >= 0.5) /* 20,000 pages at 50 ns are 1 ms, and 1 ms is the least pause */
		ck_assert_msg(share() >= 0.7 * budget, "%f of %f", share(), budget);
}
END_TEST

START_TEST(a_batch_of_cheap_pages_would_be_short_with_dear_ones_too)
{
	costs(0.3, 8);
	ksm_pace_choose(&pace, 0.002, false);
	assert_within((double)pace.pages_to_scan * 8 / 1000, 4.9, 5.1);
	ck_assert(share() <= 0.002 && share() >= 0.0012);
}
END_TEST

START_TEST(small_changes_turn_no_knob)
{
	uint64_t pages, sleep_ms;

	costs(3, 3);
	ksm_pace_choose(&pace, 0.1, true);
	pages = pace.pages_to_scan;
	sleep_ms = pace.sleep_ms;
	pace.assumed_ns = 3200;
	ksm_pace_choose(&pace, 0.1, true);
	pace.assumed_ns = 2800;
	ksm_pace_choose(&pace, 0.1, true);
	ck_assert_uint_eq(pace.pages_to_scan, pages);
	ck_assert_uint_eq(pace.sleep_ms, sleep_ms);
	ksm_pace_choose(&pace, 0.05, true);
	ck_assert_uint_gt(pace.sleep_ms, sleep_ms);
}
END_TEST

START_TEST(all_of_the_budget_is_not_too_much)
{
	costs(5, 5);
	pace.pages_to_scan = 1000;
	pace.sleep_ms = 5; /* exactly half of a CPU */
	ksm_pace_choose(&pace, 0.5, true);
	ck_assert_uint_eq(pace.sleep_ms, 5);
	ksm_pace_choose(&pace, 0.499, true);
	ck_assert_uint_gt(pace.sleep_ms, 5);
}
END_TEST

START_TEST(a_trickle_may_be_off_by_half)
{
	uint64_t sleep_ms;

	costs(3, 3);
	ksm_pace_choose(&pace, 0.002, false);
	sleep_ms = pace.sleep_ms;
	pace.assumed_ns = 2000;
	ksm_pace_choose(&pace, 0.002, false);
	ck_assert_uint_eq(pace.sleep_ms, sleep_ms);
	pace.assumed_ns = 1500;
	ksm_pace_choose(&pace, 0.002, false);
	ck_assert_uint_lt(pace.sleep_ms, sleep_ms);
}
END_TEST

START_TEST(a_batch_that_became_long_is_cut)
{
	costs(1, 1);
	ksm_pace_choose(&pace, 0.5, true);
	ck_assert_uint_eq(pace.pages_to_scan, 5000);
	costs(2, 2); /* 10 ms */
	pace.sleep_ms = 11;
	ksm_pace_choose(&pace, 0.5, true);
	ck_assert_uint_eq(pace.pages_to_scan, 2500);
}
END_TEST

START_TEST(cost_and_duration_of_passes)
{
	costs(2.5, 5);
	pace.pages_to_scan = 2000;
	pace.sleep_ms = 15; /* a quarter of a CPU */
	assert_within(ksm_pace_cost_s(&pace, 4 * GIB_KIB, 3), 7.85, 7.88);
	assert_within(ksm_pace_pass_s(&pace, 4 * GIB_KIB), 10.4, 10.5);
	pace.pages_to_scan = 0; /* nothing is asked for yet */
	assert_within(ksm_pace_pass_s(&pace, 4 * GIB_KIB), 0, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ksm_pace");
	TCase *c = tcase_create("pace");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, a_rising_cost_is_believed_at_once_and_a_falling_one_slowly);
	tcase_add_test(c, a_burst_is_prepared_for_the_dearest_pages_of_those_before);
	tcase_add_test(c, a_few_pages_say_nothing_until_there_are_enough);
	tcase_add_test(c, without_pages_scanned_the_share_of_a_cpu_tells);
	tcase_add_test(c, without_a_view_of_ksmd_the_pages_tell);
	tcase_add_test(c, what_rests_tells_nothing_about_cost);
	tcase_add_test(c, nonsense_is_kept_within_reason);
	tcase_add_test(c, waiting_guests_halve_the_budget_each_second);
	tcase_add_test(c, on_a_large_busy_host_what_ksmd_takes_still_shows);
	tcase_add_test(c, looks_within_a_second_halve_once);
	tcase_add_test(c, guests_that_wait_without_ksmd_are_not_ksmds_doing);
	tcase_add_test(c, a_burst_does_not_become_its_own_baseline);
	tcase_add_test(c, a_host_that_is_stolen_from_slows_down);
	tcase_add_loop_test(c, the_budget_is_a_share_of_what_is_idle, 0,
			    (int)KT_ARRAY_LEN(budgets));
	tcase_add_test(c, no_budget_is_above_the_maximum);
	tcase_add_loop_test(c, batches_are_short_and_the_budget_is_kept, 0, 36);
	tcase_add_test(c, a_batch_of_cheap_pages_would_be_short_with_dear_ones_too);
	tcase_add_test(c, a_trickle_may_be_off_by_half);
	tcase_add_test(c, small_changes_turn_no_knob);
	tcase_add_test(c, all_of_the_budget_is_not_too_much);
	tcase_add_test(c, a_batch_that_became_long_is_cut);
	tcase_add_test(c, cost_and_duration_of_passes);
	suite_add_tcase(s, c);
	return kt_run(s);
}
