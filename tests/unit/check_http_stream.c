/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do followers get each line, and is one that does not keep up let go?
 *
 * The server is evhttp with the daemon's own socket; the daemon's paths are not. */
#include "http_fixture.h"

static struct evhttp *server;
static struct followers followers;
static struct local_socket name;
static const char *backlog;

/* ?text: a backlog; ?json: a first line. */
static void on_request(struct evhttp_request *request, void *context)
{
	struct answer answer = { .status = 200, .stream = STREAM_DECISIONS };
	struct follower *f = followers_place(&followers);

	(void)context;
	ck_assert_ptr_nonnull(f);
	answer.text = backlog ? strdup(backlog) : NULL;
	if (!backlog)
		answer.json = json_tokener_parse("{\"first\": \"/\"}");
	follower_begin(f, request, &answer);
	free(answer.text);
	json_object_put(answer.json);
}

static void setup(void)
{
	struct evconnlistener *listener = NULL;

	make_base();
	ck_assert_int_eq(listen_local(run_dir, true, base, &name, &listener), 0);
	server = evhttp_new(base);
	ck_assert_ptr_nonnull(evhttp_bind_listener(server, listener));
	evhttp_set_gencb(server, on_request, NULL);
	evhttp_set_timeout(server, 5);
	followers = (struct followers){ 0 };
	backlog = "";
}

static void teardown(void)
{
	local_socket_remove(&name);
	if (server)
		evhttp_free(server);
	ck_assert(!followers_any(&followers, STREAM_DECISIONS));
	free_base();
}

static size_t count_followers(void)
{
	size_t n = 0;

	for (size_t i = 0; i < FOLLOWERS_MAX; i++)
		n += followers.follower[i].request != NULL;
	return n;
}

static int follow(void)
{
	static const char request[] = "GET / HTTP/1.1\r\n\r\n";
	size_t before = count_followers();
	int fd = dial();

	say_bytes(fd, request, sizeof request - 1);
	(void)hear_until(fd, "\r\n\r\n");
	ck_assert_uint_eq(count_followers(), before + 1);
	return fd;
}

START_TEST(lines_reach_those_who_follow_this_stream)
{
	int one, two;

	ck_assert(!followers_any(&followers, STREAM_DECISIONS));
	one = follow();
	two = follow();
	ck_assert(followers_any(&followers, STREAM_DECISIONS));
	ck_assert(!followers_any(&followers, STREAM_RECORD));
	followers_send(&followers, STREAM_RECORD, "other");
	followers_send(&followers, STREAM_DECISIONS, "{\"seq\":1}");
	reply[0] = '\0';
	ck_assert_str_eq(hear_until(one, "}\n\r\n"), "a\r\n{\"seq\":1}\n\r\n");
	reply[0] = '\0';
	ck_assert_str_eq(hear_until(two, "}\n\r\n"), "a\r\n{\"seq\":1}\n\r\n");
	close(one);
	close(two);
	while (count_followers() > 0)
		turn();
}
END_TEST

START_TEST(what_was_before_comes_first)
{
	int fd;

	backlog = "1\n2\n";
	fd = follow();
	(void)hear_until(fd, "4\r\n1\n2\n\r\n");
	close(fd);
	while (count_followers() > 0)
		turn();
	backlog = NULL;
	fd = follow();
	(void)hear_until(fd, "\r\n{\"first\":\"/\"}\n\r\n");
	close(fd);
}
END_TEST

START_TEST(a_place_is_free_again_when_its_follower_has_gone)
{
	int fd[FOLLOWERS_MAX];

	for (size_t i = 0; i < FOLLOWERS_MAX; i++)
		fd[i] = follow();
	ck_assert_ptr_null(followers_place(&followers));
	close(fd[3]);
	while (!followers_place(&followers))
		turn();
	fd[3] = follow();
	ck_assert_ptr_null(followers_place(&followers));
	for (size_t i = 0; i < FOLLOWERS_MAX; i++)
		close(fd[i]);
}
END_TEST

/* It says more than anybody asked for, too. */
START_TEST(a_follower_that_does_not_read_is_let_go)
{
	static char line[64 * 1024], junk[1024 * 1024];
	int slow = follow(), fast = follow();
	size_t sent = 0;

	memset(line, 'x', sizeof line - 1);
	(void)!send(slow, junk, sizeof junk, MSG_NOSIGNAL);
	for (; count_followers() == 2; sent += sizeof line) {
		followers_send(&followers, STREAM_DECISIONS, line);
		ck_assert_uint_lt(sent, 2 * BACKLOG_MAX);
		do {
			turn();
			reply[0] = '\0';
			ck_assert(take_more(fast));
		} while (*reply);
	}
	ck_assert_uint_ge(sent + sizeof line, BACKLOG_MAX);
	followers_send(&followers, STREAM_DECISIONS, "still there");
	(void)hear_until(fast, "still there\n");
	close(slow);
	close(fast);
}
END_TEST

START_TEST(the_end_of_the_server_is_the_end_of_all_streams)
{
	int fd = follow();

	followers_send(&followers, STREAM_DECISIONS, "unread");
	evhttp_free(server);
	server = NULL;
	ck_assert_uint_eq(count_followers(), 0);
	(void)hear_all(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http_stream");
	TCase *c = tcase_create("stream");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, lines_reach_those_who_follow_this_stream);
	tcase_add_test(c, what_was_before_comes_first);
	tcase_add_test(c, a_place_is_free_again_when_its_follower_has_gone);
	tcase_add_test(c, a_follower_that_does_not_read_is_let_go);
	tcase_add_test(c, the_end_of_the_server_is_the_end_of_all_streams);
	suite_add_tcase(s, c);
	return kt_run(s);
}
