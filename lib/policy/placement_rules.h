/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One guest, while a home is sought for it. */
#ifndef KT_PLACEMENT_RULES_H
#define KT_PLACEMENT_RULES_H

#include "policy.h"

struct placing {
	const struct placement_conf *conf;
	const struct host_view *view;
	const struct guest_view *guest;
	const struct guest_in_force *in_force;
	struct cpumask room; /* where it may run at all: cpuset, envelope, usable CPUs */
};

struct placing placing_of(const struct placement_conf *conf, const struct host_view *view,
			  const struct in_force *in_force, size_t slot);

/* Whether an empty node could hold it. */
bool placing_suits_node(const struct placing *p, unsigned int node);

/* The first rule that forbids to place it, with what to do about pins of ours;
 * WHY_NONE: it may be placed. */
enum why placing_refused(const struct placing *p, enum wish *ret_wish);

#endif
