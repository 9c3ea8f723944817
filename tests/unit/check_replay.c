/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a file that is no recording refused with the reason, and does none do harm? */
#include <stdarg.h>
#include <sysexits.h>

#include "record_unit_fixture.h"
#include "replay.h"

static char path[64];
static char *out_text, *err_text;
static char *header, *whole, *next; /* lines of a recording that is one */

static char *header_text(void)
{
	struct json_object *o = recorder_header();
	char *text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));

	json_object_put(o);
	return text;
}

static void setup(void)
{
	struct record_world *w = record_world_new();
	struct recorder *r = recorder_new();
	uint64_t seed = fixture_seed(2);
	int fd;

	strcpy(path, "/tmp/kvmtuned-check-replay-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	header = header_text();
	record_world_change(w, &seed);
	w->tick.now_ns = KT_NS_PER_S;
	whole = recorder_line(r, &w->tick);
	record_world_change(w, &seed);
	w->tick.first = false;
	w->tick.now_ns = 6 * KT_NS_PER_S;
	next = recorder_line(r, &w->tick);
	ck_assert(header && whole && next);
	recorder_free(r);
	free(w);
}

static void teardown(void)
{
	unlink(path);
	free(header);
	free(whole);
	free(next);
	free(out_text);
	free(err_text);
	out_text = err_text = NULL;
}

static int play_bytes(const char *text, size_t bytes)
{
	FILE *file = fopen(path, "w"), *out, *err;
	size_t size;
	int status;

	free(out_text);
	free(err_text);
	ck_assert_uint_eq(fwrite(text, 1, bytes, file), bytes);
	fclose(file);
	out = open_memstream(&out_text, &size);
	err = open_memstream(&err_text, &size);
	status = replay(path, NULL, false, out, err);
	fclose(out);
	fclose(err);
	return status;
}

static int KT_PRINTF(1, 2) play(const char *fmt, ...)
{
	char *text;
	va_list args;
	int n, status;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	ck_assert_int_ge(n, 0);
	status = play_bytes(text, (size_t)n);
	free(text);
	return status;
}

static void expect_refused(unsigned int line, const char *why)
{
	char where[64];

	(void)snprintf(where, sizeof where, ":%u: ", line);
	ck_assert_msg(strstr(err_text, where) && strstr(err_text, why), "\"%s\" has no \"%s%s\"",
		      err_text, where, why);
	ck_assert_uint_lt(strlen(err_text), 300);
}

START_TEST(a_recording_is_played)
{
	int status = play("%s\n%s\n%s\n", header, whole, next);

	ck_assert_msg(status == 0 || status == REPLAY_DIFFERS, "%s", err_text);
	ck_assert_str_eq(err_text, "");
	ck_assert_ptr_nonnull(strstr(out_text, "2 ticks, "));
	/* The last line may lack its end. */
	ck_assert_int_ne(play("%s\n%s\n%s", header, whole, next), EXIT_FAILURE);
}
END_TEST

/* The fixture has it in one tick, and not in the other. */
START_TEST(tuned_has_ksm_when_it_had)
{
	struct replay *r = replay_new(NULL);

	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(replay_take(r, header, strlen(header)), 0);
	ck_assert_int_eq(replay_take(r, whole, strlen(whole)), 1);
	ck_assert(r->view->tuned_has_ksm);
	ck_assert_int_eq(replay_take(r, next, strlen(next)), 1);
	ck_assert(!r->view->tuned_has_ksm);
	replay_free(r);
}
END_TEST

/* After the header; %s is a whole tick. */
static const struct {
	const char *line, *why;
} refused[] = {
	{ "", "not JSON" },
	{ "{", "not JSON" },
	{ "nonsense", "not JSON" },
	{ "{} {}", "not JSON" },
	{ "[]", "no JSON object" },
	{ "null", "no JSON object" },
	{ "7", "no JSON object" },
	{ "{}", "no tick" },
	{ "{\"schema\":2,\"tick\":[]}", "no tick" },
	{ "{\"schema\":\"1\",\"tick\":[]}", "no tick" },
	{ "{\"schema\":1,\"whole\":true,\"tick\":{}}", "no list" },
	{ "{\"schema\":1,\"tick\":[]}", "the beginning is missing" },
	{ "{\"schema\":1,\"kind\":\"kvmtuned-recording\"}", "another recording" },
	{ "{\"schema\":1,\"tick\":[[[[[[[[]]]]]]]]}", "not JSON" },
#define WHOLE(rest) "{\"schema\":1,\"whole\":true,\"tick\":[]," rest "}"
	{ WHOLE("\"host\":[1.5]"), "whole number" },
	{ WHOLE("\"host\":[\"1\"]"), "whole number" },
	{ WHOLE("\"host\":[null]"), "whole number" },
	{ WHOLE("\"host\":[0]"), "whole number" },
	{ WHOLE("\"host\":[0,-1]"), "longer" },
	{ WHOLE("\"host\":[0,1000000000]"), "longer" },
	{ WHOLE("\"host\":[0,9223372036854775807,1]"), "longer" },
	{ WHOLE("\"in_force\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"), "longer" },
	{ WHOLE("\"in_force\":[2]"), "more than can be" },
	{ WHOLE("\"in_force\":[-1]"), "more than can be" },
	{ WHOLE("\"in_force\":[0,10,1024]"), "more than can be" },
	{ WHOLE("\"in_force\":[99999999999999999999999]"), "more than can be" },
	{ WHOLE("\"plan\":[0,6,999]"), "more than can be" },
	{ "{\"schema\":1,\"whole\":true,\"tick\":[0,8,1000000000]}", "more than can be" },
	{ WHOLE("\"guests\":[1]"), "no list" },
	{ WHOLE("\"guests\":[[]]"), "no list" },
	{ WHOLE("\"guests\":[[1000000000,1]]"), "more than 1024" },
	{ WHOLE("\"guests\":[[-1,1]]"), "more than 1024" },
	{ WHOLE("\"guests\":[[\"web\",1]]"), "more than 1024" },
	{ WHOLE("\"nodes\":[[64,1]]"), "more than 64" },
	{ WHOLE("\"caches\":[[256,1]]"), "more than 256" },
	{ WHOLE("\"topology\":[0,35,1024]"), "more than can be" },
	{ WHOLE("\"domains\":[[0,0,6,4294967295]]"), "more than can be" },
	{ WHOLE("\"identities\":[[0,\"a\",\"b\"]]"), "name or UUID" },
	{ WHOLE("\"identities\":[[0]]"), "name or UUID" },
	{ WHOLE("\"identities\":[[0,\"\\\\x0\",\"00000000-0000-0000-0000-000000000000\"]]"),
	  "name or UUID" },
	{ WHOLE("\"options\":[[\"ksm\",\"mode\"]]"), "section, key, value" },
	{ WHOLE("\"options\":[7]"), "section, key, value" },
};

START_TEST(what_is_no_tick_is_refused)
{
	ck_assert_int_eq(play("%s\n%s\n", header, refused[_i].line), EXIT_FAILURE);
	expect_refused(2, refused[_i].why);
	ck_assert_str_eq(out_text, "");
}
END_TEST

START_TEST(what_is_no_header_is_refused)
{
	static const struct {
		const char *line, *why;
	} lines[] = {
		{ "\x7f"
		  "ELF",
		  "not JSON" },
		{ "{\"schema\":1}", "no recording of kvmtuned" },
		{ "{\"schema\":1,\"kind\":\"x\",\"fields\":{}}", "no recording of kvmtuned" },
		{ "{\"schema\":2,\"kind\":\"kvmtuned-recording\",\"fields\":{}}", "schema 1 only" },
		{ "{\"schema\":1,\"kind\":\"kvmtuned-recording\",\"fields\":{}}", "no \"tick\"" },
		{ "{\"schema\":1,\"kind\":\"kvmtuned-recording\",\"fields\":{\"tick\":[7]}}",
		  "no name" },
		{ "{\"schema\":1,\"kind\":\"kvmtuned-recording\",\"fields\":{\"tick\":"
		  "[\"a[99999]\"]}}",
		  "more than 8192" },
		{ "{\"schema\":1,\"kind\":\"kvmtuned-recording\",\"fields\":{\"tick\":"
		  "[\"a[0]\",\"b[]\"]}}",
		  "no name" },
	};

	for (size_t i = 0; i < KT_ARRAY_LEN(lines); i++) {
		ck_assert_int_eq(play("%s\n%s\n", lines[i].line, whole), EXIT_FAILURE);
		expect_refused(1, lines[i].why);
	}
	ck_assert_int_eq(play("%s\n%s\n", whole, next), EXIT_FAILURE);
	expect_refused(1, "no recording of kvmtuned");
}
END_TEST

START_TEST(a_file_without_a_tick_is_refused)
{
	ck_assert_int_eq(play("%s", ""), EXIT_FAILURE);
	ck_assert_ptr_nonnull(strstr(err_text, "no tick"));
	ck_assert_int_eq(play("%s\n", header), EXIT_FAILURE);
	ck_assert_ptr_nonnull(strstr(err_text, "no tick"));
	ck_assert_int_eq(play_bytes("a\0b\n", 4), EXIT_FAILURE);
	expect_refused(1, "byte 0");
}
END_TEST

START_TEST(what_cannot_be_read_is_said)
{
	FILE *err;
	size_t size;

	err = open_memstream(&err_text, &size);
	ck_assert_int_eq(replay("/nonexistent\n", NULL, false, stdout, err), EXIT_FAILURE);
	ck_assert_int_eq(replay("/", NULL, false, stdout, err), EXIT_FAILURE);
	ck_assert_int_eq(replay(path, "/nonexistent.conf", false, stdout, err), EX_CONFIG);
	fclose(err);
	ck_assert_ptr_nonnull(strstr(err_text, "/nonexistent\\x0a: No such file"));
	ck_assert_ptr_nonnull(strstr(err_text, "/: Is a directory"));
	ck_assert_ptr_nonnull(strstr(err_text, "/nonexistent.conf: cannot be read"));
}
END_TEST

/* A line without an end, and one of nothing but small parts. */
START_TEST(memory_is_bounded)
{
	size_t bytes = RECORD_LINE_BYTES + 100;
	char *text = malloc(bytes);

	memset(text, 'x', bytes);
	ck_assert_int_eq(play_bytes(text, bytes), EXIT_FAILURE);
	expect_refused(1, "larger than any");
	memset(text, '[', bytes / 2);
	ck_assert_int_eq(play_bytes(text, bytes / 2), EXIT_FAILURE);
	expect_refused(1, "larger than any");
	free(text);
}
END_TEST

/* Fields that this version does not know are ignored, and those that it misses are said. */
START_TEST(a_recording_of_another_version_is_played)
{
	char *at = strstr(header, "\"tick\":[");
	char *other;
	int status;

	ck_assert_int_gt(asprintf(&other, "%.*s\"of_tomorrow[3]\",%s", (int)(at + 8 - header),
				  header, at + 8),
			 0);
	status = play("%s\n{\"schema\":1,\"whole\":true,\"tick\":[5,6,7,1000000000,1000000],"
		      "\"new\":{\"a\":[]}}\n",
		      other);
	free(other);
	ck_assert_msg(status == 0 || status == REPLAY_DIFFERS, "%s", err_text);
	ck_assert_ptr_nonnull(strstr(err_text, "another version"));
	ck_assert_ptr_nonnull(strstr(out_text, "1 ticks, 0 guests"));
}
END_TEST

/* ---- damage by chance --------------------------------------------------------------------------
 */

static void damage(char *text, uint64_t *seed)
{
	static const char likely[] = "0123456789-,[]{}\"e.";
	size_t n = strlen(text);

	for (uint64_t i = 1 + fixture_below(seed, 4); i > 0; i--) {
		char *at = text + fixture_below(seed, n);
		char c = likely[fixture_below(seed, sizeof likely - 1)];

		/* Mostly one number for another: what is no JSON gets nowhere. */
		if (*at >= '0' && *at <= '9')
			*at = (char)('0' + fixture_below(seed, 10));
		else if (!fixture_below(seed, 4))
			*at = c ? c : '0';
	}
	if (!fixture_below(seed, 20))
		text[fixture_below(seed, n)] = '\0';
}

START_TEST(a_damaged_recording_does_no_harm)
{
	uint64_t seed = fixture_seed(_i);
	unsigned int nplayed = 0;

	for (int i = 0; i < 60; i++) {
		char *lines[] = { strdup(header), strdup(whole), strdup(next) };
		int status;

		damage(lines[fixture_below(&seed, 20) ? 1 + fixture_below(&seed, 2) : 0], &seed);
		status = play("%s\n%s\n%s\n", lines[0], lines[1], lines[2]);
		ck_assert(status == 0 || status == EXIT_FAILURE || status == REPLAY_DIFFERS);
		nplayed += status != EXIT_FAILURE;
		for (size_t l = 0; l < KT_ARRAY_LEN(lines); l++)
			free(lines[l]);
	}
	ck_assert_uint_gt(nplayed, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("replay");
	TCase *c = tcase_create("files"), *any = tcase_create("any_input");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, tuned_has_ksm_when_it_had);
	tcase_add_test(c, a_recording_is_played);
	tcase_add_loop_test(c, what_is_no_tick_is_refused, 0, (int)KT_ARRAY_LEN(refused));
	tcase_add_test(c, what_is_no_header_is_refused);
	tcase_add_test(c, a_file_without_a_tick_is_refused);
	tcase_add_test(c, what_cannot_be_read_is_said);
	tcase_add_test(c, memory_is_bounded);
	tcase_add_test(c, a_recording_of_another_version_is_played);
	tcase_set_timeout(any, 60);
	tcase_add_checked_fixture(any, setup, teardown);
	tcase_add_loop_test(any, a_damaged_recording_does_no_harm, 1, 8);
	suite_add_tcase(s, c);
	suite_add_tcase(s, any);
	return kt_run(s);
}
