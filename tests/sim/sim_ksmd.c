/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the plant's ksmd merge what a real one merges, and in the same pass?
 *
 *	sim_ksmd --predict OFFSET REWRITE PASSES
 *
 * tells what it would do with two twins (see twins_play()), for comparison with a live
 * kernel: a line for each pass with the number of the pass, pages scanned and skipped so
 * far, and pages merged of each twin.  The last three passes are without smart_scan. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kt_check.h"
#include "plant_twins.h"

enum { MATURE = 16, LONG = 60, SWEEP = 3 };

static struct plant p;

static void setup(void)
{
	twins_host(&p);
}

static void teardown(void)
{
	plant_free(&p);
}

/* Passes until both twins are merged, counted from 0; -1: never. */
static int passes_to_merge(void)
{
	for (int pass = 0; pass < LONG; pass++) {
		twins_pass(&p, 1);
		if (twins_merged_pages(&p, 0) == TWIN_PAGES &&
		    twins_merged_pages(&p, 1) == TWIN_PAGES)
			return pass;
	}
	return -1;
}

/* ---- which pages are looked at ------------------------------------------------------- */

START_TEST(a_page_is_looked_at_in_these_passes)
{
	static const unsigned int looks[] = { 0, 1, 2, 3, 5, 8, 13, 22, 31, 40, 49 };
	size_t next = 0;

	twins_start(&p, 0);
	for (unsigned int pass = 0; pass < 50; pass++) {
		uint64_t scanned = p.pages_scanned, skipped = p.pages_skipped;
		bool looked = pass == looks[next];

		twins_pass(&p, 1);
		next += looked;
		ck_assert_msg(p.pages_scanned - scanned == (looked ? TWIN_PAGES : 0),
			      "pass %u: %" PRIu64 " scanned", pass, p.pages_scanned - scanned);
		ck_assert_msg(p.pages_skipped - skipped == (looked ? 0 : TWIN_PAGES),
			      "pass %u: %" PRIu64 " skipped", pass, p.pages_skipped - skipped);
	}
	ck_assert_uint_eq(next, KT_ARRAY_LEN(looks));
}
END_TEST

static void switch_off(void)
{
	p.smart_scan = false;
}

static void make_old(void)
{
	p.has_smart_scan = false;
}

static void (*const without_smart_scan[])(void) = { switch_off, make_old };

START_TEST(without_smart_scan_every_page_is_looked_at_in_every_pass)
{
	without_smart_scan[_i]();
	twins_start(&p, 0);
	twins_pass(&p, 30);
	ck_assert_uint_eq(p.pages_scanned, 30 * TWIN_PAGES);
	ck_assert_uint_eq(p.pages_skipped, 0);
}
END_TEST

/* Ages and skips stand still: the schedule goes on where it was. */
START_TEST(a_sweep_does_not_shift_the_schedule)
{
	twins_start(&p, 0);
	twins_pass(&p, 9); /* the next look would be in pass 13 */
	p.smart_scan = false;
	twins_pass(&p, 7);
	p.smart_scan = true;
	p.pages_scanned = 0;
	twins_pass(&p, 4);
	ck_assert_uint_eq(p.pages_scanned, 0);
	twins_pass(&p, 1);
	ck_assert_uint_eq(p.pages_scanned, TWIN_PAGES);
}
END_TEST

/* They are exempt, and counted as scanned. */
START_TEST(merged_pages_are_never_skipped)
{
	twins_play(&p, 0, 0);
	twins_pass(&p, 2);
	ck_assert_uint_eq(twins_merged_pages(&p, 0), TWIN_PAGES);
	p.pages_scanned = 0;
	twins_pass(&p, 20);
	ck_assert_uint_eq(p.pages_scanned, 20 * 2 * TWIN_PAGES);
	ck_assert_uint_eq(p.pages_skipped, 0);
}
END_TEST

/* ---- what merges ------------------------------------------------------------------------ */

/* The tables of offsets that were measured on Linux 6.18. */
START_TEST(mature_twins_merge_when_their_phases_are_equal)
{
	bool in_phase = _i % 9 == 0;
	int pass;

	twins_play(&p, (unsigned int)_i, (unsigned int)_i + MATURE);
	pass = passes_to_merge();
	ck_assert_msg((pass >= 0) == in_phase, "offset %d: merged in pass %d", _i, pass);
	ck_assert_uint_eq(p.pages_sharing, in_phase ? TWIN_PAGES : 0);
	p.smart_scan = false;
	twins_pass(&p, SWEEP);
	ck_assert_uint_eq(twins_merged_pages(&p, 0), TWIN_PAGES);
	ck_assert_uint_eq(twins_merged_pages(&p, 1), TWIN_PAGES);
	ck_assert_uint_eq(p.pages_shared, TWIN_PAGES);
	ck_assert_uint_eq(p.pages_sharing, TWIN_PAGES);
}
END_TEST

START_TEST(a_new_twin_of_a_mature_one_merges_after_this_many_passes)
{
	static const int passes[9] = { 13, 3, 2, 1, -1, 8, -1, -1, 5 };

	twins_play(&p, (unsigned int)_i, 0);
	ck_assert_int_eq(passes_to_merge(), passes[_i % 9]);
}
END_TEST

/* The twins were in phase: there is a stable node, and phases do not matter any more. */
START_TEST(a_later_copy_of_what_is_merged_needs_two_looks)
{
	twins_play(&p, 0, 0);
	twins_pass(&p, (unsigned int)_i);
	twins_start(&p, 1);
	twins_pass(&p, 1);
	ck_assert_uint_eq(twins_merged_pages(&p, 2), 0);
	twins_pass(&p, 1);
	ck_assert_uint_eq(twins_merged_pages(&p, 2), TWIN_PAGES);
	ck_assert_uint_eq(p.pages_sharing, 2 * TWIN_PAGES);
}
END_TEST

/* Rewritten while ksmd runs: the first look only learns the new checksum. */
START_TEST(changed_content_needs_two_looks)
{
	p.smart_scan = false;
	twins_play(&p, 0, MATURE);
	twins_pass(&p, 1);
	ck_assert_uint_eq(p.pages_sharing, 0);
	twins_pass(&p, 1);
	ck_assert_uint_eq(p.pages_sharing, TWIN_PAGES);
	plant_rewrite(&p, 1, 0.25, PLANT_UNIQUE);
	ck_assert_uint_eq(p.pages_sharing, TWIN_PAGES * 3 / 4);
	ck_assert_uint_eq(p.pages_shared, TWIN_PAGES);
}
END_TEST

/* Between the looks at the one and at the other, in the same pass. */
START_TEST(what_changes_in_the_unstable_tree_is_not_found)
{
	p.smart_scan = false;
	twins_play(&p, 0, 0);
	twins_pass(&p, 1);
	p.pages_to_scan = TWIN_PAGES;
	while (p.pages_unshared < TWIN_PAGES)
		plant_advance(&p, 0.001);
	plant_rewrite(&p, 0, 1, PLANT_UNIQUE);
	twins_pass(&p, 1);
	ck_assert_uint_eq(p.pages_shared, 0);
	ck_assert_uint_eq(p.pages_unshared, 2 * TWIN_PAGES);
}
END_TEST

START_TEST(what_changes_all_the_time_never_merges)
{
	p.smart_scan = false;
	for (int i = 0; i < 2; i++)
		twins_start(&p, 0)->volatile_share = 1;
	twins_pass(&p, 10);
	ck_assert_uint_eq(p.pages_shared + p.pages_sharing + p.pages_unshared, 0);
	ck_assert_double_le(plant_mergeable_kib(&p), 0);
}
END_TEST

START_TEST(what_is_like_nothing_else_waits_in_the_unstable_tree)
{
	twins_start(&p, 0);
	twins_pass(&p, 2);
	ck_assert_uint_eq(p.pages_unshared, TWIN_PAGES);
	twins_pass(&p, 3); /* skipped, and removed from the tree */
	ck_assert_uint_eq(p.pages_unshared, 0);
}
END_TEST

START_TEST(zero_pages_merge_with_each_other)
{
	twins_start(&p, 0)->zero_share = 1;
	twins_pass(&p, 2);
	ck_assert_uint_eq(p.pages_sharing, TWIN_PAGES);
}
END_TEST

/* ---- prediction --------------------------------------------------------------------------- */

static void tell_pass(unsigned int pass)
{
	twins_pass(&p, 1);
	printf("%u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", pass, p.pages_scanned,
	       p.pages_skipped, twins_merged_pages(&p, 0), twins_merged_pages(&p, 1));
}

static int predict(unsigned int offset, unsigned int rewrite, unsigned int passes)
{
	unsigned int pass = rewrite > offset ? rewrite : offset;

	twins_host(&p);
	twins_play(&p, offset, rewrite);
	for (unsigned int end = pass + passes; pass < end; pass++)
		tell_pass(pass);
	p.smart_scan = false;
	for (unsigned int end = pass + SWEEP; pass < end; pass++)
		tell_pass(pass);
	plant_free(&p);
	return 0;
}

static int run_tests(void)
{
	Suite *s = suite_create("sim_ksmd");
	TCase *c = tcase_create("looks"), *m = tcase_create("merges");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_checked_fixture(m, setup, teardown);
	tcase_add_test(c, a_page_is_looked_at_in_these_passes);
	tcase_add_loop_test(c, without_smart_scan_every_page_is_looked_at_in_every_pass, 0,
			    (int)KT_ARRAY_LEN(without_smart_scan));
	tcase_add_test(c, a_sweep_does_not_shift_the_schedule);
	tcase_add_test(c, merged_pages_are_never_skipped);
	tcase_add_loop_test(m, mature_twins_merge_when_their_phases_are_equal, 0, 20);
	tcase_add_loop_test(m, a_new_twin_of_a_mature_one_merges_after_this_many_passes, 18, 36);
	tcase_add_loop_test(m, a_later_copy_of_what_is_merged_needs_two_looks, 10, 20);
	tcase_add_test(m, changed_content_needs_two_looks);
	tcase_add_test(m, what_changes_in_the_unstable_tree_is_not_found);
	tcase_add_test(m, what_changes_all_the_time_never_merges);
	tcase_add_test(m, what_is_like_nothing_else_waits_in_the_unstable_tree);
	tcase_add_test(m, zero_pages_merge_with_each_other);
	suite_add_tcase(s, c);
	suite_add_tcase(s, m);
	return kt_run(s);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "--predict") == 0)
		return predict((unsigned int)atoi(argv[2]), (unsigned int)atoi(argv[3]),
			       (unsigned int)atoi(argv[4]));
	return run_tests();
}
