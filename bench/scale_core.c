/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a tick of the daemon cost with so many guests?
 *	scale_core GUESTS BUSY-ONE-IN
 * runs the daemon's own tick on a simulated host and prints one line of figures, whose head
 *bench/scale prints.
 *
 * The linker puts itself between the tick and its steps (--wrap), so that each is timed where
 * it is.  Threads that are pinned are none of this kernel's: their masks are kept here, and each
 * question costs the system call that it would. */
#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "footprint.h"
#include "kvmtuned.h"
#include "scale_floor.h"
#include "scale_host.h"

enum { WARM_UP = 16, ROUNDS = 32, EVENTS = 8, TRACED = 8 };

static struct kvmtuned *k;
static struct scale_host host;

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * KT_NS_PER_S + (uint64_t)t.tv_nsec;
}

/* ---- the steps of a tick, timed ------------------------------------------------------------ */

static struct {
	uint64_t sense, model, policy, act, all;
} spent_ns;

#define TIMED(what, call)                                                                          \
	do {                                                                                       \
		uint64_t began_ns = cpu_ns();                                                      \
		call;                                                                              \
		spent_ns.what += cpu_ns() - began_ns;                                              \
	} while (0)

__typeof__(sense_read_some) __real_sense_read_some, __wrap_sense_read_some;
__typeof__(host_view_update) __real_host_view_update, __wrap_host_view_update;
__typeof__(arbiter_step) __real_arbiter_step, __wrap_arbiter_step;
__typeof__(act_apply) __real_act_apply, __wrap_act_apply;
int __real_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int __wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int __real_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set);
int __wrap_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set);

int __wrap_sense_read_some(struct sense *s, const struct domains *ds, enum sense_scope scope,
			   uint64_t now_ns, struct sample *ret)
{
	int r;

	TIMED(sense, r = __real_sense_read_some(s, ds, scope, now_ns, ret));
	return r;
}

void __wrap_host_view_update(struct host_view *v, const struct topology *topology,
			     const struct capabilities *capabilities, const struct domains *ds,
			     const struct sample *sample, bool kicked)
{
	TIMED(model, __real_host_view_update(v, topology, capabilities, ds, sample, kicked));
}

void __wrap_arbiter_step(struct arbiter *state, const struct policy_conf *conf,
			 const struct host_view *view, const struct in_force *in_force,
			 struct plan *ret)
{
	TIMED(policy, __real_arbiter_step(state, conf, view, in_force, ret));
}

void __wrap_act_apply(struct act *a, const struct plan *plan)
{
	TIMED(act, __real_act_apply(a, plan));
}

/* ---- threads' masks ------------------------------------------------------------------------- */

enum { TIDS = (KT_GUESTS_MAX + 1) * SCALE_PIDS_PER_GUEST };

static cpu_set_t masks[TIDS];
static bool was_set[TIDS];

/* -1: a thread of this kernel. */
static int place_of_mask(pid_t tid)
{
	return tid >= SCALE_PID_FIRST && tid < SCALE_PID_FIRST + TIDS ? tid - SCALE_PID_FIRST : -1;
}

int __wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	int place = place_of_mask(pid);

	scale_floor_note_affinity(size);
	if (__real_sched_getaffinity(place >= 0 ? 0 : pid, size, set) < 0)
		return -1;
	if (place >= 0 && was_set[place])
		memcpy(set, &masks[place], size);
	else if (place >= 0)
		memset(set, 0xff, size);
	return 0;
}

int __wrap_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	int place = place_of_mask(pid);
	cpu_set_t all;

	if (place < 0)
		return __real_sched_setaffinity(pid, size, set);
	memset(&all, 0xff, sizeof all);
	memcpy(&masks[place], set, sizeof masks[place]);
	was_set[place] = true;
	return __real_sched_setaffinity(0, sizeof all, &all);
}

/* ---- the daemon ------------------------------------------------------------------------------ */

static void start(void)
{
	char run_dir[sizeof host.root + 8];

	(void)snprintf(run_dir, sizeof run_dir, "%s/kt-run", host.root);
	setenv("HWLOC_SYNTHETIC", SCALE_SYNTHETIC, 1);
	log_set_sink(NULL, NULL, LOG_LEVEL_ERR);
	k = kvmtuned_new();
	if (!k || hostfs_open(host.root, &k->fs) < 0)
		errx(1, "%s", host.root);
	k->fs.is_live = true; /* else nothing would be pinned */
	k->conf_path = "";
	conf_defaults(&k->conf);
	k->vm_ops = guests_vm_ops(k);
	if (sense_topology(&k->fs, &k->topology) < 0 || sense_new(&k->fs, &k->sense) < 0 ||
	    act_new(&k->fs, run_dir, &k->vm_ops, &k->act) < 0)
		errx(1, "cannot start");
	log_set_listener(history_listen, k->history, LOG_LEVEL_INFO);
	k->guests_known = k->link_told = true;
}

static uint64_t host_now_ns(unsigned int ms)
{
	return (uint64_t)host.ticks * SCALE_TICK_S * KT_NS_PER_S + ms * KT_NS_PER_MS + 1;
}

static void tick(unsigned int ms)
{
	int r;

	TIMED(all, r = kvmtuned_tick(k, host_now_ns(ms)));
	if (r < 0)
		errx(1, "the host cannot be read: %s", strerror(-r));
}

/* As the news of libvirt are taken in. */
static size_t add_guest(void)
{
	struct domain d = scale_host_add_guest(&host);
	int slot = domains_put(k->domains, &d);

	if (slot < 0)
		errx(1, "no room for a guest");
	k->kicked = k->by_event = true;
	return (size_t)slot;
}

static bool is_placed(size_t slot)
{
	return act_in_force(k->act)->guest[slot].pinned;
}

/* CPU time from the news that it has started until its threads are pinned. */
static double event_ms(unsigned int ms)
{
	uint64_t before_ns = spent_ns.all;
	size_t slot = add_guest();

	for (unsigned int i = 0; i < 8 && !is_placed(slot); i++)
		tick(ms + 100 * i);
	if (!is_placed(slot))
		errx(1, "a guest that has started was not placed");
	return (double)(spent_ns.all - before_ns) / 1e6;
}

/* ---- tick and floor ------------------------------------------------------------------------- */

static void run_ticks(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		scale_host_run(&host);
		tick(0);
	}
}

/* By turns, so that whatever else the machine does meets both; each after the host has run, so
 * that both find the caches cold.  Ticks that are written down are timed by nobody; one more
 * between them, and each of both meets all guests that are due every fourth time. */
static double measure(size_t *ret_reads)
{
	uint64_t floor_ns = 0, began_ns;
	size_t reads = 0;

	memset(&spent_ns, 0, sizeof spent_ns);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		typeof(spent_ns) sum;

		run_ticks(1);
		sum = spent_ns;
		scale_host_run(&host);
		scale_floor_begin();
		tick(0);
		scale_floor_end();
		scale_host_run(&host);
		began_ns = cpu_ns();
		reads += scale_floor_repeat();
		floor_ns += cpu_ns() - began_ns;
		run_ticks(1);
		spent_ns = sum;
	}
	*ret_reads = reads / ROUNDS;
	return (double)floor_ns / ROUNDS / 1e6;
}

/* ---- system calls ------------------------------------------------------------------------------
 */

static void be_traced(volatile bool *counting)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	for (int i = 0; i < TRACED; i++) {
		scale_host_run(&host);
		*counting = true;
		tick(0);
		*counting = false;
	}
	_exit(0);
}

/* A child of the same state makes the ticks: each call stops it twice. */
static double calls_per_tick(void)
{
	volatile bool *counting =
		mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long stops = 0;
	pid_t child;
	int status;

	if (counting == MAP_FAILED)
		err(1, "mmap");
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0)
		be_traced(counting);
	waitpid(child, &status, 0);
	while (WIFSTOPPED(status)) {
		stops += *counting;
		if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) < 0)
			err(1, "ptrace");
		waitpid(child, &status, 0);
	}
	return (double)stops / 2 / TRACED;
}

/* ---- all of it ----------------------------------------------------------------------------------
 */

static double rss_mib(void)
{
	unsigned long size, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	/* The masks are the kernel's. */
	return ((double)resident * (double)sysconf(_SC_PAGESIZE) -
		(double)host.nguests * SCALE_PIDS_PER_GUEST * sizeof masks[0]) /
	       1048576;
}

static double mean_ms(uint64_t ns)
{
	return (double)ns / ROUNDS / 1e6;
}

int main(int argc, char **argv)
{
	unsigned int guests = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	unsigned int busy_one_in = argc > 2 ? (unsigned int)atoi(argv[2]) : 4;
	double event_sum_ms = 0, first_ms, tick_ms, rss, floor;
	unsigned int placed = 0;
	size_t reads;

	if (guests == 0 || guests + EVENTS > KT_GUESTS_MAX || busy_one_in == 0)
		errx(2, "usage: scale_core GUESTS BUSY-ONE-IN");
	scale_host_make(&host, busy_one_in);
	start();
	for (unsigned int i = 0; i < guests; i++)
		(void)add_guest();
	run_ticks(1);
	first_ms = (double)spent_ns.all / 1e6;
	footprint_drop_startup_code();
	run_ticks(WARM_UP);
	rss = rss_mib();
	floor = measure(&reads);
	tick_ms = mean_ms(spent_ns.all);
	printf("%6u %8.2f %8.2f %8.2f %8.2f %8.2f", guests, tick_ms, mean_ms(spent_ns.sense),
	       mean_ms(spent_ns.model), mean_ms(spent_ns.policy), mean_ms(spent_ns.act));
	for (unsigned int i = 0; i < guests; i++)
		placed += is_placed(i);
	for (unsigned int i = 0; i < EVENTS; i++) {
		run_ticks(1);
		event_sum_ms += event_ms(1500);
	}
	printf(" %8.2f %6zu %6.2f %8.0f %7.1f %8.2f %8.2f %6u\n", floor, reads, tick_ms / floor,
	       calls_per_tick(), rss, event_sum_ms / EVENTS, first_ms, placed);
	kvmtuned_free(k);
	scale_host_remove(&host);
	return 0;
}
