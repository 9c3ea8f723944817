/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does an explanation give the inputs, the rules, the reason, and what would change it? */
#include "answer_fixture.h"

static size_t slot;

static void setup(void)
{
	answer_setup();
	slot = add_guest(1, "we\nb");
}

static void explain(const char *guest)
{
	ask(answer_explain, about_guest(guest));
}

static void explain_of_loop(enum kt_loop loop)
{
	ask(answer_explain, (struct question){ .given = ASKS_LOOP, .loop = loop });
}

/* "null" when there is no such input. */
static const char *input(const char *name)
{
	char path[64];

	for (size_t i = 0; i < length_at("inputs"); i++) {
		snprintf(path, sizeof path, "inputs.%zu.name", i);
		if (strcmp(text_at(path), name) != 0)
			continue;
		snprintf(path, sizeof path, "inputs.%zu.value", i);
		return text_at(path);
	}
	ck_abort_msg("no input %s", name);
}

/* Whether it passes, of the rules at this path; "absent": it was not asked. */
static const char *rule(const char *rules, const char *reason)
{
	char path[64];

	for (size_t i = 0; i < length_at(rules); i++) {
		snprintf(path, sizeof path, "%s.%zu.reason", rules, i);
		if (strcmp(text_at(path), reason) != 0)
			continue;
		snprintf(path, sizeof path, "%s.%zu.passes", rules, i);
		return text_at(path);
	}
	return "absent";
}

START_TEST(a_guest_is_explained_loop_by_loop)
{
	k->domains->slot[slot].domain.admin_pins = true;
	tick(KT_NS_PER_S);
	explain("we\nb");
	ck_assert_str_eq(text_at("guest.name"), "we\\x0ab");
	ck_assert_uint_eq(length_at("loops"), 3);
	ck_assert_str_eq(text_at("loops.0.loop"), "ksm");
	ck_assert_str_eq(text_at("loops.1.loop"), "placement");
	ck_assert_str_eq(text_at("loops.1.reason"), "pinned-by-admin");
	ck_assert_str_eq(text_at("loops.1.wish"), "release");
	ck_assert_str_eq(text_at("loops.1.change"), why_change(WHY_PINNED_BY_ADMIN));
	ck_assert_str_eq(rule("loops.1.rules", "pinned-by-admin"), "false");
	ck_assert_str_eq(rule("loops.1.rules", "single-node-host"), "true");
	ck_assert_str_eq(text_at("loops.2.reason"), why_str(k->plan->guest[slot].memory.why));
	ck_assert_str_eq(input("usage_kib"), "8");
	ck_assert_str_eq(input("home"), "null");
	ck_assert_str_eq(input("fullest_node"), "0");
	ck_assert_str_eq(input("local_percent"), "100");
	ck_assert_str_eq(input("demand_cpus"), "null"); /* one sample is no rate */
}
END_TEST

START_TEST(a_guest_that_has_just_come_has_no_rules)
{
	tick(KT_NS_PER_S);
	add_guest(2, "new");
	explain("new");
	ck_assert_str_eq(text_at("loops.1.reason"), "none");
	ck_assert_uint_eq(length_at("loops.1.rules"), 0);
	ck_assert_str_eq(text_at("loops.1.again_in_s"), "null");
}
END_TEST

START_TEST(a_guest_that_cannot_be_read_has_only_rules_that_can_be_asked)
{
	drop_process(1010);
	tick(KT_NS_PER_S);
	explain("we\nb");
	ck_assert_str_eq(text_at("loops.1.reason"), "not-sampled");
	ck_assert_str_eq(rule("loops.1.rules", "not-sampled"), "false");
	ck_assert_str_eq(rule("loops.1.rules", "memory-unknown"), "absent");
}
END_TEST

START_TEST(a_cool_down_says_when_it_ends)
{
	struct guest_in_force *f = &in_force->guest[slot];

	k->conf.policy.placement.node_reserve_mib = 0; /* the nodes are tiny */
	tick(100 * KT_NS_PER_S);
	f->incarnation = k->domains->slot[slot].incarnation;
	f->pin_changed_ns = 95 * KT_NS_PER_S;
	explain("we\nb");
	ck_assert_str_eq(rule("loops.1.rules", "cooling-down"), "false");
	ck_assert_double_eq_tol(number_at("loops.1.again_in_s"), 10, 0.01);
}
END_TEST

START_TEST(a_pause_says_when_it_ends)
{
	uint64_t now_ns = now_monotonic_ns();
	struct uuid uuid = domain_of(1).uuid;

	ck_assert_int_eq(
		pauses_set_guest(&k->pauses, &uuid, GUEST_HOLD_PAUSED, now_ns + 60 * KT_NS_PER_S),
		0);
	tick(now_ns);
	explain("we\nb");
	ck_assert_str_eq(text_at("guest.hold"), "paused");
	ck_assert_str_eq(text_at("guest.managed"), "false");
	ck_assert_str_eq(text_at("loops.2.reason"), "paused");
	ck_assert_double_eq_tol(number_at("loops.2.again_in_s"), 60, 30);
	ck_assert_int_eq(pauses_set_guest(&k->pauses, &uuid, GUEST_HOLD_RELEASED, UINT64_MAX), 0);
	tick(now_ns + KT_NS_PER_S);
	explain("we\nb");
	ck_assert_str_eq(text_at("guest.hold"), "released");
	ck_assert_str_eq(text_at("guest.hold_until_unix_s"), "null");
	ck_assert_str_eq(text_at("loops.2.reason"), "released");
	ck_assert_str_eq(text_at("loops.2.again_in_s"), "null");
}
END_TEST

START_TEST(ksm_is_explained)
{
	k->conf.policy.ksm.advisor = KSM_ADVISOR_CEDE;
	put(KSM "/advisor_mode", "none [scan-time]\n");
	tick(KT_NS_PER_S);
	explain_of_loop(LOOP_KSM);
	ck_assert_str_eq(text_at("loop"), "ksm");
	ck_assert_str_eq(text_at("reason"), "kernel-advisor");
	ck_assert_str_eq(rule("rules", "kernel-advisor"), "false");
	ck_assert_str_eq(rule("rules", "no-ksm"), "true");
	ck_assert_str_eq(text_at("change"), why_change(WHY_KERNEL_ADVISOR));
	ck_assert_str_eq(input("merged_kib"), "312");
}
END_TEST

START_TEST(that_ksm_is_tuneds_is_explained)
{
	k->conf.policy.ksm.advisor = KSM_ADVISOR_CEDE;
	k->tuned_has_ksm = true;
	tick(KT_NS_PER_S);
	explain_of_loop(LOOP_KSM);
	ck_assert_str_eq(text_at("reason"), "owned-elsewhere");
	ck_assert_str_eq(rule("rules", "owned-elsewhere"), "false");
	ck_assert_str_eq(text_at("change"), why_change(WHY_OWNED_ELSEWHERE));
}
END_TEST

START_TEST(placement_is_explained)
{
	k->topology.ncpu_nodes = 1;
	tick(KT_NS_PER_S);
	explain_of_loop(LOOP_PLACEMENT);
	ck_assert_str_eq(text_at("reason"), "single-node-host");
	ck_assert_str_eq(input("nodes_with_cpus"), "1");
}
END_TEST

START_TEST(memory_is_explained)
{
	tick(KT_NS_PER_S);
	explain_of_loop(LOOP_MEMORY);
	ck_assert_str_eq(text_at("reason"), "no-swap");
	ck_assert_str_eq(rule("rules", "no-swap"), "false");
	ck_assert_str_eq(rule("rules", "switched-off"), "true");
	ck_assert_str_eq(input("swap_free_kib"), "0");
}
END_TEST

START_TEST(a_host_that_was_never_sampled_has_no_rules)
{
	explain_of_loop((enum kt_loop)_i);
	ck_assert_uint_eq(length_at("rules"), 0);
	ck_assert_uint_eq(length_at("inputs"), 0);
	explain("we\nb");
	ck_assert_uint_eq(length_at("loops.0.rules"), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("answer_explain");
	TCase *c = tcase_create("explain");

	tcase_add_checked_fixture(c, setup, answer_teardown);
	tcase_add_test(c, a_guest_is_explained_loop_by_loop);
	tcase_add_test(c, a_guest_that_has_just_come_has_no_rules);
	tcase_add_test(c, a_guest_that_cannot_be_read_has_only_rules_that_can_be_asked);
	tcase_add_test(c, a_cool_down_says_when_it_ends);
	tcase_add_test(c, a_pause_says_when_it_ends);
	tcase_add_test(c, ksm_is_explained);
	tcase_add_test(c, that_ksm_is_tuneds_is_explained);
	tcase_add_test(c, placement_is_explained);
	tcase_add_test(c, memory_is_explained);
	tcase_add_loop_test(c, a_host_that_was_never_sampled_has_no_rules, 0, _LOOP_MAX);
	suite_add_tcase(s, c);
	return kt_run(s);
}
