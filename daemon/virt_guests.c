/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guests are there, and what of them has changed? */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "str.h"
#include "virt_domain.h"
#include "virt_thread.h"

enum {
	FAILURES_MAX = 5, /* then it is left alone until its next event */
};

/* ---- the table --------------------------------------------------------------- */

struct virt_guest *virt_guest_find(struct virt *v, const struct uuid *uuid)
{
	for (size_t i = 0; i < v->nguests; i++)
		if (v->guest[i].used && uuid_equal(&v->guest[i].uuid, uuid))
			return &v->guest[i];
	return NULL;
}

static struct virt_guest *free_slot(struct virt *v)
{
	for (size_t i = 0; i < v->nguests; i++)
		if (!v->guest[i].used)
			return &v->guest[i];
	return v->nguests < KT_GUESTS_MAX ? &v->guest[v->nguests++] : NULL;
}

struct virt_guest *virt_guest_put(struct virt *v, const struct uuid *uuid)
{
	struct virt_guest *g = virt_guest_find(v, uuid);

	if (g)
		return g;
	g = free_slot(v);
	if (g) {
		*g = (struct virt_guest){ .used = true, .uuid = *uuid };
	} else if (!v->said_full) {
		v->said_full = true;
		log_warning("more than %d guests: the rest is not managed", KT_GUESTS_MAX);
	}
	return g;
}

void virt_guest_touch(struct virt *v, struct virt_guest *g)
{
	g->dirty = true;
	virt_after(v->refresh_event, 0);
}

/* ---- saying once what is odd --------------------------------------------------- */

/* FNV-1a */
static uint64_t hash_more(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
	return hash;
}

static uint64_t hash_of(const void *bytes, size_t size)
{
	return hash_more(UINT64_C(14695981039346656037), bytes, size);
}

/* Once per change.  A name that did not fit is empty. */
static void complain(struct virt_guest *g, const char *name, const char *text)
{
	char escaped[4 * KT_NAME_MAX], uuid[KT_UUID_STR];
	uint64_t complaint = text[0] ? hash_of(text, strlen(text)) : 0;

	if (complaint && complaint != g->complaint) {
		str_escape(name[0] ? name : uuid_str(&g->uuid, uuid), escaped, sizeof escaped);
		log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING,
					      .id = LOG_GUEST,
					      .guest = escaped,
					      .uuid = &g->uuid },
			  "guest %s: %s", escaped, text);
	}
	g->complaint = complaint;
}

static void complain_of_metadata(struct virt_guest *g, const struct domain *d,
				 const char *complaint)
{
	char text[VIRT_COMPLAINT_MAX + 64] = "";

	if (complaint[0])
		(void)snprintf(text, sizeof text, "kvmtuned in its metadata: %s; ignored",
			       complaint);
	complain(g, d->name, text);
}

/* ---- telling ------------------------------------------------------------------- */

/* What was ours went with its process. */
void virt_guest_renew(struct virt_guest *g)
{
	g->announced = g->sought = g->stopped = g->lift_pins = false;
	g->own_pins = g->foreign_pins = g->own_soft_limit = false;
	g->own_soft_limit_kib = 0;
	g->rest_until_ns = 0;
	g->gone = VIRT_GONE_STOPPED;
}

static void tell_gone(struct virt *v, struct virt_guest *g)
{
	struct virt_news news = { .kind = VIRT_GUEST_GONE, .uuid = g->uuid, .gone = g->gone };

	if (!g->announced)
		return;
	virt_guest_renew(g);
	virt_tell(v, &news);
}

void virt_guest_drop(struct virt *v, struct virt_guest *g)
{
	g->announced |= g->sought; /* as by an earlier life it was */
	tell_gone(v, g);
	g->used = false;
	v->may_refill |= v->said_full;
	if (v->may_refill)
		virt_after(v->refresh_event, 0);
}

/* What an audit asks for changes with each pin of ours. */
static uint64_t hash_all_but_audit(const struct domain *d)
{
	const size_t before = offsetof(struct domain, audit), after = before + sizeof d->audit;

	return hash_more(hash_of(d, before), (const char *)d + after, sizeof *d - after);
}

/* Only what is new: a job that is polled, or an event that changed nothing we know of,
 * does not wake the main thread.  The struct was zeroed before it was filled. */
static void tell_guest(struct virt *v, struct virt_guest *g, const struct domain *d)
{
	struct virt_news news = { .kind = VIRT_GUEST, .uuid = g->uuid, .started = g->started };
	uint64_t audit = hash_of(&d->audit, sizeof d->audit), all_else = hash_all_but_audit(d);
	bool told = g->announced && !g->started;

	g->failures = 0;
	g->missing = g->stopped = false;
	g->again = d->busy;
	if (told && audit == g->told.audit && all_else == g->told.all_else)
		return;
	news.only_of_audit = told && all_else == g->told.all_else;
	g->told.id = d->id;
	g->told.busy = d->busy;
	g->told.audit = audit;
	g->told.all_else = all_else;
	memcpy(&news.guest, d, sizeof *d);
	g->announced = true;
	g->started = false;
	virt_tell(v, &news);
}

/* The XML of the admin, or the rights of ours, do not change by asking again. */
static const char *words_of_odd(int error)
{
	switch (error) {
	case -ENAMETOOLONG:
		return "its name is longer than 255 bytes; not managed: give it a shorter one "
		       "(virsh domrename)";
	case -E2BIG:
		return "its XML is larger than 4 MiB; not managed: take out what it does not need "
		       "(virsh edit)";
	case -EINVAL:
		return "its XML cannot be understood; not managed until it changes: look at it "
		       "(virsh dumpxml)";
	default:
		return NULL;
	}
}

static void take_failure(struct virt_guest *g, const struct domain *d, int error)
{
	const char *odd = words_of_odd(error);
	char text[VIRT_TEXT_MAX];

	g->again = !odd && (error == -ENOMEM || ++g->failures < FAILURES_MAX);
	if (odd) {
		complain(g, d->name, odd);
	} else if (error == -ENOMEM) { /* ours, and no fault of the guest */
		complain(g, d->name,
			 "there is no memory to read it; what was known of it stays, and it is "
			 "tried again each second until there is some");
	} else if (!g->again) {
		(void)snprintf(text, sizeof text,
			       "libvirt cannot describe it: %s; not managed until it changes: see "
			       "whether virsh dumpxml can, and what libvirtd logs",
			       strerror(-error));
		complain(g, d->name, text);
	}
}

/* A poll can be faster than the event that has the reason, so that gets a second. */
static void take_absence(struct virt *v, struct virt_guest *g)
{
	if (g->announced && !g->stopped && !g->missing)
		g->missing = g->again = true;
	else
		virt_guest_drop(v, g);
}

/* What was asked for on older facts than these must not hit a pin that is ours by now. */
static void lift_pins(struct virt *v, struct virt_guest *g, virDomainPtr dom,
		      const struct domain *d)
{
	if (!g->lift_pins || d->busy)
		return;
	g->lift_pins = false;
	if (!d->marked_pins)
		return;
	if (virt_pins_lift(v, g, dom, d) == 0)
		virt_guest_touch(v, g);
	else
		complain(g, d->name, "pins of an earlier kvmtuned could not be lifted");
}

void virt_guest_refresh(struct virt *v, struct virt_guest *g)
{
	VIRT_AUTODOMAIN virDomainPtr dom = virDomainLookupByUUID(v->connection, g->uuid.byte);
	struct domain_xml live;
	struct domain d;
	int r;

	memset(&d, 0, sizeof d);
	d.uuid = g->uuid;
	g->dirty = false;
	g->again = false;
	if (dom) {
		d.id = (int)virDomainGetID(dom); /* (unsigned int)-1: it does not run */
		if (d.id >= 0 && d.id != g->told.id)
			tell_gone(v, g); /* it was started anew meanwhile */
		r = d.id < 0 ? -ENOENT : virt_read_guest(v, g, dom, &d, &live);
	} else {
		r = virt_failed(v, NULL, "looking for a guest");
	}
	if (r == 0) {
		complain_of_metadata(g, &d, live.complaint);
		tell_guest(v, g, &d);
		lift_pins(v, g, dom, &d);
	} else if (r == -ENOENT) {
		take_absence(v, g);
	} else if (r != -ENOTCONN) { /* else the resync asks again */
		take_failure(g, &d, r);
	}
}
