/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of placement share.  Nobody else includes it.
 *
 *	placement.c         one step: who is placed, where everybody is best, what is wished
 *	placement_new.c     guests that have just come, while nobody has looked at the others
 *	placement_rules.c   may this guest be placed at all, and where
 *	placement_host.c    the nodes as bins: CPUs, load that is not the guests', room
 *	placement_demand.c  what a guest wants, and where its memory is
 *	placement_sets.c    nodes that are near each other
 *	placement_unit.c    a guest, or a cell of it, as an item: options and costs
 *	placement_search.c  from the present placement to a better one
 *	placement_pin.c     masks for a home
 *	placement_cache.c   ... narrowed to a cache
 *	placement_core.c    ... or to a core for each vCPU
 *	placement_move.c    whose memory moves, and how fast
 *	placement_effect.c  did it help?
 *	placement_explain.c why is it so, for who asks
 *	placement_advise.c  where would one more guest go */
#ifndef KT_PLACEMENT_PRIVATE_H
#define KT_PLACEMENT_PRIVATE_H

#include "policy.h"
#include "recall.h"

/* One guest, while a home is sought for it. */
struct placing {
	const struct placement_conf *conf;
	const struct host_view *view;
	const struct guest_view *guest;
	const struct guest_in_force *in_force;
	struct cpumask room; /* where its vCPUs may run at all: cpuset, envelope, usable CPUs,
				less the reserved ones */
	struct cpumask without_pin; /* its room, and what it might use else */
	uint64_t memory_nodes;      /* that its memory may be on */
	uint64_t nodes;             /* of those, with CPUs of its room */
	bool confined; /* without a pin it would run outside of them, or on reserved CPUs */
	unsigned int ncpus[KT_NODES_MAX]; /* of its room */
};

/* Of these nodes, those that are nearest to each other, for each node that they lie around: by
 * rising node, each set once. */
struct placement_sets {
	uint64_t of;       /* 0: nothing is here yet */
	unsigned int size; /* of each set */
	size_t n;
	uint64_t set[KT_NODES_MAX];
	double far[KT_NODES_MAX]; /* memory that is spread over the set */
};

/* A guest wants sets of two sizes that follow each other. */
enum { PLACEMENT_SETS = 4 };

struct placement_step {
	struct placement_policy *state;
	const struct placement_conf *conf;
	const struct host_view *view;
	const struct in_force *in_force;
	struct plan *plan;
	double dt_s; /* since the last step that looked at all guests; 0 as that of the view */
	double run_cpus[KT_NODES_MAX]; /* of guests that we place, by where they are now */
	uint64_t spread_nodes;         /* the last large set that was asked for ... */
	double spread_far;             /* ... and how far apart its nodes are */
	struct placing room;           /* the last one that was found: most guests have the same */
	struct placement_sets sets[PLACEMENT_SETS]; /* the last ones, by size modulo that */
	unsigned int nnear; /* nodes with CPUs; near[n] has them by distance from n */
	uint8_t near[KT_NODES_MAX][KT_NODES_MAX];
};

/* ---- placement_rules.c ------------------------------------------------------------- */

struct placing placing_of(const struct placement_conf *conf, const struct host_view *view,
			  const struct in_force *in_force, size_t slot);

/* The same, for most guests at a fraction of the price. */
struct placing placing_in_step(struct placement_step *s, size_t slot);

/* Also of a guest that has no slot. */
struct placing placing_of_guest(const struct placement_conf *conf, const struct host_view *view,
				const struct guest_view *guest,
				const struct guest_in_force *in_force);

/* Cells of the guest that are placed by themselves; 1: it is placed as a whole. */
unsigned int placing_ncells(const struct placing *p);
unsigned int placing_cell_vcpus(const struct placing *p, unsigned int cell);
uint64_t placing_cell_kib(const struct placing *p, unsigned int cell);

/* Whether these nodes, if they were empty, could hold the cell. */
bool placing_suits(const struct placing *p, unsigned int cell, uint64_t nodes);

/* Where it is now, by our pins; all its nodes without any. */
uint64_t placing_present(const struct placing *p, unsigned int cell);

/* The first rule that forbids to place it, with what to do about pins of ours;
 * WHY_NONE: it may be placed. */
enum why placing_refused(const struct placing *p, enum wish *ret_wish);

/* What each rule says, of the host alone if so asked. */
struct explanation;
void placing_explain(const struct placing *p, bool of_host, struct explanation *ret);

/* Whether its memory can be moved, and may. */
bool placing_may_move(const struct placing *p);

/* ---- placement.c -------------------------------------------------------------------- */

/* Why a guest, which these are all units of, does not go where it is best off, or has to come
 * back from there; WHY_NONE: it does not. */
enum why placement_not_yet(const struct placement_unit *units, size_t n);

/* The guest is refused, or added to the items. */
void placement_admit(struct placement_step *s, size_t slot);
/* What the units of a guest want becomes its plan. */
void placement_wish(struct placement_step *s, const struct placement_unit *units, size_t n);

/* ---- placement_new.c ------------------------------------------------------------------ */

/* All guests but new ones are as they were in the step before, and their plans still say so. */
bool placement_has_only_new(const struct placement_step *s);
void placement_add_new(struct placement_step *s);
/* This step has looked at all guests: what it leaves is what new ones are added to. */
void placement_note_look(struct placement_step *s);

/* ---- placement_host.c --------------------------------------------------------------- */

/* The load that is not the guests', as of this sample; once for each. */
void placement_note_base(struct placement_step *s);
/* Bins are nodes, by id. */
void placement_fill_bins(struct placement_step *s);
/* Nodes by their distance from each other. */
void placement_fill_near(struct placement_step *s);
/* Memory of the node that guests may not count on: below its watermarks the kernel would
 * reclaim from all of them. */
uint64_t placement_reserve_kib(const struct placement_conf *conf, const struct host_view *view,
			       unsigned int node);
/* This host is a guest itself, and its own CPUs are taken from it. */
bool placement_is_robbed(const struct host_view *view);
/* A slow node without CPUs, to which the kernel itself moves what is cold. */
bool placement_is_tier(const struct host_view *view, unsigned int node);
/* The guest's running time is not somebody else's. */
void placement_note_run(struct placement_step *s, const struct placing *p);
/* How much farther than local memory, 0 for local: 1 is twice as far. */
static inline double placement_remoteness(const struct topology *t, unsigned int from,
					  unsigned int to)
{
	double local = t->node[from].distance[from], there = t->node[from].distance[to];

	if (from == to)
		return 0;
	if (!(local > 0) || !(there > local))
		return 1; /* unknown */
	return there / local - 1;
}

/* ---- placement_demand.c ------------------------------------------------------------- */

/* Mean and variance of what the guest will want, in CPUs. */
double placement_cpus(const struct guest_view *g, double *ret_variance);
uint64_t guest_resident_kib(const struct guest_view *g);
/* That have any of it. */
uint64_t guest_memory_nodes(const struct guest_view *g);
/* KT_NODES_MAX: it has no memory. */
unsigned int guest_fullest_node(const struct guest_view *g);
/* It can never want more. */
double placement_most_cpus(const struct guest_view *g);
/* Of a cell's memory: what is on this node, ... */
double placement_gib_on(const struct placing *p, unsigned int cell, unsigned int node);
/* ... and all, with what is yet to come: what a young guest has not touched it will; an old
 * one, some of it. */
double placement_gib(const struct placing *p, unsigned int cell);

/* ---- placement_sets.c ------------------------------------------------------------- */

/* Memory that a set of nodes gets is spread over it: how far it is, on average. */
double placement_spread_far(struct placement_step *s, uint64_t nodes);
/* Valid until some of another size, or of other nodes, are asked for. */
const struct placement_sets *placement_sets_of(struct placement_step *s, uint64_t nodes,
					       unsigned int size);

/* ---- placement_unit.c --------------------------------------------------------------- */

/* Adds the guest's cells to the items; false: there is no room for them. */
bool placement_add_units(struct placement_step *s, const struct placing *p, size_t slot);

/* A guest that does not exist yet, as an item of its own, whose load is all of its vCPUs'. */
struct pack_item *placement_add_newcomer(struct placement_step *s, const struct placing *p);

/* ---- placement_search.c ------------------------------------------------------------- */

/* Items of the settled pack take their best options, unless it is not worth it. */
void placement_search(struct placement_step *s);
/* Cells of a guest that are better off together than they fit go apart. */
void placement_separate_cells(struct placement_step *s);
/* From where the items of the settled pack are, and from elsewhere; returns what it costs
 * then. */
double placement_improve(struct placement_policy *state, uint64_t max_looks);

/* ---- placement_pin.c ---------------------------------------------------------------- */

/* The CPUs of its nodes. */
void placement_fill_masks(struct placement_step *s, const struct placing *p,
			  struct placement_plan *plan);
/* For emulator, I/O and vhost threads; the cells have their CPUs already. */
void placement_fill_helpers(const struct placing *p, struct placement_plan *plan);

/* ---- placement_cache.c -------------------------------------------------------------- */

/* Of guests that are at home on one node, each that fits goes to one of its caches. */
void placement_choose_caches(struct placement_step *s);

/* ---- placement_core.c ---------------------------------------------------------------- */

/* ... and to a core for each vCPU, while there are cores. */
void placement_choose_cores(struct placement_step *s);

/* ---- placement_move.c --------------------------------------------------------------- */

void placement_choose_move(struct placement_step *s);
/* A moment ago: there was no room for its memory. */
bool placement_was_full(const struct placement_step *s, const struct placement_guest *g,
			uint64_t nodes);

/* ---- placement_effect.c ------------------------------------------------------------- */

/* Looks at what came of the changes before, after placement_note_waits. */
void placement_judge(struct placement_step *s);
/* The guest is to go elsewhere: what it leaves is noted, and what it had to wait there. */
void placement_expect(struct placement_step *s, const struct placing *p, size_t slot);
/* The pack is settled as everything is: what the nodes' load lets one expect. */
void placement_note_waits(struct placement_step *s);
/* CPUs that another guest must gain to go there, for one was wrong to. */
double placement_blame_cpus(const struct placement_step *s, uint64_t nodes);
/* Units whose last change did not help go back. */
void placement_roll_back(struct placement_step *s);
/* CPUs that a change of this guest must bring: the more, the more it has changed lately. */
double placement_change_cpus(const struct placement_step *s, size_t slot);

#endif
