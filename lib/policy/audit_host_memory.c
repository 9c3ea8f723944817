/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the kernel handle the memory of this host as guests need it? */
#include "audit_host.h"

/* tuned's virtual-host and throughput-performance say 10, SUSE's guide has 35. */
enum { SWAPPINESS_MAX = 35 };

/* numad's, for whom huge pages cannot come soon enough, and the kernel's. */
enum { SCAN_SLEEP_MIN_MS = 1000, SCAN_SLEEP_MAX_MS = 10000 };

HOST_JUDGE(swappiness)
{
	const struct audit_host *h = in->host;

	if (h->has_swap.state == FACT_KNOWN && !h->has_swap.value)
		audit_not_applicable(v, "The host has no swap.");
	else if (audit_take(v, &h->swappiness, "The kernel has no vm.swappiness.") &&
		 !audit_owned(in, v, OWNED_SWAPPINESS))
		audit_expect(v, h->swappiness.value <= SWAPPINESS_MAX);
}

/* ---- dirty pages ------------------------------------------------------------------------ */

static bool bypasses_page_cache(const struct audit_input *in, size_t slot)
{
	return in->domains->slot[slot].domain.audit.all_cache_none;
}

/* A ratio of 0 says that the bytes count.  Whoever has set them has thought about it, and they
 * would be lost if the ratio were written. */
static void judge_dirty(const struct audit_input *in, struct audit_verdict *v,
			const struct fact *ratio, const struct fact *bytes, uint64_t expected,
			enum owned_value value)
{
	struct audit_count count = audit_count(in, bypasses_page_cache);

	if (!count.unknown && !audit_some_guests(v, count))
		return;
	if (!audit_not_all(v, count, "Every disk of every guest has cache none.") ||
	    !audit_take(v, ratio, "The kernel has no such ratio."))
		return;
	if (ratio->value)
		audit_expect(v, audit_owned(in, v, value) || ratio->value == expected);
	else if (audit_take(v, bytes, "The kernel has no limit in bytes.") &&
		 !audit_owned(in, v, value))
		audit_not_applicable(v, "The limit is set in bytes: somebody has chosen it.");
}

HOST_JUDGE(dirty_ratio)
{
	judge_dirty(in, v, &in->host->dirty_ratio, &in->host->dirty_bytes, 40, OWNED_DIRTY_RATIO);
}

HOST_JUDGE(dirty_background_ratio)
{
	judge_dirty(in, v, &in->host->dirty_background_ratio, &in->host->dirty_background_bytes, 5,
		    OWNED_DIRTY_BACKGROUND_RATIO);
}

/* ---- huge pages that nobody asks for ---------------------------------------------------- */

static bool has_hugetlb(const struct audit_input *in, size_t slot)
{
	return in->domains->slot[slot].domain.audit.hugepages;
}

static const char no_thp[] = "The kernel has no transparent huge pages.";

HOST_JUDGE(thp_enabled)
{
	if (!audit_take_word(v, &in->host->thp_enabled, no_thp) ||
	    audit_owned(in, v, OWNED_THP_ENABLED))
		return;
	if (!audit_word_is(v->word[0], "never"))
		audit_expect(v, true);
	else if (!audit_owned_by_latency(in, v) &&
		 audit_not_all(v, audit_count(in, has_hugetlb),
			       "The memory of every guest is in huge pages of its own."))
		audit_expect(v, false);
}

/* False, and the verdict is made: what is said about them has no effect. */
static bool thp_are_used(const struct audit_input *in, struct audit_verdict *v)
{
	if (!audit_take_word(v, &in->host->thp_enabled, no_thp))
		return false;
	if (audit_word_is(v->word[0], "never"))
		audit_not_applicable(v, "Transparent huge pages are off.");
	v->word[0][0] = '\0';
	return v->result != AUDIT_NOT_APPLICABLE;
}

/* QEMU asks for huge pages of guests' memory by madvise(): whoever asks shall get one at once.
 * always gives them to everybody, which VMs may want, says transhuge.rst. */
HOST_JUDGE(thp_defrag)
{
	static const char *const good[] = { "madvise", "defer+madvise", "always" };

	if (!thp_are_used(in, v) || !audit_take_word(v, &in->host->thp_defrag, no_thp) ||
	    audit_owned(in, v, OWNED_THP_DEFRAG))
		return;
	audit_expect(v, false);
	for (size_t i = 0; i < KT_ARRAY_LEN(good); i++)
		if (audit_word_is(v->word[0], good[i]))
			audit_expect(v, true);
}

HOST_JUDGE(khugepaged_defrag)
{
	if (thp_are_used(in, v) && audit_take(v, &in->host->khugepaged_defrag, no_thp) &&
	    !audit_owned(in, v, OWNED_KHUGEPAGED_DEFRAG))
		audit_expect(v, v->number[0] == 1);
}

HOST_JUDGE(khugepaged_scan_sleep)
{
	if (thp_are_used(in, v) && audit_take(v, &in->host->khugepaged_scan_sleep_ms, no_thp) &&
	    !audit_owned(in, v, OWNED_KHUGEPAGED_SCAN_SLEEP))
		audit_expect(v, v->number[0] >= SCAN_SLEEP_MIN_MS &&
					v->number[0] <= SCAN_SLEEP_MAX_MS);
}

/* ---- nodes ------------------------------------------------------------------------------ */

HOST_JUDGE(zone_reclaim)
{
	if (!audit_several_nodes(in, v) ||
	    !audit_take(v, &in->host->zone_reclaim_mode,
			"The kernel has no vm.zone_reclaim_mode.") ||
	    audit_owned(in, v, OWNED_ZONE_RECLAIM))
		return;
	if (v->number[0] == 0)
		audit_expect(v, true);
	else if (audit_not_all(v, audit_count(in, audit_guest_is_on_one_node),
			       "Every guest is kept within one node."))
		audit_expect(v, false);
}

/* Bit 0 moves tasks and pages to each other; bit 1, memory tiering, is somebody else's.  With
 * guests of both kinds there is no right value. */
HOST_JUDGE(numa_balancing)
{
	enum { BALANCING = 1 };
	struct audit_count bound = audit_count(in, audit_guest_is_bound);
	bool is_on, should;

	if (!audit_several_nodes(in, v) ||
	    !audit_take(v, &in->host->numa_balancing, "The kernel cannot balance nodes.") ||
	    audit_owned(in, v, OWNED_NUMA_BALANCING))
		return;
	is_on = v->number[0] & BALANCING;
	should = bound.yes < bound.of;
	v->number[1] = (v->number[0] & ~(uint64_t)BALANCING) | should;
	if (!is_on && audit_owned_by_latency(in, v))
		return;
	if (audit_some_guests(v, bound))
		audit_expect(v, is_on == should || (bound.yes && should));
}
