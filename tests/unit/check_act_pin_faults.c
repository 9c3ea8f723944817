/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tells of a guest's threads fails, or the kernel does not pin one of them: does each thread
 * run where it ran or where it is wished, is it said, does the guest get its place once the fault
 * has passed, and has each thread its own CPUs in the end?
 *
 * The threads are real, and so are their masks.  Each row is one file or call and one fault. */
#include "act_guest.h"
#include "faulty.h"

/* ---- the rows ------------------------------------------------------------------------------ */

enum lasting { PASSES, OF_OURS, IS_FINAL };

static const struct {
	const char *name;
	enum fault_how how;
	int error;
	enum lasting lasting;
} reads[] = {
	{ "no permission", FAULT_OPEN, EACCES, IS_FINAL },
	{ "input/output error at open", FAULT_OPEN, EIO, PASSES },
	{ "no descriptor", FAULT_OPEN, EMFILE, OF_OURS },
	{ "no file of the system's", FAULT_OPEN, ENFILE, OF_OURS },
	{ "no memory to open it", FAULT_OPEN, ENOMEM, OF_OURS },
	{ "input/output error", FAULT_READ, EIO, PASSES },
	{ "invalid", FAULT_READ, EINVAL, PASSES },
	{ "busy", FAULT_READ, EBUSY, PASSES },
	{ "no memory", FAULT_READ, ENOMEM, OF_OURS },
	{ "empty", FAULT_EMPTY, EINVAL, PASSES },
	{ "huge", FAULT_HUGE, EFBIG, PASSES },
	{ "garbage", FAULT_GARBAGE, EINVAL, PASSES },
	{ "NULs", FAULT_NULS, EINVAL, PASSES },
};

/* Of sched_setaffinity, and of sched_getaffinity right behind it. */
static const struct {
	const char *name;
	int error;
	bool is_done; /* all the same */
	enum lasting lasting;
} calls[] = {
	{ "a cpuset without these CPUs", EINVAL, false, PASSES },
	{ "no capability", EPERM, false, IS_FINAL },
	{ "a sandbox", EACCES, false, IS_FINAL },
	{ "no memory", ENOMEM, false, OF_OURS },
	{ "busy", EBUSY, false, PASSES },
	{ "done, and an error", EIO, true, PASSES },
	{ "done, and no memory", ENOMEM, true, OF_OURS },
};

enum {
	READS = KT_ARRAY_LEN(reads),
	CALLS = KT_ARRAY_LEN(calls),
	READ_ROWS = THREADS * READS,
	CALL_ROWS = THREADS * CALLS,
	STRIDE = 3,
};

static int stride(void)
{
	const char *which = getenv("KT_FAULTS");

	return which && strcmp(which, "all") == 0 ? 1 : STRIDE;
}

static struct row {
	const char *name;
	int thread, error;
	enum lasting lasting;
} row;

#define ROW    "thread %d, %s"
#define OF_ROW row.thread, row.name

/* ---- a kernel that does not pin ------------------------------------------------------------ */

static struct {
	pid_t tid; /* 0: of none */
	int error;
	bool is_done, is_done_once; /* the second: and no more */
	unsigned int hits;
} refusal;

/* Right before the first of these is given back. */
static struct {
	pid_t tid; /* 0: of none */
	void (*what)(void);
} happens;

static void happen_before(pid_t tid)
{
	if (tid == 0 || tid != happens.tid)
		return;
	happens.tid = 0;
	happens.what();
}

int sched_setaffinity(pid_t tid, size_t size, const cpu_set_t *set)
{
	happen_before(tid);
	if (tid == 0 || tid != refusal.tid)
		return (int)syscall(SYS_sched_setaffinity, tid, size, set);
	refusal.hits++;
	if (refusal.is_done && (refusal.hits == 1 || !refusal.is_done_once))
		(void)syscall(SYS_sched_setaffinity, tid, size, set);
	return faulty_refuses(refusal.error);
}

static pid_t hidden_tid; /* its mask cannot be read; 0: of none */

int sched_getaffinity(pid_t tid, size_t size, cpu_set_t *set)
{
	if (tid != 0 && tid == hidden_tid)
		return faulty_refuses(EIO);
	memset(set, 0, size); /* the kernel writes as many bytes as it has CPUs */
	return syscall(SYS_sched_getaffinity, tid, size, set) < 0 ? -1 : 0;
}

/* ---- the world ----------------------------------------------------------------------------- */

static void setup(void)
{
	setup_guest();
	faulty_begin(fs.root_fd);
	refusal.tid = hidden_tid = happens.tid = 0;
	refusal.hits = 0;
	refusal.is_done_once = false;
}

static void end(void)
{
	faulty_ends();
	faulty_root_fd = -1;
	refusal.tid = 0;
	teardown_guest();
}

static void strike_read(int i)
{
	static char path[64];

	row = (struct row){ .name = reads[i % READS].name,
			    .thread = i / READS,
			    .error = reads[i % READS].error,
			    .lasting = reads[i % READS].lasting };
	snprintf(path, sizeof path, "proc/%d/task/%d/stat", guest.pid,
		 guest.thread[row.thread].tid);
	fault = (struct fault){ .path = path, .how = reads[i % READS].how, .error = row.error };
}

static void strike_call(int i)
{
	row = (struct row){ .name = calls[i % CALLS].name,
			    .thread = i / CALLS,
			    .error = calls[i % CALLS].error,
			    .lasting = calls[i % CALLS].lasting };
	refusal.tid = guest.thread[row.thread].tid;
	refusal.error = row.error;
	refusal.is_done = calls[i % CALLS].is_done;
}

static void ends_well(void)
{
	faulty_ends();
	refusal.tid = 0;
}

static void plans(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		plan->now_ns += 5 * KT_NS_PER_S;
		apply();
	}
}

static void wish_first(void)
{
	wish_cpus(&first, 0);
}

/* Of the thread that cannot be told of, either; of the rest all the same. */
static void assert_whole(void)
{
	bool on_first = runs_on(row.thread ? 0 : 1, &first);

	for (int t = 0; t < THREADS; t++) {
		bool is_row = t == row.thread;

		ck_assert_msg(is_row ? runs_on((size_t)t, &all) || runs_on((size_t)t, &first)
				     : runs_on((size_t)t, on_first ? &first : &all),
			      ROW ": thread %d is elsewhere", OF_ROW, t);
	}
}

/* At once, and 10 s and 30 s later. */
static void assert_said(void)
{
	size_t n = count_said(LOG_WRITE_REFUSED), at_most = row.lasting == PASSES ? 3 : 1;

	ck_assert_msg(count_said(LOG_CEDED) == 0, ROW ": ceded", OF_ROW);
	ck_assert_msg(n > 0 && n <= at_most, ROW ": said %zu times", OF_ROW, n);
	for (size_t i = 0; i < nsaid; i++)
		if (said[i].id == LOG_WRITE_REFUSED) {
			char tid[16];

			snprintf(tid, sizeof tid, "%d", guest.thread[row.thread].tid);
			ck_assert_msg(strstr(said[i].message, tid) != NULL, ROW ": %s", OF_ROW,
				      said[i].message);
			ck_assert_msg(said[i].error == row.error, ROW ": %d", OF_ROW,
				      said[i].error);
		}
}

static void assert_back(void)
{
	ck_assert_msg(act_restore(act, plan->now_ns) == 0, ROW ": it waits", OF_ROW);
	for (size_t t = 0; t < THREADS; t++)
		ck_assert_msg(runs_on(t, &all), ROW ": thread %zu is not back", OF_ROW, t);
	ck_assert_msg(!exists(at(run_dir, "undo")) && !act_owes(act), ROW ": on file", OF_ROW);
}

/* ---- while it is to be pinned -------------------------------------------------------------- */

static void cannot_pin(unsigned int hits(void))
{
	wish_first();
	for (unsigned int i = 0; i < 3; i++) {
		plans(i < 2 ? 1 : 11);
		assert_whole();
		if (row.lasting == OF_OURS)
			ck_assert_msg(!in_force()->pin_off, ROW ": off", OF_ROW);
	}
	ck_assert_msg(hits() > 0, ROW ": it never struck", OF_ROW);
	assert_said();
	ends_well();
	if (row.lasting == IS_FINAL)
		act_forgive(act);
	plans(row.lasting == PASSES ? 10 : 1);
	ck_assert_msg(!in_force()->pin_off, ROW ": still off", OF_ROW);
	for (size_t t = 0; t < THREADS; t++)
		ck_assert_msg(runs_on(t, &first), ROW ": thread %zu is not pinned", OF_ROW, t);
	assert_back();
}

static unsigned int file_hits(void)
{
	return faulty_hits;
}

static unsigned int call_hits(void)
{
	return refusal.hits;
}

START_TEST(a_thread_that_cannot_be_told_of_is_pinned_later)
{
	strike_read(_i * stride());
	cannot_pin(file_hits);
}
END_TEST

START_TEST(a_thread_that_is_not_to_be_pinned_is_pinned_later)
{
	strike_call(_i * stride());
	cannot_pin(call_hits);
}
END_TEST

/* ---- while it is to be given back ---------------------------------------------------------- */

static void cannot_unpin(void strike(int), int i)
{
	wish_first();
	plans(1);
	assert_all_on(&first);
	nsaid = 0;
	strike(i);
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	plans(3);
	assert_whole();
	ck_assert_msg(runs_on((size_t)row.thread, &all) || exists(at(run_dir, "undo")),
		      ROW ": lost", OF_ROW);
	ck_assert_msg(count_said(LOG_CEDED) == 0, ROW ": ceded", OF_ROW);
}

static void dies_and_comes_back(void)
{
	(void)act_restore(act, plan->now_ns);
	(void)act_again();
	bind();
	(void)act_restore(act, plan->now_ns);
	ck_assert_msg(runs_on((size_t)row.thread, &all) || exists(at(run_dir, "undo")),
		      ROW ": lost", OF_ROW);
	ends_well();
	(void)act_again();
	bind();
	assert_back();
}

START_TEST(what_cannot_be_told_of_comes_back_in_another_life)
{
	cannot_unpin(strike_read, _i * stride());
	dies_and_comes_back();
}
END_TEST

START_TEST(what_cannot_be_unpinned_comes_back_in_another_life)
{
	cannot_unpin(strike_call, _i * stride());
	dies_and_comes_back();
}
END_TEST

/* It was killed on the way back.  Found by tests/sim/soak.c. */
START_TEST(what_an_earlier_life_gave_back_is_nobody_elses)
{
	wish_first();
	plans(1);
	strike_read(_i * stride());
	set_mask(guest.thread[row.thread].tid, &all);
	(void)act_again();
	bind();
	ck_assert_msg(faulty_hits > 0, ROW ": not met", OF_ROW);
	ends_well();
	plans(1);
	ck_assert_msg(count_said(LOG_CEDED) == 0, ROW ": ceded", OF_ROW);
	assert_all_on(&first);
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	assert_back();
}
END_TEST

static void passes_and_is_back(void)
{
	ends_well();
	if (row.lasting == IS_FINAL)
		act_forgive(act);
	plans(row.lasting == PASSES ? 10 : 1);
	assert_all_on(&all);
	assert_back();
}

START_TEST(what_can_be_told_of_again_comes_back_by_the_plan)
{
	cannot_unpin(strike_read, _i * stride());
	passes_and_is_back();
}
END_TEST

START_TEST(what_can_be_unpinned_again_comes_back_by_the_plan)
{
	cannot_unpin(strike_call, _i * stride());
	passes_and_is_back();
}
END_TEST

/* A plan that asks for nothing does not ask for half a guest either. */
START_TEST(what_could_be_neither_pinned_nor_unpinned_comes_back_without_a_wish)
{
	refusal.tid = guest.thread[2].tid;
	refusal.error = EIO;
	refusal.is_done = refusal.is_done_once = true;
	wish_first();
	plans(1);
	ck_assert(in_force()->pin_off && runs_on(2, &first) && runs_on(0, &all));
	ends_well();
	plan->guest[SLOT].placement.wish = WISH_HOLD;
	if (_i)
		act_forgive(act); /* a reload comes first */
	plan->guest[SLOT].placement.why = WHY_GUEST_BUSY;
	plans(2);
	ck_assert(runs_on(2, &first)); /* while it migrates nothing is done to it */
	plan->guest[SLOT].placement.why = WHY_PAUSED;
	plans(3);
	assert_all_on(&all);
	ck_assert(!in_force()->pin_off && !exists(at(run_dir, "undo")));
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
}
END_TEST

/* ... but goes on with what there was no memory for.  1: of another wish than the first. */
START_TEST(half_a_guest_is_pinned_in_whole_though_nothing_is_wished)
{
	const struct cpumask *to = _i ? &second : &first;

	if (_i) {
		wish_first();
		plans(1);
		wish_cpus(&second, 1);
	} else {
		wish_first();
	}
	refusal.tid = guest.thread[2].tid;
	refusal.error = ENOMEM;
	refusal.is_done = false;
	plans(1);
	ck_assert(runs_on(0, to) && runs_on(2, _i ? &first : &all));
	plan->guest[SLOT].placement.wish = WISH_HOLD;
	plans(2);
	ck_assert(!runs_on(2, to) && !in_force()->pin_off);
	ends_well();
	plan->guest[SLOT].placement.why = WHY_GUEST_BUSY;
	plans(2);
	ck_assert(!runs_on(2, to)); /* while it migrates nothing is done to it */
	plan->guest[SLOT].placement.why = WHY_PAUSED;
	plans(1);
	assert_all_on(to);
	set_mask(guest.thread[1].tid, &all); /* it is not looked at any more */
	plans(2);
	ck_assert(runs_on(1, &all));
	assert_back();
}
END_TEST

/* Somebody else's mask is his, whatever had been begun. */
START_TEST(half_a_guest_that_somebody_has_pinned_stays_so_while_nothing_is_wished)
{
	wish_first();
	refusal.tid = guest.thread[2].tid;
	refusal.error = ENOMEM;
	refusal.is_done = false;
	plans(1);
	ends_well();
	set_mask(guest.thread[2].tid, &second);
	plan->guest[SLOT].placement.wish = WISH_HOLD;
	plans(3);
	ck_assert(runs_on(0, &first) && runs_on(2, &second));
	wish_first();
	plans(1);
	ck_assert(runs_on(0, &all) && runs_on(2, &second));
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}
END_TEST

/* But what is wished again has no way back to go on with. */
START_TEST(what_was_to_go_back_and_is_wished_again_stays)
{
	wish_first();
	plans(1);
	refusal.tid = guest.thread[2].tid;
	refusal.error = EIO;
	refusal.is_done = false;
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	plans(1);
	ends_well();
	plan->guest[SLOT].placement.wish = WISH_HOLD;
	act_forgive(act);
	wish_first();
	plans(1);
	assert_all_on(&first);
	plan->guest[SLOT].placement.wish = WISH_HOLD;
	plans(3);
	assert_all_on(&first);
}
END_TEST

/* What still goes back is refused for a while, which a wish has found out. */
START_TEST(a_guest_that_is_refused_on_its_way_back_is_not_pinned)
{
	wish_first();
	plans(1);
	strike_read(2 * READS + 2);
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	plans(1);
	ck_assert(runs_on(0, &all) && runs_on(2, &first));
	ends_well();
	refusal.tid = guest.thread[2].tid;
	refusal.error = EIO;
	refusal.is_done = false;
	wish_first();
	plans(1);
	ck_assert(in_force()->pin_off);
	ck_assert(runs_on(0, &all));
	ends_well();
	assert_back();
}
END_TEST

/* Before its time has come to be tried again: there is no later one. */
START_TEST(what_was_refused_for_a_while_is_tried_once_more_at_the_stop)
{
	cannot_unpin(strike_call, 0);
	ck_assert(!runs_on(0, &all));
	ends_well();
	assert_back();
}
END_TEST

/* Of one that was pinned by us before, somebody may have done it since. */
START_TEST(a_mask_that_cannot_be_read_is_not_written)
{
	wish_first();
	plans(1);
	set_mask(guest.thread[2].tid, &all);
	hidden_tid = guest.thread[2].tid;
	wish_cpus(&second, 1);
	plans(1);
	hidden_tid = 0;
	ck_assert(runs_on(2, &all));
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	plans(3);
	ck_assert(runs_on(2, &all));
	assert_back();
}
END_TEST

static void is_refused_for_s(unsigned int wait_s)
{
	refusal.tid = guest.thread[2].tid;
	refusal.error = EIO;
	refusal.is_done = false;
	apply();
	ck_assert(in_force()->pin_off);
	ends_well();
	plan->now_ns += wait_s * KT_NS_PER_S - 1;
	apply();
	ck_assert(in_force()->pin_off);
	plan->now_ns++;
	apply();
	ck_assert(!in_force()->pin_off);
}

START_TEST(who_is_given_back_later_is_told_of_apart)
{
	const struct said *last;

	wish_first();
	plans(1);
	refusal.tid = guest.thread[2].tid;
	refusal.error = EIO;
	refusal.is_done = false;
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	plans(1);
	ck_assert_ptr_nonnull(strstr(the_one(LOG_RESTORED)->message, "3 threads"));
	ends_well();
	plans(3);
	assert_all_on(&all);
	last = &said[nsaid - 1];
	ck_assert_uint_eq(count_said(LOG_RESTORED), 2);
	ck_assert_int_eq(last->id, LOG_RESTORED);
	ck_assert_ptr_nonnull(strstr(last->message, "1 threads"));
}
END_TEST

/* What was pinned in between has ended the row of refusals. */
START_TEST(a_refusal_after_a_success_is_the_first_again)
{
	wish_first();
	is_refused_for_s(10);
	assert_all_on(&first);
	wish_cpus(&second, 1);
	is_refused_for_s(10);
	assert_all_on(&second);
	assert_back();
}
END_TEST

/* ---- after a reload -------------------------------------------------------------------------
 */

static void somebody_pins_thread_2(void)
{
	wish_first();
	plans(1);
	set_mask(guest.thread[2].tid, &second);
	plans(1);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
}

static void reloads_and_holds(void)
{
	act_forgive(act);
	plan->guest[SLOT].placement.wish = WISH_HOLD;
	plans(1);
}

static void is_pinned_and_given_back(void)
{
	wish_first();
	plans(10);
	assert_all_on(&first);
	ck_assert_uint_eq(count_said(LOG_CEDED), 1);
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert(runs_on(0, &all) && runs_on(2, &second) && runs_on(3, &all));
}

START_TEST(a_mask_that_cannot_be_read_after_a_reload_is_trusted_later)
{
	static char path[64];

	somebody_pins_thread_2();
	snprintf(path, sizeof path, "proc/%d/status", guest.thread[2].tid);
	fault = (struct fault){ .path = path, .how = FAULT_READ, .error = EIO };
	reloads_and_holds();
	ck_assert_uint_gt(faulty_hits, 0);
	ends_well();
	is_pinned_and_given_back();
}
END_TEST

/* What is still ours on another thread is not its own. */
START_TEST(a_mask_of_ours_is_not_trusted_after_a_reload)
{
	wish_first();
	plans(1);
	set_mask(guest.thread[2].tid, &second);
	refusal.tid = guest.thread[3].tid;
	refusal.error = EIO;
	refusal.is_done = false;
	plans(1);
	ck_assert(runs_on(3, &first));
	reloads_and_holds();
	ck_assert(runs_on(3, &first));
	ends_well();
	is_pinned_and_given_back();
}
END_TEST

/* ---- while nobody can tell who was born of them --------------------------------------------- */

static void hide(const char *file, enum fault_how how, int error, unsigned int times)
{
	static char path[64];

	snprintf(path, sizeof path, "proc/%d/%s", guest.pid, file);
	fault = (struct fault){ .path = path, .how = how, .error = error, .times = times };
}

static void hide_process(void)
{
	hide("stat", FAULT_READ, EIO, 0);
}

static bool thread_runs_on(pid_t tid, const struct cpumask *cpus)
{
	struct cpumask now = mask_of(tid);

	return cpumask_equal(&now, cpus);
}

START_TEST(who_was_born_of_ours_is_given_back_when_it_can_be_seen)
{
	pid_t born;

	wish_first();
	plans(1);
	born = new_thread();
	hide_process();
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 1);
	assert_all_on(&all);
	ck_assert(thread_runs_on(born, &first) && exists(at(run_dir, "undo")));
	ends_well();
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert(thread_runs_on(born, &all) && !exists(at(run_dir, "undo")));
}
END_TEST

static pid_t elder;

static void elder_is_born(void)
{
	set_mask(elder, &first);
}

/* As when numbers begin anew: it stands before those that are given back at that moment. */
START_TEST(who_is_born_while_others_are_given_back_is_given_back_too)
{
	pid_t born;

	wish_first();
	plans(1);
	elder = new_thread();
	born = new_thread();
	set_mask(elder, &all);
	happens.tid = born;
	happens.what = elder_is_born;
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert_int_eq(happens.tid, 0);
	ck_assert(thread_runs_on(elder, &all) && thread_runs_on(born, &all));
}
END_TEST

/* Each look would cost a list of threads, and an undo file that says the same. */
START_TEST(a_guest_whose_threads_could_not_be_seen_may_be_wished_elsewhere)
{
	pid_t born;

	wish_first();
	plans(1);
	born = new_thread();
	hide_process();
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	plans(1);
	ends_well();
	wish_cpus(&second, 1);
	see_thread(born, THREAD_EMULATOR, 0);
	plan->guest[SLOT].nthreads = guest.nthreads;
	plans(2);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_all_on(&second);
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	assert_all_on(&all);
}
END_TEST

START_TEST(who_was_born_of_ours_is_looked_for_ever_more_seldom)
{
	static const unsigned int wait_s[] = { 10, 20 };
	pid_t born;

	wish_first();
	plans(1);
	born = new_thread();
	hide_process();
	plan->guest[SLOT].placement.wish = WISH_RELEASE;
	plans(1);
	for (size_t i = 0; i < KT_ARRAY_LEN(wait_s); i++) {
		unsigned int hits = faulty_hits;

		ck_assert(!in_force()->pinned && !in_force()->pin_off);
		make_old(at(run_dir, "undo"));
		plan->now_ns += wait_s[i] * KT_NS_PER_S - 1;
		apply();
		ck_assert_uint_eq(faulty_hits, hits);
		ck_assert(is_old(at(run_dir, "undo")));
		plan->now_ns++;
		apply();
		ck_assert_uint_gt(faulty_hits, hits);
	}
	ends_well();
	plan->guest[SLOT].placement.wish = _i ? WISH_HOLD : WISH_RELEASE;
	plan->now_ns += 40 * KT_NS_PER_S;
	apply();
	ck_assert(thread_runs_on(born, &all) && !exists(at(run_dir, "undo")));
	assert_all_on(&all);
}
END_TEST

START_TEST(who_was_born_of_ours_is_known_to_the_next_life)
{
	pid_t born;

	wish_first();
	plans(1);
	born = new_thread();
	hide_process();
	(void)act_restore(act, plan->now_ns);
	(void)act_again();
	ends_well();
	(void)act_again();
	bind();
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert(thread_runs_on(born, &all) && !exists(at(run_dir, "undo")));
}
END_TEST

/* The main thread stands for them, and has its own mask: which is no reason to cede. */
START_TEST(a_guest_whose_threads_could_not_be_seen_is_pinned_again)
{
	wish_first();
	plans(1);
	hide_process();
	(void)act_restore(act, plan->now_ns);
	plans(1);
	ends_well();
	plans(1);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_all_on(&first);
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	assert_all_on(&all);
}
END_TEST

static void thread_2_becomes_another(void)
{
	char file[48];

	set_mask(guest.thread[2].tid, &first);
	snprintf(file, sizeof file, "task/%d/stat", guest.thread[2].tid);
	hide(file, FAULT_READ, EIO, 0);
}

/* As one that was born with the number of a thread that had its own mask back. */
START_TEST(a_mask_of_ours_on_a_thread_that_cannot_be_told_of_is_not_forgotten)
{
	wish_first();
	plans(1);
	set_mask(guest.thread[2].tid, &all);
	happens.tid = guest.thread[3].tid;
	happens.what = thread_2_becomes_another;
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 1);
	ck_assert(faulty_hits > 0 && act_owes(act) && exists(at(run_dir, "undo")));
	ends_well();
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert(runs_on(2, &first)); /* it is the one that it was: somebody wants it so */
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
}
END_TEST

/* Between two lives; and then it stands for those who were born of it. */
START_TEST(a_main_thread_that_somebody_has_pinned_stays_his)
{
	wish_first();
	plans(1);
	(void)new_thread();
	set_mask(guest.pid, &second);
	(void)act_again();
	bind();
	hide_process();
	(void)act_restore(act, plan->now_ns);
	ends_well();
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert(runs_on(0, &second) && runs_on(1, &all));
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* But others may have been born of the others. */
START_TEST(a_main_thread_that_was_not_pinned_stands_for_nobody)
{
	refusal.tid = guest.pid;
	refusal.error = ESRCH;
	refusal.is_done = false;
	wish_first();
	plans(1);
	ck_assert(runs_on(0, &all) && runs_on(1, &first));
	hide_process();
	(void)act_restore(act, plan->now_ns);
	assert_all_on(&all);
	ck_assert(act_owes(act) && exists(at(run_dir, "undo")));
	ck_assert_int_gt(act_again(), 0);
	ck_assert(!exists(at(run_dir, "undo.bad")));
	ends_well();
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
	ck_assert(!exists(at(run_dir, "undo")));
}
END_TEST

/* ---- while libvirt no longer knows the guest ------------------------------------------------ */

static void libvirt_loses_it(void)
{
	act_forget(act, &guest_uuid);
	plan->guest[SLOT].present = false;
}

static void assert_forgotten(void)
{
	ck_assert(!act_owes(act) && !exists(at(run_dir, "undo")));
	ck_assert_uint_eq(act_restore(act, plan->now_ns), 0);
}

static const int untold[] = { EMFILE, ENOMEM, EIO };

/* That cannot be told does not mean that it has gone. */
START_TEST(a_lost_guest_whose_process_cannot_be_told_of_gets_its_masks_back)
{
	wish_first();
	plans(1);
	hide("stat", FAULT_OPEN, untold[_i], 1);
	libvirt_loses_it();
	ck_assert_uint_gt(faulty_hits, 0);
	ck_assert(!in_force()->pinned);
	plans(1);
	assert_all_on(&all);
	assert_forgotten();
}
END_TEST

START_TEST(a_lost_guest_is_on_file_until_all_its_threads_are_back)
{
	char file[48];

	wish_first();
	plans(1);
	snprintf(file, sizeof file, "task/%d/stat", guest.thread[2].tid);
	hide(file, FAULT_OPEN, EMFILE, 0);
	libvirt_loses_it();
	plans(1);
	ck_assert(runs_on(1, &all) && runs_on(2, &first));
	ck_assert(act_owes(act) && exists(at(run_dir, "undo")));
	ends_well();
	plans(1);
	assert_all_on(&all);
	assert_forgotten();
}
END_TEST

START_TEST(a_lost_guest_that_was_refused_for_a_while_is_tried_again)
{
	wish_first();
	plans(1);
	strike_call(0);
	libvirt_loses_it();
	plans(1);
	ck_assert(runs_on(0, &first) && exists(at(run_dir, "undo")));
	ends_well();
	plans(2);
	assert_all_on(&all);
	assert_forgotten();
}
END_TEST

START_TEST(a_lost_guest_is_given_back_at_the_stop)
{
	wish_first();
	plans(1);
	strike_call(0);
	libvirt_loses_it();
	ends_well();
	assert_back();
}
END_TEST

START_TEST(a_lost_guest_that_ends_is_forgotten)
{
	wish_first();
	plans(1);
	strike_call(0);
	libvirt_loses_it();
	ends_well();
	guest_ends();
	plans(1);
	assert_forgotten();
	guest_starts();
}
END_TEST

/* As after libvirtd has been restarted. */
START_TEST(a_lost_guest_that_libvirt_finds_again_is_pinned_again)
{
	wish_first();
	plans(1);
	strike_call(0);
	libvirt_loses_it();
	ends_well();
	plan->guest[SLOT].present = true;
	bind();
	plans(4);
	assert_all_on(&first);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_back();
}
END_TEST

static int rows_of(int all_rows)
{
	return (all_rows + stride() - 1) / stride();
}

int main(void)
{
	Suite *s = suite_create("faults of threads that are pinned");
	TCase *c = tcase_create("rows");

	printf("%d of %d rows\n", 3 * (rows_of(READ_ROWS) + rows_of(CALL_ROWS)),
	       3 * (READ_ROWS + CALL_ROWS));
	tcase_add_checked_fixture(c, setup, end);
	tcase_add_loop_test(c, a_thread_that_cannot_be_told_of_is_pinned_later, 0,
			    rows_of(READ_ROWS));
	tcase_add_loop_test(c, a_thread_that_is_not_to_be_pinned_is_pinned_later, 0,
			    rows_of(CALL_ROWS));
	tcase_add_loop_test(c, what_cannot_be_told_of_comes_back_in_another_life, 0,
			    rows_of(READ_ROWS));
	tcase_add_loop_test(c, what_an_earlier_life_gave_back_is_nobody_elses, 0,
			    rows_of(READ_ROWS));
	tcase_add_loop_test(c, what_cannot_be_unpinned_comes_back_in_another_life, 0,
			    rows_of(CALL_ROWS));
	tcase_add_loop_test(c, what_can_be_told_of_again_comes_back_by_the_plan, 0,
			    rows_of(READ_ROWS));
	tcase_add_loop_test(c, what_can_be_unpinned_again_comes_back_by_the_plan, 0,
			    rows_of(CALL_ROWS));
	tcase_add_loop_test(c, what_could_be_neither_pinned_nor_unpinned_comes_back_without_a_wish,
			    0, 2);
	tcase_add_loop_test(c, half_a_guest_is_pinned_in_whole_though_nothing_is_wished, 0, 2);
	tcase_add_test(c, half_a_guest_that_somebody_has_pinned_stays_so_while_nothing_is_wished);
	tcase_add_test(c, what_was_to_go_back_and_is_wished_again_stays);
	tcase_add_test(c, a_guest_that_is_refused_on_its_way_back_is_not_pinned);
	tcase_add_test(c, what_was_refused_for_a_while_is_tried_once_more_at_the_stop);
	tcase_add_test(c, a_mask_that_cannot_be_read_is_not_written);
	tcase_add_test(c, who_is_given_back_later_is_told_of_apart);
	tcase_add_test(c, a_refusal_after_a_success_is_the_first_again);
	tcase_add_test(c, who_was_born_of_ours_is_given_back_when_it_can_be_seen);
	tcase_add_test(c, who_is_born_while_others_are_given_back_is_given_back_too);
	tcase_add_loop_test(c, who_was_born_of_ours_is_looked_for_ever_more_seldom, 0, 2);
	tcase_add_test(c, a_guest_whose_threads_could_not_be_seen_may_be_wished_elsewhere);
	tcase_add_test(c, a_mask_that_cannot_be_read_after_a_reload_is_trusted_later);
	tcase_add_test(c, a_mask_of_ours_is_not_trusted_after_a_reload);
	tcase_add_test(c, who_was_born_of_ours_is_known_to_the_next_life);
	tcase_add_test(c, a_guest_whose_threads_could_not_be_seen_is_pinned_again);
	tcase_add_test(c, a_mask_of_ours_on_a_thread_that_cannot_be_told_of_is_not_forgotten);
	tcase_add_test(c, a_main_thread_that_somebody_has_pinned_stays_his);
	tcase_add_test(c, a_main_thread_that_was_not_pinned_stands_for_nobody);
	tcase_add_loop_test(c, a_lost_guest_whose_process_cannot_be_told_of_gets_its_masks_back, 0,
			    KT_ARRAY_LEN(untold));
	tcase_add_test(c, a_lost_guest_is_on_file_until_all_its_threads_are_back);
	tcase_add_test(c, a_lost_guest_that_was_refused_for_a_while_is_tried_again);
	tcase_add_test(c, a_lost_guest_is_given_back_at_the_stop);
	tcase_add_test(c, a_lost_guest_that_ends_is_forgotten);
	tcase_add_test(c, a_lost_guest_that_libvirt_finds_again_is_pinned_again);
	suite_add_tcase(s, c);
	return kt_run(s);
}
