/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files does a tick read, and in which ways may they fail?
 *
 * That is found out by runs without faults, in each world, so that a new file is tried by itself;
 * one that no world has is an error.  Each row is one file and one fault. */
#ifndef KT_TICK_ROWS_H
#define KT_TICK_ROWS_H

#include <fnmatch.h>

#include "tick_world.h"

#include "faulty_reads.h"

enum { STRIDE = 127, FILES_MAX = 255 };

/* Of what is read seldom, a look comes after so many. */
enum { LOOKS = 70, STRUCK = 8 };
_Static_assert((int)LOOKS *TICK_S > AUDIT_S, "files of audit rules are looked at, too");

/* Each in the first world that has it. */
static struct {
	enum world world;
	bool is_folder, is_opened;
	char path[FAULTY_PATH];
} files[FILES_MAX];
static struct {
	unsigned char file, fault;
} table[FILES_MAX * FAULTS];
static int nrows;
static int nfiles;
static char calm[WORLDS][512]; /* in force, without a fault */

#define ORIGINAL_SWITCHES "1 0 none [scan-time] 0-3 "
static const char *const wanted[WORLDS] = {
	"1 1250 10 0 10 0-1 0-1 2-3 2-3 limited whole ",
	"1 1250 10 0 10 0-1 0-1 2-3 2-3 limited whole ",
	"1 1250 10 1 10     whole taken-from 0 1 [none] scan-time 0 ",
};

/* "all", or a part of the names of files; NULL: one of STRIDE. */
static const char *which_rows(void)
{
	return getenv("KT_FAULTS");
}

static int stride(void)
{
	return which_rows() ? 1 : STRIDE;
}

/* One guest is as good as the other, and so is one CPU. */
static bool is_tried(const char *path)
{
	static const char *const others[] = { "1020",  "qemu\\x2d2", "qemu-2", "guest-2",
					      "/cpu1", "/cpu2",      "/cpu3" };

	for (size_t i = 0; i < KT_ARRAY_LEN(others); i++)
		if (strstr(path, others[i]))
			return false;
	return true;
}

/* What is asked for and no world has.  The kernel's lists of CPUs, nodes and caches are hwloc's to
 * read, before any row begins; see check_topology.c and check_tick_topology.c. */
static const struct {
	const char *pattern, *why;
} absent[] = {
	{ "sys/devices/system/node/node*/hugepages", "of nodes that are not there" },
	{ "*tuned/*/tuned.conf", "a profile is sought in four folders" },
	{ "sys/class/net/br0/device", "a bridge has none" },
	{ "proc/99/status", "numad has gone, and left its file" },
	{ "*/cpuidle/state2/latency", "behind the last state" },
	{ "*/libvirt/emulator/memory.stat", "memory is counted one folder above" },
	{ CGROUPS "/cpuset/*/cpuset.cpus.effective", "v1 has another name for it" },
	{ CGROUPS "/memory/*/memory.reclaim", "v1 has none" },
};

static bool is_met[KT_ARRAY_LEN(absent)];

static struct {
	size_t n;
	char path[FAULTY_FILES][FAULTY_PATH];
} missing;

static bool is_a_row(const char *file)
{
	for (int i = 0; i < nfiles; i++)
		if (strcmp(files[i].path, file) == 0)
			return true;
	return false;
}

static bool is_a_switch(const char *file)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(switch_files); i++)
		if (strcmp(file, switch_files[i]) == 0)
			return true;
	return false;
}

static bool is_of_guest_1(const char *file)
{
	return strstr(file, "/1010/") || strstr(file, "qemu\\x2d1") || strstr(file, "qemu-1");
}

/* What is only read elsewhere is another matter where it is written, and a busy guest another one
 * than an idle one. */
static bool is_new(const char *file)
{
	return !is_a_row(file) ||
	       (world == WORLD_SWITCHES && (is_a_switch(file) || is_of_guest_1(file)));
}

/* A folder holds no text that could be odd, and of some files only whether they are there is asked.
 */
static bool has_fault(int file, int nth_fault)
{
	if (!files[file].is_opened)
		return faults[nth_fault].how == FAULT_OPEN && faults[nth_fault].error == ENOENT;
	return !files[file].is_folder || faults[nth_fault].how <= FAULT_EMPTY;
}

static bool is_wanted(const char *file)
{
	const char *which = which_rows();

	return !which || strcmp(which, "all") == 0 || strstr(file, which);
}

static void add_file(size_t seen)
{
	const char *file = faulty_seen.path[seen];

	if (!is_new(file))
		return;
	ck_assert_int_lt(nfiles, FILES_MAX);
	files[nfiles].world = world;
	files[nfiles].is_folder = faulty_seen.is_folder[seen];
	files[nfiles].is_opened = faulty_seen.is_opened[seen];
	strcpy(files[nfiles].path, file);
	for (int i = 0; i < FAULTS; i++) {
		if (!has_fault(nfiles, i) || !is_wanted(file))
			continue;
		table[nrows].file = (unsigned char)nfiles;
		table[nrows++].fault = (unsigned char)i;
	}
	nfiles++;
}

/* In this process, which knows the files then. */
START_TEST(without_a_fault_all_is_set)
{
	int before = nfiles;

	world = (enum world)_i;
	world_begins();
	ticks(LOOKS);
	snprintf(calm[world], sizeof calm[world], "%s", in_force());
	ck_assert_str_eq(calm[world], wanted[world]);
	ck_assert_uint_eq(lines.n, 0);
	for (size_t i = 0; i < faulty_seen.n; i++) {
		if (!is_tried(faulty_seen.path[i]))
			continue;
		if (faulty_seen.is_missing[i])
			strcpy(missing.path[missing.n++ % FAULTY_FILES], faulty_seen.path[i]);
		else
			add_file(i);
	}
	ck_assert_int_gt(nfiles, before + 3);
	world_ends();
	world = WORLD_V2;
}
END_TEST

static bool is_explained(const char *file)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(absent); i++) {
		if (fnmatch(absent[i].pattern, file, FNM_NOESCAPE) != 0)
			continue;
		is_met[i] = true;
		return true;
	}
	return false;
}

/* Else it would never fail here: the world is to have it. */
START_TEST(what_is_asked_for_is_in_a_world_or_on_the_list)
{
	ck_assert_uint_lt(missing.n, FAULTY_FILES);
	for (size_t i = 0; i < missing.n; i++)
		ck_assert_msg(is_a_row(missing.path[i]) || is_explained(missing.path[i]),
			      "no world has %s", missing.path[i]);
	for (size_t i = 0; i < KT_ARRAY_LEN(absent); i++)
		ck_assert_msg(is_met[i], "nobody asks for %s any more (%s)", absent[i].pattern,
			      absent[i].why);
}
END_TEST

static int find_files(void)
{
	Suite *s = suite_create("files that a tick reads");
	TCase *c = tcase_create("calm");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(c, without_a_fault_all_is_set, 0, WORLDS);
	tcase_add_test(c, what_is_asked_for_is_in_a_world_or_on_the_list);
	suite_add_tcase(s, c);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed;
}

#endif
