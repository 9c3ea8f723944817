/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are decisions, points and the configuration told as they are? */
#include "answer_fixture.h"

static const struct question nothing;

static void say(enum log_level level, enum log_event_id id)
{
	struct uuid uuid = domain_of(1).uuid;

	history_listen(&(struct log_event){ .level = level,
					    .id = id,
					    .guest = "web",
					    .uuid = &uuid,
					    .actuator = "numa_balancing",
					    .action = "stop",
					    .reason = "home-by-load",
					    .from = "1",
					    .to = "0",
					    .message = "a / sentence" },
		       k->history);
}

START_TEST(a_decision_has_all_of_its_members)
{
	const char *text;

	say(LOG_LEVEL_NOTICE, LOG_BALANCING_CHANGED);
	text = ask(answer_decisions, nothing);
	ck_assert_ptr_nonnull(strstr(
		text, "\"level\":\"notice\",\"event\":\"balancing-changed\",\"guest\":\"web\","
		      "\"uuid\":\"00000000-0000-0000-0000-000000000001\","
		      "\"loop\":\"placement\",\"action\":\"stop\",\"reason\":\"home-by-load\","
		      "\"from\":\"1\",\"to\":\"0\",\"dry_run\":false,"
		      "\"message\":\"a / sentence\"}"));
	ck_assert_double_eq(number_at("decisions.0.seq"), 1);
	ck_assert_double_eq(number_at("first"), 1);
	ck_assert_double_eq(number_at("last"), 1);
}
END_TEST

START_TEST(what_a_decision_has_not_is_null)
{
	history_listen(&(struct log_event){ .level = LOG_LEVEL_WARNING,
					    .id = LOG_LIBVIRT_LOST,
					    .message = "no libvirt" },
		       k->history);
	ck_assert_ptr_nonnull(strstr(ask(answer_decisions, nothing),
				     "\"level\":\"warning\",\"event\":\"libvirt-lost\","
				     "\"guest\":null,\"uuid\":null,\"loop\":null,\"action\":null,"
				     "\"reason\":null,\"from\":null,\"to\":null,"));
}
END_TEST

static struct question after(uint64_t seq)
{
	return (struct question){ .given = ASKS_AFTER, .after = seq };
}

START_TEST(only_those_after_are_told)
{
	for (int i = 0; i < 3; i++)
		say(LOG_LEVEL_INFO, LOG_VERDICT);
	ask(answer_decisions, after(1));
	ck_assert_uint_eq(length_at("decisions"), 2);
	ck_assert_double_eq(number_at("decisions.0.seq"), 2);
	ask(answer_decisions, after(3));
	ck_assert_uint_eq(length_at("decisions"), 0);
	ask(answer_decisions, after(UINT64_MAX));
	ck_assert_uint_eq(length_at("decisions"), 0);
}
END_TEST

START_TEST(the_oldest_that_is_left_is_told)
{
	for (int i = 0; i < HISTORY_DECISIONS + 2; i++)
		say(LOG_LEVEL_INFO, LOG_VERDICT);
	ask(answer_decisions, nothing);
	ck_assert_uint_eq(length_at("decisions"), HISTORY_DECISIONS);
	ck_assert_double_eq(number_at("first"), 3);
	ck_assert_double_eq(number_at("decisions.0.seq"), 3);
}
END_TEST

START_TEST(who_follows_gets_what_was_before_as_lines)
{
	struct question q = after(1);

	for (int i = 0; i < 3; i++)
		say(LOG_LEVEL_INFO, LOG_VERDICT);
	q.given |= ASKS_FOLLOW;
	answer_decisions(k, &q, &answer);
	ck_assert_int_eq(answer.stream, STREAM_DECISIONS);
	ck_assert_int_eq(strncmp(answer.text, "{\"schema\":1,\"seq\":2,", 20), 0);
	ck_assert_ptr_nonnull(strstr(answer.text, "}\n{\"schema\":1,\"seq\":3,"));
	ck_assert_int_eq(answer.text[strlen(answer.text) - 1], '\n');
	ck_assert_uint_eq(k->decisions_flushed, 3);
	answer_forget();
	q.given = ASKS_FOLLOW;
	answer_decisions(k, &q, &answer);
	ck_assert(answer.stream == STREAM_DECISIONS && !answer.text && !answer.json);
}
END_TEST

START_TEST(points_and_localities_are_parallel)
{
	struct json_object *parsed;

	ask(answer_history, nothing);
	ck_assert_uint_eq(length_at("points"), 0);
	add_guest(1, "web");
	for (uint64_t i = 1; i <= 3; i++)
		tick(i * KT_NS_PER_S);
	parsed = json_tokener_parse(ask(answer_history, nothing));
	ck_assert_ptr_nonnull(parsed);
	json_object_put(answer.json);
	answer.json = parsed;
	ck_assert_uint_ge(length_at("points"), 1);
	ck_assert_uint_eq(length_at("guests.0.local_percent"), length_at("points"));
	ck_assert_str_eq(text_at("guests.0.local_percent.0"), "100");
	ck_assert_double_eq(number_at("points.0.guests"), 1);
	ck_assert_double_eq(number_at("points.0.available_kib"), 403);
	ask(answer_history, (struct question){ .given = ASKS_RECENT });
	ck_assert_uint_eq(length_at("points"), 3);
	ck_assert(!json_object_object_get_ex(answer.json, "guests", NULL));
}
END_TEST

START_TEST(a_guest_without_a_past_has_gaps)
{
	add_guest(1, "web");
	put(cgroup_of(1, "memory.numa_stat"), "");
	drop("proc/1010/numa_maps");
	tick(KT_NS_PER_S);
	ck_assert_ptr_nonnull(strstr(ask(answer_history, nothing), "\"local_percent\":[null"));
}
END_TEST

/* ---- configuration --------------------------------------------------------------------- */

static const char *value_of(const char *section, const char *key)
{
	static char path[64];

	for (size_t i = 0; i < length_at("options"); i++) {
		snprintf(path, sizeof path, "options.%zu.section", i);
		if (strcmp(text_at(path), section) != 0)
			continue;
		snprintf(path, sizeof path, "options.%zu.key", i);
		if (strcmp(text_at(path), key) != 0)
			continue;
		snprintf(path, sizeof path, "options.%zu.value", i);
		return text_at(path);
	}
	ck_abort_msg("no %s in %s", key, section);
}

START_TEST(values_are_as_they_would_be_written)
{
	cpumask_set(&k->conf.policy.placement.reserved_cpus, 0);
	cpumask_set(&k->conf.policy.placement.reserved_cpus, 1);
	k->conf.policy.ksm.settle_s = 17;
	k->conf.policy.memory.mode = LOOP_OBSERVE;
	strcpy(k->conf.libvirt_uri, "test:\"\n");
	ask(answer_config, nothing);
	ck_assert_str_eq(text_at("file"), "/etc/kvmtuned.conf");
	ck_assert_str_eq(value_of("placement", "reserved_cpus"), "0-1");
	ck_assert_str_eq(value_of("ksm", "settle_s"), "17");
	ck_assert_str_eq(value_of("memory", "mode"), "observe");
	ck_assert_str_eq(value_of("daemon", "libvirt_uri"), "test:\\x22\\x0a");
	ck_assert_str_eq(value_of("daemon", "log_level"), "info");
}
END_TEST

START_TEST(sections_of_guests_are_told)
{
	k->conf.nrules = 1;
	k->conf.rule[0] =
		(struct conf_rule){ .glob = "we\"b-*",
				    .wish = { .placement = GUEST_SWITCH_CPU, .weight = 7 } };
	ask(answer_config, nothing);
	ck_assert_str_eq(text_at("domains.0.glob"), "we\\x22b-*");
	ck_assert_str_eq(text_at("domains.0.ksm"), "null");
	ck_assert_str_eq(text_at("domains.0.placement"), "cpu");
	ck_assert_double_eq(number_at("domains.0.weight"), 7);
	ck_assert_str_eq(text_at("domains.0.min_guarantee_mib"), "null");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("answer_history");
	TCase *c = tcase_create("history"), *g = tcase_create("configuration");

	tcase_add_checked_fixture(c, answer_setup, answer_teardown);
	tcase_add_test(c, a_decision_has_all_of_its_members);
	tcase_add_test(c, what_a_decision_has_not_is_null);
	tcase_add_test(c, only_those_after_are_told);
	tcase_add_test(c, the_oldest_that_is_left_is_told);
	tcase_add_test(c, who_follows_gets_what_was_before_as_lines);
	tcase_add_test(c, points_and_localities_are_parallel);
	tcase_add_test(c, a_guest_without_a_past_has_gaps);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(g, answer_setup, answer_teardown);
	tcase_add_test(g, values_are_as_they_would_be_written);
	tcase_add_test(g, sections_of_guests_are_told);
	suite_add_tcase(s, g);
	return kt_run(s);
}
