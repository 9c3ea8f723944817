/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which process is which guest's?
 *
 * libvirt has no call that tells.  It leaves a PID file, which is quick to read; where
 * that is in another mount namespace, all of /proc is looked through.  Either way the
 * process must have the guest's UUID in its command line.  Two such processes are one
 * too many: somebody pretends, and neither is touched. */
#include <errno.h>
#include <string.h>

#include "sense_private.h"
#include "str.h"

/* A guest is announced before its process may be readable.  Searches get rarer, and never
 * end: whoever pretended to be the guest may be gone one day. */
enum { SEARCH_DISTANCE_MAX = 64 };

typedef int uuid_fn(const char *cmdline, size_t length, struct uuid *ret);

static int uuid_of_process(struct sense *s, pid_t pid, uuid_fn *parse, struct uuid *ret)
{
	char path[64];
	ssize_t n;

	if (str_format(path, sizeof path, "proc/%d/cmdline", pid) < 0)
		return -ENAMETOOLONG;
	n = hostfs_read(s->fs, path, s->text, sizeof s->text);
	if (n == -EFBIG) /* hundreds of disks; the UUID is near the beginning */
		n = sizeof s->text - 1;
	return n < 0 ? (int)n : parse(s->text, (size_t)n, ret);
}

bool sense_process_is(struct sense *s, pid_t pid, const struct domain *d)
{
	struct uuid uuid;

	return uuid_of_process(s, pid, parse_uuid_argument, &uuid) == 0 &&
	       uuid_equal(&uuid, &d->uuid);
}

/* Names are the guests' owners' choice: none of them leads out of the folder. */
static pid_t pid_in_file(struct sense *s, const struct domain *d)
{
	char path[KT_NAME_MAX + 64];
	uint64_t pid;

	if (strchr(d->name, '/') ||
	    str_format(path, sizeof path, "run/libvirt/qemu/%s.pid", d->name) < 0 ||
	    hostfs_read_u64(s->fs, path, &pid) < 0 || pid > INT32_MAX)
		return 0;
	return (pid_t)pid;
}

/* libvirt wrote it, so the program may have any name: /usr/bin/kvm-spice. */
static bool by_pid_file(struct sense *s, struct guest_source *g, const struct domain *d)
{
	pid_t pid = pid_in_file(s, d);

	if (pid <= 0 || !sense_process_is(s, pid, d))
		return false;
	g->pid = pid;
	return true;
}

bool sense_process_is_replaced(struct sense *s, size_t slot, const struct domain_slot *guest)
{
	const struct guest_source *g = &s->guest[slot];
	pid_t pid;

	if (!g->pid || g->incarnation != guest->incarnation)
		return false;
	pid = pid_in_file(s, &guest->domain);
	return pid > 0 && pid != g->pid && sense_process_is(s, pid, &guest->domain);
}

struct scan {
	struct sense *s;
	const struct domains *ds;
	pid_t found[KT_GUESTS_MAX]; /* -1: more than one */
};

static int take_process(void *context, pid_t pid)
{
	struct scan *scan = context;
	struct uuid uuid;
	int slot;

	if (uuid_of_process(scan->s, pid, parse_qemu_uuid, &uuid) < 0)
		return 0;
	slot = domains_find(scan->ds, &uuid);
	if (slot >= 0)
		scan->found[slot] = scan->found[slot] ? -1 : pid;
	return 0;
}

/* Once for all guests that are looked for. */
static void by_scan(struct sense *s, const struct domains *ds)
{
	struct scan scan = { .s = s, .ds = ds };

	if (hostfs_each_number(s->fs, "proc", take_process, &scan) < 0)
		return;
	for (size_t i = 0; i < ds->nslots; i++)
		if (s->guest[i].incarnation && s->guest[i].pid == 0 && scan.found[i] > 0)
			s->guest[i].pid = scan.found[i];
}

void sense_find_processes(struct sense *s, const struct domains *ds)
{
	bool scan = false;

	for (size_t i = 0; i < ds->nslots; i++) {
		struct guest_source *g = &s->guest[i];

		if (!g->incarnation || g->pid || g->nsamples < g->next_search)
			continue;
		g->nsearches++;
		g->next_search = g->nsamples + KT_MIN(1U << KT_MIN(g->nsearches, 16U),
						      (unsigned int)SEARCH_DISTANCE_MAX);
		if (!by_pid_file(s, g, &ds->slot[i].domain))
			scan = true;
	}
	if (scan)
		by_scan(s, ds);
}
