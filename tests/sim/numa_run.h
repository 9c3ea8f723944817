/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies that place guests on the hosts of numa_world.h, and runs that compare them. */
#ifndef KT_NUMA_RUN_H
#define KT_NUMA_RUN_H

#include "numa_world.h"
#include "policy_conf.h"

struct numa_policy {
	const char *name;
	/* Everything of one run; `conf` is for who has a configuration. */
	void *(*open)(struct numa_world *w, const struct placement_conf *conf);
	void (*born)(void *state, struct numa_world *w, unsigned int guest);
	/* Once a second, when its demand is known and before it passes. */
	void (*second)(void *state, struct numa_world *w);
	void (*close)(void *state);
};

extern const struct numa_policy numa_unpinned, numa_static, numa_numad, numa_kvmtuned;

/* NULL: no such policy. */
const struct numa_policy *numa_policy_find(const char *name);

struct numa_scenario {
	const struct numa_shape *shape;
	enum numa_kind kind;
	unsigned int nguests;
	unsigned int seconds;
	const struct placement_conf *conf;
};

/* The configuration that kvmtuned's figures are of. */
struct placement_conf numa_standard_conf(void);

struct numa_bill numa_run(const struct numa_scenario *s, const struct numa_policy *p,
			  uint64_t seed);

/* The same for so many seeds, with all CPUs of this machine; ret[] is by seed. */
void numa_run_seeds(const struct numa_scenario *s, const struct numa_policy *p, uint64_t first_seed,
		    size_t nseeds, struct numa_bill *ret);

/* How two policies compare over the same seeds: of a, less b. */
struct numa_difference {
	double mean, standard_error; /* of lost shares, seed by seed */
	size_t wins;                 /* of a: less is lost */
};

struct numa_difference numa_compare(const struct numa_bill *a, const struct numa_bill *b,
				    size_t nseeds);
struct numa_bill numa_pool(const struct numa_bill *bills, size_t nseeds);

#endif
