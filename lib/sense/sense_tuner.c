/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else moves guests between nodes: numad, or the kernel itself? */
#include <errno.h>
#include <string.h>

#include "sense_private.h"
#include "str.h"

/* Any process may call itself so, one that a guest broke into too; only root's can move
 * others.  status writes no newline of a name as one. */
static bool is_numad(struct sense *s, pid_t pid)
{
	static const char name[] = "Name:\tnumad\n";
	char path[64];

	return pid > 0 && str_format(path, sizeof path, "proc/%d/status", pid) == 0 &&
	       hostfs_read(s->fs, path, s->text, sizeof s->text) > 0 &&
	       strncmp(s->text, name, sizeof name - 1) == 0 && strstr(s->text, "\nUid:\t0\t");
}

static pid_t pid_in_file(struct sense *s)
{
	uint64_t pid;

	if (hostfs_read_u64(s->fs, "run/numad.pid", &pid) < 0 || pid > INT32_MAX)
		return 0;
	return (pid_t)pid;
}

static int take_numad(void *context, pid_t pid)
{
	struct sense *s = context;
	char path[64];

	if (str_format(path, sizeof path, "proc/%d/comm", pid) < 0 ||
	    hostfs_read(s->fs, path, s->text, sizeof s->text) < 0 ||
	    strcmp(s->text, "numad\n") != 0 || !is_numad(s, pid))
		return 0;
	s->numad = pid;
	return 1;
}

/* Its file is where it has been for ten years.  Should it be started without one, it moves
 * a guest within minutes at the earliest: then all of /proc is looked through, seldom. */
static bool numad_runs(struct sense *s)
{
	if (is_numad(s, s->numad))
		return true;
	s->numad = pid_in_file(s);
	if (is_numad(s, s->numad))
		return true;
	s->numad = 0;
	return s->nsamples % SAMPLES_BETWEEN_LOOKS == 0 &&
	       hostfs_each_number(s->fs, "proc", take_numad, s) > 0;
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

void sense_tuners_read(struct sense *s, struct host_sample *ret)
{
	ret->numad_runs = numad_runs(s);
	read_numa_balancing(s, ret);
}
