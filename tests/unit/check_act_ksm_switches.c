/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What KSM has besides its speed: is each switch turned only while the plan wishes it, and
 * is it the administrator's again afterwards? */
#include "ksm_kernel.h"

static const struct ksm_plan nothing;

/* Each with a plan that leaves the speed alone. */
static const struct row {
	const char *file, *before, *after, *on_file, *from, *to;
	struct ksm_plan plan;
} rows[] = {
	{ "smart_scan",
	  "1\n",
	  "0\n",
	  "\nksm smart_scan 1 1 0\n",
	  "smart_scan=1",
	  "smart_scan=0",
	  { .run = true, .sweep = true } },
	{ "advisor_mode",
	  "none [scan-time]\n",
	  "[none] scan-time\n",
	  "\nksm advisor_mode 1 1 0\n",
	  "advisor_mode=scan-time",
	  "advisor_mode=none",
	  { .stops_advisor = true } },
	{ "use_zero_pages",
	  "0\n",
	  "1\n",
	  "\nksm use_zero_pages 0 0 1\n",
	  "use_zero_pages=0",
	  "use_zero_pages=1",
	  { .use_zero_pages = KSM_SWITCH_ON } },
	{ "use_zero_pages",
	  "1\n",
	  "0\n",
	  "\nksm use_zero_pages 1 1 0\n",
	  "use_zero_pages=1",
	  "use_zero_pages=0",
	  { .use_zero_pages = KSM_SWITCH_OFF } },
	{ "merge_across_nodes",
	  "1\n",
	  "0\n",
	  "\nksm merge_across_nodes 1 1 0\n",
	  "merge_across_nodes=1",
	  "merge_across_nodes=0",
	  { .merge_across_nodes = KSM_SWITCH_OFF } },
	{ "merge_across_nodes",
	  "0\n",
	  "1\n",
	  "\nksm merge_across_nodes 0 0 1\n",
	  "merge_across_nodes=0",
	  "merge_across_nodes=1",
	  { .merge_across_nodes = KSM_SWITCH_ON } },
};

static void set_switches(const struct ksm_plan *p)
{
	plan->ksm.sweep = p->sweep;
	plan->ksm.stops_advisor = p->stops_advisor;
	plan->ksm.use_zero_pages = p->use_zero_pages;
	plan->ksm.merge_across_nodes = p->merge_across_nodes;
}

/* Whether KSM runs or not, it is as the plan has it. */
static void wish_speed_as_it_is(const struct row *row)
{
	put(knob("run"), row->plan.run ? "1\n" : "0\n");
	wish(row->plan.run, 100, 20);
}

static void apply_row(const struct row *row)
{
	put(knob(row->file), row->before);
	wish_speed_as_it_is(row);
	set_switches(&row->plan);
	apply();
	kernel.written[0] = '\0';
}

static bool is_in_force(const struct row *row)
{
	const struct ksm_in_force *f = &act_in_force(act)->ksm;

	return f->ours && f->sweeping == row->plan.sweep &&
	       f->advisor_stopped == row->plan.stops_advisor;
}

static bool nothing_is_in_force(void)
{
	const struct ksm_in_force *f = &act_in_force(act)->ksm;

	return !f->ours && !f->sweeping && !f->advisor_stopped && !f->unmerging;
}

/* ---- one switch -------------------------------------------------------------------------- */

START_TEST(a_switch_is_turned_and_said_once)
{
	const struct said *s;

	apply_row(&rows[_i]);
	assert_file(rows[_i].file, rows[_i].after);
	ck_assert(undo_names(rows[_i].on_file));
	ck_assert(is_in_force(&rows[_i]));
	s = the_one(LOG_KSM_CHANGED);
	ck_assert_int_eq(s->level, LOG_LEVEL_NOTICE);
	ck_assert_str_eq(s->from, rows[_i].from);
	ck_assert_str_eq(s->to, rows[_i].to);
	ck_assert_uint_eq(nsaid, 1);
}
END_TEST

START_TEST(the_same_wish_again_writes_nothing)
{
	apply_row(&rows[_i]);
	make_old(at(run_dir, "undo"));
	apply();
	assert_written("");
	ck_assert(is_old(at(run_dir, "undo")));
	ck_assert_uint_eq(nsaid, 1);
}
END_TEST

START_TEST(a_switch_that_is_so_already_is_not_ours)
{
	put(knob(rows[_i].file), rows[_i].after);
	wish_speed_as_it_is(&rows[_i]);
	set_switches(&rows[_i].plan);
	apply();
	assert_written("");
	ck_assert(nothing_is_in_force() && !exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(without_the_wish_it_is_given_back_and_nobodys)
{
	apply_row(&rows[_i]);
	set_switches(&nothing);
	apply();
	assert_file(rows[_i].file, rows[_i].before);
	ck_assert(nothing_is_in_force());
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert_str_eq(said[1].to, rows[_i].from);

	put(knob(rows[_i].file), rows[_i].after); /* by the administrator */
	apply();
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	act_restore(act, 0);
	assert_file(rows[_i].file, rows[_i].after);
}
END_TEST

/* ... but the speed beside it is not, unless the kernel's advisor has it again. */
START_TEST(the_speed_stays_ours_when_a_switch_is_given_back)
{
	bool advisors = rows[_i].plan.stops_advisor;

	put(knob(rows[_i].file), rows[_i].before);
	wish(true, 1250, 10);
	set_switches(&rows[_i].plan);
	apply();
	set_switches(&nothing);
	apply();
	assert_file(rows[_i].file, rows[_i].before);
	assert_file("pages_to_scan", advisors ? "500\n" : "1250\n");
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_file("pages_to_scan", advisors ? "500\n" : "100\n");
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_switch_comes_back_in_the_end)
{
	apply_row(&rows[_i]);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_file(rows[_i].file, rows[_i].before);
	ck_assert_str_eq(the_one(LOG_RESTORED)->to, rows[_i].from);
	ck_assert(nothing_is_in_force() && !act_owes(act));
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_release_gives_it_back_as_well)
{
	apply_row(&rows[_i]);
	plan->ksm = (struct ksm_plan){ .wish = WISH_RELEASE, .why = WHY_SWITCHED_OFF };
	apply();
	assert_file(rows[_i].file, rows[_i].before);
	ck_assert(nothing_is_in_force() && !exists(at(run_dir, "undo")));
}
END_TEST

/* ---- lives, and others ------------------------------------------------------------------- */

START_TEST(the_next_life_takes_it_over)
{
	apply_row(&rows[_i]);
	ck_assert_int_eq(act_again(), 1);
	ck_assert(is_in_force(&rows[_i]));
	apply();
	assert_written("");
	ck_assert_uint_eq(nsaid, 1);
	act_restore(act, 0);
	assert_file(rows[_i].file, rows[_i].before);
}
END_TEST

START_TEST(what_was_turned_back_between_two_lives_is_not_ours)
{
	apply_row(&rows[_i]);
	put(knob(rows[_i].file), rows[_i].before);
	ck_assert_int_eq(act_again(), 0);
	ck_assert(nothing_is_in_force());
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(a_switch_that_others_turn_back_cedes_ksm)
{
	apply_row(&rows[_i]);
	put(knob(rows[_i].file), rows[_i].before);
	for (int n = 0; n < 3; n++)
		apply();
	assert_written("");
	assert_file(rows[_i].file, rows[_i].before);
	ck_assert(act_in_force(act)->ksm.ceded && nothing_is_in_force());
	ck_assert_str_eq(the_one(LOG_CEDED)->from, rows[_i].to);
	ck_assert_str_eq(the_one(LOG_CEDED)->to, rows[_i].from);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* ---- kernels ----------------------------------------------------------------------------- */

START_TEST(an_older_kernel_without_it_does_the_rest)
{
	ck_assert_int_eq(unlink(knob(rows[_i].file)), 0);
	wish(true, 1250, 10);
	set_switches(&rows[_i].plan);
	apply();
	assert_written("pages_to_scan sleep_millisecs run ");
	assert_file("pages_to_scan", "1250\n");
	ck_assert(!undo_names(rows[_i].file));
	ck_assert(!act_in_force(act)->ksm.off && !act_in_force(act)->ksm.sweeping);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
}
END_TEST

static const struct {
	int error;
	const char *hint;
} refusals[] = {
	{ EINVAL, "this kernel does not take the value" },
	{ EROFS, "ReadWritePaths=" },
	{ EIO, "KSM control is off for 10 s" },
};

START_TEST(a_refused_switch_is_explained_and_no_scan_starts)
{
	const struct row *row = &rows[_i / (int)KT_ARRAY_LEN(refusals)];
	const char *hint = refusals[_i % (int)KT_ARRAY_LEN(refusals)].hint;
	char path[128];

	kernel.refuse = row->file;
	kernel.error = refusals[_i % (int)KT_ARRAY_LEN(refusals)].error;
	put(knob(row->file), row->before);
	wish(true, 1250, 10);
	set_switches(&row->plan);
	for (int n = 0; n < 3; n++)
		apply();
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, kernel.error);
	snprintf(path, sizeof path, "/sys/kernel/mm/ksm/%s: ", row->file);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, path));
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, hint));
	ck_assert(act_in_force(act)->ksm.off && nothing_is_in_force());
	assert_file(row->file, row->before);
	assert_file("run", "0\n");
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* ---- a dry run --------------------------------------------------------------------------- */

START_TEST(a_dry_run_says_it_once_and_writes_nothing)
{
	const struct said *s;

	put(knob(rows[_i].file), rows[_i].before);
	wish_speed_as_it_is(&rows[_i]);
	set_switches(&rows[_i].plan);
	plan->ksm.dry_run = true;
	for (int n = 0; n < 3; n++)
		apply();
	assert_written("");
	ck_assert(nothing_is_in_force() && !exists(at(run_dir, "undo")));
	s = the_one(LOG_KSM_CHANGED);
	ck_assert(s->dry_run && strstr(s->message, "would be set"));
	ck_assert_str_eq(s->to, rows[_i].to);

	set_switches(&nothing);
	apply(); /* that all stays as it is is no news ... */
	ck_assert_uint_eq(nsaid, 1);
	set_switches(&rows[_i].plan);
	apply(); /* ... and this is another wish again */
	ck_assert_uint_eq(nsaid, 2);
}
END_TEST

#define EACH(test) tcase_add_loop_test(c, test, 0, KT_ARRAY_LEN(rows))

int main(void)
{
	Suite *s = suite_create("act_ksm_switches");
	TCase *c = tcase_create("each");

	tcase_add_checked_fixture(c, setup_kernel, teardown_kernel);
	EACH(a_switch_is_turned_and_said_once);
	EACH(the_same_wish_again_writes_nothing);
	EACH(a_switch_that_is_so_already_is_not_ours);
	EACH(without_the_wish_it_is_given_back_and_nobodys);
	EACH(the_speed_stays_ours_when_a_switch_is_given_back);
	EACH(a_switch_comes_back_in_the_end);
	EACH(a_release_gives_it_back_as_well);
	EACH(the_next_life_takes_it_over);
	EACH(what_was_turned_back_between_two_lives_is_not_ours);
	EACH(a_switch_that_others_turn_back_cedes_ksm);
	EACH(an_older_kernel_without_it_does_the_rest);
	tcase_add_loop_test(c, a_refused_switch_is_explained_and_no_scan_starts, 0,
			    KT_ARRAY_LEN(rows) * KT_ARRAY_LEN(refusals));
	EACH(a_dry_run_says_it_once_and_writes_nothing);
	suite_add_tcase(s, c);
	return kt_run(s);
}
