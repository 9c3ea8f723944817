/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does memory move without anybody waiting for it?
 *
 * The thread has its usual priority: whoever is slow while he holds a page makes the guest
 * wait for that page. */
#include "mover.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>

#include "mover_private.h"

static long kernel_call(pid_t pid, unsigned long count, void **pages, const int *nodes, int *status,
			int flags)
{
	return syscall(SYS_move_pages, pid, count, pages, nodes, status, flags);
}

/* ---- how it goes, and how fast ------------------------------------------------------------- */

static void tell(struct mover *m)
{
	m->tally.elapsed_ns = worker_now_ns() - m->began_ns;
	m->answer = m->tally;
	m->job.kib_per_s = m->order.kib_per_s;
	m->job.leave_free_kib = m->order.leave_free_kib;
}

static uint64_t due_ns(const struct mover *m, uint64_t since_ns, uint64_t rest_ns, uint64_t kib)
{
	uint64_t rate = KT_MAX(m->job.kib_per_s, UINT64_C(1));

	return since_ns + KT_MAX(rest_ns, kib * KT_NS_PER_S / rate);
}

bool mover_rest(struct mover *m, uint64_t since_ns, uint64_t rest_ns, uint64_t kib)
{
	bool stopped;

	pthread_mutex_lock(&m->lock);
	tell(m);
	for (uint64_t due = due_ns(m, since_ns, rest_ns, kib); !m->stop && worker_now_ns() < due;
	     due = due_ns(m, since_ns, rest_ns, kib)) {
		m->answer.waits = true;
		(void)pthread_cond_timedwait(
			&m->news, &m->lock,
			&(struct timespec){ .tv_sec = (time_t)(due / KT_NS_PER_S),
					    .tv_nsec = (long)(due % KT_NS_PER_S) });
		tell(m);
	}
	m->answer.waits = false;
	stopped = m->stop;
	pthread_mutex_unlock(&m->lock);
	return !stopped;
}

/* ---- the thread ---------------------------------------------------------------------------- */

static void *live(void *context)
{
	struct mover *m = context;

	pthread_mutex_lock(&m->lock);
	while (!m->quit) {
		if (!m->ordered) {
			pthread_cond_wait(&m->news, &m->lock);
			continue;
		}
		m->job = m->order;
		pthread_mutex_unlock(&m->lock);
		mover_carry_out(m);
		pthread_mutex_lock(&m->lock);
		tell(m);
		m->ordered = false;
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

int mover_new(const struct hostfs *fs, mover_call_fn *call, struct mover **ret)
{
	struct mover *m = calloc(1, sizeof *m);
	pthread_condattr_t clock;
	int r;

	if (!m)
		return -ENOMEM;
	m->fs = fs;
	m->call = call ? call : kernel_call;
	m->page_kib = (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&m->news, &clock);
	pthread_condattr_destroy(&clock);
	r = worker_start(&m->thread, live, m);
	if (r < 0)
		free(m);
	else
		*ret = m;
	return r;
}

void mover_free(struct mover *m, struct mover_answer *ret_last)
{
	pthread_mutex_lock(&m->lock);
	m->stop = m->quit = true;
	pthread_cond_signal(&m->news);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	*ret_last = m->answer;
	pthread_cond_destroy(&m->news);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

int mover_order(struct mover *m, const struct mover_order *order)
{
	int r = -EBUSY;

	pthread_mutex_lock(&m->lock);
	if (!m->ordered) {
		m->order = *order;
		m->answer = (struct mover_answer){ .state = MOVER_WORKS };
		m->ordered = true;
		m->stop = false;
		pthread_cond_signal(&m->news);
		r = 0;
	}
	pthread_mutex_unlock(&m->lock);
	return r;
}

void mover_pace(struct mover *m, uint64_t kib_per_s, uint64_t leave_free_kib)
{
	pthread_mutex_lock(&m->lock);
	if (m->order.kib_per_s != kib_per_s)
		pthread_cond_signal(&m->news);
	m->order.kib_per_s = kib_per_s;
	m->order.leave_free_kib = leave_free_kib;
	pthread_mutex_unlock(&m->lock);
}

void mover_stop(struct mover *m)
{
	pthread_mutex_lock(&m->lock);
	m->stop = true;
	pthread_cond_signal(&m->news);
	pthread_mutex_unlock(&m->lock);
}

void mover_look(struct mover *m, struct mover_answer *ret)
{
	pthread_mutex_lock(&m->lock);
	*ret = m->answer;
	pthread_mutex_unlock(&m->lock);
}
