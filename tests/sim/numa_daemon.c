/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does the daemon see of a simulated host? */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numa_kvmtuned.h"

static const double kib_per_gib = 1024.0 * 1024;
static const double boot_s = 1000; /* the clock of a host does not begin with 0 */

static uint64_t kib(double gib)
{
	return (uint64_t)(fmax(0, gib) * kib_per_gib);
}

static uint64_t ns(double seconds)
{
	return (uint64_t)(seconds * 1e9);
}

/* ---- the host that it finds ------------------------------------------------------------- */

static void make_node(struct topology *t, const struct numa_shape *s, unsigned int n,
		      unsigned int *cpu)
{
	struct node_topology *node = &t->node[n];

	node->present = true;
	node->mem_total_kib = kib(s->gib[n] - NUMA_HOST_GIB);
	node->ncores = s->cores[n];
	for (unsigned int m = 0; m < s->nnodes; m++)
		node->distance[m] = s->distance[n][m];
	for (unsigned int i = 0; i < s->cores[n]; i++, t->ncores++)
		for (unsigned int k = 0; k < s->threads_per_core; k++, (*cpu)++) {
			t->core_of[*cpu] = (uint16_t)t->ncores;
			cpumask_set(&node->cpus, *cpu);
		}
	t->usable = cpumask_or(&t->usable, &node->cpus);
}

static void make_topology(struct topology *t, const struct numa_shape *s)
{
	unsigned int cpu = 0;

	t->nnodes = s->nnodes;
	for (unsigned int n = 0; n < s->nnodes; n++) {
		make_node(t, s, n, &cpu);
		t->ncpu_nodes += s->cores[n] > 0;
	}
	t->online = t->usable;
}

struct numa_daemon *numa_daemon_new(const struct numa_world *w, const struct placement_conf *conf)
{
	struct numa_daemon *d = calloc(1, sizeof *d);

	if (!d)
		abort();
	d->domains = domains_new();
	d->view = host_view_new();
	if (!d->domains || !d->view)
		abort();
	d->view->guests_known = true;
	d->conf = *conf;
	make_topology(&d->topology, &w->shape);
	memset(d->slot, -1, sizeof d->slot);
	return d;
}

void numa_daemon_free(struct numa_daemon *d)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(d->thread); i++)
		free(d->thread[i]);
	domains_free(d->domains);
	host_view_free(d->view);
	free(d);
}

/* ---- guests -------------------------------------------------------------------------------- */

static struct uuid uuid_of(unsigned int birth)
{
	struct uuid u = { { 1 } };

	memcpy(&u.byte[8], &birth, sizeof birth);
	return u;
}

static struct domain describe(const struct numa_guest *g)
{
	struct domain d = { .uuid = uuid_of(g->birth),
			    .name = "guest",
			    .id = (int)g->birth,
			    .running = true,
			    .vcpus = g->vcpus,
			    .memory_kib = kib(g->gib),
			    .soft_limit_kib = KT_UNLIMITED_KIB,
			    .hard_limit_kib = KT_UNLIMITED_KIB,
			    .ncells = g->ncells > 1 ? g->ncells : 0,
			    .ndevices = g->device_node >= 0 };

	for (unsigned int v = 0; v < g->vcpus && g->ncells > 1; v++) {
		struct guest_cell *c = &d.cell[v * g->ncells / g->vcpus];

		cpumask_set(&c->vcpus, v);
		c->memory_kib = d.memory_kib / g->ncells;
	}
	return d;
}

static void start_threads(struct numa_daemon *d, unsigned int guest, unsigned int vcpus)
{
	struct guest_thread *t = calloc(vcpus + 1, sizeof *t);

	if (!t)
		abort();
	for (unsigned int i = 0; i <= vcpus; i++)
		t[i] = (struct guest_thread){ .tid = (pid_t)(guest * 1000 + i + 1),
					      .role = i ? THREAD_VCPU : THREAD_EMULATOR,
					      .number = i ? i - 1 : 0,
					      .first_allowed = d->topology.online };
	free(d->thread[guest]);
	d->thread[guest] = t;
}

void numa_daemon_meet(struct numa_daemon *d, const struct numa_world *w, unsigned int guest)
{
	const struct numa_guest *g = &w->guest[guest];
	struct domain domain = describe(g);

	if (d->slot[guest] >= 0) {
		struct uuid gone = uuid_of(d->birth[guest]);

		domains_remove(d->domains, &gone);
	}
	start_threads(d, guest, g->vcpus);
	d->birth[guest] = g->birth;
	d->met_s[guest] = w->now_s;
	d->slot[guest] = domains_put(d->domains, &domain);
	if (d->slot[guest] < 0)
		abort(); /* fewer guests than slots */
	d->guest[d->slot[guest]] = guest;
}

static void sense_guest(struct numa_daemon *d, const struct numa_world *w, unsigned int guest)
{
	const struct numa_guest *g = &w->guest[guest];
	struct guest_sample *s = &d->sample.guest[d->slot[guest]];

	for (unsigned int v = 1; v <= g->vcpus; v++) {
		d->thread[guest][v].run_ns_total = ns(g->run_s / g->vcpus);
		d->thread[guest][v].delay_ns_total = ns(g->delay_s / g->vcpus);
	}
	*s = (struct guest_sample){ .present = true,
				    .pid = (pid_t)(guest * 1000 + 1),
				    .start_ticks = (uint64_t)((boot_s + d->met_s[guest]) * 100),
				    .rss_kib = kib(g->gib),
				    .nthreads = g->vcpus + 1,
				    .threads = d->thread[guest],
				    .cpu_hz_total = (uint64_t)(g->run_s * 100),
				    .cpuset = d->topology.online,
				    .has_node_memory = true,
				    .has_cgroup = true,
				    .cgroup_v2 = true,
				    .usage_kib = kib(g->gib),
				    .anon_kib = kib(g->gib),
				    .limit_kib = KT_UNLIMITED_KIB };
	if (g->device_node >= 0)
		s->device_nodes = nodemask_of((unsigned int)g->device_node);
	for (unsigned int n = 0; n < w->shape.nnodes; n++)
		s->node_memory_kib[n] = kib(numa_guest_gib_on(g, n));
}

/* ---- the host ------------------------------------------------------------------------------ */

static void sense_cpus(struct numa_daemon *d, const struct numa_world *w)
{
	struct host_sample *h = &d->sample.host;
	unsigned int cpu = 0;

	h->cpu_idle_hz_total = 0;
	h->cpu_user_hz_total = 0;
	for (unsigned int n = 0; n < w->shape.nnodes; n++) {
		unsigned int ncpus = w->shape.cores[n] * w->shape.threads_per_core;
		uint64_t all_hz = (uint64_t)(w->now_s * 100), idle_hz;

		if (ncpus == 0)
			continue;
		idle_hz = (uint64_t)(w->idle_s[n] / ncpus * 100);
		for (unsigned int i = 0; i < ncpus; i++)
			h->idle_hz_of_cpu[cpu++] = idle_hz;
		h->cpu_idle_hz_total += ncpus * idle_hz;
		h->cpu_user_hz_total += ncpus * (all_hz - idle_hz);
	}
}

static void sense_memory(struct numa_daemon *d, const struct numa_world *w)
{
	struct host_sample *h = &d->sample.host;

	h->mem_total_kib = h->mem_free_kib = 0;
	for (unsigned int n = 0; n < w->shape.nnodes; n++) {
		h->node[n].present = true;
		h->node[n].mem_total_kib = d->topology.node[n].mem_total_kib;
		h->node[n].mem_free_kib = kib(numa_free_gib(w, n));
		h->mem_total_kib += h->node[n].mem_total_kib;
		h->mem_free_kib += h->node[n].mem_free_kib;
	}
	h->mem_available_kib = h->mem_free_kib;
}

void numa_daemon_sense(struct numa_daemon *d, const struct numa_world *w)
{
	static const struct capabilities capabilities;

	d->sample.now_ns = ns(boot_s + w->now_s);
	sense_cpus(d, w);
	sense_memory(d, w);
	for (unsigned int i = 0; i < w->nguests; i++)
		sense_guest(d, w, i);
	host_view_update(d->view, &d->topology, &capabilities, d->domains, &d->sample, d->kicked);
}

/* The arbiter does this for the three loops. */
void numa_daemon_begin_plan(struct numa_daemon *d)
{
	memset(d->plan.guest, 0, d->view->nslots * sizeof d->plan.guest[0]);
	d->plan.now_ns = d->view->now_ns;
	d->plan.nslots = d->view->nslots;
	d->plan.look_again_ns = 0;
	d->plan.move = (struct move_plan){ 0 };
	for (size_t i = 0; i < d->view->nslots; i++) {
		const struct guest_view *g = &d->view->guest[i];

		if (!g->domain)
			continue;
		d->plan.guest[i].present = g->present;
		d->plan.guest[i].incarnation = g->incarnation;
		d->plan.guest[i].uuid = g->domain->uuid;
	}
}
