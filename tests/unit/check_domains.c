/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does every guest keep its slot, and does every start count? */
#include <errno.h>
#include <string.h>

#include "domains.h"
#include "kt_check.h"

static struct domains *ds;

static void setup(void)
{
	ds = domains_new();
	ck_assert_ptr_nonnull(ds);
}

static void teardown(void)
{
	domains_free(ds);
}

static struct domain domain_of(unsigned int number, int id)
{
	struct domain d = { .id = id, .vcpus = number };

	memcpy(&d.uuid.byte[12], &number, sizeof number);
	return d;
}

static int put(unsigned int number, int id)
{
	struct domain d = domain_of(number, id);

	return domains_put(ds, &d);
}

static int find(unsigned int number)
{
	struct domain d = domain_of(number, 0);

	return domains_find(ds, &d.uuid);
}

static void drop(unsigned int number)
{
	struct domain d = domain_of(number, 0);

	domains_remove(ds, &d.uuid);
}

/* What must be true after anything. */
static void check_counts(size_t nused, size_t nslots)
{
	size_t n = 0;

	for (size_t i = 0; i < KT_GUESTS_MAX; i++) {
		n += ds->slot[i].used;
		ck_assert(!ds->slot[i].used || (i < ds->nslots && ds->slot[i].incarnation));
	}
	ck_assert_uint_eq(n, nused);
	ck_assert_uint_eq(ds->nused, nused);
	ck_assert_uint_eq(ds->nslots, nslots);
}

START_TEST(nobody_is_there_at_first)
{
	check_counts(0, 0);
	ck_assert_int_eq(find(0), -ENOENT); /* a slot of zeroes is not the zero UUID */
	drop(0);
	check_counts(0, 0);
}
END_TEST

START_TEST(a_guest_keeps_its_slot)
{
	ck_assert_int_eq(put(1, 10), 0);
	ck_assert_int_eq(put(2, 11), 1);
	ck_assert_int_eq(put(3, 12), 2);
	drop(2);
	check_counts(2, 3);
	ck_assert_int_eq(find(1), 0);
	ck_assert_int_eq(find(2), -ENOENT);
	ck_assert_int_eq(find(3), 2);
	ck_assert_int_eq(put(3, 12), 2);
	check_counts(2, 3);
}
END_TEST

START_TEST(new_facts_are_no_new_start)
{
	struct domain d = domain_of(1, 10);
	uint32_t incarnation;

	ck_assert_int_eq(domains_put(ds, &d), 0);
	incarnation = ds->slot[0].incarnation;
	ck_assert_uint_gt(incarnation, 0);
	d.vcpus = 77;
	strcpy(d.name, "renamed");
	ck_assert_int_eq(domains_put(ds, &d), 0);
	ck_assert_uint_eq(ds->slot[0].incarnation, incarnation);
	ck_assert_uint_eq(ds->slot[0].domain.vcpus, 77);
	ck_assert_str_eq(ds->slot[0].domain.name, "renamed");
	check_counts(1, 1);
}
END_TEST

START_TEST(another_id_is_another_start)
{
	uint32_t first, second;

	ck_assert_int_eq(put(1, 10), 0);
	first = ds->slot[0].incarnation;
	ck_assert_int_eq(put(2, 11), 1);
	second = ds->slot[1].incarnation;
	ck_assert_uint_gt(second, first);
	ck_assert_int_eq(put(1, 12), 0);
	ck_assert_uint_gt(ds->slot[0].incarnation, second);
	ck_assert_uint_eq(ds->slot[1].incarnation, second);
	check_counts(2, 2);
}
END_TEST

/* Gone and back with the same id is a start as well: we were not told what was between. */
START_TEST(a_slot_that_is_used_again_is_another_start)
{
	uint32_t first;

	ck_assert_int_eq(put(1, 10), 0);
	first = ds->slot[0].incarnation;
	drop(1);
	check_counts(0, 0);
	ck_assert_int_eq(put(1, 10), 0);
	ck_assert_uint_gt(ds->slot[0].incarnation, first);
	drop(1);
	ck_assert_int_eq(put(2, 10), 0);
	ck_assert_uint_gt(ds->slot[0].incarnation, first + 1);
	check_counts(1, 1);
}
END_TEST

START_TEST(removing_twice_is_fine)
{
	ck_assert_int_eq(put(1, 10), 0);
	ck_assert_int_eq(put(2, 11), 1);
	drop(1);
	drop(1);
	drop(99);
	check_counts(1, 2);
}
END_TEST

START_TEST(the_first_free_slot_is_used_and_the_end_moves_back)
{
	for (unsigned int n = 0; n < 6; n++)
		ck_assert_int_eq(put(n, 1), (int)n);
	drop(1);
	drop(3);
	ck_assert_int_eq(put(100, 1), 1);
	drop(5);
	check_counts(4, 5);
	drop(4);
	check_counts(3, 3); /* slot 3 was empty already */
	ck_assert_int_eq(put(101, 1), 3);
}
END_TEST

START_TEST(there_is_room_for_all_and_not_for_one_more)
{
	for (unsigned int n = 0; n < KT_GUESTS_MAX; n++)
		ck_assert_int_eq(put(n, 1), (int)n);
	check_counts(KT_GUESTS_MAX, KT_GUESTS_MAX);
	ck_assert_int_eq(put(KT_GUESTS_MAX, 1), -ENOSPC);
	ck_assert_int_eq(find(KT_GUESTS_MAX), -ENOENT);
	check_counts(KT_GUESTS_MAX, KT_GUESTS_MAX);
	/* Those that are there may still change and start again. */
	ck_assert_int_eq(put(0, 2), 0);
	ck_assert_int_eq(put(KT_GUESTS_MAX - 1, 2), KT_GUESTS_MAX - 1);
	drop(500);
	ck_assert_int_eq(put(KT_GUESTS_MAX, 1), 500);
	check_counts(KT_GUESTS_MAX, KT_GUESTS_MAX);
}
END_TEST

/* Against a plain list; the seed is the row. */
START_TEST(any_order_of_coming_and_going_is_counted_right)
{
	enum { NUMBERS = 40 };
	unsigned int seed = (unsigned int)_i;
	bool present[NUMBERS] = { false };
	size_t count = 0;

	for (int step = 0; step < 2000; step++) {
		unsigned int n = (unsigned int)rand_r(&seed) % NUMBERS;

		ck_assert_int_eq(find(n) >= 0, present[n]);
		if (rand_r(&seed) % 2) {
			ck_assert_int_ge(put(n, rand_r(&seed) % 3), 0);
			count += !present[n];
			present[n] = true;
		} else {
			drop(n);
			count -= present[n];
			present[n] = false;
		}
		ck_assert_uint_eq(ds->nused, count);
		ck_assert_uint_le(ds->nslots, NUMBERS);
		ck_assert(!ds->nslots || ds->slot[ds->nslots - 1].used);
	}
	check_counts(count, ds->nslots);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("domains");
	Suite *s = suite_create("domains");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nobody_is_there_at_first);
	tcase_add_test(tc, a_guest_keeps_its_slot);
	tcase_add_test(tc, new_facts_are_no_new_start);
	tcase_add_test(tc, another_id_is_another_start);
	tcase_add_test(tc, a_slot_that_is_used_again_is_another_start);
	tcase_add_test(tc, removing_twice_is_fine);
	tcase_add_test(tc, the_first_free_slot_is_used_and_the_end_moves_back);
	tcase_add_test(tc, there_is_room_for_all_and_not_for_one_more);
	tcase_add_loop_test(tc, any_order_of_coming_and_going_is_counted_right, 0, 5);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
