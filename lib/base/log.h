/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon has to say: events with fields, not strings.  lib/ emits, the
 * sink that daemon/ installs decides where they go (journal, stderr, a test). */
#ifndef KT_LOG_H
#define KT_LOG_H

#include <stdbool.h>

#include "util.h"
#include "uuid.h"

/* The syslog priorities, so that sinks need no table. */
enum log_level {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARNING = 4, /* ceded, degraded, libvirt lost */
	LOG_LEVEL_NOTICE = 5,  /* every change made to the host or a guest */
	LOG_LEVEL_INFO = 6,    /* start, stop, verdicts that changed */
	LOG_LEVEL_DEBUG = 7,
};

/* One per kind of event; each has a MESSAGE_ID and a catalog entry. */
enum log_event_id {
	LOG_PLAIN, /* no id: debugging, and messages that need no catalog text */
	LOG_STARTED,
	LOG_STOPPED,
	LOG_CONFIG_REJECTED,
	LOG_CONFIG_RELOADED,
	LOG_CAPABILITY_MISSING, /* a kernel or host feature is absent, once at start */
	LOG_LIBVIRT_LOST,
	LOG_LIBVIRT_BACK,
	LOG_LIBVIRT_LATE, /* a request passed its deadline */
	LOG_KSM_CHANGED,
	LOG_PIN_CHANGED,
	LOG_MEMORY_MOVED,    /* begins or has ended */
	LOG_MEMTUNE_CHANGED, /* a soft limit, or memory was reclaimed */
	LOG_BALANCING_CHANGED,
	LOG_HOST_CHANGED,  /* a file that an audit rule is about */
	LOG_VERDICT,       /* a loop's reason for a guest or for KSM changed */
	LOG_CEDED,         /* somebody else owns this value now */
	LOG_WRITE_REFUSED, /* the kernel or libvirt refused; the actuator is off */
	LOG_RESTORED,      /* an original value is back */
	LOG_SENSE_FAILED,
	LOG_GUEST,  /* guest appeared, went, could not be read */
	LOG_MERGED, /* how much KSM has merged, when that changed visibly */
	LOG_PAUSED, /* by the operator: a guest or a loop is paused, a guest released */
	LOG_RESUMED,
	LOG_AUDIT_FINDING, /* a rule of tuning is broken that was not, or no longer */
	_LOG_EVENT_MAX,
};

struct log_event {
	enum log_level level;
	enum log_event_id id;
	const char *message;     /* one complete sentence; guest names already escaped */
	const char *guest;       /* escaped name, or NULL */
	const struct uuid *uuid; /* or NULL */
	const char *actuator;  /* "ksm", "placement", "memory", "numa_balancing", "host", or NULL */
	const char *action;    /* stable kebab-case word, or NULL */
	const char *reason;    /* why_str(), or NULL */
	const char *from, *to; /* values, or NULL */
	int error;             /* positive errno, 0: none */
	bool dry_run;
};

typedef void log_sink_fn(const struct log_event *event, void *context);

/* One sink per process, set before threads start.  NULL: silence. */
void log_set_sink(log_sink_fn *sink, void *context, enum log_level most_verbose);
void log_set_level(enum log_level most_verbose);

/* One more that hears everything down to `most_verbose`, whatever level is set for the sink;
 * also set before threads start. */
void log_set_listener(log_sink_fn *listener, void *context, enum log_level most_verbose);
bool log_wants(enum log_level level);

/* Copies nothing: the event and its texts live until the call returns. */
void log_emit(const struct log_event *event);

/* The event with its message formatted; event->message is ignored. */
void log_emitf(struct log_event event, const char *fmt, ...) KT_PRINTF(2, 3);

#define log_error(...)   log_emitf((struct log_event){ .level = LOG_LEVEL_ERR }, __VA_ARGS__)
#define log_warning(...) log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING }, __VA_ARGS__)
#define log_info(...)    log_emitf((struct log_event){ .level = LOG_LEVEL_INFO }, __VA_ARGS__)
#define log_debug(...)   log_emitf((struct log_event){ .level = LOG_LEVEL_DEBUG }, __VA_ARGS__)

#endif
