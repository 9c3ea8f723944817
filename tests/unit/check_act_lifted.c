/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When libvirt has lifted a pin that nobody here remembers: do the threads that were born of it,
 * and no others, get what the main thread has now? */
#include "act_guest.h"

enum { HELPER = 1, VCPU };

static pid_t unknown; /* born since the guest was looked at */

static pid_t moved_last; /* when it gets its mask, the helper is born; 0: nobody */

int sched_setaffinity(pid_t tid, size_t size, const cpu_set_t *set)
{
	if (tid != 0 && tid == moved_last) {
		moved_last = 0;
		set_mask(guest.thread[HELPER].tid, &first);
	}
	return (int)syscall(SYS_sched_setaffinity, tid, size, set);
}

static void mask_is(pid_t tid, const struct cpumask *cpus)
{
	struct cpumask now = mask_of(tid);

	ck_assert(cpumask_equal(&now, cpus));
}

static size_t free_born(void)
{
	return act_free_born(act, &(struct act_free_born){ .uuid = guest_uuid,
							   .was = first,
							   .threads = guest.thread,
							   .nthreads = guest.nthreads });
}

static void threads_are_on(const struct cpumask *cpus)
{
	for (size_t i = 0; i < guest.nthreads; i++)
		set_mask(guest.thread[i].tid, cpus);
}

/* As one that came out of a file: all of it was born where the pin was. */
static void setup(void)
{
	moved_last = 0;
	setup_guest();
	threads_are_on(&first);
	unknown = new_thread();
	mask_is(unknown, &first);
	set_mask(guest.pid, &all);
}

START_TEST(who_was_born_of_the_main_thread_goes_where_it_is)
{
	ck_assert_uint_eq(free_born(), 2);
	mask_is(guest.thread[HELPER].tid, &all);
	mask_is(unknown, &all);
	ck_assert_uint_eq(free_born(), 0);
}
END_TEST

/* As when numbers begin anew: it stands before those that are looked at then. */
START_TEST(who_is_born_meanwhile_goes_there_too)
{
	set_mask(guest.thread[HELPER].tid, &all);
	moved_last = unknown;
	ck_assert_uint_eq(free_born(), 2);
	ck_assert_int_eq(moved_last, 0);
	mask_is(guest.thread[HELPER].tid, &all);
	mask_is(unknown, &all);
}
END_TEST

START_TEST(what_has_a_pin_of_its_own_keeps_it)
{
	guest.thread[VCPU].role = _i ? THREAD_IOTHREAD : THREAD_VCPU;
	ck_assert_uint_eq(free_born(), 2);
	mask_is(guest.thread[VCPU].tid, &first);
	mask_is(guest.thread[VCPU + 1].tid, &first);
}
END_TEST

START_TEST(what_somebody_has_put_elsewhere_stays_there)
{
	set_mask(unknown, &second);
	ck_assert_uint_eq(free_born(), 1);
	mask_is(unknown, &second);
}
END_TEST

static void main_thread_is_still_there(void)
{
	set_mask(guest.pid, &first);
}

static void we_have_pinned_it(void)
{
	threads_are_on(&all);
	pin_to_second();
	ck_assert(in_force()->pinned);
	threads_are_on(&first);
	set_mask(guest.pid, &all);
}

static void it_is_another_process(void)
{
	act_bind(act, SLOT, INCARNATION, &guest_uuid, guest.pid, guest.thread[0].start_ticks + 1);
}

static void nobody_knows_it(void)
{
	act_forget(act, &guest_uuid);
}

static void (*const reasons[])(void) = { main_thread_is_still_there, we_have_pinned_it,
					 it_is_another_process, nobody_knows_it };

START_TEST(nothing_is_written_of_a_guest_that_is_not_as_it_was_said)
{
	reasons[_i]();
	ck_assert_uint_eq(free_born(), 0);
	mask_is(guest.thread[HELPER].tid, &first);
	mask_is(unknown, &first);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_lifted");
	TCase *c = tcase_create("born");

	tcase_add_checked_fixture(c, setup, teardown_guest);
	tcase_add_test(c, who_was_born_of_the_main_thread_goes_where_it_is);
	tcase_add_test(c, who_is_born_meanwhile_goes_there_too);
	tcase_add_loop_test(c, what_has_a_pin_of_its_own_keeps_it, 0, 2);
	tcase_add_test(c, what_somebody_has_put_elsewhere_stays_there);
	tcase_add_loop_test(c, nothing_is_written_of_a_guest_that_is_not_as_it_was_said, 0,
			    KT_ARRAY_LEN(reasons));
	suite_add_tcase(s, c);
	return kt_run(s);
}
