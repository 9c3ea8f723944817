/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a recording say what was, and nothing else? */
#include "record_unit_fixture.h"

static struct record_world *world;
static struct recorder *recorder;
static struct record_reader reader;
static uint64_t seed;

static void take_header(void)
{
	struct json_object *header = recorder_header();
	const char *text = json_object_to_json_string_ext(header, JSON_C_TO_STRING_PLAIN);

	ck_assert_int_eq(record_reader_take(&reader, text, strlen(text)), 0);
	json_object_put(header);
}

static void setup(void)
{
	seed = fixture_seed(1);
	world = record_world_new();
	recorder = recorder_new();
	ck_assert_ptr_nonnull(recorder);
	ck_assert_int_eq(record_reader_open(&reader), 0);
	take_header();
}

static void teardown(void)
{
	free(world);
	recorder_free(recorder);
	record_reader_close(&reader);
}

/* Records, and reads; the length of the line. */
static size_t pass(void)
{
	char *line = recorder_line(recorder, &world->tick);
	size_t bytes;

	ck_assert_ptr_nonnull(line);
	bytes = strlen(line);
	for (size_t i = 0; i < bytes; i++)
		ck_assert_msg(line[i] >= 0x20 && line[i] < 0x7f, "byte %02x", (uint8_t)line[i]);
	ck_assert_msg(record_reader_take(&reader, line, bytes) == 1, "%s", reader.problem);
	free(line);
	return bytes;
}

/* ---- what comes back ------------------------------------------------------------------------ */

static void compare(enum record_table_id table, size_t element, const void *was)
{
	const struct record_word *word = reader.layout.word[table];
	const void *now = recording_struct(reader.now, table, element);

	for (size_t i = 0; i < reader.layout.nwords[table]; i++)
		ck_assert_msg(record_word_get(&word[i], was) == record_word_get(&word[i], now),
			      "%s, element %zu, word %zu", record_tables[table].name, element, i);
}

static void compare_guest(size_t i)
{
	const struct guest_sample *s = &world->sample.guest[i];
	struct recorded_guest g = { .sample = *s, .threads = summary_of_threads(s) };
	struct decided_guest d = summary_of_guest_plan(&world->plan.guest[i]);
	const struct domain *a = &world->domains.slot[i].domain;
	const struct domain *b = &reader.now->domains.slot[i].domain;

	compare(TABLE_GUESTS, i, &g);
	compare(TABLE_GUEST_PLANS, i, &d);
	compare(TABLE_GUESTS_IN_FORCE, i, &world->in_force.guest[i]);
	ck_assert_str_eq(a->name, b->name);
	ck_assert(uuid_equal(&a->uuid, &b->uuid));
}

static void compare_all(void)
{
	struct recorded_head head = summary_of_tick(&world->tick);
	struct recorded_host host = summary_of_host(&world->sample.host, &world->topology);
	struct decided_host plan = summary_of_plan(&world->plan);

	ck_assert(head.tuned_has_ksm == world->tick.tuned_has_ksm);
	compare(TABLE_TICK, 0, &head);
	compare(TABLE_HOST, 0, &host);
	compare(TABLE_PLAN, 0, &plan);
	compare(TABLE_CAPABILITIES, 0, &world->capabilities);
	compare(TABLE_TOPOLOGY, 0, &world->topology);
	compare(TABLE_IN_FORCE, 0, &world->in_force);
	for (size_t n = 0; n < KT_NODES_MAX; n++)
		compare(TABLE_NODES, n, &world->topology.node[n]);
	for (size_t c = 0; c < KT_CACHES_MAX; c++)
		compare(TABLE_CACHES, c, &world->topology.cache[c]);
	for (size_t i = 0; i < world->domains.nslots; i++) {
		compare(TABLE_DOMAINS, i, &world->domains.slot[i]);
		if (world->domains.slot[i].used)
			compare_guest(i);
	}
}

START_TEST(whatever_was_comes_back)
{
	for (int i = 0; i < 12; i++) {
		record_world_change(world, &seed);
		(void)pass();
		compare_all();
	}
}
END_TEST

START_TEST(a_line_after_a_restart_needs_no_other)
{
	record_world_change(world, &seed);
	(void)pass();
	record_world_change(world, &seed);
	free(recorder_line(recorder, &world->tick)); /* of which nobody hears */
	recorder_restart(recorder);
	(void)pass();
	compare_all();
}
END_TEST

START_TEST(what_has_not_changed_costs_nothing)
{
	record_world_change(world, &seed);
	(void)pass();
	world->tick.now_ns += 5 * KT_NS_PER_S;
	ck_assert_uint_lt(pass(), 64);
	world->sample.guest[2].cpu_hz_total += 500;
	ck_assert_uint_lt(pass(), 48);
	compare_all();
}
END_TEST

START_TEST(guests_that_go_are_gone)
{
	record_world_change(world, &seed);
	(void)pass();
	world->domains.slot[4].used = world->domains.slot[3].used = false;
	world->domains.nslots = 3;
	(void)pass();
	ck_assert(!reader.now->domains.slot[4].used && !reader.now->domains.slot[3].used);
	ck_assert_uint_eq(reader.now->domains.nslots, 3);
	world->domains.slot[3].used = true;
	world->domains.slot[3].incarnation++;
	strcpy(world->domains.slot[3].domain.name, "another");
	world->domains.nslots = 4;
	(void)pass();
	compare_all();
}
END_TEST

START_TEST(the_configuration_comes_back)
{
	world->conf.policy.ksm.policy = KSM_POLICY_KSMTUNED;
	world->conf.policy.placement.pin = PIN_CORE;
	cpumask_set(&world->conf.policy.placement.reserved_cpus, 77);
	world->conf.policy.memory.backoff_s = 86400;
	world->conf.interval_s = 7;
	world->conf.nrules = 1;
	strcpy(world->conf.rule[0].glob, "web-\\\"*");
	world->conf.rule[0].wish =
		(struct guest_wish){ .placement = GUEST_SWITCH_CPU, .weight = 1000 };
	(void)pass();
	ck_assert(memcmp(&reader.now->conf.policy, &world->conf.policy,
			 sizeof world->conf.policy) == 0);
	ck_assert_uint_eq(reader.now->conf.interval_s, 7);
	ck_assert_uint_eq(reader.nstrange, 0);
	world->conf.policy.memory.backoff_s = 1;
	ck_assert_uint_gt(pass(), 1000);
	ck_assert_uint_eq(reader.now->conf.policy.memory.backoff_s, 1);
	world->tick.now_ns += KT_NS_PER_S;
	ck_assert_uint_lt(pass(), 64);
}
END_TEST

START_TEST(paths_are_not_recorded)
{
	char *line;

	strcpy(world->conf.run_dir, "/run/private");
	strcpy(world->conf.libvirt_uri, "qemu+unix:///private");
	line = recorder_line(recorder, &world->tick);
	ck_assert_ptr_null(strstr(line, "private"));
	free(line);
}
END_TEST

/* ---- threads, of which only sums are recorded
 * ---------------------------------------------------- */

START_TEST(threads_become_one_that_decides_the_same)
{
	struct guest_thread all[] = {
		{ .tid = 9, .role = THREAD_EMULATOR, .first_allowed.word = { 0xff } },
		{ .tid = 10, .role = THREAD_EMULATOR, .first_allowed.word = { 1 } },
		{ .role = THREAD_VCPU, .run_ns_total = 5, .first_allowed.word = { 0xf } },
		{ .role = THREAD_VCPU,
		  .run_ns_total = 6,
		  .delay_ns_total = UINT64_MAX,
		  .first_allowed.word = { 0x3c } },
		{ .role = THREAD_VCPU, .delay_ns_total = 1, .first_allowed.word = { 0xff } },
		{ .role = THREAD_IOTHREAD, .first_allowed.word = { 0xff } },
	};
	struct guest_sample s = { .pid = 9, .threads = all, .nthreads = KT_ARRAY_LEN(all) };
	struct recorded_threads sum = summary_of_threads(&s);
	struct guest_thread back[2];

	ck_assert_uint_eq(sum.run_ns_total, 11);
	ck_assert_uint_eq(sum.delay_ns_total, UINT64_MAX);
	ck_assert_uint_eq(sum.niothreads, 1);
	ck_assert_uint_eq(sum.first_allowed.word[0], 0xc);
	expand_threads(&sum, back);
	s = (struct guest_sample){ .pid = 9, .threads = back, .nthreads = 2 };
	sum = summary_of_threads(&s);
	ck_assert_uint_eq(sum.run_ns_total, 11);
	ck_assert_uint_eq(sum.niothreads, 1);
	ck_assert_uint_eq(sum.first_allowed.word[0], 0xc);
}
END_TEST

/* ---- a host, of which idle time is recorded by node ----------------------------------------- */

START_TEST(idle_time_comes_back_at_a_nodes_first_cpu)
{
	static const struct recorded_host h = { .idle_hz_of_node = { 1, 2, 3, 4 } };
	static struct topology t;
	static struct host_sample back;
	uint64_t sum_hz = 0;

	cpumask_set(&t.node[0].cpus, 0);
	cpumask_set(&t.node[1].cpus, 131);
	cpumask_set(&t.node[1].cpus, 130);
	cpumask_set(&t.node[2].cpus, KT_CPUS_MAX - 1);
	back.idle_hz_of_cpu[5] = 9; /* of the tick before */
	expand_host(&h, &t, &back);
	ck_assert_uint_eq(back.idle_hz_of_cpu[0], 1);
	ck_assert_uint_eq(back.idle_hz_of_cpu[130], 2);
	ck_assert_uint_eq(back.idle_hz_of_cpu[KT_CPUS_MAX - 1], 3);
	for (size_t cpu = 0; cpu < KT_CPUS_MAX; cpu++)
		sum_hz += back.idle_hz_of_cpu[cpu];
	ck_assert_uint_eq(sum_hz, 6); /* the fourth has no CPU */
}
END_TEST

/* ---- fields in any order ----------------------------------------------------------------------
 */

static void turn_round(struct json_object *names)
{
	size_t n = json_object_array_length(names);

	for (size_t i = 0; i < n / 2; i++) {
		struct json_object *front = json_object_array_get_idx(names, i);
		struct json_object *back = json_object_array_get_idx(names, n - 1 - i);

		json_object_get(front);
		json_object_get(back);
		json_object_array_put_idx(names, i, back);
		json_object_array_put_idx(names, n - 1 - i, front);
	}
}

START_TEST(fields_may_be_in_another_order)
{
	struct json_object *header = recorder_header(), *fields;
	struct record_layout ours;
	const char *text;
	size_t last;

	ck_assert(json_object_object_get_ex(header, "fields", &fields));
	turn_round(json_object_object_get(fields, "plan")); /* single words, all of them */
	text = json_object_to_json_string_ext(header, JSON_C_TO_STRING_PLAIN);
	record_reader_close(&reader);
	ck_assert_int_eq(record_reader_open(&reader), 0);
	ck_assert_int_eq(record_reader_take(&reader, text, strlen(text)), 0);
	json_object_put(header);
	ck_assert(!reader.is_strange);
	ck_assert_int_eq(record_layout_ours(&ours), 0);
	ck_assert_uint_eq(reader.layout.nwords[TABLE_PLAN], ours.nwords[TABLE_PLAN]);
	last = ours.nwords[TABLE_PLAN] - 1;
	for (size_t i = 0; i <= last; i++)
		ck_assert_uint_eq(reader.layout.word[TABLE_PLAN][i].offset,
				  ours.word[TABLE_PLAN][last - i].offset);
	record_layout_clear(&ours);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("record");
	TCase *c = tcase_create("lines");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, whatever_was_comes_back);
	tcase_add_test(c, a_line_after_a_restart_needs_no_other);
	tcase_add_test(c, what_has_not_changed_costs_nothing);
	tcase_add_test(c, guests_that_go_are_gone);
	tcase_add_test(c, the_configuration_comes_back);
	tcase_add_test(c, paths_are_not_recorded);
	tcase_add_test(c, threads_become_one_that_decides_the_same);
	tcase_add_test(c, idle_time_comes_back_at_a_nodes_first_cpu);
	tcase_add_test(c, fields_may_be_in_another_order);
	suite_add_tcase(s, c);
	return kt_run(s);
}
