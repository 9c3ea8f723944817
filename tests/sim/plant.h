/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host that the policies can be let loose on: NUMA nodes, guests, ksmd, reclaim and
 * swap, thousands of times faster than a real one.
 *
 * It is a model of the kernel, not of the policies: written from mm/ksm.c, mm/vmscan.c and
 * mm/memcontrol.c and from what was measured on real hosts, it knows nothing of what a
 * policy expects.  Memory is in KiB, as double: a tenth of a page does not matter here.
 * Time is in seconds.  The same seed gives the same day. */
#ifndef KT_PLANT_H
#define KT_PLANT_H

#include "policy.h"

enum { PLANT_NODES = 8, PLANT_GUESTS = 48, PLANT_THREADS = 40 };

#define PLANT_GIB (1024.0 * 1024.0)

struct plant_node {
	unsigned int ncpus;
	double total_kib;
	double load_cpus; /* wanted of it now */
	double busy_s;
};

struct plant_guest {
	/* what the scenario decides, and may change at any time */
	bool running, paused;
	unsigned int vcpus;
	double memory_kib;  /* as configured */
	double demand_cpus; /* wants to run */
	double target_kib;  /* memory that it fills, kib_per_s at a time */
	double kib_per_s;
	double hot_kib; /* of its memory, in use all the time */
	/* of the memory that it touches from now on: equal to pages elsewhere, zero, and
	 * changing too fast to merge; the rest is like nothing else */
	double duplicate_share, zero_share, volatile_share;
	double rewrite_per_s; /* share of its merged pages written to */
	struct domain domain; /* flags; plant_sense fills the rest */
	bool has_admin_mask;
	struct cpumask admin_mask; /* pinned by somebody else, behind libvirt's back */

	/* the state of the world */
	double started_s;
	unsigned int birth_node;
	double on_node_kib[PLANT_NODES];
	double swapped_hot_kib, swapped_cold_kib;
	double merged_kib; /* by ksmd, with the copies that stay */
	bool pinned, limited;
	uint64_t nodes; /* when pinned */
	double soft_limit_kib;

	/* counters, as the kernel keeps them */
	double run_s, delay_s, stall_s, majfaults;

	/* what the tests ask for in the end */
	double remote_s;    /* ran on another node than its memory */
	unsigned int npins; /* changes of its pin */
	unsigned int nlimits, nreleases;
	uint32_t incarnation; /* of what was last told to it */
};

struct plant {
	uint64_t seed;
	double now_s;
	unsigned int nnodes, nguests;
	struct plant_node node[PLANT_NODES];
	struct plant_guest guest[PLANT_GUESTS];
	struct move_plan move; /* in force, of this guest */
	unsigned int moving;
	double moved_kib;
	double os_kib, cache_kib; /* spread evenly */
	double swap_kib;          /* 0: none */
	bool cgroup_v2;
	double page_cost_us; /* of a page that ksmd looks for in its trees: 2 to 5 */
	double pass_cost_us;
	double chunk_kib; /* of memory that ksmd treats alike; fixed by the first guest */

	bool ksm_run;
	double pages_to_scan, sleep_ms;
	bool has_smart_scan, smart_scan; /* Linux 6.7 */
	bool ksm_advisor;
	struct plant_ksmd *ksmd;
	double ksmd_s, ksmd_cpu_share; /* it gets no more than this share of a CPU */
	uint64_t pages_scanned, pages_skipped, full_scans;
	uint64_t pages_shared, pages_sharing, pages_unshared;
	double idle_s, busy_s; /* of all CPUs; ksmd's time is busy */
	double stall_s;        /* of anybody: PSI some */
	double swapped_out_kib;
	unsigned int noom; /* the kernel had nothing left to take */
	unsigned int nksm_writes, nksm_flips, nsweeps;

	struct topology topology;
	struct guest_thread thread[PLANT_GUESTS][PLANT_THREADS];
	struct in_force in_force;
};

/* A host that runs nothing yet. */
void plant_init(struct plant *p, uint64_t seed, unsigned int nnodes, unsigned int cpus_per_node,
		double gib_per_node);
void plant_free(struct plant *p);

/* The guest starts now, on a node of the scheduler's choice. */
struct plant_guest *plant_start(struct plant *p, unsigned int vcpus, double gib);
void plant_stop(struct plant *p, unsigned int guest);

/* Uniform in [low, high). */
double plant_random(struct plant *p, double low, double high);

/* Lets so much time pass; best not more than 5 s at once. */
void plant_advance(struct plant *p, double seconds);

/* ---- the parts of a step, each in its own file --------------------------------- */

void plant_run_cpus(struct plant *p, double seconds);
void plant_run_memory(struct plant *p, double seconds);
void plant_run_moves(struct plant *p, double seconds);
void plant_run_ksmd(struct plant *p, double seconds);

/* ---- what can be asked ------------------------------------------------------------ */

double plant_resident_kib(const struct plant_guest *g);
double plant_total_kib(const struct plant *p);
double plant_available_kib(const struct plant *p);
double plant_node_free_kib(const struct plant *p, unsigned int node);
double plant_merged_kib(const struct plant *p); /* saved: pages_sharing */
double plant_swap_free_kib(const struct plant *p);
unsigned int plant_fullest_node(const struct plant *p, const struct plant_guest *g);

/* ---- the sensors and actuators of a real host ----------------------------------- */

void plant_sense(struct plant *p, struct domains *ds, struct sample *ret);
void plant_act(struct plant *p, const struct plan *plan);

#endif
