/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When does the daemon think again about what [host] apply names, by which facts, and what does
 * it say of what it leaves to others? */
#include "answer_fixture.h"
#include "audit_private.h"

static unsigned int lines;
static char said[1024], reason[64];

static void hear(const struct log_event *event, void *context)
{
	(void)context;
	if (event->id != LOG_VERDICT || !event->actuator || strcmp(event->actuator, "host") != 0)
		return;
	lines++;
	snprintf(said, sizeof said, "%s", event->message);
	snprintf(reason, sizeof reason, "%s", event->reason);
}

static unsigned int rule(const char *id)
{
	for (unsigned int i = 0; host_rule_id(i); i++)
		if (strcmp(host_rule_id(i), id) == 0)
			return i;
	ck_abort_msg("there is no %s", id);
}

static const struct host_wish *swappiness(void)
{
	return &k->plan->host.rule[rule("host-swappiness")];
}

/* As if the host had been looked at just now. */
static void look(uint64_t at_ns, uint64_t value)
{
	struct audit_host *h = &k->auditor->host;

	h->has_swap = (struct fact){ .state = FACT_KNOWN, .value = 1 };
	h->swappiness = (struct fact){ .state = FACT_KNOWN, .value = value };
	k->auditor->looked_ns = at_ns;
}

static void setup(void)
{
	answer_setup();
	k->conf.policy.host.apply = UINT64_C(1) << rule("host-swappiness");
	k->policy_now = k->conf.policy;
	lines = 0;
	log_set_listener(hear, NULL, LOG_LEVEL_INFO);
}

START_TEST(a_look_is_decided_on_once)
{
	look(100, 60);
	audit_apply(k, 100);
	ck_assert(k->plan->host.due);
	ck_assert_int_eq(swappiness()->wish, WISH_SET);
	audit_apply(k, 101);
	ck_assert(!k->plan->host.due);
	look(102, 10);
	audit_apply(k, 103);
	ck_assert(k->plan->host.due);
	ck_assert_int_eq(swappiness()->wish, WISH_RELEASE);
}
END_TEST

START_TEST(without_a_look_what_is_named_stays_and_the_rest_is_given_back)
{
	audit_apply(k, 100);
	ck_assert(k->plan->host.due);
	ck_assert_int_eq(swappiness()->wish, WISH_HOLD);
	ck_assert_int_eq(k->plan->host.rule[rule("host-thp-enabled")].wish, WISH_RELEASE);
}
END_TEST

/* Nobody looks while there are no guests. */
START_TEST(a_reload_does_not_go_by_old_facts)
{
	look(100, 60);
	audit_apply(k, 100);
	k->reloads++;
	audit_apply(k, 100 + AUDIT_FRESH_S * KT_NS_PER_S - 1);
	ck_assert(k->plan->host.due);
	ck_assert_int_eq(swappiness()->wish, WISH_SET);
	k->reloads++;
	audit_apply(k, 100 + AUDIT_FRESH_S * KT_NS_PER_S);
	ck_assert(k->plan->host.due);
	ck_assert_int_eq(swappiness()->wish, WISH_HOLD);
}
END_TEST

START_TEST(a_reload_looks_again_where_guests_are)
{
	uint64_t later = 100 + AUDIT_FRESH_S * KT_NS_PER_S;

	add_guest(1, "one");
	look(100, 60);
	k->auditor->applied_reload = 1;
	k->auditor->applied_ns = 100;
	audit_apply(k, later);
	ck_assert_uint_eq(k->auditor->looked_ns, 100);
	k->reloads++;
	audit_apply(k, later);
	ck_assert_uint_eq(k->auditor->looked_ns, later);
	k->reloads++;
	k->policy_now.host.apply = 0;
	audit_apply(k, 2 * later);
	ck_assert_uint_eq(k->auditor->looked_ns, later);
	ck_assert_int_eq(swappiness()->wish, WISH_RELEASE);
}
END_TEST

START_TEST(what_is_left_to_its_owner_is_said_once)
{
	struct owner *o = &k->auditor->host.owner[OWNED_SWAPPINESS];

	snprintf(o->who, sizeof o->who, "%s", "/etc/sysctl.d/\n\x1b[31m.conf");
	snprintf(o->value, sizeof o->value, "%s", "60");
	for (uint64_t at = 100; at < 103; at++) {
		look(at, 60);
		audit_apply(k, at);
	}
	ck_assert_uint_eq(lines, 1);
	ck_assert_str_eq(reason, "owned-elsewhere");
	ck_assert_ptr_nonnull(strstr(said, "host-swappiness is not applied: "));
	ck_assert_ptr_nonnull(strstr(said, "(/etc/sysctl.d/\\x0a\\x1b[31m.conf); "));
	o->who[0] = '\0';
	look(103, 60);
	audit_apply(k, 103);
	ck_assert_int_eq(swappiness()->wish, WISH_SET);
	ck_assert_uint_eq(lines, 1);
}
END_TEST

START_TEST(irqbalance_is_told_what_would_help)
{
	k->policy_now.host.apply = UINT64_C(1) << rule("host-irq-affinity");
	cpumask_set(&k->policy_now.placement.reserved_cpus, 0);
	k->auditor->host.irqbalance_runs = true;
	look(100, 60);
	audit_apply(k, 100);
	ck_assert_uint_eq(lines, 1);
	ck_assert_str_eq(reason, "irqbalance");
	ck_assert_ptr_nonnull(strstr(said, "IRQBALANCE_BANNED_CPULIST"));
}
END_TEST

START_TEST(a_run_that_only_looks_writes_nothing)
{
	k->dry_run = _i;
	look(now_monotonic_ns(), 60);
	tick(now_monotonic_ns());
	ck_assert(k->plan->host.due);
	ck_assert_int_eq(swappiness()->wish, WISH_SET);
	ck_assert_int_eq(k->plan->host.dry_run, _i);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit apply");
	TCase *c = tcase_create("apply");

	tcase_add_checked_fixture(c, setup, answer_teardown);
	tcase_add_test(c, a_look_is_decided_on_once);
	tcase_add_test(c, without_a_look_what_is_named_stays_and_the_rest_is_given_back);
	tcase_add_test(c, a_reload_does_not_go_by_old_facts);
	tcase_add_test(c, a_reload_looks_again_where_guests_are);
	tcase_add_test(c, what_is_left_to_its_owner_is_said_once);
	tcase_add_test(c, irqbalance_is_told_what_would_help);
	tcase_add_loop_test(c, a_run_that_only_looks_writes_nothing, 0, 2);
	suite_add_tcase(s, c);
	return kt_run(s);
}
