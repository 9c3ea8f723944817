/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a soft limit reach the guest once, and is it lifted, whatever order answers and
 * facts come in? */
#include "act_limit_fixture.h"

START_TEST(a_limit_is_on_file_then_asked_for_then_in_force)
{
	const struct said *s;

	limit(1000000);
	ck_assert(request[0].was_on_file);
	ck_assert(in_force()->limit_pending && !in_force()->limited);
	limit(1000000);
	limit(900000); /* not before the answer */
	assert_asked(1000000);
	ck_assert_uint_eq(nsaid, 0);
	ck_assert_uint_eq(in_force()->pending_limit_kib, 1000000);

	reply(1000000, 0);
	ck_assert(!in_force()->limit_pending && in_force()->limited);
	ck_assert_uint_eq(in_force()->pending_limit_kib, 0);
	ck_assert_uint_eq(in_force()->soft_limit_kib, 1000000);
	s = the_one(LOG_MEMTUNE_CHANGED);
	ck_assert_str_eq(s->from, "unlimited");
	ck_assert_str_eq(s->to, "1000000 KiB");
	ck_assert_str_eq(s->reason, "idlest-under-pressure");
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(the_original_is_the_first_one_and_comes_back)
{
	fact(5000000);
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	limit(900000);
	assert_done(900000);
	fact(900000);
	release();
	release();
	ck_assert(in_force()->limit_pending);
	ck_assert_uint_eq(in_force()->pending_limit_kib, 0);
	assert_done(5000000);
	ck_assert(!in_force()->limited);
	ck_assert_str_eq(the_one(LOG_RESTORED)->reason, "host-calm");
	fact(5000000);
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_page_that_the_kernel_rounds_off_is_no_foreigner)
{
	limit(1000003);
	assert_asked(1000003);
	reply(1000000, 0);
	ck_assert_uint_eq(in_force()->soft_limit_kib, 1000000);
	fact(1000000);
	limit(1000003);
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(hold_asks_for_nothing)
{
	limit(1000000);
	assert_done(1000000);
	plan->guest[SLOT].memory.wish = WISH_HOLD;
	fact(777);
	act_apply(act, plan);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(in_force()->limited);
}
END_TEST

/* ---- late facts and foreign ones --------------------------------------- */

START_TEST(facts_may_be_late)
{
	limit(1000000);
	assert_done(1000000);
	limit(900000); /* the fact is still "unlimited" */
	assert_done(900000);
	fact(1000000);
	limit(800000);
	assert_done(800000);
	limit(800000);
	fact(900000);
	limit(800000);
	fact(800000);
	limit(800000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* ... also where libvirt did not take the next request, or it could not be put on file. */
START_TEST(facts_are_late_whatever_became_of_the_next_step)
{
	limit(1000000);
	assert_done(1000000);
	limit(900000);
	assert_done(900000);
	fact(1000000); /* two limits ago */
	if (_i)
		answer_now = -EAGAIN;
	else
		ck_assert_int_eq(mkdir(at(run_dir, "undo.tmp"), 0700), 0);
	limit(800000);
	limit(800000);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(in_force()->limited);
	answer_now = 0;
	(void)rmdir(at(run_dir, "undo.tmp"));
	limit(800000);
	assert_done(800000);
	release();
	assert_done(KT_UNLIMITED_KIB);
}
END_TEST

static const struct {
	uint64_t confirmed, foreign; /* facts */
	const char *what;
} foreign[] = {
	{ 1000000, 2000000, "another limit" },
	{ 1000000, 999900, "a little less" },
	{ 1000000, 1000001, "a little more" },
	{ 1000000, KT_UNLIMITED_KIB, "none, as before us, after a fact showed ours" },
	{ KT_UNLIMITED_KIB, 2000000, "another limit, before any fact showed ours" },
};

START_TEST(a_foreign_limit_is_ceded_once_and_stays)
{
	limit(1000000);
	assert_done(1000000);
	fact(foreign[_i].confirmed);
	limit(1000000);
	fact(foreign[_i].foreign);
	limit(900000);
	limit(800000);
	ck_assert_msg(in_force()->limit_ceded && !in_force()->limited, "%s", foreign[_i].what);
	ck_assert_int_eq(the_one(LOG_CEDED)->level, LOG_LEVEL_WARNING);
	release();
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_msg(nrequests == 0, "%s", foreign[_i].what);
	ck_assert(!exists(at(run_dir, "undo")));

	act_forgive(act);
	limit(700000);
	assert_done(700000);
	release();
	assert_asked(foreign[_i].foreign);
}
END_TEST

START_TEST(an_answer_that_is_not_what_was_asked_is_somebody_elses)
{
	limit(1000000);
	assert_asked(1000000);
	reply(3000000, 0);
	ck_assert(in_force()->limit_ceded && !in_force()->limited);
	ck_assert_str_eq(the_one(LOG_CEDED)->to, "3000000 KiB");
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(a_foreign_limit_of_the_last_facts_is_seen_at_the_end)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	limit(1000000);
	fact(2000000);
	plan->guest[SLOT].memory.wish = WISH_HOLD;
	act_apply(act, plan);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

START_TEST(a_lifted_limit_that_facts_still_show_is_no_original)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	release();
	assert_done(KT_UNLIMITED_KIB);
	limit(900000);
	assert_done(900000);
	release();
	assert_done(KT_UNLIMITED_KIB);
}
END_TEST

START_TEST(nor_is_the_limit_before_that_one)
{
	limit(1000000);
	assert_done(1000000);
	if (_i)
		fact(1000000);
	limit(900000);
	assert_done(900000);
	fact(1000000);
	release();
	assert_done(KT_UNLIMITED_KIB);
	limit(800000);
	assert_done(800000);
	limit(800000);
	release();
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* ---- what is said -------------------------------------------------------- */

static void limit_by_dry_run(uint64_t kib)
{
	plan->guest[SLOT].memory = (struct memory_plan){ .wish = WISH_SET,
							 .why = WHY_IDLEST_UNDER_PRESSURE,
							 .dry_run = true,
							 .means = MEMORY_SOFT_LIMIT,
							 .target_kib = kib };
	act_apply(act, plan);
}

static void release_by_dry_run(void)
{
	plan->guest[SLOT].memory = (struct memory_plan){ .wish = WISH_RELEASE, .dry_run = true };
	act_apply(act, plan);
}

static void hold(void)
{
	plan->guest[SLOT].memory.wish = WISH_HOLD;
	act_apply(act, plan);
}

START_TEST(a_dry_run_asks_for_nothing_and_repeats_nothing)
{
	limit_by_dry_run(1000000);
	limit_by_dry_run(1000000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert(the_one(LOG_MEMTUNE_CHANGED)->dry_run);
	ck_assert_str_eq(the_one(LOG_MEMTUNE_CHANGED)->to, "1000000 KiB");
	ck_assert_str_eq(the_one(LOG_MEMTUNE_CHANGED)->reason, "idlest-under-pressure");
}
END_TEST

/* Usage changes all the time, and with it the target of a step that is never made. */
START_TEST(a_dry_run_tells_once_until_it_would_let_go)
{
	for (uint64_t kib = 1000000; kib > 999000; kib -= 64) {
		limit_by_dry_run(kib);
		hold();
	}
	ck_assert_uint_eq(nsaid, 1);
	release_by_dry_run();
	ck_assert_uint_eq(nsaid, 1);
	limit_by_dry_run(1000000);
	ck_assert_uint_eq(nsaid, 2);
}
END_TEST

/* Else a squeeze of a thousand guests would be 160 lines a second. */
/* As after a reload: nobody would lift it when it does harm. */
START_TEST(a_limit_that_is_only_observed_is_lifted)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	plan->guest[SLOT].memory = (struct memory_plan){ .wish = WISH_HOLD, .dry_run = true };
	act_apply(act, plan);
	assert_done(KT_UNLIMITED_KIB);
	ck_assert(!in_force()->limited);
	ck_assert_str_eq(the_one(LOG_RESTORED)->reason, "switched-off");
	act_apply(act, plan);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(the_first_limit_is_told_and_its_end)
{
	for (uint64_t kib = 1000000; kib > 900000; kib -= 10000) {
		limit(kib);
		assert_done(kib);
		fact(kib);
		ck_assert_int_eq(said[nsaid - 1].id, LOG_MEMTUNE_CHANGED);
		ck_assert_int_eq(said[nsaid - 1].level,
				 nsaid == 1 ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG);
	}
	release();
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_int_eq(the_one(LOG_RESTORED)->level, LOG_LEVEL_NOTICE);
	ck_assert_str_eq(the_one(LOG_RESTORED)->from, "910000 KiB");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_memory");
	TCase *c = tcase_create("limit");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_limit_is_on_file_then_asked_for_then_in_force);
	tcase_add_test(c, the_original_is_the_first_one_and_comes_back);
	tcase_add_test(c, a_page_that_the_kernel_rounds_off_is_no_foreigner);
	tcase_add_test(c, hold_asks_for_nothing);
	tcase_add_test(c, facts_may_be_late);
	tcase_add_loop_test(c, facts_are_late_whatever_became_of_the_next_step, 0, 2);
	tcase_add_loop_test(c, a_foreign_limit_is_ceded_once_and_stays, 0, KT_ARRAY_LEN(foreign));
	tcase_add_test(c, an_answer_that_is_not_what_was_asked_is_somebody_elses);
	tcase_add_test(c, a_foreign_limit_of_the_last_facts_is_seen_at_the_end);
	tcase_add_test(c, a_lifted_limit_that_facts_still_show_is_no_original);
	tcase_add_loop_test(c, nor_is_the_limit_before_that_one, 0, 2);
	tcase_add_test(c, a_dry_run_asks_for_nothing_and_repeats_nothing);
	tcase_add_test(c, a_dry_run_tells_once_until_it_would_let_go);
	tcase_add_test(c, a_limit_that_is_only_observed_is_lifted);
	tcase_add_test(c, the_first_limit_is_told_and_its_end);
	suite_add_tcase(s, c);
	return kt_run(s);
}
