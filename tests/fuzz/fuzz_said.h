/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever is said, in the log or to a terminal, has no byte that could do something there. */
#ifndef KT_FUZZ_SAID_H
#define KT_FUZZ_SAID_H

#include "fuzz.h"
#include "log.h"

static inline void fuzz_hear(const struct log_event *event, void *context)
{
	(void)context;
	FUZZ_CLAIM(fuzz_is_tame(event->message));
}

/* Of all messages from here on. */
static inline void fuzz_listen(void)
{
	log_set_sink(fuzz_hear, NULL, LOG_LEVEL_DEBUG);
}

/* A text that is written, and then looked at line by line and freed. */
struct fuzz_output {
	char *text;
	size_t size;
	FILE *f;
};

static inline struct fuzz_output *fuzz_output_begin(struct fuzz_output *o)
{
	o->f = open_memstream(&o->text, &o->size);
	FUZZ_CLAIM(o->f);
	return o;
}

static inline void fuzz_output_close(struct fuzz_output *o)
{
	FUZZ_CLAIM(fclose(o->f) == 0);
	FUZZ_CLAIM(strlen(o->text) == o->size);
}

static inline void fuzz_output_end(struct fuzz_output *o)
{
	for (char *line = strtok(o->text, "\n"); line; line = strtok(NULL, "\n")) {
		if (!fuzz_is_tame(line))
			dprintf(STDERR_FILENO, "%s\n", line);
		FUZZ_CLAIM(fuzz_is_tame(line));
	}
	free(o->text);
}

#endif
