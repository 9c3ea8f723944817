/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which nodes are near each other, and how far apart are those of a set? */
#include "placement_private.h"

/* The set of all nodes is asked for by every guest. */
double placement_spread_far(struct placement_step *s, uint64_t nodes)
{
	double far = 0, n = nodemask_count(nodes);

	if (!(nodes & (nodes - 1)))
		return 0;
	if (nodes == s->spread_nodes)
		return s->spread_far;
	for (uint64_t from = nodes; from; from &= from - 1)
		for (uint64_t to = nodes; to; to &= to - 1)
			far += placement_remoteness(s->view->topology, nodemask_first(from),
						    nodemask_first(to));
	if (n > 2) {
		s->spread_nodes = nodes;
		s->spread_far = far / (n * n);
	}
	return far / (n * n);
}

/* Of two nodes that are nearest to each other both lie around the same set. */
static bool has_set(const struct placement_sets *sets, uint64_t set)
{
	for (size_t i = 0; i < sets->n; i++)
		if (sets->set[i] == set)
			return true;
	return false;
}

static void fill_sets(struct placement_step *s, struct placement_sets *sets)
{
	for (uint64_t left = sets->of; left; left &= left - 1) {
		const uint8_t *near = s->near[nodemask_first(left)];
		unsigned int count = 0;
		uint64_t set = 0;

		for (unsigned int i = 0; i < s->nnear && count < sets->size; i++) {
			set |= nodemask_of(near[i]) & sets->of;
			count += nodemask_test(sets->of, near[i]);
		}
		if (count != sets->size || has_set(sets, set))
			continue;
		sets->far[sets->n] = placement_spread_far(s, set);
		sets->set[sets->n++] = set;
	}
}

/* All guests that may run on the same nodes want the same sets. */
const struct placement_sets *placement_sets_of(struct placement_step *s, uint64_t nodes,
					       unsigned int size)
{
	struct placement_sets *sets = &s->sets[size % PLACEMENT_SETS];

	if (sets->of == nodes && sets->size == size)
		return sets;
	*sets = (struct placement_sets){ .of = nodes, .size = size };
	fill_sets(s, sets);
	return sets;
}
