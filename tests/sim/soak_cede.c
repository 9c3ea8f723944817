/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what the daemon calls somebody else's indeed that?  Who cedes his own value steers no
 * more until a reload, and nobody would know why. */
#include <string.h>

#include "soak.h"

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
