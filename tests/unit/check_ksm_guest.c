/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keeps a guest from merging, and what has become of the others? */
#include "ksm_fixture.h"

static void setup(void)
{
	struct guest_sample *s = &fx.sample[0];

	fixture_reset();
	(void)fixture_guest(1);
	fx.view.ksm_passes = 100;
	fx.view.guest[0].first_pass = 97;
	s->has_ksm = true;
	s->anon_kib = s->rss_kib = 2 * GIB_KIB;
	s->ksm_rmap_pages = s->rss_kib / KT_PAGE_KIB;
}

static enum why verdict(void)
{
	return ksm_guest_verdict(&fx.view, &fx.view.guest[0]);
}

static const struct {
	size_t offset; /* of a bool in struct domain */
	enum why why;
} obstacles[] = {
	{ offsetof(struct domain, hugepages), WHY_HUGEPAGES },
	{ offsetof(struct domain, locked), WHY_LOCKED },
	{ offsetof(struct domain, vfio), WHY_DEVICE_MEMORY },
	{ offsetof(struct domain, nosharepages), WHY_NOSHAREPAGES },
	{ offsetof(struct domain, shared_memory), WHY_SHARED_MEMORY },
	{ offsetof(struct domain, confidential), WHY_CONFIDENTIAL },
};

START_TEST(each_obstacle_has_its_word_and_does_not_count)
{
	*(bool *)((char *)&fx.domain[0] + obstacles[_i].offset) = true;
	fx.view.guest[0].merged_kib = GIB_KIB; /* whatever was merged before */
	ck_assert_str_eq(why_str(verdict()), why_str(obstacles[_i].why));
	ck_assert(!ksm_guest_mergeable(&fx.view.guest[0]));
}
END_TEST

static void by_opt_out(void)
{
	fx.domain[0].wish.ksm = GUEST_SWITCH_OFF;
}

static void by_old_kernel(void)
{
	fx.sample[0].has_ksm = false;
}

static void by_few_passes(void)
{
	fx.view.ksm_passes = 99;
}

static void by_merging(void)
{
	fx.view.guest[0].merged_kib = 2 * GIB_KIB / 100 + 1;
	fx.sample[0].ksm_profit_bytes = 1;
}

static void by_early_merging(void)
{
	by_merging();
	by_few_passes();
}

static void by_loss(void)
{
	by_merging();
	fx.sample[0].ksm_profit_bytes = -1;
}

static void by_early_loss(void)
{
	by_loss();
	by_few_passes();
}

static void by_a_hundredth(void)
{
	by_merging();
	fx.view.guest[0].merged_kib--;
}

static void by_a_kernel_without_profit(void)
{
	by_merging();
	fx.sample[0].ksm_profit_bytes = 0;
}

/* A quarter of what QEMU has offered; its own 64 MiB it has not. */
static void by_scan(uint64_t more_pages)
{
	fx.sample[0].ksm_rmap_pages = (2 * GIB_KIB - 64 * MIB_KIB) / 4 / KT_PAGE_KIB + more_pages;
}

static void by_a_quarter_scanned(void)
{
	by_scan(0);
}

static void by_less_than_a_quarter_scanned(void)
{
	by_scan(UINT64_MAX);
}

static void by_half_huge(void)
{
	fx.sample[0].anon_huge_kib = GIB_KIB;
}

static void by_more_than_half_huge(void)
{
	fx.sample[0].has_cgroup = true;
	fx.sample[0].anon_huge_kib = GIB_KIB + 1;
}

static void by_smallness(void)
{
	fx.sample[0].anon_kib = fx.sample[0].rss_kib = 64 * MIB_KIB;
	fx.sample[0].ksm_rmap_pages = 0;
	fx.sample[0].anon_huge_kib = 64 * MIB_KIB;
}

static const struct {
	const char *name;
	void (*given)(void);
	enum why why;
} verdicts[] = {
	{ "looked at, and nothing found", by_nothing, WHY_NOTHING_ALIKE },
	{ "opted out", by_opt_out, WHY_OPTED_OUT },
	{ "not sampled", by_no_sample, WHY_NOT_SAMPLED },
	{ "a kernel that does not tell", by_old_kernel, WHY_MERGEABLE },
	{ "one pass too few to believe it", by_few_passes, WHY_MERGEABLE },
	{ "more than a hundredth is merged", by_merging, WHY_MERGED },
	{ "... which needs no passes to be believed", by_early_merging, WHY_MERGED },
	{ "a hundredth is nothing", by_a_hundredth, WHY_NOTHING_ALIKE },
	{ "merged at a loss", by_loss, WHY_NO_PROFIT },
	{ "a loss that is young", by_early_loss, WHY_MERGEABLE },
	{ "a kernel that knows no profit", by_a_kernel_without_profit, WHY_MERGED },
	{ "a quarter is seen", by_a_quarter_scanned, WHY_NOTHING_ALIKE },
	{ "less than a quarter is seen", by_less_than_a_quarter_scanned, WHY_NOT_SCANNED },
	{ "half in huge pages", by_half_huge, WHY_NOTHING_ALIKE },
	{ "more than half in huge pages", by_more_than_half_huge, WHY_HUGE_PAGES_WHOLE },
	{ "no memory but QEMU's own", by_smallness, WHY_NOTHING_ALIKE },
};

START_TEST(each_guest_has_a_verdict)
{
	verdicts[_i].given();
	ck_assert_msg(verdict() == verdicts[_i].why, "%s: %s", verdicts[_i].name,
		      why_str(verdict()));
}
END_TEST

START_TEST(the_plan_has_the_verdict_of_each_guest)
{
	by_merging();
	(void)fixture_guest(1);
	fx.domain[1].vfio = true;
	arbiter_step(&fx.state, &fx.conf, &fx.view, &fx.in_force, &fx.plan);
	ck_assert_int_eq(fx.plan.guest[0].ksm, WHY_MERGED);
	ck_assert_int_eq(fx.plan.guest[1].ksm, WHY_DEVICE_MEMORY);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ksm_guest");
	TCase *c = tcase_create("verdict");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_loop_test(c, each_obstacle_has_its_word_and_does_not_count, 0,
			    (int)KT_ARRAY_LEN(obstacles));
	tcase_add_loop_test(c, each_guest_has_a_verdict, 0, (int)KT_ARRAY_LEN(verdicts));
	tcase_add_test(c, the_plan_has_the_verdict_of_each_guest);
	suite_add_tcase(s, c);
	return kt_run(s);
}
