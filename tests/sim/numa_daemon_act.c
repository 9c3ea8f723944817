/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of the daemon's wishes on a simulated host? */
#include <math.h>

#include "numa_kvmtuned.h"

static const double kib_per_gib = 1024.0 * 1024;

/* ---- pins ------------------------------------------------------------------------------------ */

static uint64_t nodes_of_cpus(const struct topology *t, const struct cpumask *cpus)
{
	uint64_t nodes = 0;

	for (unsigned int n = 0; n < NUMA_NODES; n++) {
		struct cpumask here = cpumask_and(&t->node[n].cpus, cpus);

		if (!cpumask_empty(&here))
			nodes |= nodemask_of(n);
	}
	return nodes;
}

/* The plan's cell that this one's first vCPU belongs to. */
static const struct placement_cell *planned_cell(const struct placement_plan *p,
						 const struct numa_guest *g, unsigned int cell)
{
	unsigned int vcpu = cell * g->vcpus / g->ncells;

	for (unsigned int i = 0; i < p->ncells; i++)
		if (cpumask_test(&p->cell[i].vcpus, vcpu))
			return &p->cell[i];
	return NULL;
}

static void recall_pin(struct guest_in_force *f, const struct placement_plan *p, bool changed,
		       uint64_t now_ns)
{
	f->pinned = p->wish == WISH_SET;
	f->nodes = p->nodes;
	f->ncells = p->ncells;
	for (unsigned int i = 0; i < p->ncells; i++)
		f->cell_nodes[i] = p->cell[i].nodes;
	f->cpus = p->cell[0].cpus;
	if (changed)
		f->pin_changed_ns = now_ns;
}

static void pin_guest(struct numa_daemon *d, struct numa_world *w, size_t slot)
{
	const struct guest_plan *plan = &d->plan.guest[slot];
	const struct placement_plan *p = &plan->placement;
	struct guest_in_force *f = &d->in_force.guest[slot];
	unsigned int guest = d->guest[slot];
	struct numa_guest *g = &w->guest[guest];
	uint64_t nodes[NUMA_CELLS] = { 0 };
	bool changed = false;

	if (f->incarnation != plan->incarnation)
		*f = (struct guest_in_force){ .incarnation = plan->incarnation };
	if (p->dry_run || p->wish == WISH_HOLD)
		return;
	for (unsigned int c = 0; c < g->ncells; c++) {
		const struct placement_cell *cell = planned_cell(p, g, c);

		if (p->wish == WISH_SET && cell)
			nodes[c] = nodes_of_cpus(&d->topology, &cell->cpus);
		changed |= nodes[c] != g->nodes[c];
	}
	if (changed)
		numa_pin(w, guest, nodes);
	recall_pin(f, p, changed, d->plan.now_ns);
}

/* ---- orders, as act's mover takes them ------------------------------------------------------- */

/* False: nothing is to be moved. */
static bool wanted(const struct numa_daemon *d, struct numa_order *ret)
{
	const struct move_plan *m = &d->plan.move;
	const struct guest_plan *guest;

	if (!m->go || !m->kib_per_s || m->slot >= d->plan.nslots)
		return false;
	guest = &d->plan.guest[m->slot];
	if (!guest->present || guest->placement.dry_run || guest->placement.wish != WISH_SET)
		return false;
	*ret = (struct numa_order){ .slot = m->slot,
				    .incarnation = guest->incarnation,
				    .from = m->from,
				    .ncells = guest->placement.ncells };
	for (unsigned int c = 0; c < ret->ncells; c++)
		ret->nodes[c] = guest->placement.cell[c].nodes;
	return true;
}

static bool same_order(const struct numa_order *a, const struct numa_order *b)
{
	if (a->slot != b->slot || a->incarnation != b->incarnation || a->ncells != b->ncells ||
	    a->from != b->from)
		return false;
	for (unsigned int c = 0; c < a->ncells; c++)
		if (a->nodes[c] != b->nodes[c])
			return false;
	return true;
}

static void publish(struct numa_daemon *d)
{
	const struct numa_mover *m = &d->mover;
	struct move_in_force *f = &d->in_force.move;

	f->active = m->open;
	f->slot = m->order.slot;
	f->done = m->given && !m->open && m->done;
	f->full = m->given && !m->open && !m->done;
	f->moved_kib = (uint64_t)(m->moved_gib * kib_per_gib);
	if (m->open)
		f->kib_per_s = d->plan.move.kib_per_s;
}

/* Another order is given only after the end of the one before, which a stop brings: that is
 * known at the next plan.  What has come of it is told when it is asked for, not before. */
static void order_move(struct numa_daemon *d)
{
	struct numa_mover *m = &d->mover;
	struct numa_order order = { 0 };
	bool go = wanted(d, &order);

	if (m->stopping)
		m->given = m->open = m->stopping = false;
	if (m->given && (!go || !same_order(&order, &m->order))) {
		m->stopping = m->open;
		m->given = m->open;
	}
	if (go && !m->given)
		*m = (struct numa_mover){
			.given = true, .open = true, .order = order, .moved_gib = m->moved_gib
		};
	publish(d);
}

void numa_daemon_act(struct numa_daemon *d, struct numa_world *w)
{
	for (size_t i = 0; i < d->plan.nslots; i++)
		if (d->plan.guest[i].present)
			pin_guest(d, w, i);
	order_move(d);
}

/* ---- a second of moving ------------------------------------------------------------------------
 */

/* Of the cell's memory; KT_NODES_MAX: nothing lies elsewhere. */
static unsigned int fullest_elsewhere(const double *gib_on, uint64_t nodes)
{
	unsigned int best = KT_NODES_MAX;

	for (unsigned int n = 0; n < NUMA_NODES; n++)
		if (!nodemask_test(nodes, n) && gib_on[n] > 1e-6 &&
		    (best == KT_NODES_MAX || gib_on[n] > gib_on[best]))
			best = n;
	return best;
}

/* KT_NODES_MAX: none has any to spare. */
static unsigned int roomiest(const struct numa_world *w, uint64_t nodes, double leave_gib)
{
	unsigned int best = KT_NODES_MAX;
	double most_gib = leave_gib + 1e-6;

	for (unsigned int n = 0; n < w->shape.nnodes; n++) {
		double gib = nodemask_test(nodes, n) ? numa_free_gib(w, n) : 0;

		if (gib <= most_gib)
			continue;
		most_gib = gib;
		best = n;
	}
	return best;
}

/* In steps small enough for several targets to fill alike.  Returns what is left of the
 * budget. */
static double move_cell(struct numa_daemon *d, struct numa_world *w, unsigned int guest,
			unsigned int cell, double budget_gib)
{
	const struct placement_plan *p = &d->plan.guest[d->slot[guest]].placement;
	const struct placement_cell *home = planned_cell(p, &w->guest[guest], cell);
	const double *gib_on = w->guest[guest].gib_on[cell];
	double leave_gib = (double)d->plan.move.leave_free_kib / kib_per_gib, step_gib = 0.25;

	while (home && budget_gib > 1e-6) {
		unsigned int from = fullest_elsewhere(gib_on, home->nodes | ~d->mover.order.from);
		unsigned int to = roomiest(w, home->nodes, leave_gib);
		double gib;

		if (from == KT_NODES_MAX || to == KT_NODES_MAX) {
			d->mover.done &= from == KT_NODES_MAX;
			break;
		}
		gib = fmin(budget_gib, numa_free_gib(w, to) - leave_gib);
		budget_gib -= numa_move(w, guest, cell, from, to,
					home->nodes == nodemask_of(to) ? gib : fmin(gib, step_gib));
	}
	return budget_gib;
}

void numa_daemon_move(struct numa_daemon *d, struct numa_world *w)
{
	struct numa_mover *m = &d->mover;
	double budget_gib = (double)d->plan.move.kib_per_s / kib_per_gib, left_gib = budget_gib;
	unsigned int guest = d->guest[m->order.slot];

	/* another guest in its slot: its process has ended */
	m->open &= d->domains->slot[m->order.slot].incarnation == m->order.incarnation;
	if (!m->open || m->stopping)
		return;
	m->done = true;
	for (unsigned int c = 0; c < w->guest[guest].ncells; c++)
		left_gib = move_cell(d, w, guest, c, left_gib);
	m->open = left_gib <= 1e-6;
	m->moved_gib += budget_gib - left_gib;
	d->in_force.guest[m->order.slot].moved_kib +=
		(uint64_t)((budget_gib - left_gib) * kib_per_gib);
}
