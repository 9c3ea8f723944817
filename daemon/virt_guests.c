/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guests are there, and what of them has changed?
 *
 * An event or a resync marks a guest; the refresh timer reads one marked guest each
 * time the loop comes round, so that requests and events have their turn in between. */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "str.h"
#include "virt_domain.h"
#include "virt_thread.h"

enum {
	AGAIN_S = 1,      /* a busy guest is looked at each second until its job is over */
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

/* ---- reading one guest --------------------------------------------------------- */

/* A paused guest rests, or something is being done to it. */
static bool state_is_busy(int state, int reason)
{
	switch (state) {
	case VIR_DOMAIN_SHUTDOWN:
		return true;
	case VIR_DOMAIN_RUNNING:
		return reason == VIR_DOMAIN_RUNNING_POSTCOPY ||
		       reason == VIR_DOMAIN_RUNNING_POSTCOPY_FAILED;
	case VIR_DOMAIN_PAUSED:
		return reason == VIR_DOMAIN_PAUSED_MIGRATION || reason == VIR_DOMAIN_PAUSED_SAVE ||
		       reason == VIR_DOMAIN_PAUSED_DUMP || reason == VIR_DOMAIN_PAUSED_SNAPSHOT ||
		       reason == VIR_DOMAIN_PAUSED_SHUTTING_DOWN ||
		       reason == VIR_DOMAIN_PAUSED_STARTING_UP ||
		       reason == VIR_DOMAIN_PAUSED_POSTCOPY ||
		       reason == VIR_DOMAIN_PAUSED_POSTCOPY_FAILED;
	default:
		return false;
	}
}

/* Start, save, restore, migration, snapshot, dump.  A backup may run for hours and
 * lets others change the guest. */
static bool has_job(virDomainPtr dom)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, nparams = 0, operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;

	if (virDomainGetJobStats(dom, &type, &params, &nparams, 0) < 0)
		return false; /* a driver without jobs */
	(void)virTypedParamsGetInt(params, nparams, VIR_DOMAIN_JOB_OPERATION, &operation);
	virTypedParamsFree(params, nparams);
	return (type == VIR_DOMAIN_JOB_BOUNDED || type == VIR_DOMAIN_JOB_UNBOUNDED) &&
	       operation != VIR_DOMAIN_JOB_OPERATION_BACKUP;
}

static int read_state(struct virt *v, virDomainPtr dom, struct domain *d)
{
	virDomainInfo facts;
	int state, reason;

	if (virDomainGetState(dom, &state, &reason, 0) < 0)
		return virt_failed(v, dom, "state of a guest");
	if (virDomainGetInfo(dom, &facts) < 0)
		return virt_failed(v, dom, "size of a guest");
	if (state == VIR_DOMAIN_SHUTOFF)
		return -ENOENT;
	d->running = state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED;
	d->busy = state_is_busy(state, reason) || has_job(dom);
	d->vcpus = facts.nrVirtCpu;
	d->memory_kib = facts.maxMem;
	return 0;
}

static int read_xml(struct virt *v, virDomainPtr dom, unsigned int flags, struct domain_xml *ret)
{
	KT_AUTOFREE char *xml = virDomainGetXMLDesc(dom, flags);

	if (!xml)
		return virt_failed(v, dom, "XML of a guest");
	return virt_domain_read(xml, strlen(xml), ret);
}

static uint64_t hash_text(const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return hash;
}

/* Once per change. */
static void complain(struct virt_guest *g, const char *name, const char *text)
{
	char escaped[KT_NAME_MAX];
	uint64_t complaint = text[0] ? hash_text(text) : 0;

	if (complaint && complaint != g->complaint) {
		str_escape(name, escaped, sizeof escaped);
		log_emitf((struct log_event){ .level = LOG_LEVEL_WARNING, .id = LOG_GUEST,
					      .guest = escaped, .uuid = &g->uuid },
			  "guest %s: %s", escaped, text);
	}
	g->complaint = complaint;
}

static void complain_of_metadata(struct virt_guest *g, const struct domain *d, const char *complaint)
{
	char text[VIRT_COMPLAINT_MAX + 64] = "";

	if (complaint[0])
		(void)snprintf(text, sizeof text, "kvmtuned:policy in its metadata: %s; ignored",
			       complaint);
	complain(g, d->name, text);
}

static int read_name(virDomainPtr dom, struct domain *d)
{
	const char *name = virDomainGetName(dom);

	return name ? str_format(d->name, sizeof d->name, "%s", name) : -EINVAL;
}

/* Somebody set another soft limit than we did: it is theirs. */
static bool owns_soft_limit(struct virt_guest *g, const struct domain *d)
{
	if (g->own_soft_limit && g->own_soft_limit_kib && g->own_soft_limit_kib != d->soft_limit_kib)
		g->own_soft_limit = false;
	return g->own_soft_limit;
}

static int read_facts(struct virt *v, struct virt_guest *g, virDomainPtr dom, struct domain *d)
{
	struct domain_xml live, persistent;
	struct domain_judge judge = { .live = &live, .host_cpus = v->host_cpus };
	int r;

	r = read_name(dom, d);
	if (r == 0)
		r = read_state(v, dom, d);
	if (r == 0)
		r = virt_read_limits(v, dom, &d->soft_limit_kib, &d->hard_limit_kib);
	if (r == 0)
		r = read_xml(v, dom, 0, &live);
	if (r == 0 && virDomainIsPersistent(dom) == 1) {
		r = read_xml(v, dom, VIR_DOMAIN_XML_INACTIVE, &persistent);
		judge.persistent = &persistent;
	}
	if (r < 0)
		return r;
	judge.own_pins = g->own_pins;
	judge.own_soft_limit = owns_soft_limit(g, d);
	virt_domain_judge(&judge, d);
	complain_of_metadata(g, d, live.complaint);
	return 0;
}

/* ---- telling ------------------------------------------------------------------- */

/* What was ours went with its process. */
static void tell_gone(struct virt *v, struct virt_guest *g)
{
	struct virt_news news = { .kind = VIRT_GUEST_GONE, .uuid = g->uuid, .gone = g->gone };

	if (!g->announced)
		return;
	g->announced = g->own_pins = g->own_soft_limit = false;
	g->gone = VIRT_GONE_STOPPED;
	virt_tell(v, &news);
}

static void drop(struct virt *v, struct virt_guest *g)
{
	tell_gone(v, g);
	g->used = false;
}

/* Only what is new: a job that is polled, or an event that changed nothing we know of,
 * does not wake the main thread.  Both structs were zeroed before they were filled. */
static void tell_guest(struct virt *v, struct virt_guest *g, const struct domain *d)
{
	struct virt_news news = { .kind = VIRT_GUEST, .uuid = g->uuid, .started = g->started };

	g->failures = 0;
	g->again = d->busy;
	if (g->announced && !g->started && memcmp(&g->last, d, sizeof *d) == 0)
		return;
	memcpy(&g->last, d, sizeof *d);
	memcpy(&news.guest, d, sizeof *d);
	g->announced = true;
	g->started = false;
	virt_tell(v, &news);
}

static void take_failure(struct virt_guest *g, const struct domain *d, int error)
{
	if (error == -EINVAL || error == -E2BIG || error == -ENAMETOOLONG) {
		complain(g, d->name, error == -ENAMETOOLONG ? "its name is too long; not managed" :
							      "its XML cannot be understood; not managed");
		return;
	}
	g->again = ++g->failures < FAILURES_MAX;
	if (!g->again)
		complain(g, d->name, "libvirt cannot describe it; not managed until it changes");
}

static void refresh(struct virt *v, struct virt_guest *g)
{
	VIRT_AUTODOMAIN virDomainPtr dom = virDomainLookupByUUID(v->connection, g->uuid.byte);
	struct domain d;
	int r;

	memset(&d, 0, sizeof d);
	d.uuid = g->uuid;
	g->dirty = false;
	g->again = false;
	if (dom) {
		d.id = (int)virDomainGetID(dom); /* (unsigned int)-1: it does not run */
		if (d.id != g->last.id)
			tell_gone(v, g); /* it was started anew meanwhile */
		r = d.id < 0 ? -ENOENT : read_facts(v, g, dom, &d);
	} else {
		r = virt_failed(v, NULL, "looking for a guest");
	}
	if (r == 0)
		tell_guest(v, g, &d);
	else if (r == -ENOENT)
		drop(v, g);
	else if (r != -ENOTCONN) /* else the resync asks again */
		take_failure(g, &d, r);
}

/* ---- when ----------------------------------------------------------------------- */

/* What has just started first: it waits to be placed. */
static struct virt_guest *next_dirty(struct virt *v)
{
	struct virt_guest *found = NULL;

	for (size_t i = 0; i < v->nguests; i++) {
		struct virt_guest *g = &v->guest[i];

		if (!g->used || !g->dirty)
			continue;
		if (g->started)
			return g;
		if (!found)
			found = g;
	}
	return found;
}

static void watch_busy(struct virt *v)
{
	for (size_t i = 0; i < v->nguests; i++) {
		if (v->guest[i].used && v->guest[i].again) {
			if (!evtimer_pending(v->again_event, NULL))
				virt_after(v->again_event, AGAIN_S);
			return;
		}
	}
}

static void finish_round(struct virt *v)
{
	const struct virt_news news = { .kind = VIRT_RESYNC_DONE };

	virt_keepalive(v);
	watch_busy(v);
	if (v->resyncing)
		virt_tell(v, &news);
	v->resyncing = false;
}

void virt_refresh_callback(evutil_socket_t fd, short what, void *arg)
{
	struct virt *v = arg;
	struct virt_guest *g;

	(void)fd;
	(void)what;
	if (!v->connection || v->lost)
		return;
	virt_work_begins(v);
	g = next_dirty(v);
	if (g) {
		refresh(v, g);
		virt_after(v->refresh_event, 0);
	} else {
		finish_round(v);
	}
	virt_work_ends(v);
}

void virt_again_callback(evutil_socket_t fd, short what, void *arg)
{
	struct virt *v = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < v->nguests; i++)
		if (v->guest[i].used && v->guest[i].again)
			virt_guest_touch(v, &v->guest[i]);
}

static void mark_listed(struct virt *v, virDomainPtr dom)
{
	struct uuid uuid;
	struct virt_guest *g = virDomainGetUUID(dom, uuid.byte) == 0 ? virt_guest_put(v, &uuid) : NULL;

	if (!g)
		return;
	g->listed = true;
	virt_guest_touch(v, g);
}

int virt_guests_resync(struct virt *v)
{
	virDomainPtr *list = NULL;
	int n = virConnectListAllDomains(v->connection, &list, VIR_CONNECT_LIST_DOMAINS_ACTIVE);

	if (n < 0)
		return virt_failed(v, NULL, "list of guests");
	for (size_t i = 0; i < v->nguests; i++)
		v->guest[i].listed = false;
	for (int i = 0; i < n; i++) {
		mark_listed(v, list[i]);
		virt_free_domain(&list[i]);
	}
	free(list);
	for (size_t i = 0; i < v->nguests; i++)
		if (v->guest[i].used && !v->guest[i].listed)
			drop(v, &v->guest[i]);
	v->resyncing = true;
	virt_after(v->refresh_event, 0); /* even of no guest the end is told */
	return 0;
}
