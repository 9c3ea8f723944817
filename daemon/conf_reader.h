/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of the configuration's reader share: conf_line.c refuses lines that
 * inih would misread, conf_file.c takes what inih makes of the rest. */
#ifndef KT_CONF_READER_H
#define KT_CONF_READER_H

#include <stdio.h>

#include "conf_table.h"

enum {
	CONF_LINE_BYTES = 199,   /* INI_MAX_LINE of the distribution's build, less the NUL */
	CONF_SECTION_BYTES = 49, /* its MAX_SECTION, less the NUL */
};

struct conf_reader {
	struct conf *conf;
	conf_complaint_fn *complain;
	void *context;
	unsigned int mistakes;
	bool no_memory; /* to read one of the files */
	/* the file being read */
	FILE *file;
	const char *path; /* in origins */
	unsigned int line, section_line;
	bool seen[CONF_OPTIONS_MAX]; /* in this file, by position in conf_options */
	char last_section[64];
	struct conf_rule *rule;      /* of the [domain] section being read */
	bool rule_seen[5];           /* its keys */
	struct conf_origins origins; /* of all files so far; the last is the one being read */
};

/* "file:line: what is wrong", and counts it. */
void conf_mistake(struct conf_reader *r, const char *fmt, ...) KT_PRINTF(2, 3);

bool conf_is_domain_section(const char *section);
/* The PATTERN of `domain "PATTERN"`, still quoted; NULL: not of that form. */
const char *conf_quoted_pattern(const char *section);

/* No file can name this section: control characters are refused. */
extern const char conf_refused_section[];

/* fgets for ini_parse_stream: always a whole line, an empty one for a bad one. */
char *conf_read_line(char *line, int size, void *context);

#endif
