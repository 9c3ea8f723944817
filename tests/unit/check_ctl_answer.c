/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Can an answer make kvmtunectl do or show what it should not? */
#include <math.h>
#include <string.h>

#include "ctl.h"
#include "kt_check.h"

/* An object of this text; messages go nowhere. */
static struct json_object *parse(const char *text)
{
	KT_AUTOFREE char *copy = strdup(text);

	ck_assert_ptr_nonnull(copy);
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	return ctl_parse(copy, strlen(copy));
}

static const char *const refused[] = {
	"",
	" ",
	"null",
	"[]",
	"[{\"schema\":1}]",
	"{}",
	"{\"schema\":2}",
	"{\"schema\":\"1\"}",
	"{\"schema\":1.5}",
	"{\"schema\":1",
	"{\"schema\":1}}",
	"{\"schema\":1} {\"schema\":1}",
	"{\"schema\":1,\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
};

START_TEST(what_is_no_answer_is_refused)
{
	ck_assert_msg(!parse(refused[_i]), "taken: %s", refused[_i]);
}
END_TEST

/* Text of the answer, and what may be shown of it. */
static const struct {
	const char *sent, *shown;
} texts[] = {
	{ "web", "web" },           { "\\u001b[2J", "??001b[2J" }, { "\\n\\r\\t\\b", "????????" },
	{ "\\u009b", "??009b" },    { "a\\\\x0a", "a\\x0a" },      { "\\\"\\/", "\"/" },
	{ "\\\\u001b", "\\u001b" }, { "\\\\\\u001b", "\\??001b" },
};

START_TEST(no_escape_of_an_answer_reaches_the_terminal)
{
	char text[128];
	struct json_object *answer;

	(void)snprintf(text, sizeof text, "{\"schema\":1,\"text\":\"%s\"}", texts[_i].sent);
	answer = parse(text);
	ck_assert_ptr_nonnull(answer);
	ck_assert_str_eq(get_text(answer, "text"), texts[_i].shown);
	json_object_put(answer);
}
END_TEST

static const struct {
	const char *shape;
	bool fits;
} shapes[] = {
	{ "", true },
	{ "text:s", true },
	{ "text:s number:n real:n flag:b list:a object:o", true },
	{ "text:n", false },
	{ "number:s", false },
	{ "real:b", false },
	{ "flag:n", false },
	{ "list:o", false },
	{ "object:a", false },
	{ "missing:s", false },
	{ "missing:s?", true },
	{ "nothing:s", false },
	{ "nothing:s?", true },
	{ "nothing:n? text:s", true },
	{ "nothing:n? text:n", false },
	{ "text:n?", false },
	{ "flag:b missing:b", false },
};

START_TEST(a_shape_is_what_must_be_there)
{
	struct json_object *answer =
		parse("{\"schema\":1,\"text\":\"t\",\"number\":1,\"real\":1.5,"
		      "\"flag\":true,\"list\":[],\"object\":{},\"nothing\":null}");

	ck_assert_msg(ctl_has_shape(answer, shapes[_i].shape, "it") == shapes[_i].fits, "%s",
		      shapes[_i].shape);
	json_object_put(answer);
}
END_TEST

START_TEST(a_member_of_another_type_is_as_none)
{
	struct json_object *answer =
		parse("{\"schema\":1,\"text\":\"7\",\"number\":7,\"list\":[1]}");

	ck_assert_ptr_null(get_text(answer, "number"));
	ck_assert_ptr_null(get_text(answer, "missing"));
	ck_assert(isnan(get_number(answer, "text")));
	ck_assert(isnan(get_number(NULL, "number")));
	ck_assert(get_number(answer, "number") == 7);
	ck_assert(!get_bool(answer, "number"));
	ck_assert_uint_eq(get_length(answer, "text"), 0);
	ck_assert_uint_eq(get_length(answer, "list"), 1);
	ck_assert_ptr_null(get_element(answer, "list", 1));
	ck_assert_ptr_null(get_element(answer, "text", 0));
	ck_assert_ptr_null(get_member(get_element(answer, "list", 0), "x"));
	json_object_put(answer);
}
END_TEST

static const struct {
	const char *text, *encoded;
} names[] = {
	{ "web-01", "web-01" },
	{ "a b", "a%20b" },
	{ "a&loop=ksm#?/", "a%26loop%3Dksm%23%3F%2F" },
	{ "\xc3\xa4\n", "%C3%A4%0A" },
	{ "%41", "%2541" },
	{ "", "" },
};

START_TEST(a_name_is_one_value_of_a_query)
{
	KT_AUTOFREE char *question = ctl_question_about("/v1/status?guest=", names[_i].text);

	ck_assert_int_eq(strncmp(question, "/v1/status?guest=", 17), 0);
	ck_assert_str_eq(question + 17, names[_i].encoded);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ctl_answer");
	TCase *t = tcase_create("answers of the daemon");

	tcase_add_loop_test(t, what_is_no_answer_is_refused, 0, (int)KT_ARRAY_LEN(refused));
	tcase_add_loop_test(t, no_escape_of_an_answer_reaches_the_terminal, 0,
			    (int)KT_ARRAY_LEN(texts));
	tcase_add_loop_test(t, a_shape_is_what_must_be_there, 0, (int)KT_ARRAY_LEN(shapes));
	tcase_add_test(t, a_member_of_another_type_is_as_none);
	tcase_add_loop_test(t, a_name_is_one_value_of_a_query, 0, (int)KT_ARRAY_LEN(names));
	suite_add_tcase(s, t);
	return kt_run(s);
}
