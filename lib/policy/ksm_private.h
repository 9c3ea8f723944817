/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the ksm loop share.  Nobody else includes it.
 *
 *	ksm.c        what forbids to have an opinion, and whose opinion is asked
 *	ksm_auto.c   bursts, sweeps, trickle, rest
 *	ksm_due.c    what asks for the next one, and can it be afforded
 *	ksm_need.c   what is memory worth now
 *	ksm_pace.c   what does ksmd cost, and how fast may it be
 *	ksm_law.c    ksmtuned's law
 *	ksm_guest.c  what can be merged of a guest
 *	ksm_explain.c  why is it so, for who asks */
#ifndef KT_KSM_PRIVATE_H
#define KT_KSM_PRIVATE_H

#include "policy.h"

/* Guests whose memory KSM can and may merge. */
struct ksm_guests {
	size_t n;
	uint64_t rss_kib;
	uint64_t newest_ns; /* awake since; 0: none */
	uint64_t oldest_ns;
};

/* Of those that have been awake since later than `after_ns`. */
struct ksm_guests ksm_guests_since(const struct host_view *view, uint64_t after_ns);

/* ---- ksm_need.c ------------------------------------------------------------ */

/* 0: there is plenty; 1: every page counts. */
double ksm_price(const struct ksm_conf *conf, const struct host_view *view);

/* Whether to merge at all; `needed` is the answer of before, for hysteresis. */
bool ksm_needed(const struct ksm_conf *conf, const struct host_view *view, double price,
		bool needed);

/* ---- ksm_pace.c ------------------------------------------------------------ */

/* Takes in what ksmd has done since the last look.  `fast`: it was to do much. */
void ksm_pace_look(struct ksm_pace *pace, const struct host_view *view, bool fast);

/* A burst or a sweep begins, or ends: what its pages cost is remembered. */
void ksm_pace_begin_scan(struct ksm_pace *pace);
void ksm_pace_end_scan(struct ksm_pace *pace);

/* CPUs that ksmd may use: a burst's, or the trickle's. */
double ksm_pace_budget(const struct ksm_pace *pace, const struct ksm_conf *conf,
		       const struct host_view *view, double price, bool fast);

/* Chooses pages_to_scan and sleep_ms for this budget; what is near enough stays. */
void ksm_pace_choose(struct ksm_pace *pace, double budget_cpus, bool fast);

/* ksmd's CPU time for `passes` full scans of so much memory. */
double ksm_pace_cost_s(const struct ksm_pace *pace, uint64_t kib, unsigned int passes);

/* How long a full scan of so much memory takes at the pace chosen. */
double ksm_pace_pass_s(const struct ksm_pace *pace, uint64_t kib);

/* What a decision is made from. */
struct ksm_moment {
	const struct ksm_conf *conf;
	const struct host_view *view;
	const struct ksm_in_force *in_force;
	struct ksm_guests all;
	struct ksm_guests fresh; /* those that have had no burst yet */
	double price;
};

/* ---- ksm_due.c -------------------------------------------------------------- */

/* Full scans that have to end before all is done, see ksm_auto.c. */
enum { KSM_PASSES_TO_SEE_ALL = 3 };

uint64_t ksm_passes_of(const struct ksm_scan *scan);

/* Whether so much per second of ksmd's CPU time is worth it. */
bool ksm_pays(const struct ksm_moment *m, double mib_per_cpu_s);

/* Takes in who is new, and whether they still fill their memory. */
void ksm_look_at_fresh(struct ksm_auto *a, const struct ksm_moment *m);

/* Since when nobody has come and nobody has filled much memory; and for long enough, or
 * nobody is new. */
uint64_t ksm_quiet_since_ns(const struct ksm_auto *a, const struct ksm_moment *m);
bool ksm_is_settled(const struct ksm_auto *a, const struct ksm_moment *m);

bool ksm_burst_is_due(const struct ksm_auto *a, const struct ksm_moment *m);
bool ksm_sweep_is_due(const struct ksm_auto *a, const struct ksm_moment *m);

/* When the fresh will count as settled, and when time alone asks for a sweep; 0: never. */
uint64_t ksm_settles_ns(const struct ksm_auto *a, const struct ksm_moment *m);
uint64_t ksm_next_sweep_ns(const struct ksm_auto *a, const struct ksm_moment *m);

/* Whether this kernel leaves anything to a sweep. */
bool ksm_sweeps_help(const struct ksm_sample *k, bool sweeping);

/* ---- ksm.c ------------------------------------------------------------------- */

/* What each rule says that forbids to drive KSM at all; reads no guests of the moment. */
struct explanation;
void ksm_explain_rules(const struct ksm_moment *m, struct explanation *ret);

/* ---- ksm_law.c, ksm_auto.c ------------------------------------------------- */

void ksm_law_step(struct ksm_policy *state, const struct ksm_conf *conf,
		  const struct host_view *view, const struct ksm_in_force *in_force,
		  struct ksm_plan *ret);
struct ksm_moment ksm_moment_of(const struct ksm_auto *state, const struct ksm_conf *conf,
				const struct host_view *view, const struct ksm_in_force *in_force);
/* Guests are not listed yet, and memory is not short. */
bool ksm_knows_nothing(const struct ksm_moment *m);
/* Of what it does now. */
enum why ksm_auto_reason(const struct ksm_auto *state, const struct ksm_moment *m);
void ksm_auto_step(struct ksm_auto *state, const struct ksm_conf *conf,
		   const struct host_view *view, const struct ksm_in_force *in_force,
		   struct ksm_plan *ret);

#endif
