/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a request of the main thread carried out, and what did libvirt make of it?
 *
 * Everything is live only; nothing is ever written to persistent XML. */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "str.h"
#include "virt_thread.h"

enum {
	/* A guest that kept a call waiting for t is left alone for ten times t, so that one
	 * stuck guest (30 s per call) takes at most a tenth of this thread. */
	REST_FACTOR = 10,
	REST_MAX_S = 300, /* whatever the clock did meanwhile */
	/* Older figures are those of a driver that is asked no more (no <stats period=>). */
	BALLOON_FRESH_S = 60,
};

/* ---- statistics ----------------------------------------------------------------------- */

/* Those of the future are of a wall clock that was put back: nobody knows how old they are. */
static bool is_fresh(uint64_t updated_s, uint64_t wall_s)
{
	uint64_t age_s = updated_s > wall_s ? updated_s - wall_s : wall_s - updated_s;

	return age_s <= BALLOON_FRESH_S;
}

static void tell_balloon(struct virt *v, const virDomainStatsRecord *record, uint64_t wall_s)
{
	struct virt_news news = { .kind = VIRT_STATISTICS };
	unsigned long long usable_kib = 0, updated_s = 0;

	if (virDomainGetUUID(record->dom, news.uuid.byte) < 0)
		return;
	if (virTypedParamsGetULLong(record->params, record->nparams, "balloon.usable",
				    &usable_kib) == 1 &&
	    virTypedParamsGetULLong(record->params, record->nparams, "balloon.last-update",
				    &updated_s) == 1 &&
	    is_fresh(updated_s, wall_s)) {
		news.has_balloon = true;
		news.balloon_usable_kib = usable_kib;
	}
	virt_tell(v, &news);
}

static int perform_statistics(struct virt *v)
{
	virDomainStatsRecordPtr *records = NULL;
	struct timespec wall;
	int n;

	n = virConnectGetAllDomainStats(v->connection, VIR_DOMAIN_STATS_BALLOON, &records,
					VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE |
						VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
	if (n < 0)
		return virt_failed(v, NULL, "statistics");
	(void)clock_gettime(CLOCK_REALTIME, &wall); /* last-update is wall time; cannot fail */
	for (int i = 0; i < n && records && records[i]; i++) /* NULL ends it, whatever n is */
		tell_balloon(v, records[i], (uint64_t)wall.tv_sec);
	if (records)
		virDomainStatsRecordListFree(records);
	return 0;
}

/* ---- requests ------------------------------------------------------------------------- */

/* 0: it may be asked now. */
static int may_ask(const struct virt *v, const struct virt_request *request, uint64_t now_ns)
{
	if (!v->connection || v->lost)
		return -ENOTCONN;
	return now_ns > request->deadline_ns ? -ETIMEDOUT : 0;
}

static int perform_on_guest(struct virt *v, const struct virt_request *request,
			    struct vm_reply *reply, uint64_t now_ns)
{
	VIRT_AUTODOMAIN virDomainPtr dom = NULL;
	struct virt_guest *g = virt_guest_find(v, &request->uuid);
	int r = may_ask(v, request, now_ns);

	if (r < 0)
		return r;
	if (request->link != atomic_load(&v->link))
		return -ENOTCONN;
	if (!g || !g->announced)
		return -ENOENT;
	if (g->told.busy || now_ns < g->rest_until_ns)
		return -EBUSY;
	dom = virDomainLookupByUUID(v->connection, request->uuid.byte);
	if (!dom)
		return virt_failed(v, NULL, "looking for a guest");
	if ((int)virDomainGetID(dom) != g->told.id) /* started anew, which is told presently */
		return -ENOENT;
	r = request->kind == VIRT_REQUEST_PIN ? virt_pin_perform(v, g, dom, request, &reply->cpus)
					      : virt_limit_perform(v, g, dom, request, reply);
	if (r == -EBUSY) {
		uint64_t end_ns = now_monotonic_ns();

		g->rest_until_ns =
			end_ns + KT_MIN(REST_FACTOR * (end_ns - now_ns), REST_MAX_S * KT_NS_PER_S);
	}
	return r;
}

static void answer(struct virt *v, const struct virt_request *request, uint64_t now_ns)
{
	struct virt_news news = { .kind = VIRT_REPLY, .uuid = request->uuid };

	news.reply = (struct vm_reply){
		.uuid = request->uuid,
		.is_pin = request->kind == VIRT_REQUEST_PIN,
		.role = request->pin.role,
		.number = request->pin.number,
	};
	news.reply.error = perform_on_guest(v, request, &news.reply, now_ns);
	virt_tell(v, &news);
}

/* Without a link the guest may be one that the next resync will find. */
static void note(struct virt *v, const struct virt_request *request)
{
	struct virt_guest *g = virt_guest_put(v, &request->uuid);

	if (!g)
		return;
	if (request->kind == VIRT_REQUEST_SEEK) {
		g->sought = true;
	} else if (request->kind == VIRT_REQUEST_LIFT_PINS) {
		g->lift_pins = true;
	} else if (request->kind == VIRT_REQUEST_OWN_PINS) {
		g->own_pins = true;
		g->foreign_pins = false;
	} else {
		g->own_soft_limit = true;
		g->own_soft_limit_kib = 0;
		g->taken_over = true;
	}
	virt_guest_touch(v, g);
}

void virt_perform(struct virt *v, const struct virt_request *request)
{
	uint64_t now_ns = now_monotonic_ns();
	struct virt_guest *g;

	switch (request->kind) {
	case VIRT_REQUEST_PIN:
	case VIRT_REQUEST_SOFT_LIMIT:
		answer(v, request, now_ns);
		break;
	case VIRT_REQUEST_STATISTICS:
		if (may_ask(v, request, now_ns) == 0)
			(void)perform_statistics(v); /* logged; the next tick asks again */
		atomic_store(&v->statistics_asked, false);
		break;
	case VIRT_REQUEST_REFRESH:
		g = virt_guest_find(v, &request->uuid);
		if (g)
			virt_guest_touch(v, g);
		break;
	case VIRT_REQUEST_DISOWN:
		g = virt_guest_find(v, &request->uuid);
		if (g) {
			virt_guest_renew(g);
			virt_guest_touch(v, g);
		}
		break;
	case VIRT_REQUEST_OWN_PINS:
	case VIRT_REQUEST_LIFT_PINS:
	case VIRT_REQUEST_SEEK:
	case VIRT_REQUEST_OWN_SOFT_LIMIT:
		note(v, request);
		break;
	}
}
