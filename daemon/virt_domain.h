/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the domain XML says, as far as a tuner must know it.  Pure functions, total for
 * any bytes; the reading and the judging are apart because pins in the live XML may be
 * our own, and those in the persistent XML never are. */
#ifndef KT_VIRT_DOMAIN_H
#define KT_VIRT_DOMAIN_H

#include "sample.h"

enum {
	/* libvirt's protocol carries no longer text */
	VIRT_XML_MAX = 4 * 1024 * 1024,
	VIRT_COMPLAINT_MAX = 160,
};

/* No machine has 4 EiB; v1 groups report "unlimited" rounded to pages. */
#define VIRT_BEYOND_ANY_KIB (UINT64_C(1) << 52)

/* <limit soft_limit_kib= original_kib=> in the live metadata: this soft limit is ours. */
#define VIRT_MARK_NAMESPACE "urn:kvmtuned:limit:1"

/* One document, live or persistent. */
struct domain_xml {
	bool has_pins;                           /* vcpupin, emulatorpin, iothreadpin ... */
	bool has_marked_pins, has_unmarked_pins; /* ... that are ours by their mark, or not */
	struct cpumask pinned, marked, unmarked; /* CPUs that all of these allow */
	bool has_replaced_pins;                  /* where there is a mark of another pin of ours */
	bool numa_policy;     /* numatune, but not plain restrictive: no pin of ours makes one
			       */
	bool cache_policy;    /* cachetune, memorytune: the same */
	bool unreadable_cpus; /* a CPU list beyond KT_CPUS_MAX, or none at all */
	bool has_soft_limit, has_other_limit; /* memtune */
	bool placement_auto, realtime;
	bool cpu_quota; /* quota, global_quota: its vCPUs are throttled */
	bool emulated;  /* by TCG */
	bool has_limit_mark;
	uint64_t marked_limit_kib, marked_original_kib;
	bool hugepages, locked, shared_memory, nosharepages, vfio, confidential;
	bool has_cpuset;
	struct cpumask cpuset;
	bool has_memory_nodes; /* numatune, plain restrictive */
	uint64_t memory_nodes;
	uint64_t max_vcpus;
	bool odd_cells; /* some cell is not understood, or one too many */
	unsigned int ncells;
	struct guest_cell cell[KT_CELLS_MAX];
	unsigned int ndevices;
	char device[KT_DEVICES_MAX][KT_DEVICE_MAX];
	struct guest_wish metadata;
	struct audit_guest audit;
	char complaint[VIRT_COMPLAINT_MAX]; /* what is wrong with the metadata, escaped;
					       "" */
};

/* host_cpus: on-line; empty: not known.
 * -EINVAL: not a <domain> document, or one with a DOCTYPE; -E2BIG; -ENOMEM. */
int virt_domain_read(const char *xml, size_t size, const struct cpumask *host_cpus,
		     struct domain_xml *ret) KT_MUST_USE;

/* What virt knows beside the XML when it judges it. */
struct domain_judge {
	const struct domain_xml *live;
	const struct domain_xml *persistent; /* NULL: a transient guest */
	struct cpumask host_cpus;            /* on-line; empty: not known */
	bool own_pins;                       /* pins in the live XML are ours */
	bool own_soft_limit;                 /* so is the soft limit in force */
};

/* Fills what the XML decides.  guest->soft_limit_kib must already be set. */
void virt_domain_judge(const struct domain_judge *judge, struct domain *guest);

#endif
