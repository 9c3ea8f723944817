/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables as libsmartcols prints them: as wide as the terminal, or as their text when there is
 * none. */
#ifndef KT_CTL_TABLE_H
#define KT_CTL_TABLE_H

#include "ctl.h"

struct libscols_line;
struct libscols_table;

enum column_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER,
	COLUMN_LONG, /* is cut when the terminal ends */
};

struct column {
	const char *heading;
	enum column_kind kind;
};

struct table {
	struct libscols_table *table;
	size_t ncolumns;
	bool has_failed; /* no memory: a part is missing */
};

/* Always to be ended by table_print or table_text. */
struct table table_new(const struct options *o, const struct column *columns, size_t ncolumns);
/* One text for each column, copied; NULL is shown as "-". */
struct libscols_line *table_row(struct table *t, const char *const *cells);
/* A colour as terminal-colors.d(5) names it; NULL: none. */
void table_color(struct libscols_line *line, size_t column, const char *color);
/* The exit status; failures are said. */
int table_print(struct table *t) KT_MUST_USE;
/* The same as text of malloc; NULL: said. */
char *table_text(struct table *t);

#endif
