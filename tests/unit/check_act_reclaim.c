/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a guest's memory reclaimed as the plan says, once, is it told, and does it end when the
 * plan changes its mind?  The guest is a folder; the kernel is a function, or a FIFO that
 * nobody reads where it has to hang. */
#include <poll.h>
#include <time.h>

#include "act_fixture.h"
#include "act_private.h"
#include "own_process.h"

#define MIB UINT64_C(1024) /* in KiB, as all that is wished */

enum { SLOT = 5, OTHER = 2, INCARNATION = 9 };

static const struct uuid uuid = { .byte = { 1, 2, 3 } }, other = { .byte = { 4 } };

/* ---- guests ---------------------------------------------------------------------------- */

/* Also in the reclaimer's thread. */
static void put_in(const char *guest, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s/%s", root, guest, name);
	put(path, text);
}

static void put_usage(const char *guest, uint64_t kib)
{
	char text[32];

	snprintf(text, sizeof text, "%" PRIu64 "\n", kib * 1024);
	put_in(guest, "memory.current", text);
}

static void add_guest(const char *name, size_t slot, const struct uuid *id)
{
	ck_assert_int_eq(mkdir(at(root, name), 0755), 0);
	put_usage(name, 100 * MIB);
	put_in(name, "memory.reclaim", "");
	plan->nslots = KT_MAX(plan->nslots, slot + 1);
	plan->guest[slot] = (struct guest_plan){ .present = true,
						 .incarnation = INCARNATION,
						 .uuid = *id,
						 .name = name,
						 .pid = 42,
						 .start_ticks = 777,
						 .soft_limit_kib = KT_UNLIMITED_KIB,
						 .memory_cgroup = name };
}

static void setup(void)
{
	setup_at(NULL);
	fs.is_live = true; /* what is below the root may be written */
	put_process("qemu");
	add_guest("db", SLOT, &uuid);
}

static void hang_writes(void)
{
	ck_assert_int_eq(unlink(at(root, "db/memory.reclaim")), 0);
	ck_assert_int_eq(mkfifo(at(root, "db/memory.reclaim"), 0600), 0);
}

/* ---- the kernel, as a function --------------------------------------------------------- */

static struct {
	uint64_t cold_kib; /* there is no more to reclaim */
	int error;
	int gate; /* 0: none; else each call takes a byte from it, deaf to signals */
	unsigned int ncalls;
} kernel;

static int kernel_call(const struct hostfs *of, const char *path, const char *text)
{
	uint64_t kib = strtoull(text, NULL, 10) / 1024, got = KT_MIN(kib, kernel.cold_kib);
	char name[64], current[128];
	uint64_t bytes;
	char c;

	while (kernel.gate && read(kernel.gate, &c, 1) != 1)
		continue;
	kernel.ncalls++;
	if (kernel.error)
		return -kernel.error;
	snprintf(name, sizeof name, "%.*s", (int)strcspn(path, "/"), path);
	snprintf(current, sizeof current, "%s/memory.current", name);
	ck_assert_int_eq(hostfs_read_u64(of, current, &bytes), 0);
	kernel.cold_kib -= got;
	put_usage(name, bytes / 1024 - got);
	return got < kib ? -EAGAIN : 0;
}

static void use_function(void)
{
	kernel = (typeof(kernel)){ .cold_kib = UINT64_MAX };
	ck_assert_int_eq(reclaimer_new(&fs, kernel_call, &act->reclaimer), 0);
}

/* ---- plans ----------------------------------------------------------------------------- */

static const struct guest_in_force *in_force(void)
{
	return &act_in_force(act)->guest[SLOT];
}

static const struct memory_in_force *memory(void)
{
	return &act_in_force(act)->memory;
}

static void wish_at(size_t slot, enum memory_means means, uint64_t target_kib)
{
	plan->guest[slot].memory = (struct memory_plan){ .wish = WISH_SET,
							 .why = WHY_IDLEST_UNDER_PRESSURE,
							 .means = means,
							 .target_kib = target_kib };
}

static void wish(uint64_t target_kib)
{
	wish_at(SLOT, MEMORY_RECLAIM, target_kib);
}

static void apply(void)
{
	act_apply(act, plan);
}

static void reclaim_to(uint64_t target_kib)
{
	wish(target_kib);
	apply();
}

static void hold(void)
{
	plan->guest[SLOT].memory.wish = WISH_HOLD;
	apply();
}

static void release(void)
{
	plan->guest[SLOT].memory =
		(struct memory_plan){ .wish = WISH_RELEASE, .why = WHY_HOST_CALM };
	apply();
}

/* Plans until its end has been seen. */
static void apply_until_it_ends(void)
{
	while (in_force()->reclaiming) {
		(void)poll(NULL, 0, 1);
		apply();
	}
}

static void assert_reclaims_to(uint64_t target_kib)
{
	reclaim_to(target_kib);
	ck_assert(in_force()->reclaiming);
	apply_until_it_ends();
}

static struct reclaimer_totals totals(void)
{
	struct reclaimer_totals t;

	reclaimer_total(act->reclaimer, &t);
	return t;
}

static void begin_and_hang(void)
{
	hang_writes();
	reclaim_to(50 * MIB);
	while (!totals().call_since_ns)
		(void)poll(NULL, 0, 1);
	nsaid = 0;
}

static bool was_said(const char *text)
{
	for (size_t i = 0; i < nsaid; i++)
		if (strstr(said[i].message, text))
			return true;
	return false;
}

/* ---- what comes of it ------------------------------------------------------------------ */

START_TEST(a_wish_is_carried_out_once)
{
	const struct said *s;

	use_function();
	assert_reclaims_to(90 * MIB);
	ck_assert_uint_eq(kernel.ncalls, 3);
	ck_assert_uint_eq(in_force()->asked_kib, 10 * MIB);
	ck_assert_uint_eq(in_force()->got_kib, 10 * MIB);
	ck_assert_uint_eq(in_force()->reclaimed_kib, 10 * MIB);
	ck_assert(!in_force()->reclaim_late && !in_force()->limited);
	ck_assert_uint_eq(memory()->reclaimed_kib, 10 * MIB);
	ck_assert_uint_gt(memory()->longest_call_ns, 0);
	s = the_one(LOG_MEMTUNE_CHANGED);
	ck_assert_str_eq(s->from, "102400 KiB");
	ck_assert_str_eq(s->to, "92160 KiB");
	ck_assert_str_eq(s->reason, "idlest-under-pressure");
	ck_assert_str_eq(s->guest, "db");
	ck_assert(!s->dry_run && was_said("10 MiB"));

	put_usage("db", 200 * MIB); /* it grows, and the plan has not said anything new */
	apply();
	ck_assert(!in_force()->reclaiming);
	ck_assert_uint_eq(kernel.ncalls, 3);
}
END_TEST

START_TEST(its_end_is_seen_before_the_next_plan)
{
	act_refresh(act);
	use_function();
	reclaim_to(90 * MIB);
	while (in_force()->reclaiming) {
		(void)poll(NULL, 0, 1);
		act_refresh(act);
	}
	ck_assert_uint_eq(in_force()->got_kib, 10 * MIB);
	act_refresh(act);
	ck_assert_uint_eq(memory()->reclaimed_kib, 10 * MIB);
	ck_assert_uint_eq(count_said(LOG_MEMTUNE_CHANGED), 1);
}
END_TEST

START_TEST(after_a_hold_the_same_is_a_new_wish)
{
	use_function();
	assert_reclaims_to(96 * MIB);
	put_usage("db", 100 * MIB);
	hold();
	ck_assert_uint_eq(kernel.ncalls, 1);
	assert_reclaims_to(96 * MIB);
	ck_assert_uint_eq(kernel.ncalls, 2);
	ck_assert_uint_eq(in_force()->got_kib, 4 * MIB);
	ck_assert_uint_eq(in_force()->reclaimed_kib, 8 * MIB);
	ck_assert_uint_eq(memory()->reclaimed_kib, 8 * MIB);
}
END_TEST

START_TEST(a_hold_lets_the_last_step_end)
{
	use_function();
	reclaim_to(90 * MIB);
	hold();
	apply_until_it_ends();
	ck_assert_uint_eq(in_force()->got_kib, 10 * MIB);
}
END_TEST

/* Else the same would be taken of another guest meanwhile. */
START_TEST(all_of_an_order_is_on_its_way_until_it_ends)
{
	add_guest("web", OTHER, &other);
	begin_and_hang();
	ck_assert_uint_eq(in_force()->asked_kib, 50 * MIB);
	wish_at(OTHER, MEMORY_RECLAIM, 90 * MIB);
	hold();
	ck_assert_uint_eq(in_force()->asked_kib, 50 * MIB);
	apply();
	ck_assert_uint_eq(act_in_force(act)->guest[OTHER].asked_kib, 10 * MIB); /* it waits */
	release();
	while (in_force()->reclaiming) {
		(void)poll(NULL, 0, 1);
		apply();
	}
	ck_assert_uint_lt(in_force()->asked_kib, 50 * MIB);
}
END_TEST

/* Else a squeeze of an hour would be 600 lines. */
START_TEST(steps_are_told_as_a_whole)
{
	use_function();
	for (uint64_t target = 99; target >= 90; target--) {
		assert_reclaims_to(target * MIB);
		hold();
	}
	ck_assert_uint_eq(count_said(LOG_MEMTUNE_CHANGED), 1);
	release();
	release();
	ck_assert_uint_eq(count_said(LOG_MEMTUNE_CHANGED), 2);
	ck_assert(was_said("10 MiB of its memory was reclaimed in 10 steps until it was let go"));
	ck_assert_str_eq(said[1].reason, "host-calm");
	ck_assert_str_eq(said[1].from, "102400 KiB");
	ck_assert_str_eq(said[1].to, "92160 KiB");

	assert_reclaims_to(89 * MIB);
	release(); /* one step has been told */
	ck_assert_uint_eq(count_said(LOG_MEMTUNE_CHANGED), 3);
}
END_TEST

START_TEST(a_step_that_brings_nothing_is_not_talked_about)
{
	use_function();
	kernel.cold_kib = 0;
	assert_reclaims_to(90 * MIB);
	release();
	ck_assert_uint_eq(in_force()->asked_kib, 10 * MIB);
	ck_assert_uint_eq(in_force()->got_kib, 0);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(nothing_is_on_file)
{
	use_function();
	assert_reclaims_to(90 * MIB);
	ck_assert(!exists(at(run_dir, "undo")) && !act_owes(act));
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(nrequests, 0);
}
END_TEST

/* ---- nothing is to be done ------------------------------------------------------------- */

static void by_holding(void)
{
	plan->guest[SLOT].memory.wish = WISH_HOLD;
}

static void by_releasing(void)
{
	plan->guest[SLOT].memory.wish = WISH_RELEASE;
}

static void by_limit(void)
{
	plan->guest[SLOT].memory.means = MEMORY_SOFT_LIMIT;
}

static void by_absence(void)
{
	plan->guest[SLOT].present = false;
}

static void by_no_cgroup(void)
{
	plan->guest[SLOT].memory_cgroup = NULL;
}

static void by_usage(void)
{
	put_usage("db", 90 * MIB);
}

static void by_nonsense(void)
{
	put(at(root, "db/memory.current"), "max\n");
}

static void by_a_vanished_folder(void)
{
	ck_assert_int_eq(scratch_remove(at(root, "db")), 0);
}

static void by_dry_run(void)
{
	plan->guest[SLOT].memory.dry_run = true;
}

static void by_a_recorded_host(void)
{
	fs.is_live = false;
}

static void by_no_run_dir(void)
{
	act_ends();
	ck_assert_int_eq(act_new(&fs, NULL, &ops, &act), 0);
}

static const struct {
	void (*how)(void);
	bool told;
} nothing[] = {
	{ by_holding, false },        { by_releasing, false },         { by_limit, false },
	{ by_absence, false },        { by_no_cgroup, false },         { by_usage, false },
	{ by_nonsense, false },       { by_a_vanished_folder, false }, { by_dry_run, true },
	{ by_a_recorded_host, true }, { by_no_run_dir, true },
};

START_TEST(without_an_order_there_is_no_thread)
{
	wish(90 * MIB);
	nothing[_i].how();
	apply();
	apply();
	ck_assert_ptr_null(act->reclaimer);
	ck_assert(!in_force()->reclaiming && !in_force()->reclaim_off);
	ck_assert_uint_eq(nsaid, nothing[_i].told);
	if (!nothing[_i].told)
		return;
	ck_assert(the_one(LOG_MEMTUNE_CHANGED)->dry_run);
	ck_assert_str_eq(said[0].from, "102400 KiB");
	ck_assert_str_eq(said[0].to, "92160 KiB");
	ck_assert(was_said("10 MiB would be reclaimed"));
}
END_TEST

START_TEST(a_dry_run_tells_once_until_it_would_let_go)
{
	for (uint64_t target = 99; target > 90; target--) {
		wish(target * MIB);
		by_dry_run();
		apply();
		hold();
	}
	ck_assert_uint_eq(nsaid, 1);
	release();
	ck_assert_uint_eq(nsaid, 1);
	wish(90 * MIB);
	by_dry_run();
	apply();
	ck_assert_uint_eq(nsaid, 2);

	use_function(); /* and in earnest */
	assert_reclaims_to(90 * MIB);
	ck_assert_uint_eq(in_force()->got_kib, 10 * MIB);
}
END_TEST

/* ---- what ends it ---------------------------------------------------------------------- */

static void end_by_release(void)
{
	release();
}

static void end_by_restore(void)
{
	(void)act_restore(act, 0);
}

static void end_by_leaving(void)
{
	act_leave(act);
}

static void end_by_absence(void)
{
	by_absence();
	apply();
}

static void end_by_forgetting(void)
{
	act_forget(act, &uuid);
}

static void end_by_another_process(void)
{
	act_bind(act, SLOT, INCARNATION + 1, &uuid, 43, 778);
}

static void end_by_limit(void)
{
	wish_at(SLOT, MEMORY_SOFT_LIMIT, 90 * MIB);
	apply();
}

/* A reload to observe: what the policy says of it is no longer done. */
static void end_by_observing(void)
{
	by_dry_run();
	hold();
}

static void (*const ends[])(void) = {
	end_by_release,    end_by_restore,         end_by_leaving, end_by_absence,
	end_by_forgetting, end_by_another_process, end_by_limit,   end_by_observing,
};

/* Where the signal comes too early the write ends by itself, and another must not follow. */
START_TEST(a_write_under_way_is_the_last_one)
{
	struct reclaim_answer answer;
	int reader;

	begin_and_hang();
	ends[_i]();
	reader = open(at(root, "db/memory.reclaim"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(reader, 0);
	do
		reclaimer_look(act->reclaimer, SLOT, &answer);
	while (answer.state == RECLAIM_WORKS);
	close(reader);
	ck_assert_int_eq(answer.state, RECLAIM_STOPPED);
	ck_assert_uint_eq(nsaid, 0);
	ck_assert(!in_force()->reclaim_late);
}
END_TEST

START_TEST(a_signal_that_comes_too_early_is_repeated)
{
	begin_and_hang();
	do {
		release();
		(void)poll(NULL, 0, 1); /* without rest the thread would never get the lock */
	} while (in_force()->reclaiming);
	ck_assert_uint_eq(totals().call_since_ns, 0);
}
END_TEST

START_TEST(the_next_wish_waits_for_the_end_of_the_last)
{
	begin_and_hang();
	release();
	reclaim_to(60 * MIB);
	while (act->guests->reclaim.dropped) {
		reclaimer_stop(act->reclaimer, SLOT);
		(void)poll(NULL, 0, 1);
		apply();
	}
	ck_assert(in_force()->reclaiming && act->guests->reclaim.open);
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(what_still_comes_after_a_release_is_counted_and_not_told)
{
	int gate[2];

	ck_assert_int_eq(pipe(gate), 0);
	use_function();
	kernel.gate = gate[0];
	reclaim_to(50 * MIB);
	while (!totals().call_since_ns)
		(void)poll(NULL, 0, 1);
	release();
	ck_assert_int_eq(write(gate[1], "xxxxxxxx", 8), 8);
	apply_until_it_ends();
	ck_assert_uint_eq(kernel.ncalls, 1);
	ck_assert_uint_eq(in_force()->reclaimed_kib, 4 * MIB);
	ck_assert_uint_eq(nsaid, 0);

	assert_reclaims_to(95 * MIB);
	assert_reclaims_to(94 * MIB);
	release();
	ck_assert(was_said("2 MiB of its memory was reclaimed in 2 steps"));
	ck_assert_uint_eq(in_force()->reclaimed_kib, 6 * MIB);
	close(gate[0]);
	close(gate[1]);
}
END_TEST

START_TEST(another_guest_in_its_slot_has_its_own_end)
{
	begin_and_hang();
	add_guest("web", OTHER, &other);
	plan->guest[SLOT] = plan->guest[OTHER];
	plan->guest[OTHER].present = false;
	wish(96 * MIB);
	do {
		(void)poll(NULL, 0, 1);
		reclaimer_stop(act->reclaimer, SLOT);
		apply();
	} while (!in_force()->reclaiming); /* the slot is busy until then */
	apply_until_it_ends();
	ck_assert_uint_eq(nsaid, 0);
}
END_TEST

START_TEST(the_end_of_the_daemon_does_not_wait)
{
	begin_and_hang();
	act_ends();
	act_begins();
}
END_TEST

START_TEST(the_thread_ends_with_the_daemon)
{
	unsigned int with;

	use_function();
	reclaim_to(90 * MIB);
	apply_until_it_ends();
	with = count_threads();
	act_ends();
	for (int ms = 0; ms < 10000 && count_threads() == with; ms++)
		(void)poll(NULL, 0, 1);
	ck_assert_uint_eq(count_threads(), with - 1);
	act_begins();
}
END_TEST

/* ---- what goes wrong ------------------------------------------------------------------- */

static const struct {
	int error;
	const char *advice;
} refusal[] = {
	{ EROFS, "ReadWritePaths=" }, { EACCES, "ReadWritePaths=" }, { EPERM, "ReadWritePaths=" },
	{ ENOENT, "Linux 5.19" },     { EINVAL, "Linux 5.19" },
};

START_TEST(a_refusal_is_of_each_guest_until_reload_and_said_once)
{
	use_function();
	kernel.error = refusal[_i].error;
	add_guest("web", OTHER, &other);
	wish_at(OTHER, MEMORY_RECLAIM, 90 * MIB);
	assert_reclaims_to(90 * MIB);
	for (uint64_t target = 89; target > 86; target--) {
		wish_at(OTHER, MEMORY_RECLAIM, target * MIB);
		reclaim_to(target * MIB);
		(void)poll(NULL, 0, 1);
	}
	while (act_in_force(act)->guest[OTHER].reclaiming) {
		(void)poll(NULL, 0, 1);
		apply();
	}
	ck_assert_uint_eq(kernel.ncalls, 2); /* one each */
	ck_assert(in_force()->reclaim_off && !in_force()->reclaiming);
	ck_assert(act_in_force(act)->guest[OTHER].reclaim_off);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, refusal[_i].error);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->level, LOG_LEVEL_WARNING);
	ck_assert(was_said(refusal[_i].advice) && was_said("backend = limit"));
	ck_assert_uint_eq(in_force()->asked_kib, 0);

	act_forgive(act);
	ck_assert(!in_force()->reclaim_off);
	kernel.error = 0;
	assert_reclaims_to(85 * MIB);
	ck_assert_uint_eq(in_force()->got_kib, 15 * MIB);
}
END_TEST

START_TEST(an_older_kernel_has_no_such_file)
{
	ck_assert_int_eq(unlink(at(root, "db/memory.reclaim")), 0);
	assert_reclaims_to(90 * MIB);
	ck_assert(in_force()->reclaim_off);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, ENOENT);
}
END_TEST

START_TEST(another_error_is_said_once_and_no_refusal)
{
	use_function();
	kernel.error = EIO;
	for (uint64_t target = 90; target > 86; target--)
		assert_reclaims_to(target * MIB);
	ck_assert_uint_eq(kernel.ncalls, 4);
	ck_assert(!in_force()->reclaim_off);
	ck_assert_int_eq(the_one(LOG_PLAIN)->error, EIO);
	act_forgive(act);
	assert_reclaims_to(80 * MIB);
	ck_assert_uint_eq(count_said(LOG_PLAIN), 2);
}
END_TEST

static int vanish(const struct hostfs *of, const char *path, const char *text)
{
	(void)of, (void)path, (void)text;
	ck_assert_int_eq(scratch_remove(at(root, "db")), 0);
	return -ENODEV;
}

START_TEST(a_guest_that_goes_meanwhile_is_nobodys_error)
{
	ck_assert_int_eq(reclaimer_new(&fs, vanish, &act->reclaimer), 0);
	assert_reclaims_to(90 * MIB);
	ck_assert_uint_eq(nsaid, 0);
	ck_assert(!in_force()->reclaim_off && !in_force()->reclaiming);
}
END_TEST

/* Long before its end. */
static uint64_t after_s(uint64_t s)
{
	return totals().call_since_ns + s * KT_NS_PER_S;
}

START_TEST(a_write_of_ten_seconds_is_too_late)
{
	begin_and_hang();
	plan->now_ns = after_s(10) - 1;
	plan->guest[SLOT].memory.wish = WISH_HOLD;
	apply();
	ck_assert(in_force()->reclaiming && !in_force()->reclaim_late);
	ck_assert_uint_eq(nsaid, 0);
	plan->now_ns = after_s(10);
	apply();
	ck_assert(in_force()->reclaim_late);
	apply_until_it_ends();
	ck_assert(in_force()->reclaim_late);
	ck_assert_int_eq(the_one(LOG_PLAIN)->error, ETIMEDOUT);

	reclaim_to(50 * MIB);
	ck_assert(in_force()->reclaiming && !in_force()->reclaim_late);
	while (!totals().call_since_ns)
		(void)poll(NULL, 0, 1);
	plan->now_ns = after_s(10);
	apply();
	ck_assert(in_force()->reclaim_late);
	ck_assert_uint_eq(nsaid, 1);
}
END_TEST

/* Another one waits for its turn meanwhile. */
START_TEST(only_whose_write_it_is_is_late)
{
	begin_and_hang();
	add_guest("web", OTHER, &other);
	wish_at(OTHER, MEMORY_RECLAIM, 90 * MIB);
	apply();
	ck_assert(act_in_force(act)->guest[OTHER].reclaiming);
	plan->now_ns = after_s(10);
	apply();
	ck_assert(in_force()->reclaim_late);
	ck_assert(!act_in_force(act)->guest[OTHER].reclaim_late);
	ck_assert_str_eq(the_one(LOG_PLAIN)->guest, "db");
}
END_TEST

/* ---- limits ---------------------------------------------------------------------------- */

static void reply(uint64_t kib)
{
	act_reply(act, &(struct vm_reply){ .uuid = uuid, .soft_limit_kib = kib }, 2000);
	nrequests = 0;
}

START_TEST(a_limit_is_lifted_before_memory_is_reclaimed)
{
	use_function();
	wish_at(SLOT, MEMORY_SOFT_LIMIT, 95 * MIB);
	apply();
	reply(95 * MIB);
	ck_assert(in_force()->limited);
	plan->guest[SLOT].soft_limit_kib = 95 * MIB;
	for (int i = 0; i < 3; i++) {
		reclaim_to(90 * MIB);
		ck_assert(!in_force()->reclaiming);
		ck_assert_uint_eq(nrequests, 1);
		ck_assert_uint_eq(request[0].kib, KT_UNLIMITED_KIB);
	}
	reply(KT_UNLIMITED_KIB);
	ck_assert(!in_force()->limited);
	assert_reclaims_to(90 * MIB);
	ck_assert_uint_eq(in_force()->got_kib, 10 * MIB);
	ck_assert_uint_eq(nrequests, 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

static void add_ends(TCase *t)
{
	tcase_add_loop_test(t, a_write_under_way_is_the_last_one, 0, KT_ARRAY_LEN(ends));
	tcase_add_test(t, a_signal_that_comes_too_early_is_repeated);
	tcase_add_test(t, the_next_wish_waits_for_the_end_of_the_last);
	tcase_add_test(t, what_still_comes_after_a_release_is_counted_and_not_told);
	tcase_add_test(t, another_guest_in_its_slot_has_its_own_end);
	tcase_add_test(t, the_end_of_the_daemon_does_not_wait);
	tcase_add_test(t, the_thread_ends_with_the_daemon);
}

int main(void)
{
	Suite *s = suite_create("act_reclaim");
	TCase *t = tcase_create("reclaim");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_wish_is_carried_out_once);
	tcase_add_test(t, its_end_is_seen_before_the_next_plan);
	tcase_add_test(t, after_a_hold_the_same_is_a_new_wish);
	tcase_add_test(t, a_hold_lets_the_last_step_end);
	tcase_add_test(t, all_of_an_order_is_on_its_way_until_it_ends);
	tcase_add_test(t, steps_are_told_as_a_whole);
	tcase_add_test(t, a_step_that_brings_nothing_is_not_talked_about);
	tcase_add_test(t, nothing_is_on_file);
	tcase_add_loop_test(t, without_an_order_there_is_no_thread, 0, KT_ARRAY_LEN(nothing));
	tcase_add_test(t, a_dry_run_tells_once_until_it_would_let_go);
	add_ends(t);
	tcase_add_loop_test(t, a_refusal_is_of_each_guest_until_reload_and_said_once, 0,
			    KT_ARRAY_LEN(refusal));
	tcase_add_test(t, an_older_kernel_has_no_such_file);
	tcase_add_test(t, another_error_is_said_once_and_no_refusal);
	tcase_add_test(t, a_guest_that_goes_meanwhile_is_nobodys_error);
	tcase_add_test(t, a_write_of_ten_seconds_is_too_late);
	tcase_add_test(t, only_whose_write_it_is_is_late);
	tcase_add_test(t, a_limit_is_lifted_before_memory_is_reclaimed);
	suite_add_tcase(s, t);
	return kt_run(s);
}
