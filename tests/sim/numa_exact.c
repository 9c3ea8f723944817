/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which choice of options costs least of all? */
#include "numa_exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double thread_yield = 0.25;
static const double shared_share = 0.01; /* of a CPU, per CPU beside it and core */
static const double cost_per_gib_over = 1000;

/* ---- what a choice costs -------------------------------------------------------------- */

/* E max(0, X - k) of a normal X. */
static double excess(double mean, double variance, double k)
{
	double sigma = sqrt(variance), z;

	if (sigma < 1e-6)
		return fmax(0, mean - k);
	z = (mean - k) / sigma;
	if (fabs(z) > 5)
		return fmax(0, mean - k);
	return sigma * exp(-0.5 * z * z) / sqrt(2 * M_PI) + (mean - k) * 0.5 * erfc(-z / sqrt(2));
}

enum { BINS_MAX = 16 };

struct filling {
	double cpus[BINS_MAX], variance[BINS_MAX], gib[BINS_MAX];
};

static double bin_loss(const struct pack_bin *b, double cpus, double variance)
{
	double y = b->threads > b->cores ? thread_yield : 0, load = b->base_cpus + cpus;

	return (1 - y) * excess(load, variance, b->cores) + y * excess(load, variance, b->threads) +
	       (b->cores > 0 ? shared_share * load * load / (2 * b->cores) : 0);
}

static double expected_loss(const struct pack *p, const struct filling *f)
{
	double sum = 0;

	for (size_t b = 0; b < p->nbins; b++)
		sum += bin_loss(&p->bin[b], f->cpus[b], f->variance[b]);
	return sum;
}

static double penalty(const struct pack *p, const struct filling *f)
{
	double over_gib = 0;

	for (size_t b = 0; b < p->nbins; b++)
		over_gib += fmax(0, f->gib[b] - p->bin[b].room_gib);
	return over_gib * cost_per_gib_over;
}

static void put(const struct pack *p, struct filling *f, size_t i, size_t option)
{
	const struct pack_item *item = &p->item[i];
	const struct pack_option *o = &p->option[option];
	double share = 1.0 / __builtin_popcountll(o->bins), homeless_gib = item->gib;

	for (size_t b = 0; b < p->nbins && !o->brings; b++) {
		f->gib[b] += (double)item->gib_on[b];
		homeless_gib -= (double)item->gib_on[b];
	}
	for (size_t b = 0; b < p->nbins; b++) {
		if (!(o->bins >> b & 1))
			continue;
		f->cpus[b] += share * item->cpus;
		f->variance[b] += share * share * item->variance;
		f->gib[b] += share * fmax(0, homeless_gib);
	}
}

double numa_exact_cost(const struct pack *p, const size_t *option)
{
	struct filling f = { .cpus = { 0 } };
	double cost = 0;

	for (size_t i = 0; i < p->nitems; i++) {
		put(p, &f, i, option[i]);
		cost += p->option[option[i]].cost;
	}
	return cost + expected_loss(p, &f) + penalty(p, &f);
}

static struct numa_optimum as_chosen(const struct pack *p)
{
	struct numa_optimum o = { .complete = true };

	if (p->nitems > NUMA_EXACT_ITEMS || p->nbins > BINS_MAX)
		abort();
	for (size_t i = 0; i < p->nitems; i++)
		o.option[i] = p->item[i].chosen;
	o.cost = numa_exact_cost(p, o.option);
	return o;
}

/* ---- branch and bound ------------------------------------------------------------------- */

enum { OPTIONS_MAX = 64 }; /* of an item */

struct search {
	const struct pack *p;
	size_t order[NUMA_EXACT_ITEMS];         /* by falling demand */
	double open_cpus[NUMA_EXACT_ITEMS + 1]; /* of those from here on */
	double open_cost[NUMA_EXACT_ITEMS + 1]; /* of their cheapest options */
	size_t option[NUMA_EXACT_ITEMS];        /* of the item, now */
	uint64_t max_nodes;
	struct numa_optimum best;
};

static double cheapest(const struct pack *p, size_t i)
{
	const struct pack_item *item = &p->item[i];
	double least = INFINITY;

	for (size_t o = item->first_option; o < item->first_option + item->noptions; o++)
		least = fmin(least, p->option[o].cost);
	return least;
}

static void sort_items(struct search *s)
{
	for (size_t i = 0; i < s->p->nitems; i++) {
		size_t at = i;

		for (; at > 0 && s->p->item[s->order[at - 1]].cpus < s->p->item[i].cpus; at--)
			s->order[at] = s->order[at - 1];
		s->order[at] = i;
	}
	for (size_t n = s->p->nitems; n-- > 0;) {
		s->open_cpus[n] = s->open_cpus[n + 1] + s->p->item[s->order[n]].cpus;
		s->open_cost[n] = s->open_cost[n + 1] + cheapest(s->p, s->order[n]);
	}
}

/* Loads that do not vary lose least (Jensen), and a fluid flows where it is cheapest: onto
 * free cores, onto their second threads, and only then nowhere. */
static double fluid_loss(const struct pack *p, const struct filling *f, double open_cpus)
{
	double sum = 0, cores = 0, threads = 0;

	for (size_t b = 0; b < p->nbins; b++) {
		const struct pack_bin *bin = &p->bin[b];
		double load = bin->base_cpus + f->cpus[b];

		sum += bin_loss(bin, f->cpus[b], 0);
		cores += fmax(0, bin->cores - load);
		threads += fmax(0, bin->threads - fmax(bin->cores, load));
	}
	open_cpus = fmax(0, open_cpus - cores);
	return sum + (1 - thread_yield) * fmin(open_cpus, threads) + fmax(0, open_cpus - threads);
}

/* Of all that can follow; what is placed stays, and what comes only adds. */
static double bound(const struct search *s, size_t depth, const struct filling *f, double cost)
{
	return cost + s->open_cost[depth] + penalty(s->p, f) +
	       fmax(expected_loss(s->p, f), fluid_loss(s->p, f, s->open_cpus[depth]));
}

struct branch {
	size_t option;
	double cost; /* by which branches are tried: the option's, and what it makes others lose */
};

static size_t sort_branches(const struct search *s, size_t i, const struct filling *f,
			    struct branch *branch)
{
	const struct pack_item *item = &s->p->item[i];
	size_t n = 0;

	for (size_t o = item->first_option; o < item->first_option + item->noptions; o++, n++) {
		struct filling then = *f;
		struct branch b = { .option = o };
		size_t at = n;

		if (n == OPTIONS_MAX)
			abort();
		put(s->p, &then, i, o);
		b.cost = s->p->option[o].cost + expected_loss(s->p, &then);
		for (; at > 0 && branch[at - 1].cost > b.cost; at--)
			branch[at] = branch[at - 1];
		branch[at] = b;
	}
	return n;
}

static void descend(struct search *s, size_t depth, const struct filling *f, double cost)
{
	struct branch branch[OPTIONS_MAX];
	size_t i = s->order[depth], n;

	if (depth == s->p->nitems) {
		cost += expected_loss(s->p, f) + penalty(s->p, f);
		if (cost < s->best.cost) {
			s->best.cost = cost;
			memcpy(s->best.option, s->option, sizeof s->option);
		}
		return;
	}
	n = sort_branches(s, i, f, branch);
	for (size_t k = 0; k < n && s->best.complete; k++) {
		struct filling then = *f;
		double so_far = cost + s->p->option[branch[k].option].cost;

		s->best.complete = s->best.nnodes++ < s->max_nodes;
		put(s->p, &then, i, branch[k].option);
		s->option[i] = branch[k].option;
		if (bound(s, depth + 1, &then, so_far) < s->best.cost - 1e-12)
			descend(s, depth + 1, &then, so_far);
	}
}

struct numa_optimum numa_exact(const struct pack *p, uint64_t max_nodes)
{
	struct search s = { .p = p, .max_nodes = max_nodes, .best = as_chosen(p) };
	struct filling empty = { .cpus = { 0 } };

	sort_items(&s);
	descend(&s, 0, &empty, 0);
	return s.best;
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void try_all(const struct pack *p, size_t i, const struct filling *f, double cost,
		    size_t *option, struct numa_optimum *best)
{
	if (i == p->nitems) {
		best->nnodes++;
		cost += expected_loss(p, f) + penalty(p, f);
		if (cost < best->cost) {
			best->cost = cost;
			memcpy(best->option, option, p->nitems * sizeof *option);
		}
		return;
	}
	for (size_t o = 0; o < p->item[i].noptions; o++) {
		struct filling then = *f;

		option[i] = p->item[i].first_option + o;
		put(p, &then, i, option[i]);
		try_all(p, i + 1, &then, cost + p->option[option[i]].cost, option, best);
	}
}

struct numa_optimum numa_exhaust(const struct pack *p)
{
	struct numa_optimum best = as_chosen(p);
	struct filling empty = { .cpus = { 0 } };
	size_t option[NUMA_EXACT_ITEMS];

	try_all(p, 0, &empty, 0, option, &best);
	return best;
}
