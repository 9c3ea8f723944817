/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is memory worth, and when is it worth merging? */
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

static const struct {
	uint64_t available_percent;
	double price;
} ramp[] = {
	{ 100, 0 }, { 40, 0 }, { 25, 0.5 }, { 10, 1 }, { 9, 1 }, { 0, 1 },
};

START_TEST(the_price_rises_smoothly_between_plenty_and_shortage)
{
	available(ramp[_i].available_percent);
	assert_near(price(), ramp[_i].price);
}
END_TEST

START_TEST(the_price_never_falls_when_less_is_available)
{
	double last = 0;

	for (uint64_t mib = 100 * 1024; mib > 0; mib -= 64) {
		fx.view.available_kib = mib * MIB_KIB;
		ck_assert_msg(price() >= last && price() - last < 0.01, "%lu MiB: %f after %f",
			      (unsigned long)mib, price(), last);
		last = price();
	}
}
END_TEST

static const struct {
	const char *name;
	double psi_pct, swap_out_per_s;
	uint64_t available_percent;
	double price;
} stresses[] = {
	{ "calm", 0, 0, 25, 0.5 },
	{ "some stalls", 5, 0, 25, 0.75 },
	{ "stalls as bad as it gets", 10, 0, 25, 1 },
	{ "worse than bad", 90, 0, 25, 1 },
	{ "half the swapping", 0, 512, 25, 0.75 },
	{ "swapping of 4 MiB a second", 0, 1024, 25, 1 },
	{ "the worse of both", 5, 256, 25, 0.75 },
	{ "stalls where memory is plentiful: a cgroup's own limit", 90, 90000, 40, 0 },
};

START_TEST(stalls_and_swapping_make_memory_dearer)
{
	available(stresses[_i].available_percent);
	fx.view.psi_memory_some_pct = stresses[_i].psi_pct;
	fx.view.swap_out_per_s = stresses[_i].swap_out_per_s;
	ck_assert_msg(price() > stresses[_i].price - 1e-6 && price() < stresses[_i].price + 1e-6,
		      "%s: %f", stresses[_i].name, price());
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

START_TEST(odd_configurations_have_a_price_too)
{
	fx.conf.ksm.plenty_percent = fx.conf.ksm.short_percent = 30;
	available(30);
	assert_near(price(), 0);
	available(29);
	assert_near(price(), 1);
	fx.host.mem_total_kib = 0;
	fx.domain[0].memory_kib = 0;
	assert_near(price(), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ksm_need");
	TCase *c = tcase_create("price");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_loop_test(c, the_price_rises_smoothly_between_plenty_and_shortage, 0,
			    (int)KT_ARRAY_LEN(ramp));
	tcase_add_test(c, the_price_never_falls_when_less_is_available);
	tcase_add_loop_test(c, stalls_and_swapping_make_memory_dearer, 0,
			    (int)KT_ARRAY_LEN(stresses));
	tcase_add_test(c, guests_that_could_outgrow_memory_give_it_a_price);
	tcase_add_test(c, always_is_a_price_of_its_own);
	tcase_add_test(c, merging_goes_on_for_a_margin_above_plenty);
	tcase_add_test(c, never_is_never);
	tcase_add_test(c, odd_configurations_have_a_price_too);
	suite_add_tcase(s, c);
	return kt_run(s);
}
