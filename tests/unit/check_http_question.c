/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which questions are understood, and what is said to the others? */
#include <string.h>

#include "http_private.h"
#include "kt_check.h"

enum { ALL = 0x1ff };

static struct asked asked;
static struct answer answer;

static void setup(void)
{
	answer = (struct answer){ .status = 200 };
}

static void teardown(void)
{
	json_object_put(answer.json);
}

static const char *message(void)
{
	struct json_object *text = NULL;

	if (!answer.json)
		return "";
	ck_assert_int_eq(answer.status, 400);
	ck_assert(json_object_object_get_ex(answer.json, "message", &text));
	return json_object_get_string(text);
}

/* Wrong: what is said of it.  Right: NULL, and what is given. */
struct row {
	const char *text;
	unsigned int allowed;
	const char *said;
	struct question question;
};

static void compare(const struct row *row, int r)
{
	const struct question *q = &asked.question, *wanted = &row->question;

	if (row->said) {
		ck_assert_msg(r == -1 && strstr(message(), row->said), "%s: \"%s\"", row->text,
			      message());
		return;
	}
	ck_assert_msg(r == 0, "%s: %s", row->text, message());
	ck_assert_msg(q->given == wanted->given, "%s: given %#x", row->text, q->given);
	ck_assert_msg(q->loop == wanted->loop && q->after == wanted->after &&
			      q->vcpus == wanted->vcpus && q->mib == wanted->mib &&
			      q->for_s == wanted->for_s,
		      "%s", row->text);
	ck_assert_str_eq(q->guest ? q->guest : "-", wanted->guest ? wanted->guest : "-");
}

#define LONGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BYTES_1024                                                                                 \
	LONGEST LONGEST LONGEST LONGEST LONGEST LONGEST LONGEST LONGEST LONGEST LONGEST LONGEST    \
		LONGEST LONGEST LONGEST LONGEST LONGEST

static const struct row queries[] = {
	{ NULL, 0, NULL, { 0 } },
	{ "", 0, NULL, { 0 } },
	{ "guest=web", ALL, NULL, { .given = ASKS_GUEST, .guest = "web" } },
	{ "guest=we+b%0a%ff", ALL, NULL, { .given = ASKS_GUEST, .guest = "we b\n\xff" } },
	{ "guest=", ALL, "guest: has to be a guest's name", { 0 } },
	{ "guest=" BYTES_1024, ALL, "guest: has to be a guest's name", { 0 } },
	{ "guest=a&guest=b", ALL, "guest: is given more than once", { 0 } },
	{ "guest=a%00b", ALL, "without NUL bytes", { 0 } },
	{ "guest", ALL, "NAME=VALUE", { 0 } },
	{ "=x", ALL, "NAME=VALUE", { 0 } },
	{ "guest=web",
	  ASKS_LOOP | ASKS_AFTER,
	  "guest: cannot be asked here; allowed: loop, after",
	  { 0 } },
	{ "x%0ay=1", 0, "cannot be asked here; allowed: nothing", { 0 } },
	{ "x\"=1", 0, "x\\x22: cannot", { 0 } },
	{ "loop=ksm", ALL, NULL, { .given = ASKS_LOOP, .loop = LOOP_KSM } },
	{ "loop=memory", ALL, NULL, { .given = ASKS_LOOP, .loop = LOOP_MEMORY } },
	{ "loop=KSM", ALL, "loop: has to be ksm, placement or memory", { 0 } },
	{ "after=0", ALL, NULL, { .given = ASKS_AFTER } },
	{ "after=18446744073709551615", ALL, NULL, { .given = ASKS_AFTER, .after = UINT64_MAX } },
	{ "after=18446744073709551616", ALL, "from 0 to 18446744073709551615", { 0 } },
	{ "after=-1", ALL, "after: has to be a whole number", { 0 } },
	{ "after=+1", ALL, "after: has to be a whole number", { 0 } },
	{ "after=1x", ALL, "after: has to be a whole number", { 0 } },
	{ "after=", ALL, "after: has to be a whole number", { 0 } },
	{ "vcpus=1&mib=1", ALL, NULL, { .given = ASKS_VCPUS | ASKS_MIB, .vcpus = 1, .mib = 1 } },
	{ "vcpus=1024", ALL, NULL, { .given = ASKS_VCPUS, .vcpus = 1024 } },
	{ "vcpus=1025", ALL, "vcpus: has to be a whole number from 1 to 1024", { 0 } },
	{ "vcpus=0", ALL, "from 1 to 1024", { 0 } },
	{ "mib=1073741825", ALL, "from 1 to 1073741824", { 0 } },
	{ "recent=1&follow=1", ALL, NULL, { .given = ASKS_RECENT | ASKS_FOLLOW } },
	{ "follow=0", ALL, "follow: has to be 1", { 0 } },
	{ "follow=yes", ALL, "follow: has to be 1", { 0 } },
};

START_TEST(a_query_is_understood_or_refused)
{
	const struct row *row = &queries[_i];

	compare(row, question_of_query(row->text, row->allowed, &asked, &answer));
}
END_TEST

static const struct row bodies[] = {
	{ "", 0, NULL, { 0 } },
	{ "{}", 0, NULL, { 0 } },
	{ " { } \n", 0, NULL, { 0 } },
	{ "{\"guest\":\"we\\nb\",\"for_s\":5}",
	  ALL,
	  NULL,
	  { .given = ASKS_GUEST | ASKS_FOR_S, .guest = "we\nb", .for_s = 5 } },
	{ "{\"loop\":\"placement\"}", ALL, NULL, { .given = ASKS_LOOP, .loop = LOOP_PLACEMENT } },
	{ "{\"guest\":\"a,\\\"b\\\\\"}", ALL, NULL, { .given = ASKS_GUEST, .guest = "a,\"b\\" } },
	{ "{\"for_s\":31622400}", ALL, NULL, { .given = ASKS_FOR_S, .for_s = 31622400 } },
	{ "{\"for_s\":31622401}",
	  ALL,
	  "for_s: has to be a whole number from 1 to 31622400",
	  { 0 } },
	{ "{\"for_s\":0}", ALL, "for_s: has to be a whole number", { 0 } },
	{ "{\"for_s\":-5}", ALL, "for_s: has to be a whole number", { 0 } },
	{ "{\"for_s\":99999999999999999999999}", ALL, "for_s: has to be a whole number", { 0 } },
	{ "{\"for_s\":5.0}", ALL, "for_s: has to be a whole number", { 0 } },
	{ "{\"for_s\":\"5\"}", ALL, "for_s: has to be a whole number", { 0 } },
	{ "{\"for_s\":null}", ALL, "for_s: has to be a whole number", { 0 } },
	{ "{\"for_s\":[]}", ALL, "for_s: has to be a whole number", { 0 } },
	{ "{\"guest\":5}", ALL, "guest: has to be a guest's name", { 0 } },
	{ "{\"guest\":true}", ALL, "guest: has to be a guest's name", { 0 } },
	{ "{\"guest\":{}}", ALL, "guest: has to be a guest's name", { 0 } },
	{ "{\"guest\":\"a\\u0000b\"}", ALL, "guest: has a NUL byte", { 0 } },
	{ "{\"loop\":5}", ALL, "loop: has to be ksm", { 0 } },
	{ "{\"guest\":\"a\",\"guest\":\"b\"}", ALL, "each member once", { 0 } },
	{ "{\"guest\":\"a\",\"gue\\u0073t\":\"b\"}", ALL, "each member once", { 0 } },
	{ "{\"force\":1}", ASKS_LOOP, "force: cannot be asked here; allowed: loop", { 0 } },
	{ "{\"guest\":\"a\"", ALL, "one JSON object", { 0 } },
	{ "{\"guest\":\"a\"}}", ALL, "one JSON object", { 0 } },
	{ "{\"guest\":\"a\"} {}", ALL, "one JSON object", { 0 } },
	{ "{'guest':'a'}", ALL, "one JSON object", { 0 } },
	{ "{\"guest\":\"a\",}", ALL, "one JSON object", { 0 } },
	{ "{\"guest\":[[[[\"a\"]]]]}", ALL, "one JSON object", { 0 } },
	{ "{\"guest\":\"\xff\"}", ALL, "one JSON object", { 0 } },
	{ "[]", ALL, "one JSON object", { 0 } },
	{ "null", ALL, "one JSON object", { 0 } },
	{ "5", ALL, "one JSON object", { 0 } },
	{ "guest=web", ALL, "one JSON object", { 0 } },
};

START_TEST(a_body_is_understood_or_refused)
{
	const struct row *row = &bodies[_i];

	compare(row, question_of_body(row->text, strlen(row->text), row->allowed, &asked, &answer));
}
END_TEST

START_TEST(a_body_with_a_nul_byte_is_refused)
{
	static const char body[] = "{}\0{}";

	ck_assert_int_eq(question_of_body(body, sizeof body - 1, ALL, &asked, &answer), -1);
	ck_assert_int_eq(answer.status, 400);
}
END_TEST

static const struct {
	unsigned int given, needs;
	const char *said;
} checks[] = {
	{ 0, 0, NULL },
	{ ASKS_GUEST, ASKS_GUEST | ASKS_LOOP, NULL },
	{ ASKS_LOOP, ASKS_GUEST | ASKS_LOOP, NULL },
	{ ASKS_GUEST | ASKS_LOOP, 0, "either guest or loop" },
	{ 0, ASKS_GUEST | ASKS_LOOP, "one of these has to be given: guest, loop" },
	{ ASKS_MIB, ASKS_VCPUS, "given: vcpus" },
};

START_TEST(what_is_given_has_to_make_sense_together)
{
	struct question q = { .given = checks[_i].given };
	int r = question_check(&q, checks[_i].needs, &answer);

	ck_assert_int_eq(r, checks[_i].said ? -1 : 0);
	ck_assert_ptr_nonnull(strstr(message(), checks[_i].said ? checks[_i].said : ""));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http_question");
	TCase *c = tcase_create("question");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, a_query_is_understood_or_refused, 0, KT_ARRAY_LEN(queries));
	tcase_add_loop_test(c, a_body_is_understood_or_refused, 0, KT_ARRAY_LEN(bodies));
	tcase_add_test(c, a_body_with_a_nul_byte_is_refused);
	tcase_add_loop_test(c, what_is_given_has_to_make_sense_together, 0, KT_ARRAY_LEN(checks));
	suite_add_tcase(s, c);
	return kt_run(s);
}
