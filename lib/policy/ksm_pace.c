/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does ksmd cost, how much of it can be afforded, and which two numbers make it so?
 *
 * ksmd scans pages_to_scan pages, holding a mutex and a CPU, and sleeps for sleep_millisecs:
 *
 *	share of a CPU = batch / (batch + sleep), batch = pages * cost of a page
 *
 * Batches stay short, so that nobody waits long for ksmd; the pause makes the speed. */
#include "capped.h"
#include "ksm_private.h"
#include "recall.h"

static const double batch_ns = 5e6; /* half of what is asked for: costs change within a pass */
static const double sleep_max_ms = 10000;
enum { PAGES_MIN = 32, PAGES_MAX = 20000 };

/* Linux 6.18, measured: 1 us for a page that is only looked at, 5 for one that is searched
 * for, 8 for one that merges.  It matters only until it is known. */
static const double standard_ns_per_page = 6000;
static const double least_ns_per_page = 50, most_ns_per_page = 100000;
enum { PAGES_TO_BELIEVE = 1000 };

/* ---- cost ------------------------------------------------------------------- */

static double estimate_cpu_ns(const struct ksm_pace *p, const struct host_view *view,
			      uint64_t scanned)
{
	const struct ksm_sample *k = &view->host->ksm;

	if (k->has_scanned)
		return (double)scanned * p->ns_per_page;
	return view->dt_s * 1e9 * batch_ns / (batch_ns + (double)k->sleep_ms * 1e6);
}

/* Without pages_scanned (before 6.6) the share of a CPU tells what a batch takes. */
static double pages_done(const struct ksm_pace *p, const struct host_view *view, double cpu_ns,
			 uint64_t scanned)
{
	const struct ksm_sample *k = &view->host->ksm;
	double elapsed_ns = (double)sub_capped(view->now_ns, p->at_ns);
	double batches;

	if (k->has_scanned)
		return (double)scanned;
	batches = (elapsed_ns - cpu_ns) / ((double)k->sleep_ms * 1e6 + 1);
	return KT_MAX(batches, 0.0) * (double)k->pages_to_scan;
}

/* Believed at once when it rises, for the budget is a promise; slowly when it falls. */
static void learn_cost(struct ksm_pace *p, double ns_per_page)
{
	double was = p->ns_per_page;

	ns_per_page = KT_CLAMP(ns_per_page, least_ns_per_page, most_ns_per_page);
	p->ns_per_page = ns_per_page > was ? ns_per_page : was + 0.3 * (ns_per_page - was);
	p->dear_now_ns = KT_MAX(p->dear_now_ns, ns_per_page);
}

static void look_at_cost(struct ksm_pace *p, const struct host_view *view)
{
	const struct ksm_sample *k = &view->host->ksm;
	uint64_t scanned = sub_capped(k->scanned_total, p->scanned_total);
	double cpu_ns = (double)sub_capped(k->ksmd_cpu_ns_total, p->cpu_ns_total);
	double pages;

	if (k->run != 1)
		return;
	if (!k->has_ksmd)
		cpu_ns = estimate_cpu_ns(p, view, scanned);
	pages = pages_done(p, view, cpu_ns, scanned);
	if (k->has_ksmd && pages < PAGES_TO_BELIEVE)
		return; /* the totals go on */
	if (k->has_ksmd)
		learn_cost(p, cpu_ns / pages);
	p->known = false;
	p->cpu_s += cpu_ns / 1e9;
}

void ksm_pace_begin_scan(struct ksm_pace *p)
{
	p->dear_now_ns = 0;
}

/* Believed at once when it is more, by halves when it is less. */
void ksm_pace_end_scan(struct ksm_pace *p)
{
	if (p->dear_now_ns > 0)
		p->dear_ns = KT_MAX(p->dear_now_ns, (p->dear_ns + p->dear_now_ns) / 2);
}

/* ---- harm ------------------------------------------------------------------- */

static const double baseline_tau_s = 60;
static const double host_steal_share = 0.05;

/* ksmd takes one CPU at most, so what it takes is counted in CPUs: as a share of what many
 * guests want it would never show.  A quarter of its own use, or what the baseline may vary
 * by, is nothing. */
static bool guests_suffer(const struct ksm_pace *p, const struct host_view *view)
{
	double usual = p->delay_cpus.value;
	double more = KT_MAX(view->ksmd_cpu_pct / 100 / 4, usual / 10) + 0.02;

	return view->steal_share > host_steal_share || view->guest_delay_cpus > usual + more;
}

/* Half at once, back by quarters.  Guests that go on waiting when ksmd has all but stopped
 * do not wait for ksmd: that is their baseline now. */
static void look_at_guests(struct ksm_pace *p, const struct host_view *view, bool fast)
{
	double dt_s = (double)sub_capped(view->now_ns, p->throttled_ns) / 1e9;

	if (p->throttled_ns && dt_s < 1)
		return;
	if (p->delay_cpus.age_s <= 0 || !fast || p->throttle <= 1.0 / 16)
		ewma_add(&p->delay_cpus, view->guest_delay_cpus, p->throttled_ns ? dt_s : 1,
			 baseline_tau_s);
	if (guests_suffer(p, view))
		p->throttle = KT_MAX(p->throttle / 2, 1.0 / 32);
	else
		p->throttle = KT_MIN(p->throttle * 1.25, 1.0);
	p->throttled_ns = view->now_ns;
}

void ksm_pace_look(struct ksm_pace *p, const struct host_view *view, bool fast)
{
	const struct ksm_sample *k = &view->host->ksm;

	if (p->ns_per_page <= 0) {
		p->ns_per_page = p->dear_ns = standard_ns_per_page;
		p->throttle = 1;
	}
	if (p->known)
		look_at_cost(p, view);
	if (!p->known || k->run != 1) { /* what rests costs nothing, and tells nothing */
		p->known = true;
		p->at_ns = view->now_ns;
		p->cpu_ns_total = k->ksmd_cpu_ns_total;
		p->scanned_total = k->scanned_total;
	}
	p->assumed_ns = fast ? KT_MAX(p->ns_per_page, p->dear_ns) : p->ns_per_page;
	look_at_guests(p, view, fast);
}

/* ---- budget ----------------------------------------------------------------- */

/* Half of what is idle.  Where nothing is idle, what a page is worth decides how much of a
 * CPU it may take from others. */
double ksm_pace_budget(const struct ksm_pace *p, const struct ksm_conf *conf,
		       const struct host_view *view, double price, bool fast)
{
	double most = (double)conf->max_cpu_percent / 100;
	double trickle = KT_MIN((double)conf->trickle_permille / 1000, most);
	double spare = view->idle_cpus + view->ksmd_cpu_pct / 100;
	double least = KT_MIN(trickle + 0.05 * price * price, most);

	if (!fast)
		return trickle;
	return KT_CLAMP(spare / 2 * p->throttle, least, KT_MAX(most * p->throttle, least));
}

static double share_of_cpu(const struct ksm_pace *p, uint64_t pages, uint64_t sleep_ms)
{
	double ns = (double)pages * p->assumed_ns;

	return ns > 0 ? ns / (ns + (double)sleep_ms * 1e6) : 0;
}

/* Knobs are not turned for the noise of a measurement; a trickle may be off by half. */
static bool is_near(const struct ksm_pace *p, double budget_cpus, bool fast)
{
	double share = share_of_cpu(p, p->pages_to_scan, p->sleep_ms);

	return p->pages_to_scan && share <= budget_cpus &&
	       share >= (fast ? 0.8 : 0.4) * budget_cpus &&
	       (double)p->pages_to_scan * p->assumed_ns <= 1.6 * batch_ns;
}

/* Batches are as short as dear pages make them: whoever waits for one does not care what it
 * costs on average. */
void ksm_pace_choose(struct ksm_pace *p, double budget_cpus, bool fast)
{
	double pages = batch_ns / KT_MAX(p->assumed_ns, p->dear_ns), sleep_ns;

	if (is_near(p, budget_cpus, fast))
		return;
	budget_cpus *= fast ? 0.9 : 0.7;
	pages = KT_CLAMP(pages, (double)PAGES_MIN, (double)PAGES_MAX);
	p->pages_to_scan = (uint64_t)pages;
	sleep_ns = (double)p->pages_to_scan * p->assumed_ns * (1 - budget_cpus) / budget_cpus;
	p->sleep_ms = (uint64_t)KT_CLAMP(sleep_ns / 1e6 + 0.999, 1.0, sleep_max_ms);
}

/* Some pages are cheap, and some are dear: half as much as a dear one on average. */
double ksm_pace_cost_s(const struct ksm_pace *p, uint64_t kib, unsigned int passes)
{
	double pages = (double)kib / KT_PAGE_KIB * passes;

	return pages * p->dear_ns / 2 / 1e9;
}

double ksm_pace_pass_s(const struct ksm_pace *p, uint64_t kib)
{
	double share = share_of_cpu(p, p->pages_to_scan, p->sleep_ms);

	return share > 0 ? (double)kib / KT_PAGE_KIB * p->assumed_ns / 1e9 / share : 0;
}
