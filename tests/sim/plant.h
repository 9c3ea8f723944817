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

enum { PLANT_NODES = 8, PLANT_GUESTS = 104, PLANT_THREADS = 40 };

#define PLANT_GIB (1024.0 * 1024.0)

struct plant_node {
	unsigned int ncpus;
	double total_kib;
	double load_cpus; /* wanted of it now */
	double busy_s;
};

/* How often memory is looked at. */
enum plant_layer {
	PLANT_HOT,  /* all the time */
	PLANT_WARM, /* each few minutes */
	PLANT_COLD, /* twice a day */
	PLANT_LAYERS,
};

enum plant_swap {
	PLANT_SSD,
	PLANT_ZRAM, /* fast, and made of memory */
	PLANT_DISK, /* 5 MiB/s of pages read here and there */
};

/* The last write to a guest's memory.reclaim. */
struct plant_order {
	bool open; /* waits for its turn, or is under way */
	bool late; /* had to be interrupted */
	double ordered_s, began_s;
	double target_kib, asked_kib, got_kib;
};

struct plant_guest {
	/* what the scenario decides, and may change at any time */
	bool running, paused;
	unsigned int vcpus;
	double memory_kib;  /* as configured */
	double demand_cpus; /* wants to run */
	double target_kib;  /* memory that it fills, kib_per_s at a time */
	double kib_per_s;
	double hot_kib, warm_kib; /* of its memory; the rest is cold */
	double pinned_kib;        /* that the kernel cannot reclaim */
	bool unsampled;           /* its process cannot be read now */
	bool stranger;            /* a process of the host, that neither libvirt nor we know */
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
	double layer_kib[PLANT_LAYERS];   /* resident or not */
	double swapped_kib[PLANT_LAYERS]; /* of which that is */
	struct plant_order order;
	double merged_kib; /* by ksmd, with the copies that stay */
	bool pinned, limited;
	uint64_t nodes; /* when pinned */
	double soft_limit_kib;

	/* counters, as the kernel keeps them */
	double run_s, delay_s, stall_s, majfaults;

	/* what the tests ask for in the end */
	double remote_s;    /* ran on another node than its memory */
	unsigned int npins; /* changes of its pin */
	unsigned int nlimits, nreleases, norders;
	double ordered_kib;     /* taken from it through memory.reclaim */
	double swapped_out_kib; /* by whomsoever */
	uint32_t incarnation;   /* of what was last told to it */
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
	double os_kib, cache_kib;    /* spread evenly */
	struct plant_guest services; /* of the host itself, which libvirt knows nothing of */
	double swap_kib;             /* 0: none */
	enum plant_swap swap;
	double swap_free_s; /* of this step, that the swap device is not busy */
	double swapped_out_in_step_kib;
	double swap_write_share; /* of the last step, that it wrote */
	bool cgroup_v2, has_reclaim;
	bool refuses_reclaim, refuses_limits; /* the kernel; libvirt */
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
	double swapped_out_kib, swapped_in_kib, ordered_kib;
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
void plant_start_services(struct plant *p, double gib, double hot_share);

/* So much of what is hot is cold from now on, and as much of the rest is hot. */
void plant_move_working_set(struct plant_guest *g, double share);

/* Uniform in [low, high). */
double plant_random(struct plant *p, double low, double high);

/* Lets so much time pass; best not more than 5 s at once. */
void plant_advance(struct plant *p, double seconds);

/* ---- the parts of a step, each in its own file --------------------------------- */

void plant_run_cpus(struct plant *p, double seconds);
void plant_run_memory(struct plant *p, double seconds);
void plant_run_moves(struct plant *p, double seconds);
void plant_run_orders(struct plant *p, double seconds);
void plant_run_ksmd(struct plant *p, double seconds);

/* ---- what can be asked ------------------------------------------------------------ */

double plant_resident_kib(const struct plant_guest *g);
double plant_total_kib(const struct plant *p);
double plant_available_kib(const struct plant *p);
double plant_node_free_kib(const struct plant *p, unsigned int node);
double plant_merged_kib(const struct plant *p); /* saved: pages_sharing */
double plant_free_kib(const struct plant *p);   /* of it, not even by a cache */
double plant_swap_free_kib(const struct plant *p);
double plant_swapped_kib(const struct plant_guest *g);
double plant_resident_layer_kib(const struct plant_guest *g, enum plant_layer layer);
unsigned int plant_fullest_node(const struct plant *p, const struct plant_guest *g);

/* ---- swap: plant_swap.c ----------------------------------------------------------- */

/* After the scenario or a guest changed how much it has, and how much of it is in use. */
void plant_set_layers(struct plant_guest *g);
/* Takes so much, as far as there is room and the device is not busy; what was got. */
double plant_swap_out(struct plant *p, struct plant_guest *g, double kib);
/* How much of each layer it wants back now, as far as its vCPUs can ask for it. */
void plant_swap_wanted(const struct plant *p, const struct plant_guest *g, double seconds,
		       double ret_kib[PLANT_LAYERS]);
/* A share of that comes back. */
void plant_swap_in(struct plant *p, struct plant_guest *g, const double wanted_kib[PLANT_LAYERS],
		   double share, double seconds);
double plant_swap_in_kib_s(const struct plant *p);
double plant_swap_out_kib_s(const struct plant *p);
double plant_swap_memory_kib(const struct plant *p); /* that the device itself takes */
void plant_swap_begin(struct plant *p, double seconds);
void plant_swap_end(struct plant *p, double seconds);
void plant_touch(struct plant *p, struct plant_guest *g, double kib);

/* ---- the sensors and actuators of a real host ----------------------------------- */

void plant_sense(struct plant *p, struct domains *ds, struct sample *ret);
void plant_act(struct plant *p, const struct plan *plan);

#endif
