/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are files that audit rules are about changed only while the plan wishes it, and are they the
 * administrator's again afterwards? */
#include "act_private.h"
#include "host_fixture.h"

static const struct file {
	const char *id, *path, *before, *word, *wished, *after, *other, *other_word;
} files[] = {
	{ "host-swappiness", "proc/sys/vm/swappiness", "60\n", "60", "10", "10\n", "35\n", "35" },
	{ "host-thp-enabled", "sys/kernel/mm/transparent_hugepage/enabled",
	  "[always] madvise never\n", "always", "madvise", "always [madvise] never\n",
	  "always madvise [never]\n", "never" },
};

static const struct file *f = files; /* of this test */

static void setup(void)
{
	f = files;
	setup_kernel();
	for (size_t i = 0; i < KT_ARRAY_LEN(files); i++)
		put_below(files[i].path, files[i].before);
}

static uint64_t bit(void)
{
	return UINT64_C(1) << rule_of(f->id);
}

static void wish(enum wish wish)
{
	wish_of(rule_of(f->id), wish, wish == WISH_SET ? f->wished : NULL);
}

/* ---- the wish -------------------------------------------------------------- */

START_TEST(a_wish_is_written_once_and_given_back)
{
	char line[256];

	f = &files[_i];
	for (int i = 0; i < 3; i++)
		wish(WISH_SET);
	assert_below(f->path, f->after);
	ck_assert_uint_eq(kernel.writes, 1);
	ck_assert_uint_eq(nsaid, 1);
	ck_assert_int_eq(the_one(LOG_HOST_CHANGED)->level, LOG_LEVEL_NOTICE);
	ck_assert_str_eq(the_one(LOG_HOST_CHANGED)->from, f->word);
	ck_assert_str_eq(the_one(LOG_HOST_CHANGED)->to, f->wished);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_HOST_CHANGED)->message, f->path));
	ck_assert(in_force()->ours == bit() && act_owes(act));
	snprintf(line, sizeof line, "host %s 0 %s %s %s", f->id, f->word, f->word, f->wished);
	assert_on_file(line);
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_below(f->path, f->before);
	ck_assert(is_nobodys());
	ck_assert_str_eq(the_one(LOG_RESTORED)->to, f->word);
}
END_TEST

START_TEST(two_rules_are_two_values)
{
	wish(WISH_SET);
	f = &files[1];
	wish(WISH_SET);
	ck_assert_int_eq(__builtin_popcountll(in_force()->ours), 2);
	f = &files[0];
	wish(WISH_RELEASE);
	assert_below(files[0].path, files[0].before);
	assert_below(files[1].path, files[1].after);
	act_restore(act, 0);
	assert_below(files[1].path, files[1].before);
	ck_assert(is_nobodys());
}
END_TEST

START_TEST(what_is_there_already_is_nobodys)
{
	f = &files[_i];
	put_below(f->path, f->after);
	wish(WISH_SET);
	ck_assert_uint_eq(kernel.writes, 0);
	ck_assert(is_nobodys());
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(between_two_looks_nothing_is_read)
{
	wish(WISH_SET);
	put_below(f->path, f->other);
	plan->host.due = false;
	act_apply(act, plan);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	wish(WISH_SET);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

START_TEST(no_wish_gives_back_and_none_to_change_it_leaves_it)
{
	wish(WISH_SET);
	wish(WISH_HOLD);
	assert_below(f->path, f->after);
	ck_assert(in_force()->ours);
	wish(WISH_RELEASE);
	assert_below(f->path, f->before);
	ck_assert(is_nobodys());
	wish(WISH_RELEASE);
	ck_assert_uint_eq(kernel.writes, 2);
}
END_TEST

START_TEST(another_wish_keeps_the_first_original)
{
	wish(WISH_SET);
	wish_of(rule_of(f->id), WISH_SET, "20");
	assert_below(f->path, "20\n");
	assert_on_file("host host-swappiness 0 60 10 20");
	act_restore(act, 0);
	assert_below(f->path, f->before);
}
END_TEST

START_TEST(a_refused_other_wish_leaves_the_first_ours)
{
	wish(WISH_SET);
	kernel.error = EIO;
	wish_of(rule_of(f->id), WISH_SET, "20");
	ck_assert(in_force()->ours == bit() && in_force()->off == bit());
	kernel.error = 0;
	act_restore(act, 0);
	assert_below(f->path, f->before);
	ck_assert(is_nobodys());
}
END_TEST

START_TEST(a_kernel_without_it_is_left_in_peace)
{
	ck_assert_int_eq(unlink(at(root, f->path)), 0);
	wish(WISH_SET);
	ck_assert_uint_eq(nsaid, 0);
	ck_assert(is_nobodys() && !in_force()->off);
}
END_TEST

START_TEST(what_cannot_be_remembered_is_not_changed_until_it_can)
{
	ck_assert_int_eq(mkdir(at(run_dir, "undo.tmp"), 0700), 0);
	wish(WISH_SET);
	assert_below(f->path, f->before);
	ck_assert(!in_force()->ours && !act_owes(act));
	ck_assert_uint_eq(kernel.writes, 0);
	ck_assert_uint_eq(nsaid, 1);
	ck_assert_int_eq(rmdir(at(run_dir, "undo.tmp")), 0);
	plan->host.due = false; /* nobody has looked again, but the wish stands */
	act_apply(act, plan);
	assert_below(f->path, f->after);
	act_restore(act, 0);
	assert_below(f->path, f->before);
}
END_TEST

/* 0: observe; 1: nowhere to put the undo file. */
START_TEST(who_may_not_write_tells_it_once)
{
	if (_i) {
		act_ends();
		ck_assert_int_eq(act_new(&fs, NULL, &ops, &act), 0);
	}
	plan->host.dry_run = !_i;
	for (int i = 0; i < 2; i++)
		wish(WISH_SET);
	ck_assert(the_one(LOG_HOST_CHANGED)->dry_run);
	ck_assert_ptr_nonnull(
		strstr(the_one(LOG_HOST_CHANGED)->message, "would be set (host-swappiness): 10"));
	wish(WISH_RELEASE);
	wish(WISH_SET);
	ck_assert_uint_eq(nsaid, 2);
	ck_assert_uint_eq(kernel.writes, 0);
	ck_assert(is_nobodys());
}
END_TEST

/* ---- somebody else --------------------------------------------------------- */

START_TEST(a_foreign_write_cedes_it_until_reload)
{
	f = &files[_i / 2];
	wish(WISH_SET);
	put_below(f->path, f->other);
	for (int i = 0; i < 3; i++)
		wish(_i % 2 ? WISH_RELEASE : WISH_SET);
	wish(WISH_SET);
	assert_below(f->path, f->other);
	ck_assert(in_force()->ceded == bit() && is_nobodys());
	ck_assert_int_eq(the_one(LOG_CEDED)->level, LOG_LEVEL_WARNING);
	ck_assert_str_eq(the_one(LOG_CEDED)->from, f->wished);
	ck_assert_str_eq(the_one(LOG_CEDED)->to, f->other_word);
	act_restore(act, 0);
	assert_below(f->path, f->other);

	act_forgive(act);
	ck_assert(!in_force()->ceded);
	wish(WISH_SET);
	assert_below(f->path, f->after);
	act_restore(act, 0);
	assert_below(f->path, f->other); /* theirs is the original now */
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

START_TEST(a_foreign_write_is_seen_at_the_end_too)
{
	wish(WISH_SET);
	put_below(f->path, f->other);
	act_restore(act, 0);
	assert_below(f->path, f->other);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	ck_assert(is_nobodys());
}
END_TEST

/* It has been read since we wrote, so this is no write of ours that was not done. */
START_TEST(who_puts_the_original_back_has_it)
{
	wish(WISH_SET);
	put_below(f->path, f->before);
	for (int n = 0; n < 2; n++)
		wish(WISH_SET);
	assert_below(f->path, f->before);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	ck_assert(in_force()->ceded == bit() && is_nobodys());
}
END_TEST

START_TEST(a_foreign_write_right_behind_ours_cedes_it)
{
	kernel.instead = f->other;
	wish(WISH_SET);
	wish(WISH_SET);
	ck_assert_uint_eq(kernel.writes, 1);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	ck_assert_uint_eq(count_said(LOG_HOST_CHANGED), 0);
	ck_assert(in_force()->ceded == bit() && is_nobodys());
}
END_TEST

START_TEST(what_its_owner_says_as_well_is_left_to_him)
{
	wish(WISH_SET);
	f = &files[1];
	wish(WISH_SET);
	f = &files[0];
	plan->host.rule[rule_of(f->id)] =
		(struct host_wish){ .wish = WISH_RELEASE, .is_theirs = true };
	act_apply(act, plan);
	ck_assert_uint_eq(in_force()->ours, UINT64_C(1) << rule_of(files[1].id));
	act_restore(act, 0);
	assert_below(f->path, f->after);
	assert_below(files[1].path, files[1].before);
	ck_assert(is_nobodys());
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* ---- refusals -------------------------------------------------------------- */

static const struct {
	int error;
	const char *hint;
} refusals[] = {
	{ EACCES, "ReadWritePaths=-/proc/sys/vm/swappiness)" },
	{ EROFS, "ReadWritePaths=-/proc/sys/vm/swappiness)" },
	{ EPERM, "a capability" },
	{ EIO, "as it is for 10 s (" },
};

START_TEST(a_refusal_ends_it_until_reload)
{
	kernel.error = refusals[_i].error;
	for (int i = 0; i < 3; i++)
		wish(WISH_SET);
	assert_below(f->path, f->before);
	ck_assert_uint_eq(kernel.writes, 1);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, refusals[_i].error);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->level, LOG_LEVEL_ERR);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, refusals[_i].hint));
	ck_assert(in_force()->off == bit() && is_nobodys());
	ck_assert_uint_eq(nsaid, 1);

	act_forgive(act);
	ck_assert(!in_force()->off);
	kernel.error = 0;
	wish(WISH_SET);
	assert_below(f->path, f->after);
}
END_TEST

static const char *const not_a_word[] = { "often enough\n", "", "\n", "6\a\n", "[]\n", "6\n0\n" };

START_TEST(what_is_not_one_word_is_not_written)
{
	put_below(f->path, not_a_word[_i]);
	for (int i = 0; i < 2; i++)
		wish(WISH_SET);
	ck_assert_uint_eq(kernel.writes, 0);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert(is_nobodys());
}
END_TEST

START_TEST(an_original_that_is_refused_stays_on_file)
{
	wish(WISH_SET);
	kernel.error = EROFS;
	for (int i = 0; i < 3; i++)
		wish(WISH_RELEASE);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(kernel.writes, 2);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert(in_force()->ours && act_owes(act));
	kernel.error = 0;
	ck_assert_int_eq(act_again(), 1);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_below(f->path, f->before);
	ck_assert(is_nobodys());
}
END_TEST

/* The ten seconds until it would be asked again are not there any more. */
START_TEST(an_original_that_was_refused_for_now_is_tried_at_the_end)
{
	wish(WISH_SET);
	kernel.error = EIO;
	wish(WISH_RELEASE);
	ck_assert_uint_eq(kernel.writes, 2);
	kernel.error = 0;
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_below(f->path, f->before);
	ck_assert(is_nobodys());
}
END_TEST

START_TEST(a_failure_is_hopeless_after_the_third_in_a_row)
{
	struct retry r = { 0 };

	ck_assert(act_retry_is_hopeless(&r)); /* nothing is tried again */
	for (int n = 1; n <= 4; n++) {
		act_retry_later(&r, 0);
		ck_assert_int_eq(act_retry_is_hopeless(&r), n >= 3);
	}
}
END_TEST

/* ---- lives ----------------------------------------------------------------- */

START_TEST(a_restart_keeps_it_and_knows_the_original)
{
	f = &files[_i];
	wish(WISH_SET);
	make_old(at(run_dir, "undo"));
	ck_assert_int_eq(act_again(), 1);
	ck_assert(in_force()->ours == bit());
	kernel.writes = 0;
	wish(WISH_SET);
	ck_assert_uint_eq(kernel.writes, 0);
	wish(WISH_RELEASE);
	assert_below(f->path, f->before);
}
END_TEST

/* That life ended between its note and its write, and this one cannot read it at first. */
START_TEST(what_could_not_be_read_and_was_not_written_is_no_foreign_write)
{
	wish(WISH_SET);
	ck_assert_int_eq(unlink(at(root, f->path)), 0);
	ck_assert_int_eq(mkdir(at(root, f->path), 0755), 0);
	ck_assert_int_eq(act_again(), 1);
	ck_assert_int_eq(rmdir(at(root, f->path)), 0);
	put_below(f->path, f->before);
	wish(WISH_SET);
	ck_assert_uint_eq(in_force()->ceded, 0);
	assert_below(f->path, f->after);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_below(f->path, f->before);
	ck_assert(is_nobodys());
}
END_TEST

START_TEST(what_changed_between_two_lives_is_theirs)
{
	f = &files[_i];
	wish(WISH_SET);
	put_below(f->path, f->other);
	ck_assert_int_eq(act_again(), 0);
	ck_assert(in_force()->ceded == bit() && !in_force()->ours);
	wish(WISH_SET);
	assert_below(f->path, f->other);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

START_TEST(what_is_gone_or_back_between_two_lives_is_nobodys)
{
	wish(WISH_SET);
	if (_i)
		put_below(f->path, f->before);
	else
		ck_assert_int_eq(unlink(at(root, f->path)), 0);
	ck_assert_int_eq(act_again(), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(is_nobodys() && !in_force()->ceded);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* ---- kill -9 --------------------------------------------------------------- */

static void set(void)
{
	wish(WISH_SET);
}

static void give_back(void)
{
	wish(WISH_RELEASE);
}

/* put() empties the file before it fills it, as no kernel does: that state is skipped. */
static bool is_torn(void)
{
	struct stat st;

	return stat(at(root, f->path), &st) == 0 && st.st_size == 0;
}

START_TEST(killed_anywhere_it_comes_back)
{
	f = &files[_i / 2];
	for (unsigned int n = 0, more = 1; more; n++) {
		put_below(f->path, f->before);
		if (_i % 2)
			set();
		more = killed_at(n, _i % 2 ? give_back : set);
		if (is_torn())
			put_below(f->path, _i % 2 ? f->before : f->after);
		ck_assert_int_ge(act_again(), 0);
		ck_assert_uint_eq(act_restore(act, 0), 0);
		ck_assert_uint_eq(count_said(LOG_CEDED), 0);
		assert_below(f->path, f->before);
		ck_assert(is_nobodys());
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_host");
	TCase *c = tcase_create("wish");
	const int n = KT_ARRAY_LEN(files);

	tcase_add_checked_fixture(c, setup, teardown_kernel);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, a_wish_is_written_once_and_given_back, 0, n);
	tcase_add_test(c, two_rules_are_two_values);
	tcase_add_loop_test(c, what_is_there_already_is_nobodys, 0, n);
	tcase_add_test(c, between_two_looks_nothing_is_read);
	tcase_add_test(c, no_wish_gives_back_and_none_to_change_it_leaves_it);
	tcase_add_test(c, another_wish_keeps_the_first_original);
	tcase_add_test(c, a_refused_other_wish_leaves_the_first_ours);
	tcase_add_test(c, a_kernel_without_it_is_left_in_peace);
	tcase_add_test(c, what_cannot_be_remembered_is_not_changed_until_it_can);
	tcase_add_loop_test(c, who_may_not_write_tells_it_once, 0, 2);
	tcase_add_loop_test(c, a_foreign_write_cedes_it_until_reload, 0, 2 * n);
	tcase_add_test(c, a_foreign_write_is_seen_at_the_end_too);
	tcase_add_test(c, who_puts_the_original_back_has_it);
	tcase_add_test(c, a_foreign_write_right_behind_ours_cedes_it);
	tcase_add_test(c, what_its_owner_says_as_well_is_left_to_him);
	tcase_add_loop_test(c, a_refusal_ends_it_until_reload, 0, KT_ARRAY_LEN(refusals));
	tcase_add_loop_test(c, what_is_not_one_word_is_not_written, 0, KT_ARRAY_LEN(not_a_word));
	tcase_add_test(c, an_original_that_is_refused_stays_on_file);
	tcase_add_test(c, a_failure_is_hopeless_after_the_third_in_a_row);
	tcase_add_test(c, an_original_that_was_refused_for_now_is_tried_at_the_end);
	tcase_add_loop_test(c, a_restart_keeps_it_and_knows_the_original, 0, n);
	tcase_add_test(c, what_could_not_be_read_and_was_not_written_is_no_foreign_write);
	tcase_add_loop_test(c, what_changed_between_two_lives_is_theirs, 0, n);
	tcase_add_loop_test(c, what_is_gone_or_back_between_two_lives_is_nobodys, 0, 2);
	tcase_add_loop_test(c, killed_anywhere_it_comes_back, 0, 2 * n);
	suite_add_tcase(s, c);
	return kt_run(s);
}
