/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do lines reach those who follow, and what becomes of one who does not keep up? */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <string.h>

#include "http_private.h"

struct follower *followers_place(struct followers *all)
{
	for (size_t i = 0; i < FOLLOWERS_MAX; i++)
		if (!all->follower[i].request)
			return &all->follower[i];
	return NULL;
}

bool followers_any(const struct followers *all, enum answer_stream stream)
{
	for (size_t i = 0; i < FOLLOWERS_MAX; i++)
		if (all->follower[i].request && all->follower[i].stream == stream)
			return true;
	return false;
}

/* When the other side has closed, evhttp has taken the request out of the connection, and it is
 * ours; when we close, it goes with the connection. */
static void on_close(struct evhttp_connection *connection, void *context)
{
	struct follower *f = context;

	(void)connection;
	if (!evhttp_request_get_connection(f->request))
		evhttp_request_free(f->request);
	f->request = NULL;
}

static void send_line(const struct follower *f, const char *line)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(f->request);
	struct bufferevent *b = evhttp_connection_get_bufferevent(connection);
	struct evbuffer *chunk = evbuffer_new();
	size_t waiting = evbuffer_get_length(bufferevent_get_output(b));

	if (!chunk || waiting + strlen(line) > BACKLOG_MAX ||
	    evbuffer_add_printf(chunk, "%s\n", line) < 0)
		evhttp_connection_free(connection); /* on_close frees its place */
	else
		evhttp_send_reply_chunk(f->request, chunk);
	if (chunk)
		evbuffer_free(chunk);
}

void follower_begin(struct follower *f, struct evhttp_request *request, const struct answer *answer)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	struct evbuffer *backlog = evbuffer_new();

	*f = (struct follower){ .request = request, .stream = answer->stream };
	evhttp_connection_set_closecb(connection, on_close, f);
	evhttp_send_reply_start(request, 200, "OK");
	/* Hours may pass between two lines. */
	bufferevent_set_timeouts(evhttp_connection_get_bufferevent(connection), NULL, NULL);
	if (backlog && answer->text &&
	    evbuffer_add(backlog, answer->text, strlen(answer->text)) == 0)
		evhttp_send_reply_chunk(request, backlog);
	if (backlog)
		evbuffer_free(backlog);
	if (answer->json)
		send_line(f, answer_text(answer->json));
}

void followers_send(struct followers *all, enum answer_stream stream, const char *line)
{
	for (size_t i = 0; i < FOLLOWERS_MAX; i++)
		if (all->follower[i].request && all->follower[i].stream == stream)
			send_line(&all->follower[i], line);
}
