/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to a host in a life that is too short for it: guests, administrators, broken
 * hardware, other configurations. */
#include <stdio.h>
#include <string.h>

#include "soak.h"

static struct soak_guest *any_guest(struct soak *s)
{
	struct soak_guest *g = &s->guest[soak_below(s, SOAK_GUESTS)];

	return g->runs ? g : NULL;
}

static struct soak_thread *any_thread(struct soak *s, struct soak_guest **ret_guest)
{
	struct soak_guest *g = any_guest(s);
	struct soak_thread *t = g ? &g->thread[soak_below(s, 12)] : NULL;

	*ret_guest = g;
	return t && t->alive ? t : NULL;
}

/* ---- guests ---------------------------------------------------------------------------------- */

static void start(struct soak *s)
{
	struct soak_guest *g = &s->guest[soak_below(s, SOAK_GUESTS)];

	if (!g->runs && !g->gone_at_ns)
		soak_guest_starts(s, g);
}

static void end(struct soak *s)
{
	struct soak_guest *g = any_guest(s);

	if (g)
		soak_guest_ends(s, g);
}

static void change_size(struct soak *s)
{
	struct soak_guest *g = any_guest(s);

	if (!g)
		return;
	g->memory_kib = (1 + soak_below(s, 16)) << 20;
	g->usage_kib = KT_MIN(g->usage_kib, g->memory_kib);
	g->is_stale = true;
	soak_tell(s, "guest %d has %lu GiB now", g->id, g->memory_kib >> 20);
}

static void change_demand(struct soak *s)
{
	struct soak_guest *g = any_guest(s);

	if (g)
		g->demand_cpus = soak_chance(s, 500) ? 0.01 : soak_between(s, 0, g->vcpus);
}

static void change_state(struct soak *s)
{
	struct soak_guest *g = any_guest(s);

	if (!g || g->journey)
		return;
	if (soak_chance(s, 500))
		g->paused = !g->paused;
	else
		g->busy = !g->busy;
	g->is_stale = true;
}

static void plug_vcpu(struct soak *s)
{
	struct soak_guest *g = any_guest(s);

	if (!g || g->vcpus >= 12 || !soak_thread_starts(s, g, THREAD_VCPU, g->vcpus, NULL))
		return;
	g->vcpus++;
	g->is_stale = true;
	soak_tell(s, "guest %d has %u vCPUs now", g->id, g->vcpus);
}

static void unplug_vcpu(struct soak *s)
{
	struct soak_guest *g = any_guest(s);

	if (!g || g->vcpus < 2)
		return;
	g->vcpus--;
	g->is_stale = true;
	for (size_t i = 1; i < SOAK_THREADS; i++)
		if (g->thread[i].role == THREAD_VCPU && g->thread[i].number == g->vcpus)
			soak_thread_ends(g, &g->thread[i]);
	soak_tell(s, "guest %d has %u vCPUs now", g->id, g->vcpus);
}

/* Pools of workers are the main thread's, an I/O thread's or anybody's; workers bear others. */
static void worker_comes(struct soak *s)
{
	struct soak_guest *g;
	struct soak_thread *mother = any_thread(s, &g);
	struct soak_thread *t =
		mother ? soak_thread_starts(s, g, THREAD_EMULATOR, 0, mother) : NULL;

	if (t)
		soak_tell(s, "guest %d has another thread %d, born of %d, mask %lx", g->id, t->tid,
			  mother->tid, t->now);
}

static void worker_goes(struct soak *s)
{
	struct soak_guest *g;
	struct soak_thread *t = any_thread(s, &g);

	if (t && t != g->thread && t->role != THREAD_VCPU)
		soak_thread_ends(g, t);
}

/* ---- the host ----------------------------------------------------------------------------------
 */

static void cpus_come_or_go(struct soak *s)
{
	uint64_t all = soak_all_cpus, online = all;

	if (s->daemon && s->cpus_changed)
		return; /* what comes and goes between two looks has left no trace */
	if (s->online != all && soak_chance(s, 700))
		online = all;
	else if (soak_chance(s, 300))
		online = soak_chance(s, 500) ? 0x00ff : 0xff00; /* a node */
	else
		online = s->online & ~(UINT64_C(1) << soak_below(s, SOAK_CPUS));
	if (online && online != s->online)
		soak_cpus_change(s, online);
}

static void load_changes(struct soak *s)
{
	s->load_kib = soak_between(s, 0, 40) * 1024 * 1024;
	s->has_swap = soak_chance(s, 850);
}

static void pages_merge(struct soak *s)
{
	s->pages_shared = soak_number(s, "ksm run") == 1 ? soak_below(s, 100000) : s->pages_shared;
}

static void weather_changes(struct soak *s)
{
	static const unsigned int levels[] = { 0, 0, 2, 20, 200, 700 };
	unsigned int *kind[] = { &s->weather.read, &s->weather.write, &s->weather.mask,
				 &s->weather.virt, &s->weather.undo };

	s->weather = (struct soak_weather){ 0 };
	if (soak_chance(s, 500))
		return;
	for (size_t i = 0; i < KT_ARRAY_LEN(kind); i++)
		if (soak_chance(s, 400))
			*kind[i] = levels[soak_below(s, KT_ARRAY_LEN(levels))];
	s->weather_ends_ns = s->now_ns + soak_below(s, 120) * KT_NS_PER_S;
	soak_tell(s, "of 1000 fail: reads %u, writes %u, masks %u, libvirt %u, undo file %u",
		  s->weather.read, s->weather.write, s->weather.mask, s->weather.virt,
		  s->weather.undo);
}

static void link_breaks(struct soak *s)
{
	s->link_up = false;
}

/* ---- administrators
 * ------------------------------------------------------------------------------ */

static void admin_writes(struct soak *s)
{
	struct soak_file *f = &s->file[soak_below(s, s->nfiles)];
	const char *word = soak_other_word(s, f);

	if (s->unmerger.runs && f->kind == SOAK_KSM)
		return; /* he waits, as everybody does */
	if (word)
		soak_file_changes(s, f, word);
}

static void admin_interferes(struct soak *s)
{
	s->admin_interferes = true;
}

/* What looks like one of ours cannot be told from it. */
static bool looks_like_ours(const struct soak *s, const struct soak_thread *t, uint64_t mask)
{
	uint64_t shown = soak_shown(s, mask);

	if (!t->filed.known)
		return shown == soak_shown(s, t->now);
	return shown == soak_shown(s, t->filed.original) ||
	       shown == soak_shown(s, t->filed.asked) || shown == soak_shown(s, t->filed.before);
}

static void admin_pins(struct soak *s)
{
	struct soak_guest *g;
	struct soak_thread *t = any_thread(s, &g);
	uint64_t mask = 1 + soak_below(s, soak_all_cpus);

	if (!t || t->unpinnable || !(mask & s->online) || looks_like_ours(s, t, mask))
		return;
	t->stranger =
		(t->filed.known && (t->ours || !g->is_trusted) && t->now != t->filed.original) ||
		(t->seen && !g->is_trusted && (t->first_allowed & ~mask));
	t->ours = false;
	t->now = t->own = mask;
	soak_tell(s, "somebody pins thread %d of guest %d to %lx%s", t->tid, g->id, mask,
		  t->filed.known ? " (on file)" : "");
}

static void admin_limits(struct soak *s)
{
	struct soak_guest *g = any_guest(s);
	uint64_t kib = soak_chance(s, 500) ? KT_UNLIMITED_KIB : (1 + soak_below(s, 3000)) * 1000;
	struct soak_limit *l = g ? &g->limit : NULL;

	if (!l || kib == l->now ||
	    (l->filed.known &&
	     (kib == l->filed.original || kib == l->filed.before || kib == l->filed.asked)))
		return;
	l->stranger = l->filed.known && l->now != l->filed.original;
	l->touched = true; /* from now on: libvirt does not tell of it */
	l->ours = l->came_along = false;
	l->now = l->own = kib;
	g->is_stale |= soak_chance(s, 500); /* libvirt sends no event */
	soak_tell(s, "somebody limits guest %d to %lu%s", g->id, kib,
		  l->filed.known ? " (on file)" : "");
}

static void admin_guarantees(struct soak *s)
{
	struct soak_guest *g = any_guest(s);

	if (!g)
		return;
	g->guarantee_mib = soak_chance(s, 500) ? 0 : soak_below(s, g->memory_kib / 1024);
	g->is_stale = true;
	soak_tell(s, "guest %d is guaranteed %lu MiB", g->id, g->guarantee_mib);
}

/* ---- the daemon's own ends
 * ----------------------------------------------------- */

static void reload(struct soak *s)
{
	if (s->daemon)
		soak_daemon_reloads(s);
}

/* At some later doing of its own. */
static void is_killed(struct soak *s)
{
	if (s->daemon)
		s->die_after = 1 + (int)soak_below(s, 12);
}

static void is_killed_at_rest(struct soak *s)
{
	if (s->daemon)
		soak_daemon_ends(s, SOAK_KILL);
}

static void is_restarted(struct soak *s)
{
	if (!s->daemon)
		return;
	soak_daemon_ends(s, SOAK_RESTART);
	soak_daemon_starts(s);
}

static void stops(struct soak *s)
{
	if (s->daemon)
		soak_daemon_ends(s, SOAK_STOP);
}

static const struct {
	void (*happens)(struct soak *s);
	unsigned int weight;
} kinds[] = {
	{ start, 60 },
	{ end, 30 },
	{ change_size, 10 },
	{ change_demand, 60 },
	{ change_state, 15 },
	{ plug_vcpu, 15 },
	{ unplug_vcpu, 10 },
	{ worker_comes, 25 },
	{ worker_goes, 25 },
	{ cpus_come_or_go, 10 },
	{ load_changes, 20 },
	{ pages_merge, 30 },
	{ weather_changes, 12 },
	{ link_breaks, 6 },
	{ admin_writes, 12 },
	{ admin_interferes, 3 },
	{ admin_pins, 5 },
	{ admin_limits, 5 },
	{ admin_guarantees, 8 },
	{ reload, 12 },
	{ soak_guest_leaves, 8 },
	{ soak_guest_arrives, 12 },
	{ is_killed, 3 },
	{ is_killed_at_rest, 2 },
	{ is_restarted, 3 },
	{ stops, 3 },
};

static unsigned int sum_weights(void)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < KT_ARRAY_LEN(kinds); i++)
		sum += kinds[i].weight;
	return sum;
}

static void happen(struct soak *s)
{
	unsigned int at = (unsigned int)soak_below(s, sum_weights());

	for (size_t i = 0; i < KT_ARRAY_LEN(kinds); at -= kinds[i++].weight)
		if (at < kinds[i].weight) {
			s->counts.events++;
			kinds[i].happens(s);
			return;
		}
}

void soak_events(struct soak *s)
{
	if (s->weather_ends_ns < s->now_ns)
		s->weather = (struct soak_weather){ 0 };
	while (soak_chance(s, 300))
		happen(s);
}
