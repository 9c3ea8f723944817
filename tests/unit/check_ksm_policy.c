/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does KSM scan when ksmtuned's law says so, and as fast? */
#include "ksm_fixture.h"

static const struct law_row {
	const char *name;
	uint64_t available_kib, committed_kib, pages_before;
	bool run;
	uint64_t pages;
	enum why why;
} law_rows[] = {
	{ "just below the target: boost", TARGET - 1, 1, 64, true, 364, WHY_MEMORY_SHORT },
	{ "at the target: not short, not plentiful", TARGET, 1, 364, true, 314,
	  WHY_MEMORY_COMMITTED },
	{ "just above the target, little committed: rest", TARGET + 1, 1, 364, false, 364,
	  WHY_MEMORY_PLENTIFUL },
	{ "commitments leave just more than the target: rest", TARGET + 1, UNCOMMITTED - 1, 364,
	  false, 364, WHY_MEMORY_PLENTIFUL },
	{ "commitments leave the target: decay", TARGET + 1, UNCOMMITTED, 364, true, 314,
	  WHY_MEMORY_COMMITTED },
	{ "short and committed: boost", TARGET - 1, UNCOMMITTED, 364, true, 664, WHY_MEMORY_SHORT },
	{ "boost from nothing", 0, 1, 0, true, 300, WHY_MEMORY_SHORT },
	{ "boost up to the maximum", 0, 1, 950, true, 1250, WHY_MEMORY_SHORT },
	{ "boost just past the maximum", 0, 1, 951, true, 1250, WHY_MEMORY_SHORT },
	{ "decay down to the minimum", TARGET, 1, 114, true, 64, WHY_MEMORY_COMMITTED },
	{ "decay just past the minimum", TARGET, 1, 113, true, 64, WHY_MEMORY_COMMITTED },
	{ "decay from nothing scans at the minimum", TARGET, 1, 0, true, 64, WHY_MEMORY_COMMITTED },
	{ "at rest nothing is ever above the minimum by itself", TARGET + 1, 1, 0, false, 64,
	  WHY_MEMORY_PLENTIFUL },
	{ "commitments beyond all memory", TARGET + 1, UINT64_MAX, 364, true, 314,
	  WHY_MEMORY_COMMITTED },
};

START_TEST(the_law_is_ksmtuneds)
{
	const struct law_row *row = &law_rows[_i];
	struct ksm_plan plan;

	set_guest_of(row->committed_kib);
	fx.host.mem_available_kib = row->available_kib;
	fx.state.ksm.pages = row->pages_before;
	plan = step();
	ck_assert_msg(plan.wish == WISH_SET && plan.run == row->run, "%s: run %d", row->name,
		      plan.run);
	ck_assert_msg(plan.pages_to_scan == row->pages, "%s: %lu pages", row->name,
		      (unsigned long)plan.pages_to_scan);
	ck_assert_msg(plan.why == row->why, "%s: %s", row->name, why_str(plan.why));
	ck_assert_msg(plan.sleep_ms == 10, "%s: sleep %lu", row->name,
		      (unsigned long)plan.sleep_ms);
}
END_TEST

static const struct {
	const char *name;
	uint64_t total_kib, percent, min_mib, target_kib;
} targets[] = {
	{ "a share of memory", 16 * GIB_KIB, 20, 2048, 3355443 },
	{ "the share is just what the minimum is", 10 * GIB_KIB, 20, 2048, 2 * GIB_KIB },
	{ "the share is just below the minimum", 10 * GIB_KIB - 5, 20, 2048, 2 * GIB_KIB },
	{ "the share is just above the minimum", 10 * GIB_KIB + 5, 20, 2048, 2 * GIB_KIB + 1 },
	{ "no minimum", 10 * GIB_KIB, 20, 0, 2 * GIB_KIB },
	{ "no share", 10 * GIB_KIB, 0, 1, 1024 },
	{ "all of it", 10 * GIB_KIB, 100, 0, 10 * GIB_KIB },
	{ "24 TiB", 24 * 1024 * GIB_KIB, 20, 2048, UINT64_C(5153960755) },
	{ "all there can be", UINT64_MAX, 100, 0, UINT64_MAX },
};

START_TEST(the_target_is_a_share_of_memory_and_at_least_so_much)
{
	set_guest_of(1);
	fx.host.mem_total_kib = targets[_i].total_kib;
	fx.conf.ksm.free_target_percent = targets[_i].percent;
	fx.conf.ksm.free_target_min_mib = targets[_i].min_mib;
	fx.host.mem_available_kib = targets[_i].target_kib - 1;
	ck_assert_msg(step().why == WHY_MEMORY_SHORT, "%s: not short just below", targets[_i].name);
	fx.host.mem_available_kib = targets[_i].target_kib;
	fx.state.ksm.stepped = false;
	ck_assert_msg(step().why != WHY_MEMORY_SHORT, "%s: short at it", targets[_i].name);
}
END_TEST

static const struct {
	const char *name;
	uint64_t total_kib, sleep_ms, expected_ms;
} sleeps[] = {
	{ "16 GiB: as configured", 16 * GIB_KIB, 100, 100 },
	{ "twice the memory: half the pause", 32 * GIB_KIB, 100, 50 },
	{ "half the memory: twice the pause", 8 * GIB_KIB, 10, 20 },
	{ "11 ms", 145 * GIB_KIB, 100, 11 },
	{ "at the least pause", 160 * GIB_KIB, 100, 10 },
	{ "just past the least pause", 178 * GIB_KIB, 100, 10 },
	{ "never below the least pause", 16 * GIB_KIB, 1, 10 },
	{ "24 TiB", 24 * 1024 * GIB_KIB, 100000, 65 },
	{ "what the kernel takes at most", 1, UINT64_MAX, UINT32_MAX },
	{ "no memory at all", 0, 100, 10 },
};

START_TEST(larger_hosts_pause_less)
{
	set_guest_of(1);
	fx.host.mem_available_kib = 0;
	fx.host.mem_total_kib = sleeps[_i].total_kib;
	fx.conf.ksm.sleep_ms = sleeps[_i].sleep_ms;
	ck_assert_msg(step().sleep_ms == sleeps[_i].expected_ms, "%s: %lu", sleeps[_i].name,
		      (unsigned long)step().sleep_ms);
}
END_TEST

static const struct {
	const char *name;
	uint64_t interval_s, after_ns;
	bool kicked, steps;
} timings[] = {
	{ "just before the interval ends", 60, SECONDS(60) - 1, false, false },
	{ "at the end of the interval", 60, SECONDS(60), false, true },
	{ "kicked just within 5 s of the last step", 60, SECONDS(5) - 1, true, false },
	{ "kicked 5 s after the last step", 60, SECONDS(5), true, true },
	{ "5 s after the last step, not kicked", 60, SECONDS(5), false, false },
	{ "an interval shorter than a kick's, just before", 3, SECONDS(3) - 1, true, false },
	{ "an interval shorter than a kick's", 3, SECONDS(3), true, true },
	{ "the clock stands still", 60, 0, true, false },
};

START_TEST(a_step_comes_with_the_interval_or_with_a_kick)
{
	struct ksm_plan plan;

	set_guest_of(1);
	fx.host.mem_available_kib = 0;
	fx.conf.ksm.interval_s = timings[_i].interval_s;
	ck_assert_uint_eq(step_at(SECONDS(100)).pages_to_scan, 300);
	fx.view.kicked = timings[_i].kicked;
	plan = step_at(SECONDS(100) + timings[_i].after_ns);
	ck_assert_msg(plan.pages_to_scan == (timings[_i].steps ? 600 : 300), "%s: %lu pages",
		      timings[_i].name, (unsigned long)plan.pages_to_scan);
	ck_assert_msg(plan.run && plan.why == WHY_MEMORY_SHORT, "%s: the plan changed",
		      timings[_i].name);
}
END_TEST

START_TEST(thirty_kicks_within_a_moment_are_one_step_now_and_one_later)
{
	set_guest_of(1);
	fx.host.mem_available_kib = 0;
	(void)step_at(SECONDS(100));
	fx.view.kicked = true;
	for (uint64_t i = 1; i <= 30; i++)
		ck_assert_uint_eq(step_at(SECONDS(100) + i * KT_NS_PER_MS * 100).pages_to_scan,
				  300);
	fx.view.kicked = false;
	ck_assert_uint_eq(step_at(SECONDS(105)).pages_to_scan, 600);
	ck_assert_uint_eq(step_at(SECONDS(111)).pages_to_scan, 600);
}
END_TEST

START_TEST(a_boost_after_decay_starts_at_the_minimum)
{
	set_guest_of(1);
	fx.host.mem_available_kib = TARGET;
	for (uint64_t i = 1; i <= 10; i++)
		ck_assert_uint_eq(step_at(SECONDS(60 * i)).pages_to_scan, 64);
	fx.host.mem_available_kib = TARGET - 1;
	ck_assert_uint_eq(step_at(SECONDS(660)).pages_to_scan, 364);
}
END_TEST

START_TEST(the_scan_rate_survives_a_rest)
{
	set_guest_of(1);
	fx.host.mem_available_kib = 0;
	(void)step_at(SECONDS(100));
	ck_assert_uint_eq(step_at(SECONDS(160)).pages_to_scan, 600);
	fx.host.mem_available_kib = 16 * GIB_KIB;
	ck_assert(!step_at(SECONDS(220)).run);
	ck_assert(!step_at(SECONDS(280)).run);
	fx.host.mem_available_kib = 0;
	ck_assert_uint_eq(step_at(SECONDS(340)).pages_to_scan, 900);
}
END_TEST

START_TEST(a_restarted_daemon_goes_on_at_the_speed_in_force)
{
	set_guest_of(1);
	fx.host.mem_available_kib = 0;
	fx.host.ksm.run = 1;
	fx.host.ksm.pages_to_scan = 900;
	fx.in_force.ksm.ours = true;
	ck_assert_uint_eq(step_at(SECONDS(100)).pages_to_scan, 1200);
	host_of_16_gib();
	set_guest_of(1);
	fx.host.mem_available_kib = 0;
	fx.host.ksm.run = 1;
	fx.host.ksm.pages_to_scan = 900; /* somebody else's speed is no beginning */
	ck_assert_uint_eq(step_at(SECONDS(100)).pages_to_scan, 300);
}
END_TEST

START_TEST(a_short_stand_down_brings_no_extra_step)
{
	set_guest_of(1);
	fx.host.mem_available_kib = 0;
	(void)step_at(SECONDS(100));
	fx.view.guest[0].present = false;
	ck_assert_int_eq(step_at(SECONDS(110)).why, WHY_NO_MERGEABLE_GUEST);
	fx.view.guest[0].present = true;
	ck_assert_uint_eq(step_at(SECONDS(120)).pages_to_scan, 300);
	ck_assert_uint_eq(step_at(SECONDS(160)).pages_to_scan, 600);
}
END_TEST

/* ---- the original, with all its mistakes ------------------------------------------- */

static const struct {
	const char *name;
	uint64_t free_kib, buffers_kib, cached_kib, committed_kib, pages_before;
	bool run;
	uint64_t pages;
} originals[] = {
	{ "free, buffers and cache count, whatever is available", TARGET - 2, 1, 1, 1, 64, true,
	  64 },
	{ "... and one KiB less is short", TARGET - 3, 1, 1, 1, 64, true, 364 },
	{ "rest", TARGET - 1, 1, 1, 1, 364, false, 364 },
	{ "committed", TARGET - 1, 1, 1, UNCOMMITTED, 364, true, 314 },
};

START_TEST(the_original_law_adds_up_free_memory_and_counts_every_guest)
{
	struct ksm_plan plan;

	fx.conf.ksm.policy = KSM_POLICY_KSMTUNED_ORIGINAL;
	set_guest_of(0);
	(void)fixture_guest(1);
	fx.domain[1].hugepages = true;
	fx.sample[1].rss_kib = originals[_i].committed_kib;
	fx.host.mem_available_kib = 0;
	fx.host.mem_free_kib = originals[_i].free_kib;
	fx.host.buffers_kib = originals[_i].buffers_kib;
	fx.host.cached_kib = originals[_i].cached_kib;
	fx.state.ksm.pages = originals[_i].pages_before;
	ck_assert_int_eq(step_at(SECONDS(100)).wish, WISH_HOLD);
	plan = step_at(SECONDS(160));
	ck_assert_msg(plan.run == originals[_i].run && plan.pages_to_scan == originals[_i].pages,
		      "%s: run %d, %lu pages", originals[_i].name, plan.run,
		      (unsigned long)plan.pages_to_scan);
}
END_TEST

START_TEST(the_original_first_sleeps_and_hears_no_event)
{
	fx.conf.ksm.policy = KSM_POLICY_KSMTUNED_ORIGINAL;
	set_guest_of(1);
	fx.view.kicked = true;
	ck_assert_int_eq(step_at(SECONDS(100)).wish, WISH_HOLD);
	ck_assert_int_eq(step_at(SECONDS(160) - 1).wish, WISH_HOLD);
	ck_assert_uint_eq(step_at(SECONDS(160)).pages_to_scan, 300);
	ck_assert_uint_eq(step_at(SECONDS(219)).pages_to_scan, 300);
	ck_assert_uint_eq(step_at(SECONDS(220)).pages_to_scan, 600);
}
END_TEST

/* 2,048 was meant to be MiB, and is 2 MiB. */
START_TEST(the_originals_floor_is_in_kib)
{
	fx.conf.ksm.policy = KSM_POLICY_KSMTUNED_ORIGINAL;
	fx.conf.ksm.free_target_percent = 0;
	set_guest_of(1);
	fx.host.mem_free_kib = 2048;
	(void)step_at(SECONDS(100));
	ck_assert_int_eq(step_at(SECONDS(160)).why, WHY_MEMORY_COMMITTED);
	fx.host.mem_free_kib = 2047;
	ck_assert_int_eq(step_at(SECONDS(220)).why, WHY_MEMORY_SHORT);
}
END_TEST

static void randomize(uint64_t *seed)
{
	struct ksm_conf *c = &fx.conf.ksm;

	c->interval_s = 1 + fixture_any(seed) / 2;
	c->boost_pages = fixture_any(seed);
	c->decay_pages = fixture_any(seed);
	c->min_pages = 1 + fixture_below(seed, 2000);
	c->max_pages = c->min_pages + fixture_below(seed, 2000);
	c->sleep_ms = fixture_any(seed);
	c->free_target_percent = fixture_below(seed, 101);
	c->free_target_min_mib = fixture_any(seed);
	fx.host.mem_total_kib = fixture_any(seed);
	fx.host.mem_available_kib = fixture_any(seed);
	fx.sample[0].rss_kib = fixture_any(seed);
	fx.sample[1].rss_kib = fixture_any(seed);
	fx.view.now_ns = fixture_any(seed);
	fx.view.kicked = fixture_below(seed, 2);
	fx.view.guests_known = fixture_below(seed, 4);
	fx.state.ksm.pages = fixture_any(seed);
	fx.state.ksm.last_step_ns = fixture_any(seed);
	fx.state.ksm.stepped = fixture_below(seed, 2);
}

START_TEST(any_numbers_give_a_plan_within_limits)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)_i;

	fixture_guest(1);
	fixture_guest(1);
	for (int i = 0; i < 20000; i++) {
		struct ksm_plan plan;

		randomize(&seed);
		fx.state.ksm.stepped = false;
		plan = step();
		if (plan.wish != WISH_SET) {
			ck_assert_int_eq(plan.why, WHY_GUESTS_UNKNOWN);
			continue;
		}
		ck_assert_msg(plan.pages_to_scan >= fx.conf.ksm.min_pages, "seed %d, round %d", _i,
			      i);
		ck_assert_msg(!plan.run || plan.pages_to_scan <= fx.conf.ksm.max_pages,
			      "seed %d, round %d", _i, i);
		ck_assert_msg(plan.sleep_ms >= 10 && plan.sleep_ms <= UINT32_MAX,
			      "seed %d, round %d", _i, i);
		ck_assert_msg(step().pages_to_scan == plan.pages_to_scan,
			      "seed %d, round %d: stepped again", _i, i);
	}
}
END_TEST

/* Less memory never means less scanning, whatever the numbers. */
START_TEST(less_memory_never_means_less_scanning)
{
	uint64_t seed = UINT64_C(0x2545f4914f6cdd1d) + (uint64_t)_i;

	fixture_guest(1);
	fixture_guest(1);
	for (int i = 0; i < 20000; i++) {
		struct ksm_policy before;
		struct ksm_plan more, less;

		randomize(&seed);
		fx.view.guests_known = true;
		fx.state.ksm.stepped = false;
		before = fx.state.ksm;
		more = step();
		fx.state.ksm = before;
		fx.host.mem_available_kib -= fixture_below(&seed, fx.host.mem_available_kib | 1);
		less = step();
		ck_assert_msg(less.run >= more.run, "seed %d, round %d: stops", _i, i);
		ck_assert_msg(!more.run || less.pages_to_scan >= more.pages_to_scan,
			      "seed %d, round %d: slower", _i, i);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ksm_policy");
	TCase *c = tcase_create("law");

	tcase_add_checked_fixture(c, host_of_16_gib, NULL);
	tcase_add_loop_test(c, the_law_is_ksmtuneds, 0, (int)KT_ARRAY_LEN(law_rows));
	tcase_add_loop_test(c, the_target_is_a_share_of_memory_and_at_least_so_much, 0,
			    (int)KT_ARRAY_LEN(targets));
	tcase_add_loop_test(c, larger_hosts_pause_less, 0, (int)KT_ARRAY_LEN(sleeps));
	tcase_add_loop_test(c, a_step_comes_with_the_interval_or_with_a_kick, 0,
			    (int)KT_ARRAY_LEN(timings));
	tcase_add_test(c, thirty_kicks_within_a_moment_are_one_step_now_and_one_later);
	tcase_add_test(c, a_boost_after_decay_starts_at_the_minimum);
	tcase_add_test(c, the_scan_rate_survives_a_rest);
	tcase_add_test(c, a_restarted_daemon_goes_on_at_the_speed_in_force);
	tcase_add_test(c, a_short_stand_down_brings_no_extra_step);
	tcase_add_loop_test(c, the_original_law_adds_up_free_memory_and_counts_every_guest, 0,
			    (int)KT_ARRAY_LEN(originals));
	tcase_add_test(c, the_original_first_sleeps_and_hears_no_event);
	tcase_add_test(c, the_originals_floor_is_in_kib);
	tcase_add_loop_test(c, any_numbers_give_a_plan_within_limits, 1, 6);
	tcase_add_loop_test(c, less_memory_never_means_less_scanning, 1, 6);
	suite_add_tcase(s, c);
	return kt_run(s);
}
