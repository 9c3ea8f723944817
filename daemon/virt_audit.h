/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the domain XML that only the audit asks for.  Total for any document: what is not
 * understood makes the guest unknown, never wrong. */
#ifndef KT_VIRT_AUDIT_H
#define KT_VIRT_AUDIT_H

#include <libxml/tree.h>

#include "audit_sample.h"
#include "util.h"

/* `root` is the <domain>.  host_cpus: a pin to all of these pins nothing; empty: not known. */
void virt_audit_read(const xmlNode *root, const struct cpumask *host_cpus, struct audit_guest *ret);

/* Of a guest that runs, where its persistent XML says more; NULL: there is none. */
void virt_audit_complete(struct audit_guest *live, const struct audit_guest *persistent);

/* ---- between the files that read -------------------------------------------------------- */

enum { VIRT_AUDIT_IOTHREADS_MAX = 1024 };

struct audit_reading {
	struct audit_guest *guest;
	struct cpumask host_cpus;
	bool odd; /* something is not understood */
	unsigned int nused_iothreads;
	bool iothread_is_used[VIRT_AUDIT_IOTHREADS_MAX + 1]; /* by id, which counts from 1 */
};

/* An attribute that is not there leaves *ret alone. */
void virt_audit_read_number(struct audit_reading *r, const xmlNode *n, const char *attribute,
			    unsigned int max, unsigned int *ret);
void virt_audit_read_memory(struct audit_reading *r, const xmlNode *root);
/* After the threads are read. */
void virt_audit_read_devices(struct audit_reading *r, const xmlNode *devices);

#endif
