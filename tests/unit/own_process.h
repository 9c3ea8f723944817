/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many threads and open files does this test have?  A sanitizer may have one of its own. */
#ifndef KT_OWN_PROCESS_H
#define KT_OWN_PROCESS_H

#include "hostfs.h"
#include "kt_check.h"

static inline int count_entry(void *context, const char *name)
{
	*(unsigned int *)context += name[0] != '.';
	return 0;
}

static inline unsigned int count_entries(const char *folder)
{
	struct hostfs live;
	unsigned int n = 0;

	ck_assert_int_eq(hostfs_open("/", &live), 0);
	ck_assert_int_eq(hostfs_each_name(&live, folder, count_entry, &n), 0);
	hostfs_close(&live);
	return n;
}

static inline unsigned int count_threads(void)
{
	return count_entries("proc/self/task");
}

static inline unsigned int count_open_files(void)
{
	return count_entries("proc/self/fd");
}

#endif
