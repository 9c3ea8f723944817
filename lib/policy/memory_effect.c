/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has the last step come to, and is the guest harmed?
 *
 * Harm shows in stalls, faults, refaults and waiting vCPUs.  Who is harmed is left alone for
 * a while, and so is who turns out to have nothing cold. */
#include "memory_rules.h"
#include "recall.h"

/* Of the time, as a mean of STALL_TAU_S: no guest may wait for 1 % of a minute.  Below a
 * tenth of that, which is what Senpai and oomd aim at, a step has done nothing. */
static const double harmed_pct = 1, uneasy_pct = 0.5, calm_pct = 0.1;
enum { STALL_TAU_S = 10 };
/* PSI of its cgroup misses what KVM waits for in a worker (asynchronous page faults): a page
 * from an SSD takes 0.1 ms, and brings seven neighbours with it. */
static const double pct_per_fault = 0.01, pct_per_refault = 0.01 / 8;
/* Waiting for a CPU comes and goes with the neighbours: it has to double, and to be more
 * than an idle guest's own noise. */
static const double delay_rise_factor = 2;
static const double delay_rise_cpus_per_vcpu = 0.05;

/* A guest that suffers again within four back-offs has no cold memory: each back-off is
 * twice the last, up to 16 times the first (in the simulation of guests without any cold
 * memory 0.9 % stalled became 0.2 %). */
enum { BACKOFF_MEMORY = 4, BACKOFF_GROWTH_MAX = 16 };

enum { STEP_DOUBLINGS_MAX = 16, BARREN_MAX = 2, WATCHED_S = 30 };

bool squeeze_is_watched(const struct squeeze *q)
{
	const struct memory_guest_state *s = q->state;

	return s->stepped_ns && !s->pretended && within_s(q->now_ns, s->stepped_ns, WATCHED_S);
}

/* The model's two means: what one second says of an idle guest is noise. */
static double delay_cpus(const struct guest_view *g)
{
	return g->steal_share.value * g->demand_cpus.value;
}

static bool waits_longer(const struct squeeze *q)
{
	double before = q->state->delay_before_cpus, now = delay_cpus(q->guest);
	double vcpus = KT_MAX(q->guest->domain->vcpus, 1U);

	return squeeze_is_watched(q) && now > delay_rise_factor * before &&
	       now > before + delay_rise_cpus_per_vcpu * vcpus;
}

/* A guest that has grown past its limit by more than 1 % is throttled by cgroup v2: the
 * delay grows with the square of the excess, to seconds. */
static bool has_outgrown_limit(const struct squeeze *q)
{
	const struct guest_sample *s = q->guest->sample;

	return q->in_force->limited && s->cgroup_v2 &&
	       sub_capped(s->usage_kib, q->in_force->soft_limit_kib) > s->usage_kib / 100;
}

static void note_stalls(const struct squeeze *q)
{
	const struct guest_view *g = q->guest;
	double faults_pct =
		KT_MAX(g->majfault_per_s * pct_per_fault, g->refault_per_s * pct_per_refault);

	if (g->present)
		ewma_add(&q->state->stalled_pct, KT_MAX(g->psi_memory_pct, faults_pct), q->dt_s,
			 STALL_TAU_S);
}

static bool hurts(const struct squeeze *q)
{
	const struct guest_view *g = q->guest;

	return g->present && (q->state->stalled_pct.value > harmed_pct || waits_longer(q) ||
			      has_outgrown_limit(q));
}

/* A guest that begins to use its memory again long after a step has only changed its mind. */
static bool is_our_doing(const struct squeeze *q)
{
	return squeeze_is_watched(q) || q->in_force->limited;
}

static void back_off(const struct squeeze *q, bool nothing_cold)
{
	struct memory_guest_state *s = q->state;
	uint64_t longest_s = mul_capped(q->conf->backoff_s, BACKOFF_GROWTH_MAX);
	uint64_t remembered_s = mul_capped(s->backoff_s, BACKOFF_MEMORY);
	bool again = within_s(q->now_ns, s->suffered_ns, remembered_s) && is_our_doing(q);

	if (!within_s(q->now_ns, s->suffered_ns, s->backoff_s))
		s->backoff_s =
			again ? KT_MIN(mul_capped(s->backoff_s, 2), longest_s) : q->conf->backoff_s;
	s->suffered_ns = q->now_ns;
	s->nothing_cold = nothing_cold;
}

static bool is_under_way(const struct squeeze *q)
{
	return q->in_force->reclaiming || q->in_force->limit_pending;
}

/* Where memory is shortest the kernel is about to swap whose it may: a third has to do then.
 * Pages in use are missed within a second. */
static uint64_t step_interval_s(const struct squeeze *q)
{
	double s = (double)q->conf->step_interval_s;

	return KT_MAX((uint64_t)(s - s * q->urgency * 2 / 3), UINT64_C(1));
}

bool squeeze_is_cooling(const struct squeeze *q)
{
	return is_under_way(q) || !(q->state->stalled_pct.value <= uneasy_pct) ||
	       within_s(q->now_ns, q->state->stepped_ns, step_interval_s(q));
}

uint64_t squeeze_cools_until_ns(const struct squeeze *q)
{
	if (is_under_way(q) || !(q->state->stalled_pct.value <= uneasy_pct))
		return 0;
	return after_s(q->state->stepped_ns, step_interval_s(q));
}

/* Less than a quarter of what was asked for. */
static bool was_barren(const struct squeeze *q)
{
	const struct guest_in_force *f = q->in_force;

	return q->means == MEMORY_RECLAIM && f->got_kib < f->asked_kib / 4;
}

static void judge_yield(const struct squeeze *q)
{
	struct memory_guest_state *s = q->state;

	s->unjudged = false;
	if (!was_barren(q)) {
		s->nbarren = 0;
		if (s->stalled_pct.value <= calm_pct)
			s->ngrown = KT_MIN(s->ngrown + 1, (unsigned int)STEP_DOUBLINGS_MAX);
		else if (s->ngrown > 0)
			s->ngrown--;
	} else if (++s->nbarren >= BARREN_MAX) {
		back_off(q, true);
	}
}

void squeeze_judge(const struct squeeze *q)
{
	struct memory_guest_state *s = q->state;
	bool late = s->unjudged && !is_under_way(q) && q->in_force->reclaim_late;

	note_stalls(q);
	/* A step lasts until its end: one that waits for a slow disk has not done anything. */
	if (s->unjudged && is_under_way(q))
		s->stepped_ns = q->now_ns;
	if (hurts(q) || late) {
		back_off(q, false);
		s->unjudged = false;
	} else if (s->unjudged && !squeeze_is_cooling(q)) {
		judge_yield(q);
	}
	/* Harmless steps of long ago say no more of the next one than harm of long ago does. */
	if (!within_s(q->now_ns, s->stepped_ns, q->conf->backoff_s))
		s->ngrown = 0;
}

void squeeze_note_step(const struct squeeze *q)
{
	struct memory_guest_state *s = q->state;

	s->stepped_ns = q->now_ns;
	s->pretended = q->dry_run;
	s->unjudged = !q->dry_run;
	s->delay_before_cpus = delay_cpus(q->guest);
}

/* A reclaim that is stopped by that is not to be judged by what it brought. */
void squeeze_note_release(const struct squeeze *q)
{
	q->state->unjudged = false;
	q->state->ngrown = q->state->nbarren = 0;
}
