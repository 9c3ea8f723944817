/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How large is a recording, and how long does its replay take?  One hundred guests at the
 * daemon's interval, for half an hour; KT_RECORD_HOURS=24 for a day (make bench-record).
 *
 * The size is held to its limit here: 24 h of 100 guests in 100 MB are 57.8 bytes for each guest
 * and tick.  Times are only told. */
#include <time.h>

#include "record_fixture.h"

enum { NGUESTS = 100, INTERVAL_S = 5 };

static const double bytes_max = 57.8;

static struct loop *l;
static struct record_fixture rec;
static char path[64];

static double share(void)
{
	return plant_random(&l->plant, 0, 1);
}

/* A fleet as it is: most of the guests rest, each for a while; their memory comes and goes. */
static void live(struct loop *loop, void *context)
{
	(void)loop, (void)context;
	for (unsigned int i = 0; i < l->plant.nguests; i++) {
		struct plant_guest *g = &l->plant.guest[i];

		g->demand_cpus *= 0.9 + 0.2 * share();
		if (share() < 0.01)
			g->demand_cpus = g->vcpus * (share() < 0.3 ? share() : 0.05 * share());
		if (share() < 0.01)
			g->target_kib = g->memory_kib * (0.3 + 0.7 * share());
	}
}

/* The other end: everybody is busy, waits for CPUs and fills memory, at every tick. */
static void toil(struct loop *loop, void *context)
{
	(void)loop, (void)context;
	for (unsigned int i = 0; i < l->plant.nguests; i++) {
		struct plant_guest *g = &l->plant.guest[i];

		g->demand_cpus = g->vcpus * share();
		g->target_kib = g->memory_kib * (0.3 + 0.7 * share());
	}
}

static const struct {
	const char *name;
	void (*after)(struct loop *l, void *context);
} fleets[] = { { "a fleet that mostly rests", live }, { "a fleet that never rests", toil } };

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double recording_s;

static void decided(struct loop *loop, bool kicked, void *context)
{
	double began_s = now_s();

	record_fixture_tick(loop, kicked, context);
	recording_s += now_s() - began_s;
}

static void begin(void)
{
	int fd;

	strcpy(path, "/tmp/kvmtuned-record-size-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	record_fixture_open(&rec, fdopen(fd, "w+"), false);
	l = loop_new();
	plant_init(&l->plant, 1, 4, 64, 512);
	l->plant.swap_kib = 64 * PLANT_GIB;
	l->plant.cgroup_v2 = l->plant.has_reclaim = true;
	l->decided = decided;
	l->context = &rec;
	for (unsigned int i = 0; i < NGUESTS; i++) {
		struct plant_guest *g = plant_start(&l->plant, 2 + i % 7, 4 + i % 16);

		(void)snprintf(g->domain.name, sizeof g->domain.name, "guest-%u", i);
		g->demand_cpus = 0.1;
		g->duplicate_share = 0.3;
		g->kib_per_s = 1024 * 100 * share();
		g->rewrite_per_s = 1e-5;
		g->hot_kib = 0.3 * g->memory_kib;
	}
}

static double hours(void)
{
	const char *text = getenv("KT_RECORD_HOURS");

	return text ? strtod(text, NULL) : 0.5;
}

START_TEST(a_day_of_a_hundred_guests_stays_below_100_mb)
{
	double seconds = hours() * 3600, bytes, began_s, replay_s;
	FILE *nowhere = fopen("/dev/null", "w");

	begin();
	recording_s = 0;
	l->interval_s = INTERVAL_S;
	loop_run(l, seconds, fleets[_i].after, NULL);
	bytes = (double)rec.bytes / (double)rec.guest_ticks;
	fflush(rec.file);
	began_s = now_s();
	ck_assert_int_eq(replay(path, NULL, false, nowhere, stderr), 0);
	replay_s = now_s() - began_s;
	printf("# %s: %zu ticks of %d guests, %.1f bytes for each guest and tick; a day of %d s "
	       "ticks: %.0f MB, at this pace: %.0f MB; recording %.2f ms a tick, replay %.2f ms a "
	       "tick, %.0f times real time\n",
	       fleets[_i].name, rec.nticks, NGUESTS, bytes, INTERVAL_S,
	       bytes * NGUESTS * 86400 / INTERVAL_S / 1e6,
	       (double)rec.bytes / seconds * 86400 / 1e6, recording_s * 1e3 / (double)rec.nticks,
	       replay_s * 1e3 / (double)rec.nticks, seconds / replay_s);
	unlink(path);
	fclose(nowhere);
	record_fixture_close(&rec);
	loop_free(l);
	ck_assert_msg(bytes < bytes_max, "%.1f bytes", bytes);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_record_size");
	TCase *c = tcase_create("size");

	tcase_set_timeout(c, 3600);
	tcase_add_loop_test(c, a_day_of_a_hundred_guests_stays_below_100_mb, 0,
			    (int)KT_ARRAY_LEN(fleets));
	suite_add_tcase(s, c);
	return kt_run(s);
}
