/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much is taken of a guest, and what does it keep? */
#include "memory_fixture.h"

enum { HINT, THROTTLE, RECLAIM }; /* a limit on v1, on v2; memory.reclaim */

static const struct {
	const char *name;
	int means;
	uint64_t usage_kib, in_force_kib /* 0: none */;
	uint64_t permille, max_mib;
	unsigned int ngrown;
	uint64_t target_kib; /* 0: at the floor */
} lengths[] = {
	/* 16 MiB at first; 41943 KiB are 10 permille of 4 GiB; limits end at 64 KiB */
	{ "a hint, a step below usage", HINT, G4, 0, 10, 64, 0, 4177920 },
	{ "a throttle", THROTTLE, G4, 0, 10, 64, 0, 4177920 },
	{ "reclaim", RECLAIM, G4, 0, 10, 64, 0, G4 - 16384 },
	{ "a step below the hint in force", HINT, G4, G3, 10, 64, 0, 3129344 },
	{ "a limit above usage says nothing", HINT, G4, G4 + 65536, 10, 64, 0, 4177920 },
	{ "a hint may go further at once", HINT, G4, 0, 50, 1024, 4, 3932160 },
	{ "so may reclaim", RECLAIM, G4, 0, 50, 1024, 4, 3932160 },
	{ "a throttle may not", THROTTLE, G4, 0, 50, 1024, 4, 4152384 },
	{ "a throttle is there already", THROTTLE, G4, 4152384, 10, 64, 2, 0 },
	{ "a throttle is all but there", THROTTLE, G4, 4152384 + 1023, 10, 64, 2, 0 },
	{ "a throttle is a step above", THROTTLE, G4, 4152384 + 1024, 10, 64, 2, 4152384 },
	{ "the largest step", RECLAIM, 6553600, 0, 10, 64, 3, 6488064 },
	{ "just past the largest step", RECLAIM, 6553700, 0, 10, 64, 3, 6488164 },
	{ "the smallest step", RECLAIM, G4, 0, 1, 1, 0, G4 - 1024 },
	{ "a hundredth is too little for a step", RECLAIM, 2 * G8_QUARTER, 0, 1, 64, 0, G4 - 4194 },
	{ "down to the floor", RECLAIM, 2118335, 0, 10, 64, 1, G8_QUARTER },
	{ "not below the floor", RECLAIM, 2100000, 0, 10, 64, 0, G8_QUARTER },
	{ "just far enough above the floor", RECLAIM, G8_QUARTER + 1024, 0, 10, 64, 0, G8_QUARTER },
	{ "just not far enough above the floor", RECLAIM, G8_QUARTER + 1023, 0, 10, 64, 0, 0 },
	{ "at the floor", RECLAIM, G8_QUARTER, 0, 10, 64, 0, 0 },
	{ "below the floor", RECLAIM, G8_QUARTER - 1, 0, 10, 64, 0, 0 },
	{ "a hint down to the floor", HINT, G8_QUARTER + 2048, 0, 10, 64, 0, G8_QUARTER },
	{ "no usage", HINT, 0, 0, 10, 64, 0, 0 },
};

static void given_means(int means)
{
	fx.sample[0].cgroup_v2 = means != HINT;
	fx.sample[0].has_reclaim = means == RECLAIM;
}

/* As if so many steps had done no harm, the last one a while ago. */
static void given_grown(unsigned int ngrown)
{
	fx.state.memory.guest[0] = (struct memory_guest_state){
		.incarnation = fx.view.guest[0].incarnation,
		.stepped_ns = fx.view.now_ns - SECONDS(60),
		.ngrown = ngrown,
	};
}

START_TEST(a_step_is_small_and_ends_at_the_floor)
{
	const char *name = lengths[_i].name;

	given_means(lengths[_i].means);
	given_grown(lengths[_i].ngrown);
	uses(0, lengths[_i].usage_kib);
	fx.conf.memory.step_permille = lengths[_i].permille;
	fx.conf.memory.step_max_mib = lengths[_i].max_mib;
	if (lengths[_i].in_force_kib)
		limit_in_force(0, lengths[_i].in_force_kib);
	(void)step();
	if (lengths[_i].target_kib)
		expect_target(name, plan_of(0),
			      lengths[_i].means == RECLAIM ? MEMORY_RECLAIM : MEMORY_SOFT_LIMIT,
			      lengths[_i].target_kib);
	else
		ck_assert_msg(plan_of(0)->why == WHY_AT_FLOOR, "%s: %s", name,
			      why_str(plan_of(0)->why));
}
END_TEST

/* ---- what it keeps --------------------------------------------------------------------- */

static const struct {
	const char *name;
	int means;
	uint64_t own_mib, conf_mib, usable_kib /* 0: no balloon */, merged_kib;
	uint64_t floor_kib, keeps_kib; /* keeps: of its usage */
} floors[] = {
	{ "a quarter", RECLAIM, 0, 0, 0, 0, G8_QUARTER, G8_QUARTER },
	{ "its own guarantee", RECLAIM, 3072, 0, 0, 0, G3, G3 },
	{ "its own guarantee, not the others'", RECLAIM, 3072, 4096, 0, 0, G3, G3 },
	{ "a guarantee below a quarter", RECLAIM, 2047, 0, 0, 0, G8_QUARTER, G8_QUARTER },
	{ "everybody's guarantee", RECLAIM, 0, 3072, 0, 0, G3, G3 },
	{ "a guarantee without end", RECLAIM, 0, UINT64_MAX, 0, 0, UINT64_MAX, UINT64_MAX },
	{ "its working set of 3 GiB and a tenth", RECLAIM, 0, 0, 5 * GIB_KIB, 0, 3460300, 3460300 },
	{ "a guarantee above its working set", RECLAIM, 3500, 0, 5 * GIB_KIB, 0, 3584000, 3584000 },
	{ "a small working set", RECLAIM, 0, 0, 7 * GIB_KIB, 0, G8_QUARTER, G8_QUARTER },
	{ "a balloon that says more than there is", RECLAIM, 0, 0, 9 * GIB_KIB, 0, G8_QUARTER,
	  G8_QUARTER },
	{ "merged pages are not in the way of reclaim", RECLAIM, 0, 0, 0, GIB_KIB, G8_QUARTER,
	  G8_QUARTER },
	{ "but of a hint", HINT, 0, 0, 0, GIB_KIB, G8_QUARTER, G3 },
	{ "and of a throttle", THROTTLE, 0, 0, 0, GIB_KIB, G8_QUARTER, G3 },
	{ "all merged", HINT, 0, 0, 0, UINT64_MAX, G8_QUARTER, UINT64_MAX },
};

START_TEST(a_guest_keeps_its_floor)
{
	uint64_t keeps_kib = floors[_i].keeps_kib;

	given_means(floors[_i].means);
	fx.domain[0].wish.min_guarantee_mib = (unsigned int)floors[_i].own_mib;
	fx.conf.memory.min_guarantee_mib = floors[_i].conf_mib;
	fx.domain[0].has_balloon = floors[_i].usable_kib > 0;
	fx.domain[0].balloon_usable_kib = floors[_i].usable_kib;
	fx.view.guest[0].merged_kib = floors[_i].merged_kib;
	uses(0, keeps_kib == UINT64_MAX ? 7 * GIB_KIB : keeps_kib + 1023);
	expect(floors[_i].name, step(), WISH_HOLD, WHY_AT_FLOOR);
	ck_assert_msg(plan_of(0)->floor_kib == floors[_i].floor_kib, "%s: %lu KiB", floors[_i].name,
		      (unsigned long)plan_of(0)->floor_kib);
	if (keeps_kib == UINT64_MAX)
		return;
	uses(0, keeps_kib + 1024 + 64); /* and the grain of limits */
	expect(floors[_i].name, step(), WISH_SET, WHY_IDLEST_UNDER_PRESSURE);
	ck_assert_msg(plan_of(0)->target_kib - keeps_kib <= 64, "%s: %lu KiB", floors[_i].name,
		      (unsigned long)plan_of(0)->target_kib);
}
END_TEST

/* ---- what counts ------------------------------------------------------------------------ */

static const struct {
	const char *name;
	uint64_t anon_kib, shmem_kib, swap_room_kib, taken_kib; /* of 4 GiB of usage */
} gains[] = {
	{ "all is anonymous", G4, 0, UINT64_MAX, 16384 },
	{ "little of it is", G8_QUARTER + 2048, 0, UINT64_MAX, 2048 },
	{ "nothing of it is: page cache is available anyway", 0, 0, UINT64_MAX, 0 },
	{ "shared memory is swapped out too", GIB_KIB, GIB_KIB + 2048, UINT64_MAX, 2048 },
	{ "more than it uses", UINT64_MAX, UINT64_MAX, UINT64_MAX, 16384 },
	{ "it may swap out a little more", G4, 0, 2048, 2048 },
};

START_TEST(only_what_can_be_swapped_out_is_a_gain)
{
	uint64_t room = gains[_i].swap_room_kib;

	by_reclaim();
	fx.sample[0].anon_kib = gains[_i].anon_kib;
	fx.sample[0].shmem_kib = gains[_i].shmem_kib;
	fx.sample[0].swap_kib = GIB_KIB;
	fx.sample[0].swap_max_kib = room == UINT64_MAX ? KT_UNLIMITED_KIB : GIB_KIB + room;
	(void)step();
	if (gains[_i].taken_kib == 0)
		expect(gains[_i].name, plan_of(0), WISH_HOLD, WHY_AT_FLOOR);
	else
		expect_target(gains[_i].name, plan_of(0), MEMORY_RECLAIM, G4 - gains[_i].taken_kib);
}
END_TEST

/* ---- in proportion ------------------------------------------------------------------------ */

static const struct {
	const char *name;
	double cpus_per_vcpu;
	unsigned int weight, ngrown;
	uint64_t taken_kib;
} proportions[] = {
	{ "does nothing", 0, 0, 0, 16384 },
	{ "of usual weight", 0, 100, 0, 16384 },
	{ "half idle", 0.05, 0, 0, 8192 },
	{ "weighs twice as much", 0, 200, 0, 8192 },
	{ "weighs half as much", 0, 50, 0, 32768 },
	{ "both", 0.05, 200, 0, 4096 },
	{ "hardly idle", 0.0999, 0, 0, 1024 },
	{ "hardly weighs", 0, 1, 0, 335544 },
	{ "grown once", 0, 0, 1, 32768 },
	{ "grown three times", 0, 0, 3, 131072 },
	{ "grown as far as it goes", 0, 0, 16, 335544 },
	{ "grown, and of little weight", 0, 50, 3, 262144 },
	{ "grown, and half idle", 0.05, 0, 3, 65536 },
};

START_TEST(a_step_is_as_large_as_the_guest_is_idle_and_of_little_weight)
{
	by_reclaim();
	fx.view.guest[0].demand_cpus.value = 4 * proportions[_i].cpus_per_vcpu;
	fx.domain[0].wish.weight = proportions[_i].weight;
	fx.conf.memory.step_max_mib = 1024;
	given_grown(proportions[_i].ngrown);
	(void)step();
	/* a share of a share is exact to a KiB */
	ck_assert_msg(G4 - plan_of(0)->target_kib + 1 >= proportions[_i].taken_kib &&
			      G4 - plan_of(0)->target_kib <= proportions[_i].taken_kib + 1,
		      "%s: %lu KiB", proportions[_i].name,
		      (unsigned long)(G4 - plan_of(0)->target_kib));
}
END_TEST

static void setup(void)
{
	short_of_memory();
	fx.view.guest[0].demand_cpus.value = 0;
}

int main(void)
{
	Suite *s = suite_create("memory_step");
	TCase *c = tcase_create("step");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_loop_test(c, a_step_is_small_and_ends_at_the_floor, 0,
			    (int)KT_ARRAY_LEN(lengths));
	tcase_add_loop_test(c, a_guest_keeps_its_floor, 0, (int)KT_ARRAY_LEN(floors));
	tcase_add_loop_test(c, only_what_can_be_swapped_out_is_a_gain, 0, (int)KT_ARRAY_LEN(gains));
	tcase_add_loop_test(c, a_step_is_as_large_as_the_guest_is_idle_and_of_little_weight, 0,
			    (int)KT_ARRAY_LEN(proportions));
	suite_add_tcase(s, c);
	return kt_run(s);
}
