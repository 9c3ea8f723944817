/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the mover keep to room and rate, and stop when it should?  The process and its mappings are
 * real, where its pages lie is not: one node suffices. */
#include "mover_kernel.h"

#include "allocations.h"
#include "own_process.h"

/* ---- room --------------------------------------------------------------------------------------
 */

static void assert_with_room(uint64_t free_kib, enum mover_state state, uint64_t moved_kib)
{
	struct mover_order order;

	starts_with(2 * MIB);
	order = order_to(2);
	order.leave_free_kib = 10000;
	put_free(1, free_kib);
	assert_ends(order, state);
	ck_assert_uint_eq(answer.moved_kib, moved_kib);
}

START_TEST(without_room_nothing_is_moved)
{
	assert_with_room(10000 + 2048, MOVER_FULL, 0);
}
END_TEST

START_TEST(with_room_for_one_piece_it_is_moved)
{
	assert_with_room(10000 + 2049, MOVER_DONE, 2048);
}
END_TEST

static void fill_node(void)
{
	put_free(1, 10000);
}

START_TEST(room_is_looked_at_before_each_piece)
{
	struct mover_order order;

	starts_with(64 * MIB);
	order = order_to(2);
	order.leave_free_kib = 10000;
	kernel.after_move = fill_node;
	assert_ends(order, MOVER_FULL);
	ck_assert_uint_eq(kernel.moves, 1);
}
END_TEST

START_TEST(a_node_that_is_not_there_has_no_room)
{
	starts_with(2 * MIB);
	assert_ends(order_to(1 << 5), MOVER_FULL);
}
END_TEST

/* ---- speed, and the end -------------------------------------------------------------------------
 */

static struct mover_order slow_order(void)
{
	struct mover_order order;

	starts_with(16 * MIB);
	order = order_to(2);
	order.kib_per_s = 1;
	return order;
}

/* Half an hour for each piece. */
static void await_rest(void)
{
	do {
		look_again();
		ck_assert_int_eq(answer.state, MOVER_WORKS);
	} while (!answer.waits || !answer.moved_kib);
	ck_assert_uint_eq(answer.moved_kib, MOVER_CHUNK_MIN_KIB);
}

START_TEST(it_waits_for_its_rate_and_hears_of_another_one)
{
	give(slow_order());
	await_rest();
	mover_pace(mover, UINT64_C(64) * MIB, 0);
	await_end();
	ck_assert_int_eq(answer.state, MOVER_DONE);
	ck_assert_uint_eq(answer.moved_kib, 16 * 1024);
}
END_TEST

START_TEST(it_is_never_faster_than_its_rate)
{
	struct mover_order order;

	starts_with(16 * MIB);
	order = order_to(2);
	order.kib_per_s = 128 * 1024;
	assert_ends(order, MOVER_DONE);
	ck_assert_uint_ge(answer.elapsed_ns / KT_NS_PER_MS,
			  answer.moved_kib * 1000 / order.kib_per_s);
}
END_TEST

START_TEST(a_stop_is_heard_while_it_waits)
{
	give(slow_order());
	await_rest();
	ck_assert_int_eq(mover_order(mover, &(struct mover_order){ 0 }), -EBUSY);
	mover_stop(mover);
	await_end();
	ck_assert_int_eq(answer.state, MOVER_RESTS);
	ck_assert_uint_eq(kernel.moves, 1);
	ck_assert_uint_eq(pages_on(1), 512);
}
END_TEST

START_TEST(after_a_stop_the_next_order_is_carried_out)
{
	give(slow_order());
	await_rest();
	mover_stop(mover);
	await_end();
	assert_ends(order_to(4), MOVER_DONE);
	ck_assert_uint_eq(pages_on(2), 4096);
}
END_TEST

START_TEST(its_end_does_not_wait_for_its_rate)
{
	struct mover_answer last;

	give(slow_order());
	await_rest();
	mover_free(mover, &last);
	ck_assert_int_eq(last.state, MOVER_RESTS);
	ck_assert_uint_eq(last.moved_kib, MOVER_CHUNK_MIN_KIB);
	ck_assert_int_eq(mover_new(&fs, fake_call, &mover), 0);
}
END_TEST

START_TEST(a_process_that_ends_ends_the_order)
{
	give(slow_order());
	await_rest();
	process_ends();
	mover_pace(mover, UINT64_C(64) * MIB, 0);
	await_end();
	ck_assert_int_eq(answer.state, MOVER_GONE);
	ck_assert_uint_eq(kernel.moves, 1);
}
END_TEST

START_TEST(another_process_of_that_number_is_left_alone)
{
	struct mover_order order;

	starts_with(2 * MIB);
	order = order_to(2);
	order.start_ticks++;
	assert_ends(order, MOVER_GONE);
	ck_assert_uint_eq(kernel.looks + kernel.moves, 0);
}
END_TEST

START_TEST(another_order_costs_no_allocation)
{
	struct mover_order again;
	size_t before, after;
	int r;

	starts_with(16 * MIB);
	count_allocations();
	assert_ends(order_to(2), MOVER_DONE);
	again = order_to(4);
	before = nallocations;
	r = mover_order(mover, &again);
	await_end();
	after = nallocations;
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(pages_on(2), 4096);
	ck_assert_uint_eq(after, before);
}
END_TEST

START_TEST(an_order_leaves_no_file_open)
{
	unsigned int before;

	starts_with(4 * MIB);
	assert_ends(order_to(2), MOVER_DONE);
	before = count_open_files();
	assert_ends(order_to(4), MOVER_DONE);
	ck_assert_uint_eq(count_open_files(), before);
}
END_TEST

/* ---- a kernel that is slow, or of which the guest takes its leave ------------------------------
 */

/* It goes on when it is looked at: how long a call takes is no matter of this machine's load.
 * 0: the clock is the real one. */
static uint64_t clock_ns;

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	uint64_t now_ns;

	if (clock != CLOCK_MONOTONIC || !__atomic_load_n(&clock_ns, __ATOMIC_RELAXED))
		return (int)syscall(SYS_clock_gettime, clock, ret);
	now_ns = __atomic_add_fetch(&clock_ns, (uint64_t)10000, __ATOMIC_RELAXED);
	*ret = (struct timespec){ .tv_sec = (time_t)(now_ns / KT_NS_PER_S),
				  .tv_nsec = (long)(now_ns % KT_NS_PER_S) };
	return 0;
}

static void be_slow_from_the_third_on(void)
{
	if (kernel.moves >= 3)
		__atomic_fetch_add(&clock_ns, 21 * KT_NS_PER_MS, __ATOMIC_RELAXED);
}

START_TEST(a_slow_kernel_is_given_smaller_pieces)
{
	static const size_t pages[] = { 512, 1024, 2048, 1024, 512, 512 };

	clock_ns = worker_now_ns();
	starts_with(64 * MIB);
	kernel.after_move = be_slow_from_the_third_on;
	assert_ends(order_to(2), MOVER_DONE);
	ck_assert_uint_eq(answer.moved_kib, 64 * 1024);
	ck_assert_uint_ge(answer.longest_call_ns, 21 * KT_NS_PER_MS);
	for (size_t i = 0; i < KT_ARRAY_LEN(pages); i++)
		ck_assert_msg(kernel.pages_of[i] == pages[i], "piece %zu: %zu pages", i,
			      kernel.pages_of[i]);
	clock_ns = 0;
}
END_TEST

static void lose_it(void)
{
	memset(kernel.node, NOWHERE, sizeof kernel.node);
}

START_TEST(memory_that_is_given_up_meanwhile_is_no_failure)
{
	starts_with(4 * MIB);
	kernel.after_move = lose_it;
	assert_ends(order_to(2), MOVER_DONE);
	ck_assert_uint_eq(answer.moved_kib + answer.failed_kib, 0);
}
END_TEST

static void look_away(void)
{
	kernel.refuse_looks = ESRCH;
}

START_TEST(a_guest_that_goes_after_a_move_is_no_failure)
{
	starts_with(4 * MIB);
	kernel.after_move = look_away;
	assert_ends(order_to(2), MOVER_GONE);
	ck_assert_uint_eq(kernel.moves, 1);
	ck_assert_uint_eq(answer.failed_kib, 0);
}
END_TEST

/* Others of its cells might have room. */
START_TEST(cells_without_room_are_all_looked_at)
{
	struct mover_order order;

	starts_with(4 * MIB);
	order = order_to(2);
	order.ncells = 2;
	order.cell[1] = order.cell[0];
	order.leave_free_kib = 10000;
	put_free(1, 10000);
	assert_ends(order, MOVER_FULL);
	ck_assert_uint_eq(kernel.moves, 0);
	ck_assert_uint_eq(kernel.looks, 4); /* two pieces, to see what there is and to move it */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mover_pace");
	TCase *t = tcase_create("pace");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup_mover, teardown_mover);
	tcase_add_test(t, without_room_nothing_is_moved);
	tcase_add_test(t, with_room_for_one_piece_it_is_moved);
	tcase_add_test(t, room_is_looked_at_before_each_piece);
	tcase_add_test(t, a_node_that_is_not_there_has_no_room);
	tcase_add_test(t, it_waits_for_its_rate_and_hears_of_another_one);
	tcase_add_test(t, it_is_never_faster_than_its_rate);
	tcase_add_test(t, a_stop_is_heard_while_it_waits);
	tcase_add_test(t, after_a_stop_the_next_order_is_carried_out);
	tcase_add_test(t, its_end_does_not_wait_for_its_rate);
	tcase_add_test(t, a_process_that_ends_ends_the_order);
	tcase_add_test(t, another_process_of_that_number_is_left_alone);
	tcase_add_test(t, another_order_costs_no_allocation);
	tcase_add_test(t, an_order_leaves_no_file_open);
	tcase_add_test(t, a_slow_kernel_is_given_smaller_pieces);
	tcase_add_test(t, memory_that_is_given_up_meanwhile_is_no_failure);
	tcase_add_test(t, a_guest_that_goes_after_a_move_is_no_failure);
	tcase_add_test(t, cells_without_room_are_all_looked_at);
	suite_add_tcase(s, t);
	return kt_run(s);
}
