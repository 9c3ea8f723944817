/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When is it worth to scan, how fast, and when is enough enough?
 *
 *	rest      memory has no price, or nothing is to be merged
 *	burst     something is new: guests came, woke up or grew, or memory has become
 *	          dearer; as fast as the host can afford, until a full pass does not pay
 *	sweep     smart_scan is off: since Linux 6.7 it lets pages skip passes, and two equal
 *	          pages merge only if they skip the same ones; see ksm_probe.c
 *	trickle   what there is has been looked at; content that changes is found in time
 *
 * A pass that is under way when something begins covers only a part of memory, and a page
 * has to be seen twice with the same content: three passes end before all is done. */
#include "capped.h"
#include "ksm_private.h"

enum { VAIN_AT_MOST = 16 }; /* bursts and sweeps that are counted */

static const double settle_look_max_s = 0.25;           /* while guests settle */
static const double look_min_s = 0.2, look_max_s = 2.0; /* while passes are counted */

static bool is_fast(const struct ksm_auto *a)
{
	return a->phase == KSM_BURSTS || a->phase == KSM_SWEEPS;
}

/* ---- a scan under way ------------------------------------------------------- */

static void scan_begin(struct ksm_auto *a, const struct ksm_moment *m)
{
	a->scan = (struct ksm_scan){ .first_pass = m->view->ksm_passes,
				     .last_pass = m->view->ksm_passes,
				     .began_cpu_s = a->pace.cpu_s,
				     .last_cpu_s = a->pace.cpu_s,
				     .began_kib = m->view->merged_kib,
				     .last_kib = m->view->merged_kib };
}

static double yield(uint64_t from_kib, uint64_t to_kib, double cpu_s)
{
	double mib = (double)sub_capped(to_kib, from_kib) / 1024;

	return cpu_s > 0 ? mib / cpu_s : 0;
}

/* What the last full pass has brought, if one has ended since the last look. */
static void scan_look(struct ksm_auto *a, const struct ksm_moment *m)
{
	struct ksm_scan *s = &a->scan;

	if (m->view->ksm_passes == s->last_pass)
		return;
	s->mib_per_cpu_s = yield(s->last_kib, m->view->merged_kib, a->pace.cpu_s - s->last_cpu_s);
	s->last_pass = m->view->ksm_passes;
	s->last_kib = m->view->merged_kib;
	s->last_cpu_s = a->pace.cpu_s;
}

/* ---- from phase to phase ---------------------------------------------------------- */

static void begin(struct ksm_auto *a, const struct ksm_moment *m, enum ksm_phase phase)
{
	if (is_fast(a))
		ksm_pace_end_scan(&a->pace);
	a->phase = phase;
	scan_begin(a, m);
	ksm_pace_begin_scan(&a->pace);
	if (!is_fast(a))
		return;
	a->served_ns = KT_MAX(a->served_ns, m->all.newest_ns);
	a->unserved_ns = 0;
	a->seen_kib = m->all.rss_kib;
}

/* Where all guests are new to KSM nothing has an age yet, and nothing is skipped. */
static void begin_burst(struct ksm_auto *a, const struct ksm_moment *m)
{
	a->sweep_asked |= m->fresh.n < m->all.n || m->view->merged_kib > 0;
	begin(a, m, KSM_BURSTS);
}

/* Whether all of what ends now was worth its time. */
static bool has_paid(const struct ksm_auto *a, const struct ksm_moment *m)
{
	double cpu_s = a->pace.cpu_s - a->scan.began_cpu_s;

	return ksm_pays(m, yield(a->scan.began_kib, m->view->merged_kib, cpu_s));
}

/* That a guest alone is like nobody says nothing about the next one. */
static void end_burst(struct ksm_auto *a, const struct ksm_moment *m)
{
	if (has_paid(a, m))
		a->nbarren = 0;
	else if (m->all.n > 1)
		a->nbarren = KT_MIN(a->nbarren + 1, VAIN_AT_MOST);
	a->nvain = a->nbarren ? a->nvain : 0;
	a->price_seen = m->price;
	a->burst_end_ns = m->view->now_ns;
	a->swept_ns = a->swept_ns ? a->swept_ns : m->view->now_ns;
	begin(a, m, KSM_TRICKLES);
}

/* One that a burst has asked for comes just after it: that it finds nothing says nothing
 * about what will change until the next. */
static void end_sweep(struct ksm_auto *a, const struct ksm_moment *m)
{
	if (has_paid(a, m))
		a->nvain = 0;
	else if (!a->sweep_asked)
		a->nvain = KT_MIN(a->nvain + 1, VAIN_AT_MOST);
	a->sweep_cpu_s = a->pace.cpu_s - a->scan.began_cpu_s;
	a->sweep_asked = false;
	a->swept_ns = m->view->now_ns;
	begin(a, m, KSM_TRICKLES);
}

static void end_what_is_done(struct ksm_auto *a, const struct ksm_moment *m)
{
	bool all_seen;

	scan_look(a, m);
	all_seen = ksm_passes_of(&a->scan) >= KSM_PASSES_TO_SEE_ALL;
	if (a->phase == KSM_SWEEPS && (all_seen || !ksm_sweeps_help(&m->view->host->ksm, true)))
		end_sweep(a, m);
	if (a->phase == KSM_BURSTS && all_seen && !ksm_pays(m, a->scan.mib_per_cpu_s))
		end_burst(a, m);
}

/* What has begun goes on to its end: guests that come meanwhile have theirs next. */
static void begin_what_is_due(struct ksm_auto *a, const struct ksm_moment *m)
{
	if (is_fast(a))
		return;
	if (ksm_sweep_is_due(a, m))
		begin(a, m, KSM_SWEEPS);
	else if (ksm_burst_is_due(a, m))
		begin_burst(a, m);
	else if (a->phase == KSM_RESTS)
		begin(a, m, KSM_TRICKLES);
}

static void rest(struct ksm_auto *a)
{
	a->phase = KSM_RESTS;
	a->price_seen = 0;
}

/* ---- the plan ---------------------------------------------------------------------- */

enum why ksm_auto_reason(const struct ksm_auto *a, const struct ksm_moment *m)
{
	if (a->phase == KSM_RESTS)
		return m->conf->merge == KSM_MERGE_NEVER ? WHY_MERGE_NEVER : WHY_MEMORY_PLENTIFUL;
	if (a->phase == KSM_BURSTS)
		return WHY_BURST;
	if (a->phase == KSM_SWEEPS)
		return WHY_SWEEP;
	return m->fresh.n > 0 ? WHY_SETTLING : WHY_CONVERGED;
}

/* Passes end when they end; the look at the next one should not come much later.  Without
 * ksmd doing as planned (a dry run, a foreign hand) there is nothing to look at. */
static uint64_t look_again_ns(const struct ksm_auto *a, const struct ksm_moment *m)
{
	double quiet_s, s = 0;

	if (is_fast(a) && m->in_force->ours && m->view->host->ksm.run == 1) {
		s = ksm_pace_pass_s(&a->pace, m->all.rss_kib) / 4;
		s = KT_CLAMP(s, look_min_s, look_max_s);
	} else if (a->phase == KSM_TRICKLES && !ksm_is_settled(a, m)) {
		quiet_s = (double)sub_capped(m->view->now_ns, ksm_quiet_since_ns(a, m)) / 1e9;
		s = KT_CLAMP((double)m->conf->settle_s - quiet_s, look_min_s, settle_look_max_s);
	}
	return (uint64_t)(s * 1e9);
}

static void make_plan(struct ksm_auto *a, const struct ksm_moment *m, struct ksm_plan *ret)
{
	double budget_cpus = ksm_pace_budget(&a->pace, m->conf, m->view, m->price, is_fast(a));

	ksm_pace_choose(&a->pace, budget_cpus, is_fast(a));
	*ret = (struct ksm_plan){
		.wish = WISH_SET,
		.why = ksm_auto_reason(a, m),
		.run = a->phase != KSM_RESTS,
		.pages_to_scan = a->pace.pages_to_scan,
		.sleep_ms = a->pace.sleep_ms,
		.sweep = a->phase == KSM_SWEEPS,
		.look_again_ns = look_again_ns(a, m),
		.price = m->price,
		.budget_cpus = a->phase == KSM_RESTS ? 0 : budget_cpus,
		.ns_per_page = a->pace.ns_per_page,
		.mib_per_cpu_s = a->scan.mib_per_cpu_s,
	};
}

struct ksm_moment ksm_moment_of(const struct ksm_auto *a, const struct ksm_conf *conf,
				const struct host_view *view, const struct ksm_in_force *in_force)
{
	return (struct ksm_moment){ .conf = conf,
				    .view = view,
				    .in_force = in_force,
				    .all = ksm_guests_since(view, 0),
				    .fresh = ksm_guests_since(view, KT_MAX(a->served_ns, 1)),
				    .price = ksm_price(conf, view) };
}

bool ksm_knows_nothing(const struct ksm_moment *m)
{
	return !m->view->guests_known && m->price <= 0;
}

void ksm_auto_step(struct ksm_auto *a, const struct ksm_conf *conf, const struct host_view *view,
		   const struct ksm_in_force *in_force, struct ksm_plan *ret)
{
	const struct ksm_moment m = ksm_moment_of(a, conf, view, in_force);

	if (ksm_knows_nothing(&m)) {
		*ret = (struct ksm_plan){ .wish = WISH_HOLD, .why = WHY_GUESTS_UNKNOWN };
		return;
	}
	if (in_force->unmerging)
		rest(a); /* nothing stays merged: a burst comes next */
	ksm_pace_look(&a->pace, view, is_fast(a));
	a->seen_kib = KT_MIN(a->seen_kib, m.all.rss_kib);
	a->price_seen = KT_MIN(a->price_seen, m.price);
	a->needed = ksm_needed(conf, view, m.price, a->needed);
	ksm_look_at_fresh(a, &m);
	if (a->needed) {
		end_what_is_done(a, &m);
		begin_what_is_due(a, &m);
	} else {
		rest(a);
	}
	make_plan(a, &m, ret);
}
