/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share.  Nobody else includes it.
 *
 *	sense.c          birth, what this host can tell, one reading of everything
 *	sense_host.c     memory, swap, CPU time, pressure
 *	sense_tuner.c    who else moves guests between nodes
 *	sense_ksm.c      KSM, and ksmd's own CPU time
 *	ksm_probe.c      whether smart_scan leaves equal pages apart
 *	sense_node.c     memory and allocations of each node
 *	sense_guest.c    one guest: which files, and what they say
 *	sense_process.c  which process is which guest's
 *	sense_threads.c  the threads of a guest
 *	sense_device.c   the nodes of a guest's devices
 *	sense_pages.c    where its memory is, if its cgroup does not tell
 *	sense_cgroup.c   the memory cgroup of a guest
 *	sense_audit*.c   what the audit asks for, see sense_audit_private.h
 *	topology*.c      CPUs, nodes and caches, through hwloc
 *	parse*.c         text -> numbers
 *	hostfs.c         the only door
 *
 * Every file is opened once; its path is put together only then. */
#ifndef KT_SENSE_PRIVATE_H
#define KT_SENSE_PRIVATE_H

#include "parse.h"
#include "sense.h"

/* What changes rarely and costs more than a read: threads that were replaced one for
 * one, cpusets, numa_maps.  Five minutes at the usual tick. */
enum { SAMPLES_BETWEEN_LOOKS = 60 };
/* 1.7 ms for 4,096 pages of a guest: soon enough to see that they were moved. */
enum { SAMPLES_BETWEEN_PAGES = SAMPLES_BETWEEN_LOOKS / 6 };

/* Of a guest that has not run its memory may still be taken, merged or moved: seldom. */
enum { SAMPLES_BETWEEN_QUIET = SAMPLES_BETWEEN_LOOKS / 15 };

enum ksm_file {
	KSM_FILE_RUN,
	KSM_FILE_PAGES_TO_SCAN,
	KSM_FILE_SLEEP,
	KSM_FILE_SHARED,
	KSM_FILE_SHARING,
	KSM_FILE_UNSHARED,
	KSM_FILE_VOLATILE,
	KSM_FILE_FULL_SCANS,
	KSM_FILE_ACROSS_NODES,
	KSM_FILE_USE_ZERO_PAGES,
	KSM_FILE_ZERO_PAGES,
	KSM_FILE_SCANNED,
	KSM_FILE_SKIPPED,
	KSM_FILE_SMART_SCAN,
	KSM_FILE_PROFIT,
	KSM_FILE_ADVISOR,
	_KSM_FILE_MAX,
};

enum guest_file {
	GUEST_STAT, /* /proc/PID/stat: also tells when the process has gone */
	GUEST_KSM,
	GUEST_KSM_MERGING,
	GUEST_USAGE,
	GUEST_MEMORY_STAT,
	GUEST_NUMA_STAT,
	GUEST_SWAP,
	GUEST_PRESSURE,
	GUEST_LIMIT,
	GUEST_HIGH,
	_GUEST_FILE_MAX,
};

struct guest_source {
	uint32_t incarnation; /* 0: unused */
	pid_t pid;            /* 0: not found */
	uint64_t start_ticks;
	unsigned int nsamples, nsearches, next_search;
	unsigned int nlooks;         /* in full, of this process */
	uint32_t revision;           /* of its facts, as of the last one */
	uint64_t cpu_hz, rss_kib;    /* the same, of the process alone */
	unsigned int merging;        /* struct sense's, the same */
	uint64_t full_scans;         /* KSM's, the same */
	bool lacks[_GUEST_FILE_MAX]; /* this kernel or this guest has no such file */
	struct hostfile file[_GUEST_FILE_MAX];
	bool has_cgroup, knows_folders;
	char *cgroup;               /* of its memory, below the root; NULL without has_cgroup */
	bool has_reclaim;           /* of that */
	uint64_t swap_max_kib;      /* when it was looked up last */
	char *cpuset;               /* of the guest as a whole; NULL: unknown */
	struct cpumask cpus;        /* effective, of that */
	unsigned int ndevices_seen; /* when they were looked up */
	uint64_t device_nodes, pci_nodes;
	bool has_nodes;         /* asked for beside the cgroup */
	bool has_pages;         /* by its pages */
	uint64_t *nodes_kib;    /* that, by node id; NULL: not asked yet */
	uint64_t nthreads_seen; /* in stat, when the threads were listed */
	size_t nthreads, capacity;
	size_t nexpected; /* of nthreads, in the listing under way: no more room than that */
	size_t nnamed;    /* the first ones, whose names were read twice */
	struct guest_thread *thread;
	struct hostfile *schedstat; /* of the thread in the same place */
};

enum ksm_probe_stage {
	KSM_PROBE_WAIT, /* for ksmd to run */
	KSM_PROBE_OFFER,
	KSM_PROBE_MATURE,
	KSM_PROBE_MATCH,
	KSM_PROBE_DONE,
};

enum { KSM_PROBE_PAIRS = 4 };

struct ksm_probe_source {
	enum ksm_probe_stage stage;
	enum ksm_probe answer;
	char *memory;    /* KSM_PROBE_PAIRS pages, and their twins */
	size_t noffered; /* of the twins */
	uint64_t passes; /* of this stage */
	bool was_smart;
	uint64_t full_scans, merged_before;
};

/* Where a device was found to be.  Hundreds of guests may share a bridge, which has a
 * port for each of them: it is looked at once for all. */
struct device_place {
	char name[KT_DEVICE_MAX];
	unsigned int nsamples; /* of the host, at that time */
	uint64_t nodes;
};

enum { SENSE_DEVICES = 64 };

struct sense {
	const struct hostfs *fs;
	struct capabilities capabilities;
	bool cpuset_v2;
	unsigned int nsamples;
	unsigned int merging; /* grows when KSM has merged, or looked at everything */
	uint64_t ksm_sharing_pages, ksm_full_scans;
	const struct sample *given;            /* what was read last, ... */
	uint64_t given_ns;                     /* ... and as of when */
	struct cpumask nodes;                  /* that are on-line, by id, as last read */
	struct node_sample node[KT_NODES_MAX]; /* as last read */
	const char *failed_at;                 /* by what every host has; "": it did not fail */
	bool is_at_host;                       /* and not at a guest */
	char trouble[96];                      /* see sense_trouble; "": none */
	int trouble_error;
	struct hostfile meminfo, vmstat, stat, arc, psi_cpu, psi_memory, psi_io, nodes_online;
	struct hostfile numa_balancing;
	pid_t numad; /* as last found; 0: none */
	/* Samples of more than news until all of /proc is looked through for it. */
	unsigned int numad_due;
	struct hostfile ksm[_KSM_FILE_MAX];
	bool ksm_lacks[_KSM_FILE_MAX];
	struct hostfile ksmd;
	bool ksmd_sought;
	pid_t ksmd_pid; /* 0: there is none that we see */
	struct ksm_probe_source ksm_probe;
	struct hostfile node_meminfo[KT_NODES_MAX], node_numastat[KT_NODES_MAX];
	struct guest_source guest[KT_GUESTS_MAX];
	unsigned int next_device; /* the place that is given away next */
	struct device_place device[SENSE_DEVICES];
	bool threads_lack;      /* what the listing of threads under way needs of us */
	char text[KT_FILE_MAX]; /* of the file read last */
};

/* Reads an open file, or opens the one that the format names, into s->text; a single
 * read, see hostfile_read_first.  The length, or -errno. */
ssize_t sense_text(struct sense *s, struct hostfile *file, const char *fmt, ...)
	KT_PRINTF(3, 4) KT_MUST_USE;

/* Of the host's files the first that cannot be read, or understood, is noted; see sense_trouble. */
void sense_note(struct sense *s, ssize_t error, const char *fmt, ...) KT_PRINTF(3, 4);

/* ---- sense_host.c, sense_ksm.c, sense_node.c ------------------------------------- */

int sense_host_read(struct sense *s, enum sense_scope scope, struct host_sample *ret) KT_MUST_USE;
void sense_ksm_read(struct sense *s, struct ksm_sample *ret);
void sense_nodes_read(struct sense *s, struct host_sample *ret);

/* ---- sense_tuner.c ----------------------------------------------------------------- */

void sense_tuners_read(struct sense *s, enum sense_scope scope, struct host_sample *ret);

/* ---- ksm_probe.c --------------------------------------------------------------------- */

/* Goes on with the experiment, and says what is known so far. */
enum ksm_probe ksm_probe_look(struct ksm_probe_source *p, const struct hostfs *fs,
			      const struct ksm_sample *k);
void ksm_probe_end(struct ksm_probe_source *p);

/* ---- sense_guest.c ------------------------------------------------------------------ */

/* `slot`: its place, by which guests take turns.  *ret is to be its last sample, but for
 * SENSE_ALL. */
void sense_guest_read(struct sense *s, size_t slot, const struct domain_slot *guest,
		      enum sense_scope scope, struct guest_sample *ret);
/* What changes rarely is read in this sample of the guest. */
bool sense_is_seldom(const struct sense *s, const struct guest_source *g);
void sense_guest_begin(struct guest_source *g, uint32_t incarnation);
void sense_guest_end(struct guest_source *g);

/* ---- sense_process.c ---------------------------------------------------------------- */

/* Finds the processes of those guests that have none yet and are due to be sought. */
void sense_find_processes(struct sense *s, const struct domains *ds);
bool sense_process_is(struct sense *s, pid_t pid, const struct domain *d) KT_MUST_USE;

/* ---- sense_threads.c ---------------------------------------------------------------- */

/* False: for want of descriptors or memory not all could be asked; those that were known stay,
 * and it is to be called again. */
bool sense_threads_list(struct sense *s, struct guest_source *g) KT_MUST_USE;
/* Returns what the threads outside of its process have run, in nanoseconds; of how many vCPUs the
 * times were read. */
uint64_t sense_threads_read(struct sense *s, struct guest_source *g, unsigned int *ret_nvcpus);
void sense_threads_end(struct guest_source *g);

/* ---- sense_device.c ----------------------------------------------------------------- */

void sense_device_nodes(struct sense *s, const struct domain *d, uint64_t *ret_nodes,
			uint64_t *ret_pci_nodes);

/* ---- sense_pages.c ------------------------------------------------------------------ */

/* The i-th of n pages, out of npages >= n. */
uint64_t sense_pages_pick(uint64_t npages, uint64_t i, uint64_t n);

/* By a sample of its pages, scaled to its resident size.  -EPERM, -EACCES: may not be
 * asked; -ENODATA: too few of them are there; -ENOTSUP, -errno.  `kib` is then untouched. */
int sense_pages_read(struct sense *s, pid_t pid, uint64_t rss_kib,
		     uint64_t kib[KT_NODES_MAX]) KT_MUST_USE;

/* ---- sense_cgroup.c ----------------------------------------------------------------- */

/* -ENOMEM: nothing is known of the folders, and it is to be called again. */
int sense_cgroup_find(struct sense *s, struct guest_source *g) KT_MUST_USE;
/* Each thread of the group that its main thread is in, if that is the guest's own. */
void sense_cgroup_each_task(struct sense *s, struct guest_source *g, hostfs_line_fn *each,
			    void *context);
void sense_cpuset_read(struct sense *s, struct guest_source *g);
void sense_cgroup_read(struct sense *s, struct guest_source *g, struct guest_sample *ret);

#endif
