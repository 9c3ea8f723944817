/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Did a change help?
 *
 * What a guest had to wait for CPUs, of all that it wanted, is compared: before the change,
 * and over a while after it.  The model says what must be waited where it is now, with the
 * load that there is now; a guest that waits for more than that, and for more than before,
 * has been put in the wrong place for a reason that the model does not know.  It goes back,
 * and whoever has been wrong too often only watches. */
#include "placement_private.h"

#include <math.h>

/* Of what it wants. */
static const double much_worse = 0.05;
/* CPUs: as much as a change has to gain. */
static const double harm_cpus = 0.1;
/* Of a node's CPUs. */
static const double saturated_share = 0.75;
/* Long enough for six looks, the first of which is not counted: it holds the change. */
static const double watch_s = 30;
/* Less than this it wants nothing. */
static const double idle_cpus = 0.05;
/* Of the last changes: so many that did not help, and more than half. */
static const unsigned int failures_max = 4, remembered = 16;

/* CPUs that any change must bring. */
static const double repin_cpus = 0.1;
static const double backoff_factor = 1.5, backoff_step = 0.1, backoff_of_failure = 1;
/* The back-off falls by half in some eight minutes. */
static const double backoff_tau_s = 667;

static double backoff_now(const struct placement_guest *g, uint64_t now_ns)
{
	return g->backoff_cpus *
	       exp(-(double)sub_capped(now_ns, g->backoff_ns) / 1e9 / backoff_tau_s);
}

double placement_change_cpus(const struct placement_step *s, size_t slot)
{
	return repin_cpus + backoff_now(&s->state->guest[slot], s->view->now_ns);
}

static void back_off(struct placement_guest *g, uint64_t now_ns, double more)
{
	g->backoff_cpus = backoff_factor * backoff_now(g, now_ns) + more;
	g->backoff_ns = now_ns;
}

void placement_expect(struct placement_step *s, const struct placing *p, size_t slot)
{
	struct placement_effect *e = &s->state->guest[slot].effect;

	*e = (struct placement_effect){ .expected = true,
					.noted_ns = s->view->now_ns,
					.delay_share_before = p->guest->steal_share.value };
	for (unsigned int c = 0; c < placing_ncells(p); c++)
		e->left[c] = placing_present(p, c);
}

/* What was wished has been done; a dry run never does it. */
static void begin_to_watch(struct placement_guest *g, uint64_t changed_ns, uint64_t now_ns)
{
	g->effect.expected = false;
	g->effect.watched = true;
	g->effect.changed_ns = changed_ns;
	back_off(g, now_ns, backoff_step);
}

/* Of what is wanted of these nodes: who has to wait, by the model and the load of the last
 * step. */
static double expected_share(const struct placement_policy *state, uint64_t nodes)
{
	double most = 0;

	if (!nodes)
		nodes = UINT64_MAX; /* it runs everywhere */
	for (; nodes; nodes &= nodes - 1)
		most = KT_MAX(most, state->wait_share[nodemask_first(nodes)]);
	return most;
}

static void count(struct placement_policy *state, bool failed)
{
	if (state->njudged >= remembered) {
		state->njudged /= 2;
		state->nfailed /= 2;
	}
	state->njudged++;
	state->nfailed += failed;
	if (state->nfailed >= failures_max && 2 * state->nfailed > state->njudged)
		state->observes = true;
}

double placement_blame_cpus(const struct placement_step *s, uint64_t nodes)
{
	double most = 0;

	for (; nodes; nodes &= nodes - 1) {
		unsigned int n = nodemask_first(nodes);
		double ago_s = (double)sub_capped(s->view->now_ns, s->state->blame_ns[n]) / 1e9;

		if (!(s->state->blame_cpus[n] > 0))
			continue;
		most = KT_MAX(most, s->state->blame_cpus[n] * exp(-ago_s / backoff_tau_s));
	}
	return most;
}

static void blame(struct placement_step *s, uint64_t nodes)
{
	for (; nodes; nodes &= nodes - 1) {
		unsigned int n = nodemask_first(nodes);

		s->state->blame_cpus[n] =
			placement_blame_cpus(s, nodemask_of(n)) + backoff_of_failure;
		s->state->blame_ns[n] = s->view->now_ns;
	}
}

/* Neither did it help before, nor can the model say why: CPUs that were waited for. */
static double unexplained_cpus(const struct placement_effect *e)
{
	double share = e->delay_s / e->want_s, explained = e->explained_s / e->want_s;
	double known = KT_MAX(e->delay_share_before, explained);

	return share > known + much_worse ? (share - known) * e->want_s / e->seconds : 0;
}

static void judge(struct placement_step *s, struct placement_guest *g, uint64_t nodes)
{
	const struct placement_effect *e = &g->effect;
	bool failed;

	g->effect.watched = false;
	/* An idle guest proves nothing; on a host whose own CPUs are taken, nobody does. */
	if (e->want_s < idle_cpus * e->seconds || placement_is_robbed(s->view))
		return;
	failed = unexplained_cpus(e) >= harm_cpus;
	count(s->state, failed);
	if (!failed)
		return;
	g->roll_back = true;
	blame(s, nodes);
	back_off(g, s->view->now_ns, backoff_of_failure);
}

/* Whether all of its CPUs were busy for much of the time since the look before. */
static bool is_saturated(const struct host_view *v, uint64_t nodes)
{
	for (; nodes; nodes &= nodes - 1) {
		unsigned int n = nodemask_first(nodes);

		if (v->node_busy_cpus[n] >
		    saturated_share * cpumask_count(&v->topology->node[n].cpus))
			return true;
	}
	return false;
}

/* As the load was then: others come and go while a guest is watched, and the model, which
 * knows means, sees only a part of what the first moments of a burst cost. */
static double explained_cpus(const struct placement_step *s, const struct guest_view *v,
			     const struct guest_in_force *f)
{
	uint64_t nodes = f->pinned ? f->nodes : 0;

	if (is_saturated(s->view, nodes))
		return v->delay_cpus;
	return expected_share(s->state, nodes) * (v->run_cpus + v->delay_cpus);
}

static void watch(struct placement_step *s, const struct guest_view *v, struct placement_guest *g,
		  const struct guest_in_force *f)
{
	struct placement_effect *e = &g->effect;
	double dt_s = s->dt_s;

	if (e->expected && f->pin_changed_ns >= e->noted_ns)
		begin_to_watch(g, f->pin_changed_ns, s->view->now_ns);
	if (e->watched && f->pin_changed_ns != e->changed_ns)
		e->watched = false; /* somebody else, or something else, has changed it */
	if (!e->watched || (double)sub_capped(s->view->now_ns, e->changed_ns) < dt_s * 1e9)
		return;
	e->want_s += (v->run_cpus + v->delay_cpus) * dt_s;
	e->delay_s += v->delay_cpus * dt_s;
	e->explained_s += explained_cpus(s, v, f) * dt_s;
	e->seconds += dt_s;
	if (e->seconds >= watch_s)
		judge(s, g, f->pinned ? f->nodes : 0);
}

void placement_judge(struct placement_step *s)
{
	for (size_t i = 0; i < s->view->nslots; i++) {
		const struct guest_view *v = &s->view->guest[i];

		if (v->present)
			watch(s, v, &s->state->guest[i], recall_guest(s->in_force, i, v));
	}
}

void placement_note_waits(struct placement_step *s)
{
	const struct pack *p = &s->state->pack;

	for (size_t n = 0; n < p->nbins; n++) {
		const struct pack_bin *b = &p->bin[n];
		double load = b->base_cpus + b->cpus;

		s->state->wait_share[n] = load > 0 ? pack_expected_wait(b) / load : 0;
	}
}

void placement_roll_back(struct placement_step *s)
{
	for (size_t i = 0; i < s->state->nunits; i++) {
		struct placement_unit *u = &s->state->unit[i];
		const struct placement_guest *g = &s->state->guest[u->slot];
		struct placing p;

		if (!g->roll_back)
			continue;
		p = placing_in_step(s, u->slot);
		if (!placing_suits(&p, u->cell, g->effect.left[u->cell]))
			continue;
		u->wanted = g->effect.left[u->cell];
		u->brings = u->held_back = false;
		u->rolled_back = true;
	}
	for (size_t i = 0; i < s->view->nslots; i++)
		s->state->guest[i].roll_back = false;
}

void placement_policy_pretend(struct placement_policy *state, size_t slot,
			      const struct placement_plan *plan, uint64_t now_ns)
{
	struct placement_guest *g = &state->guest[slot];
	bool changes = false;

	if (plan->dry_run && plan->wish == WISH_HOLD)
		return;
	for (unsigned int c = 0; c < KT_CELLS_MAX; c++) {
		/* Without a home, and of cells that there are not, these are none. */
		uint64_t nodes = plan->dry_run ? plan->cell[c].nodes : 0;

		changes |= g->pretended[c] != nodes;
		g->pretended[c] = nodes;
	}
	if (!plan->dry_run)
		g->pretended_ns = 0;
	if (!plan->dry_run || !changes)
		return;
	g->pretended_ns = now_ns;
	back_off(g, now_ns, backoff_step);
}

void placement_policy_forgive(struct placement_policy *state)
{
	for (size_t i = 0; i < KT_GUESTS_MAX; i++) {
		state->guest[i].full_ns = state->guest[i].stuck_from = 0;
		state->guest[i].stuck_kib = state->guest[i].nfull = 0;
	}
	for (size_t n = 0; n < KT_NODES_MAX; n++)
		state->blame_cpus[n] = 0;
	state->njudged = state->nfailed = 0;
	state->observes = false;
}
