/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host as the policies see it, made by hand: two nodes of 8 CPUs and 32 GiB, running
 * guests of 4 vCPUs and 8 GiB that were watched for long enough.  Each test changes what
 * it is about. */
#ifndef KT_POLICY_FIXTURE_H
#define KT_POLICY_FIXTURE_H

#include <string.h>

#include "kt_check.h"
#include "policy.h"
#include "random_fixture.h"
#include "standard_conf.h"

#define GIB_KIB    (UINT64_C(1024) * 1024)
#define MIB_KIB    UINT64_C(1024)
#define SECONDS(s) ((uint64_t)(s)*KT_NS_PER_S)

enum { FIXTURE_GUESTS = 24, FIXTURE_THREADS = 10 };

static struct fixture {
	struct policy_conf conf;
	struct topology topology;
	struct capabilities capabilities;
	struct host_sample host;
	struct domain domain[FIXTURE_GUESTS];
	struct guest_sample sample[FIXTURE_GUESTS];
	struct guest_thread thread[FIXTURE_GUESTS][FIXTURE_THREADS];
	struct host_view view;
	struct in_force in_force;
	struct plan plan;
	struct arbiter state;
} fx;

static inline struct cpumask cpus_of(unsigned int first, unsigned int last)
{
	struct cpumask m = { { 0 } };

	for (unsigned int cpu = first; cpu <= last; cpu++)
		cpumask_set(&m, cpu);
	return m;
}

static inline void fixture_node(unsigned int node, unsigned int first_cpu, unsigned int ncpus,
				uint64_t total_kib, uint64_t free_kib)
{
	struct node_topology *n = &fx.topology.node[node];

	n->present = true;
	n->cpus = ncpus ? cpus_of(first_cpu, first_cpu + ncpus - 1) : (struct cpumask){ { 0 } };
	n->mem_total_kib = total_kib;
	fx.topology.usable = cpumask_or(&fx.topology.usable, &n->cpus);
	fx.topology.online = fx.topology.usable;
	fx.topology.nnodes++;
	fx.topology.ncpu_nodes += ncpus > 0;
	fx.host.node[node] = (struct node_sample){ .present = true,
						   .mem_total_kib = total_kib,
						   .mem_free_kib = free_kib };
}

static inline void fixture_reset(void)
{
	memset(&fx, 0, sizeof fx);
	fx.conf = standard_policy_conf();
	fx.host.mem_total_kib = 64 * GIB_KIB;
	fx.host.mem_available_kib = 32 * GIB_KIB;
	fx.host.swap_total_kib = fx.host.swap_free_kib = 8 * GIB_KIB;
	fx.host.ksm.present = true;
	fixture_node(0, 0, 8, 32 * GIB_KIB, 20 * GIB_KIB);
	fixture_node(1, 8, 8, 32 * GIB_KIB, 20 * GIB_KIB);
	fx.view.now_ns = SECONDS(10000);
	fx.view.dt_s = 10;
	fx.view.nsamples = 100;
	fx.view.guests_known = true;
	fx.view.topology = &fx.topology;
	fx.view.capabilities = &fx.capabilities;
	fx.view.host = &fx.host;
}

/* Its main thread, its vCPUs and an I/O thread. */
static inline void fixture_threads(size_t slot, unsigned int vcpus)
{
	struct guest_thread *t = fx.thread[slot];
	struct guest_sample *s = &fx.sample[slot];

	s->threads = t;
	s->nthreads = vcpus + 2;
	for (unsigned int i = 0; i < s->nthreads; i++)
		t[i] = (struct guest_thread){ .tid = s->pid + (pid_t)i,
					      .role = i == 0           ? THREAD_EMULATOR
						      : i == vcpus + 1 ? THREAD_IOTHREAD
								       : THREAD_VCPU,
					      .number = i == 0 || i == vcpus + 1 ? 0 : i - 1,
					      .first_allowed = fx.topology.usable };
}

/* A guest in the next slot; 2 GiB of its memory are there, evenly on nodes 0 and 1. */
static inline struct guest_view *fixture_guest(double demand_cpus)
{
	size_t slot = fx.view.nslots++;
	struct domain *d = &fx.domain[slot];
	struct guest_sample *s = &fx.sample[slot];
	struct guest_view *g = &fx.view.guest[slot];

	*d = (struct domain){ .id = (int)slot + 1,
			      .running = true,
			      .vcpus = 4,
			      .memory_kib = 8 * GIB_KIB,
			      .soft_limit_kib = KT_UNLIMITED_KIB,
			      .hard_limit_kib = KT_UNLIMITED_KIB };
	d->uuid.byte[0] = (uint8_t)(slot + 1);
	memcpy(d->name, "guest", sizeof "guest");
	*s = (struct guest_sample){ .present = true,
				    .pid = 1000 * ((pid_t)slot + 1),
				    .start_ticks = 7,
				    .rss_kib = 2 * GIB_KIB,
				    .cpuset = fx.topology.online,
				    .has_node_memory = true,
				    .node_memory_kib = { GIB_KIB, GIB_KIB },
				    .has_cgroup = true,
				    .limit_kib = KT_UNLIMITED_KIB,
				    .swap_max_kib = KT_UNLIMITED_KIB,
				    .usage_kib = 4 * GIB_KIB,
				    .anon_kib = 4 * GIB_KIB };
	fixture_threads(slot, d->vcpus);
	*g = (struct guest_view){ .present = true,
				  .incarnation = (uint32_t)slot + 1,
				  .domain = d,
				  .sample = s,
				  .nsamples = 10,
				  .demand_cpus = { .value = demand_cpus, .age_s = 100 },
				  .demand = { demand_cpus, demand_cpus, 0, 100 } };
	fx.in_force.guest[slot].incarnation = g->incarnation;
	fx.view.npresent++;
	return g;
}

static inline void fixture_pinned(size_t slot, int home)
{
	fx.in_force.guest[slot].pinned = true;
	fx.in_force.guest[slot].nodes = nodemask_of((unsigned int)home);
	fx.in_force.guest[slot].ncells = 1;
	fx.in_force.guest[slot].cell_nodes[0] = fx.in_force.guest[slot].nodes;
	fx.in_force.guest[slot].cpus = fx.topology.node[home].cpus;
	fx.in_force.guest[slot].pin_changed_ns = SECONDS(1000);
}

static inline void fixture_memory_on(size_t slot, uint64_t node0_kib, uint64_t node1_kib)
{
	fx.sample[slot].node_memory_kib[0] = node0_kib;
	fx.sample[slot].node_memory_kib[1] = node1_kib;
}

/* Short of memory, with an idle guest whose memory is on node 0 and who is at home there. */
static inline void fixture_idle_guest_at_home(void)
{
	fixture_reset();
	fx.view.available_kib = 6 * GIB_KIB;
	fixture_guest(0.1);
	fixture_memory_on(0, 2 * GIB_KIB, 0);
	fixture_pinned(0, 0);
}

/* What is decided for the first guest. */
static inline const struct guest_plan *fixture_step(void)
{
	arbiter_step(&fx.state, &fx.conf, &fx.view, &fx.in_force, &fx.plan);
	return &fx.plan.guest[0];
}

/* ---- what tables of rules are given ----------------------------------------------- */

static inline void by_nothing(void)
{
}

static inline void by_no_sample(void)
{
	fx.view.guest[0].present = false;
	memset(&fx.sample[0], 0, sizeof fx.sample[0]);
}

static inline void by_busy(void)
{
	fx.domain[0].busy = true;
}

static inline void by_operator_pause(void)
{
	fx.domain[0].hold = GUEST_HOLD_PAUSED;
}

static inline void by_operator_release(void)
{
	fx.domain[0].hold = GUEST_HOLD_RELEASED;
}

static inline void by_paused_loops(void)
{
	fx.conf.ksm.mode = fx.conf.placement.mode = fx.conf.memory.mode = LOOP_PAUSED;
}

static inline void by_paused_loops_and_release(void)
{
	by_paused_loops();
	by_operator_release();
}

static inline void by_realtime(void)
{
	fx.domain[0].realtime = true;
}

#endif
