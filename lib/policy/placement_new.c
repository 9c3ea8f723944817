/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where do guests go that have just come, while nobody has looked at the others?
 *
 * An event is about one guest of a thousand.  The places of the others stand, as the last step
 * chose them, and so do their plans; each newcomer takes what fits best beside them.  The next
 * step that has looked at all of them weighs everything anew. */
#include "placement_private.h"

/* It was in the last step, and the plan still says what came of that: a reason is always given. */
static bool is_known(const struct placement_step *s, size_t slot)
{
	return s->plan->guest[slot].placement.why != WHY_NONE;
}

/* Cells of a guest are kept apart with all others in view. */
static bool is_simple(const struct guest_view *g)
{
	return g->present && g->domain->ncells < 2;
}

static uint64_t present_nodes(const struct host_sample *h)
{
	uint64_t nodes = 0;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		nodes |= (uint64_t)h->node[n].present << n;
	return nodes;
}

/* Places that were chosen before a node went may be on it. */
static bool is_same_host(const struct placement_step *s)
{
	return cpumask_equal(&s->state->usable, &s->view->topology->usable) &&
	       s->state->nodes == present_nodes(s->view->host);
}

void placement_note_look(struct placement_step *s)
{
	s->state->looked_ns = s->view->now_ns;
	s->state->usable = s->view->topology->usable;
	s->state->nodes = present_nodes(s->view->host);
}

bool placement_has_only_new(const struct placement_step *s)
{
	size_t nknown = 0;

	if (!s->state->stands || s->view->nunseen == 0 || s->conf->pin != PIN_NODE ||
	    !is_same_host(s))
		return false;
	for (size_t i = 0; i < s->view->nslots; i++) {
		const struct guest_view *g = &s->view->guest[i];

		if (!g->domain)
			continue;
		if (is_known(s, i) != guest_is_unseen(g) || (!guest_is_unseen(g) && !is_simple(g)))
			return false;
		nknown += guest_is_unseen(g);
	}
	return nknown == s->state->nguests; /* nobody has gone */
}

static void place_from(struct placement_step *s, size_t first)
{
	struct pack *p = &s->state->pack;

	for (size_t i = first; i < p->nitems; i++) {
		struct placement_unit *u = &s->state->unit[i];

		pack_settle_item(p, i);
		pack_place(p, i);
		u->wanted = p->option[p->item[i].chosen].bins;
		u->brings = p->option[p->item[i].chosen].brings;
	}
	if (s->state->nunits > first)
		placement_wish(s, &s->state->unit[first], s->state->nunits - first);
}

void placement_add_new(struct placement_step *s)
{
	for (size_t i = 0; i < s->view->nslots; i++) {
		size_t first = s->state->pack.nitems;

		if (!s->view->guest[i].domain || guest_is_unseen(&s->view->guest[i]))
			continue;
		placement_admit(s, i);
		place_from(s, first);
		s->state->nguests++;
	}
	if (s->state->is_moving) /* pressure ends or slows it each second, whatever else happens */
		placement_choose_move(s);
}
