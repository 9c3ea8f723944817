/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that a tick reads fails, in each way that it can: does the daemon live, is what is in
 * force sensible, is nothing said again and again, is all decided as before once the fault has
 * passed, and does each original come back?
 *
 * Which files those are is found out by a run without faults, so that a new one is tried by
 * itself.  Each row is one file and one fault; with KT_FAULTS=all all rows are run, as `make
 * faults` does, else one of STRIDE. */
#include "tick_world.h"

static const struct {
	const char *name;
	enum fault_how how;
	int error;
} faults[] = {
	{ "missing", FAULT_OPEN, ENOENT },
	{ "no permission", FAULT_OPEN, EACCES },
	{ "no descriptor", FAULT_OPEN, EMFILE },
	{ "no memory", FAULT_OPEN, ENOMEM },
	{ "input/output error at open", FAULT_OPEN, EIO },
	{ "input/output error", FAULT_READ, EIO },
	{ "invalid", FAULT_READ, EINVAL },
	{ "busy", FAULT_READ, EBUSY },
	{ "not permitted", FAULT_READ, EPERM },
	{ "its process has gone", FAULT_VANISHED, ESRCH },
	{ "its device has gone", FAULT_VANISHED, ENODEV },
	{ "empty", FAULT_EMPTY, 0 },
	{ "half", FAULT_HALF, 0 },
	{ "huge", FAULT_HUGE, 0 },
	{ "garbage", FAULT_GARBAGE, 0 },
	{ "the largest numbers", FAULT_NUMBERS, 0 },
	{ "negative numbers", FAULT_NEGATIVE, 0 },
	{ "zeros", FAULT_ZERO, 0 },
	{ "NULs", FAULT_NULS, 0 },
};
enum { FAULTS = KT_ARRAY_LEN(faults), STRIDE = 53, FILES_MAX = 96 };

/* Of what is read seldom, a look comes after so many. */
enum { LOOKS = 70, STRUCK = 8 };

static char files[FILES_MAX][FAULTY_PATH];
static int nfiles;
static char calm[512]; /* in force, without a fault */

static int stride(void)
{
	const char *which = getenv("KT_FAULTS");

	return which && strcmp(which, "all") == 0 ? 1 : STRIDE;
}

/* One guest is as good as the other. */
static bool is_tried(const char *path)
{
	return !strstr(path, "1020") && !strstr(path, "qemu\\x2d2");
}

/* In this process, which knows the files then. */
START_TEST(without_a_fault_all_is_set)
{
	world_begins();
	ticks(LOOKS);
	snprintf(calm, sizeof calm, "%s", in_force());
	ck_assert_str_eq(calm, "1 1250 10 0 10 0-1 0-1 2-3 2-3 ");
	ck_assert_uint_eq(lines.n, 0);
	for (size_t i = 0; i < faulty_seen.n; i++) {
		if (!is_tried(faulty_seen.path[i]))
			continue;
		ck_assert_int_lt(nfiles, FILES_MAX);
		strcpy(files[nfiles++], faulty_seen.path[i]);
	}
	ck_assert_int_gt(nfiles, 40);
	world_ends();
}
END_TEST

static int find_files(void)
{
	Suite *s = suite_create("files that a tick reads");
	TCase *c = tcase_create("calm");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(c, without_a_fault_all_is_set);
	suite_add_tcase(s, c);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed;
}

static const char *name, *path;
static struct fault fault_row;

#define ROW    "%s, %s"
#define OF_ROW path, name

static void strike(int row)
{
	path = files[row / FAULTS];
	name = faults[row % FAULTS].name;
	fault = (struct fault){ .path = path,
				.how = faults[row % FAULTS].how,
				.error = faults[row % FAULTS].error };
	fault_row = fault;
}

/* ---- what must be true --------------------------------------------------------------------- */

static bool is_within(const char *file, unsigned long low, unsigned long high)
{
	char *end;
	unsigned long value = strtoul(text_of(file), &end, 10);

	return *end == '\n' && value >= low && value <= high;
}

/* What is read back of what was written. */
static bool is_a_knob(void)
{
	return strcmp(path, KSM "/run") == 0 || strcmp(path, KSM "/pages_to_scan") == 0 ||
	       strcmp(path, KSM "/sleep_millisecs") == 0 || strcmp(path, BALANCING) == 0 ||
	       strcmp(path, SWAPPINESS) == 0;
}

/* Another number than the right one is as good as any: of a knob it is somebody else's, of a
 * list or of a guest's memory it is what the guest has. */
static bool is_a_lie(void)
{
	return fault_row.how == FAULT_HALF || fault_row.how == FAULT_NUMBERS ||
	       fault_row.how == FAULT_NEGATIVE || fault_row.how == FAULT_ZERO;
}

static bool tells_of_places(void)
{
	return strstr(path, "memory.numa_stat") || strstr(path, "cpuset") ||
	       strstr(path, "/node/") || strstr(path, "status");
}

static bool is_free(const struct cpumask *cpus)
{
	return cpumask_empty(cpus) || cpumask_count(cpus) == 4;
}

/* Both threads are on one node.  One that cannot be seen may be where it was. */
static bool is_a_home(const struct cpumask cpus[THREADS])
{
	struct cpumask node0, home, elsewhere;

	if (is_free(&cpus[0]) && is_free(&cpus[1]))
		return true;
	if (!is_free(&cpus[0]) && !is_free(&cpus[1]) && !cpumask_equal(&cpus[0], &cpus[1]))
		return false;
	ck_assert_int_eq(cpumask_parse("0-1", &node0), 0);
	home = cpus[is_free(&cpus[0])];
	elsewhere = cpumask_andnot(&home, &node0);
	return cpumask_empty(&elsewhere) || cpumask_equal(&elsewhere, &home);
}

static void assert_sensible(void)
{
	const struct ksm_conf *ksm = &k->conf.policy.ksm;

	ck_assert_msg(is_within(KSM "/run", 0, 1) &&
			      is_within(KSM "/pages_to_scan", ksm->min_pages, ksm->max_pages) &&
			      is_within(KSM "/sleep_millisecs", 10, 1000) &&
			      is_within(BALANCING, 0, 1) &&
			      (strcmp(text_of(SWAPPINESS), "60\n") == 0 ||
			       strcmp(text_of(SWAPPINESS), "10\n") == 0),
		      ROW ": %s", OF_ROW, in_force());
	for (unsigned int g = 1; g <= GUESTS; g++)
		ck_assert_msg(is_a_home(libvirt.cpus[g]), ROW ": %s", OF_ROW, in_force());
}

static void assert_no_flood(void)
{
	ck_assert_msg(lines.n <= 4, ROW ": %zu lines, the last of them: %s", OF_ROW, lines.n,
		      lines.n ? lines.text[lines.n - 1] : "");
	for (size_t i = 0; i < lines.n; i++)
		ck_assert_msg(lines.id[i] != LOG_CEDED || (is_a_knob() && is_a_lie()), ROW ": %s",
			      OF_ROW, lines.text[i]);
}

/* Without these nothing is known of the host, and all is given back.  A guest that does nothing
 * and has been let go is not worth another pin. */
static bool is_of_all(void)
{
	return strcmp(path, "proc/meminfo") == 0 || strcmp(path, "proc/vmstat") == 0;
}

static void assert_recovered(void)
{
	if (tells_of_places() &&
	    (is_a_lie() || fault_row.how == FAULT_VANISHED || fault_row.error == ENOENT)) {
		ck_assert_msg(strncmp(in_force(), calm, 10) == 0, ROW ": %s", OF_ROW, in_force());
		return;
	}
	if (is_of_all()) {
		ck_assert_msg(strncmp(in_force(), "1 1250 10 ", 10) == 0 &&
				      strcmp(text_of(SWAPPINESS), "10\n") == 0,
			      ROW ": %s", OF_ROW, in_force());
		return;
	}
	ck_assert_msg(strcmp(in_force(), calm) == 0, ROW ": %s instead of %s", OF_ROW, in_force(),
		      calm);
}

/* What was not there at the start is not there, as far as we know.  What was not known then may
 * have led to another home or to none, and to no look at a file of an audit rule before the next
 * one; a thread keeps the name that it had twice. */
static void assert_settled(void)
{
	bool is_ksm = strncmp(path, KSM, strlen(KSM)) == 0;
	bool is_missing = fault_row.error == ENOENT || fault_row.how == FAULT_VANISHED;

	if (!is_ksm || !is_missing)
		ck_assert_msg(strncmp(in_force(), "1 1250 10 ", 10) == 0, ROW ": %s", OF_ROW,
			      in_force());
	for (unsigned int g = strncmp(path, "proc/1010/task", 14) == 0 ? 2 : 1; g <= GUESTS; g++)
		ck_assert_msg(cpumask_equal(&libvirt.cpus[g][0], &libvirt.cpus[g][1]), ROW ": %s",
			      OF_ROW, in_force());
}

static void assert_given_back(void)
{
	for (int i = 0; i < 4 && act_restore(k->act, now_ns) > 0; i++)
		libvirt_answers();
	ck_assert_msg(!is_on_file(NULL) && !act_owes(k->act), ROW ": on file", OF_ROW);
	if (is_a_knob() && is_a_lie())
		return; /* it was ceded as it is */
	ck_assert_msg(strncmp(in_force(), "0 100 20 1 60 ", 14) == 0, ROW ": %s", OF_ROW,
		      in_force());
	for (unsigned int g = 1; g <= GUESTS; g++)
		for (unsigned int t = 0; t < THREADS; t++)
			ck_assert_msg(is_free(&libvirt.cpus[g][t]), ROW ": %s", OF_ROW, in_force());
}

/* ---- rows ---------------------------------------------------------------------------------- */

static void passes(void assert_it(void))
{
	for (unsigned int i = 0; i < STRUCK; i++) {
		(void)tick();
		assert_sensible();
	}
	assert_no_flood();
	faulty_ends();
	if (is_a_knob()) /* a sandbox, or an administrator: until reload */
		act_forgive(k->act);
	ticks(LOOKS + 2);
	assert_sensible();
	assert_it();
	assert_given_back();
}

START_TEST(a_file_fails_while_all_is_in_force)
{
	ticks(7);
	strike(_i * stride());
	passes(assert_recovered);
}
END_TEST

START_TEST(a_file_fails_at_the_start)
{
	strike(_i * stride());
	passes(assert_settled);
}
END_TEST

/* ---- what the rows have found -------------------------------------------------------------- */

/* What we gave back ourselves was taken for somebody else's doing, and KSM was his then; and
 * the files of audit rules waited for the next look at the host. */
START_TEST(after_readings_that_failed_all_is_set_again)
{
	ticks(7);
	fault = (struct fault){ .path = "proc/meminfo", .how = FAULT_READ, .error = EIO };
	ticks(5);
	ck_assert(strncmp(in_force(), "0 100 20 1 60 ", 14) == 0);
	faulty_ends();
	ticks(8);
	ck_assert_msg(strncmp(in_force(), "1 1250 10 ", 10) == 0, "%s", in_force());
	ck_assert_str_eq(text_of(SWAPPINESS), "10\n");
	ck_assert_uint_eq(lines.n, 2); /* that it failed, and that it went on failing */
	for (size_t i = 0; i < lines.n; i++)
		ck_assert_ptr_nonnull(strstr(lines.text[i], "(/proc/meminfo: Input/output error)"));
}
END_TEST

/* A node that could not be read for 40 s was left by its guests, and for good. */
START_TEST(no_guest_leaves_a_node_that_cannot_be_read_just_now)
{
	ticks(7);
	fault = (struct fault){ .path = _i ? NODE1 "/meminfo" : NODE0 "/meminfo",
				.how = FAULT_READ,
				.error = EIO };
	ticks(STRUCK);
	ck_assert_uint_gt(faulty_hits, 0);
	ck_assert_str_eq(in_force(), calm);
	fault.how = FAULT_GARBAGE;
	ticks(STRUCK);
	ck_assert_str_eq(in_force(), calm);
}
END_TEST

START_TEST(a_file_that_comes_and_goes_is_said_once)
{
	ticks(7);
	for (int i = 0; i < 40; i++) {
		fault = (struct fault){ .path = "proc/vmstat", .how = FAULT_READ, .error = EIO };
		ticks(1);
		faulty_ends();
		ticks(1);
	}
	ck_assert_uint_eq(lines.n, 1);
	ck_assert_ptr_nonnull(strstr(lines.text[0], "(/proc/vmstat: Input/output error)"));
	ck_assert_str_eq(in_force(), calm);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("faults of files that a tick reads");
	TCase *c = tcase_create("rows");
	int rows;

	if (find_files() > 0)
		return 1;
	rows = (nfiles * FAULTS + stride() - 1) / stride();
	printf("%d of %d rows: %d files, %d faults, at the start and later\n", 2 * rows,
	       2 * nfiles * FAULTS, nfiles, FAULTS);
	tcase_add_checked_fixture(c, world_begins, world_ends);
	tcase_add_test(c, after_readings_that_failed_all_is_set_again);
	tcase_add_loop_test(c, no_guest_leaves_a_node_that_cannot_be_read_just_now, 0, 2);
	tcase_add_test(c, a_file_that_comes_and_goes_is_said_once);
	tcase_add_loop_test(c, a_file_fails_while_all_is_in_force, 0, rows);
	tcase_add_loop_test(c, a_file_fails_at_the_start, 0, rows);
	suite_add_tcase(s, c);
	return kt_run(s);
}
