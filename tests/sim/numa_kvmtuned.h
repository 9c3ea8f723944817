/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's view of a simulated host: what sense and act are on a real one. */
#ifndef KT_NUMA_KVMTUNED_H
#define KT_NUMA_KVMTUNED_H

#include "numa_run.h"
#include "policy.h"

/* Memory of which guest goes where. */
struct numa_order {
	size_t slot;
	uint32_t incarnation;
	unsigned int ncells;
	uint64_t from, nodes[KT_CELLS_MAX];
};

struct numa_mover {
	bool given, open, stopping; /* open: it is being carried out */
	bool done;                  /* else no target has any room */
	struct numa_order order;
	double moved_gib; /* of all orders */
};

struct numa_daemon {
	struct placement_conf conf;
	struct topology topology;
	struct domains *domains;
	struct host_view *view;
	struct sample sample;
	struct placement_policy policy;
	struct in_force in_force;
	struct plan plan;
	struct numa_mover mover;
	double next_s;
	bool kicked;
	int slot[NUMA_GUESTS]; /* -1: nobody yet */
	unsigned int birth[NUMA_GUESTS];
	double met_s[NUMA_GUESTS];
	struct guest_thread *thread[NUMA_GUESTS];
	unsigned int guest[KT_GUESTS_MAX]; /* by slot */
};

struct numa_daemon *numa_daemon_new(const struct numa_world *w, const struct placement_conf *conf);
void numa_daemon_free(struct numa_daemon *d);

/* The guest of this number is another one now. */
void numa_daemon_meet(struct numa_daemon *d, const struct numa_world *w, unsigned int guest);

/* Reads everything, updates the view. */
void numa_daemon_sense(struct numa_daemon *d, const struct numa_world *w);

/* A plan without wishes: who the guests are. */
void numa_daemon_begin_plan(struct numa_daemon *d);

/* Carries out what the plan says of pins, gives orders to move, and says what is in force. */
void numa_daemon_act(struct numa_daemon *d, struct numa_world *w);

/* A second's worth of the order. */
void numa_daemon_move(struct numa_daemon *d, struct numa_world *w);

#endif
