/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where is the home of each guest?
 *
 *	1. guests that may not be placed are load, and nothing else
 *	2. what the others want, where their memory lies and what each choice would cost makes
 *	   a problem of items and bins, whose solution is where they should be
 *	3. changes are made when they gain enough, and none of a guest that has just changed
 *	4. the memory of one guest at a time follows, when that pays
 *	5. what a change has brought is compared with what was to be expected of it */
#include "placement_private.h"

static bool same_cells(const struct placement_plan *a, const struct placement_plan *b)
{
	for (unsigned int c = 0; c < a->ncells; c++)
		if (a->cell[c].nodes != b->cell[c].nodes ||
		    a->cell[c].memory_kib != b->cell[c].memory_kib ||
		    !cpumask_equal(&a->cell[c].vcpus, &b->cell[c].vcpus) ||
		    !cpumask_equal(&a->cell[c].cpus, &b->cell[c].cpus))
			return false;
	return true;
}

static bool same_plan(const struct placement_plan *a, const struct placement_plan *b)
{
	return a->wish == b->wish && a->why == b->why && a->backend == b->backend &&
	       a->nodes == b->nodes && a->ncells == b->ncells && a->core_of == b->core_of &&
	       cpumask_equal(&a->helpers, &b->helpers) && same_cells(a, b);
}

/* One that stays is not written again, for it is large, and keeps its version.  Caches and cores
 * are chosen in it later. */
static void set_plan(struct placement_step *s, size_t slot, const struct placement_plan *new)
{
	struct placement_plan *plan = &s->plan->guest[slot].placement;

	if (s->conf->pin != PIN_NODE || !same_plan(plan, new))
		*plan = *new;
}

static void wish_none(struct placement_step *s, size_t slot, enum wish wish, enum why why)
{
	const struct placement_plan plan = { .wish = wish,
					     .why = why,
					     .backend = s->conf->backend };

	set_plan(s, slot, &plan);
}

static void forget_guest(struct placement_guest *g, uint32_t incarnation)
{
	if (g->incarnation != incarnation)
		*g = (struct placement_guest){ .incarnation = incarnation };
}

/* ---- who is placed --------------------------------------------------------------------- */

void placement_admit(struct placement_step *s, size_t slot)
{
	struct placing p = placing_in_step(s, slot);
	size_t nunits = s->state->nunits, nitems = s->state->pack.nitems;
	enum wish wish;
	enum why why = placing_refused(&p, &wish);

	forget_guest(&s->state->guest[slot], p.guest->incarnation);
	if (why == WHY_NONE && s->state->observes) {
		why = WHY_PREDICTIONS_FAIL;
		wish = WISH_HOLD;
	}
	if (why != WHY_NONE) {
		s->state->guest[slot].decided &= wish == WISH_HOLD;
		wish_none(s, slot, wish, why);
		return;
	}
	placement_note_run(s, &p);
	/* A pin of a life before was decided then. */
	s->state->guest[slot].decided |= p.in_force->pinned;
	if (placement_add_units(s, &p, slot))
		return;
	s->state->nunits = nunits; /* half a guest is not placed */
	s->state->pack.nitems = nitems;
	wish_none(s, slot, WISH_HOLD, WHY_NODE_CROWDED);
}

/* ---- where, and why ----------------------------------------------------------------------- */

static bool is_at_device(const struct guest_view *g, uint64_t nodes)
{
	return g->sample->device_nodes & nodes;
}

/* A little memory is QEMU's own. */
static bool has_memory(const struct guest_view *g)
{
	return guest_resident_kib(g) > g->domain->memory_kib / 20;
}

/* Not of memory without CPUs, where nobody can run, nor of a node that cannot be read. */
static bool is_barred(const struct placing *p, unsigned int node)
{
	return !nodemask_test(p->nodes, node) && p->view->host->node[node].present &&
	       !cpumask_empty(&p->view->topology->node[node].cpus);
}

static enum why why_there(const struct placing *p, uint64_t nodes)
{
	unsigned int fullest = guest_fullest_node(p->guest);

	if (has_memory(p->guest) && nodemask_test(nodes, fullest))
		return WHY_HOME_BY_MEMORY;
	if (has_memory(p->guest) && is_barred(p, fullest))
		return WHY_HOME_IN_CPUSET;
	if (is_at_device(p->guest, nodes))
		return WHY_HOME_BY_DEVICE;
	return has_memory(p->guest) ? WHY_NODE_CROWDED : WHY_HOME_BY_LOAD;
}

enum why placement_not_yet(const struct placement_unit *units, size_t n)
{
	bool held_back = false;

	for (size_t i = 0; i < n; i++) {
		if (units[i].rolled_back)
			return WHY_ROLLED_BACK;
		held_back |= units[i].held_back;
	}
	if (held_back)
		return WHY_COOLING_DOWN;
	return WHY_NONE;
}

/* Of a guest in cells: of all of them. */
static enum why why_home(const struct placing *p, const struct placement_unit *units, size_t n)
{
	bool stays = true;
	uint64_t nodes = 0;

	for (size_t i = 0; i < n; i++) {
		stays &= !units[i].unplaced && units[i].wanted == units[i].present;
		nodes |= units[i].wanted;
	}
	if (stays && why_there(p, nodes) != WHY_HOME_BY_MEMORY)
		return WHY_HOME_KEPT;
	return why_there(p, nodes);
}

/* ---- wishes ------------------------------------------------------------------------------ */

/* The only node that it may use is a home. */
static bool is_everywhere(const struct placing *p, const struct placement_unit *units, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (units[i].wanted != p->nodes)
			return false;
	return nodemask_count(p->nodes) > 1;
}

static void wish_home(struct placement_step *s, const struct placing *p,
		      const struct placement_unit *units, size_t n, enum why why)
{
	struct placement_plan plan = {
		.wish = WISH_SET, .why = why, .backend = s->conf->backend, .ncells = (unsigned int)n
	};

	for (size_t i = 0; i < n; i++) {
		plan.cell[i].nodes = units[i].wanted;
		plan.cell[i].memory_kib = n > 1 ? placing_cell_kib(p, units[i].cell) : 0;
		plan.nodes |= units[i].wanted;
	}
	placement_fill_masks(s, p, &plan);
	set_plan(s, units->slot, &plan);
}

static enum why why_everywhere(const struct placing *p, const struct placement_unit *u)
{
	for (uint64_t nodes = p->nodes; nodes; nodes &= nodes - 1)
		if (placing_suits(p, u->cell, nodes & -nodes))
			return WHY_SPREAD;
	return WHY_WIDER_THAN_NODE;
}

static enum why why_wished(const struct placing *p, const struct placement_unit *units, size_t n)
{
	enum why not_yet = placement_not_yet(units, n);

	if (not_yet != WHY_NONE)
		return not_yet;
	return is_everywhere(p, units, n) ? why_everywhere(p, units) : why_home(p, units, n);
}

static bool changes(const struct placement_unit *units, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (units[i].wanted != units[i].present)
			return true;
	return false;
}

void placement_wish(struct placement_step *s, const struct placement_unit *units, size_t n)
{
	size_t slot = units->slot;
	struct placing p = placing_in_step(s, slot);
	enum why why = why_wished(&p, units, n);

	if (changes(units, n) && !units->rolled_back)
		placement_expect(s, &p, slot);
	s->state->guest[slot].decided = true;
	if (is_everywhere(&p, units, n) && !p.confined)
		wish_none(s, slot, WISH_RELEASE, why);
	else
		wish_home(s, &p, units, n, why);
}

static void wish_all(struct placement_step *s)
{
	const struct placement_unit *units = s->state->unit;
	size_t n;

	for (size_t i = 0; i < s->state->nunits; i += n) {
		for (n = 1; i + n < s->state->nunits && units[i + n].slot == units[i].slot; n++)
			;
		placement_wish(s, &units[i], n);
	}
}

/* What a look at all guests says of them is for all this time, in which events may have been. */
static double since_look_s(struct placement_policy *state, const struct host_view *view)
{
	if (view->dt_s <= 0)
		state->looked_ns = view->now_ns;
	if (!state->looked_ns)
		return view->dt_s;
	return KT_MAX(view->dt_s, (double)sub_capped(view->now_ns, state->looked_ns) / 1e9);
}

void placement_policy_step(struct placement_policy *state, const struct placement_conf *conf,
			   const struct host_view *view, const struct in_force *in_force,
			   struct plan *ret)
{
	struct placement_step s = {
		.state = state, .conf = conf, .view = view, .in_force = in_force, .plan = ret
	};

	s.dt_s = since_look_s(state, view);
	placement_fill_near(&s);
	if (placement_has_only_new(&s)) {
		placement_add_new(&s);
		return;
	}
	pack_begin(&state->pack);
	state->nunits = state->nguests = 0;
	for (size_t i = 0; i < view->nslots; i++) {
		if (!view->guest[i].domain)
			continue;
		placement_admit(&s, i);
		state->nguests++;
	}
	placement_note_base(&s);
	placement_fill_bins(&s);
	pack_settle(&state->pack);
	placement_note_waits(&s);
	placement_judge(&s);
	placement_search(&s);
	placement_separate_cells(&s);
	placement_roll_back(&s);
	wish_all(&s);
	placement_choose_move(&s);
	ret->placement_observes = state->observes;
	placement_note_look(&s);
	state->stands = conf->pin == PIN_NODE; /* else the pack has other items by now */
	if (conf->pin != PIN_NODE)
		placement_choose_caches(&s); /* takes the pack for its own */
	if (conf->pin == PIN_CORE)
		placement_choose_cores(&s);
}
