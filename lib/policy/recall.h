/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in force for a guest, and how long ago was that? */
#ifndef KT_RECALL_H
#define KT_RECALL_H

#include "capped.h"
#include "plan.h"
#include "view.h"

/* An answer about an earlier guest of the same slot says nothing about this one. */
static inline const struct guest_in_force *recall_guest(const struct in_force *in_force,
							size_t slot, const struct guest_view *guest)
{
	static const struct guest_in_force nothing = { 0 };
	const struct guest_in_force *f = &in_force->guest[slot];

	return f->incarnation == guest->incarnation ? f : &nothing;
}

/* Whether less than so many seconds have passed.  A clock that went back has passed none.
 */
static inline bool within_s(uint64_t now_ns, uint64_t then_ns, uint64_t seconds)
{
	return sub_capped(now_ns, then_ns) / KT_NS_PER_S < seconds;
}

/* When that is over. */
static inline uint64_t after_s(uint64_t then_ns, uint64_t seconds)
{
	return add_capped(then_ns, mul_capped(seconds, KT_NS_PER_S));
}

/* Pins that changed within the cool-down; never changed is 0. */
static inline bool pin_is_cooling(const struct guest_in_force *f, uint64_t now_ns,
				  uint64_t cooldown_s)
{
	return f->pin_changed_ns && within_s(now_ns, f->pin_changed_ns, cooldown_s);
}

/* Samples until a guest's demand is believed: half a minute at the usual tick of 5 s. */
enum { SAMPLES_TO_BELIEVE = 6 };

static inline bool demand_is_known(const struct guest_view *guest)
{
	return guest->nsamples >= SAMPLES_TO_BELIEVE;
}

#endif
