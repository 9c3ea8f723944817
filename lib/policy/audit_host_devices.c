/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the devices that guests share set as they need it? */
#include "audit_host.h"

/* The first is what a fix writes.  A disk that does not turn needs no order either. */
static bool is_good_scheduler(const struct audit_disk *d)
{
	static const char *const good[] = { "mq-deadline", "deadline", "noop" };

	if (d->is_nvme || !d->is_rotational)
		if (audit_word_is(d->scheduler, "none"))
			return true;
	for (size_t i = 0; !d->is_nvme && i < KT_ARRAY_LEN(good); i++)
		if (audit_word_is(d->scheduler, good[i]))
			return true;
	return false;
}

static bool is_owned(const struct audit_input *in, struct audit_verdict *v,
		     const struct audit_disk *d)
{
	bool owned;

	audit_say_raw(v->word[0], d->scheduler);
	owned = audit_owned(in, v, OWNED_BLOCK_SCHEDULER);
	v->word[0][0] = '\0';
	return owned;
}

HOST_JUDGE(block_scheduler)
{
	const struct audit_host *h = in->host;
	const struct audit_disk *first = NULL;

	for (size_t i = 0; i < h->ndisks; i++) {
		const struct audit_disk *d = &h->disk[i];

		if (!d->scheduler[0])
			continue;
		v->number[1]++;
		if (is_good_scheduler(d) || is_owned(in, v, d))
			continue;
		v->number[0]++;
		first = first ? first : d;
	}
	if (!first && h->disks.state == FACT_UNKNOWN) {
		audit_unknown(v, "Not every disk could be read.", h->disks.error);
		return;
	}
	if (!v->number[1]) {
		audit_not_applicable(v, "No disk has schedulers to choose from.");
		return;
	}
	audit_expect(v, !first);
	audit_say_raw(v->word[0], first ? first->name : "none");
	if (first) {
		audit_say(v->word[1], first->is_nvme ? "none" : "mq-deadline");
	}
}

/* nic_vhost counts those with a tap only; a guest whose NICs all are another model needs none. */
static bool has_virtio_nic(const struct audit_input *in, size_t slot)
{
	const struct count_fact *nics = &in->domains->slot[slot].domain.audit.nic_model;

	return nics->of > nics->n;
}

HOST_JUDGE(vhost_net)
{
	const struct fact *f = &in->host->has_vhost_net;

	if (!audit_any(v, audit_count(in, has_virtio_nic), "No guest has a virtio NIC."))
		return;
	if (f->state != FACT_ABSENT && !audit_take(v, f, ""))
		return;
	audit_expect(v, v->number[0] != 0);
	audit_say(v->word[0], v->number[0] ? "loaded" : "not loaded");
}
