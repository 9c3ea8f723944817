/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what would be changed of the host told as it would be, without changing, saying or
 * remembering anything? */
#include "host_fixture.h"

#define SWAPPINESS "proc/sys/vm/swappiness"

static unsigned int rule;

static void setup(void)
{
	setup_kernel();
	rule = rule_of("host-swappiness");
	put_below(SWAPPINESS, "60\n");
}

static bool foresees(const char *from, const char *to)
{
	struct host_tally tally;

	if (!act_host_foresee(act, &plan->host, rule, &tally))
		return false;
	ck_assert_uint_eq(tally.n, 1);
	ck_assert_str_eq(tally.from, from);
	ck_assert_str_eq(tally.to, to);
	return true;
}

START_TEST(what_a_dry_run_would_write)
{
	plan->host.dry_run = true;
	wish_of(rule, WISH_SET, "10");
	nsaid = 0;
	ck_assert(foresees("60", "10"));
	put_below(SWAPPINESS, "10\n");
	ck_assert(!foresees(NULL, NULL));
	ck_assert_int_eq(unlink(at(root, SWAPPINESS)), 0);
	ck_assert(!foresees(NULL, NULL));
	ck_assert_uint_eq(nsaid + kernel.writes + in_force()->off, 0);
}
END_TEST

START_TEST(what_would_be_given_back)
{
	struct host_wish *w = &plan->host.rule[rule];

	wish_of(rule, WISH_SET, "10");
	ck_assert(!foresees(NULL, NULL));
	w->wish = WISH_HOLD;
	ck_assert(!foresees(NULL, NULL));
	w->wish = WISH_RELEASE;
	ck_assert(foresees("10", "60"));
	w->is_theirs = true;
	ck_assert(!foresees(NULL, NULL));
	w->is_theirs = false;
	put_below(SWAPPINESS, "35\n"); /* by somebody: it will be ceded */
	ck_assert(!foresees(NULL, NULL));
	w->wish = WISH_SET;
	ck_assert(!foresees(NULL, NULL));
	ck_assert_uint_eq(in_force()->ceded, 0);
}
END_TEST

START_TEST(another_word_than_ours)
{
	wish_of(rule, WISH_SET, "10");
	strcpy(plan->host.rule[rule].word, "20");
	ck_assert(foresees("10", "20"));
}
END_TEST

START_TEST(nothing_of_what_was_refused)
{
	kernel.error = EROFS;
	wish_of(rule, WISH_SET, "10");
	ck_assert_uint_eq(in_force()->off, UINT64_C(1) << rule);
	ck_assert(!foresees(NULL, NULL));
}
END_TEST

START_TEST(interrupts_outside)
{
	struct host_plan *p = &plan->host;
	struct host_tally tally;

	put_below("proc/irq/27/smp_affinity_list", "1\n");
	put_below("proc/irq/28/smp_affinity_list", "0-63\n");
	put_below("proc/irq/29/smp_affinity_list", "8-15\n");
	ck_assert_int_eq(cpumask_parse("0-1", &p->irq_cpus), 0);
	for (p->nirqs = 0; p->nirqs < 3; p->nirqs++)
		p->irq[p->nirqs] = 27 + (unsigned int)p->nirqs;
	rule = rule_of("host-irq-affinity");
	p->dry_run = true;
	wish_of(rule, WISH_SET, NULL);
	ck_assert(act_host_foresee(act, p, rule, &tally));
	ck_assert_uint_eq(tally.n, 2);
	ck_assert_uint_eq(tally.irq, 28);
	ck_assert_str_eq(tally.from, "0-63");
	ck_assert_str_eq(tally.to, "0-1");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_host_foresee");
	TCase *c = tcase_create("foresee");

	tcase_add_checked_fixture(c, setup, teardown_kernel);
	tcase_add_test(c, what_a_dry_run_would_write);
	tcase_add_test(c, what_would_be_given_back);
	tcase_add_test(c, another_word_than_ours);
	tcase_add_test(c, nothing_of_what_was_refused);
	tcase_add_test(c, interrupts_outside);
	suite_add_tcase(s, c);
	return kt_run(s);
}
