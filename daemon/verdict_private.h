/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of verdicts share.  Nobody else includes it.
 *
 *	verdict.c         KSM, placement, and when what is said
 *	verdict_memory.c  memory
 */
#ifndef KT_VERDICT_PRIVATE_H
#define KT_VERDICT_PRIVATE_H

#include "log.h"
#include "policy.h"

/* As last said of a guest. */
struct memory_verdict {
	enum wish wish;
	enum why why;
	enum memory_means means; /* of the last step or limit */
	bool runaway;
};

/* ... and of all memory. */
struct memory_host_verdict {
	bool no_swap, squeezing;
};

/* A line about a guest; what has not changed is for debugging. */
void verdict_emit(const struct guest_plan *g, const char *actuator, bool changed, enum why why,
		  bool dry_run, const char *decision);

void verdict_memory(struct memory_verdict *v, const struct guest_plan *g,
		    const struct memory_conf *conf, bool first);
void verdict_memory_of_host(struct memory_host_verdict *v, const struct memory_conf *conf,
			    const struct host_view *view, const struct plan *plan);

#endif
