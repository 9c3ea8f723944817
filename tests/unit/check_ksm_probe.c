/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the experiment with eight pages ask this kernel the right question, and believe only
 * an answer to it? */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sense_private.h"
#include "sense_root.h"

enum { PAIRS = KSM_PROBE_PAIRS, PAGES = 2 * PAIRS };
/* ... in passes, from the look that begins; two before each twin */
enum { OFFERED = 2 * PAIRS, MATURED = OFFERED + 24, MATCHED = MATURED + 30 };

static struct ksm_probe_source probe;
static struct ksm_sample k;
static size_t noffered; /* pages, to KSM */
static size_t refused;  /* the page of this number; 0: none */

/* In place of the C library's: whether this kernel has KSM is of no interest here. */
int madvise(void *from, size_t length, int advice)
{
	if (advice != MADV_MERGEABLE)
		return (int)syscall(SYS_madvise, from, length, advice);
	if (refused && noffered + 1 >= refused) {
		errno = EINVAL;
		return -1;
	}
	noffered += length / (size_t)sysconf(_SC_PAGESIZE);
	return 0;
}

static void put_merged(uint64_t pages)
{
	putf("proc/self/ksm_merging_pages", "%" PRIu64 "\n", pages);
}

static void setup(void)
{
	root_setup();
	put_merged(0);
	memset(&probe, 0, sizeof probe);
	k = (struct ksm_sample){
		.present = true, .run = 1, .has_smart_scan = true, .smart_scan = 1, .full_scans = 77
	};
	noffered = refused = 0;
}

static void teardown(void)
{
	ksm_probe_end(&probe);
	root_teardown();
}

static enum ksm_probe look(void)
{
	return ksm_probe_look(&probe, &fs, &k);
}

/* One look after each pass; the answer of the last. */
static enum ksm_probe pass(unsigned int n)
{
	enum ksm_probe answer = KSM_PROBE_OPEN;

	while (n-- > 0) {
		k.full_scans++;
		answer = look();
	}
	return answer;
}

static void begin_and_pass(unsigned int n)
{
	ck_assert_int_eq(look(), KSM_PROBE_OPEN);
	ck_assert_int_eq(pass(n), KSM_PROBE_OPEN);
}

static bool equal(size_t a, size_t b)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	return memcmp(probe.memory + a * size, probe.memory + b * size, size) == 0;
}

/* How many of all pairs of pages are equal; the right ones are four. */
static size_t count_equal(void)
{
	size_t n = 0;

	ck_assert_ptr_nonnull(probe.memory);
	for (size_t a = 0; a < PAGES; a++)
		for (size_t b = a + 1; b < PAGES; b++)
			n += equal(a, b);
	return n;
}

static bool twins_are_equal(void)
{
	for (size_t n = 0; n < PAIRS; n++)
		if (!equal(n, PAIRS + n))
			return false;
	return count_equal() == PAIRS;
}

/* ---- the experiment ------------------------------------------------------------------------ */

static const struct ksm_sample no_time_to_begin[] = {
	{ .run = 0, .has_smart_scan = true, .smart_scan = 1 },
	{ .run = 2, .has_smart_scan = true, .smart_scan = 1 },
	{ .run = 1, .has_smart_scan = true, .smart_scan = 0 },
	{ .run = 1 }, /* before Linux 6.7 */
};

START_TEST(it_begins_only_while_ksm_runs_with_smart_scan)
{
	k = no_time_to_begin[_i];
	ck_assert_int_eq(pass(MATCHED + 1), KSM_PROBE_OPEN);
	ck_assert_uint_eq(noffered, 0);
	ck_assert_ptr_null(probe.memory);
	k.has_smart_scan = true;
	k.run = k.smart_scan = 1; /* and what was before does not count */
	begin_and_pass(1);
	ck_assert_uint_eq(noffered, PAIRS);
}
END_TEST

/* So that no twin is first seen in the pass of another. */
START_TEST(each_twin_is_offered_two_passes_after_the_one_before)
{
	begin_and_pass(0);
	for (size_t n = 0; n < PAIRS; n++) {
		ck_assert_uint_eq(noffered, PAIRS + n);
		pass(1);
		ck_assert_uint_eq(noffered, PAIRS + n);
		pass(1);
	}
	ck_assert_uint_eq(noffered, PAGES);
	ck_assert_uint_eq(count_equal(), 0);
	pass(MATURED - OFFERED - 1);
	ck_assert_uint_eq(noffered, PAGES);
}
END_TEST

/* However many passes go by between two looks. */
START_TEST(rare_looks_offer_one_twin_each)
{
	begin_and_pass(0);
	for (size_t n = 0; n <= PAIRS; n++) {
		ck_assert_uint_eq(noffered, PAIRS + n);
		k.full_scans += 100;
		look();
	}
	ck_assert_uint_eq(noffered, PAGES);
}
END_TEST

START_TEST(pages_become_equal_only_when_they_are_old)
{
	begin_and_pass(MATURED - 1);
	ck_assert_uint_eq(count_equal(), 0);
	pass(1);
	ck_assert(twins_are_equal());
	pass(MATCHED - MATURED - 1);
	ck_assert(twins_are_equal());
}
END_TEST

static const struct {
	uint64_t before, after;
	enum ksm_probe answer;
} outcomes[] = { { 0, 0, KSM_PROBE_STARVES },
		 { 0, 7, KSM_PROBE_STARVES },
		 { 0, 8, KSM_PROBE_COMPLETE },
		 { 0, 9, KSM_PROBE_COMPLETE },
		 /* other memory of this process is merged as well */
		 { 5, 5, KSM_PROBE_STARVES },
		 { 5, 12, KSM_PROBE_STARVES },
		 { 5, 13, KSM_PROBE_COMPLETE },
		 { 100, 3, KSM_PROBE_STARVES } };

START_TEST(the_answer_is_whether_all_have_merged)
{
	put_merged(outcomes[_i].before);
	begin_and_pass(MATURED);
	put_merged(outcomes[_i].after);
	ck_assert_int_eq(pass(MATCHED - MATURED - 1), KSM_PROBE_OPEN);
	ck_assert_int_eq(pass(1), outcomes[_i].answer);
}
END_TEST

START_TEST(an_answer_stays_and_costs_nothing)
{
	begin_and_pass(MATCHED - 1);
	ck_assert_int_eq(pass(1), KSM_PROBE_STARVES);
	ck_assert_ptr_null(probe.memory);
	put_merged(100);
	k.smart_scan = 0;
	ck_assert_int_eq(pass(3), KSM_PROBE_STARVES);
	k.smart_scan = 1;
	k.full_scans = 0;
	ck_assert_int_eq(pass(MATCHED + 1), KSM_PROBE_STARVES);
	ck_assert_uint_eq(noffered, PAGES);
}
END_TEST

/* ---- what comes between ---------------------------------------------------------------------- */

static void sweep(void)
{
	k.smart_scan = 0;
	ck_assert_int_eq(pass(3), KSM_PROBE_OPEN);
	k.smart_scan = 1;
	ck_assert_int_eq(pass(1), KSM_PROBE_OPEN); /* it began with the sweep */
}

static const unsigned int before_the_match[] = { 0, 1, 3, OFFERED, OFFERED + 5, MATURED - 1 };

START_TEST(passes_of_a_sweep_make_nothing_older)
{
	begin_and_pass(before_the_match[_i]);
	sweep();
	pass(MATURED - before_the_match[_i] - 1);
	ck_assert_uint_eq(count_equal(), 0);
	pass(1);
	ck_assert(twins_are_equal());
}
END_TEST

/* It merges what is equal, on any kernel. */
START_TEST(a_sweep_over_equal_pages_says_nothing)
{
	begin_and_pass(MATURED + (unsigned int)_i);
	k.smart_scan = 0;
	pass(1);
	put_merged(PAGES);
	ck_assert_uint_eq(count_equal(), 0);
	pass(2);
	k.smart_scan = 1;
	put_merged(0); /* for they are different again */
	pass(1);
	ck_assert_int_eq(pass(MATURED - OFFERED), KSM_PROBE_OPEN);
	ck_assert(twins_are_equal());
	ck_assert_int_eq(pass(MATCHED - MATURED - 1), KSM_PROBE_OPEN);
	ck_assert_int_eq(pass(1), KSM_PROBE_STARVES);
}
END_TEST

START_TEST(while_ksm_rests_nothing_goes_on)
{
	begin_and_pass(MATURED + 10);
	k.run = 0;
	for (int n = 0; n < 100; n++)
		ck_assert_int_eq(look(), KSM_PROBE_OPEN);
	k.run = 1;
	ck_assert_int_eq(pass(MATCHED - MATURED - 11), KSM_PROBE_OPEN);
	ck_assert_int_eq(pass(1), KSM_PROBE_STARVES);
}
END_TEST

static const unsigned int all_offered[] = { OFFERED, OFFERED + 5, MATURED + 5, MATCHED - 1 };

/* run=2 forgets when each page was first seen; then all are seen in one pass, after which
 * any kernel merges them: as if nothing had been done yet. */
START_TEST(a_reset_of_ksm_begins_the_experiment_again)
{
	begin_and_pass(all_offered[_i]);
	noffered = 0;
	k.full_scans = 0;
	ck_assert_int_eq(look(), KSM_PROBE_OPEN);
	put_merged(PAGES);
	ck_assert_int_eq(pass(MATCHED - OFFERED), KSM_PROBE_OPEN);
	pass(OFFERED + 3); /* a look more or less */
	ck_assert_uint_eq(noffered, PAGES);
}
END_TEST

START_TEST(a_count_that_falls_is_no_pass)
{
	begin_and_pass(OFFERED + 5);
	k.full_scans = 3;
	ck_assert_int_eq(look(), KSM_PROBE_OPEN);
	ck_assert_uint_eq(count_equal(), 0);
}
END_TEST

/* ---- what cannot be ------------------------------------------------------------------------ */

START_TEST(what_cannot_be_offered_leaves_it_open)
{
	refused = (size_t)_i;
	look();
	pass(MATCHED + 10);
	ck_assert_int_eq(look(), KSM_PROBE_OPEN);
	ck_assert_uint_lt(noffered, PAGES);
	ck_assert_ptr_null(probe.memory);
	ck_assert_int_eq(probe.stage, KSM_PROBE_DONE);
}
END_TEST

START_TEST(it_can_end_at_all_offered)
{
	begin_and_pass(before_the_match[_i]);
	ck_assert_ptr_nonnull(probe.memory);
	ksm_probe_end(&probe);
	ck_assert_ptr_null(probe.memory);
	ksm_probe_end(&probe);
}
END_TEST

START_TEST(a_recorded_host_is_not_experimented_with)
{
	struct domains *ds = domains_new();
	static struct sample sample;
	struct sense *sense;

	ck_assert_ptr_nonnull(ds);
	ck_assert_int_eq(sense_new(&fs, &sense), 0);
	for (uint64_t n = 1; n < 2 * MATCHED; n++) {
		putf(KSM "/full_scans", "%" PRIu64 "\n", n);
		ck_assert_int_eq(sense_read(sense, ds, n, &sample), 0);
		ck_assert(sample.host.ksm.has_smart_scan);
		ck_assert_int_eq(sample.host.ksm.probe, KSM_PROBE_OPEN);
	}
	ck_assert_uint_eq(noffered, 0);
	sense_free(sense);
	domains_free(ds);
}
END_TEST

#define LOOP(test, table) tcase_add_loop_test(c, test, 0, KT_ARRAY_LEN(table))

int main(void)
{
	Suite *s = suite_create("ksm_probe");
	TCase *c = tcase_create("probe");

	tcase_add_checked_fixture(c, setup, teardown);
	LOOP(it_begins_only_while_ksm_runs_with_smart_scan, no_time_to_begin);
	tcase_add_test(c, each_twin_is_offered_two_passes_after_the_one_before);
	tcase_add_test(c, rare_looks_offer_one_twin_each);
	tcase_add_test(c, pages_become_equal_only_when_they_are_old);
	LOOP(the_answer_is_whether_all_have_merged, outcomes);
	tcase_add_test(c, an_answer_stays_and_costs_nothing);
	LOOP(passes_of_a_sweep_make_nothing_older, before_the_match);
	tcase_add_loop_test(c, a_sweep_over_equal_pages_says_nothing, 0, 30);
	tcase_add_test(c, while_ksm_rests_nothing_goes_on);
	LOOP(a_reset_of_ksm_begins_the_experiment_again, all_offered);
	tcase_add_test(c, a_count_that_falls_is_no_pass);
	tcase_add_loop_test(c, what_cannot_be_offered_leaves_it_open, 1, PAGES + 1);
	LOOP(it_can_end_at_all_offered, before_the_match);
	tcase_add_test(c, a_recorded_host_is_not_experimented_with);
	suite_add_tcase(s, c);
	return kt_run(s);
}
