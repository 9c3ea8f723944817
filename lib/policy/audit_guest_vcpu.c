/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do its vCPUs and other threads run where they should, and does the guest know? */
#include "audit_guest.h"
#include "nodemask.h"

/* ---- pins ----------------------------------------------------------------------------- */

/* A guest with cells may have them on several nodes, but no vCPU between two. */
static bool cells_are_on_nodes(const struct topology *t, const struct audit_guest *g)
{
	for (size_t i = 0; i < g->npin_masks && i < AUDIT_MASKS_MAX; i++)
		if (!cpumask_equal(&g->pin_mask[i], &g->emulator_cpus) &&
		    !cpumask_equal(&g->pin_mask[i], &g->iothread_cpus) &&
		    nodemask_count(audit_nodes_of(t, &g->pin_mask[i])) != 1)
			return false;
	return true;
}

static void count_pins(const struct audit_input *in, struct audit_verdict *v, uint64_t home,
		       unsigned int better)
{
	const struct audit_guest *g = &audit_guest_domain(in)->audit;
	struct cpumask cpus = audit_vcpu_cpus(in, nodemask_of(better));

	v->number[0] = g->npinned_vcpus;
	v->number[1] = g->max_vcpus;
	v->number[2] = nodemask_count(home ? home : audit_cpu_nodes(in->topology));
	v->number[3] = g->max_vcpus ? g->max_vcpus - 1 : 0;
	(void)cpumask_str(&cpus, v->word[0], sizeof v->word[0]);
}

void judge_guest_vcpu_pin(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_placed(in, v);
	unsigned int best;
	uint64_t home;
	bool ok;

	if (!g)
		return;
	best = audit_guest_best_node(in);
	if (best == KT_NODES_MAX) {
		audit_not_applicable(v, "The guest is larger than a node: see guest-vnuma.");
		return;
	}
	if (g->placement_auto) {
		audit_not_applicable(v, "numad has placed the guest when it started.");
		return;
	}
	home = audit_guest_home(in);
	ok = audit_guest_ours(in, in->slot)->pinned || nodemask_count(home) == 1;
	if (!ok && home && g->nnuma_cells > 1) {
		if (g->more_pin_masks) {
			audit_unknown(v, "Not all of its different pins were looked at.", 0);
			return;
		}
		ok = cells_are_on_nodes(in->topology, g);
	}
	count_pins(in, v, home, best);
	audit_expect(v, ok);
}

/* Threads without a pin of their own go where <vcpu cpuset> says. */
static void judge_helpers(const struct audit_input *in, struct audit_verdict *v,
			  const struct cpumask *pin)
{
	const struct domain *d = audit_guest_domain(in);
	const struct cpumask *cpus = pin ? pin : d->has_cpuset ? &d->cpuset : &in->topology->online;
	uint64_t home = audit_guest_home(in);
	bool ours = audit_guest_ours(in, in->slot)->pinned;
	uint64_t nodes = ours ? home : audit_nodes_of(in->topology, cpus);
	struct cpumask better = audit_helper_cpus(in, home);

	if (!home) {
		audit_not_applicable(v, "The vCPUs are not pinned: see guest-vcpu-pin.");
		return;
	}
	v->number[0] = nodemask_count(nodes);
	(void)cpumask_str(&better, v->word[0], sizeof v->word[0]);
	(void)nodemask_str(home, v->word[1], sizeof v->word[1]);
	audit_expect(v, !(nodes & ~home));
}

void judge_guest_emulator_pin(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_placed(in, v);

	if (g)
		judge_helpers(in, v, g->has_emulator_pin ? &g->emulator_cpus : NULL);
}

void judge_guest_iothread_pin(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_placed(in, v);

	if (!g)
		return;
	if (g->niothreads == 0) {
		audit_not_applicable(v, "The guest has no I/O threads.");
		return;
	}
	v->number[1] = g->niothreads;
	judge_helpers(in, v, g->has_iothread_pin ? &g->iothread_cpus : NULL);
}

void judge_guest_pin_isolated_set(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);
	const struct audit_cpus *host = &in->host->cpus;

	if (!g)
		return;
	if (host->isolation.state == FACT_UNKNOWN) {
		audit_unknown(v, "It is not known which CPUs are isolated.", host->isolation.error);
		return;
	}
	if (cpumask_empty(&host->isolated)) {
		audit_not_applicable(v, "No CPU of the host is isolated.");
		return;
	}
	for (size_t i = 0; i < g->npin_masks && i < AUDIT_MASKS_MAX; i++) {
		struct cpumask both = cpumask_and(&g->pin_mask[i], &host->isolated);

		v->number[0] = KT_MAX(v->number[0], cpumask_count(&both));
	}
	if (v->number[0] < 2 && g->more_pin_masks)
		audit_unknown(v, "Not all of its different pins were looked at.", 0);
	else
		audit_expect(v, v->number[0] < 2);
}

/* ---- CPUs of its own ------------------------------------------------------------------ */

/* A guest whose XML is not known may be on the same CPUs.  True: the verdict is made. */
static bool others_are_unknown(const struct audit_input *in, struct audit_verdict *v)
{
	if (!audit_guest_has_own_cpus(&audit_guest_domain(in)->audit))
		return false;
	if (audit_guests_are_known(in))
		return false;
	audit_unknown(v, "Which CPUs another guest may use is not known.", 0);
	return true;
}

/* Floating guests may be anywhere, which is no mistake; nor is what we have pinned. */
void judge_guest_cpu_shared(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g)
		return;
	if (!audit_guest_has_own_cpus(g)) {
		audit_not_applicable(v, "Not every vCPU is pinned to a CPU of its own.");
		return;
	}
	for (size_t i = 0; i < in->domains->nslots; i++) {
		const struct domain_slot *other = &in->domains->slot[i];
		struct cpumask both =
			cpumask_and(&other->domain.audit.pinned_cpus, &g->pinned_cpus);

		if (i == in->slot || !other->used || !other->domain.audit.known ||
		    audit_guest_ours(in, i)->pinned || cpumask_empty(&both))
			continue;
		v->number[0] = cpumask_count(&both);
		(void)cpumask_str(&both, v->word[0], sizeof v->word[0]);
		audit_say_raw(v->word[1], other->domain.name);
		audit_expect(v, false);
		return;
	}
	if (others_are_unknown(in, v))
		return;
	audit_say(v->word[0], "none");
	audit_say(v->word[1], "nobody");
	audit_expect(v, true);
}

static void judge_for_dedicated(const struct audit_input *in, struct audit_verdict *v, bool on)
{
	bool dedicated = audit_guest_is_dedicated(in);

	if (others_are_unknown(in, v))
		return;
	if (!on && !dedicated) {
		audit_not_applicable(v, "It is off, and the vCPUs are not dedicated.");
		return;
	}
	audit_say(v->word[0], on ? "on" : "off");
	audit_say(v->word[1], dedicated ? "on" : "off");
	audit_expect(v, on == dedicated);
}

void judge_guest_kvm_hint_dedicated(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (g)
		judge_for_dedicated(in, v, g->hint_dedicated);
}

void judge_guest_kvm_poll_control(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (g)
		judge_for_dedicated(in, v, g->poll_control);
}

void judge_guest_cpu_l3_cache(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g || others_are_unknown(in, v))
		return;
	if (!audit_guest_is_dedicated(in)) {
		audit_not_applicable(v, "The vCPUs are not dedicated.");
		return;
	}
	audit_say(v->word[0], g->has_l3_cache ? "given" : "none");
	audit_expect(v, g->has_l3_cache);
}

/* ---- shares, model, topology ---------------------------------------------------------- */

/* There is no right value: that there is one is what somebody has to know. */
static void judge_reported(struct audit_verdict *v, bool set)
{
	if (set)
		audit_expect(v, false);
	else
		audit_not_applicable(v, "It is not set.");
}

void judge_guest_cpu_shares(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (g)
		judge_reported(v, g->has_shares);
}

void judge_guest_cpu_quota(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (g)
		judge_reported(v, g->has_quota);
}

static bool is_cpu_mode(const char *mode)
{
	static const char *const modes[] = { "custom", "host-model", "host-passthrough",
					     "maximum" };

	for (size_t i = 0; i < KT_ARRAY_LEN(modes); i++)
		if (audit_word_is(mode, modes[i]))
			return true;
	return false;
}

void judge_guest_cpu_mode(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g)
		return;
	if (g->cpu_mode_hidden) {
		audit_unknown(v, "libvirt shows host-model as custom while the guest runs.", 0);
		return;
	}
	audit_say(v->word[0], g->cpu_mode[0] ? g->cpu_mode : "not given");
	if (g->cpu_mode[0] && !is_cpu_mode(g->cpu_mode))
		audit_unknown(v, "The CPU mode is not understood.", 0);
	else
		audit_expect(v, audit_word_is(g->cpu_mode, "host-model") ||
					audit_word_is(g->cpu_mode, "host-passthrough") ||
					audit_word_is(g->cpu_mode, "maximum"));
}

/* Threads that each core of its pins has for it; 0: not the same of all of them. */
static unsigned int pinned_threads(const struct topology *t, const struct audit_guest *g)
{
	struct cpumask cores = { 0 };
	unsigned int ncores;

	if (!audit_guest_has_own_cpus(g))
		return 0;
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		if (cpumask_test(&g->pinned_cpus, cpu))
			cpumask_set(&cores, t->core_of[cpu]);
	ncores = cpumask_count(&cores);
	return ncores && g->max_vcpus % ncores == 0 ? g->max_vcpus / ncores : 0;
}

/* Without a topology each vCPU is a socket. */
void judge_guest_cpu_topology(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);
	unsigned int nodes, sockets, threads;
	struct cpumask cpus;

	if (!g)
		return;
	if (!audit_guest_pins(audit_guest_domain(in), &cpus)) {
		audit_not_applicable(v, "The vCPUs are not pinned.");
		return;
	}
	nodes = nodemask_count(audit_nodes_of(in->topology, &cpus));
	nodes = KT_CLAMP(nodes, 1, KT_MAX(g->max_vcpus, 1));
	sockets = g->sockets ? g->sockets : g->max_vcpus;
	threads = pinned_threads(in->topology, g);
	v->number[0] = sockets;
	v->number[1] = g->threads ? g->threads : 1;
	v->number[2] = nodes;
	v->number[3] = threads ? threads : v->number[1];
	audit_expect(v, sockets <= nodes && v->number[1] == v->number[3]);
}
