/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the files that audit rules are about as the plan wishes them, and the administrator's
 * again afterwards?
 *
 * Each value has its own original.  Who changes one of them has the rule: what else was
 * written for it is given back. */
#include <errno.h>
#include <string.h>

#include "act_private.h"

/* What a plan wishes of one rule. */
struct host_step {
	const struct host_plan *plan;
	unsigned int rule;
	const char *word;
	bool dry_run;
	struct host_tally tally; /* of a dry run */
};

/* An interrupt may be anywhere within the CPUs: it is not for us to spread it over all. */
static bool is_fulfilled(const struct host_step *s, const char *found)
{
	struct cpumask cpus, outside;

	if (strcmp(found, s->word) == 0)
		return true;
	if (!act_host_is_of_irqs(s->rule) || cpumask_parse(found, &cpus) < 0)
		return false;
	outside = cpumask_andnot(&cpus, &s->plan->irq_cpus);
	return cpumask_empty(&outside);
}

static void note(struct act *a, const struct host_step *s, struct host_value *v, const char *found)
{
	if (!v->ours)
		strcpy(v->original, found);
	v->fresh = !v->ours;
	v->ours = v->todo = true;
	strcpy(v->before, found);
	strcpy(v->asked, s->word);
	a->must_save = a->host.todo = true;
}

/* Somebody has changed what we wrote. */
static bool is_foreign(const struct host_value *v, const char *found)
{
	return v->ours && strcmp(found, v->asked) != 0;
}

static bool is_to_change(const struct host_step *s, const struct host_value *v, const char *found)
{
	return !is_fulfilled(s, found) || (v->ours && strcmp(v->asked, s->word) != 0);
}

bool act_host_recognise(struct act *a, struct host_value *v, const char *found)
{
	bool is_original = strcmp(found, v->original) == 0;

	if (v->ours && v->doubt && (is_original || strcmp(found, v->before) == 0)) {
		strcpy(v->asked, found);
		v->ours = !is_original;
		a->undo_stale = true;
	}
	v->doubt = false;
	return !is_foreign(v, found);
}

static void compare(struct act *a, struct host_step *s, struct host_value *v, const char *found)
{
	bool foreign = !act_host_recognise(a, v, found) || v->theirs;

	if (foreign && is_fulfilled(s, found)) { /* it does as well, as long as that is wished */
		a->undo_stale |= v->ours;
		v->ours = false;
		v->theirs = true;
	} else if (foreign) {
		act_host_cede(a, v, found);
	} else if (is_to_change(s, v, found)) {
		if (s->dry_run)
			act_host_count(&s->tally, v, found, s->word);
		else
			note(a, s, v, found);
	}
}

static void prepare_value(struct act *a, struct host_step *s, unsigned int irq)
{
	struct host_value fresh = { .rule = s->rule, .irq = irq };
	struct host_value *v = act_host_find(a, s->rule, irq);
	char found[HOST_TEXT_MAX];
	int r;

	if ((a->host.ceded | a->host.off) & act_host_bit(s->rule) || (v && v->fixed))
		return;
	r = act_host_read(a, v ? v : &fresh, found);
	if (r == -ENOENT)
		return; /* a kernel without it, or the device has gone */
	if (r == 0 && !v && !s->dry_run)
		v = act_host_add(a, s->rule, irq);
	if (r == 0 && !v && !s->dry_run)
		r = -ENOMEM;
	if (r < 0)
		act_host_refused(a, v ? v : &fresh, r);
	else
		compare(a, s, v ? v : &fresh, found);
}

/* Once per wish, however often it comes. */
static void dry_run(struct act *a, struct host_step *s)
{
	if (s->tally.n && !(a->host.said & act_host_bit(s->rule)))
		act_host_say((struct log_event){ .id = LOG_HOST_CHANGED, .dry_run = true }, s->rule,
			     s->plan->rule[s->rule].why, &s->tally);
	a->host.said |= act_host_bit(s->rule);
}

/* `cpus` is the room for it, where it is a list of CPUs. */
static const char *word_of(const struct host_step *s, char cpus[KT_CPULIST_MAX])
{
	return act_host_is_of_irqs(s->rule) ? cpumask_str(&s->plan->irq_cpus, cpus, KT_CPULIST_MAX)
					    : s->plan->rule[s->rule].word;
}

static void set(struct act *a, struct host_step *s)
{
	char cpus[KT_CPULIST_MAX];

	s->word = word_of(s, cpus);
	if (!act_host_is_word(s->word)) {
		act_host_refused(a, &(struct host_value){ .rule = s->rule }, -EINVAL);
		return;
	}
	if (!act_host_is_of_irqs(s->rule))
		prepare_value(a, s, 0);
	else
		for (size_t i = 0; i < KT_MIN(s->plan->nirqs, (size_t)HOST_IRQS_MAX); i++)
			prepare_value(a, s, s->plan->irq[i]);
	if (s->dry_run)
		dry_run(a, s);
}

static void prepare_rule(struct act *a, const struct host_plan *plan, unsigned int rule)
{
	const struct host_wish *w = &plan->rule[rule];
	struct host_step step = { .plan = plan,
				  .rule = rule,
				  .dry_run = plan->dry_run || a->look_only };
	bool barred = (a->host.ceded | a->host.off) & act_host_bit(rule);

	if (w->wish == WISH_RELEASE)
		a->host.said &= ~act_host_bit(rule);
	if (w->wish == WISH_HOLD || !host_rule_path(rule))
		return;
	if (w->wish == WISH_SET && !barred)
		set(a, &step);
	if (step.dry_run)
		return;
	if (w->wish == WISH_RELEASE && w->is_theirs)
		act_host_hand_over(a, rule);
	else if (w->wish == WISH_RELEASE)
		act_host_give_back_rule(a, rule, w->why, NULL);
	else if (a->host.ceded & act_host_bit(rule))
		act_host_give_back_rule(a, rule, WHY_CEDED, NULL);
	else if (act_host_is_of_irqs(rule))
		act_host_give_back_rule(a, rule, w->why, plan);
}

static void foresee_value(const struct act *a, struct host_step *s, unsigned int irq)
{
	const struct host_value *known = act_host_find(a, s->rule, irq);
	struct host_value v = known ? *known : (struct host_value){ .rule = s->rule, .irq = irq };
	char found[HOST_TEXT_MAX];

	if (!v.fixed && !v.theirs && act_host_read(a, &v, found) == 0 && !is_foreign(&v, found) &&
	    is_to_change(s, &v, found))
		act_host_count(&s->tally, &v, found, s->word);
}

static void foresee_set(const struct act *a, struct host_step *s)
{
	char cpus[KT_CPULIST_MAX];

	s->word = word_of(s, cpus);
	if (!act_host_is_of_irqs(s->rule))
		foresee_value(a, s, 0);
	else
		for (size_t i = 0; i < KT_MIN(s->plan->nirqs, (size_t)HOST_IRQS_MAX); i++)
			foresee_value(a, s, s->plan->irq[i]);
}

static void foresee_release(const struct act *a, struct host_step *s)
{
	char found[HOST_TEXT_MAX];

	for (size_t i = 0; i < a->host.nvalues; i++) {
		const struct host_value *v = &a->host.value[i];

		if (v->rule == s->rule && v->ours && act_host_read(a, v, found) == 0 &&
		    strcmp(found, v->asked) == 0 && strcmp(found, v->original) != 0)
			act_host_count(&s->tally, v, found, v->original);
	}
}

bool act_host_foresee(const struct act *a, const struct host_plan *plan, unsigned int rule,
		      struct host_tally *ret)
{
	struct host_step step = { .plan = plan, .rule = rule };
	const struct host_wish *w = &plan->rule[rule];

	*ret = (struct host_tally){ 0 };
	if (!host_rule_path(rule) || (a->host.ceded | a->host.off) & act_host_bit(rule))
		return false;
	if (w->wish == WISH_SET)
		foresee_set(a, &step);
	else if (w->wish == WISH_RELEASE && !w->is_theirs)
		foresee_release(a, &step);
	*ret = step.tally;
	return ret->n > 0;
}

static void try_again(struct act *a, unsigned int rule)
{
	if (!act_retry_is_due(&a->host.retry[rule], a->now_ns))
		return;
	a->host.off &= ~act_host_bit(rule);
	a->host.again = true;
	for (size_t i = 0; i < a->host.nvalues; i++)
		if (a->host.value[i].rule == rule)
			a->host.value[i].gave_up = false;
}

void act_host_prepare(struct act *a, const struct host_plan *plan)
{
	for (unsigned int rule = 0; rule < HOST_RULES_MAX && a->host.off; rule++)
		try_again(a, rule);
	if (!plan->due && !a->host.again)
		return;
	a->host.again = false;
	for (unsigned int rule = 0; rule < KT_MIN(plan->nrules, (size_t)HOST_RULES_MAX); rule++)
		prepare_rule(a, plan, rule);
	act_host_drop(&a->host);
	act_host_publish(a);
}

void act_host_abandon(struct act *a)
{
	a->host.again |= a->host.todo;
	a->host.todo = false;
	for (size_t i = 0; i < a->host.nvalues; i++)
		if (a->host.value[i].todo)
			act_host_forget(&a->host.value[i]);
	act_host_drop(&a->host);
	act_host_publish(a);
}

static void write_value(struct act *a, struct host_value *v, struct host_tally *tally)
{
	char found[HOST_TEXT_MAX];
	int r = act_host_write(a, v, v->asked, found);

	v->todo = false;
	if (r == 0) {
		a->host.retry[v->rule].wait_s = 0;
		act_host_count(tally, v, v->before, v->asked);
		return;
	}
	if (r == -ESTALE) {
		act_host_cede(a, v, found);
		return;
	}
	v->doubt = a->undo_stale = true; /* it may have been done all the same */
	if (act_host_read(a, v, found) == 0 && !act_host_recognise(a, v, found))
		act_host_cede(a, v, found);
	else
		act_host_refused(a, v, r);
}

/* After the first refusal the others of the rule are as good as refused. */
static void execute_rule(struct act *a, unsigned int rule)
{
	struct host_tally tally = { 0 };

	for (size_t i = 0; i < a->host.nvalues; i++) {
		struct host_value *v = &a->host.value[i];

		if (v->rule != rule || !v->todo)
			continue;
		if ((a->host.ceded | a->host.off) & act_host_bit(rule))
			act_host_forget(v);
		else
			write_value(a, v, &tally);
	}
	if (tally.n)
		act_host_say((struct log_event){ .id = LOG_HOST_CHANGED }, rule, WHY_AUDIT_RULE,
			     &tally);
	if (a->host.ceded & act_host_bit(rule))
		act_host_give_back_rule(a, rule, WHY_CEDED, NULL);
}

void act_host_execute(struct act *a)
{
	if (!a->host.todo)
		return;
	a->host.todo = false;
	for (unsigned int rule = 0; rule < HOST_RULES_MAX; rule++)
		execute_rule(a, rule);
	act_host_drop(&a->host);
	act_host_publish(a);
}
