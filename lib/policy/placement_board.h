/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes and who loads them, while one plan is made. */
#ifndef KT_PLACEMENT_BOARD_H
#define KT_PLACEMENT_BOARD_H

#include "placement_rules.h"

struct node_load {
	unsigned int ncpus;
	uint64_t room_kib;   /* free or in the page cache, less what young guests will take
			      */
	double demand_cpus;  /* measured, of guests that must run here */
	double claimed_cpus; /* the same, and young guests in full, and a share of the others */
	uint64_t nvcpus;     /* of the guests at home here */
};

struct board {
	const struct placement_conf *conf;
	const struct host_view *view;
	const struct in_force *in_force;
	struct plan *plan;
	double demand_share; /* of all guests, per CPU; above 1 somebody waits, wherever he runs */
	struct node_load node[KT_NODES_MAX];
};

/* 0 for a guest not yet measured. */
double guest_measured_cpus(const struct guest_view *g);
/* Its memory on all nodes, and the node that has most of it. */
uint64_t guest_resident_kib(const struct guest_view *g);
unsigned int guest_fullest_node(const struct guest_view *g);

void board_survey(struct board *b);

/* The guest's home is here.  And no longer: only for guests whose demand is known. */
void board_settle(struct board *b, const struct guest_view *g, unsigned int node);
void board_unsettle(struct board *b, const struct guest_view *g, unsigned int node);

/* A guest without a home loads the CPUs that its vCPUs may use, all alike. */
void board_spread(struct board *b, const struct guest_view *g);

bool board_has_room(const struct board *b, const struct placing *p, unsigned int node);

#endif
