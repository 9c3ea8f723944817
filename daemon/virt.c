/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do the main thread and the libvirt thread live side by side? */
#include "virt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "virt_event.h"
#include "virt_thread.h"
#include "virt_xml.h"

enum {
	/* News wait in the queue while a tick runs, and the thread for room in it: each takes
	 * 4 KiB, and once used they stay resident.
	 * Requests: every pin of 100 guests of ten threads. */
	NEWS_MAX = 64,
	REQUESTS_MAX = 1024,
};

/* ---- the thread's side ------------------------------------------------------- */

void virt_tell(struct virt *v, const struct virt_news *news)
{
	(void)virt_queue_push_wait(&v->news, news); /* closed: nobody listens any more */
}

/* Always through the loop, 0 s as well: an event that activates itself would starve
 * the descriptors. */
void virt_after(struct event *timer, unsigned int seconds)
{
	const struct timeval delay = { .tv_sec = (time_t)seconds };
	struct virt *v = event_get_callback_arg(timer);

	if (event_add(timer, &delay) == 0)
		return;
	v->gave_up = true; /* instead of sleeping for ever */
	event_base_loopbreak(v->base);
}

void virt_work_begins(struct virt *v)
{
	atomic_store(&v->working_since_ns, now_monotonic_ns());
}

void virt_work_ends(struct virt *v)
{
	atomic_store(&v->working_since_ns, 0);
}

/* One at a time: what libvirt has to say and guests to be read have their turn between
 * two requests. */
static void on_request(evutil_socket_t fd, short what, void *arg)
{
	struct virt *v = arg;
	struct virt_request request;

	(void)fd;
	(void)what;
	if (virt_queue_closed(&v->requests)) {
		event_base_loopbreak(v->base);
	} else if (virt_queue_pop(&v->requests, &request)) {
		virt_work_begins(v);
		virt_perform(v, &request);
		virt_work_ends(v);
	}
}

static void free_events(struct virt *v)
{
	struct event **all[] = { &v->requests_event, &v->link_event, &v->refresh_event,
				 &v->again_event };

	for (size_t i = 0; i < KT_ARRAY_LEN(all); i++) {
		if (*all[i])
			event_free(*all[i]);
		*all[i] = NULL;
	}
}

/* Unless that is what everybody waits for. */
static void tell_end(struct virt *v)
{
	const struct virt_news news = { .kind = VIRT_ENDED };

	if (!virt_queue_closed(&v->requests))
		virt_tell(v, &news);
}

static void *run(void *arg)
{
	struct virt *v = arg;

	xml_begin();
	virt_after(v->link_event, 0);
	if (!v->gave_up)                            /* which ends only a loop that runs */
		(void)event_base_dispatch(v->base); /* ends by loopbreak, or dies of no memory */
	virt_work_begins(v);
	virt_disconnect(v);
	virt_work_ends(v);
	free_events(v);
	tell_end(v);
	/* Where libvirt still watches something in it, the base must outlive us. */
	if (virt_event_reclaim() == 0)
		event_base_free(v->base);
	return NULL;
}

/* ---- the main thread's side -------------------------------------------------- */

/* libvirt prints each error on stderr unless somebody takes it. */
static void take_error(void *context, virErrorPtr error)
{
	(void)context;
	(void)error; /* each call looks at its own error */
}

static int make_events(struct virt *v)
{
	v->base = event_base_new();
	if (!v->base)
		return -ENOMEM;
	v->requests_event = event_new(v->base, v->requests.fd, EV_READ | EV_PERSIST, on_request, v);
	v->link_event = evtimer_new(v->base, virt_link_callback, v);
	v->refresh_event = evtimer_new(v->base, virt_refresh_callback, v);
	v->again_event = evtimer_new(v->base, virt_again_callback, v);
	if (!v->requests_event || !v->link_event || !v->refresh_event || !v->again_event ||
	    event_add(v->requests_event, NULL) < 0)
		return -ENOMEM;
	return virt_event_lend(v->base);
}

/* Signals are the main thread's: a handler that runs here could interrupt libvirt. */
static int start_thread(struct virt *v)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&v->thread, NULL, run, v);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		(void)pthread_setname_np(v->thread, "libvirt"); /* cosmetics */
	return -r;
}

static int fill(struct virt *v, const struct virt_options *options)
{
	int r;

	v->uri = strdup(options->uri);
	if (!v->uri)
		return -ENOMEM;
	v->retry_s = 1;
	for (size_t i = 0; i < VIRT_EVENTS_MAX; i++)
		v->subscription[i] = -1;
	r = virt_queue_init(&v->requests, sizeof(struct virt_request), REQUESTS_MAX);
	if (r == 0)
		r = virt_queue_init(&v->news, sizeof(struct virt_news), NEWS_MAX);
	if (r == 0)
		r = virt_event_prepare();
	if (r == 0)
		r = make_events(v);
	return r;
}

static void free_virt(struct virt *v)
{
	virt_queue_done(&v->requests);
	virt_queue_done(&v->news);
	free(v->uri);
	free(v);
}

int virt_start(const struct virt_options *options, struct virt **ret)
{
	struct virt *v = calloc(1, sizeof *v);
	int r;

	if (!v)
		return -ENOMEM;
	xml_begin(); /* not safe to be done first in a thread */
	virSetErrorFunc(NULL, take_error);
	r = fill(v, options);
	if (r == 0) {
		r = start_thread(v);
		if (r < 0)
			(void)virt_event_reclaim(); /* nothing is watched yet */
	}
	if (r < 0) {
		free_events(v);
		if (v->base)
			event_base_free(v->base);
		free_virt(v);
		return r;
	}
	*ret = v;
	return 0;
}

int virt_stop(struct virt *v, unsigned int timeout_ms)
{
	uint64_t end_ns = now_monotonic_ns() + timeout_ms * KT_NS_PER_MS;
	struct timespec end = {
		.tv_sec = (time_t)(end_ns / KT_NS_PER_S),
		.tv_nsec = (long)(end_ns % KT_NS_PER_S),
	};
	int r;

	virt_queue_close(&v->requests);
	virt_queue_close(&v->news);
	r = pthread_clockjoin_np(v->thread, NULL, CLOCK_MONOTONIC, &end);
	if (r != 0)
		return -r;
	free_virt(v);
	return 0;
}

int virt_wake_fd(const struct virt *v)
{
	return v->news.fd;
}

bool virt_next(struct virt *v, struct virt_news *ret)
{
	if (!virt_queue_pop(&v->news, ret))
		return false;
	if (ret->kind == VIRT_RESYNC_DONE)
		v->known_link = ret->link;
	return true;
}

uint64_t virt_waiting_since_ns(const struct virt *v)
{
	return atomic_load(&v->working_since_ns);
}

/* What is decided is about the guests of one link, and only that one may hear of it. */
static int request_change(struct virt *v, struct virt_request *request)
{
	request->link = v->known_link;
	if (!atomic_load(&v->up) || atomic_load(&v->link) != request->link)
		return -ENOTCONN;
	return virt_queue_push(&v->requests, request);
}

int virt_request_pin(struct virt *v, const struct uuid *uuid, const struct pin_order *order,
		     uint64_t deadline_ns)
{
	struct virt_request request = {
		.kind = VIRT_REQUEST_PIN,
		.uuid = *uuid,
		.deadline_ns = deadline_ns,
		.pin = *order,
	};

	if (cpumask_empty(&order->cpus) || order->number >= KT_THREADS_MAX)
		return -EINVAL;
	return request_change(v, &request);
}

int virt_request_soft_limit(struct virt *v, const struct uuid *uuid,
			    const struct limit_order *order, uint64_t deadline_ns)
{
	struct virt_request request = {
		.kind = VIRT_REQUEST_SOFT_LIMIT,
		.uuid = *uuid,
		.deadline_ns = deadline_ns,
		.limit = *order,
	};

	if (order->kib == 0)
		return -EINVAL;
	return request_change(v, &request);
}

int virt_request_statistics(struct virt *v, uint64_t deadline_ns)
{
	const struct virt_request request = {
		.kind = VIRT_REQUEST_STATISTICS,
		.deadline_ns = deadline_ns,
	};
	int r;

	if (!atomic_load(&v->up))
		return -ENOTCONN;
	if (atomic_exchange(&v->statistics_asked, true))
		return 0;
	r = virt_queue_push(&v->requests, &request);
	if (r < 0)
		atomic_store(&v->statistics_asked, false);
	return r;
}

static int request_plain(struct virt *v, enum virt_request_kind kind, const struct uuid *uuid)
{
	const struct virt_request request = { .kind = kind, .uuid = *uuid };

	return virt_queue_push(&v->requests, &request);
}

int virt_request_refresh(struct virt *v, const struct uuid *uuid)
{
	if (!atomic_load(&v->up))
		return -ENOTCONN;
	return request_plain(v, VIRT_REQUEST_REFRESH, uuid);
}

int virt_own_pins(struct virt *v, const struct uuid *uuid)
{
	return request_plain(v, VIRT_REQUEST_OWN_PINS, uuid);
}

int virt_own_soft_limit(struct virt *v, const struct uuid *uuid)
{
	return request_plain(v, VIRT_REQUEST_OWN_SOFT_LIMIT, uuid);
}

int virt_disown(struct virt *v, const struct uuid *uuid)
{
	return request_plain(v, VIRT_REQUEST_DISOWN, uuid);
}

int virt_seek(struct virt *v, const struct uuid *uuid)
{
	return request_plain(v, VIRT_REQUEST_SEEK, uuid);
}

int virt_lift_pins(struct virt *v, const struct uuid *uuid)
{
	return request_plain(v, VIRT_REQUEST_LIFT_PINS, uuid);
}
