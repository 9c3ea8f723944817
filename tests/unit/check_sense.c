/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a host that lacks files, or breaks, read without harm and without a wrong number? */
#include "sense_fixture.h"

/* ---- the host ---------------------------------------------------------------------------- */

static const struct {
	const char *path, *text; /* NULL: missing */
	int result;
} required[] = {
	{ "proc/meminfo", NULL, -ENOENT },
	{ "proc/meminfo", "", -EINVAL },
	{ "proc/meminfo", "\xff\xfe garbage\n", -EINVAL },
	{ "proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\n", -EINVAL },
	{ "proc/meminfo", "MemTotal: 0 kB\nMemAvailable: 0 kB\n", -EINVAL },
	{ "proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 1001 kB\n", -EINVAL },
	{ "proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 1000 kB\n", 0 },
	{ "proc/vmstat", NULL, -ENOENT },
	{ "proc/vmstat", "", -EINVAL },
	{ "proc/vmstat", "\xff\n\n\n", -EINVAL },
	{ "proc/vmstat", "nr_free_pages 5\n", -EINVAL },
	{ "proc/vmstat", "pswpin 5\n", 0 },
};

START_TEST(what_every_host_has_must_be_there)
{
	start();
	if (required[_i].text)
		put(required[_i].path, required[_i].text);
	else
		drop(required[_i].path);
	for (int again = 0; again < 3; again++)
		ck_assert_msg(read_once() == required[_i].result, "%s", required[_i].text);
	if (required[_i].result < 0)
		ck_assert_str_eq(sense_failed_at(sense) + 1, required[_i].path);
	put_host();
	ck_assert_int_eq(read_once(), 0);
	ck_assert_str_eq(sense_failed_at(sense), "");
	ck_assert_uint_eq(sample.host.mem_available_kib, 400);
	ck_assert_uint_eq(sample.host.pgmajfault_total, 5);
}
END_TEST

START_TEST(a_file_that_fails_is_opened_again)
{
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert(spoil("proc/meminfo"));
	ck_assert_int_lt(read_once(), 0);
	ck_assert_int_eq(read_once(), 0);
	ck_assert(spoil("proc/vmstat"));
	(void)read_once();
	ck_assert_int_eq(read_once(), 0);
	ck_assert_uint_eq(sample.host.mem_available_kib, 400);
}
END_TEST

START_TEST(all_of_a_whole_host_is_read)
{
	const struct host_sample *h = &sample.host;
	const struct capabilities *c;

	start();
	c = sense_capabilities(sense);
	ck_assert(c->psi_memory && c->psi_cgroup && c->ksm && c->ksm_advisor && c->ksm_smart_scan);
	ck_assert(c->ksm_per_process && c->memory_cgroup && c->cgroup_v2 && c->cgroup_numa_stat);
	ck_assert(c->node_numastat && c->schedstat);
	ck_assert_str_eq(c->memory_mount, CGROUPS);
	ck_assert_int_eq(read_once(), 0);
	ck_assert_uint_eq(h->cpu_steal_hz_total, 4);
	ck_assert(h->psi_cpu.present && h->psi_memory.present && h->psi_io.present);
	ck_assert_uint_eq(h->psi_io.some_us_total, 3);
	ck_assert(h->node[0].present && h->node[0].has_numastat && !h->node[1].present);
	ck_assert_uint_eq(h->node[0].file_kib, 90);
	ck_assert_uint_eq(h->node[0].other_node_total, 5);
	ck_assert(h->ksm.present && h->ksm.has_zero_pages && h->ksm.has_scanned);
	ck_assert(h->ksm.has_smart_scan && h->ksm.has_profit && h->ksm.has_ksmd);
	ck_assert_int_eq(h->ksm.profit_bytes, -4096);
	ck_assert_int_eq(h->ksm.advisor, KSM_ADVISOR_NONE);
	ck_assert_uint_eq(h->ksm.ksmd_cpu_ns_total, 4000);
	ck_assert(!h->numad_runs && h->has_numa_balancing);
	ck_assert_uint_eq(h->numa_balancing, 1);
	ck_assert_uint_eq(h->idle_hz_of_cpu[0], 0);
}
END_TEST

static const struct {
	const char *shmem;
	uint64_t file_kib;
} nodes_with_shmem[] = {
	{ "Node 0 Shmem: 30 kB\n", 60 },
	{ "Node 0 Shmem: 90 kB\n", 0 },
	{ "Node 0 Shmem: 91 kB\n", 0 }, /* the two were not counted at once */
	{ "Node 0 ShmemHugePages: 30 kB\n", 90 },
};

START_TEST(memory_that_processes_share_is_no_cache)
{
	putf("sys/devices/system/node/node0/meminfo",
	     "Node 0 MemTotal: 1000 kB\nNode 0 MemFree: 300 kB\nNode 0 FilePages: 90 kB\n%s",
	     nodes_with_shmem[_i].shmem);
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert(sample.host.node[0].present);
	ck_assert_uint_eq(sample.host.node[0].file_kib, nodes_with_shmem[_i].file_kib);
}
END_TEST

/* As after years: every number has ten digits.  All of it is one read. */
START_TEST(all_cpus_of_the_largest_host_are_read)
{
	static char text[KT_FILE_MAX];
	size_t used = 0;

	for (unsigned int cpu = 0; cpu <= KT_CPUS_MAX; cpu++) {
		if (cpu == 0)
			used += (size_t)sprintf(text, "cpu  1 1 1 1 1 1 1 1 1 1\n");
		else
			used += (size_t)sprintf(text + used,
						"cpu%u 1000000000 1000000000 1000000000 %u 1 "
						"1000000000 1000000000 1000000000 1000000000 0\n",
						cpu - 1, cpu);
	}
	put("proc/stat", text);
	start();
	ck_assert_int_eq(read_once(), 0);
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		ck_assert_uint_eq(sample.host.idle_hz_of_cpu[cpu], cpu + 2);
}
END_TEST

START_TEST(a_cpu_that_went_has_no_idle_time)
{
	put("proc/stat", "cpu 1 1 1 1 1 1 1 1\ncpu0 1 1 1 5 5 1\ncpu1 1 1 1 6 6 1\n");
	start();
	ck_assert_int_eq(read_once(), 0);
	put("proc/stat", "cpu 1 1 1 1 1 1 1 1\ncpu0 1 1 1 7 7 1\n");
	ck_assert_int_eq(read_once(), 0);
	ck_assert_uint_eq(sample.host.idle_hz_of_cpu[0], 14);
	ck_assert_uint_eq(sample.host.idle_hz_of_cpu[1], 0);
}
END_TEST

/* ---- other tuners -------------------------------------------------------------------------- */

#define ROOTS "Uid:\t0\t0\t0\t0\n"

static const struct {
	const char *pid_file, *name, *uid;
	bool runs;
} numads[] = {
	{ "70\n", "numad", ROOTS, true },   { "70", "numad", ROOTS, true },
	{ "71\n", "numad", ROOTS, true }, /* the file is stale, all of /proc is not */
	{ "-70\n", "numad", ROOTS, true },  { "4294967366\n", "numad", ROOTS, true },
	{ NULL, "numad", ROOTS, true },     { "70\n", "numad", "Uid:\t1000\t0\t0\t0\n", false },
	{ "70\n", "numad2", ROOTS, false }, { "70\n", "x", ROOTS, false },
	{ NULL, "x", ROOTS, false },        { "37\n", "x", ROOTS, false },
};

START_TEST(numad_is_roots_process_of_that_name)
{
	char comm[32];

	if (numads[_i].pid_file)
		put("run/numad.pid", numads[_i].pid_file);
	snprintf(comm, sizeof comm, "%s\n", numads[_i].name);
	put("proc/70/comm", comm);
	putf("proc/70/status", "Name:\t%s\nUmask:\t0022\n%s", numads[_i].name, numads[_i].uid);
	start();
	for (int again = 0; again < 3; again++) {
		ck_assert_int_eq(read_once(), 0);
		ck_assert_int_eq(sample.host.numad_runs, numads[_i].runs);
	}
}
END_TEST

static bool numad_seen(enum sense_scope scope)
{
	static uint64_t now_ns;

	ck_assert_int_eq(sense_read_some(sense, ds, scope, ++now_ns, &sample), 0);
	return sample.host.numad_runs;
}

/* Nor do they bring the next look at all processes forward, or put it off. */
START_TEST(news_of_a_guest_seek_no_numad_that_has_no_file)
{
	int n = 1;

	start();
	ck_assert(!numad_seen(SENSE_ALL));
	put("proc/71/comm", "numad\n");
	put("proc/71/status", "Name:\tnumad\n" ROOTS);
	for (int news = 0; news < 10 * MANY_SAMPLES; news++)
		ck_assert(!numad_seen(SENSE_NEW));
	for (; !numad_seen(n % 2 ? SENSE_DUE : SENSE_ALL); n++)
		for (int news = 0; news < n; news++)
			ck_assert(!numad_seen(SENSE_NEW));
	ck_assert_int_gt(n, 1);
	ck_assert_int_lt(n, MANY_SAMPLES);
	ck_assert(numad_seen(SENSE_NEW)); /* who is known is seen */
	drop("proc/71");
	ck_assert(!numad_seen(SENSE_NEW));
	put("proc/70/status", "Name:\tnumad\n" ROOTS);
	put("run/numad.pid", "70\n");
	ck_assert(numad_seen(SENSE_NEW));
}
END_TEST

START_TEST(numad_comes_and_goes)
{
	int n = 0;

	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert(!sample.host.numad_runs);
	put("proc/70/status", "Name:\tnumad\n" ROOTS);
	put("run/numad.pid", "70\n");
	ck_assert_int_eq(read_once(), 0);
	ck_assert(sample.host.numad_runs);
	drop("proc/70");
	ck_assert_int_eq(read_once(), 0);
	ck_assert(!sample.host.numad_runs);
	drop("run/numad.pid");
	put("proc/71/comm", "numad\n");
	put("proc/71/status", "Name:\tnumad\n" ROOTS);
	while (!sample.host.numad_runs && n++ < MANY_SAMPLES)
		ck_assert_int_eq(read_once(), 0);
	ck_assert_int_gt(n, 1); /* not at every tick */
	ck_assert_int_lt(n, MANY_SAMPLES);
	put("proc/71/status", "Name:\tother\n" ROOTS); /* the number is another's now */
	ck_assert_int_eq(read_once(), 0);
	ck_assert(!sample.host.numad_runs);
}
END_TEST

START_TEST(numa_balancing_is_what_the_kernel_says)
{
	drop("proc/sys/kernel/numa_balancing");
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert(!sample.host.has_numa_balancing);
	sense_free(sense);
	put("proc/sys/kernel/numa_balancing", "2\n");
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert(sample.host.has_numa_balancing);
	ck_assert_uint_eq(sample.host.numa_balancing, 2);
	put("proc/sys/kernel/numa_balancing", "0\n");
	ck_assert_int_eq(read_once(), 0);
	ck_assert(sample.host.has_numa_balancing);
	ck_assert_uint_eq(sample.host.numa_balancing, 0);
	put("proc/sys/kernel/numa_balancing", "x\n");
	ck_assert_int_eq(read_once(), 0);
	ck_assert(!sample.host.has_numa_balancing);
}
END_TEST

/* Each with what must then be zero and what must still be there. */
static const struct {
	const char *path;
	size_t begin, size; /* of struct host_sample */
	size_t capability;  /* of struct capabilities */
} optional[] = {
#define GOES(path, field, capability)                                                              \
	{                                                                                          \
		path, offsetof(struct host_sample, field),                                         \
			sizeof(((struct host_sample *)0)->field),                                  \
			offsetof(struct capabilities, capability)                                  \
	}
	GOES("proc/pressure", psi_memory, psi_memory),
	GOES("proc/pressure", psi_io, psi_memory),
	GOES(KSM, ksm, ksm),
	GOES(KSM "/advisor_mode", ksm.advisor, ksm_advisor),
	GOES(KSM "/smart_scan", ksm.smart_scan, ksm_smart_scan),
	GOES(NODE0 "/numastat", node[0].numa_hit_total, node_numastat),
	GOES(NODE0 "/numastat", node[0].has_numastat, node_numastat),
};

START_TEST(what_a_kernel_lacks_is_off_and_zero)
{
	drop(optional[_i].path);
	start();
	ck_assert_msg(!((const bool *)sense_capabilities(sense))[optional[_i].capability], "%s",
		      optional[_i].path);
	for (int again = 0; again < 3; again++) {
		ck_assert_int_eq(read_once(), 0);
		ck_assert(all_zero((const char *)&sample.host + optional[_i].begin,
				   optional[_i].size));
		ck_assert_uint_eq(sample.host.mem_free_kib, 300);
	}
}
END_TEST

static const char *const ksm_extras[] = { "ksm_zero_pages", "pages_scanned", "general_profit",
					  "merge_across_nodes", "use_zero_pages" };

START_TEST(an_old_ksm_is_present_without_the_new_counters)
{
	const struct ksm_sample *k = &sample.host.ksm;

	for (size_t i = 0; i < KT_ARRAY_LEN(ksm_extras); i++) {
		char path[64];

		snprintf(path, sizeof path, KSM "/%s", ksm_extras[i]);
		drop(path);
	}
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert(k->present && !k->has_zero_pages && !k->has_scanned && !k->has_profit);
	ck_assert(!k->zero_pages && !k->scanned_total && !k->profit_bytes);
	ck_assert_uint_eq(k->sharing_pages, 70);
}
END_TEST

START_TEST(volatile_pages_below_zero_are_none)
{
	put(KSM "/pages_volatile", "-3\n");
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert(sample.host.ksm.present);
	ck_assert_uint_eq(sample.host.ksm.volatile_pages, 0);
}
END_TEST

static const struct {
	const char *path, *text;
} false_ksmds[] = {
	{ "proc/37/stat", "37 (ksmd) S 1 0 0 0 -1 0 0 0 0 0 0 0 0 0 25 5 1 0 9 0 0\n" },
	{ "proc/37/stat", "37 (x (ksmd) y) S 3 0 0 0 -1 0 0 0 0 0 0 0 0 0 25 5 1 0 9 0 0\n" },
	{ "proc/37/stat", "garbage (ksmd) " },
	{ "proc/37/cmdline", "ksmd" },
};

START_TEST(a_process_called_ksmd_is_not_ksmd)
{
	put(false_ksmds[_i].path, false_ksmds[_i].text);
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert(sample.host.ksm.present && !sample.host.ksm.has_ksmd);
	ck_assert_uint_eq(sample.host.ksm.ksmd_cpu_ns_total, 0);
}
END_TEST

/* Else all of /proc would be looked through with every sample of a PID namespace. */
START_TEST(ksmd_is_sought_once)
{
	drop("proc/37");
	start();
	for (int n = 0; n < 3; n++) {
		ck_assert_int_eq(read_once(), 0);
		ck_assert(!sample.host.ksm.has_ksmd);
		put_host(); /* it is there now */
	}
}
END_TEST

START_TEST(a_host_without_cgroups_has_guests_all_the_same)
{
	put("proc/self/mountinfo", "1 1 0:1 / / rw - ext4 /dev/vda rw\n");
	put_guest(1, 100);
	announce(1);
	start();
	ck_assert(!sense_capabilities(sense)->memory_cgroup);
	ck_assert_int_eq(read_once(), 0);
	ck_assert(guest(1)->present && !guest(1)->has_cgroup && guest(1)->has_node_memory);
	ck_assert_uint_eq(guest(1)->node_memory_kib[9], 36);
	ck_assert_uint_eq(cpumask_count(&guest(1)->cpuset), 4);
}
END_TEST

/* ---- anything can be in any file --------------------------------------------------------- */

static const char *const garbage[] = {
	"",
	"\n",
	"-1\n",
	"18446744073709551616\n",
	"18446744073709551615 18446744073709551615 18446744073709551615\n",
	"\xff\xfe\x01\x80",
	"Node N0=5 :::: /../../.. (((( )))) qemu total=",
	"0-1023,5,,\n",
};

/* The answers that the header names; -EFBIG: a vmstat that is none. */
static const int answers[] = { 0, -EINVAL, -ENOENT, -EBADF, -EISDIR, -EFBIG };

static void read_some(void)
{
	for (int n = 0; n < 3; n++) {
		int r = read_once();
		size_t i = 0;

		while (i < KT_ARRAY_LEN(answers) && answers[i] != r)
			i++;
		ck_assert_msg(i < KT_ARRAY_LEN(answers), "%d", r);
	}
}

static void damage_and_read(const char *path, const char *text, size_t length)
{
	put_bytes(path, text, length);
	read_some(); /* of a file that is open */
	sense_free(sense);
	start();
	read_some(); /* and by one who sees it first */
}

static int damage_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static char many[70000], before[4096];
	const char *below = path + strlen(root) + 1;
	ssize_t length;

	(void)st, (void)ftw;
	if (type != FTW_F)
		return 0;
	length = hostfs_read(&fs, below, before, sizeof before);
	ck_assert_int_ge(length, 0);
	for (size_t i = 0; i < KT_ARRAY_LEN(garbage); i++)
		damage_and_read(below, garbage[i], strlen(garbage[i]));
	memset(many, '7', sizeof many);
	damage_and_read(below, many, sizeof many);
	spoil(below);
	drop(below);
	read_some();
	sense_free(sense);
	start();
	read_some();
	put_bytes(below, before, (size_t)length);
	sense_free(sense);
	start();
	ck_assert_msg(samples_until(1, true) == 1, "%s", below); /* all is well again */
	return 0;
}

START_TEST(no_damaged_file_does_harm)
{
	put_guest(1, 100);
	put("run/libvirt/qemu/guest-1.pid", "100");
	announce(1);
	start();
	ck_assert_int_eq(samples_until(1, true), 1);
	ck_assert_int_eq(nftw(root, damage_file, 8, FTW_PHYS), 0);
	ck_assert_int_eq(guest(1)->pid, 100);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("sense");
	Suite *s = suite_create("sense");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	LOOP(tc, what_every_host_has_must_be_there, required);
	tcase_add_test(tc, a_file_that_fails_is_opened_again);
	tcase_add_test(tc, all_of_a_whole_host_is_read);
	LOOP(tc, memory_that_processes_share_is_no_cache, nodes_with_shmem);
	tcase_add_test(tc, all_cpus_of_the_largest_host_are_read);
	tcase_add_test(tc, a_cpu_that_went_has_no_idle_time);
	LOOP(tc, numad_is_roots_process_of_that_name, numads);
	tcase_add_test(tc, numad_comes_and_goes);
	tcase_add_test(tc, news_of_a_guest_seek_no_numad_that_has_no_file);
	tcase_add_test(tc, numa_balancing_is_what_the_kernel_says);
	LOOP(tc, what_a_kernel_lacks_is_off_and_zero, optional);
	tcase_add_test(tc, an_old_ksm_is_present_without_the_new_counters);
	tcase_add_test(tc, volatile_pages_below_zero_are_none);
	LOOP(tc, a_process_called_ksmd_is_not_ksmd, false_ksmds);
	tcase_add_test(tc, ksmd_is_sought_once);
	tcase_add_test(tc, a_host_without_cgroups_has_guests_all_the_same);
	tcase_add_test(tc, no_damaged_file_does_harm);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
