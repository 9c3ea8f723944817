/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which node is the home of each guest?
 *
 *	1. guests that may not be placed are load, and nothing else
 *	2. a guest that has a home keeps it, unless two thirds of its memory lie on
 *	   another node that has room
 *	3. a home that is asked for more than its CPUs gives guests up, those first that
 *	   leave the least memory behind
 *	4. a guest without a home gets the node that holds most of its memory, among those
 *	   with room; then the one with most free memory, then the least loaded one
 *
 * Between "has room" (at most all of its CPUs) and "crowded" (a tenth more) nothing
 * happens: that is the hysteresis. */
#include "placement_board.h"

#include <string.h>

#include "recall.h"

/* A tenth over: less is the noise of a mean over 10 s. */
static const double crowded_share = 1.1;

/* ---- wishes ----------------------------------------------------------------------- */

static void board_wish_home(struct board *b, size_t slot, const struct placing *p,
			    unsigned int node, enum why why)
{
	struct cpumask cpus = cpumask_and(&b->view->topology->node[node].cpus, &p->room), every;

	memset(&every, 0xff, sizeof every);
	b->plan->guest[slot].placement = (struct placement_plan){
		.wish = WISH_SET,
		.why = why,
		.backend = b->conf->backend,
		.nodes = nodemask_of(node),
		.ncells = 1,
		.cell[0] = { .nodes = nodemask_of(node), .vcpus = every, .cpus = cpus },
		.helpers = cpus,
	};
}

static void board_wish_none(struct board *b, size_t slot, enum wish wish, enum why why)
{
	b->plan->guest[slot].placement =
		(struct placement_plan){ .wish = wish, .why = why, .backend = b->conf->backend };
}

/* Its home in this plan, or KT_NODES_MAX. */
static unsigned int board_home(const struct board *b, size_t slot)
{
	const struct placement_plan *p = &b->plan->guest[slot].placement;

	return p->wish == WISH_SET ? nodemask_first(p->nodes) : KT_NODES_MAX;
}

static enum why why_stay(const struct placing *p, unsigned int home)
{
	return guest_resident_kib(p->guest) && guest_fullest_node(p->guest) == home
		       ? WHY_HOME_BY_MEMORY
		       : WHY_HOME_KEPT;
}

/* WHY_NONE in the plan: it may be placed and has no home. */
static void board_admit(struct board *b, size_t slot)
{
	struct placing p = placing_of(b->conf, b->view, b->in_force, slot);
	unsigned int home = p.in_force->pinned ? nodemask_first(p.in_force->nodes) : KT_NODES_MAX;
	enum wish wish;
	enum why why = placing_refused(&p, &wish);

	if (why != WHY_NONE) {
		board_wish_none(b, slot, wish, why);
		if (p.guest->present && wish == WISH_HOLD && home < KT_NODES_MAX)
			board_settle(b, p.guest, home);
		else
			board_spread(b, p.guest);
	} else if (home < KT_NODES_MAX && placing_suits_node(&p, home)) {
		board_wish_home(b, slot, &p, home, why_stay(&p, home));
		board_settle(b, p.guest, home);
	} else {
		board_wish_none(b, slot, WISH_RELEASE, WHY_NONE);
	}
}

/* ---- moving and making room ----------------------------------------------------- */

static void board_follow_memory(struct board *b, size_t slot)
{
	struct placing p = placing_of(b->conf, b->view, b->in_force, slot);
	unsigned int home = board_home(b, slot), there;

	if (home == KT_NODES_MAX || !demand_is_known(p.guest))
		return;
	there = guest_fullest_node(p.guest);
	if (there == home ||
	    p.guest->sample->node_memory_kib[there] <
		    sub_capped(guest_resident_kib(p.guest), guest_resident_kib(p.guest) / 3))
		return;
	if (pin_is_cooling(p.in_force, b->view->now_ns, b->conf->cooldown_s)) {
		b->plan->guest[slot].placement.why = WHY_COOLING_DOWN;
		return;
	}
	if (!board_has_room(b, &p, there))
		return;
	board_unsettle(b, p.guest, home);
	board_settle(b, p.guest, there);
	board_wish_home(b, slot, &p, there, WHY_HOME_BY_MEMORY);
}

/* Who leaves the least behind, and brings relief; KT_GUESTS_MAX: nobody. */
static size_t board_cheapest_to_move(const struct board *b, unsigned int node)
{
	size_t best = KT_GUESTS_MAX;
	uint64_t least_kib = 0;

	for (size_t i = 0; i < b->view->nslots; i++) {
		const struct guest_view *g = &b->view->guest[i];
		const struct guest_in_force *f = recall_guest(b->in_force, i, g);

		if (board_home(b, i) != node || !(guest_measured_cpus(g) > 0) ||
		    pin_is_cooling(f, b->view->now_ns, b->conf->cooldown_s))
			continue;
		if (best == KT_GUESTS_MAX || g->sample->node_memory_kib[node] < least_kib) {
			best = i;
			least_kib = g->sample->node_memory_kib[node];
		}
	}
	return best;
}

/* On a host that is asked for more than all of its CPUs every node is; letting guests
 * go would cost them their memory and bring nobody any CPU. */
static bool board_is_crowded(const struct board *b, unsigned int node)
{
	double fair_share = b->demand_share > 1 ? b->demand_share : 1;

	return b->node[node].demand_cpus > b->node[node].ncpus * crowded_share * fair_share;
}

static void board_relieve(struct board *b, unsigned int node)
{
	while (board_is_crowded(b, node)) {
		size_t slot = board_cheapest_to_move(b, node);

		if (slot == KT_GUESTS_MAX)
			return;
		board_unsettle(b, &b->view->guest[slot], node);
		board_wish_none(b, slot, WISH_RELEASE, WHY_NONE);
	}
}

/* ---- a new home ------------------------------------------------------------------- */

/* Of these nodes, those whose value is the best or less than `tie` below it. */
static uint64_t keep_best(uint64_t nodes, const uint64_t *value, uint64_t tie)
{
	uint64_t best = 0, kept = 0;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		if (nodes >> n & 1)
			best = KT_MAX(best, value[n]);
	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		if ((nodes >> n & 1) && (value[n] == best || best - value[n] < tie))
			kept |= UINT64_C(1) << n;
	return kept;
}

static uint64_t keep_freest(const struct board *b, uint64_t nodes)
{
	uint64_t room_kib[KT_NODES_MAX], smallest_kib = UINT64_MAX;

	for (size_t n = 0; n < KT_NODES_MAX; n++) {
		room_kib[n] = b->node[n].room_kib;
		if (nodes >> n & 1)
			smallest_kib =
				KT_MIN(smallest_kib, b->view->topology->node[n].mem_total_kib);
	}
	return keep_best(nodes, room_kib, smallest_kib / 10);
}

/* By vCPUs per CPU, then by id. */
static unsigned int least_loaded(const struct board *b, uint64_t nodes)
{
	unsigned int best = KT_NODES_MAX;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		if (!(nodes >> n & 1))
			continue;
		if (best == KT_NODES_MAX || b->node[n].nvcpus * b->node[best].ncpus <
						    b->node[best].nvcpus * b->node[n].ncpus)
			best = n;
	}
	return best;
}

static uint64_t nodes_with_room(const struct board *b, const struct placing *p)
{
	uint64_t nodes = 0;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		if (board_has_room(b, p, n))
			nodes |= UINT64_C(1) << n;
	return nodes;
}

static bool is_single(uint64_t nodes)
{
	return nodes && !(nodes & (nodes - 1));
}

/* KT_NODES_MAX: no node has room. */
static unsigned int board_choose(const struct board *b, const struct placing *p, enum why *ret_why)
{
	const uint64_t *memory_kib = p->guest->sample->node_memory_kib;
	uint64_t tie_kib = guest_resident_kib(p->guest) / 20;
	uint64_t fullest = keep_best(UINT64_MAX, memory_kib, tie_kib), freest;
	unsigned int best;

	freest = keep_freest(b, keep_best(nodes_with_room(b, p), memory_kib, tie_kib));
	best = least_loaded(b, freest);
	if (best == KT_NODES_MAX || !(fullest >> best & 1))
		*ret_why = WHY_NODE_CROWDED;
	else if (is_single(fullest))
		*ret_why = WHY_HOME_BY_MEMORY;
	else
		*ret_why = is_single(freest) ? WHY_HOME_BY_FREE_MEMORY : WHY_HOME_BY_LOAD;
	return best;
}

/* We have not watched it yet, but it has lived: most of its memory is there already.
 * What it really needs is known in a minute; until then it is not taken away from it. */
static bool is_new_only_to_us(const struct guest_view *g)
{
	return !demand_is_known(g) && guest_resident_kib(g) > g->domain->memory_kib / 2;
}

static void board_house(struct board *b, size_t slot)
{
	struct placing p = placing_of(b->conf, b->view, b->in_force, slot);
	unsigned int node;
	enum why why;

	if (b->plan->guest[slot].placement.why != WHY_NONE)
		return;
	node = board_choose(b, &p, &why);
	if (node == KT_NODES_MAX || (why == WHY_NODE_CROWDED && is_new_only_to_us(p.guest))) {
		board_wish_none(b, slot, WISH_RELEASE,
				demand_is_known(p.guest) ? why : WHY_NOT_MEASURED);
		board_spread(b, p.guest);
		return;
	}
	board_wish_home(b, slot, &p, node, why);
	board_settle(b, p.guest, node);
}

void placement_policy_step(struct placement_policy *state, const struct placement_conf *conf,
			   const struct host_view *view, const struct in_force *in_force,
			   struct plan *ret)
{
	struct board b = { .conf = conf, .view = view, .in_force = in_force, .plan = ret };

	state->stepped = true;
	board_survey(&b);
	for (size_t i = 0; i < view->nslots; i++)
		if (view->guest[i].domain)
			board_admit(&b, i);
	for (size_t i = 0; i < view->nslots; i++)
		if (view->guest[i].domain)
			board_follow_memory(&b, i);
	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		board_relieve(&b, n);
	for (size_t i = 0; i < view->nslots; i++)
		if (view->guest[i].domain)
			board_house(&b, i);
}
