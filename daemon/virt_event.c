/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does libvirt wait for descriptors and timers in a libevent base?
 *
 * libvirt calls these hooks from whichever thread uses a connection, and calls them
 * while it holds its own locks.  Therefore: our lock is never held while libvirt is
 * called; event_del never waits for a running callback (_noblock); and what libvirt
 * wants freed after a removal is freed later, by the reaper, from a clean stack in the
 * thread of the base: doing it inside the hook deadlocks.  That thread is also the only
 * one that runs callbacks, so a watch cannot be freed under its own callback. */
#include "virt_event.h"

#include <errno.h>
#include <event2/thread.h>
#include <libvirt/libvirt.h>
#include <pthread.h>
#include <sys/queue.h>

struct watch {
	LIST_ENTRY(watch) link;
	int id;
	bool is_timer, dead;
	int interval_ms; /* of a timer; below 0: off */
	struct event *event;
	virEventHandleCallback on_ready;
	virEventTimeoutCallback on_timeout;
	virFreeCallback release;
	void *opaque;
};

LIST_HEAD(watch_list, watch);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct event_base *lent;
static struct event *reaper;
static struct watch_list watches = LIST_HEAD_INITIALIZER(watches);
static struct watch_list dead_watches = LIST_HEAD_INITIALIZER(dead_watches);
static int last_id;

/* What is not watched although libvirt relies on it would be waited for without end.  The thread
 * of the base ends instead, and says so. */
static void end_unless(int r)
{
	if (r < 0)
		event_base_loopbreak(lent);
}

/* Another thread may have removed it after the base decided to call us. */
static bool alive(const struct watch *w)
{
	bool dead;

	pthread_mutex_lock(&lock);
	dead = w->dead;
	pthread_mutex_unlock(&lock);
	return !dead;
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	const struct watch *w = arg;
	int events = 0;

	/* A hang-up or error reaches us as readable, writable or both; libvirt then
	 * learns it from the read or write itself. */
	if (what & EV_READ)
		events |= VIR_EVENT_HANDLE_READABLE;
	if (what & EV_WRITE)
		events |= VIR_EVENT_HANDLE_WRITABLE;
	if (alive(w))
		w->on_ready(w->id, fd, events, w->opaque);
}

static int arm_timer(const struct watch *w)
{
	const struct timeval interval = {
		.tv_sec = w->interval_ms / 1000,
		.tv_usec = w->interval_ms % 1000 * 1000,
	};

	return w->interval_ms < 0 ? event_del_noblock(w->event) : event_add(w->event, &interval);
}

/* A libvirt timer repeats, one of 0 ms as well; libevent's persistent timers of 0 ms
 * fire only once.  So each is armed anew, and before the callback, which may change it. */
static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	const struct watch *w = arg;
	bool dead;

	(void)fd;
	(void)what;
	pthread_mutex_lock(&lock);
	dead = w->dead;
	if (!dead)
		end_unless(arm_timer(w));
	pthread_mutex_unlock(&lock);
	if (!dead)
		w->on_timeout(w->id, w->opaque);
}

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w;

	(void)fd;
	(void)what;
	(void)arg;
	pthread_mutex_lock(&lock);
	while ((w = LIST_FIRST(&dead_watches))) {
		LIST_REMOVE(w, link);
		pthread_mutex_unlock(&lock);
		event_free(w->event);
		if (w->release)
			w->release(w->opaque);
		free(w);
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
}

static struct watch *find(int id, bool is_timer)
{
	struct watch *w;

	LIST_FOREACH(w, &watches, link)
	if (w->id == id && w->is_timer == is_timer)
		return w;
	return NULL;
}

static short wanted(int events)
{
	int what = EV_PERSIST;

	if (events & VIR_EVENT_HANDLE_READABLE)
		what |= EV_READ;
	if (events & VIR_EVENT_HANDLE_WRITABLE)
		what |= EV_WRITE;
	return (short)what;
}

/* Takes `w`, also on failure; the number of the watch, or -1. */
static int add_watch(struct watch *w, int fd, short what)
{
	int id = -1;

	pthread_mutex_lock(&lock);
	w->event = lent ? event_new(lent, fd, what, w->is_timer ? on_timeout : on_ready, w) : NULL;
	if (w->event && (w->is_timer                   ? arm_timer(w)
			 : what & (EV_READ | EV_WRITE) ? event_add(w->event, NULL)
						       : 0) == 0) {
		id = w->id = ++last_id;
		LIST_INSERT_HEAD(&watches, w, link);
	}
	pthread_mutex_unlock(&lock);
	if (id < 0) {
		if (w->event)
			event_free(w->event);
		free(w);
	}
	return id;
}

static int add_handle(int fd, int events, virEventHandleCallback callback, void *opaque,
		      virFreeCallback release)
{
	struct watch *w = calloc(1, sizeof *w);

	if (!w)
		return -1;
	w->on_ready = callback;
	w->opaque = opaque;
	w->release = release;
	return add_watch(w, fd, wanted(events));
}

static int add_timeout(int interval_ms, virEventTimeoutCallback callback, void *opaque,
		       virFreeCallback release)
{
	struct watch *w = calloc(1, sizeof *w);

	if (!w)
		return -1;
	w->is_timer = true;
	w->interval_ms = interval_ms;
	w->on_timeout = callback;
	w->opaque = opaque;
	w->release = release;
	return add_watch(w, -1, 0);
}

static void update_handle(int id, int events)
{
	struct watch *w;

	pthread_mutex_lock(&lock);
	w = find(id, false);
	if (w) {
		(void)event_del_noblock(w->event);
		(void)event_assign(w->event, lent, event_get_fd(w->event), wanted(events), on_ready,
				   w);
		if (wanted(events) & (EV_READ | EV_WRITE))
			end_unless(event_add(w->event, NULL));
	}
	pthread_mutex_unlock(&lock);
}

static void update_timeout(int id, int interval_ms)
{
	struct watch *w;

	pthread_mutex_lock(&lock);
	w = find(id, true);
	if (w) {
		w->interval_ms = interval_ms;
		end_unless(arm_timer(w));
	}
	pthread_mutex_unlock(&lock);
}

static int remove_watch(int id, bool is_timer)
{
	struct watch *w;

	pthread_mutex_lock(&lock);
	w = find(id, is_timer);
	if (w) {
		w->dead = true;
		(void)event_del_noblock(w->event);
		LIST_REMOVE(w, link);
		LIST_INSERT_HEAD(&dead_watches, w, link);
		event_active(reaper, 0, 0);
	}
	pthread_mutex_unlock(&lock);
	return w ? 0 : -1;
}

static int remove_handle(int id)
{
	return remove_watch(id, false);
}

static int remove_timeout(int id)
{
	return remove_watch(id, true);
}

static void register_hooks(void)
{
	virEventRegisterImpl(add_handle, update_handle, remove_handle, add_timeout, update_timeout,
			     remove_timeout);
}

int virt_event_prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (evthread_use_pthreads() < 0)
		return -ENOTSUP;
	pthread_once(&once, register_hooks);
	return 0;
}

int virt_event_lend(struct event_base *base)
{
	int r = 0;

	pthread_mutex_lock(&lock);
	if (lent) {
		r = -EBUSY;
	} else {
		reaper = event_new(base, -1, 0, on_reap, NULL);
		if (reaper)
			lent = base;
		else
			r = -ENOMEM;
	}
	pthread_mutex_unlock(&lock);
	return r;
}

int virt_event_reclaim(void)
{
	enum {
		ROUNDS = 16
	}; /* one free callback may remove the next watch; two rounds were seen */
	bool idle = false;

	for (int i = 0; i < ROUNDS && !idle; i++) {
		/* Without ONCE a descriptor that stays readable keeps it in there for ever. */
		(void)event_base_loop(lent, EVLOOP_NONBLOCK | EVLOOP_ONCE);
		pthread_mutex_lock(&lock);
		idle = LIST_EMPTY(&watches) && LIST_EMPTY(&dead_watches);
		pthread_mutex_unlock(&lock);
	}
	if (!idle)
		return -EBUSY;
	pthread_mutex_lock(&lock);
	event_free(reaper);
	reaper = NULL;
	lent = NULL;
	pthread_mutex_unlock(&lock);
	return 0;
}
