/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the audit see interrupts on the guests' CPUs, and what irqbalance does about it? */
#include "audit_fixture.h"

static void with_nothing(void)
{
}

/* ---- interrupts --------------------------------------------------------------------------- */

static struct audit_irq *with_irq(const char *device, unsigned int first, unsigned int last)
{
	struct audit_irq *irq = &fx.host.irq[fx.host.nirqs];

	irq->number = 40 + (unsigned int)fx.host.nirqs++;
	strcpy(irq->device, device);
	irq->is_nic = irq->is_nvme = false;
	irq->allowed = cpus(first, last);
	fx.host.irqs = fact(fx.host.nirqs);
	return irq;
}

static void isolate(void)
{
	fx.host.cpus.isolated = cpus(4, 7);
	fx.host.cpus.nohz_full = cpus(6, 9);
}

static void irqs_off_isolated(void)
{
	isolate();
	with_irq("ahci", 0, 15)->effective = cpus(3, 3);
	with_irq("eth0", 0, 3);
	with_irq("", 4, 4); /* nobody's: it never comes */
	with_irq("nvme0q4", 4, 4)->is_managed = true;
}

static void irq_on_isolated(void)
{
	irqs_off_isolated();
	with_irq("eth1", 0, 15)->effective = cpus(4, 4);
}

static void irq_on_nohz_full(void)
{
	irqs_off_isolated();
	with_irq("eth1", 0, 15)->effective = cpus(9, 9);
}

static void irq_allowed_on_isolated(void)
{
	irqs_off_isolated();
	with_irq("eth1", 3, 4);
}

static void irqs_not_isolated(void)
{
	with_irq("eth1", 0, 15);
}

static void irqs_unreadable(void)
{
	irqs_off_isolated();
	fx.host.irqs = fact_unknown(13);
}

static void irqs_unreadable_but_one_on_isolated(void)
{
	irq_on_isolated();
	fx.host.irqs = fact_unknown(13);
}

static void isolation_unreadable(void)
{
	irqs_not_isolated();
	fx.host.cpus.isolation = fact_unknown(22);
}

static void irqs_none(void)
{
	isolate();
}

static void all_cpus_isolated(void)
{
	irqs_off_isolated();
	fx.host.cpus.isolated = cpus(0, 15);
}

static void irqs_without_cpus(void)
{
	irqs_off_isolated();
	fixture_nodes(0);
}

static void irqs_on_reserved(void)
{
	fixture_reserve();
	with_irq("eth0", 0, 0)->is_nic = true;
	with_irq("nvme0q0", 8, 8)->is_nvme = true;
	with_irq("ahci", 0, 15);
	with_irq("nvme0q1", 1, 1)->is_nvme = true;
	fx.host.irq[3].is_managed = true;
}

static void isolation_unreadable_but_reserved(void)
{
	irqs_on_reserved();
	fx.host.cpus.isolation = fact_unknown(22);
}

static void nic_off_reserved(void)
{
	irqs_on_reserved();
	with_irq("eth1", 1, 1)->is_nic = true;
}

static void nvme_off_reserved(void)
{
	irqs_on_reserved();
	with_irq("nvme1q0", 9, 9)->is_nvme = true;
}

/* It is there now, and nothing keeps it. */
static void nic_may_leave_reserved(void)
{
	struct audit_irq *irq;

	irqs_on_reserved();
	irq = with_irq("eth1", 0, 15);
	irq->is_nic = true;
	irq->effective = cpus(0, 0);
}

static void irqs_of_others_only(void)
{
	fixture_reserve();
	with_irq("ahci", 0, 15);
}

static void reserved_beyond_the_host(void)
{
	nic_off_reserved();
	fx.conf.placement.reserved_cpus = cpus(100, 101);
}

#define OK      AUDIT_OK
#define FINDING AUDIT_FINDING
#define NONE    AUDIT_NOT_APPLICABLE
#define UNKNOWN AUDIT_UNKNOWN

static const struct audit_row rows[] = {
	{ "off isolated", "host-irq-affinity", irqs_off_isolated, OK },
	{ "on isolated", "host-irq-affinity", irq_on_isolated, FINDING },
	{ "on nohz_full", "host-irq-affinity", irq_on_nohz_full, FINDING },
	{ "allowed on isolated", "host-irq-affinity", irq_allowed_on_isolated, FINDING },
	{ "nothing isolated", "host-irq-affinity", irqs_not_isolated, NONE },
	{ "all isolated", "host-irq-affinity", all_cpus_isolated, NONE },
	{ "none", "host-irq-affinity", irqs_none, NONE },
	{ "unreadable", "host-irq-affinity", irqs_unreadable, UNKNOWN },
	{ "unreadable, one on", "host-irq-affinity", irqs_unreadable_but_one_on_isolated, FINDING },
	{ "CPUs unknown", "host-irq-affinity", irqs_without_cpus, UNKNOWN },
	{ "on reserved", "host-irq-affinity", irqs_on_reserved, OK },
	{ "isolation unreadable", "host-irq-affinity", isolation_unreadable, UNKNOWN },
	{ "on reserved all the same", "host-irq-affinity", isolation_unreadable_but_reserved, OK },
	{ "NIC off reserved", "host-irq-affinity", nic_off_reserved, FINDING },
	{ "NVMe off reserved", "host-irq-affinity", nvme_off_reserved, FINDING },
	{ "NIC may leave", "host-irq-affinity", nic_may_leave_reserved, FINDING },
	{ "others'", "host-irq-affinity", irqs_of_others_only, NONE },
	{ "reserved are none", "host-irq-affinity", reserved_beyond_the_host, NONE },
	{ "nothing", "host-irq-affinity", with_nothing, NONE },
};

START_TEST(a_rule_says)
{
	check_row(&rows[_i]);
}
END_TEST

START_TEST(the_first_interrupt_is_named_with_where_it_belongs)
{
	fixture_reset();
	nic_off_reserved();
	with_irq("eth2", 2, 2)->is_nic = true;
	fixture_judge("host-irq-affinity");
	ck_assert_uint_eq(fx.v.number[0], 2);
	ck_assert_uint_eq(fx.v.number[1], 4);
	ck_assert_uint_eq(fx.v.number[2], 44);
	ck_assert_str_eq(fx.v.word[0], "eth1");
	ck_assert_str_eq(fx.v.word[1], "0,8");

	fixture_reset();
	irq_on_isolated();
	fixture_judge("host-irq-affinity");
	ck_assert_str_eq(fx.v.word[1], "0-3,10-15");
}
END_TEST

/* ---- irqbalance --------------------------------------------------------------------------- */

static void bans_nothing(void)
{
}

static void bans_what_it_should(void)
{
	fx.host.irq_banned = cpus(1, 15);
	fx.host.irq_banned.word[0] &= ~(UINT64_C(1) << 8);
}

static void bans_what_it_should_and_offline_cpus(void)
{
	bans_what_it_should();
	cpumask_set(&fx.host.irq_banned, 200);
}

static void bans_a_reserved_one_too(void)
{
	fx.host.irq_banned = cpus(1, 15);
}

static void bans_are_not_understood(void)
{
	fx.host.irq_bans = fact_unknown(22);
}

static void bans_isolated(void)
{
	fx.host.irq_banned = cpus(4, 9);
}

static const struct {
	const char *name;
	void (*given)(void), (*bans)(void);
	bool runs;
	const char *says;
} bans[] = {
	{ "not running", nic_off_reserved, bans_what_it_should, false, "does not run" },
	{ "exactly", nic_off_reserved, bans_what_it_should, true, "exactly" },
	{ "exactly, of those there are", nic_off_reserved, bans_what_it_should_and_offline_cpus,
	  true, "exactly" },
	{ "not understood", nic_off_reserved, bans_are_not_understood, true, "understood" },
	{ "nothing", nic_off_reserved, bans_nothing, true, "IRQBALANCE_BANNED_CPULIST" },
	{ "too much", nic_off_reserved, bans_a_reserved_one_too, true,
	  "IRQBALANCE_BANNED_CPULIST" },
	{ "isolated ones", irq_on_isolated, bans_isolated, true, "exactly" },
	{ "isolated ones by itself", irq_on_isolated, bans_nothing, true, "skips" },
	{ "others than isolated ones", irq_on_isolated, bans_what_it_should, true,
	  "IRQBALANCE_BANNED_CPULIST" },
};

START_TEST(a_finding_says_what_irqbalance_does)
{
	fixture_reset();
	bans[_i].given();
	bans[_i].bans();
	fx.host.irqbalance_runs = bans[_i].runs;
	fixture_judge("host-irq-affinity");
	ck_assert_int_eq(fx.v.result, AUDIT_FINDING);
	ck_assert_msg(strstr(fx.v.reason, bans[_i].says), "%s: %s", bans[_i].name, fx.v.reason);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit_irq");
	TCase *t = tcase_create("rules");

	tcase_add_loop_test(t, a_rule_says, 0, KT_ARRAY_LEN(rows));
	tcase_add_test(t, the_first_interrupt_is_named_with_where_it_belongs);
	tcase_add_loop_test(t, a_finding_says_what_irqbalance_does, 0, KT_ARRAY_LEN(bans));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return kt_run(suite());
}
