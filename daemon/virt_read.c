/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does libvirt say of one guest, and what does it mean when it refuses? */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "str.h"
#include "virt_domain.h"
#include "virt_thread.h"

enum {
	LIMITS_MAX = 16, /* what the protocol carries; QEMU has three */
};

/* ---- what went wrong ----------------------------------------------------------- */

static int errno_of(int code, bool active)
{
	switch (code) {
	case VIR_ERR_NO_DOMAIN:
		return -ENOENT;
	case VIR_ERR_NO_MEMORY:
		return -ENOMEM;
	case VIR_ERR_OPERATION_INVALID: /* "not running", or "no such cgroup controller" */
		return active ? -ENOTSUP : -ENOENT;
	case VIR_ERR_NO_SUPPORT:
	case VIR_ERR_CONFIG_UNSUPPORTED:
	case VIR_ERR_OPERATION_UNSUPPORTED:
	case VIR_ERR_ARGUMENT_UNSUPPORTED:
		return -ENOTSUP;
	case VIR_ERR_OPERATION_TIMEOUT:
	case VIR_ERR_RESOURCE_BUSY:
		return -EBUSY;
	case VIR_ERR_OPERATION_DENIED:
	case VIR_ERR_ACCESS_DENIED:
	case VIR_ERR_AUTH_FAILED:
	case VIR_ERR_AUTH_CANCELLED:
	case VIR_ERR_AUTH_UNAVAILABLE:
		return -EACCES;
	default:
		return -EIO;
	}
}

const char *virt_error_text(void)
{
	const char *text = virGetLastErrorMessage();

	return text ? text : "no message";
}

int virt_failed(struct virt *v, virDomainPtr dom, const char *what)
{
	int code = virGetLastErrorCode();
	char text[VIRT_TEXT_MAX];

	/* Now: every further call of libvirt forgets this error. */
	str_escape(virt_error_text(), text, sizeof text);
	log_debug("libvirt: %s: %s (error %d)", what, text, code);
	if (virConnectIsAlive(v->connection) <= 0) {
		virt_link_lost(v, text);
		return -ENOTCONN;
	}
	return errno_of(code,
			code == VIR_ERR_OPERATION_INVALID && dom && virDomainIsActive(dom) == 1);
}

/* ---- state ------------------------------------------------------------------------ */

/* Reasons that say enough.  "Paused (migrating)", saving and the like do not: a guest
 * that was restored without being resumed keeps that reason for ever. */
static bool state_is_busy(int state, int reason)
{
	switch (state) {
	case VIR_DOMAIN_SHUTDOWN:
		return true;
	case VIR_DOMAIN_RUNNING:
		return reason == VIR_DOMAIN_RUNNING_POSTCOPY ||
		       reason == VIR_DOMAIN_RUNNING_POSTCOPY_FAILED;
	case VIR_DOMAIN_PAUSED:
		return reason == VIR_DOMAIN_PAUSED_SHUTTING_DOWN ||
		       reason == VIR_DOMAIN_PAUSED_STARTING_UP ||
		       reason == VIR_DOMAIN_PAUSED_POSTCOPY ||
		       reason == VIR_DOMAIN_PAUSED_POSTCOPY_FAILED;
	default:
		return false;
	}
}

/* Save, restore, migration, snapshot, dump.  Not a backup, which may run for hours and
 * lets others change the guest; and not the start, which is over when its event can be
 * acted on, though its job may still be there. */
static bool has_job(virDomainPtr dom)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, nparams = 0, operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;

	/* The target of a migration refuses to tell of the job; a driver without jobs has
	 * another error. */
	if (virDomainGetJobStats(dom, &type, &params, &nparams, 0) < 0)
		return virGetLastErrorCode() == VIR_ERR_OPERATION_UNSUPPORTED;
	(void)virTypedParamsGetInt(params, nparams, VIR_DOMAIN_JOB_OPERATION, &operation);
	virTypedParamsFree(params, nparams);
	return (type == VIR_DOMAIN_JOB_BOUNDED || type == VIR_DOMAIN_JOB_UNBOUNDED) &&
	       operation != VIR_DOMAIN_JOB_OPERATION_BACKUP &&
	       operation != VIR_DOMAIN_JOB_OPERATION_START;
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

/* ---- limits ----------------------------------------------------------------------- */

static int find_limit(virTypedParameterPtr params, int n, const char *field, uint64_t *ret)
{
	unsigned long long kib;
	int found = virTypedParamsGetULLong(params, n, field, &kib);

	*ret = found == 1 && kib < VIRT_BEYOND_ANY_KIB ? kib : KT_UNLIMITED_KIB;
	return found < 0 ? -EIO : 0; /* of another type */
}

int virt_read_limits(struct virt *v, virDomainPtr dom, uint64_t *ret_soft_kib,
		     uint64_t *ret_hard_kib)
{
	virTypedParameter params[LIMITS_MAX];
	int n = LIMITS_MAX, r;

	memset(params, 0, sizeof params);
	if (virDomainGetMemoryParameters(dom, params, &n, VIR_DOMAIN_AFFECT_LIVE) < 0) {
		r = virt_failed(v, dom, "memory limits");
		if (r != -ENOTSUP)
			return r;
		n = 0; /* session mode, no memory controller */
	}
	if (n < 0 || n > LIMITS_MAX)
		return -EIO;
	r = find_limit(params, n, VIR_DOMAIN_MEMORY_SOFT_LIMIT, ret_soft_kib);
	if (r == 0)
		r = find_limit(params, n, VIR_DOMAIN_MEMORY_HARD_LIMIT, ret_hard_kib);
	virTypedParamsClear(params, n);
	return r;
}

/* ---- all of it ---------------------------------------------------------------------- */

static int read_name(virDomainPtr dom, struct domain *d)
{
	const char *name = virDomainGetName(dom);

	return name ? str_format(d->name, sizeof d->name, "%s", name) : -EINVAL;
}

static int read_xml(struct virt *v, virDomainPtr dom, unsigned int flags, struct domain_xml *ret)
{
	KT_AUTOFREE char *xml = virDomainGetXMLDesc(dom, flags);

	if (!xml)
		return virt_failed(v, dom, "XML of a guest");
	return virt_domain_read(xml, strlen(xml), &v->host_cpus, ret);
}

/* Pins and limits that are kept for the next start are the admin's word. */
static int read_persistent(struct virt *v, virDomainPtr dom, struct domain_xml *xml,
			   const struct domain_xml **ret)
{
	int persistent = virDomainIsPersistent(dom), r;

	if (persistent < 0)
		return virt_failed(v, dom, "persistence of a guest");
	if (!persistent)
		return 0;
	r = read_xml(v, dom, VIR_DOMAIN_XML_INACTIVE, xml);
	if (r == 0)
		*ret = xml;
	return r;
}

/* Somebody set another soft limit than we did: it is theirs.  Of an earlier life's nobody
 * knows what it was: it is what is found first. */
static bool owns_soft_limit(struct virt_guest *g, const struct domain *d)
{
	if (g->own_soft_limit && g->own_soft_limit_kib == 0)
		g->own_soft_limit_kib = d->soft_limit_kib;
	if (g->own_soft_limit_kib != d->soft_limit_kib)
		g->own_soft_limit = false;
	if (!g->own_soft_limit)
		g->own_soft_limit_kib = 0;
	return g->own_soft_limit;
}

int virt_read_guest(struct virt *v, struct virt_guest *g, virDomainPtr dom, struct domain *d,
		    struct domain_xml *ret_live)
{
	struct domain_xml live, persistent;
	struct domain_judge judge = { .live = &live };
	int r;

	if (cpumask_empty(&v->host_cpus)) /* the call has failed; what it tells is needed here */
		virt_read_host_cpus(v);
	r = read_name(dom, d);
	if (r == 0)
		r = read_state(v, dom, d);
	if (r == 0)
		r = virt_read_limits(v, dom, &d->soft_limit_kib, &d->hard_limit_kib);
	if (r == 0)
		r = read_xml(v, dom, 0, &live);
	if (r == 0)
		r = read_persistent(v, dom, &persistent, &judge.persistent);
	if (r < 0)
		return r;
	g->foreign_pins = g->foreign_pins || live.has_replaced_pins;
	judge.host_cpus = v->host_cpus;
	judge.own_pins = g->own_pins && !g->foreign_pins;
	judge.own_soft_limit = owns_soft_limit(g, d);
	virt_domain_judge(&judge, d);
	*ret_live = live;
	return 0;
}
