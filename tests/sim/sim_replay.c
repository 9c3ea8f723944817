/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a replay decide what was decided, tick by tick and bit by bit? */
#include "record_fixture.h"

enum { SEEDS = 4, HOUR_S = 3600 };

static struct loop *l;
static struct record_fixture rec;

static void teardown(void)
{
	record_fixture_close(&rec);
	loop_free(l);
}

static double random_share(void)
{
	return plant_random(&l->plant, 0, 1);
}

/* ---- is it the same? -------------------------------------------------------------------- */

static void compare_home(size_t slot, const struct placement_plan *a,
			 const struct placement_plan *b)
{
	ck_assert_msg(a->wish == b->wish && a->why == b->why && a->dry_run == b->dry_run &&
			      a->nodes == b->nodes && a->ncells == b->ncells,
		      "tick %zu, slot %zu: %s, replayed %s", rec.nticks, slot, why_str(a->why),
		      why_str(b->why));
	for (unsigned int c = 0; c < a->ncells; c++)
		ck_assert(a->cell[c].nodes == b->cell[c].nodes &&
			  cpumask_equal(&a->cell[c].cpus, &b->cell[c].cpus));
	ck_assert(cpumask_equal(&a->helpers, &b->helpers));
}

/* Bit by bit: a double that is another one by the last bit is one some hours later, too. */
static void compare_ksm(const struct ksm_plan *a, const struct ksm_plan *b)
{
	ck_assert(a->wish == b->wish && a->why == b->why && a->run == b->run &&
		  a->pages_to_scan == b->pages_to_scan && a->sweep == b->sweep &&
		  a->look_again_ns == b->look_again_ns);
	ck_assert(memcmp(&a->price, &b->price, sizeof a->price) == 0 &&
		  memcmp(&a->budget_cpus, &b->budget_cpus, sizeof a->budget_cpus) == 0 &&
		  memcmp(&a->ns_per_page, &b->ns_per_page, sizeof a->ns_per_page) == 0 &&
		  memcmp(&a->mib_per_cpu_s, &b->mib_per_cpu_s, sizeof a->mib_per_cpu_s) == 0);
}

static void compare_memory(const struct memory_plan *a, const struct memory_plan *b)
{
	ck_assert(a->wish == b->wish && a->why == b->why && a->dry_run == b->dry_run &&
		  a->means == b->means && a->target_kib == b->target_kib &&
		  a->floor_kib == b->floor_kib && a->overhead_kib == b->overhead_kib &&
		  a->overhead_bound_kib == b->overhead_bound_kib && a->runaway == b->runaway);
}

static void compare(const struct plan *a, const struct plan *b)
{
	ck_assert_uint_eq(a->nslots, b->nslots);
	ck_assert_uint_eq(a->look_again_ns, b->look_again_ns);
	ck_assert(memcmp(&a->memory.price, &b->memory.price, sizeof a->memory.price) == 0);
	ck_assert(memcmp(&a->memory.shortage, &b->memory.shortage, sizeof(double)) == 0);
	ck_assert_uint_eq(a->memory.deficit_kib, b->memory.deficit_kib);
	ck_assert(a->move.go == b->move.go && a->move.why == b->move.why &&
		  a->move.slot == b->move.slot && a->move.kib_per_s == b->move.kib_per_s);
	compare_ksm(&a->ksm, &b->ksm);
	for (size_t i = 0; i < a->nslots; i++) {
		ck_assert(a->guest[i].present == b->guest[i].present);
		if (!a->guest[i].present)
			continue;
		ck_assert_int_eq(a->guest[i].ksm, b->guest[i].ksm);
		ck_assert(a->guest[i].settling == b->guest[i].settling);
		compare_home(i, &a->guest[i].placement, &b->guest[i].placement);
		compare_memory(&a->guest[i].memory, &b->guest[i].memory);
	}
}

static void decided(struct loop *loop, bool kicked, void *context)
{
	record_fixture_tick(loop, kicked, context);
	compare(&loop->plan, &rec.replay->plan);
}

/* ---- scenarios ------------------------------------------------------------------------------ */

static void begin(uint64_t seed, unsigned int nnodes, unsigned int cpus, double gib)
{
	l = loop_new();
	plant_init(&l->plant, seed, nnodes, cpus, gib);
	l->decided = decided;
	l->context = &rec;
}

static void change_demands(void)
{
	for (unsigned int i = 0; i < l->plant.nguests; i++)
		if (random_share() < 0.02)
			l->plant.guest[i].demand_cpus = random_share() * l->plant.guest[i].vcpus;
}

static void go_on(double seconds, void (*before)(void))
{
	for (double end_s = l->plant.now_s + seconds; l->plant.now_s < end_s;) {
		if (before)
			before();
		loop_tick(l, random_share() < 0.01);
	}
}

/* Guests that are alike come to a host that is too small for them, and some go. */
static void ksm(uint64_t seed)
{
	begin(seed, 2, 8, 16);
	for (unsigned int i = 0; i < 6; i++) {
		struct plant_guest *g = plant_start(&l->plant, 2, 7);

		g->demand_cpus = 0.5;
		g->duplicate_share = 0.7 * random_share();
		g->kib_per_s = 8 * 1024;
		go_on(60, NULL);
	}
	go_on(HOUR_S, NULL);
	plant_stop(&l->plant, 1);
	plant_stop(&l->plant, 5);
	go_on(HOUR_S / 4, NULL);
}

static void placement(uint64_t seed)
{
	static const enum placement_pin pins[] = { PIN_NODE, PIN_CACHE, PIN_CORE };

	begin(seed, 4, 16, 64);
	l->conf.placement.pin = pins[seed % KT_ARRAY_LEN(pins)];
	for (unsigned int i = 0; i < 20; i++) {
		struct plant_guest *g =
			plant_start(&l->plant, 1U << (unsigned int)(4 * random_share()),
				    2 + 8 * random_share());

		g->kib_per_s = 100 * 1024;
		g->has_admin_mask = i == 7;
		cpumask_set(&g->admin_mask, 3);
		go_on(10, change_demands);
	}
	go_on(2 * HOUR_S, change_demands);
}

static void squeeze(uint64_t seed)
{
	begin(seed, 1, 16, 32);
	l->plant.swap_kib = 16 * PLANT_GIB;
	l->plant.cgroup_v2 = l->plant.has_reclaim = seed % 2;
	for (unsigned int i = 0; i < 4; i++) {
		struct plant_guest *g = plant_start(&l->plant, 4, 6);

		g->demand_cpus = 0.1 * random_share();
		g->on_node_kib[0] = g->memory_kib;
		g->hot_kib = 0.3 * g->memory_kib;
	}
	go_on(300, NULL);
	for (unsigned int i = 0; i < 2; i++) {
		struct plant_guest *g = plant_start(&l->plant, 8, 12);

		g->demand_cpus = 5;
		g->hot_kib = g->target_kib = 6 * PLANT_GIB;
		g->kib_per_s = 20 * 1024;
	}
	go_on(HOUR_S, change_demands);
}

static void stir_guest(struct plant_guest *g)
{
	struct domain *d = &g->domain;

	g->paused = random_share() < 0.05;
	g->unsampled = random_share() < 0.05;
	d->busy = random_share() < 0.05;
	d->admin_pins = random_share() < 0.05;
	d->wish.placement = random_share() < 0.1 ? GUEST_SWITCH_OFF : GUEST_SWITCH_DEFAULT;
	d->wish.ksm = random_share() < 0.1 ? GUEST_SWITCH_OFF : GUEST_SWITCH_DEFAULT;
	d->wish.memory = random_share() < 0.1 ? GUEST_SWITCH_OBSERVE : GUEST_SWITCH_DEFAULT;
	d->hold = random_share() < 0.1 ? GUEST_HOLD_PAUSED : GUEST_HOLD_NONE;
	d->cpu_quota = random_share() < 0.1;
}

static void stir_conf(void)
{
	l->conf.ksm.mode = random_share() < 0.3 ? LOOP_PAUSED : LOOP_ACTIVE;
	l->conf.memory.mode = random_share() < 0.3 ? LOOP_OBSERVE : LOOP_ACTIVE;
	l->conf.ksm.policy = random_share() < 0.3 ? KSM_POLICY_KSMTUNED : KSM_POLICY_AUTO;
	l->conf.ksm.plenty_percent = 30 + (uint64_t)(60 * random_share());
	l->conf.placement.cooldown_s = (uint64_t)(60 * random_share());
	placement_policy_forgive(&l->arbiter.placement);
	rec.reloads++;
}

/* Whatever can change does: guests, facts, configuration, CPUs. */
static void stir(void)
{
	struct plant *p = &l->plant;

	change_demands();
	for (unsigned int i = 0; i < p->nguests; i++)
		if (p->guest[i].running && random_share() < 0.02)
			stir_guest(&p->guest[i]);
	if (p->nguests < 60 && random_share() < 0.05) {
		struct plant_guest *g = plant_start(p, 2, 1 + 6 * random_share());

		(void)snprintf(g->domain.name, sizeof g->domain.name, "\"\n\xff%u", p->nguests);
		g->kib_per_s = 50 * 1024;
		g->duplicate_share = random_share();
	}
	if (p->nguests > 3 && random_share() < 0.04)
		plant_stop(p, (unsigned int)(p->nguests * random_share()));
	if (random_share() < 0.01)
		stir_conf();
	if (random_share() < 0.01)
		p->topology.node[1].distance[0]++;
}

static void churn(uint64_t seed)
{
	begin(seed, 2, 16, 48);
	l->plant.swap_kib = 8 * PLANT_GIB;
	l->plant.cgroup_v2 = l->plant.has_reclaim = true;
	go_on(2 * HOUR_S, stir);
}

static void (*const scenarios[])(uint64_t seed) = { ksm, placement, squeeze, churn };

START_TEST(a_replay_decides_what_was_decided)
{
	record_fixture_open(&rec, NULL, true);
	scenarios[_i / SEEDS](1 + (uint64_t)(_i % SEEDS));
	/* What they remember, down to the last bit. */
	ck_assert(memcmp(&l->arbiter, &rec.replay->arbiter, sizeof l->arbiter) == 0);
	ck_assert_uint_gt(rec.nticks, 300);
}
END_TEST

/* ---- from a file ---------------------------------------------------------------------------- */

static char path[64], other_conf[72];
static char *said, *noted;
static size_t said_bytes, noted_bytes;

static void record_to_file(void)
{
	int fd;

	strcpy(path, "/tmp/kvmtuned-replay-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	(void)snprintf(other_conf, sizeof other_conf, "%s.conf", path);
	record_fixture_open(&rec, fdopen(fd, "w"), false);
	l = loop_new();
	l->decided = record_fixture_tick;
	l->context = &rec;
	plant_init(&l->plant, 1, 2, 8, 16);
	for (unsigned int i = 0; i < 5; i++) {
		struct plant_guest *g = plant_start(&l->plant, 2, 7);

		(void)snprintf(g->domain.name, sizeof g->domain.name, "web\"%u", i);
		g->duplicate_share = 0.5;
		g->kib_per_s = 20 * 1024;
	}
}

static void end_file(void)
{
	unlink(path);
	unlink(other_conf);
	teardown();
	free(said);
	free(noted);
	said = noted = NULL;
}

static int play(const char *conf_path, bool json)
{
	FILE *out, *err;
	int status;

	free(said);
	free(noted);
	out = open_memstream(&said, &said_bytes);
	err = open_memstream(&noted, &noted_bytes);
	fflush(rec.file);
	status = replay(path, conf_path, json, out, err);
	fclose(out);
	fclose(err);
	return status;
}

START_TEST(a_file_replays_without_a_difference)
{
	go_on(HOUR_S, NULL);
	ck_assert_int_eq(play(NULL, false), 0);
	ck_assert_str_eq(noted, "");
	ck_assert_ptr_nonnull(strstr(said, " ticks, 5 guests, 0 decisions differ"));
}
END_TEST

static void write_conf(const char *text)
{
	FILE *f = fopen(other_conf, "w");

	fputs(text, f);
	fclose(f);
}

START_TEST(another_configuration_is_told_of_the_same_way_each_time)
{
	char *first;

	go_on(HOUR_S, NULL);
	write_conf("[ksm]\nmerge = never\n[domain \"web*\"]\nplacement = off\n");
	ck_assert_int_eq(play(other_conf, false), REPLAY_DIFFERS);
	ck_assert_ptr_nonnull(strstr(said, "Z host ksm: set burst, "));
	ck_assert_ptr_nonnull(strstr(said, "merge-never"));
	ck_assert_ptr_nonnull(strstr(said, "web\\x220 placement: "));
	ck_assert_ptr_nonnull(strstr(said, "-> release switched-off"));
	first = strdup(said);
	ck_assert_int_eq(play(other_conf, false), REPLAY_DIFFERS);
	ck_assert_str_eq(first, said);
	free(first);
	ck_assert_int_eq(play(other_conf, true), REPLAY_DIFFERS);
	ck_assert_ptr_nonnull(strstr(said, "\"guest\":\"web\\\\x220\",\"loop\":\"placement\""));
}
END_TEST

static void begin_file_anew(void)
{
	rewind(rec.file);
	ck_assert_int_eq(ftruncate(fileno(rec.file), 0), 0);
	record_fixture_header(&rec, rec.file);
	recorder_restart(rec.recorder);
}

/* Somebody joins later: what he gets can be read alone, and says what is missing. */
START_TEST(a_later_beginning_is_whole_and_said)
{
	go_on(600, NULL);
	begin_file_anew();
	go_on(600, NULL);
	ck_assert_int_ne(play(NULL, false), 1);
	ck_assert_ptr_nonnull(strstr(noted, "begins after the daemon's start"));
	ck_assert_ptr_nonnull(strstr(said, " ticks, 5 guests, "));
}
END_TEST

/* The manual says which decisions those are, and that they need not come to an end. */
START_TEST(a_later_beginning_decides_as_after_a_start)
{
	go_on(HOUR_S, NULL);
	begin_file_anew();
	go_on(60, NULL);
	ck_assert_int_eq(play(NULL, false), REPLAY_DIFFERS);
	ck_assert_ptr_nonnull(strstr(said, "host ksm: set converged, "));
	ck_assert_ptr_nonnull(strstr(said, "-> set settling, "));
	ck_assert_ptr_nonnull(strstr(said, "-> set burst, "));
	ck_assert_ptr_nonnull(strstr(said, "-> hold not-measured"));
	ck_assert_ptr_null(strstr(said, " memory: "));
}
END_TEST

/* What an earlier life has left in force is in the recording; nothing else of it was known. */
START_TEST(a_beginning_after_a_restart_has_it_all)
{
	go_on(HOUR_S, NULL);
	memset(&l->arbiter, 0, sizeof l->arbiter);
	host_view_free(l->view);
	l->view = host_view_new();
	ck_assert_ptr_nonnull(l->view);
	begin_file_anew();
	rec.first = true;
	go_on(HOUR_S, NULL);
	ck_assert_msg(play(NULL, false) == 0, "%s", said);
	ck_assert_str_eq(noted, "");
}
END_TEST

START_TEST(whoever_joins_does_not_disturb_the_others)
{
	go_on(600, NULL);
	recorder_restart(rec.recorder);
	go_on(600, NULL);
	ck_assert_int_eq(play(NULL, false), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_replay");
	TCase *same = tcase_create("same"), *file = tcase_create("file");

	tcase_set_timeout(same, 120);
	tcase_add_checked_fixture(same, NULL, teardown);
	tcase_add_loop_test(same, a_replay_decides_what_was_decided, 0,
			    SEEDS * (int)KT_ARRAY_LEN(scenarios));
	tcase_set_timeout(file, 120);
	tcase_add_checked_fixture(file, record_to_file, end_file);
	tcase_add_test(file, a_file_replays_without_a_difference);
	tcase_add_test(file, another_configuration_is_told_of_the_same_way_each_time);
	tcase_add_test(file, a_later_beginning_is_whole_and_said);
	tcase_add_test(file, a_later_beginning_decides_as_after_a_start);
	tcase_add_test(file, a_beginning_after_a_restart_has_it_all);
	tcase_add_test(file, whoever_joins_does_not_disturb_the_others);
	suite_add_tcase(s, same);
	suite_add_tcase(s, file);
	return kt_run(s);
}
