/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How fast do things change, and what do the samples before say of the last one? */
#include "view.h"

#include <string.h>

#include "capped.h"
#include "counter.h"
#include "demand.h"

static const double user_hz = 100; /* of /proc/stat */

struct host_view *host_view_new(void)
{
	return calloc(1, sizeof(struct host_view));
}

void host_view_free(struct host_view *v)
{
	free(v);
}

static double rate(struct counter *c, bool known, uint64_t total, uint64_t now_ns)
{
	double per_s;

	(void)counter_rate(c, known, total, now_ns, &per_s);
	return per_s;
}

/* Jitter between the clock and the counter can make slightly more than all of it. */
static double psi_pct(struct counter *c, bool known, uint64_t us_total, uint64_t now_ns)
{
	double pct = rate(c, known, us_total, now_ns) / 1e4;

	return KT_MIN(pct, 100.0);
}

/* A burst of looks within a second is one sample to those who ask how long it was watched. */
static void guest_view_count(struct guest_view *g, uint64_t now_ns)
{
	if (g->nsamples && sub_capped(now_ns, g->counted_ns) < window_min_ns)
		return;
	g->nsamples += g->nsamples < UINT32_MAX;
	g->counted_ns = now_ns;
}

static void guest_memory_update(struct guest_view *g, const struct guest_sample *s, uint64_t now_ns)
{
	g->majfault_per_s = rate(&g->majfault, s->has_cgroup, s->pgmajfault_total, now_ns);
	g->refault_per_s = rate(&g->refault, s->has_cgroup, s->refault_total, now_ns);
	g->psi_memory_pct =
		psi_pct(&g->psi_us, s->psi_memory.present, s->psi_memory.some_us_total, now_ns);
	g->merged_kib = s->has_ksm ? mul_capped(KT_PAGE_KIB,
						add_capped(s->ksm_merging_pages, s->ksm_zero_pages))
				   : 0;
}

/* Of a quiet guest it is known that it did not run, and so that it was charged for no wait: a
 * kernel counts that when it ends.  What else was not read may have grown: its windows go on. */
static void guest_view_sample(struct host_view *v, struct guest_view *g,
			      const struct guest_sample *s, uint64_t now_ns)
{
	bool unread = s->look == GUEST_LOOK_QUIET && g->present;

	g->present = true;
	guest_view_count(g, now_ns);
	guest_demand_update(v, g, s, now_ns);
	if (!unread)
		guest_memory_update(g, s, now_ns);
}

static void guest_view_lose(struct guest_view *g)
{
	g->present = false;
	g->psi_memory_pct = g->majfault_per_s = g->refault_per_s = 0;
	g->run_cpus = g->delay_cpus = 0;
}

static void guest_view_update(struct host_view *v, struct guest_view *g,
			      const struct domain_slot *slot, const struct guest_sample *s,
			      uint64_t now_ns)
{
	if (!slot->used) {
		memset(g, 0, sizeof *g);
		return;
	}
	if (!g->domain || g->incarnation != slot->incarnation) {
		memset(g, 0, sizeof *g);
		g->incarnation = slot->incarnation;
		g->first_seen_ns = g->awake_ns = now_ns;
		g->first_pass = v->ksm_passes;
	} else if (slot->domain.running && !g->was_running) {
		g->awake_ns = now_ns;
	}
	g->was_running = slot->domain.running;
	g->domain = &slot->domain;
	g->sample = s;
	if (s->look == GUEST_LOOK_NONE && g->present) {
		v->nunseen++;
		return; /* what was measured last holds, and its windows go on */
	}
	if (s->present)
		guest_view_sample(v, g, s, now_ns);
	else
		guest_view_lose(g);
}

static void cpu_view_update(struct host_view *v, const struct host_sample *h, uint64_t now_ns)
{
	uint64_t all_hz = add_capped(add_capped(h->cpu_user_hz_total, h->cpu_idle_hz_total),
				     h->cpu_steal_hz_total);
	double all_per_s, steal_per_s;
	bool measured = counter_rate(&v->cpu_all_hz, true, all_hz, now_ns, &all_per_s);

	measured &=
		counter_rate(&v->cpu_steal_hz, true, h->cpu_steal_hz_total, now_ns, &steal_per_s);
	v->idle_cpus = rate(&v->cpu_idle_hz, true, h->cpu_idle_hz_total, now_ns) / user_hz;
	v->steal_share = measured && all_per_s > 0 ? KT_MIN(steal_per_s / all_per_s, 1.0) : 0;
}

/* run=2 begins to count again: those passes have ended too. */
static void ksm_view_update(struct host_view *v, const struct ksm_sample *k, uint64_t now_ns)
{
	v->ksmd_cpu_pct = rate(&v->ksmd_ns, k->has_ksmd, k->ksmd_cpu_ns_total, now_ns) / 1e7;
	v->merged_kib =
		k->present ? mul_capped(KT_PAGE_KIB, add_capped(k->sharing_pages, k->zero_pages))
			   : 0;
	if (v->has_full_scans && k->present)
		v->ksm_passes += k->full_scans >= v->full_scans ? k->full_scans - v->full_scans
								: k->full_scans;
	v->has_full_scans = k->present;
	v->full_scans = k->full_scans;
}

static void memory_view_update(struct host_view *v, const struct host_sample *h, uint64_t now_ns)
{
	const struct psi_sample *psi = &h->psi_memory;

	v->psi_memory_some_pct = psi_pct(&v->psi_some_us, psi->present, psi->some_us_total, now_ns);
	v->psi_memory_full_pct = psi_pct(&v->psi_full_us, psi->present, psi->full_us_total, now_ns);
	v->swap_in_per_s = rate(&v->swap_in, true, h->pswpin_total, now_ns);
	v->swap_out_per_s = rate(&v->swap_out, true, h->pswpout_total, now_ns);
	v->available_kib = add_capped(h->mem_available_kib, sub_capped(h->arc_kib, h->arc_min_kib));
	v->available_kib = KT_MIN(v->available_kib, h->mem_total_kib);
}

static void guest_delay_update(struct host_view *v)
{
	if (v->nunseen == 0 && (v->vcpus_measured || v->npresent == 0))
		v->guest_delay_cpus = v->vcpu_delay_cpus;
}

void host_view_update(struct host_view *v, const struct topology *topology,
		      const struct capabilities *capabilities, const struct domains *ds,
		      const struct sample *sample, bool kicked)
{
	uint64_t now_ns = sample->now_ns;
	size_t was_nslots = v->nslots;

	v->dt_s = 0;
	if (v->nsamples && now_ns > v->now_ns && now_ns - v->now_ns <= window_max_ns)
		v->dt_s = (double)(now_ns - v->now_ns) / 1e9;
	v->now_ns = now_ns;
	v->nsamples += v->nsamples < UINT32_MAX;
	v->kicked = kicked;
	v->topology = topology;
	v->capabilities = capabilities;
	v->host = &sample->host;
	cpu_view_update(v, v->host, now_ns);
	node_busy_update(v, v->host, now_ns);
	memory_view_update(v, v->host, now_ns);
	ksm_view_update(v, &v->host->ksm, now_ns);
	v->vcpu_delay_cpus = 0;
	v->vcpus_measured = false;
	v->nunseen = 0;
	v->nslots = ds->nslots;
	v->npresent = 0;
	for (size_t i = 0; i < ds->nslots; i++) {
		guest_view_update(v, &v->guest[i], &ds->slot[i], &sample->guest[i], now_ns);
		v->npresent += v->guest[i].present;
	}
	guest_delay_update(v);
	/* Slots that ceased to exist may come back as others. */
	if (was_nslots > ds->nslots)
		memset(&v->guest[ds->nslots], 0, (was_nslots - ds->nslots) * sizeof v->guest[0]);
}
