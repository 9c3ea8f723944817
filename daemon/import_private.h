/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the imports share: import.c reads lines, and each tuner has a file that knows what
 * they mean. */
#ifndef KT_IMPORT_PRIVATE_H
#define KT_IMPORT_PRIVATE_H

#include "conf_table.h"
#include "import_line.h"

struct import {
	const char *tool;
	FILE *notes;
	char path[256]; /* of the file being read, escaped */
	unsigned int line, refusals;
	bool cr_said;
	struct import_line at; /* its key is empty where no single line is meant */
	void (*take_key)(void *context);
	void *context;
};

/* "FILE:LINE: KEY=VALUE: what", where the key and value are those of im->at. */
void import_warn(struct import *im, const char *fmt, ...) KT_PRINTF(2, 3);
void import_refuse(struct import *im, const char *fmt, ...) KT_PRINTF(2, 3);
/* Answers EXIT_FAILURE. */
int import_unusable(const struct import *im, const char *what, int error);

/* Calls take_key for each KEY=VALUE; what is no such line is refused.
 * -errno: the file cannot be read, which is not said. */
int import_read(struct import *im, const char *path) KT_MUST_USE;

/* The option, which exists. */
const struct conf_option *import_option(const char *section, const char *key);
/* The number, or the next one that is allowed, which is said. */
uint64_t import_clamped(struct import *im, const struct conf_option *o, uint64_t number);

/* import_ksmtuned.c, import_numad.c, import_tuned.c.  `path` NULL: where it lies.  The exit
 * status. */
struct import_ksmtuned *import_ksmtuned_new(FILE *notes);
int import_ksmtuned_read(struct import_ksmtuned *t, const char *path) KT_MUST_USE;
void import_ksmtuned_print(const struct import_ksmtuned *t, FILE *out);

struct import_numad *import_numad_new(FILE *notes);
int import_numad_read(struct import_numad *t, const char *path) KT_MUST_USE;
void import_numad_print(const struct import_numad *t, FILE *out);

struct import_tuned *import_tuned_new(FILE *notes);
int import_tuned_read(struct import_tuned *t, const char *root) KT_MUST_USE;
void import_tuned_print(const struct import_tuned *t, FILE *out);

#endif
