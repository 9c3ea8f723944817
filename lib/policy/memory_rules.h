/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One guest, while it is considered for a squeeze. */
#ifndef KT_MEMORY_RULES_H
#define KT_MEMORY_RULES_H

#include "policy.h"

enum memory_host {
	MEMORY_HOST_NO_SWAP,
	MEMORY_HOST_CALM,
	MEMORY_HOST_BETWEEN,
	MEMORY_HOST_PRESSED,
};

/* pressed: it was, a step ago. */
enum memory_host memory_host_of(const struct memory_conf *conf, const struct host_view *view,
				const struct memory_host_plan *memory, bool pressed);

/* What may be swapped out until there is none left with room. */
uint64_t memory_swap_room_kib(const struct host_view *view);

struct squeeze {
	const struct memory_conf *conf;
	uint64_t now_ns;
	double dt_s;
	enum memory_host host;
	double urgency; /* 0..1: of the shortage, what is beyond squeeze_price */
	const struct guest_view *guest;
	const struct guest_in_force *in_force;
	struct memory_guest_state *state;
	enum memory_means means;
	bool has_means;
	bool settling;       /* see struct guest_plan */
	uint64_t settles_ns; /* when that ends, for who asks; 0: not known */
	bool dry_run;
};

/* ---- memory_rules.c: may it be squeezed? ----------------------------------------- */

/* Running and runnable vCPU time, per vCPU. */
double squeeze_activity(const struct squeeze *q);

/* Of a guest that may be squeezed, above 0: the idler, and the less it weighs, the higher.
 * 1 is one of usual weight that does nothing. */
double squeeze_score(const struct squeeze *q);

/* The first rule that forbids to squeeze it now, with what to do about what is ours;
 * WHY_NONE: it may be squeezed. */
enum why squeeze_refused(const struct squeeze *q, enum wish *ret_wish);

/* Whether a limit of ours would be wrong for this guest whatever it is for. */
bool squeeze_limit_forbidden(const struct squeeze *q);

/* What each rule says, of the host alone if so asked. */
struct explanation;
void squeeze_explain(const struct squeeze *q, bool of_host, struct explanation *ret);

/* ---- memory_step.c: how far? ------------------------------------------------------- */

/* Nothing of the guest is taken below. */
uint64_t squeeze_floor_kib(const struct squeeze *q);

/* What it may swap out yet is less than the smallest step. */
bool squeeze_may_not_swap(const struct squeeze *q);

/* Steps are counted from here: usage, or a limit of ours that it has not come down to yet. */
uint64_t squeeze_from_kib(const struct squeeze *q);

/* The next step takes at most so much; KT_UNLIMITED_KIB: there is none that would help and
 * not hurt. */
uint64_t squeeze_target_kib(const struct squeeze *q, uint64_t at_most_kib);

/* Also with 64 KiB pages the kernel reads back what was written. */
uint64_t squeeze_round_limit_kib(uint64_t kib);

/* What earlier steps have asked for and is not here yet. */
uint64_t squeeze_on_its_way_kib(const struct squeeze *q);

/* ---- memory_effect.c: what has it come to? ------------------------------------------- */

/* Notes harm that is done, by whomever, and what the last step was good for. */
void squeeze_judge(const struct squeeze *q);

/* The effect of the last step is still awaited. */
bool squeeze_is_cooling(const struct squeeze *q);

/* When that ends; 0: nobody knows. */
uint64_t squeeze_cools_until_ns(const struct squeeze *q);

/* A step is made now. */
void squeeze_note_step(const struct squeeze *q);

/* It was let go: what was learnt about it no longer holds. */
void squeeze_note_release(const struct squeeze *q);

/* A step was made a moment ago: what it does to the guest may show any time. */
bool squeeze_is_watched(const struct squeeze *q);

/* ---- memory_runaway.c ----------------------------------------------------------------- */

/* Adds to the plan what is said of QEMU's own memory, and what is done about it. */
void memory_guard_runaway(const struct squeeze *q, struct memory_plan *plan);

#endif
