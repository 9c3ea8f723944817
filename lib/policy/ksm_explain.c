/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keeps KSM from being driven, or from more than a trickle, and how long yet? */
#include "ksm_private.h"
#include "rule.h"

static uint64_t until_ns(const struct ksm_auto *a, const struct ksm_moment *m, enum why why)
{
	if (why == WHY_SETTLING)
		return ksm_settles_ns(a, m);
	return why == WHY_CONVERGED ? ksm_next_sweep_ns(a, m) : 0;
}

static void explain_auto(const struct ksm_policy *state, const struct ksm_moment *m,
			 struct explanation *ret)
{
	static const enum why reasons[] = { WHY_GUESTS_UNKNOWN, WHY_MERGE_NEVER,
					    WHY_MEMORY_PLENTIFUL, WHY_SETTLING, WHY_CONVERGED };
	const struct ksm_auto *a = &state->automatic;
	bool known = explanation_reason(ret) == WHY_NONE && state->name == KSM_POLICY_AUTO;
	enum why why = ksm_knows_nothing(m) ? WHY_GUESTS_UNKNOWN : ksm_auto_reason(a, m);

	for (size_t i = 0; i < KT_ARRAY_LEN(reasons); i++)
		explanation_add(ret, (struct rule_answer){ reasons[i], known, why == reasons[i] },
				until_ns(a, m, reasons[i]));
}

/* It is asked at its own times: between two of them the last answer holds. */
static void explain_law(const struct ksm_policy *state, enum ksm_policy_name name,
			struct explanation *ret)
{
	static const enum why reasons[] = { WHY_GUESTS_UNKNOWN, WHY_MEMORY_PLENTIFUL };
	bool known = explanation_reason(ret) == WHY_NONE && state->name == name && state->stepped;

	for (size_t i = 0; i < KT_ARRAY_LEN(reasons); i++)
		explanation_add(
			ret,
			(struct rule_answer){ reasons[i], known, state->last.why == reasons[i] },
			0);
}

void explain_ksm(const struct arbiter *arbiter, const struct policy_conf *conf,
		 const struct host_view *view, const struct in_force *in_force,
		 struct explanation *ret)
{
	const struct ksm_policy *state = &arbiter->ksm;
	const struct ksm_moment m =
		ksm_moment_of(&state->automatic, &conf->ksm, view, &in_force->ksm);

	*ret = (struct explanation){ 0 };
	ksm_explain_rules(&m, ret);
	if (conf->ksm.policy == KSM_POLICY_AUTO)
		explain_auto(state, &m, ret);
	else if (conf->ksm.policy != KSM_POLICY_OFF)
		explain_law(state, conf->ksm.policy, ret);
	explanation_end(ret, view->now_ns);
}
