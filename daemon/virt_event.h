/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lends one libevent base to libvirt, which has no event loop of its own.  libvirt's
 * hooks have no user pointer and cannot be replaced: one base per process at a time. */
#ifndef KT_VIRT_EVENT_H
#define KT_VIRT_EVENT_H

#include <event2/event.h>
#include <stdbool.h>

#include "util.h"

/* Before the first connection is opened, and before `base` is made: makes libevent
 * aware of threads.  -ENOTSUP: this libevent cannot. */
int virt_event_prepare(void) KT_MUST_USE;

/* All that libvirt watches from now on is watched in `base`.  -EBUSY: an earlier base
 * is still lent; -ENOMEM. */
int virt_event_lend(struct event_base *base) KT_MUST_USE;

/* After the last connection is closed, in the thread of the base: runs it until libvirt
 * has let go of everything.  -EBUSY: libvirt still watches something (a connection is
 * open somewhere); the base must then live on. */
int virt_event_reclaim(void);

#endif
