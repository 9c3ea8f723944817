/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do texts of rules become what can be read, and commands what can be pasted? */
#include <string.h>

#include "audit_run.h"
#include "kt_check.h"

static const struct uuid uuid = { { 1, 2 } };

static const struct {
	const char *text, *expected;
	const char *word;
	bool is_command;
} texts[] = {
	{ "", "", "", false },
	{ "plain", "plain", "", false },
	{ "{0} of {3}", "1 of 18446744073709551615", "", false },
	{ "{1}{2}", "22", "", false },
	{ "{a}", "vda", "vda", false },
	{ "{a} {b}", "a\"b\\ second", "a\"b\\", false },
	{ "{a}", "a?b?", "a\nb\xff", false },
	{ "virsh edit {uuid}", "virsh edit 01020000-0000-0000-0000-000000000000", "", true },
	{ "x {a}", "x ...", "$(reboot)", true },
	{ "x {a}", "x ...", "a b", true },
	{ "x {a}", "x ...", "'", true },
	{ "x {a}", "x 0-3,8", "0-3,8", true },
	{ "{4} {} {c} {uuidx} {0", "{4} {} {c} {uuidx} {0", "", false },
	{ "{{0}} a{", "{1} a{", "", false },
	{ "{x{0}", "{x1", "", false },
};

START_TEST(places_are_filled_in)
{
	struct audit_verdict v = { .number = { 1, 2, 2, UINT64_MAX } };
	char text[AUDIT_TEXT_MAX];

	strcpy(v.word[0], texts[_i].word);
	strcpy(v.word[1], "second");
	ck_assert_str_eq(audit_text(texts[_i].text, &v, &uuid, texts[_i].is_command, text),
			 texts[_i].expected);
}
END_TEST

START_TEST(the_host_has_no_uuid)
{
	struct audit_verdict v = { 0 };
	char text[AUDIT_TEXT_MAX];

	ck_assert_str_eq(audit_text("{uuid}", &v, NULL, true, text), "{uuid}");
}
END_TEST

START_TEST(what_does_not_fit_ends_in_dots)
{
	struct audit_verdict v = { 0 };
	char text[AUDIT_TEXT_MAX], row[AUDIT_TEXT_MAX + 2];

	memset(row, 'x', sizeof row - 1);
	row[AUDIT_TEXT_MAX - 1] = '\0';
	ck_assert_str_eq(audit_text(row, &v, NULL, false, text), row);
	row[AUDIT_TEXT_MAX - 1] = '{';
	row[AUDIT_TEXT_MAX + 1] = '\0';
	audit_text(row, &v, NULL, false, text);
	ck_assert_uint_eq(strlen(text), AUDIT_TEXT_MAX - 1);
	ck_assert_str_eq(text + AUDIT_TEXT_MAX - 4, "x..");
}
END_TEST

/* ---- the tables -------------------------------------------------------------------------- */

static void is_proper(const struct audit_rule *rule, const char *prefix, bool is_of_guest)
{
	struct audit_verdict v = { 0 };
	char text[AUDIT_TEXT_MAX];

	ck_assert_msg(strncmp(rule->id, prefix, strlen(prefix)) == 0, "%s", rule->id);
	ck_assert_msg(rule->is_of_guest == is_of_guest, "%s", rule->id);
	ck_assert_msg(rule->judge && *rule->is && *rule->should && *rule->why && *rule->source &&
			      rule->fix,
		      "%s lacks something", rule->id);
	ck_assert_msg(rule->why[strlen(rule->why) - 1] == '.', "%s: why is no sentence", rule->id);
	for (size_t i = 0; i < KT_ARRAY_LEN(v.word); i++)
		memset(v.word[i], 'x', sizeof v.word[i] - 1);
	audit_text(rule->fix, &v, &uuid, true, text);
	ck_assert_msg(strcmp(text + strlen(text) - KT_MIN(strlen(text), (size_t)2), "..") != 0,
		      "the command of %s can be too long", rule->id);
	ck_assert_msg(!strchr(audit_text(rule->is, &v, &uuid, false, text), '{'), "%s: %s",
		      rule->id, text);
}

START_TEST(every_rule_says_all)
{
	for (size_t i = 0; i < audit_nhost_rules; i++)
		is_proper(&audit_host_rules[i], "host-", false);
	for (size_t i = 0; i < audit_nguest_rules; i++)
		is_proper(&audit_guest_rules[i], "guest-", true);
}
END_TEST

START_TEST(no_id_is_there_twice)
{
	for (size_t i = 0; i < audit_nhost_rules; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(audit_host_rules[i].id, audit_host_rules[j].id);
	for (size_t i = 0; i < audit_nguest_rules; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(audit_guest_rules[i].id, audit_guest_rules[j].id);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit text");
	TCase *c = tcase_create("texts");

	tcase_add_loop_test(c, places_are_filled_in, 0, KT_ARRAY_LEN(texts));
	tcase_add_test(c, the_host_has_no_uuid);
	tcase_add_test(c, what_does_not_fit_ends_in_dots);
	tcase_add_test(c, every_rule_says_all);
	tcase_add_test(c, no_id_is_there_twice);
	suite_add_tcase(s, c);
	return kt_run(s);
}
