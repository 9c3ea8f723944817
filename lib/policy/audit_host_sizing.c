/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is there enough of the host for its guests? */
#include <math.h>

#include "audit_host.h"

#include "capped.h"

static const uint64_t gib_kib = UINT64_C(1024) * 1024;

/* ---- memory and CPUs -------------------------------------------------------------------- */

/* What every rule of sizing needs.  False: the verdict is made. */
static bool take_use(const struct audit_input *in, struct audit_verdict *v, struct audit_use *ret)
{
	if (!audit_use(in, v, ret))
		return false;
	if (!ret->guests)
		audit_not_applicable(v, "No guest runs.");
	return ret->guests;
}

static bool take_memory(const struct audit_input *in, struct audit_verdict *v,
			struct audit_use *ret_use, uint64_t *ret_total_kib)
{
	if (!take_use(in, v, ret_use) ||
	    !audit_take(v, &in->host->mem_total_kib, "The host does not tell its memory."))
		return false;
	*ret_total_kib = v->number[0];
	if (!*ret_total_kib)
		audit_unknown(v, "The host does not tell its memory.", 0);
	return *ret_total_kib;
}

/* RHV's steps: none, for servers, for desktops. */
HOST_JUDGE(memory_overcommit)
{
	enum { NONE_PERCENT = 100, SERVERS_PERCENT = 150, DESKTOPS_PERCENT = 200 };
	struct audit_use use;
	uint64_t total_kib, percent;

	if (!take_memory(in, v, &use, &total_kib))
		return;
	/* rounded up: a little more than a step is more */
	percent = add_capped(mul_capped(use.memory_kib, 100), total_kib - 1) / total_kib;
	v->number[0] = percent;
	audit_say(v->word[0], percent <= NONE_PERCENT       ? "no overcommitment"
			      : percent <= SERVERS_PERCENT  ? "as servers can bear"
			      : percent <= DESKTOPS_PERCENT ? "as desktops can bear"
							    : "more than desktops can bear");
	audit_expect(v, percent <= SERVERS_PERCENT);
}

/* OSP 13: for the host itself, and for what QEMU needs beside the guests' memory. */
HOST_JUDGE(memory_reserve)
{
	struct audit_use use;
	uint64_t total_kib, left_kib, needed_kib;

	if (!take_memory(in, v, &use, &total_kib))
		return;
	left_kib = sub_capped(total_kib, use.memory_kib);
	needed_kib = 4 * gib_kib + use.guests * gib_kib / 2;
	v->number[0] = left_kib / 1024;
	v->number[1] = needed_kib / 1024;
	audit_expect(v, left_kib >= needed_kib);
}

HOST_JUDGE(vcpu_overcommit)
{
	enum { VCPUS_PER_CPU = 5, VCPUS_PER_CORE = 10 };
	unsigned int cpus = cpumask_count(&in->topology->online), cores = in->topology->ncores;
	struct audit_use use;

	if (!take_use(in, v, &use))
		return;
	if (!cpus) {
		audit_unknown(v, "The CPUs of the host are not known.", 0);
		return;
	}
	v->number[0] = use.vcpus;
	v->number[1] = cpus;
	v->number[2] = VCPUS_PER_CPU * (uint64_t)cpus;
	if (cores)
		v->number[2] = KT_MIN(v->number[2], VCPUS_PER_CORE * (uint64_t)cores);
	audit_expect(v, use.vcpus <= v->number[2]);
}

HOST_JUDGE(cpu_use)
{
	double share = in->host->busy_share;

	if (!(share >= 0)) {
		audit_unknown(v, "It is measured from one audit to the next.", 0);
		return;
	}
	v->number[0] = (uint64_t)(fmin(share, 1) * 100 + 0.5);
	audit_expect(v, share <= 0.8);
}

/* ---- pools of huge pages ---------------------------------------------------------------- */

static bool wants_2m(const struct audit_input *in, size_t slot)
{
	const struct audit_guest *guest = &in->domains->slot[slot].domain.audit;

	return guest->hugepages && !guest->hugepages_1g;
}

static bool wants_1g(const struct audit_input *in, size_t slot)
{
	const struct audit_guest *guest = &in->domains->slot[slot].domain.audit;

	return guest->hugepages && guest->hugepages_1g;
}

struct pool {
	bool exists;
	uint64_t pages;
	uint64_t node_pages[KT_NODES_MAX];
};

/* False, and the verdict is made: a node's pool could not be read. */
static bool take_pool(struct audit_verdict *v, const struct audit_host *h, bool is_large,
		      struct pool *ret)
{
	*ret = (struct pool){ 0 };
	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		const struct fact *total = is_large ? &h->large[n].total : &h->small[n].total;

		if (total->state == FACT_UNKNOWN)
			return audit_take(v, total, "");
		if (total->state == FACT_ABSENT)
			continue;
		ret->exists = true;
		ret->node_pages[n] = total->value;
		ret->pages = add_capped(ret->pages, total->value);
	}
	return true;
}

/* Guests that are kept on one node need their pages there; the others, anywhere. */
static void need_pages(const struct audit_input *in, uint64_t page_kib,
		       bool (*wants)(const struct audit_input *in, size_t slot), struct pool *ret)
{
	*ret = (struct pool){ 0 };
	for (size_t i = 0; i < in->domains->nslots; i++) {
		const struct domain_slot *slot = &in->domains->slot[i];
		uint64_t pages = slot->domain.audit.memory_kib / page_kib;
		unsigned int node;

		if (!slot->used || !slot->domain.audit.known || !wants(in, i))
			continue;
		ret->pages = add_capped(ret->pages, pages);
		if (audit_guest_node(in, i, &node))
			ret->node_pages[node] = add_capped(ret->node_pages[node], pages);
	}
}

/* Which node's pool should have how many, in number[2] and [3]. */
static bool lacks_pages(const struct audit_input *in, const struct pool *there,
			const struct pool *needed, struct audit_verdict *v)
{
	unsigned int n = 0;

	while (n < KT_NODES_MAX && needed->node_pages[n] <= there->node_pages[n])
		n++;
	if (n < KT_NODES_MAX) {
		v->number[2] = n;
		v->number[3] = needed->node_pages[n];
		return true;
	}
	for (n = 0; n < KT_NODES_MAX - 1 && cpumask_empty(&in->topology->node[n].cpus);)
		n++;
	v->number[2] = n;
	v->number[3] = there->node_pages[n] + sub_capped(needed->pages, there->pages);
	return needed->pages > there->pages;
}

static void judge_pool(const struct audit_input *in, struct audit_verdict *v, uint64_t page_kib,
		       bool (*wants)(const struct audit_input *in, size_t slot))
{
	struct audit_count count = audit_count(in, wants);
	struct pool there, needed;

	if (!audit_any(v, count, "No guest asks for such pages.") ||
	    !take_pool(v, in->host, page_kib == gib_kib, &there))
		return;
	if (!there.exists) {
		audit_not_applicable(v, "The host has no pages of this size.");
		return;
	}
	need_pages(in, page_kib, wants, &needed);
	v->number[0] = there.pages;
	v->number[1] = needed.pages;
	if (lacks_pages(in, &there, &needed, v))
		audit_expect(v, false);
	else if (count.unknown)
		audit_unknown(v, "The XML of a guest is not known.", 0);
	else
		audit_expect(v, true);
}

HOST_JUDGE(hugepages_2m)
{
	judge_pool(in, v, 2048, wants_2m);
}

HOST_JUDGE(hugepages_1g)
{
	judge_pool(in, v, gib_kib, wants_1g);
}
