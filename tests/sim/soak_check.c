/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must be true of every value after every step, and of every write at once.
 *
 * A value is (a) as it would be without us, or (b) ours: then it is on file with the right
 * original, and what it says is what was asked for.  What somebody else put in the place of
 * ours is his until a reload. */
#include <stdio.h>
#include <string.h>

#include "soak.h"

/* Steps in which a limit below the floor may wait for libvirt to lift it. */
enum { FLOOR_PATIENCE = 60 };

/* ---- files ------------------------------------------------------------------------------------
 */

/* Stopped is stopped, and pages_to_scan is the advisor's where there is one. */
static bool is_own(struct soak *s, const struct soak_file *f, const char *word)
{
	if (strcmp(f->key, "ksm run") == 0 && f->own[0] != '1')
		return word[0] != '1';
	if (strcmp(f->key, "ksm pages_to_scan") == 0 &&
	    (soak_number(s, "ksm advisor_mode") || soak_file(s, "ksm advisor_mode")->own[0] == '1'))
		return true;
	return strcmp(word, f->own) == 0;
}

/* An unmerging that fails leaves a 0 behind. */
static bool is_rightly_filed(const struct soak_file *f, const char *word)
{
	if (strcmp(f->key, "ksm run") == 0 && f->filed.known && f->filed.asked[0] == '2' &&
	    word[0] == '0')
		word = "2";
	return f->filed.known && strcmp(f->filed.original, f->own) == 0 &&
	       (strcmp(word, f->filed.asked) == 0 || strcmp(word, f->filed.before) == 0);
}

static const struct soak_file *stranger_of_ksm(const struct soak *s)
{
	for (unsigned int i = 0; i < s->nfiles; i++)
		if (s->file[i].kind == SOAK_KSM && s->file[i].stranger)
			return &s->file[i];
	return NULL;
}

/* What is merged across nodes has to be taken apart before that can be given back. */
static bool unmerges_to_give_back(struct soak *s, const struct soak_file *f, const char *word)
{
	return strcmp(f->key, "ksm run") == 0 && word[0] == '2' &&
	       soak_file(s, "ksm merge_across_nodes")->ours;
}

void soak_check_write(struct soak *s, struct soak_file *f, const char *word)
{
	const struct soak_file *stranger = f->kind == SOAK_KSM ? stranger_of_ksm(s) : NULL;

	if (f->stranger)
		soak_broken(s, "%s is somebody else's: %s, and %s is written over it", f->key,
			    f->now, word);
	else if (stranger && !is_own(s, f, word) && !unmerges_to_give_back(s, f, word))
		soak_broken(s,
			    "%s is written %s (own %s, filed %s %s %s), and %s is somebody else's",
			    f->key, word, f->own, f->filed.original, f->filed.before,
			    f->filed.asked, stranger->key);
	else if (!is_own(s, f, word) && !is_rightly_filed(f, word))
		soak_broken(s, "%s is written %s, its own is %s, on file is %s (%s -> %s)", f->key,
			    word, f->own, f->filed.known ? f->filed.original : "nothing",
			    f->filed.before, f->filed.asked);
}

static void check_file(struct soak *s, const struct soak_file *f)
{
	if (is_own(s, f, f->now) || (f->ours && is_rightly_filed(f, f->now)))
		return;
	soak_broken(s, "%s says %s, its own is %s, on file is %s (%s -> %s)", f->key, f->now,
		    f->own, f->filed.known ? f->filed.original : "nothing", f->filed.before,
		    f->filed.asked);
}

/* ---- threads -----------------------------------------------------------------------------------
 */

/* Of a narrow mask the kernel does not show the CPUs that were off-line when it was noted. */
static bool is_own_mask(const struct soak_thread *t, uint64_t mask)
{
	const uint64_t own[] = { t->own, t->own_before_reset };

	for (size_t i = 0; i < KT_ARRAY_LEN(own); i++)
		if (own[i] && (mask == own[i] || (own[i] != soak_all_cpus &&
						  (mask | (own[i] & t->hidden)) == own[i])))
			return true;
	return false;
}

bool soak_mask_is_own(const struct soak_thread *t)
{
	return t->reset || is_own_mask(t, t->now);
}

static bool is_filed_as(const struct soak *s, const struct soak_thread *t, uint64_t mask)
{
	uint64_t shown = soak_shown(s, mask);

	return t->filed.known &&
	       (mask == t->filed.asked || mask == t->filed.before ||
		shown == soak_shown(s, t->filed.asked) || shown == soak_shown(s, t->filed.before));
}

/* One that no plan has named yet: born of a thread that has been pinned. */
static bool is_born_of_ours(const struct soak *s, const struct soak_guest *g,
			    const struct soak_thread *t)
{
	for (size_t i = 0; i < SOAK_THREADS; i++)
		if (g->thread[i].alive && is_filed_as(s, &g->thread[i], t->now))
			return true;
	return false;
}

/* With CPUs that are off-line, which sched_getaffinity(2) does not show.  What is left may be
 * what a pinned thread hands on to its children, and nobody can tell the two apart. */
static bool is_taken_for_born(const struct soak *s, const struct soak_guest *g,
			      const struct soak_thread *t)
{
	return !t->filed.known && t->now != soak_shown(s, t->now) && is_born_of_ours(s, g, t);
}

/* Of a thread that may run on all CPUs that are on-line nobody can tell whether somebody has kept
 * from it just those that are not: a cpuset shows the same of every thread. */
static void note_taken_for_unpinned(const struct soak *s, struct soak_thread *t)
{
	if (t->stranger || t->now != t->own || t->own == soak_all_cpus ||
	    soak_shown(s, t->own) != s->online || !t->filed.known ||
	    t->filed.original != soak_all_cpus)
		return;
	t->own_before_reset = t->own;
	t->own = soak_all_cpus;
}

/* Its mother's mask may be that of others, too, who had another one before; then nobody can tell
 * whose child it is, and so which its own would be. */
static void note_kin(const struct soak *s, const struct soak_guest *g, struct soak_thread *t,
		     uint64_t original)
{
	if (!t->inherited || is_own_mask(t, original))
		return;
	for (size_t i = 0; i < SOAK_THREADS; i++) {
		const struct soak_thread *other = &g->thread[i];

		if (other == t || !other->alive || !is_filed_as(s, other, t->now) ||
		    !is_own_mask(other, original))
			continue;
		t->own_before_reset = t->own;
		t->own = original;
		return;
	}
}

void soak_note_kin(struct soak *s)
{
	for (size_t g = 0; g < SOAK_GUESTS; g++)
		for (size_t i = 0; s->guest[g].runs && i < SOAK_THREADS; i++) {
			struct soak_thread *t = &s->guest[g].thread[i];

			if (t->alive && t->filed.known)
				note_kin(s, &s->guest[g], t, t->filed.original);
		}
}

void soak_check_mask(struct soak *s, const struct soak_guest *g, struct soak_thread *t,
		     uint64_t mask)
{
	bool gives_back;

	if (t->reset && mask == t->now)
		return; /* by the kernel, which has forgotten what was there */
	note_taken_for_unpinned(s, t);
	if (!t->filed.known)
		note_kin(s, g, t, mask);
	gives_back = is_own_mask(t, mask) || soak_shown(s, mask) == soak_shown(s, t->own);
	if (!gives_back)
		soak_check_hands_off(s, g, "a thread of it is pinned");
	if (!gives_back && is_taken_for_born(s, g, t)) {
		t->own_before_reset = t->own;
		t->own = mask;
		t->stranger = false;
		return;
	}
	if (t->stranger && mask != t->now && soak_shown(s, mask) != soak_shown(s, t->now))
		soak_broken(s, "thread %d of guest %d is somebody else's: %lx, and gets %lx",
			    t->tid, g->id, t->now, mask);
	else if (!gives_back && !(is_filed_as(s, t, mask) && is_own_mask(t, t->filed.original)))
		soak_broken(s,
			    "thread %d of guest %d gets %lx, its own is %lx, on file is %d %lx "
			    "(%lx -> %lx)",
			    t->tid, g->id, mask, t->own, t->filed.known, t->filed.original,
			    t->filed.before, t->filed.asked);
}

static void check_thread(struct soak *s, const struct soak_guest *g, const struct soak_thread *t)
{
	if (soak_mask_is_own(t) ||
	    (t->ours && ((is_filed_as(s, t, t->now) && is_own_mask(t, t->filed.original)) ||
			 is_born_of_ours(s, g, t))))
		return;
	soak_broken(s,
		    "thread %d of guest %d has %lx, its own is %lx, on file is %d %lx (%lx -> %lx)",
		    t->tid, g->id, t->now, t->own, t->filed.known, t->filed.original,
		    t->filed.before, t->filed.asked);
}

/* ---- limits -------------------------------------------------------------------------------------
 */

static bool is_in_pages(uint64_t kib, uint64_t asked)
{
	return kib <= asked && asked - kib < 4;
}

static bool limit_is_filed(const struct soak_limit *l)
{
	return l->filed.known && l->filed.original == l->own &&
	       (is_in_pages(l->now, l->filed.asked) || is_in_pages(l->now, l->filed.before));
}

/* libvirt has refused, which was said; until a reload. */
static bool limit_is_off(const struct soak *s, const struct soak_guest *g)
{
	int slot = s->daemon ? domains_find(s->daemon->domains, &g->uuid) : -1;

	return slot >= 0 && act_in_force(s->daemon->act)->guest[slot].limit_off;
}

static void check_limit(struct soak *s, struct soak_guest *g)
{
	struct soak_limit *l = &g->limit;
	bool calm =
		s->daemon && s->link_up && !s->had_fault && g->is_told && !g->is_stale && !g->busy;
	uint64_t floor_kib;

	if (l->now == l->own) {
		l->below_floor = 0;
		return;
	}
	if (!l->ours || !limit_is_filed(l))
		soak_broken(
			s,
			"guest %d is limited to %lu, its own is %lu, on file is %d %lu (%lu -> %lu)",
			g->id, l->now, l->own, l->filed.known, l->filed.original, l->filed.before,
			l->filed.asked);
	floor_kib = s->daemon ? soak_floor_kib(s, g->memory_kib, g->guarantee_mib) : 0;
	if (limit_is_off(s, g) || l->now + 64 >= floor_kib ||
	    floor_kib > g->memory_kib) /* more than it can use */
		l->below_floor = 0;
	else
		l->below_floor += calm;
	if (l->below_floor > FLOOR_PATIENCE)
		soak_broken(s, "guest %d is limited to %lu, and its floor is %lu", g->id, l->now,
			    floor_kib);
}

/* ---- all of it ----------------------------------------------------------------------------------
 */

void soak_check(struct soak *s)
{
	for (unsigned int i = 0; i < s->nfiles; i++)
		check_file(s, &s->file[i]);
	for (size_t g = 0; g < SOAK_GUESTS; g++) {
		struct soak_guest *guest = &s->guest[g];

		if (!guest->runs)
			continue;
		check_limit(s, guest);
		for (size_t i = 0; i < SOAK_THREADS; i++)
			if (guest->thread[i].alive)
				check_thread(s, guest, &guest->thread[i]);
	}
}

void soak_check_restored(struct soak *s)
{
	for (unsigned int i = 0; i < s->nfiles; i++)
		if (!is_own(s, &s->file[i], s->file[i].now))
			soak_broken(s, "%s was %s, and is %s after all was given back",
				    s->file[i].key, s->file[i].own, s->file[i].now);
	for (size_t g = 0; g < SOAK_GUESTS; g++) {
		const struct soak_guest *guest = &s->guest[g];

		if (guest->runs && guest->limit.now != guest->limit.own)
			soak_broken(s,
				    "guest %d had limit %lu, and has %lu after all was given back",
				    guest->id, guest->limit.own, guest->limit.now);
		for (size_t i = 0; guest->runs && i < SOAK_THREADS; i++)
			if (guest->thread[i].alive && !soak_mask_is_own(&guest->thread[i]))
				soak_broken(s,
					    "thread %d of guest %d had %lx, and has %lx after all "
					    "was given back",
					    guest->thread[i].tid, guest->id, guest->thread[i].own,
					    guest->thread[i].now);
	}
}
