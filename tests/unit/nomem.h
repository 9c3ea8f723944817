/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that runs out at a chosen request.  Included by one file of a test: it takes the place
 * of malloc, for the libraries as well.
 *
 *	for (long at = 1; at < NOMEM_END; at++) {
 *		nomem_begin(at, NOMEM_ONCE);
 *		r = what_is_tested();
 *		if (nomem_end() == 0)
 *			break;          (it needs less than that: nothing has failed)
 *		...
 *	}
 *
 * In between nothing of Check may be called. */
#ifndef KT_NOMEM_H
#define KT_NOMEM_H

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kt_check.h"

enum { NOMEM_END = 100000 };

enum nomem_kind {
	NOMEM_ONCE,     /* one request fails, the next ones do not */
	NOMEM_FROM_NOW, /* all fail from the chosen one on */
	NOMEM_KINDS,
};

static atomic_long nomem_left; /* requests until one fails; 0: it has */
static atomic_bool nomem_armed, nomem_of_others;
static atomic_uint nomem_nfailed;
static _Atomic enum nomem_kind nomem_kind;
static _Atomic pthread_t nomem_thread;
static _Thread_local bool nomem_paused; /* in a call of what would end the process */

/* What ends the process when memory is short is no business of ours: GLib, and all of libvirt
 * with it; in threads that call it what libc does for them as well.  Others may be looking while
 * the next test begins. */
static struct {
	atomic_uintptr_t begin, end;
} nomem_spared[32];
static atomic_size_t nomem_nspared;

static inline int nomem_see_library(struct dl_phdr_info *info, size_t size, void *context)
{
	static const char *const spared[] = { "libvirt", "libglib",  "libgobject", "libgio",
					      "libasan", "libubsan", "ld-linux" };
	static const char libc[] = "libc.so";
	bool is_spared = nomem_of_others && strstr(info->dlpi_name, libc);

	(void)size, (void)context;
	for (size_t i = 0; i < KT_ARRAY_LEN(spared); i++)
		is_spared |= strstr(info->dlpi_name, spared[i]) != NULL;
	for (size_t i = 0; is_spared && i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) ||
		    nomem_nspared == KT_ARRAY_LEN(nomem_spared))
			continue;
		nomem_spared[nomem_nspared].begin = info->dlpi_addr + p->p_vaddr;
		nomem_spared[nomem_nspared++].end = info->dlpi_addr + p->p_vaddr + p->p_memsz;
	}
	return 0;
}

static inline bool nomem_spares(const void *caller)
{
	for (size_t i = 0; i < nomem_nspared; i++)
		if ((uintptr_t)caller >= nomem_spared[i].begin &&
		    (uintptr_t)caller < nomem_spared[i].end)
			return true;
	return false;
}

extern const char __executable_start, etext;

/* For tests/nomem: who in this program has asked, and for whom, as offsets; each way once. */
static inline void nomem_note_way(const char *path)
{
	static _Atomic uintptr_t noted[4096];
	void *way[48];
	char line[1024];
	int nways = backtrace(way, (int)KT_ARRAY_LEN(way)), n, fd;
	uintptr_t hash = 0;

	n = snprintf(line, sizeof line, "%s", program_invocation_short_name);
	for (int i = 0; i < nways && n < (int)sizeof line - 20; i++) {
		const char *at = way[i];

		if (at < &__executable_start || at >= &etext)
			continue;
		hash = hash * 31 + (uintptr_t)at;
		n += snprintf(line + n, sizeof line - (size_t)n, " %tx",
			      at - &__executable_start - 1);
	}
	if (atomic_exchange(&noted[hash % KT_ARRAY_LEN(noted)], hash) == hash)
		return;
	line[n++] = '\n';
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0 && write(fd, line, (size_t)n) == n)
		(void)close(fd);
}

static inline void nomem_note(void)
{
	const char *path = getenv("KT_NOMEM_WAYS");

	if (!path)
		return;
	nomem_paused = true;
	nomem_note_way(path);
	nomem_paused = false;
}

static inline bool nomem_now(const void *caller)
{
	bool mine;

	if (nomem_paused || nomem_spares(caller))
		return false;
	mine = pthread_equal(pthread_self(), nomem_thread);
	if (mine == nomem_of_others)
		return false;
	if (nomem_left > 0 && --nomem_left > 0)
		return false;
	if (nomem_kind == NOMEM_ONCE && nomem_nfailed > 0)
		return false;
	nomem_nfailed++;
	nomem_note();
	errno = ENOMEM;
	return true;
}

static inline void nomem_arm(long at, enum nomem_kind kind, bool of_others)
{
	nomem_thread = pthread_self();
	nomem_kind = kind;
	nomem_of_others = of_others;
	nomem_nspared = 0;
	(void)dl_iterate_phdr(nomem_see_library, NULL);
	nomem_nfailed = 0;
	nomem_left = at;
	nomem_armed = true;
}

/* Requests of this thread. */
static inline void nomem_begin(long at, enum nomem_kind kind)
{
	nomem_arm(at, kind, false);
}

/* Requests of all other threads. */
static inline void nomem_begin_others(long at, enum nomem_kind kind)
{
	nomem_arm(at, kind, true);
}

/* How many requests have failed. */
static inline unsigned int nomem_end(void)
{
	nomem_armed = false;
	return nomem_nfailed;
}

/* The sanitizer asks for memory before it can look after any. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define NOMEM_REAL(name) __interceptor_##name
#define NOMEM_EARLY      __attribute__((no_sanitize("address", "thread", "undefined")))
#else
#define NOMEM_REAL(name) __libc_##name
#define NOMEM_EARLY
#endif

#define NOMEM_FAILS() (nomem_armed && nomem_now(__builtin_return_address(0)))

void *NOMEM_REAL(malloc)(size_t size);
void *NOMEM_REAL(calloc)(size_t n, size_t size);
void *NOMEM_REAL(realloc)(void *p, size_t size);

NOMEM_EARLY void *malloc(size_t size)
{
	return NOMEM_FAILS() ? NULL : NOMEM_REAL(malloc)(size);
}

NOMEM_EARLY void *calloc(size_t n, size_t size)
{
	return NOMEM_FAILS() ? NULL : NOMEM_REAL(calloc)(n, size);
}

NOMEM_EARLY void *realloc(void *p, size_t size)
{
	return NOMEM_FAILS() ? NULL : NOMEM_REAL(realloc)(p, size);
}

/* A library's function that would end the process, or take what is not there for an empty text:
 * what it asks for while it runs is there.  `paused` is for one that calls another. */
#define NOMEM_SPARED(type, name, parameters, arguments)                                            \
	type name parameters                                                                       \
	{                                                                                          \
		typedef type spared_fn parameters;                                                 \
		bool paused = nomem_paused;                                                        \
		spared_fn *call;                                                                   \
		type result;                                                                       \
                                                                                                   \
		nomem_paused = true;                                                               \
		*(void **)&call = dlsym(RTLD_NEXT, #name);                                         \
		result = call arguments;                                                           \
		nomem_paused = paused;                                                             \
		return result;                                                                     \
	}

#endif
