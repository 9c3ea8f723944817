/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of a guest's soft limit.  Only act_private.h includes it. */
#ifndef KT_ACT_LIMIT_H
#define KT_ACT_LIMIT_H

#include "act.h"
#include "act_value.h"
#include "log.h"
#include "plan.h"

struct act;
struct act_guest;

struct limit {
	bool ours, fresh, gave_up; /* as of a pin */
	bool known; /* once ours: `original` and `asked` tell late facts from new ones */
	bool todo, pending, giving_back;
	bool confirmed;     /* libvirt's facts have shown `got`: from now on they are fresh */
	bool loaded;        /* of an earlier life, and no fact has been seen since */
	bool lost;          /* the link broke before the answer: done or not, nobody knows ... */
	bool lost_back;     /* ... about the original */
	struct retry retry; /* limits are off until then; without: until reload */
	bool asked_last;    /* by this stop, and what libvirt says to that is its last word */
	enum why why;
	uint64_t original, before, asked;
	uint64_t got; /* as read back: whole pages */
	uint64_t fact_at_asking;
	struct memory_plan said;
};

/* ---- act_memory.c ------------------------------------------------------ */

void act_memory_prepare(struct act *a, struct act_guest *g, const struct guest_plan *plan);
void act_memory_abandon(struct act_guest *g);
void act_memory_execute(struct act *a, struct act_guest *g);
void act_memory_reply(struct act *a, struct act_guest *g, const struct vm_reply *reply);
void act_memory_give_back(struct act *a, struct act_guest *g, enum why why);
/* As act_placement_last_chance. */
void act_memory_last_chance(struct act_guest *g);
bool act_memory_waiting(const struct act_guest *g);
void act_memory_publish(struct act_guest *g);

/* ---- act_memory_say.c -------------------------------------------------- */

/* Somebody else set `found_kib`: the guest's limits are theirs from now on. */
void act_memory_cede(struct act *a, struct act_guest *g, uint64_t found_kib);
/* Limits of this guest are off for a while, or until reload; said. */
void act_memory_refused(const struct act *a, struct act_guest *g, int error);
/* libvirt no longer knows the guest: a limit of ours stays, and that is said. */
void act_memory_lost(struct act_guest *g);
/* A change; event.id says of which kind. */
void act_memory_say(const struct act_guest *g, struct log_event event, uint64_t from_kib,
		    uint64_t to_kib);

#endif
