/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of a loop or a guest in more than one format: in which state is it? */
#include "answer.h"

/* Between two ticks libvirt may have given the slot to another guest. */
bool answer_guest_is_known(const struct kvmtuned *k, size_t slot)
{
	const struct domain_slot *d = &k->domains->slot[slot];
	const struct guest_plan *p = &k->plan->guest[slot];

	return slot < k->domains->nslots && slot < k->plan->nslots && d->used && p->present &&
	       d->incarnation == p->incarnation;
}

/* Reasons that do not go away by waiting. */
static const bool stands[_WHY_MAX] = {
	[WHY_SWITCHED_OFF] = true,     [WHY_PAUSED] = true,
	[WHY_RELEASED] = true,         [WHY_CEDED] = true,
	[WHY_NOT_SAMPLED] = true,      [WHY_ACTUATOR_OFF] = true,
	[WHY_GUEST_LOST] = true,       [WHY_SINGLE_NODE_HOST] = true,
	[WHY_PINNED_BY_ADMIN] = true,  [WHY_PLACEMENT_AUTO] = true,
	[WHY_REALTIME] = true,         [WHY_MEMORY_UNKNOWN] = true,
	[WHY_NUMAD_RUNNING] = true,    [WHY_NO_CPUS] = true,
	[WHY_PREDICTIONS_FAIL] = true, [WHY_NO_SWAP] = true,
	[WHY_NO_CGROUP] = true,        [WHY_UNRECLAIMABLE] = true,
	[WHY_LIMITED_BY_ADMIN] = true, [WHY_NO_RECLAIM] = true,
};

/* KSM takes all guests or none, but those whose memory it cannot have. */
static bool ksm_may_act(const struct kvmtuned *k, size_t slot)
{
	enum loop_state state = answer_loop_state(k, LOOP_KSM);

	return (state == LOOP_IS_ACTIVE || state == LOOP_IS_OBSERVING) &&
	       k->plan->ksm.why != WHY_NO_KSM && ksm_guest_mergeable(&k->view->guest[slot]);
}

enum why answer_guest_obstacle(const struct kvmtuned *k, size_t slot)
{
	const struct guest_plan *p = &k->plan->guest[slot];

	if (!k->view->guest[slot].present)
		return WHY_NOT_SAMPLED;
	if (!stands[p->placement.why] || !stands[p->memory.why] || ksm_may_act(k, slot))
		return WHY_NONE;
	return p->placement.why;
}
