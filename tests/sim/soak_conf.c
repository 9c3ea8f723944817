/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an administrator may write into kvmtuned.conf. */
#include "soak.h"
#include "standard_conf.h"

static enum loop_mode any_mode(struct soak *s)
{
	uint64_t n = soak_below(s, 100);

	return n < 75 ? LOOP_ACTIVE : n < 85 ? LOOP_OBSERVE : n < 93 ? LOOP_OFF : LOOP_PAUSED;
}

void soak_make_conf(struct soak *s, struct policy_conf *conf)
{
	*conf = standard_policy_conf();
	conf->mode = soak_chance(s, 900) ? DAEMON_ACTIVE : DAEMON_OBSERVE;
	conf->ksm.mode = any_mode(s);
	conf->placement.mode = any_mode(s);
	conf->memory.mode = any_mode(s);
	conf->ksm.policy = soak_chance(s, 700) ? KSM_POLICY_AUTO : KSM_POLICY_KSMTUNED;
	conf->ksm.advisor = soak_chance(s, 500) ? KSM_ADVISOR_CEDE : KSM_ADVISOR_TAKE_OVER;
	conf->ksm.merge_across_nodes = (enum ksm_nodes)soak_below(s, 4);
	conf->ksm.use_zero_pages = (enum ksm_switch)soak_below(s, 3);
	conf->ksm.merge = (enum ksm_merge)soak_below(s, 3);
	conf->placement.backend = soak_chance(s, 700) ? PLACEMENT_AFFINITY : PLACEMENT_LIBVIRT;
	conf->placement.pin = (enum placement_pin)soak_below(s, 3);
	conf->placement.numa_balancing = soak_chance(s, 500) ? BALANCING_OFF : BALANCING_KEEP;
	conf->memory.backend = (enum memory_backend)soak_below(s, 3);
	conf->memory.runaway = (enum memory_runaway)soak_below(s, 3);
	conf->host.apply = fixture_random(&s->random) & fixture_random(&s->random);
	if (soak_chance(s, 300))
		conf->placement.reserved_cpus.word[0] = 0x3;
}
