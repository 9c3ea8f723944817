/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guests do we remember something of, and which one is in a slot now? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "act_private.h"

struct act_guest *act_find(const struct act *a, const struct uuid *uuid)
{
	for (struct act_guest *g = a->guests; g; g = g->next)
		if (uuid_equal(&g->uuid, uuid))
			return g;
	return NULL;
}

struct act_guest *act_add(struct act *a, const struct uuid *uuid)
{
	struct act_guest *g = calloc(1, sizeof *g);

	if (!g)
		return NULL;
	g->uuid = *uuid;
	g->slot = -1;
	g->next = a->guests;
	a->guests = g;
	return g;
}

static void leave_slot(struct act *a, struct act_guest *g)
{
	if (g->slot < 0)
		return;
	a->slot[g->slot] = NULL;
	a->in_force.guest[g->slot] = (struct guest_in_force){ 0 };
	g->slot = -1;
}

void act_remove(struct act *a, struct act_guest *g)
{
	struct act_guest **at = &a->guests;

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	act_reclaim_forget(a, g);
	leave_slot(a, g);
	act_placement_free(&g->placement);
	free(g->text.bytes);
	free(g);
}

void act_guest_reset(struct act *a, struct act_guest *g)
{
	undo_text_changes(g);
	act_placement_free(&g->placement);
	g->limit = (struct limit){ 0 };
	act_reclaim_forget(a, g);
	g->move_retry = (struct retry){ 0 };
	g->unreached_nodes = 0;
	g->has_fact = false;
	g->in_force = (struct guest_in_force){ .incarnation = g->in_force.incarnation };
	a->undo_stale = true;
}

/* True: nothing is left that could be given back.  Else it is tried again, and on file, until
 * its process ends: that it cannot be looked at does not mean that it has. */
static bool let_go(struct act *a, struct act_guest *g)
{
	int r = a->look_only ? -ESRCH : process_check(a->fs, g->pid, g->start_ticks);

	if (r == -ESRCH) {
		a->undo_stale = true;
		return true;
	}
	act_placement_try_again(a, &g->placement);
	act_placement_give_back(a, g, WHY_GUEST_LOST);
	if (r == 0)
		act_memory_lost(g);
	return r == 0 && !act_pins_any_ours(&g->placement);
}

static bool lose(struct act *a, struct act_guest *g)
{
	a->online_known = false;
	act_placement_lost(g);
	g->lost = true;
	return let_go(a, g);
}

void act_bind(struct act *a, size_t slot, uint32_t incarnation, const struct uuid *uuid, pid_t pid,
	      uint64_t start_ticks)
{
	struct act_guest *g = act_find(a, uuid);

	if (slot >= KT_GUESTS_MAX)
		return;
	if (!g)
		g = act_add(a, uuid);
	if (!g)
		return; /* without memory of the guest it is left alone */
	if (a->slot[slot] != g) {
		if (a->slot[slot])
			leave_slot(a, a->slot[slot]);
		leave_slot(a, g);
		a->slot[slot] = g;
		g->slot = (int)slot;
	}
	if (pid > 0 && g->pid > 0 && (g->pid != pid || g->start_ticks != start_ticks)) {
		(void)lose(a, g); /* it may go on without libvirt; there is no later */
		act_guest_reset(a, g);
	}
	undo_text_changes(g);
	g->lost = false;
	if (pid > 0) {
		g->pid = pid;
		g->start_ticks = start_ticks;
	}
	g->in_force.incarnation = incarnation;
	act_publish(a, g);
}

void act_forget(struct act *a, const struct uuid *uuid)
{
	struct act_guest *g = act_find(a, uuid);

	if (!g)
		return;
	a->undo_stale = true;
	act_reclaim_forget(a, g);
	leave_slot(a, g);
	if (lose(a, g))
		act_remove(a, g);
}

void act_each_unbound(const struct act *a, void (*see)(void *context, const struct uuid *uuid),
		      void *context)
{
	for (const struct act_guest *g = a->guests; g; g = g->next)
		if (g->slot < 0 && !g->lost)
			see(context, &g->uuid);
}

void act_let_go_of_lost(struct act *a)
{
	for (struct act_guest *g = a->guests, *next; g; g = next) {
		next = g->next;
		if (g->lost && let_go(a, g))
			act_remove(a, g);
	}
}

struct act_guest *act_guest_of(struct act *a, size_t slot, const struct guest_plan *plan)
{
	struct act_guest *g = a->slot[slot];

	if (!plan->present)
		return NULL;
	if (!g || g->in_force.incarnation != plan->incarnation ||
	    !uuid_equal(&g->uuid, &plan->uuid) || g->pid != plan->pid ||
	    g->start_ticks != plan->start_ticks) {
		act_bind(a, slot, plan->incarnation, &plan->uuid, plan->pid, plan->start_ticks);
		g = a->slot[slot];
	}
	if (!g || !uuid_equal(&g->uuid, &plan->uuid))
		return NULL;
	/* A guest that nobody has looked at has no other name either. */
	if (!plan->unseen && plan->name && strncmp(g->name, plan->name, sizeof g->name - 1) != 0) {
		undo_text_changes(g);
		memccpy(memset(g->name, 0, sizeof g->name), plan->name, '\0', sizeof g->name - 1);
	}
	return g;
}
