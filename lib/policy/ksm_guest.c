/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a guest's memory can KSM merge, and what has come of it? */
#include "capped.h"
#include "ksm_private.h"
#include "rule.h"

static bool has_hugepages(const struct domain *d)
{
	return d->hugepages;
}

static bool is_confidential(const struct domain *d)
{
	return d->confidential;
}

static bool has_shared_memory(const struct domain *d)
{
	return d->shared_memory;
}

static bool has_device_memory(const struct domain *d)
{
	return d->vfio;
}

static bool shares_no_pages(const struct domain *d)
{
	return d->nosharepages;
}

static bool is_locked(const struct domain *d)
{
	return d->locked;
}

static bool has_opted_out(const struct domain *d)
{
	return d->wish.ksm == GUEST_SWITCH_OFF;
}

/* What keeps all of its memory from being merged; what is said first is what the operator
 * reads. */
static const struct {
	bool (*forbids)(const struct domain *d);
	enum why why;
} obstacles[] = {
	{ has_hugepages, WHY_HUGEPAGES },         { is_confidential, WHY_CONFIDENTIAL },
	{ has_shared_memory, WHY_SHARED_MEMORY }, { has_device_memory, WHY_DEVICE_MEMORY },
	{ shares_no_pages, WHY_NOSHAREPAGES },    { is_locked, WHY_LOCKED },
	{ has_opted_out, WHY_OPTED_OUT },
};

/* WHY_NONE: there is none. */
static enum why obstacle(const struct domain *d)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(obstacles); i++)
		if (obstacles[i].forbids(d))
			return obstacles[i].why;
	return WHY_NONE;
}

bool ksm_guest_mergeable(const struct guest_view *guest)
{
	return guest->present && obstacle(guest->domain) == WHY_NONE;
}

struct ksm_guests ksm_guests_since(const struct host_view *view, uint64_t after_ns)
{
	struct ksm_guests sum = { 0 };

	for (size_t i = 0; i < view->nslots; i++) {
		const struct guest_view *g = &view->guest[i];

		if (!ksm_guest_mergeable(g) || (after_ns && g->awake_ns <= after_ns))
			continue;
		sum.n++;
		sum.rss_kib = add_capped(sum.rss_kib, g->sample->rss_kib);
		sum.newest_ns = KT_MAX(sum.newest_ns, g->awake_ns);
		sum.oldest_ns = sum.n == 1 ? g->awake_ns : KT_MIN(sum.oldest_ns, g->awake_ns);
	}
	return sum;
}

/* Two looks at a page are needed, and the first pass may have begun behind it. */
enum { PASSES_TO_BELIEVE = 3 };

/* Of QEMU itself, which is not offered to KSM. */
static const uint64_t overhead_kib = 64 * 1024;

/* None of it was merged, and it was looked at often enough. */
static enum why what_hides_it(const struct guest_sample *s)
{
	uint64_t anon_kib = s->has_cgroup ? s->anon_kib : s->rss_kib;
	uint64_t offered_kib = sub_capped(anon_kib, overhead_kib);

	if (mul_capped(s->ksm_rmap_pages, KT_PAGE_KIB) < offered_kib / 4)
		return WHY_NOT_SCANNED;
	if (offered_kib > 0 && s->anon_huge_kib > anon_kib / 2)
		return WHY_HUGE_PAGES_WHOLE;
	return WHY_NOTHING_ALIKE;
}

enum why ksm_guest_verdict(const struct host_view *view, const struct guest_view *guest)
{
	const struct guest_sample *s = guest->sample;
	enum why why;

	if (!guest->present)
		return WHY_NOT_SAMPLED;
	why = obstacle(guest->domain);
	if (why != WHY_NONE)
		return why;
	if (!s->has_ksm)
		return WHY_MERGEABLE;
	if (s->ksm_profit_bytes > 0 && guest->merged_kib > s->rss_kib / 100)
		return WHY_MERGED;
	if (sub_capped(view->ksm_passes, guest->first_pass) < PASSES_TO_BELIEVE)
		return WHY_MERGEABLE;
	if (guest->merged_kib > s->rss_kib / 100)
		return s->ksm_profit_bytes < 0 ? WHY_NO_PROFIT : WHY_MERGED;
	return what_hides_it(s);
}

void explain_ksm_of_guest(const struct host_view *view, size_t slot, struct explanation *ret)
{
	static const enum why results[] = { WHY_NO_PROFIT, WHY_NOT_SCANNED, WHY_HUGE_PAGES_WHOLE,
					    WHY_NOTHING_ALIKE };
	const struct guest_view *g;
	enum why why;

	*ret = (struct explanation){ 0 };
	if (slot >= view->nslots || !view->guest[slot].domain)
		return;
	g = &view->guest[slot];
	why = ksm_guest_verdict(view, g);
	explanation_add(ret, (struct rule_answer){ WHY_NOT_SAMPLED, true, !g->present }, 0);
	for (size_t i = 0; i < KT_ARRAY_LEN(obstacles); i++)
		explanation_add(ret,
				(struct rule_answer){ obstacles[i].why, true,
						      obstacles[i].forbids(g->domain) },
				0);
	for (size_t i = 0; i < KT_ARRAY_LEN(results); i++)
		explanation_add(ret,
				(struct rule_answer){ results[i], ksm_guest_mergeable(g),
						      why == results[i] },
				0);
}
