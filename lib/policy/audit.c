/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the predicates of the audit have in common? */
#include "audit.h"

#include "capped.h"
#include "str.h"

void audit_judge(const struct audit_rule *rule, const struct audit_input *in,
		 struct audit_verdict *ret)
{
	*ret = (struct audit_verdict){ 0 };
	rule->judge(in, ret);
}

void audit_expect(struct audit_verdict *v, bool ok)
{
	v->result = ok ? AUDIT_OK : AUDIT_FINDING;
}

void audit_not_applicable(struct audit_verdict *v, const char *reason)
{
	v->result = AUDIT_NOT_APPLICABLE;
	v->reason = reason;
}

void audit_unknown(struct audit_verdict *v, const char *reason, int error)
{
	v->result = AUDIT_UNKNOWN;
	v->reason = reason;
	v->error = error;
}

static bool take(struct audit_verdict *v, enum fact_state state, int error, const char *absent)
{
	if (state == FACT_ABSENT)
		audit_not_applicable(v, absent);
	else if (state == FACT_UNKNOWN)
		audit_unknown(v, "It could not be read, or not understood.", error);
	return state == FACT_KNOWN;
}

bool audit_take(struct audit_verdict *v, const struct fact *f, const char *absent)
{
	if (!take(v, f->state, f->error, absent))
		return false;
	v->number[0] = f->value;
	return true;
}

bool audit_take_word(struct audit_verdict *v, const struct word_fact *f, const char *absent)
{
	if (!take(v, f->state, f->error, absent))
		return false;
	audit_say_raw(v->word[0], f->word);
	return true;
}

/* ---- words ------------------------------------------------------------------------------ */

bool audit_word_is(const char *word, const char *expected)
{
	while (*word && *word == *expected) {
		word++;
		expected++;
	}
	return *word == *expected;
}

void audit_say(char ret[AUDIT_OWNER], const char *word)
{
	size_t i = 0;

	for (; i < AUDIT_OWNER - 1 && word[i]; i++)
		ret[i] = word[i];
	ret[i] = '\0';
}

void audit_say_raw(char ret[AUDIT_OWNER], const char *raw)
{
	(void)str_escape(raw, ret, AUDIT_OWNER);
}

void audit_say_cpus(char ret[AUDIT_OWNER], const struct cpumask *cpus)
{
	(void)cpumask_str(cpus, ret, AUDIT_OWNER);
}

/* ---- owners ----------------------------------------------------------------------------- */

/* "10", and "40%" as tuned has it. */
static bool is_number(const char *text, uint64_t expected)
{
	uint64_t number = 0;
	const char *s = text;

	for (; *s >= '0' && *s <= '9'; s++)
		number = add_capped(mul_capped(number, 10), (uint64_t)(*s - '0'));
	return s != text && (!*s || audit_word_is(s, "%")) && number == expected;
}

/* "a", or one of "a|b": tuned takes the first that the host has. */
static bool is_alternative(const char *text, const char *word)
{
	while (*text) {
		const char *w = word;

		for (; *text && *text == *w; w++)
			text++;
		if (!*w && (!*text || *text == '|'))
			return true;
		while (*text && *text++ != '|')
			;
	}
	return false;
}

bool audit_owned(const struct audit_input *in, struct audit_verdict *v, enum owned_value value)
{
	const struct owner *owner = &in->host->owner[value];
	bool is_his = !owner->value[0] || (v->word[0][0] ? is_alternative(owner->value, v->word[0])
							 : is_number(owner->value, v->number[0]));

	if (!owner->who[0])
		return false;
	v->owner = owner->who;
	if (is_his)
		audit_expect(v, true);
	return is_his;
}

/* Several profiles may be active, one behind the other; cpu-partitioning has variants. */
static bool has_profile(const char *active, const char *prefix)
{
	size_t i = 0;

	while (prefix[i] && active[i] == prefix[i])
		i++;
	if (!prefix[i])
		return true;
	while (*active && *active != ' ')
		active++;
	while (*active == ' ')
		active++;
	return *active && has_profile(active, prefix);
}

bool audit_owned_by_latency(const struct audit_input *in, struct audit_verdict *v)
{
	static const struct {
		const char *prefix, *owner;
	} profiles[] = {
		{ "realtime-virtual-host", "tuned profile realtime-virtual-host" },
		{ "cpu-partitioning", "tuned profile cpu-partitioning" },
	};

	for (size_t i = 0; i < KT_ARRAY_LEN(profiles); i++)
		if (has_profile(in->host->tuned_profile, profiles[i].prefix)) {
			v->owner = profiles[i].owner;
			audit_expect(v, true);
			return true;
		}
	return false;
}

/* ---- guests and nodes ------------------------------------------------------------------- */

struct audit_count audit_count(const struct audit_input *in,
			       bool (*is_so)(const struct audit_input *in, size_t slot))
{
	struct audit_count c = { .known = in->domains && (!in->view || in->view->guests_known) };

	for (size_t i = 0; c.known && i < in->domains->nslots; i++) {
		const struct domain_slot *slot = &in->domains->slot[i];

		c.of += slot->used;
		c.unknown += slot->used && !slot->domain.audit.known;
		c.yes += slot->used && slot->domain.audit.known && is_so(in, i);
	}
	return c;
}

static void guests_unknown(struct audit_verdict *v, struct audit_count count)
{
	audit_unknown(v,
		      count.known ? "The XML of a guest is not known."
				  : "Which guests there are is not known.",
		      0);
}

bool audit_some_guests(struct audit_verdict *v, struct audit_count count)
{
	if (!count.known || count.unknown)
		guests_unknown(v, count);
	else if (!count.of)
		audit_not_applicable(v, "No guest runs.");
	return count.known && !count.unknown && count.of;
}

bool audit_any(struct audit_verdict *v, struct audit_count count, const char *none)
{
	if (count.yes)
		return true;
	if (!count.known || count.unknown)
		guests_unknown(v, count);
	else
		audit_not_applicable(v, none);
	return false;
}

bool audit_not_all(struct audit_verdict *v, struct audit_count count, const char *all)
{
	if (count.known && (!count.of || count.yes + count.unknown < count.of))
		return true;
	if (!count.known || count.unknown)
		guests_unknown(v, count);
	else
		audit_not_applicable(v, all);
	return false;
}

const struct guest_in_force *audit_in_force(const struct audit_input *in, size_t slot)
{
	const struct guest_in_force *ours = in->in_force ? &in->in_force->guest[slot] : NULL;

	return ours && ours->incarnation == in->domains->slot[slot].incarnation ? ours : NULL;
}

bool audit_several_nodes(const struct audit_input *in, struct audit_verdict *v)
{
	if (in->topology->nnodes == 1)
		audit_not_applicable(v, "The host has one NUMA node.");
	else if (in->topology->nnodes == 0)
		audit_unknown(v, "The nodes of the host are not known.", 0);
	return in->topology->nnodes > 1;
}
