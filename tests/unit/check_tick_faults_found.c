/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rows of check_tick_faults.c have found: files that failed for a while made the daemon
 * forget what is its own, and guests leave their nodes. */
#include "tick_world.h"

#define CALM "1 1250 10 0 10 0-1 0-1 2-3 2-3 "

enum { STRUCK = 8 };

/* What we gave back ourselves was taken for somebody else's doing, and KSM was his then; and
 * the files of audit rules waited for the next look at the host. */
START_TEST(after_readings_that_failed_all_is_set_again)
{
	ticks(7);
	fault = (struct fault){ .path = "proc/meminfo", .how = FAULT_READ, .error = EIO };
	ticks(5);
	ck_assert(strncmp(in_force(), "0 100 20 1 60 ", 14) == 0);
	faulty_ends();
	ticks(8);
	ck_assert_msg(strncmp(in_force(), "1 1250 10 ", 10) == 0, "%s", in_force());
	ck_assert_str_eq(text_of(SWAPPINESS), "10\n");
	ck_assert_uint_eq(lines.n, 2); /* that it failed, and that it went on failing */
	for (size_t i = 0; i < lines.n; i++)
		ck_assert_ptr_nonnull(strstr(lines.text[i], "(/proc/meminfo: Input/output error)"));
}
END_TEST

/* A node that could not be read for 40 s was left by its guests, and for good. */
START_TEST(no_guest_leaves_a_node_that_cannot_be_read_just_now)
{
	ticks(7);
	fault = (struct fault){ .path = _i ? NODE1 "/meminfo" : NODE0 "/meminfo",
				.how = FAULT_READ,
				.error = EIO };
	ticks(STRUCK);
	ck_assert_uint_gt(faulty_hits, 0);
	ck_assert_str_eq(in_force(), CALM);
	fault.how = FAULT_GARBAGE;
	ticks(STRUCK);
	ck_assert_str_eq(in_force(), CALM);
}
END_TEST

static const struct fault lists[] = {
	{ .how = FAULT_READ, .error = EIO },
	{ .how = FAULT_GARBAGE },
	{ .how = FAULT_EMPTY },
};

/* All guests were let go while it could not be read. */
START_TEST(no_guest_leaves_its_node_when_the_list_of_them_cannot_be_read)
{
	ticks(7);
	fault = lists[_i];
	fault.path = "sys/devices/system/node/online";
	ticks(STRUCK);
	ck_assert_uint_gt(faulty_hits, 0);
	ck_assert_str_eq(in_force(), CALM);
	faulty_ends();
	put("sys/devices/system/node/online", "\n");
	ticks(STRUCK);
	ck_assert_str_eq(in_force(), CALM);
}
END_TEST

START_TEST(a_file_that_comes_and_goes_is_said_once)
{
	ticks(7);
	for (int i = 0; i < 40; i++) {
		fault = (struct fault){ .path = "proc/vmstat", .how = FAULT_READ, .error = EIO };
		ticks(1);
		faulty_ends();
		ticks(1);
	}
	ck_assert_uint_eq(lines.n, 1);
	ck_assert_ptr_nonnull(strstr(lines.text[0], "(/proc/vmstat: Input/output error)"));
	ck_assert_str_eq(in_force(), CALM);
}
END_TEST

/* One reading that failed, and what ksmd costs was not known again until the next start. */
START_TEST(what_ksmd_costs_is_known_again)
{
	ticks(2);
	ck_assert(k->sample->host.ksm.has_ksmd);
	fault = (struct fault){ .path = "proc/37/schedstat", .how = FAULT_READ, .error = EIO };
	ticks(3);
	ck_assert(!k->sample->host.ksm.has_ksmd);
	faulty_ends();
	ticks(1);
	ck_assert(k->sample->host.ksm.has_ksmd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("what faults of files have found");
	TCase *c = tcase_create("found");

	tcase_add_checked_fixture(c, world_begins, world_ends);
	tcase_add_test(c, after_readings_that_failed_all_is_set_again);
	tcase_add_loop_test(c, no_guest_leaves_a_node_that_cannot_be_read_just_now, 0, 2);
	tcase_add_loop_test(c, no_guest_leaves_its_node_when_the_list_of_them_cannot_be_read, 0,
			    KT_ARRAY_LEN(lists));
	tcase_add_test(c, a_file_that_comes_and_goes_is_said_once);
	tcase_add_test(c, what_ksmd_costs_is_known_again);
	suite_add_tcase(s, c);
	return kt_run(s);
}
