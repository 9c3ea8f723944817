/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The points of a tick: calls of libc that are about a process. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "faults.h"

#define REAL(call)                                                                                 \
	static __typeof__(call) *real;                                                             \
	if (!real)                                                                                 \
	real = (__typeof__(call) *)fault_real(#call)

int openat(int folder, const char *path, int flags, ...)
{
	enum fault f = fault_begin("openat", __builtin_return_address(0),
				   (struct fault_subject){ .path = path });
	va_list more;
	mode_t mode;
	int fd;

	REAL(openat);
	va_start(more, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
	va_end(more);
	fd = real(folder, path, flags, mode);
	fault_end(f);
	return fd;
}

ssize_t pread(int fd, void *buf, size_t size, off_t offset)
{
	char link[64], path[PATH_MAX] = "";
	enum fault f;
	ssize_t n;

	REAL(pread);
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = '\0';
	f = fault_begin("pread", __builtin_return_address(0),
			(struct fault_subject){ .path = path });
	n = real(fd, buf, size, offset);
	fault_end(f);
	return n;
}

int sched_getaffinity(pid_t tid, size_t size, cpu_set_t *set)
{
	enum fault f = fault_begin("sched_getaffinity", __builtin_return_address(0),
				   (struct fault_subject){ .tid = tid });
	int r;

	REAL(sched_getaffinity);
	r = real(tid, size, set);
	fault_end(f);
	return r;
}

int sched_setaffinity(pid_t tid, size_t size, const cpu_set_t *set)
{
	enum fault f = fault_begin("sched_setaffinity", __builtin_return_address(0),
				   (struct fault_subject){ .tid = tid });
	int r;

	REAL(sched_setaffinity);
	r = real(tid, size, set);
	fault_end(f);
	return r;
}
