/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that a tick reads fails, in each way that it can: does the daemon live, is what is in
 * force sensible, is nothing said again and again, is all decided as before once the fault has
 * passed, and does each original come back?
 *
 * With KT_FAULTS=all all rows are run, as `make faults` does, with KT_FAULTS=NAME those of files
 * with that in their names, else one of STRIDE. */
#include "tick_rows.h"
#include "tick_speech.h"

static const char *name, *path;
static int nth;
static struct fault fault_row;

#define ROW    "%s, %s"
#define OF_ROW path, name

/* Chosen before the world begins. */
static void choose_row(int row)
{
	path = files[table[row].file].path;
	world = files[table[row].file].world;
	nth = table[row].fault;
}

static void strike(void)
{
	name = faults[nth].name;
	fault = (struct fault){ .path = path, .how = faults[nth].how, .error = faults[nth].error };
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
	return (world == WORLD_SWITCHES && is_a_switch(path)) || strcmp(path, KSM "/run") == 0 ||
	       strcmp(path, KSM "/pages_to_scan") == 0 ||
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

/* Another's word on what the busy guest does is as good as any. */
static bool is_about_its_work(void)
{
	return is_of_guest_1(path) && is_a_lie();
}

/* Who is busy keeps what it has, and no limit that is in force is forgotten. */
static void assert_limits(void)
{
	unsigned int busy = busy_guest();

	ck_assert_msg(is_about_its_work() || (libvirt.limit_kib[busy] == KT_UNLIMITED_KIB &&
					      !libvirt.is_taken_from[busy]),
		      ROW ": %s", OF_ROW, in_force());
	for (unsigned int g = 1; g <= GUESTS; g++) {
		struct domain d = domain_of(g);
		int slot = domains_find(k->domains, &d.uuid);

		ck_assert_msg((libvirt.limit_kib[g] != KT_UNLIMITED_KIB) ==
				      act_in_force(k->act)->guest[slot].limited,
			      ROW ": guest %u: %s", OF_ROW, g, in_force());
	}
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
	assert_limits();
}

static void assert_no_flood(void)
{
	ck_assert_msg(lines.n <= 4, ROW ": %zu lines, the last of them: %s", OF_ROW, lines.n,
		      lines.n ? lines.text[lines.n - 1] : "");
	for (size_t i = 0; i < lines.n; i++)
		ck_assert_msg(lines.id[i] != LOG_CEDED || (is_a_knob() && is_a_lie()), ROW ": %s",
			      OF_ROW, lines.text[i]);
}

/* Its name with the slash before it: the operator is to find it. */
static void assert_speech(bool is_at_start)
{
	enum speech speech = speech_of(&fault_row, is_at_start);
	char whole[FAULTY_PATH + 1];

	snprintf(whole, sizeof whole, "/%s", path);
	ck_assert_msg(speech != TOLD || is_told(whole), ROW ": nobody is told", OF_ROW);
	ck_assert_msg(speech != SILENT || lines.n == 0, ROW ": %s", OF_ROW, lines.text[0]);
}

/* Without these nothing is known of the host, and all is given back.  A guest that does nothing
 * and has been let go is not worth another pin. */
static bool is_of_all(void)
{
	return strcmp(path, "proc/meminfo") == 0 || strcmp(path, "proc/vmstat") == 0;
}

static void assert_recovered(void)
{
	size_t length = sizeof calm[world];

	if (tells_of_places() &&
	    (is_a_lie() || fault_row.how == FAULT_VANISHED || fault_row.error == ENOENT)) {
		ck_assert_msg(strncmp(in_force(), calm[world], 10) == 0, ROW ": %s", OF_ROW,
			      in_force());
		return;
	}
	if (is_of_all()) {
		ck_assert_msg(strncmp(in_force(), "1 1250 10 ", 10) == 0 &&
				      strcmp(text_of(SWAPPINESS), "10\n") == 0,
			      ROW ": %s", OF_ROW, in_force());
		return;
	}
	/* A file that has gone is not sought again, and a guest that seemed not to be idle is given
	 * time: it is let go, and may not be limited again so soon. */
	if (is_of_guest_1(path) && (is_a_lie() || fault_row.how == FAULT_VANISHED))
		length = strcspn(calm[world], "lw");
	ck_assert_msg(strncmp(in_force(), calm[world], length) == 0, ROW ": %s instead of %s",
		      OF_ROW, in_force(), calm[world]);
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

/* A device has gone, and another one has its number: what is in the file now is not ours. */
static bool is_another_file(void)
{
	bool is_of_a_rule =
		strcmp(path, SWAPPINESS) == 0 || strcmp(path, IRQ "/smp_affinity_list") == 0;

	return is_of_a_rule && (fault_row.error == ENOENT || fault_row.how == FAULT_VANISHED);
}

static void assert_given_back(void)
{
	for (int i = 0; i < 4 && act_restore(k->act, now_ns) > 0; i++)
		libvirt_answers();
	ck_assert_msg(!is_on_file(NULL) && !act_owes(k->act), ROW ": on file", OF_ROW);
	for (unsigned int g = 1; g <= GUESTS; g++)
		ck_assert_msg(libvirt.limit_kib[g] == KT_UNLIMITED_KIB, ROW ": %s", OF_ROW,
			      in_force());
	if (is_another_file() || (is_a_knob() && is_a_lie()))
		return; /* in the second case it was ceded as it is */
	ck_assert_msg(strncmp(in_force(), "0 100 20 1 60 ", 14) == 0, ROW ": %s", OF_ROW,
		      in_force());
	if (world == WORLD_SWITCHES)
		ck_assert_msg(strcmp(switches(), ORIGINAL_SWITCHES) == 0, ROW ": %s", OF_ROW,
			      in_force());
	for (unsigned int g = 1; g <= GUESTS; g++)
		for (unsigned int t = 0; t < THREADS; t++)
			ck_assert_msg(is_free(&libvirt.cpus[g][t]), ROW ": %s", OF_ROW, in_force());
}

/* ---- rows ---------------------------------------------------------------------------------- */

static unsigned int nstruck; /* ticks since the fault has struck */

/* What is read seldom is waited for. */
static void suffers(void)
{
	nstruck = 0;
	for (unsigned int i = 0; i < LOOKS && nstruck < STRUCK; i++) {
		(void)tick();
		assert_sensible();
		nstruck += faulty_hits > 0;
	}
}

static void passes(bool is_at_start, void assert_it(void))
{
	suffers();
	assert_no_flood();
	assert_speech(is_at_start);
	faulty_ends();
	if (is_a_knob()) /* a sandbox, or an administrator: until reload */
		act_forgive(k->act);
	ticks(2); /* by what was told before */
	memset(libvirt.is_taken_from, 0, sizeof libvirt.is_taken_from);
	ticks(LOOKS);
	assert_sensible();
	assert_it();
	assert_given_back();
}

static bool ends_with(const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n >= m && strcmp(path + n - m, end) == 0;
}

/* Of each process, or of the host; and what is open already does not fail at open. */
static bool may_be_spared(void)
{
	static const char *const read_once[] = { "/cmdline",    "/comm",      "/status",
						 "37/stat",     "/mountinfo", "/cgroup.controllers",
						 "cpu/present", "guest-1.pid" };

	for (size_t i = 0; i < KT_ARRAY_LEN(read_once); i++)
		if (ends_with(read_once[i]))
			return true;
	return fault_row.how == FAULT_OPEN;
}

START_TEST(a_file_fails_while_all_is_in_force)
{
	choose_row(_i * stride());
	world_begins();
	ticks(7);
	strike();
	passes(false, assert_recovered);
	ck_assert_msg(nstruck > 0 || may_be_spared(), ROW ": it never struck", OF_ROW);
	world_ends();
}
END_TEST

START_TEST(a_file_fails_at_the_start)
{
	choose_row(_i * stride());
	host_begins();
	strike();
	daemon_begins();
	ck_assert_msg(tick() != 0 || faulty_hits > 0, ROW ": it never struck", OF_ROW);
	passes(true, assert_settled);
	world_ends();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("faults of files that a tick reads");
	TCase *c = tcase_create("rows");
	int rows;

	world_swap_kib = SWAP_KIB;
	if (find_files() > 0)
		return 1;
	rows = (nrows + stride() - 1) / stride();
	printf("%d of %d rows: %d files, %d faults, at the start and later\n", 2 * rows, 2 * nrows,
	       nfiles, FAULTS);
	tcase_add_loop_test(c, a_file_fails_while_all_is_in_force, 0, rows);
	tcase_add_loop_test(c, a_file_fails_at_the_start, 0, rows);
	suite_add_tcase(s, c);
	return kt_run(s);
}
