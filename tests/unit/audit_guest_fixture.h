/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that no rule has anything against, on the host of audit_fixture.h: a test says what
 * is different.  It is on node 0, and sampled; CPUs 7 and 15 are isolated, two are a core. */
#ifndef KT_AUDIT_GUEST_FIXTURE_H
#define KT_AUDIT_GUEST_FIXTURE_H

#include "audit_fixture.h"

enum { A, B }; /* slots of the two guests */

static inline struct domain *guest_of(size_t slot)
{
	return &fx.domains.slot[slot].domain;
}

static inline struct audit_guest *facts_of(size_t slot)
{
	return &guest_of(slot)->audit;
}

static inline void sampled(size_t slot)
{
	fx.view.guest[slot] = (struct guest_view){ .present = true,
						   .incarnation = fx.domains.slot[slot].incarnation,
						   .domain = guest_of(slot),
						   .sample = &fx.sample };
	fx.sample = (struct guest_sample){ .present = true,
					   .pid = 4711,
					   .has_node_memory = true,
					   .has_cgroup = true,
					   .cgroup_v2 = true };
	fx.sample.node_memory_kib[0] = 8 * GIB_KIB;
	fx.in.view = &fx.view;
}

static inline void add_guest(unsigned int first_cpu, unsigned int last_cpu)
{
	struct audit_guest *g = fixture_pinned_guest(first_cpu, last_cpu);
	struct domain *d = guest_of(fx.domains.nslots - 1);

	memcpy(g->cpu_mode, "host-model", sizeof "host-model");
	g->hard_limit_kib = g->soft_limit_kib = g->swap_hard_limit_kib = KT_UNLIMITED_KIB;
	g->sockets = g->dies = g->threads = 1;
	g->cores = 4;
	g->npin_masks = 1;
	g->pin_mask[0] = g->emulator_cpus = g->pinned_cpus;
	g->has_emulator_pin = true;
	d->hard_limit_kib = d->soft_limit_kib = KT_UNLIMITED_KIB;
	g->disk_cache.of = g->disk_io.of = g->disk_bus.of = g->nvirtio_disks = 2;
	g->nic_model.of = g->nic_vhost.of = g->nic_queues.of = 1;
}

static inline void fixture_guests(void)
{
	fixture_reset();
	for (unsigned int n = 0; n < 2; n++) {
		fx.topology.node[n].all_cpus = fx.topology.node[n].cpus;
		fx.topology.node[n].cpus = cpus(8 * n, 8 * n + 6);
		fx.topology.node[n].mem_total_kib = 32 * GIB_KIB;
		cpumask_set(&fx.host.cpus.isolated, 8 * n + 7);
	}
	fx.topology.usable = cpumask_or(&fx.topology.node[0].cpus, &fx.topology.node[1].cpus);
	for (unsigned int cpu = 0; cpu < 16; cpu++)
		fx.topology.core_of[cpu] = (uint16_t)(cpu / 2);
	fx.host.cpus.isolation = fact(2);
	fx.host.has_vhost_net = fact(1);
	fx.host.ksm_run = fact(1);
	for (unsigned int n = 0; n < 2; n++) {
		fx.host.small[n].total = fact(4096);
		fx.host.large[n].total = fact(8);
	}
	add_guest(0, 6);
	add_guest(8, 14);
	sampled(A);
}

/* Each vCPU of the guest on a CPU of its own. */
static inline void own_cpus(size_t slot, unsigned int first)
{
	facts_of(slot)->pinned_cpus = facts_of(slot)->emulator_cpus = cpus(first, first + 3);
	facts_of(slot)->nsingle_cpu_pins = 4;
	facts_of(slot)->npin_masks = 0;
	facts_of(slot)->threads = facts_of(slot)->cores = 2;
}

static inline void unpinned(size_t slot)
{
	facts_of(slot)->npinned_vcpus = 0;
	facts_of(slot)->npin_masks = 0;
	facts_of(slot)->pinned_cpus = (struct cpumask){ { 0 } };
	facts_of(slot)->has_emulator_pin = false;
}

static inline struct guest_in_force *ours(size_t slot)
{
	struct guest_in_force *f = &fx.in_force.guest[slot];

	f->incarnation = fx.domains.slot[slot].incarnation;
	f->nodes = 1 << slot;
	return f;
}

static inline const struct audit_rule *guest_rule(const char *id)
{
	for (size_t i = 0; i < audit_nguest_rules; i++)
		if (strcmp(audit_guest_rules[i].id, id) == 0)
			return &audit_guest_rules[i];
	ck_abort_msg("no rule %s", id);
	return NULL;
}

static inline void judge_guest(const char *id)
{
	audit_judge(guest_rule(id), &fx.in, &fx.v);
}

static inline void check_guest_row(const struct audit_row *row)
{
	fixture_guests();
	if (row->given)
		row->given();
	judge_guest(row->id);
	ck_assert_msg(fx.v.result == row->result, "%s: %s: %d, not %d (%s)", row->id, row->name,
		      (int)fx.v.result, (int)row->result, fx.v.reason ? fx.v.reason : "");
	ck_assert_msg(fx.v.result < AUDIT_NOT_APPLICABLE || fx.v.reason, "%s: %s: why?", row->id,
		      row->name);
}

/* The numbers and words that the texts of a rule show. */
struct audit_said {
	void (*given)(void);
	const char *id;
	uint64_t number[4];
	const char *a, *b;
};

static inline void check_said(const struct audit_said *said)
{
	fixture_guests();
	said->given();
	judge_guest(said->id);
	for (size_t i = 0; i < KT_ARRAY_LEN(said->number); i++)
		ck_assert_uint_eq(fx.v.number[i], said->number[i]);
	ck_assert_str_eq(fx.v.word[0], said->a);
	ck_assert_str_eq(fx.v.word[1], said->b);
}

#endif
