/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the host's rules share.  Nobody else includes it.
 *
 *	audit_host_rules.c    the table
 *	audit_host_memory.c   sysctls of memory, huge pages that nobody asks for, NUMA balancing
 *	audit_host_sizing.c   pools of huge pages; is there enough for the guests
 *	audit_host_ksm.c      KSM
 *	audit_host_cpu.c      clocks, sleep, and what the CPU virtualises
 *	audit_host_apart.c    CPUs that are the host's, and its interrupts
 *	audit_host_devices.c  disks and network
 *	audit_host_guests.c   what the guests may use */
#ifndef KT_AUDIT_HOST_H
#define KT_AUDIT_HOST_H

#include "audit.h"

/* ---- audit_host_guests.c ---------------------------------------------------------------- */

/* False: nobody knows. */
bool audit_vcpus_may_run(const struct audit_input *in, size_t slot, struct cpumask *ret);
/* All its vCPUs have pins narrower than the host, or a home. */
bool audit_guest_is_bound(const struct audit_input *in, size_t slot);
/* ... within one node. */
bool audit_guest_is_on_one_node(const struct audit_input *in, size_t slot);
/* Which?  False: on none, or nobody knows. */
bool audit_guest_node(const struct audit_input *in, size_t slot, unsigned int *ret);

/* What all guests may use at most. */
struct audit_use {
	unsigned int guests;
	uint64_t memory_kib, vcpus;
};
/* False, and the verdict is made: nobody knows. */
bool audit_use(const struct audit_input *in, struct audit_verdict *v, struct audit_use *ret);

/* ---- predicates, in the order of the table ---------------------------------------------- */

#define HOST_JUDGE(name)                                                                           \
	void audit_judge_##name(const struct audit_input *in, struct audit_verdict *v)

HOST_JUDGE(swappiness);
HOST_JUDGE(dirty_ratio);
HOST_JUDGE(dirty_background_ratio);
HOST_JUDGE(zone_reclaim);
HOST_JUDGE(thp_enabled);
HOST_JUDGE(thp_defrag);
HOST_JUDGE(khugepaged_defrag);
HOST_JUDGE(khugepaged_scan_sleep);
HOST_JUDGE(numa_balancing);
HOST_JUDGE(hugepages_2m);
HOST_JUDGE(hugepages_1g);
HOST_JUDGE(memory_overcommit);
HOST_JUDGE(memory_reserve);
HOST_JUDGE(ksm_run);
HOST_JUDGE(ksm_pages_to_scan);
HOST_JUDGE(ksm_sleep);
HOST_JUDGE(ksm_merge_across_nodes);
HOST_JUDGE(ksm_advisor);
HOST_JUDGE(cpu_governor);
HOST_JUDGE(cpu_cstates);
HOST_JUDGE(halt_poll);
HOST_JUDGE(ept);
HOST_JUDGE(npt);
HOST_JUDGE(nested);
HOST_JUDGE(reserved_cpus);
HOST_JUDGE(irq_affinity);
HOST_JUDGE(vcpu_overcommit);
HOST_JUDGE(cpu_use);
HOST_JUDGE(block_scheduler);
HOST_JUDGE(vhost_net);

#endif
