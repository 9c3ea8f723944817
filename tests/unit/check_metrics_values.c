/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are metrics what they say? */
#include "metrics_fixture.h"
#include <errno.h>

START_TEST(memory_is_local_on_the_home_or_where_most_of_it_is)
{
	put_guest(0, "pinned");
	put_guest(1, "free");
	put_guest(2, "unknown")->has_node_memory = false;
	in_force->guest[0].pinned = true;
	in_force->guest[0].nodes = 2;
	history_tick(k->history, k->view, k->plan, in_force, 1);
	shows("kvmtuned_domain_home{domain=\"pinned\",node=\"1\"} 1");
	shows("kvmtuned_domain_memory_bytes{domain=\"pinned\",node=\"0\"} 307200");
	shows("kvmtuned_domain_memory_bytes{domain=\"pinned\",node=\"1\"} 102400");
	shows("kvmtuned_domain_locality_ratio{domain=\"pinned\"} 0.25");
	shows("kvmtuned_domain_locality_ratio{domain=\"free\"} 0.75");
	shows("kvmtuned_locality_ratio 0.5");
	shows("kvmtuned_domains_pinned 1");
	shows_nothing_of("_ratio{domain=\"unknown\"");
	shows_nothing_of("kvmtuned_domain_home{domain=\"free\"");
	in_force->guest[0].nodes = 3;
	shows("kvmtuned_domain_home{domain=\"pinned\",node=\"0\"} 1");
	shows("kvmtuned_domain_home{domain=\"pinned\",node=\"1\"} 1");
	shows("kvmtuned_domain_locality_ratio{domain=\"pinned\"} 1");
}
END_TEST

START_TEST(a_guest_that_nobody_may_touch_says_why)
{
	put_guest(0, "one");
	put_guest(1, "two");
	put_guest(2, "three");
	k->plan->ksm.why = WHY_SWITCHED_OFF;
	k->plan->guest[0].placement.why = WHY_PINNED_BY_ADMIN;
	k->plan->guest[0].memory.why = WHY_LIMITED_BY_ADMIN;
	k->plan->guest[1].placement.why = WHY_PINNED_BY_ADMIN;
	k->plan->guest[1].memory.why = WHY_HOST_CALM;
	k->plan->guest[2].placement.why = k->plan->guest[2].memory.why = WHY_NOT_SAMPLED;
	shows("kvmtuned_domain_info{domain=\"one\",uuid=\"00010000-0000-0000-0000-000000000000\","
	      "managed=\"no\",reason=\"pinned-by-admin\"} 1");
	shows("kvmtuned_domain_info{domain=\"two\",uuid=\"01010000-0000-0000-0000-000000000000\","
	      "managed=\"yes\",reason=\"\"} 1");
	shows("kvmtuned_domain_info{domain=\"three\",uuid=\"02010000-0000-0000-0000-000000000000\","
	      "managed=\"no\",reason=\"not-sampled\"} 1");
	shows("kvmtuned_domains_managed 1");
	k->plan->ksm.why = WHY_BURST; /* KSM takes everybody */
	k->plan->guest[0].ksm = WHY_MERGED;
	shows("kvmtuned_domains_managed 2");
}
END_TEST

START_TEST(nothing_is_known_of_a_guest_that_has_come_since_the_tick)
{
	struct domain other = { .id = 7, .uuid.byte = { 9 }, .name = "other" };

	put_guest(0, "gone");
	domains_remove(k->domains, &k->domains->slot[0].domain.uuid);
	shows_nothing_of("domain=\"");
	ck_assert_int_eq(domains_put(k->domains, &other), 0);
	shows("kvmtuned_domain_info{domain=\"other\",uuid=\"09000000-0000-0000-0000-000000000000\","
	      "managed=\"no\",reason=\"not-sampled\"} 1");
	shows_nothing_of("kvmtuned_domain_memory_bytes{");
}
END_TEST

START_TEST(held_guests_say_how)
{
	put_guest(0, "one");
	put_guest(1, "two");
	put_guest(2, "three");
	k->domains->slot[0].domain.hold = GUEST_HOLD_PAUSED;
	k->domains->slot[1].domain.hold = GUEST_HOLD_RELEASED;
	shows("kvmtuned_domain_hold{domain=\"one\",hold=\"paused\"} 1");
	shows("kvmtuned_domain_hold{domain=\"two\",hold=\"released\"} 1");
	shows_nothing_of("kvmtuned_domain_hold{domain=\"three\"");
}
END_TEST

START_TEST(buckets_count_all_that_took_no_longer)
{
	histogram_add(&k->tick_times, 400000);
	histogram_add(&k->tick_times, 500000);
	histogram_add(&k->tick_times, 500001);
	histogram_add(&k->tick_times, 2000000000);
	shows("kvmtuned_cycle_duration_seconds_bucket{le=\"0.0005\"} 2");
	shows("kvmtuned_cycle_duration_seconds_bucket{le=\"0.001\"} 3");
	shows("kvmtuned_cycle_duration_seconds_bucket{le=\"0.5\"} 3");
	shows("kvmtuned_cycle_duration_seconds_bucket{le=\"+Inf\"} 4");
	shows("kvmtuned_cycle_duration_seconds_count 4");
	shows("kvmtuned_cycle_duration_seconds_sum 2.001400001");
}
END_TEST

START_TEST(refusals_are_errors_of_their_actuator)
{
	struct log_event e = { .level = LOG_LEVEL_ERR,
			       .id = LOG_WRITE_REFUSED,
			       .actuator = "placement",
			       .action = "refuse" };

	history_listen(&e, k->history);
	history_listen(&e, k->history);
	e.action = "pin";
	e.reason = why_str(WHY_HOME_BY_LOAD);
	history_listen(&e, k->history);
	shows("kvmtuned_actuator_errors_total{actuator=\"placement\"} 2");
	shows("kvmtuned_actuator_errors_total{actuator=\"ksm\"} 0");
	shows("kvmtuned_decisions_total{actuator=\"placement\",action=\"pin\","
	      "reason=\"home-by-load\"} 1");
}
END_TEST

START_TEST(what_is_ceded_is_counted)
{
	put_guest(0, "one");
	put_guest(1, "two");
	in_force->guest[0].pin_ceded = in_force->guest[1].pin_ceded = true;
	in_force->guest[1].limit_ceded = true;
	in_force->balancing.ceded = in_force->ksm.ceded = true;
	shows("kvmtuned_actuator_ceded{actuator=\"ksm\"} 1");
	shows("kvmtuned_actuator_ceded{actuator=\"placement\"} 2");
	shows("kvmtuned_actuator_ceded{actuator=\"memory\"} 1");
	shows("kvmtuned_actuator_ceded{actuator=\"numa_balancing\"} 1");
	in_force->guest[0].incarnation++; /* an answer about an earlier guest */
	shows("kvmtuned_actuator_ceded{actuator=\"placement\"} 1");
}
END_TEST

/* ---- states ------------------------------------------------------------------------------- */

static const struct {
	struct ksm_in_force in_force;
	enum loop_mode mode;
	enum ksm_policy_name policy;
	enum why why;
	bool dry_run, paused;
	const char *state;
} states[] = {
	{ .policy = KSM_POLICY_AUTO, .state = "active" },
	{ .policy = KSM_POLICY_AUTO, .dry_run = true, .state = "observe" },
	{ .policy = KSM_POLICY_AUTO, .mode = LOOP_OBSERVE, .state = "observe" },
	{ .policy = KSM_POLICY_AUTO, .mode = LOOP_OFF, .state = "off" },
	{ .policy = KSM_POLICY_OFF, .state = "off" },
	{ .policy = KSM_POLICY_AUTO, .paused = true, .state = "paused" },
	{ { .ceded = true }, .policy = KSM_POLICY_AUTO, .state = "ceded" },
	{ .policy = KSM_POLICY_AUTO, .why = WHY_KERNEL_ADVISOR, .state = "ceded" },
	{ .policy = KSM_POLICY_AUTO, .why = WHY_OWNED_ELSEWHERE, .state = "ceded" },
	{ { .off = true }, .policy = KSM_POLICY_AUTO, .state = "refused" },
};

START_TEST(a_loop_is_in_one_state)
{
	char line[128];
	int n = 0;

	in_force->ksm = states[_i].in_force;
	k->conf.policy.ksm.mode = states[_i].mode;
	k->conf.policy.ksm.policy = states[_i].policy;
	k->plan->ksm.why = states[_i].why;
	k->dry_run = states[_i].dry_run;
	k->pauses.loop_until_ns[LOOP_KSM] = states[_i].paused ? UINT64_MAX : 0;
	k->sample->host.ksm.present = true;
	(void)snprintf(line, sizeof line, "kvmtuned_loop_state{loop=\"ksm\",state=\"%s\"} 1",
		       states[_i].state);
	shows(line);
	for (const char *at = text; (at = strstr(at, "{loop=\"ksm\",state=")) != NULL; at++)
		n += strchr(at, '}')[2] == '1';
	ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(paused_is_what_has_all_loops_paused)
{
	shows("kvmtuned_mode{mode=\"active\"} 1");
	k->pauses.loop_until_ns[LOOP_KSM] = k->pauses.loop_until_ns[LOOP_PLACEMENT] = UINT64_MAX;
	shows("kvmtuned_mode{mode=\"active\"} 1");
	k->pauses.loop_until_ns[LOOP_MEMORY] = UINT64_MAX;
	shows("kvmtuned_mode{mode=\"paused\"} 1");
	shows("kvmtuned_mode{mode=\"active\"} 0");
	k->pauses = (struct pauses){ 0 };
	k->conf.policy.mode = DAEMON_OBSERVE;
	shows("kvmtuned_mode{mode=\"observe\"} 1");
}
END_TEST

START_TEST(units_are_bytes_and_seconds)
{
	put_guest(0, "one");
	in_force->guest[0].reclaimed_kib = 3;
	in_force->guest[0].limited = true;
	in_force->memory.reclaimed_kib = 5;
	in_force->move.moved_kib = 7;
	k->sample->host.ksm.has_ksmd = true;
	k->sample->host.ksm.ksmd_cpu_ns_total = 1500000000;
	k->plan->memory.price = 0.25;
	k->plan->ksm = (struct ksm_plan){ .wish = WISH_SET, .run = true, .pages_to_scan = 1250 };
	k->link_up = true;
	k->links = 3;
	strcpy(k->libvirt_version, "libvirt 9.0.0");
	history_tick(k->history, k->view, k->plan, in_force, 1);
	shows("kvmtuned_domain_reclaimed_bytes_total{domain=\"one\"} 3072");
	shows("kvmtuned_domain_ksm_merged_bytes{domain=\"one\"} 8192");
	shows("kvmtuned_domains_limited 1");
	shows("kvmtuned_reclaimed_bytes_total 5120");
	shows("kvmtuned_moved_bytes_total 7168");
	shows("kvmtuned_ksmd_cpu_seconds_total 1.5");
	shows("kvmtuned_memory_price_ratio 0.25");
	shows("kvmtuned_ksm_target_pages 1250");
	shows_nothing_of("\nkvmtuned_audit_findings");
	k->auditor->counts = (struct audit_counts){ .known = true, .findings = { 5, 0, 2 } };
	shows("kvmtuned_audit_findings{severity=\"note\"} 5");
	shows("kvmtuned_audit_findings{severity=\"warning\"} 0");
	shows("kvmtuned_audit_findings{severity=\"critical\"} 2");
	shows("kvmtuned_libvirt_connected 1");
	shows("kvmtuned_libvirt_reconnects_total 2");
	shows("kvmtuned_build_info{version=\"" KT_VERSION
	      "\",libvirt_version=\"libvirt 9.0.0\"} 1");
	k->plan->ksm.run = false;
	shows("kvmtuned_ksm_target_pages 0");
	k->sample->host.ksm.has_ksmd = false;
	shows_nothing_of("\nkvmtuned_ksmd_cpu_seconds_total ");
}
END_TEST

static double value_of(const char *name)
{
	const char *at = strstr(scrape(false), name);

	while (at && at[-1] != '\n')
		at = strstr(at + 1, name);
	ck_assert_msg(at, "no %s", name);
	return strtod(at + strlen(name), NULL);
}

START_TEST(a_tick_of_now_is_of_now_and_we_cost_something)
{
	double before_s = (double)now_unix_us() / 1e6;

	k->plan->now_ns = now_monotonic_ns();
	ck_assert_double_ge(value_of("kvmtuned_last_cycle_timestamp_seconds "), before_s - 0.001);
	ck_assert_double_le(value_of("kvmtuned_last_cycle_timestamp_seconds "),
			    (double)now_unix_us() / 1e6 + 0.001);
	ck_assert_double_gt(value_of("kvmtuned_process_cpu_seconds_total "), 0);
	ck_assert_double_gt(value_of("kvmtuned_process_resident_bytes "), 1 << 20);
}
END_TEST

START_TEST(a_configuration_with_mistakes_shows)
{
	shows("kvmtuned_config_last_reload_successful 1");
	k->conf_error = -EINVAL;
	shows("kvmtuned_config_last_reload_successful 0");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("metrics_values");
	TCase *c = tcase_create("metrics");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, memory_is_local_on_the_home_or_where_most_of_it_is);
	tcase_add_test(c, a_guest_that_nobody_may_touch_says_why);
	tcase_add_test(c, nothing_is_known_of_a_guest_that_has_come_since_the_tick);
	tcase_add_test(c, held_guests_say_how);
	tcase_add_test(c, buckets_count_all_that_took_no_longer);
	tcase_add_test(c, refusals_are_errors_of_their_actuator);
	tcase_add_test(c, what_is_ceded_is_counted);
	tcase_add_loop_test(c, a_loop_is_in_one_state, 0, KT_ARRAY_LEN(states));
	tcase_add_test(c, paused_is_what_has_all_loops_paused);
	tcase_add_test(c, units_are_bytes_and_seconds);
	tcase_add_test(c, a_tick_of_now_is_of_now_and_we_cost_something);
	tcase_add_test(c, a_configuration_with_mistakes_shows);
	suite_add_tcase(s, c);
	return kt_run(s);
}
