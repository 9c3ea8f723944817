/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the nodes offer, and how far apart are they? */
#include "placement_private.h"

/* Long enough that a kernel thread's burst moves nobody. */
static const double base_tau_s = 30;
/* Of its CPUs' time. */
static const double host_steal_max = 0.05;

/* Nodes by their distance from this one, itself first; those without CPUs are left out. */
static unsigned int near_ones(const struct topology *t, unsigned int node,
			      uint8_t ret[KT_NODES_MAX])
{
	double far[KT_NODES_MAX] = { 0 }; /* from all that are taken */
	uint64_t taken = 0;
	unsigned int n = 0, next = node;

	for (; next < KT_NODES_MAX; n++) {
		unsigned int last = next;

		ret[n] = (uint8_t)last;
		taken |= nodemask_of(last);
		next = KT_NODES_MAX;
		for (unsigned int to = 0; to < KT_NODES_MAX; to++) {
			if (nodemask_test(taken, to) || !t->node[to].present ||
			    cpumask_empty(&t->node[to].cpus))
				continue;
			far[to] += placement_remoteness(t, last, to);
			if (next == KT_NODES_MAX || far[to] < far[next])
				next = to;
		}
	}
	return n;
}

void placement_fill_near(struct placement_step *s)
{
	const struct topology *t = s->view->topology;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		if (!cpumask_empty(&t->node[n].cpus))
			s->nnear = near_ones(t, n, s->near[n]);
}

/* ---- CPUs --------------------------------------------------------------------------- */

/* Without knowledge of cores each thread is one. */
static unsigned int count_cores(const struct topology *t, unsigned int node,
				const struct cpumask *cpus)
{
	struct cpumask cores = { { 0 } }; /* by their numbers */

	if (t->node[node].ncores == 0)
		return cpumask_count(cpus);
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		if (cpumask_test(cpus, cpu))
			cpumask_set(&cores, t->core_of[cpu]);
	return cpumask_count(&cores);
}

/* ---- load that is not the guests' ------------------------------------------------------ */

void placement_note_run(struct placement_step *s, const struct placing *p)
{
	const struct topology *t = s->view->topology;
	uint64_t nodes = p->in_force->pinned ? p->in_force->nodes : p->nodes;
	double total = 0;

	for (uint64_t left = nodes; left; left &= left - 1)
		total += cpumask_count(&t->node[nodemask_first(left)].cpus);
	for (uint64_t left = nodes; left && total > 0; left &= left - 1) {
		unsigned int n = nodemask_first(left);

		s->run_cpus[n] += p->guest->run_cpus * cpumask_count(&t->node[n].cpus) / total;
	}
}

static bool pins_are_old(const struct placement_step *s)
{
	for (size_t i = 0; i < s->view->nslots; i++)
		if (s->view->guest[i].present &&
		    (double)sub_capped(s->view->now_ns, s->in_force->guest[i].pin_changed_ns) <
			    s->dt_s * 1e9 + 1)
			return false;
	return true;
}

/* Where a guest without a home ran is not known: only what is left of the whole host is
 * surely not the guests', and where there was more than guests account for, there it is. */
static void update_base(struct placement_step *s)
{
	const struct host_view *v = s->view;
	double left[KT_NODES_MAX], sum_left = 0, foreign = 0;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		struct cpumask reserved =
			cpumask_and(&v->topology->node[n].cpus, &s->conf->reserved_cpus);
		/* What keeps them busy is not on the others. */
		double busy = KT_MAX(v->node_busy_cpus[n] - cpumask_count(&reserved), 0.0);

		left[n] = KT_MAX(busy - s->run_cpus[n], 0.0);
		sum_left += left[n];
		foreign += busy - s->run_cpus[n];
	}
	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		ewma_add(&s->state->base_cpus[n],
			 foreign > 0 && sum_left > 0 ? foreign * left[n] / sum_left : 0, s->dt_s,
			 base_tau_s);
}

/* ---- memory ---------------------------------------------------------------------------- */

uint64_t placement_reserve_kib(const struct placement_conf *conf, const struct host_view *view,
			       unsigned int node)
{
	/* watermark_scale_factor is 0.1 % of a node, up to 10 %; 2 % keeps kswapd asleep. */
	return KT_MAX(mul_capped(conf->node_reserve_mib, 1024),
		      view->topology->node[node].mem_total_kib / 50);
}

bool placement_is_robbed(const struct host_view *view)
{
	return view->steal_share > host_steal_max;
}

bool placement_is_tier(const struct host_view *view, unsigned int node)
{
	enum { BALANCING_MEMORY_TIERING = 2 }; /* kernel.numa_balancing, Linux 5.18 */

	return view->host->has_numa_balancing &&
	       (view->host->numa_balancing & BALANCING_MEMORY_TIERING) &&
	       cpumask_empty(&view->topology->node[node].cpus);
}

/* Memory of guests that is here now may stay, however full the node is: nobody is driven
 * out by a reserve. */
static void add_items_memory(struct pack *p)
{
	for (size_t i = 0; i < p->nitems; i++)
		for (uint64_t held = p->item[i].held; held; held &= held - 1) {
			unsigned int n = nodemask_first(held);

			p->bin[n].room_gib += (double)p->item[i].gib_on[n];
		}
}

static double free_gib(const struct placement_step *s, unsigned int node)
{
	const struct node_sample *n = &s->view->host->node[node];
	uint64_t free_kib = n->present ? add_capped(n->mem_free_kib, n->file_kib) : 0;

	return (double)sub_capped(free_kib, placement_reserve_kib(s->conf, s->view, node)) /
	       (1024 * 1024);
}

void placement_note_base(struct placement_step *s)
{
	if (s->dt_s > 0 && pins_are_old(s))
		update_base(s);
}

void placement_fill_bins(struct placement_step *s)
{
	const struct topology *t = s->view->topology;
	struct pack *p = &s->state->pack;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		struct cpumask cpus = cpumask_andnot(&t->node[n].cpus, &s->conf->reserved_cpus);

		p->bin[n] = (struct pack_bin){ .cores = count_cores(t, n, &cpus),
					       .threads = cpumask_count(&cpus),
					       .base_cpus = s->state->base_cpus[n].value,
					       .room_gib = free_gib(s, n) };
		if (t->node[n].present)
			p->nbins = n + 1;
	}
	add_items_memory(p);
}
