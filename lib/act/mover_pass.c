/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does an order take?
 *
 * A first pass only looks, so that what is to be moved is known before anything is; then
 * each pass moves what it finds, until one finds too little. */
#include <errno.h>

#include "act_private.h"
#include "mover_private.h"
#include "nodemask.h"

enum {
	/* More than every fifth of at least so much: its memory does not move. */
	FAILED_SHARE_MAX = 5,
	JUDGED_KIB = 64 * 1024,
	/* What trickles in while a pass lasts is not worth another one. */
	TRICKLE_KIB = 1024,
	/* Looking costs 0.2 us a page (measured: 4 s for 64 GiB), takes a quarter of a CPU
	 * at most, and rests no less than this: a wake-up costs more than a look. */
	REST_PER_LOOK = 3,
};
static const uint64_t rest_min_ns = 10 * KT_NS_PER_MS;

/* ---- the end ----------------------------------------------------------------------------- */

/* Returns false, so that whoever goes on while all is well can end with it. */
static bool end(struct mover *m, enum mover_state state, int error)
{
	m->tally.state = state;
	if (error)
		m->tally.error = error;
	return false;
}

/* Permission that nothing was ever done with is missing for all guests. */
static bool end_by_error(struct mover *m, int error)
{
	if (error == ESRCH)
		return end(m, MOVER_GONE, 0);
	if (error == ENOTUNIQ)
		return end(m, MOVER_UNCLEAR, error);
	if (error == ENOSYS || (!m->worked && (error == EPERM || error == EACCES)))
		return end(m, MOVER_OFF, error);
	return end(m, MOVER_FAILED, error);
}

static bool go_on_after(struct mover *m, uint64_t since_ns, uint64_t rest_ns, uint64_t kib)
{
	return mover_rest(m, since_ns, rest_ns, kib) || end(m, MOVER_RESTS, 0);
}

static bool rest_from_looking(struct mover *m, uint64_t began_ns)
{
	uint64_t now_ns = worker_now_ns(), owed_ns;

	m->rest_owed_ns += REST_PER_LOOK * (now_ns - began_ns);
	owed_ns = m->rest_owed_ns < rest_min_ns ? 0 : m->rest_owed_ns;
	m->rest_owed_ns -= owed_ns;
	return go_on_after(m, now_ns, owed_ns, 0);
}

/* ---- passes ------------------------------------------------------------------------------ */

static bool find(struct mover *m, uint64_t start, uint64_t end_at, uint64_t nodes)
{
	int r;

	m->chunk.n = 0;
	if (mover_is_hole(m, start, end_at))
		return true;
	r = process_check(m->fs, m->job.pid, m->job.start_ticks);
	if (r == 0)
		r = mover_chunk_look(m, start, end_at, nodes | ~m->job.from);
	return r == 0 || end_by_error(m, -r);
}

static bool look(struct mover *m, uint64_t start, uint64_t end_at, uint64_t nodes)
{
	uint64_t began_ns = worker_now_ns();

	if (!find(m, start, end_at, nodes))
		return false;
	m->tally.away_kib += m->chunk.n * m->page_kib;
	for (size_t i = 0; i < m->chunk.n; i++)
		m->tally.away_nodes |= nodemask_of((unsigned int)m->chunk.found[i]);
	return rest_from_looking(m, began_ns);
}

static bool fails(const struct mover_pass *p)
{
	return p->failed_kib * FAILED_SHARE_MAX > p->moved_kib + p->failed_kib;
}

/* Totals never fall, and what fails in each pass is counted once. */
static void add_pass(struct mover *m, const struct mover_pass *before)
{
	struct mover_answer *t = &m->tally;

	t->moved_kib += m->pass.moved_kib - before->moved_kib;
	t->failed_kib = KT_MAX(t->failed_kib, m->pass.failed_kib);
	t->shared_kib = KT_MAX(t->shared_kib, m->pass.shared_kib);
}

/* Where several cells go to different nodes, those of the others may have room. */
static bool skip_full(struct mover *m)
{
	m->full = true;
	return m->job.ncells > 1 || end(m, MOVER_FULL, 0);
}

static bool move(struct mover *m, uint64_t start, uint64_t end_at, uint64_t nodes)
{
	struct mover_pass before = m->pass;
	uint64_t began_ns = worker_now_ns();
	int r;

	if (!find(m, start, end_at, nodes))
		return false;
	if (!m->chunk.n)
		return rest_from_looking(m, began_ns);
	r = mover_chunk_move(m, nodes);
	add_pass(m, &before);
	if (r == -ENOSPC)
		return skip_full(m) && rest_from_looking(m, began_ns);
	if (r < 0)
		return end_by_error(m, -r);
	if (m->pass.moved_kib + m->pass.failed_kib >= JUDGED_KIB && fails(&m->pass))
		return end(m, MOVER_FAILED, 0);
	return go_on_after(m, began_ns, 0,
			   m->pass.moved_kib + m->pass.failed_kib - before.moved_kib -
				   before.failed_kib);
}

typedef bool visit_fn(struct mover *m, uint64_t start, uint64_t end_at, uint64_t nodes);

static bool visit_range(struct mover *m, const struct mover_range *range, visit_fn *visit)
{
	uint64_t next;

	/* Pieces end where a huge page does, or it would be in two. */
	for (uint64_t at = range->start; at < range->end; at = next) {
		next = (at / 1024 / MOVER_CHUNK_MIN_KIB * MOVER_CHUNK_MIN_KIB + m->chunk_kib) *
		       1024;
		next = KT_MIN(next, range->end);
		if (!visit(m, at, next, range->nodes))
			return false;
	}
	return true;
}

static bool visit_all(struct mover *m, visit_fn *visit)
{
	struct mover_range range;
	int r;

	m->pass = (struct mover_pass){ 0 };
	m->full = false;
	mover_ranges_rewind(&m->ranges);
	while ((r = mover_ranges_next(m->fs, &m->job, &m->ranges, &range)) > 0)
		if (!visit_range(m, &range, visit))
			return false;
	return r == 0 || end_by_error(m, -r);
}

/* False: another pass would bring nothing. */
static bool is_worth_another(struct mover *m, bool first)
{
	const struct mover_pass *p = &m->pass;

	if (m->full)
		return end(m, MOVER_FULL, 0);
	if (first && fails(p))
		return end(m, MOVER_FAILED, 0);
	if (p->moved_kib < TRICKLE_KIB || p->moved_kib <= p->failed_kib)
		return end(m, MOVER_DONE, 0);
	return true;
}

static void look_and_move(struct mover *m)
{
	bool first = true;

	if (!visit_all(m, look))
		return;
	m->tally.looked = true;
	if (m->job.look_only || !m->tally.away_kib) {
		end(m, MOVER_DONE, 0);
		return;
	}
	while (visit_all(m, move) && is_worth_another(m, first))
		first = false;
}

void mover_carry_out(struct mover *m)
{
	int r;

	m->tally = (struct mover_answer){ .state = MOVER_WORKS };
	m->began_ns = worker_now_ns();
	m->chunk_kib = MOVER_CHUNK_MIN_KIB;
	m->rest_owed_ns = 0;
	mover_holes_open(m);
	/* After it: the page map is not that of another process by then. */
	r = process_check(m->fs, m->job.pid, m->job.start_ticks);
	if (r < 0)
		(void)end_by_error(m, -r);
	else
		look_and_move(m);
	mover_holes_close(m);
}
