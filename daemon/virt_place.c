/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On which nodes may a guest be, which cells is it made of, and which devices of the host
 * does it use? */
#include "virt_place.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "nodemask.h"
#include "str.h"
#include "virt_xml.h"

/* ---- nodes --------------------------------------------------------------------------- */

/* The same list format, and the same limit as for bits. */
bool virt_place_read_nodeset(const xmlNode *n, uint64_t *ret)
{
	XML_AUTO_TEXT xmlChar *text = xml_attribute(n, "nodeset");
	struct cpumask nodes;

	if (!text || cpumask_parse((const char *)text, &nodes) < 0 || cpumask_empty(&nodes))
		return false;
	for (unsigned int node = KT_NODES_MAX; node < KT_CPUS_MAX; node++)
		if (cpumask_test(&nodes, node))
			return false;
	*ret = nodes.word[0];
	return true;
}

/* Restrictive only narrows the cpuset: pages still follow the threads, so it is an
 * envelope.  Every other mode, and libvirt's default is strict, is a decision about memory;
 * so is a place for each cell. */
static void read_memory(const xmlNode *n, struct domain_xml *x)
{
	if (!xml_attribute_is(n, "mode", "restrictive"))
		x->numa_policy = true;
	else if (virt_place_read_nodeset(n, &x->memory_nodes))
		x->has_memory_nodes = true;
	else if (xml_has_attribute(n, "nodeset"))
		x->numa_policy = true; /* what we cannot read is not ours to undercut */
}

void virt_place_read_numatune(const xmlNode *parent, struct domain_xml *x)
{
	for (const xmlNode *n = xml_first_child(parent); n; n = xml_next_element(n->next)) {
		if (xml_is_named(n, "memory"))
			read_memory(n, x);
		else if (xml_is_named(n, "memnode"))
			x->numa_policy = true;
		if (xml_attribute_is(n, "placement", "auto"))
			x->placement_auto = true;
	}
}

/* ---- cells --------------------------------------------------------------------------- */

/* libvirt prints KiB, whatever the admin wrote. */
static bool read_kib(const xmlNode *n, uint64_t *ret)
{
	XML_AUTO_TEXT xmlChar *memory = xml_attribute(n, "memory");

	return memory && (!xml_has_attribute(n, "unit") || xml_attribute_is(n, "unit", "KiB")) &&
	       str_u64((const char *)memory, ret) == 0;
}

/* Of a cell with memory only, no thread says where it should be. */
static bool read_cell(const xmlNode *n, unsigned int number, struct guest_cell *ret)
{
	XML_AUTO_TEXT xmlChar *id = xml_attribute(n, "id"), *cpus = xml_attribute(n, "cpus");
	struct guest_cell c = { 0 };
	uint64_t found;

	if (!id || str_u64((const char *)id, &found) < 0 || found != number)
		return false;
	if (!cpus || cpumask_parse((const char *)cpus, &c.vcpus) < 0 || cpumask_empty(&c.vcpus))
		return false;
	if (!read_kib(n, &c.memory_kib) || c.memory_kib == 0)
		return false;
	*ret = c;
	return true;
}

void virt_place_read_cells(const xmlNode *numa, struct domain_xml *x)
{
	for (const xmlNode *n = xml_first_child(numa); n; n = xml_next_element(n->next)) {
		if (!xml_is_named(n, "cell"))
			continue;
		if (x->ncells >= KT_CELLS_MAX || !read_cell(n, x->ncells, &x->cell[x->ncells]))
			x->odd_cells = true;
		else
			x->ncells++;
	}
}

/* A guest is placed cell by cell only when each vCPU has one cell: a vCPU without would
 * have no place, and libvirt gives those of old XML to the first cell without saying so. */
static bool cells_are_whole(const struct domain_xml *x)
{
	struct cpumask seen = { 0 };

	for (unsigned int i = 0; i < x->ncells; i++) {
		struct cpumask twice = cpumask_and(&seen, &x->cell[i].vcpus);

		if (!cpumask_empty(&twice))
			return false;
		seen = cpumask_or(&seen, &x->cell[i].vcpus);
	}
	for (unsigned int vcpu = 0; vcpu < x->max_vcpus; vcpu++)
		if (!cpumask_test(&seen, vcpu))
			return false;
	return x->max_vcpus > 0 && x->max_vcpus <= KT_CPUS_MAX;
}

void virt_place_check_cells(struct domain_xml *x)
{
	if (!x->odd_cells && cells_are_whole(x))
		return;
	x->ncells = 0;
	memset(x->cell, 0, sizeof x->cell);
}

/* ---- devices ------------------------------------------------------------------------- */

/* More than fit are left out: that costs locality, never correctness. */
static void add_device(struct domain_xml *x, const char *name)
{
	for (unsigned int i = 0; i < x->ndevices; i++)
		if (strcmp(x->device[i], name) == 0)
			return;
	if (x->ndevices < KT_DEVICES_MAX &&
	    str_format(x->device[x->ndevices], KT_DEVICE_MAX, "%s", name) == 0)
		x->ndevices++;
}

/* As the kernel has it: a name becomes part of a path. */
static bool is_interface_name(const char *name)
{
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (const char *s = name; *s; s++)
		if (*s == '/' || *s == ':' || isspace((unsigned char)*s))
			return false;
	return true;
}

static void add_interface(const xmlNode *source, const char *attribute, struct domain_xml *x)
{
	XML_AUTO_TEXT xmlChar *name = xml_attribute(source, attribute);

	if (name && is_interface_name((const char *)name))
		add_device(x, (const char *)name);
}

/* "0x3b", at most `max`; without 0x it is decimal, as libvirt reads it. */
static bool read_part(const xmlNode *address, const char *attribute, unsigned long max,
		      unsigned int *ret)
{
	XML_AUTO_TEXT xmlChar *text = xml_attribute(address, attribute);
	unsigned long value;
	char *end;

	if (!text || !isxdigit(text[0]))
		return false;
	errno = 0;
	value = strtoul((const char *)text, &end, 0);
	if (errno || *end || value > max)
		return false;
	*ret = (unsigned int)value;
	return true;
}

static void add_pci(const xmlNode *source, struct domain_xml *x)
{
	const xmlNode *address = xml_find_child(source, "address");
	unsigned int domain = 0, bus, slot, function;
	char name[32];

	if (!address || !read_part(address, "bus", 0xff, &bus) ||
	    !read_part(address, "slot", 0x1f, &slot) ||
	    !read_part(address, "function", 7, &function))
		return;
	if (xml_has_attribute(address, "domain") &&
	    !read_part(address, "domain", UINT32_MAX, &domain))
		return;
	if (str_format(name, sizeof name, "%04x:%02x:%02x.%x", domain, bus, slot, function) == 0)
		add_device(x, name);
}

/* libvirt prints what a network turned out to be: the bridge of one of its own networks,
 * the device of one that hands out functions of a card. */
void virt_place_read_device(const xmlNode *n, struct domain_xml *x)
{
	const xmlNode *source = xml_find_child(n, "source");

	if (!source)
		return;
	if (xml_is_named(n, "hostdev")) {
		if (xml_attribute_is(n, "type", "pci"))
			add_pci(source, x);
	} else if (xml_is_named(n, "disk")) {
		if (xml_attribute_is(n, "type", "nvme"))
			add_pci(source, x);
	} else if (xml_is_named(n, "interface")) {
		if (xml_attribute_is(n, "type", "hostdev"))
			add_pci(source, x);
		else if (xml_attribute_is(n, "type", "direct"))
			add_interface(source, "dev", x);
		else
			add_interface(source, "bridge", x);
	}
}
