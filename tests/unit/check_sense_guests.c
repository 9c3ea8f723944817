/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which process is whose, and what remains of one that went or was never the guest's? */
#include "sense_fixture.h"

/* ---- which process is whose --------------------------------------------------------------- */

START_TEST(all_of_a_guest_is_read)
{
	const struct guest_sample *g;

	put_guest(1, 100);
	announce(1);
	start();
	ck_assert_int_eq(read_once(), 0);
	g = guest(1);
	ck_assert(g->present && g->has_cgroup && g->cgroup_v2 && g->has_node_memory && g->has_ksm);
	ck_assert_int_eq(g->pid, 100);
	ck_assert_uint_eq(g->start_ticks, 100);
	ck_assert_uint_eq(g->rss_kib, 25 * (uint64_t)sysconf(_SC_PAGESIZE) / 1024);
	ck_assert_uint_eq(g->cpu_hz_total, 57);
	ck_assert_uint_eq(g->usage_kib, 8);
	ck_assert_uint_eq(g->anon_kib, 4);
	ck_assert_uint_eq(g->file_kib, 2);
	ck_assert_uint_eq(g->node_memory_kib[0], 5);
	ck_assert_uint_eq(g->refault_total, 7);
	ck_assert_uint_eq(g->psi_memory.full_us_total, 10);
	ck_assert_uint_eq(g->ksm_merging_pages, 6);
	ck_assert_int_eq(g->ksm_profit_bytes, -7);
	ck_assert(cpumask_test(&g->cpuset, 1) && cpumask_test(&g->cpuset, 2));
	ck_assert_uint_eq(cpumask_count(&g->cpuset), 2); /* the guest's, not the emulator's */
	ck_assert_uint_eq(g->nthreads, 2);
	ck_assert_int_eq(thread(1, 101)->role, THREAD_VCPU);
	ck_assert_uint_eq(thread(1, 101)->run_ns_total, 1010);
	ck_assert_uint_eq(thread(1, 101)->delay_ns_total, 101);
}
END_TEST

START_TEST(numbers_that_only_half_arrive_are_none)
{
	put_guest(1, 100);
	put(cgroup_of(1, "memory.numa_stat"), "anon N0=4096\n");
	drop("proc/100/numa_maps");
	announce(1);
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert(guest(1)->present && !guest(1)->has_node_memory);
	ck_assert_uint_eq(guest(1)->node_memory_kib[0], 0);
}
END_TEST

START_TEST(a_guest_may_come_after_its_announcement)
{
	announce(1);
	start();
	for (int n = 0; n < 3; n++) {
		ck_assert_int_eq(read_once(), 0);
		ck_assert(all_zero(guest(1), sizeof *guest(1)));
	}
	put_guest(1, 100);
	ck_assert_int_lt(samples_until(1, true), 20);
	ck_assert(guest(1)->has_cgroup); /* and all of it, although it is not the first sample */
	ck_assert_uint_eq(guest(1)->nthreads, 2);
	ck_assert_uint_eq(cpumask_count(&guest(1)->cpuset), 2);
}
END_TEST

START_TEST(searches_get_rarer_and_never_end)
{
	struct domain d = domain_of(1);

	announce(1);
	start();
	for (int n = 0; n < 500; n++)
		ck_assert_int_eq(read_once(), 0);
	ck_assert(!guest(1)->present);
	put_guest(1, 100);
	ck_assert_int_le(samples_until(1, true), 64);
	d.id = 77; /* was started again: sought at once */
	ck_assert_int_ge(domains_put(ds, &d), 0);
	ck_assert_int_eq(read_once(), 0);
	ck_assert(guest(1)->present);
}
END_TEST

START_TEST(two_that_claim_one_uuid_are_none)
{
	put_guest(1, 100);
	put_guest(2, 200);
	put_command_line(300, 1);
	announce(1);
	announce(2);
	start();
	ck_assert(never_present(1));
	ck_assert(guest(2)->present); /* it is not to suffer from that */
}
END_TEST

START_TEST(the_pid_file_settles_a_quarrel)
{
	put_guest(1, 100);
	put_command_line(300, 1);
	put("run/libvirt/qemu/guest-1.pid", "100");
	announce(1);
	start();
	ck_assert_int_eq(samples_until(1, true), 1);
	ck_assert_int_eq(guest(1)->pid, 100);
}
END_TEST

static bool is_replaced(void)
{
	return sense_process_is_replaced(sense, 0, &ds->slot[0]);
}

START_TEST(a_pid_file_that_names_another_of_its_processes_tells_of_a_new_start)
{
	put_guest(1, 100);
	announce(1);
	start();
	ck_assert(!is_replaced()); /* not found yet */
	ck_assert_int_eq(samples_until(1, true), 1);
	ck_assert(!is_replaced()); /* no file */
	put("run/libvirt/qemu/guest-1.pid", "100");
	ck_assert(!is_replaced());
	put("run/libvirt/qemu/guest-1.pid", "300"); /* nobody */
	ck_assert(!is_replaced());
	put_command_line(300, 2); /* somebody else */
	ck_assert(!is_replaced());
	put_command_line(300, 1);
	ck_assert(is_replaced());
	ds->slot[0].incarnation++; /* and it is looked for */
	ck_assert(!is_replaced());
}
END_TEST

static const char *const useless_pid_files[] = {
	"", "0", "-100", "x", "200", "999", "4294967396", "18446744073709551616"
};

START_TEST(a_useless_pid_file_is_not_believed)
{
	put_guest(1, 100);
	put_guest(2, 200);
	put("run/libvirt/qemu/guest-1.pid", useless_pid_files[_i]);
	announce(1);
	start();
	ck_assert_int_eq(samples_until(1, true), 1);
	ck_assert_int_eq(guest(1)->pid, 100);
}
END_TEST

START_TEST(no_name_leads_out_of_the_folder)
{
	struct domain d = domain_of(1);

	strcpy(d.name, "../../../elsewhere");
	put("elsewhere.pid", "100");
	put("run/libvirt/qemu/other.pid", "200"); /* the folder itself is there */
	put_guest(1, 100);
	put_command_line(300, 1);
	ck_assert_int_ge(domains_put(ds, &d), 0);
	start();
	ck_assert(never_present(1)); /* believed, the file would have settled it */
}
END_TEST

START_TEST(a_recycled_number_is_another_process)
{
	put_guest(1, 100);
	announce(1);
	start();
	ck_assert_int_eq(samples_until(1, true), 1);
	put_process_stat(100, 2, 101);
	put_command_line(100, 9);
	ck_assert_int_eq(read_once(), 0);
	ck_assert(all_zero(guest(1), sizeof *guest(1)));
	ck_assert(never_present(1));
}
END_TEST

START_TEST(a_guest_that_is_found_again_has_its_new_start_time)
{
	put_guest(1, 100);
	announce(1);
	start();
	ck_assert_int_eq(samples_until(1, true), 1);
	put_process_stat(100, 2, 5000);
	ck_assert_int_eq(read_once(), 0);
	ck_assert(!guest(1)->present);
	ck_assert_int_lt(samples_until(1, true), 20);
	ck_assert_uint_eq(guest(1)->start_ticks, 5000);
}
END_TEST

START_TEST(a_guest_that_went_is_not_present)
{
	put_guest(1, 100);
	put_guest(2, 200);
	announce(1);
	announce(2);
	start();
	ck_assert_int_eq(samples_until(1, true), 1);
	spoil("proc/100/stat");
	drop_process(100);
	ck_assert_int_eq(read_once(), 0);
	ck_assert(all_zero(guest(1), sizeof *guest(1)));
	ck_assert(guest(2)->present);
	ck_assert(never_present(1));
}
END_TEST

START_TEST(a_slot_that_is_used_again_has_nothing_of_the_old_guest)
{
	struct domain first = domain_of(1);

	put_guest(1, 100);
	put_guest(2, 200);
	announce(1);
	start();
	ck_assert_int_eq(samples_until(1, true), 1);
	domains_remove(ds, &first.uuid);
	announce(2);
	ck_assert_int_eq(read_once(), 0);
	ck_assert_ptr_eq(guest(2), &sample.guest[0]);
	ck_assert_int_eq(guest(2)->pid, 200);
	ck_assert(has_thread(2, 201));
	ck_assert(!has_thread(2, 101));
}
END_TEST

START_TEST(a_cgroup_that_went_leaves_the_guest_present)
{
	put_guest(1, 100);
	announce(1);
	start();
	ck_assert_int_eq(samples_until(1, true), 1);
	ck_assert(spoil(cgroup_of(1, "memory.current")));
	ck_assert(spoil(cgroup_of(1, "memory.numa_stat")));
	drop(cgroup_of(1, ""));
	for (int n = 0; n < 3; n++) {
		ck_assert_int_eq(read_once(), 0);
		ck_assert(guest(1)->present && !guest(1)->has_cgroup);
		ck_assert_uint_eq(guest(1)->usage_kib, 0);
	}
}
END_TEST

START_TEST(a_cgroup_path_that_leads_elsewhere_is_not_followed)
{
	put_guest(1, 100);
	put("proc/100/cgroup", "0::/machine.slice/qemu/../../../../../etc\n");
	put(CGROUPS "/machine.slice/qemu/memory.stat", "");
	put("etc/memory.stat", "anon 4096\n");
	put("etc/memory.current", "4096\n");
	announce(1);
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert(guest(1)->present && !guest(1)->has_cgroup);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("sense_guests");
	Suite *s = suite_create("sense_guests");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_of_a_guest_is_read);
	tcase_add_test(tc, numbers_that_only_half_arrive_are_none);
	tcase_add_test(tc, a_guest_may_come_after_its_announcement);
	tcase_add_test(tc, searches_get_rarer_and_never_end);
	tcase_add_test(tc, two_that_claim_one_uuid_are_none);
	tcase_add_test(tc, the_pid_file_settles_a_quarrel);
	tcase_add_test(tc, a_pid_file_that_names_another_of_its_processes_tells_of_a_new_start);
	LOOP(tc, a_useless_pid_file_is_not_believed, useless_pid_files);
	tcase_add_test(tc, no_name_leads_out_of_the_folder);
	tcase_add_test(tc, a_recycled_number_is_another_process);
	tcase_add_test(tc, a_guest_that_is_found_again_has_its_new_start_time);
	tcase_add_test(tc, a_guest_that_went_is_not_present);
	tcase_add_test(tc, a_slot_that_is_used_again_has_nothing_of_the_old_guest);
	tcase_add_test(tc, a_cgroup_that_went_leaves_the_guest_present);
	tcase_add_test(tc, a_cgroup_path_that_leads_elsewhere_is_not_followed);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
