/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server and its clients in one thread: neither blocks, and the loop runs in between. */
#ifndef KT_HTTP_FIXTURE_H
#define KT_HTTP_FIXTURE_H

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "http_private.h"
#include "scratch.h"
#include "urgent.h"

static struct event_base *base;
static char run_dir[64];
static char reply[256 * 1024];

static inline void make_base(void)
{
	scratch_make(run_dir, sizeof run_dir);
	base = urgent_base_new();
	ck_assert_ptr_nonnull(base);
}

static inline void free_base(void)
{
	event_base_free(base);
	ck_assert_int_eq(scratch_remove(run_dir), 0);
}

static inline int dial(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_lt(snprintf(a.sun_path, sizeof a.sun_path, "%s/kvmtuned.sock", run_dir),
			 (int)sizeof a.sun_path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static inline void turn(void)
{
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
}

/* Appends what has come to `reply`.  False: the other side has closed. */
static inline bool take_more(int fd)
{
	size_t n = strlen(reply);
	ssize_t got = recv(fd, reply + n, sizeof reply - 1 - n, 0);

	ck_assert_uint_lt(n, sizeof reply - 1);
	reply[n + (got > 0 ? (size_t)got : 0)] = '\0';
	return got > 0 || (got < 0 && errno == EAGAIN);
}

static inline void say_bytes(int fd, const char *bytes, size_t n)
{
	ck_assert_int_eq(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
	reply[0] = '\0';
}

/* Until the other side closes. */
static inline const char *hear_all(int fd)
{
	while (take_more(fd))
		turn();
	close(fd);
	return reply;
}

static inline const char *hear_until(int fd, const char *text)
{
	while (!strstr(reply, text)) {
		turn();
		ck_assert_msg(take_more(fd) || strstr(reply, text), "closed, without \"%s\": %s",
			      text, reply);
	}
	return reply;
}

#endif
