/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The closed loop: what daemon/tick.c does, without a daemon. */
#include "plant_loop.h"

#include <math.h>
#include <stdlib.h>

#include "standard_conf.h"

const struct capabilities loop_capabilities;

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
	l->interval_s = LOOP_TICK_S;
	l->conf = standard_policy_conf();
	return l;
}

void loop_free(struct loop *l)
{
	plant_free(&l->plant);
	domains_free(l->domains);
	host_view_free(l->view);
	free(l);
}

void loop_tick(struct loop *l, bool kicked)
{
	plant_sense(&l->plant, l->domains, &l->sample);
	host_view_update(l->view, &l->plant.topology, &loop_capabilities, l->domains, &l->sample,
			 kicked);
	arbiter_step(&l->arbiter, &l->conf, l->view, &l->plant.in_force, &l->plan);
	if (l->decided)
		l->decided(l, kicked, l->context);
	plant_act(&l->plant, &l->plan);
	l->tick_s = l->interval_s;
	if (l->plan.look_again_ns)
		l->tick_s = fmin(l->tick_s, (double)l->plan.look_again_ns / 1e9);
	plant_advance(&l->plant, l->tick_s / 2);
	plant_advance(&l->plant, l->tick_s / 2);
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
