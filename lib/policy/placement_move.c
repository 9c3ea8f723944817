/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose memory moves to its home now, and how fast?
 *
 * One guest at a time: the one whose next GiB saves most.  Not while memory is short, the
 * host's own CPUs are taken from it, or the guest waits for a CPU. */
#include "placement_private.h"

/* Below this the search for pages costs more than they do. */
static const double least_gib = 1.0 / 16;
/* A better one has to be so much better to interrupt what has begun. */
static const double interrupt_factor = 2;
/* Of this host's own CPUs; and of what the guest wants. */
static const double host_steal_max = 0.05, guest_delay_max = 0.05;
/* Percent of the time in which somebody waits for memory: at this much nothing moves. */
static const double psi_stop_pct = 5;
static const uint64_t look_again_ns = KT_NS_PER_S;
/* A home that was full is asked again after this time. */
static const uint64_t full_s = 30;

static double away_gib(const struct placement_step *s, const struct placement_unit *u)
{
	const struct guest_view *g = &s->view->guest[u->slot];
	const struct placement_guest *state = &s->state->guest[u->slot];
	uint64_t kib = 0;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		if (!nodemask_test(s->plan->guest[u->slot].placement.nodes, n))
			kib = add_capped(kib, g->sample->node_memory_kib[n]);
	if (state->stuck_nodes == s->plan->guest[u->slot].placement.nodes)
		kib = sub_capped(kib, state->stuck_kib + state->stuck_kib / 8);
	return (double)kib / (1024 * 1024);
}

/* Its threads are there already: vCPUs first, memory later. */
static bool is_home(const struct placement_step *s, const struct placement_unit *u)
{
	const struct guest_in_force *f =
		recall_guest(s->in_force, u->slot, &s->view->guest[u->slot]);

	return f->pinned && f->nodes == s->plan->guest[u->slot].placement.nodes;
}

static bool may_move_now(const struct placement_step *s, const struct placement_unit *u)
{
	const struct guest_view *g = &s->view->guest[u->slot];
	const struct placement_guest *state = &s->state->guest[u->slot];

	if (state->full_ns && within_s(s->view->now_ns, state->full_ns, full_s))
		return false;
	return u->brings && is_home(s, u) && s->plan->guest[u->slot].placement.wish == WISH_SET &&
	       g->steal_share.value <= guest_delay_max && away_gib(s, u) > least_gib;
}

/* What a GiB at home is worth: CPUs that wait for it, by their part of all its memory, and
 * how far it is now. */
static double worth(const struct placement_step *s, const struct placement_unit *u)
{
	const struct guest_view *g = &s->view->guest[u->slot];
	double variance, cpus = placement_cpus(g, &variance), most = 0;
	uint64_t nodes = s->plan->guest[u->slot].placement.nodes;
	double gib = (double)guest_resident_kib(g) / (1024 * 1024);

	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		double far;

		if (!g->sample->node_memory_kib[n] || nodemask_test(nodes, n))
			continue;
		far = placement_remoteness(s->view->topology, nodemask_first(nodes), n);
		most = KT_MAX(most, far);
	}
	return gib > 0 ? cpus * most / gib : 0;
}

static const struct placement_unit *best_unit(const struct placement_step *s)
{
	const struct placement_unit *best = NULL;
	double most = 0;

	for (size_t i = 0; i < s->state->nunits; i++) {
		const struct placement_unit *u = &s->state->unit[i];
		double here;

		if (!may_move_now(s, u))
			continue;
		here = worth(s, u);
		if (s->state->is_moving && s->state->moving == u->slot)
			here *= interrupt_factor;
		if (here > most) {
			most = here;
			best = u;
		}
	}
	return best;
}

/* 0..1: of the budget. */
static double ease(const struct host_view *v)
{
	if (v->steal_share > host_steal_max || v->psi_memory_full_pct >= psi_stop_pct)
		return 0;
	return 1 - v->psi_memory_full_pct / psi_stop_pct;
}

static void note_stuck(const struct placement_step *s, size_t slot)
{
	const struct guest_view *g = &s->view->guest[slot];
	struct placement_guest *guest = &s->state->guest[slot];

	guest->stuck_nodes = recall_guest(s->in_force, slot, g)->nodes;
	guest->stuck_kib = 0;
	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		if (!nodemask_test(guest->stuck_nodes, n))
			guest->stuck_kib =
				add_capped(guest->stuck_kib, g->sample->node_memory_kib[n]);
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
		state->guest[slot].full_ns = s->view->now_ns;
	state->is_moving &= !f->done && !f->full;
}

void placement_choose_move(struct placement_step *s)
{
	struct move_plan *m = &s->plan->move;
	const struct placement_unit *u;
	double budget = (double)s->conf->move_mib_per_s * 1024 * ease(s->view);

	note_end(s);
	*m = (struct move_plan){ .why = WHY_NOTHING_TO_MOVE,
				 .leave_free_kib = mul_capped(s->conf->node_reserve_mib, 1024) };
	u = best_unit(s);
	s->state->is_moving = u && budget >= 1;
	if (!u)
		return;
	m->why = budget >= 1 ? WHY_MOVE_PAYS : WHY_MOVE_PRESSURE;
	m->go = budget >= 1;
	m->slot = s->state->moving = u->slot;
	m->kib_per_s = (uint64_t)budget;
	s->plan->look_again_ns = look_again_ns;
}
