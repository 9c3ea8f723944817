/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The closed loop: the plant, and the daemon's tick around it. */
#ifndef KT_PLANT_LOOP_H
#define KT_PLANT_LOOP_H

#include "plant.h"

enum { LOOP_TICK_S = 10 };

struct loop {
	struct plant plant;
	struct policy_conf conf; /* the defaults of kvmtuned.conf */
	struct domains *domains;
	struct host_view *view;
	struct sample sample;
	struct arbiter arbiter;
	struct plan plan;
	double interval_s; /* at most between two ticks */
	double tick_s;     /* how long the last one lasted */
	/* Sees each tick when it has been decided, and before it is acted upon; may be NULL. */
	void (*decided)(struct loop *l, bool kicked, void *context);
	void *context;
};

extern const struct capabilities loop_capabilities;

/* Only the plant is still to be initialised.  Aborts without memory. */
struct loop *loop_new(void);
void loop_free(struct loop *l);

/* One tick: sense, decide, act; then let the time of a tick pass, or less where the plan
 * wants to be asked again sooner.  `kicked` as an event does it. */
void loop_tick(struct loop *l, bool kicked);

/* Ticks until so many seconds have passed; after each, `after` (may be NULL) looks at
 * the world and changes it. */
void loop_run(struct loop *l, double seconds, void (*after)(struct loop *l, void *context),
	      void *context);

#endif
