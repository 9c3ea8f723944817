/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the host short of memory, and may this guest be squeezed for it? */
#include "memory_rules.h"

#include "recall.h"
#include "rule.h"

static const uint64_t swap_free_min_kib = SQUEEZE_SWAP_MIB * 1024;

/* Below, a guest is idle; an idle Linux guest uses 0.01 CPU, an idle Windows 0.05.
 * Twice as much, and a limit of ours is lifted: between the two nothing changes. */
static const double idle_cpus_per_vcpu = 0.1;
static const double active_cpus_per_vcpu = 0.2;

enum { YOUNG_S = 60 };

static const unsigned int usual_weight = 100;

enum memory_host memory_host_of(const struct memory_conf *conf, const struct host_view *view,
				const struct memory_host_plan *memory, bool pressed)
{
	const struct host_sample *h = view->host;
	double mark = (double)conf->squeeze_price - (pressed ? SQUEEZE_RECOVERY : 0);

	if (h->swap_total_kib == 0 || h->swap_free_kib < swap_free_min_kib)
		return MEMORY_HOST_NO_SWAP;
	/* Stalls beside plenty of memory come from somebody's limit, perhaps from ours:
	 * squeezing on would feed on itself. */
	if (memory->shortage * 100 < (double)conf->calm_price)
		return MEMORY_HOST_CALM;
	return memory->price * 100 < mark ? MEMORY_HOST_BETWEEN : MEMORY_HOST_PRESSED;
}

uint64_t memory_swap_room_kib(const struct host_view *view)
{
	return sub_capped(view->host->swap_free_kib, swap_free_min_kib);
}

double squeeze_activity(const struct squeeze *q)
{
	unsigned int vcpus = KT_MAX(q->guest->domain->vcpus, 1U);

	return q->guest->demand_cpus.value / vcpus;
}

double squeeze_score(const struct squeeze *q)
{
	unsigned int weight = q->guest->domain->wish.weight;
	double idleness = 1 - squeeze_activity(q) / idle_cpus_per_vcpu;

	return idleness * usual_weight / (weight ? weight : usual_weight);
}

static bool is_switched_off(const struct squeeze *q)
{
	return q->conf->mode == LOOP_OFF || q->guest->domain->wish.memory == GUEST_SWITCH_OFF;
}

static bool operator_released_it(const struct squeeze *q)
{
	return q->guest->domain->hold == GUEST_HOLD_RELEASED;
}

/* Nobody would watch what a limit does meanwhile. */
static bool operator_paused_it(const struct squeeze *q)
{
	return q->conf->mode == LOOP_PAUSED || q->guest->domain->hold == GUEST_HOLD_PAUSED;
}

static bool is_ceded(const struct squeeze *q)
{
	return q->in_force->limit_ceded;
}

static bool actuator_is_off(const struct squeeze *q)
{
	return q->means == MEMORY_SOFT_LIMIT && q->in_force->limit_off;
}

static bool host_cannot_swap(const struct squeeze *q)
{
	return q->host == MEMORY_HOST_NO_SWAP;
}

static bool host_is_calm(const struct squeeze *q)
{
	return q->host == MEMORY_HOST_CALM;
}

static bool host_is_between(const struct squeeze *q)
{
	return q->host == MEMORY_HOST_BETWEEN;
}

static bool is_not_sampled(const struct squeeze *q)
{
	return !q->guest->present;
}

static bool is_busy(const struct squeeze *q)
{
	return q->guest->domain->busy;
}

static bool is_limited_by_admin(const struct squeeze *q)
{
	return q->guest->domain->admin_memtune;
}

static bool is_unreclaimable(const struct squeeze *q)
{
	const struct domain *d = q->guest->domain;

	return d->hugepages || d->locked || d->vfio || d->confidential;
}

static bool is_realtime(const struct squeeze *q)
{
	return q->guest->domain->realtime;
}

static bool is_paused(const struct squeeze *q)
{
	return !q->guest->domain->running;
}

static bool has_no_cgroup(const struct squeeze *q)
{
	return !q->guest->sample->has_cgroup;
}

static bool has_no_means(const struct squeeze *q)
{
	return !q->has_means;
}

static bool was_given_up(const struct squeeze *q)
{
	return within_s(q->now_ns, q->state->suffered_ns, q->state->backoff_s);
}

static uint64_t given_up_until_ns(const struct squeeze *q)
{
	return after_s(q->state->suffered_ns, q->state->backoff_s);
}

static bool suffers_or_did(const struct squeeze *q)
{
	return was_given_up(q) && !q->state->nothing_cold;
}

static bool has_nothing_cold(const struct squeeze *q)
{
	return was_given_up(q) && q->state->nothing_cold;
}

/* Of an earlier life, or of the guard. */
static bool has_needless_limit(const struct squeeze *q)
{
	return q->means == MEMORY_RECLAIM && q->in_force->limited;
}

/* The floor has risen since: its memory has grown, or more of it is guaranteed. */
static bool is_limited_below_floor(const struct squeeze *q)
{
	return q->in_force->limited && q->in_force->soft_limit_kib < squeeze_floor_kib(q);
}

static bool is_young(const struct squeeze *q)
{
	return within_s(q->now_ns, q->guest->first_seen_ns, YOUNG_S) || !demand_is_known(q->guest);
}

static uint64_t young_until_ns(const struct squeeze *q)
{
	return after_s(q->guest->first_seen_ns, YOUNG_S);
}

static bool is_active(const struct squeeze *q)
{
	return squeeze_activity(q) >= active_cpus_per_vcpu;
}

/* Also what no number can be said of. */
static bool is_not_idle(const struct squeeze *q)
{
	return !(squeeze_activity(q) < idle_cpus_per_vcpu);
}

static bool is_settling(const struct squeeze *q)
{
	return q->settling;
}

static uint64_t settles_until_ns(const struct squeeze *q)
{
	return q->settles_ns;
}

/* In this order: what lets go comes before what holds, and of the rest, what is said
 * first is what the operator reads. */
static const struct {
	bool (*forbids)(const struct squeeze *q);
	enum wish wish;
	enum why why;
	bool any_limit; /* forbids also one that takes nothing */
	enum rule_about about;
	uint64_t (*until_ns)(const struct squeeze *q); /* NULL: it does not end by itself */
} rules[] = {
	{ is_switched_off, WISH_RELEASE, WHY_SWITCHED_OFF, true, ABOUT_HOST, NULL },
	{ operator_released_it, WISH_RELEASE, WHY_RELEASED, true, ABOUT_GUEST, NULL },
	{ operator_paused_it, WISH_RELEASE, WHY_PAUSED, true, ABOUT_HOST, NULL },
	{ is_ceded, WISH_HOLD, WHY_CEDED, true, ABOUT_GUEST, NULL },
	{ actuator_is_off, WISH_RELEASE, WHY_ACTUATOR_OFF, true, ABOUT_GUEST, NULL },
	{ host_cannot_swap, WISH_RELEASE, WHY_NO_SWAP, false, ABOUT_HOST, NULL },
	{ host_is_calm, WISH_RELEASE, WHY_HOST_CALM, false, ABOUT_HOST, NULL },
	{ is_not_sampled, WISH_RELEASE, WHY_NOT_SAMPLED, true, ABOUT_GUEST, NULL },
	{ is_busy, WISH_RELEASE, WHY_GUEST_BUSY, true, ABOUT_GUEST, NULL },
	{ is_limited_by_admin, WISH_RELEASE, WHY_LIMITED_BY_ADMIN, true, ABOUT_GUEST, NULL },
	{ is_unreclaimable, WISH_RELEASE, WHY_UNRECLAIMABLE, true, ABOUT_GUEST, NULL },
	{ is_realtime, WISH_RELEASE, WHY_REALTIME, true, ABOUT_GUEST, NULL },
	{ is_paused, WISH_RELEASE, WHY_GUEST_PAUSED, true, ABOUT_GUEST, NULL },
	{ has_no_cgroup, WISH_RELEASE, WHY_NO_CGROUP, true, ABOUT_PROCESS, NULL },
	{ has_no_means, WISH_RELEASE, WHY_NO_RECLAIM, false, ABOUT_PROCESS, NULL },
	{ squeeze_may_not_swap, WISH_RELEASE, WHY_NO_SWAP, false, ABOUT_PROCESS, NULL },
	{ suffers_or_did, WISH_RELEASE, WHY_GUEST_SUFFERS, false, ABOUT_GUEST, given_up_until_ns },
	{ has_nothing_cold, WISH_RELEASE, WHY_NOTHING_COLD, false, ABOUT_GUEST, given_up_until_ns },
	{ has_needless_limit, WISH_RELEASE, WHY_NEEDS_NO_LIMIT, false, ABOUT_GUEST, NULL },
	{ is_limited_below_floor, WISH_RELEASE, WHY_AT_FLOOR, false, ABOUT_GUEST, NULL },
	{ is_young, WISH_HOLD, WHY_GUEST_YOUNG, false, ABOUT_PROCESS, young_until_ns },
	{ is_active, WISH_RELEASE, WHY_GUEST_ACTIVE, false, ABOUT_PROCESS, NULL },
	{ host_is_between, WISH_HOLD, WHY_HOST_BETWEEN, false, ABOUT_HOST, NULL },
	{ is_not_idle, WISH_HOLD, WHY_GUEST_ACTIVE, false, ABOUT_PROCESS, NULL },
	{ is_settling, WISH_HOLD, WHY_COOLING_DOWN, false, ABOUT_GUEST, settles_until_ns },
};

enum why squeeze_refused(const struct squeeze *q, enum wish *ret_wish)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(rules); i++) {
		if (!rules[i].forbids(q))
			continue;
		*ret_wish = rules[i].wish;
		return rules[i].why;
	}
	*ret_wish = WISH_SET;
	return WHY_NONE;
}

bool squeeze_limit_forbidden(const struct squeeze *q)
{
	struct squeeze by_limit = *q;

	by_limit.means = MEMORY_SOFT_LIMIT;
	for (size_t i = 0; i < KT_ARRAY_LEN(rules); i++)
		if (rules[i].any_limit && rules[i].forbids(&by_limit))
			return true;
	return false;
}

void squeeze_explain(const struct squeeze *q, bool of_host, struct explanation *ret)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(rules); i++) {
		bool known = q->guest->present || rules[i].about != ABOUT_PROCESS;

		if (of_host && rules[i].about != ABOUT_HOST)
			continue;
		explanation_add(ret,
				(struct rule_answer){ .why = rules[i].why,
						      .known = known,
						      .forbids = known && rules[i].forbids(q) },
				rules[i].until_ns ? rules[i].until_ns(q) : 0);
	}
}
