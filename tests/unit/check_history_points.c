/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is how the host was remembered, tick by tick and minute by minute? */
#include "history_fixture.h"

static void tick(int64_t unix_s)
{
	history_tick(h, view, plan, in_force, unix_s);
}

static struct history_point point(bool recent, size_t i)
{
	struct history_point p;

	ck_assert_uint_lt(i, history_npoints(h, recent));
	history_point(h, recent, i, &p);
	return p;
}

START_TEST(a_minute_is_its_last_level_and_its_mean_rate)
{
	view->available_kib = 100;
	view->ksmd_cpu_pct = 1;
	tick(6000);
	view->available_kib = 300;
	view->ksmd_cpu_pct = 4;
	tick(6058);
	ck_assert_uint_eq(history_npoints(h, true), 2);
	ck_assert_uint_eq(history_npoints(h, false), 1);
	ck_assert_int_eq(point(true, 1).unix_s, 6058);
	ck_assert_int_eq(point(false, 0).unix_s, 6000);
	ck_assert_uint_eq(point(false, 0).available_kib, 300);
	ck_assert_double_eq_tol((double)point(false, 0).ksmd_cpu_pct, 2.5, 1e-3);
	tick(6060);
	ck_assert_uint_eq(history_npoints(h, false), 2);
	ck_assert_int_eq(point(false, 1).unix_s, 6060);
	ck_assert_double_eq_tol((double)point(false, 1).ksmd_cpu_pct, 4, 1e-3);
}
END_TEST

START_TEST(rings_forget_the_oldest)
{
	for (int64_t i = 0; i < HISTORY_MINUTES + 5; i++)
		tick(60 * i);
	ck_assert_uint_eq(history_npoints(h, true), HISTORY_TICKS);
	ck_assert_uint_eq(history_npoints(h, false), HISTORY_MINUTES);
	ck_assert_int_eq(point(false, 0).unix_s, 300);
	ck_assert_int_eq(point(false, HISTORY_MINUTES - 1).unix_s, 60 * (HISTORY_MINUTES + 4));
	ck_assert_int_eq(point(true, 0).unix_s, 60 * (HISTORY_MINUTES + 5 - HISTORY_TICKS));
}
END_TEST

static void memory_of(size_t slot, uint64_t node0_kib, uint64_t node1_kib)
{
	sample[slot].has_node_memory = true;
	sample[slot].node_memory_kib[0] = node0_kib;
	sample[slot].node_memory_kib[1] = node1_kib;
}

START_TEST(locality_is_of_the_home_or_of_the_fullest_node)
{
	memory_of(0, 100, 300);
	ck_assert_double_eq_tol(locality_pct(&(struct locality){ .local_kib = 1, .all_kib = 4 }),
				25, 1e-9);
	tick(0);
	ck_assert_double_eq_tol((double)point(true, 0).local_pct, 75, 1e-3); /* db is not known */
	ck_assert_uint_eq(history_local_pct(h, 0, 1, 0), 75);
	ck_assert_uint_eq(history_local_pct(h, 1, 2, 0), 255);
	in_force->guest[0].pinned = true;
	in_force->guest[0].nodes = 1;
	memory_of(1, 400, 0);
	tick(60);
	ck_assert_uint_eq(history_local_pct(h, 0, 1, 1), 25);
	ck_assert_uint_eq(history_local_pct(h, 1, 2, 1), 100);
	ck_assert_double_eq_tol((double)point(true, 1).local_pct, 62.5, 1e-3);
	ck_assert_uint_eq(point(true, 1).npinned, 1);
	in_force->guest[0].incarnation = 7; /* of an earlier guest: says nothing of this one */
	tick(120);
	ck_assert_uint_eq(history_local_pct(h, 0, 1, 2), 75);
}
END_TEST

START_TEST(nothing_local_is_known_to_be_nothing)
{
	in_force->guest[0].pinned = true;
	in_force->guest[0].nodes = 2;
	memory_of(0, 100, 0);
	tick(0);
	ck_assert_uint_eq(history_local_pct(h, 0, 1, 0), 0);
}
END_TEST

START_TEST(another_guest_in_its_slot_has_no_past)
{
	memory_of(0, 100, 0);
	tick(0);
	view->guest[0].incarnation = 9;
	ck_assert_uint_eq(history_local_pct(h, 0, 9, 0), 255);
	tick(60);
	ck_assert_uint_eq(history_local_pct(h, 0, 9, 0), 255);
	ck_assert_uint_eq(history_local_pct(h, 0, 9, 1), 100);
	ck_assert_uint_eq(history_local_pct(h, 0, 1, 1), 255);
}
END_TEST

START_TEST(a_guest_that_was_away_has_a_gap_when_the_ring_comes_round)
{
	memory_of(0, 100, 0);
	for (int64_t i = 0; i < HISTORY_MINUTES; i++)
		tick(60 * i);
	view->guest[0].present = false;
	tick(60 * HISTORY_MINUTES);
	ck_assert_uint_eq(history_local_pct(h, 0, 1, HISTORY_MINUTES - 2), 100);
	ck_assert_uint_eq(history_local_pct(h, 0, 1, HISTORY_MINUTES - 1), 255);
	ck_assert_uint_eq(point(true, HISTORY_TICKS - 1).nguests, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("history_points");
	TCase *c = tcase_create("points");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_minute_is_its_last_level_and_its_mean_rate);
	tcase_add_test(c, rings_forget_the_oldest);
	tcase_add_test(c, locality_is_of_the_home_or_of_the_fullest_node);
	tcase_add_test(c, nothing_local_is_known_to_be_nothing);
	tcase_add_test(c, another_guest_in_its_slot_has_no_past);
	tcase_add_test(c, a_guest_that_was_away_has_a_gap_when_the_ring_comes_round);
	suite_add_tcase(s, c);
	return kt_run(s);
}
