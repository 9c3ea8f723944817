/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which caches and cores do guests get, of their nodes? */
#include "placement_fixture.h"

#define NODE(n) (UINT64_C(1) << (n))

/* Two caches on each node, of so many CPUs a core. */
static void caches(unsigned int threads)
{
	fx.conf.placement.pin = PIN_CACHE;
	fx.topology.ncaches = 4;
	for (unsigned int c = 0; c < 4; c++)
		fx.topology.cache[c] = (struct cache_topology){ .node = c / 2,
								.ncores = 4 / threads,
								.cpus = cpus_of(4 * c, 4 * c + 3) };
	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		fx.topology.core_of[cpu] = (uint16_t)(cpu / threads);
	for (unsigned int n = 0; n < 2; n++)
		fx.topology.node[n].ncores = 8 / threads;
}

/* Cores of two CPUs, and no caches. */
static void cores(void)
{
	caches(2);
	fx.topology.ncaches = 0;
	fx.conf.placement.pin = PIN_CORE;
}

/* Its memory, and so its home, is on this node. */
static size_t guest_on(unsigned int node, unsigned int vcpus, double cpus)
{
	size_t slot = fx.view.nslots;

	fixture_guest(cpus);
	fx.domain[slot].vcpus = vcpus;
	fixture_threads(slot, vcpus);
	fixture_memory_on(slot, node == 0 ? G(4) : 0, node == 1 ? G(4) : 0);
	return slot;
}

static void pinned_to(size_t slot, unsigned int first, unsigned int last)
{
	fixture_pinned(slot, (int)first / 8);
	fx.in_force.guest[slot].cpus = cpus_of(first, last);
}

static void has(const char *name, const struct cpumask *cpus, unsigned int first, unsigned int last)
{
	struct cpumask expected = cpus_of(first, last);
	char buf[KT_CPULIST_MAX];

	ck_assert_msg(cpumask_equal(cpus, &expected), "%s: CPUs %s, not %u-%u", name,
		      cpumask_str(cpus, buf, sizeof buf), first, last);
}

static void vcpus_have(const char *name, size_t slot, unsigned int first, unsigned int last)
{
	has(name, &plan_of(slot)->cell[0].cpus, first, last);
}

/* ---- caches --------------------------------------------------------------------------- */

START_TEST(guests_of_a_node_are_spread_over_its_caches)
{
	caches(1);
	(void)guest_on(0, 4, 3);
	(void)guest_on(0, 4, 3);
	(void)guest_on(1, 4, 3);
	(void)step();
	vcpus_have("the first", 0, 0, 3);
	vcpus_have("the second", 1, 4, 7);
	vcpus_have("on the other node", 2, 8, 11);
	has("helpers of the first", &plan_of(0)->helpers, 4, 7);
	ck_assert_uint_eq(plan_of(0)->nodes, NODE(0));
	ck_assert_ptr_null(plan_of(0)->core_of);
}
END_TEST

static const struct {
	const char *name;
	unsigned int vcpus;
	double cpus;
	unsigned int reserved_first, reserved_last; /* none: 99 */
	unsigned int first, last;
} fits[] = {
	{ "as many vCPUs as a cache has CPUs", 4, 3, 99, 99, 0, 3 },
	{ "a vCPU more", 5, 3, 99, 99, 0, 7 },
	{ "all that the cache gives is wanted", 4, 4, 99, 99, 0, 3 },
	{ "clearly more is wanted", 4, 4.9, 99, 99, 0, 7 },
	{ "a CPU of the first cache is reserved", 4, 3, 0, 0, 4, 7 },
	{ "a CPU of each cache is reserved", 4, 3, 3, 4, 0, 7 },
	{ "what is left of the cache is enough", 3, 2, 3, 4, 0, 2 },
};

START_TEST(a_guest_has_a_cache_when_it_fits)
{
	struct cpumask reserved, expected;

	caches(1);
	(void)guest_on(0, fits[_i].vcpus, fits[_i].cpus);
	/* What is more than its vCPUs can want, its other threads do. */
	fx.view.guest[0].run_cpus = fits[_i].cpus;
	if (fits[_i].reserved_first < 99)
		fx.conf.placement.reserved_cpus =
			cpus_of(fits[_i].reserved_first, fits[_i].reserved_last);
	(void)step();
	reserved = fx.conf.placement.reserved_cpus;
	expected = cpus_of(fits[_i].first, fits[_i].last);
	expected = cpumask_andnot(&expected, &reserved);
	ck_assert_msg(cpumask_equal(&plan_of(0)->cell[0].cpus, &expected), "%s", fits[_i].name);
}
END_TEST

static const struct {
	const char *name;
	double cpus; /* of the second of two in the first cache; the other one's are 2 */
	bool parted;
} crowds[] = {
	{ "there is room for both", 2, false },
	{ "a little too much", 2.08, false },
	{ "more than a change costs", 2.1, true },
};

START_TEST(a_cache_is_left_for_a_clear_gain)
{
	caches(1);
	(void)guest_on(0, 4, 2);
	(void)guest_on(0, 4, crowds[_i].cpus);
	pinned_to(0, 0, 3);
	pinned_to(1, 0, 3);
	(void)step();
	ck_assert_msg(cpumask_equal(&plan_of(0)->cell[0].cpus, &plan_of(1)->cell[0].cpus) !=
			      crowds[_i].parted,
		      "%s", crowds[_i].name);
}
END_TEST

START_TEST(a_cache_is_taken_for_a_clear_gain)
{
	caches(1);
	(void)guest_on(0, 4, 2);
	pinned_to(0, 0, 7);
	(void)step();
	vcpus_have("on the whole node, and better so", 0, 0, 7);
	fixture_wants(0, 2.1);
	(void)step();
	vcpus_have("wants more", 0, 0, 3);
	fixture_wants(0, 2);
	fixture_pinned(0, 1);
	fx.in_force.guest[0].cpus = cpus_of(8, 15);
	fixture_memory_on(0, G(4), 0);
	fx.conf.placement.memory = MEMORY_LEAVE;
	(void)step();
	ck_assert_uint_eq(plan_of(0)->nodes, NODE(0));
	vcpus_have("its masks change in any case", 0, 0, 3);
}
END_TEST

START_TEST(who_changes_often_changes_its_cache_late)
{
	caches(1);
	(void)guest_on(0, 4, 2);
	(void)guest_on(0, 4, 2.3);
	for (size_t i = 0; i < 2; i++) {
		pinned_to(i, 0, 3);
		fx.state.placement.guest[i] =
			(struct placement_guest){ .incarnation = (uint32_t)i + 1,
						  .backoff_cpus = 0.5,
						  .backoff_ns = fx.view.now_ns };
	}
	(void)step();
	vcpus_have("backs off", 0, 0, 3);
	vcpus_have("backs off", 1, 0, 3);
	fx.state.placement.guest[1].backoff_cpus = 0;
	(void)step();
	vcpus_have("backs off", 0, 0, 3);
	vcpus_have("does not", 1, 4, 7);
}
END_TEST

START_TEST(a_guest_leaves_a_cache_that_its_new_vcpus_do_not_fit)
{
	caches(1);
	(void)guest_on(0, 4, 1);
	pinned_to(0, 0, 3);
	(void)step();
	vcpus_have("four vCPUs", 0, 0, 3);
	fx.domain[0].vcpus = 5;
	(void)step();
	vcpus_have("five vCPUs", 0, 0, 7);
}
END_TEST

/* Its masks change in any case: it need not wait for the end of its cool-down on the whole node. */
START_TEST(who_has_to_leave_its_node_at_once_gets_a_cache_at_once)
{
	caches(1);
	(void)guest_on(1, 4, 2);
	pinned_to(0, 8, 11);
	fx.in_force.guest[0].pin_changed_ns = fx.view.now_ns;
	fx.conf.placement.reserved_cpus = cpus_of(8, 15);
	(void)step();
	vcpus_have("all of its node is reserved", 0, 0, 3);
}
END_TEST

START_TEST(the_load_of_others_lies_on_all_caches_of_the_node)
{
	caches(1);
	(void)guest_on(1, 4, 3);
	fx.view.node_busy_cpus[1] = 3;
	fx.conf.placement.memory = MEMORY_LEAVE;
	(void)step(); /* 1.5 on each: half a CPU would be missing, which the node has */
	ck_assert_double_eq_tol(fx.state.placement.pack.bin[0].base_cpus, 1.5, 1e-9);
	vcpus_have("better on the whole node", 0, 8, 15);
}
END_TEST

START_TEST(one_cache_is_no_choice)
{
	caches(1);
	fx.topology.cache[1].node = 7;
	(void)guest_on(0, 4, 3);
	(void)guest_on(1, 4, 3);
	(void)step();
	vcpus_have("one cache is known", 0, 0, 7);
	vcpus_have("two caches", 1, 8, 11);
	fx.topology.ncaches = 0;
	(void)step();
	vcpus_have("none is known", 1, 8, 15);
}
END_TEST

/* No machine has them. */
START_TEST(of_more_caches_than_can_be_looked_at_none_is_chosen)
{
	caches(1);
	fx.topology.ncaches = 66; /* of which node 0 has two */
	for (unsigned int i = 4; i < 66; i++)
		fx.topology.cache[i] = fx.topology.cache[3];
	(void)guest_on(0, 4, 3);
	(void)guest_on(1, 4, 3);
	(void)step();
	has("two caches", &plan_of(0)->cell[0].cpus, 0, 3);
	ck_assert_uint_eq(cpumask_count(&plan_of(1)->cell[0].cpus), 4);
	fx.topology.cache[0].node = 1;
	(void)step();
	vcpus_have("sixty-five caches", 1, 8, 15);
}
END_TEST

START_TEST(cells_stay_on_their_nodes)
{
	caches(1);
	(void)guest_on(0, 4, 0.2);
	fx.domain[0].ncells = 2;
	for (unsigned int c = 0; c < 2; c++) {
		fx.domain[0].cell[c].vcpus = cpus_of(2 * c, 2 * c + 1);
		fx.domain[0].cell[c].memory_kib = G(4);
	}
	(void)step();
	ck_assert_uint_eq(plan_of(0)->ncells, 2);
	vcpus_have("all of the node", 0, 0, 7);
	has("and so the other", &plan_of(0)->cell[1].cpus, 0, 7);
}
END_TEST

/* ---- cores ------------------------------------------------------------------------------ */

START_TEST(each_vcpu_has_a_core_while_there_are_cores)
{
	cores();
	(void)guest_on(0, 2, 0.5);
	(void)guest_on(0, 1, 0.5);
	(void)guest_on(0, 2, 0.5);
	(void)guest_on(0, 1, 0.5);
	(void)guest_on(1, 4, 0.5);
	(void)step();
	vcpus_have("two cores", 0, 0, 3);
	vcpus_have("one core", 1, 4, 5);
	vcpus_have("too few are left: all of the node", 2, 0, 7);
	vcpus_have("one is left", 3, 6, 7);
	vcpus_have("the other node has its own", 4, 8, 15);
	for (size_t i = 0; i < 5; i++)
		ck_assert_msg((plan_of(i)->core_of == fx.topology.core_of) == (i != 2), "%zu", i);
	has("helpers beside the cores", &plan_of(0)->helpers, 4, 7);
	has("no CPU is beside them", &plan_of(4)->helpers, 8, 15);
	has("helpers of whom has none", &plan_of(2)->helpers, 0, 7);
}
END_TEST

START_TEST(guests_keep_the_cores_that_they_have)
{
	cores();
	(void)guest_on(0, 2, 0.5);
	(void)guest_on(0, 2, 0.5);
	pinned_to(1, 0, 3);
	(void)step();
	vcpus_have("kept", 1, 0, 3);
	vcpus_have("what is left", 0, 4, 7);
	pinned_to(0, 0, 3); /* how ever this came */
	(void)step();
	vcpus_have("the first keeps them", 0, 0, 3);
	vcpus_have("the second does not", 1, 4, 7);
}
END_TEST

START_TEST(cores_fit_the_number_of_vcpus)
{
	cores();
	(void)guest_on(0, 1, 0.5);
	(void)guest_on(0, 3, 0.5);
	pinned_to(0, 2, 5);
	pinned_to(1, 6, 7);
	(void)step();
	vcpus_have("a core too many", 0, 0, 1);
	vcpus_have("two too few", 1, 2, 7);
	pinned_to(0, 1, 1);
	(void)step();
	vcpus_have("half a core is what it has", 0, 1, 1);
	vcpus_have("the other half is nobody's", 1, 2, 7);
}
END_TEST

/* There are no more cores than CPUs: the number of none. */
START_TEST(a_cpu_of_no_core_is_nobodys_core)
{
	cores();
	fx.topology.core_of[0] = KT_CPUS_MAX - 1;
	fx.topology.core_of[1] = KT_CPUS_MAX;
	(void)guest_on(0, 2, 0.5);
	(void)step();
	ck_assert_ptr_nonnull(plan_of(0)->core_of);
	ck_assert(cpumask_test(&plan_of(0)->cell[0].cpus, 0));
	ck_assert(!cpumask_test(&plan_of(0)->cell[0].cpus, 1));
}
END_TEST

START_TEST(reserved_cpus_are_nobodys_core)
{
	cores();
	fx.conf.placement.reserved_cpus = cpus_of(0, 2);
	(void)guest_on(0, 2, 0.5);
	(void)step();
	vcpus_have("what is left of a core is one", 0, 3, 5);
	has("helpers", &plan_of(0)->helpers, 0, 2);
}
END_TEST

START_TEST(cores_are_of_the_cache_that_the_guest_has)
{
	caches(2);
	fx.conf.placement.pin = PIN_CORE;
	(void)guest_on(0, 2, 1.5);
	(void)guest_on(0, 1, 1);
	(void)guest_on(0, 3, 0.1);
	(void)step();
	vcpus_have("all cores of a cache", 0, 4, 7);
	vcpus_have("a core of the other cache", 1, 0, 1);
	ck_assert_ptr_null(plan_of(2)->core_of); /* three cores: no cache has so many */
	vcpus_have("a cache", 2, 0, 3);
}
END_TEST

START_TEST(cores_are_not_for_cells)
{
	cores();
	(void)guest_on(0, 4, 0.2);
	fx.domain[0].ncells = 2;
	for (unsigned int c = 0; c < 2; c++) {
		fx.domain[0].cell[c].vcpus = cpus_of(2 * c, 2 * c + 1);
		fx.domain[0].cell[c].memory_kib = G(4);
	}
	(void)step();
	ck_assert_ptr_null(plan_of(0)->core_of);
	vcpus_have("all of the node", 0, 0, 7);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("placement_pins");
	TCase *c = tcase_create("pins");

	tcase_add_checked_fixture(c, fixture_reset, NULL);
	tcase_add_test(c, guests_of_a_node_are_spread_over_its_caches);
	tcase_add_loop_test(c, a_guest_has_a_cache_when_it_fits, 0, (int)KT_ARRAY_LEN(fits));
	tcase_add_loop_test(c, a_cache_is_left_for_a_clear_gain, 0, (int)KT_ARRAY_LEN(crowds));
	tcase_add_test(c, a_cache_is_taken_for_a_clear_gain);
	tcase_add_test(c, who_changes_often_changes_its_cache_late);
	tcase_add_test(c, a_guest_leaves_a_cache_that_its_new_vcpus_do_not_fit);
	tcase_add_test(c, who_has_to_leave_its_node_at_once_gets_a_cache_at_once);
	tcase_add_test(c, the_load_of_others_lies_on_all_caches_of_the_node);
	tcase_add_test(c, one_cache_is_no_choice);
	tcase_add_test(c, of_more_caches_than_can_be_looked_at_none_is_chosen);
	tcase_add_test(c, cells_stay_on_their_nodes);
	tcase_add_test(c, each_vcpu_has_a_core_while_there_are_cores);
	tcase_add_test(c, guests_keep_the_cores_that_they_have);
	tcase_add_test(c, cores_fit_the_number_of_vcpus);
	tcase_add_test(c, a_cpu_of_no_core_is_nobodys_core);
	tcase_add_test(c, reserved_cpus_are_nobodys_core);
	tcase_add_test(c, cores_are_of_the_cache_that_the_guest_has);
	tcase_add_test(c, cores_are_not_for_cells);
	suite_add_tcase(s, c);
	return kt_run(s);
}
