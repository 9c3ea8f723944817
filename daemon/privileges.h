/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this process may do, and what is off because it may not. */
#ifndef KT_PRIVILEGES_H
#define KT_PRIVILEGES_H

#include "sense.h"

struct privilege {
	const char *name;
	const char *off; /* without it */
};

/* Bits, one for each that this process lacks. */
unsigned int privileges_missing(void);
/* NULL: there is no such bit. */
const struct privilege *privilege_of(unsigned int bit);

/* Says, once, each missing capability of ours and each missing feature of the host,
 * with what is off because of it. */
void privileges_report(unsigned int lacking, const struct capabilities *host);

/* As many open files as the hard limit allows: some ten a guest. */
void privileges_raise_file_limit(void);

#endif
