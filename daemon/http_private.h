/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the socket share.  Nobody else includes it. */
#ifndef KT_HTTP_PRIVATE_H
#define KT_HTTP_PRIVATE_H

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "http.h"

/* A question, and the room for its text. */
struct asked {
	struct question question;
	char guest[4 * KT_NAME_MAX];
};

/* ---- http_request.c: which path, and whether it may be asked --------------------------------- */

enum { BODY_MAX = 4 * 1024 };

/* What arrives by TCP (not is_local) may have been sent by anybody.  -1: not allowed, and the
 * error is in *error. */
int request_read(struct evhttp_request *request, bool is_local, answer_fn **ret,
		 struct asked *ret_asked, struct answer *error) KT_MUST_USE;
int request_fd(struct evhttp_request *request);

/* ---- http_question.c: what is asked there --------------------------------------------------- */

/* Of a query ("a=1&b=2", NULL: none) or of a body (an object; empty: {}).
 * -1: not allowed, and the error is in *error. */
int question_of_query(const char *query, unsigned int allowed, struct asked *ret,
		      struct answer *error) KT_MUST_USE;
int question_of_body(const char *body, size_t length, unsigned int allowed, struct asked *ret,
		     struct answer *error) KT_MUST_USE;
/* Whether what is given goes together, and at least one of `needs` is given (0: none has to). */
int question_check(const struct question *q, unsigned int needs, struct answer *error) KT_MUST_USE;

/* ---- http_listen.c: the sockets ----------------------------------------------------------- */

/* The name in the file system, and whether it is still what we have made. */
struct local_socket {
	char path[108];
	dev_t device;
	ino_t inode;
};

/* RUN_DIR/kvmtuned.sock.  is_ours: we hold RUN_DIR/lock, so whatever is there is stale.
 * -EADDRINUSE: not ours, and somebody listens. */
int listen_local(const char *run_dir, bool is_ours, struct event_base *base,
		 struct local_socket *ret_socket, struct evconnlistener **ret) KT_MUST_USE;
/* By SO_PEERCRED; never of TCP. */
bool peer_is_root(int fd);
void local_socket_remove(const struct local_socket *s);
/* As conf_parse_listen gives it. */
int listen_loopback(const struct sockaddr_storage *address, socklen_t length,
		    struct event_base *base, struct evconnlistener **ret) KT_MUST_USE;

/* ---- http_visitors.c: not too many connections --------------------------------------------- */

enum {
	CONNECTIONS_MAX = 256,
	/* Of one connection, in memory and not looked at yet: more than headers and body. */
	UNREAD_MAX = 16 * 1024,
};

struct visitors;

struct visitors *visitors_new(struct event_base *base); /* NULL: no memory */
void visitors_free(struct visitors *v);

/* For evhttp_set_bevcb: the one that was silent for longest makes room. */
struct bufferevent *visitors_admit(struct event_base *base, void *visitors);
/* This listener rests after each visitor. */
void visitors_come_by(struct visitors *v, struct evconnlistener *listener);
/* A request has come by it. */
void visitors_heard(struct visitors *v, int fd, bool follows);

/* ---- http_stream.c: answers that do not end ------------------------------------------------ */

enum {
	FOLLOWERS_MAX = 16,
	BACKLOG_MAX = 2 * 1024 * 1024, /* bytes that a follower has not taken yet */
};

struct follower {
	struct evhttp_request *request; /* NULL: this place is free */
	enum answer_stream stream;
};

struct followers {
	struct follower follower[FOLLOWERS_MAX];
};

/* A place that is free; NULL: none. */
struct follower *followers_place(struct followers *all);
bool followers_any(const struct followers *all, enum answer_stream stream);
/* Begins an answer that does not end. */
void follower_begin(struct follower *f, struct evhttp_request *request,
		    const struct answer *answer);
void followers_send(struct followers *all, enum answer_stream stream, const char *line);

#endif
