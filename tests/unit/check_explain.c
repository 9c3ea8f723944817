/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what is explained what was decided, with all that was asked and until when it is so? */
#include "explain.h"
#include "policy_fixture.h"
#include "rule.h"

static struct explanation e;

static enum why placement(void)
{
	(void)fixture_step();
	explain_placement(&fx.state, &fx.conf, &fx.view, &fx.in_force, 0, &e);
	return explanation_reason(&e);
}

static enum why memory(void)
{
	(void)fixture_step();
	explain_memory(&fx.state, &fx.conf, &fx.view, &fx.in_force, &fx.plan, 0, &e);
	return explanation_reason(&e);
}

static enum why ksm(void)
{
	(void)fixture_step();
	explain_ksm(&fx.state, &fx.conf, &fx.view, &fx.in_force, &e);
	return explanation_reason(&e);
}

static enum why ksm_of_guest(void)
{
	(void)fixture_step();
	explain_ksm_of_guest(&fx.view, 0, &e);
	return explanation_reason(&e);
}

/* The first of this word; NULL: it was not asked. */
static const struct rule_answer *answer(enum why why)
{
	for (size_t i = 0; i < e.nrules; i++)
		if (e.rule[i].why == why)
			return &e.rule[i];
	return NULL;
}

static bool forbids(enum why why)
{
	const struct rule_answer *a = answer(why);

	return a && a->forbids;
}

static bool passes(enum why why)
{
	const struct rule_answer *a = answer(why);

	return a && a->known && !a->forbids;
}

static bool is_unknown(enum why why)
{
	const struct rule_answer *a = answer(why);

	return a && !a->known && !a->forbids;
}

/* ---- all is said ------------------------------------------------------------------------ */

START_TEST(where_nothing_forbids_all_rules_pass)
{
	ck_assert_int_eq(memory(), WHY_NONE); /* although it has just been squeezed */
	ck_assert_int_eq(fx.plan.guest[0].memory.why, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert(passes(WHY_HOST_CALM) && passes(WHY_AT_FLOOR) && passes(WHY_NOT_IDLEST));
	ck_assert_int_eq(placement(), WHY_NONE);
	ck_assert(passes(WHY_SINGLE_NODE_HOST) && passes(WHY_PAUSED) && passes(WHY_NODE_CROWDED));
	ck_assert(passes(WHY_NOT_MEASURED) && passes(WHY_PREDICTIONS_FAIL));
	ck_assert_int_eq(ksm(), WHY_NONE);
	ck_assert(passes(WHY_NO_KSM) && passes(WHY_MEMORY_PLENTIFUL) && passes(WHY_CONVERGED));
	ck_assert_uint_eq(e.until_ns, 0);
}
END_TEST

START_TEST(what_comes_after_the_reason_is_said_too)
{
	by_operator_pause();
	by_realtime();
	ck_assert_int_eq(placement(), WHY_PAUSED);
	ck_assert(forbids(WHY_REALTIME) && passes(WHY_NUMAD_RUNNING));
	ck_assert(is_unknown(WHY_NODE_CROWDED));
	ck_assert_int_eq(memory(), WHY_PAUSED);
	ck_assert(forbids(WHY_REALTIME) && passes(WHY_NO_CGROUP));
	ck_assert(passes(
		WHY_AT_FLOOR)); /* no limit of it is below; whether a step would be is unknown */
	ck_assert(is_unknown(WHY_NOT_IDLEST));
}
END_TEST

START_TEST(a_guest_that_is_not_sampled_is_asked_what_can_be_asked)
{
	fx.view.guest[0].present = false;
	fx.view.guest[0].sample = NULL;
	fx.domain[0].vfio = true;
	ck_assert_int_eq(placement(), WHY_NOT_SAMPLED);
	ck_assert(is_unknown(WHY_PINNED_BY_ADMIN) && is_unknown(WHY_NO_CPUS));
	ck_assert(passes(WHY_GUEST_BUSY));
	ck_assert_int_eq(memory(), WHY_NOT_SAMPLED);
	ck_assert(is_unknown(WHY_NO_CGROUP) && is_unknown(WHY_GUEST_ACTIVE));
	ck_assert(forbids(WHY_UNRECLAIMABLE));
	ck_assert_int_eq(ksm_of_guest(), WHY_NOT_SAMPLED);
	ck_assert(forbids(WHY_DEVICE_MEMORY) && is_unknown(WHY_NOTHING_ALIKE));
}
END_TEST

START_TEST(an_empty_slot_has_no_rules)
{
	(void)fixture_step();
	fx.view.guest[0].domain = NULL;
	explain_placement(&fx.state, &fx.conf, &fx.view, &fx.in_force, 0, &e);
	ck_assert_uint_eq(e.nrules, 0);
	explain_memory(&fx.state, &fx.conf, &fx.view, &fx.in_force, &fx.plan, 1, &e);
	ck_assert_uint_eq(e.nrules, 0);
	explain_ksm_of_guest(&fx.view, KT_GUESTS_MAX, &e);
	ck_assert_uint_eq(e.nrules, 0);
}
END_TEST

/* Behind the last one may be what was there before. */
START_TEST(a_slot_behind_the_last_has_no_rules)
{
	(void)fixture_step();
	ck_assert_ptr_nonnull(fx.view.guest[0].domain);
	fx.view.nslots = 0;
	explain_placement(&fx.state, &fx.conf, &fx.view, &fx.in_force, 0, &e);
	ck_assert_uint_eq(e.nrules, 0);
	explain_memory(&fx.state, &fx.conf, &fx.view, &fx.in_force, &fx.plan, 0, &e);
	ck_assert_uint_eq(e.nrules, 0);
	explain_ksm_of_guest(&fx.view, 0, &e);
	ck_assert_uint_eq(e.nrules, 0);
}
END_TEST

/* A guest that came back to the slot is not judged by the one before it, nor forgotten. */
START_TEST(asking_changes_nothing)
{
	static struct arbiter before;

	fx.state.memory.guest[0] = (struct memory_guest_state){ .incarnation = 77,
								.suffered_ns = fx.view.now_ns,
								.backoff_s = 600 };
	before = fx.state;
	explain_memory(&fx.state, &fx.conf, &fx.view, &fx.in_force, &fx.plan, 0, &e);
	ck_assert(passes(WHY_GUEST_SUFFERS));
	ck_assert(!memcmp(&before.memory, &fx.state.memory, sizeof before.memory));
}
END_TEST

/* As where there are too many guests for all to be options of. */
START_TEST(a_guest_that_the_search_left_out_is_crowded_out)
{
	(void)fixture_step();
	fx.state.placement.nunits = 0;
	explain_placement(&fx.state, &fx.conf, &fx.view, &fx.in_force, 0, &e);
	ck_assert_int_eq(explanation_reason(&e), WHY_NODE_CROWDED);
	ck_assert_int_eq(e.rule[e.nrules - 1].why, WHY_COOLING_DOWN); /* by the search, that is */
	ck_assert(!e.rule[e.nrules - 1].known);
}
END_TEST

/* ---- the host ------------------------------------------------------------------------------ */

static void expect_host(enum why placement, enum why memory)
{
	(void)fixture_step();
	explain_placement_of_host(&fx.state, &fx.conf, &fx.view, &e);
	ck_assert_str_eq(why_str(explanation_reason(&e)), why_str(placement));
	ck_assert(!answer(WHY_GUEST_BUSY) && !answer(WHY_RELEASED));
	explain_memory_of_host(&fx.state, &fx.conf, &fx.view, &fx.plan, &e);
	ck_assert_str_eq(why_str(explanation_reason(&e)), why_str(memory));
	ck_assert(!answer(WHY_GUEST_BUSY) && !answer(WHY_RELEASED));
}

START_TEST(of_the_host_only_what_is_its_own_is_said)
{
	fx.domain[0].wish.placement = fx.domain[0].wish.memory = GUEST_SWITCH_OFF;
	by_operator_pause();
	expect_host(WHY_NONE, WHY_NONE);
	fx.host.numad_runs = true;
	fx.view.available_kib = 60 * GIB_KIB;
	expect_host(WHY_NUMAD_RUNNING, WHY_HOST_CALM);
	fx.host.swap_total_kib = 0;
	fx.state.placement.observes = true;
	fx.host.numad_runs = false;
	expect_host(WHY_PREDICTIONS_FAIL, WHY_NO_SWAP);
	by_paused_loops();
	expect_host(WHY_PAUSED, WHY_PAUSED);
	fx.conf.placement.mode = fx.conf.memory.mode = LOOP_OFF;
	expect_host(WHY_SWITCHED_OFF, WHY_SWITCHED_OFF);
}
END_TEST

/* ---- until when ---------------------------------------------------------------------------- */

static void by_release_a_moment_ago(void)
{
	fx.in_force.guest[0].pinned = false;
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - SECONDS(5);
}

static void by_a_home_that_does_no_more(void)
{
	fixture_memory_on(0, 0, 2 * GIB_KIB);
	fx.conf.placement.memory = MEMORY_LEAVE;
	fx.view.guest[0].demand = (struct demand){ 4, 4, 0, 100 };
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - SECONDS(5);
}

static void by_the_same_that_was_only_said(void)
{
	by_a_home_that_does_no_more();
	fx.in_force.guest[0].pin_changed_ns = SECONDS(1);
	fx.conf.placement.mode = LOOP_OBSERVE;
	fx.state.placement.guest[0].incarnation = 1;
	fx.state.placement.guest[0].pretended[0] = nodemask_of(0);
	fx.state.placement.guest[0].pretended_ns = fx.view.now_ns - SECONDS(5);
}

static void by_release_and_pause(void)
{
	by_release_a_moment_ago();
	by_operator_pause();
}

static void by_recent_pin(void)
{
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns - SECONDS(5);
}

static void by_youth(void)
{
	fx.view.guest[0].first_seen_ns = fx.view.now_ns - SECONDS(50);
}

static void by_few_samples(void)
{
	fx.view.guest[0].nsamples = 2;
}

static void by_harm(bool nothing_cold)
{
	fx.state.memory.guest[0] =
		(struct memory_guest_state){ .incarnation = 1,
					     .suffered_ns = fx.view.now_ns - SECONDS(5),
					     .backoff_s = 15,
					     .nothing_cold = nothing_cold };
}

static void by_suffering(void)
{
	by_harm(false);
}

static void by_nothing_cold(void)
{
	by_harm(true);
}

static void by_step(void)
{
	fx.conf.memory.step_interval_s = 15;
	fx.conf.memory.squeeze_price = 100; /* no hurry */
	fx.state.memory.pressed = true;
	fx.host.mem_available_kib = fx.view.available_kib = 0;
	fx.state.memory.guest[0].incarnation = 1;
	fx.state.memory.guest[0].stepped_ns = fx.view.now_ns - SECONDS(5);
}

static void by_step_under_way(void)
{
	by_step();
	fx.in_force.guest[0].limit_pending = true;
}

static const struct {
	const char *name;
	enum why (*ask)(void);
	void (*given)(void);
	enum why why;
	unsigned int seconds; /* from now */
} ends[] = {
	{ "a release", placement, by_release_a_moment_ago, WHY_COOLING_DOWN, 10 },
	{ "a pin that is to change again", placement, by_a_home_that_does_no_more, WHY_COOLING_DOWN,
	  10 },
	{ "a pin that was only said", placement, by_the_same_that_was_only_said, WHY_COOLING_DOWN,
	  10 },
	{ "not the reason", placement, by_release_and_pause, WHY_PAUSED, 0 },
	{ "a pin that changed", memory, by_recent_pin, WHY_COOLING_DOWN, 10 },
	{ "young", memory, by_youth, WHY_GUEST_YOUNG, 10 },
	{ "hardly sampled", memory, by_few_samples, WHY_GUEST_YOUNG, 0 },
	{ "suffered", memory, by_suffering, WHY_GUEST_SUFFERS, 10 },
	{ "nothing cold", memory, by_nothing_cold, WHY_NOTHING_COLD, 10 },
	{ "a step", memory, by_step, WHY_COOLING_DOWN, 10 },
	{ "a step that is not done", memory, by_step_under_way, WHY_COOLING_DOWN, 0 },
};

START_TEST(what_ends_by_itself_says_when)
{
	uint64_t until_ns = ends[_i].seconds ? fx.view.now_ns + SECONDS(ends[_i].seconds) : 0;
	enum why why;

	fx.conf.placement.cooldown_s = 15;
	ends[_i].given();
	why = ends[_i].ask();
	ck_assert_msg(why == ends[_i].why, "%s: %s", ends[_i].name, why_str(why));
	ck_assert_msg(e.until_ns == until_ns, "%s: in %f s", ends[_i].name,
		      ((double)e.until_ns - (double)fx.view.now_ns) / 1e9);
}
END_TEST

/* ---- KSM ------------------------------------------------------------------------------------ */

START_TEST(ksm_says_when_new_guests_are_looked_at)
{
	fx.view.guest[0].awake_ns = fx.view.now_ns - SECONDS(3);
	fx.conf.ksm.settle_s = 10;
	ck_assert_int_eq(ksm(), WHY_SETTLING);
	ck_assert_uint_eq(e.until_ns, fx.view.now_ns + SECONDS(7));
}
END_TEST

static void converged(void)
{
	fx.state.ksm.name = KSM_POLICY_AUTO;
	fx.state.ksm.automatic = (struct ksm_auto){ .phase = KSM_TRICKLES,
						    .needed = true,
						    .served_ns = fx.view.now_ns,
						    .burst_end_ns = fx.view.now_ns,
						    .swept_ns = fx.view.now_ns,
						    .seen_kib = 8 * GIB_KIB,
						    .price_seen = 1 };
	fx.conf.ksm.sweep_min_s = 100000;
	fx.conf.ksm.sweep_max_s = 200000;
}

START_TEST(ksm_says_when_time_asks_for_a_sweep)
{
	converged();
	ck_assert_int_eq(ksm(), WHY_CONVERGED);
	ck_assert_uint_eq(e.until_ns, 0); /* this kernel leaves nothing to it */
	fx.host.ksm.has_smart_scan = true;
	fx.host.ksm.smart_scan = 1;
	ck_assert_int_eq(ksm(), WHY_CONVERGED);
	ck_assert_uint_eq(e.until_ns, fx.view.now_ns + SECONDS(100000));
}
END_TEST

START_TEST(ksm_says_why_it_rests)
{
	fx.conf.ksm.merge = KSM_MERGE_NEVER;
	ck_assert_int_eq(ksm(), WHY_MERGE_NEVER);
	ck_assert(passes(WHY_MEMORY_PLENTIFUL));
	fx.host.ksm.present = false;
	ck_assert_int_eq(ksm(), WHY_NO_KSM);
	ck_assert(is_unknown(WHY_MERGE_NEVER));
}
END_TEST

START_TEST(the_law_says_why_it_rests)
{
	fx.conf.ksm.policy = KSM_POLICY_KSMTUNED;
	ck_assert_int_eq(ksm(), WHY_MEMORY_PLENTIFUL);
	fx.conf.ksm.policy = KSM_POLICY_OFF;
	ck_assert_int_eq(ksm(), WHY_SWITCHED_OFF);
	ck_assert(!answer(WHY_MEMORY_PLENTIFUL));
}
END_TEST

START_TEST(what_keeps_ksm_from_a_guest_is_its_verdict)
{
	fx.sample[0].has_ksm = true;
	fx.view.ksm_passes = 10;
	fx.sample[0].ksm_rmap_pages = fx.sample[0].anon_kib;
	ck_assert_int_eq(ksm_of_guest(), WHY_NOTHING_ALIKE);
	ck_assert(passes(WHY_NOT_SCANNED) && passes(WHY_HUGEPAGES));
	fx.domain[0].hugepages = fx.domain[0].locked = true;
	ck_assert_int_eq(ksm_of_guest(), WHY_HUGEPAGES);
	ck_assert(forbids(WHY_LOCKED) && is_unknown(WHY_NOTHING_ALIKE));
}
END_TEST

START_TEST(more_rules_than_there_is_room_for_change_nothing)
{
	struct rule_answer last = { .why = WHY_CEDED, .known = true, .forbids = true };

	memset(&e, 0, sizeof e);
	for (size_t i = 0; i < EXPLAIN_RULES_MAX; i++)
		explanation_add(&e, (struct rule_answer){ .why = WHY_PAUSED, .known = true }, 5);
	explanation_add(&e, last, 7);
	ck_assert_uint_eq(e.nrules, EXPLAIN_RULES_MAX);
	ck_assert(explanation_reason(&e) == WHY_NONE && !answer(WHY_CEDED) && e.until_ns == 0);
	e.nrules--; /* there is room for one */
	explanation_add(&e, last, 7);
	ck_assert(explanation_reason(&e) == WHY_CEDED && e.until_ns == 7);
}
END_TEST

START_TEST(wishes_have_words)
{
	ck_assert_str_eq(wish_str(WISH_SET), "set");
	ck_assert_str_eq(wish_str(WISH_RELEASE), "release");
	ck_assert_str_eq(wish_str(WISH_HOLD), "hold");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("explain");
	TCase *c = tcase_create("rules");

	tcase_add_checked_fixture(c, fixture_idle_guest_at_home, NULL);
	tcase_add_test(c, where_nothing_forbids_all_rules_pass);
	tcase_add_test(c, what_comes_after_the_reason_is_said_too);
	tcase_add_test(c, a_guest_that_is_not_sampled_is_asked_what_can_be_asked);
	tcase_add_test(c, an_empty_slot_has_no_rules);
	tcase_add_test(c, a_slot_behind_the_last_has_no_rules);
	tcase_add_test(c, asking_changes_nothing);
	tcase_add_test(c, a_guest_that_the_search_left_out_is_crowded_out);
	tcase_add_test(c, of_the_host_only_what_is_its_own_is_said);
	tcase_add_loop_test(c, what_ends_by_itself_says_when, 0, (int)KT_ARRAY_LEN(ends));
	tcase_add_test(c, ksm_says_when_new_guests_are_looked_at);
	tcase_add_test(c, ksm_says_when_time_asks_for_a_sweep);
	tcase_add_test(c, ksm_says_why_it_rests);
	tcase_add_test(c, the_law_says_why_it_rests);
	tcase_add_test(c, what_keeps_ksm_from_a_guest_is_its_verdict);
	tcase_add_test(c, wishes_have_words);
	tcase_add_test(c, more_rules_than_there_is_room_for_change_nothing);
	suite_add_tcase(s, c);
	return kt_run(s);
}
