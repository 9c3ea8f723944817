/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What state is a loop in, and why? */
#include "answer_private.h"
#include "memory_rules.h"

static enum loop_mode mode_of(const struct kvmtuned *k, enum kt_loop loop)
{
	const struct policy_conf *conf = &k->conf.policy;

	if (loop == LOOP_KSM)
		return conf->ksm.policy == KSM_POLICY_OFF ? LOOP_OFF : conf->ksm.mode;
	return loop == LOOP_PLACEMENT ? conf->placement.mode : conf->memory.mode;
}

bool loop_is_paused(const struct kvmtuned *k, enum kt_loop loop)
{
	return k->pauses.loop_until_ns[loop] > now_monotonic_ns();
}

/* ---- what a whole loop depends on ------------------------------------------------------ */

static bool placement_is_off(const struct kvmtuned *k)
{
	return mode_of(k, LOOP_PLACEMENT) == LOOP_OFF;
}

static bool placement_is_paused(const struct kvmtuned *k)
{
	return loop_is_paused(k, LOOP_PLACEMENT);
}

static bool host_has_one_node(const struct kvmtuned *k)
{
	return k->topology.ncpu_nodes < 2;
}

static bool numad_runs(const struct kvmtuned *k)
{
	return k->sample->host.numad_runs;
}

static bool predictions_fail(const struct kvmtuned *k)
{
	return k->plan->placement_observes;
}

static bool memory_is_off(const struct kvmtuned *k)
{
	return mode_of(k, LOOP_MEMORY) == LOOP_OFF;
}

static bool memory_is_paused(const struct kvmtuned *k)
{
	return loop_is_paused(k, LOOP_MEMORY);
}

static enum memory_host memory_host(const struct kvmtuned *k)
{
	return memory_host_of(&k->conf.policy.memory, k->view, &k->plan->memory,
			      k->arbiter->memory.pressed);
}

static bool there_is_no_swap(const struct kvmtuned *k)
{
	return host_is_known(k) && memory_host(k) == MEMORY_HOST_NO_SWAP;
}

static bool host_is_calm(const struct kvmtuned *k)
{
	return host_is_known(k) && memory_host(k) == MEMORY_HOST_CALM;
}

static bool host_is_between(const struct kvmtuned *k)
{
	return host_is_known(k) && memory_host(k) == MEMORY_HOST_BETWEEN;
}

const struct loop_rule *loop_rules(enum kt_loop loop, size_t *ret_n)
{
	static const struct loop_rule placement[] = {
		{ WHY_SINGLE_NODE_HOST, host_has_one_node }, { WHY_SWITCHED_OFF, placement_is_off },
		{ WHY_PAUSED, placement_is_paused },         { WHY_NUMAD_RUNNING, numad_runs },
		{ WHY_PREDICTIONS_FAIL, predictions_fail },
	};
	static const struct loop_rule memory[] = {
		{ WHY_SWITCHED_OFF, memory_is_off },   { WHY_PAUSED, memory_is_paused },
		{ WHY_NO_SWAP, there_is_no_swap },     { WHY_HOST_CALM, host_is_calm },
		{ WHY_HOST_BETWEEN, host_is_between },
	};

	if (loop == LOOP_PLACEMENT) {
		*ret_n = KT_ARRAY_LEN(placement);
		return placement;
	}
	*ret_n = KT_ARRAY_LEN(memory);
	return memory;
}

static enum why first_that_forbids(const struct kvmtuned *k, enum kt_loop loop)
{
	size_t n;
	const struct loop_rule *rules = loop_rules(loop, &n);

	for (size_t i = 0; i < n; i++)
		if (rules[i].forbids(k))
			return rules[i].why;
	return WHY_NONE;
}

/* ---- why ------------------------------------------------------------------------------- */

static enum why ksm_why(const struct kvmtuned *k)
{
	if (mode_of(k, LOOP_KSM) == LOOP_OFF)
		return WHY_SWITCHED_OFF;
	return loop_is_paused(k, LOOP_KSM) ? WHY_PAUSED : k->plan->ksm.why;
}

static void put_sentence(struct json_object *o, enum why why, const char *sentence)
{
	json_put_text(o, "reason", why_str(why));
	json_put_text(o, "sentence", sentence);
}

/* Nothing forbids: what is going on.  Reasons of guests speak of one guest. */
static void put_work(const struct kvmtuned *k, enum kt_loop loop, struct json_object *o)
{
	if (!host_is_known(k) || k->view->npresent == 0)
		put_sentence(o, WHY_NONE, "no guest runs");
	else if (loop == LOOP_MEMORY)
		put_sentence(o, WHY_IDLEST_UNDER_PRESSURE,
			     "the host is short of memory: the idlest guests give what is cold");
	else if (k->plan->move.go)
		json_put_why(o, WHY_MOVE_PAYS);
	else
		put_sentence(o, WHY_HOME_KEPT, "guests are on their homes or on their way there");
}

void json_put_loop_why(const struct kvmtuned *k, enum kt_loop loop, struct json_object *o)
{
	enum why why = loop == LOOP_KSM ? ksm_why(k) : first_that_forbids(k, loop);

	if (loop != LOOP_KSM && why == WHY_NONE)
		put_work(k, loop, o);
	else
		json_put_why(o, why);
}

/* ---- state ----------------------------------------------------------------------------- */

static bool observes(const struct kvmtuned *k, enum kt_loop loop)
{
	return k->dry_run || k->conf.policy.mode == DAEMON_OBSERVE ||
	       mode_of(k, loop) == LOOP_OBSERVE ||
	       (loop == LOOP_PLACEMENT && k->plan->placement_observes);
}

static bool is_ceded(const struct kvmtuned *k, enum kt_loop loop)
{
	if (loop == LOOP_KSM)
		return act_in_force(k->act)->ksm.ceded || k->plan->ksm.why == WHY_KERNEL_ADVISOR;
	return loop == LOOP_PLACEMENT && k->sample->host.numad_runs;
}

/* A loop is refused when it was for every guest that it has tried. */
static bool is_refused(const struct kvmtuned *k, enum kt_loop loop)
{
	unsigned int refused = 0, works = 0;

	if (loop == LOOP_KSM)
		return act_in_force(k->act)->ksm.off;
	for (size_t i = 0; i < k->domains->nslots; i++) {
		const struct guest_in_force *f = known_guest_of(k, i).in_force;
		bool is_placement = loop == LOOP_PLACEMENT;

		refused += is_placement ? f->pin_off : f->limit_off;
		works += is_placement ? f->pinned : f->limited || f->reclaimed_kib > 0;
	}
	return refused > 0 && works == 0;
}

enum loop_state loop_state_of(const struct kvmtuned *k, enum kt_loop loop)
{
	if (loop_is_paused(k, loop))
		return LOOP_IS_PAUSED;
	if (mode_of(k, loop) == LOOP_OFF)
		return LOOP_IS_OFF;
	if (observes(k, loop))
		return LOOP_IS_OBSERVING;
	if (is_ceded(k, loop))
		return LOOP_IS_CEDED;
	return is_refused(k, loop) ? LOOP_IS_REFUSED : LOOP_IS_ACTIVE;
}

const char *loop_state_str(enum loop_state state)
{
	static const char *const words[] = {
		[LOOP_IS_ACTIVE] = "active", [LOOP_IS_OBSERVING] = "observe",
		[LOOP_IS_OFF] = "off",       [LOOP_IS_PAUSED] = "paused",
		[LOOP_IS_CEDED] = "ceded",   [LOOP_IS_REFUSED] = "refused",
	};

	return words[state];
}
