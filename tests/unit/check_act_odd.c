/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is rarely so: a folder for the undo file that is none, a file that cannot be replaced,
 * somebody else who writes right behind what is given back, a life that ended between filing and
 * writing.  Is nothing written then that could not be undone, and is it said? */
#include "act_private.h"
#include "act_world.h"

/* ---- the folder ---------------------------------------------------------------------------- */

static int no_parent(void)
{
	snprintf(run_dir, sizeof run_dir, "%s/none/run", root);
	return -ENOENT;
}

static int a_file(void)
{
	snprintf(run_dir, sizeof run_dir, "%s/file", root);
	put(run_dir, "");
	return -ENOTDIR;
}

/* The folder can be opened, and nothing else. */
static int one_descriptor(void)
{
	int next = dup(0);
	struct rlimit limit;

	close(next);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)next + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return -EMFILE;
}

static int (*const folders[])(void) = { no_parent, a_file, one_descriptor };

START_TEST(without_a_folder_it_is_only_looked)
{
	char run[sizeof run_dir];
	struct rlimit limit;
	int error;

	act_ends();
	memcpy(run, run_dir, sizeof run);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	error = folders[_i]();
	ck_assert_int_eq(act_new(&fs, run_dir, &ops, &act), error);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	wish(WISH_SET);
	plans(2);
	ck_assert_uint_eq(faulty_writes, 0);
	ck_assert(!act_owes(act));
	for (size_t i = 0; i < nsaid; i++)
		ck_assert_msg(said[i].dry_run, "%s", said[i].message);
	memcpy(run_dir, run, sizeof run);
}
END_TEST

/* ---- the undo file ------------------------------------------------------------------------- */

static void put_full_folder(const char *name)
{
	ck_assert_int_eq(mkdir(at(run_dir, name), 0700), 0);
	ck_assert_int_eq(mkdir(at(at(run_dir, name), "in"), 0700), 0);
}

START_TEST(damage_that_cannot_be_put_aside_is_told)
{
	put(at(run_dir, "undo"), "nonsense\n");
	put_full_folder("undo.bad");
	ck_assert_int_eq(act_again(), -EISDIR);
	ck_assert(!act_owes(act));
	ck_assert(exists(at(run_dir, "undo")));
}
END_TEST

START_TEST(what_cannot_be_put_in_its_place_is_not_written)
{
	put_full_folder("undo");
	wish(WISH_SET);
	plans(2);
	ck_assert_uint_eq(faulty_writes, 0);
	ck_assert(!act_owes(act) && act_cannot_save(act));
	ck_assert(!exists(at(run_dir, "undo.tmp")));
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EISDIR);
}
END_TEST

START_TEST(a_file_that_cannot_be_removed_is_told)
{
	wish(WISH_SET);
	plans(1);
	ck_assert_int_eq(unlink(at(run_dir, "undo")), 0);
	put_full_folder("undo");
	nsaid = 0;
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(!act_owes(act) && act_cannot_save(act));
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EISDIR);
	for (size_t i = 0; i < FILES; i++)
		ck_assert_str_eq(text_of(&files[i]), files[i].original);
}
END_TEST

/* ---- somebody else ------------------------------------------------------------------------- */

/* Of the advisor there are two words, and no third that somebody else could write. */
START_TEST(who_writes_behind_an_original_has_it)
{
	const struct file *f = &files[_i];

	wish(WISH_SET);
	plans(1);
	nsaid = 0;
	fault = (struct fault){ .path = f->path, .how = FAULT_OTHER, .text = f->other };
	ck_assert_uint_eq(act_restore(act, 0), 0);
	faulty_ends();
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
	for (size_t i = 0; i < FILES; i++)
		if (i != (size_t)_i && files[i].loop != f->loop)
			ck_assert_str_eq(text_of(&files[i]), files[i].original);
}
END_TEST

START_TEST(two_values_of_one_rule_are_one_news)
{
	wish(WISH_SET);
	plans(1);
	nsaid = 0;
	for (size_t i = 0; i < FILES; i++)
		if (files[i].loop == LOOP_IRQ)
			put(at(root, files[i].path), files[i].other);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	for (size_t i = 0; i < FILES; i++)
		ck_assert_str_eq(text_of(&files[i]),
				 files[i].loop == LOOP_IRQ ? files[i].other : files[i].original);
}
END_TEST

/* ---- rules of the audit -------------------------------------------------------------------- */

static const struct file *swappiness(void)
{
	for (size_t i = 0; i < FILES; i++)
		if (strstr(files[i].path, "swappiness"))
			return &files[i];
	ck_abort_msg("no swappiness");
}

static void wish_swappiness(const char *word)
{
	plan->host.due = true;
	plan->host.nrules = HOST_RULES_MAX;
	wish_host("host-swappiness", WISH_SET, word);
	plans(1);
}

/* It was on file, and not yet written. */
START_TEST(a_life_that_ended_before_it_wrote_has_what_it_had)
{
	wish_swappiness("10");
	wish_swappiness("20");
	ck_assert_str_eq(text_of(swappiness()), "20\n");
	put(at(root, swappiness()->path), "10\n");
	ck_assert_int_eq(act_again(), 1);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_str_eq(text_of(swappiness()), "60\n");
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

static const char *const no_words[] = { "", "10;reboot", "1 0", "10\n", "../x" };

START_TEST(what_is_no_word_is_never_written)
{
	for (int i = 0; i < 2; i++)
		wish_swappiness(no_words[_i]);
	ck_assert_uint_eq(faulty_writes, 0);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EINVAL);
	ck_assert(!act_owes(act) && act_in_force(act)->host.off);
}
END_TEST

/* ---- guests -------------------------------------------------------------------------------- */

START_TEST(of_several_guests_the_right_one_is_forgotten)
{
	struct uuid uuid = { .byte = { 0 } };

	for (uint8_t i = 0; i < 3; i++) {
		uuid.byte[0] = i;
		act_bind(act, i, 1, &uuid, 100 + i, 1);
	}
	uuid.byte[0] = (uint8_t)_i;
	act_forget(act, &uuid);
	act_forget(act, &uuid);
	ck_assert_ptr_null(act_find(act, &uuid));
	for (uint8_t i = 0; i < 3; i++) {
		uuid.byte[0] = i;
		ck_assert_int_eq(act_find(act, &uuid) != NULL, i != _i);
	}
}
END_TEST

START_TEST(of_a_guest_that_nobody_knows_nothing_is_taken_in)
{
	struct vm_reply reply = { .uuid.byte = { 1 }, .error = -EIO };

	act_free(NULL);
	act_note_soft_limit(act, &reply.uuid, 1000);
	act_reply(act, &reply, 1000);
	ck_assert_uint_eq(nsaid, 0);
	ck_assert_ptr_null(act->guests);
}
END_TEST

START_TEST(a_guest_has_no_more_threads_than_it_may)
{
	struct placement p = { .npins = 0 };

	for (size_t i = 0; i < KT_THREADS_MAX; i++)
		ck_assert_ptr_nonnull(act_pin_add(&p));
	ck_assert_ptr_null(act_pin_add(&p));
	ck_assert_uint_eq(p.npins, KT_THREADS_MAX);
	act_placement_free(&p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_odd");
	TCase *c = tcase_create("odd");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, without_a_folder_it_is_only_looked, 0, KT_ARRAY_LEN(folders));
	tcase_add_test(c, damage_that_cannot_be_put_aside_is_told);
	tcase_add_test(c, what_cannot_be_put_in_its_place_is_not_written);
	tcase_add_test(c, a_file_that_cannot_be_removed_is_told);
	tcase_add_loop_test(c, who_writes_behind_an_original_has_it, 1, FILES);
	tcase_add_test(c, two_values_of_one_rule_are_one_news);
	tcase_add_test(c, a_life_that_ended_before_it_wrote_has_what_it_had);
	tcase_add_loop_test(c, what_is_no_word_is_never_written, 0, KT_ARRAY_LEN(no_words));
	tcase_add_loop_test(c, of_several_guests_the_right_one_is_forgotten, 0, 3);
	tcase_add_test(c, of_a_guest_that_nobody_knows_nothing_is_taken_in);
	tcase_add_test(c, a_guest_has_no_more_threads_than_it_may);
	suite_add_tcase(s, c);
	return kt_run(s);
}
