/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of libvirt's events mean that a guest must be read again?
 *
 * Callbacks only take note; what an event says is not trusted to be the last word, the
 * guest itself is asked afterwards, once for any number of events. */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "str.h"
#include "virt_thread.h"

/* NULL: not one of ours (an event of a guest that does not run). */
static struct virt_guest *guest_of(struct virt *v, virDomainPtr dom, bool may_be_new)
{
	struct uuid uuid;

	if (virDomainGetUUID(dom, uuid.byte) < 0)
		return NULL;
	return may_be_new ? virt_guest_put(v, &uuid) : virt_guest_find(v, &uuid);
}

static void touch(struct virt *v, virDomainPtr dom)
{
	struct virt_guest *g = guest_of(v, dom, false);

	if (g)
		virt_guest_touch(v, g);
}

static enum virt_gone gone_of(int event, int detail)
{
	if (event == VIR_DOMAIN_EVENT_CRASHED || detail == VIR_DOMAIN_EVENT_STOPPED_CRASHED ||
	    detail == VIR_DOMAIN_EVENT_STOPPED_FAILED)
		return VIRT_GONE_CRASHED;
	return detail == VIR_DOMAIN_EVENT_STOPPED_MIGRATED ? VIRT_GONE_MIGRATED : VIRT_GONE_STOPPED;
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr dom, int event, int detail, void *v)
{
	bool started = event == VIR_DOMAIN_EVENT_STARTED || event == VIR_DOMAIN_EVENT_RESUMED;
	struct virt_guest *g = guest_of(v, dom, started);

	(void)connection;
	if (!g)
		return 0;
	if (started)
		g->started = true;
	if (event == VIR_DOMAIN_EVENT_STOPPED || event == VIR_DOMAIN_EVENT_CRASHED) {
		g->stopped = true;
		g->gone = gone_of(event, detail);
	}
	virt_guest_touch(v, g);
	return 0;
}

static void on_device(virConnectPtr connection, virDomainPtr dom, const char *alias, void *v)
{
	(void)connection;
	(void)alias;
	touch(v, dom);
}

static void on_metadata(virConnectPtr connection, virDomainPtr dom, int type, const char *uri,
			void *v)
{
	(void)connection;
	(void)type;
	(void)uri;
	touch(v, dom);
}

static void on_balloon(virConnectPtr connection, virDomainPtr dom, unsigned long long actual_kib,
		       void *v)
{
	(void)connection;
	(void)actual_kib;
	touch(v, dom);
}

static void on_job_completed(virConnectPtr connection, virDomainPtr dom,
			     virTypedParameterPtr params, int nparams, void *v)
{
	(void)connection;
	(void)params;
	(void)nparams;
	touch(v, dom);
}

static void on_migration_iteration(virConnectPtr connection, virDomainPtr dom, int iteration,
				   void *v)
{
	(void)connection;
	(void)iteration;
	touch(v, dom);
}

static void on_memory_device(virConnectPtr connection, virDomainPtr dom, const char *alias,
			     unsigned long long size_kib, void *v)
{
	(void)connection;
	(void)alias;
	(void)size_kib;
	touch(v, dom);
}

/* ---- pins: ours or somebody else's? -------------------------------------------- */

static void name_field(const struct virt_request *request, char *buf, size_t size)
{
	switch (request->pin.role) {
	case THREAD_VCPU:
		(void)snprintf(buf, size, VIR_DOMAIN_TUNABLE_CPU_VCPUPIN, request->pin.number);
		break;
	case THREAD_IOTHREAD:
		(void)snprintf(buf, size, VIR_DOMAIN_TUNABLE_CPU_IOTHREADSPIN, request->pin.number);
		break;
	case THREAD_EMULATOR:
		(void)snprintf(buf, size, VIR_DOMAIN_TUNABLE_CPU_EMULATORPIN);
		break;
	case THREAD_VHOST:
		buf[0] = '\0';
		break;
	}
}

/* The event of a pin can come after the next pin of the same thread was made, hence a
 * list.  What is never echoed is overwritten in time, and until then can only hide a
 * foreign pin that is the same as ours. */
struct virt_echo *virt_echo_expect(struct virt *v, const struct virt_request *request)
{
	struct virt_echo *e = &v->echo[v->next_echo++ % VIRT_ECHOES_MAX];

	e->uuid = request->uuid;
	e->cpus = request->pin.cpus;
	name_field(request, e->field, sizeof e->field);
	return e;
}

static bool is_echo(struct virt *v, const struct uuid *uuid, const char *field, const char *value)
{
	struct cpumask cpus;

	if (cpumask_parse(value, &cpus) < 0)
		return false;
	for (size_t i = 0; i < VIRT_ECHOES_MAX; i++) {
		struct virt_echo *e = &v->echo[i];

		if (e->field[0] && uuid_equal(&e->uuid, uuid) && strcmp(e->field, field) == 0 &&
		    cpumask_equal(&e->cpus, &cpus)) {
			e->field[0] = '\0';
			return true;
		}
	}
	return false;
}

static bool is_pin(const virTypedParameter *p)
{
	static const char *const prefixes[] = { "cputune.vcpupin", "cputune.emulatorpin",
						"cputune.iothreadpin" };

	if (p->type != VIR_TYPED_PARAM_STRING || !p->value.s)
		return false;
	for (size_t i = 0; i < KT_ARRAY_LEN(prefixes); i++)
		if (strncmp(p->field, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* From now on the pins of this guest are theirs. */
static void tell_foreign_pin(struct virt *v, struct virt_guest *g, const virTypedParameter *p)
{
	struct virt_news news = { .kind = VIRT_TUNABLE, .uuid = g->uuid };
	char text[VIRT_TEXT_MAX];

	g->own_pins = false;
	g->foreign_pins = true;
	(void)snprintf(text, sizeof text, "%s=%s", p->field, p->value.s); /* cut: still a hint */
	str_escape(text, news.text, sizeof news.text);
	if (g->announced)
		virt_tell(v, &news);
}

static void on_tunable(virConnectPtr connection, virDomainPtr dom, virTypedParameterPtr params,
		       int nparams, void *v)
{
	struct virt_guest *g = guest_of(v, dom, false);

	(void)connection;
	for (int i = 0; g && params && i < nparams; i++) {
		if (!is_pin(&params[i]) || is_echo(v, &g->uuid, params[i].field, params[i].value.s))
			continue;
		tell_foreign_pin(v, g, &params[i]);
		virt_guest_touch(v, g);
	}
}

/* ---- subscriptions -------------------------------------------------------------- */

/* Through the one function type that every other may be cast to. */
#define CALLBACK(f) ((void (*)(void))(f))

static const struct {
	int id;
	void (*callback)(void);
} events[] = {
	{ VIR_DOMAIN_EVENT_ID_LIFECYCLE, CALLBACK(on_lifecycle) },
	{ VIR_DOMAIN_EVENT_ID_TUNABLE, CALLBACK(on_tunable) },
	{ VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, CALLBACK(on_metadata) },
	{ VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, CALLBACK(on_device) },
	{ VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, CALLBACK(on_device) },
	{ VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, CALLBACK(on_balloon) },
	{ VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, CALLBACK(on_job_completed) },
	{ VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, CALLBACK(on_migration_iteration) },
	{ VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE, CALLBACK(on_memory_device) },
};
_Static_assert(KT_ARRAY_LEN(events) <= VIRT_EVENTS_MAX, "each needs a place for its number");

int virt_subscribe(struct virt *v)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(events); i++) {
		int id = virConnectDomainEventRegisterAny(
			v->connection, NULL, events[i].id,
			(virConnectDomainEventGenericCallback)events[i].callback, v, NULL);

		v->subscription[i] = id;
		if (id < 0 && events[i].id == VIR_DOMAIN_EVENT_ID_LIFECYCLE)
			return virt_failed(v, NULL, "lifecycle events");
		if (id < 0) /* an older libvirt; that guest is then read a little later */
			log_debug("libvirt has no event %d", events[i].id);
	}
	return 0;
}

void virt_unsubscribe(struct virt *v)
{
	for (size_t i = 0; i < VIRT_EVENTS_MAX; i++) {
		if (v->subscription[i] >= 0) /* fails over a dead link, and is still undone here */
			(void)virConnectDomainEventDeregisterAny(v->connection, v->subscription[i]);
		v->subscription[i] = -1;
	}
	memset(v->echo, 0, sizeof v->echo); /* their events died with the link */
}
