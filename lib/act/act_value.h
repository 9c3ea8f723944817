/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of one value that was written, and of a request that failed.  Only this
 * room includes it. */
#ifndef KT_ACT_VALUE_H
#define KT_ACT_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util.h"

struct act;

/* The kernel or libvirt has failed, which may pass. */
struct retry {
	uint64_t at_ns;      /* 0: not waiting */
	unsigned int wait_s; /* the last time */
};

/* `before` is what was there when `asked` was put on file: a daemon that dies between
 * filing and writing leaves it in force, and it is as much ours as `asked`. */
struct knob {
	bool ours;    /* on file, to be given back */
	bool fresh;   /* ... only since this apply */
	bool todo;    /* to be written by this apply */
	bool gave_up; /* the original was refused; it stays on file */
	bool doubt;   /* `before` may be there: the write failed, or an earlier life ended */
	uint64_t original, before, asked;
};

/* ---- act_retry.c ------------------------------------------------------- */

/* Whether the same request may be granted by the next plan ... */
bool act_error_passes(int error);
/* ... or never, as long as the sandbox, libvirt and the guest are what they are. */
bool act_error_is_final(int error);
/* Whether it says something of us and not of the file: nothing is turned off for it. */
bool act_error_is_ours(int error);
/* `error` is that of reading the file: it has gone for good.  One that went alone went with its
 * module or its device, and what comes back in its place is another file, with values of its
 * own; the values of one that went with all that is mounted there are as they were. */
bool act_file_has_gone(const struct act *a, const char *path, int error);
/* Of such an error; said seldom. */
void act_say_ours(struct act *a, const char *path, int error);
/* A thread of ours cannot be started just now: the next plan tries again. */
void act_say_no_thread(struct act *a, int error);
void act_retry_later(struct retry *r, uint64_t now_ns);
/* True once, when the time has come. */
bool act_retry_is_due(struct retry *r, uint64_t now_ns);
/* It does not wait, or has failed three times in a row. */
bool act_retry_is_hopeless(const struct retry *r);
/* " for 10 s", or nothing.  Returns buf. */
enum { RETRY_TEXT_MAX = 32 };
const char *act_retry_str(const struct retry *r, char buf[RETRY_TEXT_MAX]);

#endif
