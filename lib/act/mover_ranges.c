/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which mappings are a guest's memory, and of which of its cells?
 *
 * QEMU makes the memory of its cells in their order, and the kernel gives each the highest
 * addresses that are free: cells of equal size lie in descending order.  Unequal ones need
 * not, a small one may fit above a large one.  Seen with QEMU 7.2 (pc and q35; merged,
 * preallocated, bound to a node; 2 to 8 cells): each cell is one mapping of exactly its
 * size, as an inaccessible page after it keeps it apart from its neighbour. */
#include <errno.h>
#include <string.h>

#include "mover_private.h"
#include "parse.h"
#include "str.h"

/* Less is QEMU's own: buffers, tables, the stacks of threads that are small. */
enum { RANGE_MIN_KIB = 1024 };

struct reading {
	const struct mover_order *order;
	struct mover_ranges *ranges;
};

/* A name such as "[heap]" says whose it is; "[anon:...]" is one that its owner gave it.
 * Private memory of no file has no other. */
static bool is_of_process(const char *line)
{
	const char *name = strchr(line, '[');

	return name && strncmp(name, "[anon:", 6) != 0;
}

/* Nor may it be run: the access stands behind the first blank. */
static bool is_private(const char *line)
{
	const char *access = strchr(line, ' ');

	return access && strncmp(access, " rw-p ", 6) == 0;
}

static bool parse_range(const char *line, struct mover_range *ret)
{
	uint64_t start, end;

	if (!parse_maps_line(line, &start, &end) || !is_private(line) ||
	    (end - start) / 1024 < RANGE_MIN_KIB || is_of_process(line))
		return false;
	*ret = (struct mover_range){ .start = start, .end = end };
	return true;
}

static int add_range(void *context, char *line)
{
	struct reading *reading = context;
	struct mover_ranges *r = reading->ranges;
	struct mover_range range;

	if (!parse_range(line, &range) || range.start < r->resume_at)
		return 0;
	if (r->n == MOVER_RANGES_MAX) {
		r->more = true;
		return 1;
	}
	range.nodes = reading->order->cell[0].nodes;
	r->range[r->n++] = range;
	r->resume_at = range.end;
	return 0;
}

/* Addresses rise from line to line: of equal cells the last one comes first. */
static int add_cell(void *context, char *line)
{
	struct reading *reading = context;
	const struct mover_order *order = reading->order;
	struct mover_range range;
	bool is_cell = false;

	if (!parse_range(line, &range))
		return 0;
	for (unsigned int c = order->ncells; c-- > 0;) {
		struct mover_range *at = &reading->ranges->range[c];

		if (order->cell[c].memory_kib != (range.end - range.start) / 1024)
			continue;
		is_cell = true;
		if (at->end)
			continue;
		range.nodes = order->cell[c].nodes;
		*at = range;
		return 0;
	}
	return is_cell ? -ENOTUNIQ : 0;
}

static bool is_one_cell(const struct mover_order *order)
{
	for (unsigned int c = 1; c < order->ncells; c++)
		if (order->cell[c].nodes != order->cell[0].nodes)
			return false;
	return true;
}

static int read_cells(const struct hostfs *fs, const char *path, struct reading *reading)
{
	struct mover_ranges *r = reading->ranges;
	int answer;

	memset(r->range, 0, reading->order->ncells * sizeof r->range[0]);
	answer = hostfs_each_line(fs, path, r->text, sizeof r->text, add_cell, reading);
	if (answer < 0)
		return answer;
	r->more = false;
	r->n = reading->order->ncells;
	for (size_t c = 0; c < r->n; c++)
		if (!r->range[c].end)
			return -ENOTUNIQ;
	return 0;
}

static int read_more(const struct hostfs *fs, const struct mover_order *order,
		     struct mover_ranges *r)
{
	struct reading reading = { .order = order, .ranges = r };
	char path[64];
	int answer;

	r->n = r->next = 0;
	r->more = false;
	answer = str_format(path, sizeof path, "proc/%d/maps", order->pid);
	if (answer == 0 && !is_one_cell(order))
		return read_cells(fs, path, &reading);
	if (answer == 0)
		answer = hostfs_each_line(fs, path, r->text, sizeof r->text, add_range, &reading);
	return KT_MIN(answer, 0);
}

void mover_ranges_rewind(struct mover_ranges *r)
{
	r->n = r->next = 0;
	r->resume_at = 0;
	r->more = true;
}

int mover_ranges_next(const struct hostfs *fs, const struct mover_order *order,
		      struct mover_ranges *r, struct mover_range *ret)
{
	int answer = r->next == r->n && r->more ? read_more(fs, order, r) : 0;

	if (answer < 0)
		return answer == -ENOENT ? -ESRCH : answer;
	if (r->next == r->n)
		return 0;
	*ret = r->range[r->next++];
	return 1;
}
