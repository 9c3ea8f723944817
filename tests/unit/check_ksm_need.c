/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is merging worth, and when is it worth it at all? */
#include "ksm_fixture.h"
#include "ksm_private.h"

static double price(void)
{
	return ksm_price(&fx.conf.ksm, &fx.view);
}

static void setup(void)
{
	fixture_reset();
	(void)fixture_guest(1);
	fx.host.mem_total_kib = 100 * GIB_KIB;
	fx.view.available_kib = 50 * GIB_KIB;
}

static void available(uint64_t percent)
{
	fx.view.available_kib = percent * GIB_KIB;
}

#define assert_near(a, b)                                                                          \
	do {                                                                                       \
		double a_ = (a), b_ = (b);                                                         \
		ck_assert_msg(a_ > b_ - 1e-6 && a_ < b_ + 1e-6, "%f is not %f", a_, b_);           \
	} while (0)

START_TEST(the_price_is_that_of_memory)
{
	available(25);
	assert_near(price(), 0.5);
	fx.view.psi_memory_some_pct = 5;
	assert_near(price(), 0.75);
}
END_TEST

START_TEST(guests_that_could_outgrow_memory_give_it_a_price)
{
	fx.domain[0].memory_kib = 100 * GIB_KIB;
	assert_near(price(), 0);
	fx.domain[0].memory_kib++;
	assert_near(price(), 0.1);
	available(25);
	assert_near(price(), 0.5);
	available(50);
	fx.view.guest[0].present = false;
	assert_near(price(), 0);
}
END_TEST

START_TEST(always_is_a_price_of_its_own)
{
	fx.conf.ksm.merge = KSM_MERGE_ALWAYS;
	assert_near(price(), 0.5);
	available(10);
	assert_near(price(), 1);
}
END_TEST

START_TEST(merging_goes_on_for_a_margin_above_plenty)
{
	const struct ksm_conf *c = &fx.conf.ksm;

	available(39);
	ck_assert(ksm_needed(c, &fx.view, price(), false));
	available(44);
	ck_assert(!ksm_needed(c, &fx.view, price(), false));
	ck_assert(ksm_needed(c, &fx.view, price(), true));
	available(45);
	ck_assert(!ksm_needed(c, &fx.view, price(), true));
}
END_TEST

START_TEST(never_is_never)
{
	fx.conf.ksm.merge = KSM_MERGE_NEVER;
	available(0);
	ck_assert(!ksm_needed(&fx.conf.ksm, &fx.view, price(), true));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ksm_need");
	TCase *c = tcase_create("price");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, the_price_is_that_of_memory);
	tcase_add_test(c, guests_that_could_outgrow_memory_give_it_a_price);
	tcase_add_test(c, always_is_a_price_of_its_own);
	tcase_add_test(c, merging_goes_on_for_a_margin_above_plenty);
	tcase_add_test(c, never_is_never);
	suite_add_tcase(s, c);
	return kt_run(s);
}
