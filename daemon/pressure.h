/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory pressure wakes the main thread, where the kernel has a trigger for it. */
#ifndef KT_PRESSURE_H
#define KT_PRESSURE_H

#include <event2/event.h>
#include <stdbool.h>

struct pressure {
	struct event *event; /* NULL: nothing is watched */
	int psi_fd, epoll_fd;
	bool is_alert;    /* what is watched is the sensitive one */
	bool has_trigger; /* false: this kernel has none, or none for us, and is not asked again */
};

#define PRESSURE_CLOSED ((struct pressure){ .psi_fd = -1, .epoll_fd = -1, .has_trigger = true })

/* Of this host, so not for a recorded one.  alert: while guests are squeezed, stalls of 1 % are
 * harm, and to be ended within one window.  Costs nothing when that is watched already. */
void pressure_watch(struct pressure *p, struct event_base *base, bool alert,
		    event_callback_fn on_pressure, void *context);
void pressure_close(struct pressure *p);

#endif
