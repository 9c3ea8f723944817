/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ticks come before questions: whoever asks delays one by the time of one answer at most. */
#ifndef KT_URGENT_H
#define KT_URGENT_H

#include <event2/event.h>

#include "util.h"

/* What is not said to be urgent (all that evhttp makes is not) waits for what is, event by
 * event.  NULL: no memory. */
struct event_base *urgent_base_new(void);

/* NULL is an event that could not be made: -ENOMEM. */
int urgent_make(struct event *event) KT_MUST_USE;
int urgent_add(struct event *event) KT_MUST_USE;

#endif
