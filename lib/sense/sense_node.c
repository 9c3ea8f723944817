/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How full is each node, and how often did it have to serve others? */
#include <errno.h>
#include <string.h>

#include "sense_private.h"

/* "Node 3 MemTotal:  1048576 kB": what is before the key goes. */
static void strip_node_words(char *text)
{
	char *to = text;

	while (*text) {
		size_t n = strcspn(text, "\n");
		size_t skip = strspn(text, "Node ");

		skip += strspn(text + skip, "0123456789");
		skip += strspn(text + skip, " ");
		skip = KT_MIN(skip, n);
		memmove(to, text + skip, n - skip);
		to += n - skip;
		text += n;
		if (*text)
			*to++ = *text++;
	}
	*to = '\0';
}

/* Guests may have their memory in it, and that is counted as theirs. */
static uint64_t without_shmem(const char *text, uint64_t file_kib)
{
	uint64_t shmem_kib = 0;
	const struct parse_key shmem = { "Shmem", &shmem_kib };

	(void)parse_keys(text, &shmem, 1);
	return file_kib - KT_MIN(shmem_kib, file_kib);
}

/* 0: read; -EINVAL: not understood; -errno. */
static int read_node(struct sense *s, unsigned int id, struct node_sample *n)
{
	const struct parse_key memory[] = { { "MemTotal", &n->mem_total_kib },
					    { "MemFree", &n->mem_free_kib },
					    { "FilePages", &n->file_kib } };
	const struct parse_key allocations[] = { { "numa_hit", &n->numa_hit_total },
						 { "numa_miss", &n->numa_miss_total },
						 { "numa_foreign", &n->numa_foreign_total },
						 { "local_node", &n->local_node_total },
						 { "other_node", &n->other_node_total } };

	ssize_t length =
		sense_text(s, &s->node_meminfo[id], "sys/devices/system/node/node%u/meminfo", id);

	if (length < 0)
		return (int)length;
	strip_node_words(s->text);
	n->present = parse_keys(s->text, memory, KT_ARRAY_LEN(memory)) == KT_ARRAY_LEN(memory);
	n->file_kib = without_shmem(s->text, n->file_kib);
	if (n->present && s->capabilities.node_numastat &&
	    sense_text(s, &s->node_numastat[id], "sys/devices/system/node/node%u/numastat", id) > 0)
		n->has_numastat = parse_keys(s->text, allocations, KT_ARRAY_LEN(allocations)) ==
				  KT_ARRAY_LEN(allocations);
	return n->present ? 0 : -EINVAL;
}

/* A node that is on-line and cannot be read just now has not gone: guests would leave it for
 * good.  What it said last holds. */
static void look_at_node(struct sense *s, unsigned int id, struct node_sample *ret)
{
	struct node_sample n = { 0 };
	int r = read_node(s, id, &n);

	if (r == 0 || r == -ENOENT)
		s->node[id] = n;
	sense_note(s, r, "sys/devices/system/node/node%u/meminfo", id);
	*ret = s->node[id];
}

/* A kernel without NUMA has no such list.  One that cannot be read just now, or has no node in it,
 * says nothing: that of before holds. */
static void read_online(struct sense *s)
{
	ssize_t length = sense_text(s, &s->nodes_online, "sys/devices/system/node/online");
	struct cpumask nodes; /* of node ids: the same list format */

	if (length == -ENOENT)
		s->nodes = (struct cpumask){ 0 };
	else if (length >= 0 && cpumask_parse(s->text, &nodes) == 0 && !cpumask_empty(&nodes))
		s->nodes = nodes;
}

void sense_nodes_read(struct sense *s, struct host_sample *ret)
{
	read_online(s);
	for (unsigned int id = 0; id < KT_NODES_MAX; id++)
		if (cpumask_test(&s->nodes, id))
			look_at_node(s, id, &ret->node[id]);
		else
			s->node[id] = (struct node_sample){ 0 };
}
