/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guests are there, and in which slot? */
#include "domains.h"

#include <errno.h>

struct domains *domains_new(void)
{
	return calloc(1, sizeof(struct domains));
}

void domains_free(struct domains *ds)
{
	free(ds);
}

int domains_find(const struct domains *ds, const struct uuid *uuid)
{
	for (size_t i = 0; i < ds->nslots; i++)
		if (ds->slot[i].used && uuid_equal(&ds->slot[i].domain.uuid, uuid))
			return (int)i;
	return -ENOENT;
}

static int first_unused(const struct domains *ds)
{
	for (size_t i = 0; i < KT_GUESTS_MAX; i++)
		if (!ds->slot[i].used)
			return (int)i;
	return -ENOSPC;
}

int domains_put(struct domains *ds, const struct domain *d)
{
	int i = domains_find(ds, &d->uuid);
	struct domain_slot *slot;
	bool restarted;

	if (i < 0)
		i = first_unused(ds);
	if (i < 0)
		return i;
	slot = &ds->slot[i];
	restarted = !slot->used || slot->domain.id != d->id;
	if (!slot->used)
		ds->nused++;
	if (restarted)
		slot->incarnation = ++ds->incarnations;
	slot->used = true;
	slot->revision++;
	slot->domain = *d;
	ds->nslots = KT_MAX(ds->nslots, (size_t)i + 1);
	return i;
}

void domains_touch(struct domains *ds, size_t slot)
{
	ds->slot[slot].revision++;
}

void domains_remove(struct domains *ds, const struct uuid *uuid)
{
	int i = domains_find(ds, uuid);

	if (i < 0)
		return;
	ds->slot[i].used = false;
	ds->nused--;
	while (ds->nslots > 0 && !ds->slot[ds->nslots - 1].used)
		ds->nslots--;
}
