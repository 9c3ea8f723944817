/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does memory pressure wake us?
 *
 * libevent knows no POLLPRI, so an epoll instance of our own watches the trigger and libevent
 * watches that.  The wake-up itself is the event: asking the inner epoll finds nothing, because
 * the outer poll has consumed the trigger's flag already. */
#include "pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "log.h"
#include "urgent.h"

/* 150 ms of stalls within 2 s; windows that are not multiples of 2 s need CAP_SYS_RESOURCE. */
static const char calm_trigger[] = "some 150000 2000000";
static const char alert_trigger[] = "some 20000 2000000";

void pressure_close(struct pressure *p)
{
	if (p->event)
		event_free(p->event);
	p->event = NULL;
	if (p->epoll_fd >= 0)
		close(p->epoll_fd);
	if (p->psi_fd >= 0)
		close(p->psi_fd);
	p->epoll_fd = p->psi_fd = -1;
}

static int open_trigger(struct pressure *p, const char *trigger)
{
	struct epoll_event interest = { .events = EPOLLPRI };

	p->psi_fd = open("/proc/pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->psi_fd < 0 || p->epoll_fd < 0 ||
	    write(p->psi_fd, trigger, strlen(trigger) + 1) < 0 ||
	    epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->psi_fd, &interest) < 0)
		return -errno;
	return 0;
}

void pressure_watch(struct pressure *p, struct event_base *base, bool alert,
		    event_callback_fn on_pressure, void *context)
{
	int r;

	if (p->event && p->is_alert != alert)
		pressure_close(p);
	if (p->event || !p->has_trigger)
		return;
	p->is_alert = alert;
	r = open_trigger(p, alert ? alert_trigger : calm_trigger);
	if (r < 0) {
		log_debug("no PSI trigger (%s): pressure is seen at the next tick", strerror(-r));
		pressure_close(p);
		/* For want of a descriptor or memory the next tick tries again. */
		p->has_trigger = r == -EMFILE || r == -ENFILE || r == -ENOMEM;
		return;
	}
	p->event = event_new(base, p->epoll_fd, EV_READ | EV_PERSIST, on_pressure, context);
	if (urgent_add(p->event) < 0)
		pressure_close(p);
}
