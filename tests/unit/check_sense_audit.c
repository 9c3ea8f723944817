/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the audit see memory, KSM, disks and CPUs as they are set, and admit what it cannot
 * tell? */
#include "sense_audit.h"
#include "sense_root.h"

#define THP  "sys/kernel/mm/transparent_hugepage"
#define CPUS "sys/devices/system/cpu"

static struct audit_host h;

static void look(void)
{
	sense_audit(&fs, &h);
}

static void setup(void)
{
	root_setup();
	memset(&h, 0xff, sizeof h); /* what is not written shows */
	h.busy_share = 0;
	h.busy_hz_total = h.all_hz_total = 0;
}

static void known(struct fact f, uint64_t value)
{
	ck_assert_int_eq(f.state, FACT_KNOWN);
	ck_assert_uint_eq(f.value, value);
	ck_assert_int_eq(f.error, 0);
}

static void unknown(struct fact f, int error)
{
	ck_assert_int_eq(f.state, FACT_UNKNOWN);
	ck_assert_int_eq(f.error, error);
	ck_assert_uint_eq(f.value, 0);
}

static void absent(struct fact f)
{
	ck_assert_int_eq(f.state, FACT_ABSENT);
	ck_assert_uint_eq(f.value, 0);
}

/* ---- numbers and words ------------------------------------------------------------------ */

static const struct {
	const char *path;
	size_t offset;
} numbers[] = {
#define F(member) offsetof(struct audit_host, member)
	{ "proc/sys/vm/swappiness", F(swappiness) },
	{ "proc/sys/vm/dirty_ratio", F(dirty_ratio) },
	{ "proc/sys/vm/dirty_bytes", F(dirty_bytes) },
	{ "proc/sys/vm/dirty_background_ratio", F(dirty_background_ratio) },
	{ "proc/sys/vm/dirty_background_bytes", F(dirty_background_bytes) },
	{ "proc/sys/vm/zone_reclaim_mode", F(zone_reclaim_mode) },
	{ "proc/sys/kernel/numa_balancing", F(numa_balancing) },
	{ THP "/khugepaged/defrag", F(khugepaged_defrag) },
	{ THP "/khugepaged/scan_sleep_millisecs", F(khugepaged_scan_sleep_ms) },
	{ KSM "/run", F(ksm_run) },
	{ KSM "/pages_to_scan", F(ksm_pages_to_scan) },
	{ KSM "/sleep_millisecs", F(ksm_sleep_ms) },
	{ KSM "/merge_across_nodes", F(ksm_across_nodes) },
	{ KSM "/pages_shared", F(ksm_shared) },
	{ "sys/module/kvm/parameters/halt_poll_ns", F(cpus.halt_poll_ns) },
};

static struct fact fact_at(size_t offset)
{
	struct fact f;

	memcpy(&f, (const char *)&h + offset, sizeof f);
	return f;
}

START_TEST(a_number_is_known_absent_or_not_understood)
{
	const char *path = numbers[_i].path;

	putf(path, "%d\n", 4711 + _i);
	look();
	known(fact_at(numbers[_i].offset), 4711 + (uint64_t)_i);
	put(path, "many\n");
	look();
	unknown(fact_at(numbers[_i].offset), EINVAL);
	put(path, "99999999999999999999999\n");
	look();
	unknown(fact_at(numbers[_i].offset), ERANGE);
	drop(path);
	look();
	absent(fact_at(numbers[_i].offset));
}
END_TEST

START_TEST(the_word_in_brackets_is_the_chosen_one)
{
	put(THP "/enabled", "always [madvise] never\n");
	put(THP "/defrag", "always defer [defer+madvise] madvise never\n");
	put(KSM "/advisor_mode", "none [scan-time]\n");
	look();
	ck_assert_int_eq(h.thp_enabled.state, FACT_KNOWN);
	ck_assert_str_eq(h.thp_enabled.word, "madvise");
	ck_assert_str_eq(h.thp_defrag.word, "defer+madvise");
	ck_assert_str_eq(h.ksm_advisor.word, "scan-time");
}
END_TEST

static const char *const no_words[] = {
	"",     "\n",          "always madvise never\n",
	"[]\n", "[\033[2J]\n", "[a-word-that-is-longer-than-any-that-there-is]\n"
};

START_TEST(what_is_no_word_is_not_understood)
{
	put(THP "/enabled", no_words[_i]);
	look();
	ck_assert_int_eq(h.thp_enabled.state, FACT_UNKNOWN);
	ck_assert_int_eq(h.thp_enabled.error, EINVAL);
	ck_assert_str_eq(h.thp_enabled.word, "");
	ck_assert_int_eq(h.thp_defrag.state, FACT_ABSENT);
}
END_TEST

START_TEST(a_folder_where_a_file_was_is_unknown)
{
	put("proc/sys/vm/swappiness/x", "");
	look();
	unknown(h.swappiness, EISDIR);
}
END_TEST

/* ---- memory --------------------------------------------------------------------------------- */

START_TEST(swap_is_what_has_a_line_of_its_own)
{
	char many[4096];

	look();
	absent(h.has_swap);
	put("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	look();
	known(h.has_swap, 0);
	put("proc/swaps", "Filename\tType\n/dev/sda2 partition\n");
	look();
	known(h.has_swap, 1);
	memset(many, 'x', sizeof many);
	memcpy(many, "Filename\n", 9);
	put_bytes("proc/swaps", many, sizeof many);
	look();
	known(h.has_swap, 1);
	put("proc/swaps", "");
	look();
	unknown(h.has_swap, EINVAL);
}
END_TEST

START_TEST(all_memory_is_told_by_meminfo)
{
	look();
	known(h.mem_total_kib, 1000);
	put("proc/meminfo", "MemFree: 3 kB\n");
	look();
	unknown(h.mem_total_kib, EINVAL);
}
END_TEST

START_TEST(huge_pages_are_counted_by_node_and_size)
{
	put("sys/devices/system/node/node5/hugepages/hugepages-2048kB/nr_hugepages", "64\n");
	put("sys/devices/system/node/node5/hugepages/hugepages-2048kB/free_hugepages", "12\n");
	put("sys/devices/system/node/node5/hugepages/hugepages-1048576kB/nr_hugepages", "3\n");
	put("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "999\n");
	look();
	known(h.small[5].total, 64);
	known(h.small[5].free, 12);
	known(h.large[5].total, 3);
	absent(h.large[5].free);
	absent(h.small[0].total);
}
END_TEST

START_TEST(a_kernel_without_nodes_has_one_pool)
{
	drop("sys/devices/system/node");
	put("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "7\n");
	look();
	known(h.small[0].total, 7);
	absent(h.large[0].total);
	absent(h.small[1].total);
}
END_TEST

/* ---- disks and modules ------------------------------------------------------------------------
 */

static void put_disk(const char *name, const char *scheduler, int rotational)
{
	char path[128];

	snprintf(path, sizeof path, "sys/block/%s/device/model", name);
	put(path, "X\n");
	snprintf(path, sizeof path, "sys/block/%s/queue/scheduler", name);
	put(path, scheduler);
	snprintf(path, sizeof path, "sys/block/%s/queue/rotational", name);
	putf(path, "%d\n", rotational);
}

START_TEST(disks_are_those_with_a_device)
{
	look();
	absent(h.disks);
	put_disk("sda", "none [mq-deadline]\n", 1);
	put_disk("nvme0n1", "[none] mq-deadline\n", 0);
	put_disk("pmem0", "none\n", 0);
	put_disk("sr0", "[none]\n", 1);
	put_disk("xv\"da\n", "[bfq] none\n", 0);
	put("sys/block/loop0/queue/scheduler", "[none]\n");
	put("sys/block/dm-0/queue/rotational", "1\n");
	look();
	known(h.disks, 4);
	ck_assert_uint_eq(h.ndisks, 4);
	ck_assert_str_eq(h.disk[0].name, "nvme0n1");
	ck_assert_str_eq(h.disk[0].scheduler, "none");
	ck_assert(h.disk[0].is_nvme && !h.disk[0].is_rotational);
	ck_assert_str_eq(h.disk[1].name, "pmem0");
	ck_assert_str_eq(h.disk[1].scheduler, "");
	ck_assert_str_eq(h.disk[2].name, "sda");
	ck_assert_str_eq(h.disk[2].scheduler, "mq-deadline");
	ck_assert(!h.disk[2].is_nvme && h.disk[2].is_rotational);
	ck_assert_str_eq(h.disk[3].name, "xv\\x22da\\x0a");
}
END_TEST

START_TEST(a_disk_that_is_not_understood_is_not_one_without_schedulers)
{
	put_disk("sda", "none mq-deadline\n", 1);
	put_disk("sdb", "[mq-deadline] none\n", 1);
	look();
	unknown(h.disks, EINVAL);
	ck_assert_uint_eq(h.ndisks, 2);
	ck_assert_str_eq(h.disk[1].scheduler, "mq-deadline");
	put("sys/block/sda/queue/scheduler", "none\n");
	look();
	known(h.disks, 2);
	put("sys/block/sdb/queue/rotational", "perhaps\n");
	look();
	unknown(h.disks, EINVAL);
}
END_TEST

START_TEST(more_disks_than_fit_are_not_all_known)
{
	char name[32];

	for (int i = 0; i < AUDIT_DISKS_MAX; i++) {
		snprintf(name, sizeof name, "sd%03d", i);
		put_disk(name, "[none]\n", 0);
	}
	look();
	known(h.disks, AUDIT_DISKS_MAX);
	put_disk("sdz", "[none]\n", 0);
	look();
	unknown(h.disks, E2BIG);
	ck_assert_uint_eq(h.ndisks, AUDIT_DISKS_MAX);
}
END_TEST

START_TEST(modules_are_seen_by_their_misc_devices)
{
	look();
	unknown(h.has_vhost_net, ENOENT);
	put("sys/class/misc/kvm/dev", "10:232\n");
	look();
	known(h.has_kvm, 1);
	known(h.has_vhost_net, 0);
	put("sys/class/misc/vhost-net/dev", "10:238\n");
	look();
	known(h.has_vhost_net, 1);
}
END_TEST

/* ---- CPUs ----------------------------------------------------------------------------------- */

START_TEST(governors_are_counted)
{
	look();
	absent(h.cpus.governors);
	absent(h.cpus.not_performance);
	put(CPUS "/cpu0/cpufreq/scaling_governor", "performance\n");
	put(CPUS "/cpu1/cpufreq/scaling_governor", "powersave\n");
	put(CPUS "/cpu2/cpufreq/scaling_governor", "schedutil\n");
	put(CPUS "/cpu9/cpufreq/scaling_governor", "powersave\n"); /* off line */
	look();
	known(h.cpus.governors, 3);
	known(h.cpus.not_performance, 2);
	ck_assert_str_eq(h.cpus.first_governor, "powersave");
	put(CPUS "/cpu3/cpufreq/scaling_governor", "two words\n");
	look();
	unknown(h.cpus.governors, EINVAL);
	unknown(h.cpus.not_performance, EINVAL);
	put(CPUS "/cpu0/cpufreq/scaling_governor", "two words\n");
	put(CPUS "/cpu3/cpufreq/scaling_governor", "performance\n");
	look();
	unknown(h.cpus.governors, EINVAL);
	drop(CPUS "/online");
	look();
	absent(h.cpus.governors);
}
END_TEST

static void put_state(int cpu, int state, const char *latency, const char *disable)
{
	char path[128];

	snprintf(path, sizeof path, CPUS "/cpu%d/cpuidle/state%d/latency", cpu, state);
	put(path, latency);
	snprintf(path, sizeof path, CPUS "/cpu%d/cpuidle/state%d/disable", cpu, state);
	put(path, disable);
}

START_TEST(the_deepest_state_is_one_that_is_not_disabled)
{
	look();
	absent(h.cpus.deepest_cstate_us);
	put_state(0, 0, "0\n", "0\n");
	look();
	known(h.cpus.deepest_cstate_us, 0);
	put_state(0, 1, "2\n", "0\n");
	put_state(0, 2, "133\n", "1\n");
	look();
	known(h.cpus.deepest_cstate_us, 2);
	put_state(2, 0, "0\n", "0\n");
	put_state(2, 1, "133\n", "0\n");
	put_state(2, 2, "2\n", "0\n");
	look();
	known(h.cpus.deepest_cstate_us, 133);
	put_state(3, 0, "200\n", "perhaps\n");
	look();
	unknown(h.cpus.deepest_cstate_us, EINVAL);
}
END_TEST

START_TEST(the_latency_limit_is_an_int)
{
	const int32_t limit_us = 2000000000, nonsense_us = -1;

	look();
	absent(h.cpus.cstate_limit_us);
	put_bytes("dev/cpu_dma_latency", (const char *)&limit_us, sizeof limit_us);
	look();
	known(h.cpus.cstate_limit_us, 2000000000);
	put_bytes("dev/cpu_dma_latency", (const char *)&nonsense_us, sizeof nonsense_us);
	look();
	unknown(h.cpus.cstate_limit_us, EINVAL);
	put("dev/cpu_dma_latency", "70");
	look();
	unknown(h.cpus.cstate_limit_us, EINVAL);
	put("dev/cpu_dma_latency", "2000000000");
	look();
	unknown(h.cpus.cstate_limit_us, EFBIG);
}
END_TEST

START_TEST(parameters_of_kvm_are_letters_or_digits)
{
	put("sys/module/kvm_intel/parameters/ept", "Y\n");
	put("sys/module/kvm_amd/parameters/npt", "0\n");
	put("sys/module/kvm_amd/parameters/nested", "1\n");
	look();
	known(h.cpus.ept, 1);
	known(h.cpus.npt, 0);
	known(h.cpus.nested, 1);
	put("sys/module/kvm_intel/parameters/nested", "N\n");
	put("sys/module/kvm_intel/parameters/ept", "maybe\n");
	look();
	known(h.cpus.nested, 0);
	unknown(h.cpus.ept, EINVAL);
}
END_TEST

static const struct {
	const char *isolated, *nohz_full;
	enum fact_state state;
	int error;
	uint64_t n;
} isolations[] = {
	{ NULL, NULL, FACT_ABSENT, 0, 0 },
	{ "\n", NULL, FACT_KNOWN, 0, 0 },
	{ "\n", "  (null)\n", FACT_KNOWN, 0, 0 },
	{ "2-3\n", "3-5\n", FACT_KNOWN, 0, 4 },
	{ NULL, "7\n", FACT_KNOWN, 0, 1 },
	{ "2-3\n", "some\n", FACT_UNKNOWN, EINVAL, 0 },
	{ "4096\n", "3\n", FACT_UNKNOWN, ERANGE, 0 },
};

START_TEST(isolated_cpus_are_listed)
{
	char text[KT_CPULIST_MAX];

	if (isolations[_i].isolated)
		put(CPUS "/isolated", isolations[_i].isolated);
	if (isolations[_i].nohz_full)
		put(CPUS "/nohz_full", isolations[_i].nohz_full);
	look();
	ck_assert_int_eq(h.cpus.isolation.state, isolations[_i].state);
	ck_assert_int_eq(h.cpus.isolation.error, isolations[_i].error);
	ck_assert_uint_eq(h.cpus.isolation.value, isolations[_i].n);
	if (isolations[_i].n == 4)
		ck_assert_str_eq(cpumask_str(&h.cpus.nohz_full, text, sizeof text), "3-5");
}
END_TEST

START_TEST(how_busy_the_cpus_are_is_told_from_audit_to_audit)
{
	put("proc/stat", "cpu 100 0 0 900 0 0 0 0 0 0\n");
	look();
	ck_assert(h.busy_share < 0);
	put("proc/stat", "cpu 150 0 0 949 0 0 0 0 0 0\n"); /* 99 ticks: too few */
	look();
	ck_assert(h.busy_share < 0);
	put("proc/stat", "cpu 150 0 0 1000 0 0 0 50 0 0\ncpu0 1\n");
	look();
	ck_assert_double_eq_tol(h.busy_share, 0.25, 1e-9);
	put("proc/stat", "cpu 151 0 0 1000 0 0 0 50 0 0\n");
	look();
	ck_assert_double_eq_tol(h.busy_share, 0.25, 1e-9);
	put("proc/stat", "cpu 5 0 0 10 0 0 0 0 0 0\n"); /* another boot's */
	look();
	ck_assert(h.busy_share < 0);
	put("proc/stat", "cpu\n");
	look();
	ck_assert(h.busy_share < 0);
	ck_assert_uint_eq(h.all_hz_total, 0);
}
END_TEST

/* ---- all ------------------------------------------------------------------------------------- */

START_TEST(an_empty_root_has_nothing_and_leaves_nothing_open)
{
	size_t before = open_files();

	drop("proc");
	drop("sys");
	look();
	absent(h.swappiness);
	absent(h.irqs);
	absent(h.mem_total_kib);
	ck_assert_uint_eq(h.nirqs + h.ndisks, 0);
	ck_assert(!h.irqbalance_runs);
	ck_assert_str_eq(h.tuned_profile, "");
	ck_assert_uint_eq(open_files(), before);
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, KT_ARRAY_LEN(table))

int main(void)
{
	const TTest *const tests[] = {
		the_word_in_brackets_is_the_chosen_one,
		a_folder_where_a_file_was_is_unknown,
		swap_is_what_has_a_line_of_its_own,
		all_memory_is_told_by_meminfo,
		huge_pages_are_counted_by_node_and_size,
		a_kernel_without_nodes_has_one_pool,
		disks_are_those_with_a_device,
		a_disk_that_is_not_understood_is_not_one_without_schedulers,
		more_disks_than_fit_are_not_all_known,
		modules_are_seen_by_their_misc_devices,
		governors_are_counted,
		the_deepest_state_is_one_that_is_not_disabled,
		the_latency_limit_is_an_int,
		parameters_of_kvm_are_letters_or_digits,
		how_busy_the_cpus_are_is_told_from_audit_to_audit,
		an_empty_root_has_nothing_and_leaves_nothing_open,
	};
	Suite *s = suite_create("sense, audit");
	TCase *c = tcase_create("audit");

	tcase_add_checked_fixture(c, setup, root_teardown);
	LOOP(c, a_number_is_known_absent_or_not_understood, numbers);
	LOOP(c, what_is_no_word_is_not_understood, no_words);
	LOOP(c, isolated_cpus_are_listed, isolations);
	for (size_t i = 0; i < KT_ARRAY_LEN(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return kt_run(s);
}
