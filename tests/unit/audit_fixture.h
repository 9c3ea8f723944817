/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host of two nodes with 8 CPUs and 32 GiB each, as the audit's rules see it, made by hand:
 * nothing is known of it but what a test says. */
#ifndef KT_AUDIT_FIXTURE_H
#define KT_AUDIT_FIXTURE_H

#include <math.h>
#include <string.h>

#include "audit.h"
#include "kt_check.h"
#include "standard_conf.h"

#define GIB_KIB (UINT64_C(1024) * 1024)

static struct audit_fixture {
	struct audit_host host;
	struct topology topology;
	struct domains domains;
	struct host_view view;
	struct guest_sample sample;
	struct guest_thread thread[3];
	struct policy_conf conf;
	struct in_force in_force;
	struct audit_input in;
	struct audit_verdict v;
} fx;

static inline struct fact fact(uint64_t value)
{
	return (struct fact){ FACT_KNOWN, 0, value };
}

static inline struct fact fact_unknown(int error)
{
	return (struct fact){ FACT_UNKNOWN, error, 0 };
}

static inline struct word_fact fact_word(const char *word)
{
	struct word_fact f = { .state = FACT_KNOWN };

	strncpy(f.word, word, sizeof f.word - 1);
	return f;
}

static inline struct cpumask cpus(unsigned int first, unsigned int last)
{
	struct cpumask m = { { 0 } };

	for (unsigned int cpu = first; cpu <= last; cpu++)
		cpumask_set(&m, cpu);
	return m;
}

static inline void fixture_nodes(unsigned int n)
{
	memset(&fx.topology, 0, sizeof fx.topology);
	for (unsigned int i = 0; i < n; i++) {
		fx.topology.node[i].present = true;
		fx.topology.node[i].cpus = cpus(8 * i, 8 * i + 7);
		fx.topology.usable = cpumask_or(&fx.topology.usable, &fx.topology.node[i].cpus);
	}
	fx.topology.nnodes = fx.topology.ncpu_nodes = n;
	fx.topology.online = fx.topology.usable;
	fx.topology.ncores = 8 * n;
}

static inline void fixture_reset(void)
{
	memset(&fx, 0, sizeof fx);
	fixture_nodes(2);
	fx.conf = standard_policy_conf();
	fx.host.busy_share = -1;
	fx.host.mem_total_kib = fact(64 * GIB_KIB);
	fx.in = (struct audit_input){ .host = &fx.host,
				      .topology = &fx.topology,
				      .domains = &fx.domains,
				      .conf = &fx.conf,
				      .in_force = &fx.in_force };
}

/* A guest of 4 vCPUs and 8 GiB in the next slot, that asks for nothing in particular. */
static inline struct audit_guest *fixture_guest(void)
{
	struct domain_slot *slot = &fx.domains.slot[fx.domains.nslots++];

	slot->used = true;
	slot->incarnation = (uint32_t)fx.domains.nslots;
	slot->domain.running = true;
	slot->domain.vcpus = 4;
	slot->domain.memory_kib = 8 * GIB_KIB;
	memcpy(slot->domain.name, "web \"1\"", sizeof "web \"1\"");
	slot->domain.audit = (struct audit_guest){ .known = true,
						   .max_vcpus = 4,
						   .current_vcpus = 4,
						   .memory_kib = 8 * GIB_KIB,
						   .current_kib = 8 * GIB_KIB };
	fx.domains.nused++;
	return &slot->domain.audit;
}

static inline struct audit_guest *fixture_pinned_guest(unsigned int first, unsigned int last)
{
	struct audit_guest *guest = fixture_guest();

	guest->npinned_vcpus = guest->max_vcpus;
	guest->pinned_cpus = cpus(first, last);
	return guest;
}

static inline void fixture_owner(enum owned_value value, const char *says)
{
	struct owner *owner = &fx.host.owner[value];

	memcpy(owner->who, "tuned profile mine", sizeof "tuned profile mine");
	strncpy(owner->value, says, sizeof owner->value - 1);
}

/* For the host, of the 16 CPUs. */
static inline void fixture_reserve(void)
{
	cpumask_set(&fx.conf.placement.reserved_cpus, 0);
	cpumask_set(&fx.conf.placement.reserved_cpus, 8);
}

/* ---- tables of rules ---------------------------------------------------------------------- */

/* What is changed of the fixture, and what the rule then says. */
struct audit_row {
	const char *name, *id;
	void (*given)(void);
	enum audit_result result;
};

static inline const struct audit_rule *fixture_rule(const char *id)
{
	for (size_t i = 0; i < audit_nhost_rules; i++)
		if (strcmp(audit_host_rules[i].id, id) == 0)
			return &audit_host_rules[i];
	ck_abort_msg("no rule %s", id);
	return NULL;
}

static inline void fixture_judge(const char *id)
{
	audit_judge(fixture_rule(id), &fx.in, &fx.v);
}

static inline void check_row(const struct audit_row *row)
{
	fixture_reset();
	row->given();
	fixture_judge(row->id);
	ck_assert_msg(fx.v.result == row->result, "%s: %s: %d, not %d", row->id, row->name,
		      (int)fx.v.result, (int)row->result);
	ck_assert_msg(fx.v.result < AUDIT_NOT_APPLICABLE || fx.v.reason, "%s: %s: why?", row->id,
		      row->name);
}

#endif
