/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose memory moves, when, and how fast? */
#include "placement_move_fixture.h"

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
	fixture_memory_on(0, G(4), 4 * MIB_KIB);
}

static void given_some_away(void)
{
	fixture_memory_on(0, G(4), 4 * MIB_KIB + 1);
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

/* Too little is free for all of it: the page cache does not count. */
static void given_no_room_at_home(void)
{
	fx.host.node[0].mem_free_kib = RESERVE_KIB + G(1);
	fx.host.node[0].file_kib = G(8);
}

static void given_just_room_at_home(void)
{
	given_no_room_at_home();
	fx.host.node[0].mem_free_kib++;
}

static void given_paused(void)
{
	fx.domain[0].running = false;
}

static void given_nothing_moves(void)
{
	fx.in_force.move.off = true;
}

/* On a node without CPUs, with numa_balancing in this mode. */
static void given_memory_without_cpus(unsigned int mode)
{
	fixture_node(2, 0, 0, G(64), G(20));
	fixture_memory_on(0, G(1), 0);
	fx.sample[0].node_memory_kib[2] = G(1);
	fx.host.has_numa_balancing = true;
	fx.host.numa_balancing = mode;
}

static void given_tier(void)
{
	given_memory_without_cpus(2);
}

static void given_tier_beside_balancing(void)
{
	given_memory_without_cpus(3);
}

static void given_no_tier(void)
{
	given_memory_without_cpus(1);
}

static void given_no_cpus_wanted(void)
{
	fixture_wants(0, 0);
}

/* Half of it is away: an eighth of a tenth of a CPU is lost, should its one vCPU wake up. */
static void given_idle_and_large(uint64_t half_kib)
{
	fixture_wants(0, 0);
	fx.domain[0].vcpus = 1;
	fx.domain[0].memory_kib = 2 * half_kib;
	fixture_memory_on(0, half_kib, half_kib);
}

/* 14 GiB cost 0.0117 CPUs for ten minutes. */
static void given_copy_that_pays(void)
{
	given_idle_and_large(G(14));
}

static void given_copy_too_dear(void)
{
	given_idle_and_large(G(15));
}

static const struct {
	const char *name;
	void (*given)(void);
	bool go;
} may[] = {
	{ "the copy pays, should it wake up", given_copy_that_pays, true },
	{ "the copy costs more than it brings", given_copy_too_dear, false },
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
	{ "a KiB too little is free at home", given_no_room_at_home, false },
	{ "enough is free", given_just_room_at_home, true },
	{ "paused: it waits for no memory", given_paused, false },
	{ "the kernel lets us move nothing", given_nothing_moves, false },
	{ "a tier, which the kernel moves itself", given_tier, false },
	{ "and balances the nodes with CPUs", given_tier_beside_balancing, false },
	{ "memory without CPUs, and no tiering", given_no_tier, true },
	{ "it wants little of its memory, and may wake up", given_no_cpus_wanted, true },
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
	ck_assert_uint_eq(fx.plan.move.leave_free_kib, RESERVE_KIB);
}
END_TEST

/* The budget comes to exactly 1 KiB a second: slow, but no pause. */
START_TEST(the_least_budget_is_one)
{
	(void)guest_away(0.4, G(1));
	fx.conf.placement.move_mib_per_s = 1;
	fx.view.psi_memory_full_pct = 5 * 1023 / 1024.0;
	moves("1 KiB/s", 0);
	fixture_forget();
	fx.view.psi_memory_full_pct = 4.9952;
	rests("less", WHY_MOVE_PRESSURE);
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

/* Seven tenths as far is about as far. */
START_TEST(of_one_guest_what_is_about_as_far_goes_together)
{
	four_nodes();
	(void)guest_away(0.4, G(1));
	fx.sample[0].node_memory_kib[2] = G(1);
	fixture_distance(0, 2, 20);
	fixture_distance(0, 1, 17);
	moves("both", 0);
	ck_assert_uint_eq(fx.plan.move.from, NODE(1) | NODE(2));
	fixture_forget();
	fixture_distance(0, 1, 16);
	moves("the farther one", 0);
	ck_assert_uint_eq(fx.plan.move.from, NODE(2));
	fx.sample[0].node_memory_kib[2] = 0; /* no more order to move nothing */
	moves("then the nearer one", 0);
	ck_assert_uint_eq(fx.plan.move.from, NODE(1));
}
END_TEST

START_TEST(of_guests_alike_the_first_is_first)
{
	for (int i = 0; i < 3; i++)
		(void)guest_away(0.4, G(1));
	moves("the first", 0);
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

/* What is too little to begin with is not too little to end with. */
START_TEST(what_has_begun_goes_on_to_the_last_page)
{
	(void)guest_away(0.4, G(1));
	moves("begins", 0);
	given_a_little_away();
	moves("too little to search for", 0);
	given_all_at_home();
	rests("none", WHY_NOTHING_TO_MOVE);
	given_a_little_away();
	rests("too little to begin", WHY_NOTHING_TO_MOVE);
}
END_TEST

/* An order that is given again begins anew. */
START_TEST(what_has_begun_pauses_and_goes_on)
{
	(void)guest_away(0.4, G(1));
	moves("begins", 0);
	fx.view.swap_out_per_s = 1;
	pauses("memory is swapped out");
	fx.view.swap_out_per_s = 0;
	given_waits();
	pauses("the guest waits for a CPU");
	given_hardly_waits();
	fx.view.steal_share = 0.0501;
	pauses("the host's CPUs are taken");
	fx.view.steal_share = 0;
	moves("goes on", 0);
	ck_assert_uint_eq(fx.plan.move.kib_per_s, 1024 * 1024);
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
	tcase_add_test(c, the_least_budget_is_one);
	tcase_add_test(c, the_guest_whose_next_gib_saves_most_is_first);
	tcase_add_test(c, far_memory_is_first);
	tcase_add_test(c, of_one_guest_what_is_about_as_far_goes_together);
	tcase_add_test(c, of_guests_alike_the_first_is_first);
	tcase_add_test(c, what_has_begun_is_interrupted_only_for_much_more);
	tcase_add_test(c, what_has_begun_goes_on_to_the_last_page);
	tcase_add_test(c, what_has_begun_pauses_and_goes_on);
	suite_add_tcase(s, c);
	return kt_run(s);
}
