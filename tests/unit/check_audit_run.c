/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When is there an audit, what does it say, and to whom? */
#include <errno.h>

#include "answer_fixture.h"
#include "audit_private.h"

/* A rule of the host and one of guests whose results are what a test wants. */
static enum audit_result host_result[2], guest_result[8];
static unsigned int judged;

static void judge_host(const struct audit_input *in, struct audit_verdict *v, size_t i)
{
	judged++;
	ck_assert_ptr_nonnull(in->host);
	*v = (struct audit_verdict){ .result = host_result[i],
				     .reason = host_result[i] > AUDIT_FINDING ? "It is so." : NULL,
				     .error = host_result[i] == AUDIT_UNKNOWN ? EACCES : 0,
				     .number = { 7 } };
}

static void judge_first(const struct audit_input *in, struct audit_verdict *v)
{
	judge_host(in, v, 0);
}

static void judge_second(const struct audit_input *in, struct audit_verdict *v)
{
	judge_host(in, v, 1);
}

static void judge_guest(const struct audit_input *in, struct audit_verdict *v)
{
	v->result = guest_result[in->domains->slot[in->slot].domain.vcpus];
	strcpy(v->word[0], "hda");
	strcpy(v->word[1], "x'; reboot");
	v->owner = "tuned \xff";
}

static const struct audit_rule host_rules[] = {
	{ "host-first", false, AUDIT_WARNING, AUDIT_LIVE, "{0}", "10", "Faster.", "A book.",
	  "sysctl vm.first={1}", judge_first, NULL, NULL },
	{ "host-second", false, AUDIT_CRITICAL, AUDIT_SIZING, "{0}", "less", "Safer.", "A book.",
	  "", judge_second, NULL, NULL },
};
static const struct audit_rule guest_rules[] = {
	{ "guest-only", true, AUDIT_NOTE, AUDIT_RESTART, "{a}", "sda", "Why not.", "A page.",
	  "virsh edit {uuid} {a} '{b}'", judge_guest, NULL, NULL },
};
static const struct audit_table table = { host_rules, guest_rules, KT_ARRAY_LEN(host_rules),
					  KT_ARRAY_LEN(guest_rules) };

static unsigned int lines;
static struct log_event last;
static char said[1024];

static void hear(const struct log_event *event, void *context)
{
	(void)context;
	if (event->id != LOG_AUDIT_FINDING)
		return;
	lines++;
	last = *event;
	snprintf(said, sizeof said, "%s", event->message);
}

static void audit_setup(void)
{
	answer_setup();
	auditor_free(k->auditor);
	k->auditor = auditor_new(&table);
	ck_assert_ptr_nonnull(k->auditor);
	memset(host_result, 0, sizeof host_result);
	memset(guest_result, 0, sizeof guest_result);
	judged = lines = 0;
	log_set_listener(hear, NULL, LOG_LEVEL_INFO);
}

static void audit(void)
{
	lines = 0;
	audit_now(k, KT_NS_PER_S);
}

/* ---- the journal ------------------------------------------------------------------------- */

START_TEST(a_finding_is_said_when_it_comes_and_when_it_goes)
{
	audit();
	ck_assert_uint_eq(lines, 0);
	host_result[0] = AUDIT_FINDING;
	audit();
	ck_assert_uint_eq(lines, 1);
	ck_assert_str_eq(said, "audit: host-first (warning): 7; should be: 10");
	ck_assert_int_eq(last.level, LOG_LEVEL_INFO);
	ck_assert_str_eq(last.action, "finding");
	audit();
	ck_assert_uint_eq(lines, 0);
	host_result[0] = AUDIT_NOT_APPLICABLE;
	audit();
	ck_assert_uint_eq(lines, 1);
	ck_assert_str_eq(said, "audit: host-first: the finding is gone");
	ck_assert_str_eq(last.action, "finding-gone");
}
END_TEST

START_TEST(a_critical_one_is_a_warning)
{
	host_result[1] = AUDIT_FINDING;
	audit();
	ck_assert_int_eq(last.level, LOG_LEVEL_WARNING);
	host_result[1] = AUDIT_OK;
	audit();
	ck_assert_int_eq(last.level, LOG_LEVEL_INFO);
}
END_TEST

START_TEST(what_cannot_be_told_for_a_while_is_no_change)
{
	host_result[0] = AUDIT_UNKNOWN;
	audit();
	host_result[0] = AUDIT_FINDING;
	audit();
	ck_assert_uint_eq(lines, 1);
	host_result[0] = AUDIT_UNKNOWN;
	audit();
	ck_assert_uint_eq(lines, 0);
	ck_assert_uint_eq(audit_counts_of(k).unknown, 1);
	ck_assert_uint_eq(audit_counts_of(k).findings[AUDIT_WARNING], 0);
	host_result[0] = AUDIT_FINDING;
	audit();
	ck_assert_uint_eq(lines, 0);
}
END_TEST

START_TEST(guests_that_are_alike_are_one_line)
{
	guest_result[2] = AUDIT_FINDING;
	add_guest(1, "a\nb");
	audit();
	ck_assert_str_eq(said, "audit: guest-only (note): a\\x0ab: hda; should be: sda");
	ck_assert_str_eq(last.guest ? "one" : "many", "one");
	add_guest(2, "web");
	add_guest(3, "db");
	audit();
	ck_assert_uint_eq(lines, 1);
	ck_assert_str_eq(said, "audit: guest-only (note): web and 1 more: hda; should be: sda");
	ck_assert_ptr_null(last.guest);
	guest_result[2] = AUDIT_OK;
	audit();
	ck_assert_uint_eq(lines, 1);
	ck_assert_str_eq(said, "audit: guest-only: a\\x0ab and 2 more: the finding is gone");
}
END_TEST

START_TEST(a_guest_that_goes_is_silent_and_who_takes_its_slot_is_new)
{
	struct uuid uuid = domain_of(1).uuid;

	guest_result[2] = AUDIT_FINDING;
	add_guest(1, "old");
	audit();
	domains_remove(k->domains, &uuid);
	audit();
	ck_assert_uint_eq(lines, 0);
	ck_assert_uint_eq(audit_counts_of(k).findings[AUDIT_NOTE], 0);
	add_guest(1, "old");
	audit();
	domains_remove(k->domains, &uuid);
	add_guest(2, "new");
	audit();
	ck_assert_uint_eq(lines, 1);
	ck_assert_ptr_nonnull(strstr(said, ": new: hda"));
}
END_TEST

START_TEST(a_flood_of_findings_ends_in_a_sum)
{
	struct audit_rule many[AUDIT_RULES_MAX];
	struct audit_table flood = { .host = many, .nhost = KT_ARRAY_LEN(many) };

	for (size_t i = 0; i < KT_ARRAY_LEN(many); i++)
		many[i] = host_rules[0];
	auditor_free(k->auditor);
	k->auditor = auditor_new(&flood);
	host_result[0] = AUDIT_FINDING;
	audit();
	ck_assert_uint_eq(lines, 21);
	ck_assert_ptr_nonnull(strstr(said, "44 more rules"));
	audit();
	ck_assert_uint_eq(lines, 0);
}
END_TEST

/* ---- when -------------------------------------------------------------------------------- */

START_TEST(ticks_audit_while_guests_run_and_no_more_often_than_is_said)
{
	k->conf.audit_interval_s = 600;
	audit_tick(k, KT_NS_PER_S);
	ck_assert_uint_eq(judged, 0);
	ck_assert(!audit_counts_of(k).known);
	add_guest(1, "web");
	k->guests_known = false;
	audit_tick(k, KT_NS_PER_S);
	ck_assert_uint_eq(judged, 0);
	k->guests_known = true;
	audit_tick(k, 2 * KT_NS_PER_S);
	ck_assert_uint_eq(judged, 2);
	audit_tick(k, 602 * KT_NS_PER_S - 1);
	ck_assert_uint_eq(judged, 2);
	audit_tick(k, 602 * KT_NS_PER_S);
	ck_assert_uint_eq(judged, 4);
}
END_TEST

START_TEST(a_new_guest_waits_a_minute_at_most)
{
	struct uuid uuid = domain_of(1).uuid;

	k->conf.audit_interval_s = 600;
	guest_result[2] = AUDIT_FINDING;
	add_guest(1, "web");
	audit_tick(k, KT_NS_PER_S);
	ck_assert_uint_eq(lines, 1);
	audit_tick(k, 100 * KT_NS_PER_S);
	ck_assert_uint_eq(judged, 2); /* nobody is new */
	add_guest(2, "db");
	audit_tick(k, 100 * KT_NS_PER_S);
	ck_assert_uint_eq(judged, 4);
	ck_assert_str_eq(said, "audit: guest-only (note): db: hda; should be: sda");
	domains_remove(k->domains, &uuid);
	audit_tick(k, 200 * KT_NS_PER_S);
	ck_assert_uint_eq(judged, 4); /* who has gone is nobody new */
	add_guest(3, "in the slot of web");
	audit_tick(k, 200 * KT_NS_PER_S);
	ck_assert_uint_eq(judged, 6);
	ck_assert_uint_eq(lines, 3);
}
END_TEST

START_TEST(guests_that_come_all_the_time_are_audited_once_a_minute)
{
	k->conf.audit_interval_s = 600;
	add_guest(1, "web");
	audit_tick(k, KT_NS_PER_S);
	add_guest(2, "db");
	audit_tick(k, 61 * KT_NS_PER_S - 1);
	ck_assert_uint_eq(judged, 2);
	audit_tick(k, 61 * KT_NS_PER_S);
	ck_assert_uint_eq(judged, 4);
	k->conf.audit_interval_s = 30;
	add_guest(3, "mail");
	audit_tick(k, 91 * KT_NS_PER_S - 1);
	ck_assert_uint_eq(judged, 4);
	audit_tick(k, 91 * KT_NS_PER_S);
	ck_assert_uint_eq(judged, 6);
}
END_TEST

START_TEST(the_host_is_not_looked_at_again_for_ten_seconds)
{
	ck_assert_ptr_null(audit_facts(k));
	audit_now(k, KT_NS_PER_S);
	ck_assert_ptr_nonnull(audit_facts(k));
	audit_now(k, 11 * KT_NS_PER_S - 1);
	ck_assert_uint_eq(k->auditor->looked_ns, KT_NS_PER_S);
	audit_now(k, 11 * KT_NS_PER_S);
	ck_assert_uint_eq(k->auditor->looked_ns, 11 * KT_NS_PER_S);
}
END_TEST

START_TEST(the_ksm_loop_hears_of_tuned)
{
	put("etc/tuned/active_profile", "mine\n");
	put("etc/tuned/mine/tuned.conf", "[sysfs]\n/sys/kernel/mm/ksm/run=2\n");
	audit_now(k, KT_NS_PER_S);
	ck_assert(k->tuned_has_ksm);
	put("etc/tuned/mine/tuned.conf", "[sysctl]\nvm.swappiness=2\n");
	audit_now(k, 11 * KT_NS_PER_S);
	ck_assert(!k->tuned_has_ksm);
}
END_TEST

/* A guest that came after the last tick is not judged by what was there before it. */
static bool had_view;

static void judge_view(const struct audit_input *in, struct audit_verdict *v)
{
	(void)v;
	had_view = in->view != NULL;
}

START_TEST(what_is_remembered_is_of_this_guest)
{
	struct audit_rule rule = guest_rules[0];
	struct audit_table one = { .guest = &rule, .nguest = 1 };
	struct uuid uuid = domain_of(1).uuid;

	rule.judge = judge_view;
	auditor_free(k->auditor);
	k->auditor = auditor_new(&one);
	add_guest(1, "web");
	audit();
	ck_assert(!had_view);
	tick(KT_NS_PER_S);
	audit();
	ck_assert(had_view);
	domains_remove(k->domains, &uuid);
	add_guest(2, "db");
	audit();
	ck_assert(!had_view);
}
END_TEST

/* ---- answers ----------------------------------------------------------------------------- */

START_TEST(an_answer_has_what_is_to_be_done)
{
	host_result[0] = AUDIT_FINDING;
	host_result[1] = AUDIT_UNKNOWN;
	add_guest(1, "web");
	ask(answer_audit, (struct question){ 0 });
	ck_assert_uint_eq(length_at("results"), 2);
	ck_assert_str_eq(text_at("results.0.id"), "host-first");
	ck_assert_str_eq(text_at("results.0.result"), "finding");
	ck_assert_str_eq(text_at("results.0.fix"), "sysctl vm.first=0");
	ck_assert_str_eq(text_at("results.0.guest"), "null");
	ck_assert_str_eq(text_at("results.0.reason"), "null");
	ck_assert_str_eq(text_at("results.1.is"), "null");
	ck_assert_str_eq(text_at("results.1.fix"), "null");
	ck_assert_str_eq(text_at("results.1.reason"), "It is so. (Permission denied)");
	ck_assert_double_eq(number_at("summary.warning"), 1);
	ck_assert_double_eq(number_at("summary.critical"), 0);
	ck_assert_double_eq(number_at("summary.unknown"), 1);
	ck_assert_double_eq(number_at("summary.ok"), 1);
	ask(answer_audit, (struct question){ .given = ASKS_ALL });
	ck_assert_uint_eq(length_at("results"), 3);
	ck_assert_str_eq(text_at("results.2.guest"), "web");
	ck_assert_str_eq(text_at("results.2.fix"), "null");
	ck_assert_str_eq(text_at("results.2.owner"), "tuned \\xff");
}
END_TEST

START_TEST(an_answer_about_one_guest_is_about_no_other)
{
	struct question q = about_guest("web");

	host_result[0] = guest_result[2] = AUDIT_FINDING;
	add_guest(1, "db");
	add_guest(2, "web");
	ask(answer_audit, q);
	ck_assert_uint_eq(length_at("results"), 1);
	ck_assert_str_eq(text_at("results.0.guest"), "web");
	ck_assert_str_eq(text_at("results.0.fix"),
			 "virsh edit 00000000-0000-0000-0000-000000000002 hda '...'");
	ck_assert_uint_eq(audit_counts_of(k).findings[AUDIT_NOTE], 2);
	ask(answer_audit, about_guest("nobody"));
	ck_assert_int_eq(answer.status, 404);
}
END_TEST

START_TEST(what_is_ignored_is_not_judged)
{
	host_result[0] = host_result[1] = guest_result[2] = AUDIT_FINDING;
	add_guest(1, "web");
	k->conf.audit_ignore = (struct rule_ids){ .host = 2, .guest = 1 };
	lines = 0;
	ask(answer_audit, (struct question){ .given = ASKS_ALL });
	ck_assert_uint_eq(length_at("results"), 1);
	ck_assert_str_eq(text_at("results.0.id"), "host-first");
	ck_assert_uint_eq(length_at("ignored"), 2);
	ck_assert_uint_eq(lines, 1);
	k->conf.audit_ignore.host = 1; /* by a reload: nothing was repaired */
	audit();
	ck_assert_uint_eq(lines, 1);
	ck_assert_str_eq(said, "audit: host-second (critical): 7; should be: less");
}
END_TEST

START_TEST(the_status_has_the_last_counts)
{
	host_result[1] = AUDIT_FINDING;
	ask(answer_status, (struct question){ 0 });
	ck_assert_str_eq(text_at("audit"), "null");
	audit();
	ask(answer_status, (struct question){ 0 });
	ck_assert_double_eq(number_at("audit.critical"), 1);
	ck_assert_double_eq(number_at("audit.note"), 0);
}
END_TEST

/* ---- without a daemon -------------------------------------------------------------------- */

static int offline(char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");
	int status;

	ck_assert_ptr_nonnull(out);
	status = audit_offline(k, out);
	fclose(out);
	return status;
}

START_TEST(offline_the_status_says_whether_there_are_findings)
{
	char text[4096];
	struct json_object *o;

	ck_assert_int_eq(offline(text, sizeof text), 0);
	host_result[0] = AUDIT_UNKNOWN;
	ck_assert_int_eq(offline(text, sizeof text), 0);
	host_result[1] = AUDIT_FINDING;
	ck_assert_int_eq(offline(text, sizeof text), 4);
	o = json_tokener_parse(text);
	ck_assert_ptr_nonnull(o);
	json_object_put(o);
	ck_assert_int_eq(offline(text, 100), EXIT_FAILURE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit run");
	TCase *c = tcase_create("audit");

	tcase_add_checked_fixture(c, audit_setup, answer_teardown);
	tcase_add_test(c, a_finding_is_said_when_it_comes_and_when_it_goes);
	tcase_add_test(c, a_critical_one_is_a_warning);
	tcase_add_test(c, what_cannot_be_told_for_a_while_is_no_change);
	tcase_add_test(c, guests_that_are_alike_are_one_line);
	tcase_add_test(c, a_guest_that_goes_is_silent_and_who_takes_its_slot_is_new);
	tcase_add_test(c, a_flood_of_findings_ends_in_a_sum);
	tcase_add_test(c, ticks_audit_while_guests_run_and_no_more_often_than_is_said);
	tcase_add_test(c, a_new_guest_waits_a_minute_at_most);
	tcase_add_test(c, guests_that_come_all_the_time_are_audited_once_a_minute);
	tcase_add_test(c, the_host_is_not_looked_at_again_for_ten_seconds);
	tcase_add_test(c, the_ksm_loop_hears_of_tuned);
	tcase_add_test(c, what_is_remembered_is_of_this_guest);
	tcase_add_test(c, an_answer_has_what_is_to_be_done);
	tcase_add_test(c, an_answer_about_one_guest_is_about_no_other);
	tcase_add_test(c, what_is_ignored_is_not_judged);
	tcase_add_test(c, the_status_has_the_last_counts);
	tcase_add_test(c, offline_the_status_says_whether_there_are_findings);
	suite_add_tcase(s, c);
	return kt_run(s);
}
