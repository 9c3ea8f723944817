/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only door to /proc, /sys and cgroups.  It opens on a root directory, so that
 * a recorded host can stand in for this one.  Paths are relative to that root and
 * have no leading slash: "proc/meminfo". */
#ifndef KT_HOSTFS_H
#define KT_HOSTFS_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "limits.h"
#include "util.h"

struct hostfs {
	int root_fd;
	bool is_live; /* the root is "/": PIDs and CPUs are those of the running kernel */
};

/* 0 or -errno of opening the directory. */
int hostfs_open(const char *root, struct hostfs *ret) KT_MUST_USE;
void hostfs_close(struct hostfs *fs);

/* Reads a whole text, NUL-terminates it, returns its length.
 * -EFBIG: it does not fit in size - 1 bytes, and buf holds its beginning; else
 * -errno of open or read.
 * A file with a NUL byte inside (cmdline) is fine: use the length. */
ssize_t hostfs_read(const struct hostfs *fs, const char *path, char *buf, size_t size) KT_MUST_USE;
int hostfs_read_u64(const struct hostfs *fs, const char *path, uint64_t *ret) KT_MUST_USE;
bool hostfs_exists(const struct hostfs *fs, const char *path);
/* Nobody may write it, by its mode; root may open it nevertheless, and is refused later. */
bool hostfs_is_read_only(const struct hostfs *fs, const char *path);
int hostfs_opendir(const struct hostfs *fs, const char *path, DIR **ret) KT_MUST_USE;

/* For lists that may be longer than any buffer: calls `each` with every line,
 * without its newline, with every entry of a directory, or with those whose name is a
 * number.
 * Stops at the first answer other than 0 and returns it; else 0 or -errno.  `buf`
 * is for the lines; one that does not fit in it is left out. */
typedef int hostfs_line_fn(void *context, char *line);
typedef int hostfs_number_fn(void *context, pid_t number);
typedef int hostfs_name_fn(void *context, const char *name);
int hostfs_each_line(const struct hostfs *fs, const char *path, char *buf, size_t size,
		     hostfs_line_fn *each, void *context) KT_MUST_USE;
int hostfs_each_name(const struct hostfs *fs, const char *path, hostfs_name_fn *each,
		     void *context) KT_MUST_USE;
int hostfs_each_number(const struct hostfs *fs, const char *path, hostfs_number_fn *each,
		       void *context) KT_MUST_USE;

/* One write(2) of the text, as sysfs wants it.  lib/act only. */
int hostfs_write(const struct hostfs *fs, const char *path, const char *text) KT_MUST_USE;
/* The same, but a signal ends it: -EINTR. */
int hostfs_write_once(const struct hostfs *fs, const char *path, const char *text) KT_MUST_USE;

/* A file that is opened once and read again with pread.  fd = -1: not open. */
struct hostfile {
	int fd;
};

#define HOSTFILE_CLOSED ((struct hostfile){ .fd = -1 })

/* As hostfs_read.  Opens `path` when it is not open yet; after any error it is
 * closed again, so that the next call starts afresh.  An open file that fails is
 * looked for once more at its path, except after -ESRCH: a process that has gone
 * does not come back, its number does.  `path` may be NULL while the file is open. */
ssize_t hostfile_read(const struct hostfs *fs, struct hostfile *file, const char *path, char *buf,
		      size_t size) KT_MUST_USE;

/* The same with a single read: the whole of what the kernel makes in one piece
 * (anything in sysfs and cgroups, most of /proc), the beginning of anything longer. */
ssize_t hostfile_read_first(const struct hostfs *fs, struct hostfile *file, const char *path,
			    char *buf, size_t size) KT_MUST_USE;

/* So many bytes of a file that is no text, or as many as there are.  Opens `path` when it is
 * not open yet; after any error it is closed again. */
ssize_t hostfile_read_at(const struct hostfs *fs, struct hostfile *file, const char *path,
			 void *buf, size_t size, uint64_t offset) KT_MUST_USE;
void hostfile_close(struct hostfile *file);

#endif
