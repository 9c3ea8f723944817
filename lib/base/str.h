/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text from strangers, made fit for a terminal, a log line or a file. */
#ifndef KT_STR_H
#define KT_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util.h"

/* Every byte that is not printable ASCII, and '\\' and '"', becomes \xNN; so the
 * result has no newline, no escape sequence and no invalid UTF-8.  A text that
 * does not fit ends in "..".  Four bytes per input byte always suffice.
 * Returns buf. */
char *str_escape(const char *text, char *buf, size_t size);

/* The inverse of str_escape, for our own files.  -EINVAL: not its output. */
int str_unescape(const char *text, char *buf, size_t size) KT_MUST_USE;

/* Decimal, the whole text (a final newline and blanks around are allowed).
 * -EINVAL: not a number; -ERANGE: does not fit. */
int str_u64(const char *text, uint64_t *ret) KT_MUST_USE;

/* printf into buf; -ENAMETOOLONG when it does not fit (and buf is then empty). */
int str_format(char *buf, size_t size, const char *fmt, ...) KT_PRINTF(3, 4) KT_MUST_USE;

#endif
