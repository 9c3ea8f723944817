/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What decides how much KSM may do: is there memory and CPU time to spare, do guests wait,
 * since when has each been awake, and how often has it been scanned? */
#include "model_fixture.h"

static struct guest_thread other_thread[2]; /* of the second guest */

static struct guest_thread *const vcpu[] = { &thread[1], &thread[2], &other_thread[0],
					     &other_thread[1] };

static void setup_two(void)
{
	setup();
	memset(other_thread, 0, sizeof other_thread);
	other_thread[0].role = other_thread[1].role = THREAD_VCPU;
	sample.guest[1].threads = other_thread;
	sample.guest[1].nthreads = 2;
	put_guest(2, 2);
	sample.host.ksm.present = true;
}

static void remove_guest(uint8_t byte)
{
	struct uuid uuid = { { byte } };

	domains_remove(ds, &uuid);
}

static void set_running(uint8_t byte, bool running)
{
	struct domain d = { .uuid = { { byte } }, .id = byte, .running = running, .vcpus = 2 };

	ck_assert_int_ge(domains_put(ds, &d), 0);
}

/* ---- memory that could be had --------------------------------------------------------------- */

static const struct {
	const char *name;
	uint64_t total, available, arc, arc_min, kib;
} memories[] = {
	{ "no ZFS", 1000, 400, 0, 0, 400 },
	{ "above its minimum", 1000, 400, 300, 100, 600 },
	{ "at its minimum", 1000, 400, 100, 100, 400 },
	{ "below its minimum", 1000, 400, 99, 100, 400 },
	{ "up to all there is", 1000, 400, 700, 100, 1000 },
	{ "never more than there is", 1000, 400, 701, 100, 1000 },
	{ "nonsense", 1000, 400, UINT64_MAX, 0, 1000 },
	{ "the other nonsense", 1000, 400, 0, UINT64_MAX, 400 },
};

START_TEST(what_zfs_would_give_back_is_available)
{
	sample.host.mem_total_kib = memories[_i].total;
	sample.host.mem_available_kib = memories[_i].available;
	sample.host.arc_kib = memories[_i].arc;
	sample.host.arc_min_kib = memories[_i].arc_min;
	update_at(SECONDS(10));
	ck_assert_msg(v->available_kib == memories[_i].kib, "%s: %llu", memories[_i].name,
		      (unsigned long long)v->available_kib);
}
END_TEST

/* ---- CPU time ------------------------------------------------------------------------------ */

START_TEST(idle_cpus_are_idle_seconds_per_second)
{
	sample.host.cpu_idle_hz_total = 1000000; /* since the boot */
	update_at(SECONDS(10));
	ck_assert(near(v->idle_cpus, 0));
	sample.host.cpu_user_hz_total = 5000;
	sample.host.cpu_idle_hz_total += 1250; /* 12.5 s in 5 s */
	update_at(SECONDS(15));
	ck_assert(near(v->idle_cpus, 2.5));
	sample.host.cpu_idle_hz_total += 100;
	update_at(SECONDS(16) - 1); /* too soon to be measured */
	ck_assert(near(v->idle_cpus, 2.5));
	update_at(SECONDS(20));
	ck_assert(near(v->idle_cpus, 0.2));
	update_at(SECONDS(25));
	ck_assert(near(v->idle_cpus, 0));
	sample.host.cpu_idle_hz_total -= 1; /* as some kernels have it */
	update_at(SECONDS(30));
	ck_assert(near(v->idle_cpus, 0));
}
END_TEST

static const struct {
	const char *name;
	uint64_t run_s[4], delay_s[4]; /* of both guests' vCPUs, within 5 s */
	double cpus;
} delays[] = {
	{ "nobody does anything", { 0 }, { 0 }, 0 },
	{ "nobody waits", { 5, 5, 5, 5 }, { 0 }, 0 },
	{ "one of two guests waits", { 1, 0, 3, 0 }, { 1, 0, 0, 0 }, 0.2 },
	{ "an idle guest counts for nothing", { 3, 0, 0, 0 }, { 1, 0, 0, 0 }, 0.2 },
	{ "what others get does not matter", { 1, 0, 4, 4 }, { 1, 0, 0, 0 }, 0.2 },
	{ "nobody gets a CPU", { 0 }, { 5, 5, 5, 5 }, 4 },
};

static void let_vcpus(const uint64_t run_s[4], const uint64_t delay_s[4])
{
	for (size_t i = 0; i < 4; i++) {
		vcpu[i]->run_ns_total += SECONDS(run_s[i]);
		vcpu[i]->delay_ns_total += SECONDS(delay_s[i]);
	}
}

START_TEST(the_waiting_of_all_vcpus_is_added_up)
{
	thread[0].delay_ns_total = SECONDS(1000);
	let_vcpus((uint64_t[]){ 70, 70, 70, 70 }, (uint64_t[]){ 7000, 0, 0, 0 }); /* long ago */
	update_at(SECONDS(10));
	ck_assert(near(v->guest_delay_cpus, 0));
	thread[0].delay_ns_total += SECONDS(5); /* no vCPU */
	let_vcpus(delays[_i].run_s, delays[_i].delay_s);
	update_at(SECONDS(15));
	ck_assert_msg(near(v->guest_delay_cpus, delays[_i].cpus), "%s: %g", delays[_i].name,
		      v->guest_delay_cpus);
	update_at(SECONDS(20)); /* nobody has demanded anything since */
	ck_assert(near(v->guest_delay_cpus, 0));
}
END_TEST

static void let_them_wait(void)
{
	update_at(SECONDS(10));
	let_vcpus((uint64_t[]){ 3, 0, 3, 0 }, (uint64_t[]){ 1, 0, 1, 0 });
	update_at(SECONDS(15));
	ck_assert(near(v->guest_delay_cpus, 0.4));
}

START_TEST(looks_within_a_second_keep_the_delay)
{
	let_them_wait();
	thread[1].delay_ns_total += SECONDS(1) / 2;
	update_at(SECONDS(15) + 1);
	ck_assert(near(v->guest_delay_cpus, 0.4));
	update_at(SECONDS(16) - 1);
	ck_assert(near(v->guest_delay_cpus, 0.4));
	update_at(SECONDS(16)); /* half a second of waiting, nothing else */
	ck_assert(near(v->guest_delay_cpus, 0.5));
}
END_TEST

START_TEST(a_guest_that_has_gone_keeps_nobody_waiting)
{
	let_them_wait();
	remove_guest(1);
	update_at(SECONDS(15) + 1); /* the other is not measured again yet */
	ck_assert(near(v->guest_delay_cpus, 0.4));
	let_vcpus((uint64_t[]){ 0, 0, 4, 0 }, (uint64_t[]){ 9, 0, 1, 0 });
	update_at(SECONDS(20));
	ck_assert(near(v->guest_delay_cpus, 0.2));
	remove_guest(2);
	update_at(SECONDS(20) + 1);
	ck_assert(near(v->guest_delay_cpus, 0));
}
END_TEST

START_TEST(a_guest_that_cannot_be_read_keeps_nobody_waiting)
{
	let_them_wait();
	sample.guest[0].present = sample.guest[1].present = false;
	update_at(SECONDS(20));
	ck_assert(near(v->guest_delay_cpus, 0));
}
END_TEST

/* ---- since when ------------------------------------------------------------------------------ */

START_TEST(a_guest_is_awake_since_it_came_or_was_resumed)
{
	const struct guest_view *g = &v->guest[0];

	update_at(SECONDS(10));
	ck_assert_uint_eq(g->awake_ns, SECONDS(10));
	update_at(SECONDS(15));
	set_running(1, false);
	update_at(SECONDS(20));
	update_at(SECONDS(25));
	ck_assert_uint_eq(g->awake_ns, SECONDS(10)); /* what it has done, it has done since */
	set_running(1, true);
	update_at(SECONDS(30));
	ck_assert_uint_eq(g->awake_ns, SECONDS(30));
	update_at(SECONDS(35));
	ck_assert_uint_eq(g->awake_ns, SECONDS(30));
	ck_assert_uint_eq(g->first_seen_ns, SECONDS(10));
	ck_assert_uint_eq(v->guest[1].awake_ns, SECONDS(10));
}
END_TEST

START_TEST(a_guest_that_comes_paused_wakes_with_its_resume)
{
	remove_guest(1);
	set_running(1, false);
	update_at(SECONDS(10));
	ck_assert_uint_eq(v->guest[0].awake_ns, SECONDS(10));
	update_at(SECONDS(15));
	set_running(1, true);
	update_at(SECONDS(20));
	ck_assert_uint_eq(v->guest[0].awake_ns, SECONDS(20));
	ck_assert_uint_eq(v->guest[0].first_seen_ns, SECONDS(10));
}
END_TEST

START_TEST(a_guest_that_starts_again_is_awake_since_then)
{
	update_at(SECONDS(10));
	put_guest(1, 77);
	update_at(SECONDS(15));
	ck_assert_uint_eq(v->guest[0].awake_ns, SECONDS(15));
}
END_TEST

static const struct {
	uint64_t after_ns; /* the last one that counted */
	unsigned int n;
} samples[] = {
	{ 0, 1 }, { 1, 1 }, { KT_NS_PER_S - 1, 1 }, { KT_NS_PER_S, 2 }, { 5 * KT_NS_PER_S, 2 },
};

START_TEST(samples_count_at_most_once_a_second)
{
	update_at(SECONDS(10));
	update_at(SECONDS(10) + samples[_i].after_ns);
	ck_assert_uint_eq(v->guest[0].nsamples, samples[_i].n);
	ck_assert_uint_eq(v->nsamples, 2);
}
END_TEST

/* Else looks that come twice a second would never count. */
START_TEST(many_quick_looks_count_once_a_second)
{
	for (uint64_t n = 0; n <= 50; n++)
		update_at(SECONDS(10) + n * KT_NS_PER_S / 10);
	ck_assert_uint_eq(v->guest[0].nsamples, 6);
	update_at(SECONDS(1)); /* a clock that went back */
	ck_assert_uint_eq(v->guest[0].nsamples, 6);
}
END_TEST

START_TEST(what_could_not_be_read_does_not_count)
{
	update_at(SECONDS(10));
	sample.guest[0].present = false;
	update_at(SECONDS(15));
	ck_assert_uint_eq(v->guest[0].nsamples, 1);
	put_guest(1, 77);
	sample.guest[0].present = true;
	update_at(SECONDS(15) + 1); /* another one: its first */
	ck_assert_uint_eq(v->guest[0].nsamples, 1);
	ck_assert_uint_eq(v->guest[0].counted_ns, SECONDS(15) + 1);
}
END_TEST

/* ---- how often ------------------------------------------------------------------------------- */

static void update_passes(uint64_t now_s, uint64_t full_scans)
{
	sample.host.ksm.full_scans = full_scans;
	update_at(SECONDS(now_s));
}

START_TEST(passes_count_from_the_first_look)
{
	update_passes(10, 1000);
	ck_assert_uint_eq(v->ksm_passes, 0);
	update_passes(15, 1003);
	ck_assert_uint_eq(v->ksm_passes, 3);
	update_passes(20, 1003);
	ck_assert_uint_eq(v->ksm_passes, 3);
	update_at(SECONDS(20) + 1);
	update_passes(21, 1004);
	ck_assert_uint_eq(v->ksm_passes, 4);
}
END_TEST

START_TEST(a_reset_ksm_goes_on_counting)
{
	update_passes(10, 1000);
	update_passes(15, 1003);
	update_passes(20, 2); /* 0 in between */
	ck_assert_uint_eq(v->ksm_passes, 5);
	update_passes(25, 6);
	ck_assert_uint_eq(v->ksm_passes, 9);
	update_passes(30, 0);
	ck_assert_uint_eq(v->ksm_passes, 9);
}
END_TEST

START_TEST(a_ksm_that_cannot_be_read_makes_no_passes)
{
	update_passes(10, 1000);
	update_passes(15, 1003);
	sample.host.ksm.present = false;
	update_passes(20, 0);
	ck_assert_uint_eq(v->ksm_passes, 3);
	sample.host.ksm.present = true;
	update_passes(25, 1500); /* nobody has counted these */
	ck_assert_uint_eq(v->ksm_passes, 3);
	update_passes(30, 1501);
	ck_assert_uint_eq(v->ksm_passes, 4);
}
END_TEST

START_TEST(a_guest_remembers_the_pass_in_which_it_came)
{
	remove_guest(2);
	update_passes(10, 1000);
	ck_assert_uint_eq(v->guest[0].first_pass, 0);
	update_passes(15, 1003);
	put_guest(2, 2);
	update_passes(20, 1005); /* those that have ended by now are not its own */
	ck_assert_uint_eq(v->guest[1].first_pass, 5);
	update_passes(25, 1);
	ck_assert_uint_eq(v->guest[0].first_pass, 0);
	ck_assert_uint_eq(v->guest[1].first_pass, 5);
	put_guest(1, 77);
	update_passes(30, 2);
	ck_assert_uint_eq(v->guest[0].first_pass, 7);
}
END_TEST

#define LOOP(test, table) tcase_add_loop_test(c, test, 0, KT_ARRAY_LEN(table))

int main(void)
{
	Suite *s = suite_create("model_ksm");
	TCase *c = tcase_create("view");

	tcase_add_checked_fixture(c, setup_two, teardown);
	LOOP(what_zfs_would_give_back_is_available, memories);
	tcase_add_test(c, idle_cpus_are_idle_seconds_per_second);
	LOOP(the_waiting_of_all_vcpus_is_added_up, delays);
	tcase_add_test(c, looks_within_a_second_keep_the_delay);
	tcase_add_test(c, a_guest_that_has_gone_keeps_nobody_waiting);
	tcase_add_test(c, a_guest_that_cannot_be_read_keeps_nobody_waiting);
	tcase_add_test(c, a_guest_is_awake_since_it_came_or_was_resumed);
	tcase_add_test(c, a_guest_that_comes_paused_wakes_with_its_resume);
	tcase_add_test(c, a_guest_that_starts_again_is_awake_since_then);
	LOOP(samples_count_at_most_once_a_second, samples);
	tcase_add_test(c, many_quick_looks_count_once_a_second);
	tcase_add_test(c, what_could_not_be_read_does_not_count);
	tcase_add_test(c, passes_count_from_the_first_look);
	tcase_add_test(c, a_reset_ksm_goes_on_counting);
	tcase_add_test(c, a_ksm_that_cannot_be_read_makes_no_passes);
	tcase_add_test(c, a_guest_remembers_the_pass_in_which_it_came);
	suite_add_tcase(s, c);
	return kt_run(s);
}
