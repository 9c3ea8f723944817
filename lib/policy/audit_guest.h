/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the guests' rules share.  Nobody else includes it.
 *
 *	audit_guest_rules.c    the table: texts, sources, fixes
 *	audit_guest.c          what kind of guest is it, and where is it at home?
 *	audit_guest_vcpu.c     pins, dedicated CPUs, what the guest sees of them
 *	audit_guest_memory.c   nodes, limits, huge pages
 *	audit_guest_devices.c  disks, network, host devices, clock
 *
 * Every rule is for running guests under KVM; of the others nothing is judged.
 *
 *	dedicated  each vCPU, plugged or not, is pinned to a CPU of its own, which the vCPUs of
 *	           no other guest may use, floating ones neither
 *	fast       the operator wants it to be fast at the cost of density: it is realtime, or
 *	           its weight is 500 or more, or all its vCPUs are pinned and it has huge pages
 *	           or a CPU for each vCPU.  The sheets' "high-performance" and "latency" guests
 *	home       the nodes that its vCPUs may run on, by our pins or else by the XML's */
#ifndef KT_AUDIT_GUEST_H
#define KT_AUDIT_GUEST_H

#include "audit.h"

/* ---- audit_guest.c -------------------------------------------------------------------- */

/* The guest that is judged.  NULL: it is not, and the verdict is made. */
const struct audit_guest *audit_guest_judged(const struct audit_input *in, struct audit_verdict *v);
/* The same for rules that choose a node: not on a host of one, nor against the operator. */
const struct audit_guest *audit_guest_placed(const struct audit_input *in, struct audit_verdict *v);

const struct domain *audit_guest_domain(const struct audit_input *in);
/* Of all fields 0 where nothing of ours is in force for it. */
const struct guest_in_force *audit_guest_ours(const struct audit_input *in, size_t slot);
/* NULL: it was not sampled. */
const struct guest_sample *audit_guest_sample(const struct audit_input *in);

uint64_t audit_nodes_of(const struct topology *t, const struct cpumask *cpus);
uint64_t audit_cpu_nodes(const struct topology *t);
/* Usable ones, less the reserved ones where others are left. */
struct cpumask audit_vcpu_cpus(const struct audit_input *in, uint64_t nodes);
/* The reserved ones among them, where there are any, else all usable ones. */
struct cpumask audit_helper_cpus(const struct audit_input *in, uint64_t nodes);

/* False: the XML lets some of its vCPUs run wherever they like. */
bool audit_guest_pins(const struct domain *d, struct cpumask *ret_cpus);
/* 0: anywhere. */
uint64_t audit_guest_home(const struct audit_input *in);
unsigned int audit_guest_vcpus(const struct audit_guest *g);
/* Of the nodes that could hold it, the one with most of its memory; KT_NODES_MAX: none could,
 * it is larger than a node. */
unsigned int audit_guest_best_node(const struct audit_input *in);
/* CPUs of this node that it could use: isolated ones only if it is pinned to them. */
unsigned int audit_guest_node_ncpus(const struct audit_input *in, unsigned int node);

/* One CPU for each vCPU, whoever else may be there. */
bool audit_guest_has_own_cpus(const struct audit_guest *g);
/* All of them, those that are not judged too. */
bool audit_guests_are_known(const struct audit_input *in);
bool audit_guest_is_dedicated(const struct audit_input *in);
bool audit_guest_is_fast(const struct audit_input *in);

/* ---- judges: rows of the table -------------------------------------------------------- */

#define AUDIT_GUEST_JUDGES(X)                                                                      \
	X(vcpu_pin)                                                                                \
	X(emulator_pin)                                                                            \
	X(iothread_pin)                                                                            \
	X(pin_isolated_set)                                                                        \
	X(cpu_shared)                                                                              \
	X(cpu_shares)                                                                              \
	X(cpu_quota)                                                                               \
	X(cpu_mode)                                                                                \
	X(cpu_topology)                                                                            \
	X(kvm_hint_dedicated)                                                                      \
	X(kvm_poll_control)                                                                        \
	X(cpu_l3_cache)                                                                            \
	X(memory_placement)                                                                        \
	X(numatune_strict)                                                                         \
	X(memtune_hard_limit)                                                                      \
	X(memtune_soft_limit)                                                                      \
	X(memtune_swap_limit)                                                                      \
	X(balloon)                                                                                 \
	X(hugepages)                                                                               \
	X(memory_locked)                                                                           \
	X(nosharepages)                                                                            \
	X(vnuma)                                                                                   \
	X(disk_cache)                                                                              \
	X(disk_io)                                                                                 \
	X(disk_bus)                                                                                \
	X(scsi_queues)                                                                             \
	X(iothreads)                                                                               \
	X(disk_iothread)                                                                           \
	X(disk_throttle)                                                                           \
	X(nic_model)                                                                               \
	X(nic_vhost)                                                                               \
	X(nic_queues)                                                                              \
	X(nic_throttle)                                                                            \
	X(hostdev_node)                                                                            \
	X(clock)
#define X(name) void judge_guest_##name(const struct audit_input *in, struct audit_verdict *v);
AUDIT_GUEST_JUDGES(X)
#undef X

#endif
