/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other tuners' configurations, as one of ours. */
#ifndef KT_IMPORT_H
#define KT_IMPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "util.h"

struct import_request {
	bool ksmtuned, numad, tuned; /* whose */
	/* NULL: where it lies; tuned's is the folder in which etc/tuned lies, / */
	const char *ksmtuned_path, *numad_path, *tuned_path;
	bool found; /* whose there is */
};

/* Reads their configurations, which may be shell scripts and are never run, and prints one of
 * ours to `out`; what has no equivalent or never worked goes to `notes`.
 * The exit status: EXIT_SUCCESS; EX_CONFIG: there are lines that cannot be imported, and
 * nothing was printed to `out`; EXIT_FAILURE: reading or printing failed, which is said. */
int import_print(const struct import_request *request, FILE *out, FILE *notes) KT_MUST_USE;

#endif
