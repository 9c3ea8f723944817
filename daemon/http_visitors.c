/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is connected, and who has to go when there are too many?
 *
 * evhttp accepts by itself, and says neither how many there are nor when one goes.  What it
 * does ask for is the bufferevent of each new connection, before that has its socket: we keep a
 * reference until it has one, and know the connection by the socket's number and inode from
 * then on.  A number that has another inode is another file: that visitor is gone. */
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "http_private.h"
#include "urgent.h"

struct visitor {
	struct bufferevent *arriving; /* our reference; NULL: the socket is known */
	int fd;
	ino_t inode;
	uint64_t heard_ns; /* its last request, or its arrival */
	bool follows;      /* it only listens; there are few of those */
};

enum { LISTENERS_MAX = 2 }; /* the unix socket and loopback */

struct visitors {
	struct event *look; /* urgent: before anything is read of whom it is about */
	struct evconnlistener *listener[LISTENERS_MAX];
	size_t nlisteners;
	size_t n;
	struct visitor visitor[CONNECTIONS_MAX];
};

static bool is_gone(const struct visitor *v)
{
	struct stat st;

	return v->fd < 0 || fstat(v->fd, &st) < 0 || st.st_ino != v->inode;
}

static void get_to_know(struct visitor *v)
{
	struct stat st;

	v->fd = bufferevent_getfd(v->arriving);
	if (v->fd >= 0 && fstat(v->fd, &st) == 0)
		v->inode = st.st_ino;
	else
		v->fd = -1;
	(void)bufferevent_decref(v->arriving); /* 1: it went in the meantime */
	v->arriving = NULL;
}

static void get_to_know_all(struct visitors *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->visitor[i].arriving)
			get_to_know(&v->visitor[i]);
}

/* A listener accepts for as long as somebody waits, and nobody is read or closed meanwhile: it
 * gets a rest after each. */
static void rest(struct visitors *v)
{
	for (size_t i = 0; i < v->nlisteners; i++)
		(void)evconnlistener_disable(v->listener[i]);
	event_active(v->look, 0, 0);
}

/* A moment after evhttp has accepted. */
static void on_look(evutil_socket_t fd, short what, void *context)
{
	struct visitors *v = context;

	(void)fd, (void)what;
	get_to_know_all(v);
	for (size_t i = 0; i < v->nlisteners; i++)
		(void)evconnlistener_enable(v->listener[i]);
}

void visitors_come_by(struct visitors *v, struct evconnlistener *listener)
{
	if (v->nlisteners < LISTENERS_MAX)
		v->listener[v->nlisteners++] = listener;
}

struct visitors *visitors_new(struct event_base *base)
{
	struct visitors *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->look = event_new(base, -1, 0, on_look, v);
	if (urgent_make(v->look) == 0)
		return v;
	visitors_free(v);
	return NULL;
}

void visitors_free(struct visitors *v)
{
	if (!v)
		return;
	get_to_know_all(v);
	if (v->look)
		event_free(v->look);
	free(v);
}

static void forget_gone(struct visitors *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		if (!is_gone(&v->visitor[i]))
			v->visitor[n++] = v->visitor[i];
	v->n = n;
}

/* evhttp sees the end of the connection, and closes it. */
static void send_away_the_most_silent(struct visitors *v)
{
	struct visitor *most = NULL;

	for (size_t i = 0; i < v->n; i++) {
		struct visitor *one = &v->visitor[i];

		if (!one->follows && (!most || one->heard_ns < most->heard_ns))
			most = one;
	}
	if (!most)
		return;
	(void)shutdown(most->fd, SHUT_RDWR);
	*most = v->visitor[--v->n];
}

struct bufferevent *visitors_admit(struct event_base *base, void *visitors)
{
	struct visitors *v = visitors;
	struct bufferevent *b = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	rest(v);
	get_to_know_all(v);
	if (v->n == CONNECTIONS_MAX)
		forget_gone(v);
	if (v->n == CONNECTIONS_MAX)
		send_away_the_most_silent(v);
	if (!b || v->n == CONNECTIONS_MAX)
		return b; /* NULL: evhttp makes one itself */
	/* While an answer is on its way, nobody reads what else comes. */
	bufferevent_setwatermark(b, EV_READ, 0, UNREAD_MAX);
	bufferevent_incref(b);
	v->visitor[v->n++] = (struct visitor){ .arriving = b, .heard_ns = now_monotonic_ns() };
	return b;
}

void visitors_heard(struct visitors *v, int fd, bool follows)
{
	for (size_t i = 0; i < v->n; i++) {
		if (v->visitor[i].fd != fd || is_gone(&v->visitor[i]))
			continue;
		v->visitor[i].heard_ns = now_monotonic_ns();
		v->visitor[i].follows = follows;
	}
}
