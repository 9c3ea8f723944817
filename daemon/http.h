/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unix socket: /v1/... (JSON) and /metrics.  http*.c are the files that know evhttp.
 *
 * Everything that comes in is hostile and bounded: headers, body, time, connections.  Reads
 * are for whoever may connect (root and the group kvmtuned), changes for root. */
#ifndef KT_HTTP_H
#define KT_HTTP_H

#include "answer.h"

struct event_base;
struct http;

/* Listens on RUN_DIR/kvmtuned.sock and, when configured, on loopback (/metrics only).
 * -errno: said; the daemon goes on without. */
int http_open(struct kvmtuned *k, struct event_base *base, struct http **ret);
void http_close(struct http *h);

/* A line (without its newline) for everyone who follows this stream; a follower that does not
 * keep up is dropped.  Cheap when there is none, or no h; from the main thread. */
void http_stream(struct http *h, enum answer_stream stream, const char *line);
bool http_has_followers(const struct http *h, enum answer_stream stream);

#endif
