/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the table of metrics has of each family. */
#ifndef KT_ANSWER_METRICS_H
#define KT_ANSWER_METRICS_H

#include "answer_private.h"
#include "metrics_text.h"

typedef void metric_fn(struct metrics_text *t, const struct kvmtuned *k);
typedef void metric_of_guest_fn(struct metrics_text *t, const struct kvmtuned *k,
				const struct known_guest *g);

/* answer_metrics_daemon.c */
metric_fn metric_build_info, metric_mode, metric_loop_state, metric_config_ok, metric_connected,
	metric_reconnects, metric_cycle_duration, metric_last_cycle, metric_cpu, metric_resident,
	metric_audit_findings;
/* answer_metrics_host.c */
metric_fn metric_decisions, metric_errors, metric_ceded, metric_price, metric_target,
	metric_ksmd_cpu, metric_moved, metric_reclaimed, metric_locality, metric_domains,
	metric_domains_pinned, metric_domains_limited;
/* answer_metrics_guest.c */
metric_fn metric_domains_managed;
metric_of_guest_fn metric_domain_info, metric_domain_hold, metric_domain_home, metric_domain_memory,
	metric_domain_locality, metric_domain_steal, metric_domain_merged, metric_domain_reclaimed;

#endif
