/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long does it take to plan, on a host of ordinary size and on the largest one? */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "numa_kvmtuned.h"
#include "placement_tables.h"

/* So many steps, 5 s of changing load each. */
enum { STEPS = 400, STEP_S = 5 };

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void pass(struct numa_daemon *d, struct numa_world *w)
{
	for (unsigned int t = 0; t < STEP_S; t++) {
		int newcomer = numa_world_draw(w);

		if (newcomer >= 0)
			numa_daemon_meet(d, w, (unsigned int)newcomer);
		numa_daemon_move(d, w);
		numa_world_pass(w);
	}
}

static double step_ms(struct numa_daemon *d, struct numa_world *w)
{
	double began_ms;

	numa_daemon_sense(d, w);
	numa_daemon_begin_plan(d);
	began_ms = now_ms();
	placement_policy_step(&d->policy, &d->conf, d->view, &d->in_force, &d->plan);
	began_ms = now_ms() - began_ms;
	numa_daemon_act(d, w);
	pass(d, w);
	return began_ms;
}

static void time_host(const struct placement_bench *b, const char *shape_name, enum numa_kind kind,
		      unsigned int nguests)
{
	struct numa_world *w = malloc(sizeof *w);
	struct numa_shape shape;
	struct numa_daemon *d;
	double ms[STEPS], first_ms;

	if (!w || !numa_shape_find(shape_name, &shape))
		abort();
	numa_world_init(w, &shape, kind, nguests, b->first_seed);
	d = numa_daemon_new(w, &b->conf);
	for (unsigned int i = 0; i < w->nguests; i++)
		numa_daemon_meet(d, w, i);
	for (size_t i = 0; i < STEPS; i++)
		ms[i] = step_ms(d, w);
	first_ms = ms[0];
	qsort(ms, STEPS, sizeof ms[0], compare);
	printf("%6u %-10s %7u %9.2f %9.2f %9.2f %9.2f\n", nguests, shape_name, shape.nnodes,
	       first_ms, ms[STEPS / 2], ms[STEPS * 95 / 100], ms[STEPS - 1]);
	numa_daemon_free(d);
	free(w);
}

void placement_time_table(const struct placement_bench *b)
{
	printf("\nCPU time of a plan, ms; %d steps of %d s\n", STEPS, STEP_S);
	printf("%6s %-10s %7s %9s %9s %9s %9s\n", "guests", "host", "nodes", "first", "median",
	       "95 %", "worst");
	time_host(b, "4x8", NUMA_STANDARD, 12);
	time_host(b, "4x48", NUMA_STANDARD, 100);
	time_host(b, "16x32", NUMA_SMALL, 1000);
}
