/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guests have pins of a kvmtuned that no undo file knows, and who else has them when libvirt
 * has lifted these? */
#include <string.h>

#include "kvmtuned.h"
#include "str.h"

/* A guest that came with pins of another kvmtuned, or whose undo file is lost, is left alone
 * until they are lifted: what its threads may run on now is not their original. */
void lift_marked_pins(struct kvmtuned *k)
{
	for (size_t i = 0; i < k->domains->nslots; i++) {
		const struct domain_slot *slot = &k->domains->slot[i];
		struct domain *d = &k->domains->slot[i].domain;
		int r;

		if (!slot->used || !d->marked_pins || k->bound[i] != slot->incarnation ||
		    act_in_force(k->act)->guest[i].pinned || kvmtuned_observes(k) || !k->virt)
			continue;
		d->admin_pins = true;
		k->lifting[i] = slot->incarnation;
		r = virt_lift_pins(k->virt, &d->uuid);
		if (r < 0) /* asked again before the next plan */
			log_debug("libvirt thread: lift: %s", strerror(-r));
	}
}

static void say_freed(const struct domain *d, size_t n)
{
	char name[4 * KT_NAME_MAX];

	str_escape(d->name, name, sizeof name);
	log_emitf((struct log_event){ .level = LOG_LEVEL_NOTICE,
				      .id = LOG_RESTORED,
				      .guest = name,
				      .uuid = &d->uuid,
				      .actuator = "placement",
				      .action = "restore" },
		  "%s: %zu threads that were born of a pinned one have the CPUs that it has now",
		  name, n);
}

void lift_from_born(struct kvmtuned *k, const struct vm_reply *lifted)
{
	int slot = domains_find(k->domains, &lifted->uuid);
	const struct guest_sample *g;
	size_t n;

	if (slot < 0 || k->lifting[slot] != k->domains->slot[slot].incarnation)
		return;
	g = &k->sample->guest[slot];
	if (!g->present) /* nobody could tell its vCPUs from others */
		return;
	n = act_free_born(k->act, &(struct act_free_born){ .uuid = lifted->uuid,
							   .was = lifted->cpus,
							   .threads = g->threads,
							   .nthreads = g->nthreads });
	if (n > 0)
		say_freed(&k->domains->slot[slot].domain, n);
}
