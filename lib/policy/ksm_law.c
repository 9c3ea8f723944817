/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ksmtuned's law:
 *
 *	short:     available < target                       pages += boost
 *	plentiful: committed + target < total, and
 *	           available > target                       rest
 *	else:                                               pages -= decay
 *
 * pages stays within [min, max] and survives a rest.  Mended: the guests are libvirt's
 * and only those that KSM can merge count; available is MemAvailable (ksmtuned adds up
 * Free + Buffers + Cached, and counts tmpfs); the target's lower bound is in MiB, as
 * ksmtuned's documents say, where its code compares KiB.  The original is there as well,
 * to compare with; all guests count for it, as on Fedora (Debian's sees none of libvirt's). */
#include "ksm_private.h"
#include "recall.h"

/* Thirty guests that start together are one event. */
static const uint64_t kick_interval_s = 5;

static const uint64_t sleep_min_ms = 10;
static const uint64_t sleep_max_ms = UINT32_MAX;         /* the kernel's unsigned int */
static const uint64_t sleep_host_kib = 16 * 1024 * 1024; /* sleep_ms is meant for 16 GiB */

static uint64_t target_kib(const struct ksm_conf *conf, uint64_t total_kib, uint64_t unit_kib)
{
	uint64_t share_kib = share_of(total_kib, conf->free_target_percent, 100);

	return KT_MAX(share_kib, mul_capped(conf->free_target_min_mib, unit_kib));
}

static uint64_t scaled_sleep_ms(const struct ksm_conf *conf, uint64_t total_kib)
{
	uint64_t ms = total_kib ? mul_capped(conf->sleep_ms, sleep_host_kib) / total_kib : 0;

	return KT_CLAMP(ms, sleep_min_ms, sleep_max_ms);
}

/* The original's first step comes after the first interval, and events mean nothing to it. */
static bool step_is_due(const struct ksm_policy *state, const struct ksm_conf *conf,
			uint64_t now_ns)
{
	bool original = conf->policy == KSM_POLICY_KSMTUNED_ORIGINAL;
	uint64_t wait_s = conf->interval_s;

	if (state->kicked && !original)
		wait_s = KT_MIN(wait_s, kick_interval_s);
	return (!state->stepped && !original) || !within_s(now_ns, state->last_step_ns, wait_s);
}

/* What the law is applied to. */
struct facts {
	uint64_t total_kib, free_kib, committed_kib, target_kib;
};

static struct facts mended_facts(const struct ksm_conf *conf, const struct host_view *view)
{
	uint64_t total_kib = view->host->mem_total_kib;

	return (struct facts){ .total_kib = total_kib,
			       .free_kib = view->host->mem_available_kib,
			       .committed_kib = ksm_guests_since(view, 0).rss_kib,
			       .target_kib = target_kib(conf, total_kib, 1024) };
}

static struct facts original_facts(const struct ksm_conf *conf, const struct host_view *view)
{
	const struct host_sample *h = view->host;
	struct facts f = { .total_kib = h->mem_total_kib,
			   .target_kib = target_kib(conf, h->mem_total_kib, 1) };

	f.free_kib = add_capped(h->mem_free_kib, add_capped(h->buffers_kib, h->cached_kib));
	for (size_t i = 0; i < view->nslots; i++)
		if (view->guest[i].present)
			f.committed_kib =
				add_capped(f.committed_kib, view->guest[i].sample->rss_kib);
	return f;
}

static struct ksm_plan law(struct ksm_policy *state, const struct ksm_conf *conf,
			   const struct host_view *view)
{
	bool original = conf->policy == KSM_POLICY_KSMTUNED_ORIGINAL;
	struct facts f = original ? original_facts(conf, view) : mended_facts(conf, view);
	struct ksm_plan plan = { .wish = WISH_SET, .run = true };

	if (f.free_kib < f.target_kib) {
		state->pages = add_capped(state->pages, conf->boost_pages);
		plan.why = WHY_MEMORY_SHORT;
	} else if (!view->guests_known) {
		return (struct ksm_plan){ .wish = WISH_HOLD, .why = WHY_GUESTS_UNKNOWN };
	} else if (f.free_kib > f.target_kib &&
		   add_capped(f.committed_kib, f.target_kib) < f.total_kib) {
		plan.run = false;
		plan.why = WHY_MEMORY_PLENTIFUL;
	} else {
		state->pages = sub_capped(state->pages, conf->decay_pages);
		plan.why = WHY_MEMORY_COMMITTED;
	}
	if (plan.run)
		state->pages = KT_CLAMP(state->pages, conf->min_pages, conf->max_pages);
	plan.pages_to_scan = KT_MAX(state->pages, conf->min_pages);
	plan.sleep_ms = scaled_sleep_ms(conf, f.total_kib);
	return plan;
}

/* A restarted daemon goes on at the speed that it left in force. */
static void begin(struct ksm_policy *state, const struct ksm_conf *conf,
		  const struct host_view *view, const struct ksm_in_force *in_force)
{
	if (in_force->ours && view->host->ksm.run == 1)
		state->pages = view->host->ksm.pages_to_scan;
	if (conf->policy == KSM_POLICY_KSMTUNED_ORIGINAL && !state->last_step_ns) {
		state->last_step_ns = view->now_ns;
		state->last = (struct ksm_plan){ .wish = WISH_HOLD, .why = WHY_NONE };
	}
}

void ksm_law_step(struct ksm_policy *state, const struct ksm_conf *conf,
		  const struct host_view *view, const struct ksm_in_force *in_force,
		  struct ksm_plan *ret)
{
	if (!state->stepped)
		begin(state, conf, view, in_force);
	if (step_is_due(state, conf, view->now_ns)) {
		state->last = law(state, conf, view);
		state->last_step_ns = view->now_ns;
		state->stepped = true;
		state->kicked = false;
	}
	*ret = state->last;
}
