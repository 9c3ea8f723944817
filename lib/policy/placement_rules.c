/* SPDX-License-Identifier: GPL-2.0-or-later */
/* May this guest be placed at all? */
#include "placement_rules.h"

#include "recall.h"

struct placing placing_of(const struct placement_conf *conf, const struct host_view *view,
			  const struct in_force *in_force, size_t slot)
{
	const struct guest_view *guest = &view->guest[slot];
	struct placing p = { conf, view, guest, recall_guest(in_force, slot, guest), { { 0 } } };

	if (!guest->present)
		return p;
	p.room = cpumask_and(&guest->sample->cpuset, &view->topology->usable);
	if (guest->domain->has_cpuset)
		p.room = cpumask_and(&p.room, &guest->domain->cpuset);
	return p;
}

bool placing_suits_node(const struct placing *p, unsigned int node)
{
	const struct node_topology *n = &p->view->topology->node[node];
	uint64_t reserve_kib = mul_capped(p->conf->node_reserve_mib, 1024);
	struct cpumask cpus;

	if (!n->present || p->guest->domain->memory_kib > sub_capped(n->mem_total_kib, reserve_kib))
		return false;
	cpus = cpumask_and(&n->cpus, &p->room);
	return !cpumask_empty(&cpus) && cpumask_count(&cpus) >= p->guest->domain->vcpus;
}

static bool host_has_one_node(const struct placing *p)
{
	return p->view->topology->ncpu_nodes < 2;
}

static bool is_switched_off(const struct placing *p)
{
	return p->conf->mode == LOOP_OFF || p->guest->domain->wish.placement == GUEST_SWITCH_OFF;
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
	return !p->in_force->pinned && (cpumask_empty(&p->room) || has_narrow_thread(p));
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

static bool is_wider_than_any_node(const struct placing *p)
{
	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		if (placing_suits_node(p, n))
			return false;
	return true;
}

static bool was_just_released(const struct placing *p)
{
	return !p->in_force->pinned &&
	       pin_is_cooling(p->in_force, p->view->now_ns, p->conf->cooldown_s);
}

/* In this order: what is said first is what the operator reads. */
static const struct {
	bool (*forbids)(const struct placing *p);
	enum wish wish;
	enum why why;
} rules[] = {
	{ host_has_one_node, WISH_RELEASE, WHY_SINGLE_NODE_HOST },
	{ is_switched_off, WISH_RELEASE, WHY_SWITCHED_OFF },
	{ is_not_sampled, WISH_HOLD, WHY_NOT_SAMPLED },
	{ is_busy, WISH_HOLD, WHY_GUEST_BUSY },
	{ is_pinned_by_admin, WISH_RELEASE, WHY_PINNED_BY_ADMIN },
	{ is_placed_by_libvirt, WISH_RELEASE, WHY_PLACEMENT_AUTO },
	{ is_realtime, WISH_RELEASE, WHY_REALTIME },
	{ is_ceded, WISH_HOLD, WHY_CEDED },
	{ actuator_is_off, WISH_HOLD, WHY_ACTUATOR_OFF },
	{ memory_is_unknown, WISH_HOLD, WHY_MEMORY_UNKNOWN },
	{ is_wider_than_any_node, WISH_RELEASE, WHY_WIDER_THAN_NODE },
	{ was_just_released, WISH_HOLD, WHY_COOLING_DOWN },
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
