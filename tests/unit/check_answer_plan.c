/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a plan what the next tick would do, and does asking for it change nothing? */
#include "answer_fixture.h"

static const struct question nothing;
static unsigned int nsaid;

static void count_said(const struct log_event *event, void *context)
{
	(void)event, (void)context;
	nsaid++;
}

static void setup(void)
{
	answer_setup();
	add_guest(1, "we\nb");
	log_set_listener(count_said, NULL, LOG_LEVEL_DEBUG);
}

/* The index of the action with this word, or -1. */
static int action(const char *what)
{
	char path[64];

	for (size_t i = 0; i < length_at("actions"); i++) {
		snprintf(path, sizeof path, "actions.%zu.what", i);
		if (strcmp(text_at(path), what) == 0)
			return (int)i;
	}
	return -1;
}

static const char *of_action(const char *what, const char *member)
{
	char path[64];

	ck_assert_msg(action(what) >= 0, "no %s", what);
	snprintf(path, sizeof path, "actions.%d.%s", action(what), member);
	return text_at(path);
}

/* As if the last tick had been long ago. */
static void tick_of_old(void)
{
	tick(KT_NS_PER_S);
	nsaid = 0;
}

START_TEST(what_a_law_would_write_is_planned)
{
	k->conf.policy.ksm.policy = KSM_POLICY_KSMTUNED;
	k->conf.policy.ksm.boost_pages = 500;
	tick_of_old();
	put(KSM "/run", "0\n");
	ask(answer_plan, nothing);
	ck_assert_str_eq(of_action("run", "from"), "0");
	ck_assert_str_eq(of_action("run", "to"), "1");
	ck_assert_str_eq(of_action("run", "loop"), "ksm");
	ck_assert_str_eq(of_action("run", "guest"), "null");
	ck_assert_str_eq(of_action("pages_to_scan", "from"), "100");
	ck_assert_str_eq(of_action("run", "reason"), why_str(k->plan->ksm.why));
	ck_assert_int_eq(action("smart_scan"), -1);
}
END_TEST

START_TEST(nothing_is_said_written_or_decided)
{
	struct arbiter *before = malloc(sizeof *before);
	struct in_force *force = malloc(sizeof *force);
	struct conf conf = k->conf;
	uint64_t look_again_ns;

	ck_assert(before && force);
	tick_of_old();
	*before = *k->arbiter;
	*force = *in_force;
	look_again_ns = k->plan->look_again_ns;
	k->kicked = true;
	ask(answer_plan, nothing);
	ck_assert_uint_gt(k->view->now_ns, KT_NS_PER_S); /* it has looked */
	ck_assert_int_eq(memcmp(before, k->arbiter, sizeof *before), 0);
	ck_assert_int_eq(memcmp(force, in_force, sizeof *force), 0);
	ck_assert_int_eq(memcmp(&conf, &k->conf, sizeof conf), 0);
	ck_assert_uint_eq(k->plan->look_again_ns, look_again_ns);
	ck_assert_uint_eq(k->plan->now_ns, KT_NS_PER_S);
	ck_assert(k->kicked);
	ck_assert_uint_eq(nsaid, 0);
	ck_assert_uint_eq(k->ticks, 1);
	free(before);
	free(force);
}
END_TEST

/* sense frees the threads of a guest that has more of them now. */
START_TEST(nothing_of_the_old_sample_is_left)
{
	tick_of_old();
	ck_assert_uint_eq(k->plan->guest[0].nthreads, 2);
	for (int i = 1; i < 200; i++)
		put_thread(1010, 1011 + i, 1010, "worker\n");
	ask(answer_plan, nothing);
	ck_assert_uint_eq(k->plan->guest[0].nthreads, 0);
	ck_assert(!k->plan->guest[0].threads && !k->plan->guest[0].memory_cgroup);
	ck_assert_ptr_eq(k->view->guest[0].sample, &k->sample->guest[0]);
	tick(now_monotonic_ns());
	ck_assert_uint_gt(k->plan->guest[0].nthreads, 0);
}
END_TEST

START_TEST(a_young_sample_is_good_enough)
{
	uint64_t now_ns = now_monotonic_ns() + 3600 * KT_NS_PER_S; /* however slow we are */

	tick(now_ns);
	ask(answer_plan, nothing);
	ck_assert_uint_eq(k->view->now_ns, now_ns);
	ck_assert_uint_eq(k->plan->guest[0].nthreads, 2);
}
END_TEST

/* The sample is of before that tick wrote. */
START_TEST(what_the_last_tick_has_written_is_not_planned_again)
{
	k->conf.policy.ksm.policy = KSM_POLICY_KSMTUNED;
	put(KSM "/run", "0\n");
	tick(now_monotonic_ns() + 3600 * KT_NS_PER_S);
	ask(answer_plan, nothing);
	ck_assert_str_eq(of_action("run", "from"), "0");
	putf(KSM "/pages_to_scan", "%s\n", of_action("pages_to_scan", "to"));
	putf(KSM "/sleep_millisecs", "%s\n", of_action("sleep_ms", "to"));
	put(KSM "/run", "1\n");
	ask(answer_plan, nothing);
	ck_assert_uint_eq(length_at("actions"), 0);
}
END_TEST

START_TEST(a_host_that_cannot_be_read_has_no_plan)
{
	tick_of_old();
	spoil("proc/meminfo");
	drop("proc/meminfo");
	ask(answer_plan, nothing);
	ck_assert_int_eq(answer.status, 500);
	ck_assert_str_eq(text_at("error"), "failed");
	ck_assert_uint_eq(k->misses, 0);
}
END_TEST

static void guest_is_in_force(void)
{
	tick_of_old();
	in_force->guest[0] = (struct guest_in_force){
		.incarnation = k->domains->slot[0].incarnation,
		.pinned = true,
		.nodes = 2,
		.limited = true,
		.soft_limit_kib = 300,
	};
}

START_TEST(what_would_be_given_back_is_planned)
{
	guest_is_in_force();
	k->conf.policy.placement.mode = k->conf.policy.memory.mode = LOOP_OFF;
	k->conf.policy.ksm.mode = LOOP_OFF;
	in_force->ksm.ours = in_force->balancing.ours = true;
	k->domains->slot[0].domain.soft_limit_kib = 300;
	ask(answer_plan, nothing);
	ck_assert_str_eq(of_action("home", "from"), "1");
	ck_assert_str_eq(of_action("home", "to"), "original");
	ck_assert_str_eq(of_action("home", "guest"), "we\\x0ab");
	ck_assert_str_eq(of_action("home", "reason"), "switched-off");
	ck_assert_str_eq(of_action("soft_limit_kib", "from"), "300");
	ck_assert_str_eq(of_action("soft_limit_kib", "to"), "original");
	ck_assert_str_eq(of_action("run", "to"), "original");
	ck_assert_str_eq(of_action("numa_balancing", "to"), "original");
}
END_TEST

START_TEST(what_was_ceded_is_not_planned)
{
	guest_is_in_force();
	k->conf.policy.placement.mode = k->conf.policy.memory.mode = LOOP_OFF;
	in_force->guest[0].pin_ceded = in_force->guest[0].limit_ceded = true;
	ask(answer_plan, nothing);
	ck_assert_int_eq(action("home"), -1);
	ck_assert_int_eq(action("soft_limit_kib"), -1);
}
END_TEST

START_TEST(a_dry_run_is_one_everywhere)
{
	k->dry_run = true;
	guest_is_in_force();
	k->conf.policy.placement.mode = LOOP_OFF;
	ask(answer_plan, nothing);
	ck_assert_str_eq(text_at("dry_run"), "true");
	ck_assert_str_eq(of_action("home", "dry_run"), "true");
}
END_TEST

static void wish_by_audit(const char *id, const char *word)
{
	struct host_plan *p = &k->plan->host;
	unsigned int rule = 0;

	while (strcmp(host_rule_id(rule), id) != 0)
		rule++;
	p->rule[rule] = (struct host_wish){ .wish = WISH_SET, .why = WHY_AUDIT_RULE };
	strcpy(p->rule[rule].word, word);
	p->nrules = KT_MAX(p->nrules, rule + 1U);
}

/* As its plan is when nothing of it has been written: for a file, and for two interrupts. */
static void host_is_audited(void)
{
	tick_of_old();
	put("proc/sys/vm/swappiness", "60\n");
	put("proc/irq/7/smp_affinity_list", "0-3\n");
	put("proc/irq/8/smp_affinity_list", "2\n");
	k->plan->host = (struct host_plan){ .nirqs = 2, .irq = { 7, 8 } };
	cpumask_set(&k->plan->host.irq_cpus, 0);
	wish_by_audit("host-swappiness", "10");
	wish_by_audit("host-irq-affinity", "");
}

START_TEST(what_apply_of_host_names_is_planned)
{
	host_is_audited();
	ask(answer_plan, nothing);
	ck_assert_str_eq(of_action("host-swappiness", "loop"), "host");
	ck_assert_str_eq(of_action("host-swappiness", "from"), "60");
	ck_assert_str_eq(of_action("host-swappiness", "to"), "10");
	ck_assert_str_eq(of_action("host-swappiness", "guest"), "null");
	ck_assert_str_eq(of_action("host-swappiness", "reason"), "audit-rule");
	ck_assert_str_eq(of_action("host-swappiness", "dry_run"), "false");
	ck_assert_str_eq(of_action("host-irq-affinity", "from"), "null");
	ck_assert_str_eq(of_action("host-irq-affinity", "to"), "0");
	put("proc/sys/vm/swappiness", "10\n");
	k->plan->host.dry_run = true;
	ask(answer_plan, nothing);
	ck_assert_int_eq(action("host-swappiness"), -1);
	ck_assert_str_eq(of_action("host-irq-affinity", "dry_run"), "true");
}
END_TEST

START_TEST(a_host_without_guests_sleeps)
{
	struct uuid uuid = domain_of(1).uuid;

	ask(answer_plan, nothing);
	ck_assert_double_gt(number_at("look_again_in_s"), 0);
	domains_remove(k->domains, &uuid);
	ask(answer_plan, nothing);
	ck_assert_str_eq(text_at("look_again_in_s"), "null");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("answer_plan");
	TCase *c = tcase_create("plan");

	tcase_add_checked_fixture(c, setup, answer_teardown);
	tcase_add_test(c, what_a_law_would_write_is_planned);
	tcase_add_test(c, nothing_is_said_written_or_decided);
	tcase_add_test(c, nothing_of_the_old_sample_is_left);
	tcase_add_test(c, a_young_sample_is_good_enough);
	tcase_add_test(c, what_the_last_tick_has_written_is_not_planned_again);
	tcase_add_test(c, a_host_that_cannot_be_read_has_no_plan);
	tcase_add_test(c, what_would_be_given_back_is_planned);
	tcase_add_test(c, what_was_ceded_is_not_planned);
	tcase_add_test(c, a_dry_run_is_one_everywhere);
	tcase_add_test(c, what_apply_of_host_names_is_planned);
	tcase_add_test(c, a_host_without_guests_sleeps);
	suite_add_tcase(s, c);
	return kt_run(s);
}
