/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest for the tests of placement: a process of our own, with threads that are real
 * and that the kernel moves about. */
#ifndef KT_ACT_GUEST_H
#define KT_ACT_GUEST_H

#include "act_fixture.h"
#include "undo_text.h"

enum { SLOT = 3, INCARNATION = 7, THREADS = 4, THREADS_ROOM = 16 };

static struct guest {
	pid_t pid;
	int to, from;
	size_t nthreads;
	struct guest_thread thread[THREADS_ROOM];
} guest;

static const struct uuid guest_uuid = { .byte = { 0xab, 0xcd, 1, 2, 3 } };
static struct cpumask all, first, second; /* two CPUs that we may use, and each of them */
static struct cpumask every; /* what the kernel makes of a mask of all that there may be */

/* ---- the process ------------------------------------------------------- */

static int child_to_test;

static inline void *thread_lives(void *context)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);

	(void)context;
	if (write(child_to_test, &tid, sizeof tid) != sizeof tid)
		_exit(1);
	for (;;)
		pause();
}

/* 'n': a new thread, which says its number; 'x': the last one ends. */
static inline void guest_lives(int commands)
{
	pthread_t thread[THREADS_ROOM];
	size_t n = 0;
	char command;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(commands, &command, 1) == 1) {
		if (command == 'n' && n < THREADS_ROOM &&
		    pthread_create(&thread[n++], NULL, thread_lives, NULL) != 0)
			_exit(1);
		if (command == 'x') {
			pthread_cancel(thread[--n]);
			pthread_join(thread[n], NULL);
			if (write(child_to_test, &command, 1) != 1)
				_exit(1);
		}
	}
	_exit(0);
}

static inline uint64_t start_ticks_of(pid_t pid, pid_t tid)
{
	char path[64], stat[1024];
	unsigned long long start;

	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
	get(path, stat, sizeof stat);
	ck_assert_int_eq(sscanf(strrchr(stat, ')'),
				") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
				"%*d %*d %*d %*d %llu",
				&start),
			 1);
	return start;
}

static inline struct cpumask mask_of(pid_t tid)
{
	struct cpumask mask = { 0 };
	cpu_set_t set;

	ck_assert_int_eq(sched_getaffinity(tid, sizeof set, &set), 0);
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpumask_set(&mask, cpu);
	return mask;
}

static inline void set_mask(pid_t tid, const struct cpumask *mask)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (cpumask_test(mask, cpu))
			CPU_SET(cpu, &set);
	ck_assert_int_eq(sched_setaffinity(tid, sizeof set, &set), 0);
}

static inline bool runs_on(size_t thread, const struct cpumask *mask)
{
	struct cpumask now = mask_of(guest.thread[thread].tid);

	return cpumask_equal(&now, mask);
}

/* As sense would, when it sees the thread for the first time. */
static inline void see_thread(pid_t tid, enum thread_role role, unsigned int number)
{
	guest.thread[guest.nthreads++] = (struct guest_thread){
		.tid = tid,
		.start_ticks = start_ticks_of(guest.pid, tid),
		.role = role,
		.number = number,
		.first_allowed = mask_of(tid),
	};
}

static inline pid_t new_thread(void)
{
	pid_t tid = 0;

	ck_assert_int_eq(write(guest.to, "n", 1), 1);
	ck_assert_int_eq(read(guest.from, &tid, sizeof tid), sizeof tid);
	return tid;
}

static inline void end_last_thread(void)
{
	char done;

	ck_assert_int_eq(write(guest.to, "x", 1), 1);
	ck_assert_int_eq(read(guest.from, &done, 1), 1);
}

/* Thread 0 is the main one, 1 an emulator worker, 2 and 3 are vCPUs 0 and 1. */
static inline void guest_starts(void)
{
	int to[2], from[2];

	ck_assert(pipe(to) == 0 && pipe(from) == 0);
	guest = (struct guest){ .to = to[1], .from = from[0] };
	guest.pid = kt_fork();
	if (guest.pid == 0) {
		close(to[1]);
		child_to_test = from[1];
		guest_lives(to[0]);
	}
	close(to[0]);
	close(from[1]);
	see_thread(guest.pid, THREAD_EMULATOR, 0);
	see_thread(new_thread(), THREAD_EMULATOR, 0);
	see_thread(new_thread(), THREAD_VCPU, 0);
	see_thread(new_thread(), THREAD_VCPU, 1);
}

static inline void guest_ends(void)
{
	kill(guest.pid, SIGKILL);
	ck_assert_int_eq(waitpid(guest.pid, NULL, 0), guest.pid);
	close(guest.to);
	close(guest.from);
}

/* ---- the plan ---------------------------------------------------------- */

static inline void plan_guest(const char *name)
{
	plan->nslots = SLOT + 1;
	plan->guest[SLOT] = (struct guest_plan){
		.present = true,
		.incarnation = INCARNATION,
		.uuid = guest_uuid,
		.name = name,
		.pid = guest.pid,
		.start_ticks = guest.thread[0].start_ticks,
		.nthreads = guest.nthreads,
		.threads = guest.thread,
		.soft_limit_kib = KT_UNLIMITED_KIB,
	};
}

static inline void wish_cpus(const struct cpumask *cpus, int node)
{
	plan->guest[SLOT].nthreads = guest.nthreads;
	plan->guest[SLOT].placement.wish = WISH_SET;
	plan->guest[SLOT].placement.why = WHY_HOME_BY_MEMORY;
	plan->guest[SLOT].placement.nodes = nodemask_of((unsigned int)node);
	plan->guest[SLOT].placement.ncells = 1;
	plan->guest[SLOT].placement.cell[0].nodes = plan->guest[SLOT].placement.nodes;
	memset(&plan->guest[SLOT].placement.cell[0].vcpus, 0xff, sizeof(struct cpumask));
	plan->guest[SLOT].placement.cell[0].cpus = *cpus;
	plan->guest[SLOT].placement.helpers = *cpus;
}

static inline const struct guest_in_force *in_force(void)
{
	return &act_in_force(act)->guest[SLOT];
}

static inline void apply(void)
{
	act_apply(act, plan);
	assert_kept_lines_are_true(act);
}

static inline void pin_to_first(void)
{
	wish_cpus(&first, 0);
	apply();
}

static inline void pin_to_second(void)
{
	wish_cpus(&second, 1);
	apply();
}

static inline void bind(void)
{
	act_bind(act, SLOT, INCARNATION, &guest_uuid, guest.pid, guest.thread[0].start_ticks);
}

static inline void setup_guest(void)
{
	struct cpumask mine = mask_of(0);

	setup_at("/");
	memset(&every, 0xff, sizeof every);
	set_mask(0, &every);
	every = mask_of(0);
	all = first = second = (struct cpumask){ 0 };
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX && cpumask_count(&all) < 2; cpu++) {
		if (!cpumask_test(&mine, cpu))
			continue;
		cpumask_set(cpumask_empty(&first) ? &first : &second, cpu);
		cpumask_set(&all, cpu);
	}
	ck_assert_msg(cpumask_count(&all) == 2, "this test needs two CPUs");
	set_mask(0, &all);
	guest_starts();
	bind();
	plan_guest("web-1");
}

static inline void teardown_guest(void)
{
	guest_ends();
	teardown();
}

#define assert_all_on(mask)                                                                        \
	do {                                                                                       \
		for (size_t t_ = 0; t_ < guest.nthreads; t_++)                                     \
			ck_assert_msg(runs_on(t_, mask), "thread %zu", t_);                        \
	} while (0)

/* ---- kill -9 ----------------------------------------------------------- */

static inline void restore(void)
{
	act_restore(act, 0);
	assert_kept_lines_are_true(act);
}

static inline void all_is_back(void)
{
	ck_assert_int_ge(act_again(), 0);
	ck_assert_uint_eq(act_restore(act, 0), 0);
	ck_assert_uint_eq(count_said(LOG_CEDED), 0);
	assert_all_on(&all);
	ck_assert(!exists(at(run_dir, "undo")) && !exists(at(run_dir, "undo.bad")));
	bind();
}

#endif
