/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One reading of the host and of every guest. */
#ifndef KT_SENSE_H
#define KT_SENSE_H

#include "domains.h"
#include "hostfs.h"
#include "sample.h"

struct sample {
	uint64_t now_ns; /* CLOCK_MONOTONIC, read by the caller */
	struct host_sample host;
	struct guest_sample guest[KT_GUESTS_MAX]; /* by slot of struct domains */
};

/* What this kernel and host can tell at all; found out once, by sense_new. */
struct capabilities {
	bool psi_memory, psi_cgroup;
	bool ksm, ksm_advisor, ksm_smart_scan, ksm_per_process;
	bool memory_cgroup;    /* a memory controller is mounted */
	bool cgroup_v2;        /* ... and it is v2 */
	bool cgroup_numa_stat; /* guests' memory per node comes from memory.numa_stat */
	bool node_numastat;
	bool schedstat;
	char memory_mount[KT_PATH_MAX]; /* of the memory controller, relative to the root
					 */
	char cpuset_mount[KT_PATH_MAX]; /* "" where there is none */
};

struct sense; /* open files, threads of guests: whatever makes the next reading cheap */

/* `fs` must outlive it.  -errno. */
int sense_new(const struct hostfs *fs, struct sense **ret) KT_MUST_USE;
void sense_free(struct sense *s);
const struct capabilities *sense_capabilities(const struct sense *s);

/* Reads everything once.  A guest that has gone is simply not present; a feature
 * that this kernel lacks leaves its has_* false.
 * -ENODATA, -EINVAL, -errno: what every host has (meminfo, vmstat) could not be
 * read or understood: *ret is not to be used. */
int sense_read(struct sense *s, const struct domains *ds, uint64_t now_ns,
	       struct sample *ret) KT_MUST_USE;

/* Which guests are looked at. */
enum sense_scope {
	SENSE_ALL, /* all of them, in full */
	/* All; of those that have not run since they were looked at last, nothing but their
	 * processes is read, and the rest every fourth time, by turns. */
	SENSE_DUE,
	/* Those that are new, or whose facts have been replaced; all if KSM has ended a pass. */
	SENSE_NEW,
};

/* The same with fewer readings: guest_sample.look says what was read of a guest.  *ret is to be
 * what was read last, or all are read in full. */
int sense_read_some(struct sense *s, const struct domains *ds, enum sense_scope scope,
		    uint64_t now_ns, struct sample *ret) KT_MUST_USE;

/* libvirt has started it anew, though neither its UUID nor its number tells: the PID file names
 * another process of the guest than the one that is read. */
bool sense_process_is_replaced(struct sense *s, size_t slot, const struct domain_slot *guest);

/* The file for which the last reading failed: "/proc/meminfo".  "": it did not. */
const char *sense_failed_at(const struct sense *s);

/* A file of the host that was there in the last reading, and could not be read or understood; what
 * it says of is as it was, or unknown.  NULL: none.  *ret_error: -errno. */
const char *sense_trouble(const struct sense *s, int *ret_error);

/* A process of root's that calls itself so, for which all of /proc is looked through; 0: none is
 * seen. */
pid_t sense_find_daemon(const struct hostfs *fs, const char *name);

/* CPUs, nodes, distances; through hwloc, which honours HWLOC_SYNTHETIC and
 * HWLOC_XMLFILE for tests, and the root of `fs` otherwise.
 * -ENOTSUP, -ERANGE: a node id or CPU number beyond limits.h; -EINVAL: a list of those
 * on-line that is none; -errno. */
int sense_topology(const struct hostfs *fs, struct topology *ret) KT_MUST_USE;

#endif
