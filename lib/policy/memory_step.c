/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of a guest's memory is taken next, and what does it keep?
 *
 * The first step is small, each that did no harm doubles the next:
 *
 *	share = step_permille of usage
 *	step = min(min(share, 16 MiB) * 2^n * score, 8 * share, step_max)
 *
 * never below its floor.  A soft limit is a ratchet: it only goes down, until it is let go
 * as a whole.  On cgroup v2 it is memory.high, a throttle, and never more than 1 % below
 * usage; on v1 it is a hint for kswapd, and goes down whether usage follows or not. */
#include "capped.h"
#include "memory_rules.h"

/* Smaller steps are not worth a write. */
static const uint64_t least_kib = 1024;
static const uint64_t limit_grain_kib = 64;
/* All of it may turn out to be in use: 4096 pages from an SSD are 0.4 s. */
static const uint64_t first_kib = 16 * 1024;
static const double growth_max = 8; /* of step_permille */

/* A share of its memory; what it is guaranteed; or its own word on its working set and a
 * tenth. */
uint64_t squeeze_floor_kib(const struct squeeze *q)
{
	const struct domain *d = q->guest->domain;
	uint64_t own_mib = d->wish.min_guarantee_mib;
	uint64_t guarantee_kib = mul_capped(own_mib ? own_mib : q->conf->min_guarantee_mib, 1024);
	uint64_t floor = share_of(d->memory_kib, q->conf->floor_percent, 100), working_set;

	floor = KT_MAX(floor, guarantee_kib);
	if (d->has_balloon) {
		working_set = sub_capped(d->memory_kib, d->balloon_usable_kib);
		floor = KT_MAX(floor, add_capped(working_set, working_set / 10));
	}
	return floor;
}

static uint64_t swap_room_kib(const struct squeeze *q)
{
	const struct guest_sample *s = q->guest->sample;

	return s->swap_max_kib == KT_UNLIMITED_KIB ? UINT64_MAX
						   : sub_capped(s->swap_max_kib, s->swap_kib);
}

/* A limit would be worse than useless then: on cgroup v2 a guest that cannot swap stands
 * still. */
bool squeeze_may_not_swap(const struct squeeze *q)
{
	return swap_room_kib(q) < least_kib;
}

uint64_t squeeze_round_limit_kib(uint64_t kib)
{
	return add_capped(kib, limit_grain_kib - 1) / limit_grain_kib * limit_grain_kib;
}

static bool is_throttle(const struct squeeze *q)
{
	return q->means == MEMORY_SOFT_LIMIT && q->guest->sample->cgroup_v2;
}

/* Page cache is available to the host already: only what has to be swapped out is a gain.
 * Below a limit there has to be room for the merged pages too: the guest may write to each
 * of them, which is then charged to it again. */
static uint64_t room_kib(const struct squeeze *q)
{
	const struct guest_sample *s = q->guest->sample;
	uint64_t swappable = KT_MIN(add_capped(s->anon_kib, s->shmem_kib), s->usage_kib);
	uint64_t keep = squeeze_floor_kib(q), room;

	if (q->means == MEMORY_SOFT_LIMIT)
		keep = add_capped(keep, q->guest->merged_kib);
	room = KT_MIN(sub_capped(swappable, keep), swap_room_kib(q));
	return is_throttle(q) ? KT_MIN(room, s->usage_kib / 100) : room;
}

static uint64_t step_kib(const struct squeeze *q)
{
	double growth = (double)(1U << q->state->ngrown) * squeeze_score(q);
	uint64_t share = share_of(q->guest->sample->usage_kib, q->conf->step_permille, 1000);
	double kib = KT_MIN((double)KT_MIN(share, first_kib) * growth, (double)share * growth_max);

	return KT_CLAMP((uint64_t)kib, least_kib, mul_capped(q->conf->step_max_mib, 1024));
}

uint64_t squeeze_from_kib(const struct squeeze *q)
{
	uint64_t usage = q->guest->sample->usage_kib;

	return q->means == MEMORY_SOFT_LIMIT && q->in_force->limited
		       ? KT_MIN(usage, q->in_force->soft_limit_kib)
		       : usage;
}

uint64_t squeeze_target_kib(const struct squeeze *q, uint64_t at_most_kib)
{
	uint64_t from = squeeze_from_kib(q), step = KT_MIN(step_kib(q), at_most_kib);
	uint64_t lowest = sub_capped(q->guest->sample->usage_kib, room_kib(q));
	uint64_t target = KT_MAX(sub_capped(from, step), lowest);

	if (q->means == MEMORY_SOFT_LIMIT)
		target = squeeze_round_limit_kib(target);
	return sub_capped(from, target) >= least_kib ? target : KT_UNLIMITED_KIB;
}

static uint64_t lowest_limit_kib(const struct guest_in_force *f)
{
	uint64_t kib = f->limited ? f->soft_limit_kib : KT_UNLIMITED_KIB;

	return f->pending_limit_kib ? KT_MIN(kib, f->pending_limit_kib) : kib;
}

uint64_t squeeze_on_its_way_kib(const struct squeeze *q)
{
	const struct guest_in_force *f = q->in_force;
	uint64_t kib = f->reclaiming ? sub_capped(f->asked_kib, f->got_kib) : 0;

	if (q->guest->present)
		kib = add_capped(kib, sub_capped(q->guest->sample->usage_kib, lowest_limit_kib(f)));
	return kib;
}
