/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a guest of tick_world.h: all that it may have, on cgroup v1 or v2. */
#ifndef KT_TICK_GUEST_H
#define KT_TICK_GUEST_H

#include "sense_root.h"

enum { GUEST_KIB = 2 * 1024 * 1024 };

static inline pid_t pid_of(unsigned int number)
{
	return (pid_t)(1000 + 10 * number);
}

/* ---- its cgroups --------------------------------------------------------------------------- */

static inline const char *v1_cgroup_of(unsigned int number, const char *controller,
				       const char *file)
{
	static char path[192];

	snprintf(path, sizeof path, CGROUPS "/%s/machine/qemu-%u-guest.libvirt-qemu/%s", controller,
		 number, file);
	return path;
}

static inline void put_v1_cgroups(unsigned int number, pid_t pid, unsigned int node)
{
	char path[64];

	drop(cgroup_of(number, ".."));
	snprintf(path, sizeof path, "proc/%d/cgroup", pid);
	putf(path,
	     "5:cpuset:/machine/qemu-%u-guest.libvirt-qemu/emulator\n"
	     "4:memory:/machine/qemu-%u-guest.libvirt-qemu\n",
	     number, number);
	putf(v1_cgroup_of(number, "memory", "memory.numa_stat"),
	     "anon=524288 N%u=524288 N%u=0\nunevictable=0 N0=0 N1=0\n", node, !node);
	put(v1_cgroup_of(number, "memory", "memory.limit_in_bytes"), "9223372036854771712\n");
	put(v1_cgroup_of(number, "memory", "memory.swappiness"), "60\n");
	put(v1_cgroup_of(number, "cpuset", "cpuset.cpus"), "0-3\n");
	put(v1_cgroup_of(number, "cpuset", "cpuset.effective_cpus"), "0-3\n");
	put(v1_cgroup_of(number, "cpuset", "emulator/cpuset.cpus"), "0-3\n");
	putf(v1_cgroup_of(number, "cpuset", "emulator/tasks"), "%d\n%d\n", pid, pid + 1);
}

static inline void put_limits(unsigned int number)
{
	put(cgroup_of(number, "memory.max"), "max\n");
	put(cgroup_of(number, "memory.high"), "max\n");
	put(cgroup_of(number, "memory.swap.max"), "max\n");
}

/* The other guests are found by a look at all processes. */
static inline void put_pid_file(unsigned int number, pid_t pid)
{
	char path[64];

	snprintf(path, sizeof path, "run/libvirt/qemu/guest-%u.pid", number);
	putf(path, "%d\n", pid);
}

/* Some of its memory may be swapped out. */
static inline void put_usage(unsigned int number, uint64_t kib, uint64_t swap_kib, bool is_v1)
{
	uint64_t bytes = kib * 1024, swap_bytes = swap_kib * 1024;

	if (is_v1) {
		putf(v1_cgroup_of(number, "memory", "memory.stat"),
		     "cache 2048\nrss %" PRIu64 "\nrss_huge 0\nshmem 0\nswap %" PRIu64
		     "\npgmajfault 8\n",
		     bytes, swap_bytes);
		putf(v1_cgroup_of(number, "memory", "memory.usage_in_bytes"), "%" PRIu64 "\n",
		     bytes);
		return;
	}
	putf(cgroup_of(number, "memory.stat"),
	     "anon %" PRIu64 "\nfile 2048\nworkingset_refault_anon 7\npgmajfault 8\n", bytes);
	putf(cgroup_of(number, "memory.current"), "%" PRIu64 "\n", bytes);
	putf(cgroup_of(number, "memory.swap.current"), "%" PRIu64 "\n", swap_bytes);
}

static inline void put_v2_cgroups(unsigned int number, unsigned int node)
{
	pid_t pid = pid_of(number);

	putf(cgroup_of(number, "memory.numa_stat"),
	     "anon N%u=2147483648 N%u=0\nfile N0=0 N1=0\nshmem N0=0 N1=0\n", node, !node);
	put(cgroup_of(number, "emulator/cpuset.cpus.effective"), "0-3\n");
	put(cgroup_of(number, "../cpuset.cpus.effective"), "0-3\n");
	putf(cgroup_of(number, "emulator/cgroup.threads"), "%d\n%d\n", pid, pid + 1);
	put_limits(number);
}

/* ---- its processes ------------------------------------------------------------------------- */

static inline void guest_runs(unsigned int number, uint64_t run_ns)
{
	pid_t pid = pid_of(number);
	char path[64];

	snprintf(path, sizeof path, "proc/%d/stat", pid);
	putf(path,
	     "%d (qemu (x) y) S 1 1 1 0 -1 0 0 0 0 0 %" PRIu64 " 7 0 0 20 0 2 0 %d 0 25 0 0 0\n",
	     pid, run_ns / 10000000, pid);
	snprintf(path, sizeof path, "proc/%d/task/%d/schedstat", pid, pid + 1);
	putf(path, "%" PRIu64 " 1000 1\n", run_ns);
}

/* Its memory is on one node. */
static inline void put_tick_guest(unsigned int number, unsigned int node, bool is_v1)
{
	pid_t pid = pid_of(number);
	char path[64];

	put_guest(number, pid);
	put_v2_cgroups(number, node);
	snprintf(path, sizeof path, "proc/%d/comm", pid);
	put(path, "qemu-system-x86\n");
	if (is_v1) {
		put_v1_cgroups(number, pid, node);
		put_pid_file(number, pid);
	}
	put_usage(number, GUEST_KIB, 0, is_v1);
}

#endif
