/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Should KSM scan, and how fast?  ksmtuned's law:
 *
 *	short:     available < target                       pages += boost
 *	plentiful: committed + target < total, and
 *	           available > target                       rest
 *	else:                                               pages -= decay
 *
 * pages stays within [min, max] and survives a rest.  Mended: the guests are libvirt's
 * and only those that KSM can merge count; available is MemAvailable (ksmtuned adds up
 * Free + Buffers + Cached, and counts tmpfs); the target's lower bound is in MiB, as
 * ksmtuned's documents say, where its code compares KiB. */
#include "policy.h"
#include "recall.h"

/* Thirty guests that start together are one event. */
static const uint64_t kick_interval_s = 5;

static const uint64_t sleep_min_ms = 10;
static const uint64_t sleep_max_ms = UINT32_MAX;         /* the kernel's unsigned int */
static const uint64_t sleep_host_kib = 16 * 1024 * 1024; /* sleep_ms is meant for 16 GiB */

bool ksm_guest_mergeable(const struct guest_view *guest)
{
	const struct domain *d = guest->domain;

	return guest->present && !d->hugepages && !d->locked && !d->vfio && !d->nosharepages &&
	       !d->shared_memory && !d->confidential && d->wish.ksm != GUEST_SWITCH_OFF;
}

struct demand {
	size_t nguests;
	uint64_t committed_kib;
};

static struct demand mergeable_guests(const struct host_view *view)
{
	struct demand sum = { 0 };

	for (size_t i = 0; i < view->nslots; i++) {
		if (!ksm_guest_mergeable(&view->guest[i]))
			continue;
		sum.nguests++;
		sum.committed_kib = add_capped(sum.committed_kib, view->guest[i].sample->rss_kib);
	}
	return sum;
}

static uint64_t target_kib(const struct ksm_conf *conf, uint64_t total_kib)
{
	uint64_t share_kib = share_of(total_kib, conf->free_target_percent, 100);

	return KT_MAX(share_kib, mul_capped(conf->free_target_min_mib, 1024));
}

static uint64_t scaled_sleep_ms(const struct ksm_conf *conf, uint64_t total_kib)
{
	uint64_t ms = total_kib ? mul_capped(conf->sleep_ms, sleep_host_kib) / total_kib : 0;

	return KT_CLAMP(ms, sleep_min_ms, sleep_max_ms);
}

/* What forbids to have an opinion; WHY_NONE: nothing. */
static enum why stand_down(const struct ksm_conf *conf, const struct host_view *view,
			   const struct ksm_in_force *in_force, const struct demand *guests)
{
	if (conf->mode == LOOP_OFF || conf->policy == KSM_POLICY_OFF)
		return WHY_SWITCHED_OFF;
	if (!view->host->ksm.present)
		return WHY_NO_KSM;
	if (in_force->ceded)
		return WHY_CEDED;
	if (in_force->off)
		return WHY_ACTUATOR_OFF;
	/* The kernel answers EINVAL to pages_to_scan, also to giving it back. */
	if (view->host->ksm.advisor == KSM_ADVISOR_SCAN_TIME)
		return WHY_KERNEL_ADVISOR;
	if (view->guests_known && guests->nguests == 0)
		return WHY_NO_MERGEABLE_GUEST;
	return WHY_NONE;
}

static bool step_is_due(const struct ksm_policy *state, const struct ksm_conf *conf,
			uint64_t now_ns)
{
	uint64_t wait_s = conf->interval_s;

	if (state->kicked)
		wait_s = KT_MIN(wait_s, kick_interval_s);
	return !state->stepped || !within_s(now_ns, state->last_step_ns, wait_s);
}

static struct ksm_plan law(struct ksm_policy *state, const struct ksm_conf *conf,
			   const struct host_view *view, uint64_t committed_kib)
{
	uint64_t total_kib = view->host->mem_total_kib;
	uint64_t free_kib = view->host->mem_available_kib;
	uint64_t target = target_kib(conf, total_kib);
	struct ksm_plan plan = { .wish = WISH_SET, .run = true };

	if (free_kib < target) {
		state->pages = add_capped(state->pages, conf->boost_pages);
		plan.why = WHY_MEMORY_SHORT;
	} else if (!view->guests_known) {
		return (struct ksm_plan){ .wish = WISH_HOLD, .why = WHY_GUESTS_UNKNOWN };
	} else if (free_kib > target && add_capped(committed_kib, target) < total_kib) {
		plan.run = false;
		plan.why = WHY_MEMORY_PLENTIFUL;
	} else {
		state->pages = sub_capped(state->pages, conf->decay_pages);
		plan.why = WHY_MEMORY_COMMITTED;
	}
	if (plan.run)
		state->pages = KT_CLAMP(state->pages, conf->min_pages, conf->max_pages);
	plan.pages_to_scan = KT_MAX(state->pages, conf->min_pages);
	plan.sleep_ms = scaled_sleep_ms(conf, total_kib);
	return plan;
}

static bool gives_back(enum why why)
{
	return why == WHY_SWITCHED_OFF || why == WHY_NO_MERGEABLE_GUEST;
}

void ksm_policy_step(struct ksm_policy *state, const struct ksm_conf *conf,
		     const struct host_view *view, const struct ksm_in_force *in_force,
		     struct ksm_plan *ret)
{
	struct demand guests = mergeable_guests(view);
	enum why why = stand_down(conf, view, in_force, &guests);

	state->kicked |= view->kicked;
	if (why != WHY_NONE) {
		*ret = (struct ksm_plan){ .wish = gives_back(why) ? WISH_RELEASE : WISH_HOLD,
					  .why = why };
		return;
	}
	/* A restarted daemon goes on at the speed that it left in force. */
	if (!state->stepped && in_force->ours && view->host->ksm.run == 1)
		state->pages = view->host->ksm.pages_to_scan;
	if (step_is_due(state, conf, view->now_ns)) {
		state->last = law(state, conf, view, guests.committed_kib);
		state->last_step_ns = view->now_ns;
		state->stepped = true;
		state->kicked = false;
	}
	*ret = state->last;
}
