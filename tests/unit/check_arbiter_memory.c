/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the whole plan say what memory lacks, look again in time, and leave a guest whose
 * memory is being taken where it is? */
#include "policy_fixture.h"

static uint64_t percent_kib(double percent)
{
	return (uint64_t)(percent / 100 * 64 * 1024 * 1024);
}

static const struct {
	const char *name;
	double available_percent, psi_pct, swap_out_per_s;
	double enough_percent; /* 0: nothing is lacking */
} deficits[] = {
	{ "a little less than enough", 19.7, 0, 0, 19.791 },
	{ "a little more than enough", 19.8, 0, 0, 0 },
	{ "very short", 5, 0, 0, 19.791 },
	{ "not short, but it stalls", 20, 4, 0, 23.326 },
	{ "it stalls more, and would be calm", 20, 9, 0, 25 },
	{ "not short, but it swaps, perhaps because of us", 20, 0, 90000, 0 },
	{ "calm, whatever stalls", 25.01, 9, 0, 0 },
};

START_TEST(what_is_lacking_is_what_makes_the_price_bearable)
{
	double lacking = 0;

	fx.view.available_kib = percent_kib(deficits[_i].available_percent);
	fx.view.psi_memory_some_pct = deficits[_i].psi_pct;
	fx.view.swap_out_per_s = deficits[_i].swap_out_per_s;
	fx.domain[0].running = false; /* nobody to take it from */
	(void)fixture_step();
	if (deficits[_i].enough_percent > 0)
		lacking = deficits[_i].enough_percent - deficits[_i].available_percent;
	ck_assert_msg(
		(double)fx.plan.memory.deficit_kib > (double)percent_kib(lacking) - 1000 &&
			(double)fx.plan.memory.deficit_kib < (double)percent_kib(lacking) + 1000,
		"%s: %lu of %lu KiB", deficits[_i].name, (unsigned long)fx.plan.memory.deficit_kib,
		(unsigned long)percent_kib(lacking));
}
END_TEST

START_TEST(a_squeeze_is_looked_at_earlier_than_anything_else)
{
	(void)fixture_step();
	ck_assert_uint_eq(fx.plan.memory.look_again_ns, SECONDS(1));
	ck_assert_uint_eq(fx.plan.look_again_ns, SECONDS(1));
	fixture_reset(); /* no guest, and no reason */
	(void)fixture_step();
	ck_assert_uint_eq(fx.plan.look_again_ns, 0);
}
END_TEST

START_TEST(what_is_only_said_is_not_looked_at)
{
	fx.conf.memory.mode = LOOP_OBSERVE;
	fx.conf.ksm.mode = LOOP_OFF;
	ck_assert_int_eq(fixture_step()->memory.why, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_uint_eq(fx.plan.look_again_ns, 0);
}
END_TEST

/* A guest whose memory is being taken neither moves nor is moved. */
START_TEST(a_guest_that_is_reclaimed_is_not_disturbed)
{
	fixture_memory_on(0, 0, 2 * GIB_KIB);
	(void)fixture_step();
	ck_assert(fx.plan.move.go);
	fx.in_force.guest[0].reclaiming = true;
	(void)fixture_step();
	ck_assert(!fx.plan.move.go || fx.plan.move.kib_per_s <= 256);
	fx.conf.placement.memory = MEMORY_LEAVE; /* it goes where its memory is */
	fx.view.guest[0].demand = (struct demand){ 4, 4, 0, 100 };
	fx.in_force.guest[0].reclaiming = false;
	ck_assert_uint_eq(fixture_step()->placement.nodes, nodemask_of(1));
	fx.in_force.guest[0].reclaiming = true;
	ck_assert_uint_eq(fixture_step()->placement.nodes, nodemask_of(0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("arbiter_memory");
	TCase *c = tcase_create("memory");

	tcase_add_checked_fixture(c, fixture_idle_guest_at_home, NULL);
	tcase_add_loop_test(c, what_is_lacking_is_what_makes_the_price_bearable, 0,
			    (int)KT_ARRAY_LEN(deficits));
	tcase_add_test(c, a_squeeze_is_looked_at_earlier_than_anything_else);
	tcase_add_test(c, what_is_only_said_is_not_looked_at);
	tcase_add_test(c, a_guest_that_is_reclaimed_is_not_disturbed);
	suite_add_tcase(s, c);
	return kt_run(s);
}
