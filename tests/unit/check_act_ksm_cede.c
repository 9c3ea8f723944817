/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is somebody else noticed, and is nothing left to him that only we would end? */
#include "ksm_kernel.h"

static void plan_is(bool run, bool sweep)
{
	wish(run, 833, 5);
	plan->ksm.sweep = sweep;
	apply();
}

static void by_foreign_speed(void)
{
	put(knob("pages_to_scan"), "777\n");
	act_apply(act, plan);
}

static void by_hold(void)
{
	plan->ksm = (struct ksm_plan){ .wish = WISH_HOLD, .why = WHY_KERNEL_ADVISOR };
	act_apply(act, plan);
}

static void by_observing(void)
{
	plan->ksm.dry_run = true;
	act_apply(act, plan);
}

static void by_leaving(void)
{
	act_leave(act);
}

static void (*const ends[])(void) = { by_foreign_speed, by_hold, by_observing, by_leaving };

START_TEST(no_sweep_stays_when_nobody_counts_its_passes)
{
	plan_is(true, true);
	assert_file("smart_scan", "0\n");
	ends[_i]();
	assert_file("smart_scan", "1\n");
	ck_assert(!undo_names("smart_scan"));
	ck_assert_uint_eq(count_said(LOG_RESTORED), 1);
	act_apply(act, plan);
	ck_assert_uint_eq(count_said(LOG_RESTORED), 1);
}
END_TEST

START_TEST(after_many_foreign_values_one_reload_is_enough)
{
	plan_is(true, false);
	put(knob("pages_to_scan"), "300\n");
	put(knob("sleep_millisecs"), "77\n");
	put(knob("run"), "0\n");
	act_apply(act, plan);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	act_forgive(act);
	act_apply(act, plan);
	ck_assert(!act_in_force(act)->ksm.ceded);
	assert_file("run", "1\n");
	assert_file("pages_to_scan", "833\n");
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_file("run", "0\n");
	assert_file("pages_to_scan", "300\n");
	assert_file("sleep_millisecs", "77\n");
}
END_TEST

START_TEST(who_starts_ksm_while_it_rests_is_somebody_else)
{
	plan_is(false, false);
	ck_assert(!act_in_force(act)->ksm.ours);
	put(knob("run"), "1\n");
	plan_is(false, false);
	assert_file("run", "1\n");
	ck_assert(act_in_force(act)->ksm.ceded);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	act_forgive(act);
	plan_is(false, false); /* by the word of whoever reloads */
	assert_file("run", "0\n");
}
END_TEST

START_TEST(a_start_of_our_own_is_nobody_elses)
{
	plan_is(false, false);
	plan_is(true, false);
	plan_is(false, false);
	plan_is(true, false);
	assert_file("run", "1\n");
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	plan->ksm = (struct ksm_plan){ .wish = WISH_RELEASE, .why = WHY_NO_MERGEABLE_GUEST };
	act_apply(act, plan);
	put(knob("run"), "1\n"); /* while we have nothing to do with it */
	plan_is(true, false);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* The child dies with us, and the kernel stops then. */
START_TEST(a_life_that_died_while_its_child_unmerged_is_taken_over)
{
	put(at(run_dir, "undo"), "kvmtuned-undo 2\nksm run 1 1 2\nend 1\n");
	put(knob("run"), "0\n");
	(void)act_again();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_file("run", "1\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_ksm_cede");
	TCase *c = tcase_create("cede");

	tcase_add_checked_fixture(c, setup_kernel, teardown_kernel);
	tcase_add_loop_test(c, no_sweep_stays_when_nobody_counts_its_passes, 0,
			    (int)KT_ARRAY_LEN(ends));
	tcase_add_test(c, after_many_foreign_values_one_reload_is_enough);
	tcase_add_test(c, who_starts_ksm_while_it_rests_is_somebody_else);
	tcase_add_test(c, a_start_of_our_own_is_nobody_elses);
	tcase_add_test(c, a_life_that_died_while_its_child_unmerged_is_taken_over);
	suite_add_tcase(s, c);
	return kt_run(s);
}
