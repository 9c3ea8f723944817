/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guests does libvirt list, when it is asked for all of them? */
#include <errno.h>

#include "virt_thread.h"

static void mark_listed(struct virt *v, virDomainPtr dom)
{
	struct uuid uuid;
	struct virt_guest *g =
		virDomainGetUUID(dom, uuid.byte) == 0 ? virt_guest_put(v, &uuid) : NULL;

	if (!g)
		return;
	g->listed = true;
	g->unread_until_ns = 0; /* what was in the way may have gone with the link */
	virt_guest_touch(v, g);
}

static void free_list(virDomainPtr *list)
{
	for (size_t i = 0; list && list[i]; i++)
		virt_free_domain(&list[i]);
	free(list);
}

/* A list that ends with NULL. */
static int list_running(struct virt *v, virDomainPtr **ret)
{
	virDomainPtr *list = NULL;
	int n = virConnectListAllDomains(v->connection, &list, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	int nlisted = 0;

	*ret = NULL;
	if (n < 0)
		return virt_failed(v, NULL, "list of guests");
	while (list && list[nlisted])
		nlisted++;
	if (n != nlisted) { /* who is not in such a list need not be gone */
		free_list(list);
		return -EIO;
	}
	*ret = list;
	return 0;
}

int virt_guests_resync(struct virt *v)
{
	virDomainPtr *list;
	int r = list_running(v, &list);

	if (r < 0)
		return r;
	for (size_t i = 0; i < v->nguests; i++)
		v->guest[i].listed = false;
	for (size_t i = 0; list && list[i]; i++)
		mark_listed(v, list[i]);
	free_list(list);
	for (size_t i = 0; i < v->nguests; i++)
		if (v->guest[i].used && !v->guest[i].listed)
			virt_guest_drop(v, &v->guest[i]);
	v->resyncing = true;
	virt_after(v->refresh_event, 0); /* even of no guest the end is told */
	return 0;
}

void virt_guests_refill(struct virt *v)
{
	virDomainPtr *list;
	struct uuid uuid;

	v->may_refill = v->said_full = false;
	/* A list that fails is asked for when the next one leaves, or by the next link. */
	if (list_running(v, &list) < 0)
		v->said_full = true;
	for (size_t i = 0; list && list[i]; i++)
		if (virDomainGetUUID(list[i], uuid.byte) == 0 && !virt_guest_find(v, &uuid))
			mark_listed(v, list[i]);
	free_list(list);
}
