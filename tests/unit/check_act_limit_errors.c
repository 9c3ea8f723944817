/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in force when libvirt refuses a soft limit, or its answer is lost? */
#include "act_limit_fixture.h"

START_TEST(a_request_that_was_never_sent_is_sent_again)
{
	answer_now = -ENOTCONN;
	limit(1000000);
	make_old(at(run_dir, "undo"));
	limit(1000000);
	ck_assert(is_old(at(run_dir, "undo")));
	ck_assert(!in_force()->limit_pending);
	answer_now = 0;
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ETIMEDOUT);
	limit(1000000);
	assert_done(1000000);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
}
END_TEST

START_TEST(what_was_never_sent_need_not_be_lifted)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ETIMEDOUT);
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_lost_answer_may_have_been_a_yes)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ENOTCONN);
	ck_assert(exists(at(run_dir, "undo")));
	limit(1000000); /* the fact is of before */
	assert_expects(KT_UNLIMITED_KIB, 1000000);
	assert_asked(1000000);
	reply(0, -ENOTCONN);
	release();
	assert_expects(KT_UNLIMITED_KIB, 1000000);
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* The undo file names what may be in force; to ask for that again could squeeze a guest that
 * has grown since. */
START_TEST(after_a_lost_answer_another_limit_begins_with_none)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ENOTCONN);
	limit(1100000);
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_str_eq(the_one(LOG_RESTORED)->from, "1000000 KiB");
	limit(1100000);
	assert_done(1100000);
	release();
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(what_a_fact_shows_after_a_lost_answer_is_not_asked_again)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ENOTCONN);
	fact(1000000);
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(in_force()->limited);
	limit(900000);
	assert_done(900000);
	release();
	assert_done(KT_UNLIMITED_KIB);
}
END_TEST

static void lose_the_answer_to_a_lift(void)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	limit(1000000);
	release();
	assert_asked(KT_UNLIMITED_KIB);
	reply(0, -ENOTCONN);
}

START_TEST(a_lift_whose_answer_is_lost_is_seen_in_the_facts)
{
	lose_the_answer_to_a_lift();
	fact(KT_UNLIMITED_KIB);
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!in_force()->limited && !in_force()->limit_ceded);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(!exists(at(run_dir, "undo")));
	limit(900000);
	assert_done(900000);
}
END_TEST

START_TEST(or_asked_for_again)
{
	lose_the_answer_to_a_lift();
	release(); /* facts may be late */
	assert_done(KT_UNLIMITED_KIB);
	ck_assert(!in_force()->limited);
	ck_assert_uint_eq(act_restore(act, 0), 0);
}
END_TEST

/* Any of three values may be there then, and a request expects two: what is going back does so
 * before the next limit, be it the one that was asked for last. */
START_TEST(after_a_limit_and_its_lift_were_lost_another_begins_with_none)
{
	limit(1000000);
	assert_done(1000000);
	limit(900000);
	fact(1000000);
	assert_asked(900000);
	reply(0, -ENOTCONN);
	release();
	assert_asked(KT_UNLIMITED_KIB);
	reply(0, -ENOTCONN); /* and yet it was done */
	limit(900000);
	assert_done(KT_UNLIMITED_KIB);
	limit(900000);
	assert_done(900000);
	release();
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(a_limit_whose_lift_may_be_done_is_set_again)
{
	lose_the_answer_to_a_lift();
	limit(1000000);
	assert_done(1000000);
	ck_assert(in_force()->limited);
	fact(KT_UNLIMITED_KIB); /* late */
	limit(1000000);
	fact(1000000);
	limit(1000000);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(a_limit_whose_answer_and_lift_were_lost_may_be_in_force)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	limit(900000);
	assert_asked(900000);
	reply(0, -ENOTCONN); /* it was done */
	release();
	assert_asked(KT_UNLIMITED_KIB);
	reply(0, -ENOTCONN); /* it was not */
	fact(900000);
	release();
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(facts_of_before_the_question_are_no_answer)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ENOTCONN);
	for (int i = 0; i < 3; i++) {
		release();
		assert_asked(KT_UNLIMITED_KIB);
		reply(0, -ENOTCONN);
	}
	ck_assert(exists(at(run_dir, "undo")));
	ck_assert_uint_eq(act_restore(act, 0), 1);
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(act_restore(act, 0), 0);
}
END_TEST

START_TEST(nor_if_they_are_the_same)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	limit(900000);
	assert_done(900000);
	limit(1000000); /* facts show the first one still */
	assert_asked(1000000);
	reply(0, -ENOTCONN);
	limit(1000000);
	assert_asked(1000000);
	reply(1000000, 0);
	fact(900000);
	limit(1000000);
	fact(1000000);
	limit(1000000);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(nor_is_a_limit_that_was_lifted_since)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	release();
	assert_done(KT_UNLIMITED_KIB);
	limit(900000); /* facts show the first one still */
	assert_asked(900000);
	reply(0, -ETIMEDOUT);
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ETIMEDOUT);
	limit(1000000);
	assert_expects(KT_UNLIMITED_KIB, KT_UNLIMITED_KIB);
	assert_done(1000000);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* It was done, and lifted; facts may be as late as that. */
START_TEST(a_limit_whose_answer_was_lost_is_no_original)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	limit(900000);
	assert_asked(900000);
	reply(0, -ENOTCONN);
	release();
	assert_asked(KT_UNLIMITED_KIB);
	fact(900000);
	reply(KT_UNLIMITED_KIB, 0);
	limit(950000);
	ck_assert_uint_eq(request[0].order.original_kib, KT_UNLIMITED_KIB);
	assert_expects(KT_UNLIMITED_KIB, KT_UNLIMITED_KIB);
	assert_done(950000);
}
END_TEST

START_TEST(somebody_elses_limit_is_seen_after_a_lost_answer)
{
	lose_the_answer_to_a_lift();
	fact(5000000);
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_str_eq(the_one(LOG_CEDED)->to, "5000000 KiB");
}
END_TEST

START_TEST(a_lift_that_is_refused_by_the_queue_is_not_repeated)
{
	limit(1000000);
	assert_done(1000000);
	answer_now = -EINVAL;
	release();
	release();
	ck_assert_uint_eq(act_restore(act, 0), 0);
	answer_now = 0;
	ck_assert_uint_eq(act_restore(act, 0), 0);
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert(exists(at(run_dir, "undo")));
	act_forgive(act);
	release();
	assert_done(KT_UNLIMITED_KIB);
}
END_TEST

START_TEST(a_lift_that_ends_elsewhere_is_somebody_elses)
{
	limit(1000000);
	assert_done(1000000);
	release();
	assert_asked(KT_UNLIMITED_KIB);
	reply(4000000, 0);
	ck_assert_str_eq(the_one(LOG_CEDED)->to, "4000000 KiB");
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(an_answer_that_nobody_waits_for_is_ignored)
{
	struct uuid other = uuid;

	bind();
	reply(1000000, 0);
	reply(0, -EIO);
	ck_assert(!in_force()->limited && !in_force()->limit_off);
	other.byte[15] = 1;
	act_reply(act, &(struct vm_reply){ .uuid = other, .soft_limit_kib = 1 }, 1);
	act_forget(act, &other);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(a_limit_of_a_guest_that_libvirt_loses_is_told_of)
{
	limit(1000000);
	assert_done(1000000);
	act_forget(act, &uuid);
	ck_assert_str_eq(the_one(LOG_WRITE_REFUSED)->reason, "guest-lost");
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, "process (42) lives"));
	ck_assert_uint_eq(act_restore(act, 0), 0);
}
END_TEST

START_TEST(of_a_guest_without_a_limit_there_is_nothing_to_tell)
{
	bind();
	act_forget(act, &uuid);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(a_limit_of_a_guest_that_has_gone_went_with_it)
{
	limit(1000000);
	assert_done(1000000);
	ck_assert_int_eq(unlink(at(root, "proc/42/stat")), 0);
	nsaid = 0;
	act_forget(act, &uuid);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(a_guest_that_is_not_there_is_left_alone)
{
	plan->guest[SLOT].present = false;
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
	plan->guest[SLOT].present = true;
	plan->nslots = SLOT;
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(a_refusal_is_said_once_and_ends_it)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -ENOTSUP);
	limit(900000);
	limit(800000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(in_force()->limit_off && !in_force()->limited);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, ENOTSUP);
	ck_assert(!exists(at(run_dir, "undo")));
	act_forgive(act);
	limit(900000);
	assert_done(900000);
}
END_TEST

static const int no_permission[] = { -EACCES, -EPERM };

START_TEST(who_may_not_is_sent_to_the_permissions)
{
	limit(1000000);
	reply(0, no_permission[_i]);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, -no_permission[_i]);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, "polkit"));
}
END_TEST

START_TEST(a_failure_is_tried_again_later)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -EIO); /* the moment is 2000 ns */
	plan->now_ns = 10 * KT_NS_PER_S + 1999;
	limit(900000);
	ck_assert_uint_eq(nrequests, 0);
	plan->now_ns++;
	limit(900000);
	assert_done(900000);
	fact(900000);
	release();
	assert_asked(KT_UNLIMITED_KIB);
	reply(0, -EIO);
	plan->now_ns = 10 * KT_NS_PER_S + 2000; /* it has worked meanwhile */
	release();
	assert_done(KT_UNLIMITED_KIB);
	ck_assert(!in_force()->limited && !in_force()->limit_off);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 2);
}
END_TEST

START_TEST(what_was_set_before_a_refusal_is_given_back)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	limit(900000);
	assert_asked(900000);
	reply(0, -EIO);
	ck_assert(in_force()->limit_off && in_force()->limited);
	release();
	assert_done(KT_UNLIMITED_KIB);
	ck_assert(!in_force()->limited);
}
END_TEST

START_TEST(a_second_refusal_is_no_news)
{
	limit(1000000);
	assert_done(1000000);
	fact(1000000);
	limit(900000);
	assert_asked(900000);
	reply(0, -EIO);
	release();
	assert_asked(KT_UNLIMITED_KIB);
	reply(0, -EIO);
	ck_assert(in_force()->limit_off && in_force()->limited);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
}
END_TEST

START_TEST(a_refused_request_is_a_refusal_too)
{
	answer_now = -EINVAL;
	limit(0);
	limit(0);
	ck_assert(in_force()->limit_off);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(an_original_that_is_refused_stays_on_file)
{
	limit(1000000);
	assert_done(1000000);
	ck_assert_uint_eq(act_restore(act, 0), 1);
	assert_asked(KT_UNLIMITED_KIB);
	reply(0, -EIO);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert_int_eq(act_again(), 1);
	ck_assert_uint_eq(act_restore(act, 0), 1);
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* By now libvirt may be well, and nobody will ask later. */
START_TEST(a_lift_that_was_refused_for_a_while_is_asked_for_once_more_at_the_stop)
{
	limit(1000000);
	assert_done(1000000);
	release();
	assert_asked(KT_UNLIMITED_KIB);
	reply(0, -EIO);
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_uint_eq(act_restore(act, 3000), 1);
	assert_asked(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(act_restore(act, 3000), 1); /* its answer is waited for */
	ck_assert_uint_eq(nrequests, 0);
	reply(KT_UNLIMITED_KIB, _i ? -EIO : 0);
	ck_assert_uint_eq(act_restore(act, 3000), 0);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(act_owes(act) == _i && exists(at(run_dir, "undo")) == _i);
}
END_TEST

START_TEST(what_libvirt_may_not_do_is_not_asked_for_once_more_at_the_stop)
{
	limit(1000000);
	assert_done(1000000);
	release();
	assert_asked(KT_UNLIMITED_KIB);
	reply(0, -EPERM);
	ck_assert_uint_eq(act_restore(act, 3000), 0);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(act_owes(act));
}
END_TEST

/* Readings failed, all was given back as at a stop, and then there are plans again. */
START_TEST(each_stop_has_a_last_chance)
{
	limit(1000000);
	assert_done(1000000);
	release();
	assert_asked(KT_UNLIMITED_KIB);
	reply(0, -EIO);
	for (int stop = 0; stop < 2; stop++) {
		ck_assert_uint_eq(act_restore(act, 3000), 1);
		assert_asked(KT_UNLIMITED_KIB);
		reply(0, -EIO);
		ck_assert_uint_eq(act_restore(act, 3000), 0);
		ck_assert_uint_eq(nrequests, 0);
		release();
		ck_assert_uint_eq(nrequests, 0);
	}
}
END_TEST

START_TEST(a_guest_that_has_gone_is_nobodys_error)
{
	limit(1000000);
	assert_done(1000000);
	limit(900000);
	reply(0, -ENOENT); /* only libvirt does not know it */
	ck_assert(in_force()->limited && !in_force()->limit_off);
	limit(900000);
	ck_assert_int_eq(unlink(at(root, "proc/42/stat")), 0);
	reply(0, -ENOENT);
	ck_assert(!in_force()->limited && !in_force()->limit_off && !in_force()->limit_pending);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(what_cannot_be_remembered_is_not_asked_for)
{
	ck_assert_int_eq(mkdir(at(run_dir, "undo.tmp"), 0700), 0);
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!in_force()->limit_pending);
	ck_assert_int_eq(rmdir(at(run_dir, "undo.tmp")), 0);
	limit(1000000);
	assert_done(1000000);
	release();
	assert_done(KT_UNLIMITED_KIB);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_limit_errors");
	TCase *c = tcase_create("errors");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_request_that_was_never_sent_is_sent_again);
	tcase_add_test(c, what_was_never_sent_need_not_be_lifted);
	tcase_add_test(c, a_lost_answer_may_have_been_a_yes);
	tcase_add_test(c, after_a_lost_answer_another_limit_begins_with_none);
	tcase_add_test(c, what_a_fact_shows_after_a_lost_answer_is_not_asked_again);
	tcase_add_test(c, a_lift_whose_answer_is_lost_is_seen_in_the_facts);
	tcase_add_test(c, or_asked_for_again);
	tcase_add_test(c, after_a_limit_and_its_lift_were_lost_another_begins_with_none);
	tcase_add_test(c, a_limit_whose_lift_may_be_done_is_set_again);
	tcase_add_test(c, a_limit_whose_answer_and_lift_were_lost_may_be_in_force);
	tcase_add_test(c, facts_of_before_the_question_are_no_answer);
	tcase_add_test(c, nor_if_they_are_the_same);
	tcase_add_test(c, nor_is_a_limit_that_was_lifted_since);
	tcase_add_test(c, a_limit_whose_answer_was_lost_is_no_original);
	tcase_add_test(c, somebody_elses_limit_is_seen_after_a_lost_answer);
	tcase_add_test(c, a_lift_that_is_refused_by_the_queue_is_not_repeated);
	tcase_add_test(c, a_lift_that_ends_elsewhere_is_somebody_elses);
	tcase_add_test(c, an_answer_that_nobody_waits_for_is_ignored);
	tcase_add_test(c, a_limit_of_a_guest_that_libvirt_loses_is_told_of);
	tcase_add_test(c, of_a_guest_without_a_limit_there_is_nothing_to_tell);
	tcase_add_test(c, a_limit_of_a_guest_that_has_gone_went_with_it);
	tcase_add_test(c, a_guest_that_is_not_there_is_left_alone);
	tcase_add_test(c, a_refusal_is_said_once_and_ends_it);
	tcase_add_loop_test(c, who_may_not_is_sent_to_the_permissions, 0, 2);
	tcase_add_test(c, a_failure_is_tried_again_later);
	tcase_add_test(c, what_was_set_before_a_refusal_is_given_back);
	tcase_add_test(c, a_second_refusal_is_no_news);
	tcase_add_test(c, a_refused_request_is_a_refusal_too);
	tcase_add_test(c, an_original_that_is_refused_stays_on_file);
	tcase_add_loop_test(
		c, a_lift_that_was_refused_for_a_while_is_asked_for_once_more_at_the_stop, 0, 2);
	tcase_add_test(c, what_libvirt_may_not_do_is_not_asked_for_once_more_at_the_stop);
	tcase_add_test(c, each_stop_has_a_last_chance);
	tcase_add_test(c, a_guest_that_has_gone_is_nobodys_error);
	tcase_add_test(c, what_cannot_be_remembered_is_not_asked_for);
	suite_add_tcase(s, c);
	return kt_run(s);
}
