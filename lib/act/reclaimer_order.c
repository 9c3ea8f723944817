/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is one guest's memory reclaimed, chunk by chunk, and what has come of it? */
#include <errno.h>
#include <inttypes.h>

#include "reclaimer_private.h"
#include "str.h"

enum {
	CHUNK_KIB = 4096, /* a stop is heard after 0.1 s on a disk that takes 40 MiB/s */
	/* The largest page there is: of less the kernel makes nothing, and calls it done. */
	LEAST_KIB = 64,
};

static void end(struct reclaim_job *j, enum reclaim_state state, int error)
{
	j->answer.state = state;
	j->answer.error = error;
}

static bool has_gone(const struct reclaimer *r, int error)
{
	return (error == -ENOENT || error == -ENODEV) && !hostfs_exists(&r->fs, r->job.current);
}

static bool is_refusal(int error)
{
	return error == -EROFS || error == -EACCES || error == -EPERM || error == -ENOENT ||
	       error == -EINVAL || error == -EOPNOTSUPP;
}

/* False: the order has ended. */
static bool read_usage(struct reclaimer *r, uint64_t *ret_kib)
{
	struct reclaim_job *j = &r->job;
	uint64_t bytes;
	int error = hostfs_read_u64(&r->fs, j->current, &bytes);

	if (error == 0)
		*ret_kib = bytes / 1024;
	else if (has_gone(r, error))
		end(j, RECLAIM_GONE, 0);
	else if (error != -EINTR)
		end(j, RECLAIM_FAILED, error == -EINVAL ? EBADMSG : -error);
	return error == 0 || error == -EINTR;
}

static uint64_t wanted_kib(const struct reclaim_job *j)
{
	const struct reclaim_answer *a = &j->answer;
	uint64_t above = a->now_kib - KT_MIN(a->now_kib, j->order.target_kib);
	uint64_t rest = j->order.at_most_kib - KT_MIN(j->order.at_most_kib, a->asked_kib);

	return KT_MIN(above, rest);
}

static int write_timed(struct reclaimer *r, const char *text)
{
	uint64_t since_ns = worker_now_ns(), took_ns;
	int error;

	pthread_mutex_lock(&r->lock);
	r->totals.call_since_ns = since_ns;
	r->totals.slot = r->job.slot;
	pthread_mutex_unlock(&r->lock);
	error = r->call(&r->fs, r->job.reclaim, text);
	pthread_mutex_lock(&r->lock);
	took_ns = worker_now_ns() - since_ns;
	r->totals.call_since_ns = 0;
	r->totals.longest_call_ns = KT_MAX(r->totals.longest_call_ns, took_ns);
	pthread_mutex_unlock(&r->lock);
	return error;
}

static void take_error(struct reclaimer *r, int error, uint64_t wanted)
{
	struct reclaim_job *j = &r->job;

	if (error == -EAGAIN) {
		j->answer.asked_kib += wanted;
		end(j, RECLAIM_DONE, 0);
	} else if (has_gone(r, error)) {
		end(j, RECLAIM_GONE, 0);
	} else if (error < 0 && error != -EINTR) {
		end(j, is_refusal(error) ? RECLAIM_REFUSED : RECLAIM_FAILED, -error);
	}
}

void reclaim_chunk(struct reclaimer *r)
{
	struct reclaim_job *j = &r->job;
	uint64_t wanted = wanted_kib(j), chunk = KT_MIN(wanted, (uint64_t)CHUNK_KIB);
	uint64_t before = j->answer.now_kib;
	char text[32];
	int error;

	if (wanted < LEAST_KIB) {
		end(j, RECLAIM_DONE, 0);
		return;
	}
	if (str_format(text, sizeof text, "%" PRIu64, chunk * 1024) < 0)
		return; /* a number always fits */
	error = write_timed(r, text);
	if (error == 0 || error == -EAGAIN || error == -EINTR)
		j->answer.asked_kib += chunk;
	if (!read_usage(r, &j->answer.now_kib))
		return;
	j->answer.got_kib += KT_MIN(before - KT_MIN(before, j->answer.now_kib), chunk);
	take_error(r, error, wanted - chunk);
}

void reclaim_begin(struct reclaimer *r)
{
	struct reclaim_job *j = &r->job;

	if (str_format(j->current, sizeof j->current, "%s/memory.current", j->order.cgroup) < 0 ||
	    str_format(j->reclaim, sizeof j->reclaim, "%s/memory.reclaim", j->order.cgroup) < 0)
		end(j, RECLAIM_FAILED, ENAMETOOLONG);
	else if (read_usage(r, &j->answer.now_kib))
		j->answer.from_kib = j->answer.now_kib;
}
