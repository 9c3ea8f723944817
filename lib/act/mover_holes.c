/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pieces of a guest's memory hold no page, and need not be looked at?
 *
 * Memory that can be plugged in is one mapping of all that there may ever be.  To ask
 * move_pages(2) about nothing costs 23 s of CPU for a TiB of it; its page map says the same
 * 27 times faster (measured: 16 GiB with 64 MiB in it, 0.37 s and 0.014 s). */
#include "mover_private.h"
#include "str.h"

/* Of proc_pid_pagemap(5).  A page on its way to another node is shown as swapped out. */
static const uint64_t is_present = UINT64_C(1) << 63, is_swapped = UINT64_C(1) << 62;

void mover_holes_open(struct mover *m)
{
	char path[64];

	m->pagemap = HOSTFILE_CLOSED;
	if (str_format(path, sizeof path, "proc/%d/pagemap", m->job.pid) < 0 ||
	    hostfile_read_at(m->fs, &m->pagemap, path, m->entry, 0, 0) < 0)
		hostfile_close(&m->pagemap);
}

void mover_holes_close(struct mover *m)
{
	hostfile_close(&m->pagemap);
}

bool mover_is_hole(struct mover *m, uint64_t start, uint64_t end)
{
	uint64_t page_size = m->page_kib * 1024, any = 0;
	size_t n = KT_MIN((end - start) / page_size, KT_ARRAY_LEN(m->entry));
	size_t size = n * sizeof m->entry[0];
	uint64_t at = start / page_size * sizeof m->entry[0];

	if (m->pagemap.fd < 0 ||
	    hostfile_read_at(m->fs, &m->pagemap, NULL, m->entry, size, at) != (ssize_t)size)
		return false;
	for (size_t i = 0; i < n; i++)
		any |= m->entry[i];
	return !(any & (is_present | is_swapped));
}
