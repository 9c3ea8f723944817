/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many pieces of the heap are in use?  malloc's own figures take those for used that it
 * keeps in reserve. */
#include <stdlib.h>

#include "soak.h"

static size_t npieces;

size_t soak_heap_pieces(void)
{
	return npieces;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void *, size_t),
					      void (*free_hook)(const volatile void *));

static void count_one(const volatile void *p, size_t size)
{
	(void)size;
	npieces += p != NULL;
}

static void count_none(const volatile void *p)
{
	npieces -= p != NULL;
}

__attribute__((constructor)) static void install(void)
{
	if (__sanitizer_install_malloc_and_free_hooks(count_one, count_none) <= 0)
		abort();
}
#else
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

static void *count(void *p)
{
	npieces += p != NULL;
	return p;
}

void *malloc(size_t size)
{
	return count(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
	return count(__libc_calloc(n, size));
}

void *realloc(void *p, size_t size)
{
	return p ? __libc_realloc(p, size) : count(__libc_realloc(p, size));
}

void free(void *p)
{
	npieces -= p != NULL;
	__libc_free(p);
}
#endif
