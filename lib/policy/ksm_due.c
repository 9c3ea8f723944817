/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What asks for a burst or a sweep, and can it be afforded? */
#include "capped.h"
#include "ksm_private.h"
#include "recall.h"

/* Times settle_s: guests that come one after the other for ever. */
enum { SETTLE_AT_MOST = 30 };

/* What may be spent, as a share of a CPU over the time since the last one, on: sweeps that
 * only time asks for; sweeps that a burst asks for, and bursts because a trickle pays;
 * bursts for memory that grows or gets dearer, and after one that brought too little.  In
 * vain twice means half the share. */
static const double timed_share = 0.0075, asked_share = 0.05, burst_share = 0.25;

static const double price_rise = 0.2;   /* since it was lowest: what did not pay may do now */
static const uint64_t growth_part = 16; /* of what was seen ... */
static const uint64_t growth_min_kib = 32 * 1024; /* ... and more than this */
static const uint64_t fresh_growth_min_kib = 8 * 1024;

/* What a second of ksmd's CPU time has to bring. */
bool ksm_pays(const struct ksm_moment *m, double mib_per_cpu_s)
{
	return mib_per_cpu_s * m->price >= (double)m->conf->min_yield_mib;
}

uint64_t ksm_passes_of(const struct ksm_scan *s)
{
	return sub_capped(s->last_pass, s->first_pass);
}

/* ---- what asks for a burst ---------------------------------------------------- */

/* A guest that boots fills its memory; one that fills a MiB now and then has settled. */
static bool fresh_has_grown(const struct ksm_auto *a, const struct ksm_moment *m)
{
	return m->fresh.rss_kib > a->fresh_kib + a->fresh_kib / growth_part + fresh_growth_min_kib;
}

/* Since when nobody has come and nobody has filled much memory. */
uint64_t ksm_quiet_since_ns(const struct ksm_auto *a, const struct ksm_moment *m)
{
	return KT_MAX(m->fresh.newest_ns, a->grew_ns);
}

bool ksm_is_settled(const struct ksm_auto *a, const struct ksm_moment *m)
{
	return m->fresh.n == 0 ||
	       !within_s(m->view->now_ns, ksm_quiet_since_ns(a, m), m->conf->settle_s) ||
	       !within_s(m->view->now_ns, a->unserved_ns, m->conf->settle_s * SETTLE_AT_MOST);
}

uint64_t ksm_settles_ns(const struct ksm_auto *a, const struct ksm_moment *m)
{
	return KT_MIN(after_s(ksm_quiet_since_ns(a, m), m->conf->settle_s),
		      after_s(a->unserved_ns, m->conf->settle_s * SETTLE_AT_MOST));
}

void ksm_look_at_fresh(struct ksm_auto *a, const struct ksm_moment *m)
{
	bool wait_begins = m->fresh.n == 0 || !a->needed || !a->unserved_ns;

	if (wait_begins)
		a->unserved_ns = m->fresh.n > 0 && a->needed ? KT_MAX(m->view->now_ns, 1) : 0;
	else if (fresh_has_grown(a, m))
		a->grew_ns = m->view->now_ns;
	if (wait_begins || fresh_has_grown(a, m))
		a->fresh_kib = m->fresh.rss_kib;
}

/* Whether so much CPU time, spread over the time since then, is no more than the share. */
static bool has_paid_off(const struct ksm_moment *m, uint64_t since_ns, double cost_s, double share)
{
	return !within_s(m->view->now_ns, since_ns, (uint64_t)(cost_s / share));
}

static double full_scan_cost_s(const struct ksm_auto *a, const struct ksm_moment *m)
{
	return ksm_pace_cost_s(&a->pace, m->all.rss_kib, KSM_PASSES_TO_SEE_ALL);
}

/* After `n` times the cost of one. */
static bool burst_is_affordable(const struct ksm_auto *a, const struct ksm_moment *m,
				unsigned int n)
{
	return has_paid_off(m, a->burst_end_ns, full_scan_cost_s(a, m) * n, burst_share);
}

static bool has_grown(const struct ksm_auto *a, const struct ksm_moment *m)
{
	uint64_t more_kib = KT_MAX(a->seen_kib / growth_part, growth_min_kib);

	return m->all.rss_kib > add_capped(a->seen_kib, more_kib);
}

bool ksm_burst_is_due(const struct ksm_auto *a, const struct ksm_moment *m)
{
	bool arrived = m->fresh.n > 0;
	bool dearer = m->price >= a->price_seen + price_rise;

	if (!ksm_is_settled(a, m))
		return false;
	/* One that has paid may be followed by another at once, when there is a reason. */
	if (arrived || a->phase == KSM_RESTS)
		return burst_is_affordable(a, m, a->nbarren);
	if (dearer || has_grown(a, m))
		return burst_is_affordable(a, m, KT_MAX(a->nbarren, 1));
	return ksm_passes_of(&a->scan) > 0 && ksm_pays(m, a->scan.mib_per_cpu_s) &&
	       has_paid_off(m, a->burst_end_ns, full_scan_cost_s(a, m), asked_share);
}

/* ---- what asks for a sweep ------------------------------------------------------ */

bool ksm_sweeps_help(const struct ksm_sample *k, bool sweeping)
{
	return k->has_smart_scan && (k->smart_scan || sweeping) && k->probe != KSM_PROBE_COMPLETE;
}

/* Until a sweep that nothing asks for: each one in vain doubles the time, and halves, then
 * thirds, what sweeps may cost on average. */
static uint64_t sweep_interval_s(const struct ksm_auto *a, const struct ksm_moment *m)
{
	double cost_s = KT_MAX(a->sweep_cpu_s, full_scan_cost_s(a, m));
	uint64_t by_cost_s = (uint64_t)(cost_s / timed_share * (a->nvain + 1));
	uint64_t by_yield_s = KT_MIN(m->conf->sweep_min_s << a->nvain, m->conf->sweep_max_s);

	return KT_MAX(by_cost_s, by_yield_s);
}

/* Bursts do not put it off: where guests come all the time there would never be one. */
bool ksm_sweep_is_due(const struct ksm_auto *a, const struct ksm_moment *m)
{
	if (a->phase != KSM_TRICKLES || !a->served_ns ||
	    !ksm_sweeps_help(&m->view->host->ksm, false) || !ksm_is_settled(a, m))
		return false;
	if (a->sweep_asked)
		return has_paid_off(m, a->swept_ns, full_scan_cost_s(a, m), asked_share);
	return !within_s(m->view->now_ns, a->swept_ns, sweep_interval_s(a, m));
}

uint64_t ksm_next_sweep_ns(const struct ksm_auto *a, const struct ksm_moment *m)
{
	uint64_t asked_s = (uint64_t)(full_scan_cost_s(a, m) / asked_share);

	if (!a->served_ns || !ksm_sweeps_help(&m->view->host->ksm, false))
		return 0;
	return after_s(a->swept_ns, a->sweep_asked ? asked_s : sweep_interval_s(a, m));
}
