/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel whose files fail.  Included by one file of a test: it takes the place of the calls
 * by which files are opened, read and written, for all below the folder that `faulty_root_fd`
 * is.  What the test puts there by other means is an administrator's doing. */
#ifndef KT_FAULTY_H
#define KT_FAULTY_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "faulty_seen.h"
#include "kt_check.h"

/* What a fault does. */
enum fault_how {
	FAULT_NONE,
	/* to whoever opens or reads */
	FAULT_OPEN,     /* the error, at open(2) */
	FAULT_READ,     /* the error, at read(2) of a file that could be opened */
	FAULT_VANISHED, /* ... and open(2) finds none: as a process or device that has gone */
	FAULT_EMPTY,
	FAULT_HALF,
	FAULT_HUGE, /* followed by more than any buffer holds */
	FAULT_GARBAGE,
	FAULT_NUMBERS,  /* each number is the largest there is ... */
	FAULT_NEGATIVE, /* ... or less than none ... */
	FAULT_ZERO,     /* ... or none */
	FAULT_NULS,
	/* to whoever writes */
	FAULT_WRITE,      /* the error, at write(2) */
	FAULT_WRITE_OPEN, /* the error, at open(2) for writing */
	FAULT_SHORT,      /* a part is written */
	FAULT_DONE,       /* the error, though it is done */
	FAULT_BLIND,      /* it is done, and the error is the next read's, and all that follow */
	FAULT_DEAF,       /* it is not done, and there is no error */
	FAULT_OTHER,      /* somebody else writes `text`, right behind us */
};

static struct fault {
	const char *path; /* below the root; NULL: none fails */
	enum fault_how how;
	int error;
	const char *text;
	unsigned int times; /* it happens; 0: again and again */
} fault;

enum { FAULTY_FDS = 1024 };

static int faulty_root_fd = -1;
static char faulty_path_of[FAULTY_FDS][FAULTY_PATH]; /* below the root; "": another file */
static bool faulty_is_blind;
static unsigned int faulty_hits; /* how often the fault has struck */
static unsigned int faulty_writes;
/* NULL: any time will do.  Else asked before each write. */
static bool (*faulty_may_write)(const char *path);
static bool faulty_unfiled; /* it answered that it may not */

/* NULL: all other folders are as they are.  Else asked first: a descriptor, -errno, or 0: open it.
 */
static int (*faulty_elsewhere)(const char *path, int flags);

static inline int faulty_refuses(int error)
{
	errno = error;
	return -1;
}

static inline bool faulty_is(const char *path, enum fault_how how)
{
	if (!fault.path || fault.how != how || strcmp(path, fault.path) != 0)
		return false;
	faulty_hits++;
	if (fault.times && faulty_hits > fault.times)
		return false;
	return true;
}

/* -1: it is to be opened. */
static inline int faulty_opens(const char *path, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;

	if (faulty_is(path, FAULT_OPEN) || (writes && faulty_is(path, FAULT_WRITE_OPEN)))
		return fault.error;
	return !writes && faulty_is(path, FAULT_VANISHED) ? ENOENT : 0;
}

int openat(int dir_fd, const char *path, int flags, ...)
{
	bool is_ours = faulty_root_fd >= 0 && dir_fd == faulty_root_fd;
	mode_t mode = 0;
	va_list args;
	int fd, error;

	va_start(args, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	error = is_ours ? faulty_opens(path, flags) : 0;
	if (error)
		return faulty_refuses(error);
	fd = !is_ours && faulty_elsewhere ? faulty_elsewhere(path, flags) : 0;
	if (fd)
		return fd < 0 ? faulty_refuses(-fd) : fd;
	fd = (int)syscall(SYS_openat, dir_fd, path, flags, mode);
	error = errno;
	if (is_ours)
		faulty_note_open(path, flags, fd < 0);
	if (fd >= 0 && fd < FAULTY_FDS)
		snprintf(faulty_path_of[fd], FAULTY_PATH, "%s", is_ours ? path : "");
	errno = error;
	return fd;
}

/* Whoever may not read a file, or cannot, may still ask whether it is there. */
int faccessat(int dir_fd, const char *path, int mode, int flags)
{
	bool is_ours = faulty_root_fd >= 0 && dir_fd == faulty_root_fd;
	int r;

	if (is_ours && ((fault.error == ENOENT && faulty_is(path, FAULT_OPEN)) ||
			faulty_is(path, FAULT_VANISHED)))
		return faulty_refuses(ENOENT);
	ck_assert_int_eq(flags, 0);
	r = (int)syscall(SYS_faccessat, dir_fd, path, mode);
	if (is_ours)
		faulty_note(path, r < 0);
	return r;
}

int close(int fd)
{
	if (fd >= 0 && fd < FAULTY_FDS)
		faulty_path_of[fd][0] = '\0';
	return (int)syscall(SYS_close, fd);
}

/* "" for all that is not ours. */
static inline const char *faulty_path(int fd)
{
	return fd >= 0 && fd < FAULTY_FDS ? faulty_path_of[fd] : "";
}

/* ---- what is read -------------------------------------------------------------------------- */

/* Each number of the text becomes another one. */
static inline size_t faulty_replace(char *text, size_t size, const char *number)
{
	char copy[65536];
	size_t n = 0;

	for (const char *s = text; *s && n + 32 < sizeof copy;) {
		size_t digits = strspn(s, "0123456789");

		if (digits) {
			n += (size_t)snprintf(copy + n, sizeof copy - n, "%s", number);
			s += digits;
		} else {
			copy[n++] = *s++;
		}
	}
	n = KT_MIN(n, size - 1);
	memcpy(text, copy, n);
	return n;
}

/* Returns the new length. */
static inline size_t faulty_change(char *text, size_t n, size_t size)
{
	text[n] = '\0';
	switch ((int)fault.how) {
	case FAULT_HALF:
		return n / 2;
	case FAULT_HUGE:
		memset(text + n, '7', size - n);
		return size;
	case FAULT_GARBAGE:
		for (size_t i = 0; i < n; i++)
			text[i] = (char)(0x80 + (i * 37 + 11) % 0x7f);
		return n;
	case FAULT_NUMBERS:
		return faulty_replace(text, size, "18446744073709551615");
	case FAULT_NEGATIVE:
		return faulty_replace(text, size, "-1");
	case FAULT_ZERO:
		return faulty_replace(text, size, "0");
	case FAULT_NULS:
		memset(text, 0, n);
		return n;
	default:
		return 0;
	}
}

static inline ssize_t faulty_serve(int fd, void *buf, size_t length, off_t offset)
{
	enum { SIZE = 400000 };
	static char *text; /* not among our own variables: some tests live without large mappings */
	size_t whole;
	ssize_t n;

	text = text ? text : malloc(SIZE);
	n = text ? syscall(SYS_pread64, fd, text, 65000, 0) : faulty_refuses(ENOMEM);
	if (n < 0)
		return n;
	whole = faulty_change(text, (size_t)n, SIZE);
	if ((size_t)offset >= whole)
		return 0;
	length = KT_MIN(length, whole - (size_t)offset);
	memcpy(buf, text + offset, length);
	return (ssize_t)length;
}

ssize_t pread(int fd, void *buf, size_t length, off_t offset)
{
	const char *path = faulty_path(fd);

	if (!*path || !fault.path || strcmp(path, fault.path) != 0)
		return syscall(SYS_pread64, fd, buf, length, offset);
	if (faulty_is(path, FAULT_READ) || faulty_is(path, FAULT_VANISHED) ||
	    (faulty_is_blind && faulty_is(path, FAULT_BLIND)))
		return faulty_refuses(fault.error);
	if (fault.how < FAULT_EMPTY || fault.how > FAULT_NULS || !faulty_is(path, fault.how))
		return syscall(SYS_pread64, fd, buf, length, offset);
	return faulty_serve(fd, buf, length, offset);
}

ssize_t getdents64(int fd, void *buf, size_t length)
{
	const char *path = faulty_path(fd);

	if (faulty_is(path, FAULT_READ) || faulty_is(path, FAULT_VANISHED))
		return faulty_refuses(fault.error);
	if (faulty_is(path, FAULT_EMPTY))
		return 0;
	return syscall(SYS_getdents64, fd, buf, length);
}

/* ---- what is written ----------------------------------------------------------------------- */

/* Of choices all are shown, the chosen one in brackets. */
static inline void faulty_put(int fd, const char *word)
{
	char before[256] = "", text[512] = "", path[64];
	ssize_t n = syscall(SYS_pread64, fd, before, sizeof before - 1, 0);
	size_t length = strcspn(word, "\n");
	int to;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (n < 0) { /* open for writing only */
		to = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
		n = syscall(SYS_read, to, before, sizeof before - 1);
		(void)syscall(SYS_close, to);
	}
	before[KT_MAX(n, 0)] = '\0';
	if (!strchr(before, '[')) {
		snprintf(text, sizeof text, "%s", word);
	} else {
		char *rest = before;

		for (char *choice; (choice = strsep(&rest, " []\n"));)
			if (*choice)
				snprintf(text + strlen(text), sizeof text - strlen(text),
					 strncmp(choice, word, length) == 0 && !choice[length]
						 ? "%s[%s]"
						 : "%s%s",
					 text[0] ? " " : "", choice);
		strcat(text, "\n");
	}
	to = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_TRUNC | O_CLOEXEC, 0);
	ck_assert_int_ge(to, 0);
	ck_assert_int_eq(syscall(SYS_write, to, text, strlen(text)), (long)strlen(text));
	(void)syscall(SYS_close, to);
}

/* -1: it is done. */
static inline ssize_t faulty_takes(int fd, const char *path, const char *text)
{
	ssize_t length = (ssize_t)strlen(text);

	if (faulty_is(path, FAULT_WRITE))
		return faulty_refuses(fault.error);
	if (faulty_is(path, FAULT_SHORT))
		return length - 1;
	if (faulty_is(path, FAULT_DEAF))
		return length;
	faulty_put(fd, faulty_is(path, FAULT_OTHER) ? fault.text : text);
	if (faulty_is(path, FAULT_BLIND))
		faulty_is_blind = true;
	return faulty_is(path, FAULT_DONE) ? faulty_refuses(fault.error) : length;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	const char *path = faulty_path(fd);
	char text[256];

	if (!*path)
		return syscall(SYS_write, fd, bytes, length);
	faulty_writes++;
	if (faulty_may_write && !faulty_may_write(path))
		faulty_unfiled = true;
	snprintf(text, sizeof text, "%.*s", (int)length, (const char *)bytes);
	return faulty_takes(fd, path, text);
}

static inline void faulty_begin(int root_fd)
{
	faulty_root_fd = root_fd;
	fault = (struct fault){ 0 };
	faulty_is_blind = faulty_unfiled = false;
	faulty_hits = faulty_writes = 0;
	faulty_seen.n = 0;
	faulty_elsewhere = NULL;
}

static inline void faulty_ends(void)
{
	fault = (struct fault){ 0 };
	faulty_is_blind = false;
}

#endif
