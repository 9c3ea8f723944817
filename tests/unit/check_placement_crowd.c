/* SPDX-License-Identifier: GPL-2.0-or-later */
/* With more guests, of more cells, than one step plans for: is each placed in whole or left alone?
 */
#include "explain.h"
#include "placement_fixture.h"

/* So many guests, all of one description: of so many cells, with a vCPU each. */
static void crowd(size_t nguests, unsigned int ncells)
{
	fixture_guest(0.1);
	fx.domain[0].vcpus = ncells;
	fx.domain[0].ncells = ncells;
	for (unsigned int c = 0; c < ncells; c++) {
		fx.domain[0].cell[c].vcpus = cpus_of(c, c);
		fx.domain[0].cell[c].memory_kib = G(1);
	}
	for (size_t slot = 1; slot < nguests; slot++) {
		fx.view.guest[slot] = fx.view.guest[0];
		fx.view.guest[slot].incarnation = (uint32_t)slot + 1;
		fx.in_force.guest[slot].incarnation = (uint32_t)slot + 1;
	}
	fx.view.nslots = fx.view.npresent = nguests;
}

static const struct {
	unsigned int ncells;
	size_t nplaced;
} rows[] = {
	{ 2, KT_GUESTS_MAX },
	{ 3, PACK_ITEMS_MAX / 3 },
	{ KT_CELLS_MAX, PACK_ITEMS_MAX / KT_CELLS_MAX },
};

START_TEST(nobody_is_placed_by_half)
{
	crowd(KT_GUESTS_MAX, rows[_i].ncells);
	(void)step();
	for (size_t slot = 0; slot < KT_GUESTS_MAX; slot++) {
		const struct placement_plan *p = plan_of(slot);

		if (slot < rows[_i].nplaced)
			ck_assert_msg(p->why != WHY_NODE_CROWDED &&
					      (p->wish != WISH_SET || p->ncells == rows[_i].ncells),
				      "%zu: %s", slot, why_str(p->why));
		else
			ck_assert_msg(p->wish == WISH_HOLD && p->why == WHY_NODE_CROWDED, "%zu: %s",
				      slot, why_str(p->why));
	}
	ck_assert_int_eq(plan_of(0)->wish, WISH_SET);
}
END_TEST

static void many_nodes(void)
{
	for (unsigned int n = 2; n < KT_NODES_MAX; n++)
		fixture_node(n, 8 * n, 8, G(32), G(20));
	for (unsigned int a = 0; a < KT_NODES_MAX; a++)
		for (unsigned int b = a + 1; b < KT_NODES_MAX; b++)
			fixture_distance(a, b, a / 2 == b / 2 ? 12 : 21);
}

/* The last choice with memory and without would be one too many. */
START_TEST(nobody_has_more_choice_than_his_share)
{
	enum { SHARE = 16 };

	many_nodes();
	fixture_guest(1);
	fx.view.npresent = PACK_OPTIONS_MAX;
	(void)step();
	ck_assert_uint_eq(fx.state.placement.pack.item[0].noptions, SHARE - 1);
}
END_TEST

/* Where there are many nodes not even all choices of each guest are considered: none would be left
 * for the last ones. */
START_TEST(everybody_has_some_choice_however_many_nodes_there_are)
{
	many_nodes();
	crowd(KT_GUESTS_MAX, 1);
	(void)step();
	ck_assert_uint_eq(fx.state.placement.nunits, KT_GUESTS_MAX);
	for (size_t slot = 0; slot < KT_GUESTS_MAX; slot++) {
		const struct pack_item *item = &fx.state.placement.pack.item[slot];

		ck_assert_msg(plan_of(slot)->wish != WISH_HOLD, "%zu", slot);
		ck_assert_msg(item->noptions == fx.state.placement.pack.item[0].noptions &&
				      item->noptions > 32,
			      "%zu: %zu", slot, (size_t)item->noptions);
	}
}
END_TEST

/* One step does not look at all that such a crowd could do. */
START_TEST(newcomers_are_placed_at_once_however_many)
{
	four_nodes();
	crowd(KT_GUESTS_MAX, 1);
	(void)step();
	for (size_t slot = 0; slot < KT_GUESTS_MAX; slot++)
		ck_assert_msg(plan_of(slot)->wish == WISH_SET &&
				      nodemask_count(plan_of(slot)->nodes) == 1,
			      "%zu: %s, nodes %lx", slot, why_str(plan_of(slot)->why),
			      plan_of(slot)->nodes);
}
END_TEST

/* Each is at home, with memory elsewhere: that it belongs home is found for all at once. */
START_TEST(memory_is_to_come_home_of_however_many)
{
	four_nodes();
	crowd(KT_GUESTS_MAX, 1);
	fx.host.node[0].mem_free_kib = fx.host.node[0].mem_total_kib = G(40960);
	for (size_t slot = 0; slot < KT_GUESTS_MAX; slot++) {
		fixture_wants(slot, 0.4);
		fixture_pinned(slot, 0);
	}
	(void)step();
	for (size_t slot = 0; slot < KT_GUESTS_MAX; slot++)
		ck_assert_msg(fx.state.placement.unit[slot].brings, "%zu", slot);
}
END_TEST

static struct advice advise(void)
{
	static struct advise_scratch scratch;
	struct advice advice;

	placement_advise(&fx.state, &fx.conf.placement, &fx.view, &fx.in_force, 1, G(1), &scratch,
			 &advice);
	return advice;
}

/* Of guests of three cells two places are left, of guests of two none. */
START_TEST(one_more_is_advised_if_it_can_be_planned)
{
	crowd(KT_GUESTS_MAX, 2 + (unsigned int)_i);
	(void)step();
	ck_assert_int_eq(advise().nodes != 0, _i);
	ck_assert(_i || advise().why == WHY_NODE_CROWDED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_crowd");
	TCase *c = tcase_create("crowd");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, nobody_is_placed_by_half, 0, KT_ARRAY_LEN(rows));
	tcase_add_test(c, newcomers_are_placed_at_once_however_many);
	tcase_add_test(c, nobody_has_more_choice_than_his_share);
	tcase_add_test(c, everybody_has_some_choice_however_many_nodes_there_are);
	tcase_add_test(c, memory_is_to_come_home_of_however_many);
	tcase_add_loop_test(c, one_more_is_advised_if_it_can_be_planned, 0, 2);
	suite_add_tcase(s, c);
	return kt_run(s);
}
