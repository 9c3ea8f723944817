/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does kvmtuned place guests?  The policy is the daemon's own; this is its tick. */
#include "numa_kvmtuned.h"

#include <math.h>
#include <stdlib.h>

static const double tick_s = 5, tick_min_s = 1;

static void *kvmtuned_open(struct numa_world *w, const struct placement_conf *conf)
{
	return numa_daemon_new(w, conf);
}

/* libvirt's event wakes the tick. */
static void kvmtuned_born(void *state, struct numa_world *w, unsigned int guest)
{
	struct numa_daemon *d = state;

	numa_daemon_meet(d, w, guest);
	d->kicked = true;
}

static void kvmtuned_second(void *state, struct numa_world *w)
{
	struct numa_daemon *d = state;
	double pause_s = tick_s;

	if (d->kicked || w->now_s >= d->next_s) {
		numa_daemon_sense(d, w);
		numa_daemon_begin_plan(d);
		placement_policy_step(&d->policy, &d->conf, d->view, &d->in_force, &d->plan);
		numa_daemon_act(d, w);
		if (d->plan.look_again_ns)
			pause_s = fmin(pause_s, (double)d->plan.look_again_ns / 1e9);
		d->next_s = w->now_s + fmax(pause_s, tick_min_s);
		d->kicked = false;
	}
	numa_daemon_move(d, w);
}

static void kvmtuned_close(void *state)
{
	numa_daemon_free(state);
}

const struct numa_policy numa_kvmtuned = { "kvmtuned", kvmtuned_open, kvmtuned_born,
					   kvmtuned_second, kvmtuned_close };
