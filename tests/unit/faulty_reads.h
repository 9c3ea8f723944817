/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In which ways may a file that is read fail? */
#ifndef KT_FAULTY_READS_H
#define KT_FAULTY_READS_H

#include "faulty.h"

static const struct {
	const char *name;
	enum fault_how how;
	int error;
} faults[] = {
	{ "missing", FAULT_OPEN, ENOENT },
	{ "no permission", FAULT_OPEN, EACCES },
	{ "no descriptor", FAULT_OPEN, EMFILE },
	{ "no memory", FAULT_OPEN, ENOMEM },
	{ "input/output error at open", FAULT_OPEN, EIO },
	{ "input/output error", FAULT_READ, EIO },
	{ "invalid", FAULT_READ, EINVAL },
	{ "busy", FAULT_READ, EBUSY },
	{ "not permitted", FAULT_READ, EPERM },
	{ "its process has gone", FAULT_VANISHED, ESRCH },
	{ "its device has gone", FAULT_VANISHED, ENODEV },
	{ "empty", FAULT_EMPTY, 0 },
	{ "half", FAULT_HALF, 0 },
	{ "huge", FAULT_HUGE, 0 },
	{ "garbage", FAULT_GARBAGE, 0 },
	{ "the largest numbers", FAULT_NUMBERS, 0 },
	{ "negative numbers", FAULT_NEGATIVE, 0 },
	{ "zeros", FAULT_ZERO, 0 },
	{ "NULs", FAULT_NULS, 0 },
};
enum { FAULTS = KT_ARRAY_LEN(faults) };

#endif
