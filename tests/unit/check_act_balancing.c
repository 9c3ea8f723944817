/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is kernel.numa_balancing turned only while the plan wishes it, and is it the
 * administrator's again afterwards? */
#include "act_fixture.h"

#define FILE_BELOW "proc/sys/kernel/numa_balancing"

/* It takes the place of write(2), for this one file.  What the test puts there by other means
 * is an administrator's doing. */
static struct {
	int error;           /* every write is refused with it */
	const char *instead; /* somebody else writes this, right behind us */
	unsigned int writes;
	bool unfiled; /* there was no undo file at a write */
} kernel;

static const char *file(void)
{
	return at(root, FILE_BELOW);
}

static bool is_the_file(int fd)
{
	char link[32], path[256];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	path[KT_MAX(n, 0)] = '\0';
	return root[0] && strcmp(path, file()) == 0;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	char text[32];

	if (!is_the_file(fd))
		return syscall(SYS_write, fd, bytes, length);
	kernel.writes++;
	kernel.unfiled |= !exists(at(run_dir, "undo"));
	if (kernel.error) {
		errno = kernel.error;
		return -1;
	}
	snprintf(text, sizeof text, "%.*s", (int)length, (const char *)bytes);
	put(file(), kernel.instead ? kernel.instead : text);
	return (ssize_t)length;
}

static void setup(void)
{
	static const char *const folders[] = { "proc", "proc/sys", "proc/sys/kernel" };

	memset(&kernel, 0, sizeof kernel);
	setup_at(NULL);
	for (size_t i = 0; i < KT_ARRAY_LEN(folders); i++)
		ck_assert_int_eq(mkdir(at(root, folders[i]), 0755), 0);
	put(file(), "1\n");
}

static void teardown_kernel(void)
{
	ck_assert_msg(!kernel.unfiled, "written before it was on file");
	teardown();
	root[0] = '\0';
}

static void wish(enum ksm_switch wish)
{
	plan->numa_balancing = wish;
	act_apply(act, plan);
}

static void assert_is(const char *text)
{
	char found[32];

	get(file(), found, sizeof found);
	ck_assert_str_eq(found, text);
}

static const struct balancing_in_force *in_force(void)
{
	return &act_in_force(act)->balancing;
}

static bool is_nobodys(void)
{
	return !in_force()->ours && !act_owes(act) && !exists(at(run_dir, "undo"));
}

/* ---- the wish -------------------------------------------------------------- */

static const struct {
	const char *before;
	enum ksm_switch wish;
	const char *after, *on_file; /* NULL: it stays as it is */
} rows[] = {
	{ "1\n", KSM_SWITCH_OFF, "0\n", "\nbalancing 1 1 0\n" },
	{ "2\n", KSM_SWITCH_OFF, "0\n", "\nbalancing 2 2 0\n" },
	{ "0\n", KSM_SWITCH_OFF, "0\n", NULL },
	{ "0\n", KSM_SWITCH_ON, "1\n", "\nbalancing 0 0 1\n" },
	{ "1\n", KSM_SWITCH_ON, "1\n", NULL },
	{ "2\n", KSM_SWITCH_ON, "2\n", NULL },
	{ "1\n", KSM_SWITCH_KEEP, "1\n", NULL },
};

START_TEST(a_wish_is_written_once_and_given_back)
{
	bool ours = rows[_i].on_file;
	char undo[512];

	put(file(), rows[_i].before);
	for (int i = 0; i < 3; i++)
		wish(rows[_i].wish);
	assert_is(rows[_i].after);
	ck_assert_uint_eq(kernel.writes, ours);
	ck_assert_uint_eq(count_said(LOG_BALANCING_CHANGED), ours);
	ck_assert_uint_eq(nsaid, ours);
	ck_assert(in_force()->ours == ours && act_owes(act) == ours);
	if (ours) {
		get(at(run_dir, "undo"), undo, sizeof undo);
		ck_assert_ptr_nonnull(strstr(undo, rows[_i].on_file));
	}
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_is(rows[_i].before);
	ck_assert(is_nobodys());
	ck_assert_uint_eq(count_said(LOG_RESTORED), ours);
}
END_TEST

START_TEST(what_is_said_names_both_values)
{
	put(file(), "2\n");
	wish(KSM_SWITCH_OFF);
	ck_assert_int_eq(the_one(LOG_BALANCING_CHANGED)->level, LOG_LEVEL_NOTICE);
	ck_assert_str_eq(the_one(LOG_BALANCING_CHANGED)->from, "2");
	ck_assert_str_eq(the_one(LOG_BALANCING_CHANGED)->to, "0");
	wish(KSM_SWITCH_KEEP);
	ck_assert_str_eq(the_one(LOG_RESTORED)->from, "0");
	ck_assert_str_eq(the_one(LOG_RESTORED)->to, "2");
}
END_TEST

START_TEST(no_wish_gives_back)
{
	put(file(), "3\n");
	wish(KSM_SWITCH_OFF);
	wish(KSM_SWITCH_KEEP);
	assert_is("3\n");
	ck_assert(is_nobodys());
	wish(KSM_SWITCH_KEEP);
	ck_assert_uint_eq(kernel.writes, 2);
	wish(KSM_SWITCH_OFF);
	wish(KSM_SWITCH_ON); /* the administrator's own number */
	assert_is("3\n");
	ck_assert(is_nobodys());
}
END_TEST

START_TEST(a_kernel_without_it_is_left_in_peace)
{
	ck_assert_int_eq(unlink(file()), 0);
	wish(KSM_SWITCH_OFF);
	ck_assert_uint_eq(nsaid, 0);
	ck_assert(is_nobodys() && !in_force()->off);
}
END_TEST

START_TEST(what_cannot_be_remembered_is_not_changed)
{
	ck_assert_int_eq(mkdir(at(run_dir, "undo.tmp"), 0700), 0);
	wish(KSM_SWITCH_OFF);
	wish(KSM_SWITCH_OFF);
	assert_is("1\n");
	ck_assert(!in_force()->ours);
	ck_assert_uint_eq(kernel.writes, 0);
	ck_assert_uint_eq(nsaid, 1);
	ck_assert_int_eq(rmdir(at(run_dir, "undo.tmp")), 0);
	wish(KSM_SWITCH_OFF);
	assert_is("0\n");
}
END_TEST

START_TEST(who_may_not_write_tells_it_once)
{
	act_ends();
	ck_assert_int_eq(act_new(&fs, NULL, &ops, &act), 0);
	for (int i = 0; i < 2; i++)
		wish(KSM_SWITCH_OFF);
	ck_assert(the_one(LOG_BALANCING_CHANGED)->dry_run);
	ck_assert_ptr_nonnull(
		strstr(the_one(LOG_BALANCING_CHANGED)->message, "would be set: 0 (was 1)"));
	wish(KSM_SWITCH_KEEP);
	wish(KSM_SWITCH_ON); /* it is */
	ck_assert_uint_eq(nsaid, 1);
	wish(KSM_SWITCH_OFF);
	ck_assert_uint_eq(nsaid, 2);
	ck_assert_uint_eq(kernel.writes, 0);
}
END_TEST

/* ---- somebody else --------------------------------------------------------- */

START_TEST(a_foreign_write_cedes_it_until_reload)
{
	wish(KSM_SWITCH_OFF);
	put(file(), "2\n");
	for (int i = 0; i < 3; i++)
		wish(_i ? KSM_SWITCH_KEEP : KSM_SWITCH_OFF);
	wish(KSM_SWITCH_OFF);
	assert_is("2\n");
	ck_assert(in_force()->ceded && is_nobodys());
	ck_assert_int_eq(the_one(LOG_CEDED)->level, LOG_LEVEL_WARNING);
	ck_assert_str_eq(the_one(LOG_CEDED)->from, "0");
	ck_assert_str_eq(the_one(LOG_CEDED)->to, "2");
	act_restore(act, 0);
	assert_is("2\n");

	act_forgive(act);
	ck_assert(!in_force()->ceded);
	wish(KSM_SWITCH_OFF);
	assert_is("0\n");
	act_restore(act, 0);
	assert_is("2\n"); /* theirs is the original now */
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

START_TEST(a_foreign_write_is_seen_at_the_end_too)
{
	wish(KSM_SWITCH_OFF);
	put(file(), "2\n");
	act_restore(act, 0);
	assert_is("2\n");
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	ck_assert(is_nobodys());
}
END_TEST

START_TEST(a_foreign_write_right_behind_ours_cedes_it)
{
	kernel.instead = "2\n";
	wish(KSM_SWITCH_OFF);
	wish(KSM_SWITCH_OFF);
	ck_assert_uint_eq(kernel.writes, 1);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	ck_assert_uint_eq(count_said(LOG_BALANCING_CHANGED), 0);
	ck_assert(in_force()->ceded && is_nobodys());
}
END_TEST

START_TEST(a_foreign_write_right_behind_the_original_cedes_it)
{
	wish(KSM_SWITCH_OFF);
	kernel.instead = "2\n";
	wish(KSM_SWITCH_KEEP);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	ck_assert_uint_eq(count_said(LOG_RESTORED), 0);
	ck_assert(in_force()->ceded && is_nobodys());
}
END_TEST

/* ---- refusals -------------------------------------------------------------- */

static const struct {
	int error;
	const char *hint;
} refusals[] = {
	{ EACCES, "ReadWritePaths=-/proc/sys/kernel/numa_balancing and" },
	{ EROFS, "ReadWritePaths=-/proc/sys/kernel/numa_balancing and" },
	{ EPERM, "CAP_SYS_ADMIN" },
	{ EIO, "as it is for 10 s (" },
};

START_TEST(a_refusal_ends_it_until_reload)
{
	kernel.error = refusals[_i].error;
	for (int i = 0; i < 3; i++)
		wish(KSM_SWITCH_OFF);
	assert_is("1\n");
	ck_assert_uint_eq(kernel.writes, 1);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, refusals[_i].error);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->level, LOG_LEVEL_ERR);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, refusals[_i].hint));
	ck_assert(in_force()->off && is_nobodys());
	ck_assert_uint_eq(nsaid, 1);

	act_forgive(act);
	ck_assert(!in_force()->off);
	kernel.error = 0;
	wish(KSM_SWITCH_OFF);
	assert_is("0\n");
}
END_TEST

START_TEST(what_is_not_a_number_is_not_written)
{
	put(file(), "often\n");
	wish(KSM_SWITCH_OFF);
	wish(KSM_SWITCH_OFF);
	assert_is("often\n");
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
}
END_TEST

START_TEST(an_original_that_is_refused_stays_on_file)
{
	wish(KSM_SWITCH_OFF);
	kernel.error = EROFS;
	for (int i = 0; i < 3; i++)
		wish(KSM_SWITCH_KEEP);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(kernel.writes, 2);
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert(in_force()->ours && act_owes(act));
	kernel.error = 0;
	ck_assert_int_eq(act_again(), 1);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_is("1\n");
	ck_assert(is_nobodys());
}
END_TEST

/* The ten seconds until it would be asked again are not there any more. */
START_TEST(an_original_that_was_refused_for_now_is_tried_at_the_end)
{
	wish(KSM_SWITCH_OFF);
	assert_is("0\n");
	kernel.error = EIO;
	wish(KSM_SWITCH_KEEP);
	ck_assert_uint_eq(kernel.writes, 2);
	kernel.error = 0;
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_is("1\n");
	ck_assert(is_nobodys());
}
END_TEST

/* ---- lives ----------------------------------------------------------------- */

START_TEST(a_restart_keeps_it_and_knows_the_original)
{
	put(file(), "2\n");
	wish(KSM_SWITCH_OFF);
	make_old(at(run_dir, "undo"));
	ck_assert_int_eq(act_again(), 1);
	ck_assert(in_force()->ours);
	kernel.writes = 0;
	wish(KSM_SWITCH_OFF);
	ck_assert_uint_eq(kernel.writes, 0);
	wish(KSM_SWITCH_KEEP);
	assert_is("2\n");
}
END_TEST

START_TEST(what_changed_between_two_lives_is_theirs)
{
	put(file(), "2\n");
	wish(KSM_SWITCH_OFF);
	put(file(), "1\n");
	ck_assert_int_eq(act_again(), 0);
	ck_assert(in_force()->ceded && !in_force()->ours);
	wish(KSM_SWITCH_OFF);
	assert_is("1\n");
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

START_TEST(what_is_gone_or_back_between_two_lives_is_nobodys)
{
	wish(KSM_SWITCH_OFF);
	if (_i)
		put(file(), "1\n");
	else
		ck_assert_int_eq(unlink(file()), 0);
	ck_assert_int_eq(act_again(), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert(is_nobodys() && !in_force()->ceded);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

START_TEST(a_damaged_file_is_not_believed)
{
	put(at(run_dir, "undo"), "kvmtuned-undo 2\nbalancing 2 2 1\nnonsense\nend 2\n");
	ck_assert_int_eq(act_again(), -EBADMSG);
	ck_assert(!in_force()->ours && !act_owes(act));
	act_restore(act, 0);
	assert_is("1\n");
}
END_TEST

/* That life ended before it wrote, and the file could not be read just then: what is there
 * later is not ours, and the wish begins anew. */
START_TEST(what_was_never_written_is_forgotten_when_it_can_be_read)
{
	put(file(), "often\n");
	put(at(run_dir, "undo"), "kvmtuned-undo 2\nbalancing 1 2 0\nend 1\n");
	ck_assert_int_eq(act_again(), 1);
	put(file(), "2\n");
	wish(KSM_SWITCH_OFF);
	assert_is("0\n");
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	wish(KSM_SWITCH_KEEP);
	assert_is("2\n");
	ck_assert(is_nobodys());
}
END_TEST

/* ---- kill -9 --------------------------------------------------------------- */

static void switch_off(void)
{
	wish(KSM_SWITCH_OFF);
}

static void give_back(void)
{
	wish(KSM_SWITCH_KEEP);
}

static void assert_comes_back(void)
{
	ck_assert_int_ge(act_again(), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_is("2\n");
	ck_assert(is_nobodys());
}

/* put() empties the file before it fills it, as no kernel does: that state is skipped. */
static bool is_torn(void)
{
	struct stat st;

	return stat(file(), &st) == 0 && st.st_size == 0;
}

START_TEST(killed_anywhere_it_comes_back)
{
	for (unsigned int n = 0, more = 1; more; n++) {
		put(file(), "2\n");
		if (_i)
			switch_off();
		more = killed_at(n, _i ? give_back : switch_off);
		if (is_torn())
			put(file(), _i ? "2\n" : "0\n");
		assert_comes_back();
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_balancing");
	TCase *c = tcase_create("wish");

	tcase_add_checked_fixture(c, setup, teardown_kernel);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, a_wish_is_written_once_and_given_back, 0, KT_ARRAY_LEN(rows));
	tcase_add_test(c, what_is_said_names_both_values);
	tcase_add_test(c, no_wish_gives_back);
	tcase_add_test(c, a_kernel_without_it_is_left_in_peace);
	tcase_add_test(c, what_cannot_be_remembered_is_not_changed);
	tcase_add_test(c, who_may_not_write_tells_it_once);
	tcase_add_loop_test(c, a_foreign_write_cedes_it_until_reload, 0, 2);
	tcase_add_test(c, a_foreign_write_is_seen_at_the_end_too);
	tcase_add_test(c, a_foreign_write_right_behind_ours_cedes_it);
	tcase_add_test(c, a_foreign_write_right_behind_the_original_cedes_it);
	tcase_add_loop_test(c, a_refusal_ends_it_until_reload, 0, KT_ARRAY_LEN(refusals));
	tcase_add_test(c, what_is_not_a_number_is_not_written);
	tcase_add_test(c, an_original_that_is_refused_stays_on_file);
	tcase_add_test(c, an_original_that_was_refused_for_now_is_tried_at_the_end);
	tcase_add_test(c, a_restart_keeps_it_and_knows_the_original);
	tcase_add_test(c, what_changed_between_two_lives_is_theirs);
	tcase_add_loop_test(c, what_is_gone_or_back_between_two_lives_is_nobodys, 0, 2);
	tcase_add_test(c, a_damaged_file_is_not_believed);
	tcase_add_test(c, what_was_never_written_is_forgotten_when_it_can_be_read);
	tcase_add_loop_test(c, killed_anywhere_it_comes_back, 0, 2);
	suite_add_tcase(s, c);
	return kt_run(s);
}
