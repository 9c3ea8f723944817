/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where could a guest go, and what would each choice cost? */
#include "placement_private.h"

/* Of a vCPU: an idle guest will wake up some day, and better be near its memory then. */
static const double least_cpus = 0.1;

/* Lost by a CPU whose memory is all twice as far as local memory; unknown per guest, and
 * the simulation says that it need not be known. */
static const double memory_intensity = 0.25, remote_lost_max = 0.6;
/* The same of devices: much less of the traffic is theirs. */
static const double device_intensity = 0.05;

/* Free memory that a move may begin with. */
static const double begin_gib = 1;

/* CPU seconds that moving a GiB takes. */
static const double move_cpu_s_per_gib = 0.5;
/* More of a guest's memory than this on one node: it has a home there already. */
static const double gathered_share = 0.9;

/* ---- memory -------------------------------------------------------------------------- */

/* Of a CPU that runs on `node`, how far its memory is: the sum over its GiB. */
static double far_gib(const struct placing *p, const struct pack_item *item, unsigned int node)
{
	double far = 0;

	for (uint64_t held = item->held; held; held &= held - 1) {
		unsigned int n = nodemask_first(held);

		far += (double)item->gib_on[n] * placement_remoteness(p->view->topology, node, n);
	}
	return far;
}

static double device_share(const struct placing *p, unsigned int node)
{
	double nearest = -1;

	for (uint64_t nodes = p->guest->sample->device_nodes; nodes; nodes &= nodes - 1) {
		double far = placement_remoteness(p->view->topology, node, nodemask_first(nodes));

		if (nearest < 0 || far < nearest)
			nearest = far;
	}
	return nearest > 0 ? KT_MIN(device_intensity * nearest, remote_lost_max) : 0;
}

static double mean_over(uint64_t nodes, const double value[KT_NODES_MAX])
{
	double sum = 0;
	unsigned int n = 0;

	for (; nodes; nodes &= nodes - 1, n++)
		sum += value[nodemask_first(nodes)];
	return n ? sum / n : 0;
}

/* ---- a unit ----------------------------------------------------------------------------- */

struct unit {
	struct placement_step *step;
	const struct placing *placing;
	struct pack_item *item;
	const struct placement_guest *guest;
	unsigned int cell;
	size_t max_options; /* that leave some for the other guests */
	uint64_t present;
	bool placed;
	unsigned int gathered; /* node with nearly all of its memory; KT_NODES_MAX: none */
	bool may_bring;
	double repin_cpus;  /* of a change */
	double memory_cpus; /* that wait for its memory */
	double somewhere_gib, movable_gib;
	double far_gib[KT_NODES_MAX], device[KT_NODES_MAX]; /* by node that it runs on */
};

/* What has once refused to move will refuse again. */
static double gib_to_move(const struct unit *u, uint64_t nodes)
{
	double gib = u->movable_gib;

	for (uint64_t here = nodes; here; here &= here - 1)
		gib -= (double)u->item->gib_on[nodemask_first(here)];
	if (nodes == u->present && u->guest->stuck_home_ns == u->placing->in_force->pin_changed_ns)
		gib -= (double)u->guest->stuck_kib / (1024 * 1024);
	return KT_MAX(gib, 0.0);
}

static double horizon_s(const struct placement_conf *conf)
{
	return (double)KT_MAX(conf->horizon_s, UINT64_C(1));
}

/* Of the CPUs that wait for memory, what is lost: the memory that is somewhere, and that
 * which is to come. */
static double leave_cpus(const struct unit *u, uint64_t nodes, double spread)
{
	double to_come = KT_MAX(u->item->gib - u->somewhere_gib, 0.0);
	double far = mean_over(nodes, u->far_gib) + to_come * spread;

	if (!(u->item->gib > 0))
		return 0;
	return u->memory_cpus * KT_MIN(memory_intensity * far / u->item->gib, remote_lost_max);
}

/* Over the horizon: the CPU time of the copy, and until it is done half of it is remote. */
static double bring_cpus(const struct unit *u, double gib, double leave, double spread)
{
	const struct placement_conf *conf = u->step->conf;
	double seconds = gib * 1024 / (double)KT_MAX(conf->move_mib_per_s, UINT64_C(1));

	return (move_cpu_s_per_gib * gib + leave * seconds / 2) / horizon_s(conf) +
	       u->memory_cpus * memory_intensity * spread;
}

/* Pages move only to what is free now: the kernel would reclaim from all guests to make
 * room.  There need not be room for all of it: on a full host guests change places bit by
 * bit.  A home that was full a moment ago is asked again later. */
static bool can_bring(const struct unit *u, uint64_t nodes, double gib)
{
	const struct host_view *v = u->step->view;
	double free_gib = 0;

	if (!u->may_bring || !(gib > 1e-6) || placement_was_full(u->step, u->guest, nodes))
		return false;
	for (uint64_t left = nodes; left; left &= left - 1) {
		unsigned int n = nodemask_first(left);

		free_gib += (double)sub_capped(v->host->node[n].mem_free_kib,
					       placement_reserve_kib(u->step->conf, v, n)) /
			    (1024 * 1024);
	}
	return free_gib > KT_MIN(gib, begin_gib);
}

/* The first home of a guest whose memory is on one node is one if it is elsewhere. */
static bool is_change(const struct unit *u, uint64_t nodes)
{
	if (u->placed)
		return nodes != u->present;
	return u->gathered < KT_NODES_MAX &&
	       (!nodemask_test(nodes, u->gathered) || nodes == u->placing->nodes);
}

/* With its memory and without. */
static void add_options(struct unit *u, uint64_t nodes, double spread)
{
	struct pack *p = &u->step->state->pack;
	double cost = u->memory_cpus * mean_over(nodes, u->device);
	double leave = leave_cpus(u, nodes, spread), gib = gib_to_move(u, nodes);

	if (u->item->noptions + 1 >= u->max_options)
		return;
	if (is_change(u, nodes))
		cost += u->repin_cpus + placement_blame_cpus(u->step, nodes);
	if (pack_add_option(p, nodes, false, cost + leave) && can_bring(u, nodes, gib))
		(void)pack_add_option(p, nodes, true, cost + bring_cpus(u, gib, leave, spread));
}

/* The nearest ones around each of its nodes; false: no set of this size holds it. */
static bool add_sets(struct unit *u, unsigned int size)
{
	const struct placement_sets *sets = placement_sets_of(u->step, u->placing->nodes, size);
	bool any = false;

	for (size_t i = 0; i < sets->n; i++) {
		if (!placing_suits(u->placing, u->cell, sets->set[i]))
			continue;
		any = true;
		if (sets->set[i] != u->present) /* none is of all nodes: it is smaller */
			add_options(u, sets->set[i], sets->far[i]);
	}
	return any;
}

/* Where it is, everywhere, the smallest sets that hold it, and those with a node more. */
static void add_all_options(struct unit *u)
{
	unsigned int all = nodemask_count(u->placing->nodes), size = 1;

	add_options(u, u->present, placement_spread_far(u->step, u->present));
	if (u->present != u->placing->nodes)
		add_options(u, u->placing->nodes, placement_spread_far(u->step, u->placing->nodes));
	while (size < all && !add_sets(u, size))
		size++;
	if (size + 1 < all)
		(void)add_sets(u, size + 1);
}

static void fill_item(struct unit *u)
{
	u->gathered = KT_NODES_MAX;
	u->may_bring = !u->step->in_force->move.off && placing_may_move(u->placing);
	for (uint64_t nodes = guest_memory_nodes(u->placing->guest); nodes; nodes &= nodes - 1) {
		unsigned int n = nodemask_first(nodes);
		double gib = placement_gib_on(u->placing, u->cell, n);

		u->item->gib_on[n] = (float)gib;
		u->item->held |= gib > 0 ? nodemask_of(n) : 0;
		u->somewhere_gib += gib;
		u->movable_gib +=
			placement_is_tier(u->step->view, n) ? 0 : (double)u->item->gib_on[n];
	}
	for (uint64_t nodes = u->placing->nodes; nodes; nodes &= nodes - 1) {
		unsigned int n = nodemask_first(nodes);

		u->far_gib[n] = far_gib(u->placing, u->item, n);
		u->device[n] = device_share(u->placing, n);
		if ((double)u->item->gib_on[n] > gathered_share * u->somewhere_gib)
			u->gathered = n;
	}
}

/* Cells name plugged and unplugged vCPUs alike. */
static double vcpu_share(const struct placing *p, unsigned int cell)
{
	double all = 0;

	for (unsigned int c = 0; c < placing_ncells(p); c++)
		all += placing_cell_vcpus(p, c);
	return all > 0 ? placing_cell_vcpus(p, cell) / all : 0;
}

/* By the last plan: by what is in force, or would be. */
static uint64_t present_nodes(const struct placing *p, const struct placement_guest *g,
			      unsigned int cell)
{
	return g->pretended[cell] ? g->pretended[cell] : placing_present(p, cell);
}

/* Half of what each guest could have, for some come in several cells. */
static size_t fair_share_of_options(const struct host_view *v)
{
	return KT_MAX((size_t)PACK_OPTIONS_MAX / (2 * v->npresent + 1), (size_t)16);
}

static bool add_unit(struct placement_step *s, const struct placing *p, size_t slot,
		     unsigned int cell)
{
	struct placement_guest *g = &s->state->guest[slot];
	struct unit u = { .step = s, .placing = p, .guest = g, .cell = cell };
	double share = vcpu_share(p, cell);
	double variance, cpus = placement_cpus(p->guest, &variance);
	uint64_t present = present_nodes(p, g, cell);
	bool placed = g->decided && placing_suits(p, cell, present);

	u.item = pack_add_item(&s->state->pack, cpus * share, variance * share * share,
			       placement_gib(p, cell));
	if (!u.item)
		return false;
	u.item->most_cpus = placement_most_cpus(p->guest) * share;
	u.present = placed ? present : p->nodes;
	u.max_options = fair_share_of_options(s->view);
	u.placed = placed;
	u.repin_cpus = placement_change_cpus(s, slot);
	u.memory_cpus = KT_MAX(cpus, least_cpus * p->guest->domain->vcpus) * share;
	fill_item(&u);
	add_all_options(&u); /* one at the least: where it is */
	s->state->unit[s->state->nunits++] = (struct placement_unit){ .slot = (uint16_t)slot,
								      .cell = (uint8_t)cell,
								      .unplaced = !placed,
								      .present = u.present };
	return true;
}

bool placement_add_units(struct placement_step *s, const struct placing *p, size_t slot)
{
	for (unsigned int c = 0; c < placing_ncells(p); c++)
		if (!add_unit(s, p, slot, c))
			return false;
	return true;
}

/* Its memory is nowhere yet, and comes to where it runs.  Of a size that is not known it is
 * still somewhere: near is better than far. */
struct pack_item *placement_add_newcomer(struct placement_step *s, const struct placing *p)
{
	static const struct placement_guest nobody = { 0 };
	static const double least_gib = 1.0 / 1024;
	double vcpus = p->guest->domain->vcpus, gib = placement_gib(p, 0);
	struct unit u = { .step = s,
			  .placing = p,
			  .guest = &nobody,
			  .max_options = PACK_OPTIONS_MAX,
			  .present = p->nodes,
			  .memory_cpus = vcpus };

	u.item = pack_add_item(&s->state->pack, vcpus, 0, KT_MAX(gib, least_gib));
	if (!u.item)
		return NULL;
	u.item->most_cpus = vcpus;
	fill_item(&u);
	add_all_options(&u);
	return u.item;
}
