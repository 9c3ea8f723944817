/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests: processes with threads that come and go, memory that is used, CPUs that are. */
#include <stdio.h>
#include <string.h>

#include "soak.h"

static const uint64_t kib_per_gib = 1024 * 1024;

/* ---- threads --------------------------------------------------------------------------------- */

/* A number that says where it lies; seldom one that was used before. */
static pid_t any_tid(struct soak *s, const struct soak_guest *g, size_t place)
{
	unsigned int of_guest = (unsigned int)(g - s->guest) * SOAK_THREADS;
	unsigned int generation = (unsigned int)soak_below(s, soak_chance(s, 100) ? 2 : 1 << 18);

	return 0x10000000 +
	       (pid_t)(generation * SOAK_GUESTS * SOAK_THREADS + of_guest + (unsigned int)place);
}

static void write_stat(struct soak_thread *t)
{
	snprintf(t->stat, sizeof t->stat,
		 "%d (qemu) S 1 1 1 0 -1 %u 0 0 0 0 0 0 0 0 20 0 1 0 %lu 0 0\n", t->tid,
		 t->unpinnable ? 0x04000000U : 0x400040U, t->start_ticks);
}

/* It inherits the mask of the one that creates it. */
struct soak_thread *soak_thread_starts(struct soak *s, struct soak_guest *g, enum thread_role role,
				       unsigned int number, const struct soak_thread *mother)
{
	bool has_pool = role == THREAD_VCPU || role == THREAD_IOTHREAD;

	mother = mother ? mother : g->thread;
	for (size_t i = 0; i < SOAK_THREADS; i++) {
		struct soak_thread *t = &g->thread[i];

		if (t->alive)
			continue;
		*t = (struct soak_thread){ .alive = true,
					   .tid = any_tid(s, g, i),
					   .start_ticks = s->now_ns / 10000000 + i,
					   .role = role,
					   .number = number,
					   .now = i ? mother->now : soak_all_cpus,
					   .own = i ? mother->own : soak_all_cpus,
					   .ours = i && mother->ours,
					   .reset = i && mother->reset,
					   .owner = has_pool || !i ? t : mother->owner,
					   .inherited = i && mother->ours,
					   .own_before_reset = mother->own_before_reset,
					   .hidden = mother->hidden };
		write_stat(t);
		return t;
	}
	return NULL;
}

void soak_thread_ends(struct soak_guest *g, struct soak_thread *t)
{
	for (size_t i = 0; i < SOAK_THREADS; i++)
		if (&g->thread[i] == t || g->thread[i].owner == t)
			g->thread[i].alive = g->thread[i].ours = false;
}

/* ---- life --------------------------------------------------------------------------------------
 */

static void start_threads(struct soak *s, struct soak_guest *g)
{
	memset(g->thread, 0, sizeof g->thread);
	soak_thread_starts(s, g, THREAD_EMULATOR, 0, NULL);
	for (unsigned int v = 0; v < g->vcpus; v++)
		soak_thread_starts(s, g, THREAD_VCPU, v, NULL);
	if (soak_chance(s, 300))
		soak_thread_starts(s, g, THREAD_IOTHREAD, 1, NULL);
	if (soak_chance(s, 200))
		soak_thread_starts(s, g, THREAD_VHOST, 0, NULL);
}

/* One in eight comes back with the name that it had. */
void soak_guest_starts(struct soak *s, struct soak_guest *g)
{
	static int ids;
	struct uuid uuid = g->uuid;

	if (s->counts.guests == 0)
		ids = 0;
	if (!soak_chance(s, 125) || uuid.byte[0] == 0)
		for (size_t i = 0; i < sizeof uuid.byte; i++)
			uuid.byte[i] = (uint8_t)(1 + soak_below(s, 255));
	*g = (struct soak_guest){ .runs = true,
				  .id = ++ids,
				  .uuid = uuid,
				  .vcpus = 1 + (unsigned int)soak_below(s, 8),
				  .memory_kib = (1 + soak_below(s, 16)) * kib_per_gib,
				  .share_on_0 = soak_between(s, 0, 1),
				  .has_admin_pins = soak_chance(s, 60) };
	g->usage_kib = g->memory_kib / 4;
	g->limit.now = g->limit.own = soak_chance(s, 50) ? g->memory_kib : KT_UNLIMITED_KIB;
	g->demand_cpus = soak_between(s, 0, g->vcpus);
	start_threads(s, g);
	for (size_t i = 0; g->has_admin_pins && i < SOAK_THREADS; i++)
		g->thread[i].now = g->thread[i].own = 0x0f;
	s->counts.guests++;
	soak_tell(s, "guest %d starts: %u vCPUs, %lu GiB, pid %d", g->id, g->vcpus,
		  g->memory_kib / kib_per_gib, g->thread[0].tid);
}

/* libvirt may be late with the news; a guest that starts with the same UUID waits for that. */
void soak_guest_ends(struct soak *s, struct soak_guest *g)
{
	soak_tell(s, "guest %d ends", g->id);
	g->runs = false;
	g->gone_at_ns = s->now_ns + soak_below(s, 12) * KT_NS_PER_S + 1;
	for (size_t i = 0; i < SOAK_THREADS; i++)
		soak_thread_ends(g, &g->thread[i]);
}

unsigned int soak_count_guests(const struct soak *s)
{
	unsigned int n = 0;

	for (size_t i = 0; i < SOAK_GUESTS; i++)
		n += s->guest[i].runs;
	return n;
}

/* ---- time passes
 * --------------------------------------------------------------------------------- */

static void guest_goes_on(struct soak *s, struct soak_guest *g, double seconds)
{
	double most = KT_MIN(g->demand_cpus, (double)g->vcpus);
	double wander = soak_between(s, -0.01, 0.012) * (double)g->memory_kib;
	double usage = KT_CLAMP((double)g->usage_kib + wander, 0.05 * (double)g->memory_kib,
				1.1 * (double)g->memory_kib);

	g->usage_kib = (uint64_t)usage;
	if (g->paused)
		return;
	g->run_s += most * seconds;
	g->delay_s += soak_between(s, 0, 0.1) * most * seconds;
}

void soak_guests_go_on(struct soak *s, double seconds)
{
	for (size_t i = 0; i < SOAK_GUESTS; i++)
		if (s->guest[i].runs)
			guest_goes_on(s, &s->guest[i], seconds);
}

uint64_t soak_floor_kib(const struct soak *s, uint64_t memory_kib, uint64_t own_guarantee_mib)
{
	const struct memory_conf *conf = &s->daemon->conf.memory;
	uint64_t guarantee_mib = own_guarantee_mib ? own_guarantee_mib : conf->min_guarantee_mib;

	return KT_MAX(memory_kib * conf->floor_percent / 100, guarantee_mib * 1024);
}
