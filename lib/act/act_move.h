/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of memory that moves to other nodes.  Only act_private.h includes it. */
#ifndef KT_ACT_MOVE_H
#define KT_ACT_MOVE_H

#include "mover.h"
#include "plan.h"

struct act;
struct act_guest;

struct act_move {
	struct mover *mover; /* NULL: never needed so far */
	bool off;            /* the kernel refuses all */
	bool given;          /* `order` is the last one, and the plan still wants it ... */
	bool open;           /* ... or its end has not been seen */
	bool stopping;
	bool told; /* what is to be moved */
	struct mover_order order;
	struct uuid uuid; /* of its guest */
	size_t slot;
	enum why why, why_stopped;
	struct mover_answer answer; /* the last one; what is in it has been counted */
};

/* ---- act_move.c -------------------------------------------------------- */

/* After the pins: new memory of the guest is to come from the same nodes by then. */
void act_move_apply(struct act *a, const struct plan *plan);
/* Ends after the present call; nobody waits for it. */
void act_move_stop(struct act *a);
void act_move_forgive(struct act *a);
/* Waits for the end of the thread. */
void act_move_done(struct act *a);

/* ---- act_move_say.c ---------------------------------------------------- */

/* Its home was full, which was said, and no memory has gone there since. */
bool act_move_is_old_news(const struct act_move *m, const struct act_guest *g);
/* What is to be moved, or would be. */
void act_move_say_begin(const struct act_move *m, const struct act_guest *g);
void act_move_say_end(const struct act_move *m, struct act_guest *g);

#endif
