/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the memory of a real process found on the nodes where it is? */
#include "sense_fixture.h"
#include "sense_private.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { MIB = 1024 * 1024, ANON_MIB = 24, SHARED_MIB = 8, UNTOUCHED_MIB = 256, TIB_MIB = MIB };

static struct hostfs live;
static pid_t child;

static void live_setup(void)
{
	setup();
	ck_assert_int_eq(hostfs_open("/", &live), 0);
	ck_assert_int_eq(sense_new(&live, &sense), 0);
}

static void live_teardown(void)
{
	if (child > 0) {
		ck_assert_int_eq(kill(child, SIGKILL), 0);
		ck_assert_int_eq(waitpid(child, NULL, 0), child);
	}
	teardown();
	hostfs_close(&live);
}

/* ---- a process with memory ------------------------------------------------------------------ */

static bool take_memory(size_t untouched_mib)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);
	void *shared, *anon, *untouched;

	if (fd < 0 || ftruncate(fd, SHARED_MIB * MIB) < 0)
		return false;
	shared = mmap(NULL, SHARED_MIB * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	anon = mmap(NULL, ANON_MIB * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	untouched = mmap(NULL, untouched_mib * MIB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (shared == MAP_FAILED || anon == MAP_FAILED || untouched == MAP_FAILED)
		return false;
	memset(shared, 1, SHARED_MIB * MIB);
	memset(anon, 1, ANON_MIB * MIB);
	return true;
}

/* Says that it has the memory, and waits to be killed. */
static void be_a_guest(int ready, size_t untouched_mib)
{
	if (take_memory(untouched_mib) && write(ready, "r", 1) == 1)
		for (;;)
			pause();
	_exit(1);
}

/* This program again, named as QEMU is: see main. */
static void start_guest(const struct domain *d, int untouched_mib)
{
	char uuid[KT_UUID_STR], option[] = "-uuid", name[] = "qemu-false", fd[16], size[16];
	char *args[] = { name, option, uuid_str(&d->uuid, uuid), fd, size, NULL };
	char byte;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	snprintf(fd, sizeof fd, "%d", ends[1]);
	snprintf(size, sizeof size, "%d", untouched_mib);
	child = kt_fork();
	if (child == 0) {
		execv("/proc/self/exe", args);
		_exit(127);
	}
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	close(ends[0]);
}

static uint64_t sum_of(const uint64_t kib[KT_NODES_MAX])
{
	uint64_t sum = 0;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		sum += kib[n];
	return sum;
}

#if !defined(__SANITIZE_ADDRESS__) &&                                                              \
	!defined(__SANITIZE_THREAD__) /* whose shadow is terabytes of pages that are not there */
START_TEST(pages_found_are_scaled_to_the_resident_size)
{
	uint64_t kib[KT_NODES_MAX];
	struct domain d = domain_of(1);

	start_guest(&d, UNTOUCHED_MIB);
	ck_assert_int_eq(sense_pages_read(sense, child, 1000 * 1000, kib), 0);
	ck_assert_uint_le(sum_of(kib), 1000 * 1000);
	ck_assert_uint_ge(sum_of(kib), 1000 * 1000 - KT_NODES_MAX); /* each is rounded down */
}
END_TEST

START_TEST(the_same_memory_gives_the_same_answer)
{
	uint64_t kib[KT_NODES_MAX], again[KT_NODES_MAX];
	struct domain d = domain_of(1);

	start_guest(&d, UNTOUCHED_MIB);
	ck_assert_int_eq(sense_pages_read(sense, child, 1000 * 1000, kib), 0);
	ck_assert_int_eq(sense_pages_read(sense, child, 1000 * 1000, again), 0);
	ck_assert_mem_eq(kib, again, sizeof kib);
}
END_TEST

#endif

START_TEST(hardly_any_page_is_no_answer)
{
	uint64_t kib[KT_NODES_MAX];
	struct domain d = domain_of(1);

	start_guest(&d, TIB_MIB);
	ck_assert_int_eq(sense_pages_read(sense, child, 1000 * 1000, kib), -ENODATA);
}
END_TEST

/* It is in no cgroup of a guest, so that nothing else can tell. */
START_TEST(a_guest_without_a_cgroup_is_asked_for_its_pages)
{
	struct domain d = domain_of(1);
	uint64_t sum;

	memset(d.uuid.byte, (unsigned char)getpid(), sizeof d.uuid.byte);
	d.uuid.byte[0] = (uint8_t)(getpid() >> 8);
	start_guest(&d, UNTOUCHED_MIB);
	ck_assert_int_ge(domains_put(ds, &d), 0);
	ck_assert_int_eq(read_once(), 0);
	ck_assert_int_eq(sample.guest[0].pid, child);
	ck_assert(!sample.guest[0].has_cgroup && sample.guest[0].has_node_memory);
	sum = sum_of(sample.guest[0].node_memory_kib);
	ck_assert_uint_ge(sum, (ANON_MIB + SHARED_MIB) * 1024);
	ck_assert_uint_le(sum, sample.guest[0].rss_kib + MIB / 1024); /* counted in batches */
}
END_TEST

/* ---- who may not be asked -------------------------------------------------------------------- */

static int ask(pid_t pid)
{
	uint64_t kib[KT_NODES_MAX], untouched[KT_NODES_MAX];
	int r;

	memset(kib, 0x5a, sizeof kib);
	memset(untouched, 0x5a, sizeof untouched);
	r = sense_pages_read(sense, pid, 1000, kib);
	ck_assert_int_lt(r, 0);
	ck_assert_mem_eq(kib, untouched, sizeof kib);
	return r;
}

START_TEST(a_process_that_has_gone_has_no_pages)
{
	struct domain d = domain_of(1);
	siginfo_t ended;
	pid_t pid;

	start_guest(&d, UNTOUCHED_MIB);
	pid = child;
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), 0);
	(void)ask(pid); /* dead, and not yet buried */
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	child = 0;
	ck_assert_int_eq(ask(pid), -ENOENT);
}
END_TEST

START_TEST(without_privilege_nobody_tells)
{
	int r;

	ck_assert_int_eq(hostfs_open("/", &live), 0);
	ck_assert_int_eq(sense_new(&live, &sense), 0);
	ck_assert(getuid() != 0 || setuid(65534) == 0);
	r = ask(1);
	ck_assert_msg(r == -EACCES || r == -EPERM, "%d", r);
	sense_free(sense);
	hostfs_close(&live);
}
END_TEST

START_TEST(a_recorded_host_has_no_processes)
{
	sense_free(sense);
	start();
	ck_assert_int_eq(ask(getpid()), -ENOTSUP);
}
END_TEST

/* ---- which pages ----------------------------------------------------------------------------- */

static const struct {
	uint64_t npages, n;
} picks[] = {
	{ 1, 1 },
	{ 4096, 4096 },
	{ 4097, 4096 },
	{ 8191, 4096 },
	{ 8192, 4096 },
	{ 1 << 20, 4096 },
	{ UINT64_C(1) << 36, 4096 }, /* 256 TiB */
};

/* Even where a stretch is as long as the turns that memory was spread in. */
START_TEST(pages_are_picked_evenly_and_not_in_step)
{
	uint64_t npages = picks[_i].npages, n = picks[_i].n, before = 0, odd = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t page = sense_pages_pick(npages, i, n);

		ck_assert_uint_lt(page, npages);
		ck_assert(i == 0 || page > before);
		ck_assert(page - before <= 2 * (npages / n));
		before = page;
		odd += page & 1;
	}
	if (n > 1 && npages / n > 1) {
		ck_assert_uint_gt(odd, n * 45 / 100);
		ck_assert_uint_lt(odd, n * 55 / 100);
	}
}
END_TEST

int main(int argc, char **argv)
{
	TCase *tc = tcase_create("live"), *pick = tcase_create("no guest");
	Suite *s = suite_create("sense_pages");

	if (argc > 4 && strcmp(argv[1], "-uuid") == 0)
		be_a_guest(atoi(argv[3]), (size_t)atoi(argv[4]));
	tcase_add_checked_fixture(tc, live_setup, live_teardown);
	tcase_set_timeout(tc, 60);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	tcase_add_test(tc, pages_found_are_scaled_to_the_resident_size);
	tcase_add_test(tc, the_same_memory_gives_the_same_answer);
#endif
	tcase_add_test(tc, hardly_any_page_is_no_answer);
	tcase_add_test(tc, a_guest_without_a_cgroup_is_asked_for_its_pages);
	tcase_add_test(tc, a_process_that_has_gone_has_no_pages);
	tcase_add_test(tc, a_recorded_host_has_no_processes);
	suite_add_tcase(s, tc);
	tcase_add_test(pick, without_privilege_nobody_tells);
	tcase_add_loop_test(pick, pages_are_picked_evenly_and_not_in_step, 0, KT_ARRAY_LEN(picks));
	suite_add_tcase(s, pick);
	return kt_run(s);
}
