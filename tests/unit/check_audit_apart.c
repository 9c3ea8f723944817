/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the audit see guests on the CPUs that are the host's? */
#include "audit_fixture.h"

/* ---- CPUs of the host --------------------------------------------------------------------- */

static void pins_leave_two(void)
{
	fixture_pinned_guest(2, 7);
	fixture_pinned_guest(10, 15);
}

static void pins_leave_one(void)
{
	fixture_pinned_guest(2, 7);
	fixture_pinned_guest(9, 15);
}

static void pins_of_one_vcpu(void)
{
	fixture_pinned_guest(1, 7)->npinned_vcpus = 1;
}

static void no_pins(void)
{
	fixture_guest();
}

static void no_pins_known(void)
{
	fixture_guest()->known = false;
}

static void cpus_unknown(void)
{
	pins_leave_two();
	fixture_nodes(0);
}

/* CPUs 0 and 8 are the host's. */

static void reserved_no_guest(void)
{
	fixture_reserve();
}

static void reserved_guests_unknown(void)
{
	fixture_reserve();
	fx.in.domains = NULL;
}

static void reserved_pins_off(void)
{
	fixture_reserve();
	fixture_pinned_guest(1, 7);
}

static void reserved_pins_on(void)
{
	reserved_pins_off();
	fixture_pinned_guest(8, 8);
}

static void reserved_ours(void)
{
	fixture_reserve();
	fixture_guest();
	fx.in_force.guest[0] =
		(struct guest_in_force){ .incarnation = 1, .pinned = true, .nodes = 1 };
}

static void reserved_ours_of_another_life(void)
{
	reserved_ours();
	fx.in_force.guest[0].incarnation = 2;
}

/* An unpinned guest of one vCPU, whose thread may run there; its helpers may run anywhere. */
static void with_threads(unsigned int first, unsigned int last)
{
	fixture_reserve();
	fixture_guest();
	fx.thread[0] =
		(struct guest_thread){ .role = THREAD_EMULATOR, .first_allowed = cpus(0, 15) };
	fx.thread[1] =
		(struct guest_thread){ .role = THREAD_VCPU, .first_allowed = cpus(first, last) };
	fx.thread[2] =
		(struct guest_thread){ .role = THREAD_IOTHREAD, .first_allowed = cpus(0, 0) };
	fx.sample = (struct guest_sample){
		.present = true, .nthreads = 3, .threads = fx.thread, .cpuset = cpus(0, 15)
	};
	fx.view.guests_known = true;
	fx.view.guest[0] =
		(struct guest_view){ .present = true, .incarnation = 1, .sample = &fx.sample };
	fx.in.view = &fx.view;
}

static void reserved_threads_off(void)
{
	with_threads(1, 7);
}

static void reserved_threads_on(void)
{
	with_threads(0, 7);
}

static void reserved_threads_kept_off_by_cpuset(void)
{
	with_threads(0, 7);
	fx.sample.cpuset = cpus(1, 7);
}

static void reserved_pins_win_over_first_threads(void)
{
	with_threads(0, 7);
	fx.domains.slot[0].domain.audit.npinned_vcpus = 4;
	fx.domains.slot[0].domain.audit.pinned_cpus = cpus(1, 7);
}

static void reserved_threads_unseen(void)
{
	with_threads(1, 7);
	fx.view.guest[0].present = false;
}

static void reserved_threads_of_another_life(void)
{
	with_threads(1, 7);
	fx.view.guest[0].incarnation = 2;
}

static void reserved_one_on_one_unseen(void)
{
	reserved_threads_unseen();
	fixture_pinned_guest(0, 7);
}

#define OK      AUDIT_OK
#define FINDING AUDIT_FINDING
#define NONE    AUDIT_NOT_APPLICABLE
#define UNKNOWN AUDIT_UNKNOWN

static void pins_leave_two_that_are_known(void)
{
	pins_leave_two();
	fixture_guest()->known = false;
}

static void pins_leave_one_that_is_known(void)
{
	pins_leave_one();
	fixture_guest()->known = false;
}

static const struct audit_row rows[] = {
	{ "two, a guest unknown", "host-reserved-cpus", pins_leave_two_that_are_known, UNKNOWN },
	{ "one, a guest unknown", "host-reserved-cpus", pins_leave_one_that_is_known, FINDING },
	{ "pins leave two", "host-reserved-cpus", pins_leave_two, OK },
	{ "pins leave one", "host-reserved-cpus", pins_leave_one, FINDING },
	{ "one pinned vCPU", "host-reserved-cpus", pins_of_one_vcpu, FINDING },
	{ "no pins", "host-reserved-cpus", no_pins, NONE },
	{ "pins unknown", "host-reserved-cpus", no_pins_known, UNKNOWN },
	{ "CPUs unknown", "host-reserved-cpus", cpus_unknown, UNKNOWN },
	{ "reserved, no guest", "host-reserved-cpus", reserved_no_guest, NONE },
	{ "reserved, guests unknown", "host-reserved-cpus", reserved_guests_unknown, UNKNOWN },
	{ "reserved, pins off", "host-reserved-cpus", reserved_pins_off, OK },
	{ "reserved, pins on", "host-reserved-cpus", reserved_pins_on, FINDING },
	{ "reserved, home of ours", "host-reserved-cpus", reserved_ours, OK },
	{ "another life's", "host-reserved-cpus", reserved_ours_of_another_life, UNKNOWN },
	{ "threads off", "host-reserved-cpus", reserved_threads_off, OK },
	{ "threads on", "host-reserved-cpus", reserved_threads_on, FINDING },
	{ "cpuset", "host-reserved-cpus", reserved_threads_kept_off_by_cpuset, OK },
	{ "pinned since", "host-reserved-cpus", reserved_pins_win_over_first_threads, OK },
	{ "threads unseen", "host-reserved-cpus", reserved_threads_unseen, UNKNOWN },
	{ "another life's", "host-reserved-cpus", reserved_threads_of_another_life, UNKNOWN },
	{ "one on, one unseen", "host-reserved-cpus", reserved_one_on_one_unseen, FINDING },
};

START_TEST(a_rule_says)
{
	check_row(&rows[_i]);
}
END_TEST

START_TEST(who_runs_on_reserved_cpus_is_said)
{
	fixture_reset();
	reserved_pins_on();
	fixture_judge("host-reserved-cpus");
	ck_assert_uint_eq(fx.v.number[0], 1);
	ck_assert_str_eq(fx.v.word[1], "web \\x221\\x22");

	fixture_reset();
	pins_leave_one();
	fixture_judge("host-reserved-cpus");
	ck_assert_uint_eq(fx.v.number[0], 1);
	ck_assert_str_eq(fx.v.word[1], "8-15");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit_apart");
	TCase *t = tcase_create("rules");

	tcase_add_loop_test(t, a_rule_says, 0, KT_ARRAY_LEN(rows));
	tcase_add_test(t, who_runs_on_reserved_cpus_is_said);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return kt_run(suite());
}
