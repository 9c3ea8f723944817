/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose soft limit is lowered while the host is short of memory, and how far?
 *
 * One guest at a time, the idlest that has something to give, by a small step:
 *
 *	limit = min(limit in force, usage) - min(step_permille of usage, step_max)
 *
 * never below its floor, and on cgroup v2 never more than 1 % below its usage: there
 * the soft limit is memory.high, a throttle; on v1 it is a hint for kswapd.  It is a
 * ratchet: it only goes down, until it is let go as a whole. */
#include "memory_rules.h"
#include "recall.h"

/* Also with 64 KiB pages the kernel reads back what was written. */
static const uint64_t limit_grain_kib = 64;

/* What the guest keeps: a share of its memory, or its own word on its working set and
 * a tenth; and room for the merged pages that it may write to, each of which is then
 * charged to it again. */
static uint64_t floor_kib(const struct memory_conf *conf, const struct guest_view *g)
{
	const struct domain *d = g->domain;
	uint64_t floor = share_of(d->memory_kib, conf->floor_percent, 100), working_set;

	if (d->has_balloon) {
		working_set = sub_capped(d->memory_kib, d->balloon_usable_kib);
		floor = KT_MAX(floor, add_capped(working_set, working_set / 10));
	}
	return add_capped(floor, g->merged_kib);
}

static uint64_t round_up_to_grain(uint64_t kib)
{
	return add_capped(kib, limit_grain_kib - 1) / limit_grain_kib * limit_grain_kib;
}

/* KT_UNLIMITED_KIB: no limit that would help and not hurt. */
static uint64_t next_limit_kib(const struct squeeze *q)
{
	const struct guest_sample *s = q->guest->sample;
	uint64_t step = KT_MIN(share_of(s->usage_kib, q->conf->step_permille, 1000),
			       mul_capped(q->conf->step_max_mib, 1024));
	uint64_t now = s->usage_kib, lowest = floor_kib(q->conf, q->guest), next;

	if (q->in_force->limited)
		now = KT_MIN(now, q->in_force->soft_limit_kib);
	if (s->cgroup_v2)
		lowest = KT_MAX(lowest, sub_capped(s->usage_kib, s->usage_kib / 100));
	next = round_up_to_grain(KT_MAX(sub_capped(now, step), lowest));
	return next < now ? next : KT_UNLIMITED_KIB;
}

static struct squeeze squeeze_of(struct memory_policy *state, const struct memory_conf *conf,
				 const struct host_view *view, const struct in_force *in_force,
				 const struct plan *plan, size_t slot)
{
	const struct guest_view *guest = &view->guest[slot];
	struct memory_guest_state *gs = &state->guest[slot];

	if (gs->incarnation != guest->incarnation)
		*gs = (struct memory_guest_state){ .incarnation = guest->incarnation };
	return (struct squeeze){
		.conf = conf,
		.now_ns = view->now_ns,
		.host = memory_host_of(conf, view, &plan->memory),
		.guest = guest,
		.in_force = recall_guest(in_force, slot, guest),
		.state = gs,
		.settling = plan->guest[slot].settling,
	};
}

/* The answer when no step is made at this guest. */
static struct memory_plan judge(const struct squeeze *q)
{
	enum wish wish;
	enum why why = squeeze_refused(q, &wish);

	if (why == WHY_NONE) {
		wish = WISH_HOLD;
		why = next_limit_kib(q) == KT_UNLIMITED_KIB ? WHY_AT_FLOOR : WHY_NOT_IDLEST;
	}
	return (struct memory_plan){ .wish = wish, .why = why, .target_kib = KT_UNLIMITED_KIB };
}

static bool step_is_due(const struct memory_policy *state, const struct squeeze *q)
{
	return !q->in_force->limit_pending &&
	       (!state->stepped ||
		!within_s(q->now_ns, state->last_step_ns, q->conf->step_interval_s));
}

/* Between two steps the limit in force is wished again. */
static struct memory_plan squeeze(struct memory_policy *state, const struct squeeze *q)
{
	struct memory_plan plan = { .wish = WISH_SET,
				    .why = WHY_IDLEST_UNDER_PRESSURE,
				    .means = MEMORY_SOFT_LIMIT,
				    .target_kib = q->in_force->soft_limit_kib };

	if (step_is_due(state, q)) {
		state->stepped = true;
		state->last_step_ns = q->now_ns;
		plan.target_kib = next_limit_kib(q);
	} else if (!q->in_force->limited) {
		plan = (struct memory_plan){ .wish = WISH_HOLD,
					     .why = WHY_COOLING_DOWN,
					     .target_kib = KT_UNLIMITED_KIB };
	}
	return plan;
}

void memory_policy_step(struct memory_policy *state, const struct memory_conf *conf,
			const struct host_view *view, const struct in_force *in_force,
			struct plan *ret)
{
	struct squeeze idlest = { 0 };
	size_t idlest_slot = KT_GUESTS_MAX;

	for (size_t i = 0; i < view->nslots; i++) {
		struct squeeze q = squeeze_of(state, conf, view, in_force, ret, i);

		if (!q.guest->domain)
			continue;
		squeeze_note_suffering(&q);
		ret->guest[i].memory = judge(&q);
		if (ret->guest[i].memory.why != WHY_NOT_IDLEST)
			continue;
		if (idlest_slot == KT_GUESTS_MAX ||
		    squeeze_activity(&q) < squeeze_activity(&idlest)) {
			idlest = q;
			idlest_slot = i;
		}
	}
	if (idlest_slot != KT_GUESTS_MAX)
		ret->guest[idlest_slot].memory = squeeze(state, &idlest);
}
