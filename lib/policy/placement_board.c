/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How loaded is each node, and is there room for one more guest? */
#include "placement_board.h"

#include "recall.h"

/* Never more than it has vCPUs; all of them when the mean is no number. */
double guest_measured_cpus(const struct guest_view *g)
{
	double vcpus = g->domain->vcpus, cpus = g->demand_cpus.value;

	if (!demand_is_known(g))
		return 0;
	return cpus < vcpus ? cpus : vcpus;
}

/* A guest not yet measured may want all that it was given. */
static double claimed_cpus(const struct guest_view *g)
{
	return demand_is_known(g) ? guest_measured_cpus(g) : g->domain->vcpus;
}

static uint64_t missing_kib(const struct guest_view *g, unsigned int node)
{
	return sub_capped(g->domain->memory_kib, g->sample->node_memory_kib[node]);
}

uint64_t guest_resident_kib(const struct guest_view *g)
{
	uint64_t sum = 0;

	for (size_t n = 0; n < KT_NODES_MAX; n++)
		sum = add_capped(sum, g->sample->node_memory_kib[n]);
	return sum;
}

unsigned int guest_fullest_node(const struct guest_view *g)
{
	unsigned int best = 0;

	for (unsigned int n = 1; n < KT_NODES_MAX; n++)
		if (g->sample->node_memory_kib[n] > g->sample->node_memory_kib[best])
			best = n;
	return best;
}

static double demand_share(const struct host_view *view)
{
	unsigned int ncpus = cpumask_count(&view->topology->usable);
	double cpus = 0;

	for (size_t i = 0; i < view->nslots; i++)
		if (view->guest[i].present)
			cpus += guest_measured_cpus(&view->guest[i]);
	return ncpus ? cpus / ncpus : 0;
}

void board_survey(struct board *b)
{
	b->demand_share = demand_share(b->view);
	for (size_t n = 0; n < KT_NODES_MAX; n++) {
		const struct node_sample *s = &b->view->host->node[n];

		b->node[n] = (struct node_load){
			.ncpus = cpumask_count(&b->view->topology->node[n].cpus),
			.room_kib = s->present ? add_capped(s->mem_free_kib, s->file_kib) : 0,
		};
	}
}

void board_settle(struct board *b, const struct guest_view *g, unsigned int node)
{
	struct node_load *n = &b->node[node];

	n->demand_cpus += guest_measured_cpus(g);
	n->claimed_cpus += claimed_cpus(g);
	n->nvcpus += g->domain->vcpus;
	if (!demand_is_known(g))
		n->room_kib = sub_capped(n->room_kib, missing_kib(g, node));
}

void board_unsettle(struct board *b, const struct guest_view *g, unsigned int node)
{
	struct node_load *n = &b->node[node];

	n->demand_cpus -= guest_measured_cpus(g);
	n->claimed_cpus -= claimed_cpus(g);
	n->nvcpus -= g->domain->vcpus;
}

static struct cpumask allowed_cpus(const struct board *b, const struct guest_view *g)
{
	struct cpumask allowed = { { 0 } };

	for (size_t i = 0; i < g->sample->nthreads; i++)
		if (g->sample->threads[i].role == THREAD_VCPU)
			allowed = cpumask_or(&allowed, &g->sample->threads[i].first_allowed);
	return cpumask_and(&allowed, &b->view->topology->usable);
}

/* What can go elsewhere will, when it gets crowded here; the scheduler sees to that. */
void board_spread(struct board *b, const struct guest_view *g)
{
	struct cpumask allowed;
	unsigned int total;

	if (!g->present)
		return;
	allowed = allowed_cpus(b, g);
	total = cpumask_count(&allowed);
	for (size_t n = 0; n < KT_NODES_MAX && total; n++) {
		struct cpumask here;
		unsigned int count;

		if (b->node[n].ncpus == 0)
			continue;
		here = cpumask_and(&allowed, &b->view->topology->node[n].cpus);
		count = cpumask_count(&here);
		b->node[n].claimed_cpus += claimed_cpus(g) * count / total;
		if (count == total)
			b->node[n].demand_cpus += guest_measured_cpus(g);
	}
}

bool board_has_room(const struct board *b, const struct placing *p, unsigned int node)
{
	const struct node_load *n = &b->node[node];

	return placing_suits_node(p, node) && missing_kib(p->guest, node) <= n->room_kib &&
	       n->claimed_cpus + claimed_cpus(p->guest) <= n->ncpus;
}
