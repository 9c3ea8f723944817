/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would sense read on this host? */
#include <stdio.h>
#include <string.h>

#include "soak.h"

static const uint64_t kib_per_gib = 1024 * 1024;
static const double host_gib = 64;

/* CPUs of a node are every eighth in a row. */
static uint64_t cpus_of(unsigned int node)
{
	return UINT64_C(0xff) << 8 * node;
}

void soak_topology(const struct soak *s, struct topology *ret)
{
	*ret = (struct topology){ .nnodes = SOAK_NODES, .online = { { s->online } } };
	ret->usable = ret->online;
	for (unsigned int n = 0; n < SOAK_NODES; n++) {
		struct node_topology *node = &ret->node[n];

		node->present = true;
		node->cpus.word[0] = node->all_cpus.word[0] = cpus_of(n) & s->online;
		node->mem_total_kib = (uint64_t)(host_gib / SOAK_NODES) * kib_per_gib;
		node->ncores = cpumask_count(&node->cpus);
		for (unsigned int m = 0; m < SOAK_NODES; m++)
			node->distance[m] = m == n ? 10 : 21;
		ret->ncpu_nodes += node->ncores > 0;
	}
	for (unsigned int cpu = 0; cpu < SOAK_CPUS; cpu++)
		ret->core_of[cpu] = (uint16_t)cpu;
	ret->ncores = SOAK_CPUS;
}

/* ---- the host ---------------------------------------------------------------------------------
 */

static void sense_ksm(struct soak *s, struct ksm_sample *k)
{
	*k = (struct ksm_sample){
		.present = true,
		.run = soak_number(s, "ksm run"),
		.pages_to_scan = soak_number(s, "ksm pages_to_scan"),
		.sleep_ms = soak_number(s, "ksm sleep_millisecs"),
		.shared_pages = s->pages_shared,
		.sharing_pages = s->pages_shared * 20,
		.unshared_pages = 100000,
		.full_scans = (uint64_t)s->full_scans,
		.merge_across_nodes = soak_number(s, "ksm merge_across_nodes"),
		.use_zero_pages = soak_number(s, "ksm use_zero_pages"),
		.advisor = soak_number(s, "ksm advisor_mode") ? KSM_ADVISOR_SCAN_TIME
							      : KSM_ADVISOR_NONE,
		.has_smart_scan = true,
		.smart_scan = soak_number(s, "ksm smart_scan"),
		.probe = KSM_PROBE_STARVES,
		.has_scanned = true,
		.scanned_total = (uint64_t)s->scanned,
		.has_profit = true,
		.profit_bytes = (int64_t)s->pages_shared * 20 * 4096,
		.has_ksmd = true,
		.ksmd_cpu_ns_total = (uint64_t)(s->ksmd_s * 1e9),
	};
}

static void sense_host(struct soak *s, struct host_sample *h)
{
	double total_kib = host_gib * (double)kib_per_gib, used_kib = s->load_kib;

	for (size_t i = 0; i < SOAK_GUESTS; i++)
		used_kib += s->guest[i].runs ? (double)s->guest[i].usage_kib : 0;
	memset(h, 0, sizeof *h);
	h->mem_total_kib = (uint64_t)total_kib;
	h->mem_available_kib = (uint64_t)KT_MAX(total_kib - used_kib, 0.02 * total_kib);
	h->mem_free_kib = h->mem_available_kib / 2;
	h->swap_total_kib = s->has_swap ? 32 * kib_per_gib : 0;
	h->swap_free_kib = h->swap_total_kib / 2;
	h->pswpout_total = (uint64_t)s->swapped;
	h->has_numa_balancing = true;
	h->numa_balancing = soak_number(s, "balancing");
	h->psi_memory = (struct psi_sample){ true, (uint64_t)(s->stall_s * 1e6), 0 };
	for (unsigned int n = 0; n < SOAK_NODES; n++)
		h->node[n] = (struct node_sample){ .present = true,
						   .mem_total_kib = h->mem_total_kib / SOAK_NODES,
						   .mem_free_kib = h->mem_free_kib / SOAK_NODES };
	h->cpu_idle_hz_total = s->now_ns / 10000000 * SOAK_CPUS / 2;
	h->cpu_user_hz_total = h->cpu_idle_hz_total;
	for (unsigned int cpu = 0; cpu < SOAK_CPUS; cpu++)
		h->idle_hz_of_cpu[cpu] = s->now_ns / 20000000;
	sense_ksm(s, &h->ksm);
}

/* ---- guests -----------------------------------------------------------------------------------
 */

static size_t sense_threads(const struct soak *s, struct soak_guest *g, struct guest_thread *seen)
{
	size_t n = 0;

	for (size_t i = 0; i < SOAK_THREADS; i++) {
		struct soak_thread *t = &g->thread[i];

		if (!t->alive)
			continue;
		if (!t->seen)
			t->first_allowed = soak_shown(s, t->now);
		t->seen = true;
		t->hidden |= ~s->online;
		seen[n++] = (struct guest_thread){
			.tid = t->tid,
			.start_ticks = t->start_ticks,
			.role = t->role,
			.number = t->number,
			.run_ns_total = (uint64_t)(g->run_s / g->vcpus * 1e9),
			.delay_ns_total = (uint64_t)(g->delay_s / g->vcpus * 1e9),
			.first_allowed = { { t->first_allowed } },
		};
	}
	return n;
}

static void sense_memory(const struct soak *s, const struct soak_guest *g, struct guest_sample *m)
{
	static const char *const cgroup[SOAK_GUESTS] = {
		"guest/0", "guest/1", "guest/2", "guest/3",
		"guest/4", "guest/5", "guest/6", "guest/7"
	};

	m->has_node_memory = m->has_cgroup = true;
	m->cgroup = cgroup[g - s->guest];
	m->cgroup_v2 = s->cgroup_v2;
	m->has_reclaim = s->cgroup_v2 && s->has_reclaim;
	m->rss_kib = m->usage_kib = m->anon_kib = g->usage_kib;
	m->limit_kib = m->swap_max_kib = KT_UNLIMITED_KIB;
	m->node_memory_kib[0] = (uint64_t)(g->share_on_0 * (double)g->usage_kib);
	m->node_memory_kib[1] = g->usage_kib - m->node_memory_kib[0];
	m->psi_memory.present = s->cgroup_v2;
}

/* The process of a guest that has ended is not found, whatever libvirt has told. */
static void sense_guest(struct soak *s, struct soak_daemon *d, struct soak_guest *g)
{
	int slot = domains_find(d->domains, &g->uuid);
	struct guest_sample *sample = slot < 0 ? NULL : &d->sample.guest[slot];
	struct guest_thread *seen = d->seen[g - s->guest];

	if (!sample)
		return;
	*sample = (struct guest_sample){ 0 };
	if (!g->runs || soak_fails(s, s->weather.read / 4))
		return;
	sample->present = true;
	sample->pid = g->thread[0].tid;
	sample->start_ticks = g->thread[0].start_ticks;
	sample->nthreads = sense_threads(s, g, seen);
	sample->threads = seen;
	sample->cpu_hz_total = (uint64_t)(g->run_s * 100);
	sample->cpuset.word[0] = s->online;
	sense_memory(s, g, sample);
}

void soak_sense(struct soak *s, struct soak_daemon *d)
{
	d->sample.now_ns = s->now_ns;
	sense_host(s, &d->sample.host);
	for (size_t i = 0; i < SOAK_GUESTS; i++)
		sense_guest(s, d, &s->guest[i]);
}
