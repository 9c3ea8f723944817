/* SPDX-License-Identifier: GPL-2.0-or-later */
/* May KSM be driven at all, and by which policy? */
#include "capped.h"
#include "ksm_private.h"
#include "rule.h"

static bool is_switched_off(const struct ksm_moment *m)
{
	return m->conf->mode == LOOP_OFF || m->conf->policy == KSM_POLICY_OFF;
}

static bool operator_paused_it(const struct ksm_moment *m)
{
	return m->conf->mode == LOOP_PAUSED;
}

static bool is_absent(const struct ksm_moment *m)
{
	return !m->view->host->ksm.present;
}

static bool is_ceded(const struct ksm_moment *m)
{
	return m->in_force->ceded;
}

static bool actuator_is_off(const struct ksm_moment *m)
{
	return m->in_force->off;
}

/* The kernel answers EINVAL to pages_to_scan, also to giving it back. */
static bool kernel_decides(const struct ksm_moment *m)
{
	return m->view->host->ksm.advisor == KSM_ADVISOR_SCAN_TIME &&
	       m->conf->advisor == KSM_ADVISOR_CEDE;
}

/* What its profile sets is the administrator's word, until it is another profile. */
static bool tuned_decides(const struct ksm_moment *m)
{
	return m->view->tuned_has_ksm && m->conf->advisor == KSM_ADVISOR_CEDE;
}

static bool nobody_can_merge(const struct ksm_moment *m)
{
	return m->view->guests_known && ksm_guests_since(m->view, 0).n == 0;
}

/* In this order: what is said first is what the operator reads. */
static const struct {
	bool (*forbids)(const struct ksm_moment *m);
	enum wish wish;
	enum why why;
} rules[] = {
	{ is_switched_off, WISH_RELEASE, WHY_SWITCHED_OFF },
	{ operator_paused_it, WISH_RELEASE, WHY_PAUSED },
	{ is_absent, WISH_HOLD, WHY_NO_KSM },
	{ is_ceded, WISH_HOLD, WHY_CEDED },
	{ actuator_is_off, WISH_HOLD, WHY_ACTUATOR_OFF },
	{ kernel_decides, WISH_HOLD, WHY_KERNEL_ADVISOR },
	{ tuned_decides, WISH_RELEASE, WHY_OWNED_ELSEWHERE },
	{ nobody_can_merge, WISH_RELEASE, WHY_NO_MERGEABLE_GUEST },
};

/* The first rule that forbids to drive KSM, with what to do about what is ours; WHY_NONE:
 * there is none. */
static enum why stand_down(const struct ksm_moment *m, enum wish *ret_wish)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(rules); i++) {
		if (!rules[i].forbids(m))
			continue;
		*ret_wish = rules[i].wish;
		return rules[i].why;
	}
	return WHY_NONE;
}

void ksm_explain_rules(const struct ksm_moment *m, struct explanation *ret)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(rules); i++)
		explanation_add(ret,
				(struct rule_answer){ rules[i].why, true, rules[i].forbids(m) }, 0);
}

/* While placement is paused pins stay, and so does what they were the reason for: nothing is
 * taken apart for a pause, and nothing new begins. */
static bool guests_are_placed(const struct policy_conf *conf, const struct host_view *view)
{
	if (conf->placement.mode == LOOP_PAUSED)
		return view->host->ksm.merge_across_nodes == 0;
	return conf->placement.mode == LOOP_ACTIVE;
}

static enum ksm_switch across_nodes(const struct policy_conf *conf, const struct host_view *view)
{
	bool by_node = guests_are_placed(conf, view) && conf->mode == DAEMON_ACTIVE &&
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
	const struct ksm_moment m = { .conf = &conf->ksm, .view = view, .in_force = in_force };
	enum wish wish = WISH_HOLD;
	enum why why = stand_down(&m, &wish);

	if (state->name != conf->ksm.policy)
		*state = (struct ksm_policy){ .name = conf->ksm.policy };
	state->kicked |= view->kicked;
	if (why != WHY_NONE) {
		state->automatic = (struct ksm_auto){ 0 };
		*ret = (struct ksm_plan){ .wish = wish, .why = why };
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
