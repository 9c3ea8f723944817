/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plant's sensors and actuators: what sense and act are on a real host. */
#include <math.h>
#include <string.h>

#include "plant.h"
#include "plant_ksmd.h"

static uint64_t ns(double seconds)
{
	return (uint64_t)(seconds * 1e9);
}

enum { PAGE_BYTES = KT_PAGE_KIB * 1024, RMAP_ITEM_BYTES = 64 };

static int64_t profit_bytes(uint64_t merged_pages, uint64_t rmap_pages)
{
	return (int64_t)(merged_pages * PAGE_BYTES) - (int64_t)(rmap_pages * RMAP_ITEM_BYTES);
}

static void sense_ksm(const struct plant *p, struct ksm_sample *k)
{
	uint64_t rmap_pages = 0;

	for (unsigned int i = 0; i < p->nguests; i++)
		rmap_pages += plant_rmap_pages(p, i);
	*k = (struct ksm_sample){
		.present = true,
		.run = p->ksm_run,
		.pages_to_scan = (uint64_t)p->pages_to_scan,
		.sleep_ms = (uint64_t)p->sleep_ms,
		.shared_pages = p->pages_shared,
		.sharing_pages = p->pages_sharing,
		.unshared_pages = p->pages_unshared,
		.volatile_pages =
			rmap_pages - p->pages_shared - p->pages_sharing - p->pages_unshared,
		.full_scans = p->full_scans,
		.advisor = p->ksm_advisor ? KSM_ADVISOR_SCAN_TIME : KSM_ADVISOR_NONE,
		.has_smart_scan = p->has_smart_scan,
		.smart_scan = p->has_smart_scan && p->smart_scan,
		.has_zero_pages = true, /* of them there are none: use_zero_pages is 0 */
		.has_scanned = true,
		.scanned_total = p->pages_scanned,
		.skipped_total = p->pages_skipped,
		.has_profit = true,
		.profit_bytes = profit_bytes(p->pages_sharing, rmap_pages),
		.has_ksmd = true,
		.ksmd_cpu_ns_total = ns(p->ksmd_s),
	};
}

static void sense_host(const struct plant *p, struct host_sample *h)
{
	memset(h, 0, sizeof *h);
	h->mem_total_kib = (uint64_t)plant_total_kib(p);
	h->cpu_idle_hz_total = (uint64_t)(p->idle_s * 100);
	h->cpu_user_hz_total = (uint64_t)(p->busy_s * 100);
	h->mem_available_kib = (uint64_t)plant_available_kib(p);
	h->swap_total_kib = (uint64_t)p->swap_kib;
	h->swap_free_kib = (uint64_t)plant_swap_free_kib(p);
	h->pswpin_total = (uint64_t)(p->swapped_in_kib / KT_PAGE_KIB);
	h->pswpout_total = (uint64_t)(p->swapped_out_kib / KT_PAGE_KIB);
	h->psi_memory = (struct psi_sample){ true, (uint64_t)(p->stall_s * 1e6), 0 };
	for (unsigned int n = 0; n < p->nnodes; n++) {
		h->node[n].present = true;
		h->node[n].mem_total_kib = (uint64_t)p->node[n].total_kib;
		h->node[n].mem_free_kib = (uint64_t)plant_node_free_kib(p, n);
		h->node[n].file_kib = (uint64_t)(p->cache_kib / p->nnodes);
	}
	for (unsigned int n = 0, cpu = 0; n < p->nnodes; n++)
		for (unsigned int i = 0; i < p->node[n].ncpus; i++)
			h->idle_hz_of_cpu[cpu++] =
				(uint64_t)(100 * (p->now_s - p->node[n].busy_s / p->node[n].ncpus));
	sense_ksm(p, &h->ksm);
}

static void sense_threads(struct plant *p, unsigned int i)
{
	const struct plant_guest *g = &p->guest[i];

	for (unsigned int t = 0; t <= g->vcpus; t++) {
		struct guest_thread *thread = &p->thread[i][t];

		if (g->has_admin_mask)
			thread->first_allowed = g->admin_mask;
		if (t == 0)
			continue;
		thread->run_ns_total = ns(g->run_s / g->vcpus);
		thread->delay_ns_total = ns(g->delay_s / g->vcpus);
	}
}

static void sense_guest(struct plant *p, unsigned int i, struct guest_sample *s)
{
	const struct plant_guest *g = &p->guest[i];
	double resident_kib = plant_resident_kib(g);

	sense_threads(p, i);
	if (g->unsampled) {
		*s = (struct guest_sample){ 0 };
		return;
	}
	*s = (struct guest_sample){ .present = true,
				    .pid = (pid_t)(i * 1000 + 1),
				    .start_ticks = (uint64_t)(g->started_s * 100),
				    .rss_kib = (uint64_t)resident_kib,
				    .nthreads = g->vcpus + 1,
				    .threads = p->thread[i],
				    .cpuset = p->topology.online,
				    .has_node_memory = true,
				    .has_cgroup = true,
				    .cgroup_v2 = p->cgroup_v2,
				    .cgroup = "machine",
				    .has_reclaim = p->cgroup_v2 && p->has_reclaim,
				    .usage_kib = (uint64_t)resident_kib,
				    .anon_kib = (uint64_t)resident_kib,
				    .limit_kib = KT_UNLIMITED_KIB,
				    .swap_max_kib = KT_UNLIMITED_KIB,
				    .swap_kib = (uint64_t)plant_swapped_kib(g),
				    .pgmajfault_total = (uint64_t)g->majfaults,
				    .refault_total = (uint64_t)g->majfaults,
				    .has_ksm = true,
				    .ksm_rmap_pages = plant_rmap_pages(p, i),
				    .ksm_merging_pages = (uint64_t)(g->merged_kib / KT_PAGE_KIB) };
	s->ksm_profit_bytes = profit_bytes(s->ksm_merging_pages, s->ksm_rmap_pages);
	s->psi_memory.present = p->cgroup_v2;
	s->psi_memory.some_us_total = p->cgroup_v2 ? (uint64_t)(g->stall_s * 1e6) : 0;
	for (unsigned int n = 0; n < p->nnodes; n++)
		s->node_memory_kib[n] = (uint64_t)g->on_node_kib[n];
}

static void tell_libvirt(struct plant_guest *g, struct domains *ds)
{
	struct domain *d = &g->domain;

	d->running = !g->paused;
	d->vcpus = g->vcpus;
	d->memory_kib = (uint64_t)g->memory_kib;
	d->soft_limit_kib = g->limited ? (uint64_t)g->soft_limit_kib : KT_UNLIMITED_KIB;
	d->hard_limit_kib = KT_UNLIMITED_KIB;
	if (domains_put(ds, d) < 0)
		abort(); /* fewer guests than slots */
}

void plant_sense(struct plant *p, struct domains *ds, struct sample *ret)
{
	ret->now_ns = ns(p->now_s);
	sense_host(p, &ret->host);
	for (unsigned int i = 0; i < p->nguests; i++) {
		struct plant_guest *g = &p->guest[i];
		struct uuid uuid = { { (uint8_t)i, 1 } };

		if (!g->running || g->stranger) {
			domains_remove(ds, &uuid);
			continue;
		}
		tell_libvirt(g, ds);
		sense_guest(p, i, &ret->guest[domains_find(ds, &uuid)]);
	}
}

static void act_ksm(struct plant *p, const struct ksm_plan *k)
{
	struct ksm_in_force *f = &p->in_force.ksm;
	bool run = k->wish == WISH_SET && k->run;

	if (k->dry_run || k->wish == WISH_HOLD || (k->wish == WISH_RELEASE && !f->ours))
		return;
	f->ours = k->wish == WISH_SET;
	p->nksm_flips += p->ksm_run != run;
	p->nksm_writes += p->ksm_run != run;
	p->nsweeps += k->sweep && !f->sweeping;
	f->sweeping = k->sweep;
	p->smart_scan = !k->sweep;
	p->ksm_run = run;
	if (!run)
		return;
	p->nksm_writes += (uint64_t)p->pages_to_scan != k->pages_to_scan ||
			  (uint64_t)p->sleep_ms != k->sleep_ms;
	p->pages_to_scan = (double)k->pages_to_scan;
	p->sleep_ms = (double)k->sleep_ms;
}

static void act_placement(struct plant_guest *g, const struct placement_plan *w,
			  struct guest_in_force *f, uint64_t now_ns)
{
	bool pinned = w->wish == WISH_SET;

	if (w->dry_run || w->wish == WISH_HOLD ||
	    (g->pinned == pinned && (!pinned || g->nodes == w->nodes)))
		return;
	g->pinned = f->pinned = pinned;
	g->nodes = f->nodes = w->nodes;
	f->ncells = w->ncells;
	f->cell_nodes[0] = w->cell[0].nodes;
	f->cpus = w->cell[0].cpus;
	f->pin_changed_ns = now_ns;
	g->npins++;
}

static void act_move(struct plant *p, const struct plan *plan)
{
	struct move_in_force *f = &p->in_force.move;
	const struct move_plan *m = &plan->move;

	p->move = *m;
	if (!m->go || plan->guest[m->slot].placement.dry_run) {
		p->move.go = false;
		*f = (struct move_in_force){ .moved_kib = (uint64_t)p->moved_kib };
		return;
	}
	f->done &= f->active && f->slot == m->slot;
	f->active = true;
	f->slot = m->slot;
	p->moving = plan->guest[m->slot].uuid.byte[0];
}

static void give_order(struct plant *p, struct plant_guest *g, struct guest_in_force *f,
		       double target_kib)
{
	if (p->refuses_reclaim) {
		f->reclaim_off = true;
		return;
	}
	if (g->order.open)
		return;
	g->norders++;
	g->order = (struct plant_order){
		.open = true,
		.ordered_s = p->now_s,
		.target_kib = target_kib,
		.asked_kib = fmax(0, plant_resident_kib(g) - target_kib),
	};
}

static void set_limit(struct plant *p, struct plant_guest *g, struct guest_in_force *f,
		      uint64_t kib)
{
	bool limited = kib != KT_UNLIMITED_KIB;

	if (limited == g->limited && (!limited || f->soft_limit_kib == kib))
		return;
	if (limited && p->refuses_limits) {
		f->limit_off = true;
		return;
	}
	g->nlimits += limited;
	g->nreleases += !limited;
	g->limited = f->limited = limited;
	f->soft_limit_kib = kib;
	g->soft_limit_kib = (double)kib;
}

static void act_memory(struct plant *p, struct plant_guest *g, const struct memory_plan *w,
		       struct guest_in_force *f)
{
	if (w->dry_run || w->wish == WISH_HOLD)
		return;
	if (w->wish == WISH_SET && w->means == MEMORY_RECLAIM) {
		give_order(p, g, f, (double)w->target_kib);
		return;
	}
	g->order.open &= w->wish == WISH_SET;
	set_limit(p, g, f, w->wish == WISH_SET ? w->target_kib : KT_UNLIMITED_KIB);
}

/* Known to whoever decides from the next tick on. */
static void answer_memory(struct plant *p, const struct plant_guest *g, struct guest_in_force *f)
{
	struct memory_in_force *m = &p->in_force.memory;

	f->reclaiming = g->order.open;
	f->asked_kib = (uint64_t)g->order.asked_kib;
	f->got_kib = (uint64_t)g->order.got_kib;
	f->reclaim_late = g->order.late;
	f->reclaimed_kib = (uint64_t)g->ordered_kib;
	m->reclaimed_kib = (uint64_t)p->ordered_kib;
}

/* Slots of the plan are those of struct domains; guests are found by their UUIDs. */
void plant_act(struct plant *p, const struct plan *plan)
{
	act_ksm(p, &plan->ksm);
	act_move(p, plan);
	for (size_t i = 0; i < plan->nslots; i++) {
		const struct guest_plan *w = &plan->guest[i];
		struct guest_in_force *f = &p->in_force.guest[i];
		struct plant_guest *g = &p->guest[w->uuid.byte[0]];

		if (!w->present || !g->running)
			continue;
		if (f->incarnation != w->incarnation)
			*f = (struct guest_in_force){ .incarnation = w->incarnation };
		act_placement(g, &w->placement, f, plan->now_ns);
		act_memory(p, g, &w->memory, f);
		answer_memory(p, g, f);
	}
}
