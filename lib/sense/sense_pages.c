/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where is the memory of a guest whose cgroup does not tell?
 *
 * The kernel is asked for the nodes of some thousand of its pages: it looks each of them
 * up, whatever the guest's size, where numa_maps walks them all under the mmap lock.  This
 * is the one answer that is in no file. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "sense_private.h"
#include "str.h"

enum {
	MAPPINGS = 64, /* the largest */
	PAGES = 4096,  /* a share of one half is then known to 1.6 % (two sigma) */
	BATCH = 512,
	FOUND_MIN = 64,         /* of a guest that has hardly touched its memory */
	MAPPING_MIN_KIB = 1024, /* below: stacks, heaps of threads, libraries */
};

struct mapping {
	uint64_t start, npages;
};

struct mappings {
	uint64_t page_bytes, npages;
	size_t n;
	struct mapping mapping[MAPPINGS];
};

/* Where the next one goes: behind the others, or in place of the smallest. */
static struct mapping *place_for(struct mappings *m, uint64_t npages)
{
	struct mapping *smallest = m->mapping;

	if (m->n < MAPPINGS)
		return &m->mapping[m->n++];
	for (size_t i = 1; i < MAPPINGS; i++)
		if (m->mapping[i].npages < smallest->npages)
			smallest = &m->mapping[i];
	return smallest->npages < npages ? smallest : NULL;
}

static int take_mapping(void *context, char *line)
{
	struct mappings *m = context;
	uint64_t start, end, npages;
	struct mapping *place;

	if (!parse_maps_line(line, &start, &end) || end - start < MAPPING_MIN_KIB * 1024)
		return 0;
	npages = (end - start) / m->page_bytes;
	place = place_for(m, npages);
	if (place)
		*place = (struct mapping){ start, npages };
	return 0;
}

static uint64_t sum_of(const struct mappings *m)
{
	uint64_t npages = 0;

	for (size_t i = 0; i < m->n; i++)
		if (__builtin_add_overflow(npages, m->mapping[i].npages, &npages))
			return 0; /* no address space is so large */
	return npages;
}

static uint64_t address_of(const struct mappings *m, uint64_t page)
{
	for (size_t i = 0; i < m->n; i++) {
		if (page < m->mapping[i].npages)
			return m->mapping[i].start + page * m->page_bytes;
		page -= m->mapping[i].npages;
	}
	return 0;
}

/* One page of each stretch of equal length, but never the same one of each: memory that is
 * spread over nodes by turns would else seem to be on one.  Not random: the same memory
 * gives the same answer. */
uint64_t sense_pages_pick(uint64_t npages, uint64_t i, uint64_t n)
{
	uint64_t stretch = npages / n;
	uint64_t mixed = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	return stretch * i + (mixed >> 32) % stretch;
}

/* Status of a page: its node, or why it has none: not there, a zero page. */
static int count_batch(pid_t pid, void **address, size_t n, uint64_t pages[KT_NODES_MAX],
		       uint64_t *found)
{
	int status[BATCH];

	memset(status, 0xff, sizeof status);
	if (syscall(SYS_move_pages, pid, n, address, NULL, status, 0) < 0)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		if (status[i] < 0 || status[i] >= KT_NODES_MAX)
			continue;
		pages[status[i]]++;
		++*found;
	}
	return 0;
}

static int count_pages(pid_t pid, const struct mappings *m, uint64_t pages[KT_NODES_MAX],
		       uint64_t *ret_found)
{
	uint64_t n = KT_MIN(m->npages, (uint64_t)PAGES), found = 0;
	void *address[BATCH];
	int r = 0;

	for (uint64_t done = 0; r == 0 && done < n;) {
		size_t batch = (size_t)KT_MIN(n - done, (uint64_t)BATCH);

		for (size_t i = 0; i < batch; i++)
			address[i] = (void *)(uintptr_t)address_of(
				m, sense_pages_pick(m->npages, done + i, n));
		r = count_batch(pid, address, batch, pages, &found);
		done += batch;
	}
	*ret_found = found;
	return r;
}

int sense_pages_read(struct sense *s, pid_t pid, uint64_t rss_kib, uint64_t kib[KT_NODES_MAX])
{
	struct mappings m = { .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE) };
	uint64_t pages[KT_NODES_MAX] = { 0 }, found = 0;
	char path[64];
	int r;

	if (!s->fs->is_live)
		return -ENOTSUP; /* the number is another process here */
	r = str_format(path, sizeof path, "proc/%d/maps", pid);
	if (r == 0)
		r = hostfs_each_line(s->fs, path, s->text, sizeof s->text, take_mapping, &m);
	m.npages = sum_of(&m);
	if (r == 0 && m.npages == 0)
		r = -ENODATA;
	if (r == 0)
		r = count_pages(pid, &m, pages, &found);
	if (r < 0 || found < FOUND_MIN)
		return r < 0 ? r : -ENODATA;
	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		kib[n] = (uint64_t)((double)rss_kib * (double)pages[n] / (double)found);
	return 0;
}
