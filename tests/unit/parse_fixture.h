/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the parsers share: texts of the kernel, and whether an output was
 * touched. */
#ifndef KT_PARSE_FIXTURE_H
#define KT_PARSE_FIXTURE_H

#include <errno.h>
#include <string.h>

#include "kt_check.h"
#include "parse.h"

/* Filled with this before a call, an output that was touched shows. */
enum { UNTOUCHED = 0x5a };

static inline bool untouched(const void *p, size_t n)
{
	const unsigned char *byte = p;

	for (size_t i = 0; i < n; i++)
		if (byte[i] != UNTOUCHED)
			return false;
	return true;
}

#define TOUCH(object)     memset(&(object), UNTOUCHED, sizeof(object))
#define UNTOUCHED(object) untouched(&(object), sizeof(object))

/* A table's text with NULs in it, and its length. */
#define TEXT(s) s, sizeof(s) - 1

/* /proc/PID/stat behind the name */
#define STAT_TAIL                                                                                  \
	" S 41 301 301 0 -1 4194560 5 0 0 0 17 3 0 0 20 0 6 0 778899 905969664 3456 "              \
	"18446744073709551615 1 1 0 0 0 0\n"

/* the beginning of a command line, and a guest's UUID */
#define QEMU "/usr/bin/qemu-system-x86_64\0-name\0guest=web,debug-threads=on\0"
#define UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"

/* a line of mountinfo */
#define V1(mount) "36 35 0:33 / " mount " rw,nosuid shared:9 - cgroup cgroup rw,cpu,memory"

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, KT_ARRAY_LEN(table))

#endif
