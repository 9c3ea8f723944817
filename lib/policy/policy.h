/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decisions: pure functions of state, configuration, view and what is in
 * force.  No I/O, no clock, no allocation; total for any input. */
#ifndef KT_POLICY_H
#define KT_POLICY_H

#include "plan.h"
#include "policy_conf.h"
#include "view.h"

/* ---- ksm: ksmtuned's law, mended ------------------------------------------- */

struct ksm_policy {
	bool stepped; /* at least once */
	bool kicked;  /* since the last step */
	uint64_t last_step_ns;
	uint64_t pages;       /* survives stop and start, as ksmtuned's npages does */
	struct ksm_plan last; /* repeated between two steps */
};

void ksm_policy_step(struct ksm_policy *state, const struct ksm_conf *conf,
		     const struct host_view *view, const struct ksm_in_force *in_force,
		     struct ksm_plan *ret);

/* Whether KSM can and may merge this guest's memory. */
bool ksm_guest_mergeable(const struct guest_view *guest);

/* ---- placement: a home node for every guest that fits one -------------------- */

/* Fills the placement of every guest of view; ret->guest[] has its identities. */
void placement_policy_step(const struct placement_conf *conf, const struct host_view *view,
			   const struct in_force *in_force, struct plan *ret);

/* ---- memory: the idlest guest's soft limit under pressure -------------------- */

struct memory_guest_state {
	uint32_t incarnation;
	uint64_t suffered_ns; /* last seen suffering */
	uint64_t backoff_s;   /* since then left alone for so long; 0: never suffered */
};

struct memory_policy {
	bool stepped;
	uint64_t last_step_ns; /* of any guest: one at a time */
	struct memory_guest_state guest[KT_GUESTS_MAX];
};

/* The same for memory.  A guest whose plan says `settling` is not squeezed now. */
void memory_policy_step(struct memory_policy *state, const struct memory_conf *conf,
			const struct host_view *view, const struct in_force *in_force,
			struct plan *ret);

/* ---- arbiter: one plan of three, one disturbance of a guest at a time --------- */

/* What is more cautious wins: off over observe over active, wherever it was said (the
 * daemon's mode, the loop's, the guest's). */
struct arbiter {
	struct ksm_policy ksm;
	struct memory_policy memory;
};

void arbiter_step(struct arbiter *state, const struct policy_conf *conf,
		  const struct host_view *view, const struct in_force *in_force, struct plan *ret);

#endif
