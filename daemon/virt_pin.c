/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does libvirt pin a thread, and how are pins of an earlier life lifted? */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "pin_mark.h"
#include "str.h"
#include "virt_thread.h"
#include "virt_xml.h"

enum { MAP_BYTES = KT_CPUS_MAX / 8 };

static int pin(virDomainPtr dom, const struct virt_request *request)
{
	unsigned char map[MAP_BYTES] = { 0 };
	int length = 0; /* up to the highest CPU: some kernels refuse a map beyond theirs */

	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX; cpu++) {
		if (cpumask_test(&request->pin.cpus, cpu)) {
			map[cpu / 8] = (unsigned char)(map[cpu / 8] | 1U << cpu % 8);
			length = (int)VIR_CPU_MAPLEN(cpu + 1);
		}
	}
	switch (request->pin.role) {
	case THREAD_VCPU:
		return virDomainPinVcpuFlags(dom, request->pin.number, map, length,
					     VIR_DOMAIN_AFFECT_LIVE);
	case THREAD_IOTHREAD:
		return virDomainPinIOThread(dom, request->pin.number, map, length,
					    VIR_DOMAIN_AFFECT_LIVE);
	case THREAD_EMULATOR:
		return virDomainPinEmulator(dom, map, length, VIR_DOMAIN_AFFECT_LIVE);
	case THREAD_VHOST: /* goes with the cgroup of the emulator */
		break;
	}
	return -1;
}

static struct cpumask from_map(const unsigned char *map, size_t length)
{
	struct cpumask cpus = { 0 };

	for (unsigned int cpu = 0; cpu < KT_CPUS_MAX && cpu / 8 < length; cpu++)
		if (VIR_CPU_USED(map, cpu))
			cpumask_set(&cpus, cpu);
	return cpus;
}

static int read_vcpu_pin(virDomainPtr dom, unsigned int number, struct cpumask *ret)
{
	KT_AUTOFREE unsigned char *maps = calloc(number + 1, MAP_BYTES);
	int n;

	if (!maps)
		return -1;
	n = virDomainGetVcpuPinInfo(dom, (int)number + 1, maps, MAP_BYTES, VIR_DOMAIN_AFFECT_LIVE);
	if (n <= (int)number)
		return -1;
	*ret = from_map(maps + (size_t)number * MAP_BYTES, MAP_BYTES);
	return 0;
}

static int read_emulator_pin(virDomainPtr dom, struct cpumask *ret)
{
	unsigned char map[MAP_BYTES] = { 0 };

	if (virDomainGetEmulatorPinInfo(dom, map, MAP_BYTES, VIR_DOMAIN_AFFECT_LIVE) < 0)
		return -1;
	*ret = from_map(map, MAP_BYTES);
	return 0;
}

static int read_iothread_pin(virDomainPtr dom, unsigned int number, struct cpumask *ret)
{
	virDomainIOThreadInfoPtr *list = NULL;
	int n = virDomainGetIOThreadInfo(dom, &list, VIR_DOMAIN_AFFECT_LIVE), r = -1;

	/* The number is libvirtd's word; the list ends with NULL. */
	for (int i = 0; i < n && list && list[i]; i++) {
		const virDomainIOThreadInfo *info = list[i];

		if (info->iothread_id == number && info->cpumap && info->cpumaplen > 0) {
			*ret = from_map(info->cpumap, (size_t)info->cpumaplen);
			r = 0;
		}
		virDomainIOThreadInfoFree(list[i]);
	}
	free(list);
	return r;
}

static int read_pin(virDomainPtr dom, const struct virt_request *request, struct cpumask *ret)
{
	switch (request->pin.role) {
	case THREAD_VCPU:
		return read_vcpu_pin(dom, request->pin.number, ret);
	case THREAD_IOTHREAD:
		return read_iothread_pin(dom, request->pin.number, ret);
	case THREAD_EMULATOR:
		return read_emulator_pin(dom, ret);
	case THREAD_VHOST:
		break;
	}
	return -1;
}

/* Right before the call, for libvirt cannot compare and set.  Who pins the thread in the
 * middle of it is not seen.  A thread that has gone may have a successor by its number, of which
 * nothing is on file. */
static bool is_another(const struct pin_order *order)
{
	struct cpumask now;
	int r;

	if (cpumask_empty(&order->seen))
		return false;
	r = thread_get_cpus(order->tid, &now);
	if (r < 0)
		return r == -ESRCH;
	return !cpumask_equal(&now, &order->seen) && !cpumask_equal(&now, &order->cpus);
}

/* When the link breaks the pin may have been made: then it counts as ours.  What was made and
 * cannot be read back is believed: the threads' masks will tell. */
static int pin_and_read(struct virt *v, struct virt_guest *g, virDomainPtr dom,
			const struct virt_request *request, struct cpumask *ret)
{
	struct virt_echo *echo;
	int r;

	if (is_another(&request->pin))
		return -EAGAIN;
	echo = virt_echo_expect(v, request);
	if (pin(dom, request) < 0) {
		r = virt_failed(v, dom, "pinning");
		g->own_pins = g->own_pins || r == -ENOTCONN;
		echo->field[0] = '\0';
		return r;
	}
	g->own_pins = true;
	if (read_pin(dom, request, ret) == 0 && !cpumask_empty(ret))
		return 0;
	*ret = request->pin.cpus;
	return virt_failed(v, dom, "reading a pin back") == -ENOTCONN ? -ENOTCONN : 0;
}

/* ---- the mark ----------------------------------------------------------------------- */

struct pin_state {
	struct pin_marks marks, pins;
};

static void free_state(struct pin_state *s)
{
	pin_marks_free(&s->marks);
	pin_marks_free(&s->pins);
}

#define AUTO_STATE __attribute__((cleanup(free_state)))

static int read_state(struct virt *v, virDomainPtr dom, struct pin_state *ret)
{
	XML_AUTO_DOCUMENT xmlDocPtr document = NULL;
	KT_AUTOFREE char *xml = virDomainGetXMLDesc(dom, 0);
	const xmlNode *root;
	int r;

	if (!xml)
		return virt_failed(v, dom, "XML of a guest");
	r = xml_read_domain(xml, strlen(xml), &document);
	if (r < 0)
		return r;
	root = xmlDocGetRootElement(document);
	r = pin_marks_read(root, &ret->marks);
	if (r != -ENOMEM)
		r = pin_marks_read_pins(root, &ret->pins);
	return xml_lacked_memory() ? -ENOMEM : r;
}

/* What is not in force any more would make somebody's pin ours, once it is the same. */
static int keep_in_force(const struct pin_state *s, struct pin_marks *ret)
{
	int r = 0;

	for (size_t i = 0; i < s->marks.n && r == 0; i++) {
		const struct pin_mark *m = &s->marks.mark[i];

		if (pin_marks_of(&s->pins, m) &&
		    !(m->was_pinned && cpumask_equal(&m->was, &m->cpus)))
			r = pin_marks_add(ret, m);
	}
	return r;
}

static int mark_asked(const struct pin_state *s, const struct virt_request *request,
		      struct pin_marks *ret)
{
	struct pin_mark asked = { .role = request->pin.role,
				  .number = request->pin.number,
				  .cpus = request->pin.cpus };
	const struct pin_mark *now =
		pin_marks_of_thread(&s->pins, request->pin.role, request->pin.number);
	const struct pin_mark *ours = now ? pin_marks_of(&s->marks, now) : NULL;

	if (pin_marks_of(ret, &asked))
		return 0;
	if (ours) {
		asked.was_pinned = ours->was_pinned;
		asked.was = ours->was;
	} else if (now) {
		asked.was_pinned = true;
		asked.was = now->cpus;
	}
	return pin_marks_add(ret, &asked);
}

static int write_marks(struct virt *v, virDomainPtr dom, const struct pin_marks *before,
		       const struct pin_marks *m)
{
	KT_AUTOFREE char *old = pin_marks_text(before);
	KT_AUTOFREE char *text = pin_marks_text(m);

	if (!old || !text)
		return -ENOMEM;
	if (strcmp(old, text) == 0)
		return 0;
	if (virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, m->n ? text : NULL,
				 PIN_MARK_PREFIX, PIN_MARK_NAMESPACE, VIR_DOMAIN_AFFECT_LIVE) < 0)
		return virt_failed(v, dom, "marking pins");
	return 0;
}

/* ---- all that is asked for at once is marked at once ----------------------------------- */

struct waiting {
	const struct pin_state *state; /* NULL: only whether there are any */
	const struct uuid *uuid;
	struct pin_marks *marks;
	size_t n;
	int error;
};

static void see_waiting(void *context, const void *item)
{
	const struct virt_request *request = item;
	struct waiting *w = context;

	if (request->kind != VIRT_REQUEST_PIN || !uuid_equal(&request->uuid, w->uuid))
		return;
	w->n++;
	if (w->state && w->error == 0)
		w->error = mark_asked(w->state, request, w->marks);
}

/* What follows takes their marks away, which nobody may have read yet. */
static void note_replaced(struct virt *v, struct virt_guest *g, const struct pin_state *s)
{
	for (size_t i = 0; i < s->pins.n && !g->foreign_pins; i++) {
		g->foreign_pins = pin_marks_replaced(&s->marks, &s->pins.mark[i]);
		if (g->foreign_pins)
			virt_guest_touch(v, g);
	}
}

static int mark_before(struct virt *v, struct virt_guest *g, virDomainPtr dom,
		       const struct virt_request *request)
{
	AUTO_STATE struct pin_state s = { 0 };
	PIN_MARKS_AUTO struct pin_marks marks = { 0 };
	struct waiting w = { .state = &s, .uuid = &request->uuid, .marks = &marks };
	int r;

	r = read_state(v, dom, &s);
	note_replaced(v, g, &s);
	if (r == 0)
		r = keep_in_force(&s, &marks);
	if (r == 0)
		r = mark_asked(&s, request, &marks);
	if (r < 0)
		return r;
	virt_queue_each(&v->requests, see_waiting, &w);
	return w.error < 0 ? w.error : write_marks(v, dom, &s.marks, &marks);
}

/* What stays although it should go is without meaning, and the next pin takes it away. */
static void mark_after(struct virt *v, virDomainPtr dom, const struct virt_request *request)
{
	AUTO_STATE struct pin_state s = { 0 };
	PIN_MARKS_AUTO struct pin_marks marks = { 0 };
	struct waiting w = { .uuid = &request->uuid };

	virt_queue_each(&v->requests, see_waiting, &w);
	if (w.n == 0 && read_state(v, dom, &s) == 0 && keep_in_force(&s, &marks) == 0)
		(void)write_marks(v, dom, &s.marks, &marks);
}

int virt_pin_perform(struct virt *v, struct virt_guest *g, virDomainPtr dom,
		     const struct virt_request *request, struct cpumask *ret)
{
	int r = mark_before(v, g, dom, request);

	if (r < 0)
		return r;
	r = pin_and_read(v, g, dom, request, ret);
	if (r != -ENOTCONN)
		mark_after(v, dom, request);
	return r;
}

/* ---- pins that nobody here remembers ---------------------------------------------------- */

static void say_lifted(const struct domain *d, const struct cpumask *cpus, size_t n)
{
	char name[4 * KT_NAME_MAX], to[KT_CPULIST_MAX];

	str_escape(d->name, name, sizeof name);
	log_emitf((struct log_event){ .level = LOG_LEVEL_NOTICE,
				      .id = LOG_RESTORED,
				      .guest = name,
				      .uuid = &d->uuid,
				      .actuator = "placement",
				      .action = "restore",
				      .to = cpumask_str(cpus, to, sizeof to) },
		  "%s: %zu threads have their own CPUs back, %.100s: they were pinned by an "
		  "earlier kvmtuned, or on another host",
		  name, n, to);
}

/* libvirt pins threads that QEMU starts for itself only where they have a cgroup. */
static void tell_lifted(struct virt *v, const struct uuid *uuid, const struct pin_mark *p)
{
	const struct virt_news news = { .kind = VIRT_LIFTED,
					.reply = { .uuid = *uuid, .cpus = p->cpus } };

	if (p->role == THREAD_EMULATOR)
		virt_tell(v, &news);
}

int virt_pins_lift(struct virt *v, struct virt_guest *g, virDomainPtr dom, const struct domain *d)
{
	AUTO_STATE struct pin_state s = { 0 };
	const struct cpumask *all = d->has_cpuset ? &d->cpuset : &v->host_cpus;
	struct cpumask ignored;
	size_t n = 0;
	int r = read_state(v, dom, &s);

	for (size_t i = 0; i < s.pins.n && r == 0; i++) {
		const struct pin_mark *p = &s.pins.mark[i];
		const struct virt_request request = {
			.kind = VIRT_REQUEST_PIN,
			.uuid = d->uuid,
			.pin = { .role = p->role, .number = p->number, .cpus = *all }
		};

		if (!pin_marks_of(&s.marks, p) || cpumask_equal(&p->cpus, all))
			continue;
		r = virt_pin_perform(v, g, dom, &request, &ignored);
		n += r == 0;
		if (r == 0)
			tell_lifted(v, &d->uuid, p);
	}
	if (n > 0)
		say_lifted(d, all, n);
	return r;
}
