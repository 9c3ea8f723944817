/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a host that is never left alone for long lose anything of what it was?
 *
 *	sim_soak              a few days of several hosts
 *	KT_SOAK_DAYS=1000     so many, of hosts of ten days each, and what they had to bear
 *	KT_SOAK_SEED=7        from this seed on; with KT_SOAK_DAYS=10 this one */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kt_check.h"
#include "soak.h"

enum { SEEDS = 8 };
static const double days_of_a_host = 10, days_of_a_test = 0.5;

START_TEST(nothing_is_lost)
{
	struct soak_counts counts;

	ck_assert(soak_run((uint64_t)_i, days_of_a_test, &counts));
	/* or nothing would have been shown */
	ck_assert_uint_gt(counts.faults, 0);
	ck_assert_uint_gt(counts.masks, 0);
	ck_assert_uint_gt(counts.writes, 0);
	ck_assert_uint_gt(counts.kills, 0);
	ck_assert_uint_gt(counts.cedes, 0);
}
END_TEST

static void add(struct soak_counts *sum, const struct soak_counts *c)
{
	sum->days += c->days;
	sum->steps += c->steps;
	sum->events += c->events;
	sum->faults += c->faults;
	sum->lives += c->lives;
	sum->kills += c->kills;
	sum->reloads += c->reloads;
	sum->guests += c->guests;
	sum->writes += c->writes;
	sum->masks += c->masks;
	sum->limits += c->limits;
	sum->cedes += c->cedes;
}

static void print(const struct soak_counts *c, unsigned int broken)
{
	printf("%.1f host-days, %lu steps, %lu events, %lu faults; %lu guests, %lu lives, "
	       "%lu killed, %lu reloads; %lu values, %lu masks, %lu limits written, %lu ceded; "
	       "%.1f CPU seconds; %u broken\n",
	       c->days, c->steps, c->events, c->faults, c->guests, c->lives, c->kills, c->reloads,
	       c->writes, c->masks, c->limits, c->cedes, (double)clock() / CLOCKS_PER_SEC, broken);
	fflush(stdout);
}

/* Hosts one after the other; each is one seed. */
static int run_long(double days, uint64_t seed)
{
	struct soak_counts sum = { 0 }, counts;
	unsigned int broken = 0;

	for (int n = 1; sum.days < days; n++, seed++) {
		printf("seed %lu\n", seed); /* of the host that crashes or hangs, should it */
		fflush(stdout);
		broken += !soak_run(seed, KT_MIN(days_of_a_host, days), &counts);
		add(&sum, &counts);
		if (n % 10 == 0)
			print(&sum, broken);
	}
	print(&sum, broken);
	return broken > 0;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

int main(void)
{
	double days = (double)number_of("KT_SOAK_DAYS", 0);
	Suite *s = suite_create("sim_soak");
	TCase *t = tcase_create("soak");

	if (days > 0)
		return run_long(days, number_of("KT_SOAK_SEED", (uint64_t)time(NULL) % 1000000));
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, nothing_is_lost, 1, SEEDS + 1);
	suite_add_tcase(s, t);
	return kt_run(s);
}
