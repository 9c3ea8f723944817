/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does this kernel move memory as the mover thinks it does?  Most of it needs a host with
 * two nodes; what one node can tell is asked everywhere. */
#include "mover_fixture.h"

enum { NO_NODE = KT_NODES_MAX - 1, FAST_KIB_PER_S = 64 * MIB };

static unsigned int home, other; /* nodes; the same one where there is no other */

static void find_nodes(void)
{
	char text[KT_CPULIST_MAX];
	struct cpumask nodes = { .word = { 1 } };
	struct hostfs real;

	if (hostfs_open("/", &real) < 0)
		return;
	if (hostfs_read(&real, "sys/devices/system/node/has_memory", text, sizeof text) < 0 ||
	    cpumask_parse(text, &nodes) < 0)
		fputs("the nodes of this host cannot be read\n", stderr);
	hostfs_close(&real);
	home = nodemask_first(nodes.word[0]);
	other = nodemask_first(nodes.word[0] & (nodes.word[0] - 1));
	if (other == KT_NODES_MAX)
		other = home;
}

static void setup_real(void)
{
	find_nodes();
	ck_assert_int_eq(hostfs_open("/", &fs), 0);
	ck_assert_int_eq(mover_new(&fs, NULL, &mover), 0);
}

static void teardown_real(void)
{
	mover_free(mover, &answer);
	process_ends();
	hostfs_close(&fs);
}

static void starts_at_home(uint64_t size, bool huge)
{
	process_starts(1,
		       &(struct area){ .size = size, .node = home, .touch = true, .huge = huge });
}

static uint64_t kib_on(size_t area, unsigned int node)
{
	uint64_t kib = 0;

	for (uint64_t p = area_at(area); p < area_at(area) + process.area[area].size; p += PAGE) {
		void *page = (void *)(uintptr_t)p;
		int status = -1;

		ck_assert_int_eq(syscall(SYS_move_pages, process.pid, 1UL, &page, NULL, &status, 0),
				 0);
		kib += status == (int)node ? PAGE / 1024 : 0;
	}
	return kib;
}

static uint64_t huge_kib(void)
{
	char path[64], line[8192];
	uint64_t kib, sum = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/smaps", process.pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "AnonHugePages: %" SCNu64, &kib) == 1)
			sum += kib;
	fclose(f);
	return sum;
}

/* ---- with one node ------------------------------------------------------------------------ */

START_TEST(memory_that_is_home_stays)
{
	starts_at_home(8 * MIB, false);
	assert_ends(order_to(nodemask_of(home)), MOVER_DONE);
	ck_assert_uint_eq(answer.away_kib + answer.moved_kib + answer.failed_kib, 0);
}
END_TEST

START_TEST(memory_that_is_elsewhere_is_seen)
{
	struct mover_order order;

	starts_at_home(8 * MIB, _i);
	order = order_to(nodemask_of(NO_NODE));
	order.look_only = true;
	assert_ends(order, MOVER_DONE);
	ck_assert_uint_eq(answer.away_kib, 8 * 1024);
	ck_assert_uint_eq(answer.away_nodes, nodemask_of(home));
}
END_TEST

START_TEST(where_nothing_was_written_there_is_nothing_to_move)
{
	process_starts(2,
		       (struct area[]){ { .size = 8 * MIB, .peek = true }, { .size = 8 * MIB } });
	assert_ends(order_to(nodemask_of(NO_NODE)), MOVER_DONE);
	ck_assert_uint_eq(answer.away_kib, 0);
}
END_TEST

static long unmap_first(pid_t pid, unsigned long count, void **pages, const int *nodes, int *status,
			int flags)
{
	char c = 'u';

	if (write(process.to, &c, 1) != 1 || read(process.from, &c, 1) != 1)
		abort();
	return syscall(SYS_move_pages, pid, count, pages, nodes, status, flags);
}

START_TEST(memory_may_vanish_before_the_call)
{
	mover_free(mover, &answer);
	ck_assert_int_eq(mover_new(&fs, unmap_first, &mover), 0);
	starts_at_home(2 * MIB, false);
	assert_ends(order_to(nodemask_of(NO_NODE)), MOVER_DONE);
	ck_assert_uint_eq(answer.away_kib + answer.failed_kib, 0);
}
END_TEST

START_TEST(the_kernel_refuses_a_node_that_is_not_there)
{
	hostfs_close(&fs);
	make_host();
	put_free(NO_NODE, 1000000);
	starts_at_home(4 * MIB, false);
	assert_ends(order_to(nodemask_of(NO_NODE)), MOVER_FAILED);
	ck_assert_int_eq(answer.error, ENODEV);
	ck_assert_uint_eq(answer.failed_kib, 4 * 1024);
	ck_assert_int_eq(scratch_remove(root), 0);
}
END_TEST

/* ---- with two ------------------------------------------------------------------------------- */

START_TEST(pages_move)
{
	starts_at_home(16 * MIB, false);
	ck_assert_uint_eq(kib_on(0, home), 16 * 1024);
	assert_ends(order_to(nodemask_of(other)), MOVER_DONE);
	ck_assert_uint_eq(answer.moved_kib, 16 * 1024);
	ck_assert_uint_eq(answer.failed_kib, 0);
	ck_assert_uint_eq(kib_on(0, other), 16 * 1024);
}
END_TEST

START_TEST(huge_pages_move_whole)
{
	uint64_t huge;

	starts_at_home(16 * MIB, true);
	huge = huge_kib();
	ck_assert_uint_gt(huge, 0);
	assert_ends(order_to(nodemask_of(other)), MOVER_DONE);
	ck_assert_uint_eq(answer.moved_kib, 16 * 1024);
	ck_assert_uint_eq(answer.failed_kib, 0);
	ck_assert_uint_eq(kib_on(0, other), 16 * 1024);
	ck_assert_uint_eq(huge_kib(), huge);
}
END_TEST

START_TEST(what_is_shared_stays)
{
	process_starts(2,
		       (struct area[]){
			       { .size = 4 * MIB, .node = home, .touch = true },
			       { .size = 2 * MIB, .node = home, .touch = true, .shared = true } });
	assert_ends(order_to(nodemask_of(other)), MOVER_DONE);
	ck_assert_uint_eq(kib_on(0, other), 4 * 1024);
	ck_assert_uint_eq(kib_on(1, home), 2 * 1024);
	ck_assert_uint_eq(answer.shared_kib, 2 * 1024);
	ck_assert_uint_eq(answer.failed_kib, 0);
}
END_TEST

static void start_pinned(uint64_t size, uint64_t pinned, bool huge)
{
	process_starts(1, &(struct area){ .size = size,
					  .node = home,
					  .touch = true,
					  .huge = huge,
					  .pinned = pinned });
}

/* All of a huge page, when a part of it is. */
START_TEST(what_is_pinned_does_not_keep_the_rest)
{
	uint64_t stay_kib = _i ? 2048 : 128;

	start_pinned(16 * MIB, 128 * 1024, _i);
	assert_ends(order_to(nodemask_of(other)), MOVER_DONE);
	ck_assert_uint_eq(answer.failed_kib, stay_kib);
	ck_assert_uint_eq(answer.moved_kib, 16 * 1024 - stay_kib);
	ck_assert_uint_eq(kib_on(0, other), 16 * 1024 - stay_kib);
}
END_TEST

START_TEST(memory_that_is_pinned_is_a_failure)
{
	start_pinned(4 * MIB, MIB, false);
	assert_ends(order_to(nodemask_of(other)), MOVER_FAILED);
	ck_assert_int_eq(answer.error, EBUSY);
	ck_assert_uint_eq(answer.failed_kib, 1024);
}
END_TEST

START_TEST(cells_go_apart)
{
	struct mover_order order;

	process_starts(2, (struct area[]){ { .size = 4 * MIB, .node = home, .touch = true },
					   { .size = 4 * MIB, .node = home, .touch = true } });
	order = order_to(nodemask_of(other));
	order.ncells = 2;
	order.cell[0].memory_kib = order.cell[1].memory_kib = 4096;
	order.cell[1].nodes = nodemask_of(home);
	assert_ends(order, MOVER_DONE);
	ck_assert_uint_eq(kib_on(1, other), 4 * 1024);
	ck_assert_uint_eq(kib_on(0, home), 4 * 1024);
}
END_TEST

START_TEST(a_full_node_gets_nothing)
{
	struct mover_order order;

	starts_at_home(4 * MIB, false);
	order = order_to(nodemask_of(other));
	order.leave_free_kib = UINT64_MAX / 2;
	assert_ends(order, MOVER_FULL);
	ck_assert_uint_eq(kib_on(0, home), 4 * 1024);
}
END_TEST

static void give_slowly(void)
{
	struct mover_order order;

	starts_at_home(16 * MIB, false);
	order = order_to(nodemask_of(other));
	order.kib_per_s = 1;
	give(order);
	do
		look_again();
	while (answer.state == MOVER_WORKS && (!answer.waits || !answer.moved_kib));
	ck_assert_uint_eq(answer.moved_kib, MOVER_CHUNK_MIN_KIB);
	ck_assert_uint_eq(kib_on(0, other), MOVER_CHUNK_MIN_KIB);
}

START_TEST(a_process_killed_in_the_middle_is_no_failure)
{
	give_slowly();
	process_ends();
	mover_pace(mover, FAST_KIB_PER_S, 0);
	await_end();
	ck_assert_int_eq(answer.state, MOVER_GONE);
	ck_assert_uint_eq(answer.failed_kib, 0);
}
END_TEST

START_TEST(an_order_may_be_changed_in_the_middle)
{
	give_slowly();
	mover_stop(mover);
	await_end();
	ck_assert_int_eq(answer.state, MOVER_RESTS);
	assert_ends(order_to(nodemask_of(home)), MOVER_DONE);
	ck_assert_uint_eq(answer.moved_kib, MOVER_CHUNK_MIN_KIB);
	ck_assert_uint_eq(kib_on(0, home), 16 * 1024);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mover_nodes");
	TCase *one = tcase_create("one node"), *two;

	tcase_set_timeout(one, 60);
	tcase_add_checked_fixture(one, setup_real, teardown_real);
	tcase_add_test(one, memory_that_is_home_stays);
	tcase_add_loop_test(one, memory_that_is_elsewhere_is_seen, 0, 2);
	tcase_add_test(one, where_nothing_was_written_there_is_nothing_to_move);
	tcase_add_test(one, memory_may_vanish_before_the_call);
	tcase_add_test(one, the_kernel_refuses_a_node_that_is_not_there);
	suite_add_tcase(s, one);
	find_nodes();
	if (other == home)
		return kt_run(s);
	two = tcase_create("two nodes");
	tcase_set_timeout(two, 120);
	tcase_add_checked_fixture(two, setup_real, teardown_real);
	tcase_add_test(two, pages_move);
	tcase_add_test(two, huge_pages_move_whole);
	tcase_add_test(two, what_is_shared_stays);
	tcase_add_loop_test(two, what_is_pinned_does_not_keep_the_rest, 0, 2);
	tcase_add_test(two, memory_that_is_pinned_is_a_failure);
	tcase_add_test(two, cells_go_apart);
	tcase_add_test(two, a_full_node_gets_nothing);
	tcase_add_test(two, a_process_killed_in_the_middle_is_no_failure);
	tcase_add_test(two, an_order_may_be_changed_in_the_middle);
	suite_add_tcase(s, two);
	return kt_run(s);
}
