/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is true of the host and of each guest now: the last sample, and what the
 * samples before it say about rates and trends.  Policies see nothing else. */
#ifndef KT_VIEW_H
#define KT_VIEW_H

#include "domains.h"
#include "ewma.h"
#include "sense.h"

enum { KT_PAGE_KIB = 4 }; /* the page of ksm_sample */

/* A counter as it was last read; its rate is over the time since then, however many
 * samples were missed in between. */
struct counter {
	bool known;
	uint64_t total, at_ns;
	double per_s; /* as last measured */
};

/* What a guest wants of the CPUs: running and runnable time of its vCPUs, and running time
 * of its other threads; in CPUs.  A burst shows in `fast` at once and in `variance` for
 * minutes. */
struct demand {
	double fast, slow; /* means; tau 5 s and 180 s */
	double variance;   /* around slow; tau 180 s */
	double age_s;      /* how long it has been fed; 0: never */
};

/* A level of tick-to-tick noise below which guests are "idle" or "calm" is the
 * policies' business; here are only measurements. */
struct guest_view {
	bool present; /* running or paused, and sampled: in this tick, but for
			 GUEST_LOOK_NONE */
	uint32_t incarnation;
	uint64_t first_seen_ns;
	uint64_t awake_ns;           /* first seen, or resumed since: what it does now began then */
	uint64_t first_pass;         /* ksm_passes of the host when it was first seen */
	const struct domain *domain; /* NULL: unused slot; valid until the next tick */
	const struct guest_sample *sample; /* the same */
	unsigned int nsamples;             /* at least a second apart: rates need two */
	struct ewma demand_cpus; /* running plus runnable time of its vCPUs, CPUs; tau 10 s */
	struct demand demand;
	double run_cpus, delay_cpus; /* of its vCPUs, since the sample before; run_cpus with its
					other threads */
	struct ewma steal_share;     /* runnable but not running / demand, 0..1; tau 10 s */
	double psi_memory_pct;       /* some, since the sample before; 0 where unknown */
	double majfault_per_s, refault_per_s;
	uint64_t merged_kib; /* of its pages, how much KSM holds merged */
	struct counter run_ns, delay_ns, cpu_hz, majfault, refault, psi_us; /* for the rates */
	uint64_t counted_ns;                                                /* by nsamples, last */
	bool was_running;
};

/* Nobody has looked at it in this tick: what is known of it is of an earlier one. */
static inline bool guest_is_unseen(const struct guest_view *g)
{
	return g->present && g->sample->look == GUEST_LOOK_NONE;
}

struct host_view {
	uint64_t now_ns;
	double dt_s; /* since the sample before; 0 for the first, and after a gap */
	unsigned int nsamples;
	bool kicked;        /* an event asks to decide now: guest came or went, SIGUSR1, PSI */
	bool guests_known;  /* libvirt has listed them at least once; the caller says so */
	bool tuned_has_ksm; /* its active profile sets or ends KSM; the caller says so */
	const struct topology *topology;
	const struct capabilities *capabilities;
	const struct host_sample *host;
	/* Since the sample before; 0 where unknown.  Memory that we reclaim is not in it: since
	 * 5.9 the kernel counts no stall of whoever writes to memory.reclaim. */
	double psi_memory_some_pct, psi_memory_full_pct;
	double swap_in_per_s, swap_out_per_s; /* pages */
	double steal_share;     /* of this host's own CPU time, 0..1, when it is a guest
				   itself */
	uint64_t available_kib; /* MemAvailable, and what ZFS would give back */
	double idle_cpus;       /* since the sample before */
	double node_busy_cpus[KT_NODES_MAX]; /* the same, of its usable CPUs */
	/* Of all vCPUs: runnable but not running, CPUs, since the sample before.  What a scan
	 * takes from the guests shows here first. */
	double guest_delay_cpus;
	double ksmd_cpu_pct; /* of one CPU; 0 where unknown */
	uint64_t merged_kib; /* pages_sharing + ksm_zero_pages */
	uint64_t ksm_passes; /* full scans since this view began; a reset KSM goes on counting */
	size_t nslots, npresent;
	struct guest_view guest[KT_GUESTS_MAX]; /* by slot */
	/* for the rates */
	struct counter psi_some_us, psi_full_us, swap_in, swap_out;
	struct counter ksmd_ns, cpu_all_hz, cpu_idle_hz, cpu_steal_hz;
	struct counter node_idle_hz[KT_NODES_MAX];
	struct cpumask node_cpus[KT_NODES_MAX]; /* of which that is */
	bool has_full_scans;
	uint64_t full_scans;
	size_t nunseen; /* present, but not looked at in this sample */
	bool vcpus_measured;
	double vcpu_delay_cpus; /* of this sample */
};

/* About 300 KiB, zeroed; NULL: no memory. */
struct host_view *host_view_new(void);
void host_view_free(struct host_view *v);

/* Takes a new sample in.  Counters that fell (a recycled slot, a restarted guest,
 * a reset KSM) give a rate of 0; the mean of a guest's demand then stays as it was.
 * Keeps pointers into all arguments. */
void host_view_update(struct host_view *v, const struct topology *topology,
		      const struct capabilities *capabilities, const struct domains *ds,
		      const struct sample *sample, bool kicked);

#endif
