/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs and nodes are there now?
 *
 * Their lists are cheap to read, the topology (hwloc) takes 50 ms. */
#include <errno.h>
#include <string.h>

#include "kvmtuned.h"

/* A list that stays odd costs no more than this. */
static const uint64_t retry_ns = 60 * KT_NS_PER_S;

static bool read_lists(struct kvmtuned *k, struct online_lists *ret)
{
	ssize_t n = hostfile_read(&k->fs, &k->cpu_online, "sys/devices/system/cpu/online",
				  ret->cpus, sizeof ret->cpus);

	if (n <= 0)
		return false;
	n = hostfile_read(&k->fs, &k->node_online, "sys/devices/system/node/online", ret->nodes,
			  sizeof ret->nodes);
	if (n == -ENOENT) /* no NUMA in this kernel; its CPUs come and go nevertheless */
		ret->nodes[0] = '\0';
	return n > 0 || n == -ENOENT;
}

static bool is_same(const struct online_lists *a, const struct online_lists *b)
{
	return strcmp(a->cpus, b->cpus) == 0 && strcmp(a->nodes, b->nodes) == 0;
}

static void say_failed(int error)
{
	log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING,
				      .id = LOG_SENSE_FAILED,
				      .error = -error },
		  "CPUs or nodes changed, but the topology cannot be read (%s): see online in "
		  "/sys/devices/system/cpu and node; the topology of before holds until it can",
		  strerror(-error));
}

static int read_topology(struct kvmtuned *k, const struct online_lists *now)
{
	struct topology topology;
	int r = sense_topology(&k->fs, &topology);

	if (r < 0)
		return r;
	log_info("CPUs or nodes changed: %u nodes, CPUs %.*s", topology.nnodes,
		 (int)strcspn(now->cpus, "\n"), now->cpus);
	k->topology = topology;
	return 0;
}

void hotplug_look(struct kvmtuned *k, uint64_t now_ns)
{
	struct online_lists now;
	int r = 0;

	if (!read_lists(k, &now))
		return;
	if (is_same(&now, &k->online)) {
		k->topology_retry_ns = 0;
		return;
	}
	if (now_ns < k->topology_retry_ns)
		return;
	if (k->online.cpus[0]) /* else read at the start, a moment ago */
		r = read_topology(k, &now);
	if (r < 0 && !k->topology_retry_ns)
		say_failed(r);
	k->topology_retry_ns = r < 0 ? now_ns + retry_ns : 0;
	if (r == 0)
		k->online = now;
}
