/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is decided of guests that are not known yet, and when all is only said? */
#include "placement_fixture.h"

#define NODE(n) (UINT64_C(1) << (n))

/* ---- guests that are not measured ------------------------------------------------------ */

/* Its process is so old when it is first seen. */
static void guest_of_age(double age_s)
{
	const double started_s = 5000;

	fixture_guest(0);
	fixture_memory_on(0, G(2), 0);
	fx.sample[0].start_ticks = (uint64_t)(started_s * 100);
	fx.view.guest[0].first_seen_ns = SECONDS(5000) + (uint64_t)(age_s * 1e9);
	fx.view.guest[0].demand = (struct demand){ 0 };
}

static const struct {
	const char *name;
	double age_s, measured_s;
	bool pinned; /* by us, in a life before */
	enum wish wish;
	enum why why;
} olds[] = {
	{ "has just started", 0, 0, false, WISH_SET, WHY_HOME_BY_MEMORY },
	{ "started a minute before", 60, 0, false, WISH_SET, WHY_HOME_BY_MEMORY },
	{ "a little earlier", 60.001, 0, false, WISH_HOLD, WHY_NOT_MEASURED },
	{ "and measured once", 60.001, 0.1, false, WISH_SET, WHY_HOME_BY_MEMORY },
	{ "started hours before", 4900, 0, false, WISH_HOLD, WHY_NOT_MEASURED },
	{ "our own pin is held too", 4900, 0, true, WISH_HOLD, WHY_NOT_MEASURED },
	{ "a clock that stood still", -1000, 0, false, WISH_SET, WHY_HOME_BY_MEMORY },
};

START_TEST(a_guest_that_was_there_before_us_is_left_alone_until_it_is_measured)
{
	guest_of_age(olds[_i].age_s);
	fx.view.guest[0].demand.age_s = olds[_i].measured_s;
	if (olds[_i].pinned)
		fixture_pinned(0, 0);
	expect(olds[_i].name, step(), olds[_i].wish == WISH_SET ? 0 : -1, olds[_i].wish,
	       olds[_i].why);
}
END_TEST

START_TEST(other_reasons_are_said_first)
{
	guest_of_age(4900);
	fx.domain[0].realtime = true;
	expect("realtime", step(), -1, WISH_RELEASE, WHY_REALTIME);
}
END_TEST

/* A number from /proc that no host has. */
START_TEST(a_start_in_the_far_future_is_no_overflow)
{
	guest_of_age(0);
	fx.sample[0].start_ticks = UINT64_MAX;
	expect("new, as far as one can tell", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(what_is_not_measured_is_load_all_the_same)
{
	guest_of_age(4900);
	fx.view.node_busy_cpus[0] = fx.view.guest[0].run_cpus = 6;
	fixture_guest(3);
	(void)step();
	expect("where it does not run", plan_of(1), 1, WISH_SET, WHY_NODE_CROWDED);
}
END_TEST

/* ---- all at once --------------------------------------------------------------------------- */

enum { NCROWD = 100, NNODES = 8 };

static struct domain crowd_domain[NCROWD];
static struct guest_sample crowd_sample[NCROWD];

/* Of one vCPU and 4 GiB, in turn on eight nodes of 20 CPUs. */
static void crowd(void)
{
	fx.topology.ncpu_nodes = fx.topology.nnodes = 0;
	for (unsigned int n = 0; n < NNODES; n++)
		fixture_node(n, 20 * n, 20, G(128), G(64));
	for (unsigned int a = 0; a < NNODES; a++)
		for (unsigned int b = a + 1; b < NNODES; b++)
			fixture_distance(a, b, a / 4 == b / 4 ? 12 : 21);
	fx.view.nslots = 0;
	for (size_t i = 0; i < NCROWD; i++) {
		fixture_guest(0.5);
		crowd_domain[i] = fx.domain[0];
		crowd_sample[i] = fx.sample[0];
		crowd_domain[i].vcpus = 1;
		crowd_domain[i].memory_kib = G(4);
		crowd_sample[i].nthreads = 0;
		memset(crowd_sample[i].node_memory_kib, 0, sizeof crowd_sample[i].node_memory_kib);
		crowd_sample[i].node_memory_kib[i % NNODES] = G(4);
		fx.view.guest[i] = fx.view.guest[0];
		fx.view.guest[i].domain = &crowd_domain[i];
		fx.view.guest[i].sample = &crowd_sample[i];
		fx.view.guest[i].incarnation = (uint32_t)i + 1;
		fx.in_force.guest[i].incarnation = (uint32_t)i + 1;
		fx.view.nslots = 0;
	}
	fx.view.nslots = fx.view.npresent = NCROWD;
}

START_TEST(a_hundred_guests_are_placed_by_the_first_step)
{
	crowd();
	(void)step();
	for (size_t i = 0; i < NCROWD; i++)
		expect("beside its memory", plan_of(i), (int)(i % NNODES), WISH_SET,
		       WHY_HOME_BY_MEMORY);
}
END_TEST

/* ---- a dry run ------------------------------------------------------------------------------ */

enum { NNOISY = 6, STEPS = 720 };

/* Around its mean, as bursts are; the same for both. */
static void noisy_demand(uint64_t *seed)
{
	for (size_t i = 0; i < NNOISY; i++) {
		double now = 2 * fixture_share(seed) * (double)(2 + i % 3);

		fx.view.guest[i].demand.fast += (now - fx.view.guest[i].demand.fast) * 0.6;
		fx.view.guest[i].demand.slow += (now - fx.view.guest[i].demand.slow) * 0.03;
		fx.view.guest[i].demand.variance = 1;
	}
}

static void noisy_guests(void)
{
	fixture_reset();
	for (size_t i = 0; i < NNOISY; i++) {
		fixture_guest(2);
		fixture_memory_on(i, i % 2 ? G(4) : G(3), i % 2 ? G(3) : G(4));
	}
}

/* How often what is wished of a guest is something new. */
static unsigned int changes_in_an_hour(int run, bool dry_run)
{
	uint64_t seed = fixture_seed(run), last[NNOISY] = { 0 };
	unsigned int n = 0;

	noisy_guests();
	for (unsigned int t = 0; t < STEPS; t++) {
		fixture_later(5);
		noisy_demand(&seed);
		(void)step();
		for (size_t i = 0; i < NNOISY; i++) {
			n += t > 0 && plan_of(i)->nodes != last[i];
			last[i] = plan_of(i)->nodes;
			fx.plan.guest[i].placement.dry_run = dry_run;
			placement_policy_pretend(&fx.state.placement, i, plan_of(i),
						 fx.view.now_ns);
			if (!dry_run)
				carry_out(i);
		}
	}
	return n;
}

START_TEST(what_is_only_said_changes_no_more_often_than_what_is_done)
{
	unsigned int done = changes_in_an_hour(_i, false), said = changes_in_an_hour(_i, true);

	/* A pin is seen a step after it was wished: they part sooner or later. */
	ck_assert_msg(4 * said <= 5 * done, "%u times, and %u when it is done", said, done);
	ck_assert_uint_gt(done, 0);
}
END_TEST

/* At home on node 0, by word only; its memory, which stays where it is, is on node 1 since. */
static void said_to_be_at_home(void)
{
	fixture_guest(0.79);
	fixture_memory_on(0, G(10), 0);
	fx.conf.placement.memory = MEMORY_LEAVE;
	expect("said", step(), 0, WISH_SET, WHY_HOME_BY_MEMORY);
	fx.plan.guest[0].placement.dry_run = true;
	placement_policy_pretend(&fx.state.placement, 0, plan_of(0), fx.view.now_ns);
	fixture_memory_on(0, 0, G(10));
}

START_TEST(what_was_said_is_kept_until_another_home_is_clearly_better)
{
	said_to_be_at_home();
	fixture_later(7200); /* its back-off is forgotten */
	expect("less than a change costs", step(), 0, WISH_SET, WHY_HOME_KEPT);
	fixture_wants(0, 0.81);
	expect("more", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(what_was_said_a_moment_ago_cools_down)
{
	said_to_be_at_home();
	fixture_wants(0, 4);
	fixture_later(14);
	expect("just before the end", step(), 0, WISH_SET, WHY_COOLING_DOWN);
	fixture_later(1);
	expect("at the end", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

START_TEST(what_is_said_is_remembered_while_a_guest_is_left_alone)
{
	said_to_be_at_home();
	fixture_later(7200);
	fx.domain[0].busy = true;
	expect("migrates", step(), -1, WISH_HOLD, WHY_GUEST_BUSY);
	fx.plan.guest[0].placement.dry_run = true;
	placement_policy_pretend(&fx.state.placement, 0, plan_of(0), fx.view.now_ns);
	fx.domain[0].busy = false;
	expect("as before", step(), 0, WISH_SET, WHY_HOME_KEPT);
}
END_TEST

/* The loop becomes active: it is where it is. */
START_TEST(what_was_said_ends_with_the_dry_run)
{
	said_to_be_at_home();
	placement_policy_pretend(&fx.state.placement, 0, plan_of(0), fx.view.now_ns);
	fx.plan.guest[0].placement.dry_run = false;
	placement_policy_pretend(&fx.state.placement, 0, plan_of(0), fx.view.now_ns);
	ck_assert_uint_eq(fx.state.placement.guest[0].pretended[0], 0);
	ck_assert_uint_eq(fx.state.placement.guest[0].pretended_ns, 0);
	fixture_wants(0, 4);
	expect("no cool-down", step(), 1, WISH_SET, WHY_HOME_BY_MEMORY);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_start");
	TCase *c = tcase_create("start");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_loop_test(c, a_guest_that_was_there_before_us_is_left_alone_until_it_is_measured,
			    0, (int)KT_ARRAY_LEN(olds));
	tcase_add_test(c, other_reasons_are_said_first);
	tcase_add_test(c, a_start_in_the_far_future_is_no_overflow);
	tcase_add_test(c, what_is_not_measured_is_load_all_the_same);
	tcase_add_test(c, a_hundred_guests_are_placed_by_the_first_step);
	tcase_add_loop_test(c, what_is_only_said_changes_no_more_often_than_what_is_done, 1, 6);
	tcase_add_test(c, what_was_said_is_kept_until_another_home_is_clearly_better);
	tcase_add_test(c, what_was_said_a_moment_ago_cools_down);
	tcase_add_test(c, what_is_said_is_remembered_while_a_guest_is_left_alone);
	tcase_add_test(c, what_was_said_ends_with_the_dry_run);
	suite_add_tcase(s, c);
	return kt_run(s);
}
