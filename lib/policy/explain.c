/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rule is the reason, and until when? */
#include "rule.h"

static const struct domain nobodys_domain = { .running = true };
const struct guest_view rule_nobody = { .domain = &nobodys_domain };
const struct guest_in_force rule_nothing_in_force = { 0 };

enum why explanation_reason(const struct explanation *e)
{
	for (size_t i = 0; i < e->nrules; i++)
		if (e->rule[i].forbids)
			return e->rule[i].why;
	return WHY_NONE;
}

void explanation_add(struct explanation *e, struct rule_answer answer, uint64_t until_ns)
{
	if (e->nrules == EXPLAIN_RULES_MAX)
		return;
	answer.forbids &= answer.known;
	if (answer.forbids && explanation_reason(e) == WHY_NONE)
		e->until_ns = until_ns;
	e->rule[e->nrules++] = answer;
}

void explanation_end(struct explanation *e, uint64_t now_ns)
{
	if (e->until_ns <= now_ns)
		e->until_ns = 0;
}
