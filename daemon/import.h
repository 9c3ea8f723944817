/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other tuners' configurations, as one of ours. */
#ifndef KT_IMPORT_H
#define KT_IMPORT_H

#include <stdio.h>

#include "util.h"

/* Reads ksmtuned's configuration (NULL: where it lies), which is a shell script and is
 * never run, and prints a [ksm] section to `out`; what has no equivalent or never worked
 * goes to `notes`.
 * The exit status: EXIT_SUCCESS; EX_CONFIG: it has lines that cannot be imported, and
 * nothing was printed to `out`; EXIT_FAILURE: reading or printing failed, which is said. */
int import_ksmtuned(const char *path, FILE *out, FILE *notes) KT_MUST_USE;

#endif
