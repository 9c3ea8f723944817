/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that the mover reads fails, in each way that it can: does the order end, is nothing moved
 * that is not known to be the guest's and to have room, and is all moved by the next order? */
#include "mover_kernel.h"

#include "faulty_reads.h"

enum { SIZE = 4 * MIB, HOME = 1 };

/* Where the number of the process goes, if it is of one. */
static const char *const read_files[] = { "proc/%d/stat", "proc/%d/maps", "proc/%d/pagemap",
					  "sys/devices/system/node/node1/meminfo" };
enum { FILES = KT_ARRAY_LEN(read_files), ROWS = FILES * FAULTS };

/* Memory that is nobody's has no node. */
static long call(pid_t pid, unsigned long count, void **pages, const int *nodes, int *status,
		 int flags)
{
	for (unsigned long i = 0; i < count; i++) {
		uintptr_t page = (uintptr_t)pages[i];

		if (page >= area_at(0) && page < area_at(0) + SIZE)
			continue;
		for (unsigned long p = 0; p < count; p++)
			status[p] = -EFAULT;
		return nodes ? (long)count : 0;
	}
	return fake_call(pid, count, pages, nodes, status, flags);
}

static char path[FAULTY_PATH];
static const char *name;

#define ROW    "%s, %s"
#define OF_ROW path, name

static void begin(void)
{
	make_host();
	kernel = (struct kernel){ 0 };
	ck_assert_int_eq(mover_new(&fs, call, &mover), 0);
	starts_with(SIZE);
	faulty_begin(fs.root_fd);
}

static void end(void)
{
	faulty_ends();
	faulty_root_fd = -1;
	teardown_mover();
}

static void strike(int row)
{
	const char *format = read_files[row / FAULTS];
	const char *number = strstr(format, "%d");

	snprintf(path, sizeof path, "%.*s", (int)(number ? number - format : INT16_MAX), format);
	if (number)
		snprintf(path + strlen(path), sizeof path - strlen(path), "%d%s", process.pid,
			 number + 2);
	name = faults[row % FAULTS].name;
	fault = (struct fault){ .path = path,
				.how = faults[row % FAULTS].how,
				.error = faults[row % FAULTS].error };
}

static size_t files_open(void)
{
	size_t n = 0;

	for (size_t i = 0; i < FAULTY_FDS; i++)
		n += faulty_path_of[i][0] != '\0';
	return n;
}

/* Of these four, and of no other, so that a new one gets its rows. */
START_TEST(these_files_are_read)
{
	assert_ends(order_to(1U << HOME), MOVER_DONE);
	ck_assert_uint_eq(faulty_seen.n, FILES);
	for (int i = 0; i < FILES; i++) {
		bool found = false;

		strike(i * FAULTS);
		for (size_t f = 0; f < faulty_seen.n; f++)
			found = found || strcmp(faulty_seen.path[f], path) == 0;
		ck_assert_msg(found, "%s", path);
	}
}
END_TEST

/* Without these nothing is known: of the half of a file, or of another number, all may be. */
static bool is_unknown(void)
{
	return !strstr(path, "pagemap") && fault.how != FAULT_HALF && fault.how != FAULT_HUGE &&
	       !(strstr(path, "meminfo") &&
		 (fault.how == FAULT_NUMBERS || fault.how == FAULT_NEGATIVE));
}

/* What nobody may read, nobody may move: it is not tried with other guests. */
static bool may_be_off(void)
{
	return fault.error == EACCES || fault.error == EPERM;
}

START_TEST(an_order_ends_and_the_next_one_moves_all)
{
	struct mover_order order = order_to(1U << HOME);

	strike(_i);
	give(order);
	await_end();
	ck_assert_msg(faulty_hits > 0, ROW ": it never struck", OF_ROW);
	ck_assert_msg(answer.state != MOVER_OFF || may_be_off(), ROW ": off", OF_ROW);
	ck_assert_msg(pages_on(0) + pages_on(HOME) == SIZE / PAGE, ROW ": elsewhere", OF_ROW);
	if (is_unknown())
		ck_assert_msg(pages_on(HOME) == 0, ROW ": %zu pages moved", OF_ROW, pages_on(HOME));
	ck_assert_msg(files_open() == 0, ROW ": left open", OF_ROW);
	faulty_ends();
	assert_ends(order, MOVER_DONE);
	ck_assert_msg(pages_on(HOME) == SIZE / PAGE, ROW ": %zu pages moved in the end", OF_ROW,
		      pages_on(HOME));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("faults of files that the mover reads");
	TCase *c = tcase_create("rows");

	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, these_files_are_read);
	tcase_add_loop_test(c, an_order_ends_and_the_next_one_moves_all, 0, ROWS);
	suite_add_tcase(s, c);
	return kt_run(s);
}
