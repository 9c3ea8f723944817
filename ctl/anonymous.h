/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings that name nobody: guests become guest-1, guest-2, ..., the same one all through
 * a recording.  Times, sizes and how busy they were stay: without them it would be of no use. */
#ifndef KT_ANONYMOUS_H
#define KT_ANONYMOUS_H

#include <json-c/json.h>

#include "util.h"

struct anonymous;

struct anonymous *anonymous_new(void); /* NULL: no memory */
void anonymous_free(struct anonymous *a);

/* A line of a recording, the first of which must be its header; it is changed.
 * -EBADMSG: it is not understood, and would tell who knows what; -ENOMEM. */
int anonymous_take(struct anonymous *a, struct json_object *line) KT_MUST_USE;

#endif
