/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does numad place guests, at its best?
 *
 * numad 0.5 (version string 20150602) with its standard settings: looks every 5 to 15 s, takes
 * the peak of eight samples for a guest's demand, moves one guest at a time and all of its
 * memory at once, and leaves it alone for 300 s then.  Without its mistakes: nodes are
 * numbered as they are, pins are nobody else's, the first 300 s of uptime are over, and a
 * guest does not stand still while its memory moves.
 *
 * A guest that is looked at and found settled is looked at again in the next cycle; with 300 s
 * of rest for it too numad loses a little more.  Units are numad's own: MB (here 1/1024 GiB) and
 * hundredths of a CPU. */
#include <math.h>
#include <stdlib.h>

#include "numa_run.h"

enum { SAMPLES = 8, SLOW_S = 15, FAST_S = 5, KEEP_S = 300 };

static const double mb_per_gib = 1024;
static const double significant_mb = 300, significant_cpu = 50;
static const double utilization_pct = 85, locality_pct = 90, sibling_pct = 20;
static const double margin_mb = 100;
static const double gib_per_s = 2; /* that migrate_pages copies */

struct candidate {
	unsigned int guest;
	double used, mb; /* of it */
	double cpu_request, mb_request;
};

struct process {
	unsigned int birth;
	double sample[SAMPLES];
	unsigned int nsamples;
	double moved_s; /* < 0: never */
	uint64_t bound; /* nodes; 0: to none */
};

struct node {
	double mb_total, mb_free, cpu_total, cpu_free;
};

struct numad {
	double next_s;
	struct process process[NUMA_GUESTS];
	struct node node[NUMA_NODES];
	size_t ncandidates;
	struct candidate candidate[NUMA_GUESTS];
};

static void *numad_open(struct numa_world *w, const struct placement_conf *conf)
{
	struct numad *d = calloc(1, sizeof *d);

	(void)w;
	(void)conf;
	if (!d)
		abort();
	d->next_s = FAST_S;
	return d;
}

static void numad_born(void *state, struct numa_world *w, unsigned int guest)
{
	struct numad *d = state;

	d->process[guest] = (struct process){ .birth = w->guest[guest].birth, .moved_s = -1 };
}

/* ---- what it sees ---------------------------------------------------------------------- */

static void update_nodes(struct numad *d, const struct numa_world *w)
{
	for (unsigned int n = 0; n < w->shape.nnodes; n++) {
		double cores = w->shape.cores[n], threads = numa_threads(w, n);
		double idle = fmax(0, threads - w->load_cpus[n]);
		struct node *node = &d->node[n];

		node->mb_total = (w->shape.gib[n] - NUMA_HOST_GIB) * mb_per_gib;
		node->mb_free = fmax(0, numa_free_gib(w, n)) * mb_per_gib;
		node->cpu_total = 100 * cores + sibling_pct * (threads - cores);
		node->cpu_free =
			fmin(node->cpu_total,
			     fmax(0, 100 * idle - (threads - cores) * (100 - sibling_pct)));
	}
}

static double peak(const struct process *p)
{
	double most = 0;

	for (unsigned int i = 0; i < SAMPLES; i++)
		most = fmax(most, p->sample[i]);
	return most;
}

static void update_processes(struct numad *d, const struct numa_world *w)
{
	d->ncandidates = 0;
	for (unsigned int i = 0; i < w->nguests; i++) {
		const struct numa_guest *g = &w->guest[i];
		struct process *p = &d->process[i];
		struct candidate c = { .guest = i, .mb = g->gib * mb_per_gib };

		p->sample[p->nsamples++ % SAMPLES] = 100 * g->cpus;
		c.used = peak(p);
		c.mb_request = c.mb * 100 / utilization_pct;
		c.cpu_request = fmin(c.used * 100 / utilization_pct, 100 * ((double)g->vcpus + 3));
		if (c.mb > significant_mb && c.used > significant_cpu)
			d->candidate[d->ncandidates++] = c;
	}
}

/* ---- whom it looks at first ------------------------------------------------------------ */

static double magnitude(const struct candidate *c)
{
	return c->used * c->mb;
}

/* Unbound ones by falling size; then bound ones by growing size, and by age where the sizes
 * are alike. */
static bool goes_before(const struct numad *d, const struct candidate *a, const struct candidate *b)
{
	const struct process *pa = &d->process[a->guest], *pb = &d->process[b->guest];

	if (!pa->bound || !pb->bound)
		return !pa->bound && (pb->bound || magnitude(a) > magnitude(b));
	if (fabs(magnitude(a) - magnitude(b)) > 0.2 * magnitude(b))
		return magnitude(a) < magnitude(b);
	return pa->moved_s < pb->moved_s;
}

static void sort_candidates(struct numad *d)
{
	for (size_t i = 0; i < d->ncandidates; i++) {
		size_t best = i;
		struct candidate c = d->candidate[i];

		for (size_t k = i + 1; k < d->ncandidates; k++)
			if (goes_before(d, &d->candidate[k], &d->candidate[best]))
				best = k;
		d->candidate[i] = d->candidate[best];
		d->candidate[best] = c;
	}
}

/* ---- may one be looked at before its time? ------------------------------------------------ */

struct spread {
	double min, max, mean;
	unsigned int min_node;
};

static struct spread spread_of(const struct numad *d, unsigned int nnodes, bool of_memory)
{
	struct spread s = { .min = INFINITY, .max = -INFINITY };

	for (unsigned int n = 0; n < nnodes; n++) {
		double x = of_memory ? d->node[n].mb_free : d->node[n].cpu_free;

		if (x < s.min) {
			s.min = x;
			s.min_node = n;
		}
		s.max = fmax(s.max, x);
		s.mean += x / nnodes;
	}
	return s;
}

static bool evens_out(const struct spread *s, double amount, double slack)
{
	return fabs(s->min + amount - s->mean) + fabs(s->max - amount - s->mean) <
	       s->max - s->min - slack;
}

static bool may_bypass(const struct numad *d, const struct numa_world *w, const struct candidate *c)
{
	struct spread cpu = spread_of(d, w->shape.nnodes, false);
	struct spread mb = spread_of(d, w->shape.nnodes, true);
	uint64_t nodes = d->process[c->guest].bound;

	if (!(nodes >> cpu.min_node & 1) && !(nodes >> mb.min_node & 1))
		return false;
	return c->mb_request <= d->node[0].mb_total && c->cpu_request <= d->node[0].cpu_total &&
	       evens_out(&cpu, c->used, 50) && evens_out(&mb, c->mb, 0);
}

/* ---- which nodes it gets -------------------------------------------------------------------- */

struct choice {
	const struct numad *d;
	const struct numa_world *w;
	const struct candidate *c;
	struct node node[NUMA_NODES]; /* as if it were not there */
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
		struct node *node = &k->node[n];
		double mb = numa_guest_gib_on(g, n) * mb_per_gib;

		node->mb_free += bound ? mb * 5 / 4 : mb * 17 / 16;
		if (!bound)
			node->cpu_free += k->c->used * mb / k->c->mb;
		else if (bound >> n & 1)
			node->cpu_free = cpu_free;
		node->mb_free = fmin(node->mb_free, node->mb_total);
		node->cpu_free = fmax(1, fmin(node->cpu_free, node->cpu_total));
	}
}

static double value_of(const struct choice *k, const struct node *n)
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

static uint64_t pick_nodes(const struct numad *d, const struct numa_world *w,
			   const struct candidate *c)
{
	struct choice k = { .d = d, .w = w, .c = c };
	double by_mb = ceil(c->mb_request / d->node[0].mb_total), by_cpu;

	k.flex = (100 - utilization_pct) * d->node[0].cpu_total / 200;
	by_cpu = ceil((c->cpu_request - k.flex) / d->node[0].cpu_total);
	k.min_nodes = (unsigned int)fmax(1, fmin(w->shape.nnodes, fmax(by_mb, by_cpu)));
	for (unsigned int n = 0; n < w->shape.nnodes; n++)
		k.node[n] = d->node[n];
	credit(&k);
	for (unsigned int n = 0; n < w->shape.nnodes; n++)
		k.value[n] = value_of(&k, &k.node[n]);
	return add_nodes(&k);
}

/* ---- and goes there ------------------------------------------------------------------------ */

static bool is_settled(const struct process *p, const struct numa_guest *g, uint64_t nodes)
{
	double there = 0;

	for (unsigned int n = 0; n < NUMA_NODES; n++)
		if (nodes >> n & 1)
			there += numa_guest_gib_on(g, n);
	return p->bound == nodes && there * 100 >= g->gib * locality_pct;
}

static unsigned int emptiest(const struct numa_guest *g, unsigned int nnodes, uint64_t nodes)
{
	unsigned int best = NUMA_NODES;

	for (unsigned int n = 0; n < nnodes; n++)
		if ((nodes >> n & 1) &&
		    (best == NUMA_NODES || numa_guest_gib_on(g, n) <= numa_guest_gib_on(g, best)))
			best = n;
	return best;
}

/* All that lies elsewhere, one node's after the other's; with no look at who has room. */
static double bind_and_migrate(struct numa_world *w, unsigned int guest, uint64_t nodes)
{
	struct numa_guest *g = &w->guest[guest];
	uint64_t sets[NUMA_CELLS];
	double gib = 0;

	for (unsigned int c = 0; c < g->ncells; c++)
		sets[c] = nodes;
	numa_pin(w, guest, sets);
	for (unsigned int n = 0; n < w->shape.nnodes; n++) {
		unsigned int to = emptiest(g, w->shape.nnodes, nodes);

		for (unsigned int c = 0; c < g->ncells && !(nodes >> n & 1); c++)
			gib += numa_move(w, guest, c, n, to, g->gib_on[c][n]);
	}
	return gib;
}

/* GiB moved; < 0: nobody was. */
static double manage_loads(struct numad *d, struct numa_world *w)
{
	for (size_t i = 0; i < d->ncandidates; i++) {
		const struct candidate *c = &d->candidate[i];
		struct process *p = &d->process[c->guest];
		uint64_t nodes;

		if (p->moved_s >= 0 && w->now_s - p->moved_s < KEEP_S && !may_bypass(d, w, c))
			continue;
		nodes = pick_nodes(d, w, c);
		if (is_settled(p, &w->guest[c->guest], nodes))
			continue;
		p->moved_s = w->now_s;
		p->bound = nodes;
		return bind_and_migrate(w, c->guest, nodes);
	}
	return -1;
}

static void numad_second(void *state, struct numa_world *w)
{
	struct numad *d = state;
	double gib;

	if (w->now_s < d->next_s)
		return;
	update_nodes(d, w);
	update_processes(d, w);
	sort_candidates(d);
	gib = manage_loads(d, w);
	d->next_s = gib < 0 ? w->now_s + SLOW_S : w->now_s + gib / gib_per_s + FAST_S;
}

const struct numa_policy numa_numad = { "numad", numad_open, numad_born, numad_second, free };
