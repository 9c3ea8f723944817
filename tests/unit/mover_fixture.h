/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process whose memory is known, for the tests of the mover. */
#ifndef KT_MOVER_FIXTURE_H
#define KT_MOVER_FIXTURE_H

#include <fcntl.h>
#include <linux/mempolicy.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "act_guest.h"
#include "mover_private.h"

/* One stretch of its memory.  Addresses that neither a library nor a sanitizer takes. */
#define AREA_BASE UINT64_C(0x550000000000)
#define AREA_STEP (UINT64_C(1) << 32)

enum { MIB = 1024 * 1024, PAGE = 4096, AREAS_MAX = 16 };

struct area {
	uint64_t size;
	unsigned int node; /* where its pages are; only with `touch` */
	bool touch, huge, read_only, everybodys;
	int file;            /* what it is of, or 0 */
	bool peek;           /* read, and never written: pages of zeros */
	bool shared;         /* with another process */
	uint64_t touch_from; /* ... what is before is not there */
	uint64_t pinned;     /* so much of it, from its beginning, by the kernel: in a pipe */
	uint64_t offset;     /* from where it would be */
};

static struct process {
	pid_t pid;
	uint64_t start_ticks;
	int to, from;
	size_t nareas;
	struct area area[AREAS_MAX];
	size_t nforeign; /* mappings of this program, which the child drops */
	struct mover_range foreign[256];
} process;

static inline uint64_t area_at(size_t i)
{
	return AREA_BASE + i * AREA_STEP + process.area[i].offset;
}

/* From here on the child has lost the memory of its libraries: bare system calls, and
 * nothing that a sanitizer watches. */
#define BARE __attribute__((no_sanitize("address", "undefined", "thread")))

BARE static inline void bare_map(size_t i)
{
	const struct area *a = &process.area[i];
	uint64_t at = AREA_BASE + i * AREA_STEP + a->offset, mask = UINT64_C(1) << a->node;
	int access = a->read_only ? PROT_READ : PROT_READ | PROT_WRITE;

	syscall(SYS_mmap, at, a->size, access,
		(a->everybodys ? MAP_SHARED : MAP_PRIVATE) | (a->file ? 0 : MAP_ANONYMOUS) |
			MAP_NORESERVE | MAP_FIXED_NOREPLACE,
		a->file ? a->file : -1, 0);
	if (!a->everybodys)
		syscall(SYS_madvise, at, a->size, a->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	if (!a->shared)
		syscall(SYS_madvise, at, a->size, MADV_DONTFORK);
	for (uint64_t p = at; a->peek && p < at + a->size; p += PAGE)
		(void)*(volatile uint64_t *)(uintptr_t)p;
	if (!a->touch)
		return;
	syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL);
	for (uint64_t p = at + a->touch_from; p < at + a->size; p += PAGE)
		*(volatile uint64_t *)(uintptr_t)p = p;
	syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL);
}

BARE static inline void bare_pin(size_t i)
{
	struct iovec pages = { (void *)(uintptr_t)(AREA_BASE + i * AREA_STEP),
			       process.area[i].pinned };
	int ends[2];

	syscall(SYS_pipe2, ends, 0);
	syscall(SYS_fcntl, ends[1], F_SETPIPE_SZ, MIB);
	syscall(SYS_vmsplice, ends[1], &pages, 1UL, SPLICE_F_NONBLOCK);
}

/* 'u': unmaps its first area. */
BARE static inline void bare_life(int commands, int answers)
{
	bool any_shared = false;
	char c = 'r';

	for (size_t i = 0; i < process.nforeign; i++)
		syscall(SYS_munmap, process.foreign[i].start,
			process.foreign[i].end - process.foreign[i].start);
	for (size_t i = 0; i < process.nareas; i++) {
		bare_map(i);
		if (process.area[i].pinned)
			bare_pin(i);
		any_shared = any_shared || process.area[i].shared;
	}
	if (any_shared && syscall(SYS_clone, 0UL, 0UL, NULL, NULL, 0UL) == 0) {
		syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			syscall(SYS_sched_yield), syscall(SYS_poll, NULL, 0UL, -1);
	}
	syscall(SYS_write, answers, &c, 1UL);
	while (syscall(SYS_read, commands, &c, 1UL) == 1) {
		if (c == 'u')
			syscall(SYS_munmap, AREA_BASE + process.area[0].offset,
				process.area[0].size);
		syscall(SYS_write, answers, &c, 1UL);
	}
	syscall(SYS_exit_group, 0);
}

static inline void add_foreign(uint64_t start, uint64_t end)
{
	ck_assert_uint_lt(process.nforeign, KT_ARRAY_LEN(process.foreign));
	if (start < end)
		process.foreign[process.nforeign++] =
			(struct mover_range){ .start = start, .end = end };
}

/* All but what system calls write: errno, and the kernel its rseq area, beside the thread
 * pointer.  Between them is what libraries keep for each thread, of a sanitizer a lot. */
static inline void list_foreign(void)
{
	struct mover_order order = { .pid = getpid(), .ncells = 1 };
	uint64_t keep = (uintptr_t)&errno / PAGE * PAGE - PAGE;
	uint64_t keep_end = (uintptr_t)__builtin_thread_pointer() / PAGE * PAGE + 4 * PAGE;
	static struct mover_ranges r;
	struct mover_range range;
	struct hostfs real;

	ck_assert_int_eq(hostfs_open("/", &real), 0);
	mover_ranges_rewind(&r);
	while (mover_ranges_next(&real, &order, &r, &range) == 1) {
		if (range.end <= keep || range.start >= keep_end) {
			add_foreign(range.start, range.end);
		} else {
			add_foreign(range.start, keep);
			add_foreign(keep_end, range.end);
		}
	}
	hostfs_close(&real);
}

static inline void process_does(char command)
{
	char c = 0;

	ck_assert_int_eq(write(process.to, &command, 1), 1);
	ck_assert_int_eq(read(process.from, &c, 1), 1);
	ck_assert_int_eq(c, command);
}

static inline void process_starts(size_t nareas, const struct area *areas)
{
	int to[2], from[2];
	char c = 0;

	process = (struct process){ .nareas = nareas };
	memcpy(process.area, areas, nareas * sizeof *areas);
	ck_assert(pipe(to) == 0 && pipe(from) == 0);
	list_foreign();
	process.pid = kt_fork();
	if (process.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(to[1]);
		bare_life(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	process.to = to[1];
	process.from = from[0];
	ck_assert_int_eq(read(process.from, &c, 1), 1);
	process.start_ticks = start_ticks_of(process.pid, process.pid);
}

static inline void process_ends(void)
{
	if (process.pid <= 0)
		return;
	kill(process.pid, SIGKILL);
	ck_assert_int_eq(waitpid(process.pid, NULL, 0), process.pid);
	close(process.to);
	close(process.from);
	process.pid = 0;
}

/* ---- a host whose nodes have as much free as the test says ------------------------------ */

static inline void put_free(unsigned int node, uint64_t kib)
{
	char path[128], text[128];

	snprintf(path, sizeof path, "%s/sys/devices/system/node/node%u", root, node);
	ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
	strcat(path, "/meminfo");
	snprintf(text, sizeof text,
		 "Node %u MemTotal:  9999999 kB\nNode %u MemFree:  %" PRIu64 " kB\n", node, node,
		 kib);
	put(path, text);
}

/* In `root`.  The processes are real. */
static inline void furnish_host(void)
{
	static const char *const folders[] = { "sys", "sys/devices", "sys/devices/system",
					       "sys/devices/system/node" };

	for (size_t i = 0; i < KT_ARRAY_LEN(folders); i++)
		ck_assert_int_eq(mkdir(at(root, folders[i]), 0755), 0);
	ck_assert_int_eq(symlink("/proc", at(root, "proc")), 0);
}

static inline void make_host(void)
{
	scratch_make(root, sizeof root);
	furnish_host();
	ck_assert_int_eq(hostfs_open(root, &fs), 0);
}

static inline void remove_host(void)
{
	hostfs_close(&fs);
	ck_assert_int_eq(scratch_remove(root), 0);
}

/* ---- one mover --------------------------------------------------------------------------- */

static struct mover *mover;
static struct mover_answer answer;

static inline struct mover_order order_to(uint64_t nodes)
{
	return (struct mover_order){ .pid = process.pid,
				     .start_ticks = process.start_ticks,
				     .from = UINT64_MAX,
				     .kib_per_s = UINT64_C(64) * MIB,
				     .ncells = 1,
				     .cell[0].nodes = nodes };
}

static inline void give(struct mover_order order)
{
	ck_assert_int_eq(mover_order(mover, &order), 0);
}

static inline void look_again(void)
{
	(void)poll(NULL, 0, 1); /* its turn */
	mover_look(mover, &answer);
}

static inline void await_end(void)
{
	do
		look_again();
	while (answer.state == MOVER_WORKS);
}

static inline void assert_ends(struct mover_order order, enum mover_state state)
{
	give(order);
	await_end();
	ck_assert_msg(answer.state == state, "state %d, error %d", answer.state, answer.error);
}

#endif
