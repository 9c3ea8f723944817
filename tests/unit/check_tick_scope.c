/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom does a tick look at? */
#include "answer_fixture.h"

enum { INTERVAL_S = 5 };

static uint64_t now_ns;
static size_t old, new;

static void later(uint64_t ns)
{
	now_ns += ns;
	tick(now_ns);
}

static void timer(void)
{
	later(INTERVAL_S * KT_NS_PER_S);
}

static void event(void)
{
	k->by_event = true;
	later(KT_NS_PER_S);
}

static enum guest_look look_at(size_t slot)
{
	return k->sample->guest[slot].look;
}

/* One guest that does not run, sampled often enough, and whose turn was a moment ago; another
 * that nobody has seen. */
static void begin(void)
{
	answer_setup();
	k->conf.interval_s = INTERVAL_S;
	now_ns = KT_NS_PER_S;
	old = add_guest(1, "old");
	for (int i = 0; i < 3; i++)
		timer();
	do
		timer();
	while (look_at(old) != GUEST_LOOK_FULL);
	new = add_guest(2, "new");
}

START_TEST(the_timer_looks_at_all_and_leaves_out_little)
{
	timer();
	ck_assert_int_eq(look_at(old), GUEST_LOOK_QUIET);
	ck_assert_int_eq(look_at(new), GUEST_LOOK_FULL);
	ck_assert_uint_eq(k->looked_ns, now_ns);
}
END_TEST

START_TEST(an_event_looks_at_who_is_new)
{
	uint64_t looked_ns = k->looked_ns;

	event();
	ck_assert_int_eq(look_at(old), GUEST_LOOK_NONE);
	ck_assert_int_eq(look_at(new), GUEST_LOOK_FULL);
	ck_assert(k->view->guest[old].present && k->view->guest[new].present);
	ck_assert_uint_eq(k->looked_ns, looked_ns);
	timer();
	ck_assert_int_ne(look_at(old), GUEST_LOOK_NONE);
}
END_TEST

START_TEST(events_do_not_keep_the_others_from_being_looked_at)
{
	unsigned int left_out = 0;

	for (int i = 1; i <= 2 * INTERVAL_S; i++) {
		event();
		left_out += look_at(old) == GUEST_LOOK_NONE;
		ck_assert_uint_lt(now_ns - k->looked_ns, INTERVAL_S * KT_NS_PER_S);
	}
	ck_assert_uint_eq(left_out, 2 * (INTERVAL_S - 1));
}
END_TEST

START_TEST(who_asks_for_more_gets_it_once)
{
	kvmtuned_look(k, SENSE_ALL);
	kvmtuned_look(k, SENSE_DUE); /* no less */
	event();
	ck_assert_int_eq(look_at(old), GUEST_LOOK_FULL);
	event();
	ck_assert_int_eq(look_at(old), GUEST_LOOK_NONE);
	kvmtuned_look(k, SENSE_DUE);
	event();
	ck_assert_int_eq(look_at(old), GUEST_LOOK_QUIET);
}
END_TEST

/* Whoever replays it has no plan of before. */
START_TEST(a_recording_leaves_nobody_out)
{
	k->record_file = fopen("/dev/null", "w");
	event();
	ck_assert_int_eq(look_at(old), GUEST_LOOK_QUIET);
}
END_TEST

START_TEST(while_memory_is_short_all_are_looked_at)
{
	k->sample->host.swap_total_kib = 1000;
	k->plan->memory.squeezing = true;
	event();
	ck_assert_int_eq(look_at(old), GUEST_LOOK_FULL);
}
END_TEST

START_TEST(whose_memory_moves_is_looked_at)
{
	k->plan->move = (struct move_plan){ .go = true, .slot = old };
	timer();
	ck_assert_int_eq(look_at(old), GUEST_LOOK_FULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tick_scope");
	TCase *c = tcase_create("scope");

	tcase_add_checked_fixture(c, begin, answer_teardown);
	tcase_add_test(c, the_timer_looks_at_all_and_leaves_out_little);
	tcase_add_test(c, an_event_looks_at_who_is_new);
	tcase_add_test(c, events_do_not_keep_the_others_from_being_looked_at);
	tcase_add_test(c, who_asks_for_more_gets_it_once);
	tcase_add_test(c, a_recording_leaves_nobody_out);
	tcase_add_test(c, while_memory_is_short_all_are_looked_at);
	tcase_add_test(c, whose_memory_moves_is_looked_at);
	suite_add_tcase(s, c);
	return kt_run(s);
}
