/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt, and the thread of the daemon that speaks with it: every request waits, every
 * answer and every fact is late, and the link may break between the two. */
#include <errno.h>
#include <string.h>

#include "soak.h"

static const uint64_t pin_patience_ns = 20 * KT_NS_PER_S;
static const uint64_t limit_patience_ns = 3 * KT_NS_PER_S;

struct soak_guest *soak_guest_of(struct soak *s, const struct uuid *uuid)
{
	for (size_t i = 0; i < SOAK_GUESTS; i++)
		if (uuid_equal(&s->guest[i].uuid, uuid))
			return &s->guest[i];
	return NULL;
}

/* ---- what it is asked for ---------------------------------------------------------------- */

static int queue(struct soak *s, struct soak_request request)
{
	if (!s->link_up && soak_chance(s, 500))
		return -ENOTCONN;
	if (s->nrequests == SOAK_REQUESTS || soak_fails(s, s->weather.virt))
		return -EAGAIN;
	s->request[s->nrequests++] = request;
	return 0;
}

static int ask_pin(void *context, const struct uuid *uuid, const struct pin_order *order)
{
	struct soak *s = context;

	return queue(s, (struct soak_request){ .uuid = *uuid,
					       .is_pin = true,
					       .pin = *order,
					       .expires_ns = s->now_ns + pin_patience_ns });
}

static int ask_soft_limit(void *context, const struct uuid *uuid, const struct limit_order *order)
{
	struct soak *s = context;
	bool gives_back = order->kib == order->original_kib;
	uint64_t patience_ns = gives_back ? pin_patience_ns : limit_patience_ns;

	return queue(s, (struct soak_request){ .uuid = *uuid,
					       .limit = *order,
					       .expires_ns = s->now_ns + patience_ns });
}

struct vm_ops soak_vm_ops(struct soak *s)
{
	return (struct vm_ops){ .pin = ask_pin, .set_soft_limit = ask_soft_limit, .context = s };
}

/* ---- what it does ------------------------------------------------------------------------ */

static struct soak_thread *meant(struct soak_guest *g, const struct pin_order *o)
{
	for (size_t i = 1; i < SOAK_THREADS && o->role != THREAD_EMULATOR; i++) {
		struct soak_thread *t = &g->thread[i];

		if (t->alive && t->role == o->role && t->number == o->number)
			return t;
	}
	return o->role == THREAD_EMULATOR ? g->thread : NULL;
}

/* Whoever is born of a thread is in its cgroup; the emulator's is that of vhost threads, too.  It
 * leaves a thread the mask that somebody gave it. */
static bool is_in_cgroup_of(const struct soak_thread *t, const struct soak_thread *first)
{
	return t->alive && t != first && t->owner == first && t->own == first->own;
}

/* daemon/virt_pin.c */
static bool is_another(const struct soak *s, const struct soak_thread *t, const struct pin_order *o,
		       uint64_t cpus)
{
	uint64_t now = soak_shown(s, t->now);

	return o->seen.word[0] && (t->tid != o->tid || (now != o->seen.word[0] && now != cpus));
}

/* In libvirt the emulator has one pin: when it gets its own back, the others get the same. */
static void goes_along(struct soak_thread *t, const struct soak_thread *first)
{
	if (!soak_mask_is_own(first) || t->now == t->own)
		return;
	t->own_before_reset = t->own;
	t->own = t->now;
	t->ours = false;
}

static int pin(struct soak *s, struct soak_guest *g, const struct pin_order *o, struct cpumask *ret)
{
	uint64_t cpus = o->cpus.word[0] & soak_all_cpus;
	struct soak_thread *first = meant(g, o);

	if (!first || !(cpus & s->online))
		return -EINVAL;
	if (is_another(s, first, o, cpus))
		return -EAGAIN;
	soak_check_mask(s, g, first, cpus);
	soak_put_mask(s, first, cpus);
	*ret = (struct cpumask){ { soak_shown(s, first->now) } };
	for (size_t i = 0; i < SOAK_THREADS; i++) {
		struct soak_thread *t = &g->thread[i];
		bool inherited = t->inherited;

		if (!is_in_cgroup_of(t, first))
			continue;
		soak_put_mask(s, t, cpus);
		t->inherited = inherited; /* from the same thread */
		goes_along(t, first);
	}
	soak_tell(s, "libvirt pins %d/%u of guest %d to %lx", (int)o->role, o->number, g->id, cpus);
	return 0;
}

/* Below, what the daemon's own libvirt thread does (daemon/virt_limit.c). */

static uint64_t whole_pages(uint64_t kib)
{
	return kib == KT_UNLIMITED_KIB ? kib : kib / 4 * 4;
}

static bool is_foreign(const struct soak_limit *l, const struct limit_order *o)
{
	if (l->now == whole_pages(o->kib))
		return false;
	if (l->thread_owns && l->thread_owns_kib != 0 && !l->thread_taken_over)
		return l->now != l->thread_owns_kib;
	return l->now != whole_pages(o->expected_kib[0]) &&
	       l->now != whole_pages(o->expected_kib[1]);
}

static void set_limit(struct soak *s, struct soak_guest *g, const struct limit_order *o)
{
	struct soak_limit *l = &g->limit;
	uint64_t wanted = whole_pages(o->kib);
	bool limits = wanted != o->original_kib;

	soak_limit_is_ours(l, o->original_kib);
	if (limits) {
		l->marked = true;
		l->mark_kib = wanted;
		l->mark_original_kib = o->original_kib;
	}
	if (l->stranger && l->now != wanted)
		soak_broken(s, "guest %d: the limit %lu is somebody else's, and %lu is set", g->id,
			    l->now, wanted);
	l->now = wanted;
	l->ours = l->now != l->own;
	l->thread_owns = limits;
	l->thread_owns_kib = 0;
	l->thread_taken_over = false;
	l->marked &= limits;
	s->counts.limits++;
	soak_tell(s, "libvirt limits guest %d to %lu, its own is %lu", g->id, l->now, l->own);
}

static int limit(struct soak *s, struct soak_guest *g, const struct limit_order *o, uint64_t *ret)
{
	struct soak_limit *l = &g->limit;

	*ret = l->now;
	if (is_foreign(l, o)) {
		l->marked &= !l->thread_owns;
		g->is_stale = true;
		return 0;
	}
	if (soak_fails(s, s->weather.virt))
		return -EPERM;
	set_limit(s, g, o);
	*ret = l->thread_owns_kib = l->now;
	g->is_stale = true;
	return 0;
}

static int any_error(struct soak *s)
{
	static const int errors[] = { EBUSY, EPERM, ENOTSUP, EIO };

	return -errors[soak_below(s, KT_ARRAY_LEN(errors))];
}

/* The link may break before or after it was done. */
static void perform(struct soak *s, const struct soak_request *r, struct vm_reply *reply)
{
	struct soak_guest *g = soak_guest_of(s, &r->uuid);
	bool breaks = soak_fails(s, s->weather.virt);

	*reply = (struct vm_reply){
		.uuid = r->uuid, .is_pin = r->is_pin, .role = r->pin.role, .number = r->pin.number
	};
	if (s->now_ns > r->expires_ns)
		reply->error = -ETIMEDOUT;
	else if (!g || !g->runs)
		reply->error = -ENOENT;
	else if (g->busy || soak_is_known_busy(s, g))
		reply->error = -EBUSY;
	else if (breaks && soak_chance(s, 500))
		reply->error = -ENOTCONN;
	else if (soak_fails(s, s->weather.virt))
		reply->error = any_error(s);
	else if (r->is_pin)
		reply->error = pin(s, g, &r->pin, &reply->cpus);
	else
		reply->error = limit(s, g, &r->limit, &reply->soft_limit_kib);
	if (breaks && reply->error == 0) {
		reply->error = -ENOTCONN;
		if (!r->is_pin && r->limit.kib != r->limit.original_kib)
			g->limit.thread_owns_kib = 0; /* not read back */
	}
	s->link_up &= !breaks;
}

static void answer(struct soak *s)
{
	size_t n = s->nrequests, done = 0;
	struct vm_reply reply;

	while (done < n && soak_chance(s, 900)) {
		struct soak_request r = s->request[done++];

		if (!s->link_up && s->now_ns <= r.expires_ns) {
			done--;
			break;
		}
		perform(s, &r, &reply);
		s->in_act = true;
		act_reply(s->daemon->act, &reply, s->now_ns);
		s->in_act = false;
	}
	memmove(s->request, s->request + done, (s->nrequests - done) * sizeof *s->request);
	s->nrequests -= done;
}

void soak_virt_forgets(struct soak *s)
{
	struct vm_reply reply;

	for (size_t i = 0; i < s->nrequests; i++)
		if (soak_chance(s, 300))
			perform(s, &s->request[i], &reply);
	s->nrequests = 0;
	for (size_t i = 0; i < SOAK_GUESTS; i++) {
		s->guest[i].limit.thread_owns = s->guest[i].is_told = false;
		s->guest[i].limit.thread_owns_kib = 0;
	}
}

/* ---- news of guests ------------------------------------------------------------------------ */

/* daemon/virt_read.c */
static bool thread_owns(struct soak_limit *l)
{
	if (l->thread_owns && l->thread_owns_kib == 0)
		l->thread_owns_kib = l->now;
	if (l->thread_owns_kib != l->now)
		l->thread_owns = false;
	if (!l->thread_owns)
		l->thread_owns_kib = 0;
	return l->thread_owns;
}

static struct domain describe(struct soak_guest *g)
{
	struct soak_limit *l = &g->limit;
	bool is_marked = l->marked && l->mark_kib == l->now;
	struct domain d = { .uuid = g->uuid,
			    .name = "guest",
			    .id = g->id,
			    .running = !g->paused,
			    .busy = g->busy,
			    .vcpus = g->vcpus,
			    .memory_kib = g->memory_kib,
			    .soft_limit_kib = l->now,
			    .hard_limit_kib = KT_UNLIMITED_KIB,
			    .admin_pins = g->has_admin_pins,
			    .has_limit_mark = l->marked,
			    .marked_limit_kib = l->mark_kib,
			    .marked_original_kib = l->mark_original_kib,
			    .wish.min_guarantee_mib = g->guarantee_mib };

	d.admin_memtune = l->now != KT_UNLIMITED_KIB && !thread_owns(l) && !is_marked;
	return d;
}

static void adopt(struct soak_daemon *d, const struct domain *domain)
{
	if (domain->has_limit_mark && domain->marked_limit_kib == domain->soft_limit_kib)
		act_adopt_soft_limit(d->act, &domain->uuid, domain->marked_limit_kib,
				     domain->marked_original_kib);
}

static void tell_of_guest(struct soak_daemon *d, struct soak_guest *g)
{
	struct domain domain = describe(g);
	int slot = domains_put(d->domains, &domain);

	if (slot < 0)
		abort(); /* fewer guests than slots */
	g->is_told = true;
	g->is_stale = false;
	act_note_soft_limit(d->act, &g->uuid, domain.soft_limit_kib);
	if (d->bound[slot] == d->domains->slot[slot].incarnation)
		adopt(d, &domain);
}

static void tell_of_end(struct soak *s, struct soak_guest *g)
{
	int slot = domains_find(s->daemon->domains, &g->uuid);

	g->gone_at_ns = 0;
	g->is_told = false;
	if (slot < 0)
		return;
	domains_remove(s->daemon->domains, &g->uuid);
	s->in_act = true;
	act_forget(s->daemon->act, &g->uuid);
	s->in_act = false;
	s->daemon->bound[slot] = 0;
}

void soak_virt_goes_on(struct soak *s)
{
	if (!s->link_up && soak_chance(s, 300)) {
		s->link_up = true;
		for (size_t i = 0; i < SOAK_GUESTS; i++)
			s->guest[i].is_stale = true;
	}
	answer(s);
	for (size_t i = 0; i < SOAK_GUESTS && s->link_up; i++) {
		struct soak_guest *g = &s->guest[i];

		if (g->gone_at_ns && g->gone_at_ns <= s->now_ns)
			tell_of_end(s, g);
		if (g->runs && (!g->is_told || g->is_stale) && soak_chance(s, 700))
			tell_of_guest(s->daemon, g);
	}
	s->daemon->guests_known |= s->link_up;
}
