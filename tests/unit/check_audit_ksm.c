/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the audit's rules of KSM right, and is what kvmtuned writes never wrong? */
#include "audit_fixture.h"

static void with_nothing(void)
{
}

static void with_ksm(uint64_t run, uint64_t pages, uint64_t sleep_ms)
{
	fixture_guest();
	fx.host.ksm_run = fact(run);
	fx.host.ksm_pages_to_scan = fact(pages);
	fx.host.ksm_sleep_ms = fact(sleep_ms);
	fx.host.ksm_across_nodes = fact(1);
	fx.host.ksm_shared = fact(77);
	fx.host.ksm_advisor = fact_word("scan-time");
}

static void on(void)
{
	with_ksm(1, 63, 9);
}

static void off(void)
{
	with_ksm(0, 63, 9);
}

static void unmerged(void)
{
	with_ksm(2, 63, 9);
}

/* Without the advisor, whose business they are. */
static void least(void)
{
	with_ksm(1, 64, 10);
	fx.host.ksm_advisor = (struct word_fact){ 0 };
}

static void most(void)
{
	with_ksm(1, 1250, 20);
	fx.host.ksm_advisor = fact_word("none");
}

static void too_few(void)
{
	least();
	fx.host.ksm_pages_to_scan = fact(63);
	fx.host.ksm_sleep_ms = fact(9);
}

static void too_many(void)
{
	least();
	fx.host.ksm_pages_to_scan = fact(1251);
}

static void just_committed(void)
{
	on();
	fx.domains.slot[0].domain.memory_kib = 64 * GIB_KIB;
}

static void overcommitted(void)
{
	on();
	fx.domains.slot[0].domain.memory_kib = 64 * GIB_KIB + 1;
}

static void on_guests_unknown(void)
{
	on();
	fx.in.domains = NULL;
}

static void on_memory_unreadable(void)
{
	on();
	fx.host.mem_total_kib = fact_unknown(5);
}

static void owned(void)
{
	on();
	fixture_owner(OWNED_KSM, "1");
}

static void ours(void)
{
	too_few();
	fx.in_force.ksm.ours = true;
}

static void ours_while_observing(void)
{
	ours();
	fx.conf.mode = DAEMON_OBSERVE;
}

static void ours_while_paused(void)
{
	ours();
	fx.conf.ksm.mode = LOOP_PAUSED;
}

static void ours_with_nodes_apart(void)
{
	on();
	fx.in_force.ksm.ours = true;
	fx.conf.ksm.merge_across_nodes = KSM_NODES_APART;
}

static void ours_with_advisor(void)
{
	on();
	fx.in_force.ksm.ours = true;
}

static void ksm_not_our_business(void)
{
	on();
	fx.conf.ksm.policy = KSM_POLICY_OFF;
}

static void advisor_is_taken_over(void)
{
	on();
	fx.conf.ksm.advisor = KSM_ADVISOR_TAKE_OVER;
}

static void nodes_apart(void)
{
	on();
	fx.host.ksm_across_nodes = fact(0);
}

static void one_node(void)
{
	on();
	fixture_nodes(1);
}

static void unreadable(void)
{
	on();
	fx.host.ksm_run = fx.host.ksm_across_nodes = fact_unknown(13);
	fx.host.ksm_advisor = (struct word_fact){ FACT_UNKNOWN, 13, "" };
}

static void numbers_unreadable(void)
{
	least();
	fx.host.ksm_pages_to_scan = fx.host.ksm_sleep_ms = fact_unknown(13);
}

#define OK      AUDIT_OK
#define FINDING AUDIT_FINDING
#define NONE    AUDIT_NOT_APPLICABLE
#define UNKNOWN AUDIT_UNKNOWN

static const struct audit_row rows[] = {
	{ "on, memory is enough", "host-ksm-run", on, FINDING },
	{ "on, memory is just enough", "host-ksm-run", just_committed, FINDING },
	{ "on, overcommitted", "host-ksm-run", overcommitted, OK },
	{ "off", "host-ksm-run", off, OK },
	{ "unmerged", "host-ksm-run", unmerged, OK },
	{ "on, owned", "host-ksm-run", owned, OK },
	{ "ours", "host-ksm-run", ours, OK },
	{ "ours, observing", "host-ksm-run", ours_while_observing, FINDING },
	{ "ours, paused", "host-ksm-run", ours_while_paused, FINDING },
	{ "absent", "host-ksm-run", with_nothing, NONE },
	{ "guests unknown", "host-ksm-run", on_guests_unknown, UNKNOWN },
	{ "memory unreadable", "host-ksm-run", on_memory_unreadable, UNKNOWN },
	{ "unreadable", "host-ksm-run", unreadable, UNKNOWN },

	{ "least", "host-ksm-pages-to-scan", least, OK },
	{ "most", "host-ksm-pages-to-scan", most, OK },
	{ "too few", "host-ksm-pages-to-scan", too_few, FINDING },
	{ "too many", "host-ksm-pages-to-scan", too_many, FINDING },
	{ "ours", "host-ksm-pages-to-scan", ours, OK },
	{ "off", "host-ksm-pages-to-scan", off, NONE },
	{ "unmerged", "host-ksm-pages-to-scan", unmerged, NONE },
	{ "the advisor's", "host-ksm-pages-to-scan", on, NONE },
	{ "absent", "host-ksm-pages-to-scan", with_nothing, NONE },
	{ "unreadable", "host-ksm-pages-to-scan", numbers_unreadable, UNKNOWN },

	{ "shortest", "host-ksm-sleep", least, OK },
	{ "too short", "host-ksm-sleep", on, FINDING },
	{ "ours", "host-ksm-sleep", ours, OK },
	{ "off", "host-ksm-sleep", off, NONE },
	{ "unreadable", "host-ksm-sleep", numbers_unreadable, UNKNOWN },

	{ "apart", "host-ksm-merge-across-nodes", nodes_apart, OK },
	{ "together", "host-ksm-merge-across-nodes", on, FINDING },
	{ "the administrator's beside ours", "host-ksm-merge-across-nodes", ours, FINDING },
	{ "ours", "host-ksm-merge-across-nodes", ours_with_nodes_apart, OK },
	{ "one node", "host-ksm-merge-across-nodes", one_node, NONE },
	{ "absent", "host-ksm-merge-across-nodes", with_nothing, NONE },
	{ "unreadable", "host-ksm-merge-across-nodes", unreadable, UNKNOWN },

	{ "none", "host-ksm-advisor", most, OK },
	{ "on, and we wait", "host-ksm-advisor", on, FINDING },
	{ "on, and ours", "host-ksm-advisor", ours_with_advisor, OK },
	{ "on, and we do nothing", "host-ksm-advisor", ksm_not_our_business, OK },
	{ "on, and taken over", "host-ksm-advisor", advisor_is_taken_over, OK },
	{ "absent", "host-ksm-advisor", least, NONE },
	{ "unreadable", "host-ksm-advisor", unreadable, UNKNOWN },
};

START_TEST(a_rule_says)
{
	check_row(&rows[_i]);
}
END_TEST

START_TEST(what_is_merged_is_said_beside_the_fix)
{
	fixture_reset();
	on();
	fixture_judge("host-ksm-merge-across-nodes");
	ck_assert_uint_eq(fx.v.number[1], 77);
}
END_TEST

START_TEST(what_we_write_is_ours)
{
	fixture_reset();
	ours();
	fixture_judge("host-ksm-run");
	ck_assert_str_eq(fx.v.owner, "kvmtuned");
	fx.in.in_force = NULL;
	fixture_judge("host-ksm-run");
	ck_assert_ptr_null(fx.v.owner);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit_ksm");
	TCase *t = tcase_create("rules");

	tcase_add_loop_test(t, a_rule_says, 0, KT_ARRAY_LEN(rows));
	tcase_add_test(t, what_is_merged_is_said_beside_the_fix);
	tcase_add_test(t, what_we_write_is_ours);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return kt_run(suite());
}
