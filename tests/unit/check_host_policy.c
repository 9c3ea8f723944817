/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a value of the host changed only where the operator has named a rule, the rule finds fault
 * with it, and it is nobody else's? */
#include <stdlib.h>
#include <string.h>

#include "host_policy.h"
#include "kt_check.h"

static struct audit_host *host;
static struct topology topology;
static struct policy_conf conf;
static struct in_force *in_force;
static struct host_plan *plan;
static bool seen; /* somebody has looked at the host */

static unsigned int rule_of(const char *id)
{
	for (unsigned int i = 0; host_rule_id(i); i++)
		if (strcmp(host_rule_id(i), id) == 0)
			return i;
	ck_abort_msg("there is no %s", id);
}

static uint64_t bit_of(const char *id)
{
	return UINT64_C(1) << rule_of(id);
}

static void know(struct fact *f, uint64_t value)
{
	*f = (struct fact){ .state = FACT_KNOWN, .value = value };
}

static void setup(void)
{
	host = calloc(1, sizeof *host);
	in_force = calloc(1, sizeof *in_force);
	plan = calloc(1, sizeof *plan);
	ck_assert(host && in_force && plan);
	memset(&conf, 0, sizeof conf);
	memset(&topology, 0, sizeof topology);
	topology.nnodes = 2;
	ck_assert_int_eq(cpumask_parse("0-7", &topology.online), 0);
	know(&host->has_swap, 1);
	know(&host->swappiness, 160);
	know(&host->irqs, 0);
	host->irq_bans.state = FACT_ABSENT;
	seen = true;
}

static void teardown(void)
{
	free(host);
	free(in_force);
	free(plan);
}

static const struct host_wish *step(const char *id)
{
	struct audit_input in = { .host = seen ? host : NULL,
				  .topology = &topology,
				  .conf = &conf,
				  .in_force = in_force };

	memset(plan, 0x55, sizeof *plan); /* of an earlier step nothing stays */
	host_policy_step(&in, plan);
	ck_assert(plan->due);
	ck_assert_uint_eq(plan->nrules, audit_nhost_rules);
	return &plan->rule[rule_of(id)];
}

static const struct host_wish *swappiness(void)
{
	return step("host-swappiness");
}

static void apply(const char *id)
{
	conf.host.apply |= bit_of(id);
}

#define assert_wish(w, is, because)                                                                \
	do {                                                                                       \
		ck_assert_int_eq((w)->wish, is);                                                   \
		ck_assert_str_eq(why_str((w)->why), why_str(because));                             \
	} while (0)

START_TEST(nobody_asked_for_it)
{
	in_force->host.ours = _i ? bit_of("host-swappiness") : 0;
	seen = _i < 2;
	assert_wish(swappiness(), WISH_RELEASE, WHY_SWITCHED_OFF);
	for (size_t i = 0; i < plan->nrules; i++)
		ck_assert_int_ne(plan->rule[i].wish, WISH_SET);
}
END_TEST

START_TEST(what_is_at_fault_is_set)
{
	apply("host-swappiness");
	assert_wish(swappiness(), WISH_SET, WHY_AUDIT_RULE);
	ck_assert_str_eq(swappiness()->word, "10");
	ck_assert(!plan->dry_run);
	for (size_t i = 0; i < plan->nrules; i++)
		ck_assert(i == rule_of("host-swappiness") || plan->rule[i].wish != WISH_SET);
}
END_TEST

START_TEST(what_is_right_is_ours_only_if_we_made_it_so)
{
	apply("host-swappiness");
	know(&host->swappiness, 10);
	assert_wish(swappiness(), WISH_RELEASE, WHY_NONE);
	in_force->host.ours = bit_of("host-swappiness");
	assert_wish(swappiness(), WISH_SET, WHY_AUDIT_RULE);
	ck_assert_str_eq(swappiness()->word, "10");
	in_force->host.ours = ~bit_of("host-swappiness");
	assert_wish(swappiness(), WISH_RELEASE, WHY_NONE);
}
END_TEST

START_TEST(what_does_not_apply_any_more_is_given_back)
{
	apply("host-swappiness");
	in_force->host.ours = bit_of("host-swappiness");
	know(&host->has_swap, 0);
	assert_wish(swappiness(), WISH_RELEASE, WHY_NONE);
}
END_TEST

START_TEST(what_is_not_known_stays)
{
	apply("host-swappiness");
	host->swappiness = (struct fact){ .state = FACT_UNKNOWN, .error = 5 };
	assert_wish(swappiness(), WISH_HOLD, WHY_NONE);
	seen = false;
	assert_wish(swappiness(), WISH_HOLD, WHY_NONE);
}
END_TEST

/* Whatever is there, and even if we were first. */
START_TEST(what_somebody_owns_is_his)
{
	struct owner *o = &host->owner[OWNED_SWAPPINESS];

	apply("host-swappiness");
	strcpy(o->who, "/etc/sysctl.d/10-x.conf");
	strcpy(o->value, _i & 1 ? "60" : "10");
	know(&host->swappiness, _i & 2 ? 10 : 160);
	in_force->host.ours = _i & 2 ? bit_of("host-swappiness") : 0;
	assert_wish(swappiness(), WISH_RELEASE, WHY_OWNED_ELSEWHERE);
	ck_assert_str_eq(swappiness()->owner, "/etc/sysctl.d/10-x.conf");
	ck_assert_int_eq(swappiness()->is_theirs, !(_i & 1)); /* else what was there comes back */
}
END_TEST

/* tuned's profile for latency sets it, and does not say to what. */
START_TEST(what_a_profile_owns_goes_back_to_what_was_there)
{
	const struct host_wish *w;

	apply("host-thp-enabled");
	host->thp_enabled.state = FACT_KNOWN;
	strcpy(host->thp_enabled.word, "never");
	assert_wish(step("host-thp-enabled"), WISH_HOLD, WHY_NONE); /* the guests are not known */
	strcpy(host->tuned_profile, "realtime-virtual-host");
	w = step("host-thp-enabled");
	assert_wish(w, WISH_RELEASE, WHY_OWNED_ELSEWHERE);
	ck_assert_str_eq(w->owner, "tuned profile realtime-virtual-host");
	ck_assert(!w->is_theirs);
}
END_TEST

START_TEST(what_was_ceded_or_refused_is_not_asked_for_again)
{
	apply("host-swappiness");
	in_force->host.ceded = bit_of("host-swappiness");
	assert_wish(swappiness(), WISH_RELEASE, WHY_CEDED);
	in_force->host.ceded = ~bit_of("host-swappiness");
	assert_wish(swappiness(), WISH_SET, WHY_AUDIT_RULE);
	in_force->host.off = bit_of("host-swappiness");
	assert_wish(swappiness(), WISH_HOLD, WHY_ACTUATOR_OFF);
	conf.host.apply = 0; /* what could not be given back may be by now */
	assert_wish(swappiness(), WISH_RELEASE, WHY_SWITCHED_OFF);
}
END_TEST

START_TEST(who_observes_only_says_it)
{
	apply("host-swappiness");
	conf.mode = DAEMON_OBSERVE;
	assert_wish(swappiness(), WISH_SET, WHY_AUDIT_RULE);
	ck_assert(plan->dry_run);
}
END_TEST

START_TEST(a_rule_that_cannot_be_applied_is_none_of_ours)
{
	conf.host.apply = UINT64_MAX;
	for (unsigned int i = 0; host_rule_id(i); i++)
		if (!host_rule_path(i))
			assert_wish(step(host_rule_id(i)), WISH_HOLD, WHY_NONE);
}
END_TEST

/* The rule's text has a number of its verdict in it. */
START_TEST(numa_balancing_is_placements_when_that_has_it)
{
	static struct domains domains; /* one guest, which floats */
	struct audit_input in = { .host = host,
				  .topology = &topology,
				  .domains = &domains,
				  .conf = &conf,
				  .in_force = in_force };
	const struct host_wish *w = &plan->rule[rule_of("host-numa-balancing")];

	domains.nslots = domains.nused = 1;
	domains.slot[0].used = domains.slot[0].domain.audit.known = true;
	apply("host-numa-balancing");
	know(&host->numa_balancing, 0);
	host_policy_step(&in, plan);
	assert_wish(w, WISH_SET, WHY_AUDIT_RULE);
	ck_assert_str_eq(w->word, "1");
	conf.placement.numa_balancing = BALANCING_OFF;
	host_policy_step(&in, plan);
	assert_wish(w, WISH_RELEASE, WHY_SWITCHED_OFF);
}
END_TEST

/* ---- interrupts ------------------------------------------------------------------- */

static void add_irq(unsigned int number, bool is_nic, bool is_nvme, bool is_managed)
{
	host->irq[host->nirqs++] = (struct audit_irq){
		.number = number, .is_nic = is_nic, .is_nvme = is_nvme, .is_managed = is_managed
	};
}

static const struct host_wish *irqs(void)
{
	return step("host-irq-affinity");
}

static const struct irq_row {
	const char *reserved,
		*banned; /* banned NULL: not configured; with "?": only these were understood */
	bool irqbalance;
	enum wish wish;
	enum why why;
	const char *cpus;
} irq_rows[] = {
	{ "0,4", NULL, false, WISH_SET, WHY_AUDIT_RULE, "0,4" },
	{ "0,4,99", NULL, false, WISH_SET, WHY_AUDIT_RULE, "0,4" },
	{ "", NULL, false, WISH_RELEASE, WHY_NO_RESERVED_CPUS, NULL },
	{ "99", NULL, false, WISH_RELEASE, WHY_NO_RESERVED_CPUS, NULL },
	{ "0,4", NULL, true, WISH_RELEASE, WHY_IRQBALANCE, NULL },
	{ "0,4", "?1-3,5-7", true, WISH_RELEASE, WHY_IRQBALANCE, NULL },
	{ "0,4", "1-3,5-6", true, WISH_RELEASE, WHY_IRQBALANCE, NULL },
	{ "0,4", "1-3,5-7", true, WISH_SET, WHY_AUDIT_RULE, "0,4" },
	{ "0,4", "1-7", true, WISH_SET, WHY_AUDIT_RULE, "0" },
	{ "0,4", "4", false, WISH_SET, WHY_AUDIT_RULE, "0" },
	{ "0,4", "0-7", true, WISH_RELEASE, WHY_IRQBALANCE, NULL },
	{ "0,4", "0,4", false, WISH_RELEASE, WHY_IRQBALANCE, NULL },
};

START_TEST(interrupts_go_where_they_may_stay)
{
	const struct irq_row *r = &irq_rows[_i];
	char cpus[KT_CPULIST_MAX];

	apply("host-irq-affinity");
	add_irq(20, false, false, false);
	add_irq(21, true, false, false);
	add_irq(22, false, true, true);
	add_irq(23, false, true, false);
	host->irqbalance_runs = r->irqbalance;
	ck_assert_int_eq(cpumask_parse(r->reserved, &conf.placement.reserved_cpus), 0);
	if (r->banned)
		ck_assert_int_eq(cpumask_parse(r->banned + (*r->banned == '?'), &host->irq_banned),
				 0);
	if (r->banned)
		know(&host->irq_bans, cpumask_count(&host->irq_banned));
	if (r->banned && *r->banned == '?')
		host->irq_bans.state = FACT_UNKNOWN;
	assert_wish(irqs(), r->wish, r->why);
	if (r->wish != WISH_SET)
		return;
	ck_assert_str_eq(cpumask_str(&plan->irq_cpus, cpus, sizeof cpus), r->cpus);
	ck_assert_uint_eq(plan->nirqs, 2);
	ck_assert(plan->irq[0] == 21 && plan->irq[1] == 23);
}
END_TEST

START_TEST(interrupts_that_are_not_known_stay)
{
	apply("host-irq-affinity");
	cpumask_set(&conf.placement.reserved_cpus, 0);
	host->irqs.state = FACT_UNKNOWN;
	assert_wish(irqs(), WISH_HOLD, WHY_NONE);
}
END_TEST

START_TEST(more_interrupts_than_there_may_be_do_no_harm)
{
	apply("host-irq-affinity");
	cpumask_set(&conf.placement.reserved_cpus, 0);
	for (unsigned int i = 0; i < AUDIT_IRQS_MAX; i++)
		add_irq(i, true, false, false);
	host->nirqs = SIZE_MAX;
	assert_wish(irqs(), WISH_SET, WHY_AUDIT_RULE);
	ck_assert_uint_eq(plan->nirqs, HOST_IRQS_MAX);
}
END_TEST

/* ---- the table -------------------------------------------------------------------- */

/* What we write as root comes from here alone. */
START_TEST(paths_lead_to_values_of_the_kernel)
{
	size_t n = 0;

	ck_assert_uint_le(audit_nhost_rules, HOST_RULES_MAX);
	for (unsigned int i = 0; host_rule_id(i); i++) {
		const char *path = host_rule_path(i), *text = audit_host_rules[i].text;

		if (!path)
			continue;
		n++;
		ck_assert_msg(strncmp(path, "proc/sys/", 9) == 0 ||
				      strncmp(path, "sys/kernel/mm/", 14) == 0 ||
				      strncmp(path, "sys/module/kvm/parameters/", 26) == 0 ||
				      strcmp(path, "proc/irq/{0}/smp_affinity_list") == 0,
			      "%s", path);
		ck_assert_ptr_null(strstr(path, ".."));
		ck_assert_ptr_null(strstr(path, "mm/ksm"));
		ck_assert_msg(!text == !!strchr(path, '{'), "%s", path);
		ck_assert_msg(!text || strlen(text) < HOST_WORD_MAX, "%s", path);
		ck_assert_msg(!text || !strchr(text, '{') || strcmp(text, "{1}") == 0, "%s", path);
	}
	ck_assert_uint_ge(n, 9);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host policy");
	TCase *c = tcase_create("host");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, nobody_asked_for_it, 0, 3);
	tcase_add_test(c, what_is_at_fault_is_set);
	tcase_add_test(c, what_is_right_is_ours_only_if_we_made_it_so);
	tcase_add_test(c, what_does_not_apply_any_more_is_given_back);
	tcase_add_test(c, what_is_not_known_stays);
	tcase_add_loop_test(c, what_somebody_owns_is_his, 0, 4);
	tcase_add_test(c, what_a_profile_owns_goes_back_to_what_was_there);
	tcase_add_test(c, what_was_ceded_or_refused_is_not_asked_for_again);
	tcase_add_test(c, who_observes_only_says_it);
	tcase_add_test(c, a_rule_that_cannot_be_applied_is_none_of_ours);
	tcase_add_test(c, numa_balancing_is_placements_when_that_has_it);
	tcase_add_loop_test(c, interrupts_go_where_they_may_stay, 0, KT_ARRAY_LEN(irq_rows));
	tcase_add_test(c, interrupts_that_are_not_known_stay);
	tcase_add_test(c, more_interrupts_than_there_may_be_do_no_harm);
	tcase_add_test(c, paths_lead_to_values_of_the_kernel);
	suite_add_tcase(s, c);
	return kt_run(s);
}
