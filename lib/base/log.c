/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does an event reach whoever listens? */
#include "log.h"

#include <stdarg.h>

static log_sink_fn *current_sink;
static void *current_context;
/* A reload changes it while the libvirt thread logs. */
static _Atomic enum log_level current_level = LOG_LEVEL_INFO;

void log_set_sink(log_sink_fn *sink, void *context, enum log_level most_verbose)
{
	current_sink = sink;
	current_context = context;
	current_level = most_verbose;
}

void log_set_level(enum log_level most_verbose)
{
	current_level = most_verbose;
}

bool log_wants(enum log_level level)
{
	return current_sink && level <= current_level;
}

void log_emit(const struct log_event *event)
{
	if (log_wants(event->level))
		current_sink(event, current_context);
}

void log_emitf(struct log_event event, const char *fmt, ...)
{
	char message[1536];
	va_list args;

	if (!log_wants(event.level))
		return;
	va_start(args, fmt);
	(void)vsnprintf(message, sizeof message, fmt,
			args); /* a cut sentence is still a log line */
	va_end(args);
	event.message = message;
	log_emit(&event);
}
