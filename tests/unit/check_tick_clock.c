/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks jump between two ticks, or within none: the host was suspended, the daemon stopped,
 * somebody set the wall clock.  Is all in force as before, is nothing said, is what could not be
 * written tried again, and does each original come back? */
#include <dlfcn.h>
#include <time.h>

#include "tick_world.h"

static const uint64_t MS = KT_NS_PER_S / 1000;

enum { HOUR_S = 3600, DAY_S = 86400, YEAR_S = 365 * DAY_S, SETTLED = 24, LATER = 70 };

typedef int clock_fn(clockid_t, struct timespec *);

static int64_t wall_ahead_s;

/* Takes the place of libc's. */
int clock_gettime(clockid_t id, struct timespec *ret)
{
	clock_fn *call = (clock_fn *)dlsym(RTLD_NEXT, "clock_gettime");
	int r = call(id, ret);

	if (id == CLOCK_REALTIME)
		ret->tv_sec += wall_ahead_s;
	return r;
}

/* What the host counted meanwhile. */
enum counted { NOTHING, MUCH, LESS_THAN_BEFORE };

static const struct {
	const char *name;
	int64_t monotonic_ns; /* beside a tick's own; less by TICK_S: it stands */
	int64_t wall_s;
	enum counted counted;
} rows[] = {
	{ "the clock stands still", -(int64_t)TICK_S *(int64_t)KT_NS_PER_S, 0, NOTHING },
	{ "it stands, and counters do not", -(int64_t)TICK_S *(int64_t)KT_NS_PER_S, 0, MUCH },
	{ "a nanosecond", 1 - (int64_t)TICK_S *(int64_t)KT_NS_PER_S, 0, NOTHING },
	{ "suspended for a night", 0, 8 * HOUR_S, NOTHING },
	{ "stopped for an hour", HOUR_S *(int64_t)KT_NS_PER_S, HOUR_S, MUCH },
	{ "stopped for a day", DAY_S *(int64_t)KT_NS_PER_S, DAY_S, MUCH },
	{ "stopped for a day, nothing ran", DAY_S *(int64_t)KT_NS_PER_S, DAY_S, NOTHING },
	{ "stopped for ten years", 10 * YEAR_S *(int64_t)KT_NS_PER_S, 10 * YEAR_S, MUCH },
	{ "thawed, and counters began anew", HOUR_S *(int64_t)KT_NS_PER_S, HOUR_S,
	  LESS_THAN_BEFORE },
	{ "the wall clock goes ahead", 0, 20 * (int64_t)YEAR_S, NOTHING },
	{ "... and back", 0, -20 * (int64_t)YEAR_S, NOTHING },
	{ "... before all time", 0, -100 * (int64_t)YEAR_S, NOTHING },
	{ "... beyond all time", 0, INT64_C(1) << 40, NOTHING },
};
enum { ROWS = KT_ARRAY_LEN(rows) };

#define CALM     "1 1250 10 0 10 0-1 0-1 2-3 2-3 limited whole "
#define ORIGINAL "0 100 20 1 60 "

static void hosts_count(enum counted counted)
{
	unsigned long n = counted == MUCH ? 3000000 : 0;

	if (counted == NOTHING)
		return;
	putf("proc/stat",
	     "cpu  %lu 0 2 %lu 0 0 0 4 0 0\ncpu0 1 0 1 %lu\ncpu1 1 0 1 %lu\ncpu2 1 0 1 %lu\n"
	     "cpu3 1 0 1 %lu\n",
	     n, n, n, n, n, n);
	putf("proc/vmstat", "pgmajfault %lu\n", n);
	busy_ns += 3000000 * MS;
	guest_runs(3 - busy_guest(), n * MS / 100); /* it stays idle */
}

static void jump(int row)
{
	now_ns = (uint64_t)((int64_t)now_ns + rows[row].monotonic_ns);
	wall_ahead_s += rows[row].wall_s;
	hosts_count(rows[row].counted);
}

static void assert_calm(int row)
{
	ck_assert_msg(strcmp(in_force(), CALM) == 0, "%s: %s", rows[row].name, in_force());
	ck_assert_msg(lines.n == 0, "%s: %s", rows[row].name, lines.text[0]);
}

static void assert_given_back(int row)
{
	for (int i = 0; i < 4 && act_restore(k->act, now_ns) > 0; i++)
		libvirt_answers();
	ck_assert_msg(!is_on_file(NULL) && !act_owes(k->act), "%s: on file", rows[row].name);
	ck_assert_msg(strncmp(in_force(), ORIGINAL, strlen(ORIGINAL)) == 0, "%s: %s",
		      rows[row].name, in_force());
	for (unsigned int g = 1; g <= GUESTS; g++) {
		ck_assert_msg(libvirt.limit_kib[g] == KT_UNLIMITED_KIB, "%s: %s", rows[row].name,
			      in_force());
		for (unsigned int t = 0; t < THREADS; t++)
			ck_assert_msg(cpumask_count(&libvirt.cpus[g][t]) == 4, "%s: %s",
				      rows[row].name, in_force());
	}
}

START_TEST(all_in_force_stays)
{
	ticks(SETTLED);
	assert_calm(_i);
	jump(_i);
	for (int i = 0; i < LATER; i++) {
		(void)tick();
		assert_calm(_i);
	}
	assert_given_back(_i);
}
END_TEST

START_TEST(it_may_be_so_again_and_again)
{
	ticks(SETTLED);
	for (int i = 0; i < 10 && wall_ahead_s < INT64_C(1) << 40; i++) {
		jump(_i);
		(void)tick();
		assert_calm(_i);
	}
	assert_given_back(_i);
}
END_TEST

/* Before anything is known, and while each tick still learns. */
START_TEST(all_is_set_in_the_end)
{
	for (int i = 0; i < 3; i++) {
		jump(_i);
		(void)tick();
	}
	ticks(LATER);
	assert_calm(_i);
	assert_given_back(_i);
}
END_TEST

/* Whatever the wait until the next trial was: a jump does not make it endless. */
START_TEST(what_was_busy_is_tried_again)
{
	fault = (struct fault){ .path = KSM "/run", .how = FAULT_WRITE, .error = EBUSY };
	ticks(SETTLED);
	ck_assert_msg(strncmp(in_force(), "0 ", 2) == 0, "%s: %s", rows[_i].name, in_force());
	jump(_i);
	faulty_ends();
	ticks(LATER);
	ck_assert_msg(strcmp(in_force(), CALM) == 0, "%s: %s", rows[_i].name, in_force());
	for (size_t i = 0; i < lines.n; i++)
		ck_assert_int_ne(lines.id[i], LOG_CEDED);
	assert_given_back(_i);
}
END_TEST

/* Readings failed, all was given back, and then time passed. */
START_TEST(what_was_given_back_is_set_again)
{
	ticks(SETTLED);
	fault = (struct fault){ .path = "proc/meminfo", .how = FAULT_READ, .error = EIO };
	ticks(5);
	ck_assert_msg(strncmp(in_force(), ORIGINAL, strlen(ORIGINAL)) == 0, "%s: %s", rows[_i].name,
		      in_force());
	jump(_i);
	(void)tick();
	ck_assert_msg(strncmp(in_force(), ORIGINAL, strlen(ORIGINAL)) == 0, "%s: %s", rows[_i].name,
		      in_force());
	faulty_ends();
	ticks(LATER);
	ck_assert_msg(strncmp(in_force(), "1 1250 10 ", 10) == 0, "%s: %s", rows[_i].name,
		      in_force());
	for (size_t i = 0; i < lines.n; i++)
		ck_assert_int_ne(lines.id[i], LOG_CEDED);
	assert_given_back(_i);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("clocks that jump between ticks");
	TCase *c = tcase_create("rows");

	world_swap_kib = SWAP_KIB;
	tcase_add_checked_fixture(c, world_begins, world_ends);
	tcase_add_loop_test(c, all_in_force_stays, 0, ROWS);
	tcase_add_loop_test(c, it_may_be_so_again_and_again, 0, ROWS);
	tcase_add_loop_test(c, all_is_set_in_the_end, 0, ROWS);
	tcase_add_loop_test(c, what_was_busy_is_tried_again, 0, ROWS);
	tcase_add_loop_test(c, what_was_given_back_is_set_again, 0, ROWS);
	suite_add_tcase(s, c);
	return kt_run(s);
}
