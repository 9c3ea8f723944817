/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does libvirt's news mean for our table of guests, and how do we ask libvirt
 * for what only it can do? */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "kvmtuned.h"
#include "str.h"

static const uint64_t request_patience_ns = 20 * KT_NS_PER_S;
/* A limit is what the guest uses now, a little less; and those of a thousand guests must not
 * be in the way of one that has to be lifted. */
static const uint64_t limit_patience_ns = 3 * KT_NS_PER_S;
static const uint64_t late_after_ns = 30 * KT_NS_PER_S;
static const uint64_t limits_checked_every_ns = 60 * KT_NS_PER_S;

/* Asked again at the next occasion, so a failure is nothing to act on. */
static void best_effort(int error, const char *what)
{
	if (error < 0)
		log_debug("libvirt thread: %s: %s", what, strerror(-error));
}

static void say_guest(const struct domain *d, const char *action, const char *what)
{
	char name[4 * KT_NAME_MAX];

	str_escape(d->name, name, sizeof name);
	log_emitf((struct log_event){ .level = LOG_LEVEL_INFO,
				      .id = LOG_GUEST,
				      .guest = name,
				      .uuid = &d->uuid,
				      .action = action },
		  "%s: %s", name, what);
}

/* Facts that must outlive an update: what only statistics bring. */
static void keep_balloon(const struct kvmtuned *k, int slot, struct domain *d)
{
	const struct domain *old = &k->domains->slot[slot].domain;

	if (old->id != d->id)
		return;
	d->has_balloon = old->has_balloon;
	d->balloon_usable_kib = old->balloon_usable_kib;
}

/* A mark of another limit than the one in force is left over; the next limit replaces it. */
static void adopt_marked_limit(struct kvmtuned *k, const struct domain *d)
{
	if (d->has_limit_mark && d->marked_limit_kib == d->soft_limit_kib)
		act_adopt_soft_limit(k->act, &d->uuid, d->marked_limit_kib, d->marked_original_kib);
}

/* Its threads have other masks than sense has seen first: it is looked at like a new one. */
static void renew_if_lifted(struct kvmtuned *k, int slot, const struct domain *d)
{
	if (k->lifting[slot] == k->domains->slot[slot].incarnation && !d->marked_pins)
		domains_remove(k->domains, &d->uuid);
}

static bool take_guest(struct kvmtuned *k, struct virt_news *news)
{
	struct domain *d = &news->guest;
	int slot = domains_find(k->domains, &d->uuid);
	bool is_new = slot < 0;

	d->wish = conf_guest_wish(&k->conf, d->name, &d->metadata);
	if (!is_new) {
		keep_balloon(k, slot, d);
		renew_if_lifted(k, slot, d);
	}
	slot = domains_put(k->domains, d);
	if (slot < 0) {
		say_guest(d, "refuse", "not managed: no room for more guests");
		return false;
	}
	act_note_soft_limit(k->act, &d->uuid, d->soft_limit_kib);
	if (k->bound[slot] == k->domains->slot[slot].incarnation)
		adopt_marked_limit(k, d);
	k->kicked |= is_new || news->started;
	if (is_new)
		say_guest(d, "appear", d->running ? "running" : "paused");
	return !news->only_of_audit;
}

static void forget(struct kvmtuned *k, size_t slot, const char *how)
{
	const struct domain *d = &k->domains->slot[slot].domain;

	say_guest(d, "leave", how);
	act_forget(k->act, &d->uuid);
	domains_remove(k->domains, &d->uuid);
	k->bound[slot] = 0;
}

static bool take_gone(struct kvmtuned *k, const struct virt_news *news)
{
	static const char *const how[] = { [VIRT_GONE_STOPPED] = "stopped",
					   [VIRT_GONE_CRASHED] = "crashed",
					   [VIRT_GONE_MIGRATED] = "migrated away" };
	int slot = domains_find(k->domains, &news->uuid);

	if (slot < 0) /* one that was sought */
		act_forget(k->act, &news->uuid);
	else
		forget(k, (size_t)slot, how[news->gone]);
	k->kicked = true;
	kvmtuned_look(k, SENSE_DUE);
	return true;
}

/* A libvirtd in the place of another one has guests of its own, which may have the UUID and the
 * number of one that goes on without it. */
static void renew_replaced(struct kvmtuned *k)
{
	for (size_t i = 0; i < k->domains->nslots; i++) {
		const struct domain_slot *slot = &k->domains->slot[i];

		if (slot->used && sense_process_is_replaced(k->sense, i, slot) &&
		    virt_disown(k->virt, &slot->domain.uuid) == 0) /* else the next link tells */
			forget(k, i, "another process has its place");
	}
}

static void take_link(struct kvmtuned *k, const struct virt_news *news)
{
	k->link_up = news->kind == VIRT_LINK_UP;
	k->link_told = true;
	k->links += k->link_up;
	if (k->link_up)
		(void)snprintf(k->libvirt_version, sizeof k->libvirt_version, "%s", news->text);
	if (k->link_up)
		log_emitf((struct log_event){ .level = LOG_LEVEL_INFO, .id = LOG_LIBVIRT_BACK },
			  "connected to libvirt at %s (%s)", k->conf.libvirt_uri, news->text);
	else
		log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING, .id = LOG_LIBVIRT_LOST },
			  "no connection to libvirt at %s (%s): what is known holds, and "
			  "connecting is tried again and again",
			  k->conf.libvirt_uri, news->text);
}

static void take_statistics(struct kvmtuned *k, const struct virt_news *news)
{
	int slot = domains_find(k->domains, &news->uuid);

	if (slot < 0)
		return;
	k->domains->slot[slot].domain.has_balloon = news->has_balloon;
	k->domains->slot[slot].domain.balloon_usable_kib = news->balloon_usable_kib;
}

static bool take(struct kvmtuned *k, struct virt_news *news, uint64_t now_ns)
{
	switch (news->kind) {
	case VIRT_LINK_UP:
	case VIRT_LINK_DOWN:
		take_link(k, news);
		return true;
	case VIRT_GUEST:
		return take_guest(k, news);
	case VIRT_GUEST_GONE:
		return take_gone(k, news);
	case VIRT_RESYNC_DONE:
		renew_replaced(k);
		orphans_seek(k);
		k->guests_known = true;
		k->kicked = true;
		kvmtuned_look(k, SENSE_DUE);
		return true;
	case VIRT_TUNABLE:
		/* The refreshed facts follow as VIRT_GUEST, and act compares them. */
		log_debug("libvirt: tunables of a guest changed: %s", news->text);
		return false;
	case VIRT_REPLY:
		act_reply(k->act, &news->reply, now_ns);
		return false;
	case VIRT_LIFTED:
		lift_from_born(k, &news->reply);
		return false;
	case VIRT_ENDED:
		k->virt_ended = true;
		return true;
	case VIRT_STATISTICS:
		take_statistics(k, news);
		return false;
	}
	return false;
}

bool guests_take_news(struct kvmtuned *k, uint64_t now_ns)
{
	struct virt_news news;
	bool look = false;

	while (k->virt && virt_next(k->virt, &news))
		look |= take(k, &news, now_ns);
	return look;
}

void guests_apply_wishes(struct kvmtuned *k)
{
	for (size_t i = 0; i < k->domains->nslots; i++) {
		struct domain *d = &k->domains->slot[i].domain;

		if (k->domains->slot[i].used)
			d->wish = conf_guest_wish(&k->conf, d->name, &d->metadata);
	}
}

/* Pauses whose time has come. */
static void end_pauses(struct kvmtuned *k, uint64_t now_ns)
{
	struct ended_pause ended;
	bool any = false;

	for (; pauses_take_ended(&k->pauses, now_ns, &ended); any = true)
		control_say_ended(k, &ended);
	if (any)
		control_remember_pauses(k);
}

void guests_apply_pauses(struct kvmtuned *k, uint64_t now_ns)
{
	uint64_t until_ns;

	end_pauses(k, now_ns);
	k->policy_now = k->conf.policy;
	pauses_apply(&k->pauses, &k->policy_now);
	for (size_t i = 0; i < k->domains->nslots; i++) {
		struct domain *d = &k->domains->slot[i].domain;

		if (k->domains->slot[i].used)
			d->hold = pauses_of_guest(&k->pauses, &d->uuid, &until_ns);
	}
}

void guests_check_lateness(struct kvmtuned *k, uint64_t now_ns)
{
	uint64_t since_ns = virt_waiting_since_ns(k->virt);

	/* It may be asked the next question already. */
	if (k->late_said_ns != 0 && since_ns != k->late_said_ns) {
		log_emitf((struct log_event){ .level = LOG_LEVEL_INFO, .id = LOG_LIBVIRT_BACK },
			  "libvirt answers again");
		k->late_said_ns = 0;
	}
	if (since_ns == 0 || now_ns < since_ns + late_after_ns || k->late_said_ns != 0)
		return;
	k->late_said_ns = since_ns;
	log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING, .id = LOG_LIBVIRT_LATE },
		  "libvirt has not answered for %" PRIu64
		  " s: KSM, pinned threads and everything else that does not need it go on",
		  (now_ns - since_ns) / KT_NS_PER_S);
}

void guests_ask_statistics(struct kvmtuned *k, uint64_t now_ns)
{
	/* Busy or full is as good as asked: the next tick asks again. */
	if (k->virt && virt_waiting_since_ns(k->virt) == 0)
		best_effort(virt_request_statistics(k->virt, now_ns + request_patience_ns),
			    "statistics");
}

/* No event tells of a vCPU plugged in; its thread does. */
void guests_note_vcpu_threads(struct kvmtuned *k)
{
	for (size_t i = 0; i < k->domains->nslots; i++) {
		const struct guest_sample *g = &k->sample->guest[i];
		size_t n = 0;
		int r = 0;

		if (!k->domains->slot[i].used || !g->present || g->look != GUEST_LOOK_FULL)
			continue; /* its threads are as they were counted */
		for (size_t t = 0; t < g->nthreads; t++)
			n += g->threads[t].role == THREAD_VCPU;
		if (k->vcpu_threads[i] != n && k->vcpu_threads[i] != 0 && k->virt)
			r = virt_request_refresh(k->virt, &k->domains->slot[i].domain.uuid);
		best_effort(r, "refresh");
		if (r == 0)
			k->vcpu_threads[i] = n;
	}
}

/* libvirt sends no event for memtune: that somebody has put his limit in the place of ours
 * shows only when it is read. */
void guests_recheck_limits(struct kvmtuned *k, uint64_t now_ns)
{
	if (!k->virt || now_ns < k->limits_checked_ns + limits_checked_every_ns)
		return;
	k->limits_checked_ns = now_ns;
	for (size_t i = 0; i < k->domains->nslots; i++)
		if (k->domains->slot[i].used && act_in_force(k->act)->guest[i].limited)
			best_effort(virt_request_refresh(k->virt, &k->domains->slot[i].domain.uuid),
				    "refresh");
}

/* What an earlier life of ours left in the live XML is not the admin's.  Both have to
 * know: the libvirt thread for the facts to come, and the facts that are here already;
 * those of the persistent XML, which are always the admin's, come back with the refresh. */
static int own_what_is_in_force(struct kvmtuned *k, size_t i)
{
	const struct guest_in_force *f = &act_in_force(k->act)->guest[i];
	struct domain *d = &k->domains->slot[i].domain;
	int r = 0;

	if (f->pinned && k->virt) {
		d->admin_pins = false;
		r = virt_own_pins(k->virt, &d->uuid);
	}
	if (f->limited && k->virt && r == 0) {
		d->admin_memtune = false;
		r = virt_own_soft_limit(k->virt, &d->uuid);
	}
	return r;
}

void guests_bind(struct kvmtuned *k, size_t i)
{
	const struct domain_slot *slot = &k->domains->slot[i];
	const struct guest_sample *g = &k->sample->guest[i];
	int r;

	act_bind(k->act, i, slot->incarnation, &slot->domain.uuid, g->pid, g->start_ticks);
	adopt_marked_limit(k, &slot->domain);
	k->vcpu_threads[i] = 0;
	r = own_what_is_in_force(k, i);
	best_effort(r, "own");
	if (r == 0)
		k->bound[i] = slot->incarnation;
}

static int ask_pin(void *context, const struct uuid *uuid, const struct pin_order *order)
{
	struct kvmtuned *k = context;

	if (!k->virt)
		return -ENOTCONN;
	return virt_request_pin(k->virt, uuid, order, now_monotonic_ns() + request_patience_ns);
}

static int ask_soft_limit(void *context, const struct uuid *uuid, const struct limit_order *order)
{
	struct kvmtuned *k = context;
	bool gives_back = order->kib == order->original_kib;
	uint64_t patience_ns = gives_back ? request_patience_ns : limit_patience_ns;

	if (!k->virt)
		return -ENOTCONN;
	return virt_request_soft_limit(k->virt, uuid, order, now_monotonic_ns() + patience_ns);
}

struct vm_ops guests_vm_ops(struct kvmtuned *k)
{
	return (struct vm_ops){ .pin = ask_pin, .set_soft_limit = ask_soft_limit, .context = k };
}
