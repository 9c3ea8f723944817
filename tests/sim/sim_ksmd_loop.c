/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the plant's ksmd take the time that a real one takes, and do its numbers add up? */
#include <math.h>

#include "kt_check.h"
#include "plant_twins.h"

enum { SEEDS = 20 };

static struct plant p;

static void setup(void)
{
	twins_host(&p);
}

static void teardown(void)
{
	plant_free(&p);
}

static void run_for(double seconds, double step_s)
{
	for (double end_s = p.now_s + seconds; p.now_s < end_s - step_s / 2;)
		plant_advance(&p, step_s);
}

/* Many guests' worth of memory, unlike anything else. */
static void start_big(double gib)
{
	struct plant_guest *g = plant_start(&p, 1, gib);

	g->on_node_kib[0] = g->target_kib;
}

/* ---- batches ------------------------------------------------------------------------------- */

/* 100 pages, 0.3 ms at most, and 20 ms: in whatever steps time passes, and whatever the
 * size of a chunk is. */
START_TEST(the_kernels_default_rate)
{
	static const double steps_s[] = { 0.001, 0.013, 1, 5 };
	double batch_s = 0.02 + 100 * 3e-6;

	p.chunk_kib = _i / 4 ? 1024 : KT_PAGE_KIB;
	p.smart_scan = false;
	p.pages_to_scan = 100;
	start_big(0.5);
	run_for(25, 5); /* the first pass only takes checksums */
	p.pages_to_scan = 1e5;
	twins_pass(&p, 1);
	p.pages_to_scan = 100;
	p.pages_scanned = 0;
	p.ksmd_s = 0;
	run_for(20, steps_s[_i % 4]);
	ck_assert_double_eq_tol((double)p.pages_scanned, 20 / batch_s * 100, 600);
	ck_assert_double_eq_tol(p.ksmd_s, 20 / batch_s * 100 * 3e-6, 0.01);
}
END_TEST

/* However many pages it could have scanned. */
START_TEST(a_batch_ends_with_the_pass)
{
	double pass_s = 0.02 + 0.0003 + TWIN_PAGES * 3e-6;

	p.smart_scan = false;
	twins_start(&p, 0);
	twins_pass(&p, 2);
	p.full_scans = 0;
	run_for(10, 0.5);
	ck_assert_double_eq_tol((double)p.full_scans, 10 / pass_s, 2);
}
END_TEST

START_TEST(skipping_costs_a_little)
{
	twins_start(&p, 0);
	twins_pass(&p, 4);
	p.ksmd_s = 0;
	twins_pass(&p, 1);
	ck_assert_uint_eq(p.pages_skipped, TWIN_PAGES);
	ck_assert_double_eq_tol(p.ksmd_s, 0.0003 + TWIN_PAGES * 3e-6 * 0.04, 1e-6);
}
END_TEST

static double pass_s(void)
{
	double begin_s = p.now_s;

	twins_pass(&p, 1);
	return p.now_s - begin_s;
}

/* A pass over 256 pages takes 16 batches of 16, and one more to find its end; where all is
 * skipped, one batch walks over everything. */
START_TEST(skipped_pages_do_not_count)
{
	p.pages_to_scan = 16;
	twins_start(&p, 0);
	twins_pass(&p, 4); /* looked at in pass 3 and 5 */
	ck_assert_double_eq_tol(pass_s(), 0.02, 0.004);
	ck_assert_double_eq_tol(pass_s(), 17 * 0.02, 0.006);
	ck_assert_double_eq_tol(pass_s(), 0.02, 0.004);
}
END_TEST

/* ---- time ------------------------------------------------------------------------------------ */

START_TEST(it_never_uses_more_cpu_than_there_is_time)
{
	double begin_s = p.now_s, load_cpus = _i % 3 * 4;

	p.seed += (uint64_t)_i;
	p.sleep_ms = _i % 2 ? 0 : 1;
	p.pages_to_scan = 30000;
	p.chunk_kib = 1024;
	start_big(0.4);
	p.guest[0].duplicate_share = 0.5;
	p.guest[0].demand_cpus = load_cpus;
	for (int i = 0; i < 500; i++) {
		plant_advance(&p, plant_random(&p, 0.0001, i % 50 ? 0.02 : 5));
		ck_assert_double_le(p.ksmd_s, (p.now_s - begin_s) * p.ksmd_cpu_share * (1 + 1e-9));
	}
	if (_i % 2)
		ck_assert_double_ge(p.ksmd_s, (p.now_s - begin_s) * p.ksmd_cpu_share * 0.999);
	ck_assert_double_eq_tol(p.ksmd_cpu_share, load_cpus >= 4 ? 0.2465 : 1, 0.001);
}
END_TEST

START_TEST(a_stopped_ksmd_goes_on_where_it_was)
{
	p.smart_scan = false;
	p.pages_to_scan = 10;
	twins_start(&p, 0);
	run_for(0.2, 0.01);
	ck_assert(p.pages_scanned > 0 && p.full_scans == 0);
	p.ksm_run = false;
	p.seed = p.pages_scanned;
	run_for(100, 5);
	ck_assert_uint_eq(p.pages_scanned, p.seed);
	p.ksm_run = true;
	twins_pass(&p, 1);
	ck_assert_uint_eq(p.pages_scanned, TWIN_PAGES);
}
END_TEST

START_TEST(without_mergeable_guests_it_sleeps)
{
	twins_start(&p, 1)->domain.hugepages = true;
	run_for(100, 5);
	ck_assert_uint_eq(p.full_scans, 0);
	ck_assert_double_le(p.ksmd_s, 0);
}
END_TEST

/* ---- guests that come, grow and go ----------------------------------------------------------- */

START_TEST(a_new_guest_waits_for_the_next_pass)
{
	p.pages_to_scan = 10;
	twins_start(&p, 0);
	run_for(0.1, 0.01);
	twins_start(&p, 0);
	twins_pass(&p, 1);
	ck_assert_uint_eq(plant_rmap_pages(&p, 0), TWIN_PAGES);
	ck_assert_uint_eq(plant_rmap_pages(&p, 1), 0);
	twins_pass(&p, 1);
	ck_assert_uint_eq(plant_rmap_pages(&p, 1), TWIN_PAGES);
}
END_TEST

START_TEST(memory_that_grows_is_seen_in_the_same_pass)
{
	p.pages_to_scan = 10;
	twins_start(&p, 0);
	run_for(0.1, 0.01);
	p.guest[0].on_node_kib[0] += TWIN_PAGES * KT_PAGE_KIB;
	twins_pass(&p, 1);
	ck_assert_uint_eq(plant_rmap_pages(&p, 0), 2 * TWIN_PAGES);
}
END_TEST

/* In the middle of its own pages. */
START_TEST(a_guest_that_goes_ends_its_part_of_the_pass)
{
	p.pages_to_scan = 10;
	p.smart_scan = false;
	for (int i = 0; i < 3; i++)
		twins_start(&p, 1);
	twins_pass(&p, 2);
	ck_assert_uint_eq(p.pages_sharing, 2 * TWIN_PAGES);
	run_for(0.1, 0.01);
	plant_stop(&p, 0);
	ck_assert_uint_eq(p.pages_sharing, TWIN_PAGES);
	p.pages_scanned = 0;
	twins_pass(&p, 1);
	ck_assert_uint_eq(p.pages_scanned, 2 * TWIN_PAGES);
	plant_stop(&p, 1);
	ck_assert_uint_eq(p.pages_sharing, 0);
	ck_assert_uint_eq(p.pages_shared, TWIN_PAGES);
}
END_TEST

START_TEST(a_guest_that_goes_does_not_move_the_cursor)
{
	p.pages_to_scan = 10;
	p.smart_scan = false;
	for (int i = 0; i < 3; i++)
		twins_start(&p, 0);
	while (p.pages_scanned < TWIN_PAGES + 10)
		plant_advance(&p, 0.001);
	plant_stop(&p, 0);
	twins_pass(&p, 1);
	ck_assert_uint_eq(p.pages_scanned, 3 * TWIN_PAGES);
}
END_TEST

/* A tenth of the merged memory each second, for ten. */
START_TEST(churn_unmerges_and_merges_again)
{
	twins_play(&p, 0, 0);
	twins_pass(&p, 2);
	p.ksm_run = false;
	for (int i = 0; i < 2; i++)
		p.guest[i].rewrite_per_s = 0.1;
	run_for(10, 0.5);
	for (unsigned int i = 0; i < 2; i++) {
		ck_assert_double_eq_tol((double)twins_merged_pages(&p, i), exp(-1) * TWIN_PAGES,
					10);
		p.guest[i].rewrite_per_s = 0;
	}
	p.ksm_run = true;
	p.smart_scan = false;
	twins_pass(&p, 1);
	ck_assert_uint_lt(p.pages_sharing, TWIN_PAGES / 2);
	twins_pass(&p, 1);
	ck_assert_uint_eq(p.pages_sharing, TWIN_PAGES);
}
END_TEST

/* ---- numbers that must agree -------------------------------------------------------------------
 */

static void check_counters(double total_kib)
{
	double merged_kib = 0, resident_kib = 0;
	uint64_t rmap_pages = 0;

	for (unsigned int i = 0; i < p.nguests; i++) {
		merged_kib += p.guest[i].merged_kib;
		resident_kib += plant_resident_kib(&p.guest[i]);
		rmap_pages += plant_rmap_pages(&p, i);
	}
	ck_assert_uint_eq((p.pages_shared + p.pages_sharing) * KT_PAGE_KIB, (uint64_t)merged_kib);
	ck_assert_uint_le(p.pages_shared + p.pages_sharing + p.pages_unshared, rmap_pages);
	ck_assert_double_le((double)rmap_pages * KT_PAGE_KIB, resident_kib);
	ck_assert_double_le(plant_merged_kib(&p), plant_mergeable_kib(&p));
	ck_assert_double_eq_tol(plant_node_free_kib(&p, 0),
				total_kib - resident_kib + plant_merged_kib(&p), 1);
}

static void do_something(void)
{
	unsigned int guest = (unsigned int)plant_random(&p, 0, 5);
	struct plant_guest *g = &p.guest[guest];

	p.smart_scan = plant_random(&p, 0, 1) < 0.5;
	if (!g->running) {
		g = twins_start(&p, plant_random(&p, 0, 1));
		g->zero_share = plant_random(&p, 0, 0.3);
		g->volatile_share = plant_random(&p, 0, 0.3);
		g->rewrite_per_s = 0.01;
	} else if (plant_random(&p, 0, 1) < 0.1) {
		plant_stop(&p, guest);
	} else if (plant_random(&p, 0, 1) < 0.3) {
		g->on_node_kib[0] *= plant_random(&p, 0.5, 1);
		g->target_kib = g->on_node_kib[0];
	} else {
		plant_rewrite(&p, guest, plant_random(&p, 0, 1), (int)plant_random(&p, -1, 3));
	}
}

START_TEST(counters_agree_whatever_happens)
{
	p.seed += (uint64_t)_i;
	p.pages_to_scan = 50;
	for (int i = 0; i < 300; i++) {
		do_something();
		plant_advance(&p, plant_random(&p, 0.001, 1));
		check_counters(PLANT_GIB);
	}
	for (unsigned int i = 0; i < p.nguests; i++)
		plant_stop(&p, i);
	ck_assert_uint_eq(p.pages_shared + p.pages_sharing + p.pages_unshared, 0);
	ck_assert_double_le(plant_mergeable_kib(&p), 0);
}
END_TEST

/* Sizes and shares differ: what is equal is what the smaller ones have. */
START_TEST(without_smart_scan_all_that_can_merge_does)
{
	p.smart_scan = false;
	for (int i = 0; i < 4; i++)
		twins_start(&p, 0.2 + 0.2 * i)->zero_share = 0.1;
	twins_pass(&p, 3);
	ck_assert_double_eq_tol(plant_merged_kib(&p), plant_mergeable_kib(&p), 0.1);
	/* shares 0.2, 0.4 and 0.6 are found in the next, and four times 0.1 are zero */
	ck_assert_double_eq_tol(plant_mergeable_kib(&p), 1.6 * TWIN_PAGES * KT_PAGE_KIB,
				0.02 * TWIN_PAGES * KT_PAGE_KIB);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_ksmd_loop");
	TCase *t = tcase_create("time"), *g = tcase_create("guests"), *n = tcase_create("numbers");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_checked_fixture(g, setup, teardown);
	tcase_add_checked_fixture(n, setup, teardown);
	tcase_add_loop_test(t, the_kernels_default_rate, 0, 8);
	tcase_add_test(t, a_batch_ends_with_the_pass);
	tcase_add_test(t, skipped_pages_do_not_count);
	tcase_add_test(t, skipping_costs_a_little);
	tcase_add_loop_test(t, it_never_uses_more_cpu_than_there_is_time, 1, SEEDS + 1);
	tcase_add_test(t, a_stopped_ksmd_goes_on_where_it_was);
	tcase_add_test(t, without_mergeable_guests_it_sleeps);
	tcase_add_test(g, a_new_guest_waits_for_the_next_pass);
	tcase_add_test(g, memory_that_grows_is_seen_in_the_same_pass);
	tcase_add_test(g, a_guest_that_goes_ends_its_part_of_the_pass);
	tcase_add_test(g, a_guest_that_goes_does_not_move_the_cursor);
	tcase_add_test(g, churn_unmerges_and_merges_again);
	tcase_add_loop_test(n, counters_agree_whatever_happens, 1, SEEDS + 1);
	tcase_add_test(n, without_smart_scan_all_that_can_merge_does);
	suite_add_tcase(s, t);
	suite_add_tcase(s, g);
	suite_add_tcase(s, n);
	return kt_run(s);
}
