/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is made of the answer that a move got: done, or no room? */
#include "placement_move_fixture.h"

START_TEST(what_did_not_move_is_not_tried_again)
{
	(void)guest_away(0.4, G(1));
	moves("the first time", 0);
	fx.in_force.move = (struct move_in_force){ .slot = 0, .done = true };
	rests("all is done, and memory is left", WHY_NOTHING_TO_MOVE);
	fx.in_force.move = (struct move_in_force){ .slot = 0 };
	rests("nor later", WHY_NOTHING_TO_MOVE);
	ck_assert(!fx.state.placement.unit[0].brings);
	fixture_memory_on(0, G(1), G(1) + 100 * MIB_KIB);
	rests("nor a little more", WHY_NOTHING_TO_MOVE);
	fixture_memory_on(0, G(1), G(1) + G(1) / 8 + 4 * MIB_KIB);
	rests("nor an eighth and what is too little to begin with", WHY_NOTHING_TO_MOVE);
	fixture_memory_on(0, G(1), G(1) + G(1) / 8 + 4 * MIB_KIB + 1);
	moves("but more than that", 0);
}
END_TEST

START_TEST(what_did_not_move_to_one_home_may_move_to_another)
{
	four_nodes();
	(void)guest_away(0.4, G(1));
	(void)step();
	fx.in_force.move = (struct move_in_force){ .slot = 0, .done = true };
	rests("stuck", WHY_NOTHING_TO_MOVE);
	fx.in_force.move = (struct move_in_force){ .slot = 0 };
	fixture_pinned(0, 2);
	fx.in_force.guest[0].pin_changed_ns = SECONDS(9000);
	moves("to another node", 0);
}
END_TEST

/* ... nor because other memory has moved since. */
START_TEST(what_did_not_move_is_not_tried_again_with_the_rest)
{
	four_nodes();
	(void)guest_away(0.4, 0);
	fx.sample[0].node_memory_kib[2] = G(1);
	moves("what is far", 0);
	fx.in_force.move = (struct move_in_force){ .slot = 0, .done = true };
	rests("it did not move", WHY_NOTHING_TO_MOVE);
	fx.in_force.move = (struct move_in_force){ .slot = 0 };
	fixture_memory_on(0, G(1), G(1));
	moves("what is near", 0);
	ck_assert_uint_eq(fx.plan.move.from, NODE(1));
	fixture_memory_on(0, G(2), 0);
	fx.in_force.move = (struct move_in_force){ .slot = 0, .done = true };
	rests("it did", WHY_NOTHING_TO_MOVE);
	fx.in_force.move = (struct move_in_force){ .slot = 0 };
	rests("and what did not is known", WHY_NOTHING_TO_MOVE);
}
END_TEST

START_TEST(an_answer_about_another_guest_ends_nothing)
{
	(void)guest_away(0.4, G(1));
	(void)guest_away(0.1, G(1));
	moves("the first", 0);
	fx.in_force.move = (struct move_in_force){ .slot = 1, .done = true };
	moves("the other is done", 0);
	fx.in_force.move = (struct move_in_force){ .slot = 1, .full = true };
	moves("the other found no room", 0);
}
END_TEST

START_TEST(a_full_home_is_asked_again_after_half_a_minute)
{
	(void)guest_away(0.4, G(1));
	(void)guest_away(0.1, G(1));
	moves("the first", 0);
	fx.in_force.move = (struct move_in_force){ .slot = 0, .full = true };
	moves("the next", 1);
	fx.in_force.move = (struct move_in_force){ .slot = 1, .active = true };
	fx.view.now_ns += SECONDS(30) - 1;
	moves("just before", 1);
	fx.view.now_ns += 1;
	moves("half a minute later", 0);
}
END_TEST

/* It is tried, which takes two steps, and nothing is free there. */
static void try_in_vain(const char *name)
{
	moves(name, 0);
	fx.in_force.move = (struct move_in_force){ .slot = 0, .active = true };
	moves(name, 0);
	fx.in_force.move = (struct move_in_force){ .slot = 0, .full = true };
	rests(name, WHY_NOTHING_TO_MOVE);
}

START_TEST(a_home_that_is_full_again_is_asked_half_as_often)
{
	static const unsigned int seconds[] = { 30, 60, 120, 240, 480, 960, 1920, 1920 };

	(void)guest_away(0.4, G(1));
	for (size_t i = 0; i < KT_ARRAY_LEN(seconds); i++) {
		try_in_vain("full");
		fx.view.now_ns += SECONDS(seconds[i]) - 1;
		rests("just before", WHY_NOTHING_TO_MOVE);
		fx.view.now_ns += 1;
	}
	moves("at last", 0);
	fx.in_force.move = (struct move_in_force){ .slot = 0, .done = true };
	rests("done", WHY_NOTHING_TO_MOVE);
	fixture_memory_on(0, G(1), G(3));
	try_in_vain("full once more");
	fx.view.now_ns += SECONDS(30);
	moves("counted anew", 0);
}
END_TEST

START_TEST(another_home_is_not_full)
{
	four_nodes();
	(void)guest_away(0.4, G(1));
	try_in_vain("full");
	fixture_pinned(0, 2);
	moves("to another node", 0);
}
END_TEST

/* Of two vCPUs each. */
static void given_two_cells(uint64_t first_nodes, uint64_t second_nodes)
{
	fx.domain[0].ncells = 2;
	for (unsigned int c = 0; c < 2; c++) {
		fx.domain[0].cell[c].vcpus = cpus_of(2 * c, 2 * c + 1);
		fx.domain[0].cell[c].memory_kib = G(4);
	}
	fx.in_force.guest[0].cell_nodes[0] = first_nodes;
	fx.in_force.guest[0].cell_nodes[1] = second_nodes;
	fx.in_force.guest[0].nodes = first_nodes | second_nodes;
	fx.in_force.guest[0].ncells = 2;
}

/* Memory of the one may be where the other is at home, which no counter tells: the search does not
 * wait until it pays. */
START_TEST(cells_are_searched_once_for_each_home)
{
	(void)guest_away(0.01, G(1));
	fx.conf.placement.horizon_s = 1;
	fx.in_force.guest[0].pin_changed_ns = SECONDS(1);
	given_two_cells(NODE(0), NODE(1));
	moves("both nodes have memory of theirs", 0);
	for (size_t i = 0; i < 2; i++)
		ck_assert(!fx.state.placement.unit[i].brings);
	fx.in_force.move = (struct move_in_force){ .slot = 0, .done = true };
	rests("searched", WHY_NOTHING_TO_MOVE);
	fx.in_force.move = (struct move_in_force){ .slot = 0 };
	rests("nor later", WHY_NOTHING_TO_MOVE);
	fx.in_force.guest[0].pin_changed_ns = SECONDS(9000);
	moves("at another home", 0);
}
END_TEST

/* The search for what lies wrong does not wait until it pays, but for room. */
START_TEST(cells_are_not_searched_while_nothing_can_move)
{
	(void)guest_away(0.01, G(1));
	given_two_cells(NODE(0), NODE(0));
	fx.in_force.move.off = true;
	rests("the kernel lets us move nothing", WHY_NOTHING_TO_MOVE);
	fx.in_force.move.off = false;
	try_in_vain("full");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_answer");
	TCase *c = tcase_create("answer");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_test(c, what_did_not_move_is_not_tried_again);
	tcase_add_test(c, what_did_not_move_to_one_home_may_move_to_another);
	tcase_add_test(c, what_did_not_move_is_not_tried_again_with_the_rest);
	tcase_add_test(c, an_answer_about_another_guest_ends_nothing);
	tcase_add_test(c, a_full_home_is_asked_again_after_half_a_minute);
	tcase_add_test(c, a_home_that_is_full_again_is_asked_half_as_often);
	tcase_add_test(c, another_home_is_not_full);
	tcase_add_test(c, cells_are_searched_once_for_each_home);
	tcase_add_test(c, cells_are_not_searched_while_nothing_can_move);
	suite_add_tcase(s, c);
	return kt_run(s);
}
