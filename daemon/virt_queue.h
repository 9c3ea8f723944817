/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bounded queue of plain structs between two threads, with a file descriptor that an
 * event loop can poll.  The lock is held for one memcpy, or one
 * look at what waits, never longer. */
#ifndef KT_VIRT_QUEUE_H
#define KT_VIRT_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "util.h"

struct virt_queue {
	pthread_mutex_t lock;
	pthread_cond_t space;
	int fd; /* eventfd, readable while something can be popped, and once closed */
	bool closed;
	size_t item_size, capacity, first, used;
	unsigned char *items;
};

int virt_queue_init(struct virt_queue *q, size_t item_size, size_t capacity) KT_MUST_USE;
void virt_queue_done(struct virt_queue *q);

/* -EAGAIN: full; -ESHUTDOWN: closed. */
int virt_queue_push(struct virt_queue *q, const void *item) KT_MUST_USE;

/* Waits while it is full.  -ESHUTDOWN: closed, perhaps while waiting. */
int virt_queue_push_wait(struct virt_queue *q, const void *item);

/* False: empty. */
bool virt_queue_pop(struct virt_queue *q, void *ret) KT_MUST_USE;

/* Shows each item that waits, the oldest first, under the lock. */
void virt_queue_each(struct virt_queue *q, void (*see)(void *context, const void *item),
		     void *context);

/* No push succeeds from now on, and whoever waits in one is let go. */
void virt_queue_close(struct virt_queue *q);
bool virt_queue_closed(struct virt_queue *q);

#endif
