/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which mappings of a process are the memory of a guest, and of which of its cells? */
#include "mover_fixture.h"

enum { NODE_A = 1, NODE_B = 2 }; /* masks */

static struct mover_ranges ranges;
static struct mover_order order;

static void setup_ranges(void)
{
	ck_assert_int_eq(hostfs_open("/", &fs), 0);
}

static void teardown_ranges(void)
{
	process_ends();
	hostfs_close(&fs);
}

static void begin(size_t nareas, const struct area *areas)
{
	process_starts(nareas, areas);
	order = order_to(NODE_A);
	mover_ranges_rewind(&ranges);
}

static int next(struct mover_range *ret)
{
	return mover_ranges_next(&fs, &order, &ranges, ret);
}

static void assert_next(uint64_t start, uint64_t size, uint64_t nodes)
{
	struct mover_range r;

	ck_assert_int_eq(next(&r), 1);
	ck_assert_msg(r.start == start && r.end - r.start == size && r.nodes == nodes,
		      "%" PRIx64 "-%" PRIx64, r.start, r.end);
}

static void assert_no_more(void)
{
	struct mover_range r;

	ck_assert_int_eq(next(&r), 0);
	ck_assert_int_eq(next(&r), 0);
}

START_TEST(memory_is_private_anonymous_writable_and_large)
{
	int file = memfd_create("file", MFD_CLOEXEC);

	ck_assert_int_gt(file, 0);
	ck_assert_int_eq(ftruncate(file, 8 * MIB), 0);
	begin(6, (struct area[]){ { .size = MIB },
				  { .size = MIB - PAGE },
				  { .size = 8 * MIB, .read_only = true },
				  { .size = 8 * MIB, .everybodys = true },
				  { .size = 8 * MIB, .file = file },
				  { .size = 4 * MIB, .touch = true } });
	close(file);
	assert_next(area_at(0), MIB, NODE_A);
	assert_next(area_at(5), 4 * MIB, NODE_A);
	assert_no_more();
	mover_ranges_rewind(&ranges);
	assert_next(area_at(0), MIB, NODE_A);
}
END_TEST

/* A process that is only a text; our own child has no heap any more. */
START_TEST(the_heap_is_not_the_guests)
{
	char folder[64], path[128];
	FILE *maps;

	begin(1, (struct area[]){ { .size = MIB } });
	scratch_make(folder, sizeof folder);
	snprintf(path, sizeof path, "%s/proc", folder);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof path, "%s/proc/42", folder);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof path, "%s/proc/42/maps", folder);
	maps = fopen(path, "w");
	ck_assert_ptr_nonnull(maps);
	fputs("10000000-10800000 rw-p 00000000 00:00 0                          [heap]\n"
	      "20000000-20200000 rw-p 00000000 00:00 0                          [anon:memory]\n"
	      "30000000-30400000 rw-p 00000000 00:00 0 \n"
	      "40000000-40800000 rw-p 00000000 00:00 0                          [stack]\n",
	      maps);
	ck_assert_int_eq(fclose(maps), 0);
	hostfs_close(&fs);
	ck_assert_int_eq(hostfs_open(folder, &fs), 0);
	order.pid = 42;
	mover_ranges_rewind(&ranges);
	assert_next(0x20000000, 2 * MIB, NODE_A);
	assert_next(0x30000000, 4 * MIB, NODE_A);
	assert_no_more();
	ck_assert_int_eq(scratch_remove(folder), 0);
}
END_TEST

static void two_cells(uint64_t first_mib, uint64_t second_mib)
{
	order.ncells = 2;
	order.cell[0] = (struct mover_cell){ NODE_A, first_mib * 1024 };
	order.cell[1] = (struct mover_cell){ NODE_B, second_mib * 1024 };
}

START_TEST(cells_of_equal_size_lie_in_descending_order)
{
	begin(3, (struct area[]){ { .size = 4 * MIB }, { .size = 2 * MIB }, { .size = 4 * MIB } });
	two_cells(4, 4);
	assert_next(area_at(2), 4 * MIB, NODE_A);
	assert_next(area_at(0), 4 * MIB, NODE_B);
	assert_no_more();
}
END_TEST

START_TEST(cells_of_other_sizes_lie_anywhere)
{
	begin(2, (struct area[]){ { .size = 4 * MIB }, { .size = 2 * MIB } });
	two_cells(4, 2);
	assert_next(area_at(0), 4 * MIB, NODE_A);
	assert_next(area_at(1), 2 * MIB, NODE_B);
	assert_no_more();
}
END_TEST

static void assert_unclear(void)
{
	struct mover_range r;

	mover_ranges_rewind(&ranges);
	ck_assert_int_eq(next(&r), -ENOTUNIQ);
}

START_TEST(too_many_too_few_or_unknown_sizes_are_unclear)
{
	begin(3, (struct area[]){ { .size = 4 * MIB }, { .size = 4 * MIB }, { .size = 4 * MIB } });
	two_cells(4, 4);
	assert_unclear();
	two_cells(4, 2);
	assert_unclear();
	two_cells(2, 2);
	assert_unclear();
	two_cells(0, 0);
	assert_unclear();
}
END_TEST

START_TEST(cells_that_go_to_the_same_nodes_are_one)
{
	begin(2, (struct area[]){ { .size = 4 * MIB }, { .size = 3 * MIB } });
	two_cells(4, 4);
	order.cell[1].nodes = NODE_A;
	assert_next(area_at(0), 4 * MIB, NODE_A);
	assert_next(area_at(1), 3 * MIB, NODE_A);
	assert_no_more();
}
END_TEST

/* Every second page of a child of ours is read-only: no two of them are one mapping. */
static void split(uint64_t start, uint64_t size, uint64_t step)
{
	for (uint64_t p = start; p < start + size; p += 2 * step)
		ck_assert_int_eq(mprotect((void *)(uintptr_t)p, PAGE, PROT_READ), 0);
}

START_TEST(a_process_may_have_60000_mappings)
{
	const uint64_t step = MIB + PAGE, n = 700;
	uint64_t large = AREA_BASE, small = AREA_BASE + 2 * n * step, found = 0;
	struct mover_range r;

	order = (struct mover_order){ .pid = getpid(), .ncells = 1, .cell[0].nodes = NODE_A };
	ck_assert(mmap((void *)(uintptr_t)large, 2 * n * step + 58000 * PAGE,
		       PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
		       0) != MAP_FAILED);
	split(large, n * step, step / 2);
	split(small, 58000 * PAGE, PAGE);
	mover_ranges_rewind(&ranges);
	while (next(&r) == 1) {
		ck_assert_uint_eq(r.nodes, NODE_A);
		if (r.start < large || r.start >= small)
			continue;
		ck_assert_uint_eq(r.start, large + found * step + PAGE);
		found++;
	}
	ck_assert_uint_eq(found, n);
	ck_assert_int_eq(munmap((void *)(uintptr_t)large, 2 * n * step + 58000 * PAGE), 0);
}
END_TEST

START_TEST(of_a_process_that_has_gone_there_is_nothing)
{
	struct mover_range r;

	begin(1, (struct area[]){ { .size = MIB } });
	if (_i)
		two_cells(1, 1);
	process_ends();
	ck_assert_int_eq(next(&r), -ESRCH);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mover_ranges");
	TCase *t = tcase_create("ranges");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup_ranges, teardown_ranges);
	tcase_add_test(t, memory_is_private_anonymous_writable_and_large);
	tcase_add_test(t, the_heap_is_not_the_guests);
	tcase_add_test(t, cells_of_equal_size_lie_in_descending_order);
	tcase_add_test(t, cells_of_other_sizes_lie_anywhere);
	tcase_add_test(t, too_many_too_few_or_unknown_sizes_are_unclear);
	tcase_add_test(t, cells_that_go_to_the_same_nodes_are_one);
	tcase_add_test(t, a_process_may_have_60000_mappings);
	tcase_add_loop_test(t, of_a_process_that_has_gone_there_is_nothing, 0, 2);
	suite_add_tcase(s, t);
	return kt_run(s);
}
