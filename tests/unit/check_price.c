/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is memory worth, and how much of it is lacking? */
#include "policy_fixture.h"
#include "price.h"

static struct memory_price now(void)
{
	return memory_price(&fx.conf.ksm, &fx.view);
}

static void available(double percent)
{
	fx.view.available_kib = (uint64_t)(percent * (double)GIB_KIB);
}

static void setup(void)
{
	fixture_reset();
	fx.host.mem_total_kib = 100 * GIB_KIB;
	available(50);
}

#define assert_near(a, b, what)                                                                    \
	do {                                                                                       \
		double a_ = (a), b_ = (b);                                                         \
		ck_assert_msg(a_ > b_ - 1e-6 && a_ < b_ + 1e-6, "%s: %f is not %f", what, a_, b_); \
	} while (0)

static const struct {
	double available_percent, price;
} ramp[] = {
	{ 100, 0 }, { 40, 0 }, { 25, 0.5 }, { 19, 0.784 }, { 10, 1 }, { 9, 1 }, { 0, 1 },
};

START_TEST(the_price_rises_smoothly_between_plenty_and_shortage)
{
	available(ramp[_i].available_percent);
	assert_near(now().price, ramp[_i].price, "price");
	assert_near(now().shortage, ramp[_i].price, "shortage");
}
END_TEST

START_TEST(the_price_never_falls_when_less_is_available)
{
	double last = 0;

	for (uint64_t mib = 100 * 1024; mib > 0; mib -= 64) {
		double price;

		fx.view.available_kib = mib * MIB_KIB;
		price = now().price;
		ck_assert_msg(price >= last && price - last < 0.01, "%lu MiB: %f after %f",
			      (unsigned long)mib, price, last);
		last = price;
	}
}
END_TEST

static const struct {
	const char *name;
	double psi_pct, swap_out_per_s;
	double available_percent;
	double price, stalled;
} stresses[] = {
	{ "calm", 0, 0, 25, 0.5, 0 },
	{ "some stalls", 5, 0, 25, 0.75, 0.5 },
	{ "stalls as bad as it gets", 10, 0, 25, 1, 1 },
	{ "worse than bad", 90, 0, 25, 1, 1 },
	{ "half the swapping", 0, 512, 25, 0.75, 0 },
	{ "swapping of 4 MiB a second", 0, 1024, 25, 1, 0 },
	{ "the worse of both", 5, 256, 25, 0.75, 0.5 },
	{ "stalls where memory is plentiful: a cgroup's own limit", 90, 90000, 40, 0, 1 },
};

START_TEST(stalls_and_swapping_make_memory_dearer)
{
	double shortage;

	available(stresses[_i].available_percent);
	shortage = now().shortage;
	fx.view.psi_memory_some_pct = stresses[_i].psi_pct;
	fx.view.swap_out_per_s = stresses[_i].swap_out_per_s;
	assert_near(now().price, stresses[_i].price, stresses[_i].name);
	assert_near(now().stalled, stresses[_i].stalled, stresses[_i].name);
	assert_near(now().shortage, shortage, stresses[_i].name);
}
END_TEST

/* ---- and back ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	double stalled, price, shortage;
} shortages[] = {
	{ "nobody stalls", 0, 0.8, 0.8 },
	{ "half of the time", 0.5, 0.8, 0.6 },
	{ "just less", 0.79, 0.8, 1.0 / 21 },
	{ "just as much", 0.8, 0.8, 0 },
	{ "more", 1, 0.8, 0 },
	{ "all the time, at the full price", 1, 1, 0 },
};

START_TEST(stalls_leave_less_room_for_shortage)
{
	struct memory_price p = { .stalled = shortages[_i].stalled };

	assert_near(memory_shortage_at(&p, shortages[_i].price), shortages[_i].shortage,
		    shortages[_i].name);
}
END_TEST

START_TEST(with_what_was_lacking_the_shortage_is_what_was_asked_for)
{
	for (double percent = 1; percent < 45; percent += 0.37)
		for (double asked = 0.05; asked < 1; asked += 0.05) {
			uint64_t before, lacking;

			available(percent);
			before = fx.view.available_kib;
			lacking = memory_deficit_kib(&fx.conf.ksm, &fx.view, asked);
			ck_assert_msg((lacking > 0) == (now().shortage > asked),
				      "%f %%, %f: %lu KiB", percent, asked, (unsigned long)lacking);
			fx.view.available_kib = before + lacking;
			if (lacking > 0)
				assert_near(now().shortage, asked, "then");
		}
}
END_TEST

START_TEST(odd_configurations_have_a_price_too)
{
	fx.conf.ksm.plenty_percent = fx.conf.ksm.short_percent = 30;
	available(30);
	assert_near(now().price, 0, "at both marks");
	ck_assert_uint_eq(memory_deficit_kib(&fx.conf.ksm, &fx.view, 0.5), 0);
	available(29);
	assert_near(now().price, 1, "below both");
	ck_assert_uint_eq(memory_deficit_kib(&fx.conf.ksm, &fx.view, 0.5), GIB_KIB);
	fx.host.mem_total_kib = 0;
	assert_near(now().price, 0, "no memory");
	ck_assert_uint_eq(memory_deficit_kib(&fx.conf.ksm, &fx.view, 0.5), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("price");
	TCase *c = tcase_create("price");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_loop_test(c, the_price_rises_smoothly_between_plenty_and_shortage, 0,
			    (int)KT_ARRAY_LEN(ramp));
	tcase_add_test(c, the_price_never_falls_when_less_is_available);
	tcase_add_loop_test(c, stalls_and_swapping_make_memory_dearer, 0,
			    (int)KT_ARRAY_LEN(stresses));
	tcase_add_loop_test(c, stalls_leave_less_room_for_shortage, 0,
			    (int)KT_ARRAY_LEN(shortages));
	tcase_add_test(c, with_what_was_lacking_the_shortage_is_what_was_asked_for);
	tcase_add_test(c, odd_configurations_have_a_price_too);
	suite_add_tcase(s, c);
	return kt_run(s);
}
