/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When is the host audited, and what comes of it? */
#include "audit_private.h"

#include <string.h>

enum { EXIT_FINDINGS = 4 };

struct auditor *auditor_new(const struct audit_table *table)
{
	struct auditor *a = calloc(1, sizeof *a);

	if (a)
		a->table = table ? *table
				 : (struct audit_table){ audit_host_rules, audit_guest_rules,
							 audit_nhost_rules, audit_nguest_rules };
	return a;
}

void auditor_free(struct auditor *a)
{
	free(a);
}

struct audit_counts audit_counts_of(const struct kvmtuned *k)
{
	return k->auditor ? k->auditor->counts : (struct audit_counts){ 0 };
}

const struct audit_host *audit_facts(const struct kvmtuned *k)
{
	return k->auditor && k->auditor->looked_ns ? &k->auditor->host : NULL;
}

/* ---- judging ------------------------------------------------------------------------------ */

/* Between two ticks another guest may have taken the slot: what is remembered is of the last. */
static bool is_remembered(const struct kvmtuned *k, const struct audit_rule *rule, size_t slot)
{
	return k->view && k->view->nsamples > 0 &&
	       (!rule->is_of_guest ||
		k->view->guest[slot].incarnation == k->domains->slot[slot].incarnation);
}

static struct audit_input input_of(const struct kvmtuned *k, const struct audit_rule *rule,
				   size_t slot)
{
	return (struct audit_input){
		.host = &k->auditor->host,
		.topology = &k->topology,
		.domains = k->guests_known ? k->domains : NULL,
		.view = is_remembered(k, rule, slot) ? k->view : NULL,
		.conf = &k->conf.policy,
		.in_force = k->act ? act_in_force(k->act) : NULL,
		.slot = slot,
	};
}

void audit_ask(const struct kvmtuned *k, const struct audit_rule *rule, size_t slot,
	       struct audit_verdict *ret)
{
	struct audit_input in = input_of(k, rule, slot);

	audit_judge(rule, &in, ret);
}

static void judge_all(const struct kvmtuned *k, const struct audit_rule *rules, size_t n,
		      uint64_t ignored, size_t slot, audit_heard_fn *heard, void *context)
{
	for (size_t i = 0; i < KT_MIN(n, (size_t)AUDIT_RULES_MAX); i++) {
		struct audit_input in = input_of(k, &rules[i], slot);
		struct audit_verdict verdict;

		if (ignored >> i & 1)
			continue;
		audit_judge(&rules[i], &in, &verdict);
		heard(&rules[i], &in, &verdict, context);
	}
}

void audit_each_of_guest(const struct kvmtuned *k, size_t slot, audit_heard_fn *heard,
			 void *context)
{
	const struct audit_table *t = &k->auditor->table;

	judge_all(k, t->guest, t->nguest, k->conf.audit_ignore.guest, slot, heard, context);
}

void audit_each(const struct kvmtuned *k, audit_heard_fn *heard, void *context)
{
	const struct audit_table *t = &k->auditor->table;

	judge_all(k, t->host, t->nhost, k->conf.audit_ignore.host, 0, heard, context);
	for (size_t slot = 0; slot < k->domains->nslots; slot++)
		if (k->domains->slot[slot].used)
			audit_each_of_guest(k, slot, heard, context);
}

/* ---- counting ----------------------------------------------------------------------------- */

struct tally {
	const struct audit_found *before;
	struct auditor *a;
};

/* What cannot be told now is as it was: a file that cannot be read repairs nothing. */
static void tally_one(const struct audit_rule *rule, const struct audit_input *in,
		      const struct audit_verdict *verdict, void *context)
{
	const struct tally *t = context;
	const struct audit_rule *first = rule->is_of_guest ? t->a->table.guest : t->a->table.host;
	const uint64_t *before = rule->is_of_guest ? &t->before->guest[in->slot] : &t->before->host;
	uint64_t *found = rule->is_of_guest ? &t->a->found.guest[in->slot] : &t->a->found.host;
	uint64_t bit = UINT64_C(1) << (rule - first);
	struct audit_counts *c = &t->a->counts;

	c->findings[rule->severity] += verdict->result == AUDIT_FINDING;
	c->unknown += verdict->result == AUDIT_UNKNOWN;
	c->ok += verdict->result == AUDIT_OK;
	c->not_applicable += verdict->result == AUDIT_NOT_APPLICABLE;
	if (verdict->result == AUDIT_FINDING)
		*found |= bit;
	else if (verdict->result == AUDIT_UNKNOWN)
		*found |= *before & bit;
}

/* What was found before of those who are still there, and by rules that are still judged. */
static struct audit_found found_before(const struct kvmtuned *k)
{
	const struct rule_ids *ignored = &k->conf.audit_ignore;
	struct audit_found before = k->auditor->found;

	before.host &= ~ignored->host;
	for (size_t i = 0; i < KT_GUESTS_MAX; i++) {
		const struct domain_slot *slot = &k->domains->slot[i];
		bool is_same = slot->used && slot->incarnation == k->auditor->incarnation[i];

		before.guest[i] &= is_same ? ~ignored->guest : 0;
	}
	return before;
}

static void judge_now(struct kvmtuned *k, uint64_t now_ns)
{
	struct auditor *a = k->auditor;
	struct audit_found before = found_before(k);
	struct tally tally = { .before = &before, .a = a };

	for (size_t i = 0; i < KT_GUESTS_MAX; i++)
		a->incarnation[i] = k->domains->slot[i].incarnation;
	a->judged_ns = now_ns;
	a->found = (struct audit_found){ 0 };
	a->counts = (struct audit_counts){ .known = true, .unix_s = now_unix_us() / 1000000 };
	audit_each(k, tally_one, &tally);
	audit_say_changes(k, &before);
}

void audit_now(struct kvmtuned *k, uint64_t now_ns)
{
	struct auditor *a = k->auditor;

	if (!a->looked_ns || now_ns - a->looked_ns >= AUDIT_FRESH_S * KT_NS_PER_S) {
		sense_audit(&k->fs, &a->host);
		a->looked_ns = now_ns;
		k->tuned_has_ksm = audit_tuned_has_ksm(&a->host);
	}
	judge_now(k, now_ns);
}

/* Somebody runs who was not there when the last audit was. */
static bool has_new_guest(const struct kvmtuned *k)
{
	for (size_t i = 0; i < k->domains->nslots; i++) {
		const struct domain_slot *slot = &k->domains->slot[i];

		if (slot->used && slot->incarnation != k->auditor->incarnation[i])
			return true;
	}
	return false;
}

void audit_tick(struct kvmtuned *k, uint64_t now_ns)
{
	const struct auditor *a = k->auditor;
	uint64_t interval_s = k->conf.audit_interval_s;

	if (!a || !k->guests_known || k->domains->nused == 0)
		return;
	if (interval_s > AUDIT_NEWCOMER_S && has_new_guest(k))
		interval_s = AUDIT_NEWCOMER_S;
	if (!a->judged_ns || now_ns - a->judged_ns >= interval_s * KT_NS_PER_S)
		audit_now(k, now_ns);
}

/* ---- without a daemon --------------------------------------------------------------------- */

/* How busy the CPUs are shows only between two looks. */
static void look_twice(struct kvmtuned *k)
{
	const struct timespec a_while = { .tv_nsec = 500 * 1000 * 1000 };

	sense_audit(&k->fs, &k->auditor->host);
	once_wait_for_guests(k);
	if (k->fs.is_live)
		(void)nanosleep(&a_while, NULL);
	if (sense_read(k->sense, k->domains, now_monotonic_ns(), k->sample) < 0)
		return; /* the audit does without */
	k->view->guests_known = k->guests_known;
	host_view_update(k->view, &k->topology, sense_capabilities(k->sense), k->domains, k->sample,
			 false);
}

int audit_offline(struct kvmtuned *k, FILE *out)
{
	struct json_object *document;
	unsigned int findings = 0;

	look_twice(k);
	if (k->fs.is_live && !k->guests_known)
		log_warning("libvirt has not listed its guests: the host alone is judged");
	audit_now(k, now_monotonic_ns());
	document = audit_document(k, -1, true);
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(document);
	if (!document || fflush(out) != 0 || ferror(out)) {
		log_error("the audit cannot be printed");
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < _AUDIT_SEVERITY_MAX; i++)
		findings += k->auditor->counts.findings[i];
	return findings ? EXIT_FINDINGS : EXIT_SUCCESS;
}
