/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are interrupts where the plan wants them, each back where it was afterwards, and nobody's
 * business where somebody else moves them? */
#include "act_private.h"
#include "host_fixture.h"

enum { IRQS = 3, FIRST = 27 };

static const char *const before[IRQS] = { "0-63\n", "1\n", "8-15\n" };

static const char *file_of(unsigned int n)
{
	static char path[64];

	snprintf(path, sizeof path, "proc/irq/%u/smp_affinity_list", FIRST + n);
	return path;
}

static void setup(void)
{
	setup_kernel();
	for (unsigned int n = 0; n < IRQS; n++)
		put_below(file_of(n), before[n]);
}

static void wish_cpus(const char *cpus, size_t nirqs)
{
	struct host_plan *p = &plan->host;

	ck_assert_int_eq(cpumask_parse(cpus, &p->irq_cpus), 0);
	p->nirqs = nirqs;
	for (unsigned int n = 0; n < nirqs; n++)
		p->irq[n] = FIRST + n;
	wish_of(rule_of("host-irq-affinity"), WISH_SET, NULL);
}

static void assert_all_are(const char *const text[IRQS])
{
	for (unsigned int n = 0; n < IRQS; n++)
		assert_below(file_of(n), text[n]);
}

START_TEST(only_those_outside_are_moved_and_all_come_back)
{
	for (int i = 0; i < 2; i++)
		wish_cpus("0-1", IRQS);
	assert_all_are((const char *[]){ "0-1\n", "1\n", "0-1\n" });
	ck_assert_uint_eq(kernel.writes, 2);
	assert_on_file("host host-irq-affinity 27 0-63 0-63 0-1");
	assert_on_file("host host-irq-affinity 29 8-15 8-15 0-1");
	ck_assert_uint_eq(nsaid, 1);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_HOST_CHANGED)->message,
				     "2 interrupts set (host-irq-affinity), the first of them: "
				     "0-1 for interrupt 27 (was 0-63)"));
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all_are(before);
	ck_assert(is_nobodys());
	ck_assert_str_eq(the_one(LOG_RESTORED)->to, "0-63");
}
END_TEST

START_TEST(an_interrupt_that_is_not_wished_any_more_comes_back)
{
	wish_cpus("0-1", IRQS);
	wish_cpus("0-1", 1);
	assert_all_are((const char *[]){ "0-1\n", "1\n", "8-15\n" });
	ck_assert(in_force()->ours);
	ck_assert_int_eq(unlink(at(root, file_of(0))), 0); /* its device has gone */
	wish_cpus("0-1", 0);
	ck_assert(is_nobodys());
	ck_assert_uint_eq(count_said(LOG_CEDED) + count_said(LOG_WRITE_REFUSED), 0);
	ck_assert_uint_eq(act->host.nvalues, 0); /* a year of hot-plugging is forgotten */
}
END_TEST

/* Others were to be written, too, and now are not. */
START_TEST(what_was_to_be_changed_when_another_was_ceded_comes_back)
{
	wish_cpus("0-1", IRQS);
	put_below(file_of(2), "5\n");
	wish_cpus("2-3", IRQS);
	assert_all_are((const char *[]){ before[0], before[1], "5\n" });
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	ck_assert(!in_force()->ours);
}
END_TEST

START_TEST(other_cpus_keep_the_first_original)
{
	wish_cpus("0-1", IRQS);
	wish_cpus("2-3", IRQS);
	assert_all_are((const char *[]){ "2-3\n", "2-3\n", "2-3\n" });
	act_restore(act, 0);
	assert_all_are(before);
}
END_TEST

START_TEST(who_moves_one_within_the_cpus_may)
{
	wish_cpus("0-1", IRQS);
	put_below(file_of(0), "1\n");
	wish_cpus("0-1", IRQS);
	ck_assert(!in_force()->ceded && in_force()->ours);
	act_restore(act, 0);
	assert_all_are((const char *[]){ "1\n", "1\n", "8-15\n" });
}
END_TEST

START_TEST(who_moved_one_within_the_cpus_has_it_when_they_change)
{
	wish_cpus("0-1", IRQS);
	put_below(file_of(0), "1\n");
	wish_cpus("0-1", IRQS);
	for (int i = 0; i < 2; i++)
		wish_cpus("2-3", IRQS);
	assert_all_are((const char *[]){ "1\n", "1\n", "8-15\n" });
	ck_assert(in_force()->ceded && is_nobodys());
	ck_assert_str_eq(the_one(LOG_CEDED)->to, "1");
	act_forgive(act);
	wish_cpus("2-3", IRQS);
	assert_all_are((const char *[]){ "2-3\n", "2-3\n", "2-3\n" });
}
END_TEST

START_TEST(one_that_was_moved_is_forgotten_with_its_device)
{
	wish_cpus("0-1", IRQS);
	put_below(file_of(0), "1\n");
	wish_cpus("0-1", IRQS);
	wish_cpus("0-1", 0);
	ck_assert_uint_eq(act->host.nvalues, 1);
	ck_assert_int_eq(unlink(at(root, file_of(0))), 0);
	wish_cpus("0-1", 0);
	ck_assert_uint_eq(act->host.nvalues, 0);
}
END_TEST

START_TEST(who_takes_one_away_has_them_all)
{
	wish_cpus("0-1", IRQS);
	put_below(file_of(2), "9\n");
	for (int i = 0; i < 2; i++)
		wish_cpus("0-1", IRQS);
	assert_all_are((const char *[]){ "0-63\n", "1\n", "9\n" });
	ck_assert(in_force()->ceded && is_nobodys());
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	ck_assert_uint_eq(kernel.writes, 3);
}
END_TEST

START_TEST(one_that_cannot_be_moved_does_not_keep_the_others)
{
	kernel.error = EIO;
	kernel.only = "/27/";
	for (int i = 0; i < 2; i++)
		wish_cpus("0-1", IRQS);
	assert_all_are((const char *[]){ "0-63\n", "1\n", "0-1\n" });
	ck_assert_uint_eq(kernel.writes, 2);
	ck_assert(in_force()->ours && !in_force()->off);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_PLAIN)->message, "interrupt 27 stays"));
	act_forgive(act);
	kernel.error = 0;
	wish_cpus("0-1", IRQS);
	assert_below(file_of(0), "0-1\n");
	act_restore(act, 0);
	assert_all_are(before);
}
END_TEST

START_TEST(a_sandbox_refuses_them_all_at_once)
{
	kernel.error = EROFS;
	wish_cpus("0-1", IRQS);
	ck_assert_uint_eq(kernel.writes, 1);
	ck_assert_ptr_nonnull(
		strstr(the_one(LOG_WRITE_REFUSED)->message, "ReadWritePaths=-/proc/irq)"));
	ck_assert(in_force()->off && is_nobodys());
}
END_TEST

START_TEST(a_mask_that_cannot_be_remembered_stays)
{
	char list[2048] = "1";

	for (unsigned int cpu = 3; strlen(list) < 1030; cpu += 2)
		snprintf(list + strlen(list), sizeof list - strlen(list), ",%u", cpu);
	put_below(file_of(1), list);
	for (int i = 0; i < 2; i++)
		wish_cpus("0-1", IRQS);
	assert_all_are((const char *[]){ "0-1\n", list, "0-1\n" });
	ck_assert_uint_eq(count_said(LOG_PLAIN), 1);
	ck_assert(!in_force()->off);
}
END_TEST

START_TEST(a_next_life_gives_all_back)
{
	wish_cpus("0-1", IRQS);
	ck_assert_int_eq(act_again(), 2);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	assert_all_are(before);
	ck_assert(is_nobodys());
}
END_TEST

static void set(void)
{
	wish_cpus("0-1", IRQS);
}

START_TEST(killed_anywhere_all_come_back)
{
	for (unsigned int n = 0, more = 1; more; n++) {
		for (unsigned int i = 0; i < IRQS; i++)
			put_below(file_of(i), before[i]);
		more = killed_at(n, set);
		for (unsigned int i = 0; i < IRQS; i++) {
			char text[64];

			/* put() empties a file before it fills it, as no kernel does */
			if (get(at(root, file_of(i)), text, sizeof text) == 0)
				put_below(file_of(i), "0-1\n");
		}
		ck_assert_int_ge(act_again(), 0);
		ck_assert_uint_eq(act_restore(act, 0), 0);
		assert_all_are(before);
		ck_assert(is_nobodys());
		ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_host_irqs");
	TCase *c = tcase_create("irqs");

	tcase_add_checked_fixture(c, setup, teardown_kernel);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, only_those_outside_are_moved_and_all_come_back);
	tcase_add_test(c, an_interrupt_that_is_not_wished_any_more_comes_back);
	tcase_add_test(c, what_was_to_be_changed_when_another_was_ceded_comes_back);
	tcase_add_test(c, other_cpus_keep_the_first_original);
	tcase_add_test(c, who_moves_one_within_the_cpus_may);
	tcase_add_test(c, who_moved_one_within_the_cpus_has_it_when_they_change);
	tcase_add_test(c, one_that_was_moved_is_forgotten_with_its_device);
	tcase_add_test(c, who_takes_one_away_has_them_all);
	tcase_add_test(c, one_that_cannot_be_moved_does_not_keep_the_others);
	tcase_add_test(c, a_sandbox_refuses_them_all_at_once);
	tcase_add_test(c, a_mask_that_cannot_be_remembered_stays);
	tcase_add_test(c, a_next_life_gives_all_back);
	tcase_add_test(c, killed_anywhere_all_come_back);
	suite_add_tcase(s, c);
	return kt_run(s);
}
