/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much room does the table of a guest's pins take? */
#include "kt_check.h"

#include "act_private.h"

static struct placement placement;

static void setup(void)
{
	placement = (struct placement){ 0 };
}

static void teardown(void)
{
	act_placement_free(&placement);
}

static void add(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct pin *pin = act_pin_add(&placement);

		ck_assert_ptr_nonnull(pin);
		ck_assert(!pin->ours && pin->tid == 0);
		pin->tid = (pid_t)placement.npins;
	}
}

START_TEST(as_many_as_were_expected_fit_and_no_more)
{
	act_pins_expect(&placement, 5);
	ck_assert_uint_eq(placement.capacity, 5);
	add(5);
	ck_assert_uint_eq(placement.capacity, 5);
}
END_TEST

START_TEST(what_is_there_stays)
{
	add(3);
	act_pins_expect(&placement, 11);
	act_pins_expect(&placement, 2);
	ck_assert_uint_eq(placement.capacity, 11);
	for (size_t i = 0; i < placement.npins; i++)
		ck_assert_int_eq(placement.pin[i].tid, (pid_t)i + 1);
	ck_assert_uint_eq(placement.npins, 3);
}
END_TEST

START_TEST(more_than_expected_fit_too)
{
	act_pins_expect(&placement, 1);
	add(KT_THREADS_MAX);
	ck_assert_ptr_null(act_pin_add(&placement));
}
END_TEST

START_TEST(more_than_there_may_be_are_not_expected)
{
	act_pins_expect(&placement, KT_THREADS_MAX + 1);
	ck_assert_uint_eq(placement.capacity, 0);
	act_pins_expect(&placement, KT_THREADS_MAX);
	ck_assert_uint_eq(placement.capacity, KT_THREADS_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_pins");
	TCase *tc = tcase_create("room");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, as_many_as_were_expected_fit_and_no_more);
	tcase_add_test(tc, what_is_there_stays);
	tcase_add_test(tc, more_than_expected_fit_too);
	tcase_add_test(tc, more_than_there_may_be_are_not_expected);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
