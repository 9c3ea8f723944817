/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is KSM set as this host needs it, by whoever sets it? */
#include "audit_host.h"

static const char no_ksm[] = "The kernel has no KSM.";

/* Whether our loop drives KSM, or would as soon as it may. */
static bool loop_is_active(const struct audit_input *in)
{
	const struct policy_conf *conf = in->conf;

	return conf->mode == DAEMON_ACTIVE && conf->ksm.mode == LOOP_ACTIVE &&
	       conf->ksm.policy != KSM_POLICY_OFF;
}

/* True: the verdict is made.  What we have written is right by definition. */
static bool is_ours(const struct audit_input *in, struct audit_verdict *v)
{
	if (!loop_is_active(in) || !in->in_force || !in->in_force->ksm.ours)
		return false;
	v->owner = "kvmtuned";
	audit_expect(v, true);
	return true;
}

/* False, and the verdict is made: it does not scan, so how it would does not matter. */
static bool scans(const struct audit_input *in, struct audit_verdict *v)
{
	if (!audit_take(v, &in->host->ksm_run, no_ksm))
		return false;
	if (in->host->ksm_run.value != 1)
		audit_not_applicable(v, "KSM is off.");
	return in->host->ksm_run.value == 1;
}

HOST_JUDGE(ksm_run)
{
	struct audit_use use;

	if (!audit_take(v, &in->host->ksm_run, no_ksm) || is_ours(in, v) ||
	    audit_owned(in, v, OWNED_KSM))
		return;
	if (v->number[0] != 1)
		audit_expect(v, true);
	else if (in->host->mem_total_kib.state != FACT_KNOWN)
		audit_unknown(v, "The host does not tell its memory.",
			      in->host->mem_total_kib.error);
	else if (audit_use(in, v, &use))
		audit_expect(v, use.memory_kib > in->host->mem_total_kib.value);
}

HOST_JUDGE(ksm_pages_to_scan)
{
	enum { PAGES_MIN = 64, PAGES_MAX = 1250 }; /* ksmtuned's; SUSE begins with 1000 */
	const struct word_fact *advisor = &in->host->ksm_advisor;

	if (!scans(in, v))
		return;
	if (advisor->state == FACT_KNOWN && !audit_word_is(advisor->word, "none"))
		audit_not_applicable(v, "The kernel's own advisor sets it.");
	else if (audit_take(v, &in->host->ksm_pages_to_scan, no_ksm) && !is_ours(in, v))
		audit_expect(v, v->number[0] >= PAGES_MIN && v->number[0] <= PAGES_MAX);
}

/* The shortest that ksmtuned takes, on hosts of 16 GiB and more. */
HOST_JUDGE(ksm_sleep)
{
	enum { SLEEP_MIN_MS = 10 };

	if (scans(in, v) && audit_take(v, &in->host->ksm_sleep_ms, no_ksm) && !is_ours(in, v))
		audit_expect(v, v->number[0] >= SLEEP_MIN_MS);
}

/* With the default of the loop it stays the administrator's. */
HOST_JUDGE(ksm_merge_across_nodes)
{
	bool may_be_ours = in->conf->ksm.merge_across_nodes != KSM_NODES_KEEP;

	if (!audit_several_nodes(in, v) || !audit_take(v, &in->host->ksm_across_nodes, no_ksm) ||
	    (may_be_ours && is_ours(in, v)))
		return;
	if (in->host->ksm_shared.state == FACT_KNOWN)
		v->number[1] = in->host->ksm_shared.value;
	audit_expect(v, v->number[0] == 0);
}

/* The kernel refuses what anybody else writes while its advisor is on.  Nothing is wrong with
 * that, unless our loop waits for KSM. */
HOST_JUDGE(ksm_advisor)
{
	if (!audit_take_word(v, &in->host->ksm_advisor, "The kernel has no advisor for KSM.") ||
	    is_ours(in, v))
		return;
	audit_expect(v, audit_word_is(v->word[0], "none") || !loop_is_active(in) ||
				in->conf->ksm.advisor == KSM_ADVISOR_TAKE_OVER);
}
