/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of a replay share: replay_step.c decides again, replay_say.c tells where that
 * came out otherwise, replay.c reads the file. */
#ifndef KT_REPLAY_H
#define KT_REPLAY_H

#include "record_private.h"

/* What is compared by itself: three for each guest and four for the host. */
enum replay_row { ROW_KSM, ROW_PLACEMENT, ROW_MEMORY, ROW_TIMING, _ROW_MAX };

enum { REPLAY_TEXT_BYTES = 160 };

/* A decision.  What differs in numbers only, tick by tick, is told once. */
struct opinion {
	enum wish wish;
	enum why why;
	uint64_t detail; /* whatever else is no mere number */
	char text[REPLAY_TEXT_BYTES];
};

struct replay_told {
	uint64_t tick; /* in which they differed last, counted from 1 */
	struct opinion recorded, now;
};

struct replay_teller {
	FILE *out;
	bool json;
	struct record_layout layout;
	uint64_t ticks, ticks_that_differ, differences;
	struct replay_told told[KT_GUESTS_MAX + 1][_ROW_MAX]; /* the host is the last */
};

struct replay_teller *replay_teller_new(FILE *out, bool json); /* NULL: no memory */
void replay_teller_free(struct replay_teller *t);

/* Compares what was decided in this tick with what was decided then. */
void replay_compare(struct replay_teller *t, const struct recording *then, const struct plan *now);
void replay_sum_up(const struct replay_teller *t, uint64_t nguests, bool from_start);

struct replay {
	const struct conf *conf; /* NULL: the recorded one */
	struct record_reader reader;
	/* what arbiter_step sees */
	struct policy_conf policy;
	struct domains domains;
	struct sample sample;
	struct arbiter arbiter;
	struct plan plan;
	struct host_view *view;
	size_t thread_room[KT_GUESTS_MAX];
	struct guest_thread *thread[KT_GUESTS_MAX]; /* each owned */
	/* of the recording, so far */
	uint64_t ticks, nguests, reloads;
	uint32_t incarnation[KT_GUESTS_MAX];
};

/* conf: NULL, or it must outlive the replay.  NULL: no memory. */
struct replay *replay_new(const struct conf *conf);
void replay_free(struct replay *r);
/* 1: a tick was decided anew, see `plan`; else as record_reader_take. */
int replay_take(struct replay *r, const char *line, size_t bytes) KT_MUST_USE;

#endif
