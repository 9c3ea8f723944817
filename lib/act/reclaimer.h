/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of which guests is taken now, and what has come of it?
 *
 * A write to memory.reclaim returns when the memory is swapped out, or cannot be: seconds,
 * on a slow disk.  A reclaimer is a thread that does nothing else, one guest after the
 * other, in chunks; whoever gives orders never waits for it. */
#ifndef KT_RECLAIMER_H
#define KT_RECLAIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostfs.h"
#include "limits.h"

enum reclaim_state {
	RECLAIM_NONE,  /* no order yet */
	RECLAIM_WAITS, /* for its turn */
	RECLAIM_WORKS,
	RECLAIM_DONE,    /* down to the target, or the kernel found no more */
	RECLAIM_STOPPED, /* before that */
	RECLAIM_GONE,    /* the guest's cgroup has */
	RECLAIM_REFUSED, /* see error: the kernel or the sandbox offers us none of this guest */
	RECLAIM_FAILED,  /* see error: of this guest, this time */
};

struct reclaim_order {
	char cgroup[KT_PATH_MAX]; /* folder, below the root */
	uint64_t target_kib;      /* of usage */
	uint64_t at_most_kib;     /* a guest that grows meanwhile loses no more than this */
};

/* About the last order for a slot. */
struct reclaim_answer {
	enum reclaim_state state;
	int error;                  /* positive */
	uint64_t from_kib, now_kib; /* usage, before the first chunk and after the last */
	/* What the kernel was asked for so far; all of the order, once it has found less. */
	uint64_t asked_kib;
	/* So much did usage fall while it was asked: what the guest freed meanwhile cannot be
	 * told from that, but more than was asked for is none of our doing. */
	uint64_t got_kib;
};

struct reclaimer_totals {
	uint64_t got_kib;
	uint64_t longest_call_ns; /* the present one too */
	uint64_t call_since_ns;   /* CLOCK_MONOTONIC; 0: no write is under way */
	size_t slot;              /* ... for this one */
};

/* As hostfs_write_once. */
typedef int reclaim_call_fn(const struct hostfs *fs, const char *path, const char *text);

struct reclaimer;

/* call: NULL for the kernel's own.  -errno. */
int reclaimer_new(const struct hostfs *fs, reclaim_call_fn *call,
		  struct reclaimer **ret) KT_MUST_USE;
/* Interrupts the present write.  What the kernel holds for longer than a moment is left to
 * it: the thread ends by itself then, and frees what is left. */
void reclaimer_free(struct reclaimer *r);

/* -EBUSY: the order before has not ended for this slot. */
int reclaimer_order(struct reclaimer *r, size_t slot,
		    const struct reclaim_order *order) KT_MUST_USE;
/* What waits is forgotten, and a write under way interrupted.  A write that begins at this
 * very moment is not, and the order ends after it: ask again if that matters. */
void reclaimer_stop(struct reclaimer *r, size_t slot);
void reclaimer_look(struct reclaimer *r, size_t slot, struct reclaim_answer *ret);
void reclaimer_total(struct reclaimer *r, struct reclaimer_totals *ret);

#endif
