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
 * of rest for it too numad loses a little more. */
#include <math.h>
#include <stdlib.h>

#include "numa_numad.h"

enum { SLOW_S = 15, FAST_S = 5, KEEP_S = 300 };

static const double significant_mb = 300, significant_cpu = 50;
static const double locality_pct = 90, sibling_pct = 20;
static const double gib_per_s = 2; /* that migrate_pages copies */

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

	(void)w;
	d->process[guest] = (struct process){ .moved_s = -1 };
}

/* ---- what it sees ---------------------------------------------------------------------- */

static void update_nodes(struct numad *d, const struct numa_world *w)
{
	for (unsigned int n = 0; n < w->shape.nnodes; n++) {
		double cores = w->shape.cores[n], threads = numa_threads(w, n);
		double idle = fmax(0, threads - w->load_cpus[n]);
		struct numad_node *node = &d->node[n];

		node->mb_total = (w->shape.gib[n] - NUMA_HOST_GIB) * numad_mb_per_gib;
		node->mb_free = fmax(0, numa_free_gib(w, n)) * numad_mb_per_gib;
		node->cpu_total = 100 * cores + sibling_pct * (threads - cores);
		node->cpu_free =
			fmin(node->cpu_total,
			     fmax(0, 100 * idle - (threads - cores) * (100 - sibling_pct)));
	}
}

static double peak(const struct process *p)
{
	double most = 0;

	for (unsigned int i = 0; i < NUMAD_SAMPLES; i++)
		most = fmax(most, p->sample[i]);
	return most;
}

static void update_processes(struct numad *d, const struct numa_world *w)
{
	d->ncandidates = 0;
	for (unsigned int i = 0; i < w->nguests; i++) {
		const struct numa_guest *g = &w->guest[i];
		struct process *p = &d->process[i];
		struct candidate c = { .guest = i, .mb = g->gib * numad_mb_per_gib };

		p->sample[p->nsamples++ % NUMAD_SAMPLES] = 100 * g->cpus;
		c.used = peak(p);
		c.mb_request = c.mb * 100 / numad_utilization_pct;
		c.cpu_request =
			fmin(c.used * 100 / numad_utilization_pct, 100 * ((double)g->vcpus + 3));
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
		nodes = numad_pick_nodes(d, w, c);
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
