/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes of pages that somebody, the owner of a guest or a user of the host, makes equal and
 * writes to so that ksmd works or the host runs out?  See kvmtuned-security(7). */
#include "plant_ksmd.h"
#include "sim_memory.h"

enum { FIRST_SEED = 1, LAST_SEED = 3 };

/* ---- pages that are equal so that ksmd works ------------------------------------------------ */

enum { HONEST = 9, LIARS = 2 };

/* Honest guests fill 54 of 64 GiB, and a third of that is alike. */
static void open_merging_host(int seed, unsigned int nguests)
{
	l = loop_new();
	plant_init(&l->plant, (uint64_t)seed, 1, 32, 64);
	l->conf.placement.mode = l->conf.memory.mode = LOOP_OFF;
	for (unsigned int i = 0; i < nguests; i++) {
		struct plant_guest *g = plant_start(&l->plant, 2, 6);

		g->demand_cpus = plant_random(&l->plant, 0, 1);
		g->kib_per_s = 1e9;
		g->duplicate_share = 0.3;
	}
}

/* Guests, or processes of a user, that are equal to each other. */
static void start_liars(double gib, bool strangers)
{
	for (int i = 0; i < LIARS; i++) {
		struct plant_guest *g = plant_start(&l->plant, 2, gib);

		g->kib_per_s = 1e9;
		g->duplicate_share = 0.9;
		g->stranger = strangers;
	}
}

struct lies {
	bool wait; /* until they have been merged; else they are told at random times */
	double next_s;
	unsigned int n;
	double most_cpus, last_s, last_ksmd_s; /* of ksmd, in a second or more */
};

static void note_ksmd(struct lies *u, const struct plant *p)
{
	double passed_s = p->now_s - u->last_s;

	if (passed_s < 1)
		return;
	if (u->last_s > 0)
		u->most_cpus = fmax(u->most_cpus, (p->ksmd_s - u->last_ksmd_s) / passed_s);
	u->last_s = p->now_s;
	u->last_ksmd_s = p->ksmd_s;
}

static bool have_merged(const struct plant_guest *g)
{
	return g->merged_kib > 0.5 * g->memory_kib;
}

/* Each page is written to, and is then equal to one of the other again. */
static void write_all_again(struct loop *loop, void *context)
{
	struct lies *u = context;
	struct plant *p = &loop->plant;

	note_ksmd(u, p);
	if (u->wait ? !have_merged(&p->guest[HONEST]) : p->now_s < u->next_s)
		return;
	u->n++;
	u->next_s = p->now_s + plant_random(p, 10, 300);
	for (unsigned int i = 0; i < LIARS; i++)
		plant_rewrite(p, HONEST + i, 1, PLANT_DUPLICATES + 1 + (int)u->n % 2);
}

static double honest_merged_kib(void)
{
	double sum = 0;

	for (unsigned int i = 0; i < HONEST; i++)
		sum += l->plant.guest[i].merged_kib;
	return sum;
}

/* Bursts may use a quarter of a CPU on average, and nothing more than max_cpu_percent at once, but
 * for what pages turn out to be dearer than they were. */
static void check_lies(int seed, bool strangers, bool wait)
{
	struct lies u = { .wait = wait };
	double began_s, honest_kib, share;

	open_merging_host(seed, HONEST);
	start_liars(3.5, strangers);
	loop_run(l, HOUR_S / 2.0, NULL, NULL);
	began_s = l->plant.ksmd_s;
	honest_kib = honest_merged_kib();
	ck_assert_msg(honest_kib > 8 * PLANT_GIB, "seed %d: nothing has merged", seed);
	loop_run(l, 4.0 * HOUR_S, write_all_again, &u);
	share = (l->plant.ksmd_s - began_s) / (4.0 * HOUR_S);
	ck_assert_msg(u.n >= 3, "seed %d: written to only %u times", seed, u.n);
	ck_assert_msg(share < 0.12, "seed %d, %u times: %.1f %% of a CPU", seed, u.n, 100 * share);
	ck_assert_msg(u.most_cpus < 0.85, "seed %d: %.0f %% of a CPU", seed, 100 * u.most_cpus);
	ck_assert_msg(honest_merged_kib() > 0.98 * honest_kib,
		      "seed %d: %.1f of %.1f GiB of the others are still merged", seed,
		      honest_merged_kib() / PLANT_GIB, honest_kib / PLANT_GIB);
	teardown();
}

START_TEST(guests_that_unmerge_all_the_time_waste_little_of_a_cpu)
{
	check_lies(_i, false, false);
	check_lies(_i, false, true);
}
END_TEST

START_TEST(processes_of_users_waste_no_more_of_it)
{
	check_lies(_i, true, false);
	check_lies(_i, true, true);
}
END_TEST

START_TEST(processes_of_users_alone_do_not_make_ksmd_run)
{
	struct lies u = { 0 };

	open_merging_host(_i, HONEST);
	for (unsigned int i = 0; i < HONEST; i++)
		l->plant.guest[i].stranger = true;
	start_liars(3.5, true);
	loop_run(l, HOUR_S, write_all_again, &u);
	ck_assert_msg(available_share() < 0.1, "memory is not short");
	ck_assert(!l->plant.ksm_run);
	ck_assert_uint_eq(l->plant.nksm_writes, 0);
}
END_TEST

/* ---- all that was merged is written to at once ------------------------------------------------
 */

enum { WRITERS = 6, STORM_S = 60 };

static struct day day[2]; /* without the loop, with it */

struct storm {
	double written, least_available; /* shares */
	double services_gib, available_share;
	unsigned int noom, norders, nlimits;
};

/* As fast as there is memory for the copies, and no faster than 4 GiB/s. */
static void write_on(struct loop *loop, void *context)
{
	struct storm *s = context;
	struct plant *p = &loop->plant;
	double room_kib = plant_free_kib(p) - 0.005 * plant_total_kib(p);
	double kib = fmin(4 * PLANT_GIB * loop->tick_s, fmax(0, room_kib));

	s->written = fmin(1, s->written + kib / (WRITERS * 8 * PLANT_GIB));
	for (unsigned int i = NIDLE; i < NIDLE + WRITERS; i++)
		plant_rewrite(p, i, s->written, PLANT_UNIQUE);
	s->least_available = fmin(s->least_available, available_share());
	live_on(loop, &day[loop->conf.memory.mode == LOOP_ACTIVE]);
}

/* 78 GiB of guests and services on a host of 64, of which KSM has merged 36. */
static void begin_storm(int seed, bool active, double swap_gib)
{
	memset(&day[active], 0, sizeof day[active]);
	day[active].seed = seed;
	open_host(seed, PLANT_SSD, swap_gib);
	l->conf.ksm.mode = LOOP_ACTIVE;
	l->conf.memory.mode = active ? LOOP_ACTIVE : LOOP_OFF;
	plant_start_services(&l->plant, 4, 0.3);
	for (int i = 0; i < NIDLE + WRITERS; i++) {
		bool writes = i >= NIDLE;
		struct plant_guest *g = plant_start(&l->plant, 4, writes ? 8 : 3);

		g->hot_kib = (writes ? 1 : 0.25) * g->memory_kib;
		g->demand_cpus = writes ? 2 : plant_random(&l->plant, 0.02, 0.2);
		g->duplicate_share = writes ? 0.9 : 0;
		g->kib_per_s = 20 * 1024;
	}
	loop_run(l, HOUR_S, live_on, &day[active]);
	ck_assert_msg(plant_merged_kib(&l->plant) > 35 * PLANT_GIB, "seed %d: %.1f GiB merged",
		      seed, plant_merged_kib(&l->plant) / PLANT_GIB);
	ck_assert_uint_eq(count_orders() + l->plant.noom, 0);
}

/* Stalls wake the daemon each second meanwhile. */
static struct storm storm(int seed, bool active, double swap_gib)
{
	struct storm s = { .least_available = 1 };

	begin_storm(seed, active, swap_gib);
	l->interval_s = 1;
	loop_run(l, STORM_S, write_on, &s);
	l->interval_s = LOOP_TICK_S;
	loop_run(l, 600, live_on, &day[active]);
	s.services_gib = l->plant.services.swapped_out_kib / PLANT_GIB;
	s.available_share = available_share();
	s.noom = l->plant.noom;
	s.norders = count_orders();
	s.nlimits = count_limits();
	ck_assert_msg(s.least_available < 0.05, "seed %d: %.1f %% was left", seed,
		      100 * s.least_available);
	ck_assert_uint_eq(day[active].nbusy_squeezed, 0);
	teardown();
	return s;
}

/* Nothing keeps the copies' room free: there has to be swap.  The loop makes it no worse for
 * anybody, and what the host lacks afterwards is got back from who does not use it. */
START_TEST(all_merged_pages_written_to_at_once_go_to_swap)
{
	struct storm without = storm(_i, false, 48), with = storm(_i, true, 48);

	ck_assert_msg(with.written >= 1 && without.written >= 1, "seed %d: %.2f written", _i,
		      with.written);
	ck_assert_uint_eq(with.noom + without.noom, 0);
	ck_assert_msg(with.services_gib < without.services_gib + 0.05,
		      "seed %d: %.2f GiB of services swapped, %.2f without", _i, with.services_gib,
		      without.services_gib);
	ck_assert_msg(worst_excess(&day[1].stalls, &day[0].stalls) < 0.05,
		      "seed %d: stalled %.1f %% of a minute more", _i,
		      100 * worst_excess(&day[1].stalls, &day[0].stalls));
	ck_assert_msg(with.norders > 0 && with.available_share > without.available_share + 0.05,
		      "seed %d: %.1f %% available, %.1f without", _i, 100 * with.available_share,
		      100 * without.available_share);
	ck_assert_uint_eq(with.nlimits, 0);
}
END_TEST

/* The last copies have no room; a kernel kills somebody then. */
START_TEST(where_there_is_no_swap_the_loop_cannot_help)
{
	struct storm with = storm(_i, true, 0);

	ck_assert_msg(with.written < 0.9, "seed %d: %.2f written", _i, with.written);
	ck_assert_uint_eq(with.norders + with.nlimits, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		guests_that_unmerge_all_the_time_waste_little_of_a_cpu,
		processes_of_users_waste_no_more_of_it,
		processes_of_users_alone_do_not_make_ksmd_run,
		all_merged_pages_written_to_at_once_go_to_swap,
		where_there_is_no_swap_the_loop_cannot_help,
	};
	Suite *s = suite_create("sim_threats");
	TCase *c = tcase_create("threats");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_set_timeout(c, 120);
	for (size_t i = 0; i < KT_ARRAY_LEN(tests); i++)
		tcase_add_loop_test(c, tests[i], FIRST_SEED, LAST_SEED + 1);
	suite_add_tcase(s, c);
	return kt_run(s);
}
