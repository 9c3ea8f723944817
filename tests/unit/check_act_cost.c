/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a plan that changes nothing allocate nothing? */
#include "act_guest.h"
#include "allocations.h"

static size_t allocations_of_a_plan(void)
{
	size_t before = nallocations;

	act_apply(act, plan);
	return nallocations - before;
}

START_TEST(a_pinned_and_limited_guest_costs_no_allocation)
{
	struct vm_reply answer = { .uuid = guest_uuid, .soft_limit_kib = 1000000 };

	count_allocations();
	wish_cpus(&first, 0);
	plan->guest[SLOT].memory = (struct memory_plan){ .wish = WISH_SET,
							 .means = MEMORY_SOFT_LIMIT,
							 .target_kib = 1000000 };
	ck_assert_uint_gt(allocations_of_a_plan(), 0); /* the table, the undo file */
	act_reply(act, &answer, 0);
	plan->guest[SLOT].soft_limit_kib = 1000000;
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(allocations_of_a_plan(), 0);
}
END_TEST

static void setup_recorded(void)
{
	static const char *const folders[] = { "sys", "sys/kernel", "sys/kernel/mm",
					       "sys/kernel/mm/ksm" };

	setup_at(NULL);
	for (size_t i = 0; i < KT_ARRAY_LEN(folders); i++)
		ck_assert_int_eq(mkdir(at(root, folders[i]), 0755), 0);
	put(at(root, "sys/kernel/mm/ksm/run"), "0\n");
	put(at(root, "sys/kernel/mm/ksm/pages_to_scan"), "100\n");
	put(at(root, "sys/kernel/mm/ksm/sleep_millisecs"), "20\n");
}

START_TEST(ksm_costs_no_allocation)
{
	count_allocations();
	plan->ksm = (struct ksm_plan){
		.wish = WISH_SET, .run = true, .pages_to_scan = 1250, .sleep_ms = 10
	};
	ck_assert_uint_gt(allocations_of_a_plan(), 0); /* the undo file */
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(allocations_of_a_plan(), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_cost");
	TCase *g = tcase_create("guests"), *k = tcase_create("ksm");

	tcase_add_checked_fixture(g, setup_guest, teardown_guest);
	tcase_add_test(g, a_pinned_and_limited_guest_costs_no_allocation);
	suite_add_tcase(s, g);
	tcase_add_checked_fixture(k, setup_recorded, teardown);
	tcase_add_test(k, ksm_costs_no_allocation);
	suite_add_tcase(s, k);
	return kt_run(s);
}
