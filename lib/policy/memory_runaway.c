/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a QEMU process use far more than its guest's memory, and is that to be stopped?
 *
 * What QEMU needs itself cannot be computed: queues, caches, page tables, and what it leaks.
 * The bound is generous, what is past it is said, and only where it was asked for a soft
 * limit keeps the process from growing further; what it has is never taken. */
#include "capped.h"
#include "memory_rules.h"

/* KubeVirt's guess of the overhead, with room above it. */
static const uint64_t kib_per_thread = 8 * 1024;
static const uint64_t kib_of_vfio = 1024 * 1024;
/* The cache of translated code. */
static const uint64_t kib_of_tcg = 1024 * 1024;
static const uint64_t memory_per_kib = 512;

static unsigned int count_iothreads(const struct guest_sample *s)
{
	unsigned int n = 0;

	for (size_t i = 0; i < s->nthreads; i++)
		n += s->threads[i].role == THREAD_IOTHREAD;
	return n;
}

static uint64_t overhead_kib(const struct squeeze *q)
{
	const struct guest_sample *s = q->guest->sample;
	uint64_t kib = add_capped(add_capped(s->anon_kib, s->shmem_kib), s->swap_kib);

	return sub_capped(kib, q->guest->domain->memory_kib);
}

static uint64_t bound_kib(const struct squeeze *q)
{
	const struct domain *d = q->guest->domain;
	uint64_t nthreads = add_capped(d->vcpus, count_iothreads(q->guest->sample));
	uint64_t kib = mul_capped(q->conf->overhead_mib, 1024);

	kib = add_capped(kib, d->memory_kib / memory_per_kib);
	kib = add_capped(kib, mul_capped(nthreads, kib_per_thread));
	kib = add_capped(kib, d->vfio ? kib_of_vfio : 0);
	return add_capped(kib, d->emulated ? kib_of_tcg : 0);
}

static bool is_watched(const struct squeeze *q)
{
	return q->conf->runaway != RUNAWAY_OFF && q->conf->mode != LOOP_OFF &&
	       q->guest->domain->wish.memory != GUEST_SWITCH_OFF && q->guest->present &&
	       q->guest->sample->has_cgroup;
}

/* Without swap a guest past memory.high does not get slower: it stands still. */
static bool would_freeze(const struct squeeze *q)
{
	return q->guest->sample->cgroup_v2 &&
	       (q->host == MEMORY_HOST_NO_SWAP || squeeze_may_not_swap(q));
}

/* A limit in force stays where it is: one that followed usage would be none. */
static uint64_t limit_kib(const struct squeeze *q, uint64_t bound)
{
	uint64_t least = add_capped(q->guest->domain->memory_kib, bound);
	const struct guest_in_force *f = q->in_force;

	if (f->limited && f->soft_limit_kib >= least)
		return f->soft_limit_kib;
	return squeeze_round_limit_kib(KT_MAX(q->guest->sample->usage_kib, least));
}

void memory_guard_runaway(const struct squeeze *q, struct memory_plan *plan)
{
	struct memory_guest_state *s = q->state;
	uint64_t bound, over;

	if (!is_watched(q)) {
		s->runaway = false;
		return;
	}
	bound = bound_kib(q);
	over = s->runaway ? share_of(bound, RUNAWAY_OVER_PERCENT, 100) : bound;
	plan->overhead_bound_kib = bound;
	plan->overhead_kib = overhead_kib(q);
	plan->runaway = s->runaway = plan->overhead_kib > over;
	if (!plan->runaway || q->conf->runaway != RUNAWAY_LIMIT || plan->wish == WISH_SET ||
	    squeeze_limit_forbidden(q) || would_freeze(q))
		return;
	plan->wish = WISH_SET;
	plan->why = WHY_RUNAWAY;
	plan->means = MEMORY_SOFT_LIMIT;
	plan->target_kib = limit_kib(q, bound);
}
