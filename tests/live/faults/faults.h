/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults on purpose, preloaded into a kvmtuned: calls that it makes itself (not those that a
 * library makes) fail, are slow, hang, answer nonsense, or find their guest killed.
 *
 * The file named by KT_FAULTS has a line for each fault, and may change at any moment:
 *
 *	CALL KIND [NUMBER] [VICTIM]
 *
 * A fault that came to pass leaves its line in KT_FAULTS.hits, once per call. */
#ifndef KT_FAULTS_H
#define KT_FAULTS_H

#include <libvirt/libvirt.h>
#include <stddef.h>
#include <sys/types.h>

enum fault {
	FAULT_NONE,
	FAULT_FAIL,        /* not done; NUMBER: libvirt's error, else "internal error" */
	FAULT_LIE,         /* done, and said to have failed */
	FAULT_SLOW,        /* by NUMBER milliseconds */
	FAULT_HANG,        /* until the line is taken out */
	FAULT_NULL,        /* a list is missing */
	FAULT_COUNT,       /* ... or has more than it has */
	FAULT_GARBAGE,     /* random bytes where facts should be */
	FAULT_KILL_BEFORE, /* VICTIM, the UUID of a guest, dies before the NUMBERth call about it */
	FAULT_KILL_AFTER,
};

/* One of them, or nothing: then it is about every guest. */
struct fault_subject {
	const char *path;
	pid_t tid;
	virDomainPtr dom;
	const unsigned char *uuid;
};

/* A call begins, from `caller`; slow ones and those that hang are so in here. */
enum fault fault_begin(const char *call, const void *caller, struct fault_subject about);
void fault_end(enum fault f);
void *fault_real(const char *call);

/* What libvirt says of a call that failed on purpose; 0: the last one did not. */
int fault_error(void);
#define FAULT_MESSAGE "fault on purpose"

void fault_garble(void *bytes, size_t size);
/* "" and worse; freed by whoever gets it. */
char *fault_garbage_text(void);

#endif
