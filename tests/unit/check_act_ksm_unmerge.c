/* SPDX-License-Identifier: GPL-2.0-or-later */
/* merge_across_nodes can only change while nothing is merged: is everything unmerged where
 * that does no harm, and nothing where it might? */
#include "ksm_kernel.h"

/* KSM rests, and has merged something across nodes. */
static void setup(void)
{
	setup_kernel();
	put(knob("pages_shared"), "7\n");
}

static void wish_apart(bool may_unmerge)
{
	wish(true, 1250, 10);
	plan->ksm.merge_across_nodes = KSM_SWITCH_OFF;
	plan->ksm.may_unmerge = may_unmerge;
}

static void begin_unmerging(void)
{
	wish_apart(true);
	apply();
	ck_assert(act_in_force(act)->ksm.unmerging);
}

/* Pages are merged apart by node, and that is ours. */
static void set_apart(void)
{
	put(knob("pages_shared"), "0\n");
	wish_apart(true);
	apply();
	assert_file("merge_across_nodes", "0\n");
	put(knob("pages_shared"), "7\n");
	kernel.written[0] = '\0';
	nsaid = 0;
}

static void assert_all(const char *nodes, const char *run, const char *pages, const char *sleep_ms)
{
	assert_file("merge_across_nodes", nodes);
	assert_file("run", run);
	assert_file("pages_to_scan", pages);
	assert_file("sleep_millisecs", sleep_ms);
}

static void assert_originals(void)
{
	assert_all("1\n", "0\n", "100\n", "20\n");
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}

/* Whoever has KSM now keeps his scanner: it would stop while all is taken apart. */
START_TEST(who_runs_ksm_is_not_stopped_for_what_is_given_back)
{
	set_apart();
	put(knob("run"), _i ? "0\n" : "2\n");
	if (_i) /* it is known already */
		apply();
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_file("run", _i ? "0\n" : "2\n");
	assert_file("merge_across_nodes", "0\n");
	ck_assert(undo_names("merge_across_nodes"));
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

/* ---- without room ------------------------------------------------------------------------ */

START_TEST(without_room_it_is_said_once_and_the_rest_is_done)
{
	wish_apart(false);
	for (int n = 0; n < 3; n++)
		apply();
	assert_written("pages_to_scan sleep_millisecs run ");
	assert_all("1\n", "1\n", "1250\n", "10\n");
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->level, LOG_LEVEL_WARNING);
	ck_assert_str_eq(the_one(LOG_WRITE_REFUSED)->reason, "no-room");
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, "merge_across_nodes"));
	ck_assert(!act_in_force(act)->ksm.off && !act_in_force(act)->ksm.unmerging);
	ck_assert(!undo_names("merge_across_nodes"));

	act_forgive(act);
	apply();
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 2);
}
END_TEST

START_TEST(a_dry_run_unmerges_nothing)
{
	wish_apart(true);
	plan->ksm.dry_run = true;
	apply();
	ck_assert(!act_in_force(act)->ksm.unmerging && !exists(at(run_dir, "undo")));
	assert_all("1\n", "0\n", "100\n", "20\n");
	ck_assert_ptr_nonnull(strstr(the_one(LOG_KSM_CHANGED)->to, "merge_across_nodes=0"));
}
END_TEST

START_TEST(what_cannot_be_remembered_is_not_unmerged)
{
	ck_assert_int_eq(mkdir(at(run_dir, "undo.tmp"), 0700), 0);
	wish_apart(true);
	apply();
	ck_assert(!act_in_force(act)->ksm.unmerging && !act_owes(act));
	assert_all("1\n", "0\n", "100\n", "20\n");
}
END_TEST

START_TEST(where_nothing_is_merged_nothing_is_unmerged)
{
	put(knob("pages_shared"), "0\n");
	wish_apart(false);
	apply();
	assert_written("merge_across_nodes pages_to_scan sleep_millisecs run ");
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
}
END_TEST

/* ---- with room --------------------------------------------------------------------------- */

START_TEST(run_is_on_file_before_anything_is_unmerged)
{
	put(knob("run"), "1\n");
	begin_unmerging();
	assert_written(""); /* by us: the child does */
	ck_assert(undo_names("\nksm run 1 1 2\n"));
	ck_assert(!undo_names("merge_across_nodes") && !undo_names("pages_to_scan"));
	ck_assert(act_in_force(act)->ksm.ours);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

static void by_another_speed(void)
{
	plan->ksm.pages_to_scan = 950;
}

static void by_no_room(void)
{
	plan->ksm.may_unmerge = false;
}

static void by_no_wish_for_it(void)
{
	plan->ksm.merge_across_nodes = KSM_SWITCH_KEEP;
}

static void by_release(void)
{
	plan->ksm.wish = WISH_RELEASE;
}

static void by_dry_run(void)
{
	plan->ksm.dry_run = true;
}

static void (*const other_wishes[])(void) = { by_another_speed, by_no_room, by_no_wish_for_it,
					      by_release, by_dry_run };

START_TEST(meanwhile_nothing_else_is_written)
{
	begin_unmerging();
	make_old(at(run_dir, "undo"));
	other_wishes[_i]();
	for (int n = 0; n < 3; n++)
		apply();
	assert_written("");
	ck_assert(is_old(at(run_dir, "undo")));
	ck_assert(act_in_force(act)->ksm.unmerging);
	ck_assert_uint_eq(nsaid, 0);
	assert_file("merge_across_nodes", "1\n");
	assert_file("pages_to_scan", "100\n");
}
END_TEST

START_TEST(then_the_setting_changes_before_the_scan_starts)
{
	begin_unmerging();
	let_it(UNMERGES_ALL);
	assert_file("run", "2\n");
	apply();
	assert_written("merge_across_nodes pages_to_scan sleep_millisecs run ");
	assert_all("0\n", "1\n", "1250\n", "10\n");
	ck_assert(undo_names("\nksm merge_across_nodes 1 1 0\n") &&
		  undo_names("\nksm run 0 2 1\n"));
	ck_assert(!act_in_force(act)->ksm.unmerging && act_in_force(act)->ksm.ours);
	ck_assert_str_eq(the_one(LOG_KSM_CHANGED)->from, "run=2 pages_to_scan=100 "
							 "sleep_millisecs=20 merge_across_nodes=1");
	apply();
	assert_written("");
	ck_assert_uint_eq(nsaid, 1);
}
END_TEST

START_TEST(a_wish_that_is_gone_by_then_leaves_all_as_it_was)
{
	begin_unmerging();
	let_it(UNMERGES_ALL);
	by_release();
	apply();
	assert_originals();
}
END_TEST

START_TEST(the_next_life_knows_what_run_was)
{
	put(knob("run"), "1\n");
	begin_unmerging();
	let_it(UNMERGES_ALL);
	ck_assert_int_eq(act_again(), 1);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all("1\n", "1\n", "100\n", "20\n");
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* ---- when it fails ------------------------------------------------------------------------- */

static void by_nothing(void)
{
}

static void by_no_score(void)
{
	ck_assert_int_eq(unlink(at(root, "proc/self/oom_score_adj")), 0);
}

static void by_refusal(void)
{
	kernel.refuse = "run";
	kernel.error = EROFS;
}

static const struct failure {
	const char *name;
	void (*by)(void);
	enum unmerging how; /* 0: the child does not get so far */
	int error;
} failures[] = {
	{ "no score of its own", by_no_score, 0, EPERM },
	{ "a refusal", by_refusal, 0, EROFS },
	{ "too little memory", by_nothing, UNMERGES_TOO_LITTLE, ENOMEM },
	{ "the OOM killer", by_nothing, IS_KILLED, ENOMEM },
	{ "a signal", by_nothing, IS_HUNG_UP, EINTR },
};

static void let_it_fail(const struct failure *f)
{
	if (f->how)
		let_it(f->how);
	else
		wait_for_child();
	kernel.refuse = NULL;
	put(at(root, "proc/self/oom_score_adj"), "0");
}

START_TEST(a_failure_is_said_and_the_rest_is_done)
{
	failures[_i].by();
	begin_unmerging();
	let_it_fail(&failures[_i]);
	for (int n = 0; n < 3; n++)
		apply();
	assert_written("pages_to_scan sleep_millisecs run ");
	assert_all("1\n", "1\n", "1250\n", "10\n");
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->level, LOG_LEVEL_WARNING);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, failures[_i].error);
	ck_assert(!act_in_force(act)->ksm.off && !act_in_force(act)->ksm.ceded);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_originals();
}
END_TEST

START_TEST(after_a_failure_only_a_reload_tries_again)
{
	failures[_i].by();
	begin_unmerging();
	let_it_fail(&failures[_i]);
	for (int n = 0; n < 3; n++) {
		apply();
		ck_assert(!act_in_force(act)->ksm.unmerging);
	}
	put(knob("pages_shared"), "0\n"); /* by chance: it has been said that it stays */
	apply();
	assert_file("merge_across_nodes", "1\n");
	put(knob("pages_shared"), "7\n");
	act_forgive(act);
	begin_unmerging();
	let_it(UNMERGES_ALL);
	apply();
	assert_all("0\n", "1\n", "1250\n", "10\n");
}
END_TEST

/* The scanner that was ours to stop has stopped, or never did: both are no stranger's doing. */
START_TEST(what_a_failure_left_may_be_read_later)
{
	static const char *const left[] = { "0\n", "1\n" };

	put(knob("run"), "1\n");
	begin_unmerging();
	let_it(IS_KILLED);
	ck_assert_int_eq(unlink(knob("run")), 0);
	ck_assert_int_eq(mkdir(knob("run"), 0755), 0);
	apply();
	ck_assert_int_eq(rmdir(knob("run")), 0);
	put(knob("run"), left[_i]);
	act_forgive(act);
	apply();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	let_it(IS_KILLED);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all("1\n", "1\n", "100\n", "20\n");
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}
END_TEST

/* Whoever waits for all children of the process. */
START_TEST(an_outcome_that_somebody_else_took_is_seen_in_the_files)
{
	begin_unmerging();
	let_it(UNMERGES_ALL);
	ck_assert_int_gt(waitpid(-1, NULL, 0), 0);
	apply();
	assert_all("0\n", "1\n", "1250\n", "10\n");
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
}
END_TEST

START_TEST(what_is_merged_again_at_once_is_not_taken_apart_again)
{
	begin_unmerging();
	let_it(UNMERGES_ALL);
	kernel.merges_meanwhile = true;
	for (int n = 0; n < 3; n++)
		apply();
	assert_all("1\n", "1\n", "1250\n", "10\n");
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EBUSY);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, "again at once"));
	ck_assert(!act_in_force(act)->ksm.off && !act_in_force(act)->ksm.unmerging);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_originals();
}
END_TEST

/* No child: nothing of ours is in run, and nobody else has written it. */
START_TEST(where_no_process_can_be_made_the_rest_is_done)
{
	kernel.refuses_forks = true;
	wish_apart(true);
	apply();
	ck_assert(!act_in_force(act)->ksm.unmerging);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EAGAIN);
	ck_assert_uint_eq(nsaid, 1);
	apply();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_all("1\n", "1\n", "1250\n", "10\n");
}
END_TEST

/* ---- the way back ---------------------------------------------------------------------- */

START_TEST(restoring_waits_until_all_is_unmerged)
{
	set_apart();
	for (int n = 0; n < 3; n++)
		ck_assert_uint_eq(act_restore(act, 0), 1);
	assert_written("");
	assert_file("pages_to_scan", "1250\n");
	ck_assert(act_in_force(act)->ksm.unmerging && act_owes(act));
	ck_assert(undo_names("\nksm run 0 1 2\n"));
	let_it(UNMERGES_ALL);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_originals();
	ck_assert(!act_in_force(act)->ksm.unmerging);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
}
END_TEST

START_TEST(restoring_waits_for_one_that_has_begun_already)
{
	begin_unmerging();
	ck_assert_uint_eq(act_restore(act, 0), 1);
	let_it(UNMERGES_ALL);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_originals();
}
END_TEST

START_TEST(a_release_waits_as_well)
{
	set_apart();
	plan->ksm = (struct ksm_plan){ .wish = WISH_RELEASE, .may_unmerge = true };
	apply();
	apply();
	assert_written("");
	ck_assert(act_in_force(act)->ksm.unmerging);
	let_it(UNMERGES_ALL);
	apply();
	assert_originals();
}
END_TEST

/* run was not ours, for the plan never asked KSM to rest or run. */
START_TEST(a_scan_that_was_not_ours_goes_on_in_the_end)
{
	put(knob("pages_shared"), "0\n");
	put(knob("run"), "1\n");
	wish(true, 100, 20);
	plan->ksm.merge_across_nodes = KSM_SWITCH_OFF;
	plan->ksm.may_unmerge = true;
	apply();
	put(knob("pages_shared"), "7\n");
	ck_assert_uint_eq(act_restore(act, 0), 1);
	let_it(UNMERGES_ALL);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all("1\n", "1\n", "100\n", "20\n");
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* A scan may merge the first page at once. */
START_TEST(the_setting_is_back_before_the_scan_is)
{
	put(knob("run"), "1\n");
	set_apart();
	ck_assert_uint_eq(act_restore(act, 0), 1);
	let_it(UNMERGES_ALL);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_ptr_nonnull(strstr(kernel.written, "merge_across_nodes "));
	ck_assert_ptr_nonnull(strstr(kernel.written, "run "));
	ck_assert_msg(strstr(kernel.written, "merge_across_nodes ") <
			      strstr(kernel.written, "run "),
		      "%s", kernel.written);
}
END_TEST

/* Everything but merge_across_nodes. */
static void assert_only_nodes_left(void)
{
	assert_all("0\n", "0\n", "100\n", "20\n");
	ck_assert(act_owes(act));
	ck_assert(undo_names("\nksm merge_across_nodes 1 1 0\nend 1\n"));
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}

START_TEST(without_room_all_else_is_given_back)
{
	set_apart();
	plan->ksm.may_unmerge = false;
	apply();
	for (int n = 0; n < 3; n++)
		ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_only_nodes_left();
	ck_assert_str_eq(the_one(LOG_WRITE_REFUSED)->reason, "no-room");
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->level, LOG_LEVEL_WARNING);
}
END_TEST

START_TEST(what_had_no_room_is_given_back_once_there_is_some)
{
	set_apart();
	plan->ksm = (struct ksm_plan){ .wish = WISH_RELEASE };
	apply();
	assert_only_nodes_left();
	plan->ksm.may_unmerge = true;
	apply();
	let_it(UNMERGES_ALL);
	apply();
	assert_originals();
}
END_TEST

START_TEST(what_had_no_room_is_given_back_by_the_next_life)
{
	set_apart();
	plan->ksm.may_unmerge = false;
	apply();
	restore();
	ck_assert_int_eq(act_again(), 1);
	put(knob("pages_shared"), "0\n");
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_originals();
}
END_TEST

/* Who restores without a plan looks himself whether there is room. */
START_TEST(a_life_without_a_plan_unmerges_when_it_is_told_that_there_is_room)
{
	set_apart();
	ck_assert_int_eq(act_again(), 4);
	act_allow_unmerge(act, true);
	ck_assert_uint_eq(act_restore(act, 0), 1);
	let_it(UNMERGES_ALL);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_originals();
}
END_TEST

START_TEST(what_is_not_wished_any_more_stays_while_there_is_no_room)
{
	set_apart();
	plan->ksm.merge_across_nodes = KSM_SWITCH_KEEP;
	plan->ksm.may_unmerge = false;
	plan->ksm.pages_to_scan = 950;
	apply();
	apply();
	assert_all("0\n", "1\n", "950\n", "10\n");
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	plan->ksm.may_unmerge = true;
	apply();
	let_it(UNMERGES_ALL);
	apply();
	assert_all("1\n", "1\n", "950\n", "10\n");
	ck_assert(!undo_names("merge_across_nodes"));
}
END_TEST

START_TEST(what_could_not_be_given_back_is_not_tried_again)
{
	set_apart();
	plan->ksm.merge_across_nodes = KSM_SWITCH_KEEP;
	failures[_i].by();
	apply();
	ck_assert(act_in_force(act)->ksm.unmerging);
	let_it_fail(&failures[_i]);
	for (int n = 0; n < 3; n++) {
		apply();
		ck_assert(!act_in_force(act)->ksm.unmerging);
	}
	assert_all("0\n", "1\n", "1250\n", "10\n");
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
}
END_TEST

START_TEST(a_failure_in_the_end_leaves_all_else_given_back)
{
	set_apart();
	failures[_i].by();
	ck_assert_uint_eq(act_restore(act, 0), 1);
	let_it_fail(&failures[_i]);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_only_nodes_left();
}
END_TEST

START_TEST(without_a_process_all_else_is_given_back)
{
	set_apart();
	kernel.refuses_forks = true;
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_only_nodes_left();
}
END_TEST

/* It is in the file as it was before. */
START_TEST(without_a_file_all_else_is_given_back)
{
	set_apart();
	ck_assert_int_eq(mkdir(at(run_dir, "undo.tmp"), 0700), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all("0\n", "0\n", "100\n", "20\n");
	ck_assert(act_owes(act) && !act_in_force(act)->ksm.unmerging);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* ---- main ------------------------------------------------------------------------------ */

static void add_beginnings(TCase *c)
{
	tcase_add_loop_test(c, who_runs_ksm_is_not_stopped_for_what_is_given_back, 0, 2);
	tcase_add_test(c, without_room_it_is_said_once_and_the_rest_is_done);
	tcase_add_test(c, a_dry_run_unmerges_nothing);
	tcase_add_test(c, what_cannot_be_remembered_is_not_unmerged);
	tcase_add_test(c, where_nothing_is_merged_nothing_is_unmerged);
	tcase_add_test(c, run_is_on_file_before_anything_is_unmerged);
	tcase_add_loop_test(c, meanwhile_nothing_else_is_written, 0, KT_ARRAY_LEN(other_wishes));
	tcase_add_test(c, then_the_setting_changes_before_the_scan_starts);
	tcase_add_test(c, a_wish_that_is_gone_by_then_leaves_all_as_it_was);
	tcase_add_test(c, the_next_life_knows_what_run_was);
	tcase_add_loop_test(c, a_failure_is_said_and_the_rest_is_done, 0, KT_ARRAY_LEN(failures));
	tcase_add_loop_test(c, after_a_failure_only_a_reload_tries_again, 0,
			    KT_ARRAY_LEN(failures));
	tcase_add_loop_test(c, what_a_failure_left_may_be_read_later, 0, 2);
	tcase_add_test(c, an_outcome_that_somebody_else_took_is_seen_in_the_files);
	tcase_add_test(c, what_is_merged_again_at_once_is_not_taken_apart_again);
	tcase_add_test(c, where_no_process_can_be_made_the_rest_is_done);
}

static void add_ways_back(TCase *c)
{
	tcase_add_test(c, restoring_waits_until_all_is_unmerged);
	tcase_add_test(c, restoring_waits_for_one_that_has_begun_already);
	tcase_add_test(c, a_release_waits_as_well);
	tcase_add_test(c, a_scan_that_was_not_ours_goes_on_in_the_end);
	tcase_add_test(c, the_setting_is_back_before_the_scan_is);
	tcase_add_test(c, without_room_all_else_is_given_back);
	tcase_add_test(c, what_had_no_room_is_given_back_once_there_is_some);
	tcase_add_test(c, what_had_no_room_is_given_back_by_the_next_life);
	tcase_add_test(c, a_life_without_a_plan_unmerges_when_it_is_told_that_there_is_room);
	tcase_add_test(c, what_is_not_wished_any_more_stays_while_there_is_no_room);
	tcase_add_loop_test(c, what_could_not_be_given_back_is_not_tried_again, 0,
			    KT_ARRAY_LEN(failures));
	tcase_add_loop_test(c, a_failure_in_the_end_leaves_all_else_given_back, 0,
			    KT_ARRAY_LEN(failures));
	tcase_add_test(c, without_a_process_all_else_is_given_back);
	tcase_add_test(c, without_a_file_all_else_is_given_back);
}

int main(void)
{
	Suite *s = suite_create("act_ksm_unmerge");
	TCase *c = tcase_create("unmerge");

	tcase_add_checked_fixture(c, setup, teardown_kernel);
	add_beginnings(c);
	add_ways_back(c);
	suite_add_tcase(s, c);
	return kt_run(s);
}
