/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are questions answered, and where?
 *
 * Everything here runs in the main thread, one request a turn of the loop, below the priority
 * of ticks.  What evhttp refuses by itself (garbage, too much of it, words that are no methods)
 * it answers in HTML. */
#include "http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <string.h>

#include "http_private.h"

enum {
	HEADERS_MAX = 8 * 1024,
	PATIENCE_S = 5, /* with a client that says nothing, or does not read */
	/* Of all answers that clients have not taken yet, in bytes.  A day of a thousand guests is
	 * one of 6 MiB, which takes 26 MiB to make. */
	UNSENT_MAX = 16 * 1024 * 1024,
	BREATH_S = 1, /* after accept has failed, which it would again at once */
};

/* The rest of the unit's MemoryMax (128 MiB) is for the daemon itself and one answer in the
 * making. */
_Static_assert((size_t)UNSENT_MAX + (size_t)FOLLOWERS_MAX * BACKLOG_MAX <= 48 << 20,
	       "clients that do not read could end the daemon");

enum { LOCAL, LOOPBACK, NSERVERS };

struct http {
	struct kvmtuned *k;
	struct evhttp *server[NSERVERS]; /* NULL: there is none */
	struct evconnlistener *listener[NSERVERS];
	struct local_socket socket;
	struct event *breath;
	struct visitors *visitors;
	struct followers followers;
	size_t unsent_bytes;
	bool closed;
	bool said_deaf; /* since the last request */
};

/* ---- one request --------------------------------------------------------------------------- */

/* What arrives by TCP may have been sent by anybody. */
static bool is_local(const struct http *h, struct evhttp_request *request)
{
	return evhttp_connection_get_server(evhttp_request_get_connection(request)) ==
	       h->server[LOCAL];
}

static void answer_request(struct http *h, struct evhttp_request *request, struct answer *ret)
{
	answer_fn *answer = NULL;
	struct asked asked;

	if (request_read(request, is_local(h, request), &answer, &asked, ret) < 0)
		return;
	if (h->unsent_bytes > UNSENT_MAX)
		answer_error(ret, 503, "busy", "too many answers have not been read yet");
	else
		answer(h->k, &asked.question, ret);
	if (ret->stream != STREAM_NONE && !followers_place(&h->followers))
		answer_error(ret, 503, "busy", "%d clients follow already", FOLLOWERS_MAX);
}

/* libevent frees the buffers of a closed connection in a later turn of the loop, maybe after
 * http_close: the last text frees h then. */
static void on_sent(const void *text, size_t length, void *context)
{
	struct http *h = context;

	h->unsent_bytes -= length;
	free((void *)(uintptr_t)text);
	if (h->closed && h->unsent_bytes == 0)
		free(h);
}

/* *text becomes evhttp's.  An answer without a text would be taken for one in which there is
 * nothing. */
static void send_text(struct http *h, struct evhttp_request *request, int status, char **text)
{
	struct evbuffer *body = evbuffer_new();
	size_t length = *text ? strlen(*text) : 0;

	if (body && length > 0 && evbuffer_add_reference(body, *text, length, on_sent, h) == 0) {
		h->unsent_bytes += length;
		*text = NULL;
	} else {
		status = status == 200 ? 503 : status;
	}
	evhttp_send_reply(request, status, NULL, body);
	if (body)
		evbuffer_free(body);
}

/* A tree of json-c takes several times the room of its text. */
static void json_to_text(struct answer *a)
{
	if (!a->json && !a->text)
		answer_error(a, 500, "failed", "there is no answer to that");
	if (a->json || !a->type) /* an error that there was no memory for has neither */
		a->type = "application/json";
	if (!a->json)
		return;
	free(a->text);
	if (asprintf(&a->text, "%s\n", answer_text(a->json)) < 0)
		a->text = NULL;
	json_object_put(a->json);
	a->json = NULL;
}

static void on_request(struct evhttp_request *request, void *context)
{
	struct http *h = context;
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct answer answer = { .status = 200 };

	h->said_deaf = false;
	answer_request(h, request, &answer);
	visitors_heard(h->visitors, request_fd(request), answer.stream != STREAM_NONE);
	if (answer.stream == STREAM_NONE)
		json_to_text(&answer);
	else
		answer.type = "application/x-ndjson";
	evhttp_add_header(headers, "Content-Type", answer.type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	if (answer.stream == STREAM_NONE)
		send_text(h, request, answer.status, &answer.text);
	else
		follower_begin(followers_place(&h->followers), request, &answer);
	json_object_put(answer.json);
	free(answer.text);
}

void http_stream(struct http *h, enum answer_stream stream, const char *line)
{
	if (h)
		followers_send(&h->followers, stream, line);
}

bool http_has_followers(const struct http *h, enum answer_stream stream)
{
	return h && followers_any(&h->followers, stream);
}

/* ---- life ---------------------------------------------------------------------------------- */

/* Its context is that of the accept callback, which is evhttp's own. */
static struct http *whose_accept_failed;

static void on_accept_failed(struct evconnlistener *listener, void *evhttp_context)
{
	struct http *h = whose_accept_failed;
	int error = errno;

	(void)evhttp_context;
	if (!h->said_deaf)
		log_warning("the socket: nobody can connect for %d s: %s", BREATH_S,
			    strerror(error));
	h->said_deaf = true;
	/* Without memory for the timer a busy loop is better than deafness. */
	if (event_add(h->breath, &(struct timeval){ .tv_sec = BREATH_S }) == 0)
		(void)evconnlistener_disable(listener);
}

static void on_breath(evutil_socket_t fd, short what, void *context)
{
	struct http *h = context;

	(void)fd, (void)what;
	for (size_t i = 0; i < NSERVERS; i++)
		if (h->listener[i])
			evconnlistener_enable(h->listener[i]);
}

/* The listener becomes the server's. */
static int serve(struct http *h, struct event_base *base, size_t which,
		 struct evconnlistener *listener)
{
	struct evhttp *server = evhttp_new(base);

	if (!server || !evhttp_bind_listener(server, listener)) {
		evconnlistener_free(listener);
		if (server)
			evhttp_free(server);
		return -ENOMEM;
	}
	/* It has tried to, and does not tell whether it could. */
	if (evconnlistener_enable(listener) < 0) {
		evhttp_free(server);
		return -ENOMEM;
	}
	/* All that evhttp knows: it would answer the others in HTML. */
	evhttp_set_allowed_methods(server, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
						   EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
						   EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
						   EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
	evhttp_set_max_headers_size(server, HEADERS_MAX);
	evhttp_set_max_body_size(server, BODY_MAX);
	evhttp_set_timeout(server, PATIENCE_S);
	evhttp_set_bevcb(server, visitors_admit, h->visitors);
	evhttp_set_gencb(server, on_request, h);
	whose_accept_failed = h;
	evconnlistener_set_error_cb(listener, on_accept_failed);
	h->server[which] = server;
	h->listener[which] = listener;
	visitors_come_by(h->visitors, listener);
	return 0;
}

static int open_local(struct http *h, struct event_base *base)
{
	const char *run_dir = h->k->conf.run_dir;
	struct evconnlistener *listener = NULL;
	int r = listen_local(run_dir, !h->k->dry_run, base, &h->socket, &listener);

	if (r == 0)
		r = serve(h, base, LOCAL, listener);
	if (r == -EADDRINUSE)
		log_info("another kvmtuned answers at %s/kvmtuned.sock: kvmtunectl asks that one",
			 run_dir);
	else if (r < 0)
		log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING, .error = -r },
			  "%s/kvmtuned.sock cannot be made (%s): kvmtunectl cannot ask anything; "
			  "everything else goes on (check run_dir, or RuntimeDirectory=)",
			  run_dir, strerror(-r));
	return r;
}

static int open_loopback(struct http *h, struct event_base *base)
{
	const char *text = h->k->conf.metrics_listen;
	struct evconnlistener *listener = NULL;
	struct sockaddr_storage address;
	int length = conf_parse_listen(text, &address), r;

	if (length <= 0)
		return -ENOENT; /* off */
	r = listen_loopback(&address, (socklen_t)length, base, &listener);
	if (r == 0)
		r = serve(h, base, LOOPBACK, listener);
	if (r < 0)
		log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING, .error = -r },
			  "[metrics] listen = %s does not work (%s); /metrics is on the socket "
			  "below run_dir (the unit has to allow TCP, see kvmtuned(8))",
			  text, strerror(-r));
	return r;
}

int http_open(struct kvmtuned *k, struct event_base *base, struct http **ret)
{
	struct http *h = calloc(1, sizeof *h);
	int local, loopback;

	if (!h)
		return -ENOMEM;
	h->k = k;
	h->visitors = visitors_new(base);
	h->breath = evtimer_new(base, on_breath, h);
	if (!h->visitors || !h->breath) {
		http_close(h);
		return -ENOMEM;
	}
	local = open_local(h, base);
	loopback = open_loopback(h, base);
	if (local < 0 && loopback < 0) {
		http_close(h);
		return local;
	}
	*ret = h;
	return 0;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	local_socket_remove(&h->socket);
	for (size_t i = 0; i < NSERVERS; i++)
		if (h->server[i])
			evhttp_free(h->server[i]);
	visitors_free(h->visitors);
	if (h->breath)
		event_free(h->breath);
	h->closed = true;
	if (h->unsent_bytes == 0)
		free(h);
}
