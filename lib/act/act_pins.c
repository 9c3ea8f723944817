/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which threads of a guest have been pinned, and what did they have before?
 *
 * A table per guest.  A pin that was given back stays in it as long as its thread lives:
 * its original tells our own doing from somebody else's when the guest is pinned again. */
#include <errno.h>
#include <string.h>

#include "act_private.h"

struct pin *act_pin_find(const struct placement *p, pid_t tid, size_t hint)
{
	for (size_t i = 0; i < p->npins; i++) {
		struct pin *pin = &p->pin[(hint + i) % p->npins];

		if (pin->tid == tid)
			return pin;
	}
	return NULL;
}

const struct pin *act_pin_main(const struct act_guest *g)
{
	return act_pin_find(&g->placement, g->pid, 0);
}

static bool grow(struct placement *p, size_t capacity)
{
	struct pin *pin = realloc(p->pin, capacity * sizeof *pin);

	if (!pin)
		return false;
	p->pin = pin;
	p->capacity = capacity;
	return true;
}

void act_pins_expect(struct placement *p, size_t nthreads)
{
	if (nthreads > p->capacity && nthreads <= KT_THREADS_MAX)
		(void)grow(p, nthreads); /* without memory: as far as it goes, one by one */
}

struct pin *act_pin_add(struct placement *p)
{
	if (p->npins == KT_THREADS_MAX)
		return NULL;
	if (p->npins == p->capacity && !grow(p, KT_MAX(2 * p->capacity, (size_t)4)))
		return NULL;
	p->pin[p->npins] = (struct pin){ 0 };
	return &p->pin[p->npins++];
}

/* Starts looking where the last search ended: both lists have the same order, nearly. */
static bool is_listed(const struct guest_plan *plan, const struct pin *pin, size_t *next)
{
	for (size_t n = 0; n < plan->nthreads; n++) {
		const struct guest_thread *t = &plan->threads[(*next)++ % plan->nthreads];

		if (t->tid == pin->tid && t->start_ticks == pin->start_ticks)
			return true;
	}
	return false;
}

void act_pins_drop_dead(const struct act *a, struct act_guest *g, const struct guest_plan *plan)
{
	struct placement *p = &g->placement;
	size_t kept = 0, next = 0;
	bool unpinnable;

	for (size_t i = 0; i < p->npins; i++) {
		const struct pin *pin = &p->pin[i];

		if (is_listed(plan, pin, &next) ||
		    thread_check(a->fs, g->pid, pin->tid, pin->start_ticks, &unpinnable) != -ESRCH)
			p->pin[kept++] = *pin;
	}
	p->npins = kept;
}

bool act_pins_any_ours(const struct placement *p)
{
	for (size_t i = 0; i < p->npins; i++)
		if (p->pin[i].ours)
			return true;
	return false;
}

bool act_pins_any_pending(const struct placement *p)
{
	for (size_t i = 0; i < p->npins; i++)
		if (p->pin[i].pending)
			return true;
	return false;
}

bool act_pins_are_done(const struct placement *p)
{
	for (size_t i = 0; i < p->npins; i++)
		if (p->pin[i].ours && !p->pin[i].done)
			return false;
	return true;
}

/* What libvirt was asked for may be done at any moment, and would look like somebody else's
 * pin to whoever takes the guest for unpinned. */
static bool is_asked(const struct pin *pin)
{
	return pin->pending && !pin->giving_back;
}

static bool is_pinned(const struct placement *p)
{
	for (size_t i = 0; i < p->npins; i++)
		if (p->pin[i].ours &&
		    (is_asked(&p->pin[i]) || !cpumask_equal(&p->pin[i].got, &p->pin[i].original)))
			return true;
	return false;
}

void act_pins_note_orphans(struct act *a)
{
	for (struct act_guest *g = a->guests; g; g = g->next)
		for (size_t i = 0; i < g->placement.npins; i++) {
			struct pin *pin = &g->placement.pin[i];
			struct cpumask left = cpumask_and(&pin->asked, &a->online);

			pin->was_orphan |= pin->ours && cpumask_empty(&left);
		}
}

struct cpumask act_pins_asked(const struct placement *p)
{
	struct cpumask r = { 0 };

	for (size_t i = 0; i < p->npins; i++)
		r = cpumask_or(&r, &p->pin[i].asked);
	return r;
}

void act_placement_publish(const struct act *a, struct act_guest *g)
{
	const struct home nowhere = { 0 };
	const struct home *home;

	g->in_force.pinned = is_pinned(&g->placement);
	home = g->in_force.pinned ? &g->placement.home : &nowhere;
	g->in_force.nodes = home->nodes;
	g->in_force.ncells = home->ncells;
	memcpy(g->in_force.cell_nodes, home->cell_nodes, sizeof home->cell_nodes);
	g->in_force.cpus = home->cpus;
	g->in_force.pin_off = g->placement.off || a->affinity_off;
}

const struct cpumask *act_mask_of_pin(struct act *a, const struct pin *pin,
				      const struct cpumask *mask)
{
	const struct cpumask *got = pin->done ? &pin->got : NULL;

	if (act_shows(a, mask, &pin->asked))
		return &pin->asked;
	if (act_shows(a, mask, &pin->before))
		return &pin->before;
	return got && act_shows(a, mask, got) ? got : NULL;
}

const struct cpumask *act_mask_of_ours(struct act *a, const struct act_guest *g,
				       const struct cpumask *mask)
{
	for (size_t i = 0; i < g->placement.npins; i++) {
		const struct cpumask *found = act_mask_of_pin(a, &g->placement.pin[i], mask);

		if (found)
			return found;
	}
	return NULL;
}

bool act_mask_is_ours(struct act *a, const struct act_guest *g, const struct cpumask *mask)
{
	return act_mask_of_ours(a, g, mask) != NULL;
}

/* A request whose answer was lost may have been done, or not; nor may that of an earlier life
 * have been, whose result could not be read. */
bool act_pin_may_be_ours(struct act *a, const struct pin *pin, const struct cpumask *found)
{
	return act_shows(a, found, &pin->got) || act_shows(a, found, &pin->asked) ||
	       (!pin->done && act_shows(a, found, &pin->before));
}
