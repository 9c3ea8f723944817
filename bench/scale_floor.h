/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The floor of a tick: a program that only makes the calls by which the tick reads.
 *
 * The linker puts itself between the daemon and libc (--wrap), so that they can be written down
 * while a tick is made. */
#ifndef KT_SCALE_FLOOR_H
#define KT_SCALE_FLOOR_H

#include <stddef.h>

/* What is read from now on is written down, in place of what was before. */
void scale_floor_begin(void);
void scale_floor_end(void);

/* The mask of a thread is asked for, which is nobody's in reality: by who stands in for it. */
void scale_floor_note_affinity(size_t size);

/* The same calls once more, with nothing done about what is read.  How many there are. */
size_t scale_floor_repeat(void);

#endif
