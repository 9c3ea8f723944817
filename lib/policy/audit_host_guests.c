/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may the guests use, of CPUs and memory? */
#include "audit_host.h"

#include "capped.h"

static const struct audit_guest *guest_of(const struct audit_input *in, size_t slot)
{
	return &in->domains->slot[slot].domain.audit;
}

static bool has_pins(const struct audit_guest *guest)
{
	return guest->known && guest->max_vcpus && guest->npinned_vcpus >= guest->max_vcpus;
}

/* Its home, without what is reserved: pins are never wider. */
static struct cpumask home_cpus(const struct audit_input *in, const struct guest_in_force *ours)
{
	struct cpumask cpus = { { 0 } };

	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		if (nodemask_test(ours->nodes, n))
			cpus = cpumask_or(&cpus, &in->topology->node[n].cpus);
	return cpumask_andnot(&cpus, &in->conf->placement.reserved_cpus);
}

/* As they were when each was first seen, of its cpuset now: pins that XML does not show. */
static bool threads_may_run(const struct guest_sample *s, struct cpumask *ret)
{
	struct cpumask cpus = { { 0 } };
	bool any = false;

	for (size_t i = 0; i < s->nthreads; i++)
		if (s->threads[i].role == THREAD_VCPU) {
			cpus = cpumask_or(&cpus, &s->threads[i].first_allowed);
			any = true;
		}
	if (any)
		*ret = cpumask_and(&cpus, &s->cpuset);
	return any;
}

static const struct guest_sample *sample_of(const struct audit_input *in, size_t slot)
{
	const struct guest_view *g = in->view ? &in->view->guest[slot] : NULL;

	if (!g || !g->present || g->incarnation != in->domains->slot[slot].incarnation)
		return NULL;
	return g->sample;
}

bool audit_vcpus_may_run(const struct audit_input *in, size_t slot, struct cpumask *ret)
{
	const struct guest_in_force *ours = audit_in_force(in, slot);
	const struct guest_sample *sample = sample_of(in, slot);

	if (ours && ours->pinned)
		*ret = home_cpus(in, ours);
	else if (has_pins(guest_of(in, slot)))
		*ret = guest_of(in, slot)->pinned_cpus;
	else
		return sample && threads_may_run(sample, ret);
	return true;
}

bool audit_guest_is_bound(const struct audit_input *in, size_t slot)
{
	const struct guest_in_force *ours = audit_in_force(in, slot);

	return (ours && ours->pinned) || has_pins(guest_of(in, slot));
}

/* Those that have every CPU of its vCPUs; all, where these are isolated: their node is not
 * known. */
static uint64_t nodes_it_is_bound_to(const struct audit_input *in, size_t slot)
{
	struct cpumask cpus, outside;
	uint64_t nodes = 0;

	if (!audit_guest_is_bound(in, slot) || !audit_vcpus_may_run(in, slot, &cpus))
		return 0;
	cpus = cpumask_and(&cpus, &in->topology->usable);
	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		outside = cpumask_andnot(&cpus, &in->topology->node[n].cpus);
		if (in->topology->node[n].present && cpumask_empty(&outside))
			nodes |= nodemask_of(n);
	}
	return nodes;
}

bool audit_guest_is_on_one_node(const struct audit_input *in, size_t slot)
{
	return nodes_it_is_bound_to(in, slot) != 0;
}

bool audit_guest_node(const struct audit_input *in, size_t slot, unsigned int *ret)
{
	uint64_t nodes = nodes_it_is_bound_to(in, slot);

	if (nodemask_count(nodes) != 1)
		return false;
	*ret = nodemask_first(nodes);
	return true;
}

bool audit_use(const struct audit_input *in, struct audit_verdict *v, struct audit_use *ret)
{
	struct audit_use use = { 0 };

	if (!in->domains || (in->view && !in->view->guests_known)) {
		audit_unknown(v, "Which guests there are is not known.", 0);
		return false;
	}
	for (size_t i = 0; i < in->domains->nslots; i++) {
		const struct domain *d = &in->domains->slot[i].domain;

		if (!in->domains->slot[i].used)
			continue;
		use.guests++;
		use.vcpus += d->vcpus;
		use.memory_kib = add_capped(use.memory_kib, d->memory_kib);
	}
	*ret = use;
	return true;
}
