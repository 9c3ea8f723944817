/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which fields are recorded?  A new field that a policy reads is a new row here, or replays
 * will not decide as the daemon did (sim_replay tells).  Within a table, what changes most
 * comes first: that makes lines short.
 *
 * A file may say anything; `max` is what the policies count on without asking. */
#include "record_fields.h"

#define SIZE_OF(type, member) sizeof(((type *)0)->member)

/* A single field */
#define ONE(type, member, limit)                                                                   \
	{                                                                                          \
#member, offsetof(type, member), SIZE_OF(type, member), 1, 0, (limit)              \
	}
#define NUMBER(type, member) ONE(type, member, UINT64_MAX >> (64 - 8 * SIZE_OF(type, member)))
#define FLAG(type, member)   ONE(type, member, 1)
/* The n elements of an array, a set of CPUs, a field of each of n structs. */
#define ARRAY(type, member, n, limit)                                                              \
	{                                                                                          \
#member, offsetof(type, member), SIZE_OF(type, member[0]), (n),                    \
			SIZE_OF(type, member[0]), (limit)                                          \
	}
#define CPUS(type, member)                                                                         \
	{                                                                                          \
#member, offsetof(type, member.word), sizeof(uint64_t), KT_CPUS_MAX / 64,          \
			sizeof(uint64_t), UINT64_MAX                                               \
	}
#define EACH(type, array, n, member, limit)                                                        \
	{                                                                                          \
#array "." #member, offsetof(type, array[0].member),                               \
			SIZE_OF(type, array[0].member), (n), SIZE_OF(type, array[0]), (limit)      \
	}

#define WISH_LAST   WISH_SET
#define SWITCH_LAST KSM_SWITCH_ON
#define WHY_LAST    (_WHY_MAX - 1)

static const struct record_field tick_fields[] = {
#define T struct recorded_head
	NUMBER(T, now_ns),
	NUMBER(T, unix_us),
	FLAG(T, kicked),
	FLAG(T, guests_known),
	FLAG(T, first),
	NUMBER(T, reloads),
	ARRAY(T, paused, _LOOP_MAX, 1),
	ONE(T, nslots, KT_GUESTS_MAX),
	FLAG(T, tuned_has_ksm),
#undef T
};

static const struct record_field capabilities_fields[] = {
#define T struct capabilities
	FLAG(T, psi_memory),    FLAG(T, psi_cgroup),     FLAG(T, ksm),
	FLAG(T, ksm_advisor),   FLAG(T, ksm_smart_scan), FLAG(T, ksm_per_process),
	FLAG(T, memory_cgroup), FLAG(T, cgroup_v2),      FLAG(T, cgroup_numa_stat),
	FLAG(T, node_numastat), FLAG(T, schedstat),
#undef T
};

static const struct record_field topology_fields[] = {
#define T struct topology
	ONE(T, nnodes, KT_NODES_MAX),
	ONE(T, ncpu_nodes, KT_NODES_MAX),
	CPUS(T, online),
	CPUS(T, usable),
	ONE(T, ncores, KT_CPUS_MAX),
	ARRAY(T, core_of, KT_CPUS_MAX, KT_CPUS_MAX - 1),
	ONE(T, ncaches, KT_CACHES_MAX),
#undef T
};

static const struct record_field node_fields[] = {
#define T struct node_topology
	FLAG(T, present),
	CPUS(T, cpus),
	NUMBER(T, mem_total_kib),
	ARRAY(T, distance, KT_NODES_MAX, UINT32_MAX),
	ONE(T, ncores, KT_CPUS_MAX),
#undef T
};

static const struct record_field cache_fields[] = {
#define T struct cache_topology
	ONE(T, node, KT_NODES_MAX - 1),
	ONE(T, ncores, KT_CPUS_MAX),
	CPUS(T, cpus),
#undef T
};

static const struct record_field host_fields[] = {
#define T struct recorded_host
	NUMBER(T, sample.mem_available_kib),
	NUMBER(T, sample.mem_free_kib),
	NUMBER(T, sample.cpu_user_hz_total),
	NUMBER(T, sample.cpu_idle_hz_total),
	NUMBER(T, sample.ksm.ksmd_cpu_ns_total),
	NUMBER(T, sample.ksm.scanned_total),
	NUMBER(T, sample.ksm.skipped_total),
	NUMBER(T, sample.ksm.shared_pages),
	NUMBER(T, sample.ksm.sharing_pages),
	NUMBER(T, sample.ksm.unshared_pages),
	NUMBER(T, sample.ksm.volatile_pages),
	NUMBER(T, sample.ksm.profit_bytes),
	NUMBER(T, sample.ksm.full_scans),
	NUMBER(T, sample.psi_memory.some_us_total),
	NUMBER(T, sample.psi_memory.full_us_total),
	NUMBER(T, sample.buffers_kib),
	NUMBER(T, sample.cached_kib),
	NUMBER(T, sample.shmem_kib),
	NUMBER(T, sample.swap_free_kib),
	NUMBER(T, sample.pswpin_total),
	NUMBER(T, sample.pswpout_total),
	NUMBER(T, sample.pgmajfault_total),
	NUMBER(T, sample.pgmigrate_success_total),
	NUMBER(T, sample.pgmigrate_fail_total),
	NUMBER(T, sample.cow_ksm_total),
	NUMBER(T, sample.cpu_steal_hz_total),
	ARRAY(T, idle_hz_of_node, KT_NODES_MAX, UINT64_MAX),
	EACH(T, sample.node, KT_NODES_MAX, mem_free_kib, UINT64_MAX),
	EACH(T, sample.node, KT_NODES_MAX, file_kib, UINT64_MAX),
	EACH(T, sample.node, KT_NODES_MAX, mem_total_kib, UINT64_MAX),
	EACH(T, sample.node, KT_NODES_MAX, present, 1),
	NUMBER(T, sample.arc_kib),
	NUMBER(T, sample.arc_min_kib),
	NUMBER(T, sample.mem_total_kib),
	NUMBER(T, sample.swap_total_kib),
	NUMBER(T, sample.oom_kill_total),
	FLAG(T, sample.numad_runs),
	FLAG(T, sample.has_numa_balancing),
	NUMBER(T, sample.numa_balancing),
	FLAG(T, sample.psi_memory.present),
	FLAG(T, sample.ksm.present),
	NUMBER(T, sample.ksm.run),
	NUMBER(T, sample.ksm.pages_to_scan),
	NUMBER(T, sample.ksm.sleep_ms),
	NUMBER(T, sample.ksm.merge_across_nodes),
	NUMBER(T, sample.ksm.use_zero_pages),
	ONE(T, sample.ksm.advisor, KSM_ADVISOR_SCAN_TIME),
	FLAG(T, sample.ksm.has_smart_scan),
	NUMBER(T, sample.ksm.smart_scan),
	ONE(T, sample.ksm.probe, KSM_PROBE_COMPLETE),
	FLAG(T, sample.ksm.has_zero_pages),
	NUMBER(T, sample.ksm.zero_pages),
	FLAG(T, sample.ksm.has_scanned),
	FLAG(T, sample.ksm.has_profit),
	FLAG(T, sample.ksm.has_ksmd),
#undef T
};

static const struct record_field in_force_fields[] = {
#define T struct in_force
	FLAG(T, ksm.ours),
	FLAG(T, ksm.sweeping),
	FLAG(T, ksm.unmerging),
	FLAG(T, ksm.advisor_stopped),
	FLAG(T, ksm.ceded),
	FLAG(T, ksm.off),
	FLAG(T, balancing.ours),
	FLAG(T, balancing.ceded),
	FLAG(T, balancing.off),
	FLAG(T, move.active),
	ONE(T, move.slot, KT_GUESTS_MAX - 1),
	FLAG(T, move.done),
	FLAG(T, move.full),
	FLAG(T, move.off),
	NUMBER(T, move.kib_per_s),
#undef T
};

static const struct record_field plan_fields[] = {
#define T struct decided_host
	NUMBER(T, price_ppm),
	NUMBER(T, deficit_kib),
	NUMBER(T, look_again_ns),
	NUMBER(T, pages_to_scan),
	NUMBER(T, sleep_ms),
	ONE(T, ksm_wish, WISH_LAST),
	ONE(T, ksm_why, WHY_LAST),
	FLAG(T, ksm_dry_run),
	FLAG(T, ksm_run),
	FLAG(T, ksm_sweep),
	FLAG(T, stops_advisor),
	FLAG(T, may_unmerge),
	ONE(T, use_zero_pages, SWITCH_LAST),
	ONE(T, merge_across_nodes, SWITCH_LAST),
	FLAG(T, move),
	FLAG(T, placement_observes),
	ONE(T, move_why, WHY_LAST),
	ONE(T, move_slot, KT_GUESTS_MAX - 1),
	NUMBER(T, move_from),
	NUMBER(T, move_kib_per_s),
	ONE(T, numa_balancing, SWITCH_LAST),
	FLAG(T, squeezing),
#undef T
};

/* More threads than any guest has. */
enum { VCPUS_LIMIT = 65536 };

#define WISHES(member)                                                                             \
	ONE(T, member.ksm, GUEST_SWITCH_FULL), ONE(T, member.placement, GUEST_SWITCH_FULL),        \
		ONE(T, member.memory, GUEST_SWITCH_FULL), ONE(T, member.weight, 1000),             \
		ONE(T, member.min_guarantee_mib, KT_GUARANTEE_MIB_MAX)

static const struct record_field domain_fields[] = {
#define T struct domain_slot
	FLAG(T, used),
	NUMBER(T, incarnation),
	NUMBER(T, domain.balloon_usable_kib),
	FLAG(T, domain.has_balloon),
	FLAG(T, domain.running),
	FLAG(T, domain.busy),
	ONE(T, domain.vcpus, VCPUS_LIMIT),
	NUMBER(T, domain.memory_kib),
	NUMBER(T, domain.soft_limit_kib),
	NUMBER(T, domain.hard_limit_kib),
	FLAG(T, domain.admin_pins),
	FLAG(T, domain.admin_memtune),
	FLAG(T, domain.placement_auto),
	FLAG(T, domain.realtime),
	FLAG(T, domain.cpu_quota),
	FLAG(T, domain.emulated),
	FLAG(T, domain.hugepages),
	FLAG(T, domain.locked),
	FLAG(T, domain.shared_memory),
	FLAG(T, domain.nosharepages),
	FLAG(T, domain.vfio),
	FLAG(T, domain.confidential),
	FLAG(T, domain.has_cpuset),
	CPUS(T, domain.cpuset),
	FLAG(T, domain.has_memory_nodes),
	NUMBER(T, domain.memory_nodes),
	ONE(T, domain.ncells, KT_CELLS_MAX),
	EACH(T, domain.cell, KT_CELLS_MAX, memory_kib, UINT64_MAX),
#define CELL(n) CPUS(T, domain.cell[n].vcpus)
	CELL(0),
	CELL(1),
	CELL(2),
	CELL(3),
	CELL(4),
	CELL(5),
	CELL(6),
	CELL(7),
	WISHES(domain.metadata),
	WISHES(domain.wish),
	ONE(T, domain.hold, GUEST_HOLD_RELEASED),
#undef T
};
_Static_assert(KT_CELLS_MAX == 8, "one row for each cell");

static const struct record_field guest_fields[] = {
#define T struct recorded_guest
	NUMBER(T, threads.run_ns_total),
	NUMBER(T, threads.delay_ns_total),
	NUMBER(T, sample.cpu_hz_total),
	NUMBER(T, sample.rss_kib),
	NUMBER(T, sample.usage_kib),
	NUMBER(T, sample.anon_kib),
	ARRAY(T, sample.node_memory_kib, KT_NODES_MAX, UINT64_MAX),
	NUMBER(T, sample.psi_memory.some_us_total),
	NUMBER(T, sample.pgmajfault_total),
	NUMBER(T, sample.refault_total),
	NUMBER(T, sample.ksm_rmap_pages),
	NUMBER(T, sample.ksm_merging_pages),
	NUMBER(T, sample.ksm_profit_bytes),
	NUMBER(T, sample.ksm_zero_pages),
	NUMBER(T, sample.swap_kib),
	NUMBER(T, sample.anon_huge_kib),
	NUMBER(T, sample.shmem_kib),
	FLAG(T, sample.present),
	NUMBER(T, sample.start_ticks),
	ONE(T, threads.niothreads, KT_THREADS_MAX),
	CPUS(T, threads.first_allowed),
	NUMBER(T, sample.device_nodes),
	CPUS(T, sample.cpuset),
	FLAG(T, sample.has_node_memory),
	FLAG(T, sample.has_cgroup),
	FLAG(T, sample.cgroup_v2),
	FLAG(T, sample.has_reclaim),
	NUMBER(T, sample.limit_kib),
	NUMBER(T, sample.swap_max_kib),
	FLAG(T, sample.psi_memory.present),
	FLAG(T, sample.has_ksm),
	FLAG(T, sample.lacks_vcpu_times),
#undef T
};

static const struct record_field guest_in_force_fields[] = {
#define T struct guest_in_force
	NUMBER(T, asked_kib),
	NUMBER(T, got_kib),
	FLAG(T, reclaiming),
	FLAG(T, reclaim_late),
	NUMBER(T, incarnation),
	FLAG(T, pinned),
	NUMBER(T, nodes),
	ONE(T, ncells, KT_CELLS_MAX),
	ARRAY(T, cell_nodes, KT_CELLS_MAX, UINT64_MAX),
	CPUS(T, cpus),
	NUMBER(T, pin_changed_ns),
	FLAG(T, pin_ceded),
	FLAG(T, pin_off),
	FLAG(T, move_failed),
	FLAG(T, limited),
	NUMBER(T, soft_limit_kib),
	FLAG(T, limit_pending),
	NUMBER(T, pending_limit_kib),
	FLAG(T, limit_ceded),
	FLAG(T, limit_off),
	FLAG(T, reclaim_off),
#undef T
};

static const struct record_field guest_plan_fields[] = {
#define T struct decided_guest
	NUMBER(T, target_kib),
	ONE(T, memory_wish, WISH_LAST),
	ONE(T, memory_why, WHY_LAST),
	ONE(T, ksm_why, WHY_LAST),
	FLAG(T, settling),
	ONE(T, placement_wish, WISH_LAST),
	ONE(T, placement_why, WHY_LAST),
	FLAG(T, placement_dry_run),
	NUMBER(T, nodes),
	NUMBER(T, cpus_hash),
	FLAG(T, memory_dry_run),
	FLAG(T, runaway),
	ONE(T, means, MEMORY_SOFT_LIMIT),
#undef T
};

#define FIELDS(array) KT_ARRAY_LEN(array), array

const struct record_table record_tables[_TABLE_MAX] = {
	[TABLE_TICK] = { "tick", FIELDS(tick_fields), 0, 0 },
	[TABLE_CAPABILITIES] = { "capabilities", FIELDS(capabilities_fields), 0, 0 },
	[TABLE_TOPOLOGY] = { "topology", FIELDS(topology_fields), 0, 0 },
	[TABLE_NODES] = { "nodes", FIELDS(node_fields), sizeof(struct node_topology),
			  KT_NODES_MAX },
	[TABLE_CACHES] = { "caches", FIELDS(cache_fields), sizeof(struct cache_topology),
			   KT_CACHES_MAX },
	[TABLE_HOST] = { "host", FIELDS(host_fields), 0, 0 },
	[TABLE_IN_FORCE] = { "in_force", FIELDS(in_force_fields), 0, 0 },
	[TABLE_PLAN] = { "plan", FIELDS(plan_fields), 0, 0 },
	[TABLE_DOMAINS] = { "domains", FIELDS(domain_fields), sizeof(struct domain_slot),
			    KT_GUESTS_MAX },
	[TABLE_GUESTS] = { "guests", FIELDS(guest_fields), sizeof(struct recorded_guest),
			   KT_GUESTS_MAX },
	[TABLE_GUESTS_IN_FORCE] = { "guests_in_force", FIELDS(guest_in_force_fields),
				    sizeof(struct guest_in_force), KT_GUESTS_MAX },
	[TABLE_GUEST_PLANS] = { "guest_plans", FIELDS(guest_plan_fields),
				sizeof(struct decided_guest), KT_GUESTS_MAX },
};
