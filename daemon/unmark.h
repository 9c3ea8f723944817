/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest's XML was before a kvmtuned set pins and limits of the guest. */
#ifndef KT_UNMARK_H
#define KT_UNMARK_H

#include <stdio.h>

#include "util.h"

/* Pins and the soft limit that a mark says are ours become what they were, and the marks go;
 * all else keeps its meaning.  Prints nothing where nothing is marked or anything is in
 * doubt, and then says why on `err`: a guest that is migrating must not fail for our sake.
 * It may hold passwords: nothing of it is ever said.  The exit status, which is 0. */
int unmark(FILE *in, FILE *out, FILE *err) KT_MUST_USE;

/* The same of a text.  0: nothing is marked, or `out` has it; -EINVAL: it cannot be understood;
 * -E2BIG; -errno. */
int unmark_text(const char *xml, size_t size, FILE *out) KT_MUST_USE;

#endif
