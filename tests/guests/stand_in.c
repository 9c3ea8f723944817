/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a guest look like from outside, where a thousand QEMUs have no room?
 *
 * Reads UUIDs, one a line, starts for each a process that has QEMU's threads and its UUID in
 * the command line, and answers each with the PID.  All of them end with this one, which ends
 * with its input.  Their libvirt is the test driver, which has domains and no processes. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK_BYTES = 64 * 1024, UUID_MAX = 64 };

static void *sleep_for_ever(void *nothing)
{
	for (;;)
		pause();
	return nothing;
}

/* argv: PROGRAM -uuid UUID READY-FD.  Closing READY-FD says that all threads are there. */
static int be_guest(int ready_fd)
{
	static const char *const names[] = { "IO mon_iothread", "CPU 0/TCG" };
	pthread_attr_t small;
	pthread_t thread;

	(void)pthread_attr_init(&small);
	(void)pthread_attr_setstacksize(&small, STACK_BYTES);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (pthread_create(&thread, &small, sleep_for_ever, NULL) != 0 ||
		    pthread_setname_np(thread, names[i]) != 0)
			return 1;
	(void)prctl(PR_SET_NAME, "qemu-system-x86");
	(void)close(ready_fd);
	return pause();
}

static void start(const char *uuid, int ready_fd)
{
	char fd[16];

	(void)snprintf(fd, sizeof fd, "%d", ready_fd);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)execl("/proc/self/exe", "qemu-system-x86_64", "-uuid", uuid, fd, NULL);
	_exit(127);
}

/* Returns when all its threads are there. */
static pid_t start_and_wait(const char *uuid)
{
	int ends[2];
	char byte;
	pid_t pid;

	if (pipe(ends) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		(void)close(ends[0]);
		start(uuid, ends[1]);
	}
	(void)close(ends[1]);
	(void)!read(ends[0], &byte, 1);
	(void)close(ends[0]);
	return pid;
}

int main(int argc, char **argv)
{
	char uuid[UUID_MAX];

	if (argc == 4 && strcmp(argv[1], "-uuid") == 0)
		return be_guest(atoi(argv[3]));
	(void)signal(SIGCHLD, SIG_IGN); /* whoever kills one need not wait for it */
	while (fgets(uuid, sizeof uuid, stdin)) {
		uuid[strcspn(uuid, "\n")] = '\0';
		printf("%d\n", start_and_wait(uuid));
		(void)fflush(stdout);
	}
	return 0;
}
