/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The defaults of kvmtuned.conf, for those who have no daemon to ask; check_conf compares
 * them with its table. */
#ifndef KT_STANDARD_CONF_H
#define KT_STANDARD_CONF_H

#include "policy_conf.h"

static inline struct policy_conf standard_policy_conf(void)
{
	return (struct policy_conf){
		.ksm = { .policy = KSM_POLICY_AUTO,
			 .max_cpu_percent = 75,
			 .trickle_permille = 2,
			 .settle_s = 1,
			 .plenty_percent = 40,
			 .short_percent = 10,
			 .min_yield_mib = 4,
			 .sweep_min_s = 60,
			 .sweep_max_s = 3600,
			 .interval_s = 60,
			 .boost_pages = 300,
			 .decay_pages = 50,
			 .min_pages = 64,
			 .max_pages = 1250,
			 .sleep_ms = 10,
			 .free_target_percent = 20,
			 .free_target_min_mib = 2048 },
		.placement = { .cooldown_s = 15,
			       .node_reserve_mib = 256,
			       .horizon_s = 600,
			       .move_mib_per_s = 1024 },
		.memory = { .squeeze_price = 80,
			    .calm_price = 50,
			    .step_permille = 10,
			    .step_max_mib = 256,
			    .step_interval_s = 6,
			    .floor_percent = 25,
			    .backoff_s = 300,
			    .runaway = RUNAWAY_WARN,
			    .overhead_mib = 256 },
	};
}

#endif
