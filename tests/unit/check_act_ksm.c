/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do KSM's files become what the plan wishes, and do they always come back? */
#include "act_fixture.h"

static const char *knob(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "sys/kernel/mm/ksm/%s", name);
	return at(root, path);
}

static uint64_t value_of(const char *name)
{
	char path[128];
	uint64_t value = UINT64_MAX;

	snprintf(path, sizeof path, "sys/kernel/mm/ksm/%s", name);
	ck_assert_int_eq(hostfs_read_u64(&fs, path, &value), 0);
	return value;
}

static void set_all(const char *run, const char *pages, const char *sleep_ms)
{
	put(knob("run"), run);
	put(knob("pages_to_scan"), pages);
	put(knob("sleep_millisecs"), sleep_ms);
}

#define assert_all(run_, pages_, sleep_)                                                           \
	do {                                                                                       \
		ck_assert_uint_eq(value_of("run"), run_);                                          \
		ck_assert_uint_eq(value_of("pages_to_scan"), pages_);                              \
		ck_assert_uint_eq(value_of("sleep_millisecs"), sleep_);                            \
	} while (0)

static void setup(void)
{
	setup_at(NULL);
	ck_assert_int_eq(mkdir(at(root, "sys"), 0755), 0);
	ck_assert_int_eq(mkdir(at(root, "sys/kernel"), 0755), 0);
	ck_assert_int_eq(mkdir(at(root, "sys/kernel/mm"), 0755), 0);
	ck_assert_int_eq(mkdir(at(root, "sys/kernel/mm/ksm"), 0755), 0);
	set_all("0\n", "100\n", "20\n");
}

static void wish(bool run, uint64_t pages, uint64_t sleep_ms)
{
	plan->ksm = (struct ksm_plan){ .wish = WISH_SET,
				       .why = run ? WHY_MEMORY_SHORT : WHY_MEMORY_PLENTIFUL,
				       .run = run,
				       .pages_to_scan = pages,
				       .sleep_ms = sleep_ms };
}

static void apply(void)
{
	act_apply(act, plan);
}

static void start_1250(void)
{
	wish(true, 1250, 10);
	apply();
}

START_TEST(a_start_writes_all_three_and_says_so_once)
{
	const struct said *s;

	start_1250();
	assert_all(1, 1250, 10);
	ck_assert(act_in_force(act)->ksm.ours);
	s = the_one(LOG_KSM_CHANGED);
	ck_assert_int_eq(s->level, LOG_LEVEL_NOTICE);
	ck_assert_str_eq(s->from, "run=0 pages_to_scan=100 sleep_millisecs=20");
	ck_assert_str_eq(s->to, "run=1 pages_to_scan=1250 sleep_millisecs=10");
	ck_assert_str_eq(s->reason, "memory-short");
	ck_assert_str_eq(s->action, "start");
	ck_assert_uint_eq(nsaid, 1);
}
END_TEST

START_TEST(the_same_plan_again_writes_nothing)
{
	const char *names[] = { "run", "pages_to_scan", "sleep_millisecs" };

	start_1250();
	for (size_t i = 0; i < KT_ARRAY_LEN(names); i++)
		make_old(knob(names[i]));
	make_old(at(run_dir, "undo"));
	start_1250();
	for (size_t i = 0; i < KT_ARRAY_LEN(names); i++)
		ck_assert_msg(is_old(knob(names[i])), "%s", names[i]);
	ck_assert(is_old(at(run_dir, "undo")));
	ck_assert_uint_eq(nsaid, 1);
}
END_TEST

START_TEST(only_what_differs_is_written)
{
	start_1250();
	make_old(knob("sleep_millisecs"));
	make_old(knob("run"));
	wish(true, 950, 10);
	plan->ksm.why = WHY_MEMORY_COMMITTED;
	apply();
	assert_all(1, 950, 10);
	ck_assert(is_old(knob("sleep_millisecs")));
	ck_assert(is_old(knob("run")));
	ck_assert_str_eq(said[1].from, "pages_to_scan=1250");
	ck_assert_str_eq(said[1].to, "pages_to_scan=950");
	ck_assert_str_eq(said[1].action, "adjust");
}
END_TEST

START_TEST(a_stop_writes_run_only)
{
	start_1250();
	wish(false, 300, 50);
	apply();
	assert_all(0, 1250, 10);
	ck_assert_str_eq(said[1].action, "stop");
}
END_TEST

START_TEST(unmerged_is_stopped_enough)
{
	put(knob("run"), "2\n");
	make_old(knob("run"));
	wish(false, 300, 50);
	apply();
	ck_assert(is_old(knob("run")));
	ck_assert(!act_in_force(act)->ksm.ours);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(restoring_is_exact_and_leaves_no_file)
{
	start_1250();
	wish(true, 950, 30);
	apply();
	ck_assert(exists(at(run_dir, "undo")));
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all(0, 100, 20);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert(!act_in_force(act)->ksm.ours);
	ck_assert_str_eq(the_one(LOG_RESTORED)->to, "run=0 pages_to_scan=100 sleep_millisecs=20");
	ck_assert_str_eq(the_one(LOG_RESTORED)->action, "restore");
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(count_said(LOG_RESTORED), 1);
}
END_TEST

START_TEST(a_scanner_that_ran_before_runs_again)
{
	put(knob("run"), "1\n");
	wish(false, 100, 20);
	apply();
	assert_all(0, 100, 20);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all(1, 100, 20);
}
END_TEST

START_TEST(nothing_is_ever_unmerged)
{
	put(knob("run"), "2\n");
	start_1250();
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all(0, 100, 20);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert_uint_eq(count_said(LOG_RESTORED), 2);
	ck_assert_ptr_nonnull(strstr(said[nsaid - 1].message, "run was 2"));
}
END_TEST

START_TEST(release_gives_back_and_hold_does_not)
{
	start_1250();
	plan->ksm.wish = WISH_HOLD;
	apply();
	assert_all(1, 1250, 10);
	plan->ksm.wish = WISH_RELEASE;
	apply();
	assert_all(0, 100, 20);
	ck_assert(!exists(at(run_dir, "undo")));
	apply();
	ck_assert_uint_eq(count_said(LOG_RESTORED), 1);
}
END_TEST

/* ---- somebody else ----------------------------------------------------- */

static const struct {
	const char *name, *text, *to;
	uint64_t run, pages, sleep_ms;                         /* after the next plan */
	uint64_t restored_run, restored_pages, restored_sleep; /* ... and after the end */
} foreign[] = {
	{ "pages_to_scan", "7777\n", "pages_to_scan=7777", 1, 7777, 10, 0, 7777, 20 },
	{ "sleep_millisecs", "99\n", "sleep_millisecs=99", 1, 1250, 99, 0, 100, 99 },
	{ "run", "2\n", "run=2", 2, 1250, 10, 2, 100, 20 },
	/* Back to what it was before us is somebody's doing as well. */
	{ "run", "0\n", "run=0", 0, 1250, 10, 0, 100, 20 },
	{ "pages_to_scan", "0100\n", "pages_to_scan=100", 1, 100, 10, 0, 100, 20 },
};

START_TEST(a_foreign_value_cedes_all_three_once)
{
	start_1250();
	put(knob(foreign[_i].name), foreign[_i].text);
	for (int n = 0; n < 3; n++) {
		wish(true, 1250 + 300 * (uint64_t)n, 10);
		apply();
		assert_all(foreign[_i].run, foreign[_i].pages, foreign[_i].sleep_ms);
	}
	ck_assert(act_in_force(act)->ksm.ceded);
	ck_assert_int_eq(the_one(LOG_CEDED)->level, LOG_LEVEL_WARNING);
	ck_assert_str_eq(the_one(LOG_CEDED)->to, foreign[_i].to);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_CEDED)->message, "reload"));

	/* What nobody touched still has to go back; what is theirs has not. */
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all(foreign[_i].restored_run, foreign[_i].restored_pages,
		   foreign[_i].restored_sleep);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

START_TEST(a_reload_starts_again_from_the_foreign_value)
{
	start_1250();
	put(knob("pages_to_scan"), "7777\n");
	apply();
	act_forgive(act);
	ck_assert(!act_in_force(act)->ksm.ceded);
	start_1250();
	assert_all(1, 1250, 10);
	act_restore(act, 0);
	assert_all(0, 7777, 20);
}
END_TEST

START_TEST(a_foreign_value_is_seen_at_the_end_too)
{
	start_1250();
	put(knob("pages_to_scan"), "7777\n");
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all(0, 7777, 20);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

/* ---- refusals ---------------------------------------------------------- */

/* A file that reads 65536 and that the kernel lets nobody write, not even root. */
static void make_unwritable(const char *name)
{
	ck_assert_int_eq(unlink(knob(name)), 0);
	ck_assert_int_eq(symlink("/proc/sys/kernel/ngroups_max", knob(name)), 0);
}

START_TEST(a_refused_write_is_said_once_and_ends_it)
{
	const struct said *s;

	make_unwritable("pages_to_scan");
	for (int i = 0; i < 3; i++)
		start_1250();
	assert_all(0, 65536, 20);
	ck_assert(act_in_force(act)->ksm.off);
	ck_assert(!act_in_force(act)->ksm.ours);
	ck_assert(!exists(at(run_dir, "undo")));
	s = the_one(LOG_WRITE_REFUSED);
	ck_assert_int_eq(s->level, LOG_LEVEL_ERR);
	ck_assert_int_eq(s->error, EACCES);
	ck_assert_ptr_nonnull(strstr(s->message, "/sys/kernel/mm/ksm/pages_to_scan"));
	ck_assert_ptr_nonnull(strstr(s->message, "ReadWritePaths="));
	ck_assert_uint_eq(nsaid, 1);

	act_forgive(act);
	ck_assert(!act_in_force(act)->ksm.off);
	start_1250();
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 2);
}
END_TEST

START_TEST(a_refusal_half_way_leaves_the_rest_restorable)
{
	make_unwritable("run");
	start_1250();
	assert_all(65536, 1250, 10);
	ck_assert(act_in_force(act)->ksm.off && act_in_force(act)->ksm.ours);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all(65536, 100, 20);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* oom_score_adj takes no more than 1000, as pages_to_scan takes nothing from others
 * while the kernel's advisor is on. */
START_TEST(einval_is_explained_by_the_advisor)
{
	ck_assert_int_eq(unlink(knob("pages_to_scan")), 0);
	ck_assert_int_eq(symlink("/proc/self/oom_score_adj", knob("pages_to_scan")), 0);
	wish(true, 5000, 10);
	apply();
	ck_assert_uint_eq(value_of("run"), 0);
	ck_assert_uint_eq(value_of("sleep_millisecs"), 20);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EINVAL);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, "advisor_mode"));
	ck_assert(act_in_force(act)->ksm.off);
}
END_TEST

/* The kernel's old oom_adj is such a file: of 10 it keeps 9. */
START_TEST(a_file_that_keeps_another_number_is_somebody_elses)
{
	ck_assert_int_eq(unlink(knob("pages_to_scan")), 0);
	ck_assert_int_eq(symlink("/proc/self/oom_adj", knob("pages_to_scan")), 0);
	wish(true, 10, 10);
	apply();
	apply();
	assert_all(0, 9, 20);
	ck_assert_str_eq(the_one(LOG_CEDED)->from, "pages_to_scan=10");
	ck_assert_str_eq(the_one(LOG_CEDED)->to, "pages_to_scan=9");
	ck_assert(act_in_force(act)->ksm.ceded && !act_in_force(act)->ksm.ours);
	ck_assert_uint_eq(nsaid, 1);
}
END_TEST

START_TEST(a_value_that_is_back_already_is_not_written)
{
	start_1250();
	put(knob("pages_to_scan"), "100\n");
	make_old(knob("pages_to_scan"));
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(is_old(knob("pages_to_scan")));
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(what_cannot_be_read_at_the_end_stays_on_file)
{
	start_1250();
	ck_assert_int_eq(rename(knob("run"), knob("gone")), 0);
	ck_assert_int_eq(rename(knob("pages_to_scan"), knob("gone-too")), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert_int_eq(rename(knob("gone"), knob("run")), 0);
	ck_assert_int_eq(rename(knob("gone-too"), knob("pages_to_scan")), 0);
	ck_assert_int_eq(act_again(), 2);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all(0, 100, 20);
}
END_TEST

START_TEST(an_original_that_is_refused_stays_on_file)
{
	set_all("0\n", "10000\n", "20\n");
	wish(true, 65536, 10);
	apply();
	make_unwritable("pages_to_scan"); /* and the number that we wrote */
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all(0, 65536, 20);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);

	ck_assert_int_eq(unlink(knob("pages_to_scan")), 0);
	put(knob("pages_to_scan"), "65536\n");
	ck_assert_int_eq(act_again(), 1);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all(0, 10000, 20);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(a_host_without_ksm_is_said_once)
{
	ck_assert_int_eq(unlink(knob("run")), 0);
	start_1250();
	start_1250();
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, ENOENT);
	ck_assert(act_in_force(act)->ksm.off);
	ck_assert_uint_eq(value_of("pages_to_scan"), 100);
}
END_TEST

/* ---- nowhere to remember ----------------------------------------------- */

START_TEST(what_cannot_be_remembered_is_not_changed)
{
	ck_assert_int_eq(mkdir(at(run_dir, "undo.tmp"), 0700), 0);
	start_1250();
	start_1250();
	assert_all(0, 100, 20);
	ck_assert(!act_in_force(act)->ksm.ours);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EISDIR);
	ck_assert_uint_eq(nsaid, 1);

	ck_assert_int_eq(rmdir(at(run_dir, "undo.tmp")), 0);
	start_1250();
	assert_all(1, 1250, 10);
}
END_TEST

START_TEST(a_full_disk_loses_neither_originals_nor_control)
{
	const struct rlimit none = { .rlim_cur = 20, .rlim_max = RLIM_INFINITY };
	const struct rlimit all = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };
	char before[512], after[512];

	start_1250();
	get(at(run_dir, "undo"), before, sizeof before);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	wish(true, 950, 10);
	apply();
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EFBIG);
	assert_all(1, 1250, 10);
	get(at(run_dir, "undo"), after, sizeof after);
	ck_assert_str_eq(before, after);
	ck_assert(!exists(at(run_dir, "undo.tmp")));

	apply();
	assert_all(1, 950, 10);
	act_restore(act, 0);
	assert_all(0, 100, 20);
}
END_TEST

START_TEST(without_a_folder_nothing_is_ever_written)
{
	act_ends();
	put(at(root, "file"), "");
	ck_assert_int_eq(act_new(&fs, at(root, "file"), &ops, &act), -ENOTDIR);
	ck_assert_ptr_nonnull(act);
	start_1250();
	assert_all(0, 100, 20);
	ck_assert(the_one(LOG_KSM_CHANGED)->dry_run);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_int_eq(act_load(act), 0);
}
END_TEST

/* ---- dry run ----------------------------------------------------------- */

START_TEST(a_dry_run_writes_nothing_and_repeats_nothing)
{
	wish(true, 1250, 10);
	plan->ksm.dry_run = true;
	for (int i = 0; i < 3; i++)
		apply();
	assert_all(0, 100, 20);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert(!act_in_force(act)->ksm.ours);
	ck_assert(the_one(LOG_KSM_CHANGED)->dry_run);
	ck_assert_str_eq(the_one(LOG_KSM_CHANGED)->to,
			 "run=1 pages_to_scan=1250 sleep_millisecs=10");
	plan->ksm.pages_to_scan = 950;
	apply();
	ck_assert_uint_eq(count_said(LOG_KSM_CHANGED), 2);
}
END_TEST

START_TEST(a_dry_run_gives_nothing_back_either)
{
	start_1250();
	plan->ksm.wish = WISH_RELEASE;
	plan->ksm.dry_run = true;
	apply();
	assert_all(1, 1250, 10);
	ck_assert(exists(at(run_dir, "undo")));
}
END_TEST

/* ---- lives ------------------------------------------------------------- */

START_TEST(a_restart_neither_rolls_back_nor_writes_again)
{
	start_1250();
	make_old(knob("run"));
	make_old(knob("pages_to_scan"));
	ck_assert_int_eq(act_again(), 3);
	ck_assert(act_in_force(act)->ksm.ours);
	start_1250();
	ck_assert(is_old(knob("run")));
	ck_assert(is_old(knob("pages_to_scan")));
	ck_assert_uint_eq(nsaid, 1);

	wish(true, 950, 10);
	apply();
	ck_assert_int_eq(act_again(), 3);
	act_restore(act, 0);
	assert_all(0, 100, 20);
}
END_TEST

START_TEST(a_value_changed_between_two_lives_is_theirs)
{
	start_1250();
	put(knob("pages_to_scan"), "7777\n");
	ck_assert_int_eq(act_again(), 2);
	ck_assert(act_in_force(act)->ksm.ceded);
	ck_assert_str_eq(the_one(LOG_CEDED)->to, "pages_to_scan=7777");
	start_1250();
	assert_all(1, 7777, 10);
	act_restore(act, 0);
	assert_all(0, 7777, 20);
}
END_TEST

START_TEST(two_foreign_values_are_one_news)
{
	start_1250();
	put(knob("pages_to_scan"), "7777\n");
	put(knob("sleep_millisecs"), "99\n");
	ck_assert_int_eq(act_again(), 1);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	act_restore(act, 0);
	assert_all(0, 7777, 99);
}
END_TEST

START_TEST(what_a_reboot_reset_is_not_ours)
{
	start_1250();
	set_all("0\n", "100\n", "20\n");
	ck_assert_int_eq(act_again(), 0);
	ck_assert(!act_in_force(act)->ksm.ours && !act_in_force(act)->ksm.ceded);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* ---- kill -9 ----------------------------------------------------------- */

/* A scan never runs at a speed that nobody chose. */
static void check_order(uint64_t pages, uint64_t sleep_ms)
{
	if (value_of("run") != 1)
		return;
	ck_assert_uint_eq(value_of("pages_to_scan"), pages);
	ck_assert_uint_eq(value_of("sleep_millisecs"), sleep_ms);
}

static void restore(void)
{
	act_restore(act, 0);
}

static void all_is_back(void)
{
	ck_assert_int_ge(act_again(), 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all(0, 100, 20);
	ck_assert(!exists(at(run_dir, "undo")));
	ck_assert(!exists(at(run_dir, "undo.bad")));
}

START_TEST(killed_anywhere_in_a_start_all_comes_back)
{
	unsigned int n = 0;

	for (; killed_at(n, start_1250); n++) {
		check_order(1250, 10);
		all_is_back();
	}
	check_order(1250, 10);
	all_is_back();
	ck_assert_uint_ge(n, 40); /* three files, each opened, read, written, read */
}
END_TEST

START_TEST(killed_anywhere_in_a_change_all_comes_back)
{
	for (unsigned int n = 0, more = 1; more; n++) {
		set_all("0\n", "100\n", "20\n");
		start_1250();
		wish(true, 2850, 30);
		more = killed_at(n, apply);
		all_is_back();
	}
}
END_TEST

START_TEST(killed_anywhere_in_restoring_all_comes_back)
{
	for (unsigned int n = 0, more = 1; more; n++) {
		start_1250();
		more = killed_at(n, restore);
		all_is_back();
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_ksm");
	TCase *c = tcase_create("ksm"), *k = tcase_create("kill");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_start_writes_all_three_and_says_so_once);
	tcase_add_test(c, the_same_plan_again_writes_nothing);
	tcase_add_test(c, only_what_differs_is_written);
	tcase_add_test(c, a_stop_writes_run_only);
	tcase_add_test(c, unmerged_is_stopped_enough);
	tcase_add_test(c, restoring_is_exact_and_leaves_no_file);
	tcase_add_test(c, a_scanner_that_ran_before_runs_again);
	tcase_add_test(c, nothing_is_ever_unmerged);
	tcase_add_test(c, release_gives_back_and_hold_does_not);
	tcase_add_loop_test(c, a_foreign_value_cedes_all_three_once, 0, KT_ARRAY_LEN(foreign));
	tcase_add_test(c, a_reload_starts_again_from_the_foreign_value);
	tcase_add_test(c, a_foreign_value_is_seen_at_the_end_too);
	tcase_add_test(c, a_refused_write_is_said_once_and_ends_it);
	tcase_add_test(c, a_refusal_half_way_leaves_the_rest_restorable);
	tcase_add_test(c, einval_is_explained_by_the_advisor);
	tcase_add_test(c, a_file_that_keeps_another_number_is_somebody_elses);
	tcase_add_test(c, a_value_that_is_back_already_is_not_written);
	tcase_add_test(c, what_cannot_be_read_at_the_end_stays_on_file);
	tcase_add_test(c, an_original_that_is_refused_stays_on_file);
	tcase_add_test(c, a_host_without_ksm_is_said_once);
	tcase_add_test(c, what_cannot_be_remembered_is_not_changed);
	tcase_add_test(c, a_full_disk_loses_neither_originals_nor_control);
	tcase_add_test(c, without_a_folder_nothing_is_ever_written);
	tcase_add_test(c, a_dry_run_writes_nothing_and_repeats_nothing);
	tcase_add_test(c, a_dry_run_gives_nothing_back_either);
	tcase_add_test(c, a_restart_neither_rolls_back_nor_writes_again);
	tcase_add_test(c, a_value_changed_between_two_lives_is_theirs);
	tcase_add_test(c, two_foreign_values_are_one_news);
	tcase_add_test(c, what_a_reboot_reset_is_not_ours);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(k, setup, teardown);
	tcase_set_timeout(k, 60);
	tcase_add_test(k, killed_anywhere_in_a_start_all_comes_back);
	tcase_add_test(k, killed_anywhere_in_a_change_all_comes_back);
	tcase_add_test(k, killed_anywhere_in_restoring_all_comes_back);
	suite_add_tcase(s, k);
	return kt_run(s);
}
