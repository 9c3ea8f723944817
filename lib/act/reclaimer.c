/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is memory reclaimed without anybody waiting for it?
 *
 * The kernel gives up a reclaim when the writer has a signal pending, so a signal of its own
 * that does nothing interrupts this thread.  One that comes just before the write begins is
 * lost; therefore chunks are small, and whether to stop is asked before each. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "reclaimer_private.h"

enum {
	PATIENCE_MS = 2000, /* for a write that has been interrupted */
	NUDGE_MS = 50,      /* ... which is done again: the first may have come too early */
};

/* ---- the thread ------------------------------------------------------------------------ */

static void tell(struct reclaimer *r)
{
	struct reclaim_job *j = &r->job;
	struct reclaim_answer *told = &r->slot[j->slot].answer;

	if (r->stop && j->answer.state == RECLAIM_WORKS)
		j->answer.state = RECLAIM_STOPPED;
	r->totals.got_kib += j->answer.got_kib - told->got_kib;
	*told = j->answer;
}

static void carry_out(struct reclaimer *r, void (*work)(struct reclaimer *r))
{
	pthread_mutex_unlock(&r->lock);
	work(r);
	pthread_mutex_lock(&r->lock);
	tell(r);
}

static void take_first(struct reclaimer *r)
{
	size_t slot = r->waiting[0];

	memmove(r->waiting, r->waiting + 1, --r->nwaiting * sizeof *r->waiting);
	r->job = (struct reclaim_job){ .slot = slot,
				       .order = r->slot[slot].order,
				       .answer = { .state = RECLAIM_WORKS } };
	r->slot[slot].answer = r->job.answer;
	r->stop = false;
}

static void destroy(struct reclaimer *r)
{
	pthread_cond_destroy(&r->news);
	pthread_mutex_destroy(&r->lock);
	hostfs_close(&r->fs);
	free(r);
}

static void *live(void *context)
{
	struct reclaimer *r = context;
	sigset_t interruption;
	bool left_alone;

	sigemptyset(&interruption);
	sigaddset(&interruption, SIGRTMIN);
	pthread_sigmask(SIG_UNBLOCK, &interruption, NULL);
	pthread_mutex_lock(&r->lock);
	while (!r->quit) {
		if (!r->nwaiting) {
			pthread_cond_wait(&r->news, &r->lock);
			continue;
		}
		take_first(r);
		carry_out(r, reclaim_begin);
		while (r->job.answer.state == RECLAIM_WORKS)
			carry_out(r, reclaim_chunk);
	}
	r->ended = true;
	left_alone = r->left_alone;
	pthread_mutex_unlock(&r->lock);
	if (left_alone)
		destroy(r);
	return NULL;
}

static void interrupted(int signal)
{
	(void)signal;
}

static int start_thread(struct reclaimer *r)
{
	struct sigaction interruption = { .sa_handler = interrupted }; /* no SA_RESTART */

	(void)sigaction(SIGRTMIN, &interruption, NULL); /* a signal that there is can be caught */
	return worker_start(&r->thread, live, r);
}

int reclaimer_new(const struct hostfs *fs, reclaim_call_fn *call, struct reclaimer **ret)
{
	struct reclaimer *r = calloc(1, sizeof *r);
	int error;

	if (!r)
		return -ENOMEM;
	r->call = call ? call : hostfs_write_once;
	r->fs = (struct hostfs){ .root_fd = fcntl(fs->root_fd, F_DUPFD_CLOEXEC, 0),
				 .is_live = fs->is_live };
	error = r->fs.root_fd < 0 ? -errno : 0;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->news, NULL);
	if (error == 0)
		error = start_thread(r);
	if (error < 0)
		destroy(r);
	else
		*ret = r;
	return error;
}

/* ---- the end --------------------------------------------------------------------------- */

static struct timespec in_a_moment(void)
{
	uint64_t at_ns = worker_now_ns() + NUDGE_MS * KT_NS_PER_MS;

	return (struct timespec){ .tv_sec = (time_t)(at_ns / KT_NS_PER_S),
				  .tv_nsec = (long)(at_ns % KT_NS_PER_S) };
}

static bool has_joined(struct reclaimer *r)
{
	for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += NUDGE_MS) {
		struct timespec until = in_a_moment();

		(void)pthread_kill(r->thread, SIGRTMIN); /* fails if it has ended: good */
		if (pthread_clockjoin_np(r->thread, NULL, CLOCK_MONOTONIC, &until) == 0)
			return true;
	}
	return false;
}

void reclaimer_free(struct reclaimer *r)
{
	bool ended;

	pthread_mutex_lock(&r->lock);
	r->stop = r->quit = true;
	pthread_cond_signal(&r->news);
	pthread_mutex_unlock(&r->lock);
	if (has_joined(r)) {
		destroy(r);
		return;
	}
	pthread_mutex_lock(&r->lock);
	ended = r->ended;
	r->left_alone = true;
	if (!ended)
		pthread_detach(r->thread);
	pthread_mutex_unlock(&r->lock);
	if (!ended)
		return;
	pthread_join(r->thread, NULL);
	destroy(r);
}

/* ---- orders and answers ---------------------------------------------------------------- */

static bool is_open(enum reclaim_state state)
{
	return state == RECLAIM_WAITS || state == RECLAIM_WORKS;
}

int reclaimer_order(struct reclaimer *r, size_t slot, const struct reclaim_order *order)
{
	int error = -EBUSY;

	if (slot >= KT_GUESTS_MAX)
		return -EINVAL;
	pthread_mutex_lock(&r->lock);
	if (!is_open(r->slot[slot].answer.state)) {
		r->slot[slot].order = *order;
		r->slot[slot].answer = (struct reclaim_answer){ .state = RECLAIM_WAITS };
		r->waiting[r->nwaiting++] = (uint16_t)slot;
		pthread_cond_signal(&r->news);
		error = 0;
	}
	pthread_mutex_unlock(&r->lock);
	return error;
}

static void forget_waiting(struct reclaimer *r, size_t slot)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->nwaiting; i++)
		if (r->waiting[i] != slot)
			r->waiting[kept++] = r->waiting[i];
	r->nwaiting = kept;
	r->slot[slot].answer.state = RECLAIM_STOPPED;
}

void reclaimer_stop(struct reclaimer *r, size_t slot)
{
	if (slot >= KT_GUESTS_MAX)
		return;
	pthread_mutex_lock(&r->lock);
	if (r->slot[slot].answer.state == RECLAIM_WAITS) {
		forget_waiting(r, slot);
	} else if (r->slot[slot].answer.state == RECLAIM_WORKS) {
		r->stop = true;
		(void)pthread_kill(r->thread, SIGRTMIN); /* it is alive */
	}
	pthread_mutex_unlock(&r->lock);
}

void reclaimer_look(struct reclaimer *r, size_t slot, struct reclaim_answer *ret)
{
	*ret = (struct reclaim_answer){ .state = RECLAIM_NONE };
	if (slot >= KT_GUESTS_MAX)
		return;
	pthread_mutex_lock(&r->lock);
	*ret = r->slot[slot].answer;
	pthread_mutex_unlock(&r->lock);
}

void reclaimer_total(struct reclaimer *r, struct reclaimer_totals *ret)
{
	uint64_t present_ns;

	pthread_mutex_lock(&r->lock);
	*ret = r->totals;
	present_ns = ret->call_since_ns ? worker_now_ns() - ret->call_since_ns : 0;
	pthread_mutex_unlock(&r->lock);
	ret->longest_call_ns = KT_MAX(ret->longest_call_ns, present_ns);
}
