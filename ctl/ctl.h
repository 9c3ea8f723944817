/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kvmtunectl from within: what every verb is given, and how it asks the daemon.
 *
 * A verb is a function that returns the exit status.  Whoever fails has said why, on stderr.
 * All text of the daemon that comes through here is printable ASCII, whatever it sent: a
 * terminal, a table or a page may have it as it is (HTML still has to be escaped). */
#ifndef KT_CTL_H
#define KT_CTL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sysexits.h>

#include "util.h"

/* Beside EXIT_SUCCESS, EXIT_FAILURE, EX_NOPERM (77) and EX_CONFIG (78). */
enum {
	EXIT_USAGE = 2,
	EXIT_NOT_RUNNING = 3,
	EXIT_DEGRADED = 4,
};

enum {
	CTL_SCHEMA = 1,
	CTL_ANSWER_MAX = 64 << 20, /* bytes; also of one line of a stream */
	CTL_CONNECT_MS = 5000,
	CTL_ANSWER_MS = 10000,
};

/* Of the options that only some verbs take: each verb has a mask of them. */
enum option_bit {
	OPTION_GUEST = 1 << 0,
	OPTION_FOR = 1 << 1,
	OPTION_SINCE = 1 << 2,
	OPTION_ALL = 1 << 3,
	OPTION_BATCH = 1 << 4,
	OPTION_ROUNDS = 1 << 5,
	OPTION_DELAY = 1 << 6,
	OPTION_OUTPUT = 1 << 7,
	OPTION_CONFIG = 1 << 8,
	OPTION_KSMTUNED = 1 << 9,
	OPTION_NUMAD = 1 << 10,
	OPTION_ANONYMOUS = 1 << 11,
	OPTION_HOST = 1 << 12,
	OPTION_SEVERITY = 1 << 13,
	OPTION_IGNORE = 1 << 14,
	OPTION_OFFLINE = 1 << 15,
	OPTION_LONG = 1 << 16,
	OPTION_TUNED = 1 << 17,
};

struct options {
	const char *socket;
	bool json, legend, color, quiet;

	unsigned int given; /* option_bit; the fields of others are as here: */
	uint64_t for_s;     /* 0 */
	uint64_t rounds;    /* 0 */
	uint64_t delay_s;   /* 0 */
	const char *since;  /* NULL; a number for monitor, a duration for report */
	const char *output; /* NULL; a file, or what top sorts by */
	const char *config, *ksmtuned, *numad; /* NULL; files */
	const char *tuned;                     /* NULL; a folder */
	const char *severity, *ignore;         /* NULL; a word, ids with commas between them */
};

/* argv[0] is the verb, argv[1..argc-1] are its operands: options are taken out already, and
 * their number is checked. */
typedef int verb_fn(const struct options *o, int argc, char **argv);

enum { OPERANDS_MAX = 1024 }; /* as many guests as there may be */

struct verb {
	const char *name, *operands; /* as in the usage line */
	int operands_min, operands_max;
	unsigned int options; /* option_bit that it takes */
	verb_fn *run;
	const char *summary;
};

extern const struct verb ctl_verbs[]; /* verbs.c; ends with a NULL name */

verb_fn verb_advise, verb_audit, verb_check_config, verb_explain, verb_help, verb_import,
	verb_metrics, verb_monitor, verb_pause, verb_plan, verb_record, verb_release, verb_reload,
	verb_replay, verb_report, verb_resume, verb_status, verb_tick, verb_top, verb_version;

/* daemon.c: what kvmtuned --audit prints, without the end of its line; of malloc.  Its exit
 * status; 0 and 4 (findings) come with a text. */
int daemon_audit(const char *config, char **ret_text, size_t *ret_bytes) KT_MUST_USE;

/* advise.c: in the place of numad, which libvirt asks with -w. */
int advise_as_numad(int argc, char **argv);

/* options.c.  -1: go on with the verb at argv[optind]; else the exit status. */
int options_parse(int argc, char **argv, struct options *ret);
void options_print(FILE *out, unsigned int mask);  /* 0: those of all verbs */
const struct verb *options_verb(const char *name); /* NULL: there is none, which is said */

/* "ksm", "placement", "memory", as they are shown. */
enum { LOOPS = 3 };
extern const char *const ctl_loops[LOOPS];
/* Whether an operand means a loop: its name does, but for --guest. */
bool ctl_is_loop(const struct options *o, const char *name);

/* ---- asking (request.c) ----------------------------------------------------------------
 *
 * All return 0 or the exit status, and have said why. */

/* An answer with the right schema.  Put it with json_object_put. */
int ctl_get(const struct options *o, const char *path_and_query,
	    struct json_object **ret) KT_MUST_USE;
/* body NULL: {}.  Not taken over. */
int ctl_post(const struct options *o, const char *path, struct json_object *body,
	     struct json_object **ret) KT_MUST_USE;
/* Text of malloc, which ends in a zero byte. */
int ctl_get_text(const struct options *o, const char *path, char **ret) KT_MUST_USE;

/* 0: go on; else the stream is left and that is the answer of ctl_stream. */
typedef int ctl_line_fn(void *context, const char *line);

/* Each line as it comes, without its newline.  0 at SIGINT, SIGTERM and SIGHUP, and when
 * options.for_s is over; EXIT_NOT_RUNNING when the daemon ends the stream (said). */
int ctl_stream(const struct options *o, const char *path_and_query, ctl_line_fn *line,
	       void *context) KT_MUST_USE;

/* ---- reading answers (answer.c) ------------------------------------------------------- */

/* Text from a stream as an object; NULL (said): it is none. */
struct json_object *ctl_parse(char *text, size_t bytes);

/* Whether an answer has the members that its reader relies on: "name:s id:n? guests:a"; s
 * text, n number, b boolean, o object, a array; ? may be null or missing.  false: said, with
 * what as the name of the object. */
bool ctl_has_shape(struct json_object *object, const char *shape, const char *what) KT_MUST_USE;
/* The same of each element of the array at the key. */
bool ctl_elements_have_shape(struct json_object *object, const char *key, const char *shape,
			     const char *what) KT_MUST_USE;

/* Members; without one of that type: NULL, NAN, false, 0 elements. */
struct json_object *get_member(struct json_object *object, const char *key);
const char *get_text(struct json_object *object, const char *key);
double get_number(struct json_object *object, const char *key);
bool get_bool(struct json_object *object, const char *key);
size_t get_length(struct json_object *object, const char *key);
struct json_object *get_element(struct json_object *object, const char *key, size_t index);
const char *get_text_or_none(struct json_object *object, const char *key); /* "" */
/* The same of a value itself. */
double number_of(struct json_object *value);
size_t array_length(struct json_object *array);
struct json_object *array_element(struct json_object *array, size_t index);

/* ---- saying (say.c) ------------------------------------------------------------------- */

void ctl_say(const char *fmt, ...) KT_PRINTF(1, 2); /* "kvmtunectl: ...\n" on stderr */
void ctl_print_json(struct json_object *object);

/* The path, which ends in "=", and a name that somebody has typed.  Of malloc; NULL: said. */
char *ctl_question_about(const char *path, const char *name);

/* 90, 90s, 15m, 2h, 1d.  -EINVAL, -ERANGE. */
int ctl_duration(const char *text, uint64_t *ret_s) KT_MUST_USE;

/* The whole file or none of it: a temporary one beside it, then renamed.  Mode 0644.  -errno. */
int ctl_write_file(const char *path, const char *text, size_t bytes) KT_MUST_USE;

struct shown {
	char text[40];
};

struct shown show_kib(double kib);                    /* "1.5 GiB"; NAN: "-" */
struct shown show_number(double value, int decimals); /* NAN: "-" */
struct shown show_seconds(double seconds);            /* "2 h", "2 h 5 min" */
struct shown show_age(double unix_s);                 /* how long ago, or how long until then */
/* Local: "21 Nov", "20:36", "20:36:09", "21 Nov 20:36:09", the same with year and zone, and
 * "2026-11-21 20:36:09". */
enum time_part {
	TIME_DAY,
	TIME_MINUTE,
	TIME_SECOND,
	TIME_DAY_AND_SECOND,
	TIME_WHOLE,
	TIME_SORTABLE,
};
struct shown show_time(double unix_s, enum time_part part);

/* Messages begin with the guest that they are of; beside its name that is said already. */
const char *show_without_name(const char *message, const char *name);

#endif
