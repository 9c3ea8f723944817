/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the C library's calls answer in this world?  Whoever is in it reaches nothing outside. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "world.h"

enum { FIRST_FD = 1 << 20, HANDLES = 512 };

static struct handle {
	int used;
	char path[WORLD_PATH]; /* of a file, or of a folder */
	size_t listed;         /* files that getdents64 has looked at */
} handles[HANDLES];

static int fail(int error)
{
	errno = error;
	return -1;
}

static struct handle *handle_of(int fd)
{
	int i = fd - FIRST_FD;

	return i >= 0 && i < HANDLES && handles[i].used ? &handles[i] : NULL;
}

/* Everything is below one root; a slash in front means that, too. */
static int resolve(int folder_fd, const char *path, char ret[WORLD_PATH])
{
	const struct handle *folder = handle_of(folder_fd);
	const char *prefix = *path != '/' && folder ? folder->path : "";
	int n;

	path += strspn(path, "/");
	if (strcmp(path, ".") == 0)
		path = "";
	n = snprintf(ret, WORLD_PATH, "%s%s%s", prefix, *prefix && *path ? "/" : "", path);
	if (n >= WORLD_PATH)
		return fail(ENAMETOOLONG);
	for (; n > 0 && ret[n - 1] == '/'; n--)
		ret[n - 1] = '\0';
	return 0;
}

static int open_handle(const char *path)
{
	for (int i = 0; i < HANDLES; i++) {
		if (handles[i].used)
			continue;
		handles[i].used = 1;
		handles[i].listed = 0;
		strcpy(handles[i].path, path);
		world_opened++;
		return FIRST_FD + i;
	}
	return fail(EMFILE);
}

static void close_handle(struct handle *h)
{
	h->used = 0;
	world_opened--;
}

static int open_at(int folder_fd, const char *path, int flags)
{
	char whole[WORLD_PATH];

	if (resolve(folder_fd, path, whole) < 0)
		return -1;
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return fail(EOPNOTSUPP);
	if ((flags & O_CREAT) && !world_create(whole))
		return fail(ENOSPC);
	if (flags & O_DIRECTORY)
		return world_is_folder(whole) ? open_handle(whole) : fail(ENOENT);
	return world_find(whole) ? open_handle(whole) : fail(ENOENT);
}

static int in_open(const char *path, int flags, mode_t mode)
{
	(void)mode;
	return open_at(AT_FDCWD, path, flags);
}

static int in_openat(int folder_fd, const char *path, int flags, mode_t mode)
{
	(void)mode;
	return open_at(folder_fd, path, flags);
}

static int in_close(int fd)
{
	struct handle *h = handle_of(fd);

	if (!h)
		return fail(EBADF);
	close_handle(h);
	return 0;
}

static ssize_t in_pread(int fd, void *buf, size_t size, off_t offset)
{
	const struct handle *h = handle_of(fd);
	const struct world_file *file = h ? world_find(h->path) : NULL;
	size_t at = (size_t)offset;

	if (!file)
		return fail(h ? EISDIR : EBADF);
	if (at >= file->size)
		return 0;
	size = KT_MIN(KT_MIN(size, world_piece), file->size - at);
	memcpy(buf, file->bytes + at, size);
	return (ssize_t)size;
}

/* ---- streams --------------------------------------------------------------------------------- */

static FILE *stream_of(struct world_file *file, const char *mode)
{
	static char nothing[1];

	if (*mode == 'r')
		return fmemopen(file->bytes ? file->bytes : nothing, file->size, "r");
	file->written = 1;
	return open_memstream(&file->bytes, &file->size);
}

static FILE *in_fdopen(int fd, const char *mode)
{
	struct handle *h = handle_of(fd);
	struct world_file *file = h ? world_find(h->path) : NULL;
	FILE *f = file ? stream_of(file, mode) : NULL;

	if (f)
		close_handle(h); /* the stream needs none */
	else
		errno = EBADF;
	return f;
}

FILE *__real_fopen(const char *path, const char *mode);

/* kvmtuned writes by descriptors: who writes here is the fuzzer, and keeps what has broken us. */
static FILE *in_fopen(const char *path, const char *mode)
{
	char whole[WORLD_PATH];
	struct world_file *file = NULL;

	if (*mode != 'r')
		return __real_fopen(path, mode);
	if (resolve(AT_FDCWD, path, whole) == 0)
		file = world_find(whole);
	if (file)
		return stream_of(file, mode);
	errno = ENOENT;
	return NULL;
}

/* A stream into memory does not bear it. */
static int in_setvbuf(FILE *f, char *buffer, int mode, size_t size)
{
	(void)f, (void)buffer, (void)mode, (void)size;
	return 0;
}

/* ---- names ------------------------------------------------------------------------------------
 */

static int look(int folder_fd, const char *path, struct stat *ret)
{
	const struct world_file *file;
	char whole[WORLD_PATH];

	if (resolve(folder_fd, path, whole) < 0)
		return -1;
	file = world_find(whole);
	if (!file && !world_is_folder(whole))
		return fail(ENOENT);
	*ret = (struct stat){ .st_mode = file ? S_IFREG | 0644 : S_IFDIR | 0755,
			      .st_size = file ? (off_t)file->size : 0 };
	return 0;
}

static int in_stat(const char *path, struct stat *ret)
{
	return look(AT_FDCWD, path, ret);
}

static int in_fstatat(int folder_fd, const char *path, struct stat *ret, int flags)
{
	(void)flags;
	return look(folder_fd, path, ret);
}

/* Says of no two that they are the same: the root is then a recorded one. */
static int in_fstat(int fd, struct stat *ret)
{
	(void)fd, (void)ret;
	return fail(EBADF);
}

static int in_faccessat(int folder_fd, const char *path, int mode, int flags)
{
	struct stat st;

	(void)mode, (void)flags;
	return look(folder_fd, path, &st);
}

static int in_mkdir(const char *path, mode_t mode)
{
	(void)path, (void)mode;
	return fail(EEXIST);
}

static int in_unlinkat(int folder_fd, const char *path, int flags)
{
	char whole[WORLD_PATH];
	struct world_file *file;

	(void)flags;
	file = resolve(folder_fd, path, whole) == 0 ? world_find(whole) : NULL;
	if (!file)
		return fail(ENOENT);
	world_remove(file);
	return 0;
}

static int in_unlink(const char *path)
{
	return in_unlinkat(AT_FDCWD, path, 0);
}

static int in_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	char old[WORLD_PATH], new[WORLD_PATH];
	struct world_file *file, *in_the_way;

	if (resolve(from_fd, from, old) < 0 || resolve(to_fd, to, new) < 0)
		return -1;
	file = world_find(old);
	if (!file)
		return fail(ENOENT);
	in_the_way = world_find(new);
	if (in_the_way && in_the_way != file)
		world_remove(in_the_way);
	world_rename(file, new);
	return 0;
}

static int in_rename(const char *from, const char *to)
{
	return in_renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/* ---- folders ----------------------------------------------------------------------------------
 */

/* What this file is called in the folder; 0: it is not there, or a file before it has told. */
static size_t name_in(const char *folder, size_t i, const char **ret)
{
	size_t n = strlen(folder), length;
	const char *path = world_file[i]->path, *name = path + n + (n > 0);

	if (n > 0 && (!world_is_below(path, folder, n) || path[n] != '/'))
		return 0;
	length = strcspn(name, "/");
	for (size_t j = 0; j < i; j++) {
		const char *other = world_file[j]->path;

		if (world_is_below(other, path, (size_t)(name - path) + length) &&
		    strchr("/", other[(size_t)(name - path) + length]))
			return 0;
	}
	*ret = name;
	return length;
}

static ssize_t in_getdents64(int fd, void *buf, size_t size)
{
	struct handle *h = handle_of(fd);
	size_t used = 0;

	if (!h)
		return fail(EBADF);
	for (; h->listed < world_nfiles; h->listed++) {
		const char *name = NULL;
		size_t n = name_in(h->path, h->listed, &name), room;
		struct dirent64 *entry = (void *)((char *)buf + used);

		room = (offsetof(struct dirent64, d_name) + n + 8) & ~(size_t)7;
		if (n == 0 || n > NAME_MAX)
			continue;
		if (room > size - used)
			break;
		entry->d_reclen = (unsigned short)room;
		memcpy(entry->d_name, name, n);
		entry->d_name[n] = '\0';
		used += room;
	}
	return (ssize_t)used;
}

/* Of the configuration's drop-ins. */
static int in_scandir(const char *path, struct dirent ***ret,
		      int (*wanted)(const struct dirent *entry),
		      int (*compare)(const struct dirent **a, const struct dirent **b))
{
	(void)path, (void)ret, (void)wanted, (void)compare;
	return fail(ENOENT);
}

/* ---- the way in ------------------------------------------------------------------------------ */

/* With fixed parameters where the library has "...": what nobody has given nobody looks at. */
#define WAY_IN(type, name, parameters, arguments)                                                  \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return world_entered ? in_##name arguments : __real_##name arguments;              \
	}

typedef int wanted_fn(const struct dirent *entry);
typedef int compare_fn(const struct dirent **a, const struct dirent **b);

WAY_IN(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode))
WAY_IN(int, openat, (int folder_fd, const char *path, int flags, mode_t mode),
       (folder_fd, path, flags, mode))
WAY_IN(int, close, (int fd), (fd))
WAY_IN(ssize_t, pread, (int fd, void *buf, size_t size, off_t offset), (fd, buf, size, offset))
WAY_IN(FILE *, fdopen, (int fd, const char *mode), (fd, mode))
WAY_IN(FILE *, fopen, (const char *path, const char *mode), (path, mode))
WAY_IN(int, setvbuf, (FILE * f, char *buffer, int mode, size_t size), (f, buffer, mode, size))
WAY_IN(int, stat, (const char *path, struct stat *ret), (path, ret))
WAY_IN(int, fstatat, (int folder_fd, const char *path, struct stat *ret, int flags),
       (folder_fd, path, ret, flags))
WAY_IN(int, fstat, (int fd, struct stat *ret), (fd, ret))
WAY_IN(int, faccessat, (int folder_fd, const char *path, int mode, int flags),
       (folder_fd, path, mode, flags))
WAY_IN(int, mkdir, (const char *path, mode_t mode), (path, mode))
WAY_IN(int, unlinkat, (int folder_fd, const char *path, int flags), (folder_fd, path, flags))
WAY_IN(int, unlink, (const char *path), (path))
WAY_IN(int, renameat, (int from_fd, const char *from, int to_fd, const char *to),
       (from_fd, from, to_fd, to))
WAY_IN(int, rename, (const char *from, const char *to), (from, to))
WAY_IN(ssize_t, getdents64, (int fd, void *buf, size_t size), (fd, buf, size))
WAY_IN(int, scandir,
       (const char *path, struct dirent ***ret, wanted_fn *wanted, compare_fn *compare),
       (path, ret, wanted, compare))
