/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a soft limit of an earlier life, or of another host, find its way back? */
#include "act_limit_fixture.h"

/* ---- lives ------------------------------------------------------------- */

static const struct {
	uint64_t fact;
	bool ceded;
	size_t asked; /* by the same plan */
	const char *what;
} found[] = {
	{ 900000, false, 0, "as asked for" },
	{ 1000000, false, 1, "as before the last request: it was never done" },
	{ KT_UNLIMITED_KIB, false, 1, "as in the beginning" },
	{ 2000000, true, 0, "somebody else's" },
};

START_TEST(a_restart_believes_libvirts_first_fact)
{
	limit(1000000);
	assert_done(1000000);
	limit(900000);
	assert_asked(900000); /* and then the daemon dies */
	ck_assert_int_eq(act_again(), 1);
	bind();
	ck_assert(in_force()->limited);
	ck_assert_uint_eq(in_force()->soft_limit_kib, 900000);
	fact(found[_i].fact);
	limit(900000);
	ck_assert_msg(nrequests == found[_i].asked, "%s", found[_i].what);
	ck_assert_msg(in_force()->limit_ceded == found[_i].ceded, "%s", found[_i].what);
	for (size_t i = 0; i < nrequests; i++)
		reply(900000, 0);
	nrequests = 0;
	ck_assert_uint_eq(act_restore(act, 0), !found[_i].ceded);
	if (!found[_i].ceded)
		assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_limit_comes_back_without_any_plan)
{
	limit(1000000);
	assert_expects(KT_UNLIMITED_KIB, KT_UNLIMITED_KIB);
	assert_done(1000000);
	limit(900000);
	assert_expects(1000000, 1000000);
	assert_asked(900000); /* and then the daemon dies */
	ck_assert_int_eq(act_again(), 1);
	answer_now = -ENOTCONN;
	ck_assert_uint_eq(act_restore(act, 0), 1);
	answer_now = 0;
	ck_assert_uint_eq(act_restore(act, 0), 1);
	assert_expects(1000000, 900000);
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(act_restore(act, 0), 0);
}
END_TEST

START_TEST(a_restore_without_any_plan_leaves_what_libvirt_says_is_somebody_elses)
{
	limit(1000000);
	assert_done(1000000);
	ck_assert_int_eq(act_again(), 1);
	ck_assert(act_owes(act));
	answer_now = -ENOTCONN;
	ck_assert_uint_eq(act_restore(act, 0), 1);
	answer_now = 0;
	act_note_soft_limit(act, &uuid, 2000000);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!act_owes(act));
}
END_TEST

START_TEST(a_guest_that_went_between_two_lives_is_dropped)
{
	limit(1000000);
	assert_done(1000000);
	put(at(root, "proc/42/stat"),
	    "42 (another) S 1 42 42 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 778 0 0\n");
	ck_assert_int_eq(act_again(), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_guest_not_sampled_yet_keeps_what_is_in_force)
{
	limit(1000000);
	assert_done(1000000);
	ck_assert_int_eq(act_again(), 1);
	act_bind(act, SLOT, INCARNATION, &uuid, 0, 0);
	ck_assert(in_force()->limited);
	act_bind(act, SLOT, INCARNATION, &uuid, 42, 777);
	ck_assert(in_force()->limited);
	act_bind(act, SLOT, INCARNATION + 1, &uuid, 42, 778);
	ck_assert(!in_force()->limited);
}
END_TEST

START_TEST(a_slot_shows_its_own_guest_only)
{
	struct uuid other = { .byte = { 9 } };

	limit(1000000);
	assert_done(1000000);
	act_bind(act, SLOT, INCARNATION + 1, &other, 50, 1);
	ck_assert(!in_force()->limited);
	ck_assert_uint_eq(in_force()->incarnation, INCARNATION + 1);
	act_bind(act, SLOT + 1, INCARNATION, &uuid, 42, 777);
	ck_assert(act_in_force(act)->guest[SLOT + 1].limited);
	act_bind(act, KT_GUESTS_MAX, 1, &uuid, 42, 777);
	act_bind(act, SLOT, INCARNATION, &uuid, 42, 777);
	ck_assert(in_force()->limited);
	ck_assert(!act_in_force(act)->guest[SLOT + 1].limited);
}
END_TEST

/* ---- limits that came along --------------------------------------------- */

START_TEST(a_limit_that_came_along_is_ours)
{
	bind();
	adopt(1000000, 5000000);
	ck_assert(in_force()->limited);
	ck_assert_uint_eq(in_force()->soft_limit_kib, 1000000);
	limit(1000000);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(exists(at(run_dir, "undo")));
	limit(900000);
	assert_done(900000);
	adopt(900000, 6000000); /* as the facts say again and again */
	release();
	assert_done(5000000);
	ck_assert(!in_force()->limited);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	adopt(900000, 5000000); /* late */
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_limit_that_came_along_is_lifted_by_the_next_life)
{
	bind();
	adopt(1000000, KT_UNLIMITED_KIB);
	plan->guest[SLOT].memory.wish = WISH_HOLD;
	act_apply(act, plan);
	ck_assert_int_eq(act_again(), 1);
	ck_assert_uint_eq(act_restore(act, 0), 1);
	assert_done(KT_UNLIMITED_KIB);
	ck_assert_uint_eq(act_restore(act, 0), 0);
}
END_TEST

START_TEST(a_limit_that_came_along_and_was_changed_since_is_somebody_elses)
{
	bind();
	adopt(1000000, KT_UNLIMITED_KIB);
	fact(2000000);
	release();
	ck_assert_uint_eq(nrequests, 0);
	ck_assert_str_eq(the_one(LOG_CEDED)->to, "2000000 KiB");
	adopt(2000000, KT_UNLIMITED_KIB);
	ck_assert(!in_force()->limited && !act_owes(act));
}
END_TEST

static void adopt_a_limit_of_a_stranger(void)
{
	act_adopt_soft_limit(act, &(struct uuid){ .byte = { 7 } }, 1000000, KT_UNLIMITED_KIB);
}

static void adopt_what_is_no_limit(void)
{
	bind();
	adopt(1000000, 1000000);
}

static void adopt_before_the_process_is_known(void)
{
	act_bind(act, SLOT, INCARNATION, &uuid, 0, 0);
	adopt(1000000, KT_UNLIMITED_KIB);
}

static void adopt_without_an_undo_file(void)
{
	act_ends();
	ck_assert_int_eq(act_new(&fs, NULL, &ops, &act), 0);
	bind();
	adopt(1000000, KT_UNLIMITED_KIB);
}

static void (*const not_adopted[])(void) = { adopt_a_limit_of_a_stranger, adopt_what_is_no_limit,
					     adopt_before_the_process_is_known,
					     adopt_without_an_undo_file };

START_TEST(what_cannot_be_undone_is_not_adopted)
{
	not_adopted[_i]();
	ck_assert(!in_force()->limited && !act_owes(act));
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

START_TEST(a_refusal_that_was_none_can_be_adopted)
{
	limit(1000000);
	assert_asked(1000000);
	reply(0, -EIO);
	ck_assert(!in_force()->limited);
	adopt(1000000, KT_UNLIMITED_KIB); /* the facts and the mark agree */
	release();
	assert_done(KT_UNLIMITED_KIB);
}
END_TEST

START_TEST(of_a_guest_that_was_saved_nothing_is_on_file)
{
	bind();
	adopt(1000000, KT_UNLIMITED_KIB);
	limit(900000);
	ck_assert(exists(at(run_dir, "undo")));
	ck_assert_int_eq(unlink(at(root, "proc/42/stat")), 0);
	act_forget(act, &uuid);
	plan->guest[SLOT].present = false;
	act_apply(act, plan);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert_uint_eq(nsaid, 0);

	put(at(root, "proc/42/stat"), /* it is resumed, in another process */
	    "42 (a) R 1 42 42 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 999 0 0\n");
	act_bind(act, SLOT, INCARNATION + 1, &uuid, 42, 999);
	adopt(1000000, KT_UNLIMITED_KIB);
	ck_assert(in_force()->limited);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_limit_lives");
	TCase *c = tcase_create("lives");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, a_restart_believes_libvirts_first_fact, 0, KT_ARRAY_LEN(found));
	tcase_add_test(c, a_limit_comes_back_without_any_plan);
	tcase_add_test(c, a_restore_without_any_plan_leaves_what_libvirt_says_is_somebody_elses);
	tcase_add_test(c, a_guest_that_went_between_two_lives_is_dropped);
	tcase_add_test(c, a_guest_not_sampled_yet_keeps_what_is_in_force);
	tcase_add_test(c, a_slot_shows_its_own_guest_only);
	tcase_add_test(c, a_limit_that_came_along_is_ours);
	tcase_add_test(c, a_limit_that_came_along_is_lifted_by_the_next_life);
	tcase_add_test(c, a_limit_that_came_along_and_was_changed_since_is_somebody_elses);
	tcase_add_loop_test(c, what_cannot_be_undone_is_not_adopted, 0, KT_ARRAY_LEN(not_adopted));
	tcase_add_test(c, a_refusal_that_was_none_can_be_adopted);
	tcase_add_test(c, of_a_guest_that_was_saved_nothing_is_on_file);
	suite_add_tcase(s, c);
	return kt_run(s);
}
