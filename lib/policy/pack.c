/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is lost when these items are in these bins? */
#include "pack.h"

#include <math.h>
#include <string.h>

#include "nodemask.h"
#include "util.h"

/* Of a core that runs two threads, the second brings a quarter of a CPU: between 0.15 and
 * 0.3 in what vendors and users publish; assumed, and hidden from us where we are a guest. */
static const double second_thread = 0.25;

/* Of a CPU, for each CPU of load per core beside it: caches, memory channels and clock speed
 * are shared long before cores are.  Assumed; small, so that it decides only between bins
 * that are alike otherwise. */
static const double shared_share = 0.01;

/* A GiB too much outweighs all CPUs that could be lost. */
static const double over_cost = 1000;

void pack_begin(struct pack *p)
{
	p->nbins = p->nitems = p->noptions = 0;
	p->full = p->nlooks = 0;
}

struct pack_item *pack_add_item(struct pack *p, double cpus, double variance, double gib)
{
	struct pack_item *item;

	if (p->nitems == PACK_ITEMS_MAX || p->noptions == PACK_OPTIONS_MAX)
		return NULL;
	item = &p->item[p->nitems++];
	*item = (struct pack_item){ .cpus = cpus,
				    .variance = variance,
				    .most_cpus = KT_CPUS_MAX,
				    .gib = gib,
				    .first_option = p->noptions,
				    .chosen = p->noptions };
	return item;
}

static void note_cost(struct pack_item *item, uint64_t bins, double cost)
{
	bool first = item->noptions == 0;

	if (first || (cost < item->cheapest && bins != item->cheapest_bins)) {
		item->cheapest_elsewhere = first ? HUGE_VAL : item->cheapest;
		item->cheapest_bins = bins;
		item->cheapest = cost;
	} else if (bins == item->cheapest_bins) {
		item->cheapest = KT_MIN(item->cheapest, cost);
	} else {
		item->cheapest_elsewhere = KT_MIN(item->cheapest_elsewhere, cost);
	}
}

bool pack_add_option(struct pack *p, uint64_t bins, bool brings, double cost)
{
	struct pack_item *item = &p->item[p->nitems - 1];

	if (p->noptions == PACK_OPTIONS_MAX)
		return false;
	p->option[p->noptions++] = (struct pack_option){
		.bins = bins, .share = 1.0 / nodemask_count(bins), .brings = brings, .cost = cost
	};
	note_cost(item, bins, cost);
	item->noptions++;
	return true;
}

/* ---- expected loss ------------------------------------------------------------------- */

struct load {
	double mean, sigma, most;
};

static struct load load_of(const struct pack_bin *b, double cpus, double variance, double most_cpus)
{
	return (struct load){ b->base_cpus + cpus, sqrt(variance > 0 ? variance : 0),
			      b->base_cpus + most_cpus };
}

/* Mean of what a normal load has above `limit`. */
static double normal_excess(const struct load *l, double limit)
{
	double z = (l->mean - limit) / l->sigma;

	if (!(l->sigma > 1e-6) || z > 5)
		return KT_MAX(l->mean - limit, 0.0);
	if (z < -5)
		return 0;
	return l->sigma * exp(-z * z / 2) * (M_2_SQRTPI * M_SQRT1_2 / 2) +
	       (l->mean - limit) * erfc(-z * M_SQRT1_2) / 2;
}

/* Two guests of one vCPU each on two CPUs never wait, however they come and go. */
static double mean_excess(const struct load *l, double limit)
{
	double possible = l->most - limit, excess;

	if (!(possible > 0))
		return 0;
	excess = normal_excess(l, limit);
	return KT_MIN(excess, possible);
}

double pack_expected_loss(const struct pack_bin *b, double cpus, double variance, double most_cpus)
{
	struct load l = load_of(b, cpus, variance, most_cpus);
	double yield = b->threads > b->cores ? second_thread : 0;
	double lost = (1 - yield) * mean_excess(&l, b->cores);

	if (yield > 0)
		lost += yield * mean_excess(&l, b->threads);
	return b->cores > 0 ? lost + shared_share * l.mean * l.mean / (2 * b->cores) : lost;
}

double pack_expected_wait(const struct pack_bin *b)
{
	struct load l = load_of(b, b->cpus, b->variance, b->most_cpus);

	return mean_excess(&l, b->threads);
}

/* ---- bins and what is in them ----------------------------------------------------------- */

struct content {
	double cpus, variance, most_cpus, gib;
};

static inline struct content content_of(const struct pack_item *item, const struct pack_option *o,
					size_t bin)
{
	double share = o->bins >> bin & 1 ? o->share : 0;
	double gib = o->brings ? share * item->gib
			       : (double)item->gib_on[bin] + share * item->gib_to_come;

	return (struct content){ share * item->cpus, share * share * item->variance,
				 share * item->most_cpus, gib };
}

static double over_gib(const struct pack_bin *b, double gib)
{
	return KT_MAX(gib - b->room_gib, 0.0);
}

static inline void add(struct content *sum, struct content c, double sign)
{
	sum->cpus += sign * c.cpus;
	sum->variance += sign * c.variance;
	sum->most_cpus += sign * c.most_cpus;
	sum->gib += sign * c.gib;
}

static void note_memory(const struct pack *p, struct pack_item *item)
{
	double somewhere = 0;

	item->held = 0;
	for (size_t b = 0; b < p->nbins; b++) {
		somewhere += (double)item->gib_on[b];
		if (item->gib_on[b] > 0)
			item->held |= UINT64_C(1) << b;
	}
	item->gib_to_come = KT_MAX(item->gib - somewhere, 0.0);
}

/* Memory that stays where it is touches no bin. */
static uint64_t bins_touched(const struct pack_change *c)
{
	uint64_t bins = (c->from ? c->from->bins : 0) | (c->to ? c->to->bins : 0);
	bool memory_stays = c->from && c->to && !c->from->brings && !c->to->brings;

	return memory_stays ? bins : bins | c->item->held;
}

/* Bins in which nothing runs more or less than before, and that have room for what they hold, do
 * not mind that some of it goes. */
static uint64_t bins_that_mind(const struct pack *p, const struct pack_change *c)
{
	uint64_t run = (c->from ? c->from->bins : 0) | (c->to ? c->to->bins : 0);
	bool memory_only_goes = c->from && !c->from->brings;

	return bins_touched(c) & (memory_only_goes ? run | p->full : UINT64_MAX);
}

static inline struct content change_of(const struct pack_change *c, size_t bin)
{
	struct content sum = { 0, 0, 0, 0 };

	if (c->from)
		add(&sum, content_of(c->item, c->from, bin), -1);
	if (c->to)
		add(&sum, content_of(c->item, c->to, bin), 1);
	return sum;
}

static void note_full(struct pack *p, const struct pack_bin *b)
{
	uint64_t bin = UINT64_C(1) << (b - p->bin);

	p->full = b->over_gib > 0 ? p->full | bin : p->full & ~bin;
}

void pack_apply(struct pack *p, const struct pack_change *change)
{
	for (uint64_t bins = bins_touched(change); bins; bins &= bins - 1) {
		struct pack_bin *b = &p->bin[__builtin_ctzll(bins)];
		struct content sum = { b->cpus, b->variance, b->most_cpus, b->gib };

		add(&sum, change_of(change, (size_t)(b - p->bin)), 1);
		b->cpus = sum.cpus;
		b->variance = sum.variance;
		b->most_cpus = sum.most_cpus;
		b->gib = sum.gib;
		b->lost_cpus = pack_expected_loss(b, b->cpus, b->variance, b->most_cpus);
		b->over_gib = over_gib(b, b->gib);
		note_full(p, b);
	}
}

void pack_choose(struct pack *p, size_t i, size_t option)
{
	struct pack_item *item = &p->item[i];

	pack_apply(p, &(struct pack_change){ item, &p->option[item->chosen], &p->option[option] });
	item->chosen = option;
}

static void empty(struct pack *p, struct pack_bin *b)
{
	b->cpus = b->variance = b->most_cpus = b->gib = 0;
	b->lost_cpus = pack_expected_loss(b, 0, 0, 0);
	b->over_gib = over_gib(b, 0);
	note_full(p, b);
}

void pack_settle_item(struct pack *p, size_t i)
{
	struct pack_item *item = &p->item[i];

	note_memory(p, item);
	pack_apply(p, &(struct pack_change){ .item = item, .to = &p->option[item->chosen] });
}

void pack_settle(struct pack *p)
{
	for (size_t b = 0; b < p->nbins; b++)
		empty(p, &p->bin[b]);
	for (size_t i = 0; i < p->nitems; i++)
		pack_settle_item(p, i);
}

static double bin_increase(const struct pack_bin *b, struct content c)
{
	double more = over_cost * (over_gib(b, b->gib + c.gib) - b->over_gib);

	/* Most changes of memory alone. */
	if (c.cpus == 0 && c.variance == 0 && c.most_cpus == 0)
		return more;
	return more +
	       pack_expected_loss(b, b->cpus + c.cpus, b->variance + c.variance,
				  b->most_cpus + c.most_cpus) -
	       b->lost_cpus;
}

double pack_increase(const struct pack *p, const struct pack_change *changes, size_t n)
{
	uint64_t bins = 0;
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		bins |= bins_that_mind(p, &changes[i]);
		sum += changes[i].to ? changes[i].to->cost : 0;
		sum -= changes[i].from ? changes[i].from->cost : 0;
	}
	for (; bins; bins &= bins - 1) {
		size_t b = (size_t)__builtin_ctzll(bins);
		struct content c = { 0, 0, 0, 0 };

		for (size_t i = 0; i < n; i++)
			add(&c, change_of(&changes[i], b), 1);
		sum += bin_increase(&p->bin[b], c);
	}
	return sum;
}

double pack_cost(const struct pack *p)
{
	double cost = 0;

	for (size_t b = 0; b < p->nbins; b++)
		cost += p->bin[b].lost_cpus + over_cost * p->bin[b].over_gib;
	for (size_t i = 0; i < p->nitems; i++)
		cost += p->option[p->item[i].chosen].cost;
	return cost;
}
