/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guests are looked at in full, and what is known of those that are not? */
#include "sense_fixture.h"

static uint64_t now_ns;

static void sample_some(enum sense_scope scope)
{
	ck_assert_int_eq(sense_read_some(sense, ds, scope, ++now_ns, &sample), 0);
}

/* Two guests, sampled so often that nothing is new about them. */
static void begin(void)
{
	put_guest(1, 100);
	put_guest(2, 200);
	announce(1);
	announce(2);
	start();
	for (int i = 0; i < 3; i++)
		sample_some(SENSE_ALL);
	ck_assert(guest(1)->present && guest(2)->present);
}

static void set_cpu_hz(pid_t pid, unsigned int hz)
{
	char path[64];

	snprintf(path, sizeof path, "proc/%d/stat", pid);
	putf(path, "%d (q) S 1 1 1 0 -1 0 0 0 0 0 %u 7 0 0 20 0 2 0 %d 0 25 0 0 0\n", pid, hz, pid);
}

static void set_usage(unsigned int number, unsigned int kib)
{
	putf(cgroup_of(number, "memory.current"), "%u\n", kib * 1024);
}

START_TEST(a_guest_that_does_not_run_is_read_every_fourth_time)
{
	unsigned int full = 0;

	begin();
	for (unsigned int i = 1; i <= 8; i++) {
		uint64_t before = guest(1)->usage_kib;

		set_usage(1, 100 + i);
		sample_some(SENSE_DUE);
		ck_assert(guest(1)->present);
		full += guest(1)->look == GUEST_LOOK_FULL;
		ck_assert_uint_eq(guest(1)->usage_kib,
				  guest(1)->look == GUEST_LOOK_FULL ? 100 + i : before);
		ck_assert(guest(1)->look != GUEST_LOOK_NONE);
	}
	ck_assert_uint_eq(full, 2);
}
END_TEST

START_TEST(guests_take_turns)
{
	begin();
	for (int i = 0; i < 8; i++) {
		sample_some(SENSE_DUE);
		ck_assert(guest(1)->look == GUEST_LOOK_QUIET || guest(2)->look == GUEST_LOOK_QUIET);
	}
}
END_TEST

/* What tells that a guest is not quiet, one at a time. */
static void runs(void)
{
	set_cpu_hz(100, 51);
}

static void grows(void)
{
	put("proc/100/stat", "100 (q) S 1 1 1 0 -1 0 0 0 0 0 50 7 0 0 20 0 2 0 100 0 26 0 0 0\n");
}

static void makes_a_thread(void)
{
	put_thread(100, 102, 100, "CPU 1/KVM\n");
	put_process_stat(100, 3, 100);
}

static void has_other_facts(void)
{
	announce(1);
}

static void is_touched(void)
{
	struct domain d = domain_of(1);

	domains_touch(ds, (size_t)domains_find(ds, &d.uuid));
}

static void is_merged(void)
{
	put("sys/kernel/mm/ksm/pages_sharing", "71\n");
}

static void is_scanned(void)
{
	put("sys/kernel/mm/ksm/full_scans", "7\n");
}

static void (*const news[])(void) = { runs,       grows,     makes_a_thread, has_other_facts,
				      is_touched, is_merged, is_scanned };

START_TEST(whatever_changes_is_read_at_once)
{
	begin();
	do
		sample_some(SENSE_DUE);
	while (guest(1)->look != GUEST_LOOK_FULL); /* its turn: the next three are not */
	news[_i]();
	set_usage(1, 777);
	sample_some(SENSE_DUE);
	ck_assert_int_eq(guest(1)->look, GUEST_LOOK_FULL);
	ck_assert_uint_eq(guest(1)->usage_kib, 777);
}
END_TEST

START_TEST(all_means_all)
{
	begin();
	for (int i = 0; i < 4; i++) {
		sample_some(SENSE_ALL);
		ck_assert_int_eq(guest(1)->look, GUEST_LOOK_FULL);
		ck_assert_int_eq(guest(2)->look, GUEST_LOOK_FULL);
	}
}
END_TEST

START_TEST(an_event_reads_the_new_guest_alone)
{
	begin();
	put_guest(3, 300);
	announce(3);
	set_cpu_hz(100, 99);
	set_usage(1, 777);
	sample_some(SENSE_NEW);
	ck_assert(guest(3)->present && guest(3)->look == GUEST_LOOK_FULL);
	ck_assert(guest(1)->present && guest(1)->look == GUEST_LOOK_NONE);
	ck_assert_uint_eq(guest(1)->cpu_hz_total, 57);
	ck_assert_uint_ne(guest(1)->usage_kib, 777);
	sample_some(SENSE_DUE); /* and nothing of it is lost */
	ck_assert_int_eq(guest(1)->look, GUEST_LOOK_FULL);
	ck_assert_uint_eq(guest(1)->cpu_hz_total, 106);
}
END_TEST

START_TEST(an_event_reads_whose_facts_are_others)
{
	begin();
	announce(1);
	set_usage(1, 777);
	sample_some(SENSE_NEW);
	ck_assert_int_eq(guest(1)->look, GUEST_LOOK_FULL);
	ck_assert_uint_eq(guest(1)->usage_kib, 777);
	ck_assert_int_eq(guest(2)->look, GUEST_LOOK_NONE);
}
END_TEST

/* That goes on all the time while ksmd scans. */
START_TEST(an_event_reads_no_other_guest_because_pages_were_merged)
{
	begin();
	for (unsigned int pages = 71; pages < 75; pages++) {
		putf("sys/kernel/mm/ksm/pages_sharing", "%u\n", pages);
		sample_some(SENSE_NEW);
		ck_assert_int_eq(guest(1)->look, GUEST_LOOK_NONE);
		ck_assert_int_eq(guest(2)->look, GUEST_LOOK_NONE);
	}
	sample_some(SENSE_DUE); /* and it is not forgotten */
	ck_assert_int_eq(guest(1)->look, GUEST_LOOK_FULL);
	ck_assert_int_eq(guest(2)->look, GUEST_LOOK_FULL);
}
END_TEST

/* That KSM has found nothing is not said by what it had found before. */
START_TEST(an_event_reads_all_when_ksm_has_ended_a_pass)
{
	begin();
	is_scanned();
	sample_some(SENSE_NEW);
	ck_assert_int_eq(guest(1)->look, GUEST_LOOK_FULL);
	sample_some(SENSE_NEW);
	ck_assert_int_eq(guest(1)->look, GUEST_LOOK_NONE);
}
END_TEST

START_TEST(another_life_is_not_the_last_ones)
{
	struct domain d = domain_of(1);

	begin();
	d.id = 77;
	drop_process(100);
	put_guest(1, 110);
	ck_assert_int_ge(domains_put(ds, &d), 0);
	sample_some(SENSE_NEW);
	ck_assert(guest(1)->present && guest(1)->look == GUEST_LOOK_FULL);
	ck_assert_int_eq(guest(1)->pid, 110);
}
END_TEST

START_TEST(a_quiet_guest_that_goes_is_seen_to_go)
{
	begin();
	ck_assert(spoil("proc/100/stat"));
	drop_process(100);
	sample_some(SENSE_DUE);
	ck_assert(all_zero(guest(1), sizeof *guest(1)));
}
END_TEST

/* Who gives another buffer, or has changed the one of before, gets all. */
START_TEST(what_was_not_kept_is_read)
{
	begin();
	sample_some(SENSE_DUE);
	memset(&sample, 0xff, sizeof sample);
	sample_some(SENSE_NEW);
	for (unsigned int number = 1; number <= 2; number++) {
		ck_assert(guest(number)->present && guest(number)->look == GUEST_LOOK_FULL);
		ck_assert_int_eq(guest(number)->pid, 100 * (pid_t)number);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sense_quiet");
	TCase *c = tcase_create("quiet");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_guest_that_does_not_run_is_read_every_fourth_time);
	tcase_add_test(c, guests_take_turns);
	LOOP(c, whatever_changes_is_read_at_once, news);
	tcase_add_test(c, all_means_all);
	tcase_add_test(c, an_event_reads_the_new_guest_alone);
	tcase_add_test(c, an_event_reads_whose_facts_are_others);
	tcase_add_test(c, an_event_reads_no_other_guest_because_pages_were_merged);
	tcase_add_test(c, an_event_reads_all_when_ksm_has_ended_a_pass);
	tcase_add_test(c, another_life_is_not_the_last_ones);
	tcase_add_test(c, a_quiet_guest_that_goes_is_seen_to_go);
	tcase_add_test(c, what_was_not_kept_is_read);
	suite_add_tcase(s, c);
	return kt_run(s);
}
