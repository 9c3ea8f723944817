/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does anything of /proc, /sys and cgroups come in, and how does it go out? */
#include "hostfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "str.h"

static int open_below(const struct hostfs *fs, const char *path, int flags)
{
	int fd = openat(fs->root_fd, path, flags | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

/* By identity and not by name: "//" and a bind mount of "/" are the root as well. */
static bool is_root(int fd)
{
	struct stat root, here;

	return stat("/", &root) == 0 && fstat(fd, &here) == 0 && root.st_dev == here.st_dev &&
	       root.st_ino == here.st_ino;
}

int hostfs_open(const char *root, struct hostfs *ret)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret = (struct hostfs){ .root_fd = fd, .is_live = is_root(fd) };
	return 0;
}

void hostfs_close(struct hostfs *fs)
{
	kt_close(&fs->root_fd);
	fs->root_fd = -1;
}

static ssize_t pread_again(int fd, char *buf, size_t size, size_t offset)
{
	ssize_t n;

	do
		n = pread(fd, buf, size, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t read_first(int fd, char *buf, size_t size)
{
	ssize_t n = pread_again(fd, buf, size - 1, 0);

	if (n >= 0)
		buf[n] = '\0';
	return n;
}

/* /proc gives lists in pieces of about a page: only a read of 0 is the end. */
static ssize_t read_whole(int fd, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t n;
	char more;

	while (used < size - 1) {
		n = pread_again(fd, buf + used, size - 1 - used, used);
		if (n < 0)
			return n;
		used += (size_t)n;
		buf[used] = '\0';
		if (n == 0)
			return (ssize_t)used;
	}
	buf[used] = '\0';
	n = pread_again(fd, &more, 1, used);
	if (n != 0)
		return n < 0 ? n : -EFBIG;
	return (ssize_t)used;
}

ssize_t hostfs_read(const struct hostfs *fs, const char *path, char *buf, size_t size)
{
	KT_AUTOCLOSE int fd = open_below(fs, path, O_RDONLY);

	return fd < 0 ? fd : read_whole(fd, buf, size);
}

int hostfs_read_u64(const struct hostfs *fs, const char *path, uint64_t *ret)
{
	char text[64];
	ssize_t n = hostfs_read(fs, path, text, sizeof text);

	return n < 0 ? (int)n : str_u64(text, ret);
}

bool hostfs_exists(const struct hostfs *fs, const char *path)
{
	return faccessat(fs->root_fd, path, F_OK, 0) == 0;
}

bool hostfs_is_read_only(const struct hostfs *fs, const char *path)
{
	struct stat st;

	return fstatat(fs->root_fd, path, &st, 0) == 0 && !(st.st_mode & 0222);
}

int hostfs_opendir(const struct hostfs *fs, const char *path, DIR **ret)
{
	KT_AUTOCLOSE int fd = open_below(fs, path, O_RDONLY | O_DIRECTORY);
	DIR *dir;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	(void)KT_TAKE_FD(fd); /* closedir closes it */
	*ret = dir;
	return 0;
}

/* Hands out the complete lines of buf[0, used) and moves the rest to the front.
 * Returns how much is left, or the negative or positive answer through *answer. */
static size_t hand_out_lines(char *buf, size_t used, bool *skip, hostfs_line_fn *each,
			     void *context, int *answer)
{
	char *line = buf, *end;

	while (!*answer && (end = memchr(line, '\n', used - (size_t)(line - buf)))) {
		*end = '\0';
		if (!*skip)
			*answer = each(context, line);
		*skip = false;
		line = end + 1;
	}
	used -= (size_t)(line - buf);
	memmove(buf, line, used);
	return used;
}

int hostfs_each_line(const struct hostfs *fs, const char *path, char *buf, size_t size,
		     hostfs_line_fn *each, void *context)
{
	KT_AUTOCLOSE int fd = open_below(fs, path, O_RDONLY);
	size_t used = 0, offset = 0;
	bool skip = false; /* inside a line that does not fit */
	int answer = 0;

	if (fd < 0)
		return fd;
	while (!answer) {
		ssize_t n = pread_again(fd, buf + used, size - 1 - used, offset);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		offset += (size_t)n;
		used = hand_out_lines(buf, used + (size_t)n, &skip, each, context, &answer);
		if (used == size - 1) {
			skip = true;
			used = 0;
		}
	}
	buf[used] = '\0';
	return answer || !used || skip ? answer : each(context, buf);
}

/* getdents64 and not readdir: the list of a guest's threads is read again and
 * again, and opendir allocates. */
int hostfs_each_name(const struct hostfs *fs, const char *path, hostfs_name_fn *each, void *context)
{
	KT_AUTOCLOSE int fd = open_below(fs, path, O_RDONLY | O_DIRECTORY);
	_Alignas(struct dirent64) char buf[4096];
	int answer = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	while ((n = getdents64(fd, buf, sizeof buf)) > 0) {
		for (ssize_t at = 0; at < n && !answer;) {
			const struct dirent64 *entry = (const void *)(buf + at);

			at += entry->d_reclen;
			answer = each(context, entry->d_name);
		}
		if (answer)
			return answer;
	}
	return n < 0 ? -errno : 0;
}

struct number_walk {
	hostfs_number_fn *each;
	void *context;
};

/* Numbers of processes and threads start at 1. */
static int take_name(void *context, const char *name)
{
	const struct number_walk *w = context;
	uint64_t n;

	if (*name < '0' || *name > '9' || str_u64(name, &n) < 0 || n == 0 || n > INT32_MAX)
		return 0;
	return w->each(w->context, (pid_t)n);
}

int hostfs_each_number(const struct hostfs *fs, const char *path, hostfs_number_fn *each,
		       void *context)
{
	struct number_walk w = { each, context };

	return hostfs_each_name(fs, path, take_name, &w);
}

int hostfs_write_once(const struct hostfs *fs, const char *path, const char *text)
{
	KT_AUTOCLOSE int fd = open_below(fs, path, O_WRONLY);
	size_t length = strlen(text);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = write(fd, text, length);
	if (n < 0)
		return -errno;
	return (size_t)n == length ? 0 : -EIO;
}

int hostfs_write(const struct hostfs *fs, const char *path, const char *text)
{
	int r;

	do
		r = hostfs_write_once(fs, path, text);
	while (r == -EINTR);
	return r;
}

typedef ssize_t read_fn(int fd, char *buf, size_t size);

static ssize_t read_open_file(const struct hostfs *fs, struct hostfile *file, const char *path,
			      char *buf, size_t size, read_fn *read_fd)
{
	ssize_t n;

	if (file->fd >= 0) {
		n = read_fd(file->fd, buf, size);
		if (n >= 0)
			return n;
		hostfile_close(file);
		if (n == -ESRCH || n == -EFBIG || !path)
			return n;
	}
	if (!path)
		return -EBADF;
	file->fd = open_below(fs, path, O_RDONLY);
	if (file->fd < 0) {
		n = file->fd;
		file->fd = -1;
		return n;
	}
	n = read_fd(file->fd, buf, size);
	if (n < 0)
		hostfile_close(file);
	return n;
}

ssize_t hostfile_read(const struct hostfs *fs, struct hostfile *file, const char *path, char *buf,
		      size_t size)
{
	return read_open_file(fs, file, path, buf, size, read_whole);
}

ssize_t hostfile_read_first(const struct hostfs *fs, struct hostfile *file, const char *path,
			    char *buf, size_t size)
{
	return read_open_file(fs, file, path, buf, size, read_first);
}

ssize_t hostfile_read_at(const struct hostfs *fs, struct hostfile *file, const char *path,
			 void *buf, size_t size, uint64_t offset)
{
	ssize_t n;

	if (file->fd < 0)
		file->fd = path ? open_below(fs, path, O_RDONLY) : -EBADF;
	n = file->fd < 0 ? file->fd : pread_again(file->fd, buf, size, offset);
	if (n < 0)
		hostfile_close(file);
	return n;
}

void hostfile_close(struct hostfile *file)
{
	kt_close(&file->fd);
	file->fd = -1;
}
