/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt as the main thread sees it: requests go in, news come out, nothing waits.
 *
 * One thread behind this header owns the connection and makes every libvirt call.  It
 * can hang for minutes (a stopped libvirtd, a stuck QEMU monitor); whoever calls from
 * here then notices nothing but late news.  All functions are for the main thread. */
#ifndef KT_VIRT_H
#define KT_VIRT_H

#include "act.h"
#include "sample.h"

enum { VIRT_TEXT_MAX = 256 };

struct virt;

enum virt_news_kind {
	VIRT_LINK_UP,     /* text: the version of the daemon; said once */
	VIRT_LINK_DOWN,   /* text, since_ns; once per loss, or once when it was never there
			   */
	VIRT_GUEST,       /* guest, started: new, or its facts changed */
	VIRT_GUEST_GONE,  /* uuid, gone */
	VIRT_RESYNC_DONE, /* after LINK_UP: all that is new, changed or gone has been said
			   */
	VIRT_TUNABLE,     /* uuid, text: somebody else pinned this guest, just now */
	VIRT_REPLY,       /* reply: to a pin or a soft limit */
	VIRT_LIFTED,      /* reply: uuid, and in `cpus` the emulator's pin that was lifted */
	VIRT_ENDED,       /* the thread had no memory to go on: nothing comes any more */
	VIRT_STATISTICS,  /* uuid, has_balloon, balloon_usable_kib: one guest's */
};

enum virt_gone {
	VIRT_GONE_STOPPED,
	VIRT_GONE_CRASHED,
	VIRT_GONE_MIGRATED,
};

/* Texts are escaped.  A guest that was destroyed and started again is first gone and
 * then new, even when both happened while the link was down. */
struct virt_news {
	enum virt_news_kind kind;
	struct uuid uuid;
	bool started;       /* just now: started, resumed or migrated in */
	bool only_of_audit; /* no loop looks at what has changed: a pin of ours, a balloon */
	enum virt_gone gone;
	bool has_balloon; /* false: no driver in the guest, or its figures are stale */
	uint64_t balloon_usable_kib;
	uint64_t since_ns; /* CLOCK_MONOTONIC */
	unsigned int link; /* of RESYNC_DONE */
	char text[VIRT_TEXT_MAX];
	union {
		struct domain guest; /* wish and balloon_* are not filled */
		struct vm_reply reply;
	};
};

struct virt_options {
	const char *uri; /* copied */
};

/* Starts the thread, which connects, and reconnects after 1 s, 2 s, 4 s ... 60 s.
 * Silences libvirt's own messages on stderr for the whole process.  -errno. */
int virt_start(const struct virt_options *options, struct virt **ret) KT_MUST_USE;

/* Ends the thread and frees everything.  -ETIMEDOUT: it hangs in a call and lives on;
 * then exit without it, or call again. */
int virt_stop(struct virt *v, unsigned int timeout_ms);

/* Readable as long as virt_next has something to say. */
int virt_wake_fd(const struct virt *v);

/* Takes the oldest piece of news; false: there is none.  The thread stands still while
 * too many wait, and never drops one. */
bool virt_next(struct virt *v, struct virt_news *ret) KT_MUST_USE;

/* Since when (CLOCK_MONOTONIC) the thread has been in the work that it is doing now;
 * 0: it is idle.  Anything beyond seconds means that libvirt does not answer. */
uint64_t virt_waiting_since_ns(const struct virt *v);

/* Each queues and returns at once: -EAGAIN the queue is full, -ENOTCONN no link (only
 * those below "refresh" do without one), -EINVAL an empty set of CPUs, a soft limit of 0 (which
 * would freeze the guest) or no such number of a thread.
 *
 * Of pins and soft limits -ENOTCONN says, too, that the guests of this link have not all been told
 * of: behind it another libvirtd may have another process in the place of one that is known, until
 * virt_next has brought VIRT_RESYNC_DONE.
 *
 * A pin or soft limit that was taken is answered by exactly one VIRT_REPLY, except
 * when virt_stop comes first.  Its error:
 *	-ETIMEDOUT	deadline_ns (CLOCK_MONOTONIC) passed before it could be sent
 *	-ENOTCONN	the link broke: it may or may not have been done
 *	-EAGAIN		somebody has pinned the thread since that was decided
 *	-ENOENT		the guest is gone, or has been started anew
 *	-EBUSY		migration, save, snapshot or another job holds the guest
 *	-ENOTSUP	this libvirt or this guest cannot do it (session mode, no cgroup)
 *	-EACCES		not allowed
 *	-ENOMEM		here or in libvirtd
 *	-EIO		else; the debug log has libvirt's words
 * Statistics are answered by a VIRT_STATISTICS for each running guest, or by nothing.
 * They come from the balloon driver, without waiting for guests that have a job; asking
 * again while an answer is under way is free and changes nothing. */
int virt_request_pin(struct virt *v, const struct uuid *uuid, const struct pin_order *order,
		     uint64_t deadline_ns) KT_MUST_USE;
int virt_request_soft_limit(struct virt *v, const struct uuid *uuid,
			    const struct limit_order *order, uint64_t deadline_ns) KT_MUST_USE;
int virt_request_statistics(struct virt *v, uint64_t deadline_ns) KT_MUST_USE;

/* Reads the guest's facts again: for what libvirt sends no event (a vCPU plugged in,
 * memtune changed). */
int virt_request_refresh(struct virt *v, const struct uuid *uuid) KT_MUST_USE;

/* What an earlier life of this daemon left in force (undo file): pins or the soft limit
 * that are in the live XML of this guest are not the admin's.  What is set by requests
 * is remembered without being told. */
int virt_own_pins(struct virt *v, const struct uuid *uuid) KT_MUST_USE;
int virt_own_soft_limit(struct virt *v, const struct uuid *uuid) KT_MUST_USE;

/* Another process has this guest's place: what was ours went with the one before.  It is told
 * of again, as one that is new. */
int virt_disown(struct virt *v, const struct uuid *uuid) KT_MUST_USE;

/* An earlier life knew this guest, and nothing has been told of it.  Where libvirt does not know
 * it, that comes as VIRT_GUEST_GONE. */
int virt_seek(struct virt *v, const struct uuid *uuid) KT_MUST_USE;

/* Marked pins of this guest that no undo file knows: it has come with them, from another host
 * or out of a file.  They are lifted when no job holds the guest; its facts then say so. */
int virt_lift_pins(struct virt *v, const struct uuid *uuid) KT_MUST_USE;

#endif
