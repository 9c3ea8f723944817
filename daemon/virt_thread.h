/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of virt: what the files of the libvirt thread share.  Nobody else includes it.
 *
 *	virt.c          the interface, and the thread itself
 *	virt_queue.c    requests in, news out
 *	virt_event.c    libvirt's descriptors and timers in our libevent base
 *	virt_connect.c  the link: open, close, lost, back
 *	virt_notify.c   libvirt's events -> which guest must be read again
 *	virt_guests.c   which guests there are, and telling what changed
 *	virt_turn.c     which of them is read next
 *	virt_list.c     ... when all are asked for
 *	virt_read.c     libvirt's answers -> struct domain, its errors -> errno
 *	virt_call.c     performs requests
 *	virt_pin.c      ... for pins, and marks them
 *	virt_limit.c    ... for soft limits, and marks them
 *	virt_domain.c   XML -> struct domain
 *	virt_metadata.c ... of what is written for or by kvmtuned
 */
#ifndef KT_VIRT_THREAD_H
#define KT_VIRT_THREAD_H

#include <event2/event.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdatomic.h>

#include "clock.h"
#include "virt.h"
#include "virt_domain.h"
#include "virt_queue.h"

enum {
	VIRT_EVENTS_MAX = 16,
	VIRT_ECHOES_MAX = 256,
};

enum virt_request_kind {
	VIRT_REQUEST_PIN,
	VIRT_REQUEST_SOFT_LIMIT,
	VIRT_REQUEST_STATISTICS,
	VIRT_REQUEST_REFRESH,
	VIRT_REQUEST_OWN_PINS,
	VIRT_REQUEST_LIFT_PINS,
	VIRT_REQUEST_OWN_SOFT_LIMIT,
	VIRT_REQUEST_DISOWN,
	VIRT_REQUEST_SEEK,
};

struct virt_request {
	enum virt_request_kind kind;
	struct uuid uuid;
	unsigned int link; /* of a pin or a limit: that it is meant for */
	uint64_t deadline_ns;
	struct pin_order pin;
	struct limit_order limit;
};

struct virt_guest {
	bool used;
	bool announced; /* the main thread knows it, as `told` */
	bool dirty;     /* to be read again */
	bool again;     /* ... a second from now: it is busy, or could not be read */
	bool listed;    /* seen by the resync */
	bool started;   /* by an event that has not been told yet */
	bool stopped;   /* so said an event: `gone` is the reason */
	bool sought;    /* the main thread asks whether it is there */
	bool missing;   /* gone without an event, which may still come */
	bool own_pins, own_soft_limit;
	bool taken_over;   /* the limit: what is found first may be somebody else's */
	bool foreign_pins; /* beside ours: only marks tell which is which, whatever we do */
	bool lift_pins;    /* those with a mark, as soon as it is not busy */
	struct uuid uuid;
	enum virt_gone gone;
	unsigned int failures;       /* to read it, in a row */
	uint64_t own_soft_limit_kib; /* as read back; 0: an earlier life set it */
	uint64_t rest_until_ns;      /* no requests: something holds this guest */
	uint64_t unread_until_ns;    /* unless it starts or stops: reading it takes long */
	uint64_t complaint;          /* hash of what was last said about it; 0: nothing */
	/* Of what the main thread knows only what tells whether there is more to tell: a second
	 * copy of a thousand guests would be 4 MiB. */
	struct {
		int id;
		bool busy;
		uint64_t audit, all_else; /* hashes */
	} told;
};

/* A pin of ours comes back as a tunable event, which must not be taken for somebody
 * else's.  Zero field: none. */
struct virt_echo {
	struct uuid uuid;
	char field[32];
	struct cpumask cpus;
};

struct virt {
	/* shared with the main thread */
	pthread_t thread;
	struct virt_queue requests, news;
	atomic_bool up;
	atomic_bool statistics_asked;
	_Atomic unsigned int link; /* the one that is, or was; from 1 */
	_Atomic uint64_t working_since_ns;

	/* the main thread's */
	unsigned int known_link; /* whose guests it has been told of */

	/* the libvirt thread's, once it runs */
	char *uri;
	struct event_base *base;
	struct event *requests_event, *link_event, *refresh_event, *again_event;

	virConnectPtr connection;
	bool gave_up; /* no memory for a timer: the thread ends, and says so */
	bool lost;    /* noticed; the link timer will clean up */
	bool said_down;
	bool keepalive;
	char lost_text[VIRT_TEXT_MAX];
	uint64_t up_since_ns;
	unsigned int retry_s;
	int subscription[VIRT_EVENTS_MAX]; /* -1: none */
	struct cpumask host_cpus;

	bool resyncing;
	bool said_full;
	bool may_refill;   /* guests were refused, and one has left since */
	size_t nguests;    /* slots [0, nguests) may be used */
	size_t next_guest; /* the slot to be read next, if it is to be read */
	struct virt_guest guest[KT_GUESTS_MAX];
	size_t next_echo;
	struct virt_echo echo[VIRT_ECHOES_MAX];
};

static inline void virt_free_domain(virDomainPtr *dom)
{
	if (*dom)
		(void)virDomainFree(*dom); /* fails only for what is no domain */
}

#define VIRT_AUTODOMAIN __attribute__((cleanup(virt_free_domain)))

/* ---- virt.c ------------------------------------------------------------------ */

void virt_tell(struct virt *v, const struct virt_news *news);
void virt_after(struct event *timer, unsigned int seconds);

/* Around everything that may hang, so that the main thread can see it. */
void virt_work_begins(struct virt *v);
void virt_work_ends(struct virt *v);

/* ---- virt_connect.c ------------------------------------------------------------ */

void virt_link_callback(evutil_socket_t fd, short what, void *v);

/* Only takes note: libvirt may be deep inside a call. */
void virt_link_lost(struct virt *v, const char *text);
void virt_disconnect(struct virt *v);
void virt_read_host_cpus(struct virt *v);

/* An idle host must not be woken: keep-alive runs only while there are guests. */
void virt_keepalive(struct virt *v);

/* ---- virt_notify.c ------------------------------------------------------------- */

/* -errno: not even lifecycle events; nothing can be managed then. */
int virt_subscribe(struct virt *v) KT_MUST_USE;
void virt_unsubscribe(struct virt *v);

/* Before a pin is made, and after it failed. */
struct virt_echo *virt_echo_expect(struct virt *v, const struct virt_request *request);

/* ---- virt_guests.c ------------------------------------------------------------- */

struct virt_guest *virt_guest_find(struct virt *v, const struct uuid *uuid);

/* NULL: no room, which is said once. */
struct virt_guest *virt_guest_put(struct virt *v, const struct uuid *uuid);
void virt_guest_touch(struct virt *v, struct virt_guest *g);
void virt_guest_drop(struct virt *v, struct virt_guest *g);
/* Nothing of it is ours any more, and nobody has been told of it. */
void virt_guest_renew(struct virt_guest *g);
/* Reads it, and tells what is new. */
void virt_guest_refresh(struct virt *v, struct virt_guest *g);

/* ---- virt_turn.c --------------------------------------------------------------- */

void virt_refresh_callback(evutil_socket_t fd, short what, void *v);
void virt_again_callback(evutil_socket_t fd, short what, void *v);

/* ---- virt_list.c --------------------------------------------------------------- */

/* Marks all that run, and tells of those who have gone. */
int virt_guests_resync(struct virt *v) KT_MUST_USE;
/* Takes guests that there was no room for, now that there is some. */
void virt_guests_refill(struct virt *v);

/* ---- virt_read.c --------------------------------------------------------------- */

/* What a failed call means as -errno (see virt.h); libvirt's words go to the debug log.
 * `dom` may be NULL.  Notices a dead link. */
int virt_failed(struct virt *v, virDomainPtr dom, const char *what) KT_MUST_USE;

/* libvirt's words about its last failure in this thread, as they are; never NULL. */
const char *virt_error_text(void);

/* Memtune in force; what is not limited, or not to be had, is KT_UNLIMITED_KIB. */
int virt_read_limits(struct virt *v, virDomainPtr dom, uint64_t *ret_soft_kib,
		     uint64_t *ret_hard_kib) KT_MUST_USE;

/* Everything about a guest; `d` has been zeroed and given its uuid and id.  -ENOENT: it
 * is gone; -EINVAL, -E2BIG, -ENAMETOOLONG: it cannot be managed; as virt_failed. */
int virt_read_guest(struct virt *v, struct virt_guest *g, virDomainPtr dom, struct domain *d,
		    struct domain_xml *ret_live) KT_MUST_USE;

/* ---- virt_pin.c ---------------------------------------------------------------- */

/* *ret: the pin as read back. */
int virt_pin_perform(struct virt *v, struct virt_guest *g, virDomainPtr dom,
		     const struct virt_request *request, struct cpumask *ret) KT_MUST_USE;

/* Threads with a marked pin get all CPUs that they may have; that is said. */
int virt_pins_lift(struct virt *v, struct virt_guest *g, virDomainPtr dom,
		   const struct domain *d) KT_MUST_USE;

/* ---- virt_limit.c -------------------------------------------------------------- */

int virt_limit_perform(struct virt *v, struct virt_guest *g, virDomainPtr dom,
		       const struct virt_request *request, struct vm_reply *reply) KT_MUST_USE;

/* ---- virt_call.c --------------------------------------------------------------- */

void virt_perform(struct virt *v, const struct virt_request *request);

#endif
