/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The closed loop: what daemon/tick.c does, without a daemon. */
#include "plant_loop.h"

#include <stdlib.h>

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof *l);

	if (!l)
		abort();
	l->domains = domains_new();
	l->view = host_view_new();
	if (!l->domains || !l->view)
		abort();
	l->view->guests_known = true;
	l->conf = (struct policy_conf){
		.ksm = { .policy = KSM_POLICY_KSMTUNED,
			 .interval_s = 60,
			 .boost_pages = 300,
			 .decay_pages = 50,
			 .min_pages = 64,
			 .max_pages = 1250,
			 .sleep_ms = 10,
			 .free_target_percent = 20,
			 .free_target_min_mib = 2048 },
		.placement = { .cooldown_s = 60, .node_reserve_mib = 256 },
		.memory = { .pressure_percent = 10,
			    .calm_percent = 15,
			    .psi_permille = 50,
			    .step_permille = 10,
			    .step_max_mib = 64,
			    .step_interval_s = 6,
			    .floor_percent = 25,
			    .backoff_s = 300 },
	};
	return l;
}

void loop_free(struct loop *l)
{
	domains_free(l->domains);
	host_view_free(l->view);
	free(l);
}

void loop_tick(struct loop *l, bool kicked)
{
	static const struct capabilities capabilities;

	plant_sense(&l->plant, l->domains, &l->sample);
	host_view_update(l->view, &l->plant.topology, &capabilities, l->domains, &l->sample,
			 kicked);
	arbiter_step(&l->arbiter, &l->conf, l->view, &l->plant.in_force, &l->plan);
	plant_act(&l->plant, &l->plan);
	plant_advance(&l->plant, LOOP_TICK_S / 2.0);
	plant_advance(&l->plant, LOOP_TICK_S / 2.0);
}

void loop_run(struct loop *l, double seconds, void (*after)(struct loop *l, void *context),
	      void *context)
{
	double end_s = l->plant.now_s + seconds;

	while (l->plant.now_s < end_s) {
		loop_tick(l, false);
		if (after)
			after(l, context);
	}
}
