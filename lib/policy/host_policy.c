/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of the host are to be changed, because the audit finds fault with what is in
 * them and the operator has named its rule? */
#include "host_policy.h"

_Static_assert((int)HOST_IRQS_MAX == (int)AUDIT_IRQS_MAX, "every interrupt of a sample fits");
_Static_assert(HOST_WORD_MAX > sizeof "18446744073709551615" - 1, "any number fits");

const char *host_rule_id(unsigned int rule)
{
	return rule < audit_nhost_rules ? audit_host_rules[rule].id : NULL;
}

const char *host_rule_path(unsigned int rule)
{
	return host_rule_id(rule) ? audit_host_rules[rule].path : NULL;
}

/* ---- interrupts ------------------------------------------------------------------- */

/* irqbalance moves what we put anywhere, unless it may not use the guests' CPUs. */
static bool irqbalance_interferes(const struct audit_input *in)
{
	struct cpumask guests =
		cpumask_andnot(&in->topology->online, &in->conf->placement.reserved_cpus);
	struct cpumask free = cpumask_andnot(&guests, &in->host->irq_banned);

	return in->host->irqbalance_runs &&
	       (in->host->irq_bans.state != FACT_KNOWN || !cpumask_empty(&free));
}

static void list_irqs(const struct audit_host *h, struct host_plan *ret)
{
	for (size_t i = 0; i < KT_MIN(h->nirqs, (size_t)HOST_IRQS_MAX); i++)
		if ((h->irq[i].is_nic || h->irq[i].is_nvme) && !h->irq[i].is_managed)
			ret->irq[ret->nirqs++] = h->irq[i].number;
}

static struct host_wish decide_irqs(const struct audit_input *in, struct host_plan *ret)
{
	struct cpumask reserved =
		cpumask_and(&in->conf->placement.reserved_cpus, &in->topology->online);

	if (cpumask_empty(&reserved))
		return (struct host_wish){ .wish = WISH_RELEASE, .why = WHY_NO_RESERVED_CPUS };
	ret->irq_cpus = cpumask_andnot(&reserved, &in->host->irq_banned);
	if (irqbalance_interferes(in) || cpumask_empty(&ret->irq_cpus))
		return (struct host_wish){ .wish = WISH_RELEASE, .why = WHY_IRQBALANCE };
	if (in->host->irqs.state != FACT_KNOWN)
		return (struct host_wish){ .wish = WISH_HOLD };
	list_irqs(in->host, ret);
	return (struct host_wish){ .wish = WISH_SET, .why = WHY_AUDIT_RULE };
}

/* ---- all others --------------------------------------------------------------------- */

static void write_number(char word[HOST_WORD_MAX], uint64_t number)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (n > 0)
		*word++ = digits[--n];
}

/* "{1}" is the verdict's number.  `word` is all zeros. */
static void write_word(char word[HOST_WORD_MAX], const char *text, const struct audit_verdict *v)
{
	if (audit_word_is(text, "{1}")) {
		write_number(word, v->number[1]);
		return;
	}
	for (size_t i = 0; text[i] && i < HOST_WORD_MAX - 1; i++)
		word[i] = text[i];
}

/* [placement] writes this one by itself. */
static bool is_of_placement(const struct audit_input *in, const struct audit_rule *rule)
{
	return in->conf->placement.numa_balancing != BALANCING_KEEP &&
	       audit_word_is(rule->id, "host-numa-balancing");
}

/* He may have written what we had. */
static bool owner_says(const struct audit_host *h, const char *who, const char *word)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(h->owner); i++)
		if (h->owner[i].who == who)
			return audit_word_is(h->owner[i].value, word);
	return false;
}

/* What is as it should be is left to whoever made it so, unless that is us. */
static struct host_wish decide_file(const struct audit_input *in, const struct audit_rule *rule,
				    bool ours)
{
	struct host_wish w = { .wish = WISH_SET, .why = WHY_AUDIT_RULE };
	struct audit_verdict v;

	audit_judge(rule, in, &v);
	write_word(w.word, rule->text, &v);
	if (v.owner)
		return (struct host_wish){ .wish = WISH_RELEASE,
					   .why = WHY_OWNED_ELSEWHERE,
					   .owner = v.owner,
					   .is_theirs = owner_says(in->host, v.owner, w.word) };
	if (v.result == AUDIT_UNKNOWN)
		return (struct host_wish){ .wish = WISH_HOLD };
	if (v.result == AUDIT_FINDING || (v.result == AUDIT_OK && ours))
		return w;
	return (struct host_wish){ .wish = WISH_RELEASE };
}

static struct host_wish decide(const struct audit_input *in, unsigned int place,
			       struct host_plan *ret)
{
	const struct audit_rule *rule = &audit_host_rules[place];
	const struct host_in_force *f = &in->in_force->host;

	if (!rule->path)
		return (struct host_wish){ .wish = WISH_HOLD };
	if (!(in->conf->host.apply >> place & 1) || is_of_placement(in, rule))
		return (struct host_wish){ .wish = WISH_RELEASE, .why = WHY_SWITCHED_OFF };
	if (f->off >> place & 1)
		return (struct host_wish){ .wish = WISH_HOLD, .why = WHY_ACTUATOR_OFF };
	if (f->ceded >> place & 1)
		return (struct host_wish){ .wish = WISH_RELEASE, .why = WHY_CEDED };
	if (!in->host)
		return (struct host_wish){ .wish = WISH_HOLD };
	return rule->text ? decide_file(in, rule, f->ours >> place & 1) : decide_irqs(in, ret);
}

void host_policy_step(const struct audit_input *in, struct host_plan *ret)
{
	*ret = (struct host_plan){ .due = true,
				   .dry_run = in->conf->mode == DAEMON_OBSERVE,
				   .nrules = KT_MIN(audit_nhost_rules, (size_t)HOST_RULES_MAX) };
	for (size_t i = 0; i < ret->nrules; i++)
		ret->rule[i] = decide(in, (unsigned int)i, ret);
}
