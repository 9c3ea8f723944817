/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder for a test's files, and its end. */
#ifndef KT_SCRATCH_H
#define KT_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "kt_check.h"

static inline void scratch_make(char *path, size_t size)
{
	const char *parent = getenv("TMPDIR");

	ck_assert_int_lt(snprintf(path, size, "%s/kvmtuned-test-XXXXXX", parent ? parent : "/tmp"),
			 (int)size);
	ck_assert_ptr_nonnull(mkdtemp(path));
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type,
				     struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* A file, or a folder with all in it.  -1: errno tells. */
static inline int scratch_remove(const char *path)
{
	return nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
