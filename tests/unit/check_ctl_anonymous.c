/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a recording without names have none? */
#include <errno.h>
#include <string.h>

#include "anonymous.h"
#include "kt_check.h"

static struct anonymous *anonymous;

#define HEADER                                                                                     \
	"{\"schema\":1,\"kind\":\"kvmtuned-recording\",\"fields\":{\"identities\":[\"slot\","      \
	"\"name\",\"uuid\"],\"host\":[\"a\"]}}"
#define UUID(digit) "\"2222222" digit "-0000-0000-0000-000000000000\""

static void setup(void)
{
	anonymous = anonymous_new();
	ck_assert_ptr_nonnull(anonymous);
}

static void teardown(void)
{
	anonymous_free(anonymous);
}

/* What becomes of it, in a buffer of its own; the error. */
static int take(const char *line, char *ret, size_t size)
{
	struct json_object *o = json_tokener_parse(line);
	int r;

	ck_assert_ptr_nonnull(o);
	r = anonymous_take(anonymous, o);
	(void)snprintf(ret, size, "%s", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	return r;
}

static void expect(const char *line, const char *expected)
{
	char text[1024];

	ck_assert_int_eq(take(line, text, sizeof text), 0);
	ck_assert_str_eq(text, expected);
}

START_TEST(guests_have_numbers_that_stay_theirs)
{
	expect(HEADER, HEADER);
	expect("{\"identities\":[[3,\"web\"," UUID("1") "],[0,\"db\"," UUID("2") "]]}",
	       "{\"identities\":[[3,\"guest-1\",\"00000000-0000-0000-0000-000000000001\"],"
	       "[0,\"guest-2\",\"00000000-0000-0000-0000-000000000002\"]]}");
	/* In another slot, by another name, but the same. */
	expect("{\"identities\":[[7,\"db-old\"," UUID("2") "],[1,\"web\"," UUID("3") "]]}",
	       "{\"identities\":[[7,\"guest-2\",\"00000000-0000-0000-0000-000000000002\"],"
	       "[1,\"guest-3\",\"00000000-0000-0000-0000-000000000003\"]]}");
}
END_TEST

START_TEST(numbers_stay_and_text_goes)
{
	expect(HEADER, HEADER);
	expect("{\"schema\":1,\"whole\":true,\"tick\":[1,-2],\"guests\":[[0,5],[1,6]]}",
	       "{\"schema\":1,\"whole\":true,\"tick\":[1,-2],\"guests\":[[0,5],[1,6]]}");
	expect("{\"schema\":1,\"host\":[1,\"secret\"],\"a\":\"secret\",\"b\":{\"secret\":1},"
	       "\"guests\":[[1,[[\"secret\"]]],[{\"secret\":1}]],\"tick\":[1]}",
	       "{\"schema\":1,\"tick\":[1]}");
	expect("{\"options\":[[\"ksm\",\"mode\",\"active\"],[\"domain \\\"web-*\\\"\",\"ksm\","
	       "\"off\"],7,[\"domain \",\"a\",\"b\"]]}",
	       "{\"options\":[[\"ksm\",\"mode\",\"active\"]]}");
}
END_TEST

START_TEST(what_is_not_understood_is_refused)
{
	static const char *const headers[] = {
		"{}", "{\"fields\":7}", "{\"fields\":{\"identities\":[\"slot\",\"name\"]}}",
		"{\"fields\":{\"identities\":{\"name\":1,\"uuid\":2}}}"
	};
	static const char *const ticks[] = {
		"{\"identities\":[7]}",
		"{\"identities\":[[0]]}",
		"{\"identities\":[[0,\"web\"]]}",
		"{\"identities\":[[0,7," UUID("1") "]]}",
		"{\"identities\":[[0,\"web\"," UUID("1") ",\"more\"]]}",
	};
	char text[1024];

	for (size_t i = 0; i < KT_ARRAY_LEN(headers); i++)
		ck_assert_int_eq(take(headers[i], text, sizeof text), -EBADMSG);
	expect(HEADER, HEADER);
	for (size_t i = 0; i < KT_ARRAY_LEN(ticks); i++)
		ck_assert_int_eq(take(ticks[i], text, sizeof text), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ctl_anonymous");
	TCase *c = tcase_create("lines");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, guests_have_numbers_that_stay_theirs);
	tcase_add_test(c, numbers_stay_and_text_goes);
	tcase_add_test(c, what_is_not_understood_is_refused);
	suite_add_tcase(s, c);
	return kt_run(s);
}
