/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are interrupts seen as what they are, and irqbalance's orders as they are meant? */
#include "sense_audit.h"
#include "sense_root.h"

static struct audit_host h;

static void look(void)
{
	sense_audit(&fs, &h);
}

static void put_irq(int number, const char *action, const char *allowed, const char *effective)
{
	char path[192];

	snprintf(path, sizeof path, "proc/irq/%d/%s/x", number, action);
	put(path, "");
	snprintf(path, sizeof path, "proc/irq/%d/smp_affinity_list", number);
	put(path, allowed);
	snprintf(path, sizeof path, "proc/irq/%d/effective_affinity_list", number);
	put(path, effective);
}

static const struct audit_irq *irq(unsigned int number)
{
	for (size_t i = 0; i < h.nirqs; i++)
		if (h.irq[i].number == number)
			return &h.irq[i];
	ck_abort_msg("no interrupt %u", number);
}

START_TEST(an_interrupt_has_a_name_and_cpus)
{
	char text[KT_CPULIST_MAX];

	put_irq(31, "ahci", "0-3,8\n", "8\n");
	put_irq(9, "acpi", "0-3\n", "0\n");
	put("proc/irq/default_smp_affinity", "f\n");
	look();
	ck_assert_int_eq(h.irqs.state, FACT_KNOWN);
	ck_assert_uint_eq(h.irqs.value, 2);
	ck_assert_uint_eq(h.irq[0].number, 9);
	ck_assert_str_eq(h.irq[1].device, "ahci");
	ck_assert_str_eq(cpumask_str(&h.irq[1].allowed, text, sizeof text), "0-3,8");
	ck_assert_str_eq(cpumask_str(&h.irq[1].effective, text, sizeof text), "8");
	ck_assert(!h.irq[1].is_nic && !h.irq[1].is_nvme && !h.irq[1].is_managed);
}
END_TEST

START_TEST(interrupts_are_in_the_order_of_their_numbers)
{
	for (int i = 1; i <= 40; i++)
		put_irq(i * 17 % 41, "x", "0\n", "0\n");
	look();
	ck_assert_uint_eq(h.nirqs, 40);
	for (unsigned int i = 0; i < 40; i++)
		ck_assert_uint_eq(h.irq[i].number, i + 1);
}
END_TEST

START_TEST(an_interrupt_that_nobody_handles_is_none)
{
	put("proc/irq/5/smp_affinity_list", "0-3\n");
	put("proc/irq/5/node", "0\n");
	look();
	ck_assert_int_eq(h.irqs.state, FACT_KNOWN);
	ck_assert_uint_eq(h.nirqs, 0);
}
END_TEST

START_TEST(before_4_15_no_kernel_tells_what_is_effective)
{
	put_irq(31, "ahci", "0-3\n", "0\n");
	drop("proc/irq/31/effective_affinity_list");
	look();
	ck_assert_int_eq(h.irqs.state, FACT_KNOWN);
	ck_assert(cpumask_empty(&irq(31)->effective));
	ck_assert(!cpumask_empty(&irq(31)->allowed));
}
END_TEST

static const char *const odd_lists[] = { "all of them\n", "1-\n", "0-9999\n" };

START_TEST(a_list_that_is_none_makes_interrupts_unknown)
{
	put_irq(31, "ahci", odd_lists[_i], "0\n");
	look();
	ck_assert_int_eq(h.irqs.state, FACT_UNKNOWN);
	ck_assert_int_ne(h.irqs.error, 0);
}
END_TEST

START_TEST(the_first_of_several_names_is_shown_escaped)
{
	put_irq(16, "uhci", "0\n", "0\n");
	put("proc/irq/16/ehci\n\033[2J/x", "");
	look();
	ck_assert_str_eq(irq(16)->device, "ehci\\x0a\\x1b[2J");
}
END_TEST

static const struct {
	const char *action;
	bool is_nic, is_nvme, is_managed;
} actions[] = {
	{ "eth0", true, false, false },
	{ "eth0-TxRx-3", true, false, false },
	{ "i40e-eth0-TxRx-3", true, false, false },
	{ "eth01", false, false, false },
	{ "veth0", false, false, false },
	{ "br0", false, false, false }, /* without a device */
	{ "virtio2-input.0", true, false, false },
	{ "virtio2-output.0", true, false, false },
	{ "virtio2-input", false, false, false }, /* a console's */
	{ "virtio1-req.0", false, false, true },
	{ "virtio1-request", false, false, true },
	{ "nvme0q0", false, true, false },
	{ "nvme0q1", false, true, true },
	{ "nvme10q127", false, true, true },
	{ "nvme0q1x", false, true, false },
	{ "nvmet", false, false, false },
	{ "megasas0-msix1", false, false, true },
	{ "mpt3sas0-msix4", false, false, true },
	{ "ahci[0000:00:17.0]", false, false, false },
};

START_TEST(a_name_tells_whose_interrupt_it_is)
{
	put("sys/class/net/eth0/device/vendor", "0x8086\n");
	put_irq(40, actions[_i].action, "0-3\n", "1\n");
	look();
	ck_assert_int_eq(irq(40)->is_nic, actions[_i].is_nic);
	ck_assert_int_eq(irq(40)->is_nvme, actions[_i].is_nvme);
	ck_assert_int_eq(irq(40)->is_managed, actions[_i].is_managed);
}
END_TEST

START_TEST(a_card_lists_its_interrupts)
{
	put("sys/class/net/eth0/device/msi_irqs/41", "msix\n");
	put("sys/class/net/eth0/device/msi_irqs/999", "msix\n");
	put_irq(40, "mlx5_async0@pci:0000:3b:00.1", "0-3\n", "1\n");
	put_irq(41, "mlx5_comp0@pci:0000:3b:00.0", "0-3\n", "1\n");
	look();
	ck_assert(!irq(40)->is_nic);
	ck_assert(irq(41)->is_nic);
}
END_TEST

START_TEST(a_list_that_nobody_may_write_is_the_kernels)
{
	put_irq(40, "hisi_sas", "0-3\n", "1\n");
	look();
	ck_assert(!irq(40)->is_managed);
	ck_assert_int_eq(fchmodat(fs.root_fd, "proc/irq/40/smp_affinity_list", 0444, 0), 0);
	look();
	ck_assert(irq(40)->is_managed);
}
END_TEST

START_TEST(more_interrupts_than_fit_are_not_all_known)
{
	for (int i = 1; i <= AUDIT_IRQS_MAX; i++)
		put_irq(i, "x", "0\n", "0\n");
	look();
	ck_assert_int_eq(h.irqs.state, FACT_KNOWN);
	put_irq(AUDIT_IRQS_MAX + 1, "x", "0\n", "0\n");
	look();
	ck_assert_int_eq(h.irqs.state, FACT_UNKNOWN);
	ck_assert_int_eq(h.irqs.error, E2BIG);
	ck_assert_uint_eq(h.nirqs, AUDIT_IRQS_MAX);
}
END_TEST

/* ---- irqbalance -------------------------------------------------------------------------- */

static const struct {
	const char *text;
	enum fact_state state;
	int error;
	const char *cpus;
} bans[] = {
	{ NULL, FACT_ABSENT, 0, "" },
	{ "# nothing\nIRQBALANCE_ARGS=--foreground\n", FACT_ABSENT, 0, "" },
	{ "IRQBALANCE_BANNED_CPULIST=\n", FACT_KNOWN, 0, "" },
	{ "IRQBALANCE_BANNED_CPULIST=2-5,9\n", FACT_KNOWN, 0, "2-5,9" },
	{ "#IRQBALANCE_BANNED_CPULIST=2-5\n", FACT_ABSENT, 0, "" },
	{ "IRQBALANCE_BANNED_CPULIST=\"2-5\"\nIRQBALANCE_BANNED_CPUS=1\n", FACT_KNOWN, 0, "2-5" },
	{ "IRQBALANCE_BANNED_CPUS=fc\n", FACT_KNOWN, 0, "2-7" },
	{ "IRQBALANCE_BANNED_CPUS='0x1,0000000F'\n", FACT_KNOWN, 0, "0-3,32" },
	{ "IRQBALANCE_BANNED_CPULIST=1\nIRQBALANCE_BANNED_CPULIST=2\n", FACT_KNOWN, 0, "2" },
	{ "IRQBALANCE_BANNED_CPULIST=$(cat /etc/isolated)\n", FACT_UNKNOWN, EINVAL, "" },
	{ "IRQBALANCE_BANNED_CPULIST=4000\n", FACT_UNKNOWN, ERANGE, "" },
	{ "IRQBALANCE_BANNED_CPUS=many\n", FACT_UNKNOWN, EINVAL, "" },
	{ "IRQBALANCE_BANNED_CPUS=1,"
	  "00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000,"
	  "00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000,"
	  "00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000,"
	  "00000000,00000000,00000000,00000000,00000000,00000000,00000000,00000000\n",
	  FACT_UNKNOWN, ERANGE, "" },
};

START_TEST(the_bans_of_irqbalance_are_read_and_not_executed)
{
	static const char *const paths[] = { "etc/default/irqbalance", "etc/sysconfig/irqbalance" };
	char text[KT_CPULIST_MAX];

	for (size_t i = 0; i < KT_ARRAY_LEN(paths); i++) {
		if (bans[_i].text)
			put(paths[i], bans[_i].text);
		look();
		ck_assert_int_eq(h.irq_bans.state, bans[_i].state);
		ck_assert_int_eq(h.irq_bans.error, bans[_i].error);
		ck_assert_str_eq(cpumask_str(&h.irq_banned, text, sizeof text), bans[_i].cpus);
		ck_assert_uint_eq(h.irq_bans.value, cpumask_count(&h.irq_banned));
		drop(paths[i]);
	}
}
END_TEST

START_TEST(irqbalance_runs_when_root_runs_it)
{
	look();
	ck_assert(!h.irqbalance_runs);
	put("proc/812/comm", "irqbalance\n");
	put("proc/812/status", "Name:\tirqbalance\nUid:\t1000\t1000\t1000\t1000\n");
	look();
	ck_assert(!h.irqbalance_runs);
	put("proc/812/status", "Name:\tirqbalance\nUid:\t0\t0\t0\t0\n");
	look();
	ck_assert(h.irqbalance_runs);
	put("proc/812/comm", "irqbalance-ui\n");
	look();
	ck_assert(!h.irqbalance_runs);
}
END_TEST

START_TEST(a_process_with_many_groups_is_still_itself)
{
	char status[4000];
	int n = snprintf(status, sizeof status, "Name:\tirqbalance\nUid:\t0\t0\t0\t0\nGroups:\t");

	memset(status + n, '1', sizeof status - (size_t)n);
	put("proc/812/comm", "irqbalance\n");
	put_bytes("proc/812/status", status, sizeof status);
	look();
	ck_assert(h.irqbalance_runs);
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, KT_ARRAY_LEN(table))

int main(void)
{
	const TTest *const tests[] = {
		an_interrupt_has_a_name_and_cpus,
		interrupts_are_in_the_order_of_their_numbers,
		an_interrupt_that_nobody_handles_is_none,
		before_4_15_no_kernel_tells_what_is_effective,
		the_first_of_several_names_is_shown_escaped,
		a_card_lists_its_interrupts,
		a_list_that_nobody_may_write_is_the_kernels,
		more_interrupts_than_fit_are_not_all_known,
		irqbalance_runs_when_root_runs_it,
		a_process_with_many_groups_is_still_itself,
	};
	Suite *s = suite_create("sense, audit of interrupts");
	TCase *c = tcase_create("interrupts");

	tcase_set_timeout(c, 60); /* thousands of files */
	tcase_add_checked_fixture(c, root_setup, root_teardown);
	LOOP(c, a_list_that_is_none_makes_interrupts_unknown, odd_lists);
	LOOP(c, a_name_tells_whose_interrupt_it_is, actions);
	LOOP(c, the_bans_of_irqbalance_are_read_and_not_executed, bans);
	for (size_t i = 0; i < KT_ARRAY_LEN(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return kt_run(s);
}
