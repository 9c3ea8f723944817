/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many CPUs does a guest want, and how many of a node's are taken? */
#include "demand.h"

#include <math.h>

#include "capped.h"
#include "counter.h"

/* Long enough that one tick of 5 s does not decide, short enough that a guest that
 * wakes up is seen as awake at the next. */
static const double tau_s = 10;
/* The pair that did best in simulation: the fast one follows a burst, the slow one and the
 * variance around it remember that there was one. */
static const double tau_fast_s = 5, tau_slow_s = 180;
static const double user_hz = 100; /* of /proc/stat and /proc/PID/stat */

/* What is young is a plain mean.  Then 1 - exp(-dt/tau) and not dt/tau: at a tick of 5 s
 * that would make the fast mean the last tick and nothing else. */
static double weight(double dt_s, double age_s, double tau)
{
	return fmax(dt_s / age_s, 1 - exp(-dt_s / tau));
}

void demand_add(struct demand *d, double cpus, double dt_s)
{
	double slow_weight, error;

	if (dt_s <= 0)
		return;
	/* The first is around nothing yet: the distance from 0 would be variance for minutes. */
	error = d->age_s > 0 ? cpus - d->slow : 0;
	if (d->age_s <= 0)
		d->slow = cpus;
	d->age_s += dt_s;
	slow_weight = weight(dt_s, d->age_s, tau_slow_s);
	d->fast += weight(dt_s, d->age_s, tau_fast_s) * (cpus - d->fast);
	d->slow += slow_weight * error;
	d->variance += slow_weight * (error * error - d->variance);
}

/* Times of threads, read one after the other, at looks that are a second apart or more: by as
 * much may they seem to have run or waited longer than they can. */
static const double jitter = 2;

struct vcpu_times {
	unsigned int n;
	uint64_t run_ns, delay_ns;
};

static struct vcpu_times vcpu_times(const struct guest_sample *s)
{
	struct vcpu_times t = { 0 };

	for (size_t i = 0; i < s->nthreads; i++) {
		if (s->threads[i].role != THREAD_VCPU)
			continue;
		t.n++;
		t.run_ns = add_capped(t.run_ns, s->threads[i].run_ns_total);
		t.delay_ns = add_capped(t.delay_ns, s->threads[i].delay_ns_total);
	}
	return t;
}

/* A throttled vCPU is runnable, but no other CPU would let it run: of a guest with a quota
 * nobody can tell that waiting from the other, and it counts as wanting what it gets.
 * (Measured: a busy loop with a quota of 25 % has 4 s of run delay in 5 s.) */
static double delay_cpus(const struct domain *d, double waiting_cpus)
{
	return d->cpu_quota ? 0 : waiting_cpus;
}

/* A vCPU runs or waits for a second in each second, and a process on as many CPUs as there are
 * (0: not known).  Whatever says more says nothing: an overflow, a file that is not the
 * kernel's, a vCPU that brings a long past with it. */
static bool is_plausible(double cpus, unsigned int most)
{
	return most == 0 || cpus <= jitter * most;
}

/* A wait is told when it ends: it may be longer than the time between two looks, but not than the
 * time since the guest was first seen. */
static bool can_have_waited(const struct guest_view *g, double waited_s, unsigned int most,
			    uint64_t now_ns)
{
	double seen_s = (double)sub_capped(now_ns, g->first_seen_ns) / 1e9;

	return most == 0 || waited_s <= jitter * most * seen_s;
}

/* A vCPU of which nobody knows may do all that its process does: such a guest is not taken for idle
 * as long as that runs. */
static double vcpu_share(const struct guest_sample *s, double vcpu_cpus, double run_cpus)
{
	return s->lacks_vcpu_times ? run_cpus : vcpu_cpus;
}

/* A plugged vCPU brings its whole past with it, which is short; an unplugged one takes
 * its own away: the sums fall, and that says nothing about demand. */
void guest_demand_update(struct host_view *v, struct guest_view *g, const struct guest_sample *s,
			 uint64_t now_ns)
{
	uint64_t since_ns = g->run_ns.known ? g->run_ns.at_ns : now_ns;
	unsigned int ncpus = cpumask_count(&v->topology->online);
	struct vcpu_times t = vcpu_times(s);
	/* libvirt may not have told yet of those that were plugged. */
	unsigned int most = KT_MAX(g->domain->vcpus, t.n);
	double dt_s = (double)sub_capped(now_ns, since_ns) / 1e9;
	double run_per_s, delay_per_s, hz_per_s, vcpu_cpus, waiting_cpus, wanted_cpus;
	bool measured;

	measured = counter_rate(&g->run_ns, true, t.run_ns, now_ns, &run_per_s);
	measured &= counter_rate(&g->delay_ns, true, t.delay_ns, now_ns, &delay_per_s);
	(void)counter_rate(&g->cpu_hz, true, s->cpu_hz_total, now_ns, &hz_per_s);
	vcpu_cpus = run_per_s / 1e9;
	waiting_cpus = delay_per_s / 1e9;
	if (!is_plausible(vcpu_cpus, most) ||
	    !can_have_waited(g, waiting_cpus * dt_s, most, now_ns))
		return; /* what was measured last holds, and the means */
	if (!is_plausible(waiting_cpus, most))
		waiting_cpus = most;
	if (!is_plausible(hz_per_s / user_hz, ncpus))
		hz_per_s = 0;
	/* Ticks round down: the whole may seem less than its part. */
	g->run_cpus = fmax(hz_per_s / user_hz, vcpu_cpus);
	g->delay_cpus = delay_cpus(g->domain, waiting_cpus);
	if (!measured)
		return;
	v->vcpus_measured = true;
	v->vcpu_delay_cpus += g->delay_cpus;
	wanted_cpus = vcpu_share(s, vcpu_cpus, g->run_cpus) + g->delay_cpus;
	ewma_add(&g->demand_cpus, wanted_cpus, dt_s, tau_s);
	ewma_add(&g->steal_share, wanted_cpus > 0 ? g->delay_cpus / wanted_cpus : 0, dt_s, tau_s);
	demand_add(&g->demand, g->run_cpus + g->delay_cpus, dt_s);
}

uint64_t demand_idle_hz(const struct host_sample *h, const struct cpumask *cpus)
{
	uint64_t sum = 0;

	for (unsigned int w = 0; w < KT_ARRAY_LEN(cpus->word); w++)
		for (uint64_t bits = cpus->word[w]; bits; bits &= bits - 1)
			sum = add_capped(
				sum,
				h->idle_hz_of_cpu[w * 64 + (unsigned int)__builtin_ctzll(bits)]);
	return sum;
}

/* Idle time may fall by a tick or two where it is made up of what each CPU last said: that
 * measures nothing, and what was known holds.  So it does for CPUs that are others now. */
static void one_node(struct host_view *v, unsigned int n, const struct host_sample *h,
		     uint64_t now_ns)
{
	const struct cpumask *cpus = &v->topology->node[n].cpus;
	double ncpus = cpumask_count(cpus), idle_per_s;
	double *busy_cpus = &v->node_busy_cpus[n];
	uint64_t total = demand_idle_hz(h, cpus);

	if (!cpumask_equal(cpus, &v->node_cpus[n]))
		v->node_idle_hz[n].known = false;
	v->node_cpus[n] = *cpus;
	/* No CPU has never been idle: 0 is a host that does not tell. */
	if (counter_rate(&v->node_idle_hz[n], total > 0, total, now_ns, &idle_per_s))
		*busy_cpus = ncpus - idle_per_s / user_hz;
	*busy_cpus = KT_CLAMP(*busy_cpus, 0, ncpus);
}

void node_busy_update(struct host_view *v, const struct host_sample *h, uint64_t now_ns)
{
	for (unsigned int n = 0; n < KT_NODES_MAX; n++)
		one_node(v, n, h, now_ns);
}
