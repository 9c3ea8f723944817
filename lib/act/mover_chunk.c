/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where are the pages of a piece of memory, and do they move?
 *
 * What move_pages(2) says of a page is not believed.  Of a transparent huge page it moves
 * all with the first one and calls the others busy; after a page that does not move it
 * stops, and says of none before or after what became of it.  So it is asked once more
 * where they are. */
#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>

#include "mover_private.h"
#include "nodemask.h"
#include "str.h"

/* No page has it: the kernel writes nodes, or errors of its own. */
enum { NOT_TRIED = -10000 };

enum { HUGE_SIZE = 2 * 1024 * 1024 };

/* Those behind a page that does not move get another call; what is left then is for the next
 * pass. */
enum { ROUNDS_MAX = 8 };

/* A call that is longer than the upper one halves the next piece, one that is shorter than
 * the lower one doubles it. */
static const uint64_t short_call_ns = 5 * KT_NS_PER_MS, long_call_ns = 20 * KT_NS_PER_MS;

/* ---- looking ------------------------------------------------------------------------- */

static int ask(struct mover *m, int *status)
{
	if (m->call(m->job.pid, m->chunk.n, m->chunk.page, NULL, status, 0) < 0)
		return -errno;
	m->worked = true;
	return 0;
}

/* Where nothing is, or no memory is mapped any more, there is nothing to move. */
static bool is_away(int found, uint64_t nodes)
{
	return found >= 0 && !nodemask_test(nodes, (unsigned int)found);
}

int mover_chunk_look(struct mover *m, uint64_t start, uint64_t end, uint64_t nodes)
{
	struct mover_chunk *c = &m->chunk;
	size_t away = 0;
	int r;

	c->n = 0;
	for (uint64_t at = start; at < end && c->n < MOVER_PAGES_MAX; at += m->page_kib * 1024)
		c->page[c->n++] = (void *)(uintptr_t)at;
	r = ask(m, c->found);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c->n; i++) {
		if (!is_away(c->found[i], nodes))
			continue;
		c->page[away] = c->page[i];
		c->found[away++] = c->found[i];
	}
	c->n = away;
	return 0;
}

/* ---- where to ------------------------------------------------------------------------- */

/* MemFree only.  The kernel would drop caches and swap out other guests to make room, while
 * pages of this one are already unmapped and its vCPUs wait for them (Linux >= 6.3 unmaps
 * up to 512 before it copies the first). */
static uint64_t free_kib_of(struct mover *m, unsigned int node)
{
	char path[64], *s;

	if (str_format(path, sizeof path, "sys/devices/system/node/node%u/meminfo", node) < 0 ||
	    hostfs_read(m->fs, path, m->text, sizeof m->text) < 0)
		return 0;
	s = strstr(m->text, "MemFree:");
	return s ? strtoull(s + strlen("MemFree:"), NULL, 10) : 0;
}

/* -1: none has that much to spare. */
static int roomiest(struct mover *m, uint64_t nodes, uint64_t need_kib)
{
	uint64_t most_kib = 0;
	int best = -1;

	for (; nodes; nodes &= nodes - 1) {
		unsigned int node = nodemask_first(nodes);
		uint64_t kib = free_kib_of(m, node);

		if (kib <= most_kib || kib <= m->job.leave_free_kib ||
		    kib - m->job.leave_free_kib <= need_kib)
			continue;
		most_kib = kib;
		best = (int)node;
	}
	return best;
}

/* ---- moving ---------------------------------------------------------------------------- */

static void note_time(struct mover *m, uint64_t ns)
{
	m->tally.copying_ns += ns;
	m->tally.longest_call_ns = KT_MAX(m->tally.longest_call_ns, ns);
	if (ns > long_call_ns)
		m->chunk_kib /= 2;
	else if (ns < short_call_ns)
		m->chunk_kib *= 2;
	m->chunk_kib = KT_CLAMP(m->chunk_kib, MOVER_CHUNK_MIN_KIB, MOVER_CHUNK_MAX_KIB);
}

/* The errors that are not about a page. */
static bool is_final(int error)
{
	return error == ESRCH || error == EPERM || error == ENOSYS;
}

/* Moves what is in the chunk.  Its pages have their statuses then. */
static int call_once(struct mover *m, int node)
{
	struct mover_chunk *c = &m->chunk;
	uint64_t began_ns = worker_now_ns();
	int error = 0;

	for (size_t i = 0; i < c->n; i++) {
		c->node[i] = node;
		c->status[i] = NOT_TRIED;
	}
	if (m->call(m->job.pid, c->n, c->page, c->node, c->status, MPOL_MF_MOVE) < 0)
		error = errno;
	note_time(m, worker_now_ns() - began_ns);
	if (is_final(error))
		return -error;
	if (error)
		m->tally.error = error;
	return 0;
}

static bool same_huge_page(const void *a, const void *b)
{
	return (uintptr_t)a / HUGE_SIZE == (uintptr_t)b / HUGE_SIZE;
}

/* A page that does not move ends the call after all that were isolated with it, and these
 * have no status.  How many have been tried for certain: up to the last one that moved, or
 * has one.  Of a huge page that does not move the second one is busy then, as the first one
 * is isolated, and all others would be: two in each call. */
static size_t tried(struct mover_chunk *c, uint64_t nodes)
{
	size_t n = c->n;

	while (n > 0 && c->status[n - 1] == NOT_TRIED &&
	       (c->found[n - 1] < 0 || is_away(c->found[n - 1], nodes)))
		n--;
	if (n == 0)
		return c->n;
	while (c->status[n - 1] == -EBUSY && n < c->n &&
	       same_huge_page(c->page[n - 1], c->page[n])) {
		c->status[n] = -EBUSY;
		n++;
	}
	return n;
}

/* The kernel's reason, if it gave any. */
static void note_failed(struct mover *m, int status)
{
	m->pass.failed_kib += m->page_kib;
	if (!m->tally.error)
		m->tally.error = status < 0 && status != NOT_TRIED ? -status : EBUSY;
}

/* Keeps those that were not tried.  What was refused for being shared is left alone, which
 * is no failure. */
static int judge(struct mover *m, uint64_t nodes)
{
	struct mover_chunk *c = &m->chunk;
	size_t left = 0, ntried;
	int r = ask(m, c->found);

	if (r < 0)
		return r;
	ntried = tried(c, nodes);
	for (size_t i = 0; i < c->n; i++) {
		if (c->found[i] < 0)
			continue;
		if (!is_away(c->found[i], nodes))
			m->pass.moved_kib += m->page_kib;
		else if (c->status[i] == -EACCES)
			m->pass.shared_kib += m->page_kib;
		else if (i < ntried)
			note_failed(m, c->status[i]);
		else
			c->page[left++] = c->page[i];
	}
	c->n = left;
	return 0;
}

int mover_chunk_move(struct mover *m, uint64_t nodes)
{
	struct mover_chunk *c = &m->chunk;
	int node = roomiest(m, nodes, m->chunk_kib);
	int r = 0;

	if (node < 0)
		return -ENOSPC;
	for (int round = 0; c->n && round < ROUNDS_MAX; round++) {
		r = call_once(m, node);
		if (r == 0)
			r = judge(m, nodes);
		if (r < 0)
			return r;
	}
	return 0;
}
