/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a guest's XML say of its memory, in whatever unit? */
#include <ctype.h>
#include <strings.h>

#include "str.h"
#include "virt_audit.h"
#include "virt_domain.h"
#include "virt_place.h"
#include "virt_xml.h"

/* Bytes of libvirt's units; without one it is KiB.  0: no unit. */
static uint64_t unit_bytes(const char *unit)
{
	static const char letters[] = "kmgtpe";
	const char *at = strchr(letters, tolower((unsigned char)*unit));
	uint64_t bytes = 1, base = 0;

	if (!*unit)
		return 1024;
	if (strcasecmp(unit, "b") == 0 || strcasecmp(unit, "byte") == 0 ||
	    strcasecmp(unit, "bytes") == 0)
		return 1;
	if (!unit[1] || strcasecmp(unit + 1, "ib") == 0)
		base = 1024;
	else if (strcasecmp(unit + 1, "b") == 0)
		base = 1000;
	for (const char *letter = letters; at && letter <= at; letter++)
		bytes *= base;
	return at ? bytes : 0;
}

/* More than any machine has is no limit.  False: not understood. */
static bool scale_kib(const xmlNode *n, const xmlChar *text, uint64_t *ret)
{
	XML_AUTO_TEXT xmlChar *unit = xml_attribute(n, "unit");
	uint64_t bytes = unit_bytes(unit ? (const char *)unit : ""), value;

	if (!text || bytes == 0 || str_u64((const char *)text, &value) < 0)
		return false;
	if (__builtin_mul_overflow(value, bytes, &bytes))
		bytes = UINT64_MAX;
	bytes = bytes / 1024 + (bytes % 1024 != 0);
	*ret = bytes < VIRT_BEYOND_ANY_KIB ? bytes : KT_UNLIMITED_KIB;
	return true;
}

/* What is not there leaves *ret alone. */
static void read_kib(struct audit_reading *r, const xmlNode *n, uint64_t *ret)
{
	XML_AUTO_TEXT xmlChar *text = n ? xmlNodeGetContent(n) : NULL;

	if (n && !scale_kib(n, text, ret))
		r->odd = true;
}

static void read_hugepages(struct audit_reading *r, const xmlNode *hugepages)
{
	r->guest->hugepages = true;
	for (const xmlNode *n = xml_first_child(hugepages); n; n = xml_next_element(n->next)) {
		XML_AUTO_TEXT xmlChar *size = xml_attribute(n, "size");
		uint64_t kib;

		if (!xml_is_named(n, "page"))
			continue;
		if (!scale_kib(n, size, &kib))
			r->odd = true;
		else if (kib == 1024 * 1024)
			r->guest->hugepages_1g = true;
	}
}

static void read_backing(struct audit_reading *r, const xmlNode *backing)
{
	const xmlNode *hugepages = xml_find_child(backing, "hugepages");
	const xmlNode *source = xml_find_child(backing, "source");
	struct audit_guest *g = r->guest;

	if (hugepages)
		read_hugepages(r, hugepages);
	g->locked = xml_find_child(backing, "locked") != NULL;
	g->nosharepages = xml_find_child(backing, "nosharepages") != NULL;
	g->memfd_or_file = source && (xml_attribute_is(source, "type", "memfd") ||
				      xml_attribute_is(source, "type", "file"));
}

/* libvirt's default. */
static bool is_strict(const xmlNode *n)
{
	return !xml_has_attribute(n, "mode") || xml_attribute_is(n, "mode", "strict");
}

static void add_strict_nodes(struct audit_reading *r, const xmlNode *n)
{
	uint64_t nodes;

	if (virt_place_read_nodeset(n, &nodes))
		r->guest->strict_nodes |= nodes;
	else if (xml_has_attribute(n, "nodeset"))
		r->odd = true;
}

static void read_numatune(struct audit_reading *r, const xmlNode *numatune)
{
	struct audit_guest *g = r->guest;

	for (const xmlNode *n = xml_first_child(numatune); n; n = xml_next_element(n->next)) {
		if (xml_is_named(n, "memory"))
			g->numatune_strict = is_strict(n);
		else if (xml_is_named(n, "memnode"))
			g->memnodes_strict = g->memnodes_strict || is_strict(n);
		else
			continue;
		g->has_numatune = true;
		if (is_strict(n))
			add_strict_nodes(r, n);
		if (xml_attribute_is(n, "placement", "auto"))
			g->placement_auto = true;
	}
}

void virt_audit_read_memory(struct audit_reading *r, const xmlNode *root)
{
	const xmlNode *memtune = xml_find_child(root, "memtune");
	struct audit_guest *g = r->guest;

	read_kib(r, xml_find_child(root, "memory"), &g->memory_kib);
	g->current_kib = g->memory_kib;
	read_kib(r, xml_find_child(root, "currentMemory"), &g->current_kib);
	if (g->memory_kib == 0 || g->memory_kib == KT_UNLIMITED_KIB ||
	    g->current_kib > g->memory_kib)
		r->odd = true;
	g->hard_limit_kib = g->soft_limit_kib = g->swap_hard_limit_kib = KT_UNLIMITED_KIB;
	read_kib(r, xml_find_child(memtune, "hard_limit"), &g->hard_limit_kib);
	read_kib(r, xml_find_child(memtune, "soft_limit"), &g->soft_limit_kib);
	read_kib(r, xml_find_child(memtune, "swap_hard_limit"), &g->swap_hard_limit_kib);
	read_backing(r, xml_find_child(root, "memoryBacking"));
	read_numatune(r, xml_find_child(root, "numatune"));
}
