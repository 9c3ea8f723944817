/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The undo file cannot be written, in each way that it can fail: is nothing changed then that
 * could not be given back, is it said once, does it go on when it can be written again, and are
 * originals given back nevertheless? */
#include "act_world.h"

/* ---- a folder below /run that fails -------------------------------------------------------- */

enum step { OPENS, WRITES, RENAMES, REMOVES };

static const struct {
	const char *name;
	enum step step;
	int error;
} faults[] = {
	{ "no space for a file", OPENS, ENOSPC },
	{ "read-only", OPENS, EROFS },
	{ "no permission", OPENS, EACCES },
	{ "no descriptor", OPENS, EMFILE },
	{ "no memory", OPENS, ENOMEM },
	{ "input/output error", OPENS, EIO },
	{ "no space", WRITES, ENOSPC },
	{ "input/output error at write", WRITES, EIO },
	{ "no space for its name", RENAMES, ENOSPC },
	{ "read-only since", RENAMES, EROFS },
	{ "input/output error at its name", RENAMES, EIO },
	{ "cannot be removed: read-only", REMOVES, EROFS },
	{ "cannot be removed", REMOVES, EIO },
};
enum { FAULTS = KT_ARRAY_LEN(faults) };

static int nth = -1; /* -1: none fails */
static unsigned int hits;

static bool fails(enum step step)
{
	bool does = nth >= 0 && faults[nth].step == step;

	hits += does;
	return does;
}

/* What is written to either fails as the file would. */
static int undo_opens(const char *path, int flags)
{
	const char *device;

	if (strcmp(path, "undo.tmp") != 0 || (flags & O_ACCMODE) == O_RDONLY)
		return 0;
	if (fails(OPENS))
		return -faults[nth].error;
	if (!fails(WRITES))
		return 0;
	device = faults[nth].error == ENOSPC ? "/dev/full" : "/proc/self/mem";
	return (int)syscall(SYS_openat, AT_FDCWD, device, O_WRONLY | O_CLOEXEC, 0);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	if (strcmp(to, "undo") == 0 && fails(RENAMES))
		return faulty_refuses(faults[nth].error);
	return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int unlinkat(int dir_fd, const char *path, int flags)
{
	if (strcmp(path, "undo") == 0 && fails(REMOVES))
		return faulty_refuses(faults[nth].error);
	return (int)syscall(SYS_unlinkat, dir_fd, path, flags);
}

/* ---- the world ----------------------------------------------------------------------------- */

static void begin(void)
{
	setup();
	faulty_elsewhere = undo_opens;
	nth = -1;
	hits = 0;
}

static void end(void)
{
	nth = -1;
	ck_assert_msg(!faulty_unfiled, "written before it was on file");
	faulty_root_fd = -1;
	faulty_elsewhere = NULL;
	teardown();
}

static void strike(int row)
{
	nth = row;
}

static void assert_all_are(bool wished, const char *when)
{
	for (size_t i = 0; i < FILES; i++)
		ck_assert_msg(strcmp(text_of(&files[i]),
				     wished ? files[i].wished : files[i].original) == 0,
			      "%s: %s has %s", when, files[i].path, text_of(&files[i]));
}

/* Each original is in it. */
static void assert_filed(const char *when)
{
	char text[4096];

	(void)get(at(run_dir, "undo"), text, sizeof text);
	ck_assert_msg(strstr(text, "\nksm run 0 ") && strstr(text, "\nksm pages_to_scan 100 ") &&
			      strstr(text, "\nbalancing 1 ") && strstr(text, " 0 60 60 10\n") &&
			      strstr(text, "\nend "),
		      "%s: %s", when, text);
}

static void assert_said_once(void)
{
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, faults[nth].error);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, "undo file"));
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}

static void gives_all_back(void)
{
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	assert_all_are(false, "in the end");
	ck_assert(!exists(at(run_dir, "undo")) && !exists(at(run_dir, "undo.tmp")));
	ck_assert(!act_owes(act) && !act_cannot_save(act));
}

/* ---- rows ---------------------------------------------------------------------------------- */

START_TEST(what_cannot_be_remembered_is_not_changed)
{
	if (faults[_i].step == REMOVES)
		return; /* there is nothing to remove */
	strike(_i);
	wish(WISH_SET);
	plans(13);
	ck_assert_uint_gt(hits, 0);
	assert_all_are(false, faults[nth].name);
	ck_assert(act_cannot_save(act) && !act_owes(act));
	ck_assert(!exists(at(run_dir, "undo")) && !exists(at(run_dir, "undo.tmp")));
	assert_said_once();
	nth = -1;
	plans(1);
	assert_all_are(true, "afterwards");
	gives_all_back();
}
END_TEST

START_TEST(another_value_waits_and_the_file_stays_whole)
{
	const struct file *pages = &files[4];

	if (faults[_i].step == REMOVES)
		return;
	wish(WISH_SET);
	plans(2);
	assert_all_are(true, "before");
	strike(_i);
	nsaid = 0;
	plan->ksm.pages_to_scan = 1000;
	plans(13);
	assert_all_are(true, faults[nth].name);
	assert_filed(faults[nth].name);
	assert_said_once();
	ck_assert_int_gt(act_again(), 0); /* which dies then, and knows all that is in force */
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	nth = -1;
	plans(1);
	ck_assert_str_eq(text_of(pages), "1000\n");
	gives_all_back();
}
END_TEST

START_TEST(originals_come_back_though_the_file_cannot_be_written)
{
	wish(WISH_SET);
	plans(2);
	strike(_i);
	wish(WISH_RELEASE);
	plans(3);
	assert_all_are(false, faults[nth].name);
	(void)act_restore(act, plan->now_ns);
	(void)act_again(); /* the file names what is nobody's any more */
	(void)act_restore(act, plan->now_ns);
	assert_all_are(false, faults[nth].name);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	nth = -1;
	(void)act_again();
	plans(1);
	gives_all_back();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("faults of the undo file");
	TCase *c = tcase_create("rows");

	printf("%d rows\n", 3 * FAULTS - 4);
	tcase_add_checked_fixture(c, begin, end);
	tcase_add_loop_test(c, what_cannot_be_remembered_is_not_changed, 0, FAULTS);
	tcase_add_loop_test(c, another_value_waits_and_the_file_stays_whole, 0, FAULTS);
	tcase_add_loop_test(c, originals_come_back_though_the_file_cannot_be_written, 0, FAULTS);
	suite_add_tcase(s, c);
	return kt_run(s);
}
