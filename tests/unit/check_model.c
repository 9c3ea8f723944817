/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do samples become the right rates, and do broken counters become none? */
#include "model_fixture.h"

START_TEST(the_first_sample_has_no_rates)
{
	sample.host.pswpin_total = sample.host.pswpout_total = 1000;
	sample.host.psi_memory = (struct psi_sample){ true, 1000, 1000 };
	sample.host.ksm = (struct ksm_sample){ .present = true, .has_ksmd = true };
	sample.host.ksm.ksmd_cpu_ns_total = SECONDS(100);
	sample.guest[0].pgmajfault_total = 1000;
	thread[1].run_ns_total = SECONDS(100);
	update_at(SECONDS(1000));
	ck_assert_uint_eq(v->nsamples, 1);
	ck_assert(v->dt_s <= 0 && v->swap_in_per_s <= 0 && v->swap_out_per_s <= 0);
	ck_assert(v->psi_memory_some_pct <= 0 && v->psi_memory_full_pct <= 0 &&
		  v->ksmd_cpu_pct <= 0);
	ck_assert(v->guest[0].majfault_per_s <= 0 && v->guest[0].demand_cpus.age_s <= 0);
	ck_assert_uint_eq(v->guest[0].nsamples, 1);
	ck_assert_uint_eq(v->guest[0].first_seen_ns, SECONDS(1000));
}
END_TEST

START_TEST(host_rates_are_per_second_of_the_time_between)
{
	sample.host.psi_memory.present = true;
	sample.host.ksm = (struct ksm_sample){ .present = true, .has_ksmd = true };
	update_at(SECONDS(10));
	sample.host.pswpin_total = 50;
	sample.host.pswpout_total = 100;
	sample.host.psi_memory.some_us_total = 500000; /* of 5 s: 10 % */
	sample.host.psi_memory.full_us_total = 250000;
	sample.host.ksm.ksmd_cpu_ns_total = SECONDS(1);
	sample.host.ksm.sharing_pages = 1000;
	sample.host.ksm.zero_pages = 24;
	sample.host.cpu_user_hz_total = 300;
	sample.host.cpu_idle_hz_total = 600;
	sample.host.cpu_steal_hz_total = 100;
	update_at(SECONDS(15));
	ck_assert(near(v->dt_s, 5));
	ck_assert(near(v->swap_in_per_s, 10) && near(v->swap_out_per_s, 20));
	ck_assert(near(v->psi_memory_some_pct, 10) && near(v->psi_memory_full_pct, 5));
	ck_assert(near(v->ksmd_cpu_pct, 20));
	ck_assert_uint_eq(v->merged_kib, 4096);
	ck_assert(near(v->steal_share, 0.1));
	ck_assert_uint_eq(v->npresent, 1);
	ck_assert_ptr_eq(v->host, &sample.host);
	ck_assert_ptr_eq(v->topology, &topology);
	ck_assert_ptr_eq(v->capabilities, &capabilities);
}
END_TEST

/* The host was suspended, the daemon stopped, a clock put forward, or nobody was there. */
START_TEST(after_a_gap_the_first_sample_is_a_new_beginning)
{
	double demand;

	sample.host.psi_memory.present = true;
	update_at(SECONDS(10));
	thread[1].run_ns_total = SECONDS(4);
	update_at(SECONDS(15));
	demand = v->guest[0].demand_cpus.value;
	ck_assert(demand > 0);
	/* As long as an interval may be, and twice that, it is one. */
	sample.host.pswpin_total = 7200;
	thread[1].run_ns_total += SECONDS(7200);
	update_at(SECONDS(7215));
	ck_assert(near(v->dt_s, 7200) && near(v->swap_in_per_s, 1));
	demand = v->guest[0].demand_cpus.value;
	ck_assert(near(demand, 1));
	for (uint64_t hours = 3; hours < 24 * 366 * 20; hours *= 10) {
		uint64_t now_ns = v->now_ns + hours * SECONDS(3600);

		sample.host.pswpin_total += 1000000;
		sample.host.psi_memory.some_us_total += 1000000;
		update_at(now_ns);
		ck_assert(near(v->dt_s, 0) && near(v->swap_in_per_s, 0));
		ck_assert(near(v->psi_memory_some_pct, 0));
		ck_assert(near(v->guest[0].demand_cpus.value, demand)); /* it holds */
		sample.host.pswpin_total += 50;
		thread[1].run_ns_total += SECONDS(5);
		update_at(now_ns + SECONDS(5));
		ck_assert(near(v->dt_s, 5) && near(v->swap_in_per_s, 10));
		ck_assert(near(v->guest[0].demand_cpus.value, demand));
	}
}
END_TEST

/* Whatever the counters do meanwhile. */
START_TEST(while_the_clock_stands_still_nothing_is_measured)
{
	sample.host.psi_memory.present = true;
	update_at(SECONDS(10));
	thread[1].run_ns_total = SECONDS(4);
	update_at(SECONDS(15));
	for (int i = 0; i < 3; i++) {
		double demand = v->guest[0].demand_cpus.value;

		sample.host.pswpin_total += 1000000;
		sample.host.psi_memory.some_us_total += 1000000;
		thread[1].run_ns_total += SECONDS(100);
		update_at(SECONDS(15));
		ck_assert(near(v->dt_s, 0) && near(v->swap_in_per_s, 0));
		ck_assert(near(v->psi_memory_some_pct, 0) && near(v->steal_share, 0));
		ck_assert(near(v->guest[0].demand_cpus.value, demand));
		ck_assert(isfinite(v->guest[0].run_cpus) && isfinite(v->idle_cpus));
	}
}
END_TEST

START_TEST(more_than_all_of_the_time_is_all_of_it)
{
	sample.host.psi_memory.present = sample.guest[0].psi_memory.present = true;
	update_at(SECONDS(10));
	sample.host.psi_memory.some_us_total = 5000001;
	sample.guest[0].psi_memory.some_us_total = 5000001;
	sample.host.cpu_steal_hz_total = 10;
	update_at(SECONDS(15));
	ck_assert(near(v->psi_memory_some_pct, 100) && near(v->guest[0].psi_memory_pct, 100));
	ck_assert(near(v->steal_share, 1));
}
END_TEST

START_TEST(demand_is_what_vcpus_ran_and_waited_for)
{
	struct guest_view *g = &v->guest[0];

	update_at(SECONDS(10));
	thread[0].run_ns_total = thread[3].run_ns_total = SECONDS(5); /* not vCPUs */
	thread[1].run_ns_total = SECONDS(3);
	thread[2].run_ns_total = SECONDS(3);
	thread[2].delay_ns_total = SECONDS(2);
	update_at(SECONDS(15));
	ck_assert(near(g->demand_cpus.value, 1.6));
	ck_assert(near(g->steal_share.value, 0.25));
	update_at(SECONDS(20)); /* idle: a plain mean until 10 s are full */
	ck_assert(near(g->demand_cpus.value, 0.8));
	update_at(SECONDS(25)); /* then half of what is new at 5 s of 10 s */
	ck_assert(near(g->demand_cpus.value, 0.4));
	ck_assert(g->steal_share.value >= 0 && g->steal_share.value < 0.25);
}
END_TEST

START_TEST(guest_rates_come_from_its_cgroup_and_process)
{
	struct guest_sample *s = &sample.guest[0];
	struct guest_view *g = &v->guest[0];

	s->psi_memory.present = true;
	update_at(SECONDS(10));
	s->pgmajfault_total = 20;
	s->refault_total = 40;
	s->psi_memory.some_us_total = 4000;
	s->has_ksm = true;
	s->ksm_merging_pages = 100;
	s->ksm_zero_pages = 28;
	update_at(SECONDS(14));
	ck_assert(near(g->majfault_per_s, 5) && near(g->refault_per_s, 10));
	ck_assert(near(g->psi_memory_pct, 0.1));
	ck_assert_uint_eq(g->merged_kib, 512);
	s->has_ksm = s->has_cgroup = s->psi_memory.present = false;
	s->pgmajfault_total = s->refault_total = 0;
	update_at(SECONDS(18));
	ck_assert(g->majfault_per_s <= 0 && g->refault_per_s <= 0 && g->psi_memory_pct <= 0);
	ck_assert_uint_eq(g->merged_kib, 0);
}
END_TEST

START_TEST(a_counter_that_fell_gives_no_rate_and_a_new_start)
{
	struct guest_view *g = &v->guest[0];

	sample.host.pswpin_total = 1000;
	thread[1].run_ns_total = SECONDS(8);
	thread[2].run_ns_total = SECONDS(8);
	update_at(SECONDS(10));
	thread[1].run_ns_total = SECONDS(13);
	update_at(SECONDS(15));
	ck_assert(near(g->demand_cpus.value, 1));
	sample.host.pswpin_total = 999;
	thread[1].run_ns_total = SECONDS(1); /* the guest was restarted, or a vCPU unplugged */
	update_at(SECONDS(20));
	ck_assert(v->swap_in_per_s <= 0);
	ck_assert(near(g->demand_cpus.value, 1)); /* nothing is known: the mean stays */
	sample.host.pswpin_total = 1004;
	thread[1].run_ns_total = SECONDS(6);
	update_at(SECONDS(25));
	ck_assert(near(v->swap_in_per_s, 1));
	ck_assert(near(g->demand_cpus.value, 1));
}
END_TEST

START_TEST(a_clock_that_stands_or_goes_back_gives_no_rate)
{
	for (uint64_t back = 0; back <= 1; back++) {
		update_at(SECONDS(10));
		sample.host.pswpin_total += 1000;
		thread[1].run_ns_total += SECONDS(3);
		update_at(SECONDS(10) - back);
		ck_assert(v->dt_s <= 0 && v->swap_in_per_s <= 0);
		ck_assert(v->guest[0].demand_cpus.age_s <= 0);
	}
}
END_TEST

START_TEST(ticks_within_a_second_make_no_storm_of_one_fault)
{
	struct guest_view *g = &v->guest[0];

	update_at(SECONDS(10));
	update_at(SECONDS(15));
	sample.guest[0].pgmajfault_total = 1;
	update_at(SECONDS(16) - 1);
	ck_assert(near(g->majfault_per_s, 0));
	update_at(SECONDS(16));
	ck_assert(near(g->majfault_per_s, 1)); /* over the second since 15 */
	sample.guest[0].pgmajfault_total = 3;
	update_at(SECONDS(16) + 1000);
	ck_assert(near(g->majfault_per_s, 1)); /* the rate of before holds */
	update_at(SECONDS(18));
	ck_assert(near(g->majfault_per_s, 1)); /* two over two seconds */
}
END_TEST

START_TEST(a_sample_that_was_missed_makes_no_burst)
{
	struct guest_view *g = &v->guest[0];

	update_at(SECONDS(10));
	sample.guest[0].present = false;
	sample.guest[0].has_cgroup = false;
	update_at(SECONDS(15));
	ck_assert(!g->present && g->domain && g->nsamples == 1);
	ck_assert_uint_eq(v->npresent, 0);
	sample.guest[0].present = sample.guest[0].has_cgroup = true;
	sample.guest[0].pgmajfault_total = 20;
	thread[1].run_ns_total = SECONDS(10);
	update_at(SECONDS(20));
	ck_assert(near(g->majfault_per_s, 2));
	ck_assert(near(g->demand_cpus.value, 1) && near(g->demand_cpus.age_s, 10));
	ck_assert_uint_eq(g->nsamples, 2);
}
END_TEST

/* A process found late: its counters did not all happen in one tick. */
START_TEST(a_counter_that_appears_has_no_rate_at_first)
{
	sample.guest[0].has_cgroup = false;
	update_at(SECONDS(10));
	sample.guest[0].has_cgroup = true;
	sample.guest[0].pgmajfault_total = 1000000;
	update_at(SECONDS(15));
	ck_assert(v->guest[0].majfault_per_s <= 0);
	sample.guest[0].pgmajfault_total += 5;
	update_at(SECONDS(20));
	ck_assert(near(v->guest[0].majfault_per_s, 1));
}
END_TEST

START_TEST(a_restarted_guest_is_a_new_guest)
{
	struct guest_view *g = &v->guest[0];
	uint32_t before;

	update_at(SECONDS(10));
	thread[1].run_ns_total = SECONDS(5);
	update_at(SECONDS(15));
	before = g->incarnation;
	put_guest(1, 2);
	thread[1].run_ns_total = SECONDS(50);
	update_at(SECONDS(20));
	ck_assert_uint_ne(g->incarnation, before);
	ck_assert_uint_eq(g->nsamples, 1);
	ck_assert_uint_eq(g->first_seen_ns, SECONDS(20));
	ck_assert(g->demand_cpus.age_s <= 0);
}
END_TEST

START_TEST(a_guest_that_left_leaves_nothing)
{
	struct uuid first = { { 1 } }, second = { { 2 } };

	put_guest(2, 2);
	update_at(SECONDS(10));
	ck_assert_uint_eq(v->npresent, 2);
	domains_remove(ds, &first);
	update_at(SECONDS(15));
	ck_assert(!v->guest[0].present && !v->guest[0].domain);
	ck_assert(v->guest[1].present);
	domains_remove(ds, &second);
	update_at(SECONDS(20));
	ck_assert_uint_eq(v->npresent, 0);
	ck_assert(!v->guest[1].domain);
	put_guest(3, 3);
	update_at(SECONDS(25));
	ck_assert_uint_eq(v->guest[0].first_seen_ns, SECONDS(25));
}
END_TEST

static double random_double(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (double)(*seed >> 11);
}

static uint64_t random_u64(uint64_t *seed)
{
	(void)random_double(seed);
	return *seed >> (*seed >> 58);
}

START_TEST(any_numbers_give_finite_rates)
{
	uint64_t seed = (uint64_t)_i;

	for (int i = 0; i < 5000; i++) {
		struct guest_sample *s = &sample.guest[0];

		sample.host.pswpin_total = random_u64(&seed);
		sample.host.cpu_user_hz_total = random_u64(&seed);
		sample.host.cpu_steal_hz_total = random_u64(&seed);
		sample.host.psi_memory =
			(struct psi_sample){ random_u64(&seed) & 1, random_u64(&seed),
					     random_u64(&seed) };
		sample.host.ksm.present = true;
		sample.host.ksm.sharing_pages = random_u64(&seed);
		sample.host.ksm.zero_pages = random_u64(&seed);
		s->present = random_u64(&seed) & 3;
		s->has_ksm = true;
		s->ksm_merging_pages = s->ksm_zero_pages = random_u64(&seed);
		s->pgmajfault_total = random_u64(&seed);
		thread[1].run_ns_total = random_u64(&seed);
		thread[2].delay_ns_total = random_u64(&seed);
		update_at(random_u64(&seed));
		ck_assert_msg(isfinite(v->swap_in_per_s) && v->swap_in_per_s >= 0, "seed %d", _i);
		ck_assert_msg(v->steal_share >= 0 && v->steal_share <= 1, "seed %d", _i);
		ck_assert_msg(v->psi_memory_some_pct >= 0 && v->psi_memory_some_pct <= 100,
			      "seed %d", _i);
		ck_assert_msg(isfinite(v->guest[0].majfault_per_s), "seed %d", _i);
		ck_assert_msg(isfinite(v->guest[0].demand_cpus.value) &&
				      v->guest[0].demand_cpus.value >= 0,
			      "seed %d", _i);
		ck_assert_msg(v->guest[0].steal_share.value >= 0 &&
				      v->guest[0].steal_share.value <= 1,
			      "seed %d", _i);
	}
}
END_TEST

/* Two seconds at half a CPU, one that nobody looked, one in which it stood still: what was
 * measured holds meanwhile, and the next rate is of all the time since. */
START_TEST(a_guest_that_is_not_looked_at_is_as_it_was)
{
	update_at(SECONDS(1));
	sample.guest[0].cpu_hz_total = 100;
	thread[1].run_ns_total = thread[1].delay_ns_total = KT_NS_PER_S;
	update_at(SECONDS(3));
	ck_assert(near(v->guest[0].run_cpus, 0.5) && near(v->guest_delay_cpus, 0.5));
	sample.guest[0].look = GUEST_LOOK_NONE;
	update_at(SECONDS(4));
	ck_assert(v->guest[0].present && v->nunseen == 1);
	ck_assert_uint_eq(v->npresent, 1);
	ck_assert(near(v->guest[0].run_cpus, 0.5) && near(v->guest_delay_cpus, 0.5));
	sample.guest[0].look = GUEST_LOOK_FULL;
	update_at(SECONDS(5));
	ck_assert_uint_eq(v->nunseen, 0);
	ck_assert(near(v->guest[0].run_cpus, 0) && near(v->guest_delay_cpus, 0));
	thread[1].run_ns_total += 2 * KT_NS_PER_S;
	sample.guest[0].look = GUEST_LOOK_NONE;
	update_at(SECONDS(7));
	sample.guest[0].look = GUEST_LOOK_FULL;
	update_at(SECONDS(9));
	ck_assert(near(v->guest[0].run_cpus, 0.5));
}
END_TEST

/* Of all guests or of none: what one of them waits for is not what all do. */
START_TEST(the_wait_of_all_is_not_that_of_those_looked_at)
{
	put_guest(2, 2);
	update_at(SECONDS(1));
	thread[1].delay_ns_total = KT_NS_PER_S;
	update_at(SECONDS(3));
	ck_assert(near(v->guest_delay_cpus, 1)); /* both have these threads */
	sample.guest[0].look = GUEST_LOOK_NONE;
	update_at(SECONDS(5));
	ck_assert(near(v->guest[1].delay_cpus, 0));
	ck_assert(near(v->guest_delay_cpus, 1));
}
END_TEST

/* A quarter of the time it stalls, and it is read at each fourth look. */
START_TEST(what_is_not_read_of_a_quiet_guest_is_no_burst_later)
{
	struct guest_sample *s = &sample.guest[0];
	const struct guest_view *g = &v->guest[0];

	s->psi_memory.present = true;
	update_at(SECONDS(5));
	for (unsigned int tick = 2; tick <= 6; tick++) {
		s->look = tick < 3 || tick == 6 ? GUEST_LOOK_FULL : GUEST_LOOK_QUIET;
		if (s->look == GUEST_LOOK_FULL) {
			s->psi_memory.some_us_total = (tick - 1) * 1250000;
			s->pgmajfault_total = (tick - 1) * 5;
			s->refault_total = (tick - 1) * 10;
		}
		update_at(SECONDS(5 * tick));
		ck_assert_msg(near(g->psi_memory_pct, 25), "tick %u: %f", tick, g->psi_memory_pct);
		ck_assert(near(g->majfault_per_s, 1) && near(g->refault_per_s, 2));
		ck_assert(g->present && v->nunseen == 0);
	}
}
END_TEST

START_TEST(a_quiet_guest_runs_nothing)
{
	update_at(SECONDS(5));
	sample.guest[0].cpu_hz_total = 500;
	thread[1].run_ns_total = thread[1].delay_ns_total = SECONDS(5);
	update_at(SECONDS(10));
	ck_assert(near(v->guest[0].run_cpus, 1) && near(v->guest[0].delay_cpus, 1));
	sample.guest[0].look = GUEST_LOOK_QUIET;
	update_at(SECONDS(15));
	ck_assert(near(v->guest[0].run_cpus, 0) && near(v->guest[0].delay_cpus, 0));
	ck_assert(near(v->guest[0].demand_cpus.value, 1));
}
END_TEST

START_TEST(a_guest_that_was_never_looked_at_has_no_sample_to_hold)
{
	sample.guest[0].look = GUEST_LOOK_NONE;
	update_at(SECONDS(1));
	ck_assert_uint_eq(v->nunseen, 0);
	ck_assert_uint_eq(v->guest[0].nsamples, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("model");
	TCase *c = tcase_create("view");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, the_first_sample_has_no_rates);
	tcase_add_test(c, host_rates_are_per_second_of_the_time_between);
	tcase_add_test(c, more_than_all_of_the_time_is_all_of_it);
	tcase_add_test(c, demand_is_what_vcpus_ran_and_waited_for);
	tcase_add_test(c, guest_rates_come_from_its_cgroup_and_process);
	tcase_add_test(c, after_a_gap_the_first_sample_is_a_new_beginning);
	tcase_add_test(c, while_the_clock_stands_still_nothing_is_measured);
	tcase_add_test(c, a_counter_that_fell_gives_no_rate_and_a_new_start);
	tcase_add_test(c, a_clock_that_stands_or_goes_back_gives_no_rate);
	tcase_add_test(c, ticks_within_a_second_make_no_storm_of_one_fault);
	tcase_add_test(c, a_sample_that_was_missed_makes_no_burst);
	tcase_add_test(c, a_counter_that_appears_has_no_rate_at_first);
	tcase_add_test(c, a_restarted_guest_is_a_new_guest);
	tcase_add_test(c, a_guest_that_left_leaves_nothing);
	tcase_add_test(c, a_guest_that_is_not_looked_at_is_as_it_was);
	tcase_add_test(c, the_wait_of_all_is_not_that_of_those_looked_at);
	tcase_add_test(c, what_is_not_read_of_a_quiet_guest_is_no_burst_later);
	tcase_add_test(c, a_quiet_guest_runs_nothing);
	tcase_add_test(c, a_guest_that_was_never_looked_at_has_no_sample_to_hold);
	tcase_add_loop_test(c, any_numbers_give_finite_rates, 1, 6);
	suite_add_tcase(s, c);
	return kt_run(s);
}
