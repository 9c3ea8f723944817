/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest has come, and nobody has looked at the others: where does it go, and who is left
 * alone? */
#include "placement_fixture.h"

/* Four guests at home, two on each node, after a step that has looked at all of them. */
static void setup(void)
{
	fixture_reset();
	for (size_t slot = 0; slot < 4; slot++) {
		fixture_guest(1);
		fixture_pinned(slot, (int)(slot % 2));
		fixture_memory_on(slot, slot % 2 ? 0 : G(4), slot % 2 ? G(4) : 0);
	}
	(void)fixture_step();
	for (size_t slot = 0; slot < 4; slot++)
		ck_assert_int_eq(plan_of(slot)->wish, WISH_SET);
}

static void look_away(void)
{
	for (size_t slot = 0; slot < fx.view.nslots; slot++)
		fx.sample[slot].look = GUEST_LOOK_NONE;
	fx.view.nunseen = fx.view.nslots;
	fixture_later(1);
}

/* Its process has just been made: it has no memory yet, and no history. */
static struct guest_view *newcomer(void)
{
	struct guest_view *g = fixture_guest(0);
	size_t slot = fx.view.nslots - 1;

	fixture_memory_on(slot, 0, 0);
	fx.sample[slot].start_ticks = fx.view.now_ns / (KT_NS_PER_S / 100);
	g->first_seen_ns = fx.view.now_ns;
	g->demand = (struct demand){ 0 };
	fixture_wants(slot, 4);
	return g;
}

/* Only a step that looks at it can say so. */
static void make_busy(void)
{
	fx.domain[0].busy = true;
}

static bool is_replanned(void)
{
	return plan_of(0)->why == WHY_GUEST_BUSY;
}

START_TEST(the_others_stay_and_the_new_one_is_placed)
{
	struct placement_plan before[4];

	for (size_t slot = 0; slot < 4; slot++)
		before[slot] = *plan_of(slot);
	look_away();
	make_busy();
	(void)newcomer();
	(void)fixture_step();
	for (size_t slot = 0; slot < 4; slot++) {
		const struct guest_plan *p = &fx.plan.guest[slot];

		ck_assert_mem_eq(&before[slot], &p->placement, sizeof before[slot]);
		ck_assert(p->present && p->incarnation == slot + 1 && p->nthreads > 0);
	}
	ck_assert(plan_of(4)->wish == WISH_SET && nodemask_count(plan_of(4)->nodes) == 1);
	ck_assert(!cpumask_empty(&plan_of(4)->cell[0].cpus));
}
END_TEST

START_TEST(the_new_one_is_load_as_all_are)
{
	const struct pack *p = &fx.state.placement.pack;
	double items = 0, bins = 0;

	look_away();
	(void)newcomer();
	(void)fixture_step();
	ck_assert_uint_eq(p->nitems, 5);
	for (size_t i = 0; i < p->nitems; i++)
		items += p->item[i].cpus;
	for (size_t b = 0; b < p->nbins; b++)
		bins += p->bin[b].cpus;
	ck_assert_double_eq_tol(items, bins, 1e-9);
}
END_TEST

START_TEST(those_who_come_one_after_the_other_know_of_each_other)
{
	uint64_t nodes[2];

	make_busy();
	for (size_t i = 0; i < 2; i++) {
		look_away();
		(void)newcomer();
		(void)fixture_step();
		ck_assert(!i || plan_of(4)->nodes == nodes[0]);
		ck_assert_int_eq(plan_of(4 + i)->wish, WISH_SET);
		nodes[i] = plan_of(4 + i)->nodes;
		carry_out(4 + i);
		ck_assert(!is_replanned());
	}
	ck_assert_uint_ne(nodes[0], nodes[1]);
}
END_TEST

START_TEST(who_may_not_be_placed_is_not)
{
	struct placement_plan before = *plan_of(0);

	look_away();
	newcomer();
	fx.domain[4].admin_pins = true;
	(void)fixture_step();
	ck_assert_mem_eq(&before, plan_of(0), sizeof before);
	expect("admin's", plan_of(4), -1, WISH_RELEASE, WHY_PINNED_BY_ADMIN);
}
END_TEST

/* Slot 4: its memory moves home. */
static void a_move_is_under_way(void)
{
	fixture_guest(1);
	fixture_pinned(4, 0);
	fixture_memory_on(4, G(1), G(1));
	(void)fixture_step();
	ck_assert(fx.plan.move.go && fx.plan.move.slot == 4);
	look_away();
	(void)newcomer();
}

START_TEST(a_move_goes_on_and_is_looked_after)
{
	a_move_is_under_way();
	fx.plan.look_again_ns = 0;
	(void)fixture_step();
	ck_assert(fx.plan.move.go && fx.plan.move.slot == 4);
	ck_assert_int_eq(fx.plan.move.why, WHY_MOVE_PAYS);
	ck_assert_uint_eq(fx.plan.look_again_ns, KT_NS_PER_S);
}
END_TEST

START_TEST(pressure_stops_a_move_at_once)
{
	a_move_is_under_way();
	fx.view.psi_memory_full_pct = 10;
	(void)fixture_step();
	ck_assert_int_eq(fx.plan.move.why, WHY_MOVE_PRESSURE);
	ck_assert_uint_eq(fx.plan.move.kib_per_s, 256);
}
END_TEST

START_TEST(the_next_look_weighs_all)
{
	look_away();
	make_busy();
	(void)newcomer();
	(void)fixture_step();
	carry_out(4);
	ck_assert(!is_replanned());
	for (size_t slot = 0; slot < 5; slot++)
		fx.sample[slot].look = GUEST_LOOK_FULL;
	fx.view.nunseen = 0;
	fixture_later(5);
	(void)fixture_step();
	ck_assert(is_replanned());
	ck_assert_int_eq(plan_of(4)->wish, WISH_SET);
}
END_TEST

START_TEST(a_pack_of_caches_does_not_stand)
{
	fx.conf.placement.pin = PIN_CACHE;
	(void)fixture_step();
	fx.conf.placement.pin = PIN_NODE;
	look_away();
	make_busy();
	(void)newcomer();
	(void)fixture_step();
	ck_assert(is_replanned());
}
END_TEST

/* ---- when all is weighed anew ------------------------------------------------------------ */

static void nothing(void)
{
}

static void one_has_gone(void)
{
	fx.view.guest[3] = (struct guest_view){ 0 };
	fx.view.nunseen--;
}

static void one_is_another(void)
{
	fx.view.guest[3].incarnation = 77;
}

static void one_is_looked_at(void)
{
	fx.sample[3].look = GUEST_LOOK_FULL;
	fx.view.nunseen--;
}

static void it_has_cells(void)
{
	fx.domain[4].ncells = 2;
}

static void it_has_no_process(void)
{
	fx.view.guest[4].present = false;
}

static void caches_are_chosen(void)
{
	fx.conf.placement.pin = PIN_CACHE;
}

static void there_was_no_step(void)
{
	fixture_forget();
}

static void there_is_no_plan(void)
{
	memset(&fx.plan, 0, sizeof fx.plan);
}

static void all_are_looked_at(void)
{
	for (size_t slot = 0; slot < 4; slot++)
		fx.sample[slot].look = GUEST_LOOK_FULL;
	fx.view.nunseen = 0;
}

static void a_node_has_gone(void)
{
	fx.host.node[1].present = false;
}

static void a_cpu_has_come(void)
{
	cpumask_set(&fx.topology.usable, 64);
}

static const struct {
	const char *name;
	void (*happens)(void);
	bool replans;
} cases[] = {
	{ "only a new guest", nothing, false },
	{ "one has gone", one_has_gone, true },
	{ "one was started again", one_is_another, true },
	{ "one was looked at", one_is_looked_at, true },
	{ "the new one has cells", it_has_cells, true },
	{ "the new one has no process", it_has_no_process, true },
	{ "pins are narrower than nodes", caches_are_chosen, true },
	{ "the first step", there_was_no_step, true },
	{ "another plan", there_is_no_plan, true },
	{ "all were looked at", all_are_looked_at, true },
	{ "a node has gone", a_node_has_gone, true },
	{ "a CPU has come", a_cpu_has_come, true },
};

START_TEST(whatever_else_has_changed_all_is_weighed_anew)
{
	look_away();
	make_busy();
	(void)newcomer();
	cases[_i].happens();
	(void)fixture_step();
	ck_assert_msg(is_replanned() == cases[_i].replans, "%s", cases[_i].name);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_new");
	TCase *c = tcase_create("new");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, the_others_stay_and_the_new_one_is_placed);
	tcase_add_test(c, the_new_one_is_load_as_all_are);
	tcase_add_test(c, a_pack_of_caches_does_not_stand);
	tcase_add_test(c, those_who_come_one_after_the_other_know_of_each_other);
	tcase_add_test(c, who_may_not_be_placed_is_not);
	tcase_add_test(c, a_move_goes_on_and_is_looked_after);
	tcase_add_test(c, pressure_stops_a_move_at_once);
	tcase_add_test(c, the_next_look_weighs_all);
	tcase_add_loop_test(c, whatever_else_has_changed_all_is_weighed_anew, 0,
			    KT_ARRAY_LEN(cases));
	suite_add_tcase(s, c);
	return kt_run(s);
}
