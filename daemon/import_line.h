/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line of a shell file that only sets variables. */
#ifndef KT_IMPORT_LINE_H
#define KT_IMPORT_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "util.h"

enum { IMPORT_LINE_BYTES = 4096 };

struct import_line {
	char key[IMPORT_LINE_BYTES + 1];   /* letters, digits, '_'; empty unless 1 was answered */
	char value[IMPORT_LINE_BYTES + 1]; /* without its quotes; any bytes */
	bool ends_in_cr;
	char why[160]; /* after -EINVAL; has none of the line's bytes but shell characters */
};

/* `line` has n bytes and no newline; it is read as bash would.
 * 1: KEY=VALUE; 0: blank or comment; -EINVAL: only a shell could say what it means. */
int import_line_read(const char *line, size_t n, struct import_line *ret) KT_MUST_USE;

#endif
