/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel that moves pages in a table: what the mover asks and does can be told without
 * a second node.  It answers as Linux 6.1 was seen to. */
#ifndef KT_MOVER_KERNEL_H
#define KT_MOVER_KERNEL_H

#include "mover_fixture.h"

enum { PAGES = 128 * MIB / PAGE, CALLS_MAX = 4096, NOWHERE = -ENOENT };

/* A kernel whose nodes are numbers in a table. */
static struct kernel {
	signed char node[PAGES];      /* of each page; NOWHERE */
	signed char immovable[PAGES]; /* -errno: cannot be isolated; 1: cannot be moved */
	bool huge;       /* a page moves with all of its 2 MiB, and the others are busy */
	size_t isolated; /* the huge page that is, plus one */
	int refuse_looks, refuse_moves; /* errno */
	unsigned int looks, moves;
	size_t pages_of[CALLS_MAX]; /* of each move */
	int node_of[CALLS_MAX];
	void (*after_move)(void);
} kernel;

static inline long refuse(int error)
{
	errno = error;
	return -1;
}

static inline size_t index_of(void *page)
{
	size_t i = ((uintptr_t)page - area_at(0)) / PAGE;

	if (i >= PAGES)
		abort(); /* on the mover's thread: Check would allocate */
	return i;
}

/* False: it does not move, and the call ends. */
static inline bool move_huge(size_t i, int node, int *status)
{
	size_t head = i / 512 * 512;
	bool is_isolated = kernel.isolated == head + 1;

	if (kernel.node[i] == node) {
		*status = node;
		return true;
	}
	kernel.isolated = head + 1;
	if (!is_isolated)
		return true;
	*status = -EBUSY;
	if (kernel.immovable[head] == 0)
		memset(kernel.node + head, node, 512);
	return kernel.immovable[head] == 0;
}

/* Those that could be isolated are moved together.  False: one did not move, and the call
 * ends without their statuses. */
static inline bool move_batch(size_t n, void **pages, int node, int *status)
{
	bool moved = true;

	for (size_t i = 0; i < n; i++) {
		size_t at = index_of(pages[i]);

		moved &= kernel.immovable[at] == 0;
		if (kernel.immovable[at] == 0)
			kernel.node[at] = (signed char)node;
	}
	for (size_t i = 0; i < n && moved; i++)
		status[i] = node;
	return moved;
}

static inline long move_pages_of(unsigned long count, void **pages, const int *nodes, int *status)
{
	size_t begin = 0;

	kernel.isolated = 0;
	if (kernel.refuse_moves)
		return refuse(kernel.refuse_moves);
	kernel.pages_of[kernel.moves % CALLS_MAX] = count;
	kernel.node_of[kernel.moves++ % CALLS_MAX] = nodes[0];
	for (size_t p = 0; p < count; p++) {
		size_t i = index_of(pages[p]);

		if (kernel.huge && !move_huge(i, nodes[p], &status[p]))
			return (long)(count - p);
		if (kernel.huge || kernel.immovable[i] >= 0)
			continue;
		status[p] = kernel.immovable[i];
		if (!move_batch(p - begin, pages + begin, nodes[p], status + begin))
			return (long)(count - p);
		begin = p + 1;
	}
	if (!kernel.huge && !move_batch(count - begin, pages + begin, nodes[0], status + begin))
		return 1;
	if (kernel.after_move)
		kernel.after_move();
	return 0;
}

static inline long fake_call(pid_t pid, unsigned long count, void **pages, const int *nodes,
			     int *status, int flags)
{
	if (pid != process.pid || (nodes && flags != MPOL_MF_MOVE))
		return refuse(EINVAL);
	if (nodes)
		return move_pages_of(count, pages, nodes, status);
	kernel.looks++;
	if (kernel.refuse_looks)
		return refuse(kernel.refuse_looks);
	for (unsigned long p = 0; p < count; p++)
		status[p] = kernel.node[index_of(pages[p])];
	return 0;
}

/* All on node 0, wherever it is really; nodes 1 and 2 have room. */
static inline void starts_with(uint64_t size)
{
	process_starts(1, &(struct area){ .size = size, .touch = true });
	put_free(1, 1000000);
	put_free(2, 2000000);
}

static inline void setup_mover(void)
{
	make_host();
	kernel = (struct kernel){ 0 };
	ck_assert_int_eq(mover_new(&fs, fake_call, &mover), 0);
}

static inline void teardown_mover(void)
{
	mover_free(mover, &answer);
	process_ends();
	remove_host();
}

static inline size_t pages_on(int node)
{
	size_t n = 0;

	for (size_t i = 0; i < process.area[0].size / PAGE; i++)
		n += kernel.node[i] == node;
	return n;
}

#endif
