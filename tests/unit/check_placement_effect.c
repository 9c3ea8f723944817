/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a change undone that did not help, and nothing else? */
#include "placement_effect_fixture.h"

static const struct {
	const char *name;
	double before, wants_cpus, share; /* that was waited for before, and is now */
	double crowd_cpus;                /* of others, where it goes: wanted by the model */
	double busy_cpus;                 /* of the eight where it goes */
	bool undone;
} effects[] = {
	{ "nobody waits", 0, 4, 0, 0, 0, false },
	{ "a twentieth of what it wants", 0, 4, 0.05, 0, 0, false },
	{ "more than a twentieth", 0, 4, 0.0501, 0, 0, true },
	{ "just what it waited before and a twentieth", 0.3, 4, 0.3499, 0, 0, false },
	{ "more than what it waited before and a twentieth", 0.3, 4, 0.3501, 0, 0, true },
	{ "less than before, and still much", 0.6, 4, 0.5, 0, 0, false },
	{ "idle enough to prove nothing", 0, 0.0499, 1, 0, 0, false },
	{ "what is waited for is less than a tenth of a CPU", 0, 0.0999, 1, 0, 0, false },
	{ "just a tenth", 0, 0.1, 1, 0, 0, true },
	/* 8 CPUs for 4 and the others' 6: a fifth has to wait */
	{ "the load there explains it", 0, 4, 0.24, 6, 0, false },
	{ "the load there explains a part of it", 0, 4, 0.26, 6, 0, true },
	{ "three quarters of the CPUs there are busy", 0, 4, 0.5, 0, 6, true },
	{ "more than that: any wait is explained", 0, 4, 0.5, 0, 6.01, false },
};

START_TEST(a_change_that_did_not_help_is_undone)
{
	guest_that_leaves();
	fx.view.guest[0].steal_share.value = effects[_i].before;
	fx.view.node_busy_cpus[0] = effects[_i].crowd_cpus > 0 ? 30 : 0; /* no way out */
	change();
	if (effects[_i].crowd_cpus > 0) { /* came later */
		fixture_guest(effects[_i].crowd_cpus);
		fx.domain[1].vcpus = 8;
		fixture_threads(1, 8);
		fixture_pinned(1, 1);
		fixture_memory_on(1, 0, G(4));
	}
	fx.view.node_busy_cpus[1] = effects[_i].busy_cpus;
	fixture_waits(effects[_i].wants_cpus, effects[_i].share);
	watch(2);
	ck_assert_msg(plan_of(0)->nodes == NODE(1), "%s: too early", effects[_i].name);
	watch(1);
	ck_assert_msg(plan_of(0)->wish == WISH_SET &&
			      plan_of(0)->nodes == (effects[_i].undone ? NODE(0) : NODE(1)),
		      "%s: nodes %lx (%s)", effects[_i].name, plan_of(0)->nodes,
		      why_str(plan_of(0)->why));
	ck_assert_msg((plan_of(0)->why == WHY_ROLLED_BACK) == effects[_i].undone, "%s: %s",
		      effects[_i].name, why_str(plan_of(0)->why));
}
END_TEST

/* It runs on both nodes; the third has memory only, and no load. */
START_TEST(who_runs_everywhere_waits_for_the_load_of_any_node)
{
	fixture_node(2, 16, 0, G(32), G(20));
	for (size_t i = 0; i < 3; i++) {
		fixture_guest(i == 0 ? 8 : 4);
		fx.domain[i].vcpus = 8;
		fixture_threads(i, 8);
		fixture_pinned(i, i == 2);
		fx.domain[i].has_memory_nodes = i > 0; /* the others stay where they are */
		fx.domain[i].memory_nodes = fx.in_force.guest[i].nodes;
	}
	(void)step();
	expect("between the others", plan_of(0), -1, WISH_RELEASE, WHY_SPREAD);
	carry_out(0);
	fixture_wants(2, 6); /* 8 CPUs for ten: a fifth has to wait */
	fixture_waits(8, 0.15);
	watch(3);
	ck_assert_uint_eq(fx.state.placement.njudged, 1);
	ck_assert_uint_eq(fx.state.placement.nfailed, 0);
}
END_TEST

START_TEST(a_guest_that_was_put_back_stays_there_for_minutes)
{
	guest_that_leaves();
	change();
	fixture_waits(4, 0.5);
	watch(3);
	ck_assert_int_eq(plan_of(0)->why, WHY_ROLLED_BACK);
	carry_out(0);
	fixture_waits(4, 0);
	/* It backs off, and the node is blamed: either alone would be forgotten by now. */
	for (unsigned int looks = 0; looks < 75; looks++) {
		watch(1);
		expect("in spite of its memory", plan_of(0), 0, WISH_SET, WHY_HOME_KEPT);
	}
	watch(20);
	expect("its memory is there still", plan_of(0), 1, WISH_SET, WHY_HOME_BY_MEMORY);
	ck_assert_uint_eq(fx.state.placement.nfailed, 1);
}
END_TEST

/* Another guest, which would gain as much there; the first is back. */
static void another_one_leaves(void)
{
	guest_that_leaves();
	change();
	fixture_waits(4, 0.5);
	watch(3);
	ck_assert_int_eq(plan_of(0)->why, WHY_ROLLED_BACK);
	carry_out(0);
	fixture_waits(4, 0);
	fixture_guest(4);
	fixture_pinned(1, 0);
	fixture_memory_on(1, 0, G(4));
}

START_TEST(a_node_that_did_not_help_is_blamed_for_a_while)
{
	another_one_leaves();
	watch(1);
	expect("at once", plan_of(1), 0, WISH_SET, WHY_HOME_KEPT);
	watch(29);
	expect("after five minutes", plan_of(1), 0, WISH_SET, WHY_HOME_KEPT);
	watch(10);
	expect("a CPU's blame is half a CPU's", plan_of(1), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(who_is_there_already_is_not_held_to_it)
{
	another_one_leaves();
	fixture_pinned(1, 1);
	watch(1);
	expect("stays", plan_of(1), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(blame_is_forgiven)
{
	another_one_leaves();
	placement_policy_forgive(&fx.state.placement);
	watch(1);
	expect("goes", plan_of(1), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(a_guest_that_was_pinned_from_everywhere_is_released_again)
{
	fixture_guest(4);
	fixture_memory_on(0, 0, G(4));
	fx.conf.placement.memory = MEMORY_LEAVE;
	change();
	fixture_waits(4, 0.5);
	watch(3);
	expect("as it was", plan_of(0), -1, WISH_RELEASE, WHY_ROLLED_BACK);
}
END_TEST

START_TEST(what_it_left_must_hold_it_still)
{
	guest_that_leaves();
	change();
	fixture_waits(4, 0.5);
	watch(2);
	fx.domain[0].vcpus = 8;
	fx.topology.node[0].cpus = cpus_of(0, 6);
	watch(1);
	expect("a CPU went off line there", plan_of(0), 1, WISH_SET, WHY_HOME_BY_MEMORY);
	ck_assert_uint_eq(fx.state.placement.nfailed, 1);
}
END_TEST

START_TEST(cells_go_back_each_to_its_own)
{
	fixture_guest(12);
	fx.domain[0].vcpus = 12;
	fx.domain[0].ncells = 2;
	for (unsigned int c = 0; c < 2; c++) {
		fx.domain[0].cell[c].vcpus = cpus_of(c * 6, c * 6 + 5);
		fx.domain[0].cell[c].memory_kib = G(4);
	}
	fixture_wants(0, 12);
	fixture_memory_on(0, G(2), G(2));
	fixture_pinned(0, 0);
	fx.in_force.guest[0].ncells = 2;
	fx.in_force.guest[0].cell_nodes[0] = fx.in_force.guest[0].cell_nodes[1] = NODE(0);
	(void)step();
	ck_assert_uint_eq(plan_of(0)->nodes, NODE(0) | NODE(1));
	carry_out(0);
	fixture_waits(12, 0.5);
	watch(3);
	expect("both", plan_of(0), 0, WISH_SET, WHY_ROLLED_BACK);
	ck_assert_uint_eq(plan_of(0)->cell[0].nodes, NODE(0));
	ck_assert_uint_eq(plan_of(0)->cell[1].nodes, NODE(0));
}
END_TEST

/* ---- when predictions fail ------------------------------------------------------------------ */

static const struct {
	const char *name;
	unsigned int njudged, nfailed; /* before */
	bool fails, observes;
	unsigned int njudged_then, nfailed_then;
} counts[] = {
	{ "the first, which helped", 0, 0, false, false, 1, 0 },
	{ "the third failure", 2, 2, true, false, 3, 3 },
	{ "the fourth failure", 3, 3, true, true, 4, 4 },
	{ "the fourth failure, of seven", 6, 3, true, true, 7, 4 },
	{ "the fourth failure, of eight", 7, 3, true, false, 8, 4 },
	{ "a success after three failures", 3, 3, false, false, 4, 3 },
	{ "of sixteen the older half is forgotten", 16, 6, false, false, 9, 3 },
	{ "and not of fifteen", 15, 6, false, false, 16, 6 },
	{ "eight failures of sixteen weigh as four of eight", 16, 8, true, true, 9, 5 },
};

START_TEST(predictions_that_fail_too_often_are_not_believed)
{
	struct placement_policy *state = &fx.state.placement;

	guest_that_leaves();
	change();
	state->njudged = counts[_i].njudged;
	state->nfailed = counts[_i].nfailed;
	fixture_waits(4, counts[_i].fails ? 0.5 : 0);
	watch(3);
	ck_assert_msg(state->njudged == counts[_i].njudged_then &&
			      state->nfailed == counts[_i].nfailed_then,
		      "%s: %u of %u", counts[_i].name, state->nfailed, state->njudged);
	watch(1); /* first a failed change is undone */
	ck_assert_msg((plan_of(0)->why == WHY_PREDICTIONS_FAIL) == counts[_i].observes, "%s: %s",
		      counts[_i].name, why_str(plan_of(0)->why));
}
END_TEST

START_TEST(who_only_watches_leaves_all_as_it_is_until_it_is_forgiven)
{
	guest_that_leaves();
	fixture_guest(1);
	fx.domain[1].admin_pins = true;
	fx.state.placement.observes = true;
	for (int i = 0; i < 3; i++) {
		watch(1);
		expect("placed", plan_of(0), -1, WISH_HOLD, WHY_PREDICTIONS_FAIL);
		ck_assert(fx.plan.placement_observes);
		expect("other reasons stay", plan_of(1), -1, WISH_RELEASE, WHY_PINNED_BY_ADMIN);
	}
	fx.state.placement.njudged = fx.state.placement.nfailed = 7;
	placement_policy_forgive(&fx.state.placement);
	ck_assert_uint_eq(fx.state.placement.njudged, 0);
	ck_assert_uint_eq(fx.state.placement.nfailed, 0);
	watch(1);
	expect("forgiven", plan_of(0), 1, WISH_SET, WHY_HOME_BY_MEMORY);
	ck_assert(!fx.plan.placement_observes);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_effect");
	TCase *c = tcase_create("effect");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_loop_test(c, a_change_that_did_not_help_is_undone, 0, (int)KT_ARRAY_LEN(effects));
	tcase_add_test(c, who_runs_everywhere_waits_for_the_load_of_any_node);
	tcase_add_test(c, a_guest_that_was_put_back_stays_there_for_minutes);
	tcase_add_test(c, a_node_that_did_not_help_is_blamed_for_a_while);
	tcase_add_test(c, who_is_there_already_is_not_held_to_it);
	tcase_add_test(c, blame_is_forgiven);
	tcase_add_test(c, a_guest_that_was_pinned_from_everywhere_is_released_again);
	tcase_add_test(c, what_it_left_must_hold_it_still);
	tcase_add_test(c, cells_go_back_each_to_its_own);
	tcase_add_loop_test(c, predictions_that_fail_too_often_are_not_believed, 0,
			    (int)KT_ARRAY_LEN(counts));
	tcase_add_test(c, who_only_watches_leaves_all_as_it_is_until_it_is_forgiven);
	suite_add_tcase(s, c);
	return kt_run(s);
}
