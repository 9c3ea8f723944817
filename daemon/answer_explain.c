/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why is it so, and when could it be otherwise?
 *
 * The reason is the last plan's, as in the journal; the rules are asked now. */
#include "answer_private.h"
#include "capped.h"

/* ---- inputs: the numbers that rules look at ---------------------------------------------- */

/* To be filled before it is added: what cannot be added is gone. */
static struct json_object *input(const char *name)
{
	struct json_object *o = json_object_new_object();

	json_put_text(o, "name", name);
	return o;
}

static void put_input(struct json_object *inputs, const char *name, bool known, double value)
{
	struct json_object *o = input(name);

	json_put_known(o, "value", known, value);
	json_add(inputs, o);
}

static void put_nodes_input(struct json_object *inputs, const char *name, uint64_t nodes)
{
	struct json_object *o = input(name);

	json_put_nodes(o, "value", nodes);
	json_add(inputs, o);
}

static double seconds_since(uint64_t now_ns, uint64_t then_ns)
{
	return (double)sub_capped(now_ns, then_ns) / 1e9;
}

static uint64_t fullest_node(const struct guest_sample *s)
{
	unsigned int fullest = KT_NODES_MAX;
	uint64_t most_kib = 0;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		if (s->node_memory_kib[n] <= most_kib)
			continue;
		most_kib = s->node_memory_kib[n];
		fullest = n;
	}
	return nodemask_of(fullest);
}

static void put_cpu_inputs(const struct known_guest *g, uint64_t now_ns, struct json_object *in)
{
	const struct guest_view *v = g->view;
	bool fed = v->demand_cpus.age_s > 0;

	put_input(in, "observed_s", true, seconds_since(now_ns, v->first_seen_ns));
	put_input(in, "demand_cpus", fed, v->demand_cpus.value);
	put_input(in, "run_cpus", fed, v->run_cpus);
	put_input(in, "waiting_cpus", fed, v->delay_cpus);
	put_input(in, "steal_percent", fed, 100 * v->steal_share.value);
}

static void put_place_inputs(const struct known_guest *g, uint64_t now_ns, struct json_object *in)
{
	const struct guest_in_force *f = g->in_force;
	struct locality l = locality_of(g->view, f);

	put_nodes_input(in, "home", f->pinned ? f->nodes : 0);
	put_input(in, "pins_changed_s_ago", f->pin_changed_ns > 0,
		  seconds_since(now_ns, f->pin_changed_ns));
	put_nodes_input(in, "fullest_node", fullest_node(g->sample));
	put_input(in, "local_percent", l.all_kib > 0, locality_pct(&l));
	put_nodes_input(in, "device_nodes", g->sample->device_nodes);
}

static void put_memory_inputs(const struct known_guest *g, struct json_object *in)
{
	const struct guest_view *v = g->view;
	const struct guest_sample *s = g->sample;
	const struct domain *d = g->domain;

	put_input(in, "usage_kib", s->has_cgroup, (double)s->usage_kib);
	put_input(in, "floor_kib", g->plan && g->plan->memory.floor_kib,
		  g->plan ? (double)g->plan->memory.floor_kib : 0);
	put_input(in, "swapped_kib", s->has_cgroup, (double)s->swap_kib);
	put_input(in, "balloon_usable_kib", d->has_balloon, (double)d->balloon_usable_kib);
	put_input(in, "stalled_percent", s->psi_memory.present, v->psi_memory_pct);
	put_input(in, "major_faults_per_s", s->has_cgroup, v->majfault_per_s);
	put_input(in, "refaults_per_s", s->has_cgroup, v->refault_per_s);
	put_input(in, "huge_pages_kib", s->has_cgroup, (double)s->anon_huge_kib);
	put_input(in, "merged_kib", s->has_ksm, (double)v->merged_kib);
	put_input(in, "weight", d->wish.weight > 0, d->wish.weight);
}

static struct json_object *inputs_of_guest(const struct kvmtuned *k, const struct known_guest *g)
{
	struct json_object *in = json_object_new_array();

	if (g->view)
		put_cpu_inputs(g, k->view->now_ns, in);
	if (g->sample) {
		put_place_inputs(g, k->view->now_ns, in);
		put_memory_inputs(g, in);
	}
	put_input(in, "host_price", host_is_known(k), k->plan->memory.price);
	return in;
}

static void put_ksm_inputs(const struct kvmtuned *k, struct json_object *in)
{
	const struct ksm_plan *p = &k->plan->ksm;
	const struct ksm_sample *s = &k->sample->host.ksm;
	bool automatic = p->budget_cpus > 0; /* other policies have no such numbers */

	put_input(in, "price", automatic, p->price);
	put_input(in, "budget_cpu_percent", automatic, 100 * p->budget_cpus);
	put_input(in, "page_cost_us", automatic, p->ns_per_page / 1000);
	put_input(in, "last_pass_mib_per_cpu_s", automatic, p->mib_per_cpu_s);
	put_input(in, "ksmd_cpu_percent", s->has_ksmd, k->view->ksmd_cpu_pct);
	put_input(in, "merged_kib", s->present, (double)k->view->merged_kib);
	put_input(in, "full_passes", s->present, (double)k->view->ksm_passes);
	put_input(in, "guests_waiting_cpus", true, k->view->guest_delay_cpus);
	put_input(in, "idle_cpus", true, k->view->idle_cpus);
	put_input(in, "available_kib", true, (double)k->view->available_kib);
}

static void put_placement_inputs(const struct kvmtuned *k, struct json_object *in)
{
	const struct host_sample *h = &k->sample->host;
	const struct placement_policy *state = &k->arbiter->placement;

	put_input(in, "nodes_with_cpus", true, k->topology.ncpu_nodes);
	put_input(in, "idle_cpus", true, k->view->idle_cpus);
	put_input(in, "guests_waiting_cpus", true, k->view->guest_delay_cpus);
	put_input(in, "numa_balancing", h->has_numa_balancing, (double)h->numa_balancing);
	put_input(in, "changes_judged", true, state->njudged);
	put_input(in, "changes_that_did_not_help", true, state->nfailed);
	put_input(in, "moved_kib", true, (double)act_in_force(k->act)->move.moved_kib);
}

static void put_squeeze_inputs(const struct kvmtuned *k, struct json_object *in)
{
	const struct host_sample *h = &k->sample->host;
	const struct memory_host_plan *m = &k->plan->memory;

	put_input(in, "price", true, m->price);
	put_input(in, "shortage", true, m->shortage);
	put_input(in, "deficit_kib", true, (double)m->deficit_kib);
	put_input(in, "available_kib", true, (double)k->view->available_kib);
	put_input(in, "swap_free_kib", true, (double)h->swap_free_kib);
	put_input(in, "stalled_percent", h->psi_memory.present, k->view->psi_memory_some_pct);
	put_input(in, "swap_in_per_s", true, k->view->swap_in_per_s);
	put_input(in, "swap_out_per_s", true, k->view->swap_out_per_s);
	put_input(in, "reclaimed_kib", true, (double)act_in_force(k->act)->memory.reclaimed_kib);
}

static struct json_object *inputs_of_loop(const struct kvmtuned *k, enum kt_loop loop)
{
	struct json_object *in = json_object_new_array();

	if (!host_is_known(k))
		return in;
	if (loop == LOOP_KSM)
		put_ksm_inputs(k, in);
	else if (loop == LOOP_PLACEMENT)
		put_placement_inputs(k, in);
	else
		put_squeeze_inputs(k, in);
	return in;
}

/* ---- rules ------------------------------------------------------------------------------- */

/* Those that can be asked: without a sample of the guest there is little. */
static void put_rules(const struct explanation *e, struct json_object *o)
{
	struct json_object *rules = json_object_new_array();

	for (size_t i = 0; i < e->nrules; i++) {
		struct json_object *rule;

		if (!e->rule[i].known)
			continue;
		rule = json_object_new_object();
		json_put_text(rule, "reason", why_str(e->rule[i].why));
		json_put_bool(rule, "passes", !e->rule[i].forbids);
		json_put_text(rule, "sentence", why_sentence(e->rule[i].why));
		json_add(rules, rule);
	}
	json_put_object(o, "rules", rules);
}

/* `decided`: what the last plan was made for.  pause_ends_ns: UINT64_MAX: not by itself. */
static void put_explanation(const struct kvmtuned *k, const struct explanation *e, enum why decided,
			    uint64_t pause_ends_ns, struct json_object *o)
{
	enum why why = explanation_reason(e);
	bool is_pause = why == WHY_PAUSED || why == WHY_RELEASED;
	uint64_t until_ns = e->until_ns, now_ns = k->view->now_ns;
	const char *change = why_change(why == WHY_NONE ? decided : why);

	if (is_pause) {
		until_ns = pause_ends_ns == UINT64_MAX ? 0 : pause_ends_ns;
		now_ns = now_monotonic_ns();
	}
	put_rules(e, o);
	json_put_text(o, "change", change[0] ? change : NULL);
	json_put_known(o, "again_in_s", until_ns > 0, seconds_since(until_ns, now_ns));
}

/* ---- a guest ------------------------------------------------------------------------------- */

struct guest_question {
	const struct kvmtuned *k;
	size_t slot;
	struct known_guest guest;
	struct policy_conf conf; /* with what is paused */
};

/* When the pause of the loop or of the guest ends, whichever is the later. */
static uint64_t pause_end_ns(const struct guest_question *q, enum kt_loop loop)
{
	uint64_t loop_ns = q->k->pauses.loop_until_ns[loop], guest_ns = 0;

	if (pauses_of_guest(&q->k->pauses, &q->guest.domain->uuid, &guest_ns) == GUEST_HOLD_NONE)
		guest_ns = 0;
	return KT_MAX(loop_ns, guest_ns);
}

static struct json_object *explain_loop_of_guest(const struct guest_question *q, enum kt_loop loop,
						 enum wish wish, enum why decided)
{
	const struct kvmtuned *k = q->k;
	const struct in_force *f = act_in_force(k->act);
	struct json_object *o = json_object_new_object();
	struct explanation e = { 0 };

	if (!q->guest.view)
		; /* it has just come */
	else if (loop == LOOP_KSM)
		explain_ksm_of_guest(k->view, q->slot, &e);
	else if (loop == LOOP_PLACEMENT)
		explain_placement(k->arbiter, &q->conf, k->view, f, q->slot, &e);
	else
		explain_memory(k->arbiter, &q->conf, k->view, f, k->plan, q->slot, &e);
	json_put_text(o, "loop", loop_str(loop));
	json_put_text(o, "wish", wish_str(wish));
	json_put_why(o, decided);
	put_explanation(k, &e, decided, pause_end_ns(q, loop), o);
	return o;
}

static struct json_object *loops_of_guest(const struct guest_question *q)
{
	static const struct guest_plan none = { 0 };
	const struct guest_plan *p = q->guest.plan ? q->guest.plan : &none;
	bool counts = q->guest.view && ksm_guest_mergeable(q->guest.view);
	struct json_object *loops = json_object_new_array();

	json_add(loops, explain_loop_of_guest(q, LOOP_KSM, counts ? WISH_SET : WISH_HOLD, p->ksm));
	json_add(loops,
		 explain_loop_of_guest(q, LOOP_PLACEMENT, p->placement.wish, p->placement.why));
	json_add(loops, explain_loop_of_guest(q, LOOP_MEMORY, p->memory.wish, p->memory.why));
	return loops;
}

static void explain_guest(const struct kvmtuned *k, size_t slot, struct json_object *o)
{
	struct guest_question q = {
		.k = k, .slot = slot, .guest = known_guest_of(k, slot), .conf = k->conf.policy
	};

	pauses_apply(&k->pauses, &q.conf);
	json_put_object(o, "guest", answer_guest(k, slot));
	json_put_object(o, "inputs", inputs_of_guest(k, &q.guest));
	json_put_object(o, "loops", loops_of_guest(&q));
}

/* ---- a loop -------------------------------------------------------------------------------- */

static void explain_loop(const struct kvmtuned *k, enum kt_loop loop, struct json_object *o)
{
	enum why decided = loop == LOOP_KSM ? k->plan->ksm.why : WHY_NONE;
	struct explanation e;

	(void)loop_explain(k, loop, &e); /* without a sample there are no rules */
	json_put_text(o, "loop", loop_str(loop));
	json_put_object(o, "inputs", inputs_of_loop(k, loop));
	json_put_loop_why(k, loop, o);
	put_explanation(k, &e, decided, k->pauses.loop_until_ns[loop], o);
}

void answer_explain(struct kvmtuned *k, const struct question *q, struct answer *ret)
{
	bool about_guest = q->given & ASKS_GUEST;
	int slot = about_guest ? answer_find_guest(k, q, ret) : 0;

	if (slot < 0)
		return;
	ret->json = answer_new();
	if (about_guest)
		explain_guest(k, (size_t)slot, ret->json);
	else
		explain_loop(k, q->loop, ret->json);
}
