/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does an event reach whoever listens? */
#include "log.h"

#include <stdarg.h>

static log_sink_fn *current_sink;
static void *current_context;
/* A reload changes it while the libvirt thread logs. */
static _Atomic enum log_level current_level = LOG_LEVEL_INFO;

static log_sink_fn *current_listener;
static void *listener_context;
static enum log_level listener_level;

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

void log_set_listener(log_sink_fn *listener, void *context, enum log_level most_verbose)
{
	current_listener = listener;
	listener_context = context;
	listener_level = most_verbose;
}

static bool sink_wants(enum log_level level)
{
	return current_sink && level <= current_level;
}

static bool listener_wants(enum log_level level)
{
	return current_listener && level <= listener_level;
}

bool log_wants(enum log_level level)
{
	return sink_wants(level) || listener_wants(level);
}

void log_emit(const struct log_event *event)
{
	if (sink_wants(event->level))
		current_sink(event, current_context);
	if (listener_wants(event->level))
		current_listener(event, listener_context);
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
