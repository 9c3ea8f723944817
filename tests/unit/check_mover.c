/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the mover move what it was told, and judge what does not move?  The process and its mappings
 * are real, where its pages lie is not: one node suffices. */
#include "mover_kernel.h"

/* ---- what is moved ------------------------------------------------------------------------ */

START_TEST(what_is_elsewhere_goes_and_the_rest_stays)
{
	starts_with(16 * MIB);
	for (size_t i = 0; i < 4096; i++)
		kernel.node[i] = (signed char)(i % 4 == 3 ? NOWHERE : (int)(i % 4));
	assert_ends(order_to(2), MOVER_DONE);
	ck_assert_uint_eq(answer.moved_kib, 8 * 1024);
	ck_assert_uint_eq(answer.away_kib, 8 * 1024);
	ck_assert_uint_eq(answer.away_nodes, 1 | 4);
	ck_assert_uint_eq(answer.failed_kib + answer.shared_kib, 0);
	ck_assert_uint_eq(pages_on(1), 3072);
	ck_assert(answer.looked && answer.longest_call_ns > 0);
}
END_TEST

START_TEST(only_what_is_on_the_named_nodes_goes)
{
	struct mover_order order;

	starts_with(16 * MIB);
	for (size_t i = 0; i < 4096; i++)
		kernel.node[i] = (signed char)(i % 4 == 3 ? NOWHERE : (int)(i % 4));
	order = order_to(2);
	order.from = 4;
	assert_ends(order, MOVER_DONE);
	ck_assert_uint_eq(answer.moved_kib, 4 * 1024);
	ck_assert_uint_eq(answer.away_nodes, 4);
	ck_assert_uint_eq(pages_on(0), 1024);
	ck_assert_uint_eq(pages_on(1), 2048);
}
END_TEST

START_TEST(a_look_moves_nothing)
{
	struct mover_order order;

	starts_with(16 * MIB);
	order = order_to(2);
	order.look_only = true;
	assert_ends(order, MOVER_DONE);
	ck_assert_uint_eq(answer.away_kib, 16 * 1024);
	ck_assert_uint_eq(kernel.moves, 0);
}
END_TEST

START_TEST(of_several_nodes_the_roomiest_gets_it)
{
	int most = _i ? 2 : 1;

	starts_with(4 * MIB);
	put_free((unsigned int)most, 3000000);
	memset(kernel.node, 3 - most, 512);
	assert_ends(order_to(2 | 4), MOVER_DONE);
	ck_assert_uint_eq(pages_on(3 - most), 512);
	ck_assert_uint_eq(pages_on(most), 512);
}
END_TEST

START_TEST(where_all_is_home_nothing_is_called)
{
	starts_with(4 * MIB);
	assert_ends(order_to(1), MOVER_DONE);
	ck_assert_uint_eq(kernel.moves, 0);
	ck_assert_uint_eq(kernel.looks, 2);
}
END_TEST

START_TEST(pieces_are_small_first_and_never_large)
{
	starts_with(64 * MIB);
	assert_ends(order_to(2), MOVER_DONE);
	ck_assert_uint_eq(kernel.pages_of[0], 512);
	ck_assert_uint_le(kernel.pages_of[1], 1024);
	for (unsigned int i = 0; i < kernel.moves; i++)
		ck_assert_uint_le(kernel.pages_of[i], 2048);
}
END_TEST

START_TEST(cells_go_to_their_own_nodes)
{
	struct mover_order order;

	/* One area, that only one cell can be: the other one is missing. */
	starts_with(4 * MIB);
	order = order_to(2);
	order.ncells = 2;
	order.cell[0].memory_kib = order.cell[1].memory_kib = 4096;
	order.cell[1].nodes = 4;
	assert_ends(order, MOVER_UNCLEAR);
	ck_assert_uint_eq(kernel.looks + kernel.moves, 0);
}
END_TEST

/* ---- what does not move ---------------------------------------------------------------------- */

START_TEST(the_rest_of_a_huge_page_is_no_failure)
{
	kernel.huge = true;
	starts_with(16 * MIB);
	assert_ends(order_to(2), MOVER_DONE);
	ck_assert_uint_eq(answer.moved_kib, 16 * 1024);
	ck_assert_uint_eq(answer.failed_kib, 0);
}
END_TEST

START_TEST(a_huge_page_that_does_not_move_is_one_failure)
{
	kernel.huge = true;
	starts_with(32 * MIB);
	kernel.immovable[512] = kernel.immovable[512 * 9] = 1;
	assert_ends(order_to(2), MOVER_DONE);
	ck_assert_uint_eq(answer.failed_kib, 2 * 2048);
	ck_assert_uint_eq(answer.moved_kib, 28 * 1024);
	ck_assert_int_eq(answer.error, EBUSY);
}
END_TEST

START_TEST(what_is_shared_stays_and_is_no_failure)
{
	starts_with(16 * MIB);
	memset(kernel.immovable, -EACCES, 2048);
	assert_ends(order_to(2), MOVER_DONE);
	ck_assert_uint_eq(answer.shared_kib, 8 * 1024);
	ck_assert_uint_eq(answer.moved_kib, 8 * 1024);
	ck_assert_uint_eq(answer.failed_kib, 0);
}
END_TEST

/* Twice: what was not tried after the first one is tried again. */
START_TEST(behind_a_page_that_ends_the_call_others_still_move)
{
	starts_with(2 * MIB);
	kernel.immovable[100] = kernel.immovable[300] = 1;
	kernel.immovable[200] = kernel.immovable[400] = -EACCES;
	assert_ends(order_to(2), MOVER_DONE);
	ck_assert_uint_eq(pages_on(1), 512 - 4);
	ck_assert_uint_eq(answer.failed_kib, 2 * 4);
	ck_assert_uint_eq(answer.shared_kib, 2 * 4);
	ck_assert_int_eq(answer.error, EBUSY);
}
END_TEST

static void fail_pages(size_t n)
{
	starts_with(32 * MIB);
	memset(kernel.immovable, -ENOMEM, n);
}

START_TEST(a_fifth_may_fail)
{
	fail_pages(8192 / 5);
	assert_ends(order_to(2), MOVER_DONE);
	ck_assert_uint_eq(answer.failed_kib, 8192 / 5 * 4);
	ck_assert_uint_eq(pages_on(0), 8192 / 5);
}
END_TEST

START_TEST(more_than_a_fifth_is_a_failure)
{
	fail_pages(8192 / 5 + 1);
	assert_ends(order_to(2), MOVER_FAILED);
	ck_assert_int_eq(answer.error, ENOMEM);
	ck_assert_uint_eq(pages_on(1), 8192 - 8192 / 5 - 1);
}
END_TEST

/* After 64 MiB at the latest: the last 64 of 128 are not tried. */
START_TEST(a_failure_is_not_carried_on)
{
	starts_with(128 * MIB);
	memset(kernel.immovable, -EBUSY, PAGES);
	assert_ends(order_to(2), MOVER_FAILED);
	ck_assert_int_eq(answer.error, EBUSY);
	ck_assert_uint_ge(answer.failed_kib, 64 * 1024);
	ck_assert_uint_lt(answer.failed_kib, 64 * 1024 + MOVER_CHUNK_MAX_KIB);
}
END_TEST

static const struct {
	int looks, moves;
	enum mover_state state;
} refusal[] = {
	{ EPERM, 0, MOVER_OFF },  { ENOSYS, 0, MOVER_OFF },    { EACCES, 0, MOVER_OFF },
	{ ESRCH, 0, MOVER_GONE }, { EINVAL, 0, MOVER_FAILED }, { 0, EPERM, MOVER_FAILED },
	{ 0, ESRCH, MOVER_GONE }, { 0, ENODEV, MOVER_FAILED }, { 0, ENOSYS, MOVER_OFF },
};

START_TEST(refusals_are_told_apart)
{
	starts_with(4 * MIB);
	kernel.refuse_looks = refusal[_i].looks;
	kernel.refuse_moves = refusal[_i].moves;
	assert_ends(order_to(2), refusal[_i].state);
	ck_assert_int_eq(answer.error, refusal[_i].state == MOVER_GONE ? 0
				       : refusal[_i].looks             ? refusal[_i].looks
								       : refusal[_i].moves);
	ck_assert_uint_eq(kernel.looks > 1, refusal[_i].looks == 0);
}
END_TEST

START_TEST(a_permission_that_was_there_is_missing_for_one_guest_only)
{
	starts_with(4 * MIB);
	assert_ends(order_to(2), MOVER_DONE);
	kernel.refuse_looks = EPERM;
	assert_ends(order_to(4), MOVER_FAILED);
	ck_assert_int_eq(answer.error, EPERM);
}
END_TEST

/* ---- where nothing is ------------------------------------------------------------------- */

enum { HOLE = 30 * MIB, PIECE = 2 * MIB };

static void look_at_memory_with_a_hole(void)
{
	const struct area area = { .size = 34 * MIB, .touch = true, .touch_from = HOLE - PAGE };
	struct mover_order order;

	process_starts(1, &area);
	order = order_to(2);
	order.look_only = true;
	assert_ends(order, MOVER_DONE);
}

/* In one mapping, as a device has it that memory is plugged into. */
START_TEST(memory_that_is_not_there_is_not_asked_for)
{
	look_at_memory_with_a_hole();
	ck_assert_uint_eq(kernel.looks, 3);
	ck_assert_uint_eq(answer.away_kib, 3 * PIECE / 1024);
}
END_TEST

/* Its processes have no page map, as where we may not read it. */
static void hide_page_maps(void)
{
	static const char *const files[] = { "stat", "maps" };
	char folder[96], of[64];

	ck_assert_int_eq(unlink(at(root, "proc")), 0);
	ck_assert_int_eq(mkdir(at(root, "proc"), 0755), 0);
	snprintf(folder, sizeof folder, "%s/proc/%d", root, process.pid);
	ck_assert_int_eq(mkdir(folder, 0755), 0);
	for (size_t i = 0; i < KT_ARRAY_LEN(files); i++) {
		snprintf(of, sizeof of, "/proc/%d/%s", process.pid, files[i]);
		ck_assert_int_eq(symlink(of, at(folder, files[i])), 0);
	}
}

START_TEST(without_a_page_map_all_is_asked_for)
{
	starts_with(8 * MIB);
	hide_page_maps();
	assert_ends(order_to(2), MOVER_DONE);
	ck_assert_uint_eq(answer.moved_kib, 8 * 1024);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mover");
	TCase *t = tcase_create("mover");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup_mover, teardown_mover);
	tcase_add_test(t, what_is_elsewhere_goes_and_the_rest_stays);
	tcase_add_test(t, only_what_is_on_the_named_nodes_goes);
	tcase_add_test(t, a_look_moves_nothing);
	tcase_add_loop_test(t, of_several_nodes_the_roomiest_gets_it, 0, 2);
	tcase_add_test(t, where_all_is_home_nothing_is_called);
	tcase_add_test(t, pieces_are_small_first_and_never_large);
	tcase_add_test(t, cells_go_to_their_own_nodes);
	tcase_add_test(t, the_rest_of_a_huge_page_is_no_failure);
	tcase_add_test(t, a_huge_page_that_does_not_move_is_one_failure);
	tcase_add_test(t, what_is_shared_stays_and_is_no_failure);
	tcase_add_test(t, behind_a_page_that_ends_the_call_others_still_move);
	tcase_add_test(t, a_fifth_may_fail);
	tcase_add_test(t, more_than_a_fifth_is_a_failure);
	tcase_add_test(t, a_failure_is_not_carried_on);
	tcase_add_test(t, memory_that_is_not_there_is_not_asked_for);
	tcase_add_test(t, without_a_page_map_all_is_asked_for);
	tcase_add_loop_test(t, refusals_are_told_apart, 0, KT_ARRAY_LEN(refusal));
	tcase_add_test(t, a_permission_that_was_there_is_missing_for_one_guest_only);
	suite_add_tcase(s, t);
	return kt_run(s);
}
