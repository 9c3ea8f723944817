/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was read, as plain numbers and with no opinion.  Counters are *_total and
 * only ever grow; everything else is a level.  `has_*` is false where this host
 * cannot tell: the number beside it is then 0 and means nothing. */
#ifndef KT_SAMPLE_H
#define KT_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "audit_sample.h"
#include "cpumask.h"
#include "guest_thread.h"
#include "limits.h"
#include "uuid.h"

/* ---- the host ------------------------------------------------------------ */

enum ksm_advisor {
	KSM_ADVISOR_ABSENT, /* before Linux 6.8 */
	KSM_ADVISOR_NONE,
	KSM_ADVISOR_SCAN_TIME, /* the kernel refuses writes of pages_to_scan with EINVAL
				*/
};

/* Whether smart_scan leaves equal pages apart that it should merge, see ksm_probe.c. */
enum ksm_probe {
	KSM_PROBE_OPEN, /* not known yet */
	KSM_PROBE_STARVES,
	KSM_PROBE_COMPLETE,
};

/* /sys/kernel/mm/ksm; one page is the kernel's page (4 KiB here). */
struct ksm_sample {
	bool present;
	uint64_t run; /* 0 stopped, 1 scanning, 2 unmerged and stopped */
	uint64_t pages_to_scan, sleep_ms;
	uint64_t shared_pages, sharing_pages, unshared_pages, volatile_pages;
	uint64_t full_scans; /* falls to 0 after run=2 */
	uint64_t merge_across_nodes, use_zero_pages;
	enum ksm_advisor advisor;
	bool has_smart_scan; /* 6.7 */
	uint64_t smart_scan;
	enum ksm_probe probe;
	bool has_zero_pages; /* 6.6 */
	uint64_t zero_pages;
	bool has_scanned; /* pages_scanned 6.6, pages_skipped 6.7 */
	uint64_t scanned_total, skipped_total;
	bool has_profit; /* 6.4 */
	int64_t profit_bytes;
	bool has_ksmd; /* false in a PID namespace: the kernel thread is not visible */
	uint64_t ksmd_cpu_ns_total;
};

/* /proc/pressure/X or a cgroup's X.pressure: time stalled, microseconds. */
struct psi_sample {
	bool present;
	uint64_t some_us_total, full_us_total;
};

struct node_sample {
	bool present;
	uint64_t mem_total_kib, mem_free_kib;
	uint64_t file_kib; /* FilePages less Shmem: reclaimable for the greater part */
	bool has_numastat;
	uint64_t numa_hit_total, numa_miss_total, numa_foreign_total;
	uint64_t local_node_total, other_node_total;
};

struct host_sample {
	uint64_t mem_total_kib, mem_free_kib, mem_available_kib;
	uint64_t buffers_kib, cached_kib, shmem_kib;
	uint64_t swap_total_kib, swap_free_kib;
	uint64_t arc_kib, arc_min_kib; /* ZFS's cache, which MemAvailable counts as used; 0: none */
	uint64_t pswpin_total, pswpout_total; /* pages */
	uint64_t pgmajfault_total, oom_kill_total;
	uint64_t cow_ksm_total; /* pages; 0 before 5.19 */
	uint64_t pgmigrate_success_total, pgmigrate_fail_total;
	uint64_t cpu_user_hz_total, cpu_idle_hz_total,
		cpu_steal_hz_total;           /* all CPUs, ticks of 1/100 s */
	uint64_t idle_hz_of_cpu[KT_CPUS_MAX]; /* waiting for I/O too; by number */
	bool numad_runs;                      /* it overrides everybody's pins */
	bool has_numa_balancing;
	uint64_t numa_balancing; /* kernel.numa_balancing: 0 is off */
	struct psi_sample psi_cpu, psi_memory, psi_io;
	struct ksm_sample ksm;
	struct node_sample node[KT_NODES_MAX]; /* by node id */
};

/* ---- topology: read at start and when CPUs or nodes come and go ------------ */

struct node_topology {
	bool present;
	struct cpumask cpus;     /* on-line, with neither isolated nor nohz_full ones; empty:
				    memory only */
	struct cpumask all_cpus; /* on-line, with those: an administrator may pin to them */
	uint64_t mem_total_kib;
	unsigned int distance[KT_NODES_MAX]; /* SLIT, 10 = local; 0 where unknown */
	unsigned int ncores;                 /* that have a usable CPU */
};

/* CPUs that share a last-level cache (an L3; a CCX), within one node. */
struct cache_topology {
	unsigned int node;
	unsigned int ncores;
	struct cpumask cpus; /* usable */
};

struct topology {
	unsigned int nnodes;           /* present ones */
	unsigned int ncpu_nodes;       /* present ones that have usable CPUs */
	struct cpumask online, usable; /* usable: on-line minus isolated and nohz_full */
	unsigned int ncores;
	uint16_t core_of[KT_CPUS_MAX]; /* siblings of a core have its number, which counts from 0 */
	unsigned int ncaches;          /* 0: unknown, or too many */
	struct cache_topology cache[KT_CACHES_MAX];
	struct node_topology node[KT_NODES_MAX]; /* by node id */
};

/* ---- guests ---------------------------------------------------------------- */

/* What the operator's metadata says; DEFAULT where it says nothing. */
enum guest_switch {
	GUEST_SWITCH_DEFAULT,
	GUEST_SWITCH_OFF,
	GUEST_SWITCH_OBSERVE,
	GUEST_SWITCH_ON,
	GUEST_SWITCH_CPU,  /* placement only: its threads, not its memory */
	GUEST_SWITCH_FULL, /* placement only: both */
};

/* What the operator has stopped for this guest, for a while; see daemon/pause.h. */
enum guest_hold {
	GUEST_HOLD_NONE,
	GUEST_HOLD_PAUSED,   /* pins stay, limits are lifted, nothing new */
	GUEST_HOLD_RELEASED, /* everything is given back, nothing new */
};

/* What the operator asks for one guest, by metadata or a [domain "glob"] section. */
struct guest_wish {
	enum guest_switch ksm, placement, memory;
	unsigned int weight;        /* 1..1000; 0: not given */
	uint64_t min_guarantee_mib; /* of its memory that is never taken; 0: not given */
};

/* A virtual NUMA cell, which the guest's own kernel takes for a node. */
struct guest_cell {
	struct cpumask vcpus; /* by number */
	uint64_t memory_kib;
};

/* What libvirt knows of a guest: slow facts, pushed by events and not polled. */
struct domain {
	struct uuid uuid;
	char name[KT_NAME_MAX];
	int id;       /* libvirt's; changes with each start */
	bool running; /* false: paused (its memory still counts) */
	bool busy;    /* migrating, saving or under a snapshot: hands off */
	unsigned int vcpus;
	uint64_t memory_kib; /* what the guest may use at most (maxMemory of the info) */
	uint64_t soft_limit_kib, hard_limit_kib; /* memtune in force, KT_UNLIMITED_KIB: none */
	/* from the live or the persistent XML, whichever says so */
	bool admin_pins;     /* vcpupin, emulatorpin, iothreadpin, numatune, cachetune */
	bool admin_memtune;  /* any memtune limit in the persistent XML, or one not ours at
				first sight */
	bool placement_auto; /* libvirt asked numad */
	bool realtime;       /* vcpusched */
	bool cpu_quota;      /* throttled by the kernel, which counts as run delay */
	bool emulated;       /* TCG: QEMU keeps translated code beside the guest's memory */
	/* What a kvmtuned has set through libvirt says so in the live XML, which goes along when
	 * the guest is saved or migrated. */
	bool marked_pins; /* in force, and to fewer CPUs than it might have */
	bool has_limit_mark;
	uint64_t marked_limit_kib, marked_original_kib; /* KT_UNLIMITED_KIB: none */
	bool hugepages, locked, shared_memory, nosharepages, vfio, confidential;
	bool has_cpuset; /* <vcpu cpuset=>: an envelope, not a pin */
	struct cpumask cpuset;
	/* <numatune> of mode restrictive is an envelope too; of any other, admin_pins */
	bool has_memory_nodes;
	uint64_t memory_nodes;
	unsigned int ncells; /* 0: no cells, or more than KT_CELLS_MAX */
	struct guest_cell cell[KT_CELLS_MAX];
	unsigned int ndevices; /* host devices, and the host's end of its network */
	char device[KT_DEVICES_MAX][KT_DEVICE_MAX];
	struct guest_wish metadata; /* as found in its XML */
	struct guest_wish wish;     /* effective: metadata over configuration; daemon/ fills it */
	enum guest_hold hold;       /* daemon/ fills it as well */
	struct audit_guest audit;
	/* balloon statistics, asked only while memory is short */
	bool has_balloon;
	uint64_t balloon_usable_kib; /* what the guest could give back without swapping */
};

enum guest_look {
	GUEST_LOOK_FULL,  /* all of it was read */
	GUEST_LOOK_QUIET, /* its process was, and has not run since the last full look: all else
			     is of then, and would hardly be another now */
	GUEST_LOOK_NONE,  /* nothing was: all of it is of an earlier sample */
};

struct guest_sample {
	enum guest_look look;
	bool present; /* its process was found and read; else all below is 0 */
	pid_t pid;
	uint64_t start_ticks;
	uint64_t rss_kib;
	size_t nthreads;
	const struct guest_thread *threads; /* owned by sense; valid until the next sample */
	uint64_t cpu_hz_total;              /* of all its threads, dead ones too; 1/100 s */
	/* A vCPU was not found, or its times could not be read: they are as they were. */
	bool lacks_vcpu_times;
	uint64_t device_nodes; /* nodes of its devices; bit by id */
	uint64_t pci_nodes;    /* ... of those that are passed through to it */
	struct cpumask cpuset; /* effective cpuset of its cgroup; all on-line CPUs where
				  unknown */
	bool has_node_memory;
	uint64_t node_memory_kib[KT_NODES_MAX]; /* by node id */
	bool has_cgroup;
	bool cgroup_v2;
	const char *cgroup; /* folder of its memory, below the root; owned by sense, valid until
			     the next sample; NULL without has_cgroup */
	bool has_reclaim;   /* memory.reclaim: v2, 5.19 */
	uint64_t usage_kib, anon_kib, file_kib; /* of the memory cgroup; file with shmem */
	uint64_t shmem_kib;                     /* of a guest with shared memory: its memory */
	uint64_t anon_huge_kib;                 /* of anon_kib: in transparent huge pages */
	/* What its cgroup may grow to before it is throttled or somebody in it is killed;
	 * KT_UNLIMITED_KIB: no limit, or none known. */
	uint64_t limit_kib;
	uint64_t swap_kib;
	uint64_t swap_max_kib; /* that it may swap out; 0 too where its swappiness (v1) is;
				  KT_UNLIMITED_KIB: no limit of its own, or none known */
	uint64_t pgmajfault_total;
	uint64_t refault_total; /* pages that came back soon after they were taken: of files too */
	struct psi_sample psi_memory; /* cgroup v2 */
	bool has_ksm;                 /* /proc/PID/ksm_stat, 6.1; root or CAP_DAC_READ_SEARCH */
	uint64_t ksm_rmap_pages, ksm_merging_pages, ksm_zero_pages;
	int64_t ksm_profit_bytes;
};

#endif
