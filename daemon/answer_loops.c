/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What state is a loop in, and why? */
#include "answer_private.h"

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

bool loop_explain(const struct kvmtuned *k, enum kt_loop loop, struct explanation *ret)
{
	struct policy_conf conf = k->conf.policy;

	*ret = (struct explanation){ 0 };
	if (!host_is_known(k))
		return false;
	pauses_apply(&k->pauses, &conf);
	if (loop == LOOP_KSM)
		explain_ksm(k->arbiter, &conf, k->view, act_in_force(k->act), ret);
	else if (loop == LOOP_PLACEMENT)
		explain_placement_of_host(k->arbiter, &conf, k->view, ret);
	else
		explain_memory_of_host(k->arbiter, &conf, k->view, k->plan, ret);
	return true;
}

#define KSM_FOLDER "sys/kernel/mm/ksm/"

bool ksm_now(const struct kvmtuned *k, struct ksm_sample *ret)
{
	const struct ksm_sample *known = known_ksm(k);
	struct ksm_sample s = known ? *known : (struct ksm_sample){ 0 };
	const struct {
		const char *path;
		uint64_t *value;
	} settings[] = { { KSM_FOLDER "run", &s.run },
			 { KSM_FOLDER "pages_to_scan", &s.pages_to_scan },
			 { KSM_FOLDER "sleep_millisecs", &s.sleep_ms },
			 { KSM_FOLDER "smart_scan", &s.smart_scan },
			 { KSM_FOLDER "merge_across_nodes", &s.merge_across_nodes },
			 { KSM_FOLDER "use_zero_pages", &s.use_zero_pages } };

	for (size_t i = 0; known && i < KT_ARRAY_LEN(settings); i++)
		if (hostfs_read_u64(&k->fs, settings[i].path, settings[i].value) < 0)
			continue; /* as it was, or this kernel has none */
	*ret = s;
	return known != NULL;
}

/* ---- why ------------------------------------------------------------------------------- */

/* What the last plan was made for, unless the operator has said something since. */
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
	struct explanation e;

	if (loop == LOOP_KSM)
		json_put_why(o, ksm_why(k));
	else if (loop_explain(k, loop, &e) && explanation_reason(&e) != WHY_NONE)
		json_put_why(o, explanation_reason(&e));
	else
		put_work(k, loop, o);
}

/* ---- state ----------------------------------------------------------------------------- */

static bool observes(const struct kvmtuned *k, enum kt_loop loop)
{
	return kvmtuned_observes(k) || mode_of(k, loop) == LOOP_OBSERVE ||
	       (loop == LOOP_PLACEMENT && k->plan->placement_observes);
}

static bool is_ceded(const struct kvmtuned *k, enum kt_loop loop)
{
	if (loop == LOOP_KSM)
		return act_in_force(k->act)->ksm.ceded || k->plan->ksm.why == WHY_KERNEL_ADVISOR ||
		       k->plan->ksm.why == WHY_OWNED_ELSEWHERE;
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

enum loop_state answer_loop_state(const struct kvmtuned *k, enum kt_loop loop)
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
	static const char *const words[_LOOP_STATE_MAX] = {
		[LOOP_IS_ACTIVE] = "active", [LOOP_IS_OBSERVING] = "observe",
		[LOOP_IS_OFF] = "off",       [LOOP_IS_PAUSED] = "paused",
		[LOOP_IS_CEDED] = "ceded",   [LOOP_IS_REFUSED] = "refused",
	};

	return state < _LOOP_STATE_MAX ? words[state] : "off";
}
