/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is advice about a guest to come given with its reasons? */
#include "answer_fixture.h"

static void advise(uint64_t vcpus, uint64_t mib)
{
	ask(answer_advise, (struct question){ .given = ASKS_VCPUS | (mib ? ASKS_MIB : 0),
					      .vcpus = vcpus,
					      .mib = mib });
}

START_TEST(a_node_is_advised)
{
	k->conf.policy.placement.node_reserve_mib = 0;
	tick(KT_NS_PER_S);
	advise(2, 0);
	ck_assert_double_eq(number_at("vcpus"), 2);
	ck_assert_str_eq(text_at("memory_kib"), "null");
	ck_assert(strcmp(text_at("nodes"), "0") == 0 || strcmp(text_at("nodes"), "1") == 0);
	ck_assert_uint_ge(length_at("considered"), 2);
	ck_assert_str_eq(text_at("considered.0.nodes"), text_at("nodes"));
	ck_assert_str_eq(text_at("considered.0.fits"), "true");
	ck_assert_str_ne(text_at("reason"), "none");
}
END_TEST

START_TEST(a_wide_guest_gets_both_nodes)
{
	k->conf.policy.placement.node_reserve_mib = 0;
	tick(KT_NS_PER_S);
	advise(3, 0);
	ck_assert_str_eq(text_at("nodes"), "0-1");
	ck_assert_str_eq(text_at("considered.0.nodes"), "0-1");
}
END_TEST

START_TEST(reserved_cpus_are_for_nobody)
{
	cpumask_set(&k->conf.policy.placement.reserved_cpus, 0);
	cpumask_set(&k->conf.policy.placement.reserved_cpus, 1);
	tick(KT_NS_PER_S);
	advise(1, 0);
	ck_assert_str_eq(text_at("nodes"), "1");
}
END_TEST

START_TEST(memory_is_told_as_it_was_understood)
{
	tick(KT_NS_PER_S);
	advise(1, 4);
	ck_assert_double_eq(number_at("memory_kib"), 4096);
	advise(1, UINT64_MAX);
	ck_assert_int_eq(answer.status, 200);
}
END_TEST

START_TEST(a_host_that_was_never_read_has_no_advice)
{
	advise(1, 0);
	ck_assert_int_eq(answer.status, 503);
	ck_assert_str_eq(text_at("error"), "busy");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("answer_advise");
	TCase *c = tcase_create("advise");

	tcase_add_checked_fixture(c, answer_setup, answer_teardown);
	tcase_add_test(c, a_node_is_advised);
	tcase_add_test(c, a_wide_guest_gets_both_nodes);
	tcase_add_test(c, reserved_cpus_are_for_nobody);
	tcase_add_test(c, memory_is_told_as_it_was_understood);
	tcase_add_test(c, a_host_that_was_never_read_has_no_advice);
	suite_add_tcase(s, c);
	return kt_run(s);
}
