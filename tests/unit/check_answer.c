/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are members, errors and guests what every answer relies on? */
#include <math.h>
#include <string.h>

#include "answer.h"
#include "kt_check.h"

static struct kvmtuned *k;

static void put_guest(const char *name, const char *uuid, int id)
{
	struct domain d = { .id = id };

	ck_assert_int_eq(uuid_parse(uuid, &d.uuid), 0);
	strcpy(d.name, name);
	ck_assert_int_ge(domains_put(k->domains, &d), 0);
}

#define UUID_OF_WEB "11111111-1111-1111-1111-111111111111"
#define UUID_OF_DB  "22222222-2222-2222-2222-222222222222"

static void setup(void)
{
	k = kvmtuned_new();
	ck_assert_ptr_nonnull(k);
	put_guest("web", UUID_OF_WEB, 3);
	put_guest("d\nb", UUID_OF_DB, 4);
	put_guest("7", "33333333-3333-3333-3333-333333333333", 5);
	put_guest("seven", "44444444-4444-4444-4444-444444444444", 7);
	put_guest("off", "55555555-5555-5555-5555-555555555555", -1);
}

static void teardown(void)
{
	kvmtuned_free(k);
}

static const struct {
	const char *asked;
	int slot, status;
} guests[] = {
	{ "web", 0, 200 },
	{ "WEB", -1, 404 },
	{ "we", -1, 404 },
	{ UUID_OF_WEB, 0, 200 },
	{ "3", 0, 200 },
	{ "d\nb", 1, 200 },
	{ "d\\x0ab", 1, 200 },
	{ UUID_OF_DB, 1, 200 },
	{ "5", 2, 200 },
	{ "7", -1, 409 }, /* the name of one, the id of another */
	{ "seven", 3, 200 },
	{ "18446744073709551615", -1, 404 }, /* -1 means that it does not run */
	{ "0", -1, 404 },
	{ "", -1, 404 },
};

START_TEST(a_guest_is_found_by_all_that_it_is_called)
{
	struct question q = { .given = ASKS_GUEST, .guest = guests[_i].asked };
	struct answer answer = { .status = 200 };

	ck_assert_msg(answer_find_guest(k, &q, &answer) == guests[_i].slot, "%s", q.guest);
	ck_assert_int_eq(answer.status, guests[_i].status);
	ck_assert((answer.json != NULL) == (guests[_i].slot < 0));
	json_object_put(answer.json);
}
END_TEST

START_TEST(the_name_in_an_error_is_escaped)
{
	struct question q = { .given = ASKS_GUEST, .guest = "\x1b[2J\"\n" };
	struct answer answer = { .status = 200 };

	ck_assert_int_eq(answer_find_guest(k, &q, &answer), -1);
	ck_assert_str_eq(
		json_object_to_json_string_ext(answer.json, JSON_C_TO_STRING_PLAIN),
		"{\"schema\":1,\"error\":\"no-such-guest\",\"message\":\"no guest is "
		"called \\\"\\\\x1b[2J\\\\x22\\\\x0a\\\"; kvmtunectl status lists them\"}");
	json_object_put(answer.json);
}
END_TEST

START_TEST(an_error_takes_the_place_of_an_answer)
{
	struct answer answer = { .status = 200,
				 .json = json_object_new_object(),
				 .text = strdup("x"),
				 .type = "text/plain",
				 .stream = STREAM_RECORD };

	answer_error(&answer, 500, "failed", "no %d", 1);
	ck_assert_int_eq(answer.status, 500);
	ck_assert(!answer.text && !answer.type && answer.stream == STREAM_NONE);
	json_object_put(answer.json);
}
END_TEST

START_TEST(numbers_are_plain)
{
	struct json_object *o = json_object_new_object();

	json_put_number(o, "a", 0.1 + 0.2);
	json_put_number(o, "b", 1763000000.123456);
	json_put_number(o, "c", 5);
	json_put_number(o, "d", (double)NAN);
	json_put_number(o, "e", (double)INFINITY);
	json_put_number(o, "f", 1e300);
	json_put_number(o, "g", -1e-9);
	json_put_count(o, "h", UINT64_MAX);
	json_put_bool(o, "i", true);
	json_put_name(o, "j", NULL);
	json_put_text(o, "k", NULL);
	json_put_name(o, "l", "\"\n");
	json_put_number(NULL, "m", 1); /* no memory for the object */
	ck_assert_str_eq(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
			 "{\"a\":0.3,\"b\":1763000000.12346,\"c\":5,\"d\":null,\"e\":null,"
			 "\"f\":1e+300,\"g\":0,\"h\":18446744073709551615,\"i\":true,\"j\":null,"
			 "\"k\":null,\"l\":\"\\\\x22\\\\x0a\"}");
	json_object_put(o);
}
END_TEST

START_TEST(a_moment_ago_is_a_moment_ago)
{
	uint64_t now_ns = now_monotonic_ns();
	double apart_s = answer_unix_s(now_ns) - answer_unix_s(now_ns - 100 * KT_NS_PER_S);

	ck_assert_double_eq_tol(apart_s, 100, 0.01);
	ck_assert_double_eq_tol(answer_unix_s(now_ns), (double)now_unix_us() / 1e6, 5);
}
END_TEST

START_TEST(loops_have_their_words)
{
	ck_assert_str_eq(loop_str(LOOP_KSM), "ksm");
	ck_assert_str_eq(loop_str(LOOP_PLACEMENT), "placement");
	ck_assert_str_eq(loop_str(LOOP_MEMORY), "memory");
	ck_assert_ptr_null(loop_str(_LOOP_MAX));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("answer");
	TCase *c = tcase_create("answer");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, a_guest_is_found_by_all_that_it_is_called, 0, KT_ARRAY_LEN(guests));
	tcase_add_test(c, the_name_in_an_error_is_escaped);
	tcase_add_test(c, an_error_takes_the_place_of_an_answer);
	tcase_add_test(c, numbers_are_plain);
	tcase_add_test(c, a_moment_ago_is_a_moment_ago);
	tcase_add_test(c, loops_have_their_words);
	suite_add_tcase(s, c);
	return kt_run(s);
}
