/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which calls does a tick read by? */
#include "scale_floor.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "limits.h"
#include "util.h"

enum { CALLS_MAX = 65536, PATHS_MAX = 4 * 1024 * 1024, FILES_MAX = 65536 };

enum call_kind { CALL_OPEN, CALL_EXISTS, CALL_READ, CALL_LIST, CALL_CLOSE, CALL_AFFINITY };

struct call {
	enum call_kind kind;
	int fd; /* of the folder, where there is a path */
	int flags;
	int answer; /* the file that was opened */
	size_t size, path;
	off_t offset;
};

static struct call calls[CALLS_MAX];
static char paths[PATHS_MAX];
static size_t ncalls, paths_used;
static bool noting;

static struct call *note(enum call_kind kind, int fd)
{
	struct call *c = &calls[ncalls];

	if (!noting)
		return NULL;
	if (++ncalls == CALLS_MAX)
		errx(1, "too many calls in a tick");
	*c = (struct call){ .kind = kind, .fd = fd };
	return c;
}

static size_t note_path(const char *path)
{
	size_t at = paths_used, n = strlen(path) + 1;

	if (n > sizeof paths - at)
		errx(1, "too many paths in a tick");
	memcpy(paths + at, path, n);
	paths_used += n;
	return at;
}

/* ---- between the daemon and libc -------------------------------------------------------- */

__typeof__(pread) __real_pread, __wrap_pread;
__typeof__(getdents64) __real_getdents64, __wrap_getdents64;
__typeof__(close) __real_close, __wrap_close;
__typeof__(faccessat) __real_faccessat, __wrap_faccessat;
__typeof__(openat) __real_openat, __wrap_openat;

ssize_t __wrap_pread(int fd, void *buf, size_t size, off_t offset)
{
	struct call *c = note(CALL_READ, fd);

	if (c) {
		c->size = size;
		c->offset = offset;
	}
	return __real_pread(fd, buf, size, offset);
}

ssize_t __wrap_getdents64(int fd, void *buf, size_t size)
{
	struct call *c = note(CALL_LIST, fd);

	if (c)
		c->size = size;
	return __real_getdents64(fd, buf, size);
}

int __wrap_close(int fd)
{
	(void)note(CALL_CLOSE, fd);
	return __real_close(fd);
}

int __wrap_faccessat(int fd, const char *path, int mode, int flags)
{
	struct call *c = note(CALL_EXISTS, fd);

	if (c) {
		c->path = note_path(path);
		c->flags = mode;
	}
	return __real_faccessat(fd, path, mode, flags);
}

/* What is opened to be written is not read. */
int __wrap_openat(int fd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	struct call *c;
	int opened;
	va_list args;

	va_start(args, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	opened = __real_openat(fd, path, flags, mode);
	c = (flags & O_ACCMODE) == O_RDONLY ? note(CALL_OPEN, fd) : NULL;

	if (c) {
		c->path = note_path(path);
		c->flags = flags;
		c->answer = opened;
	}
	return opened;
}

void scale_floor_note_affinity(size_t size)
{
	struct call *c = note(CALL_AFFINITY, 0);

	if (c)
		c->size = size;
}

/* ---- once more ------------------------------------------------------------------------------ */

/* A file that was opened in between has another number now; -1: it is the same. */
static int now_at[FILES_MAX];

static int fd_of(int fd)
{
	return fd >= 0 && fd < FILES_MAX && now_at[fd] >= 0 ? now_at[fd] : fd;
}

static void open_again(const struct call *c)
{
	int fd = __real_openat(c->fd, paths + c->path, c->flags);

	if (fd >= 0 && c->answer >= 0 && c->answer < FILES_MAX)
		now_at[c->answer] = fd;
}

static void close_again(int fd)
{
	if (fd < 0 || fd >= FILES_MAX || now_at[fd] < 0)
		return; /* it was open before, and is closed by now */
	__real_close(now_at[fd]);
	now_at[fd] = -1;
}

static ssize_t call_again(const struct call *c)
{
	static _Alignas(struct dirent64) char text[KT_FILE_MAX];
	cpu_set_t mask;

	switch (c->kind) {
	case CALL_OPEN:
		open_again(c);
		return 0;
	case CALL_EXISTS:
		return __real_faccessat(c->fd, paths + c->path, c->flags, 0);
	case CALL_READ:
		return __real_pread(fd_of(c->fd), text, c->size, c->offset);
	case CALL_LIST:
		return __real_getdents64(fd_of(c->fd), text, c->size);
	case CALL_CLOSE:
		close_again(c->fd);
		return 0;
	case CALL_AFFINITY:
		return sched_getaffinity(0, KT_MIN(c->size, sizeof mask), &mask);
	}
	return 0;
}

void scale_floor_begin(void)
{
	ncalls = paths_used = 0;
	noting = true;
}

void scale_floor_end(void)
{
	noting = false;
}

size_t scale_floor_repeat(void)
{
	static bool ready;

	if (!ready)
		memset(now_at, 0xff, sizeof now_at);
	ready = true;
	for (size_t i = 0; i < ncalls; i++)
		(void)call_again(&calls[i]);
	/* What the tick has kept open it had no more need to open. */
	for (size_t i = 0; i < ncalls; i++)
		if (calls[i].kind == CALL_OPEN && calls[i].answer >= 0)
			close_again(calls[i].answer);
	return ncalls;
}
