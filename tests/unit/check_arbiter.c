/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the whole plan complete, is what must not be written dry, and is a guest disturbed
 * by one loop at a time only? */
#include "policy_fixture.h"

START_TEST(the_plan_names_every_guest)
{
	const struct guest_plan *g;

	fx.domain[0].soft_limit_kib = 12345;
	fixture_guest(1)->domain = NULL; /* an unused slot */
	fx.view.guest[1].present = false;
	fixture_guest(1);
	memset(&fx.plan, 0x01, sizeof fx.plan); /* of others, in all slots */
	g = fixture_step();
	ck_assert_uint_eq(fx.plan.now_ns, fx.view.now_ns);
	ck_assert_uint_eq(fx.plan.nslots, 3);
	ck_assert(g->present && !fx.plan.guest[1].present && fx.plan.guest[2].present);
	ck_assert(uuid_equal(&g->uuid, &fx.domain[0].uuid));
	ck_assert_str_eq(g->name, "guest");
	ck_assert_uint_eq(g->incarnation, 1);
	ck_assert_int_eq(g->pid, 1000);
	ck_assert_uint_eq(g->start_ticks, 7);
	ck_assert_uint_eq(g->nthreads, 6);
	ck_assert_ptr_eq(g->threads, fx.thread[0]);
	ck_assert_uint_eq(g->soft_limit_kib, 12345);
	ck_assert_int_eq(g->placement.why, WHY_HOME_BY_MEMORY);
	ck_assert_int_eq(g->memory.why, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_int_eq(fx.plan.ksm.why, WHY_BURST);
	ck_assert(!fx.plan.ksm.dry_run && !g->placement.dry_run && !g->memory.dry_run);
}
END_TEST

START_TEST(a_guest_that_cannot_be_read_has_a_plan_without_threads)
{
	const struct guest_plan *g;

	fx.view.guest[0].present = false;
	fx.view.guest[0].sample = NULL;
	g = fixture_step();
	ck_assert(g->present && g->pid == 0 && g->nthreads == 0 && !g->threads);
	ck_assert_int_eq(g->placement.why, WHY_NOT_SAMPLED);
	ck_assert_int_eq(g->memory.why, WHY_NOT_SAMPLED);
	ck_assert_int_eq(fx.plan.ksm.why, WHY_NO_MERGEABLE_GUEST);
}
END_TEST

/* A reload that switches to observe leaves pins, and what was set for them. */
START_TEST(balancing_stays_off_while_pins_are_only_observed)
{
	fx.conf.placement.numa_balancing = BALANCING_OFF;
	fx.conf.mode = DAEMON_OBSERVE;
	fx.in_force.guest[0].pinned = true;
	fx.in_force.balancing.ours = true;
	ck_assert(fixture_step()->placement.dry_run);
	ck_assert_int_eq(fx.plan.numa_balancing, KSM_SWITCH_OFF);
	fx.in_force.balancing.ours = false; /* and writes nothing */
	(void)fixture_step();
	ck_assert_int_eq(fx.plan.numa_balancing, KSM_SWITCH_KEEP);
	fx.in_force.balancing.ours = true;
	fx.in_force.guest[0].pinned = false;
	(void)fixture_step();
	ck_assert_int_eq(fx.plan.numa_balancing, KSM_SWITCH_KEEP);
}
END_TEST

/* A daemon that was restarted finds its value, and no guest yet. */
START_TEST(balancing_stays_off_until_all_guests_are_known)
{
	fx.conf.placement.numa_balancing = BALANCING_OFF;
	fx.in_force.balancing.ours = true;
	fx.view.guests_known = false;
	fx.view.nslots = 0;
	(void)fixture_step();
	ck_assert_int_eq(fx.plan.numa_balancing, KSM_SWITCH_OFF);
	fx.view.guests_known = true;
	(void)fixture_step();
	ck_assert_int_eq(fx.plan.numa_balancing, KSM_SWITCH_KEEP);
	fx.view.guests_known = false;
	fx.in_force.balancing.ours = false;
	(void)fixture_step();
	ck_assert_int_eq(fx.plan.numa_balancing, KSM_SWITCH_KEEP);
}
END_TEST

/* ---- off, observe, active ---------------------------------------------------------------- */

static const struct {
	const char *name;
	enum daemon_mode daemon;
	enum loop_mode loop;
	enum guest_switch guest;
	bool dry, loop_off, guest_off;
} modes[] = {
	{ "active", DAEMON_ACTIVE, LOOP_ACTIVE, GUEST_SWITCH_DEFAULT, false, false, false },
	{ "active, guest on", DAEMON_ACTIVE, LOOP_ACTIVE, GUEST_SWITCH_ON, false, false, false },
	{ "active, guest observed", DAEMON_ACTIVE, LOOP_ACTIVE, GUEST_SWITCH_OBSERVE, true, false,
	  false },
	{ "active, guest off", DAEMON_ACTIVE, LOOP_ACTIVE, GUEST_SWITCH_OFF, false, false, true },
	{ "loop observes", DAEMON_ACTIVE, LOOP_OBSERVE, GUEST_SWITCH_DEFAULT, true, false, false },
	{ "loop observes, guest on", DAEMON_ACTIVE, LOOP_OBSERVE, GUEST_SWITCH_ON, true, false,
	  false },
	{ "loop off", DAEMON_ACTIVE, LOOP_OFF, GUEST_SWITCH_DEFAULT, false, true, true },
	{ "loop off, guest on", DAEMON_ACTIVE, LOOP_OFF, GUEST_SWITCH_ON, false, true, true },
	{ "daemon observes", DAEMON_OBSERVE, LOOP_ACTIVE, GUEST_SWITCH_DEFAULT, true, false,
	  false },
	{ "daemon observes, guest on", DAEMON_OBSERVE, LOOP_ACTIVE, GUEST_SWITCH_ON, true, false,
	  false },
	{ "daemon observes, loop off", DAEMON_OBSERVE, LOOP_OFF, GUEST_SWITCH_DEFAULT, true, true,
	  true },
};

START_TEST(the_more_cautious_word_wins)
{
	const struct guest_plan *g;
	bool guest_dry = modes[_i].dry,
	     ksm_dry = modes[_i].dry && modes[_i].guest != GUEST_SWITCH_OBSERVE;

	fx.conf.mode = modes[_i].daemon;
	fx.conf.ksm.mode = fx.conf.placement.mode = fx.conf.memory.mode = modes[_i].loop;
	fx.domain[0].wish.placement = fx.domain[0].wish.memory = modes[_i].guest;
	fx.in_force.guest[0].pinned = modes[_i].guest_off; /* else the pin is what is wished */
	g = fixture_step();
	ck_assert_msg(g->placement.dry_run == guest_dry, "%s: placement", modes[_i].name);
	ck_assert_msg(g->memory.dry_run == guest_dry, "%s: memory", modes[_i].name);
	ck_assert_msg(fx.plan.ksm.dry_run == ksm_dry, "%s: ksm", modes[_i].name);
	ck_assert_msg((fx.plan.ksm.why == WHY_SWITCHED_OFF) == modes[_i].loop_off, "%s: ksm off",
		      modes[_i].name);
	ck_assert_msg((g->placement.why == WHY_SWITCHED_OFF) == modes[_i].guest_off,
		      "%s: placement off", modes[_i].name);
	ck_assert_msg((g->memory.why == WHY_SWITCHED_OFF) == modes[_i].guest_off, "%s: memory off",
		      modes[_i].name);
	ck_assert_msg((g->placement.wish == WISH_RELEASE) == modes[_i].guest_off,
		      "%s: placement released", modes[_i].name);
}
END_TEST

START_TEST(the_loops_have_modes_of_their_own)
{
	const struct guest_plan *g;

	fx.conf.placement.mode = LOOP_OBSERVE;
	g = fixture_step();
	ck_assert(g->placement.dry_run && !g->memory.dry_run && !fx.plan.ksm.dry_run);
	fx.conf.placement.mode = LOOP_ACTIVE;
	fx.conf.memory.mode = LOOP_OBSERVE;
	g = fixture_step();
	ck_assert(!g->placement.dry_run && g->memory.dry_run && !fx.plan.ksm.dry_run);
	fx.conf.memory.mode = LOOP_ACTIVE;
	fx.conf.ksm.mode = LOOP_OBSERVE;
	fx.domain[0].wish.placement = GUEST_SWITCH_OBSERVE;
	g = fixture_step();
	ck_assert(g->placement.dry_run && !g->memory.dry_run && fx.plan.ksm.dry_run);
	fx.domain[0].wish.placement = GUEST_SWITCH_DEFAULT;
	fx.domain[0].wish.memory = GUEST_SWITCH_OBSERVE;
	g = fixture_step();
	ck_assert(!g->placement.dry_run && g->memory.dry_run);
}
END_TEST

/* ---- one disturbance at a time --------------------------------------------------------------- */

static void by_first_pin(void)
{
	fx.in_force.guest[0].pinned = false;
}

static void by_first_pin_observed(void)
{
	fx.in_force.guest[0].pinned = false;
	fx.domain[0].wish.placement = GUEST_SWITCH_OBSERVE;
}

static void by_move(void)
{
	fixture_memory_on(0, 0, 2 * GIB_KIB);
}

static void by_new_home(void)
{
	by_move();
	fx.conf.placement.memory = MEMORY_LEAVE;
	fx.view.guest[0].demand = (struct demand){ 4, 4, 0, 100 };
}

static void by_release(void)
{
	fx.domain[0].wish.placement = GUEST_SWITCH_OFF;
}

static void by_no_pin_to_release(void)
{
	by_release();
	fx.in_force.guest[0].pinned = false;
}

static void by_recent_pin(void)
{
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - SECONDS(15) + 1;
}

static void by_older_pin(void)
{
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - SECONDS(15);
}

static void by_pin_of_an_earlier_guest(void)
{
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns;
	fx.in_force.guest[0].incarnation = 77;
	fx.domain[0].wish.placement = GUEST_SWITCH_OFF;
}

static void by_hold(void)
{
	fx.in_force.guest[0].pin_off = true;
}

static void by_recent_pin_and_suffering(void)
{
	by_recent_pin();
	fx.view.guest[0].psi_memory_pct = 2;
}

static void by_move_on_a_calm_host(void)
{
	by_move();
	fx.view.available_kib = 60 * GIB_KIB;
}

static const struct {
	const char *name;
	void (*given)(void);
	enum wish wish;
	enum why why;
} disturbances[] = {
	{ "at home for long", by_nothing, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "pinned now", by_first_pin, WISH_HOLD, WHY_COOLING_DOWN },
	{ "only observed: nothing happens to its pin", by_first_pin_observed, WISH_SET,
	  WHY_IDLEST_UNDER_PRESSURE },
	{ "its memory moves now", by_move, WISH_HOLD, WHY_COOLING_DOWN },
	{ "its home changes now", by_new_home, WISH_HOLD, WHY_COOLING_DOWN },
	{ "released now", by_release, WISH_HOLD, WHY_COOLING_DOWN },
	{ "nothing to release", by_no_pin_to_release, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "held", by_hold, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "pinned just within the cool-down", by_recent_pin, WISH_HOLD, WHY_COOLING_DOWN },
	{ "pinned just before the cool-down", by_older_pin, WISH_SET, WHY_IDLEST_UNDER_PRESSURE },
	{ "an earlier guest was pinned", by_pin_of_an_earlier_guest, WISH_SET,
	  WHY_IDLEST_UNDER_PRESSURE },
	{ "a release is never held back", by_recent_pin_and_suffering, WISH_RELEASE,
	  WHY_GUEST_SUFFERS },
	{ "nor on a calm host", by_move_on_a_calm_host, WISH_RELEASE, WHY_HOST_CALM },
};

START_TEST(a_guest_whose_pin_changes_is_not_squeezed)
{
	const struct guest_plan *g;

	disturbances[_i].given();
	g = fixture_step();
	ck_assert_msg(g->memory.why == disturbances[_i].why, "%s: %s", disturbances[_i].name,
		      why_str(g->memory.why));
	ck_assert_msg(g->memory.wish == disturbances[_i].wish, "%s: wish %d", disturbances[_i].name,
		      g->memory.wish);
}
END_TEST

START_TEST(a_settling_guest_does_not_make_the_others_wait)
{
	by_recent_pin();
	fixture_guest(0.2);
	fixture_pinned(1, 0);
	fixture_memory_on(1, 2 * GIB_KIB, 0);
	(void)fixture_step();
	ck_assert_int_eq(fx.plan.guest[0].memory.why, WHY_COOLING_DOWN);
	ck_assert_int_eq(fx.plan.guest[1].memory.why, WHY_IDLEST_UNDER_PRESSURE);
}
END_TEST

/* Invariant: a plan is a function of what was sensed, and nothing else. */
START_TEST(the_same_input_gives_the_same_plan)
{
	static struct arbiter before;
	static struct plan first;

	for (size_t i = 1; i < 12; i++) {
		fixture_guest((double)i / 4);
		fixture_memory_on(i, i * GIB_KIB / 8, GIB_KIB);
	}
	before = fx.state;
	(void)fixture_step();
	first = fx.plan;
	fx.state = before;
	memset(&fx.plan, 0, sizeof fx.plan);
	(void)fixture_step();
	for (size_t i = 0; i < first.nslots; i++) {
		const struct guest_plan *a = &first.guest[i], *b = &fx.plan.guest[i];

		ck_assert_uint_eq(a->placement.nodes, b->placement.nodes);
		ck_assert(cpumask_equal(&a->placement.cell[0].cpus, &b->placement.cell[0].cpus));
		ck_assert_int_eq(a->placement.why, b->placement.why);
		ck_assert_int_eq(a->memory.why, b->memory.why);
		ck_assert_uint_eq(a->memory.target_kib, b->memory.target_kib);
	}
	ck_assert_uint_eq(first.ksm.pages_to_scan, fx.plan.ksm.pages_to_scan);
}
END_TEST

/* What forbids to act says how to have it otherwise; where nobody can, and where all is as it
 * should be, there is nothing to say. */
START_TEST(what_stands_in_the_way_says_how_to_change_it)
{
	static const enum why silent[] = {
		WHY_NONE,     WHY_MERGED,    WHY_CONFIDENTIAL,    WHY_SINGLE_NODE_HOST,
		WHY_REALTIME, WHY_MOVE_PAYS, WHY_NOTHING_TO_MOVE, WHY_NEEDS_NO_LIMIT
	};
	size_t nsilent = 0;

	for (int i = 0; i < _WHY_MAX; i++) {
		const char *change = why_change((enum why)i);

		for (const char *c = change; *c; c++)
			ck_assert_msg(*c >= ' ' && *c <= '~', "%s", change);
		ck_assert_str_ne(change, why_sentence((enum why)i));
		ck_assert_msg(!*change || strlen(change) > 10, "%s", change);
		nsilent += !*change;
	}
	for (size_t i = 0; i < KT_ARRAY_LEN(silent); i++)
		ck_assert_str_eq(why_change(silent[i]), "");
	ck_assert_uint_eq(nsilent, KT_ARRAY_LEN(silent));
	ck_assert_str_eq(why_change((enum why)_WHY_MAX), "");
}
END_TEST

START_TEST(every_reason_has_a_word_of_its_own)
{
	for (int i = 0; i < _WHY_MAX; i++) {
		const char *word = why_str((enum why)i);

		ck_assert_msg(word[0] &&
				      strspn(word, "abcdefghijklmnopqrstuvwxyz-") == strlen(word),
			      "%s", word);
		ck_assert_msg(strlen(why_sentence((enum why)i)) > 10, "%s", word);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(word, why_str((enum why)j));
	}
	ck_assert_str_eq(why_str((enum why)_WHY_MAX), "none");
	ck_assert_str_eq(why_str((enum why) - 1), "none");
	ck_assert_str_eq(why_sentence((enum why)_WHY_MAX), why_sentence(WHY_NONE));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("arbiter");
	TCase *c = tcase_create("plan");

	tcase_add_checked_fixture(c, fixture_idle_guest_at_home, NULL);
	tcase_add_test(c, the_plan_names_every_guest);
	tcase_add_test(c, a_guest_that_cannot_be_read_has_a_plan_without_threads);
	tcase_add_loop_test(c, the_more_cautious_word_wins, 0, (int)KT_ARRAY_LEN(modes));
	tcase_add_test(c, the_loops_have_modes_of_their_own);
	tcase_add_loop_test(c, a_guest_whose_pin_changes_is_not_squeezed, 0,
			    (int)KT_ARRAY_LEN(disturbances));
	tcase_add_test(c, a_settling_guest_does_not_make_the_others_wait);
	tcase_add_test(c, balancing_stays_off_while_pins_are_only_observed);
	tcase_add_test(c, balancing_stays_off_until_all_guests_are_known);
	tcase_add_test(c, the_same_input_gives_the_same_plan);
	tcase_add_test(c, what_stands_in_the_way_says_how_to_change_it);
	tcase_add_test(c, every_reason_has_a_word_of_its_own);
	suite_add_tcase(s, c);
	return kt_run(s);
}
