/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings: whole ones; or, after an empty line, the ticks of one whose header is our own.  Such
 * a header is longer than the ticks behind it, and reading it again and again takes most of the
 * time. */
#ifndef KT_FUZZ_RECORDING_H
#define KT_FUZZ_RECORDING_H

#include "fuzz_said.h"
#include "record_private.h"

/* The ticks; NULL: it is a whole recording. */
static inline char *fuzz_ticks(char *text)
{
	return *text == '\n' ? text + 1 : NULL;
}

/* As a new one, or as one that has just taken a header of ours.  What it owns stays: a sanitizer
 * takes long for memory of this size. */
static inline void fuzz_renew_reader(struct record_reader *r, bool begun)
{
	if (!r->now)
		FUZZ_CLAIM(record_reader_open(r) == 0);
	if (!begun)
		record_layout_clear(&r->layout);
	else if (!r->layout.word[0])
		FUZZ_CLAIM(record_layout_ours(&r->layout) == 0);
	memset(r->now, 0, sizeof *r->now);
	r->begun = begun;
	r->ticked = r->is_strange = false;
	r->nstrange = 0;
	r->problem[0] = '\0';
}

#endif
