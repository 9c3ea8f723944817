/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few words of C that this house adds to the language. */
#ifndef KT_UTIL_H
#define KT_UTIL_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KT_ARRAY_LEN(a)     (sizeof(a) / sizeof((a)[0]))
#define KT_MIN(a, b)        ((a) < (b) ? (a) : (b))
#define KT_MAX(a, b)        ((a) > (b) ? (a) : (b))
#define KT_CLAMP(x, lo, hi) ((x) < (lo) ? (lo) : (x) > (hi) ? (hi) : (x))

#define KT_MUST_USE          __attribute__((warn_unused_result))
#define KT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define KT_NS_PER_S  UINT64_C(1000000000)
#define KT_NS_PER_MS UINT64_C(1000000)

static inline void kt_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void kt_free(void *p)
{
	free(*(void **)p);
}

static inline void kt_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void kt_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Never together with goto in one function: gcc accepts a jump over the
 * initialiser and then frees garbage. */
#define KT_AUTOCLOSE    __attribute__((cleanup(kt_close)))
#define KT_AUTOFREE     __attribute__((cleanup(kt_free)))
#define KT_AUTOFCLOSE   __attribute__((cleanup(kt_fclose)))
#define KT_AUTOCLOSEDIR __attribute__((cleanup(kt_closedir)))

/* Hands ownership out of a scope that would clean it up. */
#define KT_TAKE_FD(fd)                                                                             \
	({                                                                                         \
		int taken_ = (fd);                                                                 \
		(fd) = -1;                                                                         \
		taken_;                                                                            \
	})

#endif
