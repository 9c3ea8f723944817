/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what the daemon calls somebody else's indeed that?  Who cedes his own value steers no
 * more until a reload, and nobody would know why. */
#include <string.h>

#include "soak.h"

/* ---- who is a stranger, and for how long --------------------------------------------------- */

void soak_forgets_strangers(struct soak *s, bool unless_on_file)
{
	for (unsigned int i = 0; i < s->nfiles; i++) {
		s->file[i].stranger &= unless_on_file && s->file[i].filed.known;
		s->file[i].touched &= s->file[i].filed.known;
	}
	for (size_t g = 0; g < SOAK_GUESTS; g++) {
		struct soak_guest *guest = &s->guest[g];

		guest->limit.stranger &= unless_on_file && guest->limit.filed.known;
		for (size_t i = 0; i < SOAK_THREADS; i++) {
			guest->is_trusted |= guest->thread[i].stranger;
			guest->thread[i].stranger &= unless_on_file && guest->thread[i].filed.known;
		}
	}
}

static int slot_of(const struct soak *s, const struct soak_guest *g)
{
	return domains_find(s->daemon->domains, &g->uuid);
}

/* Whom a guest was ceded to may have gone by now. */
void soak_forgives_strangers(struct soak *s)
{
	soak_forgets_strangers(s, false);
	for (size_t g = 0; g < SOAK_GUESTS; g++) {
		int slot = slot_of(s, &s->guest[g]);

		if (slot >= 0 && act_in_force(s->daemon->act)->guest[slot].pin_ceded)
			s->guest[g].is_trusted = true;
	}
}

static bool is_on_file(const struct soak_guest *g)
{
	for (size_t i = 0; i < SOAK_THREADS; i++)
		if (g->thread[i].alive && g->thread[i].filed.known)
			return true;
	return false;
}

void soak_trust_ends(struct soak *s)
{
	for (size_t g = 0; g < SOAK_GUESTS && !s->had_fault; g++) {
		int slot = slot_of(s, &s->guest[g]);

		if (slot >= 0 && s->daemon->plan.guest[slot].nthreads > 0 &&
		    !is_on_file(&s->guest[g]))
			s->guest[g].is_trusted = false;
	}
}

/* ---- what is said -------------------------------------------------------------------------- */

/* KSM's files are ceded together.  Of the host's the message names the path. */
static bool is_meant(const struct soak_file *f, const struct log_event *e)
{
	if (strcmp(e->actuator, "ksm") == 0)
		return f->kind == SOAK_KSM;
	if (strcmp(e->actuator, "numa_balancing") == 0)
		return f->kind == SOAK_BALANCING;
	return strstr(e->message, f->path);
}

static bool files_were_touched(struct soak *s, const struct log_event *e)
{
	bool touched = false;

	for (unsigned int i = 0; i < s->nfiles; i++) {
		struct soak_file *f = &s->file[i];

		if (!is_meant(f, e))
			continue;
		touched |= f->touched;
		f->ceded = true;
	}
	return touched;
}

static bool limit_was_touched(struct soak *s, const struct log_event *e)
{
	const struct soak_guest *g = soak_guest_of(s, e->uuid);

	return g && g->limit.touched;
}

void soak_check_cede(struct soak *s, const struct log_event *e)
{
	bool touched = true;

	if (strcmp(e->actuator, "memory") == 0)
		touched = limit_was_touched(s, e);
	else if (strcmp(e->actuator, "placement") != 0)
		touched = files_were_touched(s, e);
	if (!touched)
		soak_broken(s, "nobody has touched what is ceded: %s", e->message);
}
