/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where would one more guest go, with nobody else being moved?
 *
 * The same items, bins and costs as in a step: the others where they are, and then what
 * each choice of the newcomer would add. */
#include "explain.h"
#include "placement_private.h"
#include "rule.h"

#include <string.h>

static const double kib_per_gib = 1024 * 1024;

/* The guest that is asked for. */
struct newcomer {
	struct domain domain;
	struct guest_sample sample;
	struct guest_view view;
	struct placing placing;
};

static void describe(struct newcomer *who, const struct placement_step *s, unsigned int vcpus,
		     uint64_t memory_kib)
{
	who->domain = (struct domain){ .running = true,
				       .vcpus = KT_MAX(vcpus, 1U),
				       .memory_kib = memory_kib };
	who->sample = (struct guest_sample){ .present = true, .cpuset = s->view->topology->usable };
	who->view = (struct guest_view){ .present = true,
					 .domain = &who->domain,
					 .sample = &who->sample };
	who->placing = placing_of_guest(s->conf, s->view, &who->view, &rule_nothing_in_force);
}

/* As a step admits it; who may not be placed is load, and nothing else. */
static void add_present(struct placement_step *s, size_t slot)
{
	struct placing p = placing_in_step(s, slot);
	size_t nunits = s->state->nunits, nitems = s->state->pack.nitems;
	enum wish wish;

	if (placing_refused(&p, &wish) != WHY_NONE || s->state->observes ||
	    s->state->guest[slot].incarnation != p.guest->incarnation ||
	    placement_add_units(s, &p, slot))
		return;
	s->state->nunits = nunits;
	s->state->pack.nitems = nitems;
}

/* The others in their bins, and the newcomer in none. */
static struct pack_item *settle(struct placement_step *s, const struct placing *p)
{
	struct pack *pack = &s->state->pack;
	struct pack_item *item;

	pack_begin(pack);
	s->state->nunits = 0;
	for (size_t i = 0; i < s->view->nslots; i++)
		if (s->view->guest[i].domain)
			add_present(s, i);
	item = placement_add_newcomer(s, p);
	if (!item)
		return NULL;
	placement_fill_bins(s);
	pack_settle(pack);
	pack_apply(pack,
		   &(struct pack_change){ .item = item, .from = &pack->option[item->chosen] });
	return item;
}

static double free_gib(const struct pack_bin *b)
{
	return KT_MAX(b->room_gib - b->gib, 0.0);
}

static bool has_room(const struct pack *pack, const struct pack_item *item,
		     const struct pack_option *o)
{
	for (uint64_t nodes = o->bins; nodes; nodes &= nodes - 1)
		if (free_gib(&pack->bin[nodemask_first(nodes)]) < o->share * item->gib)
			return false;
	return true;
}

static struct advised_nodes look_at(const struct pack *pack, const struct placing *p,
				    const struct pack_item *item, const struct pack_option *o)
{
	struct pack_item weightless = *item; /* what is over is no CPU that is lost */
	struct advised_nodes here = { .nodes = o->bins };

	weightless.gib_to_come = 0;
	here.lost_cpus =
		pack_increase(pack, &(struct pack_change){ .item = &weightless, .to = o }, 1);
	here.fits = placing_suits(p, 0, o->bins) &&
		    (p->guest->domain->memory_kib == 0 || has_room(pack, item, o));
	for (uint64_t nodes = o->bins; nodes; nodes &= nodes - 1)
		here.free_kib +=
			(uint64_t)(free_gib(&pack->bin[nodemask_first(nodes)]) * kib_per_gib);
	return here;
}

/* By rising cost, of the same cost as they came. */
static void consider_all(const struct pack *pack, const struct placing *p,
			 const struct pack_item *item, struct advice *ret)
{
	double cost[ADVICE_MAX] = { 0 };

	for (size_t o = item->first_option; o < item->first_option + item->noptions; o++) {
		const struct pack_change comes = { .item = item, .to = &pack->option[o] };
		double more = pack_increase(pack, &comes, 1);
		size_t at = KT_MIN(ret->n, (size_t)ADVICE_MAX - 1);

		if (ret->n == ADVICE_MAX && !(more < cost[at]))
			continue;
		ret->n = at + 1;
		for (; at > 0 && more < cost[at - 1]; at--) {
			cost[at] = cost[at - 1];
			ret->considered[at] = ret->considered[at - 1];
		}
		cost[at] = more;
		ret->considered[at] = look_at(pack, p, item, comes.to);
	}
}

static enum why why_there(const struct placing *p, const struct advised_nodes *best)
{
	if (p->view->topology->ncpu_nodes < 2)
		return WHY_SINGLE_NODE_HOST;
	if (!best->fits)
		return WHY_NODE_CROWDED;
	if (nodemask_count(best->nodes) == 1)
		return WHY_HOME_BY_LOAD;
	for (uint64_t nodes = p->nodes; nodes; nodes &= nodes - 1)
		if (placing_suits(p, 0, nodes & -nodes))
			return WHY_SPREAD;
	return WHY_WIDER_THAN_NODE;
}

void placement_advise(const struct arbiter *arbiter, const struct placement_conf *conf,
		      const struct host_view *view, const struct in_force *in_force,
		      unsigned int vcpus, uint64_t memory_kib, struct advise_scratch *scratch,
		      struct advice *ret)
{
	struct placement_step s = {
		.state = &scratch->placement, .conf = conf, .view = view, .in_force = in_force
	};
	const struct pack_item *item;
	struct newcomer who;

	*ret = (struct advice){ .why = WHY_NO_CPUS };
	/* What is of one step is made here. */
	memcpy(s.state, &arbiter->placement, offsetof(struct placement_policy, pack));
	describe(&who, &s, vcpus, memory_kib);
	if (who.placing.nodes == 0)
		return;
	ret->why = WHY_WIDER_THAN_NODE;
	if (view->topology->ncpu_nodes > 1 && !placing_suits(&who.placing, 0, who.placing.nodes))
		return;
	placement_fill_near(&s);
	ret->why = WHY_NODE_CROWDED; /* with more guests than a step plans for */
	item = settle(&s, &who.placing);
	if (!item)
		return;
	consider_all(&s.state->pack, &who.placing, item, ret);
	ret->nodes = ret->considered[0].nodes;
	ret->why = why_there(&who.placing, &ret->considered[0]);
}
