/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LD_PRELOAD: how often does a process ask the heap for memory?  Two numbers, of the
 * main thread and of all others, are kept in the file named by KT_COUNT_ALLOC, for
 * whoever maps or reads it.  After KT_COUNT_ALLOC_MAX of the main thread there is none. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic uint64_t nowhere[2];
static _Atomic uint64_t *count = nowhere;

static uint64_t most = UINT64_MAX;

/* False: there is none. */
static bool note(void)
{
	bool other = gettid() != getpid();
	bool there_is = atomic_fetch_add(&count[other], 1) < most || other;

	if (!there_is)
		errno = ENOMEM;
	return there_is;
}

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);

/* dlsym itself allocates before it has found calloc. */
static char early[4096];
static size_t early_used;

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("KT_COUNT_ALLOC");
	const char *max = getenv("KT_COUNT_ALLOC_MAX");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map;

	if (max)
		most = strtoull(max, NULL, 10);
	if (fd < 0)
		return;
	map = mmap(NULL, 2 * sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		count = map;
	close(fd);
}

void *malloc(size_t size)
{
	if (!real_malloc)
		*(void **)&real_malloc = dlsym(RTLD_NEXT, "malloc");
	return note() ? real_malloc(size) : NULL;
}

void *calloc(size_t n, size_t size)
{
	static _Thread_local int within;

	if (!real_calloc) {
		if (within++) {
			size_t at = early_used;

			early_used += (n * size + 15) & ~(size_t)15;
			return early_used <= sizeof early ? early + at : NULL;
		}
		*(void **)&real_calloc = dlsym(RTLD_NEXT, "calloc");
		within--;
	}
	return note() ? real_calloc(n, size) : NULL;
}

void *realloc(void *p, size_t size)
{
	if (!real_realloc)
		*(void **)&real_realloc = dlsym(RTLD_NEXT, "realloc");
	return note() ? real_realloc(p, size) : NULL;
}
