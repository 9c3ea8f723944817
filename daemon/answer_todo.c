/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scaffolding of one branch: each function goes when its real one comes. */
#include <stdarg.h>
#include <stdio.h>

#include "answer.h"
#include "http.h"

#define TODO(name)                                                                                 \
	void name(struct kvmtuned *k, const struct question *q, struct answer *ret)                \
	{                                                                                          \
		(void)k, (void)q;                                                                  \
		ret->status = 501;                                                                 \
	}
TODO(answer_advise)
TODO(answer_metrics)
TODO(answer_record)

struct history *history_new(void)
{
	return calloc(1, 1);
}
void history_free(struct history *h)
{
	free(h);
}
void history_listen(const struct log_event *event, void *history)
{
	(void)event, (void)history;
}
void history_tick(struct history *h, const struct host_view *view, const struct plan *plan,
		  const struct in_force *in_force, int64_t unix_s)
{
	(void)h, (void)view, (void)plan, (void)in_force, (void)unix_s;
}

struct recorder *recorder_new(void)
{
	return calloc(1, 1);
}
void recorder_free(struct recorder *r)
{
	free(r);
}
char *recorder_line(struct recorder *r, const struct recorded_tick *tick)
{
	(void)r, (void)tick;
	return NULL;
}
void recorder_restart(struct recorder *r)
{
	(void)r;
}
