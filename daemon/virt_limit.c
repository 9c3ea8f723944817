/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a soft limit set, so that whoever finds it later knows whose it is?
 *
 * A mark in the guest's live metadata says what we set and what there was before:
 *
 *	<kvmtuned-limit:limit soft_limit_kib="1048576" original_kib="unlimited"/>
 *
 * It is written before the limit and removed after it, and goes along when the guest is
 * saved or migrated.  One that says something else than what is in force means nothing, so
 * that no order of crashes makes a limit of somebody else's ours. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "str.h"
#include "virt_thread.h"

static uint64_t known_kib(uint64_t kib)
{
	return kib < VIRT_BEYOND_ANY_KIB ? kib : KT_UNLIMITED_KIB;
}

/* The kernel keeps whole pages: what is asked for is what is read back, and what is marked. */
static uint64_t whole_pages_kib(uint64_t kib)
{
	uint64_t page_kib = (uint64_t)sysconf(_SC_PAGESIZE) / 1024;

	return kib < VIRT_BEYOND_ANY_KIB && kib > page_kib ? kib / page_kib * page_kib : kib;
}

static int set(virDomainPtr dom, uint64_t kib)
{
	virTypedParameter limit = {
		.field = VIR_DOMAIN_MEMORY_SOFT_LIMIT,
		.type = VIR_TYPED_PARAM_ULLONG,
		.value.ul = KT_MIN(kib, (uint64_t)VIR_DOMAIN_MEMORY_PARAM_UNLIMITED),
	};

	return virDomainSetMemoryParameters(dom, &limit, 1, VIR_DOMAIN_AFFECT_LIVE);
}

/* ---- the mark ----------------------------------------------------------------------- */

/* NULL removes it. */
static int write_mark(struct virt *v, virDomainPtr dom, const char *element)
{
	if (virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, element, "kvmtuned-limit",
				 VIRT_MARK_NAMESPACE, VIR_DOMAIN_AFFECT_LIVE) < 0)
		return virt_failed(v, dom, "marking a soft limit");
	return 0;
}

static int mark(struct virt *v, virDomainPtr dom, uint64_t kib, uint64_t original_kib)
{
	char original[32] = "unlimited", element[128];

	if (original_kib != KT_UNLIMITED_KIB)
		(void)snprintf(original, sizeof original, "%" PRIu64, original_kib);
	(void)snprintf(element, sizeof element,
		       "<limit soft_limit_kib=\"%" PRIu64 "\" original_kib=\"%s\"/>", kib,
		       original);
	return write_mark(v, dom, element);
}

/* What is left over means nothing, and the next limit writes over it. */
static void unmark(struct virt *v, virDomainPtr dom)
{
	(void)write_mark(v, dom, NULL);
}

/* ---- requests ----------------------------------------------------------------------- */

struct change {
	virDomainPtr dom;
	uint64_t wanted_kib, original_kib; /* KT_UNLIMITED_KIB: none */
	uint64_t expected_kib[2];
	bool limits; /* else the original is given back */
};

static struct change change_of(virDomainPtr dom, const struct limit_order *order)
{
	struct change c = { .dom = dom,
			    .wanted_kib = whole_pages_kib(known_kib(order->kib)),
			    .original_kib = known_kib(order->original_kib) };

	for (size_t i = 0; i < KT_ARRAY_LEN(c.expected_kib); i++)
		c.expected_kib[i] = whole_pages_kib(known_kib(order->expected_kib[i]));
	c.limits = c.wanted_kib != c.original_kib;
	return c;
}

/* libvirt sends no event for memtune: somebody else's limit may be there, and nobody knows it
 * yet.  What was read back here is younger than what the asker knows; what was found when it was
 * read first may be that somebody's. */
static bool is_foreign(const struct virt_guest *g, const struct change *c, uint64_t found_kib)
{
	if (found_kib == c->wanted_kib)
		return false;
	if (g->own_soft_limit && g->own_soft_limit_kib != 0 && !g->taken_over)
		return found_kib != g->own_soft_limit_kib;
	return found_kib != c->expected_kib[0] && found_kib != c->expected_kib[1];
}

/* 0; -ESTALE: it is somebody else's; -errno: it cannot be read. */
static int look(struct virt *v, const struct virt_guest *g, const struct change *c,
		uint64_t *ret_kib)
{
	uint64_t hard_kib;
	int r = virt_read_limits(v, c->dom, ret_kib, &hard_kib);

	return r == 0 && is_foreign(g, c, *ret_kib) ? -ESTALE : r;
}

/* Its value is not known before it is read back. */
static void note_set(struct virt_guest *g, const struct change *c)
{
	g->own_soft_limit = c->limits;
	g->own_soft_limit_kib = 0;
	g->taken_over = false;
}

/* It was not set: the mark is to say again what is in force. */
static void mark_again(struct virt *v, const struct virt_guest *g, const struct change *c,
		       uint64_t found_kib)
{
	if (g->own_soft_limit && found_kib != KT_UNLIMITED_KIB)
		(void)mark(v, c->dom, found_kib, c->original_kib);
	else
		unmark(v, c->dom);
}

/* libvirt may have set it and failed later: what is in force says.  0: it was set.  When the
 * link is broken nobody knows: then it counts as ours. */
static int look_after_failure(struct virt *v, struct virt_guest *g, const struct change *c,
			      int error)
{
	uint64_t soft_kib, hard_kib;

	virt_guest_touch(v, g);
	if (error == -ENOTCONN || virt_read_limits(v, c->dom, &soft_kib, &hard_kib) < 0) {
		if (c->limits)
			note_set(g, c);
		return error;
	}
	if (soft_kib == c->wanted_kib)
		return 0;
	if (c->limits)
		mark_again(v, g, c, soft_kib);
	return error;
}

static int set_marked(struct virt *v, struct virt_guest *g, const struct change *c)
{
	int r = 0;

	if (set(c->dom, c->wanted_kib) < 0)
		r = look_after_failure(v, g, c, virt_failed(v, c->dom, "setting a soft limit"));
	if (r < 0)
		return r;
	note_set(g, c);
	if (!c->limits)
		unmark(v, c->dom);
	return 0;
}

/* libvirt cannot compare and set.  Marking takes a while, so what is there is looked at once
 * more: what somebody sets between that and the next call is written over. */
static int mark_and_look(struct virt *v, struct virt_guest *g, const struct change *c,
			 uint64_t *found_kib)
{
	uint64_t before_kib = *found_kib;
	int r = mark(v, c->dom, c->wanted_kib, c->original_kib);

	if (r < 0)
		return r;
	r = look(v, g, c, found_kib);
	if (r == -ESTALE)
		unmark(v, c->dom);
	else if (r < 0 && r != -ENOTCONN)
		mark_again(v, g, c, before_kib);
	return r;
}

int virt_limit_perform(struct virt *v, struct virt_guest *g, virDomainPtr dom,
		       const struct virt_request *request, struct vm_reply *reply)
{
	const struct change c = change_of(dom, &request->limit);
	uint64_t hard_kib;
	int r = look(v, g, &c, &reply->soft_limit_kib);

	if (r == -ESTALE && g->own_soft_limit)
		unmark(v, dom);
	if (r == 0 && c.limits)
		r = mark_and_look(v, g, &c, &reply->soft_limit_kib);
	if (r == -ESTALE) {
		virt_guest_touch(v, g);
		return 0;
	}
	if (r == 0)
		r = set_marked(v, g, &c);
	if (r == 0)
		r = virt_read_limits(v, dom, &reply->soft_limit_kib, &hard_kib);
	if (r < 0)
		return r;
	g->own_soft_limit_kib = reply->soft_limit_kib;
	virt_guest_touch(v, g);
	return 0;
}
