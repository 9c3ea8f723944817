/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the status say what is so, of the host, the loops and each guest? */
#include "answer_fixture.h"

static const struct question nothing;

START_TEST(a_host_that_was_never_sampled_is_unknown_and_not_zero)
{
	add_guest(1, "web");
	ask(answer_status, nothing);
	ck_assert_str_eq(text_at("host.memory_kib"), "null");
	ck_assert_str_eq(text_at("tick.last_unix_s"), "null");
	ck_assert_str_eq(text_at("loops.ksm.run"), "null");
	ck_assert_str_eq(text_at("guests.0.demand_cpus"), "null");
	ck_assert_str_eq(text_at("guests.0.placement.reason"), "none");
	ck_assert_str_eq(text_at("guests.0.managed"), "false");
}
END_TEST

START_TEST(a_sampled_host_is_told)
{
	add_guest(1, "web");
	tick(KT_NS_PER_S);
	ask(answer_status, nothing);
	ck_assert_str_eq(text_at("state"), "ok");
	ck_assert_uint_eq(length_at("problems"), 0);
	ck_assert_double_eq(number_at("host.memory_kib"), 1000);
	ck_assert_double_eq(number_at("host.nodes.1.free_kib"), 200);
	ck_assert_str_eq(text_at("host.nodes.1.cpus"), "2-3");
	ck_assert_double_eq(number_at("host.nodes.0.guests_kib"), 5);
	ck_assert_double_eq(number_at("loops.ksm.pages_to_scan"), 100);
	ck_assert_str_eq(text_at("loops.ksm.advisor"), "none");
	ck_assert_double_eq(number_at("loops.ksm.merged_kib"), 4 * 78);
	ck_assert_str_eq(text_at("guests.0.uuid"), "00000000-0000-0000-0000-000000000001");
	ck_assert_str_eq(text_at("guests.0.node_memory_kib.0"), "5");
	ck_assert_double_eq(number_at("guests.0.local_percent"), 100);
	ck_assert_double_eq(number_at("guests.0.merged_kib"), 24);
	ck_assert_str_eq(text_at("guests.0.home"), "null");
	ck_assert_str_eq(text_at("guests.0.limit_kib"), "null");
	ck_assert_str_eq(text_at("guests.0.managed"), "true");
	/* What a tick has written is after its sample. */
	put(KSM "/pages_to_scan", "1250\n");
	put(KSM "/run", "2\n");
	ask(answer_status, nothing);
	ck_assert_double_eq(number_at("loops.ksm.pages_to_scan"), 1250);
	ck_assert_double_eq(number_at("loops.ksm.run"), 2);
}
END_TEST

START_TEST(what_is_in_force_is_told)
{
	size_t slot = add_guest(1, "web");
	struct guest_in_force *f = &in_force->guest[slot];

	tick(KT_NS_PER_S);
	f->incarnation = k->domains->slot[slot].incarnation;
	f->pinned = f->limited = true;
	f->nodes = 2;
	f->soft_limit_kib = 77;
	f->reclaimed_kib = 9;
	f->moved_kib = 5;
	in_force->move = (struct move_in_force){ .active = true, .slot = slot, .kib_per_s = 3 };
	ask(answer_status, nothing);
	ck_assert_str_eq(text_at("guests.0.home"), "1");
	ck_assert_double_eq(number_at("guests.0.local_percent"), 0);
	ck_assert_double_eq(number_at("guests.0.limit_kib"), 77);
	ck_assert_double_eq(number_at("guests.0.reclaimed_kib"), 9);
	ck_assert_double_eq(number_at("loops.placement.pinned"), 1);
	ck_assert_double_eq(number_at("loops.memory.limited"), 1);
	ck_assert_str_eq(text_at("loops.placement.moving.guest"), "web");
	ck_assert_double_eq(number_at("loops.placement.moving.moved_kib"), 5);
	f->incarnation++; /* another guest's */
	ask(answer_status, nothing);
	ck_assert_str_eq(text_at("guests.0.home"), "null");
	ck_assert_double_eq(number_at("loops.placement.pinned"), 0);
}
END_TEST

/* Between two ticks: the plan and the view are about the one who was there before. */
START_TEST(a_guest_that_has_just_come_is_not_taken_for_the_last_one)
{
	struct domain d = domain_of(2);
	struct uuid old;

	add_guest(1, "old");
	tick(KT_NS_PER_S);
	old = domain_of(1).uuid;
	domains_remove(k->domains, &old);
	snprintf(d.name, sizeof d.name, "new");
	ck_assert_int_eq(domains_put(k->domains, &d), 0);
	ask(answer_status, nothing);
	ck_assert_uint_eq(length_at("guests"), 1);
	ck_assert_str_eq(text_at("guests.0.name"), "new");
	ck_assert_str_eq(text_at("guests.0.resident_kib"), "null");
	ck_assert_str_eq(text_at("guests.0.local_percent"), "null");
	ck_assert_str_eq(text_at("guests.0.ksm.reason"), "none");
	ck_assert_str_eq(text_at("guests.0.managed"), "false");
	domains_remove(k->domains, &d.uuid);
	ask(answer_status, nothing);
	ck_assert_uint_eq(length_at("guests"), 0);
}
END_TEST

START_TEST(one_guest_can_be_asked_for)
{
	add_guest(1, "web");
	add_guest(2, "db");
	tick(KT_NS_PER_S);
	ask(answer_status, about_guest("db"));
	ck_assert_uint_eq(length_at("guests"), 1);
	ck_assert_str_eq(text_at("guests.0.name"), "db");
	ask(answer_status, about_guest("nobody"));
	ck_assert_int_eq(answer.status, 404);
	ck_assert_str_eq(text_at("error"), "no-such-guest");
}
END_TEST

START_TEST(names_cannot_leave_their_text)
{
	const char *text;

	for (unsigned int i = 0; i < KT_ARRAY_LEN(hostile_names); i++)
		add_guest(i + 1, hostile_names[i]);
	log_set_listener(history_listen, k->history, LOG_LEVEL_INFO);
	tick(KT_NS_PER_S);
	text = ask(answer_status, nothing);
	for (; *text; text++)
		ck_assert(*text >= 0x20 && *text < 0x7f);
	ck_assert_str_eq(text_at("guests.1.name"), "a\\x22b\\x5cc");
	ck_assert_str_eq(text_at("guests.2.name"), "new\\x0aline\\x09and \\x1b[31m");
	ck_assert_uint_eq(strlen(text_at("guests.7.name")), strlen(hostile_names[7]));
	ck_assert_ptr_nonnull(strstr(text_at("guests.5.last_decision.message"), "%n%s%n%s: "));
}
END_TEST

/* ---- what is wrong --------------------------------------------------------------------- */

static void libvirt_is_gone(void)
{
	k->link_up = false;
}

static void samples_fail(void)
{
	k->misses = 1;
}

static void run_dir_is_missing(void)
{
	k->dry_run = k->cannot_undo = true;
}

static void nobody_lets_us_read(void)
{
	k->privileges_missing = 1U << 2;
}

static void reload_fails(void)
{
	k->conf_error = -EINVAL;
}

static void reload_has_no_memory(void)
{
	k->conf_error = -ENOMEM;
}

static void ksm_refuses(void)
{
	in_force->ksm.off = true;
}

static void pins_are_refused(void)
{
	in_force->guest[0].pin_off = true;
}

static const struct {
	void (*happens)(void);
	const char *said;
} wrongs[] = {
	{ libvirt_is_gone, "no connection to libvirt at qemu:///system" },
	{ samples_fail, "the host's counters cannot be read" },
	{ run_dir_is_missing, "/run/kvmtuned cannot be written" },
	{ nobody_lets_us_read, "missing: CAP_DAC_READ_SEARCH; merged memory per guest" },
	{ reload_fails, "the configuration has mistakes" },
	{ reload_has_no_memory, "there was no memory to read the configuration, and the one of "
				"before stays in force: reload when there is some" },
	{ ksm_refuses, "/sys/kernel/mm/ksm was refused" },
	{ pins_are_refused, "pinning was refused for 1 guest (w\\x0a)" },
};

START_TEST(what_is_wrong_is_said)
{
	add_guest(1, "w\n");
	tick(KT_NS_PER_S);
	in_force->guest[0].incarnation = k->domains->slot[0].incarnation;
	wrongs[_i].happens();
	ask(answer_status, nothing);
	ck_assert_str_eq(text_at("state"), "degraded");
	ck_assert_uint_eq(length_at("problems"), 1);
	ck_assert_msg(strstr(text_at("problems.0"), wrongs[_i].said) != NULL, "%s",
		      text_at("problems.0"));
}
END_TEST

START_TEST(a_dry_run_that_was_asked_for_is_no_problem)
{
	k->dry_run = true;
	tick(KT_NS_PER_S);
	ask(answer_status, nothing);
	ck_assert_str_eq(text_at("state"), "ok");
	ck_assert_str_eq(text_at("dry_run"), "true");
}
END_TEST

/* ---- states of loops ------------------------------------------------------------------- */

static void paused(void)
{
	k->pauses.loop_until_ns[LOOP_KSM] = UINT64_MAX;
}

static void off(void)
{
	k->conf.policy.ksm.mode = LOOP_OFF;
}

static void no_policy(void)
{
	k->conf.policy.ksm.policy = KSM_POLICY_OFF;
}

static void observing(void)
{
	k->conf.policy.mode = DAEMON_OBSERVE;
}

static void ceded(void)
{
	in_force->ksm.ceded = true;
}

static void refused(void)
{
	in_force->ksm.off = true;
}

static void undisturbed(void)
{
}

/* Each is stronger than those below. */
static const struct {
	void (*happens)(void);
	const char *state;
} states[] = {
	{ paused, "paused" },      { off, "off" },     { no_policy, "off" },
	{ observing, "observe" },  { ceded, "ceded" }, { refused, "refused" },
	{ undisturbed, "active" },
};

START_TEST(the_strongest_state_is_told)
{
	add_guest(1, "web");
	tick(KT_NS_PER_S);
	for (size_t i = KT_ARRAY_LEN(states); i-- > 0;) {
		states[i].happens();
		ask(answer_status, nothing);
		ck_assert_str_eq(text_at("loops.ksm.state"), states[i].state);
	}
	ck_assert_str_eq(text_at("loops.ksm.paused_until_unix_s"), "null");
	ck_assert_str_eq(text_at("loops.placement.state"), "observe");
}
END_TEST

START_TEST(a_pause_that_ends_says_when)
{
	k->pauses.loop_until_ns[LOOP_MEMORY] = now_monotonic_ns() + 3600 * KT_NS_PER_S;
	k->pauses.loop_until_ns[LOOP_KSM] = 1; /* it has ended */
	tick(KT_NS_PER_S);
	ask(answer_status, nothing);
	ck_assert_str_eq(text_at("loops.memory.state"), "paused");
	ck_assert_str_eq(text_at("loops.memory.reason"), "paused");
	ck_assert_double_eq_tol(number_at("loops.memory.paused_until_unix_s") - number_at("unix_s"),
				3600, 600);
	ck_assert_str_eq(text_at("loops.ksm.state"), "active");
	ck_assert_str_eq(text_at("loops.ksm.paused_until_unix_s"), "null");
}
END_TEST

START_TEST(the_last_change_of_a_loop_is_told)
{
	history_listen(&(struct log_event){ .level = LOG_LEVEL_NOTICE,
					    .id = LOG_KSM_CHANGED,
					    .actuator = "ksm",
					    .message = "ksm: run set" },
		       k->history);
	tick(KT_NS_PER_S);
	ask(answer_status, nothing);
	ck_assert_str_eq(text_at("loops.ksm.last_change.message"), "ksm: run set");
	ck_assert_str_eq(text_at("loops.memory.last_change"), "null");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("answer_status");
	TCase *c = tcase_create("status");

	tcase_add_checked_fixture(c, answer_setup, answer_teardown);
	tcase_add_test(c, a_host_that_was_never_sampled_is_unknown_and_not_zero);
	tcase_add_test(c, a_sampled_host_is_told);
	tcase_add_test(c, what_is_in_force_is_told);
	tcase_add_test(c, a_guest_that_has_just_come_is_not_taken_for_the_last_one);
	tcase_add_test(c, one_guest_can_be_asked_for);
	tcase_add_test(c, names_cannot_leave_their_text);
	tcase_add_loop_test(c, what_is_wrong_is_said, 0, KT_ARRAY_LEN(wrongs));
	tcase_add_test(c, a_dry_run_that_was_asked_for_is_no_problem);
	tcase_add_test(c, the_strongest_state_is_told);
	tcase_add_test(c, a_pause_that_ends_says_when);
	tcase_add_test(c, the_last_change_of_a_loop_is_told);
	suite_add_tcase(s, c);
	return kt_run(s);
}
