/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What writing, reading and replaying a recording share. */
#ifndef KT_RECORD_PRIVATE_H
#define KT_RECORD_PRIVATE_H

#include <json-c/json.h>

#include "record_fields.h"

/* All that was recorded, as of one line: whoever writes and whoever reads have the same.
 * Several MiB, of which only what is used costs memory. */
struct recording {
	struct recorded_head head;
	struct conf conf;
	struct capabilities capabilities;
	struct topology topology;
	struct recorded_host host;
	struct in_force in_force;
	struct decided_host plan;
	struct domains domains;
	struct recorded_guest guest[KT_GUESTS_MAX];
	struct decided_guest guest_plan[KT_GUESTS_MAX];
};

/* The struct that a row of this table is about; `element` is 0 where there is but one. */
void *recording_struct(struct recording *rec, enum record_table_id table, size_t element);

/* ---- record_summary.c: the shorter forms ------------------------------------------------ */

struct recorded_head summary_of_tick(const struct recorded_tick *tick);
struct recorded_host summary_of_host(const struct host_sample *h, const struct topology *t);
struct recorded_threads summary_of_threads(const struct guest_sample *s);
struct decided_host summary_of_plan(const struct plan *plan);
struct decided_guest summary_of_guest_plan(const struct guest_plan *plan);

/* Host and threads that the policies cannot tell from those that were summed up; threads
 * are `nthreads`, of which there is room for 1 + niothreads. */
void expand_host(const struct recorded_host *h, const struct topology *t, struct host_sample *ret);
void expand_threads(const struct recorded_threads *t, struct guest_thread *ret);

/* ---- record_conf.c: options as [section, key, value] --------------------------------------- */

void record_conf_write(FILE *out, const struct conf *conf);
/* False: an option, or a value of it, that this version does not know. */
bool record_conf_take(struct conf *conf, const char *section, const char *key, const char *value);

/* A JSON string of printable ASCII. */
void record_write_text(FILE *out, const char *ascii);

/* ---- record_read.c --------------------------------------------------------------------- */

enum {
	RECORD_LINE_BYTES = 8 * 1024 * 1024,
	RECORD_LINE_PARTS = 512 * 1024, /* numbers, lists and members */
	RECORD_DEPTH = 5,
	RECORD_PROBLEM_BYTES = 160,
};

struct record_reader {
	bool begun;            /* the header has been read */
	bool ticked;           /* a whole line, too */
	bool is_strange;       /* another version has written it: fields differ */
	unsigned int nstrange; /* options that are not known here */
	struct record_layout layout;
	struct json_tokener *tokener;
	struct recording *now;
	char problem[RECORD_PROBLEM_BYTES]; /* of the line that could not be read */
};

int record_reader_open(struct record_reader *r) KT_MUST_USE;
void record_reader_close(struct record_reader *r);

/* 1: a tick, which is in `now`; 0: the header; -EBADMSG: `problem` says why not; -ENOMEM. */
int record_reader_take(struct record_reader *r, const char *line, size_t bytes) KT_MUST_USE;

#endif
