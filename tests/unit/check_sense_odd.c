/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts that are not as the book says: is the guest still found, and is what is read
 * its own? */
#include "sense_fixture.h"

static const struct guest_sample *read_guest(void)
{
	announce(1);
	start();
	ck_assert_int_eq(read_once(), 0);
	return guest(1);
}

static void setup_guest(void)
{
	setup();
	put_guest(1, 100);
}

/* ---- which process is whose --------------------------------------------------------------- */

static void put_program(const char *program, size_t length_behind)
{
	static char text[200000];
	char uuid[KT_UUID_STR];
	struct domain d = domain_of(1);
	size_t n = (size_t)snprintf(text, sizeof text, "%s%c-uuid%c%s", program, 0, 0,
				    uuid_str(&d.uuid, uuid)) +
		   1;

	ck_assert(n + length_behind <= sizeof text);
	memset(text + n, 'x', length_behind);
	put_bytes("proc/100/cmdline", text, n + length_behind);
}

START_TEST(the_pid_file_vouches_for_a_program_of_any_name)
{
	put_program("/usr/bin/kvm-spice", 0);
	put("run/libvirt/qemu/guest-1.pid", "100");
	ck_assert(read_guest()->present);
}
END_TEST

START_TEST(without_a_pid_file_the_program_must_be_qemu)
{
	put_program("/usr/bin/kvm-spice", 0);
	ck_assert(!read_guest()->present);
}
END_TEST

START_TEST(a_command_line_longer_than_what_we_read_still_tells_the_uuid)
{
	put_program("/usr/bin/qemu-system-x86_64", KT_FILE_MAX);
	ck_assert(read_guest()->present);
}
END_TEST

START_TEST(a_process_lost_many_times_is_found_many_times)
{
	ck_assert(read_guest()->present);
	for (int n = 0; n < 20; n++) {
		put("proc/100/stat", "");
		ck_assert_int_eq(read_once(), 0);
		ck_assert(!guest(1)->present);
		put_process_stat(100, 2, 100);
		ck_assert_int_lt(samples_until(1, true), 20);
	}
}
END_TEST

/* ---- whose cgroup ------------------------------------------------------------------------- */

static void put_service(const char *folder)
{
	char path[128];

	putf("proc/100/cgroup", "0::/%s\n", folder);
	snprintf(path, sizeof path, CGROUPS "/%s/memory.stat", folder);
	put(path, "anon 4096\nfile 2048\n");
	snprintf(path, sizeof path, CGROUPS "/%s/memory.current", folder);
	put(path, "8192\n");
}

START_TEST(the_daemons_own_cgroup_is_no_guests)
{
	put_service("system.slice/virtqemud.service");
	ck_assert(read_guest()->present && !guest(1)->has_cgroup);
	ck_assert_uint_eq(guest(1)->usage_kib, 0);
}
END_TEST

START_TEST(a_slice_named_after_qemu_is_shared_too)
{
	put_service("qemu.slice");
	ck_assert(read_guest()->present && !guest(1)->has_cgroup);
}
END_TEST

START_TEST(a_part_of_the_hierarchy_mounted_later_is_not_the_hierarchy)
{
	put("proc/self/mountinfo",
	    "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
	    "99 23 0:26 /docker/1 /var/lib/a/cgroup rw - cgroup2 cgroup2 rw\n"
	    "98 23 0:27 /docker/1 /var/lib/a/memory rw - cgroup cgroup rw,memory\n");
	ck_assert(read_guest()->has_cgroup);
	ck_assert_str_eq(sense_capabilities(sense)->memory_mount, CGROUPS);
}
END_TEST

START_TEST(the_first_of_two_whole_mounts_is_used)
{
	put("proc/self/mountinfo", "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
				   "99 23 0:26 / /chroot/cgroup rw - cgroup2 cgroup2 rw\n");
	ck_assert(read_guest()->has_cgroup);
}
END_TEST

/* ---- which CPUs --------------------------------------------------------------------------- */

static bool may_use(unsigned int first, unsigned int last)
{
	const struct cpumask *cpus = &guest(1)->cpuset;

	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		if (cpumask_test(cpus, cpu) != (cpu >= first && cpu <= last))
			return false;
	return true;
}

START_TEST(a_cpuset_counts_where_memory_has_no_controller)
{
	put(CGROUPS "/cgroup.controllers", "cpuset cpu io pids\n");
	ck_assert(read_guest()->present && !guest(1)->has_cgroup);
	ck_assert(may_use(1, 2));
}
END_TEST

START_TEST(a_cpuset_of_the_slice_confines_the_guest)
{
	drop(cgroup_of(1, "../cpuset.cpus.effective"));
	put(CGROUPS "/machine.slice/cpuset.cpus.effective", "0-1\n");
	ck_assert(read_guest()->present);
	ck_assert(may_use(0, 1));
}
END_TEST

START_TEST(a_cpuset_confines_a_guest_of_a_session_too)
{
	put("proc/100/cgroup", "0::/user.slice/app.scope\n");
	put(CGROUPS "/user.slice/cpuset.cpus.effective", "2-3\n");
	ck_assert(read_guest()->present && !guest(1)->has_cgroup);
	ck_assert(may_use(2, 3));
}
END_TEST

/* ---- numbers that other kernels keep elsewhere --------------------------------------------- */

START_TEST(v2_counts_swap_in_a_file_of_its_own)
{
	put(cgroup_of(1, "memory.swap.current"), "12288\n");
	ck_assert_uint_eq(read_guest()->swap_kib, 12);
}
END_TEST

START_TEST(v1_counts_refaults_where_the_kernel_does)
{
	put("proc/self/mountinfo", "31 23 0:26 / /sys/fs/cgroup rw - cgroup cgroup rw,memory\n");
	put("proc/100/cgroup", "4:memory:/machine/qemu-1-guest-1.libvirt-qemu\n");
	put(CGROUPS "/machine/qemu-1-guest-1.libvirt-qemu/memory.usage_in_bytes", "8192\n");
	put(CGROUPS "/machine/qemu-1-guest-1.libvirt-qemu/memory.stat",
	    "cache 1024\nrss 4096\nrss_huge 0\nworkingset_refault_anon 77\n"
	    "workingset_refault_file 5\nswap 2048\npgmajfault 8\n");
	ck_assert_uint_eq(read_guest()->refault_total, 82);
	ck_assert_uint_eq(guest(1)->swap_kib, 2);
	ck_assert_uint_eq(guest(1)->pgmajfault_total, 8);
}
END_TEST

START_TEST(merged_pages_before_6_4_come_from_their_own_file)
{
	put("proc/100/ksm_stat", "ksm_rmap_items 5\n");
	put("proc/100/ksm_merging_pages", "4\n");
	ck_assert(read_guest()->has_ksm);
	ck_assert_uint_eq(guest(1)->ksm_rmap_pages, 5);
	ck_assert_uint_eq(guest(1)->ksm_merging_pages, 4);
}
END_TEST

START_TEST(nodes_need_not_begin_at_zero)
{
	put("sys/devices/system/node/online", "8\n");
	put("sys/devices/system/node/node8/meminfo",
	    "Node 8 MemTotal: 1000 kB\nNode 8 MemFree: 300 kB\nNode 8 FilePages: 90 kB\n");
	put("sys/devices/system/node/node8/numastat",
	    "numa_hit 1\nnuma_miss 2\nnuma_foreign 3\nlocal_node 4\nother_node 5\n");
	drop(NODE0);
	(void)read_guest();
	ck_assert(sample.host.node[8].has_numastat && !sample.host.node[0].present);
	ck_assert_uint_eq(sample.host.node[8].other_node_total, 5);
}
END_TEST

/* ---- names of threads ----------------------------------------------------------------------- */

START_TEST(a_thread_seen_before_it_had_its_name_gets_it)
{
	put_thread(100, 101, 100, "qemu-system-x86\n");
	(void)read_guest();
	put_thread(100, 101, 100, "CPU 3/KVM\n");
	ck_assert_int_eq(read_once(), 0);
	ck_assert_int_eq(thread(1, 101)->role, THREAD_VCPU);
	ck_assert_uint_eq(thread(1, 101)->number, 3);
	ck_assert_uint_eq(thread(1, 101)->run_ns_total, 1010);
}
END_TEST

/* What names itself later is not believed: it could take the place of a vCPU. */
START_TEST(a_thread_keeps_the_name_that_it_had_twice)
{
	(void)read_guest();
	ck_assert_int_eq(read_once(), 0);
	put_thread(100, 100, 100, "CPU 0/KVM\n");
	for (int n = 0; n < MANY_SAMPLES; n++)
		ck_assert_int_eq(read_once(), 0);
	ck_assert_int_eq(thread(1, 100)->role, THREAD_EMULATOR);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_pid_file_vouches_for_a_program_of_any_name,
		without_a_pid_file_the_program_must_be_qemu,
		a_command_line_longer_than_what_we_read_still_tells_the_uuid,
		a_process_lost_many_times_is_found_many_times,
		the_daemons_own_cgroup_is_no_guests,
		a_slice_named_after_qemu_is_shared_too,
		a_part_of_the_hierarchy_mounted_later_is_not_the_hierarchy,
		the_first_of_two_whole_mounts_is_used,
		a_cpuset_counts_where_memory_has_no_controller,
		a_cpuset_of_the_slice_confines_the_guest,
		a_cpuset_confines_a_guest_of_a_session_too,
		v2_counts_swap_in_a_file_of_its_own,
		v1_counts_refaults_where_the_kernel_does,
		merged_pages_before_6_4_come_from_their_own_file,
		nodes_need_not_begin_at_zero,
		a_thread_seen_before_it_had_its_name_gets_it,
		a_thread_keeps_the_name_that_it_had_twice,
	};
	Suite *s = suite_create("sense, odd hosts");
	TCase *c = tcase_create("odd");

	tcase_add_checked_fixture(c, setup_guest, teardown);
	for (size_t i = 0; i < KT_ARRAY_LEN(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return kt_run(s);
}
