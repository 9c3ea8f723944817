/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is only a short host squeezed, the idlest guests first, and no more than it lacks? */
#include "memory_fixture.h"

static const struct {
	const char *name;
	double shortage, price;
	uint64_t swap_total_kib, swap_free_kib;
	enum wish wish;
	enum why why;
} hosts[] = {
	{ "just pressed", 0.8, 0.8, GIB_KIB, GIB_KIB, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "just not pressed", 0.7999, 0.7999, GIB_KIB, GIB_KIB, WISH_HOLD, WHY_HOST_BETWEEN },
	{ "pressed by stalls", 0.5, 0.8, GIB_KIB, GIB_KIB, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "just not calm", 0.5, 0.5, GIB_KIB, GIB_KIB, WISH_HOLD, WHY_HOST_BETWEEN },
	{ "just calm", 0.4999, 0.4999, GIB_KIB, GIB_KIB, WISH_RELEASE, WHY_HOST_CALM },
	{ "calm, stalls for another reason", 0.4999, 1, GIB_KIB, GIB_KIB, WISH_RELEASE,
	  WHY_HOST_CALM },
	{ "no swap", 1, 1, 0, 0, WISH_RELEASE, WHY_NO_SWAP },
	{ "no swap, whatever its free part says", 1, 1, 0, GIB_KIB, WISH_RELEASE, WHY_NO_SWAP },
	{ "swap just full", 1, 1, GIB_KIB, 64 * MIB_KIB - 1, WISH_RELEASE, WHY_NO_SWAP },
	{ "swap just not full, and no step fits in", 1, 1, GIB_KIB, 65 * MIB_KIB - 1, WISH_HOLD,
	  WHY_NOT_IDLEST },
	{ "a step fits in", 1, 1, GIB_KIB, 65 * MIB_KIB, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
};

START_TEST(only_a_host_that_is_short_and_can_swap_is_squeezed)
{
	by_reclaim();
	given.host.shortage = hosts[_i].shortage;
	given.host.price = hosts[_i].price;
	fx.host.swap_total_kib = hosts[_i].swap_total_kib;
	fx.host.swap_free_kib = hosts[_i].swap_free_kib;
	expect(hosts[_i].name, step(), hosts[_i].wish, hosts[_i].why);
}
END_TEST

/* It may have woken up since. */
START_TEST(nobody_is_taken_from_unseen)
{
	by_reclaim();
	fx.sample[0].look = GUEST_LOOK_NONE;
	fx.view.nunseen = 1;
	expect("nobody has looked", step(), WISH_HOLD, WHY_NOT_IDLEST);
	ck_assert_uint_eq(fx.plan.memory.look_again_ns, KT_NS_PER_S);
	fx.sample[0].look = GUEST_LOOK_FULL;
	fx.view.nunseen = 0;
	expect("looked at", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
}
END_TEST

START_TEST(a_calm_host_needs_no_look)
{
	fx.sample[0].look = GUEST_LOOK_NONE;
	fx.view.nunseen = 1;
	given.host.shortage = given.host.price = 0.1;
	expect("calm", step(), WISH_RELEASE, WHY_HOST_CALM);
	ck_assert_uint_eq(fx.plan.memory.look_again_ns, 0);
}
END_TEST

static enum why squeeze_at(double price)
{
	given.host.price = price;
	return step_after_s(10)->why;
}

/* At the mark it would begin and end with every page. */
START_TEST(a_squeeze_goes_on_until_a_little_more_is_found)
{
	by_reclaim();
	ck_assert_int_eq(squeeze_at(0.7999), WHY_HOST_BETWEEN);
	ck_assert_int_eq(squeeze_at(0.8), WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_int_eq(squeeze_at(0.7601), WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_int_eq(squeeze_at(0.7599), WHY_HOST_BETWEEN);
	ck_assert_int_eq(squeeze_at(0.7999), WHY_HOST_BETWEEN);
	ck_assert_int_eq(squeeze_at(0.8), WHY_IDLEST_UNDER_PRESSURE);
}
END_TEST

/* ---- by what means -------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum memory_backend backend;
	bool offered, refused;
	enum memory_means means;
} backends[] = {
	{ "auto", MEMORY_BACKEND_AUTO, true, false, MEMORY_RECLAIM },
	{ "auto, not offered", MEMORY_BACKEND_AUTO, false, false, MEMORY_SOFT_LIMIT },
	{ "auto, refused", MEMORY_BACKEND_AUTO, true, true, MEMORY_SOFT_LIMIT },
	{ "reclaim", MEMORY_BACKEND_RECLAIM, true, false, MEMORY_RECLAIM },
	{ "limit", MEMORY_BACKEND_LIMIT, true, false, MEMORY_SOFT_LIMIT },
};

START_TEST(limits_are_for_where_reclaim_is_not_offered)
{
	fx.conf.memory.backend = backends[_i].backend;
	fx.sample[0].cgroup_v2 = true;
	fx.sample[0].has_reclaim = backends[_i].offered;
	fx.in_force.guest[0].reclaim_off = backends[_i].refused;
	expect(backends[_i].name, step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_msg(plan_of(0)->means == backends[_i].means, "%s", backends[_i].name);
}
END_TEST

/* ---- who, and how much ------------------------------------------------------------------ */

/* Guests that a step of would take 16 MiB, were they quite idle. */
static void four_guests(void)
{
	fixture_guest(0.05);
	fixture_guest(0.05);
	fixture_guest(0.08);
	fx.domain[3].vcpus = 16; /* idler per vCPU */
	for (size_t i = 0; i < 4; i++)
		fx.sample[i].cgroup_v2 = fx.sample[i].has_reclaim = true;
}

static uint64_t taken_of(size_t slot)
{
	return plan_of(slot)->wish == WISH_SET ? G4 - plan_of(slot)->target_kib : 0;
}

START_TEST(the_idlest_go_first_until_the_host_lacks_nothing)
{
	four_guests();
	given.host.deficit_kib = 15564 + 14336 + 10000;
	(void)step();
	ck_assert_uint_eq(taken_of(3), 15564); /* idle to 0.95 */
	ck_assert_uint_eq(taken_of(1), 14336); /* to 0.875, the first of two */
	ck_assert_uint_eq(taken_of(2), 10000);
	ck_assert_uint_eq(taken_of(0), 0);
	expect("nothing is left to be found", plan_of(0), WISH_HOLD, WHY_NOT_IDLEST);
	ck_assert_uint_eq(fx.plan.memory.deficit_kib, 0);
}
END_TEST

START_TEST(who_weighs_less_goes_first)
{
	four_guests();
	fx.domain[0].wish.weight = 50;
	fx.domain[3].wish.weight = 1000;
	given.host.deficit_kib = 24576 + 14336;
	(void)step();
	ck_assert_uint_eq(taken_of(0), 24576); /* idle to 0.75, of half the weight */
	ck_assert_uint_eq(taken_of(1), 14336);
	ck_assert_uint_eq(taken_of(2), 0);
	ck_assert_uint_eq(taken_of(3), 0);
}
END_TEST

START_TEST(who_has_nothing_to_give_is_passed_over)
{
	four_guests();
	uses(3, G8_QUARTER);
	given.host.deficit_kib = 14336;
	(void)step();
	expect("the idlest", plan_of(3), WISH_HOLD, WHY_AT_FLOOR);
	ck_assert_uint_eq(taken_of(1), 14336);
	ck_assert_uint_eq(taken_of(2), 0);
}
END_TEST

START_TEST(what_is_not_to_be_had_is_still_lacking)
{
	four_guests();
	(void)step();
	ck_assert_uint_eq(fx.plan.memory.deficit_kib, given.host.deficit_kib - taken_of(0) -
							      taken_of(1) - taken_of(2) -
							      taken_of(3));
	ck_assert_uint_gt(taken_of(0), 0);
}
END_TEST

START_TEST(swap_without_room_for_all_bounds_all)
{
	four_guests();
	fx.host.swap_free_kib = 64 * MIB_KIB + 20000;
	(void)step();
	ck_assert_uint_eq(taken_of(3) + taken_of(1), 20000);
	ck_assert_uint_eq(taken_of(2) + taken_of(0), 0);
	ck_assert_uint_eq(fx.plan.memory.deficit_kib, given.host.deficit_kib - 20000);
}
END_TEST

START_TEST(what_is_on_its_way_need_not_be_found_again)
{
	four_guests();
	given.host.deficit_kib = 85000;
	fx.in_force.guest[1].reclaiming = true;
	reclaim_ended(1, 80000, 30000);
	reclaim_ended(0, 70000, 20000); /* no more will come */
	limit_in_force(2, G4 - 20000);
	fx.conf.memory.backend = MEMORY_BACKEND_LIMIT;
	fx.sample[2].cgroup_v2 = false; /* else it would be a throttle */
	(void)step();
	/* and limits end at a multiple of 64 KiB */
	ck_assert_uint_le(fx.plan.memory.deficit_kib, 64);
	ck_assert_uint_le(taken_of(3), 15000);
	ck_assert_uint_ge(taken_of(3), 15000 - 64);
	fx.state.memory = (struct memory_policy){ 0 };
	fx.domain[2].busy = true; /* its limit is lifted */
	(void)step();
	ck_assert_uint_ge(taken_of(3), 15564 - 64);
}
END_TEST

/* libvirt may take a minute, in which nobody else is to give the same. */
START_TEST(a_limit_that_libvirt_was_asked_for_is_on_its_way)
{
	four_guests();
	given.host.deficit_kib = 100000;
	fx.sample[0].cgroup_v2 = fx.sample[1].cgroup_v2 = fx.sample[2].cgroup_v2 = false;
	limit_in_force(1, G4 - 10000);
	fx.in_force.guest[1].limit_pending = true;
	fx.in_force.guest[1].pending_limit_kib = G4 - 30000;
	fx.in_force.guest[2].limit_pending = true;
	fx.in_force.guest[2].pending_limit_kib = G4 - 70000;
	limit_in_force(0, G4);
	fx.in_force.guest[0].limit_pending = true; /* and is to be lifted */
	fx.conf.memory.backend = MEMORY_BACKEND_LIMIT;
	(void)step();
	ck_assert_uint_eq(taken_of(3), 0);
	ck_assert_uint_eq(fx.plan.memory.deficit_kib, 0);
}
END_TEST

START_TEST(what_is_on_its_way_needs_swap_too)
{
	four_guests();
	fx.host.swap_free_kib = 64 * MIB_KIB + 50000;
	fx.in_force.guest[1].reclaiming = true;
	reclaim_ended(1, 40000, 0);
	(void)step();
	ck_assert_uint_eq(taken_of(3), 10000);
}
END_TEST

/* Usage need not have followed. */
START_TEST(a_hint_takes_what_it_goes_down)
{
	limit_in_force(0, G3);
	given.host.deficit_kib = GIB_KIB + 50000;
	expect("a step below the limit", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_uint_lt(plan_of(0)->target_kib, G3);
	ck_assert_uint_eq(fx.plan.memory.deficit_kib, 50000 - (G3 - plan_of(0)->target_kib));
}
END_TEST

START_TEST(a_host_that_lacks_hardly_anything_is_left_alone)
{
	by_reclaim();
	given.host.deficit_kib = 1023;
	expect("not worth a step", step(), WISH_HOLD, WHY_NOT_IDLEST);
	given.host.deficit_kib = 1024;
	expect_target("worth it", step(), MEMORY_RECLAIM, G4 - 1024);
}
END_TEST

/* ---- one after the other ------------------------------------------------------------------- */

START_TEST(each_guest_has_its_own_distance_between_steps)
{
	by_reclaim();
	expect("the first step", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	fixture_guest(0.1);
	fx.view.now_ns += SECONDS(6) - 1;
	(void)step();
	expect("just within the interval", plan_of(0), WISH_HOLD, WHY_COOLING_DOWN);
	expect("another guest", plan_of(1), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	fx.view.now_ns++;
	(void)step();
	expect("the next step", plan_of(0), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	expect("its turn is later", plan_of(1), WISH_HOLD, WHY_COOLING_DOWN);
}
END_TEST

static const struct {
	const char *name;
	double shortage;
	uint64_t interval_s, next_s; /* between two steps */
} urgencies[] = {
	{ "no shorter than the mark", 0.8, 6, 6 },
	{ "only stalls make it dear", 0.6, 6, 6 },
	{ "half way", 0.9, 6, 4 },
	{ "as short as can be", 1, 6, 2 },
	{ "never at once", 1, 1, 1 },
};

START_TEST(the_shorter_memory_is_the_sooner_is_the_next_step)
{
	by_reclaim();
	fx.conf.memory.step_interval_s = urgencies[_i].interval_s;
	given.host.shortage = urgencies[_i].shortage;
	expect(urgencies[_i].name, step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	fx.view.now_ns += SECONDS(urgencies[_i].next_s) - 1;
	expect(urgencies[_i].name, step(), WISH_HOLD, WHY_COOLING_DOWN);
	fx.view.now_ns++;
	expect(urgencies[_i].name, step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
}
END_TEST

START_TEST(a_mark_at_the_full_price_leaves_nothing_beyond)
{
	by_reclaim();
	fx.conf.memory.squeeze_price = 100;
	given.host.shortage = given.host.price = 1;
	expect("first", step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	expect("later", step_after_s(5), WISH_HOLD, WHY_COOLING_DOWN);
}
END_TEST

START_TEST(a_limit_in_force_is_wished_again)
{
	(void)step();
	limit_in_force(0, 4163840);
	uses(0, 4163840);
	expect_target("between steps", step_after_s(5), MEMORY_SOFT_LIMIT, 4163840);
	ck_assert_int_eq(plan_of(0)->why, WHY_COOLING_DOWN);
	fx.in_force.guest[0].limit_pending = true;
	expect_target("libvirt has not answered", step_after_s(5), MEMORY_SOFT_LIMIT, 4163840);
	fx.in_force.guest[0].limit_pending = false;
	expect_target("its effect is awaited", step_after_s(5), MEMORY_SOFT_LIMIT, 4163840);
	(void)step_after_s(1);
	ck_assert_uint_lt(plan_of(0)->target_kib, 4163840);
	uses(0, G8_QUARTER);
	limit_in_force(0, G8_QUARTER);
	expect_target("at its floor", step_after_s(6), MEMORY_SOFT_LIMIT, G8_QUARTER);
	ck_assert_int_eq(plan_of(0)->why, WHY_AT_FLOOR);
}
END_TEST

START_TEST(a_limit_below_the_floor_is_lifted)
{
	(void)step();
	limit_in_force(0, 4163840);
	uses(0, 4163840);
	fx.domain[0].wish.min_guarantee_mib = 4163840 / 1024;
	expect_target("just above", step_after_s(1), MEMORY_SOFT_LIMIT, 4163840);
	fx.domain[0].wish.min_guarantee_mib++;
	expect("more is guaranteed", step_after_s(1), WISH_RELEASE, WHY_AT_FLOOR);
	given.host.price = 0.7;
	expect("whatever the host has", step_after_s(1), WISH_RELEASE, WHY_AT_FLOOR);
	fx.domain[0].wish.min_guarantee_mib--;
	expect("which else would do", step_after_s(1), WISH_HOLD, WHY_HOST_BETWEEN);
}
END_TEST

START_TEST(no_step_is_made_while_another_is_under_way)
{
	by_reclaim();
	fx.in_force.guest[0].reclaiming = true;
	expect("reclaim", step(), WISH_HOLD, WHY_COOLING_DOWN);
	fx.in_force.guest[0].reclaiming = false;
	fx.in_force.guest[0].limit_pending = true;
	expect("libvirt", step(), WISH_HOLD, WHY_COOLING_DOWN);
}
END_TEST

/* ---- only said ------------------------------------------------------------------------------- */

START_TEST(what_is_only_said_brings_nothing)
{
	four_guests();
	given.dry_run[3] = true; /* the idlest */
	given.host.deficit_kib = 14336;
	(void)step();
	ck_assert_uint_eq(taken_of(3), 14336);
	ck_assert_uint_eq(taken_of(1), 14336);
	ck_assert_uint_eq(taken_of(2), 0);
	ck_assert_uint_eq(fx.plan.memory.deficit_kib, 0);
	ck_assert(plan_of(3)->dry_run && !plan_of(1)->dry_run);
}
END_TEST

START_TEST(no_more_is_said_than_would_be_done)
{
	four_guests();
	for (size_t i = 0; i < 4; i++)
		given.dry_run[i] = true;
	given.host.deficit_kib = 15564 + 10000;
	(void)step();
	ck_assert_uint_eq(taken_of(3), 15564);
	ck_assert_uint_eq(taken_of(1), 10000);
	ck_assert_uint_eq(taken_of(2) + taken_of(0), 0);
	ck_assert_uint_eq(fx.plan.memory.deficit_kib, given.host.deficit_kib);
}
END_TEST

/* ---- looking closely ---------------------------------------------------------------------------
 */

static bool is_squeezing(void)
{
	ck_assert(fx.plan.memory.look_again_ns == (fx.plan.memory.squeezing ? KT_NS_PER_S : 0));
	return fx.plan.memory.squeezing;
}

START_TEST(a_squeezed_host_is_looked_at_each_second)
{
	by_reclaim();
	given.host.price = given.host.shortage = 0.6;
	(void)step();
	ck_assert(!is_squeezing());
	fx.in_force.guest[0].reclaiming = true;
	(void)step();
	ck_assert(is_squeezing());
	fx.in_force.guest[0].reclaiming = false;
	limit_in_force(0, G4);
	(void)step();
	ck_assert(is_squeezing());
	fx.sample[0].cgroup_v2 = false; /* a hint */
	(void)step();
	ck_assert(!is_squeezing());
	fx.sample[0].cgroup_v2 = given.dry_run[0] = true;
	(void)step();
	ck_assert(!is_squeezing());
}
END_TEST

START_TEST(a_step_is_watched_for_a_while)
{
	by_reclaim();
	(void)step();
	ck_assert(is_squeezing());
	given.host.shortage = 0.1;
	fx.view.now_ns += SECONDS(30) - 1;
	(void)step();
	ck_assert(is_squeezing());
	fx.view.now_ns++;
	(void)step();
	ck_assert(!is_squeezing());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("memory_policy");
	TCase *c = tcase_create("squeeze");

	tcase_add_checked_fixture(c, short_of_memory, NULL);
	tcase_add_loop_test(c, only_a_host_that_is_short_and_can_swap_is_squeezed, 0,
			    (int)KT_ARRAY_LEN(hosts));
	tcase_add_test(c, nobody_is_taken_from_unseen);
	tcase_add_test(c, a_calm_host_needs_no_look);
	tcase_add_test(c, a_squeeze_goes_on_until_a_little_more_is_found);
	tcase_add_loop_test(c, limits_are_for_where_reclaim_is_not_offered, 0,
			    (int)KT_ARRAY_LEN(backends));
	tcase_add_test(c, the_idlest_go_first_until_the_host_lacks_nothing);
	tcase_add_test(c, who_weighs_less_goes_first);
	tcase_add_test(c, who_has_nothing_to_give_is_passed_over);
	tcase_add_test(c, what_is_not_to_be_had_is_still_lacking);
	tcase_add_test(c, swap_without_room_for_all_bounds_all);
	tcase_add_test(c, what_is_on_its_way_need_not_be_found_again);
	tcase_add_test(c, a_limit_that_libvirt_was_asked_for_is_on_its_way);
	tcase_add_test(c, what_is_on_its_way_needs_swap_too);
	tcase_add_test(c, a_hint_takes_what_it_goes_down);
	tcase_add_test(c, a_host_that_lacks_hardly_anything_is_left_alone);
	tcase_add_test(c, each_guest_has_its_own_distance_between_steps);
	tcase_add_loop_test(c, the_shorter_memory_is_the_sooner_is_the_next_step, 0,
			    (int)KT_ARRAY_LEN(urgencies));
	tcase_add_test(c, a_mark_at_the_full_price_leaves_nothing_beyond);
	tcase_add_test(c, a_limit_in_force_is_wished_again);
	tcase_add_test(c, a_limit_below_the_floor_is_lifted);
	tcase_add_test(c, no_step_is_made_while_another_is_under_way);
	tcase_add_test(c, what_is_only_said_brings_nothing);
	tcase_add_test(c, no_more_is_said_than_would_be_done);
	tcase_add_test(c, a_squeezed_host_is_looked_at_each_second);
	tcase_add_test(c, a_step_is_watched_for_a_while);
	suite_add_tcase(s, c);
	return kt_run(s);
}
