/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would the next tick do, if it were now?
 *
 * The host is sampled as a tick would, for what is worth knowing is what would be done now.
 * Everything after that happens in copies: nothing is written, said or remembered. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "answer_private.h"
#include "recall.h"

/* Some 8 MiB, for as long as it takes to answer. */
struct outlook {
	struct kvmtuned *k;
	struct arbiter arbiter;
	struct policy_conf conf;
	struct pauses pauses;
	struct plan plan;
	struct json_object *actions;
};

enum { VALUE_MAX = KT_CPULIST_MAX + 8 };

static char *number(uint64_t value, char buf[VALUE_MAX])
{
	(void)snprintf(buf, VALUE_MAX, "%" PRIu64, value);
	return buf;
}

static char *limit(uint64_t kib, char buf[VALUE_MAX])
{
	if (kib == KT_UNLIMITED_KIB)
		return strcpy(buf, "unlimited");
	return number(kib, buf);
}

static char *nodes(uint64_t mask, char buf[VALUE_MAX])
{
	return mask ? nodemask_str(mask, buf, VALUE_MAX) : strcpy(buf, "none");
}

/* What was there before us; only the undo file knows it. */
static const char original[] = "original";

struct action {
	enum kt_loop loop;              /* _LOOP_MAX: [host] apply */
	const struct guest_plan *guest; /* NULL: the host's */
	const char *what, *from, *to;
	enum why why;
	bool dry_run;
};

static void add(struct outlook *l, const struct action *a)
{
	struct json_object *o = json_object_new_object();
	char uuid[KT_UUID_STR];

	json_put_text(o, "loop", a->loop == _LOOP_MAX ? "host" : loop_str(a->loop));
	json_put_name(o, "guest", a->guest ? a->guest->name : NULL);
	json_put_text(o, "uuid", a->guest ? uuid_str(&a->guest->uuid, uuid) : NULL);
	json_put_text(o, "what", a->what);
	json_put_text(o, "from", a->from);
	json_put_text(o, "to", a->to);
	json_put_why(o, a->why);
	json_put_bool(o, "dry_run", a->dry_run || l->k->dry_run);
	json_add(l->actions, o);
}

/* ---- ksm ------------------------------------------------------------------------------- */

static void ksm_action(struct outlook *l, const char *what, const char *from, const char *to)
{
	add(l, &(struct action){ .loop = LOOP_KSM,
				 .what = what,
				 .from = from,
				 .to = to,
				 .why = l->plan.ksm.why,
				 .dry_run = l->plan.ksm.dry_run });
}

static void compare(struct outlook *l, const char *what, uint64_t now, uint64_t wanted)
{
	char from[VALUE_MAX], to[VALUE_MAX];

	if (now != wanted)
		ksm_action(l, what, number(now, from), number(wanted, to));
}

static void compare_switch(struct outlook *l, const char *what, uint64_t now,
			   enum ksm_switch wanted)
{
	if (wanted != KSM_SWITCH_KEEP)
		compare(l, what, now, wanted == KSM_SWITCH_ON);
}

/* At rest 0 and 2 are the same to us. */
static bool rests(const struct ksm_sample *s)
{
	return s->run != 1;
}

static void plan_ksm_settings(struct outlook *l, const struct ksm_sample *s)
{
	const struct ksm_plan *p = &l->plan.ksm;
	const struct ksm_in_force *f = &act_in_force(l->k->act)->ksm;

	if (p->stops_advisor && s->advisor == KSM_ADVISOR_SCAN_TIME && !f->advisor_stopped)
		ksm_action(l, "advisor_mode", "scan-time", "none");
	compare_switch(l, "merge_across_nodes", s->merge_across_nodes, p->merge_across_nodes);
	compare_switch(l, "use_zero_pages", s->use_zero_pages, p->use_zero_pages);
	if (s->has_smart_scan && (p->sweep || f->sweeping))
		compare(l, "smart_scan", s->smart_scan, !p->sweep);
	if (p->run) {
		compare(l, "pages_to_scan", s->pages_to_scan, p->pages_to_scan);
		compare(l, "sleep_ms", s->sleep_ms, p->sleep_ms);
	}
	if (p->run == rests(s))
		compare(l, "run", s->run, p->run);
}

static void plan_ksm(struct outlook *l)
{
	const struct ksm_plan *p = &l->plan.ksm;
	const struct ksm_in_force *f = &act_in_force(l->k->act)->ksm;
	char from[VALUE_MAX];
	struct ksm_sample s;

	if (!ksm_now(l->k, &s) || p->wish == WISH_HOLD || f->ceded || f->off)
		return;
	if (p->wish != WISH_RELEASE)
		plan_ksm_settings(l, &s);
	else if (f->ours)
		ksm_action(l, "run", number(s.run, from), original);
}

/* ---- placement ------------------------------------------------------------------------- */

static bool is_same_home(const struct placement_plan *p, const struct guest_in_force *f)
{
	if (!f->pinned || f->nodes != p->nodes || f->ncells != p->ncells)
		return false;
	for (unsigned int i = 0; i < p->ncells; i++)
		if (f->cell_nodes[i] != p->cell[i].nodes)
			return false;
	return cpumask_equal(&f->cpus, &p->cell[0].cpus);
}

static char *cpus(const struct cpumask *mask, char buf[VALUE_MAX])
{
	cpumask_str(mask, strcpy(buf, "CPUs ") + 5, VALUE_MAX - 5);
	return buf;
}

static void plan_home(struct outlook *l, const struct guest_plan *g, const struct guest_in_force *f)
{
	const struct placement_plan *p = &g->placement;
	bool set = p->wish == WISH_SET && !is_same_home(p, f), moves = f->nodes != p->nodes;
	char from[VALUE_MAX], to[VALUE_MAX];
	struct action a = { .loop = LOOP_PLACEMENT,
			    .guest = g,
			    .what = "home",
			    .to = original,
			    .why = p->why,
			    .dry_run = p->dry_run };

	if (f->pin_ceded || f->pin_off || (!set && !(p->wish == WISH_RELEASE && f->pinned)))
		return;
	if (f->pinned)
		a.from = set && !moves ? cpus(&f->cpus, from) : nodes(f->nodes, from);
	if (set)
		a.to = f->pinned && !moves ? cpus(&p->cell[0].cpus, to) : nodes(p->nodes, to);
	add(l, &a);
}

static void plan_move(struct outlook *l)
{
	const struct move_plan *m = &l->plan.move;
	const struct move_in_force *f = &act_in_force(l->k->act)->move;
	const struct guest_plan *g;
	char from[VALUE_MAX], to[VALUE_MAX];

	if (!m->go || f->off || (f->active && f->slot == m->slot))
		return;
	g = &l->plan.guest[m->slot];
	add(l, &(struct action){ .loop = LOOP_PLACEMENT,
				 .guest = g,
				 .what = "move_memory",
				 .from = nodes(m->from, from),
				 .to = nodes(g->placement.nodes, to),
				 .why = m->why,
				 .dry_run = g->placement.dry_run });
}

/* Bit 0 moves memory; the others are about tiers. */
static void plan_balancing(struct outlook *l)
{
	const struct host_sample *h = &l->k->sample->host;
	const struct balancing_in_force *f = &act_in_force(l->k->act)->balancing;
	bool off = l->plan.numa_balancing == KSM_SWITCH_OFF;
	char from[VALUE_MAX], to[VALUE_MAX];

	if (!h->has_numa_balancing || f->ceded || f->off ||
	    (off ? !(h->numa_balancing & 1) : !f->ours))
		return;
	add(l, &(struct action){ .loop = LOOP_PLACEMENT,
				 .what = "numa_balancing",
				 .from = number(h->numa_balancing, from),
				 .to = off ? number(h->numa_balancing & ~UINT64_C(1), to)
					   : original });
}

/* ---- memory ---------------------------------------------------------------------------- */

static void plan_limit(struct outlook *l, const struct guest_plan *g,
		       const struct guest_in_force *f)
{
	const struct memory_plan *p = &g->memory;
	bool set = p->wish == WISH_SET && p->means == MEMORY_SOFT_LIMIT &&
		   !(f->limited && f->soft_limit_kib == p->target_kib);
	char from[VALUE_MAX], to[VALUE_MAX];

	if (f->limit_ceded || f->limit_off || (!set && !(p->wish == WISH_RELEASE && f->limited)))
		return;
	add(l, &(struct action){ .loop = LOOP_MEMORY,
				 .guest = g,
				 .what = "soft_limit_kib",
				 .from = limit(g->soft_limit_kib, from),
				 .to = set ? limit(p->target_kib, to) : original,
				 .why = p->why,
				 .dry_run = p->dry_run });
}

static void plan_reclaim(struct outlook *l, const struct guest_plan *g, uint64_t usage_kib)
{
	const struct memory_plan *p = &g->memory;
	char from[VALUE_MAX], to[VALUE_MAX];

	if (p->wish != WISH_SET || p->means != MEMORY_RECLAIM || usage_kib <= p->target_kib)
		return;
	add(l, &(struct action){ .loop = LOOP_MEMORY,
				 .guest = g,
				 .what = "reclaim_kib",
				 .from = number(usage_kib, from),
				 .to = number(p->target_kib, to),
				 .why = p->why,
				 .dry_run = p->dry_run });
}

static void plan_guests(struct outlook *l)
{
	for (size_t i = 0; i < l->plan.nslots; i++) {
		const struct guest_plan *g = &l->plan.guest[i];
		const struct guest_view *v = &l->k->view->guest[i];
		const struct guest_in_force *f = recall_guest(act_in_force(l->k->act), i, v);

		if (!g->present)
			continue;
		plan_home(l, g, f);
		plan_limit(l, g, f);
		if (v->present)
			plan_reclaim(l, g, v->sample->usage_kib);
	}
}

/* ---- files of the host ------------------------------------------------------------------ */

/* What they should be is decided when the host is audited: that plan is not made anew here. */
static void plan_host(struct outlook *l)
{
	const struct host_plan *p = &l->k->plan->host;
	struct host_tally change;

	for (unsigned int rule = 0; rule < p->nrules; rule++)
		if (act_host_foresee(l->k->act, p, rule, &change))
			add(l,
			    &(struct action){ .loop = _LOOP_MAX,
					      .what = host_rule_id(rule),
					      .from = change.n == 1 ? change.from : NULL,
					      .to = change.n == 1 || p->rule[rule].wish == WISH_SET
							    ? change.to
							    : original,
					      .why = p->rule[rule].why,
					      .dry_run = p->dry_run });
}

/* ---- the answer ------------------------------------------------------------------------ */

/* What a plan has of a sample ends with it. */
static void forget_sampled(struct plan *plan)
{
	for (size_t i = 0; i < plan->nslots; i++) {
		plan->guest[i].nthreads = 0;
		plan->guest[i].threads = NULL;
		plan->guest[i].memory_cgroup = NULL;
	}
}

/* A second look within a second would tell nothing but noise. */
static int look_at_host(struct kvmtuned *k, uint64_t now_ns)
{
	int r;

	if (host_is_known(k) && k->misses == 0 && sub_capped(now_ns, k->view->now_ns) < KT_NS_PER_S)
		return 0;
	forget_sampled(k->plan);
	r = sense_read(k->sense, k->domains, now_ns, k->sample);
	if (r < 0)
		return r;
	k->view->guests_known = k->guests_known;
	host_view_update(k->view, &k->topology, sense_capabilities(k->sense), k->domains, k->sample,
			 k->kicked);
	return 0;
}

static void decide(struct outlook *l, uint64_t now_ns)
{
	struct kvmtuned *k = l->k;
	struct ended_pause ended;

	l->arbiter = *k->arbiter;
	l->pauses = k->pauses;
	while (pauses_take_ended(&l->pauses, now_ns, &ended))
		; /* what the tick will say */
	l->conf = k->conf.policy;
	pauses_apply(&l->pauses, &l->conf);
	arbiter_step(&l->arbiter, &l->conf, k->view, act_in_force(k->act), &l->plan);
}

static void put_look_again(const struct outlook *l, struct json_object *o)
{
	uint64_t interval_ns = l->k->conf.interval_s * KT_NS_PER_S;
	uint64_t asked_ns = l->plan.look_again_ns;
	bool sleeps = l->k->guests_known && l->k->domains->nused == 0;

	if (asked_ns)
		interval_ns = KT_MIN(interval_ns, asked_ns);
	json_put_known(o, "look_again_in_s", !sleeps, (double)interval_ns / 1e9);
}

void answer_plan(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	KT_AUTOFREE struct outlook *l = calloc(1, sizeof *l);
	uint64_t now_ns = now_monotonic_ns();
	int r = l ? look_at_host(k, now_ns) : -ENOMEM;

	(void)q;
	if (r < 0) {
		answer_error(ret, 500, "failed",
			     "the host's counters cannot be read (%s): nothing is planned until "
			     "they can",
			     strerror(-r));
		return;
	}
	l->k = k;
	l->actions = json_object_new_array();
	decide(l, now_ns);
	plan_ksm(l);
	plan_guests(l);
	plan_move(l);
	plan_balancing(l);
	plan_host(l);
	ret->json = answer_new();
	json_put_number(ret->json, "unix_s", answer_unix_s(k->view->now_ns));
	json_put_bool(ret->json, "dry_run", kvmtuned_observes(k));
	json_put_object(ret->json, "actions", l->actions);
	put_look_again(l, ret->json);
}
