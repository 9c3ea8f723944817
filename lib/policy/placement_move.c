/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose memory moves to its home now, and how fast?
 *
 * One guest at a time: the one whose next GiB saves most.  Not while memory is short, the
 * host's own CPUs are taken from it, or the guest waits for a CPU. */
#include "placement_private.h"

/* On a node: below this the search for pages costs more than they do. */
static const uint64_t least_kib = 4 * 1024;
/* Of the farthest: memory that is so far goes with it. */
static const double alike = 0.7;
/* A better one has to be so much better to interrupt what has begun. */
static const double interrupt_factor = 2;
/* Of what the guest wants. */
static const double guest_delay_max = 0.05;
/* Percent of the time in which somebody waits for memory: at this much nothing moves. */
static const double psi_stop_pct = 5;
static const uint64_t look_again_ns = KT_NS_PER_S;
/* A home that was full is asked again after this time, and after twice that. */
static const uint64_t full_s = 30;
static const unsigned int full_doublings = 6; /* 32 minutes */
/* A move that has to wait: an order that is stopped would begin with a search of all the
 * guest's memory when it is given again. */
static const uint64_t paused_kib_per_s = 256;

bool placement_was_full(const struct placement_step *s, const struct placement_guest *g,
			uint64_t nodes)
{
	return g->full_ns && (g->full_nodes & nodes) &&
	       within_s(s->view->now_ns, g->full_ns,
			full_s << KT_MIN(g->nfull - 1, full_doublings));
}

static uint64_t kib_on(const struct guest_view *g, uint64_t nodes)
{
	uint64_t kib = 0;

	for (; nodes; nodes &= nodes - 1)
		kib = add_capped(kib, g->sample->node_memory_kib[nodemask_first(nodes)]);
	return kib;
}

/* What has begun goes on to the end. */
static bool goes_on(const struct placement_step *s, size_t slot, unsigned int from)
{
	return s->state->is_moving && s->state->moving == slot &&
	       nodemask_test(s->state->moving_from, from);
}

/* Nodes that have memory of the guest which belongs home, and may move. */
static uint64_t nodes_away(const struct placement_step *s, size_t slot)
{
	const struct guest_view *g = &s->view->guest[slot];
	const struct placement_guest *state = &s->state->guest[slot];
	const struct placement_plan *plan = &s->plan->guest[slot].placement;
	uint64_t home_ns = recall_guest(s->in_force, slot, g)->pin_changed_ns, away = 0;

	/* Which cell's memory is on which node only the search for it tells: once. */
	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		if (g->sample->node_memory_kib[n] > (goes_on(s, slot, n) ? 0 : least_kib) &&
		    (plan->ncells > 1 || !nodemask_test(plan->nodes, n)) &&
		    !placement_is_tier(s->view, n))
			away |= nodemask_of(n);
	if (state->stuck_home_ns == home_ns &&
	    kib_on(g, state->stuck_from) <= state->stuck_kib + state->stuck_kib / 8 + least_kib)
		away &= ~state->stuck_from;
	return away;
}

/* Its threads are there already: vCPUs first, memory later. */
static bool is_home(const struct placement_step *s, const struct placement_unit *u)
{
	const struct guest_in_force *f =
		recall_guest(s->in_force, u->slot, &s->view->guest[u->slot]);

	return f->pinned && f->nodes == s->plan->guest[u->slot].placement.nodes;
}

/* Cells were told apart by guessing: whatever it costs, the search for what lies wrong is
 * worth it, once for each home. */
static bool is_unsearched(const struct placement_step *s, size_t slot)
{
	struct placing p;

	if (s->view->guest[slot].domain->ncells < 2)
		return false;
	p = placing_of(s->conf, s->view, s->in_force, slot);
	return placing_may_move(&p) &&
	       s->state->guest[slot].stuck_home_ns != p.in_force->pin_changed_ns;
}

/* It waits for a CPU as it is, or its memory is being reclaimed. */
static bool is_no_time(const struct placement_step *s, size_t slot)
{
	const struct guest_view *g = &s->view->guest[slot];

	return g->steal_share.value > guest_delay_max ||
	       recall_guest(s->in_force, slot, g)->reclaiming;
}

static bool may_move_now(const struct placement_step *s, const struct placement_unit *u)
{
	/* The search did not know yet, or cells are to be searched whatever it says. */
	if (s->in_force->move.off || placement_was_full(s, &s->state->guest[u->slot],
							s->plan->guest[u->slot].placement.nodes))
		return false;
	/* What has begun only pauses. */
	if (is_no_time(s, u->slot) && !(s->state->is_moving && s->state->moving == u->slot))
		return false;
	return (u->brings || is_unsearched(s, u->slot)) && is_home(s, u) &&
	       s->plan->guest[u->slot].placement.wish == WISH_SET;
}

/* A GiB of the guest's memory on `node`, where some is, is worth this much at home: CPUs that
 * wait for it, by its part of all, and how far it is now. */
static double worth(const struct placement_step *s, size_t slot, unsigned int node)
{
	const struct guest_view *g = &s->view->guest[slot];
	unsigned int home = nodemask_first(s->plan->guest[slot].placement.cell[0].nodes);
	double cpus = KT_MAX(g->demand.slow, 0.01); /* a burst is over before its memory is here */
	double gib = (double)guest_resident_kib(g) / (1024 * 1024);

	return cpus * placement_remoteness(s->view->topology, home, node) / gib;
}

struct move {
	double worth;
	size_t slot;
	uint64_t from;
};

/* Of the same guest, all nodes that are about as far. */
static void consider(const struct placement_step *s, size_t slot, struct move *best)
{
	uint64_t away = nodes_away(s, slot);
	struct move m = { .slot = slot };

	for (uint64_t left = away; left; left &= left - 1)
		m.worth = KT_MAX(m.worth, worth(s, slot, nodemask_first(left)));
	for (uint64_t left = away; left; left &= left - 1)
		if (s->plan->guest[slot].placement.ncells > 1 ||
		    worth(s, slot, nodemask_first(left)) >= alike * m.worth)
			m.from |= nodemask_of(nodemask_first(left));
	if (s->state->is_moving && s->state->moving == slot && (m.from & s->state->moving_from)) {
		m.worth *= interrupt_factor;
		m.from = s->state->moving_from; /* an order that is changed begins anew */
	}
	if (m.worth > best->worth)
		*best = m;
}

static struct move best_move(const struct placement_step *s)
{
	struct move best = { 0 };

	for (size_t i = 0; i < s->state->nunits; i++)
		if (may_move_now(s, &s->state->unit[i]))
			consider(s, s->state->unit[i].slot, &best);
	return best;
}

/* 0..1: of the budget. */
static double ease(const struct host_view *v)
{
	if (placement_is_robbed(v) || v->psi_memory_full_pct >= psi_stop_pct ||
	    v->swap_out_per_s > 0)
		return 0;
	return 1 - v->psi_memory_full_pct / psi_stop_pct;
}

static void note_stuck(const struct placement_step *s, size_t slot)
{
	const struct guest_view *g = &s->view->guest[slot];
	struct placement_guest *guest = &s->state->guest[slot];
	uint64_t home_ns = recall_guest(s->in_force, slot, g)->pin_changed_ns;

	if (guest->stuck_home_ns != home_ns)
		guest->stuck_from = 0;
	guest->stuck_home_ns = home_ns;
	guest->stuck_from |= s->state->moving_from;
	guest->stuck_kib = kib_on(g, guest->stuck_from);
}

/* A try that goes on says nothing yet. */
static void note_full(const struct placement_step *s, size_t slot)
{
	const struct guest_view *g = &s->view->guest[slot];
	struct placement_guest *guest = &s->state->guest[slot];
	uint64_t home = recall_guest(s->in_force, slot, g)->nodes;

	guest->nfull = guest->full_nodes == home ? guest->nfull + 1 : 1;
	guest->full_nodes = home;
	guest->full_ns = s->view->now_ns;
}

/* What is left where it was when all is done does not move: shared with others, or locked. */
static void note_end(struct placement_step *s)
{
	const struct move_in_force *f = &s->in_force->move;
	struct placement_policy *state = s->state;
	size_t slot = state->moving;

	if (!state->is_moving || f->slot != slot || !s->view->guest[slot].present)
		return;
	if (f->done)
		note_stuck(s, slot);
	if (f->full)
		note_full(s, slot);
	else if (f->done)
		state->guest[slot].nfull = 0;
	state->is_moving &= !f->done && !f->full;
}

static uint64_t leave_free_kib(const struct placement_step *s, uint64_t nodes)
{
	uint64_t most = 0;

	for (; nodes; nodes &= nodes - 1) {
		uint64_t kib = placement_reserve_kib(s->conf, s->view, nodemask_first(nodes));

		most = KT_MAX(most, kib);
	}
	return most;
}

static double speed_kib_per_s(const struct placement_step *s, size_t slot)
{
	double budget = (double)s->conf->move_mib_per_s * 1024 * ease(s->view);

	return is_no_time(s, slot) ? 0 : budget;
}

void placement_choose_move(struct placement_step *s)
{
	struct move_plan *m = &s->plan->move;
	bool was_moving = s->state->is_moving;
	struct move best;
	double speed;

	note_end(s);
	best = best_move(s);
	*m = (struct move_plan){ .why = WHY_NOTHING_TO_MOVE };
	speed = best.from ? speed_kib_per_s(s, best.slot) : 0;
	/* Now is no time to begin. */
	s->state->is_moving = best.from && (speed >= 1 || (was_moving && s->state->is_moving));
	if (!best.from)
		return;
	m->why = speed >= 1 ? WHY_MOVE_PAYS : WHY_MOVE_PRESSURE;
	m->go = s->state->is_moving;
	m->slot = s->state->moving = best.slot;
	m->from = s->state->moving_from = best.from;
	m->kib_per_s = KT_MAX((uint64_t)speed, paused_kib_per_s);
	m->leave_free_kib = leave_free_kib(s, s->plan->guest[best.slot].placement.nodes);
	s->plan->look_again_ns = look_again_ns;
}
