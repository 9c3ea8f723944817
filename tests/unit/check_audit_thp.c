/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the audit's rules of transparent huge pages right, at their boundaries too? */
#include "audit_fixture.h"

static void with_nothing(void)
{
}

static void with_thp(const char *enabled, const char *defrag)
{
	fx.host.thp_enabled = fact_word(enabled);
	fx.host.thp_defrag = fact_word(defrag);
	fx.host.khugepaged_defrag = fact(1);
	fx.host.khugepaged_scan_sleep_ms = fact(10000);
}

static void thp_madvise(void)
{
	with_thp("madvise", "madvise");
}

static void thp_always(void)
{
	with_thp("always", "always");
}

static void thp_defer_madvise(void)
{
	with_thp("always", "defer+madvise");
}

static void thp_defer(void)
{
	with_thp("madvise", "defer");
	fx.host.khugepaged_defrag = fact(0);
	fx.host.khugepaged_scan_sleep_ms = fact(999);
}

static void thp_defrag_never(void)
{
	with_thp("madvise", "never");
	fx.host.khugepaged_scan_sleep_ms = fact(10001);
}

static void thp_numad(void)
{
	thp_madvise();
	fx.host.khugepaged_scan_sleep_ms = fact(1000);
}

static void thp_never(void)
{
	with_thp("never", "never");
}

static void thp_never_some_hugetlb(void)
{
	thp_never();
	fixture_guest()->hugepages = true;
	fixture_guest();
}

static void thp_never_all_hugetlb(void)
{
	thp_never();
	fixture_guest()->hugepages = true;
	fixture_guest()->hugepages = true;
}

static void thp_never_guest_unknown(void)
{
	thp_never();
	fixture_guest()->known = false;
}

static void thp_never_owned(void)
{
	thp_never();
	fixture_owner(OWNED_THP_ENABLED, "never");
}

static void thp_never_for_latency(void)
{
	thp_never();
	strcpy(fx.host.tuned_profile, "cpu-partitioning");
}

static void thp_owned(void)
{
	thp_defer();
	fixture_owner(OWNED_THP_DEFRAG, "defer");
	fixture_owner(OWNED_KHUGEPAGED_DEFRAG, "0");
	fixture_owner(OWNED_KHUGEPAGED_SCAN_SLEEP, "999");
}

static void thp_unreadable(void)
{
	fx.host.thp_enabled = (struct word_fact){ FACT_UNKNOWN, 13, "" };
}

static void thp_rest_unreadable(void)
{
	thp_madvise();
	fx.host.thp_defrag = (struct word_fact){ FACT_UNKNOWN, 13, "" };
	fx.host.khugepaged_defrag = fx.host.khugepaged_scan_sleep_ms = fact_unknown(13);
}

#define OK      AUDIT_OK
#define FINDING AUDIT_FINDING
#define NONE    AUDIT_NOT_APPLICABLE
#define UNKNOWN AUDIT_UNKNOWN

static const struct audit_row rows[] = {
	{ "madvise", "host-thp-enabled", thp_madvise, OK },
	{ "always", "host-thp-enabled", thp_always, OK },
	{ "never", "host-thp-enabled", thp_never, FINDING },
	{ "never, one guest with its own", "host-thp-enabled", thp_never_some_hugetlb, FINDING },
	{ "never, all with their own", "host-thp-enabled", thp_never_all_hugetlb, NONE },
	{ "never, a guest unknown", "host-thp-enabled", thp_never_guest_unknown, UNKNOWN },
	{ "never, owned", "host-thp-enabled", thp_never_owned, OK },
	{ "never, for latency", "host-thp-enabled", thp_never_for_latency, OK },
	{ "absent", "host-thp-enabled", with_nothing, NONE },
	{ "unreadable", "host-thp-enabled", thp_unreadable, UNKNOWN },

	{ "madvise", "host-thp-defrag", thp_madvise, OK },
	{ "always", "host-thp-defrag", thp_always, OK },
	{ "defer+madvise", "host-thp-defrag", thp_defer_madvise, OK },
	{ "defer", "host-thp-defrag", thp_defer, FINDING },
	{ "never", "host-thp-defrag", thp_defrag_never, FINDING },
	{ "owned", "host-thp-defrag", thp_owned, OK },
	{ "off", "host-thp-defrag", thp_never, NONE },
	{ "absent", "host-thp-defrag", with_nothing, NONE },
	{ "enabled unreadable", "host-thp-defrag", thp_unreadable, UNKNOWN },
	{ "unreadable", "host-thp-defrag", thp_rest_unreadable, UNKNOWN },

	{ "1", "host-khugepaged-defrag", thp_madvise, OK },
	{ "0", "host-khugepaged-defrag", thp_defer, FINDING },
	{ "owned", "host-khugepaged-defrag", thp_owned, OK },
	{ "off", "host-khugepaged-defrag", thp_never, NONE },
	{ "unreadable", "host-khugepaged-defrag", thp_rest_unreadable, UNKNOWN },

	{ "the kernel's", "host-khugepaged-scan-sleep", thp_madvise, OK },
	{ "numad's", "host-khugepaged-scan-sleep", thp_numad, OK },
	{ "shorter", "host-khugepaged-scan-sleep", thp_defer, FINDING },
	{ "longer", "host-khugepaged-scan-sleep", thp_defrag_never, FINDING },
	{ "owned", "host-khugepaged-scan-sleep", thp_owned, OK },
	{ "off", "host-khugepaged-scan-sleep", thp_never, NONE },
	{ "unreadable", "host-khugepaged-scan-sleep", thp_rest_unreadable, UNKNOWN },
};

START_TEST(a_rule_says)
{
	check_row(&rows[_i]);
}
END_TEST

START_TEST(the_word_is_that_of_the_rule)
{
	fixture_reset();
	thp_defer();
	fixture_judge("host-thp-defrag");
	ck_assert_str_eq(fx.v.word[0], "defer");
	fixture_judge("host-khugepaged-defrag");
	ck_assert_str_eq(fx.v.word[0], "");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit_thp");
	TCase *t = tcase_create("rules");

	tcase_add_loop_test(t, a_rule_says, 0, KT_ARRAY_LEN(rows));
	tcase_add_test(t, the_word_is_that_of_the_rule);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return kt_run(suite());
}
