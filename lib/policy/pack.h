/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items that want CPUs and hold memory are put into bins, so that the fewest CPUs are lost.
 *
 * Items are guests (or their virtual NUMA cells), bins are NUMA nodes; or items are the
 * guests of a node and bins its last-level caches.  Loss is counted in CPUs:
 *
 *	J = sum over bins of E(load, variance)      who waits, and who shares a core
 *	  + sum over items of the cost of their option   remote memory, moves, changes
 *	  + 1000 for each GiB beyond a bin's room
 *
 * E is what a load that is distributed normally, up to all that its items can want, loses on
 *`cores` cores of `threads` threads, where the second thread of a core yields only a part of a CPU.
 */
#ifndef KT_PACK_H
#define KT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"

enum {
	PACK_BINS_MAX = 64,
	PACK_ITEMS_MAX = 2 * KT_GUESTS_MAX,
	PACK_OPTIONS_MAX = 128 * KT_GUESTS_MAX, /* of all items */
};

struct pack_option {
	uint64_t bins; /* it runs in, its load spread evenly; never empty */
	double share;  /* of its load in each of them */
	bool brings;   /* its memory goes there too, spread evenly; else it stays where it is */
	double cost;   /* CPUs */
};

struct pack_item {
	double cpus, variance;       /* of its load */
	double most_cpus;            /* that it can want: its load is never more */
	double gib;                  /* of its memory: what is somewhere, and what is yet to come */
	float gib_on[PACK_BINS_MAX]; /* where it is; what is not, goes where it runs */
	size_t first_option, noptions; /* at least one; the first is the present one */
	size_t chosen;                 /* of all options, not of its own */
	double cheapest;               /* cost of its options, ... */
	uint64_t cheapest_bins;        /* ... where that one runs, ... */
	double cheapest_elsewhere;     /* ... and of those that run in other bins; or HUGE_VAL */
	/* by pack_settle: */
	double gib_to_come;
	uint64_t held; /* bins with its memory */
	/* by a search: what it can gain from it at most, and by having it run in other bins */
	double relief, relief_elsewhere;
};

/* An item that changes its option; NULL: it comes, or goes. */
struct pack_change {
	const struct pack_item *item;
	const struct pack_option *from, *to;
};

struct pack_bin {
	double cores, threads;                 /* CPUs that there are */
	double base_cpus;                      /* load that no item makes */
	double room_gib;                       /* for all items */
	double cpus, variance, most_cpus, gib; /* as chosen */
	double lost_cpus, over_gib;            /* E, and what exceeds its room */
};

struct pack {
	size_t nbins, nitems, noptions;
	uint64_t full; /* bins that hold more than they have room for */
	struct pack_bin bin[PACK_BINS_MAX];
	struct pack_item item[PACK_ITEMS_MAX];
	struct pack_option option[PACK_OPTIONS_MAX];
	uint64_t nlooks;                /* options that were tried, since pack_begin */
	uint16_t order[PACK_ITEMS_MAX]; /* for pack_best_fit */
	size_t turn; /* of the items: where a search begins; pack_begin leaves it as it is */
};

/* Without bins, items and options. */
void pack_begin(struct pack *p);

/* Adds an item without options, then its options, the present one first.  The item whose
 * memory is somewhere fills gib_on of what is returned.  NULL, false: there is no room. */
struct pack_item *pack_add_item(struct pack *p, double cpus, double variance, double gib);
bool pack_add_option(struct pack *p, uint64_t bins, bool brings, double cost);

/* All bins, items and options are there: bins are filled with what is chosen. */
void pack_settle(struct pack *p);

/* One more item, and its options, beside those that are settled. */
void pack_settle_item(struct pack *p, size_t item);

/* The item takes another of its options (numbered among all). */
void pack_choose(struct pack *p, size_t item, size_t option);

/* Changes the content of the bins, and nothing else. */
void pack_apply(struct pack *p, const struct pack_change *change);

/* J of what is chosen. */
double pack_cost(const struct pack *p);

/* What J would grow by, if these (two at most) were made, of different items. */
double pack_increase(const struct pack *p, const struct pack_change *changes, size_t n);

/* Of the load that is chosen: what finds no thread to run on. */
double pack_expected_wait(const struct pack_bin *b);

/* E of this load, which is never more than most_cpus. */
double pack_expected_loss(const struct pack_bin *b, double cpus, double variance, double most_cpus);

/* ---- pack_search.c -------------------------------------------------------------------- */

/* Moves and swaps, the best one first, while one of them gains; deterministic.  False: it
 * stopped after so many looks and there may be more. */
bool pack_improve(struct pack *p, uint64_t max_looks);

/* Items stay in their bins and bring their memory there, or not, while there is room for all of
 * it: what a search would find by as many steps, each of which looks at all items. */
void pack_take_memory_along(struct pack *p);

/* The item takes what fits best beside the others. */
void pack_place(struct pack *p, size_t item);

/* Everything anew: the largest items first, each where it fits best. */
void pack_best_fit(struct pack *p);

/* Each item takes the option that would cost least if it were alone. */
void pack_choose_cheapest(struct pack *p);

#endif
