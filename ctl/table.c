/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a table look? */
#include "table.h"

#include <libsmartcols.h>

struct table table_new(const struct options *o, const struct column *columns, size_t ncolumns)
{
	static const int flags[] = {
		[COLUMN_TEXT] = 0,
		[COLUMN_NUMBER] = SCOLS_FL_RIGHT,
		[COLUMN_LONG] = SCOLS_FL_TRUNC,
	};
	struct table t = { .table = scols_new_table(), .ncolumns = ncolumns };

	t.has_failed = !t.table;
	if (!t.table)
		return t;
	scols_table_enable_noheadings(t.table, !o->legend);
	scols_table_enable_colors(t.table, o->color);
	/* All text is printable ASCII; the \\xNN in names are no bytes to be escaped again. */
	scols_table_enable_noencoding(t.table, 1);
	for (size_t i = 0; i < ncolumns; i++)
		if (!scols_table_new_column(t.table, columns[i].heading, 0, flags[columns[i].kind]))
			t.has_failed = true;
	return t;
}

struct libscols_line *table_row(struct table *t, const char *const *cells)
{
	struct libscols_line *line = t->has_failed ? NULL : scols_table_new_line(t->table, NULL);

	for (size_t i = 0; line && i < t->ncolumns; i++)
		if (scols_line_set_data(line, i, cells[i] && *cells[i] ? cells[i] : "-") < 0)
			t->has_failed = true;
	if (!line)
		t->has_failed = true;
	return line;
}

void table_color(struct libscols_line *line, size_t column, const char *color)
{
	struct libscols_cell *cell = line ? scols_line_get_cell(line, column) : NULL;

	if (cell && color)
		(void)scols_cell_set_color(cell, color);
}

char *table_text(struct table *t)
{
	KT_AUTOFREE char *lines = NULL;
	char *text;

	/* The last line has no end. */
	if (t->has_failed || scols_print_table_to_string(t->table, &lines) < 0 ||
	    asprintf(&text, "%s\n", lines) < 0) {
		ctl_say("no memory for the table");
		text = NULL;
	}
	scols_unref_table(t->table);
	t->table = NULL;
	return text;
}

int table_print(struct table *t)
{
	KT_AUTOFREE char *text = table_text(t);

	if (!text)
		return EXIT_FAILURE;
	fputs(text, stdout);
	return EXIT_SUCCESS;
}
