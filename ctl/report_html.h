/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTML and SVG with names from strangers in it. */
#ifndef KT_REPORT_HTML_H
#define KT_REPORT_HTML_H

#include "util.h"

/* As fprintf, but what comes in through %s is text: < > & ' " are escaped, and what is not
 * printable ASCII is shown as a replacement character.  So markup can only be in the format, which
 * the compiler wants to be a literal.  Knows %s, %zu, %d, %.Nf and %%; a number that is not finite
 * is written as 0: SVG has no word for it. */
void html(FILE *to, const char *format, ...) KT_PRINTF(2, 3);

/* So many characters of a text, and an ellipsis for the rest of it. */
void html_cut(FILE *to, const char *text, size_t characters);

#endif
