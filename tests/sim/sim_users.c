/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes of it when a user of the host takes memory or CPUs and gives them back, again and
 * again, so that guests are squeezed, merged and moved?  See kvmtuned-security(7). */
#include "sim_memory.h"

enum { FIRST_SEED = 1, LAST_SEED = 3 };

static struct day day[2]; /* without the loop, with it */

struct hog {
	double gib, until_s;
	bool on;
};

/* 12 GiB, by 2 a second. */
static void take_and_give_memory(struct loop *loop, void *context)
{
	struct hog *h = context;
	struct plant *p = &loop->plant;

	live_on(loop, &day[loop->conf.memory.mode == LOOP_ACTIVE]);
	if (p->now_s >= h->until_s) {
		h->on = !h->on;
		h->until_s = p->now_s + plant_random(p, 30, 300);
	}
	h->gib = h->on ? fmin(12, h->gib + 2 * loop->tick_s) : 0;
	p->os_kib += h->gib * PLANT_GIB;
}

static void live_beside_a_hog(int seed, bool active)
{
	struct hog h = { 0 };

	memset(&day[active], 0, sizeof day[active]);
	day[active].seed = seed;
	open_host(seed, PLANT_SSD, 48);
	l->conf.memory.mode = active ? LOOP_ACTIVE : LOOP_OFF;
	l->conf.ksm.mode = LOOP_ACTIVE;
	plant_start_services(&l->plant, 4, 0.3);
	start_idle_guests(0.2, 0.05);
	start_busy_guests(0.2);
	loop_run(l, 3 * HOUR_S, take_and_give_memory, &h);
}

/* live_on looks at each plan: nobody below its floor, nobody busy, no more than is lacking. */
START_TEST(memory_that_a_user_takes_again_and_again_costs_idle_guests_little)
{
	double ksmd_share;

	live_beside_a_hog(_i, false);
	teardown();
	live_beside_a_hog(_i, true);
	ksmd_share = l->plant.ksmd_s / (3 * HOUR_S);
	ck_assert_msg(count_orders() > NIDLE, "seed %d: %u steps", _i, count_orders());
	ck_assert_msg(worst_excess(&day[1].stalls, &day[0].stalls) < 0.02,
		      "seed %d: stalled %.2f %% of a minute more", _i,
		      100 * worst_excess(&day[1].stalls, &day[0].stalls));
	ck_assert_uint_eq(day[1].nbusy_squeezed + l->plant.noom, 0);
	ck_assert_msg(ksmd_share < 0.12, "seed %d: %.1f %% of a CPU for ksmd", _i,
		      100 * ksmd_share);
}
END_TEST

/* The user's process is guest 0 of the plant. */
static void go_to_another_node(struct loop *loop, void *context)
{
	struct plant *p = &loop->plant;
	double *next_s = context;

	if (p->now_s < *next_s)
		return;
	*next_s = p->now_s + plant_random(p, 30, 300);
	p->guest[0].has_admin_mask = true;
	p->guest[0].admin_mask = p->topology.node[(size_t)plant_random(p, 0, p->nnodes)].cpus;
}

/* Returns which share of what they want guests wait for. */
static double live_beside_a_wanderer(int seed, bool active)
{
	double next_s = 0, waited_s = 0, ran_s = 0;

	l = loop_new();
	plant_init(&l->plant, (uint64_t)seed, 4, 16, 128);
	l->conf.ksm.mode = l->conf.memory.mode = LOOP_OFF;
	l->conf.placement.mode = active ? LOOP_ACTIVE : LOOP_OFF;
	*plant_start(&l->plant, 16, 1) =
		(struct plant_guest){ .running = true, .stranger = true, .demand_cpus = 16 };
	for (int i = 0; i < 16; i++) {
		struct plant_guest *g = plant_start(&l->plant, 4, 16);

		g->kib_per_s = 1e9;
		g->demand_cpus = plant_random(&l->plant, 0.5, 3);
	}
	loop_run(l, 4 * HOUR_S, go_to_another_node, &next_s);
	for (unsigned int i = 1; i < l->plant.nguests; i++) {
		waited_s += l->plant.guest[i].delay_s;
		ran_s += l->plant.guest[i].run_s;
	}
	return waited_s / (waited_s + ran_s);
}

START_TEST(cpus_that_a_user_takes_here_and_there_move_a_guest_a_few_times_an_hour)
{
	double without, with;

	without = live_beside_a_wanderer(_i, false);
	teardown();
	with = live_beside_a_wanderer(_i, true);
	ck_assert_msg(without > 0.05, "seed %d: guests do not suffer", _i);
	ck_assert_msg(with < without, "seed %d: waiting for %.1f %%, %.1f without", _i, 100 * with,
		      100 * without);
	for (unsigned int i = 1; i < l->plant.nguests; i++)
		ck_assert_msg(l->plant.guest[i].npins <= 1 + 4 * 8, "seed %d: %u times in 4 h", _i,
			      l->plant.guest[i].npins);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		memory_that_a_user_takes_again_and_again_costs_idle_guests_little,
		cpus_that_a_user_takes_here_and_there_move_a_guest_a_few_times_an_hour,
	};
	Suite *s = suite_create("sim_users");
	TCase *c = tcase_create("users");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_set_timeout(c, 120);
	for (size_t i = 0; i < KT_ARRAY_LEN(tests); i++)
		tcase_add_loop_test(c, tests[i], FIRST_SEED, LAST_SEED + 1);
	suite_add_tcase(s, c);
	return kt_run(s);
}
