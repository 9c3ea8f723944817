/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sense says for the audit, as lines "audit.key = value"; what is absent has none. */
#ifndef KT_AUDIT_PRINT_H
#define KT_AUDIT_PRINT_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sense_audit.h"

static inline void print_fact(FILE *out, const char *name, const struct fact *f)
{
	if (f->state == FACT_UNKNOWN)
		fprintf(out, "audit.%s = unknown (%s)\n", name, strerror(f->error));
	else if (f->state == FACT_KNOWN)
		fprintf(out, "audit.%s = %" PRIu64 "\n", name, f->value);
}

static inline void print_word(FILE *out, const char *name, const struct word_fact *w)
{
	if (w->state == FACT_UNKNOWN)
		fprintf(out, "audit.%s = unknown (%s)\n", name, strerror(w->error));
	else if (w->state == FACT_KNOWN)
		fprintf(out, "audit.%s = %s\n", name, w->word);
}

static inline void print_mask(FILE *out, const char *name, const struct cpumask *m)
{
	char text[KT_CPULIST_MAX];

	if (!cpumask_empty(m))
		fprintf(out, "audit.%s = %s\n", name, cpumask_str(m, text, sizeof text));
}

#define PRINT_FACT(member) print_fact(out, #member, &h->member)
#define PRINT_WORD(member) print_word(out, #member, &h->member)

static inline void print_audit_values(FILE *out, const struct audit_host *h)
{
	PRINT_FACT(swappiness);
	PRINT_FACT(dirty_ratio);
	PRINT_FACT(dirty_bytes);
	PRINT_FACT(dirty_background_ratio);
	PRINT_FACT(dirty_background_bytes);
	PRINT_FACT(zone_reclaim_mode);
	PRINT_FACT(numa_balancing);
	PRINT_FACT(has_swap);
	PRINT_WORD(thp_enabled);
	PRINT_WORD(thp_defrag);
	PRINT_FACT(khugepaged_defrag);
	PRINT_FACT(khugepaged_scan_sleep_ms);
	PRINT_FACT(ksm_run);
	PRINT_FACT(ksm_pages_to_scan);
	PRINT_FACT(ksm_sleep_ms);
	PRINT_FACT(ksm_across_nodes);
	PRINT_FACT(ksm_shared);
	PRINT_WORD(ksm_advisor);
	PRINT_FACT(mem_total_kib);
	PRINT_FACT(has_vhost_net);
	PRINT_FACT(has_kvm);
}

static inline void print_audit_cpus(FILE *out, const struct audit_host *h)
{
	PRINT_FACT(cpus.governors);
	PRINT_FACT(cpus.not_performance);
	if (h->cpus.first_governor[0])
		fprintf(out, "audit.cpus.first_governor = %s\n", h->cpus.first_governor);
	PRINT_FACT(cpus.cstate_limit_us);
	PRINT_FACT(cpus.deepest_cstate_us);
	PRINT_FACT(cpus.halt_poll_ns);
	PRINT_FACT(cpus.ept);
	PRINT_FACT(cpus.npt);
	PRINT_FACT(cpus.nested);
	PRINT_FACT(cpus.isolation);
	print_mask(out, "cpus.isolated", &h->cpus.isolated);
	print_mask(out, "cpus.nohz_full", &h->cpus.nohz_full);
}

static inline void print_audit_pools(FILE *out, const struct audit_host *h)
{
	char name[64];

	for (unsigned int id = 0; id < KT_NODES_MAX; id++) {
		const struct {
			const char *name;
			const struct fact *fact;
		} pools[] = { { "2m.total", &h->small[id].total },
			      { "2m.free", &h->small[id].free },
			      { "1g.total", &h->large[id].total },
			      { "1g.free", &h->large[id].free } };

		for (size_t i = 0; i < KT_ARRAY_LEN(pools); i++) {
			snprintf(name, sizeof name, "node%u.%s", id, pools[i].name);
			print_fact(out, name, pools[i].fact);
		}
	}
}

static inline void print_audit_devices(FILE *out, const struct audit_host *h)
{
	char allowed[KT_CPULIST_MAX], effective[KT_CPULIST_MAX];

	PRINT_FACT(disks);
	for (size_t i = 0; i < h->ndisks; i++)
		fprintf(out, "audit.disk.%s =%s%s%s%s\n", h->disk[i].name,
			h->disk[i].scheduler[0] ? " " : "", h->disk[i].scheduler,
			h->disk[i].is_nvme ? " nvme" : "",
			h->disk[i].is_rotational ? " rotational" : "");
	PRINT_FACT(irqs);
	for (size_t i = 0; i < h->nirqs; i++)
		fprintf(out, "audit.irq%u = %s%s%s%s on %s of %s\n", h->irq[i].number,
			h->irq[i].device, h->irq[i].is_nic ? " nic" : "",
			h->irq[i].is_nvme ? " nvme" : "", h->irq[i].is_managed ? " managed" : "",
			cpumask_str(&h->irq[i].effective, effective, sizeof effective),
			cpumask_str(&h->irq[i].allowed, allowed, sizeof allowed));
	PRINT_FACT(irq_bans);
	print_mask(out, "irq_banned", &h->irq_banned);
	if (h->irqbalance_runs)
		fprintf(out, "audit.irqbalance_runs = 1\n");
}

static inline void print_audit_owners(FILE *out, const struct audit_host *h)
{
	static const char *const names[] = {
		[OWNED_SWAPPINESS] = "swappiness",
		[OWNED_DIRTY_RATIO] = "dirty_ratio",
		[OWNED_DIRTY_BACKGROUND_RATIO] = "dirty_background_ratio",
		[OWNED_ZONE_RECLAIM] = "zone_reclaim",
		[OWNED_NUMA_BALANCING] = "numa_balancing",
		[OWNED_THP_ENABLED] = "thp_enabled",
		[OWNED_THP_DEFRAG] = "thp_defrag",
		[OWNED_KHUGEPAGED_DEFRAG] = "khugepaged_defrag",
		[OWNED_KHUGEPAGED_SCAN_SLEEP] = "khugepaged_scan_sleep",
		[OWNED_KSM] = "ksm",
		[OWNED_GOVERNOR] = "governor",
		[OWNED_CSTATES] = "cstates",
		[OWNED_BLOCK_SCHEDULER] = "block_scheduler",
		[OWNED_HALT_POLL] = "halt_poll",
	};

	_Static_assert(KT_ARRAY_LEN(names) == _OWNED_MAX, "each has a name");
	if (h->tuned_profile[0])
		fprintf(out, "audit.tuned_profile = %s\n", h->tuned_profile);
	for (size_t i = 0; i < _OWNED_MAX; i++)
		if (h->owner[i].who[0])
			fprintf(out, "audit.owner.%s = %s: %s\n", names[i], h->owner[i].who,
				h->owner[i].value[0] ? h->owner[i].value : "?");
}

static inline void print_audit(FILE *out, const struct audit_host *h)
{
	print_audit_values(out, h);
	print_audit_cpus(out, h);
	print_audit_pools(out, h);
	print_audit_devices(out, h);
	print_audit_owners(out, h);
}

#endif
