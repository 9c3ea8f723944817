/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decisions: pure functions of state, configuration, view and what is in
 * force.  No I/O, no clock, no allocation; total for any input. */
#ifndef KT_POLICY_H
#define KT_POLICY_H

#include "pack.h"
#include "plan.h"
#include "policy_conf.h"
#include "view.h"

/* ---- ksm ---------------------------------------------------------------------- */

/* What ksmd's work costs, and how fast it is to work. */
struct ksm_pace {
	bool known; /* the totals below are of an earlier look */
	uint64_t at_ns, cpu_ns_total, scanned_total;
	double cpu_s;       /* of ksmd since the policy began, measured or estimated */
	double ns_per_page; /* scanned */
	/* The most that was measured in bursts and sweeps: the cheap pages come first in
	 * them, and the dear ones all at once. */
	double dear_ns, dear_now_ns;
	double assumed_ns;      /* of the next pages: what is chosen is chosen for */
	double throttle;        /* 0..1: below 1 the guests have suffered */
	struct ewma delay_cpus; /* of the guests while ksmd does little: their baseline */
	uint64_t throttled_ns;
	uint64_t pages_to_scan, sleep_ms; /* as last chosen */
};

enum ksm_phase {
	KSM_RESTS,
	KSM_TRICKLES, /* what there is has been looked at */
	KSM_BURSTS,   /* something is new */
	KSM_SWEEPS,   /* everything is looked at, whatever smart_scan thinks of it */
};

/* A burst or a sweep, or the trickle between them. */
struct ksm_scan {
	uint64_t first_pass, last_pass; /* as host_view's ksm_passes, at its beginning and when
					   a pass had ended last */
	double began_cpu_s, last_cpu_s;
	uint64_t began_kib, last_kib; /* merged */
	double mib_per_cpu_s;         /* of the last full pass */
};

struct ksm_auto {
	enum ksm_phase phase;
	bool needed;
	struct ksm_pace pace;
	struct ksm_scan scan;
	uint64_t served_ns;    /* guests awake since before have had their burst or sweep */
	uint64_t unserved_ns;  /* since when there are others; 0: there are none */
	uint64_t fresh_kib;    /* their memory, when it last grew visibly ... */
	uint64_t grew_ns;      /* ... which was then */
	uint64_t seen_kib;     /* memory of mergeable guests at the last burst or sweep */
	double price_seen;     /* the lowest since the last burst's end */
	uint64_t burst_end_ns; /* of the last one */
	unsigned int nbarren;  /* bursts in a row that were not worth it */
	bool sweep_asked;      /* by a burst */
	uint64_t swept_ns;     /* end of the last sweep, or of the first burst */
	double sweep_cpu_s;    /* what the last sweep took */
	unsigned int nvain;    /* sweeps in a row that were not worth it */
};

struct ksm_policy {
	enum ksm_policy_name name; /* whose state this is */
	/* ksmtuned's law */
	bool stepped; /* at least once */
	bool kicked;  /* since the last step */
	uint64_t last_step_ns;
	uint64_t pages;       /* survives stop and start, as ksmtuned's npages does */
	struct ksm_plan last; /* repeated between two steps */
	struct ksm_auto automatic;
};

/* The other loops' configuration matters too: placement per node. */
void ksm_policy_step(struct ksm_policy *state, const struct policy_conf *conf,
		     const struct host_view *view, const struct ksm_in_force *in_force,
		     struct ksm_plan *ret);

/* Whether all that is merged could be taken apart now without harm. */
bool ksm_has_room_to_unmerge(const struct host_view *view);

/* Whether KSM can and may merge this guest's memory. */
bool ksm_guest_mergeable(const struct guest_view *guest);

/* What keeps KSM from merging its memory, or what it has come to. */
enum why ksm_guest_verdict(const struct host_view *view, const struct guest_view *guest);

/* ---- placement: a home for every guest --------------------------------------- */

/* What a change of a guest's home has brought, while it is watched. */
struct placement_effect {
	bool expected; /* wished, at noted_ns */
	bool watched;  /* and made, at changed_ns */
	uint64_t noted_ns, changed_ns;
	uint64_t left[KT_CELLS_MAX]; /* its nodes before */
	double delay_share_before;   /* runnable but not running, of what it wanted */
	double want_s, delay_s;      /* since, in CPU seconds ... */
	double explained_s;          /* ... that had to be waited by the model */
	double seconds;
};

struct placement_guest {
	uint32_t incarnation;
	bool decided;        /* it has been looked at once, and left or placed */
	double backoff_cpus; /* a change has to gain so much more; grows with each */
	uint64_t backoff_ns; /* as of then */
	/* Of its memory, what did not move from these nodes to the home that it has had since. */
	uint64_t stuck_from, stuck_kib, stuck_home_ns;
	bool roll_back;      /* to what it left */
	uint64_t full_nodes; /* its home, which had no room for its memory ... */
	uint64_t full_ns;    /* ... then, 0: never ... */
	unsigned int nfull;  /* ... so many times in a row */
	/* Where it would be, if what was wished were not only said; 0: it is. */
	uint64_t pretended[KT_CELLS_MAX];
	uint64_t pretended_ns; /* when that changed; 0: never */
	struct placement_effect effect;
};

struct placement_unit {
	uint16_t slot;
	uint8_t cell;
	bool rolled_back;
	bool unplaced, held_back; /* held back: it should go, and has changed a moment ago */
	uint64_t present, wanted; /* nodes */
	bool brings;              /* its memory to the wanted ones */
};

struct placement_policy {
	struct placement_guest guest[KT_GUESTS_MAX];
	struct ewma base_cpus[KT_NODES_MAX]; /* load that is not the guests' */
	double wait_share[KT_NODES_MAX];     /* of what is wanted of the node, by the model */
	/* Changes to this node that did not help: what others must gain more, as of then. */
	double blame_cpus[KT_NODES_MAX];
	uint64_t blame_ns[KT_NODES_MAX];
	unsigned int njudged, nfailed; /* changes, lately */
	bool observes;                 /* predictions have failed too often */
	bool is_moving;
	size_t moving;         /* slot of the guest whose memory moves ... */
	uint64_t moving_from;  /* ... and these nodes' of it */
	bool stands;           /* what follows is as the last step left it ... */
	size_t nguests;        /* ... that looked at so many, ... */
	uint64_t looked_ns;    /* ... then, ... */
	struct cpumask usable; /* ... on a host with these CPUs ... */
	uint64_t nodes;        /* ... and nodes */
	/* of one step; here because they are large */
	struct pack pack;
	size_t nunits;
	struct placement_unit unit[PACK_ITEMS_MAX]; /* as the items of pack */
	size_t chosen[PACK_ITEMS_MAX];
};

/* Fills the placement of every guest of view; ret->guest[] has its identities.  Where nobody has
 * looked at the others and nothing but new guests is in view, their plans stand as they are in
 * *ret. */
void placement_policy_step(struct placement_policy *state, const struct placement_conf *conf,
			   const struct host_view *view, const struct in_force *in_force,
			   struct plan *ret);

/* What was wished of the guest in this slot was only said: the next step goes on from there
 * all the same, cools down and backs off, else what is said would not be what is done. */
void placement_policy_pretend(struct placement_policy *state, size_t slot,
			      const struct placement_plan *plan, uint64_t now_ns);

/* What has failed may be tried again (reload). */
void placement_policy_forgive(struct placement_policy *state);

/* ---- memory: what idle guests have cold, while the host is short of it -------- */

struct memory_guest_state {
	uint32_t incarnation;
	uint64_t suffered_ns; /* last seen suffering, or found to have nothing cold */
	uint64_t backoff_s;   /* since then left alone for so long; 0: never suffered */
	bool nothing_cold;
	struct ewma stalled_pct; /* of the time, measured or by its faults; tau 10 s */
	/* The last step: */
	uint64_t stepped_ns;      /* 0: never */
	bool pretended;           /* only said */
	bool unjudged;            /* nobody has looked yet what it has come to */
	double delay_before_cpus; /* that its vCPUs waited for */
	unsigned int ngrown;      /* times that a step was doubled, for none has done harm */
	unsigned int nbarren;     /* in a row that brought hardly anything */
	bool runaway;             /* RUNAWAY_OVER_PERCENT: not over yet */
	double score; /* of one tick: it may be squeezed, in this order; 0: it may not */
};

/* Percent of the full price.  A squeeze goes on until it has found a little more than was
 * lacking: at the mark itself it would begin and end with every page that is touched.  And
 * it aims a little further, or it would come there by ever smaller steps. */
enum { SQUEEZE_RECOVERY = 4, SQUEEZE_AIM = 5 };

/* Swap with less room is as good as none: one step may need as much. */
enum { SQUEEZE_SWAP_MIB = 64 };

/* A runaway is one until it is below this much of its bound again. */
enum { RUNAWAY_OVER_PERCENT = 90 };

struct memory_policy {
	bool pressed; /* the host, a step ago */
	struct memory_guest_state guest[KT_GUESTS_MAX];
};

/* The same for memory.  ret->memory has the price, and the deficit as it would be if nothing
 * were on its way; a guest whose plan says `settling` is not squeezed now, and one whose
 * memory plan says `dry_run` brings nothing. */
void memory_policy_step(struct memory_policy *state, const struct memory_conf *conf,
			const struct host_view *view, const struct in_force *in_force,
			struct plan *ret);

/* ---- arbiter: one plan of three, one disturbance of a guest at a time --------- */

/* What is more cautious wins: off over observe over active, wherever it was said (the
 * daemon's mode, the loop's, the guest's). */
struct arbiter {
	struct ksm_policy ksm;
	struct placement_policy placement;
	struct memory_policy memory;
	uint64_t nversions; /* of plans where to place a guest */
};

/* *ret is the last plan, or zeros: the placement of a guest that nobody has looked at stands. */
void arbiter_step(struct arbiter *state, const struct policy_conf *conf,
		  const struct host_view *view, const struct in_force *in_force, struct plan *ret);

#endif
