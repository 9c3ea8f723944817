/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which threads of a guest that libvirt has lost did not get their CPUs back?
 *
 * libvirt pins a thread through the cpuset of its cgroup, too.  The kernel gives a thread no CPU
 * that its cpuset has not, and says nothing.  Who could widen it is libvirt, which no longer knows
 * the guest; these cgroups are libvirt's and systemd's, and nobody else writes there. */
#include <errno.h>

#include "act_private.h"
#include "str.h"

struct confined {
	struct act *a;
	const struct act_guest *g;
	size_t n;
	struct cpumask cpus, original; /* of all of them */
};

/* Its own pin tells best what a thread had before. */
static int see(void *context, pid_t tid)
{
	struct confined *c = context;
	const struct pin *pin = act_pin_find(&c->g->placement, tid, 0);
	struct cpumask found;

	if (pin && pin->ours && !pin->back)
		return 0; /* it has yet to be given back */
	if (thread_get_cpus(tid, &found) < 0 || !act_mask_is_ours(c->a, c->g, &found))
		return 0;
	if (!pin)
		pin = act_pin_of_mother(c->a, c->g, &found);
	if (!pin || act_shows(c->a, &found, &pin->original))
		return 0;
	c->n++;
	c->cpus = cpumask_or(&c->cpus, &found);
	c->original = cpumask_or(&c->original, &pin->original);
	return 0;
}

static void say(const struct confined *c)
{
	char from[KT_CPULIST_MAX], to[KT_CPULIST_MAX];

	guest_log(
		c->g,
		(struct log_event){ .level = LOG_LEVEL_WARNING,
				    .id = LOG_WRITE_REFUSED,
				    .actuator = "placement",
				    .action = "refuse",
				    .reason = why_str(WHY_GUEST_LOST),
				    .from = cpumask_str(&c->cpus, from, sizeof from),
				    .to = cpumask_str(&c->original, to, sizeof to),
				    .error = ENOENT },
		"libvirt no longer knows this guest, but its process (%d) lives: %zu threads stay "
		"on CPUs %.100s (were on %.100s), which is all that their cpuset cgroups have "
		"since libvirt pinned them; end the process, or write these CPUs into their "
		"cpuset.cpus (see guest-lost in kvmtuned(8))",
		c->g->pid, c->n, from, to);
}

/* Then it is let go; else it is looked at again. */
static bool none_is_left(const struct placement *p)
{
	for (size_t i = 0; i < p->npins; i++)
		if (p->pin[i].ours && !p->pin[i].back)
			return false;
	return true;
}

size_t act_placement_confined(struct act *a, const struct act_guest *g, bool born_are_back)
{
	struct confined c = { .a = a, .g = g };
	char path[64];

	if (!g->lost || !a->fs->is_live ||
	    str_format(path, sizeof path, "proc/%d/task", g->pid) < 0)
		return 0;
	/* Who has gone is confined no more. */
	if (hostfs_each_number(a->fs, path, see, &c) == 0 && c.n > 0 && born_are_back &&
	    none_is_left(&g->placement))
		say(&c);
	return c.n;
}
