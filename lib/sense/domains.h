/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guests that libvirt has told us of, keyed by UUID.  A guest keeps its slot
 * until it stops; every array "by slot" in this house uses these numbers. */
#ifndef KT_DOMAINS_H
#define KT_DOMAINS_H

#include <stddef.h>

#include "sample.h"

struct domain_slot {
	bool used;
	uint32_t incarnation; /* grows with each start: tells old state of a slot from new
			       */
	uint32_t revision;    /* grows when its facts are replaced, and with domains_touch */
	struct domain domain;
};

struct domains {
	size_t nslots; /* slots [0, nslots) may be used; loops stop here */
	size_t nused;
	uint32_t incarnations;
	struct domain_slot slot[KT_GUESTS_MAX];
};

/* About 1 MiB, zeroed; NULL: no memory. */
struct domains *domains_new(void);
void domains_free(struct domains *ds);

/* Adds the guest or replaces its facts.  A guest that was restarted (other
 * domain id) gets a new incarnation.  Returns its slot, or -ENOSPC. */
int domains_put(struct domains *ds, const struct domain *d) KT_MUST_USE;

/* Its slot, or -ENOENT. */
int domains_find(const struct domains *ds, const struct uuid *uuid) KT_MUST_USE;

/* The next sample is to look at this guest in full. */
void domains_touch(struct domains *ds, size_t slot);

/* Forgets the guest; its slot may be used again.  Unknown UUIDs are fine. */
void domains_remove(struct domains *ds, const struct uuid *uuid);

#endif
