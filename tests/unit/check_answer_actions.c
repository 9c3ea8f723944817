/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which actions does a plan come to, beside what is in force?  The plans are this file's. */
#include "answer_fixture.h"

static struct plan wished;
static size_t slot;

void arbiter_step(struct arbiter *state, const struct policy_conf *conf,
		  const struct host_view *view, const struct in_force *force, struct plan *ret)
{
	(void)state, (void)conf, (void)force;
	*ret = wished;
	ret->now_ns = view->now_ns;
	ret->nslots = view->nslots;
	ret->guest[slot].present = true;
	ret->guest[slot].incarnation = view->guest[slot].incarnation;
	ret->guest[slot].name = view->guest[slot].domain->name;
	ret->guest[slot].uuid = view->guest[slot].domain->uuid;
	ret->guest[slot].soft_limit_kib = view->guest[slot].domain->soft_limit_kib;
}

static void setup(void)
{
	answer_setup();
	slot = add_guest(1, "web");
	wished = (struct plan){ 0 };
	tick(now_monotonic_ns() + 3600 * KT_NS_PER_S); /* no plan samples anew */
	in_force->guest[slot].incarnation = k->domains->slot[slot].incarnation;
}

/* "what from to" of each, with a semicolon behind it. */
static const char *actions(void)
{
	static char text[512];
	size_t n = 0;
	char path[64];

	text[0] = '\0';
	ask(answer_plan, (struct question){ 0 });
	for (size_t i = 0; i < length_at("actions"); i++) {
		static const char *const members[] = { "what", "from", "to" };

		for (size_t m = 0; m < 3; m++) {
			snprintf(path, sizeof path, "actions.%zu.%s", i, members[m]);
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", text_at(path),
					      m < 2 ? " " : "; ");
		}
	}
	return text;
}

static struct ksm_plan scan(void)
{
	return (struct ksm_plan){ .wish = WISH_SET,
				  .why = WHY_BURST,
				  .run = true,
				  .pages_to_scan = 100,
				  .sleep_ms = 20 };
}

START_TEST(ksm_that_is_as_wished_is_left)
{
	wished.ksm = scan();
	ck_assert_str_eq(actions(), "");
	wished.ksm.run = false;
	wished.ksm.pages_to_scan = 7;
	ck_assert_str_eq(actions(), "run 1 0; ");
	put(KSM "/run", "2\n"); /* as stopped as 0 */
	ck_assert_str_eq(actions(), "");
	wished.ksm.wish = WISH_HOLD;
	wished.ksm.run = true;
	ck_assert_str_eq(actions(), "");
}
END_TEST

START_TEST(all_of_ksm_is_compared)
{
	wished.ksm = scan();
	wished.ksm.pages_to_scan = 200;
	wished.ksm.sleep_ms = 10;
	wished.ksm.sweep = wished.ksm.stops_advisor = true;
	wished.ksm.merge_across_nodes = KSM_SWITCH_OFF;
	wished.ksm.use_zero_pages = KSM_SWITCH_ON; /* as it is */
	k->sample->host.ksm.advisor = KSM_ADVISOR_SCAN_TIME;
	ck_assert_str_eq(actions(), "advisor_mode scan-time none; merge_across_nodes 1 0; "
				    "smart_scan 1 0; pages_to_scan 100 200; sleep_ms 20 10; ");
	ck_assert_str_eq(text_at("actions.0.reason"), "burst");
	in_force->ksm.ceded = true;
	ck_assert_str_eq(actions(), "");
}
END_TEST

START_TEST(a_sweep_of_ours_ends)
{
	wished.ksm = scan();
	put(KSM "/smart_scan", "0\n");
	ck_assert_str_eq(actions(), ""); /* somebody else's */
	in_force->ksm.sweeping = true;
	ck_assert_str_eq(actions(), "smart_scan 0 1; ");
}
END_TEST

static void wish_home(uint64_t nodes, unsigned int cpu)
{
	struct placement_plan *p = &wished.guest[slot].placement;

	*p = (struct placement_plan){ .wish = WISH_SET, .why = WHY_HOME_BY_LOAD, .nodes = nodes };
	p->ncells = 1;
	p->cell[0].nodes = nodes;
	cpumask_set(&p->cell[0].cpus, cpu);
}

static void home_in_force(uint64_t nodes, unsigned int cpu)
{
	struct guest_in_force *f = &in_force->guest[slot];

	f->pinned = true;
	f->nodes = f->cell_nodes[0] = nodes;
	f->ncells = 1;
	f->cpus = (struct cpumask){ 0 };
	cpumask_set(&f->cpus, cpu);
}

START_TEST(a_home_is_compared_with_the_one_in_force)
{
	wish_home(2, 3);
	ck_assert_str_eq(actions(), "home null 1; ");
	ck_assert_str_eq(text_at("actions.0.guest"), "web");
	ck_assert_str_eq(text_at("actions.0.uuid"), "00000000-0000-0000-0000-000000000001");
	home_in_force(1, 0);
	ck_assert_str_eq(actions(), "home 0 1; ");
	home_in_force(2, 2);
	ck_assert_str_eq(actions(), "home CPUs 2 CPUs 3; ");
	home_in_force(2, 3);
	ck_assert_str_eq(actions(), "");
	in_force->guest[slot].cell_nodes[0] = 3;
	ck_assert_str_eq(actions(), "home CPUs 3 CPUs 3; ");
	in_force->guest[slot].pin_off = true;
	ck_assert_str_eq(actions(), "");
}
END_TEST

START_TEST(memory_that_moves_is_planned_once)
{
	wish_home(2, 3);
	home_in_force(2, 3);
	wished.move = (struct move_plan){ .go = true, .slot = slot, .from = 1 };
	wished.move.why = WHY_MOVE_PAYS;
	ck_assert_str_eq(actions(), "move_memory 0 1; ");
	ck_assert_str_eq(text_at("actions.0.loop"), "placement");
	in_force->move.active = true;
	in_force->move.slot = slot;
	ck_assert_str_eq(actions(), "");
}
END_TEST

START_TEST(numa_balancing_is_planned_while_it_is_on)
{
	wished.numa_balancing = KSM_SWITCH_OFF;
	ck_assert_str_eq(actions(), "numa_balancing 1 0; ");
	k->sample->host.numa_balancing = 2; /* tiers of memory: none of ours */
	ck_assert_str_eq(actions(), "");
	k->sample->host.numa_balancing = 3;
	ck_assert_str_eq(actions(), "numa_balancing 3 2; ");
	in_force->balancing.ceded = true;
	ck_assert_str_eq(actions(), "");
}
END_TEST

START_TEST(memory_that_is_taken_is_planned)
{
	struct memory_plan *m = &wished.guest[slot].memory;

	*m = (struct memory_plan){ .wish = WISH_SET,
				   .why = WHY_IDLEST_UNDER_PRESSURE,
				   .means = MEMORY_RECLAIM,
				   .target_kib = 5 };
	ck_assert_str_eq(actions(), "reclaim_kib 8 5; ");
	m->target_kib = 8;
	ck_assert_str_eq(actions(), "");
	m->means = MEMORY_SOFT_LIMIT;
	m->dry_run = true;
	ck_assert_str_eq(actions(), "soft_limit_kib unlimited 8; ");
	ck_assert_str_eq(text_at("actions.0.dry_run"), "true");
	in_force->guest[slot].limited = true;
	in_force->guest[slot].soft_limit_kib = 8;
	ck_assert_str_eq(actions(), "");
	in_force->guest[slot].soft_limit_kib = 9;
	in_force->guest[slot].limit_off = true;
	ck_assert_str_eq(actions(), "");
}
END_TEST

START_TEST(when_it_will_look_again_is_told)
{
	wished.look_again_ns = KT_NS_PER_S / 2;
	(void)actions();
	ck_assert_double_eq_tol(number_at("look_again_in_s"), 0.5, 1e-6);
	wished.look_again_ns = 3600 * KT_NS_PER_S;
	(void)actions();
	ck_assert_double_eq_tol(number_at("look_again_in_s"), 5, 1e-6);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("answer_actions");
	TCase *c = tcase_create("actions");

	tcase_add_checked_fixture(c, setup, answer_teardown);
	tcase_add_test(c, ksm_that_is_as_wished_is_left);
	tcase_add_test(c, all_of_ksm_is_compared);
	tcase_add_test(c, a_sweep_of_ours_ends);
	tcase_add_test(c, a_home_is_compared_with_the_one_in_force);
	tcase_add_test(c, memory_that_moves_is_planned_once);
	tcase_add_test(c, numa_balancing_is_planned_while_it_is_on);
	tcase_add_test(c, memory_that_is_taken_is_planned);
	tcase_add_test(c, when_it_will_look_again_is_told);
	suite_add_tcase(s, c);
	return kt_run(s);
}
