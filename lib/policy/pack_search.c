/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which items should go elsewhere?
 *
 * Steepest descent over moves of one item and swaps of two.  An item can gain no more than
 * its bins would, and its option costs, if it were not there at all; less what another option
 * costs, for that one.  On a quiet host that is less than nothing for most items and nearly
 * all pairs, which makes a thousand of them cheap: what is passed by gains nothing. */
#include "pack.h"

#include <math.h>

#include "util.h"

/* CPUs.  Less is rounding. */
static const double least_gain = 1e-6;

/* One item, or two that swap, and what they would take. */
struct step {
	double gain;
	size_t n;
	size_t item[2], option[2];
};

/* Of an option that runs in other bins; INFINITY: there is none. */
static double cheapest_elsewhere(const struct pack *p, const struct pack_item *item)
{
	uint64_t bins = p->option[item->chosen].bins;

	return bins == item->cheapest_bins ? item->cheapest_elsewhere : item->cheapest;
}

/* Of items that have to do with these bins. */
static void note_relief(struct pack *p, uint64_t bins)
{
	for (size_t i = 0; i < p->nitems; i++) {
		struct pack_item *item = &p->item[i];
		const struct pack_change gone = { .item = item, .from = &p->option[item->chosen] };
		double gain;

		if (!((gone.from->bins | item->held) & bins))
			continue;
		gain = -pack_increase(p, &gone, 1);
		item->relief = gain - item->cheapest;
		item->relief_elsewhere = gain - cheapest_elsewhere(p, item);
	}
}

static void consider(struct pack *p, struct step *best, struct step step)
{
	struct pack_change changes[2];

	for (size_t i = 0; i < step.n; i++) {
		const struct pack_item *item = &p->item[step.item[i]];

		changes[i] = (struct pack_change){ item, &p->option[item->chosen],
						   &p->option[step.option[i]] };
	}
	p->nlooks++;
	step.gain = -pack_increase(p, changes, step.n);
	if (step.gain > best->gain)
		*best = step;
}

/* Of the item with this option: its bins never lose less with it than without. */
static double most_gain(const struct pack *p, const struct pack_item *item, size_t option)
{
	return item->relief + item->cheapest - p->option[option].cost;
}

/* Who is not looked at before the looks are used up is the first of the next search. */
static void look_for_move(struct pack *p, struct step *best, uint64_t max_looks)
{
	size_t first = p->turn;

	for (size_t nth = 0; nth < p->nitems; nth++) {
		size_t i = (first + nth) % p->nitems;
		const struct pack_item *item = &p->item[i];

		if (p->nlooks >= max_looks) {
			p->turn = i;
			return;
		}

		for (size_t n = 0; n < item->noptions && item->relief > best->gain; n++) {
			size_t option = item->first_option + n;

			if (option != item->chosen && most_gain(p, item, option) > best->gain)
				consider(p, best,
					 (struct step){
						 .n = 1, .item = { i }, .option = { option } });
		}
	}
}

/* Each takes the other's bins, and its own memory with it or not. */
static void look_for_swap_of(struct pack *p, struct step *best, size_t i, size_t j)
{
	const struct pack_item *a = &p->item[i], *b = &p->item[j];
	uint64_t bins_a = p->option[a->chosen].bins, bins_b = p->option[b->chosen].bins;

	for (size_t m = a->first_option; m < a->first_option + a->noptions; m++) {
		double gain = most_gain(p, a, m);

		if (p->option[m].bins != bins_b)
			continue;
		for (size_t n = b->first_option; n < b->first_option + b->noptions; n++)
			if (p->option[n].bins == bins_a && gain + most_gain(p, b, n) > best->gain)
				consider(p, best,
					 (struct step){
						 .n = 2, .item = { i, j }, .option = { m, n } });
	}
}

static void look_for_swap(struct pack *p, struct step *best, uint64_t max_looks)
{
	double most = 0;

	for (size_t i = 0; i < p->nitems; i++)
		most = KT_MAX(most, p->item[i].relief_elsewhere);
	for (size_t i = 0; i < p->nitems && p->nlooks < max_looks; i++) {
		if (p->item[i].relief_elsewhere + most <= best->gain)
			continue;
		for (size_t j = i + 1; j < p->nitems; j++)
			if (p->item[i].relief_elsewhere + p->item[j].relief_elsewhere >
				    best->gain &&
			    p->option[p->item[i].chosen].bins != p->option[p->item[j].chosen].bins)
				look_for_swap_of(p, best, i, j);
	}
}

/* The bins that it has changed. */
static uint64_t take(struct pack *p, const struct step *step)
{
	uint64_t bins = 0;

	for (size_t i = 0; i < step->n; i++) {
		const struct pack_item *item = &p->item[step->item[i]];

		bins |= item->held | p->option[item->chosen].bins | p->option[step->option[i]].bins;
		pack_choose(p, step->item[i], step->option[i]);
	}
	return bins;
}

bool pack_improve(struct pack *p, uint64_t max_looks)
{
	uint64_t last = p->nlooks + max_looks;

	note_relief(p, UINT64_MAX);
	for (;;) {
		struct step best = { .gain = least_gain };

		look_for_move(p, &best, last);
		look_for_swap(p, &best, last);
		if (best.n == 0)
			return p->nlooks < last;
		note_relief(p, take(p, &best));
	}
}

/* As long as there is room this is between the item and its bins, and nobody else's business. */
void pack_take_memory_along(struct pack *p)
{
	for (size_t i = 0; i < p->nitems && !p->full; i++) {
		const struct pack_item *item = &p->item[i];
		uint64_t bins = p->option[item->chosen].bins;
		struct step best = { .gain = least_gain };

		for (size_t o = item->first_option; o < item->first_option + item->noptions; o++)
			if (p->option[o].bins == bins && o != item->chosen)
				consider(p, &best,
					 (struct step){ .n = 1, .item = { i }, .option = { o } });
		if (best.n)
			(void)take(p, &best);
	}
}

/* ---- best fit, decreasing --------------------------------------------------------------- */

static double size_of(const struct pack *p, const struct pack_item *item)
{
	const struct pack_bin *b = &p->bin[__builtin_ctzll(p->option[item->first_option].bins)];

	return item->cpus / KT_MAX(b->cores, 1.0) + item->gib / KT_MAX(b->room_gib, 1.0);
}

/* By falling size; of the same size as they came. */
static void sort(struct pack *p)
{
	for (size_t i = 0; i < p->nitems; i++) {
		double size = size_of(p, &p->item[i]);
		size_t at = i;

		for (; at > 0 && size_of(p, &p->item[p->order[at - 1]]) < size; at--)
			p->order[at] = p->order[at - 1];
		p->order[at] = (uint16_t)i;
	}
}

static size_t best_fitting(struct pack *p, const struct pack_item *item)
{
	size_t best = item->first_option;
	double least = INFINITY;

	for (size_t o = item->first_option; o < item->first_option + item->noptions; o++) {
		const struct pack_change comes = { .item = item, .to = &p->option[o] };
		double cost = pack_increase(p, &comes, 1);

		p->nlooks++;
		if (cost < least) {
			least = cost;
			best = o;
		}
	}
	return best;
}

/* The item is nowhere. */
static void put_where_it_fits(struct pack *p, struct pack_item *item)
{
	item->chosen = best_fitting(p, item);
	pack_apply(p, &(struct pack_change){ .item = item, .to = &p->option[item->chosen] });
}

static void take_out(struct pack *p, const struct pack_item *item)
{
	pack_apply(p, &(struct pack_change){ .item = item, .from = &p->option[item->chosen] });
}

void pack_place(struct pack *p, size_t i)
{
	take_out(p, &p->item[i]);
	put_where_it_fits(p, &p->item[i]);
}

void pack_best_fit(struct pack *p)
{
	sort(p);
	for (size_t i = 0; i < p->nitems; i++)
		take_out(p, &p->item[i]);
	for (size_t i = 0; i < p->nitems; i++)
		put_where_it_fits(p, &p->item[p->order[i]]);
}

void pack_choose_cheapest(struct pack *p)
{
	for (size_t i = 0; i < p->nitems; i++) {
		const struct pack_item *item = &p->item[i];
		size_t best = item->first_option;

		for (size_t o = best; o < item->first_option + item->noptions; o++)
			if (p->option[o].cost < p->option[best].cost)
				best = o;
		pack_choose(p, i, best);
	}
}
