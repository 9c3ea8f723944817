/* SPDX-License-Identifier: GPL-2.0-or-later */
/* May KSM be driven at all, and by which policy? */
#include "capped.h"
#include "ksm_private.h"

/* What forbids to have an opinion; WHY_NONE: nothing. */
static enum why stand_down(const struct ksm_conf *conf, const struct host_view *view,
			   const struct ksm_in_force *in_force)
{
	const struct ksm_sample *k = &view->host->ksm;

	if (conf->mode == LOOP_OFF || conf->policy == KSM_POLICY_OFF)
		return WHY_SWITCHED_OFF;
	if (!k->present)
		return WHY_NO_KSM;
	if (in_force->ceded)
		return WHY_CEDED;
	if (in_force->off)
		return WHY_ACTUATOR_OFF;
	/* The kernel answers EINVAL to pages_to_scan, also to giving it back. */
	if (k->advisor == KSM_ADVISOR_SCAN_TIME && conf->advisor == KSM_ADVISOR_CEDE)
		return WHY_KERNEL_ADVISOR;
	if (view->guests_known && ksm_guests_since(view, 0).n == 0)
		return WHY_NO_MERGEABLE_GUEST;
	return WHY_NONE;
}

static bool gives_back(enum why why)
{
	return why == WHY_SWITCHED_OFF || why == WHY_NO_MERGEABLE_GUEST;
}

static enum ksm_switch across_nodes(const struct policy_conf *conf, const struct host_view *view)
{
	bool by_node = conf->placement.mode == LOOP_ACTIVE && conf->mode == DAEMON_ACTIVE &&
		       view->topology && view->topology->ncpu_nodes > 1;

	switch (conf->ksm.merge_across_nodes) {
	case KSM_NODES_APART:
		return KSM_SWITCH_OFF;
	case KSM_NODES_TOGETHER:
		return KSM_SWITCH_ON;
	case KSM_NODES_AUTO:
		return by_node ? KSM_SWITCH_OFF : KSM_SWITCH_KEEP;
	case KSM_NODES_KEEP:
	default:
		return KSM_SWITCH_KEEP;
	}
}

/* What unmerging needs is there, with a reserve, and no guest would meet a limit of its
 * cgroup on the way: the kernel charges each page that is taken apart to its guest. */
bool ksm_has_room_to_unmerge(const struct host_view *view)
{
	static const uint64_t reserve_percent = 10;
	uint64_t total_kib = view->host->mem_total_kib;
	uint64_t wanted_kib = add_capped(view->merged_kib, total_kib / 100 * reserve_percent);

	for (size_t i = 0; i < view->nslots; i++) {
		const struct guest_view *g = &view->guest[i];
		uint64_t merged_kib, whole_kib;

		if (!g->domain)
			continue;
		if (!g->present)
			return false; /* nobody knows what it would need */
		if (g->sample->has_ksm && g->merged_kib == 0)
			continue;
		merged_kib = g->sample->has_ksm ? g->merged_kib : view->merged_kib;
		whole_kib =
			add_capped(KT_MAX(g->sample->rss_kib, g->sample->usage_kib), merged_kib);
		if (whole_kib > g->sample->limit_kib)
			return false;
	}
	return view->host->mem_available_kib > wanted_kib;
}

void ksm_policy_step(struct ksm_policy *state, const struct policy_conf *conf,
		     const struct host_view *view, const struct ksm_in_force *in_force,
		     struct ksm_plan *ret)
{
	enum why why = stand_down(&conf->ksm, view, in_force);

	if (state->name != conf->ksm.policy)
		*state = (struct ksm_policy){ .name = conf->ksm.policy };
	state->kicked |= view->kicked;
	if (why != WHY_NONE) {
		state->automatic = (struct ksm_auto){ 0 };
		*ret = (struct ksm_plan){ .wish = gives_back(why) ? WISH_RELEASE : WISH_HOLD,
					  .why = why };
	} else if (conf->ksm.policy == KSM_POLICY_AUTO) {
		ksm_auto_step(&state->automatic, &conf->ksm, view, in_force, ret);
	} else {
		ksm_law_step(state, &conf->ksm, view, in_force, ret);
	}
	ret->stops_advisor = ret->wish == WISH_SET && conf->ksm.advisor == KSM_ADVISOR_TAKE_OVER;
	ret->use_zero_pages = conf->ksm.use_zero_pages;
	ret->merge_across_nodes = across_nodes(conf, view);
	ret->may_unmerge = ksm_has_room_to_unmerge(view);
}
