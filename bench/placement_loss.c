/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is lost under each policy, seed by seed the same guests? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "placement_tables.h"

static double percent(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : 0;
}

static void print_row(const char *name, const struct numa_bill *sum)
{
	double hours = sum->seconds / 3600;

	printf("%-10s %7.2f   %6.2f + %5.2f + %5.2f %9.0f %9.1f %7.1f", name, 100 * numa_lost(sum),
	       percent(sum->contention, sum->demand), percent(sum->remote, sum->demand),
	       percent(sum->migration, sum->demand), sum->moved_gib / hours, sum->repins / hours,
	       sum->pins / hours);
}

/* Against numad, or against the first policy where numad is not asked for. */
static size_t reference(const struct placement_bench *b)
{
	for (size_t i = 0; i < b->npolicies; i++)
		if (b->policy[i] == &numa_numad)
			return i;
	return 0;
}

static void print_difference(const struct numa_bill *a, const struct numa_bill *b, size_t nseeds)
{
	struct numa_difference d = numa_compare(a, b, nseeds);
	struct numa_bill mine = numa_pool(a, nseeds), theirs = numa_pool(b, nseeds);

	printf("   %+6.2f (%.2f)  %5.2f  %3zu/%zu", 100 * d.mean, 100 * d.standard_error,
	       percent(numa_lost(&mine), numa_lost(&theirs)) / 100, d.wins, nseeds);
}

/* Which hours are the bad ones? */
static void print_each(const struct placement_bench *b, const struct numa_bill *bill)
{
	printf("%-10s", "seed");
	for (size_t i = 0; i < b->npolicies; i++)
		printf(" %10s", b->policy[i]->name);
	printf("\n");
	for (size_t k = 0; k < b->nseeds; k++) {
		printf("%-10llu", (unsigned long long)(b->first_seed + k));
		for (size_t i = 0; i < b->npolicies; i++)
			printf(" %10.2f", 100 * numa_lost(&bill[i * b->nseeds + k]));
		printf("\n");
	}
}

static void loss_table(const struct placement_bench *b, unsigned int nguests)
{
	const struct numa_scenario s = { .shape = &b->shape,
					 .kind = b->kind,
					 .nguests = nguests,
					 .seconds = b->seconds,
					 .conf = &b->conf };
	struct numa_bill *bill = calloc(b->npolicies * b->nseeds, sizeof *bill);
	const struct numa_bill *ref = bill ? &bill[reference(b) * b->nseeds] : NULL;

	if (!bill)
		abort();
	printf("\n%u guests, host %s, load %s, seeds %llu-%llu, %u s each; %% of demand\n", nguests,
	       b->shape.name, numa_kind_name(b->kind), (unsigned long long)b->first_seed,
	       (unsigned long long)(b->first_seed + b->nseeds - 1), b->seconds);
	printf("%-10s %7s   %6s + %5s + %5s %9s %9s %7s   %s\n", "policy", "lost", "wait", "far",
	       "move", "GiB/h", "repins/h", "pins/h", "less that of the reference, ratio, wins");
	for (size_t i = 0; i < b->npolicies; i++)
		numa_run_seeds(&s, b->policy[i], b->first_seed, b->nseeds, &bill[i * b->nseeds]);
	for (size_t i = 0; i < b->npolicies; i++) {
		struct numa_bill sum = numa_pool(&bill[i * b->nseeds], b->nseeds);

		print_row(b->policy[i]->name, &sum);
		if (i != reference(b))
			print_difference(&bill[i * b->nseeds], ref, b->nseeds);
		printf("\n");
	}
	if (b->each)
		print_each(b, bill);
	free(bill);
}

void placement_loss_tables(const struct placement_bench *b)
{
	for (size_t i = 0; i < b->nsizes; i++) {
		unsigned int nguests = b->size[i] * numa_shape_cores(&b->shape) / 32;

		loss_table(b, KT_MIN(nguests, (unsigned int)NUMA_GUESTS));
		(void)fflush(stdout);
	}
}
