/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that kvmtuned writes fails, in each way that it can: is everything either as it was or
 * as the plan wants it, is it said and not again and again, does it go on once the fault has
 * passed, and does each original come back?
 *
 * Each row is one file and one fault, in the order of the tables below.  With KT_FAULTS=all all
 * rows are run, as `make faults` does; else one of STRIDE, so that each file and each fault has
 * some. */
#include "act_world.h"

/* ---- the faults ---------------------------------------------------------------------------- */

enum lasting {
	PASSES,   /* it is tried again later */
	OF_OURS,  /* ... and at the next plan */
	IS_FINAL, /* ... and after a reload */
	OF_OTHERS /* it is somebody else's now */
};

static const struct {
	const char *name;
	enum fault_how how;
	int error;
	enum lasting lasting;
} faults[] = {
	{ "no permission", FAULT_WRITE_OPEN, EACCES, IS_FINAL },
	{ "read-only", FAULT_WRITE_OPEN, EROFS, IS_FINAL },
	{ "no descriptor", FAULT_WRITE_OPEN, EMFILE, OF_OURS },
	{ "no file of the system's", FAULT_WRITE_OPEN, ENFILE, OF_OURS },
	{ "no memory to open it", FAULT_WRITE_OPEN, ENOMEM, OF_OURS },
	{ "no capability", FAULT_WRITE, EPERM, IS_FINAL },
	{ "busy", FAULT_WRITE, EBUSY, PASSES },
	{ "invalid", FAULT_WRITE, EINVAL, PASSES },
	{ "input/output error", FAULT_WRITE, EIO, PASSES },
	{ "no space", FAULT_WRITE, ENOSPC, PASSES },
	{ "no device", FAULT_WRITE, ENODEV, PASSES },
	{ "nobody there", FAULT_WRITE, ESRCH, PASSES },
	{ "no memory", FAULT_WRITE, ENOMEM, OF_OURS },
	{ "written in part", FAULT_SHORT, EIO, PASSES },
	{ "done, and an error", FAULT_DONE, EIO, PASSES },
	{ "done, and no memory", FAULT_DONE, ENOMEM, OF_OURS },
	{ "done, and never seen", FAULT_BLIND, EIO, PASSES },
	{ "done, and no descriptor to see it", FAULT_BLIND, EMFILE, OF_OURS },
	{ "cannot be read", FAULT_READ, EIO, PASSES },
	{ "cannot be opened", FAULT_OPEN, EIO, PASSES },
	{ "nobody may read it", FAULT_OPEN, EACCES, IS_FINAL },
	{ "no descriptor to read it", FAULT_OPEN, EMFILE, OF_OURS },
	{ "empty", FAULT_EMPTY, EINVAL, PASSES },
	{ "garbage", FAULT_GARBAGE, EINVAL, PASSES },
	{ "longer than any word", FAULT_HUGE, EFBIG, PASSES },
	{ "taken, and nothing happens", FAULT_DEAF, 0, OF_OTHERS },
	{ "taken, and another value", FAULT_OTHER, 0, OF_OTHERS },
};
enum { FAULTS = KT_ARRAY_LEN(faults), ROWS = FILES * FAULTS, STRIDE = 5 };

static const struct file *file;
static int nth;

static int stride(void)
{
	const char *which = getenv("KT_FAULTS");

	return which && strcmp(which, "all") == 0 ? 1 : STRIDE;
}

static void choose_row(int row)
{
	file = &files[row / FAULTS];
	nth = row % FAULTS;
}

#define ROW    "%s, %s"
#define OF_ROW file->path, faults[nth].name

/* Nobody can direct some interrupts: they are left alone, and the others are moved. */
static bool is_fixed_irq(void)
{
	int error = faults[nth].error;
	bool is_done = faults[nth].how == FAULT_DONE || faults[nth].how == FAULT_BLIND;

	return file->loop == LOOP_IRQ && !is_done &&
	       (error == EIO || error == EINVAL || error == EFBIG);
}

/* merge_across_nodes is busy while something is merged, which the next plan sees. */
static bool is_normal_life(void)
{
	return strcmp(file->path, KSM "merge_across_nodes") == 0 && faults[nth].error == EBUSY;
}

static enum lasting lasting(void)
{
	return is_fixed_irq() ? IS_FINAL : faults[nth].lasting;
}

static void strike(void)
{
	fault = (struct fault){ .path = file->path,
				.how = faults[nth].how,
				.error = faults[nth].error,
				.text = file->other };
}

static void end(void)
{
	faulty_ends();
	ck_assert_msg(!faulty_unfiled, ROW ": written before it was on file", OF_ROW);
	faulty_root_fd = -1;
	teardown();
}

/* ---- what must be true --------------------------------------------------------------------- */

static void assert_each_is_whole(void)
{
	for (size_t i = 0; i < FILES; i++) {
		const struct file *f = &files[i];
		const char *text = text_of(f);

		if (f == file && faults[nth].how == FAULT_OTHER)
			continue;
		ck_assert_msg(strcmp(text, f->original) == 0 || strcmp(text, f->wished) == 0,
			      ROW ": %s has %s", OF_ROW, f->path, text);
	}
}

static void assert_others_are(bool wished)
{
	for (size_t i = 0; i < FILES; i++) {
		const struct file *f = &files[i];
		const char *text = text_of(f);

		if (f != file)
			ck_assert_msg(strcmp(text, wished ? f->wished : f->original) == 0,
				      ROW ": %s has %s", OF_ROW, f->path, text);
	}
}

static void assert_all_are(bool wished)
{
	const char *text = text_of(file);

	ck_assert_msg(strcmp(text, wished ? file->wished : file->original) == 0, ROW ": it has %s",
		      OF_ROW, text);
	assert_others_are(wished);
}

/* It is named, with its error. */
static void assert_said(size_t at_most)
{
	size_t n = count_said(LOG_WRITE_REFUSED);
	char path[128];

	snprintf(path, sizeof path, "/%s", file->path);
	ck_assert_msg(n > 0 && n <= at_most, ROW ": said %zu times", OF_ROW, n);
	for (size_t i = 0; i < nsaid; i++) {
		if (said[i].id != LOG_WRITE_REFUSED)
			continue;
		ck_assert_msg(strstr(said[i].message, path) != NULL, ROW ": %s", OF_ROW,
			      said[i].message);
		ck_assert_msg(said[i].error == faults[nth].error, ROW ": %d", OF_ROW,
			      said[i].error);
	}
}

/* In 65 s: at once, 10 s later, 20 s later, and 40 s later comes after that. */
static void assert_log(void)
{
	if (lasting() == OF_OTHERS) {
		ck_assert_msg(count_said(LOG_CEDED) == 1, ROW ": ceded %zu times", OF_ROW,
			      count_said(LOG_CEDED));
		ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
		return;
	}
	ck_assert_msg(count_said(LOG_CEDED) == 0, ROW ": ceded", OF_ROW);
	if (is_normal_life())
		ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 0);
	else if (is_fixed_irq())
		ck_assert_uint_le(count_said(LOG_WRITE_REFUSED), 1);
	else
		assert_said(lasting() == PASSES ? 3 : 1);
}

static bool is_off(void)
{
	const struct in_force *f = act_in_force(act);

	return f->ksm.off || f->balancing.off || f->host.off;
}

/* ---- while it is to be set ----------------------------------------------------------------- */

START_TEST(what_cannot_be_set_is_whole_and_is_set_later)
{
	choose_row(_i * stride());
	wish(WISH_SET);
	strike();
	for (unsigned int i = 0; i < 3; i++) {
		plans(i < 2 ? 1 : 11);
		assert_each_is_whole();
		if (lasting() == OF_OURS)
			ck_assert_msg(!is_off(), ROW ": off", OF_ROW);
	}
	ck_assert_msg(faulty_hits > 0, ROW ": it never struck", OF_ROW);
	assert_log();
	faulty_ends();
	if (lasting() == OF_OTHERS)
		put(at(root, file->path), file->original); /* as who has ceded it may */
	if (lasting() == OF_OTHERS || lasting() == IS_FINAL)
		act_forgive(act);
	plans(lasting() == PASSES ? 10 : 1);
	ck_assert_msg(!is_off(), ROW ": still off", OF_ROW);
	if (lasting() == OF_OTHERS)
		assert_each_is_whole();
	else
		assert_all_are(true);
	ck_assert_msg(act_restore(act, plan->now_ns) == 0, ROW ": it waits", OF_ROW);
	assert_all_are(false);
	ck_assert_msg(!exists(at(run_dir, "undo")) && !act_owes(act), ROW ": on file", OF_ROW);
}
END_TEST

/* ---- while it is to be given back ---------------------------------------------------------- */

static const char *undo_text(void)
{
	static char text[4096];

	if (!exists(at(run_dir, "undo")))
		return "";
	(void)get(at(run_dir, "undo"), text, sizeof text);
	return text;
}

static bool may_strike_back(void)
{
	return lasting() != OF_OTHERS;
}

START_TEST(what_cannot_be_given_back_stays_on_file_and_comes_back_later)
{
	char before[4096];

	choose_row(_i * stride());
	if (!may_strike_back())
		return;
	wish(WISH_SET);
	plans(2);
	assert_all_are(true);
	ck_assert(strlen(undo_text()) > 0);
	snprintf(before, sizeof before, "%s", undo_text());
	nsaid = 0;
	strike();
	wish(WISH_RELEASE);
	for (unsigned int i = 0; i < 3; i++) {
		plans(i < 2 ? 1 : 11);
		assert_each_is_whole();
		ck_assert_msg(strcmp(text_of(file), file->original) == 0 || *undo_text(),
			      ROW ": lost", OF_ROW);
	}
	ck_assert_msg(count_said(LOG_CEDED) == 0, ROW ": ceded", OF_ROW);
	(void)act_restore(act, plan->now_ns);
	(void)act_again(); /* which dies, and begins again while it lasts */
	(void)act_restore(act, plan->now_ns);
	ck_assert_msg(strcmp(text_of(file), file->original) == 0 || *undo_text(), ROW ": lost",
		      OF_ROW);
	faulty_ends();
	(void)act_again();
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	assert_all_are(false);
	ck_assert_msg(!*undo_text() && !act_owes(act), ROW ": on file", OF_ROW);
}
END_TEST

/* A fault that passes is no reason to wait for a reload. */
START_TEST(what_can_be_given_back_again_is_given_back_by_the_plan)
{
	choose_row(_i * stride());
	if (!may_strike_back() || lasting() == IS_FINAL)
		return;
	wish(WISH_SET);
	plans(2);
	strike();
	wish(WISH_RELEASE);
	plans(3);
	faulty_ends();
	plans(lasting() == PASSES ? 20 : 1);
	assert_all_are(false);
	ck_assert_msg(!*undo_text() && !act_owes(act), ROW ": on file", OF_ROW);
}
END_TEST

/* Each plan wishes another speed, so that none finds nothing to do. */
START_TEST(failures_with_a_success_between_them_are_not_failures_in_a_row)
{
	static const char speed[] = "sys/kernel/mm/ksm/pages_to_scan";
	char text[32];

	wish(WISH_SET);
	plans(2);
	for (unsigned int i = 0; i < 4; i++) {
		nsaid = 0;
		fault = (struct fault){ .path = speed, .how = FAULT_WRITE, .error = EIO };
		plan->ksm.pages_to_scan++;
		plans(1);
		ck_assert_ptr_nonnull(strstr(the_one(LOG_WRITE_REFUSED)->message, "for 10 s"));
		faulty_ends();
		plan->ksm.pages_to_scan++;
		plans(2);
		ck_assert(!act_in_force(act)->ksm.off);
		ck_assert_uint_eq(count_said(LOG_RESTORED), 0);
		(void)get(at(root, speed), text, sizeof text);
		ck_assert_uint_eq(strtoul(text, NULL, 10), plan->ksm.pages_to_scan);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("faults of files that are written");
	TCase *c = tcase_create("rows");
	int rows = (ROWS + stride() - 1) / stride();

	printf("%d of %d rows: %d files, %d faults, to set and twice to give back\n", 3 * rows,
	       3 * ROWS, FILES, FAULTS);
	tcase_add_checked_fixture(c, setup, end);
	tcase_add_loop_test(c, what_cannot_be_set_is_whole_and_is_set_later, 0, rows);
	tcase_add_loop_test(c, what_cannot_be_given_back_stays_on_file_and_comes_back_later, 0,
			    rows);
	tcase_add_loop_test(c, what_can_be_given_back_again_is_given_back_by_the_plan, 0, rows);
	tcase_add_test(c, failures_with_a_success_between_them_are_not_failures_in_a_row);
	suite_add_tcase(s, c);
	return kt_run(s);
}
