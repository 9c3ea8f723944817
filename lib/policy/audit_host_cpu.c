/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do the host's CPUs run, sleep and virtualise as guests need it? */
#include "audit_host.h"

/* ---- running and sleeping --------------------------------------------------------------- */

HOST_JUDGE(cpu_governor)
{
	const struct audit_cpus *c = &in->host->cpus;

	if (!audit_take(v, &c->governors, "The kernel does not set the CPUs' frequency.") ||
	    !audit_take(v, &c->not_performance, "The kernel does not set the CPUs' frequency."))
		return;
	v->number[1] = c->governors.value;
	audit_say_raw(v->word[0], v->number[0] ? c->first_governor : "none");
	if (v->number[0] == 0 || !audit_owned(in, v, OWNED_GOVERNOR))
		audit_expect(v, v->number[0] == 0);
}

/* tuned's 70 us are about C3.  A state is entered only if the CPU can leave it within the limit
 * that somebody holds. */
HOST_JUDGE(cpu_cstates)
{
	enum { LATENCY_MAX_US = 70, NO_LIMIT_US = 2000000000 };
	const struct audit_cpus *c = &in->host->cpus;
	const struct owner *owner = &in->host->owner[OWNED_CSTATES];

	if (!audit_take(v, &c->deepest_cstate_us, "The kernel does not let its CPUs sleep deeply."))
		return;
	if (c->deepest_cstate_us.value <= LATENCY_MAX_US) {
		audit_expect(v, true);
	} else if (c->cstate_limit_us.state != FACT_KNOWN) {
		audit_not_applicable(v, "/dev/cpu_dma_latency cannot be read from here.");
	} else {
		v->number[0] = KT_MIN(v->number[0], c->cstate_limit_us.value);
		if (owner->who[0])
			v->owner = owner->who;
		/* tuned names a state, whose latency is the CPU's business */
		audit_expect(v, v->number[0] <= LATENCY_MAX_US ||
					(owner->who[0] && c->cstate_limit_us.value < NO_LIMIT_US));
	}
}

/* Guests' own counters (haltpoll.success.time and .fail.time) would decide better; they are not
 * sampled.  With more vCPUs than CPUs somebody else has use for the time; else there must be a
 * reason to do without, saving power for one, that cannot be seen. */
HOST_JUDGE(halt_poll)
{
	enum { DEFAULT_NS = 200000 };
	struct audit_use use;
	bool overcommitted;

	if (!audit_take(v, &in->host->cpus.halt_poll_ns, "The module kvm is not loaded.") ||
	    audit_owned(in, v, OWNED_HALT_POLL) || !audit_use(in, v, &use))
		return;
	overcommitted = use.vcpus > cpumask_count(&in->topology->online);
	v->number[1] = overcommitted ? 0 : DEFAULT_NS;
	audit_expect(v, overcommitted ? v->number[0] < DEFAULT_NS : v->number[0] > 0);
}

/* ---- modules ---------------------------------------------------------------------------- */

HOST_JUDGE(ept)
{
	if (audit_take(v, &in->host->cpus.ept, "The module kvm_intel is not loaded."))
		audit_expect(v, v->number[0] == 1);
}

HOST_JUDGE(npt)
{
	if (audit_take(v, &in->host->cpus.npt, "The module kvm_amd is not loaded."))
		audit_expect(v, v->number[0] == 1);
}

static bool uses_nested(const struct audit_input *in, size_t slot)
{
	return in->domains->slot[slot].domain.audit.uses_nested;
}

HOST_JUDGE(nested)
{
	struct audit_count users = audit_count(in, uses_nested);

	if (!audit_take(v, &in->host->cpus.nested, "Neither kvm_intel nor kvm_amd is loaded."))
		return;
	if (v->number[0] == 0)
		audit_expect(v, true);
	else if (users.yes)
		audit_not_applicable(v, "A guest uses it.");
	else if (!users.known || users.unknown)
		audit_unknown(v, "Whether a guest uses it is not known.", 0);
	else
		audit_expect(v, false);
}
