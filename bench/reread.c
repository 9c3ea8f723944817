/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The floor of a tick: a program that only makes the same reads again.
 *	reread ROUNDS PAUSE_MS TICKS < LIST
 * The list is of so many ticks: a line is a file, or "mask TID" for the CPUs that a thread may
 * run on.  Prints how many reads a tick has and their CPU nanoseconds.  It sleeps before each as
 * the daemon does: both find the caches cold. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { READS_MAX = 262144 };

struct reading {
	int fd; /* -1: of a thread's mask */
	pid_t tid;
};

static struct reading list[READS_MAX];

static long long cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static struct reading open_reading(char *line)
{
	struct reading r = { .fd = -1 };

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "mask %d", &r.tid) != 1)
		r.fd = open(line, O_RDONLY | O_CLOEXEC);
	return r;
}

static void read_again(const struct reading *r)
{
	static char text[65536];
	cpu_set_t mask;

	if (r->tid)
		(void)sched_getaffinity(r->tid, sizeof mask, &mask);
	else if (pread(r->fd, text, sizeof text, 0) < 0)
		text[0] = '\0'; /* a guest's thread has gone: as the daemon would see */
}

int main(int argc, char **argv)
{
	static char line[4096];
	long rounds = argc > 1 ? atol(argv[1]) : 0;
	long pause_ms = argc > 2 ? atol(argv[2]) : 0;
	int ticks = argc > 3 ? atoi(argv[3]) : 1;
	long long began, used = 0;
	int n = 0;

	while (n < READS_MAX && fgets(line, sizeof line, stdin)) {
		list[n] = open_reading(line);
		n += list[n].fd >= 0 || list[n].tid;
	}
	if (n == 0 || rounds <= 0 || ticks <= 0)
		return 1;
	for (long tick = 0; tick < rounds * ticks; tick++) {
		int from = (int)(tick % ticks) * n / ticks,
		    to = ((int)(tick % ticks) + 1) * n / ticks;

		usleep((useconds_t)pause_ms * 1000);
		began = cpu_ns();
		for (int i = from; i < to; i++)
			read_again(&list[i]);
		used += cpu_ns() - began;
	}
	printf("%d %lld\n", n / ticks, used / rounds / ticks);
	return 0;
}
