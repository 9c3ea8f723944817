/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of the undo file that are kept from one save to the next are those that would be
 * made anew. */
#ifndef KT_UNDO_TEXT_H
#define KT_UNDO_TEXT_H

#include "act_private.h"
#include "kt_check.h"

static inline char *undo_lines(struct act *a)
{
	char *bytes = NULL;
	size_t length;
	FILE *f = open_memstream(&bytes, &length);

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(undo_write(a, f), 0);
	fclose(f);
	return bytes;
}

static inline void assert_kept_lines_are_true(struct act *a)
{
	char *kept = undo_lines(a), *anew;

	for (struct act_guest *g = a->guests; g; g = g->next)
		undo_text_changes(g);
	anew = undo_lines(a);
	ck_assert_str_eq(kept, anew);
	free(kept);
	free(anew);
}

#endif
