/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is no more reclaimed than was ordered, is it told truly, and does a kernel that hangs hold
 * nobody up?  Guests' cgroups are folders; where a write has to have an effect, the kernel
 * is a function; where one has to hang, memory.reclaim is a FIFO that nobody reads. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "kt_check.h"
#include "own_process.h"
#include "reclaimer_private.h"
#include "scratch.h"

#define MIB UINT64_C(1024) /* in KiB, as all that is ordered */

static char root[64];
static struct hostfs fs;
static struct reclaimer *reclaimer;
static struct reclaim_answer answer;

/* ---- guests ---------------------------------------------------------------------------- */

static const char *file_of(const char *guest, const char *name)
{
	static char path[4][256];
	static unsigned int next;
	char *p = path[next++ % KT_ARRAY_LEN(path)];

	snprintf(p, sizeof path[0], "%s/%s/%s", root, guest, name);
	return p;
}

static void put(const char *guest, const char *name, const char *text)
{
	FILE *f = fopen(file_of(guest, name), "w");

	ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void put_usage(const char *guest, uint64_t kib)
{
	char text[32];

	snprintf(text, sizeof text, "%" PRIu64 "\n", kib * 1024);
	put(guest, "memory.current", text);
}

static void add_guest(const char *guest, uint64_t usage_kib)
{
	ck_assert_int_eq(mkdir(file_of(guest, ""), 0755), 0);
	put_usage(guest, usage_kib);
	put(guest, "memory.reclaim", "");
}

static void hang_writes_to(const char *guest)
{
	ck_assert_int_eq(unlink(file_of(guest, "memory.reclaim")), 0);
	ck_assert_int_eq(mkfifo(file_of(guest, "memory.reclaim"), 0600), 0);
}

static void remove_guest(const char *guest)
{
	ck_assert_int_eq(scratch_remove(file_of(guest, "")), 0);
}

/* ---- the kernel, as a function --------------------------------------------------------- */

static struct {
	uint64_t usage_kib;
	int64_t change_kib; /* of usage, by each call, beyond what was asked for */
	uint64_t cold_kib;  /* there is no more to reclaim */
	int error;          /* of the call ... */
	unsigned int good;  /* ... after so many */
	bool vanishes;      /* the guest, in that call */
	bool vanishes_late; /* ... after its usage was read */
	bool deaf;          /* to signals */
	int gate;           /* each call takes a byte from it; -1: none */

	unsigned int ncalls;
	uint64_t asked_kib, largest_kib;
	char order[16]; /* the first letters of the guests */
} kernel;

int faccessat(int folder, const char *path, int mode, int flags)
{
	(void)flags;
	if (kernel.vanishes_late) {
		errno = ENOENT;
		return -1;
	}
	return (int)syscall(SYS_faccessat, folder, path, mode);
}

static struct timespec join_until; /* of the latest one, CLOCK_MONOTONIC */

typedef int join_fn(pthread_t, void **, clockid_t, const struct timespec *);

#ifdef __SANITIZE_THREAD__ /* which does not see that of libc */
join_fn tsan_clockjoin;
#endif

int pthread_clockjoin_np(pthread_t thread, void **ret, clockid_t clock,
			 const struct timespec *until)
{
#ifdef __SANITIZE_THREAD__
	join_fn *join = tsan_clockjoin;
#else
	join_fn *join = (join_fn *)dlsym(RTLD_NEXT, "pthread_clockjoin_np");
#endif

	join_until = *until;
	return join(thread, ret, clock, until);
}

static uint64_t ns_of(struct timespec t)
{
	return (uint64_t)t.tv_sec * KT_NS_PER_S + (uint64_t)t.tv_nsec;
}

static int pass_gate(void)
{
	char c;

	while (kernel.gate >= 0 && read(kernel.gate, &c, 1) != 1)
		if (!kernel.deaf)
			return -EINTR;
	return 0;
}

static int reclaim(uint64_t kib)
{
	uint64_t got = KT_MIN(kib, kernel.cold_kib);

	kernel.cold_kib -= got;
	kernel.usage_kib = (uint64_t)((int64_t)(kernel.usage_kib - got) + kernel.change_kib);
	put_usage("a", kernel.usage_kib);
	return got < kib ? -EAGAIN : 0;
}

static int kernel_call(const struct hostfs *of, const char *path, const char *text)
{
	uint64_t kib = strtoull(text, NULL, 10) / 1024;
	int error = pass_gate();

	(void)of;
	if (error < 0)
		return error;
	kernel.order[kernel.ncalls % (sizeof kernel.order - 1)] = path[0];
	kernel.asked_kib += kib;
	kernel.largest_kib = KT_MAX(kernel.largest_kib, kib);
	if (kernel.vanishes)
		remove_guest("a");
	if (++kernel.ncalls > kernel.good && kernel.error)
		return -kernel.error;
	return reclaim(kib);
}

/* ---- the reclaimer --------------------------------------------------------------------- */

static void give(size_t slot, const char *guest, uint64_t target_kib, uint64_t at_most_kib)
{
	struct reclaim_order order = { .target_kib = target_kib, .at_most_kib = at_most_kib };

	snprintf(order.cgroup, sizeof order.cgroup, "%s", guest);
	ck_assert_int_eq(reclaimer_order(reclaimer, slot, &order), 0);
}

static void look(size_t slot)
{
	(void)poll(NULL, 0, 1); /* its turn */
	reclaimer_look(reclaimer, slot, &answer);
}

static void await_end(size_t slot)
{
	do
		look(slot);
	while (answer.state == RECLAIM_WAITS || answer.state == RECLAIM_WORKS);
}

static void assert_ends(size_t slot, enum reclaim_state state)
{
	await_end(slot);
	ck_assert_msg(answer.state == state, "state %d, error %d", answer.state, answer.error);
}

static struct reclaimer_totals totals(void)
{
	struct reclaimer_totals t;

	reclaimer_total(reclaimer, &t);
	return t;
}

static void await_call(void)
{
	while (!totals().call_since_ns)
		(void)poll(NULL, 0, 1);
}

/* As its owner does, who looks each second. */
static void stop_until_it_ends(size_t slot)
{
	do {
		reclaimer_stop(reclaimer, slot);
		look(slot);
	} while (answer.state == RECLAIM_WAITS || answer.state == RECLAIM_WORKS);
}

static void begin(reclaim_call_fn *call)
{
	ck_assert_int_eq(reclaimer_new(&fs, call, &reclaimer), 0);
}

static void setup(void)
{
	scratch_make(root, sizeof root);
	ck_assert_int_eq(hostfs_open(root, &fs), 0);
	kernel = (typeof(kernel)){ .usage_kib = 100 * MIB, .cold_kib = UINT64_MAX, .gate = -1 };
	add_guest("a", 100 * MIB);
	reclaimer = NULL;
}

static void teardown(void)
{
	if (reclaimer)
		reclaimer_free(reclaimer);
	hostfs_close(&fs);
	ck_assert_int_eq(scratch_remove(root), 0);
}

/* ---- how much -------------------------------------------------------------------------- */

START_TEST(it_ends_at_the_target)
{
	begin(kernel_call);
	reclaimer_look(reclaimer, 3, &answer);
	ck_assert_int_eq(answer.state, RECLAIM_NONE);
	give(3, "a", 90 * MIB, 64 * MIB);
	assert_ends(3, RECLAIM_DONE);
	ck_assert_uint_eq(answer.asked_kib, 10 * MIB);
	ck_assert_uint_eq(answer.got_kib, 10 * MIB);
	ck_assert_uint_eq(answer.from_kib, 100 * MIB);
	ck_assert_uint_eq(answer.now_kib, 90 * MIB);
	ck_assert_uint_eq(kernel.asked_kib, 10 * MIB);
	ck_assert_uint_eq(kernel.ncalls, 3);
	ck_assert_uint_eq(kernel.largest_kib, 4 * MIB);
	ck_assert_uint_eq(totals().got_kib, 10 * MIB);
	ck_assert_uint_gt(totals().longest_call_ns, 0);
	ck_assert_uint_eq(totals().call_since_ns, 0);
}
END_TEST

START_TEST(a_guest_that_grows_loses_no_more_than_was_ordered)
{
	kernel.change_kib = 8 * (int64_t)MIB;
	begin(kernel_call);
	give(0, "a", 90 * MIB, 10 * MIB);
	assert_ends(0, RECLAIM_DONE);
	ck_assert_uint_eq(kernel.asked_kib, 10 * MIB);
	ck_assert_uint_eq(answer.asked_kib, 10 * MIB);
	ck_assert_uint_eq(answer.got_kib, 0);
	ck_assert_uint_eq(answer.now_kib, 100 * MIB - 10 * MIB + 3 * 8 * MIB);
}
END_TEST

START_TEST(what_the_guest_frees_itself_is_not_ours)
{
	kernel.change_kib = -20 * (int64_t)MIB;
	begin(kernel_call);
	give(0, "a", 90 * MIB, 64 * MIB);
	assert_ends(0, RECLAIM_DONE);
	ck_assert_uint_eq(kernel.ncalls, 1);
	ck_assert_uint_eq(answer.got_kib, 4 * MIB);
	ck_assert_uint_eq(answer.now_kib, 76 * MIB);
}
END_TEST

/* The rest of the order would not be got either: the judgement is about all of it. */
START_TEST(when_the_kernel_finds_less_it_is_not_asked_again)
{
	kernel.cold_kib = 5 * MIB;
	begin(kernel_call);
	give(0, "a", 68 * MIB, 32 * MIB);
	assert_ends(0, RECLAIM_DONE);
	ck_assert_uint_eq(kernel.ncalls, 2);
	ck_assert_uint_eq(answer.asked_kib, 32 * MIB);
	ck_assert_uint_eq(answer.got_kib, 5 * MIB);
	ck_assert_int_eq(answer.error, 0);
}
END_TEST

static const struct {
	uint64_t target_kib, at_most_kib;
	unsigned int calls;
} amounts[] = {
	{ 100 * 1024, 1024, 0 },
	{ 200 * 1024, 1024, 0 },
	{ 0, 0, 0 },
	{ 100 * 1024 - 63, 64, 0 },
	{ 100 * 1024 - 64, 64, 1 },
	{ 0, 63, 0 },
	{ 0, 64, 1 },
	{ 0, 4 * 1024, 1 },
	{ 0, 4 * 1024 + 63, 1 },
	{ 0, 4 * 1024 + 64, 2 },
	{ UINT64_MAX, UINT64_MAX, 0 },
	{ 0, UINT64_MAX, 25 },
};

START_TEST(less_than_a_page_is_not_asked_for)
{
	begin(kernel_call);
	give(0, "a", amounts[_i].target_kib, amounts[_i].at_most_kib);
	assert_ends(0, RECLAIM_DONE);
	ck_assert_uint_eq(kernel.ncalls, amounts[_i].calls);
}
END_TEST

START_TEST(the_kernel_is_asked_in_bytes)
{
	char text[64] = "";
	FILE *f;

	begin(NULL);
	give(0, "a", 0, 3 * MIB);
	assert_ends(0, RECLAIM_DONE);
	f = fopen(file_of("a", "memory.reclaim"), "r");
	ck_assert(f && fgets(text, sizeof text, f) && fclose(f) == 0);
	ck_assert_str_eq(text, "3145728");
	ck_assert_uint_eq(answer.asked_kib, 3 * MIB);
	ck_assert_uint_eq(answer.got_kib, 0);
}
END_TEST

/* ---- what goes wrong ------------------------------------------------------------------- */

static const char *const nonsense[] = { "max\n",   "",    "-1\n",
					"12 34\n", "a\n", "99999999999999999999999\n" };

START_TEST(usage_that_makes_no_sense_ends_it)
{
	put("a", "memory.current", nonsense[_i]);
	begin(kernel_call);
	give(0, "a", 0, MIB);
	assert_ends(0, RECLAIM_FAILED);
	ck_assert_uint_eq(kernel.ncalls, 0);
	ck_assert_int_ne(answer.error, 0);
	ck_assert_int_ne(answer.error, EINVAL);
}
END_TEST

static const struct {
	int error;
	enum reclaim_state state;
} refusal[] = {
	{ EROFS, RECLAIM_REFUSED },  { EACCES, RECLAIM_REFUSED }, { EPERM, RECLAIM_REFUSED },
	{ ENOENT, RECLAIM_REFUSED }, { EINVAL, RECLAIM_REFUSED }, { EOPNOTSUPP, RECLAIM_REFUSED },
	{ EIO, RECLAIM_FAILED },     { ENOMEM, RECLAIM_FAILED },  { ENODEV, RECLAIM_FAILED },
};

START_TEST(refusals_are_told_apart)
{
	kernel.error = refusal[_i].error;
	kernel.good = 1;
	begin(kernel_call);
	give(0, "a", 0, 64 * MIB);
	assert_ends(0, refusal[_i].state);
	ck_assert_int_eq(answer.error, refusal[_i].error);
	ck_assert_uint_eq(kernel.ncalls, 2);
	ck_assert_uint_eq(answer.asked_kib, 4 * MIB);
	ck_assert_uint_eq(answer.got_kib, 4 * MIB);
}
END_TEST

START_TEST(a_kernel_without_the_file_refuses)
{
	ck_assert_int_eq(unlink(file_of("a", "memory.reclaim")), 0);
	begin(NULL);
	give(0, "a", 0, MIB);
	assert_ends(0, RECLAIM_REFUSED);
	ck_assert_int_eq(answer.error, ENOENT);
}
END_TEST

START_TEST(a_guest_that_has_gone_is_no_error)
{
	begin(NULL);
	give(0, "nobody", 0, MIB);
	assert_ends(0, RECLAIM_GONE);
	ck_assert_int_eq(answer.error, 0);
}
END_TEST

START_TEST(nor_is_one_that_goes_meanwhile)
{
	kernel.vanishes = true;
	kernel.error = _i;
	begin(kernel_call);
	give(0, "a", 0, 64 * MIB);
	assert_ends(0, RECLAIM_GONE);
	ck_assert_int_eq(answer.error, 0);
	ck_assert_uint_eq(kernel.ncalls, 1);
}
END_TEST

static const int errors_of_the_gone[] = { ENODEV, ENOENT };

/* ENOENT would be a refusal otherwise. */
START_TEST(nor_is_one_that_goes_after_a_last_look)
{
	kernel.vanishes_late = true;
	kernel.error = errors_of_the_gone[_i];
	begin(kernel_call);
	give(0, "a", 0, 64 * MIB);
	assert_ends(0, RECLAIM_GONE);
	ck_assert_int_eq(answer.error, 0);
	ck_assert_uint_eq(kernel.ncalls, 1);
}
END_TEST

START_TEST(a_path_that_is_too_long_is_refused)
{
	struct reclaim_order order = { .at_most_kib = MIB };

	memset(order.cgroup, 'x', sizeof order.cgroup - 1);
	begin(kernel_call);
	ck_assert_int_eq(reclaimer_order(reclaimer, 0, &order), 0);
	assert_ends(0, RECLAIM_FAILED);
	ck_assert_int_eq(answer.error, ENAMETOOLONG);
	ck_assert_int_eq(reclaimer_order(reclaimer, KT_GUESTS_MAX, &order), -EINVAL);
	reclaimer_stop(reclaimer, KT_GUESTS_MAX);
	reclaimer_look(reclaimer, KT_GUESTS_MAX, &answer);
	ck_assert_int_eq(answer.state, RECLAIM_NONE);
}
END_TEST

START_TEST(a_signal_that_is_not_for_this_order_does_not_end_it)
{
	kernel.error = EINTR;
	begin(kernel_call);
	give(0, "a", 0, 10 * MIB);
	assert_ends(0, RECLAIM_DONE);
	ck_assert_uint_eq(kernel.ncalls, 3);
	ck_assert_uint_eq(answer.asked_kib, 10 * MIB);
	ck_assert_uint_eq(answer.got_kib, 0);
}
END_TEST

/* ---- a kernel that hangs --------------------------------------------------------------- */

START_TEST(a_write_that_hangs_is_interrupted)
{
	hang_writes_to("a");
	begin(NULL);
	give(7, "a", 0, 64 * MIB);
	await_call();
	ck_assert_uint_eq(totals().slot, 7);
	ck_assert_uint_gt(totals().longest_call_ns, 0);
	look(7);
	ck_assert_int_eq(answer.state, RECLAIM_WORKS);
	stop_until_it_ends(7);
	ck_assert_int_eq(answer.state, RECLAIM_STOPPED);
	ck_assert_uint_eq(answer.got_kib, 0);
	ck_assert_uint_eq(totals().call_since_ns, 0);

	add_guest("b", 10 * MIB);
	give(7, "b", 0, MIB);
	assert_ends(7, RECLAIM_DONE);
}
END_TEST

/* Not only one that hangs before it begins. */
START_TEST(so_is_one_that_hangs_in_the_middle)
{
	char filler[4096] = "";
	int reader, writer;

	hang_writes_to("a");
	reader = open(file_of("a", "memory.reclaim"), O_RDONLY | O_NONBLOCK);
	writer = open(file_of("a", "memory.reclaim"), O_WRONLY | O_NONBLOCK);
	ck_assert(reader >= 0 && writer >= 0);
	while (write(writer, filler, sizeof filler) > 0)
		continue;
	while (write(writer, filler, 1) > 0)
		continue;
	begin(NULL);
	give(0, "a", 0, 64 * MIB);
	await_call();
	stop_until_it_ends(0);
	ck_assert_int_eq(answer.state, RECLAIM_STOPPED);
	close(reader);
	close(writer);
}
END_TEST

START_TEST(usage_that_cannot_be_read_is_interrupted_too)
{
	ck_assert_int_eq(unlink(file_of("a", "memory.current")), 0);
	ck_assert_int_eq(mkfifo(file_of("a", "memory.current"), 0600), 0);
	begin(kernel_call);
	give(0, "a", 0, 64 * MIB);
	stop_until_it_ends(0);
	ck_assert_int_eq(answer.state, RECLAIM_STOPPED);
	ck_assert_uint_eq(kernel.ncalls, 0);
}
END_TEST

START_TEST(the_end_does_not_wait_for_a_write)
{
	hang_writes_to("a");
	add_guest("b", 10 * MIB);
	begin(NULL);
	give(0, "a", 0, 64 * MIB);
	give(1, "b", 0, 64 * MIB);
	await_call();
	reclaimer_free(reclaimer);
	reclaimer = NULL;
}
END_TEST

static bool is_detached(pthread_t thread)
{
	pthread_attr_t of_thread;
	int state = PTHREAD_CREATE_JOINABLE;

	ck_assert_int_eq(pthread_getattr_np(thread, &of_thread), 0);
	ck_assert_int_eq(pthread_attr_getdetachstate(&of_thread, &state), 0);
	pthread_attr_destroy(&of_thread);
	return state == PTHREAD_CREATE_DETACHED;
}

/* What it leaves behind is its thread's, and freed by it: memory, which the leak checker would see,
 * and a descriptor. */
START_TEST(a_write_that_no_signal_ends_is_left_to_the_kernel)
{
	unsigned int files, with_files, with;
	pthread_t thread;
	int gate[2];

	ck_assert_int_eq(pipe(gate), 0);
	kernel.gate = gate[0];
	kernel.deaf = true;
	files = count_open_files();
	begin(kernel_call);
	thread = reclaimer->thread;
	with = count_threads(); /* a sanitizer may have begun one of its own with it */
	give(0, "a", 0, 64 * MIB);
	await_call();
	with_files = count_open_files();
	reclaimer_free(reclaimer);
	reclaimer = NULL;
	ck_assert_uint_eq(count_threads(), with);
	ck_assert_uint_eq(count_open_files(), with_files);
	ck_assert(is_detached(thread));
	ck_assert_int_eq(write(gate[1], "x", 1), 1);
	while (count_threads() == with)
		(void)poll(NULL, 0, 1);
	ck_assert_uint_eq(count_open_files(), files);
	ck_assert_uint_eq(kernel.ncalls, 1);
	close(gate[0]);
	close(gate[1]);
}
END_TEST

/* A thread that was only slow is not left alone: it would outlive who owns it. */
START_TEST(the_end_gives_the_thread_a_moment)
{
	struct timespec before;

	begin(kernel_call);
	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &before), 0);
	reclaimer_free(reclaimer);
	reclaimer = NULL;
	ck_assert_uint_gt(ns_of(join_until), ns_of(before));
}
END_TEST

START_TEST(nothing_of_it_stays_open)
{
	unsigned int before = count_open_files();

	begin(kernel_call);
	ck_assert_uint_gt(count_open_files(), before);
	reclaimer_free(reclaimer);
	reclaimer = NULL;
	ck_assert_uint_eq(count_open_files(), before);
}
END_TEST

/* ---- one after the other --------------------------------------------------------------- */

static int gate_in;

static void begin_gated(void)
{
	int gate[2];

	ck_assert_int_eq(pipe(gate), 0);
	kernel.gate = gate[0];
	gate_in = gate[1];
	for (char name[] = "b"; name[0] <= 'd'; name[0]++)
		add_guest(name, 100 * MIB);
	begin(kernel_call);
	give(3, "a", 0, MIB);
	await_call();
	give(9, "b", 0, MIB);
	give(0, "c", 0, MIB);
	give(5, "d", 0, MIB);
}

static void open_gate(void)
{
	ck_assert_int_eq(write(gate_in, "xxxxxxxx", 8), 8);
}

START_TEST(guests_have_their_turn_in_the_order_given)
{
	const struct reclaim_order again = { .cgroup = "b", .at_most_kib = MIB };

	begin_gated();
	ck_assert_int_eq(reclaimer_order(reclaimer, 3, &again), -EBUSY);
	ck_assert_int_eq(reclaimer_order(reclaimer, 9, &again), -EBUSY);
	look(9);
	ck_assert_int_eq(answer.state, RECLAIM_WAITS);
	open_gate();
	assert_ends(5, RECLAIM_DONE);
	ck_assert_str_eq(kernel.order, "abcd");
	ck_assert_int_eq(reclaimer_order(reclaimer, 9, &again), 0);
	assert_ends(9, RECLAIM_DONE);
	ck_assert_str_eq(kernel.order, "abcdb");
}
END_TEST

START_TEST(what_waits_and_is_stopped_is_never_begun)
{
	begin_gated();
	reclaimer_stop(reclaimer, 0);
	reclaimer_stop(reclaimer, 0);
	reclaimer_stop(reclaimer, 1); /* never ordered */
	look(0);
	ck_assert_int_eq(answer.state, RECLAIM_STOPPED);
	give(0, "c", 0, MIB); /* at the end of the queue now */
	open_gate();
	assert_ends(0, RECLAIM_DONE);
	ck_assert_str_eq(kernel.order, "abdc");
	reclaimer_stop(reclaimer, 0);
	look(0);
	ck_assert_int_eq(answer.state, RECLAIM_DONE);
}
END_TEST

START_TEST(a_stop_is_for_one_guest_only)
{
	begin_gated();
	stop_until_it_ends(3);
	ck_assert_int_eq(answer.state, RECLAIM_STOPPED);
	open_gate();
	assert_ends(5, RECLAIM_DONE);
	ck_assert_str_eq(kernel.order, "bcd");
	await_end(9);
	ck_assert_int_eq(answer.state, RECLAIM_DONE);
}
END_TEST

START_TEST(a_stop_between_two_chunks_is_heard)
{
	int gate[2];

	ck_assert_int_eq(pipe(gate), 0);
	kernel.gate = gate[0];
	kernel.deaf = true; /* as if the signal came too early */
	begin(kernel_call);
	give(0, "a", 0, 64 * MIB);
	await_call();
	reclaimer_stop(reclaimer, 0);
	ck_assert_int_eq(write(gate[1], "x", 1), 1);
	assert_ends(0, RECLAIM_STOPPED);
	ck_assert_uint_eq(kernel.ncalls, 1);
	ck_assert_uint_eq(answer.got_kib, 4 * MIB);
	ck_assert_uint_eq(answer.asked_kib, 4 * MIB);
}
END_TEST

static void add_amounts(TCase *t)
{
	tcase_add_test(t, it_ends_at_the_target);
	tcase_add_test(t, a_guest_that_grows_loses_no_more_than_was_ordered);
	tcase_add_test(t, what_the_guest_frees_itself_is_not_ours);
	tcase_add_test(t, when_the_kernel_finds_less_it_is_not_asked_again);
	tcase_add_loop_test(t, less_than_a_page_is_not_asked_for, 0, KT_ARRAY_LEN(amounts));
	tcase_add_test(t, the_kernel_is_asked_in_bytes);
}

static void add_failures(TCase *t)
{
	tcase_add_loop_test(t, usage_that_makes_no_sense_ends_it, 0, KT_ARRAY_LEN(nonsense));
	tcase_add_loop_test(t, refusals_are_told_apart, 0, KT_ARRAY_LEN(refusal));
	tcase_add_test(t, a_kernel_without_the_file_refuses);
	tcase_add_test(t, a_guest_that_has_gone_is_no_error);
	tcase_add_loop_test(t, nor_is_one_that_goes_meanwhile, ENOENT, ENOENT + 1);
	tcase_add_loop_test(t, nor_is_one_that_goes_meanwhile, ENODEV, ENODEV + 1);
	tcase_add_loop_test(t, nor_is_one_that_goes_after_a_last_look, 0,
			    KT_ARRAY_LEN(errors_of_the_gone));
	tcase_add_test(t, a_path_that_is_too_long_is_refused);
	tcase_add_test(t, a_signal_that_is_not_for_this_order_does_not_end_it);
}

int main(void)
{
	Suite *s = suite_create("reclaimer");
	TCase *t = tcase_create("reclaimer");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	add_amounts(t);
	add_failures(t);
	tcase_add_test(t, a_write_that_hangs_is_interrupted);
	tcase_add_test(t, so_is_one_that_hangs_in_the_middle);
	tcase_add_test(t, usage_that_cannot_be_read_is_interrupted_too);
	tcase_add_test(t, the_end_does_not_wait_for_a_write);
	tcase_add_test(t, a_write_that_no_signal_ends_is_left_to_the_kernel);
	tcase_add_test(t, the_end_gives_the_thread_a_moment);
	tcase_add_test(t, nothing_of_it_stays_open);
	tcase_add_test(t, guests_have_their_turn_in_the_order_given);
	tcase_add_test(t, what_waits_and_is_stopped_is_never_begun);
	tcase_add_test(t, a_stop_is_for_one_guest_only);
	tcase_add_test(t, a_stop_between_two_chunks_is_heard);
	suite_add_tcase(s, t);
	return kt_run(s);
}
