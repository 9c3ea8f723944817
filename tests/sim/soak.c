/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host from its first day to its last, and what is told when something is broken. */
#include "soak.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct soak *the_soak;

void soak_tell(struct soak *s, const char *fmt, ...)
{
	char *told = s->told[s->ntold++ % SOAK_STORY];
	int n = snprintf(told, sizeof s->told[0], "%8lu: ", s->counts.steps);
	va_list args;

	va_start(args, fmt);
	vsnprintf(told + n, sizeof s->told[0] - (size_t)n, fmt, args);
	va_end(args);
}

void soak_broken(struct soak *s, const char *fmt, ...)
{
	va_list args;

	if (s->broken)
		return;
	s->broken = true;
	for (uint64_t i = s->ntold > SOAK_STORY ? s->ntold - SOAK_STORY : 0; i < s->ntold; i++)
		fprintf(stderr, "%s\n", s->told[i % SOAK_STORY]);
	fprintf(stderr, "seed %lu, step %lu: ", s->seed, s->counts.steps);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

bool soak_fails(struct soak *s, unsigned int in_1000)
{
	if (!in_1000 || !soak_chance(s, in_1000))
		return false;
	s->counts.faults++;
	s->had_fault = true;
	return true;
}

void soak_may_die(struct soak *s)
{
	if (s->in_act && s->die_after && --s->die_after == 0)
		longjmp(s->death, 1);
}

/* What act says belongs to the story. */
static void hear(const struct log_event *e, void *context)
{
	struct soak *s = context;

	s->counts.cedes += e->id == LOG_CEDED;
	soak_tell(s, "says: %s", e->message);
	if (e->id == LOG_CEDED)
		soak_check_cede(s, e);
}

static struct soak *open_host(uint64_t seed)
{
	struct soak *s = calloc(1, sizeof *s);

	if (!s)
		abort();
	snprintf(s->run_dir, sizeof s->run_dir, "%s/kvmtuned-soak-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(s->run_dir))
		abort();
	s->seed = seed;
	s->random = fixture_seed((int)(seed % 1000000) + 1);
	s->now_ns = 1000 * KT_NS_PER_S;
	s->online = soak_all_cpus;
	s->link_up = true;
	s->has_swap = true;
	s->forgets_masks = soak_chance(s, 250);
	s->cgroup_v2 = soak_chance(s, 500);
	s->has_reclaim = soak_chance(s, 700);
	soak_files_make(s);
	the_soak = s;
	log_set_sink(hear, s, LOG_LEVEL_NOTICE);
	return s;
}

static void close_host(struct soak *s)
{
	char path[96];

	log_set_sink(NULL, NULL, LOG_LEVEL_ERR);
	if (s->daemon) /* it was broken, and that was said */
		soak_daemon_frees(s);
	snprintf(path, sizeof path, "%s/undo", s->run_dir);
	(void)unlink(path); /* there is none, unless something was broken */
	(void)rmdir(s->run_dir);
	the_soak = NULL;
	free(s);
}

/* As the loop waits: what the plan asks for, or the usual time. */
static double seconds_to_next(struct soak *s)
{
	uint64_t ns = 5 * KT_NS_PER_S;

	if (s->daemon && s->daemon->plan.look_again_ns)
		ns = KT_CLAMP(s->daemon->plan.look_again_ns, KT_NS_PER_S / 2, ns);
	return (double)ns / 1e9;
}

static void pass_time(struct soak *s, double seconds)
{
	s->now_ns += (uint64_t)(seconds * 1e9);
	s->counts.days += seconds / 86400;
	soak_guests_go_on(s, seconds);
	soak_migrations_go_on(s);
	soak_workers_go_on(s, seconds);
	soak_unmerger_goes_on(s, false);
	s->stall_s += soak_chance(s, 50) ? seconds * soak_between(s, 0, 0.1) : 0;
	s->swapped += soak_chance(s, 50) ? 1000 : 0;
	if (soak_number(s, "ksm run") != 1)
		return;
	s->full_scans += seconds / 60;
	s->scanned += seconds * 1000;
	s->ksmd_s += seconds * 0.05;
}

static void step(struct soak *s)
{
	s->counts.steps++;
	s->had_fault = false;
	pass_time(s, seconds_to_next(s));
	soak_events(s);
	if (!s->daemon && soak_chance(s, 300))
		soak_daemon_starts(s);
	if (s->daemon)
		soak_daemon_ticks(s);
	s->admin_interferes = false;
}

/* Where it would have been killed. */
static void die(struct soak *s)
{
	s->in_act = false;
	s->died = true;
	if (s->daemon)
		soak_daemon_ends(s, SOAK_KILL);
	s->died = false;
}

bool soak_run(uint64_t seed, double days, struct soak_counts *ret)
{
	struct soak *s = open_host(seed);
	bool ok;

	while (s->counts.days < days && !s->broken) {
		if (setjmp(s->death) == 0)
			step(s);
		else
			die(s);
		soak_check(s);
	}
	if (!s->broken && setjmp(s->death) == 0)
		soak_daemon_restores(s);
	ok = !s->broken;
	*ret = s->counts;
	close_host(s);
	return ok;
}
