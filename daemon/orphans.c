/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guests that an earlier life has changed does libvirt no longer know?
 *
 * They have ended, or go on without it: another libvirtd has taken the place of theirs, or theirs
 * has lost them.  Of who was never told of, nobody would tell that it has gone. */
#include <string.h>

#include "kvmtuned.h"

/* Also of one that is just being told of, or cannot be read now: only libvirt knows. */
static void ask(void *context, const struct uuid *uuid)
{
	struct kvmtuned *k = context;
	int r = domains_find(k->domains, uuid) < 0 ? virt_seek(k->virt, uuid) : 0;

	if (r < 0) /* asked again at the next link */
		log_debug("libvirt thread: seek: %s", strerror(-r));
}

void orphans_seek(struct kvmtuned *k)
{
	act_each_unbound(k->act, ask, k);
}
