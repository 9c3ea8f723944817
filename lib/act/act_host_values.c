/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of the host that audit rules are about are remembered, and what is in force? */
#include <errno.h>
#include <string.h>

#include "act_private.h"

void act_host_publish(struct act *a)
{
	const struct act_host *h = &a->host;

	a->in_force.host = (struct host_in_force){ .ceded = h->ceded, .off = h->off };
	for (size_t i = 0; i < h->nvalues; i++)
		if (h->value[i].ours)
			a->in_force.host.ours |= act_host_bit(h->value[i].rule);
}

struct host_value *act_host_find(const struct act *a, unsigned int rule, unsigned int irq)
{
	for (size_t i = 0; i < a->host.nvalues; i++)
		if (a->host.value[i].rule == rule && a->host.value[i].irq == irq)
			return &a->host.value[i];
	return NULL;
}

struct host_value *act_host_add(struct act *a, unsigned int rule, unsigned int irq)
{
	struct act_host *h = &a->host;
	size_t capacity = h->nvalues < h->capacity ? h->capacity : 2 * h->capacity + 8;
	struct host_value *grown = h->value;

	if (capacity != h->capacity)
		grown = reallocarray(grown, capacity, sizeof *grown);
	if (!grown)
		return NULL;
	h->value = grown;
	h->capacity = capacity;
	grown[h->nvalues] = (struct host_value){ .rule = rule, .irq = irq };
	return &grown[h->nvalues++];
}

void act_host_done(struct act *a)
{
	free(a->host.value);
	a->host = (struct act_host){ 0 };
}

void act_host_drop(struct act_host *h)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->nvalues; i++)
		if (h->value[i].ours || h->value[i].fixed || h->value[i].theirs)
			h->value[kept++] = h->value[i];
	h->nvalues = kept;
}

void act_host_forget(struct host_value *v)
{
	v->ours = !v->fresh;
	strcpy(v->asked, v->before);
	v->todo = false;
}

void act_host_last_chance(struct act *a)
{
	for (size_t i = 0; i < a->host.nvalues; i++)
		if (a->host.retry[a->host.value[i].rule].at_ns)
			a->host.value[i].gave_up = false;
}

void act_host_forgive(struct act *a)
{
	a->host.ceded = a->host.off = 0;
	memset(a->host.retry, 0, sizeof a->host.retry);
	for (size_t i = 0; i < a->host.nvalues; i++)
		a->host.value[i].gave_up = a->host.value[i].fixed = a->host.value[i].theirs = false;
	act_host_drop(&a->host);
	act_host_publish(a);
}
