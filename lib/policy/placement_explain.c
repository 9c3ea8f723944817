/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keeps a guest from being placed, or from going elsewhere? */
#include "placement_private.h"
#include "rule.h"

/* Of the last step; they lie side by side.  0: it has none. */
static size_t find_units(const struct placement_policy *state, size_t slot,
			 const struct placement_unit **ret_first)
{
	size_t n = 0;

	for (size_t i = 0; i < state->nunits; i++)
		if (state->unit[i].slot == slot && n++ == 0)
			*ret_first = &state->unit[i];
	return n;
}

/* Of what was done, or of what was only said. */
static uint64_t held_until_ns(const struct placing *p, const struct placement_guest *g)
{
	uint64_t changed_ns = KT_MAX(p->in_force->pin_changed_ns, g->pretended_ns);

	return changed_ns ? after_s(changed_ns, p->conf->cooldown_s) : 0;
}

/* What the search said of a guest that may be placed. */
static void explain_search(const struct placement_policy *state, const struct placing *p,
			   size_t slot, struct explanation *ret)
{
	bool may_be = explanation_reason(ret) == WHY_NONE;
	const struct placement_unit *units = NULL;
	size_t n = may_be ? find_units(state, slot, &units) : 0;
	bool held_back = placement_not_yet(units, n) == WHY_COOLING_DOWN;

	explanation_add(ret, (struct rule_answer){ WHY_NODE_CROWDED, may_be, n == 0 }, 0);
	explanation_add(ret, (struct rule_answer){ WHY_COOLING_DOWN, n > 0, held_back },
			held_until_ns(p, &state->guest[slot]));
}

static void explain_predictions(const struct placement_policy *state, struct explanation *ret)
{
	explanation_add(ret, (struct rule_answer){ WHY_PREDICTIONS_FAIL, true, state->observes },
			0);
}

void explain_placement(const struct arbiter *arbiter, const struct policy_conf *conf,
		       const struct host_view *view, const struct in_force *in_force, size_t slot,
		       struct explanation *ret)
{
	struct placing p;

	*ret = (struct explanation){ 0 };
	if (slot >= view->nslots || !view->guest[slot].domain)
		return;
	p = placing_of(&conf->placement, view, in_force, slot);
	placing_explain(&p, false, ret);
	explain_predictions(&arbiter->placement, ret);
	explain_search(&arbiter->placement, &p, slot, ret);
	explanation_end(ret, view->now_ns);
}

void explain_placement_of_host(const struct arbiter *arbiter, const struct policy_conf *conf,
			       const struct host_view *view, struct explanation *ret)
{
	const struct placing p = { .conf = &conf->placement,
				   .view = view,
				   .guest = &rule_nobody,
				   .in_force = &rule_nothing_in_force };

	*ret = (struct explanation){ 0 };
	placing_explain(&p, true, ret);
	explain_predictions(&arbiter->placement, ret);
	explanation_end(ret, view->now_ns);
}
