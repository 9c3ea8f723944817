/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that read an undo file share: undo_read.c, undo_read_pins.c. */
#ifndef KT_UNDO_READ_H
#define KT_UNDO_READ_H

#include "act_private.h"

enum { UNDO_WORDS_MAX = 8 };

struct undo_reader {
	struct act *act;
	unsigned int version;
	struct act_guest *guest;      /* the lines belong to; NULL: none yet */
	bool has_pins;                /* that guest */
	struct cpumask asked, before; /* version 1: of all its pins */
	size_t guests, lines;
};

struct undo_line {
	size_t nwords;
	char *word[UNDO_WORDS_MAX];
};

/* ---- undo_read.c; all: 0, or -EBADMSG --------------------------------------------------- */

/* Or where the word is among `words`. */
int undo_word_index(const char *word, const char *const words[], size_t n) KT_MUST_USE;
int undo_read_number(const char *word, uint64_t max, uint64_t *ret) KT_MUST_USE;
/* One CPU at least. */
int undo_read_cpus(const char *word, struct cpumask *ret) KT_MUST_USE;

/* ---- undo_read_pins.c, by the version of the file; also -ENOMEM --------------------------- */

int undo_read_pins_1(struct undo_reader *r, const struct undo_line *l) KT_MUST_USE;
int undo_read_pins_2(struct undo_reader *r, const struct undo_line *l) KT_MUST_USE;
int undo_read_pin_1(struct undo_reader *r, const struct undo_line *l) KT_MUST_USE;
int undo_read_pin_2(struct undo_reader *r, const struct undo_line *l) KT_MUST_USE;

#endif
