/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share about CPU time. */
#ifndef KT_DEMAND_H
#define KT_DEMAND_H

#include "view.h"

/* Feeds what the guest wanted for the last dt_s. */
void demand_add(struct demand *d, double cpus, double dt_s);

/* The rates, and whatever is made of them.  Of a sample that measures nothing new the
 * means stay as they were. */
void guest_demand_update(struct host_view *v, struct guest_view *g, const struct guest_sample *s,
			 uint64_t now_ns);

/* Of these CPUs together, since they were switched on; 1/100 s. */
uint64_t demand_idle_hz(const struct host_sample *h, const struct cpumask *cpus);

void node_busy_update(struct host_view *v, const struct host_sample *h, uint64_t now_ns);

#endif
