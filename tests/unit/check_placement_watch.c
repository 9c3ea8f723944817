/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which changes are watched, and what counts of what is seen then? */
#include "placement_effect_fixture.h"

START_TEST(a_guest_that_wants_next_to_nothing_is_not_judged)
{
	guest_that_leaves();
	change();
	fixture_waits(_i == 0 ? 0.0499 : 0.05, 0);
	watch(3);
	ck_assert_int_eq((int)fx.state.placement.njudged, _i);
}
END_TEST

/* Another guest comes, and only it is looked at. */
static void event(void)
{
	size_t slot = fx.view.nslots;

	for (size_t i = 0; i < slot; i++)
		fx.sample[i].look = GUEST_LOOK_NONE;
	fx.view.nunseen = slot;
	fixture_guest(0);
	fx.domain[slot].admin_pins = true;
	(void)fixture_step();
	for (size_t i = 0; i < fx.view.nslots; i++)
		fx.sample[i].look = GUEST_LOOK_FULL;
	fx.view.nunseen = 0;
}

START_TEST(the_time_of_events_between_two_looks_counts)
{
	guest_that_leaves();
	change();
	fixture_waits(4, 0.5);
	for (unsigned int looks = 0; looks < 3; looks++) {
		ck_assert_int_ne(plan_of(0)->why, WHY_ROLLED_BACK);
		fixture_later(9);
		event();
		fixture_later(1);
		(void)fixture_step();
	}
	ck_assert_int_eq(plan_of(0)->why, WHY_ROLLED_BACK);
}
END_TEST

/* Of which nobody knows what it was like. */
START_TEST(a_gap_between_two_looks_does_not_count)
{
	guest_that_leaves();
	change();
	fixture_waits(4, 0.5);
	watch(1);
	fixture_later(1000);
	fx.view.dt_s = 0;
	expect("after ten seconds and a gap", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
	watch(1);
	expect("after twenty", plan_of(0), 1, WISH_SET, WHY_HOME_BY_MEMORY);
	watch(1);
	expect("after thirty", plan_of(0), 0, WISH_SET, WHY_ROLLED_BACK);
}
END_TEST

/* It holds the change itself. */
START_TEST(a_look_that_began_before_the_change_is_not_counted)
{
	guest_that_leaves();
	change();
	fx.in_force.guest[0].pin_changed_ns += 1;
	fixture_waits(4, 1);
	watch(1);
	fixture_waits(4, 0);
	watch(3);
	ck_assert_uint_eq(fx.state.placement.njudged, 1);
	ck_assert_uint_eq(fx.state.placement.nfailed, 0);
}
END_TEST

/* To go back is no new change, whose effect would be judged. */
START_TEST(what_is_undone_is_not_judged)
{
	guest_that_leaves();
	change();
	fixture_waits(4, 0.5);
	watch(3);
	carry_out(0);
	watch(10);
	expect("back", plan_of(0), 0, WISH_SET, WHY_HOME_KEPT);
	ck_assert_uint_eq(fx.state.placement.njudged, 1);
}
END_TEST

START_TEST(a_wish_that_nobody_carries_out_is_not_judged)
{
	guest_that_leaves();
	fixture_waits(4, 0.9);
	watch(20);
	expect("still wished", plan_of(0), 1, WISH_SET, WHY_HOME_BY_MEMORY);
	ck_assert_uint_eq(fx.state.placement.njudged, 0);
}
END_TEST

START_TEST(a_change_by_somebody_else_is_not_judged)
{
	guest_that_leaves();
	change();
	fixture_waits(4, 0.5);
	watch(1);
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns;
	watch(10);
	ck_assert_uint_eq(fx.state.placement.njudged, 0);
	expect("at home", plan_of(0), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(an_earlier_guest_of_the_slot_proves_nothing)
{
	guest_that_leaves();
	change();
	fixture_waits(4, 0.5);
	watch(2);
	fx.view.guest[0].incarnation = fx.in_force.guest[0].incarnation = 9;
	watch(10);
	ck_assert_uint_eq(fx.state.placement.njudged, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_watch");
	TCase *c = tcase_create("watch");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_loop_test(c, a_guest_that_wants_next_to_nothing_is_not_judged, 0, 2);
	tcase_add_test(c, the_time_of_events_between_two_looks_counts);
	tcase_add_test(c, a_gap_between_two_looks_does_not_count);
	tcase_add_test(c, a_look_that_began_before_the_change_is_not_counted);
	tcase_add_test(c, what_is_undone_is_not_judged);
	tcase_add_test(c, a_wish_that_nobody_carries_out_is_not_judged);
	tcase_add_test(c, a_change_by_somebody_else_is_not_judged);
	tcase_add_test(c, an_earlier_guest_of_the_slot_proves_nothing);
	suite_add_tcase(s, c);
	return kt_run(s);
}
