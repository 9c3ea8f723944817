/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A life of the daemon: what daemon/main.c, loop.c and tick.c do, without a daemon. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "soak.h"

static const uint64_t audit_every_ns = 300 * KT_NS_PER_S;
static const uint64_t limits_checked_every_ns = 60 * KT_NS_PER_S;
static const struct capabilities capabilities = { .ksm = true,
						  .ksm_advisor = true,
						  .ksm_smart_scan = true,
						  .memory_cgroup = true,
						  .schedstat = true };
static struct policy_conf last_conf; /* as in the file */

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* ---- a life ------------------------------------------------------------------------------- */

static void begin(struct soak *s, struct soak_daemon *d)
{
	static const struct hostfs fs = { .root_fd = -1, .is_live = true };
	static struct vm_ops ops;
	int r;

	ops = soak_vm_ops(s);
	if (act_new(&fs, s->run_dir, &ops, &d->act) < 0)
		abort();
	s->in_act = true;
	r = act_load(d->act);
	s->in_act = false;
	if (r < 0)
		soak_broken(s, "what is on file cannot be loaded: %s", strerror(-r));
	soak_tell(s, "the daemon starts, and takes over %d values", r);
}

void soak_daemon_starts(struct soak *s)
{
	size_t pieces = soak_heap_pieces(), nfds = count_fds();
	struct soak_daemon *d = calloc(1, sizeof *d);

	if (!d)
		abort();
	d->pieces = pieces;
	d->nfds = nfds;
	d->domains = domains_new();
	d->view = host_view_new();
	if (!d->domains || !d->view)
		abort();
	if (s->counts.lives == 0 || soak_chance(s, 300))
		soak_make_conf(s, &last_conf);
	d->conf = last_conf;
	s->daemon = d;
	s->counts.lives++;
	soak_forgets_strangers(s, true);
	for (unsigned int i = 0; i < s->nfiles; i++)
		s->file[i].ceded = false;
	for (size_t g = 0; g < SOAK_GUESTS; g++)
		for (size_t i = 0; i < SOAK_THREADS; i++)
			s->guest[g].thread[i].seen = false;
	for (size_t g = 0; g < SOAK_GUESTS; g++) /* another life has seen it */
		for (size_t i = 0; i < SOAK_THREADS; i++)
			soak_reset_is_own(&s->guest[g].thread[i]);
	begin(s, d);
}

/* As daemon/loop_finish.c: with some patience for libvirt. */
static void restore(struct soak *s)
{
	size_t waiting;

	for (int patience = 0; patience < 60; patience++) {
		s->in_act = true;
		waiting = act_restore(s->daemon->act, s->now_ns);
		s->in_act = false;
		soak_unmerger_goes_on(s, false);
		if (waiting == 0)
			break;
		s->now_ns += KT_NS_PER_S / 2;
		soak_virt_goes_on(s);
	}
	if (!act_owes(s->daemon->act))
		soak_check_restored(s);
}

void soak_daemon_frees(struct soak *s)
{
	struct soak_daemon *d = s->daemon;
	size_t pieces = d->pieces, nfds = d->nfds;

	act_free(d->act);
	domains_free(d->domains);
	host_view_free(d->view);
	free(d);
	s->daemon = NULL;
	if (soak_heap_pieces() != pieces && !s->died)
		soak_broken(s, "a life has left %zd pieces of the heap",
			    soak_heap_pieces() - pieces);
	if (count_fds() != nfds)
		soak_broken(s, "a life has left %zd files open", count_fds() - nfds);
	if (soak_workers())
		soak_broken(s, "a life has left %u threads", soak_workers());
}

void soak_daemon_ends(struct soak *s, enum soak_end how)
{
	static const char *const words[] = { "is killed", "stops", "is restarted" };

	soak_tell(s, "the daemon %s", words[how]);
	s->counts.kills += how == SOAK_KILL;
	s->die_after = 0;
	if (how == SOAK_STOP)
		restore(s);
	s->in_act = how == SOAK_RESTART;
	if (how == SOAK_RESTART)
		act_leave(s->daemon->act);
	s->in_act = false;
	soak_unmerger_goes_on(s, true);
	s->unmerger.ended = false;
	soak_virt_forgets(s);
	soak_daemon_frees(s);
}

void soak_daemon_restores(struct soak *s)
{
	s->weather = (struct soak_weather){ 0 };
	s->admin_interferes = false;
	s->link_up = true;
	soak_jobs_end(s);
	if (soak_file(s, "ksm run")->stranger)
		s->pages_shared = 0; /* only he may take them apart, and merge_across_nodes waits */
	if (!s->daemon)
		soak_daemon_starts(s);
	soak_tell(s, "everything is to be given back");
	s->die_after = 0;
	act_allow_unmerge(s->daemon->act, true);
	act_forgive(s->daemon->act);
	for (int i = 0; i < 20 && act_owes(s->daemon->act); i++) {
		restore(s);
		soak_virt_goes_on(s);
	}
	if (act_owes(s->daemon->act))
		soak_broken(s, "not everything was given back, though nothing fails");
	soak_check_restored(s);
	soak_daemon_ends(s, SOAK_STOP);
}

void soak_daemon_reloads(struct soak *s)
{
	struct soak_daemon *d = s->daemon;

	soak_tell(s, "the daemon reloads");
	s->counts.reloads++;
	soak_make_conf(s, &last_conf);
	d->conf = last_conf;
	d->reloaded = true;
	soak_forgives_strangers(s);
	act_forgive(d->act);
	placement_policy_forgive(&d->arbiter.placement);
}

/* ---- a tick ------------------------------------------------------------------------------- */

static void bind_guests(struct soak *s, struct soak_daemon *d)
{
	for (size_t i = 0; i < d->domains->nslots; i++) {
		const struct domain_slot *slot = &d->domains->slot[i];
		const struct guest_sample *g = &d->sample.guest[i];
		const struct guest_in_force *f = &act_in_force(d->act)->guest[i];
		struct soak_guest *guest = soak_guest_of(s, &slot->domain.uuid);
		struct domain *domain = &d->domains->slot[i].domain;

		if (!slot->used || !g->present || d->bound[i] == slot->incarnation)
			continue;
		act_bind(d->act, i, slot->incarnation, &slot->domain.uuid, g->pid, g->start_ticks);
		if (domain->has_limit_mark && domain->marked_limit_kib == domain->soft_limit_kib)
			act_adopt_soft_limit(d->act, &domain->uuid, domain->marked_limit_kib,
					     domain->marked_original_kib);
		d->bound[i] = slot->incarnation;
		if (f->limited) {
			domain->admin_memtune = false;
			guest->limit.thread_owns = true;
			guest->limit.thread_owns_kib = 0;
			guest->limit.thread_taken_over = true;
		}
	}
}

static void check_limits_again(struct soak *s, struct soak_daemon *d)
{
	if (s->now_ns < d->limits_checked_ns + limits_checked_every_ns)
		return;
	d->limits_checked_ns = s->now_ns;
	for (size_t i = 0; i < d->domains->nslots; i++)
		if (d->domains->slot[i].used && act_in_force(d->act)->guest[i].limited)
			soak_guest_of(s, &d->domains->slot[i].domain.uuid)->is_stale = true;
}

/* In the manner of policy/host_policy.c; what the audit finds is made up. */
static struct host_wish wish_of_host(const struct soak_daemon *d, unsigned int rule)
{
	const struct host_in_force *f = &act_in_force(d->act)->host;
	struct host_wish w = { .wish = WISH_SET, .why = WHY_AUDIT_RULE };

	if (!host_rule_path(rule) || strcmp(host_rule_id(rule), "host-numa-balancing") == 0)
		return (struct host_wish){ .wish = WISH_HOLD };
	if (!(d->conf.host.apply >> rule & 1))
		return (struct host_wish){ .wish = WISH_RELEASE, .why = WHY_SWITCHED_OFF };
	if (f->off >> rule & 1)
		return (struct host_wish){ .wish = WISH_HOLD, .why = WHY_ACTUATOR_OFF };
	if (f->ceded >> rule & 1)
		return (struct host_wish){ .wish = WISH_RELEASE, .why = WHY_CEDED };
	snprintf(w.word, sizeof w.word, "%d", d->view->npresent > 3 ? 10 : 20);
	return w;
}

static void plan_host(struct soak *s, struct soak_daemon *d)
{
	struct host_plan *p = &d->plan.host;

	p->due = d->reloaded || s->now_ns >= d->looked_ns + audit_every_ns;
	if (!p->due)
		return;
	*p = (struct host_plan){ .due = true, .dry_run = d->conf.mode == DAEMON_OBSERVE };
	for (; p->nrules < HOST_RULES_MAX && host_rule_id((unsigned int)p->nrules); p->nrules++)
		p->rule[p->nrules] = wish_of_host(d, (unsigned int)p->nrules);
	p->irq_cpus.word[0] = s->online & 0x3 ? s->online & 0x3 : s->online;
	for (unsigned int i = 0; i < SOAK_IRQS; i++)
		if (soak_chance(s, 800))
			p->irq[p->nirqs++] = 40 + i;
	d->looked_ns = s->now_ns;
	d->reloaded = false;
}

static void look(struct soak *s, struct soak_daemon *d)
{
	if (d->topology.online.word[0] != s->online)
		soak_topology(s, &d->topology);
	soak_sense(s, d);
	act_refresh(d->act);
	d->view->guests_known = d->guests_known;
	host_view_update(d->view, &d->topology, &capabilities, d->domains, &d->sample,
			 soak_chance(s, 100));
	bind_guests(s, d);
	check_limits_again(s, d);
}

/* By the facts that it has. */
static void check_floors(struct soak *s, const struct soak_daemon *d)
{
	for (size_t i = 0; i < d->plan.nslots; i++) {
		const struct memory_plan *m = &d->plan.guest[i].memory;
		const struct domain *domain = &d->domains->slot[i].domain;
		uint64_t floor_kib;

		if (!d->plan.guest[i].present || m->wish != WISH_SET || m->runaway)
			continue; /* a runaway keeps all that it has */
		floor_kib = soak_floor_kib(s, domain->memory_kib, domain->wish.min_guarantee_mib);
		if (m->target_kib < floor_kib)
			soak_broken(s, "guest %d is to keep %lu KiB, and its floor is %lu",
				    domain->id, m->target_kib, floor_kib);
	}
}

/* What grows within a life is not seen at its end, when all of it is freed. */
static void check_growth(struct soak *s, const struct soak_daemon *d)
{
	/* 38 pieces for eight guests, one file and two threads are the most that 40 host-days
	 * have seen. */
	enum { PIECES_MAX = 16 + 5 * SOAK_GUESTS, FDS_MAX = 2, THREADS_MAX = 2 };
	size_t pieces = soak_heap_pieces() - d->pieces;

	if (pieces > PIECES_MAX)
		soak_broken(s, "%u guests are known by %zu pieces of the heap",
			    soak_count_guests(s), pieces);
	if (soak_workers() > THREADS_MAX)
		soak_broken(s, "%u threads work beside the main one", soak_workers());
	if (s->counts.steps % 64 == 0 && count_fds() > d->nfds + FDS_MAX)
		soak_broken(s, "%zu files were opened and not closed", count_fds() - d->nfds);
}

void soak_daemon_ticks(struct soak *s)
{
	struct soak_daemon *d = s->daemon;

	soak_virt_goes_on(s);
	look(s, d);
	s->cpus_changed = false;
	arbiter_step(&d->arbiter, &d->conf, d->view, act_in_force(d->act), &d->plan);
	plan_host(s, d);
	check_floors(s, d);
	s->in_act = true;
	act_apply(d->act, &d->plan);
	s->in_act = false;
	soak_trust_ends(s);
	check_growth(s, d);
}
