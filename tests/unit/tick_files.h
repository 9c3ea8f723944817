/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host of tick_world.h has beside what every test's host has: CPUs, nodes, and all that
 * the audit asks for, so that each of these files can fail.  Nothing in them is a fault of the
 * host. */
#ifndef KT_TICK_FILES_H
#define KT_TICK_FILES_H

#include "sense_root.h"

#define NODE1    "sys/devices/system/node/node1"
#define CPU0     "sys/devices/system/cpu/cpu0"
#define THP      "sys/kernel/mm/transparent_hugepage"
#define HUGE     "/hugepages/hugepages-"
#define PROFILES "usr/lib/tuned"

static const struct {
	const char *path, *text;
} audit_files[] = {
	{ "proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 8388604 0 -2\n" },
	{ "proc/sys/vm/dirty_ratio", "20\n" },
	{ "proc/sys/vm/dirty_bytes", "0\n" },
	{ "proc/sys/vm/dirty_background_ratio", "10\n" },
	{ "proc/sys/vm/dirty_background_bytes", "0\n" },
	{ "proc/sys/vm/zone_reclaim_mode", "0\n" },
	{ "proc/irq/9/acpi/x", "" },
	{ "proc/irq/9/smp_affinity_list", "0-3\n" },
	{ "proc/irq/9/effective_affinity_list", "0\n" },
	{ THP "/enabled", "always [madvise] never\n" },
	{ THP "/defrag", "always defer defer+madvise [madvise] never\n" },
	{ THP "/khugepaged/defrag", "1\n" },
	{ THP "/khugepaged/scan_sleep_millisecs", "10000\n" },
	{ "sys/devices/system/cpu/present", "0-3\n" },
	{ "sys/devices/system/cpu/isolated", "\n" },
	{ "sys/devices/system/cpu/nohz_full", "(null)\n" },
	{ CPU0 "/cpuidle/state0/latency", "0\n" },
	{ CPU0 "/cpuidle/state0/disable", "0\n" },
	{ CPU0 "/cpuidle/state1/latency", "2\n" },
	{ CPU0 "/cpuidle/state1/disable", "0\n" },
	{ NODE0 HUGE "2048kB/nr_hugepages", "0\n" },
	{ NODE0 HUGE "2048kB/free_hugepages", "0\n" },
	{ NODE0 HUGE "1048576kB/nr_hugepages", "0\n" },
	{ NODE0 HUGE "1048576kB/free_hugepages", "0\n" },
	{ "sys/module/kvm/parameters/halt_poll_ns", "200000\n" },
	{ "sys/block/sda/device/x", "" },
	{ "sys/block/sda/queue/scheduler", "[mq-deadline] none\n" },
	{ "sys/block/sda/queue/rotational", "0\n" },
	{ "sys/class/misc/vhost-net/x", "" },
	{ "sys/class/misc/kvm/x", "" },
	{ "sys/class/net/eth0/device/msi_irqs/9", "" },
	{ "etc/tuned/tuned-main.conf", "reapply_sysctl = 1\n" },
	{ "etc/tuned/active_profile", "mine\n" },
	{ PROFILES "/mine/tuned.conf", "[main]\ninclude=base\n[vm]\ndirty_ratio=20\n" },
	{ PROFILES "/base/tuned.conf", "[variables]\ninclude=/etc/tuned/mine-variables.conf\n" },
	{ "etc/tuned/mine-variables.conf", "isolated_cores=\n" },
	{ "etc/sysctl.conf", "vm.dirty_background_ratio = 10\n" },
	{ "etc/sysctl.d/10-ours.conf", "vm.zone_reclaim_mode = 0\n" },
	{ "run/sysctl.d/20-ours.conf", "kernel.pid_max = 4194304\n" },
	{ "usr/local/lib/sysctl.d/30-ours.conf", "kernel.pid_max = 4194304\n" },
	{ "usr/lib/sysctl.d/40-ours.conf", "kernel.pid_max = 4194304\n" },
	{ "run/numad.pid", "99\n" }, /* it crashed */
	{ "proc/37/comm", "ksmd\n" },
	{ "proc/37/status", "Name:\tksmd\nUid:\t0\t0\t0\t0\n" },
};

static inline void put_governor(unsigned int cpu)
{
	char path[96];

	snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", cpu);
	put(path, "performance\n");
}

/* Of each vendor's module there is at most one, of irqbalance's files as well. */
static inline void put_audit_files(bool is_amd)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(audit_files); i++)
		put(audit_files[i].path, audit_files[i].text);
	for (unsigned int cpu = 0; cpu < 4; cpu++)
		put_governor(cpu);
	put(is_amd ? "sys/module/kvm_amd/parameters/npt" : "sys/module/kvm_intel/parameters/ept",
	    is_amd ? "1\n" : "Y\n");
	put(is_amd ? "sys/module/kvm_amd/parameters/nested"
		   : "sys/module/kvm_intel/parameters/nested",
	    is_amd ? "0\n" : "N\n");
	put(is_amd ? "etc/sysconfig/irqbalance" : "etc/default/irqbalance",
	    "IRQBALANCE_BANNED_CPULIST=\n");
	put_bytes("dev/cpu_dma_latency", "\0\x94\x35\x77", 4); /* 2000 s: nobody asks */
}

/* ---- CPUs and nodes -----------------------------------------------------------------------------
 */

static inline void put_cpu(unsigned int cpu)
{
	char path[96];

	snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/topology/core_cpus", cpu);
	putf(path, "%x\n", 1U << cpu);
	snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/topology/core_id", cpu);
	putf(path, "%u\n", cpu);
	snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/topology/package_cpus", cpu);
	put(path, "f\n");
	snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%u/topology/physical_package_id",
		 cpu);
	put(path, "0\n");
}

static inline void put_node(unsigned int node, unsigned int mib_free)
{
	char path[96];

	snprintf(path, sizeof path, "sys/devices/system/node/node%u/meminfo", node);
	putf(path,
	     "Node %u MemTotal: 8388608 kB\nNode %u MemFree: %u kB\nNode %u FilePages: 1000 kB\n",
	     node, node, mib_free * 1024, node);
	snprintf(path, sizeof path, "sys/devices/system/node/node%u/numastat", node);
	put(path, "numa_hit 1\nnuma_miss 2\nnuma_foreign 3\nlocal_node 4\nother_node 5\n");
	snprintf(path, sizeof path, "sys/devices/system/node/node%u/cpumap", node);
	put(path, node ? "c\n" : "3\n");
	snprintf(path, sizeof path, "sys/devices/system/node/node%u/distance", node);
	put(path, node ? "20 10\n" : "10 20\n");
}

#endif
