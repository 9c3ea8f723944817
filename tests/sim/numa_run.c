/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a policy fare over many seeds? */
#include "numa_run.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "standard_conf.h"

struct placement_conf numa_standard_conf(void)
{
	struct placement_conf c = standard_policy_conf().placement;

	c.node_reserve_mib = 4096;
	return c;
}

const struct numa_policy *numa_policy_find(const char *name)
{
	static const struct numa_policy *const all[] = { &numa_unpinned, &numa_static, &numa_numad,
							 &numa_kvmtuned };

	for (size_t i = 0; i < KT_ARRAY_LEN(all); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}

struct numa_bill numa_run(const struct numa_scenario *s, const struct numa_policy *p, uint64_t seed)
{
	struct numa_world *w = malloc(sizeof *w);
	struct numa_bill bill;
	void *state;

	if (!w)
		abort();
	numa_world_init(w, s->shape, s->kind, s->nguests, seed);
	state = p->open(w, s->conf);
	for (unsigned int i = 0; i < w->nguests; i++)
		p->born(state, w, i);
	for (unsigned int t = 0; t < s->seconds; t++) {
		int newcomer = numa_world_draw(w);

		if (newcomer >= 0)
			p->born(state, w, (unsigned int)newcomer);
		p->second(state, w);
		numa_world_pass(w);
	}
	p->close(state);
	bill = w->bill;
	free(w);
	return bill;
}

/* ---- many ---------------------------------------------------------------------------- */

struct queue {
	const struct numa_scenario *scenario;
	const struct numa_policy *policy;
	uint64_t first_seed;
	size_t nseeds;
	atomic_size_t next;
	struct numa_bill *bill;
};

static void *work(void *context)
{
	struct queue *q = context;
	size_t i;

	while ((i = atomic_fetch_add(&q->next, 1)) < q->nseeds)
		q->bill[i] = numa_run(q->scenario, q->policy, q->first_seed + i);
	return NULL;
}

enum { WORKERS_MAX = 64 };

void numa_run_seeds(const struct numa_scenario *s, const struct numa_policy *p, uint64_t first_seed,
		    size_t nseeds, struct numa_bill *ret)
{
	struct queue q = {
		.scenario = s, .policy = p, .first_seed = first_seed, .nseeds = nseeds, .bill = ret
	};
	long ncpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t worker[WORKERS_MAX];
	size_t nworkers = 0;

	while ((long)nworkers + 1 < ncpus && nworkers < WORKERS_MAX &&
	       pthread_create(&worker[nworkers], NULL, work, &q) == 0)
		nworkers++;
	work(&q);
	for (size_t i = 0; i < nworkers; i++)
		pthread_join(worker[i], NULL);
}

struct numa_bill numa_pool(const struct numa_bill *bills, size_t nseeds)
{
	struct numa_bill sum = { 0 };

	for (size_t i = 0; i < nseeds; i++)
		numa_bill_add(&sum, &bills[i]);
	return sum;
}

struct numa_difference numa_compare(const struct numa_bill *a, const struct numa_bill *b,
				    size_t nseeds)
{
	struct numa_difference d = { 0 };
	double n = (double)nseeds, sum = 0, squares = 0;

	for (size_t i = 0; i < nseeds; i++) {
		double x = numa_lost(&a[i]) - numa_lost(&b[i]);

		sum += x;
		squares += x * x;
		d.wins += x < 0;
	}
	d.mean = sum / n;
	if (nseeds > 1)
		d.standard_error = sqrt(fmax(0, squares / n - d.mean * d.mean) / (n - 1));
	return d;
}
