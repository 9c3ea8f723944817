/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do guests keep off the host's CPUs, and interrupts off the guests'? */
#include "audit_host.h"

/* ---- CPUs of the host ------------------------------------------------------------------- */

/* Helpers of guests (emulator, I/O threads) belong on reserved CPUs. */
static void judge_intruders(const struct audit_input *in, struct audit_verdict *v)
{
	const struct cpumask *reserved = &in->conf->placement.reserved_cpus;
	unsigned int unknown = 0;

	audit_say(v->word[0], "guests whose vCPUs may run on reserved CPUs");
	audit_say_cpus(v->word[1], reserved);
	for (size_t i = 0; i < in->domains->nslots; i++) {
		struct cpumask cpus;

		if (!in->domains->slot[i].used)
			continue;
		if (!audit_vcpus_may_run(in, i, &cpus)) {
			unknown++;
			continue;
		}
		cpus = cpumask_and(&cpus, reserved);
		if (cpumask_empty(&cpus))
			continue;
		if (v->number[0]++ == 0)
			audit_say_raw(v->word[1], in->domains->slot[i].domain.name);
	}
	audit_expect(v, v->number[0] == 0);
	if (!v->number[0] && unknown)
		audit_unknown(v, "Where the vCPUs of a guest may run is not known.", 0);
}

static bool has_pinned_vcpus(const struct audit_input *in, size_t slot)
{
	return in->domains->slot[slot].domain.audit.npinned_vcpus > 0;
}

static struct cpumask all_pinned_cpus(const struct audit_input *in)
{
	struct cpumask pinned = { { 0 } };

	for (size_t i = 0; i < in->domains->nslots; i++)
		if (in->domains->slot[i].used)
			pinned =
				cpumask_or(&pinned, &in->domains->slot[i].domain.audit.pinned_cpus);
	return pinned;
}

/* Nobody has said which are the host's: what pinned guests leave of each node. */
static void judge_rest(const struct audit_input *in, struct audit_verdict *v)
{
	enum { CPUS_PER_NODE = 2 };
	struct cpumask pinned = all_pinned_cpus(in);
	unsigned int least = UINT32_MAX, least_node = 0;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		const struct cpumask *cpus = &in->topology->node[n].cpus;
		struct cpumask left = cpumask_andnot(cpus, &pinned);

		if (cpumask_empty(cpus) || cpumask_count(&left) >= least)
			continue;
		least = cpumask_count(&left);
		least_node = n;
	}
	audit_say(v->word[0], "CPUs that pinned guests leave of a node");
	audit_say_cpus(v->word[1], &in->topology->node[least_node].cpus);
	v->number[0] = least;
	audit_expect(v, least >= CPUS_PER_NODE);
}

HOST_JUDGE(reserved_cpus)
{
	struct audit_count guests = audit_count(in, has_pinned_vcpus);

	if (cpumask_empty(&in->topology->usable))
		audit_unknown(v, "The CPUs of the host are not known.", 0);
	else if (cpumask_empty(&in->conf->placement.reserved_cpus)) {
		if (!audit_any(v, guests, "No guest has pinned vCPUs."))
			return;
		judge_rest(in, v);
		if (v->result == AUDIT_OK && guests.unknown)
			audit_unknown(v, "What an unknown guest is pinned to is not known.", 0);
	} else if (guests.known && !guests.of) {
		audit_not_applicable(v, "No guest runs.");
	} else if (!guests.known) {
		(void)audit_some_guests(v, guests);
	} else {
		judge_intruders(in, v);
	}
}

/* ---- interrupts ------------------------------------------------------------------------- */

/* Where which interrupts belong. */
struct irq_order {
	bool only_of_devices; /* NICs and NVMe */
	struct cpumask cpus;  /* of the host */
	struct cpumask guests;
};

/* With reserved CPUs, devices that work for guests stay there: they must not be let out.
 * Without, it is enough that no interrupt comes where nothing but guests shall run. */
static struct irq_order irq_order_of(const struct audit_input *in)
{
	const struct cpumask *reserved = &in->conf->placement.reserved_cpus;
	const struct cpumask *online = &in->topology->online;
	struct irq_order o = { .only_of_devices = !cpumask_empty(reserved) };

	o.guests = cpumask_or(&in->host->cpus.isolated, &in->host->cpus.nohz_full);
	if (o.only_of_devices)
		o.guests = cpumask_andnot(online, reserved);
	o.guests = cpumask_and(&o.guests, online);
	o.cpus = cpumask_andnot(online, &o.guests);
	return o;
}

/* The kernel has the last word on managed ones; one without a device never comes.  */
static bool is_judged(const struct irq_order *o, const struct audit_irq *irq)
{
	return !irq->is_managed &&
	       (o->only_of_devices ? irq->is_nic || irq->is_nvme : irq->device[0] != '\0');
}

/* Whether it may come there, or, without an order for all CPUs, does. */
static bool comes_to_guests(const struct irq_order *o, const struct audit_irq *irq)
{
	bool known = !o->only_of_devices && !cpumask_empty(&irq->effective);
	struct cpumask cpus = cpumask_and(known ? &irq->effective : &irq->allowed, &o->guests);

	return !cpumask_empty(&cpus);
}

/* irqbalance leaves isolated and nohz_full CPUs alone, unless it has a list of its own. */
static const char *what_irqbalance_does(const struct audit_input *in, const struct irq_order *o)
{
	const struct audit_host *h = in->host;
	struct cpumask banned = cpumask_and(&h->irq_banned, &in->topology->online);

	if (!h->irqbalance_runs)
		return "irqbalance does not run: what is set stays.";
	if (h->irq_bans.state == FACT_UNKNOWN)
		return "irqbalance runs; which CPUs it bans could not be understood.";
	if (cpumask_equal(&banned, &o->guests))
		return "irqbalance bans exactly the CPUs that it should: it will move them, if it "
		       "may.";
	if (cpumask_empty(&banned) && !o->only_of_devices)
		return "irqbalance runs and skips such CPUs: it will move them, if it may.";
	return "irqbalance runs and will move them again: IRQBALANCE_BANNED_CPULIST has to name "
	       "all other CPUs.";
}

static void judge_irqs(const struct audit_input *in, const struct irq_order *o,
		       struct audit_verdict *v)
{
	const struct audit_host *h = in->host;

	audit_say_cpus(v->word[1], &o->cpus);
	for (size_t i = 0; i < h->nirqs; i++) {
		if (!is_judged(o, &h->irq[i]))
			continue;
		v->number[1]++;
		if (!comes_to_guests(o, &h->irq[i]))
			continue;
		if (v->number[0]++ == 0) {
			v->number[2] = h->irq[i].number;
			audit_say(v->word[0], h->irq[i].device);
		}
	}
	if (!v->number[0])
		audit_say(v->word[0], "none");
	audit_expect(v, v->number[0] == 0);
	if (v->number[0])
		v->reason = what_irqbalance_does(in, o);
	else if (h->irqs.state == FACT_UNKNOWN)
		audit_unknown(v, "Not every interrupt could be read.", h->irqs.error);
	else if (!v->number[1])
		audit_not_applicable(v, "There is no interrupt whose CPUs can be chosen.");
}

HOST_JUDGE(irq_affinity)
{
	struct irq_order o = irq_order_of(in);

	if (cpumask_empty(&in->topology->online))
		audit_unknown(v, "The CPUs of the host are not known.", 0);
	else if (!o.only_of_devices && in->host->cpus.isolation.state == FACT_UNKNOWN)
		audit_unknown(v, "Which CPUs are isolated is not known.",
			      in->host->cpus.isolation.error);
	else if (cpumask_empty(&o.guests))
		audit_not_applicable(v, "No CPUs are kept for guests alone.");
	else if (cpumask_empty(&o.cpus))
		audit_not_applicable(v, "No CPU would be left for interrupts.");
	else
		judge_irqs(in, &o, v);
}
