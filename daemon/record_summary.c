/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a tick is recorded in a shorter form, and how does it come back?
 *
 * Policies must not be able to tell the difference: sums are what they sum up themselves, in
 * the same whole numbers, and a set of CPUs that all threads may use is as good as theirs. */
#include <string.h>

#include "capped.h"
#include "demand.h"
#include "record_private.h"

struct recorded_head summary_of_tick(const struct recorded_tick *tick)
{
	const struct policy_conf *p = tick->policy;

	return (struct recorded_head){ .now_ns = tick->now_ns,
				       .unix_us = (uint64_t)tick->unix_us,
				       .kicked = tick->kicked,
				       .guests_known = tick->guests_known,
				       .tuned_has_ksm = tick->tuned_has_ksm,
				       .first = tick->first,
				       .reloads = tick->reloads,
				       .paused = { [LOOP_KSM] = p->ksm.mode == LOOP_PAUSED,
						   [LOOP_PLACEMENT] =
							   p->placement.mode == LOOP_PAUSED,
						   [LOOP_MEMORY] = p->memory.mode == LOOP_PAUSED },
				       .nslots = tick->domains->nslots };
}

/* ---- idle time of CPUs, by node ----------------------------------------------------------- */

struct recorded_host summary_of_host(const struct host_sample *h, const struct topology *t)
{
	struct recorded_host ret = { .sample = *h };

	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		ret.idle_hz_of_node[n] = demand_idle_hz(h, &t->node[n].cpus);
	return ret;
}

/* KT_CPUS_MAX for the empty set. */
static unsigned int first_cpu(const struct cpumask *cpus)
{
	for (unsigned int i = 0; i < KT_ARRAY_LEN(cpus->word); i++)
		if (cpus->word[i])
			return 64 * i + (unsigned int)__builtin_ctzll(cpus->word[i]);
	return KT_CPUS_MAX;
}

void expand_host(const struct recorded_host *h, const struct topology *t, struct host_sample *ret)
{
	*ret = h->sample;
	memset(ret->idle_hz_of_cpu, 0, sizeof ret->idle_hz_of_cpu);
	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		unsigned int cpu = first_cpu(&t->node[n].cpus);

		if (cpu < KT_CPUS_MAX)
			ret->idle_hz_of_cpu[cpu] = h->idle_hz_of_node[n];
	}
}

/* ---- threads --------------------------------------------------------------------------- */

/* As placement_rules.c has it: emulator threads inherit masks, and only the first tells. */
static bool tells_of_pins(const struct guest_thread *t, const struct guest_sample *s)
{
	return t->role != THREAD_EMULATOR || t->tid == s->pid;
}

static struct cpumask all_cpus(void)
{
	struct cpumask cpus;

	memset(&cpus, 0xff, sizeof cpus);
	return cpus;
}

struct recorded_threads summary_of_threads(const struct guest_sample *s)
{
	struct recorded_threads ret = { .first_allowed = all_cpus() };

	for (size_t i = 0; i < s->nthreads; i++) {
		const struct guest_thread *t = &s->threads[i];

		if (t->role == THREAD_VCPU) {
			ret.run_ns_total = add_capped(ret.run_ns_total, t->run_ns_total);
			ret.delay_ns_total = add_capped(ret.delay_ns_total, t->delay_ns_total);
		}
		ret.niothreads += t->role == THREAD_IOTHREAD;
		if (tells_of_pins(t, s))
			ret.first_allowed = cpumask_and(&ret.first_allowed, &t->first_allowed);
	}
	return ret;
}

void expand_threads(const struct recorded_threads *t, struct guest_thread *ret)
{
	ret[0] = (struct guest_thread){ .role = THREAD_VCPU,
					.run_ns_total = t->run_ns_total,
					.delay_ns_total = t->delay_ns_total,
					.first_allowed = t->first_allowed };
	for (uint64_t i = 1; i <= t->niothreads; i++)
		ret[i] = (struct guest_thread){ .role = THREAD_IOTHREAD,
						.first_allowed = all_cpus() };
}

/* ---- the plan ------------------------------------------------------------------------- */

static uint64_t ppm(double share)
{
	return share > 0 ? (uint64_t)(KT_MIN(share, 1.0) * 1e6 + 0.5) : 0;
}

static void summarize_ksm(const struct ksm_plan *k, struct decided_host *ret)
{
	ret->ksm_wish = k->wish;
	ret->ksm_why = k->why;
	ret->ksm_dry_run = k->dry_run;
	if (k->wish != WISH_SET)
		return;
	ret->ksm_run = k->run;
	ret->stops_advisor = k->stops_advisor;
	ret->use_zero_pages = k->use_zero_pages;
	ret->merge_across_nodes = k->merge_across_nodes;
	ret->may_unmerge = k->may_unmerge;
	if (!k->run)
		return;
	ret->ksm_sweep = k->sweep;
	ret->pages_to_scan = k->pages_to_scan;
	ret->sleep_ms = k->sleep_ms;
}

static void summarize_move(const struct move_plan *m, struct decided_host *ret)
{
	ret->move = m->go;
	ret->move_why = m->why;
	if (!m->go)
		return;
	ret->move_slot = m->slot;
	ret->move_from = m->from;
	ret->move_kib_per_s = m->kib_per_s;
}

struct decided_host summary_of_plan(const struct plan *plan)
{
	struct decided_host ret = { .placement_observes = plan->placement_observes,
				    .numa_balancing = plan->numa_balancing,
				    .squeezing = plan->memory.squeezing,
				    .deficit_kib = plan->memory.deficit_kib,
				    .price_ppm = ppm(plan->memory.price),
				    .look_again_ns = plan->look_again_ns };

	summarize_ksm(&plan->ksm, &ret);
	summarize_move(&plan->move, &ret);
	return ret;
}

/* FNV-1a, by words */
static uint64_t add_to_hash(uint64_t hash, const struct cpumask *cpus)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(cpus->word); i++)
		hash = (hash ^ cpus->word[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t hash_cells(const struct placement_plan *p)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (unsigned int c = 0; c < p->ncells; c++) {
		hash = (hash ^ p->cell[c].nodes) * UINT64_C(0x100000001b3);
		hash = add_to_hash(hash, &p->cell[c].vcpus);
		hash = add_to_hash(hash, &p->cell[c].cpus);
	}
	return add_to_hash(hash, &p->helpers);
}

struct decided_guest summary_of_guest_plan(const struct guest_plan *plan)
{
	const struct placement_plan *p = &plan->placement;
	const struct memory_plan *m = &plan->memory;
	struct decided_guest ret = { .ksm_why = plan->ksm,
				     .settling = plan->settling,
				     .placement_wish = p->wish,
				     .placement_why = p->why,
				     .placement_dry_run = p->dry_run,
				     .memory_wish = m->wish,
				     .memory_why = m->why,
				     .memory_dry_run = m->dry_run,
				     .runaway = m->runaway };

	if (p->wish == WISH_SET) {
		ret.nodes = p->nodes;
		ret.cpus_hash = hash_cells(p);
	}
	if (m->wish == WISH_SET) {
		ret.means = m->means;
		ret.target_kib = m->target_kib;
	}
	return ret;
}
