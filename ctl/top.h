/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is on the screen of top. */
#ifndef KT_CTL_TOP_H
#define KT_CTL_TOP_H

#include "status.h"

enum top_order { TOP_NAME, TOP_NODE, TOP_STEAL, TOP_KSM, TOP_MEMORY, _TOP_MAX };

extern const char *const top_orders[_TOP_MAX];

/* Text of malloc, all lines of it; NULL: said. */
char *top_draw(const struct options *o, enum top_order order, struct json_object *status,
	       struct json_object *history);

/* The newest values in a row of little bars, from 0 to the largest of them; a value that is
 * not known is a blank.  buf: 3 bytes for each, and 1. */
void sparkline(const double *values, size_t n, bool utf8, char *buf);

#endif
