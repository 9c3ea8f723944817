/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a guest's XML say that a tuner must respect? */
#include "virt_domain.h"

#include <errno.h>
#include <string.h>

#include "pin_mark.h"
#include "str.h"
#include "virt_audit.h"
#include "virt_metadata.h"
#include "virt_place.h"
#include "virt_xml.h"

/* libvirt prints lists in the kernel's format, whatever the admin wrote. */
static bool read_cpus(const xmlNode *n, struct cpumask *ret, struct domain_xml *x)
{
	XML_AUTO_TEXT xmlChar *value = xml_attribute(n, "cpuset");

	if (value && cpumask_parse((const char *)value, ret) == 0 && !cpumask_empty(ret))
		return true;
	x->unreadable_cpus = true;
	return false;
}

/* The text is how many there may ever be; those that are plugged are another number. */
static void read_vcpu(const xmlNode *n, struct domain_xml *x)
{
	XML_AUTO_TEXT xmlChar *text = xmlNodeGetContent(n);

	if (xml_attribute_is(n, "placement", "auto"))
		x->placement_auto = true;
	if (xml_has_attribute(n, "cpuset"))
		x->has_cpuset = read_cpus(n, &x->cpuset, x);
	if (!text || str_u64((const char *)text, &x->max_vcpus) < 0)
		x->max_vcpus = 0;
}

static void narrow(const struct cpumask *cpus, bool *has, struct cpumask *all)
{
	*all = *has ? cpumask_and(all, cpus) : *cpus;
	*has = true;
}

static void read_pin(const xmlNode *n, const struct pin_marks *marks, struct domain_xml *x)
{
	struct cpumask cpus = { 0 };
	struct pin_mark pin;

	bool is_read;

	if (!read_cpus(n, &cpus, x))
		return;
	narrow(&cpus, &x->has_pins, &x->pinned);
	is_read = pin_read(n, &pin);
	if (is_read && pin_marks_of(marks, &pin))
		narrow(&cpus, &x->has_marked_pins, &x->marked);
	else
		narrow(&cpus, &x->has_unmarked_pins, &x->unmarked);
	x->has_replaced_pins = x->has_replaced_pins || (is_read && pin_marks_replaced(marks, &pin));
}

/* 0 and less are no limit.  That of the emulator or of I/O threads leaves the vCPUs alone. */
static bool is_quota(const xmlNode *n)
{
	XML_AUTO_TEXT xmlChar *text = NULL;
	uint64_t us;

	if (!xml_is_named(n, "quota") && !xml_is_named(n, "global_quota"))
		return false;
	text = xmlNodeGetContent(n);
	return text && str_u64((const char *)text, &us) == 0 && us > 0;
}

static void read_pins(const xmlNode *cputune, const struct pin_marks *marks, struct domain_xml *x)
{
	for (const xmlNode *n = xml_first_child(cputune); n; n = xml_next_element(n->next))
		if (xml_is_named(n, "vcpupin") || xml_is_named(n, "emulatorpin") ||
		    xml_is_named(n, "iothreadpin"))
			read_pin(n, marks, x);
}

static void read_cputune(const xmlNode *parent, struct domain_xml *x)
{
	for (const xmlNode *n = xml_first_child(parent); n; n = xml_next_element(n->next)) {
		if (xml_is_named(n, "cachetune") || xml_is_named(n, "memorytune"))
			x->cache_policy = true;
		else if (xml_is_named(n, "vcpusched") || xml_is_named(n, "iothreadsched") ||
			 xml_is_named(n, "emulatorsched"))
			x->realtime = true;
		else if (is_quota(n))
			x->cpu_quota = true;
	}
}

/* libvirt prints no limit that is unlimited. */
static void read_memtune(const xmlNode *parent, struct domain_xml *x)
{
	for (const xmlNode *n = xml_first_child(parent); n; n = xml_next_element(n->next)) {
		if (xml_is_named(n, "soft_limit"))
			x->has_soft_limit = true;
		else
			x->has_other_limit = true;
	}
}

static void read_memory_backing(const xmlNode *parent, struct domain_xml *x)
{
	for (const xmlNode *n = xml_first_child(parent); n; n = xml_next_element(n->next)) {
		if (xml_is_named(n, "hugepages"))
			x->hugepages = true;
		else if (xml_is_named(n, "locked"))
			x->locked = true;
		else if (xml_is_named(n, "nosharepages"))
			x->nosharepages = true;
		else if (xml_is_named(n, "access") && xml_attribute_is(n, "mode", "shared"))
			x->shared_memory = true;
		else if (xml_is_named(n, "source") && !xml_attribute_is(n, "type", "anonymous"))
			x->shared_memory = true; /* memfd, file */
	}
}

/* NUMA cells of the guest can ask for shared memory one by one. */
static void read_cpu(const xmlNode *parent, struct domain_xml *x)
{
	const xmlNode *numa = xml_find_child(parent, "numa");

	if (!numa)
		return;
	virt_place_read_cells(numa, x);
	for (const xmlNode *n = xml_first_child(numa); n; n = xml_next_element(n->next))
		if (xml_attribute_is(n, "memAccess", "shared"))
			x->shared_memory = true;
}

/* What pins all of the guest's memory for the DMA of a device. */
static bool locks_memory(const xmlNode *n)
{
	if (xml_is_named(n, "hostdev"))
		return xml_attribute_is(n, "type", "pci") || xml_attribute_is(n, "type", "mdev");
	if (xml_is_named(n, "interface"))
		return xml_attribute_is(n, "type", "hostdev") ||
		       xml_attribute_is(n, "type", "vdpa");
	if (xml_is_named(n, "disk"))
		return xml_attribute_is(n, "type", "nvme") ||
		       xml_attribute_is(n, "type", "vhostvdpa");
	return false;
}

static void read_devices(const xmlNode *parent, struct domain_xml *x)
{
	for (const xmlNode *n = xml_first_child(parent); n; n = xml_next_element(n->next)) {
		if (locks_memory(n))
			x->vfio = true;
		if (xml_is_named(n, "memory") && xml_attribute_is(n, "access", "shared"))
			x->shared_memory = true;
		virt_place_read_device(n, x);
	}
}

static void read_launch_security(const xmlNode *n, struct domain_xml *x)
{
	(void)n;
	x->confidential = true;
}

static const struct {
	const char *name;
	void (*read)(const xmlNode *n, struct domain_xml *x);
} elements[] = {
	{ "vcpu", read_vcpu },
	{ "cputune", read_cputune },
	{ "numatune", virt_place_read_numatune },
	{ "memtune", read_memtune },
	{ "memoryBacking", read_memory_backing },
	{ "cpu", read_cpu },
	{ "devices", read_devices },
	{ "launchSecurity", read_launch_security },
	{ "metadata", virt_metadata_read },
};

static int read_domain(const xmlNode *root, struct domain_xml *x)
{
	PIN_MARKS_AUTO struct pin_marks marks = { 0 };
	int r = pin_marks_read(root, &marks);

	if (r == -ENOMEM)
		return r;
	x->emulated = xml_attribute_is(root, "type", "qemu");
	if (r == -EINVAL)
		strcpy(x->complaint, "pins: each needs of, number, cpus and was");
	for (const xmlNode *n = xml_first_child(root); n; n = xml_next_element(n->next)) {
		if (xml_is_named(n, "cputune"))
			read_pins(n, &marks, x);
		for (size_t i = 0; i < KT_ARRAY_LEN(elements); i++)
			if (xml_is_named(n, elements[i].name))
				elements[i].read(n, x);
	}
	return 0;
}

int virt_domain_read(const char *xml, size_t size, const struct cpumask *host_cpus,
		     struct domain_xml *ret)
{
	XML_AUTO_DOCUMENT xmlDocPtr document = NULL;
	struct domain_xml x = { 0 };
	const xmlNode *root;
	int r;

	r = xml_read_domain(xml, size, &document);
	if (r < 0)
		return r;
	root = xmlDocGetRootElement(document);
	r = read_domain(root, &x);
	virt_place_check_cells(&x);
	virt_audit_read(root, host_cpus, &x.audit);
	if (r < 0 || xml_lacked_memory())
		return -ENOMEM;
	*ret = x;
	return 0;
}

/* A live pin cannot be deleted: giving one back means pinning to every CPU, which is
 * what we or numad leave behind.  That pins nothing. */
static bool pins_nothing(const struct domain_xml *x, const struct cpumask *pinned,
			 const struct cpumask *host_cpus)
{
	const struct cpumask *all = x->has_cpuset ? &x->cpuset : host_cpus;
	struct cpumask missing = cpumask_andnot(all, pinned);

	return !cpumask_empty(all) && cpumask_empty(&missing);
}

static bool has_fixed_pins(const struct domain_xml *x)
{
	return x->numa_policy || x->cache_policy || x->unreadable_cpus;
}

/* A mark whose value is not in force is of a limit that somebody has replaced since. */
static bool has_foreign_limit(const struct domain_judge *j, uint64_t soft_limit_kib)
{
	bool marked = j->live->has_limit_mark && j->live->marked_limit_kib == soft_limit_kib;

	return soft_limit_kib != KT_UNLIMITED_KIB && !j->own_soft_limit && !marked;
}

void virt_domain_judge(const struct domain_judge *j, struct domain *guest)
{
	const struct domain_xml *live = j->live, *kept = j->persistent;

	guest->admin_pins = has_fixed_pins(live) ||
			    (live->has_unmarked_pins && !j->own_pins &&
			     !pins_nothing(live, &live->unmarked, &j->host_cpus)) ||
			    (kept && (kept->has_pins || has_fixed_pins(kept)));
	guest->marked_pins =
		live->has_marked_pins && !pins_nothing(live, &live->marked, &j->host_cpus);
	guest->admin_memtune = live->has_other_limit ||
			       has_foreign_limit(j, guest->soft_limit_kib) ||
			       (kept && (kept->has_soft_limit || kept->has_other_limit));
	guest->placement_auto = live->placement_auto;
	guest->realtime = live->realtime;
	guest->cpu_quota = live->cpu_quota;
	guest->emulated = live->emulated;
	guest->has_limit_mark = live->has_limit_mark;
	guest->marked_limit_kib = live->marked_limit_kib;
	guest->marked_original_kib = live->marked_original_kib;
	guest->hugepages = live->hugepages;
	guest->locked = live->locked;
	guest->shared_memory = live->shared_memory;
	guest->nosharepages = live->nosharepages;
	guest->vfio = live->vfio;
	guest->confidential = live->confidential;
	guest->has_cpuset = live->has_cpuset;
	guest->cpuset = live->cpuset;
	guest->has_memory_nodes = live->has_memory_nodes;
	guest->memory_nodes = live->memory_nodes;
	guest->ncells = live->ncells;
	memcpy(guest->cell, live->cell, sizeof guest->cell);
	guest->ndevices = live->ndevices;
	memcpy(guest->device, live->device, sizeof guest->device);
	guest->metadata = live->metadata;
	memcpy(&guest->audit, &live->audit, sizeof guest->audit);
	virt_audit_complete(&guest->audit, kept ? &kept->audit : NULL);
}
