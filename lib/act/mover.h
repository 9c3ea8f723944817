/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which memory of one guest goes to which nodes, how fast, and how far is it?
 *
 * A mover is a thread that waits for an order, carries it out and waits again.  Whoever
 * gives orders never waits for it: all calls but mover_free copy a few words. */
#ifndef KT_MOVER_H
#define KT_MOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "hostfs.h"
#include "limits.h"

enum mover_state {
	MOVER_RESTS, /* without an order, or it was stopped */
	MOVER_WORKS,
	MOVER_DONE,    /* nothing is left that would move */
	MOVER_FULL,    /* no node that memory goes to has any to spare */
	MOVER_FAILED,  /* too much of it does not move */
	MOVER_UNCLEAR, /* which memory is which cell's cannot be told */
	MOVER_GONE,    /* the process has ended */
	MOVER_OFF,     /* the kernel lets us move no memory at all */
};

struct mover_cell {
	uint64_t nodes;
	uint64_t memory_kib;
};

struct mover_order {
	pid_t pid;
	uint64_t start_ticks;
	bool look_only; /* see what would be moved */
	uint64_t kib_per_s;
	uint64_t leave_free_kib; /* on a node that memory goes to */
	uint64_t from;           /* nodes that memory leaves; what is on others stays */
	unsigned int ncells;     /* one: it is all of the guest's memory */
	struct mover_cell cell[KT_CELLS_MAX];
};

/* About the last order. */
struct mover_answer {
	enum mover_state state;
	int error;           /* positive: why it failed */
	bool looked;         /* what is to be moved is known: */
	uint64_t away_nodes; /* where it was */
	uint64_t away_kib;
	uint64_t moved_kib, failed_kib;
	uint64_t shared_kib; /* left where it is: merged, or of other processes too */
	uint64_t elapsed_ns, copying_ns, longest_call_ns;
	bool waits; /* it would be faster than it may */
};

/* move_pages(2): -1 and errno, or how many pages were not moved. */
typedef long mover_call_fn(pid_t pid, unsigned long count, void **pages, const int *nodes,
			   int *status, int flags);

struct mover;

/* `fs` must outlive it.  call: instead of the kernel's, NULL: the kernel's. */
int mover_new(const struct hostfs *fs, mover_call_fn *call, struct mover **ret) KT_MUST_USE;
/* Stops it, waits for the end of the present call, and tells how it ended. */
void mover_free(struct mover *m, struct mover_answer *ret_last);

/* -EBUSY: the order before is still being carried out; stop it, and ask again later. */
int mover_order(struct mover *m, const struct mover_order *order) KT_MUST_USE;
/* The order goes on at another speed. */
void mover_pace(struct mover *m, uint64_t kib_per_s, uint64_t leave_free_kib);
void mover_stop(struct mover *m);
void mover_look(struct mover *m, struct mover_answer *ret);

#endif
