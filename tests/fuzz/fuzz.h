/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the targets share: texts that end where they end, and claims. */
#ifndef KT_FUZZ_H
#define KT_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* libFuzzer's name.  Any bytes; the next call must not notice this one. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What must be true whatever comes in. */
#define FUZZ_CLAIM(what)                                                                           \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			dprintf(STDERR_FILENO, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);  \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* With a zero byte behind it and nothing else, so that a sanitizer sees who reads on. */
static inline char *fuzz_text(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1);

	FUZZ_CLAIM(text);
	if (size > 0)
		memcpy(text, bytes, size);
	text[size] = '\0';
	return text;
}

/* One input in 256, always the same ones: for what a sanitizer takes long for. */
static inline int fuzz_is_rare(const uint8_t *bytes, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return sum == 0;
}

/* Printable ASCII only, as whatever a terminal or a log line gets. */
static inline int fuzz_is_tame(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return 0;
	return 1;
}

#endif
