/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do threads come and go, and what does a thousand samples cost? */
#include "sense_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "allocations.h"

/* ---- threads ------------------------------------------------------------------------------ */

START_TEST(threads_come_and_go)
{
	put_guest(1, 100);
	announce(1);
	start();
	ck_assert_int_eq(read_once(), 0);
	put_thread(100, 105, 300, "CPU 1/KVM\n");
	put_thread(100, 106, 300, "IO iothread3\n");
	put_process_stat(100, 4, 100);
	ck_assert_int_eq(read_once(), 0);
	ck_assert_uint_eq(guest(1)->nthreads, 4);
	ck_assert_uint_eq(thread(1, 105)->number, 1);
	ck_assert_int_eq(thread(1, 106)->role, THREAD_IOTHREAD);
	ck_assert_uint_eq(thread(1, 106)->number, 3);
	drop_thread(100, 101);
	drop_thread(100, 106);
	put_process_stat(100, 2, 100);
	ck_assert_int_eq(read_once(), 0);
	ck_assert_uint_eq(guest(1)->nthreads, 2);
	ck_assert(!has_thread(1, 101));
	ck_assert_uint_eq(thread(1, 105)->run_ns_total, 1050);
}
END_TEST

static bool lacks_times(void)
{
	ck_assert_int_eq(read_once(), 0);
	return guest(1)->lacks_vcpu_times;
}

START_TEST(a_vcpu_whose_times_cannot_be_read_is_told)
{
	put_guest(1, 100);
	announce(1);
	start();
	ck_assert(!lacks_times());
	put("proc/100/task/101/schedstat", "garbage\n");
	ck_assert(lacks_times());
	ck_assert_uint_eq(thread(1, 101)->run_ns_total, 1010);
	put("proc/100/task/101/schedstat", "2000 7 1\n");
	ck_assert(!lacks_times());
	drop_thread(100, 101);
	put_process_stat(100, 1, 100);
	ck_assert(lacks_times());
}
END_TEST

START_TEST(a_thread_for_a_thread_is_seen_in_time)
{
	int n = 0;

	put_guest(1, 100);
	announce(1);
	start();
	ck_assert_int_eq(read_once(), 0);
	drop_thread(100, 101);
	put_thread(100, 105, 300, "CPU 0/KVM\n");
	while (!has_thread(1, 105) && n++ < MANY_SAMPLES)
		ck_assert_int_eq(read_once(), 0);
	ck_assert_int_lt(n, MANY_SAMPLES);
	ck_assert(!has_thread(1, 101));
	ck_assert_uint_eq(guest(1)->nthreads, 2);
}
END_TEST

/* Who comes while no descriptor is left is found once there is one. */
START_TEST(threads_are_listed_again_after_a_lack_of_descriptors)
{
	struct rlimit plenty, none;
	int lowest;

	put_guest(1, 100);
	announce(1);
	start();
	for (int n = 0; n < 3; n++) /* names are read twice */
		ck_assert_int_eq(read_once(), 0);
	put_thread(100, 105, 300, "CPU 1/KVM\n");
	put_process_stat(100, 3, 100);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &plenty), 0);
	lowest = dup(0);
	close(lowest);
	none = (struct rlimit){ (rlim_t)lowest, plenty.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(read_once(), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &plenty), 0);
	ck_assert(guest(1)->nthreads == 2 && has_thread(1, 101));
	ck_assert_int_eq(read_once(), 0);
	ck_assert(guest(1)->nthreads == 3 && has_thread(1, 105));
}
END_TEST

START_TEST(a_recycled_thread_number_is_another_thread)
{
	put_guest(1, 100);
	announce(1);
	start();
	ck_assert_int_eq(read_once(), 0);
	put_thread(100, 101, 300, "IO iothread1\n");
	put_thread(100, 102, 300, "worker\n");
	put_process_stat(100, 3, 100);
	ck_assert_int_eq(read_once(), 0);
	ck_assert_uint_eq(guest(1)->nthreads, 3);
	ck_assert_uint_eq(thread(1, 101)->start_ticks, 300);
	ck_assert_int_eq(thread(1, 101)->role, THREAD_IOTHREAD);
}
END_TEST

/* What was ours to change later must not become the original. */
START_TEST(the_first_affinity_stays)
{
	put_guest(1, 100);
	announce(1);
	start();
	ck_assert_int_eq(read_once(), 0);
	put("proc/100/task/101/status", "Name:\tx\nCpus_allowed_list:\t2\n");
	put_thread(100, 105, 300, "worker\n");
	put_process_stat(100, 3, 100);
	ck_assert_int_eq(read_once(), 0);
	ck_assert_uint_eq(cpumask_count(&thread(1, 101)->first_allowed), 4);
}
END_TEST

/* ---- vhost ------------------------------------------------------------------------------- */

static void put_outsider(pid_t tid, const char *comm, int ppid)
{
	char path[64];

	snprintf(path, sizeof path, "proc/%d/comm", tid);
	putf(path, "%s\n", comm);
	snprintf(path, sizeof path, "proc/%d/stat", tid);
	putf(path, "%d (%s) S %d 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77 0 0 0\n", tid, comm, ppid);
	snprintf(path, sizeof path, "proc/%d/status", tid);
	put(path, "Name:\tx\nCpus_allowed_list:\t1-2\n");
	snprintf(path, sizeof path, "proc/%d/schedstat", tid);
	put(path, "20000000 5 1\n");
}

static void check_outsiders(void)
{
	const struct guest_thread *t;

	put_outsider(900, "vhost-100", 2);
	put_outsider(901, "vhost-1000", 2);
	put_outsider(902, "vhost-100", 1); /* a process that has taken the name */
	put_outsider(903, "kworker/1:2", 2);
	announce(1);
	start();
	for (int again = 0; again < 3; again++) {
		ck_assert_int_eq(read_once(), 0);
		ck_assert_uint_eq(guest(1)->nthreads, 3);
		t = thread(1, 900);
		ck_assert(t->outside && t->role == THREAD_VHOST && t->number == 0);
		ck_assert_uint_eq(t->start_ticks, 77);
		ck_assert_uint_eq(cpumask_count(&t->first_allowed), 2);
		ck_assert(!thread(1, 101)->outside);
		ck_assert_uint_eq(guest(1)->cpu_hz_total, 57 + 2);
	}
}

#define TASKS "100\n101\n900\n901\n902\n903\n904\n-1\n0\nx\n99999999999\n"

START_TEST(kernel_threads_that_work_for_a_guest_are_its_own)
{
	put_guest(1, 100);
	put(cgroup_of(1, "emulator/cgroup.threads"), TASKS);
	check_outsiders();
	drop_process(900);
	put_thread(100, 105, 300, "CPU 1/KVM\n"); /* the threads are listed again */
	put_process_stat(100, 3, 100);
	ck_assert_int_eq(read_once(), 0);
	ck_assert(!has_thread(1, 900));
	ck_assert_uint_eq(guest(1)->nthreads, 3);
}
END_TEST

START_TEST(they_are_found_in_cgroup_v1_too)
{
	put_guest(1, 100);
	put("proc/self/mountinfo",
	    "31 23 0:26 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n");
	put("proc/100/cgroup", "5:cpuset:/machine/qemu-1-guest.libvirt-qemu/emulator\n");
	put(CGROUPS "/cpuset/machine/qemu-1-guest.libvirt-qemu/emulator/tasks", TASKS);
	check_outsiders();
}
END_TEST

/* Where libvirt may not make groups, everybody is in one. */
START_TEST(a_group_that_is_not_the_guests_is_not_searched)
{
	put_guest(1, 100);
	put("proc/100/cgroup", "0::/system.slice/virtqemud.service\n");
	put(CGROUPS "/system.slice/virtqemud.service/cgroup.threads", TASKS);
	put_outsider(900, "vhost-100", 2);
	announce(1);
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert_uint_eq(guest(1)->nthreads, 2);
}
END_TEST

START_TEST(a_vhost_thread_of_the_process_is_inside)
{
	put_guest(1, 100);
	put_thread(100, 105, 300, "vhost-100\n");
	put(cgroup_of(1, "emulator/cgroup.threads"), "100\n101\n105\n");
	put_outsider(105, "vhost-100", 2);
	announce(1);
	start();
	ck_assert_int_eq(read_once(), 0);
	ck_assert_uint_eq(guest(1)->nthreads, 3);
	ck_assert(!thread(1, 105)->outside && thread(1, 105)->role == THREAD_VHOST);
	ck_assert_uint_eq(guest(1)->cpu_hz_total, 57);
}
END_TEST

/* All of them are one folder: thousands of files would take seconds to make. */
/* Each thread keeps a file open: more than the usual 1,024 that a shell allows.  The daemon
 * asks for more likewise. */
static void allow_many_files(void)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(threads_beyond_the_limit_are_left_out)
{
	char path[64];

	allow_many_files();
	put_guest(1, 100);
	for (int tid = 1000; tid < 1000 + KT_THREADS_MAX; tid++) {
		snprintf(path, sizeof path, "proc/100/task/%d", tid);
		ck_assert_int_eq(symlinkat("101", fs.root_fd, path), 0);
	}
	announce(1);
	start();
	for (int n = 0; n < 2; n++) {
		ck_assert_int_eq(read_once(), 0);
		ck_assert_uint_eq(guest(1)->nthreads, KT_THREADS_MAX);
		put_process_stat(100, KT_THREADS_MAX + 2, 100); /* lists them again */
	}
}
END_TEST

/* Of all that this process read: the kernel counts. */
static size_t reads_of_a_sample(void)
{
	size_t count[2];

	for (int i = 0; i < 2; i++) {
		FILE *f = fopen("/proc/self/io", "r");
		unsigned long long syscr = 0;

		ck_assert_ptr_nonnull(f);
		ck_assert_int_eq(fscanf(f, "rchar: %*u wchar: %*u syscr: %llu", &syscr), 1);
		fclose(f);
		count[i] = syscr;
		if (i == 0)
			ck_assert_int_eq(read_once(), 0);
	}
	return count[1] - count[0];
}

static void put_tasks(size_t from, size_t to)
{
	char path[64];

	for (size_t n = from; n < to; n++) {
		snprintf(path, sizeof path, "proc/100/task/%zu", 1000 + n);
		ck_assert_int_eq(symlinkat("101", fs.root_fd, path), 0);
	}
}

/* Processes too, which are searched for guests: they are there from the beginning. */
static void put_outsiders(void)
{
	char path[64];

	put_outsider(10000, "vhost-100", 2);
	for (int tid = 10001; tid < 10000 + 4 * KT_THREADS_MAX; tid++) {
		snprintf(path, sizeof path, "proc/%d", tid);
		ck_assert_int_eq(symlinkat("10000", fs.root_fd, path), 0);
	}
}

static void put_outsiders_into_cgroup(void)
{
	static char list[4 * KT_THREADS_MAX * sizeof "10000\n"];
	size_t used = 0;

	for (int tid = 10000; tid < 10000 + 4 * KT_THREADS_MAX; tid++)
		used += (size_t)sprintf(list + used, "%d\n", tid);
	put(cgroup_of(1, "emulator/cgroup.threads"), list);
}

START_TEST(tasks_beyond_the_limit_are_not_even_asked)
{
	size_t usual;

	allow_many_files();
	put_guest(1, 100);
	put_tasks(0, KT_THREADS_MAX - 2);
	put_outsiders();
	announce(1);
	start();
	usual = reads_of_a_sample();
	ck_assert_uint_eq(guest(1)->nthreads, KT_THREADS_MAX);
	sense_free(sense);
	if (_i == 0)
		put_tasks(KT_THREADS_MAX - 2, 4 * KT_THREADS_MAX);
	else
		put_outsiders_into_cgroup();
	start();
	ck_assert_uint_le(reads_of_a_sample(), usual + 16);
	ck_assert_uint_eq(guest(1)->nthreads, KT_THREADS_MAX);
}
END_TEST

/* ---- cost, and a real process --------------------------------------------------------------- */

enum { GUESTS = 8 };

/* Check itself allocates, so not across its assertions. */
static size_t allocations_of_a_sample(void)
{
	size_t before = nallocations;
	int r = read_once();

	return r < 0 ? SIZE_MAX : nallocations - before;
}

START_TEST(a_thousand_samples_cost_no_memory_and_no_files)
{
	size_t before = open_files(), steady;

	count_allocations();
	for (unsigned int n = 1; n <= GUESTS; n++) {
		put_guest(n, (pid_t)(100 * n));
		put(cgroup_of(n, "emulator/cgroup.threads"), "99\n");
		put_outsider(99, "vhost-100", 2); /* the first one's */
		announce(n);
	}
	start();
	ck_assert_uint_gt(allocations_of_a_sample(), 0); /* the counter counts */
	steady = open_files();
	ck_assert_uint_gt(steady, before + (size_t)GUESTS * 6);
	for (int n = 0; n < 1000; n++)
		ck_assert_uint_eq(allocations_of_a_sample(), 0);
	ck_assert_uint_eq(open_files(), steady);
	for (unsigned int n = 1; n <= GUESTS; n++)
		ck_assert(guest(n)->present);
	sense_free(sense);
	sense = NULL;
	ck_assert_uint_eq(open_files(), before);
}
END_TEST

START_TEST(guests_that_come_and_go_leave_no_open_file)
{
	struct domain d = domain_of(1);
	size_t before = 0;

	start();
	for (int round = 0; round < 20; round++) {
		put_guest(1, 100 + round);
		put_thread(100 + round, 500, 5, "CPU 1/KVM\n");
		announce(1);
		ck_assert_int_eq(samples_until(1, true), 1);
		drop_process(100 + round);
		domains_remove(ds, &d.uuid);
		ck_assert_int_eq(read_once(), 0);
		if (round == 0)
			before = open_files();
	}
	ck_assert_uint_eq(open_files(), before);
}
END_TEST

/* This program again, named as QEMU is: see main. */
static pid_t start_false_qemu(const struct domain *d)
{
	char uuid[KT_UUID_STR], option[] = "-uuid", name[] = "qemu-false";
	char *args[] = { name, option, uuid_str(&d->uuid, uuid), NULL };
	pid_t child = kt_fork();

	if (child == 0) {
		execv("/proc/self/exe", args);
		_exit(127);
	}
	return child;
}

START_TEST(a_real_process_is_found_and_lost)
{
	struct domain d = domain_of(1);
	struct hostfs live;
	pid_t child;

	memset(&d.uuid, (unsigned char)getpid(), sizeof d.uuid);
	d.uuid.byte[0] = (uint8_t)(getpid() >> 8);
	child = start_false_qemu(&d);
	ck_assert_int_eq(hostfs_open("/", &live), 0);
	ck_assert_int_eq(sense_new(&live, &sense), 0);
	ck_assert_int_eq(domains_put(ds, &d), 0);
	for (int n = 0; n < 1000000;
	     n++) { /* between fork and exec it is not yet what it will be */
		ds->slot[0].incarnation++;
		ck_assert_int_eq(read_once(), 0);
		if (sample.guest[0].present)
			break;
	}
	ck_assert_int_eq(sample.guest[0].pid, child);
	ck_assert_uint_eq(sample.guest[0].nthreads, 1);
	ck_assert_int_eq(sample.guest[0].threads[0].tid, child);
	ck_assert_uint_gt(sample.guest[0].start_ticks, 0);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(read_once(), 0);
	ck_assert(all_zero(&sample.guest[0], sizeof sample.guest[0]));
	hostfs_close(&live);
}
END_TEST

int main(int argc, char **argv)
{
	TCase *tc;
	Suite *s;

	if (argc > 1 && strcmp(argv[1], "-uuid") == 0)
		for (;;)
			pause();
	tc = tcase_create("sense_threads");
	s = suite_create("sense_threads");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, threads_come_and_go);
	tcase_add_test(tc, a_vcpu_whose_times_cannot_be_read_is_told);
	tcase_add_test(tc, a_thread_for_a_thread_is_seen_in_time);
	tcase_add_test(tc, threads_are_listed_again_after_a_lack_of_descriptors);
	tcase_add_test(tc, a_recycled_thread_number_is_another_thread);
	tcase_add_test(tc, the_first_affinity_stays);
	tcase_add_test(tc, kernel_threads_that_work_for_a_guest_are_its_own);
	tcase_add_test(tc, they_are_found_in_cgroup_v1_too);
	tcase_add_test(tc, a_group_that_is_not_the_guests_is_not_searched);
	tcase_add_test(tc, a_vhost_thread_of_the_process_is_inside);
	tcase_add_test(tc, threads_beyond_the_limit_are_left_out);
	tcase_add_loop_test(tc, tasks_beyond_the_limit_are_not_even_asked, 0, 2);
	tcase_add_test(tc, a_thousand_samples_cost_no_memory_and_no_files);
	tcase_add_test(tc, guests_that_come_and_go_leave_no_open_file);
	tcase_add_test(tc, a_real_process_is_found_and_lost);
	suite_add_tcase(s, tc);
	return kt_run(s);
}
