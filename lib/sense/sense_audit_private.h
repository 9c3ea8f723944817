/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the audit's sense share.  Nobody else includes it.
 *
 *	sense_audit.c        memory, KSM, huge pages, disks, modules
 *	sense_audit_cpu.c    governors, C-states, parameters of KVM, isolated CPUs
 *	sense_audit_irq.c    interrupts, and what irqbalance may do with them
 *	sense_audit_owner.c  who else sets values: sysctl.d
 *	sense_audit_tuned.c  ... and the active profile of tuned */
#ifndef KT_SENSE_AUDIT_PRIVATE_H
#define KT_SENSE_AUDIT_PRIVATE_H

#include "sense_audit.h"

enum { AUDIT_LINE = 1024 }; /* longer lines of configuration are nothing we know */

static inline struct fact audit_known(uint64_t value)
{
	return (struct fact){ .state = FACT_KNOWN, .value = value };
}

/* Of a read that failed with -errno: what does not exist is absent. */
struct fact audit_failed(int error);

/* A file with one number, or with one of Y, N, 1, 0. */
struct fact audit_number(const struct hostfs *fs, const char *fmt, ...) KT_PRINTF(2, 3);
struct fact audit_switch(const struct hostfs *fs, const char *path);
struct word_fact audit_word(const struct hostfs *fs, const char *fmt, ...) KT_PRINTF(2, 3);

/* Letters, digits and "_.+-", and it fits.  Else false, and *ret is untouched. */
bool audit_plain_word(const char *text, size_t length, char ret[AUDIT_WORD]) KT_MUST_USE;

/* "key = value" in place, without blanks around either, and quotes around the value.  False:
 * no such line.  A comment may be one; its key begins with the "#" or ";" of it. */
bool audit_split(char *line, char **ret_key, char **ret_value) KT_MUST_USE;

/* As hostfs_each_line.  To most a file that cannot be read is as good as none: what it says
 * is then said by nobody. */
int audit_each_line(const struct hostfs *fs, const char *path, hostfs_line_fn *each, void *context);

void sense_audit_cpus(const struct hostfs *fs, struct audit_cpus *ret);
void sense_audit_busy(const struct hostfs *fs, struct audit_host *h);
void sense_audit_irqs(const struct hostfs *fs, struct audit_host *h);
void sense_audit_owners(const struct hostfs *fs, struct audit_host *h);

/* Which value is it that sysctl calls so?  _OWNED_MAX: none of ours. */
enum owned_value audit_sysctl(const char *key);
void audit_own(struct owner *o, const char *who, const char *value);

#endif
