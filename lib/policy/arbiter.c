/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is the whole plan?  Three loops decide, one disturbance of a guest at a time. */
#include "policy.h"
#include "price.h"
#include "recall.h"

#include <string.h>

/* Where nobody looks at the guest its placement stands, which is most of a plan: it is not even
 * copied. */
static void begin_anew(struct guest_plan *p, bool keeps_placement)
{
	memset(p, 0, keeps_placement ? offsetof(struct guest_plan, placement) : sizeof *p);
	p->memory = (struct memory_plan){ .target_kib = KT_UNLIMITED_KIB };
}

static void identify(struct guest_plan *p, const struct guest_view *g)
{
	begin_anew(p, p->present && g->domain && p->incarnation == g->incarnation);
	if (!g->domain)
		return;
	p->present = true;
	p->incarnation = g->incarnation;
	p->uuid = g->domain->uuid;
	p->name = g->domain->name;
	p->soft_limit_kib = g->domain->soft_limit_kib;
	if (!g->present)
		return;
	p->pid = g->sample->pid;
	p->start_ticks = g->sample->start_ticks;
	p->unseen = g->sample->look != GUEST_LOOK_FULL;
	p->nthreads = g->sample->nthreads;
	p->threads = g->sample->threads;
	p->memory_cgroup = g->sample->cgroup;
}

static bool is_dry(const struct policy_conf *conf, enum loop_mode loop, enum guest_switch wish)
{
	return conf->mode == DAEMON_OBSERVE || loop == LOOP_OBSERVE || wish == GUEST_SWITCH_OBSERVE;
}

/* The pin of this plan is not the one in force, or has not been for long. */
static bool is_settling(const struct placement_conf *conf, const struct placement_plan *p,
			const struct guest_in_force *f, uint64_t now_ns)
{
	bool changes = p->wish == WISH_SET ? !f->pinned || f->nodes != p->nodes
					   : p->wish == WISH_RELEASE && f->pinned;

	return (changes && !p->dry_run) || pin_is_cooling(f, now_ns, conf->cooldown_s);
}

static void place(struct arbiter *state, const struct policy_conf *conf,
		  const struct host_view *view, const struct in_force *in_force, struct plan *plan)
{
	placement_policy_step(&state->placement, &conf->placement, view, in_force, plan);
	for (size_t i = 0; i < plan->nslots; i++) {
		const struct guest_view *g = &view->guest[i];
		struct guest_plan *p = &plan->guest[i];

		if (!p->present)
			continue;
		if (!p->placement.version)
			p->placement.version = ++state->nversions;
		p->placement.dry_run =
			is_dry(conf, conf->placement.mode, g->domain->wish.placement);
		placement_policy_pretend(&state->placement, i, &p->placement, view->now_ns);
		p->settling = is_settling(&conf->placement, &p->placement,
					  recall_guest(in_force, i, g), view->now_ns) ||
			      (plan->move.go && plan->move.slot == i && !p->placement.dry_run);
	}
}

/* The earlier one; 0 is none. */
static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a && b ? KT_MIN(a, b) : a + b;
}

/* A move that is only told of needs no second look. */
static uint64_t look_again_ns(const struct plan *plan)
{
	bool moves = plan->move.go && !plan->guest[plan->move.slot].placement.dry_run;
	uint64_t ns = earlier(plan->ksm.look_again_ns, plan->memory.look_again_ns);

	return earlier(ns, moves ? plan->look_again_ns : 0);
}

/* Where nothing is to be written, pins stay as they are, and what was set for them, too: it is
 * `ours`. */
static bool is_placed(const struct placement_plan *p, const struct guest_in_force *f, bool ours)
{
	if (p->dry_run)
		return f->pinned && ours;
	return p->wish == WISH_SET || (p->wish == WISH_HOLD && f->pinned);
}

static enum ksm_switch balancing_wish(const struct policy_conf *conf, const struct host_view *view,
				      const struct in_force *in_force, const struct plan *plan)
{
	bool ours = in_force->balancing.ours;

	if (conf->placement.numa_balancing == BALANCING_KEEP)
		return KSM_SWITCH_KEEP;
	for (size_t i = 0; i < plan->nslots; i++)
		if (plan->guest[i].present &&
		    is_placed(&plan->guest[i].placement, recall_guest(in_force, i, &view->guest[i]),
			      ours))
			return KSM_SWITCH_OFF;
	/* Of an earlier life, and so may pins be, of guests that libvirt has not yet named. */
	return ours && !view->guests_known ? KSM_SWITCH_OFF : KSM_SWITCH_KEEP;
}

/* Until the price is well bearable, but never so far that the host would be calm. */
static uint64_t deficit_kib(const struct policy_conf *conf, const struct host_view *view,
			    const struct memory_price *price)
{
	double goal = (double)conf->memory.squeeze_price - SQUEEZE_AIM;
	double bearable = memory_shortage_at(price, KT_MAX(goal, 0.0) / 100);
	double calm = (double)conf->memory.calm_price / 100;

	return memory_deficit_kib(&conf->ksm, view, KT_MAX(bearable, calm));
}

static void squeeze(struct memory_policy *state, const struct policy_conf *conf,
		    const struct host_view *view, const struct in_force *in_force,
		    struct plan *plan)
{
	struct memory_price price = memory_price(&conf->ksm, view);

	plan->memory = (struct memory_host_plan){ .price = price.price,
						  .shortage = price.shortage,
						  .deficit_kib = deficit_kib(conf, view, &price) };
	for (size_t i = 0; i < plan->nslots; i++)
		if (plan->guest[i].present)
			plan->guest[i].memory.dry_run =
				is_dry(conf, conf->memory.mode, view->guest[i].domain->wish.memory);
	memory_policy_step(state, &conf->memory, view, in_force, plan);
}

void arbiter_step(struct arbiter *state, const struct policy_conf *conf,
		  const struct host_view *view, const struct in_force *in_force, struct plan *ret)
{
	ret->now_ns = view->now_ns;
	ret->nslots = view->nslots;
	ret->look_again_ns = 0;
	for (size_t i = 0; i < ret->nslots; i++) {
		identify(&ret->guest[i], &view->guest[i]);
		if (ret->guest[i].present)
			ret->guest[i].ksm = ksm_guest_verdict(view, &view->guest[i]);
	}
	ksm_policy_step(&state->ksm, conf, view, &in_force->ksm, &ret->ksm);
	ret->ksm.dry_run = is_dry(conf, conf->ksm.mode, GUEST_SWITCH_DEFAULT);
	place(state, conf, view, in_force, ret);
	ret->numa_balancing = balancing_wish(conf, view, in_force, ret);
	squeeze(&state->memory, conf, view, in_force, ret);
	ret->look_again_ns = look_again_ns(ret);
}
