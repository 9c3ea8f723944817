/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files were asked for, and which of them were never there? */
#ifndef KT_FAULTY_SEEN_H
#define KT_FAULTY_SEEN_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "kt_check.h"

enum { FAULTY_PATH = 192, FAULTY_FILES = 512 };

/* Each file below the root that was asked for, once. */
static struct {
	size_t n;
	char path[FAULTY_FILES][FAULTY_PATH];
	bool is_folder[FAULTY_FILES];
	bool is_opened[FAULTY_FILES];  /* else only whether it is there was asked */
	bool is_missing[FAULTY_FILES]; /* at each time */
} faulty_seen;

static inline size_t faulty_place_of(const char *path)
{
	size_t i = 0;

	while (i < faulty_seen.n && strcmp(faulty_seen.path[i], path) != 0)
		i++;
	if (i < faulty_seen.n)
		return i;
	ck_assert_uint_lt(faulty_seen.n, FAULTY_FILES);
	snprintf(faulty_seen.path[i], FAULTY_PATH, "%s", path);
	faulty_seen.is_folder[i] = faulty_seen.is_opened[i] = false;
	faulty_seen.is_missing[i] = true;
	faulty_seen.n++;
	return i;
}

/* What fails by a fault of ours is there. */
static inline void faulty_note(const char *path, bool is_missing)
{
	size_t i = faulty_place_of(path);

	faulty_seen.is_missing[i] &= is_missing;
}

static inline void faulty_note_open(const char *path, int flags, bool is_missing)
{
	faulty_note(path, is_missing);
	faulty_seen.is_opened[faulty_place_of(path)] = true;
	faulty_seen.is_folder[faulty_place_of(path)] |= (flags & O_DIRECTORY) != 0;
}

#endif
