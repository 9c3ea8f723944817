/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A NUMA host whose guests somebody places, second by second, and the bill for it.
 *
 * It is a model of the machine, not of a policy: what is lost is counted here, from where the
 * guests really run and where their memory really is, and by nobody else's formulas.  Only the
 * workload draws random numbers, so that all policies meet the same guests for a seed.
 * CPUs, GiB and seconds, as double.
 *
 * The model: the second thread of a core yields a quarter of a CPU; a guest loses a share of
 * its CPU time that grows linearly with the distance of its memory; memory that is moved costs
 * CPU time.  There is no memory bandwidth and no cache in it, and "unpinned" has no automatic
 * balancing by the kernel. */
#ifndef KT_NUMA_WORLD_H
#define KT_NUMA_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "numa_shape.h"

enum { NUMA_GUESTS = 1000, NUMA_CELLS = 2 };

#define NUMA_HOST_GIB 8.0 /* of each node's memory */

enum numa_kind {
	NUMA_STANDARD,
	NUMA_TIGHT,   /* in memory: nodes are nearly full */
	NUMA_BURSTY,  /* busy for seconds, not for minutes */
	NUMA_CHURN,   /* guests live for minutes */
	NUMA_WIDE,    /* some are wider than a node, with and without virtual cells */
	NUMA_DEVICES, /* half of them use a device of some node */
	NUMA_SMALL,   /* one or two vCPUs, seldom busy: hundreds of them */
	_NUMA_KINDS,
};

struct numa_guest {
	unsigned int birth; /* counts all that ever started; from 1 */
	unsigned int vcpus, ncells;
	double gib;
	double intensity;     /* share lost when all memory is at distance 20 */
	int device_node;      /* -1: none */
	double device_weight; /* as intensity, for the device */
	bool busy;
	double phase_end_s;
	double cpus; /* that it wants, in this second */
	double gib_on[NUMA_CELLS][NUMA_NODES];
	uint64_t nodes[NUMA_CELLS]; /* that each cell may run on; 0: anywhere */
	bool was_pinned;
	double run_s, delay_s; /* of all vCPUs, as the scheduler counts them */
};

/* What was lost is in CPU seconds. */
struct numa_bill {
	double demand, contention, remote, migration;
	double moved_gib;
	unsigned int pins;   /* of guests that had never been pinned */
	unsigned int repins; /* changes after that */
	double seconds;
};

struct numa_world {
	struct numa_shape shape;
	enum numa_kind kind;
	uint64_t random;
	double now_s, next_birth_s;
	unsigned int nguests, births;
	struct numa_guest guest[NUMA_GUESTS];
	double load_cpus[NUMA_NODES]; /* wanted of it, in the last second */
	double idle_s[NUMA_NODES];    /* of all its CPUs together, so far */
	struct numa_bill bill;
};

/* ---- the workload: numa_load.c --------------------------------------------------- */

const char *numa_kind_name(enum numa_kind kind);

/* All guests are there and want nothing yet.  `nguests` at all times. */
void numa_world_init(struct numa_world *w, const struct numa_shape *shape, enum numa_kind kind,
		     unsigned int nguests, uint64_t seed);

double numa_random(struct numa_world *w, double low, double high);

/* A second's demand; returns the guest that was replaced by a new one, or -1. */
int numa_world_draw(struct numa_world *w);

/* ---- the machine: numa_world.c ----------------------------------------------------- */

/* Lets the second pass, and counts what was lost in it. */
void numa_world_pass(struct numa_world *w);

/* Where the cells may run: one set for each; 0: anywhere. */
void numa_pin(struct numa_world *w, unsigned int guest, const uint64_t *nodes);

/* Moves memory of a cell, at most what is there; returns how much. */
double numa_move(struct numa_world *w, unsigned int guest, unsigned int cell, unsigned int from,
		 unsigned int to, double gib);

double numa_guest_gib_on(const struct numa_guest *g, unsigned int node);
/* What is left of the node's memory; below 0 where guests were born onto a full one. */
double numa_free_gib(const struct numa_world *w, unsigned int node);
double numa_threads(const struct numa_world *w, unsigned int node);

double numa_lost(const struct numa_bill *b);
void numa_bill_add(struct numa_bill *sum, const struct numa_bill *b);

#endif
