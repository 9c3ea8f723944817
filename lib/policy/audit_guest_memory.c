/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the guest's memory on its nodes, and backed as a guest of its kind wants it? */
#include "audit_guest.h"
#include "capped.h"
#include "nodemask.h"

/* QEMU's code, page tables and what KSM merges across nodes are elsewhere too. */
static const uint64_t away_percent = 10;

/* ---- nodes ---------------------------------------------------------------------------- */

static uint64_t memory_away_kib(const struct guest_sample *s, uint64_t home, uint64_t *ret_kib,
				uint64_t *ret_nodes)
{
	uint64_t away_kib = 0;

	*ret_kib = *ret_nodes = 0;
	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		uint64_t kib = s->node_memory_kib[n];

		*ret_kib = add_capped(*ret_kib, kib);
		if (nodemask_test(home, n) || !kib)
			continue;
		away_kib = add_capped(away_kib, kib);
		*ret_nodes |= nodemask_of(n);
	}
	return away_kib;
}

static bool memory_stays(const struct domain *d)
{
	return d->vfio || d->audit.nhostdevs || d->locked || d->audit.locked || d->hugepages ||
	       d->audit.hugepages;
}

static bool is_being_moved(const struct audit_input *in)
{
	return in->in_force && in->in_force->move.active && in->in_force->move.slot == in->slot;
}

void judge_guest_memory_placement(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_placed(in, v);
	const struct guest_sample *s = g ? audit_guest_sample(in) : NULL;
	uint64_t home = g ? audit_guest_home(in) : 0;
	uint64_t kib, away_kib, nodes;

	if (!g)
		return;
	if (memory_stays(audit_guest_domain(in))) {
		audit_not_applicable(v, "Memory that is locked, in huge pages or a device's "
					"cannot be moved.");
		return;
	}
	if (!home) {
		audit_not_applicable(v, "The vCPUs are not pinned: see guest-vcpu-pin.");
		return;
	}
	if (!s || !s->has_node_memory) {
		audit_unknown(v, "It is not known on which nodes the guest's memory is.", 0);
		return;
	}
	away_kib = memory_away_kib(s, home, &kib, &nodes);
	v->number[0] = share_of(100, away_kib >> 10, kib >> 10);
	v->number[1] = away_kib / 1024;
	v->number[2] = (uint64_t)s->pid;
	(void)nodemask_str(nodes, v->word[0], sizeof v->word[0]);
	(void)nodemask_str(home, v->word[1], sizeof v->word[1]);
	audit_expect(v, is_being_moved(in) || v->number[0] <= away_percent);
}

/* What guests that may have memory nowhere else can ask of these nodes.  One that names more
 * nodes is taken to spread evenly. */
static uint64_t strict_kib(const struct audit_input *in, uint64_t nodes)
{
	uint64_t kib = 0;

	for (size_t i = 0; i < in->domains->nslots; i++) {
		const struct audit_guest *g = &in->domains->slot[i].domain.audit;

		if (in->domains->slot[i].used && g->known)
			kib = add_capped(kib, share_of(g->memory_kib,
						       nodemask_count(g->strict_nodes & nodes),
						       nodemask_count(g->strict_nodes)));
	}
	return kib;
}

static uint64_t room_kib(const struct audit_input *in, uint64_t nodes)
{
	uint64_t kib = 0;

	for (; nodes; nodes &= nodes - 1)
		kib = add_capped(
			kib, sub_capped(in->topology->node[nodemask_first(nodes)].mem_total_kib,
					mul_capped(in->conf->placement.node_reserve_mib, 1024)));
	return kib;
}

void judge_guest_numatune_strict(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);
	uint64_t asked_kib, kib;

	if (!g)
		return;
	if (nodemask_count(audit_cpu_nodes(in->topology)) < 2) {
		audit_not_applicable(v, "The host has one NUMA node.");
		return;
	}
	if (!g->has_numatune && !g->placement_auto) {
		audit_not_applicable(v, "The guest has no numatune.");
		return;
	}
	if (!g->numatune_strict && !g->memnodes_strict && !g->placement_auto) {
		v->reason = "Its memory may go to other nodes.";
		audit_expect(v, true);
		return;
	}
	if (!g->strict_nodes) {
		audit_unknown(v, "Its memory is strict, on nodes that the XML does not name.", 0);
		return;
	}
	asked_kib = strict_kib(in, g->strict_nodes);
	kib = room_kib(in, g->strict_nodes);
	v->number[0] = asked_kib / 1024;
	v->number[1] = kib / 1024;
	(void)nodemask_str(g->strict_nodes, v->word[0], sizeof v->word[0]);
	audit_expect(v, asked_kib <= kib);
	if (v->result == AUDIT_OK && !audit_guests_are_known(in))
		audit_unknown(v, "What another guest can ask of these nodes is not known.", 0);
}

/* Cells of one size, as many as it takes for each to fit the largest node. */
void judge_guest_vnuma(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_placed(in, v);
	unsigned int nodes = nodemask_count(audit_cpu_nodes(in->topology));
	uint64_t ncpus = 1, kib = 1, cells;

	if (!g)
		return;
	if (audit_guest_best_node(in) != KT_NODES_MAX) {
		audit_not_applicable(v, "The guest fits one NUMA node.");
		return;
	}
	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		if (!audit_guest_node_ncpus(in, n))
			continue;
		ncpus = KT_MAX(ncpus, audit_guest_node_ncpus(in, n));
		kib = KT_MAX(kib, in->topology->node[n].mem_total_kib);
	}
	cells = KT_MAX((audit_guest_vcpus(g) + ncpus - 1) / ncpus,
		       add_capped(g->memory_kib, kib - 1) / kib);
	cells = KT_CLAMP(cells, 2, nodes);
	v->number[0] = g->nnuma_cells;
	v->number[1] = cells;
	v->number[2] = audit_guest_vcpus(g) / cells;
	v->number[2] -= v->number[2] > 0;
	v->number[3] = g->memory_kib / cells;
	audit_expect(v, g->nnuma_cells >= cells);
}

/* ---- how it is backed ----------------------------------------------------------------- */

void judge_guest_balloon(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g)
		return;
	if (!g->has_balloon) {
		audit_not_applicable(v, "The guest has no balloon.");
		return;
	}
	if (!audit_guest_is_fast(in)) {
		audit_not_applicable(v, "The guest is not a fast one.");
		return;
	}
	v->number[0] = g->current_kib / 1024;
	v->number[1] = g->memory_kib / 1024;
	v->number[2] = g->memory_kib;
	audit_expect(v, g->current_kib >= g->memory_kib);
}

/* Pages of the pools of these nodes; false: the verdict is made. */
static bool take_pool(const struct audit_input *in, struct audit_verdict *v, uint64_t nodes,
		      uint64_t *ret_pages)
{
	bool is_large = audit_guest_domain(in)->audit.hugepages_1g, known = false;
	uint64_t pages = 0;

	for (; nodes; nodes &= nodes - 1) {
		unsigned int n = nodemask_first(nodes);
		const struct fact *f =
			is_large ? &in->host->large[n].total : &in->host->small[n].total;

		if (f->state == FACT_UNKNOWN) {
			audit_unknown(v, "The pools of huge pages could not be read.", f->error);
			return false;
		}
		known |= f->state == FACT_KNOWN;
		pages = add_capped(pages, f->state == FACT_KNOWN ? f->value : 0);
	}
	if (!known)
		audit_unknown(v, "The host has no huge pages of 2 MiB or 1 GiB there.", 0);
	*ret_pages = pages;
	return known;
}

void judge_guest_hugepages(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);
	uint64_t page_kib, needed, pages, home;

	if (!g)
		return;
	if (!g->hugepages) {
		audit_not_applicable(v, "The guest asks for none.");
		return;
	}
	page_kib = g->hugepages_1g ? 1 << 20 : 2048;
	needed = g->memory_kib / page_kib + (g->memory_kib % page_kib != 0);
	home = g->strict_nodes ? g->strict_nodes : audit_guest_home(in);
	home = home ? home : audit_cpu_nodes(in->topology);
	if (!take_pool(in, v, home, &pages))
		return;
	v->number[0] = pages;
	v->number[1] = needed;
	v->number[2] = sub_capped(needed, pages);
	v->number[3] = nodemask_first(home);
	audit_say(v->word[0], g->hugepages_1g ? "1G" : "2M");
	(void)nodemask_str(home, v->word[1], sizeof v->word[1]);
	audit_expect(v, pages >= needed);
}

static bool is_to_share_nothing(const struct domain *d)
{
	return d->metadata.ksm == GUEST_SWITCH_OFF || d->wish.ksm == GUEST_SWITCH_OFF;
}

void judge_guest_nosharepages(const struct audit_input *in, struct audit_verdict *v)
{
	const struct audit_guest *g = audit_guest_judged(in, v);

	if (!g)
		return;
	if (!audit_guest_is_fast(in) && !is_to_share_nothing(audit_guest_domain(in))) {
		audit_not_applicable(v, "The guest is not a fast one, and may share.");
		return;
	}
	if (g->hugepages) {
		audit_not_applicable(v, "KSM leaves huge pages of a pool alone.");
		return;
	}
	if (audit_guest_domain(in)->shared_memory) {
		audit_not_applicable(v, "KSM leaves shared memory alone.");
		return;
	}
	if (!audit_take(v, &in->host->ksm_run, "The kernel has no KSM."))
		return;
	if (in->host->ksm_run.value != 1)
		audit_not_applicable(v, "KSM is off.");
	else
		audit_expect(v, g->nosharepages);
	audit_say(v->word[0], g->nosharepages ? "yes" : "no");
}
