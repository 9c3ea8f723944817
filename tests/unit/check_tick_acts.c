/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a tick do beyond its plan: for who has just come, in a run that only looks, for
 * systemd and for who records, and while memory is short? */
#include "notify_socket.h"
#include "tick_world.h"

enum { LIMIT_KIB = 1 << 20, SETTLED = 12, BALLOON_S = 5 };

/* ---- who has just come --------------------------------------------------------------------- */

/* Of the third guest, which an earlier life has limited. */
static size_t put_marked_guest(void)
{
	struct domain d = domain_of(3);
	int slot;

	put_guest(3, 1030);
	d.soft_limit_kib = d.marked_limit_kib = LIMIT_KIB;
	d.hard_limit_kib = d.marked_original_kib = KT_UNLIMITED_KIB;
	d.has_limit_mark = true;
	slot = domains_put(k->domains, &d);
	ck_assert_int_ge(slot, 0);
	return (size_t)slot;
}

START_TEST(a_limit_that_came_along_is_ours)
{
	size_t slot = put_marked_guest();
	const struct guest_in_force *f = &act_in_force(k->act)->guest[slot];

	now_ns += TICK_S * KT_NS_PER_S;
	ck_assert_int_eq(kvmtuned_tick(k, now_ns), 0);
	ck_assert(f->limited);
	ck_assert_uint_eq(f->soft_limit_kib, LIMIT_KIB);
	ck_assert(act_owes(k->act));
}
END_TEST

/* ---- a run that only looks ----------------------------------------------------------------- */

START_TEST(a_run_that_only_looks_writes_nothing)
{
	char before[512];

	snprintf(before, sizeof before, "%s", in_force());
	k->dry_run = true;
	ticks(SETTLED);
	ck_assert_str_eq(in_force(), before);
	ck_assert(!act_owes(k->act));
	ck_assert_int_ne(k->plan->ksm.run, 0); /* it would have */
	k->dry_run = false;
	ticks(SETTLED);
	ck_assert_str_ne(in_force(), before);
}
END_TEST

/* ---- what systemd shows ---------------------------------------------------------------------- */

#define STATUS                                                                                     \
	"STATUS=active; 2 guests, 2 pinned, 0 limited; KSM scanning (memory-short), 0 MiB merged; "

static void status_is(const char *wanted)
{
	char status[sizeof heard] = "";

	while (*hear())
		memcpy(status, heard, sizeof heard);
	ck_assert_str_eq(status, wanted);
}

START_TEST(the_status_says_what_is_in_force)
{
	notify_listen();
	ticks(SETTLED);
	status_is(STATUS "libvirt connected");
	k->link_up = false;
	ticks(1);
	status_is(STATUS "libvirt not connected; "
			 "problems: 1, see kvmtunectl status or the journal");
}
END_TEST

/* ---- who records ----------------------------------------------------------------------------- */

START_TEST(each_tick_is_a_line_of_a_recording)
{
	char line[1 << 16];
	int nlines = 0;
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	ticks(1);
	k->record_file = f;
	ticks(3);
	rewind(f);
	while (fgets(line, sizeof line, f))
		nlines += strchr(line, '\n') != NULL;
	ck_assert_int_eq(nlines, 3);
}
END_TEST

/* ---- while memory is short ----------------------------------------------------------------- */

static void swap_is(unsigned int kib)
{
	putf("proc/meminfo",
	     "MemTotal: 16777216 kB\nMemFree: 148576 kB\nMemAvailable: 158291 kB\n"
	     "Buffers: 0 kB\nCached: 0 kB\nSwapTotal: %u kB\nSwapFree: %u kB\n",
	     kib, kib);
}

static void tick_after_s(unsigned int seconds)
{
	now_ns += seconds * KT_NS_PER_S;
	ck_assert_int_eq(kvmtuned_tick(k, now_ns), 0);
}

START_TEST(balloons_are_asked_for_while_memory_is_short)
{
	uint64_t asked_ns;

	tick_after_s(TICK_S);
	ck_assert_uint_eq(k->balloons_asked_ns, 0);
	swap_is(1 << 23);
	for (int i = 0; i < SETTLED; i++)
		tick_after_s(BALLOON_S);
	asked_ns = k->balloons_asked_ns;
	ck_assert_uint_eq(asked_ns, now_ns);
	tick_after_s(BALLOON_S - 1);
	ck_assert_uint_eq(k->balloons_asked_ns, asked_ns);
	tick_after_s(1);
	ck_assert_uint_eq(k->balloons_asked_ns, now_ns);
	asked_ns = now_ns;
	swap_is(0);
	tick_after_s(BALLOON_S);
	ck_assert_uint_eq(k->balloons_asked_ns, asked_ns);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("what a tick does");
	TCase *c = tcase_create("acts");

	tcase_add_checked_fixture(c, world_begins, world_ends);
	tcase_add_test(c, a_limit_that_came_along_is_ours);
	tcase_add_test(c, a_run_that_only_looks_writes_nothing);
	tcase_add_test(c, the_status_says_what_is_in_force);
	tcase_add_test(c, each_tick_is_a_line_of_a_recording);
	tcase_add_test(c, balloons_are_asked_for_while_memory_is_short);
	suite_add_tcase(s, c);
	return kt_run(s);
}
