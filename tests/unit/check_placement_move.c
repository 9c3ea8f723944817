/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose memory moves, when, and how fast? */
#include "placement_fixture.h"

#define NODE(n) (UINT64_C(1) << (n))

/* At home on node 0, its memory on node 1; it would not leave for that. */
static size_t guest_away(double cpus, uint64_t away_kib)
{
	size_t slot = fx.view.nslots;

	fixture_guest(cpus);
	fixture_pinned(slot, 0);
	fixture_memory_on(slot, G(1), away_kib);
	return slot;
}

static const struct move_plan *step_move(void)
{
	(void)step();
	return &fx.plan.move;
}

static void moves(const char *name, size_t slot)
{
	const struct move_plan *m = step_move();

	ck_assert_msg(m->go && m->slot == slot && m->why == WHY_MOVE_PAYS, "%s: slot %zu (%s)",
		      name, m->slot, why_str(m->why));
}

static void rests(const char *name, enum why why)
{
	const struct move_plan *m = step_move();

	ck_assert_msg(!m->go && m->why == why, "%s: slot %zu (%s)", name, m->slot, why_str(m->why));
}

static void given_nothing(void)
{
}

static void given_not_pinned_yet(void)
{
	fx.in_force.guest[0].pinned = false;
}

static void given_pinned_elsewhere(void)
{
	fixture_pinned(0, 1);
	fixture_memory_on(0, G(4), 0);
	fx.view.node_busy_cpus[0] = 0;
	fx.view.node_busy_cpus[1] = 10; /* its home becomes node 0 */
}

static void given_pin_of_an_earlier_guest(void)
{
	fx.in_force.guest[0].incarnation = 77;
}

static void given_all_at_home(void)
{
	fixture_memory_on(0, G(4), 0);
}

static void given_a_little_away(void)
{
	fixture_memory_on(0, G(4), 16 * MIB_KIB);
}

static void given_some_away(void)
{
	fixture_memory_on(0, G(4), 128 * MIB_KIB);
}

static void given_waits(void)
{
	fx.view.guest[0].steal_share.value = 0.0501;
}

static void given_hardly_waits(void)
{
	fx.view.guest[0].steal_share.value = 0.05;
}

static void given_move_failed(void)
{
	fx.in_force.guest[0].move_failed = true;
}

static void given_hugepages(void)
{
	fx.domain[0].hugepages = true;
}

static void given_locked(void)
{
	fx.domain[0].locked = true;
}

static void given_vfio(void)
{
	fx.domain[0].vfio = true;
}

static void given_confidential(void)
{
	fx.domain[0].confidential = true;
}

static void given_shared(void)
{
	fx.domain[0].shared_memory = true;
}

static void given_leave(void)
{
	fx.conf.placement.memory = MEMORY_LEAVE;
}

static void given_cpu(void)
{
	fx.domain[0].wish.placement = GUEST_SWITCH_CPU;
}

static void given_full(void)
{
	fx.domain[0].wish.placement = GUEST_SWITCH_FULL;
}

static void given_leave_but_full(void)
{
	given_leave();
	given_full();
}

static void given_vfio_and_full(void)
{
	given_vfio();
	given_full();
}

static void given_no_room_at_home(void)
{
	fx.host.node[0].mem_free_kib = 256 * MIB_KIB;
}

static void given_no_cpus_wanted(void)
{
	fixture_wants(0, 0);
}

static const struct {
	const char *name;
	void (*given)(void);
	bool go;
} may[] = {
	{ "nothing in the way", given_nothing, true },
	{ "vCPUs first, memory later", given_not_pinned_yet, false },
	{ "its vCPUs are still elsewhere", given_pinned_elsewhere, false },
	{ "an earlier guest was at home here", given_pin_of_an_earlier_guest, false },
	{ "all of it is at home", given_all_at_home, false },
	{ "too little to search for", given_a_little_away, false },
	{ "enough to search for", given_some_away, true },
	{ "more than a twentieth of what it wants is waiting", given_waits, false },
	{ "a twentieth is", given_hardly_waits, true },
	{ "its memory has refused to move", given_move_failed, false },
	{ "hugepages", given_hugepages, false },
	{ "locked", given_locked, false },
	{ "a device", given_vfio, false },
	{ "encrypted", given_confidential, false },
	{ "shared with other processes", given_shared, false },
	{ "configuration leaves memory", given_leave, false },
	{ "metadata leaves memory", given_cpu, false },
	{ "metadata moves memory", given_full, true },
	{ "metadata moves it against the configuration", given_leave_but_full, true },
	{ "metadata moves no device's memory", given_vfio_and_full, false },
	{ "no room for it", given_no_room_at_home, false },
	{ "it wants nothing of its memory", given_no_cpus_wanted, false },
};

START_TEST(memory_moves_when_it_may)
{
	(void)guest_away(0.4, G(1));
	may[_i].given();
	if (may[_i].go)
		moves(may[_i].name, 0);
	else
		rests(may[_i].name, WHY_NOTHING_TO_MOVE);
	ck_assert_uint_eq(fx.plan.look_again_ns != 0, may[_i].go);
}
END_TEST

/* ---- how fast ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	double steal, psi_pct;
	bool go;
	uint64_t kib_per_s;
} paces[] = {
	{ "calm", 0, 0, true, 200 * 1024 },
	{ "half way to a stop", 0, 2.5, true, 100 * 1024 },
	{ "just before the stop", 0, 4.5, true, 20 * 1024 },
	{ "somebody waits for memory all the time", 0, 100, false, 0 },
	{ "a twentieth of the time", 0, 5, false, 0 },
	{ "a twentieth of the host's CPUs is taken", 0.05, 0, true, 200 * 1024 },
	{ "more than that", 0.0501, 0, false, 0 },
};

START_TEST(the_budget_shrinks_as_memory_gets_short)
{
	(void)guest_away(0.4, G(1));
	fx.conf.placement.move_mib_per_s = 200;
	fx.view.steal_share = paces[_i].steal;
	fx.view.psi_memory_full_pct = paces[_i].psi_pct;
	if (!paces[_i].go) {
		rests(paces[_i].name, WHY_MOVE_PRESSURE);
		ck_assert(!fx.state.placement.is_moving);
		return;
	}
	moves(paces[_i].name, 0);
	ck_assert_msg(fx.plan.move.kib_per_s + 1 >= paces[_i].kib_per_s &&
			      fx.plan.move.kib_per_s <= paces[_i].kib_per_s,
		      "%s: %lu KiB/s", paces[_i].name, fx.plan.move.kib_per_s);
	ck_assert_uint_eq(fx.plan.move.leave_free_kib, 256 * MIB_KIB);
}
END_TEST

/* ---- who ---------------------------------------------------------------------------------------
 */

START_TEST(the_guest_whose_next_gib_saves_most_is_first)
{
	(void)guest_away(0.4, G(1));
	(void)guest_away(0.6, G(1));
	(void)guest_away(0.7, G(5));
	moves("most CPUs for a GiB", 1);
	fixture_forget();
	fixture_memory_on(2, 64 * MIB_KIB, G(1));
	moves("less memory, more CPUs", 2);
}
END_TEST

START_TEST(far_memory_is_first)
{
	four_nodes();
	for (size_t i = 0; i < 2; i++) {
		(void)guest_away(0.4, 0);
		fx.sample[i].node_memory_kib[i + 1] = G(1);
	}
	moves("a node away", 1);
}
END_TEST

START_TEST(what_has_begun_is_interrupted_only_for_much_more)
{
	(void)guest_away(0.4, G(1));
	(void)guest_away(0.3, G(1));
	moves("the first", 0);
	fixture_wants(1, 0.79);
	moves("less than twice as much", 0);
	fixture_wants(1, 0.81);
	moves("more than twice as much", 1);
	moves("and that is not interrupted either", 1);
}
END_TEST

/* ---- what the mover answers ------------------------------------------------------------------ */

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
	fixture_memory_on(0, G(1), G(2));
	moves("but much more", 0);
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

int main(void)
{
	Suite *s = suite_create("placement_move");
	TCase *c = tcase_create("move");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_loop_test(c, memory_moves_when_it_may, 0, (int)KT_ARRAY_LEN(may));
	tcase_add_loop_test(c, the_budget_shrinks_as_memory_gets_short, 0,
			    (int)KT_ARRAY_LEN(paces));
	tcase_add_test(c, the_guest_whose_next_gib_saves_most_is_first);
	tcase_add_test(c, far_memory_is_first);
	tcase_add_test(c, what_has_begun_is_interrupted_only_for_much_more);
	tcase_add_test(c, what_did_not_move_is_not_tried_again);
	tcase_add_test(c, what_did_not_move_to_one_home_may_move_to_another);
	tcase_add_test(c, an_answer_about_another_guest_ends_nothing);
	tcase_add_test(c, a_full_home_is_asked_again_after_half_a_minute);
	suite_add_tcase(s, c);
	return kt_run(s);
}
