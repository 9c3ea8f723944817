/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which nodes does numad choose for a guest?  pick_numa_nodes() of numad.c. */
#include <math.h>

#include "numa_numad.h"

static const double margin_mb = 100;

struct choice {
	const struct numad *d;
	const struct numa_world *w;
	const struct candidate *c;
	struct numad_node node[NUMA_NODES]; /* as if it were not there */
	double value[NUMA_NODES];
	double flex;
	unsigned int min_nodes;
};

static double shared_cpu_free(const struct choice *k, uint64_t bound)
{
	double sum = k->c->used;

	for (unsigned int n = 0; n < k->w->shape.nnodes; n++)
		if (bound >> n & 1)
			sum += k->node[n].cpu_free;
	return sum / __builtin_popcountll(bound);
}

static void credit(struct choice *k)
{
	const struct numa_guest *g = &k->w->guest[k->c->guest];
	uint64_t bound = k->d->process[k->c->guest].bound;
	double cpu_free = bound ? shared_cpu_free(k, bound) : 0;

	for (unsigned int n = 0; n < k->w->shape.nnodes; n++) {
		struct numad_node *node = &k->node[n];
		double mb = numa_guest_gib_on(g, n) * numad_mb_per_gib;

		node->mb_free += bound ? mb * 5 / 4 : mb * 17 / 16;
		if (!bound)
			node->cpu_free += k->c->used * mb / k->c->mb;
		else if (bound >> n & 1)
			node->cpu_free = cpu_free;
		node->mb_free = fmin(node->mb_free, node->mb_total);
		node->cpu_free = fmax(1, fmin(node->cpu_free, node->cpu_total));
	}
}

static double value_of(const struct choice *k, const struct numad_node *n)
{
	double mb = fmin(n->mb_free, k->c->mb_request), cpu = fmin(n->cpu_free, k->c->cpu_request);

	return (10 * mb + 4 * (n->mb_free - mb)) * (6 * cpu + (n->cpu_free - cpu));
}

static bool comes_first(const struct choice *k, unsigned int start, unsigned int a, unsigned int b)
{
	const unsigned int *distance = k->w->shape.distance[start];

	return distance[a] < distance[b] ||
	       (distance[a] == distance[b] && k->value[a] > k->value[b]);
}

static void sort_nodes(const struct choice *k, unsigned int start, unsigned int order[NUMA_NODES])
{
	for (unsigned int n = 0; n < k->w->shape.nnodes; n++) {
		unsigned int at = n;

		for (; at > 0 && comes_first(k, start, n, order[at - 1]); at--)
			order[at] = order[at - 1];
		order[at] = n;
	}
}

static double score_of(const struct choice *k, unsigned int start)
{
	unsigned int order[NUMA_NODES];
	double score = 0;

	sort_nodes(k, start, order);
	for (unsigned int i = 0; i < k->min_nodes; i++) {
		double distance = k->w->shape.distance[start][order[i]];

		score += k->value[order[i]] / (distance * distance);
	}
	return score;
}

static unsigned int best_start(const struct choice *k)
{
	unsigned int best = 0;

	for (unsigned int n = 1; n < k->w->shape.nnodes; n++)
		if (score_of(k, n) > score_of(k, best))
			best = n;
	return best;
}

static bool cpu_matters(const struct choice *k)
{
	double used = 0, total = 0, cpu_free = 0;

	for (size_t i = 0; i < k->d->ncandidates; i++)
		used += k->d->candidate[i].used;
	for (unsigned int n = 0; n < k->w->shape.nnodes; n++) {
		total += k->node[n].cpu_total;
		cpu_free += k->node[n].cpu_free;
	}
	return used > total && k->c->cpu_request <= cpu_free;
}

static uint64_t add_nodes(const struct choice *k)
{
	unsigned int order[NUMA_NODES], taken = 0;
	double mb = 0, cpu = 0;
	bool wants_cpu = cpu_matters(k);
	uint64_t nodes = 0;

	sort_nodes(k, best_start(k), order);
	while (taken < k->w->shape.nnodes && (taken < k->min_nodes || mb < k->c->mb_request ||
					      (wants_cpu && cpu + k->flex < k->c->cpu_request))) {
		unsigned int n = order[taken++];

		nodes |= UINT64_C(1) << n;
		mb += fmax(0, k->node[n].mb_free - margin_mb);
		cpu += k->node[n].cpu_free;
	}
	return nodes;
}

uint64_t numad_pick_nodes(const struct numad *d, const struct numa_world *w,
			  const struct candidate *c)
{
	struct choice k = { .d = d, .w = w, .c = c };
	double by_mb = ceil(c->mb_request / d->node[0].mb_total), by_cpu;

	k.flex = (100 - numad_utilization_pct) * d->node[0].cpu_total / 200;
	by_cpu = ceil((c->cpu_request - k.flex) / d->node[0].cpu_total);
	k.min_nodes = (unsigned int)fmax(1, fmin(w->shape.nnodes, fmax(by_mb, by_cpu)));
	for (unsigned int n = 0; n < w->shape.nnodes; n++)
		k.node[n] = d->node[n];
	credit(&k);
	for (unsigned int n = 0; n < w->shape.nnodes; n++)
		k.value[n] = value_of(&k, &k.node[n]);
	return add_nodes(&k);
}
