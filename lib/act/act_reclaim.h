/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of memory that is reclaimed?  Only act_private.h includes it.
 *
 *	act_reclaim.c      what the plan wants -> orders; answers -> what is in force
 *	act_reclaim_say.c  ... and what is said about it
 *	reclaimer.c        ... carried out, on a thread of its own (reclaimer.h) */
#ifndef KT_ACT_RECLAIM_H
#define KT_ACT_RECLAIM_H

#include "plan.h"
#include "reclaimer.h"

struct act;
struct act_guest;

/* Of one guest.  Nothing of it is on file: a reclaim leaves nothing to undo. */
struct reclaim {
	bool open;    /* an order was given, and its end has not been seen ... */
	bool dropped; /* ... and is of no interest any more */
	size_t slot;  /* of that order */
	enum why why;
	struct memory_plan wish;      /* the last one that was carried out, or told of */
	struct reclaim_answer answer; /* the last one; what is in it has been counted */
	/* since the guest was last let go: */
	unsigned int steps;
	uint64_t from_kib, now_kib; /* usage */
	uint64_t got_kib, told_kib;
	bool late_told, failure_told;
};

/* ---- act_reclaim.c ----------------------------------------------------- */

/* After the limits: one of ours is lifted before memory is reclaimed. */
void act_reclaim_apply(struct act *a, const struct plan *plan);
/* What has come of it by now. */
void act_reclaim_refresh(struct act *a);
/* Everything, now; nobody waits for it. */
void act_reclaim_stop(struct act *a);
/* The guest, or its process, has gone. */
void act_reclaim_forget(struct act *a, struct act_guest *g);
void act_reclaim_forgive(struct act *a);
/* The thread ends, or is left to the kernel. */
void act_reclaim_done(struct act *a);

/* ---- act_reclaim_say.c ------------------------------------------------- */

void act_reclaim_say_dry(const struct act_guest *g, uint64_t usage_kib);
/* A step has ended.  The first of a squeeze is a change, those after it are details. */
void act_reclaim_say_step(struct act_guest *g);
/* It is let go, because of `why`: what all the steps have brought, if that is more than was
 * told. */
void act_reclaim_say_total(const struct act_guest *g, enum why why);
/* A write had to be interrupted; said once for each guest. */
void act_reclaim_say_late(struct act_guest *g);
/* It did not work for this guest; said once. */
void act_reclaim_say_failed(struct act_guest *g);
/* It does not work for this guest, and perhaps not for others: the caller says it once. */
void act_reclaim_say_refused(const struct act_guest *g, int error);

#endif
