/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of memory moves have in common. */
#ifndef KT_PLACEMENT_MOVE_FIXTURE_H
#define KT_PLACEMENT_MOVE_FIXTURE_H

#include "placement_fixture.h"

#define NODE(n) (UINT64_C(1) << (n))

/* At home on node 0, its memory on node 1; it would not leave for that. */
static inline size_t guest_away(double cpus, uint64_t away_kib)
{
	size_t slot = fx.view.nslots;

	fixture_guest(cpus);
	fixture_pinned(slot, 0);
	fixture_memory_on(slot, G(1), away_kib);
	return slot;
}

static inline const struct move_plan *step_move(void)
{
	(void)step();
	return &fx.plan.move;
}

static inline void moves(const char *name, size_t slot)
{
	const struct move_plan *m = step_move();

	ck_assert_msg(m->go && m->slot == slot && m->why == WHY_MOVE_PAYS, "%s: slot %zu (%s)",
		      name, m->slot, why_str(m->why));
}

static inline void rests(const char *name, enum why why)
{
	const struct move_plan *m = step_move();

	ck_assert_msg(!m->go && m->why == why, "%s: slot %zu (%s)", name, m->slot, why_str(m->why));
}

static inline void pauses(const char *name)
{
	const struct move_plan *m = step_move();

	ck_assert_msg(m->go && m->slot == 0 && m->why == WHY_MOVE_PRESSURE, "%s: slot %zu (%s)",
		      name, m->slot, why_str(m->why));
	ck_assert_msg(m->kib_per_s == 256, "%s: %lu KiB/s", name, m->kib_per_s);
}

#endif
