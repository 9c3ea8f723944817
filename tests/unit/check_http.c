/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is every request answered as it should be, and does no client harm the others?
 *
 * The answers themselves are other tests' business: pause and tick stand for all. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "http_fixture.h"

static struct kvmtuned *k;
static struct http *h;
static char said[4096];

static void hear(const struct log_event *e, void *context)
{
	size_t n = strlen(said);

	(void)context;
	(void)snprintf(said + n, sizeof said - n, "%d %s\n", (int)e->level, e->message);
}

static void setup(void)
{
	make_base();
	k = calloc(1, sizeof *k);
	ck_assert_ptr_nonnull(k);
	k->domains = domains_new();
	strcpy(k->conf.run_dir, run_dir);
	strcpy(k->conf.metrics_listen, "off");
	said[0] = '\0';
	log_set_sink(hear, NULL, LOG_LEVEL_INFO);
}

static void setup_server(void)
{
	setup();
	ck_assert_int_eq(http_open(k, base, &h), 0);
}

static void teardown(void)
{
	http_close(h);
	free_base();
	domains_free(k->domains);
	free(k);
}

static const char *ask(const char *request, size_t length)
{
	int fd = dial();

	say_bytes(fd, request, length);
	return hear_all(fd);
}

#define CLOSE     "Connection: close\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" CLOSE "\r\n"
#define POST(path, length, body)                                                                   \
	"POST " path " HTTP/1.1\r\n" CLOSE "Content-Length: " length "\r\n\r\n" body

enum { OK_FOR_ROOT = 0 };

static const struct {
	const char *request;
	int status; /* 0: 200, and 403 unless we are root */
	const char *has;
} requests[] = {
	{ POST("/v1/tick", "0", ""), OK_FOR_ROOT, "" },
	{ POST("/v1/tick", "2", "{}"), OK_FOR_ROOT, "" },
	{ "POST /v1/tick HTTP/1.1\r\n" CLOSE "\r\n", OK_FOR_ROOT, "" },
	{ "POST /v1/tick HTTP/1.0\r\n\r\n", OK_FOR_ROOT, "" },
	{ "POST http://localhost/v1/tick HTTP/1.1\r\n" CLOSE "\r\n", OK_FOR_ROOT, "" },
	{ POST("/v1/pause", "14", "{\"loop\":\"ksm\"}"), OK_FOR_ROOT, "" },
	{ GET("/v1/explain"), 400, "one of these has to be given" },
	{ GET("/v1/explain?guest=a&loop=ksm"), 400, "not both" },
	{ GET("/v1/plan?guest=a"), 400, "allowed: nothing" },
	{ GET("/v1/tick"), 405, "\r\nAllow: POST\r\n" },
	{ POST("/v1/status", "0", ""), 405, "\r\nAllow: GET\r\n" },
	{ "HEAD /v1/status HTTP/1.1\r\n" CLOSE "\r\n", 405, "\r\nAllow: GET\r\n" },
	{ "DELETE /v1/status HTTP/1.1\r\n" CLOSE "\r\n", 405, "method-not-allowed" },
	{ "OPTIONS /metrics HTTP/1.1\r\n" CLOSE "\r\n", 405, "method-not-allowed" },
	{ GET("/"), 404, "not-found" },
	{ GET("/v1"), 404, "not-found" },
	{ GET("/v1/status/"), 404, "not-found" },
	{ GET("/v1/../v1/tick"), 404, "not-found" },
	{ GET("/v1/%73tatus"), 404, "not-found" },
	{ GET("/v2/status"), 404, "not-found" },
	/* evhttp's own words */
	{ "FOO /v1/status HTTP/1.1\r\n" CLOSE "\r\n", 501, "" },
	{ "GET\r\n\r\n", 400, "" },
	{ "\x16\x03\x01\x02 \x01\r\n\r\n", 400, "" },
	{ "GET /v1/status HTTP/9.9\r\n\r\n", 400, "" },
	{ POST("/v1/pause", "4097", ""), 413, "" },
	{ POST("/v1/pause", "99999999999999999999", ""), 413, "" },
	{ POST("/v1/pause", "-1", ""), 400, "" },
};

START_TEST(a_request_is_answered_with_its_status)
{
	const char *got = ask(requests[_i].request, strlen(requests[_i].request));
	int status = 0;

	ck_assert_msg(sscanf(got, "HTTP/1.%*d %d ", &status) == 1, "%s: %s", requests[_i].request,
		      got);
	ck_assert_msg(status == (requests[_i].status ? requests[_i].status
				 : geteuid() == 0    ? 200
						     : 403),
		      "%s: %s", requests[_i].request, got);
	ck_assert_msg(strstr(got, requests[_i].has) != NULL, "%s: %s", requests[_i].request, got);
}
END_TEST

START_TEST(all_of_ours_is_json_that_nobody_keeps)
{
	const char *got = ask(GET("/nowhere"), strlen(GET("/nowhere")));

	ck_assert_ptr_nonnull(strstr(got, "\r\nContent-Type: application/json\r\n"));
	ck_assert_ptr_nonnull(strstr(got, "\r\nCache-Control: no-store\r\n"));
	ck_assert_ptr_nonnull(strstr(got, "\r\n\r\n{\"schema\":1,\"error\":\"not-found\","));
}
END_TEST

START_TEST(headers_without_end_are_not_read_forever)
{
	static char request[64 * 1024] = "GET /v1/status HTTP/1.1\r\nX: ";
	size_t n = strlen(request);

	memset(request + n, 'x', sizeof request - 1 - n);
	ck_assert_ptr_nonnull(strstr(ask(request, 12 * 1024), "HTTP/1.1 4"));
}
END_TEST

START_TEST(a_body_in_pieces_is_one_body)
{
	static const char begin[] = "POST /v1/pause HTTP/1.1\r\nContent-Length: 5\r\n\r\n{\"x";
	int fd = dial();

	say_bytes(fd, begin, sizeof begin - 1);
	turn();
	say_bytes(fd, "\"}", 2);
	(void)hear_until(fd, "\r\n\r\n{");
	ck_assert_ptr_nonnull(strstr(reply, geteuid() == 0 ? "HTTP/1.1 400" : "HTTP/1.1 403"));
	/* The connection is good for the next. */
	say_bytes(fd, GET("/v1/none"), strlen(GET("/v1/none")));
	ck_assert_ptr_nonnull(strstr(hear_all(fd), "HTTP/1.1 404"));
}
END_TEST

/* ---- the socket --------------------------------------------------------------------------- */

static char *path_of_socket(void)
{
	static char path[96];

	(void)snprintf(path, sizeof path, "%s/kvmtuned.sock", run_dir);
	return path;
}

START_TEST(nobody_else_can_connect)
{
	struct stat st;

	ck_assert_int_eq(lstat(path_of_socket(), &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0117, 0);
	if (st.st_gid == getegid()) /* there is no group kvmtuned, or it could not be given to it */
		ck_assert_uint_eq(st.st_uid, geteuid());
}
END_TEST

START_TEST(the_socket_goes_with_the_server)
{
	http_close(h);
	h = NULL;
	ck_assert_int_eq(access(path_of_socket(), F_OK), -1);
}
END_TEST

START_TEST(a_socket_that_is_left_over_is_replaced)
{
	int fd = dial();

	/* As after kill -9: the name is there, and nobody listens. */
	close(fd);
	http_close(h);
	ck_assert_int_eq(mknod(path_of_socket(), S_IFSOCK | 0600, 0), 0);
	ck_assert_int_eq(http_open(k, base, &h), 0);
	ck_assert_ptr_nonnull(strstr(ask(GET("/x"), strlen(GET("/x"))), "404"));
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(a_dry_run_leaves_the_socket_of_another_alone)
{
	struct kvmtuned *other = calloc(1, sizeof *other);
	struct http *none = NULL;

	ck_assert_ptr_nonnull(other);
	other->dry_run = true;
	strcpy(other->conf.run_dir, run_dir);
	strcpy(other->conf.metrics_listen, "off");
	ck_assert_int_eq(http_open(other, base, &none), -EADDRINUSE);
	ck_assert_ptr_null(none);
	ck_assert_ptr_nonnull(strstr(said, "6 another kvmtuned answers at "));
	ck_assert_ptr_nonnull(strstr(ask(GET("/x"), strlen(GET("/x"))), "404"));
	http_close(h);
	h = NULL;
	ck_assert_int_eq(mknod(path_of_socket(), S_IFSOCK | 0600, 0), 0);
	ck_assert_int_eq(http_open(other, base, &h), 0);
	http_close(h);
	h = NULL;
	free(other);
}
END_TEST

START_TEST(the_socket_of_a_successor_is_left_alone)
{
	struct http *successor = NULL;

	ck_assert_int_eq(http_open(k, base, &successor), 0);
	http_close(h);
	h = successor;
	ck_assert_ptr_nonnull(strstr(ask(GET("/x"), strlen(GET("/x"))), "404"));
}
END_TEST

START_TEST(a_socket_that_cannot_be_made_is_said)
{
	static const struct {
		const char *run_dir;
		int error;
	} places[] = {
		{ "/nonexistent/kvmtuned", -ENOENT },
		{ "/proc/self/status", -ENOTDIR },
		{ "/tmp/0123456789012345678901234567890123456789012345678901234567890123456789"
		  "01234567890123456789",
		  -ENAMETOOLONG },
	};

	h = NULL;
	strcpy(k->conf.run_dir, places[_i].run_dir);
	ck_assert_int_eq(http_open(k, base, &h), places[_i].error);
	ck_assert_ptr_null(h);
	ck_assert_ptr_nonnull(strstr(said, "kvmtuned.sock cannot be made ("));
	http_stream(h, STREAM_RECORD, "x"); /* nobody listens */
	ck_assert(!http_has_followers(h, STREAM_RECORD));
}
END_TEST

/* ---- many --------------------------------------------------------------------------------- */

START_TEST(the_most_silent_makes_room)
{
	int fd[CONNECTIONS_MAX + 40], last;
	char byte;

	for (size_t i = 0; i < KT_ARRAY_LEN(fd); i++) {
		fd[i] = dial();
		turn();
		if (i % 100)
			continue; /* the oldest is not the most silent */
		say_bytes(fd[0], "GET /x HTTP/1.1\r\n\r\n", 19);
		(void)hear_until(fd[0], "404");
	}
	last = dial();
	say_bytes(last, GET("/x"), strlen(GET("/x")));
	ck_assert_ptr_nonnull(strstr(hear_all(last), "404"));
	turn();
	ck_assert_int_eq(recv(fd[1], &byte, 1, 0), 0);
	ck_assert_int_eq(recv(fd[40], &byte, 1, 0), 0);
	ck_assert_int_eq(recv(fd[50], &byte, 1, 0), -1);
	ck_assert_int_eq(recv(fd[KT_ARRAY_LEN(fd) - 1], &byte, 1, 0), -1);
	say_bytes(fd[0], GET("/x"), strlen(GET("/x")));
	for (size_t i = 1; i < KT_ARRAY_LEN(fd); i++)
		close(fd[i]);
	(void)hear_all(fd[0]);
}
END_TEST

static size_t count_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 4096; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(no_descriptor_stays_behind)
{
	size_t before = count_fds();

	for (size_t i = 0; i < 3 * CONNECTIONS_MAX; i++) {
		int fd = dial();

		if (i % 2)
			say_bytes(fd, "GET /x HT", 9);
		if (i % 3)
			turn();
		close(fd);
	}
	for (int i = 0; i < 100 && count_fds() != before; i++)
		turn();
	ck_assert_uint_eq(count_fds(), before);
	http_close(h);
	ck_assert_uint_lt(count_fds(), before);
	ck_assert_int_eq(http_open(k, base, &h), 0);
	ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(nobody_waits_until_all_others_are_accepted)
{
	int fd[100];
	size_t before, now;

	for (size_t i = 0; i < KT_ARRAY_LEN(fd); i++)
		fd[i] = dial();
	before = count_fds();
	for (size_t last = before; last < before + KT_ARRAY_LEN(fd); last = now) {
		(void)event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		now = count_fds();
		ck_assert_uint_le(now, last + 1);
	}
	for (size_t i = 0; i < KT_ARRAY_LEN(fd); i++)
		close(fd[i]);
}
END_TEST

START_TEST(a_lack_of_descriptors_is_said_and_ends)
{
	struct rlimit before, none;
	int fd = dial(), lowest = dup(fd);

	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)lowest;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	turn();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_msg(strstr(said, "nobody can connect for 1 s: Too many open files"), "%s", said);
	say_bytes(fd, GET("/x"), strlen(GET("/x")));
	ck_assert_ptr_nonnull(strstr(hear_all(fd), "404"));
}
END_TEST

/* The sanitizers would tell. */
START_TEST(an_answer_that_nobody_takes_may_outlive_the_server)
{
	static const char request[] = "GET /x HTTP/1.1\r\n\r\n";
	int fd = dial();
	ssize_t sent;

	/* Until neither side's socket takes any more. */
	do {
		for (sent = 0; send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0;)
			sent++;
		for (int i = 0; i < 1000; i++)
			turn();
	} while (sent > 0);
	http_close(h);
	turn();
	h = NULL;
	close(fd);
}
END_TEST

/* ---- ticks -------------------------------------------------------------------------------- */

enum { WAITING = 50 };

static struct event *tick;
static int nanswered, answered_before_tick = -1;

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what, (void)context;
	answered_before_tick = nanswered;
}

static void on_question(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what, (void)context;
	if (++nanswered == 5)
		event_active(tick, 0, 0);
}

START_TEST(a_tick_waits_for_one_question_at_most)
{
	struct event *question[WAITING];

	nanswered = 0;
	tick = event_new(base, -1, 0, on_tick, NULL);
	ck_assert_int_eq(urgent_make(tick), 0);
	for (size_t i = 0; i < WAITING; i++) {
		question[i] = event_new(base, -1, 0, on_question, NULL);
		event_active(question[i], 0, 0);
	}
	while (nanswered < WAITING)
		turn();
	ck_assert_int_eq(answered_before_tick, 5);
	for (size_t i = 0; i < WAITING; i++)
		event_free(question[i]);
	event_free(tick);
}
END_TEST

START_TEST(an_event_that_could_not_be_made_is_an_error)
{
	ck_assert_int_eq(urgent_make(NULL), -ENOMEM);
	ck_assert_int_eq(urgent_add(NULL), -ENOMEM);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http");
	TCase *c = tcase_create("server"), *bare = tcase_create("bare");

	tcase_add_checked_fixture(c, setup_server, teardown);
	tcase_add_loop_test(c, a_request_is_answered_with_its_status, 0, KT_ARRAY_LEN(requests));
	tcase_add_test(c, all_of_ours_is_json_that_nobody_keeps);
	tcase_add_test(c, headers_without_end_are_not_read_forever);
	tcase_add_test(c, a_body_in_pieces_is_one_body);
	tcase_add_test(c, nobody_else_can_connect);
	tcase_add_test(c, the_socket_goes_with_the_server);
	tcase_add_test(c, a_socket_that_is_left_over_is_replaced);
	tcase_add_test(c, a_dry_run_leaves_the_socket_of_another_alone);
	tcase_add_test(c, the_socket_of_a_successor_is_left_alone);
	tcase_add_test(c, the_most_silent_makes_room);
	tcase_add_test(c, no_descriptor_stays_behind);
	tcase_add_test(c, nobody_waits_until_all_others_are_accepted);
	tcase_add_test(c, a_lack_of_descriptors_is_said_and_ends);
	tcase_add_test(c, an_answer_that_nobody_takes_may_outlive_the_server);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(bare, setup, teardown);
	tcase_add_loop_test(bare, a_socket_that_cannot_be_made_is_said, 0, 3);
	tcase_add_test(bare, a_tick_waits_for_one_question_at_most);
	tcase_add_test(bare, an_event_that_could_not_be_made_is_an_error);
	suite_add_tcase(s, bare);
	return kt_run(s);
}
