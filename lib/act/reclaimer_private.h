/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the reclaimer share.  Nobody else includes it.
 *
 *	reclaimer.c        the thread, orders and answers
 *	reclaimer_order.c  one order, chunk by chunk */
#ifndef KT_RECLAIMER_PRIVATE_H
#define KT_RECLAIMER_PRIVATE_H

#include <pthread.h>

#include "reclaimer.h"
#include "worker.h"

struct reclaim_job {
	size_t slot;
	struct reclaim_order order;
	struct reclaim_answer answer;
	char current[KT_PATH_MAX], reclaim[KT_PATH_MAX];
};

struct reclaimer {
	struct hostfs fs; /* its own: the thread may outlive whoever made it */
	reclaim_call_fn *call;
	pthread_t thread;

	pthread_mutex_t lock; /* held to copy, never across a system call */
	pthread_cond_t news;
	/* under the lock: */
	bool stop; /* the order under way */
	bool quit, ended, left_alone;
	size_t nwaiting;
	uint16_t waiting[KT_GUESTS_MAX]; /* slots, in the order given */
	struct reclaimer_totals totals;  /* without the present write */
	struct {
		struct reclaim_order order;
		struct reclaim_answer answer;
	} slot[KT_GUESTS_MAX];

	struct reclaim_job job; /* the thread's own */
};

/* ---- reclaimer_order.c: of r->job, without the lock ------------------------------- */

void reclaim_begin(struct reclaimer *r);
void reclaim_chunk(struct reclaimer *r);

#endif
