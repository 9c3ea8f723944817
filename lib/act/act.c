/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a plan become the world, and the world again what it was? */
#include "act.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "act_private.h"

/* ---- life -------------------------------------------------------------- */

/* The folder, open and writable.  Trying is the only honest test: root passes all others
 * on a file system that is read-only.  A file without a name is in nobody's way, not even
 * in that of another kvmtuned. */
static int open_run_dir(const char *run_dir, int *ret_fd)
{
	KT_AUTOCLOSE int fd = -1;
	KT_AUTOCLOSE int probe = -1;

	if (mkdir(run_dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	probe = openat(fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	if (probe < 0 && errno != EOPNOTSUPP)
		return -errno;
	*ret_fd = KT_TAKE_FD(fd);
	return 0;
}

int act_new(const struct hostfs *fs, const char *run_dir, const struct vm_ops *ops,
	    struct act **ret)
{
	struct act *a = calloc(1, sizeof *a);
	int r;

	if (!a)
		return -ENOMEM;
	a->fs = fs;
	a->ops = ops;
	a->dir_fd = -1;
	for (size_t i = 0; i < KT_GUESTS_MAX; i++)
		a->in_force.guest[i] = (struct guest_in_force){ 0 };
	r = run_dir ? open_run_dir(run_dir, &a->dir_fd) : 0;
	/* It can still say what it would do: the caller gets it in any case. */
	a->look_only = !run_dir || r < 0;
	*ret = a;
	return r;
}

void act_free(struct act *a)
{
	if (!a)
		return;
	act_move_done(a);
	act_reclaim_done(a);
	act_host_done(a);
	while (a->guests)
		act_remove(a, a->guests);
	kt_close(&a->dir_fd);
	free(a);
}

/* ---- the undo file ----------------------------------------------------- */

static int save(struct act *a)
{
	int r = undo_save(a);

	if (r < 0 && !a->save_failed)
		log_emitf((struct log_event){ .level = LOG_LEVEL_ERR,
					      .id = LOG_WRITE_REFUSED,
					      .error = -r },
			  "the undo file cannot be written (%s): nothing is changed until it can "
			  "(check the space below /run, and RuntimeDirectory= of the unit)",
			  strerror(-r));
	a->save_failed = r < 0;
	return r;
}

bool act_cannot_save(const struct act *a)
{
	return a->save_failed;
}

static void abandon(struct act *a)
{
	act_ksm_abandon(a);
	act_balancing_abandon(a);
	act_host_abandon(a);
	for (struct act_guest *g = a->guests; g; g = g->next) {
		act_placement_abandon(g);
		act_memory_abandon(g);
	}
}

int act_load(struct act *a)
{
	int r;

	if (a->look_only)
		return 0;
	r = undo_read(a);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		return undo_check(a);
	while (a->guests)
		act_remove(a, a->guests);
	a->ksm = (struct act_ksm){ 0 };
	a->balancing = (struct act_balancing){ 0 };
	act_host_done(a);
	if (r != -EBADMSG)
		return r;
	if (renameat(a->dir_fd, "undo", a->dir_fd, "undo.bad") < 0)
		return -errno;
	log_emitf((struct log_event){ .level = LOG_LEVEL_ERR, .error = EBADMSG },
		  "the undo file is damaged and was renamed to undo.bad: what an earlier kvmtuned "
		  "set stays as it is; the lines that can be read tell what was there before");
	return r;
}

/* ---- plan -> world ----------------------------------------------------- */

void act_publish(struct act *a, struct act_guest *g)
{
	act_placement_publish(a, g);
	act_memory_publish(g);
	if (g->slot >= 0)
		a->in_force.guest[g->slot] = g->in_force;
}

static void prepare(struct act *a, const struct plan *plan)
{
	size_t nslots = KT_MIN(plan->nslots, (size_t)KT_GUESTS_MAX);

	a->must_save = a->online_known = false;
	a->postponed = 0;
	(void)act_online(a); /* also if nobody asks: a change is one from plan to plan */
	act_ksm_prepare(a, &plan->ksm);
	act_balancing_prepare(a, plan->numa_balancing);
	act_host_prepare(a, &plan->host);
	for (size_t i = 0; i < nslots; i++) {
		struct act_guest *g = act_guest_of(a, i, &plan->guest[i]);

		if (!g)
			continue;
		act_placement_prepare(a, g, &plan->guest[i]);
		act_memory_prepare(a, g, &plan->guest[i]);
	}
	act_let_go_of_lost(a);
}

static void execute(struct act *a)
{
	act_ksm_execute(a);
	act_balancing_execute(a);
	act_host_execute(a);
	for (struct act_guest *g = a->guests; g; g = g->next) {
		act_placement_execute(a, g);
		act_memory_execute(a, g);
	}
}

void act_apply(struct act *a, const struct plan *plan)
{
	bool unsaved;

	a->now_ns = plan->now_ns;
	prepare(a, plan);
	unsaved = a->must_save && save(a) < 0;
	if (unsaved)
		abandon(a);
	execute(a);
	act_move_apply(a, plan);
	act_reclaim_apply(a, plan);
	if (a->undo_stale && !a->look_only && !unsaved)
		(void)save(a); /* said; what is on file too much is seen to be so when it is read */
	for (struct act_guest *g = a->guests; g; g = g->next)
		act_publish(a, g);
}

void act_reply(struct act *a, const struct vm_reply *reply, uint64_t now_ns)
{
	struct act_guest *g = act_find(a, &reply->uuid);

	if (!g)
		return;
	a->now_ns = now_ns;
	a->online_known = false;
	/* libvirt may not know a guest whose process lives (it is just starting, or has lost
	 * it): that is no reason to forget what its threads had.  And what it says of one whose
	 * process has just died may be any error, and is nobody's. */
	if (reply->error < 0 && process_check(a->fs, g->pid, g->start_ticks) == -ESRCH)
		act_guest_reset(a, g);
	else if (reply->is_pin)
		act_placement_reply(a, g, reply);
	else
		act_memory_reply(a, g, reply);
	act_publish(a, g);
}

void act_refresh(struct act *a)
{
	act_reclaim_refresh(a);
}

const struct in_force *act_in_force(const struct act *a)
{
	return &a->in_force;
}

/* ---- second chances, and the way back ---------------------------------- */

static void forgive_guest(struct act_guest *g)
{
	struct placement *p = &g->placement;

	p->trust_present |= g->in_force.pin_ceded;
	act_placement_forgive(p);
	g->limit.gave_up = false;
	p->retry = g->limit.retry = (struct retry){ 0 };
	g->in_force.pin_ceded = g->in_force.limit_ceded = g->in_force.limit_off = false;
}

void act_forgive(struct act *a)
{
	a->affinity_off = false;
	a->in_force.ksm.ceded = a->in_force.ksm.off = false;
	a->ksm.retry = a->balancing.retry = (struct retry){ 0 };
	a->ksm.nodes_off = a->ksm.no_room_said = a->ksm.unmerged = a->ksm.run_known = false;
	for (size_t i = 0; i < _KSM_KNOB_MAX; i++)
		a->ksm.knob[i].gave_up = false;
	a->balancing.ceded = a->balancing.off = a->balancing.knob.gave_up = false;
	act_balancing_publish(a);
	act_host_forgive(a);
	act_move_forgive(a);
	act_reclaim_forgive(a);
	for (struct act_guest *g = a->guests; g; g = g->next) {
		forgive_guest(g);
		act_publish(a, g);
	}
}

size_t act_restore(struct act *a, uint64_t now_ns)
{
	size_t waiting = 0;

	act_move_stop(a);
	act_reclaim_stop(a);
	if (a->look_only)
		return 0;
	a->now_ns = now_ns;
	a->online_known = false;
	a->postponed = 0;
	act_ksm_last_chance(a);
	act_balancing_last_chance(a);
	act_host_last_chance(a);
	act_ksm_give_back(a, WHY_STOPPING);
	act_balancing_give_back(a, WHY_STOPPING);
	act_host_give_back(a, WHY_STOPPING);
	waiting += (a->ksm.unmerger > 0) + a->postponed;
	act_let_go_of_lost(a);
	for (struct act_guest *g = a->guests; g; g = g->next) {
		act_placement_last_chance(g);
		act_memory_last_chance(g);
		act_placement_give_back(a, g, WHY_STOPPING);
		act_memory_give_back(a, g, WHY_STOPPING);
		waiting += act_placement_waiting(g) + act_memory_waiting(g);
		act_publish(a, g);
	}
	if (a->undo_stale)
		(void)save(a); /* said; what is on file too much is seen to be so when it is read */
	return waiting;
}

void act_leave(struct act *a)
{
	act_move_stop(a);
	act_reclaim_stop(a);
	act_ksm_end_sweep(a);
	if (a->undo_stale && !a->look_only)
		(void)save(a); /* said */
}

void act_allow_unmerge(struct act *a, bool allowed)
{
	a->ksm.may_unmerge = allowed;
	a->ksm.knob[KSM_NODES].gave_up = false;
}

bool act_owes(const struct act *a)
{
	for (size_t i = 0; i < _KSM_KNOB_MAX; i++)
		if (a->ksm.knob[i].ours)
			return true;
	if (a->balancing.knob.ours || a->in_force.host.ours)
		return true;
	for (const struct act_guest *g = a->guests; g; g = g->next)
		if (g->limit.ours || act_pins_any_ours(&g->placement))
			return true;
	return false;
}

void act_note_soft_limit(struct act *a, const struct uuid *uuid, uint64_t kib)
{
	struct act_guest *g = act_find(a, uuid);

	if (!g)
		return;
	g->has_fact = true;
	g->fact_kib = kib;
}
