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

enum memory_host memory_host_of(const struct memory_conf *conf, const struct host_view *view,
				const struct memory_host_plan *memory);

struct squeeze {
	const struct memory_conf *conf;
	uint64_t now_ns;
	enum memory_host host;
	const struct guest_view *guest;
	const struct guest_in_force *in_force;
	struct memory_guest_state *state;
	bool settling; /* see struct guest_plan */
};

/* Stalls or faults that a guest with cold memory would not have: remembered in its state. */
void squeeze_note_suffering(const struct squeeze *q);

/* Running and runnable vCPU time, per vCPU. */
double squeeze_activity(const struct squeeze *q);

/* The first rule that forbids to squeeze it now, with what to do about a limit of ours;
 * WHY_NONE: it may be squeezed. */
enum why squeeze_refused(const struct squeeze *q, enum wish *ret_wish);

#endif
