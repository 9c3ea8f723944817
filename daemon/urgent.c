/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does libevent know what is urgent? */
#include "urgent.h"

#include <errno.h>

#include "log.h"

/* New events have the middle one of all priorities: of two, the second. */
enum { URGENT, LATER, NPRIORITIES };

/* libevent itself would write to stderr, which may wait for its reader. */
static void on_words(int severity, const char *text)
{
	if (severity >= EVENT_LOG_WARN)
		log_warning("libevent: %s", text);
	else
		log_debug("libevent: %s", text);
}

struct event_base *urgent_base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	event_set_log_callback(on_words);
	/* After each single event that may wait, the urgent ones are looked for. */
	if (config && event_config_set_max_dispatch_interval(config, NULL, 1, LATER) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	if (base && event_base_priority_init(base, NPRIORITIES) < 0) {
		event_base_free(base);
		base = NULL;
	}
	return base;
}

int urgent_make(struct event *event)
{
	return event && event_priority_set(event, URGENT) == 0 ? 0 : -ENOMEM;
}

int urgent_add(struct event *event)
{
	return urgent_make(event) == 0 && event_add(event, NULL) == 0 ? 0 : -ENOMEM;
}
