/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans are numbered, so that a guest that is as it was wished is passed by.  Is it never passed
 * by when it is not? */
#include "act_guest.h"
#include "random_fixture.h"

enum { HISTORIES = 12, STEPS = 60 };

static uint64_t nversions;

/* As the arbiter does: what differs from the plan before has another number. */
static void wish(enum wish kind, const struct cpumask *cpus, bool dry_run)
{
	struct placement_plan *p = &plan->guest[SLOT].placement, before = *p;

	if (kind == WISH_SET)
		wish_cpus(cpus, cpus == &second);
	p->wish = kind;
	if (p->wish != before.wish || !cpumask_equal(&p->cell[0].cpus, &before.cell[0].cpus))
		p->version = ++nversions;
	p->dry_run = dry_run;
	act_apply(act,
		  plan); /* apply() asks for the guest's lines, by which it is settled no more */
}

static void is_as_wished(int history, int step)
{
	const struct placement_plan *p = &plan->guest[SLOT].placement;

	if (p->dry_run || p->wish == WISH_HOLD)
		return;
	for (size_t t = 0; t < guest.nthreads; t++)
		ck_assert_msg(runs_on(t, p->wish == WISH_SET ? &p->cell[0].cpus : &all),
			      "history %d, step %d: thread %zu", history, step, t);
	ck_assert_msg(in_force()->pinned == (p->wish == WISH_SET), "history %d, step %d", history,
		      step);
	ck_assert(!in_force()->pin_ceded);
	if (p->wish == WISH_SET)
		ck_assert(cpumask_equal(&in_force()->cpus, &p->cell[0].cpus));
}

static void something_happens(uint64_t *seed)
{
	switch (fixture_below(seed, 8)) {
	case 0:
		restore();
		break;
	case 1:
		act_forgive(act);
		break;
	case 2:
		bind();
		break;
	case 3:
		plan->guest[SLOT].placement.version = ++nversions;
		break;
	default:
		break;
	}
}

START_TEST(whatever_happens_a_plan_is_in_force_when_it_was_applied)
{
	const struct cpumask *cpus = &first;
	uint64_t seed = fixture_seed(_i + 1);

	for (int step = 0; step < STEPS; step++) {
		enum wish kind =
			fixture_below(&seed, 5) ? WISH_SET : (enum wish)fixture_below(&seed, 2);

		something_happens(&seed);
		if (!fixture_below(&seed, 4))
			cpus = cpus == &first ? &second : &first;
		plan->guest[SLOT].unseen = fixture_below(&seed, 4) > 0;
		wish(kind, cpus, !fixture_below(&seed, 8));
		is_as_wished(_i, step);
	}
}
END_TEST

/* The number says that the plan is the same, not that nobody else came. */
START_TEST(a_foreign_pin_is_found_when_the_guest_is_looked_at)
{
	for (int i = 0; i < 3; i++) {
		plan->guest[SLOT].unseen = i > 0;
		wish(WISH_SET, &first, false);
	}
	set_mask(guest.thread[2].tid, &second);
	wish(WISH_SET, &first, false);
	ck_assert(!in_force()->pin_ceded);
	plan->guest[SLOT].unseen = false;
	wish(WISH_SET, &first, false);
	ck_assert(in_force()->pin_ceded && runs_on(2, &second) && runs_on(3, &all));
}
END_TEST

/* Whoever does not number plans has them compared each time. */
START_TEST(a_plan_without_a_number_is_never_passed_by)
{
	plan->guest[SLOT].unseen = true;
	pin_to_first();
	pin_to_first();
	pin_to_second();
	assert_all_on(&second);
	restore();
	pin_to_second();
	assert_all_on(&second);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_settled");
	TCase *c = tcase_create("numbers");

	tcase_add_checked_fixture(c, setup_guest, teardown_guest);
	tcase_add_loop_test(c, whatever_happens_a_plan_is_in_force_when_it_was_applied, 0,
			    HISTORIES);
	tcase_add_test(c, a_foreign_pin_is_found_when_the_guest_is_looked_at);
	tcase_add_test(c, a_plan_without_a_number_is_never_passed_by);
	suite_add_tcase(s, c);
	return kt_run(s);
}
