/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every thread beside the main one needs. */
#ifndef KT_WORKER_H
#define KT_WORKER_H

#include <pthread.h>
#include <stdint.h>

/* CLOCK_MONOTONIC: the clock of plans is read once per tick, and these do not wait for one. */
uint64_t worker_now_ns(void);

/* With all signals blocked: they are for the main thread.  -errno. */
int worker_start(pthread_t *ret, void *(*live)(void *), void *context);

#endif
