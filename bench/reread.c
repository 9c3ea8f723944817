/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The floor of a tick: a program that only reads the same files again.
 *	reread ROUNDS PAUSE_MS < LIST-OF-FILES
 * prints how many files it reads and the CPU nanoseconds of one round.  It sleeps
 * between rounds as the daemon does between ticks: both find the caches cold. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FILES_MAX = 65536 };

static long long cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	static int fd[FILES_MAX];
	static char line[4096], text[65536];
	long rounds = argc > 1 ? atol(argv[1]) : 0;
	long pause_ms = argc > 2 ? atol(argv[2]) : 0;
	long long began, used = 0;
	int n = 0;

	while (n < FILES_MAX && fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		fd[n] = open(line, O_RDONLY | O_CLOEXEC);
		if (fd[n] >= 0)
			n++;
	}
	if (n == 0 || rounds <= 0)
		return 1;
	for (long r = 0; r < rounds; r++) {
		usleep((useconds_t)pause_ms * 1000);
		began = cpu_ns();
		for (int i = 0; i < n; i++)
			if (pread(fd[i], text, sizeof text, 0) < 0)
				text[0] = '\0'; /* a guest's thread has gone: as the daemon would
						   see */
		used += cpu_ns() - began;
	}
	printf("%d %lld\n", n, used / rounds);
	return 0;
}
