/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else moves guests between nodes, numad or the kernel itself, and which daemons run? */
#include <errno.h>
#include <string.h>

#include "sense_private.h"
#include "str.h"

/* Any process may call itself so, one that a guest broke into too; only root's can move
 * others.  status writes no newline of a name as one.  It can be long, but not before that. */
static bool is_daemon(const struct hostfs *fs, pid_t pid, const char *name)
{
	char path[64], text[1024], first[64];
	ssize_t n;

	if (pid <= 0 || str_format(path, sizeof path, "proc/%d/status", pid) < 0 ||
	    str_format(first, sizeof first, "Name:\t%s\n", name) < 0)
		return false;
	n = hostfs_read(fs, path, text, sizeof text);
	return (n > 0 || n == -EFBIG) && strncmp(text, first, strlen(first)) == 0 &&
	       strstr(text, "\nUid:\t0\t");
}

struct search {
	const struct hostfs *fs;
	const char *name;
	pid_t found;
};

static int take_daemon(void *context, pid_t pid)
{
	struct search *search = context;
	char path[64], text[64];

	if (str_format(path, sizeof path, "proc/%d/comm", pid) < 0 ||
	    hostfs_read(search->fs, path, text, sizeof text) <= 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, search->name) != 0 || !is_daemon(search->fs, pid, search->name))
		return 0;
	search->found = pid;
	return 1;
}

pid_t sense_find_daemon(const struct hostfs *fs, const char *name)
{
	struct search search = { .fs = fs, .name = name };

	return hostfs_each_number(fs, "proc", take_daemon, &search) > 0 ? search.found : 0;
}

static pid_t pid_in_file(struct sense *s)
{
	uint64_t pid;

	if (hostfs_read_u64(s->fs, "run/numad.pid", &pid) < 0 || pid > INT32_MAX)
		return 0;
	return (pid_t)pid;
}

/* News of one guest do not wait for a look at everybody's processes. */
static bool is_search_due(struct sense *s, enum sense_scope scope)
{
	if (scope == SENSE_NEW)
		return false;
	if (s->numad_due > 0) {
		s->numad_due--;
		return false;
	}
	s->numad_due = SAMPLES_BETWEEN_LOOKS - 1;
	return true;
}

/* Its file is where it has been for ten years.  Should it be started without one, it moves
 * a guest within minutes at the earliest: then all of /proc is looked through, seldom. */
static bool numad_runs(struct sense *s, enum sense_scope scope)
{
	bool search = is_search_due(s, scope);

	if (is_daemon(s->fs, s->numad, "numad"))
		return true;
	s->numad = pid_in_file(s);
	if (is_daemon(s->fs, s->numad, "numad"))
		return true;
	s->numad = search ? sense_find_daemon(s->fs, "numad") : 0;
	return s->numad > 0;
}

/* A kernel without it has no such file, and will not get one. */
static void read_numa_balancing(struct sense *s, struct host_sample *h)
{
	if (s->numa_balancing.fd < 0 && s->nsamples % SAMPLES_BETWEEN_LOOKS != 0)
		return;
	h->has_numa_balancing =
		sense_text(s, &s->numa_balancing, "proc/sys/kernel/numa_balancing") > 0 &&
		str_u64(s->text, &h->numa_balancing) == 0;
}

void sense_tuners_read(struct sense *s, enum sense_scope scope, struct host_sample *ret)
{
	ret->numad_runs = numad_runs(s, scope);
	read_numa_balancing(s, ret);
}
