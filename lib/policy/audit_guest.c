/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kind of guest is it that is judged, and where is it at home? */
#include "audit_guest.h"
#include "nodemask.h"

/* Of 1..1000; 100 is everybody's. */
static const unsigned int fast_weight = 500;

const struct domain *audit_guest_domain(const struct audit_input *in)
{
	return &in->domains->slot[in->slot].domain;
}

const struct audit_guest *audit_guest_judged(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = &audit_guest_domain(in)->audit;

	if (!in->domains->slot[in->slot].used || !audit_guest_domain(in)->running)
		audit_not_applicable(v, "The guest is not running.");
	else if (!g->known)
		audit_unknown(v, "The XML of the guest could not be read or understood.", 0);
	else if (g->emulation != GUEST_KVM)
		audit_not_applicable(v, "The guest does not run under KVM.");
	else
		return g;
	return NULL;
}

static bool is_opted_out(const struct domain *d)
{
	return d->metadata.placement == GUEST_SWITCH_OFF || d->wish.placement == GUEST_SWITCH_OFF;
}

const struct audit_guest *audit_guest_placed(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g)
		return NULL;
	if (nodemask_count(audit_cpu_nodes(in->topology)) < 2)
		audit_not_applicable(v, "The host has one NUMA node.");
	else if (is_opted_out(audit_guest_domain(in)))
		audit_not_applicable(v, "The operator wants the guest not to be placed.");
	else
		return g;
	return NULL;
}

const struct guest_in_force *audit_guest_ours(const struct audit_input *in, size_t slot)
{
	static const struct guest_in_force nothing = { 0 };
	const struct guest_in_force *ours = audit_in_force(in, slot);

	return ours ? ours : &nothing;
}

const struct guest_sample *audit_guest_sample(const struct audit_input *in)
{
	const struct guest_view *view = in->view ? &in->view->guest[in->slot] : NULL;

	if (!view || !view->present || view->incarnation != in->domains->slot[in->slot].incarnation)
		return NULL;
	return view->sample;
}

uint64_t audit_nodes_of(const struct topology *t, const struct cpumask *cpus)
{
	uint64_t nodes = 0;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		struct cpumask here = cpumask_and(&t->node[n].all_cpus, cpus);

		if (t->node[n].present && !cpumask_empty(&here))
			nodes |= nodemask_of(n);
	}
	return nodes;
}

uint64_t audit_cpu_nodes(const struct topology *t)
{
	return audit_nodes_of(t, &t->online);
}

static struct cpumask usable_cpus(const struct topology *t, uint64_t nodes)
{
	struct cpumask cpus = { 0 };

	for (; nodes; nodes &= nodes - 1)
		cpus = cpumask_or(&cpus, &t->node[nodemask_first(nodes)].cpus);
	return cpus;
}

struct cpumask audit_vcpu_cpus(const struct audit_input *in, uint64_t nodes)
{
	struct cpumask all = usable_cpus(in->topology, nodes);
	struct cpumask rest = cpumask_andnot(&all, &in->conf->placement.reserved_cpus);

	return cpumask_empty(&rest) ? all : rest;
}

struct cpumask audit_helper_cpus(const struct audit_input *in, uint64_t nodes)
{
	struct cpumask all = usable_cpus(in->topology, nodes);
	struct cpumask reserved = cpumask_and(&all, &in->conf->placement.reserved_cpus);

	return cpumask_empty(&reserved) ? all : reserved;
}

bool audit_guest_pins(const struct domain *d, struct cpumask *ret_cpus)
{
	*ret_cpus = d->audit.pinned_cpus;
	if (d->audit.npinned_vcpus < d->audit.max_vcpus) {
		if (!d->has_cpuset)
			return false;
		*ret_cpus = cpumask_or(ret_cpus, &d->cpuset);
	}
	return !cpumask_empty(ret_cpus);
}

uint64_t audit_guest_home(const struct audit_input *in)
{
	const struct guest_in_force *ours = audit_guest_ours(in, in->slot);
	struct cpumask cpus;

	if (ours->pinned)
		return ours->nodes;
	return audit_guest_pins(audit_guest_domain(in), &cpus) ? audit_nodes_of(in->topology, &cpus)
							       : 0;
}

unsigned int audit_guest_vcpus(const struct audit_guest *g)
{
	return g->current_vcpus ? g->current_vcpus : g->max_vcpus;
}

unsigned int audit_guest_node_ncpus(const struct audit_input *in, unsigned int node)
{
	const struct node_topology *n = &in->topology->node[node];
	struct cpumask cpus = cpumask_and(&n->all_cpus, &audit_guest_domain(in)->audit.pinned_cpus);

	cpus = cpumask_or(&cpus, &n->cpus);
	return n->present ? cpumask_count(&cpus) : 0;
}

unsigned int audit_guest_best_node(const struct audit_input *in)
{
	const struct audit_guest *g = &audit_guest_domain(in)->audit;
	const struct guest_sample *s = audit_guest_sample(in);
	unsigned int best = KT_NODES_MAX;

	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		unsigned int ncpus = audit_guest_node_ncpus(in, n);

		if (!ncpus || ncpus < audit_guest_vcpus(g) ||
		    in->topology->node[n].mem_total_kib < g->memory_kib)
			continue;
		if (best == KT_NODES_MAX || (s && s->node_memory_kib[n] > s->node_memory_kib[best]))
			best = n;
	}
	return best;
}

bool audit_guest_has_own_cpus(const struct audit_guest *g)
{
	return g->max_vcpus && g->nsingle_cpu_pins >= g->max_vcpus &&
	       cpumask_count(&g->pinned_cpus) >= g->max_vcpus;
}

/* Where the vCPUs of a guest may run. */
static struct cpumask used_cpus(const struct audit_input *in, size_t slot)
{
	const struct guest_in_force *ours = audit_guest_ours(in, slot);
	struct cpumask cpus;

	if (ours->pinned)
		return usable_cpus(in->topology, ours->nodes);
	return audit_guest_pins(&in->domains->slot[slot].domain, &cpus) ? cpus
									: in->topology->usable;
}

bool audit_guest_is_dedicated(const struct audit_input *in)
{
	const struct audit_guest *g = &audit_guest_domain(in)->audit;

	if (!audit_guest_has_own_cpus(g))
		return false;
	for (size_t i = 0; i < in->domains->nslots; i++) {
		const struct domain_slot *other = &in->domains->slot[i];
		struct cpumask cpus;

		if (i == in->slot || !other->used)
			continue;
		cpus = used_cpus(in, i);
		cpus = cpumask_and(&cpus, &g->pinned_cpus);
		if (!cpumask_empty(&cpus))
			return false;
	}
	return true;
}

bool audit_guests_are_known(const struct audit_input *in)
{
	for (size_t i = 0; i < in->domains->nslots; i++)
		if (in->domains->slot[i].used && !in->domains->slot[i].domain.audit.known)
			return false;
	return true;
}

bool audit_guest_is_fast(const struct audit_input *in)
{
	const struct domain *d = audit_guest_domain(in);
	struct cpumask pins;

	if (d->realtime || d->wish.weight >= fast_weight || d->metadata.weight >= fast_weight)
		return true;
	return audit_guest_pins(d, &pins) &&
	       (d->audit.hugepages || audit_guest_has_own_cpus(&d->audit));
}
