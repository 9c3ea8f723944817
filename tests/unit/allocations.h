/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often was memory asked for?  Included by one file of a test: it takes the place
 * of malloc. */
#ifndef KT_ALLOCATIONS_H
#define KT_ALLOCATIONS_H

#include <stddef.h>

static size_t nallocations;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void *, size_t),
					      void (*free_hook)(const volatile void *));

static void count_one(const volatile void *p, size_t size)
{
	(void)p, (void)size;
	nallocations++;
}

static void count_none(const volatile void *p)
{
	(void)p;
}

static void count_allocations(void)
{
	ck_assert_int_gt(__sanitizer_install_malloc_and_free_hooks(count_one, count_none), 0);
}
#else
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
	nallocations++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	nallocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	nallocations++;
	return __libc_realloc(p, size);
}

static void count_allocations(void)
{
}
#endif

#endif
