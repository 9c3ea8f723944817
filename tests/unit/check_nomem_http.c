/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a client get when memory runs out on the way to its answer, what
 * does it set in motion, and is the next one answered? */
#include "nomem.h"

#include <grp.h>

#include "answer_fixture.h"
#include "http_fixture.h"

static struct http *h;

/* json-c 0.16 loses the copy of a key when the table has no memory to grow. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:json_object_object_add_ex";
}

/* glibc 2.36 does not look whether it has got it. */
NOMEM_SPARED(struct group *, getgrnam, (const char *name), (name))

/* Nor does libevent 2.1.12 where it accepts, reads and sends: from the question
 * to the reply nothing is spared. */
static bool is_asked;

struct evkeyvalq *evhttp_request_get_output_headers(struct evhttp_request *request)
{
	typedef struct evkeyvalq *headers_fn(struct evhttp_request *);
	headers_fn *call;

	*(void **)&call = dlsym(RTLD_NEXT, "evhttp_request_get_output_headers");
	nomem_paused = nomem_paused && !is_asked;
	return call(request);
}

static void answered(void)
{
	nomem_paused = true;
}

void evhttp_send_reply(struct evhttp_request *request, int status, const char *reason,
		       struct evbuffer *body)
{
	typedef void send_fn(struct evhttp_request *, int, const char *, struct evbuffer *);
	send_fn *call;

	*(void **)&call = dlsym(RTLD_NEXT, "evhttp_send_reply");
	answered();
	call(request, status, reason, body);
}

void evhttp_send_reply_start(struct evhttp_request *request, int status, const char *reason)
{
	typedef void send_fn(struct evhttp_request *, int, const char *);
	send_fn *call;

	*(void **)&call = dlsym(RTLD_NEXT, "evhttp_send_reply_start");
	answered();
	call(request, status, reason);
}

/* json-c's tokener copies a name with it. */
char *strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	bool paused = nomem_paused;
	char *copy;

	nomem_paused = true;
	copy = malloc(size);
	nomem_paused = paused;
	return copy ? memcpy(copy, text, size) : NULL;
}

static void setup(void)
{
	answer_setup();
	make_base();
	strcpy(k->conf.run_dir, run_dir);
	strcpy(k->conf.metrics_listen, "off");
	(void)add_guest(1, "web-01");
	(void)add_guest(2, "db-02");
	tick(KT_NS_PER_S);
}

static void teardown(void)
{
	http_close(h);
	h = NULL;
	free_base();
	answer_teardown();
}

/* ---- one question
 * ---------------------------------------------------------------------------
 */

#define CLOSE     "Connection: close\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" CLOSE "\r\n"
#define POST(path, length, body)                                                                   \
	"POST " path " HTTP/1.1\r\n" CLOSE "Content-Length: " length "\r\n\r\n" body

enum { TURNS = 40 }; /* more than any answer takes */

static void ask_server(const char *request)
{
	int fd = dial();

	say_bytes(fd, request, strlen(request));
	for (int i = 0; i < TURNS; i++)
		turn();
	for (int i = 0; i < TURNS && take_more(fd); i++)
		turn();
	close(fd);
	turn();
}

static unsigned int ask_without_memory(const char *request, long at_, enum nomem_kind kind)
{
	unsigned int nfailed;
	int fd = dial();

	say_bytes(fd, request, strlen(request));
	nomem_begin(at_, kind);
	is_asked = nomem_paused = true;
	for (int i = 0; i < TURNS; i++)
		turn();
	is_asked = nomem_paused = false;
	nfailed = nomem_end();
	for (int i = 0; i < TURNS && take_more(fd); i++)
		turn();
	close(fd);
	turn();
	return nfailed;
}

static int status_of_reply(void)
{
	int status = 0;

	(void)sscanf(reply, "HTTP/1.%*d %d ", &status);
	return status;
}

/* Nothing, an error, or all of it. */
static bool is_whole(void)
{
	const char *body = strstr(reply, "\r\n\r\n"), *length = strstr(reply, "Content-Length: ");

	if (status_of_reply() != 200)
		return true;
	return body && length && strlen(body + 4) > 0 &&
	       strlen(body + 4) == strtoul(length + 16, NULL, 10);
}

static const char *const questions[] = {
	GET("/v1/status"),
	GET("/v1/explain?guest=web-01"),
	GET("/v1/advise?vcpus=2&mib=100"),
	GET("/metrics"),
	GET("/v1/none"),
	GET("/v1/tick"),
	POST("/v1/resume", "18", "{\"guest\":\"web-01\"}"),
};

START_TEST(an_answer_is_whole_or_none)
{
	const char *question = questions[_i / NOMEM_KINDS];
	unsigned int nfailed = 1;

	ck_assert_int_eq(http_open(k, base, &h), 0);
	for (long at_ = 1; nfailed > 0; at_++) {
		nfailed = ask_without_memory(question, at_, (enum nomem_kind)(_i % NOMEM_KINDS));
		ck_assert_msg(is_whole(), "request %ld of %s: %s", at_, question, reply);
		ask_server(GET("/v1/plan"));
		ck_assert_msg(status_of_reply() == 200 && is_whole(), "after request %ld of %s: %s",
			      at_, question, reply);
	}
}
END_TEST

/* ---- changes
 * --------------------------------------------------------------------------------
 */

static size_t loops_paused(void)
{
	size_t n = 0;

	for (size_t i = 0; i < _LOOP_MAX; i++)
		n += k->pauses.loop_until_ns[i] != 0;
	return n;
}

/* A member that is lost would pause all guests in the place of one. */
START_TEST(what_is_not_understood_pauses_nobody_else)
{
	unsigned int nfailed = 1;

	ck_assert_int_eq(http_open(k, base, &h), 0);
	for (long at_ = 1; nfailed > 0; at_++) {
		k->pauses = (struct pauses){ 0 };
		nfailed = ask_without_memory(POST("/v1/pause", "18", "{\"guest\":\"web-01\"}"), at_,
					     (enum nomem_kind)_i);
		ck_assert_msg(loops_paused() == 0, "request %ld: %s", at_, reply);
		ck_assert_uint_le(k->pauses.n, 1);
	}
	ck_assert_uint_eq(k->pauses.n, geteuid() == 0);
}
END_TEST

static const char *const bodies[] = { "{\"guest\":\"web-01\"}", "{\"guest\":\"a\",\"for_s\":60}",
				      "{\"loop\":\"ksm\"}" };
static const char *const queries[] = { "guest=web-01", "guest=a&for_s=60", "loop=ksm" };

START_TEST(a_question_is_understood_in_whole_or_refused)
{
	const unsigned int allowed = ASKS_GUEST | ASKS_LOOP | ASKS_FOR_S;
	const char *text = (_i % 2 ? bodies : queries)[_i / 2 % 3];
	enum nomem_kind kind = (enum nomem_kind)(_i / 6);
	struct asked whole;
	unsigned int nfailed = 1;

	ck_assert_int_eq((_i % 2 ? question_of_body(text, strlen(text), allowed, &whole, &answer)
				 : question_of_query(text, allowed, &whole, &answer)),
			 0);
	for (long at_ = 1; nfailed > 0; at_++) {
		struct asked asked;
		int r;

		answer_forget();
		nomem_begin(at_, kind);
		r = _i % 2 ? question_of_body(text, strlen(text), allowed, &asked, &answer)
			   : question_of_query(text, allowed, &asked, &answer);
		nfailed = nomem_end();
		ck_assert_msg(r < 0 || (asked.question.given == whole.question.given &&
					asked.question.for_s == whole.question.for_s &&
					strcmp(asked.guest, whole.guest) == 0),
			      "request %ld of %s: %x", at_, text, asked.question.given);
		ck_assert(r < 0 ? answer.status != 200 : true);
	}
}
END_TEST

/* ---- the server
 * ---------------------------------------------------------------------------------
 */

START_TEST(a_server_is_there_or_it_is_not)
{
	unsigned int nfailed = 1;

	for (long at_ = 1; nfailed > 0; at_++) {
		int r;

		h = NULL;
		nomem_begin(at_, (enum nomem_kind)_i);
		r = http_open(k, base, &h);
		nfailed = nomem_end();
		ck_assert_msg((r == 0) == (h != NULL), "request %ld: %d", at_, r);
		if (r == 0) {
			ask_server(GET("/v1/plan"));
			ck_assert_int_eq(status_of_reply(), 200);
		}
		http_close(h);
	}
	h = NULL;
}
END_TEST

/* A line reaches who follows, or the stream has ended. */
START_TEST(a_follower_misses_no_line)
{
	unsigned int nfailed = 1;

	ck_assert_int_eq(http_open(k, base, &h), 0);
	for (long at_ = 1; nfailed > 0; at_++) {
		int fd = dial();
		bool is_open = true;

		say_bytes(fd, GET("/v1/decisions?follow=1"), strlen(GET("/v1/decisions?follow=1")));
		nomem_begin(at_, (enum nomem_kind)_i);
		is_asked = nomem_paused = true;
		for (int i = 0; i < TURNS; i++)
			turn();
		is_asked = nomem_paused = false;
		http_stream(h, STREAM_DECISIONS, "{\"number\":1}");
		nfailed = nomem_end();
		http_stream(h, STREAM_DECISIONS, "{\"number\":2}");
		for (int i = 0; i < TURNS && is_open; i++) {
			turn();
			is_open = take_more(fd);
		}
		ck_assert_msg(!is_open || !strstr(reply, "\"number\":2") ||
				      strstr(reply, "\"number\":1"),
			      "request %ld: %s", at_, reply);
		close(fd);
		for (int i = 0; i < TURNS && http_has_followers(h, STREAM_DECISIONS); i++)
			turn();
		ck_assert_msg(!http_has_followers(h, STREAM_DECISIONS), "request %ld", at_);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("nomem_http");
	TCase *c = tcase_create("nomem_http");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, a_question_is_understood_in_whole_or_refused, 0, 6 * NOMEM_KINDS);
	tcase_add_loop_test(c, what_is_not_understood_pauses_nobody_else, 0, NOMEM_KINDS);
	tcase_add_loop_test(c, an_answer_is_whole_or_none, 0,
			    KT_ARRAY_LEN(questions) * NOMEM_KINDS);
	tcase_add_loop_test(c, a_server_is_there_or_it_is_not, 0, NOMEM_KINDS);
	tcase_add_loop_test(c, a_follower_misses_no_line, 0, NOMEM_KINDS);
	suite_add_tcase(s, c);
	return kt_run(s);
}
