/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When does the KSM loop keep its hands off, and which guests count? */
#include "ksm_fixture.h"

static void by_mode(void)
{
	fx.conf.ksm.mode = LOOP_OFF;
}

static void by_policy(void)
{
	fx.conf.ksm.policy = KSM_POLICY_OFF;
}

static void by_no_ksm(void)
{
	fx.host.ksm.present = false;
}

static void by_ceded(void)
{
	fx.in_force.ksm.ceded = true;
}

static void by_actuator(void)
{
	fx.in_force.ksm.off = true;
}

static void by_advisor(void)
{
	fx.host.ksm.advisor = KSM_ADVISOR_SCAN_TIME;
}

static void by_no_guest(void)
{
	fx.view.guest[0].present = false;
}

static void by_opt_out(void)
{
	fx.domain[0].wish.ksm = GUEST_SWITCH_OFF;
}

static void by_unlisted_guests(void)
{
	fx.view.guests_known = false;
	fx.host.mem_available_kib = TARGET;
}

static void by_unlisted_guests_and_little_memory(void)
{
	fx.view.guests_known = false;
	fx.view.nslots = 0;
	fx.host.mem_available_kib = TARGET - 1;
}

static void by_no_advisor(void)
{
	fx.host.ksm.advisor = KSM_ADVISOR_NONE;
}

static const struct {
	const char *name;
	void (*given)(void);
	enum wish wish;
	enum why why;
} stand_downs[] = {
	{ "nothing in the way", by_no_advisor, WISH_SET, WHY_MEMORY_SHORT },
	{ "the loop is off", by_mode, WISH_RELEASE, WHY_SWITCHED_OFF },
	{ "the policy is off", by_policy, WISH_RELEASE, WHY_SWITCHED_OFF },
	{ "no KSM", by_no_ksm, WISH_HOLD, WHY_NO_KSM },
	{ "ceded", by_ceded, WISH_HOLD, WHY_CEDED },
	{ "actuator off", by_actuator, WISH_HOLD, WHY_ACTUATOR_OFF },
	{ "the kernel's advisor is on", by_advisor, WISH_HOLD, WHY_KERNEL_ADVISOR },
	{ "no guest", by_no_guest, WISH_RELEASE, WHY_NO_MERGEABLE_GUEST },
	{ "the only guest opted out", by_opt_out, WISH_RELEASE, WHY_NO_MERGEABLE_GUEST },
	{ "guests not listed yet, memory not short", by_unlisted_guests, WISH_HOLD,
	  WHY_GUESTS_UNKNOWN },
	{ "guests not listed yet, memory short", by_unlisted_guests_and_little_memory, WISH_SET,
	  WHY_MEMORY_SHORT },
};

START_TEST(what_stands_in_the_way_is_named)
{
	struct ksm_plan plan;

	set_guest_of(1);
	fx.host.mem_available_kib = 0;
	stand_downs[_i].given();
	plan = step();
	ck_assert_msg(plan.wish == stand_downs[_i].wish, "%s: wish %d", stand_downs[_i].name,
		      plan.wish);
	ck_assert_msg(plan.why == stand_downs[_i].why, "%s: %s", stand_downs[_i].name,
		      why_str(plan.why));
	ck_assert_msg(plan.wish == WISH_SET || !plan.run, "%s: runs", stand_downs[_i].name);
}
END_TEST

static const struct {
	const char *name;
	size_t offset; /* of a bool in struct domain */
} unmergeable[] = {
	{ "hugepages", offsetof(struct domain, hugepages) },
	{ "locked", offsetof(struct domain, locked) },
	{ "vfio", offsetof(struct domain, vfio) },
	{ "nosharepages", offsetof(struct domain, nosharepages) },
	{ "shared memory", offsetof(struct domain, shared_memory) },
	{ "confidential", offsetof(struct domain, confidential) },
};

START_TEST(memory_that_ksm_cannot_merge_does_not_count)
{
	set_guest_of(1);
	ck_assert(ksm_guest_mergeable(&fx.view.guest[0]));
	*(bool *)((char *)&fx.domain[0] + unmergeable[_i].offset) = true;
	ck_assert_msg(!ksm_guest_mergeable(&fx.view.guest[0]), "%s", unmergeable[_i].name);
}
END_TEST

START_TEST(only_opting_out_takes_a_guest_out)
{
	set_guest_of(1);
	for (int wish = GUEST_SWITCH_DEFAULT; wish <= GUEST_SWITCH_ON; wish++) {
		fx.domain[0].wish.ksm = (enum guest_switch)wish;
		ck_assert_int_eq(ksm_guest_mergeable(&fx.view.guest[0]), wish != GUEST_SWITCH_OFF);
	}
	fx.domain[0].wish.ksm = GUEST_SWITCH_DEFAULT;
	fx.domain[0].running = false; /* a paused guest's pages are merged as well */
	ck_assert(ksm_guest_mergeable(&fx.view.guest[0]));
}
END_TEST

START_TEST(commitments_add_up_over_mergeable_guests_only)
{
	for (size_t i = 0; i < 3; i++) {
		fixture_guest(1);
		fx.sample[i].rss_kib = UNCOMMITTED / 2;
	}
	fx.domain[1].hugepages = true;
	fx.host.mem_available_kib = 16 * GIB_KIB;
	ck_assert_int_eq(step().why, WHY_MEMORY_PLENTIFUL); /* UNCOMMITTED is odd: one short */
	fx.sample[2].rss_kib++;
	fx.state.ksm.stepped = false;
	ck_assert_int_eq(step().why, WHY_MEMORY_COMMITTED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ksm_rules");
	TCase *c = tcase_create("rules");

	tcase_add_checked_fixture(c, host_of_16_gib, NULL);
	tcase_add_loop_test(c, what_stands_in_the_way_is_named, 0, (int)KT_ARRAY_LEN(stand_downs));
	tcase_add_loop_test(c, memory_that_ksm_cannot_merge_does_not_count, 0,
			    (int)KT_ARRAY_LEN(unmergeable));
	tcase_add_test(c, only_opting_out_takes_a_guest_out);
	tcase_add_test(c, commitments_add_up_over_mergeable_guests_only);
	suite_add_tcase(s, c);
	return kt_run(s);
}
