/* SPDX-License-Identifier: GPL-2.0-or-later */
/* May this guest be placed at all, and where could it be? */
#include <string.h>

#include "placement_private.h"
#include "rule.h"

/* Started so long before we saw it first: it is new. */
static const uint64_t new_s = 60;

struct placing placing_of(const struct placement_conf *conf, const struct host_view *view,
			  const struct in_force *in_force, size_t slot)
{
	const struct guest_view *guest = &view->guest[slot];

	return placing_of_guest(conf, view, guest, recall_guest(in_force, slot, guest));
}

static uint64_t allowed_memory_nodes(const struct guest_view *guest)
{
	return guest->domain->has_memory_nodes ? guest->domain->memory_nodes : UINT64_MAX;
}

static struct placing placing_begin(const struct placement_conf *conf, const struct host_view *view,
				    const struct guest_view *guest,
				    const struct guest_in_force *in_force)
{
	struct placing p = { .conf = conf, .view = view, .guest = guest, .in_force = in_force };

	if (!guest->present)
		return p;
	p.memory_nodes = allowed_memory_nodes(guest);
	p.without_pin = cpumask_and(&guest->sample->cpuset, &view->topology->usable);
	if (guest->domain->has_cpuset)
		p.without_pin = cpumask_and(&p.without_pin, &guest->domain->cpuset);
	return p;
}

/* By the nodes of its memory, and by where it might run without a pin. */
static void find_room(struct placing *p)
{
	struct cpumask outside = p->without_pin;

	p->room = cpumask_andnot(&p->without_pin, &p->conf->reserved_cpus);
	for (unsigned int n = 0; n < KT_NODES_MAX; n++) {
		struct cpumask here;

		if (!p->view->topology->node[n].present || !p->view->host->node[n].present ||
		    !nodemask_test(p->memory_nodes, n))
			continue;
		here = cpumask_and(&p->view->topology->node[n].cpus, &p->room);
		p->ncpus[n] = cpumask_count(&here);
		p->nodes |= p->ncpus[n] ? nodemask_of(n) : 0;
		outside = cpumask_andnot(&outside, &here);
	}
	p->confined = !cpumask_empty(&outside);
}

struct placing placing_of_guest(const struct placement_conf *conf, const struct host_view *view,
				const struct guest_view *guest,
				const struct guest_in_force *in_force)
{
	struct placing p = placing_begin(conf, view, guest, in_force);

	if (guest->present)
		find_room(&p);
	return p;
}

static bool has_same_room(const struct placing *a, const struct placing *b)
{
	return a->memory_nodes == b->memory_nodes &&
	       cpumask_equal(&a->without_pin, &b->without_pin);
}

struct placing placing_in_step(struct placement_step *s, size_t slot)
{
	const struct guest_view *guest = &s->view->guest[slot];
	struct placing p =
		placing_begin(s->conf, s->view, guest, recall_guest(s->in_force, slot, guest));

	if (!guest->present)
		return p;
	if (s->room.guest && has_same_room(&p, &s->room)) {
		p.room = s->room.room;
		p.nodes = s->room.nodes;
		p.confined = s->room.confined;
		memcpy(p.ncpus, s->room.ncpus, sizeof p.ncpus);
	} else {
		find_room(&p);
		s->room = p;
	}
	return p;
}

/* libvirt tells the vCPUs of each cell; a guest whose vCPUs were plugged since is no
 * longer described by them. */
unsigned int placing_ncells(const struct placing *p)
{
	return p->guest->domain->ncells > 1 ? p->guest->domain->ncells : 1;
}

unsigned int placing_cell_vcpus(const struct placing *p, unsigned int cell)
{
	const struct domain *d = p->guest->domain;

	return placing_ncells(p) == 1 ? d->vcpus : cpumask_count(&d->cell[cell].vcpus);
}

uint64_t placing_cell_kib(const struct placing *p, unsigned int cell)
{
	const struct domain *d = p->guest->domain;

	return placing_ncells(p) == 1 ? d->memory_kib : d->cell[cell].memory_kib;
}

bool placing_suits(const struct placing *p, unsigned int cell, uint64_t nodes)
{
	uint64_t kib = 0;
	unsigned int ncpus = 0;

	if (!nodes || (nodes & ~p->nodes))
		return false;
	for (; nodes; nodes &= nodes - 1) {
		unsigned int n = nodemask_first(nodes);

		ncpus += p->ncpus[n];
		kib = add_capped(kib, sub_capped(p->view->topology->node[n].mem_total_kib,
						 placement_reserve_kib(p->conf, p->view, n)));
	}
	return ncpus >= placing_cell_vcpus(p, cell) && kib >= placing_cell_kib(p, cell);
}

uint64_t placing_present(const struct placing *p, unsigned int cell)
{
	const struct guest_in_force *f = p->in_force;

	if (!f->pinned)
		return p->nodes;
	return cell < f->ncells && f->ncells == placing_ncells(p) ? f->cell_nodes[cell] : f->nodes;
}

bool placing_may_move(const struct placing *p)
{
	const struct domain *d = p->guest->domain;
	enum guest_switch wish = d->wish.placement;

	/* A paused guest waits for no memory. */
	if (!d->running)
		return false;
	/* What several processes map stays; so does what a device or the processor holds. */
	if (d->hugepages || d->locked || d->vfio || d->confidential || d->shared_memory)
		return false;
	if (wish == GUEST_SWITCH_CPU || p->in_force->move_failed)
		return false;
	return wish == GUEST_SWITCH_FULL || p->conf->memory == MEMORY_MOVE;
}

static bool host_has_one_node(const struct placing *p)
{
	return p->view->topology->ncpu_nodes < 2;
}

static bool is_switched_off(const struct placing *p)
{
	return p->conf->mode == LOOP_OFF || p->guest->domain->wish.placement == GUEST_SWITCH_OFF;
}

static bool operator_released_it(const struct placing *p)
{
	return p->guest->domain->hold == GUEST_HOLD_RELEASED;
}

static bool operator_paused_it(const struct placing *p)
{
	return p->conf->mode == LOOP_PAUSED || p->guest->domain->hold == GUEST_HOLD_PAUSED;
}

static bool is_not_sampled(const struct placing *p)
{
	return !p->guest->present;
}

static bool is_busy(const struct placing *p)
{
	return p->guest->domain->busy;
}

/* Emulator threads come and go and inherit the mask of their maker, which may have
 * been ours; only the first of them, the process's main thread, tells. */
static bool thread_tells(const struct placing *p, const struct guest_thread *t)
{
	return t->role != THREAD_EMULATOR || t->tid == p->guest->sample->pid;
}

/* A thread that may run wherever its guest may is not pinned. */
static bool has_narrow_thread(const struct placing *p)
{
	const struct guest_sample *s = p->guest->sample;

	for (size_t i = 0; i < s->nthreads; i++) {
		struct cpumask barred = cpumask_andnot(&p->room, &s->threads[i].first_allowed);

		if (thread_tells(p, &s->threads[i]) && !cpumask_empty(&barred))
			return true;
	}
	return false;
}

/* After a crash of ours the first mask seen is our own: in_force knows better. */
static bool is_pinned_by_admin(const struct placing *p)
{
	if (p->guest->domain->admin_pins)
		return true;
	return !p->in_force->pinned && has_narrow_thread(p);
}

static bool is_placed_by_libvirt(const struct placing *p)
{
	return p->guest->domain->placement_auto;
}

static bool is_realtime(const struct placing *p)
{
	return p->guest->domain->realtime;
}

static bool is_ceded(const struct placing *p)
{
	return p->in_force->pin_ceded;
}

static bool actuator_is_off(const struct placing *p)
{
	return p->in_force->pin_off;
}

static bool memory_is_unknown(const struct placing *p)
{
	return !p->guest->sample->has_node_memory;
}

/* Then there is nothing to choose. */
static bool is_wider_than_host(const struct placing *p)
{
	return !placing_suits(p, 0, p->nodes);
}

static bool has_no_cpus(const struct placing *p)
{
	return p->nodes == 0;
}

static bool numad_runs(const struct placing *p)
{
	return p->view->host->numad_runs;
}

static bool was_just_released(const struct placing *p)
{
	return !p->in_force->pinned &&
	       pin_is_cooling(p->in_force, p->view->now_ns, p->conf->cooldown_s);
}

static uint64_t cools_until_ns(const struct placing *p)
{
	return after_s(p->in_force->pin_changed_ns, p->conf->cooldown_s);
}

/* Both clocks count from the start of the host; one of them stands still in suspend. */
static bool has_just_started(const struct guest_view *g)
{
	uint64_t started_ns = mul_capped(g->sample->start_ticks, KT_NS_PER_S / 100);

	return g->first_seen_ns <= add_capped(started_ns, new_s * KT_NS_PER_S);
}

/* A guest that was there before us is left alone until we know what it wants: on a guess all
 * guests of a host would be moved on the day that kvmtuned comes. */
static bool is_not_measured(const struct placing *p)
{
	return !(p->guest->demand.age_s > 0) && !has_just_started(p->guest);
}

/* In this order: what is said first is what the operator reads. */
static const struct {
	bool (*forbids)(const struct placing *p);
	enum wish wish;
	enum why why;
	enum rule_about about;
	uint64_t (*until_ns)(const struct placing *p); /* NULL: it does not end by itself */
} rules[] = {
	{ host_has_one_node, WISH_RELEASE, WHY_SINGLE_NODE_HOST, ABOUT_HOST, NULL },
	{ is_switched_off, WISH_RELEASE, WHY_SWITCHED_OFF, ABOUT_HOST, NULL },
	{ operator_released_it, WISH_RELEASE, WHY_RELEASED, ABOUT_GUEST, NULL },
	/* Before what holds as well: act ends what it has begun unless it reads this. */
	{ is_busy, WISH_HOLD, WHY_GUEST_BUSY, ABOUT_GUEST, NULL },
	{ operator_paused_it, WISH_HOLD, WHY_PAUSED, ABOUT_HOST, NULL },
	{ is_not_sampled, WISH_HOLD, WHY_NOT_SAMPLED, ABOUT_GUEST, NULL },
	{ numad_runs, WISH_RELEASE, WHY_NUMAD_RUNNING, ABOUT_HOST, NULL },
	{ is_placed_by_libvirt, WISH_RELEASE, WHY_PLACEMENT_AUTO, ABOUT_GUEST, NULL },
	{ is_pinned_by_admin, WISH_RELEASE, WHY_PINNED_BY_ADMIN, ABOUT_PROCESS, NULL },
	{ is_realtime, WISH_RELEASE, WHY_REALTIME, ABOUT_GUEST, NULL },
	{ is_ceded, WISH_HOLD, WHY_CEDED, ABOUT_GUEST, NULL },
	{ actuator_is_off, WISH_HOLD, WHY_ACTUATOR_OFF, ABOUT_GUEST, NULL },
	{ memory_is_unknown, WISH_HOLD, WHY_MEMORY_UNKNOWN, ABOUT_PROCESS, NULL },
	{ has_no_cpus, WISH_RELEASE, WHY_NO_CPUS, ABOUT_PROCESS, NULL },
	{ is_wider_than_host, WISH_RELEASE, WHY_WIDER_THAN_NODE, ABOUT_PROCESS, NULL },
	{ was_just_released, WISH_HOLD, WHY_COOLING_DOWN, ABOUT_GUEST, cools_until_ns },
	{ is_not_measured, WISH_HOLD, WHY_NOT_MEASURED, ABOUT_PROCESS, NULL },
};

enum why placing_refused(const struct placing *p, enum wish *ret_wish)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(rules); i++) {
		if (!rules[i].forbids(p))
			continue;
		*ret_wish = rules[i].wish;
		return rules[i].why;
	}
	*ret_wish = WISH_SET;
	return WHY_NONE;
}

void placing_explain(const struct placing *p, bool of_host, struct explanation *ret)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(rules); i++) {
		bool known = p->guest->present || rules[i].about != ABOUT_PROCESS;

		if (of_host && rules[i].about != ABOUT_HOST)
			continue;
		explanation_add(ret,
				(struct rule_answer){ .why = rules[i].why,
						      .known = known,
						      .forbids = known && rules[i].forbids(p) },
				rules[i].until_ns ? rules[i].until_ns(p) : 0);
	}
}
