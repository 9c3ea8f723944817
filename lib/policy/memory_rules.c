/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the host short of memory, and may this guest be squeezed for it? */
#include "memory_rules.h"

#include "recall.h"

/* Swap with less room than one step needs is as good as none. */
static const uint64_t swap_free_min_kib = 64 * 1024;

/* Below, a guest is idle; an idle Linux guest uses 0.01 CPU, an idle Windows 0.05.
 * Twice as much, and a limit of ours is lifted: between the two nothing changes. */
static const double idle_cpus_per_vcpu = 0.1;
static const double active_cpus_per_vcpu = 0.2;

/* The bound that Senpai and oomd use. */
static const double stalled_pct = 0.1;
/* A page from an SSD takes 0.1 ms: ten a second are the same 0.1 %. */
static const double faults_per_s = 10;

enum { YOUNG_S = 60 };

/* A guest that suffers again within four back-offs has no cold memory: each back-off is
 * twice the last, up to 16 times the first (in the simulation of guests without any cold
 * memory 0.9 % stalled became 0.2 %). */
enum { BACKOFF_MEMORY = 4, BACKOFF_GROWTH_MAX = 16 };

enum memory_host memory_host_of(const struct memory_conf *conf, const struct host_view *view,
				const struct memory_host_plan *memory)
{
	const struct host_sample *h = view->host;

	if (h->swap_total_kib == 0 || h->swap_free_kib < swap_free_min_kib)
		return MEMORY_HOST_NO_SWAP;
	/* Stalls beside plenty of memory come from somebody's limit, perhaps from ours:
	 * squeezing on would feed on itself. */
	if (memory->shortage * 100 < (double)conf->calm_price)
		return MEMORY_HOST_CALM;
	return memory->price * 100 < (double)conf->squeeze_price ? MEMORY_HOST_BETWEEN
								 : MEMORY_HOST_PRESSED;
}

/* A guest that has grown past its limit by more than 1 % is throttled by cgroup v2: the
 * delay grows with the square of the excess, to seconds. */
static bool has_outgrown_limit(const struct squeeze *q)
{
	const struct guest_sample *s = q->guest->sample;

	return q->in_force->limited && s->cgroup_v2 &&
	       sub_capped(s->usage_kib, q->in_force->soft_limit_kib) > s->usage_kib / 100;
}

static bool hurts(const struct squeeze *q)
{
	const struct guest_view *g = q->guest;

	return g->present && (g->psi_memory_pct > stalled_pct || g->majfault_per_s > faults_per_s ||
			      g->refault_per_s > faults_per_s || has_outgrown_limit(q));
}

void squeeze_note_suffering(const struct squeeze *q)
{
	struct memory_guest_state *s = q->state;
	uint64_t longest_s = mul_capped(q->conf->backoff_s, BACKOFF_GROWTH_MAX);

	if (!hurts(q))
		return;
	if (!within_s(q->now_ns, s->suffered_ns, mul_capped(s->backoff_s, BACKOFF_MEMORY)))
		s->backoff_s = q->conf->backoff_s;
	else if (!within_s(q->now_ns, s->suffered_ns, s->backoff_s))
		s->backoff_s = KT_MIN(mul_capped(s->backoff_s, 2), longest_s);
	s->suffered_ns = q->now_ns;
}

double squeeze_activity(const struct squeeze *q)
{
	unsigned int vcpus = KT_MAX(q->guest->domain->vcpus, 1U);

	return q->guest->demand_cpus.value / vcpus;
}

static bool is_switched_off(const struct squeeze *q)
{
	return q->conf->mode == LOOP_OFF || q->guest->domain->wish.memory == GUEST_SWITCH_OFF;
}

static bool is_ceded(const struct squeeze *q)
{
	return q->in_force->limit_ceded;
}

static bool actuator_is_off(const struct squeeze *q)
{
	return q->in_force->limit_off;
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

static bool suffers_or_did(const struct squeeze *q)
{
	return within_s(q->now_ns, q->state->suffered_ns, q->state->backoff_s);
}

static bool is_young(const struct squeeze *q)
{
	return within_s(q->now_ns, q->guest->first_seen_ns, YOUNG_S) || !demand_is_known(q->guest);
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

/* In this order: what lets go comes before what holds, and of the rest, what is said
 * first is what the operator reads. */
static const struct {
	bool (*forbids)(const struct squeeze *q);
	enum wish wish;
	enum why why;
} rules[] = {
	{ is_switched_off, WISH_RELEASE, WHY_SWITCHED_OFF },
	{ is_ceded, WISH_HOLD, WHY_CEDED },
	{ actuator_is_off, WISH_HOLD, WHY_ACTUATOR_OFF },
	{ host_cannot_swap, WISH_RELEASE, WHY_NO_SWAP },
	{ host_is_calm, WISH_RELEASE, WHY_HOST_CALM },
	{ is_not_sampled, WISH_RELEASE, WHY_NOT_SAMPLED },
	{ is_busy, WISH_RELEASE, WHY_GUEST_BUSY },
	{ is_limited_by_admin, WISH_RELEASE, WHY_LIMITED_BY_ADMIN },
	{ is_unreclaimable, WISH_RELEASE, WHY_UNRECLAIMABLE },
	{ is_realtime, WISH_RELEASE, WHY_REALTIME },
	{ is_paused, WISH_RELEASE, WHY_GUEST_PAUSED },
	{ has_no_cgroup, WISH_RELEASE, WHY_NO_CGROUP },
	{ suffers_or_did, WISH_RELEASE, WHY_GUEST_SUFFERS },
	{ is_young, WISH_HOLD, WHY_GUEST_YOUNG },
	{ is_active, WISH_RELEASE, WHY_GUEST_ACTIVE },
	{ host_is_between, WISH_HOLD, WHY_HOST_BETWEEN },
	{ is_not_idle, WISH_HOLD, WHY_GUEST_ACTIVE },
	{ is_settling, WISH_HOLD, WHY_COOLING_DOWN },
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
