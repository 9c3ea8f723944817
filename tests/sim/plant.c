/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host as a whole: guests that come and go, and CPUs that they share. */
#include "plant.h"

#include <math.h>
#include <string.h>

#include "plant_ksmd.h"

double plant_random(struct plant *p, double low, double high)
{
	p->seed ^= p->seed << 13;
	p->seed ^= p->seed >> 7;
	p->seed ^= p->seed << 17;
	return low + (high - low) * ((double)(p->seed >> 11) / 9007199254740992.0);
}

static void make_topology(struct plant *p)
{
	struct topology *t = &p->topology;
	unsigned int cpu = 0;

	t->nnodes = t->ncpu_nodes = p->nnodes;
	for (unsigned int n = 0; n < p->nnodes; n++) {
		t->node[n].present = true;
		t->node[n].mem_total_kib = (uint64_t)p->node[n].total_kib;
		for (unsigned int i = 0; i < p->node[n].ncpus; i++)
			cpumask_set(&t->node[n].cpus, cpu++);
		for (unsigned int m = 0; m < p->nnodes; m++)
			t->node[n].distance[m] = m == n ? 10 : 20;
		t->usable = cpumask_or(&t->usable, &t->node[n].cpus);
	}
	t->online = t->usable;
	t->ncores = cpu;
}

/* Enough to see what is rare, few enough for days in a second. */
static const double default_chunks = 4096;

void plant_init(struct plant *p, uint64_t seed, unsigned int nnodes, unsigned int cpus_per_node,
		double gib_per_node)
{
	memset(p, 0, sizeof *p);
	p->seed = seed * UINT64_C(2654435761) + UINT64_C(88172645463325252);
	p->now_s = 1000;
	p->nnodes = nnodes;
	for (unsigned int n = 0; n < nnodes; n++)
		p->node[n] = (struct plant_node){ .ncpus = cpus_per_node,
						  .total_kib = gib_per_node * PLANT_GIB };
	p->os_kib = 1 * PLANT_GIB;
	p->cache_kib = 1 * PLANT_GIB;
	p->cgroup_v2 = p->has_reclaim = true;
	p->page_cost_us = 3;
	p->pass_cost_us = 300;
	p->chunk_kib =
		fmax(1, floor(plant_total_kib(p) / default_chunks / KT_PAGE_KIB)) * KT_PAGE_KIB;
	p->pages_to_scan = 100;
	p->sleep_ms = 20;
	p->has_smart_scan = p->smart_scan = true;
	make_topology(p);
}

void plant_free(struct plant *p)
{
	plant_ksmd_free(p);
}

static unsigned int unused_slot(const struct plant *p)
{
	for (unsigned int i = 0; i < p->nguests; i++)
		if (!p->guest[i].running)
			return i;
	return p->nguests;
}

static void start_threads(struct plant *p, unsigned int slot, unsigned int vcpus)
{
	struct guest_thread *t = p->thread[slot];

	for (unsigned int i = 0; i <= vcpus; i++)
		t[i] = (struct guest_thread){ .tid = (pid_t)(slot * 1000 + i + 1),
					      .role = i ? THREAD_VCPU : THREAD_EMULATOR,
					      .number = i ? i - 1 : 0,
					      .first_allowed = p->topology.online };
}

struct plant_guest *plant_start(struct plant *p, unsigned int vcpus, double gib)
{
	unsigned int slot = unused_slot(p);
	struct plant_guest *g = &p->guest[slot];
	int id = g->domain.id;

	*g = (struct plant_guest){
		.running = true,
		.vcpus = vcpus,
		.memory_kib = gib * PLANT_GIB,
		.target_kib = gib * PLANT_GIB,
		.kib_per_s = 100 * 1024,
		.hot_kib = gib * PLANT_GIB / 4,
	};
	g->started_s = p->now_s;
	g->birth_node = (unsigned int)plant_random(p, 0, p->nnodes);
	g->domain.id = id + 1;
	g->domain.uuid.byte[0] = (uint8_t)slot;
	g->domain.uuid.byte[1] = 1;
	start_threads(p, slot, vcpus);
	if (slot == p->nguests)
		p->nguests++;
	return g;
}

void plant_stop(struct plant *p, unsigned int guest)
{
	int id = p->guest[guest].domain.id;

	plant_ksmd_forget(p, guest);
	memset(&p->guest[guest], 0, sizeof p->guest[guest]);
	p->guest[guest].domain.id = id;
}

void plant_start_services(struct plant *p, double gib, double hot_share)
{
	p->services = (struct plant_guest){
		.running = true,
		.vcpus = 4,
		.memory_kib = gib * PLANT_GIB,
		.target_kib = gib * PLANT_GIB,
		.hot_kib = hot_share * gib * PLANT_GIB,
	};
	for (unsigned int n = 0; n < p->nnodes; n++)
		p->services.on_node_kib[n] = p->services.target_kib / p->nnodes;
}

double plant_resident_kib(const struct plant_guest *g)
{
	double sum = 0;

	for (unsigned int n = 0; n < PLANT_NODES; n++)
		sum += g->on_node_kib[n];
	return sum;
}

unsigned int plant_fullest_node(const struct plant *p, const struct plant_guest *g)
{
	unsigned int best = 0;

	for (unsigned int n = 1; n < p->nnodes; n++)
		if (g->on_node_kib[n] > g->on_node_kib[best])
			best = n;
	return best;
}

/* How much of a guest runs on this node: where it was pinned to, else anywhere. */
static double share_on_node(const struct plant *p, const struct plant_guest *g, unsigned int node)
{
	struct cpumask here;
	unsigned int all;

	if (g->pinned)
		return nodemask_test(g->nodes, node) ? 1.0 / nodemask_count(g->nodes) : 0;
	if (!g->has_admin_mask)
		return (double)p->node[node].ncpus / cpumask_count(&p->topology.online);
	here = cpumask_and(&g->admin_mask, &p->topology.node[node].cpus);
	all = cpumask_count(&g->admin_mask);
	return (double)cpumask_count(&here) / all;
}

/* A node that is asked for more than it has gives everybody the same share. */
void plant_run_cpus(struct plant *p, double seconds)
{
	for (unsigned int n = 0; n < p->nnodes; n++) {
		p->node[n].load_cpus = 0;
		for (unsigned int i = 0; i < p->nguests; i++)
			if (p->guest[i].running && !p->guest[i].paused)
				p->node[n].load_cpus +=
					p->guest[i].demand_cpus * share_on_node(p, &p->guest[i], n);
	}
	for (unsigned int i = 0; i < p->nguests; i++) {
		struct plant_guest *g = &p->guest[i];
		double resident_kib = plant_resident_kib(g);

		if (!g->running || g->paused)
			continue;
		for (unsigned int n = 0; n < p->nnodes; n++) {
			double wants_s = g->demand_cpus * share_on_node(p, g, n) * seconds;
			double load = p->node[n].load_cpus / p->node[n].ncpus;
			double gets_s = load > 1 ? wants_s / load : wants_s;

			g->run_s += gets_s;
			p->node[n].busy_s += gets_s;
			g->delay_s += wants_s - gets_s;
			if (resident_kib > 0)
				g->remote_s += gets_s * (1 - g->on_node_kib[n] / resident_kib);
		}
	}
}

/* What ksmd uses beyond what is idle it takes from those who run. */
static void take_from_guests(struct plant *p, double taken_s)
{
	double demand = 0;

	for (unsigned int n = 0; n < p->nnodes; n++)
		demand += p->node[n].load_cpus;
	for (unsigned int i = 0; i < p->nguests && demand > 0; i++) {
		struct plant_guest *g = &p->guest[i];
		double s = g->running && !g->paused ? taken_s * g->demand_cpus / demand : 0;

		g->run_s -= s;
		g->delay_s += s;
	}
}

static void account_cpus(struct plant *p, double seconds, double ksmd_s)
{
	double ncpus = 0, idle_s = 0;

	for (unsigned int n = 0; n < p->nnodes; n++) {
		ncpus += p->node[n].ncpus;
		idle_s += fmax(0, p->node[n].ncpus - p->node[n].load_cpus) * seconds;
	}
	take_from_guests(p, fmax(0, ksmd_s - idle_s));
	idle_s = fmax(0, idle_s - ksmd_s);
	p->idle_s += idle_s;
	p->busy_s += ncpus * seconds - idle_s;
}

void plant_advance(struct plant *p, double seconds)
{
	double ksmd_s = p->ksmd_s;

	p->now_s += seconds;
	plant_run_cpus(p, seconds);
	plant_run_memory(p, seconds);
	plant_run_ksmd(p, seconds);
	account_cpus(p, seconds, p->ksmd_s - ksmd_s);
}
