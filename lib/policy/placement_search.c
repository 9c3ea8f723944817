/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who should be elsewhere, and is it worth it?
 *
 * The search begins where everybody is, and twice more from elsewhere; the best end counts.  A
 * guest that is not placed yet is placed in any case. */
#include "placement_private.h"

#include <string.h>

/* CPUs.  All changes of a step together have to bring this much. */
static const double least_gain_cpus = 0.1;

/* Bounds the time of a step, some 0.3 us each. */
static const uint64_t looks_max = 10000;
/* Where there are many, other starts take too long, and bring nothing that the next steps do
 * not find too. */
static const size_t options_for_more_starts = 600;

static void keep(struct placement_policy *state)
{
	for (size_t i = 0; i < state->pack.nitems; i++)
		state->chosen[i] = state->pack.item[i].chosen;
}

static void take_kept(struct placement_policy *state)
{
	for (size_t i = 0; i < state->pack.nitems; i++)
		if (state->pack.item[i].chosen != state->chosen[i])
			pack_choose(&state->pack, i, state->chosen[i]);
}

static bool leaves(const struct placement_policy *state, size_t i)
{
	const struct pack *p = &state->pack;

	return !state->unit[i].unplaced &&
	       p->option[p->item[i].chosen].bins != state->unit[i].present;
}

/* Its first option, or the second, which brings its memory there. */
static void stay(struct pack *p, size_t i)
{
	const struct pack_item *item = &p->item[i];
	const struct pack_option *first = &p->option[item->first_option];
	const struct pack_change bring = { item, first, first + 1 };

	pack_choose(p, i, item->first_option);
	if (item->noptions > 1 && first[1].bins == first->bins && pack_increase(p, &bring, 1) < 0)
		pack_choose(p, i, item->first_option + 1);
}

static void take_present(struct placement_policy *state)
{
	for (size_t i = 0; i < state->pack.nitems; i++)
		if (leaves(state, i))
			stay(&state->pack, i);
}

static bool is_cooling(const struct placement_step *s, const struct placement_unit *u)
{
	const struct guest_in_force *f =
		recall_guest(s->in_force, u->slot, &s->view->guest[u->slot]);
	uint64_t now_ns = s->view->now_ns, said_ns = s->state->guest[u->slot].pretended_ns;

	return f->reclaiming || pin_is_cooling(f, now_ns, s->conf->cooldown_s) ||
	       (said_ns && within_s(now_ns, said_ns, s->conf->cooldown_s));
}

/* What is done after the plan is made, so that the others' places do not depend on it: they
 * get there with the next plan. */
static void hold_back(struct placement_step *s)
{
	struct pack *p = &s->state->pack;

	for (size_t i = 0; i < p->nitems; i++) {
		struct placement_unit *u = &s->state->unit[i];

		u->held_back = leaves(s->state, i) && is_cooling(s, u);
		if (u->held_back)
			stay(p, i);
	}
}

static void improve(struct placement_policy *state, uint64_t max_looks, double *found)
{
	double cost;

	(void)pack_improve(&state->pack, max_looks);
	cost = pack_cost(&state->pack);
	if (cost >= *found)
		return;
	*found = cost;
	keep(state);
}

double placement_improve(struct placement_policy *state, uint64_t max_looks)
{
	struct pack *p = &state->pack;
	double found = pack_cost(p);

	keep(state);
	if (p->noptions > options_for_more_starts)
		pack_take_memory_along(p);
	improve(state, max_looks, &found);
	if (p->noptions <= options_for_more_starts) {
		pack_best_fit(p);
		improve(state, max_looks, &found);
		/* Best fit puts the large ones wrong now and then (8 guests: 97 % of the optima
		 * without the third start, 98.6 % with it). */
		pack_choose_cheapest(p);
		improve(state, max_looks, &found);
	}
	take_kept(state);
	return found;
}

/* However short the search may be, they are not left where they fell. */
static void place_unplaced(struct placement_policy *state)
{
	for (size_t i = 0; i < state->pack.nitems; i++)
		if (state->unit[i].unplaced)
			pack_place(&state->pack, i);
}

void placement_search(struct placement_step *s)
{
	struct placement_policy *state = s->state;
	const struct pack *p = &state->pack;
	double present = pack_cost(p);

	place_unplaced(state);
	if (present - placement_improve(state, looks_max) < least_gain_cpus)
		take_present(state);
	hold_back(s);
	for (size_t i = 0; i < p->nitems; i++) {
		state->unit[i].wanted = p->option[p->item[i].chosen].bins;
		state->unit[i].brings = p->option[p->item[i].chosen].brings;
	}
}

/* ---- guests in cells ----------------------------------------------------------------- */

/* Whether the nodes have CPUs enough for the vCPUs of all cells that want to go there. */
static bool has_cpus(const struct placing *p, const double taken[KT_NODES_MAX], uint64_t nodes,
		     double vcpus)
{
	double share = vcpus / nodemask_count(nodes);

	for (; nodes; nodes &= nodes - 1) {
		unsigned int n = nodemask_first(nodes);

		if (taken[n] + share > p->ncpus[n])
			return false;
	}
	return true;
}

/* PACK_OPTIONS_MAX: none has. */
static size_t cheapest_with_cpus(const struct pack *pack, const struct pack_item *item,
				 const struct placing *p, const double taken[KT_NODES_MAX],
				 double vcpus)
{
	size_t best = PACK_OPTIONS_MAX;
	double least = 0;

	for (size_t o = item->first_option; o < item->first_option + item->noptions; o++) {
		const struct pack_change change = { item, &pack->option[item->chosen],
						    &pack->option[o] };
		double cost = pack_increase(pack, &change, 1);

		if (!has_cpus(p, taken, pack->option[o].bins, vcpus) ||
		    (best < PACK_OPTIONS_MAX && cost >= least))
			continue;
		best = o;
		least = cost;
	}
	return best;
}

/* Each cell fits; together they may want more CPUs of a node than it has. */
void placement_separate_cells(struct placement_step *s)
{
	struct pack *pack = &s->state->pack;
	double taken[KT_NODES_MAX] = { 0 };

	for (size_t i = 0; i < s->state->nunits; i++) {
		struct placement_unit *u = &s->state->unit[i];
		struct placing p;
		double vcpus;
		size_t option;

		if (s->view->guest[u->slot].domain->ncells < 2)
			continue;
		p = placing_in_step(s, u->slot);
		vcpus = placing_cell_vcpus(&p, u->cell);
		if (u->cell == 0)
			memset(taken, 0, sizeof taken);
		option = cheapest_with_cpus(pack, &pack->item[i], &p, taken, vcpus);
		if (!has_cpus(&p, taken, u->wanted, vcpus) && option < PACK_OPTIONS_MAX) {
			pack_choose(pack, i, option);
			u->wanted = pack->option[option].bins;
			u->brings = pack->option[option].brings;
		}
		for (uint64_t nodes = u->wanted; nodes; nodes &= nodes - 1)
			taken[nodemask_first(nodes)] += vcpus / nodemask_count(u->wanted);
	}
}
