/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where does a plan wish a thread to run, and what is a home called? */
#include <string.h>

#include "act_private.h"
#include "str.h"

/* ---- the wish ---------------------------------------------------------- */

bool act_wish_is_complete(const struct placement_plan *wish)
{
	if (!wish->nodes || wish->ncells == 0 || wish->ncells > KT_CELLS_MAX ||
	    cpumask_empty(&wish->helpers))
		return false;
	for (unsigned int i = 0; i < wish->ncells; i++)
		if (!wish->cell[i].nodes || cpumask_empty(&wish->cell[i].cpus))
			return false;
	return true;
}

static bool cell_equal(const struct placement_cell *a, const struct placement_cell *b)
{
	return a->nodes == b->nodes && cpumask_equal(&a->vcpus, &b->vcpus) &&
	       cpumask_equal(&a->cpus, &b->cpus);
}

bool act_wish_equal(const struct placement_plan *a, const struct placement_plan *b)
{
	if (a->wish != b->wish || a->backend != b->backend || a->ncells != b->ncells ||
	    !a->core_of != !b->core_of || !cpumask_equal(&a->helpers, &b->helpers))
		return false;
	for (unsigned int i = 0; i < KT_MIN(a->ncells, (unsigned int)KT_CELLS_MAX); i++)
		if (!cell_equal(&a->cell[i], &b->cell[i]))
			return false;
	return true;
}

/* How many of the vCPUs come before this one. */
static unsigned int rank_of(const struct cpumask *vcpus, unsigned int number)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < number; i++)
		n += cpumask_test(vcpus, i);
	return n;
}

/* A vCPU that no cell has (it was plugged in a moment ago) runs with the helpers. */
struct cpumask act_wished_cpus(const struct placement_plan *wish, enum thread_role role,
			       unsigned int number)
{
	for (unsigned int i = 0; role == THREAD_VCPU && i < wish->ncells; i++) {
		const struct placement_cell *cell = &wish->cell[i];

		if (!cpumask_test(&cell->vcpus, number))
			continue;
		return wish->core_of ? cpumask_core(&cell->cpus, wish->core_of,
						    rank_of(&cell->vcpus, number))
				     : cell->cpus;
	}
	return wish->helpers;
}

struct cpumask act_wished_in_all(const struct placement_plan *wish)
{
	struct cpumask r = wish->helpers;

	for (unsigned int i = 0; i < wish->ncells; i++)
		r = cpumask_or(&r, &wish->cell[i].cpus);
	return r;
}

/* ---- the home ---------------------------------------------------------- */

struct home act_home_of(const struct placement_plan *wish)
{
	struct home home = { .nodes = wish->nodes,
			     .ncells = wish->ncells,
			     .cpus = wish->cell[0].cpus };

	for (unsigned int i = 0; i < wish->ncells; i++)
		home.cell_nodes[i] = wish->cell[i].nodes;
	return home;
}

bool act_home_equal(const struct home *a, const struct home *b)
{
	return a->nodes == b->nodes && a->ncells == b->ncells &&
	       memcmp(a->cell_nodes, b->cell_nodes, sizeof a->cell_nodes) == 0 &&
	       cpumask_equal(&a->cpus, &b->cpus);
}

char *act_home_str(const struct home *home, char *buf, size_t size)
{
	char nodes[KT_NODELIST_MAX];
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < home->ncells; i++) {
		if (str_format(buf + used, size - used, "%s%s", i ? "/" : "",
			       nodemask_str(home->cell_nodes[i], nodes, sizeof nodes)) < 0)
			break; /* all lists of nodes fit */
		used += strlen(buf + used);
	}
	return buf;
}

char *act_home_words(const struct home *home, char *buf, size_t size)
{
	char nodes[KT_HOME_MAX];
	bool one = home->ncells == 1 && nodemask_count(home->cell_nodes[0]) == 1;

	(void)snprintf(buf, size, "%s %s%s", one ? "node" : "nodes", /* cut is good enough */
		       act_home_str(home, nodes, sizeof nodes),
		       home->ncells > 1 ? " cell by cell" : "");
	return buf;
}
