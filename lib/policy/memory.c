/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose memory is taken while the host is short of it?
 *
 * The idlest guests that have something to give, in order of their score, until what the
 * host lacks is on its way; each by a small step, and the next only when nothing speaks
 * against the last.  Memory is taken once where the kernel can do that, and nothing stays in
 * force; elsewhere by soft limits, which are wished again as long as they stand. */
#include "memory_rules.h"
#include "recall.h"
#include "rule.h"

static const uint64_t look_again_ns = KT_NS_PER_S;

/* One call of memory_policy_step. */
struct tick {
	struct memory_policy *state;
	const struct memory_conf *conf;
	const struct host_view *view;
	const struct in_force *in_force;
	struct plan *plan;
	enum memory_host host;
	double urgency; /* see struct squeeze */
};

static bool can_reclaim(const struct guest_in_force *in_force, const struct guest_view *guest)
{
	return guest->present && guest->sample->has_reclaim && !in_force->reclaim_off;
}

static double urgency_of(const struct memory_conf *conf, double shortage)
{
	double mark = (double)conf->squeeze_price / 100;

	return mark < 1 ? KT_CLAMP((shortage - mark) / (1 - mark), 0.0, 1.0) : 0;
}

/* `gs`: what is known of the guest, or of one before it in the slot. */
static struct squeeze squeeze_with(const struct tick *t, size_t slot, const struct guest_plan *plan,
				   struct memory_guest_state *gs)
{
	const struct guest_view *guest = &t->view->guest[slot];
	const struct guest_in_force *f = recall_guest(t->in_force, slot, guest);
	bool reclaims = t->conf->backend != MEMORY_BACKEND_LIMIT && can_reclaim(f, guest);

	if (gs->incarnation != guest->incarnation)
		*gs = (struct memory_guest_state){ .incarnation = guest->incarnation };
	return (struct squeeze){
		.conf = t->conf,
		.now_ns = t->view->now_ns,
		.dt_s = t->view->dt_s,
		.host = t->host,
		.urgency = t->urgency,
		.guest = guest,
		.in_force = f,
		.state = gs,
		.means = reclaims ? MEMORY_RECLAIM : MEMORY_SOFT_LIMIT,
		.has_means = reclaims || t->conf->backend != MEMORY_BACKEND_RECLAIM,
		.settling = plan->settling,
		.dry_run = plan->memory.dry_run,
	};
}

static struct squeeze squeeze_of(const struct tick *t, size_t slot)
{
	return squeeze_with(t, slot, &t->plan->guest[slot], &t->state->guest[slot]);
}

/* Of a guest that may be squeezed, why it is not, unless it is its turn. */
static enum why why_kept(const struct squeeze *q)
{
	if (squeeze_is_cooling(q))
		return WHY_COOLING_DOWN;
	if (squeeze_target_kib(q, UINT64_MAX) == KT_UNLIMITED_KIB)
		return WHY_AT_FLOOR;
	return WHY_NOT_IDLEST;
}

/* No step: what may be in force stays. */
static struct memory_plan keep(const struct squeeze *q)
{
	struct memory_plan plan = { .wish = WISH_HOLD,
				    .why = why_kept(q),
				    .target_kib = KT_UNLIMITED_KIB };

	if (!q->in_force->limited)
		return plan;
	plan.wish = WISH_SET;
	plan.means = MEMORY_SOFT_LIMIT;
	plan.target_kib = q->in_force->soft_limit_kib;
	return plan;
}

/* The answer as long as no step is made at this guest. */
static struct memory_plan judge(const struct squeeze *q)
{
	struct memory_plan plan = { .target_kib = KT_UNLIMITED_KIB };

	squeeze_judge(q);
	plan.why = squeeze_refused(q, &plan.wish);
	if (plan.why == WHY_NONE)
		plan = keep(q);
	if (plan.wish == WISH_RELEASE)
		squeeze_note_release(q);
	q->state->score = plan.why == WHY_NOT_IDLEST ? squeeze_score(q) : 0;
	if (guest_is_unseen(q->guest)) /* whoever was idle then may be awake by now */
		q->state->score = 0;
	plan.dry_run = q->dry_run;
	plan.floor_kib = squeeze_floor_kib(q);
	memory_guard_runaway(q, &plan);
	return plan;
}

/* ---- who gives how much ------------------------------------------------------------- */

/* That is still to be found; what is only said brings nothing, and is counted apart so that
 * no more is said than would be done. */
struct budget {
	uint64_t left_kib[2]; /* by dry_run */
};

static struct memory_guest_state *highest_score(struct memory_policy *state, size_t nslots,
						size_t *ret_slot)
{
	struct memory_guest_state *best = NULL;

	for (size_t i = 0; i < nslots; i++) {
		if (!(state->guest[i].score > (best ? best->score : 0)))
			continue;
		best = &state->guest[i];
		*ret_slot = i;
	}
	return best;
}

static void step(const struct squeeze *q, struct budget *budget, struct memory_plan *plan)
{
	uint64_t target = squeeze_target_kib(q, budget->left_kib[q->dry_run]), taken;

	if (target == KT_UNLIMITED_KIB)
		return;
	taken = sub_capped(squeeze_from_kib(q), target);
	budget->left_kib[true] = sub_capped(budget->left_kib[true], taken);
	if (!q->dry_run)
		budget->left_kib[false] = sub_capped(budget->left_kib[false], taken);
	squeeze_note_step(q);
	plan->wish = WISH_SET;
	plan->why = WHY_IDLEST_UNDER_PRESSURE;
	plan->means = q->means;
	plan->target_kib = target;
}

/* What of so much is found, by a step each of those who may be squeezed. */
static uint64_t step_all(const struct tick *t, uint64_t lacking_kib)
{
	struct budget budget = { { lacking_kib, lacking_kib } };
	struct memory_guest_state *next;
	size_t slot = 0;

	while (budget.left_kib[false] && (next = highest_score(t->state, t->view->nslots, &slot))) {
		struct squeeze q = squeeze_of(t, slot);

		step(&q, &budget, &t->plan->guest[slot].memory);
		next->score = 0;
	}
	return lacking_kib - budget.left_kib[false];
}

/* ---- the host ------------------------------------------------------------------------- */

/* Each guest's plan without a step; what is on its way. */
static uint64_t judge_all(const struct tick *t)
{
	uint64_t on_its_way = 0;

	for (size_t i = 0; i < t->view->nslots; i++) {
		struct squeeze q = squeeze_of(t, i);
		struct memory_plan *plan = &t->plan->guest[i].memory;

		q.state->score = 0;
		if (!q.guest->domain)
			continue;
		*plan = judge(&q);
		if (plan->wish != WISH_RELEASE)
			on_its_way = add_capped(on_its_way, squeeze_on_its_way_kib(&q));
	}
	return on_its_way;
}

/* What has been a moment ago may do harm now; what is only said does none. */
static bool is_squeezed(const struct squeeze *q, const struct memory_plan *plan)
{
	/* On v1 it takes nothing by itself. */
	bool throttled = q->in_force->limited && plan->why != WHY_RUNAWAY && q->guest->present &&
			 q->guest->sample->cgroup_v2;

	return !q->dry_run && (throttled || q->in_force->reclaiming || squeeze_is_watched(q));
}

static bool anybody_is_squeezed(const struct tick *t)
{
	for (size_t i = 0; i < t->view->nslots; i++) {
		struct squeeze q = squeeze_of(t, i);

		if (q.guest->domain && is_squeezed(&q, &t->plan->guest[i].memory))
			return true;
	}
	return false;
}

/* The host has become short in the tick of an event, in which not all were looked at. */
static bool lacks_a_look(const struct tick *t)
{
	return t->host == MEMORY_HOST_PRESSED && t->view->nunseen > 0;
}

void memory_policy_step(struct memory_policy *state, const struct memory_conf *conf,
			const struct host_view *view, const struct in_force *in_force,
			struct plan *ret)
{
	struct memory_host_plan *host = &ret->memory;
	const struct tick t = { .state = state,
				.conf = conf,
				.view = view,
				.in_force = in_force,
				.plan = ret,
				.host = memory_host_of(conf, view, host, state->pressed),
				.urgency = urgency_of(conf, host->shortage) };
	uint64_t on_its_way = judge_all(&t);
	uint64_t swap_room = sub_capped(memory_swap_room_kib(view), on_its_way);

	host->deficit_kib = sub_capped(host->deficit_kib, on_its_way);
	host->deficit_kib -= step_all(&t, KT_MIN(host->deficit_kib, swap_room));
	host->squeezing = anybody_is_squeezed(&t);
	host->look_again_ns = host->squeezing || lacks_a_look(&t) ? look_again_ns : 0;
	state->pressed = t.host == MEMORY_HOST_PRESSED;
}

/* ---- for who asks ---------------------------------------------------------------------- */

static struct tick tick_of(const struct arbiter *arbiter, const struct policy_conf *conf,
			   const struct host_view *view, const struct plan *plan)
{
	return (struct tick){ .conf = &conf->memory,
			      .view = view,
			      .host = memory_host_of(&conf->memory, view, &plan->memory,
						     arbiter->memory.pressed),
			      .urgency = urgency_of(&conf->memory, plan->memory.shortage) };
}

/* Of a guest that may be squeezed.  A step that was made now is no reason not to make it. */
static void explain_step(const struct squeeze *q, const struct memory_plan *plan,
			 struct explanation *ret)
{
	static const enum why reasons[] = { WHY_COOLING_DOWN, WHY_AT_FLOOR, WHY_NOT_IDLEST };
	bool may_be = explanation_reason(ret) == WHY_NONE;
	bool steps = plan->why == WHY_IDLEST_UNDER_PRESSURE;
	enum why why = may_be && !steps ? why_kept(q) : WHY_NONE;

	for (size_t i = 0; i < KT_ARRAY_LEN(reasons); i++)
		explanation_add(ret, (struct rule_answer){ reasons[i], may_be, why == reasons[i] },
				i == 0 ? squeeze_cools_until_ns(q) : 0);
}

void explain_memory(const struct arbiter *arbiter, const struct policy_conf *conf,
		    const struct host_view *view, const struct in_force *in_force,
		    const struct plan *plan, size_t slot, struct explanation *ret)
{
	struct tick t = tick_of(arbiter, conf, view, plan);
	struct memory_guest_state gs;
	struct squeeze q;

	*ret = (struct explanation){ 0 };
	if (slot >= view->nslots || !view->guest[slot].domain)
		return;
	gs = arbiter->memory.guest[slot];
	t.in_force = in_force;
	q = squeeze_with(&t, slot, &plan->guest[slot], &gs);
	if (pin_is_cooling(q.in_force, q.now_ns, conf->placement.cooldown_s))
		q.settles_ns = after_s(q.in_force->pin_changed_ns, conf->placement.cooldown_s);
	squeeze_explain(&q, false, ret);
	explain_step(&q, &plan->guest[slot].memory, ret);
	explanation_end(ret, view->now_ns);
}

void explain_memory_of_host(const struct arbiter *arbiter, const struct policy_conf *conf,
			    const struct host_view *view, const struct plan *plan,
			    struct explanation *ret)
{
	const struct tick t = tick_of(arbiter, conf, view, plan);
	const struct squeeze q = { .conf = &conf->memory,
				   .now_ns = view->now_ns,
				   .host = t.host,
				   .guest = &rule_nobody,
				   .in_force = &rule_nothing_in_force };

	*ret = (struct explanation){ 0 };
	squeeze_explain(&q, true, ret);
	explanation_end(ret, view->now_ns);
}
