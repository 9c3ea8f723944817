/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the configuration that policies read.  Ranges and defaults are in
 * the one table of daemon/conf.c; values here are valid. */
#ifndef KT_POLICY_CONF_H
#define KT_POLICY_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

enum kt_loop { LOOP_KSM, LOOP_PLACEMENT, LOOP_MEMORY, _LOOP_MAX };

enum loop_mode {
	LOOP_ACTIVE,
	LOOP_OBSERVE, /* decide and say, write nothing */
	LOOP_OFF,
	LOOP_PAUSED, /* by the operator, for a while: no word of the configuration */
};

enum ksm_policy_name {
	KSM_POLICY_OFF,               /* KSM belongs to somebody else: never written */
	KSM_POLICY_AUTO,              /* by need, cost and yield */
	KSM_POLICY_KSMTUNED,          /* ksmtuned's law, mended */
	KSM_POLICY_KSMTUNED_ORIGINAL, /* ... with its mistakes, to compare with */
};

enum ksm_merge {
	KSM_MERGE_AUTO,   /* while memory has a price */
	KSM_MERGE_ALWAYS, /* even when there is plenty */
	KSM_MERGE_NEVER,
};

enum ksm_advisor_wish {
	KSM_ADVISOR_CEDE,
	KSM_ADVISOR_TAKE_OVER,
};

enum ksm_nodes {
	KSM_NODES_KEEP,
	KSM_NODES_AUTO, /* apart where guests are placed per node */
	KSM_NODES_APART,
	KSM_NODES_TOGETHER,
};

struct ksm_conf {
	enum loop_mode mode;
	enum ksm_policy_name policy;
	enum ksm_advisor_wish advisor;
	enum ksm_nodes merge_across_nodes;
	enum ksm_switch use_zero_pages;
	/* auto */
	enum ksm_merge merge;
	uint64_t max_cpu_percent;  /* of one CPU: ksmd never above */
	uint64_t trickle_permille; /* of one CPU: ksmd when there is nothing new */
	uint64_t settle_s;         /* after the last of several starts */
	uint64_t plenty_percent;   /* of memory: above this much available it costs nothing */
	uint64_t short_percent;    /* below this much it costs all */
	uint64_t min_yield_mib;    /* per second of ksmd's CPU time, at the full price */
	uint64_t sweep_min_s, sweep_max_s; /* between two sweeps that nothing asks for */
	/* ksmtuned, ksmtuned-original */
	uint64_t interval_s;           /* KSM_MONITOR_INTERVAL */
	uint64_t boost_pages;          /* KSM_NPAGES_BOOST */
	uint64_t decay_pages;          /* KSM_NPAGES_DECAY, without its sign */
	uint64_t min_pages, max_pages; /* KSM_NPAGES_MIN, _MAX */
	uint64_t sleep_ms;             /* KSM_SLEEP_MSEC, for a host of 16 GiB */
	uint64_t free_target_percent;  /* KSM_THRES_COEF */
	uint64_t free_target_min_mib;  /* KSM_THRES_CONST, in the unit that its documents
					  meant */
};

enum placement_pin {
	PIN_NODE,  /* a guest's vCPUs may run on all CPUs of its node */
	PIN_CACHE, /* on those of one last-level cache, where they fit */
	PIN_CORE,  /* on a core each, where the cores suffice; else as PIN_CACHE */
};

enum placement_memory {
	MEMORY_MOVE, /* to the guest's home, when that pays */
	MEMORY_LEAVE,
};

enum numa_balancing {
	BALANCING_KEEP,
	BALANCING_OFF, /* while guests are placed */
};

struct placement_conf {
	enum loop_mode mode;
	enum placement_backend backend;
	enum placement_pin pin;
	enum placement_memory memory;
	enum numa_balancing numa_balancing;
	struct cpumask reserved_cpus; /* no vCPU runs there; helpers do, when there are any */
	uint64_t horizon_s;           /* that moved memory has to pay back within */
	uint64_t move_mib_per_s;      /* budget of memory moves */
	uint64_t cooldown_s;          /* between two changes of one guest */
	uint64_t node_reserve_mib;    /* memory of each node that guests may not count on */
};

enum memory_backend {
	MEMORY_BACKEND_AUTO,    /* reclaim where it is offered, else limits */
	MEMORY_BACKEND_RECLAIM, /* never limits */
	MEMORY_BACKEND_LIMIT,
};

enum memory_runaway {
	RUNAWAY_OFF,
	RUNAWAY_WARN,
	RUNAWAY_LIMIT, /* a soft limit where it is now, so that it grows no further */
};

struct memory_conf {
	enum loop_mode mode;
	enum memory_backend backend;
	/* In percent of the full price, see price.h: */
	uint64_t squeeze_price; /* from here on idle guests are squeezed */
	uint64_t calm_price;    /* while the shortage is below: every limit is lifted */
	uint64_t step_permille; /* of usage: the first step; the next are larger while they do
				   no harm */
	uint64_t step_max_mib;
	uint64_t step_interval_s;   /* of one guest: the effect is awaited */
	uint64_t floor_percent;     /* of the guest's memory: nothing is taken below */
	uint64_t min_guarantee_mib; /* of each guest that has no word of its own on it */
	uint64_t backoff_s;         /* a guest that suffered is left alone for so long */
	enum memory_runaway runaway;
	uint64_t overhead_mib; /* what QEMU may need beyond what can be computed */
};

struct host_conf {
	uint64_t apply; /* audit rules of the host, by bit: the daemon may write what they are about
			 */
};

enum daemon_mode {
	DAEMON_ACTIVE,
	DAEMON_OBSERVE, /* every loop only says what it would do */
};

struct policy_conf {
	enum daemon_mode mode;
	struct ksm_conf ksm;
	struct placement_conf placement;
	struct memory_conf memory;
	struct host_conf host;
};

#endif
