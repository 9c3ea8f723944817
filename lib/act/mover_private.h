/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the mover share.  Nobody else includes it.
 *
 *	mover.c         the thread, its orders and its speed
 *	mover_pass.c    what an order takes
 *	mover_ranges.c  which memory
 *	mover_holes.c   pieces of it where nothing is
 *	mover_chunk.c   one piece of it, looked at or moved */
#ifndef KT_MOVER_PRIVATE_H
#define KT_MOVER_PRIVATE_H

#include <pthread.h>

#include "mover.h"
#include "worker.h"

/* ---- mover_ranges.c ---------------------------------------------------- */

struct mover_range {
	uint64_t start, end;
	uint64_t nodes; /* where it is to be */
};

/* Read anew when the table has been used up: a process may have any number of mappings. */
enum { MOVER_RANGES_MAX = 256 };

struct mover_ranges {
	size_t n, next;
	uint64_t resume_at; /* mappings below have been in the table */
	bool more;
	struct mover_range range[MOVER_RANGES_MAX];
	char text[8192];
};

/* From the beginning. */
void mover_ranges_rewind(struct mover_ranges *r);
/* 1: *ret, 0: that was all, -ENOTUNIQ: which memory is which cell's cannot be told, -errno. */
int mover_ranges_next(const struct hostfs *fs, const struct mover_order *order,
		      struct mover_ranges *r, struct mover_range *ret) KT_MUST_USE;

/* Large enough for a transparent huge page, small enough that a stop is heard soon. */
enum { MOVER_CHUNK_MIN_KIB = 2048, MOVER_CHUNK_MAX_KIB = 8192 };
enum { MOVER_PAGES_MAX = MOVER_CHUNK_MAX_KIB / 4 };

struct mover_chunk {
	size_t n; /* pages that are not where they are to be */
	void *page[MOVER_PAGES_MAX];
	int node[MOVER_PAGES_MAX]; /* where to */
	int status[MOVER_PAGES_MAX], found[MOVER_PAGES_MAX];
};

struct mover_pass {
	uint64_t moved_kib, failed_kib, shared_kib;
};

struct mover {
	const struct hostfs *fs;
	mover_call_fn *call;
	pthread_t thread;

	pthread_mutex_t lock; /* held to copy, never across a system call */
	pthread_cond_t news;
	/* under the lock: */
	bool ordered, stop, quit;
	struct mover_order order;
	struct mover_answer answer;

	/* the thread's own: */
	struct mover_order job;
	struct mover_answer tally;
	struct mover_ranges ranges;
	struct mover_chunk chunk;
	struct mover_pass pass;
	uint64_t page_kib, chunk_kib;
	uint64_t began_ns;
	uint64_t rest_owed_ns; /* for looking */
	bool worked;           /* the kernel has answered once */
	bool full;             /* in this pass */
	struct hostfile pagemap;
	uint64_t entry[MOVER_PAGES_MAX];
	char text[8192];
};

/* ---- mover.c ----------------------------------------------------------- */

/* Tells how it goes, and rests for so long after `since_ns`, and until `kib` may have been
 * moved since then.  False: it is to stop. */
bool mover_rest(struct mover *m, uint64_t since_ns, uint64_t rest_ns, uint64_t kib);

/* ---- mover_pass.c ------------------------------------------------------ */

void mover_carry_out(struct mover *m);

/* ---- mover_holes.c ----------------------------------------------------- */

/* For one order.  Without it there are no holes. */
void mover_holes_open(struct mover *m);
void mover_holes_close(struct mover *m);
/* Whether no page at all is in this piece of memory. */
bool mover_is_hole(struct mover *m, uint64_t start, uint64_t end);

/* ---- mover_chunk.c ----------------------------------------------------- */

/* The pages of this piece of memory that are away.  0, -errno. */
int mover_chunk_look(struct mover *m, uint64_t start, uint64_t end, uint64_t nodes) KT_MUST_USE;
/* ... moved.  0; -ENOSPC: there is no room for them; -errno: nothing of this guest or of any
 * can be moved. */
int mover_chunk_move(struct mover *m, uint64_t nodes) KT_MUST_USE;

#endif
