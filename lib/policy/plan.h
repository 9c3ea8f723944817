/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A complete wish for the host, and what is in force of earlier ones.  Applying a
 * plan twice changes nothing. */
#ifndef KT_PLAN_H
#define KT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpumask.h"
#include "guest_thread.h"
#include "limits.h"
#include "nodemask.h"
#include "uuid.h"
#include "why.h"

enum wish {
	WISH_HOLD,    /* leave everything as it is, ours or not */
	WISH_RELEASE, /* give back what is ours: originals return */
	WISH_SET,     /* make it so */
};

const char *wish_str(enum wish wish); /* "hold", "release", "set" */

/* A setting of the administrator's that may be changed for him. */
enum ksm_switch {
	KSM_SWITCH_KEEP, /* as it is; ours is given back */
	KSM_SWITCH_OFF,
	KSM_SWITCH_ON,
};

struct ksm_plan {
	enum wish wish;
	enum why why;
	bool dry_run; /* say what would be done, write nothing */
	bool run;     /* false: speed and smart_scan are of no interest */
	uint64_t pages_to_scan, sleep_ms;
	bool sweep;         /* smart_scan is off for as long as this is set */
	bool stops_advisor; /* the kernel's own is switched off, and back on in the end */
	enum ksm_switch use_zero_pages;
	enum ksm_switch merge_across_nodes; /* can only change while nothing is merged ... */
	bool may_unmerge;                   /* ... which may be brought about: there is room */

	uint64_t look_again_ns; /* decide again after so long; 0: at the usual time */
	/* why it is so, for who asks */
	double price;         /* of memory, 0..1 */
	double budget_cpus;   /* that ksmd may use now */
	double ns_per_page;   /* that ksmd uses, measured */
	double mib_per_cpu_s; /* that the last full pass brought */
};

enum placement_backend {
	PLACEMENT_AFFINITY, /* sched_setaffinity on the threads: the XML stays untouched
			     */
	PLACEMENT_LIBVIRT,  /* pins through the API: visible, but they travel with
			       migrations */
};

/* A part of a guest that is placed by itself: one of its virtual NUMA cells, or all of it. */
struct placement_cell {
	uint64_t nodes;       /* its home; bit by id, never empty */
	struct cpumask vcpus; /* by number; all bits set where the guest is not divided */
	struct cpumask cpus;  /* for those; never empty */
	uint64_t memory_kib;  /* of the cell; 0: all of the guest's */
};

struct placement_plan {
	enum wish wish;
	enum why why;
	bool dry_run;
	enum placement_backend backend;
	/* Whoever has seen this number has seen all that follows and precedes it, but for dry_run;
	 * 0: nobody has numbered it. */
	uint64_t version;
	/* only with WISH_SET: */
	uint64_t nodes; /* of all cells */
	unsigned int ncells;
	struct placement_cell cell[KT_CELLS_MAX];
	struct cpumask helpers; /* for emulator, I/O and vhost threads; never empty */
	/* Not NULL: each vCPU has one core of its cell's CPUs to itself, the n-th one the n-th;
	 * numbers of cores by CPU, as in struct topology. */
	const uint16_t *core_of;
};

/* Memory is moved of one guest at a time, to the nodes of its cells. */
struct move_plan {
	bool go;
	enum why why;
	size_t slot;   /* of the guest */
	uint64_t from; /* nodes that its memory leaves; its home is none of them */
	uint64_t kib_per_s;
	uint64_t leave_free_kib; /* on a node that memory goes to */
};

enum memory_means {
	MEMORY_RECLAIM,    /* taken once, nothing stays in force: cgroup v2, Linux 5.19 */
	MEMORY_SOFT_LIMIT, /* v1: who is to be reclaimed first; v2: a throttle */
};

struct memory_plan {
	enum wish wish;
	enum why why;
	bool dry_run;
	/* only with WISH_SET: */
	enum memory_means means;
	uint64_t target_kib; /* usage to be reclaimed down to, in this tick; or the soft limit */
	/* why it is so, for who asks */
	uint64_t floor_kib;          /* nothing is taken below */
	uint64_t overhead_kib;       /* of its process, beyond the guest's memory */
	uint64_t overhead_bound_kib; /* 0: not watched */
	bool runaway;                /* above that */
};

/* What is said of memory as a whole. */
struct memory_host_plan {
	double price;           /* 0..1 */
	double shortage;        /* the part of it that stalls and swapping have not added */
	uint64_t deficit_kib;   /* that is still to be found */
	bool squeezing;         /* somebody is squeezed, or was a moment ago: harm is looked for */
	uint64_t look_again_ns; /* decide again after so long; 0: at the usual time */
};

struct guest_plan {
	bool present;
	uint32_t incarnation;
	struct uuid uuid;
	const char *name; /* raw; escape before showing */
	pid_t pid;
	uint64_t start_ticks;
	size_t nthreads;
	bool unseen; /* not looked at in full: its threads are as of an earlier sample */
	const struct guest_thread *threads; /* of the sample; the arbiter copies the pointer */
	uint64_t soft_limit_kib;            /* in force by libvirt's word, KT_UNLIMITED_KIB: none */
	const char *memory_cgroup;          /* of the sample; NULL: none */
	/* Its pin changes, or did a moment ago: one disturbance at a time. */
	bool settling;
	enum why ksm; /* what KSM can do with its memory, or has done */
	struct placement_plan placement;
	struct memory_plan memory;
};

enum { HOST_RULES_MAX = 64, HOST_IRQS_MAX = 1024, HOST_WORD_MAX = 32 };

/* The file that an audit rule of the host is about. */
struct host_wish {
	enum wish wish;
	enum why why;
	char word[HOST_WORD_MAX]; /* with WISH_SET: is to be there; of interrupts see below */
	const char *owner;        /* with WHY_OWNED_ELSEWHERE; of the last look at the host */
	/* With WISH_RELEASE: it is what its owner says, too: ours no more, and not given back. */
	bool is_theirs;
};

struct host_plan {
	/* The host was looked at since the last plan, or there is another configuration: between
	 * two looks nothing is read, so nothing is done. */
	bool due;
	bool dry_run;
	size_t nrules;
	struct host_wish rule[HOST_RULES_MAX]; /* by place among the audit's rules of the host */
	/* These interrupts are to stay within these CPUs; no others. */
	struct cpumask irq_cpus;
	size_t nirqs;
	unsigned int irq[HOST_IRQS_MAX];
};

/* Of the audit's rule of the host at this place; NULL: there is none.  The path is one below
 * the root, that may be written for it; NULL: none may.  With "{0}": one file for each
 * interrupt. */
const char *host_rule_id(unsigned int rule);
const char *host_rule_path(unsigned int rule);

struct plan {
	uint64_t now_ns;
	struct ksm_plan ksm;
	uint64_t look_again_ns; /* decide again after so long; 0: at the usual time */
	struct move_plan move;
	bool placement_observes;        /* too many changes did not help: pins stay as they are */
	enum ksm_switch numa_balancing; /* kernel.numa_balancing while guests are placed */
	struct memory_host_plan memory;
	struct host_plan host;
	size_t nslots;
	struct guest_plan guest[KT_GUESTS_MAX]; /* by slot */
};

/* ---- what act answers ------------------------------------------------------- */

struct ksm_in_force {
	bool ours;            /* at least one value is written by us */
	bool sweeping;        /* smart_scan is off, by us */
	bool unmerging;       /* in the background: nothing else can be written until it is done */
	bool advisor_stopped; /* by us */
	bool ceded;           /* somebody else wrote one: hands off until reload */
	bool off;             /* the kernel refuses writes */
};

struct guest_in_force {
	uint32_t incarnation; /* of the guest this is about; another: nothing is in force
			       */
	bool pinned;          /* by us */
	/* when pinned: */
	uint64_t nodes; /* of all cells */
	unsigned int ncells;
	uint64_t cell_nodes[KT_CELLS_MAX];
	struct cpumask cpus; /* asked for, of the first cell */
	bool pin_ceded, pin_off;
	uint64_t pin_changed_ns;
	bool move_failed;                           /* its memory does not move, for now */
	uint64_t moved_kib;                         /* since it started */
	bool limited;                               /* by us */
	uint64_t soft_limit_kib;                    /* ours, when limited */
	bool limit_ceded, limit_off, limit_pending; /* pending: libvirt has not answered yet */
	uint64_t pending_limit_kib; /* that it is asked for; 0: none, or for the original */
	/* The last reclaim: */
	bool reclaiming;        /* it waits for its turn, or is under way */
	uint64_t asked_kib;     /* all of the order until it ends, then what came of it */
	uint64_t got_kib;       /* ended, or so far */
	bool reclaim_off;       /* the kernel or the sandbox refuses: limits have to do */
	bool reclaim_late;      /* it had to be interrupted */
	uint64_t reclaimed_kib; /* since the guest started */
};

struct memory_in_force {
	uint64_t reclaimed_kib, longest_call_ns;
};

struct move_in_force {
	bool active; /* memory of the guest in this slot is being moved */
	size_t slot;
	/* Not active any more, until another order: */
	bool done;                      /* nothing of that guest is left to move */
	bool full;                      /* no node that it goes to has any to spare */
	bool off;                       /* the kernel lets us move nothing of any guest */
	uint64_t kib_per_s;             /* as measured, while it copied */
	uint64_t moved_kib, failed_kib; /* of all guests, since the start */
	uint64_t longest_call_ns;
};

struct balancing_in_force {
	bool ours;  /* kernel.numa_balancing is written by us */
	bool ceded; /* somebody else wrote it: hands off until reload */
	bool off;   /* the kernel refuses the write */
};

struct host_in_force {
	uint64_t ours, ceded, off; /* audit rules of the host, by bit; as above */
};

struct in_force {
	struct ksm_in_force ksm;
	struct balancing_in_force balancing;
	struct host_in_force host;
	struct move_in_force move;
	struct memory_in_force memory;
	struct guest_in_force guest[KT_GUESTS_MAX]; /* by slot */
};

#endif
