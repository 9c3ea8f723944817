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

/* ---- as all was before a plan ------------------------------------------ */

bool act_pins_keep(struct placement *p)
{
	size_t bytes = p->npins * sizeof *p->pin;

	p->kept.pin = malloc(KT_MAX(bytes, (size_t)1));
	if (!p->kept.pin)
		return false;
	if (bytes > 0)
		memcpy(p->kept.pin, p->pin, bytes);
	p->kept.npins = p->npins;
	p->kept.home = p->home;
	return true;
}

void act_pins_forget_kept(struct placement *p)
{
	free(p->kept.pin);
	p->kept.pin = NULL;
}

/* That the kernel has reset a mask can be seen for a while only. */
static void keep_losses(struct placement *p)
{
	for (size_t i = 0; i < p->kept.npins; i++) {
		struct pin *kept = &p->kept.pin[i];
		const struct pin *now = act_pin_find(p, kept->tid, i);

		if (!now || now->start_ticks != kept->start_ticks || !now->ours || !now->lost)
			continue;
		kept->got = now->got;
		kept->lost = true;
		kept->done = false;
	}
}

void act_pins_put_back(struct placement *p)
{
	keep_losses(p);
	free(p->pin);
	p->pin = p->kept.pin;
	p->npins = p->capacity = p->kept.npins;
	p->home = p->kept.home;
	p->kept.pin = NULL;
}

/* ---- what is in force, and whose it is ---------------------------------- */

bool act_pins_any_ours(const struct placement *p)
{
	for (size_t i = 0; i < p->npins; i++)
		if (p->pin[i].ours)
			return true;
	return false;
}

bool act_pins_go_back(const struct placement *p)
{
	for (size_t i = 0; i < p->npins; i++)
		if (p->pin[i].back)
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
		if (p->pin[i].ours && !p->pin[i].back && !p->pin[i].gone &&
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

	g->in_force.pin_off = g->placement.off || a->affinity_off;
	if (g->placement.settled)
		return; /* so was what follows, when it was published last */
	g->in_force.pinned = is_pinned(&g->placement);
	home = g->in_force.pinned ? &g->placement.home : &nowhere;
	g->in_force.nodes = home->nodes;
	g->in_force.ncells = home->ncells;
	memcpy(g->in_force.cell_nodes, home->cell_nodes, sizeof home->cell_nodes);
	g->in_force.cpus = home->cpus;
}

static const struct cpumask *mask_of_pin(struct act *a, const struct pin *pin,
					 const struct cpumask *mask, const struct cpumask *wanted)
{
	const struct cpumask *ours[] = { &pin->asked, &pin->before, pin->done ? &pin->got : NULL };
	const struct cpumask *found = NULL;

	for (size_t i = 0; i < KT_ARRAY_LEN(ours); i++)
		if (ours[i] && act_shows(a, mask, ours[i]) &&
		    (!found || cpumask_equal(found, wanted)))
			found = ours[i];
	return found;
}

bool act_pin_shows(struct act *a, const struct pin *pin, const struct cpumask *mask)
{
	static const struct cpumask any = { 0 };

	return mask_of_pin(a, pin, mask, &any) != NULL;
}

const struct cpumask *act_mask_of_ours(struct act *a, const struct act_guest *g,
				       const struct cpumask *mask, const struct cpumask *wanted)
{
	const struct cpumask *found = NULL;

	for (size_t i = 0; i < g->placement.npins && (!found || cpumask_equal(found, wanted));
	     i++) {
		const struct cpumask *ours = mask_of_pin(a, &g->placement.pin[i], mask, wanted);

		found = ours ? ours : found;
	}
	return found;
}

/* The main thread's, if it could be that one's. */
const struct pin *act_pin_of_mother(struct act *a, const struct act_guest *g,
				    const struct cpumask *mask)
{
	const struct placement *p = &g->placement;
	const struct pin *first = act_pin_main(g);

	if (first && act_pin_shows(a, first, mask))
		return first;
	for (size_t i = 0; i < p->npins; i++)
		if (act_pin_shows(a, &p->pin[i], mask))
			return &p->pin[i];
	return NULL;
}

bool act_mask_is_ours(struct act *a, const struct act_guest *g, const struct cpumask *mask)
{
	static const struct cpumask any = { 0 };

	return act_mask_of_ours(a, g, mask, &any) != NULL;
}

/* A request whose answer was lost may have been done, or not; nor may that of an earlier life
 * have been, whose result could not be read. */
bool act_pin_may_be_ours(struct act *a, const struct pin *pin, const struct cpumask *found)
{
	return act_shows(a, found, &pin->got) || act_shows(a, found, &pin->asked) ||
	       (!pin->done && act_shows(a, found, &pin->before));
}

static bool is_within(const struct cpumask *mask, const struct cpumask *other)
{
	struct cpumask outside = cpumask_andnot(mask, other);

	return cpumask_empty(&outside);
}

/* The kernel takes CPUs from a mask, and adds none, unless it gives back all that the thread may
 * have.  `got` has but those of ours that were on-line. */
int act_pin_hides_more(struct act *a, const struct pin *pin, const struct cpumask *found)
{
	struct cpumask whole, got = cpumask_or(&pin->got, &pin->asked);
	int r;

	if (!a->fs->is_live || !act_may_hide_cpus(a))
		return 0;
	r = act_whole_mask(a, pin->tid, &whole);
	if (r < 0)
		return r;
	if (is_within(&pin->original, &whole))
		return 0;
	if ((act_shows(a, found, &pin->asked) && is_within(&whole, &pin->asked)) ||
	    (act_shows(a, found, &pin->got) && is_within(&whole, &got)) ||
	    (!pin->done && act_shows(a, found, &pin->before) && is_within(&whole, &pin->before)))
		return 0;
	return a->online_unread ? -EAGAIN : 1;
}
