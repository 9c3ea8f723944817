/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do two threads hand each other structs without waiting for each other's work? */
#include "virt_queue.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

int virt_queue_init(struct virt_queue *q, size_t item_size, size_t capacity)
{
	KT_AUTOCLOSE int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	KT_AUTOFREE unsigned char *items = calloc(capacity, item_size);

	if (fd < 0)
		return -errno;
	if (!items)
		return -ENOMEM;
	*q = (struct virt_queue){
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.space = PTHREAD_COND_INITIALIZER,
		.fd = KT_TAKE_FD(fd),
		.item_size = item_size,
		.capacity = capacity,
		.items = items,
	};
	items = NULL;
	return 0;
}

void virt_queue_done(struct virt_queue *q)
{
	if (!q->items)
		return;
	close(q->fd);
	free(q->items);
	pthread_cond_destroy(&q->space);
	pthread_mutex_destroy(&q->lock);
	q->items = NULL;
}

/* The counter of the descriptor says only "not empty": it is set by the first item
 * and cleared with the last one, both under the lock. */
static void wake(struct virt_queue *q)
{
	(void)eventfd_write(q->fd, 1); /* cannot fail below 2^64 - 2 unread ones */
}

static void append(struct virt_queue *q, const void *item)
{
	size_t at = (q->first + q->used) % q->capacity;

	memcpy(q->items + at * q->item_size, item, q->item_size);
	if (q->used++ == 0)
		wake(q);
}

int virt_queue_push(struct virt_queue *q, const void *item)
{
	int r = 0;

	pthread_mutex_lock(&q->lock);
	if (q->closed)
		r = -ESHUTDOWN;
	else if (q->used == q->capacity)
		r = -EAGAIN;
	else
		append(q, item);
	pthread_mutex_unlock(&q->lock);
	return r;
}

int virt_queue_push_wait(struct virt_queue *q, const void *item)
{
	int r = 0;

	pthread_mutex_lock(&q->lock);
	while (!q->closed && q->used == q->capacity)
		pthread_cond_wait(&q->space, &q->lock);
	if (q->closed)
		r = -ESHUTDOWN;
	else
		append(q, item);
	pthread_mutex_unlock(&q->lock);
	return r;
}

bool virt_queue_pop(struct virt_queue *q, void *ret)
{
	eventfd_t count;
	bool any;

	pthread_mutex_lock(&q->lock);
	any = q->used > 0;
	if (any) {
		memcpy(ret, q->items + q->first * q->item_size, q->item_size);
		q->first = (q->first + 1) % q->capacity;
		if (--q->used == 0 && !q->closed)
			(void)eventfd_read(q->fd, &count);
		pthread_cond_signal(&q->space);
	}
	pthread_mutex_unlock(&q->lock);
	return any;
}

void virt_queue_each(struct virt_queue *q, void (*see)(void *context, const void *item),
		     void *context)
{
	pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < q->used; i++)
		see(context, q->items + (q->first + i) % q->capacity * q->item_size);
	pthread_mutex_unlock(&q->lock);
}

void virt_queue_close(struct virt_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	wake(q);
	pthread_cond_broadcast(&q->space);
	pthread_mutex_unlock(&q->lock);
}

bool virt_queue_closed(struct virt_queue *q)
{
	bool closed;

	pthread_mutex_lock(&q->lock);
	closed = q->closed;
	pthread_mutex_unlock(&q->lock);
	return closed;
}
