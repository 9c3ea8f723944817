/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which threads have inherited a mask that nobody has on file, and whose first owner has another
 * one by now?
 *
 * Where libvirt has no cpuset cgroup it pins the main thread alone.  What QEMU has started before
 * that pin is lifted stays where the main thread was. */
#include "act_private.h"
#include "str.h"

/* A thread that is born while its elders are set free is found in the next round. */
enum { ROUNDS_MAX = 8 };

struct lifted {
	struct act *a;
	const struct act_free_born *order;
	struct cpumask now; /* of the main thread */
	size_t n;
};

/* libvirt has been asked to lift what was ours of it; what it has is its own. */
static bool is_pinned_by_itself(const struct act_free_born *order, pid_t tid)
{
	for (size_t i = 0; i < order->nthreads; i++)
		if (order->threads[i].tid == tid)
			return order->threads[i].role == THREAD_VCPU ||
			       order->threads[i].role == THREAD_IOTHREAD;
	return false;
}

static int free_thread(void *context, pid_t tid)
{
	struct lifted *l = context;
	struct cpumask found;

	if (!is_pinned_by_itself(l->order, tid) && thread_get_cpus(tid, &found) == 0 &&
	    !cpumask_equal(&found, &l->now) && act_shows(l->a, &found, &l->order->was) &&
	    thread_set_cpus(tid, &l->now) == 0)
		l->n++;
	return 0;
}

size_t act_free_born(struct act *a, const struct act_free_born *order)
{
	const struct act_guest *g = act_find(a, &order->uuid);
	struct lifted l = { .a = a, .order = order };
	char path[64];
	size_t before;
	int r = 0;

	if (!g || a->look_only || !a->fs->is_live || act_pins_any_ours(&g->placement) ||
	    process_check(a->fs, g->pid, g->start_ticks) < 0 ||
	    thread_get_cpus(g->pid, &l.now) < 0 ||
	    str_format(path, sizeof path, "proc/%d/task", g->pid) < 0)
		return 0;
	a->online_known = false;
	if (act_shows(a, &l.now, &order->was))
		return 0;
	for (int round = 0; round < ROUNDS_MAX && r == 0; round++) {
		before = l.n;
		r = hostfs_each_number(a->fs, path, free_thread, &l);
		if (l.n == before)
			break;
	}
	return l.n;
}
