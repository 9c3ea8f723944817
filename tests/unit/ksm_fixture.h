/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the KSM loop have in common. */
#ifndef KT_KSM_FIXTURE_H
#define KT_KSM_FIXTURE_H

#include "policy_fixture.h"

static inline struct ksm_plan step(void)
{
	struct ksm_plan plan;

	if (fx.state.ksm.name == KSM_POLICY_OFF) /* what a test has put there is this policy's */
		fx.state.ksm.name = fx.conf.ksm.policy;
	ksm_policy_step(&fx.state.ksm, &fx.conf, &fx.view, &fx.in_force.ksm, &plan);
	return plan;
}

static inline struct ksm_plan step_at(uint64_t now_ns)
{
	fx.view.now_ns = now_ns;
	return step();
}

static inline void set_guest_of(uint64_t rss_kib)
{
	fixture_guest(1)->demand_cpus.value = 1;
	fx.sample[0].rss_kib = rss_kib;
}

/* What ksmtuned's law is asked about. */
static inline void host_of_16_gib(void)
{
	fixture_reset();
	fx.conf.ksm.policy = KSM_POLICY_KSMTUNED;
	fx.host.mem_total_kib = 16 * GIB_KIB; /* a fifth: 3355443 KiB */
}

enum { TARGET = 3355443, UNCOMMITTED = 16777216 - TARGET };

#endif
