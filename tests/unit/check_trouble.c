/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the operator told of a file that cannot be read, once, by its name and with what to do? */
#include "tick_world.h"

enum { TEN_MINUTES = 600 / TICK_S };

#define PRESSURE "proc/pressure/memory"

static const struct {
	enum fault_how how;
	int error;
	const char *says;
} rows[] = {
	{ FAULT_READ, EIO,
	  "/" PRESSURE ": Input/output error; until it can be read, nothing is "
	  "changed by what it would say (the kernel's log may say more)" },
	{ FAULT_READ, EACCES,
	  "(check that it runs as root, and ProtectProc= and "
	  "InaccessiblePaths= of the unit)" },
	{ FAULT_READ, EPERM, "InaccessiblePaths= of the unit)" },
	{ FAULT_READ, EMFILE, "(check LimitNOFILE= of the unit)" },
	{ FAULT_READ, ENOMEM, "(check MemoryMax= of the unit)" },
	{ FAULT_GARBAGE, 0, "(it says what this version of kvmtuned does not understand)" },
};

static void fails(const char *path, enum fault_how how, int error)
{
	fault = (struct fault){ .path = path, .how = how, .error = error };
}

START_TEST(a_file_that_fails_is_told_once_with_what_to_do)
{
	ticks(2);
	fails(PRESSURE, rows[_i].how, rows[_i].error);
	ticks(2 * TEN_MINUTES);
	ck_assert_uint_eq(lines.n, 1);
	ck_assert_msg(strstr(lines.text[0], rows[_i].says), "%s", lines.text[0]);
	ck_assert_int_eq(lines.id[0], LOG_SENSE_FAILED);
}
END_TEST

START_TEST(one_that_comes_and_goes_is_told_every_ten_minutes)
{
	for (int i = 0; i < 2 * TEN_MINUTES - 2; i++) {
		fails(PRESSURE, FAULT_READ, EIO);
		ticks(i % 2 ? 0 : 2);
		faulty_ends();
		ticks(i % 2 ? 2 : 0);
	}
	ck_assert_uint_eq(lines.n, 4);
}
END_TEST

START_TEST(the_next_file_is_told_when_it_is_its_turn)
{
	fails(PRESSURE, FAULT_READ, EIO);
	ticks(2);
	fails(KSM "/full_scans", FAULT_READ, EIO);
	ticks(TEN_MINUTES - 3);
	ck_assert_uint_eq(lines.n, 1);
	ticks(3);
	ck_assert_uint_eq(lines.n, 2);
	ck_assert_ptr_nonnull(strstr(lines.text[1], "/" KSM "/full_scans: "));
}
END_TEST

static const int absences[] = { ENOENT, ESRCH, ENODEV, EOPNOTSUPP };

START_TEST(what_the_kernel_lacks_is_not_missed)
{
	fails(PRESSURE, FAULT_OPEN, absences[_i]);
	ticks(TEN_MINUTES);
	ck_assert_uint_eq(lines.n, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("files that cannot be read");
	TCase *c = tcase_create("trouble");

	tcase_add_checked_fixture(c, world_begins, world_ends);
	tcase_add_loop_test(c, a_file_that_fails_is_told_once_with_what_to_do, 0,
			    KT_ARRAY_LEN(rows));
	tcase_add_test(c, one_that_comes_and_goes_is_told_every_ten_minutes);
	tcase_add_test(c, the_next_file_is_told_when_it_is_its_turn);
	tcase_add_loop_test(c, what_the_kernel_lacks_is_not_missed, 0, KT_ARRAY_LEN(absences));
	suite_add_tcase(s, c);
	return kt_run(s);
}
