/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions of operators, and our answers: everything between the socket (http.c) and the
 * daemon's state.  Knows json-c, and neither libevent nor who asks.
 *
 * All texts in answers are printable ASCII: names go through str_escape.  All answers are
 * objects with "schema": 1; their shapes are in ctl/schema/. */
#ifndef KT_ANSWER_H
#define KT_ANSWER_H

#include "json_put.h"
#include "kvmtuned.h"

enum { ANSWER_SCHEMA = 1 };

/* What may be asked for, by query or by body, in one list for all paths. */
enum question_part {
	ASKS_GUEST = 1 << 0,  /* guest=NAME, UUID or libvirt's id; raw bytes */
	ASKS_LOOP = 1 << 1,   /* loop=ksm, placement or memory */
	ASKS_AFTER = 1 << 2,  /* after=SEQ of a decision */
	ASKS_VCPUS = 1 << 3,  /* vcpus=N */
	ASKS_MIB = 1 << 4,    /* mib=N */
	ASKS_FOR_S = 1 << 5,  /* for_s=SECONDS */
	ASKS_RECENT = 1 << 6, /* recent=1: each tick, not each minute */
	ASKS_FOLLOW = 1 << 7, /* follow=1: the answer does not end */
	ASKS_ALL = 1 << 8,    /* all=1: also what is in order */
};

struct question {
	unsigned int given; /* parts; the fields of others are 0 */
	const char *guest;
	enum kt_loop loop;
	uint64_t after, vcpus, mib, for_s;
	bool openmetrics; /* the Accept header has application/openmetrics-text */
};

enum answer_stream {
	STREAM_NONE,
	STREAM_DECISIONS, /* one JSON object a line, from question.after on */
	STREAM_RECORD,    /* see record.h */
};

struct answer {
	int status;                /* HTTP; 200 from the start */
	struct json_object *json;  /* owned; or */
	char *text;                /* owned, of malloc; with */
	const char *type;          /* the Content-Type of text that is no line of a stream */
	enum answer_stream stream; /* text or json, if any, are its first lines; more follow */
};

typedef void answer_fn(struct kvmtuned *k, const struct question *q, struct answer *ret);

/* answer_status.c */
answer_fn answer_status;
/* answer_problems.c: how many the status has */
size_t problems_count(const struct kvmtuned *k);
/* answer_explain.c: of a guest or of a loop */
answer_fn answer_explain;
/* answer_plan.c */
answer_fn answer_plan;
/* answer_history.c */
answer_fn answer_decisions, answer_history;
/* answer_audit.c */
answer_fn answer_audit;
/* answer_advise.c */
answer_fn answer_advise;
/* answer_config.c */
answer_fn answer_config;
/* answer_metrics.c: text for Prometheus, or OpenMetrics where that is asked for */
answer_fn answer_metrics;
/* answer_control.c: changes, for root only */
answer_fn answer_pause, answer_resume, answer_release, answer_reload, answer_tick;
/* record.c */
answer_fn answer_record;

/* {"schema": 1, "error": word, "message": ...}.  word is stable: bad-request, forbidden,
 * not-found, no-such-guest, ambiguous-guest, method-not-allowed, too-large, busy, failed. */
void answer_error(struct answer *ret, int status, const char *word, const char *fmt, ...)
	KT_PRINTF(4, 5);

/* ---- what the answers share (answer.c) ------------------------------------------------ */

/* The slot of question.guest, or -1 and the error is in *ret: by name (raw, or as we show
 * it), by UUID, by libvirt's id.  Two guests that fit are one too many (409). */
int answer_find_guest(const struct kvmtuned *k, const struct question *q, struct answer *ret);

/* One guest as in "guests" of status. */
struct json_object *answer_guest(const struct kvmtuned *k, size_t slot);

/* An object with its member "schema". */
struct json_object *answer_new(void);
/* In one line, as it is sent; it lives as long as the object, or until the next call. */
const char *answer_text(struct json_object *o);

/* Adds a member; see json_put.h. */
void json_put_text(struct json_object *o, const char *key, const char *ascii); /* NULL: null */
void json_put_name(struct json_object *o, const char *key, const char *raw); /* the same, escaped */
void json_put_number(struct json_object *o, const char *key, double value);  /* NaN: null */
void json_put_known(struct json_object *o, const char *key, bool known, double value);
void json_put_count(struct json_object *o, const char *key, uint64_t value);
void json_put_bool(struct json_object *o, const char *key, bool value);
void json_put_nodes(struct json_object *o, const char *key, uint64_t nodes); /* 0: null */
void json_put_why(struct json_object *o, enum why why); /* "reason" and "sentence" */

/* CLOCK_REALTIME of a moment of the daemon's clock. */
double answer_unix_s(uint64_t monotonic_ns);

/* ---- what JSON and metrics have in common (answer_loops.c) ------------------------------ */

/* Of this moment: what the configuration, the pauses and the last plan come to. */
enum loop_state {
	LOOP_IS_ACTIVE,
	LOOP_IS_OBSERVING,
	LOOP_IS_OFF,
	LOOP_IS_PAUSED,
	LOOP_IS_CEDED,
	LOOP_IS_REFUSED, /* the kernel takes no writes */
	_LOOP_STATE_MAX,
};

enum loop_state answer_loop_state(const struct kvmtuned *k, enum kt_loop loop);
const char *loop_state_str(enum loop_state state); /* "active", "observe", ... */

#endif
